"""The page of a one-to-one: facts since the last one, the questions that they raise, and recording that it was held."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from portal.accounts.models import Role
from portal.accounts.queries import get_person
from portal.core import clock
from portal.core.db import session
from portal.core.errors import DomainError
from portal.core.transaction import own_transaction
from portal.journal.models import JournalEntry
from portal.mentoring import invariants, rules
from portal.mentoring.models import LearnerNote, OneToOne, TalkTakenBack
from portal.mentoring.rules import Ask
from portal.mentoring.service import one_to_ones
from portal.quizzes import queries as quizzes
from portal.quizzes.service.attempts import submit_attempt
from portal.training.models import Enrollment
from portal.training.queries import get_step
from portal.training.rules import StepKind, StepSpec
from portal.training.service import dates
from tests.beginnings import beginning
from tests.builders import Cast, make_grant, make_person
from tests.mentoring.builders import make_note, make_talk
from tests.quizzes import builders as sitting
from tests.training.builders import (
    acknowledge,
    load_holidays,
    make_cohort,
    make_documents,
    make_enrollment,
    make_plan,
    make_quiz,
    release,
)
from tests.training.test_sessions import AT, plan
from tests.training.test_sessions import STEPS as CIRCLES
from tests.training.test_training import document

MORNING = datetime(2026, 4, 28, 1, 0, tzinfo=UTC)
LATER = MORNING + timedelta(days=10)
LANGUAGES = ("en", "ja")


@pytest.fixture
@beginning
def enrollment(cast: Cast) -> Enrollment:
    load_holidays()
    make_documents()
    make_quiz()
    with clock.frozen(MORNING):
        return make_enrollment(cast.learner, make_plan(), cast.admin, cohort=make_cohort(cast.admin))


@pytest.fixture(autouse=True)
def _a_week_later(enrollment: Enrollment) -> Iterator[None]:
    with clock.frozen(LATER):
        yield


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_facts_tell_what_was_done_what_is_overdue_and_whom_it_waits_for(
    cast: Cast, enrollment: Enrollment, as_: Any, language: str
) -> None:
    with clock.frozen(MORNING + timedelta(days=2)):
        acknowledge(cast.learner, document("exposure"))
    page = as_(cast.lead, language=language).get("mentoring.agenda", code=enrollment.code)
    name = cast.lead.name_in(language)
    for words in {
        "en": (
            "Confirm “Exposure” Thu 30 Apr 2026 10:00",
            "Open; nothing comes before it.",
            f"Waits for {name}.",
            "Read “Impersonation”: what stands in the way?",
            "First talk: who will see to it, and on which day?",
            "What should be different by the next talk?",
        ),
        "ja": (
            "すぐに始められます。先に終える項目はありません。",
            f"{name}さんを待っています。",
            "次の1on1までに、変えたいことは何ですか。",
        ),
    }[language]:
        assert words in page.text
    assert page.heading.startswith({"en": "One-to-one: ", "ja": "1on1："}[language])


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_session_that_is_booked_is_told_with_its_day_is_not_overdue_and_asks_nothing(
    cast: Cast, as_: Any, language: str
) -> None:
    with clock.frozen(MORNING):
        booked = make_enrollment(cast.learner, make_plan("circles", cast.author, *CIRCLES), cast.admin)
    with clock.frozen(LATER - timedelta(hours=1)):
        plan(cast, booked, when=replace(AT, on=date(2026, 5, 12)))
    text = as_(cast.lead, language=language).get("mentoring.agenda", code=booked.code).text
    for words in {
        "en": ("Case circleRoom 3 Tue 12 May 10:00–11:00", "expected by now: 0"),
        "ja": ("事例検討会Room 3 5月12日（火） 10:00～11:00", "現時点の予定：0項目"),
    }[language]:
        assert words in text
    assert {"en": "Case circle: what stands", "ja": "事例検討会：進め"}[language] not in text
    assert {"en": "working day overdue", "ja": "営業日の超過"}[language] not in text
    # Once it is over without anybody having said who came, it is overdue from its day on.
    with clock.frozen(LATER + timedelta(days=5)):
        text = as_(cast.lead, language=language).get("mentoring.agenda", code=booked.code).text
    assert {"en": "Tue 12 May", "ja": "5月12日（火）"}[language] in text
    assert {"en": "1 working day overdue", "ja": "1営業日の超過"}[language] in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_facts_begin_with_the_last_talk_or_with_a_day_that_is_chosen(
    cast: Cast, enrollment: Enrollment, as_: Any, language: str
) -> None:
    with clock.frozen(MORNING + timedelta(days=2)):
        acknowledge(cast.learner, document("exposure"))
    make_talk(enrollment, cast.lead, date(2026, 5, 7))
    lead = as_(cast.lead, language=language)
    since = {"en": "Facts since Thu 7 May 2026", "ja": "2026年5月7日（木）からの記録"}[language]
    nothing = {"en": "Nothing was completed since then.", "ja": "この間に完了した項目はありません。"}[language]
    page = lead.get("mentoring.agenda", code=enrollment.code)
    assert since in page.text
    assert nothing in page.text
    chosen = lead.get("mentoring.agenda", code=enrollment.code, since="２０２６／０４／２８")
    assert nothing not in chosen.text


@pytest.mark.parametrize("given_day", ["tomorrow", "2026-13-01", "2026-05-09", "1999-01-01"])
def test_a_day_that_is_none_is_refused_in_words(cast: Cast, enrollment: Enrollment, as_: Any, given_day: str) -> None:
    page = as_(cast.lead, language="en").get("mentoring.agenda", code=enrollment.code, since=given_day, expect=400)
    assert "is no day" in page.text


def test_a_try_that_was_not_passed_is_told_with_the_score_that_she_may_know(
    cast: Cast, enrollment: Enrollment, as_: Any
) -> None:
    release(cast.learner, score="1/2", passed=False)
    text = as_(cast.learner, language="en").get("mentoring.agenda", code=enrollment.code).text
    assert "Check of impersonation, attempt 1 50 %" in text
    assert "The quiz does not show which clauses were missed." in text
    assert "What would help before the next try at “Check of impersonation”?" in text


@pytest.mark.parametrize(("show", "is_told"), [(("score", "correctness"), True), (("score",), False)])
def test_the_clauses_that_were_missed_are_named_where_the_quiz_shows_as_much(
    cast: Cast, as_: Any, show: tuple[str, ...], is_told: bool
) -> None:
    with clock.frozen(MORNING - timedelta(days=1)):
        sitting.make_quiz(cast.author, "told", show=show, wait_hours=0, wait_after_fails=0)
        step = StepSpec("check", StepKind.QUIZ, 3, quiz="told")
        told = make_enrollment(cast.learner, make_plan("told", None, step, phases=(), credential=None), cast.admin)
    attempt = sitting.begin(cast.learner, quizzes.get_quiz("told"))
    for position in range(1, quizzes.count_items(attempt) + 1):
        sitting.answer(attempt, position, sitting.wrong_answer(attempt, position))
    with own_transaction():
        submit_attempt(attempt=quizzes.get_attempt(attempt.code), person=attempt.person)
    text = as_(cast.learner, language="en").get("mentoring.agenda", code=told.code).text
    assert ("Clauses that were missed:" in text) == is_told
    assert ("clearer?" in text) == is_told


def test_what_moved_the_dates_stands_with_its_reason(cast: Cast, enrollment: Enrollment, as_: Any) -> None:
    with own_transaction():
        dates.extend_step(
            enrollment=session.merge(enrollment), step=get_step(enrollment, "read"), working_days=2,
            reason="Shift change", by=cast.lead,
        )  # fmt: skip
    text = as_(cast.learner, language="en").get("mentoring.agenda", code=enrollment.code).text
    assert "2 more working days for “Read ‘Impersonation’”" in text
    assert "Shift change" in text


# --- Recording ---------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_talk_is_recorded_with_its_note_and_stands_in_the_history(
    cast: Cast, enrollment: Enrollment, as_: Any, language: str
) -> None:
    lead = as_(cast.lead, language=language)
    sent = {"held_on": "２０２６/０５/０７", "text": "Two cases a day.", "readers": "shown"}
    lead.post("mentoring.record_one_to_one", sent, code=enrollment.code)
    talk = session.scalars(select(OneToOne)).one()
    note = session.scalars(select(LearnerNote)).one()
    assert (talk.held_on, talk.by_id) == (date(2026, 5, 7), cast.lead.id)
    assert (note.text, note.is_shown, note.one_to_one_id) == ("Two cases a day.", True, talk.id)
    page = as_(cast.learner, language=language).get("mentoring.notes", code=enrollment.code)
    assert {"en": "From the one-to-one of Thu 7 May 2026", "ja": "2026年5月7日（木）の1on1のメモ"}[
        language
    ] in page.text


def test_a_talk_without_a_note_asks_for_no_readers(cast: Cast, enrollment: Enrollment, as_: Any) -> None:
    as_(cast.lead).post("mentoring.record_one_to_one", {"held_on": "2026-05-08"}, code=enrollment.code)
    assert session.scalars(select(OneToOne.held_on)).all() == [date(2026, 5, 8)]
    assert session.scalar(select(LearnerNote.id)) is None


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("sent", "status", "said"),
    [
        ({"held_on": ""}, 400, {"en": "Choose the day.", "ja": "日付を選んでください。"}),
        ({"held_on": "2026-05-09"}, 400, {"en": "Choose a day from Tue 28 Apr 2026", "ja": "2026年4月28日（火）から"}),
        ({"held_on": "2026-04-27"}, 400, {"en": "to Fri 8 May 2026", "ja": "2026年5月8日（金）まで"}),
        (
            {"held_on": "2026-05-07", "text": "Kept words."},
            400,
            {"en": "Choose who can read it.", "ja": "誰が読めるかを選んでください。"},
        ),
        (
            {"held_on": "2026-05-06"},
            409,
            {"en": "A one-to-one on this day is recorded already.", "ja": "この日の1on1は、すでに記録されています。"},
        ),
    ],
)
def test_a_talk_that_cannot_be_recorded_is_refused_in_words(
    cast: Cast,
    enrollment: Enrollment,
    as_: Any,
    language: str,
    sent: dict[str, str],
    status: int,
    said: dict[str, str],
) -> None:
    make_talk(enrollment, cast.lead, date(2026, 5, 6))
    page = as_(cast.lead, language=language).post(
        "mentoring.record_one_to_one", sent, code=enrollment.code, expect=status
    )
    assert said[language] in page.text
    assert sent.get("text", "") in page.body
    assert len(session.scalars(select(OneToOne.id)).all()) == 1


def test_the_learner_opens_the_page_and_records_nothing(cast: Cast, enrollment: Enrollment, as_: Any) -> None:
    make_note(enrollment, cast.lead, "Only for us.", shown=False)
    learner = as_(cast.learner)
    page = learner.get("mentoring.agenda", code=enrollment.code)
    assert "Only for us." not in page.body
    assert not page.all("textarea")
    learner.post("mentoring.record_one_to_one", {"held_on": "2026-05-07"}, code=enrollment.code, expect=404)


def test_hidden_notes_are_not_printed(cast: Cast, enrollment: Enrollment, as_: Any) -> None:
    make_note(enrollment, cast.lead, "Only for us.", shown=False)
    make_note(enrollment, cast.lead, "For her.", shown=True)
    page = as_(cast.lead, language="en").get("mentoring.agenda", code=enrollment.code)
    printed = {
        next("".join(part.itertext()) for part in each.iter("p") if part.get("class") == "note__text"): "screen-only"
        not in each.get("class", "")
        for each in page.all("li", class_="note")
    }
    assert printed == {"Only for us.": False, "For her.": True}


def test_the_path_leads_supervisors_and_the_learner_there(cast: Cast, enrollment: Enrollment, as_: Any) -> None:
    href = f"/training/{enrollment.code}/one-to-one"
    assert href in as_(cast.lead).get("training.path", code=enrollment.code).links()
    assert href in as_(cast.learner).get("training.path", code=enrollment.code).links()
    assert href not in as_(cast.admin).get("training.path", code=enrollment.code).links()


# --- Rules -------------------------------------------------------------------------------------

names = st.lists(st.sampled_from("abcdef"), max_size=8)


@pytest.mark.any_database
@given(names, names, names, names, names, st.booleans(), st.integers(0, 2000))
def test_questions_are_few_each_asked_once_and_the_last_one_always(
    overdue: list[str],
    sent_back: list[str],
    clauses: list[str],
    tries: list[str],
    waiting: list[str],
    is_short: bool,
    minutes: int,
) -> None:
    found = rules.questions(
        overdue=overdue, sent_back=sent_back, clauses=clauses, tries=tries, waiting=waiting,
        is_short_of_time=is_short, minutes_ahead=minutes,
    )  # fmt: skip
    assert len(set(found)) == len(found)
    assert found[-1].ask is Ask.UNTIL_NEXT
    order = list(Ask)
    assert [order.index(each.ask) for each in found] == sorted(order.index(each.ask) for each in found)
    for ask, about in ((Ask.OVERDUE, overdue), (Ask.WAITING, waiting)):
        asked = [each.about for each in found if each.ask is ask]
        assert asked == list(dict.fromkeys(about))[: rules.MOST_OF_A_KIND]
    assert (Ask.TIME in {each.ask for each in found}) == is_short


@pytest.mark.any_database
def test_without_a_talk_two_weeks_are_told_and_nothing_before_the_first_day() -> None:
    today = date(2026, 5, 8)
    assert rules.facts_since([], date(2026, 4, 1), today) == date(2026, 4, 24)
    assert rules.facts_since([], date(2026, 5, 7), today) == date(2026, 5, 7)
    assert rules.facts_since([], date(2026, 6, 1), today) == today
    assert rules.facts_since([date(2026, 3, 2), date(2026, 5, 1)], date(2026, 4, 1), today) == date(2026, 5, 1)


# --- Taken back --------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_talk_of_a_wrong_day_is_recorded_on_the_right_one_and_stays_in_the_list_with_the_reason(
    cast: Cast, enrollment: Enrollment, as_: Any, language: str
) -> None:
    make_talk(enrollment, cast.lead, date(2026, 5, 7), "Two cases a day.", shown=True)
    lead, there = as_(cast.lead, language=language), {"code": enrollment.code, "day": "2026-05-07"}
    assert lead.url("mentoring.take_back_talk", **there) in lead.get("mentoring.notes", code=enrollment.code).links()
    lead.post("mentoring.take_back_talk", {"held_on": "2026-05-06", "reason": "Die Woche davor <war>."}, **there)
    wrong, right = session.scalars(select(OneToOne).order_by(OneToOne.id))
    assert (wrong.held_on, right.held_on, right.replaces_id) == (date(2026, 5, 7), date(2026, 5, 6), wrong.id)
    for person in (cast.lead, cast.learner):
        page = as_(person, language=language).get("mentoring.notes", code=enrollment.code)
        assert "Die Woche davor <war>." in page.text
        assert {
            "en": f"Taken back by {cast.lead.name_in('en')} on",
            "ja": f"{cast.lead.name_in('ja')}さんが取り消しました。",
        }[language] in page.text
        # What was noted of it goes with it.
        assert {"en": "From the one-to-one of Wed 6 May 2026", "ja": "2026年5月6日（水）の1on1のメモ"}[
            language
        ] in page.text
        facts = as_(person, language=language).get("mentoring.agenda", code=enrollment.code)
        assert {"en": "Facts since Wed 6 May 2026", "ja": "2026年5月6日（水）"}[language] in facts.text
    lead.get("mentoring.take_back_talk", **there, expect=404)
    acts = list(session.scalars(select(JournalEntry.action).order_by(JournalEntry.id.desc()).limit(2)))
    assert acts == ["mentoring.one_to_one_held", "mentoring.one_to_one_taken_back"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_talk_that_never_was_is_taken_back_and_counts_no_more(
    cast: Cast, enrollment: Enrollment, as_: Any, language: str
) -> None:
    make_talk(enrollment, cast.lead, date(2026, 5, 1))
    make_talk(enrollment, cast.lead, date(2026, 5, 7), "Two cases a day.", shown=True)
    lead = as_(cast.lead, language=language)
    lead.post("mentoring.take_back_talk", {"reason": "x"}, code=enrollment.code, day="2026-05-07")
    page = lead.get("mentoring.agenda", code=enrollment.code)
    assert {"en": "Facts since Fri 1 May 2026", "ja": "2026年5月1日（金）"}[language] in page.text
    assert {"en": "From a one-to-one that was taken back", "ja": "取り消された1on1のメモ"}[language] in page.text
    # The day is free again.
    make_talk(enrollment, cast.lead, date(2026, 5, 7))
    assert not invariants.a_day_is_held_once()


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"held_on": "2026-05-06", "reason": " "}, "理由を入力してください。"),
        ({"held_on": "2026-05-07", "reason": "x"}, "記録されている日と同じです。"),
        ({"held_on": "2026-05-01", "reason": "x"}, "この日の1on1は、すでに記録されています。"),
        ({"held_on": "2026-06-01", "reason": "x"}, "までの日を選んでください。"),
        ({"held_on": "2026-04-01", "reason": "x"}, "までの日を選んでください。"),
        ({"held_on": "x", "reason": "Typed."}, "日付"),
        ({"held_on": "", "reason": "x" * 2001}, "2000"),
    ],
)
def test_what_cannot_be_taken_back_so_is_refused_in_words_and_nothing_typed_is_lost(
    cast: Cast, enrollment: Enrollment, as_: Any, sent: dict[str, str], said: str
) -> None:
    for day in (1, 7):
        make_talk(enrollment, cast.lead, date(2026, 5, day))
    there = {"code": enrollment.code, "day": "2026-05-07"}
    status = 409 if sent["held_on"] == "2026-05-01" else 400
    page = as_(cast.lead, language="ja").post("mentoring.take_back_talk", sent, **there, expect=status)
    assert said in page.text
    assert sent["reason"].strip() in page.text
    assert session.scalar(select(func.count()).select_from(TalkTakenBack)) == 0
    assert len(session.scalars(select(OneToOne.id)).all()) == 2


@pytest.mark.parametrize("day", ["2026-05-06", "20260507", "x", "2026-13-01"])
def test_only_who_recorded_a_talk_takes_it_back(cast: Cast, enrollment: Enrollment, as_: Any, day: str) -> None:
    make_talk(enrollment, cast.lead, date(2026, 5, 7))
    as_(cast.lead).get("mentoring.take_back_talk", code=enrollment.code, day=day, expect=404)
    mentor = make_person("mentor@portal.example")
    make_grant(mentor, Role.MENTOR)
    for person in (mentor, cast.learner, cast.admin):
        as_(person).get("mentoring.take_back_talk", code=enrollment.code, day="2026-05-07", expect=404)
    there = as_(mentor).url("mentoring.take_back_talk", code=enrollment.code, day="2026-05-07")
    assert there not in as_(mentor).get("mentoring.notes", code=enrollment.code).links()


def test_a_talk_is_taken_back_once_however_often_it_is_asked(app: Flask, cast: Cast, enrollment: Enrollment) -> None:
    talk, by = make_talk(enrollment, cast.lead, date(2026, 5, 7)).id, cast.lead.code
    session.rollback()

    def take_back(_number: int) -> str:
        with app.app_context(), clock.frozen(LATER):
            row = session.get_one(OneToOne, talk)
            try:
                with own_transaction():
                    one_to_ones.take_back(talk=row, held_on=date(2026, 5, 6), reason="x", by=get_person(by))
            except DomainError as refused:
                return type(refused).__name__
            return "done"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(take_back, range(2))) == ["TalkGone", "done"]
    assert len(session.scalars(select(OneToOne.id)).all()) == 2


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_pause_that_was_taken_back_or_has_ended_says_so(
    cast: Cast, enrollment: Enrollment, as_: Any, language: str
) -> None:
    for first_on, resumes_on in ((date(2026, 5, 1), date(2026, 5, 1)), (date(2026, 5, 7), date(2026, 5, 8))):
        with own_transaction():
            dates.pause(enrollment=enrollment, first_on=first_on, reason="x", by=cast.lead)
            dates.resume(enrollment=enrollment, resumes_on=resumes_on, by=cast.lead)
    page = as_(cast.lead, language=language).get("mentoring.agenda", code=enrollment.code)
    for said in {
        "en": ("Pause from Fri 1 May 2026, taken back", "Paused from Thu 7 May 2026, resumed on Fri 8 May 2026"),
        "ja": ("2026年5月1日（金）からの休止（取り消し）", "2026年5月7日（木）から休止、2026年5月8日（金）に再開"),
    }[language]:
        assert said in page.text

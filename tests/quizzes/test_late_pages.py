"""What came after the end of an attempt: whom it is told, in which order, and what a release asks because of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from email import message_from_string, policy
from fractions import Fraction
from typing import Any
from unittest.mock import patch

import pytest

from portal.accounts.models import Person, Role
from portal.core import clock, jobs
from portal.core.db import session
from portal.core.transaction import own_transaction
from portal.gradebook.invariants import INVARIANTS as OF_GRADEBOOK
from portal.gradebook.queries import find_standing
from portal.gradebook.rules import State
from portal.journal.models import JournalEntry
from portal.quizzes import errors, queries
from portal.quizzes.invariants import INVARIANTS
from portal.quizzes.models import Attempt, AttemptState, EventKind, Release, SubmittedBy
from portal.quizzes.queries import appeals as appealed
from portal.quizzes.queries import supervision
from portal.quizzes.service import attempts as service
from portal.quizzes.service import voiding
from tests.builders import MORNING, Cast, make_grant, make_person
from tests.page_client import Page
from tests.quizzes.builders import (
    answer,
    answer_all,
    at,
    begin,
    make_accommodation,
    make_quiz,
    make_written,
    make_written_quiz,
    right_answer,
)
from tests.quizzes.test_staleness import _mails

pytestmark = pytest.mark.any_database


def _cut_off(cast: Cast, as_: Any, **terms: Any) -> Attempt:
    """Answer question 1, lose the connection after five minutes, and have it back 72 seconds after the end."""
    make_grant(cast.lead, Role.LEAD)
    with clock.frozen(MORNING):
        attempt = begin(cast.learner, make_quiz(cast.author, **{"release": Release.BY_HAND} | terms))
        answer(attempt, 1, right_answer(attempt, 1))
    browser = as_(cast.learner)
    with clock.frozen(at(minutes=16, seconds=12)):
        told = [
            {"kind": "offline", "key": "a", "age_ms": 672_000},
            {"kind": "online", "key": "b", "age_ms": 0},
            # After the end nobody looks away from anything.
            {"kind": "focus_lost", "key": "c", "age_ms": 0},
        ]
        for _again in range(2):
            browser.post_json("quizzes.note_page", {"page": "p", "events": told}, code=attempt.code)
        for position in (2, 3):
            body = {
                "position": position,
                "seq": 1,
                "idem_key": f"k{position}",
                "answer": right_answer(attempt, position),
            }
            reply = browser.post_json("quizzes.save_response", body, code=attempt.code)
            assert (reply.status_code, reply.json["outcome"]) == (410, "late")
    session.expire_all()
    return queries.get_attempt(attempt.code)


def test_that_the_connection_was_lost_is_told_after_the_end_once_and_stands_where_it_happened(
    cast: Cast, as_: Any
) -> None:
    attempt = _cut_off(cast, as_)
    events = queries.list_events(attempt)
    assert [
        each.kind for each in events if each.kind in (EventKind.OFFLINE, EventKind.ONLINE, EventKind.FOCUS_LOST)
    ] == [
        EventKind.OFFLINE,
        EventKind.ONLINE,
    ]
    lines = [each.get("data-sign") for each in as_(cast.lead).get("quizzes.supervision", code=attempt.code).all("li")]
    assert [each for each in lines if each] == [
        "step",
        "answer",
        "connection",
        "step",
        "step",
        "connection",
        "late",
        "late",
    ]
    text = as_(cast.lead).get("quizzes.supervision", code=attempt.code).text
    assert "The connection was interrupted for 11 min 12 s" in " ".join(text.split())
    with clock.frozen(at(minutes=17)):
        assert [line for check in INVARIANTS.values() for line in check()] == []


def test_what_a_page_tells_a_day_after_the_end_or_after_handing_in_changes_nothing(cast: Cast) -> None:
    attempt = begin(cast.learner, make_quiz(cast.author))
    other = begin(cast.colleague, make_quiz(cast.author, bank=False))
    with own_transaction():
        service.submit_attempt(attempt=other, person=cast.colleague)
    for each, later in ((attempt, timedelta(days=2)), (other, timedelta(0))):
        with clock.frozen(each.deadline_at + later), own_transaction():
            service.close_if_over(queries.lock_attempt(each.id), clock.now())
        before = len(queries.list_events(each))
        with clock.frozen(each.deadline_at + later + timedelta(seconds=9)), own_transaction():
            told = [service.Told(EventKind.ONLINE, "k", timedelta(0))]
            service.note_page(attempt=each, page="p", told=told)
        assert len(queries.list_events(each)) == before


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_learner_reads_what_was_not_received_and_what_happens_with_it(cast: Cast, as_: Any, language: str) -> None:
    attempt = _cut_off(cast, as_)
    text = as_(cast.learner, language=language).get("quizzes.result", code=attempt.code).text
    assert (
        "answers to questions 2, 3 were not received in time"
        if language == "en"
        else "設問2、3の最後の解答は時間内に届かず"
    ) in text
    assert (
        text.count(
            "not received in time: it came 1 min 12 s too late" if language == "en" else "時間内に届きませんでした（1分"
        )
        == 2
    )
    assert ("your lead has been told" if language == "en" else "リードに知らせてあります") in text
    with own_transaction():
        for refused in supervision.list_refused(attempt):
            service.accept_refused(attempt=attempt, refused=refused, reason="Line cut", by=cast.lead)
    text = as_(cast.learner, language=language).get("quizzes.result", code=attempt.code).text
    assert ("were not received in time" if language == "en" else "時間内に届かず") not in text
    assert (
        text.count("came 1 min 12 s too late, accepted" if language == "en" else "遅れて届き、受け付けられました") == 2
    )


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_lead_is_told_once_by_mail_and_on_today_and_in_the_live_list_until_it_is_decided(
    cast: Cast, as_: Any, app: Any, language: str
) -> None:
    attempt = _cut_off(cast, as_)
    lead = as_(cast.lead, language=language)
    words = "o 2 questions came too late" if language == "en" else "2問の解答が時間切れ後に届きました"
    with clock.frozen(at(minutes=20)):
        for endpoint, values in (("training.today", {}), ("quizzes.live", {"slug": "impersonation"})):
            page = lead.get(endpoint, **values)
            assert words in page.text
            links = [each.get("href") for each in page.all("a") if "/supervision#late" in (each.get("href") or "")]
            assert links
    jobs.run_due()
    mails = [message_from_string(each, policy=policy.default) for each in _mails(app)]
    late = [each["To"] for each in mails if "Answers came too late" in each["Subject"]]
    assert len(late) == 1
    assert cast.lead.sign_in_name in late[0]
    with own_transaction():
        for refused in supervision.list_refused(attempt):
            service.accept_refused(attempt=attempt, refused=refused, reason="Line cut", by=cast.lead)
    with clock.frozen(at(minutes=20)):
        assert words not in lead.get("training.today").text


def _lines(page: Page) -> list[str]:
    """Return the lines of the history that a page shows: its last list."""
    return [" ".join("".join(each.itertext()).split()) for each in page.all("ol")[-1].iter("li")]


@pytest.mark.parametrize("language", ["en", "ja"])
def test_what_was_handed_in_for_somebody_stands_at_her_end_and_says_when_it_was_noticed(
    cast: Cast, as_: Any, language: str
) -> None:
    make_grant(cast.lead, Role.LEAD)
    with clock.frozen(MORNING):
        attempt = begin(cast.learner, make_quiz(cast.author, release=Release.BY_HAND))
    browser, lead = as_(cast.learner, language=language), as_(cast.lead, language=language)
    with clock.frozen(at(minutes=47)):
        told = [{"kind": "online", "key": "b", "age_ms": 17 * 60_000}]
        browser.post_json("quizzes.note_page", {"page": "p", "events": told}, code=attempt.code)
        pages = [
            _lines(lead.get("quizzes.supervision", code=attempt.code)),
            _lines(browser.get("quizzes.result", code=attempt.code)),
        ]
    for lines in pages:
        # She began at 9:30, and her quarter of an hour was over at 9:45; it was noticed at 10:17.
        assert [line.split()[0][:8] for line in lines[:3]] == ["09:30:00", "09:45:00", "10:00:00"]
        assert ("Handed in automatically" if language == "en" else "自動で提出") in lines[1]
        assert ("noticed at 10:17:00" if language == "en" else "処理は10:17:00") in lines[1]
        assert "noticed" not in lines[0] + lines[2]


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_lead_declines_a_late_answer_for_a_reason_that_stands_and_is_not_asked_again(
    cast: Cast, as_: Any, language: str
) -> None:
    attempt = _cut_off(cast, as_)
    lead, learner = as_(cast.lead, language=language), as_(cast.learner, language=language)
    why = "The line was up" if language == "en" else "接続は切れていませんでした"
    card = "came too late" if language == "en" else "時間切れ後に届きました"
    points = attempt.markings[-1].points
    first, second = supervision.list_refused(attempt)
    with clock.frozen(at(minutes=20)):
        form = {"answer": first.code, "verdict": "decline"}
        lead.post("quizzes.accept_late", form, code=attempt.code, expect=400)
        lead.post("quizzes.accept_late", form | {f"accept-{first.code}-reason": why}, code=attempt.code)
        # What is decided is not decided again, in whichever way; the other answer still waits.
        for verdict in ("accept", "decline"):
            again = {"answer": first.code, "verdict": verdict, f"accept-{first.code}-reason": why}
            lead.post("quizzes.accept_late", again, code=attempt.code, expect=409)
        assert card in lead.get("training.today").text
        lead.post(
            "quizzes.accept_late",
            {"answer": second.code, "verdict": "decline", f"accept-{second.code}-reason": why},
            code=attempt.code,
        )
        assert card not in lead.get("training.today").text
        told = learner.get("quizzes.result", code=attempt.code).text
        assert told.count(why) == 4  # beside the result and in the history, for each of the two
        assert ("does not count" if language == "en" else "受け付けられませんでした") in told
        assert [line for check in INVARIANTS.values() for line in check()] == []
    session.expire_all()
    after = queries.get_attempt(attempt.code)
    assert after.markings[-1].points == points
    assert [each.kind for each in queries.list_events(after)][-2:] == [EventKind.DECLINED] * 2
    entries = session.query(JournalEntry).filter_by(action="quizzes.answer_declined").all()
    assert [each.reason for each in entries] == [why] * 2


def test_late_answers_to_a_result_that_is_out_are_no_matter_of_today(cast: Cast, as_: Any) -> None:
    attempt = _cut_off(cast, as_, release=Release.AT_ONCE)
    assert attempt.state is AttemptState.RELEASED
    lead = as_(cast.lead, language="en")
    with clock.frozen(at(minutes=20)):
        assert "came too late" not in lead.get("training.today").text
        page = lead.get("quizzes.supervision", code=attempt.code)
        assert "nothing can be decided about them any more" in page.text
        (refused, _other) = supervision.list_refused(attempt)
        with pytest.raises(errors.ResultIsOut), own_transaction():
            service.decline_refused(attempt=attempt, refused=refused, reason="Late", by=cast.lead)


@pytest.mark.parametrize("language", ["en", "ja"])
def test_results_are_not_released_over_late_answers_without_having_read_of_them(
    cast: Cast, as_: Any, language: str
) -> None:
    attempt = _cut_off(cast, as_)
    author = as_(cast.author, language=language)
    page = author.get("quizzes.release", slug="impersonation")
    assert ("Answers to 2 questions came too late" if language == "en" else "2問の解答が時間切れ後に届き") in page.text
    known = page.one("input", name="without_late").get("value")
    for given in ({}, {"without_late": "1:7"}):
        refused = author.post("quizzes.release_results", given, slug="impersonation", expect=409)
        assert ("wait for a decision" if language == "en" else "受け付けるかどうか決まっていない") in refused.text
    session.expire_all()
    assert queries.get_attempt(attempt.code).state is AttemptState.MARKED
    author.post("quizzes.release_results", {"without_late": known}, slug="impersonation")
    session.expire_all()
    assert queries.get_attempt(attempt.code).state is AttemptState.RELEASED


def test_a_page_that_sends_itself_after_the_end_is_not_called_the_learners_act(cast: Cast, as_: Any) -> None:
    with clock.frozen(MORNING):
        attempt = begin(cast.learner, make_quiz(cast.author))
    browser = as_(cast.learner, language="en")
    with clock.frozen(at(minutes=15, seconds=1)):
        browser.post("quizzes.send_page", {"action": "submit", "form_key": "f", "leaves": "1 2 3 4"}, code=attempt.code)
    session.expire_all()
    attempt = queries.get_attempt(attempt.code)
    assert (attempt.submitted_by, attempt.finished_at) == (SubmittedBy.SWEEP, attempt.deadline_at)
    text = browser.get("quizzes.result", code=attempt.code).text
    assert "automatically, when the time was up" in text
    entry = session.query(JournalEntry).filter_by(action="quizzes.attempt_submitted").one()
    assert entry.after["by"] == "sweep"


def test_a_save_to_a_void_attempt_says_that_it_is_void(cast: Cast, as_: Any) -> None:
    attempt = begin(cast.colleague, make_quiz(cast.author))
    with own_transaction():
        service.void_attempt(attempt=attempt, reason="Another sat it", by=cast.lead)
    body = {"position": 1, "seq": 1, "idem_key": "k", "answer": right_answer(attempt, 1)}
    reply = as_(cast.colleague).post_json("quizzes.save_response", body, code=attempt.code)
    assert (reply.status_code, reply.json["state"]) == (409, "voided")
    assert "made void" in reply.json["message"]


@pytest.mark.parametrize("wrong", [None, "a", 1, [], [1], {"answer": None}, {"answer": "a"}, {"answer": [1]}])
def test_what_is_no_answer_is_refused_and_empties_nothing(cast: Cast, as_: Any, wrong: Any) -> None:
    attempt = begin(cast.learner, make_quiz(cast.author))
    answer(attempt, 1, right_answer(attempt, 1))
    body = {"position": 1, "seq": 2, "idem_key": "k", "answer": wrong}
    assert as_(cast.learner).post_json("quizzes.save_response", body, code=attempt.code).status_code == 400
    assert [item.response.seq for item in queries.list_items(attempt) if item.response] == [1]


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_time_that_is_promised_is_told_to_the_second(cast: Cast, as_: Any, language: str) -> None:
    make_accommodation(cast.learner, Fraction(3, 2))
    version = make_quiz(cast.author, time_limit_minutes=1)
    browser = as_(cast.learner, language=language)
    words = "1 min 30 s" if language == "en" else "1分30秒"
    assert words in browser.get("quizzes.show", slug="impersonation").text
    assert words in browser.get("quizzes.index").text
    attempt = begin(cast.learner, version)
    assert attempt.deadline_at - attempt.started_at == timedelta(seconds=90)


def test_the_list_of_quizzes_says_until_when_she_can_start_with_the_time_that_is_agreed(cast: Cast, as_: Any) -> None:
    make_accommodation(cast.learner, Fraction(3, 2))
    make_quiz(cast.author, time_limit_minutes=10, closes_at=at(minutes=30))
    with clock.frozen(at(minutes=32)):
        assert "Open until" in as_(cast.learner, language="en").get("quizzes.index").text
        assert "Closed on" in as_(cast.colleague, language="en").get("quizzes.index").text
        attempt = begin(cast.learner, queries.get_quiz("impersonation"), accepts_cut=True)
    with clock.frozen(at(minutes=34)):
        # What runs is not open or closed.
        text = as_(cast.learner, language="en").get("quizzes.index").text
        assert not [each for each in ("Closed on", "Open until") if each in text]
        assert attempt.deadline_at == at(minutes=35)


# --- a result that is out, made void by two people ----------------------------------------------


def _passed(cast: Cast) -> tuple[Attempt, Person]:
    """Let somebody pass a quiz that releases at once, and give her two leads."""
    make_grant(cast.lead, Role.LEAD)
    second = make_person("second.lead@portal.example")
    make_grant(second, Role.LEAD)
    with clock.frozen(MORNING):
        attempt = begin(cast.learner, make_quiz(cast.author, attempts_allowed=1))
        answer_all(attempt)
        with own_transaction():
            service.submit_attempt(attempt=attempt, person=cast.learner)
    return queries.get_attempt(attempt.code), second


def _standing(attempt: Attempt) -> Any:
    session.expire_all()
    return find_standing(attempt.person, queries.get_quiz("impersonation"))


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_result_that_is_out_is_made_void_by_two_people_and_the_learner_is_told(
    cast: Cast, as_: Any, language: str
) -> None:
    attempt, second = _passed(cast)
    why = "Somebody else sat it" if language == "en" else "別の人が受験した"
    assert _standing(attempt).state is State.PASSED
    lead, other = as_(cast.lead, language=language), as_(second, language=language)
    with clock.frozen(at(minutes=30)):
        lead.post("quizzes.void", {"void-reason": ""}, code=attempt.code, expect=400)
        lead.post("quizzes.void", {"void-reason": why}, code=attempt.code)
        # Asked for, it counts as before; neither who asks nor the learner confirms.
        assert _standing(attempt).state is State.PASSED
        lead.post("quizzes.void", {"void-reason": "Again"}, code=attempt.code, expect=409)
        lead.post("quizzes.confirm_void", code=attempt.code, expect=409)
        as_(cast.learner).post("quizzes.confirm_void", code=attempt.code, expect=404)
        words = "asks that it be made void" if language == "en" else "無効にする申請があり"
        assert words in other.get("training.today").text
        assert words not in lead.get("training.today").text
        assert why in other.get("quizzes.supervision", code=attempt.code).text
        other.post("quizzes.confirm_void", code=attempt.code)
        other.post("quizzes.confirm_void", code=attempt.code, expect=409)
        assert _standing(attempt).state is State.NOT_BEGUN
        # It is no try either: she may sit the quiz again.
        learner = as_(cast.learner, language=language)
        assert why in learner.get("quizzes.result", code=attempt.code).text
        assert learner.get("quizzes.show", slug="impersonation").all("form", action="/quizzes/impersonation/attempts")
        assert why in learner.get("gradebook.transcript").text
        assert words not in other.get("training.today").text
        assert [line for check in (INVARIANTS | OF_GRADEBOOK).values() for line in check()] == []
    assert jobs.find_job(f"mail:quizzes.attempt_voided:{attempt.code}") is not None


def test_a_request_to_make_void_can_be_declined_or_taken_back_for_a_reason_and_asked_anew(cast: Cast, as_: Any) -> None:
    attempt, second = _passed(cast)
    for by in (cast.lead, second):
        as_(cast.lead).post("quizzes.void", {"void-reason": "Somebody else sat it"}, code=attempt.code)
        if by is second:
            # Who declines what another asked for says why; who takes her own request back may leave it open.
            as_(by).post("quizzes.decline_void", {"decline-note": ""}, code=attempt.code, expect=400)
        as_(by).post("quizzes.decline_void", {"decline-note": "She did"}, code=attempt.code)
        as_(by).post("quizzes.decline_void", {"decline-note": "She did"}, code=attempt.code, expect=409)
        assert _standing(attempt).state is State.PASSED
    # Who asked reads what became of it, and why.
    page = as_(cast.lead, language="en").get("quizzes.supervision", code=attempt.code)
    assert "What was asked before" in page.text
    assert "Taken back on" in page.text
    assert f"Declined by {second.name_in('en')} on" in page.text
    assert page.text.count("She did") == 2


def test_nobody_asks_that_an_attempt_of_her_own_be_made_void(cast: Cast) -> None:
    attempt, second = _passed(cast)
    with pytest.raises(errors.OwnResult), own_transaction():
        voiding.ask_void(attempt=attempt, reason="Bad day", by=cast.learner)
    with own_transaction():
        voiding.ask_void(attempt=attempt, reason="Somebody else sat it", by=second)
    with pytest.raises(errors.OwnResult), own_transaction():
        voiding.confirm_void(attempt=attempt, by=cast.learner)


@pytest.mark.parametrize("language", ["en", "ja"])
def test_of_a_void_that_two_people_made_each_is_told_with_her_own_part(
    cast: Cast, as_: Any, app: Any, language: str
) -> None:
    attempt, second = _passed(cast)
    why = "Somebody else sat it" if language == "en" else "別の人が受験した"
    lead, other = as_(cast.lead, language=language), as_(second, language=language)
    with own_transaction():
        second.language = language
    with clock.frozen(at(minutes=30)):
        lead.post("quizzes.void", {"void-reason": why}, code=attempt.code)
        jobs.run_due()
        other.post("quizzes.confirm_void", code=attempt.code)
    asker, name = cast.lead.name_in(language), second.name_in(language)
    page = other.get("quizzes.supervision", code=attempt.code)
    line = _lines(page)[-1]
    if language == "en":
        assert line.endswith(f"Made void: {asker} asked for it ({why}), and {name} confirmed it")
        assert f"{asker} asked for it and {name} confirmed it." in page.text
    else:
        assert line.endswith(f"無効になりました（申請：{asker}さん「{why}」、承認：{name}さん）")
        assert f"（申請：{asker}さん、承認：{name}さん）" in page.text
    # Who was wanted as the second person had a mail; who asked had none.
    mails = [message_from_string(each, policy=policy.default) for each in _mails(app)]
    subject = "A second person is needed" if language == "en" else "二人目の確認のお願い"
    (mail,) = [each for each in mails if subject in each["Subject"]]
    assert second.sign_in_name in mail["To"]
    body = mail.get_body(("plain",)).get_content()
    assert all(each in body for each in (asker, why, f"/attempts/{attempt.code}/supervision"))


@pytest.mark.parametrize("language", ["en", "ja"])
def test_an_appeal_ends_with_the_attempt_that_is_made_void_and_who_made_it_is_told(
    cast: Cast, as_: Any, app: Any, language: str
) -> None:
    attempt, second = _passed(cast)
    why = "Somebody else sat it" if language == "en" else "別の人が受験した"
    with own_transaction():
        cast.learner.language = language
    words = "Both are right." if language == "en" else "どちらも正しいと思います。"
    learner, author = as_(cast.learner, language=language), as_(cast.author, language=language)
    with clock.frozen(at(minutes=30)):
        learner.post("quizzes.make_appeal", {"words": words}, code=attempt.code, position=2)
        as_(cast.lead).post("quizzes.void", {"void-reason": why}, code=attempt.code)
        assert appealed.count_open_for(cast.author) == 1
        as_(second).post("quizzes.confirm_void", code=attempt.code)
        assert appealed.count_open_for(cast.author) == 0
        (appeal,) = appealed.list_appeals_for(cast.author, is_open=False)
        jobs.run_due()
        told = learner.get("quizzes.result", code=attempt.code).text
        reply = {"verdict": "rejected", "answer": "A is wrong."}
        author.post("quizzes.answer_appeal", reply, code=appeal.code, expect=409)
        assert [line for check in INVARIANTS.values() for line in check()] == []
    ended = "ended without an answer" if language == "en" else "回答なしで終了しました"
    assert ended in told
    assert words in told
    outcome = "Ended without an answer" if language == "en" else "回答なしで終了（受験の無効）"
    assert outcome in author.get("quizzes.appeals").text
    assert outcome in author.get("quizzes.appeal", code=appeal.code).text
    mails = [message_from_string(each, policy=policy.default) for each in _mails(app)]
    (body,) = [
        each.get_body(("plain",)).get_content()
        for each in mails
        if ("Attempt made void" if language == "en" else "無効になりました") in each["Subject"]
    ]
    assert ("appeal about question 2 ends with it" if language == "en" else "設問2についての異議申し立ては") in body


# --- a text that has to be of some length --------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("short", {"en": "too short by 35 characters", "ja": "35文字不足"}),
        ("x" * 39, {"en": "too short by 1 character", "ja": "1文字不足"}),
        ("x" * 500, {"en": "too long by 100 characters", "ja": "100文字超過"}),
        ("x" * 50, None),
    ],
)
def test_a_text_of_another_length_is_told_so_in_the_overview_before_handing_in_and_in_the_receipt(
    cast: Cast, as_: Any, text: str, words: dict[str, str] | None, language: str
) -> None:
    essay = make_written("free_text")
    essay = replace(essay, parts=(replace(essay.parts[0], least=40, most=400),))
    with patch("tests.quizzes.builders.make_written", lambda kind: essay):
        attempt = begin(cast.colleague, make_written_quiz(cast.author, ("free_text",)))
    browser = as_(cast.colleague, language=language)
    answer(attempt, 1, {essay.parts[0].id: [text]})
    said = words[language] if words else ""
    page = browser.get("quizzes.attempt", code=attempt.code, hand_in="1")
    place, listed = page.all("a", **{"data-number": "1"})[0], page.one("div", **{"data-left": "length"})
    assert said in "".join(place.itertext())
    assert (place.get("data-state"), place.get("data-words") or "") == ("length" if words else "answered", said)
    assert (said in "".join(listed.itertext()), listed.get("hidden") is None) == (True, bool(words))
    assert page.one("div", **{"data-left": "partly"}).get("hidden") is not None
    with own_transaction():
        service.submit_attempt(attempt=attempt, person=cast.colleague)
    receipt = browser.get("quizzes.result", code=attempt.code).text
    assert said in receipt
    assert ("only some parts" if language == "en" else "一部のみ") not in receipt


@pytest.mark.parametrize(("text", "words"), [("short", "35 more needed"), ("x" * 500, "100 too many"), ("x" * 50, "")])
def test_a_text_of_another_length_than_asked_for_is_told_at_the_field_and_before_handing_in(
    cast: Cast, as_: Any, text: str, words: str
) -> None:
    essay = make_written("free_text")
    essay = replace(essay, parts=(replace(essay.parts[0], least=40, most=400),))
    with patch("tests.quizzes.builders.make_written", lambda kind: essay):
        attempt = begin(cast.colleague, make_written_quiz(cast.author, ("free_text",)))
    browser = as_(cast.colleague)
    answer(attempt, 1, {essay.parts[0].id: [text]})
    page = browser.get("quizzes.attempt", code=attempt.code)
    assert ("more needed" in page.text.replace(words, ""), "too many" in page.text.replace(words, "")) == (False, False)
    assert words in page.text
    form = {"form_key": "f", "action": "submit", "seq-1": "1", f"q1-{essay.parts[0].id}": text}
    location = browser.post("quizzes.send_page", form, code=attempt.code).headers["Location"]
    # It is named before it is handed in; the second time it is.
    assert ("hand_in=1" in location) == bool(words)

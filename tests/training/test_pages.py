"""The learner's pages and the queue of sign-offs, as people see them in both languages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from portal.accounts.models import Person, Role, Scope
from portal.acknowledgements.models import AcknowledgementRequest
from portal.calendars import service as calendars
from portal.core import clock, jobs
from portal.core.db import session
from portal.core.i18n import Words
from portal.core.mail import _builders, render
from portal.core.transaction import own_transaction
from portal.library.queries import find_document
from portal.training import queries
from portal.training.models import Enrollment, SignOff, StepExtension
from portal.training.rules import Doer, StepKind, StepSpec
from tests.acknowledgements import builders as acknowledgements
from tests.beginnings import beginning
from tests.builders import Cast, make_grant, make_person, make_team, save
from tests.page_client import Page
from tests.queries import counted_queries
from tests.training.builders import (
    STEPS,
    acknowledge,
    confirm_reading,
    load_holidays,
    make_cohort,
    make_documents,
    make_enrollment,
    make_plan,
    make_quiz,
    make_version,
    release,
)
from tests.training.test_training import document

MORNING = datetime(2026, 4, 28, 1, 0, tzinfo=UTC)
LANGUAGES = ("en", "ja")


@pytest.fixture
@beginning
def _documents(cast: Cast) -> None:
    load_holidays()
    make_documents()
    make_quiz()


@pytest.fixture(autouse=True)
def _start_of_the_plan(_documents: None) -> Iterator[None]:
    with clock.frozen(MORNING):
        yield


@pytest.fixture
@beginning
def enrollment(cast: Cast) -> Enrollment:
    return make_enrollment(cast.learner, make_plan(), cast.admin, cohort=make_cohort(cast.admin))


def failed(person: Person) -> None:
    """Let the person be given the result of an attempt that she did not pass."""
    release(person, score="1/2", passed=False)


def posts(page: Page) -> list[tuple[str, str]]:
    """Return the state and the title of each post of the page's paths."""
    return [
        (
            post.get("data-state", ""),
            " ".join(next("".join(e.itertext()) for e in post.iter() if "post__title" in e.get("class", "")).split()),
        )
        for post in page.all("li", class_="post")
    ]


# --- Today -----------------------------------------------------------------------------------


def test_today_shows_what_to_do_in_order_and_why_the_rest_is_locked(
    cast: Cast, enrollment: Enrollment, as_: Any
) -> None:
    page = as_(cast.learner, language="en").get("training.today")
    assert page.heading == "Today"
    assert posts(page) == [
        ("today", "Confirm “Exposure”"),
        ("locked", "Read “Impersonation”"),
        ("locked", "Check of impersonation"),
        ("ahead", "Read “Background”"),
    ]
    assert "Working day 1 of 6" in page.text
    assert "Opens after: Confirm “Exposure”" in page.text
    assert "20 min" in page.text
    assert "Expected by now: 0 of 5" in page.text
    assert "/library/exposure" in page.links()


def test_today_names_whom_to_ask(cast: Cast, enrollment: Enrollment, as_: Any) -> None:
    page = as_(cast.learner, language="en").get("training.today")
    assert f"mailto:{cast.lead.sign_in_name}" in page.links()
    assert f"mailto:{cast.admin.sign_in_name}" not in page.links()


@pytest.mark.parametrize("language", LANGUAGES)
def test_today_never_shows_more_than_five_things(cast: Cast, as_: Any, language: str) -> None:
    steps = [StepSpec(f"s{number}", StepKind.READ, number, document="exposure") for number in range(9)]
    make_enrollment(cast.learner, make_plan("long", cast.author, *steps), cast.admin)
    page = as_(cast.learner, language=language).get("training.today")
    assert len(posts(page)) == 5
    # Every number says of what it is a part, and leads to all of it.
    assert {
        "en": "The next 5 of your 9 steps. The whole path with all 9 steps",
        "ja": "自分で行う9項目のうち、次の5項目です。 全体を見る（全9項目）",
    }[language] in page.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_date_explains_itself_with_every_day_that_was_not_counted(
    cast: Cast, enrollment: Enrollment, as_: Any, language: str
) -> None:
    page = as_(cast.learner, language=language).get("training.today")
    explained = next(
        " ".join("".join(details.itertext()).split())
        for details in page.all("details", class_="date")
        if details.find(".//time[@datetime='2026-05-07']") is not None
    )
    wanted = {
        "en": ["3 working days after the plan begins, Tue 28 Apr 2026.", "Showa Day", "Greenery Day", "Weekend"],
        "ja": [
            "開始日（2026年4月28日（火））の3営業日後です。",
            "昭和の日",
            "憲法記念日",
            "みどりの日",
            "こどもの日",
            "振替休日",
            "週末",
        ],
    }[language]
    for words in wanted:
        assert words in explained


def test_a_date_with_leave_and_more_time_says_both(cast: Cast, enrollment: Enrollment, as_: Any) -> None:
    with own_transaction():
        calendars.record_leave(person=cast.learner, first_on=date(2026, 4, 30), last_on=date(2026, 4, 30), by=cast.lead)
    save(
        StepExtension(
            enrollment_id=enrollment.id,
            step_id=queries.get_step(enrollment, "read").id,
            working_days=1,
            reason="shift change",
            by=cast.lead,
            at=MORNING,
        )
    )
    page = as_(cast.learner, language="en").get("training.today")
    assert "Leave" in page.text
    assert f"1 more working day from {cast.lead.name_in('en')} (shift change): Thu 7 May 2026" in page.text
    assert cast.lead.full_name not in page.text
    page = as_(cast.learner, language="ja").get("training.today")
    assert f"{cast.lead.full_name}さん" in page.text


def test_today_shows_what_waits_for_others_and_for_whom(cast: Cast, enrollment: Enrollment, as_: Any) -> None:
    acknowledge(cast.learner, document("exposure"))
    page = as_(cast.learner, language="en").get("training.today")
    assert ("waiting", "First talk") in posts(page)
    assert f"Waiting for {cast.lead.name_in('en')} since Tue 28 Apr 2026 10:00." in page.text


def test_a_late_step_is_called_overdue(cast: Cast, enrollment: Enrollment, as_: Any) -> None:
    with clock.frozen(MORNING + timedelta(days=2)):
        page = as_(cast.learner, language="en").get("training.today")
    assert posts(page)[0] == ("overdue", "Confirm “Exposure”")
    assert "1 step overdue" in page.text


def test_before_the_first_day_today_says_when_it_begins(cast: Cast, enrollment: Enrollment, as_: Any) -> None:
    with clock.frozen(MORNING - timedelta(days=4)):
        page = as_(cast.learner, language="en").get("training.today")
    assert "Day 1 is Tue 28 Apr" in page.text
    assert "The first steps are open already." in page.text
    assert posts(page)[0][0] == "ahead"


@pytest.mark.parametrize("language", LANGUAGES)
def test_without_a_plan_today_says_what_will_happen(cast: Cast, as_: Any, language: str) -> None:
    page = as_(cast.learner, language=language).get("training.today")
    assert ("No training plan yet" if language == "en" else "研修計画はまだありません") in page.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_when_all_is_done_today_leads_to_the_certificate(cast: Cast, as_: Any, language: str) -> None:
    make_enrollment(cast.learner, make_plan("short", cast.author, STEPS[0]), cast.admin)
    acknowledge(cast.learner, document("exposure"))
    page = as_(cast.learner, language=language).get("training.today")
    assert ("Everything is done" if language == "en" else "すべて完了しました") in page.text
    assert "/certificates" in page.links()


def test_a_missing_holiday_year_is_said_and_not_guessed(cast: Cast, enrollment: Enrollment, as_: Any) -> None:
    with clock.frozen(datetime(2032, 1, 6, tzinfo=UTC)):
        page = as_(cast.learner, language="en").get("training.today")
    assert "The dates cannot be computed: the holiday table of JP does not know 2032." in page.text


def test_today_asks_the_same_of_the_database_for_any_number_of_steps(cast: Cast, as_: Any) -> None:
    def steps(number: int) -> list[StepSpec]:
        return [
            StepSpec(
                f"s{each}",
                StepKind.SIGN_OFF if each % 3 == 2 else StepKind.READ,
                each,
                document=None if each % 3 == 2 else "exposure",
                title=None if each % 3 != 2 else STEPS[3].title,
                by=Doer.LEAD if each % 3 == 2 else Doer.LEARNER,
            )
            for each in range(number)
        ]

    make_enrollment(cast.learner, make_plan("few", cast.author, *steps(6)), cast.admin)
    make_enrollment(cast.colleague, make_plan("many", cast.author, *steps(12)), cast.admin)
    browsers = [as_(cast.learner), as_(cast.colleague)]
    counts = []
    for _round in range(2):
        counts = []
        for browser in browsers:
            session.expire_all()
            with counted_queries() as statements:
                browser.get("training.today")
            counts.append(len(statements))
    assert counts[0] == counts[1]
    assert counts[0] <= 22


# --- The path --------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_path_shows_every_state(cast: Cast, enrollment: Enrollment, as_: Any, language: str) -> None:
    acknowledge(cast.learner, document("exposure"))
    page = as_(cast.learner, language=language).get("training.path", code=enrollment.code)
    assert [state for state, _title in posts(page)] == ["ahead", "done", "today", "locked", "waiting", "locked"] or [
        state for state, _title in posts(page)
    ] == ["today", "done", "ahead", "locked", "waiting", "locked"]
    assert [" ".join("".join(each.itertext()).split()) for each in page.all("h2")][:2]


def test_the_path_tells_what_was_done_with_version_and_score(cast: Cast, enrollment: Enrollment, as_: Any) -> None:
    acknowledge(cast.learner, document("exposure"))
    release(cast.learner)
    page = as_(cast.learner, language="en").get("training.path", code=enrollment.code)
    assert "Done on Tue 28 Apr 2026 10:00, version 1.0." in page.text
    assert "Passed on Tue 28 Apr 2026 10:00 with 90 %." in page.text


def test_a_path_is_seen_by_the_learner_and_those_who_lead_her(cast: Cast, enrollment: Enrollment, as_: Any) -> None:
    for name, person in cast.everyone().items():
        sees = name in ("learner", "lead", "admin")
        as_(person, language="en").get("training.path", code=enrollment.code, expect=200 if sees else 404)
    as_(cast.learner, language="en").get("training.path", code="NOTHING", expect=404)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_lead_reads_whose_path_it_is(cast: Cast, enrollment: Enrollment, as_: Any, language: str) -> None:
    page = as_(cast.lead, language=language).get("training.path", code=enrollment.code)
    assert cast.learner.name_in(language) in page.heading
    assert "/library/exposure" not in page.links()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_list_of_plans_shows_those_going_on_and_those_done(
    cast: Cast, enrollment: Enrollment, as_: Any, language: str
) -> None:
    make_enrollment(cast.learner, make_plan("short", cast.author, STEPS[0]), cast.admin)
    acknowledge(cast.learner, document("exposure"))
    page = as_(cast.learner, language=language).get("training.index")
    assert "1 / 5" in page.text
    assert "1 / 1" in page.text
    as_(cast.colleague, language=language).get("training.index")


# --- Sign-offs -------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_lead_signs_off_from_the_queue(cast: Cast, enrollment: Enrollment, as_: Any, language: str) -> None:
    acknowledge(cast.learner, document("exposure"))
    lead = as_(cast.lead, language=language)
    queue = lead.get("training.list_sign_offs")
    assert f"/sign-offs/{enrollment.code}/talk" in queue.links()
    shown = lead.get("training.sign_off", code=enrollment.code, slug="talk")
    assert cast.learner.name_in(language) in shown.text
    lead.post(
        "training.sign_off",
        {"statement": "すべて確認しました。", "act": "sign_off"},
        code=enrollment.code,
        slug="talk",
    )
    assert cast.learner.name_in(language) in lead.get("training.list_sign_offs").text
    seen = as_(cast.learner, language=language).get("training.path", code=enrollment.code)
    assert "すべて確認しました。" in seen.text


@pytest.mark.parametrize(
    ("here", "button", "said"),
    [("en", "Record that it took place", "Recorded by"), ("ja", "行ったことを記録する", "に記録")],
)
def test_a_talk_is_recorded_without_a_word_about_it(cast: Cast, as_: Any, here: str, button: str, said: str) -> None:
    steps = (
        StepSpec(
            "talk", StepKind.SIGN_OFF, 0, title=Words("First talk", "最初の面談"), by=Doer.MENTOR, asks_statement=False
        ),
    )
    version = make_plan("talks", None, *steps, phases=())
    enrollment = make_enrollment(cast.learner, version, cast.admin, cohort=make_cohort(cast.admin))
    lead = as_(cast.lead, language=here)
    page = lead.get("training.sign_off", code=enrollment.code, slug="talk")
    assert not page.all("textarea")
    buttons = [each for each in page.all("button") if each.get("name") == "act"]
    assert [("".join(each.itertext()).strip(), each.get("value")) for each in buttons] == [(button, "sign_off")]
    where = {"code": enrollment.code, "slug": "talk"}
    lead.post("training.sign_off", {"statement": "x", "act": "send_back"}, expect=409, **where)
    # Nothing that is sent along all the same is kept.
    lead.post("training.sign_off", {"statement": "She told me of her illness.", "act": "sign_off"}, **where)
    (kept,) = session.scalars(select(SignOff))
    assert kept.statement == ""
    shown = as_(cast.learner, language=here).get("training.path", code=enrollment.code).text
    assert said in shown
    assert cast.lead.name_in(here) in shown


def test_a_step_sent_back_returns_when_the_learner_asks_again(cast: Cast, enrollment: Enrollment, as_: Any) -> None:
    acknowledge(cast.learner, document("exposure"))
    lead, learner = as_(cast.lead, language="en"), as_(cast.learner, language="en")
    lead.post("training.sign_off", {"statement": "The shifts.", "act": "send_back"}, code=enrollment.code, slug="talk")
    assert "Nothing waits for a sign-off" in lead.get("training.list_sign_offs").text
    today = learner.get("training.today")
    assert "The shifts." in today.text
    learner.post("training.ask_again", code=enrollment.code, slug="talk")
    assert "First talk" in lead.get("training.list_sign_offs").text


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_empty_statement_is_refused_beside_its_field(
    cast: Cast, enrollment: Enrollment, as_: Any, language: str
) -> None:
    acknowledge(cast.learner, document("exposure"))
    page = as_(cast.lead, language=language).post(
        "training.sign_off", {"statement": " ", "act": "sign_off"}, code=enrollment.code, slug="talk", expect=400
    )
    assert ("Write in a sentence" if language == "en" else "文章で書いてください") in page.text


def test_a_statement_that_is_too_long_is_kept_in_the_form(cast: Cast, enrollment: Enrollment, as_: Any) -> None:
    acknowledge(cast.learner, document("exposure"))
    page = as_(cast.lead, language="en").post(
        "training.sign_off",
        {"statement": "x" * 2001, "act": "sign_off"},
        code=enrollment.code,
        slug="talk",
        expect=400,
    )
    assert "2001 characters" in page.text
    assert "x" * 2001 in page.body


def test_a_second_sign_off_says_that_it_was_done(cast: Cast, enrollment: Enrollment, as_: Any) -> None:
    acknowledge(cast.learner, document("exposure"))
    lead = as_(cast.lead, language="en")
    lead.post("training.sign_off", {"statement": "Yes.", "act": "sign_off"}, code=enrollment.code, slug="talk")
    page = lead.post(
        "training.sign_off",
        {"statement": "Again.", "act": "sign_off"},
        code=enrollment.code,
        slug="talk",
        expect=409,
    )
    assert "not waiting for a sign-off any more" in page.text
    assert "Again." in page.text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("act", [{}, {"act": ""}, {"act": "signed"}, {"act": "SIGN_OFF"}])
def test_a_sign_off_without_one_of_its_two_buttons_signs_nothing(
    cast: Cast, enrollment: Enrollment, as_: Any, language: str, act: dict[str, str]
) -> None:
    acknowledge(cast.learner, document("exposure"))
    lead = as_(cast.lead, language=language)
    page = lead.post(
        "training.sign_off", {"statement": "Shown well."} | act, code=enrollment.code, slug="talk", expect=400
    )
    assert ("Press “Sign off” or “Send back”" if language == "en" else "「差し戻す」のボタン") in page.text
    assert page.one("textarea").text == "Shown well."
    assert session.scalars(select(SignOff)).all() == []


def test_who_leads_nobody_here_finds_nothing(cast: Cast, enrollment: Enrollment, as_: Any) -> None:
    make_grant(cast.outsider, Role.LEAD, Scope.TEAM, "payments-safety")
    acknowledge(cast.learner, document("exposure"))
    outsider = as_(cast.outsider, language="en")
    assert "Nothing waits" in outsider.get("training.list_sign_offs").text
    for person in (cast.outsider, cast.learner, cast.colleague, cast.admin):
        browser = as_(person, language="en")
        browser.get("training.sign_off", code=enrollment.code, slug="talk", expect=404)
        browser.post(
            "training.sign_off", {"statement": "x", "act": "sign_off"}, code=enrollment.code, slug="talk", expect=404
        )
        if person is not cast.learner:
            expect = 403 if person is cast.admin else 404
            browser.post("training.ask_again", code=enrollment.code, slug="talk", expect=expect)
    as_(cast.learner, language="en").get("training.list_sign_offs", expect=403)
    as_(cast.lead, language="en").get("training.sign_off", code=enrollment.code, slug="quiz", expect=404)
    as_(cast.learner, language="en").post("training.ask_again", code=enrollment.code, slug="talk", expect=409)


def test_the_queue_asks_the_same_of_the_database_for_any_number_of_learners(cast: Cast, as_: Any) -> None:
    version = make_plan()

    def more(number: int) -> None:
        for _each in range(number):
            person = make_person(team=make_team())
            make_enrollment(person, version, cast.admin)
            acknowledge(person, document("exposure"))

    lead = as_(cast.lead)

    def count() -> int:
        lead.get("training.list_sign_offs")
        session.expire_all()
        with counted_queries() as statements:
            lead.get("training.list_sign_offs")
        return len(statements)

    more(3)
    few = count()
    more(3)
    assert count() == few


# --- Mails -----------------------------------------------------------------------------------


def text_of(name: str, **arguments: Any) -> tuple[str, str]:
    built = _builders[name](**arguments)
    assert built is not None
    message = render(built)
    body = message.get_body(("plain",))
    assert body is not None
    html = message.get_body(("html",))
    assert html is not None
    assert "{{" not in html.get_content()
    return str(message["Subject"]), body.get_content()


def speak(person: Person, language: str) -> None:
    person.language = language
    save(person)


def test_the_mail_of_a_new_plan_in_both_languages(cast: Cast, enrollment: Enrollment) -> None:
    speak(cast.learner, "en")
    subject, text = text_of("training.plan_started", code=enrollment.code)
    assert subject == "The training plan “The first ten days” begins on Tue 28 Apr 2026"
    assert "takes 6 working days" in text
    assert (
        "- Confirm “Exposure”, by Tue 28 Apr 2026 (20 min)\n- Read “Impersonation”, by Thu 30 Apr 2026 (40 min)" in text
    )
    assert "https://portal.example/today" in text
    speak(cast.learner, "ja")
    subject, text = text_of("training.plan_started", code=enrollment.code)
    assert subject == "【研修】「最初の10日間」は2026年4月28日（火）に始まります"
    assert text.startswith("髙橋 様")
    assert "期間は6営業日です。" in text
    assert "- 「文書EXPOSURE」を確認する（期限：2026年4月28日（火）、所要時間：20分）" in text


def test_the_mail_of_a_waiting_step_in_both_languages(cast: Cast, enrollment: Enrollment) -> None:
    acknowledge(cast.learner, document("exposure"))
    arguments = {"code": enrollment.code, "step": "talk", "to": cast.lead.code}
    subject, text = text_of("training.sign_off_waiting", **arguments)
    assert subject == f"Waiting for a sign-off: First talk, {cast.learner.name_in('en')}"
    assert f"https://portal.example/sign-offs/{enrollment.code}/talk" in text
    speak(cast.lead, "ja")
    subject, text = text_of("training.sign_off_waiting", **arguments)
    assert subject == "【実技確認待ち】最初の面談（髙橋 結衣さん）"
    assert "期限は2026年5月1日（金）" in text


def test_mails_overtaken_by_events_are_not_sent(cast: Cast, enrollment: Enrollment) -> None:
    arguments = {"code": enrollment.code, "step": "talk", "to": cast.lead.code}
    assert _builders["training.sign_off_waiting"](**arguments) is None
    acknowledge(cast.learner, document("exposure"))
    confirm_reading(cast.learner, document("impersonation"))
    assert jobs.run_due() == 2
    enrollment.ended_at = MORNING
    save(enrollment)
    assert _builders["training.plan_started"](code=enrollment.code) is None
    assert _builders["training.sign_off_waiting"](**arguments) is None


# --- The commands ----------------------------------------------------------------------------


def test_the_commands_found_a_cohort_and_enroll_people(cast: Cast, app: Any) -> None:
    make_plan()
    run = app.test_cli_runner().invoke
    arguments = ["--name-en", "May", "--name-ja", "5月", "--market", "JP", "--team", "account-safety"]
    made = run(args=["training", "cohort", "jp-2026-05", *arguments, "--starts-on", "2026-05-07"])
    assert made.exit_code == 0, made.output
    enrolled = run(args=["training", "enroll", "first-days", cast.learner.sign_in_name, "--cohort", "jp-2026-05"])
    assert enrolled.exit_code == 0, enrolled.output
    session.expire_all()
    (enrollment,) = queries.list_enrollments_of(cast.learner.id)
    assert (enrollment.starts_on, enrollment.cohort and enrollment.cohort.code) == (date(2026, 5, 7), "jp-2026-05")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["enroll", "nothing", "learner@portal.example", "--starts-on", "2026-05-07"], "nothing"),
        (["enroll", "first-days", "nobody@portal.example", "--starts-on", "2026-05-07"], "nobody@"),
        (["enroll", "first-days", "learner@portal.example"], "--starts-on"),
        (["enroll", "first-days", "learner@portal.example", "--cohort", "none"], "no such cohort"),
        (["enroll", "first-days", "learner@portal.example", "--starts-on", "2040-01-05"], "2040"),
        (["cohort", "x", "--name-en", "a", "--name-ja", "b", "--market", "ZZ", "--starts-on", "2026-05-07"], "ZZ"),
        (["cohort", "X!", "--name-en", "a", "--name-ja", "b", "--market", "JP", "--starts-on", "2026-05-07"], "X!"),
    ],
)
def test_the_commands_refuse_in_words(cast: Cast, app: Any, arguments: list[str], said: str) -> None:
    make_plan()
    refused = app.test_cli_runner().invoke(args=["training", *arguments])
    assert refused.exit_code == 1
    assert said in refused.output
    assert queries.list_enrollments_of(cast.learner.id) == []


@pytest.mark.parametrize(
    ("here", "said", "none_left"),
    [
        ("en", "The last attempt was not passed. 4 attempts are left.", "no attempts are left"),
        ("ja", "前回は不合格でした。受験できる回数はあと4回です。", "受験できる回数は残っていません"),
    ],
)
def test_after_a_failed_quiz_today_says_so_and_how_many_attempts_are_left(
    cast: Cast, enrollment: Enrollment, as_: Any, here: str, said: str, none_left: str
) -> None:
    acknowledge(cast.learner, document("exposure"))
    confirm_reading(cast.learner, document("impersonation"))
    learner = as_(cast.learner, language=here)
    assert said not in learner.get("training.today").text
    failed(cast.learner)
    assert said in learner.get("training.today").text
    for _more in range(4):
        failed(cast.learner)
    assert none_left in learner.get("training.today").text


# --- Documents that the plan asks for --------------------------------------------------------------


@pytest.mark.parametrize(
    ("here", "title", "first"),
    [
        ("en", "In the training plan, something else comes first", "Confirm “Exposure”"),
        ("ja", "研修計画では、先に終える項目があります", "「文書EXPOSURE」を確認する"),
    ],
)
def test_a_document_whose_turn_has_not_come_says_what_comes_first_and_takes_no_confirmation(
    cast: Cast, enrollment: Enrollment, as_: Any, here: str, title: str, first: str
) -> None:
    reader = as_(cast.learner, language=here)
    page = reader.get("library.read", slug="impersonation")
    assert title in page.text
    assert [link.get("href") for link in page.all("a") if "".join(link.itertext()) == first] == ["/library/exposure"]
    assert not [form for form in page.all("form") if "/versions/" in form.get("action", "")]
    data = {"confirmation_shown_language": here, "confirmation_agree": "y"}
    refused = reader.post("acknowledgements.acknowledge", data, expect=409, slug="impersonation", number="1.0")
    assert first in refused.text
    data = {"shown_language": here}
    reader.post("acknowledgements.confirm_reading", data, expect=409, slug="impersonation", number="1.0")
    assert posts(reader.get("training.today"))[1][0] == "locked"


@pytest.mark.parametrize(
    ("here", "read", "confirm"),
    [("en", "Record that I have read it", "Confirm version 1.0"), ("ja", "読み終えたことを記録", "第1.0版を確認する")],
)
def test_while_reading_is_what_is_asked_its_button_leads(
    cast: Cast, enrollment: Enrollment, as_: Any, here: str, read: str, confirm: str
) -> None:
    def buttons() -> list[tuple[str, bool]]:
        return [
            (" ".join("".join(each.itertext()).split()), "button--primary" in each.get("class", ""))
            for form in reader.get("library.read", slug="impersonation").all("form")
            if "/versions/" in form.get("action", "")
            for each in form.iter("button")
        ]

    acknowledge(cast.learner, document("exposure"))
    reader = as_(cast.learner, language=here)
    assert buttons() == [(read, True), (confirm, False)]
    reader.post("acknowledgements.confirm_reading", {"shown_language": here}, slug="impersonation", number="1.0")
    assert buttons() == [(confirm, True)]


@pytest.mark.parametrize(("here", "done", "due"), [("en", "Mon 27 Apr", "It was due on"), ("ja", "4月27日", "期限は")])
def test_a_done_step_shows_the_day_on_which_it_was_done(cast: Cast, as_: Any, here: str, done: str, due: str) -> None:
    with clock.frozen(MORNING - timedelta(days=2)):
        enrollment = make_enrollment(cast.learner, make_plan(), cast.admin)
    with clock.frozen(MORNING - timedelta(days=1)):
        acknowledge(cast.learner, document("exposure"))
    page = as_(cast.learner, language=here).get("training.path", code=enrollment.code)
    (post,) = [each for each in page.all("li", class_="post") if each.get("data-state") == "done"]
    (day,) = post.iter("time")
    assert (day.get("datetime"), (day.text or "").startswith(done)) == ("2026-04-27", True)
    assert due in "".join(post.itertext())
    # It asks for no derivation of a date that does not matter any more.
    assert not list(post.iter("details"))


# --- what is asked besides the plan ---------------------------------------------------------------


def test_an_emergency_takes_the_place_of_its_step_and_waits_for_nothing(
    cast: Cast, enrollment: Enrollment, as_: Any
) -> None:
    browser = as_(cast.learner, language="en")
    # The plan asks for "exposure" on its first day, and for "impersonation" after that.
    for slug in ("exposure", "impersonation"):
        make_version(slug, "2.0", change_class="emergency", effective_at=MORNING)
    jobs.run_due()
    page = browser.get("training.today")
    titles = [title for _state, title in posts(page)]
    assert sum("Exposure" in title for title in titles) == 1
    assert any("Exposure: version 2.0" in title for title in titles)
    assert "Wed 29 Apr 2026 10:00 JST" in page.text
    # The plan puts "exposure" before "impersonation"; the emergency can be confirmed all the same.
    shown = browser.get("library.read", slug="impersonation")
    assert "something else comes first" not in shown.text
    acknowledgements.confirm(cast.learner, find_document("impersonation").versions[-1])
    page = browser.get("training.today")
    assert not any("Impersonation: version 2.0" in title for _state, title in posts(page))


def test_a_document_that_is_asked_for_sooner_than_its_step_has_one_date_the_earlier(cast: Cast, as_: Any) -> None:
    late = StepSpec("statement", StepKind.ACKNOWLEDGE, 20, document="exposure")
    make_enrollment(cast.learner, make_plan("late", None, late), cast.admin, starts_on=date(2026, 4, 28))
    browser = as_(cast.learner, language="en")
    make_version("exposure", "2.0", effective_at=MORNING + timedelta(days=2))
    jobs.run_due()
    page = browser.get("training.today")
    assert sum("exposure" in title.lower() for _state, title in posts(page)) == 1
    asked = session.scalars(
        select(AcknowledgementRequest).where(AcknowledgementRequest.person_id == cast.learner.id)
    ).one()
    assert asked.due_on.isoformat() in page.body


def test_in_japanese_when_a_step_was_done_and_when_it_was_due_are_two_sentences(
    cast: Cast, enrollment: Enrollment, as_: Any
) -> None:
    acknowledge(cast.learner, document("exposure"))
    path = as_(cast.learner, language="ja").get("training.path", code=enrollment.code)
    assert "に完了しました（第1.0版）。期限は4月28日（火）でした。" in path.text
    assert "に完了（第" not in path.text

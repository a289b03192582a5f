"""Today: the order of the day's list, why a thing is next, the days ahead, and every state the page can be in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from portal.accounts.models import Role
from portal.calendars import service as calendars
from portal.core import clock
from portal.core.db import session
from portal.core.i18n import Words
from portal.core.transaction import own_transaction
from portal.training.models import Enrollment
from portal.training.rules import Doer, StepKind, StepSpec
from portal.training.service import dates
from tests.beginnings import beginning
from tests.builders import Cast, make_grant
from tests.page_client import Page
from tests.training.builders import (
    STEPS,
    acknowledge,
    load_holidays,
    make_cohort,
    make_documents,
    make_enrollment,
    make_plan,
    make_quiz,
)
from tests.training.test_pages import posts
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


def reading(slug: str, due: int, *before: str, **values: Any) -> StepSpec:
    return StepSpec(slug, StepKind.READ, due, document="exposure", prerequisites=before, **values)


def ahead(page: Page) -> list[str]:
    """Return the lines of the days ahead, each as one text."""
    return [" ".join("".join(day.itertext()).split()) for day in page.all("li", class_="days__day")]


def headings(page: Page) -> list[str]:
    return [" ".join("".join(each.itertext()).split()) for each in page.all("h2")]


# --- The list ----------------------------------------------------------------------------------


def test_what_somebody_else_has_to_do_first_comes_last_whatever_its_day(cast: Cast, as_: Any) -> None:
    talk = StepSpec("talk", StepKind.SIGN_OFF, 0, title=Words("Talk", "面談"), by=Doer.MENTOR)
    titled = {"title": Words("After the talk", "面談の後")}
    make_enrollment(
        cast.learner, make_plan("talks", None, talk, reading("after", 1, "talk", **titled), reading("free", 4)),
        cast.admin,
    )  # fmt: skip
    page = as_(cast.learner, language="en").get("training.today")
    assert posts(page)[:2] == [("today", "Read “Exposure”"), ("locked", "Read “After the talk”")]


def test_nothing_stands_before_what_it_waits_for_even_where_its_date_is_earlier(cast: Cast, as_: Any) -> None:
    steps = (
        StepSpec("base", StepKind.READ, 5, document="background"),
        StepSpec("soon", StepKind.READ, 1, document="exposure", prerequisites=("base",)),
    )
    make_enrollment(cast.learner, make_plan("crossed", None, *steps), cast.admin)
    page = as_(cast.learner, language="en").get("training.today")
    assert [title for _state, title in posts(page)] == ["Read “Background”", "Read “Exposure”"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_thing_says_why_it_stands_there(cast: Cast, enrollment: Enrollment, as_: Any, language: str) -> None:
    said = {
        "en": ("Due today · 4 further steps open after it", "3 working days overdue · 4 further steps open after it"),
        "ja": (
            "本日期限 · 終えると、この先の4項目に進めます",
            "3営業日の超過 · 終えると、この先の4項目に進めます",
        ),
    }[language]
    assert said[0] in as_(cast.learner, language=language).get("training.today").text
    # 29 April and 4 to 6 May are holidays: 30 April, 1 and 7 May are the working days since.
    with clock.frozen(MORNING + timedelta(days=9)):
        page = as_(cast.learner, language=language).get("training.today")
    assert said[1] in page.text
    assert posts(page)[0][0] == "overdue"


@pytest.mark.parametrize("language", LANGUAGES)
def test_how_much_is_due_by_tonight_is_said_with_its_minutes(
    cast: Cast, enrollment: Enrollment, as_: Any, language: str
) -> None:
    said = {"en": "Due by the end of today: 1 thing, 20 min", "ja": "今日までの分：1件、20分"}[language]
    assert said in as_(cast.learner, language=language).get("training.today").text


def test_there_is_one_primary_button_and_it_belongs_to_the_first_thing_that_can_be_done(
    cast: Cast, enrollment: Enrollment, as_: Any
) -> None:
    page = as_(cast.learner, language="en").get("training.today")
    (button,) = page.all("a", class_="button--primary")
    assert button.get("href") == "/library/exposure"


def test_instructions_are_read_where_a_step_is_open(cast: Cast, enrollment: Enrollment, as_: Any) -> None:
    browser = as_(cast.learner, language="en")
    assert "The policy may lie open." not in browser.get("training.today").text
    assert "The policy may lie open." in browser.get("training.path", code=enrollment.code).text


# --- The days ahead ----------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_next_five_working_days_say_what_is_due_and_name_the_holidays_between(
    cast: Cast, enrollment: Enrollment, as_: Any, language: str
) -> None:
    found = ahead(as_(cast.learner, language=language).get("training.today"))
    if language == "en":
        assert found == [
            "Tue 28 Apr Today Confirm “Exposure” 20 min",
            "Wed 29 Apr Showa Day",
            "Thu 30 Apr Read “Impersonation” 40 min",
            "Fri 1 May First talk Sign-off 30 min",
            "Sun 3 May Constitution Day",
            "Mon 4 May Greenery Day",
            "Tue 5 May Children's Day",
            "Wed 6 May Substitute Holiday",
            "Thu 7 May Check of impersonation 15 min",
            "Fri 8 May Nothing is due",
        ]
    else:
        assert found[1:4] == [
            "4月29日（水） 昭和の日",
            "4月30日（木） 「文書IMPERSONATION」を読む 40分",
            "5月1日（金） 最初の面談 実技確認 30分",
        ]


def test_leave_is_named_once_for_all_its_days(cast: Cast, enrollment: Enrollment, as_: Any) -> None:
    with own_transaction():
        calendars.record_leave(person=cast.learner, first_on=date(2026, 4, 30), last_on=date(2026, 5, 1), by=cast.lead)
    assert "Thu 30 Apr – Fri 1 May Leave" in ahead(as_(cast.learner, language="en").get("training.today"))


def test_without_anything_due_the_days_ahead_are_one_sentence(cast: Cast, as_: Any) -> None:
    make_enrollment(cast.learner, make_plan("far", None, reading("late", 60)), cast.admin, starts_on=date(2026, 5, 11))
    with clock.frozen(MORNING + timedelta(days=13)):
        page = as_(cast.learner, language="en").get("training.today")
    assert ahead(page) == []
    assert "Nothing is due up to Fri 15 May." in page.text


# --- States ------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_arrives_is_welcomed_until_something_is_done(
    cast: Cast, enrollment: Enrollment, as_: Any, language: str
) -> None:
    browser = as_(cast.learner, language=language)
    welcome = {"en": "Welcome. Begin with the first step", "ja": "ようこそ。最初の項目から始めてください。"}[language]
    assert welcome in browser.get("training.today").text
    acknowledge(cast.learner, document("exposure"))
    assert welcome not in browser.get("training.today").text


@pytest.mark.parametrize("language", LANGUAGES)
def test_of_two_plans_each_thing_names_its_own_and_no_plan_speaks_for_both(
    cast: Cast, enrollment: Enrollment, as_: Any, language: str
) -> None:
    with clock.frozen(MORNING + timedelta(days=20)):
        newer = make_enrollment(
            cast.learner, make_plan("later", cast.author, reading("late", 1)), cast.admin, starts_on=date(2026, 5, 18)
        )
        page = as_(cast.learner, language=language).get("training.today")
        assert {"en": "2 training plans", "ja": "研修計画2件"}[language] in page.text
        # One plan is at its first day; the other has much that is overdue.
        assert {"en": "Welcome.", "ja": "ようこそ。"}[language] not in page.text
        assert page.text.count(enrollment.version.title.in_(language)) > 2
        assert page.text.count(newer.version.title.in_(language)) > 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_before_the_first_day_the_working_days_until_then_are_counted(
    cast: Cast, enrollment: Enrollment, as_: Any, language: str
) -> None:
    with clock.frozen(MORNING - timedelta(days=5)):
        text = as_(cast.learner, language=language).get("training.today").text
    assert {"en": "Begins in 3 working days", "ja": "開始まで3営業日"}[language] in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_pause_says_that_nothing_becomes_overdue(cast: Cast, enrollment: Enrollment, as_: Any, language: str) -> None:
    with own_transaction():
        dates.pause(enrollment=session.merge(enrollment), first_on=date(2026, 4, 28), reason="Illness", by=cast.admin)
    page = as_(cast.learner, language=language).get("training.today")
    assert {"en": "Nothing becomes overdue during the pause", "ja": "休止中に期限を過ぎることはありません。"}[
        language
    ] in page.text
    assert ahead(page) == []
    assert "Illness" not in page.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_expected_number_says_how_it_is_counted(
    cast: Cast, enrollment: Enrollment, as_: Any, language: str
) -> None:
    with clock.frozen(MORNING + timedelta(days=2)):
        page = as_(cast.learner, language=language).get("training.today")
    assert {"en": "whose date is before today, Thu 30 Apr 2026", "ja": "期限が今日（2026年4月30日（木））より前"}[
        language
    ] in page.text
    # The bar has a mark where the learner is expected to be: one of five.
    assert '<line x1="20.00%" x2="20.00%"' in page.body


def test_whom_to_ask_ends_with_the_wellbeing_contact(cast: Cast, enrollment: Enrollment, as_: Any) -> None:
    page = as_(cast.learner, language="en").get("training.today")
    (asked,) = [each for each in page.all("section", class_="panel") if "Whom to ask" in "".join(each.itertext())]
    assert [link.get("href") for link in asked.iter("a")][-1] == "/wellbeing"


def test_what_waits_for_a_lead_stands_above_her_own_steps(cast: Cast, enrollment: Enrollment, as_: Any) -> None:
    make_grant(cast.lead, Role.LEAD)
    acknowledge(cast.learner, document("exposure"))
    make_enrollment(cast.lead, make_plan("own", None, STEPS[0]), cast.admin)
    # The talk waits for a lead where nobody mentors.
    found = headings(as_(cast.lead, language="en").get("training.today"))
    assert found.index("Waiting for a sign-off") < found.index("To do, in this order") < found.index("Cohorts")

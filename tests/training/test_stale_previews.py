"""What was shown is what is done: dates that would move otherwise by now are shown first, whoever moved them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from portal.calendars import service as calendars
from portal.calendars.queries import list_leave, list_shifts
from portal.core import clock
from portal.core.db import session
from portal.core.transaction import own_transaction
from portal.training import queries
from portal.training.models import Enrollment, EnrollmentPause, EventDate, NewStart, PlanExtension, StepExtension
from portal.training.service import dates
from tests.beginnings import beginning
from tests.builders import Cast
from tests.shown import as_shown
from tests.training.builders import (
    load_holidays,
    make_cohort,
    make_documents,
    make_enrollment,
    make_plan_with_exam,
)

MORNING = datetime(2026, 5, 11, 1, 0, tzinfo=UTC)
TOLD = {"en": "Something has changed meanwhile.", "ja": "その間に状況が変わりました。"}


@pytest.fixture
@beginning
def _documents(cast: Cast) -> None:
    with clock.frozen(MORNING):
        load_holidays()
        make_documents()


@pytest.fixture(autouse=True)
def _start_of_the_plan(_documents: None) -> Iterator[None]:
    with clock.frozen(MORNING):
        yield


@pytest.fixture
@beginning
def enrollment(cast: Cast) -> Enrollment:
    cohort = make_cohort(cast.admin)
    version = make_plan_with_exam(cast.author)
    with own_transaction():
        event = version.events[0]
        dates.set_event_of_cohort(cohort=cohort, event=event, on=date(2026, 6, 12), reason="", by=cast.lead)
    return make_enrollment(cast.learner, version, cast.admin, cohort=cohort, starts_on=date(2026, 5, 11))


def meanwhile(enrollment: Enrollment, cast: Cast) -> None:
    """Let somebody else move the dates of the whole plan."""
    with own_transaction():
        dates.extend_plan(enrollment=enrollment, working_days=2, reason="illness", by=cast.admin)
        # What is counted from the event stays with it.
        talk = queries.get_step(enrollment, "talk")
        dates.extend_step(enrollment=enrollment, step=talk, working_days=1, reason="illness", by=cast.admin)


REASON = {"reason": "x"}
SHIFTS = {"works": "shifts", "first_on": "2026-05-11", "cycle": "2-2", "works_holidays": "y"}
WEEK = {"first_on": "2026-05-13", "last_on": "2026-05-15"}
PAGES: dict[str, tuple[str, dict[str, str], Callable[[Enrollment], dict[str, str]], Callable[[Enrollment], Any]]] = {
    "more time for a step": (
        "training.extension",
        {"working_days": "3", **REASON},
        lambda each: {"code": each.code, "slug": "talk"},
        lambda _each: session.query(StepExtension).count(),
    ),
    "more time for the plan": (
        "training.plan_extension",
        {"working_days": "3", **REASON},
        lambda each: {"code": each.code},
        lambda _each: session.query(PlanExtension).count(),
    ),
    "another first day": (
        "training.first_day",
        {"starts_on": "2026-05-18", **REASON},
        lambda each: {"code": each.code},
        lambda _each: session.query(NewStart).count(),
    ),
    "a pause": (
        "training.pause",
        {"first_on": "2026-05-11", **REASON},
        lambda each: {"code": each.code},
        lambda _each: session.query(EnrollmentPause).count(),
    ),
    "leave": (
        "training.leave",
        WEEK,
        lambda each: {"code": each.code},
        lambda each: len(list_leave(each.person_id)),
    ),
    "leave on the person's page": (
        "calendars.record_leave",
        WEEK,
        lambda each: {"code": each.person.code},
        lambda each: len(list_leave(each.person_id)),
    ),
    "shifts": (
        "calendars.record_shifts",
        SHIFTS,
        lambda each: {"code": each.person.code},
        lambda each: len(list_shifts(each.person_id)),
    ),
    "an event for her": (
        "training.event_date",
        {"takes_place_on": "2026-06-19", **REASON},
        lambda each: {"code": each.code, "slug": "exam"},
        lambda _each: session.query(EventDate).filter(EventDate.enrollment_id.is_not(None)).count(),
    ),
    "an event for the cohort": (
        "training.event_of_cohort",
        {"takes_place_on": "2026-06-19", **REASON},
        lambda each: {"code": "jp-2026-04", "plan": "with-exam", "slug": "exam"},
        lambda _each: session.query(EventDate).filter(EventDate.cohort_id.is_not(None)).count(),
    ),
}


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("page", PAGES)
def test_dates_that_somebody_moved_since_they_were_shown_are_shown_first(
    cast: Cast, enrollment: Enrollment, as_: Any, page: str, language: str
) -> None:
    endpoint, asked, where_of, count = PAGES[page]
    lead, where = as_(cast.lead, language=language), where_of(enrollment)
    confirmed = as_shown(lead, endpoint, asked, **where)
    meanwhile(enrollment, cast)
    had = count(enrollment)
    before = {slug: due.on for slug, due in queries.standing_of(enrollment).dues.items()}
    refused = lead.post(endpoint, confirmed, **where, expect=409)
    assert TOLD[language] in refused.text
    session.expire_all()
    assert {slug: due.on for slug, due in queries.standing_of(enrollment).dues.items()} == before
    # What would move now is shown, and can be confirmed; once.
    again = confirmed | {"seen": refused.one("input", name="seen").get("value")}
    assert again["seen"] != confirmed["seen"]

    assert count(enrollment) == had
    lead.post(endpoint, again, **where, expect=303)
    session.expire_all()
    assert count(enrollment) == had + 1


def test_a_resumption_is_refused_where_other_dates_were_shown(cast: Cast, enrollment: Enrollment, as_: Any) -> None:
    with own_transaction():
        dates.pause(enrollment=enrollment, first_on=date(2026, 5, 11), reason="x", by=cast.lead)
    lead = as_(cast.lead, language="en")
    confirmed = as_shown(lead, "training.resumption", {"resumes_on": "2026-05-18"}, code=enrollment.code)
    meanwhile(enrollment, cast)
    page = lead.post("training.resumption", confirmed, code=enrollment.code, expect=409)
    assert TOLD["en"] in page.text
    session.expire_all()
    (pause,) = session.query(EnrollmentPause).all()
    assert pause.resumes_on is None


def test_leave_and_shifts_are_taken_back_as_shown(cast: Cast, enrollment: Enrollment, as_: Any) -> None:
    week = {"first_on": date(2026, 5, 13), "last_on": date(2026, 5, 15)}
    with own_transaction():
        calendars.record_leave(person=cast.learner, by=cast.lead, **week)
        calendars.record_shifts(
            person=cast.learner, first_on=date(2026, 5, 11), cycle="2-2", works_holidays=True, by=cast.lead
        )
    (shifts,) = list_shifts(cast.learner.id)
    lead, hers = as_(cast.lead, language="en"), cast.learner.code
    pages = (
        ("training.withdraw_leave", WEEK, enrollment.code),
        ("calendars.withdraw_leave", WEEK, hers),
        ("calendars.end_leave_early", WEEK | {"ends_on": "2026-05-13"}, hers),
        ("calendars.withdraw_shifts", {"number": str(shifts.id)}, hers),
    )
    confirmed = [as_shown(lead, endpoint, asked, code=code) for endpoint, asked, code in pages]
    meanwhile(enrollment, cast)
    for (endpoint, _asked, code), form in zip(pages, confirmed, strict=True):
        assert TOLD["en"] in lead.post(endpoint, form, code=code, expect=409).text, endpoint
    session.expire_all()
    assert [(each.first_on, each.last_on) for each in list_leave(cast.learner.id)] == [tuple(week.values())]
    assert len(list_shifts(cast.learner.id)) == 1


def test_company_days_are_added_and_withdrawn_as_shown(cast: Cast, enrollment: Enrollment, as_: Any) -> None:
    admin, code = as_(cast.admin, language="en"), enrollment.market.code
    days = {"kind": "off", "first_on": "2026-05-13", "last_on": "", "name_en": "Move", "name_ja": "移転"}
    confirmed = as_shown(admin, "calendars.company_days", days, code=code)
    meanwhile(enrollment, cast)
    page = admin.post("calendars.company_days", confirmed, code=code, expect=409)
    assert TOLD["en"] in page.text
    again = confirmed | {"seen": page.one("input", name="seen").get("value")}
    admin.post("calendars.company_days", again, code=code, expect=303)


@pytest.mark.parametrize("when", [timedelta(0), timedelta(days=1)])
def test_what_nobody_touched_is_done_as_it_was_shown(
    cast: Cast, enrollment: Enrollment, as_: Any, when: timedelta
) -> None:
    lead, where = as_(cast.lead, language="en"), {"code": enrollment.code}
    confirmed = as_shown(lead, "training.plan_extension", {"working_days": "3", **REASON}, **where)
    with clock.frozen(MORNING + when):
        lead = as_(cast.lead, language="en")
        lead.post("training.plan_extension", confirmed, **where, expect=303)

"""Before the first day of a plan nothing waits for others but what is due by then; what thousands wait for is paged."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from portal.accounts.models import Person
from portal.calendars import service as calendars
from portal.core import clock
from portal.core.db import session
from portal.core.i18n import Words
from portal.core.jobs import Job
from portal.core.mail import _builders, render
from portal.core.transaction import own_transaction
from portal.training import queries
from portal.training.models import Enrollment, PlanVersion
from portal.training.queries import signing
from portal.training.rules import Doer, StepKind, StepSpec
from portal.training.service import dates, sign_offs
from tests.beginnings import beginning
from tests.builders import Cast, make_person, make_team
from tests.queries import counted_queries
from tests.training.builders import (
    START,
    acknowledge,
    load_holidays,
    make_cohort,
    make_documents,
    make_enrollment,
    make_plan,
)
from tests.training.test_training import document

BEFORE = datetime(2026, 4, 14, 1, 0, tzinfo=UTC)
# Nine in the morning of the first day in Tokyo, and of the day after it.
FIRST_DAY = datetime(2026, 4, 28, 0, 0, tzinfo=UTC)
LATER = datetime(2026, 5, 12, 0, 0, tzinfo=UTC)
STEPS = (
    StepSpec("desk", StepKind.SIGN_OFF, -2, title=Words("Prepare the desk", "席の準備"), by=Doer.LEAD),
    StepSpec("welcome", StepKind.SIGN_OFF, 0, title=Words("Welcome", "出迎え"), by=Doer.LEAD),
    StepSpec("statement", StepKind.ACKNOWLEDGE, 1, document="exposure", minutes=20),
    StepSpec(
        "talk", StepKind.SIGN_OFF, 2, title=Words("First talk", "最初の面談"), by=Doer.LEAD,
        prerequisites=("statement",),
    ),
)  # fmt: skip


@pytest.fixture
@beginning
def _world(cast: Cast) -> None:
    load_holidays()
    make_documents()
    make_plan("first-days", cast.admin, *STEPS, phases=())


@pytest.fixture(autouse=True)
def _before(_world: None) -> Iterator[None]:
    with clock.frozen(BEFORE):
        yield


def version() -> PlanVersion:
    return session.scalars(select(PlanVersion)).one()


def queue(lead: Person) -> list[str]:
    session.expire_all()
    return [each.step.slug for each in signing.looked_after(lead).waiting_for(lead).rows]


def told() -> list[str]:
    keys = session.scalars(select(Job.effect_key).where(Job.effect_key.contains("sign_off_waiting")).order_by(Job.id))
    return [key.split(":")[3] for key in keys]


def test_before_the_first_day_only_what_is_due_by_then_waits_and_is_told(cast: Cast) -> None:
    make_enrollment(cast.learner, version(), cast.admin, cohort=make_cohort(cast.admin))
    assert queue(cast.lead) == ["desk"]
    assert told() == ["desk"]
    acknowledge(cast.learner, document("exposure"))
    assert queue(cast.lead) == ["desk"]
    assert told() == ["desk"]


def test_from_the_first_day_on_the_rest_waits_since_that_day(cast: Cast) -> None:
    make_enrollment(cast.learner, version(), cast.admin, cohort=make_cohort(cast.admin))
    with clock.frozen(FIRST_DAY):
        session.expire_all()
        found = signing.looked_after(cast.lead).waiting_for(cast.lead).rows
        assert {each.step.slug: each.since for each in found} == {
            "desk": BEFORE,
            "welcome": datetime(2026, 4, 27, 15, 0, tzinfo=UTC),
        }
        acknowledge(cast.learner, document("exposure"))
        assert queue(cast.lead) == ["desk", "welcome", "talk"]
        assert told() == ["desk", "welcome", "talk"]


@pytest.mark.parametrize("language", ["en", "ja"])
def test_that_something_was_finished_is_said_only_where_something_was(cast: Cast, language: str) -> None:
    code = make_enrollment(cast.learner, version(), cast.admin, cohort=make_cohort(cast.admin)).code
    lead = session.get_one(Person, cast.lead.id)
    lead.language = language
    session.commit()
    finished = {"en": "has done what comes before", "ja": "前提となる項目を終えました"}[language]
    with clock.frozen(FIRST_DAY):
        acknowledge(cast.learner, document("exposure"))
        for step, is_said in (("welcome", False), ("talk", True)):
            built = _builders["training.sign_off_waiting"](code=code, step=step, to=cast.lead.code)
            assert built is not None
            body = render(built).get_body(("plain",))
            assert body is not None
            assert (finished in body.get_content()) is is_said


def test_what_would_wait_later_is_not_told_by_a_mail_that_was_owed_before(cast: Cast) -> None:
    code = make_enrollment(cast.learner, version(), cast.admin, cohort=make_cohort(cast.admin)).code
    assert _builders["training.sign_off_waiting"](code=code, step="welcome", to=cast.lead.code) is None


# --- Many --------------------------------------------------------------------------------------


def crowd(cast: Cast, many: int) -> list[Enrollment]:
    """Return enrollments that differ in their first days, leave, what is done, more time and what was said."""
    made = []
    for number in range(many):
        person = make_person(team=make_team())
        starts_on = START + timedelta(days=(0, 0, 1, 8, 20)[number % 5])
        made.append(make_enrollment(person, version(), cast.admin, starts_on=starts_on))
        if number % 3 == 0:
            acknowledge(person, document("exposure"))
        with own_transaction():
            if number % 4 == 0:
                calendars.record_leave(
                    person=person, first_on=date(2026, 4, 30), last_on=date(2026, 5, 1), by=cast.admin
                )
            if number % 4 == 1:
                dates.extend_step(
                    enrollment=made[-1],
                    step=queries.get_step(made[-1], "desk"),
                    working_days=3,
                    reason="x",
                    by=cast.admin,
                )
    with clock.frozen(FIRST_DAY):
        for enrollment in made[::2]:
            with own_transaction():
                sign_offs.send_back(
                    enrollment=enrollment, step=queries.get_step(enrollment, "desk"), statement="Not yet.", by=cast.lead
                )
    with clock.frozen(FIRST_DAY + timedelta(hours=3)):
        for enrollment in made[::4]:
            with own_transaction():
                step = queries.get_step(enrollment, "desk")
                sign_offs.ask_again(enrollment=enrollment, step=step, by=enrollment.person)
    return made


def test_plain_rows_say_of_many_what_is_said_of_each(cast: Cast) -> None:
    made = crowd(cast, 12)
    for at in (BEFORE, FIRST_DAY + timedelta(hours=4), LATER):
        with clock.frozen(at):
            session.expire_all()
            standings = queries.standings(made)
            everybody = signing.looked_after(cast.lead)
            found = everybody.waiting_for(cast.lead)
            assert {(each.standing.enrollment.code, each.step.slug, each.since) for each in found.rows} == {
                (each.enrollment.code, step.slug, each.waiting_since(step))
                for each in standings
                for step in each.steps
                if each.is_waiting(step)
            }
            asked = [(each.standing.asked_by(each.step.slug), each.since) for each in found.rows]
            assert asked == sorted(asked)
            overdue = [each.progress.overdue for each in everybody.learners().rows]
            assert overdue == sorted((each.progress.overdue for each in standings), reverse=True)


def test_the_lists_of_a_lead_ask_the_same_of_the_database_for_twice_as_many(cast: Cast, as_: Any) -> None:
    counts = []
    for many in (6, 6):
        crowd(cast, many)
        with clock.frozen(LATER):
            browser = as_(cast.lead)
            for endpoint in ("training.today", "training.list_learners", "training.list_sign_offs"):
                browser.get(endpoint)
                with counted_queries() as counted:
                    browser.get(endpoint)
                counts.append(len(counted))
    assert counts[:3] == counts[3:]


def test_what_waits_is_shown_in_pages(cast: Cast, as_: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.training.views.learner.ROWS_AT_ONCE", 4)
    crowd(cast, 8)
    with clock.frozen(LATER):
        total = signing.looked_after(cast.lead).waiting_for(cast.lead).total
        browser = as_(cast.lead)
        seen: list[str] = []
        for number in range(1, -(-total // 4) + 1):
            page = browser.get("training.list_sign_offs", page=number)
            seen += [link for link in page.links() if "/sign-offs/" in link]
        assert len(seen) == len(set(seen)) == total

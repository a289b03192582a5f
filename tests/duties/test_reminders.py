"""Who is told of recurring tasks, and of what only one person knows: on Today and in the digest."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask

from portal.accounts import queries as accounts
from portal.accounts.models import Person
from portal.accounts.service.ownership import set_owner
from portal.backfill.queries.few import FewKnown
from portal.backfill.queries.matrix import Place, read_matrix
from portal.backfill.rules import Level, able_people
from portal.backfill.service.stating import state_level
from portal.calendars.service import record_leave
from portal.core import clock
from portal.core.i18n import Words
from portal.core.transaction import own_transaction
from portal.duties.models import RecurringTask, ThingCriticality
from portal.duties.queries import tasks as queries
from portal.duties.rules import Criticality
from portal.duties.service.criticality import set_criticality
from portal.handover.rules import Reason
from portal.handover.service.handovers import start
from portal.organisation import queries as organisation
from portal.reminders.rules import Section
from portal.reminders.service import digests
from tests.beginnings import beginning
from tests.builders import Cast, save
from tests.duties.builders import BEGINS, at, make_task, record
from tests.page_client import PageClient
from tests.training.builders import load_holidays, make_plan


@pytest.fixture
@beginning
def calibration(cast: Cast) -> RecurringTask:
    """Every Wednesday since 1 April, of the learner's team; a colleague answers for it, the author stands in."""
    with clock.frozen(at(BEGINS - timedelta(days=1))):
        load_holidays()
        return make_task(cast.lead, owner=cast.colleague, deputy=cast.author)


def told(person: Person, day: date) -> dict[Section, list[str]]:
    """Owe a person her digest of a day; return what it tells of under each heading."""
    found = accounts.find_person(person.code)
    assert found is not None
    with clock.frozen(datetime(day.year, day.month, day.day, 1, tzinfo=UTC)):
        with own_transaction():
            digests.owe([found])
        composed = digests.as_written(found, day)
    return {
        part.section: [item.what.in_("en") if hasattr(item.what, "in_") else str(item.what) for item in part.items]
        for part in (composed.parts if composed else ())
    }


def judge(task: RecurringTask, criticality: Criticality, by: Person) -> None:
    save(
        ThingCriticality(
            kind=queries.OWNED_KIND,
            thing_code=task.code,
            criticality=criticality,
            reason="",
            set_at=at(BEGINS),
            set_by=by.code,
        )
    )


NAME = ["Weekly calibration"]


def test_the_owner_is_told_ahead_on_the_day_and_when_it_is_late(calibration: RecurringTask, cast: Cast) -> None:
    assert told(cast.colleague, date(2026, 3, 31)).get(Section.SOON) == NAME
    assert told(cast.colleague, date(2026, 4, 1)).get(Section.TODAY) == NAME
    assert told(cast.colleague, date(2026, 4, 2)).get(Section.OVERDUE) == NAME
    assert told(cast.author, date(2026, 4, 3)) == {}


def test_what_is_done_is_not_told_again(calibration: RecurringTask, cast: Cast) -> None:
    with clock.frozen(at(date(2026, 4, 1))):
        record(calibration, date(2026, 4, 1), cast.colleague)
    assert Section.OVERDUE not in told(cast.colleague, date(2026, 4, 2))


def test_the_deputy_is_told_while_the_owner_is_on_leave(calibration: RecurringTask, cast: Cast) -> None:
    with clock.frozen(at(date(2026, 3, 31))), own_transaction():
        record_leave(person=cast.colleague, first_on=date(2026, 4, 1), last_on=date(2026, 4, 3), by=cast.lead)
    assert told(cast.author, date(2026, 4, 1)).get(Section.TODAY) == NAME
    assert told(cast.author, date(2026, 4, 6)) == {}


def test_the_lead_is_told_after_the_working_days_that_are_set_and_then_once_a_week(
    calibration: RecurringTask, cast: Cast
) -> None:
    assert organisation.escalated_after() == 2
    days = [date(2026, 4, 1) + timedelta(days=number) for number in range(14)]
    assert [day.day for day in days if Section.ESCALATED in told(cast.lead, day)] == [3, 6, 13]


def can(task: RecurringTask, person: Person, by: Person, level: Level = Level.ALONE) -> None:
    """Let a lead state how far somebody is with a task."""
    with own_transaction():
        state_level(
            person=person,
            kind=queries.OWNED_KIND,
            code=task.code,
            level=level,
            seen_on=clock.today("Asia/Tokyo"),
            words="seen",
            by=by,
        )


def test_what_is_critical_and_fewer_than_two_can_do_is_told_to_the_lead_once_a_week(
    calibration: RecurringTask, cast: Cast
) -> None:
    with clock.frozen(at(date(2026, 3, 31))):
        can(calibration, cast.colleague, cast.lead)
        can(calibration, cast.learner, cast.lead)
    judge(calibration, Criticality.CRITICAL, cast.lead)
    # A deputy who is named on paper is nothing without a level, and two who can do it need none.
    assert Section.ALONE not in told(cast.lead, date(2026, 4, 1))
    with clock.frozen(at(date(2026, 4, 2))):
        can(calibration, cast.learner, cast.lead, Level.AWARE)
    days = [date(2026, 4, 2) + timedelta(days=number) for number in range(14)]
    # When it begins, and then on the first day of each week.
    assert [day.day for day in days if Section.ALONE in told(cast.lead, day)] == [2, 6, 13]
    assert Section.ALONE not in told(cast.outsider, date(2026, 4, 20))


def test_what_has_no_levels_is_told_as_names_on_paper(cast: Cast) -> None:
    with clock.frozen(at(date(2026, 4, 1))):
        load_holidays()
        make_plan("first-days", cast.lead)
        with own_transaction():
            set_owner(kind="plan", code="first-days", owner=cast.colleague, by=cast.lead)
            set_criticality(
                kind="plan", code="first-days", criticality=Criticality.CRITICAL, reason="all begin", by=cast.lead
            )
        (few,) = FewKnown().of(cast.lead)
        assert (few.kind, few.place) == ("plan", None)
        with own_transaction():
            set_owner(kind="plan", code="first-days", owner=cast.colleague, deputy=cast.author, by=cast.lead)
        assert FewKnown().of(cast.lead) == []


def test_what_is_not_critical_any_more_is_told_no_longer(calibration: RecurringTask, cast: Cast) -> None:
    judge(calibration, Criticality.CRITICAL, cast.lead)
    assert told(cast.lead, date(2026, 4, 1)).get(Section.ALONE) == NAME
    judge(calibration, Criticality.NORMAL, cast.lead)
    assert Section.ALONE not in told(cast.lead, date(2026, 4, 6))


@pytest.mark.parametrize("language", ["en", "ja"])
def test_today_names_every_critical_row_that_the_matrix_shows_below_two(
    app: Flask, calibration: RecurringTask, cast: Cast, language: str
) -> None:
    judge(calibration, Criticality.CRITICAL, cast.lead)
    with clock.frozen(at(date(2026, 4, 3))):
        other = make_task(cast.lead, title=Words("Night watch", "夜間の見守り"), deputy=cast.learner)
        judge(other, Criticality.CRITICAL, cast.lead)
        can(other, cast.colleague, cast.lead)
        can(other, cast.author, cast.lead)
        matrix = read_matrix(Place(cast.learner.home_market, cast.learner.team))
        short = {each.key for each in matrix.rows if each.row.is_critical and able_people(each.row, matrix.today) < 2}
        assert {(few.kind, few.code) for few in FewKnown().of(cast.lead)} == short
        assert short, "there is something to tell"
        page = PageClient(app, cast.lead, language).get("training.today")
    assert str(calibration.title.in_(language)) in page.text
    said = {"en": "Critical, with fewer than two people", "ja": "最重要で対応できる人が2人未満のもの"}[language]
    assert said in page.text
    assert {"en": "at level 3 or more", "ja": "習熟度3以上"}[language] in page.text


def test_the_deputy_is_told_while_the_owner_has_her_last_day_behind_her(calibration: RecurringTask, cast: Cast) -> None:
    with clock.frozen(at(date(2026, 3, 30))), own_transaction():
        start(
            person=cast.colleague,
            reason=Reason.RESIGNATION,
            notice_on=date(2026, 3, 30),
            last_on=date(2026, 3, 31),
            back_on=None,
            by=cast.lead,
        )
    assert told(cast.author, date(2026, 4, 1)).get(Section.TODAY) == NAME

"""Recurring tasks as they are made, changed and ended, and what became of their days."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from portal.accounts import queries as accounts
from portal.calendars.errors import HolidayYearUnknown
from portal.calendars.service import CompanyPeriod, add_company_days
from portal.core import clock
from portal.core.db import session
from portal.core.i18n import Words
from portal.core.transaction import own_transaction
from portal.duties import errors
from portal.duties.models import RecurringTask
from portal.duties.queries import list_runs_of_people
from portal.duties.queries import tasks as queries
from portal.duties.rules import Rhythm, RunHow
from portal.duties.service import tasks
from portal.duties.service.tasks import Done
from tests.beginnings import beginning
from tests.builders import Cast, make_market, make_team
from tests.duties.builders import BEGINS, at, make_task, record, wanted
from tests.queries import counted_queries
from tests.training.builders import load_holidays

TODAY = date(2026, 4, 16)


@pytest.fixture(autouse=True)
def _today(app: Any) -> Iterator[None]:
    with clock.frozen(at(TODAY)):
        yield


@pytest.fixture
@beginning
def calibration(cast: Cast) -> RecurringTask:
    """Every Wednesday since 1 April, of the learner's team."""
    with clock.frozen(at(BEGINS - timedelta(days=1))):
        load_holidays()
        return make_task(cast.lead, deputy=cast.author)


def overdue(task: RecurringTask) -> list[date]:
    return [each.on for each in queries.standings_of([task])[task.id].overdue]


def test_a_new_task_has_an_owner_from_its_first_day_and_falls_to_its_team(
    cast: Cast, calibration: RecurringTask
) -> None:
    owned = accounts.find_owner(queries.OWNED_KIND, calibration.code)
    assert owned is not None
    assert (owned.owner_id, owned.deputy_id) == (cast.lead.id, cast.author.id)
    assert owned.team is not None
    assert owned.team.code == "account-safety"


def test_days_that_nobody_recorded_are_overdue(calibration: RecurringTask, cast: Cast) -> None:
    assert overdue(calibration) == [date(2026, 4, 1), date(2026, 4, 8), date(2026, 4, 15)]
    record(calibration, date(2026, 4, 8), cast.lead)
    assert overdue(calibration) == [date(2026, 4, 1), date(2026, 4, 15)]


def test_what_was_recorded_once_is_not_recorded_again(calibration: RecurringTask, cast: Cast) -> None:
    record(calibration, date(2026, 4, 8), cast.lead)
    with pytest.raises(errors.RunRecorded):
        record(calibration, date(2026, 4, 8), cast.author)


def test_a_day_on_which_it_does_not_fall_due_takes_no_record(calibration: RecurringTask, cast: Cast) -> None:
    with pytest.raises(errors.NotDue):
        record(calibration, date(2026, 4, 9), cast.lead)
    # The next one can be recorded, the one after that not yet.
    with pytest.raises(errors.NotDue):
        record(calibration, date(2026, 4, 29), cast.lead)


def test_what_was_taken_back_waits_again_and_stays_in_the_history(calibration: RecurringTask, cast: Cast) -> None:
    run = record(calibration, date(2026, 4, 8), cast.lead)
    with own_transaction():
        tasks.take_back_run(task=calibration, run=run, reason="Wrong day", by=cast.lead)
    assert date(2026, 4, 8) in overdue(calibration)
    assert [each.taken_back_reason for each in queries.list_runs(calibration)] == ["Wrong day"]
    with pytest.raises(errors.RunTakenBack), own_transaction():
        tasks.take_back_run(task=calibration, run=run, reason="Again", by=cast.lead)
    record(calibration, date(2026, 4, 8), cast.author)


def test_what_was_left_out_says_why_and_is_no_evidence(calibration: RecurringTask, cast: Cast) -> None:
    with pytest.raises(errors.ReasonMissing), own_transaction():
        tasks.skip_run(task=calibration, due_on=date(2026, 4, 8), reason=" ", by=cast.lead)
    with own_transaction():
        tasks.skip_run(task=calibration, due_on=date(2026, 4, 8), reason="Nobody was there", by=cast.lead)
    assert date(2026, 4, 8) not in overdue(calibration)
    assert list_runs_of_people([cast.lead.id]) == []


def test_evidence_names_who_did_it_and_who_helped(calibration: RecurringTask, cast: Cast) -> None:
    record(calibration, date(2026, 4, 1), cast.learner, helper=cast.lead, by=cast.lead)
    record(calibration, date(2026, 4, 15), cast.learner, by=cast.lead)
    found = [(each.done_on, each.how, each.is_helper) for each in list_runs_of_people([cast.learner.id, cast.lead.id])]
    assert found == [
        (date(2026, 4, 15), RunHow.ALONE, False),
        (date(2026, 4, 1), RunHow.WITH_HELP, False),
        (date(2026, 4, 1), RunHow.WITH_HELP, True),
    ]
    assert [each.person_id for each in list_runs_of_people([cast.lead.id])] == [cast.lead.id]
    assert len(list_runs_of_people([cast.learner.id], since=date(2026, 4, 2))) == 1
    assert list_runs_of_people([cast.learner.id], task_codes=["OTHER"]) == []


@pytest.mark.parametrize(
    ("done", "refusal"),
    [
        (lambda cast: Done(cast.outsider, TODAY, RunHow.ALONE), errors.DoerMissing),
        (lambda cast: Done(None, TODAY, RunHow.ALONE), errors.DoerMissing),
        (lambda cast: Done(cast.lead, TODAY, RunHow.WITH_HELP), errors.HelperMissing),
        (lambda cast: Done(cast.lead, TODAY, RunHow.WITH_HELP, cast.lead), errors.HelperMissing),
        (lambda cast: Done(cast.lead, TODAY + timedelta(days=1), RunHow.ALONE), errors.DoneInFuture),
        (lambda cast: Done(cast.lead, TODAY - timedelta(days=60), RunHow.ALONE), errors.DoneLongBefore),
    ],
)
def test_a_record_that_cannot_be_true_is_refused(
    calibration: RecurringTask, cast: Cast, done: Any, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal), own_transaction():
        tasks.record_run(task=calibration, due_on=date(2026, 4, 8), done=done(cast), note="", by=cast.lead)


def change(task: RecurringTask, cast: Cast, *, reason: str = "Another rhythm", seen: int = 1, **values: Any) -> None:
    with own_transaction():
        tasks.change_terms(
            task=task,
            wanted=wanted(**values),
            owner=cast.lead,
            deputy=cast.author,
            reason=reason,
            seen=seen,
            by=cast.lead,
        )


def test_another_rhythm_leaves_what_fell_due_before_as_it_was(calibration: RecurringTask, cast: Cast) -> None:
    change(calibration, cast, rhythm=Rhythm.EVERY, starts_on=TODAY)
    assert overdue(calibration) == [date(2026, 4, 1), date(2026, 4, 8), date(2026, 4, 15)]
    standing = queries.standings_of([calibration])[calibration.id]
    assert standing.today is not None
    assert standing.next is not None
    assert (standing.today.on, standing.next.on) == (TODAY, date(2026, 4, 17))


def test_another_rhythm_does_not_begin_in_the_past_or_before_what_is_recorded(
    calibration: RecurringTask, cast: Cast
) -> None:
    with pytest.raises(errors.StartsInPast):
        change(calibration, cast, rhythm=Rhythm.EVERY)
    with clock.frozen(at(date(2026, 4, 22))):
        record(calibration, date(2026, 4, 22), cast.lead)
        with pytest.raises(errors.StartsBeforeRuns):
            change(calibration, cast, rhythm=Rhythm.EVERY, starts_on=date(2026, 4, 22))


def test_another_title_alone_keeps_the_days(calibration: RecurringTask, cast: Cast) -> None:
    change(calibration, cast, title=Words("Calibration", "判断のすり合わせ"))
    assert overdue(calibration) == [date(2026, 4, 1), date(2026, 4, 8), date(2026, 4, 15)]
    assert str(calibration.title.en) == "Calibration"


def test_terms_that_somebody_else_changed_meanwhile_or_that_hold_already_are_refused(
    calibration: RecurringTask, cast: Cast
) -> None:
    with pytest.raises(errors.NothingChanged):
        change(calibration, cast)
    with pytest.raises(errors.ReasonMissing):
        change(calibration, cast, reason="", minutes=30)
    change(calibration, cast, minutes=30)
    with pytest.raises(errors.TermsChanged):
        change(calibration, cast, minutes=45)


def test_what_has_ended_falls_due_no_more_and_needs_no_owner(calibration: RecurringTask, cast: Cast) -> None:
    with own_transaction():
        tasks.end(task=calibration, reason="The meeting is gone", by=cast.lead)
    assert queries.standings_of([calibration]) == {}
    assert tasks.OwnedTasks().list_live_codes() == []
    with pytest.raises(errors.TaskEnded):
        record(calibration, date(2026, 4, 8), cast.lead)


@pytest.mark.parametrize(
    ("values", "refusal"),
    [
        ({"title": Words("Only English", " ")}, errors.TitleMissing),
        ({"title": Words("x" * 121, "題")}, errors.TitleTooLong),
        ({"every": 0}, errors.OutOfBounds),
        ({"every": 99}, errors.OutOfBounds),
        ({"weekday": None}, errors.DayMissing),
        ({"rhythm": Rhythm.MONTHLY}, errors.DayMissing),
        ({"rhythm": Rhythm.MONTHLY, "working_day": 40}, errors.OutOfBounds),
        ({"minutes": 0}, errors.OutOfBounds),
        ({"starts_on": date(2020, 1, 1)}, errors.StartsFarAway),
        ({"procedure_slug": "nowhere"}, errors.ProcedureMissing),
    ],
)
def test_terms_that_cannot_hold_are_refused(
    cast: Cast, calibration: RecurringTask, values: dict[str, Any], refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        make_task(cast.lead, **values)


def test_whoever_leads_a_team_makes_tasks_of_that_team_alone(cast: Cast, calibration: RecurringTask) -> None:
    with pytest.raises(errors.OutsideScope):
        make_task(cast.lead, team=None)
    with pytest.raises(errors.OutsideScope):
        make_task(cast.lead, market=make_market("US"), team=make_team("payments-safety"))
    with pytest.raises(errors.NoSuchPlace):
        make_task(cast.author, team=make_team("payments-safety"))


def test_a_first_day_in_a_year_without_holidays_is_refused_by_the_name_of_the_year(cast: Cast) -> None:
    with pytest.raises(HolidayYearUnknown, match="2026"):
        make_task(cast.author)


def test_the_days_of_tasks_are_read_with_as_many_statements_however_many_there_are(
    cast: Cast, calibration: RecurringTask
) -> None:
    def count() -> int:
        session.expire_all()
        with counted_queries() as seen:
            found = queries.list_running_tasks()
            queries.standings_of(found)
            queries.owners_of(found)
        return len(seen)

    one = count()
    for number in range(4):
        make_task(cast.author, title=Words(f"Task {number}", f"業務{number}"), team=None)
    assert count() == one


def test_a_holiday_added_later_does_not_make_what_was_done_overdue(cast: Cast, calibration: RecurringTask) -> None:
    for day in (1, 8, 15):
        record(calibration, date(2026, 4, day), cast.lead)
    with own_transaction():
        add_company_days(
            markets=[make_market()],
            period=CompanyPeriod(date(2026, 4, 8), date(2026, 4, 8), Words("Closed", "休業")),
            by=cast.admin,
        )
    assert overdue(calibration) == []

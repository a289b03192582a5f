"""Cycles: each opened once on its day, closed by what ends it, and never reset."""

from __future__ import annotations

import threading
from datetime import date, timedelta
from random import Random
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from portal.accounts.errors import StillNeeded
from portal.accounts.models import Person
from portal.accounts.service import people as accounts
from portal.calendars import service as calendars
from portal.core import clock, jobs
from portal.core.db import session
from portal.core.jobs import Job
from portal.core.transaction import own_transaction
from portal.obligations import invariants, queries
from portal.obligations.errors import CannotOpen, CycleIsOpen, NotAddressed, ReasonMissing
from portal.obligations.models import Obligation, ObligationCycle, ObligationPerson
from portal.obligations.rules import Break, Closing, CountsFrom, Health, Rhythm, State
from portal.obligations.service import cycles, obligations
from portal.obligations.service.owned import OwnedObligations
from portal.training import queries as queries_of_training
from portal.training.errors import PersonInactive
from portal.training.models import Enrollment
from portal.training.service import dates
from portal.training.service.enrollments import end_plan, enroll, enroll_all
from portal.training.service.swaps import swap_version
from tests.beginnings import beginning
from tests.builders import Cast, make_person, make_team
from tests.obligations.builders import (
    BEGINS,
    at,
    complete,
    cycles_of,
    days,
    make_obligation,
    make_refresher,
    stand,
    wanted,
    work,
)
from tests.queries import counted_queries
from tests.training.builders import load_holidays
from tests.volume import examples


@pytest.fixture
@beginning
def refresher(cast: Cast) -> Obligation:
    with clock.frozen(at(date(2026, 3, 30))):
        load_holidays()
        make_refresher(cast.author)
        return make_obligation(cast.author, owner=cast.lead, deputy=cast.author)


def yearly(cast: Cast, **values: object) -> Obligation:
    with clock.frozen(at(date(2026, 3, 30))):
        load_holidays()
        make_refresher(cast.author)
        return make_obligation(cast.author, rhythm=Rhythm.YEARLY, month=10, day=1, **values)


def end_training(enrollment: Enrollment, by: Person, day: date) -> None:
    with clock.frozen(at(day, 15)), own_transaction():
        end_plan(enrollment=enrollment, reason="Long leave", by=by)


# --- Opening -------------------------------------------------------------------------------------


def test_a_cycle_opens_on_the_day_that_was_promised_and_enrolls_in_the_latest_version(
    cast: Cast, refresher: Obligation
) -> None:
    newest = make_refresher(cast.author, number="2.0")
    promised = stand(refresher, cast.learner, date(2026, 3, 30)).verdict
    assert (promised.health, promised.on) == (Health.INTACT, BEGINS)
    for day in days(date(2026, 3, 30), 2):
        work(day)
        assert not cycles_of(cast.learner)
    work(BEGINS)
    (cycle,) = cycles_of(cast.learner)
    assert (cycle.number, cycle.opens_on, cycle.opened_on, cycle.opened_at) == (1, BEGINS, BEGINS, at(BEGINS))
    assert (cycle.enrollment.version, cycle.enrollment.starts_on) == (newest, date(2026, 4, 8))
    # Ten working days from the first: no holiday lies between.
    assert cycle.due_on == date(2026, 4, 15)
    # The training is so long as to be due with it: its talk is on the sixth working day.
    with clock.frozen(at(BEGINS)):
        assert queries_of_training.standing_of(cycle.enrollment).due_on("talk") == cycle.due_on
    assert (cycle.counts_from, cycle.taken_up, cycle.enrollment.enrolled_by) == (
        CountsFrom.BEGINNING, False, "system",
    )  # fmt: skip
    assert not cycles_of(cast.outsider)
    assert stand(refresher, cast.learner, BEGINS).verdict.due_on == date(2026, 4, 15)


def test_running_the_job_again_opens_nothing_twice_and_tells_nobody_twice(cast: Cast, refresher: Obligation) -> None:
    for _again in range(3):
        work(BEGINS)
    assert len(cycles_of(cast.learner)) == 1
    code = cycles_of(cast.learner)[0].enrollment.code
    keys = [row.effect_key for row in session.query(Job.effect_key)]
    assert [key for key in keys if code in key and "plan_started" in key] == [f"mail:plan_started:{code}"]
    # The training says it; the cycle has no mail of its own.
    assert [key for key in keys if key.startswith("mail:") and "obligation" in key] == []


def test_completing_the_training_closes_the_cycle_and_the_next_is_counted_from_it(
    cast: Cast, refresher: Obligation
) -> None:
    work(BEGINS)
    (first,) = cycles_of(cast.learner)
    complete(first.enrollment, date(2026, 4, 10))
    (first,) = cycles_of(cast.learner)
    assert (first.closed_as, first.closed_at) == (Closing.COMPLETED, at(date(2026, 4, 10), 12))
    verdict = stand(refresher, cast.learner, date(2026, 4, 11)).verdict
    # 10 April 2027 is a Saturday.
    assert (verdict.planned_on, verdict.on) == (date(2027, 4, 10), date(2027, 4, 12))
    for day in days(date(2027, 4, 9), 3):
        work(day)
    assert len(cycles_of(cast.learner)) == 1
    work(date(2027, 4, 12))
    first, second = cycles_of(cast.learner)
    assert (first.number, first.closed_as) == (1, Closing.COMPLETED)
    assert (second.number, second.opens_on, second.opened_on) == (2, date(2027, 4, 10), date(2027, 4, 12))
    assert (second.counted_on, second.counted_code) == (date(2026, 4, 10), first.enrollment.code)
    # Nothing was reset: both trainings are there, each with its own completions.
    assert first.enrollment_id != second.enrollment_id
    assert [len(each.enrollment.completions) for each in (first, second)] == [1, 0]


def test_after_an_outage_the_true_time_stands_beside_the_planned_day(cast: Cast, refresher: Obligation) -> None:
    work(date(2026, 3, 30))
    work(date(2026, 4, 7), 16)
    (cycle,) = cycles_of(cast.learner)
    assert (cycle.opens_on, cycle.opened_on, cycle.opened_at) == (BEGINS, date(2026, 4, 7), at(date(2026, 4, 7), 16))
    assert (cycle.enrollment.starts_on, cycle.due_on) == (date(2026, 4, 14), date(2026, 4, 21))


def test_somebody_on_leave_gets_her_cycle_on_her_first_day_back(cast: Cast, refresher: Obligation) -> None:
    with clock.frozen(at(date(2026, 3, 30))), own_transaction():
        calendars.record_leave(person=cast.learner, first_on=date(2026, 4, 1), last_on=date(2026, 4, 3), by=cast.lead)
    assert stand(refresher, cast.learner, date(2026, 3, 31)).verdict.on == date(2026, 4, 6)
    for day in days(BEGINS, 5):
        work(day)
    assert not cycles_of(cast.learner)
    assert len(cycles_of(cast.colleague)) == 1
    work(date(2026, 4, 6))
    assert [each.opened_on for each in cycles_of(cast.learner)] == [date(2026, 4, 6)]


def test_a_training_that_runs_already_is_taken_up_instead_of_a_second_one(cast: Cast, refresher: Obligation) -> None:
    version = queries.latest_versions({"refresher"})["refresher"]
    with clock.frozen(at(date(2026, 3, 20))), own_transaction():
        running = enroll(person=cast.learner, version=version, starts_on=date(2026, 3, 20), by=cast.lead)
    work(BEGINS)
    (cycle,) = cycles_of(cast.learner)
    assert (cycle.enrollment.code, cycle.taken_up, cycle.due_on) == (running.code, True, date(2026, 4, 15))
    # Its own days are counted from its opening, not from the start of that training.
    assert stand(refresher, cast.learner, BEGINS).verdict.due_on == date(2026, 4, 15)


def test_a_recent_completion_closes_the_cycle_of_the_fixed_day_at_once(cast: Cast) -> None:
    obligation = yearly(cast, recognise_days=90)
    work(date(2026, 4, 1))
    version = queries.latest_versions({"refresher"})["refresher"]
    with clock.frozen(at(date(2026, 8, 3))), own_transaction():
        earlier = enroll(person=cast.learner, version=version, starts_on=date(2026, 8, 3), by=cast.lead)
    complete(earlier, date(2026, 8, 5))
    work(date(2026, 10, 1))
    (cycle,) = cycles_of(cast.learner)
    assert (cycle.closed_as, cycle.enrollment.code) == (Closing.RECOGNISED, earlier.code)
    assert stand(obligation, cast.learner, date(2026, 10, 1)).verdict.on == date(2027, 10, 1)
    assert [each.closed_as for each in cycles_of(cast.colleague)] == [None]


def test_a_cycle_of_a_fixed_day_lapses_when_the_next_comes_and_what_was_begun_goes_on(cast: Cast) -> None:
    obligation = yearly(cast)
    work(date(2026, 10, 1))
    (first,) = cycles_of(cast.learner)
    work(date(2027, 9, 30))
    assert len(cycles_of(cast.learner)) == 1
    assert stand(obligation, cast.learner, date(2027, 9, 30)).is_overdue
    work(date(2027, 10, 1))
    first, second = cycles_of(cast.learner)
    assert (first.closed_as, second.closed_as, second.taken_up) == (Closing.LAPSED, None, True)
    assert first.enrollment_id == second.enrollment_id
    complete(second.enrollment, date(2027, 10, 4))
    assert [each.closed_as for each in cycles_of(cast.learner)] == [Closing.LAPSED, Closing.COMPLETED]


def test_more_time_and_leave_move_the_date_of_a_cycle_as_they_move_the_plan(cast: Cast, refresher: Obligation) -> None:
    work(BEGINS)
    (cycle,) = cycles_of(cast.learner)
    with clock.frozen(at(date(2026, 4, 2))), own_transaction():
        dates.extend_plan(enrollment=cycle.enrollment, working_days=3, reason="Busy weeks", by=cast.lead)
        calendars.record_leave(person=cast.learner, first_on=date(2026, 4, 9), last_on=date(2026, 4, 10), by=cast.lead)
    # Two days of leave and three more: from the 15th over the weekend to the 22nd.
    assert stand(refresher, cast.learner, date(2026, 4, 3)).verdict.due_on == date(2026, 4, 22)
    assert cycles_of(cast.learner)[0].due_on == date(2026, 4, 15)


def test_who_answers_for_an_obligation_sees_the_first_date_of_what_runs(
    cast: Cast, refresher: Obligation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def due() -> date | None:
        with clock.frozen(at(date(2026, 4, 3))):
            return OwnedObligations().find_things([refresher.code])[refresher.code].due_on

    assert due() is None
    work(BEGINS)
    assert due() == date(2026, 4, 15)
    everybody = [each.person_id for each in session.scalars(select(ObligationCycle))]
    for cycle in (cycles_of(session.get_one(Person, each))[0] for each in everybody):
        with clock.frozen(at(date(2026, 4, 2))), own_transaction():
            dates.extend_plan(enrollment=cycle.enrollment, working_days=3, reason="Busy", by=cast.admin)
    moved = due()
    assert moved is not None
    assert moved > date(2026, 4, 15), "what was given more time is not overdue"
    # Of more cycles than are looked at, those that are left out are due no earlier than they were when opened.
    monkeypatch.setattr(queries, "_FIRST_DUE", 1)
    assert due() == date(2026, 4, 15)
    monkeypatch.undo()
    for cycle in (cycles_of(session.get_one(Person, each))[0] for each in everybody):
        complete(cycle.enrollment, date(2026, 4, 3))
    assert due() is None


# --- Closing -------------------------------------------------------------------------------------


def test_whoever_leaves_the_audience_has_her_cycle_closed_and_keeps_her_training(
    cast: Cast, refresher: Obligation
) -> None:
    work(BEGINS)
    other = make_team("payments-tokyo")
    session.get_one(Person, cast.learner.id).team_id = other.id
    session.commit()
    work(date(2026, 4, 2))
    (cycle,) = cycles_of(cast.learner)
    assert (cycle.closed_as, cycle.enrollment.ended_at) == (Closing.LEFT, None)
    session.get_one(Person, cast.learner.id).team_id = cast.lead.team_id
    session.commit()
    work(date(2026, 4, 8))
    first, second = cycles_of(cast.learner)
    # She is back: the training that still runs is taken up by the next cycle.
    assert (first.closed_as, second.number, second.enrollment_id) == (Closing.LEFT, 2, first.enrollment_id)
    rows = session.query(ObligationPerson).filter_by(person_id=cast.learner.id).order_by(ObligationPerson.id).all()
    assert [(row.entered_on, row.left_at is None) for row in rows] == [(BEGINS, False), (date(2026, 4, 8), True)]


def test_a_training_that_was_ended_interrupts_until_somebody_opens_the_next_by_hand(
    cast: Cast, refresher: Obligation
) -> None:
    work(BEGINS)
    (cycle,) = cycles_of(cast.learner)
    end_training(cycle.enrollment, cast.lead, date(2026, 4, 3))
    # Said at once, and noted by the next round.
    assert stand(refresher, cast.learner, date(2026, 4, 3), 16).verdict.broken is Break.STOPPED
    work(date(2026, 4, 6))
    assert cycles_of(cast.learner)[0].closed_as is Closing.STOPPED
    for day in (date(2026, 4, 7), date(2027, 4, 7)):
        work(day)
        assert stand(refresher, cast.learner, day).verdict.broken is Break.STOPPED
    assert len(cycles_of(cast.learner)) == 1
    with clock.frozen(at(date(2027, 4, 8))), own_transaction():
        cycles.open_now(obligation=refresher, person=cast.learner, reason="Back from leave", by=cast.lead)
    first, second = cycles_of(cast.learner)
    assert (second.number, second.opened_by, second.open_reason) == (2, cast.lead.code, "Back from leave")
    complete(second.enrollment, date(2027, 4, 9))
    assert stand(refresher, cast.learner, date(2027, 4, 12)).verdict.health is Health.INTACT
    assert first.closed_as is Closing.STOPPED


def test_what_has_ended_closes_its_cycles_and_leaves_the_trainings(cast: Cast, refresher: Obligation) -> None:
    work(BEGINS)
    with clock.frozen(at(date(2026, 4, 2))), own_transaction():
        obligations.end(obligation=refresher, reason="Replaced by the new one", by=cast.author)
    with clock.frozen(at(date(2026, 4, 2))):
        jobs.run_due()
    (cycle,) = cycles_of(cast.learner)
    assert (cycle.closed_as, cycle.enrollment.is_open) == (Closing.ENDED, True)
    work(date(2028, 4, 3))
    assert len(cycles_of(cast.learner)) == 1


def test_a_pause_keeps_cycles_back_and_lets_open_ones_go_on(cast: Cast, refresher: Obligation) -> None:
    with clock.frozen(at(date(2026, 3, 31))), own_transaction():
        obligations.pause(obligation=refresher, reason="The plan is being rewritten", by=cast.author)
    work(BEGINS)
    assert not cycles_of(cast.learner)
    assert stand(refresher, cast.learner, BEGINS).verdict.broken is Break.PAUSED
    with clock.frozen(at(date(2026, 4, 9))), own_transaction():
        obligations.resume(obligation=refresher, reason="The plan is there", by=cast.author)
    with clock.frozen(at(date(2026, 4, 9))):
        jobs.run_due()
    assert [each.opened_on for each in cycles_of(cast.learner)] == [date(2026, 4, 9)]
    with clock.frozen(at(date(2026, 4, 10))), own_transaction():
        obligations.pause(obligation=refresher, reason="Once more", by=cast.author)
    work(date(2026, 4, 13))
    assert stand(refresher, cast.learner, date(2026, 4, 13)).verdict.health is Health.OPEN


def test_without_anybody_who_answers_for_it_nothing_comes(cast: Cast, refresher: Obligation) -> None:
    for person in (cast.lead, cast.author):
        session.get_one(Person, person.id).deactivated_at = at(date(2026, 3, 31))
    session.commit()
    work(BEGINS)
    assert not cycles_of(cast.learner)
    assert stand(refresher, cast.learner, BEGINS).verdict.broken is Break.NO_OWNER
    # The deputy is enough.
    session.get_one(Person, cast.author.id).deactivated_at = None
    session.commit()
    work(date(2026, 4, 2))
    assert len(cycles_of(cast.learner)) == 1


def test_an_owner_cannot_be_deactivated_before_somebody_else_answers(cast: Cast, refresher: Obligation) -> None:
    with pytest.raises(StillNeeded) as refused, own_transaction():
        accounts.deactivate(person=session.get_one(Person, cast.lead.id), by=cast.admin)
    assert "Yearly refresher" in str(refused.value)


# --- By hand -------------------------------------------------------------------------------------


def test_opening_by_hand_needs_a_reason_a_person_who_is_addressed_and_no_open_cycle(
    cast: Cast, refresher: Obligation
) -> None:
    work(BEGINS)
    for person, reason, refused in (
        (cast.learner, " ", ReasonMissing),
        (cast.learner, "Once more", CycleIsOpen),
        (cast.outsider, "For her too", NotAddressed),
    ):
        with clock.frozen(at(date(2026, 4, 2))), pytest.raises(refused), own_transaction():
            cycles.open_now(obligation=refresher, person=person, reason=reason, by=cast.lead)
    with clock.frozen(at(date(2026, 4, 2))), own_transaction():
        obligations.pause(obligation=refresher, reason="Wait", by=cast.author)
    newcomer = make_person(team=make_team())
    with clock.frozen(at(date(2026, 4, 2))), pytest.raises(CannotOpen), own_transaction():
        cycles.open_now(obligation=refresher, person=newcomer, reason="At once", by=cast.lead)


# --- Once ----------------------------------------------------------------------------------------


def test_two_workers_at_once_open_each_cycle_once(app: Flask, cast: Cast, refresher: Obligation) -> None:
    for _number in range(6):
        make_person(team=make_team())
    session.commit()
    failures: list[BaseException] = []
    ready = threading.Barrier(2)

    def run() -> None:
        with app.app_context(), clock.frozen(at(BEGINS)):
            ready.wait()
            try:
                jobs.run_periodic("obligations.cycles")
            except BaseException as failed:
                failures.append(failed)
            finally:
                session.remove()

    session.remove()
    threads = [threading.Thread(target=run) for _worker in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    found = session.query(ObligationCycle.person_id).all()
    assert len(found) == len({row.person_id for row in found})
    # Learner, colleague, lead, author, approver and the six.
    assert len(found) == 11
    assert session.query(Enrollment).count() == 11


def test_the_database_refuses_a_second_open_cycle_and_a_number_that_is_taken(cast: Cast, refresher: Obligation) -> None:
    work(BEGINS)
    (cycle,) = cycles_of(cast.learner)
    values = {
        column.name: getattr(cycle, column.name)
        for column in ObligationCycle.__table__.columns
        if column.name not in ("id", "code")
    }
    for changed in ({"number": 2}, {"closed_at": at(BEGINS), "closed_as": Closing.LEFT, "closed_by": "system"}):
        session.add(ObligationCycle(code="SECOND", **(values | changed)))
        with pytest.raises(IntegrityError):
            session.commit()
        session.rollback()


# --- What it costs, what the doctor says ---------------------------------------------------------


def test_looking_at_people_costs_the_same_for_few_and_for_many(cast: Cast, refresher: Obligation) -> None:
    def measured() -> int:
        with clock.frozen(at(date(2026, 4, 2))), counted_queries() as statements:
            queries.standings(queries.look_at(queries.list_obligations()))
        return len(statements)

    work(BEGINS)
    few = measured()
    for _number in range(8):
        make_person(team=make_team())
    make_obligation_too = yearly_too(cast)
    work(date(2026, 4, 2))
    assert make_obligation_too.code
    assert measured() == few


def test_cycles_of_many_open_with_as_many_reads_as_those_of_few(cast: Cast, refresher: Obligation) -> None:
    def reads(day: date) -> int:
        with counted_queries() as statements:
            work(day)
        return sum(statement.startswith(("SELECT", "WITH")) for statement in statements)

    work(BEGINS)
    make_person(team=make_team())
    few = reads(date(2026, 4, 2))
    for _number in range(8):
        make_person(team=make_team())
    assert reads(date(2026, 4, 3)) == few
    assert session.scalar(select(func.count()).select_from(ObligationCycle)) == 14


def test_a_cycle_goes_on_with_the_training_in_another_version_of_its_plan(cast: Cast, refresher: Obligation) -> None:
    work(BEGINS)
    newest = make_refresher(cast.author, number="2.0")
    (cycle,) = cycles_of(cast.learner)
    with clock.frozen(at(date(2026, 4, 3))), own_transaction():
        enrollment = swap_version(enrollment=cycle.enrollment, version=newest, reason="It was revised.", by=cast.lead)
    work(date(2026, 4, 6))
    (cycle,) = cycles_of(cast.learner)
    assert (cycle.enrollment_id, cycle.closed_at) == (enrollment.id, None)
    assert stand(refresher, cast.learner, date(2026, 4, 6)).verdict.health is Health.OPEN
    complete(queries_of_training.get_enrollment(enrollment.code), date(2026, 4, 10))
    (cycle,) = cycles_of(cast.learner)
    assert cycle.closed_as is Closing.COMPLETED
    assert [said for check in invariants.INVARIANTS.values() for said in check()] == []


def yearly_too(cast: Cast) -> Obligation:
    with clock.frozen(at(date(2026, 3, 30))):
        return make_obligation(cast.author, rhythm=Rhythm.YEARLY, month=10, day=1)


def test_the_doctor_computes_cycles_again(cast: Cast, refresher: Obligation) -> None:
    work(BEGINS)
    (cycle,) = cycles_of(cast.learner)
    complete(cycle.enrollment, date(2026, 4, 10))
    work(date(2027, 4, 12))
    assert [said for check in invariants.INVARIANTS.values() for said in check()] == []


@pytest.mark.parametrize("field", ["opens_on", "due_on", "number"])
def test_a_cycle_is_history_and_cannot_be_rewritten(cast: Cast, refresher: Obligation, field: str) -> None:
    work(BEGINS)
    (cycle,) = cycles_of(cast.learner)
    value = getattr(cycle, field)
    changed = value - timedelta(days=1) if isinstance(value, date) else value + 1
    with pytest.raises(RuntimeError, match="history"):
        _rewrite(cycle.id, field, changed)


def _rewrite(cycle_id: int, field: str, value: object) -> None:
    with own_transaction():
        setattr(session.get_one(ObligationCycle, cycle_id), field, value)


def test_terms_are_added_and_open_cycles_keep_theirs(cast: Cast, refresher: Obligation) -> None:
    work(BEGINS)
    with clock.frozen(at(date(2026, 4, 2))), own_transaction():
        obligations.change_terms(
            obligation=refresher, wanted=wanted(days=20, months=6), owner=cast.lead, deputy=cast.author,
            reason="More time", seen=1, by=cast.author,
        )  # fmt: skip
    (cycle,) = cycles_of(cast.learner)
    assert (cycle.terms.number, cycle.terms.days) == (1, 10)
    assert stand(refresher, cast.learner, date(2026, 4, 3)).verdict.due_on == date(2026, 4, 15)
    complete(cycle.enrollment, date(2026, 4, 10))
    assert stand(refresher, cast.learner, date(2026, 4, 13)).verdict.planned_on == date(2026, 10, 10)


def test_what_is_refused_for_one_person_keeps_nobody_elses_cycle_from_coming(
    cast: Cast, refresher: Obligation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refusing(**values: Any) -> list[Enrollment]:
        if any(person.code == cast.learner.code for person, _day in values["starts"]):
            raise PersonInactive(name="She")
        return enroll_all(**values)

    monkeypatch.setattr(cycles, "enroll_all", refusing)
    work(BEGINS)
    assert not cycles_of(cast.learner)
    assert [len(cycles_of(each)) for each in (cast.colleague, cast.approver, cast.author)] == [1, 1, 1]
    monkeypatch.undo()
    work(BEGINS, 10)
    assert len(cycles_of(cast.learner)) == 1


# --- The promise, in the whole product -----------------------------------------------------------


@pytest.mark.parametrize("seed", range(examples(1)))
def test_what_is_promised_in_the_evening_is_what_the_worker_does(cast: Cast, seed: int) -> None:
    """Go through a month in which trainings are completed and ended, leave is recorded, obligations pause.

    Each evening it is written down when everybody's next cycle comes; whatever the worker opens then, that evening or
    on the next morning, was said, and all that was said comes.
    """
    random = Random(seed)
    first = date(2026, 4, 1)
    with clock.frozen(at(date(2026, 3, 30))):
        load_holidays()
        make_refresher(cast.author)
        found = [
            make_obligation(cast.author, owner=cast.lead, months=1, days=7),
            make_obligation(cast.author, owner=cast.lead, rhythm=Rhythm.YEARLY, month=4, day=random.randint(10, 30)),
        ]
    people = [cast.learner, cast.colleague, cast.approver]
    opened = 0
    for day in days(first, 32):
        with clock.frozen(at(day, 12)):
            for person in people:
                _something_happens(random, person, cast, day)
            if random.random() < 0.1:
                _turn(queries.get_obligation(random.choice(found).code), cast.author)
        promised = {(each.id, person.id): stand(each, person, day, 18).verdict for each in found for person in people}
        for then, hour in ((day, 19), (day + timedelta(days=1), 8)):
            before = {key: _count(key) for key in promised}
            work(then, hour)
            for key, verdict in promised.items():
                comes = _count(key) - before[key]
                assert comes == (verdict.on == then and verdict.opens(then)), (seed, then, key, verdict)
                opened += comes
    assert opened >= len(people)
    assert [said for check in invariants.INVARIANTS.values() for said in check()] == []


def _count(key: tuple[int, int]) -> int:
    obligation_id, person_id = key
    return session.query(ObligationCycle).filter_by(obligation_id=obligation_id, person_id=person_id).count()


def _something_happens(random: Random, person: Person, cast: Cast, day: date) -> None:
    """Let a person complete her training, have it ended, be away, or be helped on."""
    chance = random.random()
    running = [each.enrollment for each in cycles_of(person) if each.enrollment.is_open]
    if running and chance < 0.15:
        complete(running[0], day)
    elif running and chance < 0.2:
        end_training(running[0], cast.lead, day)
    elif chance < 0.26:
        first = day + timedelta(days=random.randint(1, 10))
        with own_transaction():
            calendars.record_leave(
                person=person, first_on=first, last_on=first + timedelta(days=random.randint(0, 3)), by=cast.lead
            )


def _turn(obligation: Obligation, by: Person) -> None:
    """Pause what is in force, and resume what is paused."""
    act = obligations.resume if obligation.state is State.PAUSED else obligations.pause
    with own_transaction():
        act(obligation=obligation, reason="For a while", by=by)

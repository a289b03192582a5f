"""Opening and closing cycles: each once, on its day, whatever runs twice or breaks off."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from datetime import date

from flask import current_app
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from portal.accounts.models import Person
from portal.calendars.errors import unknown_years_refused
from portal.core import clock
from portal.core.codes import new_code
from portal.core.db import session
from portal.core.errors import DomainError
from portal.core.i18n import force_locale
from portal.core.jobs import Progress
from portal.journal.service import record, seal_all
from portal.obligations import queries, rules
from portal.obligations.errors import CannotOpen, CycleIsOpen, NotAddressed
from portal.obligations.models import Obligation, ObligationCycle, ObligationPerson, ObligationTerms
from portal.obligations.queries import Standing
from portal.obligations.rules import Closing, State
from portal.obligations.service.telling import why_broken
from portal.obligations.service.wording import checked_reason
from portal.training import queries as training
from portal.training.models import Enrollment
from portal.training.queries import catalogue
from portal.training.rules import Basis
from portal.training.service.enrollments import enroll_all

# So many people are looked at in one transaction, and so many cycles are opened in one: others do not wait long.
PEOPLE_AT_ONCE = 1000
OPENED_AT_ONCE = 200


def sweep() -> Iterator[Progress]:
    """Look at everybody of every obligation, some people at a time, and do what has come for them."""
    for obligation_id in queries.list_obligation_ids():
        yield from look(obligation_id)


def look(obligation_id: int) -> Iterator[Progress]:
    """Look at everybody of an obligation: note who is addressed, close what has ended, open what has come."""
    after = done = 0
    while True:
        # One after the other: whoever comes second finds what the first has opened.
        obligation = queries.lock_obligation(obligation_id)
        ids = queries.list_ids_to_look_at(obligation, after, PEOPLE_AT_ONCE)
        if not ids:
            return
        looked_at = look_at_people(obligation, ids)
        after, done = looked_at[-1], done + len(looked_at)
        yield Progress(done, done)


def look_at_people(obligation: Obligation, ids: Sequence[int]) -> Sequence[int]:
    """Do what has come for these people of a locked obligation, who are in order; return whom was got to.

    They are those up to the last one for whom a cycle can be opened in this transaction.
    """
    (found,) = queries.standings(queries.look_at([obligation]), people=ids)
    due = sorted((each for each in found if each.verdict.opens(each.today)), key=lambda each: each.person_id)
    if len(due) > OPENED_AT_ONCE:
        due = due[:OPENED_AT_ONCE]
        ids = [each for each in ids if each <= due[-1].person_id]
        found = [each for each in found if each.person_id <= due[-1].person_id]
    addressed = {each.person_id for each in found}
    others = set(ids) - addressed
    _note_people(obligation, found, others)
    for cycle in queries.list_open_cycles(obligation, others, besides=addressed):
        closing = _closing_of(cycle, obligation, is_addressed=cycle.person_id in addressed)
        if closing is not None:
            close(cycle, closing)
    # A person has one open cycle of an obligation: what ended is closed before there are new ones.
    session.flush()
    _open_due(obligation, due)
    return ids


def _note_people(obligation: Obligation, addressed: Sequence[Standing], others: Set[int]) -> None:
    """Note who has begun to be addressed, and which of the others are not any more."""
    now, subject = clock.now(), ("obligation", obligation.code)
    entered = {each.person_id: each.today for each in addressed if not each.is_noted}
    if entered:
        rows = [
            {"obligation_id": obligation.id, "person_id": person_id, "entered_on": today, "entered_at": now}
            for person_id, today in entered.items()
        ]
        session.execute(insert(ObligationPerson), rows)
        numbers = queries.numbers_of_present(obligation, entered.keys())
        ids = [{"id": numbers[person_id]} for person_id in entered]
        seal_all(ObligationPerson, (id_ | row for id_, row in zip(ids, rows, strict=True)))
        record("obligations.people_entered", by=None, subject=subject, after={"people": len(entered)})
    left = queries.list_present(obligation, others)
    for row in left:
        row.left_at = now
    session.flush()
    if left:
        record("obligations.people_left", by=None, subject=subject, after={"people": len(left)})


def _closing_of(cycle: ObligationCycle, obligation: Obligation, *, is_addressed: bool) -> Closing | None:
    closing = cycle.effective_closing
    if closing is not None:
        return closing
    if obligation.state is State.ENDED:
        return Closing.ENDED
    return None if is_addressed else Closing.LEFT


def close(cycle: ObligationCycle, closing: Closing, *, by: Person | None = None) -> None:
    """Close a cycle that is open."""
    cycle.closed_at, cycle.closed_as, cycle.closed_by = clock.now(), closing, by.code if by else "system"
    record(
        "obligations.cycle_closed",
        by=by,
        subject=("obligation_cycle", cycle.code),
        after={"closed_as": closing.value},
    )


def close_completed(enrollment_id: int) -> None:
    """Close the cycles whose training has just been completed."""
    for cycle in queries.list_open_of_enrollment(enrollment_id):
        close(cycle, Closing.COMPLETED)
    session.flush()


def follow_training(*, was_enrollment_id: int, enrollment_id: int) -> None:
    """Let open cycles go on with the enrollment that took the place of theirs."""
    for cycle in queries.list_open_of_enrollment(was_enrollment_id):
        cycle.enrollment_id = enrollment_id
    session.flush()


def _open_due(obligation: Obligation, due: Sequence[Standing]) -> None:
    """Open the cycles that have come for these people; what is refused for one keeps nobody else's from coming."""
    if not due:
        return
    try:
        # A step back for these alone.
        with session.begin_nested():
            _open(obligation, due, by=None, reason=None)
    except (DomainError, IntegrityError) as refused:
        if len(due) > 1:
            half = len(due) // 2
            _open_due(obligation, due[:half])
            _open_due(obligation, due[half:])
            return
        (person,) = queries.people_of(due).values()
        with force_locale("en"):
            said = str(refused) if isinstance(refused, DomainError) else type(refused).__name__
        current_app.logger.warning("no cycle of %s for %s: %s", obligation.code, person.code, said)


def open_now(*, obligation: Obligation, person: Person, reason: str, by: Person) -> ObligationCycle:
    """Open a person's next cycle today, whatever the rhythm says; the cycles go on from it.

    Raises `ReasonMissing`, `ReasonTooLong`, `NotAddressed`, `CycleIsOpen`, `CannotOpen`, and what `enroll` raises.
    """
    said = checked_reason(reason)
    locked = queries.lock_obligation(obligation.id)
    look_at_people(locked, [person.id])
    standing = queries.standing_of(locked, person.id)
    if standing is None:
        raise NotAddressed()
    if standing.verdict.health is rules.Health.OPEN:
        raise CycleIsOpen()
    terms, setting = locked.latest, queries.settings_of([locked])[locked.id]
    verdict = rules.health(terms.shape, setting, standing.facts, standing.today, by_hand=True)
    if verdict.health is not rules.Health.INTACT:
        raise CannotOpen(reason=why_broken(verdict))
    (cycle,) = _open(locked, [standing._replace(verdict=verdict)], by=by, reason=said)
    return cycle


def _open(
    obligation: Obligation, due: Sequence[Standing], *, by: Person | None, reason: str | None
) -> list[ObligationCycle]:
    """Open the next cycle of each of these people, together: all of them, or none where it raises for one."""
    lapsing = {each.person_id for each in due if each.verdict.lapses}
    for cycle in queries.list_open_cycles(obligation, lapsing):
        close(cycle, cycle.effective_closing or Closing.LAPSED)
    session.flush()
    now, terms, people = clock.now(), obligation.latest, queries.people_of(due)
    trainings = _trainings_of(obligation, due, people, by=by)
    count_due = _DueDates(terms)
    cycles = []
    for each in due:
        enrollment, taken_up = trainings[each.person_id]
        verdict = each.verdict
        assert verdict.planned_on is not None
        assert verdict.counts_from is not None
        cycles.append(
            ObligationCycle(
                code=new_code(),
                obligation_id=obligation.id,
                person=people[each.person_id],
                number=each.cycle.number + 1 if each.cycle is not None else 1,
                terms=terms,
                opens_on=verdict.planned_on,
                opened_on=each.today,
                opened_at=now,
                opened_by=by.code if by else "system",
                open_reason=reason,
                due_on=each.today if verdict.recognised else count_due(enrollment, each, taken_up=taken_up),
                counts_from=verdict.counts_from,
                counted_on=verdict.counted_on,
                counted_code=verdict.counted_code,
                enrollment=enrollment,
                taken_up=taken_up,
            )
        )
    session.add_all(cycles)
    session.flush()
    for cycle, each in zip(cycles, due, strict=True):
        record(
            "obligations.cycle_opened",
            by=by,
            subject=("obligation_cycle", cycle.code),
            after={
                "obligation": obligation.code,
                "person": people[each.person_id].code,
                "number": cycle.number,
                "opens_on": cycle.opens_on.isoformat(),
                "enrollment": cycle.enrollment.code,
            },
            reason=reason,
        )
        if each.verdict.recognised is not None:
            close(cycle, Closing.RECOGNISED)
        elif cycle.enrollment.completed_at is not None:
            # All of it was known already, so that it was done as soon as it began.
            close(cycle, Closing.COMPLETED)
    session.flush()
    return cycles


class _DueDates:
    """The date of a cycle that opens: that of the last required step of the training that it opened.

    People of one calendar share it.
    """

    def __init__(self, terms: ObligationTerms) -> None:
        self._days = terms.days
        self._known: dict[tuple[int, int, date], date] = {}

    def __call__(self, enrollment: Enrollment, standing: Standing, *, taken_up: bool) -> date:
        calendar = standing.facts.calendar
        if taken_up:
            return rules.due_of(self._days, Basis(standing.today), calendar)
        key = (id(calendar), enrollment.plan_version_id, enrollment.starts_on)
        if key not in self._known:
            steps = [step.shape for step in enrollment.version.steps]
            self._known[key] = rules.last_due(steps, Basis(enrollment.starts_on), calendar)
        return self._known[key]


def _trainings_of(
    obligation: Obligation, due: Sequence[Standing], people: Mapping[int, Person], *, by: Person | None
) -> dict[int, tuple[Enrollment, bool]]:
    """Return by person's row the training of her cycle that opens, and whether it was there before."""
    known = {each.person_id: each.verdict.recognised.code for each in due if each.verdict.recognised is not None}
    counted = {each.code: each for each in training.list_enrollments_by_code(set(known.values()))} if known else {}
    found = {person_id: (counted[code], True) for person_id, code in known.items()}
    asked = [each for each in due if each.person_id not in known]
    if not asked:
        return found
    version = catalogue.get_latest_version(obligation.latest.plan_slug)
    for running in training.list_open_in(version.plan_id, {each.person_id for each in asked}):
        found[running.person_id] = (running, True)
    beginning = [each for each in asked if each.person_id not in found]
    days, shapes = obligation.latest.days, [step.shape for step in version.steps]
    first_days: dict[tuple[int, date], date] = {}
    with unknown_years_refused():
        for each in beginning:
            key = (id(each.facts.calendar), each.today)
            if key not in first_days:
                first_days[key] = rules.begins_on(days, shapes, each.today, each.facts.calendar)
    enrolled = enroll_all(
        starts=[(people[each.person_id], first_days[id(each.facts.calendar), each.today]) for each in beginning],
        version=version,
        by=by,
    )
    return found | {each.person_id: (each, False) for each in enrolled}

"""Opening and closing cycles: each once, on its day, whatever runs twice or breaks off."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from flask import current_app
from sqlalchemy.exc import IntegrityError

from portal.accounts.models import Person
from portal.core import clock
from portal.core.codes import new_code
from portal.core.db import session
from portal.core.errors import DomainError
from portal.core.i18n import force_locale
from portal.core.jobs import Progress
from portal.journal.service import record
from portal.obligations import queries, rules
from portal.obligations.errors import CannotOpen, CycleIsOpen, NotAddressed
from portal.obligations.models import Obligation, ObligationCycle, ObligationPerson
from portal.obligations.queries import Standing
from portal.obligations.rules import Closing, State, Verdict
from portal.obligations.service.telling import why_broken
from portal.obligations.service.wording import checked_reason
from portal.training import queries as training
from portal.training.models import Enrollment
from portal.training.queries import catalogue
from portal.training.rules import Basis
from portal.training.service.enrollments import enroll

# So many people are looked at in one transaction.
PEOPLE_AT_ONCE = 200


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
        look_at_people(obligation, ids)
        after, done = ids[-1], done + len(ids)
        yield Progress(done, done)


def look_at_people(obligation: Obligation, ids: Collection[int]) -> int:
    """Do what has come for these people of a locked obligation; return how many cycles were opened."""
    (found,) = queries.standings(queries.look_at([obligation]), people=ids)
    standings = {each.person.id: each for each in found}
    _note_people(obligation, ids, standings.values())
    for cycle in queries.list_open_cycles(obligation, ids):
        closing = _closing_of(cycle, obligation, is_addressed=cycle.person_id in standings)
        if closing is not None:
            close(cycle, closing)
    # A person has one open cycle of an obligation: what ended is closed before there are new ones.
    session.flush()
    due = [each for each in found if each.verdict.opens(each.today)]
    return sum(_open_due(obligation, each) for each in due)


def _note_people(obligation: Obligation, ids: Collection[int], addressed: Collection[Standing]) -> None:
    """Note who has begun to be addressed, and who is not any more."""
    now, present = clock.now(), queries.list_present(obligation, ids)
    entered = [each for each in addressed if each.person.id not in present]
    for each in entered:
        session.add(
            ObligationPerson(
                obligation_id=obligation.id, person_id=each.person.id, entered_on=each.today, entered_at=now
            )
        )
    left = [row for id_, row in present.items() if id_ not in {each.person.id for each in addressed}]
    for row in left:
        row.left_at = now
    session.flush()
    subject = ("obligation", obligation.code)
    if entered:
        record("obligations.people_entered", by=None, subject=subject, after={"people": len(entered)})
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


def _open_due(obligation: Obligation, standing: Standing) -> bool:
    """Open the cycle that has come for somebody; what is refused meanwhile keeps nobody else's from coming."""
    code = standing.person.code
    try:
        # A step back for this one alone.
        with session.begin_nested():
            if standing.verdict.lapses and standing.cycle is not None:
                close(standing.cycle, Closing.LAPSED)
                session.flush()
            _open(obligation, standing, standing.verdict, by=None, reason=None)
    except (DomainError, IntegrityError) as refused:
        with force_locale("en"):
            said = str(refused) if isinstance(refused, DomainError) else type(refused).__name__
        current_app.logger.warning("no cycle of %s for %s: %s", obligation.code, code, said)
        return False
    return True


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
    return _open(locked, standing, verdict, by=by, reason=said)


def _open(
    obligation: Obligation, standing: Standing, verdict: Verdict, *, by: Person | None, reason: str | None
) -> ObligationCycle:
    person, today, now = standing.person, standing.today, clock.now()
    terms = obligation.latest
    enrollment, taken_up = _training_of(obligation, standing, verdict, by=by)
    assert verdict.planned_on is not None
    assert verdict.counts_from is not None
    cycle = ObligationCycle(
        code=new_code(),
        obligation_id=obligation.id,
        person=person,
        number=queries.last_number(obligation.id, person.id) + 1,
        terms=terms,
        opens_on=verdict.planned_on,
        opened_on=today,
        opened_at=now,
        opened_by=by.code if by else "system",
        open_reason=reason,
        due_on=rules.due_of(terms.days, Basis(today), standing.facts.calendar) if verdict.recognised is None else today,
        counts_from=verdict.counts_from,
        counted_on=verdict.counted_on,
        counted_code=verdict.counted_code,
        enrollment=enrollment,
        taken_up=taken_up,
    )
    session.add(cycle)
    session.flush()
    record(
        "obligations.cycle_opened",
        by=by,
        subject=("obligation_cycle", cycle.code),
        after={
            "obligation": obligation.code,
            "person": person.code,
            "number": cycle.number,
            "opens_on": cycle.opens_on.isoformat(),
            "enrollment": enrollment.code,
        },
        reason=reason,
    )
    if verdict.recognised is not None:
        close(cycle, Closing.RECOGNISED)
    elif enrollment.completed_at is not None:
        # All of it was known already, so that it was done as soon as it began.
        close(cycle, Closing.COMPLETED)
    session.flush()
    return cycle


def _training_of(
    obligation: Obligation, standing: Standing, verdict: Verdict, *, by: Person | None
) -> tuple[Enrollment, bool]:
    """Return the training of a cycle that opens, and whether it was there before."""
    if verdict.recognised is not None:
        return training.get_enrollment(verdict.recognised.code), True
    version = catalogue.get_latest_version(obligation.latest.plan_slug)
    running = training.find_open_enrollment(standing.person.id, version.plan_id)
    if running is not None:
        return running, True
    return enroll(person=standing.person, version=version, starts_on=standing.today, by=by), False

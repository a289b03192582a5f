"""What must always be true of obligations and their cycles."""

from __future__ import annotations

from datetime import timedelta

from portal.accounts import queries as accounts
from portal.certificates.rules import months_later
from portal.core import clock
from portal.obligations import queries, rules
from portal.obligations.models import ObligationCycle
from portal.obligations.rules import Closing, CountsFrom, State


def cycles_are_numbered_without_a_gap() -> list[str]:
    """Return a sentence for each person whose cycles are not numbered from 1 on: one is missing."""
    return [
        f"obligation row {obligation_id}: person row {person_id} has {number} cycles, the last has number {last}"
        for obligation_id, person_id, number, last in queries.list_numbers()
        if number != last
    ]


def cycles_follow_their_terms() -> list[str]:
    """Return a sentence for each cycle that its terms, its training or its own days contradict."""
    breaches = []
    for found in queries.stretches_of_cycles():
        for each in found:
            breaches += [f"cycle {each.code} {said}" for said in _breaches_of(each)]
    return breaches


def _breaches_of(cycle: ObligationCycle) -> list[str]:
    terms, enrollment = cycle.terms, cycle.enrollment
    said = []
    if terms.obligation_id != cycle.obligation_id:
        said.append("has the terms of another obligation")
    if enrollment.person_id != cycle.person_id:
        said.append(f"has the training {enrollment.code} of somebody else")
    if enrollment.version.plan.slug != terms.plan_slug:
        said.append(f"asks for {terms.plan_slug} and has a training in {enrollment.version.plan.slug}")
    said += _breaches_of_days(cycle)
    is_completed = enrollment.completed_at is not None
    if cycle.closed_as in rules.DONE and not is_completed:
        said.append(f"is {cycle.closed_as}, but its training is not completed")
    if cycle.closed_as is None and is_completed:
        said.append("is open, but its training is completed")
    if cycle.closed_as is Closing.STOPPED and enrollment.ended_at is None:
        said.append("was stopped, but its training was not ended")
    if cycle.closed_at is not None and cycle.closed_at < cycle.opened_at:
        said.append("was closed before it was opened")
    return said


def _breaches_of_days(cycle: ObligationCycle) -> list[str]:
    terms, counted = cycle.terms, cycle.counted_on
    said = []
    zone = cycle.person.home_market.time_zone
    # People move to another market; there may be a day between the two.
    apart = abs(clock.local_date(cycle.opened_at, clock.zone_or_utc(zone)) - cycle.opened_on)
    if apart > timedelta(days=1):
        said.append(f"was opened at {cycle.opened_at:%Y-%m-%d}, not on {cycle.opened_on}")
    if cycle.due_on < cycle.opened_on:
        said.append(f"is due on {cycle.due_on}, before it was opened on {cycle.opened_on}")
    if counted is None:
        return [*said, "does not say what it was counted from"]
    match cycle.counts_from:
        case CountsFrom.COMPLETION:
            earliest = months_later(counted, terms.months or 0)
            if cycle.opens_on < earliest:
                said.append(f"opens on {cycle.opens_on}, less than {terms.months} months after {counted}")
        case CountsFrom.FIXED_DAY:
            if terms.month is None or terms.day is None:
                said.append("was counted from a fixed day, and its terms name none")
            elif cycle.opens_on != rules.fixed_day(cycle.opens_on.year, terms.month, terms.day):
                said.append(f"opens on {cycle.opens_on}, which is not the fixed day of its terms")
        case CountsFrom.EXPIRY:
            if cycle.opens_on < min(terms.begins_on, counted) - timedelta(days=2 * 366):
                said.append(f"opens on {cycle.opens_on}, long before the expiry on {counted}")
        case _other:
            if cycle.opens_on != counted:
                said.append(f"opens on {cycle.opens_on}, but was counted from {counted}")
    return said


def obligations_are_answered_for() -> list[str]:
    """Return a sentence for each obligation without terms, state or owner."""
    obligations = queries.list_obligations()
    owners = accounts.find_owners(queries.OWNED_KIND, [each.code for each in obligations])
    breaches = []
    for each in obligations:
        if not each.terms or not each.states:
            breaches.append(f"obligation {each.code} has no terms or no state")
            continue
        if [row.number for row in each.terms] != list(range(1, len(each.terms) + 1)):
            breaches.append(f"obligation {each.code}: its terms are not numbered without a gap")
        if each.state is not State.ENDED and each.code not in owners:
            breaches.append(f"obligation {each.code} has no owner")
    return breaches


INVARIANTS = {
    "cycles of obligations are numbered without a gap": cycles_are_numbered_without_a_gap,
    "cycles of obligations follow their terms and trainings": cycles_follow_their_terms,
    "obligations have terms, a state and an owner": obligations_are_answered_for,
}

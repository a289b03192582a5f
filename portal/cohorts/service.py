"""Founding cohorts and putting people into them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from portal.accounts.models import Person
from portal.accounts.service.ownership import set_owner
from portal.cohorts import queries
from portal.cohorts.errors import CohortCodeInvalid, CohortCodeTaken, CohortWithdrawn, TeamOfAnotherMarket
from portal.cohorts.models import Cohort, CohortMember
from portal.core import clock
from portal.core.content import SLUG
from portal.core.db import session
from portal.core.i18n import Words
from portal.journal.service import record
from portal.organisation.models import Market, Team

OWNED_KIND = "cohort"


def create_cohort(*, code: str, name: Words, market: Market, team: Team | None, starts_on: date, by: Person) -> Cohort:
    """Found a cohort, for which who founds it answers.

    Raises `CohortCodeInvalid`, `CohortCodeTaken`, `TeamOfAnotherMarket`.
    """
    if not SLUG.fullmatch(code):
        raise CohortCodeInvalid(code=code)
    if queries.find_cohort(code) is not None:
        raise CohortCodeTaken(code=code)
    if team is not None and team.market_id != market.id:
        raise TeamOfAnotherMarket(team=team.code, market=team.market.code)
    cohort = Cohort(
        code=code,
        name=name,
        market=market,
        team=team,
        starts_on=starts_on,
        created_at=clock.now(),
        created_by=by.code,
    )
    session.add(cohort)
    session.flush()
    record(
        "cohorts.created",
        by=by,
        subject=("cohort", code),
        after={"market": market.code, "team": team.code if team else None, "starts_on": starts_on.isoformat()},
    )
    if by.is_active:
        set_owner(kind=OWNED_KIND, code=code, owner=by, by=by)
    return cohort


def add_member(*, cohort: Cohort, person: Person, by: Person) -> CohortMember:
    """Put a person into the cohort; who is in it already stays as she is."""
    present = queries.find_member(cohort, person)
    if present is not None:
        return present
    member = CohortMember(cohort_id=cohort.id, person_id=person.id, joined_at=clock.now(), added_by=by.code)
    session.add(member)
    session.flush()
    record("cohorts.member_added", by=by, subject=("cohort", cohort.code), after={"person": person.code})
    return member


def add_members(*, cohort: Cohort, people: Sequence[Person], by: Person) -> None:
    """Put people into the cohort as `add_member` one after the other, in a number of statements that does not grow."""
    present = queries.list_members_among(cohort, [person.id for person in people])
    new = [person for person in people if person.id not in present]
    now = clock.now()
    session.add_all(
        CohortMember(cohort_id=cohort.id, person_id=person.id, joined_at=now, added_by=by.code) for person in new
    )
    session.flush()
    for person in new:
        record("cohorts.member_added", by=by, subject=("cohort", cohort.code), after={"person": person.code})


def remove_member(*, cohort: Cohort, person: Person, by: Person) -> None:
    """Let a person leave the cohort; who is not in it stays out."""
    present = queries.find_member(cohort, person)
    if present is None:
        return
    present.left_at, present.left_by = clock.now(), by.code
    session.flush()
    record("cohorts.member_removed", by=by, subject=("cohort", cohort.code), after={"person": person.code})


def withdraw_cohort(*, cohort: Cohort, by: Person) -> None:
    """Note that the cohort was founded by mistake; it stays in the list, and its code stays taken.

    Raises `CohortWithdrawn` where that is so already.
    """
    if cohort.withdrawn_at is not None:
        raise CohortWithdrawn()
    cohort.withdrawn_at, cohort.withdrawn_by = clock.now(), by.code
    session.flush()
    record("cohorts.withdrawn", by=by, subject=("cohort", cohort.code))

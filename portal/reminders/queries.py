"""Every look that reminders take: whose turn it is, who looks after whom, what was told before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import func, literal, select, union_all
from sqlalchemy.orm import joinedload, selectinload

from portal.accounts.models import Person, Role, RoleGrant, Scope
from portal.accounts.permissions import open_grants
from portal.acknowledgements.models import AcknowledgementRequest, Campaign
from portal.cohorts.models import Cohort
from portal.cohorts.permissions import reach_of
from portal.core.db import session
from portal.duties.models import Card, RecurringTask
from portal.handover.models import Handover, HandoverDossier
from portal.handover.rules import Reason
from portal.organisation.models import Market, Team
from portal.reminders.models import Digest, DigestEscalation, ReminderPreference, SweptHour
from portal.reminders.rules import DEFAULT_HOUR
from portal.training.models import Enrollment, PlanVersion
from portal.training.queries import signing

# So many enrollments are held at once, however many somebody answers for.
AT_ONCE = 200
_KEYS_AT_ONCE = 500


class Answered(StrEnum):
    """What people answer for and hand over, beside their own learning."""

    TASKS = "tasks"
    CARDS = "cards"
    HANDOVERS = "handovers"
    DOSSIERS = "dossiers"


def what_is_answered_for() -> frozenset[Answered]:
    """Return of what there is any in use: a task that runs, a card, a handover, a dossier."""
    found = session.scalars(
        union_all(
            select(literal(Answered.TASKS)).where(
                select(RecurringTask.id).where(RecurringTask.ended_at.is_(None)).exists()
            ),
            select(literal(Answered.CARDS)).where(select(Card.id).where(Card.ended_at.is_(None)).exists()),
            select(literal(Answered.HANDOVERS)).where(
                select(Handover.id)
                .where(
                    Handover.called_off_at.is_(None),
                    # Open, or of leave from which things come back.
                    Handover.closed_at.is_(None)
                    | ((Handover.reason == Reason.LEAVE) & Handover.handed_back_at.is_(None)),
                )
                .exists()
            ),
            select(literal(Answered.DOSSIERS)).where(
                select(HandoverDossier.id).where(HandoverDossier.successor_id.is_not(None)).exists()
            ),
        )
    )
    return frozenset(map(Answered, found))


# --- Whose turn it is --------------------------------------------------------------------------

_HOUR = func.coalesce(ReminderPreference.hour, DEFAULT_HOUR)
_IS_THERE = (Person.deactivated_at.is_(None), Person.password_hash.is_not(None))


def list_zones() -> list[str]:
    """Return the zones in which those live who can be reminded."""
    return list(session.scalars(select(Person.time_zone).where(*_IS_THERE).distinct().order_by(Person.time_zone)))


def list_swept(zone: str, on: date) -> set[int]:
    """Return for which hours of a day everybody of the zone has been looked at."""
    return set(session.scalars(select(SweptHour.hour).where(SweptHour.zone == zone, SweptHour.on == on)))


def list_whose_turn(zone: str, on: date, hours: Collection[int], after: int, limit: int) -> list[Person]:
    """Return people of the zone who want their digest at these hours and have none of this day, by row number.

    Of those with a greater number than `after`; with their roles.
    """
    has_one = select(Digest.id).where(Digest.person_id == Person.id, Digest.on == on).exists()
    return list(
        session.scalars(
            select(Person)
            .outerjoin(ReminderPreference, ReminderPreference.person_id == Person.id)
            .where(Person.time_zone == zone, Person.id > after, _HOUR.in_(hours), *_IS_THERE, ~has_one)
            .order_by(Person.id)
            .limit(limit)
            .options(selectinload(Person.grants))
        )
    )


def find_preference(person_id: int) -> ReminderPreference | None:
    """Return what the person has chosen, or None."""
    return session.get(ReminderPreference, person_id)


def list_preferences(people: Collection[int]) -> dict[int, ReminderPreference]:
    """Return person's row number → what she has chosen, for those who have."""
    found = session.scalars(select(ReminderPreference).where(ReminderPreference.person_id.in_(people)))
    return {each.person_id: each for each in found}


def find_digest(person_id: int, on: date) -> Digest | None:
    """Return the digest that the person was owed on a day of hers, or None."""
    return session.scalar(
        select(Digest).where(Digest.person_id == person_id, Digest.on == on).options(selectinload(Digest.escalations))
    )


def list_last_digests(before: Mapping[int, date]) -> dict[int, datetime]:
    """Return person's row number → when her last digest was owed on a day before the one given for her, if one was.

    One statement for each different day.
    """
    found: dict[int, datetime] = {}
    for day in sorted(set(before.values())):
        people = [person_id for person_id, each in before.items() if each == day]
        rows = session.execute(
            select(Digest.person_id, func.max(Digest.at))
            .where(Digest.person_id.in_(people), Digest.on < day)
            .group_by(Digest.person_id)
        )
        found |= {row[0]: row[1] for row in rows}
    return found


def list_told(before: Mapping[int, date], keys: Sequence[str]) -> dict[int, set[str]]:
    """Return person's row number → which of these things were escalated to her on days before the one given for her."""
    found: dict[int, set[str]] = defaultdict(set)
    for start in range(0, len(keys), _KEYS_AT_ONCE):
        rows = session.execute(
            select(Digest.person_id, Digest.on, DigestEscalation.key)
            .join(DigestEscalation, DigestEscalation.digest_id == Digest.id)
            .where(DigestEscalation.key.in_(keys[start : start + _KEYS_AT_ONCE]), Digest.person_id.in_(before))
        )
        for person_id, on, key in rows:
            if on < before[person_id]:
                found[person_id].add(key)
    return found


# --- Training ----------------------------------------------------------------------------------

_OPEN = (Enrollment.completed_at.is_(None), Enrollment.ended_at.is_(None))
_WITH_STEPS = (
    joinedload(Enrollment.person),
    joinedload(Enrollment.cohort),
    joinedload(Enrollment.version, innerjoin=True).selectinload(PlanVersion.steps),
)


def stretches_of_own(people: Collection[int]) -> Iterator[list[Enrollment]]:
    """Yield the running enrollments of these people, some at a time."""
    after = 0
    while found := list(
        session.scalars(
            select(Enrollment)
            .where(Enrollment.person_id.in_(people), Enrollment.id > after, *_OPEN)
            .order_by(Enrollment.id)
            .limit(AT_ONCE)
            .options(*_WITH_STEPS)
        )
    ):
        yield found
        after = found[-1].id


def list_enrollments(ids: Collection[int]) -> list[Enrollment]:
    """Return these enrollments, in the order of their row numbers."""
    return list(
        session.scalars(select(Enrollment).where(Enrollment.id.in_(ids)).order_by(Enrollment.id).options(*_WITH_STEPS))
    )


class LookingAfter:
    """Who is nearest to each learner: her leads and mentors, else the administrators; read in two statements."""

    def __init__(self) -> None:
        self._holders: dict[tuple[Role, Scope, str], set[int]] = defaultdict(set)
        rows = session.execute(
            select(RoleGrant.role, RoleGrant.scope, RoleGrant.scope_code, RoleGrant.person_id)
            .join(Person, Person.id == RoleGrant.person_id)
            .where(
                RoleGrant.role.in_((Role.LEAD, Role.MENTOR, Role.ADMIN)),
                RoleGrant.ended_at.is_(None),
                Person.deactivated_at.is_(None),
            )
        )
        for role, scope, code, person_id in rows:
            self._holders[role, scope, code].add(person_id)

    def leads(self, place: Place) -> set[int]:
        """Return who leads a learner: those of her cohort, else of her team, market or the organisation."""
        return self._nearest(Role.LEAD, place)

    def mentors(self, place: Place) -> set[int]:
        """Return who mentors a learner; see `leads`."""
        return self._nearest(Role.MENTOR, place)

    def told(self, place: Place) -> set[int]:
        """Return who is told that a learner is behind: her leads, and where there are none the administrators."""
        return self.leads(place) or self._holders[Role.ADMIN, Scope.ORGANISATION, ""] - {place.person_id}

    def everybody_is_led(self) -> bool:
        """Say whether no learner can be without a lead."""
        return len(self._holders[Role.LEAD, Scope.ORGANISATION, ""]) > 1

    def _nearest(self, role: Role, place: Place) -> set[int]:
        for scope in (Scope.COHORT, Scope.TEAM, Scope.MARKET, Scope.ORGANISATION):
            codes = place.codes.get(scope, ()) if scope is not Scope.ORGANISATION else ("",)
            found = set().union(*(self._holders.get((role, scope, code), set()) for code in codes)) - {place.person_id}
            if found:
                return found
        return set()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a learner's training belongs, as light as can be: an enrollment's row, hers, and the codes around it."""

    enrollment_id: int
    person_id: int
    codes: Mapping[Scope, frozenset[str]]


def stretches_looked_after(person: Person, looking_after: LookingAfter) -> Iterator[list[Place]]:
    """Yield the running enrollments for which the person is the nearest lead or mentor, some at a time.

    For an administrator those besides whose learners nobody leads.
    """
    reach = reach_of(person, Role.LEAD, Role.MENTOR)
    is_last_resort = not looking_after.everybody_is_led() and any(
        grant.scope is Scope.ORGANISATION for grant in open_grants(person, Role.ADMIN)
    )
    if not reach and not is_last_resort:
        return
    after, own, of_cohort = 0, Team.__table__.alias("own_team"), Team.__table__.alias("cohort_team")
    market, cohort_market = Market.__table__.alias("own_market"), Market.__table__.alias("cohort_market")
    statement = (
        select(
            Enrollment.id,
            Enrollment.person_id,
            market.c.code.label("market"),
            cohort_market.c.code.label("cohort_market"),
            own.c.code.label("team"),
            of_cohort.c.code.label("cohort_team"),
            Cohort.code.label("cohort"),
        )
        .join(Person, Person.id == Enrollment.person_id)
        .join(market, market.c.id == Enrollment.market_id)
        .outerjoin(own, own.c.id == Person.team_id)
        .outerjoin(Cohort, Cohort.id == Enrollment.cohort_id)
        .outerjoin(of_cohort, of_cohort.c.id == Cohort.team_id)
        .outerjoin(cohort_market, cohort_market.c.id == Cohort.market_id)
        .where(*_OPEN, Person.deactivated_at.is_(None), Enrollment.person_id != person.id)
        .order_by(Enrollment.id)
        .limit(AT_ONCE)
    )
    if not is_last_resort:
        statement = statement.where(signing.within(reach))
    while rows := session.execute(statement.where(Enrollment.id > after)).all():
        places = [
            Place(
                row.id,
                row.person_id,
                {
                    Scope.COHORT: _known(row.cohort),
                    Scope.TEAM: _known(row.team, row.cohort_team),
                    Scope.MARKET: _known(row.market, row.cohort_market),
                },
            )
            for row in rows
        ]
        yield [
            each for each in places if person.id in looking_after.told(each) or person.id in looking_after.mentors(each)
        ]
        after = rows[-1].id


def _known(*codes: str | None) -> frozenset[str]:
    return frozenset(code for code in codes if code is not None)


def list_names(people: Collection[int]) -> dict[int, Person]:
    """Return row number → person, for names."""
    return {each.id: each for each in session.scalars(select(Person).where(Person.id.in_(people)))}


# --- What is to be confirmed -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person is asked to confirm, and when its own mails come."""

    request: AcknowledgementRequest
    # The key under which its last mail was owed; None before the first.
    last_mail: str | None
    next_mail_at: datetime | None


def list_asked(people: Collection[int]) -> list[Asked]:
    """Return what these people are asked to confirm, the earliest due first."""
    rows = session.scalars(
        select(AcknowledgementRequest)
        .where(AcknowledgementRequest.person_id.in_(people), AcknowledgementRequest.closed_at.is_(None))
        .order_by(AcknowledgementRequest.due_at, AcknowledgementRequest.id)
        .options(
            joinedload(AcknowledgementRequest.campaign, innerjoin=True).joinedload(Campaign.version, innerjoin=True)
        )
    )
    return [
        Asked(
            each,
            f"mail:request:{each.id}:{each.next_mail - 1}:{each.started_at:%Y%m%dT%H%M%S}" if each.next_mail else None,
            each.next_mail_at,
        )
        for each in rows
    ]


# --- For the doctor ----------------------------------------------------------------------------


def stretches_of_digests() -> Iterator[Sequence[Digest]]:
    """Yield all digests with the people, some at a time."""
    after = 0
    while found := list(
        session.scalars(
            select(Digest)
            .where(Digest.id > after)
            .order_by(Digest.id)
            .limit(AT_ONCE * 5)
            .options(joinedload(Digest.person))
        )
    ):
        yield found
        after = found[-1].id

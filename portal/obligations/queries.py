"""Reading obligations, whom they address, their cycles, and how everybody stands."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, exists, func, literal, or_, select, union_all
from sqlalchemy.orm import contains_eager, defer, joinedload, lazyload, selectinload

from portal.accounts import queries as accounts
from portal.accounts.models import Ownership, Person, Role, RoleGrant
from portal.calendars import queries as calendars
from portal.calendars.rules import WorkingCalendar, YearNotInTable
from portal.certificates.models import Certificate, Credential, CredentialVersion
from portal.certificates.rules.renewals import last_day_of_grace
from portal.cohorts.permissions import Reach
from portal.cohorts.queries import people_within
from portal.core import clock
from portal.core.codes import is_well_formed, normalise
from portal.core.db import session
from portal.library.models import AudienceKind
from portal.library.queries.audience import people_in
from portal.obligations import rules
from portal.obligations.errors import NoSuchObligation
from portal.obligations.models import (
    Obligation,
    ObligationCycle,
    ObligationPerson,
    ObligationTerms,
    effective_closing,
)
from portal.obligations.rules import Closing, Completion, Facts, Held, Last, Setting, State, Verdict
from portal.organisation.models import Market, Team
from portal.training import queries as training
from portal.training.models import Enrollment, Plan, PlanStep, PlanVersion
from portal.training.queries import catalogue
from portal.training.rules import StepShape

OWNED_KIND = "obligation"
CODE_LENGTH = 12
# Above this the database gives the rows of a stretch of people, of which those of others are left out here; from so
# few on as well, where most of the stretch are meant: naming each costs more than reading a few too many.
_MOST_NAMED = 1000
# So many cycles of an obligation are looked at for the one that is due first.
_FIRST_DUE = 20
_FEW_NAMED = 20
_NOTHING: frozenset[str] = frozenset()
_WITH_HISTORY = (selectinload(Obligation.terms), selectinload(Obligation.states))


# --- Obligations -------------------------------------------------------------------------------


def find_obligation(code: str) -> Obligation | None:
    """Return the obligation of the code with its terms and states, or None."""
    wanted = normalise(code[:40])
    if not is_well_formed(wanted, CODE_LENGTH):
        return None
    return session.scalar(select(Obligation).where(Obligation.code == wanted).options(*_WITH_HISTORY))


def get_obligation(code: str) -> Obligation:
    """Return the obligation of the code. Raises `NoSuchObligation`."""
    found = find_obligation(code)
    if found is None:
        raise NoSuchObligation()
    return found


def find_obligations(codes: Collection[str]) -> dict[str, Obligation]:
    """Return those of the codes that exist, with their terms and states."""
    found = session.scalars(select(Obligation).where(Obligation.code.in_(codes)).options(*_WITH_HISTORY))
    return {each.code: each for each in found}


def list_obligations() -> list[Obligation]:
    """Return every obligation with its terms and states, the newest first."""
    return list(session.scalars(select(Obligation).order_by(Obligation.id.desc()).options(*_WITH_HISTORY)))


def find_by_content_name(name: str) -> Obligation | None:
    """Return the obligation that a file of this name is about."""
    code = name.removeprefix("o-").upper()
    return session.scalar(
        select(Obligation)
        .where(or_(Obligation.slug == name, and_(Obligation.slug.is_(None), Obligation.code == code)))
        .options(*_WITH_HISTORY)
    )


def list_before_expiry(slug: str) -> list[Obligation]:
    """Return the obligations that come before certificates of a credential expire and have not ended, oldest first."""
    return [
        each
        for each in reversed(list_obligations())
        if each.latest.credential_slug == slug and each.state is not State.ENDED
    ]


def list_obligation_ids() -> list[int]:
    """Return the row of every obligation, the oldest first."""
    return list(session.scalars(select(Obligation.id).order_by(Obligation.id)))


def find_owner_of(obligation: Obligation) -> Ownership | None:
    """Return who answers for the obligation now, or None."""
    return accounts.find_owner(OWNED_KIND, obligation.code)


def list_possible_owners() -> list[Person]:
    """Return the active people who can answer for an obligation: those who make them, lead or administer, by name."""
    holds_role = exists().where(
        RoleGrant.person_id == Person.id,
        RoleGrant.ended_at.is_(None),
        RoleGrant.role.in_((Role.POLICY_OWNER, Role.AUTHOR, Role.LEAD, Role.ADMIN)),
    )
    return list(
        session.scalars(
            select(Person).where(Person.deactivated_at.is_(None), holds_role).order_by(Person.sort_key, Person.id)
        )
    )


def lock_obligation(obligation_id: int) -> Obligation:
    """Return the obligation as it is now, and let others who change its cycles wait until this transaction ends."""
    return session.scalars(
        select(Obligation)
        .where(Obligation.id == obligation_id)
        .with_for_update(of=Obligation)
        .options(*_WITH_HISTORY)
        .execution_options(populate_existing=True)
    ).one()


# --- Whom it addresses -------------------------------------------------------------------------


def people_addressed(terms: ObligationTerms, *, invited: bool = False) -> ColumnElement[bool]:
    """Return the condition that a person is active, has accepted her invitation and is addressed by these terms.

    `invited` are those who will be, as soon as they have accepted it.
    """
    addressed = people_in(
        {AudienceKind.MARKET: terms.markets, AudienceKind.TEAM: terms.teams, AudienceKind.ROLE: terms.roles},
        invited=invited,
    )
    if terms.holders_of is None:
        return addressed
    holders = (
        select(Certificate.person_id)
        .join(Credential, Credential.id == Certificate.credential_id)
        .where(Credential.slug == terms.holders_of, Certificate.replaced_at.is_(None))
    )
    return and_(addressed, Person.id.in_(holders))


def count_invited(obligation: Obligation, reach: Reach) -> int:
    """Return how many people within reach the obligation will address as soon as they accept their invitations."""
    coming = people_addressed(obligation.latest, invited=True)
    return session.scalar(select(func.count(Person.id)).where(coming, people_within(reach))) or 0


def is_within(person_id: int, reach: Reach) -> bool:
    """Say whether a person is within somebody's reach."""
    return session.scalar(select(Person.id).where(Person.id == person_id, people_within(reach))) is not None


def has_people_within(obligation: Obligation, reach: Reach) -> bool:
    """Say whether the obligation addresses somebody within reach, or has a cycle of somebody within it."""
    has_cycle = exists().where(ObligationCycle.person_id == Person.id, ObligationCycle.obligation_id == obligation.id)
    statement = (
        select(Person.id).where(people_within(reach), or_(people_addressed(obligation.latest), has_cycle)).limit(1)
    )
    return session.scalar(statement) is not None


def list_ids_to_look_at(obligation: Obligation, after: int, limit: int) -> list[int]:
    """Return the people whom the obligation addresses, or was last known to, by row number above `after`."""
    present = exists().where(
        ObligationPerson.person_id == Person.id,
        ObligationPerson.obligation_id == obligation.id,
        ObligationPerson.left_at.is_(None),
    )
    runs = exists().where(
        ObligationCycle.person_id == Person.id,
        ObligationCycle.obligation_id == obligation.id,
        ObligationCycle.closed_at.is_(None),
    )
    concerned = or_(present, runs)
    if obligation.state is not State.ENDED:
        concerned = or_(people_addressed(obligation.latest), concerned)
    return list(session.scalars(select(Person.id).where(Person.id > after, concerned).order_by(Person.id).limit(limit)))


def list_present(obligation: Obligation, people: Set[int]) -> list[ObligationPerson]:
    """Return that they are addressed, as it was noted, for those of these people."""
    if not people:
        return []
    found = session.scalars(
        select(ObligationPerson).where(
            ObligationPerson.obligation_id == obligation.id,
            ObligationPerson.left_at.is_(None),
            *_of(ObligationPerson.person_id, people),
        )
    )
    return [each for each in found if each.person_id in people]


def numbers_of_present(obligation: Obligation, people: Set[int]) -> dict[int, int]:
    """Return person's row number → row number of the note that she is addressed, for those of these people."""
    rows = session.execute(
        select(ObligationPerson.person_id, ObligationPerson.id).where(
            ObligationPerson.obligation_id == obligation.id,
            ObligationPerson.left_at.is_(None),
            *_of(ObligationPerson.person_id, people),
        )
    )
    return {person_id: number for person_id, number in rows if person_id in people}


# --- Cycles ------------------------------------------------------------------------------------


def list_open_cycles(
    obligation: Obligation, people: Set[int], *, besides: Set[int] = frozenset()
) -> list[ObligationCycle]:
    """Return the cycles of these people that nobody has closed, with their trainings.

    Of the people `besides` only those whose training has come to its end.
    """
    asked = people | besides
    if not asked:
        return []
    concerned = or_(Enrollment.completed_at.is_not(None), Enrollment.ended_at.is_not(None))
    if people:
        concerned = or_(concerned, *_of(ObligationCycle.person_id, people))
    found = session.scalars(
        select(ObligationCycle)
        .join(Enrollment, Enrollment.id == ObligationCycle.enrollment_id)
        .where(
            ObligationCycle.obligation_id == obligation.id,
            ObligationCycle.closed_at.is_(None),
            *_of(ObligationCycle.person_id, asked),
            concerned,
        )
        .order_by(ObligationCycle.id)
        # Somebody may complete hers at this moment: then it is closed already.
        .with_for_update(of=ObligationCycle)
        .options(contains_eager(ObligationCycle.enrollment))
        .execution_options(populate_existing=True)
    )
    return [
        each
        for each in found
        if each.person_id in people or (each.person_id in besides and each.effective_closing is not None)
    ]


def first_due(obligations: Sequence[Obligation]) -> dict[int, date]:
    """Return obligation's row → the earliest date of a cycle that runs, as leave, pauses and more time have moved it.

    Such a date never moves to an earlier day, so that of each obligation only the cycles that were due first when they
    were opened are looked at.
    """
    if not obligations:
        return {}
    place = (
        func.row_number()
        .over(
            partition_by=ObligationCycle.obligation_id,
            order_by=(ObligationCycle.due_on, ObligationCycle.id),
        )
        .label("place")
    )
    running = (
        select(ObligationCycle.obligation_id, ObligationCycle.person_id, ObligationCycle.due_on, place)
        .join(Enrollment, Enrollment.id == ObligationCycle.enrollment_id)
        .where(
            ObligationCycle.obligation_id.in_([each.id for each in obligations]),
            ObligationCycle.closed_at.is_(None),
            Enrollment.completed_at.is_(None),
            Enrollment.ended_at.is_(None),
        )
        .subquery()
    )
    rows = session.execute(
        select(running.c.obligation_id, running.c.person_id, running.c.due_on)
        .where(running.c.place <= _FIRST_DUE)
        .order_by(running.c.obligation_id, running.c.place)
    ).all()
    people: dict[int, list[int]] = defaultdict(list)
    rest: dict[int, date] = {}
    for obligation_id, person_id, due_on in rows:
        people[obligation_id].append(person_id)
        if len(people[obligation_id]) == _FIRST_DUE:
            # No cycle that is not looked at is due before it.
            rest[obligation_id] = due_on
    if not people:
        return {}
    asked = [each for each in look_at(obligations) if each.obligation_id in people]
    found: dict[int, date] = {}
    for each, standing in zip(
        asked, standings(asked, people={one for ids in people.values() for one in ids}), strict=True
    ):
        assert each.obligation_id is not None
        dates = [
            one.verdict.due_on
            for one in standing
            if one.verdict.health is rules.Health.OPEN
            and one.verdict.due_on is not None
            and one.person_id in people[each.obligation_id]
        ]
        if dates:
            found[each.obligation_id] = min(
                [*dates, *([rest[each.obligation_id]] if each.obligation_id in rest else [])]
            )
    return found


def list_interrupted_with(enrollment_id: int) -> list[ObligationCycle]:
    """Return the open cycles that an enrollment would interrupt by ending before it is completed."""
    return list(
        session.scalars(
            select(ObligationCycle)
            .where(ObligationCycle.enrollment_id == enrollment_id, ObligationCycle.closed_at.is_(None))
            .options(joinedload(ObligationCycle.obligation, innerjoin=True))
            .order_by(ObligationCycle.id)
        )
    )


def list_open_of_enrollment(enrollment_id: int) -> list[ObligationCycle]:
    """Return the open cycles whose training an enrollment is."""
    return list(
        session.scalars(
            select(ObligationCycle)
            .where(ObligationCycle.enrollment_id == enrollment_id, ObligationCycle.closed_at.is_(None))
            .order_by(ObligationCycle.id)
            .with_for_update(of=ObligationCycle)
        )
    )


def list_cycles_of(person_id: int) -> list[ObligationCycle]:
    """Return every cycle of a person with its obligation, terms and training, the newest first."""
    return list(
        session.scalars(
            select(ObligationCycle)
            .where(ObligationCycle.person_id == person_id)
            .order_by(ObligationCycle.opened_at.desc(), ObligationCycle.id.desc())
            .options(
                joinedload(ObligationCycle.obligation, innerjoin=True).options(*_WITH_HISTORY),
                joinedload(ObligationCycle.enrollment, innerjoin=True).options(
                    joinedload(Enrollment.version, innerjoin=True), joinedload(Enrollment.cohort)
                ),
            )
        )
    )


def list_cycles_by_code(codes: Collection[str]) -> list[ObligationCycle]:
    """Return the cycles that have one of these codes, each with its obligation and person."""
    return list(
        session.scalars(
            select(ObligationCycle)
            .where(ObligationCycle.code.in_(codes))
            .order_by(ObligationCycle.id)
            .options(
                joinedload(ObligationCycle.obligation, innerjoin=True).options(*_WITH_HISTORY),
                joinedload(ObligationCycle.person, innerjoin=True),
            )
        )
    )


def stretches_of_cycles(size: int = 500) -> Iterable[list[ObligationCycle]]:
    """Yield all cycles with their terms, trainings and people, some at a time."""
    after = 0
    while found := list(
        session.scalars(
            select(ObligationCycle)
            .where(ObligationCycle.id > after)
            .order_by(ObligationCycle.id)
            .limit(size)
            .options(
                joinedload(ObligationCycle.terms, innerjoin=True),
                joinedload(ObligationCycle.enrollment, innerjoin=True).joinedload(Enrollment.version, innerjoin=True),
                joinedload(ObligationCycle.person, innerjoin=True),
                joinedload(ObligationCycle.obligation, innerjoin=True).options(*_WITH_HISTORY),
            )
        )
    ):
        yield found
        after = found[-1].id


def list_numbers() -> list[tuple[int, int, int, int]]:
    """Return of each obligation and person that has cycles: both rows, how many cycles, and the greatest number."""
    rows = session.execute(
        select(
            ObligationCycle.obligation_id,
            ObligationCycle.person_id,
            func.count(),
            func.max(ObligationCycle.number),
        )
        .group_by(ObligationCycle.obligation_id, ObligationCycle.person_id)
        .order_by(ObligationCycle.obligation_id, ObligationCycle.person_id)
    )
    return [(row[0], row[1], row[2], row[3]) for row in rows]


# --- How everybody stands ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Asked:
    """An obligation as it is looked at: as it stands, or with terms that nobody has set yet.

    `obligation_id` None: it is not there yet, so that nobody has a cycle of it.
    """

    obligation_id: int | None
    terms: ObligationTerms
    setting: Setting


class CycleRead(NamedTuple):
    """What of a cycle and its training tells how somebody stands; rows of thousands are no more than that."""

    id: int
    obligation_id: int
    person_id: int
    number: int
    opens_on: date
    opened_on: date
    due_on: date
    taken_up: bool
    closed_as: Closing | None
    # Working days from its opening to its date.
    days: int
    enrollment_id: int
    enrollment_code: str
    market_id: int
    plan_version_id: int
    starts_on: date
    completed_at: datetime | None
    ended_at: datetime | None

    @property
    def effective_closing(self) -> Closing | None:
        """How it ended; see `ObligationCycle.effective_closing`."""
        return effective_closing(self.closed_as, ended_at=self.ended_at, completed_at=self.completed_at)


class Standing(NamedTuple):
    """How one person stands with an obligation on the day that it is in her market.

    `cycle` is her last one, and `is_noted` whether it is known already since when she is addressed. Of thousands few
    are named: `people_of` reads who they are.
    """

    person_id: int
    today: date
    facts: Facts
    verdict: Verdict
    cycle: CycleRead | None
    is_noted: bool

    @property
    def is_overdue(self) -> bool:
        """Whether the date of her running cycle has passed."""
        due_on = self.verdict.due_on
        return self.verdict.health is rules.Health.OPEN and due_on is not None and due_on < self.today


def settings_of(obligations: Sequence[Obligation]) -> dict[int, Setting]:
    """Return obligation's row → what holds for everybody of it, in a fixed number of statements."""
    owners = accounts.find_owners(OWNED_KIND, [each.code for each in obligations])
    versions = latest_versions({each.latest.plan_slug for each in obligations})
    refreshers = refreshers_of({each.latest.credential_slug for each in obligations} - {None})
    found = {}
    for each in obligations:
        owned = owners.get(each.code)
        answers = owned is not None and (owned.owner.is_active or (owned.deputy is not None and owned.deputy.is_active))
        found[each.id] = setting_of(each.state, answers, each.latest, versions.get(each.latest.plan_slug), refreshers)
    return found


def setting_of(
    state: State,
    has_owner: bool,
    terms: ObligationTerms,
    version: PlanVersion | None,
    refreshers: Mapping[str | None, str],
) -> Setting:
    """Return what holds for everybody, from the latest version of the plan and the `refreshers_of` credentials."""
    only_renews = refreshers.get(terms.credential_slug) == terms.plan_slug
    if version is None:
        return Setting(state, has_owner, None, only_renews=only_renews)
    return Setting(
        state, has_owner, tuple(step.shape for step in version.steps), bool(version.events), only_renews=only_renews
    )


def refreshers_of(slugs: Collection[str | None]) -> dict[str | None, str]:
    """Return credential's slug → the plan that only renews it, for those of which the latest version names one."""
    if not slugs:
        return {}
    latest = select(func.max(CredentialVersion.id)).group_by(CredentialVersion.credential_id)
    rows = session.execute(
        select(Credential.slug, CredentialVersion.renewal_plan_slug)
        .join(Credential, Credential.id == CredentialVersion.credential_id)
        .where(
            CredentialVersion.id.in_(latest),
            Credential.slug.in_(slugs),
            CredentialVersion.renewal_plan_slug.is_not(None),
        )
    )
    return {slug: str(plan) for slug, plan in rows}


def latest_versions(slugs: Collection[str]) -> dict[str, PlanVersion]:
    """Return plan's slug → its latest version with steps and events, for those that have one."""
    return {each.plan.slug: each for each in catalogue.list_latest_versions(slugs)}


def look_at(obligations: Sequence[Obligation]) -> list[Asked]:
    """Return these obligations as they stand, to be looked at."""
    settings = settings_of(obligations)
    return [Asked(each.id, each.latest, settings[each.id]) for each in obligations]


def standings(
    asked: Sequence[Asked],
    *,
    among: ColumnElement[bool] | None = None,
    people: Collection[int] | None = None,
) -> list[list[Standing]]:
    """Return for each obligation how those stand whom it addresses, by name; in a fixed number of statements.

    `among` narrows the people by a condition, `people` to these rows.
    """
    addressed = _addressed(asked, among, people)
    everybody = _places({person_id for found in addressed for person_id in found})
    rows = _Rows(asked, everybody)
    return [
        [rows.standing(number, each, place) for place in everybody if place.person_id in addressed[number]]
        for number, each in enumerate(asked)
    ]


def people_of(standings: Iterable[Standing]) -> dict[int, Person]:
    """Return row number → person, with her team, for those who stand so."""
    ids = {each.person_id for each in standings}
    if not ids:
        return {}
    statement = select(Person).where(*_of(Person.id, ids)).options(joinedload(Person.team).lazyload(Team.market))
    return {each.id: each for each in session.scalars(statement) if each.id in ids}


def _addressed(
    asked: Sequence[Asked], among: ColumnElement[bool] | None, people: Collection[int] | None
) -> list[set[int]]:
    found: list[set[int]] = [set() for _each in asked]
    wanted = None if people is None else set(people)
    narrowed = [
        *([among] if among is not None else []),
        *(_of(Person.id, wanted) if wanted else []),
    ]
    parts = [
        select(literal(number).label("number"), Person.id.label("person_id")).where(
            people_addressed(each.terms), *narrowed
        )
        for number, each in enumerate(asked)
        # What has ended asks nobody any more.
        if each.setting.state is not State.ENDED
    ]
    if parts and wanted != set():
        for number, person_id in session.execute(union_all(*parts)):
            found[number].add(person_id)
    return found if wanted is None else [each & wanted for each in found]


class _Place(NamedTuple):
    """Where somebody works: her market tells which day it is, and which are working days."""

    person_id: int
    market_id: int
    time_zone: str


def _places(ids: Set[int]) -> list[_Place]:
    """Return where each of these people works, by name."""
    if not ids:
        return []
    rows = session.execute(
        select(Person.id, Market.id, Market.time_zone)
        .join(Market, Market.id == Person.home_market_id)
        .where(*_of(Person.id, ids))
        .order_by(Person.sort_key, Person.id)
    )
    return [_Place(*row) for row in rows if row[0] in ids]


def _of(column: Any, ids: Collection[int]) -> list[ColumnElement[bool]]:
    """Return the condition on some rows, of whom there is one at least; it may leave others, which the reader drops."""
    first, last = min(ids), max(ids)
    if len(ids) > _MOST_NAMED or (len(ids) > _FEW_NAMED and last - first < 2 * len(ids)):
        return [column.between(first, last)]
    return [column.in_(ids)]


class _Rows:
    """What is known of some people about some obligations, read together."""

    def __init__(self, asked: Sequence[Asked], people: Sequence[_Place]) -> None:
        self._now = clock.now()
        self._shapes = [each.terms.shape for each in asked]
        self._memos: list[dict[Any, Any]] = [{} for _each in asked]
        # Most people are told from others by nothing that counts: what is found out for one serves all of them.
        self._verdicts: list[dict[Any, tuple[Facts, Verdict]]] = [{} for _each in asked]
        self._dues: dict[Any, date] = {}
        self._days: dict[str, tuple[str, bool, date]] = {}
        self._own: dict[int, tuple[str, bool, date, WorkingCalendar]] = {}
        ids = {each.person_id for each in people}
        known = [each.obligation_id for each in asked if each.obligation_id is not None]
        slugs = {each.terms.plan_slug for each in asked}
        self._completed = _completed(slugs, ids) if ids else {}
        self._running = _running(slugs, ids) if ids else set()
        self._entered = _entered(known, ids) if known and ids else {}
        self._cycles = _cycles(known, ids) if known and ids else {}
        running = [found[-1] for found in self._cycles.values() if found[-1].effective_closing is None]
        # A training may be in another market than her own.
        markets = _markets({each.market_id for each in people} | {each.market_id for each in running}) if ids else []
        self._calendars = calendars.read_calendars(markets, ids) if ids else None
        credentials = {each.terms.credential_slug for each in asked if each.terms.credential_slug is not None}
        self._held = _held(credentials, ids) if credentials and ids else {}
        self._bases = (
            training.bases_of({each.enrollment_id: each.starts_on for each in running}, named=False) if running else {}
        )
        self._steps = _steps_of({each.plan_version_id for each in running}) if running else {}

    def standing(self, number: int, asked: Asked, place: _Place) -> Standing:
        person_id, slug = place.person_id, asked.terms.plan_slug
        zone, has_zone, today, calendar = self._own_of(place)
        of_person = (asked.obligation_id or 0, person_id)
        entered_on, cycles = self._entered.get(of_person), self._cycles.get(of_person)
        done = self._completed.get((person_id, slug))
        cycle, last, used = None, None, _NOTHING
        if cycles:
            cycle = cycles[-1]
            last = self._last(cycle, today, zone)
            used = frozenset(each.enrollment_code for each in cycles if each.effective_closing in rules.DONE)
        completed = _completion(done, zone) if done is not None else None
        held = self._certificate(asked, person_id, today, zone) if self._held else None
        runs = (person_id, slug) in self._running
        # Calendars live as long as this does, so that none has the address of one before it.
        key = (entered_on, today, has_zone, id(calendar), completed, held, last, used, runs)
        found = self._verdicts[number].get(key)
        if found is None:
            facts = Facts(entered_on or today, calendar, completed, held, last, used, runs, has_zone)
            verdict = rules.health(self._shapes[number], asked.setting, facts, today, memo=self._memos[number])
            found = self._verdicts[number][key] = (facts, verdict)
        return Standing(person_id, today, *found, cycle, entered_on is not None)

    def _own_of(self, place: _Place) -> tuple[str, bool, date, WorkingCalendar]:
        """Return the zone in which a person's days are counted, whether it is hers, the day in it, and her calendar."""
        found = self._own.get(place.person_id)
        if found is None:
            assert self._calendars is not None
            zone = place.time_zone
            if zone not in self._days:
                counted = clock.zone_or_utc(zone)
                self._days[zone] = (counted, counted == zone, clock.local_date(self._now, counted))
            found = (*self._days[zone], self._calendars.of(place.market_id, place.person_id))
            self._own[place.person_id] = found
        return found

    def _last(self, cycle: CycleRead, today: date, zone: str) -> Last:
        closing = cycle.effective_closing
        done = cycle.completed_at if closing in rules.DONE else None
        return Last(
            cycle.number,
            cycle.opens_on,
            closing,
            due_on=self._due_on(cycle, today) if closing is None else None,
            completion=_completion((done, cycle.enrollment_code), zone) if done is not None else None,
        )

    def _due_on(self, cycle: CycleRead, today: date) -> date:
        assert self._calendars is not None
        calendar = self._calendars.of(cycle.market_id, cycle.person_id)
        basis = self._bases[cycle.enrollment_id]
        steps: Sequence[StepShape] = ()
        if cycle.taken_up:
            # The training was there before: the days of the cycle are counted from its own opening.
            basis = replace(basis, starts_on=cycle.opened_on)
        elif cycle.starts_on > cycle.opened_on:
            # It begins so that its last required step is due with the cycle.
            steps = self._steps[cycle.plan_version_id]
        key = (id(calendar), cycle.days, basis, today, id(steps) if steps else 0)
        if key not in self._dues:
            try:
                own = basis.calendar(calendar, today)
                self._dues[key] = rules.last_due(steps, basis, own) if steps else rules.due_of(cycle.days, basis, own)
            except YearNotInTable:
                return cycle.due_on
        return self._dues[key]

    def _certificate(self, asked: Asked, person_id: int, today: date, zone: str) -> Held | None:
        found = self._held.get((person_id, asked.terms.credential_slug or ""))
        if found is None:
            return None
        completion = _completion((found.enrollment.completed_at, found.enrollment_code), zone)
        assert completion is not None
        until = (
            last_day_of_grace(found.expires_on, found.credential_version.grace_days)
            if found.expires_on is not None
            else None
        )
        return Held(found.expires_on, found.state(today, self._now), completion, until)


def _completion(found: tuple[datetime | None, str] | None, zone: str) -> Completion | None:
    if found is None or found[0] is None:
        return None
    return Completion(clock.local_date(found[0], zone), found[1])


def _completed(slugs: Collection[str], ids: Collection[int]) -> dict[tuple[int, str], tuple[datetime | None, str]]:
    rows = session.execute(
        select(Enrollment.person_id, Plan.slug, Enrollment.completed_at, Enrollment.code)
        .join(Plan, Plan.id == Enrollment.plan_id)
        .where(Plan.slug.in_(slugs), Enrollment.completed_at.is_not(None), *_of(Enrollment.person_id, ids))
        .order_by(Enrollment.completed_at, Enrollment.id)
    )
    # The latest last, so that it is the one that stays.
    return {(row.person_id, row.slug): (row.completed_at, row.code) for row in rows}


def _running(slugs: Collection[str], ids: Collection[int]) -> set[tuple[int, str]]:
    rows = session.execute(
        select(Enrollment.person_id, Plan.slug)
        .join(Plan, Plan.id == Enrollment.plan_id)
        .where(
            Plan.slug.in_(slugs),
            Enrollment.completed_at.is_(None),
            Enrollment.ended_at.is_(None),
            *_of(Enrollment.person_id, ids),
        )
    )
    return {(row.person_id, row.slug) for row in rows}


def _entered(obligations: Collection[int], ids: Collection[int]) -> dict[tuple[int, int], date]:
    rows = session.execute(
        select(ObligationPerson.obligation_id, ObligationPerson.person_id, ObligationPerson.entered_on).where(
            ObligationPerson.obligation_id.in_(obligations),
            ObligationPerson.left_at.is_(None),
            *_of(ObligationPerson.person_id, ids),
        )
    )
    return {(obligation_id, person_id): entered_on for obligation_id, person_id, entered_on in rows}


def _steps_of(version_ids: Collection[int]) -> dict[int, list[StepShape]]:
    """Return the steps of each plan version in their order."""
    found: dict[int, list[StepShape]] = {id_: [] for id_ in version_ids}
    rows = session.scalars(
        select(PlanStep).where(PlanStep.version_id.in_(version_ids)).order_by(PlanStep.version_id, PlanStep.position)
    )
    for row in rows:
        found[row.version_id].append(row.shape)
    return found


def _markets(ids: Set[int]) -> Sequence[Market]:
    return session.scalars(select(Market).where(Market.id.in_(ids))).all()


def _cycles(obligations: Collection[int], ids: Set[int]) -> dict[tuple[int, int], list[CycleRead]]:
    """Return the cycles of each obligation and person, the last one last."""
    found: dict[tuple[int, int], list[CycleRead]] = defaultdict(list)
    rows = session.execute(
        select(
            ObligationCycle.id,
            ObligationCycle.obligation_id,
            ObligationCycle.person_id,
            ObligationCycle.number,
            ObligationCycle.opens_on,
            ObligationCycle.opened_on,
            ObligationCycle.due_on,
            ObligationCycle.taken_up,
            ObligationCycle.closed_as,
            ObligationTerms.days,
            Enrollment.id,
            Enrollment.code,
            Enrollment.market_id,
            Enrollment.plan_version_id,
            Enrollment.starts_on,
            Enrollment.completed_at,
            Enrollment.ended_at,
        )
        .join(Enrollment, Enrollment.id == ObligationCycle.enrollment_id)
        .join(ObligationTerms, ObligationTerms.id == ObligationCycle.terms_id)
        .where(ObligationCycle.obligation_id.in_(obligations), *_of(ObligationCycle.person_id, ids))
        .order_by(ObligationCycle.number, ObligationCycle.id)
    )
    for row in map(CycleRead._make, rows):
        if row.person_id in ids:
            found[row.obligation_id, row.person_id].append(row)
    return found


def _held(credentials: Collection[str], ids: Collection[int]) -> dict[tuple[int, str], Certificate]:
    rows = session.execute(
        select(Credential.slug, Certificate)
        .join(Credential, Credential.id == Certificate.credential_id)
        .where(Credential.slug.in_(credentials), Certificate.replaced_at.is_(None), *_of(Certificate.person_id, ids))
        .order_by(Certificate.id)
        .options(
            defer(Certificate.snapshot),
            joinedload(Certificate.enrollment, innerjoin=True).options(lazyload(Enrollment.market)),
            joinedload(Certificate.credential_version, innerjoin=True),
            selectinload(Certificate.facts),
            selectinload(Certificate.policy_supersessions),
        )
    )
    return {(certificate.person_id, slug): certificate for slug, certificate in rows}


def standing_of(obligation: Obligation, person_id: int) -> Standing | None:
    """Return how one person stands, or None where the obligation does not address her."""
    (found,) = standings(look_at([obligation]), people=[person_id])
    return found[0] if found else None

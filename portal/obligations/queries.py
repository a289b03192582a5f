"""Reading obligations, whom they address, their cycles, and how everybody stands."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, literal, or_, select, union_all
from sqlalchemy.orm import contains_eager, defer, joinedload, lazyload, selectinload

from portal.accounts import queries as accounts
from portal.accounts.models import Ownership, Person, Role, RoleGrant
from portal.calendars import queries as calendars
from portal.calendars.rules import YearNotInTable
from portal.certificates.models import Certificate, Credential
from portal.cohorts.permissions import Reach
from portal.cohorts.queries import people_within
from portal.core import clock
from portal.core.codes import is_well_formed, normalise
from portal.core.db import session
from portal.library.models import AudienceKind
from portal.library.queries.audience import people_in
from portal.obligations import rules
from portal.obligations.errors import NoSuchObligation
from portal.obligations.models import Obligation, ObligationCycle, ObligationPerson, ObligationTerms
from portal.obligations.rules import Completion, Facts, Held, Last, Setting, State, Verdict
from portal.organisation.models import Team
from portal.training import queries as training
from portal.training.models import Enrollment, Plan, PlanVersion
from portal.training.queries import catalogue

OWNED_KIND = "obligation"
CODE_LENGTH = 12
# Above this the database gives all rows of a kind, of which those of other people are left out here.
_MOST_NAMED = 1000
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


def people_addressed(terms: ObligationTerms) -> ColumnElement[bool]:
    """Return the condition that a person is active, has accepted her invitation and is addressed by these terms."""
    addressed = people_in(
        {AudienceKind.MARKET: terms.markets, AudienceKind.TEAM: terms.teams, AudienceKind.ROLE: terms.roles}
    )
    if terms.holders_of is None:
        return addressed
    holders = (
        select(Certificate.person_id)
        .join(Credential, Credential.id == Certificate.credential_id)
        .where(Credential.slug == terms.holders_of, Certificate.replaced_at.is_(None))
    )
    return and_(addressed, Person.id.in_(holders))


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


def list_present(obligation: Obligation, people: Collection[int]) -> dict[int, ObligationPerson]:
    """Return person's row number → that she is addressed, as it was noted, for those of these people."""
    found = session.scalars(
        select(ObligationPerson).where(
            ObligationPerson.obligation_id == obligation.id,
            ObligationPerson.left_at.is_(None),
            ObligationPerson.person_id.in_(people),
        )
    )
    return {each.person_id: each for each in found}


# --- Cycles ------------------------------------------------------------------------------------


def list_open_cycles(obligation: Obligation, people: Collection[int]) -> list[ObligationCycle]:
    """Return the cycles of these people that nobody has closed, with their trainings."""
    return list(
        session.scalars(
            select(ObligationCycle)
            .where(
                ObligationCycle.obligation_id == obligation.id,
                ObligationCycle.closed_at.is_(None),
                ObligationCycle.person_id.in_(people),
            )
            .order_by(ObligationCycle.id)
            # Somebody may complete hers at this moment: then it is closed already.
            .with_for_update(of=ObligationCycle)
            .options(joinedload(ObligationCycle.enrollment, innerjoin=True))
            .execution_options(populate_existing=True)
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


def last_number(obligation_id: int, person_id: int) -> int:
    """Return the number of the person's last cycle; 0: none yet."""
    return (
        session.scalar(
            select(func.max(ObligationCycle.number)).where(
                ObligationCycle.obligation_id == obligation_id, ObligationCycle.person_id == person_id
            )
        )
        or 0
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


@dataclass(frozen=True, slots=True)
class Standing:
    """How one person stands with an obligation on the day that it is in her market.

    `cycle` is her last one, and `is_noted` whether it is known already since when she is addressed.
    """

    person: Person
    today: date
    facts: Facts
    verdict: Verdict
    cycle: ObligationCycle | None
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
    found = {}
    for each in obligations:
        owned = owners.get(each.code)
        answers = owned is not None and (owned.owner.is_active or (owned.deputy is not None and owned.deputy.is_active))
        found[each.id] = setting_of(each.state, answers, versions.get(each.latest.plan_slug))
    return found


def setting_of(state: State, has_owner: bool, version: PlanVersion | None) -> Setting:
    """Return what holds for everybody, from the latest version of the plan."""
    if version is None:
        return Setting(state, has_owner, None)
    return Setting(state, has_owner, tuple(step.shape for step in version.steps), bool(version.events))


def latest_versions(slugs: Collection[str]) -> dict[str, PlanVersion]:
    """Return plan's slug → its latest version with steps and events, for those that have one."""
    return {each.plan.slug: each for each in catalogue.list_latest_versions() if each.plan.slug in slugs}


def look_at(obligations: Sequence[Obligation]) -> list[Asked]:
    """Return these obligations as they stand, to be looked at."""
    settings = settings_of(obligations)
    return [Asked(each.id, each.latest, settings[each.id]) for each in obligations]


def standings(
    asked: Sequence[Asked], *, among: ColumnElement[bool] | None = None, people: Collection[int] | None = None
) -> list[list[Standing]]:
    """Return for each obligation how those stand whom it addresses, by name; in a fixed number of statements.

    `among` narrows the people by a condition, `people` to these rows.
    """
    addressed = _addressed(asked, among, people)
    everybody = _people({person_id for found in addressed for person_id in found})
    rows = _Rows(asked, everybody)
    return [
        [rows.standing(number, each, everybody[id_]) for id_ in everybody if id_ in addressed[number]]
        for number, each in enumerate(asked)
    ]


def _addressed(
    asked: Sequence[Asked], among: ColumnElement[bool] | None, people: Collection[int] | None
) -> list[set[int]]:
    found: list[set[int]] = [set() for _each in asked]
    narrowed = [
        condition for condition in (among, None if people is None else Person.id.in_(people)) if condition is not None
    ]
    parts = [
        select(literal(number).label("number"), Person.id.label("person_id")).where(
            people_addressed(each.terms), *narrowed
        )
        for number, each in enumerate(asked)
        # What has ended asks nobody any more.
        if each.setting.state is not State.ENDED
    ]
    if parts:
        for number, person_id in session.execute(union_all(*parts)):
            found[number].add(person_id)
    return found


def _people(ids: set[int]) -> dict[int, Person]:
    """Return row number → person, by name."""
    statement = (
        select(Person)
        .where(*_of(Person.id, ids))
        .order_by(Person.sort_key, Person.id)
        .options(joinedload(Person.team).lazyload(Team.market))
    )
    return {each.id: each for each in session.scalars(statement) if each.id in ids} if ids else {}


def _of(column: Any, ids: Collection[int]) -> list[ColumnElement[bool]]:
    return [column.in_(ids)] if len(ids) <= _MOST_NAMED else []


class _Rows:
    """What is known of some people about some obligations, read together."""

    def __init__(self, asked: Sequence[Asked], people: Mapping[int, Person]) -> None:
        self._now = clock.now()
        self._people = people
        self._memos: list[dict[Any, Any]] = [{} for _each in asked]
        ids = list(people)
        known = [each.obligation_id for each in asked if each.obligation_id is not None]
        slugs = {each.terms.plan_slug for each in asked}
        self._completed = _completed(slugs, ids) if ids else {}
        self._running = _running(slugs, ids) if ids else set()
        self._entered = _entered(known, ids) if known and ids else {}
        self._cycles = _cycles(known, ids) if known and ids else {}
        running = [found[-1] for found in self._cycles.values() if found[-1].closed_at is None]
        # A training may be in another market than her own.
        markets = {each.home_market for each in people.values()} | {each.enrollment.market for each in running}
        self._calendars = calendars.read_calendars(markets, ids) if ids else None
        credentials = {each.terms.credential_slug for each in asked if each.terms.credential_slug is not None}
        self._held = _held(credentials, ids) if credentials and ids else {}
        self._bases = (
            training.bases_of({each.enrollment_id: each.enrollment.starts_on for each in running}) if running else {}
        )

    def standing(self, number: int, asked: Asked, person: Person) -> Standing:
        zone = person.home_market.time_zone
        has_zone = clock.is_zone(zone)
        zone = zone if has_zone else "UTC"
        today = clock.local_date(self._now, zone)
        assert self._calendars is not None
        calendar = self._calendars.of(person.home_market_id, person.id)
        cycles = self._cycles.get((asked.obligation_id or 0, person.id), [])
        last = cycles[-1] if cycles else None
        entered_on = self._entered.get((asked.obligation_id or 0, person.id))
        slug = asked.terms.plan_slug
        facts = Facts(
            entered_on=entered_on or today,
            calendar=calendar,
            completed=_completion(self._completed.get((person.id, slug)), zone),
            held=self._certificate(asked, person, today, zone),
            last=self._last(last, today, zone) if last is not None else None,
            used=frozenset(each.enrollment.code for each in cycles if each.effective_closing in rules.DONE),
            runs=(person.id, slug) in self._running,
            has_zone=has_zone,
        )
        verdict = rules.health(asked.terms.shape, asked.setting, facts, today, memo=self._memos[number])
        return Standing(person, today, facts, verdict, last, entered_on is not None)

    def _last(self, cycle: ObligationCycle, today: date, zone: str) -> Last:
        closing = cycle.effective_closing
        done = cycle.enrollment.completed_at if closing in rules.DONE else None
        return Last(
            cycle.number,
            cycle.opens_on,
            closing,
            due_on=self._due_on(cycle, today) if closing is None else None,
            completion=_completion((done, cycle.enrollment.code), zone) if done is not None else None,
        )

    def _due_on(self, cycle: ObligationCycle, today: date) -> date:
        assert self._calendars is not None
        calendar = self._calendars.of(cycle.enrollment.market_id, cycle.person_id)
        basis = self._bases[cycle.enrollment_id]
        if cycle.taken_up:
            # The training was there before: the days of the cycle are counted from its own opening.
            basis = replace(basis, starts_on=cycle.opened_on)
        try:
            return rules.due_of(cycle.terms.days, basis, basis.calendar(calendar, today))
        except YearNotInTable:
            return cycle.due_on

    def _certificate(self, asked: Asked, person: Person, today: date, zone: str) -> Held | None:
        found = self._held.get((person.id, asked.terms.credential_slug or ""))
        if found is None:
            return None
        completion = _completion((found.enrollment.completed_at, found.enrollment_code), zone)
        assert completion is not None
        return Held(found.expires_on, found.state(today, self._now), completion)


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
    return {(row.obligation_id, row.person_id): row.entered_on for row in rows}


def _cycles(obligations: Collection[int], ids: Collection[int]) -> dict[tuple[int, int], list[ObligationCycle]]:
    found: dict[tuple[int, int], list[ObligationCycle]] = defaultdict(list)
    rows = session.scalars(
        select(ObligationCycle)
        .join(Enrollment, Enrollment.id == ObligationCycle.enrollment_id)
        .where(ObligationCycle.obligation_id.in_(obligations), *_of(ObligationCycle.person_id, ids))
        .order_by(ObligationCycle.number, ObligationCycle.id)
        .options(
            contains_eager(ObligationCycle.enrollment),
            joinedload(ObligationCycle.terms, innerjoin=True),
        )
    )
    for row in rows:
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
            selectinload(Certificate.facts),
            selectinload(Certificate.policy_supersessions),
        )
    )
    return {(certificate.person_id, slug): certificate for slug, certificate in rows}


def standing_of(obligation: Obligation, person_id: int) -> Standing | None:
    """Return how one person stands, or None where the obligation does not address her."""
    (found,) = standings(look_at([obligation]), people=[person_id])
    return found[0] if found else None

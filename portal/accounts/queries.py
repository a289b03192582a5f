"""Reading about people, their sessions, links, roles and what they own."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache
from typing import Any

from flask import current_app
from sqlalchemy import ColumnElement, Select, and_, bindparam, exists, false, func, or_, select
from sqlalchemy.orm import aliased, contains_eager, joinedload, lazyload, selectinload

from portal.accounts import rules
from portal.accounts.models import (
    NAME_FIELDS,
    Accommodation,
    LinkPurpose,
    NameChange,
    NameOutcome,
    OneTimeLink,
    Ownership,
    PeopleImport,
    Person,
    Role,
    RoleGrant,
    Scope,
    SignInSession,
)
from portal.core import clock
from portal.core.codes import is_well_formed, normalise
from portal.core.db import session
from portal.core.errors import NotFound
from portal.organisation.models import Market, Team

# --- People ------------------------------------------------------------------------------------


class Standing(StrEnum):
    """Where a person's account stands, for the filter of the list."""

    ACTIVE = "active"
    INVITED = "invited"
    DEACTIVATED = "deactivated"


@dataclass(frozen=True, slots=True)
class PeopleFilter:
    """What a list of people is narrowed to; everything empty means everybody."""

    text: str = ""
    standing: Standing | None = None
    market: str = ""
    team: str = ""
    role: Role | None = None


def standing_of(person: Person) -> Standing:
    """Return where the account stands."""
    if not person.is_active:
        return Standing.DEACTIVATED
    return Standing.INVITED if person.is_invited else Standing.ACTIVE


def get_person(code: str) -> Person:
    """Return the person of the code as typed. Raises `NotFound`."""
    found = find_person(code)
    if found is None:
        raise NotFound()
    return found


def find_person(code: str) -> Person | None:
    """Return the person of the code as typed, or None."""
    wanted = normalise(code)
    if not all(is_well_formed(each, 1) for each in wanted) or not wanted:
        return None
    return session.scalar(select(Person).where(Person.code == wanted))


@dataclass(frozen=True, slots=True)
class FoundSession:
    """A session as a request looks at it, and whose it is, with her roles."""

    id: int
    created_at: datetime
    seen_at: datetime
    ended_at: datetime | None
    person: Person
    # Something waits for her that every page tells her of.
    is_urgent: bool


# What upper domains find urgent: name → a condition about `Person`.
_urgent: dict[str, ColumnElement[bool]] = {}


def register_urgency(name: str, condition: ColumnElement[bool]) -> None:
    """Ask with every request, in the statement that it takes anyway, whether something urgent waits for the person."""
    _urgent[name] = condition


# Every request of somebody signed in asks this: the statement is made once, and the roles come along.
_SESSION = (
    select(SignInSession.id, SignInSession.created_at, SignInSession.seen_at, SignInSession.ended_at, Person)
    .join(Person, Person.id == SignInSession.person_id)
    .where(SignInSession.token_hash == bindparam("token_hash"))
    .options(
        joinedload(Person.grants),
        joinedload(Person.home_market, innerjoin=True),
        # A team is of its people's market nearly always, so that it is at hand.
        joinedload(Person.team).lazyload(Team.market),
    )
)


@lru_cache(maxsize=4)
def _session_with(urgent: tuple[str, ...]) -> Select[Any]:
    return _SESSION.add_columns(or_(false(), *(_urgent[name] for name in urgent)))


def find_session(token_hash: str) -> FoundSession | None:
    """Return the session of the token, whatever became of it, or None."""
    row = session.execute(_session_with(tuple(_urgent)), {"token_hash": token_hash}).unique().one_or_none()
    return None if row is None else FoundSession(*row)


def find_person_by_id(person_id: int) -> Person | None:
    """Return the person of the row number, or None."""
    return session.get(Person, person_id)


def lock_person(person_id: int) -> None:
    """Let others who change the person, or make her answer for something, wait until this transaction ends."""
    session.execute(select(Person.id).where(Person.id == person_id).with_for_update())


def hold_active(person_ids: Collection[int]) -> set[int]:
    """Return which of these people are active, and stay so until this transaction ends."""
    rows = session.execute(
        select(Person.id, Person.deactivated_at)
        .where(Person.id.in_(person_ids))
        .order_by(Person.id)
        .with_for_update(read=True)
    )
    return {row.id for row in rows if row.deactivated_at is None}


def find_person_by_sign_in_name(name: str) -> Person | None:
    """Return who signs in with this mail address, whatever its case and width, or None."""
    wanted = rules.fold_sign_in_name(name)
    if not wanted or "\x00" in wanted or len(wanted) > 254:
        return None
    return session.scalar(select(Person).where(Person.sign_in_name == wanted))


def find_person_by_employee_number(number: str) -> Person | None:
    """Return who has the employee number, or None."""
    return session.scalar(select(Person).where(Person.employee_number == number)) if number else None


def find_taken(names: Collection[str], numbers: Collection[str]) -> tuple[dict[str, Person], dict[str, Person]]:
    """Return the people who have one of these mail addresses, and those with one of these employee numbers."""
    by_name: dict[str, Person] = {}
    by_number: dict[str, Person] = {}
    for chunk in _chunks(sorted(names)):
        by_name |= {each.sign_in_name: each for each in session.scalars(_plain(Person.sign_in_name.in_(chunk)))}
    for chunk in _chunks(sorted(numbers)):
        found = session.scalars(_plain(Person.employee_number.in_(chunk)))
        by_number |= {each.employee_number: each for each in found if each.employee_number}
    return by_name, by_number


def find_invited_at(person_ids: Collection[int]) -> dict[int, datetime]:
    """Return when each of these people was sent her last invitation, by her row; links of long ago are forgotten."""
    rows = session.execute(
        select(OneTimeLink.person_id, func.max(OneTimeLink.created_at))
        .where(OneTimeLink.purpose == LinkPurpose.INVITATION, OneTimeLink.person_id.in_(person_ids))
        .group_by(OneTimeLink.person_id)
    )
    return {row[0]: row[1] for row in rows}


def list_people_of(codes: Collection[str]) -> list[Person]:
    """Return the people who have one of these codes, in list order."""
    return list(session.scalars(_plain(Person.code.in_(codes)).order_by(Person.sort_key, Person.id)))


def list_codes_meant(text: str, limit: int) -> list[str]:
    """Return the codes of the people whom a name, reading, mail address or number may mean, in list order."""
    statement = select_people(PeopleFilter(text=text)).with_only_columns(Person.code).limit(limit)
    return list(session.scalars(statement))


def has_any_taken(names: Collection[str], numbers: Collection[str]) -> bool:
    """Say whether somebody has one of these mail addresses or employee numbers."""
    return any(
        session.scalar(select(Person.id).where(column.in_(chunk)).limit(1)) is not None
        for column, values in ((Person.sign_in_name, names), (Person.employee_number, numbers))
        for chunk in _chunks(sorted(values))
    )


def list_ids(codes: Collection[str]) -> dict[str, int]:
    """Return code → row number for many people."""
    found: dict[str, int] = {}
    for chunk in _chunks(sorted(codes)):
        rows = session.execute(select(Person.code, Person.id).where(Person.code.in_(chunk)))
        found |= {row.code: row.id for row in rows}
    return found


def _plain(condition: object) -> Select[Person]:
    return select(Person).where(condition)  # type: ignore[arg-type]


def _chunks(values: list[str], size: int = 500) -> Iterable[list[str]]:
    return (values[start : start + size] for start in range(0, len(values), size))


def select_people(wanted: PeopleFilter) -> Select[Person]:
    """Return the statement of the people that the filter leaves, in the order of the Japanese syllabary."""
    statement = select(Person).order_by(Person.sort_key, Person.id)
    for term in rules.fold_for_search(wanted.text).split():
        statement = statement.where(Person.search_key.contains(term, autoescape=True))
    match wanted.standing:
        case Standing.ACTIVE:
            statement = statement.where(Person.deactivated_at.is_(None), Person.password_hash.is_not(None))
        case Standing.INVITED:
            statement = statement.where(Person.deactivated_at.is_(None), Person.password_hash.is_(None))
        case Standing.DEACTIVATED:
            statement = statement.where(Person.deactivated_at.is_not(None))
    if wanted.market:
        statement = statement.where(Person.home_market.has(Market.code == wanted.market))
    if wanted.team:
        statement = statement.where(Person.team.has(Team.code == wanted.team))
    if wanted.role is not None:
        statement = statement.where(Person.grants.any((RoleGrant.role == wanted.role) & RoleGrant.ended_at.is_(None)))
    return statement


def list_people(wanted: PeopleFilter | None = None, *, offset: int = 0, limit: int | None = 50) -> list[Person]:
    """Return a stretch of the list of people with their grants; a limit of None means all."""
    statement = select_people(wanted or PeopleFilter()).options(selectinload(Person.grants)).offset(offset)
    if limit is not None:
        statement = statement.limit(limit)
    elif offset == 0:
        statement = statement.offset(None)
    return list(session.scalars(statement))


def count_people(wanted: PeopleFilter | None = None) -> int:
    """Return how many people the filter leaves."""
    within = select_people(wanted or PeopleFilter()).order_by(None).with_only_columns(Person.id).subquery()
    return session.scalar(select(func.count()).select_from(within)) or 0


def is_shut_out(person: Person) -> bool:
    """Say whether this is a demo account in production: its password is public, so nothing signs it in."""
    return person.demo_since is not None and current_app.config["ENV"] == "production"


def count_demo_accounts() -> int:
    """Return how many accounts of the demo organisation are not deactivated."""
    return session.scalar(select(func.count()).select_from(Person).where(*_OPEN_DEMO)) or 0


def list_demo_accounts() -> list[Person]:
    """Return the accounts of the demo organisation that are not deactivated, in list order."""
    return list(session.scalars(select(Person).where(*_OPEN_DEMO).order_by(Person.sort_key, Person.id)))


_OPEN_DEMO = (Person.demo_since.is_not(None), Person.deactivated_at.is_(None))


def has_people() -> bool:
    """Say whether there is any account at all."""
    return session.scalar(select(Person.id).limit(1)) is not None


# --- Roles -------------------------------------------------------------------------------------


def list_holders(role: Role, scope: Scope | None = None, scope_code: str = "") -> list[Person]:
    """Return the active people who hold the role (for exactly this scope, where one is given), in list order."""
    statement = (
        select(Person)
        .where(
            Person.deactivated_at.is_(None),
            Person.grants.any((RoleGrant.role == role) & RoleGrant.ended_at.is_(None) & _for_scope(scope, scope_code)),
        )
        .order_by(Person.sort_key, Person.id)
    )
    return list(session.scalars(statement))


def _for_scope(scope: Scope | None, scope_code: str) -> object:
    if scope is None:
        return RoleGrant.id.is_not(None)
    return (RoleGrant.scope == scope) & (RoleGrant.scope_code == scope_code)


def list_grants_of_others(person: Person, roles: Collection[Role]) -> list[RoleGrant]:
    """Return the open grants of these roles that other active people hold."""
    statement = (
        select(RoleGrant)
        .join(Person, RoleGrant.person_id == Person.id)
        .where(
            RoleGrant.role.in_(roles),
            RoleGrant.ended_at.is_(None),
            RoleGrant.person_id != person.id,
            Person.deactivated_at.is_(None),
        )
        .order_by(RoleGrant.id)
    )
    return list(session.scalars(statement))


def list_leads_for(team: Team | None) -> list[Person]:
    """Return who leads a team: holders for the team, else for its market, else for the organisation."""
    scopes: list[tuple[Scope, str]] = []
    if team is not None:
        scopes = [(Scope.TEAM, team.code), (Scope.MARKET, team.market.code)]
    for scope, code in [*scopes, (Scope.ORGANISATION, "")]:
        found = list_holders(Role.LEAD, scope, code)
        if found:
            return found
    return []


def list_administrators() -> list[Person]:
    """Return the active administrators of the organisation, the longest-serving first."""
    return list(
        session.scalars(
            select(Person)
            .join(RoleGrant, RoleGrant.person_id == Person.id)
            .where(
                Person.deactivated_at.is_(None),
                RoleGrant.role == Role.ADMIN,
                RoleGrant.scope == Scope.ORGANISATION,
                RoleGrant.ended_at.is_(None),
            )
            .order_by(RoleGrant.id)
        )
    )


def find_first_administrator() -> Person | None:
    """Return the longest-serving active administrator, or None where there is none yet."""
    return next(iter(list_administrators()), None)


def has_other_administrator(than: Person) -> bool:
    """Say whether somebody else administers the organisation and is able to sign in.

    Takes a lock on the administrators' grants, so that two people cannot remove each other at once.
    """
    grants = session.scalars(
        select(RoleGrant)
        .where(RoleGrant.role == Role.ADMIN, RoleGrant.scope == Scope.ORGANISATION, RoleGrant.ended_at.is_(None))
        .order_by(RoleGrant.id)
        .with_for_update()
    )
    others = {grant.person_id for grant in grants} - {than.id}
    able = session.scalars(
        select(Person)
        .where(Person.id.in_(others), Person.deactivated_at.is_(None), Person.password_hash.is_not(None))
        .order_by(Person.id)
    )
    return any(not is_shut_out(each) for each in able)


def get_grant(person: Person, grant_id: int) -> RoleGrant:
    """Return the open grant of this very person. Raises `NotFound`."""
    found = next((each for each in person.grants if each.id == grant_id and each.ended_at is None), None)
    if found is None:
        raise NotFound()
    return found


# --- Sessions and links ------------------------------------------------------------------------


def list_live_sessions(person: Person) -> list[SignInSession]:
    """Return the sessions in which the person is signed in now, the most recently used first."""
    now = clock.now()
    return list(
        session.scalars(
            select(SignInSession)
            .where(
                SignInSession.person_id == person.id,
                SignInSession.ended_at.is_(None),
                SignInSession.seen_at > now - rules.IDLE_LIMIT,
                SignInSession.created_at > now - rules.ABSOLUTE_LIMIT,
            )
            .order_by(SignInSession.seen_at.desc(), SignInSession.id.desc())
        )
    )


def list_accepted_at(people: Collection[int]) -> dict[int, datetime]:
    """Return person's row number → when she accepted her invitation, for those who were invited by a link."""
    rows = session.execute(
        select(OneTimeLink.person_id, func.min(OneTimeLink.used_at))
        .where(
            OneTimeLink.person_id.in_(people),
            OneTimeLink.purpose == LinkPurpose.INVITATION,
            OneTimeLink.used_at.is_not(None),
        )
        .group_by(OneTimeLink.person_id)
    )
    return {row[0]: row[1] for row in rows if row[1] is not None}


def find_link(token_hash: str) -> OneTimeLink | None:
    """Return the link of a token's hash, or None."""
    return session.scalar(select(OneTimeLink).where(OneTimeLink.token_hash == token_hash))


# --- Accommodations ----------------------------------------------------------------------------


def list_accommodations(person: Person) -> list[Accommodation]:
    """Return every accommodation of the person, the newest first."""
    return list(
        session.scalars(
            select(Accommodation).where(Accommodation.person_id == person.id).order_by(Accommodation.id.desc())
        )
    )


def list_open_accommodations() -> list[Accommodation]:
    """Return what is agreed for people and has not ended, what waits for a second person first, then by name."""
    found = session.scalars(
        select(Accommodation)
        .join(Accommodation.person)
        .where(Accommodation.ended_at.is_(None), Person.deactivated_at.is_(None))
        .order_by(Person.sort_key, Person.id, Accommodation.id.desc())
        .options(contains_eager(Accommodation.person).options(lazyload(Person.home_market), lazyload(Person.team)))
    )
    return sorted(found, key=lambda each: not each.is_waiting)


# Not ended, and agreed by as many as the house asks for.
_STANDS = (
    Accommodation.ended_at.is_(None),
    or_(Accommodation.needs_second.is_not(True), Accommodation.confirmed_at.is_not(None)),
)
_ACCOMMODATION = (
    select(Accommodation)
    .where(
        Accommodation.person_id == bindparam("person_id"),
        *_STANDS,
        Accommodation.valid_from <= bindparam("day"),
        or_(Accommodation.valid_until.is_(None), Accommodation.valid_until >= bindparam("day")),
    )
    .order_by(Accommodation.id.desc())
    .limit(1)
)


def find_accommodation(person: Person, on: date) -> Accommodation | None:
    """Return the accommodation that holds for the person on the day (in her zone), or None; the newest counts."""
    return session.scalar(_ACCOMMODATION, {"person_id": person.id, "day": on})


def most_time_factor(first: date, last: date) -> Fraction:
    """Return the largest time factor that holds for anybody on some of these days; 1 where none does."""
    factors = session.scalars(
        select(Accommodation.multiplier)
        .where(
            *_STANDS,
            Accommodation.valid_from <= last,
            or_(Accommodation.valid_until.is_(None), Accommodation.valid_until >= first),
        )
        .distinct()
    )
    return max(factors, default=Fraction(1))


# --- Ownership ---------------------------------------------------------------------------------


def is_newest_owner() -> ColumnElement[bool]:
    """Return the condition that a row of ownerships is the newest of its thing: the one that counts."""
    newer = aliased(Ownership)
    return ~exists().where(
        newer.kind == Ownership.kind, newer.thing_code == Ownership.thing_code, newer.id > Ownership.id
    )


def find_owner(kind: str, code: str) -> Ownership | None:
    """Return who answers for the thing now (owner, deputy, since when), or None."""
    return session.scalar(
        select(Ownership)
        .where(Ownership.kind == kind, Ownership.thing_code == code)
        .order_by(Ownership.id.desc())
        .limit(1)
    )


def find_owners(kind: str, codes: Collection[str]) -> dict[str, Ownership]:
    """Return who answers for each of the things; a thing without an owner is not in it."""
    if not codes:
        return {}
    rows = session.scalars(
        select(Ownership).where(
            Ownership.kind == kind,
            Ownership.thing_code.in_(codes),
            is_newest_owner(),
        )
    )
    return {row.thing_code: row for row in rows}


def list_owned(person: Person, *, as_deputy: bool = False) -> list[Ownership]:
    """Return what the person answers for now (or stands in for), by kind and code."""
    column = Ownership.deputy_id if as_deputy else Ownership.owner_id
    return list(
        session.scalars(
            select(Ownership)
            .where(
                column == person.id,
                is_newest_owner(),
            )
            .order_by(Ownership.kind, Ownership.thing_code)
        )
    )


def list_current_owners() -> list[Ownership]:
    """Return who answers for each thing of every kind now, by kind and code."""
    return list(
        session.scalars(select(Ownership).where(is_newest_owner()).order_by(Ownership.kind, Ownership.thing_code))
    )


def find_ownership(ownership_id: int) -> Ownership | None:
    """Return who was named with a row."""
    return session.get(Ownership, ownership_id)


def list_owners_of(kind: str, code: str) -> list[Ownership]:
    """Return everybody who was named for a thing, the latest first."""
    return list(
        session.scalars(
            select(Ownership)
            .where(Ownership.kind == kind, Ownership.thing_code == code)
            .options(joinedload(Ownership.team))
            .order_by(Ownership.id.desc())
        )
    )


def find_ownership_of(kind: str, code: str, owner_id: int) -> Ownership | None:
    """Return how the person answered for a thing when she last did; None where she never has."""
    return session.scalar(
        select(Ownership)
        .where(Ownership.kind == kind, Ownership.thing_code == code, Ownership.owner_id == owner_id)
        .order_by(Ownership.id.desc())
        .limit(1)
    )


def list_owners_since(kind: str, code: str, since: datetime) -> set[int]:
    """Return the row numbers of those who became owner of the thing since a moment."""
    return set(
        session.scalars(
            select(Ownership.owner_id).where(
                Ownership.kind == kind, Ownership.thing_code == code, Ownership.since >= since
            )
        )
    )


def list_codes_owned(person: Person, kind: str) -> set[str]:
    """Return the codes of the things of a kind that the person answers for now, as owner or deputy."""
    return set(
        session.scalars(
            select(Ownership.thing_code).where(
                Ownership.kind == kind,
                or_(Ownership.owner_id == person.id, Ownership.deputy_id == person.id),
                is_newest_owner(),
            )
        )
    )


# --- Imports -----------------------------------------------------------------------------------


def get_import(code: str) -> PeopleImport:
    """Return the table waiting under the code. Raises `NotFound`."""
    wanted = normalise(code)
    found = None
    if is_well_formed(wanted, 12):
        found = session.scalar(select(PeopleImport).where(PeopleImport.code == wanted))
    if found is None:
        raise NotFound()
    return found


# --- Own changes of names ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NameReach:
    """Whose own changes of names somebody decides: of everybody, or of these markets and teams, by code."""

    everywhere: bool
    markets: frozenset[str]
    teams: frozenset[str]

    def __bool__(self) -> bool:
        return self.everywhere or bool(self.markets or self.teams)


_NAMES_STOOD_FOR = (
    select(*(getattr(Person, name) for name in NAME_FIELDS), NameChange.before)
    .outerjoin(NameChange, and_(NameChange.person_id == Person.id, NameChange.decided_at.is_(None)))
    .where(Person.id == bindparam("person_id"))
)


def read_names_stood_for(person_id: int) -> dict[str, str]:
    """Return the names that somebody else stands for, by column: those before an own change that is open."""
    row = session.execute(_NAMES_STOOD_FOR, {"person_id": person_id}).one()
    return dict(row.before) if row.before is not None else {name: getattr(row, name) for name in NAME_FIELDS}


def find_open_name_change(person_id: int) -> NameChange | None:
    """Return the own change of names that waits for somebody else's word, or None."""
    return session.scalar(select(NameChange).where(NameChange.person_id == person_id, NameChange.decided_at.is_(None)))


def find_first_name_change_after(person_id: int, at: datetime) -> NameChange | None:
    """Return the first own change of names later than a moment that was not refused, or None."""
    return session.scalar(
        select(NameChange)
        .where(
            NameChange.person_id == person_id,
            NameChange.changed_at > at,
            or_(NameChange.outcome.is_(None), NameChange.outcome != NameOutcome.REFUSED),
        )
        .order_by(NameChange.id)
        .limit(1)
    )


def find_name_change(code: str) -> NameChange | None:
    """Return the own change of names of the code, or None."""
    return session.scalar(select(NameChange).where(NameChange.code == code))


def _names_within(reach: NameReach, besides: Person) -> tuple[ColumnElement[bool], ...]:
    conditions: list[ColumnElement[bool]] = [
        NameChange.decided_at.is_(None),
        Person.id != besides.id,
        Person.deactivated_at.is_(None),
    ]
    if not reach.everywhere:
        conditions.append(
            or_(
                Person.home_market_id.in_(select(Market.id).where(Market.code.in_(reach.markets))),
                Person.team_id.in_(select(Team.id).where(Team.code.in_(reach.teams))),
            )
        )
    return tuple(conditions)


def count_open_name_changes(reach: NameReach, besides: Person) -> int:
    """Return how many own changes of names of others within reach are open; `besides` decides none of her own."""
    statement = select(func.count()).select_from(NameChange).join(NameChange.person)
    return session.scalar(statement.where(*_names_within(reach, besides))) or 0


def list_open_name_changes(reach: NameReach, besides: Person) -> list[NameChange]:
    """Return the own changes of names of others within reach that are open, the oldest first."""
    statement = select(NameChange).join(NameChange.person).where(*_names_within(reach, besides))
    return list(
        session.scalars(
            statement.order_by(NameChange.changed_at, NameChange.id).options(
                contains_eager(NameChange.person).options(lazyload(Person.home_market), joinedload(Person.team))
            )
        )
    )


def list_namesakes(changes: Collection[NameChange]) -> dict[int, list[Person]]:
    """Return for each change which other active accounts carry the name that was set, in either script."""
    wanted = {change.id: rules.name_keys(change.after) for change in changes}
    if not wanted:
        return {}
    columns = [getattr(Person, name) for name in NAME_FIELDS]
    carriers: dict[int, set[int]] = {change.id: set() for change in changes}
    rows = session.execute(select(Person.id, *columns).where(Person.deactivated_at.is_(None)))
    for row in rows:
        keys = rules.name_keys({name: getattr(row, name) for name in NAME_FIELDS})
        for change in changes:
            if change.person_id != row.id and keys & wanted[change.id]:
                carriers[change.id].add(row.id)
    ids = set().union(*carriers.values())
    found = (
        session.scalars(select(Person).where(Person.id.in_(ids)).order_by(Person.sort_key, Person.id)) if ids else ()
    )
    people = list(found)
    return {each: [person for person in people if person.id in carried] for each, carried in carriers.items()}

"""People come, change and go: invited, corrected, deactivated, reactivated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Protocol

from portal.accounts import errors, queries, rules
from portal.accounts.events import PersonLeaves, PersonReactivated
from portal.accounts.models import Named, Person, Role, Scope
from portal.accounts.service import grants, links, sessions
from portal.accounts.service.name_changes import lock_names, note_own_change, note_set
from portal.core import clock
from portal.core.codes import new_code
from portal.core.db import session
from portal.core.events import publish
from portal.journal.service import record
from portal.organisation.models import Market, Team


@dataclass(frozen=True, slots=True)
class Names(Named):
    """A person's names as typed; everything but the family name may be empty."""

    family_name: str
    given_name: str = ""
    middle_name: str = ""
    family_kana: str = ""
    given_kana: str = ""
    family_romaji: str = ""
    given_romaji: str = ""
    shown_as: str = ""


NAME_FIELDS = tuple(each.name for each in fields(Names))


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why somebody cannot be deactivated yet: in words, and where it can be mended.

    One that may stay is a question: whoever deactivates has to say that it is known.
    """

    text: str
    href: str | None = None
    may_stay: bool = False


class DeactivationGuard(Protocol):
    """An upper domain's say before somebody is deactivated; registered in `wiring.py`."""

    def __call__(self, person: Person) -> Sequence[Obstacle]:
        """Return what stands in the way, nothing when she may go."""


_guards: list[DeactivationGuard] = []


def register_guard(guard: DeactivationGuard) -> None:
    """Ask this guard before somebody is deactivated; registering twice changes nothing."""
    if guard not in _guards:
        _guards.append(guard)


def find_obstacles(person: Person) -> list[Obstacle]:
    """Return everything that stands in the way of deactivating the person."""
    return [obstacle for guard in _guards for obstacle in guard(person)]


def invite(
    *,
    sign_in_name: str,
    names: Names,
    language: str,
    time_zone: str,
    market: Market,
    team: Team | None,
    by: Person | None,
    further_markets: Sequence[Market] = (),
    employee_number: str = "",
    role: Role | None = Role.LEARNER,
    send: bool = True,
) -> Person:
    """Open an account without a password and owe its invitation.

    Raises `SignInNameTaken` or `EmployeeNumberTaken`, which name whose it is.
    """
    folded = rules.fold_sign_in_name(sign_in_name)
    _refuse_taken(folded, employee_number, besides=None)
    person = add_person(
        sign_in_name=folded, names=names, language=language, time_zone=time_zone, market=market, team=team,
        employee_number=employee_number, further_markets=further_markets,
    )  # fmt: skip
    session.flush()
    record("accounts.invited", by=by, subject=("person", person.code), after=_facts(person))
    if role is not None:
        grants.grant_role(person=person, role=role, scope=Scope.ORGANISATION, by=by)
    if send:
        links.send_invitation(person=person, by=by)
    return person


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Somebody who is to have an account, of many that are opened together."""

    sign_in_name: str
    names: Names
    language: str
    employee_number: str = ""


def invite_all(
    *, newcomers: Sequence[Newcomer], time_zone: str, market: Market, team: Team | None, by: Person
) -> list[Person]:
    """Open accounts of learners without passwords, as `invite` one after the other; their invitations are not owed yet.

    The statements do not grow with the people, but for what is written. Raises `SignInNameTaken`,
    `EmployeeNumberTaken` where that is so of one of them.
    """
    names = [rules.fold_sign_in_name(each.sign_in_name) for each in newcomers]
    known, numbered = queries.find_taken(set(names), {each.employee_number for each in newcomers} - {""})
    for each in known.values():
        raise errors.SignInNameTaken(name=each.full_name)
    for each in numbered.values():
        raise errors.EmployeeNumberTaken(name=each.full_name)
    people = [
        add_person(
            sign_in_name=each.sign_in_name, names=each.names, language=each.language, time_zone=time_zone,
            market=market, team=team, employee_number=each.employee_number,
        )
        for each in newcomers
    ]  # fmt: skip
    session.flush()
    for person in people:
        record("accounts.invited", by=by, subject=("person", person.code), after=_facts(person))
    grants.grant_to_all(people=people, role=Role.LEARNER, by=by)
    return people


def mark_as_demo(*, person: Person) -> None:
    """Note that the account belongs to the demo organisation: its password is public, production shuts it out."""
    person.demo_since = clock.now()


def add_person(
    *,
    sign_in_name: str,
    names: Names,
    language: str,
    time_zone: str,
    market: Market,
    team: Team | None,
    employee_number: str = "",
    further_markets: Sequence[Market] = (),
) -> Person:
    """Add the row of a new person; the caller has checked that nobody has the address or number."""
    person = Person(
        code=new_code(),
        sign_in_name=rules.fold_sign_in_name(sign_in_name),
        language=language,
        time_zone=time_zone,
        home_market=market,
        team=team,
        further_markets=[each for each in further_markets if each is not market],
        employee_number=employee_number or None,
        created_at=clock.now(),
        **_stored(names),
    )
    session.add(person)
    return person


def change_person(
    *,
    person: Person,
    sign_in_name: str,
    names: Names,
    language: str,
    time_zone: str,
    market: Market,
    team: Team | None,
    employee_number: str,
    by: Person,
    further_markets: Sequence[Market] = (),
) -> None:
    """Correct what is known of a person. A new mail address ends open links, and is named in the journal.

    Whoever sets another's names stands for them; who sets her own does not.
    """
    folded = rules.fold_sign_in_name(sign_in_name)
    _refuse_taken(folded, employee_number, besides=person)
    lock_names(person)
    before = _facts(person)
    if folded != person.sign_in_name:
        links.replace_links(person=person)
    person.sign_in_name, person.language, person.time_zone = folded, language, time_zone
    person.home_market, person.team, person.employee_number = market, team, employee_number or None
    person.further_markets = [each for each in further_markets if each is not market]
    _set_names(person, names)
    if by.id == person.id:
        note_own_change(person, before)
    elif any(getattr(person, name) != before[name] for name in NAME_FIELDS):
        note_set(person, by)
    _record_change(person, before, by)


def change_own(*, person: Person, names: Names, language: str, time_zone: str) -> None:
    """Let a person say how she is called and shown, her language and her time zone.

    The portal shows her names at once; certificates wait until somebody else has stood for them.
    """
    lock_names(person)
    before = _facts(person)
    person.language, person.time_zone = language, time_zone
    _set_names(person, names)
    note_own_change(person, before)
    _record_change(person, before, person)


def deactivate(*, person: Person, by: Person, knowing: bool = False) -> None:
    """Close the account: every session and link ends at once; history stays.

    `knowing` says that what may stay in the way has been read. Raises `NotOneself`, `LastAdministrator`,
    or `StillNeeded` with what stands in the way.
    """
    if not person.is_active:
        raise errors.AlreadyDeactivated()
    if person.id == by.id:
        raise errors.NotOneself()
    # Who makes her the owner of something at the same moment waits, and finds her gone, or is seen here.
    queries.lock_person(person.id)
    grants.refuse_last_administrator(person)
    obstacles = [each for each in find_obstacles(person) if not (knowing and each.may_stay)]
    if obstacles:
        raise errors.StillNeeded(obstacles="; ".join(each.text for each in obstacles))
    publish(PersonLeaves(person.id, by.id))
    person.deactivated_at, person.deactivated_by = clock.now(), by.code
    sessions.end_all_sessions(person=person)
    links.replace_links(person=person)
    record("accounts.deactivated", by=by, subject=("person", person.code))


def reactivate(*, person: Person, by: Person) -> None:
    """Open the account again; the password stays what it was."""
    if person.is_active:
        raise errors.AlreadyDeactivated()
    person.deactivated_at = person.deactivated_by = None
    record("accounts.reactivated", by=by, subject=("person", person.code))
    publish(PersonReactivated(person.id))


def _refuse_taken(sign_in_name: str, employee_number: str, besides: Person | None) -> None:
    same = queries.find_person_by_sign_in_name(sign_in_name)
    if same is not None and same is not besides:
        raise errors.SignInNameTaken(name=same.full_name)
    same = queries.find_person_by_employee_number(employee_number)
    if same is not None and same is not besides:
        raise errors.EmployeeNumberTaken(name=same.full_name)


def _stored(names: Names) -> dict[str, str]:
    return {name: rules.as_stored(value) for name, value in asdict(names).items()}


def _set_names(person: Person, names: Names) -> None:
    for name, value in _stored(names).items():
        if getattr(person, name) != value:
            setattr(person, name, value)


def _record_change(person: Person, before: dict[str, Any], by: Person) -> None:
    after = _facts(person)
    changed = [name for name in after if after[name] != before[name]]
    if changed:
        record(
            "accounts.changed",
            by=by,
            subject=("person", person.code),
            before={name: before[name] for name in changed},
            after={name: after[name] for name in changed},
        )


def _facts(person: Person) -> dict[str, Any]:
    return {
        **{name: getattr(person, name) for name in NAME_FIELDS},
        "sign_in_name": person.sign_in_name,
        "employee_number": person.employee_number,
        "language": person.language,
        "time_zone": person.time_zone,
        "market": person.home_market.code,
        "further_markets": sorted(each.code for each in person.further_markets),
        "team": person.team.code if person.team else None,
    }

"""Who answers for what: set anew, never edited; the kinds of things are registered by their domains."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum, auto
from typing import Any, Protocol, runtime_checkable

from portal.accounts import errors, queries
from portal.accounts.events import OwnerChanged
from portal.accounts.models import Ownership, Person, Role
from portal.accounts.service.people import Obstacle
from portal.core import clock
from portal.core.access import Permission, allows
from portal.core.content import ContentFolder
from portal.core.db import session
from portal.core.events import publish
from portal.core.i18n import LANGUAGES, LazyText, Words, force_locale, ngettext
from portal.core.i18n import gettext as _
from portal.journal.service import record
from portal.organisation.models import Team


class _Kept(Enum):
    """Says that something stays as it is."""

    KEPT = auto()


KEPT = _Kept.KEPT


@dataclass(frozen=True, slots=True)
class OwnedThing:
    """A thing as the owner's page shows it; one that is not live any more needs no owner.

    `due_on` is the next day on which something of it falls due, `due_what` says what. `market_codes` are the markets
    that it is for, `team_code` its team; where both are empty, it is the whole organisation's.
    """

    title: str
    href: str | None
    is_live: bool = True
    # What opening its page needs; who may not is told the title alone.
    needs: Permission | None = None
    # On what that is asked; None: on nothing in particular.
    needs_on: Any = None
    due_on: date | None = None
    due_what: LazyText = ""
    market_codes: frozenset[str] = frozenset()
    team_code: str | None = None
    # The cohort that it is of: whoever leads that alone can answer for it.
    cohort_code: str | None = None

    def may_be_opened_by(self, person: Person) -> bool:
        """Say whether the person may open its page."""
        return self.needs is None or allows(person, self.needs, self.needs_on)


@dataclass(frozen=True, slots=True)
class OwnerNeeds:
    """What whoever answers for things of a kind does with them needs: one of the roles, reaching as far as the thing.

    A kind says so as its `owner_needs`; things of one that says nothing can be answered for by anybody.
    """

    roles: tuple[Role, ...]
    # The role alone counts, however far it reaches.
    of_any_scope: bool = False


class OwnedThings(Protocol):
    """A kind of thing that people answer for; registered in `wiring.py` by the domain that has it."""

    kind: str
    name: LazyText

    def find_things(self, codes: Collection[str]) -> Mapping[str, OwnedThing]:
        """Return those of the codes that exist."""

    def list_live_codes(self) -> Collection[str]:
        """Return the codes of everything of the kind that needs an owner."""


@runtime_checkable
class MadeThings(OwnedThings, Protocol):
    """A kind of thing that was made before anybody had to answer for it: who made it does, where nobody is named."""

    def find_makers(self, codes: Collection[str]) -> Mapping[str, str]:
        """Return by whose code each of the things was made."""


@dataclass(frozen=True, slots=True)
class OwnedRow:
    """One line of a person's belongings."""

    ownership: Ownership
    kind_name: LazyText
    thing: OwnedThing


class OwnershipGuard(Protocol):
    """An upper domain's say before somebody else answers for a thing; registered in `wiring.py`."""

    def __call__(self, present: Ownership, owner: Person) -> None:
        """Raise a `DomainError` where the thing must not go to this owner now."""


class AcceptedOrphans(Protocol):
    """What may be left without an owner when somebody goes; registered in `wiring.py` by the domain that knows."""

    def things(self, person: Person) -> Collection[tuple[str, str]]:
        """Return kind and code of what others have accepted to have no owner."""

    def href(self, person: Person) -> str:
        """Return where it is accepted."""

    def accepting(self, owner_ids: Collection[int]) -> Mapping[tuple[str, str], Sequence[Person]]:
        """Return kind and code of what these people (row numbers) left → who accepted it."""


class LentThings(Protocol):
    """What is with a stand-in for some days and goes back; registered in `wiring.py` by the domain that knows."""

    def about(self, person: Person) -> tuple[Sequence[Ownership], Collection[tuple[str, str]]]:
        """Return what the person has lent, by the rows by which others answer for it, and what is with her to go back.

        The latter by kind and code.
        """


_lent: list[LentThings] = []
_kinds: dict[str, OwnedThings] = {}
_guards: list[OwnershipGuard] = []
_accepted: list[AcceptedOrphans] = []


def register_kind(things: OwnedThings) -> None:
    """Make a kind of thing known."""
    _kinds[things.kind] = things


def register_guard(guard: OwnershipGuard) -> None:
    """Ask this guard before a thing gets another owner; registering twice changes nothing."""
    if guard not in _guards:
        _guards.append(guard)


def register_accepted_orphans(accepted: AcceptedOrphans) -> None:
    """Ask this one what may be left without an owner."""
    _accepted[:] = [accepted]


def register_lent(lent: LentThings) -> None:
    """Ask this one what is with somebody for some days only."""
    _lent[:] = [lent]


def accepting(owner_ids: Collection[int]) -> Mapping[tuple[str, str], Sequence[Person]]:
    """Return kind and code of what these people (row numbers) left without an owner → who accepted that by name."""
    return _accepted[0].accepting(owner_ids) if _accepted and owner_ids else {}


def kinds() -> dict[str, OwnedThings]:
    """Return the registered kinds by name."""
    return dict(_kinds)


def set_owner(
    *,
    kind: str,
    code: str,
    owner: Person,
    deputy: Person | None = None,
    team: Team | _Kept | None = KEPT,
    by: Person | None,
    past_guards: bool = False,
    within: tuple[str, str] | None = None,
) -> Ownership:
    """Say who answers for a thing from now on, and who stands in; saying the same again changes nothing.

    To the leads of `team` it falls when neither is there any more; a team that is not named stays as it is.
    `past_guards`: without asking those who may keep a thing from getting another owner. `within` names kind and code of
    what it is done by, for the journal. Raises `OwnershipUnchanged`, and what the guards raise.
    """
    if not owner.is_active or (deputy is not None and (deputy.id == owner.id or not deputy.is_active)):
        raise errors.OwnershipUnchanged()
    present = queries.find_owner(kind, code)
    deputy_id = deputy.id if deputy else None
    team_before = present.team if present else None
    falls_to = team_before if team is KEPT else team
    wanted = (owner.id, deputy_id, falls_to.id if falls_to else None)
    if present is not None and (present.owner_id, present.deputy_id, present.team_id) == wanted:
        return present
    if present is not None and present.owner_id != owner.id and not past_guards:
        for guard in _guards:
            guard(present, owner)
    named = {owner.id} if deputy_id is None else {owner.id, deputy_id}
    if queries.hold_active(named) != named:
        raise errors.OwnershipUnchanged()
    row = Ownership(
        kind=kind,
        thing_code=code,
        owner=owner,
        deputy=deputy,
        team=falls_to,
        since=clock.now(),
        set_by=by.code if by else "system",
    )
    session.add(row)
    session.flush()
    record(
        "accounts.owner_set",
        by=by,
        subject=(kind, code),
        before=_facts(present.owner, present.deputy, team_before) if present else None,
        after=_facts(owner, deputy, falls_to) | (dict([within]) if within is not None else {}),
    )
    publish(OwnerChanged(kind=kind, code=code, owner_id=owner.id, deputy_id=deputy_id))
    return row


def _facts(owner: Person, deputy: Person | None, team: Team | None) -> dict[str, str | None]:
    facts = {"owner": owner.code, "deputy": deputy.code if deputy else None}
    return {**facts, "team": team.code} if team else facts


def why_held(present: Ownership | None) -> errors.OwnerHeld | None:
    """Return what keeps a thing from getting another owner now, so that nobody is offered it."""
    if present is None:
        return None
    try:
        for guard in _guards:
            guard(present, present.owner)
    except errors.OwnerHeld as held:
        return held
    return None


def set_owner_of_file(
    folder: ContentFolder,
    path: str,
    line: int,
    *,
    kind: str,
    code: str,
    owner: Person,
    deputy: Person | None,
    by: Person,
) -> Ownership | None:
    """Do the same for whoever a file of a content folder names; what keeps it from being so is a finding of the file.

    Returns what holds then.
    """
    try:
        return set_owner(kind=kind, code=code, owner=owner, deputy=deputy, by=by)
    except errors.OwnerHeld as refused:
        folder.error(
            path, line, str(refused), _("Name the present owner in the file until then: %(href)s", href=refused.href)
        )
        return queries.find_owner(kind, code)


def find_things(things: Iterable[tuple[str, str]]) -> dict[tuple[str, str], OwnedThing]:
    """Return things by kind and code, one query a kind; what no kind knows is left out."""
    by_kind: dict[str, set[str]] = {}
    for kind, code in things:
        by_kind.setdefault(kind, set()).add(code)
    return {
        (kind, code): thing
        for kind, codes in by_kind.items()
        if kind in _kinds
        for code, thing in _kinds[kind].find_things(codes).items()
    }


def find_titled(things: Collection[tuple[str, str]]) -> dict[tuple[str, str], tuple[OwnedThing, Words]]:
    """Return things by kind and code, each with what it is called in both languages; what no kind knows is left out."""
    found = {}
    for language in LANGUAGES:
        with force_locale(language):
            found[language] = find_things(things)
    english, japanese = found["en"], found["ja"]
    return {key: (thing, Words(thing.title, japanese[key].title)) for key, thing in english.items() if key in japanese}


def list_belongings(person: Person, *, as_deputy: bool = False) -> list[OwnedRow]:
    """Return what the person answers for (or stands in for), with titles, one query a kind."""
    return _rows(queries.list_owned(person, as_deputy=as_deputy))


def list_own(person: Person) -> list[OwnedRow]:
    """Return what is the person's to answer for in the long run: with what she has lent, without what was lent to her.

    The ownership of what she has lent names whoever stands in.
    """
    found = [each.about(person) for each in _lent]
    others = {thing for _away, borrowed in found for thing in borrowed}
    rows = [*queries.list_owned(person), *(row for away, _borrowed in found for row in away)]
    return _rows([row for row in rows if (row.kind, row.thing_code) not in others])


def _rows(rows: Sequence[Ownership]) -> list[OwnedRow]:
    found = find_things((row.kind, row.thing_code) for row in rows)
    shown = []
    for row in rows:
        # A kind that nobody has registered is shown by its code rather than not at all.
        thing = found.get((row.kind, row.thing_code)) if row.kind in _kinds else OwnedThing(row.thing_code, None)
        if thing is not None:
            shown.append(OwnedRow(row, _kinds[row.kind].name if row.kind in _kinds else row.kind, thing))
    return shown


def live_of(person: Person) -> list[tuple[str, str]]:
    """Return kind and code of everything live that the person answers for."""
    return [(row.ownership.kind, row.ownership.thing_code) for row in list_own(person) if row.thing.is_live]


def name_makers() -> int:
    """Let who made a thing answer for it where nobody does and she is still here; return for how many that is so."""
    named = 0
    for kind, things in sorted(_kinds.items()):
        if not isinstance(things, MadeThings):
            continue
        codes = set(things.list_live_codes())
        without = codes - queries.find_owners(kind, codes).keys()
        makers = things.find_makers(without)
        people = {each.code: each for each in queries.list_people_of(set(makers.values()))}
        for code in sorted(without):
            maker = people.get(makers.get(code, ""))
            if maker is not None and maker.is_active:
                set_owner(kind=kind, code=code, owner=maker, by=None)
                named += 1
    return named


def pass_on(*, person: Person, to: Person, by: Person) -> int:
    """Make somebody else the owner of everything live that the person answers for; return how many things."""
    if to.id == person.id or not to.is_active:
        raise errors.OwnershipUnchanged()
    passed = 0
    for row in list_own(person):
        if row.thing.is_live:
            deputy = row.ownership.deputy
            keep = deputy if deputy is not None and deputy.id != to.id and deputy.is_active else None
            set_owner(kind=row.ownership.kind, code=row.ownership.thing_code, owner=to, deputy=keep, by=by)
            passed += 1
    return passed


def owners_stay(person: Person) -> list[Obstacle]:
    """Return the obstacle that the person still answers for something live (a `DeactivationGuard`).

    What others have accepted by name to have no owner does not stand in the way.
    """
    live = [row for row in list_own(person) if row.thing.is_live]
    if not live:
        return []
    accepted = {thing for each in _accepted for thing in each.things(person)}
    live = [row for row in live if (row.ownership.kind, row.ownership.thing_code) not in accepted]
    if not live:
        return []
    titles = ", ".join(row.thing.title for row in live[:5])
    more = " …" if len(live) > 5 else ""
    return [
        Obstacle(
            ngettext(
                "%(num)d thing needs another owner first: %(titles)s",
                "%(num)d things need another owner first: %(titles)s",
                len(live),
                titles=f"{titles}{more}",
            ),
            next((each.href(person) for each in _accepted), None),
        )
    ]

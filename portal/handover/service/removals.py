"""Taking out a text for good, because it holds a secret or what is private: one asks, another confirms or declines.

As soon as it is asked nobody else reads the text; withdrawn or declined, it stands where it stood. What can be taken
out stands in its own row and never in the journal, which keeps what it was told.
"""

from __future__ import annotations

from collections.abc import Sequence

from portal.accounts import queries as accounts
from portal.accounts.models import Person
from portal.core import clock
from portal.core.access import Permission, allows
from portal.core.db import session
from portal.core.mail import send_later
from portal.handover.errors import RemovalAsked, RemovalByTwo, RemovalDecided, RemovedAlready
from portal.handover.models import HandoverItem, ItemDecision, ItemEvidence, OrphanAcceptance, StandIn
from portal.handover.permissions import ACCEPT_ORPHANS, REMOVE_TEXT, SEE_REASON, SEE_STAND_IN
from portal.handover.queries import handovers, orphans, stand_ins
from portal.handover.service.leading import leads_of_person
from portal.handover.service.wording import checked_reason
from portal.journal.service import record

Row = ItemEvidence | ItemDecision | StandIn | OrphanAcceptance
# What of a row is text; the reason why a stand-in cannot is missing where she can.
_TEXTS: dict[type[Row], tuple[str, ...]] = {
    ItemEvidence: ("words", "link"),
    ItemDecision: ("reason",),
    StandIn: ("ongoing", "places", "trouble", "decline_reason"),
    OrphanAcceptance: ("reason",),
}


def ask(*, row: Row, reason: str, by: Person) -> None:
    """Ask that the text be taken out. Raises `ReasonMissing`, `LooksSecret`, `RemovedAlready`, `RemovalAsked`."""
    said = checked_reason(reason)
    locked = _lock(row)
    left = [each for each in locked if each.removed_at is None]
    if not left:
        raise RemovedAlready()
    left = [each for each in left if each.removal_asked_at is None]
    if not left:
        raise RemovalAsked()
    asked_at = clock.now()
    for each in left:
        each.removal_asked_at, each.removal_asked_by, each.removal_reason = asked_at, by.code, said
    session.flush()
    record("handover.removal_asked", by=by, subject=_subject(row), reason=said)
    kind, code = _named(row)
    for lead in leads_of_person(_giver(row)):
        if lead.id != by.id:
            send_later(
                "handover.removal_asked",
                {"kind": kind, "code": code, "to": lead.code},
                effect_key=f"handover.removal_asked:{kind}:{code}:{left[-1].id}:{asked_at.isoformat()}:{lead.code}",
            )


def confirm(*, row: Row, by: Person) -> None:
    """Take the text out: what is left says that something stood there, who took it out and why.

    Raises `RemovedAlready`, and `RemovalByTwo` where nobody else has asked.
    """
    left = [each for each in _lock(row) if each.removed_at is None]
    if not left:
        raise RemovedAlready()
    asked = [each for each in left if each.removal_asked_by not in (None, by.code)]
    if not asked:
        raise RemovalByTwo()
    for each in asked:
        for name in _TEXTS[type(each)]:
            if getattr(each, name) is not None:
                setattr(each, name, "")
        each.removed_at, each.removed_by = clock.now(), by.code
    session.flush()
    record("handover.removed", by=by, subject=_subject(row), reason=asked[0].removal_reason)


def drop(*, row: Row, by: Person) -> bool:
    """Let the text stand where it stood: whoever asked withdraws it, another declines it.

    Return whether it was her own request. Raises `RemovalDecided` where nothing waits.
    """
    asked = [each for each in _lock(row) if each.is_held]
    if not asked:
        raise RemovalDecided()
    is_own = all(each.removal_asked_by == by.code for each in asked)
    for each in asked:
        each.removal_asked_at = each.removal_asked_by = each.removal_reason = None
    session.flush()
    if is_own:
        record("handover.removal_withdrawn", by=by, subject=_subject(row))
    else:
        record("handover.removal_declined", by=by, subject=_subject(row))
    return is_own


def held_for(person: Person, row: Row) -> list[str]:
    """Return the texts that wait to be taken out, for whoever asked or can confirm, and reads what it is about."""
    if not row.is_held or not _reads(person, row):
        return []
    return [text for name in _TEXTS[type(row)] if (text := getattr(row, name))]


def _reads(person: Person, row: Row) -> bool:
    if isinstance(row, OrphanAcceptance):
        return allows(person, ACCEPT_ORPHANS, row.person)
    if isinstance(row, StandIn):
        return allows(person, SEE_STAND_IN, row)
    # Of what others did and said a successor sees nothing.
    return row.successor_id == person.id or allows(person, SEE_REASON, row.item.handover)


def find_row(kind: str, code: str) -> Row | None:
    """Return what is to be taken out, as a mail names it: of an acceptance, the first one that is not done."""
    if kind == "evidence":
        return handovers.find_evidence_by_code(code)
    if kind == "stand_in":
        return stand_ins.find_stand_ins([code]).get(code)
    first, _colon, second = code.partition(":")
    if kind == "refusal":
        item = handovers.find_items([first]).get(first)
        return find_refusal(item, int(second)) if item is not None else None
    person, accepter = accounts.find_person(first), accounts.find_person(second)
    return find_acceptance(person, accepter) if person is not None and accepter is not None else None


def find_refusal(item: HandoverItem, number: int) -> ItemDecision | None:
    """Return what was said about an item, the first one by 1, where it has a reason."""
    said = handovers.get_course(item).decisions
    found = said[number - 1] if 0 < number <= len(said) else None
    return found if found is not None and (found.reason or found.removed_at is not None) else None


def find_acceptance(person: Person, accepter: Person) -> OrphanAcceptance | None:
    """Return what somebody wrote when she accepted that things of a person have no owner; all of it goes at once."""
    found = orphans.list_by(person.id, accepter.id)
    return next((each for each in found if each.removed_at is None), found[-1] if found else None)


def about(row: Row) -> tuple[Permission, HandoverItem | StandIn | Person]:
    """Return who may take it out: which permission, on what."""
    if isinstance(row, OrphanAcceptance):
        return ACCEPT_ORPHANS, row.person
    return REMOVE_TEXT, row if isinstance(row, StandIn) else row.item


def _lock(row: Row) -> Sequence[Row]:
    if isinstance(row, ItemEvidence):
        return [handovers.lock_evidence(row.id)]
    if isinstance(row, ItemDecision):
        return [handovers.lock_decision(row.id)]
    if isinstance(row, OrphanAcceptance):
        return orphans.lock_by(row.person_id, row.accepted_by_id)
    found = stand_ins.lock_stand_in(row.id)
    session.refresh(found)
    return [found]


def _giver(row: Row) -> Person:
    return row.person if isinstance(row, StandIn | OrphanAcceptance) else row.item.handover.person


def _subject(row: Row) -> tuple[str, str]:
    if isinstance(row, StandIn):
        return "stand_in", row.code
    return ("person", row.person.code) if isinstance(row, OrphanAcceptance) else ("handover_item", row.item.code)


def _named(row: Row) -> tuple[str, str]:
    if isinstance(row, ItemDecision):
        said = [each.id for each in handovers.get_course(row.item).decisions]
        return "refusal", f"{row.item.code}:{said.index(row.id) + 1}"
    if isinstance(row, OrphanAcceptance):
        return "orphans", f"{row.person.code}:{row.accepted_by.code}"
    return ("evidence" if isinstance(row, ItemEvidence) else "stand_in"), row.code

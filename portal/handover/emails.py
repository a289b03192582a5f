"""The mails of handovers and stand-ins: what is to be taken over, what was refused, for whom somebody stands in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from portal.accounts import queries as accounts
from portal.accounts.models import Person
from portal.accounts.service.owner_needs import MOST_NAMED, find_lacking, roles_of, titles_of
from portal.accounts.service.ownership import kinds
from portal.accounts.service.recipients import describe_mail
from portal.core.access import allows
from portal.core.i18n import LazyText, force_locale, format_date, pgettext
from portal.core.i18n import lazy_gettext as _l
from portal.core.jobs import Description
from portal.core.mail import Email, email
from portal.core.web import public_url
from portal.handover.models import Handover, HandoverItem, StandIn
from portal.handover.permissions import SEE_ITEM, SEE_STAND_IN
from portal.handover.queries import handovers as queries
from portal.handover.queries import stand_ins
from portal.handover.queries.stand_ins import find_stand_ins
from portal.handover.rules import ItemState
from portal.handover.service import removals
from portal.handover.service import stand_ins as standing_in
from portal.handover.service.inventory import Thing
from portal.handover.service.standing import is_real, standing_of, title_of
from portal.handover.service.telling import Event

_REMOVAL = _l("Mail: a text is to be taken out")
_TOLD = _l("Mail: what has become of a handover")
_ASSIGNED, _REFUSED = _l("Mail: something is to be taken over"), _l("Mail: something was refused in a handover")
_DROPPED = _l("Mail: something is not to be taken over any more")
_SUCCESSOR_GONE = _l("Mail: a successor has gone, or has lost a role")
_ROLE_MISSING = _l("Mail: a successor lacks a role")
_STAND_IN = _l("Mail: standing in for somebody")
_STAND_IN_PLANNED = _l("Mail: a stand-in was planned")
_STAND_IN_ENDED = _l("Mail: a stand-in has ended")
_STAND_IN_DECLINED = _l("Mail: a stand-in cannot")


def _describe_assigned(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    found = [queries.find_assignment(each["assignment"]) for each in arguments]
    return [describe_mail(_ASSIGNED, each.successor if each is not None else None) for each in found]


def _describe_to(what: LazyText, arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    people = {each.code: each for each in accounts.list_people_of([each["to"] for each in arguments])}
    return [describe_mail(what, people.get(each["to"])) for each in arguments]


def _describe_refused(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    return _describe_to(_REFUSED, arguments)


def _describe_stand_ins(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    found = find_stand_ins([each["code"] for each in arguments])
    return [
        describe_mail(_STAND_IN, found[each["code"]].stand_in if each["code"] in found else None) for each in arguments
    ]


@email("handover.assigned", describe=_describe_assigned)
def assigned(assignment: int, things: int) -> Email | None:
    """Tell a successor what she is to take over; nothing where it is another's again, or over."""
    row = queries.find_assignment(assignment)
    if row is None or row.successor is None or not row.successor.is_active or not row.item.handover.is_open:
        return None
    if not _is_still_hers(row.item, row.successor):
        return None
    handover, to = row.item.handover, row.successor
    with force_locale(to.language):
        last_on = format_date(handover.last_on)
    return _mail(
        to,
        "assigned",
        things=things,
        is_real=is_real(handover),
        giver=handover.person.name_in(to.language),
        last_on=last_on,
        href=public_url("handover.handover", code=handover.code),
    )


def _is_still_hers(item: HandoverItem, person: Person) -> bool:
    successor = queries.get_course(item).successor
    return successor is not None and successor.id == person.id


def _describe_told(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    return _describe_to(_TOLD, arguments)


@email("handover.told", describe=_describe_told)
def told(handover: str, event: str, to: str, number: int) -> Email | None:
    """Tell somebody what has become of a handover; nothing where that is not true any more."""
    found, reader = queries.find_handovers([handover]).get(handover), accounts.find_person(to)
    if found is None or reader is None or not reader.is_active:
        return None
    what = Event(event)
    if what in (Event.BEGUN, Event.DAY_MOVED) and not found.is_open:
        return None
    if what is Event.DAY_MOVED and found.days[-1].id != number:
        # It was moved again: another mail says so.
        return None
    with force_locale(reader.language):
        titles = _titles_of(found, reader, what)
        last_on = format_date(found.last_on)
        before = format_date(found.days[-2].last_on) if what is Event.DAY_MOVED else ""
    return _mail(
        reader,
        "told",
        event=what.value,
        is_giver=reader.id == found.person_id,
        is_real=is_real(found),
        giver=found.person.name_in(reader.language),
        by=_who_did(found, what, reader.language),
        last_on=last_on,
        before=before,
        titles=titles,
        href=public_url("handover.handover", code=found.code),
    )


def _who_did(found: Handover, what: Event, language: str) -> str:
    by = {
        Event.BEGUN: found.begun_by,
        Event.CLOSED: found.closed_by,
        Event.CALLED_OFF: found.called_off_by,
    }.get(what)
    return by.name_in(language) if by is not None else ""


def _titles_of(found: Handover, reader: Person, what: Event) -> str:
    """Name what moved to the reader, or back from her; of whoever hands over, all that moved."""
    if what not in (Event.CLOSED, Event.HANDED_BACK):
        return ""
    accepted = standing_of(found).of(ItemState.ACCEPTED)
    hers = [each for each in accepted if found.person_id == reader.id or each.successor == reader]
    named = pgettext("list", ", ").join(each.title for each in hers[:MOST_NAMED])
    return f"{named} …" if len(hers) > MOST_NAMED else str(named)


def _describe_removal(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    return _describe_to(_REMOVAL, arguments)


@email("handover.removal_asked", describe=_describe_removal)
def removal_asked(kind: str, code: str, to: str) -> Email | None:
    """Ask somebody to confirm that a text is taken out; nothing once it is."""
    reader, row = accounts.find_person(to), removals.find_row(kind, code)
    if row is None or row.removed_at is not None or reader is None or not reader.is_active:
        return None
    asker = accounts.find_person(row.removal_asked_by or "")
    if asker is None or not allows(reader, *removals.about(row)):
        return None
    return _mail(
        reader,
        "removal_asked",
        asker=asker.name_in(reader.language),
        reason=row.removal_reason,
        href=_removed_at(kind, code),
    )


def _removed_at(kind: str, code: str) -> str:
    """Return the address of the page on which a text is taken out."""
    first, _colon, second = code.partition(":")
    if kind == "evidence":
        row = queries.find_evidence_by_code(code)
        assert row is not None
        return public_url("handover.remove_evidence", item=row.item.code, evidence=code)
    if kind == "refusal":
        return public_url("handover.remove_refusal", item=first, number=int(second))
    if kind == "orphans":
        return public_url("handover.remove_orphan_reasons", code=first, accepter=second)
    return public_url("handover.remove_stand_in_texts", code=code)


def _describe_dropped(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    return _describe_to(_DROPPED, arguments)


@email("handover.dropped", describe=_describe_dropped)
def dropped(assignments: list[int], to: str) -> Email | None:
    """Tell somebody that she is not to take something over any more; nothing of what is hers again."""
    reader = accounts.find_person(to)
    found = [row for each in assignments if (row := queries.find_assignment(each)) is not None]
    rows = [row for row in found if row.item.handover.is_open]
    if reader is None or not reader.is_active:
        return None
    rows = [row for row in rows if not _is_still_hers(row.item, reader)]
    if not rows:
        return None
    with force_locale(reader.language):
        titles = _named(sorted(title_of(row.item) for row in rows))
    return _mail(
        reader,
        "dropped",
        titles=titles,
        things=len(rows),
        giver=rows[0].item.handover.person.name_in(reader.language),
        is_real=is_real(rows[0].item.handover),
        href=public_url("handover.handover", code=rows[0].item.handover.code),
    )


def _describe_successor_gone(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    return _describe_to(_SUCCESSOR_GONE, arguments)


@email("handover.successor_gone", describe=_describe_successor_gone)
def successor_gone(assignments: list[int], why: str, to: str) -> Email | None:
    """Tell a lead that a successor has gone, or has lost a role; nothing of what is another's, or well again."""
    lead = accounts.find_person(to)
    rows = [row for each in assignments if (row := queries.find_assignment(each)) is not None]
    rows = [row for row in rows if row.item.handover.is_open]
    found = [(row, row.successor) for row in rows if row.successor and _is_still_hers(row.item, row.successor)]
    if lead is None or not lead.is_active or not found:
        return None
    handover, successor = found[0][0].item.handover, found[0][1]
    if (why == "left") == successor.is_active or not allows(lead, SEE_ITEM, found[0][0].item):
        return None
    with force_locale(lead.language):
        lacking = find_lacking(successor, [(row.item.kind, row.item.thing_code) for row, _who in found])
        titles = titles_of(lacking) if why == "role" else _named(sorted(title_of(row.item) for row, _who in found))
        roles = roles_of(lacking)
    if why == "role" and not lacking:
        return None
    return _mail(
        lead,
        "successor_gone",
        why=why,
        titles=titles,
        roles=roles,
        giver=handover.person.name_in(lead.language),
        successor=successor.name_in(lead.language),
        href=public_url("handover.handover", code=handover.code),
    )


def _named(titles: Sequence[str]) -> str:
    named = pgettext("list", ", ").join(titles[:MOST_NAMED])
    return f"{named} …" if len(titles) > MOST_NAMED else str(named)


@email("handover.refused", describe=_describe_refused)
def refused(decision: int, to: str) -> Email | None:
    """Tell a lead that somebody does not take something over; nothing once somebody else is to."""
    row, lead = queries.find_decision(decision), accounts.find_person(to)
    if row is None or lead is None or not lead.is_active or not row.item.handover.is_open:
        return None
    latest = queries.get_course(row.item).decision
    if latest is None or latest.id != row.id or not allows(lead, SEE_ITEM, row.item):
        return None
    with force_locale(lead.language):
        title = title_of(row.item)
    return _mail(
        lead,
        "refused",
        title=title,
        is_real=is_real(row.item.handover),
        giver=row.item.handover.person.name_in(lead.language),
        successor=row.successor.name_in(lead.language),
        reason=row.told("reason"),
        href=public_url("handover.item", item=row.item.code),
    )


def _describe_role_missing(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    return _describe_to(_ROLE_MISSING, arguments)


@email("handover.role_missing", describe=_describe_role_missing)
def role_missing(assignments: list[int], to: str) -> Email | None:
    """Ask an administrator for the role that a successor lacks; nothing where she has it by now, or is none now."""
    admin = accounts.find_person(to)
    rows = [queries.find_assignment(each) for each in assignments]
    asked = [
        row
        for row in rows
        if row is not None
        and row.successor is not None
        and row.item.handover.is_open
        and _is_still_hers(row.item, row.successor)
    ]
    if admin is None or not admin.is_active or not asked:
        return None
    first = asked[0]
    successor = first.successor
    assert successor is not None
    with force_locale(admin.language):
        lacking = find_lacking(successor, [(row.item.kind, row.item.thing_code) for row in asked])
        titles, roles = titles_of(lacking), roles_of(lacking)
    if not lacking or not successor.is_active:
        return None
    return _mail(
        admin,
        "role_missing",
        successor=successor.name_in(admin.language),
        giver=first.item.handover.person.name_in(admin.language),
        titles=titles,
        roles=roles,
        href=public_url("accounts.show_person", code=successor.code),
    )


@email("handover.stand_in", describe=_describe_stand_ins)
def stand_in(code: str) -> Email | None:
    """Tell somebody for whom she stands in, from when to when; nothing where it was called off."""
    row: StandIn | None = stand_ins.find_stand_ins([code]).get(code)
    if row is None or row.ended_at is not None or not row.stand_in.is_active:
        return None
    to = row.stand_in
    with force_locale(to.language):
        first_on, last_on = format_date(row.first_on), format_date(row.last_on)
        moving, stays = standing_in.going_over(row)
        moves = _by_kind(moving)
    return _mail(
        to,
        "stand_in",
        moving=len(moving),
        moves=moves,
        stays=len(stays),
        person=row.person.name_in(to.language),
        first_on=first_on,
        last_on=last_on,
        href=public_url("handover.stand_in", code=row.code),
    )


def _by_kind(things: Sequence[Thing]) -> str:
    """Say how many of each kind there are, in the reader's words."""
    registered = kinds()
    count = Counter(str(registered[kind].name) if kind in registered else kind for kind, _code in things)
    return str(pgettext("list", ", ")).join(
        str(pgettext("number of a kind", "%(kind)s (%(num)s)", kind=kind, num=count[kind])) for kind in sorted(count)
    )


def _describe_stand_in_planned(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    return _describe_to(_STAND_IN_PLANNED, arguments)


@email("handover.stand_in_planned", describe=_describe_stand_in_planned)
def stand_in_planned(code: str, to: str) -> Email | None:
    """Tell whoever is to be away that a stand-in was planned for her; nothing where it was called off."""
    row, reader = stand_ins.find_stand_ins([code]).get(code), accounts.find_person(to)
    if row is None or row.ended_at is not None or reader is None or not reader.is_active:
        return None
    with force_locale(reader.language):
        first_on, last_on = format_date(row.first_on), format_date(row.last_on)
        moving, stays = standing_in.going_over(row)
    return _mail(
        reader,
        "stand_in_planned",
        stand_in=row.stand_in.name_in(reader.language),
        first_on=first_on,
        last_on=last_on,
        moving=len(moving),
        stays=len(stays),
        href=public_url("handover.stand_in", code=row.code),
    )


def _describe_stand_in_ended(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    return _describe_to(_STAND_IN_ENDED, arguments)


@email("handover.stand_in_ended", describe=_describe_stand_in_ended)
def stand_in_ended(code: str, to: str, things: int, gone: str) -> Email | None:
    """Tell somebody that a stand-in is over or was called off, why, and with whom the things are now."""
    row, reader = stand_ins.find_stand_ins([code]).get(code), accounts.find_person(to)
    if row is None or row.ended_at is None or reader is None or not reader.is_active:
        return None
    with force_locale(reader.language):
        first_on, last_on = format_date(row.first_on), format_date(row.last_on)
    return _mail(
        reader,
        "stand_in_ended",
        person=row.person.name_in(reader.language),
        stand_in=row.stand_in.name_in(reader.language),
        first_on=first_on,
        last_on=last_on,
        has_begun=row.begun_at is not None,
        gone=gone,
        things=things,
        href=public_url("handover.stand_in", code=row.code),
    )


def _describe_stand_in_declined(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    return _describe_to(_STAND_IN_DECLINED, arguments)


@email("handover.stand_in_declined", describe=_describe_stand_in_declined)
def stand_in_declined(code: str, to: str) -> Email | None:
    """Tell who leads, and who is away, that a stand-in cannot; nothing once it is over or another was named."""
    row, reader = stand_ins.find_stand_ins([code]).get(code), accounts.find_person(to)
    if row is None or row.ended_at is not None or reader is None or not reader.is_active:
        return None
    if not allows(reader, SEE_STAND_IN, row):
        return None
    with force_locale(reader.language):
        first_on, last_on = format_date(row.first_on), format_date(row.last_on)
    return _mail(
        reader,
        "stand_in_declined",
        person=row.person.name_in(reader.language),
        stand_in=row.stand_in.name_in(reader.language),
        first_on=first_on,
        last_on=last_on,
        has_begun=row.begun_at is not None,
        reason=row.told("decline_reason"),
        href=public_url("handover.stand_in", code=row.code),
    )


def _mail(to: Person, template: str, **values: Any) -> Email:
    return Email(
        template=f"handover/emails/{template}",
        to_address=to.sign_in_name,
        to_name=to.name_in(to.language),
        salutation=to.addressed_in(to.language),
        language=to.language,
        values=values,
    )

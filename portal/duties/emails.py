"""The mails of duties: who answers for a thing, what is critical no more, which text of a card is to be taken out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from portal.accounts import queries as accounts
from portal.accounts.service import ownership
from portal.accounts.service.recipients import describe_mail
from portal.core.access import allows
from portal.core.errors import NotFound
from portal.core.i18n import LazyText, force_locale
from portal.core.i18n import lazy_gettext as _l
from portal.core.jobs import Description
from portal.core.mail import Email, email
from portal.core.web import public_url
from portal.duties.permissions import WEIGH_CRITICALITY
from portal.duties.queries.cards import find_judgement, find_removal, list_judgements_of
from portal.duties.service.cards import get_carded
from portal.duties.service.criticality import CRITICALITY_NAMES
from portal.duties.service.removals import may_decide, name_of_part
from portal.duties.service.responsibilities import get_thing

_CHANGED = _l("Mail: somebody answers for something, or no longer")
_LOWERED = _l("Mail: something is critical no more")
_REMOVAL = _l("Mail: a text of a card waits to be taken out")
OWNER, DEPUTY, FORMER = "owner", "deputy", "former"


def _describe(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    return _describe_to(_CHANGED, arguments)


def _describe_to(what: LazyText, arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    people = {each.code: each for each in accounts.list_people_of([each["to"] for each in arguments])}
    return [describe_mail(what, people.get(each["to"])) for each in arguments]


@email("duties.owner_changed", describe=_describe)
def owner_changed(ownership_id: int, to: str, part: str) -> Email | None:
    """Tell somebody that she answers for a thing now, stands in, or does not answer for it any more.

    Nothing where it is another's again.
    """
    row, person = accounts.find_ownership(ownership_id), accounts.find_person(to)
    if row is None or person is None or not person.is_active:
        return None
    latest = accounts.find_owner(row.kind, row.thing_code)
    if latest is None or latest.id != row.id:
        return None
    titled = ownership.find_titled([(row.kind, row.thing_code)]).get((row.kind, row.thing_code))
    if titled is None or not titled[0].is_live:
        return None
    by = accounts.find_person(row.set_by)
    return Email(
        template="duties/emails/owner_changed",
        to_address=person.sign_in_name,
        to_name=person.name_in(person.language),
        salutation=person.addressed_in(person.language),
        language=person.language,
        values={
            "part": part,
            "title": titled[1].in_(person.language),
            "owner": row.owner.name_in(person.language),
            "by": by.name_in(person.language) if by is not None else "",
            "href": public_url("duties.of_person", code=person.code)
            if part == FORMER
            else public_url("duties.name_owners", kind=row.kind, code=row.thing_code),
        },
    )


def _describe_lowered(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    return _describe_to(_LOWERED, arguments)


@email("duties.criticality_lowered", describe=_describe_lowered)
def criticality_lowered(judgement_id: int, to: str) -> Email | None:
    """Tell a lead that somebody else has judged that a thing is critical no more; nothing once it is judged anew."""
    row, lead = find_judgement(judgement_id), accounts.find_person(to)
    if row is None or lead is None or not lead.is_active:
        return None
    latest = next((each for each in list_judgements_of(row.kind, row.thing_code) if not each.is_proposal), None)
    try:
        thing = get_thing(row.kind, row.thing_code)
    except NotFound:
        return None
    if latest is None or latest.id != row.id or not allows(lead, WEIGH_CRITICALITY, thing):
        return None
    by = accounts.find_person(row.set_by)
    titled = ownership.find_titled([(row.kind, row.thing_code)])[row.kind, row.thing_code]
    with force_locale(lead.language):
        criticality = str(CRITICALITY_NAMES[row.criticality])
    return Email(
        template="duties/emails/criticality_lowered",
        to_address=lead.sign_in_name,
        to_name=lead.name_in(lead.language),
        salutation=lead.addressed_in(lead.language),
        language=lead.language,
        values={
            "title": titled[1].in_(lead.language),
            "criticality": criticality,
            "reason": row.reason,
            "by": by.name_in(lead.language) if by is not None else row.set_by,
            "href": public_url("duties.judge_criticality", kind=row.kind, thing=row.thing_code),
        },
    )


def _describe_removal(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    people = {each.code: each for each in accounts.list_people_of([each["to"] for each in arguments])}
    return [describe_mail(_REMOVAL, people.get(each["to"])) for each in arguments]


@email("duties.removal_asked", describe=_describe_removal)
def removal_asked(code: str, to: str) -> Email | None:
    """Ask somebody to confirm, or decline, that a text of a card is taken out; nothing once it is decided."""
    row, person = find_removal(code), accounts.find_person(to)
    if row is None or person is None or not person.is_active:
        return None
    try:
        subject = get_carded(row.card.kind, row.card.thing_code)
    except NotFound:
        return None
    if not may_decide(person, row, subject):
        return None
    titled = ownership.find_titled([(subject.kind, subject.code)])[subject.kind, subject.code]
    with force_locale(person.language):
        part = str(name_of_part(row.part))
    return Email(
        template="duties/emails/removal_asked",
        to_address=person.sign_in_name,
        to_name=person.name_in(person.language),
        salutation=person.addressed_in(person.language),
        language=person.language,
        values={
            "title": titled[1].in_(person.language),
            "part": part,
            "asker": row.asked_by.name_in(person.language),
            "reason": row.reason,
            "href": public_url("duties.removal", code=row.code, kind=subject.kind, thing=subject.code),
        },
    )

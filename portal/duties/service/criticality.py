"""Judging how much it matters that a thing goes on; whoever answers for it proposes, somebody else judges."""

from __future__ import annotations

from portal.accounts import queries as accounts
from portal.accounts.models import Person, Role
from portal.core import clock
from portal.core.db import session
from portal.core.i18n import LazyText, lazy_pgettext
from portal.core.mail import send_later
from portal.duties import queries
from portal.duties.errors import CriticalityChanged, NoSuchThing, NothingChanged
from portal.duties.models import ThingCriticality
from portal.duties.permissions import is_led
from portal.duties.queries.cards import list_judgements_of
from portal.duties.rules import DEFAULT_CRITICALITY, Criticality
from portal.duties.service.responsibilities import get_thing
from portal.duties.service.wording import checked_reason
from portal.journal.service import record

CRITICALITY_NAMES: dict[Criticality, LazyText] = {
    Criticality.LOW: lazy_pgettext("criticality", "Low"),
    Criticality.NORMAL: lazy_pgettext("criticality", "Normal"),
    Criticality.HIGH: lazy_pgettext("criticality", "High"),
    Criticality.CRITICAL: lazy_pgettext("criticality", "Critical"),
}


def set_criticality(
    *, kind: str, code: str, criticality: Criticality, reason: str, by: Person, seen: int | None = None
) -> ThingCriticality:
    """Say how much a thing matters from now on, and why; that answers what was proposed.

    `seen` is the row that the person read last, 0 for none. Saying what holds already answers a proposal, and is
    refused where there is none. Raises `NothingChanged`, `CriticalityChanged`, `ReasonMissing`, `TextTooLong`.
    """
    said = checked_reason(reason)
    _check_seen(kind, code, seen)
    present = queries.find_criticalities([(kind, code)]).get((kind, code))
    if (present or DEFAULT_CRITICALITY) is criticality and open_proposal(kind, code) is None:
        raise NothingChanged()
    row = _added(kind, code, criticality, said, by, is_proposal=None)
    record(
        "duties.criticality_set",
        by=by,
        subject=(kind, code),
        before={"criticality": present.value} if present else None,
        after={"criticality": criticality.value},
        reason=said,
    )
    if present is Criticality.CRITICAL and criticality is not Criticality.CRITICAL:
        _tell_leads(row, by)
    return row


def _tell_leads(row: ThingCriticality, by: Person) -> None:
    """Owe a mail to those who lead where the thing is critical no more: nobody is kept ready for it any longer."""
    try:
        thing = get_thing(row.kind, row.thing_code)
    except NoSuchThing:
        return
    for lead in accounts.list_holders(Role.LEAD):
        if lead.id != by.id and is_led(lead, thing):
            send_later(
                "duties.criticality_lowered",
                {"judgement_id": row.id, "to": lead.code},
                effect_key=f"duties.criticality_lowered:{row.id}:{lead.code}",
            )


def propose_criticality(
    *, kind: str, code: str, criticality: Criticality, reason: str, by: Person, seen: int | None = None
) -> ThingCriticality:
    """Propose how much a thing matters, and why; what holds stays until somebody judges it.

    Raises `NothingChanged`, `CriticalityChanged`, `ReasonMissing`, `TextTooLong`.
    """
    said = checked_reason(reason)
    _check_seen(kind, code, seen)
    proposed = open_proposal(kind, code)
    judged = queries.find_criticalities([(kind, code)]).get((kind, code), DEFAULT_CRITICALITY)
    if (proposed.criticality if proposed is not None else judged) is criticality:
        raise NothingChanged()
    row = _added(kind, code, criticality, said, by, is_proposal=True)
    record(
        "duties.criticality_proposed",
        by=by,
        subject=(kind, code),
        before={"criticality": judged.value},
        after={"criticality": criticality.value},
        reason=said,
    )
    return row


def open_proposal(kind: str, code: str) -> ThingCriticality | None:
    """Return what was proposed last where nobody has judged since."""
    latest = next(iter(list_judgements_of(kind, code)), None)
    return latest if latest is not None and latest.is_proposal else None


def _check_seen(kind: str, code: str, seen: int | None) -> None:
    latest = next(iter(list_judgements_of(kind, code)), None)
    if seen is not None and (latest.id if latest else 0) != seen:
        raise CriticalityChanged()


def _added(
    kind: str, code: str, criticality: Criticality, said: str, by: Person, *, is_proposal: bool | None
) -> ThingCriticality:
    row = ThingCriticality(
        kind=kind,
        thing_code=code,
        criticality=criticality,
        reason=said,
        set_at=clock.now(),
        set_by=by.code,
        is_proposal=is_proposal,
    )
    session.add(row)
    session.flush()
    return row

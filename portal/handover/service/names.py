"""What reasons, states and steps of handovers are called."""

from __future__ import annotations

from portal.core.i18n import gettext as _
from portal.core.i18n import language, lazy_pgettext
from portal.core.i18n import lazy_gettext as _l
from portal.handover.rules import ItemState, Milestone, Reason
from portal.handover.service.standing import Item

REASONS = {
    Reason.RESIGNATION: _l("Resignation"),
    Reason.TRANSFER: _l("Transfer"),
    Reason.LEAVE: lazy_pgettext("handover", "Leave"),
    Reason.REHEARSAL: _l("Rehearsal"),
}
STATE_NAMES = {
    ItemState.UNASSIGNED: _l("No successor"),
    ItemState.SUCCESSOR_GONE: _l("Successor has left"),
    ItemState.REFUSED: _l("Refused, with the lead"),
    ItemState.CARD_MISSING: _l("Card missing"),
    ItemState.READY: _l("Ready to be watched"),
    ItemState.SHADOWED: _l("Watched"),
    ItemState.REVERSE_SHADOWED: _l("Done while being watched"),
    ItemState.TO_DECIDE: _l("To be accepted or refused"),
    ItemState.ACCEPTED: _l("Accepted"),
    ItemState.GONE: _l("Not to be handed over any more"),
}
MILESTONES = {
    Milestone.PLAN: _l("Plan agreed"),
    Milestone.INVENTORY: _l("Items looked through"),
    Milestone.CARDS: _l("Cards of what is critical written"),
    Milestone.SIGN_OFF: _l("Everything accepted"),
}


def taker_words(item: Item) -> str:
    """Say who takes an item over; whoever refused it is named as that, and not as its successor."""
    found = item.successor
    if found is None:
        return "–"
    name = found.name_in(language())
    if item.state is ItemState.REFUSED:
        return str(_("– (%(name)s refused)", name=name))
    return name if found.is_active else str(_("%(name)s (deactivated)", name=name))

"""Dossiers of handovers that successors are to confirm."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from portal.core.i18n import lazy_gettext as _l
from portal.core.i18n import lazy_pgettext
from portal.handover.queries.dossiers import list_to_confirm
from portal.handover.service.issuing import confirm_by
from portal.reminders.service.sources import Concern, Item, Recipient


class DossiersToConfirm:
    """What was issued for somebody who takes over: it is to be confirmed within some working days."""

    def items_for(self, recipients: Sequence[Recipient]) -> Mapping[int, Sequence[Item]]:
        """Return which dossiers these people are to confirm; one statement where there are none."""
        by_id = {each.person.id: each for each in recipients}
        found: dict[int, list[Item]] = defaultdict(list)
        for each in list_to_confirm(by_id):
            giver = each.handover.person.names
            found[each.successor_id].append(
                Item(
                    concern=Concern.OWN,
                    what=_l("Confirm the dossier of %(name)s, version %(number)s", name=giver, number=each.number),
                    due_on=confirm_by(each.handover, each.issued_at),
                    endpoint="acknowledgements.delta" if each.has_older else "library.read",
                    values={"slug": each.slug},
                    way=(lazy_pgettext("place", "Handovers"), giver),
                )
            )
        return found

"""Cards of what somebody answers for that she should go through again, 180 days after the last check."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta

from portal.accounts.service.ownership import find_titled
from portal.core.i18n import lazy_gettext as _l
from portal.core.i18n import lazy_pgettext
from portal.duties.queries.cards import list_to_check
from portal.duties.rules import CARD_HOLDS_DAYS
from portal.duties.rules.cards import holds_until
from portal.reminders.service.sources import Concern, Item, Recipient


class CardsToCheck:
    """Cards that nobody has gone through for so long that they may not be true any more."""

    def items_for(self, recipients: Sequence[Recipient]) -> Mapping[int, Sequence[Item]]:
        """Return the cards that each of these people should check until her last day told."""
        by_id = {each.person.id: each for each in recipients}
        if not by_id:
            return {}
        latest = max(each.until for each in recipients)
        found = list_to_check(by_id, latest - timedelta(days=CARD_HOLDS_DAYS) + timedelta(days=1))
        if not found:
            return {}
        things = find_titled({(each.kind, each.thing_code) for each in found})
        items: dict[int, list[Item]] = defaultdict(list)
        for each in found:
            thing, title = things.get((each.kind, each.thing_code), (None, ""))
            due_on = holds_until(each.checked_on)
            if thing is None or not thing.is_live or due_on > by_id[each.owner_id].until:
                continue
            items[each.owner_id].append(
                Item(
                    concern=Concern.OWN,
                    what=_l("Check the card “%(title)s”", title=title),
                    due_on=due_on,
                    endpoint="duties.card",
                    values={"kind": each.kind, "thing": each.thing_code},
                    way=(lazy_pgettext("place", "Cards"), title),
                )
            )
        return items

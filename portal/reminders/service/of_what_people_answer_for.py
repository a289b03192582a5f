"""What people answer for and hand over, asked of those who know it only where there is any: one statement tells."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from portal.reminders import queries
from portal.reminders.queries import Answered
from portal.reminders.service.of_cards import CardsToCheck
from portal.reminders.service.of_dossiers import DossiersToConfirm
from portal.reminders.service.of_duties import TasksDue
from portal.reminders.service.of_handovers import HandoversDue
from portal.reminders.service.sources import Item, Recipient, Source


class AnsweredFor:
    """Recurring tasks, cards and handovers, each left unasked where the organisation has none."""

    def __init__(self) -> None:
        self._sources: Mapping[Answered, Source] = {
            Answered.TASKS: TasksDue(),
            Answered.CARDS: CardsToCheck(),
            Answered.HANDOVERS: HandoversDue(),
            Answered.DOSSIERS: DossiersToConfirm(),
        }

    def items_for(self, recipients: Sequence[Recipient]) -> Mapping[int, Sequence[Item]]:
        """Return what of them concerns these people."""
        found: dict[int, list[Item]] = defaultdict(list)
        there_are = queries.what_is_answered_for()
        for answered, source in self._sources.items():
            if answered in there_are:
                for person_id, items in source.items_for(recipients).items():
                    found[person_id].extend(items)
        return found

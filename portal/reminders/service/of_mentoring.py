"""Notes that a learner can read and has not opened: told once, without their text."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from portal.core.clock import local_date
from portal.core.i18n import lazy_gettext as _l
from portal.mentoring.queries import notes
from portal.reminders import queries
from portal.reminders.service.sources import Concern, Item, Recipient


class NotesWritten:
    """Notes of mentors and leads that were written for their learner, or shown to her, since her last digest."""

    def items_for(self, recipients: Sequence[Recipient]) -> Mapping[int, Sequence[Item]]:
        """Return the notes that no digest can have told these people."""
        by_id = {each.person.id: each for each in recipients}
        unread = notes.list_unread(people=by_id)
        last = queries.list_last_digests({each.person_id: by_id[each.person_id].today for each in unread})
        found: dict[int, list[Item]] = defaultdict(list)
        for each in unread:
            if each.person_id in last and each.since <= last[each.person_id]:
                continue
            name = each.by.names
            found[each.person_id].append(
                Item(
                    concern=Concern.NEWS,
                    what=_l("A note from %(name)s", name=name),
                    due_on=local_date(each.since, by_id[each.person_id].person.time_zone),
                    endpoint="mentoring.notes",
                    values={"code": each.enrollment_code},
                    way=(_l("Training plans"), each.plan, _l("Notes for you")),
                )
            )
        return found

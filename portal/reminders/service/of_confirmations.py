"""What is to be confirmed, on the days on which no mail of the campaign itself says so."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from portal.core import clock, jobs
from portal.core.i18n import LANGUAGES, Words
from portal.core.i18n import lazy_gettext as _l
from portal.library import queries as library
from portal.reminders import queries
from portal.reminders.service.sources import Concern, Item, Recipient


class ConfirmationsDue:
    """Versions that a campaign asks a person to confirm. Who looks after her is told by the campaign itself."""

    def items_for(self, recipients: Sequence[Recipient]) -> Mapping[int, Sequence[Item]]:
        """Return what these people are still asked to confirm and get no mail about today."""
        by_id = {each.person.id: each for each in recipients}
        asked = queries.list_asked(by_id)
        # An emergency is reminded of by the hour.
        asked = [each for each in asked if each.request.campaign.hours is None]
        sent = jobs.find_jobs([each.last_mail for each in asked if each.last_mail])
        versions = {each.request.campaign.version_id for each in asked}
        titles = {language: library.list_titles(versions, language) for language in LANGUAGES}
        found: dict[int, list[Item]] = defaultdict(list)
        for each in asked:
            request, recipient = each.request, by_id[each.request.person_id]
            zone, today = recipient.person.time_zone, recipient.today
            last = sent.get(each.last_mail) if each.last_mail else None
            mailed_at = [last.created_at] if last else []
            if each.next_mail_at is not None:
                mailed_at.append(each.next_mail_at)
            # The mail that comes today, or should have come already, says it.
            if request.next_mail == 0 or any(clock.local_date(at, zone) == today for at in mailed_at):
                continue
            version = request.campaign.version
            title = Words(*(titles[language].get(version.id, "") for language in LANGUAGES))
            found[request.person_id].append(
                Item(
                    concern=Concern.OWN,
                    what=_l("Confirm “%(title)s”", title=title),
                    due_on=request.due_on,
                    endpoint="acknowledgements.delta",
                    values={"slug": version.document.slug},
                    way=(_l("Confirmations"), title),
                    minutes=request.minutes,
                )
            )
        return found

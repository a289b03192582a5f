"""Certificates that expire: told 60, 30 and 7 days before to their holder and to who leads her, each once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from portal.accounts.models import Role, Scope
from portal.accounts.permissions import open_grants
from portal.certificates.queries.coverage import Expiring, list_expiring
from portal.certificates.rules.renewals import REMINDED, reminder_day
from portal.core.i18n import LazyText
from portal.core.i18n import lazy_gettext as _l
from portal.reminders.queries import LookingAfter, Place
from portal.reminders.service.sources import Concern, Item, Recipient


class CertificatesExpiring:
    """Certificates that expire and that nothing has replaced yet."""

    def items_for(self, recipients: Sequence[Recipient]) -> Mapping[int, Sequence[Item]]:
        """Return which certificates these people are to be reminded of: their own, and those of whom they lead."""
        by_id = {each.person.id: each for each in recipients}
        found: dict[int, list[Item]] = defaultdict(list)
        first, farthest = min(each.today for each in recipients), max(REMINDED) + 1
        for each in list_expiring(first, farthest, people=by_id):
            found[each.person.id] += _told(each, by_id[each.person.id].today)
        leading = {each.person.id: each for each in recipients if open_grants(each.person, Role.LEAD, Role.ADMIN)}
        if leading:
            looking_after = LookingAfter()
            for each in list_expiring(first, farthest):
                for person_id in looking_after.told(_place(each)) & leading.keys():
                    found[person_id] += _told(each, leading[person_id].today, who=each.person.names)
        return found


def _told(each: Expiring, today: date, *, who: LazyText = "") -> Iterator[Item]:
    day = reminder_day(each.expires_on, each.issued_on, today)
    if day is None:
        return
    yield Item(
        concern=Concern.EXPIRES,
        what=_l("Certificate “%(title)s”", title=each.title),
        due_on=each.expires_on,
        endpoint="certificates.show",
        values={"number": each.number},
        way=(_l("Certificates"), each.title),
        who=who,
        key=f"expires:{each.number}:{(each.expires_on - day).days}",
    )


def _place(each: Expiring) -> Place:
    """Return where a holder belongs, as those who look after her are found."""
    person = each.person
    return Place(
        0,
        person.id,
        {
            Scope.COHORT: frozenset({each.cohort} if each.cohort else ()),
            Scope.TEAM: frozenset({person.team.code} if person.team else ()),
            Scope.MARKET: frozenset({person.home_market.code}),
        },
    )

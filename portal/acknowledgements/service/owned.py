"""Campaigns as things that somebody answers for."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from portal.accounts.models import Role
from portal.accounts.service.ownership import OwnedThing, OwnerNeeds
from portal.acknowledgements.permissions import REACHING, SEE_CAMPAIGN
from portal.acknowledgements.queries import campaigns as queries
from portal.acknowledgements.service.campaigns import OWNED_KIND
from portal.core.i18n import gettext as _
from portal.core.i18n import language
from portal.core.i18n import lazy_gettext as _l
from portal.library import queries as library
from portal.library.models import AudienceKind


class OwnedCampaigns:
    """Campaigns; every one that still asks needs an owner."""

    kind = OWNED_KIND
    name = _l("Campaign")
    owner_needs = OwnerNeeds((*REACHING, Role.ADMIN))

    def find_things(self, codes: Collection[str]) -> Mapping[str, OwnedThing]:
        """Return those of the campaigns that exist."""
        found = queries.find_campaigns(codes)
        titles = library.list_titles({each.version_id for each in found.values()}, language())
        ends = queries.list_ends([each.id for each in found.values()])
        return {
            code: OwnedThing(
                _(
                    "%(title)s, version %(number)s",
                    title=titles.get(each.version_id, each.version.document.slug),
                    number=each.version.number,
                ),
                f"/campaigns/{code}",
                is_live=each.closed_at is None,
                needs=SEE_CAMPAIGN,
                needs_on=each,
                due_on=ends.get(each.id) if each.closed_at is None else None,
                due_what=_l("Last date of the people asked"),
                market_codes=frozenset(
                    [each.version.document.market]
                    if each.version.document.market
                    else each.version.document.audience(AudienceKind.MARKET)
                ),
            )
            for code, each in found.items()
        }

    def list_live_codes(self) -> Collection[str]:
        """Return the codes of all campaigns that still ask."""
        return [each.code for each in queries.list_open_campaigns()]

    def find_makers(self, codes: Collection[str]) -> Mapping[str, str]:
        """Return by whose code what each of the campaigns asks for was issued."""
        return {code: each.asked_by for code, each in queries.find_campaigns(codes).items()}

"""Plans as things that somebody answers for."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from portal.accounts.service.ownership import OwnedThing
from portal.core.i18n import lazy_gettext as _l
from portal.training.queries import catalogue

OWNED_KIND = "plan"


class OwnedPlans:
    """Training plans; every one needs an owner from its first day."""

    kind = OWNED_KIND
    name = _l("Training plan")

    def find_things(self, codes: Collection[str]) -> Mapping[str, OwnedThing]:
        """Return those of the plans that exist."""
        return {
            version.plan.slug: OwnedThing(str(version.title), None)
            for version in catalogue.list_latest_versions()
            if version.plan.slug in codes
        }

    def list_live_codes(self) -> Collection[str]:
        """Return the slugs of all plans."""
        return [version.plan.slug for version in catalogue.list_latest_versions()]

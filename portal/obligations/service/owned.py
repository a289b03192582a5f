"""Obligations as things that somebody answers for."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from portal.accounts.models import Role
from portal.accounts.service.ownership import OwnedThing, OwnerNeeds
from portal.core.i18n import lazy_gettext as _l
from portal.obligations import queries
from portal.obligations.permissions import MAKERS, SEE_OBLIGATIONS
from portal.obligations.rules import State


class OwnedObligations:
    """Obligations; every one that has not ended needs an owner."""

    kind = queries.OWNED_KIND
    name = _l("Recurring obligation")
    owner_needs = OwnerNeeds((*MAKERS, Role.LEAD, Role.ADMIN), of_any_scope=True)

    def find_things(self, codes: Collection[str]) -> Mapping[str, OwnedThing]:
        """Return those of the obligations that exist."""
        found = queries.find_obligations(codes)
        due = queries.first_due([each for each in found.values() if each.state is not State.ENDED])
        return {
            code: OwnedThing(
                str(each.title),
                f"/obligations/{code}",
                is_live=each.state is not State.ENDED,
                needs=SEE_OBLIGATIONS,
                due_on=due.get(each.id),
                due_what=_l("First date of a running cycle"),
            )
            for code, each in found.items()
        }

    def list_live_codes(self) -> Collection[str]:
        """Return the codes of all obligations that have not ended."""
        return [each.code for each in queries.list_obligations() if each.state is not State.ENDED]

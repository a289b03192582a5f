"""Taking obligations in from the files of a content folder."""

from __future__ import annotations

from portal.accounts.models import Person
from portal.accounts.service.ownership import set_owner
from portal.core.errors import Conflict
from portal.obligations import queries
from portal.obligations.models import Obligation
from portal.obligations.queries import OWNED_KIND
from portal.obligations.service import obligations
from portal.obligations.service.obligations import Wanted, wanted_of


class VersionTaken(Conflict):
    """A file says something else than the terms that hold, under a version that is not higher; `latest` is theirs."""

    def __init__(self, latest: str) -> None:
        super().__init__()
        self.latest = latest


def take_in(
    *,
    slug: str,
    found: Obligation | None,
    version: str,
    wanted: Wanted,
    owner: Person,
    deputy: Person | None,
    stated: tuple[str, str],
    by: Person,
) -> str:
    """Make the obligation of a file, or set the terms that it says; return in a word what changed, empty: nothing.

    `stated` are the sign-in names of owner and deputy in the file, who may be unknown here. Its first day may lie
    at any distance: files are kept. Raises `VersionTaken`, and what is wrong with the terms.
    """
    became = told(owner, deputy)
    if found is None:
        made = obligations.create_from_file(
            slug=slug, version=version, wanted=wanted, owner=owner, deputy=deputy, by=by
        )
        _keep(made, stated, became)
        return version
    locked = queries.lock_obligation(found.id)
    changed = ""
    if wanted_of(locked.latest) != wanted or locked.version != version:
        if _order(version) <= _order(locked.version):
            raise VersionTaken(locked.version)
        obligations.set_from_file(obligation=locked, wanted=wanted, version=version, by=by)
        changed = version
    if (locked.stated_owner, locked.stated_deputy) != stated:
        present = queries.find_owner_of(locked)
        set_owner(kind=OWNED_KIND, code=locked.code, owner=owner, deputy=deputy, by=by)
        if present is None or (present.owner_id, present.deputy_id) != (owner.id, deputy.id if deputy else None):
            changed = changed or stated[0] or owner.sign_in_name
        _keep(locked, stated, became)
    return changed


def _keep(obligation: Obligation, stated: tuple[str, str], became: str) -> None:
    """Keep whom the file names, and who became owner and deputy for that."""
    obligation.stated_owner, obligation.stated_deputy = stated
    obligation.stated_owner_became = became


def told(owner: Person, deputy: Person | None) -> str:
    """Return owner and deputy as they are kept beside those whom a file names."""
    return f"{owner.code} {deputy.code if deputy else '-'}"


def _order(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))

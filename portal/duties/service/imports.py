"""Taking recurring tasks in from the files of a content folder."""

from __future__ import annotations

from dataclasses import dataclass

from portal.accounts.models import Person
from portal.accounts.service.ownership import set_owner
from portal.core.errors import Conflict
from portal.duties.models import RecurringTask
from portal.duties.queries import tasks as queries
from portal.duties.rules import Fulfilment
from portal.duties.service import tasks
from portal.duties.service.tasks import Wanted, wanted_of


class VersionTaken(Conflict):
    """A file says something else than the terms that hold, under a version that is not higher; `latest` is theirs."""

    def __init__(self, latest: str) -> None:
        super().__init__()
        self.latest = latest


class FulfilmentFixed(Conflict):
    """What fulfils a task stays as it was made."""


@dataclass(frozen=True, slots=True)
class Answering:
    """Who answers for a task from now on, and the sign-in names in its file, who may be unknown here."""

    owner: Person
    deputy: Person | None
    stated: tuple[str, str]


def take_in(
    *,
    slug: str,
    found: RecurringTask | None,
    version: str,
    wanted: Wanted,
    fulfilled_by: Fulfilment | None,
    answering: Answering,
    by: Person,
) -> str:
    """Make the task of a file, or set the terms that it says; return in a word what changed, empty: nothing.

    Raises `VersionTaken`, `FulfilmentFixed`, and what is wrong with the terms.
    """
    owner, deputy = answering.owner, answering.deputy
    if found is None:
        made = tasks.create_from_file(
            slug=slug,
            version=version,
            wanted=wanted,
            owner=owner,
            deputy=deputy,
            fulfilled_by=fulfilled_by,
            by=by,
        )
        _keep(made, answering)
        return version
    locked = queries.lock_task(found.id)
    if locked.fulfilled_by is not fulfilled_by:
        raise FulfilmentFixed()
    changed = ""
    if wanted_of(locked.latest) != wanted or locked.version != version:
        if _order(version) <= _order(locked.version):
            raise VersionTaken(locked.version)
        tasks.set_from_file(task=locked, wanted=wanted, version=version, by=by)
        changed = version
    if (locked.stated_owner or "", locked.stated_deputy or "") != answering.stated:
        present = queries.find_owner_of(locked)
        set_owner(kind=queries.OWNED_KIND, code=locked.code, owner=owner, deputy=deputy, team=wanted.team, by=by)
        if present is None or (present.owner_id, present.deputy_id) != (owner.id, deputy.id if deputy else None):
            changed = changed or answering.stated[0] or owner.sign_in_name
        _keep(locked, answering)
    return changed


def _keep(task: RecurringTask, answering: Answering) -> None:
    """Keep whom the file names, and who became owner and deputy for that."""
    task.stated_owner, task.stated_deputy = answering.stated
    task.stated_owner_became = told(answering.owner, answering.deputy)


def told(owner: Person, deputy: Person | None) -> str:
    """Return owner and deputy as they are kept beside those whom a file names."""
    return f"{owner.code} {deputy.code if deputy else '-'}"


def _order(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))

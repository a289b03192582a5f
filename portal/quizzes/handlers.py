"""What happens by itself: attempts closed and released each minute, questions taken out when a rule changes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

from portal.core import clock
from portal.core.db import session
from portal.core.events import subscribe
from portal.core.i18n import lazy_gettext as _l
from portal.core.jobs import Progress, periodic
from portal.library import queries as library
from portal.library.events import VersionPublished, VersionWithdrawn
from portal.quizzes import queries
from portal.quizzes.service import staleness
from portal.quizzes.service.attempts import close_overdue
from portal.quizzes.service.marking import release_after_window


@periodic("quizzes.sweep", minutes=1, what=_l("Close the attempts whose time is over"))
def sweep() -> Iterator[Any]:
    """Close attempts whose time is over, each in a transaction of its own."""
    ids = queries.list_overdue_ids(clock.now())
    for number, attempt_id in enumerate(ids, start=1):
        yield Progress(number, len(ids))
        _alone(close_overdue, attempt_id)


@periodic("quizzes.release", minutes=1, what=_l("Release the results whose time has come"))
def release() -> Iterator[Any]:
    """Release results whose window is over, each in a transaction of its own."""
    ids = queries.list_releasable_ids(clock.now())
    for number, attempt_id in enumerate(ids, start=1):
        yield Progress(number, len(ids))
        _alone(release_after_window, attempt_id)


def _alone(work: Callable[[int], None], attempt_id: int) -> None:
    """Do the work for one attempt; where it fails nothing of it stays, and the others still have their turn."""
    try:
        with session.begin_nested():
            work(attempt_id)
    except Exception:
        logging.getLogger(__name__).exception("attempt %s could not be closed or released", attempt_id)


def on_version_published(event: VersionPublished) -> None:
    """Take out of every draw the questions that test what the version touches and were not found right before."""
    version = library.find_version_by_id(event.version_id)
    if version is not None:
        staleness.make_stale(version, draft_code=event.draft_code)


def on_version_withdrawn(event: VersionWithdrawn) -> None:
    """Let them be drawn again where the version never took effect."""
    version = library.find_version_by_id(event.version_id)
    if version is not None:
        staleness.call_off(version)


def init() -> None:
    """Listen to what happens below."""
    subscribe(VersionPublished, on_version_published)
    subscribe(VersionWithdrawn, on_version_withdrawn)

"""What reminders do every few minutes."""

from __future__ import annotations

from collections.abc import Iterator

from portal.core import jobs
from portal.core.i18n import lazy_gettext as _l
from portal.core.jobs import Progress
from portal.reminders.service import digests


@jobs.periodic("reminders.digests", minutes=10, what=_l("Send everybody her daily reminder at her hour"))
def send_digests() -> Iterator[Progress]:
    """Owe the digests whose hour has come."""
    yield from digests.sweep()

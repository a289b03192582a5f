"""What reminders refuse."""

from __future__ import annotations

from portal.core.errors import Invalid
from portal.core.i18n import lazy_gettext as _l


class HourOutOfBounds(Invalid):
    """Mails come in business hours."""

    message = _l("Choose an hour from %(first)s:00 to %(last)s:00.")

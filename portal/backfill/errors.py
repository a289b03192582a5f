"""What the matrix of who can stand in refuses."""

from __future__ import annotations

from portal.core.errors import Conflict, Invalid, NotFound
from portal.core.i18n import lazy_gettext as _l


class NoSuchRow(NotFound):
    """There is no such task, policy or credential where the person works, or it is not hers to see."""

    message = _l("There is no such task, policy or credential where this person works. Go back to the matrix.")


class NothingChanged(Conflict):
    """Another part is one that does not hold already."""

    message = _l("This is what holds already. Nothing was changed.")


class PersonGone(Conflict):
    """Whoever has no account any more has no part in anything."""

    message = _l("This person's account has been deactivated. Nothing was changed.")


class WordsMissing(Invalid):
    """A level without what was seen says nothing that others could rely on."""

    message = _l("Write what was seen; the level rests on it, and the person reads it.")


class WordsTooLong(Invalid):
    """What was seen is a few sentences."""

    message = _l("The text has %(length)s characters; at most %(limit)s are kept. Shorten it.")


class SeenInFuture(Invalid):
    """What was seen has been seen."""

    message = _l("The day lies in the future. Enter the day on which it was seen.")


class SeenLongAgo(Invalid):
    """What was seen years ago is no evidence of today."""

    message = _l("The day lies more than a year ago. Look again, and state what is seen now.")

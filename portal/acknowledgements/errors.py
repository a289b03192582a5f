"""Why a version cannot be confirmed."""

from __future__ import annotations

from portal.core.errors import Conflict, DomainError, Invalid
from portal.core.i18n import lazy_gettext as _l


class VersionSuperseded(DomainError):
    """Only what applies, or is about to, is confirmed."""

    message = _l("Version %(number)s has been replaced by %(current)s. Read and confirm that one.")


class VersionNotInForce(DomainError):
    """Nothing has come in the place of what was withdrawn."""

    message = _l("Version %(number)s is not in force any more, so there is nothing to confirm.")


class NotAddressed(DomainError):
    """A person confirms what applies to her."""

    status = 403
    message = _l("This document is addressed to another market, team or role. It does not have to be confirmed.")


class NeverOpened(DomainError):
    """Nobody confirms a text that she has not had on the screen."""

    message = _l("This version has not been opened yet. Open and read it, then confirm it.")


class SomethingComesFirst(Conflict):
    """The person's training plan puts another step before this document."""

    message = _l("In the training plan, this comes first: %(first)s")


class NotAgreed(Invalid):
    """The sentence is agreed to by a tick of one's own."""

    message = _l("Tick the box to agree to the sentence.")


class LanguageMissing(Invalid):
    """The text that is confirmed must be one that there is."""

    message = _l("This version has no text in that language. Load the page again.")

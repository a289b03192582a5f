"""The refusals of the library."""

from __future__ import annotations

from portal.core.errors import Conflict, DomainError, Invalid, NotFound
from portal.core.i18n import lazy_gettext as _l


class DocumentNotFound(NotFound):
    """No such document, or none that this person may see."""

    message = _l("There is no such document. It may be addressed to another market or team; see the library.")


class VersionNotFound(NotFound):
    """The document has no version of this number."""

    message = _l("This document has no such version. Its history lists those that there are.")


class DraftNotFound(NotFound):
    """No such draft, or none that this person may see."""

    message = _l("There is no such draft. The list of drafts shows those that are being written.")


class SlugTaken(Conflict):
    """Two documents cannot have one address."""

    message = _l("There is already a document with the address “%(slug)s”. Choose another one.")


class SlugInvalid(Invalid):
    """An address is lower-case letters, digits and hyphens."""

    message = _l("“%(slug)s” cannot be an address. Use lower-case letters a to z, digits and hyphens.")


class VersionExists(Conflict):
    """A version's number is given once; what is published never changes."""

    message = _l("Version %(number)s has been published already and cannot change. Give the text a new number.")


class VersionOutdated(Conflict):
    """Somebody else published in between."""

    message = _l(
        "The text is based on version %(based_on)s, but %(latest)s is the latest. "
        "Take over what changed in between and base it on that one."
    )


class NumberTooLow(Invalid):
    """Versions count upwards."""

    message = _l("Version %(number)s does not come after %(latest)s, the latest one. Give it a higher number.")


class TextMissing(Invalid):
    """The language that decides must be there."""

    message = _l("The authoritative text is missing. A version cannot be published without it.")


class TextBroken(Invalid):
    """A text holds what may not be published; the problems are kept with their lines."""

    message = _l("Line %(line)s: %(reason)s %(mend)s")


class ApproverIsAuthor(DomainError):
    """A version written in the product needs a second person."""

    message = _l("The author cannot approve their own version. Ask another approver.")


class AlreadyWithdrawn(Conflict):
    """A version is withdrawn once."""

    message = _l("This version has been withdrawn already.")


class ReasonMissing(Invalid):
    """A withdrawal is explained to those who followed the text."""

    message = _l("Say why the version is withdrawn; readers see the reason.")


class PlaceUnknown(Invalid):
    """A place is kept at a clause of the version."""

    message = _l("This version has no such clause. Load the page again.")


class GitMissing(DomainError):
    """The history of a folder is read with git."""

    message = _l("git is not installed. Install the package “git” (apt-get install git) and try again.")


class NoRepository(Invalid):
    """There is no history to read."""

    message = _l("%(folder)s lies in no git repository. Name a folder whose history git keeps.")


class NoCommits(Invalid):
    """A history begins with a commit."""

    message = _l("%(folder)s has no commits yet. Commit its files, or import it without --history.")


class GitFailed(Invalid):
    """git gave up; its own words say why."""

    message = _l("git cannot read the history of %(folder)s: %(reason)s")


class NothingToTake(Invalid):
    """The folder holds no Markdown."""

    message = _l("The history of %(folder)s has no Markdown files. Name the folder that holds the documents.")


class EditedMeanwhile(Conflict):
    """A document that has grown here is not merged with a history."""

    message = _l(
        "The document “%(slug)s” has a version %(number)s that is not from this history; nothing is merged. "
        "Export the document, take over what changed, and import that."
    )

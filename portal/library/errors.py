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


class TranslationBehind(Conflict):
    """A material change waits for the second language, or says why it does not."""

    message = _l(
        "The second language does not say this change yet. Bring its clauses up to date, "
        "or say why the version is issued provisionally."
    )


class PlaceUnknown(Invalid):
    """A place is kept at a clause of the version."""

    message = _l("This version has no such clause. Load the page again.")


class CommentNotFound(NotFound):
    """The draft has no such remark."""

    message = _l("This draft has no such remark. Load the page again.")


class DraftNotWriting(Conflict):
    """Only what is being written is submitted."""

    message = _l("This draft is not being written at the moment, so it cannot be submitted. Load the page again.")


class DraftNotReady(Conflict):
    """Something about the draft keeps it from being submitted; its page lists what."""

    message = _l("This draft cannot be submitted yet. The list of findings on its page says what is missing.")


class NobodyCanApprove(Conflict):
    """Whoever could approve has written in the draft herself."""

    message = _l(
        "Nobody could approve this draft: those who may have all written in it. "
        "Ask a policy owner for another approver."
    )


class NobodyCanTakeStep(Conflict):
    """At one step of the chain everybody has written in the draft."""

    message = _l(
        "Nobody could take step %(step)s of the approval: the approver and the deputy have written in the draft. "
        "Ask a policy owner to change the approval steps."
    )


class DraftNotSubmitted(Conflict):
    """There is nothing to take back, to send back or to approve."""

    message = _l("This draft does not wait for an approval any more. Load the page again to see what became of it.")


class DraftChanged(Conflict):
    """The draft is not what the approver looked at."""

    message = _l(
        "The draft has been changed since this page was loaded, and was not approved. "
        "The page now shows the new state; look at it and approve that."
    )


class ChangeClassUnconfirmed(Invalid):
    """The approver confirms what class of change it is."""

    message = _l("Confirm the change class, or send the draft back and propose another one.")


class ApproverWroteIt(DomainError):
    """Nobody approves what she has written in."""

    message = _l("Whoever has written in a draft cannot approve it. Ask another approver.")


class ApprovedBefore(Conflict):
    """One person takes one step of an approval."""

    message = _l("This account has approved this draft already; another person takes the next step.")


class NotTheirTurn(DomainError):
    """In a chain only the next approver or the deputy approves."""

    message = _l("The draft waits for somebody else: %(names)s.")


class SendingBackReasonMissing(Invalid):
    """The author is told what to change."""

    message = _l("Write what has to change; the author reads it.")


class RemarkMissing(Invalid):
    """A remark says something."""

    message = _l("Write the remark.")


class RemarkTooLong(Invalid):
    """A remark, and a reason, has room for a page."""

    message = _l("The text is longer than %(limit)s characters. Shorten it.")


class DraftEnded(Conflict):
    """What has been published or discarded is talked about no more."""

    message = _l("This draft has been published or discarded; nothing about it changes any more.")


class AlreadySettled(Conflict):
    """A remark is settled once."""

    message = _l("This remark has been settled already.")


class NoApprover(Invalid):
    """A step of a chain is taken by people who hold the role for the document."""

    message = _l("%(name)s is not an approver for this document. Choose somebody who is.")


class ApproverTwice(Invalid):
    """One person takes one step of an approval."""

    message = _l("%(name)s stands in the approval steps more than once. Each step is taken by another person.")


class DeputyIsApprover(Invalid):
    """A deputy stands in for somebody else."""

    message = _l("%(name)s cannot be the deputy in the same step. Choose another deputy, or none.")

"""What is refused about decisions by hand, and what the person can do then."""

from __future__ import annotations

from portal.core.errors import Conflict, DomainError, Invalid, NotFound
from portal.core.i18n import lazy_gettext as _l


class NoSuchDecision(NotFound):
    """There is no such request, or it is about somebody who is none of one's business."""

    message = _l("There is no such request. Go back to the gradebook.")


class NoSuchTranscriptFile(NotFound):
    """The PDF is not made yet, or was removed after some days."""

    message = _l("There is no such PDF. Go back to the transcript and create it again.")


class NeedsReason(Invalid):
    """Whoever decides a result by hand says why: the learner reads it."""

    message = _l("Say why, in at least ten characters.")


class BadScore(Invalid):
    """A score is a percentage from 0 to 100."""

    message = _l("Enter a score from 0 to 100 percent, with at most two decimals.")


class ExemptionWithScore(Invalid):
    """Somebody is exempt or has a score, not both."""

    message = _l("An exemption has no score. Empty this field, or choose to set the score by hand.")


class OwnResult(DomainError):
    """Nobody decides her own result."""

    message = _l("This is your own result. Somebody else must decide it.")


class NeedsSecondPerson(DomainError):
    """A result is decided by two people."""

    message = _l("A second person must confirm this: not the one who asked for it, nor the learner.")


class AlreadyAsked(Conflict):
    """One request at a time for a person and a quiz."""

    message = _l("A request for this result is open already. Let it be confirmed or declined first.")


class AlreadyClosed(Conflict):
    """The request was confirmed or declined meanwhile."""

    message = _l("This request is closed already. Reload the page.")


class NothingToWithdraw(Conflict):
    """Only a decision that stands can be taken back."""

    message = _l("This decision does not stand any more, so there is nothing to withdraw. Reload the page.")

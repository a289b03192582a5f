"""What quizzes refuse, and what the person can do then."""

from __future__ import annotations

from portal.core.errors import Conflict, DomainError, Invalid, NotFound, TooMany
from portal.core.i18n import gettext as _
from portal.core.i18n import lazy_gettext as _l
from portal.core.i18n import ngettext


class NoSuchBank(NotFound):
    """There is no bank of this slug."""

    message = _l("There is no such question bank. Go back to the list of banks.")


class NoSuchQuiz(NotFound):
    """There is no quiz of this slug."""

    message = _l("There is no such quiz. Go back to the list of quizzes.")


class NoSuchAttempt(NotFound):
    """There is no attempt of this code, or it is somebody else's."""

    message = _l("There is no such attempt. Go back to the list of quizzes; open attempts are listed there.")


class CannotStart(Conflict):
    """An attempt cannot be started now."""


class SomethingComesFirst(CannotStart):
    """The training plan has another step before this quiz."""

    message = _l("In the training plan, this comes first: %(first)s")


class NotForThisPerson(CannotStart):
    """The quiz asks about a document that does not apply to the person."""

    message = _l(
        "This quiz is about a document for other markets, teams or roles, so you cannot take it. Ask your "
        "lead if you should take it anyway."
    )


class NotOpenYet(CannotStart):
    """The window has not opened."""

    message = _l("This quiz is not open yet. It can be started from %(when)s.")


class Closed(CannotStart):
    """The window has closed."""

    message = _l("This quiz is closed. Ask the lead if it still has to be taken.")


class NoAttemptsLeft(CannotStart):
    """All attempts are used."""

    message = _l("You have used all attempts at this quiz. Ask your lead how to continue.")


class MustWait(CannotStart):
    """A wait lies between attempts."""

    message = _l("You have to wait before the next attempt. You can start it from %(when)s.")


class TooFewQuestions(CannotStart):
    """The banks hold fewer questions than the quiz draws."""

    message = _l("The question bank does not have enough questions for this quiz. Please tell its owner.")


class CutMustBeConfirmed(Conflict):
    """The window ends before the promised time would."""

    message = _l("This quiz closes before the full time is up. Tick the box on this page, then start.")


class BadAnswer(Invalid):
    """What was sent is no answer to this question."""

    message = _l("This is not an answer to question %(number)s. Load the page again; what was saved is still there.")


class BadRequest(Invalid):
    """The body of a save is not what the product takes."""

    message = _l("The answer could not be read. Load the page again; what was saved is still there.")


class KeyReused(DomainError):
    """The same idempotency key came with another answer."""

    status = 422
    message = _l("The same key came with another answer. Load the page again; what was saved is still there.")


class SavedTooFast(TooMany):
    """Nobody answers that fast; a page or a script that went wrong must not fill the disk."""

    def __str__(self) -> str:
        return ngettext(
            "Too many requests in a short time. Wait %(num)d second; everything on the page stays there and "
            "can be sent then.",
            "Too many requests in a short time. Wait %(num)d seconds; everything on the page stays there and "
            "can be sent then.",
            self.retry_after,
        )


class SavedTooOften(TooMany):
    """The history of an attempt has an end; what is stored by then counts."""

    def __str__(self) -> str:
        return str(
            _("This attempt has reached the limit for saving. The answers saved so far count, and you can hand it in.")
        )


class NotReleased(NotFound):
    """The result is not released yet."""

    message = _l("The result is not released yet.")


class NotRunning(Conflict):
    """The attempt is not in progress any more."""

    message = _l("This attempt is over; its time cannot be changed.")


class AlreadyReleased(Conflict):
    """The result has been shown."""

    message = _l("This result has been released. It can be corrected, but not be made void.")


class NotStale(Conflict):
    """Only what waits for a re-check is looked at again."""

    message = _l("This question does not wait for a re-check any more. Somebody has looked at it in between.")


class NotTouched(Conflict):
    """Only what a draft changes is looked at beside it."""

    message = _l("This draft does not change what the question tests, or the question waits for a re-check already.")


class BadVerdict(Invalid):
    """Of a question one of two things is said."""

    message = _l("Say of the question that it stays right, or that it must be rewritten.")


class TextMovedOn(Conflict):
    """What was confirmed is not what stands there now."""

    message = _l("The text has changed since this page was loaded. Compare the question with the text as it is now.")


class ClauseGone(Conflict):
    """A question cannot be right by a clause that is not there."""

    message = _l(
        "The clause “%(clause)s” is not in the newest version. Let the question cite another clause in its bank's "
        "files, or leave it out."
    )

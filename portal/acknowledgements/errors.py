"""Why a version cannot be confirmed."""

from __future__ import annotations

from portal.core.errors import Conflict, DomainError, Invalid, NotFound
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


class DeclinesNoMore(Conflict):
    """It is noted of somebody who declines that she was spoken with."""

    message = _l("This person does not decline the statement any more. Load the page again.")


class LevelUnknown(Invalid):
    """Material is set aside from one of the levels on."""

    message = _l("Choose a level from the list.")


class UntilIsPast(Invalid):
    """The last day lies ahead, and not years away."""

    message = _l("Choose a last day from today on and within two years, or leave it empty.")


class NotDeclinable(Conflict):
    """What binds everybody is not declined; the statement of what the work can bring is."""

    message = _l("This document cannot be declined. If something in it is unclear, ask about the clause.")


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


class CheckFirst(Conflict):
    """What changed is looked at, and the questions about it answered, before it is confirmed."""

    message = _l("Before this can be confirmed, open what changed and answer the questions about it.")


class CoveredAlready(Conflict):
    """What is editorial or minor asks nobody again."""

    message = _l(
        "Version %(number)s was confirmed, and nothing that asks for a new confirmation has changed since. There is "
        "nothing to do."
    )


class DeltaNotOpened(Conflict):
    """Nobody confirms changes that she has not had on the screen."""

    message = _l("Open and read what changed first, then confirm it.")


class AnswersMissing(Invalid):
    """The questions about what changed are answered together."""

    message = _l("Answer every question, then send the answers.")


class AnswerUnknown(Invalid):
    """An answer that is none of those offered."""

    message = _l("One of the answers is not among those offered. Load the page again and answer once more.")


class NothingAsked(Conflict):
    """What was asked has been confirmed or closed in the meantime."""

    message = _l("Nothing about this document waits for a confirmation any more.")


class NotAsked(NotFound):
    """The campaign asks nothing of this person."""

    message = _l("Nothing is asked of this person in this campaign.")


class CampaignClosed(Conflict):
    """A campaign is closed once."""

    message = _l("This campaign has been closed already.")


class RequestClosed(Conflict):
    """Only what is still asked can be waived."""

    message = _l("Nothing is asked of this person any more: it was confirmed, or closed.")


class NotExempt(Conflict):
    """Only an exemption that stands can be taken back."""

    message = _l("This person is not exempt any more.")


class ReasonMissing(Invalid):
    """Who decides that somebody need not confirm says why."""

    message = _l("Say why; the reason is kept in the journal.")


class QuestionEmpty(Invalid):
    """A question has words."""

    message = _l("Write the question.")


class ClauseUnknown(Invalid):
    """A question is about a clause of the version, or about the document as a whole."""

    message = _l("This version has no such clause. Load the page again.")


class AlreadyAnswered(Conflict):
    """A question is answered once."""

    message = _l("This question has been answered already.")


class AnswerEmpty(Invalid):
    """An answer has words."""

    message = _l("Write the answer.")

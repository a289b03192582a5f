"""The refusals of the library."""

from __future__ import annotations

from portal.core.errors import Conflict, DomainError, Invalid, NotFound, TooMany
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


class LineBroken(TextBroken):
    """A line beside a text, such as its title, holds what may not be published."""

    message = _l("%(reason)s %(mend)s")


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


class ChangeClassTooLight(Conflict):
    """What was withdrawn does not come back without anybody being asked."""

    message = _l(
        "The draft keeps what a withdrawn version changed (%(ids)s), and nobody would be asked to confirm it. "
        "Its author chooses “material” or “emergency”, or takes these clauses back."
    )


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


# --- writing drafts -----------------------------------------------------------------------------


class DraftNotWritable(Conflict):
    """What is looked at, approved or over stays as it was submitted."""

    message = _l(
        "This draft is not being written at the moment: it is in review, approved or over. "
        "Its overview says where it stands and how to take it back."
    )


class TextNotKept(Invalid):
    """A text holds what no database keeps."""

    message = _l(
        "Line %(line)s of the text holds a character that cannot be stored (U+%(code)s). Nothing was saved. "
        "Remove it and save again; the rest of the text stays on this page."
    )


class TextTooLong(Invalid):
    """A draft may be larger than what may be published, not without end."""

    message = _l(
        "The text has %(size)s KB; more than %(limit)s KB are not kept. Nothing was saved. "
        "Split it into several documents; it stays on this page until then."
    )


class LineTooLong(Invalid):
    """What stands beside a text is a line or a few, not a text of its own."""

    message = _l("“%(field)s” has more than %(limit)s characters. Shorten it and save again; nothing was saved.")


class AsideNotFound(NotFound):
    """Nothing was put aside under this code, or it has been settled."""

    message = _l("This text has been settled already. The draft shows what is saved.")


class KeptNotFound(NotFound):
    """No earlier text is kept with the draft under this code."""

    message = _l("The draft has no such earlier text.")


class ProposalChanged(Conflict):
    """Somebody else changed what is proposed in the meantime."""

    message = _l("Somebody else has changed what is proposed. Nothing was saved. Compare both and save again.")


class NumberInvalid(Invalid):
    """A version's number is two whole numbers with a point between them."""

    message = _l("“%(number)s” is not a version number. Write two whole numbers with a point, such as 1.2.")


class ProposedNumberTaken(Conflict):
    """A number that is published is not given again."""

    message = _l("Version %(number)s has been published already. Take %(next)s or a higher number.")


class EffectiveTooEarly(Invalid):
    """Nobody can follow a text before it is there."""

    message = _l("The version would take effect before it is published. Choose a later time, or leave it empty.")


class IssueTooEarly(Invalid):
    """Nothing is published in the past."""

    message = _l(
        "This time has passed. Choose a later one, or leave it empty: it is then published when it is approved."
    )


class EffectiveBeforeBase(Invalid):
    """A market does not follow a version of the base before anybody else does."""

    message = _l(
        "It would take effect before version %(number)s of its base, over which it is laid: %(when)s. Choose that time "
        "or a later one."
    )


class EffectiveBeforeEarlier(Invalid):
    """A version does not take effect before the one that it is based on: the older text would come back then."""

    message = _l(
        "Version %(number)s, on which this one is based, takes effect later: %(when)s. The older text would come back "
        "into force then. Choose that time or a later one, or withdraw version %(number)s first."
    )


class EffectiveBeforeInForce(Invalid):
    """A version does not take effect at a time at which a newer text than that before it was followed already."""

    message = _l(
        "Version %(number)s, on which this one is based, took effect only later: %(when)s. Choose that time or a "
        "later one."
    )


class BaseMoved(Conflict):
    """An overlay is published over the version that its base has now."""

    message = _l(
        "The text was written over version %(over)s of its base; version %(latest)s has been published since. Look at "
        "what changed there, and lay the text over it."
    )


class BaseNotPublished(Conflict):
    """A market can do otherwise than a text that is published."""

    message = _l("There is no version of this document over which a market's text could be laid.")


class BaseWithdrawn(Conflict):
    """A market's text is written over a version of its base that stands."""

    message = _l(
        "Every version of the base text has been withdrawn, and the market’s text with it. Publish a new version of "
        "the base text “%(slug)s” first; the market’s text can then be laid over it."
    )


class BaseNotForMarket(Invalid):
    """A market does otherwise than a text that is meant for it."""

    message = _l("The document is not addressed to %(market)s, so there is nothing to do otherwise there.")


class OverlayAboveOverlay(Invalid):
    """Overlays do not stand on one another: nobody could tell what applies, or it would never end."""

    message = _l(
        "“%(slug)s” is the text of a market itself; a text cannot be laid over it. Begin from the document that it "
        "is laid over."
    )


class OverlayThere(Conflict):
    """A market has one text of a document."""

    message = _l("%(market)s has a text of its own already. Write a new version of that one.")


class ClauseNotToOverlay(Conflict):
    """A clause of a base that is not there, or about which the market's text says something already."""

    message = _l(
        "The market's text says something about the clause “%(id)s” already, or the base text does not have it. "
        "Look at the clauses as they are now."
    )


class ClauseNotOverlaid(Conflict):
    """Only what a market does otherwise can follow its base again."""

    message = _l(
        "The market's text says nothing about the clause “%(id)s”: it follows the base text already. Look at the "
        "clauses as they are now."
    )


class AddedClauseNameless(Invalid):
    """A clause of a market's own begins with its heading."""

    message = _l("Enter the heading of the clause in %(language)s.")


class AddedClauseBroken(Invalid):
    """A heading of which no clause can be made."""

    message = _l("The clause cannot be added: %(reason)s")


class AddedClausePlaceGone(Conflict):
    """The clause behind which another one is to stand is not there any more."""

    message = _l("There is no clause “%(id)s” any more behind which the new one could stand. Choose another one.")


class MarketNotListed(Invalid):
    """A text is for one of the markets that there are."""

    message = _l("Choose one of the markets that are listed.")


class ClashUndecided(Invalid):
    """What both the base and the market changed is decided by a person."""

    message = _l("Decide on each clause that has changed in the base before the text is laid over it.")


class TimeDoesNotExist(Invalid):
    """The clocks are set forward at that time."""

    message = _l("On that day the clocks of %(zone)s are set forward, and this time does not exist. Choose another.")


class AudienceOutOfReach(Invalid):
    """Whoever writes for some markets addresses documents to these."""

    message = _l("Choose markets for which you write documents; this one would be out of your reach.")


class DecidingTextChanged(Conflict):
    """What was looked at is not what stands there now."""

    message = _l("The authoritative text has changed since you looked at it. Look at the clause again, then mark it.")


class ClauseUnknown(Invalid):
    """Only what stands in both texts can follow."""

    message = _l("This clause does not stand in both texts. Write it in the translation first.")


class NothingToTakeOver(Conflict):
    """The draft follows the latest version."""

    message = _l("The draft is based on the latest version already; there is nothing to take over.")


class NothingToFollow(NothingToTakeOver):
    """A market's text lies over the version that its base has now."""

    message = _l("The draft is laid over the latest version of the base text already.")


class MergeUndecided(Invalid):
    """What both sides changed is for a person to decide."""

    message = _l("Choose for every clause that both sides changed which text is to stand.")


class MergeOutdated(Conflict):
    """The texts that were compared are not those that are saved now."""

    message = _l("The texts have changed since they were compared. Nothing was taken over. Compare them once more.")


class ImageRefused(Invalid):
    """Something was uploaded that is no picture that texts may show."""

    message = _l("Choose a picture in PNG, JPEG, WebP or GIF; this file is none, or it is damaged.")


class ImageNotFound(NotFound):
    """The document has no such picture."""

    message = _l("The document has no such picture.")


class SavedTooFast(TooMany):
    """More saves or previews than anybody writes."""


class BadDraftRequest(Invalid):
    """Something that our page does not send."""

    message = _l("The page sent something that cannot be read. Load it again; what is saved is still there.")


class NotEarlier(Invalid):
    """Two versions are compared from the earlier to the later one."""

    message = _l("Version %(number)s does not come before %(later)s. Choose an earlier version to compare with.")


class InstantUnreadable(Invalid):
    """When a text applied is asked for by a date and a time."""

    message = _l(
        "“%(given)s” is not a date and time. Write it like 2026-07-03T10:00+09:00; "
        "without a UTC offset it is read in the account’s time zone."
    )


class MarketUnknown(Invalid):
    """What applied is asked for in a market of the organisation."""

    message = _l("There is no market “%(given)s”. Known markets: %(known)s.")


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

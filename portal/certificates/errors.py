"""What is refused about credentials and certificates, and what the person can do then."""

from __future__ import annotations

from portal.core.errors import Conflict, DomainError, Invalid, NotFound
from portal.core.i18n import lazy_gettext as _l


class NoSuchCredential(NotFound):
    """There is no credential of this slug."""

    message = _l("There is no credential “%(slug)s”.")


class NoSuchCertificate(NotFound):
    """There is no certificate of this number, or it is somebody else's."""

    message = _l("There is no such certificate. Go back to the list of certificates.")


class NothingOfThisName(NoSuchCertificate):
    """A command names a certificate that there is not."""

    message = _l("No certificate has the number or the code %(name)s.")


class FileNotReady(NotFound):
    """The PDF is still being made."""

    message = _l("The PDF is still being created. Wait a moment and reload the page of the certificate.")


class FileNotMade(Conflict):
    """The PDF will not come by itself: drawing it failed, or was given up."""

    message = _l("The PDF could not be created. This page says why, and what can be done.")


class NumberTaken(Conflict):
    """Another certificate carries this number already."""

    message = _l("The number %(number)s is taken by another certificate. Change the number format of the credential.")


class VersionChanged(Conflict):
    """A version is immutable; what is different needs a new number."""

    message = _l("Version %(number)s of this credential says something else already.")


class VersionNotNewer(Conflict):
    """A new version must have a higher number than the newest."""

    message = _l("Version %(number)s is not newer than the present version %(present)s.")


class NotCompleted(DomainError):
    """A certificate is issued for a completed plan to somebody with an active account, and for nothing else."""

    message = _l("The training plan is not completed, or the account is deactivated. Nothing was issued.")


class ResultMissing(DomainError):
    """A credential says that its quizzes were passed; that one need not be is decided by two people."""

    message = _l(
        "The learner is exempt from a quiz that the credential says was passed. It is issued once the quiz has been "
        "passed, or once two people have decided on it in the gradebook."
    )


class NeedsReason(Invalid):
    """What takes a certificate's worth away must say why."""

    message = _l("Say why, in at least ten characters.")


class NotRevocable(Conflict):
    """It has been revoked already, or somebody has asked for it already."""

    message = _l("This certificate is already revoked, or its revocation has been requested.")


class NothingAsked(Conflict):
    """There is no open request to revoke it."""

    message = _l("The request to revoke this certificate is no longer open. Reload the page.")


class NeedsSecondPerson(DomainError):
    """Revocation needs two people."""

    message = _l("A second administrator must confirm the revocation: not the one who asked for it, nor the holder.")


class HolderRevokes(DomainError):
    """Nobody revokes her own certificate."""

    message = _l("Two administrators revoke a certificate, and neither of them is its holder.")


class HolderDecides(DomainError):
    """Nobody decides what her own certificate is worth."""

    message = _l("This certificate is your own. Another administrator decides what becomes of it: %(names)s.")


class NobodyElseDecides(DomainError):
    """Nobody decides what her own certificate is worth, and nobody else could."""

    message = _l(
        "This certificate is your own. Another administrator decides what becomes of it, and there is none yet."
    )


class MayNotRevoke(DomainError):
    """Administrators of the organisation revoke, as long as their accounts are active."""

    message = _l("%(name)s may not revoke certificates.")


class NotInThisState(Conflict):
    """The certificate's state does not allow it."""

    message = _l("The certificate is not in a state in which this can be done.")


class NoSuchTemplate(NotFound):
    """There is no template of this slug."""

    message = _l("There is no such certificate template. Go back to the list of templates.")


class NoSuchTemplateVersion(NotFound):
    """The template has no version of this number."""

    message = _l("The template has no such version. Go back to its page.")


class TemplateSlugTaken(Conflict):
    """Another template has this address."""

    message = _l("There is a template with this address already. Choose another address.")


class TemplateSlugInvalid(Invalid):
    """The address of a template has a fixed form."""

    message = _l("Use lower-case letters a to z, digits and hyphens, at most 60, starting with a letter.")


class TemplateDraftChanged(Conflict):
    """Somebody else has saved the template since the form was opened."""

    message = _l(
        "%(name)s saved this template while it was being changed here. Nothing that was entered here is lost: compare "
        "the fields that differ, then save again."
    )


class TemplateUnchanged(Conflict):
    """The draft says what the newest version says."""

    message = _l("The template says what version %(number)s says. Change something before it is published again.")


class PictureNotDrawn(Conflict):
    """There is no picture of a template: it says what cannot be drawn, or drawing failed just now."""

    message = _l("The template cannot be drawn. %(reason)s")


class TemplateDoesNotFit(Conflict):
    """What a draft comes to once it is filled in does not fit: it was saved before that was measured."""

    message = _l("The template cannot be published yet. %(faults)s Edit it, and save it again.")


class TemplateInUse(Conflict):
    """The credential is drawn from this version already."""

    message = _l("The credential uses this version of the template already.")


class TemplateVersionChanged(Conflict):
    """A published version of a template is immutable."""

    message = _l("Version %(number)s of this template says something else here already.")


class TemplateVersionGap(Conflict):
    """Versions of a template are numbered one after the other."""

    message = _l("The next version of this template here is %(next)s; version %(number)s cannot be taken in before it.")


class PictureRefused(Invalid):
    """What was uploaded is no picture that can be printed."""

    message = _l("This file is no PNG or JPEG picture, or it is damaged. Choose another file.")


class NoKeyYet(NotFound):
    """No key has been made yet."""

    message = _l("There is no key to sign with yet. Run: flask certificates keys new")


class KeyMissing(DomainError):
    """The private half of the key that signs is gone, or is another one."""

    message = _l(
        "The private key %(kid)s is missing, unreadable or another one. Put it back from the backup of the keys "
        "folder, or run: flask certificates keys rotate"
    )


class KeyRefused(Invalid):
    """A key cannot be used for signing."""

    message = _l("This key cannot be used: %(reason)s.")


class FolderRefused(Invalid):
    """A folder cannot be written into."""

    message = _l("Nothing can be written into %(folder)s: %(reason)s.")


class BadgeNotReady(NotFound):
    """A certificate from before there were badges has no place in a status list yet."""

    message = _l("The digital badge is still being prepared. Try again in ten minutes.")


class NoSuchList(NotFound):
    """There is no status list of this number."""

    message = _l("There is no such status list.")


class CredentialSuperseded(DomainError):
    """Another credential has taken its place: what was issued stands, nothing new is."""

    message = _l("This credential is no longer issued: “%(title)s” has taken its place.")


class NothingToRenew(DomainError):
    """A refresher renews a certificate; it does not replace the training that earns one."""

    message = _l(
        "This plan only renews a certificate, and there was none that could be renewed. Complete the full "
        "training plan."
    )


class NoRenewal(NothingToRenew):
    """What was completed earns a certificate, but it renews none."""

    message = _l(
        "There was no certificate that could be renewed when the plan was completed. A new one can be issued: "
        "flask certificates issue"
    )


class AlreadyExpired(Conflict):
    """A certificate that has expired is renewed, not issued anew."""

    message = _l("This certificate has expired. It is renewed by completing a training plan.")


class TermsMoved(Conflict):
    """Somebody else has published a version since the form was opened."""

    message = _l(
        "Another version was published in the meantime. Compare it with what is entered here, then save again."
    )


class TermsUnchanged(Invalid):
    """A version that says what the one before says is none."""

    message = _l("Nothing differs from the present version.")


class WindowTooLong(Invalid):
    """The renewal window would begin before the certificate."""

    message = _l("The renewal window is longer than a certificate is valid.")


class NeverExpires(Invalid):
    """Window and grace are counted from a last day."""

    message = _l("A certificate that does not expire is not renewed: leave window and grace empty.")


class NotARefresher(Invalid):
    """The plan does not lead to this credential."""

    message = _l("The latest version of this plan does not lead to this credential.")


class SupersedesItself(Invalid):
    """A credential cannot take its own place, by way of others neither."""

    message = _l("Choose a credential that is itself still issued.")


class UnknownPlaceholder(Invalid):
    """A statement names something that is not known."""

    message = _l("The statement has the unknown placeholder %(name)s. Known are %(names)s.")


class MarkupInTerms(Invalid):
    """A text of a credential holds what looks like markup or an address; certificates print plain words."""

    message = _l("The text holds markup or an address (%(found)s). Write plain words.")


class NoSuchShare(NotFound):
    """The address was withdrawn, or never was."""

    message = _l("There is nothing at this address. Ask whoever sent it for a new one.")


class TooManyShares(Conflict):
    """Each address is one more that somebody has to keep in mind."""

    message = _l("There are %(limit)s links to this certificate already. Withdraw one first.")


class AlreadyRequested(Conflict):
    """The holder has asked already."""

    message = _l("A new certificate has been requested already. An administrator decides.")


class NothingRequested(Conflict):
    """There is no open request to issue it anew."""

    message = _l("The request for a new certificate is no longer open. Reload the page.")


class NoOtherName(Conflict):
    """Without a romanised name there is nothing else to print."""

    message = _l("The account has no romanised name. Enter it first.")


class NamePrintable(Conflict):
    """The certificate's PDF was made, or fails for another reason than its name."""

    message = _l("The PDF of this certificate does not fail because of the name on it. Reload the page.")


class RomanisedUnprintable(Conflict):
    """The romanised name has a character without a form as well."""

    message = _l(
        "No font has %(characters)s, which stands in the romanised name. Correct the name of the account first."
    )


class SameNames(Conflict):
    """The certificate says the present name already."""

    message = _l("The certificate carries the name that the account has now. Change the name of the account first.")


class NoSuchBatch(NotFound):
    """There is no batch of this code, or it is somebody else's."""

    message = _l("There is no such batch. Go back to the list of batches.")


class NothingToDo(Conflict):
    """Of nobody in the list anything would be done."""

    message = _l("There is nothing to do for anybody in this list. The reasons are given for each person.")


class BatchTooLarge(Invalid):
    """A batch has a limit."""

    message = _l("At most %(limit)s certificates go into one batch. Choose one credential, or a smaller cohort.")


class ListChanged(Conflict):
    """What was looked at is not what would be done."""

    message = _l("The list has changed since it was shown. Read it again, then confirm it.")


class BatchNotUnderWay(Conflict):
    """Only what is under way can be cancelled."""

    message = _l("This batch is no longer under way. The page shows how it stands now.")


class BatchCannotGoOn(Conflict):
    """Only what was cancelled or has failed goes on."""

    message = _l("This batch cannot go on: it is under way, finished or closed. The page shows how it stands now.")


class BatchNotAsked(Conflict):
    """The batch does not wait for a second person any more."""

    message = _l("This batch no longer waits for a second administrator. The page shows how it stands now.")


class NotConfirmedByOneself(DomainError):
    """Whoever asked does not confirm."""

    message = _l("Another administrator must confirm it: not the one who asked for it.")


class BatchFileNotReady(Conflict):
    """The archive or print file of a batch is not there (yet, or any more)."""

    message = _l("The file is not ready. The page of the batch shows how far it is.")


class FilesOutOfReach(Conflict):
    """Somebody may not see every certificate any more whose files she has brought together."""

    message = _l("This account may no longer see every certificate in this batch. Ask for a new batch.")

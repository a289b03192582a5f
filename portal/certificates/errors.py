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


class FileNotReady(NotFound):
    """The PDF is still being made."""

    message = _l("The PDF is still being created. Wait a moment and reload the page of the certificate.")


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


class NotInThisState(Conflict):
    """The certificate's state does not allow it."""

    message = _l("The certificate is not in a state in which this can be done.")

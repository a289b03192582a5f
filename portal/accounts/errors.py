"""What accounts refuse, in words."""

from __future__ import annotations

from portal.core.errors import Conflict, DomainError, Invalid, NotAllowed, TooMany
from portal.core.i18n import LazyText, ngettext
from portal.core.i18n import lazy_gettext as _l


class PasswordRefused(Invalid):
    """The password is against the rules; a subclass says which."""

    message = _l("This password cannot be used. Choose another one.")


class PasswordTooShort(PasswordRefused):
    """Too short to withstand guessing."""

    message = _l("The password needs at least %(least)s characters. A short sentence is easy to remember.")


class PasswordTooLong(PasswordRefused):
    """Longer than is hashed."""

    message = _l("The password can have at most %(most)s characters.")


class PasswordCommon(PasswordRefused):
    """One of those that are tried first."""

    message = _l("This password is too common. Choose one that nobody else would think of.")


class PasswordFromOwnWords(PasswordRefused):
    """Little more than the own name or address."""

    message = _l("This password is too similar to a name or the email address. Choose other words.")


class PasswordWrong(Invalid):
    """The present password, asked for again, was not the right one."""

    message = _l("The current password is not correct. Enter it again.")


class SignInTooOften(TooMany):
    """Too many failed sign-ins; it goes on by itself."""

    def __str__(self) -> str:
        return str(
            ngettext(
                "Too many failed tries. The next try is possible in %(num)d second.",
                "Too many failed tries. The next try is possible in %(num)d seconds.",
                self.retry_after,
            )
        )


class LinkUnusable(DomainError):
    """A one-time link that does not work (any more)."""

    status = 410
    message = _l("This link no longer works. Request a new one.")


class LinkUnknown(LinkUnusable):
    """No link of ours, or one of an account that is closed."""

    status = 404
    message = _l(
        "This link is not valid. It may have been cut off in the email: copy the whole address, or request a new one."
    )


class LinkExpired(LinkUnusable):
    """Its time is over."""

    message = _l("This link has expired. Request a new one.")


class LinkUsed(LinkUnusable):
    """It was used before."""

    message = _l("This link has already been used. Sign in with the password that was set, or request a new link.")


class LinkReplaced(LinkUnusable):
    """A newer one was sent."""

    message = _l("A newer link was sent after this one. Use the link in the latest email, or request a new one.")


class SignInNameTaken(Conflict):
    """Another account has this mail address."""

    message = _l("An account with this email address already exists: %(name)s.")


class EmployeeNumberTaken(Conflict):
    """Another account has this employee number."""

    message = _l("This employee number belongs to another account: %(name)s.")


class LastAdministrator(Conflict):
    """Nobody would be left who can administer people."""

    message = _l("This is the last administrator who can sign in. Make somebody else an administrator first.")


class NotOneself(NotAllowed):
    """Something that another administrator has to do."""

    message = _l("You cannot deactivate your own account. Ask another administrator.")


class StillNeeded(Conflict):
    """Something hangs on the person; the obstacles are named one by one."""

    message = _l("This account cannot be deactivated yet: %(obstacles)s")


class AlreadyDeactivated(Conflict):
    """The account is closed already, or its opposite."""

    message = _l("The account is already in this state. Load the page again.")


class Deactivated(Conflict):
    """What was asked needs an account that is in use."""

    message = _l("The account is deactivated. Reactivate it first.")


class DemoAccount(Conflict):
    """An account of the demo organisation, in production."""

    message = _l("This is a demo account whose password is public. In production nobody can sign in with it.")


class RoleHeldAlready(Conflict):
    """The same role for the same scope."""

    message = _l("The person already has this role for this scope.")


class ScopeUnknown(Invalid):
    """There is no such market or team."""

    message = _l("This market or team no longer exists. Choose another one.")


class ScopeTooNarrow(Invalid):
    """The role means nothing for so narrow a scope; a subclass says for which it can be given."""


class OnlyForOrganisation(ScopeTooNarrow):
    """A role that reaches everywhere or nowhere."""

    message = _l("This role can be given for the whole organisation only. Choose that under “For”.")


class NotForTeam(ScopeTooNarrow):
    """A role about documents, which are addressed to markets."""

    message = _l("This role can be given for the whole organisation or for a market. Choose one of them under “For”.")


class AccommodationInvalid(Invalid):
    """The multiplier or the dates are outside what is possible."""

    message = _l(
        "Enter a time factor from 1 to 3, at most 240 minutes of breaks, and an end date that is not before the start "
        "date."
    )


class NeedsAnotherPerson(Conflict):
    """Whoever approved it does not confirm it too."""

    message = _l("Another administrator has to confirm this: not the one who approved it, and not the person herself.")


class ImportHasErrors(Conflict):
    """A table with faults is not taken in, not even in part."""

    message = _l("The table has errors. Correct them and upload it again; nobody was added.")


class ImportChanged(Conflict):
    """What would be added is another thing than the preview that was looked at has shown."""

    message = _l("Something has changed meanwhile, and nobody was added. Look at the preview again.")


class ImportOutdated(Conflict):
    """Somebody got one of the addresses or employee numbers after the table was looked at."""

    message = _l(
        "Another account was added in the meantime, so nobody from this table was added. Check the preview again."
    )


class SheetGone(Conflict):
    """The table is not of a workbook with a sheet of this name, or that one was not kept, or it is done."""

    message = _l("This sheet cannot be read any more. Upload the file again.")


class ImportDone(Conflict):
    """The same preview was confirmed before."""

    message = _l("These people have already been added.")


class OwnershipUnchanged(Invalid):
    """The new owner cannot be the old one or somebody who left."""

    message = _l("Choose somebody else who has an active account.")


class OwnerUnfit(Conflict):
    """Nobody answers for what she has no role for."""

    message = _l(
        "%(name)s cannot answer for this yet: %(titles)s. It needs this role first: %(roles)s. "
        "An administrator gives it."
    )


class OwnerHeld(Conflict):
    """Something keeps a thing from getting another owner now: what, and where its owner changes."""

    message = "%(reason)s"

    def __init__(self, reason: LazyText, href: str) -> None:
        self.href = href
        super().__init__(reason=reason)


class NameDecided(Conflict):
    """The change of names is not open any more: somebody was quicker, or she has changed them again."""

    message = _l("This change is no longer open: it was decided, or the names were changed again. Look at the list.")


class NotOwnNames(NotAllowed):
    """Nobody stands for the names that she has set herself."""

    message = _l("Somebody else has to confirm this name: nobody can confirm their own.")


class RefusalNeedsReason(Invalid):
    """A refusal without a reason that says something."""

    message = _l("Give a reason of at least %(least)s characters. The person reads it.")

"""What obligations refuse."""

from __future__ import annotations

from portal.core.errors import Conflict, Invalid, NotFound
from portal.core.i18n import lazy_gettext as _l


class NoSuchObligation(NotFound):
    """There is no obligation of this code, or it is not hers to see."""

    message = _l("There is no such obligation here. Go back to the list of obligations.")


class TitleMissing(Invalid):
    """An obligation is named in both languages."""

    message = _l("Write the title in Japanese and in English.")


class TitleTooLong(Invalid):
    """A title is a line."""

    message = _l("The title has %(length)s characters; at most %(limit)s are kept. Shorten it.")


class ReasonMissing(Invalid):
    """What is changed, paused, ended or opened by hand has a reason that others read."""

    message = _l("Write a reason; those who answer for people read it.")


class ReasonTooLong(Invalid):
    """A reason is a few sentences."""

    message = _l("The reason has %(length)s characters; at most %(limit)s are kept. Shorten it.")


class OutOfBounds(Invalid):
    """A number of months or days lies outside of what is possible."""

    message = _l("Enter a whole number from %(least)s to %(most)s.")


class NoSuchDay(Invalid):
    """The month does not have this day."""

    message = _l("This month has no such day. Choose another one.")


class PlanNotThere(Invalid):
    """The plan has no version, so nobody could be enrolled in it."""

    message = _l("This plan has no version that could be followed. Choose another one.")


class PlanNeedsDays(Invalid):
    """A plan with events wants a day for each of them, which nobody could give when a cycle opens by itself."""

    message = _l("This plan has events whose days have to be chosen for each group. Choose a plan without events.")


class PlanTakesLonger(Invalid):
    """A cycle is not due before the last required step of its plan."""

    message = _l("The last required step of this plan is due after %(days)s working days. Give at least as many days.")


class CredentialMissing(Invalid):
    """What is counted from an expiry names the credential."""

    message = _l("Choose the credential whose expiry counts.")


class CredentialNotEarned(Invalid):
    """A plan that does not earn the credential would never renew it."""

    message = _l("This plan does not earn this credential, so that it would never be renewed. Choose another plan.")


class CredentialNeverExpires(Invalid):
    """A credential without an expiry is never due."""

    message = _l("This credential does not expire, so that nothing could be counted from its expiry.")


class NoSuchAudience(Invalid):
    """A market, team or role that does not exist, or a team that is closed."""

    message = _l("Some of those chosen do not exist any more. Choose again.")


class OutsideScope(Invalid):
    """Whoever works for a market makes obligations for its people alone."""

    message = _l("This account's roles do not reach this far. Choose markets or teams within their reach.")


class OwnerMissing(Invalid):
    """Somebody answers for it from its first day."""

    message = _l("Choose who answers for it: somebody with an active account.")


class DeputyIsOwner(Invalid):
    """Who stands in is somebody else."""

    message = _l("Choose somebody else as deputy than as owner.")


class BeginsLongAgo(Invalid):
    """The first day lies within a year of today."""

    message = _l("The first day lies more than a year from today. Check the year.")


class NothingChanged(Conflict):
    """New terms say something else than those that hold."""

    message = _l("These are the terms that hold already. Nothing was changed.")


class NotInThisState(Conflict):
    """What is paused is not paused again, what has ended stays so."""

    message = _l("This cannot be done in the present state of the obligation. Load the page again.")


class TermsChanged(Conflict):
    """Somebody else has set other terms while these were written."""

    message = _l("Somebody else has changed the terms meanwhile. Look at them first, then send yours again.")


class CycleIsOpen(Conflict):
    """The next cycle comes when the present one is closed."""

    message = _l("A cycle of this person is open already. Load the page again.")


class NotAddressed(Conflict):
    """Cycles come to those whom the obligation addresses."""

    message = _l("The obligation does not address this person any more. Load the page again.")


class CannotOpen(Conflict):
    """Something stands in the way of a cycle; the page says what."""

    message = _l("No cycle can be opened: %(reason)s")

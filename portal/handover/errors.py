"""What handovers, stand-ins and the acceptance of orphans refuse."""

from __future__ import annotations

from portal.core.errors import Conflict, Invalid, NotFound
from portal.core.i18n import LazyText
from portal.core.i18n import lazy_gettext as _l


class NoSuchHandover(NotFound):
    """There is no handover, item or stand-in of this code, or it is not hers to see."""

    message = _l("There is no such handover here. Go back to the list of handovers.")


class ReasonMissing(Invalid):
    """What is moved, waived, refused or called off has a reason that others read."""

    message = _l("Write a reason; those who take part in the handover read it.")


class TextTooLong(Invalid):
    """A text is some sentences."""

    message = _l("The text has %(length)s characters; at most %(limit)s are kept. Shorten it.")


class WordsMissing(Invalid):
    """Evidence says what was done."""

    message = _l("Write in your own words what was done.")


class LooksSecret(Invalid):
    """What is read by others, and stays, holds no secrets."""

    message = _l(
        "Line %(line)s looks like %(what)s (%(shown)s). What is written here stays, and others read it: write where "
        "access is asked for, and change the secret if others could read it."
    )

    def __init__(self, field: str, line: int, what: LazyText, shown: str) -> None:
        super().__init__(line=line, what=what, shown=shown)
        # Beside which field of a form it is said.
        self.field = field


class LinkNotUnderstood(Invalid):
    """A link leads to a page."""

    message = _l("A link begins with https:// or http://. Correct it or leave it empty.")


# --- Days --------------------------------------------------------------------------------------


class LastDayPast(Invalid):
    """A handover needs days that are left."""

    message = _l("The last day lies in the past. Enter today or a later day.")


class NoticeAfterLastDay(Invalid):
    """The notice runs until the last day."""

    message = _l("The day of the notice lies after the last day. Check both.")


class NoticeLongAgo(Invalid):
    """The notice was given within a year."""

    message = _l("The day of the notice lies more than a year back. Check the year.")


class TooFarAhead(Invalid):
    """Nobody plans a handover for longer than two years."""

    message = _l("The day lies more than two years ahead. Check the year.")


class BackDayMissing(Invalid):
    """Leave ends."""

    message = _l("Enter the first day back, which comes after the last day.")


class OnlyLeaveEnds(Invalid):
    """Only who is on leave comes back."""

    message = _l("Only leave has a first day back. Empty the field, or choose leave.")


class LightIsEnough(Invalid):
    """Up to ten working days a stand-in is enough."""

    message = _l("This leave takes %(days)s working days. For up to %(most)s a stand-in is enough; enter one here.")


class DaysTheSame(Conflict):
    """Other days are others."""

    message = _l("These are the days that hold already. Nothing was changed.")


class DaysMoved(Conflict):
    """Somebody else has moved the last day meanwhile."""

    message = _l("Somebody else has moved the last day meanwhile. Look at it first, then send yours again.")


# --- Beginning and ending ----------------------------------------------------------------------


class AlreadyHandingOver(Conflict):
    """One handover of a person is open at a time."""

    message = _l("A handover of this person is open already. Go on with that one, or call it off first.")

    def __init__(self, href: str) -> None:
        super().__init__()
        # Where it is, for whoever may open it.
        self.href = href


class PersonGone(Conflict):
    """Who has no account any more does not begin to hand over."""

    message = _l("This person has no active account any more.")


class StandInUnderWay(Conflict):
    """What is with a stand-in comes back first."""

    message = _l(
        "A stand-in is at work for this person, or planned for these days. Call that off first, or choose other days."
    )

    def __init__(self, href: str) -> None:
        super().__init__()
        # Where it is, for whoever may open it.
        self.href = href


class HandoverUnderWay(Conflict):
    """What is being handed over does not go to a stand-in."""

    message = _l(
        "A handover of this person is open; a stand-in in these days would take its things away. Choose days after it, "
        "or call one of them off."
    )


class HandoverOver(Conflict):
    """What is closed or called off stays as it is."""

    message = _l("This handover is closed or called off. Nothing can be changed in it any more.")


class NotAllAccepted(Conflict):
    """Nothing live is left without somebody who has accepted it."""

    message = _l("The handover cannot be closed yet. Nobody has accepted: %(titles)s")


class NothingToHandBack(Conflict):
    """Leave is handed back once, after its handover was closed."""

    message = _l("There is nothing to hand back: either it came back already, or nothing has moved.")


class MilestoneNotSaid(Invalid):
    """Cards and answers speak for themselves."""

    message = _l("This is not said by anybody: it follows from the cards and from what successors answer.")


class MilestoneMetAlready(Conflict):
    """What is done is said once."""

    message = _l("This was said already. Load the page again.")


# --- Items -------------------------------------------------------------------------------------


class ItemGone(Conflict):
    """What is gone is not handed over."""

    message = _l("This does not need to be handed over any more. Load the page again.")


class NamedMeanwhile(Conflict):
    """Whoever names a successor has seen who is one."""

    message = _l(
        "The successor of “%(title)s” was changed meanwhile: %(name)s. Nothing else was changed. Look at it, then name "
        "whom you mean."
    )


class AcceptedByAnother(Conflict):
    """What somebody accepted is given to another only knowingly."""

    message = _l(
        "%(name)s has accepted this: “%(title)s”. With another successor that does not count any more, and it begins "
        "anew. Say that it is meant so, then name the successor once more."
    )


class ListChanged(Conflict):
    """Whoever chooses everything means what she saw."""

    message = _l("The list has changed since it was shown, so nothing was changed. Look at it, then choose once more.")


class NothingChosen(Invalid):
    """Somebody is to take over something."""

    message = _l("Choose what is to be taken over.")


class SuccessorUnfit(Invalid):
    """Who takes over is somebody else with an active account."""

    message = _l("Choose somebody else who has an active account.")


class NotHers(Conflict):
    """Evidence and decisions are the successor's own."""

    message = _l("This is not with this account at the moment: it was refused, or is with the lead.")


class OtherSuccessor(NotHers):
    """Who was to take it over once has nothing to say any more."""

    message = _l("Somebody else is to take this over by now: %(name)s. Nothing was changed.")


class AcceptedMeanwhile(Conflict):
    """What was accepted needs no stage, and no waiver, any more."""

    message = _l("This was accepted meanwhile. Nothing was changed.")


class StageNotNext(Conflict):
    """Stages come in their order."""

    message = _l("Another stage comes first, or this one is done. Load the page again.")


class StageNotWaivable(Invalid):
    """That it was done alone is never waived."""

    message = _l("That it was done alone cannot be waived: it is what the successor accepts on.")


class DoneInFuture(Invalid):
    """What was done lies behind."""

    message = _l("The day lies in the future. Enter the day on which it was done.")


class DoneLongAgo(Invalid):
    """Evidence is of this handover."""

    message = _l("The day lies more than a year back. Check the year.")


class DoneBeforeHandover(Invalid):
    """What was done before it began is no evidence of it."""

    message = _l("The day lies before this handover began. Enter the day on which it was done for this handover.")


class DoneBeforeStage(Invalid):
    """A later stage was done no earlier."""

    message = _l("The stage before this one was done on %(day)s. This one cannot lie before it.")


class EvidenceMissing(Conflict):
    """Nobody accepts what she has not done alone."""

    message = _l("An item is accepted once it was done alone, with evidence of it.")


class RoleMissing(Conflict):
    """Nobody takes over what she could not open and change afterwards."""

    message = _l(
        "This needs a role that %(name)s does not have yet: %(roles)s. An administrator gives it; the administrators "
        "were asked for it when the successor was named."
    )


class RolesMissing(Conflict):
    """Nothing moves to somebody who could not open and change it."""

    message = _l(
        "The handover cannot be closed yet. A role is missing for: %(titles)s. An administrator gives it first: "
        "%(roles)s."
    )


class StandInUnfit(Conflict):
    """Who could do nothing with any of the things does not stand in."""

    message = _l(
        "%(name)s has no role for any of these things. Choose somebody else, or let an administrator give this role "
        "first: %(roles)s."
    )


class AlreadyDecided(Conflict):
    """The same is not said twice."""

    message = _l("This was said already. Load the page again.")


class EvidenceInUse(Conflict):
    """What an acceptance rests on, or a later stage, is not taken back."""

    message = _l("Only the latest stage can be taken back, and only as long as the item is not accepted.")


# --- Quizzes from the cards --------------------------------------------------------------------


class TooFewQuestions(Conflict):
    """A quiz asks at least three questions."""

    message = _l(
        "The cards hold %(there)s questions about this; a quiz needs at least %(least)s. "
        "Ask whoever hands over to write some on the card."
    )


class HandedInAlready(Conflict):
    """A try is marked once."""

    message = _l("This try was handed in already. Begin another one; every try is kept.")


class AnswersMissing(Invalid):
    """Every question is answered before a quiz is marked."""

    message = _l("Choose an answer to every question; missing: %(places)s. What was chosen is still there.")


class RemovedAlready(Conflict):
    """What was taken out is gone for good."""

    message = _l("This text has been taken out already.")


class RemovalAsked(Conflict):
    """It is asked for once."""

    message = _l("Somebody has asked for this already. Another person confirms it.")


class RemovalByTwo(Conflict):
    """Nobody takes a text out alone."""

    message = _l("It takes two people: one asks for it, another confirms it.")


class RemovalDecided(Conflict):
    """A request is decided once."""

    message = _l("This has been decided meanwhile. Nothing was changed.")


# --- Stand-ins ---------------------------------------------------------------------------------


class StandInTooLong(Invalid):
    """More than ten working days need a handover."""

    message = _l("This takes %(days)s working days. A stand-in is for up to %(most)s; start a handover instead.")


class DaysInverted(Invalid):
    """A last day comes no earlier than the first."""

    message = _l("The last day lies before the first one. Check both.")


class FirstDayPast(Invalid):
    """A stand-in begins today at the earliest."""

    message = _l("The first day lies in the past. Enter today or a later day.")


class StandInOverlaps(Conflict):
    """One stand-in of a person at a time."""

    message = _l("There is a stand-in for some of these days already. Call that off, or choose other days.")


class StandInAway(Conflict):
    """Nobody stands in while she is away herself."""

    message = _l("%(name)s is away from %(first)s to %(last)s. Choose somebody else, or other days.")


class SuccessorLeaves(Conflict):
    """Who goes before does not stand in."""

    message = _l("The last day of %(name)s is %(day)s. Choose somebody else, or other days.")


class NoWorkingDay(Invalid):
    """On days off nobody needs a stand-in."""

    message = _l("There is no working day among these days, so no stand-in is needed. Check the days.")


class StandInOver(Conflict):
    """What came back does not come back again."""

    message = _l("This is over already. Load the page again.")


class DeclinedAlready(Conflict):
    """Who cannot says so once."""

    message = _l("This was said already: whoever leads is told, and finds somebody else.")


class FieldMissing(Invalid):
    """The three fields are what the stand-in has."""

    message = _l("Fill in all three fields; the stand-in has nothing else to go by.")


# --- Orphans -----------------------------------------------------------------------------------


class NotAnOrphan(Conflict):
    """Accepted is what somebody answers for."""

    message = _l("This person does not answer for it any more, or it needs no owner. Load the page again.")


class NoOrphanChosen(Invalid):
    """Something is to be left without an owner."""

    message = _l("Choose what may be left without an owner.")


class AcceptedAlready(Conflict):
    """Nobody accepts twice for two."""

    message = _l("This was accepted by the same person already. It takes two different people.")


# --- Dossiers ----------------------------------------------------------------------------------


class NothingToIssue(Conflict):
    """A version says something that the last one does not."""

    message = _l("There is nothing to issue: every dossier says what was issued last.")


class DossierTooLong(Invalid):
    """A dossier is a document that can be read."""

    message = _l(
        "The dossier cannot be issued: %(reason)s Shorten the longest cards; what is too much for them fits in a "
        "document that they name."
    )

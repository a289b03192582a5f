"""What duties refuse."""

from __future__ import annotations

from collections.abc import Sequence

from portal.core.errors import Conflict, Invalid, NotFound
from portal.core.i18n import LazyText
from portal.core.i18n import lazy_gettext as _l


class NoSuchTask(NotFound):
    """There is no recurring task of this code, or it is not hers to see."""

    message = _l("There is no such recurring task here. Go back to the list of recurring tasks.")


class NoSuchRun(NotFound):
    """There is no run of this code."""

    message = _l("Nothing of this kind is recorded here. Go back to the task.")


class NoSuchThing(NotFound):
    """There is nothing of this kind and code that somebody answers for, or it is not hers to see."""

    message = _l("There is nothing of this name that somebody answers for. Go back to the list of responsibilities.")


class TitleMissing(Invalid):
    """A task is named in both languages."""

    message = _l("Write the title in Japanese and in English.")


class TitleTooLong(Invalid):
    """A title is a line."""

    message = _l("The title has %(length)s characters; at most %(limit)s are kept. Shorten it.")


class ReasonMissing(Invalid):
    """What is changed, skipped, taken back or ended has a reason that others read."""

    message = _l("Write a reason; whoever answers for it later reads it.")


class TextTooLong(Invalid):
    """A reason or a note is a few sentences."""

    message = _l("The text has %(length)s characters; at most %(limit)s are kept. Shorten it.")


class OutOfBounds(Invalid):
    """A number lies outside of what is possible."""

    message = _l("Enter a whole number from %(least)s to %(most)s.")


class DayMissing(Invalid):
    """The rhythm names a day."""

    message = _l("Choose on which day it falls due.")


class StartsFarAway(Invalid):
    """The first day lies within a year of today."""

    message = _l("The first day lies more than a year from today. Check the year.")


class StartsBeforeRuns(Invalid):
    """Other terms hold from a day on of which nothing has been recorded yet."""

    message = _l("What became of %(day)s is recorded already. Let the new terms hold from a later day on.")


class StartsInPast(Invalid):
    """Other terms hold from today on or later; what fell due before keeps its day."""

    message = _l("New terms hold from today on or later. Choose another first day.")


class NoSuchPlace(Invalid):
    """A market or team that does not exist, or a team of another market, or one that is closed."""

    message = _l("This team does not belong to the market, or is closed. Choose again.")


class OutsideScope(Invalid):
    """Whoever leads or writes for a market makes tasks of that alone."""

    message = _l("This account's roles do not reach this far. Choose a market or team within their reach.")


class ProcedureMissing(Invalid):
    """The procedure is a document that can be read."""

    message = _l("There is no such document that could be read. Choose another one.")


class ClauseMissing(Invalid):
    """A clause of the procedure is one that its version in force has."""

    message = _l("The text in force has no clause of this name. Choose one of it, or leave it empty.")


class OwnerMissing(Invalid):
    """Somebody answers for it from its first day."""

    message = _l("Choose who answers for it: somebody with an active account.")


class OwnerAudits(Invalid):
    """Who only looks through things could do nothing with what she answers for."""

    message = _l("%(name)s audits and changes nothing. Choose somebody else to answer for it.")


class DeputyAudits(Invalid):
    """The same holds for who stands in."""

    message = _l("%(name)s audits and changes nothing. Choose somebody else as deputy, or nobody.")


class DeputyMissing(Invalid):
    """Who stands in has an active account."""

    message = _l("Choose as deputy somebody with an active account, or nobody.")


class DeputyIsOwner(Invalid):
    """Who stands in is somebody else."""

    message = _l("Choose somebody else as deputy than as owner.")


class OnlyTheDeputy(Invalid):
    """Who answers for a thing names who stands in; that somebody else answers for it is decided by who leads."""

    message = _l("Whoever answers for it may name the deputy alone. Another owner is named by who leads.")


class NothingChanged(Conflict):
    """New terms, or owners, are others than those that hold."""

    message = _l("This is what holds already. Nothing was changed.")


class TermsChanged(Conflict):
    """Somebody else has set other terms while these were written."""

    message = _l("Somebody else has changed the terms meanwhile. Look at them first, then send yours again.")


class OwnerChangedMeanwhile(Conflict):
    """Somebody else has named others while the page was open."""

    message = _l("Somebody else has named others meanwhile. Look at them first, then decide again.")


class CriticalityChanged(Conflict):
    """Somebody else has judged or proposed while the page was open."""

    message = _l("Somebody else has judged it meanwhile. Look at that first, then decide again.")


class TaskEnded(Conflict):
    """What has ended does not fall due any more."""

    message = _l("This task has ended. Nothing was changed.")


class NotDue(Conflict):
    """Something is recorded for days that have come, and for the next one."""

    message = _l("The task does not fall due on this day, or not yet. Choose one of the days on its page.")


class FulfilledByItself(Conflict):
    """What is fulfilled by itself is not recorded by hand."""

    message = _l(
        "This is recorded by itself when a rehearsal of a handover is closed. "
        "Where it is not needed this time, leave it out and say why."
    )


class RunRecorded(Conflict):
    """What became of a day is recorded once."""

    message = _l("What became of this day is recorded already. Take that back first if it is wrong.")


class RunTakenBack(Conflict):
    """What was taken back stays so."""

    message = _l("This record has been taken back already. Nothing was changed.")


class DoerMissing(Invalid):
    """Somebody with an account in the market of the task did it."""

    message = _l("Choose who did it: somebody who works for the task's market.")


class HelperUnasked(Invalid):
    """Whoever did it alone had no help."""

    message = _l("Done alone means that nobody helped. Choose “with help”, or nobody as helper.")


class ClauseWithoutProcedure(Invalid):
    """A clause is one of the procedure."""

    message = _l("A clause belongs to a procedure. Choose the procedure too, or leave the clause empty.")


class HelperMissing(Invalid):
    """Who helped is said, and is somebody else."""

    message = _l("Choose who helped: somebody else than who did it.")


class DoneInFuture(Invalid):
    """What is done was done today or before."""

    message = _l("This day is still to come. Choose the day on which it was done.")


class DoneLongBefore(Invalid):
    """A run lies near the day that it belongs to."""

    message = _l("This day lies more than %(days)s days before the day on which it fell due. Check it.")


# --- Cards -------------------------------------------------------------------------------------


class NoSuchCard(NotFound):
    """There is no card of this thing, or it is not hers to see."""

    message = _l("There is no such card here. Go back to the list of cards.")


class CardRefused(Invalid):
    """A card is not kept as it is; every fault names its field (None: the card as a whole)."""

    message = _l("The card was not saved. What was typed is still here.")

    def __init__(self, faults: Sequence[tuple[str | None, LazyText]]) -> None:
        super().__init__()
        self.faults = faults


class CardChanged(Conflict):
    """Somebody else has saved the card while it was being written."""

    message = _l("Somebody else has saved this card meanwhile. Look at what differs, then save again.")


class CheckedAlready(Conflict):
    """A card is checked once a day."""

    message = _l("This card has been checked today already. Nothing was changed.")


class CardThere(Conflict):
    """Whoever has written a card writes it on, and not a second one of the same title."""

    message = _l("There is a card with this title of the same owner already. Go on with that one, or change the title.")


class CardEnded(Conflict):
    """What has ended is read, not written any more."""

    message = _l("This card has ended. What it said stays readable.")


class ThingGone(Conflict):
    """The card of a thing that is not in use any more is read, not written."""

    message = _l("This is not in use any more, so its card is not written any more. What it said stays readable.")


class NothingToTakeOut(Invalid):
    """A text that is taken out stands in the version that was read."""

    message = _l("Choose a part that says something in this version of the card.")


class TakenOutAlready(Conflict):
    """What is gone is not taken out again."""

    message = _l("This text has been taken out already. Nothing was changed.")


class RemovalWaits(Conflict):
    """One request for a part waits at a time."""

    message = _l("It is asked already that this part be taken out. Another person confirms or declines that first.")


class RemovalByTwo(Conflict):
    """Who asks does not confirm."""

    message = _l("Another person has to confirm it. Nothing was changed.")


class RemovalDecided(Conflict):
    """A request is decided once."""

    message = _l("This has been decided meanwhile. Nothing was changed.")


class NoteLooksSecret(Invalid):
    """No note keeps a secret."""

    message = _l(
        "Line %(line)s looks like %(what)s (%(shown)s). Nothing here keeps secrets: "
        "write where access is asked for, and change the secret if others could read it."
    )

"""What training refuses."""

from __future__ import annotations

from portal.core.errors import Conflict, Invalid, NotFound
from portal.core.i18n import format_date
from portal.core.i18n import lazy_gettext as _l


class NoSuchPlan(NotFound):
    """There is no plan of this slug."""

    message = _l("There is no plan “%(slug)s”. Check its name in the list of plans.")


class NoSuchFeed(NotFound):
    """There is no calendar to subscribe at this address, or it was revoked."""


class MonthUnknown(Invalid):
    """A month is asked for as year and month."""

    message = _l("“%(given)s” is no month. Write it as 2026-05, from 2000 on.")


class WeekUnknown(Invalid):
    """A week is asked for by one of its days."""

    message = _l("“%(given)s” is no day of a week. Write it as 2026-05-11, from 2000 on.")


class NoSuchEnrollment(NotFound):
    """There is no enrollment of this code, or not for this person."""

    message = _l("There is no such training here. Go back to Today.")


class NoSuchStep(NotFound):
    """The plan has no such step, or none of this kind."""

    message = _l("The plan has no such step. Go back to Today.")


class NoSuchSheet(Conflict):
    """The list was not read from a workbook with a sheet of this name, or that one was not kept."""

    message = _l("This sheet cannot be read any more. Upload the file again.")


class NoSuchExtension(NotFound):
    """There is no extension of this number."""

    message = _l("There is no such extension.")


class NoSuchEvent(NotFound):
    """The plan has no such event."""

    message = _l("The plan has no such event. Go back to the path, or choose another plan.")


class EventDatesMissing(Invalid):
    """The plan counts from events of which nobody has said when they take place."""

    message = _l("The plan counts from days that are not set yet: %(events)s. Give their dates.")


class EventOutOfBounds(Invalid):
    """An event takes place within a year of today, or of the first day."""

    message = _l("The day of “%(event)s” lies more than a year away. Check the year.")


class EventUnchanged(Conflict):
    """The event takes place on this day already."""

    message = _l("“%(event)s” is on this day already.")


class PlanCannotBeFollowed(Invalid):
    """The steps of a plan contradict one another."""

    message = _l("The plan cannot be followed: %(faults)s")


class VersionNumberInvalid(Invalid):
    """A version number is major.minor."""

    message = _l("“%(number)s” is no version number. Write it as 1.0, 1.1 or 2.0.")


class VersionNotHigher(Conflict):
    """A new version must have a higher number than the last."""

    message = _l("Version %(number)s does not follow version %(latest)s. Give the new version a higher number.")


class AlreadyEnrolled(Conflict):
    """A person follows a plan once at a time."""

    message = _l("%(name)s follows this plan already.")


class PersonInactive(Conflict):
    """A deactivated account cannot be enrolled."""

    message = _l("The account of %(name)s is deactivated. Activate it first.")


class ZoneUnknown(Invalid):
    """The market's time zone does not exist, so that nobody knows what day it is there."""

    message = _l("The time zone “%(zone)s” of the market %(market)s does not exist. Correct it in the settings.")


class NotWaitingForSignOff(Conflict):
    """The step is done already, or not ready, or sent back."""

    message = _l("This step is not waiting for a sign-off any more. Load the list again.")


class NotSentBack(Conflict):
    """Only what was sent back can be asked for again."""

    message = _l("This step was not sent back, or is done already. Load the page again.")


class DateIsPast(Conflict):
    """What is done or ended has no date that could move."""

    message = _l("This step is done, or the training has ended, so its date stays. Load the page again.")


class ReasonMissing(Invalid):
    """What changes somebody's plan has a reason, which the learner reads."""

    message = _l("Write a reason; the learner reads it.")


class ExtensionOutOfBounds(Invalid):
    """More time is counted in whole working days."""

    message = _l("More time is 1 to %(most)s working days.")


class ExtensionIsTakenBack(Conflict):
    """An extension is taken back once."""

    message = _l("This extension has been taken back already. Load the page again.")


class TakingBackChanged(Conflict):
    """What taking an extension back would change is another thing than what was shown."""

    message = _l("Something has changed meanwhile. Look at what would change now, then decide.")


class PlanIsOver(Conflict):
    """What is completed or ended cannot be ended."""

    message = _l("This training is completed, or has been ended already. Load the page again.")


class StartUnchanged(Conflict):
    """The plan begins on this day already."""

    message = _l("The plan begins on this day already.")


class StartOutOfBounds(Invalid):
    """A first day lies within a year of today."""

    message = _l("The first day lies more than a year from today. Check the year.")


class OverBeforeItBegins(Invalid):
    """Everything of a plan that counts from events would be due before its first day."""

    message = _l(
        "The plan would be over on %(last)s, before its first day, %(first)s. "
        "Check the first day and the days of the events."
    )

    def __str__(self) -> str:
        return str(self.message) % {name: format_date(day) for name, day in self.values.items()}


class AlreadyPaused(Conflict):
    """A pause is not over yet."""

    message = _l("The plan is paused already. Load the page again.")


class NotPaused(Conflict):
    """Only what is paused can be resumed."""

    message = _l("The plan is not paused any more. Load the page again.")


class _DayOutOfBounds(Invalid):
    """A day lies outside of those that are possible, `first` to `last`."""

    def __str__(self) -> str:
        return str(self.message) % {name: format_date(day) for name, day in self.values.items()}


class PauseOutOfBounds(_DayOutOfBounds):
    """A pause begins after the last one, and not long ago or far ahead."""

    message = _l("The pause can begin from %(first)s to %(last)s.")


class ResumesOutOfBounds(_DayOutOfBounds):
    """A pause ends after it began, within a year."""

    message = _l("The first day that counts again can be from %(first)s to %(last)s.")


class StatementMissing(Invalid):
    """A sign-off says what was shown; what is sent back says what is missing."""

    message = _l("Write in a sentence what was shown, or what is still missing.")


class NothingToSendBack(Conflict):
    """Of some steps only is recorded that they took place."""

    message = _l("Of this step is recorded only that it took place; it cannot be sent back. Load the page again.")


class StatementTooLong(Invalid):
    """A statement is a few sentences."""

    message = _l("The statement has %(length)s characters; at most %(limit)s are kept. Shorten it.")


class DraftDone(Conflict):
    """A draft becomes a cohort once."""

    message = _l("This cohort has been created already. Open it from the list of cohorts.")


class PreviewChanged(Conflict):
    """What would be created is another thing than the preview that was looked at has shown."""

    message = _l("Something has changed meanwhile, and nothing has been created. Look at the preview again.")


class CannotBeCreated(Conflict):
    """Something stands in the way of a cohort; the preview names it."""

    message = _l("This cannot be created yet: %(obstacles)s")


class TooManyPeople(Invalid):
    """A list is longer than a cohort can be."""

    message = _l(
        "The list has %(count)s lines; at most %(most)s people are enrolled at once. Begin with the first of them "
        "and add the others to the cohort afterwards."
    )


class NotYourTeam(Invalid):
    """A cohort is created for a team or market that one leads."""

    message = _l("This team does not belong to those that this account leads. Choose another one.")


class HasBegun(Conflict):
    """A cohort can be withdrawn until somebody in it has begun."""

    message = _l(
        "Somebody in this cohort has begun already, so that it cannot be withdrawn as a whole. "
        "End the plan of single people instead."
    )


class GateNotReached(Conflict):
    """A gate is signed off only while its figures reach what the plan asks."""

    message = _l("The gate is not reached, so it cannot be signed off. Load the page again to see what is missing.")


class EvidenceMissing(Invalid):
    """Something is handed in, of the kinds that the plan allows."""

    message = _l("Hand in at least one of these: %(kinds)s.")


class EvidenceNotAsked(Invalid):
    """The plan does not take this kind of evidence."""

    message = _l("This task takes nothing but: %(kinds)s.")


class EvidenceTooLong(Invalid):
    """What is handed in as a text is a few pages."""

    message = _l("The text has %(length)s characters; at most %(limit)s are kept. Shorten it, or hand in a file.")


class LinkRefused(Invalid):
    """A link is a whole address that begins with https."""

    message = _l("This is no address that can be opened safely. Write the whole address, beginning with https://.")


class FileTooLarge(Invalid):
    """A file that is handed in is bounded."""

    message = _l("The file is larger than %(most)s MB. Make it smaller, or hand in a link to it.")


class FileEmpty(Invalid):
    """A file with nothing in it."""

    message = _l("The file is empty. Choose another one.")


class FileKindRefused(Invalid):
    """Only some kinds of files are taken, and what a file holds has to fit its name."""

    message = _l(
        "“%(name)s” is none of the files that can be handed in, or its contents do not fit its name. Possible are: "
        "PDF, PNG, JPEG, text (.txt), CSV, Word (.docx) and Excel (.xlsx)."
    )


class FileHasMacros(Invalid):
    """An office file that carries programs is not taken, whatever it is called."""

    message = _l("“%(name)s” contains macros, and files with macros are not taken. Save it without them.")


class FileUnpacksTooLarge(Invalid):
    """An office file is an archive, and says how large it is inside."""

    message = _l(
        "“%(name)s” is small as it is sent and far too large once it is opened. Remove what makes it so large, or hand "
        "in a PDF."
    )


class NotToBeHandedIn(Conflict):
    """The task is done, or something comes before it."""

    message = _l("Nothing can be handed in for this step now: it is done, or other steps come first.")


class NewerEvidence(Conflict):
    """Something newer was handed in while a decision was written."""

    message = _l("Something newer has been handed in meanwhile. Look at it first, then decide.")


class NoSuchEvidence(NotFound):
    """There is no such file in what was handed in."""

    message = _l("There is no such file here. Go back to the task.")


class NoSuchSession(NotFound):
    """There is no session of this code, or not for this person."""

    message = _l("There is no such session here. Go back to the list of sessions.")


class NobodyChosen(Invalid):
    """A session is for somebody."""

    message = _l("Choose at least one learner.")


class CannotAttend(Invalid):
    """A chosen learner does not follow the plan any more, has done the step, or is expected at another session."""

    message = _l(
        "%(names)s cannot be added any more: done, ended, or expected at another session. Load the page again."
    )


class TimeDoesNotExist(Invalid):
    """The clocks are put forward over this time."""

    message = _l("On this day there is no %(time)s in %(zone)s: the clocks are put forward. Choose another time.")


class SessionBackwards(Invalid):
    """A session ends after it begins, on the same day."""

    message = _l("The session has to end after it begins, within %(most)s hours.")


class SessionOutOfBounds(Invalid):
    """A session lies within a year ahead, or not long ago."""

    message = _l("The session can be from two months ago to a year ahead. Check the date.")


class PlaceMissing(Invalid):
    """People have to find a session."""

    message = _l("Write the place or the link of the session.")


class PlaceTooLong(Invalid):
    """A place is a line."""

    message = _l("The place has %(length)s characters; at most %(limit)s are kept. Shorten it.")


class SessionCancelled(Conflict):
    """What was cancelled stays so."""

    message = _l("This session was cancelled. Plan another one.")


class SessionTaken(Conflict):
    """A session whose attendance was recorded stays where it was."""

    message = _l("The attendance of this session has been recorded already, so it is neither moved nor cancelled.")


class SessionUnchanged(Conflict):
    """Nothing of time and place has changed."""

    message = _l("The session is at this time and place already.")


class SessionNotBegun(Conflict):
    """Attendance is recorded once a session has begun."""

    message = _l("The session has not begun yet. Attendance can be recorded from %(start)s.")


class AttendanceChanged(Conflict):
    """Somebody else has recorded attendance meanwhile."""

    message = _l("Somebody else has recorded attendance meanwhile. Load the page again.")


class CorrectionNeedsReason(Invalid):
    """What was recorded is corrected with a reason."""

    message = _l("Write a reason for the correction; both entries stay recorded.")


class NothingRecorded(Invalid):
    """At least one learner has to be marked."""

    message = _l("Mark at least one learner, or press “Everybody was present”.")


class NoSuchVersion(NotFound):
    """The plan has no version of this number."""

    message = _l("The plan has no such version. Choose another one.")


class SameVersion(Conflict):
    """The learner is in this version already."""

    message = _l("The learner is in this version of the plan already.")


class SamePlan(Conflict):
    """Within a plan there are versions to go on in."""

    message = _l("The learner follows this plan. Another version of it is chosen on its own page.")


class MoveChanged(Conflict):
    """What another plan would mean is another thing than what was shown."""

    message = _l(
        "Something has changed meanwhile: a step was done, a date moved, or the plan has a new version. "
        "Look at the dates again, then decide."
    )


class SwapChanged(Conflict):
    """What a swap would change is another thing than what was shown."""

    message = _l(
        "Something has changed meanwhile: a step was done, a date moved, or there is a new version. "
        "Look at what would change now, then decide."
    )


class GateCannotBeExempted(Conflict):
    """A gate is where somebody is let through because of figures; without them it would let everybody through."""

    message = _l(
        "Nobody is exempt from a gate: it says that a level was reached. Have the quizzes that it rests on decided by "
        "two people in the gradebook, give more time, or let the learner follow a version of the plan without it."
    )


class DoneNotExempted(Conflict):
    """What is done stays done."""

    message = _l("This step is done, so there is nothing from which to exempt. What is done stays recorded.")


class AlreadyExempt(Conflict):
    """The learner is exempt from the step already."""

    message = _l("The learner is exempt from this step already.")


class NotExempt(Conflict):
    """There is no exemption to take back."""

    message = _l("There is no exemption from this step that could be taken back.")


class NothingWouldRemain(Conflict):
    """A plan is not completed by being exempt from all of it."""

    message = _l("Then no required step of the plan would be left. End the plan instead.")


class ExemptionChanged(Conflict):
    """What an exemption would change is another thing than what was shown."""

    message = _l("Something has changed meanwhile. Look at what would change now, then decide.")


class NoSuchPlanDraft(NotFound):
    """There is no draft of this code, or none that this person may see."""

    message = _l("There is no such draft of a plan. The list of plans shows those that are being written.")


class PlanSlugInvalid(Invalid):
    """A plan is addressed by a slug."""

    message = _l(
        "“%(slug)s” cannot be an address. Use lower-case letters a to z, digits and hyphens, starting with a letter; "
        "not “new”."
    )


class PlanThereAlready(Conflict):
    """A new plan has an address that no other one has."""

    message = _l("There is a plan “%(slug)s” already. Choose another address, or begin its next version.")


class PlanDraftOpen(Conflict):
    """Two who change one plan work on one draft."""

    message = _l("A draft of this plan is being written already. Go on with that one.")


class PlanDraftNotWritable(Conflict):
    """A draft that is in review or over is not written."""

    message = _l("This draft is not being written at the moment. Load the page again to see where it stands.")


class PlanPartGone(Conflict):
    """Somebody else has taken out what is to be changed."""

    message = _l("This part of the plan is not there any more; somebody may have removed it. Nothing was changed.")


class PlanPartChanged(Conflict):
    """Somebody else has changed the same part since the page was loaded."""

    message = _l(
        "%(name)s has changed this part since it was loaded. What was typed stands here; save again to keep it, "
        "or load the page to see the other one."
    )


class PlanSlugTaken(Conflict):
    """Steps, phases and events are found by their slugs."""

    message = _l("“%(slug)s” is used in this plan already. Choose another name.")


class PlanTooLarge(Invalid):
    """A plan with more parts is several plans."""

    message = _l("A plan has at most %(most)s steps, phases or events of a kind. Make several plans of it.")


class NothingToUndo(Conflict):
    """There is no earlier or later save to go to, or it is somebody else's."""

    message = _l("There is nothing of yours to undo or redo.")


class PlanDraftFaulty(Conflict):
    """What keeps a plan from being followed is mended before somebody is asked to approve it."""

    message = _l("The plan cannot be submitted yet. The list of faults says what is missing.")


class PlanDraftUnchanged(Conflict):
    """A version says something that the one before did not say."""

    message = _l("The draft says what version %(number)s says. Change something, or discard it.")


class PlanOvertaken(Conflict):
    """Another version was published since the draft was begun."""

    message = _l("Version %(number)s was published since. Take over what changed in it first.")


class PlanDraftNotInReview(Conflict):
    """Only what waits for an approval is approved, sent back or taken back."""

    message = _l("This draft does not wait for an approval any more. Load the page again to see what became of it.")


class PlanApproverWroteIt(Conflict):
    """Nobody approves what she has written in."""

    message = _l("Whoever has written in a draft cannot approve it. Ask another approver.")


class PlanDraftChanged(Conflict):
    """An approval is of exactly what was looked at."""

    message = _l("The draft has been changed since this page was loaded, and was not approved. Look at it again.")


class RemarkMissing(Invalid):
    """Who gets a draft back reads why."""

    message = _l("Write what has to change; the author reads it.")

"""What quizzes refuse, and what the person can do then."""

from __future__ import annotations

from typing import Any, ClassVar

from portal.core.errors import Conflict, DomainError, Invalid, NotFound, TooMany
from portal.core.i18n import LazyText, ngettext
from portal.core.i18n import gettext as _
from portal.core.i18n import lazy_gettext as _l


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


class OnlyAssigned(CannotStart):
    """The quiz is open only to those to whom it is assigned."""

    message = _l(
        "This quiz opens when your training plan comes to it. If it is in none of your plans and you should take it, "
        "ask your lead."
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
    """The banks hold fewer questions than the quiz draws.

    `owner`: the name of who answers for the quiz, for whoever wants to start it; None where nobody does.
    """

    message = _l("The question bank does not have enough questions for this quiz.")
    _OF_NOBODY: ClassVar[LazyText] = _l(
        "This quiz cannot be started now, because its question bank does not have enough questions. Please tell an "
        "administrator."
    )
    _OF_OWNER: ClassVar[LazyText] = _l(
        "This quiz cannot be started now, because its question bank does not have enough questions. Please tell "
        "%(owner)s, who answers for the quiz."
    )

    def __str__(self) -> str:
        if "owner" not in self.values:
            return super().__str__()
        return str(self._OF_OWNER) % self.values if self.values["owner"] else str(self._OF_NOBODY)


class CutMustBeConfirmed(Conflict):
    """The window ends before the promised time would."""

    message = _l("This quiz closes before the full time is up. Tick the box on this page, then start.")


class BadAnswer(Invalid):
    """What was sent is no answer to this question."""

    message = _l("This is not an answer to question %(number)s. Load the page again; what was saved is still there.")


class AnswerTooLong(Invalid):
    """More was written than is taken."""

    message = _l(
        "The answer to question %(number)s is longer than %(most)s characters and was not saved. Shorten it; it is "
        "still on the page."
    )


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


class GrantTooLate(NotRunning):
    """Minutes are granted while the attempt runs."""

    message = _l(
        "This attempt is over, so no minutes can be granted any more. Answers that came too late can be accepted, or "
        "the attempt be made void."
    )


class GrantedInBetween(Conflict):
    """Two who look after the same attempt do not grant the same minutes twice without knowing of each other."""

    message = _l(
        "Somebody else has granted minutes since this page was loaded. Nothing was added; look at what was granted, "
        "then decide."
    )


class AlreadyVoid(Conflict):
    """Somebody else has made the attempt void; her reason is the one that the learner reads."""

    message = _l("Somebody else has made this attempt void in the meantime. Nothing was changed.")


class AlreadyAccepted(Conflict):
    """Somebody else has accepted the late answer; her reason is the one that the learner reads."""

    message = _l("Somebody else has accepted this late answer in the meantime. Nothing was changed.")


class AlreadyDeclined(Conflict):
    """Somebody else has declined the late answer; her reason is the one that the learner reads."""

    message = _l("Somebody else has declined this late answer in the meantime. Nothing was changed.")


class AlreadyReleased(Conflict):
    """The result has been shown."""

    message = _l("This result has been released. Two people can make it void: one asks, another confirms.")


class ResultNotOut(Conflict):
    """What nobody has been told needs no second person."""

    message = _l("This result is not out, so one person can make the attempt void. Load the page again.")


class VoidAsked(Conflict):
    """A request for the attempt waits already."""

    message = _l("Somebody has asked for this already. It waits for a second person.")


class VoidDecided(Conflict):
    """The request was confirmed, declined or taken back before."""

    message = _l("This has been decided already. Load the page again to see how.")


class VoidNeedsSecondPerson(Conflict):
    """Who asks for a void does not confirm it."""

    message = _l("Another person than the one who asked confirms that an attempt is made void.")


class NotStale(Conflict):
    """Only what waits for a re-check is looked at again."""

    message = _l("This question does not wait for a re-check any more. Somebody has looked at it in between.")


class NotTouched(Conflict):
    """Only what a draft changes is looked at beside it."""

    message = _l("This draft does not change what the question tests, or the question waits for a re-check already.")


class QuizMovedOn(Conflict):
    """Somebody saved another version of the quiz since the page was loaded."""

    message = _l(
        "Version %(number)s of this quiz was saved in between. Your entries are still here. Compare them with that "
        "version; if you save again, yours follow it."
    )


class QuizAddressTaken(Conflict):
    """Another quiz, or a page, is at this address."""

    message = _l("Another quiz or a page has this address. Choose another one.")


class BankAddressTaken(Conflict):
    """Another question bank, or a page, is at this address."""

    message = _l("Another question bank or a page has this address. Choose another one.")


class QuizRefused(Invalid):
    """Terms that a quiz cannot have; what is wrong with them is said in words."""

    def __init__(self, why: str) -> None:
        super().__init__()
        self.why = why

    def __str__(self) -> str:
        return self.why


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


class NoBreaks(Conflict):
    """No break was agreed, or nothing of it is left."""

    message = _l("There is no break left for this attempt. The time goes on; your saved answers are there.")


class OnBreak(Conflict):
    """While the clock stands still nothing is answered."""

    message = _l("You are on a break, and the clock stands still. End the break to go on.")


class ResultIsOut(Conflict):
    """A result that was shown is not changed by accepting an answer."""

    message = _l("This result has been released, so a late answer can no longer be accepted. It can be regraded.")


class LateAnswersUndecided(Conflict):
    """A release ends the time in which late answers can be accepted."""

    message = _l(
        "Answers that came too late wait for a decision, and after the release none of them can be accepted. Read who "
        "has some, then confirm that the results are released without them."
    )


class NewerAnswer(Conflict):
    """Something newer than the late answer is stored."""

    message = _l("A newer answer to this question is stored, so the late one cannot take its place.")


class NotRefused(Conflict):
    """A late answer is accepted once the attempt is over, and while it counts."""

    message = _l("A late answer can be accepted once the attempt is over, and only where it was not made void.")


class NoSuchLateAnswer(NotFound):
    """There is no late answer of this code in the attempt."""

    message = _l("There is no such late answer in this attempt. Load the page again.")


class NoSuchPractice(NotFound):
    """There is no question for practice under this code, or it was shown to somebody else."""

    message = _l("There is no such question for practice. Go back to the list of quizzes.")


class NoPractice(Conflict):
    """The quiz offers no practice."""

    message = _l("There is no practice for this quiz. Go back to the quiz.")


class NothingToPractise(Conflict):
    """Nothing may be shown for practice now."""

    message = _l(
        "There is no question for practice at the moment. Questions of an attempt in progress are not shown here; "
        "come back when you have handed it in."
    )


class InAnAttempt(Conflict):
    """A question of a running attempt is not practised."""

    message = _l("This question is part of your attempt in progress. Its answer is not shown here until you hand in.")


class PractisedTooFast(TooMany):
    """Practice is for people, not for collecting keys."""

    def __str__(self) -> str:
        return ngettext(
            "Many questions in a short time. Wait %(num)d second, then go on.",
            "Many questions in a short time. Wait %(num)d seconds, then go on.",
            self.retry_after,
        )


class NoSuchQuestion(NotFound):
    """There is no question of this id in the bank."""

    message = _l("There is no such question in this bank. Go back to the bank's list.")


class WordingFaulty(Invalid):
    """A wording cannot be saved as it is; `wrong` says what is wrong where, `index` of which of several."""

    message = _l("The question cannot be saved like this. What is wrong stands beside its fields.")

    def __init__(self, wrong: list[Any], *, index: int = 0) -> None:
        super().__init__()
        self.wrong, self.index = wrong, index


class WordingMovedOn(Conflict):
    """Somebody else has saved the question in between."""

    message = _l("Somebody has changed this question since the page was loaded. Look at it as it is now.")


class IdTaken(Conflict):
    """An id is never used twice."""

    message = _l("There is a question of this id already, or there was one. Choose another id.")


class NotWritable(Conflict):
    """What is retired is not written on."""

    message = _l("This question is retired. Make it a draft again before it is changed.")


class NewWordingInWork(Conflict):
    """What is changed at once would be undone by the wording that waits."""

    message = _l("A new wording of this question is in work. Change it there, or approve or drop it first.")


class NothingBehind(Conflict):
    """Only a language that is behind can be said to need no change."""

    message = _l("Neither language of this question is behind.")


class BadStep(Conflict):
    """A state that does not follow."""

    message = _l("This step is not possible from the state in which the question is now.")


class ReasonMissing(Invalid):
    """Some steps need a reason."""

    message = _l("Write the reason, in at most 500 characters.")


class NotReadyForReview(Conflict):
    """Only a draft may lack a language or a clause; `lacks`: `en`, `ja`, `clause`."""

    def __str__(self) -> str:
        words = {"en": _("the English text"), "ja": _("the Japanese text"), "clause": _("a clause")}
        return _("Something is missing: %(what)s.", what=_(", ").join(words[each] for each in self.values["lacks"]))


class QuizzesGoShort(Conflict):
    """Nobody takes questions from a quiz that then cannot be started, without knowing it; `quizzes`: their titles."""

    def __str__(self) -> str:
        quizzes = self.values["quizzes"]
        return ngettext(
            "%(quizzes)s could not be started any more. Nothing was changed: look at what would come of it, and "
            "confirm it if it is meant.",
            "These quizzes could not be started any more: %(quizzes)s. Nothing was changed: look at what would come of "
            "it, and confirm it if it is meant.",
            len(quizzes),
            quizzes=_(", ").join(quizzes),
        )


class CountsForNobody(Conflict):
    """By a rule that stands this wording counts for nobody: asking it again would be for nothing."""

    message = _l(
        "A regrade says that this wording counts for nobody, so it cannot be drawn. Write a new wording, or take the "
        "rule back first."
    )


class OwnWording(Conflict):
    """The two-person rule: nobody approves her own wording."""

    message = _l("You have worked on this wording, so somebody else has to approve it.")


class BadChange(Invalid):
    """What is to be changed of many questions cannot be read."""

    message = _l("Choose what to change and a value for it. A tag is one word without commas.")


class NoSuchClause(Invalid):
    """A clause that is to be cited by many questions is in no document."""

    message = _l("There is no clause “%(clause)s” in the newest version of its document.")


class NotCitable(Conflict):
    """A question that is to cite a clause cannot be saved as it stands; `reason`: the first thing that is wrong."""

    message = _l("It cannot be saved as it stands: %(reason)s")


class TooManyClauses(Conflict):
    """A question has an end of clauses."""

    message = _l("A question can cite at most 20 clauses.")


class TooManyTags(Conflict):
    """A question has an end of tags."""

    message = _l("A question can have at most 20 tags.")


class SomeRefused(Conflict):
    """All are changed or none."""

    message = _l("Some of these questions have changed in between, so none was changed. Look at the list again.")


class SentTooOften(TooMany):
    """Files are read by a worker that others wait for too."""

    def __str__(self) -> str:
        return ngettext(
            "Too many files in a short time. Wait %(num)d second, then send it again.",
            "Too many files in a short time. Wait %(num)d seconds, then send it again.",
            self.retry_after,
        )


class FileUnknown(Invalid):
    """Nothing in a file says in which format it is."""

    message = _l("The format of this file is not recognised. Choose its format and send it again.")


class NoSuchPicture(NotFound):
    """There is no such picture, or the question that shows it cannot be seen now."""

    message = _l("There is no such picture, or the question to which it belongs cannot be seen now.")


class FileMissing(Invalid):
    """No file was sent, or an empty one."""

    message = _l("Choose a file. It is empty, or none was sent.")


class FileTooLarge(Invalid):
    """The file is larger than is read."""

    status = 413
    message = _l("The file is larger than %(megabytes)s MB. Split it.")


class FileTakenIn(Conflict):
    """What a file holds comes into a bank once."""

    message = _l("The questions of this file have been taken in already. To take in more of it, send it again.")


class FileNotRead(Conflict):
    """The worker has not read the file yet."""

    message = _l("This file is still being read. Load the page again in a moment.")


class NothingToTakeIn(Conflict):
    """Every question of the file is refused, left out or here already."""

    message = _l("There is nothing to take in: every question is refused, left out, or in the bank already.")


class IdsCameMeanwhile(Conflict):
    """Questions with the ids of a file have come into the bank since it was read."""

    message = _l(
        "Since the file was read, questions with the same ids have come into the bank. Nothing was taken in. Read the "
        "file again: what it says in the other language is then given to them."
    )


class FileOutdated(Conflict):
    """What a question rests on has changed since the file was read."""

    message = _l(
        "Since the file was read, a clause that one of its questions names has changed. Nothing was taken in. Read "
        "the file again."
    )


class BadWish(Invalid):
    """What was asked for is not offered."""

    message = _l("This choice is not offered. Load the page again and choose from its lists.")


class TooLongToWrite(Conflict):
    """A page has an end; a question with more rows than that would not arrive whole."""

    message = _l("This question has too many rows to be changed here. Change it in its bank's files.")


class NoSuchAnswer(NotFound):
    """There is no answer to be marked of this code, or it is the person's own."""

    message = _l("There is no such answer to mark. Go back to the list; what waits is listed there.")


class MarkedInBetween(Conflict):
    """Somebody else has taken or marked the answer, or it waits for nothing any more."""

    message = _l(
        "Somebody else is marking this answer or has marked it, or it need not be marked any more. Nothing was "
        "changed; take the next one."
    )


class CannotChangeMark(Conflict):
    """A mark on which another one rests stays."""

    message = _l("This mark cannot be changed any more: another person has marked the answer, or the result is marked.")


class BadMark(Invalid):
    """A criterion has no points, or more than it is worth."""

    message = _l("Give each criterion points from 0 to what it is worth, such as 2 or 1.5.")


class NoAppeal(Conflict):
    """This item cannot be questioned: not released, too late, or its questions are not shown."""

    message = _l(
        "This question cannot be appealed. An appeal is possible within %(days)s days after the result was released, "
        "where the result shows the questions."
    )


class AppealOpen(Conflict):
    """One appeal for each item waits at a time."""

    message = _l("There is an appeal about this question already; it waits for its answer.")


class NoSuchAppeal(NotFound):
    """There is no appeal of this code for this person."""

    message = _l("There is no such appeal. Go back to the list of appeals.")


class AppealAnswered(Conflict):
    """An appeal is answered once."""

    message = _l("This appeal has been answered in the meantime. Nothing was changed.")


class BadAppealAnswer(Invalid):
    """An answer says whether the appeal is upheld, why, and what follows."""

    message = _l("Say whether the appeal is upheld, what follows from it, and why. The learner reads the words.")


class CannotBeNamed(Invalid):
    """Who answers appeals reads the key, and does not answer her own."""

    message = _l("This person cannot answer the appeal. Choose somebody from the list.")


class NoSuchRegrade(NotFound):
    """There is no regrade of this code."""

    message = _l("There is no such regrade. Go back to the list of regrades.")


class RegradeOpen(Conflict):
    """One proposal for each wording of a question waits at a time."""

    message = _l("A regrade of this question has been proposed already. Decide about that one first.")


class BadRule(Invalid):
    """What was given makes no rule for this question."""

    message = _l("This rule does not fit the question. Choose what is to be accepted besides the key.")


class BadAcceptedAnswer(BadRule):
    """What was written is no answer that this question can have besides its key."""

    message = _l("“%(text)s” cannot be accepted: it is no answer to this question, or the key accepts it already.")


class NothingToTakeBack(Conflict):
    """The question is marked as its key says already, or people would have to mark it now."""

    message = _l("This question is marked as its key says already, or was never marked by a person.")


class OwnResult(Conflict):
    """Nobody decides about her own result."""

    message = _l("This concerns your own result. Somebody else has to decide about it.")


class NeedsSecondPerson(Conflict):
    """Who proposed a regrade does not approve it."""

    message = _l("A regrade is approved by another person than the one who proposed it.")


class RegradeDecided(Conflict):
    """A proposal is decided once."""

    message = _l("This regrade has been decided in the meantime. Nothing was changed.")


class PreviewOutdated(Conflict):
    """What was looked at is not what would happen now."""

    message = _l("Results have changed since this page was loaded. Look at the list as it is now, then decide.")


class RegradeRunning(Conflict):
    """Regrades of one quiz come one after the other."""

    message = _l("Another regrade of the same quiz is being carried out. Approve this one when it is finished.")


class FallNeedsReason(Invalid):
    """Whoever takes a pass away says why, for each person."""

    message = _l("Write a reason for each result that is not to stay passed. The learner reads it.")


class NoSuchFlag(NotFound):
    """Nothing was pointed out under this code."""

    message = _l("There is no such flag. Go back to the list of what results point out.")


class FlagClosed(Conflict):
    """What was pointed out is closed once."""

    message = _l("Somebody else has closed this in the meantime. Nothing was changed.")


class FlagInQuarantine(Conflict):
    """What took a question out is closed by putting it back, or by retiring it."""

    message = _l("The question is quarantined because of this. Put it back or retire it on its page, with a reason.")


class NoteMissing(Invalid):
    """Whoever closes something says what came of it."""

    message = _l("Write what came of it, in at most 500 characters.")

"""How the journal's page reads what was done to question banks, quizzes and attempts."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from flask import url_for

from portal.core.i18n import gettext as _
from portal.core.i18n import language
from portal.core.i18n import lazy_gettext as _l
from portal.core.i18n import lazy_pgettext as pgettext
from portal.journal.service import Fact, Kind, Thing, Vocabulary
from portal.quizzes import queries
from portal.quizzes.queries import appeals, regrades
from portal.quizzes.service.owned import OwnedBanks, OwnedQuizzes

_BANKS, _QUIZZES = OwnedBanks(), OwnedQuizzes()


def _find_banks(codes: Collection[str]) -> Mapping[str, Thing]:
    return {slug: Thing(each.title, each.href) for slug, each in _BANKS.find_things(codes).items()}


def _find_quizzes(codes: Collection[str]) -> Mapping[str, Thing]:
    return {slug: Thing(each.title, each.href) for slug, each in _QUIZZES.find_things(codes).items()}


def _find_attempts(codes: Collection[str]) -> Mapping[str, Thing]:
    here = language()
    return {
        attempt.code: Thing(
            _("%(quiz)s, %(person)s", quiz=attempt.quiz_version.title, person=attempt.person.name_in(here))
        )
        for attempt in queries.list_attempts_of(codes)
    }


def _meant(things: OwnedBanks | OwnedQuizzes, text: str) -> list[str]:
    found = things.find_things(things.list_live_codes())
    return [slug for slug, each in found.items() if text.casefold() in each.title.casefold()]


def _find_regrades(codes: Collection[str]) -> Mapping[str, Thing]:
    here = language()
    return {
        regrade.code: Thing(
            _(
                "%(question)s (version %(number)s)",
                question=regrade.question_version.read().title.in_(here),
                number=regrade.question_version.number,
            ),
            url_for("quizzes.regrade", code=regrade.code),
        )
        for regrade in regrades.list_regrades_of(codes)
    }


def _find_appeals(codes: Collection[str]) -> Mapping[str, Thing]:
    here = language()
    return {
        appeal.code: Thing(appeal.item.question_version.read().title.in_(here))
        for appeal in appeals.list_appeals_of(codes)
    }


VOCABULARY = Vocabulary(
    actions={
        "quizzes.attempt_started": _l("Attempt started"),
        "quizzes.attempt_submitted": _l("Attempt handed in"),
        "quizzes.attempt_extended": _l("Minutes granted for an attempt"),
        "quizzes.attempt_voided": _l("Attempt made void"),
        "quizzes.void_asked": _l("Asked that an attempt be made void"),
        "quizzes.void_declined": _l("Not made void: the request was declined or taken back"),
        "quizzes.attempt_accommodated": _l("What is agreed for the person applied to a running attempt"),
        "quizzes.break_begun": _l("Break begun"),
        "quizzes.break_ended": _l("Break ended"),
        "quizzes.answer_refused": _l("Late answer refused"),
        "quizzes.page_told_late": _l("A page told after the end what it had noticed before"),
        "quizzes.answer_accepted": _l("Late answer accepted"),
        "quizzes.answer_declined": _l("Late answer declined"),
        "quizzes.result_released": _l("Result released after the window"),
        "quizzes.results_released": _l("Results released"),
        "quizzes.attempt_marked": _l("Attempt marked: it waits for nobody any more"),
        "quizzes.answer_marked": _l("Answer marked by a person"),
        "quizzes.appeal_made": _l("Appeal made"),
        "quizzes.appeal_named": _l("Somebody else asked to answer an appeal"),
        "quizzes.appeal_answered": _l("Appeal answered"),
        "quizzes.appeal_lapsed": _l("Appeal ended without an answer: its attempt was made void"),
        "quizzes.regrade_proposed": _l("Regrade proposed"),
        "quizzes.regrade_approved": _l("Regrade approved"),
        "quizzes.regrade_declined": _l("Regrade declined"),
        "quizzes.regrade_taken_back": _l("Regrade taken back before a decision"),
        "quizzes.regrade_finished": _l("Regrade finished"),
        "quizzes.result_regraded": _l("Result corrected by a regrade"),
        "quizzes.bank_added": _l("Question bank made"),
        "quizzes.bank_taken_in": _l("Question bank imported"),
        "quizzes.file_taken_in": _l("File of questions taken in"),
        "quizzes.file_asked_for": _l("File of questions exported"),
        "quizzes.quiz_published": _l("Quiz published"),
        "quizzes.questions_stale": _l("Questions taken out of every draw: a clause has changed"),
        "quizzes.questions_called_back": _l("Questions drawn again: the version was withdrawn"),
        "quizzes.question_still_right": _l("Question re-checked: still right"),
        "quizzes.questions_added": _l("Questions added"),
        "quizzes.picture_added": _l("Picture added to a question bank"),
        "quizzes.question_saved": _l("Question saved"),
        "quizzes.question_in_step": _l("Language of a question found to need no change"),
        "quizzes.question_moved": _l("State of a question changed"),
        "quizzes.questions_changed": _l("Questions changed together"),
        "quizzes.pilots_sent_back": _l("Pilots sent back to review: a clause has changed"),
        "quizzes.question_looked_at": _l("Question looked at beside a draft"),
        "quizzes.questions_kept": _l("Questions drawn on: found right before the publication"),
        "quizzes.question_flagged": _l("Results point something out about a question"),
        "quizzes.flag_closed": _l("What results pointed out closed"),
        "quizzes.question_kept_out": _l("Question left out until it is rewritten"),
    },
    kinds={
        "attempt": Kind(_l("Attempt"), _find_attempts, queries.list_attempt_codes_meant),
        "regrade": Kind(pgettext("thing", "Regrade"), _find_regrades),
        "appeal": Kind(pgettext("thing", "Appeal"), _find_appeals),
        "quiz": Kind(_l("Quiz"), _find_quizzes, lambda text: _meant(_QUIZZES, text)),
        # What was taken in used to be noted under a name of its own; such entries stay as they are.
        "bank": Kind(_l("Question bank (earlier entries)"), _find_banks, lambda text: _meant(_BANKS, text)),
        "question_bank": Kind(_l("Question bank"), _find_banks, lambda text: _meant(_BANKS, text)),
    },
    facts={
        "quiz": Fact(_l("Quiz"), refers_to="quiz"),
        "quizzes.bank_added:title": Fact(_l("Title")),
        "quizzes.attempt_started:version": Fact(_l("Version of the quiz")),
        "attempt_no": Fact(_l("Attempt number")),
        "quizzes.attempt_submitted:by": Fact(
            _l("Handed in by"), words={"learner": _l("The learner"), "sweep": _l("The system, at the end of the time")}
        ),
        "finished_at": Fact(_l("Ended")),
        "deadline_at": Fact(_l("End of the time")),
        "late_seconds": Fact(_l("Seconds too late")),
        "quizzes.attempt_voided:asked_by": Fact(_l("Asked for by"), refers_to="person"),
        "quizzes.page_told_late:lines": Fact(_l("Lines of history")),
        "position": Fact(_l("Question")),
        "minutes": Fact(_l("Minutes")),
        "state": Fact(
            _l("State"),
            words={
                "in_progress": _l("In progress"),
                "submitted": _l("Handed in"),
                "marked": _l("Marked"),
                "released": _l("Result released"),
                "voided": _l("Void"),
            },
        ),
        "quizzes.question_moved:state": Fact(
            _l("State"),
            words={
                "draft": pgettext("question", "Draft"),
                "in_review": _l("In review"),
                "pilot": _l("On trial"),
                "live": _l("Live"),
                "quarantined": _l("Quarantined"),
                "retired": _l("Retired"),
                "proposal_draft": _l("New wording is being written"),
                "proposal_in_review": _l("New wording in review"),
                "proposal_live": _l("New wording takes the place of the old one"),
                "proposal_retired": _l("New wording dropped"),
            },
        ),
        "quizzes.questions_changed:change": Fact(
            _l("What was changed"),
            words={
                "cite": _l("Clauses cited as well"),
                "in_step": _l("Languages found to say the same"),
                "language": _l("Other language taken in"),
                "add_tag": _l("Tag added"),
                "remove_tag": _l("Tag removed"),
                "difficulty": _l("Difficulty"),
                "severity": _l("Sensitivity level"),
                "step": _l("State"),
            },
        ),
        "quizzes.questions_changed:value": Fact(_l("Value")),
        "quizzes.pilots_sent_back:version": Fact(_l("Version of the document")),
        "round": Fact(
            _l("Which mark"),
            words={"first": _l("First"), "second": _l("Second"), "moderation": _l("Moderation")},
        ),
        "quizzes.answer_marked:anew": Fact(_l("Given anew")),
        "appeal": Fact(pgettext("thing", "Appeal"), refers_to="appeal"),
        "regrade": Fact(pgettext("thing", "Regrade"), refers_to="regrade"),
        "upheld": Fact(_l("Upheld")),
        "remedy": Fact(
            _l("What follows"),
            words={"regrade": _l("Regrade for everybody"), "remark": _l("This answer is marked again")},
        ),
        "quizzes.appeal_named:person": Fact(_l("Asked"), refers_to="person"),
        "rule": Fact(
            _l("New rule"),
            words={
                "void": _l("Does not count"),
                "accept": _l("Other answers are right as well"),
                "full": _l("All points for everybody"),
                "as_written": _l("As its key says"),
            },
        ),
        "results": Fact(_l("Results changed")),
        "passes_kept": Fact(_l("Passes kept below the pass mark")),
        "passes_lost": Fact(_l("Passes not kept")),
        "score": Fact(_l("Score")),
        "passed": Fact(_l("Passed")),
        "attempts": Fact(_l("Attempts")),
        "changed": Fact(_l("Imported")),
        "quizzes.file_taken_in:file": Fact(_l("File")),
        "format": Fact(_l("Format")),
        "quizzes.picture_added:sha256": Fact(_l("Picture")),
        "quizzes.picture_added:size": Fact(_l("Bytes")),
        "number": Fact(_l("Number of questions")),
        "quizzes.file_taken_in:completed": Fact(_l("Of these, only given their other language")),
        "questions": Fact(_l("Questions")),
        "question": Fact(_l("Question")),
        "question_version": Fact(_l("Version of the question")),
        "quizzes.question_looked_at:draft": Fact(pgettext("thing", "Draft"), refers_to="draft"),
        "flag": Fact(
            _l("What results point out"),
            words={
                "negative_discrimination": _l("Negative discrimination"),
                "language_gap": _l("The languages differ"),
                "overexposed": _l("Shown too often"),
            },
        ),
        "n": Fact(pgettext("statistics", "n")),
        "figures": Fact(_l("Figures")),
        "verdict": Fact(
            _l("Said of the question"),
            words={"still_right": _l("Stays right"), "rewrite": _l("Must be rewritten")},
        ),
        "versions": Fact(_l("Versions of documents")),
    },
)

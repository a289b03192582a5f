"""How the journal's page reads what was done to question banks, quizzes and attempts."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from portal.core.i18n import gettext as _
from portal.core.i18n import language
from portal.core.i18n import lazy_gettext as _l
from portal.core.i18n import lazy_pgettext as pgettext
from portal.journal.service import Fact, Kind, Thing, Vocabulary
from portal.quizzes import queries
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


VOCABULARY = Vocabulary(
    actions={
        "quizzes.attempt_started": _l("Attempt started"),
        "quizzes.attempt_submitted": _l("Attempt handed in"),
        "quizzes.attempt_extended": _l("Minutes granted for an attempt"),
        "quizzes.attempt_voided": _l("Attempt made void"),
        "quizzes.result_released": _l("Result released after the window"),
        "quizzes.results_released": _l("Results released"),
        "quizzes.bank_taken_in": _l("Question bank imported"),
        "quizzes.quiz_published": _l("Quiz published"),
        "quizzes.questions_stale": _l("Questions taken out of every draw: a clause has changed"),
        "quizzes.questions_called_back": _l("Questions drawn again: the version was withdrawn"),
        "quizzes.question_still_right": _l("Question re-checked: still right"),
        "quizzes.question_looked_at": _l("Question looked at beside a draft"),
        "quizzes.questions_kept": _l("Questions drawn on: found right before the publication"),
        "quizzes.question_kept_out": _l("Question left out until it is rewritten"),
    },
    kinds={
        "attempt": Kind(_l("Attempt"), _find_attempts, queries.list_attempt_codes_meant),
        "quiz": Kind(_l("Quiz"), _find_quizzes, lambda text: _meant(_QUIZZES, text)),
        # What was taken in used to be noted under a name of its own; such entries stay as they are.
        "bank": Kind(_l("Question bank (earlier entries)"), _find_banks, lambda text: _meant(_BANKS, text)),
        "question_bank": Kind(_l("Question bank"), _find_banks, lambda text: _meant(_BANKS, text)),
    },
    facts={
        "quiz": Fact(_l("Quiz"), refers_to="quiz"),
        "quizzes.attempt_started:version": Fact(_l("Version of the quiz")),
        "attempt_no": Fact(_l("Attempt number")),
        "quizzes.attempt_submitted:by": Fact(
            _l("Handed in by"), words={"learner": _l("The learner"), "sweep": _l("The system, at the end of the time")}
        ),
        "finished_at": Fact(_l("Ended")),
        "deadline_at": Fact(_l("End of the time")),
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
        "attempts": Fact(_l("Attempts")),
        "changed": Fact(_l("Imported")),
        "questions": Fact(_l("Questions")),
        "question": Fact(_l("Question")),
        "question_version": Fact(_l("Version of the question")),
        "quizzes.question_looked_at:draft": Fact(pgettext("thing", "Draft"), refers_to="draft"),
        "verdict": Fact(
            _l("Said of the question"),
            words={"still_right": _l("Stays right"), "rewrite": _l("Must be rewritten")},
        ),
        "versions": Fact(_l("Versions of documents")),
    },
)

"""Every change to banks, quizzes and attempts."""

from __future__ import annotations

from portal.core.i18n import lazy_gettext as _l

# What the journal's page calls what is done here.
ACTION_NAMES = {
    "quizzes.attempt_started": _l("Attempt started"),
    "quizzes.attempt_submitted": _l("Attempt handed in"),
    "quizzes.attempt_extended": _l("Minutes granted for an attempt"),
    "quizzes.attempt_voided": _l("Attempt made void"),
    "quizzes.results_released": _l("Results released"),
    "quizzes.bank_taken_in": _l("Question bank taken in"),
    "quizzes.quiz_published": _l("Quiz published"),
}

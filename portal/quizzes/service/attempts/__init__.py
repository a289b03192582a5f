"""The attempt protocol: start, save, hand in, close; the server alone owns the clock."""

from __future__ import annotations

from portal.quizzes.service.attempts.handing_in import close_if_over, close_overdue, submit_attempt
from portal.quizzes.service.attempts.late import accept_refused, decline_refused
from portal.quizzes.service.attempts.moving import move_on
from portal.quizzes.service.attempts.pages import MAX_EVENTS_PER_POST, Pulse, Told, note_page
from portal.quizzes.service.attempts.saving import (
    Left,
    Outcome,
    PageSave,
    Save,
    hash_of,
    save_page,
    save_response,
    what_is_left,
)
from portal.quizzes.service.attempts.staff import GrantTooSmall, extend_attempt, void_attempt
from portal.quizzes.service.attempts.starting import (
    StartGuard,
    past_of,
    register_start_guard,
    standing_of,
    start_attempt,
    terms_of,
    what_comes_first,
)
from portal.quizzes.service.attempts.timing import (
    LEARNER,
    SYSTEM,
    accommodate_attempt,
    begin_break,
    end_break,
)

__all__ = [
    "LEARNER",
    "MAX_EVENTS_PER_POST",
    "SYSTEM",
    "GrantTooSmall",
    "Left",
    "Outcome",
    "PageSave",
    "Pulse",
    "Save",
    "StartGuard",
    "Told",
    "accept_refused",
    "accommodate_attempt",
    "begin_break",
    "close_if_over",
    "close_overdue",
    "decline_refused",
    "end_break",
    "extend_attempt",
    "hash_of",
    "move_on",
    "note_page",
    "past_of",
    "register_start_guard",
    "save_page",
    "save_response",
    "standing_of",
    "start_attempt",
    "submit_attempt",
    "terms_of",
    "void_attempt",
    "what_comes_first",
    "what_is_left",
]

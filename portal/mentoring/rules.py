"""What may become of a note, and which questions follow from the facts of a training: pure decisions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

# Of a note, in characters: about a page.
NOTE_LIMIT = 4000
# So much of a note stands where it is announced.
EXCERPT = 90
# A talk is recorded so long afterwards at most.
HELD_BACK = timedelta(days=366)
# Where no talk has been held yet and no day is chosen, the facts of so long are told.
FIRST_LOOK = timedelta(days=14)
# So many questions of one kind: a talk has an end.
MOST_OF_A_KIND = 3
# Of five working days; above it the week holds more training than half of each day.
FULL_WEEK_MINUTES = 5 * 180


class NoteAct(StrEnum):
    """What can become of a note."""

    SHOWN = "shown"
    TAKEN_BACK = "taken_back"


class Ask(StrEnum):
    """A question that a fact raises, in the order in which they are asked."""

    OVERDUE = "overdue"
    SENT_BACK = "sent_back"
    CLAUSE = "clause"
    TRY = "try"
    WAITING = "waiting"
    TIME = "time"
    FULL_WEEK = "full_week"
    UNTIL_NEXT = "until_next"


@dataclass(frozen=True, slots=True)
class Question:
    """A question for a talk, about a thing by its name; the last one is about none."""

    ask: Ask
    about: str = ""


def questions(
    *,
    overdue: Iterable[str],
    sent_back: Iterable[str],
    clauses: Iterable[str],
    tries: Iterable[str],
    waiting: Iterable[str],
    is_short_of_time: bool,
    minutes_ahead: int,
) -> list[Question]:
    """Return the questions that facts raise: each thing once in a kind, at most `MOST_OF_A_KIND`, and always the last.

    `tries` are the quizzes that were not passed of which no clause may be told; `minutes_ahead` is what the next five
    working days hold.
    """
    found: list[Question] = []
    for ask, about in (
        (Ask.OVERDUE, overdue),
        (Ask.SENT_BACK, sent_back),
        (Ask.CLAUSE, clauses),
        (Ask.TRY, tries),
        (Ask.WAITING, waiting),
    ):
        found += [Question(ask, each) for each in list(dict.fromkeys(about))[:MOST_OF_A_KIND]]
    if is_short_of_time:
        found.append(Question(Ask.TIME))
    if minutes_ahead > FULL_WEEK_MINUTES:
        found.append(Question(Ask.FULL_WEEK))
    return [*found, Question(Ask.UNTIL_NEXT)]


def facts_since(held: Sequence[date], starts_on: date, today: date) -> date:
    """Return from which day on facts are told where none is chosen: from the last talk, else the last two weeks.

    Never from before the first day of the plan, unless that is still to come.
    """
    if held:
        return max(held)
    return min(max(today - FIRST_LOOK, starts_on), today)


def excerpt(text: str) -> str:
    """Return the beginning of a note in one line."""
    line = " ".join(text.split())
    return line if len(line) <= EXCERPT else f"{line[: EXCERPT - 1]}…"

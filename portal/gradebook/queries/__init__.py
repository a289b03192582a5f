"""Reading the gradebook: lines, what counts for a person in a quiz, and what waits for a second person."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, cast, func, null, select, union_all
from sqlalchemy.orm import contains_eager, joinedload, lazyload, load_only, selectinload

from portal.accounts.models import Person
from portal.core.codes import normalise
from portal.core.db import UtcDateTime, session
from portal.gradebook import rules
from portal.gradebook.errors import NoSuchDecision
from portal.gradebook.models import GradeDecision, ScoreEntry
from portal.gradebook.rules import ByHand, EntryKind, Result, State
from portal.quizzes.models import Attempt, AttemptState, Marking, Quiz, QuizVersion
from portal.quizzes.rules.passing import Counts, Tried

# Whom and which quizzes something is asked of: row numbers, or a statement that finds them.
Ids = Collection[int] | Select[Any]


@dataclass(frozen=True, slots=True)
class Standing:
    """How a person stands in a quiz: what counts, and how often she has sat it."""

    result: Result[ScoreEntry]
    # Attempts that were handed in and not made void.
    attempts: int = 0

    @property
    def state(self) -> State:
        """Where she stands."""
        return self.result.state


NOTHING_YET = Standing(Result(State.NOT_BEGUN))


# --- lines -------------------------------------------------------------------------------------


def find_last_of_attempt(attempt_id: int) -> ScoreEntry | None:
    """Return the entry that counts for an attempt, or None."""
    return session.scalar(
        select(ScoreEntry).where(ScoreEntry.attempt_id == attempt_id).order_by(ScoreEntry.entry_no.desc()).limit(1)
    )


def list_entries(person: Person, quiz_id: int | None = None) -> list[ScoreEntry]:
    """Return the person's lines (of one quiz, or of all) with attempt, decision and quiz, newest first."""
    statement = (
        select(ScoreEntry)
        .where(ScoreEntry.person_id == person.id)
        .order_by(ScoreEntry.at.desc(), ScoreEntry.id.desc())
        .options(
            joinedload(ScoreEntry.attempt),
            joinedload(ScoreEntry.quiz, innerjoin=True),
            joinedload(ScoreEntry.decision).options(
                joinedload(GradeDecision.quiz_version),
                joinedload(GradeDecision.asked_by),
                joinedload(GradeDecision.closed_by),
            ),
        )
    )
    return list(session.scalars(statement if quiz_id is None else statement.where(ScoreEntry.quiz_id == quiz_id)))


def list_by_hand(person_id: int, quiz_id: int) -> list[ScoreEntry]:
    """Return what two people have decided of the person's result in the quiz, oldest first."""
    return list(
        session.scalars(
            select(ScoreEntry)
            .where(ScoreEntry.person_id == person_id, ScoreEntry.quiz_id == quiz_id, ScoreEntry.attempt_id.is_(None))
            .order_by(ScoreEntry.entry_no)
        )
    )


def list_lines_by_hand(ids: Collection[int]) -> list[ScoreEntry]:
    """Return the lines of these row numbers with who decided them."""
    return list(
        session.scalars(
            select(ScoreEntry)
            .where(ScoreEntry.id.in_(ids))
            .order_by(ScoreEntry.id)
            .options(
                joinedload(ScoreEntry.decision).options(
                    joinedload(GradeDecision.quiz_version),
                    joinedload(GradeDecision.asked_by),
                    joinedload(GradeDecision.closed_by),
                )
            )
        )
    )


def list_untold(ids: Collection[int]) -> set[int]:
    """Return which of these lines have a score that the learner is not told, by `QuizVersion.shows_score`."""
    if not ids:
        return set()
    entries = session.scalars(
        select(ScoreEntry)
        .where(ScoreEntry.id.in_(ids), ScoreEntry.score.is_not(None))
        .options(joinedload(ScoreEntry.attempt), joinedload(ScoreEntry.decision).joinedload(GradeDecision.quiz_version))
    )
    return {entry.id for entry in entries if not entry.quiz_version.shows_score}


def list_kept(ids: Collection[int]) -> set[int]:
    """Return which of these lines are a pass that was kept although a correction took its score below the mark."""
    if not ids:
        return set()
    return set(
        session.scalars(
            select(ScoreEntry.id)
            .join(Marking, (Marking.attempt_id == ScoreEntry.attempt_id) & (Marking.marked_at == ScoreEntry.at))
            .where(ScoreEntry.id.in_(ids), ScoreEntry.passed.is_(True), Marking.keeps_pass.is_(True))
        )
    )


def find_exemptions(person_id: int, quiz_slugs: Collection[str]) -> dict[str, ScoreEntry]:
    """Return quiz (by slug) → the exemption that stands for the person now."""
    return {slug: line for (_person, slug), line in find_exemptions_of([person_id], quiz_slugs).items()}


def find_exemptions_of(person_ids: Ids, quiz_slugs: Collection[str]) -> dict[tuple[int, str], ScoreEntry]:
    """Return (person id, quiz by slug) → the exemption that stands now, with one statement or, of no quiz, none."""
    if not quiz_slugs:
        return {}
    said: dict[tuple[int, str], list[ScoreEntry]] = defaultdict(list)
    rows = session.execute(
        select(ScoreEntry, Quiz.slug)
        .join(Quiz, Quiz.id == ScoreEntry.quiz_id)
        .where(ScoreEntry.person_id.in_(person_ids), ScoreEntry.attempt_id.is_(None), Quiz.slug.in_(quiz_slugs))
        .order_by(ScoreEntry.person_id, ScoreEntry.quiz_id, ScoreEntry.entry_no)
    )
    for line, slug in rows:
        said[line.person_id, slug].append(line)
    found = {}
    for pair, lines in said.items():
        decided = rules.deciding(map(by_hand_of, lines))
        if decided is not None and decided.kind is EntryKind.EXEMPTION:
            found[pair] = decided.line
    return found


# --- what counts -------------------------------------------------------------------------------


def standings(people: Ids, versions: Collection[QuizVersion]) -> dict[tuple[int, int], Standing]:
    """Return (person id, quiz id) → standing, for pairs of which there is something, with one statement.

    `versions` are the newest of the quizzes: their rule about what counts holds for every attempt.
    """
    counts = {version.quiz_id: version.counts or Counts.HIGHEST for version in versions}
    entries, attempts = _lines(people, counts)
    return {
        pair: _standing(counts[pair[1]], entries.get(pair, ()), attempts.get(pair, ()))
        for pair in entries.keys() | attempts.keys()
    }


def results_since(
    since: Mapping[int, datetime], versions: Collection[QuizVersion]
) -> dict[tuple[int, int], Result[ScoreEntry]]:
    """Return (person id, quiz id) → what counts of what had its result since the person's instant; see `result_since`.

    One statement, however many people and quizzes; pairs of which there is nothing are left out.
    """
    counts = {version.quiz_id: version.counts or Counts.HIGHEST for version in versions}
    entries, attempts = _lines(list(since), counts, with_attempt=True)
    return {
        pair: _standing(counts[pair[1]], entries.get(pair, ()), attempts.get(pair, ()), since=since[pair[0]]).result
        for pair in entries.keys() | attempts.keys()
    }


_Tries = tuple[int, int, AttemptState, datetime | None]


def _lines(
    people: Ids, quiz_ids: Collection[int], *, with_attempt: bool = False
) -> tuple[dict[tuple[int, int], list[ScoreEntry]], dict[tuple[int, int], list[_Tries]]]:
    """Return by (person id, quiz id) the lines of the gradebook, and the attempts that were not made void.

    One statement: attempts with their lines, those without any too, and the lines that are of no attempt.
    """
    tried = (
        select(
            Attempt.person_id,
            Attempt.quiz_id,
            Attempt.id.label("attempt_id"),
            Attempt.attempt_no,
            Attempt.state,
            Attempt.released_at,
            ScoreEntry.id.label("entry_id"),
        )
        .outerjoin(ScoreEntry, ScoreEntry.attempt_id == Attempt.id)
        .where(Attempt.person_id.in_(people), Attempt.quiz_id.in_(quiz_ids), Attempt.state != AttemptState.VOIDED)
    )
    by_hand = select(
        ScoreEntry.person_id,
        ScoreEntry.quiz_id,
        cast(null(), Integer),
        cast(null(), Integer),
        cast(null(), Attempt.state.type),
        cast(null(), UtcDateTime()),
        ScoreEntry.id,
    ).where(ScoreEntry.person_id.in_(people), ScoreEntry.quiz_id.in_(quiz_ids), ScoreEntry.attempt_id.is_(None))
    found = union_all(tried, by_hand).subquery()
    lines = select(found, ScoreEntry).outerjoin(ScoreEntry, ScoreEntry.id == found.c.entry_id).order_by(ScoreEntry.id)
    if with_attempt:
        lines = lines.options(
            joinedload(ScoreEntry.attempt).options(load_only(Attempt.code), lazyload(Attempt.quiz_version))
        )
    entries: dict[tuple[int, int], list[ScoreEntry]] = {}
    attempts: dict[tuple[int, int], dict[int, _Tries]] = {}
    for person_id, quiz_id, attempt_id, number, state, released_at, _entry_id, entry in session.execute(lines):
        if entry is not None:
            entries.setdefault((person_id, quiz_id), []).append(entry)
        if attempt_id is not None:
            attempts.setdefault((person_id, quiz_id), {})[attempt_id] = (attempt_id, number, state, released_at)
    return entries, {pair: list(each.values()) for pair, each in attempts.items()}


def find_standing(person: Person, version: QuizVersion) -> Standing:
    """Return how the person stands in the quiz of this newest version."""
    return standings([person.id], [version]).get((person.id, version.quiz_id), NOTHING_YET)


def result_since(person_id: int, version: QuizVersion, since: datetime) -> Result[ScoreEntry]:
    """Return what counts for a person in a quiz of what had its result since an instant; see `rules.result_of`.

    What asks for a quiz (a step of a plan, and through it a certificate) asks here and nowhere else.
    """
    entries = session.scalars(
        select(ScoreEntry)
        .where(ScoreEntry.person_id == person_id, ScoreEntry.quiz_id == version.quiz_id)
        .order_by(ScoreEntry.id)
        .execution_options(populate_existing=True)
    ).all()
    attempts = session.execute(
        select(Attempt.id, Attempt.attempt_no, Attempt.state, Attempt.released_at).where(
            Attempt.person_id == person_id, Attempt.quiz_id == version.quiz_id, Attempt.state != AttemptState.VOIDED
        )
    ).all()
    rows = [(row[0], row[1], row[2], row[3]) for row in attempts]
    return _standing(version.counts or Counts.HIGHEST, entries, rows, since=since).result


def by_hand_of(entry: ScoreEntry) -> ByHand[ScoreEntry]:
    """Return a line that is of no attempt as the rules see it."""
    return ByHand(entry, entry.entry_no, entry.kind, entry.at, entry.score, entry.passed, entry.withdraws_no)


def _standing(
    counts: Counts,
    entries: Iterable[ScoreEntry],
    attempts: Iterable[_Tries],
    *,
    since: datetime | None = None,
) -> Standing:
    newest: dict[int, ScoreEntry] = {}
    decided = []
    for entry in entries:
        if entry.attempt_id is None:
            decided.append(by_hand_of(entry))
        elif entry.attempt_id not in newest or newest[entry.attempt_id].entry_no < entry.entry_no:
            newest[entry.attempt_id] = entry
    tried: list[Tried[Any]] = []
    is_running = False
    for attempt_id, number, state, released_at in attempts:
        last = newest.get(attempt_id)
        if state is AttemptState.IN_PROGRESS:
            is_running = True
        elif last is not None and last.score is not None:
            # Marked again and not released yet: what she was told holds until then.
            tried.append(Tried(last, number, released_at or last.at, bool(last.passed), last.score))
        else:
            tried.append(Tried(None, number, None))
    return Standing(rules.result_of(counts, tried, decided, is_running=is_running, since=since), len(tried))


# --- what is asked to be decided ---------------------------------------------------------------


def find_open_decision(person_id: int, quiz_id: int) -> GradeDecision | None:
    """Return what waits for a second person about this result, or None."""
    return session.scalar(
        select(GradeDecision).where(
            GradeDecision.person_id == person_id,
            GradeDecision.quiz_id == quiz_id,
            GradeDecision.closed_at.is_(None),
        )
    )


def list_open_decisions(within: ColumnElement[bool]) -> list[GradeDecision]:
    """Return what waits for a second person about people of whom the condition holds, oldest first."""
    return list(
        session.scalars(
            select(GradeDecision)
            .join(Person, Person.id == GradeDecision.person_id)
            .where(GradeDecision.closed_at.is_(None), within)
            .order_by(GradeDecision.id)
            .options(
                contains_eager(GradeDecision.person),
                joinedload(GradeDecision.quiz),
                joinedload(GradeDecision.quiz_version),
                joinedload(GradeDecision.asked_by),
            )
        )
    )


def list_decisions(person_id: int, quiz_id: int) -> list[GradeDecision]:
    """Return everything that was asked about this result, newest first."""
    return list(
        session.scalars(
            select(GradeDecision)
            .where(GradeDecision.person_id == person_id, GradeDecision.quiz_id == quiz_id)
            .order_by(GradeDecision.id.desc())
            .options(
                joinedload(GradeDecision.asked_by),
                joinedload(GradeDecision.closed_by),
                selectinload(GradeDecision.entry),
            )
        )
    )


def find_decision(code: str) -> GradeDecision | None:
    """Return the request of this code, or None."""
    return session.scalar(select(GradeDecision).where(GradeDecision.code == normalise(code)))


def get_decision(code: str) -> GradeDecision:
    """Return the request of this code. Raises `NoSuchDecision`."""
    found = find_decision(code)
    if found is None:
        raise NoSuchDecision()
    return found


def lock_decision(decision_id: int) -> GradeDecision:
    """Return a request as it stands now, nobody else closing it until this transaction ends."""
    return session.scalars(
        select(GradeDecision)
        .where(GradeDecision.id == decision_id)
        .with_for_update(of=GradeDecision)
        .execution_options(populate_existing=True)
    ).one()


def list_decisions_of(codes: Collection[str]) -> list[GradeDecision]:
    """Return the requests that have one of these codes, with whom and what they are about."""
    return list(
        session.scalars(
            select(GradeDecision)
            .where(GradeDecision.code.in_(codes))
            .order_by(GradeDecision.id)
            .options(
                joinedload(GradeDecision.person),
                joinedload(GradeDecision.quiz),
                joinedload(GradeDecision.quiz_version),
            )
        )
    )


def next_by_hand(person_id: int, quiz_id: int) -> int:
    """Return the number of the next line by hand for the person and the quiz."""
    last = session.scalar(
        select(func.max(ScoreEntry.entry_no)).where(
            ScoreEntry.person_id == person_id, ScoreEntry.quiz_id == quiz_id, ScoreEntry.attempt_id.is_(None)
        )
    )
    return (last or 0) + 1

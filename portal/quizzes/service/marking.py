"""Marking from stored answers, marks of people and standing rules; showing the result when the quiz says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction
from typing import Any
from unicodedata import normalize

from sqlalchemy import update

from portal.accounts.models import Person
from portal.core.codes import new_code
from portal.core.db import session
from portal.core.events import publish
from portal.core.i18n import Words
from portal.core.mail import send_later
from portal.journal.service import record
from portal.quizzes import queries
from portal.quizzes.events import AttemptReleased, ResultCorrected
from portal.quizzes.models import (
    AnswerToMark,
    Appeal,
    Attempt,
    AttemptState,
    EventKind,
    HandMark,
    Item,
    ItemMark,
    Marking,
    MarkRound,
    Quiz,
    QuizVersion,
    Regrade,
    RegradeKind,
    Release,
)
from portal.quizzes.queries import marking as by_hand
from portal.quizzes.queries import regrades
from portal.quizzes.rules import hand_marks, passing
from portal.quizzes.rules.hand_marks import Given, Policy
from portal.quizzes.rules.passing import Counts, Earned, Reckoned
from portal.quizzes.service.drawing import sections_of
from portal.quizzes.service.history import moment_of, note_event
from portal.quizzes.types import type_of
from portal.quizzes.types.base import ESSAY, NUMBER, Content, NumberKey, Part, TextKey
from portal.quizzes.types.numbers import decimal

SYSTEM = "system"
# Stands in the details of a line of history that marks again.
REGRADE, APPEAL = "regrade", "appeal"


# --- the points of one item --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Points:
    """What an item earned and could have earned; `earned` is None as long as a person has to mark it."""

    earned: Fraction | None
    most: Fraction


def points_of(item: Item, rule: Regrade | None = None, by_hand: Fraction | None = None) -> Points:
    """Return the points of the stored answer to an item, from the question version that was drawn.

    `rule` is the one that stands for that version, `by_hand` what people agreed on for what they mark.
    """
    kind = rule.kind if rule is not None else None
    if kind is RegradeKind.VOID:
        return Points(Fraction(0), Fraction(0))
    if kind is RegradeKind.FULL:
        return Points(item.max_points, item.max_points)
    content = item.question_version.read()
    answer = item.response.answer if item.response else {}
    marks = _marks(content, answer, rule.accepts or {} if rule is not None and kind is RegradeKind.ACCEPT else {})
    known = sum((earned for earned in marks.values() if earned is not None), Fraction(0))
    if None not in marks.values():
        return Points(known, item.max_points)
    return Points(None if by_hand is None else known + by_hand, item.max_points)


def is_by_hand(content: Content) -> bool:
    """Say whether people mark some part of a question."""
    return any(part.kind == ESSAY for part in content.parts)


def parts_by_hand(content: Content, answer: Mapping[str, Any]) -> list[Part]:
    """Return the parts of a question that a person has to mark; what was left empty earns nothing without anybody."""
    marks = _marks(content, answer, {})
    return [part for part in content.parts if marks[part.id] is None]


def _marks(
    content: Content, answer: Mapping[str, Any], accepts: Mapping[str, Sequence[Sequence[str]]]
) -> dict[str, Fraction | None]:
    """Return part → points, the best that the key or one of the accepted answers gives; None: a person marks it."""
    kind = type_of(content.type)
    marks: dict[str, Fraction | None] = dict(kind.mark(content, answer))
    for part in content.parts:
        if marks[part.id] is None and not _is_written(answer.get(part.id)):
            marks[part.id] = Fraction(0)
        for accepted in accepts.get(part.id, ()):
            other = replace(
                content,
                parts=tuple(keyed(each, accepted) if each.id == part.id else each for each in content.parts),
            )
            earned, so_far = kind.mark(other, answer)[part.id], marks[part.id]
            if earned is not None and so_far is not None:
                marks[part.id] = max(earned, so_far)
    return marks


def accepted_parts(item: Item, rule: Regrade) -> frozenset[str]:
    """Return the parts whose answer has all points only because a rule accepts it besides the key."""
    if rule.kind is not RegradeKind.ACCEPT or item.response is None:
        return frozenset()
    content, answer = item.question_version.read(), item.response.answer
    by_key, by_rule = _marks(content, answer, {}), _marks(content, answer, rule.accepts or {})
    return frozenset(
        part.id for part in content.parts if by_rule[part.id] == part.points and by_key[part.id] != part.points
    )


def _is_written(given: Any) -> bool:
    return any(isinstance(text, str) and text.strip() for text in given or ())


def keyed(part: Part, accepted: Sequence[str]) -> Part:
    """Return the part as if this answer were its key: ids of choices (an order, where it asks for one), or a text."""
    match part.kind:
        case "text" | "number":
            return with_key(part, accepted[0])
        case "order":
            at = {choice.id: choice for choice in part.choices}
            return replace(part, choices=tuple(at[each] for each in accepted))
        case _:
            return replace(part, choices=tuple(replace(each, right=each.id in accepted) for each in part.choices))


def with_key(part: Part, text: str) -> Part:
    """Return a part for writing as if this text, or this number with the tolerance of the first key, were its key.

    Raises `ValueError` for what is no number.
    """
    if part.kind != NUMBER:
        return replace(part, keys=(TextKey(Words(text, text)),))
    value = normalize("NFKC", text).strip()
    if decimal(value) is None:
        raise ValueError(text)
    tolerance = next((key.tolerance for key in part.number_keys), "")
    return replace(part, keys=(NumberKey(value, tolerance),))


# --- what people gave --------------------------------------------------------------------------


def policy_of(version: QuizVersion) -> Policy:
    """Return what a quiz says about second markers."""
    return Policy(
        second=version.second_marker.value if version.second_marker else hand_marks.NONE,
        above=version.moderation_above if version.moderation_above is not None else hand_marks.MODERATION_ABOVE,
        within=version.borderline_within if version.borderline_within is not None else hand_marks.BORDER,
    )


def given_of(marks: Sequence[HandMark], most: Fraction) -> Given:
    """Return what was given for an answer: of each round the newest."""
    newest = {mark.round: mark.points for mark in sorted(marks, key=lambda mark: mark.number)}
    return Given(most, newest.get(MarkRound.FIRST), newest.get(MarkRound.SECOND), newest.get(MarkRound.MODERATION))


def most_by_hand(item: Item) -> Fraction:
    """Return what the parts of an item that a person marks are worth together; 0: nobody has to mark it."""
    content = item.question_version.read()
    if not is_by_hand(content):
        return Fraction(0)
    parts = parts_by_hand(content, item.response.answer if item.response else {})
    return Fraction(sum(part.points for part in parts))


def needs_person(item: Item, rule: Regrade | None) -> bool:
    """Say whether a person has to mark an item: some part of it, and no rule gives everybody the same."""
    if rule is not None and rule.kind in (RegradeKind.VOID, RegradeKind.FULL):
        return False
    return most_by_hand(item) > 0


# --- marking -----------------------------------------------------------------------------------


def reckon(version: QuizVersion, earned: Iterable[Earned]) -> Reckoned:
    """Reckon up what the items of an attempt earned by the terms under which it was begun."""
    return passing.reckon(
        earned,
        pass_mark=version.pass_mark,
        sections={section.id: section.pass_mark for section in sections_of(version)},
    )


def section_data(reckoned: Reckoned) -> dict[str, Any] | None:
    """Return the points of each section as a marking keeps them; None without sections."""
    return {
        name: {"points": str(each.points), "max_points": str(each.max_points), "passed": each.passed}
        for name, each in reckoned.sections.items()
    } or None


@dataclass(frozen=True, slots=True)
class Computed:
    """What an attempt is worth by what is stored."""

    of_items: Mapping[int, Points]
    # Of the items that people mark: what they gave so far for the parts that are theirs.
    given: Mapping[int, Given]
    # With nothing for what waits for a person.
    reckoned: Reckoned
    # The items that people mark and on which it hangs whether the attempt passes, by the first marks.
    at_border: frozenset[int]

    def rounds(self, policy: Policy) -> dict[int, MarkRound | None]:
        """Return item → the mark of a person that it waits for."""
        due = hand_marks.rounds_due(self.given, policy=policy, at_border=self.at_border)
        return {item_id: MarkRound(each) if each else None for item_id, each in due.items()}


def compute(
    items: Sequence[Item],
    version: QuizVersion,
    standing: Mapping[int, Regrade],
    marks: Mapping[int, Sequence[HandMark]],
) -> Computed:
    """Compute an attempt from its items, the rule that stands for each question version, and people's marks by item."""
    policy = policy_of(version)
    of_items: dict[int, Points] = {}
    given: dict[int, Given] = {}
    # What the items earn by the first mark alone; None where it is not there yet.
    at_first: dict[int, Points] = {}
    for item in items:
        rule = standing.get(item.question_version_id)
        if needs_person(item, rule):
            so_far = given_of(marks.get(item.id, ()), most_by_hand(item))
            given[item.id] = so_far
            of_items[item.id] = points_of(item, rule, hand_marks.agreed(so_far, policy.above))
            at_first[item.id] = points_of(item, rule, so_far.first)
        else:
            of_items[item.id] = at_first[item.id] = points_of(item, rule)
    return Computed(
        of_items, given, reckon(version, _earned(items, of_items)), _at_border(version, items, given, at_first)
    )


def _earned(items: Sequence[Item], of_items: Mapping[int, Points]) -> list[Earned]:
    return [
        Earned(of_items[item.id].earned or Fraction(0), of_items[item.id].most, item.section or "", item.is_scored)
        for item in items
    ]


def _at_border(
    version: QuizVersion, items: Sequence[Item], given: Mapping[int, Given], at_first: Mapping[int, Points]
) -> frozenset[int]:
    """Return the items in whose hands it lies whether a mark is reached: that of the whole, or of their section.

    Before every first mark is there, nobody knows. What is on trial decides nothing.
    """
    scored = [item for item in items if item.is_scored]
    if any(at_first[item.id].earned is None for item in scored):
        return frozenset()
    reckoned = reckon(version, _earned(scored, at_first))
    theirs = [item for item in scored if item.id in given]
    within = policy_of(version).within
    if hand_marks.is_at_border(reckoned.score, version.pass_mark, reckoned.max_points, within):
        return frozenset(item.id for item in theirs)
    close = {
        section.id
        for section in sections_of(version)
        if section.pass_mark is not None
        and (said := reckoned.sections[section.id])
        and hand_marks.is_at_border(said.score, section.pass_mark, said.max_points, within)
    }
    return frozenset(item.id for item in theirs if item.section in close)


Found = tuple[Sequence[Item], Computed]


def compute_attempt(attempt: Attempt, items: Sequence[Item] | None = None) -> Found:
    """Compute an attempt from what is stored now; what is found holds until the transaction ends.

    `items` are those of the attempt, where they have been read since its lock was taken.
    """
    # A rule that is being approved waits for this, or this for the rule: nobody is marked without it.
    queries.share_quiz(attempt.quiz_id)
    items = queries.list_items(attempt) if items is None else items
    standing = regrades.standing_rules({item.question_version_id for item in items})
    theirs = [item.id for item in items if most_by_hand(item)]
    return items, compute(items, attempt.quiz_version, standing, by_hand.list_hand_marks(theirs))


def mark_attempt(
    *,
    attempt: Attempt,
    by: Person | None,
    found: Found | None = None,
    regrade: Regrade | None = None,
    appeal: Appeal | None = None,
    may_fall: bool = False,
) -> Marking:
    """Mark an attempt that was handed in from what is stored; the marking is added, earlier ones stay.

    A result that was released and passed stays passed when it is marked again, unless it may fall.
    """
    items, computed = found or compute_attempt(attempt)
    reckoned = computed.reckoned
    before = queries.find_current_marking(attempt)
    now = moment_of(attempt)
    is_released = attempt.state is AttemptState.RELEASED
    keeps = is_released and before is not None and before.passed and not reckoned.passed and not may_fall
    item_marks = []
    for item in items:
        points = computed.of_items[item.id]
        if points.earned is None:
            raise AssertionError(f"attempt {attempt.code} waits for marks of people")
        item_marks.append(ItemMark(item_id=item.id, points=points.earned, max_points=points.most))
    marking = Marking(
        attempt_id=attempt.id,
        marking_no=before.marking_no + 1 if before else 1,
        points=reckoned.points,
        max_points=reckoned.max_points,
        score=reckoned.score,
        passed=reckoned.passed or keeps,
        sections=section_data(reckoned),
        marked_at=now,
        marked_by=by.code if by else SYSTEM,
        regrade_id=regrade.id if regrade else None,
        appeal_id=appeal.id if appeal else None,
        keeps_pass=True if keeps else None,
        item_marks=item_marks,
    )
    session.add(marking)
    if not is_released:
        attempt.state = AttemptState.MARKED
    session.flush()
    because = {REGRADE: regrade.code} if regrade else {APPEAL: appeal.code} if appeal else None
    facts: dict[str, Any] = {"details": because} if because else {}
    note_event(attempt, EventKind.MARKED, by=marking.marked_by, at=now, **facts)
    session.flush()
    if is_released:
        _tell(ResultCorrected, attempt, marking, now)
    return marking


def mark_when_complete(*, attempt: Attempt, items: Sequence[Item] | None = None) -> bool:
    """Mark an attempt that was handed in and release it where the quiz says at once, or let it wait for people.

    Says whether it was marked now. What people have to mark is put where they find it. `items` are those of the
    attempt, where they have been read since its lock was taken.
    """
    found = compute_attempt(attempt, items)
    if put_before_people(attempt, found):
        return False
    marking = mark_attempt(attempt=attempt, by=None, found=found)
    if releases_at_once(attempt):
        release_attempt(attempt=attempt, by=None, marking=marking)
    return True


def rounds_of(attempt: Attempt, computed: Computed) -> dict[int, MarkRound | None]:
    """Return item → the mark of a person that it waits for as things are.

    What was marked waits for nobody any more, also where a rule moves it to the border, but for what an appeal reopens.
    """
    if attempt.state is AttemptState.SUBMITTED:
        return computed.rounds(policy_of(attempt.quiz_version))
    return dict.fromkeys(by_hand.list_reopened(attempt.id), MarkRound.MODERATION)


def put_before_people(attempt: Attempt, found: Found) -> bool:
    """Note for each answer of an attempt which mark of a person it waits for now; say whether any waits."""
    items, computed = found
    rounds = rounds_of(attempt, computed)
    is_known = bool(rounds) or any(most_by_hand(item) for item in items)
    known = {row.item_id: row for row in by_hand.list_answers_of(attempt.id)} if is_known else {}
    for item in items:
        row, due = known.get(item.id), rounds.get(item.id)
        if row is None and due is not None:
            since = attempt.finished_at or attempt.deadline_at
            session.add(AnswerToMark(item_id=item.id, code=new_code(), round=due, since=since))
        elif row is not None and row.round != due:
            row.round, row.taken_by, row.taken_until = due, None, None
    session.flush()
    return any(rounds.values())


def is_changed(before: Marking, computed: Computed) -> bool:
    """Say whether marking again would give an item other points than the marking that counts."""
    said = {mark.item_id: (mark.points, mark.max_points) for mark in before.item_marks}
    return said != {item_id: (each.earned, each.most) for item_id, each in computed.of_items.items()}


def releases_at_once(attempt: Attempt) -> bool:
    """Say whether the terms of the attempt show the result as soon as it is marked."""
    return attempt.quiz_version.release is Release.AT_ONCE


def release_attempt(*, attempt: Attempt, by: Person | None, marking: Marking | None = None) -> bool:
    """Show a marked result to whom it belongs and tell everybody who waits for it; say whether it was done now.

    `marking` is the one that counts, where the caller has it.
    """
    session.flush()
    now = moment_of(attempt)
    done = session.execute(
        update(Attempt)
        .where(Attempt.id == attempt.id, Attempt.state == AttemptState.MARKED)
        .values(state=AttemptState.RELEASED, released_at=now)
        .execution_options(synchronize_session=False)
    )
    if not done.rowcount:  # type: ignore[attr-defined]
        return False
    attempt = queries.lock_attempt(attempt.id)
    marking = marking or queries.find_current_marking(attempt)
    assert marking is not None
    note_event(attempt, EventKind.RELEASED, by=by.code if by else SYSTEM, at=now)
    session.flush()
    if attempt.quiz_version.release is not Release.AT_ONCE or by_hand.has_hand_marks(attempt.id):
        send_later(
            "quizzes.result_released", {"code": attempt.code}, effect_key=f"quizzes.result_released:{attempt.code}"
        )
    _tell(AttemptReleased, attempt, marking, now)
    return True


def tell_what_counts(attempt: Attempt) -> None:
    """Tell everybody who waits of the result that counts now that an attempt was made void.

    Where the latest or the first attempt counts, another takes the place of one that is void.
    """
    version = queries.get_quiz(attempt.quiz_version.quiz.slug)
    if (version.counts or Counts.HIGHEST) is Counts.HIGHEST:
        return
    counted = queries.counted_attempt(version, queries.list_tried(attempt.person_id, attempt.quiz_id))
    if counted is not None:
        _tell(AttemptReleased, counted, counted.markings[-1], moment_of(attempt))


def _tell(event: type[AttemptReleased | ResultCorrected], attempt: Attempt, marking: Marking, at: datetime) -> None:
    publish(
        event(
            attempt_id=attempt.id,
            attempt_code=attempt.code,
            person_id=attempt.person_id,
            quiz_id=attempt.quiz_id,
            quiz_slug=attempt.quiz_version.quiz.slug,
            score=marking.score,
            passed=marking.passed,
            at=at,
        )
    )


def release_after_window(attempt_id: int) -> None:
    """Release one result whose window is over (a periodic task)."""
    attempt = queries.lock_attempt(attempt_id)
    if release_attempt(attempt=attempt, by=None):
        record("quizzes.result_released", by=None, subject=("attempt", attempt.code))


def release_by_hand(*, quiz: Quiz, by: Person) -> int:
    """Release every marked result of a quiz; return how many there were."""
    waiting = queries.list_unreleased(quiz.id)
    released = sum(release_attempt(attempt=attempt, by=by) for attempt in waiting)
    if released:
        record("quizzes.results_released", by=by, subject=("quiz", quiz.slug), after={"attempts": released})
    return released

"""Marking by people: one person at a time has an answer before her, marks it by criteria, and it goes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from sqlalchemy import or_, update

from portal.accounts.models import Person
from portal.core import clock
from portal.core.db import session
from portal.core.i18n import half_width_digits
from portal.core.mail import send_later
from portal.journal.service import record
from portal.quizzes import errors, queries
from portal.quizzes.models import (
    AnswerToMark,
    Attempt,
    AttemptState,
    HandMark,
    Item,
    MarkDraft,
    Marking,
    MarkRound,
)
from portal.quizzes.queries import marking as waiting
from portal.quizzes.rules.hand_marks import LEASE
from portal.quizzes.service.marking import (
    compute_attempt,
    is_changed,
    mark_attempt,
    mark_when_complete,
    parts_by_hand,
    put_before_people,
)
from portal.quizzes.service.settled import tell_unchanged
from portal.quizzes.types.base import Part

MAX_COMMENT = 4_000
MAX_POINTS_TYPED = 12
COMMENT = "comment"


def take_next(*, person: Person, quiz_id: int, version_id: int, round_: MarkRound) -> AnswerToMark | None:
    """Give the person an answer of a pile that nobody else has before her: the one she has, else one by lot."""
    now = clock.now()
    for answer in waiting.list_free(person, now, quiz_id=quiz_id, version_id=version_id, round_=round_):
        if _take(answer.item_id, round_, person):
            return waiting.lock_answer(answer.item_id)
    return None


def take(*, answer: AnswerToMark, person: Person) -> AnswerToMark:
    """Give the person this very answer, if it waits for her. Raises `MarkedInBetween`."""
    answer = waiting.lock_answer(answer.item_id)
    attempt = queries.lock_attempt(answer.item.attempt_id)
    if (
        answer.round is None
        or not _may_mark(answer, attempt, person)
        or not _take(answer.item_id, answer.round, person)
    ):
        raise errors.MarkedInBetween()
    return waiting.lock_answer(answer.item_id)


def _take(item_id: int, round_: MarkRound, person: Person) -> bool:
    """Take an answer; of two who take it at the same moment one gets it."""
    now = clock.now()
    taken = session.execute(
        update(AnswerToMark)
        .where(
            AnswerToMark.item_id == item_id,
            AnswerToMark.round == round_,
            or_(
                AnswerToMark.taken_until.is_(None),
                AnswerToMark.taken_until <= now,
                AnswerToMark.taken_by == person.code,
            ),
        )
        .values(taken_by=person.code, taken_until=now + LEASE)
        .execution_options(synchronize_session=False)
    )
    return bool(taken.rowcount)  # type: ignore[attr-defined]


def has_before_her(answer: AnswerToMark, person: Person) -> bool:
    """Say whether the answer is with this person; a while that has run out counts until somebody else takes it."""
    return answer.round is not None and answer.taken_by == person.code


def leave(*, answer: AnswerToMark, person: Person) -> None:
    """Let others have an answer again; what was written about it is kept."""
    answer = waiting.lock_answer(answer.item_id)
    if answer.taken_by == person.code:
        answer.taken_by = answer.taken_until = None
        session.flush()


def keep_draft(*, answer: AnswerToMark, person: Person, given: Mapping[str, str]) -> None:
    """Keep what was written about an answer, as it was typed, and the answer with the person for another while."""
    now = clock.now()
    answer = waiting.lock_answer(answer.item_id)
    if not has_before_her(answer, person):
        raise errors.MarkedInBetween()
    answer.taken_until = now + LEASE
    kept = {name: text[: MAX_COMMENT if name == COMMENT else MAX_POINTS_TYPED] for name, text in given.items()}
    draft = waiting.find_draft(answer.item_id, person)
    if draft is None:
        session.add(MarkDraft(item_id=answer.item_id, person_id=person.id, given=kept, saved_at=now))
    else:
        draft.given, draft.saved_at = kept, now
    session.flush()


# --- the points --------------------------------------------------------------------------------


def parts_of(item: Item) -> list[Part]:
    """Return the parts of an item that a person marks."""
    content = item.question_version.read()
    return parts_by_hand(content, item.response.answer if item.response else {})


def field_of(part: Part, criterion: Any) -> str:
    """Return the name under which a form gives the points of a criterion."""
    return f"{part.id}-{criterion.id}"


def points_typed(text: str, most: int) -> Fraction | None:
    """Read points as people write them: 2, 1.5, 1,5 or with full-width digits; None for anything else."""
    plain = half_width_digits(text.strip()).replace(",", ".").replace("．", ".").replace("，", ".")
    whole, _dot, decimals = plain.partition(".")
    if not whole.isascii() or not whole.isdigit() or len(plain) > MAX_POINTS_TYPED:
        return None
    if decimals and not (decimals.isascii() and decimals.isdigit()):
        return None
    points = Fraction(plain.rstrip("."))
    return points if points <= most else None


def read_points(item: Item, given: Mapping[str, str]) -> tuple[dict[str, dict[str, Fraction]], list[str]]:
    """Return part → criterion → points, and the fields whose points are missing or out of bounds."""
    points: dict[str, dict[str, Fraction]] = {}
    wrong = []
    for part in parts_of(item):
        for criterion in part.criteria:
            name = field_of(part, criterion)
            earned = points_typed(given.get(name, ""), criterion.points)
            if earned is None:
                wrong.append(name)
            else:
                points.setdefault(part.id, {})[criterion.id] = earned
    return points, wrong


# --- giving a mark -----------------------------------------------------------------------------


def newest_of(marks: Sequence[HandMark]) -> HandMark | None:
    """Return the mark that was given last."""
    return marks[-1] if marks else None


def may_change(answer: AnswerToMark, attempt: Attempt, marks: Sequence[HandMark], person: Person) -> bool:
    """Say whether a person may give her mark anew: nobody has marked after her, and the attempt is not marked."""
    last = newest_of(marks)
    return attempt.state is AttemptState.SUBMITTED and last is not None and last.marked_by == person.code


def _may_mark(answer: AnswerToMark, attempt: Attempt, person: Person) -> bool:
    if attempt.person_id == person.id or attempt.state in (AttemptState.IN_PROGRESS, AttemptState.VOIDED):
        return False
    if attempt.state is not AttemptState.SUBMITTED and waiting.find_reopening(answer.item_id) is None:
        return False
    marks = waiting.list_hand_marks([answer.item_id]).get(answer.item_id, [])
    return all(mark.marked_by != person.code for mark in marks)


def give_mark(
    *, answer: AnswerToMark, round_: MarkRound, given: Mapping[str, str], by: Person
) -> tuple[HandMark, Marking | None]:
    """Give an answer the points of its criteria, for the round that the person was asked for, or give hers anew.

    The last mark that an attempt waits for marks it. Returns the marking, where it was that one. Raises `BadMark`, and
    `MarkedInBetween` or `CannotChangeMark` where it is not this person's turn.
    """
    attempt = queries.lock_attempt(answer.item.attempt_id)
    answer = waiting.lock_answer(answer.item_id)
    (item,) = [each for each in queries.list_items(attempt) if each.id == answer.item_id]
    marks = waiting.list_hand_marks([item.id]).get(item.id, [])
    points, wrong = read_points(item, given)
    if wrong or not points or len(given.get(COMMENT, "")) > MAX_COMMENT:
        raise errors.BadMark()
    is_anew = round_ is not answer.round or any(mark.marked_by == by.code for mark in marks)
    if is_anew:
        last = newest_of(marks)
        if last is None or last.round is not round_ or not may_change(answer, attempt, marks, by):
            raise errors.CannotChangeMark() if last and last.marked_by == by.code else errors.MarkedInBetween()
    elif not has_before_her(answer, by) or not _may_mark(answer, attempt, by):
        raise errors.MarkedInBetween()
    now = clock.now()
    reopening = waiting.find_reopening(item.id)
    mark = HandMark(
        item_id=item.id,
        round=round_,
        number=sum(each.round is round_ for each in marks) + 1,
        points=sum((each for part in points.values() for each in part.values()), Fraction(0)),
        criteria={
            part: {criterion: _exact(each) for criterion, each in of_part.items()} for part, of_part in points.items()
        },
        comment=given.get(COMMENT, "").strip(),
        marked_at=now,
        marked_by=by.code,
        appeal_id=reopening.id if reopening is not None else None,
    )
    session.add(mark)
    draft = waiting.find_draft(item.id, by)
    if draft is not None:
        session.delete(draft)
    if answer.taken_by == by.code:
        answer.taken_by = answer.taken_until = None
    session.flush()
    before = queries.find_current_marking(attempt)
    if attempt.state is AttemptState.SUBMITTED:
        mark_when_complete(attempt=attempt)
    else:
        found = compute_attempt(attempt)
        put_before_people(attempt, found)
        if before is not None and is_changed(before, found[1]):
            mark_attempt(attempt=attempt, by=by, found=found, appeal=reopening)
            tell_corrected(attempt)
        if reopening is not None:
            tell_unchanged([reopening])
    record(
        "quizzes.answer_marked",
        by=by,
        subject=("attempt", attempt.code),
        after={"position": item.position, "round": round_.value, "anew": is_anew},
    )
    session.flush()
    after = queries.find_current_marking(attempt)
    return mark, after if after is not None and (before is None or before.id != after.id) else None


def _exact(points: Fraction) -> str:
    return f"{points.numerator}/{points.denominator}"


def tell_corrected(attempt: Attempt) -> None:
    """Owe the mail that tells a learner that her result was corrected, where it has been released."""
    marking = queries.find_current_marking(attempt)
    if marking is not None and attempt.state is AttemptState.RELEASED:
        send_later(
            "quizzes.result_corrected",
            {"code": attempt.code, "marking_no": marking.marking_no},
            effect_key=f"quizzes.result_corrected:{attempt.code}:{marking.marking_no}",
        )

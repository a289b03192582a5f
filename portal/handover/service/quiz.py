"""A short quiz from the cards: drawn for a successor, answered as often as she wishes, marked at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random

from portal.accounts.models import Person
from portal.core import clock
from portal.core.codes import new_code, new_seed
from portal.core.db import session
from portal.duties.models import Card, CardVersion
from portal.duties.queries import find_cards
from portal.duties.rules.cards import Question
from portal.duties.service.cards import asked_of, questions_of
from portal.handover import rules
from portal.handover.errors import (
    AnswersMissing,
    HandedInAlready,
    HandoverOver,
    ItemGone,
    NotHers,
    TooFewQuestions,
)
from portal.handover.models import Handover, HandoverItem, QuizQuestion, QuizTry
from portal.handover.queries import handovers as queries
from portal.handover.queries import quiz as tries
from portal.handover.queries.handovers import Course
from portal.handover.rules import Askable, ItemState
from portal.handover.service.inventory import Thing, synchronise
from portal.handover.service.standing import Item, state_of
from portal.journal.service import record

# Of what is refused, gone or with the lead nobody is asked.
ASKED_OF = rules.WITH_THE_SUCCESSOR | {ItemState.ACCEPTED}


def begin(*, handover: Handover, item: HandoverItem | None, by: Person) -> QuizTry:
    """Draw a quiz about an item, or about everything that the successor takes over; return it.

    One that she has begun, and that asks what the cards say now, is gone on with. Raises `HandoverOver`, `ItemGone`,
    `NotHers`, `TooFewQuestions`.
    """
    locked = queries.lock_handover(handover.id)
    if not locked.is_open:
        raise HandoverOver()
    courses = synchronise(locked)
    mine = _asked_of(courses, by)
    if item is not None:
        course = next(each for each in courses if each.item.id == item.id)
        if course.item.gone_at is not None:
            raise ItemGone()
        if course.item.id not in {each.id for each in mine}:
            raise NotHers()
        mine = [course.item]
    elif not mine:
        raise NotHers()
    versions = _versions(mine)
    earlier = tries.list_of(locked.id, by.id)
    present = next((each for each in earlier if each.handed_in_at is None and _goes_on(each, item, versions)), None)
    if present is not None:
        return present
    askable = _askable(mine, versions)
    if len(askable) < rules.QUIZ_LEAST:
        raise TooFewQuestions(least=rules.QUIZ_LEAST, there=len(askable))
    return _drawn(locked, item, askable, earlier, by)


def _drawn(
    handover: Handover, item: HandoverItem | None, askable: Sequence[Askable], earlier: Sequence[QuizTry], by: Person
) -> QuizTry:
    last = next((each for each in earlier if each.item_id == (item.id if item is not None else None)), None)
    drawn = rules.draw_quiz(
        askable,
        rules.QUIZ_MOST if item is None else rules.QUIZ_OF_ONE_ITEM,
        asked_last={(each.card_version_id, each.number) for each in last.questions} if last is not None else set(),
        # Which questions come is no secret worth more than a card.
        chance=Random(new_seed()),  # noqa: S311
    )
    row = QuizTry(
        code=new_code(),
        handover=handover,
        item=item,
        successor=by,
        begun_at=clock.now(),
        questions=[
            QuizQuestion(
                place=place,
                item_id=each.question.item,
                card_version_id=each.question.version,
                number=each.question.number,
                order=list(each.order),
            )
            for place, each in enumerate(drawn, 1)
        ],
    )
    session.add(row)
    session.flush()
    # How it went is for the successor, the giver and the lead; the journal is read by more.
    record(
        "handover.quiz_begun",
        by=by,
        subject=("handover_quiz", row.code),
        after={"questions": len(row.questions)},
    )
    return row


def hand_in(*, quiz: QuizTry, chosen: Mapping[int, int], by: Person) -> None:
    """Keep which answers were chosen, by the place of their question; it is marked with that, once.

    Raises `HandedInAlready`, `HandoverOver`, `ItemGone`, `NotHers`, `AnswersMissing`.
    """
    locked = queries.lock_handover(quiz.handover_id)
    session.refresh(quiz, ["handed_in_at"])
    if quiz.handed_in_at is not None:
        raise HandedInAlready()
    if not locked.is_open:
        raise HandoverOver()
    courses = {each.item.id: each for each in synchronise(locked)}
    mine = {each.id for each in _asked_of(list(courses.values()), by)}
    asked = {each.item_id for each in quiz.questions}
    if any(courses[each].item.gone_at is not None for each in asked):
        raise ItemGone()
    if quiz.successor_id != by.id or not asked <= mine:
        raise NotHers()
    missing = [each.place for each in quiz.questions if not _is_answer(each, chosen.get(each.place))]
    if missing:
        raise AnswersMissing(places=", ".join(map(str, missing)))
    for each in quiz.questions:
        each.chosen = chosen[each.place]
    quiz.handed_in_at = clock.now()
    session.flush()
    record("handover.quiz_handed_in", by=by, subject=("handover_quiz", quiz.code))


def _is_answer(question: QuizQuestion, chosen: int | None) -> bool:
    return chosen is not None and 0 <= chosen < len(question.order)


def _asked_of(courses: Sequence[Course], by: Person) -> list[HandoverItem]:
    """Return what of a handover is the person's to take over now."""
    return [
        each.item
        for each in courses
        if each.successor is not None
        and each.successor.id == by.id
        and by.is_active
        and state_of(each, is_gone=each.item.gone_at is not None, has_card=True) in ASKED_OF
    ]


def _thing(item: HandoverItem) -> Thing:
    return (item.kind, item.thing_code)


def _versions(items: Sequence[HandoverItem]) -> dict[int, CardVersion]:
    """Return what the cards of items say now, by the items' row numbers."""
    cards = find_cards([_thing(each) for each in items])
    found: dict[int, Card | None] = {each.id: cards.get(_thing(each)) for each in items}
    return {item: card.latest for item, card in found.items() if card is not None and card.versions}


def _askable(items: Sequence[HandoverItem], versions: Mapping[int, CardVersion]) -> list[Askable]:
    return [
        Askable(each.id, versions[each.id].id, number, 1 + len(question.wrong))
        for each in items
        if each.id in versions
        for number, question in enumerate(questions_of(versions[each.id]), 1)
        if not question.is_out
    ]


def _goes_on(quiz: QuizTry, item: HandoverItem | None, versions: Mapping[int, CardVersion]) -> bool:
    """Say whether a try that was begun is about the same, and asks what the cards say now."""
    return quiz.item_id == (item.id if item is not None else None) and all(
        each.item_id in versions and versions[each.item_id].id == each.card_version_id for each in quiz.questions
    )


def askable_of(items: Sequence[Item], successor: Person) -> int:
    """Return how many questions the cards hold of what somebody takes over among these items of a handover."""
    return sum(
        len(asked_of(each.card.latest))
        for each in items
        if each.card is not None
        and each.card.versions
        and each.successor is not None
        and each.successor.id == successor.id
        and each.state in ASKED_OF
    )


# --- How it went -------------------------------------------------------------------------------


def question_of(row: QuizQuestion) -> Question:
    """Return the question that was drawn, as its version of the card says it."""
    return questions_of(row.card_version)[row.number - 1]


@dataclass(frozen=True, slots=True)
class Result:
    """What of a try is about one item, or all of it: how many were right of how many, when, from which versions."""

    quiz: QuizTry
    at: datetime
    right: int
    asked: int
    # The numbers of the versions of the cards.
    versions: tuple[int, ...]


def result_of(quiz: QuizTry, item_id: int | None = None) -> Result | None:
    """Return how a try went, or how it did about one item; None until it is handed in."""
    if quiz.handed_in_at is None:
        return None
    rows = [each for each in quiz.questions if item_id is None or each.item_id == item_id]
    return Result(
        quiz,
        quiz.handed_in_at,
        sum(rules.is_right(each.order, each.chosen) for each in rows),
        len(rows),
        tuple(sorted({each.card_version.number for each in rows})),
    )


@dataclass(frozen=True, slots=True)
class OfItem:
    """What a successor's tries say about an item: the latest and the best result, and one that is not handed in."""

    results: Sequence[Result]
    begun: QuizTry | None

    @property
    def last(self) -> Result | None:
        """The latest result."""
        return self.results[0] if self.results else None

    @property
    def best(self) -> Result | None:
        """The best result by its share, of equals the latest."""
        return max(self.results, key=lambda each: (each.right * 1000 // each.asked, each.at), default=None)


def of_item(item: HandoverItem, successor: Person | None) -> OfItem:
    """Return what the tries of a successor say about an item, the latest first."""
    rows = tries.list_about(item, successor.id if successor is not None else None)
    results = [found for each in rows if (found := result_of(each, item.id)) is not None]
    begun = next((each for each in rows if each.handed_in_at is None and each.item_id == item.id), None)
    return OfItem(results, begun)


def changed_since(quiz: QuizTry) -> dict[int, int]:
    """Return the items whose card says something else since a try was drawn, each with its version now."""
    items = {each.item_id: each.item for each in quiz.questions}
    now = _versions(list(items.values()))
    asked: dict[int, set[int]] = defaultdict(set)
    for each in quiz.questions:
        asked[each.item_id].add(each.card_version_id)
    return {item: now[item].number for item in items if item in now and asked[item] != {now[item].id}}

"""Quizzes from the cards: drawn fairly, marked once, kept for ever, seen by three, and no evidence of anything."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.accounts.models import Person, Role
from portal.core.db import session
from portal.core.transaction import own_transaction
from portal.duties.rules import CardPart
from portal.duties.rules.cards import Question, QuestionText
from portal.duties.service import cards
from portal.handover import errors, rules
from portal.handover.invariants import quizzes_ask_what_cards_say
from portal.handover.models import Handover, QuizTry
from portal.handover.queries import handovers as queries
from portal.handover.queries import quiz as tries
from portal.handover.rules import Askable, ItemState
from portal.handover.service import items
from portal.handover.service import quiz as quizzes
from portal.journal.models import JournalEntry
from tests.builders import Cast, make_grant
from tests.handover.builders import KIND, Things, accept, assign, begin, close, give, item_of, state

pytestmark = pytest.mark.usefixtures("today")
LANGUAGES = pytest.mark.parametrize("language", ["en", "ja"])
PARTS = {"steps": {"en": "1. Open the list", "ja": "1. 一覧を開く"}, "trouble": {"en": "Call the lead"}}


def question(number: int, **more: Any) -> Question:
    return Question(f"What is {number}?", f"Right {number}", (f"Wrong {number}a", f"Wrong {number}b"), **more)


BOTH = question(
    1, about=CardPart.STEPS, lang="en", other=QuestionText("1とは何ですか。", "正しい1", ("誤り1a", "誤り1b"))
)
ASKED = [BOTH, question(2, about=CardPart.TROUBLE), *(question(number) for number in range(3, 8))]


def write(code: str, by: Person, questions: list[Question], *, seen: int = 0) -> None:
    with own_transaction():
        subject = cards.get_subject(KIND, code)
        cards.write_card(
            subject=subject, parts=PARTS | {"purpose": {"en": f"Text {seen}"}}, questions=questions, seen=seen, by=by
        )


@pytest.fixture
def handover(cast: Cast, things: Things) -> Handover:
    """The author hands over three things to the colleague: two with a card, one of them with two questions."""
    make_grant(cast.lead, Role.LEAD)
    give(things, cast.author, "one", "two", "three")
    write("one", cast.author, ASKED)
    write("two", cast.author, [question(8), question(9)])
    begun = begin(cast.author, cast.lead)
    assign(begun, cast.colleague, "one", "two", "three")
    return begun


def draw(handover: Handover, by: Person, code: str | None = "one") -> QuizTry:
    """Return a try about one thing, or about all of them."""
    item = item_of(handover, code) if code is not None else None
    with own_transaction():
        found = quizzes.begin(handover=queries.get_handover(handover.code), item=item, by=by)
    return tries.get_try(found.code)


def answers(quiz: QuizTry, *, wrong: tuple[int, ...] = ()) -> dict[int, int]:
    """Return the right answers, but for the questions in these places."""
    return {each.place: (each.order.index(0) + (each.place in wrong)) % len(each.order) for each in quiz.questions}


def hand_in(quiz: QuizTry, by: Person, chosen: dict[int, int]) -> None:
    with own_transaction():
        quizzes.hand_in(quiz=tries.get_try(quiz.code), chosen=chosen, by=by)


# --- What is drawn -------------------------------------------------------------------------------

ASKABLE = st.lists(
    st.tuples(st.integers(1, 4), st.integers(1, 10), st.integers(2, 4)), max_size=30, unique_by=lambda each: each[:2]
).map(lambda found: [Askable(item, item * 10, number, answers) for item, number, answers in found])


@given(ASKABLE, st.integers(1, 10), st.integers())
def test_a_draw_passes_no_item_over_while_another_has_several(asked: list[Askable], number: int, seed: int) -> None:
    drawn = rules.draw_quiz(asked, number, asked_last=(), chance=Random(seed))
    assert len(drawn) == min(number, len(asked))
    assert len({each.question for each in drawn}) == len(drawn)
    per = {item: sum(each.question.item == item for each in drawn) for item in {each.item for each in asked}}
    for item, count in per.items():
        there = sum(each.item == item for each in asked)
        assert count == there or count >= max(per.values()) - 1
    for each in drawn:
        assert sorted(each.order) == list(range(each.question.answers))


@given(ASKABLE, st.integers(1, 10), st.integers(), st.data())
def test_what_was_asked_last_comes_only_where_nothing_else_is_left_of_its_item(
    asked: list[Askable], number: int, seed: int, data: st.DataObject
) -> None:
    last = (
        set(data.draw(st.lists(st.sampled_from([(each.version, each.number) for each in asked])))) if asked else set()
    )
    drawn = rules.draw_quiz(asked, number, asked_last=last, chance=Random(seed))
    chosen = {each.question for each in drawn}
    for each in chosen:
        if (each.version, each.number) in last:
            fresh = {one for one in asked if one.item == each.item and (one.version, one.number) not in last}
            assert fresh <= chosen


@given(st.permutations(range(4)), st.none() | st.integers(-1, 5))
def test_right_is_the_one_answer_that_stands_where_the_right_one_was_put(order: list[int], chosen: int | None) -> None:
    assert rules.is_right(order, chosen) == (chosen == order.index(0))


# --- A try ---------------------------------------------------------------------------------------


def test_a_try_is_marked_and_kept_with_the_version_of_the_card(cast: Cast, handover: Handover) -> None:
    first = draw(handover, cast.colleague)
    assert len(first.questions) == 5
    hand_in(first, cast.colleague, answers(first, wrong=(2,)))
    write("one", cast.author, [question(number) for number in range(11, 16)], seen=1)
    second = draw(handover, cast.colleague)
    hand_in(second, cast.colleague, answers(second, wrong=(1, 2)))
    of = quizzes.of_item(item_of(handover, "one"), cast.colleague)
    assert [(each.right, each.asked, each.versions) for each in of.results] == [(3, 5, (2,)), (4, 5, (1,))]
    assert of.last is not None
    assert of.best is not None
    assert (of.last.right, of.best.right) == (3, 4)
    # What was asked is asked as it was, whatever the card says since.
    assert {quizzes.question_of(each) for each in tries.get_try(first.code).questions} <= set(ASKED)
    assert quizzes.changed_since(tries.get_try(first.code)) == {item_of(handover, "one").id: 2}
    assert quizzes_ask_what_cards_say() == []


def test_a_try_is_marked_once_and_only_when_every_question_is_answered(cast: Cast, handover: Handover) -> None:
    quiz = draw(handover, cast.colleague)
    right = answers(quiz)
    with pytest.raises(errors.AnswersMissing, match="2, 4"):
        hand_in(quiz, cast.colleague, {place: each for place, each in right.items() if place not in (2, 4)})
    with pytest.raises(errors.AnswersMissing):
        hand_in(quiz, cast.colleague, right | {1: 9})
    hand_in(quiz, cast.colleague, right)
    with pytest.raises(errors.HandedInAlready):
        hand_in(quiz, cast.colleague, answers(quiz, wrong=(1,)))
    assert [each.right for each in quizzes.of_item(item_of(handover, "one"), cast.colleague).results] == [5]


def test_one_that_was_begun_is_gone_on_with_until_its_card_says_something_else(cast: Cast, handover: Handover) -> None:
    first = draw(handover, cast.colleague)
    assert draw(handover, cast.colleague).code == first.code
    assert draw(handover, cast.colleague, None).code != first.code
    write("one", cast.author, ASKED[1:], seen=1)
    assert draw(handover, cast.colleague).code != first.code


def test_a_quiz_about_everything_asks_of_every_card_and_counts_for_each_item(cast: Cast, handover: Handover) -> None:
    quiz = draw(handover, cast.colleague, None)
    assert len(quiz.questions) == 9
    hand_in(quiz, cast.colleague, answers(quiz))
    counts = [
        [(each.right, each.asked) for each in quizzes.of_item(item_of(handover, code), cast.colleague).results]
        for code in ("one", "two", "three")
    ]
    assert counts == [[(7, 7)], [(2, 2)], []]


def test_too_few_questions_are_no_quiz(cast: Cast, handover: Handover) -> None:
    for code in ("two", "three"):
        with pytest.raises(errors.TooFewQuestions):
            draw(handover, cast.colleague, code)


def test_nobody_else_is_asked_and_nobody_after_it_is_another_s_gone_or_over(
    cast: Cast, things: Things, handover: Handover
) -> None:
    with pytest.raises(errors.NotHers):
        draw(handover, cast.lead)
    quiz = draw(handover, cast.colleague)
    with pytest.raises(errors.NotHers):
        hand_in(quiz, cast.lead, answers(quiz))
    assign(handover, cast.admin, "one")
    with pytest.raises(errors.NotHers):
        hand_in(quiz, cast.colleague, answers(quiz))
    assign(handover, cast.colleague, "one")
    with own_transaction():
        items.refuse(item=item_of(handover, "one"), reason="No.", by=cast.colleague)
    with pytest.raises(errors.NotHers):
        hand_in(quiz, cast.colleague, answers(quiz))
    things.live["one"] = False
    with pytest.raises(errors.ItemGone):
        hand_in(quiz, cast.colleague, answers(quiz))
    accept(handover, cast.colleague, "two", "three")
    close(handover, cast.lead)
    with pytest.raises(errors.HandoverOver):
        hand_in(quiz, cast.colleague, answers(quiz))
    with pytest.raises(errors.HandoverOver):
        draw(handover, cast.colleague, "two")


def test_everything_right_is_no_evidence(cast: Cast, handover: Handover) -> None:
    quiz = draw(handover, cast.colleague)
    hand_in(quiz, cast.colleague, answers(quiz))
    assert state(handover, "one") is ItemState.READY
    with pytest.raises(errors.EvidenceMissing), own_transaction():
        items.accept(item=item_of(handover, "one"), by=cast.colleague)


def test_the_journal_says_that_a_quiz_was_taken_and_not_how_it_went(cast: Cast, handover: Handover) -> None:
    quiz = draw(handover, cast.colleague)
    hand_in(quiz, cast.colleague, answers(quiz, wrong=(1,)))
    entries = session.query(JournalEntry).filter(JournalEntry.subject_kind == "handover_quiz").order_by(JournalEntry.id)
    assert [each.action for each in entries] == ["handover.quiz_begun", "handover.quiz_handed_in"]
    assert [each.after for each in entries] == [{"questions": 5}, None]


# --- Pages ---------------------------------------------------------------------------------------


@LANGUAGES
def test_a_successor_answers_on_a_page_that_does_not_know_the_right_answer(
    cast: Cast, handover: Handover, as_: Any, language: str
) -> None:
    taker = as_(cast.colleague, language=language)
    item = item_of(handover, "one").code
    page = taker.get("handover.item", item=item)
    assert {"en": "Handover quiz", "ja": "引継ぎの確認テスト"}[language] in page.text
    taker.post("handover.begin_quiz", item=item)
    (code,) = [each.code for each in tries.list_all()]
    quiz = tries.get_try(code)
    page = taker.get("handover.quiz_try", code=code)
    fields = page.all("input", type="radio")
    assert {each.get("value") for each in fields} <= {"0", "1", "2"}
    assert not any(each.get("checked") for each in fields)
    # Where it stands follows from the server's draw alone.
    if BOTH in [quizzes.question_of(each) for each in quiz.questions]:
        assert {"en": "What is 1?", "ja": "1とは何ですか。"}[language] in page.text
    right = answers(quiz, wrong=(1,))
    form = {f"q{place}": str(each) for place, each in right.items()}
    some = {name: value for name, value in form.items() if name != "q3"}
    refused = taker.post("handover.hand_in_quiz", code=code, data=some, expect=400)
    assert len([each for each in refused.all("input", type="radio") if each.get("checked") is not None]) == 4
    taker.post("handover.hand_in_quiz", code=code, data=form)
    marked = taker.get("handover.quiz_try", code=code)
    assert {"en": "4 of 5 right", "ja": "5問中4問正解"}[language] in marked.text
    # Sent again from another tab it counts no second time.
    taker.post("handover.hand_in_quiz", code=code, data=form | {"q1": "0"}, expect=409)
    assert len(tries.list_all()) == 1
    shown = taker.get("handover.item", item=item)
    assert {"en": "4 of 5 right", "ja": "5問中4問正解"}[language] in shown.text


def test_what_went_wrong_names_the_part_of_the_card(cast: Cast, handover: Handover, as_: Any) -> None:
    write("one", cast.author, [question(number, about=CardPart.STEPS) for number in (1, 2, 3)], seen=1)
    quiz = draw(handover, cast.colleague)
    hand_in(quiz, cast.colleague, answers(quiz, wrong=(2,)))
    page = as_(cast.colleague, language="en").get("handover.quiz_try", code=quiz.code)
    assert page.text.count("Read again in the card: Steps") == 1
    assert "1. Open the list" in page.text or "Open the list" in page.text


def test_giver_and_lead_see_how_it_went_and_nobody_else(cast: Cast, handover: Handover, as_: Any) -> None:
    quiz = draw(handover, cast.colleague)
    hand_in(quiz, cast.colleague, answers(quiz))
    item = item_of(handover, "one").code
    for person in (cast.author, cast.lead):
        as_(person, language="en").get("handover.quiz_try", code=quiz.code)
        assert "5 of 5 right" in as_(person, language="en").get("handover.item", item=item).text
    # Who administers sees the item, not the quiz.
    as_(cast.admin).get("handover.quiz_try", code=quiz.code, expect=404)
    assert "5 of 5" not in as_(cast.admin, language="en").get("handover.item", item=item).text
    assign(handover, cast.admin, "one")
    assert "5 of 5" not in as_(cast.admin, language="en").get("handover.item", item=item).text


def test_a_try_that_is_not_handed_in_shows_its_questions_to_its_taker_alone(
    cast: Cast, handover: Handover, as_: Any
) -> None:
    quiz = draw(handover, cast.colleague)
    assert as_(cast.lead).get("handover.quiz_try", code=quiz.code).all("input", type="radio") == []
    assert (
        len(as_(cast.colleague, language="en").get("handover.quiz_try", code=quiz.code).all("input", type="radio"))
        == 15
    )


def test_a_successor_does_not_read_the_answers_on_the_card(cast: Cast, handover: Handover, as_: Any) -> None:
    reads = {"kind": KIND, "thing": "one"}
    assert "Right 3" in as_(cast.author).get("duties.card", **reads).text
    taken = as_(cast.colleague, language="en").get("duties.card", **reads)
    assert "Right 3" not in taken.text
    assert "7 questions" in taken.text

"""The pages of questions that are written, matched or put in order: whole without a script, silent about the key."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import pytest
from sqlalchemy import select

from portal.core.db import session
from portal.core.transaction import own_transaction
from portal.quizzes import queries
from portal.quizzes.formats.markdown import BankQuestion
from portal.quizzes.invariants import markings_are_complete, scores_follow_from_answers
from portal.quizzes.models import Attempt, AttemptState, Item, Layout, Navigation, Release, Response
from portal.quizzes.service.attempts import submit_attempt
from portal.quizzes.types.base import ANSWER
from tests.builders import Cast
from tests.page_client import Page
from tests.quizzes.builders import (
    SECRET,
    SECRET_NUMBER,
    WRITTEN,
    answer,
    answer_all,
    begin,
    make_bank,
    make_content,
    make_quiz,
    make_written,
    make_written_quiz,
    right_answer,
)

# Question → part → what is sent, of `WRITTEN`; the first thing that is shown is put last.
_SENT = {
    "q1-answer": ["Ｌａｂｅｌ notice"],
    "q2-answer": ["3 d"],
    "q3-1": ["1"],
    "q4-answer": ["1:3", "2:1", "3:2"],
    "q6-answer": ["A text."],
    "q5-1": ["seventy"],
    "q5-2": ["2"],
    "q5-3": ["notice"],
}


def _hand_in(attempt: Attempt) -> Attempt:
    with own_transaction():
        submit_attempt(attempt=attempt, person=attempt.person)
    return queries.get_attempt(attempt.code)


def _hidden(page: Page) -> dict[str, list[str]]:
    return {
        field.get("name", ""): [field.get("value", "")]
        for field in page.tree.iter("input")
        if field.get("type") == "hidden" and field.get("name") not in ("lang", None)
    }


def _filled(page: Page) -> dict[str, list[str]]:
    """Return what the controls of the questions hold, as a browser would send it."""
    found: dict[str, list[str]] = {}
    for field in page.tree.iter():
        name = field.get("name", "")
        if field.tag not in ("input", "textarea", "select") or not name.startswith("q"):
            continue
        if field.tag == "select":
            values = [each.get("value", "") for each in field.iter("option") if each.get("selected") is not None]
        elif field.tag == "textarea":
            values = [field.text or ""]
        else:
            values = [field.get("value", "")] if field.get("type") == "text" else []
        found.setdefault(name, []).extend(value.lstrip("\n") for value in values if value.strip())
    return {name: values for name, values in found.items() if values}


def test_what_another_draw_of_the_bank_would_cost_or_make_wait_is_no_matter_of_this_quiz(cast: Cast, as_: Any) -> None:
    questions = (
        BankQuestion("imp-000", make_content(0)),
        BankQuestion("imp-001", make_content(1, "multiple_choice", marking="penalty")),
        BankQuestion("imp-002", make_written("free_text")),
    )
    make_bank(cast.author, questions=questions)
    make_quiz(cast.author, blueprint=[{"bank": "impersonation", "count": 1, "types": ["single_choice"]}])
    browser = as_(cast.colleague, language="en")
    page = browser.get("quizzes.show", slug="impersonation")
    assert "cost points" not in page.text
    assert "as soon as you hand in." in page.text
    make_quiz(cast.author, number="2.0", blueprint=[{"bank": "impersonation", "count": 3}])
    page = browser.get("quizzes.show", slug="impersonation")
    assert "cost points" in page.text
    assert "or, if your paper has answers that people mark, once they have marked them." in page.text


@pytest.mark.parametrize("language", ["en", "ja"])
def test_every_type_is_answered_without_a_script_and_comes_back_as_it_was_typed(
    cast: Cast, as_: Any, language: str
) -> None:
    person = cast.learner if language == "ja" else cast.colleague
    attempt = begin(person, make_written_quiz(cast.author, (*WRITTEN, "free_text")))
    browser = as_(person, language=language)
    page = browser.get("quizzes.attempt", code=attempt.code)
    assert _filled(page) == {}
    page = browser.post("quizzes.send_page", code=attempt.code, data=_hidden(page) | _SENT | {"action": "save"})
    page = browser.get("quizzes.attempt", code=attempt.code)
    filled = _filled(page)
    assert {name: sorted(values) for name, values in filled.items()} == {
        name: sorted(values) for name, values in _SENT.items()
    }
    # How a number is read is told, and where it cannot be read.
    assert ("Read as 72 h" if language == "en" else "72 hとして読み取りました") in page.text
    assert ("cannot be read as a number" if language == "en" else "数値として読み取れません") in page.text
    assert ("10 to 50 characters" if language == "en" else "10～50文字") in page.text
    # The gaps stand within the text, each with a name of its own.
    named = [each.get("aria-label") for each in page.tree.iter() if each.get("name", "").startswith("q5-")]
    gap = "Gap {}" if language == "en" else "空欄{}"
    assert [str(name).split(":")[0] for name in named] == [gap.format(number) for number in (1, 2, 3)]
    # Of six, one is answered only in part.
    assert next(item.response.answer for item in queries.list_items(attempt) if item.response) == {
        ANSWER: ["Ｌａｂｅｌ notice"]
    }


def test_two_things_at_one_place_are_asked_for_again(cast: Cast, as_: Any) -> None:
    attempt = begin(cast.colleague, make_written_quiz(cast.author, ("ordering",)))
    browser = as_(cast.colleague)
    page = browser.get("quizzes.attempt", code=attempt.code)
    sent = _hidden(page) | {"q1-answer": ["1:1", "2:1", "3:2"], "action": "submit"}
    browser.post("quizzes.send_page", code=attempt.code, data=sent)
    page = browser.get("quizzes.attempt", code=attempt.code, hand_in=1)
    assert _filled(page) == {"q1-answer": ["1:1", "3:2"]}
    assert "Only partly answered" in page.text
    assert queries.get_attempt(attempt.code).state is AttemptState.IN_PROGRESS


@pytest.mark.parametrize("language", ["en", "ja"])
def test_what_cannot_be_read_as_a_number_is_told_at_the_field_and_before_handing_in_and_kept(
    cast: Cast, as_: Any, language: str
) -> None:
    person = cast.learner if language == "ja" else cast.colleague
    attempt = begin(person, make_written_quiz(cast.author, ("numeric", "gap"), show=("score", "correctness")))
    browser = as_(person, language=language)
    page = browser.get("quizzes.attempt", code=attempt.code)
    typed = {"q1-answer": ["three weeks"], "q2-1": ["72 parsecs"], "q2-2": ["2"], "q2-3": ["notice"]}
    reply = browser.post("quizzes.send_page", code=attempt.code, data=_hidden(page) | typed | {"action": "submit"})
    assert "hand_in=1" in reply.headers["Location"]
    page = browser.get("quizzes.attempt", code=attempt.code, hand_in=1)
    # Nothing of it is lost, and each field says what is wrong with it, not what would be right.
    assert _filled(page)["q1-answer"] == ["three weeks"]
    invalid = {each.get("name"): each.get("aria-describedby") for each in page.tree.iter() if each.get("aria-invalid")}
    assert set(invalid) == {"q1-answer", "q2-1"}
    assert all("-note" in str(described) for described in invalid.values())
    words = ("This cannot be read as a number", "This unit is not known here", "Cannot be read", "0 of 2 answered")
    if language == "ja":
        words = ("数値として読み取れません", "この単位は使えません", "読み取れない解答", "2問中0問に解答済み")
    assert [each for each in words if each not in page.text] == []
    assert SECRET_NUMBER not in page.text
    left = next(each for each in page.tree.iter() if each.get("data-left") == "unread")
    assert ["".join(each.itertext()).split()[-1][-1] for each in left.iter("li")] == ["1", "2"]
    # She hands in all the same: what is stored is what she wrote, and what can be read earns its points.
    browser.post("quizzes.send_page", code=attempt.code, data=_hidden(page) | typed | {"action": "submit"})
    done = queries.get_attempt(attempt.code)
    assert done.state is AttemptState.RELEASED
    first, second = queries.list_items(done)
    assert (first.response.answer, second.response.answer["1"]) == ({ANSWER: ["three weeks"]}, ["72 parsecs"])
    marks = {mark.item_id: mark.points for mark in done.markings[0].item_marks}
    assert marks[first.id] == 0 < marks[second.id]
    page = browser.get("quizzes.result", code=attempt.code)
    assert ("could not be read" if language == "en" else "読み取れませんでした") in page.text


def test_going_on_for_good_from_what_cannot_be_read_is_asked_about_in_its_own_words(cast: Cast, as_: Any) -> None:
    version = make_written_quiz(
        cast.author, ("numeric", "short_answer"), navigation=Navigation.FORWARD_ONLY, layout=Layout.ONE_PER_PAGE
    )
    attempt = begin(cast.colleague, version)
    browser = as_(cast.colleague)
    page = browser.get("quizzes.attempt", code=attempt.code)
    sent = _hidden(page) | {"q1-answer": ["soon"], "action": "next", "question": "1"}
    browser.post("quizzes.send_page", code=attempt.code, data=sent)
    page = browser.get("quizzes.attempt", code=attempt.code, skip=1)
    assert "The answer to question 1 cannot be read" in page.text
    assert "Question 1 is not answered" not in page.text
    browser.post("quizzes.send_page", code=attempt.code, data=_hidden(page) | {"action": "skip", "q1-answer": ["soon"]})
    assert queries.get_attempt(attempt.code).reached == 2
    # What was left behind is not asked about again: the next question is simply not answered.
    page = browser.get("quizzes.attempt", code=attempt.code, skip=1)
    assert "Question 2 is not answered" in page.text


def test_a_save_says_how_a_number_is_read_and_refuses_what_is_too_long(cast: Cast, as_: Any) -> None:
    attempt = begin(cast.colleague, make_written_quiz(cast.author))
    browser = as_(cast.colleague)

    def save(position: int, given: dict[str, list[str]], seq: int) -> Any:
        body = {"position": position, "seq": seq, "idem_key": f"k{position}-{seq}", "answer": given, "page": "p"}
        return browser.post_json("quizzes.save_response", body, code=attempt.code)

    reply = save(2, {ANSWER: ["1,5 d"]}, 1).get_json()
    assert reply["notes"] == {ANSWER: {"text": "Read as 36 h", "is_read": True}}
    assert reply["answer"] == {ANSWER: ["1,5 d"]}
    reply = save(2, {ANSWER: ["12 weeks"]}, 2).get_json()
    assert reply["notes"][ANSWER] == {"text": "This unit is not known here. Write one of these: h, d", "is_read": False}
    refused = save(1, {ANSWER: ["x" * 1001]}, 1)
    assert refused.status_code == 400
    assert "longer than 1000 characters" in refused.get_json()["message"]
    for bad in ({ANSWER: ["a", "b"]}, {"other": ["a"]}, {ANSWER: "a"}):
        assert save(1, bad, 1).status_code in (400, 422)
    save(1, {ANSWER: ["no\u0000tice\u202e"]}, 3)
    assert session.scalars(select(Response.answer).join(Item).where(Item.position == 1)).one() == {ANSWER: ["notice"]}


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_result_shows_what_was_answered_what_is_right_and_why(cast: Cast, as_: Any, language: str) -> None:
    person = cast.learner if language == "ja" else cast.colleague
    attempt = begin(person, make_written_quiz(cast.author))
    for position in range(1, 6):
        given = {name.partition("-")[2]: values for name, values in _SENT.items() if name.startswith(f"q{position}-")}
        if position == 4:
            # What is sent here is right where the lot has shuffled it so.
            places = right_answer(attempt, position)[ANSWER]
            first, last = (place.split(":") for place in (places[0], places[-1]))
            given = {ANSWER: [f"{first[0]}:{last[1]}", *places[1:-1], f"{last[0]}:{first[1]}"]}
        answer(attempt, position, given)
    attempt = _hand_in(attempt)
    page = as_(person, language=language).get("quizzes.result", code=attempt.code)
    assert "Ｌａｂｅｌ notice" in page.body
    assert ("Well done" if language == "en" else "日本語We") in page.text
    assert ("Right order" if language == "en" else "正しい順") in page.text
    assert "72 ± 12 h" in page.text
    assert ("Gap 1" if language == "en" else "空欄1") in page.text
    assert scores_follow_from_answers() == []
    # Two points for the text, two for 3 days.
    assert [mark.points for mark in attempt.markings[0].item_marks][:2] == [2, 2]


def test_a_result_that_shows_no_key_shows_only_what_was_answered(cast: Cast, as_: Any) -> None:
    attempt = begin(cast.colleague, make_written_quiz(cast.author, show=("score", "correctness")))
    answer(attempt, 1, {ANSWER: ["notice"]})
    answer(attempt, 4, {ANSWER: ["1:3", "2:1", "3:2"]})
    attempt = _hand_in(attempt)
    page = as_(cast.colleague).get("quizzes.result", code=attempt.code)
    assert "Your answer, partly right" in page.text
    for hidden in ("Which one?", "label notice", "72", "Right order", "Right answer", "Place 1, right"):
        assert hidden not in page.text
    assert "Place 1" in page.text


def test_nothing_of_what_is_right_leaves_the_server_before_release(cast: Cast, as_: Any) -> None:
    version = make_written_quiz(cast.author, (*WRITTEN, "free_text"), release=Release.BY_HAND)
    attempt = begin(cast.learner, version)
    seen = []
    for language in ("en", "ja"):
        browser = as_(cast.learner, language=language)
        seen.append(browser.get("quizzes.show", slug="written").body)
        seen.append(browser.get("quizzes.attempt", code=attempt.code).body)
        for position, part in ((1, ANSWER), (2, ANSWER), (5, "1"), (6, ANSWER)):
            body = {
                "position": position,
                "seq": 1 + (language == "ja"),
                "idem_key": f"{language}{position}",
                "answer": {part: ["12"]},
                "page": "p",
            }
            reply = browser.post_json("quizzes.save_response", body, code=attempt.code)
            seen.append(reply.get_data(as_text=True) + json.dumps(dict(reply.headers)))
    _hand_in(attempt)
    for language in ("en", "ja"):
        seen.append(as_(cast.learner, language=language).get("quizzes.result", code=attempt.code).body)
    assert len(seen) == 14
    for secret in (SECRET, SECRET_NUMBER, "Which one?"):
        assert not any(secret in text for text in seen)


def test_a_text_that_a_person_marks_leaves_the_attempt_handed_in(cast: Cast) -> None:
    version = make_written_quiz(cast.author, ("free_text", "numeric"))
    attempt = begin(cast.learner, version)
    answer(attempt, 1, {ANSWER: ["Because."]})
    attempt = _hand_in(attempt)
    assert (attempt.state, attempt.markings) == (AttemptState.SUBMITTED, [])
    assert markings_are_complete() == []
    # Where nothing was written there is nothing to read.
    empty = begin(cast.colleague, version)
    answer(empty, 2, {ANSWER: ["72"]})
    empty = _hand_in(empty)
    assert (empty.state, empty.markings[0].points, empty.markings[0].max_points) == (AttemptState.RELEASED, 2, 7)


def test_wrong_choices_may_cost_points_and_the_attempt_never_falls_below_nothing(cast: Cast, as_: Any) -> None:
    questions = tuple(
        BankQuestion(f"imp-{number:03d}", make_content(number, "multiple_choice", marking="penalty"))
        for number in range(2)
    )
    make_bank(cast.author, questions=questions)
    version = make_quiz(cast.author, blueprint=[{"bank": "impersonation", "count": 2}])
    browser = as_(cast.colleague)
    assert "never falls below 0" in browser.get("quizzes.show", slug="impersonation").text
    attempt = begin(cast.colleague, version)
    page = browser.get("quizzes.attempt", code=attempt.code)
    assert page.text.count("Wrong choices cost points here") == 2
    answer_all(attempt, right=0)
    attempt = _hand_in(attempt)
    marking = attempt.markings[0]
    assert [mark.points for mark in marking.item_marks] == [Fraction(-1, 2), Fraction(-1, 2)]
    assert (marking.points, marking.score, marking.passed) == (0, 0, False)
    assert scores_follow_from_answers() == []
    assert "-0.5" in browser.get("quizzes.result", code=attempt.code).text.replace("−", "-")


@pytest.mark.parametrize("language", ["en", "ja"])
def test_an_author_reads_what_is_right_and_sees_what_a_learner_sees(cast: Cast, as_: Any, language: str) -> None:
    make_written_quiz(cast.author, (*WRITTEN, "free_text"))
    browser = as_(cast.author, language=language)
    slugs = [kind.replace("_", "-") for kind in (*WRITTEN, "free_text")]
    keys = "".join(browser.get("quizzes.question", slug="written", question=slug).text for slug in slugs)
    for shown in ("72 ± 12 h", "50%", "d = 24 h", f"{SECRET} names it"):
        assert shown in keys
    for kind in (*WRITTEN, "free_text"):
        page = browser.get("quizzes.preview", slug="written", question=kind.replace("_", "-"))
        assert SECRET not in page.text.replace(f"{SECRET} title", "")

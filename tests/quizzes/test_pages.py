"""The pages of quizzes: complete without a script, equal in both languages, and silent about the key."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from portal.accounts.models import Person, Role
from portal.accounts.service.ownership import set_owner
from portal.core import clock
from portal.core.db import session
from portal.core.i18n import Words
from portal.core.limits import Buckets
from portal.core.transaction import own_transaction
from portal.journal.queries import list_entries_about
from portal.library.models import AudienceKind
from portal.library.queries import get_document
from portal.library.service import images
from portal.library.service.documents import set_audience
from portal.quizzes import limits, queries
from portal.quizzes.errors import SavedTooFast, SavedTooOften
from portal.quizzes.formats.markdown import BankQuestion
from portal.quizzes.models import Attempt, AttemptState, Marking, Release, Response
from portal.quizzes.recorded import VOCABULARY
from portal.quizzes.service.attempts import pages, submit_attempt
from portal.quizzes.service.pictures import keep_picture
from portal.quizzes.types.base import Picture
from tests.builders import MORNING, Cast, make_grant
from tests.library.builders import english, make_published
from tests.page_client import Page, PageClient
from tests.queries import counted_queries
from tests.quizzes.builders import (
    KINDS,
    ONE_OF_EACH,
    SECRET,
    answer,
    answer_all,
    at,
    begin,
    make_accommodation,
    make_bank,
    make_content,
    make_quiz,
    right_answer,
    wrong_answer,
)
from tests.quizzes.test_pictures import drawn


def _fields(page: Page) -> dict[str, Any]:
    """Return what a browser would send of the attempt's form, as it stands."""
    sent: dict[str, Any] = {}
    for field in page.tree.iter("input"):
        name, kind = field.get("name", ""), field.get("type", "text")
        if not name or name == "lang":
            continue
        if kind == "hidden" or (kind in ("radio", "checkbox") and field.get("checked") is not None):
            sent.setdefault(name, []).append(field.get("value", ""))
    return sent


def _taker(cast: Cast, language: str) -> Person:
    return cast.learner if language == "ja" else cast.colleague


def _released(attempt: Attempt) -> Attempt:
    with own_transaction():
        submit_attempt(attempt=attempt, person=attempt.person)
    return queries.get_attempt(attempt.code)


# --- before the start --------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_rules_are_told_before_the_start(cast: Cast, as_: Any, language: str) -> None:
    make_quiz(cast.author, closes_at=at(minutes=600))
    with clock.frozen(MORNING):
        page = as_(cast.learner, language=language).get("quizzes.show", slug="impersonation")
    words = {
        "en": ["15 min", "80 %", "3 of 3", "cannot be paused", "the connection is lost", "5 seconds", "Start the quiz"],
        "ja": ["15分", "80%", "接続が切れた場合", "5秒", "開始"],
    }[language]
    for word in words:
        assert word in page.text, word


@pytest.mark.parametrize("language", ["en", "ja"])
def test_upsetting_questions_are_told_of_before_the_start_and_not_one_by_one(
    cast: Cast, as_: Any, language: str
) -> None:
    contents = [make_content(number, severity=level) for number, level in enumerate(("S0", "S3", "S1"))]
    questions = tuple(BankQuestion(f"q-{number}", content) for number, content in enumerate(contents))
    make_bank(cast.author, slug="hard", questions=questions)
    make_quiz(cast.author, slug="hard", blueprint=[{"bank": "hard", "count": 3}])
    make_quiz(cast.author, slug="mild", blueprint=[{"questions": ["hard/q-0", "hard/q-2"]}])
    browser = as_(cast.learner, language=language)
    words = {"en": "up to sensitivity level", "ja": "注意レベル"}[language]
    shown = browser.get("quizzes.show", slug="hard")
    assert words in shown.text
    assert "S3" in shown.text
    assert words not in browser.get("quizzes.show", slug="mild").text
    page = browser.get("quizzes.attempt", code=begin(cast.learner, queries.get_quiz("hard")).code)
    assert "S3" not in page.text


def test_the_minutes_really_available_are_told_to_her_who_has_more_time_and_to_nobody_else(
    cast: Cast, as_: Any
) -> None:
    make_accommodation(cast.colleague, Fraction(3, 2))
    make_quiz(cast.author, time_limit_minutes=40, closes_at=at(minutes=50))
    with clock.frozen(MORNING):
        hers = as_(cast.colleague).get("quizzes.show", slug="impersonation").text
        other = as_(cast.lead).get("quizzes.show", slug="impersonation").text
    assert "You have 1 h" in hers
    assert "10:40" in hers
    assert "You have 40 min" in other
    assert "1 h" not in other
    assert "agreed" not in other


def test_a_window_that_cuts_the_time_is_said_and_has_to_be_confirmed(cast: Cast, as_: Any) -> None:
    make_quiz(cast.author, closes_at=at(minutes=10))
    with clock.frozen(MORNING):
        browser = as_(cast.colleague)
        page = browser.get("quizzes.show", slug="impersonation")
        assert "only 10 min of 15 min are left" in page.text
        refused = browser.post("quizzes.start", slug="impersonation", expect=409)
        assert "Tick the box on this page" in refused.text
        assert browser.post("quizzes.start", {"accepts_cut": "yes"}, slug="impersonation").status_code == 303


@pytest.mark.parametrize("language", ["en", "ja"])
def test_what_hinders_a_start_is_said_with_what_to_do(cast: Cast, as_: Any, language: str) -> None:
    make_quiz(cast.author, slug="later", opens_at=at(minutes=5))
    make_quiz(cast.author, slug="over", closes_at=at(minutes=-5))
    make_bank(cast.author, slug="small", size=2)
    make_quiz(cast.author, slug="thin", blueprint=[{"bank": "small", "count": 3}])
    words = {
        "later": {"en": "not open yet", "ja": "まだ"},
        "over": {"en": "is closed", "ja": "終了"},
        "thin": {"en": "does not have enough questions", "ja": "設問が足り"},
    }
    with clock.frozen(MORNING):
        browser = as_(cast.learner, language=language)
        for slug, expected in words.items():
            page = browser.post("quizzes.start", slug=slug, expect=409)
            assert expected[language] in page.text
    assert session.scalars(select(Attempt)).all() == []


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_quiz_whose_bank_ran_short_offers_no_start_and_names_whom_to_tell(
    cast: Cast, as_: Any, language: str
) -> None:
    make_bank(cast.author, size=3)
    version = make_quiz(cast.author)
    browser = as_(cast.learner, language=language)
    nobody, short = ("administrator", "Cannot be started now") if language == "en" else ("管理者", "今は開始できません")
    assert nobody in browser.get("quizzes.show", slug=version.quiz.slug).text
    with own_transaction():
        set_owner(kind="quiz", code=version.quiz.slug, owner=cast.approver, by=cast.admin)
    name = cast.approver.name_in(language)
    page = browser.get("quizzes.show", slug=version.quiz.slug)
    assert name in page.text
    assert not page.all("form", action=f"/quizzes/{version.quiz.slug}/attempts")
    assert name in browser.post("quizzes.start", slug=version.quiz.slug, expect=409).text
    assert short in browser.get("quizzes.index").text


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_quiz_about_the_rule_of_another_market_is_neither_listed_nor_started(
    cast: Cast, as_: Any, language: str
) -> None:
    make_published(cast.author, audience={AudienceKind.MARKET: ["US"]})
    version = make_quiz(cast.author)
    browser = as_(cast.learner, language=language)
    assert "/quizzes/impersonation" not in browser.get("quizzes.index").links()
    words = {"en": "for other markets", "ja": "別の市場"}[language]
    page = browser.get("quizzes.show", slug="impersonation")
    assert words in page.text
    assert not page.all("form", action="/quizzes/impersonation/attempts")
    assert words in browser.post("quizzes.start", slug="impersonation", expect=409).text
    assert session.scalars(select(Attempt)).all() == []
    # Whoever may read the document may take the quiz; an attempt that was begun goes on and stays in the list.
    assert begin(cast.author, version).state is AttemptState.IN_PROGRESS
    with own_transaction():
        set_audience(document=get_document("impersonation"), audience={}, by=cast.author)
    attempt = begin(cast.learner, version)
    with own_transaction():
        set_audience(document=get_document("impersonation"), audience={AudienceKind.MARKET: ["US"]}, by=cast.author)
    browser.get("quizzes.attempt", code=attempt.code)
    assert "/quizzes/impersonation" in browser.get("quizzes.index").links()
    assert words not in browser.get("quizzes.show", slug="impersonation").text


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_list_says_where_one_stands_in_each_quiz(cast: Cast, as_: Any, language: str) -> None:
    version = make_quiz(cast.author)
    make_quiz(cast.author, slug="other", title=Words("Another check", "別の確認テスト"))
    with clock.frozen(MORNING):
        attempt = begin(cast.learner, version)
        answer_all(attempt)
        _released(attempt)
        page = as_(cast.learner, language=language).get("quizzes.index")
    assert ("Passed" if language == "en" else "合格") in page.text
    assert len(page.all("tr")) == 3


# --- during ------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_attempt_page_is_complete_without_a_script(cast: Cast, as_: Any, language: str) -> None:
    make_quiz(cast.author)
    with clock.frozen(MORNING):
        browser = as_(_taker(cast, language))
        page = browser.follow(browser.post("quizzes.start", slug="impersonation"))
    attempt = session.scalars(select(Attempt)).one()
    assert len(page.all("section", class_="quiz-item")) == 4
    sent = _fields(page)
    given = {position: right_answer(attempt, position) for position in (1, 2, 3, 4)}
    for position in (1, 2):
        sent |= {f"q{position}-{part}": values for part, values in given[position].items()}
    with clock.frozen(at(minutes=1)):
        page = browser.follow(browser.post("quizzes.send_page", sent | {"action": "save"}, code=attempt.code))
    assert ("Saved 09:31:00" if language == "en" else "09:31:00") in page.text
    assert [row.seq for row in session.scalars(select(Response))] == [1, 1]
    # What is saved stands there again, and the rest can be answered and handed in.
    sent = _fields(page)
    assert sent["seq-1"] == ["1"]
    for position in (3, 4):
        sent |= {f"q{position}-{part}": values for part, values in given[position].items()}
    with clock.frozen(at(minutes=2)):
        result = browser.follow(browser.post("quizzes.send_page", sent | {"action": "submit"}, code=attempt.code))
    assert ("Passed." if language == "en" else "合格です") in result.text
    assert session.scalars(select(Marking)).one().score == 1


def test_saving_the_same_page_again_changes_nothing(cast: Cast, as_: Any) -> None:
    attempt = begin(cast.learner, make_quiz(cast.author))
    browser = as_(cast.learner)
    sent = _fields(browser.get("quizzes.attempt", code=attempt.code))
    sent |= {f"q1-{part}": values for part, values in right_answer(attempt, 1).items()}
    for _ in range(2):
        browser.post("quizzes.send_page", sent, code=attempt.code)
    assert session.scalars(select(Response)).one().seq == 1


@pytest.mark.parametrize("form_key", ["", "a\x00b", "k" * 17, "鍵", "a\nb"])
def test_a_key_that_no_form_has_is_refused_and_saves_nothing(cast: Cast, as_: Any, form_key: str) -> None:
    attempt = begin(cast.colleague, make_quiz(cast.author))
    browser = as_(cast.colleague)
    sent = _fields(browser.get("quizzes.attempt", code=attempt.code)) | {"form_key": form_key}
    sent |= {f"q1-{part}": values for part, values in right_answer(attempt, 1).items()}
    assert "Load the page again" in browser.post("quizzes.send_page", sent, code=attempt.code, expect=400).text
    assert session.scalars(select(Response)).all() == []


@pytest.mark.parametrize("seen", ["2", "0", None, "x"])
def test_an_answer_that_a_used_form_cannot_save_is_named(cast: Cast, as_: Any, seen: str | None) -> None:
    """The form of an old page, sent again with its answer, when another one has been saved since."""
    attempt = begin(cast.colleague, make_quiz(cast.author))
    browser = as_(cast.colleague)
    old = _fields(browser.get("quizzes.attempt", code=attempt.code))
    old |= {f"q1-{part}": values for part, values in right_answer(attempt, 1).items()}
    browser.post("quizzes.send_page", old, code=attempt.code)
    answer(attempt, 1, wrong_answer(attempt, 1), 2)
    old.pop("seq-1") if seen is None else old.update({"seq-1": seen})
    page = browser.follow(browser.post("quizzes.send_page", old, code=attempt.code))
    assert "Other answers to question 1 had been saved from another page" in page.text
    assert session.scalars(select(Response)).one().seq == 2


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_page_that_comes_after_handing_in_says_when_that_was_and_what_was_not_kept(
    cast: Cast, as_: Any, language: str
) -> None:
    with clock.frozen(MORNING):
        attempt = begin(cast.learner, make_quiz(cast.author))
        browser = as_(cast.learner, language=language)
        sent = _fields(browser.get("quizzes.attempt", code=attempt.code))
    with clock.frozen(at(minutes=1)):
        _released(attempt)
    with clock.frozen(at(minutes=2)):
        page = browser.follow(browser.post("quizzes.send_page", sent, code=attempt.code))
        assert ("handed in at 09:31:00" if language == "en" else "09:31:00に提出済み") in page.text
        for number in (2, 3):
            sent |= {f"q{number}-{part}": values for part, values in right_answer(attempt, number).items()}
        page = browser.follow(browser.post("quizzes.send_page", sent | {"action": "submit"}, code=attempt.code))
    assert ("was not kept: question 2, 3." if language == "en" else "設問2、3") in page.text
    assert session.scalars(select(Response)).all() == []


def test_a_case_counts_as_answered_with_all_its_parts_only(cast: Cast, as_: Any) -> None:
    attempt = begin(cast.colleague, make_quiz(cast.author, blueprint=ONE_OF_EACH))
    case = next(i.position for i in queries.list_items(attempt) if i.question_version.content["type"] == "case")
    given = right_answer(attempt, case)
    states = []
    for parts in ((), ("decision",), ("clause", "severity"), ("decision", "clause", "severity")):
        answer(attempt, case, {part: given[part] for part in parts}, len(states) + 1)
        page = as_(cast.colleague).get("quizzes.attempt", code=attempt.code)
        place = page.all("a", href=f"#question-{case}")[0]
        states.append((place.get("data-state"), "1 of 4 answered" in page.text))
        seen = as_(cast.lead).get("quizzes.supervision", code=attempt.code).text
        assert ("1 of 4" in seen or "4問中1問" in seen) is (len(parts) == 3)
    assert states == [("open", False), ("partly", False), ("partly", False), ("answered", True)]


def test_the_result_tells_the_points_of_every_part_and_what_was_chosen(cast: Cast, as_: Any) -> None:
    attempt = begin(cast.colleague, make_quiz(cast.author, blueprint=ONE_OF_EACH))
    case = next(i.position for i in queries.list_items(attempt) if i.question_version.content["type"] == "case")
    given = right_answer(attempt, case) | {"clause": wrong_answer(attempt, case)["clause"]}
    answer(attempt, case, {part: given[part] for part in ("decision", "clause")})
    _released(attempt)
    page = as_(cast.colleague).get("quizzes.result", code=attempt.code)
    shown = next(each for each in page.all("section", class_="quiz-item") if each.get("id") == f"question-{case}")
    text = " ".join("".join(shown.itertext()).split())
    assert "Only partly answered" in text
    for words in ("2 of 4 points", "2 of 2 points", "0 of 1 point "):
        assert words in text, words
    looks = [each.get("class", "").split()[-1] for each in shown.iter("li")]
    assert sorted(looks) == sorted(["choice--other"] * 3 + ["choice--right", "choice--wrong"] + ["choice--missed"] * 2)
    for words in ("Your choice, right", "Your choice, wrong", "Right, not chosen"):
        assert words in text


def test_an_old_page_does_not_replace_what_was_saved_since(cast: Cast, as_: Any) -> None:
    attempt = begin(cast.colleague, make_quiz(cast.author))
    browser = as_(cast.colleague)
    old = _fields(browser.get("quizzes.attempt", code=attempt.code))
    answer(attempt, 1, right_answer(attempt, 1), 1)
    old |= {f"q1-{part}": values for part, values in wrong_answer(attempt, 1).items()}
    page = browser.follow(browser.post("quizzes.send_page", old | {"action": "submit"}, code=attempt.code))
    assert "Other answers to question 1 had been saved from another page" in page.text
    session.rollback()
    assert queries.get_attempt(attempt.code).state is AttemptState.IN_PROGRESS
    assert session.scalars(select(Response)).one().seq == 1


def test_a_page_that_is_handed_in_too_late_says_what_was_not_taken(cast: Cast, as_: Any) -> None:
    with clock.frozen(MORNING):
        attempt = begin(cast.colleague, make_quiz(cast.author))
        answer(attempt, 1, right_answer(attempt, 1), 1)
    with clock.frozen(at(minutes=14)):
        browser = as_(cast.colleague)
        sent = _fields(browser.get("quizzes.attempt", code=attempt.code))
    sent |= {f"q2-{part}": values for part, values in right_answer(attempt, 2).items()}
    with clock.frozen(at(minutes=15, seconds=6)):
        page = browser.follow(browser.post("quizzes.send_page", sent | {"action": "submit"}, code=attempt.code))
    assert "the last changes to question 2 arrived too late" in page.text
    assert "automatically, when the time was up" in page.text
    assert "An answer to question 2 arrived 6 s too late and was not accepted" in page.text


def test_an_attempt_goes_on_in_another_browser_with_what_is_saved(cast: Cast, as_: Any) -> None:
    with clock.frozen(MORNING):
        attempt = begin(cast.learner, make_quiz(cast.author))
        answer(attempt, 1, right_answer(attempt, 1), 3, page="one")
    with clock.frozen(at(minutes=5)):
        shown = _fields(as_(cast.learner).get("quizzes.attempt", code=attempt.code))
    assert shown["seq-1"] == ["3"]
    for part, values in right_answer(attempt, 1).items():
        assert sorted(shown[f"q1-{part}"]) == sorted(values)


def test_without_a_visible_countdown_the_end_is_still_to_be_found(cast: Cast, as_: Any) -> None:
    make_accommodation(cast.colleague, Fraction(1), hide_countdown=True)
    with clock.frozen(MORNING):
        attempt = begin(cast.colleague, make_quiz(cast.author))
        page = as_(cast.colleague).get("quizzes.attempt", code=attempt.code)
    assert page.all("div", class_="countdown") == []
    assert "09:45:00 JST" in page.one("details", open="").text if False else "09:45:00 JST" in page.text


def test_a_get_writes_nothing_even_when_the_time_is_over(cast: Cast, as_: Any) -> None:
    with clock.frozen(MORNING):
        attempt = begin(cast.colleague, make_quiz(cast.author))
    with clock.frozen(at(minutes=16)):
        browser = as_(cast.colleague)
        assert browser.fetch("quizzes.attempt", code=attempt.code).status_code == 303
        page = browser.get("quizzes.result", code=attempt.code)
        assert "Time is up." in page.text
        browser.get("quizzes.show", slug="impersonation")
        browser.get("quizzes.index")
    session.rollback()
    assert queries.get_attempt(attempt.code).state is AttemptState.IN_PROGRESS


# --- the JSON of the script --------------------------------------------------------------------


def _save(browser: PageClient, attempt: Attempt, position: int, given: Any, seq: int = 1, **more: Any) -> Any:
    body = {"position": position, "seq": seq, "idem_key": f"k{position}-{seq}", "answer": given} | more
    return browser.post_json("quizzes.save_response", body, code=attempt.code)


def test_a_save_is_answered_with_number_state_and_time_left(cast: Cast, as_: Any) -> None:
    with clock.frozen(MORNING):
        attempt = begin(cast.learner, make_quiz(cast.author))
    with clock.frozen(at(minutes=1, seconds=0.5)):
        given = right_answer(attempt, 1)
        response = _save(as_(cast.learner), attempt, 1, given)
    assert response.status_code == 200
    assert response.json == {
        "outcome": "saved",
        "state": "in_progress",
        "saved_seq": 1,
        "answer": given,
        "confidence": None,
        "remaining_ms": 839_500,
        "server_now": "2026-04-01T00:31:00.500000+00:00",
        "saved_at": "09:31:00",
        "message": "",
        # What the page shows of its end and of what is agreed, should it have changed.
        "end": "09:45:00 JST",
        "until": "09:45:00 JSTまで",
        "terms": {"is_quiet": False, "breaks": ""},
    }


def test_a_second_tab_gets_what_is_saved_and_a_notice(cast: Cast, as_: Any) -> None:
    with clock.frozen(MORNING):
        attempt = begin(cast.colleague, make_quiz(cast.author))
        browser, mine = as_(cast.colleague), right_answer(attempt, 1)
        _save(browser, attempt, 1, mine, page="one")
        refused = _save(browser, attempt, 1, {}, 2, page="two")
        assert refused.status_code == 409
        assert (refused.json["outcome"], refused.json["answer"], refused.json["saved_seq"]) == ("elsewhere", mine, 1)
        assert "open elsewhere" in refused.json["message"]
        stale = _save(browser, attempt, 1, {}, 1, page="one", idem_key="x")
        assert (stale.status_code, stale.json["outcome"]) == (409, "stale")
        pulse = browser.post_json("quizzes.note_page", {"page": "two"}, code=attempt.code)
        assert (pulse.json["writer"], pulse.json["state"]) == (False, "in_progress")


def test_a_late_save_is_refused_with_words_and_the_state(cast: Cast, as_: Any) -> None:
    with clock.frozen(MORNING):
        attempt = begin(cast.learner, make_quiz(cast.author))
    with clock.frozen(at(minutes=15, seconds=5.1)):
        browser = as_(cast.learner)
        late = _save(browser, attempt, 1, right_answer(attempt, 1))
        assert (late.status_code, late.json["outcome"], late.json["state"]) == (410, "late", "released")
        assert "時間" in late.json["message"]
        again = _save(browser, attempt, 1, right_answer(attempt, 1), 2)
        assert (again.status_code, again.json["outcome"]) == (409, "closed")


@pytest.mark.parametrize(
    "change",
    [
        {"position": None},
        {"position": "1"},
        {"position": True},
        {"seq": 0},
        {"seq": 1.5},
        {"seq": 10**12},
        {"idem_key": None},
        {"idem_key": ""},
        {"idem_key": "k" * 100},
        {"answer": []},
        {"answer": "1"},
        {"answer": {"answer": "1"}},
        {"answer": {"answer": [1]}},
        {"answer": {"answer": ["99"]}},
        {"answer": {"nothing": ["1"]}},
        {"answer": {str(n): [] for n in range(20)}},
        {"position": 99},
        {"page": ""},
        {"page": 5},
    ],
)
def test_a_save_that_cannot_be_read_is_refused_in_words(cast: Cast, as_: Any, change: dict[str, Any]) -> None:
    attempt = begin(cast.colleague, make_quiz(cast.author))
    body = {"position": 1, "seq": 1, "idem_key": "k", "answer": {}} | change
    response = as_(cast.colleague).post_json("quizzes.save_response", body, code=attempt.code)
    assert response.status_code == 400, response.json
    assert "Load the page again" in response.json["message"]
    session.rollback()
    assert session.scalars(select(Response)).all() == []


def test_a_body_that_is_no_json_is_refused(cast: Cast, as_: Any) -> None:
    attempt = begin(cast.colleague, make_quiz(cast.author))
    browser = as_(cast.colleague)
    token = browser.token()
    for data in (b"", b"[]", b"{", b"\xff", b"null"):
        for endpoint in ("quizzes.save_response", "quizzes.note_page"):
            response = browser.client.post(
                browser.url(endpoint, code=attempt.code),
                data=data,
                content_type="application/json",
                headers={"X-CSRFToken": token},
            )
            assert response.status_code == 400, data


def test_a_save_needs_its_token(cast: Cast, as_: Any) -> None:
    attempt = begin(cast.colleague, make_quiz(cast.author))
    browser = as_(cast.colleague)
    for endpoint in ("quizzes.save_response", "quizzes.note_page", "quizzes.send_page"):
        response = browser.client.post(
            browser.url(endpoint, code=attempt.code),
            json={"position": 1, "seq": 1, "idem_key": "k", "answer": {}, "page": "p"},
        )
        assert response.status_code == 400
    assert session.scalars(select(Response)).all() == []


# --- limits ------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "ja"])
def test_saves_faster_than_anybody_answers_are_refused_with_when_to_try_again(
    cast: Cast, as_: Any, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "saves", Buckets(3, refusal=SavedTooFast))
    attempt = begin(cast.learner, make_quiz(cast.author))
    browser = as_(cast.learner, language=language)
    for seq in (1, 2):
        assert _save(browser, attempt, 1, right_answer(attempt, 1), seq).status_code == 200
    sent = _fields(browser.get("quizzes.attempt", code=attempt.code))
    browser.post("quizzes.send_page", sent, code=attempt.code)
    refused = _save(browser, attempt, 1, {}, 3)
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["Retry-After"]) <= 20
    assert refused.json["message"]
    shown = browser.post("quizzes.send_page", sent, code=attempt.code, expect=429)
    assert ("stays there" if language == "en" else "残って") in shown.text
    # Another attempt is not slowed down by this one.
    other = begin(cast.colleague, queries.get_quiz("impersonation"))
    assert _save(as_(cast.colleague), other, 1, {}, 1).status_code == 200
    assert session.scalars(select(Response).where(Response.seq > 1)).one().seq == 2


def test_the_history_of_an_attempt_has_an_end_and_what_was_saved_counts(cast: Cast, as_: Any) -> None:
    attempt = begin(cast.colleague, make_quiz(cast.author))
    for seq in (1, 2, 3):
        answer(attempt, 1, right_answer(attempt, 1) if seq % 2 else {}, seq, most=4)
    with pytest.raises(SavedTooOften) as refused:
        answer(attempt, 1, {}, 4, most=4)
    assert "you can hand it in" in str(refused.value)
    session.rollback()
    assert session.scalars(select(Response)).one().seq == 3
    assert len(queries.list_events(attempt)) == 4
    assert _released(attempt).state is AttemptState.RELEASED


def test_pages_that_come_and_go_do_not_fill_the_history(cast: Cast, as_: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "MAX_TOLD", 5)
    attempt = begin(cast.colleague, make_quiz(cast.author))
    browser = as_(cast.colleague)
    for number in range(12):
        body = {"page": f"page-{number}", "take_over": number % 2 == 0}
        assert browser.post_json("quizzes.note_page", body, code=attempt.code).json["writer"] is (number % 2 == 0)
    assert len(queries.list_events(attempt)) == 5
    # Answers still have room.
    assert _save(browser, attempt, 1, right_answer(attempt, 1), page="page-10").status_code == 200


# --- after -------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_result_shows_score_key_rationale_and_clause(cast: Cast, as_: Any, language: str) -> None:
    with clock.frozen(MORNING):
        attempt = begin(_taker(cast, language), make_quiz(cast.author, pass_mark=Fraction(1)))
        answer_all(attempt, right=3)
        _released(attempt)
        page = as_(_taker(cast, language)).get("quizzes.result", code=attempt.code)
    assert SECRET in page.text
    assert any(
        "/library/impersonation/versions/1.0" in href and href.endswith("#fan-accounts") for href in page.links()
    )
    assert ("2 of 3" if language == "en" else "2回（全3回）") in page.text
    assert ("Not passed this time" if language == "en" else "今回は不合格です") in page.text


@pytest.mark.parametrize(
    ("show", "score", "points", "key", "why"),
    [
        ((), False, False, False, False),
        (("score",), True, False, False, False),
        (("score", "correctness"), True, True, False, False),
        (("score", "correctness", "key"), True, True, True, False),
        (("rationale",), False, False, False, True),
    ],
)
def test_the_result_shows_no_more_than_the_quiz_says(
    cast: Cast, as_: Any, show: tuple[str, ...], score: bool, points: bool, key: bool, why: bool
) -> None:
    with clock.frozen(MORNING):
        attempt = begin(cast.colleague, make_quiz(cast.author, show=show))
        answer_all(attempt)
        _released(attempt)
        text = as_(cast.colleague).get("quizzes.result", code=attempt.code).text
    assert ("100 %" in text) is score
    assert (re.search(r"\d+ of \d+ points", text.replace("100 %", "")) is not None) is (points or score)
    assert ("Your choice, right" in text) is key
    assert (f"{SECRET} rationale" in text or f"{SECRET} part" in text) is why
    assert "Passed." in text


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("release", [Release.BY_HAND, Release.AFTER_WINDOW])
def test_before_its_release_a_result_is_not_shown_anywhere(
    cast: Cast, as_: Any, language: str, release: Release
) -> None:
    version = make_quiz(cast.author, release=release, closes_at=at(minutes=600))
    with clock.frozen(MORNING):
        attempt = begin(cast.learner, version)
        answer_all(attempt)
        _released(attempt)
        browser = as_(cast.learner, language=language)
        for endpoint, values in (
            ("quizzes.result", {"code": attempt.code}),
            ("quizzes.show", {"slug": "impersonation"}),
            ("quizzes.index", {}),
            ("gradebook.transcript", {}),
        ):
            page = browser.get(endpoint, **values)
            assert SECRET not in page.body
            assert "100" not in page.text
            for word in ("Passed", "合格しました", "合格です"):
                assert word not in page.text


def test_results_are_released_by_hand_by_the_author(cast: Cast, as_: Any) -> None:
    version = make_quiz(cast.author, release=Release.BY_HAND)
    attempt = begin(cast.colleague, version)
    _released(attempt)
    browser = as_(cast.author)
    assert "公開を待つ結果" in browser.get("quizzes.banks").text
    page = browser.get("quizzes.release", slug="impersonation")
    assert "花子" in page.text
    done = browser.follow(browser.post("quizzes.release_results", slug="impersonation"))
    assert "1件の結果を公開しました。" in done.text
    assert "公開を待つ結果はありません" in done.text
    assert "Not passed" in as_(cast.colleague).get("quizzes.result", code=attempt.code).text


def test_nobody_is_shown_a_way_to_a_page_that_she_may_not_open(cast: Cast, as_: Any) -> None:
    _released(begin(cast.colleague, make_quiz(cast.author, release=Release.BY_HAND)))
    make_grant(cast.outsider, Role.AUDITOR)
    with own_transaction():
        set_owner(kind="question_bank", code="impersonation", owner=cast.outsider, by=cast.admin)
    for person in (cast.approver, cast.author):
        page = as_(person).get("quizzes.banks")
        shown = "/quizzes/impersonation/release" in page.links()
        assert shown is (person is cast.author)
    # Who answers for a bank but may not read its key is told its title alone.
    for person in (cast.outsider, cast.admin):
        page = as_(person).get("accounts.show_person", code=cast.outsider.code)
        assert "Impersonation" in page.text or "なりすまし" in page.text
        assert ("/banks/impersonation" in page.links()) is (person is cast.admin)
    assert "/banks/impersonation" not in as_(cast.outsider).get("accounts.own_account").links()


# --- who sees what -----------------------------------------------------------------------------


def test_somebody_elses_attempt_does_not_exist_and_nothing_changes(cast: Cast, as_: Any, client: PageClient) -> None:
    """Z12: every request of an attempt, replayed by others."""
    attempt = begin(cast.learner, make_quiz(cast.author))
    answer(attempt, 1, right_answer(attempt, 1))
    body = {"position": 1, "seq": 9, "idem_key": "stolen", "answer": wrong_answer(attempt, 1), "page": "p"}

    def state() -> list[Any]:
        session.rollback()
        rows = [tuple(row) for row in session.execute(select(Response.seq, Response.hash))]
        return [*rows, queries.get_attempt(attempt.code).state, queries.count_events(attempt)]

    before = state()
    for name, person in cast.everyone().items():
        if name == "learner":
            continue
        browser = as_(person)
        for endpoint in ("quizzes.attempt", "quizzes.result"):
            assert browser.fetch(endpoint, code=attempt.code).status_code == 404, (name, endpoint)
        for endpoint in ("quizzes.save_response", "quizzes.note_page"):
            assert browser.post_json(endpoint, body, code=attempt.code).status_code == 404, (name, endpoint)
        browser.post("quizzes.send_page", {"action": "submit", "form_key": "x"}, code=attempt.code, expect=404)
    for endpoint in ("quizzes.save_response", "quizzes.note_page"):
        assert client.post_json(endpoint, body, code=attempt.code).status_code == 401
    assert client.fetch("quizzes.attempt", code=attempt.code).status_code == 302
    assert state() == before
    # One's own attempt does not lead to the items of another.
    own = begin(cast.colleague, queries.get_quiz("impersonation"))
    assert _save(as_(cast.colleague), own, 5, {}).status_code == 400
    assert as_(cast.colleague).fetch("quizzes.attempt", code="0" * 12).status_code == 404


def test_banks_are_for_authors_and_nobody_who_learns(cast: Cast, as_: Any) -> None:
    make_bank(cast.author)
    pages = [
        ("quizzes.banks", {}),
        ("quizzes.bank", {"slug": "impersonation"}),
        ("quizzes.question", {"slug": "impersonation", "question": "imp-001"}),
        ("quizzes.preview", {"slug": "impersonation", "question": "imp-001"}),
    ]
    for name, person in cast.everyone().items():
        allowed = name in ("author", "approver", "admin")
        for endpoint, values in pages:
            response = as_(person).fetch(endpoint, **values)
            assert (response.status_code == 200) is allowed, (name, endpoint)
            if not allowed:
                assert SECRET not in response.get_data(as_text=True)
    for language in ("en", "ja"):
        browser = as_(cast.author, language=language)
        page = browser.get("quizzes.question", slug="impersonation", question="imp-000")
        # Once in each language.
        assert page.text.count(f"{SECRET} rationale") == 2
        shown = browser.get("quizzes.preview", slug="impersonation", question="imp-003")
        assert len(shown.all("input", type="radio")) == 2 * 7
        browser.get("quizzes.banks")
    assert as_(cast.author).fetch("quizzes.bank", slug="nothing").status_code == 404
    assert as_(cast.author).fetch("quizzes.preview", slug="impersonation", question="x").status_code == 404


def _whys(page: Any) -> list[str]:
    return ["".join(each.itertext()) for each in page.all("p", class_="explanation__title")]


@pytest.mark.parametrize("language", ["en", "ja"])
def test_without_an_explanation_only_the_rule_is_named(cast: Cast, as_: Any, language: str) -> None:
    plain = BankQuestion("imp-000", make_content(0, "single_choice", rationale=None))
    make_bank(cast.author, questions=(plain,))
    attempt = begin(_taker(cast, language), make_quiz(cast.author, blueprint=[{"bank": "impersonation", "count": 1}]))
    _released(attempt)
    for page in (
        as_(cast.author, language=language).get("quizzes.question", slug="impersonation", question="imp-000"),
        as_(_taker(cast, language)).get("quizzes.result", code=attempt.code),
    ):
        assert _whys(page) == []
        assert ("Rule" if language == "en" else "根拠") in page.text


@pytest.mark.parametrize("language", ["en", "ja"])
def test_banks_name_their_document_by_its_title(cast: Cast, as_: Any, language: str) -> None:
    make_published(cast.author, texts=[english(title="Impersonation policy")])
    make_bank(cast.author)
    words = "Impersonation policy (version 1.0)" if language == "en" else "Impersonation policy（第1.0版）"
    browser = as_(cast.author, language=language)
    for page in (browser.get("quizzes.banks"), browser.get("quizzes.bank", slug="impersonation")):
        assert words in page.text


def test_the_journal_knows_a_bank_by_one_kind(cast: Cast) -> None:
    make_bank(cast.author)
    assert [entry.action for entry in list_entries_about("question_bank", "impersonation")] == ["quizzes.bank_taken_in"]
    names = [str(kind.name) for kind in VOCABULARY.kinds.values()]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("language", ["en", "ja"])
def test_whoever_has_passed_is_not_offered_another_attempt_with_the_result(cast: Cast, as_: Any, language: str) -> None:
    words = "Next attempt" if language == "en" else "次の受験"
    for right in (4, 0):
        attempt = begin(_taker(cast, language), make_quiz(cast.author))
        answer_all(attempt, right=right)
        _released(attempt)
        page = as_(_taker(cast, language)).get("quizzes.result", code=attempt.code)
        assert (words in page.text) is (right == 0)


def test_nothing_that_a_learner_receives_before_release_holds_the_key(
    app: Flask, cast: Cast, as_: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Z11: every answer of every route of quizzes and gradebook, its headers, and the log."""
    with own_transaction():
        data = images.remake(drawn())
        shown = Picture(keep_picture(made=data, bank="impersonation", by=cast.author).sha256, Words("A", "あ"), "S2")
    questions = [make_content(number, KINDS[number % 4]) for number in range(8)]
    questions = [replace(each, picture=shown) if each.type == "case" else each for each in questions]
    make_bank(cast.author, questions=tuple(BankQuestion(f"imp-{n:03d}", each) for n, each in enumerate(questions)))
    blueprint = [{"questions": [f"impersonation/imp-{number:03d}" for number in (3, 0, 1, 2, 4, 5, 6, 7)]}]
    version = make_quiz(cast.author, bank=False, blueprint=blueprint, release=Release.BY_HAND, shuffle_questions=False)
    attempt = begin(cast.learner, version)
    assert as_(cast.learner).fetch("quizzes.attempt_picture", code=attempt.code, position=1).status_code == 200
    seen: list[str] = []
    values = {"slug": "impersonation", "bank": "impersonation", "code": attempt.code, "question": "imp-001"}
    values["position"] = values["place"] = "1"
    values["sha256"] = shown.sha256
    # The gradebook is about people.
    of_person: dict[str, Any] = {"number": 1, "file": "x", "request_code": "x", "code": cast.learner.code}
    rules = [rule for rule in app.url_map.iter_rules() if rule.endpoint.partition(".")[0] in ("quizzes", "gradebook")]
    assert len(rules) >= 15
    for language in ("en", "ja"):
        browser = as_(cast.learner, language=language)
        for round_ in ("open", "submitted"):
            for rule in rules:
                known = values | of_person if rule.endpoint.startswith("gradebook.") else values
                needed = {name: known[name] for name in rule.arguments}
                if "GET" in rule.methods:
                    response = browser.fetch(rule.endpoint, **needed)
                elif rule.endpoint in ("quizzes.save_response", "quizzes.note_page"):
                    response = browser.post_json(
                        rule.endpoint,
                        {"position": 1, "seq": 99, "idem_key": f"{language}{round_}", "answer": {}, "page": "p"},
                        code=attempt.code,
                    )
                else:
                    continue
                seen.append(response.get_data().decode(errors="replace") + json.dumps(dict(response.headers)))
            _released(attempt)
    assert len(seen) > 40
    assert not any(SECRET in text or "canary" in text for text in seen)
    assert "canary" not in caplog.text
    # The control: the same question, once released, is full of it.
    with own_transaction():
        from portal.quizzes.service.marking import release_by_hand

        release_by_hand(quiz=queries.get_quiz("impersonation").quiz, by=cast.author)
    assert SECRET in as_(cast.learner).get("quizzes.result", code=attempt.code).body


def test_what_is_sent_before_release_is_the_same_whatever_the_key_is(cast: Cast, as_: Any) -> None:
    """No place of a choice, no attribute, no order tells which one is right."""
    bodies = []
    for flip in (False, True):
        contents = [make_content(number, KINDS[number % 4]) for number in range(4)]
        contents[3] = replace(contents[3], picture=Picture("0" * 64, Words("A", "あ"), "S1"))
        if flip:
            contents = [
                replace(
                    content,
                    parts=tuple(
                        replace(
                            part,
                            choices=tuple(replace(c, right=place == 0) for place, c in enumerate(part.choices)),
                        )
                        for part in content.parts
                    ),
                )
                for content in contents
            ]
        slug = f"bank{int(flip)}"
        make_bank(
            cast.author,
            slug=slug,
            questions=tuple(BankQuestion(f"q-{number}", content) for number, content in enumerate(contents)),
        )
        make_quiz(
            cast.author,
            slug=slug,
            bank=False,
            blueprint=[{"questions": [f"{slug}/q-{number}" for number in range(4)]}],
            shuffle_questions=False,
            shuffle_choices=False,
        )
        with clock.frozen(MORNING):
            attempt = begin(cast.learner, queries.get_quiz(slug))
            page = as_(cast.learner).get("quizzes.attempt", code=attempt.code)
        # The addresses of the two attempts differ, and nothing else.
        items = [
            ("".join(section.itertext()) + str([sorted(e.attrib.items()) for e in section.iter()])).replace(
                attempt.code, "CODE"
            )
            for section in page.all("section", class_="quiz-item")
        ]
        bodies.append(items)
    assert bodies[0] == bodies[1]


# --- the lead ----------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_lead_sees_what_arrived_when_and_no_answer(cast: Cast, as_: Any, language: str) -> None:
    with clock.frozen(MORNING):
        attempt = begin(cast.learner, make_quiz(cast.author))
        answer(attempt, 2, right_answer(attempt, 2))
        browser = as_(cast.lead, language=language)
        page = browser.get("quizzes.supervision", code=attempt.code)
        assert SECRET not in page.body
        assert ("1 of 4" if language == "en" else "4問中1問") in page.text
        refused = browser.post(
            "quizzes.extend", {"grant-minutes": "0", "grant-reason": ""}, code=attempt.code, expect=400
        )
        assert ("Write a reason" if language == "en" else "理由を入力") in refused.text
        granted = browser.follow(
            browser.post("quizzes.extend", {"grant-minutes": "１０", "grant-reason": "停電"}, code=attempt.code)
        )
        assert "停電" in granted.text
        assert queries.get_attempt(attempt.code).deadline_at == at(minutes=25)
        assert "停電" not in as_(cast.learner).get("quizzes.attempt", code=attempt.code).text
        browser.post("quizzes.void", {"void-reason": ""}, code=attempt.code, expect=400)
        void = browser.follow(browser.post("quizzes.void", {"void-reason": "火災報知"}, code=attempt.code))
        assert "火災報知" in void.text
        result = as_(cast.learner, language=language).get("quizzes.result", code=attempt.code)
    assert "火災報知" in result.text


@pytest.mark.any_database
@pytest.mark.parametrize("language", ["en", "ja"])
def test_of_two_who_look_after_an_attempt_the_second_reads_what_the_first_has_done(
    cast: Cast, as_: Any, language: str
) -> None:
    said = {
        "granted": {"en": "Somebody else has granted minutes", "ja": "ほかの人が時間を延長しました"},
        "void": {"en": "has made this attempt void", "ja": "ほかの人がこの受験を無効にしました"},
        "late": {"en": "no minutes can be granted", "ja": "時間を延長できません"},
    }
    version = make_quiz(cast.author)
    with clock.frozen(MORNING):
        attempt = begin(cast.learner, version)
        lead, admin = as_(cast.lead, language=language), as_(cast.admin, language=language)
        for browser in (lead, admin):
            page = browser.get("quizzes.supervision", code=attempt.code)
            assert page.one("input", name="grant-granted").get("value") == "0"
        form = {"grant-granted": "0", "grant-minutes": "10", "grant-reason": "power"}
        lead.post("quizzes.extend", form, code=attempt.code)
        refused = admin.post("quizzes.extend", form, code=attempt.code, expect=409)
        assert said["granted"][language] in refused.text
        # Who has granted what stands on the page, and what she wrote is not lost.
        assert cast.lead.name_in(language) in refused.text
        assert refused.one("input", name="grant-reason").get("value") == "power"
        assert refused.one("input", name="grant-granted").get("value") == "600"
        assert queries.get_attempt(attempt.code).deadline_at == at(minutes=25)
        lead.post("quizzes.void", {"void-reason": "alarm"}, code=attempt.code)
        refused = admin.post("quizzes.void", {"void-reason": "power"}, code=attempt.code, expect=409)
        assert said["void"][language] in refused.text
        assert cast.lead.name_in(language) in refused.text
        assert "alarm" in refused.text
        late = admin.post("quizzes.extend", form | {"grant-granted": "600"}, code=attempt.code, expect=409)
        assert said["late"][language] in late.text


def test_only_the_lead_and_an_administrator_supervise_and_never_themselves(cast: Cast, as_: Any) -> None:
    version = make_quiz(cast.author)
    attempt, own = begin(cast.learner, version), begin(cast.lead, version)
    for name, person in cast.everyone().items():
        expected = 200 if name in ("lead", "admin") else 404
        assert as_(person).fetch("quizzes.supervision", code=attempt.code).status_code == expected, name
        for endpoint, data in (
            ("quizzes.extend", {"grant-minutes": "5", "grant-reason": "x"}),
            ("quizzes.void", {"void-reason": "x"}),
        ):
            if expected == 404:
                as_(person).post(endpoint, data, code=attempt.code, expect=404)
    assert as_(cast.lead).fetch("quizzes.supervision", code=own.code).status_code == 404
    outsider = begin(cast.outsider, version)
    assert as_(cast.lead).fetch("quizzes.supervision", code=outsider.code).status_code == 404


# --- budgets -----------------------------------------------------------------------------------


def test_a_save_takes_few_statements(cast: Cast, as_: Any) -> None:
    attempt = begin(cast.learner, make_quiz(cast.author))
    browser = as_(cast.learner)
    _save(browser, attempt, 1, right_answer(attempt, 1), page="p")
    given = wrong_answer(attempt, 1)
    with counted_queries() as statements:
        _save(browser, attempt, 1, given, 2, page="p")
    assert len(statements) <= 7, statements


def test_the_statements_of_a_page_do_not_grow_with_its_questions(cast: Cast, as_: Any) -> None:
    make_bank(cast.author, size=16)
    counts: dict[str, list[int]] = {"attempt": [], "result": []}
    for size in (4, 8):
        version = make_quiz(cast.author, slug=f"q{size}", blueprint=[{"bank": "impersonation", "count": size}])
        attempt = begin(cast.learner, version)
        answer_all(attempt)
        browser = as_(cast.learner)
        browser.get("quizzes.attempt", code=attempt.code)
        with counted_queries() as statements:
            browser.get("quizzes.attempt", code=attempt.code)
        counts["attempt"].append(len(statements))
        _released(attempt)
        with counted_queries() as statements:
            browser.get("quizzes.result", code=attempt.code)
        counts["result"].append(len(statements))
    assert counts["attempt"][0] == counts["attempt"][1] <= 12
    assert counts["result"][0] == counts["result"][1]


def test_the_statements_of_the_lists_do_not_grow_with_their_rows(cast: Cast, as_: Any) -> None:
    make_grant(cast.colleague, Role.AUTHOR)
    version = make_quiz(cast.author)
    browser, counts = as_(cast.colleague), []
    for number in range(2):
        begun = begin(cast.colleague, version)
        _released(begun)
        for extra in range(3):
            make_bank(cast.author, slug=f"b{number}{extra}", size=2)
            make_quiz(cast.author, slug=f"z{number}{extra}", title=Words(f"Z{number}{extra}", f"確認{number}{extra}"))
        row = []
        for endpoint, values in (
            ("quizzes.index", {}),
            ("quizzes.show", {"slug": "impersonation"}),
            ("quizzes.banks", {}),
            ("gradebook.transcript", {}),
        ):
            browser.get(endpoint, **values)
            with counted_queries() as statements:
                browser.get(endpoint, **values)
            row.append(len(statements))
        counts.append(row)
        with clock.frozen(clock.now() + timedelta(days=number + 2)):
            version = queries.get_quiz("z00")
    assert counts[0] == counts[1]


@pytest.mark.parametrize(
    "body",
    [
        "[" * 100_000 + "]" * 100_000,
        '{"a":' * 50_000 + "1" + "}" * 50_000,
        '{"position": 1, "seq": 1, "idem_key": "q\\ud800", "answer": {}}',
        '{"position": 1, "seq": 1, "idem_key": "a\\u0000b", "answer": {}}',
        '{"position": 1, "seq": 1, "idem_key": "k", "page": "q\\ud800", "answer": {}}',
    ],
    ids=["deep list", "deep object", "half a character", "a NUL", "half a character of a page"],
)
def test_what_no_page_sends_is_refused_and_saves_nothing(cast: Cast, as_: Any, body: str) -> None:
    attempt = begin(cast.learner, make_quiz(cast.author))
    client = as_(cast.learner)
    for endpoint in ("quizzes.save_response", "quizzes.note_page"):
        answer = client.send(
            "POST",
            client.url(endpoint, code=attempt.code),
            data=body,
            headers={"X-CSRFToken": client.token(), "Content-Type": "application/json", "Accept": "application/json"},
        )
        assert answer.status_code == 400
    assert session.scalars(select(Response)).all() == []

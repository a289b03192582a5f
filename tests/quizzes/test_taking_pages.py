"""The pages on which a quiz is taken one by one, paused, practised and looked after: complete without a script."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from portal.accounts import queries as people
from portal.accounts.models import Role
from portal.core import clock
from portal.core.db import session
from portal.core.transaction import own_transaction
from portal.organisation.rules import ACCOMMODATION_NEEDS_TWO, LEADS_SEE_ACCOMMODATIONS
from portal.organisation.service import change_settings
from portal.quizzes import queries
from portal.quizzes.formats.markdown import BankQuestion
from portal.quizzes.models import Attempt, Confidence, Layout, Navigation, Release
from portal.quizzes.queries import supervision
from portal.quizzes.rules.statistics import MINIMUM_PEOPLE
from portal.quizzes.service import attempts as service
from portal.quizzes.service.marking import release_by_hand
from portal.quizzes.views.learner import clock_words
from tests.builders import MORNING, Cast, make_grant, make_person
from tests.queries import counted_queries
from tests.quizzes.builders import (
    KINDS,
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
from tests.quizzes.test_pages import _fields

FORWARD: dict[str, Any] = {"navigation": Navigation.FORWARD_ONLY, "layout": Layout.ONE_PER_PAGE}


def _send(browser: Any, attempt: Attempt, page: Any, given: dict[str, list[str]] | None = None, **more: str) -> Any:
    """Press a button of the page; `given` is what is chosen on it (part → places)."""
    form = _fields(page)
    here = form.get("question", ["1"])[0]
    form |= {f"q{here}-{part}": values for part, values in (given or {}).items()} | more
    return browser.follow(browser.post("quizzes.send_page", form, code=attempt.code))


# --- one by one --------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "ja"])
def test_questions_come_one_by_one_and_can_be_gone_back_to(cast: Cast, as_: Any, language: str) -> None:
    attempt = begin(cast.learner, make_quiz(cast.author, layout=Layout.ONE_PER_PAGE))
    browser = as_(cast.learner, language=language)
    page = browser.get("quizzes.attempt", code=attempt.code)
    assert [each.get("id") for each in page.all("section", **{"class": "quiz-item"})] == ["question-1"]
    page = _send(browser, attempt, page, right_answer(attempt, 1), action="next")
    assert page.one("section", **{"class": "quiz-item"}).get("id") == "question-2"
    page = _send(browser, attempt, page, right_answer(attempt, 2), action="previous")
    assert page.one("section", **{"class": "quiz-item"}).get("id") == "question-1"
    page = _send(browser, attempt, page, go="4")
    assert page.one("section", **{"class": "quiz-item"}).get("id") == "question-4"
    # The others are named before handing in, although they are on no page now.
    page = _send(browser, attempt, page, action="submit")
    assert page.all("details", open="")
    page = _send(browser, attempt, page, action="submit")
    assert queries.get_attempt(attempt.code).markings[0].points > 0


@pytest.mark.parametrize("language", ["en", "ja"])
def test_going_forward_only_asks_before_a_question_is_left_without_an_answer(
    cast: Cast, as_: Any, language: str
) -> None:
    attempt = begin(cast.learner, make_quiz(cast.author, **FORWARD))
    browser = as_(cast.learner, language=language)
    page = browser.get("quizzes.attempt", code=attempt.code)
    old = page
    assert not page.all("button", name="go")
    assert "previous" not in [each.get("value") for each in page.all("button")]
    page = _send(browser, attempt, page, action="next")
    assert page.one("section", **{"class": "quiz-item"}).get("id") == "question-1"
    page = _send(browser, attempt, page, action="skip")
    assert page.one("section", **{"class": "quiz-item"}).get("id") == "question-2"
    # A page from before, or an address written by hand, leads to where she is, and changes nothing.
    page = _send(browser, attempt, old, right_answer(attempt, 1), action="save")
    assert page.one("section", **{"class": "quiz-item"}).get("id") == "question-2"
    assert ("had left question 1" if language == "en" else "設問1はすでに次へ進んでいる") in page.text
    page = browser.get("quizzes.attempt", code=attempt.code, question=4)
    assert page.one("section", **{"class": "quiz-item"}).get("id") == "question-2"
    body = {"position": 1, "seq": 1, "idem_key": "k", "answer": right_answer(attempt, 1)}
    refused = browser.post_json("quizzes.save_response", body, code=attempt.code)
    assert (refused.status_code, refused.json["outcome"]) == (409, "left")
    assert refused.json["message"]


def test_how_it_is_taken_is_told_before_the_start(cast: Cast, as_: Any) -> None:
    make_accommodation(cast.colleague, Fraction(1), break_minutes=10, alternative_format="Large print")
    make_quiz(cast.author, **FORWARD, confidence=True, show=("score", "key"))
    text = as_(cast.colleague).get("quizzes.show", slug="impersonation").text
    for words in (
        "The questions come one by one. What you have left",
        "how sure you are",
        "stop the clock for 10 minutes in all",
        "Large print",
        "whether you have passed, and: the score, the right answers.",
    ):
        assert words in text
    assert "cannot be paused" not in text
    assert "stop the clock" not in as_(cast.learner, language="en").get("quizzes.show", slug="impersonation").text


# --- confidence --------------------------------------------------------------------------------


def test_how_sure_she_is_is_sent_with_the_page_and_shown_after_the_release(cast: Cast, as_: Any) -> None:
    attempt = begin(cast.colleague, make_quiz(cast.author, confidence=True))
    browser = as_(cast.colleague)
    page = browser.get("quizzes.attempt", code=attempt.code)
    form = _fields(page) | {"action": "save", "confidence-1": "sure", "confidence-2": "guess"}
    form |= {f"q1-{part}": values for part, values in right_answer(attempt, 1).items()}
    page = browser.follow(browser.post("quizzes.send_page", form, code=attempt.code))
    stored = [item.response.confidence if item.response else None for item in queries.list_items(attempt)]
    assert stored == [Confidence.SURE, Confidence.GUESS, None, None]
    assert _fields(page)["confidence-1"] == ["sure"]
    browser.post("quizzes.send_page", _fields(page) | {"confidence-1": "certain"}, code=attempt.code, expect=400)
    with own_transaction():
        service.submit_attempt(attempt=attempt, person=cast.colleague)
    result = browser.get("quizzes.result", code=attempt.code).text
    assert "How sure you were: Sure" in result
    assert "How sure you were, and how it went" in result


def test_the_statistics_show_how_well_people_judge_themselves_from_enough_answers_on(cast: Cast, as_: Any) -> None:
    version = make_quiz(cast.author, confidence=True, attempts_allowed=1)
    for number in range(MINIMUM_PEOPLE):
        attempt = begin(make_person(f"taker{number}@portal.example"), version)
        answer(attempt, 1, right_answer(attempt, 1), confidence=Confidence.SURE)
        if number < 3:
            answer(attempt, 2, wrong_answer(attempt, 2), confidence=Confidence.GUESS)
        with own_transaction():
            service.submit_attempt(attempt=attempt, person=attempt.person)
    page = as_(cast.author, language="en").get("quizzes.statistics", slug="impersonation")
    text = " ".join(page.text.split())
    assert f"Sure{MINIMUM_PEOPLE}100 % Fairly sure0too few answers A guess3too few answers" in text


# --- breaks ------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_break_hides_the_questions_until_she_goes_on(cast: Cast, as_: Any, language: str) -> None:
    make_accommodation(cast.learner, Fraction(1), break_minutes=10)
    browser = as_(cast.learner, language=language)
    with clock.frozen(MORNING):
        attempt = begin(cast.learner, make_quiz(cast.author))
        page = browser.get("quizzes.attempt", code=attempt.code)
        page = _send(browser, attempt, page, right_answer(attempt, 1), action="break")
        assert not page.all("section", **{"class": "quiz-item"})
        assert ("The clock stands still" if language == "en" else "時計は止まっています") in page.text
    with clock.frozen(at(minutes=4)):
        page = browser.follow(browser.post("quizzes.end_break", code=attempt.code))
        assert page.all("section", **{"class": "quiz-item"})
    attempt = queries.get_attempt(attempt.code)
    assert attempt.deadline_at == at(minutes=19)
    assert queries.list_items(attempt)[0].response is not None


# --- looking after it --------------------------------------------------------------------------


def test_pages_about_an_attempt_do_not_show_what_is_agreed_unless_the_organisation_wants_it(
    cast: Cast, as_: Any
) -> None:
    make_grant(cast.lead, Role.LEAD)
    make_accommodation(cast.learner, Fraction(3, 2), break_minutes=10)
    with clock.frozen(MORNING):
        attempt = begin(cast.learner, make_quiz(cast.author))
        with own_transaction():
            service.begin_break(attempt=attempt, person=cast.learner)
    told = ("A break began", "Deadline")
    with clock.frozen(at(minutes=5)):
        for endpoint, values in (
            ("quizzes.supervision", {"code": attempt.code}),
            ("quizzes.live", {"slug": "impersonation"}),
            ("accounts.show_person", {"code": cast.learner.code}),
        ):
            text = as_(cast.lead).get(endpoint, **values).text
            assert not [each for each in (*told, "1.5 times the time", "breaks of") if each in text]
        with own_transaction():
            change_settings(values={LEADS_SEE_ACCOMMODATIONS: True}, by=cast.admin)
        text = as_(cast.lead).get("quizzes.supervision", code=attempt.code).text
        assert all(each in text for each in told)
        assert "1.5 times the time" in as_(cast.lead).get("accounts.show_person", code=cast.learner.code).text


def test_a_lead_sees_what_came_too_late_but_not_what_it_says_and_accepts_it_for_a_reason(cast: Cast, as_: Any) -> None:
    make_grant(cast.lead, Role.LEAD)
    with clock.frozen(MORNING):
        attempt = begin(cast.learner, make_quiz(cast.author, release=Release.BY_HAND))
    browser = as_(cast.learner, language="en")
    with clock.frozen(at(minutes=15, seconds=72)):
        form = {"form_key": "f", "action": "submit", "seq-1": "0", "seq-2": "0"}
        for position in (1, 2):
            form |= {f"q{position}-{part}": values for part, values in right_answer(attempt, position).items()}  # type: ignore[misc]
        browser.post("quizzes.send_page", form, code=attempt.code)
        code = supervision.list_refused(attempt)[0].code
        # She is told what has become of them, and who can change it.
        told = browser.get("quizzes.result", code=attempt.code).text
        assert "The last answers to questions 1, 2 were not received in time" in told
        assert "Until the result is released, your lead can accept or decline them for a reason" in told
        lead = as_(cast.lead)
        page = lead.get("quizzes.supervision", code=attempt.code)
        assert "1 min 12 s too late" in page.text
        assert SECRET not in page.body
        lead.post("quizzes.accept_late", {"answer": code}, code=attempt.code, expect=400)
        lead.post("quizzes.accept_late", {"answer": "nothing"}, code=attempt.code, expect=409)
        lead.post("quizzes.accept_late", {"answer": code, f"accept-{code}-reason": "Line cut"}, code=attempt.code)
    marked = queries.get_attempt(attempt.code).markings
    assert len(marked) == 2
    assert marked[1].points > marked[0].points
    told = browser.get("quizzes.result", code=attempt.code).text
    assert "The answer to question 1 came 1 min 12 s too late and was accepted: Line cut" in told
    assert "The last answer to question 2 was not received in time" in told
    with own_transaction():
        release_by_hand(quiz=attempt.quiz_version.quiz, by=cast.author)
    told = browser.get("quizzes.result", code=attempt.code).text
    assert "The result is out, so late answers can no longer be accepted." in told
    # It stands at the question as well, and in the table of what was received.
    assert told.count("not received in time: it came 1 min 12 s too late") == 2
    assert "your lead can accept or decline them" not in told


@pytest.mark.parametrize("language", ["en", "ja"])
def test_whoever_has_passed_is_not_sent_to_her_lead_because_no_attempt_is_left(
    cast: Cast, as_: Any, language: str
) -> None:
    version = make_quiz(cast.author, attempts_allowed=1)
    used_up, passed = ("You have used all attempts", "You have passed this quiz.")
    if language == "ja":
        used_up, passed = ("受験できる回数を使い切りました", "この確認テストに合格しています。")
    for person, right in ((cast.learner, None), (cast.colleague, 0)):
        attempt = begin(person, version)
        answer_all(attempt, right=right)
        with own_transaction():
            service.submit_attempt(attempt=attempt, person=person)
        browser = as_(person, language=language)
        page = browser.get("quizzes.show", slug="impersonation").text
        result = browser.get("quizzes.result", code=attempt.code).text
        assert (passed in page, used_up in page, used_up in result) == (right is None, right == 0, right == 0)


def test_nobody_accepts_a_late_answer_of_her_own(cast: Cast, as_: Any) -> None:
    make_grant(cast.lead, Role.LEAD)
    attempt = begin(cast.lead, make_quiz(cast.author))
    as_(cast.lead).post("quizzes.accept_late", {"answer": "x"}, code=attempt.code, expect=404)


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_live_list_says_who_sits_and_how_long_ago_the_last_answer_was_saved(
    cast: Cast, as_: Any, language: str
) -> None:
    make_grant(cast.lead, Role.LEAD)
    with clock.frozen(MORNING):
        attempt = begin(cast.learner, make_quiz(cast.author))
        answer(attempt, 1, right_answer(attempt, 1))
    with clock.frozen(at(seconds=65)):
        page = as_(cast.lead, language=language).get("quizzes.live", slug="impersonation")
    assert cast.learner.name_in(language) in page.text
    assert ("1 min 5 s" if language == "en" else "1分5秒") in page.text
    as_(cast.learner).get("quizzes.live", slug="impersonation", expect=404)


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_live_list_says_when_each_attempt_ends_and_what_is_agreed_only_to_whom_may_know_it(
    cast: Cast, as_: Any, language: str
) -> None:
    make_grant(cast.lead, Role.LEAD)
    make_accommodation(cast.learner, Fraction(3, 2))
    with clock.frozen(MORNING):
        attempt = begin(cast.learner, make_quiz(cast.author))
    with clock.frozen(at(minutes=5)):
        with own_transaction():
            service.extend_attempt(attempt=attempt, minutes=5, reason="Power", by=cast.lead)
        shown = {
            person: as_(person, language=language).get("quizzes.live", slug="impersonation").text
            for person in (cast.lead, cast.admin)
        }
    zone = cast.lead.time_zone
    # 15 minutes and 5 granted; agreed are 7 min 30 s more.
    nominal, agreed = (clock_words(at(minutes=minutes), zone) for minutes in (20, 27.5))
    assert nominal in shown[cast.lead]
    assert agreed not in shown[cast.lead]
    left, more, granted = ("23 min left", "12 min 30 s more", "5 min more")
    if language == "ja":
        left, more, granted = ("残り23分", "12分30秒延長", "5分延長")
    assert granted in shown[cast.lead]
    assert more not in shown[cast.lead]
    assert [each for each in (agreed, left, more) if each not in shown[cast.admin]] == []


def test_the_live_list_takes_as_many_statements_for_many_people_as_for_few(cast: Cast, as_: Any) -> None:
    make_grant(cast.lead, Role.LEAD)
    version = make_quiz(cast.author)
    counts = []
    for _more in range(2):
        for _person in range(4):
            begin(make_person(), version)
        browser = as_(cast.lead)
        with counted_queries() as statements:
            browser.get("quizzes.live", slug="impersonation")
        counts.append(len(statements))
    assert counts[0] == counts[1]


# --- practice ----------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "ja"])
def test_practice_explains_after_each_answer_and_never_before(cast: Cast, as_: Any, language: str) -> None:
    questions = tuple(
        BankQuestion(f"imp-{n:03d}", make_content(n, KINDS[n % 4], tags=("practice",) if n < 4 else ()))
        for n in range(8)
    )
    make_bank(cast.author, questions=questions)
    make_quiz(cast.author, bank=False, practice=True)
    browser = as_(cast.learner, language=language)
    assert browser.get("quizzes.show", slug="impersonation").all("button")
    for _round in range(4):
        page = browser.follow(browser.post("quizzes.begin_practice", slug="impersonation"))
        assert SECRET not in page.body
        address = next(each.get("action") for each in page.all("form") if "/practice/" in (each.get("action") or ""))
        code = address.split("/practice/")[1].split("?")[0]
        as_(cast.colleague).get("quizzes.practice_question", code=code, expect=404)
        page = browser.follow(browser.post("quizzes.answer_practice", {}, code=code))
        assert SECRET in page.body
    assert queries.list_attempts(cast.learner) == []


# --- what is agreed ----------------------------------------------------------------------------


def test_where_the_house_asks_for_two_people_it_holds_once_another_has_confirmed_it(cast: Cast, as_: Any) -> None:
    with own_transaction():
        change_settings(values={ACCOMMODATION_NEEDS_TWO: True}, by=cast.admin)
    second = make_person()
    make_grant(second, Role.ADMIN)
    code = cast.learner.code
    form = {"multiplier": "1.5", "valid_from": "2026-04-01", "break_minutes": "10", "alternative_format": "Large print"}
    admin = as_(cast.admin)
    admin.post("accounts.approve_accommodation", form, code=code)
    (row,) = people.list_accommodations(cast.learner)
    assert people.find_accommodation(cast.learner, MORNING.date()) is None
    assert "waits for a second person" in admin.get("accounts.list_accommodations").text
    admin.post("accounts.confirm_accommodation", {"accommodation": str(row.id)}, code=code, expect=409)
    as_(second).post("accounts.confirm_accommodation", {"accommodation": str(row.id)}, code=code)
    session.expire_all()
    found = people.find_accommodation(cast.learner, MORNING.date())
    assert found is not None
    assert (found.break_minutes, found.alternative_format) == (10, "Large print")
    assert found.confirmed_by == second.code


def test_nobody_agrees_anything_with_herself_and_no_field_asks_why(cast: Cast, as_: Any) -> None:
    form = {"multiplier": "2", "valid_from": "2026-04-01"}
    as_(cast.admin).post("accounts.approve_accommodation", form, code=cast.admin.code, expect=403)
    page = as_(cast.admin).get("accounts.show_person", code=cast.learner.code)
    assert "Never a diagnosis or a reason." in page.text
    as_(cast.admin).post(
        "accounts.approve_accommodation", form | {"break_minutes": "999"}, code=cast.learner.code, expect=400
    )

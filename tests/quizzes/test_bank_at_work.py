"""What becomes of quizzes when people change questions, and what can be done to many questions at once."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from portal.core import mail
from portal.core.db import session
from portal.core.i18n import Words, force_locale
from portal.core.jobs import Job
from portal.core.transaction import own_transaction
from portal.quizzes import emails, errors, queries
from portal.quizzes.models import QuizVersion
from portal.quizzes.queries import pool
from portal.quizzes.rules import Draw
from portal.quizzes.service import depth, editing, review
from portal.quizzes.service.editing import Change
from portal.quizzes.views import quiz_form
from tests.builders import Cast
from tests.page_client import Page
from tests.queries import counted_queries
from tests.quizzes.builders import make_quiz
from tests.quizzes.test_lifecycle import add, content, newest, question, save, states, step
from tests.quizzes.test_staleness import publish, take

RULES = {"a": "Rule a.", "b": "Rule b.", "c": "Rule c."}


@pytest.fixture
def bank(cast: Cast) -> str:
    """A policy of three clauses, and a bank with two live questions about the first, and one about the second."""
    publish(cast, RULES)
    take(cast, {"q-a": "policy#a", "q-b": "policy#b", "q-c": "policy#a"})
    return "bank"


@pytest.fixture
def quiz(cast: Cast, bank: str) -> QuizVersion:
    """A quiz that draws two of the three questions; the author answers for it."""
    return make_quiz(cast.author, slug="two-of-three", bank=False, blueprint=({"bank": "bank", "count": 2},))


def text_of(page: Page) -> str:
    return " ".join("".join(page.one("main").itertext()).split())


def owed(name: str) -> list[dict[str, Any]]:
    return [
        row.arguments["arguments"]
        for row in session.scalars(select(Job).where(Job.name == "mail.send").order_by(Job.id))
        if row.arguments["mail"] == name
    ]


def change(browser: Any, slugs: tuple[str, ...], what: str, value: str = "", expect: int = 200, **more: str) -> Any:
    form = {
        "question": [f"{slug}:{question(slug).in_work}" for slug in slugs],
        "what": what,
        f"value_{what}": value,
        **more,
    }
    return browser.post("quizzes.change_questions", form, expect=expect, slug="bank")


# --- quizzes that lose -------------------------------------------------------------------------


def test_whoever_retires_many_is_shown_the_quizzes_that_stop_and_has_to_confirm_it(
    cast: Cast, quiz: QuizVersion, as_: Any
) -> None:
    browser = as_(cast.author)
    shown = change(browser, ("q-a", "q-b"), "step", "retired")
    assert quiz.title.ja in text_of(shown)
    assert shown.one("input", name="accepting").get("value") == "two-of-three"
    unticked = change(browser, ("q-a", "q-b"), "step", "retired", 409, confirmed="yes", accepting="two-of-three")
    assert unticked.one("input", id="accepted").get("aria-invalid") == "true"
    assert set(states().values()) == {"live"}
    change(browser, ("q-a", "q-b"), "step", "retired", 303, confirmed="yes", accepting="two-of-three", accepted="yes")
    assert states() == {"q-a": "retired", "q-b": "retired", "q-c": "live"}


def test_one_question_is_not_retired_or_quarantined_without_a_word_of_the_quiz_that_stops(
    cast: Cast, quiz: QuizVersion, as_: Any
) -> None:
    step("retired", cast.author)
    browser = as_(cast.author)
    page = browser.get("quizzes.question", slug="bank", question="q-b")
    assert quiz.title.ja in text_of(page)
    form = {"to": "quarantined", "number": "1", "reason": "The key is in doubt."}
    refused = browser.post("quizzes.take_step", form, expect=409, slug="bank", question="q-b")
    assert refused.one("input", id="reason-quarantined").get("value") == "The key is in doubt."
    assert states()["q-b"] == "live"
    form |= {"accepting": "two-of-three", "accepted": "yes"}
    browser.post("quizzes.take_step", form, slug="bank", question="q-b")
    assert states()["q-b"] == "quarantined"


def test_a_quiz_that_only_repeats_itself_is_named_and_needs_no_confirmation(cast: Cast, bank: str, as_: Any) -> None:
    shallow = make_quiz(cast.author, slug="one", bank=False, blueprint=({"bank": "bank", "count": 1},))
    step("retired", cast.author)
    shown = change(as_(cast.author), ("q-b",), "step", "retired")
    assert shallow.title.ja in text_of(shown)
    assert not shown.all("input", name="accepted")
    step("retired", cast.author, "q-b")


def test_a_tag_that_is_taken_from_what_a_quiz_draws_by_it_stops_the_quiz_like_retiring(cast: Cast, bank: str) -> None:
    row = queries.get_bank("bank")

    def tags(what: str, number: int, **more: Any) -> None:
        with own_transaction():
            editing.change_many(bank=row, numbers={"q-a": number}, change=Change(what, "new"), by=cast.author, **more)

    tags("add_tag", 1)
    make_quiz(cast.author, slug="tagged", bank=False, blueprint=({"bank": "bank", "count": 1, "tags": ["new"]},))
    with pytest.raises(errors.QuizzesGoShort):
        tags("remove_tag", 2)
    tags("remove_tag", 2, accepting=["tagged"])


def test_who_answers_for_a_quiz_that_stops_is_told_by_mail_and_on_her_day_until_it_starts_again(
    cast: Cast, quiz: QuizVersion, as_: Any
) -> None:
    with own_transaction():
        editing.change_many(
            bank=queries.get_bank("bank"),
            numbers={"q-a": 1, "q-b": 1},
            change=Change("step", "quarantined", "Leaked."),
            by=cast.admin,
            accepting=["two-of-three"],
        )
    (arguments,) = owed(depth.MAIL)
    assert arguments["to"] == cast.author.code
    built = emails.running_short(**arguments)
    assert built is not None
    written = mail.render(built).get_body(("plain",)).get_content()  # type: ignore[union-attr]
    for expected in ("bank/q-a", "bank/q-b", quiz.title.in_(cast.author.language), "Leaked."):
        assert expected in written
    today = text_of(as_(cast.author).get("training.today"))
    assert "開始できません" in today
    step("live", cast.approver, "q-a")
    assert emails.running_short(**arguments) is None
    assert "開始できません" not in text_of(as_(cast.author).get("training.today"))


def test_whoever_stops_a_quiz_herself_has_no_mail_of_it(cast: Cast, quiz: QuizVersion) -> None:
    step("retired", cast.author)
    step("retired", cast.author, "q-b", accepting=["two-of-three"])
    assert owed(depth.MAIL) == []


# --- many at once ------------------------------------------------------------------------------


def test_an_approver_approves_many_and_sees_which_are_refused_and_why(cast: Cast, bank: str, as_: Any) -> None:
    for number in (1, 2):
        add(cast.author, content(number), f"n-{number}")
        step("in_review", cast.author, f"n-{number}")
    save(cast.approver, "n-2", stem=Words("What then?", "その場合はどうしますか。"))
    step("in_review", cast.author, "n-2")
    browser = as_(cast.approver)
    listed = browser.get("quizzes.bank", slug="bank")
    offered = [each.get("value") for each in listed.one("select", name="value_step").iter("option")]
    assert "live" in offered
    assert "retired" not in offered
    shown = change(browser, ("n-1", "n-2"), "step", "live")
    assert "承認できません" in text_of(shown)
    assert [each.get("value") for each in shown.all("input", name="question")] == ["n-1:1"]
    change(browser, ("n-1",), "step", "live", 303, confirmed="yes")
    assert states()["n-1"] == "live"
    for what in ("add_tag", "cite", "in_step"):
        change(browser, ("n-1",), what, "policy#b", 403)


def test_many_cite_a_clause_at_once_drafts_directly_and_what_counts_by_a_wording_that_waits(
    cast: Cast, bank: str, as_: Any
) -> None:
    add(cast.author, content(5, clauses=()), "n-5")
    browser = as_(cast.author)
    shown = change(browser, ("n-5", "q-a"), "cite", "[[#b]]\npolicy#c")
    assert [each.get("value") for each in shown.all("input", name="question")] == ["q-a:1", "n-5:1"]
    change(browser, ("n-5", "q-a"), "cite", "#b\npolicy#c", 303, confirmed="yes")
    assert newest("n-5").clauses == ("policy#b", "policy#c")
    assert newest("q-a").clauses == ("policy#a", "policy#b", "policy#c")
    assert (question("n-5").latest, question("q-a").latest, question("q-a").proposed) == (2, 1, 2)
    refused = change(browser, ("n-5",), "cite", "policy#gone", 400)
    assert "policy#gone" in text_of(refused)
    assert "policy#gone" in "".join(refused.one("textarea", id="value-cite").itertext())


def test_many_are_noted_to_say_the_same_in_both_languages(cast: Cast, bank: str, as_: Any) -> None:
    for number in (1, 2):
        add(cast.author, content(number), f"n-{number}")
    save(cast.author, "n-1", stem=Words("Other words?", content(1).stem.ja))
    change(as_(cast.author), ("n-1", "n-2"), "in_step", expect=303, confirmed="yes")
    row = question("n-1")
    assert queries.get_version(row, row.latest).behind is None
    assert question("n-2").latest == 1


def test_all_that_fit_a_filter_are_selected_though_a_page_shows_fifty(cast: Cast, bank: str, as_: Any) -> None:
    with own_transaction():
        editing.add_drafts(
            bank=queries.get_bank("bank"), contents=[content(n) for n in range(60)], origin="file", by=cast.author
        )
    form = {"all": "yes", "state": "draft", "what": "difficulty", "value_difficulty": "2"}
    shown = as_(cast.author).post("quizzes.change_questions", form, expect=200, slug="bank")
    assert len(shown.one("table").findall(".//tbody/tr")) == 60


def test_what_is_not_ready_for_review_is_told_what_it_lacks(cast: Cast, bank: str, as_: Any) -> None:
    add(cast.author, content(7, clauses=()), "n-7")
    shown = change(as_(cast.author), ("n-7",), "step", "in_review")
    assert "条項" in text_of(shown)
    assert "日本語" not in text_of(shown)


@pytest.mark.any_database
def test_too_many_tags_and_a_tag_of_two_words_are_told_apart(cast: Cast, bank: str) -> None:
    many = editing.wrong_with(content(1, tags=tuple(f"t{n}" for n in range(25))), is_draft=True)
    assert "20" in many[0].message
    assert "25" in many[0].message
    two = editing.wrong_with(content(1, tags=("two words",)), is_draft=True)
    assert "two words" in two[0].message


# --- reviews -----------------------------------------------------------------------------------


def submit(cast: Cast, *slugs: str) -> None:
    for number, slug in enumerate(slugs):
        add(cast.author, content(10 + number), slug)
    with own_transaction():
        editing.change_many(
            bank=queries.get_bank("bank"),
            numbers=dict.fromkeys(slugs, 1),
            change=Change("step", "in_review"),
            by=cast.author,
        )


def test_a_reviewer_finds_what_waits_for_her_and_goes_from_one_to_the_next(cast: Cast, bank: str, as_: Any) -> None:
    submit(cast, "n-1", "n-2", "n-3")
    approver = as_(cast.approver)

    def follows(after: str) -> str:
        return str(approver.fetch("quizzes.next_review", after=after).headers["Location"])

    listed = approver.get("quizzes.reviews")
    hrefs = [each.get("href") for each in listed.one("table").iter("a")]
    assert [each.rpartition("/")[2] for each in hrefs] == ["n-1", "n-2", "n-3"]
    assert "レビュー待ちの設問 3問" in text_of(approver.get("training.today"))
    page = approver.get("quizzes.question", slug="bank", question="n-1")
    assert "ほかに2問あります" in text_of(page)
    assert follows("bank/n-1") == "/banks/bank/n-2"
    assert follows("bank/n-2") == "/banks/bank/n-3"
    assert follows("bank/n-3") == "/banks/bank/n-1"
    for slug in ("n-1", "n-2", "n-3"):
        step("live", cast.approver, slug)
    assert follows("bank/n-2") == "/questions/in-review"


def test_nobody_is_asked_to_review_her_own_wording_and_it_stands_in_the_list_of_all(
    cast: Cast, bank: str, as_: Any
) -> None:
    submit(cast, "n-1")
    author = as_(cast.author)
    assert not author.get("quizzes.reviews").one("main").findall(".//tbody/tr/th")
    assert "ほかの人の承認が必要" in text_of(author.get("quizzes.reviews", show="all"))
    assert review.list_waiting_for(cast.learner) == []
    # The page of all banks counts it, whoever looks.
    assert author.get("quizzes.banks").one("td", **{"data-label": "レビュー中"}).find("a") is not None


def test_who_approves_only_is_told_of_no_drafts(cast: Cast, bank: str, as_: Any) -> None:
    add(cast.author, slug="n-1")
    assert "下書き" in text_of(as_(cast.author).get("training.today"))
    assert "下書きの設問 1" not in text_of(as_(cast.approver).get("training.today"))


def test_what_comes_back_says_why_on_the_day_of_its_author_on_its_page_and_in_its_form(
    cast: Cast, bank: str, as_: Any
) -> None:
    submit(cast, "n-1")
    step("draft", cast.approver, "n-1", reason="The second choice is right, too.")
    author = as_(cast.author)
    for page in (
        author.get("training.today"),
        author.get("quizzes.question", slug="bank", question="n-1"),
        author.get("quizzes.edit_question", slug="bank", question="n-1"),
    ):
        assert "The second choice is right, too." in text_of(page)
    save(cast.author, "n-1", stem=Words("Other?", "ほかに？"))
    assert [each.question.slug for each in review.list_came_back_to(cast.author)] == ["n-1"]
    assert review.list_came_back_to(cast.admin) == []
    step("in_review", cast.author, "n-1")
    assert review.list_came_back_to(cast.author) == []


def test_whoever_writes_on_what_she_submitted_has_sent_nothing_back(cast: Cast, bank: str) -> None:
    submit(cast, "n-1", "n-2")
    save(cast.author, "n-1", stem=Words("Other?", "ほかに？"))
    step("draft", cast.author, "n-2")
    assert review.list_came_back_to(cast.author) == []


def test_a_batch_is_told_in_one_mail_for_each_person_and_bank(cast: Cast, bank: str) -> None:
    submit(cast, "n-1", "n-2")
    (arguments,) = [each for each in owed(review.SUBMITTED) if each["to"] == cast.approver.code]
    assert not [each for each in owed(review.SUBMITTED) if each["to"] == cast.author.code]
    built = emails.questions_submitted(**arguments)
    assert built is not None
    assert [each["address"] for each in built.values["questions"]] == ["bank/n-1", "bank/n-2"]
    assert "2" in mail.render(built)["Subject"]
    step("live", cast.approver, "n-1")
    step("draft", cast.approver, "n-2", reason="Too long.")
    assert emails.questions_submitted(**arguments) is None
    (arguments,) = owed(review.REVIEWED)
    assert arguments["to"] == cast.author.code
    built = emails.questions_reviewed(**arguments)
    assert built is not None
    told = [(each["address"], each["outcome"], each["reason"]) for each in built.values["questions"]]
    assert told == [("bank/n-1", "live", ""), ("bank/n-2", "draft", "Too long.")]
    assert "Too long." in mail.render(built).get_body(("plain",)).get_content()  # type: ignore[union-attr]


def test_the_list_of_reviews_takes_as_many_statements_for_many_as_for_few(cast: Cast, bank: str, as_: Any) -> None:
    browser, counts = as_(cast.approver), []
    for slugs in (("n-1", "n-2"), ("n-3", "n-4")):
        submit(cast, *slugs)
        browser.get("quizzes.reviews")
        with counted_queries() as statements:
            browser.get("quizzes.reviews")
        counts.append(len(statements))
    assert counts[0] == counts[1]


# --- draws -------------------------------------------------------------------------------------


def test_a_misspelt_tag_or_clause_of_a_draw_is_named_with_what_is_similar(cast: Cast, bank: str, app: Flask) -> None:
    with own_transaction():
        editing.change_many(
            bank=queries.get_bank("bank"), numbers={"q-a": 1}, change=Change("add_tag", "names"), by=cast.author
        )
    there = pool.list_drawable(["bank"])
    with app.test_request_context(), force_locale("en"):
        said = quiz_form._unknown_names(Draw(bank="bank", count=1, tags=("nmaes", "names"), clauses=("z",)), there)
    assert said == [
        "No question of this bank has the tag “nmaes”.",
        "Similar: names.",
        "No question of this bank tests the clause “z”.",
    ]

"""The pages on which an author looks at questions whose rule has changed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from xml.etree.ElementTree import tostring

import pytest

from portal.core.db import session
from portal.core.transaction import own_transaction
from portal.quizzes import queries
from portal.quizzes.formats.markdown import Bank, BankQuestion
from portal.quizzes.service.banks import take_bank
from tests.beginnings import beginning
from tests.builders import Cast
from tests.core.test_redline import silent, unmarked
from tests.library.builders import english, japanese, make_document, make_version
from tests.queries import counted_queries
from tests.quizzes.builders import make_content
from tests.quizzes.test_staleness import CLAUSES, publish, stale, take

BOTH = pytest.mark.parametrize("language", ["en", "ja"])
FIRST = {anchor: f"Rule {anchor}." for anchor in CLAUSES}


@pytest.fixture
@beginning
def changed(cast: Cast) -> Cast:
    """A bank of four questions, two of whose clauses have changed, and one of whose is gone."""
    publish(cast, FIRST)
    take(cast, {f"q-{anchor}": f"policy#{anchor}" for anchor in CLAUSES})
    publish(cast, {"a": "Rule a.", "b": "Another rule.", "c": "A third rule."})
    return cast


@BOTH
def test_an_author_sees_the_old_text_beside_the_new_one_and_says_what_is_to_be_done(
    changed: Cast, as_: Any, language: str
) -> None:
    browser = as_(changed.author, language=language)
    page = browser.get("quizzes.stale")
    assert "Rule b." in unmarked(page.body)
    assert "Another rule." in unmarked(page.body)
    assert "policy#a" not in page.text
    assert {"en": "is not in the newest version any more", "ja": "最新の版にありません"}[language] in page.text
    buttons = {"en": "Still right", "ja": "このままで正しい"}[language]
    # Two can be right; the one whose clause is gone can only be left out.
    assert page.text.count(buttons) == 2
    form = {"looked_at": _looked_at(page, "q-b"), "from": "all"}
    browser.post("quizzes.confirm_still_right", slug="bank", question="q-b", data=form)
    assert {"en": "is drawn again", "ja": "出題を再開しました"}[language] in browser.get("quizzes.stale").text
    browser.post("quizzes.leave_out", slug="bank", question="q-c", data={"from": "bank"})
    assert stale() == {"q-c", "q-d"}
    left_out = browser.send("GET", "/banks/bank/stale?show=left-out").get_data(as_text=True)
    assert "bank/q-c" in left_out
    assert "bank/q-d" not in left_out


def _sides(page: Any, slug: str) -> list[str]:
    """Return what stands on both sides of a question, its marks written as brackets."""
    (section,) = [each for each in page.tree.iter("section") if (each.get("id") or "").startswith(f"{slug}-")]
    sides = [each for each in section.iter("div") if "compared__text" in (each.get("class") or "")]
    return [silent(tostring(each, encoding="unicode", method="html")) for each in sides]


@BOTH
def test_what_changed_is_marked_on_both_sides(changed: Cast, as_: Any, language: str) -> None:
    page = as_(changed.author, language=language).get("quizzes.stale")
    was, now = _sides(page, "q-c")
    assert "<del>Rule c</del>" in was
    assert "<ins>A third rule</ins>" in now
    # Of what is gone there is only one side, unmarked.
    (gone,) = _sides(page, "q-d")
    assert "Rule d." in gone
    assert "<del>" not in gone


def test_a_heading_that_changed_stands_marked_above_the_words(cast: Cast, as_: Any) -> None:
    first = "## Fees {#a}\n\nNone.\n"
    document = make_document(cast.author, "policy")
    make_version(document, cast.author, "1.0", texts=[english(first)])
    take(cast, {"q-a": "policy#a"})
    make_version(document, cast.author, "2.0", texts=[english(first.replace("Fees", "Costs"))])
    was, now = _sides(as_(cast.author).get("quizzes.stale"), "q-a")
    assert "<del>Fees</del>" in was
    assert "<ins>Costs</ins>" in now


def _in_two_languages(cast: Cast) -> None:
    """Publish two clauses, of which the next version changes one in both languages and one in Japanese only."""
    en, ja = (
        "## A {#a}\n\nOne.\n\n## B {#b}\n\nTwo.\n",
        "## 甲 {#a}\n\n壱です。\n\n## 乙 {#b}\n\n弐回の確認が必要です。\n",
    )
    document = make_document(cast.author, "policy")
    make_version(document, cast.author, "1.0", texts=[english(en), japanese(ja)])
    content = replace(make_content(0), clauses=("policy#a", "policy#b"), document="policy")
    bank = Bank(
        title=content.title, document="policy", version="1.0", questions=(BankQuestion("q-a", content, "live"),)
    )
    with own_transaction():
        take_bank(slug="bank", bank=bank, facts=queries.find_clauses, by=cast.author)
    texts = [english(en.replace("One", "Three")), japanese(ja.replace("壱", "参").replace("弐", "四"))]
    make_version(document, cast.author, "2.0", texts=texts)


def test_a_clause_whose_translation_alone_changed_says_so_where_that_is_read(cast: Cast, as_: Any) -> None:
    _in_two_languages(cast)
    page = as_(cast.author, language="en").get("quizzes.stale")
    assert "This clause reads as it did when the question was written." in page.text
    assert len(_sides(page, "q-a")) == 2
    page = as_(cast.author, language="ja").get("quizzes.stale")
    assert "日本語の本文だけが変わりました" in page.text
    assert "この条項は、設問が書かれたときと同じ文です" not in page.text
    sides = _sides(page, "q-a")
    assert len(sides) == 4
    assert "<del>弐回</del>の確認が必要です。" in sides[2]
    assert "<ins>四回</ins>の確認が必要です。" in sides[3]


def test_a_translation_that_has_not_followed_is_not_shown_as_if_nothing_had_changed(cast: Cast, as_: Any) -> None:
    en, ja = "## A {#a}\n\nOne.\n", "## 甲 {#a}\n\n壱です。\n"
    document = make_document(cast.author, "policy")
    make_version(document, cast.author, "1.0", texts=[english(en), japanese(ja)])
    take(cast, {"q-a": "policy#a"})
    texts = [english(en.replace("One", "Two")), japanese(ja, says_number="1.0")]
    make_version(document, cast.author, "2.0", texts=texts)
    was, now = _sides(as_(cast.author, language="ja").get("quizzes.stale"), "q-a")
    assert "<del>One.</del>" in was
    assert "<ins>Two.</ins>" in now


def _looked_at(page: Any, slug: str) -> str:
    form = next(form for form in page.tree.iter("form") if f"/{slug}/still-right" in form.get("action", ""))
    return next(field.get("value") for field in form.iter("input") if field.get("name") == "looked_at")


@BOTH
def test_a_page_of_a_text_that_has_changed_since_is_refused_in_words(changed: Cast, as_: Any, language: str) -> None:
    browser = as_(changed.author, language=language)
    refused = browser.post(
        "quizzes.confirm_still_right", slug="bank", question="q-b", data={"looked_at": "0" * 32}, expect=409
    )
    said = {"en": "The text has changed since this page was loaded", "ja": "このページを開いた後に文が変わりました"}
    assert said[language] in refused.text
    assert stale() == {"q-b", "q-c", "q-d"}


def test_a_question_whose_clause_is_gone_cannot_be_waved_through(changed: Cast, as_: Any) -> None:
    browser = as_(changed.author)
    page = browser.get("quizzes.stale")
    assert not any("/q-d/still-right" in form.get("action", "") for form in page.tree.iter("form"))
    browser.post("quizzes.confirm_still_right", slug="bank", question="q-nothing", expect=404)


@BOTH
def test_an_approver_reads_and_decides_nothing(changed: Cast, as_: Any, language: str) -> None:
    page = as_(changed.approver, language=language).get("quizzes.stale")
    assert "Another rule." in unmarked(page.body)
    assert {"en": "Still right", "ja": "このままで正しい"}[language] not in page.text


@BOTH
def test_todays_page_the_rail_and_the_banks_say_how_many_wait(changed: Cast, as_: Any, language: str) -> None:
    browser = as_(changed.author, language=language)
    today = browser.get("training.today").text
    assert {"en": "3 questions to re-check", "ja": "再点検が必要な設問3件"}[language] in today
    assert {"en": "Waiting: 3", "ja": "対応待ち： 3"}[language] in " ".join(today.split())
    for address in ("quizzes.banks", "quizzes.bank"):
        values = {"slug": "bank"} if address == "quizzes.bank" else {}
        said = {"en": "3 questions are not drawn", "ja": "3件の設問は、問う条項が変わった"}[language]
        assert said in browser.get(address, **values).text


def test_nothing_waits_where_nothing_has_changed(cast: Cast, as_: Any) -> None:
    page = as_(cast.author, language="en").get("quizzes.stale")
    assert "No question waits for a re-check" in page.text
    assert "Waiting:" not in page.text


def test_the_statements_do_not_grow_with_the_questions(cast: Cast, as_: Any) -> None:
    publish(cast, FIRST)
    counts = []
    browser = as_(cast.author)
    for number, size in enumerate((3, 15)):
        take(cast, {f"q-{place}": "policy#a" for place in range(size)}, f"{number * 1 + 1}.0", slug=f"bank-{number}")
        publish(cast, {**FIRST, "a": f"Rule {number}."})
        browser.get("quizzes.stale_of_bank", slug=f"bank-{number}")
        session.expire_all()
        with counted_queries() as statements:
            browser.get("quizzes.stale_of_bank", slug=f"bank-{number}")
        counts.append(len(statements))
    assert counts[0] == counts[1], counts

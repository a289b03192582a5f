"""A question bank is made in the browser, and travels in files like any other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from portal.accounts import queries as people
from portal.core.db import session
from portal.journal.models import JournalEntry
from portal.quizzes import queries
from tests.builders import Cast
from tests.library.builders import make_published

FORM = {"title_en": "Appeals", "title_ja": "異議申し立て", "slug": "appeals-basics", "document": "impersonation"}


@pytest.mark.parametrize("language", ["en", "ja"])
def test_an_author_makes_a_bank_about_a_document_and_answers_for_it(cast: Cast, as_: Any, language: str) -> None:
    make_published(cast.author)
    browser = as_(cast.author, language=language)
    assert "/banks/new" in browser.get("quizzes.banks").links()
    browser.get("quizzes.new_bank")
    page = browser.follow(browser.post("quizzes.add_bank", FORM))
    assert "/banks/appeals-basics/questions/new" in page.links()
    bank = queries.get_bank("appeals-basics")
    assert (bank.title.en, bank.title.ja) == ("Appeals", "異議申し立て")
    assert (bank.document_slug, bank.document_version) == ("impersonation", "1.0")
    owner = people.find_owner("question_bank", "appeals-basics")
    assert owner is not None
    assert owner.owner_id == cast.author.id
    assert "quizzes.bank_added" in session.scalars(select(JournalEntry.action)).all()


def test_an_address_that_is_taken_or_no_address_is_refused_at_its_field(cast: Cast, as_: Any) -> None:
    make_published(cast.author)
    browser = as_(cast.author, language="en")
    browser.post("quizzes.add_bank", FORM)
    again = browser.post("quizzes.add_bank", FORM | {"title_en": "Others"}, expect=409)
    assert "Choose another one." in again.text
    assert "Others" in again.body, "what was typed stays"
    for slug in ("new", "pictures"):
        browser.post("quizzes.add_bank", FORM | {"slug": slug}, expect=409)
    for slug in ("Ä", "two words", "appeals!", "-a", ""):
        page = browser.post("quizzes.add_bank", FORM | {"slug": slug}, expect=400)
        assert [each.get("name") for each in page.all("input") if each.get("aria-invalid") == "true"] == ["slug"]
    browser.post("quizzes.add_bank", FORM | {"slug": "more", "document": "no-such"}, expect=400)
    assert [bank.slug for bank in queries.list_banks()] == ["appeals-basics"]


def test_nobody_but_authors_makes_banks(cast: Cast, as_: Any) -> None:
    make_published(cast.author)
    for person in (cast.learner, cast.lead, cast.approver):
        as_(person).post("quizzes.add_bank", FORM, expect=403)
    assert queries.list_banks() == []


def test_a_bank_without_questions_is_written_and_read_like_any_other(
    app: Flask, cast: Cast, as_: Any, tmp_path: Path
) -> None:
    make_published(cast.author)
    as_(cast.author).post("quizzes.add_bank", FORM)
    runner = app.test_cli_runner()
    assert runner.invoke(args=["content", "export", str(tmp_path)]).exit_code == 0
    assert (tmp_path / "banks" / "appeals-basics.ja.md").exists()
    # The document of this test has no owner, which is said of it and of nothing else.
    checked = runner.invoke(args=["content", "check", str(tmp_path)])
    assert "banks/" not in checked.output, checked.output

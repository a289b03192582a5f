"""Who answers for a quiz or a bank can be named anew, by whoever answers for it or by an administrator."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from portal.accounts import queries as people
from portal.accounts.models import Person
from portal.accounts.service.ownership import set_owner
from portal.core.content import ContentFile
from portal.core.db import session
from portal.core.transaction import own_transaction
from portal.journal.models import JournalEntry
from portal.quizzes import queries
from portal.quizzes.content import QuizzesPart
from portal.quizzes.permissions import BANK, QUIZ
from tests.builders import Cast
from tests.quizzes.builders import make_quiz

THINGS = [(QUIZ, "quizzes.owner_of_quiz", "quizzes.name_owner_of_quiz", "quizzes.show"),
          (BANK, "quizzes.owner_of_bank", "quizzes.name_owner_of_bank", "quizzes.bank")]  # fmt: skip


def _owned(by: Person, kind: str, deputy: Person | None = None) -> str:
    slug = make_quiz(by).quiz.slug
    with own_transaction():
        set_owner(kind=kind, code=slug, owner=by, deputy=deputy, by=by)
    return slug


@pytest.mark.parametrize(("kind", "page", "name", "shown"), THINGS)
@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_owner_names_another_and_a_deputy_which_the_journal_keeps(
    cast: Cast, as_: Any, kind: str, page: str, name: str, shown: str, language: str
) -> None:
    slug = _owned(cast.author, kind)
    browser = as_(cast.author, language=language)
    form = browser.get(page, slug=slug)
    chosen = [each.get("value") for each in form.tree.iter("option") if each.get("selected") is not None]
    assert chosen[0] == cast.author.code
    browser.post(name, {"owner": cast.approver.code, "deputy": cast.author.code}, slug=slug)
    present = people.find_owner(kind, slug)
    assert present is not None
    assert (present.owner_id, present.deputy_id) == (cast.approver.id, cast.author.id)
    entry = session.scalars(
        select(JournalEntry).where(JournalEntry.action == "accounts.owner_set").order_by(JournalEntry.id.desc())
    ).first()
    assert entry is not None
    assert (entry.subject_kind, entry.subject_code, entry.actor_code) == (kind, slug, cast.author.code)
    assert entry.before["owner"] == cast.author.code
    assert entry.after == {"owner": cast.approver.code, "deputy": cast.author.code}
    # It is hers no longer to give; the page says whose it is.
    read = browser.get(shown, slug=slug)
    assert cast.approver.name_in(language) in read.text
    assert browser.fetch(page, slug=slug).status_code == 404


@pytest.mark.parametrize(("kind", "page", "name", "shown"), THINGS)
def test_what_cannot_be_owner_or_deputy_is_told_at_its_field_and_changes_nothing(
    cast: Cast, as_: Any, kind: str, page: str, name: str, shown: str
) -> None:
    slug = _owned(cast.author, kind)
    browser = as_(cast.admin)
    for sent, words in (
        ({"owner": cast.approver.code, "deputy": cast.approver.code}, "The deputy is somebody else than the owner."),
        ({"owner": "P99999", "deputy": ""}, "Not a valid choice"),
        ({"owner": "", "deputy": cast.approver.code}, ""),
        # Learners answer for no quiz.
        ({"owner": cast.learner.code, "deputy": ""}, ""),
    ):
        refused = browser.post(name, sent, expect=400, slug=slug)
        assert words in refused.text
        assert [each for each in refused.tree.iter("select") if each.get("aria-invalid")]
        present = people.find_owner(kind, slug)
        assert present is not None
        assert (present.owner_id, present.deputy_id) == (cast.author.id, None)


def test_a_file_says_who_was_named_here_since(cast: Cast) -> None:
    slug = _owned(cast.author, QUIZ)
    quiz = queries.get_quiz(slug).quiz
    with own_transaction():
        quiz.stated_owner, quiz.stated_owner_became = "the.author@elsewhere.example", cast.author.code
        quiz.stated_deputy = "gone@elsewhere.example"

    def stated() -> str:
        (file,) = QuizzesPart().dump()
        assert isinstance(file, ContentFile)
        return file.text

    # Whom nobody knows here is written back as the file had it.
    assert 'owner = "the.author@elsewhere.example"' in stated()
    assert 'deputy = "gone@elsewhere.example"' in stated()
    with own_transaction():
        set_owner(kind=QUIZ, code=slug, owner=cast.author, deputy=cast.approver, by=cast.admin)
    assert 'owner = "the.author@elsewhere.example"' in stated()
    assert f'deputy = "{cast.approver.sign_in_name}"' in stated()
    # The deputy whom the file named, and who was, has been taken out here.
    with own_transaction():
        queries.get_quiz(slug).quiz.stated_deputy = cast.approver.sign_in_name
        set_owner(kind=QUIZ, code=slug, owner=cast.author, by=cast.admin)
    assert "deputy" not in stated()

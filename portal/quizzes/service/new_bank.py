"""A question bank that is made in the browser: empty, about one document or none, with an owner."""

from __future__ import annotations

from sqlalchemy.exc import IntegrityError

from portal.accounts.models import Person
from portal.accounts.service.ownership import set_owner
from portal.core import clock, search
from portal.core.db import session
from portal.core.i18n import Words
from portal.journal.service import record
from portal.library import queries as library
from portal.quizzes import queries
from portal.quizzes.errors import BankAddressTaken
from portal.quizzes.models import QuestionBank
from portal.quizzes.service.findable import QUESTIONS

KIND = "question_bank"
# What stands at these addresses is no bank.
PAGES = frozenset({"new", "pictures"})


def add_bank(*, slug: str, title: Words, document: str, by: Person) -> QuestionBank:
    """Make a bank without questions, about a document by its address ("" for none); who makes it answers for it.

    Its clauses are those of the version that is to be read now. Raises `BankAddressTaken`, and `NotFound` where there
    is no such document.
    """
    if slug in PAGES or queries.find_bank(slug) is not None:
        raise BankAddressTaken()
    version = library.version_to_read(library.get_document(document)) if document else None
    bank = QuestionBank(
        slug=slug,
        title=title,
        document_slug=document,
        document_version=version.number if version is not None else "",
        created_at=clock.now(),
        created_by=by.code,
    )
    try:
        with session.begin_nested():
            session.add(bank)
    except IntegrityError as taken:
        raise BankAddressTaken() from taken
    search.changed(QUESTIONS, [bank.id])
    record(
        "quizzes.bank_added",
        by=by,
        subject=(KIND, slug),
        after={"document": document or None, "title": {"en": title.en, "ja": title.ja}},
    )
    set_owner(kind=KIND, code=slug, owner=by, by=by)
    session.flush()
    return bank

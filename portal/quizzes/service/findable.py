"""What authors find of question banks: the stems of their questions."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime

from flask import url_for
from sqlalchemy import ColumnElement, false, true

from portal.accounts.models import Person
from portal.core.access import allows
from portal.core.i18n import LANGUAGES, LazyText
from portal.core.i18n import lazy_gettext as _l
from portal.core.markdown import plain_text
from portal.core.search import Entry, EntryText, Hit
from portal.quizzes import queries
from portal.quizzes.permissions import SEE_BANKS
from portal.quizzes.types.base import read

QUESTIONS, QUESTION = "quizzes.questions", "question"


class FindableQuestions:
    """The questions of banks, in their newest versions; seen by those who may read banks."""

    name = QUESTIONS
    kinds: Mapping[str, LazyText] = {QUESTION: _l("Questions")}
    names: Mapping[str, LazyText] = {QUESTION: _l("Question")}
    ranks: Mapping[str, int] = {QUESTION: 3}

    def list_things(self) -> list[int]:
        """Return the row numbers of all banks that have questions."""
        return queries.list_bank_ids()

    def entries_of(self, things: Collection[int], at: datetime) -> Iterator[Entry]:
        """Return the questions of banks."""
        for bank, question, version in queries.list_latest_of_banks(things):
            content = read(version.content)
            yield Entry(
                kind=QUESTION,
                thing_id=bank.id,
                address=f"{bank.slug}/{question.slug}",
                position=question.position or 0,
                sensitivity=content.severity or "S0",
                texts={
                    tag: EntryText(bank.title.in_(tag), content.title.in_(tag), plain_text(content.stem.in_(tag)))
                    for tag in LANGUAGES
                },
            )

    def reach(self, person: Person) -> ColumnElement[bool]:
        """Say that all or none are the person's to see."""
        return true() if allows(person, SEE_BANKS) else false()

    def href(self, hit: Hit) -> str:
        """Return the page of the question."""
        slug, _sign, question = hit.address.partition("/")
        return url_for("quizzes.question", slug=slug, question=question)

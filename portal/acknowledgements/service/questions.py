"""Questions that people have about a clause: kept with it, answered by whoever answers for the document."""

from __future__ import annotations

from portal.accounts import queries as accounts
from portal.accounts.models import Person
from portal.acknowledgements.errors import AlreadyAnswered, AnswerEmpty, ClauseUnknown, NotAddressed, QuestionEmpty
from portal.acknowledgements.models import ClauseQuestion
from portal.acknowledgements.permissions import ANSWER_QUESTION
from portal.core import clock
from portal.core.access import allows
from portal.core.codes import new_code
from portal.core.db import session
from portal.core.i18n import language as reader_language
from portal.core.mail import send_later
from portal.journal.service import record
from portal.library import queries as library
from portal.library.models import DocumentVersion
from portal.library.permissions import is_addressed
from portal.library.queries import drafts

QUESTION_LIMIT = 2_000
ANSWER_LIMIT = 4_000


def ask_question(*, version: DocumentVersion, anchor: str, body: str, by: Person) -> ClauseQuestion:
    """Keep a question about a clause (or, with an empty `anchor`, about the document) and tell who answers for it.

    Raises `NotAddressed`, `QuestionEmpty` or `ClauseUnknown`.
    """
    if version.document.is_by_name or not is_addressed(by, version.document):
        raise NotAddressed()
    if not body.strip():
        raise QuestionEmpty()
    if anchor and anchor not in library.clause_anchors(version):
        raise ClauseUnknown()
    question = ClauseQuestion(
        code=new_code(),
        version=version,
        anchor=anchor,
        person=by,
        language=reader_language(),
        body=body.strip()[:QUESTION_LIMIT],
        at=clock.now(),
    )
    session.add(question)
    session.flush()
    for person in who_is_told(version):
        if person.id != by.id:
            send_later(
                "acknowledgements.question_asked",
                {"code": question.code, "to": person.code},
                effect_key=f"clause-question:{question.code}:{person.code}",
            )
    record(
        "acknowledgements.question_asked",
        by=by,
        subject=("document", version.document.slug),
        after={"version": version.number, "clause": anchor},
    )
    return question


def who_answers(slug: str) -> list[Person]:
    """Return who is told of a question about the document: its owner and deputy, as far as they are active."""
    owned = accounts.find_owner("document", slug)
    found = [owned.owner, owned.deputy] if owned is not None else []
    return [person for person in found if person is not None and person.is_active]


def who_is_told(version: DocumentVersion) -> list[Person]:
    """Return who gets a mail about a question: who answers for the document, and its authors who may answer."""
    document = version.document
    authors = [
        person
        for person in drafts.list_authors_of(version)
        if person.is_active and allows(person, ANSWER_QUESTION, document)
    ]
    return list({person.id: person for person in (*who_answers(document.slug), *authors)}.values())


def answer_question(*, question: ClauseQuestion, answer: str, by: Person) -> None:
    """Answer a question; who asked gets the answer by mail, and is asked to confirm again as before.

    Raises `AlreadyAnswered` or `AnswerEmpty`.
    """
    if question.answered_at is not None:
        raise AlreadyAnswered()
    if not answer.strip():
        raise AnswerEmpty()
    question.answered_at, question.answered_by = clock.now(), by.code
    question.answer = answer.strip()[:ANSWER_LIMIT]
    session.flush()
    send_later(
        "acknowledgements.question_answered",
        {"code": question.code},
        effect_key=f"clause-question:{question.code}:answered",
    )
    record(
        "acknowledgements.question_answered",
        by=by,
        subject=("document", question.version.document.slug),
        after={"version": question.version.number, "clause": question.anchor},
    )

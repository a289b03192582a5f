"""Campaigns for tests: documents with changes, questions about them, and people who confirmed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import select

from portal.accounts.models import Person
from portal.acknowledgements import service
from portal.acknowledgements.models import AcknowledgementRequest, Campaign
from portal.acknowledgements.queries import campaigns as queries
from portal.acknowledgements.service import deltas
from portal.calendars.service import load_national_holidays, record_leave
from portal.core import jobs
from portal.core.db import session
from portal.core.transaction import own_transaction
from portal.library import queries as library
from portal.library.models import Document, DocumentVersion
from portal.library.service import readings
from portal.quizzes import queries as quizzes
from portal.quizzes.models import Question, QuestionState
from portal.quizzes.service import staleness
from portal.quizzes.service.single import order_of
from portal.quizzes.types.base import read
from tests.library.builders import EN, JA, english, japanese, make_published, make_version
from tests.quizzes.builders import KINDS, BankQuestion, make_bank, make_content

# A Monday at ten in Tokyo, Golden Week far away.
MONDAY = datetime(2026, 6, 1, 1, tzinfo=UTC)


def changed(*words: str, changes: dict[str, str] | None = None) -> list[Any]:
    """Return both texts with sentences put in the place of others."""
    en, ja = EN, JA
    for old, new in (changes or {"None.": f"One: {' '.join(words) or 'satire'}."}).items():
        assert old in en
        en = en.replace(old, new)
    ja = ja.replace("ありません。", f"一つあります（{' '.join(words) or 'satire'}）。")
    return [
        english(en, what_to_do_differently="Look for labels."),
        japanese(ja, what_to_do_differently="表示を確かめます。"),
    ]


def make_first(by: Person, **values: Any) -> DocumentVersion:
    """Return version 1.0 of a policy that came out of files and asks nobody."""
    return make_published(by, **values)


def publish(document: Document | str, by: Person, number: str = "2.0", **values: Any) -> DocumentVersion:
    """Publish a further version, material unless said otherwise; whoever is asked is asked by `run`."""
    found = library.get_document(document if isinstance(document, str) else document.slug)
    values.setdefault("texts", changed(number))
    version = make_version(found, by, number, **values)
    look_again(by)
    return version


def look_again(by: Person) -> None:
    """Find right every question that a change has made stale, so that it is asked."""
    for question in session.scalars(select(Question).where(Question.state == QuestionState.STALE)).all():
        found = quizzes.find_latest(question.bank, question.slug)
        assert found is not None
        (clauses,) = staleness.clauses_of([found[1]]).values()
        with own_transaction():
            staleness.confirm_still_right(question=question, looked_at=staleness.seen(clauses), by=by)


def run() -> None:
    """Carry out what is owed."""
    jobs.run_due()
    session.rollback()


def ask(by: Person, number: str = "2.0", **values: Any) -> Campaign:
    """Publish a version of the policy and ask its audience."""
    version = publish("impersonation", by, number, **values)
    run()
    found = queries.find_campaign_of(version.id)
    assert found is not None
    return found


def confirm(person: Person, version: DocumentVersion, language: str = "ja") -> None:
    """Let a person open and confirm a version on its reading page."""
    read_text(person, version)
    with own_transaction():
        service.acknowledge(version=version, language=language, by=person)


def read_text(person: Person, version: DocumentVersion) -> None:
    """Let a person have a version on her screen."""
    readings.note_opened(person=person, version=version, known=library.find_reading(person, version))


def request_of(campaign: Campaign, person: Person) -> AcknowledgementRequest:
    """Return what the campaign asks of the person."""
    session.expire_all()
    found = queries.find_request(campaign, person)
    assert found is not None
    return found


def delta_of(person: Person, slug: str = "impersonation") -> deltas.Delta:
    """Return what changed for the person."""
    session.expire_all()
    found = deltas.find_delta(person, library.get_document(slug))
    assert found is not None
    return found


def open_delta(person: Person, slug: str = "impersonation") -> deltas.Delta:
    """Let the person have what changed on her screen."""
    found = delta_of(person, slug)
    assert found.request is not None
    deltas.note_opened(found.request)
    return delta_of(person, slug)


def places(person: Person, delta: deltas.Delta, *, right: bool) -> dict[str, dict[str, list[str]]]:
    """Return answers to every question that are all right, or all wrong, as places on her page."""
    given = {}
    for item in delta.check:
        order, content = order_of(item.version, deltas.seed_of(person, delta.new)), read(item.version.content)
        given[item.address] = {
            part.id: [
                str(order[part.id].index(choice.id) + 1)
                for choice in part.choices
                if choice.right is right and (part.key == {choice.id} or right or not choice.right)
            ][: None if right else 1]
            for part in content.parts
        }
    return given


def answer(person: Person, *, right: bool = True, slug: str = "impersonation") -> bool:
    """Let the person answer every question about what changed."""
    found = delta_of(person, slug)
    with own_transaction():
        return deltas.answer_check(delta=delta_of(person, slug), given=places(person, found, right=right), by=person)


def understand(person: Person, slug: str = "impersonation", language: str = "ja") -> list[str]:
    """Let the person confirm what changed; return the numbers of the versions that it covers."""
    with own_transaction():
        covered = service.confirm_delta(document=library.get_document(slug), language=language, by=person)
        return [version.number for version in covered]


def make_questions(by: Person, clauses: Sequence[str] = ("exceptions", "exceptions", "scope")) -> None:
    """Make live questions, one for each of these clauses of the policy."""
    questions = tuple(
        BankQuestion(f"imp-{number:03d}", make_content(number, KINDS[number % 4], clauses=(f"impersonation#{clause}",)))
        for number, clause in enumerate(clauses)
    )
    make_bank(by, questions=questions)


def away(person: Person, first: str, last: str, by: Person) -> None:
    """Record leave from one date to another."""
    with own_transaction():
        record_leave(person=person, first_on=date.fromisoformat(first), last_on=date.fromisoformat(last), by=by)


def holidays() -> None:
    """Load the holidays of Japan and the United States."""
    with own_transaction():
        for country in ("JP", "US"):
            load_national_holidays(country=country, years=range(2026, 2028))

"""What may be drawn from banks, and how much there is of it, without reading a question's texts twice."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import String, bindparam, func, select, type_coerce
from sqlalchemy.orm import selectinload

from portal.core.db import session
from portal.core.i18n import LANGUAGES
from portal.library import queries as library
from portal.library.models import Clause, ClauseText, Document
from portal.quizzes.models import FlagKind, Question, QuestionBank, QuestionFlag, QuestionState, QuestionVersion
from portal.quizzes.queries import clause_names
from portal.quizzes.rules import Candidate
from portal.quizzes.types.base import read
from portal.quizzes.types.wording import digest_of_wording

# Some hundred bytes each.
_MOST_KEPT = 50_000


@dataclass(frozen=True, slots=True)
class Drawable:
    """A question in a bank by what blueprints look at, with its newest version."""

    candidate: Candidate
    state: QuestionState
    version_id: int
    severity: str | None
    max_points: int
    # Whether wrong choices cost points.
    costs_points: bool
    # The languages in which it can be asked: it has a text there, which is not behind that of the other language.
    languages: frozenset[str]
    # What stands for what a learner meets of it.
    wording: str
    # Whether some wording of the question was shown too often; `list_worn` says whether it is this one.
    was_exposed: bool


# Wordings never change, and the hash of one is that of all it says: what was read once of a question in a state holds
# for ever, in every database. By the row of `_POOL`.
_known: dict[tuple[str, str, str, str, int, str, str | None, bool], Drawable] = {}

_POOL = (
    select(
        QuestionBank.slug,
        QuestionBank.document_slug,
        Question.slug,
        # As text: a large bank has many rows.
        type_coerce(Question.state, String),
        QuestionVersion.id,
        QuestionVersion.hash,
        QuestionVersion.behind,
        Question.id.in_(select(QuestionFlag.question_id).where(QuestionFlag.kind == FlagKind.OVEREXPOSED)),
    )
    .join(Question, Question.bank_id == QuestionBank.id)
    .join(
        QuestionVersion,
        (QuestionVersion.question_id == Question.id) & (QuestionVersion.number == Question.latest),
    )
    .where(
        QuestionBank.slug.in_(bindparam("banks", expanding=True)),
        Question.state.in_(bindparam("states", expanding=True)),
        Question.position.is_not(None),
    )
    .order_by(QuestionBank.slug, Question.slug)
)
_CONTENTS = select(QuestionVersion.id, QuestionVersion.content).where(
    QuestionVersion.id.in_(bindparam("ids", expanding=True))
)
_AT_ONCE = 500


def list_drawable(
    banks: Collection[str],
    states: Collection[QuestionState] = (QuestionState.LIVE,),
    languages: Collection[str] = (),
) -> list[Drawable]:
    """Return the questions of these banks in these states, in the order of their addresses.

    Those that cannot be asked in one of the languages, because its text is behind, are left out.
    """
    if not banks:
        return []
    rows = session.connection().execute(_POOL, {"banks": sorted(banks), "states": list(states)}).all()
    keys: list[Any] = [tuple(row) for row in rows]
    found = [_known.get(key) for key in keys]
    new = {key[4]: key for key, each in zip(keys, found, strict=True) if each is None}
    if new:
        read_now = _read(new)
        found = [each or read_now[key] for key, each in zip(keys, found, strict=True)]
        if len(_known) + len(read_now) > _MOST_KEPT:
            _known.clear()
        if len(read_now) <= _MOST_KEPT:
            _known.update(read_now)
    return [each for each in found if each is not None and each.languages.issuperset(languages)]


def _read(rows: Mapping[int, Any]) -> dict[Any, Drawable]:
    """Return row of `_POOL` → what blueprints look at of a question; `rows` come by the row number of the version."""
    found = {}
    ids = list(rows)
    for start in range(0, len(ids), _AT_ONCE):
        for version_id, data in session.execute(_CONTENTS, {"ids": ids[start : start + _AT_ONCE]}):
            key = rows[version_id]
            bank, document, slug, state, _id, _digest, behind, was_exposed = key
            content = read(data)
            found[key] = Drawable(
                Candidate(
                    address=f"{bank}/{slug}",
                    bank=bank,
                    type=content.type,
                    tags=frozenset(content.tags),
                    clauses=clause_names(content.clauses, document),
                    difficulty=content.difficulty,
                ),
                QuestionState(state),
                version_id,
                content.severity,
                content.max_points,
                content.type == "multiple_choice" and content.marking == "penalty",
                frozenset(
                    tag
                    for tag in LANGUAGES
                    if tag != behind and getattr(content.title, tag) and getattr(content.stem, tag)
                ),
                digest_of_wording(data),
                was_exposed,
            )
    return found


def list_worn(drawable: Collection[Drawable]) -> frozenset[str]:
    """Return the addresses of those questions whose wording was shown too often, in whatever version."""
    exposed = [each for each in drawable if each.was_exposed]
    if not exposed:
        return frozenset()
    rows = session.execute(
        select(QuestionBank.slug, Question.slug, QuestionFlag.wording)
        .join(Question, Question.bank_id == QuestionBank.id)
        .join(QuestionFlag, QuestionFlag.question_id == Question.id)
        .where(
            QuestionFlag.kind == FlagKind.OVEREXPOSED,
            QuestionBank.slug.in_({each.candidate.bank for each in exposed}),
        )
    )
    worn = {(f"{bank}/{slug}", wording) for bank, slug, wording in rows}
    return frozenset(each.candidate.address for each in exposed if (each.candidate.address, each.wording) in worn)


def get_versions(version_ids: Collection[int]) -> dict[int, QuestionVersion]:
    """Return row number → version of a question."""
    found = session.scalars(select(QuestionVersion).where(QuestionVersion.id.in_(version_ids)))
    return {version.id: version for version in found}


def count_pilots(language: str, banks: Collection[str] | None = None) -> dict[str, int]:
    """Return bank → number of its questions on trial that can be asked in a language, of some banks or of all."""
    statement = (
        select(QuestionBank.slug, func.count())
        .join(Question, Question.bank_id == QuestionBank.id)
        .join(
            QuestionVersion,
            (QuestionVersion.question_id == Question.id) & (QuestionVersion.number == Question.latest),
        )
        .where(
            Question.state == QuestionState.PILOT,
            Question.position.is_not(None),
            QuestionVersion.behind.is_distinct_from(language),
        )
        .group_by(QuestionBank.slug)
    )
    if banks is not None:
        statement = statement.where(QuestionBank.slug.in_(banks))
    return {row[0]: row[1] for row in session.execute(statement)}


@dataclass(frozen=True, slots=True)
class ClauseInForce:
    """A clause of the version of a document that is in force, with its heading in a language."""

    document: str
    version: str
    anchor: str
    heading: str

    @property
    def name(self) -> str:
        """Its address, as questions cite it."""
        return f"{self.document}#{self.anchor}"


def list_clauses_in_force(slugs: Collection[str], language: str) -> list[ClauseInForce]:
    """Return the clauses of what is in force of these documents for everybody, in their order."""
    documents = session.scalars(
        select(Document)
        .where(Document.slug.in_(slugs))
        .order_by(Document.slug)
        .options(selectinload(Document.versions))
    )
    found = {}
    for document in documents:
        version = library.version_in_force(document)
        if version is not None:
            found[version.id] = (document.slug, version.number)
    rows = session.execute(
        select(Clause.version_id, Clause.anchor, ClauseText.language, ClauseText.heading)
        .join(ClauseText, ClauseText.clause_id == Clause.id)
        .where(Clause.version_id.in_(found))
        .order_by(Clause.version_id, Clause.position)
    )
    headings: dict[tuple[int, str], str] = {}
    for version_id, anchor, tag, heading in rows:
        if tag == language or (version_id, anchor) not in headings:
            headings[version_id, anchor] = heading
    return sorted(
        (ClauseInForce(*found[version_id], anchor, heading) for (version_id, anchor), heading in headings.items()),
        key=lambda each: each.document,
    )


def list_bank_titles(banks: Collection[str]) -> dict[str, QuestionBank]:
    """Return slug → bank, of those that there are."""
    return {bank.slug: bank for bank in session.scalars(select(QuestionBank).where(QuestionBank.slug.in_(banks)))}

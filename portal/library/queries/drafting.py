"""Reading what authors work with: the list of drafts, where each clause stands, who else writes, what was put aside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, and_, exists, func, select
from sqlalchemy.orm import defer, joinedload

from portal.accounts.models import Person
from portal.core import clock
from portal.core.codes import is_well_formed, normalise
from portal.core.db import session
from portal.core.i18n import LANGUAGES, other
from portal.core.markdown import TextRefused, split_clauses, visible
from portal.library.models import (
    AudienceKind,
    Clause,
    ClauseText,
    Document,
    DocumentAudience,
    DocumentVersion,
    Draft,
    DraftAside,
    DraftAuthor,
    DraftKept,
    DraftText,
    KeptBecause,
    VersionText,
)
from portal.library.permissions import markets_written_for, sees_every_draft
from portal.library.queries.drafts import OPEN_STATES, name_in_market, silent_clauses
from portal.organisation import queries as organisation

# A page is heard of three times a minute; whoever has not been for this long is not at it any more.
PRESENT_WITHIN = timedelta(minutes=2)
# Of drafts that have ended the last ones are listed.
LISTED_ENDED = 100
# Of the texts that are kept with a draft as many are listed.
LISTED_KEPT = 100


@dataclass(frozen=True, slots=True)
class ListedDraft:
    """A draft in the list, with the title that it has in the reader's language or in the other one."""

    draft: Draft
    slug: str
    title: str
    title_language: str
    authors: tuple[str, ...]
    changed_at: datetime


def list_drafts(person: Person, language: str, *, ended: bool = False) -> list[ListedDraft]:
    """Return the drafts that the person may see, open ones or those that have ended, the last changed first."""
    newest = (
        select(DraftText.draft_id, func.max(DraftText.saved_at).label("saved_at"))
        .group_by(DraftText.draft_id)
        .subquery()
    )
    statement = (
        select(Draft, newest.c.saved_at)
        .join(newest, newest.c.draft_id == Draft.id, isouter=True)
        .join(Draft.document)
        .where(Draft.state.not_in(OPEN_STATES) if ended else Draft.state.in_(OPEN_STATES))
        .options(joinedload(Draft.document), joinedload(Draft.published_version))
        .order_by(func.coalesce(Draft.ended_at, newest.c.saved_at, Draft.begun_at).desc(), Draft.id.desc())
    )
    if not sees_every_draft(person):
        statement = statement.where(_within(markets_written_for(person)))
    if ended:
        statement = statement.limit(LISTED_ENDED)
    rows = session.execute(statement).all()
    ids = [draft.id for draft, _saved_at in rows]
    titles: dict[int, dict[str, str]] = {}
    for draft_id, text_language, title in session.execute(
        select(DraftText.draft_id, DraftText.language, DraftText.title).where(DraftText.draft_id.in_(ids))
    ):
        titles.setdefault(draft_id, {})[text_language] = title
    # A market's text without a title of its own is called as its base.
    bases: dict[int, dict[str, str]] = {}
    for version_id, text_language, title in session.execute(
        select(VersionText.version_id, VersionText.language, VersionText.title).where(
            VersionText.version_id.in_({draft.over_id for draft, _saved_at in rows if draft.over_id is not None})
        )
    ):
        bases.setdefault(version_id, {})[text_language] = title
    authors: dict[int, list[str]] = {}
    for author in session.scalars(
        select(DraftAuthor)
        .where(DraftAuthor.draft_id.in_(ids))
        .options(joinedload(DraftAuthor.person))
        .order_by(DraftAuthor.draft_id, DraftAuthor.since, DraftAuthor.person_id)
    ):
        authors.setdefault(author.draft_id, []).append(author.person.name_in(language))
    markets = {each.code: each for each in organisation.list_markets()} if bases else {}
    listed = []
    for draft, saved_at in rows:
        title, title_language = title_of(titles.get(draft.id, {}), language)
        if not title and draft.over_id is not None:
            title, title_language = title_of(bases[draft.over_id], language)
            title = name_in_market(title, draft.document, title_language, markets)
        listed.append(
            ListedDraft(
                draft=draft,
                slug=draft.document.slug,
                title=title or draft.document.slug,
                title_language=title_language,
                authors=tuple(authors.get(draft.id, ())),
                changed_at=draft.ended_at or saved_at or draft.begun_at,
            )
        )
    return listed


def title_of(titles: dict[str, str], language: str) -> tuple[str, str]:
    """Return the title in a language, or in the other one where it is empty, and which of the two it is."""
    for tag in (language, other(language)):
        if titles.get(tag, "").strip():
            return visible(titles[tag]), tag
    return "", language


def name_of(draft: Draft, language: str) -> tuple[str, str]:
    """Return what a draft is called and in which language: by its title, as its base, or by its address."""
    title, tag = title_of({text.language: text.title for text in draft.texts}, language)
    if not title and draft.over is not None:
        title, tag = title_of({text.language: text.title for text in draft.over.texts}, language)
        title = name_in_market(title, draft.document, tag)
    return title or draft.document.slug, tag


def _within(markets: set[str]) -> ColumnElement[bool]:
    """Build the condition that a document applies in these markets only."""
    row = and_(
        DocumentAudience.document_id == Document.id,
        DocumentAudience.kind == AudienceKind.MARKET,
        DocumentAudience.ended_at.is_(None),
    )
    return and_(exists().where(row), ~exists().where(row, DocumentAudience.code.not_in(markets)))


# --- where each clause stands -------------------------------------------------------------------


class ClauseState(StrEnum):
    """Where a clause of a translation stands against the deciding text."""

    IN_STEP = "in_step"
    BEHIND = "behind"
    # There, and nobody has said yet what it was made from.
    NEW = "new"
    MISSING = "missing"
    # Only the translation has it.
    EXTRA = "extra"


@dataclass(frozen=True, slots=True)
class OutlineRow:
    """A clause of a draft: its headings by language, its level and where the translation stands."""

    anchor: str
    level: int
    headings: dict[str, str]
    state: ClauseState


def outline_of(draft: Draft) -> list[OutlineRow]:
    """Return the clauses of a draft in the order of the deciding text; headings without an id are left out."""
    deciding = draft.document.authoritative
    second = other(deciding)
    found: dict[str, dict[str, tuple[str, int, str]]] = {}
    for text in draft.texts:
        try:
            clauses = split_clauses(text.source)
        except TextRefused:
            continue
        found[text.language] = {
            clause.anchor: (clause.heading, clause.level, clause.hash) for clause in clauses if clause.anchor
        }
    here, there = found.get(deciding, {}), found.get(second, {})
    translation = draft.text_in(second)
    made_from = translation.made_from if translation is not None else {}
    written = draft.text_in(deciding)
    silent = silent_clauses(written.source) if written is not None and draft.over_id is not None else set()
    rows = []
    for anchor in [*here, *(each for each in there if each not in here)]:
        _heading, level, hash_ = here.get(anchor) or there[anchor]
        if anchor not in here:
            state = ClauseState.EXTRA
        elif anchor not in there:
            state = ClauseState.IN_STEP if anchor in silent else ClauseState.MISSING
        elif anchor not in made_from:
            state = ClauseState.NEW
        else:
            state = ClauseState.IN_STEP if made_from[anchor] == hash_ else ClauseState.BEHIND
        headings = {tag: clauses[anchor][0] for tag, clauses in found.items() if anchor in clauses}
        rows.append(OutlineRow(anchor, level, headings, state))
    return rows


# --- who else is there, what was put aside -------------------------------------------------------


def list_others_present(draft: Draft, person: Person) -> list[DraftAuthor]:
    """Return who else writes in the draft and was heard of just now, the last one first."""
    return list(
        session.scalars(
            select(DraftAuthor)
            .where(
                DraftAuthor.draft_id == draft.id,
                DraftAuthor.person_id != person.id,
                DraftAuthor.seen_at > clock.now() - PRESENT_WITHIN,
            )
            .options(joinedload(DraftAuthor.person))
            .order_by(DraftAuthor.seen_at.desc(), DraftAuthor.person_id)
        )
    )


def find_author(draft: Draft, person: Person) -> DraftAuthor | None:
    """Return that the person has written in the draft, or None."""
    return session.get(DraftAuthor, (draft.id, person.id))


def list_open_asides(draft: Draft, person: Person) -> list[DraftAside]:
    """Return the person's own texts of the draft that wait to be settled, the first first."""
    return list(
        session.scalars(
            select(DraftAside)
            .where(DraftAside.draft_id == draft.id, DraftAside.person_id == person.id, DraftAside.settled_at.is_(None))
            .order_by(DraftAside.id)
        )
    )


def find_aside(draft: Draft, person: Person, code: str) -> DraftAside | None:
    """Return the person's text of the code that waits to be settled, or None."""
    if not is_well_formed(normalise(code), 12):
        return None
    return session.scalar(
        select(DraftAside).where(
            DraftAside.draft_id == draft.id,
            DraftAside.person_id == person.id,
            DraftAside.code == normalise(code),
            DraftAside.settled_at.is_(None),
        )
    )


def find_kept_just_now(draft: Draft, language: str, by: str, since: datetime) -> DraftKept | None:
    """Return the last text of a person that was kept because it was joined, unless that is longer ago."""
    return session.scalar(
        select(DraftKept)
        .where(
            DraftKept.draft_id == draft.id,
            DraftKept.language == language,
            DraftKept.written_by == by,
            DraftKept.because == KeptBecause.JOINED,
            DraftKept.at > since,
        )
        .order_by(DraftKept.id.desc())
        .limit(1)
    )


def list_kept(draft: Draft) -> list[DraftKept]:
    """Return the texts of a draft that are kept besides those that are saved, the last first."""
    return list(
        session.scalars(
            select(DraftKept)
            .where(DraftKept.draft_id == draft.id)
            .order_by(DraftKept.at.desc(), DraftKept.id.desc())
            .options(defer(DraftKept.values))
            .limit(LISTED_KEPT)
        )
    )


def find_kept(draft: Draft, code: str) -> DraftKept | None:
    """Return the text of the code that is kept with the draft, or None."""
    if not is_well_formed(normalise(code), 12):
        return None
    return session.scalar(select(DraftKept).where(DraftKept.draft_id == draft.id, DraftKept.code == normalise(code)))


# --- the versions that a draft rests on ----------------------------------------------------------


def latest_of(document: Document) -> DocumentVersion | None:
    """Return the version of a document that was published last, with one statement."""
    return session.scalar(
        select(DocumentVersion)
        .where(DocumentVersion.document_id == document.id)
        .order_by(DocumentVersion.sequence.desc())
        .limit(1)
    )


def texts_of_version(version: DocumentVersion) -> dict[str, VersionText]:
    """Return the texts of a version by language."""
    return {
        text.language: text for text in session.scalars(select(VersionText).where(VersionText.version_id == version.id))
    }


def origins_of_version(version: DocumentVersion) -> dict[str, dict[str, str]]:
    """Return language → clause id → hash of the deciding clause that it says, as far as that is known."""
    rows = session.execute(
        select(ClauseText.language, Clause.anchor, ClauseText.source_hash)
        .join(Clause, Clause.id == ClauseText.clause_id)
        .where(Clause.version_id == version.id, ClauseText.source_hash.is_not(None))
        .order_by(Clause.position)
    )
    found: dict[str, dict[str, str]] = {tag: {} for tag in LANGUAGES}
    for language, anchor, hash_ in rows:
        if hash_ is not None:
            found[language][anchor] = hash_
    return found

"""A version as it was read at an instant: the same source, the same hashes, and links in the words of that time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from portal.core.markdown import RenderedClause, RenderedText, TrustedHtml, render_clauses
from portal.library import queries
from portal.library.models import DocumentVersion, VersionText
from portal.library.queries import ShownClause
from portal.library.rules.overlays import base_slug
from portal.library.service.texts import resolver

# (document slug, clause id) → where a link to it leads.
Address = Callable[[str, str], str]


@dataclass(frozen=True, slots=True)
class ShownText:
    """The clauses of a version in their order, and its footnotes."""

    clauses: list[ShownClause]
    footnotes: TrustedHtml


def shown_at(*, version: DocumentVersion, text: VersionText, at: datetime, market: str, address: Address) -> ShownText:
    """Return a version's text as it was read at an instant in a market.

    What is stored follows the newest headings of the documents that it links to, as long as no newer version takes its
    place. Here a link says what the clause was called then, and leads to it as it was; so the same instant gives the
    same bytes, whatever is published later.
    """
    clauses = queries.list_shown_clauses(version, text.language)
    footnotes = queries.footnotes_of(text)
    linking = queries.list_linking_texts(version)
    rendered = {
        each.language: _rendered(each, version, at, market, address)
        for each in linking
        if each.language == text.language or any(clause.language == each.language for clause in clauses)
    }
    if text.language in rendered:
        footnotes = rendered[text.language].footnotes
    of_language = {tag: {part.anchor: part for part in whole.clauses} for tag, whole in rendered.items()}
    return ShownText([_replaced(clause, of_language.get(clause.language, {})) for clause in clauses], footnotes)


def _replaced(clause: ShownClause, rendered: dict[str, RenderedClause]) -> ShownClause:
    part = rendered.get(clause.anchor)
    return clause if part is None else replace(clause, heading_html=part.heading, html=part.body)


def _rendered(text: VersionText, version: DocumentVersion, at: datetime, market: str, address: Address) -> RenderedText:
    own_slug = version.document.slug

    def heading(slug: str, anchor: str, language: str) -> str | None:
        document = queries.find_document(slug)
        if document is None:
            return None
        then = queries.version_in_force(document, market, at) or queries.version_to_read(document, at)
        return None if then is None else queries.clause_headings(then, language).get(anchor)

    own = {
        clause.anchor: clause.heading
        for clause in queries.list_shown_clauses(version, text.language)
        if clause.language == text.language
    }
    as_published = resolver(own_slug, own, heading, text.language)

    def resolve(slug: str, anchor: str) -> tuple[str, str] | None:
        found = as_published(slug, anchor)
        is_own = slug in ("", own_slug, base_slug(own_slug))
        return found if found is None or is_own else (address(slug, anchor), found[1])

    return render_clauses(text.source, resolve=resolve, language=text.language)

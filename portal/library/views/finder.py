"""Finding: the search over all that can be read, and the completion of clauses for authors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import jsonify, render_template, request, url_for
from werkzeug.wrappers import Response

from portal.core import clock, folding, search
from portal.core.access import actor, signed_in
from portal.core.folding import Piece, Query
from portal.core.i18n import LANGUAGE_NAMES, LANGUAGES, format_date, language
from portal.core.i18n import gettext as _
from portal.core.paging import page_number, paging
from portal.core.search import Found, Hit
from portal.library.queries.search import CLAUSE, DOCUMENT
from portal.library.views import WARNINGS, blueprint
from portal.library.views.market_facts import market_names

PAGE_SIZE = 20
COMPLETIONS = 10
# From this label on a text is shown when the reader opens it.
_SHOWN_AT_ONCE = "S0"


@dataclass(frozen=True, slots=True)
class _Result:
    """A hit as the page shows it, in one of its languages."""

    kind: object
    href: str
    language: str
    head: Sequence[Piece]
    # The title of its document, where that is not the heading already.
    context: Sequence[Piece]
    address: str
    # The market whose text it is, where it is not for all.
    market: str
    state: str
    coming: str
    sensitivity: str
    snippet: Sequence[Piece]


@blueprint.get("/search", endpoint="search")
@signed_in
def find() -> str:
    """Find clauses, documents, terms and, for authors, questions."""
    asked = request.args.get("q", "")
    query = folding.parse(asked)
    kinds = {kind: name for each in search.searchables() for kind, name in each.kinds.items()}
    kind = request.args.get("kind", "") if request.args.get("kind", "") in kinds else ""
    text = request.args.get("text", "") if request.args.get("text", "") in LANGUAGES else ""
    only = [kind] if kind else None

    def hits_from(offset: int) -> Found:
        return search.search(query, actor(), kinds=only, language=text or None, offset=offset, limit=PAGE_SIZE)

    wanted = (page_number() - 1) * PAGE_SIZE
    found = hits_from(max(0, wanted))
    page = paging(found.total, PAGE_SIZE)
    if found.total and page.offset != wanted:
        # There is no such page any more; the last one is shown.
        found = hits_from(page.offset)
    kept: dict[str, Any] = {"q": query.text, "text": text or None}
    return render_template(
        "library/search.html",
        query=query,
        is_asked=bool(asked.strip()),
        kind=kind,
        text=text,
        texts=LANGUAGE_NAMES,
        results=_results(found.hits, query, text),
        total=found.total,
        has_more=found.has_more,
        tabs=_tabs(found, kinds, kind, kept),
        pager=page.links(lambda number: url_for("library.search", **kept, kind=kind or None, page=number)),
        is_paged=page.last > 1,
        warnings=WARNINGS,
        elsewhere=url_for("library.search", q=query.text) if (kind or text) else None,
    )


def _tabs(found: Found, kinds: dict[str, Any], chosen: str, kept: dict[str, Any]) -> list[dict[str, Any]]:
    tabs: list[tuple[str, Any, int]] = [("", _("All"), sum(found.counts.values()))]
    tabs += [(kind, name, found.counts.get(kind, 0)) for kind, name in kinds.items()]
    return [
        {
            "label": name,
            "count": _count(count),
            "href": url_for("library.search", **kept, kind=kind or None),
            "current": kind == chosen,
        }
        for kind, name, count in tabs
        if count or kind in ("", chosen)
    ]


def _count(number: int) -> str:
    """Return a number of hits in words: of what is found more often than is listed nobody counts all."""
    if number <= search.MOST_LISTED:
        return f"{number:,}"
    return _("over %(number)s", number=f"{search.MOST_LISTED:,}")


def _results(hits: Sequence[Hit], query: Query, text: str) -> list[_Result]:
    markets = market_names() if any(map(_market_of, hits)) else {}
    return [_result(hit, query, text, markets.get(_market_of(hit), _market_of(hit))) for hit in hits]


def _market_of(hit: Hit) -> str:
    """Return the code of the market that the document's address names."""
    return hit.address.partition("#")[0].partition("@")[2] if hit.kind in (CLAUSE, DOCUMENT) else ""


def _result(hit: Hit, query: Query, text: str, market: str) -> _Result:
    tag = _language_of(hit, query, text)
    searchable, said = search.searchable_of(hit.kind), hit.texts[tag]
    head = said.head or said.context
    return _Result(
        kind=searchable.names[hit.kind],
        href=searchable.href(hit),
        language=tag,
        head=folding.highlight(head, query),
        context=folding.highlight(said.context, query) if said.context and said.context != head else [],
        address=hit.address if hit.kind in (CLAUSE, DOCUMENT) else "",
        market=market,
        state="" if hit.state == "in_force" else hit.state,
        coming=_coming(hit),
        sensitivity="" if hit.sensitivity == _SHOWN_AT_ONCE else hit.sensitivity,
        snippet=folding.snippet(said.body, query),
    )


def _language_of(hit: Hit, query: Query, text: str) -> str:
    """Return the language in which most of the terms are found, the reader's own where that does not decide."""
    if text in hit.texts:
        return text
    many = {tag: folding.how_many_found(query, said.head, said.body) for tag, said in hit.texts.items()}
    own = language()
    return max(many, key=lambda tag: (many[tag], tag == own))


def _coming(hit: Hit) -> str:
    if not hit.version or hit.until is None:
        return ""
    day = format_date(clock.local_date(hit.until, actor().time_zone), "short")
    return _("Version %(number)s, from %(date)s", number=hit.version, date=day)


@blueprint.get("/search/clauses.json")
@signed_in
def complete_clause() -> Response:
    """Return the clauses that an author may mean who begins to write their address, heading or document."""
    asked = request.args.get("q", "")[:200]
    document, _sign, clause = asked.partition("#")
    found = search.search(folding.parse(asked, with_addresses=True), actor(), kinds=[CLAUSE], limit=COMPLETIONS).hits
    if len(found) < COMPLETIONS and (titled := folding.parse(document)):
        things = search.select_things(titled, actor(), [DOCUMENT])
        if clause.strip():
            wanted = folding.parse(clause)
            found += search.search(wanted, actor(), kinds=[CLAUSE], things=things, limit=COMPLETIONS).hits
        else:
            found += search.list_first_of(things, actor(), CLAUSE, COMPLETIONS)
    hits: dict[str, Hit] = {}
    for hit in found:
        hits.setdefault(hit.address, hit)
    own = request.args.get("text", "") if request.args.get("text", "") in LANGUAGES else language()
    rows = []
    for hit in list(hits.values())[:COMPLETIONS]:
        said = hit.texts.get(own) or next(iter(hit.texts.values()))
        rows.append({"address": hit.address, "heading": said.head or said.context, "title": said.context})
    return jsonify(rows)

"""What was in force when: a document as it applied at an instant, and the list of all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import current_app, render_template, request, url_for
from werkzeug.wrappers import Response

from portal.core import clock, folding, tables
from portal.core.access import actor, signed_in
from portal.core.i18n import LANGUAGE_NAMES, LANGUAGES, format_instant, language, other
from portal.core.i18n import gettext as _
from portal.core.paging import paging
from portal.library import queries, rules
from portal.library.errors import DocumentNotFound, InstantUnreadable, MarketUnknown
from portal.library.models import Document, DocumentVersion
from portal.library.queries.audience import markets_then
from portal.library.queries.search import InForce, find_in_force, list_in_force
from portal.library.rules.instants import MeantInstant, read_instant
from portal.library.service.moments import shown_at
from portal.library.views import CHANGE_CLASSES, LANGUAGE_WORDS, WARNINGS, blueprint
from portal.library.views.market_facts import marks_of, overlay_facts
from portal.organisation import queries as organisation
from portal.organisation.models import Market

DOCUMENTS_ON_A_PAGE = 50


def instant_of(given: str) -> MeantInstant:
    """Read an instant of an address in the reader's zone. Raises `InstantUnreadable`."""
    try:
        return read_instant(given, clock.zone_info(actor().time_zone))
    except ValueError as unreadable:
        raise InstantUnreadable(given="".join(each for each in given[:60] if each.isprintable())) from unreadable


def market_of(given: str) -> Market:
    """Return the market of an address; the reader's own where none is named. Raises `MarketUnknown`."""
    if not given.strip():
        found: Market = actor().home_market
        return found
    markets = organisation.list_markets()
    known = next((market for market in markets if market.code == given.strip().upper()), None)
    if known is None:
        raise MarketUnknown(
            given="".join(each for each in given[:60] if each.isprintable()),
            known=_(", ").join(market.code for market in markets),
        )
    return known


@blueprint.get("/in-force")
@signed_in
def in_force() -> Any:
    """List what was in force at an instant of all that the person may read."""
    given = {name: request.args.get(name, "").strip() for name in ("at", "market", "q")}
    problems: dict[str, str] = {}
    meant = MeantInstant(clock.now(), is_zone_assumed=False)
    market = actor().home_market
    try:
        meant = instant_of(given["at"]) if given["at"] else meant
    except InstantUnreadable as refused:
        problems["at"] = str(refused)
    try:
        market = market_of(given["market"])
    except MarketUnknown as refused:
        problems["market"] = str(refused)
    words = folding.parse(given["q"])
    found = [] if problems else find_in_force(actor(), market.code, meant.at, words)
    if request.args.get("format") == "csv" and not problems:
        return _in_force_as_csv(list_in_force(found, market.code, meant.at, language()), market)
    page = paging(len(found), DOCUMENTS_ON_A_PAGE)
    shown = found[page.offset : page.offset + DOCUMENTS_ON_A_PAGE]
    rows = list_in_force(shown, market.code, meant.at, language()) if shown else []
    # The instant in full, so that the address means the same for everybody and for ever.
    asked = {"at": exact(meant), "market": market.code}
    kept = {**asked, "q": words.text or None}
    return render_template(
        "library/in_force.html",
        given={**given, "at": given["at"] if problems.get("at") else local(meant)},
        problems=problems,
        meant=meant,
        zone=actor().time_zone,
        market=market,
        markets=organisation.list_markets(),
        words=words,
        rows=rows,
        asked=asked,
        total=len(found),
        is_now=not given["at"],
        is_future=meant.at > clock.now(),
        pager=page.links(lambda number: url_for("library.in_force", **kept, page=number)),
        is_paged=page.last > 1,
        csv_href=url_for("library.in_force", **kept, format="csv"),
    )


def exact(meant: MeantInstant) -> str:
    """Return an instant as an address names it: with its distance from UTC in the reader's zone."""
    return meant.at.astimezone(clock.zone_info(actor().time_zone)).isoformat(
        timespec="minutes" if not (meant.at.second or meant.at.microsecond) else "seconds"
    )


def local(meant: MeantInstant) -> str:
    """Return an instant as the field for it shows it: date and time in the reader's zone."""
    return f"{meant.at.astimezone(clock.zone_info(actor().time_zone)):%Y-%m-%dT%H:%M}"


def _in_force_as_csv(rows: Sequence[InForce], market: Market) -> Response:
    zone = actor().time_zone
    header = [
        _("Address"),
        _("Title"),
        _("Market"),
        _("Version"),
        _("In force since"),
        _("In force until"),
        _("Hash of the version"),
    ]
    return tables.download_csv(
        _("in force"),
        header,
        [
            [
                row.document.slug,
                row.title,
                market.code,
                row.version.number if row.version else _("Nothing was in force"),
                format_instant(row.since, zone) if row.since else "",
                format_instant(row.until, zone) if row.until else "",
                row.version.hash if row.version else "",
            ]
            for row in rows
        ],
    )


@dataclass(frozen=True, slots=True)
class _Nearest:
    """A version near an instant at which none was in force, and when it was."""

    version: DocumentVersion
    since: Any
    until: Any


def page_at(document: Document) -> str:
    """Show what of a document was to be followed at the instant of the address, in a market: now by default."""
    if not document.versions:
        raise DocumentNotFound()
    at = request.args.get("at", "").strip()
    meant = instant_of(at) if at else MeantInstant(clock.now(), is_zone_assumed=False)
    market = market_of(request.args.get("market", ""))
    version = queries.version_in_force(document, market.code, meant.at)
    chosen = version or queries.version_to_read(document, meant.at) or document.versions[-1]
    texts = queries.list_text_heads(chosen)
    wanted = request.args.get("text", "")
    wanted = wanted if wanted in LANGUAGES else language()
    text = texts.get(wanted) or texts[document.authoritative]
    here = language()
    address: dict[str, Any] = {"slug": document.slug, "at": exact(meant), "market": market.code}
    values = {
        "document": document,
        "text": text,
        "meant": meant,
        "zone": actor().time_zone,
        "market": market,
        "is_future": meant.at > clock.now(),
        "list_href": url_for("library.in_force", at=address["at"], market=market.code),
    }
    addressed = markets_then(document, meant.at)
    is_elsewhere = bool(addressed) and market.code not in addressed
    if version is None or is_elsewhere:
        names = {each.code: each.name for each in organisation.list_markets()}
        return render_template(
            "library/not_in_force.html",
            **values,
            nearest=_nearest(document, meant),
            now=clock.now(),
            addressed=[names.get(code, code) for code in addressed] if is_elsewhere else [],
            base_href=_base_href(document, meant, market),
        )
    shown = shown_at(
        version=version,
        text=text,
        at=meant.at,
        market=market.code,
        address=lambda slug, anchor: url_for("library.read", **(address | {"slug": slug}), _anchor=anchor),
    )
    since, until = rules.begins(version), rules.ends(version, version.document.versions)
    part: Any = current_app.jinja_env.get_template("library/clauses.html").module
    second = texts.get(other(document.authoritative))
    return render_template(
        "library/at.html",
        **values,
        version=version,
        since=since,
        until=until,
        overlay=overlay_facts(version),
        is_past=until is not None and until <= clock.now(),
        is_yet_to_come=since > clock.now(),
        change_class=CHANGE_CLASSES[version.change_class],
        main=part.shown(
            shown.clauses,
            shown.footnotes,
            text.language,
            url_for("library.read", **address),
            here,
            WARNINGS,
            text.behind,
            marks_of(version),
        ),
        contents=part.contents(shown.clauses, here),
        missing=LANGUAGE_WORDS[wanted].in_(here) if text.language != wanted else None,
        behind=second.behind if second else [],
        text_language=LANGUAGE_WORDS[text.language].in_(here),
        deciding_language=LANGUAGE_WORDS[document.authoritative].in_(here),
        tabs=[
            {
                "label": LANGUAGE_NAMES[tag],
                "lang": tag,
                "href": url_for("library.read", **(address if tag == here else {**address, "text": tag})),
                "current": tag == text.language,
            }
            for tag in texts
        ],
        current=queries.version_in_force(document, market.code),
    )


def _base_href(document: Document, meant: MeantInstant, market: Market) -> str | None:
    """Return where what a market followed instead of a text of its own can be read, if there was something."""
    if document.base is None or queries.version_in_force(document.base, market.code, meant.at) is None:
        return None
    return url_for("library.read", slug=document.base.slug, at=exact(meant), market=market.code)


def _nearest(document: Document, meant: MeantInstant) -> list[_Nearest]:
    """Return the version that was in force last before an instant, and the first one after it."""
    spans = [
        _Nearest(version, rules.begins(version), rules.ends(version, document.versions))
        for version in document.versions
        if version.withdrawn_at is None or version.withdrawn_at > version.effective_at
    ]
    before = [each for each in spans if each.since <= meant.at]
    after = [each for each in spans if each.since > meant.at]
    return [
        *([max(before, key=lambda each: each.since)] if before else []),
        *([min(after, key=lambda each: each.since)] if after else []),
    ]

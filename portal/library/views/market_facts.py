"""What pages say of the text of a market: what it is laid over, and which clauses are the market's own."""

from __future__ import annotations

from dataclasses import dataclass

from flask import url_for

from portal.core import clock
from portal.core.i18n import gettext as _
from portal.core.i18n import language
from portal.library import queries
from portal.library.models import Document, DocumentVersion
from portal.library.rules.overlays import Mode
from portal.library.service import overlays
from portal.library.views import market_name
from portal.organisation import queries as organisation


@dataclass(frozen=True, slots=True)
class OverlayFacts:
    """What a reader is told of the text of a market; `waits_for` is a version of its base that it does not follow.

    `is_ahead`: that one is issued and not in force yet.
    """

    market: str
    title: str
    base_slug: str
    number: str
    href: str
    clauses: tuple[str, ...]
    waits_for: DocumentVersion | None
    is_ahead: bool


def market_names() -> dict[str, str]:
    """Return code → name of the markets, in the reader's language."""
    return {market.code: market.name.in_(language()) for market in organisation.list_markets()}


def overlay_facts(version: DocumentVersion) -> OverlayFacts | None:
    """Return what is told of a version of a market's text; None for any other version."""
    over = version.over
    if over is None:
        return None
    base = over.document
    followed = overlays.followed_version(base)
    modes = overlays.modes_of(version)
    is_latest = version.document.versions[-1].id == version.id and version.withdrawn_at is None
    waits_for = followed if is_latest and followed is not None and followed.id != over.id else None
    return OverlayFacts(
        market=market_name(version.document.market),
        title=queries.list_titles([over.id], language())[over.id],
        base_slug=base.slug,
        number=over.number,
        href=url_for("library.read_version", slug=base.slug, number=over.number),
        clauses=tuple(anchor for anchor in queries.clause_anchors(version) if anchor in modes),
        waits_for=waits_for,
        is_ahead=waits_for is not None and waits_for.effective_at > clock.now(),
    )


def applies_in_its_place(document: Document) -> DocumentVersion | None:
    """Return the version of the base that applies in the market of a text of which nothing is in force, or None."""
    base = document.base
    return None if base is None or queries.version_in_force(document) else queries.version_in_force(base)


def marks_of(version: DocumentVersion) -> dict[str, str]:
    """Return clause id → what is said beside a clause that is the market's own."""
    modes = overlays.modes_of(version)
    if not modes:
        return {}
    name = market_name(version.document.market)
    return {
        anchor: _("Not applicable in %(market)s", market=name)
        if mode is Mode.NOT_APPLICABLE
        else _("Only for %(market)s", market=name)
        if mode is Mode.ADDED
        else _("Differs in %(market)s", market=name)
        for anchor, mode in modes.items()
    }

"""Other documents as what rests on the clauses that a version changes: they link to them."""

from __future__ import annotations

from flask import url_for

from portal.accounts.models import Person
from portal.core.i18n import gettext as _
from portal.core.i18n import language, ngettext
from portal.core.i18n import lazy_gettext as _l
from portal.core.markdown import clause_links, split_clauses
from portal.library import queries
from portal.library.queries.clauses import list_links_to
from portal.library.rules.overlays import Mode
from portal.library.service.dependants import Affected, AffectedItem, Change
from portal.library.service.texts import can_be_split


class LinkingDocuments:
    """Documents that link to a clause which is changed, gone, or known by another id afterwards."""

    kind = "documents"
    name = _l("Documents that link to these clauses")
    flips = False

    def said(self, total: int, change: Change) -> str:
        """Say what the documents do."""
        return ngettext("%(num)d document links to these clauses", "%(num)d documents link to these clauses", total)

    def affected_by(self, change: Change, *, reader: Person, offset: int = 0, limit: int | None = None) -> Affected:
        """Return the documents by address, with the links that will lead nowhere named."""
        gone = {*change.clauses.removed, *(origin for origin, _anchor in change.clauses.moved)}
        found = list_links_to(change.document_slug, {*change.clauses.changed, *gone})
        shown = found[offset:] if limit is None else found[offset : offset + limit]
        titles = queries.list_document_titles([slug for slug, _number, _anchors in shown], language())
        items = []
        for slug, number, anchors in shown:
            broken = [anchor for anchor in anchors if anchor in gone]
            note = _("version %(number)s", number=number)
            if broken:
                note = _("%(version)s; links that will lead nowhere: %(ids)s", version=note, ids=_(", ").join(broken))
            items.append(
                AffectedItem(
                    titles.get(slug, slug),
                    url_for("library.read_version", slug=slug, number=number),
                    note,
                    tuple(anchors),
                )
            )
        return Affected(len(found), items)


class LinkingInMarket:
    """Clauses that link to one that does not apply in a market: of its own text, and of other documents."""

    kind = "market-links"
    name = _l("Links to clauses that do not apply")
    flips = False

    def said(self, total: int, change: Change) -> str:
        """Say where the links are."""
        return ngettext(
            "%(num)d place links to clauses that do not apply in this market",
            "%(num)d places link to clauses that do not apply in this market",
            total,
        )

    def affected_by(self, change: Change, *, reader: Person, offset: int = 0, limit: int | None = None) -> Affected:
        """Return the clauses of the text that results, in its order, then the other documents by address."""
        silent = {anchor for anchor, mode in change.overlaid.items() if mode is Mode.NOT_APPLICABLE}
        if not silent:
            return Affected(0)
        own = _linking_clauses(change, silent)
        others = [each for each in list_links_to(change.base_slug, silent) if each[0] != change.document_slug]
        titles = queries.list_document_titles([slug for slug, _number, _anchors in others], language())
        items = [
            AffectedItem(_("The clause “%(id)s” of this text", id=anchor), None, "", tuple(links))
            for anchor, links in own.items()
        ] + [
            AffectedItem(
                titles.get(slug, slug),
                url_for("library.read_version", slug=slug, number=number),
                _("version %(number)s", number=number),
                tuple(anchors),
            )
            for slug, number, anchors in others
        ]
        return Affected(len(items), items[offset:] if limit is None else items[offset : offset + limit])


def _linking_clauses(change: Change, silent: set[str]) -> dict[str, list[str]]:
    """Return clause of the text that results → the clauses that do not apply to which it links."""
    if not can_be_split(change.source):
        return {}
    clauses = split_clauses(change.source)
    found: dict[str, list[str]] = {}
    for slug, anchor, line in clause_links(change.source):
        if slug in ("", change.base_slug, change.document_slug) and anchor in silent:
            holding = next((each.anchor for each in reversed(clauses) if each.line <= line), "")
            if holding not in silent and anchor not in found.setdefault(holding, []):
                found[holding].append(anchor)
    return found

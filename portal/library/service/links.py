"""Other documents as what rests on the clauses that a version changes: they link to them."""

from __future__ import annotations

from flask import url_for

from portal.accounts.models import Person
from portal.core.i18n import gettext as _
from portal.core.i18n import language, ngettext
from portal.core.i18n import lazy_gettext as _l
from portal.library import queries
from portal.library.queries.clauses import list_links_to
from portal.library.service.dependants import Affected, AffectedItem, Change


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

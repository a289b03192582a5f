"""What people find of the library: documents with their clauses, and terms of the glossary."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from flask import url_for
from sqlalchemy import ColumnElement, and_, true

from portal.accounts.models import Person
from portal.core import clock, search
from portal.core.access import allows
from portal.core.i18n import LazyText
from portal.core.i18n import lazy_gettext as _l
from portal.core.search import Entry, Hit, SearchEntry
from portal.library.events import VersionPublished, VersionWithdrawn
from portal.library.permissions import READ_EVERYTHING
from portal.library.queries import search as queries
from portal.library.queries.search import CLAUSE, DOCUMENT, TERM
from portal.library.rules import Standing

DOCUMENTS, TERMS = "library.documents", "library.terms"


class FindableDocuments:
    """Documents by title, and their clauses; seen by those who may read the document."""

    name = DOCUMENTS
    kinds: Mapping[str, LazyText] = {CLAUSE: _l("Clauses"), DOCUMENT: _l("Documents")}
    names: Mapping[str, LazyText] = {CLAUSE: _l("Clause"), DOCUMENT: _l("Document")}
    ranks: Mapping[str, int] = {DOCUMENT: 1, CLAUSE: 2}

    def list_things(self) -> list[int]:
        """Return the row numbers of all documents that have a version."""
        return queries.list_document_ids()

    def entries_of(self, things: Collection[int], at: datetime) -> Iterable[Entry]:
        """Return what is found of documents from an instant on."""
        return queries.entries_of_documents(things, at)

    def reach(self, person: Person) -> ColumnElement[bool]:
        """Say which the person may read; what is withdrawn is shown to those who read everything."""
        if allows(person, READ_EVERYTHING):
            return queries.is_readable(person, SearchEntry.thing_id)
        market = person.home_market.code
        return and_(
            SearchEntry.state != Standing.WITHDRAWN.value,
            queries.is_readable(person, SearchEntry.thing_id),
            # Where her market follows a text of its own, that one is found.
            *([] if person.further_markets else [~queries.is_replaced(market, SearchEntry.thing_id, clock.now())]),
        )

    def href(self, hit: Hit) -> str:
        """Return the address of the clause or document, in the version that is meant."""
        slug, _sign, anchor = hit.address.partition("#")
        if hit.version:
            return url_for("library.read_version", slug=slug, number=hit.version, _anchor=anchor or None)
        return url_for("library.read", slug=slug, _anchor=anchor or None)


class FindableTerms:
    """Terms of the glossary; everybody's."""

    name = TERMS
    kinds: Mapping[str, LazyText] = {TERM: _l("Glossary")}
    names = kinds
    ranks: Mapping[str, int] = {TERM: 0}

    def list_things(self) -> list[int]:
        """Return the row numbers of all terms."""
        return queries.list_term_ids()

    def entries_of(self, things: Collection[int], at: datetime) -> Iterable[Entry]:
        """Return what is found of terms."""
        return queries.entries_of_terms(things)

    def reach(self, person: Person) -> ColumnElement[bool]:
        """Say that everybody reads the glossary."""
        return true()

    def href(self, hit: Hit) -> str:
        """Return the place of the term in the glossary."""
        return url_for("library.glossary", _anchor=f"term-{hit.address}")


def find_anew(event: VersionPublished | VersionWithdrawn) -> None:
    """Let a document be found as it is now."""
    search.changed(DOCUMENTS, [event.document_id])

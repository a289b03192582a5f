"""The glossary: replaced as a whole by its file, with a trace of what changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from portal.accounts.models import Person
from portal.core import clock, search
from portal.core.db import session
from portal.core.i18n import Words
from portal.journal.service import record
from portal.library import queries
from portal.library.models import GlossaryTerm
from portal.library.service.findable import TERMS


@dataclass(frozen=True, slots=True)
class TermDraft:
    """A term as its file states it."""

    slug: str
    term: Words
    definition: Words
    forbidden_en: tuple[str, ...] = ()
    forbidden_ja: tuple[str, ...] = ()


def set_glossary(*, terms: Sequence[TermDraft], by: Person) -> list[str]:
    """Make the glossary these terms in this order; return the ids of those that are new, changed or gone."""
    known = {row.slug: row for row in queries.list_terms()}
    changed = []
    for position, draft in enumerate(terms, start=1):
        row = known.pop(draft.slug, None)
        if row is not None and draft_of(row) == draft and row.position == position:
            continue
        if row is None:
            row = GlossaryTerm(slug=draft.slug)
            session.add(row)
        row.position, row.term, row.definition = position, draft.term, draft.definition
        row.forbidden_en, row.forbidden_ja = list(draft.forbidden_en), list(draft.forbidden_ja)
        row.changed_at = clock.now()
        changed.append(draft.slug)
    for slug, row in known.items():
        session.delete(row)
        changed.append(slug)
    if changed:
        session.flush()
        search.changed(TERMS, [*(row.id for row in queries.list_terms()), *(row.id for row in known.values())])
        record("library.glossary_changed", by=by, subject=("glossary", ""), after={"terms": changed[:200]})
    return changed


def draft_of(row: GlossaryTerm) -> TermDraft:
    """Return a term as its file would state it."""
    return TermDraft(row.slug, row.term, row.definition, tuple(row.forbidden_en), tuple(row.forbidden_ja))

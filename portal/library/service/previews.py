"""A text as its readers will meet it, while it is being written, with the terms of the glossary marked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from portal.core.i18n import gettext as _
from portal.core.markdown import (
    NOTHING,
    Mark,
    Marks,
    Problem,
    TextRefused,
    TrustedHtml,
    render_clauses,
    split_clauses,
)
from portal.library import queries
from portal.library.models import Document, Draft, GlossaryTerm
from portal.library.rules.overlays import Mode
from portal.library.service import overlays
from portal.library.service.texts import can_be_split, problems_of, resolver
from portal.library.service.versions import heading_elsewhere


@dataclass(frozen=True, slots=True)
class PreviewClause:
    """A clause as it will be shown; the anchor is empty where the heading has no id yet."""

    anchor: str
    level: int
    sensitivity: str
    heading_html: TrustedHtml
    html: TrustedHtml
    # What the text of a market does to it; None where the base says it, and in every other text.
    mode: Mode | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """A text as it will be shown, what keeps it from being published, and which terms of the glossary it uses."""

    language: str
    clauses: list[PreviewClause] = field(default_factory=list)
    footnotes: TrustedHtml = NOTHING
    problems: list[Problem] = field(default_factory=list)
    terms: list[GlossaryTerm] = field(default_factory=list)
    # The word that was written → the term that is to stand there.
    wrong: dict[str, GlossaryTerm] = field(default_factory=dict)

    @property
    def prefix(self) -> str:
        """What stands before the ids of its clauses, so that two previews can stand on one page."""
        return f"{self.language}-"


def preview_of(*, draft: Draft, language: str, source: str) -> Preview:
    """Show a text of a draft, saved or not; of a market's text the whole that results over its base.

    One beyond the limits shows its problems only.
    """
    document = draft.document
    problems = problems_over(draft, language, source)
    if draft.over is None:
        return _shown(document, language, source, problems=problems, modes={})
    texts = overlays.written_texts_of_draft(draft, {language: source})
    if not can_be_split(source):
        return Preview(language, problems=problems)
    whole = next((text for text in overlays.resolved(document, draft.over, texts) if text.language == language), None)
    deciding = next((text for text in texts if text.language == document.authoritative), None)
    overlaid = overlays.overlaid_in(deciding.source, queries.clause_anchors(draft.over)) if deciding else []
    modes = {each.anchor: each.mode for each in overlaid}
    return _shown(document, language, whole.source if whole else source, problems=problems, modes=modes)


def problems_over(draft: Draft, language: str, source: str) -> list[Problem]:
    """Return what keeps a text of a draft, saved or not, from being published; empty where nothing is written yet."""
    if not source.strip():
        return []
    pictures = frozenset(queries.pictures_of(draft.document.slug))
    if draft.over is None:
        return problems_of(source, pictures=pictures)
    texts = overlays.written_texts_of_draft(draft, {language: source})
    found = overlays.problems_of_overlay(draft.document, draft.over, texts, pictures=pictures)
    return [problem for tag, problem in found if tag == language]


def _shown(
    document: Document, language: str, source: str, *, problems: list[Problem], modes: Mapping[str, Mode]
) -> Preview:
    pictures = queries.pictures_of(document.slug)
    try:
        sources = split_clauses(source)
    except TextRefused as refused:
        return Preview(language, problems=problems or list(refused.problems))
    own = {clause.anchor: clause.heading for clause in sources if clause.anchor}
    glossary = _Glossary(language, f"{language}-term-")
    links = resolver(document.slug, own, heading_elsewhere, language)

    def resolve(slug: str, anchor: str) -> tuple[str, str] | None:
        found = links(slug, anchor)
        # Links within the text lead to this preview, not to the other one beside it.
        return (f"#{language}-{anchor}", found[1]) if found and found[0].startswith("#") else found

    shown = render_clauses(
        source, resolve=resolve, id_prefix=f"{language}-", language=language, marks=glossary.marks(), pictures=pictures
    )
    clauses = [
        PreviewClause(
            part.anchor, part.level, clause.sensitivity or "S0", part.heading, part.body, modes.get(part.anchor)
        )
        for part, clause in zip(shown.clauses, sources, strict=False)
    ]
    return Preview(language, clauses, shown.footnotes, problems, glossary.terms(), dict(glossary.wrong))


class _Glossary:
    """The terms of a language, and which of them were met in a text."""

    def __init__(self, language: str, prefix: str) -> None:
        self.language, self.prefix = language, prefix
        self.by_word: dict[str, GlossaryTerm] = {}
        self.forbidden: dict[str, GlossaryTerm] = {}
        for row in queries.list_terms():
            word = row.term.ja if language == "ja" else row.term.en
            if word.strip():
                self.by_word.setdefault(word.casefold(), row)
            for each in row.forbidden_ja if language == "ja" else row.forbidden_en:
                if each.strip():
                    self.forbidden.setdefault(each.casefold(), row)
        self.met: dict[str, GlossaryTerm] = {}
        self.wrong: dict[str, GlossaryTerm] = {}

    def marks(self) -> Marks | None:
        """Return what is marked, the longest words first; None where there are none."""
        words = sorted({*self.by_word, *self.forbidden}, key=lambda word: (-len(word), word))
        if not words:
            return None
        joined = "|".join(re.escape(word) for word in words)
        # English words stand apart and may be in the plural; Japanese ones stand in the sentence.
        pattern = rf"(?<![\w-])(?:{joined})(?:e?s)?(?![\w-])" if self.language == "en" else f"(?:{joined})"
        return Marks(re.compile(pattern, re.IGNORECASE), self._look_up)

    def _look_up(self, found: str) -> Mark | None:
        word = found.casefold()
        forms = (word, word.removesuffix("s"), word.removesuffix("es")) if self.language == "en" else (word,)
        for form in forms:
            if form in self.by_word:
                row = self.by_word[form]
                self.met[row.slug] = row
                return Mark(f"#{self.prefix}{row.slug}", row.definition.in_(self.language))
            if form in self.forbidden:
                row = self.forbidden[form]
                self.wrong[found] = row
                right = row.term.ja if self.language == "ja" else row.term.en
                return Mark(f"#{self.prefix}{row.slug}", _("Not to be used; write “%(term)s”.", term=right), True)
        return None

    def terms(self) -> list[GlossaryTerm]:
        """Return the terms that were met, rightly or wrongly named, in the order of the glossary."""
        met = {**self.met, **{row.slug: row for row in self.wrong.values()}}
        return sorted(met.values(), key=lambda row: (row.position, row.id))

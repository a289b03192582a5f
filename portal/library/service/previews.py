"""A text as its readers will meet it, while it is being written, with the terms of the glossary marked."""

from __future__ import annotations

import re
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
from portal.library.models import Document, GlossaryTerm
from portal.library.service.texts import problems_of, resolver
from portal.library.service.versions import heading_elsewhere


@dataclass(frozen=True, slots=True)
class PreviewClause:
    """A clause as it will be shown; the anchor is empty where the heading has no id yet."""

    anchor: str
    level: int
    sensitivity: str
    heading_html: TrustedHtml
    html: TrustedHtml


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


def preview_of(*, document: Document, language: str, source: str) -> Preview:
    """Show a text of a document; one beyond the limits shows its problems only."""
    pictures = queries.pictures_of(document.slug)
    problems = problems_of(source, pictures=frozenset(pictures)) if source.strip() else []
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
        PreviewClause(part.anchor, part.level, clause.sensitivity or "S0", part.heading, part.body)
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

"""What is wrong with a draft before anybody else looks at it: what stops it, and what is worth a second look.

A *term* here is one of the glossary. A term that the glossary lacks is seen where a text introduces one, in bold with
quotation marks (**“…”**, **「…」**), or where an English sentence writes several words with capitals: both are hints.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import zip_longest
from typing import Protocol

from portal.library.rules import MATERIAL, NUMBER, number_key
from portal.library.rules.overlays import base_slug

# Longer texts are not read in one sitting.
MOST_MINUTES = 20
# From here on a document holds examples that hurt; a clause with an example says how much.
HURTS = "S2"

_TABLE = re.compile(
    # One way only to read blanks: a long line of them must not take long.
    r"^[ >]*(?:\|[ \t]*)?\**(?:Decision|判断)\**[ \t]*\|[^\n]*\n[ >]*(?:\|[ \t]*)?:?-+",
    re.IGNORECASE | re.MULTILINE,
)
_EXAMPLE = re.compile(r"\*\*(?:Example|例)[ \t]*[:：]\*\*")
_COUNTER = re.compile(r"\*\*(?:Counter-example|反例)[ \t]*[:：]\*\*")
_NO_WORDS = re.compile(r"!\[[ \t]*\]\(")
_CODE = re.compile(r"```[^`]*```|`[^`\n]*`")
_INTRODUCED = re.compile(r"\*\*[“「]([^”」*\n]{1,40})[”」]\*\*")
_CAPITALS = re.compile(r"(?<=[a-z,;] )[A-Z][a-z]+(?: [A-Z][a-z]+)+")


class Level(StrEnum):
    """What a finding means: the draft cannot be submitted, or its author may want to look again."""

    STOPS = "stops"
    HINT = "hint"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found: of which kind, in which language and clause, on which line (0: not on one line).

    Without a language it is about what is proposed and not about a text. `values` are what its words name.
    """

    kind: str
    level: Level
    language: str = ""
    anchor: str = ""
    line: int = 0
    values: Mapping[str, object] = field(default_factory=dict)


class Clause(Protocol):
    """A clause as it is written; its source begins with its heading's line."""

    @property
    def anchor(self) -> str:
        """Its id; empty where it has none."""

    @property
    def source(self) -> str:
        """Its Markdown."""

    @property
    def line(self) -> int:
        """The number of its first line."""

    @property
    def sensitivity(self) -> str | None:
        """Its label, or None."""


@dataclass(frozen=True, slots=True)
class Text:
    """A text of a draft in one language."""

    language: str
    title: str
    summary: str
    what_to_do_differently: str
    clauses: Sequence[Clause]
    # Document ("" for its own), clause id, line.
    links: Sequence[tuple[str, str, int]] = ()
    # The clauses that links within the text may lead to, where these are more than its own: an overlay's whole text.
    linkable: Collection[str] = ()
    minutes: int = 1


@dataclass(frozen=True, slots=True)
class Term:
    """A term of the glossary in both languages, and what is not to be written for it."""

    words: Mapping[str, str]
    forbidden: Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is proposed about a draft, and what it is proposed for."""

    slug: str
    authoritative: str
    sensitivity: str
    number: str
    change_class: str | None
    # Numbers of the version that the draft follows, and of the latest one; None where there is none.
    based_on: str | None
    latest: str | None
    effective_at: datetime | None
    issue_at: datetime | None
    provisional_reason: str
    # Whether it only waits for its day: a publication that is late is none in the past.
    is_approved: bool = False
    # The clauses in which the second language does not follow.
    behind: Sequence[str] = ()
    # Where versions were withdrawn since: the number of the one that people go by (None: there is none), and the
    # clauses in which the text keeps what those had changed.
    stands: str | None = None
    carried_over: Sequence[str] = ()
    # Of an overlay: the versions of its base over which it is written, and over which it has to be laid by now.
    over: str | None = None
    over_latest: str | None = None

    @property
    def is_material(self) -> bool:
        """Whether people act otherwise after it."""
        return self.change_class in MATERIAL


class Known(StrEnum):
    """What a link to another document leads to."""

    CLAUSE = "clause"
    NO_CLAUSE = "no_clause"
    NO_DOCUMENT = "no_document"


# (document, clause id) → what a link leads to.
Targets = Callable[[str, str], Known]


def lint(
    proposal: Proposal, texts: Sequence[Text], *, terms: Sequence[Term], targets: Targets, now: datetime
) -> list[Finding]:
    """Return what is found: about the proposal, then text by text in the order of the lines."""
    found = list(_of_proposal(proposal, now))
    deciding = next((text for text in texts if text.language == proposal.authoritative), None)
    second = next((text for text in texts if text.language != proposal.authoritative), None)
    found += _of_translation(proposal, deciding, second)
    for text in texts:
        own = [*_of_text(proposal, text, deciding), *_of_links(proposal, text, deciding, targets)]
        own += _of_words(text, terms)
        if deciding is not None and second is not None:
            partner = second if text is deciding else deciding
            own += _of_partner(text, partner, terms, set(proposal.behind))
        found += sorted(own, key=lambda each: each.line)
    return found


def stops(found: Collection[Finding]) -> list[Finding]:
    """Return the findings for which a draft cannot be submitted."""
    return [each for each in found if each.level is Level.STOPS]


def _of_proposal(proposal: Proposal, now: datetime) -> Iterator[Finding]:
    if proposal.based_on != proposal.latest:
        values = {"based_on": proposal.based_on or "–", "latest": proposal.latest or "–"}
        yield Finding("outdated", Level.STOPS, values=values)
    if proposal.over != proposal.over_latest:
        values = {"over": proposal.over or "–", "latest": proposal.over_latest or "–"}
        yield Finding("base_moved", Level.STOPS, values=values)
    if not NUMBER.fullmatch(proposal.number):
        yield Finding("number_unreadable", Level.STOPS, values={"number": proposal.number})
    elif proposal.latest is not None and number_key(proposal.number) <= number_key(proposal.latest):
        yield Finding("number_too_low", Level.STOPS, values={"number": proposal.number, "latest": proposal.latest})
    if proposal.change_class is None:
        yield Finding("class_missing", Level.STOPS)
    elif not proposal.is_material and proposal.carried_over:
        values = {"stands": proposal.stands or "", "ids": ", ".join(proposal.carried_over)}
        yield Finding("class_too_light", Level.STOPS, values=values)
    if proposal.effective_at is not None:
        if proposal.issue_at is not None and proposal.effective_at < proposal.issue_at:
            yield Finding("effective_before_issue", Level.STOPS)
        elif proposal.effective_at < now:
            yield Finding("effective_passed", Level.STOPS)
    if proposal.issue_at is not None and proposal.issue_at < now and not proposal.is_approved:
        yield Finding("issue_passed", Level.STOPS)


def _of_translation(proposal: Proposal, deciding: Text | None, second: Text | None) -> Iterator[Finding]:
    if deciding is None:
        return
    language = "ja" if proposal.authoritative == "en" else "en"
    waits = proposal.is_material and not proposal.provisional_reason.strip()
    level = Level.STOPS if waits else Level.HINT
    if second is None:
        yield Finding("second_language_missing", level, language)
        return
    lines = {clause.anchor: clause.line for clause in second.clauses}
    for anchor in proposal.behind:
        kind = "clause_behind" if anchor in lines else "clause_untranslated"
        yield Finding(kind, level, language, anchor, lines.get(anchor, 0))
    ids = {clause.anchor for clause in deciding.clauses}
    for clause in second.clauses:
        if clause.anchor and clause.anchor not in ids:
            # A translation that is behind may still have what was taken out; it is not shown.
            extra = Level.HINT if proposal.behind else Level.STOPS
            yield Finding("clause_only_here", extra, language, clause.anchor, clause.line)
    follows = [each.anchor for each in deciding.clauses if each.anchor not in proposal.behind]
    there = [each for each in second.clauses if each.anchor in ids and each.anchor not in proposal.behind]
    # The order of an overlay's text is that of its base.
    for expected, found in zip_longest(follows, there) if proposal.over is None else ():
        if expected is not None and found is not None and expected != found.anchor:
            yield Finding("order_differs", Level.STOPS, language, found.anchor, found.line, {"expected": expected})
            break
    labels = {clause.anchor: clause.sensitivity or "S0" for clause in deciding.clauses}
    for clause in second.clauses:
        label = clause.sensitivity or "S0"
        if clause.anchor in labels and label != labels[clause.anchor]:
            values = {"label": label, "deciding": labels[clause.anchor]}
            yield Finding("label_differs", Level.HINT, language, clause.anchor, clause.line, values)


def _of_text(proposal: Proposal, text: Text, deciding: Text | None) -> Iterator[Finding]:
    language = text.language
    if not text.title.strip():
        yield Finding("title_missing", Level.STOPS, language)
    if proposal.is_material:
        level = Level.STOPS if text is deciding else Level.HINT
        if not text.summary.strip():
            yield Finding("summary_missing", level, language)
        if proposal.latest is not None and not text.what_to_do_differently.strip():
            yield Finding("what_to_do_missing", level, language)
    if text.minutes > MOST_MINUTES:
        yield Finding("long", Level.HINT, language, values={"minutes": text.minutes})
    for clause in text.clauses:
        source = _without_code(clause.source)
        label = clause.sensitivity or "S0"
        if label > proposal.sensitivity:
            values = {"label": label, "document": proposal.sensitivity}
            yield Finding("label_above_document", Level.STOPS, language, clause.anchor, clause.line, values)
        table = _TABLE.search(source)
        if table is not None:
            example, counter = bool(_EXAMPLE.search(source)), bool(_COUNTER.search(source))
            if not counter:
                kind = "counter_example_missing" if example else "examples_missing"
                yield Finding(kind, Level.HINT, language, clause.anchor, _line(clause, source, table.start()))
        if proposal.sensitivity >= HURTS and clause.sensitivity is None:
            example_at = _EXAMPLE.search(source) or _COUNTER.search(source)
            if example_at is not None:
                at = _line(clause, source, example_at.start())
                yield Finding("label_missing", Level.HINT, language, clause.anchor, at)
        for picture in _NO_WORDS.finditer(source):
            at = _line(clause, source, picture.start())
            yield Finding("alternative_missing", Level.STOPS, language, clause.anchor, at)


def _of_links(proposal: Proposal, text: Text, deciding: Text | None, targets: Targets) -> Iterator[Finding]:
    own = {clause.anchor for clause in (deciding or text).clauses} | set(text.linkable)
    for slug, anchor, line in text.links:
        there = slug or proposal.slug
        at = _clause_at(text, line)
        values = {"slug": there, "id": anchor}
        if there in (proposal.slug, base_slug(proposal.slug)):
            if anchor not in own:
                yield Finding("link_broken", Level.STOPS, text.language, at, line, values)
            continue
        match targets(there, anchor):
            case Known.NO_CLAUSE:
                yield Finding("link_broken", Level.STOPS, text.language, at, line, values)
            case Known.NO_DOCUMENT:
                yield Finding("link_to_nothing", Level.HINT, text.language, at, line, values)
            case Known.CLAUSE:
                pass


def _of_words(text: Text, terms: Sequence[Term]) -> Iterator[Finding]:
    """Look for words that the glossary forbids, and for terms that it lacks; each is said once."""
    language = text.language
    known = {word.casefold() for term in terms for word in term.words.values()}
    said: set[str] = set()
    for clause in text.clauses:
        source = _without_code(clause.source)
        for term in terms:
            for word in term.forbidden.get(language, ()):
                found = _pattern(word, language).search(source)
                if found is not None:
                    values = {"word": word, "term": term.words[language]}
                    at = _line(clause, source, found.start())
                    yield Finding("word_forbidden", Level.HINT, language, clause.anchor, at, values)
        coined = [*_INTRODUCED.finditer(source), *(_CAPITALS.finditer(source) if language == "en" else ())]
        for found in coined:
            word = found.group(1) if found.re is _INTRODUCED else found.group()
            folded = word.casefold().strip()
            if folded in said or folded in known or folded.removesuffix("s") in known:
                continue
            said.add(folded)
            at = _line(clause, source, found.start())
            yield Finding("term_undefined", Level.HINT, language, clause.anchor, at, {"word": word})


def _of_partner(text: Text, partner: Text, terms: Sequence[Term], behind: Collection[str]) -> Iterator[Finding]:
    """Look for terms that a clause uses and the same clause in the other language does not; each is said once.

    English words that are terms by themselves ("notice") stand in other senses too often to be told by the word.
    """
    others = {clause.anchor: _without_code(clause.source) for clause in partner.clauses}
    for term in terms:
        word, counterpart = term.words[text.language], term.words[partner.language]
        if text.language == "en" and " " not in word:
            continue
        pattern, parts = _pattern(word, text.language), _parts(counterpart, partner.language)
        for clause in text.clauses:
            if not clause.anchor or clause.anchor in behind or clause.anchor not in others:
                continue
            source = _without_code(clause.source)
            found = pattern.search(source)
            if found is not None and not all(part.search(others[clause.anchor]) for part in parts):
                at = _line(clause, source, found.start())
                values = {"word": word, "counterpart": counterpart}
                yield Finding("term_in_one_language", Level.HINT, text.language, clause.anchor, at, values)
                break


def _pattern(word: str, language: str) -> re.Pattern[str]:
    """Return how a word is found: in English as a word of its own, also in the plural."""
    if language == "ja":
        return re.compile(re.escape(word))
    return re.compile(rf"(?<!\w){re.escape(word)}(?:e?s)?(?!\w)", re.IGNORECASE)


def _parts(word: str, language: str) -> list[re.Pattern[str]]:
    """Return how a counterpart is found: in English each of its words, also where it is derived ("labelled")."""
    if language == "ja":
        # What stands in brackets explains the term.
        return [re.compile(re.escape(re.sub(r"（.*?）", "", word) or word))]
    words = [each for each in word.split() if len(each) > 3] or word.split()
    return [re.compile(rf"(?<!\w){re.escape(each[: max(4, len(each) - 3)])}", re.IGNORECASE) for each in words]


def _without_code(source: str) -> str:
    """Return the text with blanks in the place of code, so that lines and places stay."""
    return _CODE.sub(lambda found: re.sub(r"[^\n]", " ", found.group()), source)


def _line(clause: Clause, source: str, place: int) -> int:
    return clause.line + source.count("\n", 0, place)


def _clause_at(text: Text, line: int) -> str:
    """Return the id of the clause in which a line stands."""
    return next((each.anchor for each in reversed(text.clauses) if each.line <= line), "")

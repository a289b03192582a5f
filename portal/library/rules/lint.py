"""What is wrong with a draft before anybody else looks at it: what stops it, and what is worth a second look.

A *term* here is one of the glossary. A term that the glossary lacks is seen in four ways, all of them hints:

* where a text introduces one, with emphasis and quotation marks: **“…”**, **"…"**, “**…**”, **「…」**, 「**…**」;
* where it explains one that is emphasised: **…** means, is, are, refers to; **…**とは; or 「…」とは;
* where an English sentence writes several words with capitals;
* where a word is all capitals: an abbreviation. Everyday ones, and what stands in quotation marks, are none.

What the organisation itself is called by, its markets, teams and documents, are no terms.
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
# With something behind it: an empty one is none.
_BEHIND = r"[ \t]*[:：]\*\*[ \t]*(?:\n[ \t>]*)?(?=[^\s|])"
_EXAMPLE = re.compile(r"\*\*(?:Example|例)" + _BEHIND)
_COUNTER = re.compile(r"\*\*(?:Counter-example|反例)" + _BEHIND)
_NO_WORDS = re.compile(r"!\[[ \t]*\]\(")
_CODE = re.compile(r"```[^`]*```|`[^`\n]*`")
# The mark of a notice, and the line of a footnote, which names a source by its own words.
_NOT_SAID = re.compile(r"^[ >]*\[!(?:NOTE|TIP|IMPORTANT|WARNING|CAUTION)\]|^\[\^[^\]\n]+\]:[^\n]*", re.MULTILINE)
_WORDS = r"[^”」』\"’*_\n]{1,40}"
_INTRODUCED = re.compile(
    rf"(?P<mark>\*\*|\*)[“「『\"‘](?P<inside>{_WORDS})[”」』\"’](?P=mark)"
    rf"|[“「『\"‘](?P<other>\*\*|\*)(?P<outside>{_WORDS})(?P=other)[”」』\"’]"
    rf"|(?<!\*)(?P<bold>\*\*|\*)(?P<explained>[^\s*_:：。.](?:[^*_\n:：。.]{{0,38}}[^\s*_:：。.])?)(?P=bold)"
    r"(?=とは|\ (?:means?|refers?\ to|is\ (?:an?|any|the)|are)\ )"
    r"|「(?P<quoted>[^」\n]{1,40})」(?=とは[、，])"
)
# Emphasis by shouting, and what everybody knows.
_NO_TERMS = frozenset(
    (
        *("AM", "AND", "ANY", "ALL", "CEO", "CSV", "DO", "EN", "FAQ", "GB", "HR", "HTML", "HTTP", "HTTPS", "ID", "IT"),
        *("JA", "KB", "MB", "MUST", "NEVER", "NO", "NOT", "OK", "ONLY", "OR", "PC", "PDF", "PM", "QR", "SMS", "SNS"),
        *("TV", "URL", "UTC", "VIP"),
    )
)
_ABBREVIATION = re.compile(r"(?<![A-Za-z0-9“「『\"‘./#@_{=-])([A-Z][A-Z0-9]{1,7})s?(?![A-Za-z0-9”」』\"’@_}=-])")
_ADDRESS = re.compile(r"/library/(?P<slug>[a-z][a-z0-9-]*(?:@[A-Za-z0-9-]+)?)(?:\?[^#]*)?(?:#(?P<anchor>.*))?")
# Pages beside the documents, which no document can be called.
_PAGES = frozenset({"glossary", "search"})
_MEANT_AS_LINK = re.compile(r"\[\[(?P<slug>[^\[\]#\n|]{0,80})#(?P<anchor>[^\[\]\n|]{1,80})\]\]")
_READ_AS_LINK = re.compile(r"\[\[(?:[a-z][a-z0-9-]{0,59}(?:@[A-Za-z0-9-]{1,20})?)?#[a-z][a-z0-9-]{0,59}\]\]")
_COINED = ("inside", "outside", "explained", "quoted")
# Version numbers, levels of sensitivity, sizes.
_DIGITS = re.compile(r"[0-9]")
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
    # The addresses within the portal that its other links lead to, and their lines.
    addresses: Sequence[tuple[str, int]] = ()
    # The clauses that links within the text may lead to, where these are more than its own: an overlay's whole text.
    linkable: Collection[str] = ()
    minutes: int = 1


@dataclass(frozen=True, slots=True)
class Term:
    """A term of the glossary in both languages, and what is not to be written for it."""

    words: Mapping[str, str]
    forbidden: Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class NotBefore:
    """A version that takes effect last so far: one that takes effect before it would be replaced by it."""

    number: str
    effective_at: datetime
    zone: str


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
    # Of an overlay: the class of a change of its base that its readers meet with it, if that one is heavier.
    class_of_base: str | None = None
    # Of an overlay: the versions of its base over which it is written, and over which it has to be laid by now.
    over: str | None = None
    over_latest: str | None = None
    # Whether it may be published over the version in force, before the latest takes effect.
    over_may_stay: bool = False
    # Of an overlay: whether it does otherwise in the very clauses that its base has changed.
    is_told_otherwise: bool = False
    # When it takes effect as things stand, and the version before which it must not, with the instant of that one.
    takes_effect_at: datetime | None = None
    not_before: NotBefore | None = None

    @property
    def is_material(self) -> bool:
        """Whether people act otherwise after it."""
        return self.change_class in MATERIAL


class Known(StrEnum):
    """What a link to another document leads to."""

    CLAUSE = "clause"
    NO_CLAUSE = "no_clause"
    # It stands in a document that has been withdrawn.
    WITHDRAWN = "withdrawn"
    NO_DOCUMENT = "no_document"


# (document, clause id) → what a link leads to.
Targets = Callable[[str, str], Known]


def lint(
    proposal: Proposal,
    texts: Sequence[Text],
    *,
    terms: Sequence[Term],
    targets: Targets,
    now: datetime,
    own_words: Collection[str] = (),
) -> list[Finding]:
    """Return what is found: about the proposal, then text by text in the order of the lines.

    `own_words` are what the organisation calls itself and its parts by. `targets` is asked with an empty clause id for
    a document as a whole.
    """
    deciding, second = _both(proposal, texts)
    return [
        *_of_proposal(proposal, now),
        *_of_translation(proposal, deciding, second),
        *lint_texts(proposal, texts, terms=terms, targets=targets, own_words=own_words),
    ]


def _both(proposal: Proposal, texts: Sequence[Text]) -> tuple[Text | None, Text | None]:
    deciding = next((text for text in texts if text.language == proposal.authoritative), None)
    return deciding, next((text for text in texts if text.language != proposal.authoritative), None)


def lint_texts(
    proposal: Proposal,
    texts: Sequence[Text],
    *,
    terms: Sequence[Term],
    targets: Targets,
    own_words: Collection[str] = (),
) -> list[Finding]:
    """Return what is found in the texts alone, whatever becomes of the proposal, in the order of the lines."""
    deciding, second = _both(proposal, texts)
    found: list[Finding] = []
    for text in texts:
        own = [*_of_text(proposal, text, deciding), *_of_links(proposal, text, deciding, targets)]
        own += _of_words(text, terms, own_words)
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
        if proposal.over_may_stay:
            yield Finding("base_ahead", Level.HINT, values=values)
        else:
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
    elif proposal.class_of_base is not None:
        yield Finding("class_below_base", Level.STOPS, values={"class": proposal.class_of_base})
    if proposal.effective_at is not None:
        if proposal.issue_at is not None and proposal.effective_at < proposal.issue_at:
            yield Finding("effective_before_issue", Level.STOPS)
        elif proposal.effective_at < now:
            yield Finding("effective_passed", Level.STOPS)
    other, at = proposal.not_before, proposal.takes_effect_at
    if other is not None and at is not None and at < other.effective_at:
        about = {"number": other.number, "at": other.effective_at, "zone": other.zone}
        yield Finding("effective_before_earlier", Level.STOPS, values=about)
    if proposal.issue_at is not None and proposal.issue_at < now and not proposal.is_approved:
        yield Finding("issue_passed", Level.HINT)


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
    is_asked_for = proposal.latest is not None and proposal.is_material
    if proposal.is_told_otherwise and not is_asked_for and not text.what_to_do_differently.strip():
        yield Finding("what_to_do_of_base", Level.HINT, language)
    is_unlabelled = all(clause.sensitivity is None for clause in text.clauses)
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
        if proposal.sensitivity >= HURTS and clause.sensitivity is None and clause.anchor != "top":
            example_at = _EXAMPLE.search(source) or _COUNTER.search(source)
            if example_at is not None:
                at = _line(clause, source, example_at.start())
                yield Finding("label_missing", Level.HINT, language, clause.anchor, at)
            elif is_unlabelled and text is deciding:
                values = {"document": proposal.sensitivity}
                yield Finding("labels_absent", Level.HINT, language, clause.anchor, clause.line, values)
        for picture in _NO_WORDS.finditer(source):
            at = _line(clause, source, picture.start())
            yield Finding("alternative_missing", Level.STOPS, language, clause.anchor, at)


def _of_links(proposal: Proposal, text: Text, deciding: Text | None, targets: Targets) -> Iterator[Finding]:
    own = {clause.anchor for clause in (deciding or text).clauses} | set(text.linkable)
    written = [*text.links, *_addressed(proposal, text)]
    for slug, anchor, line in written:
        there = slug or proposal.slug
        at = _clause_at(text, line)
        values = {"slug": there, "id": anchor}
        if there in (proposal.slug, base_slug(proposal.slug)):
            if anchor and anchor not in own:
                yield Finding("link_broken", Level.STOPS, text.language, at, line, values)
            continue
        match targets(there, anchor):
            case Known.NO_CLAUSE:
                yield Finding("link_broken", Level.STOPS, text.language, at, line, values)
            case Known.NO_DOCUMENT:
                yield Finding("link_to_nothing", Level.HINT, text.language, at, line, values)
            case Known.WITHDRAWN:
                yield Finding("link_to_withdrawn", Level.HINT, text.language, at, line, values)
            case Known.CLAUSE:
                pass
    for clause in text.clauses:
        source = _without_code(clause.source) if "[[" in clause.source else ""
        for found in _MEANT_AS_LINK.finditer(source):
            if not _READ_AS_LINK.fullmatch(found.group()):
                at_line = _line(clause, source, found.start())
                values = {"written": found.group(), "meant": found.group().lower().replace(" ", "")}
                yield Finding("link_unreadable", Level.HINT, text.language, clause.anchor, at_line, values)


def _addressed(proposal: Proposal, text: Text) -> Iterator[tuple[str, str, int]]:
    """Return the links by address as (document, clause id, line); those that lead to other pages are left out."""
    for address, line in text.addresses:
        if address.startswith("#"):
            yield "", address[1:], line
            continue
        found = _ADDRESS.fullmatch(address)
        if found is not None and found["slug"] not in _PAGES:
            yield found["slug"], found["anchor"] or "", line


def _of_words(text: Text, terms: Sequence[Term], own_words: Collection[str]) -> Iterator[Finding]:
    """Look for words that the glossary forbids, and for terms that it lacks; each is said once."""
    language = text.language
    known = {word.casefold() for term in terms for word in term.words.values()} | {
        word.casefold() for word in own_words
    }
    # An abbreviation may stand within a term: "CSAM report".
    parts = {part for word in known for part in re.findall(r"[a-z0-9]+", word)}
    said: set[str] = set()
    for clause in text.clauses:
        source = _blanked(_NOT_SAID, _without_code(clause.source))
        for term in terms:
            for word in term.forbidden.get(language, ()):
                found = _pattern(word, language).search(source)
                if found is not None:
                    values = {"word": word, "term": term.words[language]}
                    at = _line(clause, source, found.start())
                    yield Finding("word_forbidden", Level.HINT, language, clause.anchor, at, values)
        introduced = _INTRODUCED.finditer(source) if "*" in source or "「" in source else ()
        coined = [*introduced, *(_CAPITALS.finditer(source) if language == "en" else ())]
        for found in coined:
            word = next((each for name in _COINED if (each := found.groupdict().get(name))), found.group()).strip()
            folded = word.casefold()
            if folded in said or folded in known or folded.removesuffix("s") in known:
                continue
            said.add(folded)
            at = _line(clause, source, found.start())
            yield Finding("term_undefined", Level.HINT, language, clause.anchor, at, {"word": word})
        for found in _ABBREVIATION.finditer(source):
            word = found[1]
            folded = word.casefold()
            if word not in _NO_TERMS and not _DIGITS.search(word) and folded not in said | parts:
                said.add(folded)
                at = _line(clause, source, found.start())
                yield Finding("abbreviation_undefined", Level.HINT, language, clause.anchor, at, {"word": word})


def _of_partner(text: Text, partner: Text, terms: Sequence[Term], behind: Collection[str]) -> Iterator[Finding]:
    """Look for terms that a clause uses and the same clause in the other language does not; each is said once.

    English words that are terms by themselves ("notice") stand in other senses too often to be told by the word.
    """
    others = {clause.anchor: _without_code(clause.source) for clause in partner.clauses}
    known = {term.words[text.language] for term in terms}
    for term in terms:
        word, counterpart = term.words[text.language], term.words[partner.language]
        if text.language == "en" and " " not in word:
            continue
        pattern, parts = _pattern(word, text.language), _parts(counterpart, partner.language)
        # A longer term that this one is a part of says something of its own.
        longer = [_pattern(other, text.language) for other in known if word in other and word != other]
        for clause in text.clauses:
            if not clause.anchor or clause.anchor in behind or clause.anchor not in others:
                continue
            source = _without_code(clause.source)
            for other in longer:
                source = _blanked(other, source)
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
    return _blanked(_CODE, source) if "`" in source else source


def _blanked(pattern: re.Pattern[str], source: str) -> str:
    return pattern.sub(lambda found: re.sub(r"[^\n]", " ", found.group()), source)


def _line(clause: Clause, source: str, place: int) -> int:
    return clause.line + source.count("\n", 0, place)


def _clause_at(text: Text, line: int) -> str:
    """Return the id of the clause in which a line stands."""
    return next((each.anchor for each in reversed(text.clauses) if each.line <= line), "")

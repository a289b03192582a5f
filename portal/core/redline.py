"""What differs between two texts, word by word: as they were written, and as they are shown.

`segment` cuts a text into words; `compare` finds the longest sequence of words that two texts have in common and
tidies what is left, so that a reader sees words and phrases replaced, not letters. `mark` does the same to what
`core.markdown` has rendered: blocks are paired first, then the words in them, a table row by row and cell by cell, a
list item by item.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache, lru_cache
from html.parser import HTMLParser
from itertools import groupby
from typing import Any, TypeVar

import budoux
from diff_match_patch import diff_match_patch
from markupsafe import escape

from portal.core.i18n import gettext as _
from portal.core.i18n import language as page_language
from portal.core.markdown import TrustedHtml, with_changes

W = TypeVar("W")


class Fate(StrEnum):
    """What became of a piece of text; only of whole paragraphs, items and rows is it said that they moved."""

    SAME = "same"
    GONE = "gone"
    NEW = "new"
    MOVED_AWAY = "moved_away"
    MOVED_HERE = "moved_here"


@dataclass(frozen=True, slots=True)
class Piece:
    """Words that stayed, went or came."""

    fate: Fate
    text: str


# --- words --------------------------------------------------------------------------------------

_KANJI = (
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3038-\u303b\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003fffd"
)
_HIRAGANA = "\u3041-\u3096\u309d-\u309f"
_KATAKANA = "\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\uff66-\uff9f"
# What follows a noun; a single kanji with other hiragana behind it is a verb or an adjective with its ending.
_PARTICLE = "[はがをにでともへのや]|から|まで|また|だけ|より|など"
_COMPOUND = re.compile(f"[{_KANJI}]+")
_JAPANESE_LINE = re.compile(f"[^\n]*[{_HIRAGANA}]{{2}}[^\n]*")


@cache
def _pattern() -> re.Pattern[str]:
    """Return what a word, a blank and a sign are."""
    # What is written onto the character before it: accents, vowel signs, variants of a kanji.
    codes = [*range(0x0300, 0x20000), *range(0xE0100, 0xE01F0)]
    onto = "".join(chr(code) for code in codes if unicodedata.category(chr(code)) in ("Mn", "Mc", "Me"))
    onto = f"[{re.escape(onto)}]"
    letter = rf"[^\W\d_{_KANJI}{_HIRAGANA}{_KATAKANA}]"
    return re.compile(
        rf"""
        \r?\n
        | [^\S\r\n]+
        | (?<![{_KANJI}])[{_KANJI}](?!{_PARTICLE})[{_HIRAGANA}][{_HIRAGANA}ー]*
        | [{_KANJI}](?:[{_KANJI}]|{onto})*
        | [{_HIRAGANA}](?:[{_HIRAGANA}ー]|{onto})*
        | [{_KATAKANA}](?:[{_KATAKANA}・]|{onto})*
        | \d+(?:[.,:/]\d+)*
        | (?:{letter}+|{onto}+|\d+)+(?:['’\u02bc](?:{letter}+|{onto}+)+)*
        | \*+ | _+ | ~+ | `+ | \#+ | -{{2,}} | ={{2,}} | \|
        | .(?:{onto}|[\ufe0f\U0001f3fb-\U0001f3ff]|\u200d.)*
        """,
        re.VERBOSE | re.DOTALL,
    )


@cache
def _phrases() -> Any:
    return budoux.load_default_japanese_parser()


def segment(text: str, language: str) -> list[str]:
    """Return the words, blanks and signs of a text, which joined make the text again.

    Japanese is cut where the kind of writing changes (kanji, hiragana, katakana) and, between hiragana, where a phrase
    ends; an ending stays with its kanji (行います), a particle does not (規則・を).
    """
    words: list[str] = _pattern().findall(text)
    if language != "ja":
        return words
    ends: set[int] = set()
    for found in _JAPANESE_LINE.finditer(text):
        at = found.start()
        for phrase in _phrases().parse(found.group()):
            at += len(phrase)
            ends.add(at)
    cut: list[str] = []
    at = 0
    for word in words:
        start, at = at, at + len(word)
        for place in range(start + 1, at):
            if place in ends and "\u3041" <= text[place - 1] <= "\u309f":
                cut.append(text[start:place])
                start = place
        cut.append(text[start:at])
    return cut


# Nobody reads a paragraph of so many characters; what it says is compared in stretches, not in words.
_ENDLESS = 50_000
_STRETCH = re.compile(r".{1,200}(?:\s+|$)|.{1,200}", re.DOTALL)


# What stands alone in a compound of kanji: in front of a word, and behind one.
_PREFIXES = frozenset("新旧再未非不無前元現各全本当同第最超準副主初総毎諸両約")
_SUFFIXES = frozenset(
    "者的性化別後前中内外間時用数額料費日月年度期号版書証票表欄文案例側等名員長先元物類型式系率量点面所場室店社省庁局部課班"
    "会権法条項章節市県国語人力感差値"
)
# A number written in kanji; 一時 and 十分 are words, and so is 三 without what it counts.
_KANJI_NUMBER = re.compile(
    "第[〇一二三四五六七八九十百千万億兆]+|(?!一時|一部|一度|一人|一切|十分|万一)[〇一二三四五六七八九十百千万億兆]+"
    "(?=営業|日|時|分|秒|週|[か箇]|月|年|回|人|件|名|個|条|項|号|章|節|点|歳|度|円|割|版|段|通)"
)


@lru_cache(maxsize=20_000)
def _parts(word: str) -> tuple[str, ...]:
    """Return the parts of a compound of kanji (人工・知能・生成・画像), and any other word whole.

    Most words that a compound is made of have two kanji, and some that stand in front of them or behind have one: the
    parts are the likeliest of those. Where the guess is wrong for one text, nothing of it is found in the other one,
    and the compound is marked whole.
    """
    if not 2 < len(word) <= _ENDLESS or not _COMPOUND.fullmatch(word):
        return (word,)
    parts: list[str] = []
    at = 0
    for number in _KANJI_NUMBER.finditer(word):
        parts += [*_units(word[at : number.start()]), number.group()]
        at = number.end()
    return (*parts, *_units(word[at:]))


def _units(compound: str) -> list[str]:
    # The least cost of what stands before each place, and where the last part before it begins.
    costs, begins = [0.0], [0]
    for end in range(1, len(compound) + 1):
        choices = []
        for begin in range(max(0, end - 3), end):
            first, last = compound[begin], compound[end - 1]
            if end - begin == 1:
                is_affix = (first in _PREFIXES and end < len(compound)) or (first in _SUFFIXES and begin > 0)
                cost = 1.7 if is_affix else 9.0
            elif end - begin == 2:
                cost = 2 + 0.5 * (first in _PREFIXES) + 0.5 * (last in _SUFFIXES)
                # No word begins or ends so.
                cost += 2 * (first in "者庁員等") + 2 * (last == "以")
            else:
                cost = 3.9
            choices.append((costs[begin] + cost, begin))
        cost, begin = min(choices)
        costs.append(cost)
        begins.append(begin)
    units: list[str] = []
    end = len(compound)
    while end:
        units.append(compound[begins[end] : end])
        end = begins[end]
    return units[::-1]


class _Cutter:
    """Cuts the lines or paragraphs of two texts into words; what stands in both is cut once."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.known: dict[str, list[str]] = {}

    def words(self, text: str) -> list[str]:
        found = self.known.get(text)
        if found is None:
            found = segment(text, self.language) if len(text) <= _ENDLESS else _STRETCH.findall(text)
            self.known[text] = found
        return found


# --- what two sequences have in common ----------------------------------------------------------

# Rows times columns up to which the longest common sequence is computed: about 0.3 s of a slow core.
_LIMIT = 600_000_000
_CHECKPOINT = 128


def _common(old: Sequence[Hashable], new: Sequence[Hashable]) -> list[tuple[int, int]]:
    """Return which places of the two are the same, as pairs of places, both counting upwards."""
    start, end_old, end_new = 0, len(old), len(new)
    while start < end_old and start < end_new and old[start] == new[start]:
        start += 1
    while end_old > start and end_new > start and old[end_old - 1] == new[end_new - 1]:
        end_old, end_new = end_old - 1, end_new - 1
    pairs = [(place, place) for place in range(start)]
    # What only one of them has cannot be in common.
    theirs, ours = set(new[start:end_new]), set(old[start:end_old])
    rows = [place for place in range(start, end_old) if old[place] in theirs]
    columns = [place for place in range(start, end_new) if new[place] in ours]
    a, b = [old[place] for place in rows], [new[place] for place in columns]
    found = _longest(a, b) if len(a) * len(b) <= _LIMIT else _anchored(a, b)
    pairs += [(rows[i], columns[j]) for i, j in found]
    pairs += [(place, place - end_old + end_new) for place in range(end_old, len(old))]
    return pairs


def _longest(old: Sequence[Hashable], new: Sequence[Hashable]) -> list[tuple[int, int]]:
    """Return a longest common subsequence, many columns at a time.

    The bits of one long integer are a row of the table (Hyyrö, "Bit-parallel LCS-length computation revisited", 2004):
    exact, and no input makes it slower. Every 128th row is kept, the others are computed again on the way back.
    """
    if not old or not new:
        return []
    where: dict[Hashable, int] = {}
    for place, word in enumerate(old):
        where[word] = where.get(word, 0) | 1 << place
    full = (1 << len(old)) - 1

    def row_after(row: int, word: Hashable) -> int:
        matched = row & where.get(word, 0)
        return ((row + matched) | (row - matched)) & full

    kept, row = [full], full
    for place, word in enumerate(new, start=1):
        row = row_after(row, word)
        if place % _CHECKPOINT == 0:
            kept.append(row)
    pairs = []
    i, j = len(old), len(new)
    while i and j:
        first = (j - 1) // _CHECKPOINT * _CHECKPOINT
        rows = [kept[first // _CHECKPOINT]]
        for word in new[first:j]:
            rows.append(row_after(rows[-1], word))
        while i and j > first:
            # A bit is clear where the row has one word more in common than up to the place before.
            if rows[j - first] >> (i - 1) & 1:
                i -= 1
            elif not rows[j - first - 1] >> (i - 1) & 1:
                j -= 1
            else:
                i, j = i - 1, j - 1
                pairs.append((i, j))
    return pairs[::-1]


def _anchored(old: Sequence[Hashable], new: Sequence[Hashable]) -> list[tuple[int, int]]:
    """Return what texts too long for `_longest` have in common: words that each has once, and what lies between."""
    once_old = {word for word, number in Counter(old).items() if number == 1}
    once = {word: place for place, word in enumerate(new) if word in once_old}
    for word, number in Counter(new).items():
        if number > 1:
            once.pop(word, None)
    anchors = [(place, once[word]) for place, word in enumerate(old) if word in once]
    steady = [anchors[number] for number in longest_rising([column for _row, column in anchors])]
    pairs = []
    row = column = 0
    for anchor in [*steady, (len(old), len(new))]:
        if (anchor[0] - row) * (anchor[1] - column) <= _LIMIT // 64:
            pairs += [(row + i, column + j) for i, j in _longest(old[row : anchor[0]], new[column : anchor[1]])]
        if anchor[0] < len(old):
            pairs.append(anchor)
        row, column = anchor[0] + 1, anchor[1] + 1
    return pairs


def longest_rising(numbers: Sequence[int]) -> list[int]:
    """Return the places of a longest subsequence that only rises, in n log n (patience sorting)."""
    tops: list[int] = []
    places: list[int] = []
    before: list[int] = []
    for place, number in enumerate(numbers):
        pile = bisect_left(tops, number)
        before.append(places[pile - 1] if pile else -1)
        if pile == len(tops):
            tops.append(number)
            places.append(place)
        else:
            tops[pile], places[pile] = number, place
    chain = []
    at = places[-1] if places else -1
    while at >= 0:
        chain.append(at)
        at = before[at]
    return chain[::-1]


# --- tidying ------------------------------------------------------------------------------------

# Of what stayed between two changes, so many words on each side are looked at when they are tidied.
_AROUND = 40


@cache
def _signs() -> dict[str, str]:
    """Return one character for each different word, by what kind of thing it stands for: the library looks at that."""
    words = "".join(chr(code) for code in range(0x3400, 0x31350) if chr(code).isalnum())
    others = "".join(map(chr, (*range(0xE000, 0xF900), *range(0xF0000, 0xFFFFE), *range(0x100000, 0x10FFFE))))
    return {
        "word": words,
        "sign": others,
        "blank": " \t\u2002\u2003\u2004\u2005\u2006\u2008\u2009\u200a\u205f",
        "break": "\n\r",
    }


def _kind(word: str) -> str:
    if word[:1].isalnum():
        return "word"
    if word.isspace():
        return "break" if "\n" in word else "blank"
    return "sign"


@dataclass(frozen=True, slots=True)
class _Edit:
    """A stretch of the old words and one of the new that stayed (both alike), went or came."""

    fate: Fate
    old: slice
    new: slice


def _edits(old: Sequence[Hashable], new: Sequence[Hashable], kinds: Mapping[Hashable, str]) -> list[_Edit]:
    """Return what stayed, went and came, tidied; `kinds` says which words are words, signs, blanks or breaks."""
    signs = _signs()
    used = dict.fromkeys(signs, 0)
    of: dict[Hashable, str] = {}
    for key, wanted in kinds.items():
        kind = wanted if used[wanted] < len(signs[wanted]) else "sign"
        of[key] = signs[kind][used[kind] % len(signs[kind])]
        used[kind] += 1
    before, after = "".join(of[key] for key in old), "".join(of[key] for key in new)
    differences: list[tuple[int, str]] = []
    row = column = stayed = 0
    for i, j in [*_common(before, after), (len(before), len(after))]:
        if i > row or j > column:
            if stayed:
                differences.append((0, before[row - stayed : row]))
            if i > row:
                differences.append((-1, before[row:i]))
            if j > column:
                differences.append((1, after[column:j]))
            stayed = 0
        row, column, stayed = i + 1, j + 1, stayed + 1
    if stayed > 1:
        differences.append((0, before[row - stayed : len(before)]))
    edits = []
    row = column = 0
    for section in _sections(differences):
        for change, text in _tidied(section):
            gone, came = (0 if change > 0 else len(text)), (0 if change < 0 else len(text))
            fate = Fate.SAME if change == 0 else Fate.GONE if change < 0 else Fate.NEW
            if text:
                edits.append(_Edit(fate, slice(row, row + gone), slice(column, column + came)))
            row, column = row + gone, column + came
    return edits


def _tidied(section: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """Join changes between which hardly anything stayed, and let each begin and end where a word or sentence does."""
    if len(section) < 2:
        return section
    # What stayed before a change, what went, what came.
    changes: list[tuple[str, str, str]] = [("", "", "")]
    for change, text in section:
        stayed, gone, came = changes[-1]
        if change == 0:
            changes.append((text, "", ""))
            continue
        changes[-1] = (stayed, gone + text, came) if change < 0 else (stayed, gone, came + text)
        while len(changes) > 1 and _is_lost(changes[-2], changes[-1]):
            stayed, gone, came = changes.pop()
            earlier = changes[-1]
            changes[-1] = (earlier[0], earlier[1] + stayed + gone, earlier[2] + stayed + came)
    joined = [
        (sign, text) for stayed, gone, came in changes for sign, text in ((0, stayed), (-1, gone), (1, came)) if text
    ]
    library = diff_match_patch()
    library.diff_cleanupMerge(joined)
    library.diff_cleanupSemanticLossless(joined)
    return joined


def _is_lost(earlier: tuple[str, str, str], later: tuple[str, str, str]) -> bool:
    """Say whether what stayed between two changes is no more than what was replaced on each side of it.

    Words between which something was only added, or only taken out, are never lost.
    """
    (_before, gone, came), (stayed, went, entered) = earlier, later
    replaced = (gone or went) and (came or entered)
    return bool(replaced) and len(stayed) <= min(max(len(gone), len(came)), max(len(went), len(entered)))


def _sections(differences: list[tuple[int, str]]) -> Iterator[list[tuple[int, str]]]:
    """Cut long unchanged stretches out, so that what lies between two of them is tidied by itself."""
    section: list[tuple[int, str]] = []
    for change, text in differences:
        if change == 0 and len(text) > 2 * _AROUND:
            if section:
                yield [*section, (0, text[:_AROUND])]
            yield [(0, text[_AROUND if section else 0 : -_AROUND])]
            section = [(0, text[-_AROUND:])]
        else:
            section.append((change, text))
    if section:
        yield section


def _in_parts(
    old: Sequence[W],
    new: Sequence[W],
    edits: Sequence[_Edit],
    *,
    cut: Callable[[W], list[W]],
    key: Callable[[W], Hashable],
    kind: Callable[[W], str],
) -> tuple[list[W], list[W], list[_Edit]]:
    """Return the words and what became of them, where compounds were replaced by others cut into their parts.

    Of two compounds that stand for each other only the parts that differ are marked: as little as a reader would mark,
    and never less than a word. What stayed is not cut, so that no part of it is found again by chance.
    """
    before: list[W] = []
    after: list[W] = []
    finer: list[_Edit] = []
    for stays, group in groupby(edits, key=lambda edit: edit.fate is Fate.SAME):
        run = list(group)
        gone, came = old[run[0].old.start : run[-1].old.stop], new[run[0].new.start : run[-1].new.stop]
        row, column = len(before), len(after)
        inner = run
        first_row, first_column = run[0].old.start, run[0].new.start
        if not stays and gone and came:
            parts, others = ([part for word in side for part in cut(word)] for side in (gone, came))
            if len(parts) + len(others) > len(gone) + len(came):
                gone, came = parts, others
                kinds = {key(word): kind(word) for word in (*gone, *came)}
                inner = _edits([key(word) for word in gone], [key(word) for word in came], kinds)
                first_row = first_column = 0
        before += gone
        after += came
        finer += [
            _Edit(
                edit.fate,
                slice(edit.old.start - first_row + row, edit.old.stop - first_row + row),
                slice(edit.new.start - first_column + column, edit.new.stop - first_column + column),
            )
            for edit in inner
        ]
    return before, after, finer


def compare(old: str, new: str, language: str) -> tuple[Piece, ...]:
    """Return the words that stayed, went and came, in the order in which they are read.

    `apply` and `revert` make one of the two texts of the other.
    """
    cutter = _Cutter(language)
    before, after = (
        [word for line in text.splitlines(keepends=True) for word in cutter.words(line)] for text in (old, new)
    )
    edits = _edits(before, after, {word: _kind(word) for word in (*before, *after)})
    if language == "ja":
        before, after, edits = _in_parts(before, after, edits, cut=lambda word: list(_parts(word)), key=str, kind=_kind)
    pieces: list[Piece] = []
    for edit in edits:
        text = "".join(before[edit.old] if edit.fate is Fate.GONE else after[edit.new])
        if pieces and pieces[-1].fate is edit.fate:
            text = pieces.pop().text + text
        pieces.append(Piece(edit.fate, text))
    return tuple(pieces)


def apply(pieces: Iterable[Piece], old: str) -> str:
    """Return the new text from what was compared and the old one. Raises `ValueError` for another text than that."""
    return _turned(pieces, old, Fate.GONE, Fate.NEW)


def revert(pieces: Iterable[Piece], new: str) -> str:
    """Return the old text from what was compared and the new one. Raises `ValueError` for another text than that."""
    return _turned(pieces, new, Fate.NEW, Fate.GONE)


def _turned(pieces: Iterable[Piece], text: str, theirs: Fate, ours: Fate) -> str:
    written, at = [], 0
    for piece in pieces:
        if piece.fate is not ours:
            if not text.startswith(piece.text, at):
                raise ValueError(f"the text is not the one that was compared, from character {at} on")
            at += len(piece.text)
        if piece.fate is not theirs:
            written.append(piece.text)
    if at != len(text):
        raise ValueError(f"the text goes on after character {at}, where the one that was compared ends")
    return "".join(written)


# --- what is shown: reading the markup ----------------------------------------------------------

_VOID = frozenset({"br", "hr", "img", "input"})
_INLINE = frozenset({"a", "br", "code", "em", "img", "input", "s", "span", "strong", "sup"})
# Emphasis in emphasis deeper than this is read as if it were not there.
_DEPTH = 30


@dataclass(slots=True, eq=False)
class _Element:
    """An element of the markup; two of them are the same only where they are one."""

    tag: str
    attributes: tuple[tuple[str, str], ...]
    children: list[_Element | str] = field(default_factory=list)

    @property
    def start(self) -> str:
        attributes = "".join(f' {name}="{escape(value)}"' for name, value in self.attributes)
        return f"<{self.tag}{attributes}>"

    @property
    def end(self) -> str:
        return "" if self.tag in _VOID else f"</{self.tag}>"

    @property
    def style(self) -> str:
        return next((value for name, value in self.attributes if name == "class"), "")


class _Reader(HTMLParser):
    """Reads what the allow-list of `core.markdown` has let through; it is well-formed."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = _Element("div", ())
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = tuple((name, value or "") for name, value in attrs if name != "id")
        if tag == "a":
            # The same note may stand on the page twice, before and after; its mark leads nowhere here.
            attributes = tuple((name, value) for name, value in attributes if (name, value[:3]) != ("href", "#fn"))
        element = _Element(tag, attributes)
        self.open[-1].children.append(element)
        if tag not in _VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID and len(self.open) > 1:
            element = self.open.pop()
            if element.style == "footnote-back":
                self.open[-1].children.remove(element)

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


@dataclass(slots=True, eq=False)
class _Word:
    """A word as it is shown: with the elements around it, and alone an element that holds no words.

    Its key is what it is known by: how it reads, and what stands around it.
    """

    key: tuple[str, str]
    text: str
    path: tuple[_Element, ...]
    element: _Element | None = None


def _kind_of(word: _Word) -> str:
    return "sign" if word.element else _kind(word.text)


def _parts_of(word: _Word) -> list[_Word]:
    parts = () if word.element else _parts(word.text)
    return [word] if len(parts) < 2 else [_Word((part, word.key[1]), part, word.path) for part in parts]


@dataclass(slots=True, eq=False)
class _Block:
    """A paragraph, list, item, row, cell …: it has either blocks in it or words."""

    kind: str
    element: _Element | None
    blocks: list[_Block] | None
    words: list[_Word]
    key: str
    weights: dict[str, int]

    @property
    def start(self) -> str:
        return self.element.start if self.element else ""

    @property
    def end(self) -> str:
        return self.element.end if self.element else ""


class _Blocks(_Cutter):
    """Reads the blocks and words of two markups."""

    def blocks(self, html: str) -> list[_Block]:
        """Return the blocks of a markup; blanks between them are not kept."""
        reader = _Reader()
        reader.feed(html)
        reader.close()
        return self._blocks(reader.root.children)

    def _blocks(self, children: Sequence[_Element | str]) -> list[_Block]:
        blocks: list[_Block] = []
        run: list[_Element | str] = []
        for child in [*children, None]:
            if isinstance(child, str) or (child is not None and child.tag in _INLINE):
                run.append(child)
                continue
            if any(not isinstance(each, str) or not each.isspace() for each in run):
                blocks.append(self._leaf("p", None, run))
            run = []
            if child is not None:
                blocks.append(self._block(child))
        return blocks

    def line(self, text: str) -> list[_Word]:
        """Return the words of a plain text."""
        return list(self._words([text], is_exact=False))

    def _block(self, element: _Element) -> _Block:
        if element.tag in ("p", "pre", "h1", "h2", "h3", "h4", "h5", "h6", "hr"):
            return self._leaf(element.tag, element, element.children)
        blocks = self._blocks(element.children)
        weights: dict[str, int] = {}
        for block in blocks:
            weights.update(block.weights)
        # A list of things to do and one of other things are both lists; a warning is no note.
        kind = f"div {element.style}" if element.tag == "div" else element.tag
        if element.tag == "table":
            rows = [row for part in blocks for row in part.blocks or ()]
            kind = f"table of {len(rows[0].blocks or ()) if rows else 0}"
        key = f"{element.start}{''.join(block.key for block in blocks)}{element.end}"
        return _Block(kind, element, blocks, [], key, weights)

    def _leaf(self, kind: str, element: _Element | None, children: Sequence[_Element | str]) -> _Block:
        words = list(self._words(children, is_exact=kind == "pre"))
        if element is not None and kind == "hr":
            words = [_Word((element.start, ""), "", (), element)]
            element = None
        weights = {
            part.casefold(): len(part)
            for word in words
            # は, です, of: what stands everywhere says nothing.
            if word.text[:1].isalnum() and not (len(word.text) < 3 and "\u3041" <= word.text[0] <= "\u309f")
            for part in (_parts(word.text) if self.language == "ja" else (word.text,))
        }
        key = f"<{kind}>{''.join(str(word.key) for word in words)}"
        return _Block(kind, element, None, words, key, weights)

    def _words(self, children: Sequence[_Element | str], *, is_exact: bool) -> Iterator[_Word]:
        # By hand, not by recursion: emphasis can be nested as deep as a text is long.
        ways: list[tuple[Iterator[_Element | str], tuple[_Element, ...], str]] = [(iter(children), (), "")]
        while ways:
            rest, path, around = ways[-1]
            child = next(rest, None)
            if child is None:
                ways.pop()
            elif isinstance(child, str):
                for word in self.words(child):
                    key = word if is_exact or not word.isspace() else " "
                    yield _Word((key, around), word, path)
            elif child.tag in _VOID:
                yield _Word((child.start, around), "", path, child)
            elif len(path) < _DEPTH:
                ways.append((iter(child.children), (*path, child), around + child.start))
            else:
                ways.append((iter(child.children), path, around))


# --- what is shown: pairing and marking ---------------------------------------------------------

# How much of two blocks must be the same, by the length of their words, for one to have become the other.
_ALIKE = 0.35
# Pairs of blocks of one stretch that are looked at; in a longer one only those near the same place.
_PAIRS = 20_000


@dataclass(frozen=True, slots=True)
class Marked:
    """A text with what differs from another: both in one, the old one and the new one.

    What went stands in `<del>`, what came in `<ins>`, with hidden words for those who hear the page. A paragraph, item
    or row that stands as it was at another place is marked there and here, with words that everybody sees.
    `moved` counts those; `reworded`: something other than their places differs.
    """

    inline: TrustedHtml
    before: TrustedHtml
    after: TrustedHtml
    changed: bool
    moved: int = 0
    reworded: bool = False


def mark(old: TrustedHtml, new: TrustedHtml, language: str) -> Marked:
    """Return what differs between two pieces of rendered markup, whose text is in the language.

    Blanks between blocks, ids and the ways to and from notes are left out on both sides, so that both can stand on
    one page. Paragraphs that only break their lines elsewhere are the same.
    """
    reading = _Blocks(language)
    marking = _Marking(language)
    if old == new:
        shown = "".join(_plain(block) for block in reading.blocks(new))
        marking.everywhere(shown, shown)
    else:
        marking.merge(reading.blocks(old), reading.blocks(new))
    return marking.result()


def mark_words(old: str, new: str, language: str) -> Marked:
    """Return what differs between two plain texts, as markup."""
    reading = _Blocks(language)
    marking = _Marking(language)
    marking.merge_words(reading.line(old), reading.line(new))
    return marking.result()


class _Marking:
    """Writes the three markups side by side."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.before: list[str] = []
        self.after: list[str] = []
        self.inline: list[str] = []
        self.reworded = False
        self.moved = 0
        here = page_language()
        tag = "" if language == here else f' lang="{here}"'
        no_more = _("[end]")
        end = f'<span class="visually-hidden"{tag}> {escape(no_more)}</span>'

        def between(element: str, style: str, said: str) -> tuple[str, str]:
            return f'<{element}><span class="{style}"{tag}>{escape(said)} </span>', f"{end}</{element}>"

        self.marks = {
            Fate.GONE: between("del", "visually-hidden", _("[removed]")),
            Fate.NEW: between("ins", "visually-hidden", _("[added]")),
        }
        away, here_now = _("[moved from here]"), _("[moved here]")
        # Seen once at the head of what moved; in each further cell or item of it only heard.
        self.marks_of_moves = [
            {
                Fate.MOVED_AWAY: between("del", f"redline-moved{hidden}", away),
                Fate.MOVED_HERE: between("ins", f"redline-moved{hidden}", here_now),
            }
            for hidden in ("", " visually-hidden")
        ]

    def result(self) -> Marked:
        inline, before, after = (with_changes("".join(each)) for each in (self.inline, self.before, self.after))
        return Marked(inline, before, after, self.reworded or self.moved > 0, self.moved, self.reworded)

    def everywhere(self, old: str, new: str) -> None:
        self.before.append(old)
        self.after.append(new)
        self.inline.append(new)

    def merge(self, old: Sequence[_Block], new: Sequence[_Block]) -> None:
        """Write two sequences of blocks."""
        row = column = 0
        places = _common([block.key for block in old], [block.key for block in new])
        moved = _moved(old, new, places)
        self.moved += len(moved) // 2
        for i, j in [*places, (len(old), len(new))]:
            self._between(old[row:i], new[column:j], moved)
            if i < len(old):
                self.everywhere(_plain(old[i]), _plain(new[j]))
            row, column = i + 1, j + 1

    def _between(self, old: Sequence[_Block], new: Sequence[_Block], moved: Set[_Block]) -> None:
        # What has moved has not become anything else.
        rows = [place for place, block in enumerate(old) if block not in moved]
        columns = [place for place, block in enumerate(new) if block not in moved]
        found = _paired([old[place] for place in rows], [new[place] for place in columns])
        pairs = [(rows[i], columns[j]) for i, j in found]
        row = column = 0
        for i, j in [*pairs, (len(old), len(new))]:
            for block in old[row:i]:
                self.whole(block, Fate.MOVED_AWAY if block in moved else Fate.GONE)
            for block in new[column:j]:
                self.whole(block, Fate.MOVED_HERE if block in moved else Fate.NEW)
            if i < len(old):
                self.pair(old[i], new[j])
            row, column = i + 1, j + 1

    def pair(self, old: _Block, new: _Block) -> None:
        """Write a block that has become another of its kind."""
        self.everywhere(old.start, new.start)
        if old.blocks is None or new.blocks is None:
            self.merge_words(old.words, new.words, is_exact=old.kind == "pre")
        elif old.kind.startswith("table of "):
            # A head and a body each; where one has none, its rows went or came.
            parts = {part.kind: part for part in old.blocks}
            for part in new.blocks:
                if part.kind in parts:
                    self.pair(parts.pop(part.kind), part)
                else:
                    self.whole(part, Fate.NEW)
            for part in parts.values():
                self.whole(part, Fate.GONE)
        elif old.kind == "tr":
            for cell_old, cell_new in zip(old.blocks, new.blocks, strict=True):
                self.everywhere(cell_old.start, cell_new.start)
                self.merge_words(_words_of(cell_old), _words_of(cell_new))
                self.everywhere(cell_old.end, cell_new.end)
        elif old.kind == "thead":
            for row_old, row_new in zip(old.blocks, new.blocks, strict=True):
                self.pair(row_old, row_new)
        else:
            self.merge(old.blocks, new.blocks)
        self.everywhere(old.end, new.end)

    def whole(self, block: _Block, fate: Fate) -> None:
        """Write a block that went or came as a whole: the marks stand around the words, innermost."""
        has_moved = fate in (Fate.MOVED_AWAY, Fate.MOVED_HERE)
        self.reworded = self.reworded or not has_moved
        shown = self._whole(block, fate, [*self.marks_of_moves] if has_moved else [self.marks])
        is_old = fate in (Fate.GONE, Fate.MOVED_AWAY)
        (self.before if is_old else self.after).append(shown)
        if is_old and block.kind == "li" and block.element is not None:
            # It is not counted any more.
            names = f"{block.element.style} redline-gone".strip()
            others = tuple(each for each in block.element.attributes if each[0] != "class")
            start = _Element("li", (*others, ("class", names))).start
            shown = start + shown.removeprefix(block.start)
        self.inline.append(shown)

    def _whole(self, block: _Block, fate: Fate, marks: list[_Marks]) -> str:
        if block.blocks is None:
            # The first of several marks is for the first words.
            mark_now = marks.pop(0) if len(marks) > 1 and block.words else marks[0]
            return f"{block.start}{_written(_placed(block.words, fate), mark_now)}{block.end}"
        return f"{block.start}{''.join(self._whole(each, fate, marks) for each in block.blocks)}{block.end}"

    def merge_words(self, old: Sequence[_Word], new: Sequence[_Word], *, is_exact: bool = False) -> None:
        """Write the words of a paragraph, item or cell and those that it has become."""
        kinds: dict[Hashable, str] = {word.key: _kind_of(word) for word in (*old, *new)}
        edits = _edits([word.key for word in old], [word.key for word in new], kinds)
        if self.language == "ja":
            old, new, edits = _in_parts(old, new, edits, cut=_parts_of, key=lambda word: word.key, kind=_kind_of)
        # The element around a word that went is the one around its neighbours that stayed.
        became: dict[_Element, _Element] = {}
        for edit in edits:
            if edit.fate is Fate.SAME:
                for word, again in zip(old[edit.old], new[edit.new], strict=True):
                    for element, now in zip(word.path, again.path, strict=True):
                        became.setdefault(element, now)
        before: list[_Placed] = []
        after: list[_Placed] = []
        inline: list[_Placed] = []
        for edit in edits:
            gone, came = old[edit.old], new[edit.new]
            if edit.fate is Fate.SAME:
                before += _placed(gone, Fate.SAME)
                after += _placed(came, Fate.SAME)
                inline += _placed(came, Fate.SAME)
                continue
            # A blank more or less is not shown to anybody.
            is_blank = not is_exact and all(word.element is None and word.text.isspace() for word in (*gone, *came))
            fate = Fate.SAME if is_blank else edit.fate
            self.reworded = self.reworded or not is_blank
            before += _placed(gone, fate)
            after += _placed(came, fate)
            if not (is_blank and gone):
                inline += [(fate, word, tuple(became.get(each, each) for each in word.path)) for word in gone]
                inline += _placed(came, fate)
        self.before.append(self._shown(before))
        self.after.append(self._shown(after))
        self.inline.append(self._shown(inline))

    def _shown(self, words: Sequence[_Placed]) -> str:
        return _written(words, self.marks)


# A word, what became of it, and the elements that it is shown in.
_Placed = tuple[Fate, _Word, tuple[_Element, ...]]
# What stands before and behind words, by what became of them.
_Marks = Mapping[Fate, tuple[str, str]]


def _placed(words: Sequence[_Word], fate: Fate) -> list[_Placed]:
    return [(fate, word, word.path) for word in words]


def _written(words: Sequence[_Placed], marks: _Marks) -> str:
    """Return words as markup, each mark around as much as went or came together."""
    root = _Shown(None)
    way = [root]
    for (fate, path, element), run in groupby(words, key=lambda placed: (placed[0], placed[2], placed[1].element)):
        depth = 0
        while depth < len(path) and depth + 1 < len(way) and way[depth + 1].element is path[depth]:
            depth += 1
        del way[depth + 1 :]
        for around in path[depth:]:
            way.append(way[-1].add(_Shown(around)))
        way[-1].add(_Shown(element, str(escape("".join(word.text for _fate, word, _path in run))), fate))
    root.settle()
    return root.markup(marks)


@dataclass(slots=True, eq=False)
class _Shown:
    """An element, or words; its fate is None where that of its parts differs."""

    element: _Element | None
    text: str = ""
    fate: Fate | None = None
    parts: list[_Shown] = field(default_factory=list)

    def add(self, part: _Shown) -> _Shown:
        self.parts.append(part)
        return part

    def settle(self) -> None:
        for part in self.parts:
            part.settle()
        fates = {part.fate for part in self.parts}
        if len(fates) == 1:
            self.fate = fates.pop()

    def markup(self, marks: _Marks, within: Fate | None = None) -> str:
        pieces = []
        for fate, group in groupby(self.parts, key=lambda part: part.fate):
            start, end = marks[fate] if fate in marks and fate is not within else ("", "")
            shown = (
                part.text + (part.element.start + part.markup(marks, fate) + part.element.end if part.element else "")
                for part in group
            )
            pieces.append(f"{start}{''.join(shown)}{end}")
        return "".join(pieces)


def _words_of(block: _Block) -> list[_Word]:
    return [word for each in block.blocks or () for word in each.words]


def _plain(block: _Block) -> str:
    if block.blocks is not None:
        return f"{block.start}{''.join(_plain(each) for each in block.blocks)}{block.end}"
    return f"{block.start}{_written(_placed(block.words, Fate.SAME), {})}{block.end}"


def _moved(old: Sequence[_Block], new: Sequence[_Block], places: Sequence[tuple[int, int]]) -> Set[_Block]:
    """Return the blocks of both sides that stand as they were at another place; `places` are those that stayed."""
    rows, columns = {row for row, _column in places}, {column for _row, column in places}
    waiting: dict[str, list[_Block]] = {}
    for place, block in enumerate(old):
        # A line across the page, or an empty cell, says nothing by which it could be known.
        if place not in rows and block.weights:
            waiting.setdefault(block.key, []).append(block)
    moved: set[_Block] = set()
    for place, block in enumerate(new):
        if place not in columns and waiting.get(block.key):
            moved |= {waiting[block.key].pop(0), block}
    return moved


def _paired(old: Sequence[_Block], new: Sequence[_Block]) -> list[tuple[int, int]]:
    """Return which blocks have become which: in order, of one kind, and as alike as can be in all."""
    if not old or not new:
        return []
    reach = max(len(old), len(new))
    if len(old) * len(new) > _PAIRS:
        reach = max(4, _PAIRS // (2 * len(old)))
    # The best sum of likenesses up to (row, column), by column, and how it came about.
    best: dict[int, float] = {}
    steps: list[dict[int, int]] = []
    previous: dict[int, float] = {}
    for row, block in enumerate(old):
        middle = row * len(new) // len(old)
        steps.append({})
        best = {}
        for column in range(max(0, middle - reach), min(len(new), middle + reach + 1)):
            over, left = previous.get(column, 0.0), best.get(column - 1, 0.0)
            step, value = (1, over) if over >= left else (2, left)
            likeness = _likeness(block, new[column])
            if likeness and previous.get(column - 1, 0.0) + likeness > value:
                step, value = 3, previous.get(column - 1, 0.0) + likeness
            best[column] = value
            steps[row][column] = step
        previous = best
    pairs = []
    row, column = len(old) - 1, len(new) - 1
    while row >= 0 and column >= 0:
        step = steps[row].get(column, 1 if column < min(steps[row]) else 2)
        if step == 3:
            pairs.append((row, column))
        row, column = row - (step != 2), column - (step != 1)
    return pairs[::-1]


def _likeness(old: _Block, new: _Block) -> float:
    """Return how much two blocks have in common, from 0 (nothing that would make one of the other) to 1."""
    if old.kind != new.kind:
        return 0.0
    whole = sum(old.weights.values()) + sum(new.weights.values())
    if not whole:
        return 1.0
    common = old.weights.keys() & new.weights.keys()
    share = 2 * sum(old.weights[word] for word in common) / whole
    return share if share >= _ALIKE else 0.0

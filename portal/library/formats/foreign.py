"""Markdown that others wrote, brought into our form: no word is lost, and what cannot be mended is said."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from html import unescape
from typing import Any
from urllib.parse import unquote

from portal.core.content import SLUG
from portal.core.i18n import gettext as _
from portal.core.markdown import (
    ANCHOR,
    HIDDEN,
    MAX_HEADING,
    MAX_HEADINGS,
    FrontMatterBroken,
    Place,
    Problem,
    TextRefused,
    What,
    front_matter,
    normal_source,
    places,
    propose_anchor,
)
from portal.library.rules.overlays import SLUG as OVERLAY
from portal.library.service.texts import RESERVED

MAX_TITLE = 300
MAX_MESSAGE = 2_000
# What is mended may uncover more of it: a picture within a link, tags within words.
_ROUNDS = 5
# From this likeness on two clauses are one that was reworded (shared words, of all of both).
_ALIKE = 0.5
# More comparisons than this take longer than they are worth; clauses are then compared with those near them.
_COMPARISONS = 4_000
_NEAR = 4
_TAG_START = re.compile(r"<(?=[A-Za-z/!?])")
_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
_NAMED_PLACE = re.compile(r"<a\s+(?:name|id)\s*=\s*(?:\"[^\"]*\"|'[^']*'|[^\s>]+)\s*/?>", re.IGNORECASE)
_VERBATIM = re.compile(r"\s*<(?:pre|script|style|textarea)\b", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"\b(alt|src)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s>]+))", re.IGNORECASE)
_MARKUP = re.compile(r"([\\`*_\[\]<>|])")
_ATX = re.compile(r" {0,3}(#{1,6})")
# What only the parser can tell, or what has to be mended: tags, fences, pictures, links to clauses, definitions of
# links, entities, addresses that nobody may follow, headings that are indented or underlined, tabs, braces as of ids.
_PARSED = re.compile(
    r"<[A-Za-z/!?]|```|~~~|!\[|\[\[|\]:|&[#A-Za-z]|\{[ ]*#|^[ >*+.):\d-]+#|[^\n]\n {0,3}(?:=+|-+) *$|[\t\v\f\r]"
    r"|\]\([ \n]*(?:[\\<]|//|/\\|(?!https?:|mailto:)[A-Za-z][A-Za-z0-9+.-]*:)",
    re.MULTILINE,
)
_HEADING = re.compile(r"^(?P<level>#{1,6})(?: (?P<words>.*))?$", re.MULTILINE)
_MARKS = re.compile(r"[\\`*_\[\]<>&~!|{}#]")
_TITLE_LINE = re.compile(r"^title:(?P<title>.*)$", re.MULTILINE | re.IGNORECASE)
_HIDDEN_REFERENCE = re.compile(r"&#(?:[xX](?P<hex>[0-9A-Fa-f]{1,6})|(?P<number>[0-9]{1,7}));")
# Bounded, so that no message takes long.
_MAIL = re.compile(r"[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_WORD = re.compile(r"[\w]+")
_JAPANESE = re.compile("[\u3041-\u30ff\u3400-\u9fff\uf900-\ufaff\uff66-\uff9d]")
# What YAML takes for a line break or cannot hold at all, besides what our texts may not hold.
_NO_LINE = re.compile("[\x85\u2028\u2029]")
_NO_YAML = re.compile("[\ufffe\uffff]")
# What tells a question, a bank of questions, and a folder in our own layout.
_QUESTION_KIND = re.compile(r"\{[ \t]*type=\w+[ \t}]")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_BANK_FILE = re.compile(r"[a-z][a-z0-9-]*\.(?:en|ja)\.md", re.IGNORECASE)
_OWN_SETTINGS = re.compile(r"((?:.*/)?)documents/[a-z][a-z0-9-]*/document\.toml", re.DOTALL)
# What lies beside the documents in our own layout.
OTHER_PARTS = ("banks", "calendars", "credentials", "glossary.toml", "plans", "quizzes")
_LANGUAGE_FOLDER = {
    **dict.fromkeys(("en", "en-us", "en-gb", "english"), "en"),
    **dict.fromkeys(("ja", "ja-jp", "japanese"), "ja"),
}
_KINDS = (
    ("handover", re.compile(r"hand-?overs?|引継|引き継ぎ")),
    ("sop", re.compile(r"sops?|run-?books?|play-?books?|procedures?|how-?to|手順")),
    ("lesson", re.compile(r"lessons?|training|tutorials?|courses?|classes|教材|研修")),
)


class CannotMend(Exception):
    """A text that cannot be taken; the problem says on which line (0: as a whole), why, and what to do."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(problem.reason)


@dataclass(frozen=True, slots=True)
class Section:
    """A clause as it is matched with others: its id where it has one, level, heading, and what stands below it."""

    anchor: str
    level: int
    heading: str
    body: str


@dataclass(slots=True)
class ForeignText:
    """A text in our form but for the ids of its headings.

    `values` are what its front matter says, as far as they are texts. `top` tells whether text stands before the first
    heading.
    """

    title: str
    values: dict[str, str]
    source: str
    headings: list[Place]
    top: bool
    # The number of its first line in its file.
    first_line: int = 1
    # By how much headings are shifted, and the heading that became the title and is taken out of the text.
    shift: int = 0
    taken_out: Place | None = None

    @property
    def sections(self) -> list[Section]:
        """The clauses with headings, in their order."""
        kept = [place for place in self.headings if place is not self.taken_out]
        ends = [*(place.start for place in kept), len(self.source)][1:]
        return [
            Section(place.anchor, min(6, place.level + self.shift), place.words, self.source[place.end : end])
            for place, end in zip(kept, ends, strict=True)
        ]

    @property
    def outline(self) -> list[int]:
        """The levels of all clauses in their order; 0 is the text before the first heading."""
        return [*([0] if self.top else []), *(section.level for section in self.sections)]

    def with_ids(self, anchors: Sequence[str]) -> str:
        """Return the text with these ids at its headings."""
        edits: list[tuple[int, int, str]] = []
        chosen = iter(anchors)
        for place in self.headings:
            if place is self.taken_out:
                # Its line stays, so that lines keep their numbers.
                edits.append((place.start, place.end, "\n" * self.source.count("\n", place.start, place.end)))
            else:
                written = self.source[place.start : place.end]
                edits.append((place.start, place.end, _heading(written, place, self.shift, next(chosen))))
        return _edited(self.source, edits)


def decoded(data: bytes) -> str:
    """Return the text of a file with plain line ends, without marks that nobody sees. Raises `CannotMend`."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as broken:
        line = data[: broken.start].count(b"\n") + 1
        raise CannotMend(
            Problem(line, _("The file is not UTF-8."), _("Save it as UTF-8; nothing is guessed."))
        ) from broken
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x0b", "\n").replace("\x0c", "\n")
    return HIDDEN.sub("", _HIDDEN_REFERENCE.sub(_shown_reference, text))


def _shown_reference(found: re.Match[str]) -> str:
    """Return a numeric reference as it stands, or nothing where it stands for a mark that nobody sees."""
    number = int(found["hex"], 16) if found["hex"] else int(found["number"])
    is_hidden = number in range(0x110000) and HIDDEN.match(chr(number)) is not None
    return "" if is_hidden else found[0]


def opened(text: str) -> tuple[dict[str, str], str, int]:
    """Return the texts of the front matter, what stands below it, and the number of its first line.

    Front matter that cannot be read is left out but for its title; lines that only look like it are text.
    """
    if text.startswith("+++\n") and "\n+++" in text[3:]:
        head, _mark, body = text[4:].partition("\n+++")
        try:
            table: dict[str, Any] = tomllib.loads(head)
        except (ValueError, RecursionError):
            table = {}
        return _texts_of(table), body.partition("\n")[2], head.count("\n") + 4
    try:
        given, body, line = front_matter(text)
    except FrontMatterBroken:
        lines = text.split("\n")
        end = next((number for number, each in enumerate(lines[1:], start=1) if each.rstrip() == "---"), None)
        if end is None:
            return {}, text, 1
        found = _TITLE_LINE.search("\n".join(lines[1:end]))
        given = {"title": found["title"].strip().strip("\"'")} if found else {}
        body, line = "\n".join(lines[end + 1 :]), end + 2
    return _texts_of(given), body, line


def _texts_of(given: Mapping[str, Any]) -> dict[str, str]:
    return {key: one_line(value) for key, value in given.items() if isinstance(value, str) and value.strip()}


def one_line(text: str) -> str:
    """Return a text on one line, without what neither a page nor a file of ours can hold."""
    return " ".join(_NO_YAML.sub("", HIDDEN.sub("", _NO_LINE.sub(" ", text))).split())


def mended(text: str, *, fallback: str, own_slug: str = "", keeps_links: bool = False) -> ForeignText:
    """Bring a text into our form; what stands before it and beside it is read too.

    `fallback` is its title where it has none. Links to clauses of other documents stay only with `keeps_links`. Raises
    `CannotMend` for what cannot be mended.
    """
    values, source, first_line = opened(text)
    headings = _plain_headings(source)
    if headings is not None:
        return _titled(values, source, headings, fallback, first_line)
    try:
        found = places(source)
        for _round in range(_ROUNDS):
            edits = _edits(source, found, own_slug, keeps_links)
            if not edits:
                break
            source = _edited(source, edits)
            found = places(source)
    except TextRefused as refused:
        problem = refused.problems[0]
        shifted = problem.line + first_line - 1 if problem.line else 0
        raise CannotMend(Problem(shifted, problem.reason, problem.mend)) from refused
    if not source.strip():
        raise CannotMend(Problem(first_line, _("The text is empty."), _("Write at least one paragraph.")))
    headings = [place for place in found if place.what is What.HEADING]
    return _titled(values, source, headings, fallback, first_line)


def _plain_headings(source: str) -> list[Place] | None:
    """Return the headings of a text in which nothing is to be mended, if that can be told without parsing it, or None.

    Without raw HTML, fences, pictures, underlined headings and marks within headings, a line that begins with # is a
    heading, and nothing else is. Most versions of most texts are of this kind.
    """
    if not source.strip() or _PARSED.search(source) or HIDDEN.search(source):
        return None
    headings: list[Place] = []
    line = reached = 0
    for found in _HEADING.finditer(source):
        line += source.count("\n", reached, found.start())
        reached = found.start()
        words, level = (found["words"] or "").strip(), len(found["level"])
        if _MARKS.search(words) or len(words) > MAX_HEADING or len(headings) == MAX_HEADINGS:
            return None
        headings.append(Place(What.HEADING, line + 1, found.start(), found.end(), words=words, level=level))
    return headings


def _titled(values: dict[str, str], source: str, headings: list[Place], fallback: str, first_line: int) -> ForeignText:
    """Tell the title, and what becomes of headings of level one: the title is the page's only one."""
    highest = [place for place in headings if place.level == 1]
    first = one_line(highest[0].words) if highest else ""
    stated = values.get("title", "")
    title = (stated or first or one_line(fallback))[:MAX_TITLE].strip() or _("Untitled")
    before = source[: headings[0].start].strip() if headings else source.strip()
    # A single one that says nothing but the title, before everything else, is shown as the title.
    becomes_title = (
        len(highest) == 1
        and highest[0] is headings[0]
        and not before
        and first == title
        and bool(source[highest[0].end :].strip())
    )
    taken_out = highest[0] if becomes_title else None
    top = bool(before)
    if taken_out is not None:
        following = headings[1].start if len(headings) > 1 else len(source)
        top = bool(source[taken_out.end : following].strip())
    shift = 1 if highest and not becomes_title else 0
    return ForeignText(title, values, source, headings, top, first_line, shift, taken_out)


# --- mending --------------------------------------------------------------------------------------


def _edited(source: str, edits: Iterable[tuple[int, int, str]]) -> str:
    """Carry out edits (from, up to, what stands there instead); of two that overlap the one that begins first."""
    pieces, reached = [], 0
    for start, end, instead in sorted(edits, key=lambda edit: (edit[0], -edit[1])):
        if start >= reached:
            pieces += [source[reached:start], instead]
            reached = end
    return "".join([*pieces, source[reached:]])


def _edits(source: str, found: Sequence[Place], own_slug: str, keeps_links: bool) -> list[tuple[int, int, str]]:
    edits: list[tuple[int, int, str]] = []
    anchors = {place.anchor for place in found if place.what is What.HEADING and place.anchor}
    dropped = 0
    for place in found:
        if place.what is What.HEADING:
            edits += _heading_edits(source, place)
            continue
        if place.what is What.CLAUSE_LINK:
            anchor = place.words.rpartition("#")[2].rstrip("]")
            if (keeps_links and place.address not in ("", own_slug)) or (
                place.address in ("", own_slug) and anchor in anchors
            ):
                continue
        if not place.end:
            edits += _line_edits(source, place)
        elif place.what is What.CLAUSE_LINK:
            edits.append((place.start, place.end, f"\\{place.words}"))
        elif place.what is What.PICTURE:
            edits.append((place.start, place.end, _picture(place.words, place.address, place.within_link)))
        elif place.what is What.LINK:
            edits.append((place.start, place.end, _link(place)))
        elif place.what is What.TAG:
            if _NAMED_PLACE.fullmatch(place.words):
                dropped += 0 if place.words.endswith("/>") else 1
                edits.append((place.start, place.end, ""))
            elif place.words.lower().startswith("</a") and dropped:
                dropped -= 1
                edits.append((place.start, place.end, ""))
            else:
                edits.append((place.start, place.end, _tag(place.words, place.within_link)))
        else:
            edits.append((place.start, place.end, _block(source[place.start : place.end], place.words)))
    return edits


def _heading_edits(source: str, place: Place) -> list[tuple[int, int, str]]:
    written = source[place.start : place.end]
    if len(place.words) > MAX_HEADING:
        # Too long to be the name of a clause: it stays as a paragraph.
        lines = written.split("\n")
        kept = [*lines[:-1], ""] if place.underlined else [_ATX.sub("", written[: _end_of_words(written)]).strip()]
        return [(place.start, place.end, "\n".join(kept))]
    if place.braces:
        # The id of another program; ours is given by the rules of ours.
        found = written.rfind(place.braces)
        if found >= 0:
            start = place.start + found
            return [(start, start + len(place.braces), "")]
    return []


def _heading(written: str, place: Place, shift: int, anchor: str) -> str:
    """Write a heading with its id, `shift` levels further down."""
    level = min(6, place.level + shift)
    lines = written.split("\n")
    if place.underlined:
        content = " ".join(line.strip() for line in lines[:-1])
        if shift or len(lines) > 2:
            # Only levels one and two can be underlined, and an id stands on the heading's only line.
            lines = [f"{'#' * level} {content}", *([""] * (len(lines) - 1))]
            place_of_id = 0
        else:
            place_of_id = len(lines) - 2
    else:
        place_of_id = 0
        lines[0] = _ATX.sub(lambda marks: "#" * level, lines[0], count=1)
    line = lines[place_of_id]
    if place.anchor:
        before, _braces, after = line.rpartition(f"{{#{place.anchor}")
        lines[place_of_id] = f"{before}{{#{anchor}{after}"
    else:
        end = len(line.rstrip()) if place.underlined and not shift else _end_of_words(line)
        lines[place_of_id] = f"{line[:end]} {{#{anchor}}}{line[end:].rstrip()}"
    return "\n".join(lines)


def _end_of_words(line: str) -> int:
    """Return where the words of a heading end: before the marks that may close it."""
    bare = line.rstrip(" \t")
    words = bare.rstrip("#")
    return len(words.rstrip(" \t")) if words != bare and words.endswith((" ", "\t")) else len(bare)


def _without_comments(text: str) -> str:
    """Return raw HTML without its comments, on as many lines."""
    pieces, reached = [], 0
    while (start := text.find("<!--", reached)) >= 0 and (end := text.find("-->", start + 4)) >= 0:
        pieces += [text[reached:start], "\n" * text.count("\n", start, end)]
        reached = end + 3
    return "".join([*pieces, text[reached:]])


def _line_edits(source: str, place: Place) -> list[tuple[int, int, str]]:
    """Write a whole line so that what stands somewhere on it is shown as the characters that were written."""
    end = source.find("\n", place.start)
    end = len(source) if end < 0 else end
    line = source[place.start : end]
    if place.what is What.TAG:
        shown = re.sub(r"(?<!\\)<(?=[A-Za-z/!?])", r"\\<", line)
    elif place.what is What.LINK:
        shown = re.sub(r"\](?=[(\[])", "] ", line)
    else:
        shown = re.sub(r"(?<!\\)!?\[", r"\\\g<0>", line)
    return [(place.start, end, shown)] if shown != line else []


def _picture(words: str, address: str, within_link: bool) -> str:
    """Return what stands in a picture's place: its alternative text, as a link where the picture can be fetched."""
    name = " ".join(words.split()) or _MARKUP.sub(r"\\\1", unquote(address.rpartition("/")[2].partition("?")[0]))
    if within_link or not address.lower().startswith("https://") or "[" in name:
        return name
    return f"[{name}]({_plain_address(address)})"


def _plain_address(address: str) -> str:
    return address.replace("(", "%28").replace(")", "%29").replace(" ", "%20").replace("<", "%3C").replace(">", "%3E")


def _link(place: Place) -> str:
    words, address = place.words.strip(), place.address
    if address.startswith("//"):
        return f"[{words or _MARKUP.sub(chr(92) * 2 + '1', address)}](https:{_plain_address(address)})"
    shown = "`" + address.replace("`", "'") + "`"
    return f"{words} ({shown})" if words and words != address else shown


def _tag(tag: str, within_link: bool = False) -> str:
    """Return what stands in a tag's place: nothing for what nobody saw, else the characters that were written."""
    if tag.startswith("<!--") and tag.endswith("-->"):
        return ""
    name = tag.strip("</>").split(None, 1)[0].lower() if tag.strip("</>") else ""
    if name in ("br", "br/", "wbr"):
        return " "
    if name == "img":
        values = {key.lower(): unescape(a or b or c) for key, a, b, c in _ATTRIBUTE.findall(tag)}
        return _picture(_MARKUP.sub(r"\\\1", values.get("alt", "")), values.get("src", ""), within_link)
    return _TAG_START.sub(r"\\<", tag)


def _block(written: str, content: str) -> str:
    """Write a block of raw HTML as text; code and scripts stay as they are, in a block of code."""
    stripped = _without_comments(content)
    if not stripped.strip():
        return "\n" * written.count("\n")
    is_bare = written.rstrip("\n") == content.rstrip("\n")
    if is_bare and _VERBATIM.match(content):
        longest = max((len(run) for run in re.findall(r"`+", content)), default=0)
        fence = "`" * max(3, longest + 1)
        return f"{fence}\n{content.rstrip(chr(10))}\n{fence}\n"
    lines = [_shown(line) for line in stripped.rstrip("\n").split("\n")]
    if is_bare:
        return "\n".join(lines)
    # Within a quote or a list what stands before each line is kept.
    originals, contents = written.split("\n"), content.rstrip("\n").split("\n")
    shown = []
    for number, original in enumerate(originals):
        inner = contents[number].strip() if number < len(contents) else ""
        at = original.find(inner) if inner else -1
        prefix = original[:at] if at >= 0 else original
        shown.append(f"{prefix}{lines[number]}" if at >= 0 and number < len(lines) else original)
    return "\n".join(shown)


def _shown(line: str) -> str:
    """Write one line of raw HTML so that its words are read and its tags are shown."""
    named = _NAMED_PLACE.sub("", line)
    if named != line:
        named = re.sub(r"</a\s*>", "", named, count=1, flags=re.IGNORECASE)
    pieces, reached = [], 0
    for tag in _TAG.finditer(named):
        pieces += [named[reached : tag.start()], _tag(tag.group())]
        reached = tag.end()
    return re.sub(r"(?<!\\)<(?=[A-Za-z/!?])", r"\\<", "".join([*pieces, named[reached:]])).strip()


# --- ids that stay --------------------------------------------------------------------------------


class Ids:
    """Gives headings their ids, the same ones from version to version.

    A heading keeps the id of the version before when its words are the same, else when what stands below it at the same
    level is mostly the same. An id that a clause had once is never given to another one; a heading that comes back gets
    its own again.
    """

    def __init__(self, known: Mapping[str, str] | None = None, last: Sequence[Section] = ()) -> None:
        """Go on from the ids known already (id → heading it had last) and the clauses of the last version."""
        self._headings: dict[str, str] = dict(known or {})
        self._last = list(last)

    def peek(self, sections: Sequence[Section]) -> list[str]:
        """Return the ids of these clauses, without noting them."""
        chosen: list[str | None] = [None] * len(sections)
        used: set[str] = set()

        def take(number: int, anchor: str) -> bool:
            if anchor in used or not _is_free(anchor, used):
                return False
            chosen[number] = anchor
            used.add(anchor)
            return True

        for number, section in enumerate(sections):
            if section.anchor and re.fullmatch(ANCHOR, section.anchor):
                take(number, section.anchor)
        waiting = [each for each in self._last if each.anchor not in used]
        by_words: dict[str, list[Section]] = {}
        for each in waiting:
            by_words.setdefault(_folded(each.heading), []).append(each)
        for number, section in enumerate(sections):
            same = by_words.get(_folded(section.heading))
            if chosen[number] is None and same:
                take(number, same.pop(0).anchor)
        waiting = [each for each in waiting if each.anchor not in used]
        open_ = [number for number in range(len(sections)) if chosen[number] is None]
        for _likeness, number, anchor in _reworded(open_, sections, waiting):
            if chosen[number] is None:
                take(number, anchor)
        gone = {_folded(heading): anchor for anchor, heading in reversed(self._headings.items()) if anchor not in used}
        for number, section in enumerate(sections):
            if chosen[number] is None and not take(number, gone.get(_folded(section.heading), "")):
                blocked = used | RESERVED | set(self._headings)
                proposal = propose_anchor(section.heading, blocked)
                while not take(number, proposal):
                    blocked.add(proposal)
                    proposal = propose_anchor(section.heading, blocked)
        return [anchor for anchor in chosen if anchor is not None]

    def note(self, sections: Sequence[Section], anchors: Sequence[str]) -> None:
        """Go on from this version."""
        self._last = [
            Section(anchor, section.level, section.heading, section.body)
            for section, anchor in zip(sections, anchors, strict=True)
        ]
        for each in self._last:
            self._headings.pop(each.anchor, None)
            self._headings[each.anchor] = each.heading


def _is_free(anchor: str, used: set[str]) -> bool:
    return bool(anchor) and anchor not in RESERVED and anchor.removesuffix("-heading") not in used - {anchor}


def _folded(heading: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", heading).casefold().split())


def _reworded(
    open_: Sequence[int], sections: Sequence[Section], waiting: Sequence[Section]
) -> list[tuple[float, int, str]]:
    """Return (likeness, number of the new clause, id of the old one), the most alike first."""
    if not open_ or not waiting:
        return []
    bags = {number: _bag(sections[number]) for number in open_}
    others = [_bag(each) for each in waiting]
    is_many = len(open_) * len(waiting) > _COMPARISONS
    found = []
    for place, number in enumerate(open_):
        middle = place * len(waiting) // len(open_)
        near = range(max(0, middle - _NEAR), min(len(waiting), middle + _NEAR + 1)) if is_many else range(len(waiting))
        for index in near:
            each = waiting[index]
            if each.level == sections[number].level:
                likeness = _likeness(bags[number], others[index])
                if likeness >= _ALIKE:
                    found.append((likeness, number, each.anchor))
    return sorted(found, key=lambda match: (-match[0], match[1], match[2]))


def _bag(section: Section) -> Counter[str]:
    """Return the words of a clause with their numbers; of what has no body, those of its heading."""
    return Counter(words_of(section.body) or words_of(section.heading))


def words_of(text: str) -> list[str]:
    """Return the words of a text without its marks; Japanese, which has no blanks, by pairs of characters."""
    words = []
    for word in _WORD.findall(unicodedata.normalize("NFKC", text).casefold()):
        if _JAPANESE.search(word) and len(word) > 1:
            words += [word[at : at + 2] for at in range(len(word) - 1)]
        else:
            words.append(word)
    return words


def _likeness(one: Counter[str], other: Counter[str]) -> float:
    total = one.total() + other.total()
    return 2 * (one & other).total() / total if total else 0.0


# --- addresses, languages, kinds ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Named:
    """What the path of a file says: which files are one text in two languages, and what it is called.

    `key` is the path without what tells the language, `language` None where the path does not say it; `names` are the
    file's name and the folders above it, from within outwards; `is_ours` tells our own layout.
    """

    key: str
    language: str | None
    names: tuple[str, ...]
    is_ours: bool

    @property
    def title(self) -> str:
        """The name as words."""
        words = re.sub(r"[-_\s]+", " ", self.names[0]).strip() if self.names else ""
        return words[:1].upper() + words[1:]


def named(path: str) -> Named:
    """Read a path."""
    *folders, file = path.split("/")
    stem = file.rpartition(".")[0] or file
    language = None
    if len(folders) >= 2 and folders[-2] == "documents" and stem in ("en", "ja") and SLUG.fullmatch(folders[-1]):
        return Named("/".join(folders), stem, (folders[-1],), True)
    head, _dot, tail = stem.rpartition(".")
    if head and tail.lower() in _LANGUAGE_FOLDER:
        stem, language = head, _LANGUAGE_FOLDER[tail.lower()]
    elif folders and stem.lower() in ("en", "ja"):
        language, stem = stem.lower(), ""
    else:
        for place in range(len(folders) - 1, -1, -1):
            if folders[place].lower() in _LANGUAGE_FOLDER:
                language = _LANGUAGE_FOLDER[folders[place].lower()]
                del folders[place]
                break
    key = "/".join([*folders, stem]).casefold()
    is_folder = stem.lower() in ("", "index", "readme", "_index") and bool(folders)
    names = (*folders[::-1],) if is_folder else (stem, *folders[::-1])
    return Named(key, language, names or (stem,), False)


def is_of_overlay(path: str) -> bool:
    """Say whether a file is, in our own layout, the text of what a market does otherwise than a document."""
    return bool(OVERLAY.fullmatch(_folder_of_ours(path)))


def is_of_unknown_overlay(path: str) -> bool:
    """Say whether a file's folder is, in our own layout, named as a market's text, but is that of no document."""
    return "@" in _folder_of_ours(path) and not is_of_overlay(path)


def _folder_of_ours(path: str) -> str:
    """Return in which folder of our own layout a document's text lies; empty for any other file."""
    *folders, file = path.split("/")
    is_ours = len(folders) >= 2 and folders[-2] == "documents" and file in ("en.md", "ja.md")
    return folders[-1] if is_ours else ""


def slugs_for(names: Sequence[tuple[str, ...]], taken: Iterable[str] = ()) -> list[str]:
    """Return an address for each of these, all different, and from none of those taken.

    Where two files have one name, their folders stand before it; where that does not help, a number behind it.
    """
    short = [slug_of(each[:1]) for each in names]
    counted = Counter(short)
    used = set(taken)
    slugs = []
    for each, proposal in zip(names, short, strict=True):
        slug = proposal
        depth = 1
        while (slug in used or (depth == 1 and counted[proposal] > 1)) and depth < len(each):
            depth += 1
            slug = slug_of(each[:depth])
        number = 2
        base = slug
        while slug in used:
            slug, number = f"{base[: 59 - len(str(number))].rstrip('-')}-{number}", number + 1
        used.add(slug)
        slugs.append(slug)
    return slugs


def slug_of(names: Sequence[str]) -> str:
    """Return names, from within outwards, as one address; one that is too long is cut and told apart by a hash."""
    whole = "-".join(reversed(names))
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", whole)).casefold()
    slug = "-".join(re.findall(r"[a-z0-9]+", plain))
    digest = sha256(whole.encode("utf-8", "surrogateescape")).hexdigest()[:6]
    if not re.search(r"[a-z]", slug):
        # Of a name in another script nothing is left that tells it from others.
        slug = f"document-{slug}-{digest}" if slug else f"document-{digest}"
    elif not slug[:1].isalpha():
        slug = f"document-{slug}"
    return slug if len(slug) <= 60 else f"{slug[:53].rstrip('-')}-{digest}"


def kind_of(names: Iterable[str]) -> str:
    """Return the kind that the names of a file and its folders speak of; a policy where they do not."""
    for name in names:
        words = set(re.split(r"[^\w]+|_", unicodedata.normalize("NFKC", name).casefold()))
        for kind, pattern in _KINDS:
            if any(pattern.fullmatch(word) or (not word.isascii() and pattern.search(word)) for word in words):
                return kind
    return "policy"


def language_of(text: str) -> str:
    """Return the language of a text by its letters: Japanese where a tenth of them are kana or kanji."""
    letters = sum(1 for sign in text if sign.isalpha())
    return "ja" if letters and len(_JAPANESE.findall(text)) * 10 >= letters else "en"


def is_question_bank(path: str, text: str) -> bool:
    """Say whether a file holds questions in our own format, by its place or by what stands in it.

    Below a heading with an id stands then what kind of question it is: `{type=single_choice clause=…}`.
    """
    *folders, file = path.split("/")
    if folders[-1:] == ["banks"] and _BANK_FILE.fullmatch(file):
        return True
    fence = ""
    for line in text.splitlines():
        if fence:
            fence = "" if line.strip() == fence else fence
        elif opening := _FENCE.match(line):
            fence = opening[1]
        elif _QUESTION_KIND.match(line):
            return True
    return False


def own_roots(settings: Iterable[str]) -> list[str]:
    """Return the folders that are in our own layout, each ending with "/" or empty, told by their `document.toml`s."""
    return sorted({found[1] or "" for path in settings if (found := _OWN_SETTINGS.fullmatch(path))})


def other_part(path: str, roots: Iterable[str]) -> str | None:
    """Return to which part of a folder in our own layout beside its documents a file belongs; None: to none."""
    parts = (path[len(root) :].partition("/")[0] for root in roots if path.startswith(root))
    return next((part for part in parts if part in OTHER_PARTS), None)


def says_the_same(one: str, other: str) -> bool:
    """Say whether two texts differ in nothing but blanks and line ends at the end of lines."""
    return normal_source(one) == normal_source(other)


def has_same_words(one: str, other: str) -> bool:
    """Say whether two texts have the same words, whatever their marks, blanks and punctuation."""
    return words_of(_without_ids(one)) == words_of(_without_ids(other))


def _without_ids(text: str) -> str:
    return re.sub(rf"\{{#{ANCHOR}[^{{}}\n]*\}}", "", text)


def name_of(author: str) -> str:
    """Return the name of an author on one line; of a mail address in place of a name, what stands before its @."""
    return one_line(_MAIL.sub(lambda found: found[0].partition("@")[0], author))


def message_of(message: str) -> str:
    """Return a commit's message as it may be shown to every reader: without mail addresses and hidden marks."""
    plain = HIDDEN.sub("", message.replace("\r\n", "\n").replace("\r", "\n"))
    plain = re.sub(r"<([^<>\s]*)>", lambda found: "" if "@" in found[1] else found[0], plain)
    plain = _MAIL.sub("…", plain)
    lines = [line.rstrip() for line in plain.split("\n")]
    text = "\n".join(lines).strip()
    return text if len(text) <= MAX_MESSAGE else f"{text[: MAX_MESSAGE - 1].rstrip()}…"

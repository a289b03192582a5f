"""The one configured Markdown: what may be written, which clauses a text has, and how it is shown.

CommonMark with tables, strikethrough, footnotes, definition lists, task lists and admonitions; no
raw HTML; headings carry `{#id key=value}`; `[[slug#id]]` is a link to a clause. What leaves here has
passed an allow-list and is the only markup that the product trusts.
"""

from __future__ import annotations

import gc
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache, wraps
from hashlib import sha256
from html import unescape
from itertools import accumulate
from typing import Any, ParamSpec, TypeVar, cast

import nh3
import yaml
from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml, isMdAsciiPunct, isPunctChar, isWhiteSpace
from markdown_it.parser_inline import ParserInline
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.state_inline import Scanned
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from markupsafe import Markup
from mdit_py_plugins.deflist import deflist_plugin
from mdit_py_plugins.footnote import footnote_plugin
from sqlalchemy import Text, types
from sqlalchemy.engine import Dialect

from portal.core.errors import Invalid
from portal.core.i18n import LANGUAGES, Words, language
from portal.core.i18n import gettext as _
from portal.core.i18n import lazy_gettext as _l

MAX_BYTES = 256 * 1024
MAX_HEADINGS = 1_000
MAX_NESTING = 20
# Far above anything written by hand; they keep the time for one text below half a second.
MAX_LINES = 5_000
MAX_BRACKETS = 3_000
MAX_EMPHASIS = 15_000
MAX_CELLS = 10_000
MAX_MARKERS = 14_000
MAX_HEADING = 300
MAX_FRONT_MATTER = 32 * 1024

TOP = "top"
ANCHOR = r"[a-z][a-z0-9-]{0,59}"
SENSITIVITIES = ("S0", "S1", "S2", "S3", "S4")

# Reading speeds for non-fiction: English about 200 to 240 words a minute (Brysbaert 2019: 238),
# Japanese about 400 to 600 characters; policy is read slowly.
WORDS_PER_MINUTE = 200
CHARACTERS_PER_MINUTE = 500

_ATTRIBUTES = re.compile(rf"\{{#(?P<id>{ANCHOR})(?P<rest>(?:[ \t]+[a-z][a-z_]*=[^\s{{}}\"'<>]+)*)[ \t]*\}}$")
_CLAUSE_LINK = re.compile(rf"\[\[(?P<slug>{ANCHOR}(?:@[A-Za-z0-9-]{{1,20}})?)?#(?P<anchor>{ANCHOR})\]\]")
# How a text names a picture that was uploaded for its document.
_OWN_IMAGE = re.compile(r"images/(?P<name>[a-z0-9][a-z0-9-]{0,70}\.webp)")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:")
_REMOTE = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:|//|/?\\")
_ALLOWED_SCHEMES = ("https:", "http:", "mailto:")
# Invisible marks that make a text read otherwise than it is stored, and what no database keeps.
HIDDEN = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef\ufeff\ufff9-\ufffb\ufffe\uffff]"
)
_MARKER = re.compile(r">|[-+*](?=[ \t]|$)|\d{1,9}[.)](?=[ \t]|$)")
_MARKERS = re.compile(r"(?:[ \t]*(?:>|(?:[-+*]|\d{1,9}[.)])(?=[ \t]|$)))+")
_RULE = re.compile(r"[ \t]*(?:(?:-[ \t]*)+|(?:\*[ \t]*)+)")
_BLANK_LINE = re.compile(r"(?P<text>(?:.|\n(?![ \t>]*\n))*)\n[ \t>]*\n")
_EMPTY_LINE = re.compile(r"[ \t>]*")
# The line below a table's header, perhaps within a quote or a list; a few others look like it.
_BELOW_HEADER = re.compile(r"[-|: \t>*+0-9.)]*")
_DASHES = re.compile("-+")
_BRACKET = re.compile(r"\\.|[\[\]]")
_HEADING_LINE = re.compile(r"^ {0,3}#{1,6}(?:[ \t]|$)", re.MULTILINE)
_EXAMPLE = re.compile(r"\*\*(?:Example|例|(?P<counter>Counter-example|反例))[:：]\*\*")
_ALERTS = {
    "NOTE": Words("Note", "補足"),
    "TIP": Words("Tip", "ヒント"),
    "IMPORTANT": Words("Important", "重要"),
    "WARNING": Words("Warning", "警告"),
    "CAUTION": Words("Caution", "注意"),
}
_TABLE = Words("Table", "表")
_DONE = Words("Done", "済み")
_OPEN = Words("Not done", "未了")
_BACK = Words("Back to the text", "本文に戻る")

# (document slug or "" for the text's own, clause id) → (address, the heading's text), or None where there is none.
Resolver = Callable[[str, str], tuple[str, str] | None]


class TrustedHtml(Markup):
    """Markup that has passed the allow-list; only this module makes it."""

    __slots__ = ()


NOTHING = TrustedHtml("")
_LIST_START = re.compile(r'<ol start="(?P<number>\d{1,3})"')


def numbered_for_print(shown: TrustedHtml) -> TrustedHtml:
    """Let lists begin with the number with which they were written: the printer reads it from the style alone."""
    return TrustedHtml(
        _LIST_START.sub(lambda found: f'<ol style="counter-reset: list-item {int(found["number"]) - 1}"', shown)
    )


class TrustedHtmlText(types.TypeDecorator[TrustedHtml]):
    """A column for markup that this module has made; anything else is refused on its way in."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: TrustedHtml | None, dialect: Dialect) -> str | None:
        if value is not None and not isinstance(value, TrustedHtml):
            raise TypeError("only sanitised markup may be stored here")
        return None if value is None else str(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> TrustedHtml | None:
        return None if value is None else TrustedHtml(value)


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a text, on which line (from 1; 0 is the text as a whole), and how to mend it."""

    line: int
    reason: str
    mend: str = ""


@dataclass(frozen=True, slots=True)
class ClauseSource:
    """One clause as written: a heading and its own text up to the next heading of any level.

    `anchor` is empty where the heading carries no id. `source` is the normalised text (NFC, LF, no
    blanks at line ends, without the braces) and `hash` its SHA-256 in hexadecimal. `line` counts from 1.
    """

    anchor: str
    level: int
    heading: str
    body: str
    source: str
    hash: str
    sensitivity: str | None
    line: int
    attributes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RenderedClause:
    """One clause as shown: its heading's markup without the heading element, and its body's."""

    anchor: str
    level: int
    heading: TrustedHtml
    body: TrustedHtml


@dataclass(frozen=True, slots=True)
class RenderedText:
    """A whole text as shown, clause by clause; the footnotes of all of them stand at the end."""

    clauses: tuple[RenderedClause, ...]
    footnotes: TrustedHtml


@dataclass(frozen=True, slots=True)
class Picture:
    """Where a picture of a document is, and how large it is in pixels."""

    address: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Mark:
    """How a word of a text is marked: where the mark leads to, what is said of the word, whether it is a wrong one."""

    address: str
    title: str
    is_wrong: bool = False


@dataclass(frozen=True, slots=True)
class Marks:
    """Words that are marked wherever the pattern finds them: right ones once in a clause, wrong ones each time."""

    pattern: re.Pattern[str]
    # The word as it was found → its mark, or None.
    look_up: Callable[[str], Mark | None]


class TextRefused(Invalid):
    """The text breaks a limit of what can be shown; the message names the first of its problems."""

    message = _l("Line %(line)s: %(reason)s %(mend)s")

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        first = self.problems[0]
        super().__init__(line=first.line, reason=first.reason, mend=first.mend)


class FrontMatterBroken(Invalid):
    """The lines between the two `---` cannot be read."""

    message = _l("Line %(line)s: %(reason)s %(mend)s")

    def __init__(self, line: int, reason: str, mend: str) -> None:
        self.problem = Problem(line, reason, mend)
        super().__init__(line=line, reason=reason, mend=mend)


# --- once for each text -------------------------------------------------------------------------

Given = ParamSpec("Given")
Found = TypeVar("Found")
# Two languages of a text, and of the one before it.
_PARSED_AT_ONCE = 4
# What was found for a text, as long as that is to be remembered.
_remembered: ContextVar[dict[Any, Any] | None] = ContextVar("markdown_remembered", default=None)


@contextmanager
def remembering() -> Iterator[None]:
    """Within it, a text that is looked at again and says the same is neither parsed nor shown anew.

    For work over many texts: what takes time is done before the database is held, and only looked up there. Within
    another one, that one goes on.
    """
    if _remembered.get() is not None:
        yield
        return
    token = _remembered.set({})
    try:
        yield
    finally:
        _remembered.reset(token)


def forget() -> None:
    """Begin anew with remembering, where that goes on: more texts are coming than memory should hold."""
    kept = _remembered.get()
    if kept is not None:
        kept.clear()


def _once(function: Callable[Given, Found]) -> Callable[Given, Found]:
    """Let a function of a text, which depends on nothing but its arguments and the language, be remembered."""

    @wraps(function)
    def asked(*arguments: Given.args, **options: Given.kwargs) -> Found:
        kept = _remembered.get()
        if kept is None:
            return function(*arguments, **options)
        key = (function.__name__, language(), arguments, tuple(sorted(options.items())))
        if key not in kept:
            kept[key] = function(*arguments, **options)
        # Who is given a list may add to it.
        found: Any = kept[key]
        return cast("Found", list(found) if isinstance(found, list) else found)

    return asked


def _parsed(text: str, text_language: str = "en") -> tuple[list[Token], dict[str, Any]]:
    """Return the tokens of a text and what the parser noted beside them; both are only looked at.

    While texts are remembered, the last few are: splitting, counting and showing one parse it once. The words of
    admonitions are those of its language.
    """
    kept = _remembered.get()
    if kept is not None and (text, text_language) in kept.get("parsed", ()):
        return kept["parsed"][text, text_language]  # type: ignore[no-any-return]
    env: dict[str, Any] = {"language": text_language}
    found = _writer().parse(text, env), env
    _keep_parsed(text, text_language, found)
    return found


def _keep_parsed(text: str, text_language: str, found: tuple[list[Token], dict[str, Any]]) -> None:
    kept = _remembered.get()
    if kept is not None:
        parsed = kept.setdefault("parsed", {})
        parsed[text, text_language] = found
        # Tokens are many times as large as their text.
        while len(parsed) > _PARSED_AT_ONCE:
            del parsed[next(iter(parsed))]


# --- what may be written ------------------------------------------------------------------------


@_once
def scan(text: str, *, first_line: int = 1, pictures: frozenset[str] | None = None) -> list[Problem]:
    """Return what is wrong with a text, in the order of its lines; nothing means that it may be published.

    `first_line` is the number of the text's first line in its file; `pictures` the names of those that its document
    has, None where texts are kept without pictures.
    """
    given, text = text, _normal(text)
    problems = _limits(text)
    if not problems:
        kept = _remembered.get()
        if kept is not None:
            kept["checked"] = given, text
        problems = _contents(text, pictures)
    shift = first_line - 1
    return [Problem(each.line + shift if each.line else 0, each.reason, each.mend) for each in problems]


def _limits(text: str) -> list[Problem]:
    """Check, in linear time, for what nobody may write and what would take long to parse."""
    problems = _size(text)
    if problems:
        return problems
    for found in HIDDEN.finditer(text):
        problems.append(
            Problem(
                text.count("\n", 0, found.start()) + 1,
                _("There is a control character (U+%(code)s).", code=f"{ord(found.group()):04X}"),
                _("Delete it; only line breaks and tabs are allowed."),
            )
        )
        if len(problems) == 10:
            break
    return problems or _amounts(text)


def _size(text: str) -> list[Problem]:
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES:
        return [
            Problem(
                0,
                _("The text has %(size)s KB; the limit is %(limit)s KB.", size=size // 1024, limit=MAX_BYTES // 1024),
                _("Split it into several documents."),
            )
        ]
    return []


def _amounts(text: str) -> list[Problem]:
    """Count the signs that make parsing slow, and the depth of brackets, quotes and lists."""
    headings = [found.start() for found in _HEADING_LINE.finditer(text)]
    if len(headings) > MAX_HEADINGS:
        return [_too_many_headings(len(headings), text.count("\n", 0, headings[MAX_HEADINGS]) + 1)]
    for number, limit, what in (
        (sum(1 for line in text.split("\n") if line.strip()), MAX_LINES, _("lines")),
        (text.count("["), MAX_BRACKETS, _("opening square brackets")),
        (sum(text.count(sign) for sign in "*_~`"), MAX_EMPHASIS, _("signs of emphasis or code")),
        (text.count("<"), MAX_EMPHASIS, _("signs “<”")),
        (text.count("&"), MAX_EMPHASIS, _("signs “&”")),
        (max(text.count("|"), _padded_cells(text)), MAX_CELLS, _("table cells")),
    ):
        if number > limit:
            return [
                Problem(
                    0,
                    _(
                        "The text has %(number)s %(what)s; the limit is %(limit)s.",
                        number=number,
                        what=what,
                        limit=limit,
                    ),
                    _("Split it into several documents."),
                )
            ]
    # A line without a marker continues the quote or list before it, as deep as that is.
    markers = carried = 0
    for line, content in enumerate(text.split("\n"), start=1):
        found = _MARKERS.match(content)
        if found is not None and not _RULE.fullmatch(content):
            carried = sum(1 for _marker in _MARKER.finditer(found.group()))
        elif not content.strip():
            carried = 0
        markers += carried
        if carried > MAX_NESTING or markers > MAX_MARKERS:
            return [_too_deep(line)]
    for paragraph in _BLANK_LINE.finditer(text + "\n\n"):
        depth = 0
        for sign in _BRACKET.finditer(paragraph["text"]):
            if sign.group() == "[":
                depth += 1
                if depth > MAX_NESTING:
                    return [
                        Problem(
                            text.count("\n", 0, paragraph.start() + sign.start()) + 1,
                            _("Square brackets are nested more than %(limit)s levels deep.", limit=MAX_NESTING),
                            _("Close them, or put the signs into a code block."),
                        )
                    ]
            elif sign.group() == "]":
                depth = max(0, depth - 1)
    return []


def _too_many_headings(number: int, line: int) -> Problem:
    """Return the problem of a text with more headings than it may have; `line` is that of the first too many."""
    return Problem(
        line,
        _(
            "The text has %(number)s %(what)s; the limit is %(limit)s.",
            number=number,
            what=_("headings"),
            limit=MAX_HEADINGS,
        ),
        _("Split it into several documents."),
    )


def _padded_cells(text: str) -> int:
    """Return at most how many cells the tables of a text have: each row gets as many as its table has columns.

    A table has rows up to the next empty line; of several without one between them the widest counts for all.
    """
    cells = columns = lines = 0
    for line in (*text.split("\n"), ""):
        if _EMPTY_LINE.fullmatch(line):
            cells += columns * lines
            columns = lines = 0
            continue
        lines += 1
        if "|" in line and "-" in line and _BELOW_HEADER.fullmatch(line):
            columns = max(columns, len(_DASHES.findall(line)))
    return cells


def _too_deep(line: int) -> Problem:
    return Problem(
        line,
        _("Lists and quotes are nested more than %(limit)s levels deep.", limit=MAX_NESTING),
        _("Use headings instead of deep lists."),
    )


def _contents(text: str, pictures: frozenset[str] | None) -> list[Problem]:
    """Check the parsed text: nesting, raw HTML, pictures, addresses, ids of headings."""
    problems: list[Problem] = []
    depth = headings = too_many = 0
    line = 1
    env: dict[str, Any] = {"language": "en"}
    tokens = _scanner().parse(text, env)
    for token in tokens:
        if token.map is not None:
            line = token.map[0] + 1
        if token.type in ("blockquote_open", "list_item_open", "alert_open", "dd_open"):
            depth += 1
            if depth == MAX_NESTING + 1:
                problems.append(_too_deep(line))
        elif token.type in ("blockquote_close", "list_item_close", "alert_close", "dd_close"):
            depth -= 1
        elif token.type == "html_block":
            problems.append(_raw_html(line, token.content))
        elif token.type == "heading_open":
            headings += 1
            too_many = line if headings == MAX_HEADINGS + 1 else too_many
            twice = token.meta.get("twice")
            if twice:
                problems.append(
                    Problem(
                        line,
                        _("“%(key)s” stands twice in the braces of this heading.", key=twice),
                        _("Keep the one that is meant."),
                    )
                )
            wrong = token.meta.get("wrong")
            if wrong:
                problems.append(
                    Problem(
                        line,
                        _("The id %(braces)s of this heading cannot be read.", braces=wrong),
                        _("Write {#id}: lower-case letters a to z, digits and hyphens, at most 60."),
                    )
                )
        elif token.type == "inline":
            problems += _inline_problems(token, line, pictures)
    if headings > MAX_HEADINGS:
        problems.append(_too_many_headings(headings, too_many))
    if not problems and all(_writer().validateLink(each["href"]) for each in env.get("references", {}).values()):
        # Nothing was let through that is not written: the text needs no other look.
        _keep_parsed(text, "en", (tokens, env))
    return problems


def _inline_problems(inline: Token, line: int, pictures: frozenset[str] | None) -> list[Problem]:
    problems: list[Problem] = []
    for child in inline.children or ():
        if child.type in ("softbreak", "hardbreak"):
            line += 1
        elif child.type == "html_inline":
            # An element is said once, by its beginning.
            if not (child.content.startswith("</") and any(problem.line == line for problem in problems)):
                problems.append(_raw_html(line, child.content))
            line += child.content.count("\n")
        elif child.type == "image":
            problem = _picture_problem(str(child.attrs.get("src", "")), line, pictures)
            problems += [problem] if problem else []
            problems += _inline_problems(child, line, pictures)
        elif child.type == "link_open":
            problem = _address_problem(str(child.attrs.get("href", "")), line)
            if problem:
                problems.append(problem)
    return problems


def _picture_problem(address: str, line: int, pictures: frozenset[str] | None) -> Problem | None:
    own = _OWN_IMAGE.fullmatch(address)
    if pictures is not None and not _REMOTE.match(address):
        if own is not None and own["name"] in pictures:
            return None
        return Problem(
            line,
            _("The document has no picture %(address)s.", address=address[:80]),
            _("Upload it in the editor, which writes its name, or remove it."),
        )
    return Problem(
        line,
        _("The picture %(address)s lies on another server.", address=address[:80])
        if _REMOTE.match(address)
        else _("The picture %(address)s cannot be shown: texts are kept without pictures.", address=address[:80]),
        _("Remove it, or describe in words what it shows."),
    )


def _address_problem(address: str, line: int) -> Problem | None:
    if address.startswith(("//", "\\", "/\\")):
        return Problem(
            line,
            _("The link %(address)s does not say how it is reached.", address=address[:80]),
            _("Write https:// in front of it."),
        )
    if _SCHEME.match(address) and not address.lower().startswith(_ALLOWED_SCHEMES):
        return Problem(
            line,
            _("The link %(address)s is of a kind that is not allowed.", address=address[:80]),
            _("Links start with https:, http: or mailto:."),
        )
    return None


def _raw_html(line: int, html: str) -> Problem:
    excerpt = html.strip().splitlines()[0][:60] if html.strip() else html
    if re.search(r"<\s*/?\s*script", html, re.IGNORECASE):
        return Problem(
            line,
            _("There is a script: %(excerpt)s", excerpt=excerpt),
            _("Remove it. To show it as an example, put it into a code block."),
        )
    return Problem(
        line,
        _("There is raw HTML: %(excerpt)s", excerpt=excerpt),
        _("Write it in Markdown. To show it as an example, put it between back-ticks or into a code block."),
    )


# --- clauses ------------------------------------------------------------------------------------


@_once
def split_clauses(text: str) -> list[ClauseSource]:
    """Return the clauses of a text in their order; text before the first heading is the clause `top`.

    Raises `TextRefused` for a text beyond the limits.
    """
    text = _checked(text)
    lines = text.split("\n")
    tokens, _env = _parsed(text)
    starts = [
        (token, tokens[index + 1])
        for index, token in enumerate(tokens)
        if token.type == "heading_open" and token.level == 0 and token.map is not None
    ]
    bounds = [(token.map[0], token.map[1]) for token, _inline in starts if token.map is not None]
    clauses = []
    before = lines[: bounds[0][0]] if bounds else lines
    top = normal_source("\n".join(before))
    if top.strip():
        first = next(index for index, line in enumerate(before) if line.strip())
        clauses.append(ClauseSource(TOP, 0, "", top, top, hash_of(top), None, first + 1))
    for number, (token, inline) in enumerate(starts):
        start, end = bounds[number]
        after = bounds[number + 1][0] if number + 1 < len(bounds) else len(lines)
        head = [_without_attributes(line) for line in lines[start:end]]
        source = normal_source("\n".join([*head, *lines[end:after]]))
        attributes: dict[str, str] = token.meta.get("attributes", {})
        clauses.append(
            ClauseSource(
                anchor=token.meta.get("id", ""),
                level=int(token.tag[1]),
                heading=_text_of(inline),
                body=normal_source("\n".join(lines[end:after])),
                source=source,
                hash=hash_of(source),
                sensitivity=attributes.get("sensitivity"),
                line=start + 1,
                attributes=dict(attributes),
            )
        )
    return clauses


def normal_source(text: str) -> str:
    """Return the form of a text over which hashes are taken: NFC, LF, no blanks at line ends or around it."""
    folded = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    return "\n".join(line.rstrip() for line in folded.split("\n")).strip("\n")


def hash_of(source: str) -> str:
    """Return the SHA-256 of a text in UTF-8, in hexadecimal."""
    return sha256(source.encode()).hexdigest()


def propose_anchor(heading: str, taken: Iterable[str] = ()) -> str:
    """Return an id for a heading that has none, different from those taken."""
    words = re.findall(r"[a-z0-9]+", unicodedata.normalize("NFKD", heading).lower())
    base = "-".join(words)[:50].strip("-")
    if not base or not base[0].isalpha():
        base = f"clause-{base}".rstrip("-")
    used, number, proposal = set(taken), 2, base
    while proposal in used:
        proposal, number = f"{base}-{number}", number + 1
    return proposal


def _without_attributes(line: str) -> str:
    bare = line.rstrip()
    stem = bare.rstrip("#")
    tail = ""
    if stem != bare and stem.endswith((" ", "\t")):
        bare, tail = stem.rstrip(), f" {bare[len(stem) :]}"
    opening = bare.rfind("{#")
    if opening == -1 or not _ATTRIBUTES.fullmatch(bare, opening):
        return bare + tail
    return bare[:opening].rstrip() + tail


# --- front matter, plain text, time -------------------------------------------------------------


class _NotPlain(yaml.MarkedYAMLError):
    """YAML that is more than keys and values; its problem is said in the reader's language."""


class _PlainLoader(yaml.SafeLoader):
    """YAML whose scalars stay as written: `1.10` is no number and `no` no truth value."""

    yaml_implicit_resolvers = {}

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise _NotPlain(problem=_("aliases are not supported"), problem_mark=mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _NotPlain(problem=_("a key is no text"), problem_mark=key.start_mark)
            if key.value in seen:
                raise _NotPlain(problem=_("“%(key)s” appears twice", key=key.value), problem_mark=key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def front_matter(text: str) -> tuple[dict[str, Any], str, int]:
    """Return the values between the two `---` lines, the text after them, and the number of its first line.

    Without front matter the values are empty. Scalars are strings as written. Raises
    `FrontMatterBroken` where the lines are not closed or are not a list of `key: value`.
    """
    text = _normal(text)
    lines = text.split("\n")
    if lines[0].rstrip() != "---":
        return {}, text, 1
    end = next((number for number, line in enumerate(lines[1:], start=1) if line.rstrip() == "---"), None)
    if end is None:
        raise FrontMatterBroken(
            1,
            _("The front matter is opened with --- and never closed."),
            _("Put a line with --- behind its last value."),
        )
    if len("\n".join(lines[1:end])) > MAX_FRONT_MATTER:
        raise FrontMatterBroken(
            2,
            _("The front matter is longer than %(limit)s KB.", limit=MAX_FRONT_MATTER // 1024),
            _("Keep titles and summaries there, and put the text below it."),
        )
    try:
        values = yaml.load("\n".join(lines[1:end]), Loader=_PlainLoader)  # noqa: S506 - a SafeLoader without types
    except (yaml.YAMLError, RecursionError) as broken:
        mark = getattr(broken, "problem_mark", None)
        reason = str(broken.problem) if isinstance(broken, _NotPlain) else _("the line is not “key: value”")
        raise FrontMatterBroken(
            (mark.line if mark else 0) + 2,
            _("The front matter cannot be read: %(reason)s.", reason=reason),
            _("Write one “key: value” a line, and put texts that contain a colon into quotation marks."),
        ) from broken
    if values is None:
        values = {}
    if not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
        raise FrontMatterBroken(
            2,
            _("The front matter is not a list of keys and values."),
            _("Write one “key: value” a line, and put texts that contain a colon into quotation marks."),
        )
    for key, value in values.items():
        hidden = HIDDEN.search(key) or (HIDDEN.search(value) if isinstance(value, str) else None)
        if hidden:
            raise FrontMatterBroken(
                next((number for number, line in enumerate(lines[:end], start=1) if line.startswith(f"{key}:")), 2),
                _("There is a control character (U+%(code)s).", code=f"{ord(hidden.group()):04X}"),
                _("Delete it; only line breaks and tabs are allowed."),
            )
    return values, "\n".join(lines[end + 1 :]), end + 2


def verbatim_from(text: str, line: int) -> str:
    """Return the text from a line (counted from 1) on, its line ends as they were written."""
    return "".join(re.split(r"(?<=\n)|(?<=\r)(?!\n)", text)[line - 1 :])


def plain_text(text: str) -> str:
    """Return the words of a text without its marks, one block a line; for summaries and search."""
    tokens, _env = _parsed(_checked(text))
    pieces = []
    for token in tokens:
        if token.type == "inline":
            pieces.append(_text_of(token))
        elif token.type in ("fence", "code_block"):
            pieces.append(token.content.strip())
    return "\n".join(piece for piece in pieces if piece)


_NOT_READ = re.compile(r'<sup class="footnote-reference">.*?</sup>|<a class="footnote-back"[^>]*>.*?</a>', re.DOTALL)
_PICTURE = re.compile(r'<img\b[^>]*?\balt="([^"]*)"[^>]*>')
_INLINE = re.compile(r"</?(?:a|span|em|strong|code|s|del|sup|sub|b|i|kbd|abbr|mark|input)\b[^>]*>")
_TAG = re.compile(r"<[^>]*>")


def words_of(html: TrustedHtml) -> str:
    """Return the words that a reader sees of a rendered text, one block a line; marks of footnotes are left out."""
    text = _PICTURE.sub(r" \1 ", _NOT_READ.sub("", str(html)))
    lines = unescape(_TAG.sub("\n", _INLINE.sub("", text))).split("\n")
    return "\n".join(kept for line in lines if (kept := line.strip()))


@_once
def reading_minutes(text: str, language: str) -> int:
    """Return the estimated reading time in whole minutes, at least 1.

    English by 200 words a minute, Japanese by 500 characters.
    """
    words = plain_text(text)
    if language == "ja":
        count, speed = sum(1 for character in words if not character.isspace()), CHARACTERS_PER_MINUTE
    else:
        count, speed = len(words.split()), WORDS_PER_MINUTE
    return max(1, -(-count // speed))


def _text_of(inline: Token) -> str:
    pieces = []
    for child in inline.children or ():
        if child.type in ("text", "code_inline"):
            pieces.append(child.content)
        elif child.type in ("softbreak", "hardbreak"):
            pieces.append(" ")
        elif child.type == "image":
            pieces.append(_text_of(child))
        elif child.type == "clause_link":
            pieces.append(f"{child.meta['slug']}#{child.meta['anchor']}")
    return "".join(pieces).strip()


def _inline_tokens(text: str) -> Iterator[tuple[Token, int]]:
    """Yield the tokens within the lines of a text, each with its line."""
    line = 1
    tokens, _env = _parsed(_checked(text))
    for token in tokens:
        if token.map is not None:
            line = token.map[0] + 1
        at = line
        for child in token.children or ():
            if child.type in ("softbreak", "hardbreak"):
                at += 1
            yield child, at


@_once
def clause_links(text: str) -> list[tuple[str, str, int]]:
    """Return the clause links of a text as (document slug or "", clause id, line)."""
    if "[[" not in _checked(text):
        # Choices and reasons by the thousand: most hold none.
        return []
    return [
        (token.meta["slug"], token.meta["anchor"], line)
        for token, line in _inline_tokens(text)
        if token.type == "clause_link"
    ]


@_once
def inner_addresses(text: str) -> list[tuple[str, int]]:
    """Return the addresses within the portal that a text's own links lead to, each with its line.

    Links to clauses in double brackets are not among them; see `clause_links`.
    """
    addresses = [
        (str(token.attrs.get("href", "")), line) for token, line in _inline_tokens(text) if token.type == "link_open"
    ]
    return [
        (address, line)
        for address, line in addresses
        if address.startswith("#") or (address.startswith("/") and not _REMOTE.match(address))
    ]


# --- rendering ----------------------------------------------------------------------------------


def render(
    text: str, *, resolve: Resolver | None = None, id_prefix: str = "", language: str | None = None
) -> TrustedHtml:
    """Return a text as markup; ids get the prefix, clause links the address that `resolve` knows.

    `language` is the text's own (for the words of admonitions), by default the one in force.
    Raises `TextRefused` for a text beyond the limits; whatever else is not allowed is left out or
    shown as the characters that were written.
    """
    parser, env = _writer(), _environment(resolve, id_prefix, language)
    return _clean(parser.render(_checked(text), env))


def cut(shown: TrustedHtml, marker: re.Pattern[str]) -> list[tuple[TrustedHtml, str | None]]:
    """Return markup in pieces, cut where markers stand in its text, each with the first group of the one behind it.

    Around something that belongs into running text the pieces are whole; by themselves they are not.
    """
    pieces: list[tuple[TrustedHtml, str | None]] = []
    start = 0
    for found in marker.finditer(shown):
        pieces.append((TrustedHtml(shown[start : found.start()]), found[1]))
        start = found.end()
    return [*pieces, (TrustedHtml(shown[start:]), None)]


def render_inline(
    text: str, *, resolve: Resolver | None = None, id_prefix: str = "", language: str | None = None
) -> TrustedHtml:
    """Return one line of text as markup without a paragraph around it."""
    parser, env = _writer(), _environment(resolve, id_prefix, language)
    return _clean(parser.renderInline(_checked(text), env))


def render_clauses(
    text: str,
    *,
    resolve: Resolver | None = None,
    id_prefix: str = "",
    language: str | None = None,
    marks: Marks | None = None,
    pictures: Mapping[str, Picture] | None = None,
) -> RenderedText:
    """Return a text as markup, clause by clause in the order of `split_clauses`; ids get the prefix.

    `pictures` are those of its document by name; of others only the words are shown.
    """
    kept = _remembered.get()
    if kept is None or id_prefix or marks is not None or pictures:
        return _rendered(text, resolve, language, id_prefix=id_prefix, marks=marks, pictures=pictures)
    # A link is shown with what `resolve` answers: what was shown is good for as long as the answers are.
    before: list[tuple[dict[tuple[str, str], Any], RenderedText]] = kept.setdefault(("shown", text, language), [])
    for answers, shown in before:
        if resolve is None or all(resolve(*asked) == answer for asked, answer in answers.items()):
            return shown
    noted: dict[tuple[str, str], Any] = {}

    def note(slug: str, anchor: str) -> tuple[str, str] | None:
        if (slug, anchor) not in noted:
            noted[slug, anchor] = resolve(slug, anchor) if resolve else None
        return noted[slug, anchor]  # type: ignore[no-any-return]

    shown = _rendered(text, note if resolve else None, language)
    before.append((noted, shown))
    return shown


def _rendered(
    text: str,
    resolve: Resolver | None,
    language: str | None,
    *,
    id_prefix: str = "",
    marks: Marks | None = None,
    pictures: Mapping[str, Picture] | None = None,
) -> RenderedText:
    parser, env = _writer(), _environment(resolve, id_prefix, language)
    env["pictures"] = pictures or {}
    env["marks"] = marks
    if marks is None:
        tokens, noted = _parsed(_checked(text), str(env["language"]))
        env = {**noted, **env}
    else:
        # Marks are set into the tokens themselves.
        tokens = parser.parse(_checked(text), env)
    end = next((number for number, token in enumerate(tokens) if token.type == "footnote_block_open"), len(tokens))
    heads = [number for number, token in enumerate(tokens[:end]) if token.type == "heading_open" and token.level == 0]

    def shown(part: Sequence[Token]) -> TrustedHtml:
        return _clean(parser.renderer.render(part, parser.options, env)) if part else NOTHING

    clauses = []
    before = tokens[: heads[0] if heads else end]
    if before:
        clauses.append(RenderedClause(TOP, 0, NOTHING, shown(before)))
    for place, number in enumerate(heads):
        following = heads[place + 1] if place + 1 < len(heads) else end
        clauses.append(
            RenderedClause(
                anchor=tokens[number].meta.get("id", ""),
                level=int(tokens[number].tag[1]),
                heading=shown(tokens[number + 1 : number + 2]),
                body=shown(tokens[number + 3 : following]),
            )
        )
    return RenderedText(tuple(clauses), shown(tokens[end:]))


def _environment(resolve: Resolver | None, id_prefix: str, text_language: str | None) -> EnvType:
    chosen = text_language if text_language in LANGUAGES else language()
    return {"resolve": resolve, "id_prefix": id_prefix, "language": chosen, "ids": set()}


def _normal(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def visible(text: str) -> str:
    """Return a text as it may be shown before it was scanned: what nobody would see stands there as �."""
    return HIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)


def _checked(text: str) -> str:
    kept = _remembered.get()
    if kept is not None and kept.get("checked", (None,))[0] == text:
        return kept["checked"][1]  # type: ignore[no-any-return]
    # What is stored has been scanned; elsewhere a control character is shown as one that cannot be shown.
    checked = visible(_normal(text))
    problems = _size(checked) or _amounts(checked)
    if problems:
        raise TextRefused(problems)
    if kept is not None:
        kept["checked"] = text, checked
    return checked


def sanitised(html: str) -> str:
    """Return foreign markup as it comes out of the allow-list, untrusted still; for comparison."""
    return _CLEANER.clean(html)


def shown_link(slug: str, anchor: str, resolved: tuple[str, str] | None) -> TrustedHtml:
    """Return how a clause link stands in what was rendered, `resolved` being what `Resolver` gives for it."""
    return _clean(_clause_link_html(slug, anchor, resolved))


def _clean(html: str) -> TrustedHtml:
    return TrustedHtml(_CLEANER.clean(html))


def with_changes(html: str) -> TrustedHtml:
    """Return what `core.redline` has made of markup from here, what went and came marked, through the allow-list."""
    return TrustedHtml(_REDLINE_CLEANER.clean(html))


def _keep_attribute(tag: str, name: str, value: str) -> str | None:
    if tag == "img" and name == "src" and _REMOTE.match(value.strip()):
        return None
    if tag == "a" and name == "href" and value.strip().startswith(("//", "\\", "/\\")):
        return None
    if tag == "code" and name == "class" and not re.fullmatch(r"language-[\w+#.-]{1,40}", value):
        return None
    return value


_TAGS = {
    *("h1", "h2", "h3", "h4", "h5", "h6", "p", "br", "hr", "blockquote", "pre", "code", "em", "strong", "s"),
    *("ul", "ol", "li", "dl", "dt", "dd", "a", "img", "table", "thead", "tbody", "tr", "th", "td"),
    *("input", "div", "span", "sup", "section"),
}
_TAG_ATTRIBUTES = {
    **{f"h{level}": {"id"} for level in range(1, 7)},
    "a": {"href", "title", "id", "aria-label"},
    "img": {"src", "alt", "title", "width", "height"},
    "code": {"class"},
    "ol": {"start"},
    "li": {"id"},
    "input": {"checked", "disabled", "aria-label"},
    "div": {"aria-label", "tabindex"},
}
_CLASSES = {
    "a": {"clause-link", "footnote-back", "term", "term-wrong"},
    "span": {"clause-link-broken"},
    "div": {"table-scroll", "admonition", *(f"admonition-{kind.lower()}" for kind in _ALERTS)},
    "p": {"admonition-title", "example", "counter-example"},
    "ul": {"task-list"},
    "ol": {"task-list"},
    "li": {"task", "example", "counter-example"},
    "th": {"align-left", "align-center", "align-right"},
    "td": {"align-left", "align-center", "align-right"},
    "section": {"footnotes"},
    "sup": {"footnote-reference"},
}


def _cleaner(
    tags: set[str] = _TAGS,
    attributes: Mapping[str, set[str]] = _TAG_ATTRIBUTES,
    classes: Mapping[str, set[str]] = _CLASSES,
) -> nh3.Cleaner:
    return nh3.Cleaner(
        tags=tags,
        attributes=dict(attributes),
        tag_attribute_values={"input": {"type": {"checkbox"}}, "div": {"role": {"group", "note"}}},
        allowed_classes=dict(classes),
        attribute_filter=_keep_attribute,
        url_schemes={"https", "http", "mailto"},
        link_rel=None,
    )


_CLEANER = _cleaner()
# What `core.redline` adds: what went, came and moved, in words too, and items that are no longer counted.
_REDLINE_CLEANER = _cleaner(
    _TAGS | {"ins", "del"},
    {**_TAG_ATTRIBUTES, "span": {"lang"}},
    {
        **_CLASSES,
        "span": {"clause-link-broken", "redline-moved", "visually-hidden"},
        "li": {*_CLASSES["li"], "redline-gone"},
    },
)


# --- the parser ---------------------------------------------------------------------------------


def _is_wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in ("W", "F")


class _WideInlineState(StateInline):
    """Emphasis for texts without blanks: `**「強調」**です` is bold, which CommonMark's rule refuses.

    Punctuation of East Asian width does not block a `*` or `~`, and a wide neighbour counts as a
    boundary; `_` keeps CommonMark's rule.
    """

    def scanDelims(self, start: int, canSplitWord: bool) -> Scanned:  # noqa: N802, N803 - the library's names
        marker = self.src[start]
        if marker == "_":
            return super().scanDelims(start, canSplitWord)
        before = self.src[start - 1] if start > 0 else " "
        end = start
        while end < self.posMax and self.src[end] == marker:
            end += 1
        after = self.src[end] if end < self.posMax else " "
        before_wide, after_wide = _is_wide(before), _is_wide(after)
        if not before_wide and not after_wide:
            return super().scanDelims(start, canSplitWord)
        before_punctuation = not before_wide and (isMdAsciiPunct(ord(before)) or isPunctChar(before))
        after_punctuation = not after_wide and (isMdAsciiPunct(ord(after)) or isPunctChar(after))
        before_blank, after_blank = isWhiteSpace(ord(before)), isWhiteSpace(ord(after))
        left = not (after_blank or (after_punctuation and not (before_blank or before_punctuation or before_wide)))
        right = not (before_blank or (before_punctuation and not (after_blank or after_punctuation or after_wide)))
        can_open = left and (canSplitWord or not right or before_punctuation)
        can_close = right and (canSplitWord or not left or after_punctuation)
        return Scanned(can_open, can_close, end - start)


class _WideInline(ParserInline):
    def __init__(self) -> None:
        super().__init__()
        # Only what one of our rules begins or ends with; the library also stops at signs kept for extensions, and
        # asks every rule at each of them.
        self.terminator_re = re.compile(r"[\n!&*<\[\\\]_`~]")

    def parse(self, src: str, md: MarkdownIt, env: EnvType, tokens: list[Token]) -> list[Token]:
        state = _WideInlineState(src, md, env, tokens)
        self.tokenize(state)
        for rule in self.ruler2.getRules(""):
            rule(state)
        return state.tokens


class _Parser(MarkdownIt):
    """The configuration; as a `scanner` it lets everything through so that it can be named."""

    def __init__(self, *, scanner: bool = False) -> None:
        super().__init__(
            "commonmark",
            # Deep lists count two levels each; the scan names what is deeper than we allow.
            {"html": scanner, "maxNesting": 3 * MAX_NESTING + 10, "tasklists": True, "alerts": True},
        )
        self.scanner = scanner
        inline = _WideInline()
        inline.ruler, inline.ruler2 = self.inline.ruler, self.inline.ruler2
        self.inline = inline
        self.enable(["table", "strikethrough"])
        self.use(footnote_plugin, inline=False)
        self.use(deflist_plugin)
        self.inline.ruler.before("link", "clause_link", _clause_link)
        self.core.ruler.before("inline", "heading_attributes", _heading_attributes)
        self.core.ruler.push("classes", _classes)
        self.core.ruler.push("marks", _set_marks)
        for name, rule in _RENDER_RULES.items():
            self.add_render_rule(name, rule)

    def parse(self, src: str, env: EnvType | None = None) -> list[Token]:
        """Return the tokens of a text, as the library does.

        Thousands come to be at once and none is garbage yet: looking for some meanwhile takes as long again.
        """
        was_looking = gc.isenabled()
        gc.disable()
        try:
            return super().parse(src, env)
        finally:
            if was_looking:
                gc.enable()

    def validateLink(self, url: str) -> bool:  # noqa: N802 - the library's name
        return self.scanner or (
            not url.startswith(("//", "\\", "/\\"))
            and (not _SCHEME.match(url) or url.lower().startswith(_ALLOWED_SCHEMES))
        )


@cache
def _writer() -> _Parser:
    return _Parser()


@cache
def _scanner() -> _Parser:
    return _Parser(scanner=True)


# --- what others wrote --------------------------------------------------------------------------


class What(StrEnum):
    """What stands at a place of a text that others wrote."""

    HEADING = "heading"
    # A whole block, and one tag within a line.
    HTML = "html"
    TAG = "tag"
    PICTURE = "picture"
    LINK = "link"
    CLAUSE_LINK = "clause_link"


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands that we write in another way: the characters from `start` up to `end`.

    `line` counts from 1. Where the place cannot be told, `end` is 0: it is somewhere on the line. `words` are the
    heading, the source of a link's or a picture's words, or the tags; `address` is where they lead. `level` and
    `underlined` are those of a heading, `anchor` its id, and `braces` what it has at its end in place of one of ours.
    """

    what: What
    line: int
    start: int
    end: int
    words: str = ""
    address: str = ""
    level: int = 0
    underlined: bool = False
    anchor: str = ""
    braces: str = ""
    within_link: bool = False


def places(text: str) -> list[Place]:
    """Return where a text has headings of its own, raw HTML, pictures, and links that nobody may follow or to clauses.

    In the order of the text. Line ends are LF. Raises `TextRefused` for a text beyond the limits.
    """
    problems = _limits(text)
    if problems:
        raise TextRefused(problems)
    env: dict[str, Any] = {}
    tokens = _finder().parse(text, env)
    starts = _line_starts(text.split("\n"))
    found = [*env.get("places", ())]
    for token in tokens:
        if token.type == "html_block" and token.map is not None:
            first, after = token.map
            start, end = starts[first], starts[after] - 1 if after < len(starts) else len(text)
            found.append(Place(What.HTML, first + 1, start, end, words=token.content))
    for number, token in enumerate(tokens):
        if token.type == "heading_open" and token.level == 0 and token.map is not None:
            first, after = token.map
            inline = tokens[number + 1]
            attributes: dict[str, str] = token.meta.get("attributes", {})
            is_plain = set(attributes) <= {"sensitivity"} and attributes.get("sensitivity", "S0") in SENSITIVITIES
            is_plain = is_plain and "twice" not in token.meta
            braces = str(token.meta.get("wrong", ""))
            if not is_plain:
                opening = text.rfind("{#", starts[first], starts[after] - 1)
                braces = text[opening : text.find("}", opening) + 1]
            found.append(
                Place(
                    What.HEADING,
                    first + 1,
                    starts[first],
                    starts[after] - 1,
                    words=_text_of(inline),
                    level=int(token.tag[1]),
                    underlined=token.markup in ("=", "-"),
                    anchor=token.meta.get("id", ""),
                    braces=braces.rstrip(),
                )
            )
    return sorted(found, key=lambda place: (place.line, place.start, -place.end))


def _line_starts(lines: Sequence[str]) -> list[int]:
    return [0, *accumulate(len(line) + 1 for line in lines)]


class _FindingInline(_WideInline):
    """Notes, for each inline text as it is parsed, where in it something stands."""

    def parse(self, src: str, md: MarkdownIt, env: EnvType, tokens: list[Token]) -> list[Token]:
        # The words of a picture are parsed as a text of their own.
        if "inline" in env:
            return super().parse(src, md, env, tokens)
        env["inline"] = src
        try:
            return super().parse(src, md, env, tokens)
        finally:
            del env["inline"]


def _noting(what: What, rule: Callable[[StateInline, bool], bool]) -> Callable[[StateInline, bool], bool]:
    """Let a rule of inline texts note where it was met."""

    def noted(state: StateInline, silent: bool) -> bool:
        start, before = state.pos, len(state.tokens)
        if silent or state.env.get("inline") is not state.src:
            return rule(state, silent)
        noted_before = len(state.env.setdefault("spans", {}).setdefault(state.src, []))
        if not rule(state, silent):
            del state.env["spans"][state.src][noted_before:]
            return False
        # Plain text that was waiting comes before what the rule has made.
        token = next(token for token in state.tokens[before:] if token.type != "text")
        words = address = ""
        if what is What.TAG:
            words = token.content
        elif what is What.CLAUSE_LINK:
            words, address = state.src[start : state.pos], token.meta["slug"]
        elif state.src[start] == "<":
            words = address = str(token.attrs.get("href", ""))
        else:
            begin = start + (2 if what is What.PICTURE else 1)
            there = state.pos
            state.pos = start
            label = state.md.helpers.parseLinkLabel(state, begin - 1, what is What.LINK)
            state.pos = there
            words = state.src[begin : max(begin, label)]
            address = str(token.attrs.get("src" if what is What.PICTURE else "href", ""))
        if what is What.LINK:
            inside = state.env["spans"][state.src]
            inside[noted_before:] = [(*span[:-1], True) for span in inside[noted_before:]]
            if _address_problem(address, 0) is None:
                return True
        state.env["spans"][state.src].append((what, start, state.pos, words, address, False))
        return True

    return noted


def _note_places(state: StateCore) -> None:
    """Turn what was noted in inline texts into places of the whole text."""
    lines = state.src.split("\n")
    starts = _line_starts(lines)
    found: list[Place] = state.env.setdefault("places", [])
    # How far a line has been looked through: the cells of a table stand on one.
    reached: dict[int, int] = {}
    for token in state.tokens:
        if token.type != "inline" or token.map is None:
            continue
        spans = state.env.get("spans", {}).get(token.content, ())
        columns: list[int] = []
        begin = 0
        offsets = []
        for number, content in enumerate(token.content.split("\n")):
            there = token.map[0] + number
            column = lines[there].find(content, reached.get(there, 0)) if there < len(lines) else -1
            if column >= 0:
                reached[there] = column + len(content)
            columns.append(column)
            offsets.append(begin)
            begin += len(content) + 1
        for what, start, end, words, address, within in spans:
            first, last = bisect_right(offsets, start) - 1, bisect_right(offsets, end) - 1
            there = token.map[0] + first
            begin_at, end_at = starts[min(there, len(lines) - 1)], 0
            if columns[first] >= 0 and columns[last] >= 0:
                begin_at += columns[first] + start - offsets[first]
                end_at = starts[token.map[0] + last] + columns[last] + end - offsets[last]
            found.append(Place(what, there + 1, begin_at, end_at, words, address, within_link=within))


@cache
def _finder() -> _Parser:
    finder = _Parser(scanner=True)
    inline = _FindingInline()
    inline.ruler, inline.ruler2 = finder.inline.ruler, finder.inline.ruler2
    finder.inline = inline
    for name, what in (
        ("image", What.PICTURE),
        ("link", What.LINK),
        ("html_inline", What.TAG),
        ("clause_link", What.CLAUSE_LINK),
        ("autolink", What.LINK),
    ):
        rule = next(each.fn for each in inline.ruler.__rules__ if each.name == name)
        inline.ruler.at(name, _noting(what, rule))
    finder.core.ruler.after("inline", "places", _note_places)
    return finder


def _clause_link(state: StateInline, silent: bool) -> bool:
    if not state.src.startswith("[[", state.pos):
        return False
    found = _CLAUSE_LINK.match(state.src, state.pos, state.posMax)
    # `[[x#y]](address)` and `[[x#y]][label]` stay ordinary links.
    if found is None or state.src[found.end() : found.end() + 1] in ("(", "["):
        return False
    if not silent:
        token = state.push("clause_link", "", 0)
        token.meta = {"slug": found["slug"] or "", "anchor": found["anchor"]}
    state.pos = found.end()
    return True


def _heading_attributes(state: StateCore) -> None:
    for number, token in enumerate(state.tokens):
        if token.type != "heading_open":
            continue
        inline = state.tokens[number + 1]
        content = inline.content.rstrip()
        opening = content.rfind("{") if content.endswith("}") else -1
        found = _ATTRIBUTES.fullmatch(content, opening) if opening != -1 else None
        if found:
            pairs = [pair.split("=", 1) for pair in found["rest"].split()]
            token.meta = {"id": found["id"], "attributes": dict(pairs)}
            twice = [name for number, (name, _value) in enumerate(pairs) if name in dict(pairs[:number])]
            if twice:
                token.meta["twice"] = twice[0]
            inline.content = content[:opening].rstrip()
        elif opening != -1 and content[opening + 1 :].lstrip().startswith("#"):
            token.meta = {"wrong": content[opening:][:80]}


def _classes(state: StateCore) -> None:
    """Set our classes in the place of inline styles and of the library's names."""
    for number, token in enumerate(state.tokens):
        style = token.attrs.pop("style", "")
        if token.type == "alert_title_open":
            # The library writes the title in English; it belongs into the text's language.
            title = _ALERTS[str(state.tokens[number + 1].content).upper()].in_(state.env.get("language", "en"))
            state.tokens[number + 1].children = [Token("text", "", 0, content=title)]
        if style:
            token.attrs["class"] = f"align-{str(style).rpartition(':')[2].strip()}"
        elif token.type in ("bullet_list_open", "ordered_list_open"):
            if token.attrs.pop("class", ""):
                token.attrs["class"] = "task-list"
        elif token.type == "list_item_open" and token.attrs.pop("class", ""):
            token.attrs["class"] = "task"
        elif token.type == "paragraph_open":
            found = _EXAMPLE.match(state.tokens[number + 1].content)
            if found:
                # In a tight list the paragraph itself is not shown.
                shown = state.tokens[number - 1] if token.hidden else token
                shown.attrs["class"] = "counter-example" if found["counter"] else "example"


def _set_marks(state: StateCore) -> None:
    """Mark words outside of headings, links and code."""
    marks: Marks | None = state.env.get("marks")
    if marks is None:
        return
    seen: set[str] = set()
    for number, token in enumerate(state.tokens):
        if token.type == "heading_open" and token.level == 0:
            seen = set()
        if token.type != "inline" or state.tokens[number - 1].type == "heading_open":
            continue
        children: list[Token] = []
        links = 0
        for child in token.children or ():
            links += {"link_open": 1, "link_close": -1}.get(child.type, 0)
            children += [child] if links or child.type != "text" else _marked(child, marks, seen)
        token.children = children


def _marked(text: Token, marks: Marks, seen: set[str]) -> list[Token]:
    pieces: list[Token] = []
    start = 0
    for found in marks.pattern.finditer(text.content):
        mark = marks.look_up(found.group())
        if mark is None or (not mark.is_wrong and mark.address in seen):
            continue
        if not mark.is_wrong:
            seen.add(mark.address)
        if found.start() > start:
            pieces.append(Token("text", "", 0, content=text.content[start : found.start()]))
        pieces.append(Token("mark", "", 0, content=found.group(), meta={"mark": mark}))
        start = found.end()
    if not pieces:
        return [text]
    if start < len(text.content):
        pieces.append(Token("text", "", 0, content=text.content[start:]))
    return pieces


Renderer = Callable[[Any, Sequence[Token], int, OptionsDict, EnvType], str]


# Kanji, kana, and the punctuation and wide forms used with them (hangul, whose words are set apart, is not among them).
_JAPANESE = re.compile("[\u2e80-\u30ff\u3400-\u9fff\uf900-\ufaff\uff01-\uff60\U00020000-\U0003fffd]")
_JAPANESE_PUNCTUATION = re.compile(
    "[\u3001-\u3003\u3008-\u3011\u3014-\u301b\u30fb\uff01-\uff0f\uff1a-\uff1f\uff5b-\uff60]"
)


def _show_softbreak(renderer: Any, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
    """Join the lines of a Japanese paragraph: browsers would show their break as a blank."""
    before = next((each.content[-1] for each in reversed(tokens[:index]) if each.content), "")
    after = next((each.content[0] for each in tokens[index + 1 :] if each.content), "")
    if _JAPANESE_PUNCTUATION.match(before) or _JAPANESE_PUNCTUATION.match(after):
        return ""
    return "" if _JAPANESE.match(before) and _JAPANESE.match(after) else "\n"


def _show_heading(renderer: Any, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
    token = tokens[index]
    anchor = token.meta.get("id")
    if not anchor or anchor in env["ids"]:
        return f"<{token.tag}>"
    env["ids"].add(anchor)
    return f'<{token.tag} id="{env["id_prefix"]}{anchor}">'


def _show_quote(renderer: Any, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
    return str(renderer.renderToken(tokens, index, options, env)).rstrip("\n") + "\n"


def _show_item(renderer: Any, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
    token = tokens[index]
    html = str(renderer.renderToken(tokens, index, options, env))
    if "checked" not in token.meta:
        return html
    state = _DONE if token.meta["checked"] else _OPEN
    checked = ' checked=""' if token.meta["checked"] else ""
    return f'{html}<input type="checkbox" disabled=""{checked} aria-label="{state.in_(env["language"])}"> '


def _show_alert(renderer: Any, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
    return f'<div class="admonition admonition-{tokens[index].meta["kind"].lower()}" role="note">\n'


def _show_alert_title(renderer: Any, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
    return '<p class="admonition-title">'


def _show_table(renderer: Any, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
    label = _TABLE.in_(env["language"])
    return f'<div class="table-scroll" role="group" aria-label="{label}" tabindex="0"><table>\n'


def _show_table_end(renderer: Any, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
    return "</table></div>\n"


def _show_clause_link(renderer: Any, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
    slug, anchor = tokens[index].meta["slug"], tokens[index].meta["anchor"]
    resolved = env["resolve"](slug, anchor) if env.get("resolve") else None
    return _clause_link_html(slug, anchor, resolved)


def _clause_link_html(slug: str, anchor: str, resolved: tuple[str, str] | None) -> str:
    if resolved is None:
        return f'<span class="clause-link-broken">{escapeHtml(f"{slug}#{anchor}")}</span>'
    address, heading = resolved
    return f'<a class="clause-link" href="{escapeHtml(address)}">{escapeHtml(heading)}</a>'


def _show_mark(renderer: Any, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
    token = tokens[index]
    mark: Mark = token.meta["mark"]
    kind = "term-wrong" if mark.is_wrong else "term"
    address, title = escapeHtml(mark.address), escapeHtml(mark.title)
    return f'<a class="{kind}" href="{address}" title="{title}">{escapeHtml(token.content)}</a>'


def _show_image(renderer: Any, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
    token = tokens[index]
    alternative = renderer.renderInlineAsText(token.children, options, env) if token.children else ""
    address = str(token.attrs.get("src", ""))
    own = _OWN_IMAGE.fullmatch(address)
    picture: Picture | None = env.get("pictures", {}).get(own["name"]) if own else None
    if _REMOTE.match(address) or (own is not None and picture is None):
        return escapeHtml(alternative)
    if picture is not None:
        token.attrs |= {"src": picture.address, "width": picture.width, "height": picture.height}
    token.attrs["alt"] = alternative
    return str(renderer.renderToken(tokens, index, options, env))


def _footnote_id(token: Token, env: EnvType) -> str:
    # A colon cannot occur in a clause's id, so the two never meet.
    return f"{env['id_prefix']}fn:{token.meta['id'] + 1}"


def _footnote_reference_id(token: Token, env: EnvType) -> str:
    again = f":{token.meta['subId']}" if token.meta.get("subId", -1) > 0 else ""
    return f"{env['id_prefix']}fnref:{token.meta['id'] + 1}{again}"


def _show_reference(renderer: Any, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
    token = tokens[index]
    return (
        f'<sup class="footnote-reference"><a href="#{_footnote_id(token, env)}" '
        f'id="{_footnote_reference_id(token, env)}">[{token.meta["id"] + 1}]</a></sup>'
    )


def _show_notes(renderer: Any, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
    return '<section class="footnotes">\n<ol>\n'


def _show_note(renderer: Any, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
    return f'<li id="{_footnote_id(tokens[index], env)}">'


def _show_way_back(renderer: Any, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
    reference, label = _footnote_reference_id(tokens[index], env), _BACK.in_(env["language"])
    return f' <a class="footnote-back" href="#{reference}" aria-label="{label}">↩︎</a>'


_RENDER_RULES: dict[str, Renderer] = {
    "softbreak": _show_softbreak,
    "heading_open": _show_heading,
    "blockquote_open": _show_quote,
    "list_item_open": _show_item,
    "alert_open": _show_alert,
    "alert_title_open": _show_alert_title,
    "table_open": _show_table,
    "table_close": _show_table_end,
    "clause_link": _show_clause_link,
    "mark": _show_mark,
    "image": _show_image,
    "footnote_ref": _show_reference,
    "footnote_block_open": _show_notes,
    "footnote_open": _show_note,
    "footnote_anchor": _show_way_back,
}

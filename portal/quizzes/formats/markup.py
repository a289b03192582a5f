"""Texts of other kinds as our Markdown: plain text, Moodle's own kind and HTML become what shows the same.

The one door for it. Nothing of a text is evaluated or fetched, and what our Markdown cannot hold (pictures, colours,
tables within tables) is named beside the result. That the words have stayed the same is not promised by the rules below
but looked at: the Markdown is read back, and where its words differ the text comes in without its marks.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from portal.core import markdown
from portal.core.i18n import gettext as _
from portal.core.markdown import HIDDEN
from portal.quizzes.formats.interchange import TextFormat
from portal.quizzes.formats.losses import CannotHold

# Elements within elements; what lies deeper is taken for its text.
_MAX_DEPTH = 24
# So many things that were lost from one text are named; a page made to have thousands of elements has them.
_MOST_LOSSES = 12

# Signs that mean something wherever they stand, and what is only read as Markdown at the beginning of a line.
_SIGNS = re.compile(
    r"[*`\[]|(?<![^\W_])_|_(?![^\W_])|~(?=~)|<(?=[A-Za-z/!?])|&(?=[#A-Za-z])|\\(?=[!-/:-@\[-`{-~]|$)", re.MULTILINE
)
_BEGINNINGS = re.compile(r"^(?=#{1,6}(?:\s|$)|>|[-+:~](?:\s|$)|[-:|=+ ]+$|\||~~~)", re.MULTILINE)
_ORDERED = re.compile(r"^([0-9]{1,9})(?=[.)](?:\s|$))", re.MULTILINE)
_BLANKS = re.compile(r"[ \t\n\r\f\v]+")
_BREAK = "\\\n"
_LINE_END = re.compile(r"(?<=[^\n])\n(?=[^\n])")
# How a gap is named in the text of a question; it stays as it is whatever else becomes of the text.
_GAP = re.compile(r"\[\[([0-9]{1,3})\]\]")
_GAP_KEPT = re.compile("\ue000([0-9]{1,3})\ue001")
_PLAIN_BLANKS = re.compile(r"[ \t\r\n\f\v\x1c-\x1e\x85\u2028\u2029]+")


@dataclass(frozen=True, slots=True)
class Taken:
    """A text as our Markdown, and what of it is lost, in words."""

    text: str
    losses: tuple[str, ...] = ()


def as_markdown(text: str, text_format: TextFormat, *, inline: bool = False, gaps: bool = False) -> Taken:
    """Return a text as Markdown that shows the same.

    `inline` texts (choices) have lines but no lists or tables; with `gaps` a `[[1]]` stays what it is. Raises
    `CannotHold` where nothing can be made of the text.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    losses: list[str] = []
    visible = HIDDEN.sub("", text.replace("\ue000", "").replace("\ue001", ""))
    if visible != text:
        losses.append(_("invisible characters"))
    if gaps:
        visible = _GAP.sub("\ue000\\1\ue001", visible)
    if text_format is TextFormat.MARKDOWN:
        found = Taken(_without_blanks(visible))
    elif text_format is TextFormat.PLAIN or (text_format is TextFormat.MOODLE and not _has_markup(visible)):
        found = Taken(_with_breaks(from_plain(visible)))
    else:
        found = _of_html(visible.replace("\n", "<br>") if text_format is TextFormat.MOODLE else visible, inline=inline)
    written = _GAP_KEPT.sub("[[\\1]]", found.text)
    problems = markdown.scan(written)
    if problems:
        first = problems[0]
        raise CannotHold(_("Its text cannot be kept: %(reason)s", reason=first.reason))
    return Taken(written, tuple(dict.fromkeys((*losses, *found.losses)))[:_MOST_LOSSES])


def from_plain(text: str) -> str:
    """Return a text in which nothing is markup as Markdown that shows the same."""
    text = "\n".join(line.strip() for line in text.split("\n"))
    return _escaped_beginnings(_SIGNS.sub(r"\\\g<0>", text))


def _escaped_beginnings(text: str) -> str:
    return _ORDERED.sub(r"\1\\", _BEGINNINGS.sub(r"\\", text))


def _with_breaks(text: str) -> str:
    return _LINE_END.sub(lambda found: _BREAK, re.sub(r"\n{3,}", "\n\n", text.strip("\n")))


def _without_blanks(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.split("\n")).strip("\n")


def _has_markup(text: str) -> bool:
    return "<" in text or "&" in text


# --- the tree of a text ------------------------------------------------------------------------

_TAG = re.compile(r"""<(?P<close>/?)(?P<name>[A-Za-z][A-Za-z0-9]*)(?P<rest>(?:[^<>"']|"[^"]*"|'[^']*')*+)>""")
_ATTRIBUTE = re.compile(r"""([A-Za-z][A-Za-z-]*)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'<>]+))""")
_VOID = frozenset(
    {"br", "hr", "img", "input", "wbr", "col", "source", "track", "embed", "link", "meta", "area", "base"}
)
# What is in them is not text.
_RAW = frozenset({"script", "style"})
# An element that begins ends those that are open, up to what it lies in.
_ENDS: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "li": (frozenset({"li"}), frozenset({"ul", "ol"})),
    "dt": (frozenset({"dt", "dd"}), frozenset({"dl"})),
    "dd": (frozenset({"dt", "dd"}), frozenset({"dl"})),
    "tr": (frozenset({"tr"}), frozenset({"table"})),
    "td": (frozenset({"td", "th"}), frozenset({"tr", "table"})),
    "th": (frozenset({"td", "th"}), frozenset({"tr", "table"})),
}
_END_PARAGRAPHS = frozenset(
    {
        "p",
        "div",
        "ul",
        "ol",
        "dl",
        "pre",
        "table",
        "blockquote",
        "hr",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "section",
        "article",
        "header",
        "footer",
        "form",
        "fieldset",
    }
)


@dataclass(slots=True)
class _Element:
    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list[_Element | str] = field(default_factory=list)
    # A paragraph, list or the like is in it, or it is one.
    holds_block: bool = False


def _tree(text: str) -> _Element:
    """Return the elements of a text; what is no tag is text, and what is not closed ends with what it lies in."""
    root = _Element("")
    stack = [root]
    lower = text.lower()
    start = at = 0
    while (at := text.find("<", at)) != -1:
        end = at + 1
        if text.startswith("<!--", at):
            end = text.find("-->", at)
            end = len(text) if end == -1 else end + 3
        elif text.startswith(("<!", "<?"), at):
            end = text.find(">", at) + 1 or len(text)
        elif (tag := _TAG.match(text, at)) is not None:
            end = tag.end()
        else:
            at = end
            continue
        _add_text(stack[-1], text[start:at])
        if tag := (_TAG.match(text, at) if not text.startswith(("<!", "<?"), at) else None):
            name = tag["name"].lower()
            if tag["close"]:
                _close(stack, name)
            else:
                _open(stack, name, tag["rest"])
                if name in _RAW:
                    end = lower.find(f"</{name}", end)
                    end = len(text) if end == -1 else end
        start = at = end
    _add_text(stack[-1], text[start:])
    return root


def _add_text(into: _Element, text: str) -> None:
    if text:
        into.children.append(html.unescape(text))


def _open(stack: list[_Element], name: str, rest: str) -> None:
    if name in _END_PARAGRAPHS:
        _close_within(stack, frozenset({"p"}), frozenset({"td", "th", "li", "blockquote", "div"}))
    if name in _ENDS:
        _close_within(stack, *_ENDS[name])
    attributes = {
        found[1].lower(): html.unescape(found[2] or found[3] or found[4] or "") for found in _ATTRIBUTE.finditer(rest)
    }
    element = _Element(name, attributes)
    stack[-1].children.append(element)
    if name in _BLOCKS:
        element.holds_block = True
        for above in reversed(stack):
            if above.holds_block or above.name in _SKIPPED:
                break
            above.holds_block = True
    if name not in _VOID and not rest.endswith("/") and len(stack) <= _MAX_DEPTH:
        stack.append(element)


def _close(stack: list[_Element], name: str) -> None:
    for depth in range(len(stack) - 1, 0, -1):
        if stack[depth].name == name:
            del stack[depth:]
            return


def _close_within(stack: list[_Element], names: frozenset[str], bounds: frozenset[str]) -> None:
    for depth in range(len(stack) - 1, 0, -1):
        if stack[depth].name in bounds:
            return
        if stack[depth].name in names:
            del stack[depth:]
            return


def _words(element: _Element) -> str:
    """Return the text of an element and of those in it."""
    return "".join(child if isinstance(child, str) else _words(child) for child in element.children)


# --- the tree as Markdown ----------------------------------------------------------------------

_CONTAINERS = frozenset(
    {
        "p",
        "div",
        "section",
        "article",
        "header",
        "footer",
        "main",
        "figure",
        "figcaption",
        "center",
        "address",
        "form",
        "fieldset",
        "nav",
        "aside",
        "html",
        "body",
        "tbody",
        "thead",
        "tfoot",
        "details",
        "summary",
    }
)
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_BLOCKS = _CONTAINERS | _HEADINGS | frozenset({"ul", "ol", "li", "dl", "dt", "dd", "blockquote", "pre", "table", "hr"})
_STRONG, _EMPHASIS, _STRUCK = frozenset({"b", "strong"}), frozenset({"i", "em"}), frozenset({"s", "strike", "del"})
_CODE = frozenset({"code", "kbd", "tt", "samp"})
# They say nothing that is seen.
_SILENT = frozenset(
    {
        "span",
        "a",
        "wbr",
        "label",
        "abbr",
        "cite",
        "var",
        "dfn",
        "time",
        "data",
        "nobr",
        "tr",
        "td",
        "th",
        "caption",
        "col",
        "colgroup",
        "rb",
        "rtc",
    }
)
# Nothing of them can be shown.
_SKIPPED = frozenset(
    {
        "script",
        "style",
        "head",
        "title",
        "template",
        "noscript",
        "iframe",
        "object",
        "embed",
        "video",
        "audio",
        "svg",
        "math",
        "canvas",
        "map",
        "select",
        "textarea",
        "button",
        "input",
        "source",
        "track",
        "applet",
    }
)
_UPPER = dict(zip("0123456789+-=()ni", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱ", strict=True))
_LOWER = dict(zip("0123456789+-=()", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎", strict=True))
_LOOKS = re.compile(
    r"color|background|decoration|font-weight|font-style|display|visibility|vertical-align", re.IGNORECASE
)
_ADDRESS = re.compile(r"(?:https?://|mailto:)[^\s<>]+", re.IGNORECASE)


def _of_html(text: str, *, inline: bool) -> Taken:
    """Return HTML as Markdown; where its words would change, without marks and then as plain text."""
    tree = _tree(text)
    for marks in (True, False):
        writer = _Writer(inline=inline, marks=marks)
        blocks = writer.blocks(tree)
        written = (_BREAK if inline else "\n\n").join(blocks)
        if _same_words(written, writer.said):
            if not marks:
                writer.lose(_("bold, italics and links of its text"))
            return Taken(written, tuple(writer.losses))
    plain = _with_breaks(from_plain(_BLANKS.sub(" ", "".join(writer.said))))
    return Taken(plain, (*writer.losses, _("bold, italics and links of its text")))


def _same_words(written: str, said: Sequence[str]) -> bool:
    try:
        back = markdown.plain_text(written)
    except markdown.TextRefused as refused:
        raise CannotHold(_("Its text cannot be kept: %(reason)s", reason=refused.problems[0].reason)) from None
    return "".join(back.split()) == "".join("".join(said).split())


@dataclass(slots=True)
class _Writer:
    """Writes a tree as Markdown, noting what it leaves out and which words it has written."""

    inline: bool
    marks: bool
    losses: dict[str, None] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)

    def lose(self, what: str) -> None:
        self.losses.setdefault(what)

    def lose_element(self, name: str) -> None:
        self.lose(_("the HTML element <%(name)s>", name=name[:20]))

    # --- blocks ---

    def blocks(self, element: _Element) -> list[str]:
        """Return the paragraphs, lists and tables of an element."""
        found: list[str] = []
        run: list[_Element | str] = []

        def flush() -> None:
            paragraph = self.paragraph(run)
            if paragraph:
                found.append(paragraph)
            run.clear()

        for child in element.children:
            if isinstance(child, str) or not child.holds_block:
                run.append(child)
            else:
                flush()
                found += self.block(child)
        flush()
        return found

    def block(self, element: _Element) -> list[str]:
        name = element.name
        self.note_look(element)
        if name in _HEADINGS:
            self.lose_element(name)
            text = self.paragraph(element.children)
            return (
                [f"**{text}**"]
                if self.marks and text and "*" not in text and "\n" not in text
                else [text][: bool(text)]
            )
        if name in ("ul", "ol"):
            return self.item_list(element)
        if name == "table":
            return self.table(element)
        if name == "pre":
            return self.code_block(element)
        if name == "hr":
            if self.inline:
                self.lose_element(name)
                return []
            return ["* * *"]
        if name not in _CONTAINERS and name not in _SILENT and name not in ("li", "dt", "dd"):
            self.lose_element(name)
        return self.blocks(element)

    def item_list(self, element: _Element) -> list[str]:
        # Text between the items is one of them, as browsers show it.
        items = [
            child if isinstance(child, _Element) else _Element("li", {}, [child])
            for child in element.children
            if isinstance(child, _Element) or child.strip()
        ]
        if self.inline:
            self.lose_element(element.name)
            return [block for item in items for block in self.blocks(item)]
        written, number = [], 1
        if element.name == "ol" and element.attributes.get("start", "").isascii():
            start = element.attributes.get("start", "")
            number = int(start) if start.isdigit() and len(start) <= 8 else 1
        for item in items:
            inner = [item] if item.name in ("ul", "ol") else item.children
            blocks = self.blocks(_Element("", {}, list(inner)))
            if not blocks:
                continue
            # A bank's own lists of choices begin with "-".
            mark = f"{number}." if element.name == "ol" else "*"
            number += 1
            lines = "\n\n".join(blocks).split("\n")
            indent = " " * (len(mark) + 1)
            written.append(
                "\n".join([f"{mark} {lines[0]}", *(f"{indent}{line}" if line else "" for line in lines[1:])])
            )
        return ["\n".join(written)] if written else []

    def code_block(self, element: _Element) -> list[str]:
        text = _words(element).strip("\n")
        self.said.append(text)
        if not text.strip():
            return []
        if self.inline or not self.marks:
            self.lose_element(element.name)
            return [_with_breaks(from_plain(text))]
        fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
        return [f"{fence}\n{_without_blanks(text)}\n{fence}"]

    def table(self, element: _Element) -> list[str]:
        rows = list(_rows(element))
        # What stands in no cell is shown above the table.
        captions = self.blocks(_Element("", {}, list(_beside_cells(element))))
        if not rows:
            return captions
        if self.inline or not all(_is_plain_cell(cell) for row in rows for cell in row):
            self.lose_element("table")
            return captions + [block for row in rows for cell in row for block in self.blocks(cell)]
        if any(cell.name != "th" for cell in rows[0]):
            self.lose(_("that its table has no row of headings"))
        width = max(len(row) for row in rows)
        lines = []
        for row in rows:
            cells = [self.paragraph(cell.children).replace(_BREAK, " ").replace("|", "\\|") for cell in row]
            lines.append("| " + " | ".join(cells + [""] * (width - len(cells))) + " |")
        lines.insert(1, "|" + " --- |" * width)
        return [*captions, "\n".join(lines)]

    # --- text ---

    def paragraph(self, children: Sequence[_Element | str]) -> str:
        """Return text with its marks: blanks as a browser shows them, lines where there are breaks."""
        pieces = "".join(self.text(child) for child in children)
        lines = [line.strip(" ") for line in re.sub(r" {2,}", " ", pieces).split(_BREAK)]
        while lines and not lines[0]:
            lines.pop(0)
        while lines and not lines[-1]:
            lines.pop()
        paragraphs: list[list[str]] = [[]]
        for line in lines:
            if line:
                paragraphs[-1].append(_escaped_beginnings(line))
            elif paragraphs[-1]:
                paragraphs.append([])
        return (_BREAK if self.inline else "\n\n").join(_BREAK.join(each) for each in paragraphs if each)

    def text(self, child: _Element | str) -> str:
        if isinstance(child, str):
            text = _BLANKS.sub(" ", child)
            self.said.append(text)
            return _SIGNS.sub(r"\\\g<0>", text)
        name = child.name
        self.note_look(child)
        if name == "br":
            self.said.append("\n")
            return _BREAK
        if name == "img":
            return self.picture(child)
        if name in _SKIPPED:
            self.lose_element(name)
            return ""
        if name in _CODE:
            return self.code(child)
        if name == "a":
            return self.link(child)
        if name in ("sup", "sub"):
            return self.raised(child)
        if name == "rp":
            return ""
        around = {"q": ("“", "”"), "rt": ("（", "）")}.get(name)
        self.said += around[:1] if around else ()
        inner = "".join(self.text(each) for each in child.children)
        if around:
            self.said.append(around[1])
            inner = f"{around[0]}{inner}{around[1]}"
        for names, mark in ((_STRONG, "**"), (_EMPHASIS, "*"), (_STRUCK, "~~")):
            if name in names:
                return self.marked(inner, mark)
        if name not in _SILENT and name != "q":
            self.lose_element(name)
        return inner

    def marked(self, inner: str, mark: str) -> str:
        if _BREAK in inner:
            return _BREAK.join(self.marked(line, mark) for line in inner.split(_BREAK))
        bare = inner.strip(" ")
        if not self.marks or not bare:
            return inner
        before, after = inner[: len(inner) - len(inner.lstrip(" "))], inner[len(inner.rstrip(" ")) :]
        return f"{before}{mark}{bare}{mark}{after}"

    def code(self, element: _Element) -> str:
        text = _BLANKS.sub(" ", _words(element)).strip()
        self.said.append(text)
        if not text:
            return ""
        if not self.marks or "`" in text or _GAP_KEPT.search(text):
            return _SIGNS.sub(r"\\\g<0>", text)
        return f"`{text}`"

    def link(self, element: _Element) -> str:
        address = element.attributes.get("href", "").strip()
        inner = "".join(self.text(each) for each in element.children)
        if not address:
            return inner
        if not _ADDRESS.fullmatch(address) or not inner.strip() or not self.marks or _BREAK in inner:
            self.lose(_("the link to %(address)s", address=address[:80]))
            return inner
        return f"[{inner.strip()}](<{address}>)"

    def raised(self, element: _Element) -> str:
        """Return small figures as such; what there are no small signs for is written behind a sign."""
        known, sign = (_UPPER, "^") if element.name == "sup" else (_LOWER, "_")
        text = _BLANKS.sub(" ", _words(element)).strip().replace("−", "-")
        if not text:
            return ""
        small = "".join(known.get(each, "") for each in text)
        if len(small) != len(text):
            self.lose_element(element.name)
            small = f"{sign}{text}"
        self.said.append(small)
        return _SIGNS.sub(r"\\\g<0>", small)

    def picture(self, element: _Element) -> str:
        source, told = element.attributes.get("src", ""), _BLANKS.sub(" ", element.attributes.get("alt", "")).strip()
        name = source.rpartition("/")[2].partition("?")[0] if not source.startswith("data:") else ""
        self.lose(_("the picture “%(name)s”", name=(name or told or "?")[:80]))
        self.said.append(told)
        return _SIGNS.sub(r"\\\g<0>", told)

    def note_look(self, element: _Element) -> None:
        attributes = element.attributes
        if _LOOKS.search(attributes.get("style", "")) or "color" in attributes or "bgcolor" in attributes:
            self.lose(_("colours and other looks of its text"))


def _rows(table: _Element) -> Iterator[list[_Element]]:
    """Yield the rows of a table; cells outside of any row make one."""
    loose: list[_Element] = []
    for child in table.children:
        if isinstance(child, str):
            continue
        if child.name in ("td", "th"):
            loose.append(child)
        elif child.name in ("tr", "tbody", "thead", "tfoot"):
            if loose:
                yield loose
                loose = []
            yield from _rows(child)
    if loose:
        yield loose


def _beside_cells(element: _Element) -> Iterator[_Element | str]:
    for child in element.children:
        if isinstance(child, _Element) and child.name in ("tr", "tbody", "thead", "tfoot"):
            yield from _beside_cells(child)
        elif isinstance(child, str) or child.name not in ("td", "th", "colgroup", "col"):
            yield child


def _is_plain_cell(cell: _Element) -> bool:
    """Say whether a cell is a line of text in one column and row."""
    if any(cell.attributes.get(each, "1") not in ("", "1") for each in ("colspan", "rowspan")):
        return False
    return not any(isinstance(child, _Element) and _is_deep(child) for child in cell.children)


def _is_deep(element: _Element) -> bool:
    if element.name in _BLOCKS - {"p", "div"}:
        return True
    return any(isinstance(child, _Element) and _is_deep(child) for child in element.children)


# --- words without marks -----------------------------------------------------------------------


def without_tags(text: str, text_format: TextFormat) -> str:
    """Return the words of a title, on one line and without the elements that it was taken from the text with."""
    if text_format in (TextFormat.HTML, TextFormat.MOODLE) and _has_markup(text):
        text = "".join(_said_of(_tree(text)))
    # Blanks that are no break and no plain one stand there on purpose.
    return HIDDEN.sub("", _PLAIN_BLANKS.sub(" ", text).strip())


def _said_of(element: _Element) -> Iterator[str]:
    for child in element.children:
        if isinstance(child, str):
            yield child
        elif child.name not in _SKIPPED:
            yield from _said_of(child)
            yield " " if child.name in _BLOCKS or child.name == "br" else ""


def first_words(text: str) -> str:
    """Return the beginning of a Markdown text as plain words, for a title."""
    try:
        return " ".join(markdown.plain_text(text).split())
    except markdown.TextRefused:
        return ""

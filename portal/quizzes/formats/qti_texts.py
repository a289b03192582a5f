"""The texts of a QTI item: its XHTML as the HTML of a question, and the texts of a question as XHTML.

Elements that QTI has from HTML stay, without their looks; any other tag goes and its text stays. Pictures and the like
are not taken, which is said by their names.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from html import escape

from portal.core.i18n import gettext as _
from portal.quizzes.formats.interchange import TextFormat
from portal.quizzes.formats.xml_nodes import Node

# What QTI 2.2 takes over from HTML as the structure of a text.
_BLOCK_NAMES = (
    "address blockquote caption dd div dl dt h1 h2 h3 h4 h5 h6 hr li ol p pre table tbody td tfoot th thead tr ul"
)
_INLINE_NAMES = (
    "a abbr acronym b bdo big br cite code dfn em i kbd q rb rp rt ruby samp small span strong sub sup tt var"
)
_BLOCKS = frozenset(_BLOCK_NAMES.split())
KEPT = _BLOCKS | frozenset(_INLINE_NAMES.split())
_VOID = frozenset({"br", "hr"})
# A new one of these ends the one that is open.
_ENDS = {"p": _BLOCKS - {"li", "td", "th", "tr"}, "li": {"li"}, "td": {"td", "th", "tr"}, "th": {"td", "th", "tr"}}
_EMPTY_GOES = frozenset({"div", "p", "span", "b", "i", "em", "strong"})
_ATTRIBUTES = {"a": ("href", "title"), "td": ("colspan", "rowspan"), "th": ("colspan", "rowspan", "scope")}
_ANYWHERE = ("lang", "dir")
_ADDRESS = re.compile(r"(?:https?://|mailto:)[^\s<>\"]{1,2000}", re.IGNORECASE)
_COUNT = re.compile(r"[1-9][0-9]{0,2}", re.ASCII)
# Neither their text nor what is inside is said to a reader.
_DROPPED = frozenset({"script", "style", "stylesheet", "title", "templateBlock", "templateInline"})
_MEDIA = frozenset({"audio", "embed", "iframe", "img", "include", "object", "picture", "svg", "track", "video"})
_NAME = 80
_DEEPEST = 60
_WRAPPERS = 8
# A tag as people write them; a longer one is text.
_HTML = re.compile(
    r"<!--.{0,2000}?-->|<(?P<end>/?)(?P<tag>[A-Za-z][A-Za-z0-9]{0,20})(?P<rest>(?:\s[^<>]{0,2000})?)\s{0,10}(?P<own>/?)>",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(r"""([A-Za-z-]{1,20})\s{0,5}=\s{0,5}(?:"([^"]{0,2000})"|'([^']{0,2000})')""")
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_AROUND_BLOCKS = re.compile(rf" ?(</?(?:{'|'.join(sorted(_BLOCKS))}|br)(?: [^<>]*)?>) ?")
# Where a gap stands among the texts while they are put together.
GAP_MARK = re.compile(r"\[\[[0-9]+\]\]")

# Marks in the class of an item's body that our writer leaves: white space is text, and what the text is written in.
OURS = {text_format: f"shirube-{text_format}" for text_format in TextFormat}


class Mode(Enum):
    """How the texts of an item are read."""

    # White space means nothing; tags are kept.
    HTML = "html"
    # White space means nothing, and no text of the item has a tag.
    PLAIN = "plain"
    OWN_HTML = "own_html"
    OWN_PLAIN = "own_plain"
    OWN_MOODLE = "own_moodle"


MODE_OF_OURS = {
    TextFormat.HTML: Mode.OWN_HTML,
    TextFormat.PLAIN: Mode.OWN_PLAIN,
    TextFormat.MARKDOWN: Mode.OWN_PLAIN,
    TextFormat.MOODLE: Mode.OWN_MOODLE,
}


class Reader:
    """Reads the texts of one item; says whether any had a tag, and what was left out."""

    def __init__(self, mode: Mode, in_place: Callable[[Node], str | None] | None = None) -> None:
        """`in_place` returns what stands in a text for an element that is none of HTML's; None leaves it to us."""
        self.mode = mode
        self.has_tags = False
        self.losses: dict[str, None] = {}
        # In a question with gaps, a text that looks like the place of one is kept from being taken for it.
        self.has_gaps = False
        self._in_place = in_place or (lambda node: None)

    def text(self, node: Node | None, *, without: Sequence[str] = ()) -> str:
        """Return the text of an element."""
        return "" if node is None else self.of(node.children, without=without)

    def of(self, children: Iterable[Node | str], *, without: Sequence[str] = ()) -> str:
        """Return the text of a run of nodes; elements named in `without` are stepped over."""
        kept = [child for child in children if isinstance(child, str) or child.tag not in without]
        if not self._is_own:
            kept = self._unwrapped(kept)
        written = "".join(self._written(child, keeps=self._is_own) for child in kept)
        return written if self._is_own else _tidy(written, plain=self.mode is Mode.PLAIN)

    def lose(self, what: str) -> None:
        """Note what of the item is not taken, once."""
        self.losses.setdefault(what)

    @property
    def _is_own(self) -> bool:
        return self.mode in (Mode.OWN_HTML, Mode.OWN_PLAIN, Mode.OWN_MOODLE)

    def _unwrapped(self, children: list[Node | str]) -> list[Node | str]:
        """Return what is inside of a paragraph or division that is all there is."""
        for _level in range(_WRAPPERS):
            said = [child for child in children if self._says(child)]
            if len(said) != 1 or isinstance(said[0], str) or said[0].tag not in ("div", "p", "span"):
                break
            if _attributes(said[0].tag, said[0].attributes):
                break
            for silent in children:
                if silent is not said[0] and isinstance(silent, Node):
                    self._lose_all_media(silent)
            children = said[0].children
        return children

    def _says(self, child: Node | str) -> bool:
        if isinstance(child, str):
            return bool(child.strip())
        placed = self._in_place(child)
        if placed is not None or child.tag in _DROPPED:
            return bool(placed)
        # An element that goes where it is empty; a picture is said as a loss, and leaves nothing behind.
        goes = child.tag in _EMPTY_GOES or child.tag not in KEPT
        return not goes or any(self._says(each) for each in child.children)

    def _written(self, child: Node | str, *, keeps: bool) -> str:
        if isinstance(child, str):
            return self._words(child if keeps else _one_space(child))
        placed = self._in_place(child)
        if placed is not None:
            return placed
        if child.tag in _DROPPED:
            return ""
        if child.tag == "math":
            self.lose(_("a formula (MathML); its signs stay as text"))
            return self._words(" ".join(child.get("alttext").split()) or child.words())
        if child.tag in _MEDIA:
            self._lose_media(child)
        inner = "".join(self._written(each, keeps=keeps or child.tag == "pre") for each in child.children)
        if child.tag not in KEPT:
            return inner
        return self._tagged(child, inner)

    def _tagged(self, node: Node, inner: str) -> str:
        if node.tag == "br" and self.mode in (Mode.OWN_PLAIN, Mode.OWN_MOODLE):
            return "\n"
        if self.mode in (Mode.PLAIN, Mode.OWN_PLAIN):
            return inner
        attributes = _attributes(node.tag, node.attributes)
        if node.tag == "a" and "href" not in attributes:
            return inner
        if not self._is_own and not attributes:
            if node.tag in _EMPTY_GOES and not inner.strip():
                return inner
            if node.tag == "span":
                return inner
        self.has_tags = True
        opened = f"<{node.tag}{attributes}>"
        return opened if node.tag in _VOID else f"{opened}{inner}</{node.tag}>"

    def _words(self, text: str) -> str:
        if self.has_gaps and GAP_MARK.search(text):
            self.lose(_("its text as it is written"))
            text = GAP_MARK.sub(lambda found: f"[ {found[0][1:]}", text)
        if self.mode in (Mode.PLAIN, Mode.OWN_PLAIN):
            return text
        if self.mode is Mode.OWN_MOODLE:
            return _least_escaped(text)
        return escape(text, quote=False)

    def _lose_all_media(self, node: Node) -> None:
        for each in node.walk():
            if each.tag in _MEDIA:
                self._lose_media(each)

    def _lose_media(self, node: Node) -> None:
        address = next((node.get(name) for name in ("src", "data", "href") if node.get(name)), "")
        if address[:5].lower() == "data:":
            address = address[5:].partition(";")[0].partition(",")[0]
        named = address[:_NAME] or "–"
        if node.tag in ("img", "picture", "svg") or "image" in node.get("type"):
            said = node.get("alt")
            words = f"{named} ({' '.join(said.split())[:_NAME]})" if said else named
            self.lose(_("the picture %(name)s", name=words))
        else:
            self.lose(_("the file %(name)s (%(element)s)", name=named, element=node.tag))


def is_alone(inside: Sequence[Node | str], place: int) -> bool:
    """Say whether nothing stands on the same line as an element: between it and the nearest block or line break."""
    for step in (-1, 1):
        at = place + step
        while 0 <= at < len(inside):
            other = inside[at]
            if isinstance(other, str):
                if other.strip():
                    return False
            elif other.tag in _BLOCKS or other.tag == "br":
                break
            elif other.text().strip():
                return False
            at += step
    return True


def is_block(tag: str) -> bool:
    """Say whether an element of HTML stands on lines of its own."""
    return tag in _BLOCKS


def _one_space(text: str) -> str:
    # A space that does not break is a sign, not a space between words.
    return re.sub(r"[ \t\r\n]+", " ", text)


def _tidy(written: str, *, plain: bool) -> str:
    if "<pre" in written:
        return written.strip()
    if plain:
        return re.sub(r" {2,}", " ", written).strip()
    once = re.sub(r" {2,}", " ", _AROUND_BLOCKS.sub(r"\1", written))
    return once.strip()


def _attributes(tag: str, given: dict[str, str]) -> str:
    kept = []
    for name in (*_ATTRIBUTES.get(tag, ()), *_ANYWHERE):
        value = given.get(name, "").strip()
        if not value or (name == "href" and not _ADDRESS.fullmatch(value)):
            continue
        if name in ("colspan", "rowspan") and not _COUNT.fullmatch(value):
            continue
        kept.append(f' {name}="{escape(value)}"')
    return "".join(kept)


def _least_escaped(text: str) -> str:
    """Return text as it is written among HTML that Moodle keeps: signs alone are themselves."""
    text = _ENTITY.sub(lambda found: f"&amp;{found[0][1:]}", text)
    return re.sub(r"<(?=[A-Za-z/!?])", "&lt;", text)


# --- out ---------------------------------------------------------------------------------------


def xml_text(text: str) -> str:
    """Return text as XML holds it; signs that XML has not become the sign for that."""
    return escape(_NOT_IN_XML.sub("\ufffd", text), quote=False).replace("\r", "&#13;")


def xml_attribute(text: str) -> str:
    """Return the value of an attribute as XML holds it, its white space as it is."""
    written = escape(_NOT_IN_XML.sub("\ufffd", text)).replace("\r", "&#13;")
    return written.replace("\n", "&#10;").replace("\t", "&#9;")


def xhtml(text: str, text_format: TextFormat, *, gap: Callable[[int], str] | None = None) -> str:
    """Return a text as XHTML that QTI takes; `gap` returns what stands in it for a gap, by its number."""
    if gap is None:
        return _xhtml(text, text_format)
    parts, end = [], 0
    written = _xhtml(text, text_format)
    for mark in GAP_MARK.finditer(written):
        parts += [written[end : mark.start()], gap(int(mark[0][2:-2]))]
        end = mark.end()
    return "".join([*parts, written[end:]])


def words_alone(text: str, text_format: TextFormat) -> str:
    """Return a text as XML where no tag may stand."""
    if text_format is TextFormat.HTML:
        return xml_text(unescaped(_HTML.sub("", text)))
    return xml_text(text)


def _xhtml(text: str, text_format: TextFormat) -> str:
    if text_format is TextFormat.HTML:
        return _balanced(text)
    if text_format is TextFormat.MOODLE and (re.search(r"<[A-Za-z/!?]", text) or _ENTITY.search(text)):
        return _balanced(text.replace("\n", "<br>"))
    return xml_text(text).replace("\n", "<br/>")


def unescaped(text: str) -> str:
    """Return a text with the signs that it names; one without its semicolon is text."""
    return _ENTITY.sub(lambda found: html.unescape(found[0]), text)


def _balanced(text: str) -> str:
    """Return HTML as people write it with every tag closed, and without the tags that QTI has not."""
    written: list[str] = []
    opened: list[str] = []
    dropping = ""
    end = 0

    def say(words: str) -> None:
        if not dropping:
            written.append(xml_text(unescaped(words)))

    def close(upto: int) -> None:
        while len(opened) > upto:
            written.append(f"</{opened.pop()}>")

    for found in _HTML.finditer(text):
        say(text[end : found.start()])
        end = found.end()
        tag = (found["tag"] or "").lower()
        if dropping:
            dropping = "" if found["end"] and tag == dropping else dropping
        elif found["end"]:
            if tag in opened:
                close(len(opened) - 1 - opened[::-1].index(tag))
        elif tag in ("script", "style"):
            dropping = tag
        elif tag in KEPT and len(opened) < _DEEPEST:
            if opened and tag in _ENDS.get(opened[-1], ()):
                close(len(opened) - 1)
            given = {name.lower(): unescaped(one or other) for name, one, other in _ATTRIBUTE.findall(found["rest"])}
            attributes = _NOT_IN_XML.sub("\ufffd", _attributes(tag, given))
            if tag == "a" and "href" not in attributes:
                continue
            if tag in _VOID or found["own"]:
                written.append(f"<{tag}{attributes}/>" if tag in _VOID else f"<{tag}{attributes}></{tag}>")
            else:
                written.append(f"<{tag}{attributes}>")
                opened.append(tag)
    say(text[end:])
    close(0)
    return "".join(written)

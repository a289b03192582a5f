"""Pages as html5lib reads them, sooner: what is plainly valid is read here, everything else by html5lib.

html5lib is the judge of what is valid, and takes an eighth of all that the tests do. A page that writes every end tag,
quotes its attributes and lets each element stand where no rule of the standard could object is read by a scanner of a
tenth of the cost. At the first thing that it does not know the scanner gives up and says nothing: it never calls a page
invalid, and `tests/ui/test_markup.py` shows that it calls no page valid which html5lib does not.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple
from xml.etree.ElementTree import Element

import html5lib
from html5lib.constants import adjustForeignAttributes, adjustSVGAttributes, voidElements

# html5lib forgets one, and minds no end tag of it.
_VOID = voidElements | {"wbr"}
_SVG = "{http://www.w3.org/2000/svg}"
_NAME = "[A-Za-z][A-Za-z0-9_:.-]*"
_TAG = re.compile(rf"""<(/?)([a-z][a-z0-9]*)((?:[ \t\n]+{_NAME}(?:="[^"]*"|='[^']*')?)*)[ \t\n]*(/?)>""")
_ATTRIBUTE = re.compile(rf"""({_NAME})(?:="([^"]*)"|='([^']*)')?""")
_REFERENCE = re.compile(r"&(?:(amp|lt|gt|quot|nbsp)|#(3[2-9]|[4-9]\d|1[01]\d|12[0-6]));|&")
_NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "nbsp": "\u00a0"}
# What is refused or changed wherever it stands.
_ENDS = "".join(f"\\U{plane:04x}fffe\\U{plane:04x}ffff" for plane in range(1, 17))
_ODD = re.compile(rf"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff{_ENDS}]")
_BEGINNING = "<!doctype html>"

_HEAD = frozenset(["base", "link", "meta", "script", "title"])
# Inside of a paragraph these alone, and only those that open no scope of their own.
_PHRASES = frozenset([
    "a", "abbr", "b", "bdi", "bdo", "br", "button", "cite", "code", "data", "del", "dfn", "em", "i", "img", "input",
    "ins", "kbd", "label", "mark", "meter", "noscript", "output", "progress", "q", "s", "samp", "select", "small",
    "span", "strong", "sub", "sup", "svg", "textarea", "time", "u", "var", "wbr",
])  # fmt: skip
_BLOCKS = frozenset([
    "address", "article", "aside", "blockquote", "details", "div", "dl", "fieldset", "figcaption", "figure",
    "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "legend", "li", "main", "nav", "ol", "p",
    "pre", "script", "section", "summary", "table", "ul", "dd", "dt", "dialog",
])  # fmt: skip
_HEADINGS = frozenset(["h1", "h2", "h3", "h4", "h5", "h6"])
# Elements that take these children alone, and no text.
_ONLY = {
    "html": frozenset(["head", "body"]),
    "head": _HEAD,
    "table": frozenset(["caption", "colgroup", "thead", "tbody", "tfoot"]),
    "colgroup": frozenset(["col"]),
    "thead": frozenset(["tr"]),
    "tbody": frozenset(["tr"]),
    "tfoot": frozenset(["tr"]),
    "tr": frozenset(["td", "th"]),
    "select": frozenset(["option", "optgroup"]),
    "optgroup": frozenset(["option"]),
    "datalist": frozenset(["option"]),
    "option": frozenset[str](),
}
# Elements that stand in these alone.
_WITHIN = {
    "li": frozenset(["ul", "ol"]),
    "dt": frozenset(["dl", "div"]),
    "dd": frozenset(["dl", "div"]),
}
_ANYWHERE = _PHRASES | _BLOCKS | {"datalist"}
# None of these inside of another.
_ONCE = frozenset(["a", "button", "form", "dt", "dd", "svg", "select", "noscript"])
_SHAPES = frozenset([
    "circle", "desc", "ellipse", "g", "line", "path", "polygon", "polyline", "rect", "text", "title", "tspan",
    "use",
])  # fmt: skip
_RAW = frozenset(["script", "textarea", "title"])


class Read(NamedTuple):
    """A page's tree, and where it is not valid with what."""

    tree: Element
    errors: list[tuple[object, str]]


def read(text: str) -> Read:
    """Return the page as html5lib reads it."""
    tree = plain_tree(text)
    if tree is not None:
        return Read(tree, [])
    parser = html5lib.HTMLParser(namespaceHTMLElements=False)
    return Read(parser.parse(text), [(position, code) for position, code, _ in parser.errors])


def plain_tree(text: str) -> Element | None:
    """Return the tree of a page that is plainly valid; None where only html5lib can tell."""
    if not text.startswith(_BEGINNING) or _ODD.search(text):
        return None
    try:
        return _scanned(text)
    except _NotPlain:
        return None


class _NotPlain(Exception):
    """Something that html5lib must judge."""


def _need(is_plain: bool) -> None:
    if not is_plain:
        raise _NotPlain


def _scanned(text: str) -> Element:
    at, end = len(_BEGINNING), len(text)
    root: Element | None = None
    opened: list[Element] = []
    # Names without namespaces, those that are open and how many of each: what rules ask for.
    names: list[str] = []
    open_times: dict[str, int] = {}
    while at < end:
        if text[at] != "<":
            until = text.find("<", at)
            until = end if until < 0 else until
            _write(root, opened, names, text[at:until])
            at = until
            continue
        found = _TAG.match(text, at)
        if found is None:
            raise _NotPlain
        at = found.end()
        is_end, name, attributes, is_closed = found.groups()
        if is_end:
            _need(not attributes and not is_closed and bool(names) and names[-1] == name)
            names.pop()
            opened.pop()
            open_times[name] -= 1
            continue
        is_shape = open_times.get("svg", 0) > 0
        _may_stand(root, opened, name, names, open_times, is_shape)
        is_drawn = is_shape or name == "svg"
        element = Element(_SVG + name if is_drawn else name, _attributes(attributes, is_drawn))
        if opened:
            opened[-1].append(element)
        else:
            root = element
        is_void = not is_drawn and name in _VOID
        _need(is_void or is_drawn or not is_closed)
        if is_void or is_closed:
            continue
        if name in _RAW and not is_shape:
            closing = text.find(f"</{name}>", at)
            _need(closing >= 0)
            element.text = _raw(name, text[at:closing])
            at = closing + len(name) + 3
            continue
        opened.append(element)
        names.append(name)
        open_times[name] = open_times.get(name, 0) + 1
    _need(not opened and root is not None and [each.tag for each in root] == ["head", "body"])
    assert root is not None
    return root


def _may_stand(
    root: Element | None,
    opened: list[Element],
    name: str,
    names: list[str],
    open_times: dict[str, int],
    is_shape: bool,
) -> None:
    """Ask whether nothing in the standard objects to an element of this name here, nor moves it elsewhere."""
    if not names:
        _need(name == "html" and root is None)
        return
    parent = names[-1]
    if is_shape:
        _need(name in _SHAPES and parent not in ("title", "desc"))
        return
    allowed = _ONLY.get(parent)
    if allowed is not None:
        _need(name in allowed)
        # Each of the two once, in their order.
        _need(parent != "html" or len(opened[-1]) == (name == "body"))
        return
    _need(name in _ANYWHERE and parent in _WITHIN.get(name, names))
    if open_times.get("p"):
        _need(name in _PHRASES)
    if name in _ONCE:
        _need(not open_times.get(name))
    elif name in _HEADINGS:
        _need(not any(open_times.get(each) for each in _HEADINGS))


def _write(root: Element | None, opened: list[Element], names: list[str], written: str) -> None:
    """Put a text where it stands; white space that the standard leaves out or moves as html5lib does."""
    is_blank = not written.strip(" \t\n")
    if not opened:
        _need(is_blank)
        if root is not None and len(root) == 2:
            # What follows the page belongs to its body.
            _add(root[1], written)
        return
    _need(is_blank or names[-1] not in _ONLY or names[-1] == "option")
    place = opened[-1]
    if names[-1] == "html":
        if len(place) == 0:
            return
        if len(place) == 2:
            place = place[1]
    text = _referred(written)
    if names[-1] == "pre" and not len(place) and not place.text:
        text = text.removeprefix("\n")
    _add(place, text)


def _add(place: Element, text: str) -> None:
    if not text:
        return
    if len(place):
        place[-1].tail = (place[-1].tail or "") + text
    else:
        place.text = (place.text or "") + text


def _raw(name: str, text: str) -> str | None:
    """Return what stands in an element that holds text alone."""
    if name == "script":
        _need("<!--" not in text and "</" not in text)
        return text or None
    _need("</" not in text)
    return (_referred(text).removeprefix("\n") if name == "textarea" else _referred(text)) or None


@lru_cache(maxsize=20_000)
def _attributes_of(written: str, is_drawn: bool) -> dict[str, str]:
    found = _ATTRIBUTE.findall(written)
    values = {name: _referred(double or single) for name, double, single in found}
    _need(len(values) == len(found))
    for name in values:
        if not is_drawn:
            _need(name == name.lower())
        elif name != adjustSVGAttributes.get(name.lower()):
            _need(name == name.lower() and name not in adjustSVGAttributes and name not in adjustForeignAttributes)
    return values


def _attributes(written: str, is_drawn: bool) -> dict[str, str]:
    return dict(_attributes_of(written, is_drawn)) if written else {}


def _referred(text: str) -> str:
    """Return the text with what its references stand for."""
    return _REFERENCE.sub(_meant, text) if "&" in text else text


def _meant(found: re.Match[str]) -> str:
    name, number = found.groups()
    _need(bool(name or number))
    return _NAMED[name] if name else chr(int(number))

"""What reads pages for the tests says of none that it is valid where html5lib does not, and reads them alike."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element

import html5lib
import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.markup import plain_tree, read
from tests.page_client import PageClient
from tests.volume import examples

pytestmark = pytest.mark.any_database

# Every element that the scanner knows a rule for, and some that it does not know.
NAMES = [
    "a", "abbr", "article", "aside", "b", "body", "br", "button", "caption", "code", "col", "colgroup", "datalist",
    "dd", "details", "div", "dl", "dt", "em", "fieldset", "font", "form", "frame", "h1", "h2", "head", "hr", "i",
    "iframe", "img", "input", "kbd", "label", "legend", "li", "link", "main", "marquee", "math", "meta", "nav",
    "nobr", "noscript", "object", "ol", "optgroup", "option", "output", "p", "param", "path", "plaintext", "pre",
    "rp", "rt", "ruby", "script", "section", "select", "small", "span", "strong", "style", "summary", "svg",
    "table", "tbody", "td", "template", "textarea", "tfoot", "th", "thead", "time", "title", "tr", "u", "ul", "use",
    "video", "wbr",
]  # fmt: skip
VOID = ("br", "col", "hr", "img", "input", "link", "meta", "wbr")
TEXTS = ("", "\n", " ", "text", "文", "a &amp; b", "&quot;&#39;", "\n\ntext", "&copy", "& ", "&#0;", "\x0b", ">", "'\"")
WITHIN = ("", ' class="a b"', " hidden", ' type="hidden"', " id='x'", ' viewBox="0 0 1 1"', " A=1", ' a="1" a="2"', "/")


@pytest.fixture(scope="module")
def own(application: Flask) -> str:
    """A page of ours."""
    with application.app_context():
        return PageClient(application).fetch("accounts.sign_in", lang="ja").get_data(as_text=True)


def _element(inside: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    def written(name: str, within: str, content: str) -> str:
        return f"<{name}{within}>" if name in VOID else f"<{name}{within}>{content}</{name}>"

    return st.builds(written, st.sampled_from(NAMES), st.sampled_from(WITHIN), inside)


def _nested(names: str) -> st.SearchStrategy[str]:
    """Return elements one in the other, where only the innermost is any."""
    opened = names.split()
    opening, closing = "".join(f"<{name}>" for name in opened), "".join(f"</{name}>" for name in reversed(opened))
    return _contents.map(lambda content: f"{opening}{content}{closing}")


_contents = st.recursive(
    st.sampled_from(TEXTS), lambda inside: st.lists(_element(inside) | inside, max_size=3).map("".join), max_leaves=8
)
_bodies = st.lists(
    _contents
    | st.sampled_from(
        ["p", "table tbody tr", "table tbody tr td", "table", "svg", "svg title", "select", "ul li", "dl", "a", "form",
         "h1", "pre", "textarea", "p svg title", "ul li p"]
    ).flatmap(_nested),
    max_size=3,
).map("".join)  # fmt: skip


def _outline(element: Element) -> list[object]:
    """Return all of a tree: names, attributes and texts, however they are split."""
    return [
        element.tag,
        element.attrib,
        element.text or "",
        [(_outline(each), each.tail or "") for each in element],
    ]


def _judged(text: str) -> tuple[list[object], list[str]]:
    parser = html5lib.HTMLParser(namespaceHTMLElements=False)
    tree = parser.parse(text)
    return _outline(tree), [code for _, code, _ in parser.errors]


def _agrees(text: str) -> bool:
    """Say whether the scanner took the page, and then read what html5lib reads."""
    tree = plain_tree(text)
    if tree is None:
        return False
    assert (_outline(tree), []) == _judged(text)
    return True


@settings(max_examples=examples(300))
@given(head=st.sampled_from(["", "<title>T</title>", "<meta charset='utf-8'>", "<p>x</p>", "text"]), body=_bodies)
def test_of_no_page_the_scanner_says_what_html5lib_does_not(head: str, body: str) -> None:
    _agrees(f"<!doctype html>\n<html>\n<head>{head}</head>\n<body>{body}</body>\n</html>\n")


@settings(max_examples=examples(40))
@given(data=st.data())
def test_nor_does_it_of_a_page_of_ours_that_was_damaged(own: str, data: st.DataObject) -> None:
    pieces = re.split(r"(<[^>]*>)", own)
    at, other = (data.draw(st.integers(3, len(pieces) - 1)) for _ in range(2))
    damage = data.draw(st.sampled_from(["leave out", "twice", "swap", "add", "type"]))
    if damage == "swap":
        pieces[at], pieces[other] = pieces[other], pieces[at]
    elif damage == "type":
        place = data.draw(st.integers(0, len(pieces[at])))
        pieces[at] = pieces[at][:place] + data.draw(st.sampled_from("<>&\"'=/ \x00\ufdd0")) + pieces[at][place:]
    else:
        pieces[at] = {"leave out": "", "twice": pieces[at] * 2, "add": data.draw(_contents) + pieces[at]}[damage]
    _agrees("".join(pieces))


def test_pages_of_ours_are_taken_by_the_scanner(own: str) -> None:
    """Else it would save nothing."""
    assert _agrees(own)


@pytest.mark.parametrize(
    "body",
    [
        "<p><div></div></p>", "<ul><li>a<li>b</ul>", "<b><i></b></i>", "<a><a></a></a>", "<table>x</table>",
        "<table><tr><td></td></tr></table>", "<form><form></form></form>", "<br/ >", "<input class='a' class='b'>",
        "&copy", "<div", "</div>", "<h1><h2></h2></h1>", "<select><b></b></select>", "<svg><p></p></svg>",
    ],
)  # fmt: skip
def test_what_is_not_plain_is_left_to_html5lib(body: str) -> None:
    text = f"<!doctype html><html><head><title>T</title></head><body>{body}</body></html>"
    assert plain_tree(text) is None
    assert (_outline(read(text).tree), [code for _, code in read(text).errors]) == _judged(text)

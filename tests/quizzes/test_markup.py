"""Texts of other kinds as Markdown: what is shown stays the same, and what is lost is named."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.core import markdown
from portal.quizzes.formats.interchange import MAX_TEXT, TextFormat
from portal.quizzes.formats.losses import CannotHold
from portal.quizzes.formats.markup import as_markdown
from tests.volume import examples

pytestmark = pytest.mark.any_database

HTML, MOODLE, PLAIN = TextFormat.HTML, TextFormat.MOODLE, TextFormat.PLAIN


@pytest.mark.parametrize(
    ("given_", "written"),
    [
        ("<p>One</p><p>two<br>three</p>", "One\n\ntwo\\\nthree"),
        ("<div><div>x</div>y</div>", "x\n\ny"),
        ("a <b>bold</b> <i> word </i>", "a **bold** *word*"),
        ("<b>x<br>y</b>", "**x**\\\n**y**"),
        ("<del>gone</del> <code>a*b</code>", "~~gone~~ `a*b`"),
        ("<ul><li>a</li><li>b</ul>", "* a\n* b"),
        ("<ol start=3><li><p>a</p><p>b</p></li><li>c</ol>", "3. a\n\n   b\n4. c"),
        ("<pre>a\n  b</pre>", "```\na\n  b\n```"),
        (
            "<table><tr><th>a</th><th>b|c</th></tr><tr><td>1</td><td>2</td></tr></table>",
            "| a | b\\|c |\n| --- | --- |\n| 1 | 2 |",
        ),
        ("x<sup>2</sup> H<sub>2</sub>O", "x² H₂O"),
        ("<a href='https://x.example/(a)'>there</a>", "[there](<https://x.example/(a)>)"),
        ("1. x<br># y<br>- z<br>*a_b [c](d) <e", "1\\. x\\\n\\# y\\\n\\- z\\\n\\*a_b \\[c](d) \\<e"),
        ("a &lt;b&gt; &amp;amp; c", "a \\<b> \\&amp; c"),
        ("これは<strong>「強調」</strong>です", "これは**「強調」**です"),
        ("<!-- note -->x<!-- open", "x"),
        ("<p>p<p>q", "p\n\nq"),
    ],
)
def test_html_is_written_as_markdown_without_a_loss(given_: str, written: str) -> None:
    taken = as_markdown(given_, HTML)
    assert (taken.text, taken.losses) == (written, ())


@pytest.mark.parametrize(
    ("given_", "written", "lost"),
    [
        ("<img src='@@PLUGINFILE@@/cat.png' alt='a cat'> Which?", "a cat Which?", "the picture “cat.png”"),
        ("<script>alert(1)</script>hi", "hi", "the HTML element <script>"),
        ("<u>u</u>", "u", "the HTML element <u>"),
        ("<span style='color: red'>r</span>", "r", "colours and other looks of its text"),
        ("<a href='javascript:alert(1)'>y</a>", "y", "the link to javascript:alert(1)"),
        ("<table><tr><td colspan=2>a</td></tr></table>", "a", "the HTML element <table>"),
        ("<table><tr><td>a</td><td>b</td></tr></table>", "| a | b |\n| --- | --- |", "no row of headings"),
        # Cells outside of any row are shown all the same.
        ("<table><td>a<td>b", "| a | b |\n| --- | --- |", "no row of headings"),
        ("a<sup>th</sup>", "a^th", "the HTML element <sup>"),
        ("<h2>T</h2><p>x</p>", "**T**\n\nx", "the HTML element <h2>"),
        ("<ruby>漢字<rp>(</rp><rt>かんじ</rt><rp>)</rp></ruby>", "漢字（かんじ）", "the HTML element <ruby>"),
        ("<b>a</b><b>b</b>", "ab", "bold, italics and links"),
        ("<foo>z</foo>", "z", "the HTML element <foo>"),
        ("a\u202eb", "ab", "invisible characters"),
    ],
)
def test_what_markdown_cannot_hold_is_named(given_: str, written: str, lost: str) -> None:
    taken = as_markdown(given_, HTML)
    assert taken.text == written
    assert any(lost in each for each in taken.losses)


def test_a_choice_has_lines_but_no_lists() -> None:
    taken = as_markdown("<p>a</p><ul><li>b</li></ul>", HTML, inline=True)
    assert taken.text == "a\\\nb"
    assert taken.losses == ("the HTML element <ul>",)


def test_moodles_own_kind_keeps_lines_and_tags() -> None:
    assert as_markdown("a\nb <b>c</b>\n\nd", MOODLE).text == "a\\\nb **c**\n\nd"
    assert as_markdown("a * b\n\n\nc", MOODLE).text == "a \\* b\n\nc"


def test_a_gap_stays_a_gap_only_where_gaps_are() -> None:
    assert as_markdown("<p>one [[1]] two</p>", HTML, gaps=True).text == "one [[1]] two"
    assert as_markdown("<p>one [[1]] two</p>", HTML).text == "one \\[\\[1]] two"


def test_markdown_that_nobody_may_write_is_refused_with_the_reason() -> None:
    with pytest.raises(CannotHold, match="raw HTML"):
        as_markdown("a <b>b</b>", TextFormat.MARKDOWN)


# What is no character (Cn) is no word either.
words = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"]), max_size=8)
_ESCAPED = words.map(lambda text: text.replace("&", "&amp;").replace("<", "&lt;"))


@st.composite
def trees(draw: st.DrawFn, depth: int = 3) -> tuple[str, str]:
    """HTML, and the words that a browser shows of it."""
    if depth == 0 or draw(st.booleans()):
        text = draw(words)
        return text.replace("&", "&amp;").replace("<", "&lt;"), text
    name = draw(
        st.sampled_from(
            ["p", "div", "b", "i", "em", "strong", "del", "ul", "li", "table", "tr", "td", "th", "span", "u", "h3"]
        )
    )
    inner = [draw(trees(depth=depth - 1)) for _each in range(draw(st.integers(0, 3)))]
    html, said = "".join(each[0] for each in inner), "".join(each[1] for each in inner)
    # A tag may be missing: browsers show it all the same.
    return (f"<{name}>{html}" if draw(st.integers(0, 9)) == 0 else f"<{name}>{html}</{name}>"), said


@given(st.lists(trees(), max_size=4))
@settings(max_examples=examples(150), deadline=None)
def test_no_word_of_html_is_lost_or_changed(pieces: list[tuple[str, str]]) -> None:
    html, said = "".join(each[0] for each in pieces), "".join(each[1] for each in pieces)
    taken = as_markdown(html, HTML)
    assert sorted("".join(markdown.plain_text(taken.text).split())) == sorted("".join(said.split()))


@given(st.text(max_size=40), st.booleans())
@settings(max_examples=examples(150), deadline=None)
def test_plain_text_keeps_every_word(text: str, inline: bool) -> None:
    taken = as_markdown(text, PLAIN, inline=inline)
    seen = markdown.HIDDEN.sub("", text.replace("\ue000", "").replace("\ue001", ""))
    assert markdown.plain_text(taken.text).split() == seen.split()


@given(
    st.text(st.sampled_from(list("<>/!-?='\"&;#x0 ab*_[](){}|\\`~\n")), max_size=80), st.sampled_from([HTML, MOODLE])
)
@settings(max_examples=examples(150), deadline=None)
def test_broken_html_is_read_or_refused_with_a_reason(text: str, text_format: TextFormat) -> None:
    with suppress(CannotHold):
        assert markdown.scan(as_markdown(text, text_format).text) == []


@pytest.mark.parametrize(
    "piece",
    ["<b>", "<!--", "<a '", '<a "', "<a b=", "<", "&", "<p><b>", "<table><td>", "</p>", "<script>", "*", "[", "<sup>x"],
)
def test_a_hostile_text_takes_no_longer_than_an_honest_one(piece: str) -> None:
    started = time.perf_counter()
    with suppress(CannotHold):
        as_markdown(piece * (MAX_TEXT // len(piece)), HTML)
    assert time.perf_counter() - started < 3

"""Markdown that others wrote, brought into our form: nothing is refused that can be mended, and no word is lost."""

from __future__ import annotations

import re
from pathlib import Path
from time import process_time

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from portal.core.markdown import What, places
from portal.library.formats import foreign
from portal.library.formats.foreign import CannotMend, Ids, Section
from portal.library.service.texts import problems_of
from tests.material import material

pytestmark = pytest.mark.any_database


def taken(text: str, **options: str) -> str:
    """Return what a text is when it has been brought into our form, without the ids of its headings."""
    mended = foreign.mended(text, fallback="Name", **options)  # type: ignore[arg-type]
    return re.sub(r" \{#[^}]*\}", "", mended.with_ids(Ids().peek(mended.sections)))


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("A <b>bold</b> word.", "A \\<b>bold\\</b> word."),
        ("<div>\n  words\n</div>", "\\<div>\nwords\n\\</div>"),
        ("<script>\nalert(1)\n</script>", "```\n<script>\nalert(1)\n</script>\n```\n"),
        ("Seen.<!-- for the linter -->", "Seen."),
        ("<!-- a\nb -->\n\nSeen.", "\n\n\nSeen."),
        ('A place <a name="x"></a> here.', "A place  here."),
        ("| a | b |\n|---|---|\n| one<br>two | `<br>` |", "| a | b |\n|---|---|\n| one two | `<br>` |"),
        ("![A map](img/map.png)", "A map"),
        ("![](img/the_map.png)", "the\\_map.png"),
        ("![A map](https://example.org/map.png)", "[A map](https://example.org/map.png)"),
        ("[![Built](https://example.org/b.svg)](https://example.org)", "[Built](https://example.org)"),
        ("![A map][map]\n\n[map]: map.png", "A map\n\n[map]: map.png"),
        ('<img alt="A map" src="https://example.org/map.png">', "[A map](https://example.org/map.png)"),
        ("[call](tel:110)", "call (`tel:110`)"),
        ("[there](//example.org/x)", "[there](https://example.org/x)"),
        ("[run](javascript:alert(1))", "run (`javascript:alert(1)`)"),
        ("See [[other#clause]].", "See \\[[other#clause]]."),
        ("> a <i>quoted</i> word", "> a \\<i>quoted\\</i> word"),
        ("- [ ] a <u>task</u>", "- [ ] a \\<u>task\\</u>"),
        ("`<b>` and ``<i>`` stay, <b>not", "`<b>` and ``<i>`` stay, \\<b>not"),
        ("## Name {#Their_Id .note}\n\nText", "## Name\n\nText"),
        ("## Name {#an-id style=x}\n\nText", "## Name\n\nText"),
        ("Intro\n\nOne\n===\n\nText\n\nTwo\n---\n\nText", "Intro\n\n## One\n\n\nText\n\n### Two\n\n\nText"),
        ("Intro\n\n# One\n\nText\n\n## Two\n\nText", "Intro\n\n## One\n\nText\n\n### Two\n\nText"),
        ("# One\n\nText\n\n# Two\n\nText", "## One\n\nText\n\n## Two\n\nText"),
        ("# Only\n\nText\n\n## Two ##\n\nText", "\n\nText\n\n## Two ##\n\nText"),
        ("# Nothing else", "## Nothing else"),
        ("## " + "long " * 70 + "\n\nText", ("long " * 70).strip() + "\n\nText"),
    ],
)
def test_what_our_texts_may_not_hold_is_written_in_another_way(app: Flask, written: str, shown: str) -> None:
    assert taken(written) == shown
    mended = foreign.mended(written, fallback="Name")
    assert problems_of(mended.with_ids(Ids().peek(mended.sections))) == []


@pytest.mark.parametrize(
    ("written", "title"),
    [
        ("---\ntitle: From above\n---\n# A heading\n\nText", "From above"),
        ("# A **strong** heading\n\nText", "A strong heading"),
        ("## Second level\n\nText", "Name"),
        ("---\ntitle: 'Broken\ntitle: twice\n---\nText", "Broken"),
        ("+++\ntitle = 'TOML'\n+++\nText", "TOML"),
        ("---\n\nA rule above, and no front matter.", "Name"),
        ("# " + "long " * 100 + "\n\nText", "Name"),
    ],
)
def test_the_title_is_what_the_front_matter_says_else_the_first_heading_else_the_name(
    app: Flask, written: str, title: str
) -> None:
    assert foreign.mended(written, fallback="Name").title == title


def test_a_heading_that_says_nothing_but_the_title_is_shown_once(app: Flask) -> None:
    mended = foreign.mended("# House rules\n\nText\n\n## Smoking\n\nNo.", fallback="")
    assert (mended.title, mended.outline) == ("House rules", [0, 2])


@pytest.mark.parametrize("data", ["ルール".encode("shift_jis"), "ルール".encode("utf-16")])
def test_what_is_not_utf_8_is_refused_and_nothing_guessed(app: Flask, data: bytes) -> None:
    with pytest.raises(CannotMend, match="not UTF-8"):
        foreign.decoded(b"# Title\n" + data)


def test_marks_that_nobody_sees_and_line_ends_of_windows_are_dropped(app: Flask) -> None:
    assert foreign.decoded(b"\xef\xbb\xbfone\r\ntwo\x00\x1b[31m\xe2\x80\xae") == "one\ntwo[31m"


# --- ids ------------------------------------------------------------------------------------------


def ids(*versions: list[tuple[str, str]]) -> list[list[str]]:
    """Return the ids of clauses, given as (heading, body) for each version."""
    giver, given_ = Ids(), []
    for version in versions:
        sections = [Section("", 2, heading, body) for heading, body in version]
        given_.append(giver.peek(sections))
        giver.note(sections, given_[-1])
    return given_


BODY = "Accounts of fans carry a label in their name or description, or they are reported and looked at within a day."


def test_a_reworded_heading_keeps_its_id() -> None:
    first, second = ids(
        [("Fan accounts", BODY), ("Appeals", "Thirty days, in writing, to the same team.")],
        [("Accounts of fans and admirers", BODY + " Twice."), ("Appeals", "Sixty days.")],
    )
    assert first == second == ["fan-accounts", "appeals"]


def test_a_heading_keeps_its_id_wherever_it_moves() -> None:
    first, second = ids([("One", "a"), ("Two", "b")], [("Two", "c"), ("New", "d e f"), ("One", "g")])
    assert (first, second) == (["one", "two"], ["two", "new", "one"])


def test_headings_of_the_same_words_are_told_apart_by_their_order() -> None:
    assert ids([("Notes", "a"), ("Notes", "b")], [("Notes", "a"), ("Notes", "b"), ("Notes", "c")]) == [
        ["notes", "notes-2"],
        ["notes", "notes-2", "notes-3"],
    ]


def test_the_id_of_a_clause_that_is_gone_is_never_given_to_another_one() -> None:
    third = ids(
        [("Rule", BODY)], [("Something else", "Nothing like it.")], [("Rule!", "New words here, all of them.")]
    )[2]
    assert third == ["rule-2"]


def test_a_clause_that_comes_back_gets_its_own_id_again() -> None:
    assert ids([("Rule", "a b"), ("Appeals", "c")], [("Appeals", "c")], [("Appeals", "c"), ("Rule", "d e f")])[2] == [
        "appeals",
        "rule",
    ]


def test_ids_that_the_page_uses_are_not_given() -> None:
    assert ids([("Main", "a"), ("Top", "b"), ("Rule", "c"), ("Rule heading", "d")]) == [
        ["main-2", "top-2", "rule", "rule-heading-2"]
    ]


def test_a_thousand_headings_that_all_changed_are_matched_in_no_time() -> None:
    before = [(f"Before {number}", f"{BODY} {number}") for number in range(1_000)]
    after = [(f"After {number}", f"{BODY} {number}") for number in range(1_000)]
    first, second = ids(before, after)
    assert first[:3] == second[:3]
    assert len(set(second)) == 1_000


# --- paths ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "key", "language", "slug"),
    [
        ("README.md", "readme", None, "readme"),
        ("docs/policies/README.md", "docs/policies/", None, "policies"),
        ("docs/policies/index.ja.md", "docs/policies/index", "ja", "policies"),
        ("docs/Fan Accounts.md", "docs/fan accounts", None, "fan-accounts"),
        ("docs/fan.ja.md", "docs/fan", "ja", "fan"),
        ("ja/docs/fan.md", "docs/fan", "ja", "fan"),
        ("docs/fan/ja.md", "docs/fan/", "ja", "fan"),
        ("content/documents/fan/en.md", "content/documents/fan", "en", "fan"),
        ("docs/Ｆａｎ.md", "docs/ｆａｎ", None, "fan"),
        ("docs/café.md", "docs/café", None, "cafe"),
        ("docs/2024-plan.md", "docs/2024-plan", None, "document-2024-plan"),
        ("docs/ルール.md", "docs/ルール", None, "document-69dbb3"),
    ],
)
def test_a_path_says_address_and_language(path: str, key: str, language: str | None, slug: str) -> None:
    named = foreign.named(path)
    assert named.language == language
    assert foreign.slugs_for([named.names]) == [slug]
    if not path.lower().endswith(("readme.md", "/ja.md")):
        assert named.key == key


def test_files_of_one_name_are_told_apart_by_their_folders() -> None:
    names = [foreign.named(path).names for path in ("a/rule.md", "b/rule.md", "rule.md", "Rule.markdown")]
    assert foreign.slugs_for(names) == ["a-rule", "b-rule", "rule", "rule-2"]


@given(st.lists(st.lists(st.text(min_size=1, max_size=90), min_size=1, max_size=4).map(tuple), max_size=12))
def test_every_name_gets_an_address_of_its_own(names: list[tuple[str, ...]]) -> None:
    slugs = foreign.slugs_for(names)
    assert len(set(slugs)) == len(slugs)
    assert all(foreign.SLUG.fullmatch(slug) for slug in slugs)


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (("oncall", "runbooks"), "sop"), (("handover-2026",), "handover"), (("引継ぎ",), "handover"),
        (("travel-101", "classes"), "lesson"),
        (("新人研修",), "lesson"), (("username", "policies"), "policy"), (("trainings-of-spies",), "policy"),
    ],
)  # fmt: skip
def test_names_speak_of_kinds(names: tuple[str, ...], kind: str) -> None:
    assert foreign.kind_of(names) == kind


def test_the_language_is_told_by_the_letters() -> None:
    assert foreign.language_of("# 規則\n\n`code` と English のある文です。") == "ja"
    assert foreign.language_of("A text that cites 一 kanji among many other words of English.") == "en"


def test_a_message_shows_no_mail_address() -> None:
    message = "Subject\n\nBody\x1b\n\nCo-authored-by: A B <a@b.example>\n"
    assert foreign.message_of(message) == "Subject\n\nBody\n\nCo-authored-by: A B"
    assert len(foreign.message_of("x" * 9_000)) == foreign.MAX_MESSAGE


# --- laws -----------------------------------------------------------------------------------------

_PIECES = st.sampled_from([
    "# One", "## Two", "### Three {#x}", "Under\n===", "<b>", "</div>", "<div>\n\n", "<!-- c -->", "<!--",
    "![a](b.png)",
    "![a](https://e.org/x.png)", "[l](javascript:x)", "[l](//e.org)", "[[#x]]", "[[a#b]]", "```", "~~~", "> q", "- i",
    "    code", "| a | b |\n|---|---|\n| c | d |", "[^1]", "[^1]: n", "[r]: javascript:x", "[r]", "text", "`c`", "&lt;",
    "<script>", "**b", "\\", "<a name='x'>", "</a>", "<img src=x>", "---", "===", "1. n", ": d", "<https://e.org>",
    "<x@e.org>", "\u3042", "\t",
])  # fmt: skip


@given(st.lists(st.tuples(_PIECES, st.sampled_from(["\n", "\n\n", " ", ""])), max_size=14))
def test_whatever_is_mended_may_be_published(app_for_laws: Flask, pieces: list[tuple[str, str]]) -> None:
    text = "".join(piece + gap for piece, gap in pieces)
    try:
        mended = foreign.mended(text, fallback="Name")
    except CannotMend:
        return
    source = mended.with_ids(Ids().peek(mended.sections))
    problems = problems_of(source)
    assert problems == [] or mended.outline == [], (text, source, problems)
    # Looked at again, it is left alone.
    if not problems:
        again = foreign.mended(source, fallback="Name")
        assert again.with_ids([each.anchor for each in again.sections]) == source or again.shift or again.taken_out


@given(st.lists(st.tuples(_PIECES, st.sampled_from(["\n", "\n\n"])), max_size=10))
def test_headings_told_without_parsing_are_those_of_the_parser(
    app_for_laws: Flask, pieces: list[tuple[str, str]]
) -> None:
    text = "".join(piece + gap for piece, gap in pieces)
    quick = foreign._plain_headings(text)
    if quick is not None:
        assert quick == places(text)


@pytest.mark.parametrize(
    "text",
    [
        "<!--" * 14_000,
        "<div>\n" + "<!-- " * 14_000,
        "# a" + " " * 200_000 + "b",
        "---\ntitle: a" + " " * 200_000 + "b\ntitle: c\n---\ntext",
        "text {#a" * 25_000,
        "<img " + "alt=' " * 30_000 + ">",
        "![" * 2_900 + "](x" * 2_900,
        "<a name=" * 14_000,
        "# a\n" * 999,
        "\n".join(f"# a {number} <b>" for number in range(999)),
    ],
)
def test_no_text_of_a_stranger_takes_long(app: Flask, text: str) -> None:
    begun = process_time()
    try:
        mended = foreign.mended(text, fallback="Name")
        problems_of(mended.with_ids(Ids().peek(mended.sections)))
    except CannotMend:
        pass
    foreign.message_of(text)
    foreign.message_of("<" + text.replace(" ", "@"))
    foreign.has_same_words(text, text + "x")
    # A second and less on a quiet machine.
    assert process_time() - begun < 5


@pytest.fixture(scope="module")
def app_for_laws(application: Flask) -> Flask:
    """The application itself: the laws need no database."""
    return application


def test_the_versions_of_real_policies_are_all_mended(application: Flask) -> None:
    root: Path = material("policies")
    with application.app_context():
        for path in sorted(root.glob("*/*/v*.md"))[::6]:
            text = foreign.decoded(path.read_bytes())
            mended = foreign.mended(text, fallback="Name")
            assert problems_of(mended.with_ids(Ids().peek(mended.sections))) == [], path
            quick = foreign._plain_headings(foreign.opened(text)[1])
            assert quick is None or quick == [
                place for place in places(foreign.opened(text)[1]) if place.what is What.HEADING
            ]

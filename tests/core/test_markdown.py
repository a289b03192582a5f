"""Markdown: what may be written, which clauses it makes, and that nothing in it can run."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import html5lib
import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from portal.core import markdown
from tests.material import material

pytestmark = pytest.mark.any_database

ALLOWED_TAGS = {
    *("h1", "h2", "h3", "h4", "h5", "h6", "p", "br", "hr", "blockquote", "pre", "code", "em", "strong", "s", "ul"),
    *("ol", "li", "dl", "dt", "dd", "a", "img", "table", "thead", "tbody", "tr", "th", "td", "input", "div", "span"),
    *("sup", "section"),
}

# CommonMark's own examples that we do not render alike, and why.
EXCEPTIONS = {
    **dict.fromkeys((21, 31, 308, 309, 344, 475, 476, 477, 642, 643), "raw HTML inside the example is shown as text"),
    **dict.fromkeys((201, 491, 494, 524, 536), "raw HTML inside the example is shown as text"),
    **dict.fromkeys((596, 598, 599, 601), "an address of a kind that is not taken stays text"),
}


def reasons(text: str, **options: Any) -> list[tuple[int, str]]:
    return [(problem.line, f"{problem.reason} {problem.mend}") for problem in markdown.scan(text, **options)]


def elements(html: str) -> list[Any]:
    return list(html5lib.parseFragment(html, namespaceHTMLElements=False).iter())[1:]


def test_the_examples_of_commonmark_render_alike() -> None:
    examples = json.loads(material("markdown/commonmark/spec-tests-0.31.2.json").read_text())
    unlike = set()
    for example in examples:
        if example["section"] in ("HTML blocks", "Raw HTML"):
            continue
        if str(markdown.render(example["markdown"])) != markdown.sanitised(example["html"]):
            unlike.add(example["number"])
    assert unlike == set(EXCEPTIONS), unlike ^ set(EXCEPTIONS)


def test_the_payloads_of_owasp_are_inert() -> None:
    payloads = json.loads(material("markdown/xss/owasp-payloads.json").read_text())
    sheet = material("markdown/xss/owasp-XSS_Filter_Evasion_Cheat_Sheet.md").read_text()
    for text in [*(each["payload"] for each in payloads), sheet]:
        for wrapped in (text, f"[x]({text})", f"![x]({text})", f"> - {text}", f"| a |\n|---|\n| {text} |", f"# {text}"):
            assert_inert(str(markdown.render(wrapped)))
            assert_inert(str(markdown.render_inline(wrapped)))
            for clause in markdown.render_clauses(wrapped).clauses:
                assert_inert(str(clause.heading + clause.body))


def assert_inert(html: str) -> None:
    for element in elements(html):
        assert element.tag in ALLOWED_TAGS, (element.tag, html)
        for name, value in element.items():
            assert not name.startswith("on"), html
            assert name != "style", html
            if name in ("href", "src"):
                assert not value.startswith("//"), html
                scheme = re.match(r"\s*([A-Za-z][A-Za-z0-9+.\-]*):", value)
                assert scheme is None or scheme.group(1).lower() in ("https", "http", "mailto"), html
            if name == "src":
                assert not re.match(r"[A-Za-z]+:|//|\\", value), html


@given(
    st.text(
        alphabet=st.sampled_from("<>\"'&/\\=:()[]!#*_`~|{}-+. \n\tabonjscript1「」あ。\u202e\x00"), max_size=120
    ).map(lambda text: text.replace("j", "javascript:alert(1)").replace("o", "onerror="))
)
def test_whatever_is_written_only_the_allowed_elements_come_out(text: str) -> None:
    html = str(markdown.render(text))
    assert_inert(html)
    assert markdown.sanitised(html) == html


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("Fine.\n\n<b>bold</b> text", 3, "raw HTML: <b>"),
        ("Fine.\n\n<div>\nblock\n</div>", 3, "raw HTML: <div>"),
        ("<!-- note -->", 1, "raw HTML: <!-- note -->"),
        ("One\ntwo <script>alert(1)</script>", 2, "script: <script>"),
        ("![pixel](https://tracker.example/p.png)", 1, "picture https://tracker.example/p.png"),
        ("\n![pixel](//tracker.example/p.png)", 2, "picture //tracker.example/p.png"),
        ("[ref]: data:text/html,x\n\n![a][ref]", 3, "picture data:text/html,x"),
        ("a\n\n[b](//elsewhere.example)", 3, "Write https:// in front"),
        ("[b](javascript:alert(1))", 1, "https:, http: or mailto:"),
        ("[b](java&#115;cript:alert(1))", 1, "javascript:alert(1)"),
        ("<ftp://files.example>", 1, "ftp://files.example"),
        ("a\n\x07b", 2, "U+0007"),
        ("a\u202eb", 1, "U+202E"),
        ("\ufeffa", 1, "U+FEFF"),
        ("## Title {#Bad Id}", 1, "{#Bad Id}"),
        ("## Title {#notice sensitivity=}", 1, "cannot be read"),
        ("x" * (256 * 1024 + 1), 0, "limit is 256 KB"),
        ("# a\n" * 1_001, 1_001, "1001 headings; the limit is 1000"),
        ("a\n===\n" * 1_001, 2_001, "1001 headings; the limit is 1000"),
        ("Text\n\n" + "> " * 21 + "deep", 3, "more than 20 levels"),
        ("\n".join("  " * depth + "- a" for depth in range(22)), 21, "more than 20 levels"),
        ("a\n" + "[" * 21, 2, "Square brackets are nested more than 20 levels"),
    ],
)
def test_what_is_not_taken_is_named_with_its_line(app: Flask, text: str, line: int, words: str) -> None:
    found = reasons(text)
    assert found, "nothing was found"
    assert found[0][0] == line
    assert words in found[0][1]


def test_five_megabytes_are_refused_before_anything_else_is_looked_at(app: Flask) -> None:
    started = time.process_time()
    assert reasons("<b>x</b>\n" * 600_000) == [
        (0, "The text has 5273 KB; the limit is 256 KB. Split it into several documents.")
    ]
    assert time.process_time() - started < 0.5


def test_the_limits_themselves_are_taken(app: Flask) -> None:
    assert reasons("a" * (256 * 1024)) == []
    assert reasons("# a\n" * 1_000) == []
    assert reasons("> " * 20 + "deep") == []
    assert reasons("\n".join("  " * depth + "- a" for depth in range(20))) == []


def test_lines_are_counted_in_the_file_that_the_text_stands_in(app: Flask) -> None:
    assert reasons("a\n<b>", first_line=10)[0][0] == 11


def test_examples_in_code_may_show_anything(app: Flask) -> None:
    assert reasons("`<script>`\n\n```html\n<script>alert(1)</script>\n```\n\n    <b>\n") == []
    assert reasons("1 < 2 and a<b>c is not, but `a<b>` is") != []
    assert reasons("[mail](mailto:a@b.example) <https://a.example> [here](#top) [there](/library/x)") == []


def test_problems_are_told_in_japanese(app: Flask) -> None:
    from portal.core.i18n import force_locale

    with force_locale("ja"):
        found = reasons("a\n\n<script>")[0][1]
    assert "スクリプト" in found


PATHOLOGICAL = {
    "brackets": "[" * 60_000,
    "closed brackets": "[]" * 60_000,
    "brackets within the limits": ("[" * 20 + "\n\n") * 150,
    "links never closed": "[a](" * 2_900,
    "pictures": "![" * 60_000,
    "emphasis": "*a **b " * 30_000,
    "emphasis within the limits": "*a " * 14_000,
    "underscores": "_a __b " * 4_900,
    "stars": "*" * 7_000 + "a" + "*" * 7_000,
    "strikethrough": "~~a " * 7_000,
    "backticks": "".join("`" * length + " " for length in range(1, 600)),
    "quotes": ">" * 60_000,
    "quotes within the limits": ("> " * 19 + "a\n\n") * 500,
    "lazy lines": ">" * 19 + "a\n" + "b\n" * 4_900,
    "lists": "- a\n" * 4_900,
    "nested lists": "\n".join("  " * depth + "- a" for depth in range(400)),
    "tables": "|a|b\n|-|-\n" + "|a|b\n" * 4_990,
    "a table of short rows": "|" + "a|" * 2_000 + "\n|" + "-|" * 2_000 + "\n" + "|x\n" * 3_000,
    "a quoted table of short rows": "> |" + "a|" * 900 + "\n> |" + "-|" * 900 + "\n" + "> |x\n" * 4_000,
    "a wide table behind a narrow one": "a|b\n-|-\n# c\n" + "a|" * 2_000 + "\n" + "-|" * 2_000 + "\n" + "x|\n" * 3_000,
    "a table in a list": "- " + "a|" * 900 + "\n  " + "-|" * 900 + "\n" + "  x\n" * 4_000,
    "columns": "a|" * 4_900 + "\n" + "-|" * 4_900 + "\n",
    "references": "".join(f"[a{number}]: x\n" for number in range(2_900)),
    "footnotes": "".join(f"[^{number}]: x\n\n[^{number}]\n\n" for number in range(1_400)),
    "definitions": "a\n: b\n" * 2_900,
    "comments": "<!--" * 60_000,
    "opening tags": "<a " * 60_000,
    "entities": "&#" * 100_000,
    "blanks": "# " + " \t" * 60_000 + "{",
    "heading attributes": "# a" + " {#a" * 60_000,
    "closing hashes": "# a " + "#" * 100_000 + "b",
    "backslashes": "\\" * 100_000,
    "setext": "a\n" * 4_900 + "---",
    "one long word": "a" * 262_144,
    "one long Japanese line": "審査は一つずつ行います。" * 7_000,
    "admonitions": "> [!NOTE]\n> x\n\n" * 2_900,
}


@pytest.mark.parametrize("name", PATHOLOGICAL)
def test_no_text_takes_long(app: Flask, name: str) -> None:
    """Half a second for checking and showing, on a machine that may be busy: measured as CPU time, best of five."""
    text, refused = PATHOLOGICAL[name], []
    for work in (markdown.scan, markdown.render, markdown.split_clauses):
        best = 9.0
        for _try in range(5):
            started = time.process_time()
            try:
                work(text)
            except markdown.TextRefused:
                refused.append(work)
            best = min(best, time.process_time() - started)
            if best < 0.5:
                break
        assert best < 0.5, f"{work.__name__} took {best:.2f} s"


def test_tables_of_many_rows_or_columns_are_taken_within_the_limit(app: Flask) -> None:
    for table in ("|a|b|\n|-|-|\n" + "|a|b|\n" * 3_000, "a|" * 40 + "\n" + "-|" * 40 + "\n" + "x|\n" * 200):
        assert markdown.scan(f"Words.\n\n{table}\n- a | b - c\n") == []


# --- clauses -------------------------------------------------------------------------------------

TEXT = """Before any heading.

## Fan and *parody* accounts {#fan-accounts sensitivity=S1}

A label is asked for first.

### Exceptions {#exceptions}

None.

> ## A heading in a quote is part of the clause

Setext {#setext}
------

Last.
"""


def test_a_clause_is_a_heading_and_its_own_text() -> None:
    clauses = markdown.split_clauses(TEXT)
    assert [(c.anchor, c.level, c.heading, c.sensitivity, c.line) for c in clauses] == [
        ("top", 0, "", None, 1),
        ("fan-accounts", 2, "Fan and parody accounts", "S1", 3),
        ("exceptions", 3, "Exceptions", None, 7),
        ("setext", 2, "Setext", None, 13),
    ]
    assert clauses[1].body == "A label is asked for first."
    assert clauses[1].source == "## Fan and *parody* accounts\n\nA label is asked for first."
    assert "A heading in a quote" in clauses[2].body


def test_the_hash_is_that_of_heading_and_text_without_the_braces() -> None:
    from hashlib import sha256

    clause = markdown.split_clauses(TEXT)[1]
    assert clause.hash == sha256(b"## Fan and *parody* accounts\n\nA label is asked for first.").hexdigest()


@pytest.mark.parametrize(
    "same",
    [
        TEXT.replace("\n", "\r\n"),
        TEXT.replace("first.\n", "first.   \n\n\n"),
        TEXT.replace("{#fan-accounts sensitivity=S1}", "{#fans}"),
    ],
    ids=["line breaks", "blanks at line breaks", "another id and label"],
)
def test_the_hash_does_not_depend_on_line_ends_blanks_or_the_id(same: str) -> None:
    assert markdown.split_clauses(same)[1].hash == markdown.split_clauses(TEXT)[1].hash


def test_composed_and_decomposed_letters_have_one_hash() -> None:
    assert markdown.split_clauses("## が {#a}\n")[0].hash == markdown.split_clauses("## か\u3099 {#a}\n")[0].hash


def test_any_other_change_changes_the_hash() -> None:
    original = {clause.anchor: clause.hash for clause in markdown.split_clauses(TEXT)}
    changed = {clause.anchor: clause.hash for clause in markdown.split_clauses(TEXT.replace("None.", "One."))}
    assert {anchor for anchor in original if original[anchor] != changed[anchor]} == {"exceptions"}


def test_a_text_without_headings_is_the_clause_top() -> None:
    assert [clause.anchor for clause in markdown.split_clauses("Only text.")] == ["top"]
    assert markdown.split_clauses("\n\n") == []


def test_a_heading_without_an_id_has_an_empty_one_and_gets_a_proposal() -> None:
    assert markdown.split_clauses("## What we do\n")[0].anchor == ""
    assert markdown.propose_anchor("What we do") == "what-we-do"
    assert markdown.propose_anchor("What we do", {"what-we-do"}) == "what-we-do-2"
    assert markdown.propose_anchor("なりすまし", {"clause"}) == "clause-2"


def test_a_heading_carries_further_values() -> None:
    clause = markdown.split_clauses("### Decision {#decision points=2}\n")[0]
    assert clause.attributes == {"points": "2"}


@given(st.lists(st.text(alphabet="ab #{}=-\n\t「」*", max_size=40), max_size=6))
def test_the_clauses_together_are_the_whole_text(pieces: list[str]) -> None:
    text = "\n\n## Heading {#anchor}\n\n".join(pieces)
    clauses = markdown.split_clauses(text)
    for clause in clauses:
        assert markdown.hash_of(clause.source) == clause.hash
        assert markdown.normal_source(clause.source) == clause.source
    words = re.findall(r"[ab「」*]+", text.replace("{#anchor}", ""))
    kept = re.findall(r"[ab「」*]+", "\n".join(clause.source for clause in clauses))
    assert kept == words


# --- what it looks like --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("**「強調」**です", "<strong>「強調」</strong>です"),
        ("これは**「強調」**です。", "これは<strong>「強調」</strong>です。"),
        ("**強調。**次の文", "<strong>強調。</strong>次の文"),
        ('これは**"強調"**です', 'これは<strong>"強調"</strong>です'),
        ("~~「取消」~~です", "<s>「取消」</s>です"),
        ("*（注）*と**［例］**", "<em>（注）</em>と<strong>［例］</strong>"),
        ("ファイル名_a_です", "ファイル名_a_です"),
        ("a **bold** b", "a <strong>bold</strong> b"),
        ("2 ** 3 ** 4", "2 ** 3 ** 4"),
    ],
)
def test_emphasis_works_beside_full_width_signs(text: str, html: str) -> None:
    assert str(markdown.render_inline(text)) == html


def test_headings_carry_their_id_once() -> None:
    html = str(markdown.render("## A {#a}\n\n## B {#a}\n", id_prefix="p-"))
    assert html == '<h2 id="p-a">A</h2>\n<h2>B</h2>\n'


def test_clause_links_show_the_heading_that_the_resolver_knows() -> None:
    def resolve(slug: str, anchor: str) -> tuple[str, str] | None:
        return (f"/library/{slug}#{anchor}", "Appeals <1>") if anchor == "appeals" else None

    html = str(markdown.render_inline("See [[impersonation#appeals]] and [[#gone]].", resolve=resolve))
    assert '<a class="clause-link" href="/library/impersonation#appeals">Appeals &lt;1&gt;</a>' in html
    assert '<span class="clause-link-broken">#gone</span>' in html
    assert markdown.clause_links("a\n[[#x]]\n\n[[y#z]]") == [("", "x", 2), ("y", "z", 4)]


def test_tables_are_aligned_by_classes_and_can_be_scrolled_by_keyboard() -> None:
    html = str(markdown.render("| a | b |\n|:-:|--:|\n| 1 | 2 |\n", language="en"))
    assert '<div role="group" aria-label="Table" tabindex="0" class="table-scroll">' in html.replace(
        'class="table-scroll" role="group" aria-label="Table" tabindex="0"',
        'role="group" aria-label="Table" tabindex="0" class="table-scroll"',
    )
    assert 'class="align-center"' in html
    assert 'class="align-right"' in html
    assert "style" not in html


def test_admonitions_and_task_lists_speak_the_language_of_the_text() -> None:
    text = "> [!WARNING]\n> a\n\n- [x] b\n- [ ] c\n"
    english, japanese = str(markdown.render(text, language="en")), str(markdown.render(text, language="ja"))
    assert '<p class="admonition-title">Warning</p>' in english
    assert '<p class="admonition-title">警告</p>' in japanese
    assert 'aria-label="Not done"' in english
    assert 'aria-label="済み"' in japanese
    assert "admonition-warning" in english


def test_examples_and_counter_examples_are_marked_in_both_languages() -> None:
    html = str(markdown.render("**Example:** a\n\n**反例：** b\n\n- **例：** c\n- **Counter-example:** d\n"))
    assert '<p class="example"><strong>Example:</strong> a</p>' in html
    assert '<p class="counter-example">' in html
    assert '<li class="example"><strong>例：</strong> c</li>' in html
    assert '<li class="counter-example">' in html


def test_footnotes_and_definitions_are_shown() -> None:
    html = str(markdown.render("A[^1]\n\n[^1]: Note.\n\nTerm\n: Meaning\n", language="en"))
    assert '<a href="#fn:1" id="fnref:1">[1]</a>' in html
    assert '<li id="fn:1">' in html
    assert "<dt>Term</dt>" in html


def test_a_remote_picture_is_shown_by_its_words() -> None:
    assert str(markdown.render_inline("a ![the words](https://x.example/p.png)")) == "a the words"
    assert 'src="/p.png"' in str(markdown.render_inline("![x](/p.png)"))


def test_the_parts_of_a_text_are_those_of_its_clauses() -> None:
    shown = markdown.render_clauses(TEXT + "\nEnd[^n].\n\n[^n]: Note.\n", language="en")
    assert [part.anchor for part in shown.clauses] == ["top", "fan-accounts", "exceptions", "setext"]
    assert str(shown.clauses[1].heading) == "Fan and <em>parody</em> accounts"
    assert str(shown.clauses[1].body) == "<p>A label is asked for first.</p>\n"
    assert "Note." in str(shown.footnotes)
    assert "Note." not in "".join(str(part.body) for part in shown.clauses)


def test_only_sanitised_markup_can_be_stored() -> None:
    column: Any = markdown.TrustedHtmlText()
    with pytest.raises(TypeError):
        column.process_bind_param("<script>", None)
    assert column.process_bind_param(markdown.render("a"), None) == "<p>a</p>\n"


# --- front matter, words, time -------------------------------------------------------------------


def test_front_matter_values_stay_as_written() -> None:
    values, body, line = markdown.front_matter(
        "---\nversion: 1.10\neffective_at: 2026-04-01T00:00:00+09:00\nja: no\n---\n\nText\n"
    )
    assert values == {"version": "1.10", "effective_at": "2026-04-01T00:00:00+09:00", "ja": "no"}
    assert (body, line) == ("\nText\n", 6)


def test_a_text_may_have_no_front_matter() -> None:
    assert markdown.front_matter("Text\n---\n") == ({}, "Text\n---\n", 1)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("---\ntitle: A\n", 1, "never closed"),
        ("---\ntitle: A: B\n---\n", 2, "cannot be read"),
        ("---\ntitle: [A\nx: y\n---\n", 3, "cannot be read"),
        ("---\ntitle: A\ntitle: B\n---\n", 3, "“title” appears twice"),
        ("---\na: &x 1\nb: *x\n---\n", 3, "aliases are not supported"),
        ("---\n- a\n- b\n---\n", 2, "not a list of keys and values"),
        ("---\n? [a]\n: b\n---\n", 2, "cannot be read"),
        ("---\n" + "[" * 9_000 + "\n---\n", 2, "cannot be read"),
        ("---\ntitle: !!python/object:os.system x\n---\n", 2, "cannot be read"),
    ],
)
def test_broken_front_matter_is_refused_with_its_line(app: Flask, text: str, line: int, words: str) -> None:
    with pytest.raises(markdown.FrontMatterBroken) as refused:
        markdown.front_matter(text)
    assert words in str(refused.value)
    assert refused.value.problem.line == line


def test_reading_time_follows_the_language() -> None:
    assert markdown.reading_minutes("word " * 1_001, "en") == 6
    assert markdown.reading_minutes("字" * 1_001, "ja") == 3
    assert markdown.reading_minutes("", "en") == 1


def test_plain_text_has_no_marks() -> None:
    assert markdown.plain_text("## A *b* {#a}\n\n- [c](/d) `e`\n\n```\nf\n```\n") == "A b\nc e\nf"


def test_the_house_keeps_its_one_door_to_markdown() -> None:
    """Nobody else imports the parser or makes trusted markup."""
    for path in Path(markdown.__file__).parents[1].rglob("*.py"):
        if path.name == "markdown.py" and path.parent.name == "core":
            continue
        text = path.read_text()
        assert "markdown_it" not in text, path
        assert "import nh3" not in text, path
        assert not re.search(r"\bTrustedHtml\(", text), path


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("確認します。\n次に進みます。", "確認します。次に進みます。"),
        ("設定から\n**選ぶ**こと", "設定から<strong>選ぶ</strong>こと"),
        ("保存します。\nCSVも使えます。", "保存します。CSVも使えます。"),
        ("two\nwords", "two\nwords"),
        ("두\n단어", "두\n단어"),
    ],
)
def test_the_lines_of_a_japanese_paragraph_join_without_a_blank(app: Flask, text: str, shown: str) -> None:
    assert markdown.render(text, language="ja").strip() == f"<p>{shown}</p>"

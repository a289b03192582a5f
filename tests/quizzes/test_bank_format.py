"""The Markdown bank format: what is written comes back, and what is wrong is said with line and mend."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.core.i18n import Words
from portal.core.markdown import scan
from portal.quizzes.formats.markdown import _ATTRIBUTES, Bank, BankQuestion, Problem, merge, parse, render, split
from portal.quizzes.formats.reading_back import problem_with, unwritable_in
from portal.quizzes.types import type_names, type_of
from portal.quizzes.types.base import ANSWER, Content, Unit
from portal.quizzes.types.words import words_of
from tests.quizzes.strategies import banks, contents
from tests.volume import examples

pytestmark = [pytest.mark.usefixtures("app"), pytest.mark.any_database]

SHOWN_TO_AUTHORS = [
    "docs/content-format.md",
    "portal/operations/help/author.en.md",
    "portal/operations/help/author.ja.md",
]
ENGLISH = """---
title: Impersonation
document: impersonation
version: "1.0"
---

## A fan account without a label {#imp-001}
{type=single_choice clause=fan-accounts difficulty=2 severity=S1 tags=labels,fans}

An account uses a singer's name.

- a list in the text

What do you do first?

- [ ] Remove the account.
  > The clause asks for a notice first.
- [x] Send the label notice,
  and wait.
  > Right:

  > two paragraphs.

> Shown with the result.

## The cup of tea {#imp-101}
{type=case clause=fan-accounts,other#notice severity=S1 state=draft}

> **Profile:** tea

A reporter says so. Decide.

### Decision {#decision points=2}

- [x] Send the label notice
  > Why.
- [ ] Remove

### Clause {#clause points=1}

- [x] [[#fan-accounts]]
- [ ] [[#parody]]
  > Not this.

### Sensitivity level {#severity points=1}

- [ ] S0
- [x] S1
"""

JAPANESE = """---
title: なりすまし
version: "1.0"
---

## ラベルのないファンアカウント {#imp-001}

歌手の名前を使っています。

- 文中の箇条書き

最初にどうしますか。

- 削除する。
  > まず通知します。
- 通知を送り、
  待つ。
  > 正解です。
  >
  > 二段落目です。

> 結果とともに表示します。

## 一杯のお茶 {#imp-101}

> **プロフィール：** お茶

通報がありました。判断してください。

### 判断 {#decision}

- ラベルの通知を送る
  > 理由。
- 削除する

### 条項 {#clause}

- [[#parody]]
  > これではありません。
"""


def _bank(english: str = ENGLISH, japanese: str = JAPANESE) -> tuple[Bank, list[Problem], list[Problem]]:
    en, first = parse(english, "en")
    ja, second = parse(japanese, "ja")
    assert en is not None
    assert ja is not None
    bank, third, fourth = merge(en, ja)
    return bank, [*first, *third], [*second, *fourth]


@settings(max_examples=examples(50), deadline=None)
@given(banks())
def test_what_is_written_is_read_back(bank: Bank) -> None:
    texts = {}
    for language in ("en", "ja"):
        one = split(bank, language)
        texts[language] = render(one)
        read, problems = parse(texts[language], language)
        assert problems == []
        assert read == one
        # Windows line ends change nothing.
        assert parse(texts[language].replace("\n", "\r\n"), language)[0] == one
    both, english, japanese = _bank(texts["en"], texts["ja"])
    assert (english, japanese) == ([], [])
    assert both == bank


@pytest.mark.parametrize("path", SHOWN_TO_AUTHORS)
def test_the_example_that_authors_are_shown_is_a_bank_without_a_fault(path: str) -> None:
    text = (Path(__file__).resolve().parents[2] / path).read_text(encoding="utf-8")
    blocks = re.findall(r"^```markdown\n(---\n.*?)^```$", text, re.DOTALL | re.MULTILINE)
    english, japanese = (block for block in blocks if "#fan-001" in block)
    bank, in_english, in_japanese = _bank(english, japanese)
    assert (in_english, in_japanese) == ([], [])
    assert [question.content.type for question in bank.questions] == ["single_choice", "case"]
    case = bank.questions[1].content
    assert [(part.id, part.points) for part in case.parts] == [("decision", 2), ("clause", 1), ("severity", 1)]
    assert render(split(bank, "en")) == english
    assert render(split(bank, "ja")) == japanese


def _every_type() -> tuple[str, str]:
    text = (Path(__file__).resolve().parents[2] / SHOWN_TO_AUTHORS[0]).read_text(encoding="utf-8")
    english, japanese = re.findall(r"^```markdown\n(---\n.*?#penalty.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return english[english.rindex("---\ntitle: Every") :], japanese[japanese.rindex("---\ntitle: すべて") :]


def test_the_example_of_all_further_types_is_a_bank_without_a_fault() -> None:
    english, japanese = _every_type()
    bank, in_english, in_japanese = _bank(english, japanese)
    assert (in_english, in_japanese) == ([], [])
    assert {question.content.type for question in bank.questions} == set(type_names()) - {
        "single_choice",
        "true_false",
        "case",
    }
    assert render(split(bank, "en")) == english
    assert render(split(bank, "ja")) == japanese
    number = next(question.content.parts[0] for question in bank.questions if question.id == "number")
    assert number.units == (Unit("h"), Unit("時間"), Unit("min", Fraction(1, 60)), Unit("d", Fraction(24)))
    assert [key.share for key in number.keys] == [1, Fraction(1, 2)]


@pytest.mark.parametrize(
    ("before", "after", "line", "message", "mend"),
    [
        ("- [50%] *notice*", "- [150%] *notice*", "same", "is no share", "[50%]"),
        ("- [x] 72\n  > As", "- [x] soon\n  > As", "same", "“soon” is no number", "such as 2.5"),
        ("units=h,時間,min=1/60", "units=h,時間,min=0/60", "same", "are no units", "min,h=60"),
        ("units=h,時間,min=1/60", "units=min=60", "heading", "first unit", "Begin with it"),
        ("  = Label notice\n", "", "previous", "The pair has no right side", "  = "),
        ("- [ ] Hand to", "- [x] Hand to", "same", "The pair has no right side", "  = "),
        ("- [3] Find", "- [4] Find", "same", "not numbered 1, 2, 3", "[3]"),
        ("the account is [[2]]", "the account is gone", "part 2", "does not have [[2]]", "once in each language"),
        ("{#gap-3 kind=text", "{#gap-3 kind=essay", "same", "kind is “essay”", "choices, text, number"),
        ("{#gap-3 kind=text", "{#gap-4 kind=text", "same", "not numbered 1, 2, 3", "in the order"),
        ("{#gap-3 kind=text", "{#third kind=text", "same", "“third” is no gap", "{#gap-1}"),
        ("least=40 most=400", "least=400 most=40", "heading", "least length (400) is more than", "least="),
        ("- [3] Names the clause", "- [0] Names the clause", "same", "A criterion has a text and points", "[2]"),
        ("marking=penalty", "marking=penalties", "same", "marking is “penalties”", "penalty"),
        (
            "type=free_text clause=scope",
            "type=free_text clause=scope points=3",
            "same",
            "sum of its criteria",
            "points=",
        ),
    ],
)
def test_a_fault_of_a_further_type_is_named_with_its_line(
    before: str, after: str, line: str, message: str, mend: str
) -> None:
    english, japanese = _every_type()
    assert english.count(before) == 1
    at = english[: english.index(before)].count("\n") + 1
    expected = {"same": at, "previous": at - 1}.get(line)
    # What stands in both files is wrong in both.
    for one, other in (("72", "soon"), ("{#gap-3", "{#gap-4")):
        if one in before and other in after:
            japanese = japanese.replace(f"- {one}\n  >", f"- {other}\n  >").replace(f"{one}}}", f"{other}}}")
    _merged, in_english, in_japanese = _bank(english.replace(before, after), japanese)
    said = [problem for problem in in_english if message in problem.message]
    assert said, (in_english, in_japanese)
    assert mend in said[0].mend
    if expected:
        assert said[0].line == expected
    else:
        # The heading of the question or part stands above it.
        assert english.split("\n")[said[0].line - 1].startswith("#")


@pytest.mark.parametrize("path", SHOWN_TO_AUTHORS)
def test_every_attribute_of_a_question_is_in_the_table_that_authors_are_shown(path: str) -> None:
    text = (Path(__file__).resolve().parents[2] / path).read_text(encoding="utf-8")
    assert set(_ATTRIBUTES) <= set(re.findall(r"^\| `([a-z]+)` \|", text, re.MULTILINE))


def test_a_bank_with_every_kind_of_line_is_understood() -> None:
    bank, english, japanese = _bank()
    assert (english, japanese) == ([], [])
    first, case = bank.questions
    assert first.content.title == Words("A fan account without a label", "ラベルのないファンアカウント")
    assert first.content.stem.ja.endswith("最初にどうしますか。")
    assert "- 文中の箇条書き" in first.content.stem.ja
    assert first.content.parts[0].key == {"b"}
    assert first.content.parts[0].choices[1].text.en == "Send the label notice,\nand wait."
    assert first.content.parts[0].choices[1].rationale == Words(
        "Right:\n\ntwo paragraphs.", "正解です。\n\n二段落目です。"
    )
    assert first.content.rationale == Words("Shown with the result.", "結果とともに表示します。")
    assert first.content.clauses == ("impersonation#fan-accounts",)
    assert (first.line, case.line) == (7, 26)
    assert case.state == "draft"
    assert case.content.clauses == ("impersonation#fan-accounts", "other#notice")
    assert [(part.id, part.points) for part in case.content.parts] == [("decision", 2), ("clause", 1), ("severity", 1)]
    assert case.content.stem.en.startswith("> **Profile:** tea")
    clause = case.content.parts[1]
    assert clause.choices[1].text == Words("[[#parody]]", "[[#parody]]")
    assert clause.choices[1].rationale == Words("Not this.", "これではありません。")
    assert case.content.parts[2].heading == Words("Sensitivity level", "注意レベル")


def test_the_canonical_form_is_reached_in_one_step() -> None:
    for text, language in ((ENGLISH, "en"), (JAPANESE, "ja")):
        once, _ = parse(text, language)
        assert once is not None
        written = render(once)
        again, _ = parse(written, language)
        assert again == once
        assert again is not None
        assert render(again) == written


def test_nothing_inside_a_code_block_is_a_question_or_a_choice() -> None:
    text = ENGLISH.replace(
        "What do you do first?", "```\n## no {#question}\n- [ ] no choice\n```\n\nWhat do you do first?"
    )
    bank, problems = parse(text, "en")
    assert problems == []
    assert bank is not None
    assert [question.id for question in bank.questions] == ["imp-001", "imp-101"]
    assert "- [ ] no choice" in bank.questions[0].stem


@pytest.mark.parametrize(
    ("old", "new", "line", "message", "mend"),
    [
        ("---\ntitle", "title", 1, "does not begin with front matter", "Begin the file with ---"),
        ('version: "1.0"\n---\n', 'version: "1.0"\n', 1, "never closed", "Put a line with ---"),
        ("title: Impersonation", "title: [Impersonation", 3, "cannot be read", "key: value"),
        ("title: Impersonation", "title: A\ntitle: B", 3, "“title” appears twice", "key: value"),
        ("title: Impersonation", "title:", 2, "has no title", "title:"),
        ("title: Impersonation", "titel: Impersonation", 2, "unknown key “titel”", "title, document, version"),
        ('version: "1.0"', "version: one", 4, "not a number like 1.0", 'version: "1.0"'),
        ("document: impersonation", "document: Im person", 3, "cannot be the address", "slug"),
        ("---\n\n## A fan", "---\n\nHello\n\n## A fan", 7, "before the first question", "## Title {#id}"),
        ("An account uses", "# An account uses", 10, "first level", "## Title {#id}"),
        (" {#imp-001}", "", 7, "The heading has no id.", "{#imp-001}"),
        ("{#imp-001}", "{#IMP 1}", 7, "The heading has no id.", "{#imp-001}"),
        ("{#imp-001}", "{#IMP-1}", 7, "“IMP-1” cannot be an id", "lower-case"),
        ("{#imp-101}", "{#imp-001}", 26, "“imp-001” stands on line 7 already", "id of its own"),
        ("## A fan account without a label {", "## {", 7, "has no title", "between ## and the id"),
        (
            "{type=single_choice clause=fan-accounts difficulty=2 severity=S1 tags=labels,fans}\n",
            "",
            7,
            "The line of attributes is missing.",
            "{type=single_choice clause=scope}",
        ),
        ("labels,fans}", "labels,fans", 8, "does not end", "}"),
        ("type=single_choice", "type=essay", 8, "type is “essay”", "gap, free_text, case"),
        ("type=single_choice ", "", 8, "type is “”", "single_choice"),
        ("difficulty=2", "difficulty=6", 8, "difficulty is “6”", "from 1 to 5"),
        ("difficulty=2", "difficulty=two", 8, "difficulty is “two”", "from 1 to 5"),
        ("severity=S1 tags", "severity=S9 tags", 8, "severity is “S9”", "S0, S1"),
        ("difficulty=2", "dificulty=2", 8, "“dificulty=2” is not known", "difficulty"),
        ("difficulty=2", "difficulty=2 difficulty=3", 8, "stands here twice", "Keep one"),
        ("difficulty=2", "marking=partial", 8, "single_choice have no such marking", "Take marking= away"),
        ("difficulty=2", "exact=yes", 8, "questions of another type", "short_answer"),
        ("type=single_choice clause=fan-accounts", "type=single_choice", 8, "cites no clause", "clause="),
        ("clause=fan-accounts difficulty", "clause=Fan_accounts difficulty", 8, "is no clause", "slug#id"),
        ("state=draft", "points=3", 27, "sum of its parts", "on the parts"),
        ("state=draft", "state=old", 27, "state is “old”", "live, draft, in_review, pilot, quarantined, retired"),
        ("- [x] Send the label notice,", "- [ ] Send the label notice,", 7, "No choice is marked", "[x]"),
        ("- [ ] Remove the account.", "- [x] Remove the account.", 18, "More than one choice", "multiple_choice"),
        ("- [ ] Remove the account.", "- [ ]", 16, "The choice has no text", "behind the brackets"),
        ("> Shown with", "Shown with", 24, "Text stands after the choices", "- [ ] text"),
        ("  and wait.", "and wait.", 19, "Text stands after the choices", "indent"),
        ("  > two paragraphs.", "  two paragraphs.", 22, "after the rationale", ">"),
        ("### Decision {#decision points=2}", "### Verdict {#verdict}", 33, "“verdict” is no part", "decision"),
        ("{#decision points=2}", "{#decision points=0}", 33, "points is “0”", "from 1 to 100"),
        ("{#decision points=2}", "{#decision weight=2}", 33, "“weight=2” is not known", "points=1"),
        ("### Sensitivity level {#severity", "### Clause {#clause", 45, "stands here twice", "one part"),
        ("### Decision {#decision points=2}\n", "", 34, "A case has its choices in parts", "### Decision"),
        ("- [ ] S0\n", "Low or high?\n\n- [ ] S0\n", 46, "between the part's heading", "Move it"),
        ("- [ ] S0\n", "", 45, "at least two choices", "- [ ] text"),
        ("- [ ] S0\n", "- [ ] S1\n", 48, "Two choices have the same text: “S1”", "Change or remove"),
        ("What do you do first?", "### Decision {#decision}", 14, "Only a case and a text with gaps", "type=case"),
        ("An account uses", "```\nAn account uses", 10, "does not end", "```"),
        ("An account uses", "An <b>account</b> uses", 10, "There is raw HTML: <b>", "Markdown"),
        ("Remove the account.", "Remove <script>alert(1)</script>", 16, "There is a script", "code block"),
        ("The clause asks", "![x](https://evil.example/x.png) The clause asks", 17, "lies on another server", "words"),
        ("Send the label notice\n", "Send [this](//evil.example)\n", 35, "how it is reached", "https://"),
    ],
)
def test_a_fault_of_the_english_file_is_named_with_its_line_and_its_mend(
    old: str, new: str, line: int, message: str, mend: str
) -> None:
    assert old in ENGLISH
    text = ENGLISH.replace(old, new, 1)
    en, problems = parse(text, "en")
    if en is not None:
        ja, _ = parse(JAPANESE, "ja")
        assert ja is not None
        problems = [*problems, *merge(en, ja)[1]]
    told = [(p.line, p.message, p.mend) for p in problems]
    assert any(at == line and message in text and mend in how for at, text, how in told), told


@pytest.mark.parametrize(
    ("old", "new", "line", "message", "mend"),
    [
        ('version: "1.0"', 'version: "1.1"', 1, "The version is “1.1” here and “1.0”", "write its version"),
        ("title: なりすまし", "title: なりすまし\ndocument: x", 3, "unknown key “document”", "title, version"),
        ("{#imp-001}\n", "{#imp-001}\n{type=case}\n", 7, "holds only texts", "English file"),
        ("{#decision}", "{#decision points=2}", 30, "holds only texts", "English file"),
        ("- 削除する。\n  > まず通知します。\n", "", 6, "There are 1 choices here and 2", "same order"),
        ("{#imp-101}", "{#imp-102}", 0, "The question “imp-101” is missing", "{#imp-101}"),
        ("{#imp-101}", "{#imp-102}", 24, "“imp-102” is not in the English file", "Take it away"),
        ("  > まず通知します。\n", "", 14, "only in one of the two languages", "both files"),
        ("> 結果とともに表示します。\n", "", 6, "only in one of the two languages", "both files"),
        ("- [[#parody]]", "- [[#satire]]", 38, "“[[#satire]]” is no choice", "exactly"),
        ("### 判断 {#decision}", "### 重大度 {#severity}", 24, "The part “decision” is missing", "判断"),
    ],
)
def test_a_fault_of_the_japanese_file_is_named_with_its_line_and_its_mend(
    old: str, new: str, line: int, message: str, mend: str
) -> None:
    assert old in JAPANESE
    _bank_read, english, japanese = _bank(japanese=JAPANESE.replace(old, new, 1))
    told = [(p.line, p.message, p.mend) for p in japanese]
    assert any(at == line and message in text and mend in how for at, text, how in told), told
    assert english == []


def test_the_questions_of_both_files_stand_in_the_same_order() -> None:
    head, first, second = JAPANESE.partition("## ラ")[0], *JAPANESE.partition("## ラ")[2].split("## 一")
    _bank_read, _english, japanese = _bank(japanese=f"{head}## 一{second}\n## ラ{first}")
    assert [p.message for p in japanese] == ["The questions stand in another order than in the English file."]


def test_true_or_false_has_exactly_these_two_choices() -> None:
    text = ENGLISH.replace("single_choice", "true_false")
    _bank_read, english, _japanese = _bank(text)
    assert any("exactly the choices True and False" in p.message for p in english)


def test_rubbish_is_refused_and_never_breaks_the_reader() -> None:
    for text in ("", "\x00", "---", "---\n---", "---\n- a\n---", "---\n{{\n---", "---\na: &a [*a]\n---", "## x {#y}"):
        for language in ("en", "ja"):
            _read, problems = parse(text, language)
            assert problems


def test_the_answer_part_is_not_told_apart_in_the_file() -> None:
    bank, _english, _japanese = _bank()
    assert bank.questions[0].content.parts[0].id == ANSWER


def test_the_banks_of_the_content_folder_are_written_in_the_canonical_form() -> None:
    folder = Path(__file__).parents[2] / "content" / "banks"
    for path in sorted(folder.glob("*.md")):
        text = path.read_text(encoding="utf-8")
        bank, problems = parse(text, path.suffixes[0][1:])
        assert problems == []
        assert bank is not None
        assert parse(render(bank), bank.language)[0] == bank


# What authors write into a text of a question, and the format could take for a sign of its own.
SIGNS = [
    "S\n\n- [x] inj",
    "S\n\n* [x] star",
    "- [x] injected\n- [ ] other",
    "S\n\n## Head {#zz}\n{type=case}",
    "S\n\n### Gap {#gap-1}",
    "# Head",
    "```\nS",
    "~~~~\nS\n~~~",
    "```code``` in a line\nS",
    "```\n- [x] code\n## Head {#zz}\n```\nS",
    "S\n```\n  indented\n```",
    "{missing}",
    "{text}{missing}",
    "{text}",
    "{text}- [ ] a",
    "  {text} a",
    "{type=case}\nS",
    "a\n  > why",
    "a\n> why",
    "a\n    code\n    more",
    "a\n\n\tcode\n\n\tmore",
    "S\n\n- a\n- b",
    "S\n\n- a\n\n  more\n- b\n\n> q\n\n- c",
    "[x] S",
    "- a",
    "> S",
    "---\nS\n---",
    "a\n```\n> code\n```",
    "```\ncode\n```",
    "[[1]] S",
    "S {#id}",
]


@pytest.mark.parametrize("text", SIGNS)
@pytest.mark.parametrize("kind", ["single_choice", "ordering", "free_text"])
def test_a_text_that_looks_like_a_sign_of_the_format_comes_back_as_it_is(text: str, kind: str) -> None:
    (sample,) = type_of(kind).samples()
    content = replace(sample, stem=Words(text, text), rationale=Words(text, text), document="policy")
    part = content.parts[0]
    if part.choices:
        first = replace(part.choices[0], text=Words(text, text), rationale=Words(text, text))
        part = replace(part, choices=(first, *part.choices[1:]))
    else:
        part = replace(part, criteria=(replace(part.criteria[0], text=Words(text, text)), *part.criteria[1:]))
    bank = Bank(
        Words("bank", "銀行"), "policy", "", tuple(BankQuestion(each, replace(content, parts=(part,))) for each in "ab")
    )
    texts = {language: render(split(bank, language)) for language in ("en", "ja")}
    both, english, japanese = _bank(texts["en"], texts["ja"])
    if text.startswith("  "):
        # Blanks at the beginning of a choice are none of its text; the editor takes them away.
        assert (english, japanese) == ([], [])
        return
    assert (both, english, japanese) == (bank, [], [])
    # The canonical form is reached at once.
    assert all(
        render(parse(texts[language], language)[0] or split(bank, "en")) == texts[language] for language in texts
    )


@settings(max_examples=examples(50), deadline=None)
@given(contents(types=("single_choice", "multiple_choice", "ordering", "free_text", "short_answer")), st.data())
def test_a_question_full_of_signs_comes_back_or_is_told_apart(content: Content, data: st.DataObject) -> None:
    texts = st.lists(st.sampled_from(SIGNS) | st.text("-*+# >`~[]{}x=\n\tab", max_size=12), min_size=1, max_size=3)

    def drawn(words: Words) -> Words:
        return Words(*(_typed("\n".join(data.draw(texts))) or "x" for _tag in ("en", "ja")))

    stem, rationale = drawn(content.stem), drawn(content.stem)
    part = content.parts[0]
    part = replace(
        part,
        choices=tuple(replace(each, rationale=drawn(each.text)) for each in part.choices),
        keys=tuple(replace(each, feedback=drawn(content.stem)) for each in part.keys),
        criteria=tuple(replace(each, text=drawn(each.text)) for each in part.criteria),
    )
    content = replace(content, stem=stem, rationale=rationale, parts=(part,), document="policy")
    question = BankQuestion("q", content)
    bank = Bank(Words("bank", "銀行"), "policy", "", (question,))
    sound = not any(scan(text) for words in words_of(content) for text in (words.en, words.ja))
    both, english, japanese = _bank(*(render(split(bank, language)) for language in ("en", "ja")))
    if sound and (english or japanese or both != bank):
        # What no file holds is known before it is written, and its text is named.
        assert problem_with(question)
        assert unwritable_in(content)
    if not problem_with(question):
        assert (english, japanese) == ([], [])


def _typed(text: str) -> str:
    """Return a text as the editor keeps it."""
    return "\n".join(line.rstrip() for line in text.split("\n")).strip("\n").lstrip()

"""The bank in Markdown as a question file: ours come back byte for byte, others as far as a bank can say them."""

from __future__ import annotations

import random
import re
import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.core import markdown as texts
from portal.quizzes.formats import markdown
from portal.quizzes.formats.interchange import (
    FULL,
    ForeignAnswer,
    ForeignChoice,
    ForeignGap,
    ForeignPart,
    ForeignQuestion,
    Kind,
    Reading,
    TextFormat,
)
from portal.quizzes.formats.losses import lost
from portal.quizzes.formats.own_markdown import FORMAT
from portal.quizzes.types import type_names
from tests.quizzes.foreign_questions import questions
from tests.quizzes.strategies import PLAIN_LINES, banks
from tests.volume import examples

pytestmark = pytest.mark.any_database

C = ForeignChoice
HEAD = '---\ntitle: Fan accounts\ndocument: impersonation\nversion: "1.0"\n---\n\n'
QUESTION = """## A fan account {#fan-001}
{type=single_choice clause=fan-accounts,other#notice difficulty=2 severity=S1 tags=fans points=3 shuffle=no state=draft}

What do you do?

- [ ] Remove it.
  > Too early.
- [x] Send a notice.

> Shown with the result.
"""
GOOD = "\n## Good {#good}\n{type=true_false clause=scope}\n\nSo?\n\n- [x] True\n- [ ] False\n"


@pytest.fixture(autouse=True)
def _context(app: Flask) -> None:
    """Words of refusals need the application."""


def read(text: str) -> Reading:
    return FORMAT.read(text.encode())


def single(**more: object) -> ForeignQuestion:
    usual = {"type": Kind.SINGLE_CHOICE, "title": "T", "stem": "Which?", "choices": (C("a"), C("b", FULL)), "id": "q"}
    return ForeignQuestion(**(usual | more))  # type: ignore[arg-type]


@pytest.mark.parametrize("path", sorted(Path("content/banks").glob("*.en.md")), ids=lambda path: path.name)
def test_a_bank_of_ours_is_read_whole_and_written_back_byte_for_byte(path: Path) -> None:
    data = path.read_bytes()
    reading = FORMAT.read(data)
    assert reading.refused == ()
    assert len(reading.questions) == data.count(b"\n## ")
    assert all(question.losses == () and question.clauses for question in reading.questions)
    writing = FORMAT.write(reading.questions)
    assert writing.losses == ()
    assert writing.data.decode() == data.decode()


def test_everything_that_an_english_file_says_is_in_the_record() -> None:
    (question,) = read(HEAD + QUESTION).questions
    assert question == ForeignQuestion(
        Kind.SINGLE_CHOICE,
        "A fan account",
        "What do you do?",
        TextFormat.MARKDOWN,
        choices=(C("Remove it.", Fraction(0), "Too early."), C("Send a notice.", FULL)),
        general_feedback="Shown with the result.",
        tags=("fans",),
        id="fan-001",
        category="Fan accounts",
        points=Fraction(3),
        shuffle=False,
        clauses=("impersonation#fan-accounts", "other#notice"),
        document="impersonation",
        document_version="1.0",
        severity="S1",
        difficulty=2,
        state="draft",
    )
    assert question.line == 7


def test_several_right_choices_earn_all_or_nothing_or_each_its_share() -> None:
    def fractions(marking: str) -> tuple[list[Fraction], bool, str]:
        body = f"## Q {{#q}}\n{{type=multiple_choice clause=a#b{marking}}}\n\nWhich?\n\n- [x] a\n- [x] b\n- [ ] c\n"
        (question,) = read(HEAD + body).questions
        assert FORMAT.write([question]).data.decode() == HEAD + body
        assert question.losses == ()
        return [each.fraction for each in question.choices], question.all_or_nothing, question.marking

    assert fractions("") == ([50, 50, 0], True, "")
    assert fractions(" marking=partial") == ([50, 50, -50], False, "")
    # Wrong choices may take more than the right ones give: that no share says.
    assert fractions(" marking=penalty") == ([50, 50, -50], False, "penalty")


@pytest.mark.parametrize(
    "body",
    [
        "{type=ordering clause=a#b marking=partial}\n\nIn which order?\n\n- [1] a\n- [2] b\n",
        "{type=free_text clause=a#b least=10 most=400}\n\nWhy?\n\n- [2] names it\n",
        "{type=matching clause=a#b}\n\nWhat?\n\n- [x] a\n  = 1\n  > Because.\n- [x] b\n  = 2\n- [ ] 3\n",
        "{type=gap clause=a#b}\n\nIn [[1]].\n\n"
        "### Gap 1 {#gap-1 kind=number units=h,d=24 points=1}\n\n- [x] 3\n\n> So.\n",
    ],
)
def test_how_a_question_is_marked_and_explained_survives_the_command_line(
    app: Flask, tmp_path: Path, body: str
) -> None:
    bank = HEAD + "## Q {#q}\n" + body
    (tmp_path / "bank.en.md").write_text(bank, encoding="utf-8")
    run = app.test_cli_runner().invoke
    read_ = run(args=["quizzes", "read", str(tmp_path / "bank.en.md"), "--format", "markdown", "--json"])
    (tmp_path / "bank.json").write_text(read_.output, encoding="utf-8")
    output = str(tmp_path / "again.md")
    written = run(args=["quizzes", "write", str(tmp_path / "bank.json"), "--format", "markdown", "--output", output])
    assert written.output == ""
    assert Path(output).read_text(encoding="utf-8") == bank
    assert "losses" not in read_.output


@pytest.mark.parametrize(
    ("body", "line", "reason"),
    [
        ("## No id\n{type=single_choice}\n\nQ\n", 7, "The heading has no id"),
        ("## Q {#q}\n\nQ\n\n- [x] a\n- [ ] b\n", 7, "line of attributes is missing"),
        ("## Q {#q}\n{type=essay clause=a#b}\n\nQ\n", 8, "type is “essay”, which is not known"),
        ("## Q {#q}\n{type=single_choice clause=a#b level=3}\n\nQ\n\n- [x] a\n- [ ] b\n", 8, "“level=3” is not known"),
        ("## Q {#q}\n{type=single_choice clause=a#b}\n\nQ\n\n- [x] a\n- [x] b\n", 13, "More than one choice"),
        ("## Q {#q}\n{type=single_choice clause=a#b}\n\nQ\n\n- [ ] a\n- [ ] b\n", 7, "No choice is marked"),
        ("## Q {#q}\n{type=single_choice clause=a#b}\n\nQ\n\n- [x] a\n- [ ] a\n", 13, "Two choices have the same text"),
        ("## Q {#q}\n{type=single_choice clause=a#b}\n\n- [x] a\n- [ ] b\n", 7, "asks nothing"),
        ("## Q {#q}\n{type=single_choice clause=a#b}\n\nQ <b>x</b>\n\n- [x] a\n- [ ] b\n", 10, "HTML"),
        (
            "## Q {#q}\n{type=true_false clause=a#b}\n\nQ\n\n- [x] Yes\n- [ ] No\n",
            7,
            "exactly the choices True and False",
        ),
        ("## Q {#q}\n{type=case clause=a#b}\n\nQ\n", 7, "needs the part “decision”"),
        ("## Q {#q}\n{type=single_choice clause=a#b}\n\nQ\n\n```\nx\n", 12, "does not end"),
        (
            "## Q {#good}\n{type=true_false clause=a#b}\n\nQ\n\n- [x] True\n- [ ] False\n",
            15,
            "stands on line 7 already",
        ),
        ("## Q {#q}\n{type=single_choice clause=" + ",".join(["a#b"] * 2_000) + "}\n\nQ\n", 8, "longer than 4000"),
        ("Text.\n", 7, "Text stands before the first question"),
    ],
)
def test_what_is_wrong_is_refused_by_its_line_and_the_rest_is_taken(body: str, line: int, reason: str) -> None:
    reading = read(HEAD + body + GOOD)
    assert reading.refused[0].line == line
    assert reason in reading.refused[0].reason
    assert len(reading.questions) == 1


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("", 1, "does not begin with front matter"),
        ("---\ntitle: x\n", 1, "never closed"),
        ("---\ntitle: [x\n---\n" + GOOD, 2, "cannot be read"),
        ("---\ntitle: x\n---\n\n## 問 {#q}\n\n本文\n\n- 一\n- 二\n", 5, "read the English one"),
    ],
)
def test_a_file_that_is_no_english_bank_is_refused_with_what_to_do(text: str, line: int, reason: str) -> None:
    reading = read(text)
    assert reading.questions == ()
    assert [(refused.line, reason in refused.reason) for refused in reading.refused] == [(line, True)]


def test_unknown_keys_of_the_front_matter_are_told_and_the_questions_are_taken() -> None:
    reading = read("---\ntitle: x\nowner: y\n---\n" + GOOD.replace("scope", "a#scope"))
    assert [refused.line for refused in reading.refused] == [3]
    assert len(reading.questions) == 1


def test_a_question_without_a_clause_is_taken_because_other_formats_have_none() -> None:
    (question,) = read("---\ntitle: x\n---\n" + GOOD.replace(" clause=scope", "")).questions
    assert question.clauses == ()


# --- writing -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", sorted(set(Kind) - {Kind(name) for name in type_names()}))
def test_a_type_that_the_bank_does_not_know_is_refused_by_its_name(kind: Kind) -> None:
    writing = FORMAT.write([single(type=kind, choices=())])
    assert [(loss.place, loss.is_refused) for loss in writing.losses] == [(0, True)]
    assert f"“{kind.value}”" in writing.losses[0].what


def test_a_question_of_another_format_gets_an_id_and_is_told_what_a_bank_cannot_say() -> None:
    given_ = [
        single(id="", text_format=TextFormat.MARKDOWN),
        single(id="Q 7", text_format=TextFormat.MARKDOWN, points=Fraction(3, 2), template="x", tags=("two words",)),
        single(id="q-7", text_format=TextFormat.MARKDOWN, choices=(C("a", Fraction(-50)), C("b", FULL))),
        single(id="q-7", text_format=TextFormat.MARKDOWN),
    ]
    writing = FORMAT.write(given_)
    back = FORMAT.read(writing.data).questions
    assert [question.id for question in back] == ["q-001", "q-002", "q-7", "q-004"]
    assert [(loss.place, loss.what) for loss in writing.losses] == [
        (1, "its tags: “two words” → “two-words”"),
        (1, "its id: “Q 7” → “q-002”"),
        (1, "its points: 1.5 → 2"),
        (1, "the template of the answer"),
        (2, "what its choices are worth: “a” −50 % → 0 %"),
        (3, "its id: “q-7” → “q-004”"),
    ]


@pytest.mark.parametrize(
    ("text_format", "text", "written"),
    [
        (TextFormat.PLAIN, "2 * 3 < 7 & a_b [x] `c` C:\\temp", "2 \\* 3 < 7 & a_b \\[x] \\`c\\` C:\\temp"),
        (TextFormat.PLAIN, "- one\n1. two\n# three\n> four\n===", "\\- one\n1\\. two\n\\# three\n\\> four\n\\==="),
        (TextFormat.PLAIN, "<b>&amp;</b>", "\\<b>\\&amp;\\</b>"),
        (TextFormat.HTML, "<p dir='ltr'>One <b>two</b>&nbsp;&lt;three</p>\n<p>* four<br/>five<br></p>", None),
        (TextFormat.MOODLE, "One\ntwo &amp; <i>three</i>", "One\\\ntwo & *three*"),
    ],
)
def test_texts_of_other_kinds_are_written_so_that_they_look_the_same(
    text_format: TextFormat, text: str, written: str | None
) -> None:
    writing = FORMAT.write([single(stem=text, text_format=text_format)])
    (question,) = FORMAT.read(writing.data).questions
    assert question.stem == (written or "One **two**\u00a0\\<three\n\n\\* four\\\nfive")
    assert "the kind of markup of its text" in [loss.what for loss in writing.losses]


def test_what_moodle_writes_for_any_number_and_for_half_can_be_written() -> None:
    number = single(
        type=Kind.NUMERIC,
        choices=(),
        answers=(
            ForeignAnswer(value=".5", tolerance=".1"),
            ForeignAnswer(value="*", tolerance="0", fraction=Fraction(0)),
        ),
    )
    writing = FORMAT.write([number])
    assert not any(loss.is_refused or "answers" in loss.what for loss in writing.losses)
    (back,) = FORMAT.read(writing.data).questions
    assert [(each.value, each.tolerance) for each in back.answers] == [("0.5", "0.1"), ("*", "")]


def test_an_answer_that_stands_twice_is_written_once_and_named() -> None:
    twice = single(type=Kind.SHORT_ANSWER, choices=(), answers=(ForeignAnswer("Lead"), ForeignAnswer("lead")))
    writing = FORMAT.write([twice])
    assert "a second answer “lead”" in [loss.what for loss in writing.losses]
    assert len(FORMAT.read(writing.data).questions[0].answers) == 1


def test_a_question_is_never_written_with_another_key() -> None:
    other = single(type=Kind.MULTIPLE_CHOICE, choices=(C("A", FULL), C("B", Fraction("12.3456")), C("C")))
    (loss,) = FORMAT.write([other]).losses
    assert loss.is_refused
    assert "“A” 100 %, “B” 12.3456 %" in loss.what
    # Wrong choices that cost nothing cost nothing afterwards.
    free = single(type=Kind.MULTIPLE_CHOICE, choices=(C("a", FULL), C("b"), C("c")))
    writing = FORMAT.write([free])
    assert "that more than one of its choices may be taken" in [loss.what for loss in writing.losses]
    assert [each.fraction for each in FORMAT.read(writing.data).questions[0].choices] == [FULL, 0, 0]


def test_a_gap_that_a_bank_cannot_have_is_named() -> None:
    gaps = (ForeignGap(answers=(ForeignAnswer("a"),)), ForeignGap((C("a", FULL),)))
    (loss,) = FORMAT.write([single(type=Kind.GAP, choices=(), stem="[[1]] [[2]]", gaps=gaps)]).losses
    assert loss.is_refused
    assert loss.what == "Gap 2: it offers one choice alone."


def test_html_beyond_paragraphs_is_refused_by_its_tag() -> None:
    writing = FORMAT.write([single(stem="One <u>two</u>", text_format=TextFormat.HTML), single()])
    assert [(loss.place, loss.is_refused, "<u>" in loss.what) for loss in writing.losses[:1]] == [(0, True, True)]
    assert len(FORMAT.read(writing.data).questions) == 1


def test_a_text_that_looks_like_a_key_changes_nothing_of_what_is_right() -> None:
    for stem in (
        "Which?\n\n- [ ] c",
        "Which?\n\n- [x] c",
        "Which?\n\n## Another {#other}\n{type=true_false}",
        "Which?\n\n```\nx",
    ):
        question = single(stem=stem, text_format=TextFormat.MARKDOWN)
        writing = FORMAT.write([question])
        (back,) = FORMAT.read(writing.data).questions
        assert not any(loss.is_refused for loss in writing.losses)
        assert back.stem == stem
        assert [(each.text, each.fraction) for each in back.choices] == [
            (each.text, each.fraction) for each in question.choices
        ]


def test_a_text_that_no_file_can_hold_is_refused() -> None:
    (loss,) = FORMAT.write([single(stem="Which?\n\n```\n<b>", text_format=TextFormat.MARKDOWN)]).losses
    assert loss.is_refused


@given(st.lists(PLAIN_LINES, min_size=1, max_size=3).map("\n".join))
@settings(max_examples=examples(60))
def test_plain_text_shows_as_it_was(text: str) -> None:
    writing = FORMAT.write([single(stem=text, title="T")])
    (question,) = FORMAT.read(writing.data).questions
    assert texts.plain_text(question.stem).split() == text.split()


@given(st.lists(questions(), max_size=3))
@settings(max_examples=examples(60))
def test_what_was_written_is_read_again_but_for_the_losses_that_are_reported(given_: list[ForeignQuestion]) -> None:
    writing = FORMAT.write(given_)
    refused = {loss.place for loss in writing.losses if loss.is_refused}
    kept = [(place, question) for place, question in enumerate(given_) if place not in refused]
    back = FORMAT.read(writing.data)
    assert back.refused == ()
    told = [(loss.place, loss.what) for loss in writing.losses if not loss.is_refused]
    assert told == [
        (place, what)
        for (place, before), after in zip(kept, back.questions, strict=True)
        for what in lost(before, after)
    ]


@given(banks())
@settings(max_examples=examples(20))
def test_any_bank_of_ours_comes_back_byte_for_byte(bank: markdown.Bank) -> None:
    text = markdown.render(markdown.split(bank, "en"))
    reading = read(text)
    assert reading.refused == ()
    writing = FORMAT.write(reading.questions)
    assert writing.losses == ()
    # A bank without a version is told apart from one without a title, and "Questions" is the title of none.
    assert FORMAT.read(writing.data) == reading


# --- hostile files -----------------------------------------------------------------------------


def test_a_code_block_without_an_end_takes_only_its_own_question() -> None:
    broken = "## Broken {#broken-%s}\n{type=true_false clause=scope}\n\n%s\n\n- [x] True\n- [ ] False\n\n"
    reading = read(HEAD + broken % (1, "~~~~") + broken % (2, "```") + GOOD.lstrip() + "\n~~~\nopen\n")
    assert [refused.line for refused in reading.refused] == [10, 18, 31]
    reading = read(HEAD + broken % (1, "~~~~") + broken % (2, "```") + GOOD.lstrip())
    assert [refused.line for refused in reading.refused] == [10, 18]
    assert [question.id for question in reading.questions] == ["good"]


BANK = Path("content/banks/impersonation.en.md").read_text(encoding="utf-8")
SIGNS = ["{", "}", "#", "```", "- [x] ", "\n", "> ", "<b>", "\x00", "---\n", "  ", "=", "|"]


@given(st.integers(0, 2**32))
@settings(max_examples=examples(30))
def test_a_file_that_was_damaged_is_read_or_refused_and_never_an_exception(seed: int) -> None:
    chance = random.Random(seed)
    start = chance.choice([found.start() for found in re.finditer(r"^## ", BANK, re.MULTILINE)])
    text = BANK[: BANK.index("\n## ")] + "\n" + BANK[start : start + 2_500]
    for _round in range(chance.randint(1, 4)):
        at = chance.randint(0, len(text))
        end = min(len(text), at + chance.randint(0, 60))
        piece = text[at:end]
        middle = chance.choice(["", piece * 2, piece[::-1], chance.choice(SIGNS)])
        text = text[:at] + middle + text[end:]
    reading = read(text)
    assert all(0 <= refused.line <= text.count("\n") + 1 for refused in reading.refused)
    assert FORMAT.read(FORMAT.write(reading.questions).data).refused == ()


@pytest.mark.parametrize(
    "body",
    [
        "## " + " " * 900_000 + "x\n",
        "## a" + " " * 380 + "{#a b}\n",
        ("## a" + " " * 380 + "{#a b}\n") * 2_000,
        "## x\n" * 60_000,
        "## Q {#q}\n{type=case}\n" + "### " * 200_000,
        "## Q {#q}\n{type=single_choice}\n\nQ\n\n" + "- [ ]\n" * 60_000,
        "## Q {#q}\n{type=single_choice}\n\nQ\n\n" + ">" * 900_000,
        "## Q {#q}\n{" + "a=b " * 200_000 + "}\n",
        "".join("`" * (1_200 - number) + "\n## Q {#q}\n" for number in range(1_100)),
        "[" * 900_000,
    ],
)
def test_a_hostile_bank_takes_no_longer_than_an_honest_one(body: str) -> None:
    started = time.process_time()
    reading = read(HEAD + body)
    assert time.process_time() - started < 5
    assert reading.questions == ()
    assert len(reading.refused) <= 5_001


def test_a_bank_that_is_too_large_is_refused_as_a_whole() -> None:
    (refused,) = read("x" * 1_100_000).refused
    assert (refused.line, "1 MB" in refused.reason) == (0, True)


def test_no_file_is_written_that_would_be_too_large_to_be_read() -> None:
    long = single(id="", stem="word " * 40_000, text_format=TextFormat.MARKDOWN)
    writing = FORMAT.write([long] * 6)
    assert [(loss.place, loss.is_refused) for loss in writing.losses if loss.is_refused] == [(5, True)]
    assert len(FORMAT.read(writing.data).questions) == 5


def test_the_bank_in_the_documentation_is_read() -> None:
    documentation = Path("docs/content-format.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```markdown\n(---\ntitle: Fan accounts\n.*?)```", documentation, re.DOTALL)
    reading = read(example)
    assert reading.refused == ()
    assert [question.type for question in reading.questions] == [Kind.SINGLE_CHOICE, Kind.CASE]
    assert FORMAT.write(reading.questions).data.decode() == example


def test_a_case_keeps_its_parts_and_an_unknown_one_is_refused() -> None:
    case = ForeignQuestion(
        Kind.CASE,
        "Snail",
        "A parody.",
        TextFormat.MARKDOWN,
        parts=(
            ForeignPart("decision", "Decide", (C("No action", FULL, "Label."), C("Notice")), Fraction(2), "All."),
            ForeignPart("severity", "Level", (C("S0", FULL), C("S1"))),
        ),
        points=Fraction(3),
        id="snail",
        clauses=("a#b",),
    )
    writing = FORMAT.write([case])
    assert writing.losses == ()
    assert FORMAT.read(writing.data).questions == (case,)
    (loss,) = FORMAT.write([replace(case, parts=(replace(case.parts[0], id="other"),))]).losses
    assert loss.is_refused

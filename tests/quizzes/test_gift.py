"""GIFT files: read as Moodle reads them, refused by their line, and written so that they are read the same again."""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from hypothesis import example, given, settings
from hypothesis import strategies as st

from portal.core.i18n import force_locale
from portal.quizzes.formats.foreign import read_file
from portal.quizzes.formats.gift import FORMAT
from portal.quizzes.formats.interchange import (
    FULL,
    MAX_BYTES,
    MAX_QUESTIONS,
    ForeignAnswer,
    ForeignChoice,
    ForeignGap,
    ForeignQuestion,
    Kind,
    TextFormat,
)
from portal.quizzes.formats.losses import lost
from tests.material import material
from tests.volume import examples

pytestmark = pytest.mark.any_database

MADE_BY_FUHRMANATOR = (
    *("category1", "description1", "escapeColon", "essay1", "matching1", "mc1", "mc2", "mc4", "shortAnswer1"),
    *("tag_id", "tag_two_tags", "tf1", "tf1_html", "tf2", "totara_moodle_essay"),
)
FILES = (
    *(f"gift-fuhrmanator/{name}.gift" for name in MADE_BY_FUHRMANATOR),
    *("gift-moodle/examples.txt", "gift-moodle/questions.gift.txt"),
    *(
        f"gift-tsugi/data/valid/example_{name}.gift"
        for name in ("matching", "multiple_choice", "numerical", "true_false")
    ),
)
KINDS = {
    "truefalse": Kind.TRUE_FALSE,
    "shortanswer": Kind.SHORT_ANSWER,
    "numerical": Kind.NUMERIC,
    "match": Kind.MATCHING,
    "essay": Kind.FREE_TEXT,
    "description": Kind.DESCRIPTION,
}


@pytest.fixture(autouse=True)
def _context(app: Flask) -> None:
    """Words of refusals need the application."""


def read(text: str) -> list[ForeignQuestion]:
    reading = FORMAT.read(text.encode())
    assert reading.refused == ()
    return list(reading.questions)


def one(text: str) -> ForeignQuestion:
    (question,) = read(text)
    return question


# --- against Moodle's own importer -----------------------------------------------------------------


def _squeezed(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def _as_moodle_says(told: dict[str, Any]) -> dict[str, Any]:
    kind = KINDS.get(told["type"]) or (Kind.SINGLE_CHOICE if told["single"] else Kind.MULTIPLE_CHOICE)
    said = {
        "type": kind,
        "title": _squeezed(told["name"]),
        "stem": _squeezed(told["text"]),
        "text_format": told["format"],
        "general_feedback": _squeezed(told.get("general_feedback", "")),
        "id": told.get("idnumber", ""),
        "tags": told.get("tags", []),
    }
    for each in told.get("answers", []):
        what: Any = _squeezed(each["text"]) if "text" in each else (_number(each["value"]), _number(each["tolerance"]))
        said.setdefault("answers", []).append((what, float(each["fraction"]), _squeezed(each["feedback"])))
    if "pairs" in told:
        said["pairs"] = [tuple(map(_squeezed, pair)) for pair in told["pairs"]]
    if kind is Kind.TRUE_FALSE:
        said |= {"correct": told["correct"]}
        said |= {name: _squeezed(told[name]) for name in ("feedback_true", "feedback_false")}
    return said


def _as_we_say(question: ForeignQuestion) -> dict[str, Any]:
    names = ("type", "title", "stem", "text_format", "general_feedback", "id", "tags")
    said = {name: getattr(question, name) for name in names}
    said |= {name: _squeezed(said[name]) for name in ("title", "stem", "general_feedback")} | {"tags": [*question.tags]}
    for each in (*question.choices, *question.answers):
        is_number = isinstance(each, ForeignAnswer) and each.value is not None
        what: Any = (_number(each.value), _number(each.tolerance)) if is_number else _squeezed(each.text)
        said.setdefault("answers", []).append((what, float(each.fraction / 100), _squeezed(each.feedback)))
    if question.pairs:
        said["pairs"] = [(_squeezed(left), _squeezed(right)) for left, right in question.pairs]
    if question.type is Kind.TRUE_FALSE:
        said |= {name: getattr(question, name) for name in ("correct", "feedback_true", "feedback_false")}
    return said


def _number(text: str | float) -> Any:
    # Moodle computes the middle of a range with floating-point numbers.
    return text if text in ("*", "") else pytest.approx(float(text))


@pytest.mark.parametrize("path", FILES)
def test_real_files_are_read_as_moodle_reads_them(path: str) -> None:
    told = _oracle(path)
    reading = FORMAT.read(material(f"qbanks/{path}").read_bytes())
    assert len(reading.refused) == len(told["errors"])
    questions = [each for each in told["questions"] if each["type"] != "category"]
    assert [_as_we_say(question) for question in reading.questions] == [_as_moodle_says(each) for each in questions]


def _oracle(path: str) -> dict[str, Any]:
    folder, _stroke, name = path.rpartition("/")
    told: dict[str, Any] = json.loads(
        material(f"qbanks/oracle/{folder.replace('/', '_')}__{name}.json").read_text(encoding="utf-8")
    )
    return told


def test_the_real_files_are_all_of_them() -> None:
    folder = material("qbanks")
    found = {
        str(file.relative_to(folder))
        for file in folder.glob("gift-*/**/*")
        if file.suffix in (".gift", ".txt") and file.is_file()
    }
    assert found == set(FILES)


# --- rules over which implementers trip --------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("Who?{~A =B}", {"type": "single_choice"}, id="one right choice"),
        pytest.param("Who?{~%50%A ~%50%B}", {"type": "multiple_choice"}, id="without = several are right"),
        pytest.param("Who?{~%100%A ~B}", {"type": "multiple_choice"}, id="even with one of them"),
        pytest.param("Who?{=A =B ~C}", {"type": "single_choice"}, id="several = are one of them"),
        pytest.param("Is it?{TRUE}", {"type": "true_false", "correct": True}, id="TRUE"),
        pytest.param("Is it?{F}", {"type": "true_false", "correct": False}, id="F"),
        pytest.param("Is it?{true}", {"type": "short_answer"}, id="only upper case is true or false"),
        pytest.param("Is it?{=T}", {"type": "short_answer"}, id="=T is a short answer"),
        pytest.param("Who?{A}", {"type": "short_answer"}, id="a short answer needs no ="),
        pytest.param("Write.{}", {"type": "free_text"}, id="empty braces"),
        pytest.param("Write.{\n// nobody\n}", {"type": "free_text"}, id="a comment between braces"),
        pytest.param("Read.", {"type": "description", "stem": "Read."}, id="no braces"),
        pytest.param("A {~a =b} c.", {"stem": "A _____ c."}, id="missing word"),
        pytest.param("A {=b}.", {"stem": "A _____."}, id="a full stop after the braces"),
        pytest.param("A {=b} {=c}", {"stem": "A  {=c}"}, id="the first braces count"),
        pytest.param("A {\n=b\n}", {"stem": "A"}, id="braces over lines"),
        pytest.param("::Name:: A{T}", {"title": "Name", "stem": "A"}, id="title"),
        pytest.param("::A\\:\\:B:: C{T}", {"title": "A::B"}, id="escaped signs in a title"),
        pytest.param("::<b>Bold</b> & 1 < 2::C{T}", {"title": "Bold & 1 < 2"}, id="tags in a title"),
        pytest.param("::x A{T}", {"title": "x A", "stem": "x A"}, id="a title that does not end"),
        pytest.param("::::A{T}", {"title": "", "stem": "A"}, id="an empty title"),
        pytest.param("{T}", {"title": "Question name", "stem": ""}, id="neither title nor text"),
        pytest.param("w" * 90 + "{T}", {"title": "w" * 77 + "..."}, id="a title from a long text"),
        pytest.param("[html]<p>Is\nit?</p>{T}", {"title": "Is\nit?", "text_format": "html"}, id="a title from HTML"),
        pytest.param("::" + "w" * 300 + "::A{T}", {"title": "w" * 248 + "..."}, id="a long title"),
        pytest.param("[markdown]**A**{T}", {"stem": "**A**", "text_format": "markdown"}, id="format of the text"),
        pytest.param("A [html]{T}", {"stem": "A [html]", "text_format": "moodle"}, id="not at its start"),
        pytest.param("[HTML]A{T}", {"stem": "[HTML]A", "text_format": "moodle"}, id="not a name that is none"),
        pytest.param("A\\{\\}\\~\\=\\#\\:\\\\ \\x{T}", {"stem": "A{}~=#:\\ \\x"}, id="escapes"),
        pytest.param("A\\\\n\\nB{T}", {"stem": "A\\n\nB"}, id="an escaped line end, and an escaped backslash"),
        pytest.param("Ａ：＝～＃｛｝{T}", {"stem": "Ａ：＝～＃｛｝"}, id="full-width signs are text"),
        pytest.param("https://a.example // b{T}", {"stem": "https://a.example // b"}, id="// in a line is text"),
        pytest.param("  // no\nA{T}", {"stem": "A"}, id="// at its start is a comment"),
        pytest.param("A\n//no\nB{T}", {"stem": "A\nB"}, id="a comment within a text"),
        pytest.param("  A  \n\t B\t{T}", {"stem": "A\nB"}, id="lines are trimmed"),
        pytest.param("&amp; <b>é</b> &&058;{T}", {"stem": "&amp; <b>é</b> &&058;"}, id="HTML stays as it is"),
        pytest.param("A{T####Because.}", {"general_feedback": "Because."}, id="general feedback"),
        pytest.param("A{####[html]B}", {"type": "free_text", "general_feedback": "B"}, id="of a free text"),
        pytest.param("A{T#w####a####b}", {"general_feedback": "b"}, id="the last four hashes count"),
        pytest.param("A{T#w#r}", {"feedback_true": "r", "feedback_false": "w"}, id="wrong first, then right"),
        pytest.param("A{F#w#r}", {"feedback_true": "w", "feedback_false": "r"}, id="of false"),
        pytest.param("A{F#w#r#s}", {"feedback_false": "r#s"}, id="a third hash is text"),
        pytest.param("A{=a->b =c->d}", {"type": "matching", "pairs": (("a", "b"), ("c", "d"))}, id="matching"),
        pytest.param("A{=a->b#f = -> d}", {"pairs": (("a", "b#f"), ("", "d"))}, id="no feedback in a matching"),
        pytest.param("A{a->b}", {"type": "short_answer"}, id="without = it is no matching"),
        pytest.param("A{~a->b =c->d}", {"type": "single_choice"}, id="with ~ it is no matching"),
        pytest.param("// [id:x\\]y] [tag: a ] [tag:b c]\nA{T}", {"id": "x]y", "tags": ("a", "b c")}, id="marks"),
        pytest.param("A{T\n// [tag:a][tag:a]\n}", {"tags": ("a",)}, id="marks in any comment of the question"),
        pytest.param("// [tag:<b>] [tag:] [id:a\tb] [id:c]\nA{T}", {"tags": (), "id": "c"}, id="no marks"),
        pytest.param("// [id:x]\n\nA{T}", {"id": ""}, id="a comment of its own belongs to no question"),
        pytest.param("$CATEGORY: $course$/top/A/B\n\nA{T}", {"category": "A/B"}, id="category from the top"),
        pytest.param("$CATEGORY: A / B//C \n\nA{T}", {"category": "A/B//C"}, id="category as of old"),
        pytest.param("$CATEGORY: $system$/top\n\nA{T}", {"category": ""}, id="the top category"),
        pytest.param("$CATEGORY: A\\:B\n\nA{T}", {"category": "A:B"}, id="escapes in a category"),
        pytest.param("$category: A", {"type": "description"}, id="$CATEGORY is written in upper case"),
        pytest.param("\ufeffA{T}", {"stem": "A"}, id="mark of byte order"),
        pytest.param("A\r\n{T}\r\n", {"stem": "A"}, id="line ends of Windows"),
        pytest.param("A\r\r\n{T}\r\r\n", {"stem": "A"}, id="line ends that were converted twice"),
        pytest.param("// no\rA\r{T}\r", {"stem": "A"}, id="line ends of old Macintoshes"),
        pytest.param("A\0B{T}", {"stem": "AB"}, id="what no database takes"),
        pytest.param("\u3000A\u3000{T}", {"stem": "\u3000A\u3000"}, id="full-width space is not trimmed"),
        pytest.param("A{>2 ALL VERTICAL ABS\nb\\:\nc\n}", {"type": "ordering"}, id="ordering"),
        pytest.param("A{>5}", {"type": "short_answer"}, id="no ordering"),
        pytest.param("A{>2 b\nc\nd}", {"type": "short_answer"}, id="no words of an ordering"),
    ],
)
def test_a_question_says_what_it_says_in_moodle(text: str, said: dict[str, Any]) -> None:
    question = one(text)
    assert {name: getattr(question, name) for name in said} == said


@pytest.mark.parametrize(
    ("text", "choices"),
    [
        ("A{=a#good ~b # [html]bad}", [("a", 100, "good"), ("b", 0, "bad")]),
        (
            "A{~%33.33333%a ~%33.333%b ~%-50%c}",
            [("a", Fraction(100, 3), ""), ("b", Fraction("33.333"), ""), ("c", -50, "")],
        ),
        ("A{=%50%a ~b}", [("%50%a", 100, ""), ("b", 0, "")]),
        ("A{~%+50%a ~%.5%b ~%5.%c}", [("%+50%a", 0, ""), ("%.5%b", 0, ""), ("c", 5, "")]),
        ("A{x ~a =b}", [("x", 0, ""), ("a", 0, ""), ("b", 100, "")]),
        ("A{0 ~a =b}", [("a", 0, ""), ("b", 100, "")]),
        ("A{~ =#b}", [("", 0, ""), ("", 100, "b")]),
        ("A{=a#1 \\= 1 ~b#1 = 1}", [("a", 100, "1 = 1"), ("b", 0, "1"), ("1", 100, "")]),
    ],
)
def test_choices_have_their_worth_and_feedback(text: str, choices: list[tuple[str, Any, str]]) -> None:
    assert [(each.text, each.fraction, each.feedback) for each in one(text).choices] == choices


@pytest.mark.parametrize(
    ("text", "answers"),
    [
        ("A{=a =%50%b#half =%0%*}", [("a", 100, ""), ("b", 50, "half"), ("*", 0, "")]),
        ("A{=0}", [("0", 100, "")]),
        ("A{= =b}", [("", 100, ""), ("b", 100, "")]),
        ("A{%50%b}", [("b", 50, "")]),
        ("A{=\\=b\\#}", [("=b#", 100, "")]),
    ],
)
def test_short_answers_have_their_worth_and_feedback(text: str, answers: list[tuple[str, Any, str]]) -> None:
    question = one(text)
    assert question.type is Kind.SHORT_ANSWER
    assert [(each.text, each.fraction, each.feedback) for each in question.answers] == answers


@pytest.mark.parametrize(
    ("text", "answers"),
    [
        ("A{#3}", [("3", "0", 100)]),
        ("A{#3:2}", [("3", "2", 100)]),
        ("A{#3\\:2}", [("3", "2", 100)]),
        ("A{# -3.50 : .25 }", [("-3.50", ".25", 100)]),
        ("A{#1..5}", [("3", "2", 100)]),
        ("A{#-1 .. 2}", [("0.5", "1.5", 100)]),
        ("A{#3.141..3.142}", [("3.1415", "0.0005", 100)]),
        ("A{#5..1}", [("3", "2", 100)]),
        ("A{#2e3:1E-2}", [("2000", "0.01", 100)]),
        ("A{#=1822:0 =%50%1822:2 ~#no}", [("1822", "0", 100), ("1822", "2", 50), ("*", "", 0)]),
        ("A{#3 ~}", [("3", "0", 100), ("*", "", 0)]),
        ("A{#*}", [("*", "0", 100)]),
        ("A{#=%50%*:5}", [("*", "5", 50)]),
        ("A{#=0}", [("0", "0", 100)]),
        ("A{#1,5}", [("*", "0", 100)]),
    ],
)
def test_numbers_have_their_tolerance_and_worth(text: str, answers: list[tuple[str, str, Any]]) -> None:
    question = one(text)
    assert question.type is Kind.NUMERIC
    assert [(each.value, each.tolerance, each.fraction) for each in question.answers] == answers


def test_an_ordering_keeps_its_items_in_the_right_order() -> None:
    question = one("::O::Sort{>3 ALL VERTICAL ABSOLUTE_POSITION SHOW none\nb\\:c\na = d\n\\{e\\}\n####So.}")
    assert [each.text for each in question.choices] == ["b:c", "a = d", "{e}"]
    assert question.general_feedback == "So."
    assert question.losses == ()


@pytest.mark.parametrize(
    ("text", "losses"),
    [
        ("[html]A{~b =[plain]c}", ["that some of its texts are in another markup than its stem"]),
        ("[html]A{~b =[html]c}", []),
        ("A{#1,5}", ["“1,5”, which is no number: as in Moodle, any number is this answer"]),
        ("A{#1..5 cm}", ["“cm” behind a number"]),
        ("A{#3:-1}", ["the minus before a tolerance"]),
        ("A{#5..1}", ["the minus before a tolerance"]),
        ("A{>2 RANDOM V RELATIVE\nb\nc}", ["that only some of its items are shown", "how its order is marked"]),
    ],
)
def test_what_is_not_as_it_seems_is_told_beside_the_question(text: str, losses: list[str]) -> None:
    assert list(one(text).losses) == losses


def test_the_category_holds_until_the_next_one() -> None:
    text = "A{T}\n\n// here\n$CATEGORY: $course$/top/B\n\nC{T}\n\nD{T}\n\n$CATEGORY: $course$/top\n\nE{T}\n"
    assert [question.category for question in read(text)] == ["", "B", "B", ""]


def test_each_question_knows_the_line_on_which_it_begins() -> None:
    text = "// a comment\n\n// [tag:x]\n\n// of A\nA{T}\n\n\n::B::\nB{\n}\n\nC"
    assert [question.line for question in read(text)] == [6, 9, 13]


# --- what is refused ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("A\nB {=c", 2, "never closed"),
        ("A\nB =c}", 2, "closes nothing"),
        ("A {\n~b\n\n=c\n}", 1, "A blank line ends a question"),
        ("A {\n~b\n0\n=c\n}", 1, "A blank line ends a question"),
        ("A }\nB {=c}", 1, "before the first {"),
        ("A{~b}", 1, "at least two choices"),
        ("A\n{\n~}", 3, "at least two choices"),
        ("A{0}", 1, "{=0}"),
        ("A{\n#\n}", 2, "{#=0}"),
        ("A{#0}", 1, "{#=0}"),
        ("A{#~#no}", 1, "{#=0}"),
        ("A{#\n=3\n=4:x}", 3, "“x” is no tolerance"),
        ("A{#3:}", 1, "no tolerance"),
        ("A{#1..b}", 1, "“b” is no number"),
        ("A{#" + "1" * 70 + "}", 1, "too long"),
        ("A{#1e99999}", 1, "too long"),
        ("A{=a->b}", 1, "at least two pairs"),
        ("A{=a->b\n=c->d\n\t=e}", 3, "no -> in “e”"),
        ("A{~%--5%b\n=c}", 1, "no percentage"),
        ("A{=c\n~%99999999999999%b}", 2, "no percentage"),
        ("$CATEGORY: A\n// and\nB{T}", 3, "After $CATEGORY"),
        ("A{~" + "~b" * 300 + "}", 1, "more than 200"),
        ("x" * 70_000 + "{T}", 1, "longer than"),
        ("A{=b\n=" + "x" * 70_000 + "}", 2, "longer than"),
        ("A\n{" + ("~" + "\\:" * 3_000) * 190 + "}\nB", 1, "longer than"),
        ("A{=b->c\n=d->" + "x" * 70_000 + "}", 2, "longer than"),
        ("A{T\n####" + "x" * 70_000 + "}", 2, "longer than"),
    ],
)
def test_what_is_wrong_is_refused_by_its_line_and_the_rest_is_taken(text: str, line: int, reason: str) -> None:
    reading = FORMAT.read(f"Before{{T}}\n\n{text}\n\nAfter{{T}}\n".encode())
    assert reading.refused[0].line == line + 2
    assert reason in reading.refused[0].reason
    assert [question.stem for question in reading.questions] == ["Before", "After"]


@pytest.mark.parametrize(("encoding", "line"), [("latin-1", 3), ("cp1252", 3), ("euc_jp", 3)])
def test_what_is_no_utf8_is_refused_by_the_line_where_it_shows_and_never_garbled(encoding: str, line: int) -> None:
    text = "A{T}\n\nどれ？{T}\n" if encoding == "euc_jp" else "A{T}\n\nHammarskjöld?{T}\n"
    reading = FORMAT.read(text.encode(encoding))
    assert reading.questions == ()
    assert [refused.line for refused in reading.refused] == [line]


@pytest.mark.parametrize("encoding", ["cp932", "utf-16"])
def test_japanese_text_of_windows_is_read_as_what_it_is(encoding: str) -> None:
    # The second byte of 表 in Shift_JIS is a backslash.
    (question,) = FORMAT.read("表示は必要ですか？ {T}\n".encode(encoding)).questions
    assert question.stem == "表示は必要ですか？"


def test_a_question_without_a_title_is_named_in_the_language_of_its_reader() -> None:
    with force_locale("ja"):
        assert one("{T}").title == "設問名"
        assert FORMAT.read(b"A{").refused[0].reason.startswith("ここの {")


# --- writing --------------------------------------------------------------------------------------------


def _single(**more: Any) -> ForeignQuestion:
    choices = (ForeignChoice("a", FULL), ForeignChoice("b"))
    return ForeignQuestion(Kind.SINGLE_CHOICE, "T", "Q", TextFormat.MOODLE, choices=choices, **more)


def test_what_is_written_looks_as_moodle_writes_it() -> None:
    question = _single(id="7", tags=("x", "y"), category="A/B", general_feedback="So.")
    question = replace(question, choices=(ForeignChoice("a: 1", FULL, "yes"), ForeignChoice("b", Fraction(-100, 3))))
    text = ForeignQuestion(Kind.FREE_TEXT, "W", "Write\nit.", TextFormat.HTML, category="A/B")
    writing = FORMAT.write([question, text])
    assert writing.losses == ()
    assert writing.data.decode() == (
        "$CATEGORY: $course$/top/A/B\n\n"
        "// [id:7] [tag:x] [tag:y]\n"
        "::T::Q{\n\t=a\\: 1#yes\n\t~%-33.33333%b\n\t####So.\n}\n\n"
        "::W::[html]Write\\nit.{}\n"
    )


def test_categories_are_written_where_they_change() -> None:
    questions = [_single(category=each) for each in ("", "A", "A", "B\\:/C//D", "")]
    writing = FORMAT.write(questions)
    assert writing.losses == ()
    assert writing.data.decode().count("$CATEGORY") == 4
    assert [question.category for question in FORMAT.read(writing.data).questions] == ["", "A", "A", "B\\:/C//D", ""]
    assert b"$CATEGORY" not in FORMAT.write([_single()]).data


@pytest.mark.parametrize(
    ("question", "losses"),
    [
        (_single(points=Fraction(2)), ["its points: 2 → 1"]),
        (_single(shuffle=False), ["whether its choices are shuffled"]),
        (_single(id="a\nb", tags=("a<b", "c")), ["its tags: “a<b, c” → “c”", "its id"]),
        (_single(id="a\\", tags=("c",)), ["its id"]),
        (_single(category=" A"), ["its category"]),
        (replace(_single(), title="<b>T</b>"), ["its title: “<b>T</b>” → “T”"]),
        (replace(_single(), stem="Q\r\n"), ["its text as it is written"]),
        (replace(_single(), stem="\ud800"), ["its text as it is written"]),
        (
            ForeignQuestion(Kind.SHORT_ANSWER, "T", "Q", answers=(ForeignAnswer("a"),), case_sensitive=True),
            ["whether upper and lower case differ"],
        ),
        (
            ForeignQuestion(
                Kind.NUMERIC, "T", "Q", answers=(ForeignAnswer(value="3", tolerance="0"),), units=(("m", "1"),)
            ),
            ["its units"],
        ),
        (
            ForeignQuestion(Kind.FREE_TEXT, "T", "Q", template="I", marking_notes="M"),
            ["the template of the answer", "the notes for its marker"],
        ),
        (ForeignQuestion(Kind.DESCRIPTION, "T", "Q", general_feedback="F"), ["its general feedback"]),
    ],
)
def test_what_the_format_cannot_say_is_reported(question: ForeignQuestion, losses: list[str]) -> None:
    writing = FORMAT.write([question])
    assert [loss.what for loss in writing.losses] == losses
    assert not any(loss.is_refused for loss in writing.losses)


@pytest.mark.parametrize(
    "question",
    [
        ForeignQuestion(Kind.GAP, "T", "Q [[1]]", gaps=(ForeignGap(answers=(ForeignAnswer("a"),)),)),
        ForeignQuestion(Kind.CASE, "T", "Q"),
        ForeignQuestion(Kind.MATCHING, "T", "Q", pairs=(("a", "b"),)),
        ForeignQuestion(Kind.SHORT_ANSWER, "T", "Q"),
        ForeignQuestion(Kind.SHORT_ANSWER, "T", "Q", answers=(ForeignAnswer("a->b"), ForeignAnswer("c"))),
        ForeignQuestion(Kind.NUMERIC, "T", "Q", answers=(ForeignAnswer(value="1,5"),)),
        ForeignQuestion(Kind.NUMERIC, "T", "Q"),
        ForeignQuestion(Kind.NUMERIC, "T", "Q", answers=(ForeignAnswer("3"),)),
        ForeignQuestion(Kind.ORDERING, "T", "Q", choices=(ForeignChoice("// a"), ForeignChoice("b"))),
        replace(_single(), choices=(ForeignChoice("a"), ForeignChoice("b"))),
        replace(_single(), stem="x" * 70_000),
    ],
)
def test_what_the_format_cannot_hold_is_left_out_and_the_rest_is_written(question: ForeignQuestion) -> None:
    writing = FORMAT.write([_single(), question, _single()])
    assert [(loss.place, loss.is_refused) for loss in writing.losses] == [(1, True)]
    assert len(FORMAT.read(writing.data).questions) == 2


def test_a_short_answer_with_an_arrow_stays_one() -> None:
    question = ForeignQuestion(Kind.SHORT_ANSWER, "T", "Q", answers=(ForeignAnswer("a->b", feedback="="),))
    writing = FORMAT.write([question])
    assert writing.losses == ()
    assert FORMAT.read(writing.data).questions == (question,)


# Signs and pieces that mean something to the format, or nearly.
PIECES = (
    *"{}~=#:\\[]%*<>'\"/&$Tn0 \n\t\u3000あ。：＝～＃｛｝é",
    *("->", "####", "::", "//", "[html]", "[moodle]", "[x]", "%50%", "%", "..", "1:2", "TRUE", "\\n", "\\\\", "\n\n"),
    *(
        "_____",
        "$CATEGORY:",
        "[tag:a]",
        "word",
        "&&058;",
        "<b>",
        ">2",
        "\r",
        "\r\n",
        "\0",
        "\v",
        "\u2028",
        "\ufeff",
        "𠮷",
    ),
)
nasty = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)
weights = st.sampled_from(
    [FULL, Fraction(0), Fraction(50), Fraction(100, 3), Fraction(-50), Fraction("12.5"), Fraction(1, 7)]
)


def _settled(text: str) -> str:
    """Return a text that GIFT can hold as it is."""
    return text.replace("\r", "").replace("\0", "").strip(" \t\n\r\v")


def _questions(
    texts: st.SearchStrategy[str], *, titles: st.SearchStrategy[str], arrowless: Callable[[str], str], **rest: Any
) -> st.SearchStrategy[ForeignQuestion]:
    """Return questions of every type that GIFT has."""
    choice = st.builds(ForeignChoice, texts, weights, texts)
    right = st.builds(ForeignChoice, texts, st.just(FULL), texts)
    answer = st.builds(
        lambda text, weight, said: ForeignAnswer(text=arrowless(text), fraction=weight, feedback=arrowless(said)),
        texts,
        weights,
        texts,
    )
    number = st.builds(
        lambda value, tolerance, weight, said: ForeignAnswer(
            value=value, tolerance=tolerance, fraction=weight, feedback=said
        ),
        st.sampled_from(["3", "-1.50", ".5", "*"]),
        st.sampled_from(["0", "2", "0.001"]),
        weights,
        texts,
    )
    wrong = st.builds(lambda said: ForeignAnswer(value="*", fraction=Fraction(0), feedback=said), texts)
    item = texts.map(lambda text: ForeignChoice("i" + text))
    more: dict[str, Any] = {
        "title": titles,
        "stem": texts,
        "text_format": st.sampled_from(TextFormat),
        "tags": st.sampled_from([(), ("a",), ("b c", "d]")]),
        "id": st.sampled_from(["", "7", "a]b"]),
        "category": st.sampled_from(["", "A", "A/B c", "A//B"]),
        **rest,
    }
    answered = more | {"general_feedback": texts}

    def of(kind: Kind, **fields: Any) -> st.SearchStrategy[ForeignQuestion]:
        return st.builds(ForeignQuestion, st.just(kind), **fields)

    return st.one_of(
        of(Kind.DESCRIPTION, **more),
        of(Kind.FREE_TEXT, **answered),
        of(Kind.TRUE_FALSE, correct=st.booleans(), feedback_true=texts, feedback_false=texts, **answered),
        of(Kind.SINGLE_CHOICE, choices=st.tuples(choice, right) | st.tuples(right, choice, choice), **answered),
        of(Kind.MULTIPLE_CHOICE, choices=st.lists(choice, min_size=2, max_size=4).map(tuple), **answered),
        of(Kind.SHORT_ANSWER, answers=st.lists(answer, min_size=1, max_size=3).map(tuple), **answered),
        of(Kind.NUMERIC, answers=st.tuples(number) | st.tuples(number, number, wrong), **answered),
        of(
            Kind.MATCHING,
            pairs=st.lists(st.tuples(texts.map(arrowless), texts), min_size=2, max_size=3).map(tuple),
            **answered,
        ),
        of(Kind.ORDERING, choices=st.lists(item, min_size=2, max_size=3).map(tuple), **answered),
    )


@given(st.lists(_questions(nasty, titles=nasty, arrowless=lambda text: text), max_size=3))
@settings(max_examples=examples(150))
def test_what_was_written_is_read_again_but_for_the_losses_that_are_reported(questions: list[ForeignQuestion]) -> None:
    writing = FORMAT.write(questions)
    refused = {loss.place for loss in writing.losses if loss.is_refused}
    back = FORMAT.read(writing.data)
    assert back.refused == ()
    kept = [place for place in range(len(questions)) if place not in refused]
    found = [
        (place, what)
        for place, after in zip(kept, back.questions, strict=True)
        for what in lost(questions[place], after)
    ]
    assert [(loss.place, loss.what) for loss in writing.losses if not loss.is_refused] == found


@given(
    st.lists(
        _questions(
            nasty.map(_settled),
            titles=nasty.map(lambda text: _settled(text.replace("<", ""))),
            arrowless=lambda text: _settled(text.replace("->", "")).replace("->", ""),
        ),
        min_size=1,
        max_size=3,
    )
)
@settings(max_examples=examples(150))
@example([ForeignQuestion(Kind.SHORT_ANSWER, "T", "Q", answers=(ForeignAnswer("%50%T"),))])
@example([ForeignQuestion(Kind.SINGLE_CHOICE, "T", "Q", choices=(ForeignChoice("a", FULL), ForeignChoice("b", FULL)))])
def test_what_the_format_can_say_is_never_lost(questions: list[ForeignQuestion]) -> None:
    writing = FORMAT.write(questions)
    assert writing.losses == ()
    assert list(FORMAT.read(writing.data).questions) == questions


def test_what_moodle_wrote_is_written_again_without_loss() -> None:
    for path in FILES:
        questions = FORMAT.read(material(f"qbanks/{path}").read_bytes()).questions
        writing = FORMAT.write(questions)
        assert writing.losses == ()
        assert FORMAT.read(writing.data).questions == questions


# --- hostile files ----------------------------------------------------------------------------------------


def test_broken_files_are_read_or_refused_and_never_fail() -> None:
    whole = [material(f"qbanks/{path}").read_bytes() for path in FILES]
    chance = random.Random(20261128)  # the same files at each run
    pieces = [piece.encode("utf-8", "replace") for piece in PIECES] + [b"\xff", b"\xe3\x81", b"{", b"}", b"\n\n"]
    for _number in range(examples(300)):
        data = bytearray(chance.choice(whole))
        for _change in range(chance.randint(1, 8)):
            at = chance.randrange(len(data) + 1)
            to = min(len(data), at + chance.randint(1, 60))
            match chance.randrange(4):
                case 0:
                    del data[at:to]
                case 1:
                    data[at:at] = data[at:to] * 2
                case 2:
                    data[at:at] = chance.choice(pieces)
                case _:
                    data[at:to] = bytes(reversed(data[at:to]))
        reading = FORMAT.read(bytes(data))
        lines = data.count(b"\n") + data.count(b"\r") + 1
        assert all(1 <= refused.line <= lines and refused.reason for refused in reading.refused)
        assert FORMAT.read(FORMAT.write(reading.questions).data).refused == ()


LARGE = ("\n", "a{T}\n\n", "\\:")
SMALLER = ("}\n\n", "{", "a{~", "=", "<", "// [id:", "//[tag:a\\]", "$CATEGORY: a/\n\n", "a{#1..1", "[html]", "a\r")


@pytest.mark.parametrize("piece", [*LARGE, *SMALLER])
def test_a_large_file_of_one_piece_is_read_in_a_moment(piece: str) -> None:
    length = MAX_BYTES // 4 if piece in LARGE else MAX_BYTES // 20
    data = (piece * (length // len(piece))).encode()
    began = time.process_time()
    reading = FORMAT.read(data)
    assert time.process_time() - began < (8 if piece in LARGE else 3)
    assert len(reading.questions) <= MAX_QUESTIONS
    assert len(reading.refused) <= 1_001


@pytest.mark.parametrize(
    "block", ["q{" + "=a->b" * 190 + "}\n\n", "<" * 60_000 + "{T}\n\n", "q{#=" + "1" * 50 + "..2}\n\n"]
)
def test_many_answers_and_texts_at_their_limit_are_read_in_a_moment(block: str) -> None:
    data = (block * (MAX_BYTES // len(block) // 32)).encode()
    began = time.process_time()
    FORMAT.read(data)
    assert time.process_time() - began < 3


def test_what_is_too_large_is_refused_whole() -> None:
    reading = read_file("gift", b"a" * (MAX_BYTES + 1))
    assert [refused.line for refused in reading.refused] == [0]


# --- the commands ------------------------------------------------------------------------------------------


def test_the_commands_read_and_write_the_same(app: Flask, tmp_path: Path) -> None:
    source = tmp_path / "bank.gift"
    source.write_text("::T::Q{=a#yes ~%33.33333%b}\n\n::N::Q{#3:2}\n\n::B::broken {\n", encoding="utf-8")
    run = app.test_cli_runner().invoke
    printed = json.loads(run(args=["quizzes", "read", str(source), "--format", "gift", "--json"]).output)
    single, numeric = printed["questions"]
    assert single["choices"][0] == {"text": "a", "fraction": 100, "feedback": "yes"}
    assert numeric["answers"] == [{"value": "3", "tolerance": "2", "fraction": 100, "feedback": ""}]
    assert [refused["line"] for refused in printed["refused"]] == [5]
    (tmp_path / "bank.json").write_text(json.dumps(printed), encoding="utf-8")
    target = tmp_path / "again.gift"
    written = run(args=["quizzes", "write", str(tmp_path / "bank.json"), "--format", "gift", "--output", str(target)])
    assert written.exit_code == 0
    assert written.output == ""
    again = json.loads(run(args=["quizzes", "read", str(target), "--format", "gift", "--json"]).output)
    assert [each | {"line": 0} for each in again["questions"]] == [each | {"line": 0} for each in printed["questions"]]

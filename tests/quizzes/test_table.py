"""Tables of questions: what an author types into a spreadsheet is taken, and whatever a question holds comes back."""

from __future__ import annotations

import io
import random
import time
import zipfile
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import openpyxl
import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.core.i18n import force_locale
from portal.quizzes.formats import foreign
from portal.quizzes.formats.interchange import (
    FULL,
    ForeignAnswer,
    ForeignChoice,
    ForeignGap,
    ForeignPart,
    ForeignQuestion,
    Format,
    Kind,
    Reading,
    TextFormat,
)
from portal.quizzes.formats.losses import lost
from portal.quizzes.formats.table import COLUMNS, FORMAT, KINDS, WORKBOOK
from tests.quizzes.foreign_questions import questions
from tests.volume import examples

pytestmark = pytest.mark.any_database

C = ForeignChoice
FULL_MARKS = [
    ForeignQuestion(
        Kind.SINGLE_CHOICE,
        "Labels",
        "Which tier?",
        TextFormat.MARKDOWN,
        choices=(C("Low", Fraction(0), "=no"), C("High", FULL)),
        general_feedback="See\nthe policy.",
        tags=("tier", "a, b"),
        id="imp-001",
        category="Policies/Impersonation",
        points=Fraction(3, 2),
        shuffle=False,
        clauses=("impersonation#notice", "impersonation#scope"),
        document="impersonation",
        document_version="1.0",
        severity="S1",
        difficulty=2,
        state="draft",
    ),
    ForeignQuestion(
        Kind.MULTIPLE_CHOICE,
        "Several",
        "Which?",
        choices=(C("a", Fraction(100, 3)), C("b", Fraction(100, 3)), C("c", Fraction(100, 3)), C("d", Fraction(-1, 2))),
    ),
    ForeignQuestion(Kind.MULTIPLE_CHOICE, "All", "Which?", choices=(C("a", FULL), C("b")), all_or_nothing=True),
    ForeignQuestion(Kind.TRUE_FALSE, "Claim", "So?", correct=False, feedback_true="No.", feedback_false="Yes."),
    ForeignQuestion(
        Kind.SHORT_ANSWER,
        "Capital",
        "Where?",
        answers=(ForeignAnswer("C#"), ForeignAnswer("50% off", fraction=Fraction(50), feedback="a # b")),
        case_sensitive=True,
    ),
    ForeignQuestion(
        Kind.NUMERIC,
        "Mass",
        "How heavy?",
        answers=(
            ForeignAnswer(value="2.5", tolerance="0.1"),
            ForeignAnswer(value="2", tolerance="1", fraction=Fraction(50), feedback="Nearly."),
            ForeignAnswer(value="*", fraction=Fraction(0)),
        ),
        units=(("kg", "1"), ("g", "0.001")),
    ),
    ForeignQuestion(Kind.MATCHING, "Pairs", "Match", pairs=(("2+2", "=4"), ("b", "|"), ("", "none"))),
    ForeignQuestion(Kind.ORDERING, "Steps", "Order", choices=(C("first"), C("second", feedback="why"), C("third"))),
    ForeignQuestion(
        Kind.GAP,
        "Gaps",
        "A [[1]] b [[2]] c [[3]]",
        gaps=(
            ForeignGap(choices=(C("x", FULL), C("y", feedback="no")), points=Fraction(2)),
            ForeignGap(answers=(ForeignAnswer("Tokyo"), ForeignAnswer("東京")), case_sensitive=True),
            ForeignGap(answers=(ForeignAnswer(value="3", tolerance="0.5"),), is_numeric=True),
        ),
    ),
    ForeignQuestion(Kind.FREE_TEXT, "Essay", "Why?", template="Dear …", marking_notes="Two reasons."),
    ForeignQuestion(
        Kind.CASE,
        "Snail",
        "A parody.",
        parts=(
            ForeignPart("decision", "判断", (C("No action", FULL, "Label."), C("Notice")), Fraction(2), "All."),
            ForeignPart("severity", "Level", (C("S0", FULL), C("S1"))),
        ),
        points=Fraction(3),
    ),
    ForeignQuestion(Kind.DESCRIPTION, "Text", "Between questions."),
]


@pytest.fixture(autouse=True)
def _context(app: Flask) -> None:
    """Words of refusals need the application."""


def read(text: str) -> Reading:
    return FORMAT.read(text.encode())


def one(text: str) -> ForeignQuestion:
    reading = read(text)
    assert reading.refused == ()
    (question,) = reading.questions
    return question


def refusal(text: str) -> tuple[int, str]:
    reading = read(text)
    (refused,) = reading.refused
    return refused.line, refused.reason


# --- what authors type -------------------------------------------------------------------------


def test_twenty_single_choice_questions_need_five_columns() -> None:
    lines = ["設問文,選択肢1,選択肢2,選択肢3,正解"]
    lines += [f"設問{number}はどれですか。,削除する,通知を送る,何もしない,{'ABC'[number % 3]}" for number in range(20)]
    reading = FORMAT.read("\r\n".join(lines).encode("cp932"))
    assert reading.refused == ()
    assert len(reading.questions) == 20
    second = reading.questions[1]
    assert (second.type, second.title, second.line) == (Kind.SINGLE_CHOICE, "設問1はどれですか。", 3)
    assert [each.fraction for each in second.choices] == [0, 100, 0]


def test_a_workbook_is_known_by_its_bytes_and_its_lines_are_the_rows_of_the_sheet() -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["Question", "Choice 1", "Choice 2", "Answer", "Fraction 1", "Fraction 2"])
    sheet.append([])
    sheet.append(["Which?", "Low", "High", "B"])
    sheet.append(["Which?", 1, 2, None, 0.5, 1])
    sheet.append(["Which?", "Low"])
    out = io.BytesIO()
    book.save(out)
    for each in (FORMAT, WORKBOOK):
        reading = each.read(out.getvalue())
        assert [(question.line, question.choices[1].fraction) for question in reading.questions] == [(3, 100), (4, 100)]
        assert [choice.text for choice in reading.questions[1].choices] == ["1", "2"]
        # What Excel keeps of “50%”.
        assert reading.questions[1].choices[0].fraction == 50
        assert [(refused.line, refused.reason) for refused in reading.refused] == [
            (5, "A question needs at least two choices.")
        ]


@pytest.mark.parametrize(
    ("right", "places"),
    [
        ("B", {1}),
        ("b", {1}),
        ("Ｂ", {1}),
        ("2", {1}),
        ("２", {1}),
        ("High", {1}),
        ("B|C", {1, 2}),
        ("B、C", {1, 2}),
        ("B; C", {1, 2}),
        ("BC", {1, 2}),
        ("Ｂ｜Ｃ", {1, 2}),
        ("1 3", {0, 2}),
    ],
)
def test_the_right_choice_is_named_by_letter_by_number_or_by_its_text(right: str, places: set[int]) -> None:
    question = one(f'stem,choice_1,choice_2,choice_3,right\nWhich?,Low,High,Top,"{right}"\n')
    share = FULL / len(places)
    assert [each.fraction for each in question.choices] == [share if place in places else 0 for place in range(3)]
    assert question.type is (Kind.SINGLE_CHOICE if len(places) == 1 else Kind.MULTIPLE_CHOICE)
    assert question.all_or_nothing is (len(places) > 1)


def test_wrong_choices_cost_as_much_as_right_ones_earn_where_marking_is_partial() -> None:
    question = one("stem,choice_1,choice_2,choice_3,right,marking\nWhich?,a,b,c,AB,partial\n")
    assert [each.fraction for each in question.choices] == [50, 50, -50]
    assert not question.all_or_nothing


def test_a_number_that_is_both_a_place_and_a_text_is_refused() -> None:
    assert "both the text of a choice" in refusal("stem,choice_1,choice_2,right\nHow many?,2,1,2\n")[1]
    question = one("stem,choice_1,choice_2,right\nHow many?,1,2,2\n")
    assert [each.fraction for each in question.choices] == [0, 100]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("stem,correct\nSo?,正\n", Kind.TRUE_FALSE),
        ("設問文,正誤\nそうですか。,×\n", Kind.TRUE_FALSE),
        ("stem,answer\nSo?,TRUE\n", Kind.TRUE_FALSE),
        ("stem,answers\nWhere?,Tokyo|東京\n", Kind.SHORT_ANSWER),
        ("stem,answer\nWhere?,Tokyo\n", Kind.SHORT_ANSWER),
        ("stem,answers,tolerance\nHow many?,12,1\n", Kind.NUMERIC),
        ("stem,pairs\nMatch,a = 1|b = 2\n", Kind.MATCHING),
        ("設問文,組合せ\n合わせてください。,a＝1｜b→2\n", Kind.MATCHING),
        ("stem,gap_1\nA [[1]],x\n", Kind.GAP),
        ("stem,part_1\nA,[decision] 100% x|y\n", Kind.CASE),
        ("種類,設問文\n自由記述,なぜですか。\n", Kind.FREE_TEXT),
        ("type,stem\nEssay,Why?\n", Kind.FREE_TEXT),
        ("type,stem,choice_1,choice_2\nordering,Order,a,b\n", Kind.ORDERING),
        ("type,stem\nDescription,Text\n", Kind.DESCRIPTION),
    ],
)
def test_what_is_filled_in_says_which_type_a_question_is(text: str, kind: Kind) -> None:
    assert one(text).type is kind


def test_several_answers_stand_in_one_cell_with_what_each_is_worth() -> None:
    cell = "Tokyo\n50% Edo # The old name.\n100% C#\nC:\\temp\n\\# sharp"
    answers = one(f'type,stem,answers\nshort_answer,Where?,"{cell}"\n').answers
    assert [(each.text, each.fraction, each.feedback) for each in answers] == [
        ("Tokyo", 100, ""),
        ("Edo", 50, "The old name."),
        ("C#", 100, ""),
        ("C:\\temp", 100, ""),
        ("# sharp", 100, ""),
    ]


def test_numbers_are_taken_as_a_japanese_keyboard_writes_them() -> None:
    answers = one("種類,設問文,解答,許容誤差\n数値,いくつですか。,１２|50％ １０±２|*,０．５\n").answers
    assert [(each.value, each.tolerance, each.fraction) for each in answers] == [
        ("12", "0.5", 100),
        ("10", "2", 50),
        ("*", "0.5", 100),
    ]


def test_every_heading_is_understood_in_both_languages_and_however_it_is_spaced() -> None:
    assert one("設問文,選択肢１,選択肢_2,正 解\nどれ,a,b,A\n") == one(
        "STEM,Choice-1,choice2,Right Answer\nどれ,a,b,A\n"
    )
    for column in COLUMNS:
        for heading in (column.heading.en, column.heading.ja, *column.also):
            names = f"{heading}1" if column.is_numbered else heading
            assert "not known" not in " ".join(each.reason for each in read(f"{names}\nx\n").refused), heading


def test_every_column_and_type_is_in_the_documentation() -> None:
    documentation = Path("docs/content-format.md").read_text(encoding="utf-8")
    documentation = documentation.partition("## Question files")[2].partition("\n## ")[0]
    for column in COLUMNS:
        number = "_1" if column.is_numbered else ""
        (row,) = [
            line
            for line in documentation.split("\n")
            if line.startswith("| `") and f"`{column.name}{number}`" in line.split(" | ")[0]
        ]
        assert column.heading.ja in row
    for kind, (words, _also) in KINDS.items():
        assert f"`{kind}` {words.ja}" in documentation.replace("\n", " ")


# --- what is refused ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("stem,choice_1,choice_2,right\nA,a,b,A\nB,a,b,\n", 3, "which choice is right"),
        ("stem,choice_1,choice_2,right\nB,a,b,C\n", 2, "“C” under “right” names no choice"),
        ("stem,choice_1,choice_2,right\nB,a,b,c and d\n", 2, "names no choice"),
        ("stem,choice_1,right\nB,a,A\n", 2, "at least two"),
        ("type,stem,choice_1,choice_2,right\nsingle,B,a,b,AB\n", 2, "More than one choice"),
        ("stem,choice_1,choice_2,feedback_2,right\nB,a,,why,A\n", 2, "Choice 2 has no text"),
        ("stem,choice_1,choice_2,fraction_1,right\nB,a,b,100,B\n", 2, "different things"),
        ("stem,choice_1,choice_2,fraction_1\nB,a,b,half\n", 2, "“half” under “fraction_1” is no number"),
        ("stem,choice_1,choice_2,fraction_1\nB,a,b,1/0\n", 2, "is no number"),
        ("stem,choice_1,choice_2,right\n,a,b,A\n", 2, "no text"),
        ("stem,title\nB,b\n", 2, "nor of which type"),
        ("type,stem\nhotspot,B\n", 2, "“hotspot” under “type” is not known"),
        ("type,stem\ntrue_false,B\n", 2, "whether the statement is true"),
        ("type,stem\nnumeric,B\n", 2, "no answer"),
        ("type,stem,answers\nnumeric,B,about 5\n", 2, "“about 5” under “answers” is no number"),
        ("type,stem,answers,tolerance\nnumeric,B,5,-1\n", 2, "“-1” under “tolerance” is no number"),
        ("type,stem\nmatching,B\n", 2, "no pairs"),
        ("stem,pairs\nB,a = b = c\n", 2, "“a = b = c” is no pair"),
        ("type,stem\ngap,B\n", 2, "no gaps"),
        ("stem,gap_2\nB,x\n", 2, "Gap 1 is missing"),
        ("stem,gap_1\nB,[radio] x\n", 2, "“radio” under “gap_1” is not known"),
        ("stem,gap_1\nB,[text points=x] x\n", 2, "“x” under “gap_1” is no number"),
        ("type,stem\ncase,B\n", 2, "no parts"),
        ("stem,part_1\nB,x\n", 2, "does not say what it is"),
        ("stem,choice_1,choice_2,right,points\nB,a,b,A,1e9\n", 2, "“1e9” under “points” is no number"),
        ("stem,choice_1,choice_2,right,severity\nB,a,b,A,S9\n", 2, "“S9” under “severity” is not known"),
        ("stem,choice_1,choice_2,right,difficulty\nB,a,b,A,6\n", 2, "“6” under “difficulty” is not known"),
        ("stem,choice_1,choice_2,right,shuffle\nB,a,b,A,perhaps\n", 2, "“perhaps” under “shuffle” is not known"),
        ("stem,correct\n" + "x" * 70_000 + ",yes\n", 2, "longer than"),
        ("stem,correct\nA,yes\nB,no,more\n", 3, "more cells (3)"),
        ('stem,correct\nA,yes\n"B" x,no\n', 3, "cannot be split"),
        ("choice_1,choice_2\na,b\n", 1, "No column holds the text"),
        ("\n\nstem,stem\na,b\n", 3, "appears twice"),
        ("", 0, "empty"),
    ],
)
def test_what_is_wrong_is_refused_by_the_number_of_its_row(text: str, line: int, reason: str) -> None:
    found = refusal(text)
    assert found[0] == line
    assert reason in found[1]


def test_a_row_that_cannot_be_taken_leaves_the_others() -> None:
    reading = read('stem,correct\nA,yes\nB,no,more\nC,perhaps\n"D" x,no\nE,no\n')
    assert [question.stem for question in reading.questions] == ["A", "E"]
    assert [refused.line for refused in reading.refused] == [3, 4, 5]


def test_columns_that_nobody_knows_are_named_and_so_is_what_is_left_out_of_each_question() -> None:
    reading = read("stem,correct,Author,statement\nA,yes,Mori,\nB,no,,\n")
    assert [(refused.line, "“Author”, “statement”" in refused.reason) for refused in reading.refused] == [(1, True)]
    assert [question.losses for question in reading.questions] == [("what stands in the column “Author”",), ()]


def test_the_end_of_a_long_title_is_a_loss() -> None:
    question = one("stem,title,correct\nA," + "t" * 300 + ",yes\n")
    assert len(question.title) == 255
    assert question.losses == ("the end of its title",)


@pytest.mark.parametrize("blank", ["\N{NO-BREAK SPACE}", "\N{IDEOGRAPHIC SPACE}", "\N{THIN SPACE}"])
def test_a_blank_that_was_written_on_purpose_stays_in_a_title(blank: str) -> None:
    assert one(f"stem,title,correct\nA,Part{blank}1  of  2,yes\n").title == f"Part{blank}1 of 2"


# --- what comes back ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["csv", "xlsx"])
@pytest.mark.parametrize("tag", ["en", "ja"])
def test_everything_that_a_question_holds_comes_back(name: str, tag: str) -> None:
    format_ = foreign.format_named(name)
    with force_locale(tag):
        writing = format_.write(FULL_MARKS)
        assert writing.losses == ()
        back = format_.read(writing.data)
    assert back.refused == ()
    assert list(back.questions) == FULL_MARKS


def test_a_simple_question_needs_few_columns_and_its_key_is_a_letter() -> None:
    question = ForeignQuestion(Kind.SINGLE_CHOICE, "T", "Which?", choices=(C("a"), C("b", FULL)))
    assert FORMAT.write([question]).data.decode("utf-8-sig") == (
        "type,title,stem,choice_1,choice_2,right\r\nsingle_choice,T,Which?,a,b,B\r\n"
    )
    with force_locale("ja"):
        assert FORMAT.write([question]).data.decode("utf-8-sig") == (
            "種類,題名,設問文,選択肢1,選択肢2,正答\r\n単一選択,T,Which?,a,b,B\r\n"
        )


def test_no_cell_begins_a_formula() -> None:
    question = ForeignQuestion(Kind.SINGLE_CHOICE, "=T", "@cmd", choices=(C("+a"), C("-b", FULL, "＝x")))
    writing = FORMAT.write([question])
    cells = writing.data.decode("utf-8-sig").splitlines()[1].split(",")
    assert [cell for cell in cells if cell[0] in "=+-@＝"] == []
    assert FORMAT.read(writing.data).questions == (question,)
    assert b"<f>" not in b"".join(
        zipfile.ZipFile(io.BytesIO(WORKBOOK.write([question]).data)).read(name) for name in ["xl/worksheets/sheet1.xml"]
    )


def check_round_trip(format_: Format, given_questions: list[ForeignQuestion]) -> None:
    writing = format_.write(given_questions)
    refused = {loss.place for loss in writing.losses if loss.is_refused}
    kept = [(place, question) for place, question in enumerate(given_questions) if place not in refused]
    back = format_.read(writing.data)
    assert back.refused == ()
    assert len(back.questions) == len(kept)
    told = [(loss.place, loss.what) for loss in writing.losses if not loss.is_refused]
    assert told == [
        (place, what)
        for (place, before), after in zip(kept, back.questions, strict=True)
        for what in lost(before, after)
    ]


@given(st.lists(questions(), max_size=2))
@settings(max_examples=examples(60))
def test_what_was_written_is_read_again_but_for_the_losses_that_are_reported(given_: list[ForeignQuestion]) -> None:
    check_round_trip(FORMAT, given_)


@given(st.lists(questions(), max_size=2))
@settings(max_examples=examples(15))
def test_a_workbook_gives_back_what_was_written_but_for_the_losses(given_: list[ForeignQuestion]) -> None:
    check_round_trip(WORKBOOK, given_)


clean = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"]), max_size=8)


@given(st.lists(st.tuples(clean, clean), min_size=1, max_size=3), st.lists(clean, min_size=1, max_size=3))
def test_signs_of_the_notation_are_ordinary_in_whatever_was_written(
    pairs: list[tuple[str, str]], texts: list[str]
) -> None:
    given_ = [
        ForeignQuestion(Kind.MATCHING, "t", "s", pairs=tuple(pairs)),
        ForeignQuestion(
            Kind.SHORT_ANSWER,
            "t",
            "s",
            answers=tuple(ForeignAnswer(text, fraction=Fraction(50), feedback=text) for text in texts),
        ),
        ForeignQuestion(Kind.GAP, "t", "s", gaps=(ForeignGap(choices=tuple(C(text, FULL, text) for text in texts)),)),
    ]
    writing = FORMAT.write(given_)
    assert writing.losses == ()
    assert list(FORMAT.read(writing.data).questions) == given_


def test_a_question_that_no_table_holds_is_refused_and_the_others_are_written() -> None:
    long = ForeignQuestion(Kind.DESCRIPTION, "t", "x" * 40_000)
    wide = ForeignQuestion(Kind.ORDERING, "t", "s", choices=tuple(C(str(number)) for number in range(199)))
    good = ForeignQuestion(Kind.DESCRIPTION, "t", "s")
    writing = WORKBOOK.write([long, good, wide])
    assert [(loss.place, loss.is_refused) for loss in writing.losses] == [(0, True), (2, True)]
    assert "32,766 characters" in writing.losses[0].what
    assert "200 columns" in writing.losses[1].what
    assert WORKBOOK.read(writing.data).questions == (good,)
    assert FORMAT.write([long]).losses == ()


# --- hostile files -----------------------------------------------------------------------------


def damaged(data: bytes, chance: random.Random) -> bytes:
    """Return a file with pieces cut out, doubled, moved, turned round or replaced."""
    for _round in range(chance.randint(1, 4)):
        start = chance.randint(0, len(data))
        end = min(len(data), start + chance.randint(0, 60))
        before, piece, after = data[:start], data[start:end], data[end:]
        sign = chance.choice([b'"', b",", b"\n", b"\\", b"|", b"[", b"\x00", b"\xff\xfe", chance.randbytes(4)])
        data = chance.choice(
            [
                before + after,
                before + piece + piece + after,
                after + before + piece,
                before + piece[::-1] + after,
                before + sign + after,
            ]
        )
    return data


@pytest.fixture(scope="module")
def whole_files() -> list[bytes]:
    return []


@given(st.integers(0, 1), st.integers(0, 2**32))
@settings(max_examples=examples(50))
def test_a_file_that_was_damaged_is_read_or_refused_and_never_an_exception(
    whole_files: list[bytes], which: int, seed: int
) -> None:
    if not whole_files:
        # Once: a workbook holds the moment of its making.
        whole_files += [FORMAT.write(FULL_MARKS).data, WORKBOOK.write(FULL_MARKS).data]
    format_, good = (FORMAT, WORKBOOK)[which], damaged(whole_files[which], random.Random(seed))
    reading = format_.read(good)
    for question in reading.questions:
        assert question.line > 0
    check_round_trip(FORMAT, list(reading.questions))


@pytest.mark.parametrize(
    "text",
    [
        'stem,answers\nA,"' + "\\" * 60_000 + '"\n',
        'stem,answers\nA,"' + "|" * 60_000 + '"\n',
        'stem,pairs\nA,"' + "a=b\n" * 15_000 + '"\n',
        'stem,answers\nA,"' + " #" * 30_000 + '"\n',
        "stem,tags,correct\n" + ('A,"' + ",".join(map(str, range(8_000))) + '",yes\n') * 100,
        "stem,gap_1\nA," + "[" * 60_000 + "\n",
        "stem," + ",".join(f"choice_{number}" for number in range(1, 150)) + "\n" + ("A" + ",b" * 149 + "\n") * 10_100,
        "stem,right,choice_1,choice_2\n" + ("A," + "1 " * 30_000 + ",a,b\n") * 60,
        '"' * 4_000_000,
        "stem,correct\n" + "\n" * 4_000_000,
        "," * 4_000_000,
    ],
)
def test_a_hostile_table_takes_no_longer_than_an_honest_one(text: str) -> None:
    started = time.process_time()
    FORMAT.read(text.encode())
    assert time.process_time() - started < 5


def test_a_list_of_too_many_items_is_refused() -> None:
    assert "more than 200" in refusal("stem,answers\nA," + "|".join("x" * 201) + "\n")[1]


def test_only_so_many_questions_are_taken() -> None:
    reading = read("stem,correct\n" + "A,yes\n" * 5_002)
    assert len(reading.questions) == 5_000
    assert [refused.line for refused in reading.refused] == [5_002]


def test_every_type_has_a_name_in_both_languages() -> None:
    assert set(KINDS) == set(Kind)
    for kind, (words, also) in KINDS.items():
        for name in (words.en, words.ja, *also):
            assert (
                read(f"type,stem\n{name},A\n").refused == () or "not known" not in refusal(f"type,stem\n{name},A\n")[1]
            ), kind


def test_losses_of_a_question_without_a_title_do_not_name_the_one_that_it_is_given() -> None:
    question = ForeignQuestion(Kind.DESCRIPTION, "", "Text")
    assert FORMAT.write([question]).losses == ()
    assert FORMAT.read(FORMAT.write([question]).data).questions == (replace(question, title="Text"),)

"""Aiken files: real ones are taken, wrong ones are refused by their line, and what cannot be written is said."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from portal.quizzes.formats.aiken import FORMAT
from portal.quizzes.formats.detecting import format_of
from portal.quizzes.formats.interchange import FULL, ForeignChoice, ForeignQuestion, Kind
from portal.quizzes.formats.losses import lost
from tests.material import material

pytestmark = pytest.mark.any_database

GOOD = "Which tier?\nA) Low\nB) High\nANSWER: B\n"
words = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)


@pytest.fixture(autouse=True)
def _context(app: Flask) -> None:
    """Words of refusals need the application."""


def test_the_files_of_others_are_taken() -> None:
    reading = FORMAT.read(material("qbanks/aiken-moodle/questions.aiken.txt").read_bytes())
    assert reading.refused == ()
    first, second = reading.questions
    assert first.stem == "The Moodle project was started by:"
    assert [each.text for each in first.choices if each.fraction == FULL] == ["Martin Dougiamas"]
    assert second.stem.endswith('<html class="cool"> & images:')
    assert [each.fraction for each in second.choices] == [100, 0]


def test_a_japanese_keyboard_may_write_its_own_letters_and_brackets() -> None:
    text = "なりすましの区分は？\nＡ）低\nＢ．高\nANSWER：Ｂ\n"
    (question,) = FORMAT.read(text.encode()).questions
    assert [(each.text, each.fraction) for each in question.choices] == [("低", 0), ("高", 100)]


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("Which?\nA) Low\nB) High\n", 1, "no line like"),
        ("Which?\nA) Low\nANSWER: A\n", 1, "at least two choices"),
        ("Which?\nA) Low\nB) High\nANSWER: C\n", 4, "“C”"),
        ("Which?\nA) Low\nB) High\nANSWER: Both\n", 4, "“Both”"),
        ("Which?\nA) Low\nA) High\nANSWER: A\n", 3, "appears twice"),
        ("Which?\nA) Low\nB)\nANSWER: A\n", 3, "has no text"),
        ("Which?\nA) Low\nand lower\nB) High\nANSWER: A\n", 3, "neither a choice"),
        ("ANSWER: A\n", 1, "no text before"),
        ("x" * 70_000 + "\nA) Low\nB) High\nANSWER: A\n", 1, "longer than"),
    ],
)
def test_what_is_wrong_is_refused_by_its_line_and_the_rest_is_taken(text: str, line: int, reason: str) -> None:
    reading = FORMAT.read((text + "\n" + GOOD).encode())
    refused = reading.refused[0]
    assert refused.line == line
    assert reason in refused.reason
    if "ANSWER" in text:
        assert [question.stem for question in reading.questions] == ["Which tier?"]


def test_of_several_letters_the_first_one_is_taken_and_the_others_are_told() -> None:
    for written in ("A B", "A, B", "a. B"):
        (question,) = FORMAT.read(GOOD.replace("ANSWER: B", f"ANSWER: {written}").encode()).questions
        assert [each.fraction for each in question.choices] == [FULL, 0]
        assert question.losses == ("the further letters of its answer: “B”",)


@pytest.mark.parametrize("encoding", ["cp932", "utf-16"])
def test_japanese_text_of_windows_is_read_as_what_it_is(encoding: str) -> None:
    text = "どの区分？\nA) 低\nB) 表示\nANSWER: B\n"
    (question,) = FORMAT.read(text.encode(encoding)).questions
    assert (question.stem, question.choices[1].text) == ("どの区分？", "表示")
    assert format_of(text.encode(encoding), "bank.txt") == "aiken"


def test_what_is_no_utf8_is_refused_by_the_line_where_it_shows() -> None:
    reading = FORMAT.read(GOOD.encode() + "Où ?".encode("latin-1"))
    assert reading.questions == ()
    assert reading.refused[0].line == 5


single = st.builds(
    lambda stem, texts, right, title, feedback, tags: ForeignQuestion(
        Kind.SINGLE_CHOICE,
        title,
        stem,
        choices=tuple(
            ForeignChoice(text, FULL if place == right % len(texts) else Fraction(0), feedback)
            for place, text in enumerate(texts)
        ),
        tags=tags,
    ),
    words,
    st.lists(words, min_size=2, max_size=6),
    st.integers(0, 5),
    words,
    st.sampled_from(["", "Because."]),
    st.sampled_from([(), ("tier",)]),
)


@given(st.lists(single, max_size=4))
def test_what_was_written_is_read_again_but_for_the_losses_that_are_reported(questions: list[ForeignQuestion]) -> None:
    writing = FORMAT.write(questions)
    refused = {loss.place for loss in writing.losses if loss.is_refused}
    kept = [question for place, question in enumerate(questions) if place not in refused]
    back = FORMAT.read(writing.data)
    assert back.refused == ()
    assert len(back.questions) == len(kept)
    reported = [loss.what for loss in writing.losses if not loss.is_refused]
    assert reported == [
        what for before, after in zip(kept, back.questions, strict=True) for what in lost(before, after)
    ]


def test_a_question_of_one_line_with_its_own_title_loses_nothing() -> None:
    (question,) = FORMAT.read(GOOD.encode()).questions
    writing = FORMAT.write([question])
    assert writing.losses == ()
    assert writing.data.decode() == GOOD


def test_the_commands_read_and_write_the_same(app: Flask, tmp_path: Path) -> None:
    (tmp_path / "bank.txt").write_text(GOOD + "\nWhich?\nA) x\nANSWER: A\n", encoding="utf-8")
    run = app.test_cli_runner().invoke
    printed = run(args=["quizzes", "read", str(tmp_path / "bank.txt"), "--format", "aiken", "--json"])
    data = json.loads(printed.output)
    assert [question["type"] for question in data["questions"]] == ["single_choice"]
    assert data["questions"][0]["choices"][1] == {"text": "High", "fraction": 100, "feedback": ""}
    assert data["refused"] == [{"line": 6, "reason": "A question needs at least two choices."}]
    said = run(args=["quizzes", "read", str(tmp_path / "bank.txt"), "--format", "aiken"])
    told = said.output
    assert said.exit_code == 0
    assert told.splitlines()[-1] == "questions: 1, refused: 1"
    data["questions"].append({"type": "free_text", "title": "t", "stem": "Why?"})
    (tmp_path / "bank.json").write_text(json.dumps(data), encoding="utf-8")
    target = tmp_path / "again.txt"
    args = ["quizzes", "write", str(tmp_path / "bank.json"), "--format", "aiken", "--output", str(target)]
    written = run(args=args)
    assert written.exit_code == 0
    assert target.read_text(encoding="utf-8") == GOOD
    assert "question 2 “t”: refused" in written.output
    data["questions"][0]["points"] = 2
    (tmp_path / "bank.json").write_text(json.dumps(data), encoding="utf-8")
    assert "question 1 “Which tier?” (line 1): without: its points: 2 → 1" in run(args=args).output


@pytest.mark.parametrize("text", ["[", "{}", '[{"type": "essay"}]', "\x00"])
def test_what_is_no_list_of_questions_is_refused_with_words(app: Flask, tmp_path: Path, text: str) -> None:
    (tmp_path / "bank.json").write_text(text, encoding="utf-8")
    answer = app.test_cli_runner().invoke(args=["quizzes", "write", str(tmp_path / "bank.json"), "--format", "aiken"])
    assert answer.exit_code == 1
    assert answer.output.startswith("Error: ")


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("", 0, "The file holds no question in this format."),
        ("Which?\nA) x\nANSWER: A\n", 1, "questions: 0, refused: 1"),
        ("どの区分？\nA) 低\nB) 表示\nANSWER: B\n", 0, "The file is read as Shift_JIS."),
    ],
)
def test_the_command_says_whether_there_was_anything_to_read(
    app: Flask, tmp_path: Path, text: str, code: int, words: str
) -> None:
    (tmp_path / "bank.txt").write_bytes(text.encode("cp932"))
    answer = app.test_cli_runner().invoke(args=["quizzes", "read", str(tmp_path / "bank.txt"), "--format", "aiken"])
    assert answer.exit_code == code
    assert words in answer.output
    as_json = ["quizzes", "read", str(tmp_path / "bank.txt"), "--format", "aiken", "--json"]
    assert app.test_cli_runner().invoke(args=as_json).exit_code == code


def test_the_command_speaks_the_language_that_is_asked_for_and_takes_an_encoding(app: Flask, tmp_path: Path) -> None:
    (tmp_path / "bank.txt").write_bytes("可\nA) 否\nB) 否\nANSWER: B\n\n否\nANSWER: A\n".encode("cp932"))
    read = ["quizzes", "read", str(tmp_path / "bank.txt"), "--format", "aiken"]
    run = app.test_cli_runner().invoke
    assert run(args=read, env={"LANG": "ja_JP.UTF-8", "LC_ALL": ""}).output.endswith("設問：0、取り込めないもの：1\n")
    said = run(args=[*read, "--encoding", "shift_jis", "--language", "ja"])
    assert said.exit_code == 0
    assert "このファイルはShift_JISとして読み取ります。" in said.output
    assert "6: 取り込めません：" in said.output
    printed = run(args=[*read, "--encoding", "Shift_JIS", "--language", "ja", "--json"])
    assert not json.loads(printed.output)["refused"][0]["reason"].isascii()


def test_the_command_says_nothing_that_a_terminal_would_obey(app: Flask, tmp_path: Path) -> None:
    text = "\x1b[2J　Which?\nA) x\nB) y\nANSWER: A\n\nWho?\nA) x\nB) y\nANSWER: \x9b\n"
    (tmp_path / "bank.txt").write_text(text, encoding="utf-8")
    said = app.test_cli_runner().invoke(args=["quizzes", "read", str(tmp_path / "bank.txt"), "--format", "aiken"])
    assert "1: single_choice: �[2J Which?" in said.output
    assert "“�”" in said.output
    assert "\x1b" not in said.output


def test_a_file_of_nothing_but_faults_is_not_read_to_its_end() -> None:
    many = FORMAT.read(b"a\nANSWER: A\n" * 5_000)
    assert len(many.refused) == 1_001
    assert "From here on nothing was read" in many.refused[-1].reason
    right = FORMAT.read(b"a\nA) b\nB) c\nANSWER: A\n" * 5_100)
    assert len(right.questions) == 5_000
    assert [each.line for each in right.refused] == [20_001]

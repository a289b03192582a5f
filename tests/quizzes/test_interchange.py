"""Questions of other formats as plain data: `from_data` is the inverse of `as_data`, and refuses bad data in words."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.quizzes.formats import foreign
from portal.quizzes.formats.interchange import (
    BadData,
    ForeignAnswer,
    ForeignChoice,
    ForeignGap,
    ForeignPart,
    ForeignQuestion,
    Kind,
    NotUtf8,
    TextFormat,
    as_data,
    decoded,
    encoding_of,
    exact,
    from_data,
    number,
)
from tests.volume import examples

pytestmark = pytest.mark.any_database

texts = st.text(max_size=12)
fractions = st.sampled_from(
    [Fraction(0), Fraction(100), Fraction(50), Fraction(100, 3), Fraction(-100), Fraction(100, 7)]
)
choices = st.lists(st.builds(ForeignChoice, texts, fractions, texts), max_size=3).map(tuple)
answers = st.lists(
    st.one_of(
        st.builds(ForeignAnswer, text=texts, fraction=fractions, feedback=texts),
        st.builds(ForeignAnswer, value=st.sampled_from(["1822", "0.5", "*"]), tolerance=texts, fraction=fractions),
    ),
    max_size=3,
).map(tuple)
questions = st.builds(
    ForeignQuestion,
    type=st.sampled_from(sorted(set(Kind) - {Kind.TRUE_FALSE})),
    title=texts,
    stem=texts,
    text_format=st.sampled_from(list(TextFormat)),
    choices=choices,
    answers=answers,
    pairs=st.lists(st.tuples(texts, texts), max_size=3).map(tuple),
    gaps=st.lists(
        st.builds(ForeignGap, choices, answers, is_numeric=st.booleans(), several=st.booleans()), max_size=2
    ).map(tuple),
    parts=st.lists(st.builds(ForeignPart, texts, texts, choices, fractions, texts), max_size=2).map(tuple),
    general_feedback=texts,
    tags=st.lists(texts, max_size=3).map(tuple),
    id=texts,
    category=texts,
    points=st.sampled_from([Fraction(1), Fraction(3, 2), Fraction(2, 3)]),
    shuffle=st.booleans(),
    case_sensitive=st.booleans(),
    units=st.lists(st.tuples(texts, st.just("1000")), max_size=2).map(tuple),
    template=texts,
    marking_notes=texts,
    clauses=st.lists(texts, max_size=2).map(tuple),
    document=texts,
    document_version=texts,
    severity=texts,
    difficulty=st.sampled_from([None, 1, 5]),
    state=texts,
    all_or_nothing=st.booleans(),
)


@given(questions)
def test_a_question_comes_back_from_its_data_as_it_was(question: ForeignQuestion) -> None:
    assert from_data(json.loads(json.dumps(as_data(question)))) == question


def test_a_statement_keeps_what_is_right_and_what_is_said_of_either_answer() -> None:
    statement = ForeignQuestion(Kind.TRUE_FALSE, "t", "s", correct=False, feedback_true="no", feedback_false="yes")
    data = as_data(statement)
    assert (data["correct"], data["feedback_true"], data["feedback_false"]) == (False, "no", "yes")
    assert from_data(data) == statement


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"type": "essay"}, "'essay'"),
        ({"text_format": "rtf"}, "'rtf'"),
        ({"choices": "A"}, "choices is a list of objects"),
        ({"choices": [{"text": 3}]}, "text is a text"),
        ({"choices": [{"text": "A", "fraction": "half"}]}, "no number: half"),
        ({"answers": [{"text": "A", "fraction": True}]}, "no number: True"),
        ({"pairs": [["a"]]}, "pairs is a list of pairs"),
        ({"tags": [1]}, "tags is a list of texts"),
        ({"shuffle": "yes"}, "shuffle is true or false"),
        ({"difficulty": 6}, "difficulty is a whole number"),
        ({"difficulty": True}, "difficulty is a whole number"),
        ({"clauses": "a#b"}, "clauses is a list of texts"),
        ({"points": "1e999999999"}, "no number"),
        ({"points": 10**10}, "too large"),
        ({"points": float("nan")}, "no number: nan"),
        ({"stems": "x"}, "unknown fields: stems"),
        ({"type": "true_false"}, "correct is true or false"),
    ],
)
def test_data_that_is_no_question_is_refused_by_its_field(changes: dict[str, Any], words: str) -> None:
    data = {"type": "single_choice", "title": "t", "stem": "s"} | changes
    with pytest.raises(BadData) as refused:
        from_data(data)
    assert words in str(refused.value)


def test_what_is_no_object_at_all_is_refused() -> None:
    with pytest.raises(BadData):
        from_data([])


def test_decimals_of_a_third_mean_a_third_and_others_what_they_say() -> None:
    assert exact("33.33333") == exact(number(Fraction(100, 3))) == Fraction(100, 3)
    assert exact("14.28571") == Fraction(100, 7)
    assert exact("33.33") == Fraction(3333, 100)
    assert exact(0.1) == Fraction(1, 10)
    assert exact(1e-05) == Fraction(1, 100_000)
    assert exact("0.0167") == Fraction(167, 10_000)


# --- encodings ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "どれ？ {T}",
        "正答 {=漢字 ~漢語}\n\n表示 {T}",
        "利用規約違反 {=停止}",
        "A社 {=該当 ~非該当}",
        "曖昧 {=明確 ~曖昧}",
        "髙橋さん、﨑の字 {T}",
        "ﾃｽﾄ、テスト {T}",
    ],
)
def test_japanese_in_shift_jis_is_known_even_where_it_is_nothing_but_kanji(text: str) -> None:
    assert encoding_of(text.encode("cp932")) == "Shift_JIS"
    assert decoded(text.encode("cp932")) == text


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Hammarskjöld? {T}", "cp1252"),
        ("Où est l’élève ? {=là ~ici}", "cp1252"),
        ("it’s {T}\n\nthat’s {T}\n\n“A” {=b}", "cp1252"),
        ("naïve café—bar {T}", "mac_roman"),
        ("ÉCOLE École ÉTÉ {T}", "mac_roman"),
        ("L'école élémentaire {T}", "cp850"),
        ("Où est l'élève ? {=là ~ici}", "cp437"),
        ("Привет мир {T}", "cp1251"),
        ("正答 {=漢字 ~漢語}", "euc_jp"),
        ("问题 {=正确 ~错误}", "gbk"),
        ("問題 {=正確 ~錯誤}", "big5"),
        ("무엇입니까? {=정답 ~오답}", "cp949"),
    ],
)
def test_no_other_encoding_is_taken_for_shift_jis(text: str, encoding: str) -> None:
    with pytest.raises(NotUtf8):
        decoded(text.encode(encoding))


@given(
    st.text("これはなりすましの表示規約違反停止例えば、。設問", min_size=3, max_size=12),
    st.integers(0),
    st.integers(0, 7),
)
@settings(max_examples=examples(300))
def test_japanese_in_utf_8_with_a_fault_is_refused_and_never_garbled(text: str, place: int, bit: int) -> None:
    data = bytearray(f"{text} {{T}}\n".encode())
    data[place % len(text.encode())] ^= 1 << bit
    try:
        assert encoding_of(bytes(data)) == "UTF-8"
        decoded(bytes(data))
    except NotUtf8:
        pass


def test_an_encoding_that_somebody_names_counts() -> None:
    for name, codec in foreign.ENCODINGS.items():
        text = "::T::Café {T}\n" if codec == "cp1252" else "::題::可 {T}\n"
        (question,) = foreign.read_file("gift", text.encode(codec), name).questions
        assert question.stem in ("Café", "可")
        assert foreign.unusual_encoding("gift", text.encode(codec), name) == ("" if name == "UTF-8" else name)
    (refused,) = foreign.read_file("gift", "A{T}\n\n可 {T}\n".encode("cp932"), "UTF-8").refused
    assert (refused.line, refused.reason) == (3, "The file is not UTF-8 text from this line on.")

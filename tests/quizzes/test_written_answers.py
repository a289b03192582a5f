"""How written answers are compared, how numbers are read, and what of an answer is kept."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.core.i18n import Words
from portal.quizzes.types import comparing, numbers, type_of
from portal.quizzes.types.base import ANSWER, ESSAY, NUMBER, BadValue, Content, NumberKey, Part, TextKey, TooLong, Unit
from portal.quizzes.types.free_text import FreeText
from portal.quizzes.types.matching import Matching
from portal.quizzes.types.numeric import Numeric
from portal.quizzes.types.ordering import Ordering
from portal.quizzes.types.short_answer import ShortAnswer
from tests.volume import examples

pytestmark = [pytest.mark.usefixtures("app"), pytest.mark.any_database]

_ANY = st.text(max_size=30) | st.text(st.sampled_from("aＡ か゛ガｶﾞ゙ヽー　 \u200b’“—ßſİ*\\東京ΐ́"), max_size=12)


# --- texts -------------------------------------------------------------------------------------


@settings(max_examples=examples(300), deadline=None)
@given(_ANY, st.booleans())
def test_folding_what_is_folded_changes_nothing(text: str, is_exact: bool) -> None:
    folded = comparing.fold(text, is_exact=is_exact)
    assert comparing.fold(folded, is_exact=is_exact) == folded


@settings(max_examples=examples(200), deadline=None)
@given(_ANY)
def test_whatever_is_written_matches_itself_as_a_key_without_stars(text: str) -> None:
    assert comparing.matches(comparing.literal(text), text)
    assert comparing.matches(comparing.literal(text), text, is_exact=True)
    assert comparing.matches("*", text)
    assert comparing.example(comparing.literal(text)) == text.strip()


@pytest.mark.parametrize(
    ("key", "text", "fits"),
    [
        ("notice", " Ｎｏｔｉｃｅ ", True),
        ("label notice", "LABEL   notice", True),
        ("labelnotice", "label notice", False),
        ("東京タワー", "東京 タワー", True),
        ("ラベル", "らべる", True),
        ("ラベル", "ﾗﾍﾞﾙ", True),
        ("don't", "don’t", True),
        ("well-known", "well–known", True),
        ("*notice*", "send a label notice first", True),
        ("*notice*label*", "label notice", False),
        ("rem*ve", "remove", True),
        ("rem*ve", "remve", True),
        ("ab*ba", "aba", False),
        ("a\\*b", "a*b", True),
        ("a\\*b", "axb", False),
        ("a\\*b", "a＊b", True),
        ("c:\\\\x", "C:\\x", True),
        ("*か", "赤が", False),
        ("", "", True),
        ("x", "", False),
    ],
)
def test_texts_match_whatever_their_width_case_kana_and_blanks(key: str, text: str, fits: bool) -> None:
    assert comparing.matches(key, text) is fits


def test_where_it_is_asked_for_case_and_the_kind_of_kana_count() -> None:
    assert not comparing.matches("S2", "s2", is_exact=True)
    assert comparing.matches("S2", "Ｓ２ ", is_exact=True)
    assert not comparing.matches("ラベル", "らべる", is_exact=True)


def test_a_key_full_of_stars_takes_no_time() -> None:
    assert not comparing.matches("a*" * 99 + "b", "a" * 1000)


def _short(*keys: TextKey, is_exact: bool = False) -> Content:
    content = ShortAnswer().samples()[0]
    return replace(content, parts=(replace(content.parts[0], points=4, keys=keys, is_exact=is_exact),))


def test_the_best_key_that_fits_counts_and_either_language_does() -> None:
    content = _short(
        TextKey(Words("*", "*"), Fraction(0), Words("No.", "いいえ。")),
        TextKey(Words("not*", "通*"), Fraction(1, 2)),
        TextKey(Words("notice", "通知"), feedback=Words("Yes.", "はい。")),
    )
    kind = type_of("short_answer")
    for text, points in (("notice", 4), ("通知", 4), ("notify", 2), ("通報", 2), ("report", 0)):
        assert kind.mark(content, {ANSWER: [text]}) == {ANSWER: points}, text
    shown = kind.review(content, {}, {ANSWER: ["report"]}, language="ja", show=frozenset({"rationale"}))
    assert shown.parts[0].feedback == "いいえ。"
    assert shown.parts[0].accepted == ()
    with_key = kind.review(content, {}, {ANSWER: ["report"]}, language="en", show=frozenset({"key"}))
    assert with_key.parts[0].accepted == ("notice",)
    assert with_key.parts[0].feedback is None


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ((TextKey(Words("a", "b"), Fraction(1, 2)),), "No answer earns all points"),
        ((TextKey(Words("*", "*")),), "takes anything"),
        ((TextKey(Words("a", "b")), TextKey(Words("Ａ", "b"))), "stands here already"),
        ((TextKey(Words("a" * 201, "b")),), "longer than one line"),
    ],
)
def test_keys_that_make_no_sense_are_told(keys: tuple[TextKey, ...], said: str) -> None:
    assert any(said in fault.message for fault in ShortAnswer().check(_short(*keys)))


# --- numbers -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("24", "24"),
        ("２４", "24"),
        ("1.5", "3/2"),
        ("1,5", "3/2"),
        ("１，５", "3/2"),
        ("1,234", "1234"),
        ("0,125", "1/8"),
        ("1,234.5", "2469/2"),
        ("1.234,5", "2469/2"),
        ("1.234.567", "1234567"),
        ("1 234 567", "1234567"),
        ("−3", "-3"),
        ("－３", "-3"),
        ("+7", "7"),
        (".5", "1/2"),
        ("5.", "5"),
        ("2e3", "2000"),
        ("1.2×10^3", "1200"),
        ("1.5万", "15000"),
    ],
)
def test_numbers_are_read_as_people_write_them(text: str, value: str) -> None:
    found = numbers.read_number(text)
    assert isinstance(found, numbers.Read)
    assert found.value == Fraction(value)


@pytest.mark.parametrize(
    "text", ["", "abc", "1,23,4", "1..2", "1/2", "twelve", "1 23", "--3", "1e999", "9" * 41, "½", "NaN", "infinity"]
)
def test_what_is_no_number_is_none(text: str) -> None:
    assert isinstance(numbers.read_number(text), numbers.Unread)


def test_a_unit_is_read_before_or_behind_the_number_and_changes_its_size() -> None:
    units = (Unit("min"), Unit("分"), Unit("h", Fraction(60)), Unit("¥", Fraction(2)))
    for text, value in (
        ("90", 90), ("90 min", 90), ("90分", 90), ("1.5 h", 90), ("1.5Ｈ", 90), ("¥45", 90), ("￥45", 90)
    ):  # fmt: skip
        found = numbers.read_number(text, units)
        assert isinstance(found, numbers.Read), text
        assert found.value == value, text
    assert numbers.read_number("90 kg", units) is numbers.Unread.UNKNOWN_UNIT
    # Where only the case tells two units apart, it counts.
    watts = (Unit("mW"), Unit("MW", Fraction(10**9)))
    assert numbers.read_number("1 mw", watts) is numbers.Unread.UNKNOWN_UNIT
    assert numbers.read_number("1 MW", watts).value == 10**9  # type: ignore[union-attr]


@settings(max_examples=examples(200), deadline=None)
@given(st.fractions(-1000, 1000), st.integers(0, 100), st.integers(0, 10**6))
def test_a_tolerance_is_kept_exactly(value: Fraction, tolerance: int, thousandth: int) -> None:
    key = NumberKey("12.5", str(tolerance))
    assert numbers.fits(key, Fraction(25, 2) + tolerance)
    assert numbers.fits(key, Fraction(25, 2) - tolerance)
    assert not numbers.fits(key, Fraction(25, 2) + tolerance + Fraction(1, thousandth + 1))
    assert numbers.fits(key, value) is (abs(value - Fraction(25, 2)) <= tolerance)


@settings(max_examples=examples(200), deadline=None)
@given(st.decimals(-(10**9), 10**9, places=4, allow_nan=False))
def test_a_number_that_is_written_out_is_read_again(number: object) -> None:
    value = Fraction(str(number))
    found = numbers.read_number(numbers.written(value))
    assert isinstance(found, numbers.Read)
    assert found.value == value


def test_a_number_says_as_what_it_was_read_and_what_was_right() -> None:
    content = Numeric().samples()[0]
    shown = Numeric().review(content, {}, {ANSWER: ["1,5 h"]}, language="en", show=frozenset({"key", "correctness"}))
    assert (shown.parts[0].written, shown.parts[0].read_as, shown.parts[0].points) == ("1,5 h", "90 min", 1)
    assert shown.parts[0].accepted == ("90 min",)


@pytest.mark.parametrize(
    ("key", "units", "said"),
    [
        (NumberKey("twelve"), (), "is no number"),
        (NumberKey("1", "-2"), (), "is no tolerance"),
        (NumberKey("*"), (), "takes anything"),
        (NumberKey("1"), (Unit("h", Fraction(60)),), "first unit"),
        (NumberKey("1"), (Unit("h"), Unit("h", Fraction(2))), "stands here twice"),
        (NumberKey("1"), (Unit("h"), Unit("x", Fraction(-1))), "cannot be a unit"),
    ],
)
def test_numbers_and_units_that_make_no_sense_are_told(key: NumberKey, units: tuple[Unit, ...], said: str) -> None:
    content = Numeric().samples()[0]
    content = replace(content, parts=(replace(content.parts[0], keys=(key,), units=units),))
    assert any(said in fault.message for fault in Numeric().check(content))


# --- what is kept of an answer -----------------------------------------------------------------


@settings(max_examples=examples(200), deadline=None)
@given(st.text(st.characters(codec=None), max_size=60), st.sampled_from(["short_answer", "free_text"]))
def test_what_is_stored_is_composed_and_stays_as_it_is_when_it_is_sent_again(text: str, name: str) -> None:
    kind = type_of(name)
    content = kind.samples()[0]
    stored = kind.normalise(content, {}, {ANSWER: [text]})
    for told in stored.get(ANSWER, []):
        told.encode()
        assert unicodedata.is_normalized("NFC", told)
        assert "\x00" not in told
        assert "\r" not in told
    assert kind.normalise(content, {}, kind.places(content, {}, stored)) == stored


def test_an_answer_stays_as_it_was_typed_without_control_characters() -> None:
    kind, content = type_of("short_answer"), ShortAnswer().samples()[0]
    given_ = {ANSWER: ["  Label\u0000 notice\u202e\r\nか\u3099 "]}
    assert kind.normalise(content, {}, given_) == {ANSWER: ["  Label notice が "]}
    essay, text = FreeText(), FreeText().samples()[0]
    assert essay.normalise(text, {}, {ANSWER: ["one\r\n\ttwo"]}) == {ANSWER: ["one\n\ttwo"]}
    assert essay.normalise(text, {}, {ANSWER: [" \n "]}) == {}


def test_more_than_is_taken_is_refused_with_how_much_is() -> None:
    for kind, most in ((ShortAnswer(), 1_000), (Numeric(), 1_000), (FreeText(), 20_000)):
        content = kind.samples()[0]
        assert kind.normalise(content, {}, {ANSWER: ["あ" * most]}) == {ANSWER: ["あ" * most]}
        with pytest.raises(TooLong) as refused:
            kind.normalise(content, {}, {ANSWER: ["あ" * (most + 1)]})
        assert refused.value.most == most


@pytest.mark.parametrize("values", [["a", "b"], [1], [None], [["a"]]])
def test_what_is_no_text_is_refused(values: list[object]) -> None:
    with pytest.raises(BadValue):
        ShortAnswer().normalise(ShortAnswer().samples()[0], {}, {ANSWER: values})  # type: ignore[dict-item]


# --- orders and pairs --------------------------------------------------------------------------


def test_an_order_is_taken_by_the_position_of_each_thing() -> None:
    kind, content = Ordering(), Ordering().samples()[0]
    order = {ANSWER: ["c", "a", "b"]}
    assert kind.normalise(content, order, {ANSWER: ["1:3", "2:1", "3:2"]}) == {ANSWER: ["a", "b", "c"]}
    # However the page has moved them.
    assert kind.normalise(content, order, {ANSWER: ["3:2", "1:3", "2:1"]}) == {ANSWER: ["a", "b", "c"]}
    # Two things at one place: the first has it, and the other one has none yet.
    assert kind.normalise(content, order, {ANSWER: ["2:1", "1:1", ""]}) == {ANSWER: ["c", "", ""]}
    assert type_of(content.type).how_far(content, {ANSWER: ["c", "", ""]}) == "partly"
    assert type_of(content.type).how_far(content, {ANSWER: ["c", "b", "a"]}) == "answered"
    assert kind.normalise(content, order, {ANSWER: ["", "", ""]}) == {}
    for bad in (["4:1"], ["1:4"], ["1:1", "1:2"], ["0:1"], ["x:1"], ["1"], ["1:"], [1]):
        with pytest.raises(BadValue):
            kind.normalise(content, order, {ANSWER: bad})


@pytest.mark.parametrize(
    ("written", "found"),
    [("72", "answered"), ("３ d", "answered"), ("3 weeks", "unread"), ("three", "unread"), ("1-2", "unread")],
)
def test_how_far_a_number_is_answered_hangs_on_whether_it_can_be_read_and_never_on_the_key(
    written: str, found: str
) -> None:
    content = Numeric().samples()[0]
    units = (Unit("h"), Unit("d", Fraction(24)))
    for value in ("72", "1", "*"):
        (part,) = content.parts
        other = replace(content, parts=(replace(part, keys=(NumberKey(value),), units=units),))
        assert Numeric().how_far(other, {ANSWER: [written]}) == found


def test_in_an_order_each_two_that_follow_rightly_earn_their_share() -> None:
    content = Ordering().samples()[0]
    content = replace(content, marking="partial", parts=(replace(content.parts[0], points=4),))
    for given_, points in ((["a", "b", "c"], 4), (["c", "a", "b"], 2), (["c", "b", "a"], 0), (["a", "b", ""], 2)):
        assert Ordering().mark(content, {ANSWER: given_}) == {ANSWER: points}


def test_the_author_s_order_is_never_shown_where_it_is_the_key() -> None:
    def lot(ids: object, part: str) -> list[str]:
        return sorted(ids, reverse=True)  # type: ignore[call-overload,no-any-return]

    content = replace(Ordering().samples()[0], shuffle=False)
    assert Ordering().orders(content, shuffle=False, lot=lot) == {ANSWER: ["c", "b", "a"]}
    pairs = Matching().samples()[0]
    words = iter("zyx")
    texts = {choice.id: Words(next(words), choice.id) for choice in pairs.parts[0].choices}
    pairs = replace(
        pairs,
        shuffle=False,
        parts=tuple(
            replace(part, choices=tuple(replace(c, text=texts[c.id]) for c in part.choices)) for part in pairs.parts
        ),
    )
    # The same for all of them, by their texts.
    assert Matching().orders(pairs, shuffle=True, lot=lot) == {"1": ["c", "b", "a"], "2": ["c", "b", "a"]}


# --- gaps and texts ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stem", "said"),
    [
        ("No gap.", "does not have [[1]]"),
        ("[[1]] [[1]] [[2]] [[3]]", "does not have [[1]]"),
        ("`[[1]]` [[2]] [[3]]", "does not have [[1]]"),
        ("[see [[1]]](https://example.com) [[2]] [[3]]", "does not have [[1]]"),
        ("## [[1]]\n\n[[2]] [[3]]", "does not have [[1]]"),
        ("[[1]] [[2]] [[3]] [[4]]", "of which nothing is said"),
    ],
)
def test_a_gap_stands_once_where_it_can_be_filled_in(stem: str, said: str) -> None:
    kind = type_of("gap")
    content = kind.samples()[0]
    assert kind.check(content) == []
    assert any(said in fault.message for fault in kind.check(replace(content, stem=Words(stem, content.stem.ja))))
    assert any(said in fault.message for fault in kind.check(replace(content, stem=Words(content.stem.en, stem))))


def test_a_text_waits_for_a_person_and_an_empty_one_does_not() -> None:
    content = FreeText().samples()[0]
    assert FreeText().mark(content, {ANSWER: ["something"]}) == {ANSWER: None}
    assert FreeText().mark(content, {}) == {ANSWER: 0}
    assert FreeText().solution(content) == {}
    shown = FreeText().review(content, {}, {ANSWER: ["x"]}, language="en", show=frozenset({"correctness"}))
    assert shown.points is None
    assert shown.parts[0].criteria == ()


def test_a_free_text_is_worth_its_criteria() -> None:
    content = FreeText().samples()[0]
    part = content.parts[0]
    for wrong in (
        replace(part, criteria=()),
        replace(part, points=9),
        replace(part, least=10, most=5),
        replace(part, most=30_000),
        Part(ANSWER, None, 1, kind=ESSAY),
    ):
        assert FreeText().check(replace(content, parts=(wrong,)))


@pytest.mark.parametrize(("language", "first"), [("en", "day"), ("ja", "日")])
def test_a_page_names_the_unit_that_its_language_writes_first(language: str, first: str) -> None:
    part = Part("answer", None, 1, kind=NUMBER, keys=(NumberKey("3"),), units=(
        Unit("day"), Unit("日"), Unit("days"), Unit("h", Fraction(1, 24)),
    ))  # fmt: skip
    assert part.symbols(language)[0] == first
    assert sorted(part.symbols(language)) == sorted(unit.symbol for unit in part.units)
    assert part.symbols(language)[-1] == "h"

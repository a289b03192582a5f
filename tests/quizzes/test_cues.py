"""What questions give away to somebody who reads the choices alone: each cue by itself, against chance."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.quizzes.rules import cues
from portal.quizzes.rules.cues import GUESSERS, Choosing, Guessed, guess, guesses, speak_of_the_others

_texts = st.text("abc 、これ停止123(", min_size=1, max_size=12)


@st.composite
def asked_questions(draw: st.DrawFn) -> Choosing:
    choices = draw(st.lists(_texts, min_size=2, max_size=5))
    places = st.sampled_from(range(len(choices)))
    return Choosing(
        "bank/one",
        draw(_texts),
        tuple(choices),
        draw(st.frozensets(places, min_size=1)),
        keeps_order=draw(st.booleans()),
    )


def choosing(*choices: str, right: int = 0, stem: str = "What comes next?", **kwargs: bool) -> Choosing:
    return Choosing("bank/one", stem, choices, frozenset({right}), **kwargs)


# What each guesser hits, and what she misses.
TOLD = {
    "longest": choosing("Send a notice that names the clause", "Wait", "Ask"),
    "shortest": choosing("Wait", "Ask the lead", "Send a notice"),
    "most_detail": choosing("Within 72 hours, because it can be mended", "Soon after the report came in today"),
    "no_absolute": choosing("Most of them", "All of them", "Only one"),
    "words_of_the_question": choosing("The fan club", "The lead", stem="Whose club is the fan talking about?"),
    "like_the_others": choosing("notice after report", "notice upon appeal", "report then wait"),
    "unlike_the_others": choosing("Nothing", "Send one notice", "Send two notice"),
    "first": choosing("S0", "S1", "S2", keeps_order=True),
    "last": choosing("S0", "S1", "S2", right=2, keeps_order=True),
    "bold_sentences_are_false": choosing(
        "True", "False", right=1, stem="A notice is always sent first.", keeps_order=True, is_statement=True
    ),
}


@pytest.mark.parametrize("name", GUESSERS)
def test_every_guesser_finds_what_her_cue_gives_away(name: str) -> None:
    told = guess(GUESSERS[name], [TOLD[name]])
    assert told.hits == 1
    assert told.knows_too_much


@pytest.mark.parametrize("name", GUESSERS)
def test_where_the_cue_tells_nothing_a_guesser_has_what_chance_has(name: str) -> None:
    alike = [choosing("aaaa", "aaaa", "aaaa", right=place) for place in range(3)]
    told = guess(GUESSERS[name], alike)
    assert told == Guessed(3, Fraction(1, 3), Fraction(1, 3))
    assert not told.knows_too_much


def test_the_cues_are_found_in_japanese_too() -> None:
    asked = [
        choosing("多くの場合は通知する", "必ず通知する", "すべて削除する", stem="どうしますか。"),
        choosing("アカウント復旧窓口に送る", "リードに送る", stem="アカウントの乗っ取りが疑われます。"),
    ]
    assert guess(GUESSERS["no_absolute"], asked[:1]).hits == 1
    assert guess(GUESSERS["words_of_the_question"], asked[1:]).hits == 1


def test_where_the_order_is_shuffled_no_place_tells_anything() -> None:
    asked = [choosing("a", "b", "c", "d")]
    assert guess(GUESSERS["first"], asked).hits == guess(GUESSERS["last"], asked).hits == Fraction(1, 4)


def test_of_several_right_choices_any_is_a_hit_and_chance_is_their_share() -> None:
    asked = [Choosing("bank/one", "", ("long enough", "long as well", "no"), frozenset({0, 1}))]
    assert guess(GUESSERS["shortest"], asked) == Guessed(1, Fraction(0), Fraction(2, 3))


def test_ten_points_over_chance_are_not_yet_too_much() -> None:
    assert not Guessed(10, Fraction(35, 100), Fraction(25, 100)).knows_too_much
    assert Guessed(10, Fraction(36, 100), Fraction(25, 100)).knows_too_much


@given(st.lists(asked_questions(), max_size=8))
def test_a_share_is_a_share_and_chance_is_the_same_for_every_guesser(asked: list[Choosing]) -> None:
    found = guesses(asked)
    assert set(found) == set(GUESSERS)
    assert len({told.chance for told in found.values()}) == 1
    assert all(0 <= told.hits <= 1 and told.count == len(asked) for told in found.values())


@given(asked_questions())
def test_who_knows_no_place_hits_by_chance_over_all_places_of_the_right_choice(asked: Choosing) -> None:
    """Moving the right choice through all places, no guesser can be better than chance: she sees the same choices."""
    everywhere = [
        Choosing(asked.address, asked.stem, asked.choices, frozenset({place}), asked.keeps_order)
        for place in range(len(asked.choices))
    ]
    for name in GUESSERS:
        told = guess(GUESSERS[name], everywhere)
        assert told.hits == told.chance, name


@pytest.mark.parametrize(
    "choice", ["All of the above", "None of these", "上記のすべて", "いずれも当てはまらない", "Both of them"]
)
def test_a_choice_that_speaks_of_the_others_is_named(choice: str) -> None:
    assert speak_of_the_others([choosing("Wait", choice)]) == ["bank/one"]
    assert speak_of_the_others([choosing("Wait", "Ask all of the people concerned"), choosing("待つ", "尋ねる")]) == []


def test_every_cue_is_told_in_words() -> None:
    from portal.quizzes.content_report import _CUES

    assert set(_CUES) == set(cues.GUESSERS)

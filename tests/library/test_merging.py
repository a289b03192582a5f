"""Three texts become one: what only one side changed is taken, what both changed is asked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.library.rules.merging import Piece, Side, merge, merged_value, next_numbers

pytestmark = pytest.mark.any_database

BASE = {"a": "1", "b": "2", "c": "3"}


def joined(pieces: list[Piece]) -> dict[str, list[str]]:
    return {piece.key: piece.chosen() for piece in pieces}


def test_what_one_side_changed_is_taken() -> None:
    merged = merge(BASE, {**BASE, "a": "mine"}, {**BASE, "c": "theirs"})
    assert joined(merged) == {"a": ["mine"], "b": ["2"], "c": ["theirs"]}


def test_what_both_changed_is_asked() -> None:
    merged = {piece.key: piece for piece in merge(BASE, {**BASE, "b": "mine"}, {**BASE, "b": "theirs"})}
    assert merged["b"].side is None
    assert merged["b"].chosen(Side.MINE) == ["mine"]
    assert merged["b"].chosen(Side.THEIRS) == ["theirs"]
    assert merged["b"].chosen(Side.BOTH) == ["theirs", "mine"]


def test_what_both_changed_alike_is_not_asked() -> None:
    assert joined(merge(BASE, {**BASE, "b": "x"}, {**BASE, "b": "x"}))["b"] == ["x"]


def test_a_clause_that_was_taken_out_stays_out_unless_the_other_side_changed_it() -> None:
    without = {"a": "1", "c": "3"}
    assert list(joined(merge(BASE, without, BASE))) == ["a", "c"]
    assert list(joined(merge(BASE, BASE, without))) == ["a", "c"]
    assert next(piece for piece in merge(BASE, without, {**BASE, "b": "new"}) if piece.key == "b").side is None


def test_new_clauses_come_behind_the_one_that_they_follow() -> None:
    mine = {"a": "1", "m": "mine", "b": "2", "c": "3"}
    theirs = {"a": "1", "b": "2", "t": "theirs", "c": "3", "z": "last"}
    assert list(joined(merge(BASE, mine, theirs))) == ["a", "m", "b", "t", "c", "z"]


def test_the_order_is_that_of_the_side_that_moved() -> None:
    moved = {"c": "3", "a": "1", "b": "2"}
    assert list(joined(merge(BASE, moved, BASE))) == ["c", "a", "b"]
    assert list(joined(merge(BASE, BASE, moved))) == ["c", "a", "b"]


_TEXT = st.dictionaries(st.sampled_from("abcdefg"), st.sampled_from(["1", "2", "3"]), max_size=6)


@given(_TEXT, _TEXT)
def test_a_side_that_changed_nothing_takes_the_other_as_it_is(base: dict[str, str], other: dict[str, str]) -> None:
    for merged in (merge(base, base, other), merge(base, other, base)):
        assert [(piece.key, piece.chosen()) for piece in merged] == [(key, [text]) for key, text in other.items()]


@given(_TEXT, _TEXT, _TEXT)
def test_nothing_that_somebody_wrote_is_dropped_unasked(
    base: dict[str, str], mine: dict[str, str], theirs: dict[str, str]
) -> None:
    merged = {piece.key: piece for piece in merge(base, mine, theirs)}
    for key in {**mine, **theirs}:
        for text in (mine.get(key), theirs.get(key)):
            if text is not None and text != base.get(key):
                assert merged[key].side is None or text in merged[key].chosen()


def test_lines_are_merged_like_clauses() -> None:
    assert merged_value("t", "t", "new") == "new"
    assert merged_value("t", "mine", "t") == "mine"
    assert merged_value("t", "same", "same") == "same"
    assert merged_value("t", "mine", "theirs") is None


def test_numbers_count_on() -> None:
    assert next_numbers(None) == ("1.0", "1.0")
    assert next_numbers("1.9") == ("1.10", "2.0")

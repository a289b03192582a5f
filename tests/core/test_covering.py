"""The pass on PostgreSQL makes every statement twice that more than one test makes, and keeps what must stay."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from tests.covering import covering

MADE = st.dictionaries(st.sampled_from("abcdefgh"), st.frozensets(st.sampled_from("12345678")))


@given(MADE, st.frozensets(st.sampled_from("abcdefghij")), st.randoms())
def test_every_statement_is_made_twice_or_as_often_as_all_make_it(made, stays, dice) -> None:
    chosen = covering(made, {test: dice.random() for test in made}, stays)
    assert stays <= chosen <= stays | made.keys()
    everywhere = Counter(each for of in made.values() for each in of)
    here = Counter(each for test in chosen for each in made.get(test, ()))
    assert all(here[each] >= min(2, times) for each, times in everywhere.items())


def test_what_makes_nothing_more_is_left_out() -> None:
    made = {test: frozenset("12") for test in "abcd"} | {"none": frozenset()}
    seconds = {"a": 3.0, "b": 1.0, "c": 2.0, "d": 5.0, "none": 0.1}
    assert covering(made, seconds, frozenset()) == {"b", "c"}
    assert covering(made, seconds, frozenset({"d", "none"})) == {"d", "b", "none"}

"""In force at T, what changed, who is behind: the library's promises as pure functions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.library.rules import Standing, changes_between, clauses_behind, in_force, number_key, standing, to_read

pytestmark = pytest.mark.any_database

START = datetime(2026, 4, 1, tzinfo=UTC)


def day(number: int) -> datetime:
    return START + timedelta(days=number)


@dataclass(frozen=True)
class Version:
    sequence: int
    issued_at: datetime
    effective_at: datetime
    withdrawn_at: datetime | None = None


FIRST = Version(1, day(0), day(0))
SECOND = Version(2, day(5), day(10))


def test_the_version_that_took_effect_last_is_in_force() -> None:
    assert in_force([FIRST, SECOND], day(9)) == FIRST
    assert in_force([FIRST, SECOND], day(10)) == SECOND
    assert in_force([FIRST, SECOND], day(0) - timedelta(seconds=1)) is None


def test_what_is_published_late_was_not_in_force_before_it_was_published() -> None:
    late = Version(2, issued_at=day(12), effective_at=day(10))
    assert in_force([FIRST, late], day(11)) == FIRST
    assert in_force([FIRST, late], day(12)) == late


def test_a_withdrawal_does_not_bring_an_earlier_version_back() -> None:
    withdrawn = Version(2, day(5), day(10), withdrawn_at=day(20))
    assert in_force([FIRST, withdrawn], day(19)) == withdrawn
    assert in_force([FIRST, withdrawn], day(20)) is None
    assert to_read([FIRST, withdrawn], day(20)) == withdrawn
    assert standing(withdrawn, [FIRST, withdrawn], day(20)) is Standing.WITHDRAWN


def test_a_version_withdrawn_before_its_day_never_takes_effect() -> None:
    withdrawn = Version(2, day(5), day(10), withdrawn_at=day(7))
    assert in_force([FIRST, withdrawn], day(30)) == FIRST
    assert standing(FIRST, [FIRST, withdrawn], day(30)) is Standing.IN_FORCE


def test_each_version_has_one_standing() -> None:
    both = [FIRST, SECOND]
    assert [standing(each, both, day(7)) for each in both] == [Standing.IN_FORCE, Standing.ISSUED]
    assert [standing(each, both, day(10)) for each in both] == [Standing.SUPERSEDED, Standing.IN_FORCE]


def test_before_anything_is_in_force_the_next_version_is_read() -> None:
    third = Version(3, day(5), day(20))
    assert to_read([Version(2, day(5), day(10)), third], day(6)) == Version(2, day(5), day(10))
    assert to_read([], day(6)) is None


versions = st.lists(
    st.tuples(st.integers(0, 30), st.integers(0, 30), st.none() | st.integers(0, 30)), min_size=1, max_size=6
).map(
    lambda rows: [
        Version(number, day(issued), day(effective), None if gone is None else day(gone))
        for number, (issued, effective, gone) in enumerate(rows, start=1)
    ]
)


@given(versions, st.integers(0, 31))
def test_at_most_one_version_is_in_force_and_it_is_the_one_that_stands_so(history: list[Version], at: int) -> None:
    standings = {each.sequence: standing(each, history, day(at)) for each in history}
    current = in_force(history, day(at))
    assert [number for number, each in standings.items() if each is Standing.IN_FORCE] == (
        [current.sequence] if current else []
    )
    shown = to_read(history, day(at))
    assert shown is not None
    if current is not None:
        assert shown == current


def test_a_clause_that_only_changes_its_id_is_a_move() -> None:
    changes = changes_between({"a": "1", "b": "2", "c": "3"}, {"a": "1", "d": "2", "c": "4", "e": "5"})
    assert changes.moved == (("b", "d"),)
    assert changes.changed == ("c",)
    assert changes.added == ("e",)
    assert changes.removed == ()
    assert changes_between({"a": "1"}, {"a": "1"}).is_empty


anchors = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from("123"), max_size=6)


@given(anchors, anchors)
def test_the_changes_account_for_every_clause(old: dict[str, str], new: dict[str, str]) -> None:
    changes = changes_between(old, new)
    kept = {anchor for anchor in old if new.get(anchor) == old[anchor]}
    assert kept | set(changes.changed) | set(changes.removed) | {origin for origin, _ in changes.moved} == set(old)
    assert kept | set(changes.changed) | set(changes.added) | {anchor for _, anchor in changes.moved} == set(new)
    assert all(old[origin] == new[anchor] for origin, anchor in changes.moved)


def test_a_translation_is_behind_where_its_origin_changed_is_missing_or_unknown() -> None:
    deciding = {"a": "1", "b": "2", "c": "3", "d": "4"}
    assert clauses_behind(deciding, {"a": "1", "b": "9", "c": None}) == ("b", "c", "d")


@pytest.mark.parametrize("number", ["1", "1.", "01.0", "1.0.0", "v1.0", "1.x", "", "１.０"])
def test_what_is_no_number_is_refused(number: str) -> None:
    with pytest.raises(ValueError, match="no version number"):
        number_key(number)


def test_numbers_are_compared_as_numbers() -> None:
    assert number_key("1.10") > number_key("1.9")

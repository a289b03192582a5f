"""Every paper honours its blueprint; a deep bank asks nothing twice in a row; what can be drawn is drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from portal.quizzes import rules
from portal.quizzes.rules import Candidate, Draw, Strata
from portal.quizzes.rules.drawing import shares, strata_in
from tests.volume import examples

pytestmark = pytest.mark.any_database

_BANKS, _TAGS, _CLAUSES = ("one", "two"), ("x", "y"), ("p#a", "p#b")
Paper = frozenset[str]


def _candidate(number: int, bank: str, **facts: object) -> Candidate:
    return Candidate(f"{bank}/q-{number:02d}", bank, str(facts.pop("type", "case")), **facts)  # type: ignore[arg-type]


@st.composite
def _pools(draw: st.DrawFn, most: int = 7) -> list[Candidate]:
    return [
        _candidate(
            number,
            draw(st.sampled_from(_BANKS)),
            type=draw(st.sampled_from(("case", "single_choice"))),
            tags=draw(st.frozensets(st.sampled_from(_TAGS))),
            clauses=draw(st.frozensets(st.sampled_from(_CLAUSES), min_size=1)),
            difficulty=draw(st.none() | st.integers(1, 3)),
        )
        for number in range(draw(st.integers(1, most)))
    ]


@st.composite
def _lines(draw: st.DrawFn, pool: list[Candidate], strata: bool = True) -> list[Draw]:
    lines = []
    for _ in range(draw(st.integers(1, 3))):
        if draw(st.integers(0, 4)) == 0:
            lines.append(Draw(questions=(draw(st.sampled_from(pool)).address,)))
            continue
        lines.append(
            Draw(
                bank=draw(st.sampled_from(_BANKS)),
                count=draw(st.integers(1, 3)),
                types=tuple(sorted(draw(st.sets(st.just("case"))))),
                tags=tuple(sorted(draw(st.sets(st.sampled_from(_TAGS))))),
                difficulty=tuple(sorted(draw(st.sets(st.integers(1, 3), max_size=2)))),
                strata=draw(st.none() | st.sampled_from(Strata)) if strata else None,
            )
        )
    return lines


def _papers(lines: list[Draw], pool: list[Candidate]) -> set[Paper]:
    """Return every paper that the lines allow, tried out slot by slot."""
    found: set[Paper] = {frozenset()}
    for line in lines:
        for place in range(line.size):
            fitting = [
                c.address for c in pool if (c.address == line.questions[place] if line.questions else line.takes(c))
            ]
            found = {paper | {address} for paper in found for address in fitting if address not in paper}
    return found


def _some_of(data: st.DataObject, pool: list[Candidate]) -> Paper:
    return frozenset(data.draw(st.sets(st.sampled_from([c.address for c in pool]))))


def _named(lines: list[Draw]) -> Paper:
    return frozenset(address for line in lines for address in line.questions)


def _while(holds: Callable[[list[Draw]], bool], lines: list[Draw]) -> list[Draw]:
    """Keep the lines with which something still holds; at least one."""
    kept: list[Draw] = []
    for line in lines:
        if holds([*kept, line]):
            kept.append(line)
    assume(kept)
    return kept


def _row_of_papers(
    lines: list[Draw], pool: list[Candidate], seed: str, number: int, worn: Paper = frozenset()
) -> Iterator[list[str]]:
    """Draw as many papers as somebody takes attempts, each avoiding the one before."""
    before: Paper = frozenset()
    for attempt in range(number):
        drawn = rules.draw(lines, pool, seed=f"{seed}{attempt}", avoid=before, worn=worn)
        assert drawn is not None
        yield drawn
        before = frozenset(drawn)


@settings(max_examples=examples(40), deadline=None)
@given(st.data())
def test_a_paper_is_drawn_exactly_where_there_is_one_and_honours_every_line(data: st.DataObject) -> None:
    pool = data.draw(_pools())
    lines = data.draw(_lines(pool))
    seed = data.draw(st.text("ab", max_size=3))
    avoid, worn = _some_of(data, pool), _some_of(data, pool)
    possible = _papers(lines, pool)
    drawn = rules.draw(lines, pool, seed=seed, avoid=avoid, worn=worn)
    assert (drawn is not None) == bool(possible)
    asked = sum(line.size for line in lines)
    assert (rules.count_drawable(lines, pool) == asked) == bool(possible)
    if drawn is None:
        return
    assert frozenset(drawn) in possible
    assert len(set(drawn)) == len(drawn) == asked
    by_address = {candidate.address: candidate for candidate in pool}
    places = iter(drawn)
    for line in lines:
        assert all(line.takes(by_address[next(places)]) for _ in range(line.size))


@settings(max_examples=examples(30), deadline=None)
@given(st.data())
def test_a_draw_depends_on_the_seed_and_on_what_the_pool_holds_alone(data: st.DataObject) -> None:
    pool = data.draw(_pools(12))
    lines = data.draw(_lines(pool))
    seed = data.draw(st.text("ab", max_size=3))
    avoid, worn = _some_of(data, pool), _some_of(data, pool)
    first = rules.draw(lines, pool, seed=seed, avoid=avoid, worn=worn)
    strangers = [Candidate(f"three/{number}", "three", "case") for number in range(3)]
    mixed = data.draw(st.permutations(pool)) + strangers
    assert rules.draw(lines, mixed, seed=seed, avoid=avoid, worn=worn | {"three/0", "gone/1"}) == first


@settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(st.data())
def test_a_bank_with_two_papers_in_it_never_asks_the_same_in_two_attempts_in_a_row(data: st.DataObject) -> None:
    pool = data.draw(_pools())

    def is_deep(lines: list[Draw]) -> bool:
        papers = [paper - _named(lines) for paper in _papers(lines, pool)]
        return any(not one & other for one in papers for other in papers)

    lines = _while(is_deep, data.draw(_lines(pool, strata=False)))
    named = _named(lines)
    assert rules.count_papers(lines, pool, 2) == 2
    seed, worn = data.draw(st.text("ab", max_size=3)), _some_of(data, pool)
    row = [frozenset(drawn) - named for drawn in _row_of_papers(lines, pool, seed, 4, worn)]
    assert all(not before & after for before, after in pairwise(row))


def test_what_is_taken_now_leaves_a_whole_paper_for_the_next_attempt() -> None:
    pool = [_candidate(number, "one", tags=frozenset({"x"}) if number < 2 else frozenset()) for number in range(4)]
    lines = [Draw(bank="one", count=1), Draw(bank="one", count=1, tags=("x",))]
    for seed in range(40):
        first, second = (frozenset(drawn) for drawn in _row_of_papers(lines, pool, f"{seed}-", 2))
        assert not first & second


@settings(max_examples=examples(30), deadline=None)
@given(st.data())
def test_a_shallow_bank_repeats_as_little_as_it_can(data: st.DataObject) -> None:
    pool = data.draw(_pools())
    lines = _while(lambda some: bool(_papers(some, pool)), data.draw(_lines(pool, strata=False)))
    named = _named(lines)
    possible = _papers(lines, pool)
    last = data.draw(st.sampled_from(sorted(possible, key=sorted)))
    seed = data.draw(st.text("ab", max_size=3))
    drawn = rules.draw(lines, pool, seed=seed, avoid=last, worn=_some_of(data, pool))
    assert drawn is not None
    assert len((set(drawn) & last) - named) == min(len((paper & last) - named) for paper in possible)


# --- worn questions ---


@settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(st.data())
def test_where_the_rest_holds_two_papers_nothing_worn_is_drawn_in_any_attempt(data: st.DataObject) -> None:
    pool = data.draw(_pools())
    worn = _some_of(data, pool)
    rested = [candidate for candidate in pool if candidate.address not in worn]

    def is_deep(lines: list[Draw]) -> bool:
        return not _named(lines) & worn and rules.count_papers(lines, rested, 2) == 2

    lines = _while(is_deep, data.draw(_lines(pool, strata=False)))
    seed = data.draw(st.text("ab", max_size=3))
    assert not any(frozenset(paper) & worn for paper in _row_of_papers(lines, pool, seed, 4, worn))


@settings(max_examples=examples(30), deadline=None)
@given(st.data())
def test_a_paper_of_what_was_asked_before_holds_as_little_that_is_worn_as_it_can(data: st.DataObject) -> None:
    pool = data.draw(_pools())
    lines = _while(lambda some: bool(_papers(some, pool)), data.draw(_lines(pool, strata=False)))
    worn, named, everything = _some_of(data, pool), _named(lines), frozenset(c.address for c in pool)
    drawn = rules.draw(lines, pool, seed=data.draw(st.text("ab", max_size=3)), avoid=everything, worn=worn)
    assert drawn is not None
    assert len((set(drawn) & worn) - named) == min(len((paper & worn) - named) for paper in _papers(lines, pool))


def test_two_papers_of_rested_questions_take_turns_and_nothing_worn_comes_between() -> None:
    pool = [_candidate(number, "one", tags=frozenset({"x"}) if number < 4 else frozenset()) for number in range(9)]
    lines = [Draw(bank="one", count=2), Draw(bank="one", count=1, tags=("x",))]
    worn = frozenset({"one/q-00", "one/q-01", "one/q-08"})
    for seed in map(str, range(40)):
        row = [frozenset(drawn) for drawn in _row_of_papers(lines, pool, seed, 4, worn)]
        assert not any(paper & worn for paper in row)
        assert all(not before & after for before, after in pairwise(row))


def test_worn_questions_come_last_and_new_ones_before_those_of_the_last_attempt() -> None:
    pool = [_candidate(number, "one") for number in range(6)]
    line = [Draw(bank="one", count=3)]
    worn = frozenset({"one/q-00", "one/q-01"})
    for seed in map(str, range(40)):
        assert not worn & set(rules.draw(line, pool, seed=seed, worn=worn) or [])
        # Three are left that were not asked last time, two of them worn: no repetition is worth more than rest.
        again = rules.draw(line, pool, seed=seed, avoid=frozenset({"one/q-02", "one/q-03", "one/q-04"}), worn=worn)
        assert set(again or []) == {"one/q-00", "one/q-01", "one/q-05"}
    # What a blueprint names comes, worn or not.
    named = [Draw(questions=("one/q-00",)), Draw(bank="one", count=2)]
    assert (rules.draw(named, pool, seed="1", worn=worn) or [])[0] == "one/q-00"


def test_a_line_gives_up_a_question_to_spare_another_line_a_worn_one() -> None:
    pool = [
        _candidate(1, "one", tags=frozenset({"x", "y"})),
        _candidate(2, "one", tags=frozenset({"x"})),
        _candidate(3, "one", tags=frozenset({"y"})),
    ]
    lines = [Draw(bank="one", count=1, tags=("x",)), Draw(bank="one", count=1, tags=("y",))]
    everything = frozenset(candidate.address for candidate in pool)
    for seed in map(str, range(40)):
        drawn = rules.draw(lines, pool, seed=seed, avoid=everything, worn=frozenset({"one/q-03"}))
        assert drawn == ["one/q-02", "one/q-01"]


def test_without_anything_worn_the_same_paper_is_drawn_as_ever() -> None:
    pool = [_candidate(number, "b") for number in range(8)]
    for seed in map(str, range(20)):
        drawn = rules.draw([Draw(bank="b", count=4)], pool, seed=seed)
        assert drawn == rules.draw([Draw(bank="b", count=4)], pool, seed=seed, worn=frozenset({"b/elsewhere"}))


# --- strata ---


@settings(max_examples=examples(40), deadline=None)
@given(st.lists(st.integers(0, 6), min_size=1, max_size=5), st.integers(1, 12), st.text("ab", max_size=3), st.data())
def test_strata_give_equally_many_and_one_that_is_short_gives_all_it_has(
    sizes: list[int], count: int, seed: str, data: st.DataObject
) -> None:
    assume(sum(sizes) >= count)
    pool = [
        _candidate(level * 10 + number, "one", difficulty=level + 1)
        for level, size in enumerate(sizes)
        for number in range(size)
    ]
    line = Draw(bank="one", count=count, strata=Strata.DIFFICULTY)
    drawn = rules.draw([line], pool, seed=seed, avoid=_some_of(data, pool), worn=_some_of(data, pool))
    assert drawn is not None
    given_by = [sum(address[-2] == str(level) for address in drawn) for level in range(len(sizes))]
    assert sum(given_by) == count
    # Whoever gives fewer than another by more than one has nothing left.
    for mine, there in zip(given_by, sizes, strict=True):
        assert mine == there or mine >= max(given_by) - 1


def test_what_is_over_comes_from_another_stratum_under_another_seed() -> None:
    pool = [_candidate(number, "one", difficulty=1 + number % 3) for number in range(30)]
    line = Draw(bank="one", count=4, strata=Strata.DIFFICULTY)
    by_address = {candidate.address: candidate.difficulty for candidate in pool}
    twice = set()
    for seed in map(str, range(30)):
        levels = [by_address[address] for address in rules.draw([line], pool, seed=seed) or []]
        twice |= {level for level in levels if levels.count(level) == 2}
    assert twice == {1, 2, 3}


def test_strata_that_hold_twice_their_share_never_repeat_in_a_row() -> None:
    pool = [_candidate(number, "one", difficulty=1 + number % 3) for number in range(9)]
    line = Draw(bank="one", count=4, strata=Strata.DIFFICULTY)
    by_address = {candidate.address: candidate.difficulty for candidate in pool}
    for seed in map(str, range(40)):
        row = list(_row_of_papers([line], pool, seed, 4))
        assert all(not set(before) & set(after) for before, after in pairwise(row))
        assert all(len({by_address[address] for address in paper}) == 3 for paper in row)


def test_the_strata_of_a_line_are_those_its_filter_names_or_all_there_are() -> None:
    pool = [
        _candidate(1, "one", tags=frozenset({"x"}), clauses=frozenset({"p#a", "a"})),
        _candidate(2, "one", tags=frozenset({"x", "y"}), clauses=frozenset({"p#b", "b"})),
        _candidate(3, "one", tags=frozenset(), clauses=frozenset({"p#a", "a"})),
    ]

    def strata(**facts: object) -> dict[str, int]:
        found = strata_in(Draw(bank="one", count=2, **facts), pool)  # type: ignore[arg-type]
        return {name: len(members) for name, members in found.items()}

    assert strata(strata=Strata.TAG) == {"x": 2, "y": 1}
    assert strata(strata=Strata.TAG, tags=("y", "z")) == {"y": 1, "z": 0}
    assert strata(strata=Strata.CLAUSE) == {"p#a": 2, "p#b": 1}
    assert strata(strata=Strata.CLAUSE, clauses=("a",)) == {"a": 2}
    assert strata(strata=Strata.DIFFICULTY) == {}
    # What is in no stratum of the line is not drawn by it.
    assert not Draw(bank="one", count=1, strata=Strata.TAG).takes(pool[2])


def test_shares_are_dealt_round_by_round() -> None:
    there = {"a": 1, "b": 5, "c": 5}
    assert shares(6, there, lambda name, turn: name) == {"a": 1, "b": 3, "c": 2}
    assert shares(99, there, lambda name, turn: name) == there


# --- the order of a paper ---


def test_sections_come_one_after_the_other_and_what_is_on_trial_stands_among_the_rest() -> None:
    lines = [
        Draw(bank="one", count=2, section="s"),
        Draw(bank="two", count=2, section="t"),
        Draw(bank="one", count=1, section="s"),
    ]
    drawn = ["one/1", "one/2", "two/1", "two/2", "one/3"]
    places = set()
    for seed in map(str, range(30)):
        paper = rules.arrange(lines, drawn, [_candidate(9, "two")], sections=["t", "s"], seed=seed, shuffles=seed < "2")
        assert [each.section for each in paper] == ["t"] * 3 + ["s"] * 3
        assert {each.address for each in paper if each.is_scored} == set(drawn)
        (pilot,) = [place for place, each in enumerate(paper) if not each.is_scored]
        places.add(pilot)
    assert places == {0, 1, 2}


def test_without_sections_and_shuffling_a_paper_is_in_the_order_of_its_lines() -> None:
    lines = [Draw(bank="one", count=2), Draw(questions=("two/7",))]
    paper = rules.arrange(lines, ["one/5", "one/1", "two/7"], seed="s", shuffles=False)
    assert [each.address for each in paper] == ["one/5", "one/1", "two/7"]
    assert all(each.is_scored and not each.section for each in paper)


def test_pilots_are_drawn_as_far_as_there_are_any_and_new_ones_first() -> None:
    pool = [_candidate(number, "one") for number in range(4)]
    first = rules.draw_pilots(2, pool, seed="a")
    second = rules.draw_pilots(2, pool, seed="b", avoid=frozenset(each.address for each in first))
    assert {each.address for each in first}.isdisjoint(each.address for each in second)
    assert len(rules.draw_pilots(9, pool, seed="a")) == 4


def test_so_many_papers_are_in_a_bank() -> None:
    pool = [_candidate(number, "one") for number in range(11)]
    assert rules.count_papers([Draw(bank="one", count=4)], pool, 5) == 2
    assert rules.count_papers([Draw(bank="one", count=4), Draw(questions=("one/q-03",))], pool, 5) == 2
    assert rules.count_papers([Draw(bank="one", count=12)], pool, 5) == 0
    assert rules.count_papers([Draw(bank="one", count=1)], pool, 5) == 5

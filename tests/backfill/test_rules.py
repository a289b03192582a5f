"""What levels rest on, who could stand in, and who could be made ready soonest: the rules by themselves."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.backfill import rules
from portal.backfill.rules import (
    NOBODY_OUT,
    NOTHING,
    SEEN_HOLDS_DAYS,
    Bound,
    Confirmed,
    Edition,
    HandedOver,
    Held,
    Level,
    Missing,
    Out,
    Passed,
    Reason,
    Row,
    RowKind,
    RunSeen,
    StageSeen,
    Standing,
    Statement,
    Step,
    Why,
)
from portal.duties.rules import RunHow
from portal.handover.rules import Stage

TODAY = date(2026, 11, 30)
LONG_AGO = TODAY - timedelta(days=SEEN_HOLDS_DAYS + 1)
LATELY = TODAY - timedelta(days=18)
HELPED = (LATELY, RunHow.WITH_HELP, True)


def task(
    *runs: tuple[date, RunHow, bool] | tuple[date, RunHow, bool, bool],
    stages: Mapping[Stage, tuple[date, bool]] | None = None,
    handed_over: tuple[date, ...] = (),
    stated: Statement | None = None,
) -> Standing:
    seen = [StageSeen(stage, on, accepted) for stage, (on, accepted) in (stages or {}).items()]
    given = [HandedOver(each) for each in handed_over]
    return rules.standing_in_task([RunSeen(*each) for each in runs], seen, given, stated)


# --- Tasks -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("standing", "level"),
    [
        (task(), 0),
        (task(stages={Stage.SHADOW: (LONG_AGO, False)}), 1),
        (task(stages={Stage.REVERSE_SHADOW: (LONG_AGO, False)}), 2),
        (task((LONG_AGO, RunHow.WITH_HELP, False)), 2),
        (task((LATELY, RunHow.ALONE, False)), 3),
        (task((LONG_AGO, RunHow.ALONE, False)), 2),
        (task(stages={Stage.ALONE: (LATELY, False)}), 2),
        (task(stages={Stage.ALONE: (LATELY, True)}), 3),
        (task(stages={Stage.ALONE: (LONG_AGO, True)}), 2),
        (task((LATELY, RunHow.WITH_HELP, True)), 2),
        (task(HELPED, HELPED), 2),
        (task(HELPED, HELPED, (LONG_AGO, RunHow.ALONE, False)), 4),
        (task(HELPED, HELPED, stages={Stage.ALONE: (LONG_AGO, False)}), 4),
        (task(HELPED, (LONG_AGO, RunHow.WITH_HELP, True), (LONG_AGO, RunHow.ALONE, False)), 2),
        (task((*HELPED, True), (*HELPED, True), (LONG_AGO, RunHow.ALONE, False)), 2),
        (task((*HELPED, True), HELPED, (LONG_AGO, RunHow.ALONE, False)), 2),
        (task(handed_over=(LATELY,)), 4),
        (task(handed_over=(LONG_AGO,)), 2),
        (task(stated=Statement(Level.CAN_TEACH, LATELY, "showed two colleagues")), 4),
        (task(stated=Statement(Level.ALONE, LONG_AGO, "did it")), 2),
        (task(stated=Statement(Level.NONE, LATELY, "has not begun")), 0),
    ],
)
def test_each_kind_of_evidence_gives_its_level_in_a_task(standing: Standing, level: int) -> None:
    assert standing.level_on(TODAY) == level


def test_what_was_done_alone_counts_for_180_days_and_then_as_done_with_help() -> None:
    done = task((LATELY, RunHow.ALONE, False))
    last = LATELY + timedelta(days=SEEN_HOLDS_DAYS)
    assert [done.level_on(day) for day in (LATELY, last, last + timedelta(days=1))] == [3, 3, 2]
    assert done.able_until(TODAY, last) is None, "the last day of the days looked at is still covered"
    assert done.able_until(TODAY, last + timedelta(days=1)) == last


def test_the_reasons_say_what_was_seen_and_when_those_that_give_most_first() -> None:
    found = task(
        (LATELY, RunHow.ALONE, False),
        (LONG_AGO, RunHow.ALONE, False),
        stages={Stage.SHADOW: (LONG_AGO, False)},
        stated=Statement(Level.WITH_HELP, LATELY, "with the card beside her"),
    )
    assert [(each.why, each.on, each.number, each.said) for each in found.reasons] == [
        (Why.RAN_ALONE, LATELY, 2, ""),
        (Why.STATED, LATELY, 0, "with the card beside her"),
        (Why.SHADOWED, LONG_AGO, 0, ""),
    ]


# --- Policies ----------------------------------------------------------------------------------

FIRST = Edition(1, "1.0", date(2026, 1, 1), True)
CLEARER = Edition(2, "1.1", date(2026, 6, 1), False)
OTHER = Edition(3, "2.0", date(2026, 10, 1), True)
COMING = Edition(4, "3.0", date(2026, 12, 7), True)


def policy(*confirmed: Confirmed, editions: Any = (FIRST, CLEARER, OTHER), **known: Any) -> Standing:
    known = {"quiz_passed": None, "signed_off": None, "statement": None} | known
    return rules.standing_in_policy(confirmed, editions, today=TODAY, **known)


IN_FORCE = Confirmed(3, "2.0", date(2026, 10, 5), 0)
OLDER = Confirmed(2, "1.1", date(2026, 6, 5), 4)


@pytest.mark.parametrize(
    ("standing", "level"),
    [
        (policy(), 0),
        (policy(IN_FORCE), 1),
        (policy(OLDER), 1),
        (policy(OLDER, IN_FORCE), 1),
        (policy(IN_FORCE, quiz_passed=Passed(LATELY)), 2),
        (policy(IN_FORCE, signed_off=Passed(LONG_AGO)), 3),
        (policy(IN_FORCE, statement=Statement(Level.CAN_TEACH, LATELY, "taught it")), 4),
        (policy(OLDER, quiz_passed=Passed(LATELY), signed_off=Passed(LATELY)), 1),
        (policy(signed_off=Passed(LATELY)), 1),
        (policy(statement=Statement(Level.CAN_TEACH, LATELY, "taught it")), 1),
    ],
)
def test_a_policy_is_known_only_with_a_confirmation_of_the_version_in_force(standing: Standing, level: int) -> None:
    assert standing.level_on(TODAY) == level


def test_a_version_that_asks_nobody_again_leaves_the_confirmation_as_it_is() -> None:
    confirmed = Confirmed(1, "1.0", date(2026, 1, 2), 1)
    assert policy(confirmed, editions=[FIRST, CLEARER], signed_off=Passed(LATELY)).level_on(TODAY) == 3
    assert policy(confirmed, editions=[FIRST, CLEARER, OTHER], signed_off=Passed(LATELY)).level_on(TODAY) == 1


def test_an_older_confirmation_says_how_many_clauses_are_missing() -> None:
    assert [(each.why, each.number, each.said) for each in policy(OLDER).reasons] == [
        (Why.ACKNOWLEDGED_OLDER, 4, "1.1")
    ]


def test_a_version_to_come_ends_what_a_confirmation_is_worth_on_its_day() -> None:
    found = policy(IN_FORCE, editions=[FIRST, CLEARER, OTHER, COMING], signed_off=Passed(LATELY))
    assert [found.level_on(day) for day in (TODAY, date(2026, 12, 6), date(2026, 12, 7))] == [3, 3, 1]
    assert found.able_until(TODAY, date(2026, 12, 11)) == date(2026, 12, 6)
    ahead = policy(IN_FORCE, Confirmed(4, "3.0", LATELY, 0), editions=[FIRST, OTHER, COMING], signed_off=Passed(LATELY))
    assert ahead.level_on(date(2026, 12, 7)) == 3


# --- Credentials -------------------------------------------------------------------------------


def test_a_certificate_counts_up_to_its_last_day() -> None:
    last = TODAY + timedelta(days=3)
    found = rules.standing_in_credential(Held(LONG_AGO, True, last), None)
    assert [found.level_on(day) for day in (TODAY, last, last + timedelta(days=1))] == [3, 3, 1]
    assert found.able_until(TODAY, TODAY + timedelta(days=14)) == last
    assert rules.standing_in_credential(Held(LONG_AGO, True, None), None).able_until(TODAY, date(2030, 1, 1)) is None


def test_no_word_of_a_lead_stands_for_a_certificate() -> None:
    taught = Statement(Level.CAN_TEACH, LATELY, "trains others for it")
    last = TODAY + timedelta(days=3)
    assert rules.standing_in_credential(None, None) == Standing((), Bound(Level.WITH_HELP))
    assert rules.standing_in_credential(None, None).level_on(TODAY) == 0
    assert rules.standing_in_credential(Held(LONG_AGO, False, LATELY), None).level_on(TODAY) == 1
    assert rules.standing_in_credential(None, taught).level_on(TODAY) == 2
    valid = rules.standing_in_credential(Held(LONG_AGO, True, last), taught)
    assert [valid.level_on(day) for day in (TODAY, last, last + timedelta(days=1))] == [4, 4, 2]


# --- Who is there ------------------------------------------------------------------------------

DAYS = [TODAY + timedelta(days=number) for number in range(5)]
PEOPLE = range(1, 6)

reasons = st.builds(
    Reason,
    st.sampled_from(Level),
    st.sampled_from(Why),
    st.none(),
    st.none() | st.sampled_from(DAYS),
    st.sampled_from(Level),
)
standings = st.builds(
    Standing,
    st.lists(reasons, max_size=3).map(tuple),
    st.none() | st.builds(Bound, st.sampled_from(Level), st.none() | st.sampled_from(DAYS)),
)
rows = st.builds(
    Row,
    st.sampled_from(RowKind),
    st.text("abc", min_size=1, max_size=3),
    st.booleans(),
    st.dictionaries(st.sampled_from(PEOPLE), standings),
)
presences = st.fixed_dictionaries({day: st.frozensets(st.sampled_from(PEOPLE)) for day in DAYS})
outs = st.builds(Out, st.frozensets(st.sampled_from(PEOPLE)), st.frozensets(st.sampled_from(DAYS)))


def brute_level(standing: Standing, day: date) -> int:
    """Count a level down from the highest: the first that some reason gives and that the bound lets through."""
    for level in (4, 3, 2, 1):
        bound = standing.bound
        if bound is not None and bound.level < level and not (bound.after is not None and day <= bound.after):
            continue
        for reason in standing.reasons:
            lapsed = reason.until is not None and reason.until < day
            if (reason.after if lapsed else reason.level) >= level:
                return level
    return 0


def brute_count(row: Row, day: date, there: Mapping[date, frozenset[int]], out: Out) -> int:
    number = 0
    for person in PEOPLE:
        if person not in row.standings or person not in there[day]:
            continue
        if person in out.people and day in out.days:
            continue
        if brute_level(row.standings[person], day) >= 3:
            number += 1
    return number


@given(st.lists(rows, max_size=4), presences, outs)
def test_what_if_says_of_each_day_what_counting_one_by_one_says(
    found: list[Row], there: dict[date, frozenset[int]], out: Out
) -> None:
    for row in found:
        assert rules.coverage_of(row, DAYS, there, out) == {day: brute_count(row, day, there, out) for day in DAYS}
    expected = {
        (id(row), day, brute_count(row, day, there, out), brute_count(row, day, there, NOBODY_OUT))
        for row in found
        for day in DAYS
        if brute_count(row, day, there, out) < 2
        and brute_count(row, day, there, out) < brute_count(row, day, there, NOBODY_OUT)
    }
    answered = rules.shortages(found, DAYS, there, out)
    assert {(id(each.row), each.day, each.number, each.before) for each in answered} == expected
    assert len(answered) == len(expected)
    assert [each.number for each in answered] == sorted(each.number for each in answered)
    assert all(each.day in out.days for each in answered), "who is out on one day is missed on that day alone"


@given(standings, st.sampled_from(DAYS), st.sampled_from(DAYS))
def test_the_last_able_day_is_the_one_before_which_nothing_ends(standing: Standing, first: date, last: date) -> None:
    end = standing.able_until(first, last)
    days = [day for day in DAYS if first <= day <= last]
    able = [brute_level(standing, day) >= 3 for day in days]
    if not days or not able[0] or all(able):
        assert end is None
    else:
        assert end == days[able.index(False) - 1]


@given(st.lists(rows, max_size=5), st.sampled_from(DAYS))
def test_decision_numbers_are_those_of_the_critical_rows_alone(found: list[Row], day: date) -> None:
    everybody = {each: frozenset(PEOPLE) for each in DAYS}
    counts = [brute_count(row, day, everybody, NOBODY_OUT) for row in found if row.is_critical]
    assert rules.bus_factor(found, day) == (min(counts) if counts else None)
    share = rules.share_doubled(found, day)
    assert share == (Fraction(len([each for each in counts if each >= 2]), len(counts)) if counts else None)


# --- Soonest ready -----------------------------------------------------------------------------

missing = st.builds(
    Missing,
    st.integers(1, 9),
    st.integers(0, 5),
    st.lists(st.sampled_from(Step), max_size=3).map(tuple),
    st.integers(0, 3),
    st.none() | st.integers(0, 90),
    st.lists(st.text("abc", min_size=1, max_size=2), max_size=3).map(tuple),
)


def lacks_less(one: Missing, other: Missing) -> bool:
    """Say in words what comes first, comparison by comparison."""
    if one.number != other.number:
        return one.number < other.number
    if (one.minutes is None) != (other.minutes is None):
        return other.minutes is None
    if one.minutes is not None and other.minutes is not None and one.minutes != other.minutes:
        return one.minutes < other.minutes
    if len(one.clauses) != len(other.clauses):
        return len(one.clauses) < len(other.clauses)
    return (one.place, one.person_id) < (other.place, other.person_id)


@given(st.lists(missing, max_size=7, unique_by=lambda each: each.person_id), st.randoms(use_true_random=False))
def test_soonest_ready_is_who_lacks_least_whatever_the_order_they_come_in(found: list[Missing], random: Any) -> None:
    expected, rest = [], list(found)
    while rest:
        best = rest[0]
        for each in rest:
            if lacks_less(each, best):
                best = each
        expected.append(best)
        rest.remove(best)
    shuffled = list(found)
    random.shuffle(shuffled)
    assert rules.soonest_ready(shuffled) == expected


def test_what_is_missing_in_a_task_is_the_ladder_from_where_somebody_stands() -> None:
    def of(level: Level, minutes: int | None = 30) -> Missing:
        return rules.missing_in_task(1, 0, level, minutes=minutes, clauses=["scope"], minutes_to_read=5)

    assert of(Level.NONE) == Missing(1, 0, (Step.SHADOW, Step.REVERSE_SHADOW, Step.ALONE), 0, 95, ("scope",))
    assert of(Level.AWARE).minutes == 65
    assert of(Level.WITH_HELP) == Missing(1, 0, (Step.ALONE,), 0, 35, ("scope",))
    assert of(Level.WITH_HELP, None).minutes is None


def test_what_is_missing_in_a_policy_and_a_credential_is_what_leads_to_three() -> None:
    confirm = rules.missing_in_policy(
        1, 0, is_confirmed=False, is_signed_off=True, has_step=True, clauses=["a", "b"], minutes_to_read=4
    )
    assert (confirm.steps, confirm.minutes, confirm.clauses) == ((Step.CONFIRM,), 4, ("a", "b"))
    both = rules.missing_in_policy(
        1, 0, is_confirmed=False, is_signed_off=False, has_step=True, clauses=[], minutes_to_read=4
    )
    assert both.steps == (Step.CONFIRM, Step.SIGN_OFF)
    stated = rules.missing_in_policy(
        1, 0, is_confirmed=True, is_signed_off=False, has_step=False, clauses=[], minutes_to_read=0
    )
    assert stated.steps == (Step.STATED,), "no training plan leads there"
    assert rules.missing_in_credential(1, 0, 4, 120).number == 5


def test_nobody_is_at_anything_without_evidence() -> None:
    assert NOTHING.level_on(TODAY) is Level.NONE

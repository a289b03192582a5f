"""What a plan's dates, states and progress are: laws and named cases."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.calendars.rules import OffReason, WorkingCalendar, add_working_days, working_day_number
from portal.core.i18n import Words
from portal.training import rules
from portal.training.rules import Basis, Doer, EventDay, Extension, Fault, FaultKind, Pause, StepShape, StepState
from tests.volume import examples

pytestmark = pytest.mark.any_database

START = date(2026, 4, 1)
days = st.integers(0, 60).map(lambda number: START + timedelta(days=number))
calendars = st.builds(
    WorkingCalendar,
    holidays=st.dictionaries(days, st.just(Words("Holiday", "祝日")), max_size=10),
    leave=st.frozensets(days, max_size=10),
)


event_days = st.tuples(days, days).map(
    lambda drawn: (("exam", EventDay(drawn[0])), ("visit", EventDay(drawn[1], is_of_cohort=True)))
)
EVENTS = (("exam", EventDay(START + timedelta(days=20))), ("visit", EventDay(START - timedelta(days=2))))


@st.composite
def plans(draw: st.DrawFn, earliest: int = -6, events: tuple[str, ...] = ("exam", "visit")) -> list[StepShape]:
    """Draw a plan that can be followed: anchors and prerequisites point to earlier steps."""
    steps: list[StepShape] = []
    for number in range(draw(st.integers(1, 8))):
        earlier = [step.slug for step in steps]
        anchor = draw(st.sampled_from([None, *earlier]))
        steps.append(
            StepShape(
                slug=f"s{number}",
                due_days=draw(st.integers(earliest, 9)),
                anchor=anchor,
                event=draw(st.sampled_from([None, *events])) if anchor is None else None,
                minutes=draw(st.sampled_from([0, 20, 160, 200, 360, 800])),
                prerequisites=tuple(draw(st.sets(st.sampled_from(earlier), max_size=2))) if earlier else (),
                required=number == 0 or draw(st.booleans()),
                by=draw(st.sampled_from(list(Doer))),
            )
        )
    return steps


@st.composite
def bases(draw: st.DrawFn) -> Basis:
    """Draw what moves the dates of one person: more time for steps and the plan, and pauses after one another."""
    slugs = st.one_of(st.none(), st.integers(0, 7).map(lambda number: f"s{number}"))
    given_time = tuple(
        (slug, Extension(draw(st.integers(1, 4)), "reason", is_of_plan=slug is None))
        for slug in draw(st.lists(slugs, max_size=4))
    )
    pauses, day = [], START - timedelta(days=5)
    for _number in range(draw(st.integers(0, 2))):
        first_on = day + timedelta(days=draw(st.integers(0, 20)))
        day = first_on + timedelta(days=draw(st.integers(0, 15)))
        pauses.append(Pause(first_on, day))
    return Basis(draw(days), given_time, tuple(pauses), draw(event_days))


@settings(max_examples=examples(50), deadline=None)
@given(plans(), calendars, bases())
def test_every_date_recomputes_from_its_explanation(
    steps: list[StepShape], calendar: WorkingCalendar, basis: Basis
) -> None:
    own = basis.calendar(calendar, START)
    away = calendar.leave | {day for pause in basis.pauses for day in pause.days(START)}
    dues = rules.schedule(steps, basis, own)
    for step in steps:
        due = dues[step.slug]
        if step.anchor is not None:
            anchor_on = dues[step.anchor].on
        else:
            anchor_on = basis.event(step.event).on if step.event is not None else basis.starts_on
        # Without absences, by the market's calendar alone.
        market = add_working_days(anchor_on, step.due_days, calendar.undisturbed).on
        assert due.undisturbed.derivation.recount() == due.undisturbed.on == market
        assert due.counted.derivation.start == anchor_on
        assert due.counted.derivation.recount() == due.counted.on
        if step.due_days >= 0:
            # With them: each day away that would have been worked moves it by one working day.
            on = add_working_days(anchor_on, step.due_days, own).on
            assert (due.counted.on, due.resumed) == (on, None)
            absent = {day for day in away if anchor_on <= day <= on}
            further = add_working_days(market, len(due.absences), calendar.undisturbed).on
        else:
            # Counted back, leave makes it earlier and a pause never does: after it is the first day for it.
            back = add_working_days(anchor_on, step.due_days, calendar).on
            on = add_working_days(back, 0, own).on
            assert due.counted.on == back
            assert (on == back) == (due.resumed is None)
            assert due.resumed is None or due.resumed.derivation.recount() == due.resumed.on == on
            absent = {day for day in calendar.leave if back <= day < anchor_on} | {
                day for day in away if back <= day < on
            }
            leave = [off for off in due.counted.derivation.skipped if off.reason is OffReason.LEAVE]
            further = add_working_days(market, -len(leave), calendar.undisturbed).on
            on_leave = due.counted.on
        assert {off.on for off in due.absences} == {day for day in absent if calendar.undisturbed.is_working_day(day)}
        assert further == (on if step.due_days >= 0 else on_leave)
        assert due.with_absences.on == on
        # Then what was given, that for the plan first, and only where the plan's start is counted from.
        is_from_start = step.anchor is None and step.event is None
        given_time = [*(basis.of(None) if is_from_start else ()), *basis.of(step.slug)]
        for extension, extended in zip(given_time, due.extended, strict=True):
            on = add_working_days(on, extension.working_days, own).on
            assert extended.extension == extension
            assert extended.due.derivation.recount() == extended.due.on == on
        assert due.on == on
        assert own.is_working_day(due.on)


@settings(max_examples=examples(50), deadline=None)
@given(plans(), calendars, st.integers(1, 9))
def test_more_time_for_the_plan_moves_every_date_by_it_but_those_counted_from_an_event(
    steps: list[StepShape], calendar: WorkingCalendar, more: int
) -> None:
    before = rules.schedule(steps, Basis(START, events=EVENTS), calendar)
    given_time = ((None, Extension(more, "reason", is_of_plan=True)),)
    after = rules.schedule(steps, Basis(START, given_time, events=EVENTS), calendar)
    origins = rules.origins_of(steps)
    for step in steps:
        moved_by = more if origins[step.slug] is None else 0
        assert after[step.slug].on == add_working_days(before[step.slug].on, moved_by, calendar).on


@settings(max_examples=examples(50), deadline=None)
@given(plans(), calendars, days)
def test_another_day_of_an_event_moves_what_is_counted_from_it_and_nothing_else(
    steps: list[StepShape], calendar: WorkingCalendar, day: date
) -> None:
    basis = Basis(START, events=EVENTS)
    before = rules.schedule(steps, basis, calendar)
    after = rules.schedule(steps, basis.with_event("exam", EventDay(day)), calendar)
    origins, offsets = rules.origins_of(steps), rules.nominal_offsets(steps)
    for step in steps:
        if origins[step.slug] == "exam":
            assert after[step.slug].on == add_working_days(day, offsets[step.slug], calendar).on
        else:
            assert after[step.slug].on == before[step.slug].on


@settings(max_examples=examples(50), deadline=None)
@given(plans(), calendars, st.integers(-10, 40), st.integers(0, 10))
def test_a_pause_makes_no_date_earlier_and_no_date_lies_in_it(
    steps: list[StepShape], calendar: WorkingCalendar, first: int, length: int
) -> None:
    pause = Pause(START + timedelta(days=first), START + timedelta(days=first + length))
    basis = Basis(START, events=EVENTS, pauses=(pause,))
    before = rules.schedule(steps, Basis(START, events=EVENTS), calendar)
    after = rules.schedule(steps, basis, basis.calendar(calendar, START))
    for slug, due in after.items():
        assert due.on >= before[slug].on
        assert not pause.covers(due.on)


@settings(max_examples=examples(50), deadline=None)
@given(plans(earliest=0, events=()), calendars, st.integers(0, 40), st.integers(0, 10))
def test_a_day_of_a_pause_moves_what_is_due_from_then_on_and_nothing_before(
    steps: list[StepShape], calendar: WorkingCalendar, first: int, length: int
) -> None:
    pause = Pause(START + timedelta(days=first), START + timedelta(days=first + length))
    before = rules.schedule(steps, Basis(START), calendar)
    basis = Basis(START, pauses=(pause,))
    after = rules.schedule(steps, basis, basis.calendar(calendar, START))
    lost = sum(calendar.is_working_day(day) for day in pause.days(START))
    for step in steps:
        on = before[step.slug].on
        expected = on if on < pause.first_on else add_working_days(on, lost, calendar).on
        assert after[step.slug].on == expected


def test_a_pause_that_is_not_over_goes_on_moving_dates() -> None:
    steps, basis = [StepShape("a", 2)], Basis(START, pauses=(Pause(START + timedelta(days=1)),))
    found = []
    for today in (START, START + timedelta(days=1), START + timedelta(days=2), START + timedelta(days=9)):
        dues = rules.schedule(steps, basis, basis.calendar(WorkingCalendar(), today))
        assert not rules.statuses(steps, dues, (), today)["a"].is_late
        found.append(dues["a"].on)
    # Wednesday 1 April; from Thursday on nothing counts, the weekend never does.
    assert found == [date(2026, 4, 3), date(2026, 4, 6), date(2026, 4, 7), date(2026, 4, 14)]


def test_a_pause_taken_back_moves_nothing() -> None:
    basis = Basis(START, pauses=(Pause(START, START),))
    assert basis.calendar(WorkingCalendar(), START).paused == frozenset()
    assert basis.pause_on(START) is None


@settings(max_examples=examples(50), deadline=None)
@given(plans(), calendars)
def test_the_last_date_is_the_plans_last_working_day(steps: list[StepShape], calendar: WorkingCalendar) -> None:
    dues, origins = rules.schedule(steps, Basis(START, events=EVENTS), calendar), rules.origins_of(steps)
    counted_from_start = [due.on for slug, due in dues.items() if origins[slug] is None]
    # What lies before the start adds nothing: day 1 is there in any case.
    last = max([add_working_days(START, 0, calendar).on, *counted_from_start])
    assert working_day_number(START, last, calendar) == rules.length(steps)


@settings(max_examples=examples(50), deadline=None)
@given(plans(), calendars, st.sets(st.integers(0, 7).map(lambda number: f"s{number}")), days)
def test_states_and_progress_agree(
    steps: list[StepShape], calendar: WorkingCalendar, marked: set[str], today: date
) -> None:
    done = {step.slug for step in steps} & marked
    dues = rules.schedule(steps, Basis(START, events=EVENTS), calendar)
    found = rules.statuses(steps, dues, done, today)
    counted = rules.progress(steps, dues, done, today)
    required = [step for step in steps if step.required]
    assert counted.total == len(required)
    assert counted.done == sum(found[step.slug].state is StepState.DONE for step in required)
    assert counted.overdue == sum(found[step.slug].is_late for step in required)
    assert counted.is_complete == rules.is_complete([*steps], done) == all(step.slug in done for step in required)
    for step in steps:
        status = found[step.slug]
        before = rules.all_before(step, {each.slug: each for each in steps})
        assert (status.state is StepState.LOCKED) == (step.slug not in done and not before <= done)
        assert status.is_late == (step.slug not in done and dues[step.slug].on < today)


@settings(max_examples=examples(50), deadline=None)
@given(plans(), calendars, st.integers(0, 9), st.integers(1, 5))
def test_more_time_for_one_step_moves_only_it_and_what_is_counted_from_it(
    steps: list[StepShape], calendar: WorkingCalendar, number: int, more: int
) -> None:
    chosen = steps[number % len(steps)].slug
    before = rules.schedule(steps, Basis(START, events=EVENTS), calendar)
    given_time = ((chosen, Extension(more, "reason")),)
    after = rules.schedule(steps, Basis(START, given_time, events=EVENTS), calendar)
    moved = {chosen}
    for step in steps:
        if step.anchor in moved:
            moved.add(step.slug)
    assert {slug for slug in before if before[slug].on != after[slug].on} == moved


def test_a_step_is_due_on_its_day_and_late_on_the_next() -> None:
    steps = [StepShape("a", 0)]
    dues = rules.schedule(steps, Basis(START), WorkingCalendar())
    assert not rules.statuses(steps, dues, (), START)["a"].is_late
    assert rules.statuses(steps, dues, (), START + timedelta(days=1))["a"].is_late


PLAN_OF_TWO = {"b": StepShape("b", 0)}


def test_what_was_known_early_does_not_open_what_comes_after_it() -> None:
    steps = [
        StepShape("a", 0),
        StepShape("b", 0, prerequisites=("a",)),
        StepShape("c", 0, prerequisites=("b",)),
        StepShape("d", 0, prerequisites=("c",)),
    ]
    plan = {step.slug: step for step in steps}
    # "b" was done before the plan began: the way from "c" goes through it to "a".
    assert rules.missing_of(plan["c"], plan, {"b"}) == ("a",)
    assert rules.missing_of(plan["d"], plan, {"b"}) == ("c",)
    assert rules.first_before(plan["d"], plan, {"b"}) == ("a",)
    assert rules.first_before(plan["d"], plan, ()) == ("a",)
    assert rules.first_before(plan["d"], plan, {"a", "b", "c"}) == ()
    found = rules.statuses(steps, rules.schedule(steps, Basis(START), WorkingCalendar()), {"b"}, START)
    assert found["c"].state is StepState.LOCKED
    assert found["c"].missing == ("a",)


def test_a_sign_off_waits_for_somebody_else_until_it_is_sent_back() -> None:
    step = StepShape("a", 0, prerequisites=("b",), by=Doer.LEAD)
    assert rules.state_of(step, PLAN_OF_TWO, ()) == (StepState.LOCKED, ("b",))
    assert rules.state_of(step, PLAN_OF_TWO, {"b"}) == (StepState.WAITING, ())
    assert rules.state_of(step, PLAN_OF_TWO, {"b"}, {"a"}) == (StepState.OPEN, ())
    assert rules.state_of(step, PLAN_OF_TWO, {"a", "b"}, {"a"}) == (StepState.DONE, ())


def test_what_is_done_stays_done_whatever_its_prerequisites() -> None:
    assert rules.state_of(StepShape("a", 0, prerequisites=("b",)), {}, {"a"}) == (StepState.DONE, ())


@pytest.mark.parametrize(
    ("steps", "fault"),
    [
        ([StepShape("a", 0), StepShape("a", 1)], Fault(FaultKind.DUPLICATE_STEP, "a")),
        ([StepShape("a", -61)], Fault(FaultKind.DUE_TOO_EARLY, "a")),
        ([StepShape("a", -251, event="exam")], Fault(FaultKind.DUE_TOO_EARLY, "a")),
        ([StepShape("a", -40), StepShape("b", -21, anchor="a")], Fault(FaultKind.DUE_TOO_EARLY, "b")),
        ([StepShape("a", 250, event="exam"), StepShape("b", 1, anchor="a")], Fault(FaultKind.DUE_TOO_LATE, "b")),
        (
            [StepShape("a", -3, event="exam"), StepShape("b", -4, event="exam", prerequisites=("a",))],
            Fault(FaultKind.DUE_BEFORE_PREREQUISITE, "b", ("a",)),
        ),
        ([StepShape("a", 0, anchor="x")], Fault(FaultKind.UNKNOWN_ANCHOR, "a", ("x",))),
        ([StepShape("a", 0, anchor="b"), StepShape("b", 0)], Fault(FaultKind.LATER_ANCHOR, "a", ("b",))),
        ([StepShape("a", 0, anchor="a")], Fault(FaultKind.LATER_ANCHOR, "a", ("a",))),
        ([StepShape("a", 0, prerequisites=("x",))], Fault(FaultKind.UNKNOWN_PREREQUISITE, "a", ("x",))),
        ([StepShape("a", 0, prerequisites=("a",))], Fault(FaultKind.CYCLE, "a", ("a",))),
        (
            [StepShape("a", 0, prerequisites=("b",)), StepShape("b", 0, prerequisites=("a",))],
            Fault(FaultKind.CYCLE, "a", ("a", "b")),
        ),
        ([StepShape("a", 0, required=False)], Fault(FaultKind.NO_REQUIRED_STEP)),
        (
            [StepShape("a", 0, required=False), StepShape("b", 0, prerequisites=("a",))],
            Fault(FaultKind.OPTIONAL_PREREQUISITE, "b", ("a",)),
        ),
        (
            [StepShape("a", 5), StepShape("b", 4, prerequisites=("a",))],
            Fault(FaultKind.DUE_BEFORE_PREREQUISITE, "b", ("a",)),
        ),
    ],
)
def test_a_plan_that_cannot_be_followed_is_found_out(steps: list[StepShape], fault: Fault) -> None:
    assert rules.faults(steps) == [fault]


def test_what_is_counted_from_the_start_and_from_an_event_is_not_compared() -> None:
    steps = [StepShape("a", 40), StepShape("b", -5, event="exam", prerequisites=("a",)), StepShape("c", -60)]
    assert rules.faults(steps) == []


@settings(max_examples=examples(50), deadline=None)
@given(plans())
def test_a_plan_that_points_backwards_only_has_no_grave_fault(steps: list[StepShape]) -> None:
    assert [fault for fault in rules.faults(steps) if fault.kind not in rules.WARNINGS] == []


@settings(max_examples=examples(50), deadline=None)
@given(st.dictionaries(st.sampled_from("abcdef"), st.lists(st.sampled_from("abcdef"), max_size=3), max_size=6))
def test_a_cycle_is_found_exactly_where_one_can_walk_in_a_ring(graph: dict[str, list[str]]) -> None:
    needs = {step: [name for name in names if name in graph] for step, names in graph.items()}
    reachable = {step: set(names) for step, names in needs.items()}
    for _round in needs:
        for names in reachable.values():
            names.update(*(reachable[name] for name in tuple(names)))
    cycle = rules.find_cycle(needs)
    assert bool(cycle) == any(step in names for step, names in reachable.items())
    for step, following in zip(cycle, (*cycle[1:], *cycle[:1]), strict=True):
        assert following in needs[step]


@pytest.mark.parametrize("number", ["1", "1.", ".1", "1.0.0", "v1.0", "", "1.a", "１.０", "-1.0"])
def test_a_version_number_is_major_and_minor(number: str) -> None:
    with pytest.raises(ValueError, match="version"):
        rules.number_key(number)


def test_versions_are_ordered_as_numbers() -> None:
    assert rules.number_key("1.10") > rules.number_key("1.9") > rules.number_key("0.99")


# --- feasibility -------------------------------------------------------------------------------


def minute_by_minute(steps: list[StepShape], wanted: set[str], done: set[str]) -> int:
    """Go through what is left minute by minute: always at the first step in the plan's order that may be begun."""
    plan = {step.slug: step for step in steps}
    ways = {slug: rules.all_before(step, plan) for slug, step in plan.items()}
    left = {
        slug: plan[slug].minutes
        for slug in plan
        if slug not in done and any(slug == w or slug in ways[w] for w in wanted)
    }
    finished: dict[str, int] = {}
    day = 0

    def may_begin(slug: str) -> bool:
        anchor = plan[slug].anchor
        waits = anchor in ways[slug] and anchor in finished and day < finished[str(anchor)] + plan[slug].due_days
        return not waits and not ways[slug] & left.keys()

    while left:
        day += 1
        minutes = rules.MOST_MINUTES_A_DAY
        while True:
            slug = next((each for each in left if may_begin(each) and (minutes or left[each] == 0)), None)
            if slug is None:
                break
            if left[slug] > 0:
                left[slug] -= 1
                minutes -= 1
            if left[slug] == 0:
                finished[slug] = day
                del left[slug]
    return day


@settings(max_examples=examples(50), deadline=None)
@given(plans(), st.sets(st.integers(0, 7).map(lambda number: f"s{number}")))
def test_the_days_needed_are_those_of_going_through_it_minute_by_minute(
    steps: list[StepShape], marked: set[str]
) -> None:
    slugs = {step.slug for step in steps}
    wanted = {step.slug for step in steps if step.required} - marked
    needed = rules.days_needed(steps, wanted, marked & slugs)
    assert needed == minute_by_minute(steps, wanted, marked & slugs)
    minutes = sum(step.minutes for step in steps if step.slug in wanted)
    assert needed >= -(-minutes // rules.MOST_MINUTES_A_DAY)
    assert (needed == 0) == (not wanted)


def test_needs_nine_working_days_six_left() -> None:
    steps = [
        StepShape("read", 2, minutes=720),
        StepShape("practise", 5, anchor="read", prerequisites=("read",), minutes=30),
        StepShape("exam", -1, event="exam", prerequisites=("practise",), minutes=1080),
        StepShape("more", 2, event="exam", minutes=5, required=False),
    ]
    basis = Basis(START, events=(("exam", EventDay(date(2026, 4, 22))),))
    calendar = WorkingCalendar(holidays={date(2026, 4, 20): Words("Holiday", "祝日")})
    dues = rules.schedule(steps, basis, calendar)

    def found(today: date, done: tuple[str, ...] = ()) -> list[tuple[str | None, int, int]]:
        each = rules.feasibility(steps, dues, done, basis=basis, calendar=calendar, today=today)
        return [(one.event, one.needed, one.left) for one in each]

    # Two days of reading, the practice five days later, and the rest of that day and three more for the exam.
    assert found(START) == [("exam", 10, 14), (None, 10, 14)]
    # A late joiner: from Monday 13 April up to Tuesday the 21st, less a weekend and a holiday.
    assert found(date(2026, 4, 13)) == [("exam", 10, 6), (None, 10, 6)]
    assert found(date(2026, 4, 13), ("read",)) == [("exam", 4, 6), (None, 4, 6)]
    # Nothing is needed, so nothing is said; before the start it is counted from there.
    assert found(date(2026, 4, 13), ("read", "practise", "exam")) == []
    assert found(START - timedelta(days=30)) == found(START)
    assert found(date(2026, 5, 30)) == [("exam", 10, 0), (None, 10, 0)]


# --- The day -----------------------------------------------------------------------------------


@st.composite
def turns(draw: st.DrawFn) -> list[rules.Turn]:
    """Draw what somebody does herself; some of it waits for things that are not hers ("theirs")."""
    found: list[rules.Turn] = []
    for number in range(draw(st.integers(0, 8))):
        earlier = [*(each.key for each in found), "theirs"]
        before = draw(st.sets(st.sampled_from(earlier), max_size=2))
        found.append(rules.Turn(f"t{number}", draw(days), draw(st.booleans()), number, tuple(sorted(before))))
    return draw(st.permutations(found))


@given(turns())
def test_the_day_lists_everything_once_and_nothing_before_what_it_waits_for(mine: list[rules.Turn]) -> None:
    found = rules.in_turn(mine)
    assert sorted(each.key for each in found) == sorted(each.key for each in mine)
    seen: set[str] = set()
    for each in found:
        assert {key for key in each.waits_for if key != "theirs"} <= seen
        seen.add(each.key)


@given(turns())
def test_of_the_day_what_can_be_begun_comes_before_what_waits_for_others_and_by_its_date(
    mine: list[rules.Turn],
) -> None:
    by_key = {each.key: each for each in mine}

    def is_free(turn: rules.Turn) -> bool:
        return all(key in by_key and is_free(by_key[key]) for key in turn.waits_for)

    found = rules.in_turn(mine)
    free = [is_free(each) for each in found]
    assert free == sorted(free, reverse=True)
    # Of two that wait for nothing the earlier one comes first, unless something that is earlier still draws it ahead.
    alone = [each for each in found if not each.waits_for]
    drawn = {key for each in mine for key in each.waits_for}
    dates = [each.on for each in alone if each.key not in drawn]
    assert dates == sorted(dates)


@given(turns(), st.randoms())
def test_the_order_of_the_day_does_not_hang_on_how_it_was_read(mine: list[rules.Turn], random: Any) -> None:
    other = list(mine)
    random.shuffle(other)
    assert rules.in_turn(mine) == rules.in_turn(other)

"""When the next cycle comes, and why it does not: what is said holds when the job goes forward day by day."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from portal.calendars.rules import WorkingCalendar, add_working_days
from portal.certificates.rules import State as CertificateState
from portal.core.i18n import Words
from portal.obligations import rules
from portal.obligations.rules import (
    Break,
    Closing,
    Completion,
    CountsFrom,
    Facts,
    Health,
    Held,
    Last,
    Rhythm,
    Setting,
    State,
    Terms,
    Verdict,
)
from portal.training.rules import Basis, StepShape, schedule
from tests.volume import examples

START = date(2026, 4, 1)
KNOWN = range(2024, 2029)
PLAIN = WorkingCalendar(country="JP", known_years=KNOWN)
STEPS = (StepShape("read", 3), StepShape("quiz", 2, anchor="read"))
IN_FORCE = Setting(State.IN_FORCE, True, STEPS)
YEARLY_AFTER = Terms(Rhythm.AFTER_COMPLETION, START, 10, months=12)
BEFORE_EXPIRY = Terms(Rhythm.BEFORE_EXPIRY, START, 10, lead_days=20)
EACH_OCTOBER = Terms(Rhythm.YEARLY, START, 10, month=10, day=1)
# Further than this nobody looks: the longest rhythm and what it may be late.
HORIZON = timedelta(days=3 * 366)


def facts(**values: object) -> Facts:
    return Facts(**({"entered_on": START, "calendar": PLAIN} | values))  # type: ignore[arg-type]


def held(expires_on: date | None, code: str = "ENR1", done: date = START, **values: object) -> Held:
    state = values.get("state", CertificateState.VALID)
    assert isinstance(state, CertificateState)
    until = values.get("until", expires_on)
    assert until is None or isinstance(until, date)
    return Held(expires_on, state, Completion(done, code), until)


# --- Single promises -----------------------------------------------------------------------------


def test_whoever_never_did_it_gets_her_first_cycle_when_the_obligation_begins() -> None:
    found = rules.health(YEARLY_AFTER, IN_FORCE, facts(entered_on=date(2026, 2, 1)), date(2026, 3, 1))
    assert (found.health, found.on, found.counts_from) == (Health.INTACT, START, CountsFrom.BEGINNING)


def test_the_next_one_comes_so_many_months_after_the_last_completion() -> None:
    done = Completion(date(2026, 8, 31), "ENR1")
    found = rules.health(replace(YEARLY_AFTER, months=6), IN_FORCE, facts(completed=done), date(2026, 9, 1))
    # The last day of February 2027 is a Sunday.
    assert (found.planned_on, found.on) == (date(2027, 2, 28), date(2027, 3, 1))


def test_a_credential_is_renewed_so_many_working_days_before_it_expires() -> None:
    found = rules.health(BEFORE_EXPIRY, IN_FORCE, facts(held=held(date(2027, 3, 31))), date(2026, 9, 1))
    # Twenty working days are four weeks where there is no holiday.
    assert (found.on, found.counted_on) == (date(2027, 3, 3), date(2027, 3, 31))


def test_a_fixed_day_on_which_nobody_works_gives_way_to_the_next_working_day() -> None:
    on_leave = replace(PLAIN, leave=frozenset(date(2026, 10, 1) + timedelta(days=n) for n in range(5)))
    found = rules.health(EACH_OCTOBER, IN_FORCE, facts(calendar=on_leave), date(2026, 9, 1))
    assert (found.planned_on, found.on) == (date(2026, 10, 1), date(2026, 10, 6))


def test_a_fixed_day_that_was_missed_is_made_up_once_however_many_years_have_passed() -> None:
    last = Last(1, date(2023, 10, 1), Closing.COMPLETED)
    found = rules.health(EACH_OCTOBER, IN_FORCE, facts(last=last), date(2026, 11, 4))
    assert found.planned_on is not None
    # Before the obligation began nothing was missed.
    assert found.planned_on == date(2026, 10, 1)
    assert found.on == date(2026, 11, 4)


def test_an_obligation_that_begins_on_its_fixed_day_comes_on_that_day() -> None:
    terms = replace(EACH_OCTOBER, begins_on=date(2026, 10, 1))
    for today in (date(2026, 9, 30), date(2026, 10, 1)):
        assert rules.health(terms, IN_FORCE, facts(), today).on == date(2026, 10, 1)


def test_a_newcomer_waits_for_the_next_fixed_day() -> None:
    found = rules.health(EACH_OCTOBER, IN_FORCE, facts(entered_on=date(2026, 10, 2)), date(2026, 10, 5))
    assert found.on == date(2027, 10, 1)


def test_29_february_is_the_28th_in_other_years() -> None:
    terms = replace(EACH_OCTOBER, month=2, day=29)
    assert rules.health(terms, IN_FORCE, facts(), date(2026, 5, 1)).planned_on == date(2027, 2, 28)
    assert rules.fixed_day(2028, 2, 29) == date(2028, 2, 29)


def test_a_running_cycle_is_open_until_its_date_and_lapses_when_the_next_fixed_day_comes() -> None:
    last = Last(1, date(2026, 10, 1), None, due_on=date(2026, 10, 15))
    found = rules.health(EACH_OCTOBER, IN_FORCE, facts(last=last, runs=True), date(2027, 3, 1))
    assert (found.health, found.due_on, found.on) == (Health.OPEN, date(2026, 10, 15), date(2027, 10, 1))
    assert not found.opens(date(2027, 9, 30))
    assert rules.health(EACH_OCTOBER, IN_FORCE, facts(last=last, runs=True), date(2027, 10, 1)).opens(date(2027, 10, 1))


def test_a_cycle_that_is_counted_from_its_own_completion_never_lapses() -> None:
    last = Last(1, START, None, due_on=date(2026, 4, 15))
    found = rules.health(YEARLY_AFTER, IN_FORCE, facts(last=last, runs=True), date(2030, 1, 1))
    assert (found.health, found.on, found.opens(date(2030, 1, 1))) == (Health.OPEN, None, False)


def test_a_recent_completion_counts_for_the_fixed_day_once() -> None:
    terms, done = replace(EACH_OCTOBER, recognise_days=90), Completion(date(2026, 8, 3), "ENR1")
    today = date(2026, 9, 1)
    assert rules.health(terms, IN_FORCE, facts(completed=done), today).recognised == done
    assert rules.health(terms, IN_FORCE, facts(completed=done, used={"ENR1"}), today).recognised is None
    old = Completion(date(2026, 7, 2), "ENR1")
    assert rules.health(terms, IN_FORCE, facts(completed=old), today).recognised is None
    # What she is doing already is taken up instead.
    assert rules.health(terms, IN_FORCE, facts(completed=done, runs=True), today).recognised is None


@pytest.mark.parametrize(
    ("terms", "setting", "found", "broken"),
    [
        (YEARLY_AFTER, replace(IN_FORCE, state=State.PAUSED), facts(), Break.PAUSED),
        (YEARLY_AFTER, replace(IN_FORCE, state=State.ENDED), facts(), Break.ENDED),
        (YEARLY_AFTER, replace(IN_FORCE, has_owner=False), facts(), Break.NO_OWNER),
        (YEARLY_AFTER, replace(IN_FORCE, steps=None), facts(), Break.NO_PLAN),
        (YEARLY_AFTER, replace(IN_FORCE, has_events=True), facts(), Break.PLAN_HAS_EVENTS),
        (YEARLY_AFTER, IN_FORCE, facts(has_zone=False), Break.ZONE_UNKNOWN),
        (YEARLY_AFTER, IN_FORCE, facts(last=Last(1, START, Closing.STOPPED)), Break.STOPPED),
        (BEFORE_EXPIRY, IN_FORCE, facts(last=Last(1, START, Closing.COMPLETED)), Break.NO_CERTIFICATE),
        (
            BEFORE_EXPIRY,
            IN_FORCE,
            facts(held=held(date(2027, 1, 1), state=CertificateState.REVOKED)),
            Break.CERTIFICATE_NOT_VALID,
        ),
        (
            BEFORE_EXPIRY,
            IN_FORCE,
            facts(held=held(date(2027, 1, 1), state=CertificateState.SUSPENDED)),
            Break.CERTIFICATE_NOT_VALID,
        ),
        (BEFORE_EXPIRY, IN_FORCE, facts(held=held(None)), Break.NO_EXPIRY),
        (
            BEFORE_EXPIRY,
            IN_FORCE,
            facts(
                held=held(date(2026, 5, 1)),
                last=Last(1, START, Closing.COMPLETED, completion=Completion(date(2026, 4, 20), "ENR2")),
            ),
            Break.NOT_RENEWED,
        ),
        (YEARLY_AFTER, IN_FORCE, facts(completed=Completion(date(2028, 2, 1), "ENR1")), Break.YEAR_UNKNOWN),
        (BEFORE_EXPIRY, IN_FORCE, facts(held=held(date(2030, 2, 1))), Break.YEAR_UNKNOWN),
    ],
)
def test_what_stands_in_the_way_has_a_name(terms: Terms, setting: Setting, found: Facts, broken: Break) -> None:
    verdict = rules.health(terms, setting, found, date(2026, 4, 2))
    assert (verdict.health, verdict.broken, verdict.on) == (Health.INTERRUPTED, broken, None)


def test_who_never_held_the_certificate_is_not_interrupted_and_can_begin_by_hand() -> None:
    found = rules.health(BEFORE_EXPIRY, IN_FORCE, facts(), date(2026, 4, 2))
    assert (found.health, found.broken) == (Health.WITHOUT, Break.NO_CERTIFICATE)
    counts = rules.count([(found, date(2026, 4, 2))])
    assert (counts.people, counts.without, counts.interrupted, counts.breaks) == (1, 1, 0, {})
    by_hand = rules.health(BEFORE_EXPIRY, IN_FORCE, facts(), date(2026, 4, 2), by_hand=True)
    assert by_hand.health is Health.INTACT


def test_an_expired_certificate_is_still_renewed() -> None:
    expired = held(date(2026, 4, 10), state=CertificateState.EXPIRED)
    found = rules.health(BEFORE_EXPIRY, IN_FORCE, facts(held=expired), date(2026, 6, 1))
    assert (found.health, found.on) == (Health.INTACT, date(2026, 6, 1))


def test_a_training_that_would_run_into_an_unknown_year_does_not_begin() -> None:
    terms = replace(EACH_OCTOBER, month=12, day=27)
    found = rules.health(terms, IN_FORCE, facts(entered_on=date(2028, 1, 5)), date(2028, 1, 5))
    assert (found.broken, found.year) == (Break.YEAR_UNKNOWN, 2029)


def test_who_follows_the_plan_already_needs_no_version_to_be_enrolled_in() -> None:
    for setting in (replace(IN_FORCE, steps=None), replace(IN_FORCE, has_events=True)):
        found = rules.health(YEARLY_AFTER, setting, facts(runs=True), START)
        assert (found.health, found.on) == (Health.INTACT, START)


def test_what_was_interrupted_by_a_person_goes_on_by_hand_and_nothing_else_does() -> None:
    stopped = facts(last=Last(1, START, Closing.STOPPED))
    found = rules.health(YEARLY_AFTER, IN_FORCE, stopped, date(2026, 5, 1), by_hand=True)
    assert (found.health, found.on, found.counts_from) == (Health.INTACT, date(2026, 5, 1), CountsFrom.BY_HAND)
    for setting in (replace(IN_FORCE, state=State.PAUSED), replace(IN_FORCE, steps=None)):
        assert rules.health(YEARLY_AFTER, setting, stopped, date(2026, 5, 1), by_hand=True).broken


def test_counts_add_up() -> None:
    today = date(2026, 9, 1)
    verdicts = [
        Verdict(Health.INTACT, on=date(2026, 10, 2)),
        Verdict(Health.INTACT, on=date(2026, 10, 1)),
        Verdict(Health.OPEN, due_on=date(2026, 8, 31)),
        Verdict(Health.OPEN, due_on=today),
        Verdict(Health.INTERRUPTED, Break.STOPPED),
    ]
    found = rules.count([(each, today) for each in verdicts])
    assert (found.people, found.intact, found.open, found.overdue, found.interrupted) == (5, 2, 2, 1, 1)
    assert (found.next_on, found.breaks) == (date(2026, 10, 1), {Break.STOPPED: 1})


def test_nobody_is_sent_into_a_plan_that_only_renews_once_nothing_can_be_renewed() -> None:
    """The last day of grace is the last one on which a training may begin that renews."""
    renews = replace(IN_FORCE, only_renews=True)
    expired = held(date(2026, 5, 1), until=date(2026, 5, 31), state=CertificateState.IN_GRACE)
    for today, broken in ((date(2026, 5, 29), None), (date(2026, 6, 1), Break.GRACE_OVER)):
        assert rules.health(BEFORE_EXPIRY, renews, facts(held=expired), today).broken is broken
        # A plan that earns the credential anew is what it needs then.
        assert rules.health(BEFORE_EXPIRY, IN_FORCE, facts(held=expired), today).broken is None
    # By hand neither, and what comes in time is not too late.
    late = rules.health(BEFORE_EXPIRY, renews, facts(held=expired), date(2026, 6, 1), by_hand=True)
    assert (late.health, late.broken) == (Health.INTERRUPTED, Break.GRACE_OVER)
    assert rules.health(BEFORE_EXPIRY, renews, facts(held=held(date(2027, 3, 31))), date(2026, 6, 1)).broken is None
    # 30 and 31 May are a weekend: her first working day comes after the grace.
    assert rules.health(BEFORE_EXPIRY, renews, facts(held=expired), date(2026, 5, 30)).broken is Break.GRACE_OVER
    older = held(date(2026, 5, 1), state=CertificateState.POLICY_SUPERSEDED)
    assert rules.health(BEFORE_EXPIRY, renews, facts(held=older), date(2026, 6, 1)).broken is None


# --- The law: what is said is what happens --------------------------------------------------------

_DAYS = st.dates(date(2025, 1, 1), date(2028, 12, 31))


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Terms, Setting, Facts, date]:
    """Draw terms, what holds for everybody, one person, and a day."""
    today = draw(st.dates(date(2026, 1, 1), date(2028, 6, 30)))
    rhythm = draw(st.sampled_from(list(Rhythm)))
    terms = Terms(
        rhythm,
        begins_on=draw(_DAYS),
        days=draw(st.integers(1, 30)),
        months=draw(st.integers(1, 24)) if rhythm is Rhythm.AFTER_COMPLETION else None,
        lead_days=draw(st.integers(1, 60)) if rhythm is Rhythm.BEFORE_EXPIRY else None,
        month=draw(st.integers(1, 12)) if rhythm is Rhythm.YEARLY else None,
        day=draw(st.integers(1, 31)) if rhythm is Rhythm.YEARLY else None,
        recognise_days=draw(st.none() | st.integers(1, 365)) if rhythm is Rhythm.YEARLY else None,
    )
    mostly = st.sampled_from((True, True, True, True, False))
    setting = Setting(
        draw(st.sampled_from((State.IN_FORCE, State.IN_FORCE, State.IN_FORCE, State.PAUSED, State.ENDED))),
        draw(mostly),
        STEPS if draw(mostly) else None,
        has_events=not draw(mostly),
        only_renews=not draw(mostly),
    )
    away = draw(st.none() | st.tuples(_DAYS, st.integers(1, 200)))
    leave = frozenset(away[0] + timedelta(days=n) for n in range(away[1])) if away else frozenset()
    holidays = {day: Words("Holiday", "祝日") for day in draw(st.lists(_DAYS, max_size=8))}
    completed = draw(st.none() | st.builds(Completion, st.dates(date(2024, 1, 1), today), st.just("ENR1")))
    closing = draw(st.none() | st.sampled_from(list(Closing)))
    last = None
    if draw(st.booleans()):
        done = closing in rules.DONE
        last = Last(
            1,
            draw(st.dates(date(2024, 1, 1), today)),
            closing,
            due_on=draw(_DAYS) if closing is None else None,
            completion=(completed or Completion(today, "ENR2")) if done else None,
        )
    certificate = draw(
        st.none()
        | st.builds(
            Held,
            st.none() | st.dates(date(2025, 6, 1), date(2029, 12, 31)),
            st.sampled_from(list(CertificateState)),
            st.builds(Completion, st.dates(date(2024, 1, 1), today), st.sampled_from(("ENR1", "ENR2", "ENR3"))),
            st.none() | st.dates(date(2025, 6, 1), date(2029, 12, 31)),
        )
    )
    return (
        terms,
        setting,
        Facts(
            entered_on=draw(st.dates(date(2024, 1, 1), today)),
            calendar=WorkingCalendar("JP", KNOWN, holidays=holidays, leave=leave),
            completed=completed,
            held=certificate,
            last=last,
            used=draw(st.sampled_from(((), ("ENR1",)))),
            runs=last is not None and closing is None,
            has_zone=draw(mostly),
        ),
        today,
    )


def first_opening(terms: Terms, setting: Setting, found: Facts, today: date) -> date | None:
    """Go forward day by day as the job does, and return the day on which it opens a cycle."""
    day = today
    while day <= today + HORIZON:
        if rules.health(terms, setting, found, day).opens(day):
            return day
        day += timedelta(days=1)
    return None


@settings(max_examples=examples(120), deadline=None)
@given(worlds())
def test_intact_on_a_day_means_that_the_job_opens_it_on_that_very_day(
    world: tuple[Terms, Setting, Facts, date],
) -> None:
    terms, setting, found, today = world
    verdict = rules.health(terms, setting, found, today)
    event(f"{verdict.health} {verdict.broken or terms.rhythm}")
    opened_on = first_opening(terms, setting, found, today)
    # What lies beyond the years that are known cannot be promised; all others are reached.
    if verdict.on is not None and verdict.on > today + HORIZON:
        assert opened_on is None
    else:
        assert opened_on == verdict.on
    assert (verdict.health in (Health.INTERRUPTED, Health.WITHOUT)) == (verdict.broken is not None)
    if verdict.broken is not None:
        assert opened_on is None


@settings(max_examples=examples(80), deadline=None)
@given(worlds(), st.integers(0, 120))
def test_what_an_outage_has_kept_back_comes_on_the_first_working_day_after_it(
    world: tuple[Terms, Setting, Facts, date], outage: int
) -> None:
    terms, setting, found, today = world
    verdict = rules.health(terms, setting, found, today)
    later = today + timedelta(days=outage)
    if verdict.on is None or verdict.on > later:
        return
    after = rules.health(terms, setting, found, later)
    if after.broken is Break.YEAR_UNKNOWN:
        return
    assert after.on is not None
    assert later <= after.on
    # Nothing comes twice for one outage, and the day that was planned stays what it was, or is the latest one.
    assert after.planned_on is not None
    assert verdict.planned_on is not None
    assert verdict.planned_on <= after.planned_on <= after.on
    assert first_opening(terms, setting, found, later) == after.on


@settings(max_examples=examples(60), deadline=None)
@given(worlds())
def test_remembering_what_was_counted_changes_nothing(world: tuple[Terms, Setting, Facts, date]) -> None:
    terms, setting, found, today = world
    memo: rules.Memo = {}
    first = rules.health(terms, setting, found, today, memo=memo)
    assert rules.health(terms, setting, found, today, memo=memo) == first == rules.health(terms, setting, found, today)


@given(
    due_days=st.lists(st.integers(-3, 12), min_size=1, max_size=4),
    slack=st.integers(0, 8),
    opened_on=st.dates(date(2026, 4, 1), date(2026, 6, 30)),
    off=st.sets(st.dates(date(2026, 4, 1), date(2026, 8, 30)), max_size=6),
)
def test_the_steps_of_a_cycle_are_due_when_it_is_and_never_before_its_first_full_day(
    due_days: list[int], slack: int, opened_on: date, off: set[date]
) -> None:
    calendar = WorkingCalendar(leave=frozenset(off))
    steps = [StepShape(f"s{number}", days) for number, days in enumerate([0, *due_days])]
    days = max(1, rules.days_needed(steps) + slack)
    first = rules.begins_on(days, steps, opened_on, calendar)
    basis = Basis(first)
    due = rules.last_due(steps, basis, calendar)
    assert first > opened_on
    assert due == max(each.on for each in schedule(steps, basis, calendar).values())
    # At least the working days that the obligation gives, and one more only where the plan takes all of them.
    assert due == add_working_days(opened_on, max(days, rules.days_needed(steps) + 1), calendar).on

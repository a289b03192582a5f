"""The laws of campaigns: statuses, coverage, what a confirmation covers, dates, mails and draws."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.acknowledgements import rules
from portal.acknowledgements.rules import Facts, Mail, Status
from portal.calendars.rules import WorkingCalendar, working_days_between
from portal.library.rules import changes_between

pytestmark = pytest.mark.any_database

START = datetime(2026, 6, 1, 1, tzinfo=UTC)
NOW = START + timedelta(days=10)
moments = st.none() | st.integers(0, 20).map(lambda days: START + timedelta(days=days))
facts = st.builds(
    Facts,
    asked_at=moments,
    opened_at=moments,
    confirmed_at=moments,
    older_confirmed_at=moments,
    question_at=moments,
    answered_at=moments,
    exempt_at=moments,
    is_on_leave=st.booleans(),
    own_term_until=moments,
)
zones = st.sampled_from([ZoneInfo("Asia/Tokyo"), ZoneInfo("America/New_York"), ZoneInfo("UTC")])
calendars = st.sets(st.integers(0, 40)).map(
    lambda days: WorkingCalendar(leave=frozenset(date(2026, 6, 1) + timedelta(days=each) for each in days))
)


@given(st.lists(facts))
def test_the_statuses_partition_the_audience(people: list[Facts]) -> None:
    counted = rules.count(rules.status(each, NOW) for each in people)
    assert list(counted) == list(Status)
    assert sum(counted.values()) == len(people)


@given(st.lists(facts))
def test_coverage_equals_a_recount_by_hand(people: list[Facts]) -> None:
    def has(moment: datetime | None) -> bool:
        return moment is not None and moment <= NOW

    asked = [each for each in people if has(each.asked_at)]
    # A term of one's own that is not over yet: she counts once she has confirmed.
    on_duty = [
        each
        for each in asked
        if not each.is_on_leave
        and (
            has(each.confirmed_at)
            or (not has(each.exempt_at) and (each.own_term_until is None or has(each.own_term_until)))
        )
    ]
    confirmed = [each for each in on_duty if has(each.confirmed_at)]
    found = rules.coverage(people, NOW)
    assert (found.confirmed, found.on_duty) == (len(confirmed), len(on_duty))
    assert found.share == (Fraction(len(confirmed), len(on_duty)) if on_duty else None)


@given(facts)
def test_a_later_fact_changes_nothing_about_an_earlier_day(one: Facts) -> None:
    def until(moment: datetime | None) -> datetime | None:
        return moment if moment is not None and moment <= NOW else None

    known = Facts(
        *(until(each) for each in (
            one.asked_at, one.opened_at, one.confirmed_at, one.older_confirmed_at, one.question_at, one.answered_at,
            one.exempt_at,
        )), one.is_on_leave,
    )  # fmt: skip
    assert rules.status(one, NOW) is rules.status(known, NOW)


@pytest.mark.parametrize(
    ("known", "status"),
    [
        (Facts(), Status.NOT_ASKED),
        (Facts(is_on_leave=True), Status.ON_LEAVE),
        (Facts(START), Status.ASKED),
        (Facts(START, opened_at=NOW), Status.OPENED),
        (Facts(START, opened_at=NOW, question_at=NOW), Status.DECLINED),
        (Facts(START, opened_at=NOW, answered_at=NOW), Status.ANSWERED),
        (Facts(START, question_at=NOW, answered_at=NOW), Status.DECLINED),
        (Facts(START, older_confirmed_at=START - timedelta(days=9)), Status.ASKED),
        (Facts(START, older_confirmed_at=NOW), Status.CONFIRMED_OLDER),
        (Facts(START, question_at=NOW, confirmed_at=NOW), Status.CONFIRMED),
        (Facts(START, exempt_at=NOW, is_on_leave=True), Status.EXEMPT),
    ],
)
def test_each_status_has_its_facts(known: Facts, status: Status) -> None:
    assert rules.status(known, NOW) is status


@dataclass(frozen=True)
class Version:
    sequence: int
    change_class: str
    withdrawn_at: datetime | None
    hashes: dict[str, str]


texts = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from("123"))
histories = st.lists(
    st.tuples(st.sampled_from(["editorial", "minor", "material", "emergency"]), st.booleans(), texts),
    min_size=2,
    max_size=7,
).map(
    lambda rows: [
        Version(number, kind, NOW if gone else None, hashes)
        for number, (kind, gone, hashes) in enumerate(rows, start=1)
    ]
)


@given(histories, st.data())
def test_one_merged_delta_covers_each_version_that_asked_once(history: list[Version], data: st.DataObject) -> None:
    base = data.draw(st.integers(1, len(history) - 1))
    goal = data.draw(st.integers(base + 1, len(history)))
    found = rules.covered(history, after=base, until=goal, asked=(), has_base=True)
    expected = [
        each.sequence
        for each in history[base:goal]
        if each.withdrawn_at is None and (each.sequence == goal or each.change_class in rules.ASKING)
    ]
    assert found == expected[::-1]
    assert max(Counter(found).values(), default=1) == 1
    # What the merged delta shows is part of what the single steps changed, taken together.
    merged = changes_between(history[base - 1].hashes, history[goal - 1].hashes)
    steps = [
        changes_between(old.hashes, new.hashes)
        for old, new in zip(history[base - 1 :], history[base:goal], strict=False)
    ]
    touched = {
        anchor
        for step in steps
        for anchor in (*step.added, *step.removed, *step.changed, *(name for pair in step.moved for name in pair))
    }
    told = {*merged.added, *merged.removed, *merged.changed, *(name for pair in merged.moved for name in pair)}
    assert told <= touched


def test_who_has_confirmed_none_covers_what_she_was_asked() -> None:
    history = [Version(number, "material", None, {}) for number in range(1, 5)]
    assert rules.covered(history, after=0, until=4, asked={2}, has_base=False) == [4, 2]


@given(
    st.datetimes(datetime(2026, 6, 1), datetime(2026, 6, 20), timezones=st.just(UTC)),
    st.integers(1, 15),
    calendars,
    zones,
)
def test_nothing_is_due_on_leave_or_a_day_off(
    asked_at: datetime, days: int, calendar: WorkingCalendar, zone: ZoneInfo
) -> None:
    due = rules.due_in_days(asked_at=asked_at, days=days, calendar=calendar, zone=zone)
    assert calendar.is_working_day(due.on)
    assert due.counted is not None
    assert due.counted.derivation.recount() == due.on
    assert due.at.astimezone(zone).time() == time(0)
    urgent = rules.due_in_hours(
        asked_at=asked_at, hours=24, effective_at=asked_at - timedelta(days=1), calendar=calendar, zone=zone
    )
    assert urgent.on not in calendar.leave


@given(
    st.datetimes(datetime(2026, 6, 1), datetime(2026, 6, 20), timezones=st.just(UTC)),
    st.integers(1, 15),
    calendars,
    zones,
)
def test_mails_come_in_business_hours_on_different_working_days_before_it_is_over(
    asked_at: datetime, days: int, calendar: WorkingCalendar, zone: ZoneInfo
) -> None:
    due = rules.due_in_days(asked_at=asked_at, days=days, calendar=calendar, zone=zone)
    mails = rules.mail_times(asked_at=asked_at, due=due, calendar=calendar, zone=zone)
    times = list(mails.values())
    local = [each.astimezone(zone) for each in times]
    assert (list(mails), times) == (sorted(mails), sorted(times))
    assert times[0] >= asked_at
    assert len({each.date() for each in local}) == len(local)
    for each in local:
        assert rules.DAY_BEGINS <= each.time() < rules.DAY_ENDS
        assert calendar.is_working_day(each.date())
    assert all(each < due.at for mail, each in mails.items() if Mail.ASKED < mail < Mail.OVERDUE)
    assert mails[Mail.OVERDUE] >= due.at
    escalated = rules.escalated_at(due=due, calendar=calendar, zone=zone)
    assert escalated > mails[Mail.OVERDUE] or mails[Mail.ASKED] > due.at
    # The same words on two working days running would be read as one mail.
    if Mail.SECOND_REMINDER in mails and Mail.LAST_REMINDER in mails:
        between = mails[Mail.SECOND_REMINDER].astimezone(zone).date()
        last = mails[Mail.LAST_REMINDER].astimezone(zone).date()
        assert working_days_between(between, last, calendar) > 1


@given(
    st.datetimes(datetime(2026, 6, 1), datetime(2026, 6, 20), timezones=st.just(UTC)),
    st.integers(0, 24 * 20),
    st.integers(1, 10),
    calendars,
    zones,
)
def test_who_is_in_time_is_not_missing_when_it_takes_effect(
    asked_at: datetime, hours: int, days: int, calendar: WorkingCalendar, zone: ZoneInfo
) -> None:
    effective_at = asked_at + timedelta(hours=hours)
    due = rules.due_before(asked_at=asked_at, days=days, effective_at=effective_at, calendar=calendar, zone=zone)
    default = rules.due_in_days(asked_at=asked_at, days=days, calendar=calendar, zone=zone)
    least = rules.due_in_days(asked_at=asked_at, days=1, calendar=calendar, zone=zone)
    assert least.at <= due.at <= default.at
    is_away = (effective_at - timedelta(microseconds=1)).astimezone(zone).date() in calendar.leave
    if effective_at > least.at and not is_away:
        assert due.at <= effective_at
    assert due.at in (default.at, least.at, effective_at)


@pytest.mark.parametrize(("hours", "due"), [(-1, 24), (0, 24), (1, 2), (6, 6), (24, 24), (72, 24)])
def test_an_emergency_has_a_day_or_until_it_takes_effect_but_two_hours_at_least(hours: int, due: int) -> None:
    found = rules.due_in_hours(
        asked_at=START,
        hours=24,
        effective_at=START + timedelta(hours=hours),
        calendar=WorkingCalendar(),
        zone=ZoneInfo("Asia/Tokyo"),
    )
    assert found.at == START + timedelta(hours=due)
    mails = rules.mail_times(asked_at=START, due=found, calendar=WorkingCalendar(), zone=ZoneInfo("UTC"))
    assert mails[Mail.ASKED] == START
    assert mails.get(Mail.LAST_REMINDER) == (found.at - timedelta(hours=2) if due > 2 else None)


@pytest.mark.parametrize(
    ("first", "is_new"), [("2026-05-15", False), ("2026-05-18", True), ("2026-06-01", True), ("2026-06-02", True)]
)
def test_a_newcomer_began_at_most_ten_working_days_before_or_comes_later(first: str, is_new: bool) -> None:
    found = rules.is_newcomer(first_on=date.fromisoformat(first), asked_on=date(2026, 6, 1), calendar=WorkingCalendar())
    assert found is is_new


questions = st.dictionaries(
    st.integers(0, 30).map(lambda number: f"bank/q{number}"), st.sets(st.sampled_from("abcdefgh"), min_size=1)
)


@given(questions, st.lists(st.sampled_from("abcdefgh"), unique=True), st.text(max_size=5))
def test_the_draw_is_stable_about_changed_clauses_and_of_two_to_five(
    candidates: dict[str, set[str]], changed: list[str], seed: str
) -> None:
    drawn = rules.draw_questions(candidates, changed, seed)
    assert drawn == rules.draw_questions(dict(reversed(candidates.items())), changed[::-1], seed)
    fitting = [address for address, clauses in candidates.items() if clauses & set(changed)]
    assert set(drawn) <= set(fitting)
    assert len(drawn) == len(set(drawn)) <= rules.MOST_QUESTIONS
    assert len(drawn) >= min(len(fitting), rules.FEWEST_QUESTIONS)

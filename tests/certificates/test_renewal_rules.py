"""When a certificate can be renewed, until when the new one is valid, when somebody is reminded."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from portal.certificates.rules import CAN_BE_RENEWED, FactKind, State, expiry, months_later, state_on
from portal.certificates.rules.renewals import (
    REMINDED,
    Former,
    last_day_of_grace,
    leads_back,
    opens_on,
    reminder_day,
    valid_until,
    window_fits,
)

DAYS = some.dates(date(2024, 1, 1), date(2030, 12, 31))
LAST = date(2027, 4, 15)


@pytest.mark.parametrize(
    ("day", "state"),
    [
        (LAST - timedelta(days=61), State.VALID),
        (LAST - timedelta(days=60), State.EXPIRING),
        (LAST, State.EXPIRING),
        (LAST + timedelta(days=1), State.IN_GRACE),
        (LAST + timedelta(days=30), State.IN_GRACE),
        (LAST + timedelta(days=31), State.EXPIRED),
    ],
)
def test_a_certificate_expires_soon_then_is_in_grace_then_expired(day: date, state: State) -> None:
    assert state_on(day, LAST, [], window_days=60, grace_days=30) is state


def test_without_window_and_grace_a_certificate_is_valid_to_its_last_day_and_expired_after_it() -> None:
    assert state_on(LAST, LAST, []) is State.VALID
    assert state_on(LAST + timedelta(days=1), LAST, []) is State.EXPIRED
    assert state_on(date.max, None, [], window_days=60, grace_days=30) is State.VALID


@given(DAYS, some.lists(some.sampled_from(FactKind), max_size=5), some.booleans(), some.booleans())
def test_the_gravest_state_wins(day: date, facts: list[FactKind], older: bool, renewal: bool) -> None:
    found = state_on(day, LAST, facts, is_older_policy=older, is_renewal=renewal, window_days=60, grace_days=30)
    order = list(State)
    if FactKind.REVOKED in facts:
        assert found is State.REVOKED
    elif FactKind.SUPERSEDED in facts:
        assert order.index(found) <= order.index(State.RENEWED if renewal else State.SUPERSEDED)
    elif older:
        assert order.index(found) <= order.index(State.POLICY_SUPERSEDED)


@given(DAYS, DAYS, some.integers(1, 60), some.integers(1, 365), some.sampled_from(State))
def test_whoever_renews_never_loses_a_day(
    completed_on: date, last_day: date, months: int, window: int, state: State
) -> None:
    found = valid_until(completed_on, months, Former(last_day, state, window), completed_on)
    plain = expiry(completed_on, months)
    assert found is not None
    assert plain is not None
    assert found >= plain
    if state in CAN_BE_RENEWED and completed_on <= last_day:
        assert found >= last_day
        if opens_on(last_day, window) <= completed_on:
            assert found == max(plain, months_later(last_day, months))
    else:
        assert found == plain


def test_what_was_completed_in_time_loses_nothing_where_it_is_issued_late() -> None:
    former = Former(LAST, State.EXPIRING, 60)
    in_time = LAST - timedelta(days=3)
    assert valid_until(LAST, 12, former, in_time) == date(2028, 4, 15)
    assert valid_until(LAST + timedelta(days=5), 12, former, in_time) == date(2028, 4, 20)


def test_in_grace_a_renewal_counts_from_its_issue() -> None:
    issued_on = LAST + timedelta(days=10)
    assert valid_until(issued_on, 12, Former(LAST, State.IN_GRACE, 60), issued_on) == months_later(issued_on, 12)
    assert last_day_of_grace(LAST, 30) == date(2027, 5, 15)
    assert last_day_of_grace(LAST, None) == LAST


def test_what_does_not_expire_stays_so() -> None:
    assert valid_until(LAST, None, Former(LAST, State.VALID, 60), LAST) is None
    assert valid_until(LAST, 12, Former(None, State.VALID, 60), LAST) == date(2028, 4, 15)


@given(DAYS, some.integers(0, 400))
def test_each_day_of_reminding_comes_once_and_in_its_order(issued_on: date, length: int) -> None:
    expires_on = issued_on + timedelta(days=length)
    told = [reminder_day(expires_on, issued_on, issued_on + timedelta(days=each)) for each in range(length + 2)]
    expected = [day for day in (expires_on - timedelta(days=each) for each in REMINDED) if day > issued_on]
    assert list(dict.fromkeys(each for each in told if each is not None)) == expected
    assert told[-1] is None


def test_a_credential_cannot_supersede_itself_by_way_of_others() -> None:
    assert leads_back("a", "a", {})
    assert leads_back("a", "b", {"b": "c", "c": "a"})
    assert not leads_back("a", "b", {"b": "c"})
    assert leads_back("a", "b", {"b": "c", "c": "b"})


def test_a_window_begins_only_after_the_issue() -> None:
    assert window_fits(1, 27)
    assert not window_fits(1, 28)

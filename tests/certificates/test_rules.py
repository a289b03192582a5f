"""Dates, numbers, placeholders and states as a certificate prints them."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.certificates.rules import (
    FactKind,
    NumberFormatFault,
    State,
    era_date,
    expiry,
    fill,
    lines_of,
    months_later,
    number_format_fault,
    number_order,
    seal_columns,
    series_of,
    size_to_fit,
    state_on,
    unknown_placeholders,
    well_broken_size,
    write_number,
)
from tests.volume import examples

pytestmark = pytest.mark.any_database


@pytest.mark.parametrize(
    ("day", "written"),
    [
        (date(2026, 5, 11), "令和8年5月11日"),
        (date(2019, 5, 1), "令和元年5月1日"),
        (date(2019, 12, 31), "令和元年12月31日"),
        (date(2020, 1, 1), "令和2年1月1日"),
        (date(2019, 4, 30), "平成31年4月30日"),
        (date(1989, 1, 8), "平成元年1月8日"),
        (date(1989, 1, 7), "昭和64年1月7日"),
        (date(1926, 12, 24), "1926年12月24日"),
    ],
)
def test_era_dates_begin_with_the_day_of_the_era(day: date, written: str) -> None:
    assert era_date(day) == written


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        (date(2026, 5, 11), 12, date(2027, 5, 11)),
        (date(2026, 8, 31), 6, date(2027, 2, 28)),
        (date(2027, 8, 31), 6, date(2028, 2, 29)),
        (date(2026, 11, 30), 1, date(2026, 12, 30)),
        (date(2026, 12, 31), 12, date(2027, 12, 31)),
    ],
)
def test_a_certificate_is_valid_through_the_same_day_months_later(day: date, months: int, later: date) -> None:
    assert months_later(day, months) == later
    assert expiry(day, months) == later


def test_without_a_validity_it_does_not_expire() -> None:
    assert expiry(date(2026, 5, 11), None) is None
    assert state_on(date(2126, 1, 1), None, []) is State.VALID


@given(st.dates(date(1990, 1, 1), date(2150, 1, 1)), st.integers(0, 240))
@settings(max_examples=examples(50))
def test_months_later_is_that_month_and_never_a_later_day(day: date, months: int) -> None:
    later = months_later(day, months)
    assert (later.year * 12 + later.month) - (day.year * 12 + day.month) == months
    assert later.day <= day.day


def test_the_last_day_is_valid_and_the_next_is_not() -> None:
    last = date(2027, 5, 11)
    assert state_on(last, last, []) is State.VALID
    assert state_on(date(2027, 5, 12), last, []) is State.EXPIRED


def test_the_gravest_state_is_shown() -> None:
    late, last = date(2030, 1, 1), date(2027, 5, 11)
    everything = [FactKind.SUPERSEDED, FactKind.SUSPENDED, FactKind.REVOKED]
    assert state_on(late, last, everything) is State.REVOKED
    assert state_on(late, last, everything[:2]) is State.SUSPENDED
    assert state_on(late, last, everything[:1]) is State.SUPERSEDED


def test_a_suspension_can_be_lifted_and_a_revocation_cannot() -> None:
    day = date(2026, 6, 1)
    assert state_on(day, None, [FactKind.SUSPENDED, FactKind.REINSTATED]) is State.VALID
    assert state_on(day, None, [FactKind.SUSPENDED, FactKind.REINSTATED, FactKind.SUSPENDED]) is State.SUSPENDED
    assert state_on(day, None, [FactKind.REVOKED, FactKind.REINSTATED]) is State.REVOKED


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        ("has completed “{plan}” {version} of {organisation}", []),
        ("{name} did", ["name"]),
        ("{plan.title} {0} {}", ["plan.title", "0", ""]),
        ("an open { brace", ["{"]),
        ("{{plan}}", ["{", "}"]),
    ],
)
def test_only_the_fixed_placeholders_are_known(text: str, unknown: list[str]) -> None:
    assert unknown_placeholders(text) == unknown


def test_values_are_put_in_as_they_are() -> None:
    values = {"plan": "{version} {plan}", "version": "1.0", "organisation": "<b>"}
    assert fill("{plan} {version} {organisation}", values) == "{version} {plan} 1.0 <b>"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("IR-{year}-{number:04}", None),
        ("{number}", None),
        ("IR-{year}", NumberFormatFault.NO_NUMBER),
        ("{number}-{number}", NumberFormatFault.NO_NUMBER),
        ("{month}-{number}", NumberFormatFault.UNKNOWN),
        ("{number:4}", NumberFormatFault.UNKNOWN),
        ("第{number}号", NumberFormatFault.LITERAL),
        ("a/{number}", NumberFormatFault.LITERAL),
        ("a b{number}", NumberFormatFault.LITERAL),
        ("{number", NumberFormatFault.NO_NUMBER),
        ("{number}{", NumberFormatFault.LITERAL),
        ("A" * 40 + "{number}", NumberFormatFault.LONG),
    ],
)
def test_a_number_format_has_one_counter_and_plain_characters(text: str, fault: NumberFormatFault | None) -> None:
    found = number_format_fault(text)
    assert (found and found[0]) == fault


def test_numbers_are_padded_and_go_beyond_their_padding() -> None:
    assert write_number("IR-{year}-{number:04}", 2026, 7) == "IR-2026-0007"
    assert write_number("IR-{year}-{number:04}", 2026, 12_345) == "IR-2026-12345"
    assert write_number("{number}", 2026, 7) == "7"


def test_formats_that_could_print_the_same_number_share_a_series() -> None:
    assert series_of("IR-{year}-{number:04}", 2026) == series_of("IR-{year}-{number:03}", 2026)
    assert series_of("IR-2026-{number}", 2031) == series_of("IR-{year}-{number}", 2026)
    assert series_of("IR-{year}-{number}", 2026) != series_of("IR-{year}-{number}", 2027)


@given(st.text(max_size=300))
@settings(max_examples=examples(50))
def test_a_name_of_any_length_gets_a_size_within_the_bounds(name: str) -> None:
    assert 3 <= size_to_fit(name, width=200, height=30, largest=15, smallest=3, one_line_from=7) <= 15


def test_a_name_stays_in_one_line_while_it_can_be_read_well() -> None:
    box = {"width": 200, "height": 30, "largest": 15, "smallest": 3, "one_line_from": 7}
    assert size_to_fit("森明", **box) == 15
    assert size_to_fit("亜" * 25, **box) == 8
    # In one line it would be at 5; in two it is larger.
    assert size_to_fit("亜" * 40, **box) > 8
    assert size_to_fit("亜" * 300, **box) * 300 <= 200 * 30


@pytest.mark.parametrize(
    ("characters", "columns"),
    [
        ("印", ["印"]),
        ("修了之印", ["修了", "之印"]),
        ("標研修所之印", ["標研修", "所之印"]),
        ("一二三四五六七八九", ["一二三", "四五六", "七八九"]),
    ],
)
def test_a_seal_is_read_down_and_then_to_the_left(characters: str, columns: list[str]) -> None:
    assert seal_columns(characters) == columns


def test_a_sentence_does_not_end_in_a_line_of_three_characters() -> None:
    pieces = ["一二三四五"] * 8 + ["六七。"]
    before = lines_of(pieces, 20)
    assert before[-1] == 3
    smaller = well_broken_size(pieces, 1.0, 20)
    assert smaller < 1
    assert lines_of(pieces, 20 / smaller)[-1] > 8


def test_a_sentence_that_breaks_well_keeps_its_size() -> None:
    assert well_broken_size(["一二三四五"] * 7, 1.0, 20.4) == 1.0
    assert well_broken_size(["一二三四五"], 1.0, 20) == 1.0


def test_numbers_are_sorted_as_people_count() -> None:
    numbers = ["ODD-10", "ODD-2", "ODD-1", "IR-2026-0010", "IR-2026-0002", "7", "ODD-1-B"]
    assert sorted(numbers, key=number_order) == [
        "IR-2026-0002",
        "IR-2026-0010",
        "ODD-1",
        "ODD-1-B",
        "ODD-2",
        "ODD-10",
        "7",
    ]

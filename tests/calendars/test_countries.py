"""Working days of twelve countries over a hundred and ten years, against a list of every day."""

from __future__ import annotations

import random
import warnings
from bisect import bisect_left
from datetime import date, timedelta

import holidays
import pytest

from portal.calendars.rules import Count, WorkingCalendar
from portal.core.i18n import Words
from tests.volume import volume

pytestmark = pytest.mark.any_database

COUNTRIES = ("JP", "US", "GB", "FR", "IN", "BR", "KR", "PH", "SG", "AU", "CA", "PL")
FIRST, LAST = date(1990, 1, 1), date(2099, 12, 31)
EVERY_DAY = [FIRST + timedelta(days=number) for number in range((LAST - FIRST).days + 1)]


def calendar_of(country: str) -> WorkingCalendar:
    with warnings.catch_warnings():
        # Of some countries not every holiday of every year is known to the library; those that are will do here.
        warnings.simplefilter("ignore")
        known = holidays.country_holidays(country, years=range(1990, 2100), expand=False)
    return WorkingCalendar(
        country=country,
        known_years=range(1990, 2100),
        holidays={day: Words(name, name) for day, name in known.items() if FIRST <= day <= LAST},
    )


@pytest.mark.parametrize("country", COUNTRIES)
def test_every_date_is_that_of_the_list_and_recomputes_from_its_explanation(country: str) -> None:
    calendar = calendar_of(country)
    worked = [day for day in EVERY_DAY if day.weekday() < 5 and day not in calendar.holidays]
    assert len(worked) < len(EVERY_DAY) * 5 / 7
    dice = random.Random(country)
    for _number in range(volume(300, 6_000)):
        start = dice.choice(EVERY_DAY[120:-500])
        count, place = Count(start, calendar), bisect_left(worked, start)
        for offset in (0, dice.randint(1, 250), -dice.randint(1, 60)):
            due = count.after(offset)
            assert due.on == worked[place + offset], (start, offset)
            assert due.derivation.recount() == due.on
            assert all(not calendar.is_working_day(off.on) for off in due.derivation.skipped)


def test_golden_week_and_silver_week_are_counted_as_japan_has_them() -> None:
    calendar = calendar_of("JP")
    assert Count(date(2026, 4, 28), calendar).after(5).on == date(2026, 5, 11)
    assert Count(date(2026, 9, 18), calendar).after(3).on == date(2026, 9, 28)
    # 22 September 2026 lies between two holidays.
    assert date(2026, 9, 22) in calendar.holidays

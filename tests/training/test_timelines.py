"""Plans that begin before their start and count from events, over a hundred and ten years of twelve countries."""

from __future__ import annotations

import random
from bisect import bisect_left
from dataclasses import replace
from datetime import date, timedelta

import pytest

from portal.calendars.rules import working_day_number
from portal.training import rules
from portal.training.rules import Basis, EventDay, Extension, StepShape
from tests.calendars.test_countries import COUNTRIES, EVERY_DAY, calendar_of
from tests.volume import volume

pytestmark = pytest.mark.any_database


def a_plan(dice: random.Random) -> list[StepShape]:
    """Throw a plan with steps before and after its start, its exam and one another."""
    steps: list[StepShape] = []
    for number in range(dice.randint(1, 12)):
        whence = dice.choice(["start", "exam", "step"]) if steps else dice.choice(["start", "exam"])
        steps.append(
            StepShape(
                f"s{number}",
                dice.randint(-60, 120) if whence != "step" else dice.randint(-20, 20),
                anchor=dice.choice(steps).slug if whence == "step" else None,
                event="exam" if whence == "exam" else None,
            )
        )
    return steps


@pytest.mark.parametrize("country", COUNTRIES)
def test_every_date_of_a_plan_is_that_of_the_list_of_working_days(country: str) -> None:
    calendar, dice = calendar_of(country), random.Random(country)
    worked = [day for day in EVERY_DAY if day.weekday() < 5 and day not in calendar.holidays]
    for _number in range(volume(60, 1_500)):
        start = dice.choice(EVERY_DAY[900:-1500])
        exam = start + timedelta(days=dice.randint(-60, 200))
        leave = frozenset(start + timedelta(days=dice.randint(-40, 120)) for _day in range(dice.randint(0, 8)))
        lower, upper = start - timedelta(days=800), start + timedelta(days=1400)
        own = [day for day in worked[bisect_left(worked, lower) : bisect_left(worked, upper)] if day not in leave]
        more = dice.choice([0, 0, 3])
        given_time = ((None, Extension(more, is_of_plan=True)),) if more else ()
        basis = Basis(start, given_time, events=(("exam", EventDay(exam)),))
        steps = a_plan(dice)
        dues = rules.schedule(steps, basis, replace(calendar, leave=leave))
        offsets, origins = rules.nominal_offsets(steps), rules.origins_of(steps)
        for step in steps:
            due = dues[step.slug]
            begin = exam if origins[step.slug] == "exam" else start
            place = bisect_left(own, begin) + offsets[step.slug] + (more if origins[step.slug] is None else 0)
            assert due.on == own[place], (start, exam, step)
            assert due.counted.derivation.recount() == due.counted.on
            assert due.undisturbed.derivation.recount() == due.undisturbed.on
            assert not due.extended or due.extended[-1].due.derivation.recount() == due.on
            number = working_day_number(start, due.on, replace(calendar, leave=leave))
            assert number == max(0, bisect_left(own, due.on) + 1 - bisect_left(own, start))


def test_five_working_days_before_a_start_after_golden_week_lie_before_it() -> None:
    steps = [StepShape("invite", -5), StepShape("equip", -1), StepShape("exam", -3, event="exam")]
    basis = Basis(date(2026, 5, 7), events=(("exam", EventDay(date(2026, 9, 24))),))
    dues = rules.schedule(steps, basis, calendar_of("JP"))
    # 29 April is a holiday, and 3 to 6 May; 19 to 23 September is Silver Week.
    assert [due.on for due in dues.values()] == [date(2026, 4, 24), date(2026, 5, 1), date(2026, 9, 16)]
    assert sum(off.reason == "holiday" for off in dues["invite"].counted.derivation.skipped) == 5

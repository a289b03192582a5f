"""When things happen in the demo: working days counted from its day, and acts in the order of their moments."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from portal.calendars.rules import WorkingCalendar
from portal.core import clock
from portal.core.codes import repeatable
from portal.operations.demo.people import ZONE

# What of the days ahead is looked at for days between days off.
_WEEKS_AHEAD = 3
_SEED = "the demo organisation"


def moment_of(on: date, hour: int, minute: int = 0, zone: str = ZONE) -> datetime:
    """Return the instant of a time of day, by default in Tokyo."""
    return datetime.combine(on, time(hour, minute), clock.zone_info(zone))


def weekday_before(day: date, days: int) -> date:
    """Return the day so many days before, or the last weekday before that: where no calendar is known yet."""
    found = day - timedelta(days=days)
    return found - timedelta(days=max(0, found.weekday() - 4))


@dataclass(frozen=True, slots=True)
class Days:
    """The working days of the demo, seen from the day on which it takes place."""

    calendar: WorkingCalendar
    today: date

    def step(self, day: date, steps: int) -> date:
        """Return the working day so many working days after (or before) the day; 0 is the day itself."""
        direction = timedelta(days=1 if steps > 0 else -1)
        for _ in range(abs(steps)):
            day += direction
            while not self.calendar.is_working_day(day):
                day += direction
        return day

    def before(self, steps: int) -> date:
        """Return the working day so many working days before today."""
        return self.step(self.today, -steps)

    def taking_effect(self, day: date, steps: int) -> date:
        """Return the first day from the one given on (steps 1) or up to it (-1) on which a change may take effect.

        By the shipped procedure that is a Tuesday, Wednesday or Thursday that does not follow a holiday.
        """
        one = timedelta(days=1)
        while not (
            day.weekday() in (1, 2, 3) and self.calendar.is_working_day(day) and self.calendar.is_working_day(day - one)
        ):
            day += one * steps
        return day

    def on_or_before(self, days: int) -> date:
        """Return the day so many days before today, or the last working day before that."""
        found = self.today - timedelta(days=days)
        return found if self.calendar.is_working_day(found) else self.step(found, -1)

    @property
    def first(self) -> date:
        """Today, or on a day off the next working day: nobody's first look is at something overdue."""
        return self.today if self.calendar.is_working_day(self.today) else self.step(self.today, 1)

    def between_days_off(self) -> tuple[date, date]:
        """Return the next working days that lie between days off, where fewest do: those on which leave is taken.

        In an ordinary week they are its last two.
        """
        runs: list[list[date]] = [[]]
        for number in range(7 * _WEEKS_AHEAD):
            day = self.today + timedelta(days=number)
            if self.calendar.is_working_day(day):
                runs[-1].append(day)
            elif runs[-1]:
                runs.append([])
        # The run in which today lies has begun, the last may go on beyond what was looked at.
        shortest = min(runs[self.calendar.is_working_day(self.today) : -1], key=len)
        return shortest[-2:][0], shortest[-1]


@dataclass(slots=True)
class Agenda:
    """What happens in the demo. Acts are carried out one by one, each at its own moment, whoever noted them first."""

    until: datetime
    _acts: list[tuple[datetime, int, Callable[[], object]]] = field(default_factory=list)

    def note(self, at: datetime, act: Callable[[], object]) -> None:
        """Note an act; what would happen at `until` or later does not."""
        if at < self.until:
            self._acts.append((at, len(self._acts), act))

    def carry_out(self) -> None:
        """Carry out everything that was noted.

        The codes and papers of an act follow from its moment, so that what else happens in the demo changes no paper.
        """
        at_once: Counter[datetime] = Counter()
        for at, _number, act in sorted(self._acts, key=lambda each: each[:2]):
            at_once[at] += 1
            with clock.frozen(at), repeatable(f"{_SEED} {at.isoformat()} {at_once[at]}"):
                act()
        self._acts.clear()

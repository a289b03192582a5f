"""Which dates other working days would move: upper domains know them, and are registered in `wiring.py`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from hashlib import sha256
from typing import Any, Protocol

from portal.calendars import queries
from portal.calendars.errors import MovesChanged
from portal.calendars.rules import Roster, WorkingCalendar
from portal.calendars.service.told import unannounced_told
from portal.core.db import canonical_json
from portal.core.i18n import format_date, ngettext, pgettext
from portal.organisation.models import Market
from portal.organisation.service import MarketMoves


@dataclass(frozen=True, slots=True)
class MovedDate:
    """A date of somebody that would be another one: what is due then, in the reader's language, and for whom."""

    what: str
    whose: str
    before: date
    after: date
    is_late: bool
    # Whether the later date rests on holidays that are not announced yet.
    is_provisional: bool = False
    # What it is a date of, by its code.
    training: str = ""


@dataclass(frozen=True, slots=True)
class StaysPut:
    """Something at which somebody is expected and which no working day moves: what and when it is, and for whom.

    `said` is what that means, in the reader's language; `is_off`, that nobody works on its day then, or that she is
    away. `before` and `after` are the dates around it that move. `code` is what it is known by.
    """

    what: str
    said: str
    whose: str
    code: str
    on: date
    before: date
    after: date
    is_off: bool
    # What it is a part of, by its code.
    training: str = ""


@dataclass(frozen=True, slots=True)
class Touched:
    """What other working days would do: the dates that move, and what stays although it concerns it."""

    dates: Sequence[MovedDate] = ()
    stays: Sequence[StaysPut] = ()


@dataclass(frozen=True, slots=True)
class CalendarChange:
    """Working days as they would be: of these people by their rows, or (None) of everybody in a market.

    `of` returns the calendar that a person (by her row) would have instead of the one that she has.
    """

    people: Collection[int] | None
    of: Callable[[int, WorkingCalendar], WorkingCalendar]
    market_id: int | None = None


def other_shifts(rosters: Mapping[int, Sequence[Roster]]) -> CalendarChange:
    """Let these people, by their rows, work by these shifts."""
    return CalendarChange(rosters.keys(), lambda whose, calendar: replace(calendar, rosters=tuple(rosters[whose])))


def other_leave(person_id: int, days: frozenset[date]) -> CalendarChange:
    """Let a person be away on these days and no others."""
    return CalendarChange([person_id], lambda _whose, calendar: replace(calendar, leave=days))


def other_market_days(market_id: int, base: WorkingCalendar) -> CalendarChange:
    """Let a market keep the holidays and company days of this calendar."""
    return CalendarChange(
        None,
        lambda _whose, calendar: replace(
            base,
            leave=calendar.leave,
            rosters=calendar.rosters,
            paused=calendar.paused,
        ),
        market_id,
    )


class RestsOnCalendars(Protocol):
    """Somebody who counts dates in the working days of people."""

    def __call__(self, change: CalendarChange) -> Touched:
        """Return what would move with these working days, by name and date, and what would not.

        In a number of statements that does not grow with the people. Raises `HolidayYearUnknown`.
        """


_asked: list[RestsOnCalendars] = []


def register_rests_on_calendars(rests: RestsOnCalendars) -> None:
    """Add somebody who knows dates."""
    if rests not in _asked:
        _asked.append(rests)


class LocksDates(Protocol):
    """Somebody whose dates of people are moved by others too."""

    def __call__(self, person_ids: Collection[int]) -> None:
        """Let what moves the dates of these people, by their rows, come one after the other. One statement."""


_asked_to_lock: list[LocksDates] = []


def register_locks_dates(locks: LocksDates) -> None:
    """Add somebody who knows dates that others move."""
    if locks not in _asked_to_lock:
        _asked_to_lock.append(locks)


def lock(people: Collection[int]) -> None:
    """Let what changes the days of these people, or moves their dates, come one after the other.

    Without it two who act at once would each find what they were shown: together they would record the same leave
    twice, bring back leave that was withdrawn, or move a date into a year that no holiday table knows. What was read
    before is to be read anew. In a fixed number of statements: people are locked first, and then their dates by name.
    """
    queries.lock_people(people)
    for locks in _asked_to_lock:
        locks(people)


class TellsWhereMoved(Protocol):
    """Somebody who knows where what stays put is moved by hand."""

    def __call__(self, codes: Collection[str]) -> Mapping[str, str]:
        """Return the addresses of those that whoever looks may move, in a fixed number of statements."""


_asked_where: list[TellsWhereMoved] = []


def register_where_moved(tells: TellsWhereMoved) -> None:
    """Add somebody who knows where things are moved."""
    if tells not in _asked_where:
        _asked_where.append(tells)


@dataclass(frozen=True, slots=True)
class ToldMoves:
    """Which dates would move, in words: the rows of `moved_dates`, and which of them may still change.

    `stays` are the rows of `stays_notes`: what does not move by itself. `left` names those of them that lie on a day
    off then, for what is said when it is done. `key` stands for all of it, so that a page can tell whether it has shown
    this.
    """

    rows: Sequence[Mapping[str, Any]]
    unannounced: str
    # Of how many trainings they are.
    trainings: int = 0
    key: str = ""
    stays: Sequence[Mapping[str, Any]] = ()
    left: str = ""

    def when_done(self, said: str) -> str:
        """Return what is said when it is done, and after it what has still to be looked at."""
        return f"{said} {self.left}" if self.left else said


def key_of(told: Sequence[Sequence[Any]]) -> str:
    """Return what stands for all of this, in whatever language it is shown."""
    return sha256(canonical_json([[str(part) for part in each] for each in told]).encode()).hexdigest()


def shown(asked: str, key: str) -> str:
    """Return what a page that has shown what a choice would move says of it when that is confirmed."""
    return f"{asked}#{key}"


def key_shown(seen: str, asked: str) -> str | None:
    """Return the key of what a page has `shown` for this choice; None where it has shown another one, or nothing."""
    choice, mark, key = seen.rpartition("#")
    return key if mark and choice == asked else None


def check_shown(key: str, seen: str | None) -> None:
    """Refuse what would move other dates than were shown; None: nobody was shown any. Raises `MovesChanged`."""
    if seen is not None and seen != key:
        raise MovesChanged()


def moved_as_shown(
    people: Collection[int], change: Callable[[], CalendarChange], seen: str | None, *, names: bool = False
) -> ToldMoves:
    """Return what a change of these people's days moves, as it was shown; nobody moves it until the transaction ends.

    Raises `MovesChanged`, `HolidayYearUnknown`, and what `change` raises, which is asked as things stand then.
    """
    lock(people)
    found = moved_by(change(), names=names)
    check_shown(found.key, seen)
    return found


def moved_by_market(market: Market, holiday_country: str | None) -> MarketMoves:
    """Return what the holidays of another country would move in a market (the organisation asks).

    Raises `HolidayYearUnknown`.
    """
    found = _told(
        _touched(other_market_days(market.id, queries.calendar_with(market, holiday_country))).dates, names=True
    )
    return MarketMoves(found.trainings, found.rows, found.unannounced, found.key)


def check(change: CalendarChange) -> None:
    """Refuse working days with which somebody's date could not be computed any more. Raises `HolidayYearUnknown`."""
    _touched(change)


def moved_by(change: CalendarChange, *, names: bool) -> ToldMoves:
    """Return in words which dates would move, and what would not; with whose they are where that is asked.

    Raises `HolidayYearUnknown`.
    """
    found = _touched(change)
    return _told(found.dates, found.stays, names=names)


def _touched(change: CalendarChange) -> Touched:
    found = [rests(change) for rests in _asked]
    return Touched([each for one in found for each in one.dates], [each for one in found for each in one.stays])


def _told(dates: Sequence[MovedDate], stays: Sequence[StaysPut] = (), *, names: bool) -> ToldMoves:
    rows = [
        {
            "step": each.what,
            "before": format_date(each.before),
            "after": format_date(each.after),
            "state": "overdue" if each.is_late else "",
        }
        | ({"learner": each.whose, "short": []} if names else {})
        for each in dates
    ]
    told = [(each.training, each.what if not each.training else "", each.before, each.after) for each in dates]
    held = [(each.training, each.code, each.on, each.before, each.after, each.is_off) for each in stays]
    return ToldMoves(
        rows,
        unannounced_told(sorted({each.after.year for each in dates if each.is_provisional})),
        len({each.training for each in dates}),
        key_of([*told, *held]),
        _stays_told(stays, names=names),
        _left_told([each for each in stays if each.is_off]),
    )


def _stays_told(stays: Sequence[StaysPut], *, names: bool) -> list[dict[str, Any]]:
    """Return what stays put, what is said of several people once, with where it is moved by who may."""
    hrefs = (
        {code: href for tells in _asked_where for code, href in tells({each.code for each in stays}).items()}
        if stays
        else {}
    )
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for each in stays:
        row = rows.setdefault(
            (each.code, each.said),
            {"text": each.said, "what": each.what, "href": hrefs.get(each.code, "")}
            | ({"learners": []} if names else {}),
        )
        if names:
            row["learners"].append(each.whose)
    return list(rows.values())


def _left_told(off: Sequence[StaysPut]) -> str:
    """Say of what lies on a day off that somebody has to look at it; "" where nothing does."""
    named = list({each.code: each.what for each in off}.values())
    if not named:
        return ""
    listed = pgettext("list", ", ").join(named[:MOST_LEFT_NAMED])
    return ngettext(
        "%(num)d session stays on its day although that is a day off now; see whether it has to be moved: "
        "%(sessions)s.",
        "%(num)d sessions stay on their days although those are days off now; see whether they have to be moved: "
        "%(sessions)s.",
        len(named),
        sessions=f"{listed} …" if len(named) > MOST_LEFT_NAMED else listed,
    )


# Of more things that stay on a day off than these what is said when it is done names only the first.
MOST_LEFT_NAMED = 5
# Of more people than this a page names only the first.
MOST_NAMED = 50


@dataclass(frozen=True, slots=True)
class MovedTraining:
    """What somebody follows of which dates would be other ones: how many, how many then past, and its last day."""

    whose: str
    what: str
    dates: int
    late: int
    ends: date
    ends_then: date
    unannounced: Sequence[int] = ()
    # What it is, by its code.
    training: str = ""


class RestsOnCompanyDays(Protocol):
    """Somebody who counts dates in the working days of markets."""

    def __call__(self, calendars: Mapping[int, WorkingCalendar]) -> Sequence[MovedTraining]:
        """Return what would move if these markets (by their rows) had the company days of these calendars, by name.

        In a number of statements that does not grow with the people. Raises `HolidayYearUnknown`.
        """


_asked_of_markets: list[RestsOnCompanyDays] = []


def register_rests_on_company_days(rests: RestsOnCompanyDays) -> None:
    """Add somebody who knows dates."""
    if rests not in _asked_of_markets:
        _asked_of_markets.append(rests)


@dataclass(frozen=True, slots=True)
class Held:
    """Something that is held on a day that would be a day off for so many of those who are expected at it."""

    what: str
    people: int


class HoldsOnDays(Protocol):
    """Somebody who knows what is held on a day, whatever the day is."""

    def __call__(self, calendars: Mapping[int, WorkingCalendar]) -> Sequence[Held]:
        """Return what would lie on a day off if these markets (by their rows) had these company days, by its day.

        In a number of statements that does not grow with the people.
        """


_asked_of_days: list[HoldsOnDays] = []


def register_holds_on_days(holds: HoldsOnDays) -> None:
    """Add somebody who knows what is held when."""
    if holds not in _asked_of_days:
        _asked_of_days.append(holds)


@dataclass(frozen=True, slots=True)
class ToldTrainings:
    """Which trainings would move, in words: the first rows, how many there are, of how many dates; their `key`.

    `held` is what would lie on a day off and does not move by itself.
    """

    rows: Sequence[Mapping[str, Any]]
    trainings: int
    dates: int
    unannounced: str
    held: Sequence[Held] = ()
    key: str = ""


def moved_by_company_days(calendars: Mapping[int, WorkingCalendar]) -> ToldTrainings:
    """Return in words which trainings would move with these calendars of markets. Raises `HolidayYearUnknown`."""
    found = [each for rests in _asked_of_markets for each in rests(calendars)]
    rows = [
        {
            "learner": each.whose,
            "what": each.what,
            "dates": each.dates,
            "late": each.late,
            "ends": format_date(each.ends),
            "ends_then": format_date(each.ends_then),
            "ends_moves": each.ends != each.ends_then,
        }
        for each in found[:MOST_NAMED]
    ]
    years = sorted({year for each in found for year in each.unannounced})
    key = key_of([(each.training, each.dates, each.late, each.ends, each.ends_then) for each in found])
    held = [each for holds in _asked_of_days for each in holds(calendars)]
    return ToldTrainings(rows, len(found), sum(each.dates for each in found), unannounced_told(years), held, key)

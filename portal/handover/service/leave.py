"""The leave for which somebody hands over or has a stand-in: entered in the calendars once, and kept to its days."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from portal.accounts.models import Person
from portal.calendars.permissions import RECORD_LEAVE
from portal.calendars.queries import list_leave
from portal.calendars.rules import ONE_DAY
from portal.calendars.service import kept
from portal.calendars.service.kept import Period, Source, SourceTold, Wanted
from portal.calendars.service.moves import CalendarChange
from portal.core import clock
from portal.core.access import allows
from portal.core.i18n import gettext as _
from portal.core.i18n import language
from portal.handover.models import Handover, StandIn
from portal.handover.queries import handovers as queries
from portal.handover.queries import stand_ins
from portal.handover.rules import Reason

HANDOVER, STAND_IN = "handover", "stand_in"
# What is shown before it begins has no code yet.
NEW = Source("", "")


def may_enter(person: Person, by: Person) -> bool:
    """Say whether somebody enters the leave of a person: nobody her own."""
    return allows(by, RECORD_LEAVE, person)


def days_of_leave(reason: Reason, last_on: date, back_on: date | None) -> Period | None:
    """Return the days between last day and first day back of somebody on leave; None where there are none."""
    if reason is not Reason.LEAVE or back_on is None or back_on <= last_on + ONE_DAY:
        return None
    return last_on + ONE_DAY, back_on - ONE_DAY


def source_of(row: Handover | StandIn) -> Source:
    """Return as what the calendars know it."""
    return Source(HANDOVER if isinstance(row, Handover) else STAND_IN, row.code)


def period_of(row: Handover | StandIn) -> Period | None:
    """Return on which days somebody is away by it; where it was called off or ended, up to the day before."""
    if isinstance(row, Handover):
        period = days_of_leave(row.reason, row.last_on, row.back_on)
        ended, zone = row.called_off_at, row.market.time_zone
    else:
        period = (row.first_on, row.last_on)
        ended, zone = row.ended_at, row.person.home_market.time_zone
    if ended is None:
        return period
    return kept.until_before(period, clock.local_date(ended, clock.zone_or_utc(zone)))


def enter(row: Handover | StandIn, by: Person) -> None:
    """Bring the leave that is entered with it to its days as they are now, where that is up to whoever acts.

    Raises `HolidayYearUnknown` where a date of hers would fall into a year without a holiday table.
    """
    if may_enter(row.person, by):
        kept.keep(person=row.person, source=source_of(row), period=period_of(row), by=by)


def would_move(person: Person, wanted: Sequence[Wanted], by: Person) -> CalendarChange | None:
    """Return what other leave would be for the person's working days; None where whoever acts does not enter it."""
    return kept.other_days(person, wanted) if wanted and may_enter(person, by) else None


def ended_now(row: Handover | StandIn) -> Wanted:
    """Return which leave stays where it is called off or ended today."""
    zone = row.market.time_zone if isinstance(row, Handover) else row.person.home_market.time_zone
    return source_of(row), kept.until_before(period_of(row), clock.today(clock.zone_or_utc(zone)))


# --- Told --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LeaveTold:
    """How the leave of a handover or stand-in stands in the calendars.

    `missing` are days of it that are no leave; `beyond` are days that were entered with it and are not of it any more.
    """

    missing: Sequence[Period]
    beyond: Sequence[Period]
    # Whether anything from today on was entered with it.
    has_own: bool
    # The calendars' name of it, so that it can be entered from there.
    key: str


def told(row: Handover | StandIn) -> LeaveTold | None:
    """Return how its leave stands; None where it never was for leave, or is over and nothing of it lies ahead."""
    source, period = source_of(row), period_of(row)
    if isinstance(row, Handover) and row.reason is not Reason.LEAVE:
        return None
    zone = row.person.home_market.time_zone
    today = clock.today(clock.zone_or_utc(zone))
    is_back = isinstance(row, Handover) and row.handed_back_at is not None
    own = [(each.first_on, each.last_on) for each in list_leave(row.person_id) if kept.source_of(each) == source]
    wanted = None if is_back else period
    beyond = [each for each in own if each[1] >= today and (wanted is None or each[1] > wanted[1])]
    over = wanted is None or wanted[1] < today
    missing = [] if over or wanted is None else kept.not_entered(row.person, wanted)
    if over and not beyond:
        return None
    return LeaveTold(missing, beyond, any(each[1] >= today for each in own), ":".join(source))


def told_handovers(codes: Collection[str]) -> Mapping[str, SourceTold]:
    """Return what the calendars say of handovers with which leave is entered (`KnowsSources`)."""
    return {
        code: SourceTold(
            str(_("Handover of %(name)s", name=each.person.name_in(language()))),
            f"/handovers/{code}",
            each.person_id,
            period_of(each),
        )
        for code, each in queries.find_handovers(codes).items()
    }


def told_stand_ins(codes: Collection[str]) -> Mapping[str, SourceTold]:
    """Return what the calendars say of stand-ins with which leave is entered (`KnowsSources`)."""
    return {
        code: SourceTold(
            str(
                _(
                    "%(stand_in)s stands in for %(name)s",
                    stand_in=each.stand_in.name_in(language()),
                    name=each.person.name_in(language()),
                )
            ),
            f"/stand-ins/{code}",
            each.person_id,
            period_of(each),
        )
        for code, each in stand_ins.find_stand_ins(codes).items()
    }

"""A learner's dates as a month or a week, and as a calendar that other programs subscribe."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from flask import Response, make_response, render_template, request, session, url_for

from portal.calendars.queries import working_calendar
from portal.calendars.rules import DayOff, OffReason, WorkingCalendar, YearNotInTable
from portal.calendars.service.told import day_told, unannounced_told, why_off
from portal.core import clock, limits
from portal.core.access import actor, public, signed_in
from portal.core.i18n import format_date, format_instant, format_month, format_weekday
from portal.core.i18n import gettext as _
from portal.core.once import Done, carry_out
from portal.core.web import public_url
from portal.training import queries
from portal.training.errors import MonthUnknown, NoSuchFeed, WeekUnknown
from portal.training.queries import Standing, feeds
from portal.training.rules import StepState
from portal.training.service import calendar as dates
from portal.training.service.calendar import Dated
from portal.training.views import blueprint
from portal.training.views.learner import uncountable_rows

# Under this key the session keeps a new address until the page that shows it once.
_NEW = "calendar_token"
# A client that subscribes looks a few times a day; whoever guesses finds nothing, and not often.
reads, misses = limits.Buckets(10), limits.Buckets(20)
_STATES = {StepState.DONE: "done", StepState.WAITING: "waiting", StepState.LOCKED: "locked"}


@blueprint.get("/calendar")
@signed_in
def calendar() -> str:
    """Show the own dates by the month or the week, with the days on which one does not work."""
    person = actor()
    today = clock.today(person.home_market.time_zone)
    is_week = "week" in request.args
    first, last, before, after = _week(today) if is_week else _month(today)
    enrollments = queries.list_enrollments_of(person.id)
    standings, unknown = queries.countable([each for each in enrollments if each.is_open], own=True)
    working = working_calendar(person.home_market, person.id)
    days = _days(
        first,
        last,
        today=today,
        working=working,
        standings=standings,
        found=dates.dates_of(person, standings),
        is_month=not is_week,
    )
    feed, token = feeds.find_open_feed(person.id), session.pop(_NEW, None)
    return render_template(
        "training/calendar.html",
        weeks=[days[start : start + 7] for start in range(0, len(days), 7)],
        weekdays=[format_weekday(first + timedelta(days=number)) for number in range(7)],
        is_week=is_week,
        span=_("%(first)s – %(last)s", first=day_told(first), last=format_date(last))
        if is_week
        else format_month(_middle(first, last)),
        previous_href=url_for("training.calendar", **before) if before else None,
        next_href=url_for("training.calendar", **after) if after else None,
        tabs=[
            {
                "label": _("Month"),
                "href": url_for("training.calendar", month=_of_month(first if is_week else _middle(first, last))),
                "current": not is_week,
            },
            {
                "label": _("Week"),
                "href": url_for(
                    "training.calendar",
                    week=(today if not is_week and first <= today <= last else first).isoformat(),
                ),
                "current": is_week,
            },
        ],
        today_href=None
        if any(day["is_today"] for day in days)
        else url_for("training.calendar", **_now(today, is_week=is_week)),
        unknown_year=next((str(day["year"]) for day in days if day["is_unknown"]), None),
        unannounced=unannounced_told(
            working.provisional_years(first + timedelta(days=number) for number in range(len(days)))
        ),
        moves_on=any(day["moves_on"] for day in days),
        has_plan=bool(standings or unknown),
        uncountable=uncountable_rows(unknown, by_plan=True),
        feed_since=format_instant(feed.created_at, person.time_zone) if feed else None,
        feed_fetched=format_instant(feed.fetched_at, person.time_zone) if feed and feed.fetched_at else None,
        feed_href=public_url("training.subscribed", token=token) if token and feed else None,
    )


def _month(today: date) -> tuple[date, date, dict[str, Any] | None, dict[str, Any] | None]:
    """Return first and last day of the weeks of the month asked for, and the months beside it."""
    given = request.args.get("month", "")
    try:
        first = date.fromisoformat(f"{given}-01") if given else today.replace(day=1)
    except ValueError:
        first = date.min
    if not clock.is_usable_day(first) or (given and len(given) != 7):
        raise MonthUnknown(given=_shortened(given))
    following = (first + timedelta(days=31)).replace(day=1)
    last = following - timedelta(days=1)
    return (
        first - timedelta(days=first.weekday()),
        last + timedelta(days=6 - last.weekday()),
        _beside("month", (first - timedelta(days=1)).replace(day=1)),
        _beside("month", following),
    )


def _week(today: date) -> tuple[date, date, dict[str, Any] | None, dict[str, Any] | None]:
    """Return first and last day of the week asked for, and the weeks beside it."""
    given = request.args.get("week", "")
    try:
        day = date.fromisoformat(given) if given else today
    except ValueError:
        day = date.min
    if not clock.is_usable_day(day) or (given and len(given) != 10):
        raise WeekUnknown(given=_shortened(given))
    first = day - timedelta(days=day.weekday())
    last = first + timedelta(days=6)
    return first, last, _beside("week", first - timedelta(days=7)), _beside("week", last + timedelta(days=1))


def _beside(name: str, day: date) -> dict[str, Any] | None:
    if not clock.is_usable_day(day):
        return None
    return {name: day.isoformat() if name == "week" else _of_month(day)}


def _now(today: date, *, is_week: bool) -> dict[str, Any]:
    return {"week": today.isoformat()} if is_week else {}


def _of_month(day: date) -> str:
    return day.isoformat()[:7]


def _middle(first: date, last: date) -> date:
    """Return the first day of the month that lies in these weeks."""
    return (first + (last - first) // 2).replace(day=1)


def _shortened(given: str) -> str:
    return "".join(each for each in given[:20] if each.isprintable())


def _days(
    first: date,
    last: date,
    *,
    today: date,
    working: WorkingCalendar,
    standings: Sequence[Standing],
    found: Sequence[Dated],
    is_month: bool,
) -> list[dict[str, Any]]:
    """Return every day: what is due on it, and why it is not worked; a month's with those that fill its weeks."""
    by_day: Mapping[date, list[Dated]] = defaultdict(list)
    for each in found:
        by_day[each.on].append(each)
    month = _middle(first, last).month if is_month else None
    days = []
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        off, is_unknown = _off(working, day)
        is_paused = off is None and any(each.basis.pause_on(day) for each in standings)
        days.append(
            {
                "number": day.day,
                "year": day.year,
                "iso": day.isoformat(),
                "told": format_date(day) if day.year != today.year else day_told(day),
                "is_today": day == today,
                "is_outside": month is not None and day.month != month,
                "is_off": off is not None or is_paused,
                "is_unknown": is_unknown,
                # A pause that lasts moves what is due in it; a session takes place when it does.
                "moves_on": is_paused and any(each.seat is None for each in by_day.get(day, ())),
                "why": _("Pause") if is_paused else why_off(off) if off and off.reason is not OffReason.WEEKEND else "",
                "items": [_item(each) for each in by_day.get(day, ())],
            }
        )
    return days


def _off(working: WorkingCalendar, day: date) -> tuple[DayOff | None, bool]:
    """Return why a day is not worked, and whether the holidays of its year are not known."""
    try:
        return working.day_off(day), False
    except YearNotInTable:
        return (DayOff(day, OffReason.WEEKEND) if day.weekday() in working.weekend else None), True


def _item(each: Dated) -> dict[str, Any]:
    state = _STATES.get(each.state, "due")
    return {
        "what": each.what,
        "belongs_to": each.belongs_to,
        "state": "overdue" if each.is_late and state != "done" else state,
        "href": url_for(each.endpoint, **each.values),
        "optional": each.optional,
        "hours": str(each.seat.hours) if each.seat else "",
        "place": each.seat.place if each.seat else "",
    }


# --- Subscribed --------------------------------------------------------------------------------


@blueprint.post("/calendar/address")
@signed_in
def share_calendar() -> Any:
    """Make the secret address of the own dates; the page that follows shows it, once."""

    def work() -> Done:
        session[_NEW] = dates.create_feed(person=actor())
        return Done(_("The address has been made. Copy it now: it is shown only this once."), _subscribing())

    return carry_out(work)


@blueprint.post("/calendar/address/revoke")
@signed_in
def revoke_calendar() -> Any:
    """Let the secret address stop working."""

    def work() -> Done:
        dates.revoke_feed(person=actor())
        return Done(_("The address works no more. Calendars that subscribed it get nothing new."), _subscribing())

    return carry_out(work)


def _subscribing() -> str:
    return url_for("training.calendar", _anchor="subscribe")


@blueprint.get("/calendar/<token>.ics")
@public
def subscribed(token: str) -> Response:
    """Send the dates of whoever has made the address; one that was revoked is like one that never was."""
    try:
        feed = dates.get_feed(token)
    except NoSuchFeed:
        misses.take(limits.network_of(request.remote_addr))
        raise
    reads.take(str(feed.id))
    response = make_response(dates.file_of(feed))
    response.mimetype = "text/calendar"
    response.headers["Content-Disposition"] = 'inline; filename="shirube.ics"'
    response.headers["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    response.headers["Cache-Control"] = "private, no-cache"
    response.add_etag()
    response.make_conditional(request)
    return response

"""When a person is away, and by which shifts she works: seen by herself, recorded by those who lead her."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from flask import render_template, request, url_for
from werkzeug import Response

from portal.accounts.models import Person
from portal.accounts.queries import PeopleFilter, get_person, list_people
from portal.calendars import service
from portal.calendars.errors import CycleUnreadable, LeaveGone, MovesChanged, ShiftsGone
from portal.calendars.forms import BY_SHIFTS, EarlierEndForm, LeaveForm, ShiftsForm, WithdrawShiftsForm
from portal.calendars.models import Leave, ShiftPattern
from portal.calendars.permissions import RECORD_LEAVE, RECORD_TEAM_SHIFTS, SEE_LEAVE
from portal.calendars.queries import (
    list_cycles,
    list_leave,
    list_shifts,
    rosters_with,
    rosters_without,
    working_calendar,
)
from portal.calendars.rules import ONE_WEEK, WorkingCalendar
from portal.calendars.service import Undone, kept
from portal.calendars.service.kept import Source, SourceTold
from portal.calendars.service.moves import (
    CalendarChange,
    ToldMoves,
    key_shown,
    moved_as_shown,
    moved_by,
    other_shifts,
    shown,
)
from portal.calendars.service.told import cycle_told, pattern_told, unannounced_told, weeks_told
from portal.calendars.views import CONFIRM, blueprint
from portal.core import clock
from portal.core.access import actor, can, requires
from portal.core.errors import DomainError
from portal.core.forms import Form
from portal.core.i18n import format_date, language, ngettext
from portal.core.i18n import gettext as _
from portal.core.once import Done, carry_out
from portal.organisation.models import Team
from portal.organisation.queries import get_team


@blueprint.get("/people/<code>/leave")
@requires(SEE_LEAVE, on=get_person)
def leave(person: Person) -> str:
    """Show the days on which a person is away; its form begins with those that are to be entered, where it is said."""
    form, source = LeaveForm(formdata=None), _source(person)
    if source is not None and source[1].period is not None:
        form.first_on.data, form.last_on.data = source[1].period
    return _page(person, form)


@blueprint.post("/people/<code>/leave")
@requires(RECORD_LEAVE, on=get_person, see=SEE_LEAVE)
def record_leave(person: Person) -> Response | tuple[str, int]:
    """Record days on which a person is away: first which dates that moves, then for good."""
    form, known = LeaveForm(), _source(person)

    def source() -> Source | None:
        # Where other days are chosen than it stands for, it is a leave like any other.
        days = (_day(form.first_on), _day(form.last_on))
        return known[0] if known is not None and known[1].period == days else None

    def work() -> Done:
        first_on, last_on, of = _day(form.first_on), _day(form.last_on), source()
        if of is None:
            service.record_leave(person=person, first_on=first_on, last_on=last_on, by=actor())
        else:
            kept.keep(person=person, source=of, period=(first_on, last_on), by=actor())
        return _done(_("The leave has been recorded."), person)

    def change() -> CalendarChange:
        first_on, last_on, of = _day(form.first_on), _day(form.last_on), source()
        found = service.more_leave(person, first_on, last_on)
        return found if of is None else kept.other_days(person, [(of, (first_on, last_on))])

    return _change_leave(person, form, work, change)


@blueprint.post("/people/<code>/leave/earlier-end")
@requires(RECORD_LEAVE, on=get_person, see=SEE_LEAVE)
def end_leave_early(person: Person) -> Response | tuple[str, int]:
    """Let a leave end on an earlier day: first which dates that moves, then for good."""
    form = EarlierEndForm()

    def work() -> Done:
        service.end_leave_early(leave=_chosen(person, form), last_on=_day(form.ends_on), by=actor())
        return _done(_("The leave ends earlier."), person)

    def change() -> CalendarChange:
        return service.less_leave(_chosen(person, form), _day(form.ends_on))

    def undone(key: str) -> Undone:
        return service.end_in_words(
            _day(form.first_on),
            _day(form.last_on),
            _day(form.ends_on),
            action=url_for("calendars.end_leave_early", code=person.code),
            key=key,
        )

    return _change_leave(person, form, work, change, undone)


@blueprint.post("/people/<code>/leave/withdrawal")
@requires(RECORD_LEAVE, on=get_person, see=SEE_LEAVE)
def withdraw_leave(person: Person) -> Response | tuple[str, int]:
    """Take back a leave that is not taken: first which dates that moves, then for good."""
    form = LeaveForm()

    def work() -> Done:
        service.withdraw_leave(leave=_chosen(person, form), by=actor())
        return _done(_("The leave has been withdrawn."), person)

    def change() -> CalendarChange:
        return service.less_leave(_chosen(person, form))

    def undone(key: str) -> Undone:
        return service.withdrawal_in_words(
            _day(form.first_on),
            _day(form.last_on),
            action=url_for("calendars.withdraw_leave", code=person.code),
            key=key,
        )

    return _change_leave(person, form, work, change, undone)


def _change_leave(
    person: Person,
    form: LeaveForm | EarlierEndForm,
    work: Callable[[], Done],
    change: Callable[[], CalendarChange],
    undone: Callable[[str], Undone] | None = None,
) -> Response | tuple[str, int]:
    """Answer with the dates that would move; do it where that is confirmed as shown.

    `undone` says which recorded leave is changed, and with which dates; without it a new one is recorded.
    """
    status = 400

    def checked(seen: str) -> Done:
        found = moved_as_shown([person.id], change, seen)
        return _with_what_stays(work(), found)

    if form.validate():
        try:
            seen, status = key_shown(request.form.get("seen", ""), form.asked), 200
            if request.form.get("act") == CONFIRM and seen is not None:
                try:
                    return carry_out(lambda: checked(seen))
                except MovesChanged as changed:
                    form.form_errors.append(str(changed))
                    status = changed.status
            found = moved_by(change(), names=False)
            return _page(person, form, found, undone(found.key) if undone is not None else None), status
        except DomainError as refused:
            form.form_errors.append(str(refused))
            status = refused.status
    return _page(person, form), status


def _with_what_stays(done: Done, moved: ToldMoves) -> Done:
    """Name what lies on a day off now, and has still to be looked at."""
    return Done(moved.when_done(done.message), done.location)


def _source(person: Person) -> tuple[Source, SourceTold] | None:
    """Return what the address, or the form, says that leave of this person is entered with."""
    kind, _colon, code = request.values.get("with", "").partition(":")
    source = Source(kind, code)
    told = kept.find_sources([source]).get(source)
    return (source, told) if told is not None and told.person_id == person.id and told.period is not None else None


def _done(said: str, person: Person) -> Done:
    return Done(said, url_for("calendars.leave", code=person.code))


def _day(field: Any) -> date:
    found = field.data
    assert isinstance(found, date)
    return found


def _chosen(person: Person, form: LeaveForm | EarlierEndForm) -> Leave:
    """Return the leave of these days. Raises `LeaveGone`."""
    wanted = (form.first_on.data, form.last_on.data)
    for each in list_leave(person.id):
        if (each.first_on, each.last_on) == wanted:
            return each
    raise LeaveGone()


def _page(person: Person, form: Form, moved: ToldMoves | None = None, undone: Undone | None = None) -> str:
    may_record = can(RECORD_LEAVE, person)
    source = _source(person) if may_record else None
    return render_template(
        "calendars/leave.html",
        source=source[1] if source is not None else None,
        source_key=":".join(source[0]) if source is not None else "",
        name=person.name_in(language()),
        is_self=person.id == actor().id,
        person_href=url_for("accounts.show_person", code=person.code),
        # What was refused of a row is told above; the form below is for a new leave.
        form=form if isinstance(form, LeaveForm) and undone is None else LeaveForm(formdata=None),
        refused=form,
        moved=moved,
        undone=undone,
        seen=shown(form.asked, moved.key) if moved is not None and isinstance(form, LeaveForm) else "",
        here=url_for("calendars.leave", code=person.code),
        may_record=may_record,
        recorded=service.leave_in_words(person.id, clock.today(person.home_market.time_zone)),
        record_href=url_for("calendars.record_leave", code=person.code),
        end_href=url_for("calendars.end_leave_early", code=person.code) if may_record else None,
        withdraw_href=url_for("calendars.withdraw_leave", code=person.code) if may_record else None,
        shifts_href=url_for("calendars.shifts", code=person.code),
    )


# --- Shifts ------------------------------------------------------------------------------------


@blueprint.get("/people/<code>/shifts")
@requires(SEE_LEAVE, on=get_person)
def shifts(person: Person) -> str:
    """Show by which shifts a person works."""
    return _shifts_page(person, ShiftsForm(formdata=None))


@blueprint.post("/people/<code>/shifts")
@requires(RECORD_LEAVE, on=get_person, see=SEE_LEAVE)
def record_shifts(person: Person) -> Response | tuple[str, int]:
    """Record by which shifts a person works from a day on: first which dates that moves, then for good."""
    form = ShiftsForm()

    def work() -> Done:
        service.record_shifts(
            person=person,
            first_on=_day(form.first_on),
            cycle=_cycle(form),
            works_holidays=form.works_holidays.data,
            by=actor(),
        )
        return Done(_("The shifts have been recorded."), url_for("calendars.shifts", code=person.code))

    def page(form: ShiftsForm, moved: ToldMoves | None) -> str:
        proposed = (
            _proposed(form, working_calendar(person.home_market, person.id), person.id) if moved is not None else None
        )
        return _shifts_page(person, form, moved, proposed=proposed)

    return _show_then_do(form, work, [person], page=page)


def _proposed(form: ShiftsForm, calendar: WorkingCalendar, person_id: int | None) -> dict[str, Any]:
    """Return what the form asks for as it would be worked, by one person or (None) by whoever has no other shifts."""
    first_on, cycle = _day(form.first_on), service.checked_cycle(_cycle(form))
    whose = person_id or 0
    rosters = rosters_with([whose], first_on=first_on, cycle=cycle, works_holidays=form.works_holidays.data)
    return pattern_told(replace(calendar, rosters=rosters[whose]), cycle, first_on)


def _cycle(form: ShiftsForm) -> str | None:
    return (form.cycle.data or "") if form.works.data == BY_SHIFTS else None


def _asked(form: ShiftsForm) -> str:
    """Return what a page has shown the effect of, so that something else is shown first."""
    return f"{form.first_on.data}/{_cycle(form)}/{form.works_holidays.data}"


def _show_then_do(
    form: ShiftsForm,
    work: Callable[[], Done],
    people: Sequence[Person],
    *,
    page: Callable[[ShiftsForm, ToldMoves | None], str],
) -> Response | tuple[str, int]:
    """Answer with the dates that other shifts would move; do it where that is confirmed as shown."""
    found, status = None, 400
    rows, names = [each.id for each in people], len(people) > 1

    def change() -> CalendarChange:
        cycle = service.checked_cycle(_cycle(form))
        service.check_first_day(people, _day(form.first_on))
        rosters = rosters_with(
            rows,
            first_on=_day(form.first_on),
            cycle=cycle,
            works_holidays=form.works_holidays.data,
        )
        return other_shifts(rosters)

    def checked(seen: str) -> Done:
        found = moved_as_shown(rows, change, seen, names=names)
        return _with_what_stays(work(), found)

    if form.validate():
        try:
            seen, done = key_shown(request.form.get("seen", ""), _asked(form)), 200
            if request.form.get("act") == CONFIRM and seen is not None:
                try:
                    return carry_out(lambda: checked(seen))
                except MovesChanged as changed:
                    form.form_errors.append(str(changed))
                    done = changed.status
            found = moved_by(change(), names=names)
            status = done
        except CycleUnreadable as refused:
            form.cycle.errors = [str(refused)]
            status = 400
        except DomainError as refused:
            form.form_errors.append(str(refused))
            status = refused.status
    return page(form, found), status


@blueprint.route("/teams/<code>/shifts", methods=["GET", "POST"])
@requires(RECORD_TEAM_SHIFTS, on=get_team)
def team_shifts(team: Team) -> Response | str | tuple[str, int]:
    """Record by which shifts everybody in a team works from a day on: first which dates that moves, then for good."""
    people = [
        each
        for each in list_people(PeopleFilter(team=team.code), limit=None)
        if each.is_active and can(RECORD_LEAVE, each)
    ]

    def page(form: ShiftsForm, moved: ToldMoves | None) -> str:
        return render_template(
            "calendars/team_shifts.html",
            form=form,
            team=str(team.name),
            code=team.code,
            names=[each.name_in(language()) for each in people],
            cycles=list_cycles(),
            moved=moved,
            proposed=_proposed(form, working_calendar(team.market), None) if moved is not None else None,
            seen=shown(_asked(form), moved.key) if moved is not None else "",
        )

    if request.method == "GET":
        return page(ShiftsForm(formdata=None), None)
    form = ShiftsForm()

    def work() -> Done:
        found = service.record_shifts_of_team(
            people=people,
            first_on=_day(form.first_on),
            cycle=_cycle(form),
            works_holidays=form.works_holidays.data,
            by=actor(),
        )
        said = ngettext(
            "The shifts of %(num)d person have been recorded.",
            "The shifts of %(num)d people have been recorded.",
            len(found),
        )
        return Done(said, url_for("calendars.team_shifts", code=team.code))

    return _show_then_do(form, work, people, page=page)


@blueprint.post("/people/<code>/shifts/withdrawal")
@requires(RECORD_LEAVE, on=get_person, see=SEE_LEAVE)
def withdraw_shifts(person: Person) -> Response | tuple[str, int]:
    """Take back shifts that were recorded by mistake."""
    form = WithdrawShiftsForm()

    def asked() -> ShiftPattern:
        found = next((each for each in list_shifts(person.id) if str(each.id) == form.number.data), None)
        if found is None:
            raise ShiftsGone()
        return found

    def work() -> Done:
        seen = request.form.get("seen", "")
        moved = moved_as_shown([person.id], lambda: other_shifts(rosters_without(asked())), seen)
        service.withdraw_shifts(pattern=asked(), by=actor())
        done = Done(_("The shifts have been withdrawn."), url_for("calendars.shifts", code=person.code))
        return _with_what_stays(done, moved)

    chosen = next((each for each in list_shifts(person.id) if str(each.id) == form.number.data), None)
    told, status = ShiftsForm(formdata=None), 200
    try:
        if form.validate() and (request.form.get("act") == CONFIRM or chosen is None):
            try:
                return carry_out(work)
            except MovesChanged as changed:
                told.form_errors.append(str(changed))
                status = changed.status
        if chosen is None:
            return _shifts_page(person, told), 400
        moved = moved_by(other_shifts(rosters_without(chosen)), names=False)
    except DomainError as refused:
        told.form_errors.append(str(refused))
        return _shifts_page(person, told), refused.status
    return _shifts_page(person, told, moved, withdrawn=chosen), status


def _shifts_page(
    person: Person,
    form: ShiftsForm,
    moved: ToldMoves | None = None,
    *,
    withdrawn: ShiftPattern | None = None,
    proposed: dict[str, Any] | None = None,
) -> str:
    may_record, today = can(RECORD_LEAVE, person), clock.today(person.home_market.time_zone)
    rows = list_shifts(person.id)
    current = next((each for each in reversed(rows) if each.first_on <= today), None)
    calendar = working_calendar(person.home_market, person.id)
    days = weeks_told(calendar, today, until=max((each.first_on for each in rows), default=today) + ONE_WEEK)
    return render_template(
        "calendars/shifts.html",
        code=person.code,
        name=person.name_in(language()),
        is_self=person.id == actor().id,
        person_href=url_for("accounts.show_person", code=person.code),
        form=form,
        may_record=may_record,
        cycles=list_cycles(),
        rows=[
            {
                "number": each.id,
                "first": format_date(each.first_on),
                "works": cycle_told(each.cycle),
                "holidays": each.works_holidays,
                "is_by_week": each.cycle is None,
                "is_now": each is current,
            }
            for each in rows
        ],
        days=days,
        unannounced=unannounced_told(
            calendar.provisional_years(date.fromisoformat(each["iso"]) for week in days for each in week)
        ),
        moved=moved,
        proposed=proposed,
        seen="" if moved is None else moved.key if withdrawn is not None else shown(_asked(form), moved.key),
        withdrawn={"number": withdrawn.id, "first": format_date(withdrawn.first_on)} if withdrawn else None,
        team={
            "name": str(person.team.name),
            "href": url_for("calendars.team_shifts", code=person.team.code),
        }
        if person.team is not None and can(RECORD_TEAM_SHIFTS, person.team)
        else None,
    )

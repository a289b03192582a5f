"""When a person is away, and by which shifts she works: seen by herself, recorded by those who lead her."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from flask import Blueprint, render_template, request, url_for
from werkzeug import Response

from portal.accounts.models import Person
from portal.accounts.queries import PeopleFilter, get_person, list_people
from portal.calendars import service
from portal.calendars.errors import CycleUnreadable, LeaveGone, ShiftsGone
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
from portal.calendars.rules import ONE_WEEK
from portal.calendars.service.moves import moved_by
from portal.calendars.service.told import cycle_told, weeks_told
from portal.core import clock
from portal.core.access import actor, can, requires
from portal.core.errors import DomainError
from portal.core.forms import Form
from portal.core.i18n import format_date, language, ngettext
from portal.core.i18n import gettext as _
from portal.core.once import Done, carry_out
from portal.organisation.models import Team
from portal.organisation.queries import get_team

# What the button says that does it for good.
CONFIRM = "confirm"

blueprint = Blueprint("calendars", __name__, template_folder="templates")


@blueprint.get("/people/<code>/leave")
@requires(SEE_LEAVE, on=get_person)
def leave(person: Person) -> str:
    """Show the days on which a person is away."""
    return _page(person, LeaveForm(formdata=None))


@blueprint.post("/people/<code>/leave")
@requires(RECORD_LEAVE, on=get_person, see=SEE_LEAVE)
def record_leave(person: Person) -> Response | tuple[str, int]:
    """Record days on which a person is away."""
    form = LeaveForm()

    def work() -> Done:
        service.record_leave(person=person, first_on=_day(form.first_on), last_on=_day(form.last_on), by=actor())
        return _done(_("The leave has been recorded."), person)

    return _carry_out(form, work, person, page=_page)


@blueprint.post("/people/<code>/leave/earlier-end")
@requires(RECORD_LEAVE, on=get_person, see=SEE_LEAVE)
def end_leave_early(person: Person) -> Response | tuple[str, int]:
    """Let a leave end on an earlier day."""
    form = EarlierEndForm()

    def work() -> Done:
        service.end_leave_early(leave=_chosen(person, form), last_on=_day(form.ends_on), by=actor())
        return _done(_("The leave ends earlier."), person)

    return _carry_out(form, work, person, page=_page)


@blueprint.post("/people/<code>/leave/withdrawal")
@requires(RECORD_LEAVE, on=get_person, see=SEE_LEAVE)
def withdraw_leave(person: Person) -> Response | tuple[str, int]:
    """Take back a leave that is not taken."""
    form = LeaveForm()

    def work() -> Done:
        service.withdraw_leave(leave=_chosen(person, form), by=actor())
        return _done(_("The leave has been withdrawn."), person)

    return _carry_out(form, work, person, page=_page)


def _carry_out(
    form: Form, work: Callable[[], Done], person: Person, *, told_on: Form | None = None, page: Callable[..., str]
) -> Response | tuple[str, int]:
    """Do the work of a valid form; else show the page with what is wrong on its form, or on the one it is `told_on`."""
    status, shown = 400, told_on or form
    if form.validate():
        try:
            return carry_out(work)
        except CycleUnreadable as refused:
            shown["cycle"].errors = [str(refused)]
        except DomainError as refused:
            shown.form_errors.append(str(refused))
            status = refused.status
    return page(person, shown), status


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


def _page(person: Person, form: Form) -> str:
    may_record = can(RECORD_LEAVE, person)
    return render_template(
        "calendars/leave.html",
        name=person.name_in(language()),
        is_self=person.id == actor().id,
        person_href=url_for("accounts.show_person", code=person.code),
        # What was refused of a row is told above; the form below is for a new leave.
        form=form if isinstance(form, LeaveForm) else LeaveForm(formdata=None),
        refused=form,
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

    return _show_then_do(form, work, [person], page=lambda form, moved: _shifts_page(person, form, moved))


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
    page: Callable[[ShiftsForm, list[dict[str, Any]] | None], str],
) -> Response | tuple[str, int]:
    """Answer with the dates that other shifts would move; do it where that is confirmed as shown."""
    found, status = None, 400
    if form.validate():
        try:
            if request.form.get("act") == CONFIRM and request.form.get("seen") == _asked(form):
                return carry_out(work)
            cycle, status = service.checked_cycle(_cycle(form)), 200
            rosters = rosters_with(
                [each.id for each in people],
                first_on=_day(form.first_on),
                cycle=cycle,
                works_holidays=form.works_holidays.data,
            )
            found = moved_by(rosters, names=len(people) > 1)
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

    def page(form: ShiftsForm, moved: list[dict[str, Any]] | None) -> str:
        return render_template(
            "calendars/team_shifts.html",
            form=form,
            team=str(team.name),
            code=team.code,
            names=[each.name_in(language()) for each in people],
            cycles=list_cycles(),
            moved=moved,
            seen=_asked(form),
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

    def work() -> Done:
        found = next((each for each in list_shifts(person.id) if str(each.id) == form.number.data), None)
        if found is None:
            raise ShiftsGone()
        service.withdraw_shifts(pattern=found, by=actor())
        return Done(_("The shifts have been withdrawn."), url_for("calendars.shifts", code=person.code))

    chosen = next((each for each in list_shifts(person.id) if str(each.id) == form.number.data), None)
    if request.form.get("act") != CONFIRM and chosen is not None:
        told = ShiftsForm(formdata=None)
        try:
            moved = moved_by(rosters_without(chosen), names=False)
        except DomainError as refused:
            told.form_errors.append(str(refused))
            return _shifts_page(person, told), refused.status
        return _shifts_page(person, told, moved, withdrawn=chosen), 200
    return _carry_out(form, work, person, told_on=ShiftsForm(formdata=None), page=_shifts_page)


def _shifts_page(
    person: Person,
    form: ShiftsForm,
    moved: list[dict[str, Any]] | None = None,
    *,
    withdrawn: ShiftPattern | None = None,
) -> str:
    may_record, today = can(RECORD_LEAVE, person), clock.today(person.home_market.time_zone)
    rows = list_shifts(person.id)
    current = next((each for each in reversed(rows) if each.first_on <= today), None)
    calendar = working_calendar(person.home_market, person.id)
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
        days=weeks_told(calendar, today, until=max((each.first_on for each in rows), default=today) + ONE_WEEK),
        moved=moved,
        seen=_asked(form),
        withdrawn={"number": withdrawn.id, "first": format_date(withdrawn.first_on)} if withdrawn else None,
        team={
            "name": str(person.team.name),
            "href": url_for("calendars.team_shifts", code=person.team.code),
        }
        if person.team is not None and can(RECORD_TEAM_SHIFTS, person.team)
        else None,
    )

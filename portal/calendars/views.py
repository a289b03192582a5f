"""When a person is away: seen by herself, recorded by those who lead her."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from flask import Blueprint, render_template, url_for
from werkzeug import Response

from portal.accounts.models import Person
from portal.accounts.queries import get_person
from portal.calendars import service
from portal.calendars.errors import LeaveGone
from portal.calendars.forms import EarlierEndForm, LeaveForm
from portal.calendars.models import Leave
from portal.calendars.permissions import RECORD_LEAVE, SEE_LEAVE
from portal.calendars.queries import list_leave
from portal.core import clock
from portal.core.access import actor, can, requires
from portal.core.errors import DomainError
from portal.core.forms import Form
from portal.core.i18n import gettext as _
from portal.core.i18n import language
from portal.core.once import Done, carry_out

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

    return _carry_out(form, work, person)


@blueprint.post("/people/<code>/leave/earlier-end")
@requires(RECORD_LEAVE, on=get_person, see=SEE_LEAVE)
def end_leave_early(person: Person) -> Response | tuple[str, int]:
    """Let a leave end on an earlier day."""
    form = EarlierEndForm()

    def work() -> Done:
        service.end_leave_early(leave=_chosen(person, form), last_on=_day(form.ends_on), by=actor())
        return _done(_("The leave ends earlier."), person)

    return _carry_out(form, work, person)


@blueprint.post("/people/<code>/leave/withdrawal")
@requires(RECORD_LEAVE, on=get_person, see=SEE_LEAVE)
def withdraw_leave(person: Person) -> Response | tuple[str, int]:
    """Take back a leave that is not taken."""
    form = LeaveForm()

    def work() -> Done:
        service.withdraw_leave(leave=_chosen(person, form), by=actor())
        return _done(_("The leave has been withdrawn."), person)

    return _carry_out(form, work, person)


def _carry_out(form: Form, work: Callable[[], Done], person: Person) -> Response | tuple[str, int]:
    status = 400
    if form.validate():
        try:
            return carry_out(work)
        except DomainError as refused:
            form.form_errors.append(str(refused))
            status = refused.status
    return _page(person, form), status


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
    )

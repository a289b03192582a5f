"""A person's own page of reminders: when they come, and what today's says."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, make_response, redirect, render_template, url_for
from werkzeug.wrappers import Response

from portal.accounts.models import Role
from portal.accounts.permissions import open_grants
from portal.core import clock
from portal.core.access import actor, signed_in
from portal.core.i18n import format_instant
from portal.core.i18n import gettext as _
from portal.core.transaction import transaction
from portal.reminders import queries
from portal.reminders.forms import ReminderForm
from portal.reminders.rules import DEFAULT_HOUR, Rhythm
from portal.reminders.service import digests, preferences

blueprint = Blueprint("reminders", __name__, template_folder="templates")


@blueprint.get("/account/reminders")
@signed_in
def own() -> Any:
    """Show when the own reminders come, and what today's says."""
    found = queries.find_preference(actor().id)
    chosen = {
        "hour": str(found.hour if found else DEFAULT_HOUR),
        "rhythm": (found.rhythm if found else Rhythm.DAILY).value,
    }
    return _page(ReminderForm(formdata=None, data=chosen))


@blueprint.post("/account/reminders")
@signed_in
def change() -> Any:
    """Keep when the own reminders come."""
    form = ReminderForm()
    if not form.validate():
        return _page(form, 400)
    with transaction():
        preferences.change(person=actor(), hour=int(form.hour.data), rhythm=Rhythm(form.rhythm.data))
    flash(_("Saved."), "success")
    return redirect(url_for("reminders.own"), 303)


def _page(form: ReminderForm, status: int = 200) -> Response:
    person = actor()
    composed, sent_at = digests.preview(person)
    page = render_template(
        "reminders/own.html",
        form=form,
        zone=person.time_zone,
        today=clock.today(person.time_zone),
        leads=bool(open_grants(person, Role.LEAD)),
        works_today=composed is not None,
        begins_today=composed is not None and composed.is_empty and digests.is_told_apart(person),
        sent_at=format_instant(sent_at, person.time_zone) if sent_at else None,
        parts=[
            {
                "section": part.section.value,
                "more": part.more,
                "items": [(each, url_for(each.endpoint, **each.values)) for each in part.items],
            }
            for part in (composed.parts if composed else ())
        ],
    )
    return make_response(page, status)

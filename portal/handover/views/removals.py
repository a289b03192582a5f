"""Taking out a text for good, because it holds a secret: one asks with a reason, another decides."""

from __future__ import annotations

from typing import Any

from flask import redirect, render_template, request, url_for
from werkzeug import Response

from portal.accounts import queries as accounts
from portal.accounts.models import Person
from portal.accounts.permissions import SEE_PERSON
from portal.core.access import actor, can, requires
from portal.core.errors import DomainError
from portal.core.i18n import format_instant, language
from portal.core.i18n import gettext as _
from portal.core.once import Done, carry_out
from portal.handover import errors
from portal.handover.forms import ReasonForm
from portal.handover.models import HandoverItem, StandIn
from portal.handover.permissions import ACCEPT_ORPHANS, REMOVE_TEXT, SEE_ITEM, SEE_REASON, SEE_STAND_IN
from portal.handover.queries import handovers as queries
from portal.handover.queries import stand_ins
from portal.handover.service import removals
from portal.handover.service.standing import title_of
from portal.handover.service.wording import REASON_LIMIT
from portal.handover.views import blueprint, shown

# What is done with what was asked for.
_CONFIRM, _DROP = "confirm", "drop"


@blueprint.route("/handovers/items/<item>/evidence/<evidence>/remove", methods=["GET", "POST"])
@requires(REMOVE_TEXT, on=queries.get_item, see=SEE_ITEM, absent=errors.NoSuchHandover)
def remove_evidence(found: HandoverItem, evidence: str) -> Response | tuple[str, int]:
    """Ask that what was written as evidence is taken out, or confirm it."""
    row = queries.find_evidence(found, evidence)
    if row is None:
        raise errors.NoSuchHandover()
    return _page(row, title_of(found), url_for("handover.item", item=found.code))


@blueprint.route("/handovers/items/<item>/refusals/<int:number>/remove", methods=["GET", "POST"])
@requires(REMOVE_TEXT, on=queries.get_item, see=SEE_ITEM, absent=errors.NoSuchHandover)
def remove_refusal(found: HandoverItem, number: int) -> Response | tuple[str, int]:
    """Ask that the reason of a refusal is taken out, or confirm it."""
    row = removals.find_refusal(found, number)
    # Of what others said a successor sees nothing.
    if row is None or not (can(SEE_REASON, found.handover) or row.successor_id == actor().id):
        raise errors.NoSuchHandover()
    return _page(row, title_of(found), url_for("handover.item", item=found.code))


@blueprint.route("/people/<code>/orphans/<accepter>/remove", methods=["GET", "POST"])
@requires(ACCEPT_ORPHANS, on=accounts.get_person, see=SEE_PERSON)
def remove_orphan_reasons(found: Person, accepter: str) -> Response | tuple[str, int]:
    """Ask that what somebody wrote when she accepted orphans is taken out, or confirm it."""
    by = accounts.find_person(accepter)
    row = removals.find_acceptance(found, by) if by is not None else None
    back = url_for("handover.accept_orphans", code=found.code)
    if row is None:
        # There is nothing to take out: what was accepted, and by whom, stands on the page before.
        return redirect(back)
    return _page(row, found.name_in(language()), back)


@blueprint.route("/stand-ins/<code>/remove", methods=["GET", "POST"])
@requires(REMOVE_TEXT, on=stand_ins.get_stand_in, see=SEE_STAND_IN, absent=errors.NoSuchHandover)
def remove_stand_in_texts(found: StandIn) -> Response | tuple[str, int]:
    """Ask that what was written for a stand-in is taken out, or confirm it."""
    return _page(found, found.person.name_in(language()), url_for("handover.stand_in", code=found.code))


def _page(row: removals.Row, about: str, back: str) -> Response | tuple[str, int]:
    form, status, problem = ReasonForm(), 200, ""
    if request.method == "POST":
        status, act = 400, request.form.get("act", "")
        decides = act in (_CONFIRM, _DROP)
        if decides or form.validate():
            try:
                return carry_out(lambda: _do(row, form.reason.data or "", back, act))
            except DomainError as refused:
                status, problem = refused.status, str(refused) if decides else ""
                if not decides:
                    form.refuse(refused, shown.field_of(refused, {errors.ReasonMissing: "reason"}))
    page = render_template(
        "handover/remove.html",
        form=form,
        problem=problem,
        about=about,
        back=back,
        limit=REASON_LIMIT,
        removal=removal_of(row),
        held=removals.held_for(actor(), row),
        is_own=row.removal_asked_by == actor().code,
    )
    return page, status


def _do(row: removals.Row, reason: str, back: str, act: str) -> Done:
    if act == _CONFIRM:
        removals.confirm(row=row, by=actor())
        return Done(_("The text has been taken out."), back)
    if act == _DROP:
        is_own = removals.drop(row=row, by=actor())
        return Done(
            _("The request has been withdrawn. The text stands where it stood.")
            if is_own
            else _("The request has been declined. The text stands where it stood."),
            back,
        )
    removals.ask(row=row, reason=reason, by=actor())
    return Done(_("It is asked for, and nobody else reads the text now. Another person confirms it."), back)


def removal_of(row: removals.Row) -> dict[str, Any] | None:
    """Return who asked that a text is taken out and why, and whether it is; None where nobody has."""
    if row.removal_asked_at is None:
        return None
    here, zone = language(), actor().time_zone
    people = accounts.list_people_of([each for each in (row.removal_asked_by, row.removed_by) if each])
    names = {each.code: each.name_in(here) for each in people}
    return {
        "asked_by": names.get(row.removal_asked_by or "", ""),
        "asked_at": format_instant(row.removal_asked_at, zone),
        "reason": row.removal_reason,
        "is_done": row.removed_at is not None,
        "done_by": names.get(row.removed_by or "", ""),
        "done_at": format_instant(row.removed_at, zone) if row.removed_at is not None else "",
    }

"""What leads do with a handover: name successors, close it, hand back after leave."""

from __future__ import annotations

from typing import Any

from flask import render_template, request, url_for
from werkzeug import Response

from portal.accounts import queries as accounts
from portal.accounts.models import Person
from portal.core.access import actor, requires
from portal.core.errors import DomainError
from portal.core.i18n import gettext as _
from portal.core.i18n import language, ngettext
from portal.core.once import Done, carry_out
from portal.handover import rules
from portal.handover.errors import AcceptedByAnother, ListChanged, NoSuchHandover, SuccessorUnfit
from portal.handover.models import Handover
from portal.handover.permissions import ASSIGN_ITEMS, HAND_BACK, LEAD_HANDOVER, SEE_HANDOVER
from portal.handover.queries import dossiers
from portal.handover.queries import handovers as queries
from portal.handover.rules import ItemState, Milestone
from portal.handover.service import handovers, issuing, items
from portal.handover.service.inventory import Thing
from portal.handover.service.standing import Standing, is_real, standing_of
from portal.handover.views import blueprint, dossier, shown
from portal.handover.views.item_list import back_to_list, items_seen, list_of
from portal.handover.views.listing import page_of


@blueprint.post("/handovers/<code>/successors")
@requires(ASSIGN_ITEMS, on=queries.get_handover, see=SEE_HANDOVER, absent=NoSuchHandover)
def assign(found: Handover) -> Response | tuple[str, int]:
    """Name who is to take over what was chosen."""
    chosen, is_all = request.form.getlist("things"), request.form.get("all") == "yes"

    def work() -> Done:
        successor = _successor(request.form.get("successor", ""))
        count = items.assign(
            handover=found,
            things=_all_fitting(found) if is_all else [_thing(each) for each in chosen],
            successor=successor,
            by=actor(),
            **shown.naming_seen(),
        )
        said = ngettext("The successor of %(num)d item was set.", "The successors of %(num)d items were set.", count)
        warned = shown.away_after_naming(found, successor)
        return Done(f"{said} {warned}".strip(), back_to_list(found))

    try:
        return carry_out(work)
    except DomainError as refused:
        return page_of(
            found,
            problem=str(refused),
            chosen=chosen,
            is_all=is_all,
            wanted=request.form.get("successor", ""),
            asks_again=isinstance(refused, AcceptedByAnother),
            status=refused.status,
        )


@blueprint.post("/handovers/<code>/done/<milestone>")
@requires(ASSIGN_ITEMS, on=queries.get_handover, see=SEE_HANDOVER, absent=NoSuchHandover)
def meet(found: Handover, milestone: str) -> Response | tuple[str, int]:
    """Say that the plan is agreed, or that the items are looked through."""
    if milestone not in {each.value for each in rules.SAID}:
        raise NoSuchHandover()

    def work() -> Done:
        handovers.meet(handover=found, milestone=Milestone(milestone), by=actor())
        return Done(_("It is noted as done; nobody is reminded of it any more."), _here(found))

    try:
        return carry_out(work)
    except DomainError as refused:
        return page_of(found, problem=str(refused), status=refused.status)


def _here(found: Handover) -> str:
    return url_for("handover.handover", code=found.code)


def _all_fitting(found: Handover) -> list[Thing]:
    """Return everything that fits the filter, where it is still what was seen."""
    listed = list_of(found, items_seen(standing_of(found), actor()))
    if request.form.get("mark") != listed.mark:
        raise ListChanged()
    return listed.things


def _thing(key: str) -> Thing:
    kind, _colon, code = key.partition(":")
    return kind, code


def _successor(code: str) -> Person | None:
    if not code:
        return None
    found = accounts.find_person(code[:40])
    if found is None:
        raise SuccessorUnfit()
    return found


@blueprint.route("/handovers/<code>/close", methods=["GET", "POST"])
@requires(LEAD_HANDOVER, on=queries.get_handover, see=SEE_HANDOVER, absent=NoSuchHandover)
def close(found: Handover) -> Response | tuple[str, int]:
    """Close it, after a look at what moves and what stands in the way."""
    problem, status = "", 200
    if request.method == "POST":
        try:
            return carry_out(lambda: _close(found))
        except DomainError as refused:
            problem, status = str(refused), refused.status
    standing = standing_of(found)
    page = render_template(
        "handover/close.html",
        name=found.person.name_in(language()),
        back=url_for("handover.handover", code=found.code),
        is_open=found.is_open,
        is_real=is_real(found),
        problem=problem,
        moving=[shown.item_row(each, may_select=False) for each in standing.of(ItemState.ACCEPTED)],
        settle=shown.to_settle(found.person) if found.is_open else None,
        lacking=handovers.list_lacking(standing) if found.is_open else [],
        left=[shown.item_row(each, may_select=False) for each in standing.left],
        **_of_dossier(found, standing),
    )
    return page, status


def _of_dossier(found: Handover, standing: Standing) -> dict[str, Any]:
    """Return what closing does with the dossier, who has not confirmed it, and what is forgotten."""
    if not found.is_open or not is_real(found):
        return {"will_issue": False, "too_long": "", "unconfirmed": [], "reasons": 0, "naming": []}
    there_are = dossiers.list_dossiers(found)
    prepared = issuing.prepare(found, standing=standing, dossiers=there_are)
    return {
        "will_issue": any(each.change is not None for each in prepared),
        "too_long": next((each.problem for each in prepared if each.problem), ""),
        "unconfirmed": [
            {"name": shown.name_of(each.dossier.successor), **(dossier.confirmation_of(each) or {})}
            for each in issuing.how_far(there_are)
            if each.is_missing
        ],
        "reasons": sum(bool(each.reason) for each in found.days),
        "naming": [
            {"title": each.title, "href": shown.card_href(each.thing)}
            for each in issuing.list_naming(found.person, standing)
        ],
    }


def _close(found: Handover) -> Done:
    closed = handovers.close(handover=found, by=actor())
    if is_real(found):
        said = ngettext(
            "The handover is closed; %(num)d thing has another owner now.",
            "The handover is closed; %(num)d things have other owners now.",
            closed.moved,
        )
    elif closed.failed:
        said = ngettext(
            "The rehearsal is closed. %(num)d item would have stood in the way.",
            "The rehearsal is closed. %(num)d items would have stood in the way.",
            len(closed.failed),
        )
    else:
        said = _("The rehearsal is closed. Nothing would have stood in the way.")
    return Done(said, url_for("handover.handover", code=found.code))


@blueprint.post("/handovers/<code>/hand-back")
@requires(HAND_BACK, on=queries.get_handover, see=SEE_HANDOVER, absent=NoSuchHandover)
def hand_back(found: Handover) -> Response | tuple[str, int]:
    """Give back what moved for leave."""

    def work() -> Done:
        count = handovers.hand_back(handover=found, by=actor())
        return Done(
            ngettext("%(num)d thing came back.", "%(num)d things came back.", count),
            url_for("handover.handover", code=found.code),
        )

    try:
        return carry_out(work)
    except DomainError as refused:
        return page_of(found, problem=str(refused), status=refused.status)

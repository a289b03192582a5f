"""The list of handovers and stand-ins, and one handover with its days, items and work left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import render_template, request, url_for
from werkzeug import Response

from portal.accounts import queries as accounts
from portal.accounts.models import Person, Role
from portal.accounts.service.ownership import OwnedThing
from portal.cohorts.permissions import reach_of
from portal.core.access import actor, allows, can, requires, signed_in
from portal.core.i18n import format_date, format_instant, language, pgettext
from portal.core.i18n import gettext as _
from portal.handover.errors import NoSuchHandover
from portal.handover.models import Handover, StandIn
from portal.handover.permissions import (
    ASSIGN_ITEMS,
    BEGIN_QUIZ,
    HAND_BACK,
    LEAD_HANDOVER,
    READ_DOSSIER,
    SEE_HANDOVER,
    SEE_REASON,
    SEE_REHEARSALS,
    reach_over_handovers,
    sees_why,
)
from portal.handover.queries import handovers as queries
from portal.handover.queries import stand_ins as stand_in_queries
from portal.handover.queries.people import list_possible_owners
from portal.handover.rules import QUIZ_LEAST, SAID, Milestone, Plan, Reason
from portal.handover.service import quiz as quizzes
from portal.handover.service.being_away import list_away
from portal.handover.service.handovers import is_late, stays_elsewhere, to_hand_back
from portal.handover.service.inventory import Thing
from portal.handover.service.names import REASONS
from portal.handover.service.standing import Standing, day_in, is_real, standing_of, standings_of
from portal.handover.views import beside_leave, blueprint, dossier, shown
from portal.handover.views.item_list import LEAD, items_seen, list_of, shown_of
from portal.handover.views.stand_ins import state_words

# The filters of the list.
OPEN, GIVES, TAKES, LEADS, OVER = "open", "giving", "taking", "leading", "over"
# Of what waits for the lead, so much stands above the list of all items, which has it too.
_WITH_LEAD = 10


# --- The list ----------------------------------------------------------------------------------


@blueprint.get("/handovers")
@signed_in
def list_handovers() -> str:
    """List the handovers that somebody gives, takes over from or leads, and the stand-ins."""
    viewer = actor()
    found = queries.list_for(viewer, reach_over_handovers(viewer))
    views = _views(viewer, found)
    asked = request.args.get("show", OPEN)
    chosen = asked if asked in views else OPEN
    standings = standings_of(views[chosen])
    stand_ins = _stand_ins_of(chosen, viewer)
    names = {
        OPEN: pgettext("handovers", "Open"),
        GIVES: _("Handed over by me"),
        TAKES: _("Taken over by me"),
        LEADS: _("Of people I lead"),
        OVER: pgettext("handovers", "Closed or called off"),
    }
    return render_template(
        "handover/list.html",
        filters=[
            {
                "label": names[each],
                "href": url_for("handover.list_handovers", show=each) if each != OPEN else url_for(".list_handovers"),
                "current": each == chosen,
                "count": len(rows),
            }
            for each, rows in views.items()
            if rows or each in (OPEN, OVER, chosen)
        ],
        rows=[_row(each, viewer) for each in standings],
        stand_ins=[_stand_in_row(each) for each in stand_ins],
        anything=bool(found) or chosen == OVER,
        sees_rehearsals=can(SEE_REHEARSALS),
    )


def _views(viewer: Person, found: Sequence[Handover]) -> dict[str, list[Handover]]:
    is_open = [each for each in found if each.is_open]
    taking = {each.id for each in queries.list_handovers_with([viewer.id])}
    return {
        OPEN: is_open,
        GIVES: [each for each in found if each.person_id == viewer.id],
        TAKES: [each for each in is_open if each.id in taking],
        LEADS: [each for each in is_open if allows(viewer, LEAD_HANDOVER, each)] if _leads(viewer) else [],
        OVER: [each for each in found if not each.is_open],
    }


def _stand_ins_of(view: str, viewer: Person) -> list[StandIn]:
    """Return the stand-ins of a view: what goes on or is to come, the first to begin first; what is over, the last."""
    found = stand_in_queries.list_for(viewer, reach_over_handovers(viewer))
    if view == OVER:
        return [each for each in found if each.ended_at is not None]
    ahead = [each for each in found if each.ended_at is None]
    if view == GIVES:
        ahead = [each for each in ahead if each.person_id == viewer.id]
    elif view == TAKES:
        ahead = [each for each in ahead if each.stand_in_id == viewer.id]
    elif view == LEADS:
        ahead = [each for each in ahead if viewer.id not in (each.person_id, each.stand_in_id)]
    return sorted(ahead, key=lambda each: (each.first_on, each.id))


def _leads(viewer: Person) -> bool:
    return bool(reach_of(viewer, Role.LEAD, everywhere=(Role.ADMIN,)))


def _row(standing: Standing, viewer: Person) -> dict[str, Any]:
    handover, here = standing.handover, language()
    look, word = shown.state_of_handover(handover, is_late=is_late(handover))
    items = items_seen(standing, viewer)
    left = [each for each in items if each.is_left]
    return {
        "name": handover.person.name_in(here),
        "kana": handover.person.full_kana if here == "ja" else "",
        "href": url_for("handover.handover", code=handover.code),
        "what": str(REASONS[handover.reason]) if sees_why(viewer, handover) else shown.kind_words(handover),
        "look": look,
        "word": word,
        "is_late": is_late(handover),
        "is_open": handover.is_open,
        "last_on": format_date(handover.last_on, "short"),
        "left": len(left),
        "all": len([each for each in items if not each.gone_as]),
        "with_lead": len([each for each in items if each.is_with_lead]) if handover.is_open else 0,
    }


def _stand_in_row(each: StandIn) -> dict[str, Any]:
    here = language()
    look, word = state_words(each)
    return {
        "name": each.person.name_in(here),
        "stand_in": each.stand_in.name_in(here),
        "href": url_for("handover.stand_in", code=each.code),
        "first_on": format_date(each.first_on, "short"),
        "last_on": format_date(each.last_on, "short"),
        "look": look,
        "word": word,
    }


# --- One handover ------------------------------------------------------------------------------


@blueprint.get("/handovers/<code>")
@requires(SEE_HANDOVER, on=queries.get_handover, absent=NoSuchHandover)
def handover(found: Handover) -> Response | tuple[str, int]:
    """Show a handover: days left against work left, its items by how urgent they are, what can be done."""
    return page_of(found)


def page_of(
    found: Handover,
    *,
    problem: str = "",
    chosen: Sequence[str] = (),
    wanted: str = "",
    asks_again: bool = False,
    is_all: bool = False,
    status: int = 200,
) -> tuple[str, int]:
    """Return the page of a handover, with what was wrong with the form on it."""
    viewer, standing = actor(), standing_of(found)
    sees_all, may_assign = can(SEE_REASON, found), can(ASSIGN_ITEMS, found) and found.is_open
    leads = can(LEAD_HANDOVER, found)
    items = items_seen(standing, viewer)
    listed = list_of(found, items)
    plan = shown.plan_or_none(found)
    look, word = shown.state_of_handover(found, is_late=is_late(found))
    left = [each for each in items if each.is_left]
    with_lead = standing.with_lead if sees_all and found.is_open else []
    people = list_possible_owners(found.person) if may_assign else []
    page = render_template(
        "handover/handover.html",
        name=found.person.name_in(language()),
        code=found.code,
        dossier_href=url_for("handover.dossier", code=found.code) if can(READ_DOSSIER, found) else None,
        look=look,
        word=word,
        is_open=found.is_open,
        is_closed=found.closed_at is not None,
        is_real=is_real(found),
        is_leave=found.reason is Reason.LEAVE,
        sees_all=sees_all,
        reason=str(REASONS[found.reason]) if sees_why(viewer, found) else shown.kind_words(found),
        dossiers=dossiers_of(found) if can(READ_DOSSIER, found) else [],
        last_on=format_date(found.last_on),
        back_on=format_date(found.back_on) if found.back_on and sees_all else None,
        notice_on=format_date(found.notice_on),
        days_left=shown.days_left(found, standing.today) if found.is_open else None,
        is_late=is_late(found),
        left=len(left),
        total=len([each for each in items if each.gone_as is None]),
        dates=_dates(standing, plan, may_say=may_assign) if plan is not None and found.is_open else [],
        is_uncountable=plan is None,
        curve=shown.curve_of(standing) if sees_all else None,
        with_lead=len(with_lead),
        with_lead_rows=[shown.item_row(each, may_select=False) for each in with_lead[:_WITH_LEAD]],
        with_lead_href=url_for("handover.handover", code=found.code, state=LEAD, _anchor="items")
        if len(with_lead) > _WITH_LEAD
        else None,
        rows=[shown.item_row(each, may_select=may_assign) for each in listed.shown],
        listed=shown_of(listed),
        may_assign=may_assign,
        leads=leads and found.is_open,
        rehearsed=shown.rehearsed(standing)
        if found.closed_at is not None and not is_real(found) and sees_all
        else None,
        quiz=_quiz(standing, viewer) if can(BEGIN_QUIZ, found) else None,
        leave=beside_leave.standing_of(found) if sees_all else None,
        hand_back=len(to_hand_back(found)) if can(HAND_BACK, found) else 0,
        settle=shown.to_settle(found.person) if sees_all and found.is_open else None,
        elsewhere=_elsewhere(found) if can(HAND_BACK, found) else [],
        choices=[
            (each.value, each.label)
            for each in shown.offered_for(
                people,
                _owned(standing) if may_assign else {},
                first=_("Nobody for now"),
                away=list_away(found, {each.id for each in people}, known=standing.absences),
            )
        ],
        problem=problem,
        chosen=set(chosen),
        is_all=is_all,
        wanted=wanted,
        asks_again=asks_again,
        seen=shown.names_so_far(standing),
        days=_days(found) if sees_all else [],
        ended=_ended(found),
        ended_why=found.call_off_reason if sees_all else None,
    )
    return page, status


def _elsewhere(found: Handover) -> list[dict[str, str]]:
    return [{"title": item.title, "owner": shown.name_of(owner)} for item, owner in stays_elsewhere(found)]


def _owned(standing: Standing) -> dict[Thing, OwnedThing]:
    return {each.thing: each.owned for each in standing.items if each.gone_as is None and each.owned is not None}


def _dates(standing: Standing, plan: Plan, *, may_say: bool) -> list[dict[str, Any]]:
    """Return the dates on the way, whether each is done, and where somebody says that it is."""
    found = standing.handover
    said = {each.milestone: each for each in standing.said}
    rows = []
    for milestone, row in shown.dated(plan, found.notice_on, standing.today):
        is_met, by = standing.is_met(milestone), said.get(milestone)
        rows.append(
            row
            | {
                "is_met": is_met,
                "is_late": row["is_past"] and not is_met,
                # Of what there is none, nothing was done.
                "is_needless": milestone is Milestone.CARDS and not standing.has_critical,
                "met_by": _(
                    "%(date)s by %(name)s",
                    date=format_date(day_in(found, by.met_at)),
                    name=by.met_by.name_in(language()),
                )
                if by is not None
                else "",
                "say_href": url_for("handover.meet", code=found.code, milestone=milestone.value)
                if may_say and milestone in SAID and not is_met
                else None,
            }
        )
    return rows


def _quiz(standing: Standing, viewer: Person) -> int | None:
    """Return how many questions the cards hold of what somebody takes over, where a quiz about all can be drawn."""
    held = quizzes.askable_of(standing.items, viewer)
    return held if held >= QUIZ_LEAST else None


def dossiers_of(found: Handover) -> list[dict[str, Any]]:
    """Return the dossiers that the reader may read, with who has confirmed which version."""
    return [
        {
            "name": dossier.name_of_dossier(each),
            "href": url_for("library.read", slug=each.dossier.document.slug),
            "number": each.latest.number,
            "confirmation": dossier.confirmation_of(each),
        }
        for each in dossier.issued_to(found)
    ]


def _days(found: Handover) -> list[dict[str, str]]:
    """Return how the last day was moved, the newest first."""
    here, zone = language(), actor().time_zone
    moved = found.days[1:]
    names = (
        {each.code: each.name_in(here) for each in accounts.list_people_of([row.set_by for row in moved])}
        if moved
        else {}
    )
    return [
        {
            "date": format_date(each.last_on),
            "reason": each.reason,
            "set_on": format_instant(each.set_at, zone),
            "by": names.get(each.set_by, ""),
        }
        for each in reversed(found.days[1:])
    ]


def _ended(found: Handover) -> str:
    here, zone = language(), actor().time_zone
    if found.called_off_by is not None and found.called_off_at is not None:
        at = format_instant(found.called_off_at, zone)
        return str(_("Called off by %(name)s, %(at)s.", name=found.called_off_by.name_in(here), at=at))
    if found.closed_by is not None and found.closed_at is not None:
        at = format_instant(found.closed_at, zone)
        return str(_("Closed by %(name)s, %(at)s.", name=found.closed_by.name_in(here), at=at))
    return ""

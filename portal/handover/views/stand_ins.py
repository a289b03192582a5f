"""Stand-ins: planned in three fields, seen by both, called off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any

from flask import render_template, request, url_for
from werkzeug import Response

from portal.accounts.models import Person, Role
from portal.accounts.service.owner_needs import Lacking
from portal.accounts.service.ownership import find_things, kinds
from portal.calendars.errors import HolidayYearUnknown, MovesChanged
from portal.calendars.service.moves import check_shown, key_shown
from portal.calendars.service.moves import shown as moves_shown
from portal.cohorts.permissions import reach_of
from portal.core.access import actor, allows, can, requires, signed_in
from portal.core.errors import DomainError, NotAllowed
from portal.core.i18n import format_date, format_instant, language, ngettext, pgettext
from portal.core.i18n import gettext as _
from portal.core.once import Done, carry_out
from portal.handover import errors, rules
from portal.handover.forms import ReasonForm, StandInForm
from portal.handover.models import StandIn
from portal.handover.permissions import DECLINE_STAND_IN, END_STAND_IN, REMOVE_TEXT, SEE_STAND_IN, START_HANDOVER
from portal.handover.queries import handovers
from portal.handover.queries import stand_ins as queries
from portal.handover.queries.people import list_handing_over, list_possible_owners
from portal.handover.service import leave
from portal.handover.service import stand_ins as service
from portal.handover.service.inventory import Thing, live_things
from portal.handover.service.wording import FIELD_LIMIT, REASON_LIMIT
from portal.handover.views import beside_leave, blueprint, shown
from portal.handover.views.beside_leave import LeaveMoves
from portal.handover.views.removals import removal_of

# Beside which field a refusal stands.
_FIELD_OF: dict[type[DomainError], str] = {
    errors.FirstDayPast: "first_on",
    errors.DaysInverted: "last_on",
    errors.TooFarAhead: "last_on",
    errors.StandInTooLong: "last_on",
    errors.StandInOverlaps: "first_on",
    errors.SuccessorUnfit: "stand_in",
    errors.StandInUnfit: "stand_in",
    errors.StandInAway: "stand_in",
    errors.SuccessorLeaves: "stand_in",
    errors.NoWorkingDay: "first_on",
    errors.PersonGone: "person",
    errors.HandoverUnderWay: "person",
    HolidayYearUnknown: "last_on",
}


@blueprint.route("/stand-ins/new", methods=["GET", "POST"])
@signed_in
def new_stand_in() -> Response | tuple[str, int]:
    """Plan who stands in for oneself, or for somebody whom one leads."""
    viewer, form, status = actor(), StandInForm(), 200
    reach = reach_of(viewer, Role.LEAD, everywhere=(Role.ADMIN,))
    people = {each.code: each for each in list_handing_over(viewer, reach) if allows(viewer, START_HANDOVER, each)}
    asked = request.form.get("person") or request.args.get("person") or viewer.code
    others = {each.code: each for each in list_possible_owners(people.get(asked, viewer))}
    form.person.choices = shown.offered(people.values(), first=_("Choose…"))[0 if len(people) > 1 else 1 :]
    form.stand_in.choices = shown.offered_for(
        others.values(),
        {thing: row.thing for thing, row in live_things(people.get(asked, viewer)).items()},
        first=_("Choose…"),
    )
    moves, seen = None, ""
    if request.method == "POST":
        status = 400
        if form.validate():
            person, other = people[form.person.data], others[form.stand_in.data]
            try:
                moves = _leave_of(form, person)
                key = key_shown(request.form.get("seen", ""), _asked(form))
                if key is None and not moves.moves_dates:
                    # There is nothing to be looked at first.
                    key = moves.key
                if key is not None:
                    try:
                        return carry_out(partial(_plan, form, person, other, key))
                    except MovesChanged as changed:
                        form.form_errors.append(str(changed))
                        moves = _leave_of(form, person)
                        status = changed.status
                else:
                    status = 200
                seen = moves_shown(_asked(form), moves.key)
            except DomainError as refused:
                moves = None
                status = refused.status
                form.refuse(refused, shown.field_of(refused, _FIELD_OF))
    else:
        form.person.data = asked if asked in people else ""
        form.first_on.data, form.last_on.data = _day(request.args.get("first")), _day(request.args.get("last"))
        _fill_like(form, people)
    page = render_template(
        "handover/new_stand_in.html",
        form=form,
        leave=moves,
        seen=seen,
        limit=FIELD_LIMIT,
        most=rules.LIGHT_UP_TO_DAYS,
    )
    return page, status


def _fill_like(form: StandInForm, people: Mapping[str, Person]) -> None:
    """Begin with what was written for a stand-in who cannot, where the reader plans another."""
    before = queries.find_stand_ins([request.args.get("like", "")]).get(request.args.get("like", ""))
    if before is None or before.person.code not in people or before.person.code != form.person.data:
        return
    if can(SEE_STAND_IN, before):
        for name in ("ongoing", "places", "trouble"):
            form[name].data = before.told(name)


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return None


def _asked(form: StandInForm) -> str:
    """Return what the page has shown the effect of on the leave, so that something else is shown first."""
    return f"{form.person.data}/{form.first_on.data}/{form.last_on.data}"


def _leave_of(form: StandInForm, person: Person) -> LeaveMoves:
    assert form.first_on.data is not None
    assert form.last_on.data is not None
    service.check_days(person.home_market, form.first_on.data, form.last_on.data)
    return beside_leave.of_stand_in(person, form.first_on.data, form.last_on.data)


def _plan(form: StandInForm, person: Person, stand_in: Person, key: str) -> Done:
    if not allows(actor(), START_HANDOVER, person):
        raise NotAllowed()
    check_shown(_leave_of(form, person).key, key)
    assert form.first_on.data is not None
    assert form.last_on.data is not None
    row = service.plan_stand_in(
        person=person,
        stand_in=stand_in,
        first_on=form.first_on.data,
        last_on=form.last_on.data,
        ongoing=form.ongoing.data or "",
        places=form.places.data or "",
        trouble=form.trouble.data or "",
        by=actor(),
    )
    said = (
        _("The stand-in is at work from now on. Everything comes back by itself.")
        if row.begun_at is not None
        else _("The stand-in is planned. Everything goes over and comes back by itself.")
    )
    if not leave.may_enter(person, actor()):
        enters = _("Whoever leads enters the leave in the calendars; due dates move only then.")
        said = " ".join((str(said), str(enters)))
    return Done(_with_what_goes_on(said, row), url_for("handover.stand_in", code=row.code))


def _with_what_goes_on(said: str, row: StandIn) -> str:
    """Add that whoever is away stands in herself for somebody in these days: that goes on to her stand-in."""
    others = [
        each.person.name_in(language())
        for each in queries.list_not_over_by(row.person_id)
        if each.first_on <= row.last_on and row.first_on <= each.last_on
    ]
    if not others:
        return str(said)
    names = pgettext("list", ", ").join(others)
    return " ".join((str(said), str(_("What is held in these days for %(names)s goes on as well.", names=names))))


@blueprint.get("/stand-ins/<code>")
@requires(SEE_STAND_IN, on=queries.get_stand_in, absent=errors.NoSuchHandover)
def stand_in(found: StandIn) -> tuple[str, int]:
    """Show what the stand-in has to know, and what is with her."""
    return _page(found)


@blueprint.post("/stand-ins/<code>/end")
@requires(END_STAND_IN, on=queries.get_stand_in, see=SEE_STAND_IN, absent=errors.NoSuchHandover)
def end_stand_in(found: StandIn) -> Response | tuple[str, int]:
    """Call it off: what went over comes back at once."""

    def work() -> Done:
        check_shown(beside_leave.of_end(found).key, request.form.get("seen", ""))
        return Done(_ended_words(service.call_off(stand_in=found, by=actor())), url_for(".stand_in", code=found.code))

    try:
        return carry_out(work)
    except DomainError as refused:
        return _page(found, problem=str(refused), status=refused.status)


@blueprint.route("/stand-ins/<code>/decline", methods=["GET", "POST"])
@requires(DECLINE_STAND_IN, on=queries.get_stand_in, see=SEE_STAND_IN, absent=errors.NoSuchHandover)
def decline_stand_in(found: StandIn) -> Response | tuple[str, int]:
    """Say as the stand-in that one cannot, and why."""
    form, status = ReasonForm(), 200
    back = url_for(".stand_in", code=found.code)

    def work() -> Done:
        service.decline(stand_in=found, reason=form.reason.data or "", by=actor())
        return Done(_("It is noted that you cannot stand in. Whoever leads is told, and finds somebody else."), back)

    if request.method == "POST":
        status = 400
        if form.validate():
            try:
                return carry_out(work)
            except DomainError as refused:
                status = refused.status
                form.refuse(refused, shown.field_of(refused, {errors.ReasonMissing: "reason"}))
    page = render_template(
        "handover/decline.html",
        form=form,
        name=found.person.name_in(language()),
        title=_("I cannot stand in"),
        has_begun=found.begun_at is not None,
        is_possible=found.ended_at is None and found.declined_at is None,
        is_declined=found.declined_at is not None,
        is_grave=False,
        limit=REASON_LIMIT,
        back=back,
    )
    return page, status


def _ended_words(back: int | None) -> str:
    if back is None:
        return str(_("The stand-in has been called off. Nothing had gone over."))
    return str(
        ngettext(
            "The stand-in has ended. %(num)d thing came back.",
            "The stand-in has ended. %(num)d things came back.",
            back,
        )
    )


def _page(found: StandIn, *, problem: str = "", status: int = 200) -> tuple[str, int]:
    look, word = state_words(found)
    may_end = found.ended_at is None and can(END_STAND_IN, found)
    page = render_template(
        "handover/stand_in.html",
        name=found.person.name_in(language()),
        stand_in=shown.name_of(found.stand_in),
        code=found.code,
        look=look,
        word=word,
        first_on=format_date(found.first_on),
        last_on=format_date(found.last_on),
        fields=[
            (_("What goes on meanwhile"), found.told("ongoing")),
            (_("Where everything lies"), found.told("places")),
            (_("What to do on trouble"), found.told("trouble")),
        ],
        declined=_declined(found),
        decline_href=url_for(".decline_stand_in", code=found.code)
        if found.ended_at is None and found.declined_at is None and can(DECLINE_STAND_IN, found)
        else None,
        is_stuck=found.ended_at is None and not found.stand_in.is_active,
        things=_things(found),
        moves=_moves(found),
        stays=[_stays_row(each) for each in _stays(found)],
        removal=removal_of(found),
        remove_href=url_for("handover.remove_stand_in_texts", code=found.code)
        if found.removed_at is None and can(REMOVE_TEXT, found)
        else None,
        is_over=found.ended_at is not None,
        has_begun=found.begun_at is not None,
        may_end=may_end,
        leave_ends=beside_leave.of_end(found) if may_end else beside_leave.NOTHING,
        leave=beside_leave.standing_of(found),
        waits=found.ended_at is None
        and found.begun_at is None
        and handovers.find_open(found.person_id, is_real=True) is not None,
        problem=problem,
    )
    return page, status


def _declined(found: StandIn) -> dict[str, Any] | None:
    """Return that the stand-in said that she cannot, with where another is planned; None where she did not."""
    if found.declined_at is None:
        return None
    may_plan = found.ended_at is None and can(START_HANDOVER, found.person) and found.stand_in_id != actor().id
    first_on = max(found.first_on, service.today_in(found.person.home_market))
    is_possible = may_plan and first_on <= found.last_on
    return {
        "at": format_instant(found.declined_at, actor().time_zone),
        "reason": found.told("decline_reason"),
        "is_open": found.ended_at is None,
        "has_begun": found.begun_at is not None,
        "plan_href": url_for(
            "handover.new_stand_in", person=found.person.code, first=first_on, last=found.last_on, like=found.code
        )
        if is_possible
        else None,
    }


def state_words(found: StandIn) -> tuple[str, str]:
    """Return how a stand-in looks and what its state is called."""
    if found.ended_at is not None:
        return "ended", str(_("Over"))
    if found.declined_at is not None:
        return "danger", str(pgettext("stand-in", "Declined"))
    if found.begun_at is not None:
        return "in_progress", str(_("At work"))
    return "ahead", str(pgettext("stand-in", "Planned"))


def is_to_be_replaced(person: Person, found: StandIn) -> bool:
    """Say whether a stand-in cannot, and this person, another than her, finds somebody else."""
    return found.declined_at is not None and found.ended_at is None and found.stand_in_id != person.id


def _stays(found: StandIn) -> list[Lacking]:
    """Return what stays with whoever is away, since the stand-in lacks the role for it."""
    if found.ended_at is not None or not found.stand_in.is_active:
        return []
    return service.stays_behind(found.person, found.stand_in)


def _moves(found: StandIn) -> list[dict[str, Any]]:
    """Return what is going to go over on the first day."""
    if found.ended_at is not None or found.begun_at is not None or not found.stand_in.is_active:
        return []
    return _rows_of(service.going_over(found)[0])


def _stays_row(each: Lacking) -> dict[str, str]:
    registered = kinds()
    kind = registered[each.thing[0]].name if each.thing[0] in registered else each.thing[0]
    return {"title": each.title, "kind": str(kind), "role": each.role}


def _things(found: StandIn) -> list[dict[str, Any]]:
    return _rows_of([(each.kind, each.thing_code) for each in queries.list_things([found.id])])


def _rows_of(things: Sequence[Thing]) -> list[dict[str, Any]]:
    registered, known = kinds(), find_things(things)
    found_things = []
    for kind, code in things:
        thing = known.get((kind, code))
        name = registered[kind].name if kind in registered else kind
        may_open = thing is not None and thing.may_be_opened_by(actor())
        found_things.append(
            {
                "title": thing.title if thing is not None else code,
                "kind": str(name),
                "href": thing.href if thing is not None and may_open else None,
            }
        )
    return sorted(found_things, key=lambda row: (row["kind"], row["title"] or ""))

"""Beginning a handover, moving its last day, and calling it off: what comes of it is shown first."""

from __future__ import annotations

from datetime import date
from hashlib import sha256
from typing import Any

from flask import render_template, request, url_for
from werkzeug import Response

from portal.accounts.models import Person, Role
from portal.calendars.errors import HolidayYearUnknown, MovesChanged
from portal.calendars.service.moves import check_shown, key_shown
from portal.calendars.service.moves import shown as moves_shown
from portal.calendars.service.told import day_told
from portal.cohorts.permissions import reach_of
from portal.core import clock
from portal.core.access import actor, allows, requires, signed_in
from portal.core.errors import DomainError, NotAllowed
from portal.core.i18n import format_date, language
from portal.core.i18n import gettext as _
from portal.core.once import Done, carry_out
from portal.handover import errors
from portal.handover.forms import DaysForm, ReasonForm, StartForm
from portal.handover.models import Handover
from portal.handover.permissions import LEAD_HANDOVER, SEE_HANDOVER, START_HANDOVER
from portal.handover.queries import handovers as queries
from portal.handover.queries.people import list_handing_over
from portal.handover.rules import Plan, Reason
from portal.handover.service import handovers
from portal.handover.service.inventory import live_things
from portal.handover.service.standing import today_of
from portal.handover.service.wording import REASON_LIMIT
from portal.handover.views import beside_leave, blueprint, shown

# What the button says that does it for good.
CONFIRM = "confirm"
# Beside which field a refusal stands.
_FIELD_OF: dict[type[DomainError], str] = {
    errors.LastDayPast: "last_on",
    errors.TooFarAhead: "last_on",
    errors.NoticeAfterLastDay: "notice_on",
    errors.NoticeLongAgo: "notice_on",
    errors.BackDayMissing: "back_on",
    errors.OnlyLeaveEnds: "back_on",
    errors.LightIsEnough: "back_on",
    errors.AlreadyHandingOver: "person",
    errors.PersonGone: "person",
    errors.StandInUnderWay: "person",
    errors.DaysTheSame: "last_on",
    errors.ReasonMissing: "reason",
    HolidayYearUnknown: "last_on",
}


@blueprint.route("/handovers/new", methods=["GET", "POST"])
@signed_in
def start() -> Response | tuple[str, int]:
    """Begin a handover, for oneself or for somebody whom one leads, after a preview."""
    viewer, form, status = actor(), StartForm(), 200
    people = {each.code: each for each in _people(viewer)}
    form.person.choices = shown.offered(people.values(), first=_("Choose…"))[0 if len(people) > 1 else 1 :]
    preview, light, held, seen = None, None, None, ""
    if request.method == "POST":
        status = 400
        if form.validate():
            person, reason = people[form.person.data], Reason(form.reason.data)
            days = (_day(form.notice_on), _day(form.last_on), form.back_on.data)
            try:
                handovers.refuse_second(person, reason, *days[1:])
                plan = handovers.checked_days(person.home_market, reason, *days)
                key, status = _confirmed(form), 200
                if key is not None:
                    try:
                        return carry_out(lambda: _begin(person, reason, days, key))
                    except MovesChanged as changed:
                        form.form_errors.append(str(changed))
                        status = changed.status
                moves = beside_leave.of_start(person, reason, *days[1:])
                preview = _preview(person, reason, plan, days, moves)
                seen = moves_shown(_digest(form), moves.key)
            except DomainError as refused:
                status = refused.status
                form.refuse(refused, shown.field_of(refused, _FIELD_OF))
                held = getattr(refused, "href", None)
                if isinstance(refused, errors.LightIsEnough):
                    light = url_for(".new_stand_in", person=person.code, first=_after(days[1]), last=_before(days[2]))
    else:
        form.person.data = viewer.code if viewer.code in people else ""
        form.notice_on.data = clock.today(viewer.home_market.time_zone)
    page = render_template(
        "handover/start.html",
        form=form,
        preview=preview,
        seen=seen,
        light=light,
        held=held,
    )
    return page, status


def _people(viewer: Person) -> list[Person]:
    reach = reach_of(viewer, Role.LEAD, everywhere=(Role.ADMIN,))
    return [each for each in list_handing_over(viewer, reach) if allows(viewer, START_HANDOVER, each)]


def _day(field: Any) -> date:
    assert isinstance(field.data, date)
    return field.data


def _after(day: date) -> str:
    return date.fromordinal(day.toordinal() + 1).isoformat()


def _before(day: date | None) -> str:
    return date.fromordinal(day.toordinal() - 1).isoformat() if day is not None else ""


def _confirmed(form: Any) -> str | None:
    """Return the key of the dates that were shown to move, where what was shown is confirmed."""
    return key_shown(request.form.get("seen", ""), _digest(form)) if request.form.get("act") == CONFIRM else None


def _begin(person: Person, reason: Reason, days: tuple[date, date, date | None], key: str) -> Done:
    if not allows(actor(), START_HANDOVER, person):
        raise NotAllowed()
    check_shown(beside_leave.of_start(person, reason, *days[1:]).key, key)
    found = handovers.start(
        person=person, reason=reason, notice_on=days[0], last_on=days[1], back_on=days[2], by=actor()
    )
    return Done(_("The handover has begun. What is to be handed over was found by itself."), _page_of(found))


def _preview(
    person: Person, reason: Reason, plan: Plan, days: tuple[date, date, date | None], moves: beside_leave.LeaveMoves
) -> dict[str, Any]:
    """Return what would come of it: what is found, and what would be due when."""
    today = clock.today(person.home_market.time_zone)
    things = live_things(person)
    open_ = queries.find_open(person.id)
    return {
        "name": person.name_in(language()),
        "working_days": plan.working_days,
        "dates": shown.dates_of(plan, days[0], today),
        "things": [
            {"title": row.thing.title, "kind": str(row.kind_name)}
            for _thing, row in sorted(things.items(), key=lambda each: (str(each[1].kind_name), each[1].thing.title))
        ],
        "settle": shown.to_settle(person),
        "calls_off": open_ is not None and open_.reason is Reason.REHEARSAL,
        "leave": moves,
        "later": [
            {
                "href": url_for("handover.stand_in", code=each.code),
                "days": _("%(first)s – %(last)s", first=format_date(each.first_on), last=format_date(each.last_on)),
                "name": each.stand_in.name_in(language()),
            }
            for each in (handovers.later_stand_ins(person) if reason is not Reason.REHEARSAL else ())
        ],
        "goes": reason is Reason.RESIGNATION,
    }


def _digest(form: Any) -> str:
    """Return a hash over what the form says: what is confirmed is what was previewed."""
    values = "\n".join(f"{field.name}={field.data}" for field in form if field.name != "csrf_token")
    return sha256(values.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _page_of(found: Handover) -> str:
    return url_for("handover.handover", code=found.code)


# --- The last day ------------------------------------------------------------------------------


@blueprint.route("/handovers/<code>/last-day", methods=["GET", "POST"])
@requires(LEAD_HANDOVER, on=queries.get_handover, see=SEE_HANDOVER, absent=errors.NoSuchHandover)
def move_last_day(found: Handover) -> Response | tuple[str, int]:
    """Move the last day, after a look at what else moves with it."""
    form, status, moved, moves, shown_now, held = DaysForm(), 200, None, None, "", None
    if request.method == "POST":
        status = 400
        if form.validate():
            last_on, back_on = _day(form.last_on), form.back_on.data
            seen, key = request.form.get("days", ""), _confirmed(form)
            try:
                status = 200
                if key is not None:
                    try:
                        return carry_out(lambda: _move(found, form, seen, key))
                    except MovesChanged as changed:
                        form.form_errors.append(str(changed))
                        status = changed.status
                plan = handovers.check_moved(found, last_on, back_on)
                moved, moves = _moved(found, plan), beside_leave.of_days(found, last_on, back_on)
                shown_now = moves_shown(_digest(form), moves.key)
            except DomainError as refused:
                status = refused.status
                form.refuse(refused, shown.field_of(refused, _FIELD_OF))
                held = getattr(refused, "href", None)
    else:
        form.last_on.data, form.back_on.data = found.last_on, found.back_on
    page = render_template(
        "handover/last_day.html",
        form=form,
        name=found.person.name_in(language()),
        back=_page_of(found),
        is_open=found.is_open,
        is_leave=found.reason is Reason.LEAVE,
        last_on=format_date(found.last_on),
        days=len(found.days),
        moved=moved,
        leave=moves,
        held=held,
        seen=shown_now,
        limit=REASON_LIMIT,
    )
    return page, status


def _move(found: Handover, form: DaysForm, seen: str, key: str) -> Done:
    last_on, back_on = _day(form.last_on), form.back_on.data
    check_shown(beside_leave.of_days(found, last_on, back_on).key, key)
    handovers.move_last_day(
        handover=found,
        last_on=last_on,
        back_on=back_on,
        reason=form.reason.data or "",
        seen=int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 6 else 0,
        by=actor(),
    )
    return Done(_("The last day has been moved."), _page_of(found))


def _moved(found: Handover, plan: Plan) -> list[dict[str, Any]]:
    """Return each date as it was and as it would be."""
    before, today = shown.plan_or_none(found), today_of(found)
    return [
        {
            **shown.date_row(each, due, plan, found.notice_on, today),
            "before": day_told(before.dates[each].on) if before is not None else "–",
            "is_same": before is not None and before.dates[each].on == due.on,
        }
        for each, due in plan.dates.items()
    ]


# --- Calling off -------------------------------------------------------------------------------


@blueprint.route("/handovers/<code>/call-off", methods=["GET", "POST"])
@requires(LEAD_HANDOVER, on=queries.get_handover, see=SEE_HANDOVER, absent=errors.NoSuchHandover)
def call_off(found: Handover) -> Response | tuple[str, int]:
    """End it without anything having moved."""
    form, status = ReasonForm(), 200
    if request.method == "POST":
        status = 400
        if form.validate():
            try:
                return carry_out(lambda: _call_off(found, form.reason.data or "", request.form.get("seen", "")))
            except MovesChanged as changed:
                form.form_errors.append(str(changed))
                status = changed.status
            except DomainError as refused:
                status = refused.status
                form.refuse(refused, shown.field_of(refused, _FIELD_OF))
    moves = beside_leave.of_end(found) if found.is_open else None
    page = render_template(
        "handover/call_off.html",
        form=form,
        leave=moves,
        title=_("Call off the handover"),
        about=_("Nothing moves. What was shown and said stays recorded; another handover can be begun afterwards."),
        verb=_("Call off"),
        name=found.person.name_in(language()),
        back=_page_of(found),
        is_possible=found.is_open,
        is_grave=True,
        limit=REASON_LIMIT,
    )
    return page, status


def _call_off(found: Handover, reason: str, seen: str) -> Done:
    check_shown(beside_leave.of_end(found).key, seen)
    handovers.call_off(handover=found, reason=reason, by=actor())
    return Done(_("The handover has been called off."), _page_of(found))

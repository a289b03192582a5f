"""What pages show of handovers, their items and dates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction
from typing import Any

from flask import request, url_for
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # the stubs do not know it yet

from portal.accounts import queries as accounts
from portal.accounts.models import Person
from portal.accounts.permissions import ADMINISTER_PEOPLE
from portal.accounts.service import leaving, owner_needs
from portal.accounts.service.ownership import OwnedThing
from portal.calendars.rules import ONE_DAY, DueDate, YearNotInTable, working_days_between
from portal.calendars.service.absences import Absence
from portal.calendars.service.told import day_told, days_told
from portal.core import clock
from portal.core.access import actor, can
from portal.core.errors import DomainError
from portal.core.i18n import format_date, language, lazy_pgettext, ngettext, pgettext
from portal.core.i18n import gettext as _
from portal.core.i18n import lazy_gettext as _l
from portal.duties.permissions import SEE_CARD, SEE_RESPONSIBILITIES_OF, Answered, is_of_place_led
from portal.duties.rules import Criticality
from portal.handover import rules
from portal.handover.errors import LooksSecret
from portal.handover.models import Handover
from portal.handover.queries.handovers import list_open_of
from portal.handover.rules import DayLeft, GoneAs, ItemState, Milestone, Plan, Reason, Stage
from portal.handover.service.being_away import list_away
from portal.handover.service.inventory import Thing
from portal.handover.service.names import MILESTONES, REASONS, STATE_NAMES, taker_words
from portal.handover.service.standing import (
    Item,
    Standing,
    burn_down_of,
    calendar_of,
    is_real,
    plan_of,
)

STAGES = {
    Stage.SHADOW: _l("Watched"),
    Stage.REVERSE_SHADOW: _l("Done while being watched"),
    Stage.ALONE: _l("Done alone"),
}
CRITICALITIES = {
    Criticality.LOW: lazy_pgettext("criticality", "Low"),
    Criticality.NORMAL: lazy_pgettext("criticality", "Normal"),
    Criticality.HIGH: lazy_pgettext("criticality", "High"),
    Criticality.CRITICAL: lazy_pgettext("criticality", "Critical"),
}
# How an item looks in a state.
LOOKS = {
    ItemState.UNASSIGNED: "danger",
    ItemState.SUCCESSOR_GONE: "danger",
    ItemState.REFUSED: "danger",
    ItemState.CARD_MISSING: "warning",
    ItemState.READY: "not_started",
    ItemState.SHADOWED: "in_progress",
    ItemState.REVERSE_SHADOWED: "in_progress",
    ItemState.TO_DECIDE: "waiting",
    ItemState.ACCEPTED: "done",
    ItemState.GONE: "ended",
}
STATES = {state: (look, STATE_NAMES[state]) for state, look in LOOKS.items()}
GONE = {
    GoneAs.NOT_LIVE: _l("It is not in use any more."),
    GoneAs.OWNED_BY_ANOTHER: _l("Somebody else answers for it already."),
}
# A curve over more days than this is told by the week in its table.
_DAYS_IN_TABLE = 40
# The field of the chart.
_WIDTH, _HEIGHT = 480, 160
# How far a line of one day is drawn.
_STUB = 8


def field_of(refused: DomainError, known: Mapping[type[DomainError], str]) -> str | None:
    """Return beside which field of its form a refusal stands."""
    return refused.field if isinstance(refused, LooksSecret) else known.get(type(refused))


def to_settle(person: Person) -> dict[str, Any] | None:
    """Return what is not handed over when somebody goes and has to be settled, and who can; None where nothing is."""
    roles, deputies = leaving.roles_stay(person), leaving.deputies_stay(person)
    rows = [*roles, *deputies]
    if not rows:
        return None
    here = language()
    return {
        "rows": [{"text": str(each.text), "href": each.href} for each in rows],
        "admins": str(pgettext("list", ", ")).join(each.name_in(here) for each in accounts.list_administrators())
        if roles
        else "",
        "people_href": url_for("accounts.list_people") if roles and can(ADMINISTER_PEOPLE) else None,
        "deputies_href": url_for("duties.of_person", code=person.code)
        if deputies and can(SEE_RESPONSIBILITIES_OF, person)
        else None,
    }


def name_of(person: Person | None) -> str:
    """Name somebody; an account that is not active any more is said."""
    if person is None:
        return "–"
    name = person.name_in(language())
    return name if person.is_active else str(_("%(name)s (deactivated)", name=name))


def card_href(thing: tuple[str, str]) -> str:
    """Return where the card of a thing is read and written."""
    return url_for("duties.card", kind=thing[0], thing=thing[1])


def sees_card(item: Item) -> bool:
    """Say whether there is a card of the item's thing for the reader to open, or one to write."""
    if item.owned is None or not (item.owned.is_live or item.card is not None):
        return False
    # Who leads its market or team reads it whoever answers for it.
    asked = Answered(item.thing[0], item.kind_name, item.thing[1], item.owned, None)
    return is_of_place_led(actor(), asked) or can(
        SEE_CARD, replace(asked, ownership=accounts.find_owner(item.thing[0], item.thing[1]))
    )


def state_of_handover(handover: Handover, *, is_late: bool) -> tuple[str, str]:
    """Return how a handover looks and what its state is called."""
    if handover.closed_at is not None:
        return "done", str(pgettext("handover", "Closed"))
    if handover.called_off_at is not None:
        return "ended", str(_("Called off"))
    if is_late:
        return "overdue", str(_("Past the last day"))
    return "in_progress", str(pgettext("handover", "Open"))


def item_row(item: Item, *, may_select: bool) -> dict[str, Any]:
    """Return one item as the table of a handover shows it."""
    look, word = STATES[item.state]
    return {
        "key": item.key,
        "title": item.title,
        "kind": str(item.kind_name),
        "href": url_for("handover.item", item=item.row.code) if item.row is not None else None,
        "look": look,
        "word": str(word),
        "why": _why_so(item),
        "is_gone": item.state is ItemState.GONE,
        "is_new": item.row is None,
        "with_lead": item.is_with_lead,
        "score": item.score,
        "criticality": str(CRITICALITIES[item.criticality]),
        "is_single_point": item.is_single_point,
        "has_card": item.card is not None,
        "successor": taker_words(item),
        "may_select": may_select and item.state is not ItemState.GONE,
    }


def _why_so(item: Item) -> str:
    """Say why an item is as it is: that it needs no handover any more, or when its successor went."""
    if item.state is ItemState.GONE and item.gone_as is not None:
        return str(GONE[item.gone_as])
    return away_words(item.away) if item.away is not None else ""


def rehearsed(standing: Standing) -> dict[str, Any]:
    """Return what a rehearsal showed: how much could have moved, and what would have stood in the way."""
    items = [each for each in standing.items if each.state is not ItemState.GONE]
    left = len(standing.left)
    said = (
        ngettext("%(num)d item could have moved.", "%(num)d items could have moved.", len(items) - left)
        if not left
        else _("%(moved)s of %(all)s items could have moved.", moved=len(items) - left, all=len(items))
    )
    return {
        "said": str(said),
        "left": [item_row(each, may_select=False) for each in standing.left],
        "without_card": len([each for each in items if each.card is None]),
    }


def thing_href(item: Item) -> str | None:
    """Return where the thing itself is, for who may open it."""
    return item.href if item.href and (item.needs is None or can(item.needs, item.needs_on)) else None


def offered(people: Iterable[Person], *, first: str) -> list[Any]:
    """Return people as the choices of a list, after one that stands for nobody."""
    here = language()
    return [
        SelectChoice("", first),
        *(
            SelectChoice(each.code, f"{each.name_in(here)} · {each.team.name if each.team else each.home_market.name}")
            for each in people
        ),
    ]


def offered_for(
    people: Iterable[Person],
    things: Mapping[Thing, OwnedThing],
    *,
    first: str,
    away: Mapping[int, Sequence[Absence]] | None = None,
) -> list[Any]:
    """Return the same, after those who can answer for all of the things those who lack a role for it, with the role.

    `away` is when they are away in these days, which is said with each.
    """
    people = list(people)
    lacking = {
        each.code: [thing for thing, found in things.items() if not owner_needs.may_own(each, thing[0], found)]
        for each in people
    }
    asked = {thing for found in lacking.values() for thing in found}
    places = {thing: (thing[0], things[thing].market_codes, things[thing].team_code) for thing in asked}
    # Things of the same kind and place need the same role, which is put in words once.
    told = {place: owner_needs.told(thing[0], things[thing]) for thing, place in places.items()}
    lacks = {code: [told[places[thing]] for thing in found] for code, found in lacking.items()}
    choices = offered(people, first=first)
    if away is None:
        ahead = [each for each in list_open_of([each.id for each in people]) if is_real(each)]
        away = {each.person_id: [Absence(each.person_id, each.last_on + ONE_DAY, date.max, True)] for each in ahead}
    absences = {each.code: away.get(each.id, ()) for each in people}
    for each in choices[1:]:
        each.label = " — ".join((each.label, *map(away_words, absences[each.value])))
    apart = [each for each in choices[1:] if lacks[each.value]]
    return [
        *(each for each in choices if each not in apart),
        *(SelectChoice(each.value, f"{each.label} — {_needs_first(lacks[each.value], len(things))}") for each in apart),
    ]


def naming_seen() -> dict[str, Any]:
    """Return what a form that names successors says besides: up to which one they were seen, and what is meant so."""
    seen = request.form.get("seen", "")
    return {
        "seen": int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 9 else 0,
        "over_accepted": request.form.get("over_accepted") == "yes",
    }


def names_so_far(standing: Standing) -> int:
    """Return how often successors have been named in a handover."""
    return sum(len(each.course.assignments) for each in standing.items if each.course is not None)


def away_words(absence: Absence) -> str:
    """Say from when until when somebody is away, or when her last day is."""
    if absence.for_good:
        last_on = absence.first_on - ONE_DAY
        day = format_date(last_on, "short")
        if last_on >= clock.today(actor().time_zone):
            return str(_("hands over as well, until %(day)s", day=day))
        return str(_("last day %(day)s", day=day))
    return str(
        _(
            "away from %(first)s to %(last)s",
            first=format_date(absence.first_on, "short"),
            last=format_date(absence.last_on, "short"),
        )
    )


def away_after_naming(handover: Handover, person: Person | None) -> str:
    """Return a sentence about when a successor who was just named is away; empty where she is not."""
    return away_told(person, list_away(handover, [person.id]).get(person.id, [])) if person is not None else ""


def away_told(person: Person, found: Sequence[Absence]) -> str:
    """Return a sentence about when a successor is away while she is to take something over; empty where she is not."""
    if not found:
        return ""
    when = str(pgettext("list", ", ")).join(map(away_words, found))
    return str(_("Mind that %(name)s is not always there: %(when)s.", name=person.name_in(language()), when=when))


def _needs_first(roles: Sequence[str], things: int) -> str:
    named = str(pgettext("list", ", ")).join(dict.fromkeys(roles))
    if things == 1:
        return str(_("needs this role first: %(roles)s", roles=named))
    return str(_("needs these roles first for %(num)s of %(all)s: %(roles)s", num=len(roles), all=things, roles=named))


# --- Dates -------------------------------------------------------------------------------------


def dates_of(plan: Plan, notice_on: date, today: date) -> list[dict[str, Any]]:
    """Return the dates of a plan in their order, each with how it came about."""
    return [row for _milestone, row in dated(plan, notice_on, today)]


def dated(plan: Plan, notice_on: date, today: date) -> list[tuple[Milestone, dict[str, Any]]]:
    """Return the dates of a plan in their order with what each is of."""
    rows = sorted(plan.dates.items(), key=lambda each: (each[1].on, list(Milestone).index(each[0])))
    return [(milestone, date_row(milestone, due, plan, notice_on, today)) for milestone, due in rows]


def date_row(milestone: Milestone, due: DueDate, plan: Plan, notice_on: date, today: date) -> dict[str, Any]:
    """Return one date with how it came about."""
    return {
        "what": str(MILESTONES[milestone]),
        "date": day_told(due.on) if due.on.year == today.year else format_date(due.on),
        "iso": due.on.isoformat(),
        "why": _why(milestone, due, plan, notice_on),
        "days": days_told(due.derivation),
        "is_past": due.on < today,
    }


def _why(milestone: Milestone, due: DueDate, plan: Plan, notice_on: date) -> str:
    number, notice = due.derivation.working_days, format_date(notice_on)
    if plan.working_days == 0:
        return str(_("There is no working day between the notice and the last day, so everything is due by then."))
    share = {Milestone.CARDS: rules.CARDS_BY_PERCENT, Milestone.SIGN_OFF: rules.SIGN_OFF_BY_PERCENT}.get(milestone)
    counted = ngettext(
        "%(num)d working day after the notice of %(notice)s.",
        "%(num)d working days after the notice of %(notice)s.",
        number,
        notice=notice,
    )
    if share is None:
        return str(counted)
    if plan.working_days * share < 100 * number:
        return " ".join((str(counted), str(_("A share of so few days would be none, so it is one day."))))
    return " ".join(
        (
            str(counted),
            str(
                ngettext(
                    "That is %(share)s%% of the %(num)d working day until the last day, rounded down to whole days.",
                    "That is %(share)s%% of the %(num)d working days until the last day, rounded down to whole days.",
                    plan.working_days,
                    share=share,
                )
            ),
        )
    )


def days_left(handover: Handover, today: date) -> int | None:
    """Return how many working days are left after today; None where a year is not known."""
    try:
        return working_days_between(today, handover.last_on, calendar_of(handover))
    except YearNotInTable:
        return None


def plan_or_none(handover: Handover) -> Plan | None:
    """Return the dates of a handover, or None where a year is not known any more."""
    try:
        return plan_of(handover)
    except YearNotInTable:
        return None


# --- Work left against days left ---------------------------------------------------------------


def curve_of(standing: Standing) -> dict[str, Any] | None:
    """Return the burn-down as the chart and its table show it, or None where nothing can be drawn."""
    try:
        days = burn_down_of(standing)
    except YearNotInTable:
        return None
    if len(days) < 2 or not standing.items:
        return None
    highest = max(1, *(each.left or 0 for each in days), *(-(-each.expected // 1) for each in days))
    top = int(highest + highest % 2)
    known = [each for each in days if each.left is not None]
    now = known[-1] if known else None
    return {
        "title": str(_("Work left against days left")),
        "description": _described(now, days),
        "top": top,
        "lines": [
            {
                "label": str(_("Left at most, if everything is accepted by the last day")),
                "kind": "expected",
                "points": _points(days, [each.expected for each in days], top),
            },
            {
                "label": str(_("Left")),
                "kind": "done",
                "points": _points(days, [each.left for each in days if each.left is not None], top),
            },
        ],
        "ticks": [
            {"x": 0, "label": format_date(days[0].on, "short"), "anchor": "start"},
            {"x": _WIDTH, "label": format_date(days[-1].on, "short"), "anchor": "end"},
        ],
        "today": _today(days, now) if now is not None and now.on < days[-1].on else None,
        "columns": [str(pgettext("date", "Day")), str(_("Left at most")), str(_("Left"))],
        "rows": [
            [
                format_date(each.on, "short"),
                str(-(-each.expected.numerator // each.expected.denominator)),
                str(each.left) if each.left is not None else "–",
            ]
            for each in _told(days)
        ],
    }


def _described(now: DayLeft | None, days: Sequence[DayLeft]) -> str:
    if now is None:
        return str(_("The notice begins on %(day)s.", day=format_date(days[0].on)))
    return str(
        _(
            "On %(day)s %(left)s are left; at most %(most)s should be.",
            day=format_date(now.on),
            left=now.left,
            most=-(-now.expected.numerator // now.expected.denominator),
        )
    )


def _told(days: Sequence[DayLeft]) -> list[DayLeft]:
    """Return the days that the table tells: of a long notice the last of each week."""
    if len(days) <= _DAYS_IN_TABLE:
        return list(days)
    last = {day.on.isocalendar()[:2]: day for day in days}
    return list(last.values())


def _points(days: Sequence[DayLeft], numbers: Sequence[Fraction | int | None], top: int) -> str:
    steps = max(len(days) - 1, 1)
    if len(numbers) == 1 and numbers[0] is not None:
        # A line of one day would not be seen: it is drawn a little beyond.
        y = float(_HEIGHT * (1 - Fraction(numbers[0]) / top))
        return f"0.0,{y:.1f} {_STUB}.0,{y:.1f}"
    return " ".join(
        f"{float(Fraction(_WIDTH * number, steps)):.1f},{float(_HEIGHT * (1 - Fraction(value) / top)):.1f}"
        for number, value in enumerate(numbers)
        if value is not None
    )


def _today(days: Sequence[DayLeft], now: DayLeft) -> dict[str, Any]:
    number = next(place for place, each in enumerate(days) if each.on == now.on)
    x = float(Fraction(_WIDTH * number, max(len(days) - 1, 1)))
    anchor = "start" if x < _WIDTH / 4 else "end" if x > 3 * _WIDTH / 4 else "middle"
    return {"x": f"{x:.1f}", "label": str(_("Today")), "anchor": anchor}


def title_of(handover: Handover) -> str:
    """Return what a handover is called: a rehearsal is called one."""
    name = handover.person.name_in(language())
    if is_real(handover):
        return str(_("Handover of %(name)s", name=name))
    return str(_("Rehearsal of a handover of %(name)s", name=name))


def kind_words(handover: Handover) -> str:
    """Say whether things move at the end."""
    return "" if is_real(handover) else str(REASONS[Reason.REHEARSAL])

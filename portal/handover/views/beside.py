"""What Today shows of handovers: what waits for a successor, a lead, or whoever hands over, and stand-ins."""

from __future__ import annotations

from collections.abc import Sequence

from flask import url_for

from portal.accounts.models import Person
from portal.core.access import allows
from portal.core.i18n import format_date, language, ngettext
from portal.core.i18n import gettext as _
from portal.handover import rules
from portal.handover.models import Handover, StandIn
from portal.handover.permissions import LEAD_HANDOVER
from portal.handover.queries.waiting import Waiting, list_waiting
from portal.handover.service.handovers import is_late, to_hand_back
from portal.handover.service.issuing import confirm_by
from portal.handover.service.leading import leads_of_person
from portal.handover.service.leave import may_enter
from portal.handover.service.names import MILESTONES
from portal.handover.service.standing import Standing, standings_of, today_of
from portal.handover.views import shown
from portal.handover.views.stand_ins import is_to_be_replaced, state_words
from portal.training.service.concerns import Cell, Concern

# Today names those that are most urgent; all of them have a page of their own.
NAMED_TODAY = 5


def waiting_handovers(person: Person) -> Sequence[Concern]:
    """Return what of handovers waits for somebody, and for whom she stands in; one statement where nothing does."""
    waiting = list_waiting(person)
    found = []
    if waiting.dossiers:
        found.append(_of_dossiers(waiting))
    # An administrator closes, and finds successors, where nobody leads who hands over.
    last_resort = [
        each
        for each in waiting.others
        if each.person_id != person.id and person.id in {lead.id for lead in leads_of_person(each.person)}
    ]
    if waiting.handovers or last_resort:
        standings = standings_of(sorted([*waiting.handovers, *last_resort], key=lambda each: (each.last_on, each.id)))
        found += [_of_items(person, standings), _of_handovers(person, standings)]
    declined = [each for each in waiting.stand_ins if is_to_be_replaced(person, each)]
    if declined:
        found.append(_of_declined(declined))
    to_enter = [each for each in waiting.without_leave if may_enter(each.person, person)]
    if to_enter:
        found.append(_of_leave_to_enter(to_enter))
    others = [each for each in waiting.stand_ins if each not in declined]
    if others:
        found.append(_of_stand_ins(person, others))
    back = [(each, count) for each in waiting.back if _is_back(each) and (count := len(to_hand_back(each)))]
    if back:
        found.append(_of_leave(back))
    return found


def _is_back(handover: Handover) -> bool:
    return handover.back_on is not None and handover.back_on <= today_of(handover)


def _of_leave(back: Sequence[tuple[Handover, int]]) -> Concern:
    return Concern(
        title=_("Back from leave?"),
        columns=(_("Handover"), _("To be handed back"), _("First day back")),
        rows=[
            (
                Cell(shown.title_of(each), url_for("handover.handover", code=each.code)),
                Cell(ngettext("%(num)d item", "%(num)d items", count)),
                Cell(format_date(each.back_on, "short")),
            )
            for each, count in back[:NAMED_TODAY]
            if each.back_on is not None
        ],
        kinds=("text", "text", "nowrap"),
        comes_first=True,
    )


def _of_leave_to_enter(stand_ins: Sequence[StandIn]) -> Concern:
    here = language()
    return Concern(
        title=_("Leave to be entered"),
        columns=(_("Person"), _("Days")),
        rows=[
            (
                Cell(each.person.name_in(here), url_for("handover.stand_in", code=each.code)),
                Cell(f"{format_date(each.first_on, 'short')} – {format_date(each.last_on, 'short')}"),
            )
            for each in stand_ins[:NAMED_TODAY]
        ],
        kinds=("text", "nowrap"),
        more=(
            ngettext("All %(num)d stand-ins", "All %(num)d stand-ins", len(stand_ins)),
            url_for("handover.list_handovers"),
        )
        if len(stand_ins) > NAMED_TODAY
        else None,
        comes_first=True,
    )


def _of_dossiers(waiting: Waiting) -> Concern:
    here = language()
    return Concern(
        title=_("Dossiers to be confirmed"),
        columns=(_("Dossier"), _("Version"), _("To be confirmed by")),
        rows=[
            (
                Cell(
                    _("Handover of %(name)s", name=each.handover.person.name_in(here)),
                    url_for("acknowledgements.delta" if each.has_older else "library.read", slug=each.slug),
                    _("Read what changed, and confirm it") if each.has_older else _("Read it, and confirm it"),
                ),
                Cell(each.number),
                Cell(format_date(due_on, "short"), state="overdue" if due_on < today_of(each.handover) else None),
            )
            for each in waiting.dossiers[:NAMED_TODAY]
            if (due_on := confirm_by(each.handover, each.issued_at))
        ],
        kinds=("text", "nowrap", "nowrap"),
        comes_first=True,
    )


def _of_items(person: Person, standings: Sequence[Standing]) -> Concern:
    mine = [
        (standing, each)
        for standing in standings
        for each in standing.of(*rules.WITH_THE_SUCCESSOR)
        if each.successor is not None and each.successor.id == person.id
    ]
    mine.sort(key=lambda pair: (pair[0].handover.last_on, -pair[1].score, pair[1].title))
    rows = []
    for standing, each in mine[:NAMED_TODAY]:
        look, word = shown.STATES[each.state]
        href = url_for("handover.item", item=each.row.code) if each.row is not None else None
        giver = shown.title_of(standing.handover)
        rows.append(
            (
                Cell(each.title, href, f"{each.kind_name} · {giver}"),
                Cell(str(word), state=look),
                Cell(
                    format_date(standing.handover.last_on, "short"),
                    state="overdue" if is_late(standing.handover) else None,
                ),
            )
        )
    return Concern(
        title=_("To be taken over"),
        columns=(_("Item"), _("State"), _("Last day")),
        rows=rows,
        kinds=("text", "text", "nowrap"),
        more=(
            ngettext("All %(num)d item", "All %(num)d items", len(mine)),
            url_for("handover.list_handovers", show="taking"),
        )
        if len(mine) > NAMED_TODAY
        else None,
        comes_first=True,
    )


def _of_handovers(person: Person, standings: Sequence[Standing]) -> Concern:
    rows = []
    for standing in standings:
        handover = standing.handover
        leads = allows(person, LEAD_HANDOVER, handover)
        if not leads and handover.person_id != person.id:
            continue
        left, waiting = len(standing.left), len(standing.with_lead)
        said = (
            ngettext("%(num)d item waits for the lead", "%(num)d items wait for the lead", waiting) if waiting else ""
        )
        rows.append(
            (
                Cell(
                    shown.title_of(handover),
                    url_for("handover.handover", code=handover.code),
                    said,
                ),
                Cell(
                    ngettext("%(num)d item left", "%(num)d items left", left) if left else _("Ready to be closed"),
                    None,
                    _next_words(standing),
                ),
                Cell(format_date(handover.last_on, "short"), state="overdue" if is_late(handover) else None),
            )
        )
    return Concern(
        title=_("Handovers"),
        columns=(_("Handover"), _("Left"), _("Last day")),
        rows=rows[:NAMED_TODAY],
        kinds=("text", "text", "nowrap"),
        more=(
            ngettext("All %(num)d handover", "All %(num)d handovers", len(rows)),
            url_for("handover.list_handovers"),
        )
        if len(rows) > NAMED_TODAY
        else None,
        comes_first=True,
    )


def _next_words(standing: Standing) -> str:
    """Say what is due next in a handover, until when, or since when it is overdue; past its last day only that."""
    if is_late(standing.handover):
        return str(_("The last day has passed."))
    plan = shown.plan_or_none(standing.handover)
    left = [(due.on, each) for each, due in plan.dates.items() if not standing.is_met(each)] if plan else []
    if not left:
        return ""
    on, milestone = min(left, key=lambda each: each[0])
    what, day = MILESTONES[milestone], format_date(on, "short")
    if on < standing.today:
        return str(_("Overdue since %(day)s: %(what)s", day=day, what=what))
    return str(_("Next, until %(day)s: %(what)s", day=day, what=what))


def _of_declined(declined: Sequence[StandIn]) -> Concern:
    here, rows = language(), []
    for each in declined[:NAMED_TODAY]:
        rows.append(
            (
                Cell(
                    _(
                        "%(stand_in)s cannot stand in for %(name)s",
                        stand_in=each.stand_in.name_in(here),
                        name=each.person.name_in(here),
                    ),
                    url_for("handover.stand_in", code=each.code),
                ),
                Cell(each.told("decline_reason") or "–", is_quoted=bool(each.told("decline_reason"))),
                Cell(f"{format_date(each.first_on, 'short')} – {format_date(each.last_on, 'short')}"),
            )
        )
    return Concern(
        title=_("Stand-ins to be found"),
        columns=(_("Stand-in"), _("Reason"), _("Days")),
        rows=rows,
        kinds=("text", "text", "nowrap"),
        more=(
            ngettext("All %(num)d stand-ins", "All %(num)d stand-ins", len(declined)),
            url_for("handover.list_handovers"),
        )
        if len(declined) > NAMED_TODAY
        else None,
        comes_first=True,
    )


def _of_stand_ins(person: Person, stand_ins: Sequence[StandIn]) -> Concern:
    here = language()
    rows = []
    for each in stand_ins:
        look, word = state_words(each)
        said = (
            _("%(name)s stands in", name=each.stand_in.name_in(here))
            if each.person_id == person.id
            else _("Standing in for %(name)s", name=each.person.name_in(here))
        )
        rows.append(
            (
                Cell(said, url_for("handover.stand_in", code=each.code)),
                Cell(word, state=look),
                Cell(f"{format_date(each.first_on, 'short')} – {format_date(each.last_on, 'short')}"),
            )
        )
    return Concern(
        title=_("Stand-ins"),
        columns=(_("Stand-in"), _("State"), _("Days")),
        rows=rows,
        kinds=("text", "text", "nowrap"),
    )

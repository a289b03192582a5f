"""What recurs and whether it will really come: the list, one obligation with its people, one person's cycles."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from flask import render_template, request, url_for
from werkzeug import Response

from portal.accounts import queries as accounts
from portal.accounts.models import Person
from portal.cohorts.queries import people_within
from portal.core.access import actor, can, requires, signed_in
from portal.core.i18n import format_date, language, pgettext
from portal.core.i18n import gettext as _
from portal.core.tables import download_csv
from portal.obligations import queries, rules
from portal.obligations.errors import NoSuchObligation
from portal.obligations.models import Obligation
from portal.obligations.permissions import (
    CHANGE_OBLIGATION,
    CREATE_OBLIGATIONS,
    SEE_CYCLES,
    SEE_OBLIGATION,
    SEE_OBLIGATIONS,
    reach_over_people,
)
from portal.obligations.queries import Standing
from portal.obligations.rules import OF_OBLIGATION, Break, Health, State
from portal.obligations.service.telling import (
    break_words,
    closing_words,
    rhythm_words,
    state_words,
    tell,
    what_to_do,
    why_broken,
)
from portal.obligations.views import blueprint, shown
from portal.training.permissions import SEE_ENROLLMENT

ROWS_AT_ONCE = 50
# Those who need somebody first.
_NEED = (Health.INTERRUPTED, Health.OPEN, Health.INTACT, Health.WITHOUT)
OVERDUE = "overdue"


def health_words(health: Health) -> str:
    """Name a health, as the filters do."""
    return {
        Health.INTACT: pgettext("cycle", "Intact"),
        Health.OPEN: pgettext("cycle", "Open"),
        Health.INTERRUPTED: pgettext("cycle", "Interrupted"),
        Health.WITHOUT: pgettext("cycle", "Without the certificate"),
    }[health]


# --- The list ----------------------------------------------------------------------------------


@blueprint.get("/obligations")
@requires(SEE_OBLIGATIONS)
def list_obligations() -> str:
    """List what recurs, and how those within reach stand with it."""
    reach = reach_over_people(actor())
    found = queries.list_obligations()
    standings = queries.standings(queries.look_at(found), among=people_within(reach)) if found else []
    owners = accounts.find_owners(queries.OWNED_KIND, [each.code for each in found])
    rows = []
    for each, standing in zip(found, standings, strict=True):
        owned = owners.get(each.code)
        is_own = owned is not None and actor().id in (owned.owner_id, owned.deputy_id)
        if not standing and not reach.everywhere and not is_own:
            continue
        counts = _count(standing)
        look, word = state_words(each.state)
        rows.append(
            {
                "title": str(each.title),
                "href": url_for("obligations.obligation", code=each.code),
                "rhythm": rhythm_words(each.latest.shape),
                "look": look,
                "word": word,
                "is_ended": each.state is State.ENDED,
                "counts": counts,
                "next_on": format_date(counts.next_on, "short") if counts.next_on else "–",
                "owner": shown.owner_name(owned.owner) if owned else "–",
            }
        )
    return render_template(
        "obligations/list.html", rows=rows, can_create=can(CREATE_OBLIGATIONS), is_limited=not reach.everywhere
    )


def _count(standings: Sequence[Standing]) -> rules.Counts:
    return rules.count([(each.verdict, each.today) for each in standings])


# --- One obligation ----------------------------------------------------------------------------


@blueprint.get("/obligations/<code>")
@requires(SEE_OBLIGATION, on=queries.get_obligation, absent=NoSuchObligation)
def obligation(found: Obligation) -> str:
    """Show what recurs, whether it will really come, and everybody within reach."""
    viewer, reach = actor(), reach_over_people(actor())
    asked = queries.look_at([found])
    (standings,) = queries.standings(asked, among=people_within(reach))
    counts, chosen = _count(standings), _chosen(standings)
    last = max(1, -(-len(chosen) // ROWS_AT_ONCE))
    page = min(max(1, request.args.get("page", 1, type=int)), last)
    rows = chosen[(page - 1) * ROWS_AT_ONCE : page * ROWS_AT_ONCE]
    people = queries.people_of(rows)
    owned = queries.find_owner_of(found)
    names = {each.code: each for each in accounts.list_people_of(shown.codes_in_history([found]))}
    look, word = state_words(found.state)
    may_change = can(CHANGE_OBLIGATION, found)
    return render_template(
        "obligations/obligation.html",
        title=str(found.title),
        look=look,
        word=word,
        state=found.state.value,
        rhythm=rhythm_words(found.latest.shape),
        counts=counts,
        next_on=format_date(counts.next_on) if counts.next_on else None,
        obstacle=_obstacle(asked[0].setting),
        facts=shown.terms_facts(found.latest, shown.plan_title(found.latest), owned),
        is_limited=not reach.everywhere,
        invited=queries.count_invited(found, reach) if found.state is not State.ENDED else 0,
        filters=_filters(found, counts),
        breaks=_breaks(found, standings, counts),
        rows=[shown.person_row(found, each, people[each.person_id], viewer) for each in rows],
        is_narrowed=len(chosen) != len(standings),
        pager={
            "summary": _(
                "%(first)s–%(last)s of %(total)s",
                first=(page - 1) * ROWS_AT_ONCE + 1,
                last=(page - 1) * ROWS_AT_ONCE + len(rows),
                total=len(chosen),
            ),
            "previous": _here(found, page=page - 1) if page > 1 else None,
            "next": _here(found, page=page + 1) if page < last else None,
        }
        if last > 1
        else None,
        exports=[{"label": "CSV", "href": url_for("obligations.people_csv", code=found.code)}],
        history=shown.history_of(found, names, viewer.time_zone),
        code=found.code,
        may_change=may_change and found.state is not State.ENDED,
    )


def _obstacle(setting: rules.Setting) -> dict[str, str] | None:
    """Return what stands in the way of everybody's cycles alike, or None."""
    if setting.state is State.ENDED:
        return None
    broken = None
    if setting.state is State.PAUSED:
        broken = Break.PAUSED
    elif not setting.has_owner:
        broken = Break.NO_OWNER
    elif setting.steps is None:
        broken = Break.NO_PLAN
    elif setting.has_events:
        broken = Break.PLAN_HAS_EVENTS
    if broken is None:
        return None
    assert broken in OF_OBLIGATION
    verdict = rules.Verdict(Health.INTERRUPTED, broken)
    return {"why": why_broken(verdict), "what_to_do": what_to_do(verdict)}


def _chosen(standings: Sequence[Standing]) -> list[Standing]:
    """Return those whom the filters of the address leave: those who need somebody first, else by name."""
    health, broken = request.args.get("health", ""), request.args.get("why", "")
    if health == OVERDUE:
        found = [each for each in standings if each.is_overdue]
    elif health in {each.value for each in Health}:
        found = [each for each in standings if each.verdict.health.value == health]
    else:
        found = list(standings)
    if broken in {each.value for each in Break}:
        found = [each for each in found if each.verdict.broken is not None and each.verdict.broken.value == broken]
    return sorted(found, key=lambda each: (not each.is_overdue, _NEED.index(each.verdict.health)))


def _filters(found: Obligation, counts: rules.Counts) -> list[dict[str, Any]]:
    chosen = request.args.get("health", "")
    kinds = [
        ("", pgettext("people", "All"), counts.people),
        (Health.INTACT.value, health_words(Health.INTACT), counts.intact),
        (Health.OPEN.value, health_words(Health.OPEN), counts.open),
        (OVERDUE, pgettext("state", "Overdue"), counts.overdue),
        (Health.INTERRUPTED.value, health_words(Health.INTERRUPTED), counts.interrupted),
    ]
    if counts.without:
        kinds.append((Health.WITHOUT.value, health_words(Health.WITHOUT), counts.without))
    known = {value for value, _label, _number in kinds}
    return [
        {
            "label": label,
            "href": url_for("obligations.obligation", code=found.code, health=value or None, _anchor="people"),
            "current": chosen == value or (value == "" and chosen not in known),
            "count": number,
        }
        for value, label, number in kinds
    ]


def _example(standings: Sequence[Standing], broken: Break) -> rules.Verdict:
    """Return how the first of those stands whose cycles are interrupted for a reason."""
    return next(each.verdict for each in standings if each.verdict.broken is broken)


def _breaks(found: Obligation, standings: Sequence[Standing], counts: rules.Counts) -> list[dict[str, Any]]:
    """Return why cycles are interrupted, each with how many people and the way to them."""
    return [
        {
            "label": break_words(broken),
            "why": why_broken(_example(standings, broken)),
            "what_to_do": what_to_do(_example(standings, broken)),
            "count": counts.breaks[broken],
            "href": url_for(
                "obligations.obligation",
                code=found.code,
                health=Health.INTERRUPTED.value,
                why=broken.value,
                _anchor="people",
            ),
            "current": request.args.get("why") == broken.value,
        }
        for broken in Break
        if broken in counts.breaks
    ]


def _here(found: Obligation, **changed: Any) -> str:
    kept = {name: request.args.get(name) for name in ("health", "why")} | changed
    return url_for(
        "obligations.obligation",
        code=found.code,
        _anchor="people",
        **{name: value for name, value in kept.items() if value},
    )


@blueprint.get("/obligations/<code>/people.csv")
@requires(SEE_OBLIGATION, on=queries.get_obligation, absent=NoSuchObligation)
def people_csv(found: Obligation) -> Response:
    """Give how everybody within reach stands as a file."""
    (standings,) = queries.standings(queries.look_at([found]), among=people_within(reach_over_people(actor())))
    people, terms = queries.people_of(standings), found.latest.shape
    header = [
        _("Person"), _("Code"), _("Team"), _("Market"), _("State"), _("Next cycle"), _("Due"), _("Reason"),
        _("What to do"), _("Last cycle"), _("Opened on"), _("Closed as"),
    ]  # fmt: skip

    def lines() -> Iterable[Sequence[object]]:
        for each in standings:
            told = tell(each.verdict, terms, is_overdue=each.is_overdue)
            cycle, person = each.cycle, people[each.person_id]
            closing = cycle.effective_closing if cycle is not None else None
            yield [
                person.name_in(language()), person.code, person.team.code if person.team else "",
                person.home_market.code,
                health_words(each.verdict.health), each.verdict.on.isoformat() if each.verdict.on else "",
                each.verdict.due_on.isoformat() if each.verdict.due_on else "", told.why, told.what_to_do,
                cycle.number if cycle is not None else "", cycle.opened_on.isoformat() if cycle is not None else "",
                closing_words(closing) if closing is not None else "",
            ]  # fmt: skip

    return download_csv(_("obligation-%(code)s", code=found.code), header, lines())


# --- One person --------------------------------------------------------------------------------


@blueprint.get("/obligations/mine")
@signed_in
def own() -> str:
    """Show what recurs for the reader herself, and every cycle of hers."""
    return _of(actor())


@blueprint.get("/obligations/people/<code>")
@requires(SEE_CYCLES, on=accounts.get_person)
def of_person(found: Person) -> str:
    """Show what recurs for somebody, and every cycle of hers."""
    return _of(found)


def _of(person: Person) -> str:
    viewer, obligations = actor(), queries.list_obligations()
    standings = queries.standings(queries.look_at(obligations), people=[person.id]) if obligations else []
    cycles = queries.list_cycles_of(person.id)
    names = {each.code: each for each in accounts.list_people_of({each.opened_by for each in cycles})}
    # What addresses her has somebody within the reader's reach where she is.
    may_open = can(SEE_OBLIGATIONS) and queries.is_within(person.id, reach_over_people(viewer))
    parts = []
    for each, found in zip(obligations, standings, strict=True):
        of_it = [cycle for cycle in cycles if cycle.obligation_id == each.id]
        if not found and not of_it:
            continue
        told = tell(found[0].verdict, each.latest.shape, is_overdue=found[0].is_overdue) if found else None
        parts.append(
            {
                "title": str(each.title),
                "href": url_for("obligations.obligation", code=each.code) if may_open else None,
                "rhythm": rhythm_words(each.latest.shape),
                "told": told,
                "key": each.code,
                "cycles": [
                    shown.cycle_row(cycle, viewer, names, may_open=can(SEE_ENROLLMENT, cycle.enrollment))
                    for cycle in of_it
                ],
            }
        )
    is_own = person.id == viewer.id
    return render_template(
        "obligations/of_person.html",
        parts=parts,
        name=None if is_own else person.name_in(language()),
        may_list=can(SEE_OBLIGATIONS),
    )

"""Who answers for what: the list within reach, a person's page, a team's page, and naming others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import Any

from flask import render_template, request, url_for
from werkzeug import Response
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # the stubs do not know it yet

from portal.accounts import queries as accounts
from portal.accounts.errors import OwnerUnfit
from portal.accounts.models import Person
from portal.accounts.permissions import SEE_PERSON
from portal.accounts.queries import PeopleFilter
from portal.accounts.service import owner_needs, ownership
from portal.core import clock
from portal.core.access import actor, can, requires
from portal.core.errors import DomainError
from portal.core.i18n import gettext as _
from portal.core.i18n import language, pgettext
from portal.core.once import Done, carry_out
from portal.core.paging import paging
from portal.core.tables import download_csv, download_xlsx
from portal.duties import errors
from portal.duties.forms import OwnersForm
from portal.duties.permissions import (
    NAME_DEPUTY,
    NAME_OWNER,
    SEE_RESPONSIBILITIES,
    SEE_RESPONSIBILITIES_OF,
    SEE_RESPONSIBILITIES_OF_TEAM,
    SEE_RESPONSIBILITY,
    WEIGH_CRITICALITY,
    Answered,
    reach_over_things,
)
from portal.duties.queries.tasks import list_possible_owners
from portal.duties.service import responsibilities as service
from portal.duties.views import blueprint, shown
from portal.organisation import queries as organisation
from portal.organisation.models import Team

ROWS_AT_ONCE = 50
_FIELD_OF: dict[type[DomainError], str] = {
    errors.OwnerMissing: "owner",
    errors.OnlyTheDeputy: "owner",
    errors.DeputyMissing: "deputy",
    errors.DeputyAudits: "deputy",
    errors.DeputyIsOwner: "deputy",
    OwnerUnfit: "owner",
}


# --- The list ----------------------------------------------------------------------------------


def _keepers(today: date) -> dict[str, Callable[[Answered], bool]]:
    """Return what each filter of the list leaves."""
    return {
        "": lambda each: True,
        "no_owner": service.lacks_owner,
        "no_deputy": service.lacks_deputy,
        "near": lambda each: service.is_near(each, today),
    }


def _narrowed() -> list[Answered]:
    """Return the things within reach that the filters of the address leave, those that need somebody first."""
    found, kind, keepers = service.list_within(actor()), request.args.get("kind", ""), _keepers(_today())
    keeps = keepers.get(request.args.get("show", ""), keepers[""])
    return service.by_need([each for each in found if keeps(each) and kind in ("", each.kind)])


def _today() -> date:
    return clock.today(actor().home_market.time_zone)


@blueprint.get("/responsibilities")
@requires(SEE_RESPONSIBILITIES)
def list_responsibilities() -> str:
    """List everything within reach that somebody has to answer for."""
    today, everything = _today(), service.list_within(actor())
    show, kind = request.args.get("show", ""), request.args.get("kind", "")
    keepers = _keepers(today)
    keeps = keepers.get(show, keepers[""])
    of_kind = [each for each in everything if kind in ("", each.kind)]
    chosen = service.by_need([each for each in of_kind if keeps(each)])
    page = paging(len(chosen), ROWS_AT_ONCE)
    kinds = {each.kind: str(each.kind_name) for each in everything}
    return render_template(
        "duties/responsibilities.html",
        rows=shown.thing_rows(chosen[page.offset : page.offset + ROWS_AT_ONCE], today),
        numbers=_numbers(everything, today),
        filters=[
            {
                "label": label,
                "href": _here(show=value, page=None),
                "current": show == value or (not value and show not in keepers),
                "count": sum(keepers[value](each) for each in of_kind),
            }
            for value, label in _filter_names()
        ],
        kinds=sorted(kinds.items(), key=lambda each: each[1]),
        kind=kind,
        show=show,
        pager=page.links(lambda number: _here(page=number)) if page.last > 1 else None,
        exports=[
            {"label": "CSV", "href": _here("duties.responsibilities_csv", page=None)},
            {"label": "XLSX", "href": _here("duties.responsibilities_xlsx", page=None)},
        ],
        is_limited=not reach_over_things(actor()).everywhere,
        teams=_teams(),
    )


def _filter_names() -> list[tuple[str, str]]:
    return [
        ("", pgettext("responsibilities", "All")),
        ("no_owner", _("Without an owner")),
        ("no_deputy", _("Without a deputy")),
        ("near", _("Due within 30 days")),
    ]


def _numbers(everything: Sequence[Answered], today: date) -> dict[str, int]:
    return {
        "all": len(everything),
        "no_owner": sum(service.lacks_owner(each) for each in everything),
        "no_deputy": sum(service.lacks_deputy(each) for each in everything),
        "near": sum(service.is_near(each, today) for each in everything),
    }


def _here(endpoint: str = "duties.list_responsibilities", **changed: Any) -> str:
    kept = {name: request.args.get(name) for name in ("show", "kind")} | changed
    return url_for(endpoint, **{name: value for name, value in kept.items() if value})


def _teams() -> list[dict[str, str]]:
    return [
        {"name": str(each.name), "href": url_for("duties.of_team", code=each.code)}
        for each in organisation.list_teams(closed=False)
        if can(SEE_RESPONSIBILITIES_OF_TEAM, each)
    ]


def _header() -> list[str]:
    return [
        _("Kind"), pgettext("responsibilities", "Name"), _("Owner"), _("Owner's code"), _("Deputy"), _("Deputy's code"),
        _("Falls to the leads of"), _("Due"), _("What falls due"), _("Markets"), _("Team"), _("State"),
    ]  # fmt: skip


def _lines(found: Iterable[Answered]) -> Iterable[Sequence[object]]:
    for each in found:
        owned, thing = each.ownership, each.thing
        yield [
            str(each.kind_name), thing.title,
            shown.owner_name(owned.owner) if owned else "", owned.owner.code if owned else "",
            shown.owner_name(owned.deputy) if owned and owned.deputy else "",
            owned.deputy.code if owned and owned.deputy else "",
            str(owned.team.name) if owned and owned.team else "",
            thing.due_on or "", str(thing.due_what) if thing.due_on else "",
            " ".join(sorted(thing.market_codes)), thing.team_code or "", _need(each),
        ]  # fmt: skip


def _need(each: Answered) -> str:
    if service.lacks_owner(each):
        return str(_("Without an owner"))
    return str(_("Without a deputy")) if service.lacks_deputy(each) else ""


@blueprint.get("/responsibilities.csv")
@requires(SEE_RESPONSIBILITIES)
def responsibilities_csv() -> Response:
    """Give the list as a file."""
    return download_csv(_("responsibilities"), _header(), _lines(_narrowed()))


@blueprint.get("/responsibilities.xlsx")
@requires(SEE_RESPONSIBILITIES)
def responsibilities_xlsx() -> Response:
    """Give the list as a workbook."""
    return download_xlsx(
        _("responsibilities"), _header(), _lines(_narrowed()), sheet=_("Responsibilities"), frozen_columns=2
    )


# --- A person, a team --------------------------------------------------------------------------


@blueprint.get("/responsibilities/people/<code>")
@requires(SEE_RESPONSIBILITIES_OF, on=accounts.get_person)
def of_person(found: Person) -> str:
    """Show what a person answers for and stands in for, and what of it falls due when."""
    today, things = _today(), [service.as_seen(actor(), each) for each in service.list_of_people([found])]
    owned = [each for each in things if each.ownership and each.ownership.owner_id == found.id]
    deputised = [each for each in things if each.ownership and each.ownership.deputy_id == found.id]
    return render_template(
        "duties/of_person.html",
        name=found.name_in(language()),
        is_own=found.id == actor().id,
        is_active=found.is_active,
        place=_place(found),
        numbers=_numbers(owned, today),
        owned=shown.thing_rows(service.by_need(owned), today),
        deputised=shown.thing_rows(service.by_need(deputised), today),
        person_href=url_for("accounts.show_person", code=found.code) if can(SEE_PERSON, found) else None,
        team_href=_team_href(found.team),
        may_list=can(SEE_RESPONSIBILITIES),
        changeable={f"{each.kind}/{each.code}" for each in things if can(NAME_DEPUTY, each)},
    )


def _place(person: Person) -> str:
    market = str(person.home_market.name)
    return f"{market} · {person.team.name}" if person.team else market


def _team_href(team: Team | None) -> str | None:
    if team is None or not can(SEE_RESPONSIBILITIES_OF_TEAM, team):
        return None
    return url_for("duties.of_team", code=team.code)


@blueprint.get("/responsibilities/teams/<code>")
@requires(SEE_RESPONSIBILITIES_OF_TEAM, on=organisation.get_team)
def of_team(found: Team) -> str:
    """Show what the people of a team answer for, who of them is irreplaceable, and what falls due when."""
    today = _today()
    people = accounts.list_people(PeopleFilter(team=found.code), limit=None)
    things = [service.as_seen(actor(), each) for each in service.list_of_people(people)]
    rows = []
    for each in people:
        owned = [one for one in things if one.ownership and one.ownership.owner_id == each.id]
        deputised = [one for one in things if one.ownership and one.ownership.deputy_id == each.id]
        if not owned and not deputised:
            continue
        rows.append(
            {
                "name": shown.owner_name(each),
                "kana": each.full_kana if each.full_kana != each.name_in(language()) else "",
                "href": url_for("duties.of_person", code=each.code) if can(SEE_RESPONSIBILITIES_OF, each) else None,
                "owned": len(owned),
                "alone": sum(service.lacks_deputy(one) for one in owned),
                "deputised": len(deputised),
                "near": sum(service.is_near(one, today) for one in owned),
            }
        )
    return render_template(
        "duties/of_team.html",
        name=str(found.name),
        market=str(found.market.name),
        numbers=_numbers(things, today),
        people=rows,
        things=shown.thing_rows(service.by_need(things), today),
        may_list=can(SEE_RESPONSIBILITIES),
    )


# --- Naming others -----------------------------------------------------------------------------


@blueprint.route("/responsibilities/of/<kind>/<path:code>", methods=["GET", "POST"])
@requires(SEE_RESPONSIBILITY, on=service.get_thing, absent=errors.NoSuchThing)
def name_owners(thing: Answered) -> Response | tuple[str, int]:
    """Name who answers for a thing, who stands in, and to which team it falls; or say why the reader cannot."""
    thing = service.as_seen(actor(), thing)
    may_name, deputy_only = can(NAME_DEPUTY, thing), not can(NAME_OWNER, thing)
    form, status, owned = OwnersForm(), 200, thing.ownership
    people = {each.code: each for each in list_possible_owners()}
    for each in (owned.owner, owned.deputy) if owned else ():
        if each is not None and each.is_active:
            people.setdefault(each.code, each)
    teams = {each.code: each for each in organisation.list_teams(closed=False)}
    if owned is not None and owned.team is not None:
        teams.setdefault(owned.team.code, owned.team)
    _offer(form, people, teams, thing)
    if request.method == "POST" and may_name:
        status = 400
        if form.validate():
            try:
                return carry_out(lambda: _keep(form, thing, people, teams, deputy_only))
            except DomainError as refused:
                status = refused.status
                form.refuse(refused, _FIELD_OF.get(type(refused)))
    elif request.method == "POST":
        status = 403
    elif owned is not None:
        form.owner.data = owned.owner.code if owned.owner.is_active else ""
        form.deputy.data = owned.deputy.code if owned.deputy and owned.deputy.is_active else ""
        form.team.data = owned.team.code if owned.team else ""
    page = render_template(
        "duties/owners.html",
        form=form,
        row=shown.thing_rows([thing], _today())[0],
        may_name=may_name,
        deputy_only=deputy_only,
        seen=owned.id if owned else 0,
        held=_held_words(thing),
        owners=shown.owners_before(thing.kind, thing.code, actor().time_zone),
        judge_href=url_for("duties.judge_criticality", kind=thing.kind, thing=thing.code)
        if can(WEIGH_CRITICALITY, thing)
        else None,
        back=_back(),
        may_list=can(SEE_RESPONSIBILITIES),
    )
    return page, status


def _held_words(thing: Answered) -> dict[str, str] | None:
    held = ownership.why_held(thing.ownership)
    return {"said": str(held), "href": held.href} if held is not None else None


def _back() -> str:
    if can(SEE_RESPONSIBILITIES):
        return url_for("duties.list_responsibilities")
    return url_for("duties.of_person", code=actor().code)


def _offer(form: OwnersForm, people: dict[str, Person], teams: dict[str, Team], thing: Answered) -> None:
    here = language()
    named = [SelectChoice(code, each.name_in(here)) for code, each in people.items()]
    role = owner_needs.told(thing.kind, thing.thing)
    apart = {each.code for each in people.values() if not owner_needs.may_own(each, thing.kind, thing.thing)}
    needed = _("needs this role first: %(roles)s", roles=role)
    form.owner.choices = [
        SelectChoice("", _("Choose")),
        *(each for each in named if each.value not in apart),
        *(SelectChoice(each.value, f"{each.label} — {needed}") for each in named if each.value in apart),
    ]
    form.deputy.choices = [SelectChoice("", _("Nobody")), *named]
    form.team.choices = [
        SelectChoice("", _("No team")),
        *(SelectChoice(code, f"{each.market.name} · {each.name}") for code, each in teams.items()),
    ]


def _keep(
    form: OwnersForm, thing: Answered, people: dict[str, Person], teams: dict[str, Team], deputy_only: bool
) -> Done:
    service.name_owners(
        thing=thing,
        owner=people.get(form.owner.data or ""),
        deputy=people.get(form.deputy.data or ""),
        team=teams.get(form.team.data or ""),
        seen=form.seen.data or 0,
        by=actor(),
        deputy_only=deputy_only,
    )
    return Done(_("Who answers for “%(title)s” has been changed.", title=thing.thing.title), _back())

"""People administration: the list, one person, roles, accommodations, what she answers for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import make_response, render_template, request, url_for
from werkzeug.wrappers import Response
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # the stubs do not know it yet

from portal.accounts import errors, queries
from portal.accounts.forms import (
    AccommodationForm,
    GrantForm,
    InviteForm,
    PassOnForm,
    PersonForm,
)
from portal.accounts.models import Person, Role, RoleGrant, Scope
from portal.accounts.permissions import (
    ADMINISTER_PEOPLE,
    DECIDE_ACCOMMODATION,
    DECIDE_NAMES,
    ROLE_NAMES,
    SEE_ACCOMMODATION,
    SEE_ACCOMMODATIONS,
    SEE_PEOPLE,
    SEE_PERSON,
    leads,
    open_grants,
)
from portal.accounts.queries import PeopleFilter, Standing
from portal.accounts.service import accommodations, grants, leaving, links, owner_needs, ownership, people, sessions
from portal.accounts.service.people import NAME_FIELDS, Obstacle
from portal.accounts.views import blueprint
from portal.accounts.views.parts import accommodation_in_words, belonging_rows
from portal.core import clock
from portal.core.access import actor, can, requires
from portal.core.errors import DomainError, NotFound
from portal.core.forms import Form
from portal.core.i18n import LANGUAGE_NAMES, format_date, format_instant, language, pgettext
from portal.core.i18n import gettext as _
from portal.core.i18n import lazy_gettext as _l
from portal.core.once import Done, carry_out
from portal.core.paging import paging
from portal.organisation import queries as organisation
from portal.organisation.models import Market, Team

PAGE_SIZE = 50
STANDING_NAMES = {
    Standing.ACTIVE: _l("Active"),
    Standing.INVITED: _l("Invited"),
    Standing.DEACTIVATED: _l("Deactivated"),
}
FILTER_NAMES = {"standing": _l("State"), "role": _l("Role"), "market": _l("Market"), "team": _l("Team")}


# --- The list ----------------------------------------------------------------------------------


@blueprint.get("/people")
@requires(SEE_PEOPLE)
def list_people() -> Any:
    """List people in the order of the syllabary; search and filters narrow it."""
    wanted, asked = filter_of_request()
    total = queries.count_people(wanted)
    page = paging(total, PAGE_SIZE)
    found = queries.list_people(wanted, offset=page.offset, limit=PAGE_SIZE)
    return render_template(
        "accounts/people.html",
        people=[_row(person) for person in found],
        asked=asked,
        text=wanted.text,
        filters=_filters(asked),
        not_understood=[FILTER_NAMES[name] for name in list_not_understood(_asked())],
        total=total,
        **page.links(lambda number: url_for("accounts.list_people", **asked, page=number)),
        may_administer=can(ADMINISTER_PEOPLE),
        anybody=bool(asked) or total > 0,
    )


def filter_of_request() -> tuple[PeopleFilter, dict[str, Any]]:
    """Read the filter from the address; values that are none of ours count as not given."""
    asked = _asked()
    for name in list_not_understood(asked):
        asked[name] = ""
    wanted = PeopleFilter(
        text=asked["q"],
        standing=Standing(asked["standing"]) if asked["standing"] in set(Standing) else None,
        market=asked["market"],
        team=asked["team"],
        role=Role(asked["role"]) if asked["role"] in set(Role) else None,
    )
    return wanted, {name: value for name, value in asked.items() if value}


def _asked() -> dict[str, str]:
    return {
        name: "".join(each for each in request.args.get(name, "")[:200] if each.isprintable()).strip()
        for name in ("q", "standing", "market", "team", "role")
    }


def list_not_understood(asked: Mapping[str, str]) -> list[str]:
    """Return the names of the filters whose value is none that can be chosen."""
    known: dict[str, Callable[[str], object]] = {
        "standing": lambda value: value in set(Standing),
        "role": lambda value: value in set(Role),
        "market": organisation.find_market,
        "team": organisation.find_team,
    }
    return [name for name, find in known.items() if asked[name] and not find(asked[name])]


def _filters(asked: dict[str, Any]) -> list[dict[str, Any]]:
    options: dict[str, tuple[Any, list[tuple[str, Any]]]] = {
        "standing": (FILTER_NAMES["standing"], [(each.value, name) for each, name in STANDING_NAMES.items()]),
        "role": (FILTER_NAMES["role"], [(role.value, name) for role, name in ROLE_NAMES.items()]),
        "market": (FILTER_NAMES["market"], [(each.code, each.name) for each in organisation.list_markets()]),
        "team": (FILTER_NAMES["team"], [(each.code, each.name) for each in organisation.list_teams()]),
    }
    return [
        {
            "name": name,
            "label": label,
            "options": [
                {"value": value, "label": text, "selected": asked.get(name) == value} for value, text in choices
            ],
        }
        for name, (label, choices) in options.items()
    ]


def _row(person: Person) -> dict[str, Any]:
    return {
        "href": url_for("accounts.show_person", code=person.code),
        "name": person.name_in(language()),
        "kana": person.full_kana if person.full_kana != person.full_name else "",
        "sign_in_name": person.sign_in_name,
        "market": person.home_market.name,
        "team": person.team.name if person.team else "–",
        "roles": list(dict.fromkeys(str(ROLE_NAMES[grant.role]) for grant in open_grants(person, *Role))),
        "standing": queries.standing_of(person).value,
    }


# --- One person --------------------------------------------------------------------------------


@blueprint.get("/people/<code>")
@requires(SEE_PERSON, on=queries.get_person)
def show_person(person: Person) -> Any:
    """Show what is known of a person, and what an administrator can do."""
    return _person_page(person)


def _person_page(
    person: Person,
    *,
    grant_form: GrantForm | None = None,
    accommodation_form: AccommodationForm | None = None,
    pass_on_form: PassOnForm | None = None,
    problem: str = "",
    held_href: str = "",
    ending: tuple[RoleGrant, Obstacle] | None = None,
    status: int = 200,
) -> Response:
    viewer, here = actor(), language()
    may_administer, may_see_time = can(ADMINISTER_PEOPLE), can(SEE_ACCOMMODATION, person)
    may_decide = can(DECIDE_ACCOMMODATION, person)
    standing = queries.standing_of(person)
    belongings = ownership.list_belongings(person)
    zone, places = viewer.time_zone, _places()
    facts: list[tuple[Any, Any]] = [
        (_("Person code"), person.code),
        (_("Email address"), {"address": person.sign_in_name}),
        (_("Employee number"), person.employee_number),
        (_("Name"), {"as_is": person.full_name}),
        (_("Reading of the name"), {"as_is": person.full_kana, "lang": "ja"} if person.full_kana else None),
        (_("Romanised"), {"as_is": person.full_romaji} if person.full_romaji else None),
        (_("Language"), {"as_is": LANGUAGE_NAMES[person.language], "lang": person.language}),
        (_("Time zone"), person.time_zone),
        (_("Market"), _markets_of(person)),
        (_("Team"), person.team.name if person.team else None),
    ]
    if may_administer:
        facts += [
            (_("Added"), format_instant(person.created_at, zone)),
            (_("Last seen"), format_instant(person.last_seen_at, zone) if person.last_seen_at else _("never")),
            (_("Signed in now"), len(queries.list_live_sessions(person))),
        ]
    if person.deactivated_at:
        facts.append((_("Deactivated"), format_instant(person.deactivated_at, zone)))
    page = render_template(
        "accounts/person.html",
        name=person.name_in(here),
        kana=person.full_kana if person.full_kana != person.name_in(here) else "",
        code=person.code,
        standing=standing.value,
        facts=facts,
        may_administer=may_administer,
        name_open=can(DECIDE_NAMES, person) and queries.find_open_name_change(person.id) is not None,
        is_self=viewer.id == person.id,
        problem=problem,
        held_href=held_href,
        ending={"id": ending[0].id, "role": ROLE_NAMES[ending[0].role], "missed": ending[1]} if ending else None,
        obstacles=people.find_obstacles(person) if may_administer and person.is_active else [],
        grants=[_grant_row(grant, zone, places) for grant in person.grants],
        grant_form=grant_form or _grant_form(),
        may_see_time=may_see_time,
        may_see_leave=may_administer or viewer.id == person.id or leads(viewer, person),
        may_decide_time=may_decide,
        accommodations=_accommodation_rows(person, viewer) if may_see_time else [],
        accommodation_form=accommodation_form or _accommodation_form(person),
        belongings=belonging_rows(belongings, zone),
        deputising=belonging_rows(ownership.list_belongings(person, as_deputy=True), zone, as_deputy=True),
        pass_on_form=pass_on_form or PassOnForm(formdata=None),
    )
    return make_response(page, status)


def _markets_of(person: Person) -> str:
    names = [str(person.home_market.name), *(str(each.name) for each in person.further_markets)]
    return str(pgettext("list", ", ")).join(names)


def _grant_row(grant: RoleGrant, zone: str, places: Mapping[tuple[Scope, str], str]) -> dict[str, Any]:
    return {
        "id": grant.id,
        "role": ROLE_NAMES[grant.role],
        "scope": scope_in_words(grant, places),
        "since": format_date(clock.local_date(grant.granted_at, zone), "short"),
        "ended": format_date(clock.local_date(grant.ended_at, zone), "short") if grant.ended_at else None,
    }


def scope_in_words(grant: RoleGrant, places: Mapping[tuple[Scope, str], str]) -> str:
    """Say how far a grant reaches; a place that has no name here stands by its code."""
    place = places.get((grant.scope, grant.scope_code), grant.scope_code)
    match grant.scope:
        case Scope.ORGANISATION:
            return str(_("The whole organisation"))
        case Scope.MARKET:
            return str(_("Market %(code)s", code=place))
        case Scope.TEAM:
            return str(_("Team %(code)s", code=place))
        case Scope.COHORT:
            return str(_("Cohort %(code)s", code=place))


def _places() -> dict[tuple[Scope, str], str]:
    return {
        **{(Scope.MARKET, each.code): str(each.name) for each in organisation.list_markets()},
        **{(Scope.TEAM, each.code): str(each.name) for each in organisation.list_teams()},
    }


def _grant_form() -> GrantForm:
    form = GrantForm()
    form.scope.choices = _scope_choices()
    return form


def _scope_choices() -> list[Any]:
    return [
        SelectChoice("organisation", str(_("The whole organisation"))),
        *(SelectChoice(f"market:{each.code}", f"{each.name} ({each.code})") for each in organisation.list_markets()),
        *(SelectChoice(f"team:{each.code}", str(each.name)) for each in organisation.list_teams(closed=False)),
    ]


def _accommodation_form(person: Person) -> AccommodationForm:
    return AccommodationForm(formdata=None, data={"valid_from": clock.today(person.time_zone), "multiplier": "1.5"})


def _accommodation_rows(person: Person, viewer: Person) -> list[dict[str, Any]]:
    today = clock.today(person.time_zone)
    current = queries.find_accommodation(person, today)
    rows = queries.list_accommodations(person)
    here = language()
    approvers = {code for row in rows for code in (row.approved_by, row.confirmed_by) if code}
    names = {each.code: each.name_in(here) for each in queries.list_people_of(approvers)}
    return [
        {
            "id": each.id,
            "what": accommodation_in_words(each),
            "form": each.alternative_format,
            "from": format_date(each.valid_from, "short"),
            "until": format_date(each.valid_until, "short") if each.valid_until else "–",
            "holds": current is not None and each.id == current.id,
            "ended": each.ended_at is not None,
            "waits": each.is_waiting,
            "can_confirm": each.is_waiting and each.approved_by != viewer.code,
            "by": pgettext("list", ", ").join(
                names.get(code, code) for code in (each.approved_by, each.confirmed_by) if code
            ),
        }
        for each in rows
    ]


# --- Inviting and editing ----------------------------------------------------------------------


@blueprint.get("/people/invite")
@requires(ADMINISTER_PEOPLE)
def invite() -> Any:
    """Ask who should be invited."""
    markets = organisation.list_markets()
    form = InviteForm(
        formdata=None,
        data={
            "language": organisation.default_language(),
            "time_zone": markets[0].time_zone if markets else organisation.default_time_zone(),
            "market": markets[0].code if markets else "",
        },
    )
    return _form_page("accounts/invite.html", form, with_markets=bool(markets))


@blueprint.post("/people/invite")
@requires(ADMINISTER_PEOPLE)
def do_invite() -> Any:
    """Open an account and owe its invitation."""
    form = InviteForm()
    _fill_choices(form)
    if not form.validate():
        return _form_page("accounts/invite.html", form, status=400)
    market, team = _market_and_team(form)

    def work() -> Done:
        person = people.invite(
            sign_in_name=form.sign_in_name.data or "",
            names=form.names,
            language=form.language.data,
            time_zone=form.time_zone.data or "",
            market=market,
            team=team,
            further_markets=_further(form),
            employee_number=form.employee_number.data or "",
            role=Role(form.role.data),
            by=actor(),
        )
        return Done(_("%(name)s is invited; the mail is on its way.", name=person.full_name), _page_of(person))

    try:
        return carry_out(work)
    except DomainError as refused:
        form.form_errors.append(str(refused))
        return _form_page("accounts/invite.html", form, status=refused.status)


@blueprint.get("/people/<code>/edit")
@requires(ADMINISTER_PEOPLE, on=queries.get_person, see=SEE_PERSON)
def edit_person(person: Person) -> Any:
    """Show what can be corrected."""
    values = {name: getattr(person, name) for name in (*NAME_FIELDS, "language", "time_zone", "sign_in_name")}
    form = PersonForm(
        formdata=None,
        data={
            **values,
            "employee_number": person.employee_number or "",
            "market": person.home_market.code,
            "team": person.team.code if person.team else "",
            "further_markets": [each.code for each in person.further_markets],
        },
    )
    return _form_page("accounts/edit_person.html", form, person=person)


@blueprint.post("/people/<code>/edit")
@requires(ADMINISTER_PEOPLE, on=queries.get_person, see=SEE_PERSON)
def change_person(person: Person) -> Any:
    """Keep the corrections."""
    form = PersonForm()
    _fill_choices(form, person.team)
    if not form.validate():
        return _form_page("accounts/edit_person.html", form, person=person, status=400)
    market, team = _market_and_team(form)

    def work() -> Done:
        people.change_person(
            person=person,
            sign_in_name=form.sign_in_name.data or "",
            names=form.names,
            language=form.language.data,
            time_zone=form.time_zone.data or "",
            market=market,
            team=team,
            further_markets=_further(form),
            employee_number=form.employee_number.data or "",
            by=actor(),
        )
        return Done(_("Saved."), _page_of(person))

    try:
        return carry_out(work)
    except DomainError as refused:
        form.form_errors.append(str(refused))
        return _form_page("accounts/edit_person.html", form, person=person, status=refused.status)


def _form_page(
    template: str, form: PersonForm, *, person: Person | None = None, status: int = 200, with_markets: bool = True
) -> Response:
    _fill_choices(form, person.team if person else None)
    page = render_template(
        template,
        form=form,
        zones=clock.zone_names(),
        with_markets=with_markets,
        name=person.name_in(language()) if person else "",
        code=person.code if person else "",
    )
    return make_response(page, status)


def _fill_choices(form: PersonForm, team: Team | None = None) -> None:
    markets = organisation.list_markets()
    teams = [each for each in organisation.list_teams() if each.closed_at is None or each is team]
    form.market.choices = [SelectChoice(each.code, f"{each.name} ({each.code})") for each in markets]
    form.further_markets.choices = [SelectChoice(each.code, f"{each.name} ({each.code})") for each in markets]
    form.team.choices = [
        SelectChoice("", str(_("No team"))),
        *(SelectChoice(each.code, f"{each.name} ({each.market.code})") for each in teams),
    ]


def _market_and_team(form: PersonForm) -> tuple[Market, Team | None]:
    code = (form.team.data or "").strip()
    team = organisation.get_team(code) if code else None
    return organisation.get_market(form.market.data), team


def _further(form: PersonForm) -> list[Market]:
    return [organisation.get_market(code) for code in form.further_markets.data or []]


def _page_of(person: Person) -> str:
    return url_for("accounts.show_person", code=person.code)


def _do(person: Person, work: Callable[[], object], done: str, **page: Any) -> Response:
    """Do something to a person, once, and go back to her page; a refusal is told there, the form as it was."""
    form: Form | None = page.get("grant_form") or page.get("accommodation_form")

    def both() -> Done:
        work()
        return Done(done, _page_of(person))

    try:
        return carry_out(both)
    except NotFound:
        raise
    except DomainError as refused:
        if form is None:
            return _person_page(person, problem=str(refused), status=refused.status, **page)
        if isinstance(refused, errors.ScopeTooNarrow | errors.ScopeUnknown) and "scope" in form:
            form["scope"].errors = [str(refused)]
        else:
            form.form_errors.append(str(refused))
        return _person_page(person, status=refused.status, **page)


@blueprint.post("/people/<code>/link")
@requires(ADMINISTER_PEOPLE, on=queries.get_person, see=SEE_PERSON)
def send_link(person: Person) -> Any:
    """Send a fresh invitation, or a password reset to somebody who has a password."""
    done = _("A new link is being sent to %(address)s.", address=person.sign_in_name)
    return _do(person, lambda: links.send_invitation(person=person, by=actor()), done)


@blueprint.post("/people/<code>/sign-out")
@requires(ADMINISTER_PEOPLE, on=queries.get_person, see=SEE_PERSON)
def sign_person_out(person: Person) -> Any:
    """End every session of the person."""
    done = _("Every browser of this person is signed out.")
    return _do(person, lambda: sessions.end_all_sessions(person=person), done)


@blueprint.post("/people/<code>/deactivate")
@requires(ADMINISTER_PEOPLE, on=queries.get_person, see=SEE_PERSON)
def deactivate(person: Person) -> Any:
    """Close the account."""
    done = _("The account is deactivated; every session has ended.")
    knowing = request.form.get("knowing") == "y"
    return _do(person, lambda: people.deactivate(person=person, by=actor(), knowing=knowing), done)


@blueprint.post("/people/<code>/reactivate")
@requires(ADMINISTER_PEOPLE, on=queries.get_person, see=SEE_PERSON)
def reactivate(person: Person) -> Any:
    """Open the account again."""
    return _do(person, lambda: people.reactivate(person=person, by=actor()), _("The account is active again."))


# --- Roles -------------------------------------------------------------------------------------


@blueprint.post("/people/<code>/roles")
@requires(ADMINISTER_PEOPLE, on=queries.get_person, see=SEE_PERSON)
def grant_role(person: Person) -> Any:
    """Give a role."""
    form = _grant_form()
    if not form.validate():
        return _person_page(person, grant_form=form, status=400)
    scope, _colon, scope_code = str(form.scope.data).partition(":")

    def work() -> None:
        grants.grant_role(
            person=person, role=Role(form.role.data), scope=Scope(scope), scope_code=scope_code, by=actor()
        )

    return _do(person, work, _("The role was added."), grant_form=form)


@blueprint.post("/people/<code>/roles/end")
@requires(ADMINISTER_PEOPLE, on=queries.get_person, see=SEE_PERSON)
def end_role(person: Person) -> Any:
    """End a role."""
    number = _number("grant")
    grant = next((each for each in person.grants if each.id == number), None)
    missed = leaving.grant_stays(grant) if grant is not None else None
    if grant is not None and missed is not None and "knowing" not in request.form:
        return _person_page(person, ending=(grant, missed), status=409)
    done = _("The role has ended.")
    return _do(person, lambda: grants.end_grant(grant=queries.get_grant(person, number), by=actor()), done)


def _number(name: str) -> int:
    text = request.form.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise NotFound()
    return int(text)


# --- Accommodations ----------------------------------------------------------------------------


@blueprint.post("/people/<code>/accommodations")
@requires(DECIDE_ACCOMMODATION, on=queries.get_person, see=SEE_PERSON)
def approve_accommodation(person: Person) -> Any:
    """Approve extra time, breaks or another format."""
    form = AccommodationForm()
    if not form.validate():
        return _person_page(person, accommodation_form=form, status=400)
    valid_from = form.valid_from.data
    assert valid_from is not None

    def work() -> None:
        accommodations.approve_accommodation(
            person=person,
            multiplier=form.factor,
            hide_countdown=form.hide_countdown.data,
            valid_from=valid_from,
            valid_until=form.valid_until.data,
            break_minutes=form.break_minutes.data or 0,
            alternative_format=form.alternative_format.data or "",
            by=actor(),
        )

    return _do(person, work, _("Saved."), accommodation_form=form)


@blueprint.get("/people/accommodations")
@requires(SEE_ACCOMMODATIONS)
def list_accommodations() -> Any:
    """List what is agreed for people and has not ended; what waits for a second person first."""
    viewer, here = actor(), language()
    return render_template(
        "accounts/accommodations.html",
        needs_two=organisation.accommodation_needs_two(),
        rows=[
            {
                "name": each.person.name_in(here),
                "href": url_for("accounts.show_person", code=each.person.code, _anchor="accommodation"),
                "what": accommodation_in_words(each),
                "form": each.alternative_format,
                "from": format_date(each.valid_from, "short"),
                "until": format_date(each.valid_until, "short") if each.valid_until else "–",
                "waits": each.is_waiting,
                "is_own": viewer.code == each.approved_by or viewer.id == each.person_id,
            }
            for each in queries.list_open_accommodations()
        ],
    )


@blueprint.post("/people/<code>/accommodations/confirm")
@requires(DECIDE_ACCOMMODATION, on=queries.get_person, see=SEE_PERSON)
def confirm_accommodation(person: Person) -> Any:
    """Confirm what another administrator has approved."""
    wanted = _number("accommodation")
    found = next((each for each in queries.list_accommodations(person) if each.id == wanted), None)
    if found is None:
        raise NotFound()

    def work() -> None:
        accommodations.confirm_accommodation(accommodation=found, person=person, by=actor())

    return _do(person, work, _("Confirmed."))


@blueprint.post("/people/<code>/accommodations/end")
@requires(DECIDE_ACCOMMODATION, on=queries.get_person, see=SEE_PERSON)
def end_accommodation(person: Person) -> Any:
    """End extra time before its last day."""
    wanted = _number("accommodation")
    found = next((each for each in queries.list_accommodations(person) if each.id == wanted), None)
    if found is None:
        raise NotFound()

    def work() -> None:
        accommodations.end_accommodation(accommodation=found, person=person, by=actor())

    return _do(person, work, _("Saved."))


# --- What she answers for ----------------------------------------------------------------------


@blueprint.post("/people/<code>/pass-on")
@requires(ADMINISTER_PEOPLE, on=queries.get_person, see=SEE_PERSON)
def pass_on(person: Person) -> Any:
    """Make somebody else the owner of everything the person answers for."""
    form = PassOnForm()
    if not form.validate():
        return _person_page(person, pass_on_form=form, status=400)
    to = queries.find_person_by_sign_in_name(form.to.data or "")
    if to is None:
        form.to.errors = [_("No account has this email address.")]
        return _person_page(person, pass_on_form=form, status=400)

    def work() -> Done:
        owner_needs.refuse_lacking(to, ownership.live_of(person))
        count = ownership.pass_on(person=person, to=to, by=actor())
        return Done(_("%(name)s is responsible now (%(count)s).", name=to.full_name, count=count), _page_of(person))

    try:
        return carry_out(work)
    except DomainError as refused:
        form.to.errors = [str(refused)]
        held = refused.href if isinstance(refused, errors.OwnerHeld) else ""
        return _person_page(person, pass_on_form=form, held_href=held, status=refused.status)

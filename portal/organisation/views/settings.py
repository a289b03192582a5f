"""Settings, markets and teams."""

from __future__ import annotations

from typing import Any

from flask import flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # the stubs do not know it yet

from portal.core import clock
from portal.core.access import actor, requires
from portal.core.errors import DomainError
from portal.core.i18n import Words, country_name
from portal.core.i18n import gettext as _
from portal.core.transaction import transaction
from portal.organisation import errors, queries, rules, service
from portal.organisation.forms import MarketForm, SettingsForm, TeamForm
from portal.organisation.models import Market, Team
from portal.organisation.permissions import CHANGE_SETTINGS
from portal.organisation.views import blueprint

# What the button says that does it for good.
CONFIRM = "confirm"
# So many of the dates that other holidays move are shown; how many there are is told.
MOVES_SHOWN = 200


@blueprint.get("/settings")
@requires(CHANGE_SETTINGS)
def settings() -> Any:
    """Show what holds for the whole organisation."""
    empty = Words("", "")
    words = queries.settings(
        {rules.NAME: Words(*rules.DEFAULT_NAME), rules.WELLBEING_CONTACT: empty, rules.WELLBEING_TEXT: empty}
    )
    form = SettingsForm(
        formdata=None,
        data={
            "name_en": words[rules.NAME].en,
            "name_ja": words[rules.NAME].ja,
            "contact_en": words[rules.WELLBEING_CONTACT].en,
            "contact_ja": words[rules.WELLBEING_CONTACT].ja,
            "text_en": words[rules.WELLBEING_TEXT].en,
            "text_ja": words[rules.WELLBEING_TEXT].ja,
            "time_zone": queries.default_time_zone(),
            "language": queries.default_language(),
            "tolerance": int(queries.attempt_tolerance().total_seconds()),
            "escalated_after": queries.escalated_after(),
            "statement": queries.exposure_statement(),
            "needs_two": queries.accommodation_needs_two(),
            "leads_see": queries.leads_see_accommodations(),
        },
    )
    _fill_documents(form)
    return _settings_page(form)


@blueprint.post("/settings")
@requires(CHANGE_SETTINGS)
def change_settings() -> Any:
    """Keep the settings."""
    form = SettingsForm()
    _fill_documents(form)
    if not form.validate():
        return _settings_page(form, 400)
    with transaction():
        service.change_settings(
            values={
                rules.NAME: Words(form.name_en.data or "", form.name_ja.data or ""),
                rules.WELLBEING_CONTACT: Words(form.contact_en.data or "", form.contact_ja.data or ""),
                rules.WELLBEING_TEXT: Words(form.text_en.data or "", form.text_ja.data or ""),
                rules.TIME_ZONE: form.time_zone.data,
                rules.LANGUAGE: form.language.data,
                rules.ATTEMPT_TOLERANCE: form.tolerance.data,
                rules.ESCALATED_AFTER: form.escalated_after.data,
                rules.EXPOSURE_STATEMENT: form.statement.data or "",
                rules.ACCOMMODATION_NEEDS_TWO: form.needs_two.data,
                rules.LEADS_SEE_ACCOMMODATIONS: form.leads_see.data,
            },
            by=actor(),
        )
    flash(_("Saved."), "success")
    return redirect(url_for("organisation.settings"), 303)


def _fill_documents(form: SettingsForm) -> None:
    """Offer the documents, and what is set even where there is no such document yet."""
    known = service.known_documents()
    chosen = queries.exposure_statement()
    missing = [] if not chosen or chosen in dict(known) else [(chosen, chosen)]
    form.statement.choices = [("", _("None")), *missing, *known]


def _settings_page(form: SettingsForm, status: int = 200) -> Response:
    page = render_template("organisation/settings.html", form=form, zones=clock.zone_names())
    return make_response(page, status)


# --- Markets -----------------------------------------------------------------------------------


@blueprint.get("/settings/markets")
@requires(CHANGE_SETTINGS)
def markets() -> Any:
    """List markets, and offer a new one."""
    return _markets_page(MarketForm(formdata=None, data={"time_zone": queries.default_time_zone()}))


@blueprint.post("/settings/markets")
@requires(CHANGE_SETTINGS)
def add_market() -> Any:
    """Add a market."""
    form = MarketForm()
    _fill_holidays(form)
    if form.validate():
        try:
            with transaction():
                service.add_market(
                    code=form.code.data or "",
                    name=_name(form),
                    time_zone=form.time_zone.data or "",
                    holiday_country=form.holiday_country.data or "",
                    by=actor(),
                )
        except DomainError as refused:
            _blame(form, refused)
            return _markets_page(form, refused.status)
        flash(_("Saved."), "success")
        return redirect(url_for("organisation.markets"), 303)
    return _markets_page(form, 400)


@blueprint.get("/settings/markets/<code>")
@requires(CHANGE_SETTINGS, on=queries.get_market)
def market(found: Market) -> Any:
    """Show one market."""
    form = MarketForm(
        formdata=None,
        data={
            "name_en": found.name.en,
            "name_ja": found.name.ja,
            "time_zone": found.time_zone,
            "holiday_country": found.holiday_country or "",
        },
    )
    return _market_page(found, form)


@blueprint.post("/settings/markets/<code>")
@requires(CHANGE_SETTINGS, on=queries.get_market)
def change_market(found: Market) -> Any:
    """Keep a market; what other holidays move is shown first."""
    form = MarketForm()
    _fill_holidays(form)
    if form.validate():
        country = form.holiday_country.data or ""
        try:
            moved = service.moved_by_holidays(found, country)
            choice, _mark, key = request.form.get("seen", "").rpartition("#")
            is_confirmed = request.form.get("act") == CONFIRM and choice == country
            if moved.rows and is_confirmed and key != moved.key:
                form.form_errors.append(str(errors.HolidaysMoveOthers()))
                return _market_page(found, form, errors.HolidaysMoveOthers.status, moved=moved)
            if moved.rows and not is_confirmed:
                return _market_page(found, form, moved=moved)
            with transaction():
                service.change_market(
                    market=found,
                    name=_name(form),
                    time_zone=form.time_zone.data or "",
                    holiday_country=form.holiday_country.data or "",
                    by=actor(),
                )
        except DomainError as refused:
            _blame(form, refused)
            return _market_page(found, form, refused.status)
        flash(_("Saved."), "success")
        return redirect(url_for("organisation.markets"), 303)
    return _market_page(found, form, 400)


def _holidays_in_words(known: service.KnownHolidays) -> str:
    return _(
        "%(country)s: table %(number)s, %(first)s to %(last)s",
        country=country_name(known.country), number=known.version, first=known.first_year, last=known.last_year,
    )  # fmt: skip


def _fill_holidays(form: MarketForm, kept: str = "") -> None:
    known = service.known_holidays()
    form.holiday_country.choices = [
        SelectChoice("", str(_("None: weekends and company days only"))),
        *(SelectChoice(country, _holidays_in_words(each)) for country, each in sorted(known.items())),
    ]
    if kept and kept not in known:
        # What a market was given elsewhere stays to be seen until it is mended.
        form.holiday_country.choices.append(SelectChoice(kept, _("%(country)s: no table is loaded", country=kept)))


def _holiday_warning(market: Market) -> str:
    """Say what the market's dates will run into, if anything."""
    country = market.holiday_country
    if not country:
        return ""
    known, this_year = service.known_holidays().get(country), clock.today(market.time_zone).year
    if known is None:
        return _(
            "No holidays are loaded for %(country)s, so no date of this market can be computed. Load them (the help "
            "for administrators says how), or choose another table.",
            country=country_name(country),
        )
    if known.last_year <= this_year:
        return _(
            "The table ends with %(year)s. Plans that reach beyond it cannot be begun. Load more years; the help "
            "for administrators says how.",
            year=known.last_year,
        )
    return ""


def _market_row(market: Market, known: dict[str, service.KnownHolidays]) -> dict[str, Any]:
    country = market.holiday_country
    return {
        "code": market.code,
        "name": market.name,
        "time_zone": market.time_zone,
        "holidays": _holidays_in_words(known[country])
        if country in known
        else (_("%(country)s: no table is loaded", country=country) if country else _("None")),
        "is_lacking": bool(country) and country not in known,
    }


def _markets_page(form: MarketForm, status: int = 200) -> Response:
    _fill_holidays(form)
    known = service.known_holidays()
    page = render_template(
        "organisation/markets.html",
        markets=[_market_row(each, known) for each in queries.list_markets()],
        form=form,
        zones=clock.zone_names(),
    )
    return make_response(page, status)


def _market_page(
    found: Market, form: MarketForm, status: int = 200, *, moved: service.MarketMoves | None = None
) -> Response:
    _fill_holidays(form, found.holiday_country or "")
    known = service.known_holidays().get(found.holiday_country or "")
    page = render_template(
        "organisation/market.html",
        code=found.code,
        name=found.name,
        form=form,
        zones=clock.zone_names(),
        warning=_holiday_warning(found),
        moved=moved,
        shown=MOVES_SHOWN,
        seen=f"{form.holiday_country.data or ''}#{moved.key}" if moved is not None else "",
        provisional_from=known.provisional_from
        if known and known.provisional_from is not None and known.provisional_from <= known.last_year
        else None,
    )
    return make_response(page, status)


# --- Teams -------------------------------------------------------------------------------------


@blueprint.get("/settings/teams")
@requires(CHANGE_SETTINGS)
def teams() -> Any:
    """List teams, and offer a new one."""
    return _teams_page(TeamForm(formdata=None))


@blueprint.post("/settings/teams")
@requires(CHANGE_SETTINGS)
def add_team() -> Any:
    """Add a team."""
    form = TeamForm()
    _fill_markets(form)
    if form.validate():
        try:
            with transaction():
                service.add_team(
                    code=form.code.data or "",
                    name=_name(form),
                    market=queries.get_market(form.market.data),
                    by=actor(),
                )
        except DomainError as refused:
            _blame(form, refused)
            return _teams_page(form, refused.status)
        flash(_("Saved."), "success")
        return redirect(url_for("organisation.teams"), 303)
    return _teams_page(form, 400)


@blueprint.get("/settings/teams/<code>")
@requires(CHANGE_SETTINGS, on=queries.get_team)
def team(found: Team) -> Any:
    """Show one team."""
    form = TeamForm(
        formdata=None,
        data={
            "name_en": found.name.en,
            "name_ja": found.name.ja,
            "market": found.market.code,
            "is_closed": found.closed_at is not None,
        },
    )
    return _team_page(found, form)


@blueprint.post("/settings/teams/<code>")
@requires(CHANGE_SETTINGS, on=queries.get_team)
def change_team(found: Team) -> Any:
    """Keep a team."""
    form = TeamForm()
    _fill_markets(form)
    if form.validate():
        with transaction():
            service.change_team(
                team=found,
                name=_name(form),
                market=queries.get_market(form.market.data),
                is_closed=form.is_closed.data,
                by=actor(),
            )
        flash(_("Saved."), "success")
        return redirect(url_for("organisation.teams"), 303)
    return _team_page(found, form, 400)


def _fill_markets(form: TeamForm) -> None:
    form.market.choices = [SelectChoice(each.code, f"{each.name} ({each.code})") for each in queries.list_markets()]


def _teams_page(form: TeamForm, status: int = 200) -> Response:
    _fill_markets(form)
    page = render_template("organisation/teams.html", teams=queries.list_teams(), form=form)
    return make_response(page, status)


def _team_page(found: Team, form: TeamForm, status: int = 200) -> Response:
    _fill_markets(form)
    return make_response(render_template("organisation/team.html", code=found.code, name=found.name, form=form), status)


def _name(form: MarketForm | TeamForm) -> Words:
    return Words(form.name_en.data or "", form.name_ja.data or "")


def _blame(form: MarketForm | TeamForm, refused: DomainError) -> None:
    """Show the refusal at the field it is about."""
    places = {
        errors.CodeTaken: "code",
        errors.CodeInvalid: "code",
        errors.UnknownTimeZone: "time_zone",
        errors.UnknownHolidayCountry: "holiday_country",
    }
    name = places.get(type(refused))
    if name is not None and name in form:
        form[name].errors = [str(refused)]
    else:
        form.form_errors.append(str(refused))

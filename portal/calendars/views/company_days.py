"""The days on which a market does not work, or works instead: read, added and withdrawn by administrators."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from flask import render_template, request, url_for
from werkzeug import Response

from portal.accounts.queries import list_people_of
from portal.calendars import queries, service
from portal.calendars.errors import CompanyDaysGone, CompanyDaysOfFile, MovesChanged
from portal.calendars.forms import WORKED, CompanyDaysForm, WithdrawShiftsForm
from portal.calendars.models import CompanyDay
from portal.calendars.rules import WorkingCalendar
from portal.calendars.service import CompanyPeriod
from portal.calendars.service.moves import ToldTrainings, check_shown, key_shown, moved_by_company_days, shown
from portal.calendars.views import CONFIRM, blueprint
from portal.core import clock
from portal.core.access import actor, requires
from portal.core.errors import DomainError
from portal.core.i18n import Words, format_date, language, ngettext
from portal.core.i18n import gettext as _
from portal.core.once import Done, carry_out
from portal.organisation.models import Market
from portal.organisation.permissions import CHANGE_SETTINGS
from portal.organisation.queries import get_market


@blueprint.route("/settings/markets/<code>/days", methods=["GET", "POST"])
@requires(CHANGE_SETTINGS, on=get_market)
def company_days(market: Market) -> Response | str | tuple[str, int]:
    """Show a market's company days, and add some: first which trainings that moves, then for good."""
    if request.method == "GET":
        return _page(market, CompanyDaysForm(formdata=None))
    form, moved, status = CompanyDaysForm(), None, 400

    def work(seen: str) -> Done:
        # Dates that could not be counted any more are found before anybody has to do without them.
        check_shown(moved_by_company_days(_with(market, form)).key, seen)
        added = service.add_company_days(markets=_markets(market, form), period=_period(form), by=actor())
        said = ngettext(
            "The days have been added in %(num)d market.", "The days have been added in %(num)d markets.", len(added)
        )
        return Done(said, url_for("calendars.company_days", code=market.code))

    if form.validate():
        try:
            service.check_company_days(_period(form))
            seen, done = key_shown(request.form.get("seen", ""), _asked(form)), 200
            if request.form.get("act") == CONFIRM and seen is not None:
                try:
                    return carry_out(lambda: work(seen))
                except MovesChanged as changed:
                    form.form_errors.append(str(changed))
                    done = changed.status
            moved, status = moved_by_company_days(_with(market, form)), done
        except DomainError as refused:
            form.form_errors.append(str(refused))
            status = refused.status
    return _page(market, form, moved), status


@blueprint.post("/settings/markets/<code>/days/withdrawal")
@requires(CHANGE_SETTINGS, on=get_market)
def withdraw_company_days(market: Market) -> Response | tuple[str, int]:
    """Take back days that were added: first which trainings that moves, then for good."""
    number, told = WithdrawShiftsForm().number.data or "", CompanyDaysForm(formdata=None)
    chosen = queries.find_company_days(market, number)

    def work() -> Done:
        found = queries.find_company_days(market, number)
        if found is None:
            raise CompanyDaysGone()
        check_shown(_without(market, found).key, request.form.get("seen", ""))
        service.withdraw_company_days(days=found, by=actor())
        return Done(_("The days have been withdrawn."), url_for("calendars.company_days", code=market.code))

    status = 200
    try:
        if request.form.get("act") == CONFIRM:
            try:
                return carry_out(work)
            except MovesChanged as changed:
                told.form_errors.append(str(changed))
                status = changed.status
                chosen = queries.find_company_days(market, number)
        if chosen is None:
            raise CompanyDaysGone()
        if not chosen.by_hand:
            raise CompanyDaysOfFile()
        moved = _without(market, chosen)
    except DomainError as refused:
        told.form_errors.append(str(refused))
        return _page(market, told), refused.status
    return _page(market, told, moved, withdrawn=chosen), status


def _without(market: Market, days: CompanyDay) -> ToldTrainings:
    """Return what moves in a market without these of its days."""
    rows = [each for each in queries.list_company_days(market) if each.id != days.id]
    return moved_by_company_days({market.id: queries.with_company_days(WorkingCalendar(), rows)})


def _period(form: CompanyDaysForm) -> CompanyPeriod:
    first = form.first_on.data
    assert isinstance(first, date)
    last = form.last_on.data if isinstance(form.last_on.data, date) else first
    name = Words((form.name_en.data or "").strip(), (form.name_ja.data or "").strip())
    return CompanyPeriod(first, last, name, form.kind.data == WORKED)


def _markets(market: Market, form: CompanyDaysForm) -> list[Market]:
    return queries.list_markets() if form.everywhere.data else [market]


def _with(market: Market, form: CompanyDaysForm) -> dict[int, WorkingCalendar]:
    """Return the company days of the markets with those that the form adds, by their rows."""
    period = _period(form)
    return {
        each.id: queries.with_company_days(WorkingCalendar(), [*queries.list_company_days(each), period])
        for each in _markets(market, form)
    }


def _asked(form: CompanyDaysForm) -> str:
    """Return what a page has shown the effect of, so that something else is shown first."""
    return f"{form.kind.data}/{form.first_on.data}/{form.last_on.data}/{form.everywhere.data}"


def _page(
    market: Market, form: CompanyDaysForm, moved: ToldTrainings | None = None, *, withdrawn: CompanyDay | None = None
) -> str:
    today, rows = clock.today(market.time_zone), queries.list_company_days(market)
    gone = queries.list_withdrawn_company_days(market)
    codes = {each.declared_by for each in rows if each.by_hand} | {each.withdrawn_by or "" for each in gone}
    names = {each.code: each.name_in(language()) for each in list_people_of(codes)}
    is_adding = moved is not None and withdrawn is None
    first_on = withdrawn.first_on if withdrawn is not None else form.first_on.data if is_adding else None
    return render_template(
        "calendars/company_days.html",
        code=market.code,
        market=str(market.name),
        form=form,
        rows=[_row(each, names) | {"is_past": each.last_on < today} for each in reversed(rows)],
        gone=[
            _row(each, names)
            | {
                "by": names.get(each.withdrawn_by or "", each.withdrawn_by or ""),
                "at": format_date(clock.local_date(each.withdrawn_at, market.time_zone)) if each.withdrawn_at else "",
            }
            for each in gone
        ],
        moved=moved,
        seen=shown(_asked(form), moved.key) if is_adding and moved is not None else moved.key if moved else "",
        is_past=moved is not None and isinstance(first_on, date) and first_on < today,
        withdrawn=_row(withdrawn, names) if withdrawn is not None else None,
    )


def _row(each: CompanyDay, names: Mapping[str, str]) -> dict[str, Any]:
    return {
        "number": each.id,
        "days": format_date(each.first_on)
        if each.first_on == each.last_on
        else _("%(first)s – %(last)s", first=format_date(each.first_on), last=format_date(each.last_on)),
        "name": str(each.name),
        "is_worked": bool(each.is_worked),
        "by_hand": bool(each.by_hand),
        "source": _("Added by %(name)s", name=names.get(each.declared_by, each.declared_by))
        if each.by_hand
        else _("Content file"),
    }

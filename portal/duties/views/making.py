"""Making a recurring task and changing its terms: first a preview of the days on which it falls due."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import Any

from flask import render_template, request, url_for
from werkzeug import Response
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # the stubs do not know it yet

from portal.accounts.models import Person, Role
from portal.calendars.errors import HolidayYearUnknown
from portal.calendars.service.told import may_change_told
from portal.cohorts.permissions import reach_of
from portal.core import clock
from portal.core.access import actor, can, requires
from portal.core.errors import DomainError
from portal.core.i18n import Words, language, pgettext
from portal.core.i18n import gettext as _
from portal.core.once import Done, carry_out
from portal.duties import errors
from portal.duties.forms import FROM_END, FROM_START, OF_RHYTHM, ChangeForm, TaskForm
from portal.duties.models import RecurringTask
from portal.duties.permissions import CHANGE_TASK, CREATE_TASKS, MAKERS, SEE_TASK
from portal.duties.queries import tasks as queries
from portal.duties.rules import Fulfilment, Rhythm, WhenOff
from portal.duties.service import tasks
from portal.duties.service.tasks import Preview, Wanted
from portal.duties.service.telling import rhythm_words, weekday_words
from portal.duties.service.wording import TEXT_LIMIT, TITLE_LIMIT
from portal.duties.views import blueprint, shown
from portal.library import queries as library
from portal.library.permissions import READ_DOCUMENT
from portal.organisation import queries as organisation
from portal.organisation.models import Market, Team

REHEARSAL_TITLE = Words("Half-yearly handover rehearsal", "半期の引継ぎ予行")
# What the button says that does it for good.
CONFIRM = "confirm"
# Beside which field a refusal stands.
_FIELD_OF: dict[type[DomainError], str] = {
    errors.TitleMissing: "title_ja",
    errors.TitleTooLong: "title_ja",
    errors.NoSuchPlace: "place",
    errors.OutsideScope: "place",
    errors.StartsFarAway: "starts_on",
    errors.StartsInPast: "starts_on",
    errors.StartsBeforeRuns: "starts_on",
    errors.ProcedureMissing: "procedure",
    errors.ClauseMissing: "clause",
    errors.ClauseWithoutProcedure: "clause",
    errors.OwnerMissing: "owner",
    errors.OwnerAudits: "owner",
    errors.DeputyAudits: "deputy",
    errors.DeputyMissing: "deputy",
    errors.DeputyIsOwner: "deputy",
    errors.ReasonMissing: "reason",
    errors.NoteLooksSecret: "reason",
    errors.TextTooLong: "reason",
    HolidayYearUnknown: "starts_on",
}
_MARKET, _TEAM = "market:", "team:"


@blueprint.route("/recurring-tasks/new", methods=["GET", "POST"])
@requires(CREATE_TASKS)
def new_task() -> Response | tuple[str, int]:
    """Make a recurring task, after a preview."""
    return _ask(TaskForm, None)


@blueprint.route("/recurring-tasks/<code>/terms", methods=["GET", "POST"])
@requires(CHANGE_TASK, on=queries.get_task, see=SEE_TASK, absent=errors.NoSuchTask)
def change_task(found: RecurringTask) -> Response | tuple[str, int]:
    """Set other terms from a day on, after a preview."""
    return _ask(ChangeForm, found)


def _ask(kind: type[TaskForm], found: RecurringTask | None) -> Response | tuple[str, int]:
    form, status = kind(), 200
    people = {each.code: each for each in queries.list_possible_owners()}
    places = _places(found)
    _offer(form, people, places, found)
    preview = None
    if request.method == "POST":
        status = 400
        if form.validate():
            try:
                wanted, answering = _wanted(form, places), _answering(form, people)
                preview = tasks.preview(wanted=wanted, **answering, by=actor(), task=found)
                if request.form.get("act") == CONFIRM and request.form.get("seen") == _digest(form):
                    return carry_out(lambda: _keep(form, wanted, answering, found))
                status = 200
            except DomainError as refused:
                status = refused.status
                form.refuse(refused, _FIELD_OF.get(type(refused)))
    elif found is None:
        _begin(form, places)
    else:
        _fill(form, found)
    page = render_template(
        "duties/terms.html",
        form=form,
        of_rhythm={each.value: [form[name] for name in names] for each, names in OF_RHYTHM.items()},
        preview=_shown(preview) if preview is not None else None,
        seen=_digest(form) if preview is not None else "",
        number=found.latest.number if found is not None else 0,
        task=str(found.title) if found is not None else None,
        is_ended=found is not None and found.ended_at is not None,
        back=url_for("duties.task", code=found.code) if found else url_for("duties.list_tasks"),
        limits={"title": TITLE_LIMIT, "reason": TEXT_LIMIT},
    )
    return page, status


def _keep(form: TaskForm, wanted: Wanted, answering: dict[str, Person | None], found: RecurringTask | None) -> Done:
    if found is None:
        made = tasks.create(wanted=wanted, **answering, fulfilled_by=_fulfilment(form.fulfilled_by.data), by=actor())
        return Done(_("The recurring task has been created."), url_for("duties.task", code=made.code))
    tasks.change_terms(
        task=found,
        wanted=wanted,
        **answering,
        reason=form["reason"].data or "",
        seen=request.form.get("number", 0, type=int),
        by=actor(),
    )
    return Done(_("The terms have been changed."), url_for("duties.task", code=found.code))


def _fulfilment(text: str | None) -> Fulfilment | None:
    return Fulfilment(text) if text in {each.value for each in Fulfilment} else None


def _answering(form: TaskForm, people: dict[str, Person]) -> dict[str, Person | None]:
    return {"owner": people.get(form.owner.data or ""), "deputy": people.get(form.deputy.data or "")}


# --- The form ----------------------------------------------------------------------------------


def _places(found: RecurringTask | None) -> dict[str, tuple[Market, Team | None]]:
    """Return the markets and teams for which the actor may make tasks, and that of the task, by the choice's value."""
    reach = reach_of(actor(), *MAKERS, everywhere=(Role.ADMIN,))
    offered: dict[str, tuple[Market, Team | None]] = {}
    teams = organisation.list_teams(closed=False)
    for market in organisation.list_markets():
        if reach.everywhere or market.code in reach.markets:
            offered[f"{_MARKET}{market.code}"] = (market, None)
        for team in teams:
            if team.market_id == market.id and (
                reach.everywhere or market.code in reach.markets or team.code in reach.teams
            ):
                offered[f"{_TEAM}{team.code}"] = (market, team)
    if found is not None:
        terms = found.latest
        offered.setdefault(_place_of(terms.market, terms.team), (terms.market, terms.team))
    return offered


def _place_of(market: Market, team: Team | None) -> str:
    return f"{_TEAM}{team.code}" if team is not None else f"{_MARKET}{market.code}"


def _offer(
    form: TaskForm,
    people: dict[str, Person],
    places: dict[str, tuple[Market, Team | None]],
    found: RecurringTask | None,
) -> None:
    here = language()
    form.place.choices = _choices(
        (value, f"{market.name} · {team.name}" if team is not None else str(market.name))
        for value, (market, team) in places.items()
    )
    form.weekday.choices = _choices([("", _("Choose")), *((str(each), weekday_words(each)) for each in range(7))])
    # No title of a text that she may not read herself.
    live = library.list_documents_of([each for each in library.list_live_slugs() if "@" not in each])
    readable = [slug for slug, each in live.items() if can(READ_DOCUMENT, each)]
    named = sorted(library.list_document_titles(readable, here).items(), key=lambda each: each[1])
    kept = found.latest.procedure_slug if found is not None else None
    if kept is not None and kept not in dict(named):
        named.append((kept, kept))
    form.procedure.choices = _choices([("", pgettext("procedure", "None")), *named])
    owned = queries.find_owner_of(found) if found is not None else None
    listed = [(code, each.name_in(here)) for code, each in people.items()]
    listed += [
        (each.code, each.name_in(here))
        for each in ((owned.owner, owned.deputy) if owned else ())
        if each is not None and each.is_active and each.code not in people
    ]
    for each in (owned.owner, owned.deputy) if owned else ():
        if each is not None and each.is_active:
            people.setdefault(each.code, each)
    form.owner.choices = _choices([("", _("Choose")), *listed])
    form.deputy.choices = _choices([("", _("Nobody")), *listed])


def _choices(pairs: Iterable[tuple[str, str]]) -> list[SelectChoice]:
    return [SelectChoice(value, label) for value, label in pairs]


def _begin(form: TaskForm, places: dict[str, tuple[Market, Team | None]]) -> None:
    form.rhythm.data = Rhythm.WEEKLY.value
    form.days.data, form.weeks.data, form.months.data = 5, 1, 1
    form.when_off.data, form.counted.data, form.working_day.data = WhenOff.AFTER.value, FROM_START, 1
    market = next(iter(places.values()))[0] if places else actor().home_market
    form.starts_on.data = clock.today(market.time_zone)
    form.owner.data = actor().code
    if _fulfilment(request.args.get("fulfilled_by")) is Fulfilment.REHEARSAL:
        _begin_rehearsals(form, places)


def _begin_rehearsals(form: TaskForm, places: dict[str, tuple[Market, Team | None]]) -> None:
    """Fill in what the half-yearly rehearsal of a team, or of a market, is as a rule."""
    form.fulfilled_by.data = Fulfilment.REHEARSAL.value
    form.title_en.data, form.title_ja.data = REHEARSAL_TITLE.en, REHEARSAL_TITLE.ja
    form.rhythm.data, form.months.data, form.working_day.data = Rhythm.MONTHLY.value, 6, 10
    place = request.args.get("place", "")
    if place in places:
        form.place.data = place
        form.starts_on.data = clock.today(places[place][0].time_zone)


def _fill(form: TaskForm, found: RecurringTask) -> None:
    terms, owned = found.latest, queries.find_owner_of(found)
    form.title_en.data, form.title_ja.data = terms.title.en, terms.title.ja
    form.place.data = _place_of(terms.market, terms.team)
    form.starts_on.data, form.rhythm.data = terms.starts_on, terms.rhythm.value
    form[OF_RHYTHM[terms.rhythm][0]].data = terms.every
    form.weekday.data = "" if terms.weekday is None else str(terms.weekday)
    form.when_off.data = terms.when_off.value if terms.when_off else WhenOff.AFTER.value
    number = terms.working_day
    form.working_day.data = abs(number) if number is not None else None
    form.counted.data = FROM_END if (number or 0) < 0 else FROM_START
    form.minutes.data = terms.minutes
    form.fulfilled_by.data = found.fulfilled_by.value if found.fulfilled_by is not None else ""
    form.procedure.data, form.clause.data = terms.procedure_slug or "", terms.procedure_clause or ""
    if owned is not None:
        form.owner.data = owned.owner.code
        form.deputy.data = owned.deputy.code if owned.deputy else ""


def _wanted(form: TaskForm, places: dict[str, tuple[Market, Team | None]]) -> Wanted:
    rhythm = Rhythm(form.rhythm.data)
    market, team = places[form.place.data]
    is_weekly, is_monthly = rhythm is Rhythm.WEEKLY, rhythm is Rhythm.MONTHLY
    day, starts_on = form.working_day.data or 0, form.starts_on.data
    assert starts_on is not None
    return Wanted(
        title=Words(form.title_en.data or "", form.title_ja.data or ""),
        market=market,
        team=team,
        rhythm=rhythm,
        every=form[OF_RHYTHM[rhythm][0]].data or 0,
        starts_on=starts_on,
        weekday=int(form.weekday.data) if is_weekly else None,
        when_off=WhenOff(form.when_off.data) if is_weekly else None,
        working_day=(-day if form.counted.data == FROM_END else day) if is_monthly else None,
        minutes=form.minutes.data,
        procedure_slug=form.procedure.data or None,
        procedure_clause=form.clause.data or None if form.procedure.data else None,
    )


def _digest(form: TaskForm) -> str:
    """Return what stands for the terms that a preview was made of."""
    values = tuple((field.name, str(field.data)) for field in form if field.name not in ("csrf_token", "reason"))
    return sha256(repr(values).encode()).hexdigest()[:16]


def _shown(found: Preview) -> dict[str, Any]:
    shape = queries.shape_of(found.terms)
    return {
        "rhythm": rhythm_words(shape),
        "days": [shown.day_row(each, shape) for each in found.days],
        "past": found.past,
        "unknown_year": found.unknown_year,
        "may_change": may_change_told(found.calendar, [each.on for each in found.days]),
    }

"""Reports that are sent each week: which there are, another one, changing one, and taking oneself off."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, TypeVar

from flask import make_response, render_template, request, url_for
from werkzeug.wrappers import Response
from wtforms import SelectChoice  # type: ignore[attr-defined]

from portal.accounts import queries as accounts
from portal.accounts.models import Ownership
from portal.calendars.rules import DayOff, OffReason
from portal.cohorts import queries as cohorts
from portal.cohorts.models import Cohort
from portal.cohorts.permissions import SEE_COHORT, SEE_COHORTS
from portal.core.access import actor, can, requires
from portal.core.errors import DomainError
from portal.core.i18n import format_date, format_instant, format_weekday, language
from portal.core.i18n import gettext as _
from portal.core.once import Done, carry_out
from portal.reports.errors import (
    AlreadyScheduled,
    CohortRefused,
    NobodyChosen,
    NotSent,
    RecipientRefused,
    ScheduleChangedMeanwhile,
)
from portal.reports.forms import ScheduleChangeForm, ScheduleForm
from portal.reports.models import ReportSchedule
from portal.reports.permissions import (
    CHANGE_SCHEDULE,
    END_SCHEDULE,
    OWNED_KIND,
    SEE_SCHEDULE,
    SEE_SCHEDULES,
    SEND_REPORT,
    Answered,
    reach_for_sending,
    reach_over_schedules,
)
from portal.reports.queries import follow
from portal.reports.queries import schedules as queries
from portal.reports.recorded import WEEKDAYS
from portal.reports.rules import FileFormat, RecipientEnd, ScheduleEnd
from portal.reports.service import schedules as service
from portal.reports.service.schedules import Next, Wanted
from portal.reports.views import blueprint
from portal.training.queries import catalogue

AnyScheduleForm = TypeVar("AnyScheduleForm", bound=ScheduleForm)


@blueprint.get("/report-schedules")
@requires(SEE_SCHEDULES)
def list_schedules() -> str:
    """List the weekly reports of the cohorts within reach, with the next day of each and why it is that one."""
    person = actor()
    found = queries.list_schedules(reach_over_schedules(person))
    sent = queries.last_sent([each.id for each in found])
    owners = accounts.find_owners(OWNED_KIND, [each.code for each in found])
    plans = {each.plan.slug: str(each.title) for each in catalogue.list_latest_versions()} if found else {}
    return render_template(
        "reports/schedules.html",
        sees_cohorts=can(SEE_COHORTS),
        add_href=url_for("reports.choose_cohort") if reach_for_sending(person) else None,
        rows=[
            _row(each, sent.get(each.id), owners.get(each.code)) | {"plan": plans.get(each.plan_slug, each.plan_slug)}
            for each in found
        ],
    )


@blueprint.get("/report-schedules/new")
@requires(SEE_SCHEDULES)
def choose_cohort() -> str:
    """Ask of which cohort the report is to be sent."""
    return render_template(
        "reports/choose_cohort.html",
        sees_cohorts=can(SEE_COHORTS),
        rows=[
            {
                "name": str(each.name),
                "href": url_for("reports.new_schedule", code=each.code),
                "sub": str(each.market.name),
                "starts_on": format_date(each.starts_on, "short"),
            }
            for each in cohorts.list_open_cohorts(reach_for_sending(actor()))
        ],
    )


@blueprint.get("/cohorts/<code>/report/schedule")
@requires(SEND_REPORT, on=cohorts.get_cohort, see=SEE_SCHEDULE)
def new_schedule(found: Cohort) -> Response:
    """Ask when the report is sent and to whom."""
    data = {
        "weekday": "0",
        "hour": "9",
        "language": "",
        "attached": [FileFormat.PDF.value],
        "recipients": [actor().code],
    }
    return _form_page(found, _offer(ScheduleForm(formdata=None, data=data), found))


@blueprint.post("/cohorts/<code>/report/schedule")
@requires(SEND_REPORT, on=cohorts.get_cohort, see=SEE_SCHEDULE)
def add_schedule(found: Cohort) -> Any:
    """Have the report sent each week."""
    form = _offer(ScheduleForm(), found)
    if not form.validate():
        return _form_page(found, form, 400)

    def work() -> Done:
        made = service.set_up(wanted=_wanted(found, form), by=actor())
        day = format_date(service.next_of(made, None).sent_on.on)
        return Done(_("The first report goes out on %(date)s.", date=day), url_for("reports.list_schedules"))

    try:
        return carry_out(work)
    except (NobodyChosen, RecipientRefused, AlreadyScheduled) as refused:
        return _form_page(found, form, refused.status, same=_say(form, refused))


@blueprint.get("/report-schedules/<code>/change")
@requires(CHANGE_SCHEDULE, on=queries.get_schedule, see=SEE_SCHEDULE)
def change_schedule(found: ReportSchedule) -> Response:
    """Show how the report is sent, to be changed."""
    if found.ended_at is not None:
        raise NotSent()
    attached = [kind for kind, is_wanted in _formats(found) if is_wanted]
    following = follow(found.cohort, found.plan_slug or None).plan
    form = ScheduleChangeForm(
        formdata=None,
        data={
            "cohort": found.cohort.code,
            "plan": found.plan_slug or (following.slug if following else ""),
            "weekday": str(found.weekday),
            "hour": str(found.hour),
            "language": found.language or "",
            "attached": [kind.value for kind in attached],
            "recipients": [each.person.code for each in found.recipients if each.ended_at is None],
            "seen": found.revision,
        },
    )
    return _change_page(found, _offer_change(form, found, found.cohort), found.cohort)


@blueprint.post("/report-schedules/<code>/change")
@requires(CHANGE_SCHEDULE, on=queries.get_schedule, see=SEE_SCHEDULE)
def save_schedule(found: ReportSchedule) -> Any:
    """Let the report be sent otherwise; or, asked to, only show when it would come next."""
    form = ScheduleChangeForm()
    chosen = next((each for each in _choosable(found) if each.code == form.cohort.data), None)
    cohort = chosen or found.cohort
    _offer_change(form, found, cohort)
    if "preview" in request.form and cohort.id != found.cohort_id:
        _fit(form)
    if not form.validate():
        return _change_page(found, form, cohort, 400)
    wanted = _wanted(cohort, form)
    if "preview" in request.form:
        return _change_page(found, form, cohort, wanted=wanted)

    def work() -> Done:
        is_other = service.change(schedule=found, wanted=wanted, seen=form.seen.data or 0, by=actor())
        sent = queries.last_sent([found.id]).get(found.id)
        day = format_date(service.next_of(found, sent[0] if sent else None).sent_on.on)
        said = (
            _("The report has been changed. The next one goes out on %(date)s.", date=day)
            if is_other
            else _("Nothing was changed. The next report goes out on %(date)s.", date=day)
        )
        return Done(said, url_for("reports.list_schedules", _anchor=f"schedule-{found.code}"))

    try:
        return carry_out(work)
    except (CohortRefused, NobodyChosen, RecipientRefused, AlreadyScheduled, ScheduleChangedMeanwhile) as refused:
        return _change_page(found, form, cohort, refused.status, same=_say(form, refused))


@blueprint.post("/report-schedules/<code>/end")
@requires(END_SCHEDULE, on=queries.get_schedule, see=SEE_SCHEDULE)
def end_schedule(found: ReportSchedule) -> Any:
    """Send a report no longer."""

    def work() -> Done:
        service.end(schedule=found, by=actor())
        return Done(_("The report is not sent any more."), url_for("reports.list_schedules"))

    return carry_out(work)


@blueprint.post("/report-schedules/<code>/unsubscribe")
@requires(SEE_SCHEDULE, on=queries.get_schedule)
def unsubscribe(found: ReportSchedule) -> Any:
    """Get a report no longer."""

    def work() -> Done:
        service.unsubscribe(schedule=found, person=actor())
        return Done(_("The report does not come any more."), url_for("reports.list_schedules"))

    return carry_out(work)


def _choosable(found: ReportSchedule) -> list[Cohort]:
    """Return the cohorts that a report may be changed to, its own among them."""
    reach = cohorts.list_open_cohorts(reach_for_sending(actor()))
    return reach if any(each.id == found.cohort_id for each in reach) else [found.cohort, *reach]


def _offer(form: AnyScheduleForm, cohort: Cohort, unsubscribed: Collection[str] = ()) -> AnyScheduleForm:
    """Offer the plans of the cohort and the people who may see it; who took herself off says so beside her name."""
    form.plan.choices = [SelectChoice(each.slug, str(each.title)) for each in follow(cohort).plans]
    here = language()
    form.recipients.choices = [
        SelectChoice(each.code, _("%(name)s (unsubscribed)", name=name) if each.code in unsubscribed else name)
        for each in queries.list_possible_recipients(cohort)
        if (name := each.name_in(here))
    ]
    return form


def _offer_change(form: ScheduleChangeForm, found: ReportSchedule, cohort: Cohort) -> ScheduleChangeForm:
    """Offer the cohorts besides."""
    form.cohort.choices = [SelectChoice(each.code, str(each.name)) for each in _choosable(found)]
    off = {each.person.code for each in found.recipients if each.end_reason is RecipientEnd.UNSUBSCRIBED}
    return _offer(form, cohort, off)


def _fit(form: Any) -> None:
    """Leave out what another cohort does not have: the page still offered the plans and people of the one before."""
    plans = [each.value for each in form.plan.choices or ()]
    if plans and form.plan.data not in plans:
        form.plan.data = plans[0]
    people = {each.value for each in form.recipients.choices or ()}
    form.recipients.data = [code for code in form.recipients.data or () if code in people]


def _wanted(cohort: Cohort, form: ScheduleForm) -> Wanted:
    chosen, attached = set(form.recipients.data or ()), form.attached.data or ()
    return Wanted(
        cohort=cohort,
        plan_slug=form.plan.data,
        weekday=int(form.weekday.data),
        hour=int(form.hour.data),
        with_pdf=FileFormat.PDF.value in attached,
        with_xlsx=FileFormat.XLSX.value in attached,
        language=form.language.data or None,
        recipients=[each for each in queries.list_possible_recipients(cohort) if each.code in chosen],
    )


def _say(form: ScheduleForm, refused: DomainError) -> str | None:
    """Say beside its field what was refused; return the code of the schedule that is there already, if that is it."""
    if isinstance(refused, NobodyChosen | RecipientRefused):
        form.recipients.errors = [str(refused)]
    elif isinstance(refused, AlreadyScheduled):
        form.hour.errors = [str(refused)]
        return refused.code
    elif isinstance(refused, CohortRefused) and isinstance(form, ScheduleChangeForm):
        form.cohort.errors = [str(refused)]
    else:
        form.form_errors.append(str(refused))
    return None


def _form_page(found: Cohort, form: ScheduleForm, status: int = 200, *, same: str | None = None) -> Response:
    sees_it = can(SEE_COHORT, found)
    page = render_template(
        "reports/schedule.html",
        form=form,
        cohort={
            "name": str(found.name),
            "href": url_for("reports.cohort", code=found.code) if sees_it else None,
            "report_href": url_for("reports.cohort_report", code=found.code) if sees_it else None,
        },
        back=url_for("reports.cohort_report", code=found.code) if sees_it else url_for("reports.list_schedules"),
        zone=found.market.time_zone,
        market=str(found.market.name),
        has_plan=bool(form.plan.choices),
        same_href=_href_of(same),
    )
    return make_response(page, status)


def _change_page(
    found: ReportSchedule,
    form: ScheduleChangeForm,
    cohort: Cohort,
    status: int = 200,
    *,
    wanted: Wanted | None = None,
    same: str | None = None,
) -> Response:
    sent = queries.last_sent([found.id]).get(found.id)
    last = sent[0] if sent else None
    page = render_template(
        "reports/schedule_change.html",
        form=form,
        code=found.code,
        cohort=str(found.cohort.name),
        sees_cohorts=can(SEE_COHORTS),
        seen=form.seen.data or 0,
        zone=cohort.market.time_zone,
        market=str(cohort.market.name),
        now=_next_told(service.next_of(found, last), found.hour),
        then=_next_told(service.next_if(found, wanted, last), wanted.hour) if wanted else None,
        same_href=_href_of(same),
    )
    return make_response(page, status)


def _href_of(code: str | None) -> str | None:
    return url_for("reports.list_schedules", _anchor=f"schedule-{code}") if code else None


def _next_told(following: Next, hour: int) -> dict[str, str]:
    words = _("%(weekday)s, %(hour)s", weekday=_next_words(following), hour=f"{hour:02d}:00")
    return {"words": words, "why": _why(following)}


# Names of languages are written in themselves.
_LANGUAGES = {"en": "English", "ja": "日本語"}
_ENDS = {
    ScheduleEnd.BY_HAND: lambda: _("ended by hand"),
    ScheduleEnd.FINISHED: lambda: _("the cohort is through, or was withdrawn"),
    ScheduleEnd.NOBODY_LEFT: lambda: _("nobody is left to send it to"),
}


def _formats(each: ReportSchedule) -> list[tuple[FileFormat, bool]]:
    return [(FileFormat.PDF, each.with_pdf), (FileFormat.XLSX, each.with_xlsx)]


def _row(each: ReportSchedule, sent: Any, owner: Ownership | None) -> dict[str, Any]:
    zone, here, is_open = each.cohort.market.time_zone, language(), each.ended_at is None
    following = service.next_of(each, sent[0] if sent else None) if is_open else None
    attached = [kind.value.upper() for kind, is_wanted in _formats(each) if is_wanted]
    answered = Answered(each, frozenset((owner.owner_id, owner.deputy_id)) if owner else frozenset())
    getting = [one for one in each.recipients if one.ended_at is None]
    return {
        "code": each.code,
        "cohort": str(each.cohort.name),
        "href": url_for("reports.cohort_report", code=each.cohort.code, plan=each.plan_slug or None)
        if can(SEE_COHORT, each.cohort)
        else None,
        "when": _("%(weekday)s, %(hour)s", weekday=str(WEEKDAYS[each.weekday]), hour=f"{each.hour:02d}:00"),
        "zone": zone,
        "attached": ", ".join([*attached, *([_LANGUAGES[each.language]] if attached and each.language else [])])
        or _("link only"),
        "people": [one.person.name_in(here) for one in getting],
        "owner": owner.owner.name_in(here) if owner else "",
        "next": _next_words(following) if following else None,
        "next_why": _why(following) if following else None,
        "sent": format_instant(sent[1], zone) if sent else None,
        "ended": _("%(date)s: %(why)s", date=format_instant(each.ended_at, zone), why=_ENDS[each.end_reason]())
        if each.ended_at is not None and each.end_reason is not None
        else None,
        "may_change": is_open and can(CHANGE_SCHEDULE, answered),
        "may_end": is_open and can(END_SCHEDULE, answered),
        "gets_it": is_open and any(one.person_id == actor().id for one in getting),
    }


def _next_words(following: Next) -> str:
    on = following.sent_on.on
    return _("%(date)s (%(weekday)s)", date=format_date(on, "short"), weekday=format_weekday(on))


def _why(following: Next) -> str:
    """Say why the report comes later than its weekday, day by day; nothing where it does not."""
    skipped = following.sent_on.derivation.skipped
    if not skipped:
        return ""
    days = (", " if language() == "en" else "、").join(_day_off(each) for each in skipped)
    return _("The next working day, because of: %(days)s", days=days)


def _day_off(each: DayOff) -> str:
    day = format_date(each.on, "short")
    if each.name is not None:
        return _("%(date)s %(name)s", date=day, name=each.name.in_(language()))
    if each.reason is OffReason.WEEKEND:
        return _("%(date)s weekend", date=day)
    return day

"""Reports that are sent each week: which there are, another one, and taking oneself off."""

from __future__ import annotations

from typing import Any

from flask import make_response, render_template, url_for
from werkzeug.wrappers import Response
from wtforms import SelectChoice  # type: ignore[attr-defined]

from portal.accounts import queries as accounts
from portal.calendars.rules import DayOff, OffReason
from portal.cohorts import queries as cohorts
from portal.cohorts.models import Cohort
from portal.cohorts.permissions import SEE_COHORT, SEE_COHORTS, reach_over_cohorts
from portal.core.access import actor, can, requires
from portal.core.i18n import format_date, format_instant, format_weekday, language
from portal.core.i18n import gettext as _
from portal.core.once import Done, carry_out
from portal.reports.errors import AlreadyScheduled, NobodyChosen, RecipientRefused
from portal.reports.forms import ScheduleForm
from portal.reports.models import ReportSchedule
from portal.reports.permissions import END_SCHEDULE, SEE_SCHEDULE, SEND_REPORT
from portal.reports.queries import follow
from portal.reports.queries import schedules as queries
from portal.reports.recorded import WEEKDAYS
from portal.reports.rules import FileFormat, ScheduleEnd
from portal.reports.service import schedules as service
from portal.reports.service.schedules import Next
from portal.reports.views import blueprint
from portal.training.queries import catalogue


@blueprint.get("/report-schedules")
@requires(SEE_COHORTS)
def list_schedules() -> str:
    """List the weekly reports of the cohorts that one sees, with the next day of each and why it is that one."""
    person = actor()
    found = queries.list_schedules(reach_over_cohorts(person))
    sent = queries.last_sent([each.id for each in found])
    owners = accounts.find_owners(service.OWNED_KIND, [each.code for each in found])
    plans = {each.plan.slug: str(each.title) for each in catalogue.list_latest_versions()} if found else {}
    return render_template(
        "reports/schedules.html",
        rows=[
            _row(each, sent.get(each.id), owners[each.code].owner.name_in(language()) if each.code in owners else "")
            | {"plan": plans.get(each.plan_slug, each.plan_slug)}
            for each in found
        ],
    )


@blueprint.get("/cohorts/<code>/report/schedule")
@requires(SEND_REPORT, on=cohorts.get_cohort, see=SEE_COHORT)
def new_schedule(found: Cohort) -> Response:
    """Ask when the report is sent and to whom."""
    data = {
        "weekday": "0",
        "hour": "9",
        "attached": [FileFormat.PDF.value],
        "recipients": [actor().code],
    }
    return _form_page(found, _form(found, formdata=None, data=data))


@blueprint.post("/cohorts/<code>/report/schedule")
@requires(SEND_REPORT, on=cohorts.get_cohort, see=SEE_COHORT)
def add_schedule(found: Cohort) -> Any:
    """Have the report sent each week."""
    form = _form(found)
    if not form.validate():
        return _form_page(found, form, 400)

    def work() -> Done:
        chosen = set(form.recipients.data or ())
        people = [each for each in queries.list_possible_recipients(found) if each.code in chosen]
        made = service.set_up(
            cohort=found,
            plan_slug=form.plan.data,
            weekday=int(form.weekday.data),
            hour=int(form.hour.data),
            with_pdf=FileFormat.PDF.value in (form.attached.data or ()),
            with_xlsx=FileFormat.XLSX.value in (form.attached.data or ()),
            recipients=people,
            by=actor(),
        )
        day = format_date(service.next_of(made, None).sent_on.on)
        return Done(_("The first report goes out on %(date)s.", date=day), url_for("reports.list_schedules"))

    try:
        return carry_out(work)
    except (NobodyChosen, RecipientRefused) as refused:
        form.recipients.errors = [str(refused)]
        return _form_page(found, form, refused.status)
    except AlreadyScheduled as refused:
        form.hour.errors = [str(refused)]
        return _form_page(found, form, refused.status, same=refused.code)


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


def _form(found: Cohort, **values: Any) -> ScheduleForm:
    form = ScheduleForm(**values)
    form.plan.choices = [SelectChoice(each.slug, str(each.title)) for each in follow(found).plans]
    here = language()
    form.recipients.choices = [
        SelectChoice(each.code, each.name_in(here)) for each in queries.list_possible_recipients(found)
    ]
    return form


def _form_page(found: Cohort, form: ScheduleForm, status: int = 200, *, same: str | None = None) -> Response:
    page = render_template(
        "reports/schedule.html",
        form=form,
        cohort={
            "name": str(found.name),
            "href": url_for("reports.cohort", code=found.code),
            "report_href": url_for("reports.cohort_report", code=found.code),
        },
        zone=found.market.time_zone,
        market=str(found.market.name),
        has_plan=bool(form.plan.choices),
        same_href=url_for("reports.list_schedules", _anchor=f"schedule-{same}") if same else None,
    )
    return make_response(page, status)


_ENDS = {
    ScheduleEnd.BY_HAND: lambda: _("ended by hand"),
    ScheduleEnd.FINISHED: lambda: _("the cohort is through, or was withdrawn"),
    ScheduleEnd.NOBODY_LEFT: lambda: _("nobody is left to send it to"),
}


def _row(each: ReportSchedule, sent: Any, owner: str) -> dict[str, Any]:
    zone, here, is_open = each.cohort.market.time_zone, language(), each.ended_at is None
    following = service.next_of(each, sent[0] if sent else None) if is_open else None
    attached = [label for label, is_wanted in (("PDF", each.with_pdf), ("XLSX", each.with_xlsx)) if is_wanted]
    getting = [one for one in each.recipients if one.ended_at is None]
    return {
        "code": each.code,
        "cohort": str(each.cohort.name),
        "href": url_for("reports.cohort_report", code=each.cohort.code, plan=each.plan_slug or None),
        "when": _("%(weekday)s, %(hour)s", weekday=str(WEEKDAYS[each.weekday]), hour=f"{each.hour:02d}:00"),
        "zone": zone,
        "attached": ", ".join(attached) or _("link only"),
        "people": [one.person.name_in(here) for one in getting],
        "owner": owner,
        "next": _next_words(following) if following else None,
        "next_why": _why(following) if following else None,
        "sent": format_instant(sent[1], zone) if sent else None,
        "ended": _("%(date)s: %(why)s", date=format_instant(each.ended_at, zone), why=_ENDS[each.end_reason]())
        if each.ended_at is not None and each.end_reason is not None
        else None,
        "may_end": is_open and can(END_SCHEDULE, each),
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

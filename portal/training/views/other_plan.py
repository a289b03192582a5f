"""Another plan for one learner: what counts in it, every date of it and what ends is shown first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from flask import render_template, request, url_for
from werkzeug import Response

from portal.calendars.service.told import unannounced_told
from portal.core.access import actor, requires
from portal.core.clock import local_date
from portal.core.i18n import format_date, language
from portal.core.i18n import gettext as _
from portal.core.once import Done
from portal.training import queries
from portal.training.errors import NoSuchPlan
from portal.training.forms import EventField, OtherPlanForm, event_field_name, with_events
from portal.training.models import Enrollment, PlanVersion
from portal.training.permissions import CHANGE_DATES, SEE_ENROLLMENT
from portal.training.queries import catalogue
from portal.training.rules import STATEMENT_LIMIT
from portal.training.service import other_plan as service
from portal.training.service.other_plan import PlanMove
from portal.training.views import blueprint
from portal.training.views.dates import sessions_left_told
from portal.training.views.explaining import feasibility_told, not_counted_told
from portal.training.views.shown_first import confirmed_or_judged


@blueprint.route("/training/<code>/plan", methods=["GET", "POST"])
@requires(CHANGE_DATES, on=queries.get_enrollment, see=SEE_ENROLLMENT)
def other_plan(enrollment: Enrollment) -> Response | tuple[str, int]:
    """Let a learner go on in another plan: first what it means, then for good."""
    versions = _others(enrollment)
    form = _form(versions, enrollment)

    def work() -> Done:
        version, starts_on = _chosen(form, versions)
        new = service.move_to_plan(
            enrollment=enrollment,
            version=version,
            starts_on=starts_on,
            reason=form.reason.data or "",
            events=_days(form, version),
            seen=request.form.get("seen", ""),
            by=actor(),
        )
        said = _("The training goes on in “%(plan)s”.", plan=version.title)
        return Done(said, url_for("training.path", code=new.code))

    answer, found, status = confirmed_or_judged(form, work, lambda: _judged(form, versions, enrollment))
    if answer is not None:
        return answer
    page = render_template(
        "training/other_plan.html",
        form=form,
        can_move=enrollment.is_open and bool(versions),
        events=[name for name in form._fields if name.startswith("event.")],
        move=_told(found, enrollment) if found is not None else None,
        seen=found.key if found is not None else "",
        limit=STATEMENT_LIMIT,
        learner=enrollment.person.name_in(language()),
        plan=str(enrollment.version.title),
        path_href=url_for("training.path", code=enrollment.code),
        dates_href=url_for("training.change_dates", code=enrollment.code),
    )
    return page, status


def _others(enrollment: Enrollment) -> list[PlanVersion]:
    """Return the latest versions of the plans that the learner does not follow now.

    What is posted may name one that she follows by now: a second press is answered as the first one was.
    """
    is_asked = request.method != "POST"
    running = {each.plan_id for each in queries.list_running_of([enrollment.person_id] if is_asked else [])}
    running.add(enrollment.plan_id)
    return [each for each in catalogue.list_latest_versions() if each.plan_id not in running]


def _form(versions: Sequence[PlanVersion], enrollment: Enrollment) -> OtherPlanForm:
    """Return the form with the plans that can be chosen, and a field for each event without a day of her cohort."""
    cohort = enrollment.cohort
    known = queries.list_days_of_cohort(cohort) if cohort is not None else {}
    fields = {
        event_field_name(each.plan.slug, event.slug): EventField(
            _("%(event)s (%(plan)s)", event=event.title, plan=each.title), versions=[each.plan.slug]
        )
        for each in versions
        for event in each.events
        if (each.plan_id, event.slug) not in known
    }
    form = with_events(OtherPlanForm, fields)()
    form.plan.choices = [(each.plan.slug, str(each.title)) for each in versions]
    return form


def _chosen(form: OtherPlanForm, versions: Sequence[PlanVersion]) -> tuple[PlanVersion, date]:
    starts_on = form.starts_on.data
    assert isinstance(starts_on, date)
    for each in versions:
        if each.plan.slug == form.plan.data:
            return each, starts_on
    raise NoSuchPlan()


def _days(form: OtherPlanForm, version: PlanVersion) -> dict[str, date]:
    """Return the days that were given for events of the chosen plan."""
    days = {}
    for event in version.events:
        field = form._fields.get(event_field_name(version.plan.slug, event.slug))
        if field is not None and field.data is not None:
            days[event.slug] = field.data
    return days


def _judged(form: OtherPlanForm, versions: Sequence[PlanVersion], enrollment: Enrollment) -> PlanMove:
    """Return what would come of it as things stand now. Raises why it cannot be."""
    version, starts_on = _chosen(form, versions)
    standing = queries.standing_of(queries.get_enrollment(enrollment.code))
    return service.judge_move(standing=standing, version=version, starts_on=starts_on, events=_days(form, version))


def _told(found: PlanMove, enrollment: Enrollment) -> dict[str, Any]:
    """Return in words what the other plan means for the learner."""
    tasks = catalogue.tasks_of([*(each.step for each in found.steps), *found.left])
    zone, today = enrollment.market.time_zone, found.standing.today
    why_not = {
        each.step.slug: not_counted_told(each, format_date(local_date(each.earlier.at, zone)))
        for each in found.not_counted
    }
    return {
        "counting": sum(each.counts for each in found.steps),
        "completes": found.completes,
        "cautions": found.cautions,
        "interrupted": [each.said for each in found.interrupted],
        "rows": [
            {
                "step": str(tasks[each.step.id]),
                "counts": each.counts,
                "note": why_not.get(each.step.slug, ""),
                "on": format_date(each.on),
                "day": each.day,
                "is_late": not each.counts and each.on < today,
                "is_optional": not each.step.required,
            }
            for each in found.steps
        ],
        "left": [str(tasks[each.id]) for each in found.left],
        "sessions": sessions_left_told(enrollment),
        "feasibility": [] if found.completes else feasibility_told(found.feasibility, found.version),
        "unannounced": unannounced_told(
            found.calendar.provisional_years(each.on for each in found.steps if not each.counts)
        ),
    }

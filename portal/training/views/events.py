"""What a lead does about the day of an event, for one learner or a whole cohort; shown before it is done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import render_template, request, url_for
from werkzeug import Response

from portal.calendars.errors import MovesChanged
from portal.calendars.queries import working_calendar
from portal.calendars.service.moves import key_shown, shown
from portal.calendars.service.told import unannounced_told
from portal.cohorts.permissions import SEE_COHORT
from portal.core import clock
from portal.core.access import actor, allows, can, requires
from portal.core.errors import DomainError
from portal.core.i18n import format_date, language, ngettext
from portal.core.i18n import gettext as _
from portal.core.once import Done, carry_out
from portal.training import queries
from portal.training.forms import EventDateForm, EventOfCohortForm
from portal.training.permissions import (
    CHANGE_COHORT_DATES,
    CHANGE_DATES,
    EventOfCohort,
    EventOfEnrollment,
)
from portal.training.queries import Standing, catalogue
from portal.training.rules import STATEMENT_LIMIT
from portal.training.service import dates
from portal.training.service.odd_days import about_due_before, about_event
from portal.training.views import blueprint
from portal.training.views.dates import CONFIRM, can_move, effect_told, show_then_do
from portal.training.views.explaining import disorder_told, feasibility_told, sessions_told


@blueprint.route("/training/<code>/dates/events/<slug>", methods=["GET", "POST"])
@requires(CHANGE_DATES, on=queries.get_event_of_enrollment)
def event_date(thing: EventOfEnrollment) -> Response | tuple[str, int]:
    """Let an event take place on another day for one learner: first what it would move, then for good."""
    form, enrollment, event = EventDateForm(), thing.enrollment, thing.event
    standing = queries.standing_of(enrollment)
    day = standing.basis.event(event.slug)

    def work(seen: str) -> Done:
        assert form.takes_place_on.data is not None
        dates.move_event(
            enrollment=enrollment,
            event=event,
            on=form.takes_place_on.data,
            reason=form.reason.data or "",
            seen=seen,
            by=actor(),
        )
        return Done(
            _("The dates have been moved, and the learner is told by mail."),
            url_for("training.change_dates", code=enrollment.code),
        )

    cohort_href = None
    if enrollment.cohort is not None:
        code, plan = enrollment.cohort.code, enrollment.version.plan.slug
        if allows(actor(), CHANGE_COHORT_DATES, queries.get_event_of_cohort(code, plan, event.slug)):
            cohort_href = url_for("training.event_of_cohort", code=code, plan=plan, slug=event.slug)
    return show_then_do(
        "training/dates_event.html",
        form,
        standing,
        moved=lambda now: dates.moved_by_event(standing=now, event=event, on=form.takes_place_on.data or day.on),
        asked=lambda: str(form.takes_place_on.data),
        work=work,
        cautions=lambda moves: [
            *about_event(event, form.takes_place_on.data or day.on, standing.calendar, standing.today),
            *about_due_before(enrollment.version, standing.starts_on, moves.days_of(standing), standing.settled),
        ],
        page=lambda now: {
            "can_move": can_move(now),
            "event": str(event.title),
            "on": format_date(now.basis.event(event.slug).on),
            "is_of_cohort": now.basis.event(event.slug).is_of_cohort,
            "cohort_href": cohort_href,
        },
    )


@blueprint.route("/cohorts/<code>/events/<plan>/<slug>", methods=["GET", "POST"])
@requires(CHANGE_COHORT_DATES, on=queries.get_event_of_cohort)
def event_of_cohort(thing: EventOfCohort) -> Response | tuple[str, int]:
    """Say when an event takes place for a cohort: first what it would move for whom, then for good."""
    form, cohort, event = EventOfCohortForm(), thing.cohort, thing.event
    now = queries.list_event_days(cohort, event.version.plan_id).get(event.slug)
    form.reason.flags.required = now is not None
    found: list[dict[str, Any]] | None = None
    disorder: list[str] = []
    sessions: list[dict[str, str]] = []
    cautions: list[str] = []
    unannounced = key = ""
    status = 200

    def work(seen: str) -> Done:
        assert form.takes_place_on.data is not None
        dates.set_event_of_cohort(
            cohort=cohort,
            event=event,
            on=form.takes_place_on.data,
            reason=form.reason.data or "",
            seen=seen,
            by=actor(),
        )
        said = (
            _(
                "The day of “%(event)s” has been set for the cohort, and the learners are told by mail.",
                event=event.title,
            )
            if now is not None
            else _("The day of “%(event)s” has been set for the cohort.", event=event.title)
        )
        return Done(
            said,
            url_for("reports.cohort", code=cohort.code),
        )

    if request.method == "POST":
        status = 400
        if form.validate() and form.takes_place_on.data is not None:
            try:
                seen, done = key_shown(request.form.get("seen", ""), str(form.takes_place_on.data)), 200
                if request.form.get("act") == CONFIRM and seen is not None:
                    try:
                        return carry_out(lambda: work(seen))
                    except MovesChanged as changed:
                        form.form_errors.append(str(changed))
                        done = changed.status
                by_learner = dates.moved_in_cohort(cohort=cohort, event=event, on=form.takes_place_on.data)
                key = dates.key_of_all(by_learner)
                found, disorder, sessions, unannounced = _moved_in_cohort(by_learner)
                cautions = about_event(
                    event,
                    form.takes_place_on.data,
                    working_calendar(cohort.market),
                    clock.today(cohort.market.time_zone),
                )
                status = done
            except DomainError as refused:
                form.form_errors.append(str(refused))
                status = refused.status
    apart = queries.count_apart_from(cohort, event)
    page = render_template(
        "training/event_of_cohort.html",
        form=form,
        moved=found,
        disorder=disorder,
        sessions=sessions,
        cautions=cautions,
        unannounced=unannounced,
        seen=shown(str(form.takes_place_on.data), key),
        limit=STATEMENT_LIMIT,
        event=str(event.title),
        plan=str(event.version.title),
        cohort=str(cohort.name),
        cohort_href=url_for("reports.cohort", code=cohort.code) if can(SEE_COHORT, cohort) else None,
        on=format_date(now.on) if now else None,
        followers=len(thing.learners),
        apart=ngettext(
            "%(num)d learner has a day of her own for it, which stays.",
            "%(num)d learners have days of their own for it, which stay.",
            apart,
        )
        if apart
        else "",
        can_move=True,
    )
    return page, status


def _moved_in_cohort(
    moved: Sequence[tuple[Standing, dates.Moves]],
) -> tuple[list[dict[str, Any]], list[str], list[dict[str, str]], str]:
    """Return which dates would move for whom, and for whom the days that are left would not suffice.

    And which steps would be due before one that comes first, each said once with how many it concerns; which booked
    sessions stay on their day, each once.
    And in which years the holidays may still change.
    """
    here = language()
    rows: list[dict[str, Any]] = []
    concerns: dict[tuple[str, str], int] = {}
    words: dict[tuple[str, str], str] = {}
    years: set[int] = set()
    staying: dict[str, dates.Stays] = {}
    for standing, moves in moved:
        name = standing.enrollment.person.name_in(here)
        told = feasibility_told(moves.feasibility, standing.enrollment.version)
        short = [each["text"] for each in told if not each["is_enough"]]
        years |= set(moves.unannounced)
        for each in moves.sessions:
            staying.setdefault(each.seat.code, each)
        tasks = catalogue.tasks_of(standing.steps)
        for pair, said in zip(moves.disorder, disorder_told(moves.disorder, tasks), strict=True):
            key = pair[0].slug, pair[1].slug
            concerns[key] = concerns.get(key, 0) + 1
            words.setdefault(key, said)
        rows += [
            each | {"learner": name, "short": short if number == 0 else []}
            for number, each in enumerate(effect_told(moves, standing))
        ]
    said_once = [
        ngettext("%(said)s (%(num)d learner)", "%(said)s (%(num)d learners)", count, said=words[key])
        for key, count in concerns.items()
    ]
    return rows, said_once, sessions_told(list(staying.values())), unannounced_told(sorted(years))

"""What those see who answer for learners: who they are, and what waits for their word."""

from __future__ import annotations

from collections.abc import Sequence

from flask import render_template, request, url_for
from werkzeug import Response

from portal.accounts.models import Person, Role
from portal.accounts.permissions import open_grants
from portal.calendars import service as calendars
from portal.calendars.permissions import SEE_LEAVE
from portal.calendars.queries import list_leave
from portal.core.access import actor, can, requires
from portal.core.errors import DomainError
from portal.core.i18n import format_date, language, ngettext
from portal.core.i18n import gettext as _
from portal.core.once import Done, carry_out
from portal.training import queries
from portal.training.forms import ExtensionForm, LeaveForm
from portal.training.models import Enrollment
from portal.training.permissions import CHANGE_DATES, SEE_ENROLLMENT, SEE_LEARNERS, StepOfEnrollment
from portal.training.queries import Standing
from portal.training.rules import StepState
from portal.training.service import dates
from portal.training.service.concerns import Cell, Concern
from portal.training.service.sign_offs import STATEMENT_LIMIT
from portal.training.views import blueprint
from portal.training.views.learner import Telling, number_of_day, status_of

# What the button says that does it for good.
CONFIRM = "confirm"
ROWS_AT_ONCE = 50
# Today names those who need it first; all of them have a page of their own.
NAMED_TODAY = 5


@blueprint.get("/learners")
@requires(SEE_LEARNERS)
def list_learners() -> str:
    """List everybody who follows a plan within one's reach, those with most overdue first."""
    found = queries.list_learners_for(actor())
    last = max(1, -(-len(found) // ROWS_AT_ONCE))
    page = min(max(1, request.args.get("page", 1, type=int)), last)
    shown = found[(page - 1) * ROWS_AT_ONCE : page * ROWS_AT_ONCE]
    here = language()
    return render_template(
        "training/learners.html",
        rows=[
            {
                "name": each.enrollment.person.name_in(here),
                "kana": each.enrollment.person.full_kana if here == "ja" else "",
                "href": url_for("training.path", code=each.enrollment.code),
                "plan": str(each.enrollment.version.title),
                "cohort": str(each.enrollment.cohort.name) if each.enrollment.cohort else "",
                "state": status_of(each),
                "overdue": each.progress.overdue,
                "done": each.progress.done,
                "total": each.progress.total,
                "day": number_of_day(each),
            }
            for each in shown
        ],
        pager={
            "summary": _(
                "%(first)s–%(last)s of %(total)s",
                first=(page - 1) * ROWS_AT_ONCE + 1,
                last=(page - 1) * ROWS_AT_ONCE + len(shown),
                total=len(found),
            ),
            "previous": url_for("training.list_learners", page=page - 1) if page > 1 else None,
            "next": url_for("training.list_learners", page=page + 1) if page < last else None,
        }
        if last > 1
        else None,
    )


# --- Dates -------------------------------------------------------------------------------------


@blueprint.route("/training/<code>/steps/<slug>/extension", methods=["GET", "POST"])
@requires(CHANGE_DATES, on=queries.get_step_of_enrollment, see=SEE_ENROLLMENT)
def extension(thing: StepOfEnrollment) -> Response | tuple[str, int]:
    """Give more time for a step: first what it would move, then for good."""
    form, enrollment, step = ExtensionForm(), thing.enrollment, thing.step
    moved: list[dates.Moved] | None = None
    status = 200
    standing = queries.standing_of(enrollment)
    if request.method == "POST":
        status = 400
        if form.validate():
            working_days, reason = int(form.working_days.data or 0), form.reason.data or ""

            def work() -> Done:
                dates.extend_step(
                    enrollment=enrollment, step=step, working_days=working_days, reason=reason, by=actor()
                )
                return Done(_("The date has been moved."), url_for("training.path", code=enrollment.code))

            try:
                if _is_confirmed(str(working_days)):
                    return carry_out(work)
                moved = dates.moved_by_extension(standing=standing, step=step, working_days=working_days)
                status = 200
            except DomainError as refused:
                form.form_errors.append(str(refused))
                status = refused.status
    telling = Telling([standing], actor())
    page = render_template(
        "training/extension.html",
        form=form,
        step=telling.of(standing, step),
        can_move=enrollment.is_open and standing.statuses[step.slug].state is not StepState.DONE,
        moved=_effect(moved, standing),
        seen=str(form.working_days.data or ""),
        limit=STATEMENT_LIMIT,
        **_whose(enrollment),
    )
    return page, status


@blueprint.route("/training/<code>/leave", methods=["GET", "POST"])
@requires(CHANGE_DATES, on=queries.get_enrollment, see=SEE_ENROLLMENT)
def leave(enrollment: Enrollment) -> Response | tuple[str, int]:
    """Record days on which the learner is away: first what they would move, then for good."""
    form = LeaveForm()
    moved: list[dates.Moved] | None = None
    status = 200
    standing = queries.standing_of(enrollment)
    if request.method == "POST":
        status = 400
        first_on, last_on = (form.first_on.data, form.last_on.data) if form.validate() else (None, None)
        if first_on is not None and last_on is not None:

            def work() -> Done:
                calendars.record_leave(person=enrollment.person, first_on=first_on, last_on=last_on, by=actor())
                return Done(_("The leave has been recorded."), url_for("training.leave", code=enrollment.code))

            try:
                moved = dates.moved_by_leave(standing=standing, first_on=first_on, last_on=last_on)
                if _is_confirmed(f"{first_on}/{last_on}"):
                    return carry_out(work)
                status = 200
            except DomainError as refused:
                form.form_errors.append(str(refused))
                moved, status = None, refused.status
    page = render_template(
        "training/leave.html",
        form=form,
        moved=_effect(moved, standing),
        seen=f"{form.first_on.data}/{form.last_on.data}",
        recorded=calendars.leave_in_words(enrollment.person_id),
        all_href=url_for("calendars.leave", code=enrollment.person.code) if can(SEE_LEAVE, enrollment.person) else None,
        withdraw_href=url_for("training.withdraw_leave", code=enrollment.code),
        **_whose(enrollment),
    )
    return page, status


@blueprint.post("/training/<code>/leave/withdrawal")
@requires(CHANGE_DATES, on=queries.get_enrollment, see=SEE_ENROLLMENT)
def withdraw_leave(enrollment: Enrollment) -> Response:
    """Take back a leave that was recorded by mistake."""
    form = LeaveForm()
    chosen = (form.first_on.data, form.last_on.data) if form.validate() else None

    def work() -> Done:
        here = url_for("training.leave", code=enrollment.code)
        for each in list_leave(enrollment.person_id):
            if (each.first_on, each.last_on) == chosen:
                calendars.withdraw_leave(leave=each, by=actor())
                return Done(_("The leave has been withdrawn."), here)
        return Done(_("This leave is not recorded any more. Nothing was changed."), here)

    return carry_out(work)


def _is_confirmed(asked: str) -> bool:
    """Say whether what is asked for is what was shown: a value changed since is shown first."""
    return request.form.get("act") == CONFIRM and request.form.get("seen") == asked


def _whose(enrollment: Enrollment) -> dict[str, str]:
    return {
        "learner": enrollment.person.name_in(language()),
        "plan": str(enrollment.version.title),
        "path_href": url_for("training.path", code=enrollment.code),
    }


def _effect(moved: Sequence[dates.Moved] | None, standing: Standing) -> list[dict[str, str]] | None:
    """Return which dates would move from when to when; None before that was asked."""
    if moved is None:
        return None
    tasks = queries.tasks_of([each.step for each in moved])
    return [
        {
            "step": str(tasks[each.step.id]),
            "before": format_date(each.before),
            "after": format_date(each.after),
            "state": "overdue" if each.after < standing.today else "",
        }
        for each in moved
    ]


# --- Today -------------------------------------------------------------------------------------


def supervised(person: Person) -> Sequence[Concern]:
    """Return what a lead or mentor has waiting for her, and for a mentor how her learners are."""
    if not open_grants(person, Role.LEAD, Role.MENTOR):
        return ()
    return (_sign_offs(person), *([_learners(person)] if open_grants(person, Role.MENTOR) else []))


def _sign_offs(person: Person) -> Concern:
    waiting = queries.list_waiting_for(person)
    tasks = queries.tasks_of([each.step for each in waiting[:NAMED_TODAY]])
    rows = [
        (
            Cell(
                str(tasks[each.step.id]),
                url_for("training.sign_off", code=each.standing.enrollment.code, slug=each.step.slug),
                each.standing.enrollment.person.name_in(language()),
            ),
            Cell(
                format_date(each.standing.due_on(each.step.slug), "short"),
                state="overdue" if each.standing.statuses[each.step.slug].is_late else None,
            ),
        )
        for each in waiting[:NAMED_TODAY]
    ]
    return Concern(
        title=_("Waiting for a sign-off"),
        columns=(_("Step"), _("Due")),
        rows=rows,
        nothing=_("Nothing waits for a sign-off"),
        kinds=("text", "nowrap"),
        more=(
            ngettext("All %(num)d sign-offs", "All %(num)d sign-offs", len(waiting)),
            url_for("training.list_sign_offs"),
        )
        if waiting
        else None,
    )


def _learners(person: Person) -> Concern:
    found = queries.list_learners_for(person)
    return Concern(
        title=_("Learners"),
        columns=(_("Learner"), _("State"), _("Required steps done")),
        rows=[(_who(each), _how(each), _how_far(each)) for each in found[:NAMED_TODAY]],
        nothing=_("Nobody within reach follows a plan at the moment"),
        kinds=("text", "text", "number"),
        more=(ngettext("All %(num)d learners", "All %(num)d learners", len(found)), url_for("training.list_learners"))
        if found
        else None,
    )


def _who(each: Standing) -> Cell:
    person = each.enrollment.person
    return Cell(
        person.name_in(language()),
        url_for("training.path", code=each.enrollment.code),
        str(each.enrollment.version.title),
    )


def _how(each: Standing) -> Cell:
    late = each.progress.overdue
    said = ngettext("%(num)d step overdue", "%(num)d steps overdue", late) if late else ""
    return Cell(said, state=status_of(each))


def _how_far(each: Standing) -> Cell:
    return Cell(f"{each.progress.done} / {each.progress.total}")

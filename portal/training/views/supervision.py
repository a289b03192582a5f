"""What those see who answer for learners: who they are, and what waits for their word."""

from __future__ import annotations

from collections.abc import Sequence

from flask import render_template, request, url_for

from portal.accounts.models import Person, Role
from portal.accounts.permissions import open_grants
from portal.core.access import actor, requires
from portal.core.i18n import format_date, language, ngettext
from portal.core.i18n import gettext as _
from portal.training.permissions import SEE_LEARNERS
from portal.training.queries import Standing, catalogue, signing
from portal.training.service.concerns import Cell, Concern
from portal.training.views import blueprint
from portal.training.views.learner import number_of_day, status_of, what_to_do, where_to_do

# What the button says that does it for good.
CONFIRM = "confirm"
ROWS_AT_ONCE = 50
# Today names those who need it first; all of them have a page of their own.
NAMED_TODAY = 5


@blueprint.get("/learners")
@requires(SEE_LEARNERS)
def list_learners() -> str:
    """List everybody who follows a plan within one's reach, those with most overdue first."""
    found = signing.list_learners_for(actor())
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


# --- Today -------------------------------------------------------------------------------------


def supervised(person: Person) -> Sequence[Concern]:
    """Return what a lead or mentor has waiting for her, and for a mentor how her learners are."""
    if not open_grants(person, Role.LEAD, Role.MENTOR):
        return ()
    return (_sign_offs(person), *([_learners(person)] if open_grants(person, Role.MENTOR) else []))


def _sign_offs(person: Person) -> Concern:
    waiting = signing.list_waiting_for(person)
    tasks = catalogue.tasks_of([each.step for each in waiting[:NAMED_TODAY]])
    rows = [
        (
            Cell(
                str(tasks[each.step.id]),
                where_to_do(each),
                " · ".join((each.standing.enrollment.person.name_in(language()), what_to_do(each))),
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
        comes_first=True,
    )


def _learners(person: Person) -> Concern:
    found = signing.list_learners_for(person)
    # Some follow several plans.
    people = len({each.enrollment.person_id for each in found})
    return Concern(
        title=_("Learners"),
        columns=(_("Learner"), _("State"), _("Required steps done")),
        rows=[(_who(each), _how(each), _how_far(each)) for each in found[:NAMED_TODAY]],
        nothing=_("Nobody within reach follows a plan at the moment"),
        kinds=("text", "text", "number"),
        more=(ngettext("All %(num)d learners", "All %(num)d learners", people), url_for("training.list_learners"))
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

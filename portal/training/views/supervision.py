"""What those see who answer for learners: who they are, and what waits for their word."""

from __future__ import annotations

from collections.abc import Sequence

from flask import render_template, url_for

from portal.accounts.models import Person, Role
from portal.accounts.permissions import open_grants
from portal.core.access import actor, requires
from portal.core.i18n import format_date, language, ngettext
from portal.core.i18n import gettext as _
from portal.core.paging import paging
from portal.training.permissions import SEE_LEARNERS
from portal.training.queries import Standing, Uncountable, catalogue, signing
from portal.training.queries.many import LookedAfter
from portal.training.service.concerns import Cell, Concern
from portal.training.views import blueprint
from portal.training.views.learner import number_of_day, status_of, uncountable_rows, what_to_do, where_to_do

# What the button says that does it for good.
CONFIRM = "confirm"
ROWS_AT_ONCE = 50
# Today names those who need it first; all of them have a page of their own.
NAMED_TODAY = 5


@blueprint.get("/learners")
@requires(SEE_LEARNERS)
def list_learners() -> str:
    """List everybody who follows a plan within one's reach, those with most overdue first."""
    everybody = signing.looked_after(actor())
    page = paging(everybody.countable, ROWS_AT_ONCE)
    shown = everybody.learners(offset=page.offset, limit=page.size)
    here = language()
    return render_template(
        "training/learners.html",
        uncountable=uncountable_rows(shown.unknown) if page.number == 1 else [],
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
            for each in shown.rows
        ],
        pager=page.links(lambda number: url_for("training.list_learners", page=number if number > 1 else None))
        if page.last > 1
        else None,
    )


# --- Today -------------------------------------------------------------------------------------


def supervised(person: Person) -> Sequence[Concern]:
    """Return what a lead or mentor has waiting for her, and for a mentor how her learners are."""
    if not open_grants(person, Role.LEAD, Role.MENTOR):
        return ()
    everybody = signing.looked_after(person)
    if not open_grants(person, Role.MENTOR):
        return (_sign_offs(person, everybody),)
    return (_sign_offs(person, everybody), _learners(everybody.mentored_by(person), everybody.count_people()))


def _sign_offs(person: Person, everybody: LookedAfter) -> Concern:
    waiting = everybody.waiting_for(person, limit=NAMED_TODAY)
    tasks = catalogue.tasks_of([each.step for each in waiting.rows])
    rows = [
        (
            Cell(
                str(tasks[each.step.id]),
                where_to_do(each),
                " · ".join((each.standing.enrollment.person.name_in(language()), what_to_do(each))),
            ),
            Cell(
                format_date(each.standing.asked_by(each.step.slug), "short"),
                state="overdue" if each.standing.statuses[each.step.slug].is_late else None,
            ),
        )
        for each in waiting.rows
    ]
    return Concern(
        title=_("Waiting for a sign-off"),
        columns=(_("Step"), _("Due")),
        rows=rows,
        nothing=_("Nothing waits for a sign-off"),
        kinds=("text", "nowrap"),
        note=_left_out(waiting.unknown),
        more=(
            ngettext("All %(num)d sign-off", "All %(num)d sign-offs", waiting.total),
            url_for("training.list_sign_offs"),
        )
        if waiting.rows or waiting.unknown
        else None,
        comes_first=True,
    )


def _learners(own: LookedAfter, within_reach: int) -> Concern:
    found, people = own.learners(limit=NAMED_TODAY), own.count_people()
    if people == within_reach:
        more = ngettext("All %(num)d learner", "All %(num)d learners", people)
    else:
        # The list has those of other mentors, too.
        more = ngettext("All %(num)d learner within reach", "All %(num)d learners within reach", within_reach)
    return Concern(
        title=_("Learners"),
        columns=(_("Learner"), _("State"), _("Required steps done")),
        rows=[(_who(each), _how(each), _how_far(each)) for each in found.rows],
        nothing=_("Nobody within reach follows a plan at the moment"),
        kinds=("text", "text", "number"),
        note=_left_out(found.unknown),
        more=(more, url_for("training.list_learners")) if within_reach else None,
    )


def _left_out(unknown: Sequence[Uncountable]) -> str:
    """Name those of whom a part of Today says nothing; "" where that is nobody."""
    names = dict.fromkeys(each.enrollment.person.name_in(language()) for each in unknown)
    if not names:
        return ""
    return _("Not among them, because their dates cannot be computed: %(names)s", names=_(", ").join(names))


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

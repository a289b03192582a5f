"""What stands behind a number of a cohort's pages: its people, by name, counted by the same rule."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from flask import render_template, request, url_for

from portal.cohorts import queries as cohorts
from portal.cohorts.models import Cohort
from portal.cohorts.permissions import SEE_COHORT
from portal.core.access import actor, requires
from portal.core.clock import local_date
from portal.core.errors import NotFound
from portal.core.i18n import format_date, format_instant, language
from portal.core.i18n import gettext as _
from portal.library import queries as library
from portal.reports.formats.words import day_words, forecast, period_words, quiz_titles
from portal.reports.queries import Following, follow
from portal.reports.queries.lead import Check, ClauseFigure, clause_figures, clause_titles, morning
from portal.reports.queries.weekly import Changes, changes_of, people_of
from portal.reports.rules import LONGEST_TOLD_DAYS, Week, week_before
from portal.reports.views import blueprint, lead
from portal.reports.views.asked import refuse_another_plan
from portal.training.queries.catalogue import task_of


@dataclass(frozen=True, slots=True)
class Behind:
    """A number with what was counted: the person of each line (her row number), and what is to be said of it."""

    label: str
    formula: str
    lines: Sequence[tuple[int, str]]
    # What the second column says; empty: there is none.
    column: str = ""
    # Whether somebody may stand in several lines.
    is_of_acts: bool = False


@dataclass(frozen=True, slots=True)
class _Asked:
    """The cohort that is asked about, and how its names and days are written."""

    cohort: Cohort
    following: Following
    steps: Mapping[str, str]
    quizzes: Mapping[str, str]
    this_year: int

    def day(self, on: date) -> str:
        """Write a day for a line."""
        return day_words(on, language(), self.this_year)

    def joined(self, parts: Sequence[str]) -> str:
        """Put names side by side."""
        return ("、" if language() == "ja" else ", ").join(parts)


@blueprint.get("/cohorts/<code>/numbers/<name>")
@requires(SEE_COHORT, on=cohorts.get_cohort)
def cohort_number(found: Cohort, name: str) -> str:
    """List what a number of the cohort's page, of its clauses or of its weekly report counts."""
    following = follow(found, request.args.get("plan"))
    plan = following.plan
    refuse_another_plan(plan.slug if plan else None)
    if plan is None or name not in _NUMBERS:
        raise NotFound()
    steps = {each.slug: str(task_of(each.kind, each.title)) for each in following.columns}
    asked = _Asked(found, following, steps, quiz_titles(following), following.as_of.year)
    behind = _NUMBERS[name](asked)
    codes = {each.person_id: each.code for each in following.people}
    ids = {person_id for person_id, _said in behind.lines}
    people = {**people_of(ids - following.persons.keys()), **following.persons}
    here = language()
    # By name, and of each person in the order in which it was: nobody is ranked.
    lines = sorted(
        (line for line in behind.lines if line[0] in people), key=lambda line: (people[line[0]].sort_key, line[0])
    )
    return render_template(
        "reports/number.html",
        behind=behind,
        count=len(lines),
        cohort={"name": str(found.name), "href": url_for("reports.cohort", code=found.code, plan=plan.slug)},
        plan=str(plan.title),
        as_of=format_instant(following.as_of, found.market.time_zone),
        rows=[
            {
                "name": people[person_id].name_in(here),
                "kana": people[person_id].full_kana if here == "ja" else "",
                "href": url_for("training.path", code=codes[person_id]) if person_id in codes else None,
                "said": said,
            }
            for person_id, said in lines
        ],
    )


def _on_track(asked: _Asked) -> Behind:
    people = [
        (each, each.standing.progress)
        for each in asked.following.people
        if each.standing is not None and each.standing.progress.expected
    ]
    done, due = sum(each.done_of_expected for _who, each in people), sum(each.expected for _who, each in people)
    return Behind(
        _("On track: %(done)s of %(due)s steps due before today are done", done=done, due=due),
        _(
            "Everybody of whom a required step was due before today in her own calendar, with how many of them are "
            "done. Together they are the number of the cohort."
        ),
        [
            (who.person_id, _("%(done)s of %(due)s", done=each.done_of_expected, due=each.expected))
            for who, each in people
        ],
        _("Due steps that are done"),
    )


def _each(people: Collection[int]) -> list[tuple[int, str]]:
    return [(person_id, "") for person_id in people]


# --- Of the cohort's page ----------------------------------------------------------------------


def _check(asked: _Asked) -> Check:
    """Return the first tries at the quiz that the address names. Raises `NotFound`."""
    checks = morning(asked.following, viewer_id=actor().id).checks
    found = next((each for each in checks if each.slug == request.args.get("quiz")), None)
    if found is None:
        raise NotFound()
    return found


def _first_tried(asked: _Asked) -> Behind:
    check = _check(asked)
    return Behind(
        _("%(quiz)s: first tries with a result", quiz=asked.quizzes.get(check.slug, check.slug)),
        _("People whose first attempt since their enrollment has a released result; the newest marking counts."),
        [(each, _("Passed") if each in check.passed else _("Not passed")) for each in check.tried],
        _("Result"),
    )


def _first_passed(asked: _Asked) -> Behind:
    check = _check(asked)
    return Behind(
        _("%(quiz)s: passed at the first try", quiz=asked.quizzes.get(check.slug, check.slug)),
        _("People whose first attempt since their enrollment has a released result that passed."),
        _each(check.passed),
    )


def _attempts_today(asked: _Asked) -> Behind:
    seen = morning(asked.following, viewer_id=actor().id)
    told = lead.sittings(asked.following, seen, None)
    return Behind(
        _("Attempts today"),
        _("Attempts at quizzes begun or handed in today, in each person's time zone; void ones are left out."),
        [
            (sitting.person_id, _("%(what)s, began %(when)s", what=each["quiz"], when=each["began"]))
            for sitting, each in zip(seen.sittings, told, strict=True)
        ],
        _("Attempt"),
        is_of_acts=True,
    )


def _foreseen(asked: _Asked) -> Behind:
    seen = morning(asked.following, viewer_id=actor().id)
    if seen.forecast is None:
        # Below so many people a forecast is a guess about persons.
        raise NotFound()
    today = local_date(asked.following.as_of, asked.cohort.market.time_zone)
    method = forecast(seen, len(asked.following.people), today)["method"]
    lines = [(person_id, asked.day(on)) for person_id, on in seen.foreseen.items()]
    return Behind(_("People in the forecast"), method, lines, _("Foreseen for"))


# --- Of clauses --------------------------------------------------------------------------------


def _clause(asked: _Asked) -> tuple[ClauseFigure, str]:
    """Return the figures of the clause that the address names, and its heading with its document's title.

    Raises `NotFound`, also where too few people were asked.
    """
    named = request.args.get("document", ""), request.args.get("clause", "")
    figures = clause_figures(asked.following, viewer_id=actor().id)
    found = next((each for each in figures if (each.document, each.anchor) == named), None)
    if found is None:
        raise NotFound()
    title = clause_titles({named}).get(named)
    heading = str(title) if title is not None and str(title) else f"#{found.anchor}"
    document = library.list_document_titles({found.document}, language()).get(found.document, found.document)
    return found, _("%(title)s (%(document)s)", title=heading, document=document)


def _clause_missed(asked: _Asked) -> Behind:
    figure, clause = _clause(asked)
    return Behind(
        _("%(clause)s: missed", clause=clause),
        _(
            "People who did not earn all points of some question that tests the clause, in their first attempt at a "
            "quiz of this plan."
        ),
        _each([person_id for person_id, missed in figure.people.items() if missed]),
    )


def _clause_asked(asked: _Asked) -> Behind:
    figure, clause = _clause(asked)
    return Behind(
        _("%(clause)s: asked about it", clause=clause),
        _(
            "People whose first attempt at a quiz of this plan, with a released result, had a question about the "
            "clause."
        ),
        [(each, _("Missed") if missed else _("Not missed")) for each, missed in figure.people.items()],
        _("Result"),
    )


# --- Of the weekly report ----------------------------------------------------------------------


def _changes(asked: _Asked) -> Changes:
    """Return what changed in the days that the address names, else in the seven before today. Raises `NotFound`."""
    week = week_before(local_date(asked.following.as_of, asked.cohort.market.time_zone))
    first, last = request.args.get("first"), request.args.get("last")
    if first is not None or last is not None:
        try:
            week = Week(date.fromisoformat(first or ""), date.fromisoformat(last or ""))
        except ValueError:
            raise NotFound() from None
        is_in_reach = date.min.year < week.first.year and week.last.year < date.max.year
        if not is_in_reach or not 0 <= (week.last - week.first).days < LONGEST_TOLD_DAYS:
            raise NotFound()
    return changes_of(asked.cohort, asked.following, week, viewer_id=actor().id)


def _in_week(label: str, changes: Changes) -> str:
    days = period_words(format_date(changes.week.first, "short"), format_date(changes.week.last, "short"))
    return _("%(what)s: %(week)s", what=label, week=days)


def _week_completed(asked: _Asked) -> Behind:
    changes = _changes(asked)
    said = _("People who did their last required step in these days, each in her own zone.")
    return Behind(_in_week(_("Completed the plan"), changes), said, _each(changes.completed))


def _week_passed(asked: _Asked) -> Behind:
    changes = _changes(asked)
    return Behind(
        _in_week(_("Passed a check"), changes),
        _("People who passed a quiz of the plan for the first time since their enrollment in these days."),
        [
            (each, asked.joined([asked.quizzes.get(quiz, quiz) for quiz in quizzes]))
            for each, quizzes in changes.passed.items()
        ],
        _("Knowledge check"),
    )


def _week_overdue(asked: _Asked) -> Behind:
    changes = _changes(asked)
    return Behind(
        _in_week(_("Became overdue and still are"), changes),
        _("People with a required step whose due date passed in these days and that is not done yet."),
        [
            (each, asked.joined([asked.steps.get(slug, slug) for slug in slugs]))
            for each, slugs in changes.became_overdue.items()
        ],
        _("Step"),
    )


def _week_joined(asked: _Asked) -> Behind:
    changes = _changes(asked)
    said = _("People who joined the cohort in these days, in the market's zone, whether they follow the plan or not.")
    return Behind(_in_week(_("Joined the cohort"), changes), said, _each(changes.joined))


def _week_left(asked: _Asked) -> Behind:
    changes = _changes(asked)
    said = _("People who left the cohort in these days, in the market's zone.")
    return Behind(_in_week(_("Left the cohort"), changes), said, _each(changes.left))


def _week_steps(asked: _Asked) -> Behind:
    changes = _changes(asked)
    return Behind(
        _in_week(_("Required steps done"), changes),
        _("Required steps that were done in these days, each in the person's own zone."),
        [
            (each, _("%(name)s (%(what)s)", name=asked.steps.get(slug, slug), what=asked.day(on)))
            for each, steps in changes.done.items()
            for slug, on in steps
        ],
        _("Step"),
        is_of_acts=True,
    )


def _due(asked: _Asked) -> Behind:
    changes, step = _changes(asked), request.args.get("step")
    found = next((each for each in changes.due_next if each.step == step), None)
    if found is None:
        raise NotFound()
    people = [each for each in asked.following.people if each.person_id in found.people]
    return Behind(
        _("Due in the next seven days: %(step)s", step=asked.steps.get(found.step, found.step)),
        _("People who have not done this required step and for whom it falls due from today on within seven days."),
        [(each.person_id, asked.day(each.asked_by(found.step))) for each in people],
        _("Due on"),
    )


_NUMBERS: Mapping[str, Callable[[_Asked], Behind]] = {
    "attempts-today": _attempts_today,
    "clause-asked": _clause_asked,
    "clause-missed": _clause_missed,
    "due": _due,
    "first-passed": _first_passed,
    "first-tried": _first_tried,
    "foreseen": _foreseen,
    "on-track": _on_track,
    "week-completed": _week_completed,
    "week-joined": _week_joined,
    "week-left": _week_left,
    "week-overdue": _week_overdue,
    "week-passed": _week_passed,
    "week-steps": _week_steps,
}

"""Another version of a plan, for one learner or for those of a cohort: what becomes of each step is shown first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from flask import render_template, request, url_for
from werkzeug import Response

from portal.calendars.service.told import unannounced_told, uncountable_told
from portal.cohorts.permissions import SEE_COHORT
from portal.core.access import actor, allows, can, requires
from portal.core.i18n import LazyText, format_date, language, ngettext, pgettext
from portal.core.i18n import gettext as _
from portal.core.i18n import lazy_gettext as _l
from portal.core.once import Done
from portal.training import queries
from portal.training.errors import NoSuchVersion
from portal.training.forms import EventField, VersionForm, event_field_name, with_events
from portal.training.models import Enrollment, PlanVersion
from portal.training.permissions import CHANGE_DATES, SEE_ENROLLMENT, SWAP_COHORT, PlanOfCohort
from portal.training.queries import Uncountable, catalogue, swaps
from portal.training.rules import STATEMENT_LIMIT, Difference, Fate
from portal.training.service import swaps as service
from portal.training.service.swaps import StepFate, Swap
from portal.training.views import blueprint
from portal.training.views.explaining import feasibility_told
from portal.training.views.learner import uncountable_rows
from portal.training.views.shown_first import confirmed_or_judged

# Of more people who stay, what is said afterwards names only the first: the page of the cohort names all.
MOST_NAMED = 10
# State and word of each fate; what is to be done again is told as such.
_FATES: Mapping[Fate, tuple[str, LazyText]] = {
    Fate.DONE: ("done", _l("Stays done")),
    Fate.COUNTS: ("done", _l("Done already, counts")),
    Fate.EXEMPT: ("exempt", _l("Stays exempt")),
    Fate.KEPT: ("ahead", _l("Stays to be done")),
    Fate.CHANGED: ("soon", _l("Asks for something else")),
    Fate.NEW: ("info", _l("New step")),
    Fate.DROPPED: ("withdrawn", _l("Not asked for any more")),
}
_AGAIN = ("warning", _l("To be done again"))
_WHY: Mapping[Difference, LazyText] = {
    Difference.KIND: _l("It is a step of another kind."),
    Difference.DOCUMENT: _l("It is about another document."),
    Difference.QUIZ: _l("It is another quiz."),
    Difference.DOER: _l("Somebody else completes it."),
    Difference.GATE: _l("The gate asks for something else."),
    Difference.EVIDENCE: _l("Something else is to be handed in."),
}


@blueprint.route("/training/<code>/version", methods=["GET", "POST"])
@requires(CHANGE_DATES, on=queries.get_enrollment, see=SEE_ENROLLMENT)
def version(enrollment: Enrollment) -> Response | tuple[str, int]:
    """Let a learner go on in another version of her plan: first what becomes of each step, then for good."""
    standing = queries.standing_of(enrollment)
    others = [each for each in swaps.list_versions(enrollment.plan_id) if each.id != enrollment.plan_version_id]
    form = _form(others, set(dict(standing.basis.events)))

    def work() -> Done:
        target = _chosen(form, others)
        new = service.swap_version(
            enrollment=enrollment,
            version=target,
            reason=form.reason.data or "",
            events=_days(form, target),
            seen=request.form.get("seen", ""),
            by=actor(),
        )
        said = _("The plan goes on in version %(number)s.", number=target.number)
        return Done(said, url_for("training.path", code=new.code))

    answer, found, status = confirmed_or_judged(form, work, lambda: _judged(form, others, enrollment))
    if answer is not None:
        return answer
    page = render_template(
        "training/version.html",
        form=form,
        can_swap=enrollment.is_open and bool(others),
        number=enrollment.version.number,
        events=_event_fields(form, others),
        swap=_told(found, _tasks_in([found])) if found is not None else None,
        unannounced=_unannounced([found] if found is not None else []),
        seen=found.key if found is not None else "",
        limit=STATEMENT_LIMIT,
        learner=enrollment.person.name_in(language()),
        plan=str(enrollment.version.title),
        path_href=url_for("training.path", code=enrollment.code),
        dates_href=url_for("training.change_dates", code=enrollment.code),
    )
    return page, status


def _judged(form: VersionForm, others: Sequence[PlanVersion], enrollment: Enrollment) -> Swap:
    """Return what would come of it as things stand now. Raises why it cannot be."""
    target = _chosen(form, others)
    standing = queries.standing_of(queries.get_enrollment(enrollment.code))
    return service.judge(standings=[standing], version=target, events=_days(form, target))[0]


@blueprint.route("/cohorts/<code>/plans/<plan>/version", methods=["GET", "POST"])
@requires(SWAP_COHORT, on=swaps.get_plan_of_cohort)
def version_of_cohort(thing: PlanOfCohort) -> Response | tuple[str, int]:
    """Let those of a cohort go on in another version of their plan: first what it means for each, then for good."""
    cohort = thing.cohort
    others = swaps.list_versions(thing.plan.id)
    known = set(queries.list_event_days(cohort, thing.plan.id))
    form = _form(others, known)

    def work() -> Done:
        target = _chosen(form, others)
        done, left_out = service.swap_cohort(
            enrollments=_movable(thing, target),
            cohort=cohort,
            version=target,
            reason=form.reason.data or "",
            events=_days(form, target),
            seen=request.form.get("seen", ""),
            by=actor(),
        )
        said = ngettext(
            "%(num)d learner goes on in version %(number)s.",
            "%(num)d learners go on in version %(number)s.",
            len(done),
            number=target.number,
        )
        said = " ".join([said, *_left_out_told(left_out)])
        return Done(said, url_for("reports.cohort", code=cohort.code, plan=thing.plan.slug))

    def judge() -> tuple[list[Swap], list[Uncountable]]:
        target = _chosen(form, others)
        return service.judge_countable(enrollments=_movable(thing, target), version=target, events=_days(form, target))

    answer, judged, status = confirmed_or_judged(form, work, judge)
    if answer is not None:
        return answer
    found, left_out = judged if judged is not None else (None, [])
    following = swaps.list_in_cohort(cohort, thing.plan.id)
    page = render_template(
        "training/version_of_cohort.html",
        form=form,
        can_swap=len(others) > 1 and any(each.is_open for each in following),
        events=_event_fields(form, others),
        people=_people(found) if found is not None else None,
        uncountable=[row | {"plan": ""} for row in uncountable_rows(left_out)],
        stay=_who_stay(following, found, left_out, form.plan.data),
        standing=_by_version(following),
        unannounced=_unannounced(found or []),
        seen=service.key_of(found, left_out) if found else "",
        limit=STATEMENT_LIMIT,
        cohort=str(cohort.name),
        plan=str(others[0].title) if others else thing.plan.slug,
        cohort_href=url_for("reports.cohort", code=cohort.code, plan=thing.plan.slug)
        if can(SEE_COHORT, cohort)
        else None,
    )
    return page, status


def _movable(thing: PlanOfCohort, target: PlanVersion) -> list[Enrollment]:
    """Return who goes on in another version than the one she has: nobody who is through, nor whoever does it."""
    return [
        each
        for each in swaps.list_in_cohort(thing.cohort, thing.plan.id)
        if each.is_open
        and each.plan_version_id != target.id
        and each.person.is_active
        and allows(actor(), CHANGE_DATES, each)
    ]


def _form(versions: Sequence[PlanVersion], known: set[str]) -> VersionForm:
    """Return the form with the versions that can be chosen, and a field for each event of which no day is known."""
    fields: dict[str, EventField] = {}
    for each in reversed(versions):
        for event in each.events:
            if event.slug not in known:
                having = [one.number for one in versions if any(other.slug == event.slug for other in one.events)]
                fields[event_field_name("plan", event.slug)] = EventField(str(event.title), versions=having)
    form = with_events(VersionForm, fields)()
    form.plan.choices = [
        (
            each.number,
            str(_("Version %(number)s (the latest)", number=each.number))
            if number == 0
            else str(_("Version %(number)s", number=each.number)),
        )
        for number, each in enumerate(versions)
    ]
    return form


def _event_fields(form: VersionForm, versions: Sequence[PlanVersion]) -> list[dict[str, str]]:
    titles = {event_field_name("plan", event.slug): each.number for each in versions for event in each.events}
    return [
        {"name": name, "help": str(_("Only for versions that have this event: %(numbers)s", numbers=", ".join(having)))}
        for name, field in form._fields.items()
        if name in titles
        for having in [[each.number for each in versions if each.number in field.versions]]
    ]


def _chosen(form: VersionForm, versions: Sequence[PlanVersion]) -> PlanVersion:
    for each in versions:
        if each.number == form.plan.data:
            return each
    raise NoSuchVersion()


def _days(form: VersionForm, target: PlanVersion) -> dict[str, date]:
    """Return the days that were given for events of the chosen version."""
    days = {}
    for event in target.events:
        field = form._fields.get(event_field_name("plan", event.slug))
        if field is not None and field.data is not None:
            days[event.slug] = field.data
    return days


# --- Telling -----------------------------------------------------------------------------------


def _tasks_in(found: Sequence[Swap]) -> Mapping[int, LazyText]:
    return catalogue.tasks_of({each.step.id: each.step for swap in found for each in swap.steps}.values())


def _told(swap: Swap, tasks: Mapping[int, LazyText]) -> dict[str, Any]:
    """Return in words what a swap means for one learner: its counts, and what becomes of each step."""
    today = swap.standing.today
    return {
        "counts": _counts(swap),
        "completes": swap.completes,
        "rows": [_row(each, str(tasks[each.step.id]), today) for each in swap.steps],
        "feasibility": [] if swap.completes else feasibility_told(swap.feasibility, swap.version),
    }


def _unannounced(found: Sequence[Swap]) -> str:
    """Say in which years the holidays may still move the new dates."""
    years: set[int] = set()
    for swap in found:
        years.update(swap.standing.calendar.provisional_years(each.after for each in swap.steps if each.after))
    return unannounced_told(sorted(years))


def _row(each: StepFate, title: str, today: date) -> dict[str, Any]:
    state, word = _AGAIN if each.is_to_be_done_again else _FATES[each.fate]
    notes = [str(_WHY[difference]) for difference in each.why]
    if each.fate is Fate.DROPPED and each.was_done:
        notes.append(str(_("It is done; that stays recorded in the version before.")))
    return {
        "step": title,
        "state": state,
        "word": str(word),
        "notes": notes,
        "before": format_date(each.before) if each.before else "–",
        "after": format_date(each.after) if each.after else "–",
        # What is done or exempt keeps what it had; nothing is due there any more.
        "moves": each.moves or each.fate in (Fate.NEW, Fate.DROPPED),
        "is_late": each.after is not None and each.after < today,
        "is_optional": not each.step.required,
    }


def _counts(swap: Swap) -> list[str]:
    """Say how many steps meet which fate; nothing of those that none does."""
    again = [each for each in swap.steps if each.is_to_be_done_again]
    changed = [each for each in swap.of(Fate.CHANGED) if not each.is_to_be_done_again]
    done, exempt = len(swap.of(Fate.DONE, Fate.COUNTS)), len(swap.of(Fate.EXEMPT))
    new, dropped, moved = len(swap.of(Fate.NEW)), len(swap.of(Fate.DROPPED)), len(swap.moved)
    told = [
        (done, ngettext("%(num)d step stays done", "%(num)d steps stay done", done)),
        (exempt, ngettext("%(num)d stays exempt", "%(num)d stay exempt", exempt)),
        (len(again), ngettext("%(num)d to be done again", "%(num)d to be done again", len(again))),
        (len(changed), ngettext("%(num)d asks for something else", "%(num)d ask for something else", len(changed))),
        (new, ngettext("%(num)d new step", "%(num)d new steps", new)),
        (dropped, ngettext("%(num)d step dropped", "%(num)d steps dropped", dropped)),
        (moved, ngettext("%(num)d date moves", "%(num)d dates move", moved)),
    ]
    found = [said for number, said in told if number]
    return found or [str(_("Nothing is another thing for the steps."))]


def _left_out_told(left_out: Sequence[Uncountable]) -> list[str]:
    """Say who stays because the dates cannot be computed, and why, which is said once for all of them."""
    here, names = language(), defaultdict[str, list[str]](list)
    for each in left_out:
        names[uncountable_told(each.country, each.year)].append(each.enrollment.person.name_in(here))
    told = []
    for why, people in names.items():
        listed = pgettext("list", ", ").join(people[:MOST_NAMED])
        stays = ngettext(
            "%(num)d learner stays where she is: %(names)s.",
            "%(num)d learners stay where they are: %(names)s.",
            len(people),
            names=f"{listed} …" if len(people) > MOST_NAMED else listed,
        )
        told += [stays, why]
    return told


def _people(found: Sequence[Swap]) -> list[dict[str, Any]]:
    here, tasks = language(), _tasks_in(found)
    return [
        {
            "name": each.standing.enrollment.person.name_in(here),
            "number": each.standing.enrollment.version.number,
            "is_short": any(not one.is_enough for one in each.feasibility) and not each.completes,
        }
        | _told(each, tasks)
        for each in found
    ]


def _by_version(following: Sequence[Enrollment]) -> list[str]:
    """Say how many follow which version, and how many are through."""
    numbers: dict[str, int] = {}
    for each in following:
        if each.is_open:
            numbers[each.version.number] = numbers.get(each.version.number, 0) + 1
    return [
        ngettext(
            "%(num)d learner is in version %(number)s",
            "%(num)d learners are in version %(number)s",
            count,
            number=number,
        )
        for number, count in sorted(numbers.items())
    ]


def _who_stay(
    following: Sequence[Enrollment],
    found: Sequence[Swap] | None,
    left_out: Sequence[Uncountable],
    number: str | None,
) -> list[dict[str, str]]:
    """Say who stays where she is, and why; whose dates cannot be computed is told apart."""
    if found is None:
        return []
    here, told = language(), {each.standing.enrollment.id for each in found}
    told |= {each.enrollment.id for each in left_out}
    rows = []
    for each in following:
        if each.id in told:
            continue
        if each.completed_at is not None:
            why = _("Has completed version %(number)s and stays in it.", number=each.version.number)
        elif each.version.number == number:
            why = _("Is in this version already.")
        elif not each.person.is_active:
            why = _("The account is closed.")
        else:
            why = _("Somebody else has to decide on this training.")
        rows.append({"name": each.person.name_in(here), "why": str(why)})
    return rows

"""A lead puts a cohort together: one page of wishes, a preview with every date, then it is created; and taken back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any

from flask import jsonify, redirect, render_template, request, url_for
from werkzeug import Response
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # the stubs do not know it yet

from portal.accounts.models import Person
from portal.calendars.rules import WorkingCalendar, YearNotInTable
from portal.calendars.service.told import day_told, days_told, why_off
from portal.cohorts import queries as cohorts
from portal.cohorts.errors import CohortWithdrawn
from portal.cohorts.models import Cohort
from portal.cohorts.permissions import SEE_COHORT
from portal.core import clock, jobs, tables
from portal.core.access import actor, requires
from portal.core.errors import DomainError
from portal.core.i18n import format_date, format_minutes, format_percent, language, ngettext, pgettext
from portal.core.i18n import gettext as _
from portal.core.i18n import lazy_gettext as _l
from portal.core.once import Done, carry_out
from portal.core.paging import page_number, paging
from portal.core.transaction import transaction
from portal.training import queries
from portal.training.errors import PreviewChanged
from portal.training.forms import CohortForm, EventField, JoinForm, WithdrawalForm, event_field_name, with_events
from portal.training.models import CohortDraft, PlanStep, PlanVersion
from portal.training.permissions import ADD_LEARNERS, CONTINUE_DRAFT, CREATE_COHORTS
from portal.training.queries import catalogue, cohort_drafts
from portal.training.rules import (
    EARLY_DAYS,
    INVITED_DAYS_BEFORE,
    MOST_PEOPLE,
    MOST_PEOPLE_AT_ONCE,
    STATEMENT_LIMIT,
    DayLoad,
    share_early,
)
from portal.training.service import founding, taking_in
from portal.training.service.founding import Candidate, Fate, Preview, Wishes
from portal.training.views import blueprint
from portal.training.views.explaining import feasibility_told
from portal.training.views.plan_words import length_told

# What the button says that does it for good, and the one that tries again what the worker could not finish.
CREATE, AGAIN = "create", "again"
# The field of the button that reads another sheet of the workbook.
SHEET = "sheet"
_JOB_LOOKS = {
    jobs.JobState.CREATED: "queued",
    jobs.JobState.RUNNING: "running",
    jobs.JobState.DONE: "done",
    jobs.JobState.FAILED: "failed_job",
    jobs.JobState.CANCELLED: "failed_job",
}
# So many steps are named beside one person.
MOST_STEPS_NAMED = 4
# So many people are offered to choose from; others are named by their address.
MOST_OFFERED = 150
_WEEK = timedelta(days=7)
_FATES = {
    Fate.ENROLL: ("done", _l("Is enrolled")),
    Fate.INVITE: ("invited", _l("Is invited")),
    Fate.LEFT_OUT: ("exempt", _l("Left out")),
    Fate.ALREADY: ("exempt", _l("Follows the plan already")),
    Fate.TWICE: ("exempt", _l("Listed twice")),
    Fate.FAULT: ("warning", _l("Cannot be enrolled")),
}


# --- Wishes --------------------------------------------------------------------------------------


@blueprint.route("/cohort-drafts/new", methods=["GET", "POST"])
@requires(CREATE_COHORTS)
def new_cohort() -> Response | str | tuple[str, int]:
    """Ask for everything that a cohort needs, on one page."""
    return _ask(CohortForm, None, None)


@blueprint.route("/cohort-drafts/<code>/edit", methods=["GET", "POST"])
@requires(CONTINUE_DRAFT, on=cohort_drafts.get_draft)
def change_draft(draft: CohortDraft) -> Response | str | tuple[str, int]:
    """Change what was asked for; nothing of it is lost."""
    if draft.is_settled:
        return _to_result(draft)
    if draft.joins:
        return _ask(JoinForm, draft, draft.cohort)
    return _ask(CohortForm, draft, None)


@blueprint.route("/cohorts/<code>/joiners", methods=["GET", "POST"])
@requires(ADD_LEARNERS, on=cohorts.get_cohort, see=SEE_COHORT)
def add_learners(cohort: Cohort) -> Response | str | tuple[str, int]:
    """Ask who joins a running cohort, and from which day on."""
    if cohort.withdrawn_at is not None:
        named = {"name": str(cohort.name), "href": url_for("reports.cohort", code=cohort.code)}
        page = render_template("training/join_withdrawn_cohort.html", cohort=named)
        return page, CohortWithdrawn.status if request.method == "POST" else 200
    return _ask(JoinForm, None, cohort)


def _ask(kind: type[JoinForm], draft: CohortDraft | None, cohort: Cohort | None) -> Response | str | tuple[str, int]:
    versions = cohort_drafts.list_versions()
    asked = _asked_events(versions, cohort)
    form = with_events(kind, {event.field: event.made() for event in asked})()
    help_of_people = _offer(form, versions, cohort)
    status = 200
    if request.method == "POST":
        status = 400
        if form.validate():
            try:
                wishes = _wishes_in(form, asked, founding.wishes_of(draft) if draft else Wishes())
                with transaction():
                    kept = founding.keep_draft(wishes=wishes, by=actor(), draft=draft, cohort=cohort)
                return redirect(url_for("training.cohort_draft", code=kept.code), 303)
            except DomainError as refused:
                form.form_errors.append(str(refused))
                status = refused.status
    else:
        _fill(form, asked, founding.wishes_of(draft) if draft else Wishes(), cohort)
    page = render_template(
        "training/join_cohort.html" if cohort is not None else "training/new_cohort.html",
        form=form,
        cohort={"name": str(cohort.name), "href": url_for("reports.cohort", code=cohort.code)} if cohort else None,
        plans=_plan_facts(),
        events=_events_by_plan(asked),
        help_of_people=help_of_people,
        most=f"{MOST_PEOPLE:,}",
        is_cut_off=len(help_of_people) >= MOST_OFFERED,
        drafts=[
            {
                "href": url_for("training.cohort_draft", code=each.code),
                "starts_on": format_date(date.fromisoformat(each.wishes["starts_on"])),
            }
            for each in ([] if draft or cohort else cohort_drafts.list_open_drafts(actor()))
        ],
    )
    return page, status


@dataclass(slots=True)
class _AskedEvent:
    """An event whose day is asked for, in the words of the latest version that has it.

    `versions` are those that have it, as the field of the plan names them; `of_cohort` the day of the cohort that is
    joined, where it is known.
    """

    plan: str
    plan_title: str
    slug: str
    title: str
    of_cohort: date | None
    versions: list[str]

    @property
    def field(self) -> str:
        """The name of its field."""
        return event_field_name(self.plan, self.slug)

    def made(self) -> EventField:
        """Make its field."""
        return EventField(self.title, versions=self.versions, is_known=self.of_cohort is not None)


def _asked_events(versions: Sequence[PlanVersion], cohort: Cohort | None) -> list[_AskedEvent]:
    """Return the events of all plans that can be chosen, plan by plan."""
    days = queries.list_days_of_cohort(cohort) if cohort is not None else {}
    found: dict[tuple[str, str], _AskedEvent] = {}
    for version in versions:
        plan = version.plan.slug
        for event in version.events:
            asked = found.setdefault(
                (plan, event.slug),
                _AskedEvent(
                    plan, str(version.title), event.slug, str(event.title), days.get((version.plan_id, event.slug)), []
                ),
            )
            asked.versions.append(_value_of(version))
    return list(found.values())


def _events_by_plan(asked: Sequence[_AskedEvent]) -> list[dict[str, Any]]:
    """Return the fields of events as the form shows them: those of one plan together."""
    return [
        {
            "title": (found := list(events))[0].plan_title,
            "versions": " ".join(sorted({each for event in found for each in event.versions})),
            "fields": [
                {
                    "name": event.field,
                    "versions": " ".join(event.versions),
                    "help": _(
                        "The day of the cohort is %(date)s; leave this empty to keep it.",
                        date=format_date(event.of_cohort),
                    )
                    if event.of_cohort is not None
                    else None,
                }
                for event in found
            ],
        }
        for _plan, events in groupby(asked, key=lambda each: each.plan)
    ]


def _value_of(version: PlanVersion) -> str:
    """Return how a form names a version of a plan."""
    return f"{version.plan.slug}@{version.number}"


def _offer(form: JoinForm, versions: Sequence[PlanVersion], cohort: Cohort | None) -> dict[str, str]:
    """Fill in what can be chosen; return of each person what tells her from others of her name."""
    here, latest = language(), set()
    form.plan.choices = []
    for version in versions:
        is_latest = version.plan_id not in latest
        latest.add(version.plan_id)
        said = (
            _("%(title)s, version %(number)s", title=version.title, number=version.number)
            if is_latest
            else _("%(title)s, earlier version %(number)s", title=version.title, number=version.number)
        )
        form.plan.choices.append(SelectChoice(_value_of(version), said))
    reach = founding.reach_to_create(actor())
    if cohort is not None and cohort.team is not None:
        reach = replace(reach, teams=reach.teams | {cohort.team.code})
    people = cohort_drafts.list_people_led(reach, MOST_OFFERED)
    form.chosen.choices = [SelectChoice(each.code, each.name_in(here)) for each in people]
    mentors = cohort_drafts.list_possible_mentors(reach)
    form.mentors.choices = [SelectChoice(each.code, each.name_in(here)) for each in mentors]
    if isinstance(form, CohortForm):
        form.place.choices = [
            SelectChoice(
                place.value,
                f"{place.team.name} ({place.market.name})"
                if place.team
                else _("Several teams (%(market)s)", market=place.market.name),
            )
            for place in founding.list_places(actor())
        ]
    return {
        each.code: " · ".join(
            filter(None, [each.full_kana if language() == "ja" else "", str(each.team.name) if each.team else ""])
        )
        for each in people
    }


def _plan_facts() -> list[dict[str, Any]]:
    """Return what the plans are that can be chosen, so that the choice needs no other page."""
    return [
        {
            "title": str(version.title),
            "summary": str(version.summary),
            "days": length_told(
                [step.shape for step in version.steps], {each.slug: str(each.title) for each in version.events}
            ),
            "steps": ngettext("%(num)d step", "%(num)d steps", len(version.steps)),
            "minutes": format_minutes(sum(step.minutes for step in version.steps)),
        }
        for version in catalogue.list_latest_versions()
    ]


def _fill(form: JoinForm, asked: Sequence[_AskedEvent], wishes: Wishes, cohort: Cohort | None) -> None:
    """Show what was wished before, or what is most likely."""
    for event in asked:
        if event.plan == wishes.plan and wishes.events.get(event.slug):
            form[event.field].data = date.fromisoformat(wishes.events[event.slug])
    form.plan.data = f"{wishes.plan}@{wishes.version}" if wishes.plan else None
    form.text.data = wishes.text
    form.chosen.data, form.mentors.data = list(wishes.chosen), list(wishes.mentors)
    if cohort is not None and not wishes.plan:
        version = cohort_drafts.find_version_of_cohort(cohort)
        form.plan.data = _value_of(version) if version else None
    if isinstance(form, CohortForm):
        form.place.data = f"{wishes.market}/{wishes.team}" if wishes.market else None
        form.name_en.data, form.name_ja.data, form.code.data = wishes.name_en, wishes.name_ja, wishes.code
    if wishes.starts_on:
        form.starts_on.data = date.fromisoformat(wishes.starts_on)
    elif cohort is not None and clock.is_zone(cohort.market.time_zone):
        form.starts_on.data = max(cohort.starts_on, clock.today(cohort.market.time_zone))


def _wishes_in(form: JoinForm, asked: Sequence[_AskedEvent], before: Wishes) -> Wishes:
    """Return what the form says; what was decided in the preview about single people stays."""
    plan, _at, version = str(form.plan.data).rpartition("@")
    text, upload = form.text.data or "", form.file.data
    data = upload.read() if upload else b""
    if data:
        sheets = tables.sheets_as_text(data, upload.filename or "")
        if text.strip():
            raise _BothSent()
        before = founding.with_sheets(before, sheets)
        text = before.text
    elif text != before.text and not text.strip():
        before = replace(before, sheet="", sheets=())
    assert form.starts_on.data is not None
    found = replace(
        before,
        plan=plan,
        version=version,
        starts_on=form.starts_on.data.isoformat(),
        text=text,
        chosen=tuple(form.chosen.data or ()),
        mentors=tuple(form.mentors.data or ()),
        events={
            event.slug: form[event.field].data.isoformat()
            for event in asked
            if event.plan == plan and form[event.field].data is not None
        },
    )
    if isinstance(form, CohortForm):
        market, _slash, team = str(form.place.data).partition("/")
        found = replace(
            found,
            market=market,
            team=team,
            name_en=form.name_en.data or "",
            name_ja=form.name_ja.data or "",
            code=(form.code.data or "").strip(),
        )
    return found


class _BothSent(tables.TableUnreadable):
    """A file and pasted rows at once."""

    message = _l("There is both a file and pasted rows. Send only one of them; nothing has been read yet.")


# --- The preview -----------------------------------------------------------------------------------


@blueprint.route("/cohort-drafts/<code>", methods=["GET", "POST"])
@requires(CONTINUE_DRAFT, on=cohort_drafts.get_draft)
def cohort_draft(draft: CohortDraft) -> Response | str | tuple[str, int]:
    """Show what would be created: every date, everybody, what is missing; then create it.

    What another tab has changed is shown before anything is created; ticks and mentors stay as they were sent.
    """
    problem, status, sent = "", 200, None
    if request.method == "POST":

        def work() -> Done:
            here = url_for("training.cohort_draft", code=draft.code)
            if draft.begun_at is not None:
                return _go_on(draft, here)
            if draft.done_at is None and SHEET in request.form:
                wishes = founding.choose_sheet(founding.wishes_of(draft), request.form[SHEET])
                founding.keep_draft(wishes=wishes, by=actor(), draft=draft, cohort=_joined(draft))
                return Done(_("The sheet “%(name)s” has been read.", name=wishes.sheet), here)
            is_meant = request.form.get("act") == CREATE
            # Another tab that changes it meanwhile comes before what is looked at here, or after it is done.
            if is_meant and not cohort_drafts.lock_draft(draft).is_settled:
                founding.check_seen(draft=draft, seen=request.form.get("seen", ""), by=actor())
            if draft.done_at is None:
                founding.keep_draft(wishes=_choices_in(draft), by=actor(), draft=draft, cohort=_joined(draft))
            if not is_meant:
                return Done(_("The preview has been updated."), _same_page(draft))
            made = taking_in.create(draft=draft, by=actor())
            if made.is_going_on:
                return Done(_("The people are being taken in."), here)
            said = (
                ngettext("%(num)d person has been added.", "%(num)d people have been added.", made.people)
                if draft.joins
                else ngettext(
                    "The cohort has been created with %(num)d person.",
                    "The cohort has been created with %(num)d people.",
                    made.people,
                )
            )
            return Done(said, url_for("reports.cohort", code=made.cohort.code))

        try:
            return carry_out(work)
        except DomainError as refused:
            problem, status = str(refused), refused.status
            sent = _beside_present(draft) if isinstance(refused, PreviewChanged) else None
        if draft.done_at is not None and draft.begun_at is None:
            # Carried out in another tab: what its preview would say now is about people who are in already.
            return _done_already(draft), status
    elif draft.begun_at is None and draft.done_at is not None:
        return _to_result(draft)
    if draft.begun_at is not None:
        return render_template("training/cohort_in_the_making.html", problem=problem, **_in_the_making(draft)), status
    kept = founding.judge(draft, actor())
    # What was ticked there stands here, beside what was changed elsewhere; it is kept when it is sent again.
    found = founding.judge(draft, actor(), sent) if sent is not None else kept
    shown = _shown(draft, found) | {"seen": founding.key_of(kept)}
    return render_template("training/cohort_preview.html", problem=problem, **shown), status


def _done_already(draft: CohortDraft) -> str:
    """Return the page that says so and leads to the cohort."""
    assert draft.cohort is not None
    return render_template(
        "training/cohort_done_already.html",
        joins=draft.joins,
        cohort={"name": str(draft.cohort.name), "href": url_for("reports.cohort", code=draft.cohort.code)},
    )


def _joined(draft: CohortDraft) -> Cohort | None:
    return draft.cohort if draft.joins else None


def _same_page(draft: CohortDraft) -> str:
    """Return the address of the preview at the people who were shown."""
    number = page_number()
    return url_for("training.cohort_draft", code=draft.code, page=number if number > 1 else None)


def _go_on(draft: CohortDraft, here: str) -> Done:
    """Try work on a long list again that failed; it is under way, whatever else was pressed.

    Raises `JobNotRetryable`.
    """
    work = jobs.find_job(taking_in.job_key(draft))
    if request.form.get("act") == AGAIN and work is not None:
        jobs.retry(work)
    return Done(_("The people are being taken in."), here)


@blueprint.get("/cohort-drafts/<code>/progress")
@requires(CONTINUE_DRAFT, on=cohort_drafts.get_draft)
def cohort_progress(draft: CohortDraft) -> Response:
    """Say how far the worker is with a long list."""
    return jsonify(_work_on(draft))


def _work_on(draft: CohortDraft) -> dict[str, Any]:
    total = len(draft.awaited or ())
    if draft.done_at is not None:
        return {"state": "done", "done": total, "total": total}
    work = jobs.find_job(taking_in.job_key(draft))
    if work is None:
        return {"state": "failed_job", "done": 0, "total": total}
    return {"state": _JOB_LOOKS[work.state], "done": work.done, "total": work.total or total}


def _in_the_making(draft: CohortDraft) -> dict[str, Any]:
    """Return what the page of a long list shows: how far it is, and who could not be taken in."""
    assert draft.cohort is not None
    refused = draft.refused or []
    return {
        "code": draft.code,
        "cohort": {"name": str(draft.cohort.name), "href": url_for("reports.cohort", code=draft.cohort.code)},
        "work": _work_on(draft),
        "taken": len(draft.awaited or ()) - len(refused),
        "refused": [
            {"name": each["name"], "key": each["key"] if "@" in each["key"] else "", "why": each[language()]}
            for each in refused
        ],
        "again": AGAIN,
    }


def _to_result(draft: CohortDraft) -> Response:
    if draft.begun_at is not None:
        return redirect(url_for("training.cohort_draft", code=draft.code), 303)
    if draft.cohort is None:
        return redirect(url_for("training.new_cohort"), 303)
    return redirect(url_for("reports.cohort", code=draft.cohort.code), 303)


def _choices_in(draft: CohortDraft) -> Wishes:
    """Return the draft's wishes with what was chosen in the preview for single people."""
    before = founding.wishes_of(draft)
    shown = [each[:254] for each in request.form.getlist("shown")[:MOST_PEOPLE_AT_ONCE]]
    codes, mentors = request.form.getlist("mentor"), dict(before.mentor_of)
    if len(shown) == len(codes):
        mentors |= {key: code if code in before.mentors else "" for key, code in zip(shown, codes, strict=True)}
    left_out = (set(before.left_out) - set(shown)) | (set(shown) - set(request.form.getlist("take")))
    return replace(before, left_out=tuple(sorted(left_out))[:MOST_PEOPLE], mentor_of=mentors)


def _beside_present(draft: CohortDraft) -> Wishes:
    """Return the present wishes with what was chosen in a preview that has become old; who was left out stays out."""
    before, sent = founding.wishes_of(draft), _choices_in(draft)
    left_out = sorted({*before.left_out, *sent.left_out})
    return replace(sent, left_out=tuple(left_out)[:MOST_PEOPLE])


def _other_sheets(wishes: Wishes) -> list[dict[str, Any]]:
    return [
        {"name": each["name"], "can_be_read": bool((each["text"] or "").strip()), "is_empty": each["text"] == ""}
        for each in wishes.sheets
        if each["name"] != wishes.sheet
    ]


def _shown(draft: CohortDraft, found: Preview) -> dict[str, Any]:
    tasks = _tasks(found)
    early = share_early(found.days)
    offered = [each for each in found.candidates if each.can_be_taken]
    page = paging(len(offered), MOST_PEOPLE_AT_ONCE)
    heaviest = max(found.days, key=lambda day: day.minutes, default=None)
    return {
        "code": draft.code,
        "sheets": {"read": found.wishes.sheet, "others": _other_sheets(found.wishes)} if found.wishes.sheets else None,
        "joins": draft.joins,
        "cohort": {
            "name": str(found.cohort.name) if found.cohort else str(found.name),
            "name_en": found.name.en,
            "name_ja": found.name.ja,
            "href": url_for("reports.cohort", code=found.cohort.code) if found.cohort else None,
            "code": found.cohort.code if found.cohort else found.code,
        },
        "plan": str(found.version.title) if found.version else "",
        "version": found.version.number if found.version else "",
        "place": " · ".join(str(each.name) for each in (found.market, found.team) if each is not None),
        "several_teams": found.team is None,
        "starts_on": format_date(found.starts_on) if found.starts_on else "",
        "ends_on": format_date(found.days[-1].on) if found.days else "",
        "events": _events(found),
        "obstacles": found.obstacles,
        "warnings": found.warnings,
        "numbers": {
            "people": len(found.taken),
            "days": found.days[-1].number if found.days else 0,
            "early": format_percent(early, 0),
            "most": format_minutes(heaviest.minutes) if heaviest else "",
            "most_on": day_told(heaviest.on) if heaviest else "",
            "is_heavy": bool(heaviest and heaviest.is_heavy),
            "steps": len(tasks),
        },
        "early_days": EARLY_DAYS,
        "weeks": _weeks(found, tasks),
        "steps": _steps(found, tasks),
        "troubled": [_person_row(each, found, tasks) for each in found.with_fate(Fate.FAULT, Fate.TWICE, Fate.ALREADY)],
        "people": [_person_row(each, found, tasks) for each in offered[page.offset : page.offset + page.size]],
        "pager": page.links(lambda number: url_for("training.cohort_draft", code=draft.code, page=number))
        if page.last > 1
        else None,
        "is_long": found.is_long,
        "portion": MOST_PEOPLE_AT_ONCE,
        "invited_on": day_told(clock.local_date(found.invited_at, found.market.time_zone))
        if found.invited_at is not None and found.market is not None
        else "",
        "is_invited_at_once": found.is_invited_at_once,
        "invited_before": INVITED_DAYS_BEFORE,
        "counts": {fate.value: len(found.with_fate(fate)) for fate in Fate},
        "mentors": [{"code": each.code, "name": each.name_in(language())} for each in found.mentors],
        "can_create": not found.obstacles,
    }


def _events(found: Preview) -> list[tuple[str, str]]:
    """Return the events of the plan, each with its day and whether that is the cohort's."""
    if found.version is None:
        return []
    told = []
    for event in found.version.events:
        day = found.events.get(event.slug)
        if day is None:
            said = _("not set yet")
        elif day.is_of_cohort:
            said = _("%(date)s, the day of the cohort", date=format_date(day.on))
        elif found.cohort is not None:
            said = _("%(date)s, a day of their own", date=format_date(day.on))
        else:
            said = format_date(day.on)
        told.append((str(event.title), said))
    return told


def _tasks(found: Preview) -> dict[str, str]:
    if found.version is None:
        return {}
    tasks = catalogue.tasks_of(found.version.steps)
    return {step.slug: str(tasks[step.id]) for step in found.version.steps}


def _person_row(each: Candidate, found: Preview, tasks: Mapping[str, str]) -> dict[str, Any]:
    here = language()
    state, word = _FATES[each.fate]
    factor = f"×{float(each.multiplier):g}" if each.multiplier is not None else ""
    notes = list(each.notes)
    if each.ends_on is not None:
        notes.append(
            _("Own dates because of leave or shifts; the last one is %(date)s.", date=format_date(each.ends_on))
        )
    if each.recognised:
        notes.append(_recognised(each.recognised, tasks))
    if each.exempt:
        notes.append(_exempt(each.exempt, tasks))
    if each.short and found.version is not None:
        notes += [told["text"] for told in feasibility_told(each.short, found.version)]
    return {
        "line": each.line,
        "name": each.person.name_in(here) if each.person else (each.listed.shown_name if each.listed else ""),
        "kana": each.person.full_kana if each.person and here == "ja" else "",
        "key": each.key,
        "address": each.sign_in_name if each.listed else "",
        "state": state,
        "word": str(word),
        "notes": notes,
        "factor": factor,
        "is_taken": each.fate in founding.TAKEN,
        "mentor": each.mentor.code if each.mentor else "",
    }


def _recognised(steps: Sequence[PlanStep], tasks: Mapping[str, str]) -> str:
    """Say in a line which steps somebody did before that count."""
    return ngettext(
        "%(num)d step was done before and counts: %(steps)s",
        "%(num)d steps were done before and count: %(steps)s",
        len(steps),
        steps=_named(steps, tasks),
    )


def _exempt(steps: Sequence[PlanStep], tasks: Mapping[str, str]) -> str:
    """Say in a line from which quizzes somebody is exempt by the decision of two people."""
    return ngettext(
        "%(num)d step counts because of an exemption: %(steps)s",
        "%(num)d steps count because of exemptions: %(steps)s",
        len(steps),
        steps=_named(steps, tasks),
    )


def _named(steps: Sequence[PlanStep], tasks: Mapping[str, str]) -> str:
    # Joined apart: within a call for a plural its own words would not be found for translation.
    named = [tasks[step.slug] for step in steps[:MOST_STEPS_NAMED]]
    if len(steps) > len(named):
        named.append("…")
    return str(pgettext("list", ", ")).join(named)


def _steps(found: Preview, tasks: Mapping[str, str]) -> list[dict[str, Any]]:
    if found.version is None or found.schedule is None:
        return []
    number_of = {slug: day.number for day in found.days for slug in day.slugs}
    dues = found.schedule
    return [
        {
            "task": tasks[step.slug],
            # What is due before the first day stands on no working day of the plan.
            "number": number_of[step.slug] or "–",
            "date": format_date(dues[step.slug].on),
            "iso": dues[step.slug].on.isoformat(),
            "days": days_told(dues[step.slug].counted.derivation),
            "minutes": format_minutes(step.minutes) if step.minutes else "",
            "need": "" if step.required else _("optional"),
        }
        for step in sorted(found.version.steps, key=lambda each: (dues[each.slug].on, each.position))
    ]


def _weeks(found: Preview, tasks: Mapping[str, str]) -> list[dict[str, Any]]:
    if found.schedule is None or found.calendar is None or found.version is None or not found.days:
        return []
    assert found.starts_on is not None
    return weeks_told(
        found.starts_on,
        found.days,
        found.calendar,
        {step.slug: (tasks[step.slug], step.minutes) for step in found.version.steps},
        [(found.events[event.slug].on, str(event.title)) for event in found.version.events],
    )


def weeks_told(
    starts_on: date,
    loads: Sequence[DayLoad],
    calendar: WorkingCalendar,
    steps: Mapping[str, tuple[str, int]],
    events: Sequence[tuple[date, str]],
) -> list[dict[str, Any]]:
    """Return the weeks from the first day to the last: day by day where something is due, others in a line.

    `steps` has what each is called and its minutes, by slug; `events` each day with what takes place on it.
    """
    on_days: dict[date, list[str]] = {}
    for on, title in events:
        on_days.setdefault(on, []).append(title)
    teller = _Days(
        starts_on,
        max(loads[-1].on, *on_days) if on_days else loads[-1].on,
        calendar,
        {day.on: day for day in loads},
        {slug: task for slug, (task, _minutes) in steps.items()},
        {slug: minutes for slug, (_task, minutes) in steps.items()},
        on_days,
    )
    monday = min(starts_on, loads[0].on, *on_days)
    monday -= timedelta(days=monday.weekday())
    weeks = []
    while monday <= teller.last:
        days = [teller.of(monday + timedelta(days=place)) for place in range(7)]
        weeks.append((any(day["items"] or day["events"] or day["number"] == 1 for day in days), days))
        monday += _WEEK
    return [_told([days for _is, days in run], is_busy) for is_busy, run in groupby(weeks, key=itemgetter(0))]


def _told(weeks: Sequence[list[dict[str, Any]]], is_busy: bool) -> dict[str, Any]:
    if is_busy:
        return {"is_busy": True, "weeks": weeks}
    days = [day for week in weeks for day in week]
    named = list(dict.fromkeys(day["off"] for day in days if day["off"]))
    return {
        "is_busy": False,
        "said": ngettext(
            "%(num)d week with nothing due: %(first)s – %(last)s",
            "%(num)d weeks with nothing due: %(first)s – %(last)s",
            len(weeks),
            first=days[0]["date"],
            last=days[-1]["date"],
        ),
        "named": named,
    }


@dataclass(slots=True)
class _Days:
    """Tells the days of a plan one after the other, with the number of each working day."""

    start: date
    last: date
    calendar: WorkingCalendar
    load: Mapping[date, DayLoad]
    tasks: Mapping[str, str]
    minutes: Mapping[str, int]
    events: Mapping[date, Sequence[str]]
    number: int = 0

    def of(self, on: date) -> dict[str, Any]:
        """Return one day as the calendar shows it; they are asked for in their order."""
        is_outside, load = not self.start <= on <= self.last, self.load.get(on)
        try:
            off = self.calendar.day_off(on)
        except YearNotInTable:
            # Beyond the last date; nothing is due there.
            off = None
        is_counted = not is_outside and off is None
        self.number += is_counted
        return {
            "date": day_told(on),
            "iso": on.isoformat(),
            "is_outside": is_outside,
            "is_off": off is not None,
            "off": why_off(off) if off and off.name is not None else "",
            "number": self.number if is_counted else None,
            "events": list(self.events.get(on, ())),
            "items": [
                {
                    "task": self.tasks[slug],
                    "minutes": format_minutes(self.minutes[slug]) if self.minutes[slug] else "",
                }
                for slug in (load.slugs if load else ())
            ],
            "minutes": format_minutes(load.minutes) if load and load.minutes else "",
            # In half hours up to the bound of a day, for the bar.
            "bar": min(12, -(-load.minutes // 30)) if load else 0,
            "is_heavy": bool(load and load.is_heavy),
        }


# --- Taking it back ----------------------------------------------------------------------------------


@blueprint.route("/cohorts/<code>/withdrawal", methods=["GET", "POST"])
@requires(ADD_LEARNERS, on=cohorts.get_cohort, see=SEE_COHORT)
def withdraw_cohort(cohort: Cohort) -> Response | tuple[str, int]:
    """Take a cohort back before anybody has begun: what would end is shown first."""
    form, status = WithdrawalForm(), 200

    def work() -> Done:
        founding.withdraw(cohort=cohort, reason=form.reason.data or "", by=actor())
        return Done(_("The cohort has been withdrawn."), url_for("reports.cohort", code=cohort.code))

    if request.method == "POST":
        status = 400
        if form.validate():
            try:
                return carry_out(work)
            except DomainError as refused:
                form.form_errors.append(str(refused))
                status = refused.status
    ending = founding.what_would_end(cohort)
    page = render_template(
        "training/withdraw_cohort.html",
        form=form,
        cohort={"name": str(cohort.name), "href": url_for("reports.cohort", code=cohort.code)},
        is_withdrawn=cohort.withdrawn_at is not None,
        has_begun=ending.has_begun,
        plans=_names([each.person for each in ending.enrollments]),
        accounts=_names(ending.accounts),
        mentors=_names(ending.mentors),
        limit=STATEMENT_LIMIT,
    )
    return page, status


def _names(people: Sequence[Person]) -> list[str]:
    return [each.name_in(language()) for each in people]

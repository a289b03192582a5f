"""A draft of a plan as a whole: what it changes and for whom, how its approval stands, its dates in a real calendar."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from flask import render_template, request, url_for
from werkzeug import Response
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # the stubs do not know it yet
from wtforms.validators import InputRequired

from portal.accounts import queries as accounts
from portal.calendars import queries as calendars
from portal.calendars.errors import HolidayYearUnknown, unknown_years_refused
from portal.calendars.service.told import days_told, unannounced_told
from portal.core import clock
from portal.core.access import actor, can, requires
from portal.core.errors import DomainError
from portal.core.forms import DateField
from portal.core.i18n import format_date, format_instant, format_minutes, language, pgettext
from portal.core.i18n import gettext as _
from portal.core.once import Done, carry_out
from portal.organisation.models import Market
from portal.training import rules
from portal.training.forms import PlanPreviewForm, PlanRemarkForm
from portal.training.models import PlanDraft, PlanVersion
from portal.training.permissions import REVIEW_PLANS, SEE_PLAN_DRAFTS, WRITE_PLANS
from portal.training.queries import catalogue, plan_drafts
from portal.training.queries.plan_drafts import get_plan_draft, spec_of_draft
from portal.training.rules import Basis, EventDay, PlanSpec, drafting
from portal.training.rules.drafting import DraftAct, DraftState
from portal.training.service import plan_drafts as service
from portal.training.service.founding import unknown_holidays
from portal.training.service.owned import OWNED_KIND
from portal.training.service.plan_problems import problems_of
from portal.training.service.plans import digest_of
from portal.training.views import blueprint
from portal.training.views.founding import weeks_told
from portal.training.views.plan_editor import told_problems
from portal.training.views.plan_timeline import told_plan
from portal.training.views.plan_words import ACTS, STATES, PlanTeller, day_number, told_changes
from portal.training.views.plans import file_of

# --- The overview --------------------------------------------------------------------------------


@blueprint.get("/plan-drafts/<code>")
@requires(SEE_PLAN_DRAFTS, on=get_plan_draft)
def plan_draft(draft: PlanDraft) -> str:
    """Show what the draft changes, for whom, what is wrong with it, and how its approval stands."""
    return _overview(draft)


def _overview(draft: PlanDraft, *, refused: str = "", remark: PlanRemarkForm | None = None, asks: str = "") -> str:
    spec, known, person = spec_of_draft(draft), plan_drafts.read_known(), actor()
    latest = catalogue.find_latest_version(draft.plan_slug)
    teller = PlanTeller(spec, known)
    is_over = draft.ended_at is not None
    problems = [] if is_over else problems_of(spec, known=known, latest=latest, called=teller.called)
    authors = plan_drafts.list_authors([draft]).get(draft.id, [])
    followers = plan_drafts.count_followers([draft.plan_slug])
    names = {each.code: each.name_in(language()) for each in accounts.list_people_of({act.by for act in draft.acts})}
    state, word = STATES[draft.state]
    may_approve = drafting.may_approve(person.code, {each.code for each in authors})
    in_review = draft.state is DraftState.IN_REVIEW
    last = draft.acts[-1] if draft.acts else None
    return render_template(
        "training/plan_draft.html",
        code=draft.code,
        plan_slug=draft.plan_slug,
        plan_href=url_for("training.plan", slug=draft.plan_slug) if latest is not None else "",
        title=str(spec.title) or draft.plan_slug,
        number=spec.number,
        based_on=draft.based_on.number if draft.based_on is not None else "",
        overtaken_by=latest.number if not is_over and latest is not None and latest.id != draft.based_on_id else "",
        state=state,
        state_word=str(word),
        is_writing=draft.state is DraftState.WRITING,
        in_review=in_review,
        published_href=_published_href(draft),
        authors=[each.name_in(language()) for each in authors],
        saved=format_instant(draft.saved_at, person.time_zone, show_zone=False),
        problems=told_problems(problems, teller),
        faulty=sum(not each.is_warning for each in problems),
        changes=told_changes(catalogue.spec_of(draft.based_on), spec, known) if draft.based_on is not None else None,
        came_since=_came_since(draft, latest, known),
        followers=[
            {"number": number, "people": count} for (_slug, number), count in sorted(followers.items(), reverse=True)
        ],
        people=sum(followers.values()),
        acts=[
            {
                "word": str(ACTS[act.act]),
                "by": names.get(act.by, act.by),
                "at": format_instant(act.at, person.time_zone, show_zone=False),
                "said": act.said,
            }
            for act in draft.acts
        ],
        came_back={"by": names.get(last.by, last.by), "said": last.said}
        if last is not None and last.act is DraftAct.SENT_BACK and draft.state is DraftState.WRITING
        else None,
        seen=digest_of(spec) if in_review else "",
        remark=remark or PlanRemarkForm(formdata=None),
        asks=asks,
        refused=refused,
        can_write=can(WRITE_PLANS) and not is_over,
        can_review=can(REVIEW_PLANS)
        and in_review
        and drafting.may_approve(person.code, {each.code for each in authors}),
        wrote_it=not may_approve and can(REVIEW_PLANS) and in_review,
        is_open=False,
        **told_plan(teller, problems, ""),
    )


def _published_href(draft: PlanDraft) -> str:
    version = draft.published_version
    return url_for("training.plan", slug=draft.plan_slug, version=version.number) if version is not None else ""


def _came_since(draft: PlanDraft, latest: PlanVersion | None, known: plan_drafts.Known) -> list[dict[str, Any]]:
    """Say what the latest version changed since the one from which the draft was begun."""
    if draft.ended_at is not None or latest is None or latest.id == draft.based_on_id:
        return []
    theirs = catalogue.spec_of(latest)
    base = catalogue.spec_of(draft.based_on) if draft.based_on is not None else _empty_like(theirs)
    return told_changes(base, theirs, known)


def _empty_like(spec: PlanSpec) -> PlanSpec:
    return replace(spec, phases=(), events=(), steps=())


# --- Acts ----------------------------------------------------------------------------------------


def _carried_out(draft: PlanDraft, act: str, work: Callable[[str], Done]) -> Response | tuple[str, int]:
    """Carry an act out with what is said about it; what refuses it is told on the page, what was typed is kept."""
    code, form = draft.code, PlanRemarkForm()
    if not form.validate():
        return _overview(draft, remark=form, asks=act), 400
    try:
        return carry_out(lambda: work(form.said.data or ""))
    except DomainError as refused:
        form.said.errors = [str(refused)] if refused.status == 400 else []
        said = "" if refused.status == 400 else str(refused)
        return _overview(get_plan_draft(code), refused=said, remark=form, asks=act), refused.status


def _here(draft: PlanDraft) -> str:
    return url_for("training.plan_draft", code=draft.code)


@blueprint.post("/plan-drafts/<code>/submission")
@requires(WRITE_PLANS, on=get_plan_draft, see=SEE_PLAN_DRAFTS)
def submit_plan_draft(draft: PlanDraft) -> Response | tuple[str, int]:
    """Ask somebody else to approve the draft."""

    def work(said: str) -> Done:
        service.submit(draft=draft, said=said, by=actor())
        return Done(_("The draft has been submitted. Another person approves it."), _here(draft))

    return _carried_out(draft, "submit", work)


@blueprint.post("/plan-drafts/<code>/taking-back")
@requires(WRITE_PLANS, on=get_plan_draft, see=SEE_PLAN_DRAFTS)
def take_back_plan_draft(draft: PlanDraft) -> Response | tuple[str, int]:
    """Take the draft back to go on writing."""

    def work(_said: str) -> Done:
        service.take_back(draft=draft, by=actor())
        return Done(_("The draft has been taken back and can be changed again."), _here(draft))

    return _carried_out(draft, "", work)


@blueprint.post("/plan-drafts/<code>/sending-back")
@requires(REVIEW_PLANS, on=get_plan_draft, see=SEE_PLAN_DRAFTS)
def send_back_plan_draft(draft: PlanDraft) -> Response | tuple[str, int]:
    """Give the draft back to its authors with what has to change."""

    def work(said: str) -> Done:
        service.send_back(draft=draft, said=said, by=actor())
        return Done(_("The draft has been sent back to its authors."), _here(draft))

    return _carried_out(draft, "send_back", work)


@blueprint.post("/plan-drafts/<code>/approval")
@requires(REVIEW_PLANS, on=get_plan_draft, see=SEE_PLAN_DRAFTS)
def approve_plan_draft(draft: PlanDraft) -> Response | tuple[str, int]:
    """Approve what was looked at: it becomes a version of the plan."""
    slug = draft.plan_slug

    def work(said: str) -> Done:
        version = service.approve(draft=draft, seen=request.form.get("seen", ""), said=said, by=actor())
        told = _("Version %(number)s has been published.", number=version.number)
        return Done(told, url_for("training.plan", slug=slug))

    return _carried_out(draft, "approve", work)


@blueprint.post("/plan-drafts/<code>/discarding")
@requires(WRITE_PLANS, on=get_plan_draft, see=SEE_PLAN_DRAFTS)
def discard_plan_draft(draft: PlanDraft) -> Response | tuple[str, int]:
    """Give the draft up."""

    def work(said: str) -> Done:
        service.discard(draft=draft, said=said, by=actor())
        return Done(_("The draft has been discarded. It can still be read here."), _here(draft))

    return _carried_out(draft, "discard", work)


@blueprint.post("/plan-drafts/<code>/taking-over")
@requires(WRITE_PLANS, on=get_plan_draft, see=SEE_PLAN_DRAFTS)
def take_over_into_plan_draft(draft: PlanDraft) -> Response | tuple[str, int]:
    """Bring what the latest version changed into the draft."""

    def work(_said: str) -> Done:
        merged = service.take_over(draft=draft, by=actor())
        told = _("What the latest version changed stands in the draft now.")
        if merged.both:
            teller = PlanTeller(merged.spec, plan_drafts.read_known())
            names = pgettext("list", ", ").join(teller.part(what, name) for what, name in merged.both)
            told += " " + _("Both had changed: %(names)s. There the draft stands as it was; compare.", names=names)
        return Done(told, _here(draft))

    return _carried_out(draft, "", work)


@blueprint.get("/plan-drafts/<code>.toml")
@requires(SEE_PLAN_DRAFTS, on=get_plan_draft)
def plan_draft_file(draft: PlanDraft) -> Response:
    """Give out the draft as a file of `plans/`, finished or not."""
    ownership = accounts.find_owners(OWNED_KIND, [draft.plan_slug]).get(draft.plan_slug)
    owner = ownership.owner.sign_in_name if ownership else actor().sign_in_name
    return file_of(draft.plan_slug, spec_of_draft(draft), owner=owner)


# --- Its dates in a calendar ---------------------------------------------------------------------


@blueprint.get("/plan-drafts/<code>/preview")
@requires(SEE_PLAN_DRAFTS, on=get_plan_draft)
def preview_plan_draft(draft: PlanDraft) -> str | tuple[str, int]:
    """Show every date as it would be in a market from a day on; nothing is kept."""
    spec, known = spec_of_draft(draft), plan_drafts.read_known()
    markets = calendars.list_markets()
    form = _preview_form(PlanTeller(spec, known), markets)
    broken = [fault for fault in rules.faults(spec.shapes) if fault.kind not in rules.WARNINGS]
    lost = {step.event for step in spec.steps if step.event} - {event.slug for event in spec.events}
    shown: dict[str, Any] = {"weeks": [], "steps": [], "load": [], "unannounced": ""}
    refused, status = "", 200
    if broken or lost or not spec.steps:
        refused = _("The dates cannot be counted yet. Mend the faults of the plan first.")
    elif "starts_on" in request.args:
        if form.validate():
            market = next(each for each in markets if each.code == form.market.data)
            try:
                with unknown_years_refused():
                    shown = _dates(spec, PlanTeller(spec, known), form, market)
            except HolidayYearUnknown as unknown:
                refused, status = unknown_holidays(unknown), 400
        else:
            status = 400
    page = render_template(
        "training/plan_preview.html",
        code=draft.code,
        title=str(spec.title) or draft.plan_slug,
        number=spec.number,
        form=form,
        events=[f"event_{event.slug}" for event in spec.events],
        refused=refused,
        can_count=not (broken or lost) and bool(spec.steps),
        can_write=can(WRITE_PLANS) and draft.state is DraftState.WRITING,
        **shown,
    )
    return page, status


def _preview_form(teller: PlanTeller, markets: list[Market]) -> PlanPreviewForm:
    """Return the form with a day for each event; what is asked for stands in the address."""
    fields = {
        f"event_{event.slug}": DateField(
            _("Day of “%(event)s”", event=teller.event(event.slug)),
            [InputRequired(_("Choose the day of the event."))],
        )
        for event in teller.spec.events
    }
    kind = type("PlanPreviewForm", (PlanPreviewForm,), fields)
    home = actor().home_market
    form: PlanPreviewForm = kind(
        request.args if "starts_on" in request.args else None,
        meta={"csrf": False},
        data={"market": home.code, "starts_on": clock.today(home.time_zone)},
    )
    form.market.choices = [SelectChoice(each.code, str(each.name)) for each in markets]
    return form


def _dates(spec: PlanSpec, teller: PlanTeller, form: PlanPreviewForm, market: Market) -> dict[str, Any]:
    starts_on = form.starts_on.data
    assert starts_on is not None
    events = {event.slug: form[f"event_{event.slug}"].data for event in spec.events}
    basis = Basis(starts_on, events=tuple((slug, EventDay(on)) for slug, on in events.items()))
    calendar = calendars.working_calendar(market)
    dues = rules.schedule(spec.shapes, basis, calendar)
    loads = rules.loads({step.slug: step.minutes for step in spec.steps}, dues, starts_on, calendar)
    titles = {
        step.slug: str(catalogue.task_of(step.kind, plan_drafts.title_of(step, teller.known))) for step in spec.steps
    }
    number_of = {slug: day.number for day in loads for slug in day.slugs}
    feasible = rules.feasibility(spec.shapes, dues, (), basis=basis, calendar=calendar, today=starts_on)
    return {
        "weeks": weeks_told(
            starts_on,
            loads,
            calendar,
            {step.slug: (titles[step.slug], step.minutes) for step in spec.steps},
            [(on, teller.event(slug)) for slug, on in events.items()],
        ),
        "steps": [
            {
                "task": titles[step.slug],
                "number": day_number(number_of[step.slug] - 1) if number_of[step.slug] else "–",
                "date": format_date(dues[step.slug].on),
                "iso": dues[step.slug].on.isoformat(),
                "days": days_told(dues[step.slug].counted.derivation),
                "minutes": format_minutes(step.minutes) if step.minutes else "",
                "need": "" if step.required else _("optional"),
            }
            for step in sorted(spec.steps, key=lambda each: dues[each.slug].on)
        ],
        "load": [
            _(
                "Until %(date)s the steps need %(needed)s working days; there are %(left)s.",
                date=format_date(each.until),
                needed=each.needed,
                left=each.left,
            )
            for each in feasible
            if not each.is_enough
        ],
        "unannounced": unannounced_told(calendar.provisional_years(due.on for due in dues.values())),
    }

"""The page on which a plan is written: its list beside a timeline, and the facts of what is chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import jsonify, make_response, render_template, request, url_for
from werkzeug import Response
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # the stubs do not know it yet

from portal.accounts import queries as people
from portal.core import clock
from portal.core.access import actor, requires, wants_json
from portal.core.i18n import Words, format_instant, language, ngettext
from portal.core.i18n import gettext as _
from portal.training.formats.plan_file import EVENT, START, percent
from portal.training.forms import PlanPartForm, PlanStepForm, PlanTextsForm
from portal.training.models import PlanDraft
from portal.training.permissions import SEE_PLAN_DRAFTS, WRITE_PLANS
from portal.training.queries import catalogue, plan_drafts
from portal.training.queries.plan_drafts import get_plan_draft, spec_of_draft
from portal.training.rules import (
    ABOUT_DOCUMENTS,
    BY_OTHERS,
    Doer,
    EventSpec,
    PhaseSpec,
    PlanSpec,
    StepKind,
    StepSpec,
    editing,
)
from portal.training.rules.changes import What
from portal.training.rules.drafting import DraftState
from portal.training.service import plan_drafts as service
from portal.training.service.plan_problems import Problem, problems_of
from portal.training.views import blueprint
from portal.training.views.plan_timeline import told_plan
from portal.training.views.plan_words import DOERS, EVIDENCE, KINDS, STATES, PlanTeller

PLAN = "plan"
# Fields of a step that only some kinds have; the page shows those of the kind, and only they are read.
_OF_KINDS: Mapping[str, frozenset[StepKind]] = {
    "document": frozenset({StepKind.READ, StepKind.ACKNOWLEDGE}),
    "quiz": frozenset({StepKind.QUIZ}),
    "by": frozenset({StepKind.TASK, StepKind.SESSION, StepKind.SIGN_OFF}),
    "asks_statement": frozenset({StepKind.SIGN_OFF}),
    "evidence": frozenset({StepKind.TASK}),
    "gate_quizzes": frozenset({StepKind.GATE}),
    "gate_bound": frozenset({StepKind.GATE}),
    "gate_minimum": frozenset({StepKind.GATE}),
    "about": ABOUT_DOCUMENTS,
}


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the form shows: the plan's own texts, or one step, phase or event."""

    what: What
    slug: str = ""

    @property
    def at(self) -> str:
        """How addresses and pages name it."""
        return PLAN if self.what is What.PLAN else f"{self.what.value}.{self.slug}"


# --- The page ------------------------------------------------------------------------------------


@blueprint.get("/plan-drafts/<code>/edit")
@requires(WRITE_PLANS, on=get_plan_draft, see=SEE_PLAN_DRAFTS)
def edit_plan_draft(draft: PlanDraft) -> Response:
    """Show the plan that is written, with what is wrong in it and the facts of what is chosen."""
    page = answered(draft, request.args.get("at", PLAN))
    service.note_present(draft=draft, person=actor())
    return page


def answered(
    draft: PlanDraft, at: str, *, form: Any = None, refused: str = "", said: str = "", status: int = 200
) -> Response:
    """Return the page, or to one of our modules its two parts."""
    shown = _shown(draft, at, form, refused)
    if not wants_json():
        return make_response(render_template("training/plan_edit.html", **shown), status)
    return make_response(
        jsonify(
            said=said or refused,
            at=shown["facts"]["at"],
            revision=shown["revision"],
            is_open=shown["is_open"],
            was=shown["facts"]["was"],
            has_errors=bool(refused) or bool(form is not None and form.errors),
            others=" ".join(shown["others"]),
            work=render_template("training/_plan_work.html", **shown),
            facts=render_template("training/_plan_facts.html", **shown),
        ),
        status,
    )


def _shown(draft: PlanDraft, at: str, form: Any, refused: str) -> dict[str, Any]:
    spec, known = spec_of_draft(draft), plan_drafts.read_known()
    latest = catalogue.find_latest_version(draft.plan_slug)
    chosen = chosen_of(spec, at)
    teller = PlanTeller(spec, known)
    problems = problems_of(spec, known=known, latest=latest, called=teller.called)
    person = actor()
    can_undo, can_redo = service.can_go(draft, person)
    saved_by = next(iter(people.list_people_of({draft.saved_by})), None)
    state, word = STATES[draft.state]
    return {
        "code": draft.code,
        "href": url_for("training.edit_plan_draft", code=draft.code),
        "overview_href": url_for("training.plan_draft", code=draft.code),
        "preview_href": url_for("training.preview_plan_draft", code=draft.code),
        "plan_slug": draft.plan_slug,
        "title": str(spec.title) or draft.plan_slug,
        "number": spec.number,
        "based_on": draft.based_on.number if draft.based_on is not None else "",
        "overtaken_by": latest.number if latest is not None and latest.id != draft.based_on_id else "",
        "state": state,
        "state_word": str(word),
        "is_open": draft.state is DraftState.WRITING,
        "revision": draft.revision,
        "saved": format_instant(draft.saved_at, person.time_zone, show_zone=False),
        "saved_by": saved_by.name_in(language()) if saved_by is not None else draft.saved_by,
        "others": others_told(draft),
        "can_undo": can_undo,
        "can_redo": can_redo,
        "problems": told_problems(problems, teller),
        "faulty": sum(not each.is_warning for each in problems),
        "refused": refused,
        "kinds": [(kind.value, str(word)) for kind, word in KINDS.items()],
        "chosen_step": chosen.slug if chosen.what is What.STEP else "",
        **told_plan(teller, problems, chosen.at),
        "facts": _facts(teller, chosen, form, problems, draft.plan_slug),
        "documents": [(slug, str(title)) for slug, title in known.documents.items()],
        "quizzes": [(slug, str(title)) for slug, title in known.quizzes.items()],
        "credentials": known.credentials,
    }


def told_problems(problems: Sequence[Problem], teller: PlanTeller) -> list[dict[str, Any]]:
    """Return what is wrong, each with what the part is called where it is to be mended, and how addresses name that."""
    return [
        {
            "said": each.said,
            "at": Chosen(each.what, each.slug).at,
            "where": teller.part(each.what, each.slug),
            "is_warning": each.is_warning,
        }
        for each in problems
    ]


def others_told(draft: PlanDraft) -> list[str]:
    """Say who else writes in the draft, and when she was last there."""
    now = clock.now()
    said = []
    for each in plan_drafts.list_others_present(draft, actor()):
        minutes, name = int((now - each.seen_at).total_seconds()) // 60, each.person.name_in(language())
        said.append(
            ngettext(
                "%(name)s is editing this too, last seen %(num)d minute ago.",
                "%(name)s is editing this too, last seen %(num)d minutes ago.",
                minutes,
                name=name,
            )
            if minutes
            else _("%(name)s is editing this too, just now.", name=name)
        )
    return said


def chosen_of(spec: PlanSpec, at: str) -> Chosen:
    """Return what `at` names, or the plan where there is no such part."""
    what, _dot, slug = at.partition(".")
    slugs = {
        What.STEP: {each.slug for each in spec.steps},
        What.PHASE: {each.slug for each in spec.phases},
        What.EVENT: {each.slug for each in spec.events},
    }
    for kind, known in slugs.items():
        if what == kind.value and slug in known:
            return Chosen(kind, slug)
    return Chosen(What.PLAN)


# --- The facts of what is chosen -----------------------------------------------------------------


def _facts(
    teller: PlanTeller, chosen: Chosen, form: Any, problems: Sequence[Problem], plan_slug: str
) -> dict[str, Any]:
    spec = teller.spec
    facts: dict[str, Any] = {
        "what": chosen.what.value,
        "at": chosen.at,
        "slug": chosen.slug,
        "problems": [
            {"said": each.said, "is_warning": each.is_warning}
            for each in problems
            if (each.what, each.slug) == (chosen.what, chosen.slug)
        ],
    }
    match chosen.what:
        case What.STEP:
            step = editing.get_step(spec, chosen.slug)
            facts |= {
                "title": teller.title_of(step),
                "was": service.mark_of(step),
                "form": form or step_form(spec, step, teller),
                "kind": step.kind.value,
                "due": teller.due(step),
                "own_title": step.kind not in BY_OTHERS | {StepKind.TASK},
                "rests_on": [teller.title_of(each) for each in spec.steps if step.slug in each.prerequisites],
                "moves_along": editing.follow(spec, step.slug),
            }
        case What.PHASE:
            phase = editing.get_phase(spec, chosen.slug)
            facts |= {
                "title": teller.phase(phase.slug),
                "was": service.mark_of(phase),
                "form": form or _part_form(phase),
                "count": sum(step.phase == phase.slug for step in spec.steps),
            }
        case What.EVENT:
            event = editing.get_event(spec, chosen.slug)
            facts |= {
                "title": teller.event(event.slug),
                "was": service.mark_of(event),
                "form": form or _part_form(event),
                "count": sum(step.event == event.slug for step in spec.steps),
            }
        case What.PLAN:
            facts |= {
                "title": str(spec.title) or plan_slug,
                "was": service.mark_of(spec),
                "form": form
                or PlanTextsForm(
                    formdata=None,
                    data={
                        "title_en": spec.title.en,
                        "title_ja": spec.title.ja,
                        "summary_en": spec.summary.en,
                        "summary_ja": spec.summary.ja,
                        "number": spec.number,
                        "credential": spec.credential or "",
                    },
                ),
            }
    return facts


def _part_form(part: PhaseSpec | EventSpec) -> PlanPartForm:
    return PlanPartForm(formdata=None, data={"title_en": part.title.en, "title_ja": part.title.ja, "slug": part.slug})


def step_form(spec: PlanSpec, step: StepSpec, teller: PlanTeller, *, is_posted: bool = False) -> PlanStepForm:
    """Return the form of a step with the fields of its kind, filled with what is kept or what was sent."""
    title, instructions = step.title or Words("", ""), step.instructions or Words("", "")
    data = {
        "kind": step.kind.value,
        "title_en": title.en,
        "title_ja": title.ja,
        "document": step.document or "",
        "quiz": step.quiz or "",
        "due": step.due_days,
        "anchor": _anchor_value(step),
        "minutes": step.minutes,
        "phase": step.phase or "",
        "required": step.required,
        "by": step.by.value,
        "asks_statement": step.asks_statement,
        "evidence": [each.value for each in step.evidence],
        "gate_quizzes": list(step.gate_quizzes),
        "gate_bound": "" if step.gate_bound is None else percent(step.gate_bound),
        "gate_minimum": step.gate_minimum,
        "about": "\n".join(teller.about(each) for each in step.about),
        "prerequisites": list(step.prerequisites),
        "recognise": step.recognise_days,
        "instructions_en": instructions.en,
        "instructions_ja": instructions.ja,
        "slug": step.slug,
    }
    form = PlanStepForm(**({} if is_posted else {"formdata": None, "data": data}))
    form.kind.choices = [SelectChoice(kind.value, str(word)) for kind, word in KINDS.items()]
    form.anchor.choices = _anchors(spec, step, teller)
    form.phase.choices = [
        SelectChoice("", _("Without a phase")),
        *(SelectChoice(each.slug, teller.phase(each.slug)) for each in spec.phases),
    ]
    if step.phase is not None and step.phase not in {each.slug for each in spec.phases}:
        form.phase.choices.append(SelectChoice(step.phase, step.phase))
    doers = list(Doer) if step.kind is StepKind.TASK else [Doer.MENTOR, Doer.LEAD]
    form.by.choices = [SelectChoice(each.value, str(DOERS[each])) for each in doers]
    form.evidence.choices = [SelectChoice(each.value, str(word)) for each, word in EVIDENCE.items()]
    quizzes = dict.fromkeys([*(each.quiz for each in spec.steps if each.quiz), *step.gate_quizzes])
    form.gate_quizzes.choices = [SelectChoice(each, str(teller.known.quizzes.get(each) or each)) for each in quizzes]
    others = {each.slug: each for each in reversed(spec.steps) if each.slug != step.slug}
    gone = [name for name in step.prerequisites if name not in others]
    form.prerequisites.choices = [
        *(SelectChoice(slug, teller.title_and_kind(each)) for slug, each in reversed(others.items())),
        *(SelectChoice(name, _("%(name)s (not in the plan)", name=name)) for name in gone),
    ]
    for name, kinds in _OF_KINDS.items():
        if step.kind not in kinds:
            del form[name]
    return form


def _anchor_value(step: StepSpec) -> str:
    return f"{EVENT}{step.event}" if step.event is not None else step.anchor or START


def _anchors(spec: PlanSpec, step: StepSpec, teller: PlanTeller) -> list[SelectChoice]:
    """Return what a step can be counted from: the start, the events, and the steps that stand before it."""
    steps = {each.slug: each for each in reversed(spec.steps)}

    def told(slug: str) -> SelectChoice:
        return SelectChoice(slug, _("Step: %(title)s", title=teller.title_and_kind(steps[slug])))

    before = []
    for each in spec.steps:
        if each.slug == step.slug:
            break
        before.append(each.slug)
    found = [SelectChoice(START, _("The first day of the plan"))]
    found += [
        SelectChoice(f"{EVENT}{each.slug}", _("Event: %(title)s", title=teller.event(each.slug)))
        for each in spec.events
    ]
    found += [told(slug) for slug in dict.fromkeys(before)]
    own = _anchor_value(step)
    if own not in {each.value for each in found}:
        name = own.removeprefix(EVENT)
        found.append(told(name) if name in steps else SelectChoice(own, _("%(name)s (not in the plan)", name=name)))
    return found


@blueprint.get("/plan-drafts/<code>/pulse")
@requires(WRITE_PLANS, on=get_plan_draft, see=SEE_PLAN_DRAFTS)
def plan_draft_pulse(draft: PlanDraft) -> Response:
    """Tell a page that is open how far the draft is and who else writes in it."""
    service.note_present(draft=draft, person=actor())
    saved_by = next(iter(people.list_people_of({draft.saved_by})), None)
    return jsonify(
        revision=draft.revision,
        is_open=draft.state is DraftState.WRITING,
        others=" ".join(others_told(draft)),
        by=saved_by.name_in(language()) if saved_by is not None else "",
    )

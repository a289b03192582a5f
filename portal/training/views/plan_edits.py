"""What a form of the page on which a plan is written, a key or a dragged bar asks for: one edit at a time."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

from flask import request, url_for
from werkzeug import Response

from portal.core.access import actor, requires, wants_json
from portal.core.content import SLUG
from portal.core.errors import DomainError, Invalid
from portal.core.i18n import Words, ngettext
from portal.core.i18n import gettext as _
from portal.core.once import Done, carry_out, has_number, once
from portal.core.transaction import transaction
from portal.training.errors import PlanPartGone
from portal.training.formats.plan_file import EVENT, START
from portal.training.forms import NAME_LIMIT, PlanPartForm, PlanTextsForm
from portal.training.models import PlanDraft
from portal.training.permissions import SEE_PLAN_DRAFTS, WRITE_PLANS
from portal.training.queries import catalogue, plan_drafts
from portal.training.queries.plan_drafts import Known, get_plan_draft, spec_of_draft
from portal.training.rules import (
    ADDRESS,
    Doer,
    EventSpec,
    EvidenceKind,
    PhaseSpec,
    PlanSpec,
    StepKind,
    StepSpec,
    editing,
)
from portal.training.rules.changes import What
from portal.training.service import plan_drafts as service
from portal.training.views import blueprint
from portal.training.views.plan_editor import PLAN, Chosen, answered, chosen_of, step_form
from portal.training.views.plan_words import PlanTeller

# A name that was given by the product, and gives way to one made from the title.
_GIVEN = re.compile(rf"{editing.GIVEN}(?:read|acknowledge|quiz|sign-off|task|session|gate|phase|event)(?:-\d+)?")


@dataclass(frozen=True, slots=True)
class _Edited:
    """What an edit did, in words, and what the form shows after it."""

    said: str
    at: str


class _Refused(Exception):
    """A form that was filled in wrongly; it is shown again with what was typed."""

    def __init__(self, form: Any) -> None:
        super().__init__()
        self.form = form


@blueprint.post("/plan-drafts/<code>/edit")
@requires(WRITE_PLANS, on=get_plan_draft, see=SEE_PLAN_DRAFTS)
def change_plan_draft(draft: PlanDraft) -> Response:
    """Change the plan: what a form of the page, a key or a dragged bar asks for."""
    code, at = draft.code, _at(draft)
    form: Any = None
    try:

        def work() -> Done:
            edited = _edit(draft)
            return Done(edited.said, url_for("training.edit_plan_draft", code=code, at=edited.at))

        if not wants_json():
            return carry_out(work)
        # An edit whose answer was lost is sent again under its number, and answered as the first time.
        if has_number():
            done = once(work)
            return answered(get_plan_draft(code), _at_of(done), said=done.message)
        with transaction():
            edited = _edit(draft)
        return answered(get_plan_draft(code), edited.at, said=edited.said)
    except _Refused as wrong:
        form, status, said = wrong.form, 400, ""
    except DomainError as refused:
        status, said = refused.status, str(refused)
        if _act() == "save":
            form = _form_sent(get_plan_draft(code), at, renamed_from=_slug_in(request.form.get("at", "")))
            if form is not None:
                form.form_errors.append(said)
    return answered(get_plan_draft(code), at, form=form, refused=said, status=status)


def _at(draft: PlanDraft) -> str:
    """Return what the form was of, by the name that it has now: another page may have named it since."""
    at = request.form.get("at", PLAN)[:80]
    what = next((each for each in (What.STEP, What.PHASE, What.EVENT) if at.startswith(f"{each.value}.")), None)
    if what is None or chosen_of(spec_of_draft(draft), at).at == at:
        return at
    now = plan_drafts.slug_now(draft, what, _slug_in(at))
    return at if now is None else Chosen(what, now).at


def _slug_in(at: str) -> str:
    return at[:80].partition(".")[2]


def _form_sent(draft: PlanDraft, at: str, *, renamed_from: str) -> Any:
    """Return the form as it was sent, for whoever has to look at it again; None where its part is gone.

    A name that was left as it was is the one that the part has now.
    """
    spec = spec_of_draft(draft)
    chosen = chosen_of(spec, at)
    if chosen.at != at:
        return None
    form: Any
    match chosen.what:
        case What.PLAN:
            return PlanTextsForm()
        case What.STEP:
            step = editing.get_step(spec, chosen.slug)
            form = step_form(spec, step, PlanTeller(spec, plan_drafts.read_known()), is_posted=True)
        case _:
            form = PlanPartForm()
    if form.slug.data == renamed_from:
        form.slug.data = chosen.slug
    return form


def _at_of(done: Done) -> str:
    """Return what the form shows on the page to which an edit leads."""
    return parse_qs(urlsplit(done.location).query).get("at", [PLAN])[0]


def _edit(draft: PlanDraft) -> _Edited:
    verb = _ACTS.get(_act())
    if verb is None:
        raise Invalid()
    return verb(draft)


def _act() -> str:
    """Return what is asked for; a button that also says by how much is named `act-shift`, with that as its value."""
    named = next((name for name in request.form if name.startswith("act-")), "")
    return request.form.get("act") or named.removeprefix("act-")


def _shift(draft: PlanDraft) -> _Edited:
    slug, days = _sent("step"), _number("days", 500)
    service.change(draft=draft, edit=lambda spec: editing.shift(spec, slug, days), by=actor())
    spec, teller = _now(draft)
    step = editing.get_step(spec, slug)
    said = _("“%(title)s”: %(due)s.", title=teller.title_of(step), due=teller.due(step))
    along = editing.follow(spec, slug)
    if along:
        said += " " + ngettext("%(num)d step moves along.", "%(num)d steps move along.", along)
    return _Edited(said, f"step.{slug}")


def _move(draft: PlanDraft) -> _Edited:
    slug, by = _sent("step"), _number("by", 1)
    service.change(draft=draft, edit=lambda spec: editing.move(spec, slug, by), by=actor())
    return _told_place(draft, slug)


def _place(draft: PlanDraft) -> _Edited:
    slug, before, phase = _sent("step"), request.form.get("before") or None, request.form.get("phase") or None

    def edit(spec: PlanSpec) -> PlanSpec:
        if phase is not None:
            editing.get_phase(spec, phase)
        return editing.place(spec, slug, before, phase)

    service.change(draft=draft, edit=edit, by=actor())
    return _told_place(draft, slug)


def _told_place(draft: PlanDraft, slug: str) -> _Edited:
    spec, teller = _now(draft)
    step = editing.get_step(spec, slug)
    place = [each.slug for each in spec.steps].index(slug) + 1
    said = _(
        "“%(title)s” is number %(place)s of %(count)s.",
        title=teller.title_of(step),
        place=place,
        count=len(spec.steps),
    )
    if step.phase is not None:
        said += " " + _("Phase: %(phase)s.", phase=teller.phase(step.phase))
    return _Edited(said, f"step.{slug}")


def _add_step(draft: PlanDraft) -> _Edited:
    kind = next((each for each in StepKind if each == request.form.get("kind")), None)
    if kind is None:
        raise Invalid()
    after, phase = request.form.get("after") or None, request.form.get("in_phase") or None
    before = {step.slug for step in spec_of_draft(draft).steps}
    service.change(draft=draft, edit=lambda spec: editing.add_step(spec, kind, after=after, phase=phase), by=actor())
    spec, _teller = _now(draft)
    slug = next(step.slug for step in spec.steps if step.slug not in before)
    return _Edited(_("The step has been added. Its form is open."), f"step.{slug}")


def _remove_step(draft: PlanDraft) -> _Edited:
    slug = _sent("step")
    spec, teller = _now(draft)
    title, slugs = teller.title(slug), [each.slug for each in spec.steps]
    place = slugs.index(slug) if slug in slugs else 0
    service.change(draft=draft, edit=lambda found: editing.remove_step(found, slug), by=actor())
    left = [each.slug for each in _now(draft)[0].steps]
    at = f"step.{left[min(place, len(left) - 1)]}" if left else PLAN
    return _Edited(_("“%(title)s” has been removed.", title=title), at)


def _add_part(draft: PlanDraft, add: Callable[[PlanSpec, Words], PlanSpec], what: What) -> _Edited:
    title = Words("", "")
    service.change(draft=draft, edit=lambda spec: add(spec, title), by=actor())
    spec, _teller = _now(draft)
    if what is What.PHASE:
        return _Edited(_("The phase has been added. Its form is open."), f"phase.{spec.phases[-1].slug}")
    return _Edited(_("The event has been added. Its form is open."), f"event.{spec.events[-1].slug}")


def _remove_phase(draft: PlanDraft) -> _Edited:
    slug = _sent("phase")
    title = _now(draft)[1].phase(slug)
    service.change(draft=draft, edit=lambda spec: editing.remove_phase(spec, slug), by=actor())
    return _Edited(_("“%(title)s” has been removed.", title=title), PLAN)


def _move_phase(draft: PlanDraft) -> _Edited:
    slug, by = _sent("phase"), _number("by", 1)
    service.change(draft=draft, edit=lambda spec: editing.move_phase(spec, slug, by), by=actor())
    spec, teller = _now(draft)
    place = [each.slug for each in spec.phases].index(slug) + 1
    said = _(
        "“%(title)s” is number %(place)s of %(count)s.", title=teller.phase(slug), place=place, count=len(spec.phases)
    )
    return _Edited(said, f"phase.{slug}")


def _remove_event(draft: PlanDraft) -> _Edited:
    slug = _sent("event")
    title = _now(draft)[1].event(slug)
    service.change(draft=draft, edit=lambda spec: editing.remove_event(spec, slug), by=actor())
    return _Edited(_("“%(title)s” has been removed.", title=title), PLAN)


def _undo(draft: PlanDraft) -> _Edited:
    service.undo(draft=draft, by=actor())
    return _Edited(_("The last change has been undone."), request.form.get("at", PLAN)[:80])


def _redo(draft: PlanDraft) -> _Edited:
    service.redo(draft=draft, by=actor())
    return _Edited(_("The change has been made again."), request.form.get("at", PLAN)[:80])


def _save(draft: PlanDraft) -> _Edited:
    """Save the facts of what is chosen as the form says them."""
    at, was = _at(draft), request.form.get("was", "")
    spec = spec_of_draft(draft)
    chosen = chosen_of(spec, at)
    if chosen.at != at:
        raise PlanPartGone()
    part: PlanSpec | StepSpec | PhaseSpec | EventSpec
    if chosen.what is What.PLAN:
        part = _texts_sent(spec)
    elif chosen.what is What.STEP:
        part = _step_sent(spec, editing.get_step(spec, chosen.slug))
    else:
        part = _part_sent(chosen.what)
    if not isinstance(part, PlanSpec) and _is_settled() and part.slug == chosen.slug:
        part = _named(spec, part)
    service.put_part(draft=draft, slug=chosen.slug, part=part, was=was, by=actor())
    slug = "" if isinstance(part, PlanSpec) else part.slug
    return _Edited(_("Saved."), Chosen(chosen.what, slug).at)


def _is_settled() -> bool:
    """Say whether what was typed is whole: a module also saves while somebody is still typing."""
    return not wants_json() or "settled" in request.form


def _named(spec: PlanSpec, part: StepSpec | PhaseSpec | EventSpec) -> StepSpec | PhaseSpec | EventSpec:
    """Return the part with a name made from its title, document or quiz, where it has none but a given one."""
    if not _GIVEN.fullmatch(part.slug):
        return part
    wanted = editing.propose_slug(part.title.en) if part.title is not None else ""
    things: tuple[StepSpec, ...] | tuple[PhaseSpec, ...] | tuple[EventSpec, ...]
    if isinstance(part, StepSpec):
        things = spec.steps
        named = part.document or part.quiz
        if not wanted and named:
            wanted = f"{part.kind.value}-{named}"[:NAME_LIMIT].rstrip("-")
    else:
        things = spec.phases if isinstance(part, PhaseSpec) else spec.events
    if not wanted:
        return part
    return replace(part, slug=editing.free_slug(wanted, {each.slug for each in things} - {part.slug}))


def _texts_sent(spec: PlanSpec) -> PlanSpec:
    form = PlanTextsForm()
    if not form.validate():
        raise _Refused(form)
    return replace(
        spec,
        title=_words(form, "title") or Words("", ""),
        summary=_words(form, "summary") or Words("", ""),
        number=form.number.data or "",
        credential=form.credential.data or None,
    )


def _part_sent(what: What) -> PhaseSpec | EventSpec:
    form = PlanPartForm()
    if not form.validate() or not _is_slug(form):
        raise _Refused(form)
    title = _words(form, "title") or Words("", "")
    return PhaseSpec(form.slug.data or "", title) if what is What.PHASE else EventSpec(form.slug.data or "", title)


def _step_sent(spec: PlanSpec, step: StepSpec) -> StepSpec:
    known = plan_drafts.read_known()
    form = step_form(spec, step, PlanTeller(spec, known), is_posted=True)
    is_valid = form.validate() and _is_slug(form)
    document = _found(form, "document", known.documents, _("There is no document “%(name)s”. Choose one of the list."))
    quiz = _found(form, "quiz", known.quizzes, _("There is no quiz “%(name)s”. Choose one of the list."))
    about = _about_sent(form, known.documents)
    if not is_valid or form.errors:
        raise _Refused(form)
    anchor = str(form.anchor.data)
    event = anchor.removeprefix(EVENT) if anchor.startswith(EVENT) else None
    assert form.due.data is not None
    assert form.minutes.data is not None
    sent = replace(
        step,
        slug=form.slug.data or "",
        title=_words(form, "title"),
        instructions=_words(form, "instructions"),
        due_days=form.due.data,
        anchor=None if event is not None or anchor == START else anchor,
        event=event,
        minutes=form.minutes.data,
        phase=form.phase.data or None,
        required=bool(form.required.data),
        prerequisites=tuple(form.prerequisites.data or ()),
        recognise_days=form.recognise.data,
        document=document,
        quiz=quiz,
    )
    if "by" in form:
        sent = replace(sent, by=Doer(str(form.by.data)))
    if "asks_statement" in form:
        sent = replace(sent, asks_statement=bool(form.asks_statement.data))
    if "evidence" in form:
        wanted = form.evidence.data or ()
        # In one order, so that a file is written again as it is read.
        sent = replace(sent, evidence=tuple(each for each in EvidenceKind if each in wanted))
    if "gate_bound" in form:
        sent = replace(
            sent,
            gate_quizzes=tuple(form.gate_quizzes.data or ()),
            gate_bound=form.gate_bound.share,
            gate_minimum=form.gate_minimum.data,
        )
    if "about" in form:
        sent = replace(sent, about=about)
    return editing.as_kind(sent, StepKind(str(form.kind.data))) if form.kind.data != step.kind else sent


def _is_slug(form: Any) -> bool:
    if SLUG.fullmatch(form.slug.data or "") and form.slug.data != START:
        return True
    form.slug.errors = [
        *form.slug.errors,
        _("Use lower-case letters a to z, digits and hyphens, at most 60, starting with a letter; not “start”."),
    ]
    return False


def _found(form: Any, name: str, known: Mapping[str, Words], said: str) -> str | None:
    """Return the slug of what was chosen by its name or title, or note that there is no such thing."""
    if name not in form or not form[name].data:
        return None
    typed = form[name].data
    folded = typed.casefold()
    slug = next(
        (each for each, title in known.items() if folded in (each, title.en.casefold(), title.ja.casefold())), None
    )
    if slug is None:
        form[name].errors = [*form[name].errors, said % {"name": typed}]
    return slug


def _about_sent(form: Any, known: Mapping[str, Words]) -> tuple[str, ...]:
    """Return the documents and clauses that were named, a line each; what there is not is said at the field."""
    if "about" not in form or not form.about.data:
        return ()
    found: list[str] = []
    for line in filter(None, (each.strip() for each in form.about.data.splitlines())):
        name, hash_, clause = line.partition("#") if ADDRESS.fullmatch(line) else (line, "", "")
        folded = name.casefold()
        slug = next((each for each, of in known.items() if folded in (each, of.en.casefold(), of.ja.casefold())), None)
        if slug is None or (clause and not catalogue.has_clause(slug, clause)):
            said = _("There is no document or clause “%(name)s”. Write its title or its address.", name=line)
            form.about.errors = [*form.about.errors, said]
        else:
            found.append(f"{slug}{hash_}{clause}")
    return tuple(dict.fromkeys(found))


def _words(form: Any, name: str) -> Words | None:
    """Return a text in both languages; None where it is empty in both."""
    found = Words(form[f"{name}_en"].data or "", form[f"{name}_ja"].data or "")
    return found if found.en or found.ja else None


def _now(draft: PlanDraft) -> tuple[PlanSpec, PlanTeller]:
    """Return the plan as the draft has it by now, told without what its documents and quizzes are called."""
    spec = spec_of_draft(draft)
    return spec, PlanTeller(spec, _known_of(spec))


def _known_of(spec: PlanSpec) -> Known:
    return Known(
        catalogue.document_titles(
            {each.document for each in spec.steps if each.document}
            | {name for each in spec.steps for name in each.about if "#" not in name}
        ),
        catalogue.quiz_titles({each.quiz for each in spec.steps if each.quiz}),
    )


def _sent(name: str) -> str:
    return request.form.get(name, "")[:60]


def _number(name: str, most: int) -> int:
    """Return a whole number that a button or module sent. Raises `Invalid` for anything else."""
    text = request.form.get(name) or request.form.get(f"act-{_act()}", "")
    try:
        number = int(text) if len(text) <= 5 else most + 1
    except ValueError:
        raise Invalid() from None
    if not -most <= number <= most:
        raise Invalid()
    return number


_ACTS: Mapping[str, Callable[[PlanDraft], _Edited]] = {
    "save": _save,
    "shift": _shift,
    "move": _move,
    "place": _place,
    "add_step": _add_step,
    "remove_step": _remove_step,
    "add_phase": lambda draft: _add_part(draft, editing.add_phase, What.PHASE),
    "move_phase": _move_phase,
    "remove_phase": _remove_phase,
    "add_event": lambda draft: _add_part(draft, editing.add_event, What.EVENT),
    "remove_event": _remove_event,
    "undo": _undo,
    "redo": _redo,
}

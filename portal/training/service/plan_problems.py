"""What is wrong with a plan that is being written, in words, each with the part of it where it is to be mended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from portal.core.content import MAX_FILE_BYTES, SLUG
from portal.core.i18n import Words, format_minutes, ngettext, pgettext
from portal.core.i18n import gettext as _
from portal.training import rules
from portal.training.formats.plan_file import START, written
from portal.training.models import PlanVersion
from portal.training.queries.plan_drafts import Known
from portal.training.rules import FaultKind, PlanSpec, StepSpec
from portal.training.rules.changes import What
from portal.training.rules.timeline import tightness, timeline
from portal.training.service import plans
from portal.training.service.plans import BY_SLUG, Called

MAX_NUMBER = 20


@dataclass(frozen=True, slots=True)
class Problem:
    """Something to mend; a warning can stay. `slug` is that of the step, phase or event, empty for the plan."""

    what: What
    slug: str
    said: str
    is_warning: bool = False


def problems_of(spec: PlanSpec, *, known: Known, latest: PlanVersion | None, called: Called = BY_SLUG) -> list[Problem]:
    """Return everything that keeps a plan from being published, then what is worth a second look.

    `called` says what its readers call the parts of the plan.
    """
    found = _of_plan(spec, latest) + _of_names(spec)
    for number, said in plans.faults_of_events(spec, called):
        found.append(Problem(What.EVENT, spec.events[number - 1].slug, said))
    for step in spec.steps:
        found += [Problem(What.STEP, step.slug, said) for said in _of_step(step, spec, known, called)]
    for fault in rules.faults(spec.shapes):
        if fault.kind is FaultKind.NO_REQUIRED_STEP and not spec.steps:
            continue
        what = What.STEP if fault.slug else What.PLAN
        found.append(Problem(what, fault.slug, plans.in_words(fault, called), fault.kind in rules.WARNINGS))
    if not any(not each.is_warning for each in found) and len(written(spec).encode()) > MAX_FILE_BYTES:
        said = _("The plan is longer than a file of %(most)s KB holds. Shorten it.", most=MAX_FILE_BYTES // 1024)
        found.append(Problem(What.PLAN, "", said))
    found += _of_load(spec, called, is_sound=not any(not each.is_warning for each in found))
    return sorted(found, key=lambda each: each.is_warning)


def _of_plan(spec: PlanSpec, latest: PlanVersion | None) -> list[Problem]:
    said = []
    for field, words in ((_("title"), spec.title), (_("summary"), spec.summary)):
        said += _missing(words, field, is_needed=True)
    try:
        key = rules.number_key(spec.number if len(spec.number) <= MAX_NUMBER else "")
    except ValueError:
        said.append(_("“%(number)s” is no version number. Write one like 1.0.", number=spec.number))
    else:
        if latest is not None and key <= rules.number_key(latest.number):
            said.append(
                _(
                    "The version %(number)s is not higher than %(latest)s, which is published.",
                    number=spec.number,
                    latest=latest.number,
                )
            )
    if spec.credential is not None and not SLUG.fullmatch(spec.credential):
        said.append(_("“%(name)s” is no name of a credential.", name=spec.credential))
    if not spec.steps:
        said.append(_("The plan has no steps. Add the first one."))
    return [Problem(What.PLAN, "", each) for each in said]


def _missing(words: Words | None, field: str, *, is_needed: bool) -> list[str]:
    """Say in which languages a text is missing; one that is needed in none is whole where it is empty in both."""
    has = {"en": bool(words and words.en.strip()), "ja": bool(words and words.ja.strip())}
    if all(has.values()) or (not is_needed and not any(has.values())):
        return []
    if not any(has.values()):
        return [_("The %(field)s is missing in English and Japanese.", field=field)]
    if has["en"]:
        return [_("The %(field)s is missing in Japanese.", field=field)]
    return [_("The %(field)s is missing in English.", field=field)]


def _of_names(spec: PlanSpec) -> list[Problem]:
    found = []
    doubled = Counter(phase.slug for phase in spec.phases)
    for phase in spec.phases:
        found += [Problem(What.PHASE, phase.slug, said) for said in _missing(phase.title, _("title"), is_needed=True)]
        if doubled[phase.slug] > 1:
            said = _("The phase “%(name)s” stands twice.", name=phase.slug)
            found.append(Problem(What.PHASE, phase.slug, said))
    for event in spec.events:
        found += [Problem(What.EVENT, event.slug, said) for said in _missing(event.title, _("title"), is_needed=True)]
    for what, things in ((What.PHASE, spec.phases), (What.EVENT, spec.events), (What.STEP, spec.steps)):
        for each in things:
            if not SLUG.fullmatch(each.slug) or each.slug == START:
                said = _("“%(name)s” cannot be a name in a plan.", name=each.slug)
                found.append(Problem(what, each.slug, said))
    return found


def _of_step(step: StepSpec, spec: PlanSpec, known: Known, called: Called) -> list[str]:
    said = plans.faults_of_step(step, spec, called)
    if step.title is not None:
        said += _missing(step.title, _("title"), is_needed=step.kind in rules.BY_OTHERS | rules.WITH_A_WORD)
    said += _missing(step.instructions, _("instruction"), is_needed=False)
    if step.document is not None and step.document not in known.documents:
        said.append(_("There is no document “%(name)s”.", name=step.document))
    said += [
        _("There is no quiz “%(name)s”.", name=name)
        for name in ([step.quiz] if step.quiz is not None else []) + list(step.gate_quizzes)
        if name not in known.quizzes
    ]
    return said


def _of_load(spec: PlanSpec, called: Called, *, is_sound: bool) -> list[Problem]:
    """Return the days that hold too much, and whether the plan is too short for what it asks."""
    found = []
    placed = timeline(spec)
    for day, minutes in placed.heavy.items():
        on_it = placed.due[day]
        said = _(
            "%(time)s of training are due on the same working day (%(steps)s). "
            "More than 6 hours is too much for one day.",
            time=format_minutes(minutes),
            steps=_listed([called.step(each) for each in on_it]),
        )
        found.append(Problem(What.STEP, on_it[-1], said, True))
    tight = tightness(spec) if is_sound and spec.steps else None
    if tight is not None:
        said = ngettext(
            "The required steps need %(num)d working day at 6 hours a day; the plan has %(there)s.",
            "The required steps need %(num)d working days at 6 hours a day; the plan has %(there)s.",
            tight.needed,
            there=tight.there,
        )
        found.append(Problem(What.PLAN, "", said, True))
    return found


def _listed(names: Sequence[str]) -> str:
    return pgettext("list", ", ").join(names[:5]) + (" …" if len(names) > 5 else "")

"""How pages tell plans that are written: kinds of steps, when each is due, and what differs between two plans."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from portal.core.i18n import (
    LazyText,
    Words,
    format_minutes,
    format_percent,
    language,
    lazy_pgettext,
    ngettext,
    pgettext,
)
from portal.core.i18n import gettext as _
from portal.core.i18n import lazy_gettext as _l
from portal.training.queries.plan_drafts import Known, title_of
from portal.training.rules import (
    GATE_MINIMUM,
    Doer,
    EvidenceKind,
    PlanSpec,
    StepKind,
    StepShape,
    StepSpec,
    extent,
)
from portal.training.rules.changes import Became, Change, Difference, What, changes
from portal.training.rules.drafting import DraftAct, DraftState
from portal.training.rules.timeline import Timeline, timeline
from portal.training.service.plans import Called

KINDS: Mapping[StepKind, LazyText] = {
    StepKind.READ: _l("Reading"),
    StepKind.ACKNOWLEDGE: _l("Confirmation"),
    StepKind.QUIZ: _l("Knowledge check"),
    StepKind.TASK: _l("Task"),
    StepKind.SESSION: _l("Session"),
    StepKind.SIGN_OFF: _l("Sign-off"),
    StepKind.GATE: _l("Gate"),
}
DOERS: Mapping[Doer, LazyText] = {
    Doer.LEARNER: _l("Learner"),
    Doer.MENTOR: _l("Mentor"),
    Doer.LEAD: _l("Lead"),
}
EVIDENCE: Mapping[EvidenceKind, LazyText] = {
    EvidenceKind.TEXT: _l("Text"),
    EvidenceKind.LINK: _l("Link"),
    EvidenceKind.FILE: _l("File"),
}
STATES: Mapping[DraftState, tuple[str, LazyText]] = {
    DraftState.WRITING: ("draft", _l("Being written")),
    DraftState.IN_REVIEW: ("waiting", _l("Waits for approval")),
    DraftState.PUBLISHED: ("done", _l("Published")),
    DraftState.DISCARDED: ("withdrawn", lazy_pgettext("draft", "Discarded")),
}
ACTS: Mapping[DraftAct, LazyText] = {
    DraftAct.SUBMITTED: _l("Submitted"),
    DraftAct.TAKEN_BACK: _l("Taken back"),
    DraftAct.SENT_BACK: _l("Sent back"),
    DraftAct.APPROVED: _l("Approved and published"),
    DraftAct.DISCARDED: lazy_pgettext("draft", "Discarded"),
}
_BECAME: Mapping[Became, tuple[str, LazyText]] = {
    Became.ADDED: ("added", lazy_pgettext("change", "Added")),
    Became.REMOVED: ("removed", lazy_pgettext("change", "Removed")),
    Became.CHANGED: ("changed", lazy_pgettext("change", "Changed")),
    Became.MOVED: ("moved", lazy_pgettext("change", "Moved")),
}
_FIELDS: Mapping[str, LazyText] = {
    "title": _l("Title"),
    "summary": _l("Summary"),
    "credential": _l("Credential"),
    "kind": _l("Kind"),
    "due": _l("Due"),
    "phase": _l("Phase"),
    "document": _l("Document"),
    "quiz": _l("Quiz"),
    "instructions": _l("Instructions"),
    "minutes": lazy_pgettext("field", "Minutes"),
    "required": _l("Required"),
    "by": _l("Done by"),
    "prerequisites": _l("Comes after"),
    "asks_statement": _l("Ask for a sentence about what was shown"),
    "recognise_days": _l("Recognised up to"),
    "evidence": _l("What can be handed in"),
    "gate_quizzes": _l("Quizzes that the gate rests on"),
    "gate_bound": _l("Lower bound"),
    "gate_minimum": _l("On how many questions at least"),
    "about": _l("Documents that it is about"),
}
# What together says when a step is due.
_DUE = frozenset({"due_days", "anchor", "event"})


def _is_named(step: StepSpec) -> bool:
    titled = step.title is not None and bool(step.title.en or step.title.ja)
    return titled or step.document is not None or step.quiz is not None


def day_number(offset: int) -> str:
    """Write a working day of a plan: 0 after the start is day 1, the one before it is −1."""
    return str(offset + 1) if offset >= 0 else f"\u2212{-offset}"


@dataclass(frozen=True, slots=True)
class PlanTeller:
    """Tells one plan in the reader's language."""

    spec: PlanSpec
    known: Known
    # Where its steps stand, once that has been asked for.
    _line: list[Timeline] = field(default_factory=list, init=False, repr=False, compare=False)

    def title(self, slug: str) -> str:
        """Return what a step is called, by its slug; of one that is not there the slug."""
        step = next((each for each in self.spec.steps if each.slug == slug), None)
        return slug if step is None else self.title_of(step)

    def title_of(self, step: StepSpec) -> str:
        """Return what a step is called; of one that has no title yet its kind and when it is due."""
        if _is_named(step):
            return str(title_of(step, self.known))
        return _("%(kind)s without a title (%(due)s)", kind=KINDS[step.kind], due=self._day(step))

    def title_and_kind(self, step: StepSpec) -> str:
        """Return what a step is called and of what kind it is, as the rows of the list say it."""
        return f"{self.title_of(step)} · {KINDS[step.kind]}" if _is_named(step) else self.title_of(step)

    @property
    def called(self) -> Called:
        """How faults name the plan's parts; steps of the same title are told apart by their kind."""
        titles: dict[str, str] = {}
        kinds: dict[str, str] = {}
        for step in self.spec.steps:
            titles.setdefault(step.slug, self.title_of(step))
            kinds.setdefault(step.slug, self.title_and_kind(step))
        often = Counter(titles.values())
        names = {slug: kinds[slug] if often[title] > 1 else title for slug, title in titles.items()}
        return Called(
            step=lambda slug: names.get(slug, slug),
            event=self.event,
            quiz=lambda slug: str(self.known.quizzes.get(slug) or slug),
        )

    def part(self, what: What, slug: str) -> str:
        """Return what a step, phase or event is called, or a field of the plan; the plan itself is called that."""
        match what:
            case What.STEP:
                return self.title(slug)
            case What.PHASE:
                return self.phase(slug)
            case What.EVENT:
                return self.event(slug)
        return str(_FIELDS[slug]) if slug in _FIELDS else _("Plan")

    def _day(self, step: StepSpec) -> str:
        """Say when a step is due by the start or its event, whatever steps are counted from one another between."""
        if not self._line:
            self._line.append(timeline(self.spec))
        placed, events = self._line[0].placed[step.slug], self._line[0].events
        days = placed.day - (events[placed.origin] if placed.origin is not None else 0)
        return self.due(replace(step, anchor=None, event=placed.origin, due_days=days))

    def phase(self, slug: str | None) -> str:
        """Return what a phase is called; of one that has no title yet its place."""
        if slug is None:
            return _("Without a phase")
        for number, phase in enumerate(self.spec.phases, start=1):
            if phase.slug == slug:
                return str(phase.title) or _("Phase without a title (number %(number)s)", number=number)
        return slug

    def event(self, slug: str) -> str:
        """Return what an event is called; of one that has no title yet its place."""
        for number, event in enumerate(self.spec.events, start=1):
            if event.slug == slug:
                return str(event.title) or _("Event without a title (number %(number)s)", number=number)
        return slug

    def due(self, step: StepSpec) -> str:
        """Say when a step is due, by what it is counted from."""
        days = step.due_days
        if step.anchor is None and step.event is None:
            if days >= 0:
                return _("Working day %(number)s", number=days + 1)
            return ngettext(
                "%(num)d working day before the first day", "%(num)d working days before the first day", -days
            )
        what = self.event(step.event) if step.event is not None else self.title(step.anchor or "")
        if days == 0:
            return _("On the day of “%(what)s”", what=what)
        if days < 0:
            return ngettext(
                "%(num)d working day before “%(what)s”", "%(num)d working days before “%(what)s”", -days, what=what
            )
        return ngettext(
            "%(num)d working day after “%(what)s”", "%(num)d working days after “%(what)s”", days, what=what
        )

    def value(self, name: str, value: Any) -> str:
        """Write what a field of a plan or one of its parts says; a dash where it says nothing."""
        if isinstance(value, Words):
            return self._words(value)
        if name in ("prerequisites", "gate_quizzes", "evidence", "about"):
            return self._listed(name, value)
        told: str | None = None
        match name, value:
            case _, None:
                told = str(GATE_MINIMUM) if name == "gate_minimum" else None
            case "kind", StepKind():
                told = str(KINDS[value])
            case "by", Doer():
                told = str(DOERS[value])
            case "phase", str():
                told = self.phase(value)
            case "document", str():
                told = str(self.known.documents.get(value) or value)
            case "quiz", str():
                told = str(self.known.quizzes.get(value) or value)
            case "minutes", int():
                told = format_minutes(value) if value else None
            case "recognise_days", int():
                told = ngettext("%(num)d day", "%(num)d days", value)
            case _, bool():
                told = pgettext("answer", "Yes") if value else pgettext("answer", "No")
            case _, Fraction():
                told = format_percent(value)
            case _:
                told = str(value)
        return told or "–"

    def _words(self, words: Words) -> str:
        if words.en == words.ja:
            return words.en or "–"
        return f"EN: {words.en or '–'} / JA: {words.ja or '–'}"

    def about(self, name: str) -> str:
        """Return what a document is called; of a clause its address."""
        return name if "#" in name else str(self.known.documents.get(name) or name)

    def _listed(self, name: str, values: Sequence[str]) -> str:
        if name == "prerequisites":
            said = [self.title(each) for each in values]
        elif name == "gate_quizzes":
            said = [str(self.known.quizzes.get(each) or each) for each in values]
        elif name == "about":
            said = [self.about(each) for each in values]
        else:
            said = [str(EVIDENCE[EvidenceKind(each)]) for each in values]
        return pgettext("list", ", ").join(said) or "–"


def told_changes(before: PlanSpec, after: PlanSpec, known: Known) -> list[dict[str, Any]]:
    """Say what differs between two plans: each thing, what became of it, and old → new of each field."""
    old, new = PlanTeller(before, known), PlanTeller(after, known)
    return [_told(change, old, new) for change in changes(before, after)]


def _told(change: Change, old: PlanTeller, new: PlanTeller) -> dict[str, Any]:
    teller = old if change.became is Became.REMOVED else new
    what, title = _name_of(change, teller)
    state, word = _BECAME[change.became]
    rows = _rows(change, old, new)
    if change.has_moved and change.became is Became.CHANGED:
        rows.append((_("Place in the order"), "", _("Another one")))
    return {
        "what": change.what.value,
        "kind": what,
        "slug": change.slug,
        "title": title,
        "state": state,
        "word": str(word),
        "rows": rows,
        "note": _note_of(change, teller),
    }


def _name_of(change: Change, teller: PlanTeller) -> tuple[str, str]:
    match change.what:
        case What.PLAN:
            return _("Plan"), str(teller.spec.title)
        case What.PHASE:
            return _("Phase"), teller.phase(change.slug)
        case What.EVENT:
            return _("Event"), teller.event(change.slug)
        case What.STEP:
            step = next(each for each in teller.spec.steps if each.slug == change.slug)
            return str(KINDS[step.kind]), teller.title_of(step)


def _note_of(change: Change, teller: PlanTeller) -> str:
    if change.what is not What.STEP or change.became not in (Became.ADDED, Became.REMOVED):
        return ""
    step = next(each for each in teller.spec.steps if each.slug == change.slug)
    return teller.due(step)


def _rows(change: Change, old: PlanTeller, new: PlanTeller) -> list[tuple[str, str, str]]:
    found = []
    if change.what is What.STEP and _DUE & {each.name for each in change.differences}:
        before, after = (next(each for each in teller.spec.steps if each.slug == change.slug) for teller in (old, new))
        found.append((str(_FIELDS["due"]), old.due(before), new.due(after)))
    for each in change.differences:
        if each.name not in _DUE:
            found += _difference(each, old, new)
    return found


def _difference(each: Difference, old: PlanTeller, new: PlanTeller) -> list[tuple[str, str, str]]:
    label = str(_FIELDS[each.name])
    if isinstance(each.before, Words) and isinstance(each.after, Words):
        names = {"en": _("English"), "ja": _("Japanese")}
        return [
            (f"{label} ({names[tag]})", getattr(each.before, tag) or "–", getattr(each.after, tag) or "–")
            for tag in ("en", "ja")
            if getattr(each.before, tag) != getattr(each.after, tag)
        ]
    return [(label, old.value(each.name, each.before), new.value(each.name, each.after))]


def in_other_language(words: Words) -> str | None:
    """Return the language of a text where it is not there in the reader's, else None."""
    here = language()
    if (words.ja if here == "ja" else words.en) or not (words.en or words.ja):
        return None
    return "en" if here == "ja" else "ja"


def length_told(shapes: Sequence[StepShape], titles: Mapping[str, str]) -> str:
    """Say how long a plan is: its working days, or how far its steps lie around the events they are counted from.

    `titles` are those of its events by their slugs.
    """
    found = extent(shapes)
    told = [] if found.days is None else [ngettext("%(num)d working day", "%(num)d working days", found.days)]
    told += [_around(titles.get(event, event), first, last) for event, first, last in found.around]
    return str(_(", ")).join(told)


def _around(event: str, first: int, last: int) -> str:
    if first == last == 0:
        return _("on the day of “%(event)s”", event=event)
    if last <= 0:
        return ngettext(
            "from %(num)d working day before “%(event)s” to its day",
            "from %(num)d working days before “%(event)s” to its day",
            -first,
            event=event,
        )
    if first >= 0:
        return ngettext(
            "up to %(num)d working day after “%(event)s”",
            "up to %(num)d working days after “%(event)s”",
            last,
            event=event,
        )
    after = ngettext("%(num)d working day after it", "%(num)d working days after it", last)
    return ngettext(
        "from %(num)d working day before “%(event)s” to %(after)s",
        "from %(num)d working days before “%(event)s” to %(after)s",
        -first,
        event=event,
        after=after,
    )

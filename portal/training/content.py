"""`plans/<slug>.toml`: a plan's phases and steps, one version at a time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from fractions import Fraction
from pathlib import PurePosixPath
from typing import Any, TypeVar

from portal.accounts import queries as accounts
from portal.accounts.models import Person
from portal.accounts.service.ownership import set_owner_of_file
from portal.core.content import SLUG, ContentFile, ContentFolder, Finding, Section, line_of
from portal.core.i18n import Words, pgettext
from portal.core.i18n import gettext as _
from portal.training import rules
from portal.training.formats.plan_file import EVENT, NO_STATEMENT, START, written
from portal.training.models import Plan
from portal.training.queries import catalogue
from portal.training.rules import (
    Doer,
    EventSpec,
    EvidenceKind,
    Fault,
    FaultKind,
    PhaseSpec,
    PlanSpec,
    StepKind,
    StepSpec,
)
from portal.training.service import plans
from portal.training.service.owned import OWNED_KIND

_PLAN_KEYS = {"version", "owner", "deputy", "credential", "title", "summary", "phase", "event", "step"}
_PHASE_KEYS = {"slug", "title"}
_EVENT_KEYS = {"slug", "title"}
_STEP_KEYS = {
    "slug", "kind", "phase", "document", "quiz", "due", "anchor", "minutes", "required", "prerequisites", "by",
    "statement", "recognise", "evidence", "quizzes", "bound", "minimum", "about",
    "title", "instructions",
}  # fmt: skip
_MAX_NUMBER = 20
# Beyond what any rule accepts, and below what a database cannot count.
_MAX_WHOLE = 1_000_000
_PERCENT = re.compile(r"(\d{1,3})(?:\.(\d))? ?%")
T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)


class StatementAsked(StrEnum):
    """Whether a sign-off says in a sentence what was shown, as a file writes it."""

    REQUIRED = "required"
    NONE = NO_STATEMENT


class PlansPart:
    """The plans' share of the content folder."""

    folder = "plans"

    def check(self, folder: ContentFolder) -> None:
        """Look at every plan file; note what is wrong, and which plans there are."""
        found: dict[str, str | None] = {}
        specs = folder.shared.setdefault("training.plans", {})
        for file in folder.below(self.folder):
            if len(file.parts) != 2 or not file.path.endswith(".toml"):
                folder.error(
                    file.path, 0, _("This is no plan file."), _("A plan lies in plans/NAME.toml, one file a plan.")
                )
                continue
            slug = folder.slug_of(file, _slug(file))
            spec = _Reader(folder, file).read()
            if slug is not None and spec is not None:
                found[slug] = spec.credential
                specs[slug] = spec
        folder.shared["plans"] = set(found)
        folder.shared["plan_credentials"] = found

    def report(self, folder: ContentFolder) -> Iterator[Section]:
        """Tell how long the plans are and what they ask for."""
        specs: dict[str, PlanSpec] = folder.shared["training.plans"]
        header = (
            _("Plan"), _("Version"), _("Phases"), _("Steps"), _("Working days"),
            pgettext("report", "Minutes"), pgettext("report", "Documents"), _("Quizzes"), _("Credential"),
        )  # fmt: skip
        rows: list[tuple[object, ...]] = [
            (
                slug, spec.number, len(spec.phases), len(spec.steps), rules.extent(spec.shapes).days or "",
                sum(step.minutes for step in spec.steps), len({step.document for step in spec.steps if step.document}),
                len({step.quiz for step in spec.steps if step.quiz}), spec.credential or "",
            )
            for slug, spec in specs.items()
        ]  # fmt: skip
        yield Section(_("Training plans"), header, rows)

    def load(self, folder: ContentFolder, by: Person) -> list[str]:
        """Add a version wherever a plan says something new; owners are set as the files name them."""
        changes = []
        for file in folder.below(self.folder):
            reader = _Reader(folder, file)
            spec = reader.read(warn=False)
            if spec is None:
                continue
            slug, latest = _slug(file), catalogue.find_latest_version(_slug(file))
            changed = latest is not None and latest.digest != plans.digest_of(spec)
            if latest is not None and changed and not self._follows(folder, file, spec, latest.number):
                continue
            version, is_new = plans.create_plan_version(slug=slug, spec=spec, by=by)
            if is_new:
                changes.append(f"{file.path}: {version.number}")
            plan, stated = version.plan, reader.owners()
            if (plan.stated_owner, plan.stated_deputy) != stated or accounts.find_owner(OWNED_KIND, slug) is None:
                self._set_owner(folder, file, plan, stated, by)
                if not is_new:
                    changes.append(f"{file.path}: {stated[0]}")
        return changes

    def _follows(self, folder: ContentFolder, file: ContentFile, spec: PlanSpec, latest: str) -> bool:
        if rules.number_key(spec.number) > rules.number_key(latest):
            return True
        folder.error(
            file.path,
            line_of(file.text, "version"),
            _("The plan has changed, but version %(latest)s is known already with other contents.", latest=latest),
            _("Write a higher version than %(latest)s, so that those who follow the old one keep it.", latest=latest),
        )
        return False

    def _set_owner(
        self, folder: ContentFolder, file: ContentFile, plan: Plan, stated: tuple[str, str], by: Person
    ) -> None:
        """Make the people whom the file names owner and deputy; where she is not known, the importer becomes owner."""
        named: list[Person | None] = []
        for key, name in zip(("owner", "deputy"), stated, strict=True):
            person = accounts.find_person_by_sign_in_name(name) if name else None
            named.append(person if person is not None and person.is_active else None)
            if name and named[-1] is None:
                folder.warn(
                    file.path,
                    line_of(file.text, key),
                    _("Nobody signs in as %(name)s.", name=name),
                    _("%(person)s becomes the owner.", person=by.full_name)
                    if key == "owner"
                    else _("There is no deputy until somebody is named."),
                )
        owner, deputy = named[0] or by, named[1]
        if deputy is not None and deputy.id == owner.id:
            deputy = None
        line = line_of(file.text, "owner")
        set_owner_of_file(folder, file.path, line, kind=OWNED_KIND, code=plan.slug, owner=owner, deputy=deputy, by=by)
        plans.keep_stated_owner(plan=plan, owner=stated[0], deputy=stated[1], became=owner)

    def dump(self) -> Iterator[ContentFile]:
        """Yield the latest version of every plan."""
        versions = catalogue.list_latest_versions()
        owners = accounts.find_owners(OWNED_KIND, [version.plan.slug for version in versions])
        for version in versions:
            plan = version.plan
            ownership = owners.get(plan.slug)
            owner, deputy = plan.stated_owner, plan.stated_deputy
            if ownership is not None and ownership.owner.code != plan.stated_owner_became:
                owner = ownership.owner.sign_in_name
                deputy = ownership.deputy.sign_in_name if ownership.deputy else ""
            yield ContentFile(
                f"{self.folder}/{plan.slug}.toml", written(catalogue.spec_of(version), owner=owner, deputy=deputy)
            )

    def canonical(self, file: ContentFile) -> str | None:
        """Return the file as `dump` would write what it says."""
        folder = ContentFolder({})
        reader = _Reader(folder, file)
        spec = reader.read()
        if spec is None or folder.errors:
            return None
        owner, deputy = reader.owners()
        return written(spec, owner=owner, deputy=deputy)


def read_plan(name: str, data: bytes) -> tuple[PlanSpec | None, list[Finding]]:
    """Read the file of one plan by itself: what it says, or None with what keeps it from being read, line by line.

    What is wrong with the plan as a whole (an unknown step, a ring) keeps it from being imported, not from being read.
    """
    folder = ContentFolder({})
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as broken:
        line = data.count(b"\n", 0, broken.start) + 1
        folder.error(name, line, _("The file is not UTF-8."), _("Save it as UTF-8; nothing is guessed."))
        return None, folder.findings
    if text.startswith("\ufeff"):
        folder.error(name, 1, _("The file begins with a byte order mark."), _("Save it as UTF-8 without BOM."))
        return None, folder.findings
    file = ContentFile(name, text.replace("\r\n", "\n"))
    if folder.slug_of(file, _slug(file)) is None:
        return None, folder.findings
    return _Reader(folder, file).read_parts(), folder.findings


def _slug(file: ContentFile) -> str:
    return PurePosixPath(file.path).stem


class _Reader:
    """Reads one plan file; every fault becomes a finding with its line."""

    def __init__(self, folder: ContentFolder, file: ContentFile) -> None:
        self.folder, self.file = folder, file
        self.table: dict[str, Any] = {}
        self._lines = file.text.splitlines()

    def read(self, *, warn: bool = True) -> PlanSpec | None:
        """Return what the file says, or None after noting why it cannot be taken."""
        before = len(self.folder.errors)
        spec = self.read_parts()
        if spec is None:
            return None
        self._check_whole(spec, warn)
        return None if len(self.folder.errors) > before else spec

    def read_parts(self) -> PlanSpec | None:
        """Return what the file says, part by part; None after noting what cannot be read."""
        before = len(self.folder.errors)
        table = self.folder.read_toml(self.file)
        if table is None:
            return None
        self.table = table
        self._known_keys(table, _PLAN_KEYS, 0)
        number = table.get("version")
        try:
            rules.number_key(number if isinstance(number, str) and len(number) <= _MAX_NUMBER else "")
        except ValueError:
            self._fault("version", _("“version” must be a number in quotation marks."), _('Write version = "1.0".'))
        for key in ("owner", "deputy"):
            self.folder.sign_in_name(self.file, table, key)
        credential = table.get("credential")
        if credential is not None and not (isinstance(credential, str) and SLUG.fullmatch(credential)):
            self._fault("credential", _("“credential” must be the name of a credential."), _("Correct or remove it."))
        title = self.folder.words(self.file, table, "title")
        summary = self.folder.words(self.file, table, "summary")
        phases = [self._phase(entry, number) for number, entry in enumerate(self._entries(table, "phase"), start=1)]
        events = [self._event(entry, number) for number, entry in enumerate(self._entries(table, "event"), start=1)]
        steps = [self._step(entry, number) for number, entry in enumerate(self._entries(table, "step"), start=1)]
        if not steps:
            self._fault("step", _("The plan has no steps."), _("Add at least one entry [[step]]."))
        if len(self.folder.errors) > before or title is None or summary is None:
            return None
        return PlanSpec(
            number=str(number),
            title=title,
            summary=summary,
            credential=credential,
            phases=tuple(phase for phase in phases if phase),
            steps=tuple(step for step in steps if step),
            events=tuple(event for event in events if event),
        )

    def owners(self) -> tuple[str, str]:
        """Return whom the file names as owner and deputy, empty where nobody."""
        return self.table.get("owner", ""), self.table.get("deputy", "")

    def _check_whole(self, spec: PlanSpec, warn: bool) -> None:
        phases = [phase.slug for phase in spec.phases]
        for number, slug in enumerate(phases, start=1):
            if slug in phases[: number - 1]:
                self._error(
                    self._line("phase", number), _("The phase “%(name)s” stands twice.", name=slug), _("Rename one.")
                )
        for number, said in plans.faults_of_events(spec):
            self._error(
                self._line("event", number), said, _('Rename it, take it out, or write anchor = "event:…" at a step.')
            )
        for number, step in enumerate(spec.steps, start=1):
            for said in plans.faults_of_step(step, spec):
                self._error(self._line("step", number), said, _("Correct the step."))
            self._exists(number, step.document, "document", "documents")
            self._exists(number, step.quiz, "quiz", "quizzes")
            for name in step.gate_quizzes:
                self._exists(number, name, "quizzes", "quizzes")
            for name in step.about:
                self._is_there(number, name)
        for fault in rules.faults(spec.shapes):
            if fault.kind not in rules.WARNINGS:
                self._error(self._line_of_fault(spec, fault), plans.in_words(fault), _mend(fault))
            elif warn:
                self.folder.warn(self.file.path, self._line_of_fault(spec, fault), plans.in_words(fault), _mend(fault))

    def _exists(self, number: int, name: str | None, key: str, shared: str) -> None:
        # Lower parts say what there is; without them (a test of this part alone) nothing can be said.
        if name is not None and shared in self.folder.shared and name not in self.folder.shared[shared]:
            self._error(
                self._line("step", number, key),
                _("There is no document “%(name)s”.", name=name)
                if key == "document"
                else _("There is no quiz “%(name)s”.", name=name),
                _("Correct the name, or add its file to the folder."),
            )

    def _is_there(self, number: int, name: str) -> None:
        slug, _hash, clause = name.partition("#")
        known: dict[str, dict[str, set[str]]] = self.folder.shared.get("clauses", {})
        if "documents" in self.folder.shared and slug not in self.folder.shared["documents"]:
            said = _("There is no document “%(name)s”.", name=slug)
        elif clause and slug in known and not any(clause in clauses for clauses in known[slug].values()):
            said = _("The document “%(name)s” has no clause “%(clause)s”.", name=slug, clause=clause)
        else:
            return
        self._error(self._line("step", number, "about"), said, _("Correct the name, or add its file to the folder."))

    def _phase(self, entry: dict[str, Any], number: int) -> PhaseSpec | None:
        self._known_keys(entry, _PHASE_KEYS, self._line("phase", number))
        slug = self._slug_in(entry, "phase", number)
        title = self._words(entry, "title", "phase", number, needed=True)
        return PhaseSpec(slug, title) if slug and title else None

    def _event(self, entry: dict[str, Any], number: int) -> EventSpec | None:
        self._known_keys(entry, _EVENT_KEYS, self._line("event", number))
        slug = self._slug_in(entry, "event", number)
        title = self._words(entry, "title", "event", number, needed=True)
        return EventSpec(slug, title) if slug and title else None

    def _step(self, entry: dict[str, Any], number: int) -> StepSpec | None:
        before = len(self.folder.errors)
        self._known_keys(entry, _STEP_KEYS, self._line("step", number))
        slug = self._slug_in(entry, "step", number)
        kind = self._one_of(entry, "kind", StepKind, None, number)
        default = Doer.LEAD if kind in rules.BY_OTHERS else Doer.LEARNER
        by = self._one_of(entry, "by", Doer, default, number)
        anchor = self._typed(entry, "anchor", str, START, number) or START
        event = anchor.removeprefix(EVENT) if anchor.startswith(EVENT) else None
        step = StepSpec(
            slug=slug or "",
            kind=kind or StepKind.READ,
            due_days=self._typed(entry, "due", int, None, number) or 0,
            phase=self._typed(entry, "phase", str, "", number) or None,
            document=self._typed(entry, "document", str, "", number) or None,
            quiz=self._typed(entry, "quiz", str, "", number) or None,
            title=self._words(entry, "title", "step", number, needed=False),
            instructions=self._words(entry, "instructions", "step", number, needed=False),
            anchor=None if anchor == START or event is not None else anchor,
            event=event,
            minutes=self._minutes(entry, number),
            required=self._typed(entry, "required", bool, True, number) is not False,
            by=by or default,
            prerequisites=self._prerequisites(entry, number),
            asks_statement=self._one_of(entry, "statement", StatementAsked, StatementAsked.REQUIRED, number)
            is not StatementAsked.NONE,
            recognise_days=self._typed(entry, "recognise", int, None, number) if "recognise" in entry else None,
            evidence=self._evidence(entry, number),
            gate_quizzes=self._names(entry, "quizzes", number, _("“quizzes” must be a list of quizzes.")),
            gate_bound=self._bound(entry, number),
            gate_minimum=self._typed(entry, "minimum", int, None, number) if "minimum" in entry else None,
            about=self._names(entry, "about", number, _("“about” must be a list of documents or clauses.")),
        )
        return step if len(self.folder.errors) == before else None

    def _minutes(self, entry: dict[str, Any], number: int) -> int:
        minutes = self._typed(entry, "minutes", int, 0, number) or 0
        if not 0 <= minutes <= rules.MAX_MINUTES:
            self._error(
                self._line("step", number, "minutes"),
                _("“minutes” is %(minutes)s; a step takes 0 to %(most)s.", minutes=minutes, most=rules.MAX_MINUTES),
                _("Write the minutes that the step takes, or cut it into several steps."),
            )
        return minutes

    def _prerequisites(self, entry: dict[str, Any], number: int) -> tuple[str, ...]:
        return self._names(entry, "prerequisites", number, _("“prerequisites” must be a list of steps."))

    def _names(self, entry: dict[str, Any], key: str, number: int, said: str) -> tuple[str, ...]:
        value = entry.get(key, [])
        if isinstance(value, list) and all(isinstance(name, str) for name in value):
            return tuple(dict.fromkeys(value))
        self._error(self._line("step", number, key), said, _('Write %(key)s = ["…"].', key=key))
        return ()

    def _evidence(self, entry: dict[str, Any], number: int) -> tuple[EvidenceKind, ...]:
        names = self._names(entry, "evidence", number, _("“evidence” must be a list of what can be handed in."))
        for name in names:
            if name not in list(EvidenceKind):
                self._error(
                    self._line("step", number, "evidence"),
                    _("“%(key)s” cannot be %(value)s.", key="evidence", value=name),
                    _("Write one or more of: %(choices)s.", choices=", ".join(EvidenceKind)),
                )
        # In one order, so that a file is written again as it is read.
        return tuple(kind for kind in EvidenceKind if kind in names)

    def _bound(self, entry: dict[str, Any], number: int) -> Fraction | None:
        value = entry.get("bound")
        if value is None:
            return None
        found = _PERCENT.fullmatch(value) if isinstance(value, str) else None
        if found is not None:
            return Fraction(int(found[1]) * 10 + int(found[2] or 0), 1000)
        self._error(
            self._line("step", number, "bound"),
            _("“bound” is no percentage with at most one decimal."),
            _('Write for example bound = "90%".'),
        )
        return None

    def _slug_in(self, entry: dict[str, Any], table: str, number: int) -> str | None:
        value = entry.get("slug")
        if isinstance(value, str) and SLUG.fullmatch(value) and value != START:
            return value
        self._error(
            self._line(table, number, "slug"),
            _("The entry needs a “slug”."),
            _("Use lower-case letters a to z, digits and hyphens, at most 60, starting with a letter; not “start”."),
        )
        return None

    def _one_of(self, entry: dict[str, Any], key: str, enum: type[E], default: E | None, number: int) -> E | None:
        value = entry.get(key)
        if value is None and default is not None:
            return default
        for member in enum:
            if member == value:
                return member
        self._error(
            self._line("step", number, key),
            _("“%(key)s” cannot be %(value)s.", key=key, value=value if value is not None else "–"),
            _("Write one of: %(choices)s.", choices=", ".join(enum)),
        )
        return None

    def _typed(self, entry: dict[str, Any], key: str, kind: type[T], default: T | None, number: int) -> T | None:
        value = entry.get(key, default)
        # A boolean is an integer to Python, never to an author.
        is_kind = isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
        if is_kind and (not isinstance(value, int) or abs(value) <= _MAX_WHOLE):
            return value
        names = {str: _("a text in quotation marks"), int: _("a whole number"), bool: _("true or false")}
        self._error(
            self._line("step", number, key),
            _("“%(key)s” is missing.", key=key) if value is None else _("“%(key)s” has the wrong form.", key=key),
            _("Write %(form)s.", form=names[kind]),
        )
        return None

    def _words(self, entry: dict[str, Any], key: str, table: str, number: int, *, needed: bool) -> Words | None:
        if key not in entry and not needed:
            return None
        scratch = ContentFolder({})
        found = scratch.words(self.file, entry, key)
        for finding in scratch.errors:
            self._error(self._line(table, number, key), finding.message, finding.mend)
        return found

    def _entries(self, table: dict[str, Any], key: str) -> list[dict[str, Any]]:
        entries = table.get(key, [])
        if isinstance(entries, list) and all(isinstance(entry, dict) for entry in entries):
            return entries
        self._fault(
            key,
            _("“%(key)s” is not a list of entries.", key=key),
            _("Begin each entry with a line [[%(key)s]].", key=key),
        )
        return []

    def _known_keys(self, table: dict[str, Any], known: set[str], line: int) -> None:
        for key in sorted(set(table) - known):
            self._error(
                self._after(line, key),
                _("“%(key)s” is not known here.", key=key),
                _("Correct or remove it. Known are: %(keys)s.", keys=", ".join(sorted(known))),
            )

    def _fault(self, key: str, message: str, mend: str) -> None:
        self._error(line_of(self.file.text, key), message, mend)

    def _error(self, line: int, message: str, mend: str) -> None:
        self.folder.error(self.file.path, line, message, mend)

    def _line_of_fault(self, spec: PlanSpec, fault: Fault) -> int:
        slugs = [step.slug for step in spec.steps]
        if fault.slug not in slugs:
            return 0
        number = slugs.index(fault.slug) + 1
        if fault.kind is FaultKind.DUPLICATE_STEP:
            number = len(slugs) - slugs[::-1].index(fault.slug)
        key = {
            FaultKind.DUPLICATE_STEP: "slug",
            FaultKind.DUE_TOO_EARLY: "due",
            FaultKind.DUE_TOO_LATE: "due",
            FaultKind.DUE_BEFORE_PREREQUISITE: "due",
            FaultKind.UNKNOWN_ANCHOR: "anchor",
            FaultKind.LATER_ANCHOR: "anchor",
        }.get(fault.kind, "prerequisites")
        return self._line("step", number, key)

    def _line(self, table: str, number: int, key: str | None = None) -> int:
        """Return the line of the n-th [[table]], or of a key in it."""
        seen = 0
        for line, text in enumerate(self._lines, start=1):
            if text.split("#")[0].replace(" ", "").strip() == f"[[{table}]]":
                seen += 1
                if seen == number:
                    return line if key is None else self._after(line, key)
        return line_of(self.file.text, key or table)

    def _after(self, start: int, key: str) -> int:
        """Return the first line of a key from a line on, up to the next entry; else the line itself."""
        for line, text in enumerate(self._lines[start:], start=start + 1):
            if text.lstrip().startswith("[["):
                break
            name = text.split("=")[0].strip().strip("[]").split(".")[-1].strip().strip('"')
            if name == key:
                return line
        return start


def _mend(fault: Fault) -> str:
    match fault.kind:
        case FaultKind.DUPLICATE_STEP:
            return str(_("Give one of them another slug."))
        case FaultKind.DUE_TOO_EARLY:
            return str(_("Let it be due nearer to what it is counted from."))
        case FaultKind.DUE_TOO_LATE:
            return str(_("Write fewer working days, or make a plan of its own of what comes later."))
        case FaultKind.UNKNOWN_ANCHOR | FaultKind.LATER_ANCHOR:
            return str(_('Write "start", the slug of an earlier step, or "event:" with the slug of an event.'))
        case FaultKind.UNKNOWN_PREREQUISITE:
            return str(_("Correct the slug, or add the step."))
        case FaultKind.CYCLE:
            return str(_("Take one of the prerequisites away."))
        case FaultKind.OPTIONAL_PREREQUISITE:
            return str(_("Make it required, or take it out of the prerequisites."))
        case FaultKind.DUE_BEFORE_PREREQUISITE:
            return str(_("Let it be due on the same day or later."))
        case FaultKind.NO_REQUIRED_STEP:
            return str(_("Leave “required” out of at least one step."))

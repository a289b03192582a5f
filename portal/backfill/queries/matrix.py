"""The matrix of a team or market: its rows, its people, who is there when, and how far each is with what."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from portal.accounts import queries as accounts
from portal.accounts.models import Ownership, Person
from portal.backfill import rules
from portal.backfill.models import LevelStatement
from portal.backfill.queries.evidence import (
    Acknowledged,
    Evidence,
    PlanLeft,
    StepAbout,
    active_people,
    evidence_of,
    plans_left,
    steps_about,
)
from portal.backfill.queries.stated import latest_parts, latest_statements
from portal.backfill.rules import (
    NOTHING,
    Confirmed,
    Edition,
    Missing,
    Part,
    RowKind,
    Source,
    SourceKind,
    Standing,
    Statement,
)
from portal.calendars import queries as calendars
from portal.calendars.rules import WorkingCalendar, YearNotInTable, days_ahead
from portal.calendars.service.absences import list_absences
from portal.certificates import queries as certificates
from portal.certificates.models import CredentialVersion
from portal.cohorts.permissions import Reach
from portal.core import clock
from portal.core.db import session
from portal.core.i18n import Words, language
from portal.duties.models import RecurringTask
from portal.duties.queries import find_criticalities
from portal.duties.queries import tasks as duties
from portal.duties.rules import DEFAULT_CRITICALITY, Criticality
from portal.handover.queries.lending import find_lenders
from portal.library import queries as library
from portal.library import rules as library_rules
from portal.library.models import AudienceKind, Document, DocumentKind, DocumentVersion
from portal.library.queries.market_texts import list_deciding_hashes
from portal.library.rules import changes
from portal.library.rules.overlays import base_slug
from portal.organisation.models import Market, Team

# Working days that the matrix looks ahead, and calendar days that it looks ahead at most.
WINDOW_DAYS = 10
LONGEST_WINDOW_DAYS = 92
# Documents that people work by.
POLICIES = (DocumentKind.POLICY, DocumentKind.SOP)


@dataclass(frozen=True, slots=True)
class Place:
    """A team, or a market where `team` is None: whose matrix it is."""

    market: Market
    team: Team | None = None

    @property
    def name(self) -> Words:
        """What it is called."""
        return self.team.name if self.team else self.market.name

    @property
    def code(self) -> str:
        """Its code."""
        return self.team.code if self.team else self.market.code


@dataclass(frozen=True, slots=True)
class Window:
    """The days that are looked at: first, last, and those of them on which somebody works."""

    first: date
    last: date
    days: tuple[date, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """A document with the version in force in a market, its clauses, and what people have to read of it."""

    document: Document
    version: DocumentVersion
    editions: tuple[Edition, ...]
    # Version's row number → clause id → hash.
    hashes: Mapping[int, Mapping[str, str]]
    minutes: int

    @property
    def document_ids(self) -> set[int]:
        """The document's row number, and that of what lies under a market's text."""
        return {self.document.id} | ({self.document.base_id} if self.document.base_id is not None else set())

    def slug_of(self, document_id: int) -> str:
        """Return the slug of the document, or of what lies under a market's text."""
        slug = self.document.slug
        return slug if document_id == self.document.id else base_slug(slug)

    def missing_since(self, version_id: int | None) -> tuple[str, ...]:
        """Return the clauses of the version in force that a version does not have, or has otherwise."""
        now = self.hashes.get(self.version.id, {})
        then = self.hashes.get(version_id, {}) if version_id is not None else {}
        return tuple(anchor for anchor, hash_ in now.items() if then.get(anchor) != hash_)

    def minutes_for(self, clauses: Collection[str]) -> int:
        """Return how long reading so many of its clauses takes, rounded up, as their share of the whole."""
        of = len(self.hashes.get(self.version.id, {}))
        return -(-self.minutes * len(clauses) // of) if of else 0


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """A row with all that the page says of it."""

    row: rules.Row
    title: str
    criticality: Criticality
    # Who answers for it; while somebody stands in, whoever is away.
    owner: Person | None
    ownership: Ownership | None
    parts: Mapping[int, Part]
    task: RecurringTask | None = None
    policy: Policy | None = None
    credential: CredentialVersion | None = None

    @property
    def key(self) -> tuple[str, str]:
        """Kind and code, as owned things have them."""
        return self.row.kind.value, self.row.code


@dataclass(slots=True)
class Matrix:
    """People and rows of a place on the days of a window."""

    place: Place
    today: date
    window: Window
    people: Sequence[Person]
    rows: Sequence[MatrixRow]
    there: Mapping[date, frozenset[int]]
    # Whose days cannot be computed: they count as not there.
    uncountable: Sequence[Person]
    evidence: Evidence
    policies: Mapping[str, Policy]
    plans: Sequence[PlanLeft] = field(default_factory=list)
    # By the slug of a policy's base: the steps of plans whose sign-off is about it.
    steps: Mapping[str, Sequence[StepAbout]] = field(default_factory=dict)

    def missing_of(self, row: MatrixRow) -> list[Missing]:
        """Return what each lacks who is below 3 today, who lacks least first; nothing where no training leads there."""
        return rules.soonest_ready(
            found
            for place, person in enumerate(self.people)
            if not row.row.standings.get(person.id, NOTHING).is_able_on(self.today)
            and (found := self._missing(row, person, place)) is not None
        )

    def _missing(self, row: MatrixRow, person: Person, place: int) -> Missing | None:
        standing = row.row.standings.get(person.id, NOTHING)
        if row.task is not None:
            clauses, minutes = self._to_read(row.policy, person)
            return rules.missing_in_task(
                person.id,
                place,
                standing.level_on(self.today),
                minutes=row.task.latest.minutes,
                clauses=clauses,
                minutes_to_read=minutes,
            )
        if row.policy is not None:
            clauses, minutes = self._to_read(row.policy, person)
            slug = base_slug(row.policy.document.slug)
            return rules.missing_in_policy(
                person.id,
                place,
                is_confirmed=self._is_confirmed(row.policy, person),
                is_signed_off=(person.id, slug) in self.evidence.sign_offs,
                has_step=bool(self.steps.get(slug)),
                clauses=clauses,
                minutes_to_read=minutes,
            )
        return self._missing_training(row, person, place)

    def _missing_training(self, row: MatrixRow, person: Person, place: int) -> Missing | None:
        assert row.credential is not None
        held = (person.id, row.credential.credential_id) in self.evidence.held
        slugs = {row.credential.renewal_plan_slug} if held and row.credential.renewal_plan_slug else set()
        lefts = [
            each.of.get(person.id, each.whole)
            for each in self.plans
            if each.credential == row.row.code or each.slug in slugs
        ]
        if not lefts:
            return None
        least = min(lefts, key=lambda each: (each.steps, each.minutes))
        return rules.missing_in_credential(person.id, place, least.steps, least.minutes)

    def _acknowledged(self, policy: Policy, person: Person) -> list[tuple[int, Acknowledged]]:
        """Return what she confirmed of a policy, the newest first, each with its place among the versions.

        Of the base under a market's text that is 0.
        """
        found = [
            (each.sequence if document_id == policy.document.id else 0, each)
            for document_id in policy.document_ids
            for each in self.evidence.acknowledged.get((person.id, document_id), ())
        ]
        return sorted(found, key=lambda each: (-each[0], -each[1].sequence))

    def _confirmations(self, policy: Policy, person: Person) -> list[Confirmed]:
        zone = person.home_market.time_zone
        return [
            Confirmed(
                place,
                each.number,
                clock.local_date(each.at, zone),
                len(policy.missing_since(each.version_id)),
                Source(SourceKind.VERSION, (policy.slug_of(each.document_id), each.number)),
            )
            for place, each in self._acknowledged(policy, person)
        ]

    def _is_confirmed(self, policy: Policy, person: Person) -> bool:
        latest = max(self._confirmations(policy, person), key=lambda each: each.sequence, default=None)
        return latest is not None and rules.counts_for(latest, policy.editions, self.today)

    def _to_read(self, policy: Policy | None, person: Person) -> tuple[tuple[str, ...], int]:
        """Return the clauses that she has not confirmed as they are, and how many minutes they take."""
        if policy is None or self._is_confirmed(policy, person):
            return (), 0
        latest = next(iter(self._acknowledged(policy, person)), None)
        clauses = policy.missing_since(latest[1].version_id if latest else None)
        return clauses, policy.minutes_for(clauses)

    def standing(self, row: MatrixRow, person: Person, stated: LevelStatement | None) -> Standing:
        """Return how far somebody is with a row."""
        said = Statement(rules.Level(stated.level), stated.seen_on, stated.words) if stated else None
        known, key = self.evidence, (person.id, *row.key)
        if row.task is not None:
            return rules.standing_in_task(
                known.runs.get((person.id, row.row.code), ()),
                known.stages.get(key, ()),
                known.handed_over.get(key, ()),
                said,
            )
        if row.policy is not None:
            slug, zone = base_slug(row.policy.document.slug), person.home_market.time_zone
            quiz, signed = known.quizzes.get((person.id, slug)), known.sign_offs.get((person.id, slug))
            return rules.standing_in_policy(
                self._confirmations(row.policy, person),
                row.policy.editions,
                quiz_passed=quiz.in_zone(zone) if quiz else None,
                signed_off=signed.in_zone(zone) if signed else None,
                statement=said,
                today=self.today,
            )
        assert row.credential is not None
        return rules.standing_in_credential(known.held.get((person.id, row.credential.credential_id)), said)


def read_matrix(
    place: Place,
    first: date | None = None,
    last: date | None = None,
    *,
    only: Person | None = None,
    only_rows: Collection[tuple[str, str]] | None = None,
) -> Matrix:
    """Return the matrix of a place, with statements whose number does not grow with people, rows or days.

    Without days, the next `WINDOW_DAYS` working days of the market from today on. `only` leaves one person in it,
    `only_rows` the rows of these kinds and codes.
    """
    people = (
        [only]
        if only is not None
        else active_people(
            team_id=place.team.id if place.team else None, market_id=None if place.team else place.market.id
        )
    )
    people = sorted(people, key=lambda each: each.order_in(language()))
    today = clock.today(place.market.time_zone)
    tasks = _tasks_of(place)
    policies = _policies_of(place, tasks)
    credentials = certificates.list_latest_versions()
    if only_rows is not None:
        tasks = [each for each in tasks if (RowKind.TASK, each.code) in only_rows]
        policies = {slug: each for slug, each in policies.items() if (RowKind.POLICY, slug) in only_rows}
        credentials = [each for each in credentials if (RowKind.CREDENTIAL, each.credential.slug) in only_rows]
    evidence = evidence_of(
        people,
        task_codes=[each.code for each in tasks],
        document_ids={row_id for each in policies.values() for row_id in each.document_ids},
    )
    _read_older_hashes(policies, evidence)
    books = calendars.read_calendars(
        [place.market, *{each.home_market.id: each.home_market for each in people}.values()],
        [each.id for each in people],
    )
    window, there, uncountable = _presence(place, (first, last), people, books)
    found = Matrix(place, today, window, people, [], there, uncountable, evidence, policies)
    found.steps = steps_about()
    found.rows = _rows(found, tasks, credentials)
    found.plans = plans_left(
        [each.id for each in people], {each.renewal_plan_slug for each in credentials if each.renewal_plan_slug}
    )
    return found


# --- Rows --------------------------------------------------------------------------------------


def _tasks_of(place: Place) -> list[RecurringTask]:
    """Return the running tasks of a market, or those of a team and those of its market that are no team's."""
    reach = Reach(everywhere=False, markets=frozenset({place.market.code}), teams=frozenset(), cohorts=frozenset())
    found = [each for each in duties.list_tasks(reach, ended=False) if each.latest.market_id == place.market.id]
    if place.team is not None:
        found = [each for each in found if each.latest.team_id in (None, place.team.id)]
    return sorted(found, key=lambda each: each.id)


def _policies_of(place: Place, tasks: Collection[RecurringTask]) -> dict[str, Policy]:
    """Return by the slug of its base each policy that is in force for a place, and each procedure of its tasks."""
    now = clock.now()
    documents = list(
        session.scalars(
            select(Document)
            .where(~Document.is_by_name)
            .options(selectinload(Document.versions), selectinload(Document.audiences))
            .order_by(Document.slug)
        )
    )
    overlays = {each.base_id: each for each in documents if each.market == place.market.code}
    named = {each.latest.procedure_slug for each in tasks}
    chosen: dict[str, tuple[Document, DocumentVersion]] = {}
    for each in documents:
        if each.base_id is not None or not (each.slug in named or _is_for(each, place)):
            continue
        overlay = overlays.get(each.id)
        own = library_rules.in_force(overlay.versions, now) if overlay is not None else None
        version = own or library_rules.in_force(each.versions, now)
        if version is not None:
            chosen[each.slug] = (overlay if own is not None and overlay is not None else each, version)
    ids = [version.id for _document, version in chosen.values()]
    hashes, minutes = list_deciding_hashes(ids), library.list_reading_minutes(ids)
    zone = place.market.time_zone
    return {
        slug: Policy(document, version, _editions(document, zone), hashes, minutes.get(version.id, 0))
        for slug, (document, version) in chosen.items()
    }


def _is_for(document: Document, place: Place) -> bool:
    if document.kind not in POLICIES:
        return False
    markets, teams = document.audience(AudienceKind.MARKET), document.audience(AudienceKind.TEAM)
    if markets and place.market.code not in markets:
        return False
    return not teams or place.team is None or place.team.code in teams


def _editions(document: Document, zone: str) -> tuple[Edition, ...]:
    """Return the versions that took effect or will; those that were called off before are none."""
    return tuple(
        Edition(
            each.sequence,
            each.number,
            clock.local_date(library_rules.begins(each), zone),
            each.change_class.value in changes.ASKS_AGAIN,
        )
        for each in document.versions
        if not changes.was_called_off(each)
    )


def _read_older_hashes(policies: Mapping[str, Policy], evidence: Evidence) -> None:
    """Add the clauses of the versions that people have confirmed, so that what is missing can be told."""
    versions = {each.version_id for found in evidence.acknowledged.values() for each in found}
    known = {each.version.id for each in policies.values()}
    older = list_deciding_hashes(versions - known)
    for each in policies.values():
        assert isinstance(each.hashes, dict)
        each.hashes.update(older)


def _rows(matrix: Matrix, tasks: Sequence[RecurringTask], credentials: Sequence[CredentialVersion]) -> list[MatrixRow]:
    place, policies = matrix.place, matrix.policies
    own = {slug: each for slug, each in policies.items() if _is_for_base(each, place)}
    keys = {
        RowKind.TASK: [each.code for each in tasks],
        RowKind.POLICY: list(own),
        RowKind.CREDENTIAL: [each.credential.slug for each in credentials],
    }
    things = [(kind.value, code) for kind, codes in keys.items() for code in codes]
    judged = find_criticalities(things)
    named = {
        (kind.value, code): row
        for kind, codes in keys.items()
        for code, row in accounts.find_owners(kind, codes).items()
    }
    owners = {key: row.owner for key, row in named.items()} | find_lenders(things)
    ids = [each.id for each in matrix.people]
    parts, stated = latest_parts(ids), latest_statements(ids)
    titles = library.list_titles([each.version.id for each in own.values()], language())

    def make(kind: RowKind, code: str, title: str, **thing: object) -> MatrixRow:
        key = (kind.value, code)
        criticality = judged.get(key, DEFAULT_CRITICALITY)
        standings: dict[int, Standing] = {}
        row = MatrixRow(
            rules.Row(kind, code, criticality is Criticality.CRITICAL, standings),
            title,
            criticality,
            owners.get(key),
            named.get(key),
            {each.id: part for each in matrix.people if (part := parts.get((each.id, *key))) is not None},
            **thing,  # type: ignore[arg-type]
        )
        standings.update({each.id: matrix.standing(row, each, stated.get((each.id, *key))) for each in matrix.people})
        return row

    found = [
        make(RowKind.TASK, each.code, str(each.title), task=each, policy=policies.get(each.latest.procedure_slug or ""))
        for each in tasks
    ]
    found += [make(RowKind.POLICY, slug, titles.get(each.version.id, slug), policy=each) for slug, each in own.items()]
    found += [make(RowKind.CREDENTIAL, each.credential.slug, str(each.title), credential=each) for each in credentials]
    order = list(RowKind)
    return sorted(found, key=lambda each: (order.index(each.row.kind), not each.row.is_critical, each.row.code))


def _is_for_base(policy: Policy, place: Place) -> bool:
    """Say whether a policy is a row of its own: a lesson that is a task's procedure is none."""
    base = policy.document if policy.document.base_id is None else policy.document.base
    return base is not None and _is_for(base, place)


# --- Days --------------------------------------------------------------------------------------


def default_window(place: Place, calendar: WorkingCalendar) -> tuple[date, date]:
    """Return the first and the last of the next working days of a market, from today on."""
    today = clock.today(place.market.time_zone)
    ahead = days_ahead(today, calendar, WINDOW_DAYS)
    return today, ahead[-1][0] if ahead else today


def _presence(
    place: Place,
    asked: tuple[date | None, date | None],
    people: Sequence[Person],
    books: calendars.Calendars,
) -> tuple[Window, dict[date, frozenset[int]], list[Person]]:
    """Return the window, who is there on each of its days, and whose days cannot be computed.

    A day counts that the market works, or on which somebody works by her shifts.
    """
    market = books.of(place.market.id)
    default_first, default_last = default_window(place, market)
    first = asked[0] or default_first
    last = asked[1] if asked[1] is not None else max(default_last, first)
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    away: dict[int, list[tuple[date, date]]] = defaultdict(list)
    for each in list_absences(first, last, for_good=True):
        away[each.person_id].append((each.first_on, each.last_on))
    worked, uncountable = {}, []
    of_calendar: dict[int, frozenset[date] | None] = {}
    for person in people:
        calendar = books.of(person.home_market_id, person.id)
        # People with the same calendar get the very same object.
        if id(calendar) not in of_calendar:
            of_calendar[id(calendar)] = _worked(calendar, days)
        found = of_calendar[id(calendar)]
        if found is None:
            uncountable.append(person)
        else:
            worked[person.id] = frozenset(
                day for day in found if not any(begins <= day <= ends for begins, ends in away.get(person.id, ()))
            )
    of_market = _worked(market, days) or frozenset()
    counted = tuple(day for day in days if day in of_market or any(day in found for found in worked.values()))
    there = {day: frozenset(person_id for person_id, found in worked.items() if day in found) for day in counted}
    return Window(first, last, counted), there, uncountable


def _worked(calendar: WorkingCalendar, days: Iterable[date]) -> frozenset[date] | None:
    try:
        return frozenset(day for day in days if calendar.is_working_day(day))
    except YearNotInTable:
        return None

"""Letting somebody go on in another version of her plan: what becomes of each step first, then all of it at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import inspect

from portal.accounts.models import Person
from portal.calendars import queries as calendars
from portal.calendars.errors import HolidayYearUnknown, unknown_years_refused
from portal.calendars.rules import YearNotInTable
from portal.cohorts.models import Cohort
from portal.core import clock
from portal.core.codes import new_code
from portal.core.db import canonical_json, session
from portal.core.events import publish
from portal.core.i18n import gettext as _
from portal.core.mail import send_later
from portal.gradebook import queries as gradebook
from portal.journal.service import record
from portal.quizzes import queries as quizzes
from portal.training import queries, rules
from portal.training.errors import (
    EventDatesMissing,
    EventOutOfBounds,
    NoSuchEvent,
    PersonInactive,
    PlanIsOver,
    SameVersion,
    SwapChanged,
)
from portal.training.events import VersionSwapped
from portal.training.models import (
    Enrollment,
    EventDate,
    PlanExtension,
    PlanStep,
    PlanVersion,
    SessionSeat,
    SignOff,
    StepCompletion,
    StepExemption,
    StepExtension,
    TaskEvidence,
)
from portal.training.queries import Standing, Uncountable, swaps
from portal.training.rules import Basis, Difference, EventDay, Exemption, Extension, Fate, Feasibility, StepState
from portal.training.service.dates import set_event_of_cohort
from portal.training.service.enrollments import (
    FARTHEST_EVENT,
    Evidence,
    checked_reason,
    complete_plan,
    complete_step,
    evidence_of_earlier,
    evidence_of_line,
    lock,
    recognitions_of,
    tell_of_waiting,
)
from portal.training.service.leaving import leave_sessions


@dataclass(frozen=True, slots=True)
class StepFate:
    """What becomes of one step: `step` is that of the new version, of a dropped one that of the old.

    `before` is when it was due, None where it was not in the plan; `after` when it will be, None where nothing is due
    any more. `was_done`: the learner has done it under the terms of the version that she had; `why` says in what
    it asks for something else then.
    """

    step: PlanStep
    fate: Fate
    before: date | None
    after: date | None
    was_done: bool = False
    why: tuple[Difference, ...] = ()

    @property
    def moves(self) -> bool:
        """Whether its date would be another one."""
        return self.before is not None and self.after is not None and self.before != self.after

    @property
    def is_to_be_done_again(self) -> bool:
        """Whether what was done for it does not count any more."""
        return self.fate is Fate.CHANGED and self.was_done


@dataclass(frozen=True, slots=True)
class Swap:
    """What would come of it if one learner went on in another version of her plan.

    `completes`: all that the other version requires is done or exempt already. `key` stands for all of it, so that a
    page can tell whether it has shown this.
    """

    standing: Standing
    version: PlanVersion
    steps: Sequence[StepFate]
    feasibility: Sequence[Feasibility]
    completes: bool
    key: str
    carried: _Carried = field(repr=False)

    def of(self, *fates: Fate) -> list[StepFate]:
        """Return the steps that meet one of these fates."""
        return [each for each in self.steps if each.fate in fates]

    @property
    def moved(self) -> list[StepFate]:
        """The steps whose dates would be other ones."""
        return [each for each in self.steps if each.moves]


@dataclass(frozen=True, slots=True)
class _Carried:
    """What goes along, by the slugs of the new version: from which enrollment what belongs to a step is taken.

    `under_same_terms` is for what was done, `by_name` for more time: that is given for a step whatever it asks.
    `recognised` is what counts of what was done besides.
    """

    under_same_terms: Mapping[str, tuple[Enrollment, PlanStep]]
    by_name: Mapping[str, tuple[Enrollment, PlanStep]]
    completions: Mapping[str, StepCompletion]
    recognised: Mapping[str, tuple[datetime, Evidence]]
    basis: Basis


def days_given(
    version: PlanVersion, known: Collection[str], given: Mapping[str, date], today: date
) -> dict[str, EventDay]:
    """Return the days that were given for events of which none is known; a known day stays.

    Raises `NoSuchEvent`, `EventDatesMissing`, `EventOutOfBounds`.
    """
    titles = {event.slug: event.title for event in version.events}
    if given.keys() - titles.keys():
        raise NoSuchEvent()
    missing = [title for slug, title in titles.items() if slug not in known and slug not in given]
    if missing:
        raise EventDatesMissing(events=str(_(", ")).join(str(_("“%(event)s”", event=title)) for title in missing))
    days = {slug: EventDay(on) for slug, on in given.items() if slug not in known}
    for slug, day in days.items():
        if abs(day.on - today) > FARTHEST_EVENT:
            raise EventOutOfBounds(event=titles[slug])
    return days


def judge(
    *, standings: Sequence[Standing], version: PlanVersion, events: Mapping[str, date] | None = None
) -> list[Swap]:
    """Return what would come of it if these learners went on in a version of their plan, in their order.

    In a number of statements that does not grow with them. `events` are days of events that their plan has not had.
    Raises `PlanIsOver`, `SameVersion`, `PersonInactive`, `NoSuchEvent`, `EventDatesMissing`, `EventOutOfBounds`,
    `HolidayYearUnknown`.
    """
    for standing in standings:
        _check(standing.enrollment, version)
    if not standings:
        return []
    judging = _Judging(standings, version, events or {})
    with unknown_years_refused():
        return [judging.of(each) for each in standings]


def judge_countable(
    *, enrollments: Sequence[Enrollment], version: PlanVersion, events: Mapping[str, date] | None = None
) -> tuple[list[Swap], list[Uncountable]]:
    """Return what would come of it, as `judge` does, for those whose dates can be computed; besides, those who stay.

    These stay because a date of theirs lies, now or in that version, in a year that their holiday table does not know.
    Raises what `judge` raises, `HolidayYearUnknown` only where nobody would go on.
    """
    for each in enrollments:
        _check(each, version)
    standings, unknown = queries.countable(enrollments)
    found = []
    if standings:
        judging = _Judging(standings, version, events or {})
        for standing in standings:
            try:
                found.append(judging.of(standing))
            except YearNotInTable as missing:
                unknown.append(Uncountable(standing.enrollment, missing.country, missing.year))
    if unknown and not found:
        raise HolidayYearUnknown(country=unknown[0].country, year=unknown[0].year)
    place = {each.id: number for number, each in enumerate(enrollments)}
    return found, sorted(unknown, key=lambda each: place[each.enrollment.id])


def _check(enrollment: Enrollment, version: PlanVersion) -> None:
    if not enrollment.is_open:
        raise PlanIsOver()
    if enrollment.plan_version_id == version.id:
        raise SameVersion()
    if not enrollment.person.is_active:
        raise PersonInactive(name=enrollment.person.names)
    assert enrollment.plan_id == version.plan_id


class _Counting:
    """What counts of what people did besides their steps: known from before, or done since they began."""

    def __init__(self, standings: Sequence[Standing], version: PlanVersion) -> None:
        now = clock.now()
        self._recognised: dict[tuple[int, str], tuple[datetime, Evidence]] = {}
        markets = defaultdict(list)
        for standing in standings:
            markets[standing.enrollment.market].append(standing.enrollment.person_id)
        for market, people in markets.items():
            told = recognitions_of(person_ids=people, version=version, market=market, at=now)
            for person_id, recognitions in told.items():
                for each in recognitions:
                    if each.why_not is None:
                        known = each.earlier.at, evidence_of_earlier(each.earlier)
                        self._recognised[person_id, each.step.slug] = known
        asked = {step.quiz_slug: step.slug for step in version.steps if step.quiz_slug is not None}
        ids = [each.enrollment.person_id for each in standings]
        for (person_id, quiz), line in gradebook.find_exemptions_of(ids, asked).items():
            self._recognised[person_id, asked[quiz]] = line.at, evidence_of_line(line)
        newest = {each.quiz_id: each for each in quizzes.list_quizzes_of(asked)} if asked else {}
        since = {each.enrollment.person_id: each.enrollment.enrolled_at for each in standings}
        results = gradebook.results_since(since, list(newest.values())) if newest else {}
        for (person_id, quiz_id), result in results.items():
            if result.is_done and result.line is not None:
                slug = asked[newest[quiz_id].quiz.slug]
                self._recognised[person_id, slug] = result.line.at, evidence_of_line(result.line)

    def of(self, person_id: int, step: PlanStep) -> tuple[datetime, Evidence] | None:
        """Return when the person did what the step asks, and by what; None where nothing counts."""
        return self._recognised.get((person_id, step.slug))


class _Judging:
    """A version of a plan for several learners, with what is read once for all of them."""

    def __init__(self, standings: Sequence[Standing], version: PlanVersion, given: Mapping[str, date]) -> None:
        enrollments = [each.enrollment for each in standings]
        self._version, self._given = version, given
        self._shapes = [step.shape for step in version.steps]
        self._series = swaps.list_series(enrollments)
        rows = {row.id: row for each in self._series.values() for row in each}
        self._bases = queries.bases_of({row.id: row.starts_on for row in rows.values()})
        self._completions = swaps.completions_by_step(list(rows))
        self._read = calendars.read_calendars(
            [each.market for each in enrollments], [each.person_id for each in enrollments]
        )
        self._counting = _Counting(standings, version)
        self._latest = swaps.latest_version_id(version.plan_id)

    def of(self, standing: Standing) -> Swap:
        """Return what would come of it for one of the learners. Raises `YearNotInTable`."""
        enrollment, version, today = standing.enrollment, self._version, standing.today
        carried = self._carried(standing)
        basis, done = carried.basis, {*carried.completions, *carried.recognised}
        calendar = basis.calendar(self._read.of(enrollment.market_id, enrollment.person_id), today)
        dues = rules.schedule(self._shapes, basis, calendar)
        # A session of a step that stays what it is goes along.
        booked = {slug: on for slug, on in standing.booked.items() if slug in carried.under_same_terms}
        left = rules.feasibility(
            self._shapes, dues, done | basis.exempt, basis=basis, calendar=calendar, today=today, booked=booked
        )
        days = rules.days_of(dues, booked)
        steps = [_fate(standing, step, carried, days[step.slug]) for step in version.steps]
        there = {step.slug for step in version.steps}
        steps += [
            StepFate(step, Fate.DROPPED, _due_before(standing, step.slug), None, step.slug in standing.completions)
            for step in standing.steps
            if step.slug not in there
        ]
        completes = rules.is_complete(self._shapes, done, basis.exempt)
        key = _key(enrollment, version, self._latest, steps, completes=completes)
        return Swap(standing, version, steps, left, completes, key, carried)

    def _carried(self, standing: Standing) -> _Carried:
        """Return what goes along for one learner: of each step what stands in the nearest enrollment that had it.

        A step that an earlier version had and the present one has not is taken from there, so that going back
        brings back what was done.
        """
        version, series = self._version, self._series[standing.enrollment.id]
        same: dict[str, tuple[Enrollment, PlanStep]] = {}
        named: dict[str, tuple[Enrollment, PlanStep]] = {}
        finished: dict[str, StepCompletion] = {}
        for step in version.steps:
            for enrollment in series:
                was = next((each for each in enrollment.version.steps if each.slug == step.slug), None)
                if was is None:
                    continue
                named.setdefault(step.slug, (enrollment, was))
                if not rules.differences(was.terms, step.terms):
                    same.setdefault(step.slug, (enrollment, was))
                    row = self._completions.get((enrollment.id, was.id))
                    if row is not None:
                        finished.setdefault(step.slug, row)
        now = series[0]
        # What is asked under the same terms now was looked at when it began to be asked.
        asked = {slug for slug, (enrollment, _step) in same.items() if enrollment is now}
        recognised = {
            step.slug: known
            for step in version.steps
            if step.slug not in finished
            and step.slug not in asked
            and (known := self._counting.of(now.person_id, step)) is not None
        }
        return _Carried(same, named, finished, recognised, self._basis(standing, same, named))

    def _basis(
        self,
        standing: Standing,
        same: Mapping[str, tuple[Enrollment, PlanStep]],
        named: Mapping[str, tuple[Enrollment, PlanStep]],
    ) -> Basis:
        """Return what the dates would rest on: the start, the pauses and the days of events are those there are."""
        extensions: list[tuple[str | None, Extension]] = [(None, each) for each in standing.basis.of(None)]
        exemptions: list[tuple[str, Exemption]] = []
        for step in self._version.steps:
            if step.slug in named:
                extensions += [(step.slug, each) for each in self._bases[named[step.slug][0].id].of(step.slug)]
            if step.slug in same:
                held = dict(self._bases[same[step.slug][0].id].exemptions).get(step.slug)
                exemptions += [(step.slug, held)] if held is not None else []
        known = dict(standing.basis.events)
        days = known | days_given(self._version, known, self._given, standing.today)
        return replace(
            standing.basis, extensions=tuple(extensions), exemptions=tuple(exemptions), events=tuple(days.items())
        )


def _due_before(standing: Standing, slug: str) -> date:
    """Return when a step was due: of what is done that which counted then, where it is known."""
    row = standing.completions.get(slug)
    return row.due_on if row is not None and row.due_on is not None else standing.day_for(slug)


def _fate(standing: Standing, step: PlanStep, carried: _Carried, due_on: date) -> StepFate:
    was = next((each for each in standing.steps if each.slug == step.slug), None)
    before = _due_before(standing, step.slug) if was is not None else None
    was_done = was is not None and step.slug in standing.completions
    if step.slug in carried.completions:
        return StepFate(step, Fate.DONE, before, None, was_done)
    if step.slug in carried.recognised:
        return StepFate(step, Fate.COUNTS, before, None, was_done)
    if step.slug in carried.basis.exempt:
        return StepFate(step, Fate.EXEMPT, before, None)
    if was is None:
        return StepFate(step, Fate.NEW, None, due_on)
    why = rules.differences(was.terms, step.terms)
    return StepFate(step, Fate.CHANGED if why else Fate.KEPT, before, due_on, was_done, why)


def _key(
    enrollment: Enrollment, version: PlanVersion, latest: int, steps: Iterable[StepFate], *, completes: bool
) -> str:
    said: list[Any] = [enrollment.code, version.digest, latest, completes]
    said += [
        [each.step.slug, each.fate.value, str(each.before), str(each.after), each.was_done, [*each.why]]
        for each in steps
    ]
    return sha256(canonical_json(said).encode()).hexdigest()


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day is not None else None


def told_then(before: Enrollment, after: Enrollment, told: Sequence[Sequence[str | None]]) -> list[StepFate]:
    """Return what became of each step as it was when one enrollment took the place of another.

    `told` has of each step its slug, its fate, and the days on which it was due before and after.
    """
    old = {step.slug: step for step in before.version.steps}
    new = {step.slug: step for step in after.version.steps}
    found = []
    for slug, fate, was, becomes in told:
        step = new.get(slug or "") or old.get(slug or "")
        if step is not None and fate is not None:
            before_on, after_on = (date.fromisoformat(each) if each else None for each in (was, becomes))
            found.append(StepFate(step, Fate(fate), before_on, after_on))
    return found


def told_of(before: Enrollment, after: Enrollment) -> list[StepFate]:
    """Return what became of each step when one enrollment took the place of another, with the dates of today.

    For mails that were owed before what they tell was kept with them. Raises `HolidayYearUnknown`.
    """
    old, new = queries.standings([before, after])
    was = {step.slug: step for step in old.steps}
    found = []
    for step in new.steps:
        state, known = new.statuses[step.slug].state, was.get(step.slug)
        due = _due_before(old, step.slug) if known is not None else None
        if state in rules.SETTLED:
            fate = Fate.EXEMPT if state is StepState.EXEMPT else Fate.DONE if known is not None else Fate.COUNTS
            found.append(StepFate(step, fate, due, None))
        elif known is None:
            found.append(StepFate(step, Fate.NEW, None, new.due_on(step.slug)))
        else:
            why = rules.differences(known.terms, step.terms)
            fate = Fate.CHANGED if why else Fate.KEPT
            found.append(StepFate(step, fate, due, new.due_on(step.slug), step.slug in old.completions, why))
    there = {step.slug for step in new.steps}
    dropped = [
        StepFate(step, Fate.DROPPED, old.due_on(step.slug), None) for step in old.steps if step.slug not in there
    ]
    return found + dropped


# --- Doing it ----------------------------------------------------------------------------------


def swap_version(
    *,
    enrollment: Enrollment,
    version: PlanVersion,
    reason: str,
    by: Person,
    events: Mapping[str, date] | None = None,
    seen: str | None = None,
) -> Enrollment:
    """Let a learner go on in another version of her plan, and return the enrollment in it.

    The one that she had ends and stays as it is. What was done, said, handed in, attended, extended, paused and exempt
    goes along as far as it belongs to a step of the new version. She is told by mail. `events` are the days, for
    her alone, of events that her plan has not had; `seen` is the `key` of what was shown. Raises what `judge` raises,
    `ReasonMissing`, `StatementTooLong`, `SwapChanged`.
    """
    lock(enrollment)
    said = checked_reason(reason)
    (swap,) = judge(standings=[queries.standing_of(enrollment)], version=version, events=events)
    if seen is not None and seen != swap.key:
        raise SwapChanged()
    return _swap(swap, said, by, events or {})


def swap_cohort(
    *,
    enrollments: Sequence[Enrollment],
    cohort: Cohort,
    version: PlanVersion,
    reason: str,
    by: Person,
    events: Mapping[str, date] | None = None,
    seen: str | None = None,
) -> tuple[list[Enrollment], list[Uncountable]]:
    """Let these people of a cohort go on in another version of their plan; see `swap_version`.

    All or nothing, but for those whose dates cannot be computed: they stay, and are returned besides. `events` are days
    that are set for the whole cohort. `seen` is the `key_of` what was shown. Raises what `judge_countable` raises.
    """
    for each in enrollments:
        lock(each)
    said = checked_reason(reason)
    given = dict(events or {})
    found, left_out = judge_countable(enrollments=enrollments, version=version, events=given)
    if seen is not None and seen != key_of(found, left_out):
        raise SwapChanged()
    known = queries.list_event_days(cohort, version.plan_id)
    for event in version.events:
        if event.slug in given and event.slug not in known:
            set_event_of_cohort(cohort=cohort, event=event, on=given[event.slug], reason="", by=by)
    return [_swap(each, said, by, {}) for each in found], left_out


def key_of(found: Iterable[Swap], left_out: Iterable[Uncountable]) -> str:
    """Return what stands for several swaps together, and for those who are left out of them."""
    said = [each.key for each in found] + [each.enrollment.code for each in left_out]
    return sha256("".join(said).encode()).hexdigest()


def _swap(swap: Swap, reason: str, by: Person, given: Mapping[str, date]) -> Enrollment:
    old, version, now = swap.standing.enrollment, swap.version, clock.now()
    old.ended_at, old.ended_by, old.ended_reason = now, by.code, reason
    session.flush()
    new = Enrollment(
        code=new_code(),
        person=old.person,
        plan_id=old.plan_id,
        version=version,
        market=old.market,
        cohort=old.cohort,
        mentor_id=old.mentor_id,
        starts_on=old.starts_on,
        # The training began then: what counts since then counts here.
        enrolled_at=old.enrolled_at,
        enrolled_by=old.enrolled_by,
        replaces_id=old.id,
        first_code=old.lasting_code,
    )
    session.add(new)
    session.flush()
    _copy_dates(old, new)
    for slug, on in given.items():
        if slug not in dict(swap.standing.basis.events) and swap.carried.basis.event(slug).on == on:
            session.add(
                EventDate(plan_id=new.plan_id, event_slug=slug, enrollment_id=new.id, takes_place_on=on, by=by, at=now)
            )
    _copy_steps(swap, new)
    session.flush()
    leave_sessions(enrollment=old, by=by)
    record(
        "training.version_swapped",
        by=by,
        subject=("enrollment", new.code),
        before={"version": old.version.number, "enrollment": old.code},
        after={"person": new.person.code, "version": version.number},
    )
    publish(VersionSwapped(was_enrollment_id=old.id, enrollment_id=new.id))
    for slug, (at, evidence) in swap.carried.recognised.items():
        complete_step(enrollment=new, step=queries.get_step(new, slug), at=at, evidence=evidence)
    if new.is_open and swap.completes:
        complete_plan(new, now)
    tell_of_waiting(new)
    told = [
        [each.step.slug, each.fate.value, _iso(each.before), _iso(each.after)]
        for each in swap.of(Fate.CHANGED, Fate.NEW, Fate.DROPPED, Fate.KEPT)
    ]
    send_later("training.version_swapped", {"code": new.code, "told": told}, effect_key=f"version_swapped:{new.code}")
    return new


def _copy_dates(old: Enrollment, new: Enrollment) -> None:
    taken_back = swaps.taken_back_of([old.id])
    for rows in swaps.list_of_enrollment(old):
        for row in rows:
            copy = _copy(row, enrollment_id=new.id)
            if isinstance(row, PlanExtension) and row in taken_back:
                session.flush()
                _copy(taken_back[row], enrollment_id=new.id, plan_extension_id=copy.id)


def _copy_steps(swap: Swap, new: Enrollment) -> None:
    """Add to the new enrollment what belongs to its steps, as it was said, given and done then."""
    sources = [*swap.carried.under_same_terms.values(), *swap.carried.by_name.values()]
    ids = sorted({enrollment.id for enrollment, _step in sources})
    step_of = {step.slug: step for step in new.version.steps}
    taken_back = swaps.taken_back_of(ids)
    for model, places in (
        (StepExtension, swap.carried.by_name),
        (StepExemption, swap.carried.under_same_terms),
        (SignOff, swap.carried.under_same_terms),
        (TaskEvidence, swap.carried.under_same_terms),
    ):
        rows = swaps.list_by_step(model, ids)
        for slug, (enrollment, step) in places.items():
            for row in rows.get((enrollment.id, step.id), ()):
                copy = _copy(row, enrollment_id=new.id, step_id=step_of[slug].id)
                if row in taken_back:
                    session.flush()
                    _copy(taken_back[row], enrollment_id=new.id, step_extension_id=copy.id)
    seats = swaps.list_seats(ids)
    for slug, (enrollment, _step) in swap.carried.under_same_terms.items():
        for seat, attended in seats.get((enrollment.id, slug), ()):
            session.add(SessionSeat(session_id=seat.session_id, enrollment_id=new.id, at=seat.at, by_id=seat.by_id))
            for row in attended:
                _copy(row, enrollment_id=new.id)
    for slug, row in swap.carried.completions.items():
        _copy(row, enrollment_id=new.id, step_id=step_of[slug].id, recognised_id=row.id)


def _copy(row: Any, **values: Any) -> Any:
    """Add a row that says the same as another one, but for these values, and return it."""
    mapper = inspect(row).mapper
    kept = {
        attribute.key: getattr(row, attribute.key)
        for attribute in mapper.column_attrs
        if not any(column.primary_key for column in attribute.columns)
    }
    copy = mapper.class_(**(kept | values))
    session.add(copy)
    return copy

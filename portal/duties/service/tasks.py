"""Recurring tasks: made, given other terms, ended; what became of their days recorded, and taken back."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from portal.accounts import queries as accounts
from portal.accounts.models import Person
from portal.accounts.service.ownership import OwnedThing, OwnerNeeds, set_owner
from portal.calendars import queries as calendars
from portal.calendars.errors import unknown_years_refused
from portal.calendars.rules import WorkingCalendar
from portal.core import clock
from portal.core.access import allows
from portal.core.codes import new_code
from portal.core.db import session
from portal.core.i18n import Words, format_date
from portal.core.i18n import lazy_gettext as _l
from portal.duties.errors import (
    ClauseMissing,
    ClauseWithoutProcedure,
    DayMissing,
    DeputyAudits,
    DeputyIsOwner,
    DeputyMissing,
    DoerMissing,
    DoneInFuture,
    DoneLongBefore,
    FulfilledByItself,
    HelperMissing,
    HelperUnasked,
    NoSuchPlace,
    NotDue,
    NothingChanged,
    OutOfBounds,
    OutsideScope,
    OwnerAudits,
    OwnerMissing,
    ProcedureMissing,
    RunRecorded,
    RunTakenBack,
    StartsBeforeRuns,
    StartsFarAway,
    StartsInPast,
    TaskEnded,
    TermsChanged,
)
from portal.duties.models import RecurringTask, RecurringTaskRun, RecurringTaskTerms
from portal.duties.permissions import KNOWING, SEE_TASK, may_make_for, only_audits
from portal.duties.queries import tasks as queries
from portal.duties.queries.tasks import OWNED_KIND
from portal.duties.rules import FULFILS_AHEAD_DAYS, Fulfilment, Rhythm, RunHow, RunOutcome, WhenOff, recurring
from portal.duties.rules.recurring import DueDay, Standing
from portal.duties.service.responsibilities import tell_of
from portal.duties.service.wording import checked_note, checked_reason, checked_title
from portal.journal.service import record
from portal.library import queries as library
from portal.library.permissions import READ_DOCUMENT
from portal.organisation.models import Market, Team

_FARTHEST = timedelta(days=366)
# A run is done near its day; what was done earlier belongs to the day before.
EARLIEST_DAYS = 31
MOST_MINUTES = 2400
# So many days are told before terms are confirmed.
DAYS_TOLD = 5


@dataclass(frozen=True, slots=True)
class Wanted:
    """The terms that somebody wants; what does not belong to the rhythm is None."""

    title: Words
    market: Market
    team: Team | None
    rhythm: Rhythm
    every: int
    starts_on: date
    weekday: int | None = None
    when_off: WhenOff | None = None
    working_day: int | None = None
    minutes: int | None = None
    procedure_slug: str | None = None
    procedure_clause: str | None = None


# --- What can be wanted ------------------------------------------------------------------------


def checked(
    wanted: Wanted, *, by: Person, task: RecurringTask | None = None, is_file: bool = False
) -> RecurringTaskTerms:
    """Return the terms as they would be set by the person, in no session yet.

    Those of a file are kept for years, so that a new one may begin on any day, and taken in by who imports files.
    Raises what is wrong with them, and `HolidayYearUnknown` where their first day lies in a year that is not known.
    """
    title = checked_title(wanted.title)
    if wanted.team is not None and (wanted.team.market_id != wanted.market.id or wanted.team.closed_at is not None):
        raise NoSuchPlace()
    if not is_file and not may_make_for(by, wanted.market, wanted.team):
        raise OutsideScope()
    _check_rhythm(wanted)
    if wanted.minutes is not None:
        _within(wanted.minutes, 1, MOST_MINUTES)
    clause = _checked_procedure(wanted, by, task, is_file=is_file)
    terms = RecurringTaskTerms(
        title=title,
        market_id=wanted.market.id,
        team_id=wanted.team.id if wanted.team else None,
        rhythm=wanted.rhythm,
        every=wanted.every,
        weekday=wanted.weekday if wanted.rhythm is Rhythm.WEEKLY else None,
        when_off=wanted.when_off if wanted.rhythm is Rhythm.WEEKLY else None,
        working_day=wanted.working_day if wanted.rhythm is Rhythm.MONTHLY else None,
        starts_on=wanted.starts_on,
        minutes=wanted.minutes,
        procedure_slug=wanted.procedure_slug,
        procedure_clause=clause,
    )
    if not is_file or task is not None:
        _check_start(terms, wanted.market, task)
    with unknown_years_refused():
        next(recurring.due_days(queries.shape_of(terms), calendars.working_calendar(wanted.market)))
    return terms


def _within(number: int | None, least: int, most: int) -> None:
    if number is None or not least <= number <= most:
        raise OutOfBounds(least=least, most=most)


def _check_rhythm(wanted: Wanted) -> None:
    _within(wanted.every, 1, recurring.MOST_OF[wanted.rhythm])
    match wanted.rhythm:
        case Rhythm.WEEKLY:
            if wanted.weekday is None or wanted.when_off is None or not 0 <= wanted.weekday <= 6:
                raise DayMissing()
        case Rhythm.MONTHLY:
            if not wanted.working_day:
                raise DayMissing()
            _within(abs(wanted.working_day), 1, recurring.MOST_DAY_OF_MONTH)
        case Rhythm.EVERY:
            pass


def _check_start(terms: RecurringTaskTerms, market: Market, task: RecurringTask | None) -> None:
    is_moved = task is None or _shape(terms) != _shape(task.latest)
    today = clock.today(market.time_zone)
    if is_moved and abs(terms.starts_on - today) > _FARTHEST:
        raise StartsFarAway()
    if task is None or not is_moved:
        return
    # What fell due by the former rhythm keeps its days.
    if terms.starts_on < today:
        raise StartsInPast()
    last = queries.last_recorded(task)
    if last is not None and last >= terms.starts_on:
        raise StartsBeforeRuns(day=format_date(last))


def _checked_procedure(wanted: Wanted, by: Person, task: RecurringTask | None, *, is_file: bool) -> str | None:
    if wanted.procedure_slug is None:
        if (wanted.procedure_clause or "").strip():
            raise ClauseWithoutProcedure()
        return None
    document = library.find_document(wanted.procedure_slug)
    # What others have named before stays, whoever changes something else.
    is_kept = task is not None and task.latest.procedure_slug == wanted.procedure_slug
    if document is not None and document.is_by_name:
        raise ProcedureMissing()
    if document is not None and not is_kept and not is_file and not allows(by, READ_DOCUMENT, document):
        raise ProcedureMissing()
    version = library.version_to_read(document) if document is not None else None
    if version is None or version.withdrawn_at is not None:
        raise ProcedureMissing()
    clause = (wanted.procedure_clause or "").strip().removeprefix("#") or None
    if clause is not None and library.find_clause(version, clause) is None:
        raise ClauseMissing()
    return clause


def _check_owners(owner: Person | None, deputy: Person | None) -> Person:
    if owner is None or not owner.is_active:
        raise OwnerMissing()
    if deputy is not None and not deputy.is_active:
        raise DeputyMissing()
    if deputy is not None and deputy.id == owner.id:
        raise DeputyIsOwner()
    if only_audits(owner):
        raise OwnerAudits(name=owner.names)
    if deputy is not None and only_audits(deputy):
        raise DeputyAudits(name=deputy.names)
    return owner


@dataclass(frozen=True, slots=True)
class Preview:
    """On which days a task would fall due next; those that lie before today would be overdue at once.

    `unknown_year` is the one whose holidays are not known where fewer days can be told for that, else "".
    """

    terms: RecurringTaskTerms
    days: Sequence[DueDay]
    past: int
    unknown_year: str
    calendar: WorkingCalendar


def preview(
    *, wanted: Wanted, owner: Person | None, deputy: Person | None, by: Person, task: RecurringTask | None = None
) -> Preview:
    """Return what would come of these terms, changing nothing. Raises what `create` and `change_terms` raise."""
    _check_owners(owner, deputy)
    terms = checked(wanted, by=by, task=task)
    today = clock.today(wanted.market.time_zone)
    shape, calendar = queries.shape_of(terms), calendars.working_calendar(wanted.market)
    after = max(today, wanted.starts_on) - timedelta(days=1)
    days, unknown = recurring.next_days(shape, calendar, after, DAYS_TOLD)
    past, _following, _unknown = recurring.all_days([recurring.Period(shape, calendar)], today - timedelta(days=1))
    return Preview(terms, days, 0 if task is not None else len(past), str(unknown.year) if unknown else "", calendar)


# --- Making, changing and ending ---------------------------------------------------------------


def create(
    *,
    wanted: Wanted,
    owner: Person | None,
    deputy: Person | None,
    fulfilled_by: Fulfilment | None = None,
    by: Person,
) -> RecurringTask:
    """Make a recurring task with somebody who answers for it; where neither is there any more, it falls to the team.

    Raises what is wrong with the terms (see `checked`), `OwnerMissing`, `DeputyMissing`, `DeputyIsOwner`.
    """
    answers = _check_owners(owner, deputy)
    terms = checked(wanted, by=by)
    return _make(terms, wanted, (answers, deputy), fulfilled_by=fulfilled_by, by=by)


def _make(
    terms: RecurringTaskTerms,
    wanted: Wanted,
    owners: tuple[Person, Person | None],
    *,
    fulfilled_by: Fulfilment | None,
    by: Person,
    slug: str | None = None,
) -> RecurringTask:
    task = RecurringTask(
        code=new_code(), created_at=clock.now(), created_by=by.code, fulfilled_by=fulfilled_by, slug=slug
    )
    session.add(task)
    session.flush()
    _set_terms(task, terms, 1, by, "")
    record(
        "duties.task_created",
        by=by,
        subject=("recurring_task", task.code),
        after={"market": wanted.market.code, "rhythm": terms.rhythm.value, "starts_on": terms.starts_on.isoformat()},
    )
    named = set_owner(kind=OWNED_KIND, code=task.code, owner=owners[0], deputy=owners[1], team=wanted.team, by=by)
    tell_of(named, None, by)
    return task


def create_from_file(
    *,
    slug: str,
    version: str,
    wanted: Wanted,
    owner: Person,
    deputy: Person | None,
    fulfilled_by: Fulfilment | None,
    by: Person,
) -> RecurringTask:
    """Make the task of a file, which may name a first day long ago: nothing falls due before the day of taking it in.

    Raises what is wrong with the terms.
    """
    terms = _of_file(wanted, version, None, by)
    return _make(terms, wanted, (owner, deputy), fulfilled_by=fulfilled_by, by=by, slug=slug)


def set_from_file(*, task: RecurringTask, wanted: Wanted, version: str, by: Person) -> None:
    """Set the terms of a file of a higher version. Raises `TaskEnded`, and what is wrong with the terms."""
    locked = _locked(task)
    terms = _of_file(wanted, version, locked, by)
    _set_other_terms(locked, terms, by, str(_l("Taken from a file, version %(version)s.", version=version)))


def _of_file(wanted: Wanted, version: str, task: RecurringTask | None, by: Person) -> RecurringTaskTerms:
    """Return the terms of a file from the day on which they can hold: that of the file, or today where that is past."""
    stated = wanted.starts_on
    same = task.latest if task is not None and wanted_of(task.latest) == replace(wanted, title=task.title) else None
    starts_on = same.starts_on if same is not None else max(stated, clock.today(wanted.market.time_zone))
    terms = checked(replace(wanted, starts_on=starts_on), by=by, task=task, is_file=True)
    terms.version, terms.stated_on = version, stated if stated != starts_on else None
    return terms


def wanted_of(terms: RecurringTaskTerms) -> Wanted:
    """Return terms as somebody, or their file, would want them."""
    return Wanted(
        title=terms.title,
        market=terms.market,
        team=terms.team,
        rhythm=terms.rhythm,
        every=terms.every,
        starts_on=terms.stated_on or terms.starts_on,
        weekday=terms.weekday,
        when_off=terms.when_off,
        working_day=terms.working_day,
        minutes=terms.minutes,
        procedure_slug=terms.procedure_slug,
        procedure_clause=terms.procedure_clause,
    )


def change_terms(
    *,
    task: RecurringTask,
    wanted: Wanted,
    owner: Person | None,
    deputy: Person | None,
    reason: str,
    seen: int,
    by: Person,
) -> None:
    """Set other terms that hold from their first day on; what fell due before keeps its days.

    `seen` is the number of the terms that the person read. Raises `TaskEnded`, `TermsChanged`, `NothingChanged`,
    `ReasonMissing`, and what is wrong with the terms.
    """
    locked = _locked(task)
    present = locked.latest
    if present.number != seen:
        raise TermsChanged()
    answers = _check_owners(owner, deputy)
    terms = checked(wanted, by=by, task=locked)
    said = checked_reason(reason)
    is_same = _facts(terms) == _facts(present)
    owned = queries.find_owner_of(locked)
    names = (answers.id, deputy.id if deputy else None)
    if is_same and owned is not None and (owned.owner_id, owned.deputy_id) == names:
        raise NothingChanged()
    if not is_same:
        _set_other_terms(locked, terms, by, said)
    before = accounts.find_owner(OWNED_KIND, locked.code)
    named = set_owner(kind=OWNED_KIND, code=locked.code, owner=answers, deputy=deputy, team=wanted.team, by=by)
    tell_of(named, before, by)


def _set_other_terms(task: RecurringTask, terms: RecurringTaskTerms, by: Person, reason: str) -> None:
    _set_terms(task, terms, task.latest.number + 1, by, reason)
    record(
        "duties.terms_changed",
        by=by,
        subject=("recurring_task", task.code),
        after={"number": terms.number, "rhythm": terms.rhythm.value, "starts_on": terms.starts_on.isoformat()},
        reason=reason,
    )


def _shape(terms: RecurringTaskTerms) -> tuple[object, ...]:
    return (terms.market_id, queries.shape_of(terms))


def _facts(terms: RecurringTaskTerms) -> tuple[object, ...]:
    return (
        terms.title,
        terms.market_id,
        terms.team_id,
        queries.shape_of(terms),
        terms.minutes,
        terms.procedure_slug,
        terms.procedure_clause,
    )


def _set_terms(task: RecurringTask, terms: RecurringTaskTerms, number: int, by: Person, reason: str) -> None:
    terms.number, terms.set_at, terms.set_by, terms.reason = number, clock.now(), by.code, reason
    task.terms.append(terms)
    session.flush()


def _locked(task: RecurringTask) -> RecurringTask:
    locked = queries.lock_task(task.id)
    if locked.ended_at is not None:
        raise TaskEnded()
    return locked


def end(*, task: RecurringTask, reason: str, by: Person) -> None:
    """End a task for good; its history stays. Raises `TaskEnded`, `ReasonMissing`."""
    said = checked_reason(reason)
    locked = _locked(task)
    locked.ended_at, locked.ended_by, locked.end_reason = clock.now(), by.code, said
    session.flush()
    record("duties.task_ended", by=by, subject=("recurring_task", locked.code), reason=said)


# --- What became of its days -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Done:
    """That a task was done: by whom, on which day, alone or with whose help."""

    person: Person | None
    done_on: date
    how: RunHow
    helper: Person | None = None


def days_to_record(standing: Standing) -> list[DueDay]:
    """Return the days of which something can be recorded: those that wait, and the one after them."""
    return [*standing.open, *([standing.ahead] if standing.ahead else [])]


def record_run(*, task: RecurringTask, due_on: date, done: Done, note: str, by: Person) -> RecurringTaskRun:
    """Note that a task was done that fell due on a day.

    Raises `FulfilledByItself`, `TaskEnded`, `NotDue`, `RunRecorded`, `DoerMissing`, `HelperMissing`, `HelperUnasked`,
    `DoneInFuture`, `DoneLongBefore`.
    """
    if task.fulfilled_by is not None:
        raise FulfilledByItself()
    locked = _with_open_day(task, due_on)
    said = checked_note(note)
    doers = {each.id for each in queries.list_doers(locked)}
    if done.person is None or done.person.id not in doers:
        raise DoerMissing()
    if done.how is RunHow.ALONE and done.helper is not None:
        raise HelperUnasked()
    helper = done.helper
    if done.how is RunHow.WITH_HELP and (helper is None or helper.id == done.person.id or not helper.is_active):
        raise HelperMissing()
    if done.done_on > queries.today_of(locked):
        raise DoneInFuture()
    if (due_on - done.done_on).days > EARLIEST_DAYS:
        raise DoneLongBefore(days=EARLIEST_DAYS)
    run = _added(
        locked, due_on, RunOutcome.DONE, said, by, how=done.how, done_on=done.done_on, person=done.person, helper=helper
    )
    record(
        "duties.run_recorded",
        by=by,
        subject=("recurring_task_run", run.code),
        after={
            "task": locked.code,
            "due_on": due_on.isoformat(),
            "person": done.person.code,
            "how": done.how.value,
            "helper": helper.code if helper else None,
            "done_on": done.done_on.isoformat(),
        },
    )
    return run


def fulfil(*, kind: Fulfilment, person: Person, with_code: str, by: Person) -> list[RecurringTaskRun]:
    """Record that something fulfils the tasks of its kind of the person's team and market; return their runs.

    Each counts for the first day that waits, else for the next one where that is at most 92 days ahead.
    """
    runs = []
    for task in queries.list_fulfilled_by(kind, person):
        locked = queries.lock_task(task.id)
        standing = queries.standings_of([locked]).get(locked.id)
        today = queries.today_of(locked)
        day = next(iter(days_to_record(standing)), None) if standing is not None else None
        if day is None or (day.on - today).days > FULFILS_AHEAD_DAYS:
            continue
        run = _added(
            locked,
            day.on,
            RunOutcome.DONE,
            "",
            by,
            how=RunHow.ALONE,
            done_on=today,
            person=by,
            fulfilled_with=with_code,
        )
        record(
            "duties.run_recorded",
            by=by,
            subject=("recurring_task_run", run.code),
            after={
                "task": locked.code,
                "due_on": day.on.isoformat(),
                "person": by.code,
                "how": RunHow.ALONE.value,
                "helper": None,
                "done_on": today.isoformat(),
            },
        )
        runs.append(run)
    return runs


def skip_run(*, task: RecurringTask, due_on: date, reason: str, by: Person) -> RecurringTaskRun:
    """Note that a task was left out on a day, and why. Raises `TaskEnded`, `NotDue`, `RunRecorded`, `ReasonMissing`."""
    locked = _with_open_day(task, due_on)
    run = _added(locked, due_on, RunOutcome.SKIPPED, checked_reason(reason), by)
    record(
        "duties.run_skipped",
        by=by,
        subject=("recurring_task_run", run.code),
        after={"task": locked.code, "due_on": due_on.isoformat()},
        reason=run.note,
    )
    return run


def skip_until(*, task: RecurringTask, until: date, reason: str, by: Person) -> int:
    """Note that a task was left out on every day that waits, up to this one; return on how many.

    Raises `TaskEnded`, `NotDue`, `RunRecorded`, `ReasonMissing`.
    """
    said, locked = checked_reason(reason), _with_open_day(task, until)
    days = [each.on for each in queries.standings_of([locked])[locked.id].open if each.on < until]
    for each in (*days, until):
        run = _added(locked, each, RunOutcome.SKIPPED, said, by)
        record(
            "duties.run_skipped",
            by=by,
            subject=("recurring_task_run", run.code),
            after={"task": locked.code, "due_on": each.isoformat()},
            reason=said,
        )
    return len(days) + 1


def take_back_run(*, task: RecurringTask, run: RecurringTaskRun, reason: str, by: Person) -> None:
    """Take back what was recorded by mistake: the day waits again. Raises `RunTakenBack`, `ReasonMissing`."""
    said = checked_reason(reason)
    queries.lock_task(task.id)
    session.refresh(run)
    if run.taken_back_at is not None:
        raise RunTakenBack()
    run.taken_back_at, run.taken_back_by, run.taken_back_reason = clock.now(), by.code, said
    session.flush()
    record("duties.run_taken_back", by=by, subject=("recurring_task_run", run.code), reason=said)


def _with_open_day(task: RecurringTask, due_on: date) -> RecurringTask:
    locked = _locked(task)
    if due_on in queries.recorded_days([locked.id]).get(locked.id, set()):
        raise RunRecorded()
    standing = queries.standings_of([locked])[locked.id]
    if due_on not in {each.on for each in days_to_record(standing)}:
        raise NotDue()
    return locked


def _added(
    task: RecurringTask, due_on: date, outcome: RunOutcome, note: str, by: Person, **facts: object
) -> RecurringTaskRun:
    run = RecurringTaskRun(
        code=new_code(),
        task=task,
        due_on=due_on,
        outcome=outcome,
        note=note,
        recorded_at=clock.now(),
        recorded_by=by.code,
        **facts,
    )
    session.add(run)
    session.flush()
    return run


# --- As things that somebody answers for -------------------------------------------------------


class OwnedTasks:
    """Recurring tasks; every one that has not ended needs an owner."""

    kind = OWNED_KIND
    name = _l("Recurring task")
    owner_needs = OwnerNeeds(KNOWING, of_any_scope=True)

    def find_things(self, codes: Collection[str]) -> Mapping[str, OwnedThing]:
        """Return those of the tasks that exist."""
        found = queries.find_tasks(codes)
        standings = queries.standings_of(list(found.values()))
        things = {}
        for code, each in found.items():
            stands, terms = standings.get(each.id), each.latest
            things[code] = OwnedThing(
                str(each.title),
                f"/recurring-tasks/{code}",
                is_live=each.ended_at is None,
                needs=SEE_TASK,
                needs_on=each,
                due_on=stands.due_on if stands is not None else None,
                due_what=_l("Next time"),
                market_codes=frozenset([terms.market.code]),
                team_code=terms.team.code if terms.team else None,
            )
        return things

    def list_live_codes(self) -> Collection[str]:
        """Return the codes of all tasks that have not ended."""
        return queries.list_running_codes()

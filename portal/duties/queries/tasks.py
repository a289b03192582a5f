"""Reading recurring tasks, their runs, and how they stand on a day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, true
from sqlalchemy.orm import joinedload, selectinload

from portal.accounts import queries as accounts
from portal.accounts.models import Ownership, Person, Role, RoleGrant
from portal.calendars import queries as calendars
from portal.calendars.rules import WorkingCalendar
from portal.cohorts.permissions import Reach
from portal.core import clock
from portal.core.codes import is_well_formed, normalise
from portal.core.db import session
from portal.duties.errors import NoSuchRun, NoSuchTask
from portal.duties.models import RecurringTask, RecurringTaskRun, RecurringTaskTerms
from portal.duties.rules import Fulfilment, RunHow, RunOutcome, recurring
from portal.duties.rules.recurring import DueDay, Period, Standing
from portal.organisation.models import Market, Team

# Under which accounts knows who answers for a task.
OWNED_KIND = "recurring_task"
CODE_LENGTH = 12
_WITH_TERMS = (selectinload(RecurringTask.terms),)


# --- Tasks -------------------------------------------------------------------------------------


def find_task(code: str) -> RecurringTask | None:
    """Return the task of the code with its terms, or None."""
    wanted = normalise(code[:40])
    if not is_well_formed(wanted, CODE_LENGTH):
        return None
    return session.scalar(select(RecurringTask).where(RecurringTask.code == wanted).options(*_WITH_TERMS))


def get_task(code: str) -> RecurringTask:
    """Return the task of the code. Raises `NoSuchTask`."""
    found = find_task(code)
    if found is None:
        raise NoSuchTask()
    return found


def find_tasks(codes: Collection[str]) -> dict[str, RecurringTask]:
    """Return those of the codes that are tasks, with their terms."""
    if not codes:
        return {}
    found = session.scalars(
        select(RecurringTask).where(RecurringTask.code.in_(codes)).options(*_WITH_TERMS).order_by(RecurringTask.id)
    )
    return {each.code: each for each in found}


def list_tasks(reach: Reach, besides: Collection[str] = (), *, ended: bool = True) -> list[RecurringTask]:
    """Return the tasks whose latest terms lie within reach, and those of the codes, the newest first."""
    return list(
        session.scalars(
            select(RecurringTask)
            .where(
                or_(_is_within(reach), RecurringTask.code.in_(besides)),
                true() if ended else RecurringTask.ended_at.is_(None),
            )
            .options(*_WITH_TERMS)
            .order_by(RecurringTask.ended_at.is_not(None), RecurringTask.id.desc())
        )
    )


def list_running_tasks() -> list[RecurringTask]:
    """Return the tasks that have not ended, the oldest first."""
    return list(
        session.scalars(
            select(RecurringTask)
            .where(RecurringTask.ended_at.is_(None))
            .options(*_WITH_TERMS)
            .order_by(RecurringTask.id)
        )
    )


def list_fulfilled_by(kind: Fulfilment, person: Person) -> list[RecurringTask]:
    """Return the running tasks that such a thing of the person's fulfils: of her team, or of her market as a whole."""
    found = session.scalars(
        select(RecurringTask)
        .where(RecurringTask.ended_at.is_(None), RecurringTask.fulfilled_by == kind)
        .options(*_WITH_TERMS)
        .order_by(RecurringTask.id)
    )
    return [
        each
        for each in found
        if each.latest.market_id == person.home_market_id and each.latest.team_id in (None, person.team_id)
    ]


def find_by_content_name(name: str) -> RecurringTask | None:
    """Return the task of a file: that which came from it, or the one made in the browser that is written out so."""
    code = name.removeprefix("t-").upper() if name.startswith("t-") else ""
    return session.scalar(
        select(RecurringTask)
        .where(or_(RecurringTask.slug == name, and_(RecurringTask.slug.is_(None), RecurringTask.code == code)))
        .options(*_WITH_TERMS)
    )


def list_running_codes() -> list[str]:
    """Return the codes of the tasks that have not ended."""
    return list(session.scalars(select(RecurringTask.code).where(RecurringTask.ended_at.is_(None))))


def _is_within(reach: Reach) -> ColumnElement[bool]:
    if reach.everywhere:
        return true()
    latest = (
        select(func.max(RecurringTaskTerms.number))
        .where(RecurringTaskTerms.task_id == RecurringTask.id)
        .correlate(RecurringTask)
        .scalar_subquery()
    )
    return exists().where(
        RecurringTaskTerms.task_id == RecurringTask.id,
        RecurringTaskTerms.number == latest,
        or_(
            RecurringTaskTerms.market_id.in_(select(Market.id).where(Market.code.in_(reach.markets))),
            RecurringTaskTerms.team_id.in_(select(Team.id).where(Team.code.in_(reach.teams))),
        ),
    )


def lock_task(task_id: int) -> RecurringTask:
    """Return the task as it is now, and let others who change it wait until this transaction ends."""
    return session.scalars(
        select(RecurringTask)
        .where(RecurringTask.id == task_id)
        .with_for_update(of=RecurringTask)
        .options(*_WITH_TERMS)
        .execution_options(populate_existing=True)
    ).one()


def find_owner_of(task: RecurringTask) -> Ownership | None:
    """Return who answers for the task now."""
    return accounts.find_owner(OWNED_KIND, task.code)


def list_possible_owners() -> list[Person]:
    """Return the active people who can answer for something: those who do more than learn or audit, by name."""
    holds_role = exists().where(
        RoleGrant.person_id == Person.id,
        RoleGrant.ended_at.is_(None),
        RoleGrant.role.not_in((Role.LEARNER, Role.AUDITOR)),
    )
    return list(
        session.scalars(
            select(Person).where(Person.deactivated_at.is_(None), holds_role).order_by(Person.sort_key, Person.id)
        )
    )


def list_doers(task: RecurringTask) -> list[Person]:
    """Return the active people who can have done a task: those of its market, or who work for it too, by name."""
    return list(
        session.scalars(
            select(Person)
            .where(
                Person.deactivated_at.is_(None),
                or_(
                    Person.home_market_id == task.latest.market_id,
                    Person.further_markets.any(Market.id == task.latest.market_id),
                    Person.id.in_(_answering(task)),
                ),
            )
            .order_by(Person.sort_key, Person.id)
        )
    )


def _answering(task: RecurringTask) -> list[int]:
    owned = find_owner_of(task)
    return [each for each in (owned.owner_id, owned.deputy_id) if each is not None] if owned else []


# --- Runs --------------------------------------------------------------------------------------


def find_run(task: RecurringTask, code: str) -> RecurringTaskRun | None:
    """Return what became of one of the task's days, by its code, or None."""
    wanted = normalise(code[:40])
    if not is_well_formed(wanted, CODE_LENGTH):
        return None
    return session.scalar(
        select(RecurringTaskRun).where(RecurringTaskRun.task_id == task.id, RecurringTaskRun.code == wanted)
    )


def get_run(task: RecurringTask, code: str) -> RecurringTaskRun:
    """Return what became of one of the task's days. Raises `NoSuchRun`."""
    found = find_run(task, code)
    if found is None:
        raise NoSuchRun()
    return found


def find_runs(codes: Collection[str]) -> dict[str, RecurringTaskRun]:
    """Return those of the codes that are runs, with their tasks."""
    found = session.scalars(
        select(RecurringTaskRun)
        .where(RecurringTaskRun.code.in_(codes))
        .options(joinedload(RecurringTaskRun.task).selectinload(RecurringTask.terms))
    )
    return {each.code: each for each in found}


def list_runs(task: RecurringTask, *, limit: int = 50) -> list[RecurringTaskRun]:
    """Return what became of the task's days, the latest first; what was taken back is in it."""
    return list(
        session.scalars(
            select(RecurringTaskRun)
            .where(RecurringTaskRun.task_id == task.id)
            .options(joinedload(RecurringTaskRun.person), joinedload(RecurringTaskRun.helper))
            .order_by(RecurringTaskRun.due_on.desc(), RecurringTaskRun.id.desc())
            .limit(limit)
        )
    )


def count_runs(task: RecurringTask) -> int:
    """Return how many runs of the task are recorded, with those that were taken back."""
    return (
        session.scalar(select(func.count()).select_from(RecurringTaskRun).where(RecurringTaskRun.task_id == task.id))
        or 0
    )


def last_recorded(task: RecurringTask) -> date | None:
    """Return the last day of the task of which somebody has recorded what became of it."""
    return session.scalar(
        select(func.max(RecurringTaskRun.due_on)).where(
            RecurringTaskRun.task_id == task.id, RecurringTaskRun.taken_back_at.is_(None)
        )
    )


def recorded_days(task_ids: Iterable[int]) -> dict[int, set[date]]:
    """Return task's row number → the days of which somebody has recorded what became of them."""
    found: dict[int, set[date]] = defaultdict(set)
    for task_id, due_on in session.execute(
        select(RecurringTaskRun.task_id, RecurringTaskRun.due_on).where(
            RecurringTaskRun.task_id.in_(list(task_ids)), RecurringTaskRun.taken_back_at.is_(None)
        )
    ):
        found[task_id].add(due_on)
    return found


def list_latest_fulfilled(task_ids: Collection[int]) -> dict[int, RecurringTaskRun]:
    """Return task's row number → the latest of its runs that something fulfilled by itself, where there is one."""
    rows = session.scalars(
        select(RecurringTaskRun)
        .where(
            RecurringTaskRun.task_id.in_(task_ids),
            RecurringTaskRun.fulfilled_with.is_not(None),
            RecurringTaskRun.taken_back_at.is_(None),
        )
        .order_by(RecurringTaskRun.done_on, RecurringTaskRun.id)
    )
    return {each.task_id: each for each in rows}


def stretches_of_runs() -> Iterator[list[RecurringTaskRun]]:
    """Yield every run with its task and terms, some at a time, the oldest first."""
    after = 0
    while found := list(
        session.scalars(
            select(RecurringTaskRun)
            .where(RecurringTaskRun.id > after)
            .options(joinedload(RecurringTaskRun.task).selectinload(RecurringTask.terms))
            .order_by(RecurringTaskRun.id)
            .limit(500)
        )
    ):
        yield found
        after = found[-1].id


@dataclass(frozen=True, slots=True)
class RunOfPerson:
    """That somebody did a task: `how` alone or with help; who helped has a row of her own, `is_helper`."""

    person_id: int
    task_code: str
    due_on: date
    done_on: date
    how: RunHow
    is_helper: bool
    code: str
    # The code of whoever recorded it.
    recorded_by: str


def list_runs_of_people(
    person_ids: Collection[int], task_codes: Collection[str] | None = None, since: date | None = None
) -> list[RunOfPerson]:
    """Return when these people did tasks (all, or those of the codes), or helped with them, the latest first.

    `since` is the first day that counts. What was skipped or taken back is not in it.
    """
    wanted = set(person_ids)
    if not wanted or (task_codes is not None and not task_codes):
        return []
    conditions = [
        RecurringTaskRun.taken_back_at.is_(None),
        RecurringTaskRun.outcome == RunOutcome.DONE,
        or_(RecurringTaskRun.person_id.in_(wanted), RecurringTaskRun.helper_id.in_(wanted)),
    ]
    if task_codes is not None:
        conditions.append(RecurringTask.code.in_(task_codes))
    if since is not None:
        conditions.append(RecurringTaskRun.done_on >= since)
    rows = session.execute(
        select(
            RecurringTask.code,
            RecurringTaskRun.due_on,
            RecurringTaskRun.done_on,
            RecurringTaskRun.how,
            RecurringTaskRun.person_id,
            RecurringTaskRun.helper_id,
            RecurringTaskRun.code.label("run_code"),
            RecurringTaskRun.recorded_by,
        )
        .join(RecurringTask, RecurringTask.id == RecurringTaskRun.task_id)
        .where(*conditions)
        .order_by(RecurringTaskRun.done_on.desc(), RecurringTaskRun.id.desc())
    )
    return [
        RunOfPerson(person_id, row.code, row.due_on, row.done_on, row.how, is_helper, row.run_code, row.recorded_by)
        for row in rows
        for person_id, is_helper in ((row.person_id, False), (row.helper_id, True))
        if person_id in wanted
    ]


# --- How they stand ----------------------------------------------------------------------------


def shape_of(terms: RecurringTaskTerms, ends_on: date | None = None) -> recurring.Terms:
    """Return terms as the rules see them; `ends_on` is the first day on which others hold."""
    return recurring.Terms(
        rhythm=terms.rhythm,
        every=terms.every,
        starts_on=terms.starts_on,
        weekday=terms.weekday,
        when_off=terms.when_off,
        working_day=terms.working_day,
        ends_on=ends_on,
    )


def periods_of(task: RecurringTask, books: calendars.Calendars) -> list[Period]:
    """Return the task's terms in their order, each until the first day of those that were set later."""
    found, ends_on = [], None
    for each in reversed(task.terms):
        found.append(Period(shape_of(each, ends_on), books.of(each.market_id)))
        ends_on = each.starts_on if ends_on is None else min(ends_on, each.starts_on)
    return found[::-1]


def books_of(tasks: Iterable[RecurringTask]) -> calendars.Calendars:
    """Read the calendars of the markets that the tasks' terms name."""
    return calendars.read_calendars({terms.market_id: terms.market for each in tasks for terms in each.terms}.values())


def today_of(task: RecurringTask) -> date:
    """Return which day it is in the market of a task."""
    return clock.today(task.latest.market.time_zone)


def standings_of(tasks: Sequence[RecurringTask]) -> dict[int, Standing]:
    """Return how each task stands today in its market, by its row number, with statements that do not grow."""
    if not tasks:
        return {}
    books, runs = books_of(tasks), recorded_days(each.id for each in tasks)
    return {
        each.id: recurring.standing(periods_of(each, books), runs.get(each.id, set()), today_of(each))
        for each in tasks
        if each.ended_at is None
    }


def next_days_of(task: RecurringTask, after: date, number: int) -> tuple[list[DueDay], str, WorkingCalendar]:
    """Return the next days of the task later than a day, which year is not known where there are fewer, else "".

    With the calendar of its latest terms, on which they rest.
    """
    found: list[DueDay] = []
    periods = periods_of(task, books_of([task]))
    for each in periods:
        if each.terms.ends_on is not None and each.terms.ends_on <= each.terms.starts_on:
            continue
        days, unknown = recurring.next_days(each.terms, each.calendar, after, number - len(found))
        found += days
        if unknown is not None:
            return found, str(unknown.year), periods[-1].calendar
        if len(found) == number:
            break
    return found, "", periods[-1].calendar


def owners_of(tasks: Iterable[RecurringTask]) -> Mapping[str, Ownership]:
    """Return who answers for each of the tasks, by its code."""
    return accounts.find_owners(OWNED_KIND, [each.code for each in tasks])

"""The rhythm of rehearsals: which team is due, whose handover is rehearsed next, and what came of the last."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from portal.accounts import queries as accounts
from portal.accounts.models import Ownership, Person
from portal.calendars.errors import unknown_years_refused
from portal.calendars.queries import working_calendar
from portal.calendars.rules import add_working_days
from portal.core import clock
from portal.duties.models import RecurringTask, RecurringTaskRun
from portal.duties.permissions import reach_over_tasks
from portal.duties.queries import find_criticalities
from portal.duties.queries import tasks as duties
from portal.duties.rules import DEFAULT_CRITICALITY, Criticality, Fulfilment
from portal.duties.rules.recurring import Standing
from portal.duties.service.responsibilities import lacks_deputy, list_of_people
from portal.handover.models import Handover
from portal.handover.queries import handovers as handing_over
from portal.handover.queries import rehearsals as queries
from portal.handover.rules import REHEARSAL_DAYS, Reason
from portal.handover.service import handovers
from portal.organisation.models import Market, Team


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody whose handover can be rehearsed: what stands on her, and when it was rehearsed last."""

    person: Person
    # Live things that she owns; of these critical or high; of those without a deputy.
    things: int
    critical: int
    alone: int
    last: Handover | None
    open: Handover | None


@dataclass(frozen=True, slots=True)
class Rhythm:
    """The rehearsals of a team or a market: how their task stands, whom they can be of, and the latest one."""

    task: RecurringTask
    standing: Standing
    owned: Ownership | None
    candidates: Sequence[Candidate]
    latest: RecurringTaskRun | None
    report: Handover | None


def list_tasks_of_rehearsals(viewer: Person) -> list[RecurringTask]:
    """Return the running tasks within reach, or her own, that a rehearsal fulfils."""
    own = accounts.list_codes_owned(viewer, duties.OWNED_KIND)
    found = duties.list_tasks(reach_over_tasks(viewer), own, ended=False)
    return [each for each in found if each.fulfilled_by is Fulfilment.REHEARSAL]


def rhythms_of(tasks: Sequence[RecurringTask]) -> list[Rhythm]:
    """Return how rehearsals stand, with statements that do not grow with them; what is due first comes first."""
    if not tasks:
        return []
    standings, owners = duties.standings_of(tasks), duties.owners_of(tasks)
    latest = duties.list_latest_fulfilled([each.id for each in tasks])
    reports = handing_over.find_handovers({each.fulfilled_with for each in latest.values() if each.fulfilled_with})
    people = queries.list_possible({each.latest.market_id for each in tasks})
    candidates = _candidates(people)
    found = [
        Rhythm(
            each,
            standings[each.id],
            owners.get(each.code),
            [candidates[person.id] for person in people if _is_of(person, each.latest.market, each.latest.team)],
            latest.get(each.id),
            reports.get(latest[each.id].fulfilled_with or "") if each.id in latest else None,
        )
        for each in tasks
    ]
    return sorted(found, key=lambda each: (each.standing.due_on or date.max, each.task.id))


def _is_of(person: Person, market: Market, team: Team | None) -> bool:
    return person.home_market_id == market.id and (team is None or person.team_id == team.id)


def _candidates(people: Collection[Person]) -> Mapping[int, Candidate]:
    owned = list_of_people(people)
    judged = find_criticalities([(each.kind, each.code) for each in owned])
    counts: dict[int, list[int]] = defaultdict(lambda: [0, 0, 0])
    for each in owned:
        if each.ownership is None:
            continue
        count = counts[each.ownership.owner_id]
        is_critical = judged.get((each.kind, each.code), DEFAULT_CRITICALITY) in (
            Criticality.HIGH,
            Criticality.CRITICAL,
        )
        count[0] += 1
        count[1] += is_critical
        count[2] += lacks_deputy(each)
    last: dict[int, Handover] = {}
    is_open: dict[int, Handover] = {}
    for handover in queries.list_standing([each.id for each in people]):
        if handover.is_open:
            is_open[handover.person_id] = handover
        else:
            last[handover.person_id] = handover
    found = {}
    for person in people:
        things, critical, alone = counts[person.id]
        found[person.id] = Candidate(person, things, critical, alone, last.get(person.id), is_open.get(person.id))
    return found


def by_need(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return those who own something, in the order in which a rehearsal with them tells most.

    Whose was never rehearsed, or longest ago, first; then by what is critical, and what stands on them alone.
    """
    return sorted(
        (each for each in candidates if each.things),
        key=lambda each: (
            each.last.closed_at.isoformat() if each.last is not None and each.last.closed_at is not None else "",
            -each.critical,
            -each.alone,
            -each.things,
            each.person.sort_key,
        ),
    )


def last_day(person: Person) -> date:
    """Return the last day of a rehearsal that begins today: ten working days of her market later.

    Raises `HolidayYearUnknown`.
    """
    with unknown_years_refused():
        today = clock.today(person.home_market.time_zone)
        return add_working_days(today, REHEARSAL_DAYS, working_calendar(person.home_market)).on


def begin(*, person: Person, by: Person) -> Handover:
    """Begin to rehearse the handover of somebody from today on. Raises what `handovers.start` raises."""
    today = clock.today(person.home_market.time_zone)
    return handovers.start(person=person, reason=Reason.REHEARSAL, notice_on=today, last_on=last_day(person), by=by)


def teams_without(tasks: Sequence[RecurringTask], teams: Sequence[Team]) -> list[Team]:
    """Return the teams whose handovers nobody rehearses in any rhythm, neither for them nor for their whole market."""
    of_teams = {each.latest.team_id for each in tasks if each.latest.team_id is not None}
    of_markets = {each.latest.market_id for each in tasks if each.latest.team_id is None}
    return [each for each in teams if each.id not in of_teams and each.market_id not in of_markets]

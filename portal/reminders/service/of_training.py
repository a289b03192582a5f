"""What training has to tell: steps that are due, sign-offs that wait, and who is behind."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from portal.calendars import queries as calendars
from portal.calendars.rules import WorkingCalendar, YearNotInTable, working_days_between
from portal.core import clock
from portal.core.i18n import LANGUAGES, LazyText, Words, force_locale, format_date
from portal.core.i18n import lazy_gettext as _l
from portal.library.rules.overlays import base_slug
from portal.organisation import queries as organisation
from portal.reminders import queries
from portal.reminders.queries import LookingAfter, Place
from portal.reminders.service.sources import Concern, Item, Recipient
from portal.training import queries as training
from portal.training.models import Enrollment, PlanStep
from portal.training.queries import Standing, catalogue
from portal.training.rules import SETTLED, Doer, StepKind, StepState


class TrainingDue:
    """Steps of plans; not those of a plan that begins today, of which a mail of its own tells, or that is paused."""

    def items_for(self, recipients: Sequence[Recipient]) -> Mapping[int, Sequence[Item]]:
        """Return what of training concerns these people."""
        found: dict[int, list[Item]] = defaultdict(list)
        by_id = {each.person.id: each for each in recipients}
        for enrollments in queries.stretches_of_own(by_id):
            standings = [each for each in _standings(enrollments, own=True) if each.pause is None]
            tasks = catalogue.tasks_of({step.id: step for each in standings for step in each.steps}.values())
            for standing in standings:
                recipient = by_id[standing.enrollment.person_id]
                found[recipient.person.id] += _own(standing, recipient, tasks)
        looking_after, names = LookingAfter(), _Names()
        # Those of several leads together: mostly each has few.
        waiting: list[tuple[Recipient, Place]] = []
        for recipient in recipients:
            for places in queries.stretches_looked_after(recipient.person, looking_after):
                waiting += [(recipient, place) for place in places]
                if len(waiting) >= queries.AT_ONCE:
                    _add(found, waiting, looking_after, names)
                    waiting = []
        _add(found, waiting, looking_after, names)
        return found


def _began_today(enrollment: Enrollment, recipient: Recipient) -> bool:
    return clock.local_date(enrollment.enrolled_at, recipient.person.time_zone) == recipient.today


def _own(standing: Standing, recipient: Recipient, tasks: Mapping[int, LazyText]) -> Iterator[Item]:
    if not _began_today(standing.enrollment, recipient):
        yield from _steps_due(standing, recipient, tasks)


def _steps_due(standing: Standing, recipient: Recipient, tasks: Mapping[int, LazyText]) -> Iterator[Item]:
    enrollment = standing.enrollment
    for step in standing.steps:
        state, due_on = standing.statuses[step.slug].state, standing.day_for(step.slug)
        seat = standing.seat(step.slug) if state not in SETTLED else None
        meeting = seat if seat is not None and seat.is_awaited else None
        is_own = state is StepState.OPEN or (state is StepState.LOCKED and step.by is Doer.LEARNER)
        # She goes to a session at which she is expected, whatever comes first in the plan.
        if not (is_own or meeting) or due_on > recipient.until:
            continue
        endpoint, values = _link(enrollment, step, is_open=state is StepState.OPEN)
        yield Item(
            concern=Concern.OWN,
            what=tasks[step.id],
            due_on=due_on,
            endpoint=endpoint,
            values=values,
            way=(_l("Training plans"), enrollment.version.title, tasks[step.id]),
            note=(meeting.place or meeting.link) if meeting is not None else "",
            minutes=step.minutes if meeting is None else 0,
            hours=meeting.hours if meeting is not None else "",
        )


def _link(enrollment: Enrollment, step: PlanStep, *, is_open: bool) -> tuple[str, dict[str, str]]:
    """Return where a step is done; what cannot be opened yet is shown on the path."""
    if is_open and step.document_slug is not None:
        return "library.read", {"slug": step.document_slug}
    if is_open and step.quiz_slug is not None:
        return "quizzes.show", {"slug": step.quiz_slug}
    if is_open and step.kind is StepKind.TASK:
        return "training.evidence", {"code": enrollment.code, "slug": step.slug}
    return "training.path", {"code": enrollment.code}


def _add(
    found: dict[int, list[Item]],
    pairs: Sequence[tuple[Recipient, Place]],
    looking_after: LookingAfter,
    names: _Names,
) -> None:
    """Add what waits for the sign-off of these people, and what is overdue of those whom they lead."""
    if not pairs:
        return
    ids = {place.enrollment_id for _recipient, place in pairs}
    by_id = {each.enrollment.id: each for each in _standings(queries.list_enrollments(ids)) if each.pause is None}
    if not by_id:
        return
    days, standings = organisation.escalated_after(), list(by_id.values())
    statement = organisation.exposure_statement()
    read = calendars.read_calendars(
        [each.enrollment.market for each in standings], [each.enrollment.person_id for each in standings]
    )
    told: list[tuple[Recipient, Place, Standing, PlanStep, bool]] = []
    for recipient, place in pairs:
        standing = by_id.get(place.enrollment_id)
        if standing is None:
            continue
        me, enrollment = recipient.person.id, standing.enrollment
        is_told = me in looking_after.told(place)
        calendar = standing.basis.calendar(read.of(enrollment.market_id, enrollment.person_id), standing.today)
        for step in standing.steps:
            status = standing.statuses[step.slug]
            # Whether the statement that may be declined is answered is told to nobody, so that silence says nothing.
            is_reported = is_told and step.required and base_slug(step.document_slug or "") != statement
            if is_reported and status.is_late and _is_behind(standing, step, calendar, days):
                told.append((recipient, place, standing, step, True))
            if standing.is_waiting(step) and me in _signers(place, step, looking_after):
                since = clock.local_date(standing.waiting_since(step), recipient.person.time_zone)
                # What began to wait today was told by a mail of its own, but for what the first day alone brought.
                if since < recipient.today or standing.waits_from_first_day(step):
                    told.append((recipient, place, standing, step, False))
    tasks = catalogue.tasks_of({step.id: step for *_rest, step, _is in told}.values())
    for recipient, place, standing, step, is_escalated in told:
        enrollment = standing.enrollment
        who, what = enrollment.person.names, tasks[step.id]
        waits = standing.statuses[step.slug].state is StepState.WAITING
        is_session = step.kind is StepKind.SESSION
        if is_escalated:
            item = Item(
                concern=Concern.ESCALATED,
                what=what,
                due_on=standing.due_on(step.slug),
                endpoint="training.path",
                values={"code": enrollment.code},
                way=(_l("Learners"), who, enrollment.version.title),
                who=who,
                note=_session_words(standing, step)
                or (names.waits_for(_signers(place, step, looking_after)) if waits else ""),
                # Of one that is booked anew it is told anew.
                key=f"step:{enrollment.lasting_code}:{step.slug}:{_told_from(standing, step)}",
            )
        else:
            item = Item(
                concern=Concern.WAITS,
                what=what,
                due_on=standing.asked_by(step.slug),
                endpoint="training.list_sessions" if is_session else "training.sign_off",
                values={} if is_session else {"code": enrollment.code, "slug": step.slug},
                way=(_l("Sessions"), what) if is_session else (_l("Sign-offs"), who, what),
                who=who,
            )
        found[recipient.person.id].append(item)


def _is_behind(standing: Standing, step: PlanStep, calendar: WorkingCalendar, days: int) -> bool:
    """Say whether a step is late for so long that it is told; one with a session that is booked not before its day."""
    try:
        return working_days_between(_told_from(standing, step), standing.today, calendar) >= days
    except YearNotInTable:
        return True


def _told_from(standing: Standing, step: PlanStep) -> date:
    """Return the day from which a late step is counted: its due date, or the later one of a session that is booked."""
    return standing.asked_by(step.slug)


def _session_words(standing: Standing, step: PlanStep) -> LazyText | str:
    """Say for which day after the due date a session was booked; nothing where none was."""
    on = _told_from(standing, step)
    if on == standing.due_on(step.slug):
        return ""
    told = {}
    for each in LANGUAGES:
        with force_locale(each):
            told[each] = format_date(on)
    return _l("session booked for %(date)s", date=Words(**told))


def _signers(place: Place, step: PlanStep, looking_after: LookingAfter) -> set[int]:
    """Return who can sign the step off: mentors where it is theirs and there are any, else the leads."""
    if step.by is Doer.LEARNER:
        return set()
    return (looking_after.mentors(place) if step.by is Doer.MENTOR else set()) or looking_after.leads(place)


def _standings(enrollments: Sequence[Enrollment], *, own: bool = False) -> list[Standing]:
    """Return how these stand; one whose dates cannot be told, for want of a holiday table, keeps no other back."""
    return training.countable(enrollments, own=own)[0]


class _Names:
    """Names of those for whom something waits, looked up once for each set of them."""

    def __init__(self) -> None:
        self._known: dict[frozenset[int], LazyText] = {}

    def waits_for(self, people: set[int]) -> LazyText:
        """Say for whom a step waits."""
        key = frozenset(people)
        if key not in self._known:
            found = sorted(queries.list_names(people).values(), key=lambda each: (each.sort_key, each.id))
            both = [each.names for each in found]
            names = Words(", ".join(each.en for each in both), "、".join(each.ja for each in both))
            self._known[key] = _l("waits for the sign-off of %(names)s", names=names) if both else ""
        return self._known[key]

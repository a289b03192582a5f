"""Those who are in their first ten days, and those whose first day it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial

from portal.accounts.models import Person
from portal.accounts.service import passwords
from portal.calendars.service import record_leave
from portal.cohorts.models import Cohort
from portal.cohorts.service import add_member, create_cohort
from portal.core.i18n import Words
from portal.operations.demo.agenda import Agenda, Days, moment_of
from portal.operations.demo.doing import How, Sitting, Supervisors, do, visit
from portal.operations.demo.organisation import open_account, places
from portal.operations.demo.people import COHORT, MENTORS, NEWCOMERS, NEWEST_MENTOR, TEAM, Trainee
from portal.training import queries as training
from portal.training.models import Enrollment
from portal.training.queries import catalogue
from portal.training.service.enrollments import enroll

PLAN = "account-safety-start"
# The running cohort began so many working days ago.
BEGAN = 11

# On which working day of the plan (0 is the first) each step is done by somebody who is not behind.
PACE = {
    "statement": 0,
    "first-talk": 1,
    "read-impersonation": 1,
    "know-child-safety": 1,
    "check-child-safety": 1,
    "know-queue-work": 2,
    "acknowledge-impersonation": 2,
    "quiz-impersonation": 3,
    "read-audit": 4,
    "acknowledge-audit": 5,
    "quiz-audit": 6,
    "ten-cases": 7,
    "shadow-audit": 8,
    "supervised-audit": 9,
}
STATEMENTS = {
    "ten-cases": "10件中10件で、根拠の条項を正しく挙げられました。",
    "shadow-audit": "抽出から報告まで見学し、質問が二つありました。いずれも当日中に回答しています。",
    "supervised-audit": "5件の監査で誤りの種類をすべて正しく分類し、フィードバックも手順どおりに行えました。",
}


def found_cohort(code: str, name: Words, starts_on: date, lead: Person, team: str = TEAM) -> Cohort:
    """Found a cohort of the lead's team now."""
    place = places()[1][team]
    return create_cohort(code=code, name=name, market=place.market, team=place, starts_on=starts_on, by=lead)


def join(
    person: Person,
    cohort: Cohort,
    plan: str,
    by: Person,
    starts_on: date | None = None,
    *,
    mentor: Person | None = None,
) -> Enrollment:
    """Let somebody follow the latest version of a plan with a cohort, by default from its first day on."""
    add_member(cohort=cohort, person=person, by=by)
    version = catalogue.get_latest_version(plan)
    starts_on = starts_on or cohort.starts_on
    return enroll(person=person, version=version, starts_on=starts_on, by=by, cohort=cohort, mentor=mentor)


@dataclass(slots=True)
class _Running:
    """The cohort in its first ten days, as it comes into being."""

    days: Days
    supervisors: Supervisors
    mentors: Sequence[Person]
    people: dict[str, Person] = field(default_factory=dict)
    plans: dict[str, Enrollment] = field(default_factory=dict)
    cohort: Cohort | None = None

    @property
    def starts_on(self) -> date:
        """Its first day."""
        return self.days.before(BEGAN)

    def invite(self, by: Person) -> None:
        """Give everybody an account."""
        for each in COHORT:
            self.people[each.name] = open_account(each.name, each.names, each.language, by)

    def found(self) -> None:
        """Found the cohort."""
        starts_on = self.starts_on
        name = Words(
            f"Account safety, intake of {starts_on:%B %Y}",
            f"アカウント安全審査 {starts_on.year}年{starts_on.month}月入社",
        )
        self.cohort = found_cohort(f"safety-{starts_on:%Y-%m}a", name, starts_on, self.supervisors.lead)

    def enroll(self, trainee: Trainee) -> None:
        """Let somebody follow the plan."""
        assert self.cohort is not None
        lead, mentor = self.supervisors.lead, self.mentor_of(trainee)
        self.plans[trainee.name] = join(self.people[trainee.name], self.cohort, PLAN, lead, mentor=mentor)

    def mentor_of(self, trainee: Trainee) -> Person:
        """Return who mentors somebody."""
        return self.mentors[COHORT.index(trainee) % len(self.mentors)]

    def go_on_leave(self, trainee: Trainee) -> None:
        """Enter the days on which she is away."""
        assert trainee.leave is not None
        first, last = (self.days.step(self.starts_on, offset) for offset in trainee.leave)
        record_leave(person=self.people[trainee.name], first_on=first, last_on=last, by=self.supervisors.lead)

    def accept(self, trainee: Trainee) -> None:
        """Let her accept the invitation."""
        person = self.people[trainee.name]
        passwords.set_password(person=person, password=trainee.password, by=person)

    def do(self, trainee: Trainee, slug: str) -> None:
        """Let her do a step of the plan."""
        enrollment = self.plans[trainee.name]
        visit(enrollment.person)
        how = How(tries=[Sitting(wrong) for wrong in trainee.wrong], said=STATEMENTS.get(slug, ""))
        step = training.get_step(enrollment, slug)
        supervisors = Supervisors(self.supervisors.lead, self.mentor_of(trainee))
        do(step=step, enrollment=enrollment, supervisors=supervisors, how=how)


def note_running(agenda: Agenda, days: Days, staff: dict[str, Person]) -> None:
    """Note down how the running cohort came and went through its days up to today."""
    running = _Running(days, Supervisors(staff["sato.ken"], staff[NEWEST_MENTOR]), [staff[each] for each in MENTORS])
    starts_on = running.starts_on
    agenda.note(moment_of(days.step(starts_on, -4), 11), partial(running.invite, staff["grace.muller"]))
    agenda.note(moment_of(days.step(starts_on, -3), 15), running.found)
    for number, trainee in enumerate(COHORT):
        agenda.note(moment_of(days.step(starts_on, -2), 10, number), partial(running.enroll, trainee))
        if trainee.leave:
            agenda.note(moment_of(starts_on, 9, number), partial(running.go_on_leave, trainee))
        if trainee.until is None:
            # Invited and not seen yet: somebody has to ask after her.
            continue
        agenda.note(moment_of(starts_on, 8, 30 + number), partial(running.accept, trainee))
        for index, slug in enumerate(_steps_until(trainee.until)):
            on = days.step(starts_on, PACE[slug] + (trainee.behind if index > 2 else 0))
            agenda.note(moment_of(on, 9 + index % 7, 5 * number + index), partial(running.do, trainee, slug))


def _steps_until(last: str) -> Iterator[str]:
    for slug in sorted(PACE, key=lambda slug: (PACE[slug], list(PACE).index(slug))):
        yield slug
        if slug == last:
            return


def note_newest(agenda: Agenda, days: Days, lead: Person) -> Callable[[], Cohort]:
    """Note down that the cohort is founded whose first day it is; returns what gives it then."""
    first_day = days.first
    name = Words(
        f"Account safety, from {first_day.day} {first_day:%B %Y}",
        f"アカウント安全審査 {first_day.year}年{first_day.month}月{first_day.day}日開始",
    )
    found: list[Cohort] = []
    agenda.note(
        moment_of(days.step(first_day, -3), 15, 30),
        lambda: found.append(found_cohort(f"safety-{first_day:%Y-%m}b", name, first_day, lead)),
    )
    return lambda: found[0]


def begin_newest(cohort: Cohort, staff: dict[str, Person]) -> None:
    """Enroll those whose first day it is."""
    for each in NEWCOMERS:
        join(staff[each], cohort, PLAN, staff["sato.ken"], mentor=staff[NEWEST_MENTOR])

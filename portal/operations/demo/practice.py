"""Lets the stories of those who practise happen: each act through the service that its page calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from functools import partial

from portal.accounts.models import Person
from portal.accounts.service import passwords
from portal.calendars.service import record_leave
from portal.cohorts.models import Cohort
from portal.cohorts.service import remove_member
from portal.core.i18n import Words
from portal.mentoring.service import one_to_ones
from portal.mentoring.service.notes import write_note
from portal.operations.demo.agenda import Agenda, Days, moment_of
from portal.operations.demo.doing import LINK, ROOM, How, Sitting, Supervisors, do, look_up, visit
from portal.operations.demo.intake import found_cohort, join
from portal.operations.demo.organisation import open_account
from portal.operations.demo.people import MENTORS, NEWEST_MENTOR
from portal.operations.demo.stories import (
    AUDITS,
    CASES,
    CIRCLE,
    GATE,
    PRACTISING,
    REREAD,
    Act,
    Answered,
    Away,
    GivenTime,
    HandsIn,
    LooksUp,
    Meets,
    Noted,
    Paused,
    Reads,
    SignedOff,
    Sits,
    Stopped,
    Story,
    Talked,
)
from portal.training import queries as training
from portal.training.models import Enrollment, LiveSession
from portal.training.permissions import StepOfEnrollment
from portal.training.queries import catalogue
from portal.training.queries.plan_drafts import spec_of_draft
from portal.training.rules import Presence, editing
from portal.training.service import dates, plan_drafts, sessions
from portal.training.service.enrollments import end_plan
from portal.training.service.plans import digest_of
from portal.training.service.sign_offs import send_back, sign_off
from portal.training.service.swaps import swap_version
from portal.training.service.tasks import SentFile

PLAN = "account-safety-practice"
CALIBRATION = "account-safety-calibration"
# The cohort began so many working days ago; its calibration day comes so many after today.
BEGAN = 11
# Whom of them the mentor of the newest ones mentors, too.
MENTORED = "choi.yuna"
CALIBRATES = 4
# On which working day the case circle was held, held again, and both were planned.
CIRCLE_ON, CIRCLE_AGAIN_ON, PLANNED_ON = 4, 8, 1
_LATE = "前の会議が延びるため。"
# On which working day the next version of the plan was published, and how many days later its gate comes.
NEXT_VERSION_ON, _GATE_LATER = 9, 2
_WHY_LATER = "到達判定の前に、監査の記録を見直す時間を取れるようにします。"
_TABLE = (
    b"No.,Clause,Decision,Mine\r\n"
    b"1,likely-to-mislead,no action,no action\r\n2,fan-accounts,label notice,label notice\r\n"
    b"3,parody-accounts,label notice,profile notice\r\n4,notice,profile notice,profile notice\r\n"
    b"5,evidence,ask for evidence,ask for evidence\r\n6,ladder,restriction,notice\r\n"
    b"7,public-figures,no action,no action\r\n8,japanese-names,no action,no action\r\n"
    b"9,direct-harm,suspension,suspension\r\n10,appeals,upheld,upheld\r\n"
)
# Acts of the lead or mentor, which come later in the day than what learners do.
_OF_SUPERVISORS = (Answered, SignedOff, Away, Paused, GivenTime, Stopped, Talked, Noted)


@dataclass(slots=True)
class _Practice:
    """What the acts of the cohort work on, as it comes into being."""

    days: Days
    supervisors: Supervisors
    mentors: Sequence[Person]
    people: dict[str, Person] = field(default_factory=dict)
    plans: dict[str, Enrollment] = field(default_factory=dict)
    calibrations: dict[str, Enrollment] = field(default_factory=dict)
    cohort: Cohort | None = None

    @property
    def starts_on(self) -> date:
        """The first day of the cohort."""
        return self.days.before(BEGAN)

    def on(self, number: int) -> date:
        """Return a working day of the plan; 0 is the first."""
        return self.days.step(self.starts_on, number)

    # --- The cohort ----------------------------------------------------------------------------

    def invite(self, by: Person) -> None:
        """Give everybody an account."""
        for each in PRACTISING:
            self.people[each.name] = open_account(each.name, each.names, each.language, by)

    def found(self) -> None:
        """Found the cohort."""
        starts_on = self.starts_on
        name = Words(
            f"Account safety in practice, transfers of {starts_on:%B %Y}",
            f"アカウント安全審査 実務 {starts_on.year}年{starts_on.month}月異動",
        )
        self.cohort = found_cohort(f"practice-{starts_on:%Y-%m}", name, starts_on, self.supervisors.lead)

    def enroll(self, story: Story) -> None:
        """Let somebody follow the plan, from her own first day on."""
        assert self.cohort is not None
        person, starts_on = self.people[story.name], self.on(story.starts)
        lead, mentor = self.supervisors.lead, self.mentor_of(story)
        self.plans[story.name] = join(person, self.cohort, PLAN, lead, starts_on, mentor=mentor)

    def mentor_of(self, story: Story) -> Person:
        """Return who mentors somebody."""
        if story.name == MENTORED:
            return self.supervisors.mentor
        return self.mentors[PRACTISING.index(story) % len(self.mentors)]

    def accept(self, story: Story) -> None:
        """Let her accept the invitation."""
        person = self.people[story.name]
        passwords.set_password(person=person, password=story.password, by=person)
        visit(person)

    def set_calibration_day(self) -> None:
        """Say when the calibration day is, and enroll those who take part."""
        assert self.cohort is not None
        (event,) = catalogue.get_latest_version(CALIBRATION).events
        lead = self.supervisors.lead
        on = self.days.step(self.days.first, CALIBRATES)
        dates.set_event_of_cohort(cohort=self.cohort, event=event, on=on, reason="", by=lead)
        for each in PRACTISING:
            if each.calibrates:
                person = self.people[each.name]
                self.calibrations[each.name] = join(person, self.cohort, CALIBRATION, lead, self.on(8))

    # --- Sessions ------------------------------------------------------------------------------

    def plan_circle(self, on: date, at: time, names: Sequence[str]) -> LiveSession:
        """Plan a case circle of an hour for these people."""
        return self._plan(on, at, time(at.hour + 1), [self._seat(self.plans[name], CIRCLE) for name in names])

    def plan_calibration(self) -> LiveSession:
        """Plan the meeting of the calibration day."""
        seats = [self._seat(each, "calibration") for each in self.calibrations.values()]
        return self._plan(self.days.step(self.days.first, CALIBRATES), time(10), time(11, 30), seats)

    def _seat(self, enrollment: Enrollment, slug: str) -> StepOfEnrollment:
        return StepOfEnrollment(enrollment, training.get_step(enrollment, slug))

    def _plan(self, on: date, starts: time, ends: time, learners: Sequence[StepOfEnrollment]) -> LiveSession:
        assert self.cohort is not None
        return sessions.plan_session(
            step=learners[0].step, market=self.cohort.market, when=sessions.When(on, starts, ends, ROOM, LINK),
            learners=learners, by=self.supervisors.lead, cohort=self.cohort,
        )  # fmt: skip

    def hold(self, planned: LiveSession, presences: dict[str, Presence]) -> None:
        """Record who was there."""
        said = {self.plans[name].code: presence for name, presence in presences.items()}
        sessions.record_attendance(planned=planned, said=said, reason="", seen=0, by=self.supervisors.lead)

    # --- The next version of the plan ------------------------------------------------------------

    def publish_next_version(self, author: Person, approver: Person) -> None:
        """Let another version say that the gate comes two days later."""
        draft = plan_drafts.begin_next_version(slug=PLAN, by=author)
        plan_drafts.change(draft=draft, edit=lambda spec: editing.shift(spec, GATE, _GATE_LATER), by=author)
        plan_drafts.submit(draft=draft, said=_WHY_LATER, by=author)
        plan_drafts.approve(draft=draft, seen=digest_of(spec_of_draft(draft)), said="", by=approver)

    def go_over(self, story: Story) -> None:
        """Let somebody go on in that version."""
        self.plans[story.name] = swap_version(
            enrollment=self.plans[story.name],
            version=catalogue.get_latest_version(PLAN),
            reason=story.goes_over,
            by=self.supervisors.lead,
        )

    # --- Single acts ---------------------------------------------------------------------------

    def perform(self, story: Story, act: Act) -> None:
        """Do now what somebody did, or what was done about her."""
        person, enrollment = self.people[story.name], self.plans[story.name]
        lead, mentor = self.supervisors.lead, self.mentor_of(story)
        if not isinstance(act, _OF_SUPERVISORS):
            visit(person)
        match act:
            case HandsIn():
                file = SentFile(act.file, _TABLE) if act.file else None
                plan = self.calibrations[story.name] if act.step == CASES else enrollment
                self._do(story, plan, act.step, How(said=act.said, link=act.link, file=file))
            case Answered():
                step, answer = training.get_step(enrollment, AUDITS), sign_off if act.accepted else send_back
                answer(enrollment=enrollment, step=step, statement=act.statement, by=mentor)
            case Sits():
                self._do(story, enrollment, act.step, How(tries=[Sitting(act.wrong, act.clause)]))
            case LooksUp():
                look_up(person, act.document)
            case Reads():
                self._do(story, self.calibrations[story.name], REREAD, How())
            case Meets():
                self._do(story, enrollment, CIRCLE, How())
            case SignedOff():
                self._do(story, enrollment, GATE, How(said=act.statement))
            case Away():
                first, last = self.days.between_days_off()
                record_leave(person=person, first_on=first, last_on=last, by=lead)
            case Paused():
                dates.pause(enrollment=enrollment, first_on=self.on(act.day), reason=act.reason, by=lead)
            case GivenTime():
                dates.extend_step(
                    enrollment=enrollment, step=training.get_step(enrollment, AUDITS), working_days=act.working_days,
                    reason=act.reason, by=lead,
                )  # fmt: skip
            case Talked():
                one_to_ones.hold(
                    enrollment=enrollment, held_on=self.on(act.day), text=act.said, is_shown=act.shown, by=lead,
                )  # fmt: skip
            case Noted():
                write_note(enrollment=enrollment, text=act.said, is_shown=True, by=mentor)
            case Stopped():
                end_plan(enrollment=enrollment, reason=act.reason, by=lead)
                assert self.cohort is not None
                remove_member(cohort=self.cohort, person=person, by=lead)

    def _do(self, story: Story, enrollment: Enrollment, slug: str, how: How) -> None:
        step = training.get_step(enrollment, slug)
        supervisors = Supervisors(self.supervisors.lead, self.mentor_of(story))
        do(step=step, enrollment=enrollment, supervisors=supervisors, how=how)


def note_practising(agenda: Agenda, days: Days, staff: dict[str, Person]) -> None:
    """Note down how those who practise came and went through their days up to today."""
    supervisors = Supervisors(staff["sato.ken"], staff[NEWEST_MENTOR])
    practice = _Practice(days, supervisors, [staff[each] for each in MENTORS])
    agenda.note(moment_of(practice.on(-5), 13), partial(practice.invite, staff["grace.muller"]))
    agenda.note(moment_of(practice.on(-3), 16), practice.found)
    for number, story in enumerate(PRACTISING):
        agenda.note(moment_of(practice.on(story.starts - 1), 13, number), partial(practice.enroll, story))
        agenda.note(
            moment_of(practice.on(story.starts), 9, number * 2), partial(practice.accept, story)
        )  # fmt: skip
        for place, act in enumerate(story.acts):
            agenda.note(
                _moment(practice.on(act.day), number, place, act),
                partial(practice.perform, story, act),
            )
    _note_sessions(agenda, practice)
    agenda.note(
        moment_of(practice.on(NEXT_VERSION_ON), 18),
        partial(practice.publish_next_version, staff["yamada.hiroko"], staff["ito.jun"]),
    )
    for story in PRACTISING:
        if story.goes_over:
            # When everything else of that day is done.
            agenda.note(moment_of(practice.on(NEXT_VERSION_ON + 1), 18), partial(practice.go_over, story))


def _moment(on: date, number: int, place: int, act: Act) -> datetime:
    """Return when on its day an act happens: nobody's two acts at once, supervisors after the learners."""
    if isinstance(act, _OF_SUPERVISORS):
        return moment_of(on, 16, number * 2)
    if isinstance(act, Meets):
        return moment_of(on, 13)
    return moment_of(on, 10 + number % 3 + 3 * (place % 2), (number * 7 + place * 3) % 60)


def _note_sessions(agenda: Agenda, practice: _Practice) -> None:
    """Note down the case circles, and what is planned for the coming days."""
    presences = {each.name: each.circle for each in PRACTISING if each.circle is not None}
    again = {each.name: each.again for each in PRACTISING if each.again is not None}
    planned: dict[int, LiveSession] = {}

    def plan(on: int, at: time, names: Sequence[str]) -> None:
        planned[on] = practice.plan_circle(practice.on(on), at, names)

    def move() -> None:
        """Half an hour later, with the reason."""
        found = planned[CIRCLE_AGAIN_ON]
        when = sessions.When(practice.on(CIRCLE_AGAIN_ON), time(14, 30), time(15, 30), ROOM, LINK)
        sessions.move_session(planned=found, when=when, reason=_LATE, by=practice.supervisors.lead)

    def plan_ahead() -> None:
        expected = [each.name for each in PRACTISING if each.comes]
        practice.plan_circle(practice.days.first, time(16), expected)
        practice.plan_calibration()

    agenda.note(moment_of(practice.on(PLANNED_ON), 17), lambda: plan(CIRCLE_ON, time(14), list(presences)))
    agenda.note(
        moment_of(practice.on(CIRCLE_ON), 15, 5), lambda: practice.hold(planned[CIRCLE_ON], presences)
    )  # fmt: skip
    agenda.note(moment_of(practice.on(CIRCLE_ON), 17), lambda: plan(CIRCLE_AGAIN_ON, time(14), list(again)))
    agenda.note(moment_of(practice.on(7), 17), practice.set_calibration_day)
    agenda.note(moment_of(practice.on(7), 17, 30), move)
    agenda.note(
        moment_of(practice.on(CIRCLE_AGAIN_ON), 15, 35), lambda: practice.hold(planned[CIRCLE_AGAIN_ON], again)
    )  # fmt: skip
    agenda.note(moment_of(practice.on(9), 17), plan_ahead)

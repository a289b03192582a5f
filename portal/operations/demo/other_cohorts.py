"""The cohorts of the other teams: one in its second week of twenty days, one just through, two abroad."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from functools import partial

from portal.accounts.models import Person
from portal.accounts.service import passwords
from portal.accounts.service.people import Names
from portal.calendars.service import record_leave
from portal.cohorts.models import Cohort
from portal.core.i18n import Words
from portal.operations.demo.agenda import Agenda, Days, moment_of
from portal.operations.demo.doing import LINK, ROOM, How, Sitting, Supervisors, do, visit
from portal.operations.demo.intake import found_cohort, join
from portal.operations.demo.organisation import days_of, open_account
from portal.operations.demo.people import (
    ABROAD,
    NEIGHBOURS,
    OSAKA,
    SUPPORT,
    ZONE,
    ZONE_ABROAD,
    english,
    japanese,
    password_of,
)
from portal.training import queries as training
from portal.training.models import Enrollment, LiveSession, PlanStep
from portal.training.permissions import StepOfEnrollment
from portal.training.queries import catalogue
from portal.training.rules import Presence, StepKind
from portal.training.service import sessions

_SUPERVISED = (StepKind.SIGN_OFF, StepKind.GATE)


@dataclass(frozen=True, slots=True)
class Learner:
    """One person of such a cohort, and how her days went."""

    name: str
    names: Names
    language: str = "ja"
    # Working days that she is behind from the second day on (below 0: ahead), and those by which she began later than
    # the others.
    behind: int = 0
    starts: int = 0
    # The last step that she did; None: she keeps up.
    until: str | None = None
    # She was there, and has done nothing yet.
    only_came: bool = False
    # Questions that go wrong in each try of a check, by its step; elsewhere none does.
    wrong: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    # The working days of the plan on which she is away.
    leave: tuple[int, int] | None = None
    # What she hands in, by its step.
    said: Mapping[str, str] = field(default_factory=dict)

    @property
    def password(self) -> str:
        """Her password; as public as those of the staff."""
        return password_of(self.name)


@dataclass(frozen=True, slots=True)
class Course:
    """A cohort of a team on one of the shipped plans."""

    code: str
    name: Words
    plan: str
    team: str
    lead: str
    mentor: str
    # It began so many working days ago.
    began: int
    learners: tuple[Learner, ...]
    # What its lead and mentor say when they sign off, by the step.
    statements: Mapping[str, str] = field(default_factory=dict)
    # Sessions of everybody: the step, and the working day of the plan.
    sessions: Mapping[str, int] = field(default_factory=dict)
    market: str = "JP"
    zone: str = ZONE


ONBOARDING = Course(
    "osaka",
    Words("Account safety Osaka, {month}", "アカウント安全 大阪 {month}開始"),
    "account-safety-onboarding", OSAKA, "nishimura.sayuri", "ueda.daichi", 9,
    (
        Learner("morimoto.kanade", japanese("森本", "奏", "モリモト", "カナデ", "Morimoto", "Kanade")),
        Learner(
            "le.thi-lan", Names("Lê", "Lan", "Thị", "レー", "ラン", "Lê", "Lan"),
            wrong={"check-fake-engagement": (4, 1)},
        ),
        Learner(
            "hirano.tsubasa", japanese("平野", "翼", "ヒラノ", "ツバサ", "Hirano", "Tsubasa"), behind=2, leave=(3, 4),
        ),
        Learner("pak.cheolsu", Names("朴", "哲洙", "", "パク", "チョルス", "Pak", "Cheolsu"),
                wrong={"check-scams": (1,)}),
        # Two tries at one check did not help: what comes next is a talk, not a third.
        Learner(
            "ogasawara.shunsuke", japanese("小笠原", "俊介", "オガサワラ", "シュンスケ", "Ogasawara", "Shunsuke"),
            until="check-impersonation", wrong={"check-impersonation": (5, 4)},
        ),
        Learner("ananya.gupta", english("Gupta", "Ananya"), "en", wrong={"check-underage-accounts": (1,)}),
        # Declines what comes before everything else, and is spoken with.
        Learner(
            "mizuno.akari", japanese("水野", "朱里", "ミズノ", "アカリ", "Mizuno", "Akari"), starts=4, only_came=True,
        ),
        Learner("tsuji.makoto", japanese("辻", "真琴", "ツジ", "マコト", "Tsuji", "Makoto"), starts=3),
    ),
    {
        "beside-a-reviewer": "どの案件でも、最初に開く条項を自分で挙げられました。",
        "ten-cases": "10件とも根拠の条項を先に挙げてから判断していました。",
    },
    {"case-circle": 12},
)  # fmt: skip

MOVERS = Course(
    "live",
    Words("Account safety for Live safety Tokyo, {month}", "ライブ安全 東京から {month}の兼務者"),
    "lateral-mover", NEIGHBOURS, "hayashi.tomoko", "hayashi.tomoko", 8,
    (
        Learner("kudo.natsuki", japanese("工藤", "夏希", "クドウ", "ナツキ", "Kudo", "Natsuki")),
        Learner(
            "dubois.claire", english("Dubois", "Claire"), "en", wrong={"check-scams": (4, 0), "exam": (2,)},
        ),
        # Everything passed; the gate waits for the lead.
        Learner("sakamoto.ren", japanese("坂本", "蓮", "サカモト", "レン", "Sakamoto", "Ren"), until="exam"),
        # There on the first morning, and back from leave only tomorrow.
        Learner(
            "okada.yuto", japanese("岡田", "悠斗", "オカダ", "ユウト", "Okada", "Yuto"), until="first-talk",
            leave=(1, 8),
        ),
    ),
    {
        "fifteen-cases": "15件のうち14件で条項と判断が一致し、残る1件は理由を話し合って納得しました。",
        "certification": "試験の結果と15件の記録を確認しました。来週から担当キューに入ります。",
    },
)  # fmt: skip

COLLEAGUES = Course(
    "support",
    Words("Support colleagues in Austin, {month}", "オースティンのサポート担当者 {month}開始"),
    "in-house-essentials", SUPPORT, "owen.harris", "owen.harris", 5,
    (
        Learner("maya.robinson", english("Robinson", "Maya"), "en", behind=-1),
        Learner("tyler.nguyen", english("Nguyen", "Tyler"), "en", behind=-1, wrong={"check-queue-work": (1,)}),
        Learner("sofia.ramirez", english("Ramirez Ortega", "Sofía"), "en", wrong={"check-impersonation": (4, 0)}),
        Learner("jordan.blake", english("Blake", "Jordan"), "en", behind=1),
        Learner("suzuki.aya", japanese("鈴木", "彩", "スズキ", "アヤ", "Suzuki", "Aya"), starts=1, behind=-1),
    ),
    sessions={"hour-on-the-floor": 8},
    market="US", zone=ZONE_ABROAD,
)  # fmt: skip

REFRESHER = Course(
    "austin",
    Words("Account safety Austin, refresher of {month}", "アカウント安全 オースティン {month}の更新研修"),
    "policy-refresher", ABROAD, "rosa.delgado", "leah.kowalski", 7,
    (
        Learner("caleb.morris", english("Morris", "Caleb"), "en"),
        Learner("hannah.schultz", english("Schultz", "Hannah"), "en"),
        Learner("diego.fuentes", english("Fuentes", "Diego"), "en", until="know-scams"),
    ),
    {"one-thing": "From now on I open the table of the policy before the case, and note the line that decides."},
    {"comparing": 4},
    market="US", zone=ZONE_ABROAD,
)  # fmt: skip

COURSES = (ONBOARDING, MOVERS, COLLEAGUES, REFRESHER)


@dataclass(slots=True)
class _Running:
    """One such cohort, as it comes into being."""

    course: Course
    days: Days
    supervisors: Supervisors
    people: dict[str, Person] = field(default_factory=dict)
    plans: dict[str, Enrollment] = field(default_factory=dict)
    planned: dict[str, LiveSession] = field(default_factory=dict)
    cohort: Cohort | None = None

    @property
    def starts_on(self) -> date:
        """Its first day."""
        return self.days.before(self.course.began)

    def on(self, number: int) -> date:
        """Return a working day of the plan; 0 is the first."""
        return self.days.step(self.starts_on, number)

    def invite(self, by: Person) -> None:
        """Give everybody an account."""
        for each in self.course.learners:
            self.people[each.name] = open_account(each.name, each.names, each.language, by, self.course.team)

    def found(self) -> None:
        """Found the cohort."""
        starts_on, course = self.starts_on, self.course
        name = Words(
            course.name.en.format(month=f"{starts_on:%B %Y}"),
            course.name.ja.format(month=f"{starts_on.year}年{starts_on.month}月"),
        )
        self.cohort = found_cohort(
            f"{course.code}-{starts_on:%Y-%m}", name, starts_on, self.supervisors.lead, course.team
        )

    def enroll(self, learner: Learner) -> None:
        """Let somebody follow the plan, from her own first day on."""
        assert self.cohort is not None
        person, starts_on = self.people[learner.name], self.on(learner.starts)
        self.plans[learner.name] = join(person, self.cohort, self.course.plan, self.supervisors.lead, starts_on)

    def accept(self, learner: Learner) -> None:
        """Let her accept the invitation."""
        person = self.people[learner.name]
        passwords.set_password(person=person, password=learner.password, by=person)
        visit(person)

    def go_on_leave(self, learner: Learner) -> None:
        """Enter the days on which she is away."""
        assert learner.leave is not None
        first, last = (self.on(number) for number in learner.leave)
        record_leave(person=self.people[learner.name], first_on=first, last_on=last, by=self.supervisors.lead)

    def do(self, learner: Learner, slug: str) -> None:
        """Let a step of hers be done."""
        enrollment = self.plans[learner.name]
        step = training.get_step(enrollment, slug)
        if step.kind not in _SUPERVISED:
            visit(enrollment.person)
        how = How(
            tries=[Sitting(wrong) for wrong in learner.wrong.get(slug, (0,))],
            said=learner.said.get(slug) or self.course.statements.get(slug, ""),
        )
        do(step=step, enrollment=enrollment, supervisors=self.supervisors, how=how)

    def plan_session(self, slug: str, number: int) -> None:
        """Plan a session of everybody."""
        assert self.cohort is not None
        seats = [StepOfEnrollment(each, training.get_step(each, slug)) for each in self.plans.values()]
        self.planned[slug] = sessions.plan_session(
            step=seats[0].step, market=self.cohort.market,
            when=sessions.When(self.on(number), time(14), time(15), ROOM, LINK), learners=seats,
            by=self.supervisors.lead, cohort=self.cohort,
        )  # fmt: skip

    def hold(self, slug: str) -> None:
        """Record that those were there who are not away."""
        said = {
            self.plans[each.name].code: Presence.EXCUSED if each.leave else Presence.PRESENT
            for each in self.course.learners
        }
        sessions.record_attendance(
            planned=self.planned[slug], said=said, reason="", seen=0, by=self.supervisors.lead
        )  # fmt: skip


def note_other_cohorts(agenda: Agenda, days: Days, staff: Mapping[str, Person]) -> None:
    """Note down how the cohorts of the other teams came and went through their days up to today."""
    for course in COURSES:
        there = days_of(_today_in(course, days.today), course.market)
        supervisors = Supervisors(staff[course.lead], staff[course.mentor])
        running = _Running(course, there, supervisors)
        invited_on = running.on(-4)
        if not days.calendar.is_working_day(invited_on):
            invited_on = days.step(invited_on, -1)
        # Who opens accounts sits in Tokyo.
        agenda.note(moment_of(invited_on, 11), partial(running.invite, staff["grace.muller"]))
        _note(agenda, running)


def code_of(course: Course, today: date) -> str:
    """Return the code of its cohort."""
    there = days_of(_today_in(course, today), course.market)
    return f"{course.code}-{there.before(course.began):%Y-%m}"


def _today_in(course: Course, today: date) -> date:
    """Return the day that it is abroad at noon in Tokyo, when the demo begins: the day before."""
    return today if course.zone == ZONE else today - timedelta(days=1)


def _note(agenda: Agenda, running: _Running) -> None:
    course, on = running.course, running.on
    at = partial(moment_of, zone=course.zone)
    agenda.note(at(on(-3), 15), running.found)
    for number, learner in enumerate(course.learners):
        agenda.note(at(on(learner.starts - 2), 10, number), partial(running.enroll, learner))
        if learner.leave:
            agenda.note(at(on(-1), 11, number), partial(running.go_on_leave, learner))
        agenda.note(at(on(learner.starts), 8, 30 + number), partial(running.accept, learner))
    for slug, number in course.sessions.items():
        agenda.note(at(on(1), 17), partial(running.plan_session, slug, number))
        agenda.note(at(on(number), 15, 5), partial(running.hold, slug))
    _note_steps(agenda, running)


def _note_steps(agenda: Agenda, running: _Running) -> None:
    """Note down when everybody does her steps: what comes later than today does not happen."""
    steps = catalogue.get_latest_version(running.course.plan).steps
    for number, learner in enumerate(running.course.learners):
        if learner.only_came:
            continue
        of_day: Counter[date] = Counter()
        for step in _until(steps, learner):
            behind = max(learner.behind, -step.due_days) if step.due_days else 0
            on = running.on(learner.starts + step.due_days + behind)
            at = moment_of(on, 9 + of_day[on], 5 * number, running.course.zone)
            of_day[on] += 1
            agenda.note(at, partial(running.do, learner, step.slug))


def _until(steps: list[PlanStep], learner: Learner) -> Iterator[PlanStep]:
    """Yield the steps in the order of their days, up to the last that she did; sessions are everybody's."""
    for step in sorted(steps, key=lambda each: each.due_days):
        if step.kind is not StepKind.SESSION:
            yield step
        if step.slug == learner.until:
            return

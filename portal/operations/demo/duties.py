"""What recurs for the staff of the demo organisation: tasks in both markets, what was done of them, and by whom."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from itertools import takewhile

from portal.accounts.models import Person
from portal.calendars import queries as calendars
from portal.core.i18n import Words
from portal.duties.models import RecurringTask
from portal.duties.queries import tasks as tasks_queries
from portal.duties.rules import Rhythm, RunHow, WhenOff
from portal.duties.rules.recurring import Terms, due_days
from portal.duties.service import tasks
from portal.duties.service.tasks import Done, Wanted
from portal.operations.demo.agenda import Agenda, Days, moment_of
from portal.operations.demo.organisation import places
from portal.operations.demo.people import ABROAD, OSAKA, SUPPORT, TEAM

_PROCEDURE = "daily-audit"
# What became of a day by its place among the days so far, counted from the last one: None, so it waits.
_Course = Callable[[int], tuple[str, str | None] | str | None]


@dataclass(slots=True)
class _Tasks:
    """The recurring tasks, by what they are called here."""

    agenda: Agenda
    days: Days
    staff: Mapping[str, Person]
    made: dict[str, RecurringTask] = field(default_factory=dict)

    def note(self, name: str, answers: tuple[str, str | None], wanted: Wanted, course: _Course) -> None:
        """Note that a task is made by its owner, with her deputy, and what becomes of each of its days so far."""
        made_at = moment_of(self.days.step(wanted.starts_on, -1), 17)
        self.agenda.note(made_at, partial(self.make, name, wanted, *answers))
        self._note_runs(name, answers[0], wanted, course)

    def _note_runs(self, name: str, owner: str, wanted: Wanted, course: _Course) -> None:
        shape = Terms(
            wanted.rhythm, wanted.every, wanted.starts_on, wanted.weekday, wanted.when_off, wanted.working_day
        )
        calendar = calendars.working_calendar(wanted.market)
        past = [each.on for each in takewhile(lambda day: day.on < self.days.today, due_days(shape, calendar))]
        for back, due_on in enumerate(reversed(past)):
            what = course(back)
            # Tokyo is ahead of everybody: in the evening it is that day everywhere. What is done abroad on a holiday of
            # Tokyo is recorded on its next working day; of today's, nothing is told.
            is_worked = self.days.calendar.is_working_day(due_on)
            recorded_on = due_on if is_worked else self.days.step(due_on, 1)
            if recorded_on >= self.days.today:
                continue
            at = moment_of(recorded_on, 20)
            if isinstance(what, tuple):
                self.agenda.note(at, partial(self.record, name, due_on, *what))
            elif what is not None:
                self.agenda.note(at, partial(self.skip, name, due_on, what, owner))

    def adopt(self, name: str, slug: str, course: _Course) -> None:
        """Note what became of each day so far of a task that came with the content."""
        task = tasks_queries.find_by_content_name(slug)
        assert task is not None
        self.made[name] = task
        terms = task.latest
        owned = tasks_queries.find_owner_of(task)
        assert owned is not None
        wanted = replace(tasks.wanted_of(terms), starts_on=terms.starts_on)
        self._note_runs(name, owned.owner.sign_in_name.partition("@")[0], wanted, course)

    def make(self, name: str, wanted: Wanted, owner: str, deputy: str | None) -> None:
        """Make a task with its owner; what a mentor answers for, her lead makes."""
        self.made[name] = tasks.create(
            wanted=wanted,
            owner=self.staff[owner],
            deputy=self.staff[deputy] if deputy else None,
            by=self.staff["sato.ken" if owner == "kobayashi.mei" else owner],
        )

    def record(self, name: str, due_on: date, person: str, helper: str | None) -> None:
        """Record that somebody did a task on its day."""
        tasks.record_run(
            task=self.made[name],
            due_on=due_on,
            done=Done(
                person=self.staff[person],
                done_on=due_on,
                how=RunHow.WITH_HELP if helper else RunHow.ALONE,
                helper=self.staff[helper] if helper else None,
            ),
            note="",
            by=self.staff[person],
        )

    def skip(self, name: str, due_on: date, reason: str, by: str) -> None:
        """Record that a task was left out."""
        tasks.skip_run(task=self.made[name], due_on=due_on, reason=reason, by=self.staff[by])


def _done_by(owner: str, _back: int) -> tuple[str, str | None]:
    """Let its owner do a task each time."""
    return owner, None


def note_tasks_of_content(agenda: Agenda, days: Days, staff: Mapping[str, Person]) -> None:
    """Note what was done of the tasks that came with the content."""
    found = _Tasks(agenda, days, staff)
    found.adopt("meeting", "weekly-calibration", lambda back: ("mori.akiko", "sato.ken" if back % 2 else None))
    found.adopt("numbers", "weekly-performance-report", lambda back: ("mori.akiko", None))
    found.adopt(
        "feedback",
        "daily-audit-feedback",
        lambda back: ("sato.ken", None) if back % 9 == 5 else ("kobayashi.mei", None),
    )
    found.adopt("questions", "monthly-questions-review", lambda back: ("mori.akiko", "yamada.hiroko"))
    # The last one was before the task was there; the next one is in half a year.
    found.adopt(
        "rehearsal",
        "half-yearly-handover-rehearsal",
        lambda back: "退任に伴う実際の引継ぎと時期が重なるため、次の半期に行います。",
    )


def note_duties(agenda: Agenda, days: Days, staff: Mapping[str, Person]) -> None:
    """Note tasks that were made ten weeks ago at the latest, and what was done of them since."""
    found, (markets, teams) = _Tasks(agenda, days, staff), places()
    begun = days.before(45)
    japan, team = markets["JP"], teams[TEAM]
    found.note(
        "calibration", ("sato.ken", "kobayashi.mei"),
        Wanted(
            title=Words("Weekly calibration", "週次の判断すり合わせ"), market=japan, team=team, rhythm=Rhythm.WEEKLY,
            every=1, starts_on=begun, weekday=3, when_off=WhenOff.BEFORE, minutes=60,
            procedure_slug=_PROCEDURE, procedure_clause="standard",
        ),
        lambda back: ("kobayashi.mei", "sato.ken") if back % 3 == 2 else ("sato.ken", None),
    )  # fmt: skip
    found.note(
        "queue", ("kobayashi.mei", "sato.ken"),
        Wanted(
            title=Words("Daily check of the queue", "審査待ち件数の確認"), market=japan, team=team,
            rhythm=Rhythm.EVERY, every=1, starts_on=days.before(15), minutes=15,
        ),
        # Yesterday's still waits, and one fell to a day on which the queue was closed.
        lambda back: None if back == 0 else (
            "システム停止のため、審査待ちの受付自体がありませんでした。" if back == 6 else ("kobayashi.mei", None)
        ),
    )  # fmt: skip
    found.note(
        "report", ("mori.akiko", None),
        Wanted(
            title=Words("Monthly report to the policy council", "ポリシー会議への月次報告"), market=japan, team=None,
            rhythm=Rhythm.MONTHLY, every=1, starts_on=begun, working_day=-1, minutes=120,
            procedure_slug=_PROCEDURE, procedure_clause="reporting",
        ),
        lambda back: ("mori.akiko", None),
    )  # fmt: skip
    found.note(
        "glossary", ("yamada.hiroko", "ito.jun"),
        Wanted(
            title=Words("Look through new words for the glossary", "用語集に加える言葉の点検"), market=japan, team=None,
            rhythm=Rhythm.EVERY, every=10, starts_on=begun, minutes=30,
        ),
        lambda back: ("yamada.hiroko", "ito.jun") if back % 2 else ("yamada.hiroko", None),
    )  # fmt: skip
    found.note(
        "abroad", ("rosa.delgado", None),
        Wanted(
            title=Words("Weekly review of appeals", "異議申し立ての週次確認"), market=markets["US"], team=teams[ABROAD],
            rhythm=Rhythm.WEEKLY, every=1, starts_on=begun, weekday=0, when_off=WhenOff.BEFORE, minutes=45,
        ),
        lambda back: ("rosa.delgado", None),
    )  # fmt: skip
    for name, owner, deputy, title, market, code, weekday in (
        ("osaka", "nishimura.sayuri", "ueda.daichi",
         Words("Look through the week's disputes", "監査結果への異議の週次確認"), japan, OSAKA, 1),
        ("support", "owen.harris", None,
         Words("Escalations that came back", "差し戻されたエスカレーションの確認"), markets["US"], SUPPORT, 2),
    ):  # fmt: skip
        found.note(
            name, (owner, deputy),
            Wanted(
                title=title, market=market, team=teams[code], rhythm=Rhythm.WEEKLY, every=1, starts_on=days.before(15),
                weekday=weekday, when_off=WhenOff.BEFORE, minutes=30,
            ),
            partial(_done_by, owner),
        )  # fmt: skip

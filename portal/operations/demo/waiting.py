"""What else waits on somebody's desk in the demo: a name to be stood for, a plan and a cohort begun, notes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import partial

from portal.accounts import queries as accounts
from portal.accounts.models import Person
from portal.accounts.service import people
from portal.accounts.service.people import Names
from portal.mentoring.service import one_to_ones
from portal.mentoring.service.notes import write_note
from portal.operations.demo.agenda import Agenda, Days, moment_of
from portal.operations.demo.doing import somebody, visit
from portal.operations.demo.intake import PLAN
from portal.operations.demo.other_cohorts import ONBOARDING
from portal.operations.demo.people import OSAKA
from portal.training import queries as training
from portal.training.models import Enrollment
from portal.training.queries import catalogue
from portal.training.rules import editing
from portal.training.service import founding, plan_drafts

_BOTH_NAMES = Names("Costa Lima", "Bruno", family_romaji="Costa Lima", given_romaji="Bruno")
_TALKED = "監査の見学を終えた感想を聞きました。来週は自分で5件を選ぶところから始めます。"
_NOTES = {
    "hamasaki.ryo": "判断の理由を、条項の言葉で書けるようになりました。次は反例も一つ添えてみましょう。",
    "nakagawa.rin": "兼務の引継ぎで時間が取れていませんでした。来週から、午前中は研修だけに充てることにしました。",
    "yoshida.kaho": "入社が来週に延びたため、開始日をリードと相談しています。最初の日に一緒に始めましょう。",
}

# With whom a lead wants to begin next, as it was pasted from a table: one address lacks its end.
_STARTERS = """\
氏名\tフリガナ\tメールアドレス
小寺 千尋\tコデラ チヒロ\tkodera.chihiro@hibiki.example
真鍋 航平\tマナベ コウヘイ\tmanabe.kohei@hibiki.example
大槻 悠\tオオツキ ユウ\totsuki.yu@hibiki
谷口 ソフィア\tタニグチ ソフィア\ttaniguchi.sofia@hibiki.example
"""
_BEGINS_IN = 15


def note_waiting(agenda: Agenda, days: Days, staff: Mapping[str, Person]) -> None:
    """Note down what was begun in the last days and is not finished."""
    author = staff["yamada.hiroko"]
    agenda.note(moment_of(days.before(2), 12), _change_name)
    agenda.note(moment_of(days.before(2), 14), partial(_begin_plan, author))
    agenda.note(moment_of(days.before(1), 16, 50), partial(_talk, days))
    agenda.note(
        moment_of(days.before(1), 16, 20),
        partial(_begin_cohort, days.step(days.first, _BEGINS_IN), staff["nishimura.sayuri"], staff["ueda.daichi"]),
    )
    for minute, (name, words) in enumerate(_NOTES.items()):
        agenda.note(moment_of(days.before(1), 17, 5 + minute), partial(_write, name, words))


def _change_name() -> None:
    person = somebody("costa.bruno")
    people.change_own(person=person, names=_BOTH_NAMES, language=person.language, time_zone=person.time_zone)


def _begin_plan(by: Person) -> None:
    """Begin the next version of the refresher, in which its session comes a day later."""
    draft = plan_drafts.begin_next_version(slug="policy-refresher", by=by)
    plan_drafts.change(draft=draft, edit=lambda spec: editing.shift(spec, "comparing", 1), by=by)


def _begin_cohort(starts_on: date, lead: Person, mentor: Person) -> None:
    """Let the lead begin to put a cohort together; one line of the list is to be corrected before it is created."""
    visit(lead)
    plan = catalogue.get_latest_version(ONBOARDING.plan)
    founding.keep_draft(
        wishes=founding.Wishes(
            plan=plan.plan.slug, version=plan.number, market="JP", team=OSAKA, starts_on=starts_on.isoformat(),
            text=_STARTERS, mentors=(mentor.code,),
        ),
        by=lead,
    )  # fmt: skip


def _talk(days: Days) -> None:
    plan = _training_of("fujii.aoi")
    one_to_ones.hold(enrollment=plan, held_on=days.before(1), text=_TALKED, is_shown=True, by=_mentor_of(plan))


def _write(name: str, words: str) -> None:
    plan = _training_of(name)
    write_note(enrollment=plan, text=words, is_shown=True, by=_mentor_of(plan))


def _mentor_of(plan: Enrollment) -> Person:
    mentor = accounts.find_person_by_id(plan.mentor_id) if plan.mentor_id is not None else None
    assert mentor is not None
    return mentor


def _training_of(name: str) -> Enrollment:
    found = training.find_open_enrollment(somebody(name).id, catalogue.get_plan(PLAN).id)
    assert found is not None
    return found

"""Who could stand in for whom in the demo: what matters most, parts of people, and what leads have seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from portal.accounts.models import Person
from portal.backfill.rules import Level, Part, RowKind
from portal.backfill.service import stating
from portal.core import clock
from portal.duties.queries import tasks
from portal.duties.rules import Criticality
from portal.duties.service.criticality import set_criticality
from portal.operations.demo.agenda import Agenda, Days, moment_of
from portal.operations.demo.people import ZONE

_CALIBRATION, _QUEUE = "Weekly calibration", "Daily check of the queue"


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a lead saw of somebody so many working days ago."""

    person: str
    level: Level
    back: int
    words: str


_SEEN = {
    _CALIBRATION: _Seen(
        "kobayashi.mei", Level.CAN_TEACH, 12, "進行役を務め、判断が割れた事例の根拠を条項に沿って説明しました。"
    ),
    _QUEUE: _Seen("yui.takahashi", Level.WITH_HELP, 4, "手順書を見ながら、滞留の多い言語を自分で見つけました。"),
}


def note_backfill(agenda: Agenda, days: Days, staff: Mapping[str, Person]) -> None:
    """Note what was judged to matter most, who has which part, and what the lead saw in the last weeks."""
    agenda.note(moment_of(days.before(14), 18), partial(_judge, staff["sato.ken"]))
    agenda.note(moment_of(days.before(13), 18), partial(_set_parts, staff))
    for title, seen in _SEEN.items():
        agenda.note(moment_of(days.before(seen.back), 19), partial(_state, title, seen, staff))


def _code_of(title: str) -> str | None:
    return next((each.code for each in tasks.list_running_tasks() if each.title.en == title), None)


def _judge(by: Person) -> None:
    set_criticality(
        kind="document",
        code="impersonation",
        criticality=Criticality.CRITICAL,
        reason="直接の被害がある案件を扱うため",
        by=by,
    )


def _set_parts(staff: Mapping[str, Person]) -> None:
    code = _code_of(_CALIBRATION)
    if code is None:
        return
    for name, part in (
        ("kobayashi.mei", Part.RESPONSIBLE),
        ("mori.akiko", Part.CONSULTED),
        ("yamada.hiroko", Part.INFORMED),
    ):
        stating.set_part(person=staff[name], kind=RowKind.TASK, code=code, part=part, by=staff["sato.ken"])


def _state(title: str, seen: _Seen, staff: Mapping[str, Person]) -> None:
    code = _code_of(title)
    if code is None or seen.person not in staff:
        return
    stating.state_level(
        person=staff[seen.person],
        kind=RowKind.TASK,
        code=code,
        level=seen.level,
        seen_on=clock.today(ZONE),
        words=seen.words,
        by=staff["sato.ken"],
    )

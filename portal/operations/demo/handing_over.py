"""What is handed over in the demo: an author who moves, half-way; a stand-in to come."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import partial

from portal.accounts.models import Person
from portal.acknowledgements.service import acknowledge
from portal.core import clock
from portal.duties.rules import Criticality
from portal.duties.service.criticality import set_criticality
from portal.handover.models import Handover, HandoverItem
from portal.handover.queries import dossiers
from portal.handover.queries import handovers as queries
from portal.handover.rules import Milestone, Reason, Stage
from portal.handover.service import handovers, issuing, items, stand_ins
from portal.operations.demo import handed_cards
from portal.operations.demo.agenda import Agenda, Days, moment_of
from portal.operations.demo.doing import look_up

# Working days before and after today.
_NOTICE, _LAST = 10, 11
_AWAY_FROM, _AWAY_FOR = 10, 4

_AT_HEAD_OFFICE = {
    "ongoing": "日次監査ポリシーの四半期見直し。不在の間に意見の締め切りが来ます。",
    "places": "資料はすべてライブラリーにあります。監査キューの利用申請はヘルプデスクへ。",
    "trouble": "承認については伊藤さんに相談してください。ポリシーの変更は戻るまで待てます。",
}
_AT_A_TEAM = {
    "ongoing": "The weekly task of the team. / チームの週次の業務。",
    "places": "The list of the week is in the team's folder. / 今週の一覧は、チームのフォルダにあります。",
    "trouble": "Ken Sato in Tokyo answers on the line of the leads. / リードの連絡窓口で、東京の佐藤さんが対応します。",
}

_WATCHED = "作成者の作業を最初から最後まで見学し、手順を書き留めました。"
_WATCHED_OVER = "見てもらいながら一通り行い、指摘を受けた2か所を直しました。"
_ALONE = "一人で版を作り、承認に出しました。差し戻しはありませんでした。"
# The quizzes by their place: the first ones are for somebody else, and when which of the others were taken over.
_OF_CHECKER = 3
_TAKEN = {6: slice(7, 12), 4: slice(12, 17), 2: slice(17, 22)}
# Its card is due by now, and is not written yet.
_LATE = "child-safety"
_KNOWN = "手順はどれも同じで、ほかの引継ぎで確認済みのため。"
_TOOK_QUIZ = "設問の統計を確かめ、版の公示までの手順を一人で行いました。"
_TOOK_BANK = "設問1件の見直しと承認の依頼を、一人で行いました。"
_TOOK_TASK = "一人で点検し、用語集に加える候補を3語出しました。"


def note_handovers(agenda: Agenda, days: Days, staff: Mapping[str, Person]) -> None:
    """Note down a handover that is half-way, and a stand-in."""
    lead, giver, owner = staff["sato.ken"], staff["yamada.hiroko"], staff["mori.akiko"]
    checker, mentor = staff["ito.jun"], staff["kobayashi.mei"]
    note = agenda.note
    note(moment_of(days.before(_NOTICE), 10), partial(_begin, days, giver, lead))
    note(
        moment_of(days.before(_NOTICE), 9, 30),
        partial(
            set_criticality,
            kind="quiz",
            code=_LATE,
            criticality=Criticality.CRITICAL,
            reason="この確認テストが止まると、児童の安全の手順を誰も確かめられないため。",
            by=lead,
        ),
    )
    assign = partial(_assign, giver, lead)
    for minute, (kind, chosen, successor) in enumerate(
        (
            ("plan", slice(2), owner),
            ("quiz", slice(_OF_CHECKER), checker),
            ("quiz", slice(_OF_CHECKER, None), owner),
            ("question_bank", slice(None), owner),
            ("recurring_task", slice(None), checker),
            ("report_schedule", slice(None), mentor),
        )
    ):
        note(moment_of(days.before(_NOTICE - 1), 11, minute), partial(assign, kind, chosen, successor))
    take = partial(_take_over, giver, lead)
    for before, chosen in _TAKEN.items():
        note(moment_of(days.before(before), 14), partial(take, "quiz", chosen, successor=owner, words=_TOOK_QUIZ))
    note(moment_of(days.before(3), 14), partial(take, "question_bank", slice(None), successor=owner, words=_TOOK_BANK))
    note(
        moment_of(days.before(3), 14, 10),
        partial(take, "recurring_task", slice(None), successor=checker, words=_TOOK_TASK),
    )
    note(
        moment_of(days.before(5), 15),
        partial(_show, giver, owner, kind="plan", number=0, stage=Stage.SHADOW, words=_WATCHED),
    )
    note(
        moment_of(days.before(5), 16),
        partial(_show, giver, checker, kind="quiz", number=0, stage=Stage.SHADOW, words=_WATCHED),
    )
    note(
        moment_of(days.before(4), 15),
        partial(_show, giver, owner, kind="plan", number=0, stage=Stage.REVERSE_SHADOW, words=_WATCHED_OVER),
    )
    note(
        moment_of(days.before(3), 15),
        partial(_show, giver, owner, kind="plan", number=0, stage=Stage.ALONE, words=_ALONE),
    )
    note(
        moment_of(days.before(3), 16),
        partial(_show, giver, owner, kind="plan", number=1, stage=Stage.SHADOW, words=_WATCHED),
    )
    # One of those who take over confirms it; what is issued again once a card has changed waits for the other.
    note(moment_of(days.before(5), 17), partial(_issue, giver, lead))
    note(moment_of(days.before(4), 9, 30), partial(_confirm, giver, owner))
    note(moment_of(days.before(2), 17), partial(_issue, giver, lead))
    note(moment_of(days.before(2), 10), partial(_accept, giver, "plan", 0, owner))
    note(moment_of(days.before(2), 13), partial(_refuse, giver, "quiz", 1, checker))
    note(
        moment_of(days.before(1), 17),
        partial(
            _show,
            giver,
            mentor,
            kind="report_schedule",
            number=0,
            stage=Stage.SHADOW,
            words="週報の設定と送信先を見せてもらいました。",
        ),
    )
    note(moment_of(days.before(1), 17, 30), partial(_plan_stand_in, days, owner, lead))
    for name, other in (("nishimura.sayuri", "ueda.daichi"), ("rosa.delgado", "leah.kowalski")):
        note(moment_of(days.before(2), 9, 15), partial(_plan_stand_in, days, staff[name], staff[other], _AT_A_TEAM))
    handed_cards.note_cards_of_handover(agenda, days, staff, _items)
    handed_cards.note_old_card(agenda, days, giver)


def _begin(days: Days, giver: Person, lead: Person) -> None:
    handovers.start(
        person=giver,
        reason=Reason.TRANSFER,
        notice_on=days.before(_NOTICE),
        last_on=days.step(days.today, _LAST),
        by=lead,
    )
    handovers.meet(handover=_open(giver), milestone=Milestone.PLAN, by=lead)


def _open(giver: Person) -> Handover:
    found = queries.find_open(giver.id)
    assert found is not None
    return found


def _items(giver: Person, kind: str) -> list[HandoverItem]:
    """Return the items of a kind, by what they are called."""
    found = [each.item for each in queries.list_courses([_open(giver).id]) if each.item.kind == kind]
    return sorted(found, key=lambda each: each.thing_code)


def _assign(giver: Person, lead: Person, kind: str, chosen: slice, successor: Person) -> None:
    """Name the successor of things of a kind; the last plans stay with the lead."""
    items.assign(
        handover=_open(giver),
        things=[(each.kind, each.thing_code) for each in _items(giver, kind)[chosen]],
        successor=successor,
        by=lead,
    )


def _take_over(giver: Person, lead: Person, kind: str, chosen: slice, *, successor: Person, words: str) -> None:
    """Let things of a kind be taken over whose way is known: they are done once alone."""
    for item in _items(giver, kind)[chosen]:
        if item.thing_code == _LATE:
            continue
        for stage in (Stage.SHADOW, Stage.REVERSE_SHADOW):
            items.waive_stage(item=item, stage=stage, reason=_KNOWN, by=lead)
        items.record_evidence(
            item=item, stage=Stage.ALONE, done_on=clock.today(successor.time_zone), words=words, by=successor
        )
        items.accept(item=item, by=successor)


def _show(giver: Person, successor: Person, *, kind: str, number: int, stage: Stage, words: str) -> None:
    items.record_evidence(
        item=_items(giver, kind)[number],
        stage=stage,
        done_on=clock.today(successor.time_zone),
        words=words,
        by=successor,
    )


def _issue(giver: Person, lead: Person) -> None:
    issuing.issue(handover=_open(giver), by=lead)


def _confirm(giver: Person, successor: Person) -> None:
    (slug,) = [each.document.slug for each in dossiers.list_dossiers(_open(giver)) if each.successor_id == successor.id]
    acknowledge(version=look_up(successor, slug), language=successor.language, by=successor)


def _accept(giver: Person, kind: str, number: int, successor: Person) -> None:
    items.accept(item=_items(giver, kind)[number], by=successor)


def _refuse(giver: Person, kind: str, number: int, successor: Person) -> None:
    items.refuse(
        item=_items(giver, kind)[number],
        reason="承認する側なので、同じ人が問題を作るのは避けた方がよいと考えます。",
        by=successor,
    )


def _plan_stand_in(days: Days, owner: Person, lead: Person, said: Mapping[str, str] = _AT_HEAD_OFFICE) -> None:
    first_on = days.step(days.today, _AWAY_FROM)
    last_on = days.step(first_on, _AWAY_FOR - 1)
    # Never beyond ten working days, whatever lies between.
    assert last_on - first_on < timedelta(days=25)
    stand_ins.plan_stand_in(
        person=owner,
        stand_in=lead,
        first_on=first_on,
        last_on=last_on,
        **said,
        by=owner,
    )

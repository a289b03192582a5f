"""The half-yearly rehearsal of handovers in the demo: the last one, with its report."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from functools import partial

from portal.accounts.models import Person
from portal.core import clock
from portal.core.i18n import Words
from portal.duties.queries.cards import CARD_KIND
from portal.duties.rules import Criticality
from portal.duties.service import cards
from portal.duties.service.criticality import set_criticality
from portal.handover.models import HandoverItem
from portal.handover.queries import handovers as queries
from portal.handover.rules import Reason, Stage
from portal.handover.service import handovers, items
from portal.operations.demo.agenda import Agenda, Days, moment_of

# As the task that comes with the content says: the tenth working day of April and October.
_MONTHS, _WORKING_DAY = (4, 10), 10
# So many days before today at least: there was no content yet, since it would be what is rehearsed.
_AGO = timedelta(days=62)
# Working days that the rehearsal took.
_TOOK = 6

_CALLS: dict[str, dict[str, str]] = {
    "purpose": {
        "ja": "当局からの照会に、期限までに一つの窓口で答える。",
        "en": "Enquiries of authorities are answered in time, and by one voice.",
    },
    "steps": {
        "ja": "1. 受付番号と期限を記録する\n2. 法務に写しを送る\n3. 回答案を2人で確かめる\n4. 送付した日を記録する",
        "en": "1. Note the number and the date by which it is due\n2. Send legal a copy\n"
        "3. Let two people look at the answer\n4. Note when it was sent",
    },
    "contacts": {
        "ja": "・法務の当番\n・広報の責任者",
        "en": "- Legal, whoever is on duty\n- The head of communications",
    },
    "exceptions": {
        "ja": "電話での照会には答えず、書面で送ってもらう。",
        "en": "An enquiry by telephone is not answered; ask for it in writing.",
    },
}
_LAWS: dict[str, dict[str, str]] = {
    "purpose": {
        "ja": "法改正に気づくのが施行の後にならないようにする。",
        "en": "Nobody learns of a change of the law after it is in force.",
    },
    "rhythm": {
        "ja": "官報と協会の通知を毎週月曜日に見る。",
        "en": "The gazette and the association's notes, every Monday.",
    },
}


def note_rehearsals(agenda: Agenda, days: Days, staff: Mapping[str, Person]) -> None:
    """Note that the team rehearsed in the last April or October, and what came of it."""
    lead, owner, successor = staff["sato.ken"], staff["mori.akiko"], staff["yamada.hiroko"]
    closed = _closed_on(days)
    begun = days.step(closed, -_TOOK)
    note = agenda.note
    note(moment_of(days.step(begun, -4), 10), partial(_write, owner))
    note(moment_of(begun, 10), partial(_rehearse, owner, successor, lead, begun, closed))
    note(moment_of(days.step(begun, 2), 15), partial(_show, owner, successor, lead))
    note(moment_of(closed, 17), partial(_close, owner, lead))


def _closed_on(days: Days) -> date:
    """Return the last day on which a rehearsal was due, so long ago."""
    found = []
    for year in (days.today.year - 1, days.today.year):
        for month in _MONTHS:
            found.append(days.step(date(year, month, 1) - timedelta(days=1), _WORKING_DAY))
    return max(day for day in found if day <= days.today - _AGO)


def _write(owner: Person) -> None:
    """Let the policy owner write down what belongs to no policy: two cards, of which one is critical."""
    for title, parts, criticality in (
        (Words("Enquiries of authorities", "当局からの照会への対応"), _CALLS, Criticality.CRITICAL),
        (Words("Changes of the law", "法改正の確認"), _LAWS, Criticality.NORMAL),
    ):
        card = cards.create_card(title=title, parts=parts, questions=(), by=owner)
        if criticality is not Criticality.NORMAL:
            set_criticality(
                kind=CARD_KIND,
                code=card.code,
                criticality=criticality,
                reason="当局の回答期限は数日しかないため。",
                by=owner,
            )


def _items(owner: Person) -> list[HandoverItem]:
    """Return what is rehearsed, the critical card first."""
    found = queries.find_open(owner.id)
    assert found is not None
    rows = [each.item for each in queries.list_courses([found.id])]
    return sorted(rows, key=lambda each: each.criticality is not Criticality.CRITICAL)


def _rehearse(owner: Person, successor: Person, lead: Person, begun: date, last_on: date) -> None:
    found = handovers.start(person=owner, reason=Reason.REHEARSAL, notice_on=begun, last_on=last_on, by=lead)
    first = _items(owner)[0]
    items.assign(handover=found, things=[(first.kind, first.thing_code)], successor=successor, by=lead)


def _show(owner: Person, successor: Person, lead: Person) -> None:
    """Let the successor do the first thing alone, and take it; of the other nobody was found."""
    item = _items(owner)[0]
    for stage in (Stage.SHADOW, Stage.REVERSE_SHADOW):
        items.waive_stage(item=item, stage=stage, reason="過去の照会の記録で手順を確かめたため。", by=lead)
    items.record_evidence(
        item=item,
        stage=Stage.ALONE,
        done_on=clock.today(successor.time_zone),
        words="模擬の照会1件に、一人で期限内に回答案を作りました。法務への連絡先が古く、直してもらいました。",
        by=successor,
    )
    items.accept(item=item, by=successor)


def _close(owner: Person, lead: Person) -> None:
    found = queries.find_open(owner.id)
    assert found is not None
    handovers.close(handover=found, by=lead)

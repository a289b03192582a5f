"""What the staff of the demo organisation wrote on cards: about tasks, and about what belongs to none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from portal.accounts.models import Person
from portal.core.i18n import Words
from portal.duties.queries import OWNED_KIND
from portal.duties.queries.tasks import list_running_tasks
from portal.duties.rules import CardPart, Criticality
from portal.duties.rules.cards import Question
from portal.duties.service import cards, removals
from portal.duties.service.criticality import set_criticality
from portal.operations.demo.agenda import Agenda, Days, moment_of

_Parts = dict[str, dict[str, str]]

_CALIBRATION: _Parts = {
    "purpose": {
        "ja": "同じ投稿に全員が同じ判断をできるようにする。ずれたまま進むと、異議申し立てが翌週に増える。",
        "en": "Everybody decides the same way on the same post. Where we drift apart, appeals rise a week later.",
    },
    "rhythm": {
        "ja": "毎週木曜日 13:00〜14:00。祝日に当たる週は前の営業日。半期の初回（4月・10月）は2時間取る。",
        "en": "Every Thursday, 13:00 to 14:00; where that is a holiday, on the working day before. The first one of a "
        "half-year (April, October) takes two hours.",
    },
    "steps": {
        "ja": "前日まで：\n1. 判断が割れた投稿を10件選ぶ（監査の記録から6件、異議申し立てから4件）\n"
        "2. 投稿者が分かる部分を隠す\n当日：\n3. 各自が先に判断を書く。話し合いはそのあと\n"
        "4. 割れた件は条項を声に出して読む\n5. 決まったことを議事録に書き、翌日までに共有する",
        "en": "Until the day before:\n1. Choose ten posts on which decisions differed (six audits, four appeals)\n"
        "2. Hide what tells who posted them\nOn the day:\n3. Everybody writes a decision first; talk comes later\n"
        "4. Where decisions differ, read the clause aloud\n5. Note what was decided, and share it until the next day",
    },
    "contacts": {
        "ja": "・ポリシー担当：森さん（条項の解釈）\n・海外チーム：Rosaさん（月初の回のみ参加）",
        "en": "- Policy: Mori-san, on what a clause means\n- Team abroad: Rosa, who joins the first one of a month",
    },
    "exceptions": {
        "ja": "発言の多い人から話すと、全員がそれに寄る。必ず書いてから話す。\n未成年に関わる投稿は題材にしない。",
        "en": "Whoever speaks first is followed by everybody. Write first, always.\nPosts about minors are never used.",
    },
    "open_items": {
        "ja": "なりすましの「パロディ表示」の扱いが、まだ2通りに分かれている。次回までに森さんの回答を待つ。",
        "en": "Whether a parody label suffices is still answered in two ways. Mori-san answers by the next one.",
    },
    "access": {
        "ja": "監査の記録を見る権限は、管理者（Grace）に依頼する。申請から1営業日。",
        "en": "Access to the audit records is asked of the administrator (Grace); it takes one working day.",
    },
    "decisions": {
        "ja": "2時間から1時間に縮めた。後半は疲れて判断が甘くなることが、半年分の記録で分かったため。",
        "en": "We went from two hours to one: half a year of records showed that decisions grow lenient in the second.",
    },
    "trouble": {
        "ja": "題材が集まらない週は、前回割れた件をもう一度行う。中止するより効果がある。",
        "en": "In a week without enough posts, take those again on which we differed, rather than calling it off.",
    },
    "documents": {"ja": "手順書は[[daily-audit#standard]]。", "en": "The procedure is [[daily-audit#standard]]."},
}
_ASKED = (
    Question(
        "判断のすり合わせで、最初に行うことは何ですか。",
        "各自が判断を書く",
        ("リードが正解を伝える", "割れた件を話し合う"),
    ),
    Question(
        "題材が集まらない週は、どうしますか。", "前回割れた件をもう一度行う", ("中止する", "新しい条項を読み上げる")
    ),
    Question(
        "題材に使ってはいけない投稿はどれですか。",
        "未成年に関わる投稿",
        ("異議申し立てのあった投稿", "判断が割れた投稿", "海外の投稿"),
    ),
)
_QUEUE: _Parts = {
    "purpose": {"ja": "審査待ちが基準を超える前に気づき、人を回す。"},
    "rhythm": {"ja": "毎営業日の 9:30 まで。"},
    "steps": {
        "ja": "1. 審査画面の一覧を「受付が古い順」に並べる\n2. 4時間を超えたものが20件以上なら、リードに知らせる"
    },
    "contacts": {
        "ja": "・件数が減らないとき：当番のリード\n"
        "・審査画面が開かないとき：情報システムの早川さん（個人の携帯 090-0123-4567。夜も出てくれる）",
    },
    "exceptions": {"ja": "月曜日は土日の分が残るため、40件までは通常の範囲。"},
}
_PRIVATE = "早川さん個人の携帯番号が書いてあり、本人の了解を得ていないため。当番の番号に書き直します。"
_REPORT: _Parts = {
    "purpose": {
        "ja": "前月に何が起き、どの条項を直すべきかを会議が決められるようにする。",
        "en": "The council can decide which clauses to change, knowing what happened in the month before.",
    },
    "steps": {"ja": "1. 数字を集める（第1営業日から）\n2. 3つの論点に絞る\n3. 前日の正午までに配る"},
    "open_items": {"ja": "異議申し立ての分類を、10月から新しい区分に移す。古い区分との対応表は作成中。"},
}
_PRESS: _Parts = {
    "purpose": {
        "ja": "報道機関から問い合わせがあったとき、誰も慌てないようにする。",
        "en": "Nobody is taken by surprise when the press calls.",
    },
    "contacts": {
        "ja": "・平日：広報の当番（社内の連絡先一覧を参照）\n・夜間、休日：当番のリードから広報責任者へ",
        "en": "- On working days: whoever is on duty in communications (see the company's list)\n"
        "- At night and on days off: from the lead on duty to the head of communications",
    },
    "exceptions": {
        "ja": "電話では何も答えない。用件と連絡先を聞き、折り返すと伝える。",
        "en": "Answer nothing on the telephone. Ask what it is about and how to call back.",
    },
}


def note_cards(agenda: Agenda, days: Days, staff: Mapping[str, Person]) -> None:
    """Note that cards were written in the last weeks, and how much their tasks were judged to matter."""
    short: _Parts = {name: _CALIBRATION[name] for name in ("purpose", "rhythm", "steps")}
    written: Sequence[tuple[int, str, str, _Parts, Sequence[Question]]] = (
        (38, "Weekly calibration", "sato.ken", short, ()),
        (12, "Weekly calibration", "kobayashi.mei", _CALIBRATION, _ASKED),
        (10, "Daily check of the queue", "kobayashi.mei", _QUEUE, ()),
        (8, "Monthly report to the policy council", "mori.akiko", _REPORT, ()),
    )
    for back, task, by, parts, asked in written:
        agenda.note(moment_of(days.before(back), 15), partial(_write, task, staff[by], parts, asked))
    judged = (
        (9, "Daily check of the queue", "sato.ken", Criticality.CRITICAL, "審査の遅れは当日中に利用者へ影響するため。"),
    )
    for back, task, by, criticality, reason in judged:
        agenda.note(moment_of(days.before(back), 16), partial(_judge, task, staff[by], criticality, reason))
    agenda.note(
        moment_of(days.before(1), 11, 30),
        partial(_take_out, "Daily check of the queue", CardPart.CONTACTS, _PRIVATE, staff["kobayashi.mei"]),
    )
    agenda.note(
        moment_of(days.before(20), 11),
        partial(
            cards.create_card,
            title=Words("When the press calls", "報道機関から問い合わせがあったとき"),
            parts=_PRESS,
            questions=(),
            by=staff["sato.ken"],
        ),
    )


def _code_of(task: str) -> str:
    (found,) = [each.code for each in list_running_tasks() if each.title.en == task]
    return found


def _write(task: str, by: Person, parts: _Parts, asked: Sequence[Question]) -> None:
    subject = cards.get_subject(OWNED_KIND, _code_of(task))
    cards.write_card(subject=subject, parts=parts, questions=asked, seen=cards.number_of(subject), by=by)


def _take_out(task: str, part: CardPart, reason: str, by: Person) -> None:
    """Ask that a part of a card be taken out for good; it is held back until somebody else has confirmed."""
    subject = cards.get_subject(OWNED_KIND, _code_of(task))
    removals.ask(subject=subject, number=cards.number_of(subject), part=part.value, reason=reason, by=by)


def _judge(task: str, by: Person, criticality: Criticality, reason: str) -> None:
    set_criticality(kind=OWNED_KIND, code=_code_of(task), criticality=criticality, reason=reason, by=by)

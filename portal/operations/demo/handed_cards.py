"""What whoever hands over in the demo wrote on cards, with questions in both languages, and a quiz drawn from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from portal.accounts.models import Person
from portal.core.i18n import Words
from portal.duties.rules import CardPart
from portal.duties.rules.cards import Question, QuestionText
from portal.duties.service import cards
from portal.handover.models import HandoverItem
from portal.handover.service import quiz
from portal.operations.demo.agenda import Agenda, Days, moment_of

_Parts = dict[str, dict[str, str]]


def _asked(about: CardPart, english: tuple[str, ...], japanese: tuple[str, ...]) -> Question:
    """Return a question in both languages: what is asked, what is right, and what is not."""
    return Question(
        english[0],
        english[1],
        english[2:],
        about,
        "en",
        QuestionText(japanese[0], japanese[1], japanese[2:]),
    )


_QUIZ: _Parts = {
    "purpose": {
        "ja": "新しく入った人が、監査の基準を覚えただけでなく使えるかを確かめる。合格するまで担当を任せない。",
        "en": "Find out whether somebody new can use the standard of the audit, not only recite it. Nobody takes a "
        "queue before passing.",
    },
    "rhythm": {
        "ja": "毎月第1営業日に正答率を見る。設問の見直しは四半期に1回（次回は1月）。",
        "en": "The shares of right answers are looked at on the first working day of each month. Questions are "
        "reviewed once a quarter; the next time is January.",
    },
    "steps": {
        "ja": "1. 問題バンクの統計で、正答率30%未満の設問を探す\n2. 条項が変わっていないかを確かめる\n"
        "3. 直した設問をレビューに出す（作成者以外）\n4. 承認されたら、確認テストの新しい版を公示する",
        "en": "1. Find questions with less than 30% right answers in the statistics of the bank\n"
        "2. See whether their clause has changed\n3. Send what was mended to review, by somebody who did not write it\n"
        "4. Once it is approved, publish a new version of the quiz",
    },
    "contacts": {
        "ja": "・条項の意味：森さん\n・承認：伊藤さん\n・現場の感触：Meiさん",
        "en": "- What a clause means: Mori-san\n- Approval: Ito-san\n- How it feels on the floor: Mei",
    },
    "decisions": {
        "ja": "制限時間は付けない。急がせると、条項を読まずに勘で答える人が増えたため。",
        "en": "There is no time limit: when people were hurried, more of them guessed without reading the clause.",
    },
    "exceptions": {
        "ja": "設問を直しても、受験中の人には直す前の設問が出る。慌てて取り消さない。",
        "en": "Whoever is sitting it while a question is mended keeps the one from before. Do not void it in a hurry.",
    },
    "trouble": {
        "ja": "正答が2つある設問が見つかったら、まず出題を止め、それからリードに知らせる。",
        "en": "Where a question turns out to have two right answers, stop asking it first, then tell the lead.",
    },
    "open_items": {
        "ja": "設問7の言い回しが硬い。案は草案にあり、伊藤さんの意見待ち。",
        "en": "Question 7 is worded stiffly. A proposal is among the drafts and waits for Ito-san.",
    },
    "documents": {
        "ja": "基準は[[daily-audit#standard]]。",
        "en": "The standard is [[daily-audit#standard]].",
    },
}
_QUIZ_ASKED = (
    _asked(
        CardPart.STEPS,
        (
            "Which questions are looked at first?",
            "Those with less than 30% right answers",
            "The newest ones",
            "Those that were asked most often",
        ),
        ("最初に見直すのは、どの設問ですか。", "正答率が30%未満の設問", "一番新しい設問", "出題回数が多い設問"),
    ),
    _asked(
        CardPart.EXCEPTIONS,
        (
            "A question is mended while somebody is sitting the quiz. What does she see?",
            "The question from before",
            "The mended one",
            "Her quiz is ended",
        ),
        (
            "受験中の人がいるときに設問を直すと、その人には何が出ますか。",
            "直す前の設問",
            "直した後の設問",
            "受験が打ち切られる",
        ),
    ),
    _asked(
        CardPart.TROUBLE,
        (
            "A question has two right answers. What is done first?",
            "Stop asking it",
            "Void all results",
            "Wait for the review of the quarter",
        ),
        (
            "正答が2つある設問が見つかりました。最初に何をしますか。",
            "出題を止める",
            "結果をすべて取り消す",
            "四半期の見直しを待つ",
        ),
    ),
    _asked(
        CardPart.DECISIONS,
        (
            "Why is there no time limit?",
            "Hurried people guessed without reading the clause",
            "Attempts took too little time to measure",
            "The law forbids it",
        ),
        (
            "制限時間がないのは、なぜですか。",
            "急がせると、条項を読まずに勘で答えたため",
            "所要時間が短く、測れなかったため",
            "法令で禁じられているため",
        ),
    ),
)
_PLAN: _Parts = {
    "purpose": {
        "ja": "すり合わせ会を自分で進められる人を増やす。",
        "en": "More people can lead a calibration by themselves.",
    },
    "rhythm": {"ja": "4月と10月に1回ずつ。", "en": "Once each in April and October."},
    "steps": {
        "ja": "1. 参加者をリードと決める\n2. 日程を市場ごとに置く\n3. 終わったら実技確認をリードに頼む",
        "en": "1. Choose who takes part, with the lead\n2. Set the dates, market by market\n"
        "3. Ask the lead for sign-offs afterwards",
    },
    "contacts": {
        "ja": "・参加者：佐藤さん\n・海外の日程：Rosaさん",
        "en": "- Who takes part: Sato-san\n- Dates abroad: Rosa",
    },
    "exceptions": {"ja": "祝日の週には置かない。", "en": "Never in a week with a holiday."},
    "open_items": {"ja": "10月の回の会場が未定。", "en": "There is no room yet for October."},
}
_PLAN_ASKED = (
    _asked(
        CardPart.STEPS,
        ("Who chooses who takes part?", "The author together with the lead", "The participants", "The administrator"),
        ("参加者は誰が決めますか。", "作成者がリードと決める", "参加者どうし", "管理者"),
    ),
    _asked(
        CardPart.EXCEPTIONS,
        ("Which weeks are avoided?", "Weeks with a holiday", "The first week of a month"),
        ("避けるのは、どの週ですか。", "祝日のある週", "月の最初の週"),
    ),
    _asked(
        CardPart.CONTACTS,
        ("Whom does one ask about dates abroad?", "Rosa", "Ito-san", "Grace"),
        ("海外の日程は誰に聞きますか。", "Rosaさん", "伊藤さん", "Graceさん"),
    ),
)
_REPORT: _Parts = {
    "purpose": {"ja": "週の様子を、会議の前に全員が知っている状態にする。"},
    "steps": {"ja": "1. 送信先に新しい人を加える\n2. 月曜の朝に届いたかを確かめる"},
}

# Who hands over, and what of a kind is handed over, by what it is called.
Items = Callable[[Person, str], list[HandoverItem]]


def note_cards_of_handover(agenda: Agenda, days: Days, staff: Mapping[str, Person], items: Items) -> None:
    """Note cards of what is handed over, one of them written anew after a quiz was drawn from it, with a mistake."""
    giver, checker, owner = staff["yamada.hiroko"], staff["ito.jun"], staff["mori.akiko"]
    note = agenda.note
    note(moment_of(days.before(6), 10), partial(_write, items, giver, ("plan", 0), _PLAN, _PLAN_ASKED))
    note(moment_of(days.before(6), 11), partial(_write, items, giver, ("quiz", 0), _QUIZ, _QUIZ_ASKED))
    note(moment_of(days.before(6), 16), partial(_write, items, giver, ("report_schedule", 0), _REPORT, ()))
    note(moment_of(days.before(4), 17), partial(_try, items, giver, ("quiz", 0), checker, wrong=1))
    note(moment_of(days.before(3), 10), partial(_try, items, giver, ("plan", 0), owner, wrong=0))
    later = _QUIZ | {
        "open_items": {
            "ja": "設問7は直した。次は設問12の図を差し替える（図は広報に依頼済み）。",
            "en": "Question 7 is mended. Next, the picture of question 12 is replaced; communications have been asked.",
        }
    }
    note(moment_of(days.before(3), 11), partial(_write, items, giver, ("quiz", 0), later, _QUIZ_ASKED))


def note_old_card(agenda: Agenda, days: Days, giver: Person) -> None:
    """Note a card that was written so long ago that it has to be checked again."""
    agenda.note(
        moment_of(days.on_or_before(200), 15),
        partial(
            cards.create_card,
            title=Words("Pictures for cases: whom to ask", "事例の画像の頼み方"),
            parts={
                "purpose": {
                    "ja": "本物の投稿を使わずに、事例の画像を用意する。",
                    "en": "Have pictures of cases without using real posts.",
                },
                "steps": {
                    "ja": "1. 説明を3行で書く\n2. デザインの受付に出す\n3. 届いたら、人物が写っていないかを見る",
                    "en": "1. Describe it in three lines\n2. Hand it to the desk of the designers\n"
                    "3. When it comes, see that nobody is recognisable in it",
                },
            },
            questions=(),
            by=giver,
        ),
    )


def _item(items: Items, giver: Person, which: tuple[str, int]) -> HandoverItem:
    kind, number = which
    return items(giver, kind)[number]


def _write(items: Items, giver: Person, which: tuple[str, int], parts: _Parts, asked: Sequence[Question]) -> None:
    item = _item(items, giver, which)
    subject = cards.get_subject(item.kind, item.thing_code)
    cards.write_card(subject=subject, parts=parts, questions=asked, seen=cards.number_of(subject), by=giver)


def _try(items: Items, giver: Person, which: tuple[str, int], successor: Person, *, wrong: int) -> None:
    """Let a successor take the quiz once; so many of its first questions go wrong."""
    item = _item(items, giver, which)
    found = quiz.begin(handover=item.handover, item=item, by=successor)
    chosen = {each.place: (each.order.index(0) + (each.place <= wrong)) % len(each.order) for each in found.questions}
    quiz.hand_in(quiz=found, chosen=chosen, by=successor)

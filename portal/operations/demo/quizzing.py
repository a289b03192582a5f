"""Quizzes in the demo beside the plans: what was marked, questioned, corrected, decided, practised and reviewed.

Two quizzes that belong to no plan are taken by people whose days do not change by it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction
from functools import partial

from portal.accounts.models import Person
from portal.accounts.service import accommodations
from portal.core import clock
from portal.core.i18n import Words
from portal.gradebook.models import GradeDecision, ScoreEntry
from portal.gradebook.service import decisions
from portal.operations.demo.agenda import Agenda, Days, moment_of
from portal.operations.demo.answers import TODAY, WRITTEN, Points, Written
from portal.operations.demo.doing import somebody
from portal.operations.demo.people import ZONE
from portal.operations.demo.questions import (
    BANKS,
    DOCUMENT,
    FEW,
    NOTES,
    PRACTICE,
    QUIZZES,
    REASON,
    RECORDS,
    SAMPLE_TIME,
    SENT_BACK,
    TALK,
    TALKING,
    TWO_FAULTS,
)
from portal.quizzes import queries
from portal.quizzes.models import Appeal, Attempt, Item, MarkRound, Question, RegradeKind, Remedy
from portal.quizzes.queries import flags as flagged
from portal.quizzes.queries import marking as waiting
from portal.quizzes.queries import regrades as looked_up
from portal.quizzes.service import (
    appeals,
    banks,
    editing,
    flags,
    hand_marking,
    lifecycle,
    new_bank,
    practice,
    regrades,
    revising,
)
from portal.quizzes.service.attempts import save_response, start_attempt, submit_attempt
from portal.quizzes.service.building import ANSWER, read, type_of
from portal.quizzes.service.rehearsal import rehearsed_answer

# Days before today on which questions were written, and approved: before the first of those who sit them.
_WRITTEN, _APPROVED = 40, 39
_ANSWER = timedelta(minutes=2)
# What is written where the key knows only figures; the last ones are those that the regrade takes besides.
_TIMES = ("9:30 am", "9.30 a.m.", "9:30 a.m.")
_BOTH = {TWO_FAULTS: ("b",)}


@dataclass(frozen=True, slots=True)
class _Sitting:
    """Somebody takes the quiz about records so many working days ago, and answers these otherwise than the key."""

    name: str
    days: int
    besides: Mapping[str, Sequence[str]]


def _at(time: str, **besides: tuple[str, ...]) -> dict[str, Sequence[str]]:
    return {SAMPLE_TIME: (time,), **besides}


SITTINGS = (
    # The English key is too narrow.
    _Sitting("rosa.delgado", 12, _at(_TIMES[0])),
    _Sitting("leah.kowalski", 12, _at(_TIMES[1])),
    _Sitting("owen.harris", 11, _at(_TIMES[0])),
    _Sitting("samuel.lindqvist", 11, _at(_TIMES[2])),
    _Sitting("park.jisoo", 11, _at(_TIMES[0])),
    _Sitting("fischer.anna", 10, _at(_TIMES[0]) | {TALK: ("a",)}),
    _Sitting("costa.bruno", 10, _at(_TIMES[1])),
    _Sitting("emma.larsen", 8, {}),
    _Sitting("dubois.claire", 7, _at(_TIMES[0])),
    _Sitting("ananya.gupta", 7, _at(_TIMES[2])),
    # The Japanese text of a choice can be read otherwise.
    _Sitting("sato.ken", 12, _BOTH),
    _Sitting("hayashi.tomoko", 12, _BOTH),
    _Sitting("nishimura.sayuri", 11, _BOTH),
    _Sitting("ueda.daichi", 11, _BOTH),
    _Sitting("kimura.nao", 10, _BOTH),
    _Sitting("pak.cheolsu", 7, _BOTH),
    _Sitting("nishi.haruto", 8, _BOTH | {FEW: ("a",)}),
    _Sitting("kudo.natsuki", 7, _BOTH),
    _Sitting("sakamoto.ren", 7, _BOTH | {TALK: ("a", "b", "d")}),
    _Sitting("morimoto.kanade", 7, {}),
)
# Who is in the middle of the quiz about rationales on the day itself, and who has handed in an hour before.
SITTING = "abe.sho"
_BEGUN = "表示名と自己紹介欄の両方に「応援」と「非公式」の語があり、"
_AGO, _EARLIER = timedelta(minutes=20), timedelta(hours=1)


def note_quizzing(agenda: Agenda, days: Days, staff: Mapping[str, Person]) -> Callable[[], None]:
    """Note down what happened in quizzes outside of the plans; returns what happens on the day itself."""
    _note_questions(agenda, days, staff)
    _note_accommodations(agenda, days, staff["grace.muller"])
    for number, sitting in enumerate(SITTINGS):
        agenda.note(moment_of(days.before(sitting.days), 10, 3 * number), partial(_sit_records, sitting))
    _note_marking(agenda, days, staff)
    _note_appeals(agenda, days, staff)
    _note_decisions(agenda, days, staff)
    for number, (name, on) in enumerate((("abe.sho", 3), ("morimoto.kanade", 3), ("emma.larsen", 2))):
        agenda.note(moment_of(days.before(on), 17, 10 * number), partial(_practise, name))
    return partial(_begin_today, days.today)


# --- questions ---------------------------------------------------------------------------------


def _note_questions(agenda: Agenda, days: Days, staff: Mapping[str, Person]) -> None:
    """Note down who wrote what, what counts since, what waits for the approver and what came back."""
    author, approver = staff["yamada.hiroko"], staff["ito.jun"]
    agenda.note(moment_of(days.on_or_before(_WRITTEN), 10), partial(_write, author))
    agenda.note(moment_of(days.on_or_before(_APPROVED), 15), partial(_approve, approver))
    agenda.note(moment_of(days.on_or_before(_APPROVED), 16), partial(_publish, author))
    agenda.note(moment_of(days.before(5), 13), partial(_submit_new, author))
    agenda.note(moment_of(days.before(3), 13), partial(_send_back, approver))
    agenda.note(moment_of(days.before(2), 13), partial(_propose_wording, author))


def _write(author: Person) -> None:
    """Write the banks, and what is open for practice beside the shipped ones."""
    for slug, (title, questions) in BANKS.items():
        bank = new_bank.add_bank(slug=slug, title=title, document=DOCUMENT, by=author)
        for name, content in questions.items():
            _submit(editing.add_question(bank=bank, content=content, by=author, slug=name), author)
    shipped = queries.get_bank(DOCUMENT)
    for name, content in PRACTICE.items():
        _submit(editing.add_question(bank=shipped, content=content, by=author, slug=name), author)


def _submit(question: Question, author: Person) -> None:
    lifecycle.take_step(question=question, to="in_review", by=author)


def _question(bank: str, slug: str) -> Question:
    found = queries.find_latest(queries.get_bank(bank), slug)
    assert found is not None
    return found[0]


def _approve(approver: Person) -> None:
    written = {slug: questions for slug, (_title, questions) in BANKS.items()} | {DOCUMENT: PRACTICE}
    for bank, questions in written.items():
        for slug in questions:
            lifecycle.take_step(question=_question(bank, slug), to="live", by=approver)


def _publish(author: Person) -> None:
    """Make both quizzes, and let the shipped one offer practice."""
    for slug, terms in QUIZZES.items():
        revising.add_quiz(slug=slug, terms=terms, owner=author, deputy=None, by=author)
    shipped = queries.get_quiz(DOCUMENT)
    terms = replace(banks.terms_of_version(shipped), practice=True)
    revising.revise_quiz(slug=DOCUMENT, terms=terms, based_on=shipped.number, by=author)


def _submit_new(author: Person) -> None:
    bank = queries.get_bank(RECORDS)
    _submit(editing.add_question(bank=bank, content=SENT_BACK, by=author, slug="names-in-report"), author)


def _send_back(approver: Person) -> None:
    lifecycle.take_step(
        question=_question(RECORDS, "names-in-report"), to="draft", by=approver,
        reason="条項の文をそのまま尋ねているため、覚えていれば答えられます。"
        "報告文の例を一つ示して、どこを直すかを問う形にしてください。",
    )  # fmt: skip


def _propose_wording(author: Person) -> None:
    """Ask of a shipped question more plainly whose turn it is; the old wording is drawn until that is approved."""
    question = _question(DOCUMENT, "aud-001")
    version = queries.get_version(question, question.in_work)
    content = replace(
        read(version.content),
        stem=Words(
            "Yesterday an experienced reviewer took 120 decisions, 40 of them with an action. What does the lead draw "
            "for today's sample?",
            "経験のある審査担当者が、前営業日に120件を判定しました。うち40件が措置ありです。"
            "リードが本日の監査用に抽出するのはどれですか。",
        ),
    )
    editing.save_wording(question=question, content=content, base=version.number, by=author)
    lifecycle.take_step(question=question, to="in_review", by=author, of_proposal=True)


# --- sitting -----------------------------------------------------------------------------------


def _note_accommodations(agenda: Agenda, days: Days, admin: Person) -> None:
    """Note down for whom something was agreed."""
    on = days.before(8)

    def approve(
        name: str, quarters: int, until: date | None, *, hides: bool = False, minutes: int = 0, form: str = ""
    ) -> None:
        accommodations.approve_accommodation(
            person=somebody(name), multiplier=Fraction(quarters, 4), hide_countdown=hides, valid_from=on,
            valid_until=until, break_minutes=minutes, alternative_format=form, by=admin,
        )  # fmt: skip

    agenda.note(
        moment_of(on, 15), partial(approve, "ananya.gupta", 6, None, minutes=10, form="Question paper in large print")
    )
    agenda.note(moment_of(on, 15, 5), partial(approve, "sakamoto.ren", 5, None, hides=True))
    agenda.note(moment_of(on, 15, 10), partial(approve, "hirano.tsubasa", 5, on + timedelta(days=180)))


def _sit_records(sitting: _Sitting) -> None:
    _sit(somebody(sitting.name), RECORDS, sitting.besides)


def _sit(person: Person, quiz: str, besides: Mapping[str, Sequence[str]], *, hands_in: bool = True) -> Attempt:
    """Take a quiz; where nothing else is said of a question, what its key says. What is not handed in is begun only."""
    begun = clock.now()
    attempt = start_attempt(version=queries.get_quiz(quiz), person=person, language=person.language)
    items = queries.list_items(attempt)
    for item in items:
        stored = besides.get(item.question_version.question.slug)
        if stored is None and not hands_in:
            continue
        with clock.frozen(begun + _ANSWER * item.position):
            save_response(
                attempt=attempt, person=person, position=item.position, seq=1, idem_key=f"demo-{item.position}",
                given=_given(item, stored),
            )  # fmt: skip
    if hands_in:
        with clock.frozen(begun + _ANSWER * (len(items) + 1)):
            submit_attempt(attempt=attempt, person=person)
    return attempt


def _given(item: Item, stored: Sequence[str] | None) -> Mapping[str, Sequence[str]]:
    if stored is None:
        return rehearsed_answer(item, right=True)
    content = item.question_version.read()
    return type_of(content.type).places(content, item.choice_order, {ANSWER: list(stored)})


def _practise(name: str) -> None:
    """Answer what is shown for practice twice, and leave the third question open."""
    person, version = somebody(name), queries.get_quiz(DOCUMENT)
    for _number in range(2):
        row = practice.show_next(version=version, person=person)
        content = row.question_version.read()
        kind = type_of(content.type)
        given = kind.places(content, row.choice_order, kind.solution(content))
        practice.answer_practice(row=row, person=person, given=given)
    practice.show_next(version=version, person=person)


def _begin_today(day: date) -> None:
    """Let somebody hand in, and somebody else be in the middle of an attempt.

    That is so at the instant at which the demo is made, or at noon where it is made for another day: the only moments
    that the day alone does not decide.
    """
    now, dawn = clock.now(), moment_of(day, 0)
    if clock.local_date(now, ZONE) != day:
        now = min(moment_of(day, 12), now)
    begun = now - _AGO - _EARLIER
    if begun > dawn or now < dawn:
        with clock.frozen(begun):
            _hand_in(TODAY)
    with clock.frozen(max(now - _AGO, min(dawn, now))):
        _sit(somebody(SITTING), NOTES, {REASON: (_BEGUN,)}, hands_in=False)


# --- marking -----------------------------------------------------------------------------------


def _note_marking(agenda: Agenda, days: Days, staff: Mapping[str, Person]) -> None:
    """Note down who wrote something, and who marked it: two persons each, as far as they have come."""
    first, second = staff["yamada.hiroko"], staff["mori.akiko"]
    for number, written in enumerate(WRITTEN):
        agenda.note(moment_of(days.before(written.days), 11, 4 * number), partial(_hand_in, written))
        agenda.note(
            moment_of(days.before(written.days - 1), 9, 4 * number),
            partial(_mark, written, MarkRound.FIRST, first),
        )
        agenda.note(
            moment_of(days.before(written.days - 1), 15, 4 * number),
            partial(_mark, written, MarkRound.SECOND, second),
        )


def _hand_in(written: Written) -> None:
    _sit(somebody(written.name), NOTES, {REASON: (written.reason,), TALKING: (written.talk,)})


def _mark(written: Written, round_: MarkRound, by: Person) -> None:
    (attempt,) = queries.list_attempts(somebody(written.name), queries.get_quiz(NOTES).quiz_id)
    for item, marked in zip(queries.list_items(attempt), written.marks, strict=True):
        points = marked.first if round_ is MarkRound.FIRST else marked.second
        if points is not None:
            answer = hand_marking.take(answer=waiting.lock_answer(item.id), person=by)
            said = marked.said if round_ is MarkRound.FIRST else ""
            hand_marking.give_mark(answer=answer, round_=round_, given=_points(item, points, said), by=by)


def _points(item: Item, points: Points, said: str) -> dict[str, str]:
    (part,) = hand_marking.parts_of(item)
    given = {
        hand_marking.field_of(part, criterion): str(each) for criterion, each in zip(part.criteria, points, strict=True)
    }
    return given | {hand_marking.COMMENT: said}


# --- what is questioned and corrected ------------------------------------------------------------


def _note_appeals(agenda: Agenda, days: Days, staff: Mapping[str, Person]) -> None:
    """Note down what the results pointed out, what learners questioned, and what became of both."""
    author, approver = staff["yamada.hiroko"], staff["ito.jun"]
    made: dict[str, Appeal] = {}

    def ask(name: str, quiz: str, slug: str, words: str) -> None:
        person = somebody(name)
        (attempt,) = queries.list_attempts(person, queries.get_quiz(quiz).quiz_id)
        made[name] = appeals.make_appeal(attempt=attempt, item=_item_of(attempt, slug), words=words, by=person)

    def answer(name: str, said: str, remedy: Remedy | None = None) -> None:
        appeals.answer_appeal(
            appeal=made[name], is_upheld=remedy is not None, remedy=remedy, answer=said, by=author
        )  # fmt: skip

    def propose(name: str, accepts: regrades.Accepts, reason: Words) -> None:
        regrades.propose_regrade(
            version=made[name].item.question_version, kind=RegradeKind.ACCEPT, accepts=accepts, reason=reason,
            by=author, appeal=made[name],
        )  # fmt: skip

    agenda.note(moment_of(days.before(6), 18), _look_at_results)
    on = days.before(5)
    agenda.note(
        moment_of(on, 10, 20),
        partial(
            ask, "dubois.claire", RECORDS, SAMPLE_TIME,
            "I wrote “9:30 am”. That is the time that the clause names, only written as people write it here.",
        ),
    )  # fmt: skip
    agenda.note(
        moment_of(on, 11),
        partial(
            ask, "kudo.natsuki", RECORDS, TWO_FAULTS,
            "「技術的エラーは追記して補う」は、誤りとして記録するのではなく、記録を補うという意味に読みました。"
            "条項にも、記録した人が追記して補うとあります。",
        ),
    )  # fmt: skip
    agenda.note(
        moment_of(on, 11, 30),
        partial(
            ask, "sakamoto.ren", RECORDS, TALK,
            "決めたことを監査担当者が書き留めるのも、フィードバックの一部だと思います。",
        ),
    )  # fmt: skip
    agenda.note(
        moment_of(days.before(1), 13),
        partial(
            ask, "le.thi-lan", NOTES, REASON,
            "どの欄のラベルかは書きませんでしたが、ラベルがあるのに通知したという理由は書いています。"
            "もう一度見ていただけますか。",
        ),
    )  # fmt: skip

    on = days.before(4)
    agenda.note(
        moment_of(on, 15),
        partial(
            answer, "dubois.claire",
            "You are right: the time is the one of the clause. Answers with “am” will be accepted for everybody.",
            Remedy.REGRADE,
        ),
    )  # fmt: skip
    agenda.note(
        moment_of(on, 15, 10),
        partial(
            propose, "dubois.claire", {ANSWER: [[each] for each in _TIMES]},
            Words(
                "The time is right however it is written; the key took figures only.",
                "時刻の書き方が違うだけで、答えは合っています。採点の基準が数字だけの書き方に限られていました。",
            ),
        ),
    )  # fmt: skip
    agenda.note(moment_of(days.before(3), 11), partial(_carry_out_regrade, approver))
    agenda.note(moment_of(days.before(3), 14), partial(_close_flag, author))
    agenda.note(
        moment_of(days.before(2), 15),
        partial(
            answer, "sakamoto.ren",
            "書き留めること自体は手順のとおりですが、条項では「審査担当者自身の言葉で」と定めています。"
            "この選択肢は監査担当者の言葉としているため、採点は変わりません。",
        ),
    )  # fmt: skip
    on = days.before(1)
    agenda.note(
        moment_of(on, 15),
        partial(
            answer, "kudo.natsuki",
            "ご指摘のとおり、日本語の選択肢は条項の説明としても読めます。この選択肢も正解とする案を出します。",
            Remedy.REGRADE,
        ),
    )  # fmt: skip
    agenda.note(
        moment_of(on, 15, 10),
        partial(
            propose, "kudo.natsuki", {ANSWER: [["b"]]},
            Words(
                "The Japanese text of this choice can be read as what the clause on repair says.",
                "この選択肢は、日本語では、判定の是正の条項のとおりに追記するという意味にも読めます。",
            ),
        ),
    )  # fmt: skip


def _item_of(attempt: Attempt, slug: str) -> Item:
    return next(item for item in queries.list_items(attempt) if item.question_version.question.slug == slug)


def _look_at_results() -> None:
    """Look at what the results say of the questions, as the worker does."""
    look = flags.look_at_results(queries.get_quiz(RECORDS).quiz_id)
    assert look is not None
    flags.follow(look)


def _carry_out_regrade(approver: Person) -> None:
    """Approve the rule that waits, and mark again what it concerns, as the worker does."""
    _question_row, version = queries.find_latest(queries.get_bank(RECORDS), SAMPLE_TIME) or (None, None)
    assert version is not None
    regrade = looked_up.find_undecided(version.id)
    assert regrade is not None
    seen = regrades.seen(regrades.preview(regrade))
    regrades.approve_regrade(regrade=regrade, looked_at=seen, falls={}, by=approver)
    for attempt_id in looked_up.list_attempt_ids(version.id):
        regrades.apply_to(regrade, attempt_id)
    regrades.finish_regrade(regrade)


def _close_flag(author: Person) -> None:
    question = _question(RECORDS, SAMPLE_TIME)
    (flag,) = flagged.list_flags_of([question.id])[question.id]
    flags.close_flag(
        flag=flag, by=author,
        note="訳文ではなく、英語の解答の書き方が原因でした。「am」を付けた時刻も正解とし、全員を採点し直しました。",
    )  # fmt: skip


# --- what is decided by hand ---------------------------------------------------------------------


def _note_decisions(agenda: Agenda, days: Days, staff: Mapping[str, Person]) -> None:
    """Note down results that two people decided: exempt, set, set and taken back, and one that waits."""
    admin, second = staff["grace.muller"], staff["ogawa.shin"]
    lead, neighbour = staff["sato.ken"], staff["hayashi.tomoko"]
    asked: dict[str, GradeDecision] = {}
    given: dict[str, ScoreEntry] = {}

    def exempt(name: str, reason: str, by: Person) -> None:
        version = queries.get_quiz(RECORDS)
        asked[name] = decisions.ask_exemption(person=somebody(name), version=version, reason=reason, by=by)

    def set_score(name: str, reason: str) -> None:
        asked[name] = decisions.ask_override(
            person=somebody(name), version=queries.get_quiz(RECORDS), score=Fraction(3, 4), reason=reason, by=neighbour
        )  # fmt: skip

    def take_back(name: str, reason: str) -> None:
        asked[name] = decisions.ask_withdrawal(
            person=somebody(name), version=queries.get_quiz(RECORDS), number=given[name].entry_no, reason=reason,
            by=neighbour,
        )  # fmt: skip

    def confirm(name: str, by: Person) -> None:
        given[name] = decisions.confirm(decision=asked[name], by=by)

    for ago, hour, act in (
        (
            9,
            13,
            partial(exempt, "kobayashi.mei", "設問の試作に加わり、答えを知っているため、受験を免除します。", lead),
        ),
        (8, 13, partial(confirm, "kobayashi.mei", admin)),
        (
            6,
            13,
            partial(set_score, "nishi.haruto", "報告の設問は押し間違いでした。口頭で理由を正しく説明できました。"),
        ),
        (
            6,
            14,
            partial(
                set_score, "fischer.anna", "英語の設問の採点が見直されるまでの間、口頭の確認に基づいて記録します。"
            ),
        ),
        (6, 16, partial(confirm, "nishi.haruto", second)),
        (6, 17, partial(confirm, "fischer.anna", admin)),
        (
            2,
            11,
            partial(take_back, "fischer.anna", "採点し直した結果で合格したため、手入力の点数は要らなくなりました。"),
        ),
        (2, 16, partial(confirm, "fischer.anna", admin)),
        (1, 14, partial(exempt, "endo.misaki", "前の所属で、同じ内容の確認テストに合格しているためです。", neighbour)),
    ):
        agenda.note(moment_of(days.before(ago), hour), act)

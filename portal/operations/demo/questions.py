"""What the demo organisation asks itself beyond the shipped content: two small banks, two quizzes, some practice."""

from __future__ import annotations

from fractions import Fraction

from portal.core.i18n import Words
from portal.quizzes.models import Release, SecondMarker
from portal.quizzes.rules import PRACTICE_TAG
from portal.quizzes.service.building import (
    ANSWER,
    ESSAY,
    LETTERS,
    NUMBER,
    TEXT,
    Choice,
    Content,
    Criterion,
    NumberKey,
    Part,
    QuizTerms,
    TextKey,
)

DOCUMENT = "daily-audit"
RECORDS, NOTES = "audit-records", "decision-notes"
# Of the first quiz: whose English key is too narrow, whose Japanese text misleads, and two that are as they should be.
SAMPLE_TIME, TWO_FAULTS, TALK, FEW = "sample-time", "two-faults", "feedback-talk", "few-decisions"
# Of the second: what somebody writes about a decision, and about an error.
REASON, TALKING = "one-sentence", "first-words"

_TIMES = (("9:30", "9時30分"), ("09:30", "9時半"))
_TRUE, _FALSE = Words("True", "正しい"), Words("False", "誤り")


def choices(*given: tuple[bool, Words, Words]) -> tuple[Part, ...]:
    """Return what a question is chosen from: of each choice whether it is right, what it says, and why."""
    made = tuple(Choice(LETTERS[place], text, is_right, why) for place, (is_right, text, why) in enumerate(given))
    return (Part(ANSWER, None, 1, made),)


def _essay(least: int, most: int, *criteria: tuple[int, Words]) -> tuple[Part, ...]:
    looked_for = tuple(Criterion(LETTERS[place], text, points) for place, (points, text) in enumerate(criteria))
    points = sum(each.points for each in looked_for)
    return (Part(ANSWER, None, points, kind=ESSAY, criteria=looked_for, least=least, most=most),)


def question(
    kind: str,
    title: Words,
    stem: Words,
    parts: tuple[Part, ...],
    *,
    clause: str,
    level: int = 2,
    tags: tuple[str, ...] = (),
    document: str = DOCUMENT,
) -> Content:
    """Return a question about a clause."""
    return Content(
        type=kind, title=title, stem=stem, parts=parts, clauses=(f"{document}#{clause}",), difficulty=level,
        severity="S0", tags=tags, document=document,
    )  # fmt: skip


OF_RECORDS = {
    SAMPLE_TIME: question(
        "short_answer",
        Words("The time of the sample", "抽出の時刻"),
        Words(
            "By what time does the lead draw the sample from the decisions of the previous working day?",
            "リードは、前営業日の判定からの抽出を何時までに行いますか。",
        ),
        (Part(ANSWER, None, 1, kind=TEXT, keys=tuple(TextKey(Words(*each)) for each in _TIMES)),),
        clause="sample", level=1,
    ),
    TWO_FAULTS: question(
        "single_choice",
        Words("Two faults in one case", "一つの案件に二つの不備"),
        Words(
            "The reviewer sent a label notice where a profile notice was due. The account ID is missing from the "
            "record, too. What does the auditor record as error?",
            "審査担当者は、プロフィールの是正通知を送るべきところで、ラベルの是正通知を送りました。"
            "記録にはアカウントIDもありません。監査担当者は、誤りとして何を記録しますか。",
        ),
        choices(
            (True, Words("A wrong selection, nothing else", "選択誤りだけ"),
             Words("Right. One case has at most one error; the heavier one counts.",
                   "正解です。1件に記録する誤りは一つだけで、重いほうを数えます。")),
            (False, Words("A wrong selection and a technical error", "選択誤り。技術的エラーは追記して補う"),
             Words("One case has at most one error.", "1件の案件に記録する誤りは一つだけです。")),
            (False, Words("A technical error", "技術的エラー"),
             Words("The wrong selection weighs more.", "選択誤りのほうが重い誤りです。")),
            (False, Words("A false positive", "偽陽性（過剰措置）"),
             Words("An action was due, but another one.", "措置は必要でした。誤ったのは、措置の種類です。")),
        ),
        clause="error-types",
    ),
    TALK: question(
        "multiple_choice",
        Words("In the talk", "フィードバックで行うこと"),
        Words(
            "What belongs in the talk with the reviewer? Choose all that apply.",
            "審査担当者とのフィードバックで行うことはどれですか。当てはまるものをすべて選んでください。",
        ),
        choices(
            (True, Words("Asking which clause the reviewer went by", "どの条項に基づいたのかを尋ねる"),
             Words("Right. The talk begins with that question.", "正解です。この質問から始めます。")),
            (True, Words("Agreeing on one thing to do differently", "次から変えることを一つ決める"),
             Words("Right. One thing, not a list.", "正解です。決めるのは一つです。")),
            (False, Words("Comparing the errors with those of colleagues", "同僚の誤りと比べる"),
             Words("Errors are not compared.", "同僚とは比べません。")),
            (False, Words("Writing the agreement in the auditor's words", "決めたことを監査担当者の言葉で書き留める"),
             Words("It is written in the reviewer's own words.", "書き留めるのは、審査担当者自身の言葉です。")),
        ),
        clause="feedback",
    ),
    FEW: question(
        "true_false",
        Words("Twelve decisions", "12件の判定"),
        Words(
            "Twelve decisions under a clause were audited. The report may state the rate of errors.",
            "ある条項による判定が12件監査されました。報告に誤りの率を載せてもかまいません。",
        ),
        choices(
            (False, _TRUE, Words("Under 20 decisions there is no rate.", "20件未満では、率を示しません。")),
            (True, _FALSE,
             Words("Right. Under 20 only counts are shown.", "正解です。20件未満では、件数だけを示します。")),
        ),
        clause="reporting",
    ),
}  # fmt: skip

OF_NOTES = {
    REASON: question(
        "free_text",
        Words("The reason in one sentence", "理由を一文で"),
        Words(
            "A fan account with both labels got a label notice. You audit the decision. Write the sentence of reason "
            "for the record.",
            "両方にラベルのあるファンアカウントに、ラベルの是正通知が送られていました。"
            "この判定を監査したものとして、記録に残す理由を一文で書いてください。",
        ),
        _essay(
            20, 400,
            (2, Words("names the error and the clause", "誤りの種類と条項を挙げている")),
            (2, Words("says what in the profile decides", "プロフィールのどこで決まるかを述べている")),
            (1, Words("leaves out names and judgements of people", "名前や人への評価を書いていない")),
        ),
        clause="recording", level=3,
    ),
    TALKING: question(
        "free_text",
        Words("The first words", "最初の言葉"),
        Words(
            "You meet the reviewer of this case. Write how you begin, and what you agree on in the end.",
            "この案件の審査担当者と話します。どのように切り出し、最後に何を決めるかを書いてください。",
        ),
        _essay(
            20, 600,
            (2, Words("begins with a question", "質問から始めている")),
            (2, Words("reads the clause together", "一緒に条項を読んでいる")),
            (1, Words("agrees on one thing", "変えることを一つ決めている")),
        ),
        clause="feedback", level=3,
    ),
}  # fmt: skip

# What is open for practice, of the shipped bank.
PRACTICE = {
    "practice-dispute": question(
        "true_false",
        Words("How long a dispute is", "異議の長さ"),
        Words(
            "Two or three sentences that name the clause are enough to dispute a result.",
            "監査結果への異議は、条項を挙げて、二、三文で書けば足ります。",
        ),
        choices(
            (True, _TRUE, Words("Right. The second auditor sees the case anyway.",
                                "正解です。案件は、第二監査担当者も読みます。")),
            (False, _FALSE, Words("No more is asked for.", "それ以上は求められていません。")),
        ),
        clause="disputes", level=1, tags=(PRACTICE_TAG,),
    ),
    "practice-weight": question(
        "numeric",
        Words("The weight of a false positive", "偽陽性の重み"),
        Words("What is the weight of a false positive?", "偽陽性（過剰措置）の、誤りの重みはいくつですか。"),
        (Part(ANSWER, None, 1, kind=NUMBER, keys=(NumberKey("2"),)),),
        clause="weights", level=1, tags=(PRACTICE_TAG,),
    ),
}  # fmt: skip

# What comes back from its review.
SENT_BACK = question(
    "true_false",
    Words("Names in the report", "報告と氏名"),
    Words(
        "The names of reviewers do not appear in the report of the audit.",
        "監査の報告に、審査担当者の氏名は載せません。",
    ),
    choices(
        (True, _TRUE, Words("Right. So the clause says.", "正解です。条項にそう書かれています。")),
        (False, _FALSE, Words("The clause says so.", "条項にそう書かれています。")),
    ),
    clause="reporting",
    level=1,
)


def _terms(
    title: Words, bank: str, questions: dict[str, Content], *, minutes: int, mark: int, second: SecondMarker
) -> QuizTerms:
    return QuizTerms(
        number="1.0", title=title, blueprint=[{"questions": [f"{bank}/{slug}" for slug in questions]}],
        time_limit_minutes=minutes, attempts_allowed=2, wait_hours=24, wait_after_fails=1,
        pass_mark=Fraction(mark, 100), release=Release.AT_ONCE, show=("score", "correctness", "rationale"),
        shuffle_questions=False, shuffle_choices=True, opens_at=None, closes_at=None, second_marker=second,
    )  # fmt: skip


QUIZZES = {
    RECORDS: _terms(
        Words("Records and feedback: yearly check", "記録とフィードバック 年次確認テスト"), RECORDS, OF_RECORDS,
        minutes=20, mark=70, second=SecondMarker.NONE,
    ),
    NOTES: _terms(
        Words("Writing a rationale", "判断理由の書き方"), NOTES, OF_NOTES,
        minutes=60, mark=60, second=SecondMarker.ALL,
    ),
}  # fmt: skip
BANKS = {
    RECORDS: (Words("Records and feedback", "記録とフィードバック"), OF_RECORDS),
    NOTES: (Words("Rationales in writing", "判断理由の記述"), OF_NOTES),
}

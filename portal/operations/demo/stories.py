"""The twenty who came from other teams and practise now: what happened to each, by the working days of the plan.

0 is the first working day, and yesterday the tenth after it. A step due on the fifth or the tenth day can be overdue
by now; what is due later lies ahead.
"""

from __future__ import annotations

from dataclasses import dataclass

from portal.accounts.service.people import Names
from portal.operations.demo.people import english, japanese, password_of
from portal.training.rules import Presence

# What many misunderstand in the policy.
MISUNDERSTOOD = "notice"
CIRCLE, AUDITS, GATE = "case-circle", "ten-audits", "own-queue"
IMPERSONATION, AUDIT = "quiz-impersonation", "quiz-audit"
CASES, REREAD = "three-cases", "read-audit"


@dataclass(frozen=True, slots=True)
class HandsIn:
    """She hands in what a task asks for."""

    day: int
    said: str = ""
    link: str = ""
    file: str = ""
    step: str = AUDITS


@dataclass(frozen=True, slots=True)
class Answered:
    """The mentor accepts what was handed in, or sends it back."""

    day: int
    statement: str
    accepted: bool = True


@dataclass(frozen=True, slots=True)
class Sits:
    """She sits a check once, and so many questions go wrong: those of a clause, where one is named."""

    day: int
    step: str
    wrong: int = 0
    clause: str = ""


@dataclass(frozen=True, slots=True)
class LooksUp:
    """She looks something up in a policy."""

    day: int
    document: str = "impersonation"


@dataclass(frozen=True, slots=True)
class Reads:
    """She reads what the calibration day asks for."""

    day: int


@dataclass(frozen=True, slots=True)
class Meets:
    """The lead holds the case circle with her alone."""

    day: int


@dataclass(frozen=True, slots=True)
class SignedOff:
    """The lead looks at the figures of the gate and signs it off."""

    day: int
    statement: str


@dataclass(frozen=True, slots=True)
class Away:
    """Leave is entered for the working days between the days off that come next."""

    day: int


@dataclass(frozen=True, slots=True)
class Paused:
    """The lead stops the days of her plan."""

    day: int
    reason: str


@dataclass(frozen=True, slots=True)
class GivenTime:
    """The lead gives her more working days for the ten audits."""

    day: int
    working_days: int
    reason: str


@dataclass(frozen=True, slots=True)
class Stopped:
    """The lead ends her plan."""

    day: int
    reason: str


@dataclass(frozen=True, slots=True)
class Talked:
    """The lead talks with her alone, and keeps a note of it that she can read or not."""

    day: int
    said: str
    shown: bool = True


@dataclass(frozen=True, slots=True)
class Noted:
    """The mentor keeps a note that she can read."""

    day: int
    said: str


Act = (
    HandsIn
    | Answered
    | Sits
    | LooksUp
    | Reads
    | Meets
    | SignedOff
    | Away
    | Paused
    | GivenTime
    | Stopped
    | Talked
    | Noted
)


@dataclass(frozen=True, slots=True)
class Story:
    """One of the twenty: who she is, and what happened."""

    name: str
    names: Names
    acts: tuple[Act, ...]
    language: str = "ja"
    # How she was at the case circle, and at the one that was held again; None: not expected there.
    circle: Presence | None = Presence.PRESENT
    again: Presence | None = None
    # Whether she is expected at the next one, and at the calibration day.
    comes: bool = False
    calibrates: bool = False
    starts: int = 0
    # Why she goes on in the next version of the plan; empty: she does not.
    goes_over: str = ""

    @property
    def password(self) -> str:
        """Her password; as public as those of the staff."""
        return password_of(self.name)


_SHEET = "https://docs.hibiki.example/audits/"

PRACTISING = (
    # Through with everything ahead of time.
    Story(
        "aoki.haruka", japanese("青木", "遥", "アオキ", "ハルカ", "Aoki", "Haruka"),
        (
            HandsIn(
                4,
                "10件を表にまとめました。7件は同じ判断、2件は選択誤り、1件は見逃しと考えます。"
                "見逃しの1件は、名前と写真の二つの手がかりが一致しているのに措置がありませんでした。",
                file="audits-aoki.csv",
            ),
            Answered(5, "10件とも条項と判断の理由が書かれています。見逃しの1件は、再審査に回しました。"),
            Sits(6, IMPERSONATION, 1, MISUNDERSTOOD),
            Sits(7, AUDIT),
            HandsIn(8, "ラベルが片方だけのアカウント、役職を名乗る応援、改名直後の公式マークの3件です。", step=CASES),
            SignedOff(9, "数値と監査の記録を一緒に確認しました。月曜日から、メンターのそばで通報を担当します。"),
            Reads(10),
        ),
        calibrates=True,
    ),
    # Everything done; the gate waits for the lead.
    Story(
        "brandt.friederike",
        Names("von Brandt-Lindenbaum", "Friederike", "Charlotte", family_romaji="von Brandt-Lindenbaum",
              given_romaji="Friederike"),
        (
            HandsIn(
                5,
                "Ten audits in the linked table. In eight I agree. Case 3 rests on the parody clause although the bio "
                "has no label; case 9 is a technical error, the result is right.",
                link=f"{_SHEET}brandt",
            ),
            Sits(6, IMPERSONATION),
            Answered(6, "条項の引用がすべて正確です。技術的な誤りと選択誤りの区別もできています。"),
            Sits(8, AUDIT, 1),
            Reads(9),
            LooksUp(10),
        ),
        language="en", calibrates=True,
    ),
    # What she handed in waits for the mentor.
    Story(
        "choi.yuna", Names("崔", "有娜", "", "チェ", "ユナ", "Choi", "Yuna"),
        (
            Sits(5, IMPERSONATION, 1, MISUNDERSTOOD),
            HandsIn(9, "10件の監査結果です。判断に迷った2件には印を付けました。", link=f"{_SHEET}choi"),
            Sits(10, AUDIT),
        ),
        calibrates=True,
    ),
    # Two steps overdue: nobody has booked him for another circle; goes on in the next version of the plan.
    Story(
        "doi.katsuya", japanese("土井", "克弥", "ドイ", "カツヤ", "Doi", "Katsuya"),
        (
            LooksUp(2),
            Sits(7, IMPERSONATION, 1, MISUNDERSTOOD),
            Talked(8, "通勤の都合で午前の検討会に出られない。午後の回を待って入る。記録は3件まで進んでいる。"),
        ),
        circle=Presence.ABSENT, goes_over="検討会に出るのが後になるため、到達判定が2日遅い版に移ります。",
    ),
    # Failed twice at one check.
    Story(
        "eguchi.sayaka", japanese("江口", "沙也加", "エグチ", "サヤカ", "Eguchi", "Sayaka"),
        (
            Sits(6, IMPERSONATION, 5),
            HandsIn(8, "10件の記録です。5件目は、表示名だけで判断してよいか迷いました。", file="audits-eguchi.csv"),
            Sits(9, IMPERSONATION, 4),
            Answered(9, "迷った点が書かれていて、よい記録です。手がかりの数え方は、面談で一緒に確認しましょう。"),
            Noted(9, "「手がかりが二つそろうまでは措置しない」という基準を、二つの例で一緒に確認しました。"),
            Talked(10, "受験を急いでいる様子。次の受験の前に、間違えた条項を一緒に読む時間を取る。", shown=False),
        ),
    ),
    # On leave between the days off.
    Story(
        "fukusaki.nozomi", japanese("福﨑", "希", "フクサキ", "ノゾミ", "Fukusaki", "Nozomi"),
        (
            Away(2),
            Sits(8, IMPERSONATION),
            HandsIn(9, "休暇前に10件まとめました。措置は段階の順に書いています。", file="audits-fukusaki.csv"),
            Answered(10, "段階の根拠がよく分かります。"),
        ),
    ),
    # One name only.
    Story(
        "indrawati", Names("Indrawati", family_kana="インドラワティ", family_romaji="Indrawati"),
        (
            HandsIn(6, "Each line names clause, decision and what I would have done.", link=f"{_SHEET}indrawati"),
            Answered(7, "件名だけで内容が分かるように書かれています。このまま続けてください。"),
            Sits(7, IMPERSONATION, 1, MISUNDERSTOOD),
            Sits(9, AUDIT, 1),
        ),
        language="en", calibrates=True,
    ),
    # Her days do not count at present.
    Story(
        "hasegawa.takahiro", japanese("長谷川", "孝浩", "ハセガワ", "タカヒロ", "Hasegawa", "Takahiro"),
        (LooksUp(1), Paused(3, "家族の介護のため。再開の時期は、本人から連絡があったときに決めます。")),
        circle=None,
    ),
    # More time, with its reason.
    Story(
        "igarashi.momoko", japanese("五十嵐", "桃子", "イガラシ", "モモコ", "Igarashi", "Momoko"),
        (
            Sits(8, IMPERSONATION, 1, MISUNDERSTOOD),
            GivenTime(9, 3, "三日間、ライブ安全チームの応援に入っていたため。"),
            LooksUp(10, "daily-audit"),
        ),
    ),
    # Came four days after the others.
    Story(
        "jimenez.maria",
        Names("Jiménez Fernández-Cuesta", "María del Carmen", family_romaji="Jiménez Fernández-Cuesta",
              given_romaji="María del Carmen"),
        (
            LooksUp(5),
            Meets(8),
            Sits(9, IMPERSONATION),
            HandsIn(10, "Five of the ten so far; the others follow after the next shift.", link=f"{_SHEET}jimenez"),
        ),
        language="en", circle=None, starts=4,
    ),
    # Left.
    Story(
        "kuwabara.shun", japanese("桑原", "駿", "クワバラ", "シュン", "Kuwabara", "Shun"),
        (
            LooksUp(2),
            Stopped(6, "ライブ安全チームに戻ることになったため、本人と相談のうえ終了します。"),
        ),
    ),
    # Sent back, and not handed in again yet.
    Story(
        "li.wei", Names("李", "偉", "", "リ", "イ", "Li", "Wei"),
        (
            Sits(5, IMPERSONATION, 1, MISUNDERSTOOD),
            HandsIn(7, "10件の判断をまとめました。", file="audits-li.csv"),
            Answered(8, "2件目、4件目、9件目に、根拠の条項を書き足してください。", accepted=False),
            Sits(10, AUDIT),
        ),
    ),
    # Excused from the case circle; expected at the next one.
    Story(
        "matsuzaki.yu", japanese("松﨑", "優", "マツザキ", "ユウ", "Matsuzaki", "Yu"),
        (
            Sits(7, IMPERSONATION),
            HandsIn(8, "通院の日を除く三日間で10件を監査しました。", file="audits-matsuzaki.csv"),
            Answered(10, "10件とも確認しました。日付の書き方もそろっています。"),
        ),
        circle=Presence.EXCUSED, comes=True, calibrates=True,
    ),
    # The gate has too few questions yet: one of two checks.
    Story(
        "nguyen.minh-khai", Names("Nguyễn", "Minh Khai", "Thị", "グエン", "ミン カイ", "Nguyễn", "Minh Khai"),
        (
            HandsIn(6, "10件の監査の表です。日本語の氏名の表記ゆれを、備考に書きました。", link=f"{_SHEET}nguyen"),
            Answered(7, "備考の観点は、チームでも共有したい内容です。"),
            Sits(8, IMPERSONATION),
            LooksUp(10),
        ),
        calibrates=True,
    ),
    # Both checks passed, but not well enough for the gate.
    Story(
        "okonkwo.adaeze", english("Okonkwo", "Adaeze"),
        (
            Sits(6, IMPERSONATION, 2),
            HandsIn(7, "Ten audits. Where does a notice end and a restriction begin?", file="audits-okonkwo.csv"),
            Answered(8, "記録はよく書けています。通知の条項は、事例検討会でもう一度取り上げます。"),
            Sits(9, AUDIT, 2),
        ),
        language="en",
    ),
    # Sent back, done again, accepted.
    Story(
        "saito.ryoichiro", japanese("齋藤", "龍一郎", "サイトウ", "リュウイチロウ", "Saito", "Ryuichiro"),
        (
            HandsIn(5, "10件の監査結果です。", file="audits-saito.csv"),
            Answered(6, "自分ならどう判断したかの欄が空いています。10件とも記入してください。", accepted=False),
            Sits(7, IMPERSONATION, 1, MISUNDERSTOOD),
            HandsIn(8, "判断の欄を記入しました。6件目は、元の判断と変わりました。", file="audits-saito-2.csv"),
            Answered(9, "6件目の理由が明確です。確認しました。"),
        ),
    ),
    Story(
        "takada.misaki", japanese("髙田", "美咲", "タカダ", "ミサキ", "Takada", "Misaki"),
        (
            Sits(5, IMPERSONATION),
            HandsIn(8, "10件の記録です。誤りの重みも計算しました。", file="audits-takada.csv"),
            Answered(9, "重みの計算も合っています。"),
            Sits(10, AUDIT, 1),
        ),
    ),
    # Absent from the case circle; made up for it.
    Story(
        "uchida.kenjiro", japanese("内田", "健二郎", "ウチダ", "ケンジロウ", "Uchida", "Kenjiro"),
        (
            Sits(9, IMPERSONATION, 1, MISUNDERSTOOD),
            HandsIn(10, "10件の監査が終わりました。", file="audits-uchida.csv"),
        ),
        circle=Presence.ABSENT, again=Presence.PRESENT,
    ),
    Story(
        "vaananen.aino", english("Väänänen", "Aino"),
        (
            Sits(5, IMPERSONATION, 1, MISUNDERSTOOD),
            HandsIn(6, "Ten audits with the clause for each. One false positive: a fan account with both labels.",
                    link=f"{_SHEET}vaananen"),
            Answered(7, "偽陽性の1件は、リードにも報告しました。"),
            Sits(8, AUDIT),
            SignedOff(10, "Figures and audits looked at together; the queue of fan accounts from next week."),
        ),
        language="en",
    ),
    # Nothing has been heard of her since the fifth day.
    Story(
        "teshigawara.kaoruko", japanese("勅使河原", "薫子", "テシガワラ", "カオルコ", "Teshigawara", "Kaoruko"),
        (LooksUp(1), Sits(5, IMPERSONATION)),
    ),
)  # fmt: skip

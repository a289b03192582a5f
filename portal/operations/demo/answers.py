"""What people of the demo write in the quiz about rationales, and what those who mark it give for it."""

from __future__ import annotations

from dataclasses import dataclass

# Points by criterion.
Points = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Marked:
    """The marks of one answer: points and comment of the first and the second person; None: not marked yet."""

    first: Points | None = None
    second: Points | None = None
    said: str = ""


@dataclass(frozen=True, slots=True)
class Written:
    """What somebody hands in so many working days ago: the reason, the first words, and the marks of both."""

    name: str
    days: int
    reason: str
    talk: str
    marks: tuple[Marked, Marked] = (Marked(), Marked())


WRITTEN = (
    Written(
        "morimoto.kanade", 6,
        "表示名と自己紹介欄の両方にラベルがあるため、ファンアカウントの条項では措置なしとなり、通知は偽陽性に当たる。",
        "「何を見て、どの条項に基づきましたか」と尋ね、ファンアカウントの条項を一緒に読みます。"
        "最後に、通知の前に二つの欄を確かめることを決めます。",
        (
            Marked((2, 2, 1), (2, 2, 1), "条項と根拠がそろっています。"),
            Marked((2, 2, 1), (2, 1, 1), "順序どおりです。"),
        ),
    ),
    Written(
        "kudo.natsuki", 6,
        "偽陽性。表示名にも自己紹介欄にも認められたラベルがあり、是正を求める点がない。",
        "まず、自己紹介欄のどこからラベルがないと考えたのかを尋ねます。条項を一緒に読み、次は二つの欄を順に見ると決めます。",
        (Marked((1, 2, 1), (1, 2, 1), "条項の名前も書いてください。"), Marked((2, 2, 1), (2, 2, 1))),
    ),
    Written(
        "le.thi-lan", 5,
        "ラベルがあるのに通知したため、誤りである。",
        "間違いだったことを先に伝え、ラベルの条項を読んでもらいます。次から気を付けるように話します。",
        (
            Marked((1, 1, 1), (0, 1, 1), "誤りの種類と、どの欄のラベルかを書くと、後から読む人に伝わります。"),
            Marked((0, 1, 0), (0, 1, 1), "質問から始め、変えることを一つに絞りましょう。"),
        ),
    ),
    Written(
        "pak.cheolsu", 5,
        "ファンアカウントの条項は両方のラベルで足りるとしており、二つともあるので、通知は偽陽性（過剰措置）である。",
        "「最初に見た欄はどこでしたか」と聞きます。条項の例を一緒に読み、欄を見る順番を一つ決めて書き留めてもらいます。",
        (Marked((2, 2, 1), (2, 2, 1)), Marked((2, 2, 1), (2, 2, 1), "相手の言葉で書き留める点がよいです。")),
    ),
    Written(
        "ananya.gupta", 4,
        "False positive under the clause on fan accounts: name and bio both carry an accepted label.",
        "I ask what in the bio looked unlabelled, we read both examples of the clause, and we agree on one check.",
        (Marked((2, 2, 1), (2, 2, 1), "Clear and short."), Marked((2, 2, 1), (1, 2, 1))),
    ),
    # The two who marked it are too far apart: a third person decides.
    Written(
        "dubois.claire", 4,
        "The notice was wrong because the account is honest about being a fan page in both places that count.",
        "I say that everybody slips, ask what was looked at first, and open the clause. From now on: bio, then name.",
        (
            Marked((2, 2, 1), (0, 2, 1), "The clause is described, though not named."),
            Marked((2, 2, 1), (2, 2, 1), "A kind beginning."),
        ),
    ),
    # Marked once.
    Written(
        "sakamoto.ren", 2,
        "両方の欄にラベルがあり、措置の必要がないのに通知を送っているため、偽陽性として記録する。",
        "どの条項を開いて判定したのかを尋ね、その条項を並んで読みます。次は、ラベルの欄に印を付けてから判定すると決めます。",
        (Marked((1, 2, 1)), Marked((2, 2, 1))),
    ),
    # Not marked yet.
    Written(
        "tsuji.makoto", 1,
        "ファンアカウントとして必要なラベルが表示名と自己紹介欄にあるので、措置なしが正しく、通知は偽陽性である。",
        "「どこを見て判定しましたか」と尋ね、条項を一緒に確認します。最後に、通知文を送る前の確認を一つ決めます。",
    ),
)  # fmt: skip

# Handed in on the day itself.
TODAY = Written(
    "emma.larsen", 0,
    "False positive: both accepted labels were there, so the clause on fan accounts asked for no action.",
    "“Where did you look for the label?” Then we read the clause, and the reviewer names one thing to check first.",
)  # fmt: skip

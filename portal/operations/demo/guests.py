"""The text of the procedure that the demo's people write in the browser: guests in a live stream."""

from __future__ import annotations

from portal.library.service.joining import TextValues

SLUG = "guests-in-streams"

_EN = """\
## What this procedure is for {#purpose}

A host may let other people into a running stream: a **guest** speaks, a co-host may also act. This procedure says what
the team that watches live streams does when the guest, and not the host, breaks a rule.

## Who acts first {#first}

The reviewer on the live shift acts within **2 minutes** of the alert. She does not wait for a report by a viewer.

1. Note the time in the stream, to the second.
2. Take the guest out ([[#guest]]).
3. Look at what the host did in the minute after that ([[#host]]).

**Example:** At 21:04:10 a guest reads a telephone number aloud. The reviewer takes the guest out at 21:05.

**Counter-example:** The reviewer ends the whole stream because a guest swears once.

## The guest {#guest}

Take the guest out of the stream where a rule is broken that would cost a single account at least a notice. The account
of the guest is decided by the policy that was broken, like any other.

**Example:** The guest shows an address on a letter: out of the stream, and the policy on privacy says how to go on.

**Counter-example:** The guest sings badly, and viewers ask for somebody else: nothing is done.

## The host {#host}

The host is not held responsible for what a guest says without warning. The host **is**, where one of these holds:

- the host lets the same guest in again within the same stream;
- the host repeats what the guest said, or asks for it.

**Example:** The host says "that was not all right" and goes on: no step against the host.

**Counter-example:** The host laughs, and the reviewer counts that as repeating.

## Recording {#recording}

Write down the second of the stream, the clause, and what was done about guest and host, each in a line of its own.
"""

_JA = """\
## この手順の目的 {#purpose}

配信中に、ホストはほかの人を配信に招き入れることができます。**ゲスト**は発言でき、共同ホストは操作もできます。この手順は、規則に反したのがホストではなくゲストである場合に、ライブ配信を見守るチームが行うことを定めます。

## 最初に行うこと {#first}

ライブ当番の審査担当者は、アラートから**2分以内**に対応します。視聴者からの報告は待ちません。

1. 配信の時刻を秒まで書き留めます。
2. ゲストを配信から退出させます（[[#guest]]）。
3. その後の1分間に、ホストが何をしたかを確認します（[[#host]]）。

**例：** 21時4分10秒に、ゲストが電話番号を読み上げました。審査担当者は21時5分にゲストを退出させました。

**反例：** ゲストが一度乱暴な言葉を使っただけで、審査担当者が配信全体を終了させました。

## ゲスト {#guest}

一つのアカウントであれば通知以上の措置になる違反があったとき、ゲストを配信から退出させます。ゲストのアカウントに対する措置は、ほかのアカウントと同じく、違反のあったポリシーに従って決めます。

**例：** ゲストが封筒の住所を映しました。退出させ、その後はプライバシーのポリシーに従って扱います。

**反例：** ゲストの歌が下手で、視聴者が別の人を求めています。何も行いません。

## ホスト {#host}

予告なく出たゲストの発言について、ホストの責任は問いません。次のどちらかに当たる場合は、ホストの責任を**問います**。

- 同じ配信の中で、同じゲストをもう一度招き入れた
- ゲストの発言を繰り返した、または発言を求めた

**例：** ホストが「今のはよくないですね」と言って配信を続けました。ホストに対する措置は行いません。

**反例：** ホストが笑っただけで、発言を繰り返したものと見なしました。

## 記録 {#recording}

配信の時刻（秒まで）、条項、ゲストとホストのそれぞれに行ったことを、一行ずつ分けて書きます。
"""

FIRST = {
    "en": TextValues(
        title="Guests in live streams",
        summary="What the live shift does when a guest breaks a rule, and when the host answers for it.",
        attestation="I have read this procedure and will act by it on the live shift.",
        source=_EN,
    ),
    "ja": TextValues(
        title="ライブ配信のゲスト",
        summary="ゲストが規則に反したときにライブ配信を見守るチームが行うことと、ホストの責任を問う場合を定めます。",
        attestation="この手順を読みました。ライブ当番では、この手順に従って対応します。",
        source=_JA,
    ),
}
SECOND = {
    "en": TextValues(
        title=FIRST["en"].title,
        summary=FIRST["en"].summary,
        what_to_do_differently="Act within 1 minute. A co-host who lets the guest in again counts as the host.",
        attestation=FIRST["en"].attestation,
        source=_EN.replace("within **2 minutes**", "within **1 minute**")
        .replace("takes the guest out at 21:05.", "takes the guest out at 21:04:50.")
        .replace("- the host lets the same guest in again", "- the host or a co-host lets the same guest in again"),
    ),
    "ja": TextValues(
        title=FIRST["ja"].title,
        summary=FIRST["ja"].summary,
        what_to_do_differently="1分以内に対応してください。ゲストをもう一度招き入れたのが共同ホストの場合も、ホストの責任を問います。",
        attestation=FIRST["ja"].attestation,
        source=_JA.replace("**2分以内**", "**1分以内**")
        .replace("審査担当者は21時5分にゲストを", "審査担当者は21時4分50秒にゲストを")
        .replace("同じ配信の中で、同じゲストを", "同じ配信の中で、ホストまたは共同ホストが同じゲストを"),
    ),
}

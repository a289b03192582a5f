"""Questions about the procedure that the demo's people write in the browser, and what its second version did to them.

No quiz draws them: they are asked of whoever confirms the procedure.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from portal.accounts.models import Person
from portal.accounts.service.ownership import set_owner
from portal.core.i18n import Words
from portal.operations.demo import guests
from portal.operations.demo.questions import choices, question
from portal.quizzes import queries
from portal.quizzes.models import Question
from portal.quizzes.permissions import BANK
from portal.quizzes.service import editing, lifecycle, new_bank, staleness
from portal.quizzes.service.building import Content, Part

SLUG = "guests-in-streams"
TITLE = Words("Guests in live streams", "ライブ配信のゲスト")
# Of which the second version makes another answer right, which it leaves as it was, which nobody has looked at since,
# and which it does not touch.
IN_TIME, NEXT_LOOK, ANSWERS, OF_GUEST = "in-time", "next-look", "host-answers", "account-of-guest"

_ABOUT = partial(question, document=guests.SLUG)


def _in_time(right: int) -> tuple[Part, ...]:
    """Return until when to act, where the clause gives so many minutes."""
    one = Words("20:16:30", "20時16分30秒")
    two = Words("20:17:30", "20時17分30秒")
    said = {
        1: (
            (True, one, Words("Right. One minute, counted from the alert.",
                              "正解です。アラートから1分を数えます。")),
            (False, two, Words("Two minutes were allowed by the first version. By now many have written it down.",
                               "2分は最初の版の時間です。2分あれば、多くの人が書き留めてしまいます。")),
        ),
        2: (
            (False, one, Words("One minute is how long the host is looked at afterwards.",
                               "1分は、その後のホストの対応を確認する時間です。")),
            (True, two, Words("Right. Two minutes, counted from the alert.",
                              "正解です。アラートから2分を数えます。")),
        ),
    }  # fmt: skip
    return choices(
        *said[right],
        (False, Words("20:20:30", "20時20分30秒"),
         Words("By then the address has been heard by everybody, and copied.",
               "5分後では、全員が住所を聞き、書き写しています。")),
        (False, Words("No time is set before the first report", "最初の通報が届くまでは、時刻の定めはない"),
         Words("The time runs from the alert. Nobody waits for a report.",
               "時間はアラートから数えます。通報は待ちません。")),
    )  # fmt: skip


QUESTIONS = {
    IN_TIME: _ABOUT(
        "single_choice",
        Words("An address read aloud", "読み上げられた住所"),
        Words(
            "You are on the live shift. At 20:15:30 an alert shows that a guest is reading out somebody's address. "
            "By when do you act at the latest?",
            "あなたはライブ当番です。20時15分30秒に、ゲストが他人の住所を読み上げているというアラートが出ました。"
            "遅くとも何時までに対応しますか。",
        ),
        _in_time(2),
        clause="first", level=1,
    ),
    NEXT_LOOK: _ABOUT(
        "single_choice",
        Words("Once the guest is out", "ゲストが退出した後"),
        Words(
            "You have noted the time and taken the guest out at 20:16:05. What do you look at next?",
            "時刻を書き留め、20時16分5秒にゲストを退出させました。次に何を確認しますか。",
        ),
        choices(
            (False, Words("What the host had said to the guest before 20:16:05",
                          "20時16分5秒より前に、ホストがゲストに言ったこと"),
             Words("The minute that counts comes after the guest was taken out.",
                   "確認するのは、退出させた後の1分間です。")),
            (False, Words("What the guest has posted elsewhere on Hibiki", "ゲストがHibikiに投稿したほかの動画"),
             Words("The account of the guest is decided afterwards, by the policy that was broken.",
                   "ゲストのアカウントは、その後で、違反のあったポリシーに従って判断します。")),
            (True, Words("What the host does until 20:17:05", "20時17分5秒までに、ホストがすること"),
             Words("Right. One minute tells how the host takes it.",
                   "正解です。その1分間で、ホストがどう受け止めたかが分かります。")),
            (False, Words("What the other guests say until the stream ends", "配信が終わるまでの、ほかのゲストの発言"),
             Words("For another guest there is another alert.", "ほかのゲストについては、別のアラートが出ます。")),
        ),
        clause="first",
    ),
    ANSWERS: _ABOUT(
        "multiple_choice",
        Words("When the host answers for it", "ホストの責任を問う場合"),
        Words(
            "A guest threatened a viewer and was taken out. In which of these cases is the host held responsible? "
            "Choose all that apply.",
            "ゲストが閲覧者を脅したため、退出させました。ホストの責任を問うのはどの場合ですか。"
            "当てはまるものをすべて選んでください。",
        ),
        choices(
            (True, Words("Forty minutes later the guest is back, let in by the host",
                         "40分後に、ホストが同じゲストをもう一度招き入れた"),
             Words("Right. It is the same stream, however much later.",
                   "正解です。時間がたっていても、同じ配信の中です。")),
            (False, Words("The host says nothing about it and reads the next comment",
                          "ホストがその発言に触れず、次のコメントを読んだ"),
             Words("Passing over it is neither repeating it nor asking for it.",
                   "触れないことは、繰り返すことにも、求めることにも当たりません。")),
            (True, Words("The host had called out “tell them what you will do”",
                         "ホストが「どうしてやるつもりか言ってやって」と声をかけていた"),
             Words("Right. The host asked for what the guest said.", "正解です。ホストが発言を求めています。")),
            (False, Words("The host lets the guest in again in a stream of the next day",
                          "翌日の別の配信で、ホストが同じゲストを招き入れた"),
             Words("That is another stream. What happens in it is looked at anew.",
                   "別の配信です。その配信で起きたことを、改めて確認します。")),
        ),
        clause="host", level=3,
    ),
    OF_GUEST: _ABOUT(
        "single_choice",
        Words("A price list in somebody else's stream", "他人の配信での価格表"),
        Words(
            "A guest held a price list for followers into the camera, and you have taken the guest out. How is the "
            "guest's account decided?",
            "ゲストが、フォロワーを販売する価格表をカメラに映しました。退出させた後、ゲストのアカウントはどのように判断しますか。",
        ),
        choices(
            (False, Words("With the host's: both get the same step", "ホストと一緒に判断し、同じ措置にする"),
             Words("Guest and host are decided each on their own.", "ゲストとホストは、別々に判断します。")),
            (True, Words("By the policy on fake engagement, like any other account",
                         "ほかのアカウントと同じく、偽のエンゲージメントのポリシーに従う"),
             Words("Right. The policy that was broken decides.", "正解です。違反のあったポリシーに従います。")),
            (False, Words("By the policy on fake engagement, one step lower, as a guest",
                          "偽のエンゲージメントのポリシーに従い、ゲストなので一段軽くする"),
             Words("Being a guest lowers no step.", "ゲストであることは、措置を軽くする理由になりません。")),
            (False, Words("Not at all: being taken out was the action", "判断しない。退出させたことが措置に当たる"),
             Words("Taking the guest out ends the harm in this stream. The account is decided besides.",
                   "退出は、その配信での被害を止めるものです。アカウントは別に判断します。")),
        ),
        clause="guest",
    ),
}  # fmt: skip


def write(owner: Person, deputy: Person) -> None:
    """Make the bank in the browser, and put its questions before the approver."""
    bank = new_bank.add_bank(slug=SLUG, title=TITLE, document=guests.SLUG, by=owner)
    set_owner(kind=BANK, code=SLUG, owner=owner, deputy=deputy, by=owner)
    for slug, content in QUESTIONS.items():
        made = editing.add_question(bank=bank, content=content, by=owner, slug=slug)
        lifecycle.take_step(question=made, to="in_review", by=owner)


def approve(approver: Person) -> None:
    """Let the questions be asked."""
    for slug in QUESTIONS:
        lifecycle.take_step(question=_question(slug), to="live", by=approver)


def rewrite(by: Person) -> None:
    """Let another answer be right, as the second version has it, and put that before the approver."""
    found = _question(IN_TIME)
    content: Content = replace(QUESTIONS[IN_TIME], parts=_in_time(1))
    editing.save_wording(question=found, content=content, base=found.in_work, by=by)
    lifecycle.take_step(question=found, to="in_review", by=by, of_proposal=True)


def approve_rewritten(approver: Person) -> None:
    """Approve what was rewritten, beside the clause as it reads now."""
    found = _question(IN_TIME)
    lifecycle.take_step(question=found, to="live", by=approver, of_proposal=True, looked_at=_seen(found))


def keep(by: Person) -> None:
    """Say of a question that it asks what is right by the second version, too."""
    found = _question(NEXT_LOOK)
    staleness.confirm_still_right(question=found, looked_at=_seen(found), by=by)


def _question(slug: str) -> Question:
    found = queries.find_latest(queries.get_bank(SLUG), slug)
    assert found is not None
    return found[0]


def _seen(found: Question) -> str:
    """Return what stands for the clauses beside which a question is looked at now."""
    (clauses,) = staleness.clauses_of([queries.get_version(found, found.in_work)]).values()
    return staleness.seen(clauses)

"""How texts come about in the demo: a procedure from its first draft to its second version, and drafts in every state.

The procedure is addressed to the neighbouring team, so its two campaigns ask nobody who is in her first days.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from portal.accounts.models import Person
from portal.acknowledgements.queries import campaigns as asked
from portal.acknowledgements.queries import deltas as asked_about
from portal.acknowledgements.service import campaigns, exposure, questions
from portal.core.i18n import force_locale
from portal.library import queries as library
from portal.library.models import AudienceKind, ChangeClass, DocumentKind, DocumentVersion, Draft
from portal.library.queries import drafts as queries
from portal.library.service import drafts, reviews
from portal.library.service.drafts import Proposal
from portal.library.service.joining import TextValues
from portal.operations.demo import guest_questions, guests
from portal.operations.demo.agenda import Agenda, Days, moment_of
from portal.operations.demo.certified import ON_CALL
from portal.operations.demo.doing import ask_audience, confirm_changes, look_up, open_changes, somebody, visit
from portal.operations.demo.people import NEIGHBOURS, NEWCOMERS, NOTICE, STAFF, ZONE
from portal.operations.demo.stories import PRACTISING

# Working days before today: up to which the first version takes effect, and on which the second one is published.
_EFFECTIVE, _REVISED = 9, 4

# Who confirmed the first version, so many working days after it was published, and how many questions about it went
# wrong at first; there were none before the third day.
_CONFIRMED_FIRST = (
    ("endo.misaki", 1, 0), ("park.jisoo", 1, 0), ("hayashi.tomoko", 1, 0), ("costa.bruno", 2, 0),
    ("fischer.anna", 2, 0), ("ogawa.shin", 4, 0), ("nishi.haruto", 4, 1),
)  # fmt: skip
# The same of the second, so many working days before today.
_CONFIRMED_SECOND = (("hayashi.tomoko", 3, 0), ("endo.misaki", 3, 1), ("park.jisoo", 2, 0))
_OPENED_SECOND = (("nishi.haruto", 2), ("kudo.natsuki", 1))


# A shipped policy that gets another clause, which took effect up to so many working days before today.
_POLICY, _POLICY_EFFECTIVE = "account-recovery", 10
_CLAUSE = {
    "en": (
        "## Times in the record {#times}\n\n"
        "Write times of sign-ins in **UTC**, and add the zone. Reports come from several countries, and what happened "
        "first decides.\n\n"
        "**Example:** “Signed in 2026-03-02 14:05 UTC, password changed 14:09 UTC.”\n\n"
        "**Counter-example:** “Signed in at five past two.”\n"
    ),
    "ja": (
        "## 記録に書く時刻 {#times}\n\n"
        "ログインの時刻は**協定世界時（UTC）**で書き、時間帯も書く。申し立ては複数の国から届き、"
        "何が先に起きたかで判断が変わる。\n\n"
        "**例：** 「2026-03-02 14:05 UTCにログイン、14:09 UTCにパスワードを変更」\n\n"
        "**反例：** 「2時5分にログイン」\n"
    ),
}
_DIFFERENTLY = {
    "en": "Write times of sign-ins in UTC, with the zone.",
    "ja": "ログインの時刻は、協定世界時（UTC）で、時間帯とともに書く。",
}
_UNCONFIRMED = "fischer.anna"
_CLOSED = "適用から5営業日が過ぎたため。確認が残る1人には、当番に戻るときにリードが説明します。"


@dataclass(slots=True)
class _Desk:
    """Who writes and who approves, and the drafts that they have begun."""

    author: Person
    owner: Person
    approver: Person
    begun: dict[str, Draft] = field(default_factory=dict)

    # --- Drafts --------------------------------------------------------------------------------

    def begin_guests(self) -> None:
        """Write the procedure in both languages."""
        audience = {AudienceKind.MARKET: ["JP"], AudienceKind.TEAM: [NEIGHBOURS], AudienceKind.ROLE: []}
        draft = drafts.begin_document(
            slug=guests.SLUG, title=guests.FIRST["en"].title, kind=DocumentKind.SOP, authoritative="en",
            audience=audience, sensitivity="S0", review_every_months=6, by=self.owner,
        )  # fmt: skip
        self._write(draft, guests.FIRST, self.owner)
        self.begun[guests.SLUG] = draft

    def begin(self, slug: str, by: Person) -> None:
        """Begin the next version of a document."""
        self.begun[slug] = drafts.begin_draft(document=library.get_document(slug), by=by)

    def _write(self, draft: Draft, values: Mapping[str, TextValues], by: Person) -> None:
        for language, text in values.items():
            before = draft.text_in(language)
            drafts.save_text(
                draft=draft, language=language, revision=before.revision if before else 0, values=text, by=by
            )
        deciding = draft.text_in(draft.document.authoritative)
        assert deciding is not None
        drafts.mark_in_step(draft=draft, anchors=None, deciding_revision=deciding.revision, by=by)

    def add(
        self, slug: str, anchor: str, said: Mapping[str, str], by: Person, *, differently: Mapping[str, str]
    ) -> None:
        """Begin a clause of a draft with another sentence, in the languages in which there is one."""
        draft = self.begun[slug]
        values = {}
        for language, sentence in said.items():
            text = drafts.values_of(draft.text_in(language))
            head, mark, rest = text.source.partition(f"{{#{anchor}}}\n\n")
            assert mark
            values[language] = replace(
                text,
                source=f"{head}{mark}{sentence}\n\n{rest}",
                what_to_do_differently=differently.get(language, ""),
            )
        if len(values) > 1:
            self._write(draft, values, by)
            return
        ((language, value),) = values.items()
        before = draft.text_in(language)
        assert before is not None
        drafts.save_text(draft=draft, language=language, revision=before.revision, values=value, by=by)

    def append(self, slug: str, said: Mapping[str, str], by: Person, *, differently: Mapping[str, str]) -> None:
        """End a draft with another clause, in all of its languages."""
        draft = self.begun[slug]
        texts = {language: drafts.values_of(draft.text_in(language)) for language in said}
        values = {
            language: replace(
                text, source=f"{text.source}\n\n{said[language]}", what_to_do_differently=differently[language]
            )
            for language, text in texts.items()
        }
        self._write(draft, values, by)

    def put_aside(self, slug: str, by: Person) -> None:
        """Let somebody else save on a text that was saved meanwhile: what she wrote is put aside for her."""
        draft = self.begun[slug]
        text = draft.text_in("en")
        assert text is not None
        values = drafts.values_of(text)
        drafts.save_text(
            draft=draft, language="en", revision=text.revision - 1,
            values=replace(values, summary=f"{values.summary} Sent by Monday noon."), by=by,
        )  # fmt: skip

    def propose(
        self, slug: str, change_class: ChangeClass, note: str, by: Person, *, effective_at: datetime | None = None,
        issue_at: datetime | None = None,
    ) -> None:  # fmt: skip
        """Say how much a draft changes, and from when it holds."""
        draft = self.begun[slug]
        drafts.change_proposal(
            draft=draft, revision=draft.revision,
            proposal=Proposal("", change_class, effective_at, ZONE, issue_at, "", note), by=by,
        )  # fmt: skip

    def submit(self, slug: str, by: Person) -> None:
        """Put a draft before its approver."""
        reviews.submit_draft(draft=self.begun[slug], by=by)

    def remark(self, slug: str, anchor: str, language: str, body: str) -> str:
        """Let the approver remark on a clause."""
        return reviews.comment_on_draft(
            draft=self.begun[slug], anchor=anchor, language=language, body=body, by=self.approver
        ).code

    def send_back(self, slug: str, reason: str) -> None:
        """Let the approver give a draft back."""
        reviews.send_back_draft(draft=self.begun[slug], reason=reason, by=self.approver)

    def settle(self, slug: str, by: Person) -> None:
        """Note that what the remarks asked for is done."""
        for each in queries.list_comments(self.begun[slug]):
            reviews.settle_comment(draft=self.begun[slug], code=each.code, by=by)

    def approve(self, slug: str) -> None:
        """Let the approver approve what she sees; where its day has come it is published."""
        draft = self.begun[slug]
        reviews.approve_draft(
            draft=draft, seen=queries.hash_of_draft(draft), confirmed=draft.change_class, by=self.approver
        )


def note_revising(agenda: Agenda, days: Days, staff: Mapping[str, Person]) -> None:
    """Note down what is written, approved, asked and confirmed."""
    desk = _Desk(staff["yamada.hiroko"], staff["mori.akiko"], staff["ito.jun"])
    _note_procedure(agenda, days, desk)
    _note_policy(agenda, days, desk)
    _note_drafts(agenda, days, desk)
    _note_questions(agenda, days, desk)


def _note_procedure(agenda: Agenda, days: Days, desk: _Desk) -> None:
    slug, by = guests.SLUG, desk.owner

    def at(before: int, hour: int, minute: int = 0) -> datetime:
        return moment_of(days.before(before), hour, minute)

    effective = days.taking_effect(days.before(_EFFECTIVE), -1)
    published = days.step(effective, -NOTICE)

    def after(steps: int, hour: int, minute: int = 0) -> datetime:
        return moment_of(days.step(published, steps), hour, minute)

    def revise() -> None:
        desk.begin(slug, by)
        desk._write(desk.begun[slug], guests.SECOND, by)

    agenda.note(after(-2, 10), desk.begin_guests)
    agenda.note(
        after(-2, 15),
        partial(desk.propose, slug, ChangeClass.MATERIAL, "ライブ当番からの相談が続いたため。", by,
                effective_at=moment_of(effective, 0)),
    )  # fmt: skip
    agenda.note(after(-2, 15, 30), partial(desk.submit, slug, by))
    agenda.note(
        after(-1, 10),
        partial(desk.remark, slug, "host", "ja", "「発言を求めた」だけで足りるのか、例があると判断がそろいます。"),
    )
    agenda.note(after(-1, 10, 10), partial(desk.send_back, slug, "ホストの条項に、例と反例を足してください。"))
    agenda.note(after(-1, 16), partial(desk.settle, slug, by))
    agenda.note(after(-1, 16, 10), partial(desk.submit, slug, by))
    agenda.note(after(0, 11), partial(desk.approve, slug))
    agenda.note(after(0, 11, 5), lambda: ask_audience(_newest()))
    agenda.note(after(1, 10), partial(guest_questions.write, by, desk.author))
    agenda.note(after(2, 16), partial(guest_questions.approve, desk.approver))
    for number, (name, later, slips) in enumerate(_CONFIRMED_FIRST):
        agenda.note(after(later, 13, 3 * number), partial(confirm_changes, name, slug, slips=slips))
    agenda.note(
        after(3, 15),
        partial(_exempt, "samuel.lindqvist", slug, "監査のみを担当し、ライブ当番に入らないため。", desk.approver),
    )
    agenda.note(at(_REVISED + 1, 14), revise)
    agenda.note(
        at(_REVISED + 1, 15),
        partial(desk.propose, slug, ChangeClass.MATERIAL, "最近の事例で、2分では遅いことが分かったため。", by,
                effective_at=moment_of(days.taking_effect(days.step(days.before(_REVISED), NOTICE), 1), 0)),
    )  # fmt: skip
    agenda.note(at(_REVISED + 1, 15, 10), partial(desk.submit, slug, by))
    agenda.note(at(_REVISED, 11), partial(desk.approve, slug))
    agenda.note(at(_REVISED, 11, 5), lambda: ask_audience(_newest()))
    # Whoever was let off before is asked about each version anew; this campaign runs, so that it can be taken back.
    agenda.note(
        at(_REVISED - 1, 15),
        partial(_exempt, "samuel.lindqvist", slug, "第1版と同じく、監査のみを担当しているため。", desk.approver),
    )
    # The questions about what has changed: one is right as it is, one is rewritten, one waits for somebody to look.
    agenda.note(at(_REVISED, 14), partial(guest_questions.keep, desk.author))
    agenda.note(at(_REVISED, 15), partial(guest_questions.rewrite, by))
    agenda.note(at(_REVISED, 16, 30), partial(guest_questions.approve_rewritten, desk.approver))
    for number, (name, before, slips) in enumerate(_CONFIRMED_SECOND):
        agenda.note(at(before, 13, 30 + 3 * number), partial(confirm_changes, name, slug, slips=slips))
    for number, (name, before) in enumerate(_OPENED_SECOND):
        agenda.note(at(before, 14, 30 + 3 * number), partial(open_changes, name, slug))


def _note_policy(agenda: Agenda, days: Days, desk: _Desk) -> None:
    """Note that everybody who is there is asked about a change of a policy, and that all but one confirm it."""
    effective = days.taking_effect(days.before(_POLICY_EFFECTIVE), -1)
    published = days.step(effective, -NOTICE)

    def at(steps: int, hour: int, minute: int = 0) -> datetime:
        return moment_of(days.step(published, steps), hour, minute)

    def write() -> None:
        desk.begin(_POLICY, desk.owner)
        desk.append(_POLICY, _CLAUSE, desk.owner, differently=_DIFFERENTLY)
        desk.propose(
            _POLICY, ChangeClass.MATERIAL, "記録の時刻が国によって異なり、経過を追えない案件が続いたため。", desk.owner,
            effective_at=moment_of(effective, 0),
        )  # fmt: skip
        desk.submit(_POLICY, desk.owner)

    def publish() -> None:
        desk.approve(_POLICY)
        ask_audience(library.get_document(_POLICY).versions[-1])
        for name in NEWCOMERS:
            _exempt(name, _POLICY, "入社前のため。入社後に、研修で最新の版を読みます。", desk.owner)

    def close() -> None:
        campaign = asked.find_campaign_of(library.get_document(_POLICY).versions[-1].id)
        assert campaign is not None
        campaigns.close_campaign(campaign=campaign, reason=_CLOSED, by=desk.owner)
        for _progress in campaigns.end_requests(campaign):
            pass

    agenda.note(at(-2, 13), write)
    agenda.note(at(0, 10), publish)
    there = [*(each.name for each in STAFF), *(each.name for each in ON_CALL)]
    for number, name in enumerate(each for each in there if each not in (*NEWCOMERS, _UNCONFIRMED)):
        agenda.note(at(1 + number % 4, 15, 2 * number), partial(_confirm_if_asked, name))
    # Those who have their accounts by then are asked, too, and begin shortly after.
    for number, story in enumerate(PRACTISING):
        agenda.note(moment_of(days.before(9 - number % 3), 15, 2 * number), partial(_confirm_if_asked, story.name))
    agenda.note(moment_of(days.step(effective, NOTICE), 17), close)


def _note_drafts(agenda: Agenda, days: Days, desk: _Desk) -> None:
    def at(before: int, hour: int, minute: int = 0) -> datetime:
        return moment_of(days.before(before), hour, minute)

    note, author, owner = agenda.note, desk.author, desk.owner
    # Being written, by two: what the second saved on an older text is put aside for her.
    note(at(3, 10), partial(desk.begin, "weekly-report", author))
    note(
        at(3, 10, 30),
        partial(
            desk.add, "weekly-report", "sending", {"en": "The same page is kept for a year, to compare."},
            author, differently={},
        ),
    )  # fmt: skip
    note(at(2, 11), partial(desk.put_aside, "weekly-report", owner))
    # Waits for the approver, with a remark.
    note(at(2, 9, 30), partial(desk.begin, "policy-questions", author))
    note(
        at(2, 10),
        partial(
            desk.add, "policy-questions", "asking",
            {
                "en": "Before asking, look whether the same question has an answer beside the clause.",
                "ja": "質問する前に、同じ質問への回答が条項の横にないかを確認してください。",
            },
            author,
            differently={
                "en": "Look beside the clause first.",
                "ja": "まず条項の横を確認してください。",
            },
        ),
    )  # fmt: skip
    note(
        at(2, 10, 5), partial(desk.propose, "policy-questions", ChangeClass.MINOR, "同じ質問が三度続いたため。", author)
    )
    note(at(2, 10, 10), partial(desk.submit, "policy-questions", author))
    note(
        at(1, 15), partial(desk.remark, "policy-questions", "asking", "ja", "「条項の横」がどこかを、図で示せますか。")
    )
    # Sent back.
    note(at(6, 9, 30), partial(desk.begin, "knowledge-quiz", author))
    note(
        at(6, 10),
        partial(
            desk.add, "knowledge-quiz", "results",
            {
                "en": "The results are shown on the same day.",
                "ja": "結果はその日のうちに表示します。",
            },
            author, differently={},
        ),
    )  # fmt: skip
    note(at(6, 10, 5), partial(desk.propose, "knowledge-quiz", ChangeClass.EDITORIAL, "", author))
    note(at(6, 10, 10), partial(desk.submit, "knowledge-quiz", author))
    note(
        at(5, 16),
        partial(
            desk.send_back, "knowledge-quiz", "「その日のうち」は運用が変わるので、軽微な変更ではなく重要な変更です。"
        ),
    )
    # Approved, and waits for its day.
    note(at(4, 9, 30), partial(desk.begin, "backfill", owner))
    note(
        at(4, 10),
        partial(
            desk.add, "backfill", "plan",
            {
                "en": "The plan for the coming week is looked at on Thursday.",
                "ja": "翌週の計画は、木曜日に確認します。",
            },
            owner, differently={},
        ),
    )  # fmt: skip
    issue_at = moment_of(days.step(days.first, 3), 9)
    note(at(4, 10, 5), partial(desk.propose, "backfill", ChangeClass.MINOR, "", owner, issue_at=issue_at))
    note(at(4, 10, 10), partial(desk.submit, "backfill", owner))
    note(at(3, 11), partial(desk.approve, "backfill"))
    # The text of a market is being written while its base moves on.
    note(at(5, 9), partial(desk.begin, "privacy-doxxing@JP", author))
    note(at(5, 9, 30), partial(desk.begin, "privacy-doxxing", owner))
    note(
        at(5, 10),
        partial(
            desk.add, "privacy-doxxing", "recording",
            {
                "en": "One line is enough.",
                "ja": "一行で足りる。",
            },
            owner, differently={},
        ),
    )  # fmt: skip
    note(at(5, 10, 5), partial(desk.propose, "privacy-doxxing", ChangeClass.EDITORIAL, "", owner))
    note(at(5, 10, 10), partial(desk.submit, "privacy-doxxing", owner))
    note(at(4, 16), partial(desk.approve, "privacy-doxxing"))


def _note_questions(agenda: Agenda, days: Days, desk: _Desk) -> None:
    """Note down what people ask about clauses, and who declines what."""
    asked_by = [
        (5, "morimoto.kanade", "fake-engagement", "gift-for-follow",
         "配信者が「フォローしてくれたら抽選」と言い、後で取り消した場合も対象になりますか。"),
        (4, "maya.robinson", "account-recovery", "signs",
         "Does a new telephone number alone count as a sign, or only together with a new place?"),
        (1, "pak.cheolsu", "underage-accounts", "scope",
         "誕生日ケーキの数字だけが映っている場合、年齢の手がかりは一つと数えてよいですか。"),
    ]  # fmt: skip
    for before, name, slug, anchor, body in asked_by:
        agenda.note(moment_of(days.before(before), 17, 10), partial(_ask_about, name, slug, anchor, body))
    agenda.note(
        moment_of(days.before(4), 9, 20),
        partial(
            _answer,
            "morimoto.kanade",
            "fake-engagement@JP",
            "取り消すまでの間に得たフォローは対象になります。例を次の改定で加えます。",
            desk.owner,
        ),
    )
    agenda.note(moment_of(days.before(2), 13, 45), partial(_ask_about, "nishi.haruto", guests.SLUG, "host",
                "ホストが無言でうなずいた場合は、発言を求めたことになりますか。"))  # fmt: skip
    agenda.note(moment_of(days.before(3), 17, 40), partial(_decline, "mizuno.akari"))


# --- single acts -----------------------------------------------------------------------------------


def _newest() -> DocumentVersion:
    return library.get_document(guests.SLUG).versions[-1]


def _confirm_if_asked(name: str) -> None:
    if asked.find_open_request(somebody(name), library.get_document(_POLICY)) is not None:
        confirm_changes(name, _POLICY)


def _exempt(name: str, slug: str, reason: str, by: Person) -> None:
    request = asked.find_open_request(somebody(name), library.get_document(slug))
    assert request is not None
    campaigns.exempt(request=request, reason=reason, by=by)


def _ask_about(name: str, slug: str, anchor: str, body: str) -> None:
    person = somebody(name)
    visit(person)
    version = look_up(person, slug)
    with force_locale(person.language):
        questions.ask_question(version=version, anchor=anchor, body=body, by=person)


def _answer(name: str, slug: str, answer: str, by: Person) -> None:
    (question,) = asked_about.list_questions_of(somebody(name), library.get_document(slug))
    with force_locale(by.language):
        questions.answer_question(question=question, answer=answer, by=by)


def _decline(name: str) -> None:
    """Let somebody decline the statement on what is hard to look at; only the wellbeing contact learns of it."""
    person = somebody(name)
    visit(person)
    exposure.decline(version=look_up(person, "exposure-and-wellbeing"), by=person)

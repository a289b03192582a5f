"""The pages of an approval, in both languages: what each person sees, can do, and is told."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from portal.accounts.models import Person, Role, Scope
from portal.core import clock
from portal.core.db import session
from portal.core.transaction import own_transaction
from portal.journal.models import JournalEntry
from portal.library import queries
from portal.library.models import AudienceKind, ChangeClass, Document, Draft, DraftState
from portal.library.queries import drafts
from portal.library.rules import Standing
from portal.library.service import panels, reviews
from portal.library.service.panels import Panel
from tests.beginnings import beginning
from tests.builders import Cast, make_grant, make_person
from tests.library.builders import EN, JA, edit_draft, english, japanese, make_document, make_draft, make_published
from tests.page_client import Page, PageClient
from tests.queries import counted_queries

CHANGED = [
    english(EN.replace("None.", "One: the archive.")),
    japanese(JA.replace("ありません。", "一つだけあります。")),
]


@pytest.fixture
@beginning
def document(cast: Cast) -> Document:
    return make_published(cast.author).document


@pytest.fixture
@beginning
def draft(cast: Cast, document: Document) -> Draft:
    return make_draft(document, cast.author, texts=CHANGED)


def submit(draft: Draft, by: Person) -> Draft:
    with own_transaction():
        reviews.submit_draft(draft=drafts.get_draft(draft.code), by=by)
    return drafts.get_draft(draft.code)


def primary(page: Page) -> list[str]:
    """Return what the primary buttons of a page say."""
    return ["".join(each.itertext()).strip() for each in page.all("button", class_="button--primary")]


def approval(page: Page, **changes: str) -> dict[str, str]:
    """Return what the form of an approval sends when it is ticked."""
    names = ("approve_seen", "approve_confirmed_class")
    values = {name: page.one("input", name=name).get("value", "") for name in names}
    return values | {"approve_is_confirmed": "y"} | changes


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_draft_passes_from_its_author_over_an_approver_to_its_readers(
    cast: Cast, draft: Draft, as_: Any, language: str
) -> None:
    author: PageClient = as_(cast.author, language=language)
    approver: PageClient = as_(cast.approver, language=language)
    page = author.get("library.draft", code=draft.code)
    assert primary(page) == [{"en": "Submit for approval", "ja": "承認に提出する"}[language]]
    assert primary(approver.get("library.draft", code=draft.code)) == []
    author.post("library.submit_draft", code=draft.code)
    assert primary(author.get("library.draft", code=draft.code)) == []

    page = approver.get("library.draft", code=draft.code)
    assert primary(page) == [{"en": "Approve and publish", "ja": "承認して公示"}[language]]
    assert "exceptions" in page.text
    remark = {"remark_anchor": "scope", "remark_language": "ja", "remark_body": "この条項は\n明確ですか。"}
    approver.post("library.comment_on_draft", remark, code=draft.code)
    reason = {"send_back_reason": "Name the archive.", "send_back_change_class": "material"}
    approver.post("library.send_back_draft", reason, code=draft.code)

    page = author.get("library.draft", code=draft.code, text="ja")
    assert "Name the archive." in page.text
    assert {"en": "Proposed change class: Material", "ja": "提案された変更区分：重要"}[language] in page.text
    assert "この条項は 明確ですか。" in page.text
    (said,) = drafts.list_comments(drafts.get_draft(draft.code))
    author.post("library.settle_comment", code=draft.code, comment=said.code)
    edit_draft(drafts.get_draft(draft.code), by=cast.author, source=EN.replace("None.", "One: the city archive."))
    author.post("library.submit_draft", code=draft.code)

    page = approver.get("library.draft", code=draft.code)
    assert {"en": "Changed since", "ja": "以降の変更"}[language] in page.text
    done = approver.post("library.approve_draft", approval(page), code=draft.code)
    shown = approver.follow(done)
    assert "One: the city archive." in approver.get("library.read", slug="impersonation", text="en").text
    assert {"en": "Version 1.1 has been published.", "ja": "第1.1版を公示しました。"}[language] in shown.text
    page = author.get("library.draft", code=draft.code)
    assert page.all("form", action=f"/drafts/{draft.code}/submission") == []
    assert queries.standing_of(queries.get_version(queries.get_document("impersonation"), "1.1")) is Standing.IN_FORCE


def test_an_approval_of_another_state_is_refused_with_what_changed_since(cast: Cast, draft: Draft, as_: Any) -> None:
    submit(draft, cast.author)
    approver = as_(cast.approver, language="en")
    form = approval(approver.get("library.draft", code=draft.code))
    with own_transaction():
        reviews.take_back_draft(draft=drafts.get_draft(draft.code), by=cast.author)
    edit_draft(
        drafts.get_draft(draft.code), by=cast.author, source=CHANGED[0].source.replace("It covers", "It now covers")
    )
    submit(draft, cast.author)
    page = approver.post("library.approve_draft", form, expect=409, code=draft.code)
    assert isinstance(page, Page)
    assert "has been changed since this page was loaded" in page.text
    assert f"/drafts/{draft.code}?text=en#scope" in page.links()
    assert f"/drafts/{draft.code}?text=en#exceptions" not in page.links()
    assert drafts.get_draft(draft.code).state is DraftState.IN_REVIEW


def test_what_is_missing_in_a_form_is_said_and_what_was_typed_is_kept(cast: Cast, draft: Draft, as_: Any) -> None:
    submit(draft, cast.author)
    approver = as_(cast.approver, language="ja")
    form = approval(approver.get("library.draft", code=draft.code))
    del form["approve_is_confirmed"]
    page = approver.post("library.approve_draft", form, expect=400, code=draft.code)
    assert "変更区分を確認するか、別の区分を提案して差し戻してください。" in page.text
    page = approver.post("library.send_back_draft", {"send_back_reason": " "}, expect=400, code=draft.code)
    assert "変更が必要な点を書いてください。" in page.text
    page = approver.post(
        "library.send_back_draft",
        {"send_back_reason": "Kept.", "send_back_change_class": "gigantic"},
        expect=400,
        code=draft.code,
    )
    assert page.one("textarea", name="send_back_reason").text.strip() == "Kept."
    long = {"remark_anchor": "scope", "remark_language": "ja", "remark_body": "長" * 4001}
    page = approver.post("library.comment_on_draft", long, expect=400, code=draft.code)
    assert "4000文字を超えています" in page.text
    page = approver.post("library.comment_on_draft", {"remark_anchor": "scope"}, expect=400, code=draft.code)
    assert "コメントを書いてください。" in page.text


@pytest.mark.parametrize(
    "body", [{}, {"approve_seen": "x" * 5000}, {"approve_seen": "\x00", "approve_confirmed_class": "é"}]
)
def test_no_form_however_broken_fails(cast: Cast, draft: Draft, as_: Any, body: dict[str, str]) -> None:
    submit(draft, cast.author)
    approver = as_(cast.approver, language="en")
    for endpoint in ("library.approve_draft", "library.send_back_draft", "library.comment_on_draft"):
        response = approver.send(
            "POST", approver.url(endpoint, code=draft.code), data={**body, "csrf_token": approver.token()}
        )
        assert 400 <= response.status_code < 500, endpoint
    assert approver.fetch("library.settle_comment", code=draft.code, comment="x").status_code == 405
    approver.get("library.draft", expect=404, code="nothing")
    approver.get("library.draft", expect=404, code="\ufffd" * 40)


def test_a_draft_that_cannot_be_shown_says_so_and_where_to_mend_it(cast: Cast, document: Document, as_: Any) -> None:
    texts = [english("> " * 30 + "deep\n"), japanese("## 見出し\n\n本文\n\n## 見出し {#a}\n\n## 見出し {#a}\n")]
    draft = make_draft(document, cast.author, texts=texts)
    author = as_(cast.author, language="en")
    for text in ("en", "ja", "xx"):
        page = author.get("library.draft", code=draft.code, text=text)
        assert primary(page) == []
    assert f"/drafts/{draft.code}/edit?text=ja#line-1" in page.links()
    assert "Write {#clause} at the end of its line." in page.text
    author.post("library.submit_draft", expect=409, code=draft.code)


def test_findings_lead_to_their_line_for_those_only_who_can_change_it(cast: Cast, document: Document, as_: Any) -> None:
    draft = make_draft(document, cast.author, texts=[english(EN.replace("[[#scope]]", "[[#gone]]")), japanese()])
    line = f"/drafts/{draft.code}/edit?text=en#line-9"
    assert line in as_(cast.author, language="en").get("library.draft", code=draft.code).links()
    assert line not in as_(cast.approver, language="en").get("library.draft", code=draft.code).links()


def test_who_has_nothing_to_do_with_drafts_sees_none(cast: Cast, document: Document, draft: Draft, as_: Any) -> None:
    for person in (cast.learner, cast.lead, cast.outsider):
        as_(person).get("library.draft", expect=404, code=draft.code)
    abroad = make_person("abroad@portal.example", language="en")
    make_grant(abroad, Role.APPROVER, Scope.MARKET, "US")
    as_(abroad).get("library.draft", expect=404, code=draft.code)
    auditor = make_person("auditor@portal.example", language="en")
    make_grant(auditor, Role.AUDITOR)
    page = as_(auditor, language="en").get("library.draft", code=draft.code)
    assert [form for form in page.tree.iter("form") if "/drafts/" in form.get("action", "")] == []
    as_(auditor).post("library.comment_on_draft", {"remark_body": "x"}, expect=403, code=draft.code)


def test_panels_of_upper_domains_stand_on_the_overview(
    cast: Cast, draft: Draft, as_: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str]] = []

    def impact(person: Person, shown: Draft) -> Panel | None:
        asked.append((person.code, shown.code))
        return None

    monkeypatch.setattr(panels, "_draft_panels", [])
    panels.register_draft_panel(impact)
    panels.register_draft_panel(impact)
    as_(cast.author).get("library.draft", code=draft.code)
    assert asked == [(cast.author.code, draft.code)]


def test_the_overview_takes_as_many_statements_for_many_remarks_as_for_few(cast: Cast, draft: Draft, as_: Any) -> None:
    author = as_(cast.author, language="en")

    def count() -> int:
        author.get("library.draft", code=draft.code)
        session.expire_all()
        with counted_queries() as statements:
            author.get("library.draft", code=draft.code)
        return len(statements)

    def remark(number: int) -> None:
        person = make_person(language="en")
        with own_transaction():
            reviews.comment_on_draft(
                draft=drafts.get_draft(draft.code), anchor="scope", language="en", body=f"No. {number}", by=person
            )

    remark(1)
    few = count()
    for number in range(2, 8):
        remark(number)
    assert count() == few


def test_today_takes_as_many_statements_for_many_drafts_as_for_few(cast: Cast, as_: Any) -> None:
    approver = as_(cast.approver, language="en")

    def add(slug: str) -> None:
        document = make_document(cast.author, slug)
        submit(make_draft(document, cast.author), cast.author)

    def count() -> int:
        approver.get("training.today")
        session.expire_all()
        with counted_queries() as statements:
            page = approver.get("training.today")
        assert "Drafts that wait for approval" in page.text
        return len(statements)

    add("one")
    add("two")
    few = count()
    for number in range(3, 7):
        add(f"number-{number}")
    assert count() == few
    assert "6 drafts in all" in approver.get("training.today").text


# --- who answers for a document -----------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_policy_owner_sets_the_steps_and_an_approver_reads_them(
    cast: Cast, document: Document, as_: Any, language: str
) -> None:
    owner = as_(cast.author, language=language)
    approver = as_(cast.approver, language=language)
    owner.get("library.approvals", slug="impersonation")
    owner.post("library.approvals", {"approver_1": cast.approver.code}, slug="impersonation")
    page = approver.get("library.approvals", slug="impersonation")
    assert cast.approver.name_in(language) in page.text
    assert primary(page) == []
    approver.post("library.approvals", {}, expect=403, slug="impersonation")
    for body, said in [
        ({"deputy_1": cast.approver.code}, {"en": "has a deputy but no approver", "ja": "代理だけで"}),
        ({"approver_1": "nobody"}, {"en": "is not known here", "ja": "登録されていない人"}),
        ({"approver_1": cast.learner.code}, {"en": "is not an approver", "ja": "承認者ではありません"}),
        ({"approver_1": "\x00' OR 1=1"}, {"en": "is not known here", "ja": "登録されていない人"}),
    ]:
        page = owner.post("library.approvals", body, expect=400, slug="impersonation")
        assert said[language] in page.text
    assert [each.approver_id for each in drafts.list_chain(document)] == [cast.approver.id]
    owner.post("library.approvals", {}, slug="impersonation")
    assert drafts.list_chain(document) == []


def test_an_approver_who_holds_the_role_no_more_stays_to_be_seen(cast: Cast, document: Document, as_: Any) -> None:
    with own_transaction():
        reviews.set_approval_chain(
            document=queries.get_document("impersonation"), steps=[(cast.approver, None)], by=cast.author
        )
    for grant in cast.approver.grants:
        grant.ended_at, grant.ended_by = clock.now(), "test"
    session.commit()
    page = as_(cast.author, language="en").get("library.approvals", slug="impersonation")
    assert f"{cast.approver.name_in('en')} (not an approver any more)" in page.text


def test_an_administrator_sets_the_audience_at_once_and_says_why(cast: Cast, document: Document, as_: Any) -> None:
    admin = as_(cast.admin, language="en")
    admin.get("library.audience", slug="impersonation")
    wanted = {"market": "JP", "role": "lead"}
    page = admin.post("library.audience", wanted, expect=400, slug="impersonation")
    assert "Say why the audience is changed without a draft" in page.text
    admin.post("library.audience", wanted | {"reason": "Sent to the wrong market."}, slug="impersonation")
    now = queries.get_document("impersonation")
    assert (now.audience(AudienceKind.MARKET), now.audience(AudienceKind.ROLE)) == (["JP"], ["lead"])
    entry = session.scalars(select(JournalEntry).where(JournalEntry.action == "library.audience_changed")).all()[-1]
    assert (entry.reason, entry.actor_code) == ("Sent to the wrong market.", cast.admin.code)
    assert "Japan · Team lead" in admin.get("library.audience", slug="impersonation").text
    as_(cast.learner).get("library.read", expect=404, slug="impersonation")
    page = admin.post("library.audience", {"market": "XX", "reason": "x"}, expect=400, slug="impersonation")
    assert page.status == 400
    # Whoever writes proposes it with a draft.
    for person in (cast.author, cast.approver):
        as_(person).get("library.audience", expect=403, slug="impersonation")


@pytest.mark.parametrize("language", ["en", "ja"])
def test_an_author_proposes_an_audience_that_the_approver_confirms_with_the_draft(
    cast: Cast, document: Document, as_: Any, language: str
) -> None:
    draft = make_draft(document, cast.author)
    author, approver = as_(cast.author, language=language), as_(cast.approver, language=language)
    form = {
        "revision": str(draft.revision), "number": draft.number, "change_class": "minor", "zone": "Asia/Tokyo",
        "audience": "y", "market": "US", "role": "lead",
    }  # fmt: skip
    author.post("library.change_proposal", form, code=draft.code)
    draft = drafts.get_draft(draft.code)
    assert draft.audience == {"market": ["US"], "team": [], "role": ["lead"]}
    # A page that does not show the audience leaves it as it is.
    del form["audience"], form["market"], form["role"]
    author.post("library.change_proposal", form | {"revision": str(draft.revision), "note": "N"}, code=draft.code)
    assert drafts.get_draft(draft.code).audience is not None
    author.post("library.submit_draft", {}, code=draft.code)
    page = approver.get("library.draft", code=draft.code)
    assert ("The audience changes with this version" if language == "en" else "対象者が変わります") in page.text
    assert ("not addressed any more" if language == "en" else "対象から外れる人") in page.text
    # Until it is published nothing changes.
    assert queries.get_document("impersonation").audience(AudienceKind.MARKET) == []
    as_(cast.learner).get("library.read", slug="impersonation")
    form = {
        "approve_seen": drafts.hash_of_draft(drafts.get_draft(draft.code)), "approve_confirmed_class": "minor",
        "approve_is_confirmed": "y",
    }  # fmt: skip
    approver.post("library.approve_draft", form, code=draft.code)
    now = queries.get_document("impersonation")
    assert now.versions[-1].number == draft.number
    assert (now.audience(AudienceKind.MARKET), now.audience(AudienceKind.ROLE)) == (["US"], ["lead"])
    as_(cast.learner).get("library.read", expect=404, slug="impersonation")
    entry = session.scalars(select(JournalEntry).where(JournalEntry.action == "library.audience_changed")).all()[-1]
    assert (entry.after["draft"], entry.actor_code) == (draft.code, cast.approver.code)
    as_(cast.admin, language=language).get("journal.list_entries")


def test_an_audience_that_was_approved_is_exactly_the_one_that_was_seen(cast: Cast, document: Document) -> None:
    draft = make_draft(document, cast.author)
    before = drafts.hash_of_draft(draft)
    with own_transaction():
        held = drafts.hold_draft(draft)
        held.audience = {"market": ["JP"], "team": [], "role": []}
        session.flush()
        assert drafts.hash_of_draft(held) != before


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_withdrawal_says_what_follows_and_asks_why(cast: Cast, document: Document, as_: Any, language: str) -> None:
    owner = as_(cast.author, language=language)
    address = {"slug": "impersonation", "number": "1.0"}
    page = owner.get("library.withdraw", **address)
    assert {"en": "From that moment nothing is in force", "ja": "適用中の版がなくなります"}[language] in page.text
    assert owner.url("library.withdraw", **address) in owner.get("library.read", slug="impersonation").links()
    page = owner.post("library.withdraw", {"reason": " "}, expect=400, **address)
    assert queries.find_version(queries.get_document("impersonation"), "1.0").withdrawn_at is None  # type: ignore[union-attr]
    shown = owner.follow(owner.post("library.withdraw", {"reason": "Court order."}, **address))
    assert "Court order." in shown.text
    page = owner.post("library.withdraw", {"reason": "Again."}, expect=409, **address)
    assert {"en": "has been withdrawn already", "ja": "すでに廃止"}[language] in page.text
    as_(cast.learner).get("library.withdraw", expect=403, **address)
    owner.get("library.withdraw", expect=404, slug="impersonation", number="9.9")


def test_the_journal_reads_an_approval_in_words(cast: Cast, document: Document, draft: Draft, as_: Any) -> None:
    with own_transaction():
        reviews.set_approval_chain(
            document=queries.get_document("impersonation"), steps=[(cast.approver, None)], by=cast.author
        )
    submit(draft, cast.author)
    with own_transaction():
        reviews.send_back_draft(
            draft=drafts.get_draft(draft.code), reason="x", proposed_class=ChangeClass.MATERIAL, by=cast.approver
        )
    with own_transaction():
        reviews.comment_on_draft(
            draft=drafts.get_draft(draft.code), anchor="scope", language="en", body="Why?", by=cast.approver
        )
    page = as_(cast.admin, language="ja").get("journal.list_entries")
    for said in ("草案を承認に提出", "草案を差戻し", "承認段階を設定", "草案にコメント", "なりすまし、第1.1版"):
        assert said in page.text, said

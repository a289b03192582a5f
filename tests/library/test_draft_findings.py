"""What is found about a draft before anybody else looks at it, as its author meets it on the pages."""

from __future__ import annotations

import time
from typing import Any

import pytest
from sqlalchemy import func, select

from portal.core.db import session
from portal.core.transaction import own_transaction
from portal.library import errors, queries
from portal.library.models import ChangeClass, Document, Draft
from portal.library.queries import drafts
from portal.library.service import lint, reviews, versions
from tests.builders import Cast
from tests.library.builders import APRIL, EN, JA, english, japanese, make_draft, make_published, make_version, soon

pytestmark = pytest.mark.any_database

CHANGED = EN.replace("None.", "One: the archive.")
CHANGED_JA = JA.replace("ありません。", "一つだけあります。")


@pytest.fixture
def document(cast: Cast) -> Document:
    return make_published(cast.author).document


def kinds(draft: Draft, *wanted: str) -> list[tuple[str, str, str]]:
    """Return kind, language and clause of what is found about a draft, of certain kinds only where these are named."""
    return [
        (told.finding.kind, told.finding.language, told.finding.anchor)
        for told in lint.examine(drafts.get_draft(draft.code))
        if not wanted or told.finding.kind in wanted
    ]


# --- marks that nobody sees ------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["title", "summary", "what_to_do_differently", "attestation"])
@pytest.mark.parametrize("mark", ["\x07", "\u202e", "\u2067", "\x85"])
def test_what_nobody_sees_stands_in_no_line_beside_a_text(
    cast: Cast, document: Document, as_: Any, name: str, mark: str
) -> None:
    broken = {name: f"Bad{mark} words"}
    draft = make_draft(document, cast.author, texts=[english(CHANGED, **broken), japanese(CHANGED_JA)])
    with own_transaction(), pytest.raises(errors.DraftNotReady):
        reviews.submit_draft(draft=drafts.get_draft(draft.code), by=cast.author)
    page = as_(cast.author, language="en").get("library.draft", code=draft.code)
    assert f"There is a control character (U+{ord(mark):04X})" in page.text
    assert f"U+{ord(mark):04X}" in as_(cast.author, language="en").get("library.edit_draft", code=draft.code).text


@pytest.mark.parametrize("name", ["title", "summary", "what_to_do_differently", "attestation"])
def test_no_way_of_publishing_lets_through_what_nobody_sees(cast: Cast, document: Document, name: str) -> None:
    for publish, who in (
        (versions.publish_version, {"author": cast.author, "approver": cast.approver}),
        (versions.import_version, {"by": cast.admin}),
    ):
        with pytest.raises(errors.LineBroken) as refusal, own_transaction():
            publish(
                document=queries.get_document("impersonation"),
                number="2.0",
                change_class="minor",
                effective_at=soon(),
                zone="Asia/Tokyo",
                texts=[english(CHANGED), japanese(CHANGED_JA, **{name: "悪い\u202e語"})],
                based_on="1.0",
                **who,
            )
        assert "U+202E" in str(refusal.value)
        assert "Line 0" not in str(refusal.value)


# --- texts as long as they may be ------------------------------------------------------------------

LONG = {
    "prose": "## A {#a}\n\n"
    + ("The account presents itself as somebody else and asks for money. " * 20 + "\n\n") * 190,
    "headings": "".join(f"## Heading {number} {{#h-{number}}}\n\nText.\n\n" for number in range(999)),
    "tabs": "## A {#a}\n\n" + ("\t" * 100 + "a\n") * 2_500,
    "one term": "## A {#a}\n\n" + "fan account " * 20_000,
    "a table": "## A {#a}\n\n|a|b\n|-|-\n" + "|a|b\n" * 4_900,
}


@pytest.mark.parametrize("name", LONG)
def test_the_overview_of_a_long_draft_is_there_within_half_a_second(
    cast: Cast, document: Document, as_: Any, name: str
) -> None:
    draft = make_draft(document, cast.author, texts=[english(LONG[name]), japanese(CHANGED_JA)])
    browser, best = as_(cast.author, language="en"), 9.0
    for _try in range(6):
        started = time.process_time()
        browser.client.get(f"/drafts/{draft.code}?text=en")
        best = min(best, time.process_time() - started)
        if best < 0.5:
            break
    assert best < 0.5, f"{name} took {best:.2f} s"


def test_each_of_very_many_clauses_leads_to_its_remark(cast: Cast, document: Document, as_: Any) -> None:
    draft = make_draft(document, cast.author, texts=[english(LONG["headings"]), japanese(CHANGED_JA)])
    browser = as_(cast.author, language="en")
    page = browser.get("library.draft", code=draft.code, text="en")
    assert "?text=en&remark=h-500#h-500" in page.links()
    chosen = browser.get("library.draft", code=draft.code, text="en", remark="h-500")
    wanted = [each.get("value") for each in chosen.all("input", name="remark_anchor")]
    assert wanted == ["", "h-500"]
    form = {"remark_anchor": "h-500", "remark_language": "en", "remark_body": "Why?"}
    browser.post("library.comment_on_draft", form, code=draft.code)
    assert "Why?" in browser.get("library.draft", code=draft.code, text="en").text


def test_a_comparison_that_is_too_long_says_how_much_it_leaves_out(cast: Cast, document: Document, as_: Any) -> None:
    source = EN.replace("None.", "One: the archive.") + LONG["prose"]
    draft = make_draft(document, cast.author, texts=[english(source), japanese(CHANGED_JA)])
    page = as_(cast.author, language="en").get("library.draft", code=draft.code, text="en")
    assert "1 further clause differs; it is too long" in page.text
    assert [" ".join("".join(each.itertext()).split()) for each in page.all("ins")] == [
        "[added] One: the archive. [end]"
    ]


# --- versions that were withdrawn ------------------------------------------------------------------

STRICTER = EN.replace("A fan account carries a label.", "A fan account is removed.")
STRICTER_JA = JA.replace("ファンアカウントには表示が必要です。", "ファンアカウントは削除します。")


def withdraw(number: str, by: Any) -> None:
    with own_transaction():
        version = queries.get_version(queries.get_document("impersonation"), number)
        versions.withdraw_version(version=version, reason="Wrong.", by=by)


def after_a_withdrawal(cast: Cast, effective_at: Any = APRIL) -> Document:
    document = make_published(cast.author).document
    texts = [english(STRICTER), japanese(STRICTER_JA)]
    make_version(document, cast.author, "2.0", texts=texts, effective_at=effective_at)
    withdraw("2.0", cast.admin)
    return queries.get_document("impersonation")


@pytest.mark.parametrize("effective_at", [APRIL, soon()], ids=["in force", "before its day"])
def test_what_was_withdrawn_does_not_come_back_without_anybody_being_asked(
    cast: Cast, as_: Any, effective_at: Any
) -> None:
    document = after_a_withdrawal(cast, effective_at)
    texts = [
        english(STRICTER, summary="S", what_to_do_differently="D"),
        japanese(STRICTER_JA, summary="S", what_to_do_differently="D"),
    ]
    light = make_draft(document, cast.author, number="2.1", texts=texts)
    assert kinds(light, "class_too_light") == [("class_too_light", "", "")]
    page = as_(cast.author, language="en").get("library.draft", code=light.code, text="en")
    assert "The text keeps what a withdrawn version changed (fan-accounts)." in page.text
    assert "Against version 1.0" in page.text
    assert "It was begun from version 2.0, which has been withdrawn; what people go by is version 1.0." in page.text
    assert "carries a label" in "".join("".join(each.itertext()) for each in page.all("del"))
    with own_transaction(), pytest.raises(errors.DraftNotReady):
        reviews.submit_draft(draft=drafts.get_draft(light.code), by=cast.author)
    grave = make_draft(document, cast.author, number="3.0", texts=texts, change_class=ChangeClass.MATERIAL)
    assert [told.what for told in lint.examine(grave) if told.stops] == []


def test_a_clause_that_only_a_withdrawn_version_had_is_new_to_everybody(cast: Cast) -> None:
    document = make_published(cast.author).document
    more = [english(EN + "\n## Fees {#fees}\n\nTen.\n"), japanese(JA + "\n## 料金 {#fees}\n\n10。\n")]
    make_version(document, cast.author, "2.0", texts=more)
    withdraw("2.0", cast.admin)
    draft = make_draft(queries.get_document("impersonation"), cast.author, number="2.1", texts=more)
    assert lint.carried_over_by(draft) == ("fees",)


def test_the_text_that_stood_before_a_withdrawal_comes_back_in_any_class(cast: Cast) -> None:
    draft = make_draft(after_a_withdrawal(cast), cast.author, number="2.1", texts=[english(), japanese()])
    assert kinds(draft, "class_too_light") == []
    reworded = [english(CHANGED), japanese(CHANGED_JA)]
    assert kinds(make_draft(draft.document, cast.author, number="2.1", texts=reworded), "class_too_light") == []


def test_what_only_minor_versions_had_changed_asks_for_nothing_after_their_withdrawal(cast: Cast) -> None:
    document = make_published(cast.author).document
    texts = [english(CHANGED), japanese(CHANGED_JA)]
    make_version(document, cast.author, "1.1", texts=texts, change_class=ChangeClass.MINOR)
    withdraw("1.1", cast.admin)
    draft = make_draft(queries.get_document("impersonation"), cast.author, number="1.2", texts=texts)
    assert kinds(draft, "class_too_light") == []


def test_a_withdrawal_while_a_draft_waits_is_seen_when_it_is_approved(cast: Cast) -> None:
    document = make_published(cast.author).document
    texts = [english(STRICTER), japanese(STRICTER_JA)]
    make_version(document, cast.author, "2.0", texts=texts)
    draft = make_draft(queries.get_document("impersonation"), cast.author, number="2.1", texts=texts)
    with own_transaction():
        reviews.submit_draft(draft=drafts.get_draft(draft.code), by=cast.author)
    withdraw("2.0", cast.admin)
    held = drafts.get_draft(draft.code)
    with pytest.raises(errors.ChangeClassTooLight), own_transaction():
        reviews.approve_draft(
            draft=held, seen=drafts.hash_of_draft(held), confirmed=ChangeClass.MINOR, by=cast.approver
        )


@pytest.mark.parametrize("language", ["en", "ja"])
def test_who_edits_a_withdrawn_version_is_told_and_offered_the_one_that_stands(
    cast: Cast, as_: Any, language: str
) -> None:
    after_a_withdrawal(cast)
    author = as_(cast.author, language=language)
    response = author.post("library.begin_draft", slug="impersonation")
    page = author.follow(response)
    assert response.headers["Location"] == "/library/impersonation/drafts"
    assert "Wrong." in page.text
    assert [each.get("value") for each in page.all("input", name="from")] == ["1.0"]
    author.post("library.begin_draft", {"sure": "y", "from": "1.0"}, slug="impersonation")
    draft = session.scalars(select(Draft)).one()
    assert draft.text_in("en").source == EN  # type: ignore[union-attr]
    assert (draft.based_on.number, draft.number) == ("2.0", "2.1")  # type: ignore[union-attr]


@pytest.mark.parametrize("language", ["en", "ja"])
def test_who_edits_a_document_with_an_open_draft_is_asked_which_is_meant(
    cast: Cast, document: Document, as_: Any, language: str
) -> None:
    draft = make_draft(document, cast.author)
    author = as_(cast.author, language=language)
    page = author.follow(author.post("library.begin_draft", slug="impersonation"))
    assert f"/drafts/{draft.code}/edit" in page.links()
    assert cast.author.name_in(language) in page.text
    assert session.scalar(select(func.count(Draft.id))) == 1
    author.post("library.begin_draft", {"sure": "y"}, slug="impersonation")
    assert session.scalar(select(func.count(Draft.id))) == 2

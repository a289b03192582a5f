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
from portal.organisation import queries as organisation
from tests.beginnings import beginning
from tests.builders import Cast
from tests.library.builders import APRIL, EN, JA, english, japanese, make_draft, make_published, make_version, soon

pytestmark = pytest.mark.any_database

CHANGED = EN.replace("None.", "One: the archive.")
CHANGED_JA = JA.replace("ありません。", "一つだけあります。")


@pytest.fixture
@beginning
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


# --- sensitivity, terms, links, counter-examples ----------------------------------------------------


def drafted(cast: Cast, document: Document, english_text: str, japanese_text: str = CHANGED_JA) -> Draft:
    return make_draft(document, cast.author, texts=[english(english_text), japanese(japanese_text)])


def words_found(draft: Draft, kind: str) -> list[object]:
    return [told.finding.values["word"] for told in lint.examine(draft) if told.finding.kind == kind]


def test_a_sensitive_document_without_any_label_is_told_clause_by_clause(cast: Cast, document: Document) -> None:
    with own_transaction():
        queries.get_document("impersonation").sensitivity = "S2"
    bare = EN.replace(" sensitivity=S1", "").replace("**Example:** A labelled account.[^1]", "No more.")
    draft = drafted(cast, document, bare)
    assert kinds(draft, "labels_absent") == [
        ("labels_absent", "en", anchor) for anchor in ("scope", "fan-accounts", "exceptions")
    ]
    assert kinds(drafted(cast, document, bare.replace("{#scope}", "{#scope sensitivity=S0}")), "labels_absent") == []


@pytest.mark.parametrize(
    ("written", "word"),
    [
        ('A **"mirror page"** copies.', "mirror page"),
        ("A **“mirror page”** copies.", "mirror page"),
        ("A “**mirror page**” copies.", "mirror page"),
        ("A **mirror page** is a copy.", "mirror page"),
        ("*Mirror page* means a copy.", "Mirror page"),
        ("It goes to the Mirror Page Register at once.", "Mirror Page Register"),
    ],
)
def test_a_term_that_the_glossary_lacks_is_seen_where_it_is_introduced(
    cast: Cast, document: Document, written: str, word: str
) -> None:
    assert words_found(drafted(cast, document, EN + f"\n{written}\n"), "term_undefined") == [word]


@pytest.mark.parametrize(
    "written", ["**「複製ページ」** を指します。", "「**複製ページ**」を指します。", "「複製ページ」とは、写しです。"]
)
def test_so_is_a_japanese_one(cast: Cast, document: Document, written: str) -> None:
    assert words_found(drafted(cast, document, CHANGED, JA + f"\n{written}\n"), "term_undefined") == ["複製ページ"]


def test_abbreviations_are_terms_unless_everybody_or_the_glossary_knows_them(cast: Cast, document: Document) -> None:
    written = EN + "\nCSAM goes to NCMEC, the ID and the URL to JP; see S2, “PARODY” and `XYZ`. CSAM again.\n"
    draft = drafted(cast, document, written, JA + "\nCSAMはSNSで報告します。\n")
    assert words_found(draft, "abbreviation_undefined") == ["CSAM", "NCMEC", "CSAM"]


def test_what_the_organisation_calls_itself_is_no_term(cast: Cast, document: Document) -> None:
    written = EN + f"\nIt goes to the {organisation.name().en} and to {cast.author.home_market.code}.\n"
    draft = drafted(cast, document, written)
    assert words_found(draft, "term_undefined") + words_found(draft, "abbreviation_undefined") == []


@pytest.mark.parametrize(
    ("link", "kind"),
    [
        ("[x](#missing)", "link_broken"),
        ("[x](#scope)", None),
        ("[y](/library/impersonation#gone)", "link_broken"),
        ("[y](/library/other#gone)", "link_broken"),
        ("[y](/library/other#scope)", None),
        ("[y](/library/other)", None),
        ("[z](/library/nope)", "link_to_nothing"),
        ("[z](/drafts)", None),
        ("[[#Scope]]", "link_unreadable"),
        ("[[Other#scope]]", "link_unreadable"),
        ("`[[#Scope]]`", None),
        ("[[gone#scope]]", "link_to_withdrawn"),
        ("[x](/library/gone)", "link_to_withdrawn"),
    ],
)
def test_links_that_lead_nowhere_are_found_however_they_are_written(
    cast: Cast, document: Document, link: str, kind: str | None
) -> None:
    make_published(cast.author, "other")
    make_published(cast.author, "gone")
    with own_transaction():
        gone = queries.get_version(queries.get_document("gone"), "1.0")
        versions.withdraw_version(version=gone, reason="Wrong.", by=cast.admin)
    found = [
        each for each, _language, _anchor in kinds(drafted(cast, document, EN + f"\nSee {link}.\n")) if "link" in each
    ]
    assert found == ([kind] if kind else [])


@pytest.mark.parametrize(("example", "is_one"), [("**Counter-example:**", False), ("**Counter-example:** None.", True)])
def test_an_empty_counter_example_is_none(cast: Cast, document: Document, example: str, is_one: bool) -> None:
    draft = drafted(cast, document, EN.replace("**Example:**", f"{example}\n\n**Example:**"))
    assert (("counter_example_missing", "en", "fan-accounts") in kinds(draft)) is not is_one


# --- what comes back --------------------------------------------------------------------------------


def sent_back(draft: Draft, cast: Cast) -> Draft:
    with own_transaction():
        reviews.submit_draft(draft=drafts.get_draft(draft.code), by=cast.author)
    with own_transaction():
        reviews.comment_on_draft(
            draft=drafts.get_draft(draft.code), anchor="scope", language="ja", body="Too narrow.", by=cast.approver
        )
        reviews.send_back_draft(draft=drafts.get_draft(draft.code), reason="Widen the scope.", by=cast.approver)
    return drafts.get_draft(draft.code)


@pytest.mark.parametrize("language", ["en", "ja"])
def test_what_came_back_is_seen_where_its_author_works(cast: Cast, document: Document, as_: Any, language: str) -> None:
    draft = sent_back(drafted(cast, document, CHANGED), cast)
    author = as_(cast.author, language=language)
    today = author.get("training.today")
    assert f"/drafts/{draft.code}/edit" in today.links()
    assert "Widen the scope." in today.text
    editor = author.get("library.edit_draft", code=draft.code, text="en")
    assert "Widen the scope." in editor.text
    assert "Too narrow." in editor.text
    overview = author.get("library.draft", code=draft.code, text="en")
    assert "Too narrow." in overview.text
    assert ("on the Japanese text" if language == "en" else "日本語の本文へのコメント") in overview.text


def test_an_approver_is_reminded_of_remarks_that_she_has_not_settled(cast: Cast, document: Document, as_: Any) -> None:
    draft = sent_back(drafted(cast, document, CHANGED), cast)
    with own_transaction():
        reviews.submit_draft(draft=drafts.get_draft(draft.code), by=cast.author)
    page = as_(cast.approver, language="en").get("library.draft", code=draft.code)
    assert "1 remark of this account is still open." in page.text


def test_a_remark_on_a_clause_that_is_not_there_says_what_becomes_of_it(
    cast: Cast, document: Document, as_: Any
) -> None:
    draft = drafted(cast, document, CHANGED)
    approver = as_(cast.approver, language="en")
    sent = {"remark_anchor": "nope", "remark_language": "en", "remark_body": "Hm."}
    page = approver.follow(approver.post("library.comment_on_draft", sent, code=draft.code))
    assert "The text has no such clause any more, so the remark stands on the draft as a whole." in page.text


def test_who_approves_is_told_what_becomes_of_other_drafts(cast: Cast, document: Document, as_: Any) -> None:
    other = make_draft(document, cast.author, number="1.7", texts=[english(CHANGED), japanese(CHANGED_JA)])
    draft = drafted(cast, document, CHANGED)
    for each in (other, draft):
        with own_transaction():
            reviews.submit_draft(draft=drafts.get_draft(each.code), by=cast.author)
    page = as_(cast.approver, language="en").get("library.draft", code=draft.code)
    assert f"/drafts/{other.code}" in page.links()
    assert "goes back to its author" in page.text


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_version_that_was_called_off_tells_nobody_to_act(cast: Cast, as_: Any, language: str) -> None:
    document = make_published(cast.author).document
    texts = [english(STRICTER, what_to_do_differently="Act."), japanese(STRICTER_JA, what_to_do_differently="行動。")]
    make_version(document, cast.author, "2.0", texts=texts, effective_at=soon())
    withdraw("2.0", cast.admin)
    page = as_(cast.learner, language=language).get("library.read_version", slug="impersonation", number="2.0")
    assert ("never takes effect" if language == "en" else "適用されません") in page.text
    assert ("Act." if language == "en" else "行動。") not in page.text

"""The pages of those who write: the list, a new document, the editor without its script, and what its script asks."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import select

from portal.core.db import session
from portal.core.i18n import Words
from portal.core.transaction import own_transaction
from portal.library import limits, queries
from portal.library.models import DocumentKind, Draft, DraftState
from portal.library.queries.drafting import list_open_asides
from portal.library.queries.drafts import get_draft
from portal.library.service import drafts
from portal.library.service.drafts import values_of
from portal.library.service.glossary import TermDraft, set_glossary
from tests.builders import Cast, make_grant
from tests.library.builders import EN, JA, english, japanese, make_published, make_version
from tests.page_client import Page, PageClient
from tests.queries import counted_queries


@pytest.fixture(autouse=True)
def _fresh_limits() -> None:
    for each in (limits.saves, limits.previews):
        each.clear()


def begin(cast: Cast, **values: Any) -> Draft:
    version = make_published(cast.author, **values)
    with own_transaction():
        return drafts.begin_draft(document=version.document, by=cast.author)


def form_of(draft: Draft, language: str = "en", **changes: str) -> dict[str, str]:
    text = draft.text_in(language)
    values = values_of(text)
    return {
        "revision": str(text.revision if text else 0), "title": values.title, "summary": values.summary,
        "what_to_do_differently": values.what_to_do_differently, "attestation": values.attestation,
        "source": values.source, **changes,
    }  # fmt: skip


def body_of(draft: Draft, language: str = "en", **changes: Any) -> dict[str, Any]:
    form = form_of(draft, language)
    return {**form, "revision": int(form["revision"]), **changes}


def texts_of(page: Page, tag: str, **attributes: str) -> list[str]:
    return [" ".join("".join(each.itertext()).split()) for each in page.all(tag, **attributes)]


# --- the list and what leads into it --------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "ja"])
def test_an_empty_list_says_what_to_do_first(cast: Cast, as_: Any, language: str) -> None:
    page = as_(cast.author, language=language).get("library.drafts")
    assert ("choose “Edit”" if language == "en" else "「編集」を選ぶと") in page.text
    assert as_(cast.approver, language=language).get("library.drafts").all("a", class_="button--primary") == []
    as_(cast.author, language=language).get("library.drafts", show="ended")


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_list_says_what_is_written_by_whom_and_for_what_it_waits(cast: Cast, as_: Any, language: str) -> None:
    draft = begin(cast)
    page = as_(cast.author, language=language).get("library.drafts")
    (row,) = [row for row in texts_of(page, "tr") if "1.1" in row]
    for words in (cast.author.name_in(language), "Being written" if language == "en" else "作成中"):
        assert words in row
    assert any(link.startswith(f"/drafts/{draft.code}/edit") for link in page.links())
    as_(cast.learner).get("library.drafts", expect=403)


def test_the_number_of_queries_does_not_grow_with_the_list(cast: Cast, as_: Any) -> None:
    def count() -> int:
        reader = as_(cast.author)
        with counted_queries() as statements:
            reader.get("library.drafts")
        return len(statements)

    for number in range(2):
        begin(cast, slug=f"document-{number}")
    few = count()
    for number in range(2, 6):
        begin(cast, slug=f"document-{number}")
    assert count() == few


def test_the_reading_page_leads_into_the_draft_of_those_who_write(cast: Cast, as_: Any) -> None:
    make_published(cast.author)
    author = as_(cast.author)
    assert "編集" in texts_of(author.get("library.read", slug="impersonation"), "button")
    assert "Edit" not in texts_of(as_(cast.colleague).get("library.read", slug="impersonation"), "button")
    response = author.post("library.begin_draft", slug="impersonation")
    draft = session.scalars(select(Draft)).one()
    assert response.headers["Location"] == f"/drafts/{draft.code}/edit"
    author.follow(response)
    assert f"/drafts/{draft.code}/edit" in author.get("library.read", slug="impersonation").links()


def test_an_earlier_version_can_be_brought_back_from_its_page(cast: Cast, as_: Any) -> None:
    first = make_published(cast.author)
    make_version(first.document, cast.author, "1.1", texts=[english("## B {#b}\n\nOther.\n"), japanese("文。\n")])
    author = as_(cast.author, language="en")
    page = author.get("library.read_version", slug="impersonation", number="1.0")
    assert "Bring this version back" in page.text
    author.post("library.begin_draft", {"from": "1.0"}, slug="impersonation")
    draft = session.scalars(select(Draft)).one()
    assert values_of(draft.text_in("en")).source == EN
    assert draft.based_on is not None
    assert draft.based_on.number == "1.1"
    author.post("library.begin_draft", {"from": "7.7"}, expect=404, slug="impersonation")


# --- a new document -------------------------------------------------------------------------------

NEW = {"title": "Fan accounts", "slug": "", "kind": "policy", "authoritative": "en", "sensitivity": "S0"}


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_new_document_leads_into_its_editor(cast: Cast, as_: Any, language: str) -> None:
    author = as_(cast.author, language=language)
    author.get("library.new_document")
    response = author.post("library.add_document", {**NEW, "markets": "JP"})
    document = queries.get_document("fan-accounts")
    assert document.kind is DocumentKind.POLICY
    page = author.follow(response)
    assert page.heading == "Fan accounts"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"title": ""}, "Enter the title."),
        ({"title": "ファンアカウント"}, "Enter an address"),
        ({"slug": "Fan accounts"}, "cannot be an address"),
        ({"slug": "impersonation"}, "already a document"),
        ({"kind": "novel"}, "Not a valid choice"),
        ({"review_every_months": "often"}, "whole number"),
        ({"authoritative": "fr"}, "Not a valid choice"),
    ],
)
def test_what_is_missing_or_wrong_is_said_at_its_field(
    cast: Cast, as_: Any, changes: dict[str, str], words: str
) -> None:
    make_published(cast.author)
    author = as_(cast.author, language="en")
    expect = 409 if changes.get("slug") == "impersonation" else 400
    page = author.post("library.add_document", {**NEW, **changes}, expect=expect)
    assert words in page.text
    assert len(list(session.scalars(select(Draft)))) == 0


# --- the editor without its script ----------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_editor_shows_both_texts_their_preview_and_where_each_clause_stands(
    cast: Cast, as_: Any, language: str
) -> None:
    draft = begin(cast)
    page = as_(cast.author, language=language).get("library.edit_draft", code=draft.code)
    assert [area.get("lang") for area in page.all("textarea", name="source")] == ["en", "ja"]
    assert page.one("textarea", id="source-en").text == EN
    assert {section.get("id") for section in page.all("section", class_="preview__clause")} == {
        f"{tag}-{anchor}" for tag in ("en", "ja") for anchor in ("top", "scope", "fan-accounts", "exceptions")
    }
    rail = page.one("ol", class_="editor__clauses")
    assert len(rail.findall("li")) == 4
    assert page.text.count("In step" if language == "en" else "追従済み") >= 4
    assert not [each for each in page.all("button") if "button--primary" in each.get("class", "")]


def test_a_text_is_saved_by_its_form(cast: Cast, as_: Any) -> None:
    draft = begin(cast)
    author = as_(cast.author, language="en")
    form = form_of(draft, title="Pretending", source=EN.replace("\n", "\r\n") + "\r\n## Appeals\r\n\r\nText.\r\n")
    response = author.post("library.save_draft_text", form, code=draft.code, language="en")
    assert response.headers["Location"] == f"/drafts/{draft.code}/edit?text=en"
    page = author.follow(response)
    assert page.heading == "Pretending"
    assert page.one("textarea", id="source-en").text == EN + "\n## Appeals {#appeals}\n\nText.\n"
    assert "Saved " in page.text


def test_a_form_that_comes_late_leads_to_both_texts(cast: Cast, as_: Any) -> None:
    make_grant(cast.colleague, next(grant.role for grant in cast.author.grants if grant.role.value == "author"))
    draft = begin(cast)
    as_(cast.author).post(
        "library.save_draft_text", form_of(draft, source=EN.replace("None.", "Mine.")), code=draft.code, language="en"
    )
    second = as_(cast.colleague, language="en")
    late = form_of(draft, revision="1", title="Hers", source=EN.replace("None.", "Hers."))
    response = second.post("library.save_draft_text", late, code=draft.code, language="en")
    page = second.follow(response)
    assert "2 places to decide" in page.text
    for words in ("Mine.", "Hers.", cast.author.name_in("en")):
        assert words in page.text
    assert "kept aside" in second.get("library.edit_draft", code=draft.code).text
    (aside,) = list_open_asides(draft, cast.colleague)
    as_(cast.author).get("library.aside", expect=404, code=draft.code, aside=aside.code)
    together = {**late, "revision": "2", "way": "together", "source": EN.replace("None.", "Mine and hers.")}
    second.post("library.settle_aside", together, code=draft.code, aside=aside.code)
    assert "Mine and hers." in values_of(get_draft(draft.code).text_in("en")).source
    second.get("library.aside", expect=404, code=draft.code, aside=aside.code)


@pytest.mark.parametrize("language", ["en", "ja"])
def test_two_forms_that_changed_different_clauses_become_one_text(cast: Cast, as_: Any, language: str) -> None:
    make_grant(cast.colleague, next(grant.role for grant in cast.author.grants if grant.role.value == "author"))
    draft = begin(cast)
    second = as_(cast.colleague, language=language)
    page = second.get("library.edit_draft", code=draft.code)
    base = next(each.get("value") for each in page.all("input", name="base"))
    as_(cast.author).post(
        "library.save_draft_text", form_of(draft, source=EN.replace("None.", "Mine.")), code=draft.code, language="en"
    )
    late = form_of(draft, revision="1", title="Hers", source=EN, base=base)
    page = second.follow(second.post("library.save_draft_text", late, code=draft.code, language="en"))
    name = cast.author.name_in(language)
    said = f"{name} changed #exceptions meanwhile" if language == "en" else f"その間に{name}さんが#exceptionsを変更"
    assert said in page.text
    kept = values_of(get_draft(draft.code).text_in("en"))
    assert (kept.title, "Mine." in kept.source) == ("Hers", True)
    # Both as they were are read from the overview.
    page = second.get("library.draft", code=draft.code)
    links = [link for each in page.all("a") if "/earlier/" in (link := each.get("href", ""))]
    assert len(links) == 2
    assert "Mine." in second.get(links[1]).text


def test_of_a_clause_that_both_changed_one_text_is_chosen_or_written_anew(cast: Cast, as_: Any) -> None:
    make_grant(cast.colleague, next(grant.role for grant in cast.author.grants if grant.role.value == "author"))
    draft = begin(cast)
    second = as_(cast.colleague, language="en")
    page = second.get("library.edit_draft", code=draft.code)
    base = next(each.get("value") for each in page.all("input", name="base"))
    first = form_of(draft, source=EN.replace("None.", "Mine.").replace("somebody else", "another"))
    as_(cast.author).post("library.save_draft_text", first, code=draft.code, language="en")
    late = form_of(draft, revision="1", title="Hers", source=EN.replace("None.", "Hers."), base=base)
    page = second.follow(second.post("library.save_draft_text", late, code=draft.code, language="en"))
    assert "1 place to decide" in page.text
    (aside,) = list_open_asides(draft, cast.colleague)
    where = {"code": draft.code, "aside": aside.code}
    name = "clause-exceptions"
    page = second.post("library.settle_aside", {"way": "clauses", "revision": "2"}, expect=400, **where)
    assert "Choose for every clause that both sides changed" in page.text
    form = {
        "way": "clauses",
        "revision": "2",
        f"choice-{name}": "edit",
        f"edit-{name}": "### Exceptions {#exceptions}\r\n\r\nBoth.",
    }
    page = second.follow(second.post("library.settle_aside", form, **where))
    assert "Both texts are one now" in page.text
    kept = values_of(get_draft(draft.code).text_in("en"))
    assert kept.title == "Hers"
    for words in ("Both.", "another"):
        assert words in kept.source
    assert "Mine." not in kept.source


def test_digests_that_our_page_does_not_send_join_nothing(cast: Cast, as_: Any) -> None:
    draft = begin(cast)
    author = as_(cast.author)
    author.post(
        "library.save_draft_text", form_of(draft, source=EN.replace("None.", "1.")), code=draft.code, language="en"
    )
    for number, base in enumerate(
        ["", "[", "[]", '{"lines": [], "pieces": 5}', "[" * 5000, '{"lines": [[1, 2]], "pieces": []}']
    ):
        late = form_of(draft, revision="1", title=f"Late {number}", base=base)
        response = author.post("library.save_draft_text", late, code=draft.code, language="en")
        assert "/asides/" in response.headers["Location"]


def test_a_text_that_cannot_be_kept_stays_on_the_page(cast: Cast, as_: Any) -> None:
    draft = begin(cast)
    form = form_of(draft, title="New words", source="## A {#a}\n\nText\0.\n")
    page = as_(cast.author, language="en").post(
        "library.save_draft_text", form, expect=400, code=draft.code, language="en"
    )
    assert "Line 3 of the text holds a character that cannot be stored (U+0000)" in page.text
    assert page.one("textarea", id="source-en").text == "## A {#a}\n\nText\ufffd.\n"
    assert page.one("input", id="title-en").get("value") == "New words"


def test_a_preview_without_a_script_shows_the_text_and_can_be_saved(cast: Cast, as_: Any) -> None:
    draft = begin(cast)
    author = as_(cast.author, language="en")
    form = form_of(draft, language="en") | {"source": "## New {#new}\n\nWords.\n\n<script>\n"}
    page = author.post("library.preview_draft", {**form, "language": "en"}, expect=200, code=draft.code)
    assert page.one("section", id="en-new") is not None
    assert "There is a script" in page.text
    kept = {each.get("name"): each.get("value", "") for each in page.all("input", type="hidden")}
    kept["source"] = page.one("textarea").text or ""
    author.post("library.save_draft_text", kept, code=draft.code, language="en")
    assert values_of(get_draft(draft.code).text_in("en")).source == form["source"]


def test_problems_lead_to_their_lines(cast: Cast, as_: Any) -> None:
    draft = begin(cast, texts=[english(), japanese()])
    author = as_(cast.author, language="en")
    author.post(
        "library.save_draft_text", form_of(draft, source="## A {#a}\n\n<b>x</b>\n"), code=draft.code, language="en"
    )
    page = author.get("library.edit_draft", code=draft.code)
    assert f"/drafts/{draft.code}/edit?text=en#line-3" in page.links()


def test_the_translation_is_marked_by_a_form(cast: Cast, as_: Any) -> None:
    draft = begin(cast)
    author = as_(cast.author, language="en")
    author.post(
        "library.save_draft_text", form_of(draft, source=EN.replace("None.", "One.")), code=draft.code, language="en"
    )
    page = author.get("library.edit_draft", code=draft.code)
    assert [each.get("value") for each in page.all("button", name="clause")] == ["exceptions"]
    author.post("library.mark_in_step", {"clause": "exceptions", "deciding": "1"}, expect=409, code=draft.code)
    author.post("library.mark_in_step", {"clause": "exceptions", "deciding": "2"}, code=draft.code)
    assert author.get("library.edit_draft", code=draft.code).all("button", name="clause") == []


# --- the proposal, the end ------------------------------------------------------------------------

PROPOSAL = {"number": "1.1", "change_class": "", "zone": "Asia/Tokyo", "revision": "1"}


def test_what_is_proposed_is_kept_in_its_zone(cast: Cast, as_: Any) -> None:
    draft = begin(cast)
    author = as_(cast.author, language="en")
    form = {**PROPOSAL, "change_class": "material", "effective_on": "２０９９/０４/０１", "effective_time": "09:00"}
    author.post("library.change_proposal", form, code=draft.code)
    draft = get_draft(draft.code)
    assert draft.effective_at is not None
    assert draft.effective_at.isoformat() == "2099-04-01T00:00:00+00:00"
    assert draft.number == "2.0"
    page = author.get("library.edit_draft", code=draft.code)
    assert page.one("input", name="effective_time").get("value") == "09:00"


@pytest.mark.parametrize(
    ("changes", "expect", "words"),
    [
        ({"zone": "Mars/Olympus"}, 400, "not a known time zone"),
        ({"number": "one"}, 400, "not a version number"),
        ({"number": "1.0"}, 409, "published already"),
        ({"effective_time": "09:00"}, 400, "Choose the day"),
        ({"effective_on": "2099-04-01", "effective_time": "nine"}, 400, "Enter a time like 09:00"),
        (
            {"effective_on": "9999-12-31", "effective_time": "23:59", "zone": "America/New_York"},
            400,
            "Choose a date in the years 2000 to 2199",
        ),
        ({"zone": "America/New_York", "issue_on": "2099-03-08", "issue_time": "02:30"}, 400, "set forward"),
        ({"revision": "9"}, 409, "Somebody else has changed"),
        ({"change_class": "huge"}, 400, "Not a valid choice"),
    ],
)
def test_a_proposal_that_cannot_be_is_told_at_its_field(
    cast: Cast, as_: Any, changes: dict[str, str], expect: int, words: str
) -> None:
    draft = begin(cast)
    page = as_(cast.author, language="en").post(
        "library.change_proposal", {**PROPOSAL, **changes}, expect=expect, code=draft.code
    )
    assert words in page.text


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_draft_that_is_not_written_says_so_and_shows_its_texts(cast: Cast, as_: Any, language: str) -> None:
    draft = begin(cast)
    author = as_(cast.author, language=language)
    author.post("library.discard_draft", {"reason": "Not needed."}, code=draft.code)
    page = author.get("library.edit_draft", code=draft.code)
    assert page.all("textarea") == []
    assert page.one("section", id="en-scope") is not None
    refused = author.post(
        "library.save_draft_text", form_of(draft, title="X"), expect=409, code=draft.code, language="en"
    )
    assert ("not being written" if language == "en" else "編集できません") in refused.text
    assert get_draft(draft.code).state is DraftState.DISCARDED
    author.get("library.drafts", show="ended")


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_draft_that_was_overtaken_asks_what_both_changed(cast: Cast, as_: Any, language: str) -> None:
    draft = begin(cast)
    author = as_(cast.author, language=language)
    author.post(
        "library.save_draft_text", form_of(draft, source=EN.replace("None.", "Mine.")), code=draft.code, language="en"
    )
    make_version(
        draft.document, cast.author, "1.1",
        texts=[english(EN.replace("None.", "Theirs.").replace("carries", "bears")), japanese(JA)],
    )  # fmt: skip
    assert "1.1" in author.get("library.edit_draft", code=draft.code).text
    page = author.get("library.compare_versions", code=draft.code)
    assert "Mine." in page.text
    assert "Theirs." in page.text
    seen = page.one("input", name="seen").get("value")
    author.post("library.take_over", {"seen": seen}, expect=400, code=draft.code)
    author.post(
        "library.take_over", {"seen": "old", "choice-en-clause-exceptions": "mine"}, expect=409, code=draft.code
    )
    author.post("library.take_over", {"seen": seen, "choice-en-clause-exceptions": "mine"}, code=draft.code)
    source = values_of(get_draft(draft.code).text_in("en")).source
    assert "Mine." in source
    assert "bears" in source
    author.get("library.compare_versions", expect=409, code=draft.code)


# --- what the page itself sends -------------------------------------------------------------------


def test_a_save_by_the_page_answers_what_is_kept(cast: Cast, as_: Any) -> None:
    draft = begin(cast)
    author = as_(cast.author)
    body = body_of(draft, source=EN.replace("None.", "One.") + "\n## Appeals\n\nText.\n", line=None)
    answer = author.post_json("library.save_draft_text", body, code=draft.code, language="en")
    assert answer.status_code == 200
    assert answer.json["revision"] == 2
    assert "## Appeals {#appeals}" in answer.json["source"]
    assert answer.json["problems"] == []
    assert answer.json["behind"] == ["exceptions", "appeals"]
    assert re.fullmatch(r"\d\d:\d\d", answer.json["saved_at"])
    late = author.post_json("library.save_draft_text", {**body, "title": "Late"}, code=draft.code, language="en")
    assert late.status_code == 409
    assert late.json["aside_href"] == f"/drafts/{draft.code}/asides/{late.json['aside']}"
    assert late.json["revision"] == 2


@pytest.mark.parametrize(
    "body",
    [[], {}, {"revision": "1"}, {"revision": 1, "title": 3}, {"revision": True}, {"revision": 1, "line": "x"},
     {"revision": 1, "aside": 5}],
)  # fmt: skip
def test_what_our_page_does_not_send_is_refused_in_words(cast: Cast, as_: Any, body: Any) -> None:
    draft = begin(cast)
    answer = as_(cast.author).post_json("library.save_draft_text", body, code=draft.code, language="en")
    assert answer.status_code == 400
    assert answer.json["message"]


def test_unknown_languages_and_drafts_are_not_there(cast: Cast, as_: Any) -> None:
    draft = begin(cast)
    author = as_(cast.author)
    assert (
        author.post_json("library.save_draft_text", body_of(draft), code=draft.code, language="fr").status_code == 404
    )
    author.get("library.edit_draft", expect=404, code="x")
    assert (
        author.post_json("library.preview_draft", {"language": "fr", "source": ""}, code=draft.code).status_code == 400
    )
    as_(cast.learner).get("library.edit_draft", expect=404, code=draft.code)
    as_(cast.approver).get("library.edit_draft", expect=403, code=draft.code)


def test_the_preview_marks_the_terms_of_the_glossary_and_wrong_ones(cast: Cast, as_: Any) -> None:
    term = TermDraft(
        "label", Words("label", "ラベル"), Words("Words in a <profile>.", "表示。"), ("tag",), ("レーベル",)
    )
    with own_transaction():
        set_glossary(terms=[term], by=cast.admin)
    draft = begin(cast)
    author = as_(cast.author, language="en")
    source = "## Label {#a}\n\nLabels, a label, `label`, [label](https://x.example), a tag, tagged.\n"
    html = author.post_json("library.preview_draft", {"language": "en", "source": source}, code=draft.code).json["html"]
    assert re.findall(r'<a class="(term[^"]*)" href="([^"]+)"[^>]*>([^<]+)<', html) == [
        ("term", "#en-term-label", "Labels"),
        ("term-wrong", "#en-term-label", "tag"),
    ]
    assert 'id="en-term-label"' in html
    assert "&lt;profile&gt;" in html
    source = "## あ {#a}\n\nレーベルではなくラベルです。\n"
    html = author.post_json("library.preview_draft", {"language": "ja", "source": source}, code=draft.code).json["html"]
    assert "レーベル</a>ではなく<a " in html


def test_payloads_stay_text_in_the_preview(cast: Cast, as_: Any) -> None:
    draft = begin(cast)
    for source in ("<img src=x onerror=alert(1)>", "## `<script>alert(1)</script>` {#a}\n\n[x](javascript:alert(1))"):
        answer = as_(cast.author).post_json(
            "library.preview_draft", {"language": "en", "source": source}, code=draft.code
        )
        assert answer.status_code == 200
        assert "<script" not in answer.json["html"]
        assert "<img" not in answer.json["html"]
        assert 'href="javascript' not in answer.json["html"]


def test_a_text_beyond_the_limits_shows_which(cast: Cast, as_: Any) -> None:
    draft = begin(cast)
    author = as_(cast.author, language="en")
    answer = author.post_json(
        "library.preview_draft", {"language": "en", "source": "x" * 300_000}, code=draft.code, lang="en"
    )
    assert "the limit is 256 KB" in answer.json["problems"][0]["text"]
    saved = author.post_json(
        "library.save_draft_text", body_of(draft, source="## A\n\n" + "x" * 300_000), code=draft.code, language="en"
    )
    assert saved.status_code == 200
    assert "the limit is 256 KB" in author.get("library.edit_draft", code=draft.code).text
    huge = author.post_json(
        "library.save_draft_text", body_of(draft, source="x" * 1_100_000), code=draft.code, language="en"
    )
    assert huge.status_code == 400


def test_whoever_writes_is_seen_by_the_others(cast: Cast, as_: Any) -> None:
    make_grant(cast.colleague, next(grant.role for grant in cast.author.grants if grant.role.value == "author"))
    draft = begin(cast)
    second = as_(cast.colleague, language="en")
    assert f"{cast.author.name_in('en')} is editing this too" in second.get("library.edit_draft", code=draft.code).text
    answer = second.fetch("library.draft_pulse", code=draft.code, accept="application/json").json
    assert answer["revisions"] == {"en": 1, "ja": 1}
    assert len(answer["others"]) == 1
    # Looking is not writing: she may still approve it.
    assert (
        as_(cast.author).fetch("library.draft_pulse", code=draft.code, accept="application/json").json["others"] == []
    )


def test_the_number_of_queries_does_not_grow_with_clauses(cast: Cast, as_: Any) -> None:
    def count(draft: Draft) -> int:
        author: PageClient = as_(cast.author)
        author.get("library.edit_draft", code=draft.code)
        with counted_queries() as statements:
            author.get("library.edit_draft", code=draft.code)
        return len(statements)

    short = begin(cast, slug="short", texts=[english("## A {#a}\n\nText.\n"), japanese("## A {#a}\n\n文。\n")])
    clauses = "".join(f"## Clause {number} {{#c-{number}}}\n\nText.\n\n" for number in range(60))
    long = begin(cast, slug="long", texts=[english(clauses), japanese(clauses)])
    assert count(short) == count(long)


@pytest.mark.usefixtures("time_stands_still")
def test_saving_too_fast_is_told_when_to_go_on(cast: Cast, as_: Any) -> None:
    draft = begin(cast)
    author = as_(cast.author)
    for _time in range(limits.saves.per_minute):
        limits.saves.take(cast.author.code)
    answer = author.post_json("library.save_draft_text", body_of(draft), code=draft.code, language="en")
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) >= 1

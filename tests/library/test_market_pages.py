"""The pages on which a market's text is written: begun, chosen clause by clause, laid over a base that has moved."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from portal.accounts.models import Person, Role, Scope
from portal.core import clock, jobs
from portal.core.db import session
from portal.core.i18n import force_locale, format_instant
from portal.core.markdown import split_clauses
from portal.core.transaction import own_transaction
from portal.library import limits, queries
from portal.library.models import AudienceKind, ChangeClass, DocumentVersion, Draft, DraftState
from portal.library.queries import drafts
from portal.library.queries.drafting import list_kept
from portal.library.service import following, overlays, reviews, versions
from portal.library.service.documents import OwnedDocuments
from portal.library.service.drafts import begin_draft, discard_draft
from tests.beginnings import beginning
from tests.builders import Cast, make_grant, make_market, make_person
from tests.library.builders import edit_draft, english, japanese, make_published, make_version
from tests.library.test_overlays import BASE_EN, BASE_JA, OVER_EN, OVER_JA, SCOPE, make_overlay, publish_overlay
from tests.page_client import Page
from tests.queries import counted_queries

BOTH = SCOPE.replace("30 days", "60 days")


@pytest.fixture(autouse=True)
def _fresh_limits() -> None:
    for each in (limits.saves, limits.previews):
        each.clear()


@pytest.fixture
@beginning
def base(cast: Cast) -> DocumentVersion:
    make_market("JP")
    return make_published(cast.admin, texts=[english(BASE_EN), japanese(BASE_JA)])


@pytest.fixture
@beginning
def japan(cast: Cast) -> Person:
    """Return somebody who writes for Japan alone."""
    person = make_person("japan@portal.example", language="en")
    make_grant(person, Role.AUTHOR, Scope.MARKET, "JP")
    return person


def begin(base: DocumentVersion, by: Person, market: str = "JP") -> Draft:
    with own_transaction():
        held = queries.get_document(base.document.slug)
        return following.begin_overlay(base=held, market=make_market(market), by=by)


def published(base: DocumentVersion, by: Person, market: str = "JP") -> DocumentVersion:
    return publish_overlay(make_overlay(base.document, by, market), by)


def move_base(by: Person, en: str = BOTH, number: str = "2.0", slug: str = "impersonation") -> DocumentVersion:
    document = queries.get_document(slug)
    return make_version(document, by, number, texts=[english(en), japanese(BASE_JA)])


def fresh(draft: Draft) -> Draft:
    session.rollback()
    session.expire_all()
    return drafts.get_draft(draft.code)


def written(draft: Draft, *, en: str = OVER_EN, ja: str = OVER_JA, by: Person) -> Draft:
    """Write a draft of a market's text in both languages, in step."""
    from portal.library.service.drafts import TextValues, mark_in_step, save_text

    with own_transaction():
        held = drafts.get_draft(draft.code)
        for tag, source in (("en", en), ("ja", ja)):
            save_text(
                draft=held, language=tag, revision=0, values=TextValues(summary="About it.", source=source), by=by
            )
        mark_in_step(draft=held, anchors=None, deciding_revision=1, by=by)
    return fresh(draft)


def chips(page: Page) -> list[str]:
    return [" ".join("".join(each.itertext()).split()) for each in page.all("span", class_="status")]


def clause_of(page: Page, anchor: str) -> str:
    return " ".join("".join(page.one("li", id=f"desk-{anchor}").itertext()).split())


def _seconds(work: Callable[[], Any]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


# --- the markets of a document ---------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_markets_say_who_has_a_text_of_her_own_over_which_version(
    cast: Cast, base: DocumentVersion, as_: Any, language: str
) -> None:
    published(base, cast.admin)
    page = as_(cast.author, language=language).get("library.market_texts_of", slug="impersonation")
    rows = [" ".join("".join(each.itertext()).split()) for each in page.all("tr")]
    (japanese_row,) = [row for row in rows if "JP" in row]
    (american_row,) = [row for row in rows if "US" in row]
    assert ("Follows the base text" if language == "en" else "追従済み") in japanese_row
    assert ("Version 1.0" if language == "en" else "第1.0版") in japanese_row
    assert ("As the base text" if language == "en" else "基本文書のとおり") in american_row


def test_the_reading_page_and_the_history_lead_to_the_markets(cast: Cast, base: DocumentVersion, as_: Any) -> None:
    for endpoint in ("library.read", "library.history"):
        assert (
            "/library/impersonation/markets"
            in as_(cast.author, language="en").get(endpoint, slug="impersonation").links()
        )
        assert "/library/impersonation/markets" not in as_(cast.learner).get(endpoint, slug="impersonation").links()


def test_the_text_of_a_market_leads_to_the_markets_of_its_base(cast: Cast, base: DocumentVersion, as_: Any) -> None:
    published(base, cast.admin)
    response = as_(cast.author, language="en").fetch("library.market_texts_of", slug="impersonation@JP")
    assert (response.status_code, response.location) == (302, "/library/impersonation/markets")


def test_the_author_of_a_market_begins_its_text_and_nobody_elses(
    cast: Cast, base: DocumentVersion, japan: Person, as_: Any
) -> None:
    client = as_(japan)
    page = client.get("library.market_texts_of", slug="impersonation")
    assert [each.get("value") for each in page.all("input", name="market")] == ["JP"]
    refused = client.post("library.begin_market_text", {"market": "US"}, slug="impersonation", expect=400)
    assert "out of your reach" in refused.text
    assert queries.find_document("impersonation@US") is None
    client.post("library.begin_market_text", {"market": "JP"}, slug="impersonation")
    (draft,) = drafts.list_open_drafts(queries.get_document("impersonation@JP"))
    assert client.get("library.base_of_draft", code=draft.code).heading == "“Impersonation (Japan)” over its base text"
    assert as_(cast.learner).fetch("library.market_texts_of", slug="impersonation").status_code == 403
    assert as_(cast.approver, language="en").post(
        "library.begin_market_text", {"market": "US"}, slug="impersonation", expect=403
    )


@pytest.mark.parametrize("language", ["en", "ja"])
def test_what_cannot_be_begun_is_refused_in_words(cast: Cast, base: DocumentVersion, as_: Any, language: str) -> None:
    client = as_(cast.author, language=language)
    begin(base, cast.author)
    for market, status in (("JP", 409), ("XX", 400), ("", 400)):
        page = client.post("library.begin_market_text", {"market": market}, slug="impersonation", expect=status)
        assert page.all("div", class_="error-summary") or page.all("section", class_="error-summary"), page.body


def test_a_document_that_is_for_some_markets_offers_these(cast: Cast, as_: Any) -> None:
    make_market("JP")
    make_published(cast.admin, audience={AudienceKind.MARKET: ["US"]})
    page = as_(cast.author, language="en").get("library.market_texts_of", slug="impersonation")
    assert [each.get("value") for each in page.all("input", name="market")] == ["US"]


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_base_without_a_version_says_what_comes_first(cast: Cast, as_: Any, language: str) -> None:
    from tests.library.builders import make_document

    make_document(cast.admin)
    page = as_(cast.author, language=language).get("library.market_texts_of", slug="impersonation")
    assert ("Publish the base text first" if language == "en" else "先に基本文書を公示") in page.text
    assert page.all("input", name="market") == []


def test_a_new_document_may_be_the_text_of_a_market(cast: Cast, base: DocumentVersion, as_: Any) -> None:
    client = as_(cast.author, language="en")
    page = client.get("library.new_document")
    assert [each.get("value") for each in page.one("select", id="base").iter("option")] == ["impersonation"]
    response = client.fetch("library.new_document", base="impersonation")
    assert response.location == "/library/impersonation/markets"
    assert "Choose a document from the list." in client.get("library.new_document", base="nowhere").text


def test_a_text_whose_only_draft_was_given_up_can_be_begun_anew(cast: Cast, base: DocumentVersion, as_: Any) -> None:
    draft = begin(base, cast.author)
    with own_transaction():
        discard_draft(draft=drafts.get_draft(draft.code), reason="", by=cast.author)
    client = as_(cast.author)
    page = client.get("library.market_texts_of", slug="impersonation")
    assert "/library/impersonation@JP/drafts" in {form.get("action") for form in page.all("form")}
    client.post("library.begin_draft", slug="impersonation@JP")
    (again,) = drafts.list_open_drafts(queries.get_document("impersonation@JP"))
    assert again.over_id == base.id


# --- the desk --------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_desk_shows_every_clause_in_order_with_both_headings(
    cast: Cast, base: DocumentVersion, as_: Any, language: str
) -> None:
    draft = written(begin(base, cast.author), by=cast.author)
    page = as_(cast.author, language=language).get("library.base_of_draft", code=draft.code)
    order = [each.get("id") for each in page.all("li", class_="desk__clause")]
    assert order == ["desk-top", "desk-scope", "desk-notices", "desk-appeals", "desk-fees"]
    assert "Scope" in clause_of(page, "scope")
    assert "範囲" in clause_of(page, "scope")
    said = ["As the base text", "Text added below", "Only in this market", "Replaced", "Does not apply"]
    if language == "ja":
        said = ["基本文書のとおり", "追記", "この市場だけ", "置き換え", "適用しない"]
    for anchor, words in zip(("top", "scope", "notices", "appeals", "fees"), said, strict=True):
        assert words in clause_of(page, anchor)


@pytest.mark.parametrize("chained", [False, True])
def test_the_desk_of_very_many_added_clauses_is_there_within_half_a_second(
    cast: Cast, base: DocumentVersion, as_: Any, chained: bool
) -> None:
    places = [f"h{number - 1}" if chained and number else "scope" for number in range(950)]
    clauses = [f"## H{at} {{#h{at} overlay=add after={place}}}\n\nText.\n" for at, place in enumerate(places)]
    draft = written(begin(base, cast.author), en="\n".join(clauses), ja="", by=cast.author)
    browser = as_(cast.author, language="en")
    page = browser.get("library.base_of_draft", code=draft.code)
    assert "H949" in page.text
    best = min(_seconds(lambda: browser.client.get(f"/drafts/{draft.code}/base")) for _time in range(5))
    assert best < 0.5, f"{best:.2f} s"


def test_a_clause_is_replaced_added_to_or_left_out_from_the_desk(cast: Cast, base: DocumentVersion, as_: Any) -> None:
    draft = begin(base, cast.author)
    client = as_(cast.author, language="en")
    for anchor, mode in (("appeals", "replace"), ("scope", "append"), ("fees", "none")):
        client.post("library.overlay_clause", {"clause": anchor, "mode": mode}, code=draft.code)
    text = fresh(draft).text_in("en")
    assert text is not None
    assert "Within 30 days." in text.source
    assert "{#scope overlay=append}" in text.source
    page = client.get("library.base_of_draft", code=draft.code)
    assert "Replaced" in clause_of(page, "appeals")
    assert f"/drafts/{draft.code}/base/clauses" not in {form.get("action") for form in page.all("form")}


def test_what_a_clause_is_to_become_leads_to_its_line_in_the_editor(
    cast: Cast, base: DocumentVersion, as_: Any
) -> None:
    draft = begin(base, cast.author)
    client = as_(cast.author, language="en")
    there = client.post("library.overlay_clause", {"clause": "fees", "mode": "none"}, code=draft.code)
    assert there.location == f"/drafts/{draft.code}/base#desk-fees"
    there = client.post("library.overlay_clause", {"clause": "appeals", "mode": "replace"}, code=draft.code)
    assert there.location == f"/drafts/{draft.code}/edit?text=en#line-3"


@pytest.mark.parametrize("anchor", ["appeals", "scope", "fees", "notices"])
@pytest.mark.parametrize("place", ["desk", "editor"])
def test_a_clause_follows_the_base_again_by_one_action(
    cast: Cast, base: DocumentVersion, as_: Any, anchor: str, place: str
) -> None:
    draft = written(begin(base, cast.author), by=cast.author)
    client = as_(cast.author, language="en")
    endpoint = "library.base_of_draft" if place == "desk" else "library.edit_draft"
    label = "Take this clause out" if anchor == "notices" else "Follow the base text here"
    page = client.get(endpoint, code=draft.code)
    assert any(label in "".join(each.itertext()) for each in page.all("button"))
    form = {"clause": anchor, "from": place if place == "editor" else ""}
    page = client.follow(client.post("library.follow_base_here", form, code=draft.code))
    assert f"says nothing about the clause “{anchor}” any more" in page.text
    draft = fresh(draft)
    assert anchor not in overlays.modes_of_draft(draft)
    resulting = {text.language: text.source for text in overlays.texts_of_draft(draft)}
    for language, source in resulting.items():
        there = base.text_in(language)
        assert there is not None
        shown, wanted = ({each.anchor: each.hash for each in split_clauses(text)} for text in (source, there.source))
        assert shown.get(anchor) == wanted.get(anchor)
    assert set(drafts.behind_of_draft(draft, "ja")) == set()
    # What the market said is not lost.
    assert {each.language for each in list_kept(draft)} == ({"en"} if anchor == "fees" else {"en", "ja"})
    page = client.post("library.follow_base_here", {"clause": anchor}, expect=409, code=draft.code)
    assert "follows the base text already" in page.text


def test_what_stood_behind_a_clause_that_is_taken_out_stands_behind_the_one_before(
    cast: Cast, base: DocumentVersion
) -> None:
    more = "\n## Offices {#offices overlay=add after=notices}\n\nIn Tokyo.\n"
    draft = written(begin(base, cast.author), en=OVER_EN + more, by=cast.author)
    with own_transaction():
        following.follow_base_here(draft=drafts.get_draft(draft.code), anchor="notices", by=cast.author)
    text = fresh(draft).text_in("en")
    assert text is not None
    assert "{#offices overlay=add after=scope}" in text.source


def test_what_is_no_clause_or_is_done_already_is_refused_on_the_desk(
    cast: Cast, base: DocumentVersion, as_: Any
) -> None:
    draft = begin(base, cast.author)
    client = as_(cast.author, language="en")
    client.post("library.overlay_clause", {"clause": "fees", "mode": "none"}, code=draft.code)
    for anchor in ("fees", "nowhere", "top", ""):
        page = client.post("library.overlay_clause", {"clause": anchor, "mode": "replace"}, code=draft.code, expect=409)
        assert "Look at the clauses as they are now." in page.text
    client.post("library.overlay_clause", {"clause": "scope", "mode": "add"}, code=draft.code, expect=400)


def test_whoever_sees_the_draft_sees_the_desk_and_only_its_writers_act_there(
    cast: Cast, base: DocumentVersion, japan: Person, as_: Any
) -> None:
    draft = begin(base, japan)
    page = as_(cast.approver, language="en").get("library.base_of_draft", code=draft.code)
    assert page.all("input", name="clause") == []
    data = {"clause": "fees", "mode": "none"}
    as_(cast.approver, language="en").post("library.overlay_clause", data, code=draft.code, expect=403)
    as_(cast.learner).post("library.overlay_clause", data, code=draft.code, expect=404)
    assert as_(cast.learner).fetch("library.base_of_draft", code=draft.code).status_code == 404
    assert as_(japan).get("library.base_of_draft", code=draft.code).all("input", name="clause")


def test_only_the_text_of_a_market_has_a_desk(cast: Cast, base: DocumentVersion, as_: Any) -> None:
    with own_transaction():
        draft = begin_draft(document=queries.get_document("impersonation"), by=cast.author)
    as_(cast.author, language="en").get("library.base_of_draft", code=draft.code, expect=404)


# --- laid over anew --------------------------------------------------------------------------------


def moved(cast: Cast, base: DocumentVersion) -> Draft:
    """Return a draft of a market's text under which two clauses have changed."""
    published(base, cast.admin)
    move_base(cast.admin)
    with own_transaction():
        return begin_draft(document=queries.get_document("impersonation@JP"), by=cast.author)


@pytest.mark.parametrize("language", ["en", "ja"])
def test_what_clashes_is_shown_as_a_redline_beside_the_words_of_the_market(
    cast: Cast, base: DocumentVersion, as_: Any, language: str
) -> None:
    draft = moved(cast, base)
    page = as_(cast.author, language=language).get("library.base_of_draft", code=draft.code)
    assert len(page.all("fieldset", class_="desk__clash")) == 2
    marked = " ".join("".join(each.itertext()) for tag in ("del", "ins") for each in page.all(tag))
    # The Japanese page shows what changed in English alone, and says so.
    assert ("30" in marked, "60" in marked) == (True, True)
    assert ("正文である英語の本文だけ" in page.text) == (language == "ja")
    assert ("Within 14 days." if language == "en" else "14日以内。") in page.text
    waits = "Waits for a decision" if language == "en" else "判断待ち"
    assert [waits in clause_of(page, anchor) for anchor in ("scope", "appeals", "fees")] == [True, True, False]


def test_each_clause_is_kept_or_given_up_and_then_one_button_lays_it_over(
    cast: Cast, base: DocumentVersion, as_: Any
) -> None:
    draft = moved(cast, base)
    client = as_(cast.author, language="en")
    page = client.get("library.base_of_draft", code=draft.code)
    seen = page.one("input", name="seen").get("value", "")
    data = {"seen": seen, "decision-appeals": "keep", "decision-scope": "drop"}
    client.post("library.move_draft", data, code=draft.code)
    draft = fresh(draft)
    assert draft.over is not None
    assert draft.over.number == "2.0"
    text = overlays.text_of_draft(draft, "en")
    assert text is not None
    assert "Within 14 days." in text.source
    assert "LINE" not in text.source
    page = client.get("library.base_of_draft", code=draft.code)
    assert page.all("fieldset", class_="desk__clash") == []
    again = client.post("library.move_draft", data, code=draft.code, expect=409)
    assert "laid over the latest version of the base text already" in again.text


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_refusal_keeps_what_was_chosen(cast: Cast, base: DocumentVersion, as_: Any, language: str) -> None:
    draft = moved(cast, base)
    client = as_(cast.author, language=language)
    seen = client.get("library.base_of_draft", code=draft.code).one("input", name="seen").get("value", "")
    for data, status in (
        ({"seen": seen, "decision-appeals": "keep"}, 400),
        ({"seen": "1.0-9", "decision-appeals": "keep", "decision-scope": "drop"}, 409),
    ):
        page = client.post("library.move_draft", data, code=draft.code, expect=status)
        assert page.one("input", id="decision-appeals-keep").get("checked") is not None
        assert page.one("input", id="decision-appeals-drop").get("checked") is None
    assert fresh(draft).over_id == base.id


def test_where_nothing_clashes_one_button_follows(cast: Cast, base: DocumentVersion, as_: Any) -> None:
    """A draft whose base cannot be followed by itself, because of another of its clauses, is laid over by hand."""
    published(base, cast.admin)
    move_base(cast.admin)
    with own_transaction():
        draft = begin_draft(document=queries.get_document("impersonation@JP"), by=cast.author)
    draft = edit_draft(draft, "en", by=cast.author, source="## Notices {#notices overlay=add}\n\nSent.\n")
    client = as_(cast.author, language="en")
    page = client.get("library.base_of_draft", code=draft.code)
    assert "its text can follow as it is" in page.text
    assert len(page.all("button", class_="button--primary")) == 1
    client.post("library.move_draft", {"seen": page.one("input", name="seen").get("value", "")}, code=draft.code)
    assert fresh(draft).over_id != base.id


def test_every_way_in_which_a_base_moves_can_be_shown_and_decided(cast: Cast, base: DocumentVersion, as_: Any) -> None:
    published(base, cast.admin)
    gone = BASE_EN[: BASE_EN.index("## Fees")].replace("## Scope {#scope}\n\nEverywhere.\n\n", "")
    move_base(cast.admin, gone + "\n## Notices {#notices}\n\nNew.\n")
    with own_transaction():
        draft = begin_draft(document=queries.get_document("impersonation@JP"), by=cast.author)
    page = as_(cast.author, language="en").get("library.base_of_draft", code=draft.code)
    assert "does not have this clause any more" in page.text
    assert "has got a clause of the same id" in page.text
    # That a clause does not apply cannot be kept where there is no such clause.
    assert [each.get("value") for each in page.all("input", name="decision-fees")] == ["drop"]
    placed = OVER_EN[OVER_EN.index("## Notices") :].replace("{#notices", "{#mine")
    draft = edit_draft(draft, "en", by=cast.author, source=placed)
    page = as_(cast.author, language="en").get("library.base_of_draft", code=draft.code)
    assert "The clause behind which it stood is not in the base text any more." in page.text


# --- the editor ------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_editor_says_over_what_it_is_laid_and_shows_the_text_that_results(
    cast: Cast, base: DocumentVersion, as_: Any, language: str
) -> None:
    draft = written(begin(base, cast.author), by=cast.author)
    page = as_(cast.author, language=language).get("library.edit_draft", code=draft.code)
    assert f"/drafts/{draft.code}/base" in page.links()
    assert "Everywhere. Also on LINE." in page.text
    assert "すべて。 LINEも。" in page.text
    assert page.one("input", id="title-en").get("placeholder") == "Impersonation"
    assert ("Replaced" if language == "en" else "置き換え") in chips(page)
    assert "overlay=append" in page.text


def test_a_preview_shows_what_results_of_what_is_not_saved_yet(cast: Cast, base: DocumentVersion, as_: Any) -> None:
    draft = written(begin(base, cast.author), by=cast.author)
    data = {"language": "en", "revision": "1", "source": "## Fees {#fees overlay=append}\n\nBut see [[#scope]].\n"}
    page = as_(cast.author, language="en").post("library.preview_draft", data, code=draft.code, expect=200)
    assert "None are taken. But see Scope." in page.text
    assert "Within 30 days." in page.text
    assert "#en-scope" in page.links()
    assert not page.all("div", class_="callout--warning")


def test_what_is_wrong_with_the_text_of_a_market_is_said_by_line(cast: Cast, base: DocumentVersion, as_: Any) -> None:
    draft = begin(base, cast.author)
    client = as_(cast.author, language="en")
    body = {
        "title": "", "summary": "", "what_to_do_differently": "", "attestation": "", "revision": 0,
        "source": "## A\n\na\n\n## B {#apeals}\n\nb\n",
    }  # fmt: skip
    answer = client.post_json("library.save_draft_text", body, code=draft.code, language="en")
    assert answer.status_code == 200, answer.get_data(as_text=True)
    told = [each["text"] for each in answer.get_json()["problems"]]
    assert any("The base has no clause “apeals”" in each for each in told), told


def test_the_braces_of_a_market_survive_the_editor(cast: Cast, base: DocumentVersion, as_: Any) -> None:
    draft = written(begin(base, cast.author), by=cast.author)
    bare = OVER_EN.replace(" {#scope overlay=append}", "").replace(" {#notices overlay=add after=scope}", "")
    text = draft.text_in("en")
    assert text is not None
    form = {"revision": str(text.revision), "title": "", "summary": "", "what_to_do_differently": "", "attestation": ""}
    as_(cast.author, language="en").post(
        "library.save_draft_text", {**form, "source": bare}, code=draft.code, language="en"
    )
    kept = fresh(draft).text_in("en")
    assert kept is not None
    assert kept.source == OVER_EN


# --- the overview ----------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "ja"])
def test_an_approver_sees_at_one_glance_what_the_market_does_otherwise(
    cast: Cast, base: DocumentVersion, as_: Any, language: str
) -> None:
    draft = written(begin(base, cast.author), by=cast.author)
    with own_transaction():
        reviews.submit_draft(draft=drafts.get_draft(draft.code), by=cast.author)
    page = as_(cast.approver, language=language).get("library.draft", code=draft.code)
    market = page.one("section", **{"aria-labelledby": "draft_market"})
    rows = [" ".join("".join(each.itertext()).split()) for each in market.iter("li")]
    said = ["Text added below", "Only in this market", "Replaced", "Does not apply"]
    if language == "ja":
        said = ["追記", "この市場だけ", "置き換え", "適用しない"]
    assert [row.startswith(words) for row, words in zip(rows, said, strict=True)] == [True] * 4
    # The whole that results, and not what its author wrote alone.
    assert ("Everywhere." if language == "en" else "すべて。") in page.text
    assert ("Opening." if language == "en" else "はじめに。") in page.text


def test_a_first_text_is_compared_with_its_base(cast: Cast, base: DocumentVersion, as_: Any) -> None:
    draft = written(begin(base, cast.author), by=cast.author)
    page = as_(cast.author, language="en").get("library.draft", code=draft.code, lang="en")
    changes = page.one("section", **{"aria-labelledby": "draft_changes"})
    words = " ".join("".join(changes.itertext()).split())
    assert "compared with version 1.0 of the base text" in words
    assert "None are taken." in words
    assert "Opening." not in words


def test_a_clause_of_the_base_can_be_remarked_on(cast: Cast, base: DocumentVersion, as_: Any) -> None:
    draft = written(begin(base, cast.author), by=cast.author)
    data = {"remark_anchor": "top", "remark_language": "en", "remark_body": "Is that so in Japan?"}
    as_(cast.approver, language="en").post("library.comment_on_draft", data, code=draft.code)
    (comment,) = drafts.list_comments(fresh(draft))
    assert comment.anchor == "top"


def test_a_base_that_has_moved_stops_the_draft_and_leads_to_the_desk(
    cast: Cast, base: DocumentVersion, as_: Any
) -> None:
    draft = moved(cast, base)
    page = as_(cast.author, language="en").get("library.draft", code=draft.code)
    finding = next(each for each in page.all("li", class_="finding--stops") if "its base" in "".join(each.itertext()))
    assert [each.get("href") for each in finding.iter("a")] == [f"/drafts/{draft.code}/base"]


def test_a_market_text_passes_from_the_desk_to_its_readers(cast: Cast, base: DocumentVersion, as_: Any) -> None:
    draft = written(begin(base, cast.author), by=cast.author)
    as_(cast.author, language="en").post("library.submit_draft", code=draft.code)
    client = as_(cast.approver, language="en")
    page = client.get("library.draft", code=draft.code)
    names = ("approve_seen", "approve_confirmed_class")
    data = {name: page.one("input", name=name).get("value", "") for name in names} | {"approve_is_confirmed": "y"}
    client.post("library.approve_draft", data, code=draft.code)
    draft = fresh(draft)
    assert draft.state is DraftState.PUBLISHED
    version = queries.latest_version(queries.get_document("impersonation@JP"))
    assert version is not None
    assert version.over_id == base.id


# --- what waits ------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "ja"])
def test_texts_that_wait_are_listed_for_those_who_may_write_them(
    cast: Cast, base: DocumentVersion, japan: Person, as_: Any, language: str
) -> None:
    published(base, cast.admin)
    published(base, cast.admin, "US")
    title = "Market texts that wait for a decision" if language == "en" else "判断待ちの市場別文書"
    assert title not in as_(japan, language=language).get("library.drafts").text
    move_base(cast.admin)
    page = as_(japan, language=language).get("library.drafts")
    (row,) = [each for each in page.all("tr") if each.get("data-state") == "soon"]
    words = " ".join("".join(each.itertext()) for each in row)
    assert "impersonation@JP" in words
    assert " 2 " in " ".join(words.split()).replace("2.0", "")
    assert (
        len(
            [each for each in as_(cast.author, language="en").get("library.drafts").all("tr") if each.get("data-state")]
        )
        == 2
    )
    assert title not in as_(cast.approver, language=language).get("library.drafts").text


def test_what_waits_begins_a_draft_or_leads_to_the_open_one(cast: Cast, base: DocumentVersion, as_: Any) -> None:
    published(base, cast.admin)
    move_base(cast.admin)
    client = as_(cast.author, language="en")
    begun = client.post("library.begin_draft", slug="impersonation@JP")
    (draft,) = drafts.list_open_drafts(queries.get_document("impersonation@JP"))
    assert begun.location == f"/drafts/{draft.code}/base"
    assert f"/drafts/{draft.code}/base" in client.get("library.drafts").links()
    assert f"/drafts/{draft.code}/base" in client.get("library.market_texts_of", slug="impersonation").links()
    move = following.move_of(drafts.get_draft(draft.code))
    assert move is not None
    with own_transaction():
        decided = {each.anchor: following.Decision.KEEP for each in move.clashing}
        following.move_draft(draft=draft, seen=move.seen, decisions=decided, by=cast.author)
    # It has been decided there; what is left is to publish it.
    assert not [each for each in client.get("library.drafts").all("tr") if each.get("data-state")]
    assert "Decided in the draft" in client.get("library.market_texts_of", slug="impersonation").text
    with own_transaction():
        discard_draft(draft=drafts.get_draft(draft.code), reason="", by=cast.author)
    assert [each for each in client.get("library.drafts").all("tr") if each.get("data-state")]


def test_the_number_of_statements_does_not_grow_with_what_waits(cast: Cast, as_: Any) -> None:
    client = as_(cast.author, language="en")

    def make(number: int) -> None:
        for count in range(number, number + 2):
            one = make_published(cast.admin, f"text-{count}", texts=[english(BASE_EN), japanese(BASE_JA)])
            published(one, cast.admin)
            begin(one, cast.author, "US")
            move_base(cast.admin, slug=f"text-{count}")

    def statements(endpoint: str, **values: Any) -> int:
        session.expire_all()
        client.get(endpoint, **values)
        with counted_queries() as counted:
            client.get(endpoint, **values)
        return len(counted)

    make(0)
    before = statements("library.drafts"), statements("library.new_document")
    make(2)
    assert (statements("library.drafts"), statements("library.new_document")) == before


def test_the_number_of_statements_does_not_grow_with_the_markets(cast: Cast, base: DocumentVersion, as_: Any) -> None:
    client = as_(cast.author, language="en")
    for market in ("JP", "US"):
        published(base, cast.admin, market)
    move_base(cast.admin)

    def statements() -> int:
        client.get("library.market_texts_of", slug="impersonation")
        with counted_queries() as counted:
            client.get("library.market_texts_of", slug="impersonation")
        return len(counted)

    before = statements()
    for market in ("DE", "FR"):
        published(base, cast.admin, market)
    move_base(cast.admin, BOTH.replace("60", "90"), "3.0")
    assert statements() == before


# --- words ------------------------------------------------------------------------------------------


def test_a_draft_in_which_nothing_is_written_yet_says_what_the_base_says(
    cast: Cast, base: DocumentVersion, japan: Person, as_: Any
) -> None:
    draft = begin(base, japan)
    page = as_(japan).get("library.draft", code=draft.code)
    assert "Removed:" not in page.text
    assert "Within 30 days." in page.text
    assert [each.source for each in overlays.texts_of_draft(fresh(draft))] == [
        text.source for text in sorted(base.texts, key=lambda each: each.language)
    ]


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_base_that_is_not_in_force_yet_is_named_with_its_instant(
    cast: Cast, base: DocumentVersion, app: Any, as_: Any, language: str
) -> None:
    """On the desk, in the editor and on the markets' page; the mail names it as the time until which to decide."""
    owner = make_person("owner@portal.example", language=language)
    make_grant(owner, Role.AUTHOR, Scope.MARKET, "JP")
    publish_from(written(begin(base, owner), by=owner), cast)
    at = clock.now() + timedelta(days=20)
    document = queries.get_document("impersonation")
    texts = [english(BASE_EN.replace("30 days", "60 days").replace("## Fees {#fees}", "## Other {#other}"))]
    make_version(document, cast.admin, "2.0", texts=texts, effective_at=at)
    with force_locale(language):
        when = format_instant(at, "Asia/Tokyo")
    (told,) = sent(app, "owner@portal.example")
    assert when in told
    assert ("(fees): removed" if language == "en" else "（fees）：削除") in told
    assert ("(appeals): changed" if language == "en" else "（appeals）：変更") in told
    with own_transaction():
        draft = begin_draft(document=queries.get_document("impersonation@JP"), by=owner)
    client = as_(owner, language=language)
    for endpoint, values in (
        ("library.market_texts_of", {"slug": "impersonation"}),
        ("library.base_of_draft", {"code": draft.code}),
        ("library.edit_draft", {"code": draft.code}),
    ):
        page = client.get(endpoint, **values)
        assert when in page.text, endpoint
        for passed in ("by now", "になっています", "The base text is at version"):
            assert passed not in page.text, endpoint
    rows = client.get("library.market_texts_of", slug="impersonation").text
    assert ("removed" if language == "en" else "削除") in rows


def test_what_the_base_says_to_do_differently_is_not_said_where_the_market_does_that_very_clause_otherwise(
    cast: Cast, base: DocumentVersion, as_: Any
) -> None:
    """Inherited where the market's clauses are others than those that changed; the author is hinted at it."""
    line = "Wait 60 days."

    def published_over(number: str, en: str) -> str:
        texts = [english(en, what_to_do_differently=line), japanese(BASE_JA)]
        make_version(queries.get_document("impersonation"), cast.admin, number, texts=texts)
        if queries.get_document("impersonation@JP").versions[-1].over.number != number:
            publish_overlay(queries.get_document("impersonation@JP"), cast.admin, number)
        page = as_(cast.colleague).get("library.read", slug="impersonation@JP")
        assert f"Version {number}" in page.text
        return page.text

    published(base, cast.admin)
    assert line in published_over("2.0", BASE_EN.replace("Opening", "Another opening"))
    with own_transaction():
        draft = begin_draft(document=queries.get_document("impersonation@JP"), by=cast.author)
    said = "It does not say what this market does differently."
    assert said not in as_(cast.author, language="en").get("library.draft", code=draft.code).text
    assert line not in published_over("3.0", BOTH)
    discard_draft_of(draft, cast.author)
    with own_transaction():
        again = begin_draft(document=queries.get_document("impersonation@JP"), by=cast.author)
    edit_draft(again, "", by=cast.author, change_class=ChangeClass.MINOR)
    page = as_(cast.author, language="en").get("library.draft", code=again.code)
    assert said in page.text
    assert line not in page.text


def discard_draft_of(draft: Draft, by: Person) -> None:
    with own_transaction():
        discard_draft(draft=drafts.get_draft(draft.code), reason="Not needed", by=by)


def test_a_market_to_which_the_base_is_not_addressed_is_refused_with_that_reason(cast: Cast, as_: Any) -> None:
    make_published(
        cast.admin, "abroad", texts=[english(BASE_EN), japanese(BASE_JA)], audience={AudienceKind.MARKET: ["US"]}
    )
    page = as_(cast.author, language="en").post(
        "library.begin_market_text", {"market": "JP"}, slug="abroad", expect=400
    )
    assert "The document is not addressed to Japan" in page.text


def test_what_is_refused_of_a_market_text_leads_to_the_markets_of_its_base(
    cast: Cast, base: DocumentVersion, as_: Any
) -> None:
    published(base, cast.admin)
    page = as_(cast.author, language="en").post(
        "library.begin_market_text", {"market": "US"}, slug="impersonation@JP", expect=400
    )
    assert {each.get("action") for each in page.all("form") if "/markets" in each.get("action", "")} <= {
        "/library/impersonation/markets"
    }
    assert page.heading == "Market texts of “Impersonation”"


def test_a_version_that_followed_by_itself_says_so_in_the_history(cast: Cast, base: DocumentVersion, as_: Any) -> None:
    published(base, cast.admin)
    move_base(cast.admin, BASE_EN.replace("Opening", "Another opening"))
    rows = as_(cast.colleague).get("library.history", slug="impersonation@JP").text
    assert rows.count("Followed the base text by itself") == 1


def test_a_text_that_is_not_published_is_called_as_its_base_with_the_name_of_the_market(
    cast: Cast, base: DocumentVersion, japan: Person, as_: Any
) -> None:
    draft = begin(base, japan)
    page = as_(japan, language="ja").get("library.impact", code=draft.code)
    assert "「なりすまし（日本）」の草案の影響" in page.heading
    assert "impersonation@JP" not in as_(japan, language="ja").get("training.today").text
    (thing,) = OwnedDocuments().find_things(["impersonation@JP"]).values()
    assert (thing.title, thing.href) == ("Impersonation (Japan)", None)


# --- the mail --------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_owner_is_told_which_clauses_wait(cast: Cast, base: DocumentVersion, app: Any, language: str) -> None:
    owner = make_person("owner@portal.example", language=language)
    make_grant(owner, Role.AUTHOR, Scope.MARKET, "JP")
    publish_from(written(begin(base, owner), by=owner), cast)
    move_base(cast.admin)
    (told,) = sent(app, "owner@portal.example")
    for words in (
        ("Waits for a decision", "Version 2.0 of the base text", "- Appeals in Japan (appeals)", "- Scope (scope)")
        if language == "en"
        else ("判断待ち：日本の市場別文書", "基本文書の第2.0版", "- 日本での申し立て（appeals）", "- 範囲（scope）")
    ):
        assert words in told, told
    assert "https://portal.example/library/impersonation/markets" in told


def test_nobody_is_told_of_what_has_been_decided_meanwhile(cast: Cast, base: DocumentVersion, app: Any) -> None:
    owner = make_person("owner@portal.example", language="en")
    make_grant(owner, Role.AUTHOR, Scope.MARKET, "JP")
    publish_from(written(begin(base, owner), by=owner), cast)
    move_base(cast.admin)
    with own_transaction():
        draft = begin_draft(document=queries.get_document("impersonation@JP"), by=owner)
        move = following.move_of(draft)
        assert move is not None
        decided = {each.anchor: following.Decision.KEEP for each in move.clashing}
        following.move_draft(draft=draft, seen=move.seen, decisions=decided, by=owner)
    assert sent(app, "owner@portal.example") == []


def test_of_several_versions_that_clash_the_owner_is_told_of_the_last(
    cast: Cast, base: DocumentVersion, app: Any
) -> None:
    owner = make_person("owner@portal.example", language="en")
    make_grant(owner, Role.AUTHOR, Scope.MARKET, "JP")
    publish_from(written(begin(base, owner), by=owner), cast)
    move_base(cast.admin)
    move_base(cast.admin, BOTH.replace("60", "90"), "3.0")
    (told,) = sent(app, "owner@portal.example")
    assert "Version 3.0 of the base text" in told


def publish_from(draft: Draft, cast: Cast) -> None:
    with own_transaction():
        reviews.submit_draft(draft=drafts.get_draft(draft.code), by=drafts.list_authors(draft)[0])
    with own_transaction():
        held = drafts.get_draft(draft.code)
        reviews.approve_draft(
            draft=held, seen=drafts.hash_of_draft(held), confirmed=ChangeClass.MATERIAL, by=cast.approver
        )


def sent(app: Any, address: str, *, about: tuple[str, ...] = ("decision", "判断待ち")) -> list[str]:
    """Return the mails about what waits, or about other words, that this address has got, as they are read."""
    from email import message_from_bytes, policy

    jobs.run_due()
    found = []
    for file in sorted((app.config["DATA_DIR"] / "mail").glob("*.eml")):
        message = message_from_bytes(file.read_bytes(), policy=policy.default)
        part = message.get_body(("plain",))
        text = f"{message['subject']}\n{part.get_content() if part else ''}"
        if address in str(message["to"]) and any(words in str(message["subject"]) for words in about):
            found.append(text)
    return found


# --- a base without a version that stands ----------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_text_whose_base_is_withdrawn_is_not_begun_and_says_what_comes_first(
    cast: Cast, base: DocumentVersion, as_: Any, language: str
) -> None:
    published(base, cast.admin)
    with own_transaction():
        versions.withdraw_version(
            version=queries.get_document("impersonation").versions[0], reason="Wrong.", by=cast.admin
        )
    client = as_(cast.author, language=language)
    said = "first" if language == "en" else "先に"
    for form in ({}, {"sure": "y"}, {"sure": "y", "from": "1.0"}):
        page = client.post("library.begin_draft", form, expect=409, slug="impersonation@JP")
        assert said in page.text
        assert "impersonation" in page.text
    assert said in client.get("library.ask_for_draft", expect=409, slug="impersonation@JP").text
    assert drafts.list_open_drafts(queries.get_document("impersonation@JP")) == []


# --- urgent, while a later version of the base is issued -------------------------------------------


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("en", [BOTH, BASE_EN.replace("Opening.", "Begin.")])
def test_the_desk_says_how_something_urgent_holds_before_the_base_does(
    cast: Cast, base: DocumentVersion, as_: Any, language: str, en: str
) -> None:
    published(base, cast.admin)
    make_version(
        queries.get_document("impersonation"), cast.admin, "2.0", texts=[english(en), japanese(BASE_JA)],
        effective_at=clock.now() + timedelta(days=7),
    )  # fmt: skip
    with own_transaction():
        code = begin_draft(document=queries.get_document("impersonation@JP"), by=cast.author).code
    page = as_(cast.author, language=language).get("library.base_of_draft", code=code)
    can = "over the version in force before that" if language == "en" else "適用中の版に重ねて公示できます"
    withdraw = "withdraw version 2.0" if language == "en" else "第2.0版を廃止し"
    assert (can in page.text, withdraw in page.text) == (en == BOTH, en != BOTH)
    findings = as_(cast.author, language=language).get("library.draft", code=code).text
    assert ("takes effect later" in findings or "まだ適用されていません" in findings) is (en == BOTH)

"""The reading page, the list, the print view and the history: what a reader is shown, and who is."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from portal.core.db import session
from portal.core.i18n import Words
from portal.core.transaction import own_transaction
from portal.library import queries
from portal.library.models import AudienceKind, DocumentKind, Reading
from portal.library.service import versions
from portal.library.service.glossary import TermDraft, set_glossary
from tests.builders import Cast
from tests.library.builders import EN, JA, english, japanese, make_document, make_published, make_version, soon
from tests.page_client import Page
from tests.queries import counted_queries

READ = {"slug": "impersonation"}


def texts_of(page: Page, tag: str, **attributes: str) -> list[str]:
    return [" ".join("".join(each.itertext()).split()) for each in page.all(tag, **attributes)]


def test_every_clause_stands_under_its_address(cast: Cast, as_: Any) -> None:
    make_published(cast.author)
    page = as_(cast.colleague).get("library.read", **READ)
    assert page.heading == "Impersonation"
    sections = [section.get("id") for section in page.all("section", class_="clause")]
    assert sections == ["top", "scope", "fan-accounts", "exceptions"]
    for anchor in sections:
        assert f"#{anchor}" in page.links()
    copies = [each.get("data-href") for each in page.all("span", class_="copy")]
    assert copies == [f"/library/impersonation#{anchor}" for anchor in sections]
    levels = [element.tag for element in page.tree.iter() if element.tag in ("h2", "h3")]
    assert levels[-3:] == ["h2", "h3", "h2"], "a clause's heading keeps its level"


def test_the_contents_lead_to_the_clauses(cast: Cast, as_: Any) -> None:
    make_published(cast.author)
    page = as_(cast.learner).get("library.read", **READ)
    links = [each.get("href") for each in page.all("a", class_="toc__link")]
    assert links == ["#scope", "#fan-accounts", "#exceptions"]
    assert texts_of(page, "a", class_="toc__link") == ["適用範囲", "ファンアカウント", "例外"]


def test_the_page_says_version_effective_date_with_zone_and_reading_time(cast: Cast, as_: Any) -> None:
    make_published(cast.author)
    page = as_(cast.colleague).get("library.read", **READ)
    facts = " ".join(texts_of(page, "aside", class_="reading__facts") + texts_of(page, "p", class_="cluster"))
    assert "1.0" in facts
    assert "Wed 1 Apr 2026 09:00 JST" in facts
    assert "Reading time: about 1 min" in facts
    assert "In force" in facts


def test_each_hash_says_whose_it_is(cast: Cast, as_: Any) -> None:
    version = make_published(cast.author)
    text = version.text_in("en")
    assert text is not None
    fold = as_(cast.colleague).get("library.read_version", number="1.0", **READ).one("aside").find("details")
    assert fold is not None
    assert fold.get("open") is None
    said = [" ".join("".join(each.itertext()).split()) for each in fold.iter("p")]
    assert f"Hash of this text, in English{text.hash}" in said
    assert f"Hash of this version, in all languages{version.hash}" in said
    japanese_page = as_(cast.learner).get("library.print_version", number="1.0", **READ)
    kept = version.text_in("ja")
    assert kept is not None
    assert f"本文のハッシュ値（SHA-256）{kept.hash}" in "".join(japanese_page.text.split())


def test_clauses_with_a_label_are_warned_of_in_words_before_they_are_shown(cast: Cast, as_: Any) -> None:
    make_published(cast.author)
    page = as_(cast.learner).get("library.read", **READ)
    notice = page.one("details", class_="sensitivity")
    assert notice.get("open") is None
    summary = "".join(notice.find("summary").itertext())  # type: ignore[union-attr]
    assert "S1" in summary
    assert "詐欺" in summary
    assert "表示が必要です" in "".join(notice.itertext())


def test_many_covered_clauses_are_opened_at_once_and_covered_again_next_time(cast: Cast, as_: Any) -> None:
    first = make_published(cast.author)
    reader = as_(cast.learner, language="en")
    assert "Open the whole document" not in reader.get("library.read", **READ).text, "one cover needs no second button"
    covered = [each.replace("{#exceptions}", "{#exceptions sensitivity=S1}") for each in (EN, JA)]
    make_version(first.document, cast.author, "1.1", texts=[english(covered[0]), japanese(covered[1])])
    page = reader.get("library.read", **READ)
    assert [each.get("open") for each in page.all("details", class_="sensitivity")] == [None, None]
    assert "2 clauses with sensitive content are covered." in page.text
    (href,) = [each for each in page.links() if "open=all" in each]
    opened = reader.get(href)
    assert all(each.get("open") is not None for each in opened.all("details", class_="sensitivity"))
    again = reader.get("library.read", **READ)
    assert [each.get("open") for each in again.all("details", class_="sensitivity")] == [None, None]


def test_the_text_can_be_read_in_the_other_language(cast: Cast, as_: Any) -> None:
    make_published(cast.author)
    reader = as_(cast.learner)
    page = reader.get("library.read", **READ)
    assert page.tree.get("lang") == "ja"
    assert "?text=en" in "".join(page.links())
    english_text = reader.get("library.read", text="en", **READ)
    assert english_text.tree.get("lang") == "ja", "the page keeps the reader's language"
    assert english_text.heading == "Impersonation"
    assert "It covers accounts that present" in english_text.text
    assert reader.get("library.read", text="jp", **READ).heading == "なりすまし"


def test_a_translation_that_is_behind_says_in_which_clauses(cast: Cast, as_: Any) -> None:
    first = make_published(cast.author)
    changed = EN.replace("None.", "One.") + "\n## Appeals {#appeals}\n\nWithin thirty days of the notice.\n"
    make_version(first.document, cast.author, "1.1", texts=[english(changed), japanese(says_number="1.0")])
    page = as_(cast.learner).get("library.read", **READ)
    banner = texts_of(page, "div", class_="callout")[0]
    assert "日本語" in banner
    assert "2" in banner
    assert {"#exceptions", "#appeals"} <= set(page.links())
    missing = next(section for section in page.all("section", class_="clause") if section.get("id") == "appeals")
    assert "Within thirty days" in "".join(missing.itertext())
    assert [each for each in missing.iter() if each.get("lang") == "en"], "the clause is marked as English"
    deciding = as_(cast.colleague).get("library.read", **READ)
    assert "The Japanese text is out of date in 2 clauses" in deciding.text


def test_what_is_behind_is_marked_where_it_stands_and_tells_no_old_news(cast: Cast, as_: Any) -> None:
    first = make_published(cast.author, texts=[english(), japanese(what_to_do_differently="以前の版での変更点です。")])
    make_version(
        first.document, cast.author, "1.1",
        texts=[
            english(EN.replace("None.", "One."), what_to_do_differently="Allow one exception."),
            japanese(says_number="1.0", what_to_do_differently="以前の版での変更点です。"),
        ],
    )  # fmt: skip
    page = as_(cast.learner).get("library.read", **READ)
    marked = {
        section.get("id"): texts_of_section
        for section in page.all("section", class_="clause")
        if (texts_of_section := [each.text for each in section.iter("span") if each.get("class") == "clause__changed"])
    }
    assert marked == {"exceptions": ["改定未反映"]}
    assert "以前の版での変更点" not in page.text
    assert "Allow one exception." in page.text
    deciding = as_(cast.colleague).get("library.read", **READ)
    assert not deciding.all("span", class_="clause__changed")


def test_a_missing_translation_is_said(cast: Cast, as_: Any) -> None:
    make_published(cast.author, texts=[english()])
    page = as_(cast.learner).get("library.read", **READ)
    assert "日本語" in texts_of(page, "div", class_="callout")[0]
    assert page.heading == "Impersonation"


def test_superseded_coming_and_withdrawn_versions_say_so(cast: Cast, as_: Any) -> None:
    first = make_published(cast.author)
    second = make_version(first.document, cast.author, "1.1")
    third = make_version(first.document, cast.author, "2.0", effective_at=soon())
    reader = as_(cast.colleague)

    old = reader.get("library.read_version", number="1.0", **READ)
    assert "Version 1.0 is no longer in force" in old.text
    assert "It was replaced by version 1.1 on Wed 1 Apr 2026 09:00 JST." in old.text
    assert "/library/impersonation" in old.links()

    current = reader.get("library.read", **READ)
    assert "A new version is coming" in current.text
    assert "/library/impersonation/versions/2.0" in current.links()

    coming = reader.get("library.read_version", number="2.0", **READ)
    assert "Version 2.0 is not in force yet" in coming.text
    assert "Until then version 1.1 applies." in coming.text

    with own_transaction():
        versions.withdraw_version(version=second, reason="A court said so.", by=cast.author)
    withdrawn = reader.get("library.read_version", number="1.1", **READ)
    assert "Version 1.1 has been withdrawn" in withdrawn.text
    assert "A court said so." in withdrawn.text
    assert "Nothing is in force in its place." in withdrawn.text
    assert queries.version_to_read(third.document) == third


def test_what_to_do_differently_stands_on_top(cast: Cast, as_: Any) -> None:
    make_published(cast.author, texts=[english(what_to_do_differently="Ask for a label first."), japanese()])
    page = as_(cast.colleague).get("library.read", **READ)
    assert "What to do differently" in page.text
    assert "Ask for a label first." in texts_of(page, "div", class_="callout")[0]


def test_whoever_is_not_in_the_audience_finds_nothing(cast: Cast, as_: Any) -> None:
    make_published(cast.author, audience={AudienceKind.MARKET: ["JP"]})
    stranger = as_(cast.outsider)
    for endpoint, values in (
        ("library.read", {}), ("library.print_view", {}), ("library.history", {}),
        ("library.read_version", {"number": "1.0"}), ("library.print_version", {"number": "1.0"}),
    ):  # fmt: skip
        page = stranger.get(endpoint, expect=404, **READ, **values)
        assert "Impersonation" not in page.text
    assert "Impersonation" not in stranger.get("library.index").text
    assert as_(cast.admin).get("library.read", **READ).heading == "Impersonation"


def test_unknown_documents_and_versions_say_what_to_do(cast: Cast, as_: Any) -> None:
    make_published(cast.author)
    reader = as_(cast.colleague)
    assert "There is no such document" in reader.get("library.read", slug="gone", expect=404).text
    assert "no such version" in reader.get("library.read_version", number="9.9", expect=404, **READ).text
    japanese_page = as_(cast.learner).get("library.read", slug="gone", expect=404)
    assert "文書" in japanese_page.text


def test_a_document_without_a_version_is_not_there_yet(cast: Cast, as_: Any) -> None:
    make_document(cast.author)
    as_(cast.learner).get("library.read", expect=404, **READ)
    assert "impersonation" not in as_(cast.admin).get("library.index").body


def test_strangers_are_sent_to_sign_in(cast: Cast, client: Any) -> None:
    make_published(cast.author)
    assert client.fetch("library.read", **READ).status_code == 302


# --- the place kept -------------------------------------------------------------------------------


def test_opening_a_version_is_noted(cast: Cast, as_: Any) -> None:
    version = make_published(cast.author)
    assert not queries.has_opened(cast.learner, version)
    reader = as_(cast.learner)
    reader.get("library.read", **READ)
    reader.get("library.read", **READ)
    assert queries.has_opened(cast.learner, version)
    assert len(session.scalars(select(Reading)).all()) == 1
    assert not queries.has_opened(cast.colleague, version)


def test_the_place_is_kept_and_offered_the_next_time(cast: Cast, as_: Any) -> None:
    version = make_published(cast.author)
    reader = as_(cast.colleague)
    page = reader.get("library.read", **READ)
    assert "Continue reading" not in page.text
    box = page.one("div", class_="reading")
    assert "keep-place" in str(box.get("data-module")).split()
    address = str(box.get("data-url"))
    response = reader.client.post(
        address, data={"clause": "fan-accounts", "csrf_token": reader.token()}, headers={"Accept": "*/*"}
    )
    assert response.status_code == 204
    reading = queries.find_reading(cast.colleague, version)
    assert reading is not None
    assert reading.anchor == "fan-accounts"
    again = reader.get("library.read", **READ)
    assert texts_of(again, "a", class_="button", href="#fan-accounts") == ["Continue reading: “Fan accounts”"]
    again_in_japanese = reader.get("library.read", text="ja", **READ)
    assert [each.get("lang") for each in again_in_japanese.one("a", class_="button", href="#fan-accounts").iter()][
        -1
    ] == "ja"
    assert again.one("div", class_="reading").get("data-place") == "fan-accounts"
    listed = reader.get("library.index")
    assert "/library/impersonation#fan-accounts" in listed.links()


def test_a_place_outside_of_the_version_is_refused(cast: Cast, as_: Any) -> None:
    make_published(cast.author)
    reader = as_(cast.colleague)
    page = reader.post("library.keep_place", {"clause": "gone"}, expect=400, number="1.0", **READ)
    assert "no such clause" in page.text
    stranger_address = reader.url("library.keep_place", number="1.0", **READ)
    assert reader.client.post(stranger_address, data={"clause": "scope"}).status_code == 400, "no token"


def test_a_place_can_be_kept_before_the_opening_was_noted(cast: Cast, as_: Any) -> None:
    version = make_published(cast.author)
    reader = as_(cast.colleague)
    address = reader.url("library.keep_place", number="1.0", **READ)
    data = {"clause": "scope", "csrf_token": reader.token()}
    assert reader.client.post(address, data=data).status_code == 204
    assert queries.has_opened(cast.colleague, version)


# --- the list -------------------------------------------------------------------------------------


def test_the_list_is_grouped_by_kind_and_says_what_matters(cast: Cast, as_: Any) -> None:
    make_published(cast.author, texts=[english(summary="Who may be imitated."), japanese()])
    make_published(cast.author, "daily-audit", kind=DocumentKind.SOP, texts=[english(title="Daily audit")])
    page = as_(cast.colleague).get("library.index")
    assert texts_of(page, "h2") == ["Policies", "Procedures"]
    rows = [row for row in texts_of(page, "li") if row.startswith("Impersonation")]
    assert rows == ["Impersonation Who may be imitated.In forceVersion 1.0since 1 Apr 2026Reading time: about 1 min"]
    japanese_page = as_(cast.learner).get("library.index")
    assert "未訳" in " ".join(texts_of(japanese_page, "li"))


def test_an_empty_library_says_what_comes(cast: Cast, as_: Any) -> None:
    assert "There are no documents yet" in as_(cast.colleague).get("library.index").text
    as_(cast.learner).get("library.index")


def test_withdrawn_documents_are_listed_only_for_those_who_read_everything(cast: Cast, as_: Any) -> None:
    version = make_published(cast.author)
    with own_transaction():
        versions.withdraw_version(version=version, reason="Replaced.", by=cast.author)
    assert "Impersonation" not in as_(cast.colleague).get("library.index").text
    assert "Withdrawn" in as_(cast.admin).get("library.index").text


def test_documents_for_a_role_or_team_are_listed_for_it(cast: Cast, as_: Any) -> None:
    make_published(cast.author, "for-leads", audience={AudienceKind.ROLE: ["lead"]}, texts=[english(title="Leads")])
    make_published(
        cast.author, "for-payments", audience={AudienceKind.TEAM: ["payments-safety"]},
        texts=[english(title="Payments")],
    )  # fmt: skip
    assert "Leads" in as_(cast.lead).get("library.index").text
    assert "Leads" not in as_(cast.colleague).get("library.index").text
    assert "Payments" in as_(cast.outsider).get("library.index").text
    assert "Payments" not in as_(cast.lead).get("library.index").text


def test_the_number_of_queries_does_not_grow_with_the_list(cast: Cast, as_: Any) -> None:
    def count() -> int:
        reader = as_(cast.colleague)
        with counted_queries() as statements:
            reader.get("library.index")
        return len(statements)

    for number in range(3):
        make_published(cast.author, f"document-{number}")
    few = count()
    for number in range(3, 9):
        version = make_published(cast.author, f"document-{number}")
        make_version(version.document, cast.author, "1.1")
    assert count() == few


def test_the_number_of_queries_does_not_grow_with_clauses_and_versions(cast: Cast, as_: Any) -> None:
    def count(slug: str) -> int:
        reader = as_(cast.colleague)
        reader.get("library.read", slug=slug)
        with counted_queries() as statements:
            reader.get("library.read", slug=slug)
        return len(statements)

    make_published(cast.author, "short", texts=[english("## A {#a}\n\nText.\n"), japanese("## A {#a}\n\n文。\n")])
    clauses = "".join(f"## Clause {number} {{#c-{number}}}\n\nText.\n\n" for number in range(60))
    version = make_published(cast.author, "long", texts=[english(clauses), japanese(clauses)])
    for number in range(1, 6):
        make_version(version.document, cast.author, f"1.{number}", texts=[english(clauses), japanese(clauses)])
    assert count("short") == count("long")


def test_the_number_of_queries_does_not_grow_with_the_history(cast: Cast, as_: Any) -> None:
    version = make_published(cast.author)

    def count() -> int:
        reader = as_(cast.colleague)
        with counted_queries() as statements:
            reader.get("library.history", **READ)
        return len(statements)

    few = count()
    for number in range(1, 6):
        make_version(version.document, cast.author, f"1.{number}")
    assert count() == few


# --- print, history, glossary ---------------------------------------------------------------------


@pytest.mark.parametrize("person", ["learner", "colleague"])
def test_the_print_view_carries_version_hash_and_a_warning(cast: Cast, as_: Any, person: str) -> None:
    version = make_published(cast.author)
    reader = as_(getattr(cast, person))
    tag = "ja" if person == "learner" else "en"
    text = version.text_in(tag)
    assert text is not None
    page = reader.get("library.print_view", **READ)
    assert text.hash in page.text
    assert ("配布禁止" if tag == "ja" else "Not for distribution") in page.text
    assert not page.all("details"), "paper cannot be opened"
    assert reader.get("library.print_version", number="1.0", **READ).heading == page.heading
    assert reader.get("library.print_version", number="1.0", text="en", **READ).heading == "Impersonation"


def test_the_history_names_what_changed(cast: Cast, as_: Any) -> None:
    first = make_published(cast.author)
    changed = EN.replace("None.", "One.").replace("{#scope}", "{#extent}").replace("[[#scope]]", "[[#extent]]")
    second = JA.replace("{#scope}", "{#extent}").replace("[[#scope]]", "[[#extent]]")
    make_version(
        first.document, cast.author, "1.1",
        texts=[english(changed + "\n## Appeals {#appeals}\n\nText.\n"), japanese(second, says_number="1.0")],
    )  # fmt: skip
    page = as_(cast.colleague).get("library.history", **READ)
    rows = texts_of(page, "tr")
    assert "Version 1.1" in rows[1]
    assert "Changed: §Clause fan-accounts §Clause exceptions" in rows[1]
    assert "New: §Clause appeals" in rows[1]
    assert "Moved: §Clause extent" in rows[1]
    assert "First version" in rows[2]
    as_(cast.learner).get("library.history", **READ)


def test_the_glossary_shows_both_languages(cast: Cast, as_: Any) -> None:
    assert "There are no terms yet" in as_(cast.colleague).get("library.glossary").text
    term = TermDraft("label", Words("label", "ラベル"), Words("Words in a profile.", "表示。"), (), ("レーベル",))
    with own_transaction():
        set_glossary(terms=[term], by=cast.admin)
    page = as_(cast.learner).get("library.glossary")
    assert "ラベル label 表示。 レーベル" in page.text
    as_(cast.colleague).get("library.glossary")


def test_payloads_in_titles_and_texts_stay_text(cast: Cast, as_: Any) -> None:
    payload = "<img src=x onerror=alert(1)>"
    make_published(
        cast.author,
        texts=[
            english(
                "## `" + payload + "` {#a}\n\n`" + payload + "`\n",
                title=payload, summary=payload, attestation=payload, what_to_do_differently=payload,
            )
        ],
    )  # fmt: skip
    reader = as_(cast.colleague)
    for endpoint in ("library.read", "library.print_view", "library.history"):
        page = reader.get(endpoint, **READ)
        assert not page.all("img"), endpoint
    assert not reader.get("library.index").all("img")


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_first_version_changes_nothing_and_is_called_the_first(cast: Cast, as_: Any, language: str) -> None:
    first = make_published(cast.author)
    make_version(first.document, cast.author, "2.0", texts=[english("Other words.\n"), japanese("別の本文です。\n")])
    reader = as_(cast.colleague, language=language)
    word, material = ("First version", "Material") if language == "en" else ("初版", "重要")
    page = reader.get("library.read_version", slug="impersonation", number="1.0")
    assert word in page.text
    assert material not in page.text
    assert material in reader.get("library.read_version", slug="impersonation", number="2.0").text

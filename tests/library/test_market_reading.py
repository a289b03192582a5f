"""What readers meet where a market follows a text of its own: the text itself, lists, search, what was in force."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from portal.accounts.models import Person, Role
from portal.accounts.service.ownership import set_owner
from portal.acknowledgements import queries as acknowledgements
from portal.acknowledgements import service as confirming
from portal.acknowledgements.invariants import INVARIANTS
from portal.acknowledgements.queries import campaigns
from portal.acknowledgements.service import campaigns as asking
from portal.acknowledgements.service import deltas
from portal.core import clock, folding, jobs, search
from portal.core.db import session
from portal.core.i18n import force_locale, format_instant
from portal.core.transaction import own_transaction
from portal.library import queries
from portal.library.models import AudienceKind, ChangeClass, Document, DocumentVersion
from portal.library.queries.search import find_in_force, is_replaced, list_in_force
from portal.library.service import dependants, overlays, readings, versions
from tests.acknowledgements.builders import confirm
from tests.acknowledgements.test_mails import mails
from tests.beginnings import beginning
from tests.builders import Cast, make_grant, make_market, make_person
from tests.library.builders import (
    BASE_EN,
    BASE_JA,
    OVER_EN,
    OVER_JA,
    english,
    japanese,
    make_overlay,
    make_published,
    make_version,
)
from tests.library.builders import publish_overlay as publish
from tests.page_client import Page
from tests.queries import counted_queries

BASE, OWN = {"slug": "impersonation"}, {"slug": "impersonation@JP"}


@pytest.fixture
@beginning
def base(cast: Cast) -> DocumentVersion:
    return make_published(cast.admin, texts=[english(BASE_EN), japanese(BASE_JA)])


@pytest.fixture
@beginning
def overlay(base: DocumentVersion, cast: Cast) -> DocumentVersion:
    return publish(make_overlay(base.document, cast.admin), cast.admin)


def found(words: str, person: Person) -> list[str]:
    return [hit.address for hit in search.search(folding.parse(words), person, limit=100).hits]


def words_of(page: Page, tag: str, **attributes: str) -> str:
    return " ".join(" ".join("".join(each.itertext()).split()) for each in page.all(tag, **attributes))


def test_a_reader_is_led_to_the_text_of_her_market_and_everybody_else_reads_the_base(
    cast: Cast, overlay: DocumentVersion, as_: Any
) -> None:
    sent = as_(cast.learner).fetch("library.read", **BASE, text="ja")
    assert (sent.status_code, sent.location) == (302, "/library/impersonation@JP?text=ja")
    page = as_(cast.colleague).get("library.read", **OWN)
    assert page.heading == "Impersonation (Japan)"
    assert "Within 14 days." in page.text
    assert "4 clauses differ from “Impersonation”" in words_of(page, "div", class_="callout")
    assert words_of(page, "span", class_="clause__changed").count("Japan") == 4
    abroad = as_(cast.outsider).get("library.read", **BASE)
    assert abroad.heading == "Impersonation"
    assert "Within 30 days." in abroad.text


@pytest.mark.parametrize(
    ("endpoint", "more"),
    [
        ("library.read", {}),
        ("library.read_version", {"number": "1.0"}),
        ("library.history", {}),
        ("library.compare", {}),
        ("library.print_view", {}),
        ("library.print_version", {"number": "1.0"}),
    ],
)
def test_what_another_market_does_otherwise_is_read_by_whoever_reads_the_base(
    cast: Cast, overlay: DocumentVersion, as_: Any, endpoint: str, more: dict[str, str]
) -> None:
    """It is the same text that `market=JP` shows; it is not found among what applies to her, and not confirmed."""
    assert as_(cast.outsider).get(endpoint, **OWN, **more).status == 200
    assert found("LINEも", cast.outsider) == []
    make_published(cast.admin, "secret", audience={AudienceKind.MARKET: ["JP"]})
    hidden = make_overlay(queries.get_document("secret"), cast.admin)
    publish(hidden, cast.admin)
    as_(cast.outsider).get(endpoint, slug="secret@JP", **more, expect=404)


def test_a_reader_of_another_market_is_told_that_it_does_not_apply_to_her(
    cast: Cast, overlay: DocumentVersion, as_: Any
) -> None:
    page = as_(cast.outsider).get("library.read", **OWN)
    assert "It does not apply in United States." in page.text
    assert "/library/impersonation" in page.links()
    assert not page.all("form", action="/library/impersonation@JP/versions/1.0/acknowledge")
    assert "It does not apply" not in as_(cast.colleague).get("library.read", **OWN).text


@pytest.mark.parametrize("market", ["JP", "jp"])
def test_a_market_alone_means_now(cast: Cast, overlay: DocumentVersion, as_: Any, market: str) -> None:
    page = as_(cast.outsider).get("library.read", **BASE, market=market)
    assert "Within 14 days." in page.text
    assert "market Japan" in page.text
    base = as_(cast.colleague).get("library.read", **BASE, market="US")
    assert "Within 30 days." in base.text
    refused = as_(cast.colleague).get("library.read", **BASE, market="ZZ", expect=400)
    dated = as_(cast.colleague).get("library.read", **BASE, market="ZZ", at=clock.now().isoformat(), expect=400)
    for page in (refused, dated):
        assert page.text.count("ZZ") == 1


def test_the_base_can_be_read_from_there_and_says_that_the_market_follows_another(
    cast: Cast, overlay: DocumentVersion, as_: Any
) -> None:
    page = as_(cast.colleague).get("library.read", **OWN)
    assert "/library/impersonation/versions/1.0" in page.links()
    base = as_(cast.colleague).get("library.read", **BASE, base=1)
    assert "Japan follows a text of its own" in words_of(base, "div", class_="callout")
    assert not base.all("form", action="/library/impersonation/versions/1.0/acknowledge")
    author = as_(cast.author).get("library.read", **BASE)
    assert (author.status, author.heading) == (200, "なりすまし"), "who works with all documents is not led away"


def test_what_changed_is_what_changed_in_the_text_of_her_market(cast: Cast, overlay: DocumentVersion, as_: Any) -> None:
    sent = as_(cast.learner).fetch("acknowledgements.delta", **BASE)
    assert (sent.status_code, sent.location.split("?")[0]) == (302, "/library/impersonation@JP/delta")
    assert "impersonation@JP" not in str(as_(cast.outsider).fetch("acknowledgements.delta", **BASE).location)


def test_the_library_lists_what_applies_to_the_reader(cast: Cast, overlay: DocumentVersion, as_: Any) -> None:
    def listed(person: Person) -> list[str]:
        return [link for link in as_(person).get("library.index").links() if link.startswith("/library/imp")]

    assert listed(cast.learner) == ["/library/impersonation@JP"]
    assert listed(cast.outsider) == ["/library/impersonation"]
    assert listed(cast.author) == ["/library/impersonation", "/library/impersonation@JP"]


def test_the_search_finds_what_applies_to_the_reader(cast: Cast, overlay: DocumentVersion) -> None:
    assert found("Appeals", cast.learner) == ["impersonation@JP#appeals"]
    assert found("Appeals", cast.outsider) == ["impersonation#appeals"]
    assert sorted(found("Appeals", cast.author)) == ["impersonation#appeals", "impersonation@JP#appeals"]
    assert found("LINEも", cast.outsider) == []


def test_a_clause_is_found_as_it_is_for_the_reader_and_its_market_is_named(
    cast: Cast, overlay: DocumentVersion, as_: Any
) -> None:
    def results(person: Person, words: str) -> list[tuple[str, str]]:
        page = as_(person).get("library.search", q=words, text="en")
        each = [" ".join("".join(item.itertext()).split()) for item in page.all("li", class_="result")]
        links = [link.partition("#") for link in page.links() if "/library/imp" in link]
        assert len(each) == len(links)
        return [("#".join(link[::2]), text) for link, text in zip(links, each, strict=True)]

    [(address, text)] = results(cast.colleague, "days appeals")
    assert address == "/library/impersonation@JP#appeals"
    assert "Text for Japan" in text
    assert "14 days" in text
    assert results(cast.colleague, '"30 days"') == [], "what her market replaced"
    [(address, text)] = results(cast.colleague, "fees")
    assert (address, "does not apply in Japan" in text) == ("/library/impersonation@JP#fees", True)
    [(address, text)] = results(cast.outsider, "days appeals")
    assert address == "/library/impersonation#appeals"
    assert "Text for" not in text
    assert "30 days" in text
    for words in ('"14 days"', "notices", "LINE", "impersonation@JP#appeals", "impersonation@JP"):
        assert results(cast.outsider, words) == [], words
    assert {address for address, _text in results(cast.author, "days appeals")} == {
        "/library/impersonation#appeals",
        "/library/impersonation@JP#appeals",
    }


def test_authors_complete_clauses_of_both_and_readers_of_their_own(
    cast: Cast, overlay: DocumentVersion, as_: Any
) -> None:
    def completed(person: Person) -> set[str]:
        rows = as_(person).fetch("library.complete_clause", q="appeals", accept="application/json").get_json()
        return {row["address"] for row in rows}

    both = {"impersonation#appeals", "impersonation@JP#appeals"}
    assert completed(cast.author) == both
    assert completed(cast.learner) == {"impersonation@JP#appeals"}
    assert completed(cast.outsider) == {"impersonation#appeals"}


def test_a_market_text_to_come_is_found_beside_the_base_until_its_day_and_alone_from_then_on(
    cast: Cast, base: DocumentVersion
) -> None:
    day = clock.now() + timedelta(days=9)
    publish(make_overlay(base.document, cast.admin), cast.admin, effective_at=day)
    assert sorted(found("Appeals", cast.learner)) == ["impersonation#appeals", "impersonation@JP#appeals"]
    assert found("Appeals", cast.outsider) == ["impersonation#appeals"]
    with clock.frozen(day + timedelta(minutes=1)):
        assert found("Appeals", cast.learner) == ["impersonation@JP#appeals"]
        assert found("Appeals", cast.outsider) == ["impersonation#appeals"]


def test_what_was_in_force_is_told_for_each_market(cast: Cast, base: DocumentVersion, as_: Any) -> None:
    publish(make_overlay(base.document, cast.admin), cast.admin, effective_at=base.effective_at + timedelta(days=30))
    early, late = base.effective_at + timedelta(days=1), base.effective_at + timedelta(days=31)
    assert [
        [
            row.version.document.slug
            for row in list_in_force(find_in_force(cast.colleague, market, at), market, at, "en")
            if row.version
        ]
        for market, at in (("JP", early), ("JP", late), ("US", late))
    ] == [["impersonation"], ["impersonation@JP"], ["impersonation"]]
    words = folding.parse("LINE")
    assert len(find_in_force(cast.colleague, "JP", late, words)) == 1
    assert find_in_force(cast.colleague, "US", late, words) == []
    for market, text in (("JP", "Within 14 days."), ("US", "Within 30 days.")):
        page = as_(cast.colleague).get("library.read", **BASE, at=late.isoformat(), market=market, lang="en")
        assert text in page.text
    before = as_(cast.colleague).get("library.read", **BASE, at=early.isoformat(), market="JP")
    assert "Within 30 days." in before.text


def test_the_same_instant_gives_the_same_bytes_after_the_base_has_moved_on(
    cast: Cast, overlay: DocumentVersion, as_: Any
) -> None:
    """What applied then is what the overlay said over the base of that time."""
    at = clock.now() - timedelta(minutes=1)

    def shown() -> str:
        page = as_(cast.colleague).get("library.read", **BASE, at=at.isoformat(), market="JP")
        return page.body[page.body.index('class="clause ') : page.body.index('class="facts')]

    before = shown()
    texts = [english(BASE_EN.replace("Opening", "Another opening")), japanese()]
    make_version(queries.get_document("impersonation"), cast.admin, "2.0", texts=texts, effective_at=clock.now())
    assert "Another" not in before
    assert shown() == before


def test_a_text_that_waits_names_the_instant_from_which_the_base_says_otherwise(
    cast: Cast, overlay: DocumentVersion, as_: Any
) -> None:
    texts = [english(BASE_EN.replace("30 days", "60 days")), japanese(BASE_JA)]
    from_then = clock.now() + timedelta(days=20)
    make_version(queries.get_document("impersonation"), cast.admin, "2.0", texts=texts, effective_at=from_then)
    with force_locale("en"):
        when = format_instant(from_then, "Asia/Tokyo")
    page = as_(cast.colleague).get("library.read", **OWN)
    assert f"Version 2.0 of the base text takes effect on {when}." in page.text
    assert "by now" not in page.text


def test_a_withdrawn_text_says_what_applies_there_and_nothing_else(
    cast: Cast, overlay: DocumentVersion, as_: Any
) -> None:
    texts = [english(BASE_EN.replace("30 days", "60 days")), japanese(BASE_JA)]
    make_version(queries.get_document("impersonation"), cast.admin, "2.0", texts=texts)
    withdraw(overlay, cast.admin)
    page = as_(cast.colleague).get("library.read", **OWN)
    said = words_of(page, "div", class_="callout")
    assert "In Japan the base text applies, version 2.0." in said
    for wrong in ("Nothing is in force", "by now", "stays in force", "Text for Japan"):
        assert wrong not in said
    assert "/library/impersonation" in page.links()


def test_the_page_of_a_withdrawal_says_that_the_base_applies_then(
    cast: Cast, overlay: DocumentVersion, as_: Any
) -> None:
    owner = make_person("owner@portal.example", language="en")
    make_grant(owner, Role.POLICY_OWNER)
    page = as_(owner, language="en").get("library.withdraw", **OWN, number="1.0")
    assert "the base text applies in Japan, version 1.0" in page.text
    assert "nothing is in force" not in page.text


def test_whoever_answers_for_the_text_of_a_market_is_told_of_its_withdrawal(
    cast: Cast, overlay: DocumentVersion, app: Flask
) -> None:
    with own_transaction():
        set_owner(kind="document", code="impersonation@JP", owner=cast.author, by=cast.admin)
    withdraw(overlay, cast.admin)
    (told,) = mails(app, cast.author)
    said = told.get_body(("plain",)).get_content()
    assert "Wrong" in said
    assert "日本では基本文書（第1.0版）が適用されます" in said


def test_a_text_that_waits_says_so(cast: Cast, overlay: DocumentVersion, as_: Any) -> None:
    texts = [english(BASE_EN.replace("30 days", "60 days")), japanese(BASE_JA)]
    make_version(queries.get_document("impersonation"), cast.admin, "2.0", texts=texts)
    page = as_(cast.colleague).get("library.read", **OWN)
    assert "The base text is at version 2.0 by now." in page.text
    assert "Within 14 days." in page.text


# --- who is asked --------------------------------------------------------------------------------


def test_a_change_of_the_base_asks_only_those_who_follow_it(cast: Cast, overlay: DocumentVersion) -> None:
    everybody = {cast.learner.id, cast.colleague.id, cast.lead.id, cast.author.id, cast.approver.id}
    base, own = queries.get_document("impersonation"), queries.get_document("impersonation@JP")
    assert cast.outsider.id in campaigns.list_audience_ids(base)
    assert not everybody & set(campaigns.list_audience_ids(base))
    assert everybody <= set(campaigns.list_audience_ids(own))
    assert cast.outsider.id not in campaigns.list_audience_ids(own)
    change = dependants.change_of_version(base.versions[0])
    total, _confirmed = acknowledgements.count_addressed(
        change.document_id, change.audience, besides=change.markets_apart, before=change.sequence
    )
    assert total == len(campaigns.list_audience_ids(base))


def test_where_the_market_text_follows_its_people_are_asked_for_that(cast: Cast, overlay: DocumentVersion) -> None:
    texts = [english(BASE_EN.replace("Opening", "New")), japanese(BASE_JA)]
    make_version(
        queries.get_document("impersonation"), cast.admin, "2.0", texts=texts, change_class=ChangeClass.MATERIAL,
        effective_at=clock.now() + timedelta(days=5),
    )  # fmt: skip
    jobs.run_due()
    session.rollback()
    own = queries.get_document("impersonation@JP").versions[-1]
    asked = {each.version.document.slug for each in session.query(asking.Campaign).all()}
    assert own.number == "2.0"
    assert {"impersonation", "impersonation@JP"} <= asked


def test_confirming_the_text_of_the_market_is_confirming_it_there(cast: Cast, overlay: DocumentVersion) -> None:
    with own_transaction():
        readings.note_opened(person=cast.learner, version=overlay, known=None)
    with own_transaction():
        kept = confirming.acknowledge(version=overlay, language="ja", by=cast.learner)
        assert (kept.version_id, kept.market) == (overlay.id, "JP")
    base = queries.get_document("impersonation").versions[0]
    readings.note_opened(person=cast.learner, version=base, known=None)
    with own_transaction(), pytest.raises(confirming.NotAddressed):
        confirming.acknowledge(version=base, language="ja", by=cast.learner)


def test_who_confirmed_the_base_reads_what_her_market_does_otherwise(cast: Cast, base: DocumentVersion) -> None:
    """The first text of her market is a delta for her, not a document to be read from the beginning."""
    confirm(cast.learner, base)
    document = make_overlay(base.document, cast.admin)
    over = queries.get_document("impersonation").versions[-1]
    with own_transaction():
        version = versions.publish_version(
            document=document, number="1.0", change_class=ChangeClass.MATERIAL, effective_at=None, zone="Asia/Tokyo",
            texts=overlays.resolved(document, over, [english(OVER_EN), japanese(OVER_JA)]), over=over,
            author=cast.author, approver=cast.approver,
        )  # fmt: skip
        version_id = version.id
    jobs.run_due()
    session.rollback()
    delta = deltas.find_delta(cast.learner, queries.get_document("impersonation@JP"))
    assert delta is not None
    assert delta.request is not None
    assert (delta.old, delta.changes.added, set(delta.changes.changed)) == (
        queries.get_document("impersonation").versions[0],
        ("notices",),
        {"scope", "appeals", "fees"},
    )
    assert [each.anchor for each in deltas.redline_of(delta, "ja")] == ["scope", "notices", "appeals", "fees"]
    assert [each.id for each in delta.covered] == [version_id]


def test_after_its_withdrawal_the_base_is_followed_again(cast: Cast, overlay: DocumentVersion, as_: Any) -> None:
    with own_transaction():
        versions.withdraw_version(version=overlay, reason="Wrong", by=cast.admin)
    page = as_(cast.colleague).get("library.read", **BASE)
    assert (page.status, page.heading) == (200, "Impersonation")
    assert found("Appeals", cast.learner) == ["impersonation#appeals"]
    assert cast.learner.id in campaigns.list_audience_ids(queries.get_document("impersonation"))


def withdraw(version: DocumentVersion, by: Person) -> None:
    with own_transaction():
        held = queries.find_version_by_id(version.id)
        assert held is not None
        versions.withdraw_version(version=held, reason="Wrong", by=by)
    jobs.run_due()
    session.rollback()
    session.expire_all()


def open_request(person: Person, slug: str = "impersonation") -> Any:
    return campaigns.find_open_request(person, queries.get_document(slug))


def test_after_its_withdrawal_its_readers_are_asked_about_the_base_from_what_they_confirmed_last(
    cast: Cast, overlay: DocumentVersion, as_: Any
) -> None:
    """The base asked nobody, and asks nobody abroad now: only those for whom another text applies at once."""
    confirm(cast.learner, overlay)
    withdraw(overlay, cast.admin)
    base = queries.get_document("impersonation").versions[0]
    asked = open_request(cast.learner)
    assert (asked.campaign.version_id, asked.from_version_id) == (base.id, overlay.id)
    delta = deltas.find_delta(cast.learner, queries.get_document("impersonation"))
    assert delta is not None
    assert (delta.old, delta.new) == (queries.get_document("impersonation@JP").versions[0], base)
    assert (set(delta.changes.changed), delta.changes.removed) == ({"scope", "appeals", "fees"}, ("notices",))
    assert [each.id for each in delta.covered] == [base.id]
    page = as_(cast.learner, language="en").get("acknowledgements.delta", slug="impersonation")
    assert "From “Impersonation (Japan)”, version 1.0, confirmed last, to version 1.0" in page.text
    assert "/library/impersonation@JP/versions/1.0" in page.links()
    assert open_request(cast.outsider) is None
    with own_transaction():
        list(asking.keep_up())
    assert open_request(cast.outsider) is None
    assert cast.outsider.id not in campaigns.list_not_asked_ids(asked.campaign)
    assert [broken for check in INVARIANTS.values() for broken in check()] == []


def test_who_had_confirmed_the_base_is_not_asked_again_when_her_market_comes_back_to_it(
    cast: Cast, base: DocumentVersion
) -> None:
    confirm(cast.learner, base)
    own = publish(make_overlay(base.document, cast.admin), cast.admin)
    withdraw(own, cast.admin)
    assert open_request(cast.learner) is None
    assert open_request(cast.colleague) is not None


def test_where_the_base_is_asked_already_those_who_come_back_to_it_are_asked_with_the_others(
    cast: Cast, overlay: DocumentVersion
) -> None:
    texts = [english(BASE_EN.replace("30 days", "60 days")), japanese(BASE_JA)]
    second = make_version(queries.get_document("impersonation"), cast.admin, "2.0", texts=texts)
    jobs.run_due()
    session.rollback()
    assert open_request(cast.learner) is None
    withdraw(overlay, cast.admin)
    assert open_request(cast.learner).campaign.version_id == second.id
    assert open_request(cast.outsider).campaign.version_id == second.id
    assert session.query(asking.Campaign).count() == 1


def test_a_campaign_that_asks_nobody_says_so(cast: Cast, overlay: DocumentVersion, as_: Any) -> None:
    """Everybody within reach follows the market's own text."""
    texts = [english(BASE_EN.replace("30 days", "60 days")), japanese(BASE_JA)]
    make_version(queries.get_document("impersonation"), cast.admin, "2.0", texts=texts)
    jobs.run_due()
    page = as_(cast.lead, language="en").get("acknowledgements.list_campaigns")
    rows = words_of(page, "tr")
    assert "Nobody asked" in rows
    assert "0 / 0" not in rows


def test_a_version_called_off_before_its_day_changes_nothing_about_whom_the_base_applies_to(
    cast: Cast, overlay: DocumentVersion
) -> None:
    """The market's earlier version stays in force: nobody there is asked about the base."""
    later = publish(
        queries.get_document("impersonation@JP"), cast.admin, "2.0", effective_at=clock.now() + timedelta(days=9)
    )
    withdraw(later, cast.admin)
    base = queries.get_document("impersonation")
    assert base.markets_apart == ["JP"]
    assert cast.learner.id not in campaigns.list_audience_ids(base)
    assert open_request(cast.learner) is None


def test_a_document_without_overlays_is_read_with_as_many_statements_as_before(
    cast: Cast, base: DocumentVersion, as_: Any
) -> None:
    browser = as_(cast.colleague)
    browser.get("library.read", **BASE)
    with counted_queries() as one:
        browser.get("library.read", **BASE)
    make_market("FR")
    for number in range(3):
        make_overlay(make_published(cast.admin, f"other-{number}").document, cast.admin, "FR")
    with counted_queries() as many:
        browser.get("library.read", **BASE)
    assert len(many) == len(one)


def test_the_search_and_the_rules_agree_when_a_market_has_its_own_text(cast: Cast, base: DocumentVersion) -> None:
    """Each way of asking says the same at every moment of a life with a gap, a return and a withdrawal."""
    document = make_overlay(base.document, cast.admin)
    begin = base.effective_at
    publish(document, cast.admin, effective_at=begin + timedelta(days=10))
    publish(queries.get_document("impersonation@JP"), cast.admin, "2.0", effective_at=begin + timedelta(days=20))
    publish(queries.get_document("impersonation@JP"), cast.admin, "3.0", effective_at=begin + timedelta(days=30))
    last = queries.get_document("impersonation@JP").versions[-1]
    with own_transaction():
        versions.withdraw_version(version=last, reason="Wrong", by=cast.admin, at=begin + timedelta(days=40))
    said = []
    for days in (1, 9, 10, 15, 20, 29, 30, 39, 41, 50):
        at = begin + timedelta(days=days, seconds=1)
        own = queries.version_in_force(queries.get_document("impersonation@JP"), None, at) is not None
        condition = is_replaced("JP", Document.id, at)
        by_statement = session.scalars(select(Document.slug).where(condition)).all()
        assert by_statement == (["impersonation"] if own else [])
        said.append(own)
    assert said == [False, False, True, True, True, True, True, True, False, False]

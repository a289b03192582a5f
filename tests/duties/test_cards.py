"""A card keeps what its owner knows in versions; what two wrote at once is not lost, and no secret is kept."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask

from portal.accounts import queries as accounts
from portal.accounts.models import Person, Role
from portal.accounts.service.ownership import kinds, set_owner
from portal.core import clock
from portal.core.db import session
from portal.core.i18n import Words
from portal.core.transaction import own_transaction
from portal.duties import errors
from portal.duties.models import Card, RecurringTask
from portal.duties.queries import OWNED_KIND, find_cards
from portal.duties.queries.cards import CARD_KIND, find_card, list_to_check
from portal.duties.rules.cards import Question, QuestionText
from portal.duties.service import cards, tasks
from portal.duties.service.cards import links_in_words, question_in_words
from portal.duties.views.cards_today import cards_to_check
from portal.library.models import AudienceKind, Document
from portal.library.queries import get_document
from portal.library.service import documents
from tests.beginnings import beginning
from tests.builders import Cast, make_grant, make_person
from tests.duties.builders import BEGINS, at, make_task
from tests.library.builders import make_document, make_overlay, make_version, publish_overlay
from tests.page_client import Page, PageClient
from tests.queries import counted_queries
from tests.training.builders import load_holidays

TODAY = date(2026, 4, 16)
STEPS = {"steps": {"ja": "1. 開く\n2. 確認する"}}
ASKED = Question("誰が決めますか。", "リード", ("本人",))


@pytest.fixture(autouse=True)
def _today(app: Any) -> Iterator[None]:
    with clock.frozen(at(TODAY)):
        yield


@pytest.fixture
@beginning
def calibration(cast: Cast) -> RecurringTask:
    """A task of the learner's team: the colleague answers for it, the author stands in."""
    with clock.frozen(at(BEGINS - timedelta(days=1))):
        load_holidays()
        make_grant(cast.lead, Role.LEAD)
        make_grant(cast.colleague, Role.MENTOR)
        return make_task(cast.lead, owner=cast.colleague, deputy=cast.author)


def write(task: RecurringTask, by: Person, parts: Any = None, *, seen: int = 0, questions: Any = ()) -> Card:
    with own_transaction():
        subject = cards.get_subject(OWNED_KIND, task.code)
        cards.write_card(subject=subject, parts=parts or STEPS, questions=questions, seen=seen, by=by)
    return card_of(task)


def card_of(task: RecurringTask) -> Card:
    session.expire_all()
    found = find_card(OWNED_KIND, task.code)
    assert found is not None
    return found


def form(seen: int = 0, **typed: str) -> dict[str, str]:
    return {"seen": str(seen), "purpose_ja": "判断をそろえる", "steps_ja": "1. 開く\n2. 確認する"} | typed


# --- Versions ----------------------------------------------------------------------------------


def test_a_card_is_written_in_versions_that_are_checked_with_that(cast: Cast, calibration: RecurringTask) -> None:
    write(calibration, cast.colleague)
    card = write(calibration, cast.author, {"steps": {"en": "Open it"}}, seen=1, questions=[ASKED])
    assert [each.number for each in card.versions] == [1, 2]
    assert card.versions[0].parts == STEPS
    assert cards.questions_of(card.latest) == [ASKED]
    assert (card.last_check.checked_by.code, card.last_check.checked_on) == (cast.author.code, TODAY)
    assert find_cards([(OWNED_KIND, calibration.code)])[OWNED_KIND, calibration.code].latest.number == 2


def test_what_says_the_same_again_is_no_version(cast: Cast, calibration: RecurringTask) -> None:
    write(calibration, cast.colleague)
    with pytest.raises(errors.NothingChanged):
        write(calibration, cast.colleague, {"steps": {"ja": "1. 開く\r\n2. 確認する\n", "en": " "}}, seen=1)


def test_who_has_not_read_the_latest_version_does_not_overwrite_it(cast: Cast, calibration: RecurringTask) -> None:
    write(calibration, cast.colleague)
    with pytest.raises(errors.CardChanged):
        write(calibration, cast.author, {"steps": {"en": "Open it"}}, seen=0)
    assert card_of(calibration).latest.number == 1


@pytest.mark.parametrize(
    ("parts", "questions", "field"),
    [
        ({}, [], None),
        ({"steps": {"ja": " \n"}}, [], None),
        ({"steps": {"en": "a" * 6_001}}, [], "steps_en"),
        ({"access": {"ja": "パスワード：hibiki2026"}}, [], "access_ja"),
        (STEPS, [Question("", "a", ("b",))], "q1_stem_en"),
        (STEPS, [ASKED, Question("PIN 4821 ?", "a", ("b",))], "q2_stem_en"),
        (STEPS, [ASKED] * 11, None),
    ],
)
def test_what_is_not_kept_names_its_field_and_leaves_no_card(
    cast: Cast, calibration: RecurringTask, parts: Any, questions: Any, field: str | None
) -> None:
    subject = cards.get_subject(OWNED_KIND, calibration.code)
    with pytest.raises(errors.CardRefused) as refused, own_transaction():
        cards.write_card(subject=subject, parts=parts, questions=questions, seen=0, by=cast.colleague)
    assert [name for name, _words in refused.value.faults] == [field]
    assert find_card(OWNED_KIND, calibration.code) is None


def test_the_card_of_what_is_not_in_use_any_more_is_read_and_not_written(
    cast: Cast, calibration: RecurringTask
) -> None:
    write(calibration, cast.colleague)
    with own_transaction():
        tasks.end(task=calibration, reason="Not needed.", by=cast.lead)
    with pytest.raises(errors.ThingGone):
        write(calibration, cast.colleague, {"steps": {"en": "Open it"}}, seen=1)
    assert (
        "確認する"
        in PageClient(cast_app(), cast.lead, "ja").get("duties.card", kind=OWNED_KIND, thing=calibration.code).text
    )


def cast_app() -> Flask:
    from flask import current_app

    return current_app._get_current_object()  # type: ignore[attr-defined,no-any-return]


# --- Checks ------------------------------------------------------------------------------------


def test_a_card_is_checked_again_after_180_days_by_whoever_answers_for_it(
    cast: Cast, calibration: RecurringTask
) -> None:
    write(calibration, cast.colleague)
    subject = cards.get_subject(OWNED_KIND, calibration.code)
    with own_transaction(), pytest.raises(errors.CheckedAlready):
        cards.check_card(subject=subject, seen=1, by=cast.colleague)
    with clock.frozen(at(TODAY + timedelta(days=180))):
        assert cards_to_check(cast.colleague) == ()
    with clock.frozen(at(TODAY + timedelta(days=181))), cast_app().test_request_context():
        (concern,) = cards_to_check(cast.colleague)
        assert len(concern.rows) == 1
        # Who stands in is not asked.
        assert cards_to_check(cast.author) == ()
        with own_transaction():
            cards.check_card(subject=subject, seen=1, by=cast.colleague)
        assert cards_to_check(cast.colleague) == ()


def test_a_check_is_of_what_was_read(cast: Cast, calibration: RecurringTask) -> None:
    write(calibration, cast.colleague)
    write(calibration, cast.colleague, {"steps": {"en": "Open it"}}, seen=1)
    subject = cards.get_subject(OWNED_KIND, calibration.code)
    with clock.frozen(at(TODAY + timedelta(days=1))), own_transaction(), pytest.raises(errors.CardChanged):
        cards.check_card(subject=subject, seen=1, by=cast.colleague)


def test_whoever_has_no_card_to_check_costs_one_statement(cast: Cast, calibration: RecurringTask) -> None:
    write(calibration, cast.colleague)
    # Who she is has been read by then.
    assert cards_to_check(cast.colleague) == ()
    with counted_queries() as statements:
        assert cards_to_check(cast.colleague) == ()
    assert len(statements) == 1


# --- Free cards --------------------------------------------------------------------------------


def test_a_free_card_is_owned_by_who_wrote_it_until_it_ends(cast: Cast, calibration: RecurringTask) -> None:
    with own_transaction():
        card = cards.create_card(
            title=Words("Who calls the press", "報道対応の連絡先"), parts=STEPS, questions=[], by=cast.lead
        )
    owned = accounts.find_owner(CARD_KIND, card.code)
    assert owned is not None
    assert owned.owner_id == cast.lead.id
    assert card.code in kinds()[CARD_KIND].list_live_codes()
    with own_transaction():
        cards.end_card(subject=cards.get_free(card.code), by=cast.lead)
    assert card.code not in kinds()[CARD_KIND].list_live_codes()
    with own_transaction(), pytest.raises(errors.CardEnded):
        cards.end_card(subject=cards.get_free(card.code), by=cast.lead)
    assert list_to_check([cast.lead.id], TODAY + timedelta(days=999)) == []


def test_a_free_card_has_a_title_in_both_languages(cast: Cast) -> None:
    with pytest.raises(errors.CardRefused) as refused, own_transaction():
        cards.create_card(title=Words("Press", " "), parts=STEPS, questions=[], by=cast.lead)
    assert [name for name, _words in refused.value.faults] == ["title_ja"]


# --- Pages -------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_card_is_written_read_and_checked_on_its_pages(
    app: Flask, cast: Cast, calibration: RecurringTask, language: str
) -> None:
    browser = PageClient(app, cast.colleague, language)
    thing = {"kind": OWNED_KIND, "thing": calibration.code}
    assert {"en": "There is no card yet", "ja": "カードはまだありません"}[language] in browser.get(
        "duties.card", **thing
    ).text
    asked = browser.get("duties.write_card", **thing)
    if language == "ja":
        for heading in ("目的", "頻度", "手順", "関係者", "注意点", "未完了事項"):
            assert heading in asked.text
    page = browser.follow(browser.post("duties.write_card", form(), **thing))
    assert "判断をそろえる" in page.text
    assert {"en": "Nothing is written yet under", "ja": "未記入の項目"}[language] in page.text
    with clock.frozen(at(TODAY + timedelta(days=200))):
        browser.renew(cast.colleague)
        stale = browser.get("duties.card", **thing)
        assert {"en": "more than 180 days", "ja": "180日以上"}[language] in stale.text
        browser.follow(browser.post("duties.check_card", {"seen": "1"}, **thing))
        assert card_of(calibration).last_check.checked_on == TODAY + timedelta(days=200)


def test_who_saved_meanwhile_is_shown_with_what_differs_and_nothing_is_lost(
    app: Flask, cast: Cast, calibration: RecurringTask
) -> None:
    thing = {"kind": OWNED_KIND, "thing": calibration.code}
    write(calibration, cast.colleague, {"steps": {"ja": "古い"}, "purpose": {"ja": "目的"}})
    write(calibration, cast.author, {"steps": {"ja": "副担当の手順"}, "purpose": {"ja": "新しい目的"}}, seen=1)
    browser = PageClient(app, cast.colleague, "ja")
    typed = {"seen": "1", "steps_ja": "責任者の手順", "purpose_ja": "目的"}
    page = browser.post("duties.write_card", typed, expect=409, **thing)
    assert isinstance(page, Page)
    # Both wrote the steps: both are there. Only the other one changed the purpose: hers stands in the form.
    assert "副担当の手順" in page.text
    held = {each.get("name"): each.text or "" for each in page.all("textarea")}
    assert (held["steps_ja"].strip(), held["purpose_ja"].strip()) == ("責任者の手順", "新しい目的")
    assert page.one("input", name="seen").get("value") == "2"
    browser.follow(browser.post("duties.write_card", {"seen": "2", **{k: v for k, v in held.items() if k}}, **thing))
    assert card_of(calibration).latest.parts == {"steps": {"ja": "責任者の手順"}, "purpose": {"ja": "新しい目的"}}


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_secret_is_refused_with_its_place_and_what_was_typed_is_kept(
    app: Flask, cast: Cast, calibration: RecurringTask, language: str
) -> None:
    thing = {"kind": OWNED_KIND, "thing": calibration.code}
    browser = PageClient(app, cast.colleague, language)
    typed = form(access_ja="管理画面\nパスワード：hibiki2026")
    page = browser.post("duties.write_card", typed, expect=400, **thing)
    assert isinstance(page, Page)
    assert {"en": "Line 2 looks like a password", "ja": "2行目"}[language] in page.text
    held = {each.get("name"): each.text or "" for each in page.all("textarea")}
    assert held["access_ja"].strip() == "管理画面\nパスワード：hibiki2026"
    # Only the field itself holds it.
    assert page.text.count("hibiki2026") == 1
    assert find_card(OWNED_KIND, calibration.code) is None


def test_a_card_of_a_megabyte_is_refused_in_words_and_kept_in_the_form(
    app: Flask, cast: Cast, calibration: RecurringTask
) -> None:
    thing = {"kind": OWNED_KIND, "thing": calibration.code}
    browser = PageClient(app, cast.colleague, "en")
    page = browser.post("duties.write_card", form(steps_en="step " * 210_000), expect=400, **thing)
    assert isinstance(page, Page)
    assert "The text has 1049999 characters; at most 6000 are kept." in page.text
    held = {each.get("name"): each.text or "" for each in page.all("textarea")}
    assert len(held["steps_en"]) > 1_000_000


def test_the_journal_leads_to_a_card_whoever_may_read_it(cast: Cast, as_: Any, calibration: RecurringTask) -> None:
    auditor = make_person()
    make_grant(auditor, Role.AUDITOR)
    write(calibration, cast.colleague)
    there = f"/cards/of/{OWNED_KIND}/{calibration.code}"
    assert there not in as_(cast.admin).get("journal.list_entries", lang="en").links()
    assert there in as_(auditor).get("journal.list_entries", lang="en").links()


def test_who_has_nothing_to_do_with_a_thing_does_not_learn_that_it_has_a_card(
    app: Flask, cast: Cast, calibration: RecurringTask
) -> None:
    thing = {"kind": OWNED_KIND, "thing": calibration.code}
    write(calibration, cast.colleague)
    for person, expect in ((cast.learner, 404), (cast.outsider, 404), (cast.author, 200), (cast.lead, 200)):
        PageClient(app, person, "en").get("duties.card", expect=expect, **thing)
    auditor = make_person()
    make_grant(auditor, Role.AUDITOR)
    PageClient(app, auditor, "en").get("duties.card", **thing)
    PageClient(app, auditor, "en").get("duties.write_card", expect=403, **thing)


def test_the_list_names_what_is_missing_first(app: Flask, cast: Cast, calibration: RecurringTask) -> None:
    other = make_task(cast.lead, owner=cast.colleague, title=Words("Second", "二つ目"))
    write(calibration, cast.colleague)
    page = PageClient(app, cast.colleague, "en").get("duties.list_cards")
    assert page.text.index("Second") < page.text.index("Weekly calibration")
    assert "Second" not in PageClient(app, cast.colleague, "en").get("duties.list_cards", show="unfinished").text
    with own_transaction():
        set_owner(kind=OWNED_KIND, code=other.code, owner=cast.outsider, by=None)
    assert "Second" not in PageClient(app, cast.colleague, "en").get("duties.list_cards").text


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_free_card_is_written_and_ended_on_its_pages(app: Flask, cast: Cast, language: str) -> None:
    make_grant(cast.lead, Role.LEAD)
    browser = PageClient(app, cast.lead, language)
    browser.get("duties.new_card")
    titles = {"title_en": "Press", "title_ja": "報道対応"}
    page = browser.follow(browser.post("duties.new_card", form() | titles))
    assert {"en": "Card: Press", "ja": "カード：報道対応"}[language] == page.heading
    (end,) = [each for each in page.links() if "/cards/end/" in each]
    code = end.split("/")[-1].split("?")[0]
    browser.get("duties.end_card", thing=code)
    ended = browser.follow(browser.post("duties.end_card", {}, thing=code))
    assert {"en": "This card has ended.", "ja": "このカードは終了しています。"}[language] in ended.text


@pytest.mark.parametrize("language", ["en", "ja"])
def test_how_much_a_thing_matters_is_judged_on_its_page(
    app: Flask, cast: Cast, calibration: RecurringTask, language: str
) -> None:
    thing = {"kind": OWNED_KIND, "thing": calibration.code}
    browser = PageClient(app, cast.lead, language)
    assert browser.get("duties.judge_criticality", **thing).heading
    refused = browser.post("duties.judge_criticality", {"criticality": "critical", "reason": ""}, expect=400, **thing)
    assert isinstance(refused, Page)
    page = browser.follow(
        browser.post("duties.judge_criticality", {"criticality": "critical", "reason": "毎週必要です。"}, **thing)
    )
    assert {"en": "Critical", "ja": "最重要"}[language] in page.text
    assert "毎週必要です。" in page.text


# --- What a card links to ----------------------------------------------------------------------


@pytest.fixture
def market_text(cast: Cast, calibration: RecurringTask) -> Document:
    """What Japan does otherwise about impersonation, which the card names in its steps."""
    base = make_document(cast.author)
    make_version(base, cast.author)
    overlay = make_overlay(base, cast.author)
    publish_overlay(overlay, cast.author)
    said = dict.fromkeys(("en", "ja"), "[[impersonation@JP#appeals]], [[impersonation#scope]], [[nowhere@JP#x]]")
    write(calibration, cast.colleague, {"steps": said})
    return overlay


@pytest.mark.parametrize(("language", "heading"), [("en", "Appeals in Japan"), ("ja", "日本での申し立て")])
def test_a_clause_of_a_market_is_a_link_in_its_own_words_on_a_card(
    app: Flask, cast: Cast, calibration: RecurringTask, market_text: Document, language: str, heading: str
) -> None:
    page = PageClient(app, cast.colleague, language).get("duties.card", kind=OWNED_KIND, thing=calibration.code)
    assert "/library/impersonation@JP#appeals" in page.links()
    assert "/library/impersonation#scope" in page.links()
    assert heading in page.text
    # What is nowhere is plain words.
    assert "nowhere@JP#x" in page.text
    assert "[[" not in page.text
    assert "clause-link-broken" not in page.body


def test_who_may_not_open_a_clause_reads_its_address_as_plain_words(
    app: Flask, cast: Cast, calibration: RecurringTask, market_text: Document
) -> None:
    with own_transaction():
        for each in (market_text, get_document("impersonation")):
            documents.set_audience(document=each, audience={AudienceKind.ROLE: ["auditor"]}, by=cast.author)
    page = PageClient(app, cast.colleague, "en").get("duties.card", kind=OWNED_KIND, thing=calibration.code)
    assert "Appeals in Japan" not in page.text
    assert "impersonation@JP#appeals, impersonation#scope, nowhere@JP#x" in page.text
    assert not [each for each in page.links() if "impersonation" in each]
    assert links_in_words("[[impersonation@JP#appeals]]", "en", cast.author) == (
        "“Appeals in Japan” in “Impersonation (Japan)” (impersonation@JP#appeals)"
    )
    asked = QuestionText("[[impersonation@JP#appeals]]?", "yes", ("[[nowhere#x]]",))
    said = question_in_words(asked, "en", cast.author)
    assert said.stem.startswith("“Appeals in Japan” in “Impersonation (Japan)”")
    assert said.wrong == ("nowhere#x",)
    assert links_in_words("[[impersonation@JP#appeals]]", "ja", cast.colleague) == "impersonation@JP#appeals"

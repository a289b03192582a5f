"""A market's text when its base is withdrawn, comes back, or moves by several versions at once."""

from __future__ import annotations

from typing import Any

import pytest

from portal.accounts.models import Role, Scope
from portal.core.db import session
from portal.core.transaction import own_transaction
from portal.journal.models import JournalEntry
from portal.library import queries
from portal.library.models import ChangeClass, DocumentVersion, Draft, Origin
from portal.library.queries import drafts
from portal.library.service import following, lint, versions
from portal.library.service.drafts import begin_draft
from portal.library.service.following import Decision
from portal.library.service.market_texts import stands_of
from tests.beginnings import beginning
from tests.builders import Cast, make_grant, make_person
from tests.library.builders import (
    BASE_EN,
    BASE_JA,
    english,
    japanese,
    make_overlay,
    make_published,
    make_version,
    publish_overlay,
)
from tests.library.test_market_pages import begin, publish_from, sent, written

SCOPE = BASE_EN.replace("Everywhere.", "Everywhere and always.")
OTHER = BASE_EN.replace("Opening.", "Another opening.")


@pytest.fixture
@beginning
def base(cast: Cast) -> DocumentVersion:
    return make_published(cast.admin, texts=[english(BASE_EN), japanese(BASE_JA)])


@pytest.fixture
@beginning
def overlay(base: DocumentVersion, cast: Cast) -> DocumentVersion:
    return publish_overlay(make_overlay(base.document, cast.admin), cast.admin)


def publish_base(cast: Cast, en: str, number: str, **values: Any) -> DocumentVersion:
    texts = [english(en), japanese(BASE_JA)]
    return make_version(queries.get_document("impersonation"), cast.admin, number, texts=texts, **values)


def withdraw(version: DocumentVersion, cast: Cast) -> None:
    with own_transaction():
        held = queries.get_version(queries.get_document(version.document.slug), version.number)
        versions.withdraw_version(version=held, reason="A mistake", by=cast.admin)


def latest() -> DocumentVersion:
    found = queries.latest_version(queries.get_document("impersonation@JP"))
    assert found is not None
    return found


def source(version: DocumentVersion) -> str:
    text = version.text_in("en")
    assert text is not None
    return text.source


def followed_in_japan() -> DocumentVersion | None:
    return queries.version_in_force(queries.get_document("impersonation"), "JP")


# --- withdrawn and published anew ---------------------------------------------------------------


def test_a_base_that_goes_back_to_its_earlier_text_takes_the_market_back_to_its_own(
    overlay: DocumentVersion, cast: Cast
) -> None:
    spoiled = publish_base(cast, OTHER, "2.0")
    assert latest().over_id == spoiled.id
    withdraw(spoiled, cast)
    assert latest().withdrawn_at is not None
    again = publish_base(cast, BASE_EN, "3.0")
    now = latest()
    assert (now.over_id, now.origin) == (again.id, Origin.FOLLOWED)
    assert source(now) == source(overlay)
    assert now.change_class is ChangeClass.EDITORIAL
    assert followed_in_japan() is now


def test_where_all_versions_went_with_their_bases_the_newest_is_followed_with(
    overlay: DocumentVersion, base: DocumentVersion, cast: Cast
) -> None:
    withdraw(base, cast)
    assert followed_in_japan() is None
    again = publish_base(cast, OTHER, "2.0")
    assert latest().over_id == again.id
    assert "Within 14 days." in source(latest())
    assert followed_in_japan() is latest()


def test_where_the_new_text_clashes_the_market_waits_with_a_decision_for_its_owner(
    overlay: DocumentVersion, cast: Cast
) -> None:
    spoiled = publish_base(cast, OTHER, "2.0")
    withdraw(spoiled, cast)
    clashing = publish_base(cast, SCOPE, "3.0")
    assert latest().over_id == spoiled.id
    (stand,) = stands_of([queries.get_document("impersonation@JP")])
    assert stand.waits
    assert set(stand.clashing) == {"scope"}
    assert stand.latest is not None
    assert stand.latest.number == overlay.number
    entries = session.query(JournalEntry).filter_by(action="library.overlay_clashes").all()
    assert len(entries) == 1
    assert followed_in_japan() is clashing


def test_a_market_whose_text_was_withdrawn_for_itself_follows_its_base(overlay: DocumentVersion, cast: Cast) -> None:
    withdraw(overlay, cast)
    again = publish_base(cast, OTHER, "2.0")
    assert latest() is overlay
    assert followed_in_japan() is again
    (stand,) = stands_of([queries.get_document("impersonation@JP")])
    assert not stand.waits


@pytest.mark.parametrize("language", ["en", "ja"])
def test_whoever_answers_for_the_market_is_told_that_its_text_went_with_its_base(
    base: DocumentVersion, cast: Cast, app: Any, language: str
) -> None:
    owner = make_person("owner@portal.example", language=language)
    make_grant(owner, Role.AUTHOR, Scope.MARKET, "JP")
    publish_from(written(begin(base, owner), by=owner), cast)
    withdraw(base, cast)
    (told,) = sent(app, "owner@portal.example", about=("Withdrawn", "廃止"))
    for words in (
        ("Withdrawn with its base text", "Version 1.0 of the base text", "A mistake", "nothing is in force")
        if language == "en"
        else ("基本文書とともに廃止", "基本文書の第1.0版", "A mistake", "適用される文書はありません")
    ):
        assert words in told


@pytest.mark.parametrize("language", ["en", "ja"])
def test_whoever_withdraws_a_base_reads_which_markets_go_with_it(
    overlay: DocumentVersion, base: DocumentVersion, cast: Cast, as_: Any, language: str
) -> None:
    page = as_(cast.approver, language=language).get("library.withdraw", slug="impersonation", number="1.0")
    words = {
        "en": "Version 1.0 of the text of Japan lies over it and is withdrawn with it.",
        "ja": "この版に重ねた日本の市場別文書の第1.0版も、同時に廃止されます。",
    }
    assert words[language] in page.text
    other = as_(cast.approver, language=language).get("library.withdraw", slug="impersonation@JP", number="1.0")
    assert words[language] not in other.text


# --- several versions at once -------------------------------------------------------------------


def test_a_market_that_waited_meets_what_it_missed_in_the_class_that_it_had(
    overlay: DocumentVersion, cast: Cast
) -> None:
    publish_base(cast, SCOPE.replace("Opening.", "Another opening."), "2.0", change_class=ChangeClass.MATERIAL)
    assert latest() is overlay
    publish_base(cast, OTHER, "2.1", change_class=ChangeClass.MINOR)
    assert latest().number != overlay.number
    assert "Another opening." in source(latest())
    assert latest().change_class is ChangeClass.MATERIAL


def test_what_was_material_only_where_the_market_reads_otherwise_does_not_weigh(
    overlay: DocumentVersion, cast: Cast
) -> None:
    publish_base(cast, BASE_EN.replace("30 days", "60 days"), "2.0", change_class=ChangeClass.MATERIAL)
    publish_base(cast, OTHER, "2.1", change_class=ChangeClass.MINOR)
    assert latest().change_class is ChangeClass.MINOR


def decided(cast: Cast, change_class: ChangeClass) -> Draft:
    with own_transaction():
        draft = begin_draft(document=queries.get_document("impersonation@JP"), by=cast.admin)
        move = following.move_of(draft)
        assert move is not None
        choices = {each.anchor: Decision.KEEP for each in move.clashing}
        following.move_draft(draft=draft, seen=move.seen, decisions=choices, by=cast.admin)
        draft.change_class = change_class
        code = draft.code
    return drafts.get_draft(code)


def findings(draft: Draft) -> list[str]:
    return [told.finding.kind for told in lint.examine(draft)]


@pytest.mark.parametrize(
    ("proposed", "of_base", "stops"),
    [
        (ChangeClass.EDITORIAL, ChangeClass.MATERIAL, True),
        (ChangeClass.MINOR, ChangeClass.MATERIAL, True),
        (ChangeClass.MATERIAL, ChangeClass.MATERIAL, False),
        (ChangeClass.EMERGENCY, ChangeClass.MATERIAL, False),
        (ChangeClass.MATERIAL, ChangeClass.EMERGENCY, False),
        (ChangeClass.EDITORIAL, ChangeClass.MINOR, True),
        (ChangeClass.MINOR, ChangeClass.MINOR, False),
    ],
)
def test_a_decided_draft_is_not_lighter_than_what_it_brings_from_the_base(
    overlay: DocumentVersion, cast: Cast, proposed: ChangeClass, of_base: ChangeClass, stops: bool
) -> None:
    publish_base(cast, SCOPE.replace("Opening.", "Another opening."), "2.0", change_class=of_base)
    draft = decided(cast, proposed)
    assert ("class_below_base" in findings(draft)) is stops


def test_a_change_of_the_base_under_words_of_the_markets_own_weighs_nothing(
    overlay: DocumentVersion, cast: Cast
) -> None:
    publish_base(cast, BASE_EN.replace("30 days", "60 days"), "2.0", change_class=ChangeClass.MATERIAL)
    assert "class_below_base" not in findings(decided(cast, ChangeClass.EDITORIAL))


@pytest.mark.parametrize("language", ["en", "ja"])
def test_who_approves_reads_which_versions_of_the_base_come_with_the_draft(
    overlay: DocumentVersion, cast: Cast, as_: Any, language: str
) -> None:
    publish_base(cast, SCOPE, "2.0", change_class=ChangeClass.MATERIAL)
    publish_base(cast, SCOPE.replace("Opening.", "Another opening."), "2.1", change_class=ChangeClass.MINOR)
    draft = decided(cast, ChangeClass.MATERIAL)
    page = as_(cast.admin, language=language).get("library.draft", code=draft.code)
    assert {"en": "2.0 (Material), 2.1 (Minor)", "ja": "2.0（重要）、2.1（軽微）"}[language] in page.text

"""Publishing: immutable versions with hashes, translations that know what they were made from."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from sqlalchemy import text as sql

from portal.accounts.models import Role, Scope
from portal.core import clock, events
from portal.core.access import allows
from portal.core.db import session
from portal.core.errors import DomainError
from portal.core.transaction import own_transaction
from portal.journal.queries import list_entries_about
from portal.library import errors, invariants, queries
from portal.library.events import VersionPublished, VersionWithdrawn
from portal.library.models import AudienceKind, ChangeClass, Origin
from portal.library.permissions import READ_DOCUMENT, READ_EVERYTHING, is_addressed
from portal.library.rules import Standing
from portal.library.service import documents, versions
from tests.builders import Cast, make_grant, make_market, make_person
from tests.library.builders import APRIL, EN, JA, english, japanese, make_document, make_published, make_version, soon


def refused(work: Callable[[], Any]) -> DomainError:
    with pytest.raises(DomainError) as refusal, own_transaction():
        work()
    return refusal.value


def test_a_version_keeps_the_bytes_that_were_written(cast: Cast) -> None:
    source = "## A {#a}\r\n\r\nb  \r\nc"
    version = make_published(cast.author, texts=[english(source)])
    session.expire_all()
    text = version.text_in("en")
    assert text is not None
    assert text.source == source


def test_each_clause_has_the_hash_of_its_text_in_each_language(cast: Cast) -> None:
    version = make_published(cast.author)
    assert queries.clause_anchors(version) == ["top", "scope", "fan-accounts", "exceptions"]
    clause = queries.find_clause(version, "scope")
    assert clause is not None
    texts = {text.language: text for text in clause.texts}
    source = "## What this policy covers\n\nIt covers accounts that present themselves as somebody else."
    assert texts["en"].hash == sha256(source.encode()).hexdigest()
    assert texts["ja"].source_hash == texts["en"].hash
    assert texts["en"].source_hash is None
    assert clause.sensitivity == "S0"
    assert queries.find_clause(version, "gone") is None


def test_what_is_shown_is_rendered_once_when_it_is_published(cast: Cast) -> None:
    version = make_published(cast.author)
    shown = {clause.anchor: clause for clause in queries.list_shown_clauses(version, "ja")}
    assert str(shown["scope"].heading_html) == "適用範囲"
    assert '<a class="clause-link" href="#scope">適用範囲</a>' in shown["fan-accounts"].html
    text = version.text_in("en")
    assert text is not None
    assert "A note at the foot." in text.footnotes_html


def test_a_version_number_is_given_once(cast: Cast) -> None:
    document = make_published(cast.author).document
    refusal = refused(
        lambda: versions.import_version(
            document=document,
            number="1.0",
            change_class=ChangeClass.MINOR,
            effective_at=APRIL,
            zone="Asia/Tokyo",
            texts=[english()],
            based_on="1.0",
            by=cast.author,
        )
    )
    assert isinstance(refusal, errors.VersionExists)
    assert "1.0" in str(refusal)


@pytest.mark.parametrize(
    ("number", "based_on", "refusal"),
    [
        ("0.9", "1.0", errors.NumberTooLow),
        ("1.1", None, errors.VersionOutdated),
        ("1.1", "0.9", errors.VersionOutdated),
    ],
)
def test_a_version_follows_the_latest_one(
    cast: Cast, number: str, based_on: str | None, refusal: type[DomainError]
) -> None:
    document = make_published(cast.author).document
    with pytest.raises(refusal):
        make_version(document, cast.author, number, based_on=based_on)


def test_the_authoritative_text_must_be_there(cast: Cast) -> None:
    document = make_document(cast.author)
    with pytest.raises(errors.TextMissing):
        make_version(document, cast.author, texts=[japanese()])


def test_a_text_that_may_not_be_published_is_refused_with_line_and_reason(cast: Cast) -> None:
    document = make_document(cast.author)
    with pytest.raises(errors.TextBroken) as refusal:
        make_version(document, cast.author, texts=[english("## A {#a}\n\n<script>alert(1)</script>\n")])
    assert str(refusal.value).startswith("Line 3: There is a script")
    assert queries.latest_version(queries.get_document("impersonation")) is None


def test_a_version_of_the_product_needs_two_people(cast: Cast) -> None:
    document = make_document(cast.author)

    def published_by(approver: Any) -> None:
        versions.publish_version(
            document=document,
            number="1.0",
            change_class=ChangeClass.MATERIAL,
            effective_at=soon(),
            zone="Asia/Tokyo",
            texts=[english(), japanese()],
            author=cast.author,
            approver=approver,
        )

    assert isinstance(refused(lambda: published_by(cast.author)), errors.ApproverIsAuthor)
    with own_transaction():
        published_by(cast.approver)
    version = queries.get_version(queries.get_document("impersonation"), "1.0")
    assert (version.origin, version.author_code, version.approved_by) == (
        Origin.PRODUCT,
        cast.author.code,
        cast.approver.code,
    )
    assert queries.standing_of(version) is Standing.ISSUED


def test_publication_is_told_and_written_down(cast: Cast) -> None:
    heard: list[VersionPublished] = []
    handler = heard.append
    events.subscribe(VersionPublished, handler)
    try:
        version = make_published(cast.author)
    finally:
        events._handlers[VersionPublished].remove(handler)
    assert [(each.document_slug, each.version_number, each.version_id) for each in heard] == [
        ("impersonation", "1.0", version.id)
    ]
    entry = list_entries_about("document", "impersonation")[-1]
    assert (entry.action, entry.after and entry.after["hash"]) == ("library.version_published", version.hash)


def test_a_translation_of_an_earlier_version_is_behind_by_the_clauses_that_changed(cast: Cast) -> None:
    first = make_published(cast.author)
    assert not first.is_provisional
    changed = EN.replace("None.", "One: the archive.") + "\n## Appeals {#appeals}\n\nWithin 30 days.\n"
    second = make_version(first.document, cast.author, "1.1", texts=[english(changed), japanese(says_number="1.0")])
    text = second.text_in("ja")
    assert text is not None
    assert text.behind == ["exceptions", "appeals"]
    assert second.is_provisional
    shown = {clause.anchor: clause for clause in queries.list_shown_clauses(second, "ja")}
    assert shown["appeals"].language == "en"
    assert shown["exceptions"].language == "ja"
    assert queries.clause_headings(second, "ja")["appeals"] == "Appeals"


def test_catching_up_a_translation_is_a_version_that_is_in_step_again(cast: Cast) -> None:
    first = make_published(cast.author)
    changed = EN.replace("None.", "One.")
    second = make_version(first.document, cast.author, "1.1", texts=[english(changed), japanese(says_number="1.0")])
    third = make_version(
        second.document,
        cast.author,
        "1.2",
        texts=[english(changed), japanese(JA.replace("ありません。", "一つあります。"))],
        change_class=ChangeClass.EDITORIAL,
    )
    text = third.text_in("ja")
    assert text is not None
    assert text.behind == []
    assert not third.is_provisional


def test_a_clause_that_only_the_old_translation_has_is_no_clause_any_more(cast: Cast) -> None:
    first = make_published(cast.author)
    shorter = EN[: EN.index("### Exceptions")]
    second = make_version(first.document, cast.author, "1.1", texts=[english(shorter), japanese(says_number="1.0")])
    assert "exceptions" not in queries.clause_anchors(second)
    assert "exceptions" not in [clause.anchor for clause in queries.list_shown_clauses(second, "ja")]
    assert invariants.clauses_are_those_of_their_text() == []


def test_a_document_in_one_language_is_provisional(cast: Cast) -> None:
    version = make_published(cast.author, texts=[english()])
    assert version.is_provisional
    assert {clause.language for clause in queries.list_shown_clauses(version, "ja")} == {"en"}


def test_links_take_the_words_of_a_document_that_is_published_later(cast: Cast) -> None:
    first = make_published(cast.author, "daily-audit", texts=[english("See [[impersonation#scope]].\n")])
    broken = queries.list_shown_clauses(first, "en")[0].html
    assert '<span class="clause-link-broken">impersonation#scope</span>' in broken
    make_published(cast.author)
    mended = queries.list_shown_clauses(first, "en")[0].html
    assert '<a class="clause-link" href="/library/impersonation#scope">What this policy covers</a>' in mended
    assert invariants.published_texts_are_unchanged() == []


def test_texts_that_link_to_a_new_version_are_rendered_again_only_where_a_heading_changed(cast: Cast) -> None:
    heading, text = 'Who "asks" & who answers', "## {} {{#scope}}\n\n{}\n"
    first = make_published(cast.author, texts=[english(text.format(heading, "One."))])
    with clock.frozen(APRIL):
        reading = make_published(cast.author, "daily-audit", texts=[english("See [[impersonation#scope]].\n")])
    make_version(first.document, cast.author, "1.1", texts=[english(text.format(heading, "Two."))])
    assert reading.texts[0].shown_at == APRIL
    assert "&amp; who answers</a>" in queries.list_shown_clauses(reading, "en")[0].html
    make_version(first.document, cast.author, "1.2", texts=[english(text.format("Who asks", "Two."))])
    assert reading.texts[0].shown_at > APRIL
    assert ">Who asks</a>" in queries.list_shown_clauses(reading, "en")[0].html


def test_a_withdrawn_version_says_why_and_is_withdrawn_once(cast: Cast) -> None:
    version = make_published(cast.author)
    heard: list[VersionWithdrawn] = []
    handler = heard.append
    events.subscribe(VersionWithdrawn, handler)
    try:
        assert isinstance(
            refused(lambda: versions.withdraw_version(version=version, reason="  ", by=cast.author)),
            errors.ReasonMissing,
        )
        with own_transaction():
            versions.withdraw_version(version=version, reason="Court order.", by=cast.author)
        assert isinstance(
            refused(lambda: versions.withdraw_version(version=version, reason="Again.", by=cast.author)),
            errors.AlreadyWithdrawn,
        )
    finally:
        events._handlers[VersionWithdrawn].remove(handler)
    assert len(heard) == 1
    assert queries.standing_of(version) is Standing.WITHDRAWN
    assert queries.version_in_force(version.document) is None


def test_an_imported_version_counts_as_issued_when_it_took_effect(cast: Cast) -> None:
    version = make_published(cast.author)
    assert version.issued_at == APRIL
    assert queries.version_in_force(version.document, at=APRIL + timedelta(days=1)) == version
    coming = make_version(version.document, cast.author, "2.0", effective_at=soon())
    assert coming.issued_at <= clock.now()
    assert queries.version_in_force(version.document, "JP") == version


def test_addresses_are_unique_and_well_formed(cast: Cast) -> None:
    make_document(cast.author)
    with pytest.raises(errors.SlugTaken):
        make_document(cast.author)
    with pytest.raises(errors.SlugInvalid):
        make_document(cast.author, "Not A Slug")


def test_the_audience_decides_who_reads(cast: Cast) -> None:
    document = make_document(cast.author, audience={AudienceKind.MARKET: ["JP"], AudienceKind.TEAM: []})
    assert is_addressed(cast.learner, document)
    assert not is_addressed(cast.outsider, document)
    assert allows(cast.learner, READ_DOCUMENT, document)
    assert not allows(cast.outsider, READ_DOCUMENT, document)
    assert allows(cast.admin, READ_DOCUMENT, document), "administrators read everything"
    with own_transaction():
        documents.set_audience(document=document, audience={AudienceKind.ROLE: ["lead"]}, by=cast.author)
    assert not allows(cast.learner, READ_DOCUMENT, document)
    assert allows(cast.lead, READ_DOCUMENT, document)


@pytest.mark.parametrize(
    ("audience", "reads"),
    [
        ({}, True),
        ({AudienceKind.MARKET: ["JP"]}, True),
        ({AudienceKind.MARKET: ["JP", "US"], AudienceKind.ROLE: ["lead"]}, True),
        ({AudienceKind.TEAM: ["account-safety"]}, True),
        ({AudienceKind.MARKET: ["US"]}, False),
        ({AudienceKind.TEAM: ["payments-safety"]}, False),
        ({AudienceKind.MARKET: ["US"], AudienceKind.ROLE: ["author"]}, False),
    ],
)
def test_whoever_writes_for_a_market_reads_what_applies_there_and_no_more(
    cast: Cast, audience: dict[AudienceKind, list[str]], reads: bool
) -> None:
    document = make_document(cast.author, audience=audience)
    make_version(document, cast.author)
    nobody = make_person(team=None, market=make_market("GB"))
    make_grant(nobody, Role.AUTHOR, Scope.MARKET, "JP")
    assert allows(nobody, READ_DOCUMENT, document) is reads
    assert bool(queries.list_library(nobody, "en")) is reads
    assert not allows(nobody, READ_EVERYTHING)


def test_a_role_for_one_market_lets_nobody_read_everything(cast: Cast) -> None:
    document = make_document(cast.author, audience={AudienceKind.MARKET: ["US"]})
    for role in (Role.ADMIN, Role.AUDITOR, Role.APPROVER):
        # Given before such scopes were refused.
        person = make_person(team=cast.learner.team)
        make_grant(person, role, Scope.MARKET, "JP")
        assert not allows(person, READ_DOCUMENT, document)


def test_a_further_market_is_in_the_audience_too(cast: Cast) -> None:
    document = make_document(cast.author, audience={AudienceKind.MARKET: ["JP"]})
    japan = cast.learner.home_market
    cast.outsider.further_markets.append(japan)
    session.commit()
    assert is_addressed(cast.outsider, document)


def test_a_changed_audience_keeps_its_history(cast: Cast) -> None:
    document = make_document(cast.author, audience={AudienceKind.MARKET: ["JP"]})
    with own_transaction():
        assert documents.set_audience(document=document, audience={AudienceKind.MARKET: ["US"]}, by=cast.author)
    with own_transaction():
        assert not documents.set_audience(document=document, audience={AudienceKind.MARKET: ["US"]}, by=cast.author)
    rows = {row.code: row for row in queries.get_document("impersonation").audiences}
    assert rows["JP"].ended_at is not None
    assert rows["US"].ended_at is None


@pytest.mark.parametrize(
    ("breakage", "invariant"),
    [
        ("update version_texts set source = source || 'x' where language = 'en'", "I9 published texts are unchanged"),
        ("update version_texts set title = 'Other'", "I9 published texts are unchanged"),
        ("delete from clause_texts where language = 'ja'", "clauses are those of their text"),
        ("update clause_texts set source = source || 'x'", "clauses are those of their text"),
        ("update clause_texts set hash = 'x'", "clauses are those of their text"),
        ("update clause_texts set source_hash = 'x' where language = 'ja'", "clauses are those of their text"),
        ("update document_versions set sequence = 7", "version numbers stand once"),
        (
            "update document_versions set origin = 'product', author_code = 'A', approved_by = 'A', "
            "approved_at = issued_at",
            "I10 approvers are not authors",
        ),
    ],
)
def test_the_doctor_finds_what_was_changed_behind_our_back(cast: Cast, breakage: str, invariant: str) -> None:
    make_published(cast.author)
    assert {name: check() for name, check in invariants.INVARIANTS.items() if check()} == {}
    session.execute(sql(breakage))
    session.commit()
    session.expire_all()
    assert invariants.INVARIANTS[invariant]() != []

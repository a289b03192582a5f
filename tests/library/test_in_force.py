# Tables of instants read best with long lines.
# ruff: noqa: E501
"""What was in force when: the same bytes for the same instant for ever, whatever is published later."""

from __future__ import annotations

import csv
import io
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.core import clock
from portal.core.db import session
from portal.core.transaction import own_transaction
from portal.library import queries, rules
from portal.library.models import AudienceKind
from portal.library.queries.search import find_in_force, list_in_force
from portal.library.rules.instants import read_instant
from portal.library.service import documents, versions
from tests.builders import Cast
from tests.library.builders import APRIL, EN, JA, english, japanese, make_document, make_published, make_version, soon
from tests.page_client import Page
from tests.queries import counted_queries

TOKYO = ZoneInfo("Asia/Tokyo")
READ = {"slug": "impersonation"}
MAY = "2026-05-03T10:00+09:00"


# --- reading an instant ---------------------------------------------------------------------------


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("text", "at", "assumed"),
    [
        ("2026-07-03T10:00+09:00", "2026-07-03T01:00", False),
        ("2026-07-03T10:00 09:00", "2026-07-03T01:00", False),
        ("2026-07-03T10:00Z", "2026-07-03T10:00", False),
        ("2026-07-03T10:00:30-05:00", "2026-07-03T15:00:30", False),
        ("2026-07-03T10:00", "2026-07-03T01:00", True),
        ("2026-07-03 10:00", "2026-07-03T01:00", True),
        ("2026-07-03", "2026-07-02T15:00", True),
        ("2026/7/3 9:05", "2026-07-03T00:05", True),
        ("２０２６-０７-０３", "2026-07-02T15:00", True),
        ("2026年7月3日 10時00分", "2026-07-03T01:00", True),
        ("20260703T100000Z", "2026-07-03T10:00", False),
        ("20260703T1000+0900", "2026-07-03T01:00", False),
        ("20260703T100000", "2026-07-03T01:00", True),
        ("20260703", "2026-07-02T15:00", True),
        ("2026-07-02T24:00+09:00", "2026-07-02T15:00", False),
        ("2026-12-31 24:00", "2026-12-31T15:00", True),
    ],
)
def test_an_instant_is_read_as_people_write_it(text: str, at: str, assumed: bool) -> None:
    meant = read_instant(text, TOKYO)
    assert (meant.at, meant.is_zone_assumed) == (datetime.fromisoformat(at).replace(tzinfo=UTC), assumed)


@pytest.mark.any_database
@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "2026", "2026-13-01", "2026-02-30", "2026-07-03T25:00", "2026-07-03T24:01", "9999-12-31T24:00Z", "2026070", "202607031000", "2026-07-03T10:00+99:00", "0001-01-01", "0001-01-02", "9999-12-31T23:59-12:00", "9999-12-31T23:59+00:00",
     "2026-07-03T10:00+09:00x", "\x00", "'; --", "٢٠٢٦-٠٧-٠٣x"],
)  # fmt: skip
def test_what_is_no_instant_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_instant(text, TOKYO)


@pytest.mark.any_database
@given(st.text(max_size=30))
def test_no_text_breaks_the_reading_of_instants(text: str) -> None:
    with suppress(ValueError):
        assert read_instant(text, TOKYO).at.tzinfo is UTC


@pytest.mark.any_database
@given(st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1)), st.integers(-720, 840))
def test_an_exact_instant_is_read_back(local: datetime, minutes: int) -> None:
    at = local.replace(tzinfo=timezone(timedelta(minutes=minutes)), microsecond=0)
    assert read_instant(at.isoformat(), TOKYO).at == at


# --- the page of a document -----------------------------------------------------------------------


def _clauses(page: Page) -> list[str]:
    from xml.etree import ElementTree

    return [ElementTree.tostring(each, encoding="unicode") for each in page.all("section", class_="clause")]


def _facts(page: Page) -> str:
    return " ".join(" ".join("".join(each.itertext()).split()) for each in page.all("aside"))


def test_the_same_instant_shows_the_same_bytes_whatever_is_published_later(cast: Cast, as_: Any) -> None:
    other = make_published(cast.author, "appeals", texts=[english("## Old title {#rule}\n\nText.\n")])
    linking = EN.replace("None.", "See [[appeals#rule]].")
    first = make_published(
        cast.author, texts=[english(linking), japanese(JA.replace("ありません。", "[[appeals#rule]]を参照。"))]
    )
    then = first.hash
    reader = as_(cast.colleague)
    at = {"at": MAY, "market": "JP", **READ}
    before = reader.get("library.read", **at)
    assert "Old title" in before.text
    assert then in _facts(before)

    make_version(
        other.document, cast.author, "1.1", texts=[english("## New title {#rule}\n\nText.\n")], effective_at=clock.now()
    )
    assert "New title" in reader.get("library.read", **READ).text, "the address itself follows the newer heading"
    assert _clauses(reader.get("library.read", **at)) == _clauses(before)

    make_version(
        first.document,
        cast.author,
        "2.0",
        texts=[english(EN.replace("label", "badge")), japanese()],
        effective_at=clock.now(),
    )
    make_version(first.document, cast.author, "3.0", effective_at=soon())
    after = reader.get("library.read", **at)
    assert _clauses(after) == _clauses(before)
    assert then in _facts(after)
    assert "/library/impersonation" in after.links()
    assert any(link.startswith("/library/appeals?at=2026-05-03") for link in after.links()), "links stay at the instant"
    assert _clauses(reader.get("library.read", text="ja", **at)) != _clauses(before)

    with own_transaction():
        versions.withdraw_version(version=first, reason="A court said so.", by=cast.author)
    assert _clauses(reader.get("library.read", **at)) == _clauses(before)


def test_the_banner_says_instant_zone_market_and_version(cast: Cast, as_: Any) -> None:
    first = make_published(cast.author)
    make_version(first.document, cast.author, "2.0", effective_at=clock.now())
    page = as_(cast.colleague).get("library.read", at="2026-05-03T10:00", **READ)
    assert "In force at Sun 3 May 2026 10:00 JST, market Japan" in page.text
    assert "No UTC offset was given" in page.text
    assert "Version 1.0 was in force from Wed 1 Apr 2026 09:00 JST until" in page.text
    exact = as_(cast.colleague).get("library.read", at="2026-05-03T01:00Z", market="us", **READ)
    assert "In force at Sun 3 May 2026 10:00 JST, market" in exact.text
    assert "No UTC offset" not in exact.text
    abroad = as_(cast.outsider).get("library.read", at="2026-05-03T10:00", **READ)
    assert "10:00 EDT, market United States" in abroad.text
    japanese_page = as_(cast.learner).get("library.read", at=MAY, **READ)
    assert "適用中" in japanese_page.text


def test_nothing_can_be_confirmed_and_nothing_is_noted_on_such_a_page(cast: Cast, as_: Any) -> None:
    version = make_published(cast.author)
    reader = as_(cast.learner)
    assert reader.get("library.read", **READ).all("form", class_="form")
    session.query(queries.Reading).delete()
    session.commit()
    page = reader.get("library.read", at=MAY, **READ)
    assert not page.all("form", class_="form")
    assert not [each for each in page.all("div") if "keep-place" in each.get("data-module", "").split()]
    assert not queries.has_opened(cast.learner, version)


def test_where_nothing_was_in_force_the_nearest_versions_are_named(cast: Cast, as_: Any) -> None:
    first = make_published(cast.author)
    with own_transaction():
        versions.withdraw_version(version=first, reason="A court said so.", by=cast.author)
    gone = clock.now() + timedelta(minutes=1)
    make_version(first.document, cast.author, "2.0", effective_at=soon())
    reader = as_(cast.colleague)
    before = reader.get("library.read", at="2020-01-01", **READ)
    assert "Nothing was in force at Wed 1 Jan 2020 00:00 JST" in before.text
    assert "/library/impersonation/versions/1.0" in before.links()
    between = reader.get("library.read", at=gone.isoformat(), **READ)
    assert {"/library/impersonation/versions/1.0", "/library/impersonation/versions/2.0"} <= set(between.links())


def test_a_bad_instant_or_market_is_answered_in_words(cast: Cast, as_: Any) -> None:
    make_published(cast.author)
    for person, words in ((cast.colleague, "is not a date and time"), (cast.learner, "日時として読み取れません")):
        for at in ("yesterday", "2026-13-01", "9" * 500, "0001-01-01T00:00+09:00", "<b>"):
            assert words in as_(person).get("library.read", at=at, expect=400, **READ).text
            assert words in as_(person).get("library.in_force", at=at).text
    page = as_(cast.colleague).get("library.read", at=MAY, market="XX", expect=400, **READ)
    assert "There is no market “XX”" in page.text
    assert "There is no market" in as_(cast.colleague).get("library.in_force", market="\u202eXX").text


def test_nobody_reads_of_another_time_what_is_not_addressed_to_her(cast: Cast, as_: Any) -> None:
    make_published(cast.author, audience={AudienceKind.MARKET: ["JP"]})
    as_(cast.outsider).get("library.read", at=MAY, expect=404, **READ)
    assert "impersonation" not in as_(cast.outsider).get("library.in_force", at=MAY).text
    make_document(cast.author, "empty")
    as_(cast.admin).get("library.read", slug="empty", at=MAY, expect=404)


# --- the list -------------------------------------------------------------------------------------


def test_the_list_names_version_hash_since_and_until(cast: Cast, as_: Any) -> None:
    first = make_published(cast.author)
    second = make_version(first.document, cast.author, "2.0", effective_at=APRIL + timedelta(days=60))
    make_version(make_document(cast.author, "later"), cast.author, effective_at=soon())
    reader = as_(cast.colleague)
    page = reader.get("library.in_force", at=MAY, market="JP")
    text = " ".join(page.text.split())
    assert "Version 1.0" in text
    assert "Wed 1 Apr 2026 09:00 JST" in text
    assert "Sun 31 May 2026 09:00 JST" in text
    assert first.hash[:12] in text
    assert "later" not in page.text
    assert second.hash[:12] in reader.get("library.in_force", at="2026-06-30").text
    assert "2.0" in reader.get("library.in_force").text
    assert "No document was in force" in reader.get("library.in_force", at="2020-01-01").text


def listed(page: Page) -> set[str]:
    return {
        link.partition("?")[0].rpartition("/")[2] for link in page.links() if "?at=" in link and "/library/" in link
    }


def test_the_list_is_narrowed_by_words_of_the_text_that_was_in_force_then(cast: Cast, as_: Any) -> None:
    then, now = EN.replace("None.", "Within 72 hours."), EN.replace("None.", "Within 24 hours.")
    first = make_published(cast.author, texts=[english(then, title="An old name"), japanese(JA)])
    make_version(first.document, cast.author, "2.0", texts=[english(now, title="A new name")], effective_at=clock.now())
    make_version(
        queries.get_document("impersonation"), cast.author, "3.0", effective_at=soon(),
        texts=[english(EN.replace("None.", "Within 12 hours."))],
    )  # fmt: skip
    make_published(cast.author, "another", texts=[english("## Zebra {#zebra}\n\nStripes.\n", title="Animals")])

    def found(at: str = MAY, **asked: str) -> set[str]:
        page = as_(cast.colleague).get("library.in_force", at=at, **asked)
        assert "today’s text" not in page.text
        return listed(page)

    assert found() == {"impersonation", "another"}
    for words, in_may, today, later in (
        ("72", {"impersonation"}, set(), set()),
        ("24", set(), {"impersonation"}, set()),
        ("12", set(), set(), {"impersonation"}),
        ("old name", {"impersonation"}, set(), set()),
        ("new name", set(), {"impersonation"}, set()),
        ("stripes", {"another"}, {"another"}, {"another"}),
        ("名乗る", {"impersonation"}, set(), set()),
        ("labelled 72", {"impersonation"}, set(), set()),
        ("nowhere", set(), set(), set()),
        ("S1", set(), set(), set()),
    ):
        assert found(q=words) == in_may, words
        assert found((clock.now() + timedelta(seconds=2)).isoformat(), q=words) == today, words
        assert found((soon() + timedelta(hours=1)).isoformat(), q=words) == later, words


def test_the_list_and_the_page_know_to_which_market_a_document_was_addressed_then(cast: Cast, as_: Any) -> None:
    """Also before it came here: then it was addressed as it was when it was made."""
    document = make_published(cast.author, audience={AudienceKind.MARKET: ["JP"]}).document
    make_published(cast.author, "everybody")
    start = clock.now()
    with clock.frozen(start + timedelta(days=2)), own_transaction():
        documents.set_audience(
            document=queries.get_document("impersonation"), audience={AudienceKind.MARKET: ["US"]}, by=cast.author
        )
    assert document.slug == "impersonation"
    admin = as_(cast.admin)
    for at, market in ((MAY, "JP"), ((start + timedelta(days=1)).isoformat(), "JP"),
                       ((start + timedelta(days=3)).isoformat(), "US")):  # fmt: skip
        other = "US" if market == "JP" else "JP"
        assert listed(admin.get("library.in_force", at=at, market=market)) == {"impersonation", "everybody"}
        assert listed(admin.get("library.in_force", at=at, market=other)) == {"everybody"}
        assert "In force at" in admin.get("library.read", at=at, market=market, **READ).text
        elsewhere = admin.get("library.read", at=at, market=other, **READ).text
        assert "Not addressed to this market" in elsewhere
        assert f"Then it was addressed to: {'Japan' if market == 'JP' else 'United States'}." in elsewhere
        assert "In force at" not in elsewhere


def test_the_list_can_be_saved_as_csv(cast: Cast, as_: Any) -> None:
    version = make_published(cast.author)
    answer = as_(cast.colleague).fetch("library.in_force", at=MAY, format="csv")
    assert answer.mimetype == "text/csv"
    header, row = csv.reader(io.StringIO(answer.data.decode("utf-8-sig")))
    assert header[0] == "Address"
    assert row == [
        "impersonation", "Impersonation", "JP", "1.0", "Wed 1 Apr 2026 09:00 JST", "", version.hash,
    ]  # fmt: skip


def test_the_list_says_what_the_rule_says(cast: Cast) -> None:
    """Documents with versions issued late, replaced, withdrawn: at every instant the list is the rule's answer."""
    now = clock.now()
    for number in range(4):
        document = make_document(cast.author, f"document-{number}")
        for minor in range(3):
            make_version(
                document, cast.author, f"1.{minor}", effective_at=now - timedelta(days=40 - 9 * minor - 3 * number),
            )  # fmt: skip
        if number % 2:
            with own_transaction():
                versions.withdraw_version(version=document.versions[-1], reason="It was wrong.", by=cast.author)
    for days in (-60, -38, -30, -22, -10, -1, 1):
        at = now + timedelta(days=days)
        rows = list_in_force(find_in_force(cast.learner, "JP", at), "JP", at, "en")
        said = {row.document.slug: row.version.number if row.version else None for row in rows}
        for document in queries.list_documents():
            expected = rules.in_force(document.versions, at)
            assert said.get(document.slug) == (expected.number if expected else None), (document.slug, days)
        for row in rows:
            if row.until is not None and row.version is not None:
                assert rules.in_force(row.document.versions, row.until - timedelta(seconds=1)) is row.version
                assert rules.in_force(row.document.versions, row.until) is not row.version


def test_the_statements_do_not_grow_with_the_documents(cast: Cast, as_: Any) -> None:
    reader = as_(cast.learner)

    def count() -> int:
        reader.get("library.in_force", at=MAY, q="なりすまし")
        session.expire_all()
        with counted_queries() as statements:
            reader.get("library.in_force", at=MAY, q="なりすまし")
        return len(statements)

    make_published(cast.author, "first")
    few = count()
    for number in range(5):
        make_published(cast.author, f"more-{number}")
    assert count() == few

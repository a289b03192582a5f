"""An older version never comes back: nothing is accepted that would take effect before what it is based on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.core import clock
from portal.core.clock import frozen
from portal.core.transaction import own_transaction
from portal.library import errors, queries, rules
from portal.library.models import ChangeClass, Document
from portal.library.queries import drafts
from portal.library.service import lint, versions
from portal.library.service.drafts import Proposal, change_proposal
from portal.library.service.past import PastVersion, import_past_versions
from portal.library.service.versions import check_order
from tests.beginnings import beginning
from tests.builders import Cast
from tests.library.builders import (
    BASE_EN,
    BASE_JA,
    english,
    japanese,
    make_draft,
    make_overlay,
    make_published,
    make_version,
    publish_overlay,
)

pytestmark = pytest.mark.any_database

TODAY = datetime(2026, 11, 30, tzinfo=UTC)
SEVENTH, THIRD = TODAY + timedelta(days=7), TODAY + timedelta(days=3)


@dataclass(frozen=True)
class Version:
    sequence: int
    issued_at: datetime
    effective_at: datetime
    withdrawn_at: datetime | None = None
    zone: str = "Asia/Tokyo"

    @property
    def number(self) -> str:
        return f"{self.sequence}.0"


def in_force_over_time(found: list[Any]) -> list[int]:
    """Return the places of the versions that are in force one after the other, by counting through the instants."""
    moments = sorted(
        {moment for each in found for moment in (each.issued_at, each.effective_at, each.withdrawn_at) if moment}
    )
    current = (rules.in_force(found, moment) for moment in moments)
    return [each.sequence for each in current if each is not None]


@given(
    acts=st.lists(
        st.tuples(st.sampled_from(["product", "import", "withdraw"]), st.integers(0, 6), st.integers(-8, 12)),
        max_size=14,
    )
)
def test_what_is_in_force_never_falls_back(acts: list[tuple[str, int, int]]) -> None:
    """For every order of publishing, importing and withdrawing that is accepted, as time goes on between them."""
    found: list[Version] = []
    now = TODAY
    for act, hours, distance in acts:
        now += timedelta(hours=hours)
        if act == "withdraw":
            if found and found[distance % len(found)].withdrawn_at is None:
                place = distance % len(found)
                found[place] = replace(found[place], withdrawn_at=now)
            continue
        effective_at = now + timedelta(hours=distance)
        if act == "product" and effective_at < now:
            continue
        try:
            with frozen(now):
                check_order(found, effective_at)  # type: ignore[arg-type]
        except (errors.EffectiveBeforeEarlier, errors.EffectiveBeforeInForce):
            continue
        issued_at = now if act == "product" else min(now, effective_at)
        found.append(Version(len(found) + 1, issued_at, effective_at))
    told = in_force_over_time(found)
    assert told == sorted(told)


@pytest.fixture
@beginning
def document(cast: Cast) -> Document:
    """A document whose version 2.0 takes effect on the seventh."""
    document = make_published(cast.author).document
    make_version(document, cast.author, "2.0", effective_at=SEVENTH)
    return queries.get_document(document.slug)


@pytest.fixture(autouse=True)
def today() -> Any:
    with frozen(TODAY):
        yield


def published(document: Document, cast: Cast, effective_at: datetime | None, number: str = "3.0") -> None:
    with own_transaction():
        versions.publish_version(
            document=queries.get_document(document.slug), number=number, change_class=ChangeClass.MINOR,
            effective_at=effective_at, zone="Asia/Tokyo", texts=[english(), japanese()], based_on="2.0",
            author=cast.author, approver=cast.approver,
        )  # fmt: skip


@pytest.mark.parametrize("effective_at", [THIRD, None], ids=["on the third", "at publication"])
def test_a_version_does_not_take_effect_before_the_one_it_is_based_on(
    cast: Cast, document: Document, effective_at: datetime | None
) -> None:
    with pytest.raises(errors.EffectiveBeforeEarlier) as refusal:
        published(document, cast, effective_at)
    said = str(refusal.value)
    assert "2.0" in said
    assert "7 Dec 2026" in said
    assert "withdraw version 2.0 first" in said
    published(document, cast, SEVENTH)
    later = queries.get_document(document.slug).versions
    assert in_force_over_time(later) == sorted(in_force_over_time(later))


def test_neither_files_nor_a_history_bring_it_in(cast: Cast, document: Document) -> None:
    with pytest.raises(errors.EffectiveBeforeEarlier):
        make_version(document, cast.author, "3.0", effective_at=THIRD)
    past = PastVersion("3.0", ChangeClass.MINOR, THIRD, "UTC", (english(),), "Ann", "0" * 40, "a.md", "")
    with pytest.raises(errors.EffectiveBeforeEarlier), own_transaction():
        import_past_versions(document=queries.get_document(document.slug), past=[past], after="2.0", by=cast.author)
    assert [version.number for version in queries.get_document(document.slug).versions] == ["1.0", "2.0"]


def test_what_was_withdrawn_before_its_day_holds_nobody_up(cast: Cast, document: Document) -> None:
    with own_transaction():
        versions.withdraw_version(
            version=queries.get_version(queries.get_document(document.slug), "2.0"), reason="Wrong.", by=cast.admin
        )
    published(document, cast, THIRD)
    with frozen(SEVENTH):
        current = queries.version_in_force(queries.get_document(document.slug))
        assert current is not None
        assert current.number == "3.0"


def test_what_was_followed_once_holds_up_even_when_it_is_withdrawn(cast: Cast, document: Document) -> None:
    with frozen(SEVENTH + timedelta(days=1)):
        with own_transaction():
            versions.withdraw_version(
                version=queries.get_version(queries.get_document(document.slug), "2.0"), reason="Wrong.", by=cast.admin
            )
        with pytest.raises(errors.EffectiveBeforeInForce) as refusal:
            make_version(document, cast.author, "3.0", effective_at=THIRD)
        assert "withdraw" not in str(refusal.value)


def proposal(effective_at: datetime | None, issue_at: datetime | None = None) -> Proposal:
    return Proposal("3.0", ChangeClass.MINOR, effective_at, "Asia/Tokyo", issue_at, "", "")


@pytest.mark.parametrize(("effective_at", "issue_at"), [(THIRD, None), (None, THIRD), (THIRD, THIRD)])
def test_it_is_not_proposed(
    cast: Cast, document: Document, effective_at: datetime | None, issue_at: datetime | None
) -> None:
    draft = make_draft(document, cast.author, number="3.0")

    def propose(when: datetime | None) -> None:
        with own_transaction():
            change_proposal(
                draft=drafts.get_draft(draft.code),
                revision=draft.revision,
                proposal=proposal(when, issue_at),
                by=cast.author,
            )

    with pytest.raises(errors.EffectiveBeforeEarlier):
        propose(effective_at)
    propose(SEVENTH)


@pytest.mark.parametrize(
    ("effective_at", "stops"),
    [(None, True), (THIRD, True), (SEVENTH - timedelta(seconds=1), True), (SEVENTH, False)],
)
def test_the_lint_stops_it(cast: Cast, document: Document, effective_at: datetime | None, stops: bool) -> None:
    draft = make_draft(document, cast.author, number="3.0", effective_at=effective_at)
    found = {each.finding.kind: each for each in lint.examine(draft)}
    assert ("effective_before_earlier" in found) == stops
    if stops:
        told = found["effective_before_earlier"]
        assert told.stops
        assert "2.0" in told.what + told.mend
        assert "7 Dec 2026" in told.what


def test_the_field_says_it_in_the_readers_language(cast: Cast, document: Document, as_: Any) -> None:
    draft = make_draft(document, cast.author, number="3.0")
    page = as_(cast.author, language="ja").post(
        "library.change_proposal", code=draft.code,
        data={"number": "3.0", "change_class": "minor", "effective_on": "2026-12-03", "effective_time": "09:00",
              "zone": "Asia/Tokyo", "revision": str(draft.revision)}, expect=400,
    )  # fmt: skip
    assert "第2.0版" in page.text
    assert "12月7日" in page.text


def test_a_market_that_follows_does_not_bring_its_older_text_back(cast: Cast) -> None:
    given = [english(BASE_EN), japanese(BASE_JA)]
    base = make_published(cast.author, effective_at=TODAY, texts=given).document
    overlay = make_overlay(base, cast.author)
    publish_overlay(overlay, cast.author, "1.0")
    # The market's own change takes effect after the next version of the base.
    publish_overlay(queries.get_document(overlay.slug), cast.author, "2.0", effective_at=SEVENTH)
    given = [english(BASE_EN.replace("Opening", "Beginning")), japanese(BASE_JA)]
    make_version(queries.get_document(base.slug), cast.author, "2.0", effective_at=THIRD, texts=given)
    found = queries.get_document(overlay.slug).versions
    assert [each.origin.value for each in found] == ["import", "import", "followed"]
    assert found[-1].effective_at == SEVENTH
    assert in_force_over_time(found) == sorted(in_force_over_time(found))
    assert clock.now() < SEVENTH

"""Confirming: only what applies, only what was opened, only once, and for good."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy import text as sql
from sqlalchemy.exc import IntegrityError

from portal.accounts.models import Person
from portal.acknowledgements import errors, invariants, queries, service
from portal.acknowledgements.events import Acknowledged, ReadingConfirmed
from portal.acknowledgements.models import Acknowledgement, ReadingConfirmation
from portal.core import events
from portal.core.db import session
from portal.core.errors import DomainError
from portal.core.transaction import own_transaction
from portal.journal.queries import list_entries_about
from portal.library.models import AudienceKind, DocumentVersion
from portal.library.service import readings, versions
from tests.builders import Cast
from tests.library.builders import EN, english, japanese, make_document, make_published, make_version, soon
from tests.queries import counted_queries

READ = {"slug": "impersonation", "number": "1.0"}


@pytest.fixture
def heard() -> Iterator[list[Any]]:
    """Collect what is published about statements."""
    collected: list[Any] = []
    handler = collected.append
    for kind in (Acknowledged, ReadingConfirmed):
        events.subscribe(kind, handler)
    yield collected
    for kind in (Acknowledged, ReadingConfirmed):
        events._handlers[kind].remove(handler)


def opened(person: Person, version: DocumentVersion) -> DocumentVersion:
    readings.note_opened(person=person, version=version, known=None)
    return version


def acknowledged(version: DocumentVersion, by: Person, language: str = "ja") -> Acknowledgement:
    with own_transaction():
        return service.acknowledge(version=version, language=language, by=by, address="203.0.113.9")


def refusal(version: DocumentVersion, by: Person, language: str = "ja") -> DomainError:
    with pytest.raises(DomainError) as refused:
        acknowledged(version, by, language)
    with pytest.raises(type(refused.value)), own_transaction():
        service.confirm_reading(version=version, language=language, by=by)
    assert session.scalar(select(func.count()).select_from(Acknowledgement)) == 0
    return refused.value


def test_it_keeps_version_language_hash_sentence_and_moment(cast: Cast, heard: list[Any]) -> None:
    version = opened(
        cast.learner, make_published(cast.author, texts=[english(), japanese(attestation="この版を読みました。")])
    )
    row = acknowledged(version, cast.learner)
    text = version.text_in("ja")
    assert text is not None
    assert (row.language, row.text_hash, row.attestation) == ("ja", text.hash, "この版を読みました。")
    assert (row.market, row.team, row.address_class) == ("JP", "account-safety", "203.0.113.0/24")
    assert heard == [
        Acknowledged(
            person_id=cast.learner.id, document_id=version.document_id, document_slug="impersonation",
            version_id=version.id, version_number="1.0", acknowledgement_id=row.id,
        ),
        ReadingConfirmed(person_id=cast.learner.id, document_slug="impersonation", version_id=version.id),
    ]  # fmt: skip
    actions = [entry.action for entry in list_entries_about("document", "impersonation")]
    assert "acknowledgements.acknowledged" in actions


def test_a_second_confirmation_changes_nothing(cast: Cast, heard: list[Any]) -> None:
    version = opened(cast.learner, make_published(cast.author))
    first = acknowledged(version, cast.learner).id
    heard.clear()
    assert acknowledged(version, cast.learner, "en").id == first
    assert heard == []
    session.add(
        Acknowledgement(
            person_id=cast.learner.id, version_id=version.id, market="JP", language="ja", text_hash="x",
            attestation="x", at=version.issued_at,
        )
    )  # fmt: skip
    with pytest.raises(IntegrityError):
        session.flush()


def test_the_default_sentence_is_in_the_language_of_the_text(cast: Cast) -> None:
    version = opened(cast.learner, make_published(cast.author))
    assert acknowledged(version, cast.learner, "en").attestation.startswith("I have read")


def test_a_superseded_version_cannot_be_acknowledged(cast: Cast) -> None:
    version = opened(cast.learner, make_published(cast.author))
    make_version(version.document, cast.author, "1.1")
    refused = refusal(version, cast.learner)
    assert isinstance(refused, errors.VersionSuperseded)
    assert "1.1" in str(refused)


def test_a_withdrawn_version_cannot_be_acknowledged(cast: Cast) -> None:
    version = opened(cast.learner, make_published(cast.author))
    with own_transaction():
        versions.withdraw_version(version=version, reason="Court order.", by=cast.author)
    assert isinstance(refusal(version, cast.learner), errors.VersionNotInForce)


def test_what_is_addressed_to_others_cannot_be_acknowledged(cast: Cast) -> None:
    version = make_published(cast.author, audience={AudienceKind.MARKET: ["US"]})
    opened(cast.learner, version)
    assert isinstance(refusal(version, cast.learner), errors.NotAddressed)


def test_what_was_never_opened_cannot_be_acknowledged(cast: Cast) -> None:
    assert isinstance(refusal(make_published(cast.author), cast.learner), errors.NeverOpened)


def test_a_text_that_is_not_there_cannot_be_acknowledged(cast: Cast) -> None:
    version = opened(cast.learner, make_published(cast.author, texts=[english()]))
    assert isinstance(refusal(version, cast.learner, "ja"), errors.LanguageMissing)


def test_a_version_can_be_acknowledged_between_publication_and_its_day(cast: Cast) -> None:
    version = opened(cast.learner, make_published(cast.author, effective_at=soon()))
    assert acknowledged(version, cast.learner).version_id == version.id


def test_a_further_market_counts_as_the_one_in_which_it_was_confirmed(cast: Cast) -> None:
    version = make_published(cast.author, audience={AudienceKind.MARKET: ["JP"]})
    cast.outsider.further_markets.append(cast.learner.home_market)
    session.commit()
    opened(cast.outsider, version)
    assert acknowledged(version, cast.outsider, "en").market == "JP"


def test_reading_can_be_confirmed_without_agreeing(cast: Cast, heard: list[Any]) -> None:
    version = opened(cast.learner, make_published(cast.author))
    for _time in range(2):
        with own_transaction():
            service.confirm_reading(version=version, language="ja", by=cast.learner)
    assert heard == [ReadingConfirmed(cast.learner.id, "impersonation", version.id)]
    assert queries.find_acknowledgement(cast.learner, version) is None


# --- the page -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("person", "before", "after"), [
    ("learner", "第1.0版を確認する", "に確認済み"),
    ("colleague", "Confirm version 1.0", "Confirmed on"),
])  # fmt: skip
def test_the_way_through_the_page(cast: Cast, as_: Any, person: str, before: str, after: str) -> None:
    make_published(cast.author)
    reader = as_(getattr(cast, person))
    page = reader.get("library.read", slug="impersonation")
    assert before in page.text
    form = next(form for form in page.all("form") if str(form.get("action")).endswith("/acknowledge"))
    data = {str(field.get("name")): str(field.get("value", "y")) for field in form.iter("input")}
    response = reader.post("acknowledgements.acknowledge", data, **READ)
    assert response.headers["Location"] == "/library/impersonation#confirmation"
    done = reader.follow(response)
    assert after in done.text
    assert before not in [" ".join("".join(each.itertext()).split()) for each in done.all("button")]
    own = reader.get("acknowledgements.own")
    assert "/library/impersonation/versions/1.0" in own.links()


def test_without_the_tick_the_page_asks_for_it_and_keeps_the_way(cast: Cast, as_: Any) -> None:
    make_published(cast.author)
    for person, words in ((cast.colleague, "Tick the box"), (cast.learner, "チェック")):
        reader = as_(person)
        reader.get("library.read", slug="impersonation")
        page = reader.post(
            "acknowledgements.acknowledge", {"confirmation_shown_language": person.language}, expect=400, **READ
        )
        assert words in page.text
        assert page.all("input", type="checkbox")
    assert session.scalar(select(func.count()).select_from(Acknowledgement)) == 0


@pytest.mark.parametrize("given", ["no", "0", "False", "off", " ", "yy", "on"])
def test_only_the_tick_of_the_page_agrees(cast: Cast, as_: Any, given: str) -> None:
    make_published(cast.author)
    reader = as_(cast.colleague)
    reader.get("library.read", slug="impersonation")
    data = {"confirmation_shown_language": "en", "confirmation_agree": given}
    page = reader.post("acknowledgements.acknowledge", data, expect=400, **READ)
    assert "Tick the box" in page.text
    assert session.scalar(select(func.count()).select_from(Acknowledgement)) == 0
    # The box that is shown again is the page's own.
    data["confirmation_agree"] = page.one("input", type="checkbox").get("value", "")
    reader.post("acknowledgements.acknowledge", data, **READ)


def test_a_forged_language_is_refused(cast: Cast, as_: Any) -> None:
    make_published(cast.author)
    reader = as_(cast.colleague)
    for data in ({}, {"confirmation_shown_language": "jp", "confirmation_agree": "y"}):
        page = reader.post("acknowledgements.acknowledge", data, expect=400, **READ)
        assert "no text in that language" in page.text
    page = reader.post("acknowledgements.confirm_reading", {"shown_language": "xx"}, expect=409, **READ)
    assert "has not been opened yet" in page.text


def test_refusals_are_told_on_a_page(cast: Cast, as_: Any) -> None:
    version = make_published(cast.author)
    reader = as_(cast.colleague)
    data = {"confirmation_shown_language": "en", "confirmation_agree": "y"}
    assert "has not been opened yet" in reader.post("acknowledgements.acknowledge", data, expect=409, **READ).text
    reader.get("library.read", slug="impersonation")
    make_version(version.document, cast.author, "1.1")
    page = reader.post("acknowledgements.acknowledge", data, expect=409, **READ)
    assert "Version 1.0 has been replaced by 1.1." in page.text
    japanese_page = as_(cast.learner).post(
        "acknowledgements.acknowledge", data, expect=409, slug="impersonation", number="1.0"
    )
    assert "第1.1版" in japanese_page.text


def test_reading_only_is_noted_from_the_page(cast: Cast, as_: Any) -> None:
    make_published(cast.author)
    reader = as_(cast.colleague)
    reader.get("library.read", slug="impersonation")
    response = reader.post("acknowledgements.confirm_reading", {"shown_language": "en"}, **READ)
    page = reader.follow(response)
    assert "Read on" in page.text
    assert "Confirm version 1.0" in page.text
    own = reader.get("acknowledgements.own")
    assert "Read only" in own.text
    as_(cast.learner).get("acknowledgements.own")


def test_the_way_back_leads_only_to_our_own_pages(cast: Cast, as_: Any) -> None:
    make_published(cast.author)
    reader = as_(cast.colleague)
    reader.get("library.read", slug="impersonation")
    data = {"shown_language": "en", "next": "https://evil.example/"}
    response = reader.post("acknowledgements.confirm_reading", data, **READ)
    assert response.headers["Location"] == "/library/impersonation#confirmation"
    data["next"] = "/today"
    assert reader.post("acknowledgements.confirm_reading", data, **READ).headers["Location"] == "/today"


def test_whoever_reads_only_by_role_is_not_asked(cast: Cast, as_: Any) -> None:
    make_published(cast.author, audience={AudienceKind.MARKET: ["US"]})
    page = as_(cast.author).get("library.read", slug="impersonation")
    assert not page.all("form", action="/library/impersonation/versions/1.0/acknowledge")
    data = {"confirmation_shown_language": "ja", "confirmation_agree": "y"}
    as_(cast.author).post("acknowledgements.acknowledge", data, expect=403, **READ)
    as_(cast.learner).post("acknowledgements.acknowledge", data, expect=404, **READ)


def test_an_older_confirmation_is_named_beside_the_new_version(cast: Cast, as_: Any) -> None:
    version = opened(cast.colleague, make_published(cast.author))
    acknowledged(version, cast.colleague, "en")
    make_version(version.document, cast.author, "1.1", texts=[english(EN.replace("None", "One")), japanese()])
    reader = as_(cast.colleague)
    page = reader.get("library.read", slug="impersonation")
    assert "Version 1.0 was confirmed on" in page.text
    assert "Confirm version 1.1" in page.text
    old = reader.get("library.read_version", **READ)
    assert "Confirmed on" in old.text
    assert "Superseded" in reader.get("acknowledgements.own").text


def test_nothing_confirmed_yet_says_where_to_begin(cast: Cast, as_: Any) -> None:
    assert "Nothing has been confirmed yet" in as_(cast.colleague).get("acknowledgements.own").text
    as_(cast.learner).get("acknowledgements.own")


def test_the_number_of_queries_does_not_grow_with_the_confirmations(cast: Cast, as_: Any) -> None:
    def count() -> int:
        reader = as_(cast.colleague)
        with counted_queries() as statements:
            reader.get("acknowledgements.own")
        return len(statements)

    def confirm(slug: str) -> None:
        version = opened(cast.colleague, make_published(cast.author, slug))
        acknowledged(version, cast.colleague, "en")
        other = opened(cast.colleague, make_published(cast.author, f"{slug}-read"))
        with own_transaction():
            service.confirm_reading(version=other, language="en", by=cast.colleague)

    confirm("first")
    few = count()
    for number in range(4):
        confirm(f"further-{number}")
    assert count() == few


@pytest.mark.parametrize(
    "breakage",
    [
        "update acknowledgements set text_hash = 'x'",
        "update acknowledgements set language = 'en'",
        "update acknowledgements set attestation = ' '",
        "update acknowledgements set market = 'US'",
        "update acknowledgements set at = '2020-01-01 00:00:00.000000'",
    ],
)
def test_the_doctor_finds_a_changed_acknowledgement(cast: Cast, breakage: str) -> None:
    version = opened(cast.learner, make_published(cast.author, audience={AudienceKind.MARKET: ["JP"]}))
    acknowledged(version, cast.learner)
    assert invariants.acknowledgements_name_what_was_shown() == []
    session.rollback()
    session.execute(sql(breakage))
    session.commit()
    session.expire_all()
    assert invariants.acknowledgements_name_what_was_shown() != []


def test_a_changed_audience_does_not_make_earlier_confirmations_wrong(cast: Cast) -> None:
    from portal.library.service.documents import set_audience

    version = opened(cast.learner, make_published(cast.author, audience={AudienceKind.MARKET: ["JP"]}))
    acknowledged(version, cast.learner)
    with own_transaction():
        set_audience(document=version.document, audience={AudienceKind.MARKET: ["US"]}, by=cast.author)
    assert invariants.acknowledgements_name_what_was_shown() == []


def test_statements_refer_to_what_is_there(cast: Cast) -> None:
    make_document(cast.author)
    session.add(
        ReadingConfirmation(
            person_id=cast.learner.id, version_id=9_999, language="ja", text_hash="x", at=cast.learner.created_at
        )
    )
    with pytest.raises(IntegrityError):
        session.flush()

"""A text of a card that holds a secret is gone for good once two people say so: from versions, dossiers and files."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from portal.accounts.models import Person, Role
from portal.core import jobs
from portal.core.db import session
from portal.core.transaction import own_transaction
from portal.duties import errors
from portal.duties.invariants import INVARIANTS as OF_DUTIES
from portal.duties.models import CardRemoval
from portal.duties.queries.cards import find_card, find_removal
from portal.duties.rules.cards import Question
from portal.duties.service import cards, removals
from portal.duties.views.cards_today import texts_to_take_out
from portal.handover.invariants import INVARIANTS as OF_HANDOVER
from portal.handover.models import Handover
from portal.handover.queries import dossiers as queries
from portal.handover.service import issuing
from portal.journal.invariants import history_is_as_it_was_sealed, seals_are_those_of_their_entries
from portal.library.invariants import INVARIANTS as OF_LIBRARY
from tests.builders import Cast, make_grant
from tests.handover.builders import KIND, Things, assign, begin, give, owed, written
from tests.page_client import PageClient

pytestmark = pytest.mark.usefixtures("today")
LANGUAGES = pytest.mark.parametrize("language", ["en", "ja"])
# What the filter knows nothing of.
SECRET = "Kumo-no-ue-38"
HELD = {"en": "Held back since", "ja": "から表示を止めています"}
GONE = {"en": "Taken out by", "ja": "さんが削除しました"}


def write(parts: Any, by: Person, questions: Any = ()) -> None:
    with own_transaction():
        known = find_card(KIND, "one")
        cards.write_card(
            subject=cards.get_subject(KIND, "one"),
            parts=parts,
            questions=questions,
            seen=known.latest.number if known is not None and known.versions else 0,
            by=by,
        )


def ask(by: Person, *, number: int = 1, part: str = "access", everywhere: bool = False) -> CardRemoval:
    with own_transaction():
        return removals.ask(
            subject=cards.get_subject(KIND, "one"),
            number=number,
            part=part,
            reason="A secret",
            is_everywhere=everywhere,
            by=by,
        )


def again(row: CardRemoval) -> CardRemoval:
    session.expire_all()
    found = find_removal(row.code)
    assert found is not None
    return found


def said(part: str = "access") -> list[str]:
    """Return what each version of the card says, as text."""
    session.expire_all()
    card = find_card(KIND, "one")
    assert card is not None
    return [str(each.questions if part == "questions" else each.parts.get(part)) for each in card.versions]


def issued(handover: Handover) -> list[str]:
    """Return every text of every version of every dossier, its clauses as shown, and its files."""
    session.expire_all()
    found = []
    for dossier in queries.list_dossiers(handover):
        for version in dossier.document.versions:
            for text in version.texts:
                found += [text.source, *(f"{row.source} {row.html}" for row in text.clause_texts)]
    return found


def whole() -> list[str]:
    """Return what doctor says of cards, dossiers, texts and seals."""
    checks = (*OF_DUTIES.values(), *OF_HANDOVER.values(), *OF_LIBRARY.values())
    return [
        *(one for check in checks for one in check()),
        *history_is_as_it_was_sealed(),
        *seals_are_those_of_their_entries(),
    ]


@pytest.fixture
def handover(cast: Cast, things: Things) -> Handover:
    """The colleague hands over a thing whose card held a secret in its first version; the author takes it over."""
    make_grant(cast.lead, Role.LEAD)
    give(things, cast.colleague, "one")
    asked = [Question("何番ですか", SECRET, ("38",))]
    write({"access": {"ja": f"金庫は {SECRET}"}, "steps": {"en": "Open it"}}, cast.colleague, asked)
    found = begin(cast.colleague, cast.lead)
    assign(found, cast.author, "one")
    with own_transaction():
        issuing.issue(handover=found, by=cast.lead)
    jobs.run_due()
    write({"access": {"ja": "リードに申請"}, "steps": {"en": "Open it"}}, cast.colleague)
    return found


def test_two_people_take_a_text_out_of_every_version_and_dossier_and_the_seals_hold(
    cast: Cast, handover: Handover
) -> None:
    was = whole()
    assert any(SECRET in each for each in issued(handover))
    row = ask(cast.colleague)
    assert said()[1] == "{'ja': 'リードに申請'}"
    assert not any(SECRET in each.partition("何番")[0] for each in said())
    assert any(HELD["en"] in each for each in issued(handover))
    assert not any(f"金庫は {SECRET}" in each for each in issued(handover))
    with pytest.raises(errors.RemovalByTwo), own_transaction():
        removals.confirm(removal=again(row), by=cast.colleague)
    with own_transaction():
        removals.confirm(removal=again(row), by=cast.lead)
    assert GONE["en"] in said()[0]
    assert GONE["ja"] in said()[0]
    assert again(row).held is None
    assert not any("金庫" in each for each in issued(handover))
    assert any(GONE["ja"] in each for each in issued(handover))
    jobs.run_due()
    assert whole() == was
    with pytest.raises(errors.RemovalDecided), own_transaction():
        removals.confirm(removal=again(row), by=cast.admin)
    with pytest.raises(errors.TakenOutAlready):
        ask(cast.colleague)


def test_questions_of_a_card_are_taken_out_and_nobody_is_asked_them(cast: Cast, handover: Handover) -> None:
    row = ask(cast.colleague, part="questions")
    assert not any(SECRET in each for each in said("questions"))
    with own_transaction():
        removals.confirm(removal=again(row), by=cast.lead)
    card = find_card(KIND, "one")
    assert card is not None
    assert cards.asked_of(card.versions[0]) == []
    assert not any("何番" in each for each in issued(handover))


def test_what_is_declined_or_withdrawn_stands_where_it_stood(cast: Cast, handover: Handover) -> None:
    was, texts, breaches = said(), issued(handover), whole()
    for by in (cast.lead, cast.colleague):
        row = ask(cast.colleague)
        assert issued(handover) != texts
        with own_transaction():
            removals.drop(removal=again(row), by=by)
        assert (said(), issued(handover)) == (was, texts)
        assert again(row).held is None
    jobs.run_due()
    assert whole() == breaches


def test_a_part_is_taken_out_of_all_versions_where_that_is_asked(cast: Cast, handover: Handover) -> None:
    row = ask(cast.colleague, everywhere=True)
    assert row.numbers == [1, 2]
    assert all(HELD["en"] in each for each in said())


def test_what_was_issued_or_written_while_it_waited_says_what_came_of_it(cast: Cast, handover: Handover) -> None:
    breaches = whole()
    row = ask(cast.colleague, number=2)
    with own_transaction():
        issuing.issue(handover=handover, by=cast.lead)
    card = find_card(KIND, "one")
    assert card is not None
    write({"access": dict(card.latest.parts["access"]), "steps": {"en": "Open it twice"}}, cast.colleague)
    with own_transaction():
        removals.confirm(removal=again(row), by=cast.lead)
    assert [GONE["en"] in each for each in said()] == [False, True, True]
    assert not any(HELD["en"] in each for each in issued(handover))
    with own_transaction():
        issuing.issue(handover=handover, by=cast.lead)
    assert whole() == breaches


def test_files_and_the_index_forget_it_at_once_and_a_new_file_is_printed(
    app: Flask, cast: Cast, handover: Handover
) -> None:
    slug = queries.list_dossiers(handover)[0].document.slug
    address = {"slug": slug, "number": "1.0", "language": "ja"}
    lead = PageClient(app, cast.lead, "ja")
    first = lead.fetch("handover.issued_pdf", **address)
    assert first.status_code == 200
    assert slug in " ".join(lead.get("library.search", q="金庫").links())
    row = ask(cast.colleague)
    assert lead.fetch("handover.issued_pdf", **address).status_code == 404
    assert slug not in " ".join(lead.get("library.search", q="金庫").links())
    assert "金庫" not in lead.get("library.read_version", slug=slug, number="1.0").text
    assert "金庫" not in lead.fetch("handover.issued_markdown", **address).text
    jobs.run_due()
    assert lead.fetch("handover.issued_pdf", **address).data != first.data
    with own_transaction():
        removals.confirm(removal=again(row), by=cast.lead)
    jobs.run_due()
    assert lead.fetch("handover.issued_pdf", **address).status_code == 200


def test_who_can_decide_is_told_and_finds_it_on_today_until_it_is_decided(
    app: Flask, cast: Cast, handover: Handover
) -> None:
    row = ask(cast.colleague)
    told = owed("duties.removal_asked")
    assert cast.lead.code in {each["to"] for each in told}
    assert cast.colleague.code not in {each["to"] for each in told}
    (of_lead,) = [each for each in told if each["to"] == cast.lead.code]
    assert "A secret" in written("duties.removal_asked", **of_lead)
    with app.test_request_context():
        assert [len(texts_to_take_out(each)) for each in (cast.lead, cast.admin, cast.colleague)] == [1, 1, 0]
    with own_transaction():
        removals.drop(removal=again(row), by=cast.lead)
    session.expire_all()
    assert written("duties.removal_asked", **of_lead) == ""
    with app.test_request_context():
        assert texts_to_take_out(cast.lead) == ()


@LANGUAGES
def test_the_pages_hide_the_text_from_all_but_those_two(
    app: Flask, cast: Cast, handover: Handover, language: str
) -> None:
    thing = {"kind": KIND, "thing": "one"}
    hers, leads = PageClient(app, cast.colleague, language), PageClient(app, cast.lead, language)
    version = leads.get("duties.card_version", number=1, **thing)
    assert SECRET in version.text
    assert any("/cards/take-out/1/" in each for each in version.links())
    hers.post("duties.take_out", number=1, **thing, data={"part": "access", "reason": ""}, expect=400)
    hers.post("duties.take_out", number=1, **thing, data={"part": "purpose", "reason": "x"}, expect=400)
    hers.post(
        "duties.take_out", number=1, **thing, data={"part": "access", "reason": "password: Tr0ub4dor&3"}, expect=400
    )
    hers.post("duties.take_out", number=1, **thing, data={"part": "access", "reason": "暗証番号"})
    session.expire_all()
    (row,) = session.query(CardRemoval)
    for person in (cast.colleague, cast.lead, cast.author):
        page = PageClient(app, person, language).get("duties.card_version", number=1, **thing)
        assert f"金庫は {SECRET}" not in page.text
        assert HELD[language] in page.text
    assert f"金庫は {SECRET}" in hers.get("duties.removal", code=row.code, **thing).text
    assert f"金庫は {SECRET}" in leads.get("duties.removal", code=row.code, **thing).text
    # A successor is told that it waits, and not what it says; an administrator confirms and does not read.
    assert "金庫" not in PageClient(app, cast.author, language).get("duties.removal", code=row.code, **thing).text
    assert "金庫" not in PageClient(app, cast.admin, language).get("duties.removal", code=row.code, **thing).text
    PageClient(app, cast.outsider, language).get("duties.removal", code=row.code, **thing, expect=404)
    hers.post("duties.removal", code=row.code, **thing, data={"act": "confirm"}, expect=409)
    PageClient(app, cast.author, language).post(
        "duties.removal", code=row.code, **thing, data={"act": "drop"}, expect=409
    )
    leads.post("duties.removal", code=row.code, **thing, data={"act": "confirm"})
    assert GONE[language] in leads.get("duties.card_version", number=1, **thing).text

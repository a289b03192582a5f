"""A text with a secret in it can be taken out for good by two people; that something stood there stays."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from portal.accounts.models import Role
from portal.core import clock
from portal.core.db import session
from portal.core.transaction import own_transaction
from portal.handover import errors
from portal.handover.models import Handover, ItemEvidence
from portal.handover.queries import handovers as queries
from portal.handover.queries import orphans as standing_orphans
from portal.handover.queries import stand_ins as stand_in_queries
from portal.handover.rules import ItemState, Stage
from portal.handover.service import items, orphans, removals
from portal.journal.invariants import history_is_as_it_was_sealed, seals_are_those_of_their_entries
from portal.journal.models import JournalEntry
from tests.builders import Cast, make_grant
from tests.handover.builders import KIND, TODAY, Things, assign, at, begin, give, item_of, owed, plan, state, written

pytestmark = pytest.mark.usefixtures("today")
LANGUAGES = pytest.mark.parametrize("language", ["en", "ja"])
WORDS, WHY = "秘密の記載", "家族の事情"


@pytest.fixture
def handover(cast: Cast, things: Things) -> Handover:
    """A thing that a colleague has watched, which she took back."""
    give(things, cast.author, "a")
    found = begin(cast.author, cast.lead)
    assign(found, cast.colleague, "a")
    with own_transaction():
        items.record_evidence(
            item=item_of(found, "a"), stage=Stage.SHADOW, done_on=TODAY, words=WORDS, by=cast.colleague
        )
    with own_transaction():
        items.take_back(item=item_of(found, "a"), evidence=evidence(found), by=cast.colleague)
    return found


def evidence(found: Handover) -> ItemEvidence:
    session.expire_all()
    (row,) = queries.get_course(item_of(found, "a")).evidence
    return row


def test_one_asks_and_another_confirms_and_the_journal_keeps_that_something_stood_there(
    cast: Cast, handover: Handover
) -> None:
    with own_transaction():
        removals.ask(row=evidence(handover), reason="A password", by=cast.colleague)
    with pytest.raises(errors.RemovalByTwo), own_transaction():
        removals.confirm(row=evidence(handover), by=cast.colleague)
    assert evidence(handover).words == WORDS
    with own_transaction():
        removals.confirm(row=evidence(handover), by=cast.lead)
    row = evidence(handover)
    assert (row.words, row.link, row.removed_by, row.removal_asked_by) == ("", "", cast.lead.code, cast.colleague.code)
    with pytest.raises(errors.RemovedAlready), own_transaction():
        removals.ask(row=evidence(handover), reason="Again", by=cast.admin)


def test_nobody_confirms_what_nobody_asked_for(cast: Cast, handover: Handover) -> None:
    with pytest.raises(errors.RemovalByTwo), own_transaction():
        removals.confirm(row=evidence(handover), by=cast.lead)


def test_who_leads_is_asked_to_confirm_until_it_is_done(cast: Cast, handover: Handover) -> None:
    with own_transaction():
        removals.ask(row=evidence(handover), reason="A password", by=cast.colleague)
    (asked,) = owed("handover.removal_asked")
    assert written("handover.removal_asked", **asked).startswith(cast.lead.sign_in_name)
    with own_transaction():
        removals.confirm(row=evidence(handover), by=cast.admin)
    session.expire_all()
    assert written("handover.removal_asked", **asked) == ""


@LANGUAGES
def test_the_pages_lead_from_the_history_to_the_text_that_is_gone(
    cast: Cast, handover: Handover, as_: Any, language: str
) -> None:
    hers, leads = as_(cast.colleague, language=language), as_(cast.lead, language=language)
    values = {"item": item_of(handover, "a").code, "evidence": evidence(handover).code}
    assert any("/remove" in each for each in hers.get("handover.item", item=values["item"]).links())
    hers.post("handover.remove_evidence", **values, data={"reason": ""}, expect=400)
    hers.post("handover.remove_evidence", **values, data={"reason": "暗証番号"})
    hers.post("handover.remove_evidence", **values, data={"act": "confirm"}, expect=409)
    leads.post("handover.remove_evidence", **values, data={"act": "confirm"})
    page = leads.get("handover.item", item=values["item"])
    assert WORDS not in page.text
    assert {"en": "Text taken out", "ja": "記載を削除しました"}[language] in page.text
    assert "暗証番号" in page.text
    as_(cast.outsider).get("handover.remove_evidence", **values, expect=404)


def test_what_waits_to_be_taken_out_is_read_by_the_two_alone_and_stands_again_when_declined(
    cast: Cast, handover: Handover, as_: Any
) -> None:
    values = {"item": item_of(handover, "a").code, "evidence": evidence(handover).code}
    hers, leads, giver = as_(cast.colleague), as_(cast.lead), as_(cast.author)
    hers.post("handover.remove_evidence", **values, data={"reason": "A password"})
    for reader in (hers, leads, giver):
        assert WORDS not in reader.get("handover.item", item=values["item"]).text
    assert WORDS in hers.get("handover.remove_evidence", **values).text
    assert WORDS in leads.get("handover.remove_evidence", **values).text
    leads.post("handover.remove_evidence", **values, data={"act": "drop"})
    assert WORDS in giver.get("handover.item", item=values["item"]).text
    leads.post("handover.remove_evidence", **values, data={"act": "drop"}, expect=409)
    # Asked again later, who leads is told again; then it is withdrawn, and the rows are as they were sealed.
    with clock.frozen(at(TODAY) + timedelta(minutes=5)):
        hers.post("handover.remove_evidence", **values, data={"reason": "A password"})
        assert len(owed("handover.removal_asked")) == 2
        hers.post("handover.remove_evidence", **values, data={"act": "drop"})
    assert WORDS in giver.get("handover.item", item=values["item"]).text
    told = {each.action for each in session.scalars(select(JournalEntry))}
    assert {"handover.removal_declined", "handover.removal_withdrawn"} <= told
    assert broken("handover_evidence") == []


@LANGUAGES
def test_what_a_stand_in_was_told_can_be_taken_out_as_well(cast: Cast, things: Things, as_: Any, language: str) -> None:
    give(things, cast.author, "a")
    found = plan(cast.author, cast.colleague, TODAY, TODAY)
    as_(cast.author, language=language).post(
        "handover.remove_stand_in_texts", code=found.code, data={"reason": "暗証番号"}
    )
    lead = as_(cast.lead, language=language)
    lead.post("handover.remove_stand_in_texts", code=found.code, data={"act": "confirm"})
    assert "The shared folder" not in lead.get("handover.stand_in", code=found.code).text
    session.expire_all()
    row = stand_in_queries.get_stand_in(found.code)
    assert (row.ongoing, row.places, row.trouble) == ("", "", "")


def test_the_journal_holds_what_is_left(cast: Cast, handover: Handover) -> None:
    with own_transaction():
        removals.ask(row=evidence(handover), reason="A password", by=cast.colleague)
    with own_transaction():
        removals.confirm(row=evidence(handover), by=cast.lead)
    breaches = [*seals_are_those_of_their_entries(), *history_is_as_it_was_sealed()]
    assert [each for each in breaches if "handover_evidence" in each] == []


# --- Reasons -----------------------------------------------------------------------------------


def test_no_reason_that_can_be_taken_out_stands_in_the_journal(cast: Cast, handover: Handover) -> None:
    with own_transaction():
        items.waive_stage(item=item_of(handover, "a"), stage=Stage.SHADOW, reason=WORDS, by=cast.lead)
    with own_transaction():
        items.refuse(item=item_of(handover, "a"), reason=WORDS, by=cast.colleague)
    with own_transaction():
        orphans.accept(person=cast.author, things=[(KIND, "a")], reason=WORDS, by=cast.admin)
    entries = list(session.scalars(select(JournalEntry)))
    assert {"handover.stage_waived", "handover.refused", "handover.orphan_accepted"} <= {e.action for e in entries}
    assert [e.action for e in entries if WORDS in f"{e.before}{e.after}{e.reason}"] == []


@LANGUAGES
def test_the_reason_of_a_refusal_is_taken_out_by_two(cast: Cast, handover: Handover, as_: Any, language: str) -> None:
    with own_transaction():
        items.refuse(item=item_of(handover, "a"), reason=WHY, by=cast.colleague)
    hers, leads = as_(cast.colleague, language=language), as_(cast.lead, language=language)
    item = item_of(handover, "a").code
    (address,) = [each for each in hers.get("handover.item", item=item).links() if "/refusals/" in each]
    assert address.endswith("/refusals/1/remove")
    values = {"item": item, "number": 1}
    hers.post("handover.remove_refusal", **values, data={"reason": "暗証番号"})
    (asked,) = owed("handover.removal_asked")
    assert "/refusals/1/remove" in written("handover.removal_asked", **asked)
    hers.post("handover.remove_refusal", **values, data={"act": "confirm"}, expect=409)
    leads.post("handover.remove_refusal", **values, data={"act": "confirm"})
    page = leads.get("handover.item", item=item)
    assert WHY not in page.text
    assert {"en": "Text taken out", "ja": "記載を削除しました"}[language] in page.text
    session.expire_all()
    assert written("handover.removal_asked", **asked) == ""
    leads.get("handover.remove_refusal", item=item, number=2, expect=404)
    as_(cast.outsider).get("handover.remove_refusal", **values, expect=404)
    # That it was refused stays, and holds.
    assert state(handover, "a") is ItemState.REFUSED
    assert broken("handover_decisions") == []


def test_another_successor_does_not_learn_what_was_refused_before(cast: Cast, handover: Handover, as_: Any) -> None:
    with own_transaction():
        items.refuse(item=item_of(handover, "a"), reason=WORDS, by=cast.colleague)
    assign(handover, cast.approver, "a")
    as_(cast.approver).get("handover.remove_refusal", item=item_of(handover, "a").code, number=1, expect=404)


@LANGUAGES
def test_why_something_may_have_no_owner_is_taken_out_by_two_for_all_of_it(
    cast: Cast, things: Things, as_: Any, language: str
) -> None:
    give(things, cast.author, "a", "b")
    lead, admin = as_(cast.lead, language=language), as_(cast.admin, language=language)
    make_grant(cast.lead, Role.LEAD)
    with own_transaction():
        orphans.accept(person=cast.author, things=[(KIND, "a"), (KIND, "b")], reason=WORDS, by=cast.lead)
    assert WORDS in admin.get("handover.accept_orphans", code=cast.author.code).text
    values = {"code": cast.author.code, "accepter": cast.lead.code}
    lead.post("handover.remove_orphan_reasons", **values, data={"reason": "健康のこと"})
    lead.post("handover.remove_orphan_reasons", **values, data={"act": "confirm"}, expect=409)
    (asked,) = [each for each in owed("handover.removal_asked") if each["to"] != cast.lead.code] or [None]
    assert asked is None or "/orphans/" in written("handover.removal_asked", **asked)
    admin.post("handover.remove_orphan_reasons", **values, data={"act": "confirm"})
    page = admin.get("handover.accept_orphans", code=cast.author.code)
    assert WORDS not in page.text
    assert {"en": "Text taken out", "ja": "記載を削除しました"}[language] in page.text
    admin.post("handover.remove_orphan_reasons", **values, data={"act": "confirm"}, expect=409)
    admin.get("handover.remove_orphan_reasons", code=cast.author.code, accepter=cast.learner.code, expect=302)
    session.expire_all()
    # Both acceptances stand as before.
    assert [each.reason for each in standing_orphans.list_standing(cast.author.id)] == ["", ""]
    assert broken("orphan_acceptances") == []


def broken(table: str) -> list[str]:
    breaches = [*seals_are_those_of_their_entries(), *history_is_as_it_was_sealed()]
    return [each for each in breaches if table in each]

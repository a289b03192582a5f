"""A stand-in may say that she cannot: who leads finds somebody else, and nothing is nobody's at any time."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from portal.accounts.models import Person, Role
from portal.core import clock, jobs
from portal.core.db import session
from portal.core.transaction import own_transaction
from portal.handover import errors
from portal.handover.models import StandIn
from portal.handover.queries import stand_ins as queries
from portal.handover.service import removals, stand_ins
from portal.journal.invariants import history_is_as_it_was_sealed, seals_are_those_of_their_entries
from tests.builders import Cast, make_grant
from tests.handover.builders import TODAY, Things, at, give, owed, owner_of, plan, written

pytestmark = pytest.mark.usefixtures("today")
FIRST_ON, LAST_ON = date(2026, 11, 9), date(2026, 11, 13)
REASON = "Away for a training"
LANGUAGES = pytest.mark.parametrize("language", ["en", "ja"])


def decline(row: StandIn, by: Person, reason: str = REASON) -> None:
    with own_transaction():
        stand_ins.decline(stand_in=row, reason=reason, by=by)


def now(row: StandIn) -> StandIn:
    session.expire_all()
    return queries.get_stand_in(row.code)


def work(day: date) -> None:
    session.expire_all()
    with clock.frozen(at(day)):
        jobs.run_periodic("handover.stand_ins")
    session.expire_all()


def test_what_was_declined_before_does_not_begin_and_stays_with_its_owner(cast: Cast, things: Things) -> None:
    give(things, cast.author, "a")
    row = plan(cast.author, cast.colleague, FIRST_ON, LAST_ON)
    decline(row, cast.colleague)
    work(FIRST_ON)
    assert (owner_of("a"), now(row).begun_at, now(row).ended_at) == (cast.author, None, None)
    work(LAST_ON + timedelta(days=1))
    assert now(row).ended_by == "system"
    # Nobody waits for the news that what she declined is over.
    assert owed("handover.stand_in_ended") == []


def test_what_has_gone_over_stays_until_somebody_else_is_named(cast: Cast, things: Things) -> None:
    give(things, cast.author, "a", "b", deputy=cast.lead)
    row = plan(cast.author, cast.colleague, TODAY, TODAY + timedelta(days=3))
    decline(row, cast.colleague)
    assert owner_of("a") == cast.colleague
    other = plan(cast.author, cast.approver, TODAY, TODAY + timedelta(days=3), by=cast.lead)
    assert [owner_of(each) for each in ("a", "b")] == [cast.approver, cast.approver]
    assert now(row).ended_by == cast.lead.code
    work(TODAY + timedelta(days=4))
    assert [owner_of(each) for each in ("a", "b")] == [cast.author, cast.author]
    assert now(other).ended_by == "system"


def test_another_is_not_named_beside_one_who_has_not_declined(cast: Cast, things: Things) -> None:
    give(things, cast.author, "a")
    plan(cast.author, cast.colleague, FIRST_ON, LAST_ON)
    with pytest.raises(errors.StandInOverlaps):
        plan(cast.author, cast.approver, LAST_ON, LAST_ON + timedelta(days=3))


def test_who_cannot_says_why_once_and_before_it_is_over(cast: Cast, things: Things) -> None:
    give(things, cast.author, "a")
    row = plan(cast.author, cast.colleague, FIRST_ON, LAST_ON)
    for reason, refusal in (
        (" ", errors.ReasonMissing),
        ("x" * 501, errors.TextTooLong),
        ("password: Hunter2-Kx9!", errors.LooksSecret),
    ):
        with pytest.raises(refusal):
            decline(row, cast.colleague, reason)
    decline(row, cast.colleague)
    with pytest.raises(errors.DeclinedAlready):
        decline(row, cast.colleague)
    with own_transaction():
        stand_ins.call_off(stand_in=now(row), by=cast.author)
    with pytest.raises(errors.StandInOver):
        decline(row, cast.colleague)


@LANGUAGES
def test_who_leads_and_who_is_away_are_told_by_mail(cast: Cast, things: Things, language: str) -> None:
    make_grant(cast.lead, Role.LEAD)
    with own_transaction():
        for each in (cast.lead, cast.author):
            session.get_one(Person, each.id).language = language
    give(things, cast.author, "a")
    row = plan(cast.author, cast.colleague, FIRST_ON, LAST_ON)
    decline(row, cast.colleague)
    mails = owed("handover.stand_in_declined")
    assert sorted(each["to"] for each in mails) == sorted([cast.lead.code, cast.author.code])
    for each in mails:
        mail = written("handover.stand_in_declined", **each)
        assert REASON in mail
        assert f"/stand-ins/{row.code}" in mail
        assert {"en": "cannot", "ja": "辞退"}[language] in mail
    plan(cast.author, cast.approver, FIRST_ON, LAST_ON)
    session.expire_all()
    assert [written("handover.stand_in_declined", **each) for each in mails] == ["", ""]


@LANGUAGES
def test_who_leads_finds_it_on_today_until_somebody_else_is_named(
    cast: Cast, things: Things, as_: Any, language: str
) -> None:
    make_grant(cast.lead, Role.LEAD)
    give(things, cast.author, "a")
    row = plan(cast.author, cast.colleague, FIRST_ON, LAST_ON)
    title = {"en": "Stand-ins to be found", "ja": "代行者を探す必要があるもの"}[language]
    lead, hers = as_(cast.lead, language=language), as_(cast.colleague, language=language)
    assert title not in lead.get("training.today").text
    assert any("/decline" in each for each in hers.get("handover.stand_in", code=row.code).links())
    hers.post("handover.decline_stand_in", code=row.code, data={"reason": ""}, expect=400)
    hers.post("handover.decline_stand_in", code=row.code, data={"reason": REASON})
    hers.post("handover.decline_stand_in", code=row.code, data={"reason": "Again"}, expect=409)
    page = lead.get("training.today")
    assert title in page.text
    assert REASON in page.text
    assert title not in hers.get("training.today").text
    shown = lead.get("handover.stand_in", code=row.code)
    assert REASON in shown.text
    (address,) = [each for each in shown.links() if "like=" in each]
    # What was written for the one who cannot stands there for the other.
    form = lead.send("GET", address)
    assert "The weekly review" in form.get_data(as_text=True)
    assert not [each for each in hers.get("handover.stand_in", code=row.code).links() if "like=" in each]
    plan(cast.author, cast.approver, FIRST_ON, LAST_ON, by=cast.lead)
    assert title not in lead.get("training.today").text


def test_nobody_else_says_for_her_that_she_cannot(cast: Cast, things: Things, as_: Any) -> None:
    make_grant(cast.lead, Role.LEAD)
    give(things, cast.author, "a")
    row = plan(cast.author, cast.colleague, FIRST_ON, LAST_ON)
    for person, expect in ((cast.lead, 403), (cast.author, 403), (cast.outsider, 404)):
        as_(person).post("handover.decline_stand_in", code=row.code, data={"reason": REASON}, expect=expect)
    assert now(row).declined_at is None


def test_the_reason_can_be_taken_out_and_the_journal_never_held_it(cast: Cast, things: Things) -> None:
    give(things, cast.author, "a")
    row = plan(cast.author, cast.colleague, FIRST_ON, LAST_ON)
    decline(row, cast.colleague)
    with own_transaction():
        removals.ask(row=now(row), reason="It names an illness", by=cast.author)
    with own_transaction():
        removals.confirm(row=now(row), by=cast.colleague)
    assert now(row).decline_reason == ""
    assert now(row).declined_at is not None
    breaches = [*seals_are_those_of_their_entries(), *history_is_as_it_was_sealed()]
    assert [each for each in breaches if "stand_ins" in each] == []

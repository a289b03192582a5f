"""The daily digest tells a successor what she takes over, and a lead what waits for her."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask

from portal.accounts import queries as accounts
from portal.accounts.models import Person, Role
from portal.core import clock
from portal.core.transaction import own_transaction
from portal.duties.rules import Criticality
from portal.duties.rules.cards import SIX
from portal.duties.service import cards
from portal.duties.service.criticality import set_criticality
from portal.handover import errors
from portal.handover.models import Handover
from portal.handover.queries import handovers as queries
from portal.handover.rules import Milestone, Reason
from portal.handover.service import handovers, items
from portal.reminders.service import digests
from portal.reminders.service.sources import Concern
from tests.builders import Cast, make_grant
from tests.handover.builders import KIND, LAST_ON, TODAY, Things, accept, assign, at, begin, close, give, item_of
from tests.reminders.test_digests import mails, send, text
from tests.training.builders import load_holidays

pytestmark = pytest.mark.usefixtures("today")
# Everything is to be accepted by Thursday 26 November.
BEFORE = date(2026, 11, 25)


def test_what_is_to_be_taken_over_is_told_near_its_day(app: Flask, cast: Cast, things: Things) -> None:
    give(things, cast.author, "mine", "nobodys")
    found = begin(cast.author, cast.lead)
    assign(found, cast.colleague, "mine")
    send(at(TODAY + timedelta(days=1)))
    assert mails(app, cast.colleague) == []
    send(at(BEFORE))
    assert "Take over “Thing mine”" in text(mails(app, cast.colleague)[-1])
    assert "Find successors in a handover: 1" in text(mails(app, cast.lead)[-1])


def test_what_is_accepted_is_told_no_more(app: Flask, cast: Cast, things: Things) -> None:
    give(things, cast.author, "mine")
    found = begin(cast.author, cast.lead)
    assign(found, cast.colleague, "mine")
    accept(found, cast.colleague, "mine")
    with clock.frozen(at(BEFORE)):
        send(at(BEFORE))
    assert mails(app, cast.colleague) == []
    assert mails(app, cast.lead) == []


# --- On the way ----------------------------------------------------------------------------------

# With a notice of twenty working days from Monday 2 November; the 3rd and the 23rd are holidays.
PLAN, INVENTORY, CARDS, SIGN_OFF = (date(2026, 11, day) for day in (5, 6, 13, 26))


def told(person: Person, day: date) -> dict[str, Concern]:
    """Return what of a handover the digest of a person says on a day, with why."""
    with clock.frozen(at(day)):
        composed = digests.compose([person]).get(person.id)
    parts = composed.parts if composed is not None else ()
    found = [item for part in parts for item in part.items if item.endpoint.startswith("handover.")]
    # No fact comes twice on a day.
    assert len({(str(item.what), item.due_on) for item in found}) == len(found)
    return {str(item.what).partition(":")[0].partition(";")[0]: item.concern for item in found}


@pytest.fixture
def handover(cast: Cast, things: Things) -> Handover:
    """The author hands over a critical thing to the colleague."""
    make_grant(cast.lead, Role.LEAD)
    give(things, cast.author, "one")
    with own_transaction():
        set_criticality(kind=KIND, code="one", criticality=Criticality.CRITICAL, reason="Users.", by=cast.lead)
    begun = begin(cast.author, cast.lead)
    assign(begun, cast.colleague, "one")
    return begun


AGREE, LOOK, WRITE = (
    "Agree on the plan of the handover",
    "Look through the items of the handover",
    "Write the cards of what is critical",
)
OPEN, LAST = "Items that nobody has accepted yet", "Last day of the handover"
TAKE = "Take over “Thing one”"


@pytest.mark.parametrize(
    ("day", "giver", "lead", "successor"),
    [
        # Told from three working days before it on.
        (TODAY, {AGREE, LOOK}, {AGREE: Concern.OWN}, set()),
        (PLAN, {AGREE, LOOK}, {AGREE: Concern.OWN}, set()),
        (INVENTORY, {AGREE, LOOK}, {AGREE: Concern.ESCALATED}, set()),
        (date(2026, 11, 9), {AGREE, LOOK}, {AGREE: Concern.ESCALATED, LOOK: Concern.ESCALATED}, set()),
        (CARDS, {AGREE, LOOK, WRITE}, {AGREE: Concern.ESCALATED, LOOK: Concern.ESCALATED}, set()),
        (SIGN_OFF, {AGREE, LOOK, WRITE}, dict.fromkeys((AGREE, LOOK, WRITE), Concern.ESCALATED), {TAKE}),
        (
            LAST_ON,
            {AGREE, LOOK, WRITE, LAST},
            dict.fromkeys((AGREE, LOOK, WRITE, OPEN), Concern.ESCALATED) | {LAST: Concern.OWN},
            {TAKE},
        ),
    ],
)
def test_each_step_is_told_to_whom_it_concerns_and_to_the_lead_once_it_has_passed(
    cast: Cast, handover: Handover, day: date, giver: set[str], lead: dict[str, Concern], successor: set[str]
) -> None:
    # On the first day of a week everything escalated is told again.
    assert set(told(cast.author, day)) == giver
    assert told(cast.lead, day) == lead
    assert set(told(cast.colleague, day)) == successor


def test_what_somebody_says_is_done_and_what_follows_is_told_no_more(
    cast: Cast, things: Things, handover: Handover
) -> None:
    for milestone in (Milestone.PLAN, Milestone.INVENTORY):
        with own_transaction():
            handovers.meet(handover=handover, milestone=milestone, by=cast.lead)
    assert set(told(cast.author, CARDS)) == {WRITE}
    with own_transaction():
        subject = cards.get_subject(KIND, "one")
        cards.write_card(subject=subject, parts={"steps": {"en": "Look"}}, questions=(), seen=0, by=cast.author)
    # Of six headings one: it is not written yet.
    assert set(told(cast.author, CARDS)) == {WRITE}
    with own_transaction():
        whole = {part.value: {"en": "Look"} for part in SIX}
        cards.write_card(subject=subject, parts=whole, questions=(), seen=1, by=cast.author)
    assert told(cast.author, CARDS) == {}
    accept(handover, cast.colleague, "one")
    assert told(cast.author, LAST_ON) == {}
    assert told(cast.lead, LAST_ON) == {"Close the handover": Concern.OWN}


def test_a_step_is_said_to_be_done_once_and_never_what_follows(cast: Cast, handover: Handover) -> None:
    with own_transaction():
        handovers.meet(handover=handover, milestone=Milestone.PLAN, by=cast.author)
    with pytest.raises(errors.MilestoneMetAlready), own_transaction():
        handovers.meet(handover=handover, milestone=Milestone.PLAN, by=cast.lead)
    for milestone in (Milestone.CARDS, Milestone.SIGN_OFF):
        with pytest.raises(errors.MilestoneNotSaid), own_transaction():
            handovers.meet(handover=handover, milestone=milestone, by=cast.lead)


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_step_is_done_with_one_click(cast: Cast, handover: Handover, as_: Any, language: str) -> None:
    giver = as_(cast.author, language=language)
    giver.post("handover.meet", code=handover.code, milestone="plan")
    page = giver.get("handover.handover", code=handover.code)
    assert len(page.all("form", action=f"/handovers/{handover.code}/done/inventory")) == 1
    assert page.all("form", action=f"/handovers/{handover.code}/done/plan") == []
    giver.post("handover.meet", code=handover.code, milestone="cards", expect=404)


def test_what_has_passed_is_mailed_once_until_the_next_week(app: Flask, cast: Cast, handover: Handover) -> None:
    # A Friday: the plan has passed since yesterday.
    send(at(INVENTORY))
    send(at(INVENTORY, hour=11))
    send(at(INVENTORY + timedelta(days=3)))
    send(at(INVENTORY + timedelta(days=4)))
    times = sum(AGREE in text(each) for each in mails(app, cast.lead))
    assert times == 2


PASSED = LAST_ON + timedelta(days=1)


def test_that_the_last_day_has_passed_is_all_that_is_said_of_what_is_late(cast: Cast, handover: Handover) -> None:
    assert told(cast.lead, PASSED) == {"The last day has passed": Concern.ESCALATED}


@pytest.mark.parametrize("language", ["en", "ja"])
def test_what_is_late_in_handovers_stands_apart_from_what_learners_owe(
    app: Flask, cast: Cast, handover: Handover, language: str
) -> None:
    with own_transaction():
        accounts.get_person(cast.lead.code).language = language
    send(at(PASSED))
    said = text(mails(app, cast.lead)[-1])
    assert {"en": "Handovers of people whom you lead", "ja": "担当する人の引継ぎ"}[language] in said
    assert {"en": "The last day has passed; items left: 1", "ja": "最終日を過ぎました（残り1件）"}[language] in said


def test_what_was_refused_is_told_to_the_lead_the_next_day(cast: Cast, handover: Handover) -> None:
    with own_transaction():
        items.refuse(item=item_of(handover, "one"), reason="No time", by=cast.colleague)
    assert told(cast.lead, TODAY + timedelta(days=2))["Find successors in a handover"] is Concern.OWN


def test_giver_and_lead_are_reminded_to_hand_back_once_leave_is_over(cast: Cast, things: Things) -> None:
    make_grant(cast.lead, Role.LEAD)
    give(things, cast.author, "one")
    back_on = LAST_ON + timedelta(days=42)
    found = begin(cast.author, cast.lead, reason=Reason.LEAVE, back_on=back_on)
    assign(found, cast.colleague, "one")
    accept(found, cast.colleague, "one")
    close(found, cast.lead)
    back = {"Hand back what moved for leave": Concern.OWN}
    with clock.frozen(at(back_on)):
        load_holidays()
    assert told(cast.author, back_on - timedelta(days=1)) == told(cast.lead, back_on - timedelta(days=1)) == {}
    assert told(cast.author, back_on) == told(cast.lead, back_on) == back
    with own_transaction():
        handovers.hand_back(handover=queries.get_handover(found.code), by=cast.lead)
    assert told(cast.author, back_on) == {}

"""Leave that is entered with a handover or a stand-in is leave everywhere, once, and goes with it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from portal.accounts.models import Person
from portal.calendars import service as calendars
from portal.calendars.models import Leave
from portal.calendars.queries import leave_days, list_leave
from portal.core import clock, jobs
from portal.core.db import session
from portal.core.transaction import own_transaction
from portal.handover import errors
from portal.handover.models import Handover, HandoverItem, StandIn
from portal.handover.rules import Reason
from portal.handover.service import handovers, stand_ins
from portal.training import queries as training
from tests.builders import Cast
from tests.handover.builders import LAST_ON, TODAY, Things, at, begin, give, owner_of, plan
from tests.training.builders import make_documents, make_enrollment, make_plan

pytestmark = pytest.mark.usefixtures("today")
BACK_ON = date(2027, 2, 1)
WEEK = (date(2026, 11, 9), date(2026, 11, 13))


def rows(person: Person) -> list[tuple[str, str, bool]]:
    """Return the leave of somebody: first day, last day, whether it was entered with something else."""
    session.expire_all()
    return [(f"{each.first_on:%m-%d}", f"{each.last_on:%m-%d}", bool(each.with_code)) for each in list_leave(person.id)]


def move(found: Handover, by: Person, back_on: date, *, last_on: date = LAST_ON) -> None:
    with own_transaction():
        handovers.move_last_day(
            handover=found, last_on=last_on, back_on=back_on, reason="Sooner", seen=len(found.days), by=by
        )


def test_the_leave_of_a_handover_is_entered_once_and_goes_with_its_days(cast: Cast) -> None:
    with own_transaction():
        calendars.record_leave(person=cast.author, first_on=date(2026, 12, 7), last_on=date(2026, 12, 11), by=cast.lead)
    before = ("12-07", "12-11", False)
    found = begin(cast.author, cast.lead, reason=Reason.LEAVE, back_on=BACK_ON)
    assert rows(cast.author) == [("12-03", "12-06", True), before, ("12-12", "01-31", True)]
    assert len(leave_days(cast.author.id)) == (BACK_ON - LAST_ON).days - 1
    move(found, cast.lead, date(2027, 1, 18))
    assert rows(cast.author) == [("12-03", "12-06", True), before, ("12-12", "01-17", True)]
    # Nothing is edited: what was entered before is there, withdrawn.
    assert session.query(Leave).filter(Leave.withdrawn_at.is_not(None)).count() == 1
    with own_transaction():
        handovers.call_off(handover=found, reason="She stays", by=cast.lead)
    assert rows(cast.author) == [before]


def test_days_of_leave_that_have_passed_stay_where_it_ends_early(cast: Cast) -> None:
    row = plan(cast.author, cast.colleague, *WEEK, by=cast.lead)
    assert rows(cast.author) == [("11-09", "11-13", True)]
    with clock.frozen(at(WEEK[0] + timedelta(days=2))), own_transaction():
        stand_ins.call_off(stand_in=row, by=cast.lead)
    assert rows(cast.author) == [("11-09", "11-10", True)]


def test_only_leave_is_leave_and_a_stand_in_who_declines_changes_nothing(cast: Cast) -> None:
    for person, reason in (
        (cast.learner, Reason.RESIGNATION),
        (cast.colleague, Reason.TRANSFER),
        (cast.author, Reason.REHEARSAL),
    ):
        begin(person, cast.lead, reason=reason)
        assert rows(person) == []
    row = plan(cast.approver, cast.admin, *WEEK, by=cast.lead)
    with own_transaction():
        stand_ins.decline(stand_in=row, reason="Busy", by=cast.admin)
    assert rows(cast.approver) == [("11-09", "11-13", True)]
    # Whoever takes her place takes over the leave, too.
    plan(cast.approver, cast.lead, *WEEK, by=cast.lead)
    assert rows(cast.approver) == [("11-09", "11-13", True)]


@pytest.mark.parametrize("language", ["en", "ja"])
def test_nobody_enters_her_own_leave_and_whoever_leads_is_led_to_it(cast: Cast, as_: Any, language: str) -> None:
    row = plan(cast.author, cast.colleague, *WEEK)
    assert rows(cast.author) == []
    own, lead = as_(cast.author, language=language), as_(cast.lead, language=language)
    said = {"en": "Leave that is not entered", "ja": "未入力の休暇"}[language]
    page = own.get("handover.stand_in", code=row.code)
    assert said in page.text
    assert not [each for each in page.links() if "with=" in each]
    today = lead.get("training.today")
    assert {"en": "Leave to be entered", "ja": "入力が必要な休暇"}[language] in today.text
    assert said in lead.get("handover.stand_in", code=row.code).text
    where, source = {"code": cast.author.code}, {"with": f"stand_in:{row.code}"}
    form = lead.get("calendars.leave", **where, **source)
    given = {name: form.one("input", name=name).get("value") for name in ("first_on", "last_on", "with")}
    assert given == {"first_on": "2026-11-09", "last_on": "2026-11-13", **source}
    seen = lead.post("calendars.record_leave", given, **where, expect=200).one("input", name="seen").get("value")
    lead.post("calendars.record_leave", given | {"act": "confirm", "seen": seen}, **where)
    assert rows(cast.author) == [("11-09", "11-13", True)]
    # The page of leave says where it came from.
    assert f"/stand-ins/{row.code}" in " ".join(own.get("calendars.leave", **where).links())
    assert said not in lead.get("handover.stand_in", code=row.code).text


@pytest.mark.parametrize("language", ["en", "ja"])
def test_dates_that_move_with_the_leave_are_seen_first(cast: Cast, as_: Any, language: str) -> None:
    make_documents()
    enrolled = make_enrollment(cast.learner, make_plan(by=cast.author), cast.admin, starts_on=TODAY)

    def dues() -> dict[str, date]:
        session.expire_all()
        return {slug: due.on for slug, due in training.standing_of(enrolled).dues.items()}

    planned, lead = dues(), as_(cast.lead, language=language)
    first_on, last_on = TODAY + timedelta(days=1), TODAY + timedelta(days=2)
    form = {
        "person": cast.learner.code,
        "stand_in": cast.colleague.code,
        "first_on": first_on.isoformat(),
        "last_on": last_on.isoformat(),
        "ongoing": "Review",
        "places": "Folder",
        "trouble": "Ask",
    }
    page = lead.post("handover.new_stand_in", data=form, expect=200)
    assert {"en": "Dates that move", "ja": "変わる期限"}[language] in page.text
    assert session.query(StandIn).count() == 0
    seen = page.one("input", name="seen").get("value")
    # Other days were not shown.
    other = form | {"seen": seen, "last_on": (last_on + timedelta(days=1)).isoformat()}
    lead.post("handover.new_stand_in", data=other, expect=200)
    lead.post("handover.new_stand_in", data=form | {"seen": seen})
    row = session.query(StandIn).one()
    assert dues() != planned
    lead.post("handover.end_stand_in", code=row.code, expect=409)
    page = lead.get("handover.stand_in", code=row.code)
    lead.post("handover.end_stand_in", code=row.code, data={"seen": page.one("input", name="seen").get("value")})
    assert (dues(), rows(cast.learner)) == (planned, [])
    # So it is with a handover, begun and called off.
    begun = {
        "person": cast.learner.code,
        "reason": "leave",
        "notice_on": TODAY.isoformat(),
        "last_on": TODAY.isoformat(),
        "back_on": "2026-12-14",
    }
    page = lead.post("handover.start", data=begun | {"act": "preview"}, expect=200)
    assert {"en": "Dates that move", "ja": "変わる期限"}[language] in page.text
    seen = page.one("input", name="seen").get("value")
    lead.post("handover.start", data=begun | {"act": "confirm", "seen": seen})
    found = session.query(Handover).one()
    assert dues() != planned
    page = lead.get("handover.call_off", code=found.code)
    end = {"reason": "She stays", "seen": page.one("input", name="seen").get("value")}
    lead.post("handover.call_off", code=found.code, data=end | {"seen": ""}, expect=409)
    lead.post("handover.call_off", code=found.code, data=end)
    assert (dues(), rows(cast.learner)) == (planned, [])


# --- Stand-ins beside a handover -----------------------------------------------------------------


def test_a_later_stand_in_goes_on_and_one_in_the_same_days_stands_in_the_way(
    cast: Cast, things: Things, as_: Any
) -> None:
    give(things, cast.author, "a")
    later = LAST_ON + timedelta(days=5)
    row = plan(cast.author, cast.colleague, later, later)
    with pytest.raises(errors.StandInUnderWay):
        begin(cast.author, cast.lead, reason=Reason.TRANSFER, last_on=later)
    with pytest.raises(errors.StandInUnderWay):
        begin(cast.author, cast.lead, reason=Reason.LEAVE, back_on=BACK_ON)
    form = {
        "person": cast.author.code,
        "reason": "transfer",
        "notice_on": TODAY.isoformat(),
        "last_on": LAST_ON.isoformat(),
        "back_on": "",
    }
    page = as_(cast.lead, language="en").post("handover.start", data=form | {"act": "preview"}, expect=200)
    assert f"/stand-ins/{row.code}" in " ".join(page.links())
    assert "the stand-in goes on for the rest" in page.text
    found = begin(cast.author, cast.lead, reason=Reason.TRANSFER)
    with pytest.raises(errors.StandInUnderWay), own_transaction():
        handovers.move_last_day(handover=found, last_on=later, back_on=None, reason="x", seen=1, by=cast.lead)
    # Beside an open handover one is planned for the days after it, and none for those within.
    plan(cast.author, cast.colleague, later + timedelta(days=1), later + timedelta(days=1))
    with pytest.raises(errors.HandoverUnderWay):
        plan(cast.author, cast.colleague, *WEEK)
    # Nothing goes over while it is open.
    with clock.frozen(at(later)):
        jobs.run_periodic("handover.stand_ins")
    assert owner_of("a") == cast.author
    begin(cast.approver, cast.lead)
    with pytest.raises(errors.HandoverUnderWay):
        plan(cast.approver, cast.colleague, later, later)


# --- What is gained meanwhile --------------------------------------------------------------------


def test_what_becomes_hers_is_an_item_at_once(cast: Cast, things: Things) -> None:
    found = begin(cast.author, cast.lead)
    give(things, cast.author, "new")
    jobs.run_due()
    session.expire_all()
    assert [each.thing_code for each in session.query(HandoverItem).filter_by(handover_id=found.id)] == ["new"]

"""What a handover promises: nothing is lost between whoever gives and whoever has accepted."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from portal.accounts.errors import OwnerHeld, StillNeeded
from portal.accounts.models import Person
from portal.accounts.service import ownership, people
from portal.calendars.errors import HolidayYearUnknown
from portal.core import clock, jobs
from portal.core.db import session
from portal.core.errors import DomainError, NotAllowed
from portal.core.transaction import own_transaction
from portal.handover import errors
from portal.handover.models import Handover
from portal.handover.queries import handovers as queries
from portal.handover.queries import list_evidence_of_people
from portal.handover.rules import GoneAs, ItemState, Reason, Stage
from portal.handover.service import handovers, items, orphans
from portal.journal.models import JournalEntry
from tests.builders import Cast, make_person
from tests.handover.builders import (
    KIND,
    LAST_ON,
    TODAY,
    Things,
    accept,
    assign,
    at,
    begin,
    close,
    deputy_of,
    give,
    item_of,
    owed,
    owner_of,
    show,
    shown,
    stand,
    state,
)

pytestmark = pytest.mark.usefixtures("today")


def deactivate(person: Person, by: Person) -> None:
    with own_transaction():
        people.deactivate(person=person, by=by, knowing=True)


def refuse(handover: Handover, successor: Person, code: str, reason: str = "No time for it") -> None:
    with own_transaction():
        items.refuse(item=item_of(handover, code), reason=reason, by=successor)


# --- The inventory -------------------------------------------------------------------------------


def test_everything_live_that_somebody_answers_for_is_an_item_at_once(cast: Cast, things: Things) -> None:
    give(things, cast.author, "a", "b")
    give(things, cast.author, "old")
    things.live["old"] = False
    give(things, cast.colleague, "other")
    found = begin(cast.author, cast.lead)
    assert {each.thing[1] for each in stand(found).items} == {"a", "b"}
    assert {each.state for each in stand(found).items} == {ItemState.UNASSIGNED}


def test_what_is_gained_meanwhile_is_shown_at_once_and_noted_with_the_next_write(cast: Cast, things: Things) -> None:
    give(things, cast.author, "a")
    found = begin(cast.author, cast.lead)
    give(things, cast.author, "b")
    assert shown(found, "b").row is None
    assert state(found, "b") is ItemState.UNASSIGNED
    assign(found, cast.colleague, "b")
    assert shown(found, "b").row is not None


def test_what_is_withdrawn_or_anothers_is_gone_and_says_why(cast: Cast, things: Things) -> None:
    give(things, cast.author, "a", "b", "c")
    found = begin(cast.author, cast.lead)
    things.live["a"] = False
    del things.live["b"]
    assert shown(found, "a").gone_as is GoneAs.NOT_LIVE
    assert shown(found, "b").gone_as is GoneAs.NOT_LIVE
    with own_transaction():
        ownership.set_owner(kind=KIND, code="c", owner=cast.colleague, by=cast.lead, past_guards=True)
    assert shown(found, "c").gone_as is GoneAs.OWNED_BY_ANOTHER
    with pytest.raises(errors.ItemGone):
        assign(found, cast.colleague, "a")


def test_what_comes_back_is_with_the_lead_again(cast: Cast, things: Things) -> None:
    give(things, cast.author, "a")
    found = begin(cast.author, cast.lead)
    assign(found, cast.colleague, "a")
    accept(found, cast.colleague, "a")
    things.live["a"] = False
    jobs.run_periodic("handover.inventory")
    assert state(found, "a") is ItemState.GONE
    things.live["a"] = True
    assert state(found, "a") is ItemState.UNASSIGNED
    jobs.run_periodic("handover.inventory")
    assert state(found, "a") is ItemState.UNASSIGNED


def test_what_nobody_stands_behind_counts_double(cast: Cast, things: Things) -> None:
    give(things, cast.author, "alone")
    give(things, cast.author, "backed", deputy=cast.approver)
    found = begin(cast.author, cast.lead)
    assert (shown(found, "alone").score, shown(found, "backed").score) == (4, 2)
    deactivate(cast.approver, cast.admin)
    assert shown(found, "backed").score == 4


# --- Beginning -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"last_on": TODAY - timedelta(days=1)}, errors.LastDayPast),
        ({"last_on": TODAY + timedelta(days=3 * 366)}, errors.TooFarAhead),
        ({"notice_on": LAST_ON + timedelta(days=1)}, errors.NoticeAfterLastDay),
        ({"notice_on": TODAY - timedelta(days=400)}, errors.NoticeLongAgo),
        ({"reason": Reason.LEAVE}, errors.BackDayMissing),
        ({"reason": Reason.LEAVE, "back_on": LAST_ON}, errors.BackDayMissing),
        ({"reason": Reason.LEAVE, "back_on": LAST_ON + timedelta(days=15)}, errors.LightIsEnough),
    ],
)
def test_days_that_cannot_be_are_refused_in_words(
    cast: Cast, values: dict[str, object], expected: type[DomainError]
) -> None:
    with pytest.raises(expected) as refused:
        begin(cast.author, cast.lead, **values)  # type: ignore[arg-type]
    assert str(refused.value)
    assert queries.find_open(cast.author.id) is None


def test_a_year_without_a_holiday_table_is_named(cast: Cast) -> None:
    with clock.frozen(at(date(2031, 6, 2))), pytest.raises(HolidayYearUnknown) as refused:
        begin(cast.author, cast.lead, notice_on=date(2031, 6, 2), last_on=date(2032, 2, 2))
    assert "2032" in str(refused.value)


def test_a_leave_of_more_than_ten_working_days_is_handed_over(cast: Cast) -> None:
    # The ten working days from 3 to 16 December, and one more.
    with pytest.raises(errors.LightIsEnough):
        begin(cast.author, cast.lead, reason=Reason.LEAVE, back_on=date(2026, 12, 17))
    assert begin(cast.author, cast.lead, reason=Reason.LEAVE, back_on=date(2026, 12, 18)).is_open


def test_one_handover_of_a_person_is_open_at_a_time(cast: Cast) -> None:
    begin(cast.author, cast.lead)
    for reason in (Reason.TRANSFER, Reason.REHEARSAL):
        with pytest.raises(errors.AlreadyHandingOver):
            begin(cast.author, cast.lead, reason=reason)


def test_a_real_handover_calls_off_the_rehearsal(cast: Cast) -> None:
    rehearsal = begin(cast.author, cast.lead, reason=Reason.REHEARSAL)
    real = begin(cast.author, cast.lead)
    session.expire_all()
    assert rehearsal.called_off_at is not None
    assert rehearsal.call_off_reason
    assert real.is_open


# --- Successors and what they show ---------------------------------------------------------------


def test_a_successor_is_somebody_else_with_an_active_account(cast: Cast, things: Things) -> None:
    give(things, cast.author, "a")
    found = begin(cast.author, cast.lead)
    gone = make_person()
    deactivate(gone, cast.admin)
    for unfit in (cast.author, gone):
        with pytest.raises(errors.SuccessorUnfit):
            assign(found, unfit, "a")
    with pytest.raises(errors.NothingChosen):
        assign(found, cast.colleague)


def test_many_items_get_a_successor_at_once_and_one_mail(cast: Cast, things: Things) -> None:
    give(things, cast.author, "a", "b", "c")
    found = begin(cast.author, cast.lead)
    assert assign(found, cast.colleague, "a", "b") == 2
    assert assign(found, cast.colleague, "a", "b", "c") == 1
    assert [each["things"] for each in owed("handover.assigned")] == [2, 1]


def test_evidence_is_the_successors_own_in_the_order_of_the_stages(cast: Cast, things: Things) -> None:
    give(things, cast.author, "a")
    found = begin(cast.author, cast.lead)
    assign(found, cast.colleague, "a")
    for other in (cast.author, cast.lead, cast.approver):
        with pytest.raises(errors.NotHers):
            show(found, other, "a", Stage.SHADOW)
    with pytest.raises(errors.StageNotNext):
        show(found, cast.colleague, "a", Stage.ALONE)
    show(found, cast.colleague, "a", Stage.SHADOW)
    assert state(found, "a") is ItemState.SHADOWED
    with pytest.raises(errors.StageNotNext):
        show(found, cast.colleague, "a", Stage.SHADOW)
    show(found, cast.colleague, "a", Stage.REVERSE_SHADOW, Stage.ALONE)
    assert state(found, "a") is ItemState.TO_DECIDE


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"done_on": TODAY + timedelta(days=1)}, errors.DoneInFuture),
        ({"done_on": TODAY - timedelta(days=400)}, errors.DoneLongAgo),
        ({"words": " \n"}, errors.WordsMissing),
        ({"words": "a" * 2001}, errors.TextTooLong),
        ({"words": "a" * 1_000_000}, errors.TextTooLong),
        ({"link": "javascript:alert(1)"}, errors.LinkNotUnderstood),
        ({"link": "https://portal.example/" + "a" * 600}, errors.TextTooLong),
    ],
)
def test_evidence_that_cannot_be_is_refused_in_words(
    cast: Cast, things: Things, values: dict[str, object], expected: type[DomainError]
) -> None:
    give(things, cast.author, "a")
    found = begin(cast.author, cast.lead)
    assign(found, cast.colleague, "a")
    usual: dict[str, object] = {"done_on": TODAY, "words": "Watched", "link": ""}
    with pytest.raises(expected) as refused, own_transaction():
        items.record_evidence(
            item=item_of(found, "a"),
            stage=Stage.SHADOW,
            by=cast.colleague,
            **(usual | values),  # type: ignore[arg-type]
        )
    assert str(refused.value)


def test_a_later_stage_does_not_lie_before_an_earlier_one(cast: Cast, things: Things) -> None:
    give(things, cast.author, "a")
    found = begin(cast.author, cast.lead, notice_on=TODAY - timedelta(days=7))
    assign(found, cast.colleague, "a")
    show(found, cast.colleague, "a", Stage.SHADOW)
    with pytest.raises(errors.DoneBeforeStage):
        show(found, cast.colleague, "a", Stage.REVERSE_SHADOW, on=TODAY - timedelta(days=1))


def test_a_lead_waives_what_was_watched_and_never_what_is_done_alone(cast: Cast, things: Things) -> None:
    give(things, cast.author, "a")
    found = begin(cast.author, cast.lead)
    assign(found, cast.colleague, "a")
    for stage in (Stage.SHADOW, Stage.REVERSE_SHADOW):
        with own_transaction():
            items.waive_stage(item=item_of(found, "a"), stage=stage, reason="She made it", by=cast.lead)
    with pytest.raises(errors.StageNotWaivable), own_transaction():
        items.waive_stage(item=item_of(found, "a"), stage=Stage.ALONE, reason="She made it", by=cast.lead)
    assert state(found, "a") is ItemState.REVERSE_SHADOWED
    assert list_evidence_of_people([cast.colleague.id]) == []


def test_nothing_is_accepted_that_was_not_done_alone(cast: Cast, things: Things) -> None:
    give(things, cast.author, "a")
    found = begin(cast.author, cast.lead)
    assign(found, cast.colleague, "a")
    show(found, cast.colleague, "a", Stage.SHADOW, Stage.REVERSE_SHADOW)
    with pytest.raises(errors.EvidenceMissing), own_transaction():
        items.accept(item=item_of(found, "a"), by=cast.colleague)


def test_what_is_refused_is_with_the_lead_until_somebody_is_asked_again(cast: Cast, things: Things) -> None:
    give(things, cast.author, "a")
    found = begin(cast.author, cast.lead)
    assign(found, cast.colleague, "a")
    show(found, cast.colleague, "a")
    refuse(found, cast.colleague, "a")
    assert state(found, "a") is ItemState.REFUSED
    assert [each.thing[1] for each in stand(found).with_lead] == ["a"]
    with pytest.raises(errors.NotHers), own_transaction():
        items.accept(item=item_of(found, "a"), by=cast.colleague)
    # The same person again: what she has shown is still hers, her answer is not.
    assert assign(found, cast.colleague, "a") == 1
    assert state(found, "a") is ItemState.TO_DECIDE


def test_another_successor_begins_anew(cast: Cast, things: Things) -> None:
    give(things, cast.author, "a")
    found = begin(cast.author, cast.lead)
    assign(found, cast.colleague, "a")
    accept(found, cast.colleague, "a")
    assign(found, cast.approver, "a")
    assert state(found, "a") is ItemState.CARD_MISSING
    assign(found, cast.colleague, "a")
    assert state(found, "a") is ItemState.TO_DECIDE


def test_an_acceptance_can_be_taken_back_by_refusing_and_what_it_rests_on_cannot(cast: Cast, things: Things) -> None:
    give(things, cast.author, "a")
    found = begin(cast.author, cast.lead)
    assign(found, cast.colleague, "a")
    accept(found, cast.colleague, "a")
    (*_others, alone) = shown(found, "a").course.own_evidence  # type: ignore[union-attr]
    with pytest.raises(errors.EvidenceInUse), own_transaction():
        items.take_back(item=item_of(found, "a"), evidence=alone, by=cast.colleague)
    refuse(found, cast.colleague, "a")
    assert state(found, "a") is ItemState.REFUSED


def test_evidence_is_told_by_person_for_whoever_asks(cast: Cast, things: Things) -> None:
    give(things, cast.author, "a", "b")
    found = begin(cast.author, cast.lead, reason=Reason.REHEARSAL)
    assign(found, cast.colleague, "a", "b")
    accept(found, cast.colleague, "a")
    show(found, cast.colleague, "b", Stage.SHADOW)
    rows = list_evidence_of_people([cast.colleague.id, cast.author.id])
    assert {(each.thing_code, each.stage, each.accepted) for each in rows} == {
        *(("a", stage, True) for stage in Stage),
        ("b", Stage.SHADOW, False),
    }
    assert {each.done_on for each in rows} == {TODAY}


# --- Closing -------------------------------------------------------------------------------------


def test_closing_moves_everything_at_once_and_the_journal_says_so(cast: Cast, things: Things) -> None:
    give(things, cast.author, "a", deputy=cast.approver)
    give(things, cast.author, "b", deputy=cast.colleague)
    found = begin(cast.author, cast.lead)
    assign(found, cast.colleague, "a", "b")
    accept(found, cast.colleague, "a", "b")
    assert close(found, cast.lead).moved == 2
    assert {owner_of(code) for code in "ab"} == {cast.colleague}
    # Whoever stood behind stays, unless she is the owner now.
    assert (deputy_of("a"), deputy_of("b")) == (cast.approver, None)
    actions = session.scalars(select(JournalEntry.action).order_by(JournalEntry.id.desc()).limit(3)).all()
    assert sorted(actions) == ["accounts.owner_set", "accounts.owner_set", "handover.closed"]
    deactivate(cast.author, cast.admin)


def test_it_is_not_closed_while_anything_is_left(cast: Cast, things: Things) -> None:
    give(things, cast.author, "a", "b")
    found = begin(cast.author, cast.lead)
    assign(found, cast.colleague, "a", "b")
    accept(found, cast.colleague, "a")
    with pytest.raises(errors.NotAllAccepted) as refused:
        close(found, cast.lead)
    assert "Thing b" in str(refused.value)
    assert {owner_of(code) for code in "ab"} == {cast.author}


def test_what_was_gained_at_the_last_moment_keeps_it_open(cast: Cast, things: Things) -> None:
    give(things, cast.author, "a")
    found = begin(cast.author, cast.lead)
    assign(found, cast.colleague, "a")
    accept(found, cast.colleague, "a")
    give(things, cast.author, "late")
    with pytest.raises(errors.NotAllAccepted):
        close(found, cast.lead)


def test_a_successor_who_leaves_gives_her_items_back_to_the_lead(cast: Cast, things: Things) -> None:
    give(things, cast.author, "a")
    found = begin(cast.author, cast.lead)
    assign(found, cast.colleague, "a")
    accept(found, cast.colleague, "a")
    deactivate(cast.colleague, cast.admin)
    assert state(found, "a") is ItemState.SUCCESSOR_GONE
    with pytest.raises(errors.NotAllAccepted):
        close(found, cast.lead)


def test_what_was_closed_stays_as_it_was_whoever_leaves_later(cast: Cast, things: Things) -> None:
    give(things, cast.author, "a")
    found = begin(cast.author, cast.lead)
    assign(found, cast.colleague, "a")
    accept(found, cast.colleague, "a")
    close(found, cast.lead)
    with clock.frozen(at(LAST_ON)):
        things.live["a"] = False
        deactivate(cast.colleague, cast.admin)
        assert state(found, "a") is ItemState.ACCEPTED
    with pytest.raises(errors.HandoverOver):
        assign(found, cast.approver, "a")


def test_a_rehearsal_moves_nothing_and_tells_what_is_missing(cast: Cast, things: Things) -> None:
    give(things, cast.author, "a", "b")
    found = begin(cast.author, cast.lead, reason=Reason.REHEARSAL)
    assign(found, cast.colleague, "a")
    accept(found, cast.colleague, "a")
    closed = close(found, cast.lead)
    assert (closed.moved, [each.thing[1] for each in closed.failed]) == (0, ["b"])
    assert {owner_of(code) for code in "ab"} == {cast.author}


def test_after_leave_everything_comes_back_once_but_what_changed_hands_meanwhile(cast: Cast, things: Things) -> None:
    give(things, cast.author, "a", "b")
    found = begin(cast.author, cast.lead, reason=Reason.LEAVE, back_on=date(2027, 2, 1))
    assign(found, cast.colleague, "a", "b")
    accept(found, cast.colleague, "a", "b")
    close(found, cast.lead)
    with own_transaction():
        ownership.set_owner(kind=KIND, code="b", owner=cast.approver, by=cast.lead)
    with own_transaction():
        assert handovers.hand_back(handover=found, by=cast.author) == 1
    assert (owner_of("a"), deputy_of("a"), owner_of("b")) == (cast.author, cast.colleague, cast.approver)
    with pytest.raises(errors.NothingToHandBack), own_transaction():
        handovers.hand_back(handover=found, by=cast.author)


# --- The last day --------------------------------------------------------------------------------


def test_the_last_day_moves_with_a_reason_and_against_nobody_else(cast: Cast) -> None:
    found = begin(cast.author, cast.lead)
    later = LAST_ON + timedelta(days=14)
    for values, expected in (
        ({"last_on": LAST_ON}, errors.DaysTheSame),
        ({"last_on": TODAY - timedelta(days=1)}, errors.LastDayPast),
        ({"seen": 0}, errors.DaysMoved),
        ({"reason": " "}, errors.ReasonMissing),
    ):
        usual = {"last_on": later, "back_on": None, "reason": "A longer notice", "seen": 1}
        with pytest.raises(expected), own_transaction():
            handovers.move_last_day(handover=found, by=cast.lead, **(usual | values))  # type: ignore[arg-type]
    with own_transaction():
        handovers.move_last_day(
            handover=found, last_on=later, back_on=None, reason="A longer notice", seen=1, by=cast.lead
        )
    session.expire_all()
    assert (found.last_on, len(found.days)) == (later, 2)


# --- No way around -------------------------------------------------------------------------------


def test_what_is_being_handed_over_gets_no_other_owner_on_the_side(cast: Cast, things: Things) -> None:
    give(things, cast.author, "a", "old")
    found = begin(cast.author, cast.lead)
    things.live["old"] = False
    with pytest.raises(OwnerHeld) as refused, own_transaction():
        ownership.set_owner(kind=KIND, code="a", owner=cast.colleague, by=cast.lead)
    assert refused.value.href == f"/handovers/{found.code}"
    with pytest.raises(OwnerHeld), own_transaction():
        ownership.pass_on(person=cast.author, to=cast.colleague, by=cast.admin)
    with own_transaction():
        # Another deputy is none of its business, and so is what is not in use any more.
        ownership.set_owner(kind=KIND, code="a", owner=cast.author, deputy=cast.approver, by=cast.author)
        ownership.set_owner(kind=KIND, code="old", owner=cast.colleague, by=cast.lead)


def test_a_rehearsal_keeps_nothing_from_moving(cast: Cast, things: Things) -> None:
    give(things, cast.author, "a")
    begin(cast.author, cast.lead, reason=Reason.REHEARSAL)
    with own_transaction():
        ownership.pass_on(person=cast.author, to=cast.colleague, by=cast.admin)
    assert owner_of("a") == cast.colleague


def test_an_owner_goes_only_when_two_others_accept_each_orphan_by_name(cast: Cast, things: Things) -> None:
    give(things, cast.author, "a", "b")

    def accepts(by: Person, *codes: str) -> None:
        with own_transaction():
            orphans.accept(
                person=cast.author, things=[(KIND, code) for code in codes], reason="Not needed any more", by=by
            )

    accepts(cast.lead, "a", "b")
    accepts(cast.admin, "a")
    with pytest.raises(errors.AcceptedAlready):
        accepts(cast.admin, "a")
    with pytest.raises(NotAllowed):
        accepts(cast.author, "b")
    with pytest.raises(StillNeeded) as refused:
        deactivate(cast.author, cast.admin)
    assert "Thing b" in str(refused.value)
    assert "Thing a" not in str(refused.value)
    accepts(cast.admin, "b")
    # What is gained after that blocks again.
    give(things, cast.author, "c")
    with pytest.raises(StillNeeded):
        deactivate(cast.author, cast.admin)
    things.live["c"] = False
    deactivate(cast.author, cast.admin)
    assert not cast.author.is_active


def test_what_was_accepted_as_an_orphan_is_forgotten_with_its_next_owner_and_when_she_comes_back(
    cast: Cast, things: Things
) -> None:
    give(things, cast.author, "a", "b")
    for by in (cast.lead, cast.admin):
        with own_transaction():
            orphans.accept(person=cast.author, things=[(KIND, "a"), (KIND, "b")], reason="Not needed", by=by)
    for owner in (cast.colleague, cast.author):
        with own_transaction():
            ownership.set_owner(kind=KIND, code="a", owner=owner, by=cast.admin)
    with pytest.raises(StillNeeded):
        deactivate(cast.author, cast.admin)
    things.live["a"] = False
    deactivate(cast.author, cast.admin)
    with own_transaction():
        people.reactivate(person=cast.author, by=cast.admin)
    with pytest.raises(StillNeeded):
        deactivate(cast.author, cast.admin)


def test_whoever_hands_over_may_go_before_it_is_closed_and_things_still_move(cast: Cast, things: Things) -> None:
    give(things, cast.author, "a")
    found = begin(cast.author, cast.lead)
    for by in (cast.lead, cast.admin):
        with own_transaction():
            orphans.accept(person=cast.author, things=[(KIND, "a")], reason="She goes today", by=by)
    deactivate(cast.author, cast.admin)
    assert state(found, "a") is ItemState.UNASSIGNED
    assign(found, cast.colleague, "a")
    accept(found, cast.colleague, "a")
    close(found, cast.lead)
    assert owner_of("a") == cast.colleague

"""Two at the same moment: one of them does it, the other one is told, and nothing is left without an owner."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from flask import Flask

from portal.accounts import errors as account_errors
from portal.accounts import queries as accounts
from portal.accounts.models import Person
from portal.accounts.service import ownership, people
from portal.accounts.service.ownership import OwnedThing
from portal.core import clock
from portal.core.db import session
from portal.core.errors import DomainError
from portal.core.transaction import own_transaction
from portal.duties.errors import CardChanged
from portal.duties.models import Card, CardVersion
from portal.duties.service import cards
from portal.handover import errors, invariants
from portal.handover.models import Handover, StandIn
from portal.handover.queries import handovers as queries
from portal.handover.rules import Reason
from portal.handover.service import handovers, items, stand_ins
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
    give,
    item_of,
    owner_of,
    plan,
    show,
)
from tests.quizzes.crowd import at_once

pytestmark = [pytest.mark.races, pytest.mark.usefixtures("today")]
# One meeting at the gate may go by without the two touching each other.
ROUNDS = range(4)


@pytest.fixture(autouse=True)
def _everything_is_owned(app: Flask, things: Things) -> Iterator[None]:
    yield
    session.rollback()
    session.expire_all()
    for code, is_live in things.live.items():
        found = accounts.find_owner(KIND, code)
        assert found is not None, code
        assert not is_live or found.owner.is_active, f"nobody with an account answers for {code}"
    for name, check in invariants.INVARIANTS.items():
        assert check() == [], name


def _race(app: Flask, *pieces: Callable[[], Any]) -> list[Any]:
    """Carry out each piece in a thread and a transaction of its own, all at the same moment of these tests' day."""
    moment = clock.now()

    def run(number: int) -> Any:
        with clock.frozen(moment), own_transaction():
            return pieces[number]()

    return at_once(app, run, len(pieces))


def _person(person_id: int) -> Person:
    return session.get_one(Person, person_id)


def _close(code: str, by: int) -> handovers.Closed:
    return handovers.close(handover=queries.get_handover(code), by=_person(by))


def _start(whom: int, by: int) -> str:
    return handovers.start(
        person=_person(whom), reason=Reason.TRANSFER, notice_on=TODAY, last_on=LAST_ON, by=_person(by)
    ).code


def _stand_in(whom: int, stand_in: int, by: int) -> str:
    return stand_ins.plan_stand_in(
        person=_person(whom),
        stand_in=_person(stand_in),
        first_on=TODAY,
        last_on=TODAY + timedelta(days=2),
        ongoing="The weekly review",
        places="The shared folder",
        trouble="Ask the lead",
        by=_person(by),
    ).code


def _deactivate(whom: int, by: int) -> None:
    people.deactivate(person=_person(whom), by=_person(by), knowing=True)


def _refuse(item: str, by: int) -> None:
    items.refuse(item=queries.get_item(item), reason="No time", by=_person(by))


def _accept(item: str, by: int) -> None:
    items.accept(item=queries.get_item(item), by=_person(by))


def _give_to(code: str, owner: int, by: int) -> None:
    ownership.set_owner(kind=KIND, code=code, owner=_person(owner), by=_person(by))


def _write(code: str, by: int) -> int:
    return cards.write_card(
        subject=cards.get_subject(KIND, code),
        parts={"steps": {"en": f"Written by {by}"}},
        questions=(),
        seen=0,
        by=_person(by),
    ).number


def _refused(outcomes: list[Any]) -> list[type[DomainError]]:
    """Return what was refused; each says why in words."""
    found = [each for each in outcomes if isinstance(each, DomainError)]
    assert all(str(each) for each in found)
    return [type(each) for each in found]


def _ready(things: Things, cast: Cast, *codes: str) -> tuple[Handover, Person]:
    """Return a handover of which a new successor has accepted everything."""
    giver, successor = make_person(team=cast.lead.team), make_person(team=cast.lead.team)
    give(things, giver, *codes)
    found = begin(giver, cast.lead)
    assign(found, successor, *codes)
    accept(found, successor, *codes)
    return found, successor


def test_a_handover_that_closes_while_its_successor_is_deactivated(app: Flask, cast: Cast, things: Things) -> None:
    for number in ROUNDS:
        code = f"a{number}"
        found, successor = _ready(things, cast, code)
        lead, admin, whom, where = cast.lead.id, cast.admin.id, successor.id, found.code
        outcomes = _race(app, partial(_close, where, lead), partial(_deactivate, whom, admin))
        # Either it is hers now and she stays, or she is gone and it is still with whoever hands over.
        (refused,) = _refused(outcomes)
        session.expire_all()
        if refused is errors.NotAllAccepted:
            assert not _person(whom).is_active
            assert owner_of(code).id == found.person_id
        else:
            assert refused is account_errors.StillNeeded
            assert _person(whom).is_active
            assert owner_of(code).id == whom


def test_a_handover_that_closes_while_an_item_is_refused(app: Flask, cast: Cast, things: Things) -> None:
    for number in ROUNDS:
        code = f"b{number}"
        found, successor = _ready(things, cast, code)
        lead, whom, where, item = cast.lead.id, successor.id, found.code, item_of(found, code).code
        outcomes = _race(app, partial(_close, where, lead), partial(_refuse, item, whom))
        (refused,) = _refused(outcomes)
        assert refused in (errors.NotAllAccepted, errors.HandoverOver)
        assert owner_of(code).id == (whom if refused is errors.HandoverOver else found.person_id)


def test_a_handover_that_closes_while_its_last_item_is_accepted(app: Flask, cast: Cast, things: Things) -> None:
    for number in ROUNDS:
        code = f"c{number}"
        giver, successor = make_person(team=cast.lead.team), make_person(team=cast.lead.team)
        give(things, giver, code)
        found = begin(giver, cast.lead)
        assign(found, successor, code)
        show(found, successor, code)
        lead, whom, where, item = cast.lead.id, successor.id, found.code, item_of(found, code).code
        outcomes = _race(app, partial(_close, where, lead), partial(_accept, item, whom))
        # Accepted in time, or left for a second close.
        assert _refused(outcomes) in ([], [errors.NotAllAccepted])
        assert owner_of(code).id == (giver.id if _refused(outcomes) else whom)


def test_a_handover_that_closes_while_a_thing_is_withdrawn_or_given_to_another(
    app: Flask, cast: Cast, things: Things
) -> None:
    for number in ROUNDS:
        kept, gone = f"d{number}", f"e{number}"
        found, successor = _ready(things, cast, kept, gone)
        lead, other, whom, where = cast.lead.id, cast.colleague.id, successor.id, found.code

        outcomes = _race(
            app,
            partial(_close, where, lead),
            partial(things.live.update, {gone: False}),
            partial(_give_to, kept, other, lead),
        )
        # On the side it gets no other owner, unless it was somebody's already who may give it away.
        assert set(_refused(outcomes)) <= {account_errors.OwnerHeld}
        assert owner_of(kept).id in (whom, other)


def test_what_is_withdrawn_between_two_looks_of_a_close_moves_with_the_rest(
    app: Flask, cast: Cast, things: Things, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, successor = _ready(things, cast, "kept", "gone")
    look = Things.find_things

    def once(self: Things, codes: Collection[str]) -> Mapping[str, OwnedThing]:
        seen = look(self, codes)
        self.live["gone"] = False
        return seen

    monkeypatch.setattr(Things, "find_things", once)
    with own_transaction():
        assert handovers.close(handover=queries.get_handover(found.code), by=cast.lead).moved == 2
    assert owner_of("gone") == successor


def test_two_who_close_at_once_close_it_once(app: Flask, cast: Cast, things: Things) -> None:
    for number in ROUNDS:
        code = f"f{number}"
        found, successor = _ready(things, cast, code)
        where, by = found.code, (cast.lead.id, cast.admin.id)
        outcomes = _race(app, *(partial(_close, where, each) for each in by))
        assert _refused(outcomes) == [errors.HandoverOver]
        assert [each.moved for each in outcomes if isinstance(each, handovers.Closed)] == [1]
        assert owner_of(code) == successor


def test_two_leads_who_begin_at_once_begin_one_handover(app: Flask, cast: Cast, things: Things) -> None:
    for number in ROUNDS:
        giver = make_person(team=cast.lead.team)
        give(things, giver, f"g{number}")
        whom, by = giver.id, (cast.lead.id, cast.admin.id)
        outcomes = _race(app, *(partial(_start, whom, each) for each in by))
        assert _refused(outcomes) == [errors.AlreadyHandingOver]
        assert session.query(Handover).filter_by(person_id=whom).count() == 1


def test_a_handover_and_a_stand_in_for_one_person_do_not_begin_together(app: Flask, cast: Cast, things: Things) -> None:
    for number in ROUNDS:
        giver = make_person(team=cast.lead.team)
        give(things, giver, f"h{number}")
        whom, lead, other = giver.id, cast.lead.id, cast.colleague.id
        outcomes = _race(app, partial(_start, whom, lead), partial(_stand_in, whom, other, lead))
        (refused,) = _refused(outcomes)
        assert refused in (errors.StandInUnderWay, errors.HandoverUnderWay)
        assert owner_of(f"h{number}").id == (other if refused is errors.StandInUnderWay else whom)


def test_a_stand_in_that_begins_while_things_come_to_its_person_leaves_them_with_one_of_both(
    app: Flask, cast: Cast, things: Things
) -> None:
    tomorrow = TODAY + timedelta(days=1)
    for number in ROUNDS:
        moving, own = f"i{number}", f"j{number}"
        found, successor = _ready(things, cast, moving)
        give(things, successor, own)
        away = plan(successor, cast.colleague, tomorrow, tomorrow + timedelta(days=1), by=cast.lead)
        lead, other, where, row, whom = cast.lead.id, cast.colleague.id, found.code, away.id, successor.id
        with clock.frozen(at(tomorrow)):
            outcomes = _race(app, partial(_close, where, lead), partial(stand_ins.look, row))
        assert _refused(outcomes) == []
        assert owner_of(own).id == other
        assert owner_of(moving).id in (whom, other)
        with clock.frozen(at(tomorrow + timedelta(days=3))), own_transaction():
            stand_ins.look(row)
        # What had gone over comes back; what came later was never away.
        assert owner_of(own).id == owner_of(moving).id == whom
        assert session.get_one(StandIn, row).ended_at is not None


def test_two_who_write_the_first_card_of_a_thing_at_once_write_one(app: Flask, cast: Cast, things: Things) -> None:
    for number in ROUNDS:
        code = f"k{number}"
        give(things, cast.author, code, deputy=cast.colleague)
        writers = (cast.author.id, cast.colleague.id)

        outcomes = _race(app, *(partial(_write, code, each) for each in writers))  # type: ignore[misc]
        assert _refused(outcomes) == [CardChanged]
        assert 1 in outcomes
        assert session.query(Card).filter_by(thing_code=code).count() == 1
        assert session.query(CardVersion).join(Card).filter(Card.thing_code == code).count() == 1

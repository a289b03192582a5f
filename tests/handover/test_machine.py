"""In whatever order people begin, assign, show, decide, withdraw, leave and close: the product does as its model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from portal.accounts import queries as accounts
from portal.accounts.models import Person, Role
from portal.accounts.service import ownership, people
from portal.core import jobs
from portal.core.db import session
from portal.core.errors import DomainError
from portal.core.transaction import own_transaction
from portal.handover import invariants
from portal.handover.queries import handovers as queries
from portal.handover.queries import orphans as orphan_queries
from portal.handover.rules import Reason, Stage
from portal.handover.service import guards, handovers, items, orphans
from portal.handover.service.standing import standing_of
from tests.builders import Cast, make_grant, make_person, make_team
from tests.handover import builders, model
from tests.handover.builders import KIND, LAST_ON, TODAY, Things
from tests.mutants import broken
from tests.volume import examples

pytestmark = pytest.mark.usefixtures("today")
NAMES, CODES = ("g", "s", "t"), ("a", "b")
PEOPLE, THINGS = st.sampled_from(NAMES), st.sampled_from(CODES)
LEADS = st.sampled_from(("lead", "admin", "admin2"))


def _run(cast: Cast, things: Things, number: int, phases: Sequence[Phase] = tuple(Phase)) -> None:
    """Let the product and the model do the same, in so many orders."""
    second = make_person("second@portal.example")
    make_grant(second, Role.ADMIN)
    fixed = {"lead": cast.lead.code, "admin": cast.admin.code, "admin2": second.code}
    count = iter(range(1, 100_000))

    class Machine(RuleBasedStateMachine):
        """The product beside its model."""

        def __init__(self) -> None:
            super().__init__()
            self.run = next(count)
            self.world = model.World(NAMES, tuple(fixed))
            self.codes = dict(fixed)

        @initialize(is_begun=st.sampled_from([True, True, False]))
        def begin(self, is_begun: bool) -> None:
            for name in NAMES:
                person = make_person(f"{name}{self.run}@portal.example", team=make_team())
                self.codes[name] = person.code
            for code in CODES:
                self.owner_is_set(code, "g")
            if is_begun:
                self.start("g", True)

        def person(self, name: str) -> Person:
            found = accounts.find_person(self.codes[name])
            assert found is not None
            return found

        def code(self, name: str) -> str:
            return f"{name}{self.run}"

        def both(self, product: Callable[[], Any], of_model: Callable[[], Any]) -> None:
            """Let both do it; they refuse alike."""
            try:
                of_model()
                allowed = True
            except model.Refused:
                allowed = False
            session.expire_all()
            try:
                with own_transaction():
                    product()
                done: Exception | None = None
            except DomainError as refused:
                session.rollback()
                done = refused
            assert (done is None) == allowed, (done, allowed)

        def item(self, person: str, code: str) -> Any:
            found = queries.find_open(self.person(person).id)
            courses = queries.list_courses([found.id]) if found is not None else []
            mine = [each.item for each in courses if each.item.thing_code == self.code(code)]
            if not mine:
                raise DomainError
            return mine[0]

        def handover(self, person: str) -> Any:
            found = queries.find_open(self.person(person).id)
            if found is None:
                raise DomainError
            return found

        # --- Things ------------------------------------------------------------------------------

        @rule(code=THINGS, to=PEOPLE)
        def owner_is_set(self, code: str, to: str) -> None:
            if code not in self.world.live:
                self.world.live[code] = things.live[self.code(code)] = True
            self.both(
                lambda: ownership.set_owner(
                    kind=KIND, code=self.code(code), owner=self.person(to), by=self.person("admin")
                ),
                lambda: self.world.set_owner(code, to),
            )

        @rule(code=THINGS)
        def withdrawn_or_back(self, code: str) -> None:
            owner = self.world.owner.get(code)
            # What nobody answers for does not come into use again by itself.
            if owner is not None and (self.world.live[code] or self.world.is_active(owner)):
                self.world.live[code] = things.live[self.code(code)] = not self.world.live[code]
                self.world.orphaned.discard(code)

        # --- Handovers ---------------------------------------------------------------------------

        @rule(person=PEOPLE, is_real=st.sampled_from([True, True, False]))
        def start(self, person: str, is_real: bool) -> None:
            reason = Reason.TRANSFER if is_real else Reason.REHEARSAL
            self.both(
                lambda: handovers.start(
                    person=self.person(person),
                    reason=reason,
                    notice_on=TODAY,
                    last_on=LAST_ON,
                    by=self.person("lead"),
                ),
                lambda: self.world.start(person, is_real=is_real),
            )

        @rule(person=PEOPLE, code=THINGS, to=st.sampled_from([*NAMES, None]))
        def assign(self, person: str, code: str, to: str | None) -> None:
            self.both(
                lambda: items.assign(
                    handover=self.handover(person),
                    things=[(KIND, self.code(code))],
                    successor=self.person(to) if to is not None else None,
                    by=self.person("lead"),
                ),
                lambda: self.world.assign(person, code, to),
            )

        @rule(person=PEOPLE, code=THINGS)
        def hand_over_quickly(self, person: str, code: str) -> None:
            """Go the whole way with an item, so that closing is reached at all."""
            to = next(name for name in NAMES if name != person)
            self.assign(person, code, to)
            for stage in model.STAGES:
                self.show(person, code, to, stage)
            self.decide(person, code, to, "accepted")

        @rule(person=PEOPLE, code=THINGS, stages=st.integers(0, 2))
        def answer_too_early(self, person: str, code: str, stages: int) -> None:
            """Say yes before it was done alone."""
            to = next(name for name in NAMES if name != person)
            self.assign(person, code, to)
            for stage in model.STAGES[:stages]:
                self.show(person, code, to, stage)
            self.decide(person, code, to, "accepted")

        @rule(person=PEOPLE, code=THINGS, by=PEOPLE, stage=st.sampled_from(model.STAGES))
        def show(self, person: str, code: str, by: str, stage: str) -> None:
            self.both(
                lambda: items.record_evidence(
                    item=self.item(person, code), stage=Stage(stage), done_on=TODAY, words="Done", by=self.person(by)
                ),
                lambda: self.of_item(person, code, self.world.show, by, stage),
            )

        def of_item(self, person: str, code: str, act: Callable[..., None], *values: str) -> None:
            """Let the model do it where there is an item: what was gained and not noted yet has no page of its own."""
            if person not in self.world.open or code not in self.world.open[person].items:
                raise model.Refused
            act(person, code, *values)

        @rule(person=PEOPLE, code=THINGS, by=PEOPLE)
        def take_back(self, person: str, code: str, by: str) -> None:
            def product() -> None:
                item = self.item(person, code)
                own = [each for each in queries.get_course(item).evidence if each.taken_back_at is None]
                mine = [each for each in own if each.successor.code == self.codes[by]]
                if not mine:
                    raise DomainError
                items.take_back(item=item, evidence=mine[-1], by=self.person(by))

            self.both(product, lambda: self.of_item(person, code, self.world.take_back, by))

        @rule(person=PEOPLE, code=THINGS, by=PEOPLE, said=st.sampled_from(["accepted", "refused"]))
        def decide(self, person: str, code: str, by: str, said: str) -> None:
            def product() -> None:
                if said == "accepted":
                    items.accept(item=self.item(person, code), by=self.person(by))
                else:
                    items.refuse(item=self.item(person, code), reason="No time", by=self.person(by))

            self.both(product, lambda: self.of_item(person, code, self.world.decide, by, said))

        @rule(person=PEOPLE)
        def move_last_day(self, person: str) -> None:
            def product() -> None:
                found = self.handover(person)
                handovers.move_last_day(
                    handover=found,
                    last_on=found.last_on + timedelta(days=1),
                    back_on=None,
                    reason="A day more",
                    seen=len(found.days),
                    by=self.person("lead"),
                )

            def of_model() -> None:
                if person not in self.world.open:
                    raise model.Refused
                self.world.synchronise(person)

            self.both(product, of_model)

        @rule(person=PEOPLE)
        def call_off(self, person: str) -> None:
            self.both(
                lambda: handovers.call_off(
                    handover=self.handover(person), reason="Stays after all", by=self.person("lead")
                ),
                lambda: self.world.call_off(person),
            )

        @rule(person=PEOPLE)
        def close(self, person: str) -> None:
            self.both(
                lambda: handovers.close(handover=self.handover(person), by=self.person("lead")),
                lambda: self.world.close(person),
            )

        # --- People ------------------------------------------------------------------------------

        @rule(person=PEOPLE, code=THINGS, by=LEADS)
        def accept_orphan(self, person: str, code: str, by: str) -> None:
            self.both(
                lambda: orphans.accept(
                    person=self.person(person),
                    things=[(KIND, self.code(code))],
                    reason="Not needed",
                    by=self.person(by),
                ),
                lambda: self.world.accept_orphan(person, code, by),
            )

        @rule(person=PEOPLE)
        def deactivate(self, person: str) -> None:
            self.both(
                lambda: people.deactivate(person=self.person(person), by=self.person("admin"), knowing=True),
                lambda: self.world.deactivate(person),
            )

        @rule(person=PEOPLE)
        def reactivate(self, person: str) -> None:
            self.both(
                lambda: people.reactivate(person=self.person(person), by=self.person("admin")),
                lambda: self.world.reactivate(person),
            )

        @rule()
        def the_worker_works(self) -> None:
            jobs.run_periodic("handover.inventory")
            for person in self.world.open:
                self.world.synchronise(person)

        # --- What holds at every moment ----------------------------------------------------------

        @invariant()
        def everything_is_as_in_the_model(self) -> None:
            session.expire_all()
            for code, owner in self.world.owner.items():
                found = accounts.find_owner(KIND, self.code(code))
                assert found is not None
                assert found.owner.code == self.codes[owner]
            for name in NAMES:
                if name not in self.codes:
                    return
                found_open = queries.find_open(self.person(name).id)
                assert (found_open is not None) == (name in self.world.open)
                if found_open is None:
                    continue
                states = {each.thing[1]: each.state.value for each in standing_of(found_open).items}
                expected = {
                    self.code(code): self.world.state(name, code)
                    for code in {*self.world.open[name].items, *self.world.owned(name)}
                }
                assert states == expected

        @invariant()
        def nothing_is_orphaned_silently(self) -> None:
            """Look at the database alone: what is live and has no active owner was accepted by two others."""
            look_for_orphans(code for code, is_live in things.live.items() if is_live and code.endswith(str(self.run)))

        def teardown(self) -> None:
            session.expire_all()
            for check in invariants.INVARIANTS.values():
                assert check() == []

    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=number,
            stateful_step_count=30,
            deadline=None,
            database=None,
            phases=phases,
            report_multiple_bugs=False,
        ),
    )


def look_for_orphans(codes: Iterable[str]) -> None:
    """Look at the database alone: what has no active owner was accepted by two others."""
    for code in list(codes):
        found = accounts.find_owner(KIND, code)
        if found is None or found.owner.is_active:
            continue
        by = {
            each.accepted_by_id
            for each in orphan_queries.list_standing(found.owner_id)
            if each.thing_code == code and each.accepted_by_id != found.owner_id
        }
        assert len(by) >= 2, f"{code} has nobody"


def test_handovers_do_what_a_model_says_in_any_order(app: Flask, cast: Cast, things: Things) -> None:
    _run(cast, things, examples(25))


@pytest.mark.parametrize(
    ("function", "changes"),
    [
        # Closing although something is left.
        (handovers.close, ("if left and is_real(locked):", "if False:")),
        # Another owner on the side.
        (guards.no_bypass, ("if handover is None:", "if True:")),
        # One acceptance is enough.
        (guards.AcceptedByTwo.things, ()),
        # What was never done alone is accepted all the same.
        (items.accept, ("if Stage.ALONE not in _stages(course):", "if False:")),
    ],
    ids=["closes anyway", "moves on the side", "one is enough", "accepts unseen"],
)
def test_what_is_broken_is_found(
    app: Flask,
    cast: Cast,
    things: Things,
    function: Any,
    changes: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not changes:
        # So seldom does somebody go whose only acceptance is by one that chance would look for it for long.
        monkeypatch.setattr(guards, "ACCEPTING", 1)
        builders.give(things, cast.author, "a")
        with own_transaction():
            orphans.accept(person=cast.author, things=[(KIND, "a")], reason="It ends.", by=cast.lead)
        with own_transaction():
            people.deactivate(person=cast.author, by=cast.admin, knowing=True)
        with pytest.raises(AssertionError):
            look_for_orphans(["a"])
        return
    if function is guards.no_bypass:
        monkeypatch.setattr(ownership, "_guards", [])
        with pytest.raises(AssertionError):
            _run(cast, things, 150, [Phase.generate])
        return
    if function is items.accept:
        with broken(function, *changes):
            builders.give(things, cast.author, "a")
            begun = builders.begin(cast.author, cast.lead)
            builders.assign(begun, cast.colleague, "a")
            (course,) = [each for each in queries.list_courses([begun.id]) if each.item.thing_code == "a"]
            with own_transaction():
                items.accept(item=course.item, by=cast.colleague)
        assert any(check() for check in invariants.INVARIANTS.values())
        return
    with broken(function, *changes):
        builders.give(things, cast.author, "a")
        begun = builders.begin(cast.author, cast.lead)
        with own_transaction():
            handovers.close(handover=begun, by=cast.lead)
    assert any(check() for check in invariants.INVARIANTS.values())

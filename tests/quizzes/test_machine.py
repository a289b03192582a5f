"""Whatever is done to attempts in whatever order, the services answer and store what the model says.

The services and a model without a database (`model.py`) go the same steps side by side; after each step every answer,
refusal, state, point and line of history is compared, and after each run everything that must always be true of
attempts is asked of what is stored.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any, ClassVar
from unittest.mock import patch

import pytest
from flask import Flask
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from sqlalchemy import select

from portal.accounts.models import Accommodation, Person
from portal.accounts.service.accommodations import approve_accommodation, end_accommodation
from portal.core import clock, jobs
from portal.core.db import Base, db, session
from portal.core.errors import DomainError
from portal.core.transaction import own_transaction
from portal.organisation.rules import ATTEMPT_TOLERANCE
from portal.organisation.service import change_settings
from portal.quizzes import queries, rules
from portal.quizzes.invariants import INVARIANTS
from portal.quizzes.models import (
    Attempt,
    AttemptEvent,
    Confidence,
    Item,
    Layout,
    Marking,
    Navigation,
    RefusedAnswer,
    Release,
    Response,
)
from portal.quizzes.queries import supervision
from portal.quizzes.service import attempts as service
from portal.quizzes.service.attempts import handing_in, pages, saving, starting, timing
from portal.quizzes.service.attempts.saving import hash_of
from portal.quizzes.service.marking import release_by_hand
from portal.quizzes.types import type_of
from portal.quizzes.types.base import read
from tests.builders import MORNING, Cast
from tests.conftest import empty
from tests.mutants import broken
from tests.quizzes.builders import make_bank, make_quiz
from tests.quizzes.model import NOTHING, Agreed, Late, PageReply, Refused, Reply, Rules, Sitting, Takings
from tests.volume import NIGHTLY, volume

QUIZZES: dict[str, Rules] = {
    "at-once": Rules(),
    "by-hand": Rules(release="by_hand"),
    "forward": Rules(release="by_hand", is_forward_only=True),
    "window": Rules(release="after_window", closes_at=MORNING + timedelta(minutes=20)),
}
CHOICES = st.sampled_from(["right", "wrong", NOTHING])
PAGES = st.sampled_from([None, "one", "two"])
POSITIONS = st.integers(1, 4)
LENGTHS = [0.000001, 0.1, 1, 5, 11.5, 45, 46, 100, 300, 3600]
# Seconds before or after something that is due; the tolerances are 0, 5 and 30.
ABOUT = [-1, -0.1, 0, 0.000001, 0.1, 4.9, 5, 5.000001, 29.9, 30, 30.1, 86_399, 86_400, 86_401]


def day_of(instant: datetime) -> date:
    """Return the day in Tokyo, which has no summer time."""
    return (instant + timedelta(hours=9)).date()


@dataclass
class World:
    """What there is to sit: made once, and left as it was made after each run."""

    cast: Cast
    tolerance: int = 5
    # What a run fills, and what stood nowhere before.
    filled: list[str] = field(default_factory=list)
    ids: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.ids = {name: person.id for name, person in self.cast.everyone().items()}
        make_bank(self.cast.author)
        for slug, terms in QUIZZES.items():
            make_quiz(
                self.cast.author,
                slug,
                bank=False,
                attempts_allowed=terms.attempts_allowed,
                wait_hours=terms.wait_hours,
                wait_after_fails=terms.wait_after_fails,
                closes_at=terms.closes_at,
                release=Release(terms.release),
                **(
                    {"navigation": Navigation.FORWARD_ONLY, "layout": Layout.ONE_PER_PAGE}
                    if terms.is_forward_only
                    else {}
                ),
            )
        self.filled = [
            table.name
            for table in reversed(Base.metadata.sorted_tables)
            if session.execute(select(table).limit(1)).first() is None
        ]
        session.rollback()

    def person(self, name: str) -> Person:
        """Return one of the cast as she is stored."""
        return session.get_one(Person, self.ids[name])

    def clear(self) -> None:
        """Delete what a run has left."""
        session.rollback()
        session.remove()
        empty(self.filled)
        self.tolerance = 5

    def set_tolerance(self, seconds: int) -> None:
        """Change the setting, where it is another one."""
        if seconds != self.tolerance:
            with own_transaction():
                change_settings(values={ATTEMPT_TOLERANCE: seconds}, by=None)
            self.tolerance = seconds


@dataclass
class Real:
    """An attempt as it is stored, and what its answers look like on its page."""

    id: int
    code: str
    # Position → name of an answer → places on the page.
    places: dict[int, dict[str, dict[str, list[str]]]]
    # Position and hash of what is stored → name of the answer.
    names: dict[tuple[int, str], str]
    worth: dict[int, Fraction]

    @classmethod
    def of(cls, attempt: Attempt) -> Real:
        """Read what an attempt asks."""
        places: dict[int, dict[str, dict[str, list[str]]]] = {}
        names, worth = {}, {}
        for item in queries.list_items(attempt):
            content = read(item.question_version.content)
            kind = type_of(content.type)
            wrong = {part.id: [next(c.id for c in part.choices if not c.right)] for part in content.parts}
            places[item.position] = {NOTHING: {}}
            names[item.position, hash_of({})] = NOTHING
            for name, stored in (("right", kind.solution(content)), ("wrong", wrong)):
                given = kind.places(content, item.choice_order, stored)
                places[item.position][name] = {part: list(each) for part, each in given.items()}
                names[item.position, hash_of(kind.normalise(content, item.choice_order, given))] = name
            worth[item.position] = item.max_points
        return cls(attempt.id, attempt.code, places, names, worth)

    def name_of(self, position: int, answer: Mapping[str, Any]) -> str:
        """Return which answer these places on the page are."""
        found = {part: list(each) for part, each in answer.items()}
        return next(name for name, places in self.places[position].items() if places == found)


class AttemptMachine(RuleBasedStateMachine):
    """One person, one quiz, a clock that only goes on, and everybody who may do something about it."""

    world: ClassVar[World]

    def __init__(self) -> None:
        super().__init__()
        self.world.clear()
        self.now = MORNING
        self.keys = itertools.count(1)
        self.real: list[Real] = []
        # False from the first difference on: what follows would only hide it.
        self.is_sound = False
        self.person = self.world.person("learner")

    # --- both sides ----------------------------------------------------------------------------

    @contextmanager
    def doing(self) -> Iterator[None]:
        """Do something in the product now, in a transaction."""
        with clock.frozen(self.now), own_transaction():
            yield

    def both(self, real: Callable[[], Any], model: Callable[[], Any]) -> None:
        """Do it on both sides, and compare what was said; a refusal leaves nothing behind on either."""
        said: Any
        expected: Any
        try:
            expected = model()
        except Refused as refusal:
            expected = f"refused: {refusal}"
        try:
            with self.doing():
                said = real()
        except DomainError as refusal:
            said = f"refused: {type(refusal).__name__}"
        self.is_sound = said == expected
        assert said == expected
        self.compare()

    def attempt(self, place: int) -> tuple[Attempt, Sitting, Real]:
        """Return an attempt on both sides, counted from the newest."""
        place = max(len(self.real) - 1 - place, 0)
        return queries.get_attempt(self.real[place].code), self.model.attempts[place], self.real[place]

    def compare(self) -> None:
        """Compare everything that is stored."""
        session.rollback()
        self.is_sound = False
        for real, sitting in zip(self.real, self.model.attempts, strict=True):
            assert _stored(real) == _expected(sitting)
        self.is_sound = True

    # --- the beginning and the clock -----------------------------------------------------------

    @initialize(slug=st.sampled_from(list(QUIZZES)), tolerance=st.sampled_from([5, 5, 0, 30]), agreed=st.booleans())
    def begin(self, slug: str, tolerance: int, agreed: bool) -> None:
        self.slug = slug
        self.world.set_tolerance(tolerance)
        self.model = Takings(QUIZZES[slug], day_of, timedelta(seconds=tolerance))
        if agreed:
            self.agree(multiplier=Fraction(3, 2), minutes=5, hides=False, days=0)
        self.start(accepts_cut=True)

    @rule(accepts_cut=st.booleans())
    def start(self, accepts_cut: bool) -> None:
        def real() -> int:
            attempt = service.start_attempt(
                version=queries.get_quiz(self.slug), person=self.person, language="en", accepts_cut=accepts_cut
            )
            if attempt.attempt_no > len(self.real):
                self.real.append(Real.of(attempt))
            return attempt.attempt_no

        def model() -> int:
            return self.model.start(self.now, accepts_cut=accepts_cut, worth={}).number

        said: Any
        # The lot falls the same way each time, so that a run can be repeated.
        try:
            with self.doing(), patch.object(starting, "new_seed", lambda: f"{len(self.real):032x}"):
                said = real()
        except DomainError as refusal:
            said = f"refused: {type(refusal).__name__}"
        expected: Any
        try:
            expected = model()
            self.model.attempts[-1].worth = self.real[-1].worth
        except Refused as refusal:
            expected = f"refused: {refusal}"
        self.is_sound = said == expected
        assert said == expected
        self.compare()

    @rule(seconds=st.sampled_from(LENGTHS))
    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    @precondition(lambda self: self.real)
    @rule(
        place=st.integers(0, 1),
        what=st.sampled_from(["end", "end", "break", "lease", "day"]),
        by=st.sampled_from(ABOUT),
    )
    def wait_until(self, place: int, what: str, by: float) -> None:
        _, sitting, _ = self.attempt(place)
        midnight = datetime.combine(day_of(self.now), datetime.min.time(), MORNING.tzinfo) + timedelta(hours=15)
        due = {
            "end": sitting.deadline_at,
            "break": sitting.break_until,
            "lease": sitting.seen_at and sitting.seen_at + timedelta(seconds=45),
            "day": midnight,
        }[what]
        if due is not None:
            self.now = max(self.now, due + timedelta(seconds=by))

    @rule()
    def restart(self) -> None:
        """The server's processes are started anew: nothing that one of them knew is known any more."""
        session.remove()
        db.engine.dispose()
        self.person = self.world.person("learner")

    # --- the learner ---------------------------------------------------------------------------

    @precondition(lambda self: self.real)
    @rule(
        place=st.sampled_from([0, 0, 0, 1]),
        position=st.one_of(POSITIONS, st.just(0)),
        choice=CHOICES,
        step=st.sampled_from([1, 1, 1, 2, 0, -1]),
        page=PAGES,
        takes_over=st.booleans(),
        sureness=st.sampled_from([None, None, "sure"]),
        known=st.one_of(st.none(), st.none(), st.integers(0, 9)),
    )
    def save(self, place: int, position: int, choice: str, step: int, page: str | None, takes_over: bool,
             sureness: str | None, known: int | None) -> None:  # fmt: skip
        """Save an answer; with a number that is newer, the same or older, under a key of its own or one that was used.

        Position 0 stands for the question that one is at, where one goes forward only.
        """
        attempt, sitting, real = self.attempt(place)
        if position == 0:
            position = sitting.reached or 1
        stored = sitting.answers.get(position)
        values = {
            "position": position,
            "seq": (stored.seq if stored else 0) + step,
            "key": f"key-{next(self.keys)}",
            "choice": choice,
            "sureness": sureness,
        }
        # The keys of forms are made of what is stored, which the model does not know.
        used = sorted(key for key in sitting.keys if key.startswith("key-"))
        if known is not None and used:
            key = used[known % len(used)]
            values["key"] = key
            if known % 3:
                # The very same again, as after a reply that was lost.
                values["position"], values["seq"], values["choice"], values["sureness"] = sitting.keys[key]
        self._save(attempt, sitting, real, page, takes_over=takes_over, **values)

    def _save(self, attempt: Attempt, sitting: Sitting, real: Real, page: str | None, *, takes_over: bool,
              **values: Any) -> None:  # fmt: skip
        def do() -> Reply:
            saved = service.save_response(
                attempt=attempt,
                person=self.person,
                position=values["position"],
                seq=values["seq"],
                idem_key=values["key"],
                given=real.places[values["position"]][values["choice"]],
                page=page,
                take_over=takes_over,
                confidence=Confidence(values["sureness"]) if values["sureness"] else None,
            )
            return Reply(
                saved.outcome.value,
                saved.saved_seq,
                real.name_of(values["position"], saved.answer),
                saved.state.value,
                saved.remaining,
                saved.confidence.value if saved.confidence else None,
            )

        self.both(do, lambda: self.model.save(sitting, self.now, page=page, takes_over=takes_over, **values))

    @precondition(lambda self: self.real)
    @rule(
        place=st.sampled_from([0, 0, 1]),
        answers=st.dictionaries(POSITIONS, st.tuples(st.integers(-1, 1), CHOICES), min_size=1),
        form=st.sampled_from(["f1", "f2", "f3"]),
    )
    def save_page(self, place: int, answers: dict[int, tuple[int, str]], form: str) -> None:
        attempt, sitting, real = self.attempt(place)
        seen = {
            position: (max((sitting.answers[position].seq if position in sitting.answers else 0) + step, 0), choice)
            for position, (step, choice) in answers.items()
        }

        def do() -> PageReply:
            page = service.save_page(
                attempt=attempt,
                person=self.person,
                answers={
                    position: (number, real.places[position][choice]) for position, (number, choice) in seen.items()
                },
                form_key=form,
            )
            return PageReply(tuple(page.stale), tuple(page.late), tuple(page.left), page.state.value, page.was_over)

        self.both(do, lambda: self.model.save_page(sitting, self.now, form=form, answers=seen))

    @precondition(lambda self: self.real)
    @rule(
        page=st.sampled_from(["one", "two"]),
        takes_over=st.booleans(),
        leaves=st.booleans(),
        told=st.sampled_from([None, "gone-1", "gone-2"]),
    )
    def sign_of_life(self, page: str, takes_over: bool, leaves: bool, told: str | None) -> None:
        attempt, sitting, _ = self.attempt(0)

        def do() -> tuple[bool, str, timedelta, bool]:
            pulse = service.note_page(
                attempt=attempt,
                page=page,
                take_over=takes_over,
                leaves=leaves,
                told=[service.Told(pages.EventKind.FOCUS_LOST, told, timedelta(0))] if told else [],
            )
            return pulse.is_writer, pulse.state.value, pulse.remaining, pulse.is_on_break

        self.both(
            do,
            lambda: self.model.hear_of(sitting, self.now, page, takes_over=takes_over, leaves=leaves, told=told),
        )

    @precondition(lambda self: self.real and self.model.rules.is_forward_only)
    @rule(step=st.sampled_from([0, 0, -1, 1]))
    def go_on(self, step: int) -> None:
        attempt, sitting, _ = self.attempt(0)
        position = (sitting.reached or 0) + step
        self.both(
            lambda: service.move_on(attempt=attempt, position=position) and None,
            lambda: self.model.go_on(sitting, self.now, position),
        )

    @precondition(lambda self: self.real)
    @rule()
    def begin_break(self) -> None:
        attempt, sitting, _ = self.attempt(0)
        self.both(
            lambda: service.begin_break(attempt=attempt, person=self.person) and None,
            lambda: self.model.begin_break(sitting, self.now),
        )

    @precondition(lambda self: self.real)
    @rule()
    def end_break(self) -> None:
        attempt, sitting, _ = self.attempt(0)
        self.both(
            lambda: service.end_break(attempt=attempt, person=self.person) and None,
            lambda: self.model.end_break(sitting, self.now),
        )

    @precondition(lambda self: self.real)
    @rule(place=st.sampled_from([0, 0, 0, 1]))
    def hand_in(self, place: int) -> None:
        attempt, sitting, _ = self.attempt(place)
        self.both(
            lambda: service.submit_attempt(attempt=attempt, person=self.person) and None,
            lambda: self.model.submit(sitting, self.now),
        )

    # --- everybody else ------------------------------------------------------------------------

    @rule(
        multiplier=st.sampled_from([Fraction(1), Fraction(4, 3), Fraction(3, 2), Fraction(2)]),
        minutes=st.sampled_from([0, 5, 10]),
        hides=st.booleans(),
        days=st.sampled_from([0, 0, 1]),
    )
    def agree(self, multiplier: Fraction, minutes: int, hides: bool, days: int) -> None:
        since = day_of(self.now) + timedelta(days=days)
        self.both(
            lambda: (
                approve_accommodation(
                    person=self.person, multiplier=multiplier, hide_countdown=hides, break_minutes=minutes,
                    valid_from=since, valid_until=None, by=self.world.person("admin"),
                )
                and None
            ),
            lambda: self.model.agree(self.now, Agreed(multiplier, minutes * 60, hides, since)),
        )  # fmt: skip

    @precondition(lambda self: self.model.agreed)
    @rule(place=st.integers(0, 2))
    def end_agreement(self, place: int) -> None:
        place = max(len(self.model.agreed) - 1 - place, 0)
        row = session.scalars(select(Accommodation).order_by(Accommodation.id)).all()[place]
        self.both(
            lambda: end_accommodation(accommodation=row, person=self.person, by=self.world.person("admin")),
            lambda: self.model.end_agreement(self.now, place),
        )

    @precondition(lambda self: self.real)
    @rule(minutes=st.sampled_from([1, 10, 240, 0, 241]), place=st.sampled_from([0, 0, 1]))
    def grant(self, minutes: int, place: int) -> None:
        attempt, sitting, _ = self.attempt(place)
        self.both(
            lambda: (
                service.extend_attempt(attempt=attempt, minutes=minutes, reason="power", by=self.world.person("lead"))
                and None
            ),
            lambda: self.model.grant(sitting, self.now, minutes),
        )

    @precondition(lambda self: self.real)
    @rule(place=st.integers(0, 1))
    def void(self, place: int) -> None:
        attempt, sitting, _ = self.attempt(place)
        self.both(
            lambda: service.void_attempt(attempt=attempt, reason="alarm", by=self.world.person("lead")) and None,
            lambda: self.model.void(sitting, self.now),
        )

    @precondition(lambda self: any(each.late for each in self.model.attempts))
    @rule(place=st.integers(0, 5))
    def accept(self, place: int) -> None:
        waiting = [
            (sitting, real, number)
            for sitting, real in zip(self.model.attempts, self.real, strict=True)
            for number in range(len(sitting.late))
        ]
        sitting, real, number = waiting[place % len(waiting)]
        attempt = queries.get_attempt(real.code)
        position, seq = sitting.late[number].position, sitting.late[number].seq
        refused = next(
            each for each in supervision.list_refused(attempt) if (each.item.position, each.seq) == (position, seq)
        )
        self.both(
            lambda: (
                service.accept_refused(attempt=attempt, refused=refused, reason="line", by=self.world.person("lead"))
                and None
            ),
            lambda: self.model.accept(sitting, number),
        )

    @precondition(lambda self: self.model.rules.release == "by_hand")
    @rule()
    def release(self) -> None:
        self.both(
            lambda: release_by_hand(quiz=queries.get_quiz(self.slug).quiz, by=self.world.person("author")),
            self.model.release,
        )

    @rule()
    def every_minute(self) -> None:
        with clock.frozen(self.now):
            for task in ("sweep", "accommodate", "release"):
                jobs.run_periodic(f"quizzes.{task}")
        self.model.every_minute(self.now)
        self.compare()

    def teardown(self) -> None:
        if not self.is_sound:
            return
        self.every_minute()
        session.rollback()
        session.expire_all()
        with clock.frozen(self.now):
            assert [line for check in INVARIANTS.values() for line in check()] == []
        session.rollback()


def _stored(real: Real) -> dict[str, Any]:
    """Return an attempt as it is stored, in the words of the model."""
    row = session.execute(select(*Attempt.__table__.c).where(Attempt.id == real.id)).one()
    answers = session.execute(
        select(Item.position, Response.seq, Response.hash, Response.received_at, Response.confidence)
        .join(Response, Response.item_id == Item.id)
        .where(Item.attempt_id == real.id)
    )
    refused = session.execute(
        select(*RefusedAnswer.__table__.c, Item.position)
        .join(Item, Item.id == RefusedAnswer.item_id)
        .where(RefusedAnswer.attempt_id == real.id)
        .order_by(RefusedAnswer.id)
    )
    return {
        "number": row.attempt_no,
        "state": row.state.value,
        "times": (row.started_at, row.deadline_at, row.finished_at),
        "submitted_by": row.submitted_by.value if row.submitted_by else None,
        "added": (row.multiplier, row.granted_seconds, row.hide_countdown, row.tolerance_seconds),
        "breaks": (row.break_allowance_seconds, row.break_seconds, row.break_began_at, row.break_until),
        "reached": row.reached,
        "writer": (row.writer, row.writer_seen_at),
        "answers": {
            each.position: (each.seq, real.names[each.position, each.hash], each.received_at, each.confidence)
            for each in answers
        },
        "late": [
            asdict(
                Late(
                    each.position, each.seq, real.names[each.position, each.hash], each.received_at, each.late_seconds,
                    each.confidence, each.accepted_at is not None,
                )
            )
            for each in refused
        ],
        "points": list(
            session.scalars(select(Marking.points).where(Marking.attempt_id == real.id).order_by(Marking.marking_no))
        ),
        "history": [
            kind.value
            for kind in session.scalars(
                select(AttemptEvent.kind).where(AttemptEvent.attempt_id == real.id).order_by(AttemptEvent.number)
            )
        ],
    }  # fmt: skip


def _expected(sitting: Sitting) -> dict[str, Any]:
    """Return an attempt as the model has it."""
    return {
        "number": sitting.number,
        "state": sitting.state,
        "times": (sitting.started_at, sitting.deadline_at, sitting.finished_at),
        "submitted_by": sitting.submitted_by,
        "added": (sitting.multiplier, sitting.granted, sitting.hides, sitting.tolerance.total_seconds()),
        "breaks": (sitting.allowance, sitting.taken, sitting.break_began_at, sitting.break_until),
        "reached": sitting.reached,
        "writer": (sitting.writer, sitting.seen_at),
        "answers": {
            position: (each.seq, each.choice, each.received_at, each.sureness)
            for position, each in sitting.answers.items()
        },
        "late": [asdict(each) for each in sitting.late],
        "points": sitting.points,
        "history": sitting.history,
    }


def _machine(world: World) -> type[AttemptMachine]:
    return type("Machine", (AttemptMachine,), {"world": world})


def _run(world: World, runs: int, steps: int, **more: Any) -> None:
    run_state_machine_as_test(
        _machine(world),
        settings=settings(
            max_examples=runs,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            report_multiple_bugs=False,
            # Making a failure shorter takes minutes; the steps that led to it are printed as they are.
            phases=[Phase.explicit, Phase.reuse, Phase.generate],
            **more,
        ),
    )


def test_services_and_model_answer_and_store_the_same_in_every_order(app: Flask, cast: Cast) -> None:
    _run(World(cast), volume(200, 5000), volume(30, 60))


def _saved(machine: AttemptMachine, **values: Any) -> None:
    usual: dict[str, Any] = {
        "place": 0, "position": 1, "choice": "right", "step": 1, "page": None, "takes_over": False,
        "sureness": None, "known": None,
    }  # fmt: skip
    machine.save(**(usual | values))


def _older_after_newer(machine: AttemptMachine) -> None:
    _saved(machine, step=2)
    _saved(machine, step=-1, choice="wrong")


def _two_pages(machine: AttemptMachine) -> None:
    _saved(machine, page="one")
    _saved(machine, page="two")


def _key_again(machine: AttemptMachine) -> None:
    _saved(machine)
    _saved(machine, choice="wrong", known=0)


def _short_break(machine: AttemptMachine) -> None:
    machine.agree(multiplier=Fraction(1), minutes=5, hides=False, days=0)
    machine.begin_break()
    machine.wait(seconds=100)
    machine.end_break()


def _agreed_twice(machine: AttemptMachine) -> None:
    machine.agree(multiplier=Fraction(2), minutes=0, hides=False, days=0)
    machine.agree(multiplier=Fraction(1), minutes=0, hides=True, days=0)


def _late_after_handing_in(machine: AttemptMachine) -> None:
    machine.hand_in(place=0)
    machine.wait_until(place=0, what="end", by=30.1)
    _saved(machine)


def _run_out(machine: AttemptMachine) -> None:
    machine.wait_until(place=0, what="end", by=30.1)
    machine.every_minute()


def _late_in_the_window(machine: AttemptMachine) -> None:
    machine.hand_in(place=0)
    machine.wait(seconds=600)
    machine.start(accepts_cut=False)


def _granted(machine: AttemptMachine) -> None:
    machine.grant(minutes=10, place=0)


def _gone_on(machine: AttemptMachine) -> None:
    _saved(machine)
    machine.go_on(step=0)
    _saved(machine, choice="wrong")


# What is broken: the quiz, the steps that show it, the function, what stands in it, and what stands there instead.
Variant = tuple[str, Callable[[AttemptMachine], None], Callable[..., Any], str, str]
VARIANTS: dict[str, Variant] = {
    "an older answer replaces a newer one": (
        "at-once", _older_after_newer, saving._upserts, "where=new.seq > table.c.seq,", "",
    ),
    "a second page writes without taking over": (
        "at-once", _two_pages, rules.may_write, "writer in (None, page)", "True",
    ),
    "a key may come with another answer": (
        "at-once", _key_again, saving.save_response, "raise errors.KeyReused()", "pass",
    ),
    "a break is never given back": (
        "at-once", _short_break, timing.end_break, "taking.unused_seconds(attempt.break_until, now)", "0",
    ),
    "more time is taken away again": (
        "at-once", _agreed_twice, timing.accommodate, "max(attempt.multiplier, found.multiplier)", "found.multiplier",
    ),
    "late answers are kept after handing in": (
        "by-hand", _late_after_handing_in, rules.taking.ran_out, 'submitted_by == "sweep"', "True",
    ),
    "an attempt ends when it is looked at": (
        "by-hand", _run_out, handing_in.close_if_over, "attempt.deadline_at, None)", "now, None)",
    ),
    "a window cuts without having been confirmed": (
        "window", _late_in_the_window, starting.start_attempt, "if standing.is_cut and not accepts_cut", "if False",
    ),
    "granted minutes do not count": (
        "at-once", _granted, service.extend_attempt, "set_deadline(attempt)", "pass",
    ),
    "what was left can be changed": (
        "forward", _gone_on, saving._not_here, "taking.Place.LEFT: Outcome.LEFT, ", "",
    ),
}  # fmt: skip


@pytest.mark.any_database
@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS.keys())
def test_a_service_that_breaks_a_rule_is_found_at_the_step_that_shows_it(
    app: Flask, cast: Cast, variant: Variant
) -> None:
    slug, steps, *change = variant
    world = World(cast)

    def go() -> None:
        machine = _machine(world)()
        machine.begin(slug=slug, tolerance=5, agreed=False)
        steps(machine)
        machine.teardown()

    go()
    with broken(*change), pytest.raises(AssertionError):  # type: ignore[arg-type]
        go()


@pytest.mark.any_database
@pytest.mark.skipif(not NIGHTLY, reason="a search takes minutes for each variant")
@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS.keys())
def test_a_service_that_breaks_a_rule_is_found_by_searching(app: Flask, cast: Cast, variant: Variant) -> None:
    world = World(cast)
    with broken(*variant[2:]), pytest.raises(AssertionError):
        # The same runs each time: what they find today they find tomorrow.
        _run(world, 1000, 60, derandomize=True, database=None)

"""The edges of an attempt's time: what is taken when, two tabs in every order, and a worker that was away."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from portal.core import clock, jobs
from portal.core.db import session
from portal.core.transaction import own_transaction
from portal.organisation.rules import ATTEMPT_TOLERANCE
from portal.organisation.service import change_settings
from portal.quizzes import queries, rules
from portal.quizzes.invariants import INVARIANTS
from portal.quizzes.models import Attempt, AttemptState
from portal.quizzes.service import attempts as service
from portal.quizzes.service.attempts import handing_in, saving
from tests.builders import MORNING, Cast
from tests.mutants import broken
from tests.quizzes.builders import answer, at, begin, make_quiz, right_answer
from tests.quizzes.test_attempts import play
from tests.volume import NIGHTLY


def _wrong(minutes: float) -> list[str]:
    session.rollback()
    session.expire_all()
    with clock.frozen(at(minutes=minutes)):
        return [line for check in INVARIANTS.values() for line in check()]


# --- F18: the boundary -------------------------------------------------------------------------

# Seconds from the deadline; T stands for the tolerance, which is added.
OFFSETS = [(-1.0, 0), (-0.1, 0), (0.0, 0), (-0.1, 1), (0.0, 1), (0.000001, 1), (0.1, 1)]


@dataclass(frozen=True)
class Edge:
    """An instant about the end of an attempt, and what the rules say of it."""

    after: timedelta
    tolerance: timedelta

    @property
    def is_taken(self) -> bool:
        """Until the tolerance is over, its last instant included."""
        return self.after <= self.tolerance

    @property
    def is_before_the_end(self) -> bool:
        """Until the deadline, its last instant included."""
        return self.after <= timedelta(0)


def _save(attempt: Attempt, client: Any) -> tuple[Any, ...]:
    body = {"position": 1, "seq": 2, "idem_key": "edge", "answer": right_answer(attempt, 1)}
    reply = client.post_json("quizzes.save_response", body, code=attempt.code)
    return reply.status_code, reply.json["outcome"], reply.json["remaining_ms"]


def _submit(attempt: Attempt, client: Any) -> tuple[Any, ...]:
    form = {"action": "submit", "leaves": "1 2 3 4"}
    return (client.post("quizzes.send_page", form, code=attempt.code).headers["Location"].rsplit("/", 1)[-1],)


def _open(attempt: Attempt, client: Any) -> tuple[Any, ...]:
    return (client.fetch("quizzes.attempt", code=attempt.code).status_code,)


def _sign_of_life(attempt: Attempt, client: Any) -> tuple[Any, ...]:
    reply = client.post_json("quizzes.note_page", {"page": "one", "events": []}, code=attempt.code)
    return reply.json["writer"], reply.json["state"]


def _sweep(attempt: Attempt, client: Any) -> tuple[Any, ...]:
    jobs.run_periodic("quizzes.sweep")
    return ()


def _start(attempt: Attempt, client: Any) -> tuple[Any, ...]:
    reply = client.post("quizzes.start", slug="impersonation")
    return (reply.headers["Location"].endswith(attempt.code),)


def _said(what: str, edge: Edge) -> tuple[Any, ...]:
    """Return what the rules say is answered."""
    left = max(-edge.after, timedelta(0)) // timedelta(milliseconds=1)
    match what:
        case "save":
            return (200, "saved", left) if edge.is_taken else (410, "late", 0)
        case "submit":
            return ("result",)
        case "open":
            return (200,) if edge.is_taken else (303,)
        case "sign of life":
            return edge.is_before_the_end, "in_progress" if edge.is_taken else "released"
        case "start":
            return (edge.is_taken,)
    return ()


def _stored(what: str, edge: Edge) -> tuple[str, str | None, timedelta | None]:
    """Return state, by whom and how long after the deadline it was handed in, as the rules say they are stored."""
    if not edge.is_taken and what != "open":
        return "released", "sweep", timedelta(0)
    if what == "submit":
        # After the end it is the page that sends itself, never the learner's act.
        return "released", "learner" if edge.is_before_the_end else "sweep", min(edge.after, timedelta(0))
    return "in_progress", None, None


DONE: dict[str, Callable[[Attempt, Any], tuple[Any, ...]]] = {
    "save": _save,
    "submit": _submit,
    "open": _open,
    "sign of life": _sign_of_life,
    "sweep": _sweep,
    "start": _start,
}


def _deviations(cast: Cast, as_: Any, tolerance: int, what_is_done: Sequence[str] = tuple(DONE)) -> list[str]:
    """Do everything at every edge; return where something else came of it than the rules say."""
    version = make_quiz(cast.author, attempts_allowed=1000, wait_hours=0)
    found = []
    client = as_(cast.learner)
    with clock.frozen(MORNING):
        client.renew(cast.learner)
        with own_transaction():
            change_settings(values={ATTEMPT_TOLERANCE: tolerance}, by=None)
    for (seconds, after_tolerance), what in itertools.product(OFFSETS, what_is_done):
        edge = Edge(timedelta(seconds=seconds + after_tolerance * tolerance), timedelta(seconds=tolerance))
        with clock.frozen(MORNING):
            attempt = begin(cast.learner, version)
            answer(attempt, 1, right_answer(attempt, 1))
        worth = queries.list_items(attempt)[0].max_points
        with clock.frozen(attempt.deadline_at + edge.after):
            said = DONE[what](attempt, client)
        session.rollback()
        session.expire_all()
        attempt = queries.get_attempt(attempt.code)
        by, end = attempt.submitted_by, attempt.finished_at
        stored = attempt.state.value, by.value if by else None, end - attempt.deadline_at if end else None
        if (said, stored) != (_said(what, edge), _stored(what, edge)):
            found.append(f"{what} at {edge.after} (tolerance {edge.tolerance}): {said}, {stored}")
        if attempt.markings and [each.points for each in attempt.markings] != [worth]:
            found.append(f"{what} at {edge.after}: marked {[each.points for each in attempt.markings]}")
        for running in queries.list_attempts(cast.learner):
            if running.state is AttemptState.IN_PROGRESS:
                with clock.frozen(running.deadline_at), own_transaction():
                    service.submit_attempt(attempt=running, person=cast.learner)
    return found


@pytest.mark.parametrize("tolerance", [5, 0, 30] if NIGHTLY else [5])
def test_at_every_edge_of_the_time_that_is_done_which_the_rules_say(cast: Cast, as_: Any, tolerance: int) -> None:
    assert _deviations(cast, as_, tolerance) == []
    assert _wrong(60) == []


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("what", "function", "old", "new"),
    [
        ("save", rules.accepts, "received_at <= deadline_at + tolerance", "received_at < deadline_at + tolerance"),
        ("save", rules.accepts, "received_at <= deadline_at + tolerance", "received_at <= deadline_at"),
        ("submit", handing_in._hand_in, "finished_at=finished_at", "finished_at=clock.now()"),
        ("sweep", queries.list_overdue_ids, "row.deadline_at + timedelta", "row.deadline_at + 2 * timedelta"),
        ("open", rules.effective_state, "now > deadline_at + tolerance", "now >= deadline_at + tolerance"),
        ("start", handing_in.close_if_over, "if accepts(attempt, now):", "if True:"),
    ],
)
def test_a_boundary_that_is_shifted_is_found(
    cast: Cast, as_: Any, what: str, function: Callable[..., Any], old: str, new: str
) -> None:
    with broken(function, old, new):
        assert _deviations(cast, as_, 5, [what]) != []


@pytest.mark.any_database
def test_answers_that_are_taken_after_the_end_are_found_in_what_is_stored(cast: Cast) -> None:
    with clock.frozen(MORNING):
        attempt = begin(cast.learner, make_quiz(cast.author))
    with (
        broken(rules.accepts, " and received_at <= deadline_at + tolerance", ""),
        broken(saving._upserts, 'Attempt.deadline_at >= bindparam("not_before", type_=UtcDateTime()),', ""),
        clock.frozen(attempt.deadline_at + timedelta(seconds=6)),
    ):
        assert answer(attempt, 1, right_answer(attempt, 1)).outcome is service.Outcome.SAVED
    assert any("was taken; the deadline" in line for line in _wrong(15.2))


# --- F17: two tabs -----------------------------------------------------------------------------


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("function", "old", "new"),
    [
        (saving._upserts, "where=new.seq > table.c.seq,", ""),
        (rules.may_write, "writer in (None, page)", "True"),
        (saving.save_response, "was_over or not accepts(attempt, now)", "False"),
    ],
)
def test_two_tabs_that_overwrite_one_another_are_found(
    cast: Cast, function: Callable[..., Any], old: str, new: str
) -> None:
    version = make_quiz(cast.author, attempts_allowed=1000, wait_hours=0)

    def play_all() -> None:
        for order in itertools.permutations("abcds"):
            play(cast, order, version)

    with broken(function, old, new), pytest.raises(AssertionError):
        play_all()


@pytest.mark.any_database
def test_an_older_answer_in_the_place_of_a_newer_one_is_found_in_what_is_stored(cast: Cast) -> None:
    with clock.frozen(MORNING), broken(saving._upserts, "where=new.seq > table.c.seq,", ""):
        attempt = begin(cast.learner, make_quiz(cast.author))
        answer(attempt, 1, right_answer(attempt, 1), 5)
        answer(attempt, 1, {}, 4)
    assert any("what is stored is not what was saved last" in line for line in _wrong(1))


# --- F19: the worker was away ------------------------------------------------------------------


def _away_for_six_hours(cast: Cast, as_: Any) -> list[str]:
    """Sit a quiz three times while nobody sweeps; return what is not as if everything had been closed on time."""
    wrong = []
    version = make_quiz(cast.author)
    with clock.frozen(MORNING):
        attempts = [begin(person, version) for person in (cast.learner, cast.colleague, cast.outsider)]
        for attempt in attempts:
            answer(attempt, 1, right_answer(attempt, 1))
            answer(attempt, 2, right_answer(attempt, 2))
    on_time = attempts[0]
    with clock.frozen(on_time.deadline_at), own_transaction():
        service.submit_attempt(attempt=on_time, person=cast.learner)
    with clock.frozen(at(minutes=6 * 60)):
        # Nobody has closed it, and yet it is over for whoever looks.
        if as_(cast.colleague).fetch("quizzes.attempt", code=attempts[1].code).status_code != 303:
            wrong.append("a page of questions is still shown")
        jobs.run_periodic("quizzes.sweep")
    session.rollback()
    session.expire_all()
    first, *others = [queries.get_attempt(attempt.code) for attempt in attempts]
    for each in others:
        if each.submitted_by != "sweep" or each.finished_at != each.deadline_at or each.state != first.state:
            wrong.append(f"{each.state}, handed in by {each.submitted_by} at {each.finished_at}")
        counted = [sum(1 for mark in marking.item_marks if mark.points) for marking in each.markings]
        if counted != [2]:
            wrong.append(f"questions that earned something: {counted}")
    return wrong + _wrong(6 * 60)


def test_a_worker_that_was_away_for_six_hours_closes_everything_as_if_on_time(cast: Cast, as_: Any) -> None:
    assert _away_for_six_hours(cast, as_) == []


@pytest.mark.any_database
def test_an_attempt_that_ends_when_it_is_swept_is_found(cast: Cast, as_: Any) -> None:
    with broken(handing_in.close_if_over, "attempt.deadline_at, None)", "now, None)"):
        wrong = _away_for_six_hours(cast, as_)
    assert any("finished after its deadline" in line for line in wrong)

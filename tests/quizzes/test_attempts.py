"""The attempt protocol: one attempt, a frozen clock, nothing saved is lost, nothing late is taken."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from portal.core import clock, events, jobs
from portal.core.db import session
from portal.core.mail import render
from portal.core.transaction import own_transaction
from portal.organisation.rules import ATTEMPT_TOLERANCE
from portal.organisation.service import change_settings
from portal.quizzes import emails, errors, queries, rules
from portal.quizzes.events import AttemptReleased
from portal.quizzes.invariants import INVARIANTS
from portal.quizzes.models import (
    Attempt,
    AttemptEvent,
    AttemptState,
    EventKind,
    Marking,
    Release,
    Response,
    SubmittedBy,
)
from portal.quizzes.service import attempts as service
from portal.quizzes.service.attempts import Outcome, Told, handing_in, starting
from portal.quizzes.service.marking import release_by_hand
from tests.builders import MORNING, Cast
from tests.queries import counted_queries
from tests.quizzes.builders import (
    ONE_OF_EACH,
    answer,
    answer_all,
    at,
    begin,
    filled_in,
    make_accommodation,
    make_bank,
    make_quiz,
    right_answer,
    wrong_answer,
)
from tests.quizzes.crowd import at_once


def _fresh(attempt: Attempt) -> Attempt:
    session.rollback()
    session.expire_all()
    return queries.get_attempt(attempt.code)


def _submit(attempt: Attempt) -> Attempt:
    with own_transaction():
        service.submit_attempt(attempt=attempt, person=attempt.person)
    return _fresh(attempt)


def _kinds(attempt: Attempt) -> list[EventKind]:
    return [event.kind for event in queries.list_events(attempt)]


# --- start -------------------------------------------------------------------------------------


def test_an_attempt_fixes_its_questions_their_order_and_its_end(cast: Cast) -> None:
    with clock.frozen(MORNING):
        attempt = begin(cast.learner, make_quiz(cast.author))
    assert attempt.deadline_at == at(minutes=15)
    assert (attempt.state, attempt.attempt_no, attempt.multiplier) == (AttemptState.IN_PROGRESS, 1, 1)
    items = queries.list_items(attempt)
    assert [item.position for item in items] == [1, 2, 3, 4]
    before = [(item.question_version_id, item.choice_order) for item in items]
    # The bank changes under the running attempt: the attempt keeps its versions.
    make_bank(cast.author, questions=())
    assert [(i.question_version_id, i.choice_order) for i in queries.list_items(_fresh(attempt))] == before


def test_starting_again_goes_on_with_the_attempt_in_progress(cast: Cast) -> None:
    version = make_quiz(cast.author)
    with clock.frozen(MORNING):
        first = begin(cast.learner, version)
    with clock.frozen(at(minutes=5)):
        again = begin(cast.learner, version)
    assert again.id == first.id
    assert again.deadline_at == at(minutes=15)


def test_an_accommodation_that_is_valid_today_lengthens_the_time_and_the_window(cast: Cast) -> None:
    make_accommodation(cast.learner, Fraction(3, 2), hide_countdown=True)
    version = make_quiz(cast.author, time_limit_minutes=40, closes_at=at(minutes=50))
    with clock.frozen(MORNING):
        attempt = begin(cast.learner, version)
        other = begin(cast.colleague, version)
    assert attempt.deadline_at == at(minutes=60)
    assert attempt.hide_countdown
    assert other.deadline_at == at(minutes=40)


def test_an_accommodation_that_has_ended_lengthens_nothing(cast: Cast) -> None:
    make_accommodation(cast.learner, Fraction(2), valid_until=MORNING.date() - timedelta(days=1))
    make_accommodation(cast.colleague, Fraction(2), ended_at=MORNING)
    version = make_quiz(cast.author)
    with clock.frozen(MORNING):
        assert begin(cast.learner, version).deadline_at == at(minutes=15)
        assert begin(cast.colleague, version).deadline_at == at(minutes=15)


def test_a_window_that_cuts_the_time_must_be_accepted_before_the_start(cast: Cast) -> None:
    version = make_quiz(cast.author, closes_at=at(minutes=10))
    with clock.frozen(MORNING):
        with pytest.raises(errors.CutMustBeConfirmed):
            begin(cast.learner, version)
        attempt = begin(cast.learner, version, accepts_cut=True)
    assert attempt.deadline_at == at(minutes=10)


def test_a_quiz_that_draws_more_than_its_bank_holds_cannot_be_started(cast: Cast) -> None:
    make_bank(cast.author, size=3)
    version = make_quiz(cast.author)
    with pytest.raises(errors.TooFewQuestions, match="does not have enough questions"):
        begin(cast.learner, version)
    assert queries.list_attempts(cast.learner) == []


def test_the_window_the_wait_and_the_number_of_attempts_are_kept(cast: Cast) -> None:
    version = make_quiz(cast.author, opens_at=at(minutes=1), closes_at=at(minutes=60 * 24 * 3))
    with clock.frozen(MORNING), pytest.raises(errors.NotOpenYet, match="09:31 JST"):
        begin(cast.learner, version)
    for number, minutes in enumerate((2, 4), start=1):
        with clock.frozen(at(minutes=minutes)):
            attempt = begin(cast.learner, version)
            assert attempt.attempt_no == number
            answer_all(attempt, right=0)
            _submit(attempt)
    with clock.frozen(at(minutes=5)), pytest.raises(errors.MustWait, match="21:34 JST"):
        begin(cast.learner, version)
    with clock.frozen(at(minutes=60 * 12 + 4)):
        _submit(begin(cast.learner, version))
    with clock.frozen(at(minutes=60 * 36)), pytest.raises(errors.NoAttemptsLeft):
        begin(cast.learner, version)
    with clock.frozen(at(minutes=60 * 24 * 3)), pytest.raises(errors.Closed):
        begin(cast.colleague, version)


def test_the_next_attempt_brings_other_questions_where_the_bank_is_deep_enough(cast: Cast) -> None:
    version = make_quiz(cast.author)
    with clock.frozen(MORNING):
        first = queries.addresses_of(_submit(begin(cast.learner, version)))
        second = queries.addresses_of(begin(cast.learner, version))
    assert not first & second


# --- save --------------------------------------------------------------------------------------


def test_an_answer_is_kept_under_its_number_and_can_be_changed_and_taken_back(cast: Cast) -> None:
    with clock.frozen(MORNING):
        attempt = begin(cast.learner, make_quiz(cast.author))
        first, second = wrong_answer(attempt, 1), right_answer(attempt, 1)
        assert answer(attempt, 1, first, 1).outcome is Outcome.SAVED
        saved = answer(attempt, 1, second, 2)
        assert (saved.outcome, saved.saved_seq, saved.answer) == (Outcome.SAVED, 2, second)
        assert saved.remaining == timedelta(minutes=15)
        assert answer(attempt, 1, {}, 3).answer == {}
    stored = session.scalars(select(Response)).one()
    assert (stored.seq, stored.answer) == (3, {})
    assert _kinds(attempt) == [EventKind.STARTED, EventKind.SAVED, EventKind.SAVED, EventKind.SAVED]


def test_an_older_answer_never_replaces_a_newer_one(cast: Cast) -> None:
    with clock.frozen(MORNING):
        attempt = begin(cast.learner, make_quiz(cast.author))
        newer = right_answer(attempt, 1)
        answer(attempt, 1, newer, 5)
        for seq in (4, 5):
            stale = answer(attempt, 1, wrong_answer(attempt, 1), seq, idem_key=f"other-{seq}")
            assert (stale.outcome, stale.saved_seq, stale.answer) == (Outcome.STALE, 5, newer)
    assert session.scalars(select(Response)).one().seq == 5


def test_the_same_answer_sent_twice_is_one_save_with_the_same_reply(cast: Cast) -> None:
    with clock.frozen(MORNING):
        attempt = begin(cast.learner, make_quiz(cast.author))
        given = right_answer(attempt, 2)
        first = answer(attempt, 2, given, 1, idem_key="one")
        assert answer(attempt, 2, given, 1, idem_key="one") == first
        # The key was lost with the page, the answer is the same.
        assert answer(attempt, 2, given, 1, idem_key="two").outcome is Outcome.SAVED
    assert _kinds(attempt).count(EventKind.SAVED) == 1


def test_a_key_that_comes_with_another_answer_is_refused(cast: Cast) -> None:
    attempt = begin(cast.learner, make_quiz(cast.author))
    answer(attempt, 1, right_answer(attempt, 1), 1, idem_key="one")
    for change in ({"position": 2, "given": {}}, {"position": 1, "given": {}}, {"position": 1, "seq": 2}):
        values: dict[str, Any] = {"position": 1, "given": right_answer(attempt, 1), "seq": 1} | change
        with pytest.raises(errors.KeyReused):
            answer(attempt, values["position"], values["given"], values["seq"], idem_key="one")


@pytest.mark.parametrize(
    ("position", "seq", "key", "given"),
    [(0, 1, "k", {}), (1, 0, "k", {}), (1, 2**31, "k", {}), (1, 1, "", {}), (1, 1, "k" * 65, {})],
)
def test_a_save_without_its_numbers_is_refused(
    cast: Cast, position: int, seq: int, key: str, given: dict[str, list[str]]
) -> None:
    attempt = begin(cast.learner, make_quiz(cast.author))
    with pytest.raises(errors.BadRequest):
        answer(attempt, position, given, seq, idem_key=key)


def test_an_answer_that_was_not_offered_is_refused(cast: Cast) -> None:
    attempt = begin(cast.learner, make_quiz(cast.author))
    for position, given in ((1, {"answer": ["99"], "decision": ["99"]}), (5, {}), (1, {"": ["1"]})):
        with pytest.raises(errors.BadAnswer, match=f"question {position}"):
            answer(attempt, position, given)
    assert session.scalars(select(Response)).all() == []


def test_a_foreign_item_is_refused_whoever_asks(cast: Cast) -> None:
    attempt = begin(cast.learner, make_quiz(cast.author))
    with pytest.raises(errors.BadAnswer), own_transaction():
        service.save_response(attempt=attempt, person=cast.colleague, position=1, seq=1, idem_key="k", given={})


# F18: the boundary of the deadline.
@pytest.mark.parametrize(
    ("seconds", "outcome"),
    [
        (-1.0, Outcome.SAVED),
        (-0.1, Outcome.SAVED),
        (0.0, Outcome.SAVED),
        (4.9, Outcome.SAVED),
        (5.0, Outcome.SAVED),
        (5.1, Outcome.LATE),
    ],
)
def test_an_answer_is_taken_until_the_tolerance_is_over(cast: Cast, seconds: float, outcome: Outcome) -> None:
    with clock.frozen(MORNING):
        attempt = begin(cast.learner, make_quiz(cast.author))
    moment = attempt.deadline_at + timedelta(seconds=seconds)
    with clock.frozen(moment):
        saved = answer(attempt, 1, right_answer(attempt, 1))
    assert saved.outcome is outcome
    attempt = _fresh(attempt)
    stored = session.scalars(select(Response)).all()
    if outcome is Outcome.SAVED:
        assert (attempt.state, len(stored)) == (AttemptState.IN_PROGRESS, 1)
        assert stored[0].received_at == moment
        assert saved.remaining == max(-timedelta(seconds=seconds), timedelta(0))
    else:
        # The late answer closed the attempt at its deadline and left a line in its history.
        assert (attempt.state, stored) == (AttemptState.RELEASED, [])
        assert (attempt.finished_at, attempt.submitted_by) == (attempt.deadline_at, SubmittedBy.SWEEP)
        assert EventKind.REFUSED in _kinds(attempt)


@pytest.mark.parametrize(
    ("seconds", "by", "finished_after"),
    [
        (-1.0, SubmittedBy.LEARNER, -1.0),
        (-0.1, SubmittedBy.LEARNER, -0.1),
        (0.0, SubmittedBy.LEARNER, 0.0),
        # What comes after the end is never called her act: at its end the page sends itself.
        (4.9, SubmittedBy.SWEEP, 0.0),
        (5.1, SubmittedBy.SWEEP, 0.0),
    ],
)
def test_a_submission_counts_until_the_tolerance_is_over(
    cast: Cast, seconds: float, by: SubmittedBy, finished_after: float
) -> None:
    with clock.frozen(MORNING):
        attempt = begin(cast.learner, make_quiz(cast.author))
        answer_all(attempt)
    with clock.frozen(attempt.deadline_at + timedelta(seconds=seconds)):
        attempt = _submit(attempt)
    assert (attempt.state, attempt.submitted_by) == (AttemptState.RELEASED, by)
    assert attempt.finished_at == attempt.deadline_at + timedelta(seconds=finished_after)
    assert attempt.markings[0].score == 1


def _set_tolerance(seconds: int) -> None:
    with own_transaction():
        change_settings(values={ATTEMPT_TOLERANCE: seconds}, by=None)


def test_an_attempt_keeps_the_tolerance_that_held_when_it_began(cast: Cast) -> None:
    version = make_quiz(cast.author)
    _set_tolerance(30)
    with clock.frozen(MORNING):
        generous = begin(cast.learner, version)
    _set_tolerance(0)
    with clock.frozen(MORNING):
        strict = begin(cast.colleague, version)
    assert (generous.tolerance_seconds, strict.tolerance_seconds) == (30, 0)
    with clock.frozen(generous.deadline_at + timedelta(seconds=29)):
        assert queries.list_overdue_ids(clock.now()) == [strict.id]
        assert answer(strict, 1, right_answer(strict, 1)).outcome is Outcome.LATE
        assert answer(generous, 1, right_answer(generous, 1)).outcome is Outcome.SAVED
        assert INVARIANTS["I3 answers came in time"]() == []
        assert INVARIANTS["I4 deadlines are kept"]() == []


# --- two pages ---------------------------------------------------------------------------------


def test_a_second_page_does_not_write_until_it_takes_over(cast: Cast) -> None:
    with clock.frozen(MORNING):
        attempt = begin(cast.learner, make_quiz(cast.author))
        mine = wrong_answer(attempt, 1)
        assert answer(attempt, 1, mine, 1, page="one").outcome is Outcome.SAVED
    with clock.frozen(at(seconds=20)):
        for seq in (2, 3):
            refused = answer(attempt, 1, right_answer(attempt, 1), seq, page="two", idem_key=f"two-{seq}")
            assert (refused.outcome, refused.saved_seq, refused.answer) == (Outcome.ELSEWHERE, 1, mine)
        taken = answer(attempt, 1, right_answer(attempt, 1), 2, page="two", idem_key="t", take_over=True)
        assert taken.outcome is Outcome.SAVED
        back = answer(attempt, 1, mine, 3, page="one", idem_key="b")
        assert back.outcome is Outcome.ELSEWHERE
    tabs = [event for event in queries.list_events(attempt) if event.kind is EventKind.SECOND_TAB]
    assert [event.details for event in tabs] == [None, {"took_over": True}, None]


def test_another_browser_goes_on_when_the_first_has_crashed(cast: Cast) -> None:
    with clock.frozen(MORNING):
        attempt = begin(cast.learner, make_quiz(cast.author))
        answer(attempt, 1, right_answer(attempt, 1), 1, page="one")
    with clock.frozen(at(seconds=46)):
        assert answer(attempt, 2, right_answer(attempt, 2), 1, page="two").outcome is Outcome.SAVED


def test_a_page_tells_what_it_noticed_once(cast: Cast) -> None:
    with clock.frozen(MORNING):
        attempt = begin(cast.learner, make_quiz(cast.author))
    told = [
        Told(EventKind.OFFLINE, "a", timedelta(seconds=30)),
        Told(EventKind.ONLINE, "b", timedelta(seconds=1)),
        Told(EventKind.SUBMITTED, "c", timedelta(0)),
        Told(EventKind.FOCUS_LOST, "d", timedelta(days=9)),
    ]
    with clock.frozen(at(minutes=1)):
        for _ in range(2):
            with own_transaction():
                pulse = service.note_page(attempt=attempt, page="one", told=told)
    assert pulse.is_writer
    assert pulse.remaining == timedelta(minutes=14)
    history = queries.list_events(attempt)
    assert [(event.kind, event.at) for event in history] == [
        (EventKind.STARTED, MORNING),
        (EventKind.OFFLINE, at(seconds=30)),
        (EventKind.ONLINE, at(seconds=59)),
        (EventKind.FOCUS_LOST, MORNING),
    ]


# --- hand in, mark, release --------------------------------------------------------------------


def test_handing_in_marks_what_is_stored_and_a_second_time_changes_nothing(cast: Cast) -> None:
    with clock.frozen(MORNING):
        attempt = begin(cast.learner, make_quiz(cast.author, blueprint=ONE_OF_EACH))
        answer_all(attempt, right=2)
        first = _submit(attempt)
        marking = queries.find_current_marking(first)
        assert marking is not None
        items = queries.list_items(first)
        expected = sum((item.max_points for item in items[:2]), Fraction(0)) / sum(item.max_points for item in items)
        assert marking.score == expected
        assert not marking.passed
        assert [mark.points for mark in marking.item_marks] == [items[0].max_points, items[1].max_points, 0, 0]
    with clock.frozen(at(minutes=1)):
        second = _submit(attempt)
        assert answer(second, 1, {}, 9).outcome is Outcome.CLOSED
    assert second.finished_at == MORNING
    assert len(session.scalars(select(Marking)).all()) == 1
    assert _kinds(second)[-3:] == [EventKind.SUBMITTED, EventKind.MARKED, EventKind.RELEASED]


def test_a_released_result_is_told_to_those_who_wait_for_it(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[AttemptReleased] = []
    monkeypatch.setattr(events, "_handlers", events._handlers | {AttemptReleased: [told.append]})
    with clock.frozen(MORNING):
        attempt = begin(cast.learner, make_quiz(cast.author))
        answer_all(attempt)
        _submit(attempt)
        _submit(attempt)
    assert told == [
        AttemptReleased(
            attempt.id, attempt.code, cast.learner.id, attempt.quiz_id, "impersonation", Fraction(1), True, MORNING
        )
    ]


def test_a_result_waits_for_the_end_of_the_window_and_of_the_last_attempt(cast: Cast) -> None:
    make_accommodation(cast.colleague, Fraction(2))
    version = make_quiz(cast.author, release=Release.AFTER_WINDOW, closes_at=at(minutes=20))
    with clock.frozen(MORNING):
        attempt = _submit(begin(cast.learner, version))
        other = begin(cast.colleague, version)
    assert attempt.state is AttemptState.MARKED
    with clock.frozen(at(minutes=19)):
        jobs.run_periodic("quizzes.release")
        assert _fresh(attempt).state is AttemptState.MARKED
    with clock.frozen(at(minutes=21)):
        # Somebody with more time is still at it: the key must not be out.
        jobs.run_periodic("quizzes.release")
        assert _fresh(attempt).state is AttemptState.MARKED
    with clock.frozen(at(minutes=34)):
        # Nobody is at it any more, but she could still begin another attempt.
        jobs.run_periodic("quizzes.sweep")
        jobs.run_periodic("quizzes.release")
        assert _fresh(other).state is AttemptState.MARKED
        assert _fresh(attempt).state is AttemptState.MARKED
    with clock.frozen(at(minutes=36)):
        jobs.run_periodic("quizzes.release")
    assert _fresh(attempt).state is AttemptState.RELEASED
    assert _fresh(other).state is AttemptState.RELEASED


def test_who_waits_for_a_result_is_told_by_mail_and_who_sees_it_at_once_is_not(cast: Cast) -> None:
    version = make_quiz(cast.author, release=Release.BY_HAND)
    waiting = _submit(begin(cast.learner, version))
    with own_transaction():
        release_by_hand(quiz=version.quiz, by=cast.author)
    assert jobs.find_job(f"mail:quizzes.result_released:{waiting.code}") is not None
    mail = emails.result_released(waiting.code)
    assert mail is not None
    text = render(mail).get_body().get_content()  # type: ignore[union-attr]
    assert f"/attempts/{waiting.code}/result" in text
    assert "100" not in text, "what the result is stands on its page alone"
    at_once = _submit(begin(cast.learner, make_quiz(cast.author, slug="other", bank=False)))
    assert jobs.find_job(f"mail:quizzes.result_released:{at_once.code}") is None


def test_whose_attempt_is_made_void_is_told_so_and_why(cast: Cast) -> None:
    attempt = begin(cast.learner, make_quiz(cast.author))
    with own_transaction():
        service.void_attempt(attempt=attempt, reason="火災報知器が鳴ったため", by=cast.lead)
    job = jobs.find_job(f"mail:quizzes.attempt_voided:{attempt.code}")
    assert job is not None
    mail = emails.attempt_voided(**job.arguments["arguments"])
    assert mail is not None
    assert "火災報知器が鳴ったため" in render(mail).get_body().get_content()  # type: ignore[union-attr]


def test_a_result_released_by_hand_is_not_shown_before(cast: Cast) -> None:
    version = make_quiz(cast.author, release=Release.BY_HAND)
    attempt = _submit(begin(cast.learner, version))
    assert attempt.state is AttemptState.MARKED
    with own_transaction():
        assert release_by_hand(quiz=version.quiz, by=cast.author) == 1
    with own_transaction():
        assert release_by_hand(quiz=version.quiz, by=cast.author) == 0
    assert _fresh(attempt).state is AttemptState.RELEASED


def test_the_wait_does_not_betray_a_result_that_is_not_released(cast: Cast) -> None:
    version = make_quiz(cast.author, release=Release.BY_HAND, wait_after_fails=1)
    with clock.frozen(MORNING):
        for person, right in ((cast.learner, None), (cast.colleague, 0)):
            attempt = begin(person, version)
            answer_all(attempt, right=right)
            _submit(attempt)
            with pytest.raises(errors.MustWait):
                begin(person, version)


# --- the sweep ---------------------------------------------------------------------------------


def test_the_sweep_closes_what_is_over_as_if_on_time(cast: Cast) -> None:
    version = make_quiz(cast.author)
    with clock.frozen(MORNING):
        attempt = begin(cast.learner, version)
        answer_all(attempt)
    with clock.frozen(at(minutes=2)):
        running = begin(cast.colleague, version)
    with clock.frozen(at(minutes=15, seconds=5)):
        jobs.run_periodic("quizzes.sweep")
        assert _fresh(attempt).state is AttemptState.IN_PROGRESS
    with clock.frozen(at(minutes=15, seconds=6)):
        jobs.run_periodic("quizzes.sweep")
        assert _fresh(running).state is AttemptState.IN_PROGRESS
    # F19: the worker was down for six hours.
    with clock.frozen(at(minutes=6 * 60)):
        jobs.run_periodic("quizzes.sweep")
        jobs.run_periodic("quizzes.sweep")
    for closed, end in ((attempt, at(minutes=15)), (running, at(minutes=17))):
        each = _fresh(closed)
        assert (each.state, each.finished_at) == (AttemptState.RELEASED, end)
        assert each.submitted_by is SubmittedBy.SWEEP
    assert _fresh(attempt).markings[0].score == 1


def test_handing_in_takes_as_many_statements_for_many_questions_as_for_few_and_no_more_than_stated(
    cast: Cast, as_: Any
) -> None:
    make_bank(cast.author, size=40)
    counts = []
    for size in (4, 40):
        version = make_quiz(
            cast.author, f"of-{size}", blueprint=[{"bank": "impersonation", "count": size}], time_limit_minutes=60
        )
        attempt = begin(cast.colleague, version)
        answer_all(attempt, right=size // 2)
        browser = as_(cast.colleague)
        form = {"action": "submit", **filled_in(attempt)}
        with counted_queries() as statements:
            browser.post("quizzes.send_page", form, code=attempt.code)
        assert _fresh(attempt).state is AttemptState.RELEASED
        counts.append(len(statements))
    # The items of the attempt are read once, and so is each of its questions (docs/performance.md).
    assert counts[0] == counts[1] <= 41
    assert sum("FROM items" in each for each in statements) == 1


def test_one_attempt_that_cannot_be_closed_does_not_hold_up_the_others(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = make_quiz(cast.author)
    with clock.frozen(MORNING):
        broken, good = begin(cast.learner, version), begin(cast.colleague, version)
    mark = handing_in.mark_when_complete

    def fail(**values: Any) -> Any:
        if values["attempt"].id == broken.id:
            raise RuntimeError("on purpose")
        return mark(**values)

    monkeypatch.setattr(handing_in, "mark_when_complete", fail)
    with clock.frozen(at(minutes=16)):
        jobs.run_periodic("quizzes.sweep")
        assert _fresh(broken).state is AttemptState.IN_PROGRESS
        assert _fresh(good).state is AttemptState.RELEASED


# --- staff -------------------------------------------------------------------------------------


def test_granted_minutes_move_the_deadline_and_the_window(cast: Cast) -> None:
    version = make_quiz(cast.author, closes_at=at(minutes=20))
    with clock.frozen(MORNING):
        attempt = begin(cast.learner, version)
    with clock.frozen(at(minutes=14)):
        with own_transaction():
            service.extend_attempt(attempt=attempt, minutes=10, reason="power cut", by=cast.lead)
        attempt = _fresh(attempt)
        assert attempt.deadline_at == at(minutes=25)
        event = queries.list_events(attempt)[-1]
        assert (event.kind, event.by, event.reason) == (EventKind.EXTENDED, cast.lead.code, "power cut")
        for minutes in (0, -5, 241):
            with pytest.raises(service.GrantTooSmall), own_transaction():
                service.extend_attempt(attempt=attempt, minutes=minutes, reason="x", by=cast.lead)
    with clock.frozen(at(minutes=26)), pytest.raises(errors.NotRunning), own_transaction():
        service.extend_attempt(attempt=attempt, minutes=1, reason="x", by=cast.lead)


def test_a_voided_attempt_counts_for_nothing(cast: Cast) -> None:
    version = make_quiz(cast.author, attempts_allowed=1)
    with clock.frozen(MORNING):
        attempt = begin(cast.learner, version)
        with own_transaction():
            service.void_attempt(attempt=attempt, reason="fire alarm", by=cast.lead)
        assert answer(attempt, 1, {}).outcome is Outcome.CLOSED
        with pytest.raises(errors.AlreadyVoid), own_transaction():
            service.void_attempt(attempt=attempt, reason="another reason", by=cast.admin)
        again = begin(cast.learner, version)
        assert again.attempt_no == 2
        _submit(again)
        with pytest.raises(errors.AlreadyReleased), own_transaction():
            service.void_attempt(attempt=again, reason="x", by=cast.lead)
    assert _fresh(attempt).state is AttemptState.VOIDED


# --- F17: every order of five operations -------------------------------------------------------


@pytest.mark.parametrize("order", list(itertools.permutations("abcds"))[::8])
def test_saves_of_two_pages_and_a_submission_in_any_order_keep_the_protocol(cast: Cast, order: tuple[str, ...]) -> None:
    play(cast, order)


@pytest.mark.races
def test_saves_of_two_pages_and_a_submission_in_every_order_keep_the_protocol(cast: Cast) -> None:
    version = make_quiz(cast.author, attempts_allowed=1000, wait_hours=0)
    for order in itertools.permutations("abcds"):
        play(cast, order, version)
    _sound(MORNING)


def play(cast: Cast, order: tuple[str, ...], version: Any = None) -> None:
    """Two saves of one page (a before b by number), two of another, and a submission."""
    with clock.frozen(MORNING):
        attempt = begin(cast.learner, version or make_quiz(cast.author))
        first, second = wrong_answer(attempt, 1), right_answer(attempt, 1)
        steps: dict[str, Callable[[], Any]] = {
            "a": lambda: answer(attempt, 1, first, 1, idem_key="a", page="one"),
            "b": lambda: answer(attempt, 1, second, 3, idem_key="b", page="one"),
            "c": lambda: answer(attempt, 1, first, 2, idem_key="c", page="two"),
            "d": lambda: answer(attempt, 1, second, 4, idem_key="d", page="two", take_over=True),
            "s": lambda: _submit(attempt),
        }
        highest, writer, is_over = 0, None, False
        for name in order:
            outcome = steps[name]()
            if name == "s":
                is_over = True
                continue
            seq, page = {"a": (1, "one"), "b": (3, "one"), "c": (2, "two"), "d": (4, "two")}[name]
            if is_over:
                assert outcome.outcome is Outcome.CLOSED
            elif writer not in (None, page) and name != "d":
                assert outcome.outcome is Outcome.ELSEWHERE
            else:
                writer = page
                if seq > highest:
                    highest = seq
                    assert outcome.outcome is Outcome.SAVED
                elif name == "d":
                    assert outcome.outcome is Outcome.SAVED
                else:
                    assert outcome.outcome is Outcome.STALE
            assert outcome.saved_seq == highest
    attempt = _fresh(attempt)
    assert attempt.state is AttemptState.RELEASED
    stored = session.scalars(select(Response).join(Response.item).where(Response.item.has(attempt_id=attempt.id))).all()
    assert [row.seq for row in stored] == ([highest] if highest else [])
    marking = queries.find_current_marking(attempt)
    assert marking is not None
    right = highest in (3, 4)
    assert marking.points == (queries.list_items(attempt)[0].max_points if right else 0)


# --- races -------------------------------------------------------------------------------------


@pytest.mark.races
@pytest.mark.parametrize("round_", range(5))
def test_twenty_submissions_and_saves_at_once_are_one_marking_of_what_is_stored(
    app: Flask, cast: Cast, round_: int
) -> None:
    attempt = begin(cast.learner, make_quiz(cast.author))
    code, given = attempt.code, right_answer(attempt, 1)

    def work(number: int) -> Any:
        loaded = queries.get_attempt(code)
        if number % 4 == 1:
            return answer(loaded, 1, given, number, idem_key=f"n{number}").outcome
        with own_transaction():
            return service.submit_attempt(attempt=loaded, person=loaded.person).finished_at

    results = at_once(app, work)
    finished = {result for result in results if not isinstance(result, Outcome)}
    assert len(finished) == 1
    attempt = _fresh(attempt)
    assert len(attempt.markings) == 1
    stored = session.scalars(select(Response)).one_or_none()
    assert attempt.markings[0].points == (queries.list_items(attempt)[0].max_points if stored else 0)
    states = [e.kind for e in queries.list_events(attempt) if e.kind.value in rules.LEGAL_STEPS]
    assert states == [EventKind.SUBMITTED, EventKind.MARKED, EventKind.RELEASED]


def test_the_database_itself_refuses_a_second_attempt_in_progress(cast: Cast) -> None:
    attempt = begin(cast.learner, make_quiz(cast.author))
    values = {c.name: getattr(attempt, c.name) for c in Attempt.__table__.columns if c.name not in ("id", "code")}
    with own_transaction():
        assert starting.insert_attempt(**(values | {"code": "OTHER", "attempt_no": 2})) is None
        assert (
            starting.insert_attempt(**(values | {"code": "OTHER", "state": "marked", "finished_at": MORNING})) is None
        )


def test_the_history_is_only_added_to(cast: Cast) -> None:
    attempt = begin(cast.learner, make_quiz(cast.author))
    answer(attempt, 1, {}, 1)
    before = {event.id: (event.kind, event.at, event.hash) for event in session.scalars(select(AttemptEvent))}
    answer(attempt, 1, right_answer(attempt, 1), 2)
    _submit(attempt)
    after = {event.id: (event.kind, event.at, event.hash) for event in session.scalars(select(AttemptEvent))}
    assert before.items() <= after.items()


# --- a clock that goes back ----------------------------------------------------------------------


def _sound(moment: Any) -> None:
    session.rollback()
    session.expire_all()
    with clock.frozen(moment):
        assert {name: found for name, check in INVARIANTS.items() if (found := check())} == {}


def _clock_lines(attempt: Attempt) -> list[EventKind]:
    return [event.kind for event in attempt.events if (event.details or {}).get("clock_went_back")]


def test_an_attempt_is_never_handed_in_before_it_began(cast: Cast) -> None:
    version = make_quiz(cast.author)
    with clock.frozen(MORNING):
        attempt = begin(cast.learner, version)
    with clock.frozen(at(minutes=-15)):
        attempt = _submit(attempt)
    assert attempt.finished_at == attempt.started_at == MORNING
    assert attempt.released_at is None or attempt.released_at >= MORNING
    assert EventKind.SUBMITTED in _clock_lines(attempt)
    _sound(at(minutes=1))


def test_an_answer_never_seems_to_have_come_after_handing_in(cast: Cast) -> None:
    version = make_quiz(cast.author)
    with clock.frozen(MORNING):
        attempt = begin(cast.learner, version)
    with clock.frozen(at(minutes=5)):
        answer(attempt, 1, right_answer(attempt, 1))
    with clock.frozen(at(minutes=3)):
        answer(attempt, 2, right_answer(attempt, 2))
        attempt = _submit(attempt)
    assert attempt.finished_at == at(minutes=5)
    times = [event.at for event in attempt.events]
    assert times == sorted(times)
    assert _clock_lines(attempt) == [EventKind.SAVED, EventKind.SUBMITTED]
    _sound(at(minutes=6))

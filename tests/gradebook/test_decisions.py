"""Scores set by hand and exemptions: by two people, with a reason, told to the learner, and taken back by two."""

from __future__ import annotations

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from fractions import Fraction
from typing import Any

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from portal.core import clock, jobs
from portal.core.db import session
from portal.core.transaction import own_transaction
from portal.gradebook import errors, queries, rules
from portal.gradebook.invariants import INVARIANTS
from portal.gradebook.models import ScoreEntry
from portal.gradebook.rules import ByHand, EntryKind, State
from portal.gradebook.service import decisions
from portal.journal.models import JournalEntry
from portal.quizzes.models import QuizVersion
from portal.quizzes.rules.passing import Counts, Tried
from portal.training.models import StepCompletion
from tests.builders import MORNING, Cast
from tests.gradebook.builders import REASON, ask, confirm, decide, take, withdraw
from tests.quizzes.builders import at, make_quiz
from tests.training import builders as training

HALF = Fraction(1, 2)


def _broken() -> list[str]:
    return [each for check in INVARIANTS.values() for each in check()]


def _state(person: Any, version: Any) -> tuple[State, Fraction | None]:
    standing = queries.find_standing(person, version)
    return standing.state, standing.result.score


def test_nothing_changes_before_a_second_person_agrees(cast: Cast) -> None:
    version = make_quiz(cast.author)
    asked = ask(cast.learner, version, cast.lead, Fraction(9, 10))
    assert _state(cast.learner, version) == (State.NOT_BEGUN, None)
    confirm(asked, cast.admin)
    assert _state(cast.learner, version) == (State.PASSED, Fraction(9, 10))


def test_a_score_by_hand_passes_when_it_reaches_the_pass_mark(cast: Cast) -> None:
    version = make_quiz(cast.author)
    assert decide(cast.learner, version, (cast.lead, cast.admin), Fraction(4, 5)).passed
    assert not decide(cast.colleague, version, (cast.lead, cast.admin), Fraction(79, 100)).passed


def test_neither_the_learner_nor_who_asked_is_the_second_person(cast: Cast) -> None:
    version = make_quiz(cast.author)
    with pytest.raises(errors.OwnResult):
        ask(cast.lead, version, cast.lead, HALF)
    asked = ask(cast.learner, version, cast.lead)
    for person in (cast.lead, cast.learner):
        with pytest.raises(errors.NeedsSecondPerson):
            confirm(asked, person)
    with own_transaction(), pytest.raises(errors.OwnResult):
        decisions.decline(decision=queries.get_decision(asked.code), note="", by=cast.learner)
    assert _state(cast.learner, version)[0] is State.NOT_BEGUN


@pytest.mark.parametrize("reason", ["", "   short  ", "x" * 2001])
def test_a_decision_says_why(cast: Cast, reason: str) -> None:
    with pytest.raises(errors.NeedsReason):
        ask(cast.learner, make_quiz(cast.author), cast.lead, reason=reason)


@pytest.mark.any_database
@pytest.mark.parametrize("language", ["en", "ja"])
def test_what_is_wrong_with_a_request_is_said_at_its_field_and_nothing_is_lost(
    cast: Cast, as_: Any, language: str
) -> None:
    version = make_quiz(cast.author)
    take(cast.learner, version, 0)
    lead, place = as_(cast.lead, language=language), {"slug": "impersonation", "code": cast.learner.code}
    reason = {"en": "at least ten", "ja": "10文字以上"}[language]
    sent = {"wish": "override", "score": "85", "reason": "short"}
    page = lead.post("gradebook.decide", sent, **place, expect=400)
    assert reason in (page.one("a", href="#reason").text or "")
    assert page.one("input", name="score").get("value") == "85"
    page = lead.post(
        "gradebook.decide",
        sent | {"score": "185", "reason": "面談で確認しました。十分な理由です。"},
        **place,
        expect=400,
    )
    assert len(page.all("a", href="#score")) == 1
    assert page.one("textarea", name="reason").text == "面談で確認しました。十分な理由です。"
    decide(cast.learner, version, (cast.lead, cast.admin), Fraction(9, 10))
    (line,) = [entry for entry in queries.list_entries(cast.learner, version.quiz_id) if entry.attempt_id is None]
    page = lead.post("gradebook.withdraw", {"reason": "short"}, **place, number=line.entry_no, expect=400)
    assert reason in (page.one("a", href="#reason").text or "")


def test_one_request_at_a_time_and_each_is_closed_once(cast: Cast) -> None:
    version = make_quiz(cast.author)
    asked = ask(cast.learner, version, cast.lead)
    with pytest.raises(errors.AlreadyAsked):
        ask(cast.learner, version, cast.admin, HALF)
    with own_transaction():
        decisions.decline(decision=queries.get_decision(asked.code), note="She can sit it.", by=cast.lead)
    with pytest.raises(errors.AlreadyClosed):
        confirm(asked, cast.admin)
    confirm(ask(cast.learner, version, cast.admin, HALF), cast.lead)
    with own_transaction(), pytest.raises(errors.AlreadyClosed):
        decisions.decline(decision=queries.list_decisions(cast.learner.id, version.quiz_id)[0], note="", by=cast.lead)


def test_withdrawing_brings_back_what_was_there_before(cast: Cast) -> None:
    version, two = make_quiz(cast.author, wait_hours=0), (cast.lead, cast.admin)
    take(cast.learner, version, 0)
    first = decide(cast.learner, version, two, Fraction(9, 10))
    second = decide(cast.learner, version, two)
    assert (first.entry_no, second.entry_no) == (1, 2)
    assert _state(cast.learner, version) == (State.EXEMPT, None)
    withdraw(cast.learner, version, 2, two)
    assert _state(cast.learner, version) == (State.PASSED, Fraction(9, 10))
    with pytest.raises(errors.NothingToWithdraw):
        withdraw(cast.learner, version, 2, two)
    # A withdrawal itself cannot be withdrawn: whoever regrets it decides anew.
    with pytest.raises(errors.NothingToWithdraw):
        withdraw(cast.learner, version, 3, two)
    withdraw(cast.learner, version, 1, two)
    assert _state(cast.learner, version) == (State.FAILED, Fraction(0))
    assert len(session.scalars(select(ScoreEntry)).all()) == 5
    assert _broken() == []


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_learner_is_told_by_mail_and_on_her_transcript(cast: Cast, as_: Any, app: Flask, language: str) -> None:
    person = cast.learner if language == "ja" else cast.colleague
    version, two = make_quiz(cast.author), (cast.lead, cast.admin)
    decide(person, version, two, Fraction(17, 20))
    decide(person, version, two, reason="Certified by the client already.")
    withdraw(person, version, 2, two)
    jobs.run_due()
    texts = []
    for path in sorted((app.config["DATA_DIR"] / "mail").glob("*.eml"), key=lambda each: each.stat().st_mtime_ns):
        message = message_from_bytes(path.read_bytes(), policy=default)
        assert isinstance(message, EmailMessage)
        body = message.get_body(("plain",))
        if body is not None and person.sign_in_name in str(message["To"]):
            texts.append(str(body.get_content()))
    assert len(texts) == 3
    said = {"en": ("85 %", "passed", "exempted you"), "ja": ("85%", "合格", "免除")}[language]
    for word, text in zip((said[0], said[1], said[2]), (texts[0], texts[0], texts[1]), strict=True):
        assert word in text, text
    assert REASON in texts[0]
    page = as_(person).get("gradebook.transcript")
    for word in (REASON, "Certified by the client already.", cast.lead.name_in(language), cast.admin.name_in(language)):
        assert word in page.text


def test_the_journal_names_both_people_and_the_reason(cast: Cast) -> None:
    decide(cast.learner, make_quiz(cast.author), (cast.lead, cast.admin), HALF)
    rows = session.scalars(
        select(JournalEntry).where(JournalEntry.action.startswith("gradebook.decision")).order_by(JournalEntry.id)
    ).all()
    assert [(row.action, row.actor_code, row.reason) for row in rows] == [
        ("gradebook.decision_asked", cast.lead.code, REASON),
        ("gradebook.decision_confirmed", cast.admin.code, REASON),
    ]
    assert rows[1].after == {
        "person": cast.learner.code,
        "quiz": "impersonation",
        "wish": "override",
        "score": "1/2",
        "asked_by": cast.lead.code,
    }


# --- what rests on it --------------------------------------------------------------------------


def _plan() -> tuple[Any, QuizVersion]:
    training.load_holidays()
    training.make_documents()
    return training.make_plan(), training.make_quiz()


def _quiz_steps(enrollment: Any) -> list[StepCompletion]:
    rows = session.scalars(select(StepCompletion).where(StepCompletion.enrollment_id == enrollment.id)).all()
    return [row for row in rows if row.step.quiz_slug is not None]


def test_an_exemption_is_done_for_plans_and_is_no_score(cast: Cast) -> None:
    with clock.frozen(MORNING):
        plan, version = _plan()
        enrollment = training.make_enrollment(cast.learner, plan, cast.admin)
    with clock.frozen(at(minutes=1)):
        entry = decide(cast.learner, version, (cast.lead, cast.admin))
        (step,) = _quiz_steps(enrollment)
        assert (step.score, step.attempt_code, step.score_entry_id) == (None, None, entry.id)
        # What was done stays done, with the decision withdrawn as well.
        withdraw(cast.learner, version, 1, (cast.lead, cast.admin))
        assert len(_quiz_steps(enrollment)) == 1
    assert _broken() == []


def test_a_score_by_hand_completes_a_step_only_when_it_passes(cast: Cast) -> None:
    with clock.frozen(MORNING):
        plan, version = _plan()
        enrollment = training.make_enrollment(cast.learner, plan, cast.admin)
    with clock.frozen(at(minutes=1)):
        decide(cast.learner, version, (cast.lead, cast.admin), Fraction(1, 10))
        assert _quiz_steps(enrollment) == []
        decide(cast.learner, version, (cast.lead, cast.admin), Fraction(1))
        (step,) = _quiz_steps(enrollment)
        assert (step.score, step.attempt_code) == (1, None)


def test_an_exemption_of_before_counts_for_a_plan_that_begins_later_but_a_score_does_not(cast: Cast) -> None:
    plan, version = _plan()
    with clock.frozen(MORNING):
        decide(cast.learner, version, (cast.lead, cast.admin))
        decide(cast.colleague, version, (cast.lead, cast.admin), Fraction(1))
    with clock.frozen(at(minutes=1)):
        mine = training.make_enrollment(cast.learner, plan, cast.admin)
        other = training.make_enrollment(cast.colleague, plan, cast.admin)
    assert len(_quiz_steps(mine)) == 1
    assert _quiz_steps(other) == []


# --- laws --------------------------------------------------------------------------------------


@st.composite
def _histories(draw: st.DrawFn) -> list[ByHand[int]]:
    lines: list[ByHand[int]] = []
    for number in range(1, draw(st.integers(0, 8)) + 1):
        gone = {each.withdraws for each in lines}
        standing = [each.number for each in lines if each.kind is not EntryKind.WITHDRAWAL and each.number not in gone]
        kinds = [EntryKind.OVERRIDE, EntryKind.EXEMPTION] + [EntryKind.WITHDRAWAL] * bool(standing)
        kind = draw(st.sampled_from(kinds))
        score = Fraction(draw(st.integers(0, 100)), 100) if kind is EntryKind.OVERRIDE else None
        lines.append(
            ByHand(
                number, number, kind, MORNING, score, None if score is None else score >= HALF,
                draw(st.sampled_from(standing)) if kind is EntryKind.WITHDRAWAL else None,
            )
        )  # fmt: skip
    return lines


@pytest.mark.any_database
@settings(max_examples=150, deadline=None)
@given(_histories(), st.sampled_from(Counts), st.lists(st.tuples(st.booleans(), st.integers(0, 100)), max_size=4))
def test_withdrawing_everything_leaves_what_the_attempts_say(
    lines: list[ByHand[int]], counts: Counts, results: list[tuple[bool, int]]
) -> None:
    tried = [
        Tried(-number, number, MORNING if out else None, score >= 50, Fraction(score, 100))
        for number, (out, score) in enumerate(results, start=1)
    ]
    plain = rules.result_of(counts, tried)
    stack = list(lines)
    decided = rules.deciding(stack)
    while decided is not None:
        found = rules.result_of(counts, tried, stack)
        assert found.is_by_hand
        assert found.line == decided.line
        number = len(stack) + 1
        stack.append(ByHand(number, number, EntryKind.WITHDRAWAL, MORNING, withdraws=decided.number))
        decided = rules.deciding(stack)
    assert rules.result_of(counts, tried, stack) == plain

"""The gradebook: one line for each released result, none of them ever changed."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from sqlalchemy import select

from portal.core import clock
from portal.core.db import session
from portal.core.events import publish
from portal.core.transaction import own_transaction
from portal.gradebook import queries, service
from portal.gradebook.models import ScoreEntry
from portal.gradebook.rules import EntryKind, State
from portal.quizzes.events import AttemptReleased
from portal.quizzes.models import Attempt, Release
from portal.quizzes.rules.passing import Counts
from portal.quizzes.service.attempts import submit_attempt
from portal.quizzes.service.marking import release_by_hand
from tests.builders import MORNING, Cast
from tests.quizzes.builders import answer_all, at, begin, make_quiz


def _take(person: Any, version: Any, right: int | None) -> Attempt:
    attempt = begin(person, version)
    answer_all(attempt, right=right)
    with own_transaction():
        submit_attempt(attempt=attempt, person=person)
    return attempt


def test_a_released_result_becomes_a_line_of_its_own(cast: Cast) -> None:
    version = make_quiz(cast.author, wait_hours=0)
    with clock.frozen(MORNING):
        _take(cast.learner, version, 0)
    with clock.frozen(at(minutes=1)):
        _take(cast.learner, version, None)
    lines = session.scalars(select(ScoreEntry).order_by(ScoreEntry.id)).all()
    assert [(line.score, line.passed, line.at, line.entry_no) for line in lines] == [
        (Fraction(0), False, MORNING, 1),
        (Fraction(1), True, at(minutes=1), 1),
    ]


def test_nothing_is_entered_before_the_release(cast: Cast) -> None:
    version = make_quiz(cast.author, release=Release.BY_HAND)
    _take(cast.learner, version, None)
    assert queries.list_entries(cast.learner) == []
    with own_transaction():
        release_by_hand(quiz=version.quiz, by=cast.author)
    assert [entry.score for entry in queries.list_entries(cast.learner)] == [1]


def test_the_same_release_twice_is_one_line_and_a_correction_a_further_one(cast: Cast) -> None:
    attempt = _take(cast.learner, make_quiz(cast.author), None)
    told = AttemptReleased(
        attempt.id, attempt.code, cast.learner.id, attempt.quiz_id, "impersonation", Fraction(1), True, MORNING
    )
    with own_transaction():
        publish(told)
    assert len(queries.list_entries(cast.learner)) == 1
    with own_transaction():
        service.add_result(
            person_id=cast.learner.id,
            quiz_id=attempt.quiz_id,
            attempt_id=attempt.id,
            score=Fraction(1, 2),
            passed=False,
            at=MORNING,
        )
    entries = queries.list_entries(cast.learner)
    assert sorted(entry.entry_no for entry in entries) == [1, 2]
    standing = queries.find_standing(cast.learner, attempt.quiz_version)
    assert (standing.state, standing.result.score) == (State.FAILED, Fraction(1, 2))
    assert {entry.entry_no: entry.kind for entry in entries} == {1: EntryKind.RESULT, 2: EntryKind.CORRECTION}


@pytest.mark.parametrize(
    ("counts", "state", "score"),
    [(Counts.HIGHEST, State.PASSED, 1), (Counts.LATEST, State.FAILED, 0), (Counts.FIRST, State.FAILED, None)],
)
def test_what_counts_of_several_attempts_is_what_the_quiz_says(
    cast: Cast, counts: Counts, state: State, score: Fraction | None
) -> None:
    first = make_quiz(cast.author, wait_hours=0, counts=counts)
    second = make_quiz(cast.author, slug="second", wait_hours=0)
    sat = [_take(cast.learner, first, right) for right in (1, None, 0)]
    _take(cast.colleague, second, 0)
    found = queries.standings([cast.learner.id, cast.colleague.id, cast.lead.id], [first, second])
    assert set(found) == {(cast.learner.id, first.quiz_id), (cast.colleague.id, second.quiz_id)}
    mine = found[cast.learner.id, first.quiz_id]
    # One right answer of four is worth more or less, as the draw has it.
    score = sat[0].markings[-1].score if score is None else score
    assert (mine.state, mine.result.score, mine.attempts) == (state, score, 3)
    assert found[cast.colleague.id, second.quiz_id].state is State.FAILED


def test_while_the_latest_has_no_result_nothing_counts_in_its_place(cast: Cast) -> None:
    version = make_quiz(cast.author, wait_hours=0, counts=Counts.LATEST)
    _take(cast.learner, version, None)
    assert queries.find_standing(cast.learner, version).state is State.PASSED
    version = make_quiz(cast.author, wait_hours=0, counts=Counts.LATEST, number="1.1", release=Release.BY_HAND)
    _take(cast.learner, version, 0)
    assert queries.find_standing(cast.learner, version).state is State.NOT_RELEASED
    begin(cast.colleague, version)
    assert queries.find_standing(cast.colleague, version).state is State.IN_PROGRESS
    assert queries.find_standing(cast.lead, version).state is State.NOT_BEGUN


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_transcript_shows_every_result(cast: Cast, as_: Any, language: str) -> None:
    person = cast.learner if language == "ja" else cast.colleague
    empty = as_(person).get("gradebook.transcript")
    assert ("No result yet" if language == "en" else "結果はまだありません") in empty.text
    version = make_quiz(cast.author, wait_hours=0)
    with clock.frozen(MORNING):
        _take(person, version, 0)
        _take(person, version, None)
        page = as_(person).get("gradebook.transcript")
    for word in {
        "en": ("0 %", "100 %", "1 Apr 2026", "1 of 1 quizzes passed"),
        "ja": ("0%", "100%", "2026/04/01", "1件中1件に合格"),
    }[language]:
        assert word in page.text
    assert len([link for link in page.links() if "/result" in link]) == 2


def test_a_persons_transcript_is_for_herself_her_lead_and_administrators(cast: Cast, as_: Any) -> None:
    _take(cast.learner, make_quiz(cast.author), None)
    for name, person in cast.everyone().items():
        response = as_(person).fetch("gradebook.transcript_of", code=cast.learner.code)
        assert response.status_code == (200 if name in ("learner", "lead", "admin") else 404), name
    page = as_(cast.lead).get("gradebook.transcript_of", code=cast.learner.code)
    assert "100 %" in page.text
    assert not [link for link in page.links() if "/result" in link]
    assert as_(cast.lead).fetch("gradebook.transcript_of", code=cast.outsider.code).status_code == 404


def test_a_lead_finds_attempts_without_a_result_from_the_transcript(cast: Cast, as_: Any) -> None:
    attempt = begin(cast.learner, make_quiz(cast.author))
    browser = as_(cast.lead)
    page = browser.get("gradebook.transcript_of", code=cast.learner.code)
    (href,) = [link for link in page.links() if attempt.code in link]
    assert browser.get(href).heading.startswith("Attempt of")
    own = as_(cast.learner).get("gradebook.transcript")
    assert not [link for link in own.links() if attempt.code in link]

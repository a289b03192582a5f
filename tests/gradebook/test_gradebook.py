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
from portal.quizzes.events import AttemptReleased
from portal.quizzes.models import Attempt, Release
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
    standing = queries.find_standing(cast.learner, attempt.quiz_id)
    assert standing is not None
    assert (standing.latest.score, standing.best.score, standing.has_passed) == (Fraction(1, 2), Fraction(1, 2), False)


def test_the_last_and_the_best_result_of_each_person_and_quiz(cast: Cast) -> None:
    first = make_quiz(cast.author, wait_hours=0)
    second = make_quiz(cast.author, slug="second", wait_hours=0)
    for right in (2, None, 0):
        _take(cast.learner, first, right)
    _take(cast.colleague, second, 0)
    found = queries.standings([cast.learner.id, cast.colleague.id, cast.lead.id], [first.quiz_id, second.quiz_id])
    assert set(found) == {(cast.learner.id, first.quiz_id), (cast.colleague.id, second.quiz_id)}
    mine = found[cast.learner.id, first.quiz_id]
    assert (mine.latest.score, mine.best.score, mine.has_passed) == (0, 1, True)
    assert not found[cast.colleague.id, second.quiz_id].has_passed


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

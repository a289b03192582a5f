"""What else a quiz may say: what it is for, its tolerance, how near the border is, for how long it can be appealed."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest

from portal.core import clock
from portal.core.content import ContentFile, ContentFolder
from portal.core.db import session
from portal.core.i18n import Words
from portal.core.transaction import own_transaction
from portal.quizzes import errors, queries
from portal.quizzes.formats import quiz_toml
from portal.quizzes.formats.quiz_toml import QuizFile
from portal.quizzes.models import AttemptState, SecondMarker
from portal.quizzes.service import appeals
from portal.quizzes.service.banks import hash_of_terms, take_quiz, terms_of_version
from tests.builders import MORNING, Cast
from tests.quizzes.builders import at, begin, make_quiz, make_terms
from tests.quizzes.marking import give, make_marked_quiz, make_markers, sit

FURTHER: dict[str, Any] = {
    "purpose": Words("Says who may moderate alone.", "一人で判断できるかを確かめます。"),
    "borderline_within": Fraction(1, 10),
    "appeal_days": 0,
    "tolerance_seconds": 30,
}


def _read(text: str) -> tuple[ContentFolder, QuizFile | None]:
    file = ContentFile("quizzes/q.toml", text)
    folder = ContentFolder({file.path: file})
    return folder, quiz_toml.parse(folder, file)


def test_what_is_not_said_is_neither_hashed_nor_written() -> None:
    terms = make_terms()
    # As stored before a quiz could say any of it.
    assert hash_of_terms(terms) == "29962529e49e1444449ed1f98f49fd6b823551d9d1c5c1726a35c5c2fb6bb555"
    written = quiz_toml.render(QuizFile(terms, "mori.akiko@example.jp"))
    assert not any(name in written for name in FURTHER)


@pytest.mark.parametrize("name", FURTHER)
def test_each_further_term_is_hashed_written_read_and_stored(cast: Cast, name: str) -> None:
    terms = make_terms(**{name: FURTHER[name]})
    assert hash_of_terms(terms) != hash_of_terms(make_terms())
    folder, read = _read(quiz_toml.render(QuizFile(terms, "mori.akiko@example.jp")))
    assert folder.findings == []
    assert read is not None
    assert read.terms == terms
    with own_transaction():
        version = take_quiz(slug="q", terms=terms, by=cast.author)
    assert version is not None
    assert terms_of_version(version) == terms


@pytest.mark.parametrize(
    "line",
    [
        "tolerance_seconds = 61",
        "appeal_days = -1",
        'borderline_within = "101%"',
        'purpose = "For nobody"',
        'purpose = { en = "For you" }',
        'purpose = { en = "For you", ja = " " }',
    ],
)
def test_what_a_file_says_wrongly_is_told(line: str) -> None:
    folder, read = _read(f"{line}\n{quiz_toml.render(QuizFile(make_terms(), 'mori.akiko@example.jp'))}")
    assert read is None
    assert len(folder.errors) == 1


def test_an_attempt_takes_the_tolerance_of_its_quiz_and_keeps_it(cast: Cast, as_: Any) -> None:
    version = make_quiz(cast.author, tolerance_seconds=30)
    with clock.frozen(MORNING):
        told = as_(cast.learner, language="en").get("quizzes.show", slug="impersonation").text
        assert "within 30 seconds after the end" in told
        attempt = begin(cast.learner, version)
    assert attempt.tolerance == timedelta(seconds=30)
    make_quiz(cast.author, number="1.1", tolerance_seconds=0)
    assert queries.get_attempt(attempt.code).tolerance == timedelta(seconds=30)
    assert begin(cast.colleague, queries.get_quiz("impersonation")).tolerance == timedelta(0)


@pytest.mark.parametrize("days", [0, 3, None])
def test_a_result_can_be_appealed_for_as_long_as_its_quiz_says(cast: Cast, as_: Any, days: int | None) -> None:
    version = make_marked_quiz(cast.author, appeal_days=days)
    with clock.frozen(MORNING):
        attempt = sit(cast.learner, version, text="")
    open_days = 14 if days is None else days
    # What the quiz says later changes nothing about a result of before.
    make_marked_quiz(cast.author, number="1.1", appeal_days=30)
    with clock.frozen(at(minutes=open_days * 24 * 60)):
        assert appeals.can_appeal(queries.get_attempt(attempt.code), clock.now()) is bool(open_days)
    with clock.frozen(at(minutes=open_days * 24 * 60, seconds=1)):
        attempt = queries.get_attempt(attempt.code)
        assert not appeals.can_appeal(attempt, clock.now())
        with pytest.raises(errors.NoAppeal), own_transaction():
            appeals.make_appeal(attempt=attempt, item=queries.list_items(attempt)[0], words="x", by=cast.learner)
        as_(cast.learner).post(
            "quizzes.make_appeal", {"words": "x"}, code=attempt.code, position=1, expect=409 if open_days else 404
        )
        session.rollback()


@pytest.mark.parametrize(("within", "needs_second"), [(Fraction(3, 100), False), (None, True), (Fraction(1, 10), True)])
def test_the_quiz_says_how_near_a_mark_the_border_is(cast: Cast, within: Fraction | None, needs_second: bool) -> None:
    version = make_marked_quiz(cast.author, second_marker=SecondMarker.BORDERLINE, borderline_within=within)
    with clock.frozen(MORNING):
        attempt = sit(cast.learner, version)
        # 5 of 6 points: 83.3 %, where the mark is 80 %.
        give(make_markers()[0], attempt, 1, 1)
    session.rollback()
    session.expire_all()
    assert (queries.get_attempt(attempt.code).state is AttemptState.SUBMITTED) is needs_second

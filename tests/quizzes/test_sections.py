"""Sections with marks of their own, questions on trial, which attempt counts: from the terms to the result."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest

from portal.accounts.models import Person
from portal.core import clock
from portal.core.content import ContentFile, ContentFolder
from portal.core.i18n import Words
from portal.core.transaction import own_transaction
from portal.quizzes import invariants, queries
from portal.quizzes.formats import quiz_toml
from portal.quizzes.formats.markdown import BankQuestion
from portal.quizzes.formats.quiz_toml import QuizFile
from portal.quizzes.formats.sections import Section
from portal.quizzes.models import Attempt, QuizVersion, Release
from portal.quizzes.queries.statistics import sittings_of
from portal.quizzes.rules.passing import Counts, Earned, Tried, counted, reckon
from portal.quizzes.service.attempts import submit_attempt, void_attempt
from portal.quizzes.service.banks import hash_of_terms, take_quiz, terms_of_version
from portal.quizzes.service.marking import release_attempt
from tests.builders import MORNING, Cast
from tests.page_client import PageClient
from tests.quizzes.builders import (
    KINDS,
    answer,
    begin,
    make_bank,
    make_content,
    make_quiz,
    make_terms,
    right_answer,
    wrong_answer,
)

SECTIONS = (
    Section("basics", Words("Basics", "基礎")),
    Section("severe", Words("Severe harm", "重大な被害"), Fraction(95, 100)),
)
BLUEPRINT: list[dict[str, Any]] = [
    {"section": "severe", "bank": "impersonation", "count": 1, "types": ["single_choice"]},
    {"section": "basics", "bank": "impersonation", "count": 3, "types": ["true_false", "multiple_choice"]},
]


def _quiz(cast: Cast, pilots: int = 0, **values: Any) -> QuizVersion:
    questions = [BankQuestion(f"imp-{n:03d}", make_content(n, KINDS[n % 4])) for n in range(16)]
    questions += [BankQuestion(f"new-{n:03d}", make_content(50 + n), "pilot") for n in range(3)]
    make_bank(cast.author, questions=tuple(questions))
    defaults: dict[str, Any] = {
        "sections": SECTIONS,
        "blueprint": BLUEPRINT,
        "pass_mark": Fraction(1, 2),
    }
    return make_quiz(cast.author, **(defaults | {"pilots": pilots} | values))


def _sit(attempt: Attempt, wrong: set[str] = frozenset()) -> Attempt:  # type: ignore[assignment]
    """Answer everything rightly but the items of these sections, and what is on trial; hand in."""
    for item in queries.list_items(attempt):
        is_wrong = item.section in wrong or not item.is_scored
        answer(attempt, item.position, (wrong_answer if is_wrong else right_answer)(attempt, item.position))
    with own_transaction():
        submit_attempt(attempt=attempt, person=attempt.person)
    return queries.get_attempt(attempt.code)


# --- terms ---


def test_a_default_is_neither_hashed_nor_written() -> None:
    terms = make_terms()
    # As stored before there were sections, questions on trial and a rule of what counts.
    assert hash_of_terms(terms) == "29962529e49e1444449ed1f98f49fd6b823551d9d1c5c1726a35c5c2fb6bb555"
    written = quiz_toml.render(QuizFile(terms, "mori.akiko@example.jp"))
    assert not {"section", "pilots", "counts", "strata"} & set(written.replace("[", " ").replace("]", " ").split())


def test_what_a_file_says_is_read_and_written_again(cast: Cast) -> None:
    terms = make_terms(
        sections=SECTIONS,
        pilots=2,
        counts=Counts.LATEST,
        blueprint=[
            {"section": "basics", "bank": "b", "count": 2, "strata": "clause"},
            {"section": "severe", "questions": ["b/q-1"]},
        ],
    )
    path = "quizzes/q.toml"
    file = ContentFile(path, quiz_toml.render(QuizFile(terms, "mori.akiko@example.jp")))
    folder = ContentFolder({path: file})
    read = quiz_toml.parse(folder, file)
    assert folder.findings == []
    assert read is not None
    assert read.terms == terms
    with own_transaction():
        version = take_quiz(slug="q", terms=terms, by=cast.author)
    assert version is not None
    assert terms_of_version(version) == terms


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sections": (SECTIONS[0], SECTIONS[0])}, "Two sections have the id"),
        ({"sections": (*SECTIONS, Section("idle", Words("Idle", "空")))}, "Nothing is drawn for the section"),
        ({"blueprint": [{"bank": "b", "count": 1}]}, "does not say to which section"),
        ({"sections": ()}, "does not say to which section"),
        ({"sections": (replace(SECTIONS[0], title=Words("", "")), SECTIONS[1])}, "no title in both languages"),
        ({"blueprint": [{"section": "basics", "bank": "b", "count": 1, "strata": "mood"}]}, "is not known"),
    ],
)
def test_what_a_file_says_wrongly_is_named_with_its_line(change: dict[str, Any], message: str) -> None:
    terms = make_terms(**({"sections": SECTIONS, "blueprint": BLUEPRINT} | change))
    path = "quizzes/q.toml"
    file = ContentFile(path, quiz_toml.render(QuizFile(terms, "mori.akiko@example.jp")))
    folder = ContentFolder({path: file})
    assert quiz_toml.parse(folder, file) is None
    found = [each for each in folder.errors if message in each.message]
    assert found, folder.errors
    assert found[0].line > 0


def test_a_file_of_an_older_version_changes_nothing(cast: Cast) -> None:
    make_quiz(cast.author)
    make_quiz(cast.author, number="1.1", pass_mark=Fraction(9, 10))
    with own_transaction():
        assert take_quiz(slug="impersonation", terms=make_terms(), by=cast.author) is None
    assert queries.get_quiz("impersonation").number == "1.1"


# --- passing ---


@pytest.mark.any_database
def test_passing_needs_the_whole_and_every_section_with_a_mark() -> None:
    half, severe = Fraction(1, 2), {"a": None, "b": Fraction(95, 100)}

    def result(a: int, b: int) -> tuple[bool, bool]:
        found = reckon(
            [Earned(Fraction(a), Fraction(10), "a"), Earned(Fraction(b, 100), Fraction(1), "b")],
            pass_mark=half,
            sections=severe,
        )
        return found.passed, found.sections["b"].passed

    assert result(10, 95) == (True, True)
    assert result(10, 94) == (False, False)
    assert result(4, 100) == (False, True)
    # Nothing to be had in a section: it cannot be failed.
    assert reckon([Earned(Fraction(1), Fraction(1), "a")], pass_mark=half, sections=severe).passed
    # What is on trial is in no sum.
    trial = [Earned(Fraction(0), Fraction(9), "a", is_scored=False), Earned(Fraction(1), Fraction(1), "a")]
    assert reckon(trial, pass_mark=Fraction(1), sections={}).score == 1


@pytest.mark.any_database
def test_which_attempt_counts() -> None:
    def tried(number: int, score: int | None) -> Tried[int]:
        at = MORNING + timedelta(hours=number) if score is not None else None
        return Tried(number, number, at, passed=(score or 0) >= 80, score=Fraction(score or 0, 100))

    row = [tried(1, 50), tried(2, 90), tried(3, 90), tried(4, 70)]
    assert [counted(each, row) for each in Counts] == [2, 4, 1]
    assert [counted(each, row, since=MORNING + timedelta(hours=3)) for each in Counts] == [3, 4, 3]
    # While the latest has no result, nothing counts in its place; so with the first.
    assert [counted(each, [*row, tried(5, None)]) for each in Counts] == [2, None, 1]
    assert [counted(each, [tried(1, None), tried(2, 90)]) for each in Counts] == [2, 2, None]
    assert [counted(each, []) for each in Counts] == [None, None, None]


# --- an attempt ---


def test_a_section_below_its_mark_fails_the_whole(cast: Cast) -> None:
    version = _quiz(cast)
    with clock.frozen(MORNING):
        attempt = begin(cast.learner, version)
        assert [item.section for item in queries.list_items(attempt)] == ["basics"] * 3 + ["severe"]
        failed = _sit(attempt, wrong={"severe"})
        passed = _sit(begin(cast.learner, version))
    marking = queries.find_current_marking(failed)
    assert marking is not None
    assert marking.score >= version.pass_mark
    assert not marking.passed
    assert marking.sections is not None
    assert marking.sections["severe"] == {"points": "0", "max_points": "1", "passed": False}
    assert passed.markings[-1].passed
    assert invariants.scores_follow_from_answers() == []


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_pages_tell_the_sections_before_and_after(cast: Cast, as_: Any, language: str) -> None:
    version = _quiz(cast, pilots=2)
    with clock.frozen(MORNING):
        client: PageClient = as_(cast.learner, language=language)
        page = client.get("quizzes.show", slug="impersonation")
        assert page.text.count("重大な被害" if language == "ja" else "Severe harm") >= 1
        assert ("2問は試行中" if language == "ja" else "2 of the questions are on trial") in page.text
        attempt = begin(cast.learner, version)
        during = client.get("quizzes.attempt", code=attempt.code)
        assert ("基礎" if language == "ja" else "Basics") in during.text
        # Nothing tells which questions are on trial.
        assert ("試行" if language == "ja" else "trial") not in during.text
        _sit(attempt, wrong={"severe"})
        after = client.get("quizzes.result", code=attempt.code)
        assert (
            "合格基準に届かなかったセクション：重大な被害" if language == "ja" else "not reached: Severe harm"
        ) in after.text
        assert after.text.count("試行中：得点に含めません" if language == "ja" else "On trial: does not count") == 2
        watched = as_(cast.admin, language=language).get("quizzes.supervision", code=attempt.code)
        assert ("重大な被害" if language == "ja" else "Severe harm") in watched.text


# --- on trial ---


def test_what_is_on_trial_is_shown_and_counts_for_nothing(cast: Cast) -> None:
    version = _quiz(cast, pilots=2)
    with clock.frozen(MORNING):
        attempt = _sit(begin(cast.learner, version))
    items = queries.list_items(attempt)
    on_trial = [item for item in items if not item.is_scored]
    assert len(items) == 6
    assert len(on_trial) == 2
    marking = queries.find_current_marking(attempt)
    assert marking is not None
    assert marking.score == 1
    assert marking.max_points == sum(item.max_points for item in items if item.is_scored)
    assert {mark.item_id for mark in marking.item_marks} == {item.id for item in items}
    assert invariants.scores_follow_from_answers() == []
    sittings = sittings_of(version.quiz_id)
    assert {each.slug for each in sittings.on_trial} <= {"new-000", "new-001", "new-002"}
    assert not any(each.slug.startswith("new") for each in sittings.asked)
    assert sittings.rows[0].sections == {"basics": (1.0, True), "severe": (1.0, True)}


def test_fewer_on_trial_than_asked_for_stop_nobody(cast: Cast) -> None:
    version = _quiz(cast, pilots=9)
    with clock.frozen(MORNING):
        items = queries.list_items(begin(cast.learner, version))
    assert sum(not item.is_scored for item in items) == 3


# --- what counts ---


def _twice(cast: Cast, person: Person, version: QuizVersion) -> tuple[Attempt, Attempt]:
    """Pass, then fail."""
    return _sit(begin(person, version)), _sit(begin(person, version), wrong={"severe", "basics"})


@pytest.mark.parametrize(("counts", "passes"), [(Counts.HIGHEST, True), (Counts.LATEST, False), (Counts.FIRST, True)])
def test_the_attempt_that_counts_is_the_result(cast: Cast, as_: Any, counts: Counts, passes: bool) -> None:
    version = _quiz(cast, counts=counts)
    with clock.frozen(MORNING):
        first, second = _twice(cast, cast.learner, version)
        found = queries.counted_attempt(version, queries.list_attempts(cast.learner, version.quiz_id))
        assert found is not None
        assert found.code == (first if passes else second).code
        page = as_(cast.learner, language="en").get("quizzes.index")
        assert ("Passed" in page.text) is passes
        shown = as_(cast.learner, language="en").get("quizzes.show", slug="impersonation").text
        assert f"the {'best' if counts is Counts.HIGHEST else counts.value} attempt" in shown


def test_a_void_attempt_gives_its_place_to_the_one_before(cast: Cast) -> None:
    version = _quiz(cast, counts=Counts.LATEST, release=Release.BY_HAND)
    with clock.frozen(MORNING):
        first, second = _twice(cast, cast.learner, version)
        with own_transaction():
            release_attempt(attempt=queries.lock_attempt(first.id), by=cast.author)
        mine = queries.list_tried(cast.learner.id, version.quiz_id)
        assert queries.counted_attempt(version, mine) is None
        with own_transaction():
            void_attempt(attempt=second, reason="fire alarm", by=cast.admin)
        mine = queries.list_tried(cast.learner.id, version.quiz_id)
        found = queries.counted_attempt(version, mine)
    assert found is not None
    assert found.code == first.code

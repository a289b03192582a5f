"""Answers that people mark: nobody marks herself or twice, two agree or a third decides, the attempt waits for all."""

from __future__ import annotations

from fractions import Fraction
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.accounts.models import Person
from portal.core import clock, jobs
from portal.core.content import ContentFile, ContentFolder
from portal.core.db import canonical_json, session
from portal.core.transaction import own_transaction
from portal.quizzes import errors, invariants, queries
from portal.quizzes.formats import quiz_toml
from portal.quizzes.formats.quiz_toml import QuizFile
from portal.quizzes.models import AttemptState, MarkRound, Release, SecondMarker
from portal.quizzes.queries import marking as waiting
from portal.quizzes.rules import hand_marks as rules
from portal.quizzes.rules.hand_marks import ALL, BORDERLINE, FIRST, MODERATION, NONE, SECOND, Given, Policy
from portal.quizzes.service import hand_marking as service
from portal.quizzes.service.attempts import submit_attempt, void_attempt
from tests.beginnings import beginning
from tests.builders import MORNING, Cast
from tests.quizzes.builders import answer, at, begin, make_terms
from tests.quizzes.marking import (
    find_answer,
    give,
    item_of,
    make_marked_quiz,
    make_markers,
    points,
    sit,
    take,
    version_of,
)


@pytest.fixture
@beginning
def markers(cast: Cast) -> list[Person]:
    """Three who mark."""
    return make_markers()


def _sound() -> None:
    session.rollback()
    session.expire_all()
    assert [found for check in invariants.INVARIANTS.values() for found in check()] == []


def _fresh(attempt: Any) -> Any:
    session.rollback()
    session.expire_all()
    return queries.get_attempt(attempt.code)


# --- waiting -----------------------------------------------------------------------------------


def test_an_attempt_with_a_text_waits_until_a_person_has_marked_it(cast: Cast, markers: list[Person]) -> None:
    version = make_marked_quiz(cast.author)
    with clock.frozen(MORNING):
        attempt = sit(cast.learner, version)
        assert attempt.state is AttemptState.SUBMITTED
        assert attempt.markings == []
        assert waiting.is_waiting(attempt)
        _sound()
        _mark, marking = give(markers[0], attempt, 2, "0.5")
    assert marking is not None
    assert (marking.points, marking.max_points) == (Fraction(11, 2), 6)
    assert _fresh(attempt).state is AttemptState.RELEASED
    _sound()


def test_what_was_left_empty_waits_for_nobody(cast: Cast) -> None:
    version = make_marked_quiz(cast.author)
    with clock.frozen(MORNING):
        attempt = sit(cast.learner, version, text="")
    assert attempt.state is AttemptState.RELEASED
    assert attempt.markings[-1].points == 3
    _sound()


def test_an_attempt_that_the_sweep_hands_in_waits_as_well(cast: Cast, markers: list[Person]) -> None:
    version = make_marked_quiz(cast.author)
    with clock.frozen(MORNING):
        attempt = begin(cast.learner, version)
        answer(attempt, 3, {"answer": ["A text."]})
    with clock.frozen(at(minutes=16)):
        jobs.run_periodic("quizzes.sweep")
        assert _fresh(attempt).state is AttemptState.SUBMITTED
        give(markers[0], attempt, 0, 0)
    assert _fresh(attempt).state is AttemptState.RELEASED
    _sound()


def test_a_result_marked_by_people_is_released_as_the_quiz_says(cast: Cast, markers: list[Person]) -> None:
    version = make_marked_quiz(cast.author, release=Release.BY_HAND)
    with clock.frozen(MORNING):
        attempt = sit(cast.learner, version)
        give(markers[0], attempt, 1, 1)
    assert _fresh(attempt).state is AttemptState.MARKED


def test_a_void_attempt_waits_for_nobody(cast: Cast, markers: list[Person]) -> None:
    version = make_marked_quiz(cast.author)
    with clock.frozen(MORNING):
        attempt = sit(cast.learner, version)
        assert waiting.count_waiting(markers[0]) == 1
        with own_transaction():
            void_attempt(attempt=attempt, reason="fire alarm", by=cast.admin)
        assert waiting.count_waiting(markers[0]) == 0
        assert take(markers[0], version) is None
    _sound()


# --- whose turn --------------------------------------------------------------------------------


def test_nobody_gets_her_own_answer(cast: Cast, markers: list[Person]) -> None:
    version = make_marked_quiz(cast.author)
    with clock.frozen(MORNING):
        attempt = sit(cast.author, version)
        assert take(cast.author, version) is None
        with pytest.raises(errors.MarkedInBetween), own_transaction():
            service.take(answer=waiting.get_answer_to_mark(find_answer(attempt).code), person=cast.author)
        assert take(markers[0], version) is not None


def test_two_never_have_the_same_answer_before_them(cast: Cast, markers: list[Person]) -> None:
    version = make_marked_quiz(cast.author)
    with clock.frozen(MORNING):
        for person in (cast.learner, cast.colleague):
            sit(person, version)
        first, second = take(markers[0], version), take(markers[1], version)
        assert first is not None
        assert second is not None
        assert first.item_id != second.item_id
        assert take(markers[2], version) is None
        # The own one comes again, not another one.
        again = take(markers[0], version)
        assert again is not None
        assert again.item_id == first.item_id


def test_an_answer_that_was_kept_too_long_goes_to_the_next_and_the_draft_stays(
    cast: Cast, markers: list[Person]
) -> None:
    version = make_marked_quiz(cast.author)
    with clock.frozen(MORNING):
        attempt = sit(cast.learner, version)
        mine = take(markers[0], version)
        assert mine is not None
        with own_transaction():
            service.keep_draft(answer=mine, person=markers[0], given=points(1, "", "half done"))
    with clock.frozen(MORNING + rules.LEASE):
        theirs = take(markers[1], version)
        assert theirs is not None
        row = find_answer(attempt)
        with pytest.raises(errors.MarkedInBetween), own_transaction():
            service.give_mark(answer=row, round_=MarkRound.FIRST, given=points(1, 1), by=markers[0])
        draft = waiting.find_draft(row.item_id, markers[0])
        assert draft is not None
        assert draft.given["comment"] == "half done"
        with own_transaction():
            service.give_mark(answer=row, round_=MarkRound.FIRST, given=points(2, 1), by=markers[1])
    _sound()


def test_answers_to_a_question_come_by_lot(cast: Cast, markers: list[Person]) -> None:
    version = make_marked_quiz(cast.author)
    with clock.frozen(MORNING):
        for person in (cast.learner, cast.colleague, cast.outsider, cast.approver):
            sit(person, version)
    codes = [row.code for row in waiting.list_free(
        markers[0], MORNING, quiz_id=version.quiz_id, version_id=version_of().id, round_=MarkRound.FIRST, limit=9
    )]  # fmt: skip
    assert codes == sorted(codes)
    assert len(set(codes)) == 4


@pytest.mark.parametrize("typed", ["", "3", "-1", "two", "1/2", "1e1", "2.0000000000001"])
def test_points_that_are_none_or_too_many_are_refused(cast: Cast, markers: list[Person], typed: str) -> None:
    version = make_marked_quiz(cast.author)
    with clock.frozen(MORNING):
        attempt = sit(cast.learner, version)
        with pytest.raises(errors.BadMark):
            give(markers[0], attempt, typed, 1)
    assert _fresh(attempt).state is AttemptState.SUBMITTED


@pytest.mark.parametrize(("typed", "read"), [("2", 2), ("１．５", Fraction(3, 2)), ("0,5", Fraction(1, 2)), ("1.", 1)])
def test_points_are_read_as_people_write_them(typed: str, read: Fraction) -> None:
    assert service.points_typed(typed, 2) == read


def test_a_mark_can_be_changed_until_another_one_rests_on_it(cast: Cast, markers: list[Person]) -> None:
    version = make_marked_quiz(cast.author, second_marker=SecondMarker.ALL)
    with clock.frozen(MORNING):
        attempt = sit(cast.learner, version)
        give(markers[0], attempt, 0, 0)
        with own_transaction():
            service.give_mark(answer=find_answer(attempt), round_=MarkRound.FIRST, given=points(2, 1), by=markers[0])
        marks = waiting.list_hand_marks([item_of(attempt).id])[item_of(attempt).id]
        assert [(mark.round, mark.number, mark.points) for mark in marks] == [
            (MarkRound.FIRST, 1, 0),
            (MarkRound.FIRST, 2, 3),
        ]
        give(markers[1], attempt, 2, 1)
        with pytest.raises(errors.CannotChangeMark), own_transaction():
            service.give_mark(answer=find_answer(attempt), round_=MarkRound.SECOND, given=points(0, 0), by=markers[1])
    _sound()


# --- two persons, and a third ------------------------------------------------------------------


def test_of_two_marks_near_each_other_the_exact_mean_counts(cast: Cast, markers: list[Person]) -> None:
    version = make_marked_quiz(cast.author, second_marker=SecondMarker.ALL)
    with clock.frozen(MORNING):
        attempt = sit(cast.learner, version)
        give(markers[0], attempt, 2, "0.5")
        assert _fresh(attempt).state is AttemptState.SUBMITTED
        # Whoever was the first is not the second.
        with pytest.raises(errors.MarkedInBetween):
            give(markers[0], attempt, 2, 1)
        assert take(markers[0], version, MarkRound.SECOND) is None
        give(markers[1], attempt, 2, "0.4")
    marking = _fresh(attempt).markings[-1]
    assert marking.points == 3 + Fraction(49, 20)
    _sound()


def test_of_two_marks_apart_a_third_person_decides(cast: Cast, markers: list[Person]) -> None:
    version = make_marked_quiz(cast.author, second_marker=SecondMarker.ALL)
    with clock.frozen(MORNING):
        attempt = sit(cast.learner, version)
        give(markers[0], attempt, 2, 1)
        give(markers[1], attempt, 1, 1)
        assert find_answer(attempt).round is MarkRound.MODERATION
        for person in markers[:2]:
            assert take(person, version, MarkRound.MODERATION) is None
        give(markers[2], attempt, 1, "0.5")
    assert _fresh(attempt).markings[-1].points == 3 + Fraction(3, 2)
    _sound()


def test_at_the_border_a_second_person_marks_and_elsewhere_nobody_does(cast: Cast, markers: list[Person]) -> None:
    version = make_marked_quiz(cast.author, second_marker=SecondMarker.BORDERLINE)
    with clock.frozen(MORNING):
        near, far = sit(cast.learner, version), sit(cast.colleague, version)
        give(markers[0], near, 1, 1)  # 5 of 6: 83.3 %, the mark is 80 %
        give(markers[0], far, 0, 1)
        assert find_answer(near).round is MarkRound.SECOND
        assert _fresh(far).state is AttemptState.RELEASED
        give(markers[1], near, 1, 1)
    assert _fresh(near).state is AttemptState.RELEASED
    _sound()


_shares = st.fractions(min_value=0, max_value=1, max_denominator=12)
_given = st.builds(
    Given,
    st.integers(1, 9).map(Fraction),
    st.one_of(st.none(), _shares),
    st.one_of(st.none(), _shares),
    st.one_of(st.none(), _shares),
)


@given(
    answers=st.dictionaries(st.integers(1, 4), _given, min_size=1),
    second=st.sampled_from([NONE, BORDERLINE, ALL]),
    above=_shares,
    at_border=st.sets(st.integers(1, 4)),
)
def test_whatever_waits_for_nothing_has_points_and_only_then(
    answers: dict[int, Given], second: str, above: Fraction, at_border: set[int]
) -> None:
    due = rules.rounds_due(answers, policy=Policy(second, above), at_border=at_border)
    for key, given_ in answers.items():
        if due[key] == FIRST:
            assert given_.first is None
        if due[key] == SECOND:
            assert given_.first is not None
            assert given_.second is None
        if due[key] == MODERATION:
            assert rules.agreed(given_, above) is None
        if due[key] is None:
            assert rules.agreed(given_, above) is not None
    agreed = [rules.agreed(each, above) for each in answers.values()]
    assert all(0 <= each <= 1 for each in agreed if each is not None)


# --- how far two persons agree -----------------------------------------------------------------


def _pairs(pairs: list[tuple[int, int]], most: int) -> list[Given]:
    return [Given(Fraction(most), Fraction(x), Fraction(y)) for x, y in pairs]


def test_kappa_is_that_of_a_table_of_classes() -> None:
    pairs = [(0, 0), (1, 1), (2, 2), (3, 3), (0, 1), (1, 0), (2, 3), (3, 2), (1, 2), (2, 2), (0, 0), (3, 3)]
    n = len(pairs)
    # Cohen 1968, by the table of classes: 1 - sum(w * observed) / sum(w * expected), with squared weights.
    observed = sum((x - y) ** 2 for x, y in pairs) / n
    expected = sum((x - y) ** 2 for x, _a in pairs for _b, y in pairs) / n**2
    figures = rules.agreement(_pairs(pairs, 3), Fraction(1, 5))
    assert figures.n == 12
    assert figures.kappa == pytest.approx(1 - observed / expected, abs=1e-12)
    assert figures.mean_difference == pytest.approx(1 / 36)
    assert figures.apart == 5


def test_full_agreement_is_one_and_too_few_answers_say_nothing() -> None:
    assert rules.agreement(_pairs([(n % 4, n % 4) for n in range(10)], 3), Fraction(0)).kappa == 1
    few = rules.agreement(_pairs([(n % 4, n % 4) for n in range(9)], 3), Fraction(0))
    assert (few.n, few.kappa, few.mean_difference) == (9, None, None)
    # Where both always give the same points to everybody, chance would agree as well.
    assert rules.agreement(_pairs([(2, 2)] * 10, 3), Fraction(0)).kappa is None


def test_the_interval_is_that_of_student() -> None:
    differences = [0, 0, 1, 1, -1, 2, 0, 1, 0, 1]
    figures = rules.agreement(_pairs([(1, 1 + each) for each in differences], 10), Fraction(1))
    mean = sum(differences) / 100
    spread = (sum((each / 10 - mean) ** 2 for each in differences) / 9) ** 0.5
    assert figures.high is not None
    assert figures.high - mean == pytest.approx(2.2622 * spread / 10**0.5, rel=2e-3)


def test_the_second_submission_changes_nothing_while_an_attempt_waits(cast: Cast, markers: list[Person]) -> None:
    version = make_marked_quiz(cast.author)
    with clock.frozen(MORNING):
        attempt = sit(cast.learner, version)
        code = find_answer(attempt).code
        with own_transaction():
            submit_attempt(attempt=attempt, person=cast.learner)
    assert find_answer(attempt).code == code


# --- the terms ---------------------------------------------------------------------------------


def test_terms_that_say_nothing_of_second_markers_keep_the_hash_that_they_had() -> None:
    stored = "29962529e49e1444449ed1f98f49fd6b823551d9d1c5c1726a35c5c2fb6bb555"
    assert sha256(canonical_json(make_terms().data()).encode()).hexdigest() == stored
    for changed in ({"second_marker": SecondMarker.ALL}, {"moderation_above": Fraction(1, 10)}):
        assert sha256(canonical_json(make_terms(**changed).data()).encode()).hexdigest() != stored


@pytest.mark.parametrize(
    ("lines", "second", "above"),
    [
        ("", SecondMarker.NONE, None),
        ('second_marker = "all"\n', SecondMarker.ALL, None),
        ('second_marker = "borderline"\nmoderation_above = "12.5%"\n', SecondMarker.BORDERLINE, Fraction(1, 8)),
    ],
)
def test_a_quiz_file_says_whose_answers_a_second_person_marks(
    lines: str, second: SecondMarker, above: Fraction | None
) -> None:
    written = quiz_toml.render(QuizFile(make_terms(second_marker=second, moderation_above=above), "a@portal.example"))
    assert all(line in written for line in lines.splitlines())
    assert ("second_marker" in written, "moderation_above" in written) == (bool(lines), above is not None)
    file = ContentFile("quizzes/impersonation.toml", written)
    read = quiz_toml.parse(ContentFolder({file.path: file}), file)
    assert read is not None
    assert (read.terms.second_marker, read.terms.moderation_above) == (second, above)


@pytest.mark.parametrize("line", ['second_marker = "some"', "second_marker = 1", 'moderation_above = "120%"'])
def test_what_a_quiz_file_says_wrongly_of_second_markers_is_told(line: str) -> None:
    written = quiz_toml.render(QuizFile(make_terms(), "a@portal.example"))
    file = ContentFile("quizzes/impersonation.toml", f"{line}\n{written}")
    folder = ContentFolder({file.path: file})
    assert quiz_toml.parse(folder, file) is None
    assert [finding.line for finding in folder.findings] == [1]

"""How a quiz is taken: one question at a time, forward only, with breaks, agreed time, late answers and practice."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from hashlib import sha256
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st
from sqlalchemy import func, select

from portal.accounts.models import Role
from portal.accounts.service.accommodations import approve_accommodation
from portal.core import clock, jobs
from portal.core.content import ContentFile, ContentFolder
from portal.core.db import canonical_json, session
from portal.core.transaction import own_transaction
from portal.library.models import AudienceKind
from portal.quizzes import errors, invariants, queries, rules
from portal.quizzes.formats import quiz_toml
from portal.quizzes.formats.markdown import BankQuestion
from portal.quizzes.formats.quiz_toml import QuizFile
from portal.quizzes.models import (
    Attempt,
    Confidence,
    EventKind,
    Layout,
    Navigation,
    PracticeAnswer,
    Release,
    Response,
)
from portal.quizzes.queries import supervision
from portal.quizzes.queries.practice import address_of
from portal.quizzes.rules import Candidate, Draw, taking
from portal.quizzes.service import attempts as service
from portal.quizzes.service import practice
from portal.quizzes.service.attempts import Outcome
from portal.quizzes.service.banks import terms_of_version
from portal.quizzes.service.marking import release_by_hand
from tests.builders import MORNING, Cast, make_grant
from tests.library.builders import make_published
from tests.queries import counted_queries
from tests.quizzes.builders import (
    KINDS,
    answer,
    answer_all,
    at,
    begin,
    make_accommodation,
    make_bank,
    make_content,
    make_quiz,
    make_terms,
    right_answer,
    wrong_answer,
)

FORWARD: dict[str, Any] = {"navigation": Navigation.FORWARD_ONLY, "layout": Layout.ONE_PER_PAGE}


def _fresh(attempt: Attempt) -> Attempt:
    session.rollback()
    session.expire_all()
    return queries.get_attempt(attempt.code)


def _broken(minutes: float = 60) -> list[str]:
    session.rollback()
    session.expire_all()
    with clock.frozen(at(minutes=minutes)):
        return [line for check in invariants.INVARIANTS.values() for line in check()]


def _kinds(attempt: Attempt) -> list[EventKind]:
    return [event.kind for event in queries.list_events(_fresh(attempt))]


# --- terms -------------------------------------------------------------------------------------


def _read(text: str) -> tuple[QuizFile | None, list[str]]:
    file = ContentFile("quizzes/check.toml", text)
    folder = ContentFolder({file.path: file})
    return quiz_toml.parse(folder, file), [f"{each.line}: {each.message}" for each in folder.findings]


@pytest.mark.any_database
def test_terms_without_a_choice_of_how_it_is_taken_keep_the_hash_they_had() -> None:
    digest = sha256(canonical_json(make_terms().data()).encode()).hexdigest()
    assert digest == "29962529e49e1444449ed1f98f49fd6b823551d9d1c5c1726a35c5c2fb6bb555"
    assert "navigation" not in quiz_toml.render(QuizFile(make_terms(), "a@portal.example"))


@pytest.mark.any_database
def test_how_a_quiz_is_taken_is_written_and_read_again() -> None:
    terms = make_terms(**FORWARD, confidence=True, practice=True, only_assigned=True)
    text = quiz_toml.render(QuizFile(terms, "a@portal.example"))
    for line in (
        'navigation = "forward_only"',
        'layout = "one_per_page"',
        "confidence = true",
        "practice = true",
        "only_assigned = true",
    ):
        assert line in text
    found, findings = _read(text)
    assert findings == []
    assert found is not None
    assert found.terms == terms


@pytest.mark.any_database
@pytest.mark.parametrize("wrong", ['navigation = "forward_only"', 'layout = "two"', "confidence = 1", "navigation = 3"])
def test_a_course_that_does_not_exist_is_refused_with_its_line(wrong: str) -> None:
    text = quiz_toml.render(QuizFile(make_terms(), "a@portal.example"))
    found, findings = _read(f"{wrong}\n{text}")
    assert found is None
    assert findings[0].startswith("1: ")


def test_what_a_version_says_of_how_it_is_taken_comes_back_from_the_database(cast: Cast) -> None:
    for number, terms in enumerate((make_terms(), make_terms(**FORWARD, confidence=True, practice=True))):
        version = make_quiz(cast.author, **{**{f: getattr(terms, f) for f in ("navigation", "layout", "confidence")},
                                            "practice": terms.practice, "number": f"1.{number}"})  # fmt: skip
        session.expire_all()
        assert terms_of_version(version).taking() == terms.taking()
    plain = queries.get_quiz("impersonation").quiz.versions[0]
    assert (plain.navigation, plain.layout, plain.confidence, plain.practice) == (None, None, None, None)


# --- forward only ------------------------------------------------------------------------------


def test_a_question_that_was_left_cannot_be_changed_and_none_is_answered_ahead(cast: Cast) -> None:
    attempt = begin(cast.learner, make_quiz(cast.author, **FORWARD))
    assert answer(attempt, 1, right_answer(attempt, 1)).outcome is Outcome.SAVED
    assert answer(attempt, 2, right_answer(attempt, 2)).outcome is Outcome.AHEAD
    with own_transaction():
        service.move_on(attempt=attempt, position=1)
    assert answer(attempt, 1, wrong_answer(attempt, 1), seq=2).outcome is Outcome.LEFT
    assert answer(attempt, 2, right_answer(attempt, 2), idem_key="again").outcome is Outcome.SAVED
    with own_transaction():
        page = service.save_page(
            attempt=attempt, person=cast.learner, form_key="f", answers={1: (9, wrong_answer(attempt, 1))}
        )
    assert page.left == [1]
    assert queries.list_items(attempt)[0].response.seq == 1  # type: ignore[union-attr]
    assert _broken(5) == []


def test_going_on_twice_goes_on_once_and_never_beyond_the_last_question(cast: Cast) -> None:
    attempt = begin(cast.learner, make_quiz(cast.author, **FORWARD))
    for position in (1, 1, 1, 2, 3, 4, 4):
        with own_transaction():
            service.move_on(attempt=attempt, position=position)
    assert _fresh(attempt).reached == 4
    assert _kinds(attempt).count(EventKind.MOVED_ON) == 3


def test_where_one_is_free_nothing_is_ever_left(cast: Cast) -> None:
    attempt = begin(cast.learner, make_quiz(cast.author, layout=Layout.ONE_PER_PAGE))
    with own_transaction():
        service.move_on(attempt=attempt, position=1)
    assert _fresh(attempt).reached is None
    answer_all(attempt)
    assert answer(attempt, 1, wrong_answer(attempt, 1), seq=2).outcome is Outcome.SAVED


# --- confidence --------------------------------------------------------------------------------


def test_how_sure_she_is_is_kept_with_the_answer_and_never_counts(cast: Cast) -> None:
    attempt = begin(cast.learner, make_quiz(cast.author, confidence=True))
    answer(attempt, 1, right_answer(attempt, 1), confidence=Confidence.GUESS)
    saved = answer(attempt, 1, right_answer(attempt, 1), seq=2, confidence=Confidence.SURE)
    assert (saved.outcome, saved.confidence) == (Outcome.SAVED, Confidence.SURE)
    with pytest.raises(errors.KeyReused):
        answer(attempt, 1, right_answer(attempt, 1), seq=2, confidence=Confidence.FAIRLY)
    assert session.scalar(select(Response.confidence)) is Confidence.SURE
    assert _broken(5) == []
    session.execute(Response.__table__.update().values(confidence="guess"))
    session.commit()
    assert any("not what was saved last" in line for line in _broken(5))


@pytest.mark.any_database
@for_all(
    st.lists(
        st.tuples(st.sampled_from([None, "sure", "fairly", "guess"]), st.integers(0, 6), st.integers(1, 6)).map(
            lambda each: (each[0], Fraction(min(each[1], each[2])), Fraction(each[2]))
        ),
        max_size=12,
    )
)
def test_calibration_counts_every_rated_answer_once_and_stays_within_bounds(
    answers: list[tuple[str | None, Fraction, Fraction]],
) -> None:
    found = taking.calibration(answers, list(Confidence))
    assert sum(each.n for each in found) == sum(rating is not None for rating, _points, _most in answers)
    assert all(0 <= each.earned <= 1 for each in found)
    assert found == taking.calibration(list(reversed(answers)), list(Confidence))


# --- breaks and agreed time --------------------------------------------------------------------


def _pause(attempt: Attempt, begin_at: float, end_at: float | None) -> None:
    with clock.frozen(at(minutes=begin_at)), own_transaction():
        service.begin_break(attempt=attempt, person=attempt.person)
    if end_at is not None:
        with clock.frozen(at(minutes=end_at)), own_transaction():
            service.end_break(attempt=attempt, person=attempt.person)


def test_a_break_stops_the_clock_for_as_long_as_it_is_used_and_no_longer_than_agreed(cast: Cast) -> None:
    make_accommodation(cast.learner, Fraction(1), break_minutes=10)
    with clock.frozen(MORNING):
        attempt = begin(cast.learner, make_quiz(cast.author, closes_at=at(minutes=15)))
    _pause(attempt, 2, 6)
    assert _fresh(attempt).deadline_at == at(minutes=19)
    _pause(attempt, 8, None)
    assert _fresh(attempt).deadline_at == at(minutes=25)
    with clock.frozen(at(minutes=9)):
        assert answer(attempt, 1, right_answer(attempt, 1)).outcome is Outcome.ON_BREAK
    # Nobody ended it: it is over when nothing is left of it.
    with clock.frozen(at(minutes=14.5)):
        assert answer(attempt, 1, right_answer(attempt, 1)).outcome is Outcome.SAVED
        with pytest.raises(errors.NoBreaks), own_transaction():
            service.begin_break(attempt=attempt, person=cast.learner)
    assert _fresh(attempt).break_seconds == 600
    assert _broken(20) == []


def test_without_an_agreement_there_is_no_break(cast: Cast) -> None:
    attempt = begin(cast.learner, make_quiz(cast.author))
    with pytest.raises(errors.NoBreaks), own_transaction():
        service.begin_break(attempt=attempt, person=cast.learner)


@pytest.mark.any_database
@for_all(st.integers(1, 600), st.lists(st.tuples(st.integers(0, 300), st.integers(0, 900)), max_size=6))
def test_breaks_never_add_up_to_more_than_was_agreed(allowance: int, breaks: list[tuple[int, int]]) -> None:
    taken, now = 0, MORNING
    for pause, length in breaks:
        now += timedelta(seconds=pause)
        left = taking.seconds_left(allowance, taken)
        if not left:
            continue
        until = rules.after(now, left)
        now += timedelta(seconds=length)
        taken = allowance - taking.unused_seconds(until, now)
        assert 0 <= taken <= allowance


def test_what_is_agreed_while_an_attempt_runs_holds_for_it_at_once_and_only_lengthens_it(cast: Cast) -> None:
    with clock.frozen(MORNING):
        attempt = begin(cast.learner, make_quiz(cast.author, closes_at=at(minutes=20)))
    for factor, end in ((Fraction(2), 30), (Fraction(1), 30), (Fraction(3), 45)):
        with clock.frozen(at(minutes=5)), own_transaction():
            approve_accommodation(
                person=cast.learner, multiplier=factor, hide_countdown=True, break_minutes=5,
                valid_from=MORNING.date(), valid_until=None, by=cast.admin,
            )  # fmt: skip
        assert _fresh(attempt).deadline_at == at(minutes=end)
    assert (_fresh(attempt).hide_countdown, _fresh(attempt).break_allowance_seconds) == (True, 300)
    assert _broken(20) == []


def test_agreed_time_that_begins_during_an_attempt_counts_from_then_also_for_a_late_answer(cast: Cast) -> None:
    late = at(minutes=14 * 60 + 20)
    assert clock.local_date(late, cast.learner.time_zone) == MORNING.date()
    midnight = late + timedelta(minutes=10)
    make_accommodation(cast.learner, Fraction(2), valid_from=clock.local_date(midnight, cast.learner.time_zone))
    with clock.frozen(late):
        attempt = begin(cast.learner, make_quiz(cast.author))
    assert attempt.deadline_at == late + timedelta(minutes=15)
    with clock.frozen(late + timedelta(minutes=16)):
        assert answer(attempt, 1, right_answer(attempt, 1)).outcome is Outcome.SAVED
        jobs.run_periodic("quizzes.accommodate")
    assert _fresh(attempt).deadline_at == late + timedelta(minutes=30)


# --- late answers ------------------------------------------------------------------------------


def _late(cast: Cast, **values: Any) -> Attempt:
    with clock.frozen(MORNING):
        attempt = begin(cast.learner, make_quiz(cast.author, release=Release.BY_HAND, **values))
        answer(attempt, 1, right_answer(attempt, 1))
    with clock.frozen(at(minutes=16)):
        assert answer(attempt, 2, right_answer(attempt, 2)).outcome is Outcome.LATE
        assert answer(attempt, 3, right_answer(attempt, 3)).outcome is Outcome.LATE
        # The same again is no second answer.
        assert answer(attempt, 3, right_answer(attempt, 3), seq=2).outcome is Outcome.CLOSED
    return _fresh(attempt)


def _accept(attempt: Attempt, place: int, cast: Cast) -> None:
    refused = supervision.list_refused(attempt)[place]
    with own_transaction():
        service.accept_refused(attempt=attempt, refused=refused, reason="the line was cut", by=cast.lead)


def test_a_late_answer_is_kept_as_it_came_with_how_late_it_was(cast: Cast) -> None:
    attempt = _late(cast)
    kept = supervision.list_refused(attempt)
    assert [(each.item.position, each.late_seconds) for each in kept] == [(2, 60), (3, 60)]
    assert attempt.markings[-1].points == queries.list_items(attempt)[0].max_points
    assert _kinds(attempt).count(EventKind.REFUSED) == 2
    assert _broken() == []


def test_an_accepted_answer_counts_and_the_attempt_is_marked_anew(cast: Cast) -> None:
    attempt = _late(cast)
    before = attempt.markings[-1].points
    _accept(attempt, 0, cast)
    with pytest.raises(errors.AlreadyAccepted):
        _accept(attempt, 0, cast)
    attempt = _fresh(attempt)
    assert [each.marking_no for each in attempt.markings] == [1, 2]
    assert attempt.markings[-1].points == before + queries.list_items(attempt)[1].max_points
    assert _kinds(attempt).count(EventKind.ACCEPTED) == 1
    assert _broken() == []


def test_after_its_release_no_late_answer_is_accepted(cast: Cast) -> None:
    attempt = _late(cast)
    with own_transaction():
        release_by_hand(quiz=attempt.quiz_version.quiz, by=cast.admin)
    with pytest.raises(errors.ResultIsOut):
        _accept(attempt, 0, cast)


def test_what_comes_after_the_learner_has_handed_in_is_not_kept(cast: Cast) -> None:
    with clock.frozen(MORNING):
        attempt = begin(cast.learner, make_quiz(cast.author))
        with own_transaction():
            service.submit_attempt(attempt=attempt, person=cast.learner)
    with clock.frozen(at(minutes=16)):
        assert answer(attempt, 1, right_answer(attempt, 1)).outcome is Outcome.CLOSED
    assert supervision.list_refused(attempt) == []


@pytest.mark.parametrize(
    ("breakage", "said"),
    [
        ("UPDATE refused_answers SET answer = '{}'", "has been changed"),
        ("UPDATE refused_answers SET late_seconds = 1", "not as late as it says"),
        ("UPDATE refused_answers SET seq = 7", "that nobody has sent"),
        ("UPDATE refused_answers SET accepted_at = received_at, accepted_by = 'x', reason = 'x'", "what became of"),
    ],
)
def test_a_late_answer_that_was_meddled_with_is_found(cast: Cast, breakage: str, said: str) -> None:
    _late(cast)
    session.connection().exec_driver_sql(breakage)
    session.commit()
    assert any(said in line for line in _broken())


def test_a_course_or_break_that_was_meddled_with_is_found(cast: Cast) -> None:
    make_accommodation(cast.learner, Fraction(1), break_minutes=10)
    with clock.frozen(MORNING):
        attempt = begin(cast.learner, make_quiz(cast.author, **FORWARD))
    _pause(attempt, 1, 3)
    assert _broken(5) == []
    for change, said in (("reached = 2", "is at question 2"), ("break_seconds = 60", "its breaks are said to be")):
        session.connection().exec_driver_sql(f"UPDATE attempts SET {change}")
        session.commit()
        assert any(said in line for line in _broken(5))


# --- the live list -----------------------------------------------------------------------------


def test_the_live_list_names_those_within_reach_and_takes_few_statements(cast: Cast, as_: Any) -> None:
    make_grant(cast.lead, Role.LEAD)
    version = make_quiz(cast.author)
    counts = []
    for people in ((cast.learner,), (cast.colleague, cast.outsider, cast.approver)):
        for person in people:
            begin(person, version)
        session.expire_all()
        with counted_queries() as statements:
            page = as_(cast.lead).get("quizzes.live", slug="impersonation")
        counts.append(len(statements))
        assert all(person.name_in("en") in page.text for person in people)
    assert counts[0] == counts[1] <= 15


# --- practice ----------------------------------------------------------------------------------


def _practice(cast: Cast, **values: Any) -> None:
    questions = tuple(
        BankQuestion(
            f"imp-{number:03d}",
            make_content(number, KINDS[number % 4], tags=("practice",) if number < 3 else ("fans",)),
        )
        for number in range(10)
    )
    make_bank(cast.author, questions=questions)
    make_quiz(cast.author, bank=False, practice=True, **values)


def _practise(cast: Cast) -> PracticeAnswer:
    with own_transaction():
        row = practice.show_next(version=queries.get_quiz("impersonation"), person=cast.learner)
        practice.answer_practice(row=row, person=cast.learner, given={})
    return row


def test_practice_shows_only_open_questions_each_before_any_twice_and_no_attempt_draws_them(cast: Cast) -> None:
    _practice(cast)
    assert sorted(address_of(_practise(cast)) for _round in range(3)) == [
        f"impersonation/imp-{number:03d}" for number in range(3)
    ]
    attempt = begin(cast.learner, queries.get_quiz("impersonation"))
    drawn = queries.addresses_of(attempt)
    assert not drawn & {f"impersonation/imp-{number:03d}" for number in range(3)}
    assert session.scalar(select(func.count()).select_from(PracticeAnswer)) == 3
    assert session.scalar(select(func.count()).select_from(Attempt)) == 1


@pytest.mark.parametrize(
    "line",
    [
        {"questions": ["impersonation/imp-004"]},
        {"bank": "impersonation", "count": 1, "tags": ["fans"]},
        {"bank": "impersonation", "count": 1, "types": ["multiple_choice"]},
    ],
)
def test_what_draws_ask_for_does_not_narrow_what_is_practised(cast: Cast, line: dict[str, Any]) -> None:
    _practice(cast, blueprint=[line])
    assert practice.offers_practice(queries.get_quiz("impersonation"), cast.learner)
    assert sorted(address_of(_practise(cast)) for _round in range(3)) == [
        f"impersonation/imp-{number:03d}" for number in range(3)
    ]


def test_nobody_practises_what_is_about_a_document_that_she_may_not_read(cast: Cast) -> None:
    make_published(cast.author, "impersonation")
    make_published(cast.author, "closed", audience={AudienceKind.MARKET: ["US"]})
    questions = (
        BankQuestion("imp-000", make_content(0)),
        BankQuestion("imp-001", make_content(1, tags=("practice",))),
        BankQuestion("imp-002", make_content(2, tags=("practice",), clauses=("closed#fan-accounts",))),
    )
    make_bank(cast.author, questions=questions)
    make_quiz(cast.author, bank=False, practice=True, blueprint=[{"questions": ["impersonation/imp-000"]}])
    assert {address_of(_practise(cast)) for _round in range(3)} == {"impersonation/imp-001"}


def test_practice_never_asks_the_same_question_twice_in_a_row_where_there_is_another(cast: Cast) -> None:
    _practice(cast)
    asked = [address_of(_practise(cast)) for _round in range(15)]
    assert all(before != after for before, after in pairwise(asked))
    assert [asked.count(each) for each in set(asked)] == [5, 5, 5]


def test_a_question_of_a_running_attempt_is_neither_shown_nor_explained_in_practice(cast: Cast) -> None:
    _practice(cast)
    with own_transaction():
        row = practice.show_next(version=queries.get_quiz("impersonation"), person=cast.learner)
    # Another quiz of the same bank asks for the tag, so it may draw them.
    other = make_quiz(
        cast.author, "other", bank=False, blueprint=[{"bank": "impersonation", "count": 3, "tags": ["practice"]}]
    )
    begin(cast.learner, other)
    with pytest.raises(errors.InAnAttempt), own_transaction():
        practice.answer_practice(row=row, person=cast.learner, given={})
    with pytest.raises(errors.NothingToPractise), own_transaction():
        practice.show_next(version=queries.get_quiz("impersonation"), person=cast.learner)


def test_a_quiz_without_open_questions_has_no_practice(cast: Cast) -> None:
    version = make_quiz(cast.author, practice=True)
    assert not practice.offers_practice(version)
    with pytest.raises(errors.NoPractice), own_transaction():
        practice.show_next(version=version, person=cast.learner)


@pytest.mark.any_database
@for_all(
    st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(1, 5)), max_size=12),
    st.booleans(),
)
def test_what_is_practised_and_what_is_drawn_have_nothing_in_common(
    questions: list[tuple[bool, bool, int]], names_one: bool
) -> None:
    pool = [
        Candidate(f"b/{n}", "b", "case", frozenset({"practice"} if is_open else set()) | ({"x"} if tagged else set()),
                  difficulty=level)
        for n, (is_open, tagged, level) in enumerate(questions)
    ]  # fmt: skip
    blueprint = [Draw("b", 2, difficulty=(1, 2, 3)), Draw("b", 1, tags=("x",))]
    blueprint += [Draw(questions=("b/0",))] if names_one else []
    practised = set(taking.open_for_practice(blueprint, pool))
    assert not practised & {each.address for each in pool if any(line.takes(each) for line in blueprint)}
    assert all("practice" in each.tags for each in pool if each.address in practised)

"""What results make happen by themselves: quarantine, a translation to review, a question that draws spare."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, insert, select, text, update

from portal.accounts.models import Person
from portal.accounts.service.ownership import set_owner
from portal.core import clock, jobs, mail
from portal.core.db import session
from portal.core.i18n import Words
from portal.core.jobs import Job
from portal.core.transaction import own_transaction
from portal.quizzes import emails, errors, handlers, invariants, queries
from portal.quizzes.models import (
    FlagKind,
    Question,
    QuestionFlag,
    QuestionState,
    QuestionStep,
    QuizVersion,
    Release,
    ResultsWatch,
)
from portal.quizzes.queries import flags as looked_up
from portal.quizzes.queries import pool
from portal.quizzes.rules import triggers
from portal.quizzes.rules.statistics import Difference
from portal.quizzes.rules.triggers import Before
from portal.quizzes.service import attempts, drawing, editing, flags, lifecycle
from portal.quizzes.service.attempts import submit_attempt
from portal.quizzes.service.editing import Change
from portal.quizzes.service.regrades import what_if_void
from tests.beginnings import beginning
from tests.builders import Cast, make_person
from tests.queries import counted_queries
from tests.quizzes.builders import ONE_OF_EACH, answer, begin, make_bank, make_quiz, right_answer, wrong_answer
from tests.quizzes.crowd import at_once

NEGATIVE, GAP, EXPOSED = FlagKind


def sit(person: Person, version: QuizVersion, right: Collection[int]) -> None:
    """Hand in an attempt in which the questions at these places, and no other, are right."""
    attempt = begin(person, version)
    for position in range(1, queries.count_items(attempt) + 1):
        answer(attempt, position, (right_answer if position in right else wrong_answer)(attempt, position))
    with own_transaction():
        submit_attempt(attempt=attempt, person=person)


@pytest.fixture
@beginning
def version(cast: Cast) -> QuizVersion:
    made = make_quiz(
        cast.author, blueprint=ONE_OF_EACH, shuffle_questions=False, attempts_allowed=5, wait_hours=0,
        pass_mark=Fraction(9, 10),
    )  # fmt: skip
    with own_transaction():
        set_owner(kind="question_bank", code="impersonation", owner=cast.approver, deputy=None, by=cast.admin)
    return made


Seat = Callable[[int, Callable[[int], Collection[int]], str], None]


def backwards(number: int) -> Collection[int]:
    """Let most of those who do well elsewhere have the first question wrong."""
    return ((1,), (2, 3, 4), (1, 2), (2, 3, 4), (1,), (1, 2, 3, 4))[number % 6]


@pytest.fixture
def seat(version: QuizVersion) -> Seat:
    """Let so many new people sit the quiz, each with what is right by her number."""
    seated = 0

    def more(people: int, right: Callable[[int], Collection[int]], language: str = "en") -> None:
        nonlocal seated
        if right is backwards and not seated:
            seat_backwards(version=version, people=people)
        else:
            fill(version, people, right, language, after=seated)
        seated += people

    return more  # type: ignore[return-value]


def fill(
    version: QuizVersion, people: int, right: Callable[[int], Collection[int]], language: str = "en", after: int = 0
) -> None:
    """Let so many new people sit the quiz, their numbers after those who did before."""
    for number in range(people):
        taker = make_person(f"taker{after + number + 1}@portal.example", language=language)
        sit(taker, version, right(number))


@beginning
def seat_backwards(version: QuizVersion, people: int) -> None:
    """Let the first who sit the quiz do so backwards, which many tests begin with."""
    fill(version, people, backwards)


def look(version: QuizVersion) -> list[QuestionFlag]:
    """Look at the results, and do what follows."""
    session.rollback()
    seen = flags.look_at_results(version.quiz_id)
    if seen is None:
        return []
    with own_transaction():
        return flags.follow(seen)


def question(slug: str = "imp-000") -> Question:
    session.rollback()
    session.expire_all()
    return queries.get_question("impersonation", slug)


def step(to: str, by: Person, slug: str = "imp-000", reason: str = "") -> None:
    with own_transaction():
        lifecycle.take_step(question=question(slug), to=to, by=by, reason=reason)


def flagged(slug: str = "imp-000") -> list[QuestionFlag]:
    return looked_up.list_flags_of([question(slug).id]).get(question(slug).id, [])


def expose(version: QuizVersion, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    monkeypatch.setattr(triggers, "MOST_SHOWN", most)


# --- when something is pointed out -------------------------------------------------------------


@pytest.mark.parametrize(
    ("discrimination", "n", "before", "expected"),
    [
        (-0.01, 30, None, True),
        (-0.9, 29, None, False),
        (0.0, 300, None, False),
        (-1e-15, 300, None, False),
        (None, 300, None, False),
        (-0.5, 59, Before(30, -0.5), False),
        (-0.5, 60, Before(30, -0.5), True),
    ],
)
def test_a_negative_discrimination_counts_from_thirty_people_on_and_again_after_thirty_more(
    discrimination: float | None, n: int, before: Before | None, expected: bool
) -> None:
    assert triggers.discriminates_negatively(discrimination, n, before) is expected


@pytest.mark.parametrize(
    ("sizes", "facilities", "p", "before", "expected"),
    [
        ((10, 10), (0.5, 0.66), 0.04, None, True),
        ((9, 100), (0.5, 0.9), 0.001, None, False),
        ((100, 100), (0.5, 0.65), 0.001, None, False),
        ((100, 100), (0.5, 0.9), 0.05, None, False),
        ((100, 100), (0.5, 0.9), None, None, False),
        ((100, 100), (0.5, 0.9), 0.001, Before(200, -0.38), False),
        ((100, 100), (0.5, 0.9), 0.001, Before(200, -0.34), True),
        ((100, 100), (0.5, 0.9), 0.001, Before(200, 0.38), True),
    ],
)
def test_the_languages_differ_where_chance_hardly_explains_it_and_again_when_the_difference_moves(
    sizes: tuple[int, int], facilities: tuple[float, float], p: float | None, before: Before | None, expected: bool
) -> None:
    assert triggers.needs_translation_review(Difference(sizes, facilities, p), before) is expected


def test_a_question_is_worn_when_it_was_shown_more_than_two_hundred_times() -> None:
    assert not triggers.is_overexposed(200)
    assert triggers.is_overexposed(201)


# --- negative discrimination -------------------------------------------------------------------


def test_below_thirty_people_nothing_follows(cast: Cast, version: QuizVersion, seat: Seat) -> None:
    seat(29, backwards)
    assert look(version) == []
    assert question().state is QuestionState.LIVE


def test_a_question_that_the_able_get_wrong_is_quarantined_and_its_owner_told(
    cast: Cast, version: QuizVersion, seat: Seat
) -> None:
    running = begin(cast.learner, version)
    seat(30, backwards)
    (flag,) = look(version)
    assert (flag.kind, flag.n, flag.quiz_id) == (NEGATIVE, 30, version.quiz_id)
    assert flag.figures["discrimination"] < 0
    assert flag.figures["low"] < flag.figures["discrimination"] < flag.figures["high"]
    row = question()
    assert row.state is QuestionState.QUARANTINED
    last = queries.list_steps(row)[-1]
    assert (last.by, last.after) == (None, QuestionState.QUARANTINED)
    assert last.reason.startswith("r = −")
    assert "n = 30" in last.reason
    # Not drawn any more; who has it keeps it.
    assert "impersonation/imp-000" not in {each.candidate.address for each in pool.list_drawable(["impersonation"])}
    with pytest.raises(errors.TooFewQuestions):
        begin(cast.colleague, version)
    answer(running, 1, right_answer(running, 1))
    with own_transaction():
        submit_attempt(attempt=running, person=cast.learner)
    # The owner has a mail that names the question, and the quiz that goes short.
    (owed,) = session.scalars(select(Job).where(Job.name == "mail.send")).all()
    assert owed.arguments["arguments"]["to"] == cast.approver.code
    session.rollback()
    built = emails.questions_flagged(**owed.arguments["arguments"])
    assert built is not None
    text = mail.render(built).as_string()
    assert built.values["questions"][0]["address"] == "impersonation/imp-000"
    assert text
    # Two things about one question are one question.
    twice = replace(built, language="en", values=built.values | {"questions": built.values["questions"] * 2})
    assert "about 1 question" in str(mail.render(twice)["Subject"])
    assert [found for check in invariants.INVARIANTS.values() for found in check()] == []


def test_the_owner_of_a_quiz_that_goes_short_is_told_as_well(cast: Cast, version: QuizVersion, seat: Seat) -> None:
    with own_transaction():
        set_owner(kind="quiz", code=version.quiz.slug, owner=cast.author, deputy=None, by=cast.admin)
    seat(30, backwards)
    look(version)
    told = {
        row.arguments["arguments"]["to"]: row.arguments["arguments"]
        for row in session.scalars(select(Job).where(Job.name == "mail.send"))
    }
    assert set(told) == {cast.approver.code, cast.author.code}
    assert told[cast.author.code]["quizzes"] == [version.quiz.slug]
    session.rollback()
    built = emails.questions_flagged(**told[cast.author.code])
    assert built is not None
    assert [(each["available"], each["draws"]) for each in built.values["quizzes"]] == [(3, 4)]


def test_the_same_results_are_looked_at_once(cast: Cast, version: QuizVersion, seat: Seat) -> None:
    seat(30, backwards)
    session.rollback()
    first, second = flags.look_at_results(version.quiz_id), flags.look_at_results(version.quiz_id)
    assert first is not None
    assert second is not None
    with own_transaction():
        assert len(flags.follow(first)) == 1
    # Another worker had looked at the same moment.
    with own_transaction():
        assert flags.follow(second) == []
    assert flags.look_at_results(version.quiz_id) is None
    assert looked_up.list_unlooked_ids() == []


def test_who_puts_it_back_says_why_and_it_is_not_taken_out_again_by_the_same_results(
    cast: Cast, version: QuizVersion, seat: Seat, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What the clauses say is not what this is about.
    monkeypatch.setattr(lifecycle, "_approve", lambda _question, wording, *_more, **_values: wording)
    seat(30, backwards)
    (flag,) = look(version)
    with pytest.raises(errors.ReasonMissing):
        step("live", cast.approver)
    with pytest.raises(errors.FlagInQuarantine), own_transaction():
        flags.close_flag(flag=looked_up.get_flag(flag.code), note="Looks fine.", by=cast.author)
    step("live", cast.approver, reason="The key is right; thirty people are few.")
    closed = looked_up.get_flag(flag.code)
    assert (closed.closed_by, closed.note) == (cast.approver.code, "The key is right; thirty people are few.")
    seat(29, backwards)
    assert look(version) == []
    assert question().state is QuestionState.LIVE
    seat(1, backwards)
    (again,) = look(version)
    assert (again.n, question().state) == (60, QuestionState.QUARANTINED)
    assert red() == []


def test_a_new_version_begins_anew_and_old_results_do_not_touch_it(
    cast: Cast, version: QuizVersion, seat: Seat
) -> None:
    seat(30, backwards)
    row = question()
    with own_transaction():
        editing.change_many(
            bank=queries.get_bank("impersonation"),
            numbers={"imp-000": row.in_work},
            change=Change("add_tag", "fresh"),
            by=cast.author,
        )
    assert question().latest == 2
    assert look(version) == []
    assert question().state is QuestionState.LIVE


def test_second_attempts_and_voided_ones_take_nothing_out(cast: Cast) -> None:
    version = make_quiz(
        cast.author, blueprint=ONE_OF_EACH, shuffle_questions=False, release=Release.BY_HAND, attempts_allowed=2,
        wait_hours=0,
    )  # fmt: skip
    for number in range(29):
        sit(make_person(f"taker{number}@portal.example"), version, backwards(number))
    sit(queries.list_unreleased(version.quiz_id)[0].person, version, (2, 3, 4))
    sit(cast.learner, version, (2, 3, 4))
    with own_transaction():
        voided = queries.list_attempts(cast.learner, version.quiz_id)[0]
        attempts.void_attempt(attempt=queries.get_attempt(voided.code), reason="alarm", by=cast.lead)
    assert look(version) == []
    sit(cast.colleague, version, (2, 3, 4))
    assert [flag.n for flag in look(version)] == [30]


def test_retiring_a_question_closes_what_was_pointed_out(cast: Cast, version: QuizVersion, seat: Seat) -> None:
    seat(30, backwards)
    (flag,) = look(version)
    step("retired", cast.author)
    assert looked_up.get_flag(flag.code).closed_by == cast.author.code
    assert looked_up.count_flags() == 0


# --- the languages -----------------------------------------------------------------------------


def gap(seat: Seat, many: int = 12) -> None:
    """Let all who sit it in English have the first question right, and those in Japanese, who are as able, the third.

    Together they are fewer than thirty, so that nothing is quarantined.
    """
    seat(many, lambda number: (1, 2, 4) if number % 2 else (1,), "en")
    seat(many, lambda number: (2, 3, 4) if number % 2 else (3,), "ja")


def test_a_translation_that_is_harder_is_to_be_reviewed_and_stays_drawn(
    cast: Cast, version: QuizVersion, seat: Seat
) -> None:
    gap(seat)
    found = {flag.question.slug: flag for flag in look(version) if flag.kind is GAP}
    assert set(found) == {"imp-000", "imp-002"}
    figures = found["imp-000"].figures
    assert (figures["ja"], figures["en"], figures["gap"], figures["n_ja"], figures["n_en"]) == (0, 1, -1, 12, 12)
    assert figures["p"] < 0.05
    assert -1 <= figures["low"] < figures["high"] < -0.5
    assert question().state is QuestionState.LIVE


def test_a_review_is_closed_with_a_note_by_a_person_once_and_not_asked_for_again(
    cast: Cast, version: QuizVersion, seat: Seat
) -> None:
    gap(seat)
    flag = next(each for each in look(version) if each.question.slug == "imp-000")
    for note in ("", "   ", "x" * 501):
        with pytest.raises(errors.NoteMissing), own_transaction():
            flags.close_flag(flag=looked_up.get_flag(flag.code), note=note, by=cast.author)
    with own_transaction():
        flags.close_flag(flag=looked_up.get_flag(flag.code), note="The Japanese said “may”.", by=cast.author)
    with pytest.raises(errors.FlagClosed), own_transaction():
        flags.close_flag(flag=looked_up.get_flag(flag.code), note="Again.", by=cast.approver)
    gap(seat, 2)
    assert [each for each in look(version) if each.question.slug == "imp-000"] == []


# --- exposure ----------------------------------------------------------------------------------


def test_what_was_shown_too_often_is_spared_by_draws_and_its_author_asked_for_a_successor(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = make_quiz(
        cast.author, blueprint=[{"bank": "impersonation", "count": 4}], attempts_allowed=9, wait_hours=0
    )
    expose(version, monkeypatch, 2)
    for number in range(6):
        sit(make_person(f"taker{number}@portal.example"), version, ())
    raised = look(version)
    assert raised
    assert {flag.kind for flag in raised} == {EXPOSED}
    assert all(flag.n > 2 and flag.quiz_id is None for flag in raised)
    told = {row.arguments["arguments"]["to"] for row in session.scalars(select(Job).where(Job.name == "mail.send"))}
    assert cast.author.code in told
    worn = {f"impersonation/{flag.question.slug}" for flag in raised}
    assert pool.list_worn(pool.list_drawable(["impersonation"])) == worn
    rested = 8 - len(worn)
    for number in range(10):
        session.rollback()
        drawn = {
            f"impersonation/{each.version.question.slug}"
            for each in drawing.draw_questions(version, str(number), frozenset(), None, "en")
        }
        assert len(drawn & worn) == max(0, 4 - rested)
    # Closing the task does not make it less known.
    with own_transaction():
        flags.close_flag(flag=looked_up.get_flag(raised[0].code), note="A successor is in work.", by=cast.author)
    assert pool.list_worn(pool.list_drawable(["impersonation"])) == worn
    sit(make_person("last@portal.example"), version, ())
    assert raised[0].question_id not in {flag.question_id for flag in look(version)}


def test_a_tag_does_not_make_a_known_question_new_but_a_new_wording_does(
    cast: Cast, version: QuizVersion, seat: Seat, monkeypatch: pytest.MonkeyPatch
) -> None:
    expose(version, monkeypatch, 3)
    seat(4, lambda _number: (1,))
    assert {flag.kind for flag in look(version)} == {EXPOSED}

    def worn() -> Collection[str]:
        session.rollback()
        return pool.list_worn(pool.list_drawable(["impersonation"]))

    assert "impersonation/imp-000" in worn()
    bank = queries.get_bank("impersonation")
    with own_transaction():
        editing.change_many(bank=bank, numbers={"imp-000": 1}, change=Change("add_tag", "fresh"), by=cast.author)
    assert question().latest == 2
    assert "impersonation/imp-000" in worn()
    seat(1, lambda _number: (1,))
    assert look(version) == []
    assert looked_up.count_exposures([question().id], 3)[question().id][1] == 5


# --- what the doctor says ----------------------------------------------------------------------

CHECKS = ("flags rest on results", "quarantines by results", "results are looked at")


def red(*statements: Any) -> list[str]:
    """Return what the doctor says of flags once these statements are carried out, and undo them."""
    session.rollback()
    session.expire_all()
    checks = [check for name, check in invariants.INVARIANTS.items() if name.startswith(CHECKS)]
    assert len(checks) == len(CHECKS)
    try:
        for statement in statements:
            session.execute(statement)
        return [said for check in checks for said in check()]
    finally:
        session.rollback()
        session.expire_all()


def of(flag: QuestionFlag, **values: Any) -> Any:
    return update(QuestionFlag).where(QuestionFlag.id == flag.id).values(**values)


def test_a_quarantine_that_its_flag_does_not_bear_out_is_red(cast: Cast, version: QuizVersion, seat: Seat) -> None:
    seat(30, backwards)
    (flag,) = look(version)
    assert red() == []
    figures = dict(flag.figures)
    steps = (QuestionStep.question_id == flag.question_id) & QuestionStep.by.is_(None)
    other = queries.find_latest(queries.get_bank("impersonation"), "imp-001")
    assert other is not None
    for said, statement in (
        ("its figures do not say", of(flag, figures=figures | {"discrimination": 0.2})),
        ("its figures do not say", of(flag, figures={})),
        ("its figures do not say", of(flag, figures=figures | {"low": 0.5})),
        ("rests on 31 results", of(flag, n=31)),
        ("about another wording than it says", of(flag, wording="0" * 64)),
        ("about a wording of another question", of(flag, question_version_id=other[1].id)),
        ("was closed before it was raised",
         of(flag, closed_at=flag.raised_at - timedelta(days=1), closed_by="P1", note="x")),
        ("quarantined otherwise than its flags say", delete(QuestionFlag).where(QuestionFlag.id == flag.id)),
        ("quarantined otherwise than its flags say", delete(QuestionStep).where(steps)),
        ("is drawn although results have taken it out",
         update(Question).where(Question.id == flag.question_id).values(state=QuestionState.LIVE)),
        ("looked at further than there are any", update(ResultsWatch).values(marking_id=10**6)),
    ):  # fmt: skip
        assert any(said in each for each in red(statement)), said


def test_what_results_say_of_languages_and_of_exposure_is_red_where_it_is_not_so(
    cast: Cast, version: QuizVersion, seat: Seat, monkeypatch: pytest.MonkeyPatch
) -> None:
    expose(version, monkeypatch, 20)
    gap(seat)
    by_kind = {flag.kind: flag for flag in look(version)}
    assert red() == []
    of_languages, exposed = by_kind[GAP], by_kind[EXPOSED]
    for said, statement in (
        ("its figures do not say", of(of_languages, figures=dict(of_languages.figures) | {"gap": 0.9})),
        ("its figures do not say", of(of_languages, figures=dict(of_languages.figures) | {"n_en": 13})),
        ("its figures do not say", of(of_languages, figures=dict(of_languages.figures) | {"p": 0.5})),
        ("its figures do not say", of(exposed, figures={"shown": 1})),
        ("rests on 999 results", of(exposed, n=999, figures={"shown": 999})),
    ):
        assert any(said in each for each in red(statement)), said


def test_two_open_flags_of_a_kind_are_red_once_the_index_is_gone(cast: Cast, version: QuizVersion, seat: Seat) -> None:
    seat(30, backwards)
    (flag,) = look(version)
    with own_transaction():
        flags.close_with_step(question(), QuestionState.RETIRED, reason="x", by=cast.author)
    twin = {column.key: getattr(flag, column.key) for column in QuestionFlag.__table__.columns if column.key != "id"}
    twin |= {"closed_at": None, "closed_by": None, "note": None}
    said = red(
        text("DROP INDEX uq_question_flags_open"),
        of(flag, closed_at=None, closed_by=None, note=None),
        insert(QuestionFlag).values(**twin | {"code": "TWIN"}),
    )
    assert any("has several open flags: negative_discrimination" in each for each in said)


@pytest.mark.any_database
def test_no_file_puts_back_what_results_have_taken_out_unless_it_words_it_anew(
    cast: Cast, version: QuizVersion, seat: Seat
) -> None:
    seat(30, backwards)
    look(version)
    revision = queries.get_bank("impersonation").revision
    as_it_was = make_bank(cast.author, revision=revision)
    assert question().state is QuestionState.QUARANTINED
    tagged = [replace(each, content=replace(each.content, tags=("fresh",))) for each in as_it_was.questions]
    make_bank(cast.author, revision=revision, questions=tuple(tagged))
    assert question().state is QuestionState.QUARANTINED
    assert red() == []
    new = Words("Which, then?", "では、どれですか。")
    reworded = [replace(each, content=replace(each.content, stem=new)) for each in tagged]
    make_bank(cast.author, revision=revision, questions=tuple(reworded))
    assert question().state is QuestionState.LIVE
    assert red() == []


# --- how it comes about ------------------------------------------------------------------------


def test_results_are_looked_at_by_the_clock_and_soon_after_a_release(
    cast: Cast, version: QuizVersion, seat: Seat
) -> None:
    seat(30, backwards)
    owed = list(session.scalars(select(Job).where(Job.name == flags.JOB)))
    # Not once for each of the thirty.
    assert 1 <= len(owed) <= 3
    assert all(row.arguments == {"quiz_id": version.quiz_id} for row in owed)
    session.rollback()
    with clock.frozen(clock.now() + timedelta(minutes=2)):
        jobs.run_due()
    assert question().state is QuestionState.QUARANTINED
    seat_of = session.get_one(ResultsWatch, version.quiz_id)
    assert seat_of.marking_id == looked_up.newest_marking(version.quiz_id)


def test_the_regular_look_finds_what_no_release_has_announced(
    app: Flask, cast: Cast, version: QuizVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flags, "owe_look", lambda _quiz_id: None)
    fill(version, 30, backwards)
    session.rollback()
    jobs.run_periodic("quizzes.watch_results")
    assert question().state is QuestionState.QUARANTINED
    assert handlers.watch_results


def test_results_that_wait_for_their_release_count_as_they_do_on_the_page(cast: Cast) -> None:
    version = make_quiz(
        cast.author, blueprint=ONE_OF_EACH, shuffle_questions=False, release=Release.BY_HAND, attempts_allowed=1
    )
    for number in range(30):
        sit(make_person(f"taker{number}@portal.example"), version, backwards(number))
    assert [flag.kind for flag in look(version)] == [NEGATIVE]


# --- the pages ---------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_page_lists_who_was_affected_and_leads_to_the_regrade(
    cast: Cast, version: QuizVersion, seat: Seat, as_: Any, language: str
) -> None:
    seat(30, backwards)
    (flag,) = look(version)
    page = as_(cast.author, language=language).get("quizzes.flag", code=flag.code)
    assert {"en": "It was scored in 30 attempts (people: 30)", "ja": "30件の受験で採点されました（30人）"}[
        language
    ] in page.text
    rows = [each for each in page.all("table") if each.get("aria-labelledby") == "results"]
    assert len(rows) == 1
    assert any("/impersonation/imp-000/regrade?version=1" in link for link in page.links())
    # Those who had all but this one.
    assert sum(change.is_rise for change in what_if_void(flag.question_version)) == 10
    assert {"en": "10 people pass who had not", "ja": "10人"}[language] in page.text


@pytest.mark.parametrize("language", ["en", "ja"])
def test_question_bank_statistics_and_list_show_what_waits(
    cast: Cast, version: QuizVersion, seat: Seat, as_: Any, language: str
) -> None:
    gap(seat)
    raised = look(version)
    seat(30, backwards)
    raised += look(version)
    assert {flag.kind for flag in raised} == {NEGATIVE, GAP}
    client = as_(cast.author, language=language)
    for flag in raised:
        address = f"/flags/{flag.code}"
        assert address in client.get("quizzes.flags").links()
        assert address in client.get("quizzes.flags", bank="impersonation").links()
        assert address in client.get("quizzes.question", slug="impersonation", question=flag.question.slug).links()
        assert address in client.get("quizzes.statistics", slug=version.quiz.slug).links()
        client.get("quizzes.flag", code=flag.code)
    assert "/questions/flagged?bank=impersonation" in client.get("quizzes.bank", slug="impersonation").links()
    assert "/questions/flagged?bank=impersonation" in client.get("training.today").links()
    assert client.get("quizzes.flags", show="closed").links()


def test_a_note_closes_a_task_on_its_page_and_an_empty_one_is_refused_there(
    cast: Cast, version: QuizVersion, seat: Seat, as_: Any
) -> None:
    gap(seat)
    flag = next(each for each in look(version) if each.kind is GAP)
    client = as_(cast.author, language="en")
    refused = client.post("quizzes.close_flag", {"note": " "}, code=flag.code, expect=400)
    assert "Write what came of it" in refused.text
    client.post("quizzes.close_flag", {"note": "Both say the same now."}, code=flag.code)
    assert "Both say the same now." in client.get("quizzes.flag", code=flag.code).text
    assert f"/flags/{flag.code}" in client.get("quizzes.flags", show="closed").links()
    assert (
        "Both say the same now."
        in client.get("quizzes.question", slug="impersonation", question=flag.question.slug).text
    )


def test_the_list_asks_as_many_statements_for_many_as_for_few(
    cast: Cast, version: QuizVersion, seat: Seat, as_: Any
) -> None:
    def statements() -> int:
        client = as_(cast.author, language="en")
        client.get("quizzes.flags")
        with counted_queries() as counted:
            client.get("quizzes.flags")
        return len(counted)

    gap(seat)
    assert len(look(version)) == 2
    few = statements()
    seat(30, backwards)
    assert look(version)
    assert statements() == few


def test_only_those_who_read_the_key_see_what_results_point_out(
    cast: Cast, version: QuizVersion, seat: Seat, as_: Any
) -> None:
    seat(30, backwards)
    (flag,) = look(version)
    people: Sequence[Person] = (cast.learner, cast.lead)
    for person in people:
        as_(person).get("quizzes.flags", expect=403)
        as_(person).get("quizzes.flag", code=flag.code, expect=404)


# --- each at its border, once, told and explained ------------------------------------------------


def _at_border(kind: FlagKind, seat: Seat, version: QuizVersion, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Any]:
    """Return what brings the results to one below where this follows from them, and what brings one more."""
    match kind:
        case FlagKind.NEGATIVE_DISCRIMINATION:
            return lambda: seat(29, backwards), lambda: seat(1, backwards)
        case FlagKind.LANGUAGE_GAP:
            return lambda: gap(seat, 9), lambda: gap(seat, 1)
        case FlagKind.OVEREXPOSED:
            expose(version, monkeypatch, 3)
            return lambda: seat(3, backwards), lambda: seat(1, backwards)


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("kind", list(FlagKind))
def test_nothing_follows_below_the_border_and_at_it_once_with_a_mail_and_a_page_that_says_why(
    cast: Cast,
    version: QuizVersion,
    seat: Seat,
    as_: Any,
    monkeypatch: pytest.MonkeyPatch,
    kind: FlagKind,
    language: str,
) -> None:
    below, one_more = _at_border(kind, seat, version, monkeypatch)
    below()
    assert look(version) == []
    assert not session.scalars(select(Job).where(Job.name == "mail.send")).all()
    one_more()
    raised = look(version)
    assert {flag.kind for flag in raised} == {kind}
    assert len({flag.question_id for flag in raised}) == len(raised)
    # Not again by the same results, nor by a few more.
    assert look(version) == []
    if kind is not FlagKind.NEGATIVE_DISCRIMINATION:
        # Nobody can sit what has lost its question.
        one_more()
        before = {flag.question_id for flag in raised}
        assert not before & {flag.question_id for flag in look(version)}
    owed = [row.arguments["arguments"] for row in session.scalars(select(Job).where(Job.name == "mail.send"))]
    (told,) = [each for each in owed if each["to"] == cast.approver.code and raised[0].code in each["codes"]]
    session.rollback()
    built = emails.questions_flagged(**told)
    assert built is not None
    text = mail.render(replace(built, language=language)).get_body(("plain",)).get_content()  # type: ignore[union-attr]
    one = next(flag for flag in raised if flag.question.slug == "imp-000")
    said = {
        FlagKind.NEGATIVE_DISCRIMINATION: {"en": "negative discrimination (n = 30)", "ja": "識別力が負"},
        FlagKind.LANGUAGE_GAP: {"en": "harder in one language (n = 20)", "ja": "一方の言語"},
        FlagKind.OVEREXPOSED: {"en": "it was shown 4 times", "ja": "4回"},
    }[kind][language]
    assert "impersonation/imp-000" in text
    assert said in text
    page = as_(cast.approver, language=language).get("quizzes.flag", code=one.code, lang=language)
    why = {
        FlagKind.NEGATIVE_DISCRIMINATION: {"en": ("Negative discrimination", "30"), "ja": ("識別力が負", "30")},
        FlagKind.LANGUAGE_GAP: {"en": ("The languages differ", "100 points"), "ja": ("言語", "100ポイント")},
        FlagKind.OVEREXPOSED: {"en": ("Shown too often", "4"), "ja": ("出題", "4")},
    }[kind][language]
    assert all(words in page.text for words in why)
    state = question().state
    assert (state is QuestionState.QUARANTINED) is (kind is FlagKind.NEGATIVE_DISCRIMINATION)
    assert red() == []


@pytest.mark.races
def test_of_those_who_look_at_the_same_results_at_the_same_moment_one_points_them_out(
    app: Flask, cast: Cast, version: QuizVersion, seat: Seat
) -> None:
    seat(30, backwards)
    session.rollback()
    seen = [flags.look_at_results(version.quiz_id) for _each in range(4)]
    session.rollback()

    def work(number: int) -> int:
        found = seen[number]
        assert found is not None
        with own_transaction():
            return len(flags.follow(found))

    assert sorted(at_once(app, work, 4)) == [0, 0, 0, 1]
    assert [(flag.kind, flag.n) for flag in flagged()] == [(NEGATIVE, 30)]
    assert [each.after for each in queries.list_steps(question())].count(QuestionState.QUARANTINED) == 1
    assert len(session.scalars(select(Job).where(Job.name == "mail.send")).all()) == 1
    assert red() == []

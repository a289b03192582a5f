"""Regrades: a rule for everybody who had the question, agreed by two, in new markings; nobody loses a pass by it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from portal.accounts import queries as people
from portal.accounts.models import Person
from portal.core import clock, jobs
from portal.core.db import session
from portal.core.i18n import Words, force_locale
from portal.core.transaction import own_transaction
from portal.gradebook import invariants as gradebook
from portal.gradebook.queries import find_last_of_attempt, list_entries
from portal.gradebook.rules import EntryKind
from portal.gradebook.service.transcripts import transcript_of
from portal.quizzes import errors, invariants, queries
from portal.quizzes.formats.markdown import BankQuestion
from portal.quizzes.formats.sections import Section
from portal.quizzes.models import (
    Attempt,
    AttemptState,
    HandMark,
    ItemMark,
    Marking,
    MarkRound,
    Regrade,
    RegradeKind,
    Release,
    SecondMarker,
)
from portal.quizzes.queries import appeals, regrades
from portal.quizzes.queries import marking as waiting
from portal.quizzes.queries.statistics import sittings_of
from portal.quizzes.service import regrades as service
from portal.quizzes.service.attempts import submit_attempt
from tests.beginnings import beginning
from tests.builders import MORNING, Cast
from tests.quizzes.builders import answer, at, begin, make_bank, make_content, make_quiz, right_answer, wrong_answer
from tests.quizzes.marking import find_answer, give, item_of, make_marked_quiz, make_markers, sit, version_of

WHY = Words("The key was wrong.", "正答が誤っていました。")


@pytest.fixture
@beginning
def markers(cast: Cast) -> list[Person]:
    """Three who mark."""
    return make_markers()


def _sound() -> None:
    session.rollback()
    session.expire_all()
    checks = {**invariants.INVARIANTS, **gradebook.INVARIANTS}
    assert [found for check in checks.values() for found in check()] == []


def _fresh(attempt: Any) -> Any:
    session.rollback()
    session.expire_all()
    return queries.get_attempt(attempt.code)


def propose(
    by: Person, slug: str = "one", kind: RegradeKind = RegradeKind.VOID, accepts: Any = None, appeal: str = ""
) -> str:
    """Propose a rule for the newest wording of a question, because of the appeal of this code."""
    with own_transaction():
        return service.propose_regrade(
            version=version_of(slug),
            kind=kind,
            accepts=accepts,
            reason=WHY,
            by=by,
            appeal=appeals.get_appeal(appeal) if appeal else None,
        ).code


def approve(by: Person, code: str, falls: Any = None, looked_at: str | None = None) -> None:
    """Approve a rule as it is shown now."""
    session.rollback()
    shown = service.seen(service.preview(regrades.get_regrade(code)))
    with own_transaction():
        service.approve_regrade(
            regrade=regrades.get_regrade(code), looked_at=looked_at or shown, falls=falls or {}, by=by
        )


def regrade(cast: Cast, slug: str = "one", kind: RegradeKind = RegradeKind.VOID, **values: Any) -> str:
    """Let a rule be proposed, approved and carried out."""
    falls = values.pop("falls", None)
    code = propose(cast.author, slug, kind, **values)
    approve(cast.admin, code, falls)
    jobs.run_due()
    return code


# --- what a rule does --------------------------------------------------------------------------


def test_a_void_question_leaves_the_points_and_the_most_of_everybody(cast: Cast) -> None:
    version = make_marked_quiz(cast.author)
    with clock.frozen(MORNING):
        right, wrong = sit(cast.learner, version, right=1, text=""), sit(cast.colleague, version, right=0, text="")
        code = regrade(cast)
    for attempt, points in ((right, 0), (wrong, 0)):
        marking = _fresh(attempt).markings[-1]
        assert (marking.points, marking.max_points) == (points, 5)
        assert marking.marking_no == 2
        assert marking.regrade.code == code
    sittings = sittings_of(version.quiz_id)
    assert [each.slug for each in sittings.asked] == ["essay", "two"]
    assert all(len(row.points) == 2 for row in sittings.rows)
    _sound()


def test_another_choice_is_accepted_and_takes_nothing_away(cast: Cast) -> None:
    version = make_marked_quiz(cast.author)
    with clock.frozen(MORNING):
        by_key, other = sit(cast.learner, version, right=1, text=""), sit(cast.colleague, version, right=0, text="")
        regrade(cast, kind=RegradeKind.ACCEPT, accepts={"answer": [["a"]]})
    assert _fresh(by_key).markings[-1].marking_no == 1
    marking = _fresh(other).markings[-1]
    assert (marking.points, marking.max_points) == (1, 6)
    _sound()


def test_full_points_go_to_everybody_and_nobody_need_mark_the_answer(cast: Cast, markers: list[Person]) -> None:
    version = make_marked_quiz(cast.author)
    with clock.frozen(MORNING):
        waits = sit(cast.learner, version)
        marked = sit(cast.colleague, version)
        give(markers[0], marked, 0, 0)
        regrade(cast, slug="essay", kind=RegradeKind.FULL)
    assert _fresh(waits).state is AttemptState.RELEASED
    assert _fresh(waits).markings[-1].points == _fresh(marked).markings[-1].points == 6
    assert find_answer(waits).round is None
    _sound()


def test_a_rule_can_be_taken_back_by_the_same_way(cast: Cast) -> None:
    version = make_marked_quiz(cast.author)
    with clock.frozen(MORNING):
        attempt = sit(cast.learner, version, right=2, text="")
        regrade(cast)
    with clock.frozen(at(minutes=1)):
        regrade(cast, kind=RegradeKind.AS_WRITTEN)
    assert [(each.points, each.max_points) for each in _fresh(attempt).markings] == [(3, 6), (2, 5), (3, 6)]
    _sound()


def test_a_rule_without_anything_to_take_back_is_refused(cast: Cast) -> None:
    make_marked_quiz(cast.author)
    with pytest.raises(errors.NothingToTakeBack):
        propose(cast.author, kind=RegradeKind.AS_WRITTEN)


@pytest.mark.parametrize(
    ("slug", "accepts"),
    [
        ("one", {}),
        ("one", {"answer": []}),
        ("one", {"answer": [["b"]]}),
        ("one", {"answer": [["z"]]}),
        ("one", {"answer": [["a", "c"]]}),
        ("one", {"other": [["a"]]}),
        ("two", {"answer": [["c", "a"]]}),
        ("essay", {"answer": [["text"]]}),
    ],
)
def test_what_is_no_rule_for_the_question_is_refused(cast: Cast, slug: str, accepts: Any) -> None:
    make_marked_quiz(cast.author)
    with pytest.raises(errors.BadRule):
        propose(cast.author, slug, RegradeKind.ACCEPT, accepts)


def test_the_rule_stands_for_who_hands_in_afterwards(cast: Cast) -> None:
    version = make_marked_quiz(cast.author)
    with clock.frozen(MORNING):
        running = begin(cast.learner, version)
        answer(running, 1, wrong_answer(running, 1))
        answer(running, 2, right_answer(running, 2))
        code = propose(cast.author)
        approve(cast.admin, code)
        # Handed in while the regrade is approved and its work not done.
        with own_transaction():
            submit_attempt(attempt=running, person=cast.learner)
        marking = _fresh(running).markings[-1]
        assert (marking.points, marking.max_points) == (2, 5)
        jobs.run_due()
    assert len(_fresh(running).markings) == 1
    _sound()


# --- two persons, and what they see ------------------------------------------------------------


def test_who_proposes_does_not_approve_and_nobody_decides_about_her_own_result(cast: Cast) -> None:
    version = make_marked_quiz(cast.author)
    with clock.frozen(MORNING):
        sit(cast.approver, version, text="")
        code = propose(cast.author, kind=RegradeKind.FULL)
        with pytest.raises(errors.NeedsSecondPerson):
            approve(cast.author, code)
        with pytest.raises(errors.OwnResult):
            approve(cast.approver, code)
        approve(cast.admin, code)
        with pytest.raises(errors.RegradeDecided):
            approve(cast.admin, code)
        sit(cast.admin, version, text="")
        with pytest.raises(errors.OwnResult):
            propose(cast.admin, "two")


def test_the_database_keeps_one_person_from_both(cast: Cast) -> None:
    make_marked_quiz(cast.author)
    code = propose(cast.author)
    with pytest.raises(IntegrityError):
        session.execute(
            update(Regrade)
            .where(Regrade.code == code)
            .values(decided_at=MORNING, decided_by=cast.author.code, is_approved=True)
        )
    session.rollback()


def test_a_declined_rule_changes_nothing_and_makes_room(cast: Cast) -> None:
    version = make_marked_quiz(cast.author)
    with clock.frozen(MORNING):
        attempt = sit(cast.learner, version, text="")
        code = propose(cast.author)
        with pytest.raises(errors.RegradeOpen):
            propose(cast.admin)
        with own_transaction():
            service.decline_regrade(regrade=regrades.get_regrade(code), note="The key is right.", by=cast.admin)
        jobs.run_due()
        propose(cast.admin)
    assert len(_fresh(attempt).markings) == 1


def test_what_is_approved_is_what_was_looked_at(cast: Cast) -> None:
    version = make_marked_quiz(cast.author)
    with clock.frozen(MORNING):
        sit(cast.learner, version, text="")
        code = propose(cast.author)
        shown = service.seen(service.preview(regrades.get_regrade(code)))
        sit(cast.colleague, version, text="")
        with pytest.raises(errors.PreviewOutdated):
            approve(cast.admin, code, looked_at=shown)
        approve(cast.admin, code)


def test_passes_that_would_be_lost_are_named_first_then_new_passes(cast: Cast) -> None:
    version = make_marked_quiz(cast.author, pass_mark=Fraction(1, 2))
    with clock.frozen(MORNING):
        # 1 of 6: stays failed. 3 of 6 passes, and 2 of 5 would not.
        same, falls = sit(cast.colleague, version, right=0, text=""), sit(cast.learner, version, right=2, text="")
        changes = service.preview(regrades.get_regrade(propose(cast.author)))
    assert [(each.attempt.id, each.is_fall, each.reaches) for each in changes] == [
        (falls.id, True, False),
        (same.id, False, False),
    ]
    assert [str(each.score) for each in changes] == ["2/5", "0"]


def test_a_pass_is_kept_below_the_mark_unless_somebody_says_why_not(cast: Cast) -> None:
    version = make_marked_quiz(cast.author, pass_mark=Fraction(1, 2))
    with clock.frozen(MORNING):
        kept, lost = sit(cast.learner, version, right=2, text=""), sit(cast.colleague, version, right=2, text="")
        code = propose(cast.author)
        with pytest.raises(errors.FallNeedsReason):
            approve(cast.admin, code, {lost.code: " "})
        with pytest.raises(errors.PreviewOutdated):
            approve(cast.admin, code, {"NOBODY": "why"})
        approve(cast.admin, code, {lost.code: "She had seen the key."})
        jobs.run_due()
    marking = _fresh(kept).markings[-1]
    assert (marking.score, marking.passed, marking.keeps_pass) == (Fraction(2, 5), True, True)
    marking = _fresh(lost).markings[-1]
    assert (marking.passed, marking.keeps_pass) == (False, None)
    assert find_last_of_attempt(kept.id).passed  # type: ignore[union-attr]
    assert not find_last_of_attempt(lost.id).passed  # type: ignore[union-attr]
    _sound()


def test_a_result_that_nobody_knows_yet_is_simply_marked_again(cast: Cast) -> None:
    version = make_marked_quiz(cast.author, pass_mark=Fraction(1, 2), release=Release.BY_HAND)
    with clock.frozen(MORNING):
        attempt = sit(cast.learner, version, right=2, text="")
        regrade(cast)
    assert _fresh(attempt).state is AttemptState.MARKED
    assert not _fresh(attempt).markings[-1].passed
    assert jobs.find_job(f"mail:quizzes.result_corrected:{attempt.code}:2") is None
    _sound()


def test_learners_whose_result_changed_are_told_once_and_others_are_not(cast: Cast, app: Flask) -> None:
    version = make_marked_quiz(cast.author)
    with clock.frozen(MORNING):
        same, changed = sit(cast.learner, version, right=1, text=""), sit(cast.colleague, version, right=0, text="")
        code = regrade(cast, kind=RegradeKind.ACCEPT, accepts={"answer": [["a"]]})
        jobs.run_due()
        # Begun anew the work finds nothing left to do.
        list_ids = regrades.list_attempt_ids(version_of("one").id)
        with own_transaction():
            assert not any(service.apply_to(regrades.get_regrade(code), each) for each in list_ids)
    assert jobs.find_job(f"mail:quizzes.result_corrected:{changed.code}:2") is not None
    assert jobs.find_job(f"mail:quizzes.result_corrected:{same.code}:2") is None
    mails = [
        path.read_text(encoding="utf-8") for path in (app.config["DATA_DIR"] / "mail").rglob("*") if path.is_file()
    ]
    assert sum("result" in mail.lower() and "colleague@portal.example" in mail for mail in mails) == 1


def test_regrades_of_one_quiz_come_one_after_the_other(cast: Cast) -> None:
    version = make_marked_quiz(cast.author)
    with clock.frozen(MORNING):
        sit(cast.learner, version, right=2, text="")
        first, second = propose(cast.author, "one"), propose(cast.author, "two")
        approve(cast.admin, first)
        with pytest.raises(errors.RegradeRunning):
            approve(cast.admin, second)
        jobs.run_due()
        approve(cast.admin, second)
        jobs.run_due()
    _sound()


def test_of_two_who_approve_together_one_does(cast: Cast, app: Flask) -> None:
    """Real threads: two rules of one quiz, each approved by somebody at the same moment."""
    version = make_marked_quiz(cast.author)
    with clock.frozen(MORNING):
        sit(cast.learner, version, right=2, text="")
        codes, admin_code = [propose(cast.author, "one"), propose(cast.author, "two")], cast.admin.code
        shown = [service.seen(service.preview(regrades.get_regrade(code))) for code in codes]
        session.rollback()
        session.remove()
        barrier, outcomes, admin = threading.Barrier(2), [], admin_code

        def race(number: int) -> None:
            with app.app_context():
                barrier.wait()
                try:
                    with own_transaction():
                        service.approve_regrade(
                            regrade=regrades.get_regrade(codes[number]),
                            looked_at=shown[number],
                            falls={},
                            by=people.get_person(admin),
                        )
                    outcomes.append("approved")
                except errors.RegradeRunning:
                    outcomes.append("running")
                session.remove()

        threads = [threading.Thread(target=race, args=(number,)) for number in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert sorted(outcomes) == ["approved", "running"]
        jobs.run_due()
    _sound()


# --- the doctor --------------------------------------------------------------------------------


def _broken() -> list[str]:
    session.rollback()
    session.expire_all()
    return [name[:2] for name, check in invariants.INVARIANTS.items() if check()]


@pytest.mark.parametrize(
    ("invariant", "breakage"),
    [
        ("I5", lambda ids: update(Marking).where(Marking.attempt_id == ids["kept"], Marking.marking_no == 2)
            .values(keeps_pass=None)),
        ("I5", lambda ids: update(Marking).where(Marking.attempt_id == ids["marked"], Marking.marking_no == 2)
            .values(passed=True, keeps_pass=True)),
        ("I5", lambda ids: update(Regrade).values(kind=RegradeKind.FULL)),
        ("I5", lambda ids: update(HandMark).where(HandMark.item_id == ids["item"]).values(points=Fraction(3))),
        ("I5", lambda ids: update(HandMark).where(HandMark.item_id == ids["item"]).values(marked_by=ids["taker"])),
        ("I5", lambda ids: update(ItemMark).where(ItemMark.item_id == ids["item"]).values(points=Fraction(3))),
        ("I6", lambda ids: update(Attempt).where(Attempt.id == ids["marked"]).values(state=AttemptState.SUBMITTED)),
    ],
)  # fmt: skip
def test_a_broken_promise_about_marks_is_red(
    cast: Cast, markers: list[Person], invariant: str, breakage: Callable[[dict[str, Any]], Any]
) -> None:
    version = make_marked_quiz(cast.author, pass_mark=Fraction(1, 2))
    with clock.frozen(MORNING):
        kept, marked = sit(cast.learner, version, right=2, text=""), sit(cast.colleague, version, right=0)
        give(markers[0], marked, 1, 1)
        regrade(cast)
    assert _broken() == []
    ids = {"kept": kept.id, "marked": marked.id, "item": item_of(marked).id, "taker": cast.colleague.code}
    session.rollback()
    session.execute(breakage(ids))
    session.commit()
    assert invariant in _broken()


def test_an_answer_that_waits_for_the_wrong_mark_is_red(cast: Cast) -> None:
    version = make_marked_quiz(cast.author)
    with clock.frozen(MORNING):
        attempt = sit(cast.learner, version)
    session.rollback()
    row = find_answer(attempt)
    row.round = None
    session.commit()
    assert "I6" in _broken()
    assert waiting.count_waiting(cast.admin) == 0


# --- sections, trials and the gradebook --------------------------------------------------------

SECTIONS = (
    Section("severe", Words("Severe harm", "重大な被害"), Fraction(1)),
    Section("rest", Words("The rest", "そのほか")),
)
IN_SECTIONS: list[dict[str, Any]] = [
    {"section": "severe", "questions": ["impersonation/one", "impersonation/two"]},
    {"section": "rest", "questions": ["impersonation/essay"]},
]


def test_a_regrade_reckons_the_sections_anew_and_keeps_a_pass_that_only_a_section_would_cost(
    cast: Cast, as_: Any
) -> None:
    version = make_marked_quiz(cast.author, sections=SECTIONS, blueprint=IN_SECTIONS, pass_mark=Fraction(1, 10))
    with clock.frozen(MORNING):
        attempt = sit(cast.learner, version, right=1, text="")
        assert not _fresh(attempt).markings[-1].passed
        code = propose(cast.author, "two", RegradeKind.FULL)
        (change,) = service.preview(regrades.get_regrade(code))
        assert (change.score, change.reaches, change.is_rise) == (Fraction(1, 2), True, True)
        approve(cast.admin, code)
        jobs.run_due()
    marking = _fresh(attempt).markings[-1]
    assert marking.passed
    assert marking.sections["severe"] == {"points": "3", "max_points": "3", "passed": True}
    with clock.frozen(MORNING):
        code = propose(cast.author, "two", RegradeKind.AS_WRITTEN)
        (change,) = service.preview(regrades.get_regrade(code))
        # The whole would do; the section would not.
        assert (change.score, change.reaches, change.is_fall) == (Fraction(1, 6), False, True)
        approve(cast.admin, code)
        jobs.run_due()
    marking = _fresh(attempt).markings[-1]
    assert (marking.passed, marking.keeps_pass, marking.sections["severe"]["passed"]) == (True, True, False)
    page = as_(cast.learner, language="en").get("quizzes.result", code=attempt.code)
    assert "the quiz stays passed" in page.text
    _sound()


def test_a_regrade_of_a_question_on_trial_changes_no_result_and_tells_nobody(cast: Cast) -> None:
    make_bank(
        cast.author, questions=(BankQuestion("one", make_content(0)), BankQuestion("new", make_content(1), "pilot"))
    )
    version = make_quiz(
        cast.author, bank=False, blueprint=[{"questions": ["impersonation/one"]}], pilots=1, shuffle_choices=False
    )
    with clock.frozen(MORNING):
        attempt = begin(cast.learner, version)
        for item in queries.list_items(attempt):
            answer(attempt, item.position, (right_answer if item.is_scored else wrong_answer)(attempt, item.position))
        with own_transaction():
            submit_attempt(attempt=attempt, person=cast.learner)
        before = _fresh(attempt).markings[-1]
        told = (before.points, before.max_points, before.passed)
        regrade(cast, "new", RegradeKind.FULL)
    markings = _fresh(attempt).markings
    assert [each.marking_no for each in markings] == [1, 2]
    assert (markings[-1].points, markings[-1].max_points, markings[-1].passed) == told
    assert len(markings[-1].item_marks) == 2
    assert jobs.find_job(f"mail:quizzes.result_corrected:{attempt.code}:2") is None
    assert [entry.entry_no for entry in list_entries(cast.learner)] == [1]
    _sound()


@pytest.mark.parametrize(("mark", "due"), [(Fraction(2, 3), MarkRound.SECOND), (Fraction(1, 5), None), (None, None)])
def test_at_the_border_of_a_section_with_a_mark_of_its_own_a_second_person_marks(
    cast: Cast, markers: list[Person], mark: Fraction | None, due: MarkRound | None
) -> None:
    severe, rest = SECTIONS
    version = make_marked_quiz(
        cast.author,
        sections=(replace(severe, pass_mark=None), replace(rest, pass_mark=mark)),
        blueprint=IN_SECTIONS,
        pass_mark=Fraction(1, 10),
        second_marker=SecondMarker.BORDERLINE,
    )
    with clock.frozen(MORNING):
        attempt = sit(cast.learner, version)
        give(markers[0], attempt, 1, 1)
    assert find_answer(_fresh(attempt)).round is due
    _sound()


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_gradebook_shows_a_correction_as_a_further_line_with_its_reason(cast: Cast, language: str) -> None:
    version = make_marked_quiz(cast.author)
    with clock.frozen(MORNING):
        sit(cast.learner, version, right=1, text="")
    with clock.frozen(MORNING + timedelta(hours=1)):
        regrade(cast, "two", RegradeKind.FULL)
    with force_locale(language):
        newest, first = transcript_of(cast.learner).lines
    assert (newest.kind, newest.score, newest.reason, newest.counts) == (
        EntryKind.CORRECTION, Fraction(1, 2), WHY.in_(language), True,
    )  # fmt: skip
    assert (first.kind, first.score, first.reason, first.is_superseded) == (EntryKind.RESULT, Fraction(1, 6), "", True)


# --- a rule that moves a result to the border -----------------------------------------------------


@pytest.mark.parametrize("release", [Release.AT_ONCE, Release.BY_HAND])
def test_a_rule_that_moves_a_marked_result_to_the_border_asks_nobody_for_a_further_mark(
    cast: Cast, markers: list[Person], release: Release
) -> None:
    """It was complete: what it says changes by the rule, not because somebody marks an answer anew without a reason."""
    version = make_marked_quiz(
        cast.author, second_marker=SecondMarker.BORDERLINE, pass_mark=Fraction(1, 2), release=release
    )
    with clock.frozen(MORNING):
        attempt = sit(cast.learner, version, right=1)
        give(markers[0], attempt, 2, "0.5")  # 3.5 of 6: 58 %, the mark is 50 %
        assert find_answer(attempt).round is None
        regrade(cast)  # 2.5 of 5: 50 %
        assert _fresh(attempt).markings[-1].score == Fraction(1, 2)
        assert find_answer(attempt).round is None
        assert waiting.count_waiting(markers[1]) == 0
        with pytest.raises(errors.MarkedInBetween):
            give(markers[1], attempt, 0, 0, round_=MarkRound.SECOND)
    _sound()

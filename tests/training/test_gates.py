"""A gate opens where its quizzes are passed and enough of enough questions are right; decided without rounding."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from fractions import Fraction
from math import sqrt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from portal.core import clock
from portal.core.db import session
from portal.core.i18n import Words
from portal.core.jobs import Job
from portal.core.transaction import own_transaction
from portal.quizzes.models import QuizVersion
from portal.quizzes.service.attempts import submit_attempt
from portal.training import queries, rules
from portal.training.errors import GateNotReached, NotWaitingForSignOff
from portal.training.invariants import gates_were_reached, sign_offs_stand_behind_their_steps
from portal.training.models import Enrollment, SignOff
from portal.training.rules import Doer, GateFigures, GateTerms, QuizInGate, StepKind, StepSpec, StepState
from portal.training.service import sign_offs
from tests.beginnings import beginning
from tests.builders import Cast
from tests.queries import counted_queries
from tests.quizzes.builders import answer_all, begin, make_quiz
from tests.training.builders import load_holidays, make_cohort, make_documents, make_enrollment, make_plan

MORNING = datetime(2026, 4, 28, 1, 0, tzinfo=UTC)
LANGUAGES = ("en", "ja")
NINETY = Fraction(9, 10)


# --- The formula -------------------------------------------------------------------------------


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("right", "n", "low", "high"),
    [
        (47, 50, "83.8", "97.9"),
        (85, 100, "76.7", "90.7"),
        (95, 100, "88.8", "97.8"),
        (190, 200, "91.0", "97.3"),
        (380, 400, "92.4", "96.7"),
    ],
)
def test_the_interval_of_a_share_is_wilsons(right: int, n: int, low: str, high: str) -> None:
    interval = rules.wilson(right, n)
    assert interval is not None
    assert f"{float(interval.low * 100):.1f}" == low
    assert f"{float(interval.high * 100):.1f}" == high


@pytest.mark.any_database
def test_47_of_50_do_not_pass_a_gate_of_90_percent() -> None:
    assert not rules.reaches(47, 50, NINETY)
    assert rules.reaches(50, 50, NINETY)
    assert rules.reaches(190, 200, NINETY)
    assert rules.least_right(200, NINETY) == 189
    assert not rules.reaches(188, 200, NINETY)
    assert rules.least_questions(NINETY) == 35
    assert not rules.reaches(34, 34, NINETY)
    assert rules.reaches(35, 35, NINETY)


@pytest.mark.any_database
@given(n=st.integers(1, 2000), data=st.data(), tenths=st.integers(1, 999))
def test_a_gate_is_reached_exactly_where_the_interval_begins_at_its_bound(n: int, data: Any, tenths: int) -> None:
    right, bound = data.draw(st.integers(0, n)), Fraction(tenths, 1000)
    z, share = float(rules.Z), right / n
    low = (share + z * z / (2 * n) - z * sqrt(share * (1 - share) / n + z * z / (4 * n * n))) / (1 + z * z / n)
    if abs(low - float(bound)) > 1e-9:
        assert rules.reaches(right, n, bound) == (low > float(bound))
    interval = rules.wilson(right, n)
    assert interval is not None
    assert abs(float(interval.low) - max(low, 0)) < 2e-6
    assert interval.low <= Fraction(right, n) <= interval.high
    # More right answers never close a gate.
    assert not rules.reaches(right, n, bound) or right == n or rules.reaches(right + 1, n, bound)
    least = rules.least_right(n, bound)
    assert (least is not None) == (n >= rules.least_questions(bound))


@pytest.mark.any_database
@given(n=st.integers(1, 3000), data=st.data(), tenths=st.integers(1, 999))
def test_a_bound_that_is_not_reached_is_never_shown_as_reached(n: int, data: Any, tenths: int) -> None:
    right, bound = data.draw(st.integers(0, n)), Fraction(tenths, 1000)
    figures = GateFigures(GateTerms(("q",), bound, 1), (QuizInGate("q", True, right, n),))
    low = figures.shown_low()
    assert low is not None
    assert rules.reaches(right, n, bound) or low < bound


@pytest.mark.any_database
def test_a_gate_says_how_many_are_missing() -> None:
    terms = GateTerms(("a", "b"), NINETY, 100)

    def figures(right: int, n: int, *, passed: bool = True) -> GateFigures:
        return GateFigures(terms, (QuizInGate("a", passed, right, n), QuizInGate("b", True)))

    few = figures(47, 50)
    assert (few.missing_questions, few.is_reached) == (50, False)
    low = figures(93, 100)
    assert (low.missing_questions, low.missing_right, low.is_reached) == (0, 3, False)
    assert figures(96, 100).is_reached
    failed = figures(100, 100, passed=False)
    assert (failed.not_passed, failed.is_reached) == (("a",), False)
    # Below the number with which the bound can be reached at all, a plan's own minimum says nothing.
    assert GateTerms(("a",), NINETY, 5).needed == 35


# --- Before a gate -----------------------------------------------------------------------------

STEPS = (
    StepSpec("quiz", StepKind.QUIZ, 1, quiz="impersonation"),
    StepSpec(
        "gate",
        StepKind.GATE,
        3,
        title=Words("Ready for the queue", "実務への到達判定"),
        by=Doer.LEAD,
        prerequisites=("quiz",),
        gate_quizzes=("impersonation",),
        gate_bound=Fraction(1, 2),
        gate_minimum=4,
    ),
)


@pytest.fixture
@beginning
def enrollment(cast: Cast) -> Enrollment:
    load_holidays()
    make_documents()
    make_quiz(cast.author, pass_mark=Fraction(1, 10), wait_hours=0, wait_after_fails=9, attempts_allowed=5)
    with clock.frozen(MORNING):
        plan = make_plan("gated", cast.author, *STEPS)
        return make_enrollment(cast.learner, plan, cast.admin, cohort=make_cohort(cast.admin))


@pytest.fixture(autouse=True)
def _morning() -> Iterator[None]:
    with clock.frozen(MORNING):
        yield


def sit(cast: Cast, right: int) -> None:
    """Let the learner sit the quiz of four questions."""
    version = session.scalars(select(QuizVersion)).one()
    attempt = begin(cast.learner, version)
    answer_all(attempt, right)
    with own_transaction():
        submit_attempt(attempt=attempt, person=cast.learner)


def gate_of(enrollment: Enrollment) -> tuple[StepState, GateFigures]:
    session.expire_all()
    standing = queries.standing_of(enrollment)
    return standing.statuses["gate"].state, standing.gates["gate"]


def test_a_gate_waits_for_the_lead_only_once_it_is_reached(cast: Cast, enrollment: Enrollment) -> None:
    assert gate_of(enrollment)[0] is StepState.LOCKED
    sit(cast, 3)
    state, figures = gate_of(enrollment)
    # Three of four: the interval begins at 30.1 %.
    assert (state, figures.right, figures.n, figures.missing_right) == (StepState.OPEN, 3, 4, 1)
    step = queries.get_step(enrollment, "gate")
    with pytest.raises(GateNotReached), own_transaction():
        sign_offs.sign_off(enrollment=enrollment, step=step, statement="Fine.", by=cast.lead)
    assert not [job for job in session.scalars(select(Job)) if ":gate:" in job.effect_key]
    sit(cast, 4)
    state, figures = gate_of(enrollment)
    assert (state, figures.right, figures.is_reached) == (StepState.WAITING, 4, True)
    # A retake that opens the gate tells the lead, though the step of the quiz was done before.
    assert [job for job in session.scalars(select(Job)) if ":gate:0:" in job.effect_key]


def test_a_signed_gate_keeps_its_figures_and_completes_the_plan(cast: Cast, enrollment: Enrollment) -> None:
    sit(cast, 4)
    step = queries.get_step(enrollment, "gate")
    with own_transaction():
        said = sign_offs.sign_off(enrollment=enrollment, step=step, statement="Ready.", by=cast.lead)
    assert said.figures is not None
    assert {name: said.figures[name] for name in ("right", "questions", "bound", "needed")} == {
        "right": 4,
        "questions": 4,
        "bound": "1/2",
        "needed": 4,
    }
    assert said.figures["quizzes"][0]["attempt"]
    assert gate_of(enrollment)[0] is StepState.DONE
    assert enrollment.completed_at is not None
    assert gates_were_reached() == []
    assert sign_offs_stand_behind_their_steps() == []
    with pytest.raises(NotWaitingForSignOff), own_transaction():
        sign_offs.sign_off(enrollment=enrollment, step=step, statement="Again.", by=cast.lead)


def test_the_doctor_finds_a_gate_that_was_signed_off_on_other_figures(cast: Cast, enrollment: Enrollment) -> None:
    sit(cast, 4)
    step = queries.get_step(enrollment, "gate")
    with own_transaction():
        sign_offs.sign_off(enrollment=enrollment, step=step, statement="Ready.", by=cast.lead)
    table = SignOff.__table__
    kept = session.scalars(select(SignOff.figures)).one()
    with own_transaction():
        session.execute(table.update().values(figures={**kept, "questions": 2}))
    assert "was signed off without having been reached" in gates_were_reached()[0]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_lead_sees_the_figures_and_why_the_button_is_shut(
    cast: Cast, enrollment: Enrollment, as_: Any, language: str
) -> None:
    sit(cast, 3)
    page = as_(cast.lead, language=language).get("training.sign_off", code=enrollment.code, slug="gate")
    shut = [each for each in page.all("button") if each.get("aria-describedby") == "missing"]
    assert [each.get("disabled") is not None for each in shut] == [True]
    assert "30.1" in page.text
    assert {
        "en": "1 more of the 4 questions would have to be right",
        "ja": "4問のうち、あと1問の正解が必要です",
    }[language] in page.text
    assert {
        "en": "Lower bound of at least 50% on at least 4 questions",
        "ja": "4問以上で下限値50%以上",
    }[language] in page.text.replace(" %", "%")
    refused = as_(cast.lead, language=language).post(
        "training.sign_off", {"statement": "x", "act": "sign_off"}, code=enrollment.code, slug="gate", expect=409
    )
    assert {"en": "The gate is not reached", "ja": "実技確認はできません"}[language] in refused.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_learner_sees_what_is_missing_before_a_gate(
    cast: Cast, enrollment: Enrollment, as_: Any, language: str
) -> None:
    sit(cast, 3)
    page = as_(cast.learner, language=language).get("training.today")
    assert {"en": "3 of 4 questions right", "ja": "4問中3問正解"}[language] in page.text
    sit(cast, 4)
    queue = as_(cast.lead, language=language).get("training.list_sign_offs")
    assert {"en": "Gate reached", "ja": "到達判定の基準に到達"}[language] in queue.text
    done = as_(cast.lead, language=language).post(
        "training.sign_off", {"statement": "Ready.", "act": "sign_off"}, code=enrollment.code, slug="gate"
    )
    assert done.status_code == 303


def test_a_learner_does_not_read_a_score_from_her_gate_that_the_quiz_does_not_show(
    cast: Cast, as_: Any, enrollment: Enrollment
) -> None:
    make_quiz(
        cast.author, "silent", bank=False, number="1.0", pass_mark=Fraction(1, 10), wait_hours=0, wait_after_fails=9,
        attempts_allowed=5, show=(),
    )  # fmt: skip
    steps = (
        StepSpec("quiz", StepKind.QUIZ, 1, quiz="silent"),
        StepSpec(
            "gate", StepKind.GATE, 3, title=Words("Gate", "関門"), by=Doer.LEAD, prerequisites=("quiz",),
            gate_quizzes=("silent",), gate_bound=Fraction(1, 2), gate_minimum=4,
        ),
    )  # fmt: skip
    own = make_enrollment(cast.learner, make_plan("silent", cast.author, *steps), cast.admin)
    version = session.scalars(select(QuizVersion).order_by(QuizVersion.id.desc())).first()
    attempt = begin(cast.learner, version)
    answer_all(attempt, 3)
    with own_transaction():
        submit_attempt(attempt=attempt, person=cast.learner)
    page = as_(cast.learner, language="en").get("training.path", code=own.code)
    assert "questions right" not in page.text
    assert "The gate is not reached yet" in page.text
    assert "3 of 4 questions right" in as_(cast.lead, language="en").get("training.path", code=own.code).text


def test_gates_ask_the_same_of_the_database_for_any_number_of_learners(cast: Cast, enrollment: Enrollment) -> None:
    one = [enrollment]
    version = enrollment.version
    others = [make_enrollment(person, version, cast.admin) for person in (cast.colleague, cast.author, cast.approver)]
    with counted_queries() as few:
        queries.standings([queries.get_enrollment(each.code) for each in one][:1])
    loaded = [queries.get_enrollment(each.code) for each in (enrollment, *others)]
    with counted_queries() as many:
        queries.standings(loaded)
    assert len(many) <= len(few)

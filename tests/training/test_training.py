"""What training promises: pinned plans, facts that count once, skills that somebody else has seen."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from sqlalchemy import select

from portal.accounts.models import Role, Scope
from portal.acknowledgements import service as statements
from portal.acknowledgements.errors import SomethingComesFirst as TooEarly
from portal.calendars import service as calendars
from portal.calendars.errors import HolidayYearUnknown
from portal.core import clock
from portal.core.access import allows
from portal.core.db import session
from portal.core.events import subscribe
from portal.core.i18n import force_locale
from portal.core.jobs import Job
from portal.core.transaction import own_transaction
from portal.library.service.readings import note_opened
from portal.quizzes import queries as quizzes
from portal.quizzes.errors import OnlyAssigned, SomethingComesFirst
from portal.quizzes.service import practice
from portal.quizzes.service.attempts import start_attempt
from portal.training import queries
from portal.training.errors import (
    AlreadyEnrolled,
    NotSentBack,
    NotWaitingForSignOff,
    PersonInactive,
    PlanCannotBeFollowed,
    StatementMissing,
    StatementTooLong,
    VersionNotHigher,
    VersionNumberInvalid,
    ZoneUnknown,
)
from portal.training.events import PlanCompleted
from portal.training.invariants import INVARIANTS
from portal.training.models import Enrollment, PlanStep, SignOff, StepCompletion, StepExtension
from portal.training.permissions import ASK_AGAIN, SEE_ENROLLMENT, SIGN_OFF, StepOfEnrollment
from portal.training.queries import catalogue, signing
from portal.training.rules import Doer, SignOffAct, StepKind, StepSpec, StepState
from portal.training.service import order, sign_offs
from portal.training.service.exemptions import exempt_step
from portal.training.service.plans import create_plan_version
from tests.beginnings import beginning
from tests.builders import Cast, make_grant, make_market, make_person, make_team, save
from tests.training.builders import (
    START,
    STEPS,
    acknowledge,
    confirm_reading,
    load_holidays,
    make_cohort,
    make_documents,
    make_enrollment,
    make_plan,
    make_quiz,
    make_version,
    release,
    spec,
)

MORNING = datetime(2026, 4, 28, 1, 0, tzinfo=UTC)


@pytest.fixture
@beginning
def _documents(cast: Cast) -> None:
    load_holidays()
    make_documents()


@pytest.fixture(autouse=True)
def _start_of_the_plan(_documents: None) -> Iterator[None]:
    with clock.frozen(MORNING):
        yield


@pytest.fixture
@beginning
def enrollment(cast: Cast) -> Enrollment:
    return make_enrollment(cast.learner, make_plan(), cast.admin, cohort=make_cohort(cast.admin))


def document(slug: str) -> Any:
    from portal.library.models import DocumentVersion

    return session.scalars(
        select(DocumentVersion).join(DocumentVersion.document).where(DocumentVersion.document.has(slug=slug))
    ).first()


def states(enrollment: Enrollment) -> dict[str, str]:
    session.expire_all()
    return {slug: status.state.value for slug, status in queries.standing_of(enrollment).statuses.items()}


def step_of(enrollment: Enrollment, slug: str) -> PlanStep:
    return queries.get_step(enrollment, slug)


def say(act: Any, enrollment: Enrollment, slug: str, by: Any, statement: str = "Shown.") -> SignOff:
    with own_transaction():
        return act(enrollment=enrollment, step=step_of(enrollment, slug), statement=statement, by=by)  # type: ignore[no-any-return]


def mails() -> list[str]:
    return list(session.scalars(select(Job.effect_key).where(Job.name == "mail.send").order_by(Job.id)))


# --- Plans -----------------------------------------------------------------------------------


def test_a_plan_that_says_the_same_is_not_written_again(cast: Cast) -> None:
    first = make_plan()
    with own_transaction():
        again, is_new = create_plan_version(slug="first-days", spec=spec(), by=cast.author)
    assert (again.id, is_new) == (first.id, False)


def test_a_plan_comes_back_as_it_was_written(cast: Cast) -> None:
    make_plan()
    session.expire_all()
    assert catalogue.spec_of(catalogue.get_latest_version("first-days")) == spec()


def test_a_changed_plan_needs_a_higher_version(cast: Cast) -> None:
    make_plan()
    with own_transaction(), pytest.raises(VersionNotHigher):
        create_plan_version(slug="first-days", spec=spec(STEPS[0]), by=cast.author)
    with own_transaction(), pytest.raises(VersionNumberInvalid):
        create_plan_version(slug="first-days", spec=spec(STEPS[0], number="two"), by=cast.author)
    assert make_plan("first-days", cast.author, STEPS[0], number="1.1").number == "1.1"


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ([StepSpec("a", StepKind.READ, 0, document="d", prerequisites=("a",))], "a → a"),
        ([StepSpec("a", StepKind.READ, 0)], "needs the document"),
        ([StepSpec("a", StepKind.QUIZ, 0)], "needs the quiz"),
        ([StepSpec("a", StepKind.QUIZ, 0, quiz="q", document="d")], "names a document"),
        ([StepSpec("a", StepKind.READ, 0, document="d", quiz="q")], "names a quiz"),
        ([StepSpec("a", StepKind.READ, 0, document="d", by=Doer.LEAD)], "by the learner only"),
        ([StepSpec("a", StepKind.SIGN_OFF, 0)], "signed off by a mentor or a lead"),
        ([StepSpec("a", StepKind.SIGN_OFF, 0, by=Doer.LEAD)], "needs a title"),
        ([StepSpec("a", StepKind.READ, 0, document="d", phase="x")], "phase"),
        ([StepSpec("a", StepKind.READ, 0, document="d", minutes=-1)], "0 to 4800 minutes"),
        ([], "no required step"),
    ],
)
def test_a_plan_that_cannot_be_followed_is_refused_in_words(cast: Cast, steps: list[StepSpec], said: str) -> None:
    with own_transaction(), pytest.raises(PlanCannotBeFollowed) as refused:
        create_plan_version(slug="x", spec=spec(number="1.0", steps=tuple(steps)), by=cast.author)
    assert said in str(refused.value)
    assert catalogue.find_plan("x") is None


# --- Enrolling -------------------------------------------------------------------------------


def test_an_enrollment_keeps_its_version_when_the_plan_changes(cast: Cast, enrollment: Enrollment) -> None:
    make_plan("first-days", cast.author, STEPS[0], number="2.0")
    session.expire_all()
    assert enrollment.version.number == "1.0"
    assert len(queries.standing_of(enrollment).steps) == len(STEPS)
    assert make_enrollment(cast.colleague, catalogue.get_latest_version("first-days"), cast.admin).version.number == (
        "2.0"
    )


def test_the_steps_are_due_in_working_days_around_golden_week(enrollment: Enrollment) -> None:
    dues = {slug: due.on for slug, due in queries.standing_of(enrollment).dues.items()}
    assert dues == {
        "statement": date(2026, 4, 28),
        "read": date(2026, 4, 30),
        "talk": date(2026, 5, 1),
        "quiz": date(2026, 5, 7),
        "audit": date(2026, 5, 11),
        "more": date(2026, 5, 11),
    }
    standing = queries.standing_of(enrollment)
    assert (standing.day, standing.length) == (1, 6)


def test_a_person_follows_a_plan_once_at_a_time(cast: Cast, enrollment: Enrollment) -> None:
    with pytest.raises(AlreadyEnrolled):
        make_enrollment(cast.learner, enrollment.version, cast.admin)


def test_who_cannot_follow_a_plan_is_not_enrolled(cast: Cast) -> None:
    version = make_plan()
    cast.colleague.deactivated_at = MORNING
    save(cast.colleague)
    with pytest.raises(PersonInactive):
        make_enrollment(cast.colleague, version, cast.admin)
    with pytest.raises(ZoneUnknown):
        make_enrollment(cast.learner, version, cast.admin, market=make_market("XX", time_zone="Mars/Olympus"))
    with pytest.raises(HolidayYearUnknown) as refused:
        make_enrollment(cast.learner, version, cast.admin, starts_on=date(2031, 12, 29))
    assert "2032" in str(refused.value)
    assert session.scalars(select(Enrollment)).all() == []


def test_an_acknowledgement_in_force_counts_at_enrollment(cast: Cast) -> None:
    with clock.frozen(MORNING - timedelta(days=30)):
        known = acknowledge(cast.learner, document("exposure"))
    enrollment = make_enrollment(cast.learner, make_plan(), cast.admin)
    assert states(enrollment)["statement"] == "done"
    (completion,) = queries.list_completions(enrollment)
    assert completion.completed_at == known.at
    assert (completion.document_version, completion.acknowledgement_id) == ("1.0", known.id)
    assert completion.recorded_at == MORNING


@pytest.mark.parametrize(("change", "state"), [("editorial", "done"), ("minor", "done"), ("material", "open")])
def test_only_a_change_of_substance_makes_an_acknowledgement_old(cast: Cast, change: str, state: str) -> None:
    with clock.frozen(MORNING - timedelta(days=30)):
        acknowledge(cast.learner, document("exposure"))
    make_version("exposure", "1.1", effective_at=MORNING - timedelta(days=1), change_class=change)
    assert states(make_enrollment(cast.learner, make_plan(), cast.admin))["statement"] == state


def test_a_quiz_passed_before_the_enrollment_does_not_count(cast: Cast) -> None:
    release(cast.learner)
    assert states(make_enrollment(cast.learner, make_plan(), cast.admin))["quiz"] == "locked"


def test_the_learner_is_told_what_is_due_first(cast: Cast, enrollment: Enrollment) -> None:
    assert mails() == [f"mail:plan_started:{enrollment.code}"]


# --- Completing ------------------------------------------------------------------------------


def test_an_acknowledgement_completes_its_step_and_opens_the_next(cast: Cast, enrollment: Enrollment) -> None:
    assert states(enrollment)["read"] == "locked"
    acknowledge(cast.learner, document("exposure"))
    found = states(enrollment)
    assert (found["statement"], found["read"], found["talk"]) == ("done", "open", "waiting")


def test_reading_is_weaker_than_acknowledging(cast: Cast, enrollment: Enrollment) -> None:
    confirm_reading(cast.learner, document("exposure"))
    assert states(enrollment)["statement"] == "open"
    acknowledge(cast.learner, document("impersonation"))
    assert states(enrollment)["read"] == "done"


def test_another_persons_statement_completes_nothing(cast: Cast, enrollment: Enrollment) -> None:
    acknowledge(cast.colleague, document("exposure"))
    assert states(enrollment)["statement"] == "open"


def test_only_the_version_in_force_counts(cast: Cast, enrollment: Enrollment) -> None:
    announced = make_version("exposure", "2.0", effective_at=MORNING + timedelta(days=10))
    acknowledge(cast.learner, announced)
    assert states(enrollment)["statement"] == "open"


def test_only_a_passed_quiz_completes_its_step_and_keeps_the_score(cast: Cast, enrollment: Enrollment) -> None:
    release(cast.learner, score="1/2", passed=False)
    assert session.scalars(select(StepCompletion)).all() == []
    passed = release(cast.learner, score="9/10")
    release(cast.learner, score="1/1")
    (completion,) = queries.list_completions(enrollment)
    assert (completion.score, completion.attempt_code) == (Fraction(9, 10), passed.code)


def test_what_was_done_before_its_prerequisite_stays_done(cast: Cast, enrollment: Enrollment) -> None:
    release(cast.learner)
    found = states(enrollment)
    assert (found["read"], found["quiz"]) == ("locked", "done")


def test_a_completion_remembers_when_it_was_due(cast: Cast, enrollment: Enrollment) -> None:
    acknowledge(cast.learner, document("exposure"))
    with own_transaction():
        calendars.record_leave(person=cast.learner, first_on=START, last_on=START, by=cast.lead)
    assert queries.list_completions(enrollment)[0].due_on == START
    assert queries.standing_of(enrollment).due_on("read") == date(2026, 5, 1)


def test_a_plan_is_completed_once_and_says_so_once(cast: Cast, enrollment: Enrollment) -> None:
    said: list[PlanCompleted] = []
    subscribe(PlanCompleted, said.append)
    acknowledge(cast.learner, document("exposure"))
    confirm_reading(cast.learner, document("impersonation"))
    release(cast.learner)
    say(sign_offs.sign_off, enrollment, "talk", cast.lead)
    assert said == []
    with clock.frozen(MORNING + timedelta(days=2)):
        say(sign_offs.sign_off, enrollment, "audit", cast.lead)
        confirm_reading(cast.learner, document("background"))
    assert [(each.enrollment_code, each.plan_slug, each.person_id) for each in said] == [
        (enrollment.code, "first-days", cast.learner.id)
    ]
    session.expire_all()
    assert enrollment.completed_at == MORNING + timedelta(days=2)
    assert states(enrollment)["more"] == "done"
    assert all(check() == [] for check in INVARIANTS.values())


def test_a_completed_plan_can_be_followed_again(cast: Cast) -> None:
    version = make_plan("short", cast.author, STEPS[0])
    first = make_enrollment(cast.learner, version, cast.admin)
    acknowledge(cast.learner, document("exposure"))
    session.expire_all()
    assert first.completed_at is not None
    # The acknowledgement is still in force, so that the second time is over at once.
    assert make_enrollment(cast.learner, version, cast.admin).completed_at is not None


# --- Sign-offs -------------------------------------------------------------------------------


def test_a_step_is_sent_back_asked_for_again_and_signed_off(cast: Cast, enrollment: Enrollment) -> None:
    acknowledge(cast.learner, document("exposure"))
    say(sign_offs.send_back, enrollment, "talk", cast.lead, "Not yet: the shifts.")
    assert states(enrollment)["talk"] == "open"
    with own_transaction():
        sign_offs.ask_again(enrollment=enrollment, step=step_of(enrollment, "talk"), by=cast.learner)
    assert states(enrollment)["talk"] == "waiting"
    say(sign_offs.sign_off, enrollment, "talk", cast.lead, " All clear. ")
    assert states(enrollment)["talk"] == "done"
    rows = queries.list_sign_offs(enrollment, step_of(enrollment, "talk"))
    assert [(row.act, row.statement) for row in rows] == [
        (SignOffAct.SENT_BACK, "Not yet: the shifts."),
        (SignOffAct.ASKED_AGAIN, ""),
        (SignOffAct.SIGNED, "All clear."),
    ]


def test_what_does_not_wait_cannot_be_signed_off(cast: Cast, enrollment: Enrollment) -> None:
    with pytest.raises(NotWaitingForSignOff):
        say(sign_offs.sign_off, enrollment, "talk", cast.lead)
    acknowledge(cast.learner, document("exposure"))
    say(sign_offs.sign_off, enrollment, "talk", cast.lead)
    for act in (sign_offs.sign_off, sign_offs.send_back):
        with pytest.raises(NotWaitingForSignOff):
            say(act, enrollment, "talk", cast.lead)
    with own_transaction(), pytest.raises(NotSentBack):
        sign_offs.ask_again(enrollment=enrollment, step=step_of(enrollment, "talk"), by=cast.learner)


@pytest.mark.parametrize(("statement", "refusal"), [("  ", StatementMissing), ("x" * 2001, StatementTooLong)])
def test_a_sign_off_is_a_sentence(cast: Cast, enrollment: Enrollment, statement: str, refusal: type[Exception]) -> None:
    acknowledge(cast.learner, document("exposure"))
    with pytest.raises(refusal):
        say(sign_offs.sign_off, enrollment, "talk", cast.lead, statement)
    assert states(enrollment)["talk"] == "waiting"


def test_the_nearest_mentor_is_told_and_else_the_lead(cast: Cast, enrollment: Enrollment) -> None:
    mentor = make_person("mentor@portal.example", team=make_team())
    make_grant(mentor, Role.MENTOR, Scope.TEAM, "account-safety")
    acknowledge(cast.learner, document("exposure"))
    told = [key for key in mails() if "sign_off_waiting" in key]
    assert told == [f"mail:sign_off_waiting:{enrollment.code}:talk:0:{mentor.code}"]
    confirm_reading(cast.learner, document("impersonation"))
    release(cast.learner)
    told = [key for key in mails() if ":audit:" in key]
    assert told == [f"mail:sign_off_waiting:{enrollment.code}:audit:0:{cast.lead.code}"]


def test_who_may_see_and_sign_off(cast: Cast, enrollment: Enrollment) -> None:
    mentor = make_person("mentor@portal.example", team=make_team())
    make_grant(mentor, Role.MENTOR, Scope.COHORT, "jp-2026-04")
    people = cast.everyone() | {"mentor": mentor}
    talk, audit = (StepOfEnrollment(enrollment, step_of(enrollment, slug)) for slug in ("talk", "audit"))

    def may(permission: Any, thing: Any) -> set[str]:
        return {name for name, person in people.items() if allows(person, permission, thing)}

    assert may(SEE_ENROLLMENT, enrollment) == {"learner", "lead", "admin", "mentor"}
    assert may(SIGN_OFF, talk) == {"lead", "mentor"}
    assert may(SIGN_OFF, audit) == {"lead"}
    assert may(ASK_AGAIN, talk) == {"learner"}


def test_nobody_signs_off_herself(cast: Cast) -> None:
    own = make_enrollment(cast.lead, make_plan(), cast.admin)
    acknowledge(cast.lead, document("exposure"))
    assert not allows(cast.lead, SIGN_OFF, StepOfEnrollment(own, step_of(own, "talk")))
    assert signing.looked_after(cast.lead).waiting_for(cast.lead).rows == []


def test_the_queue_holds_what_waits_for_this_person(cast: Cast, enrollment: Enrollment) -> None:
    mentor = make_person("mentor@portal.example", team=make_team())
    make_grant(mentor, Role.MENTOR, Scope.TEAM, "account-safety")
    acknowledge(cast.learner, document("exposure"))
    confirm_reading(cast.learner, document("impersonation"))
    release(cast.learner)
    waiting = {
        name: [each.step.slug for each in signing.looked_after(person).waiting_for(person).rows]
        for name, person in (cast.everyone() | {"mentor": mentor}).items()
    }
    assert waiting.pop("lead") == ["talk", "audit"]
    assert waiting.pop("mentor") == ["talk"]
    assert not any(waiting.values())


def test_who_has_been_signed_off_leaves_the_queue_and_the_others_stay(cast: Cast, enrollment: Enrollment) -> None:
    other = make_enrollment(cast.colleague, enrollment.version, cast.admin)
    for person in (cast.learner, cast.colleague):
        acknowledge(person, document("exposure"))
        confirm_reading(person, document("impersonation"))
        release(person)
    for slug in ("talk", "audit"):
        say(sign_offs.sign_off, enrollment, slug, cast.lead)
    waiting = [
        (each.standing.enrollment.code, each.step.slug)
        for each in signing.looked_after(cast.lead).waiting_for(cast.lead).rows
    ]
    assert waiting == [(other.code, "talk"), (other.code, "audit")]


# --- Extensions ------------------------------------------------------------------------------


def test_an_extension_lengthens_the_date_everywhere_and_says_why(cast: Cast, enrollment: Enrollment) -> None:
    save(
        StepExtension(
            enrollment_id=enrollment.id,
            step_id=step_of(enrollment, "quiz").id,
            working_days=1,
            reason="a day of meetings",
            by=cast.lead,
            at=MORNING,
        )
    )
    standing = queries.standing_of(enrollment)
    assert standing.due_on("quiz") == date(2026, 5, 8)
    assert standing.due_on("audit") == date(2026, 5, 12)
    (extended,) = standing.dues["quiz"].extended
    assert extended.extension.reason == "a day of meetings"
    assert extended.extension.by == cast.lead.names
    assert extended.extension.by.ja == "佐藤 健"
    release(cast.learner)
    assert queries.list_completions(enrollment)[0].due_on == date(2026, 5, 8)


# --- Dates in another zone -------------------------------------------------------------------


def test_the_day_is_the_one_in_the_market_and_not_in_utc(cast: Cast) -> None:
    enrollment = make_enrollment(cast.outsider, make_plan(), cast.admin, starts_on=date(2026, 10, 30))
    assert enrollment.market.code == "US"
    # New York leaves summer time on 1 November 2026; 03:30 UTC on the 31st is still the 30th there.
    for instant, today, late in [
        (datetime(2026, 10, 31, 3, 30, tzinfo=UTC), date(2026, 10, 30), False),
        (datetime(2026, 10, 31, 4, 30, tzinfo=UTC), date(2026, 10, 31), True),
        (datetime(2026, 11, 2, 4, 30, tzinfo=UTC), date(2026, 11, 1), True),
        (datetime(2026, 11, 2, 5, 30, tzinfo=UTC), date(2026, 11, 2), True),
    ]:
        with clock.frozen(instant):
            standing = queries.standing_of(enrollment)
            assert standing.today == today
            assert standing.statuses["statement"].is_late is late
    assert queries.standing_of(enrollment).due_on("read") == date(2026, 11, 2)


def test_the_number_of_the_day_counts_working_days(enrollment: Enrollment) -> None:
    def day_at(month: int, day: int) -> int:
        with clock.frozen(datetime(2026, month, day, 1, tzinfo=UTC)):
            return queries.standing_of(enrollment).day

    assert [day_at(4, 27), day_at(4, 28), day_at(4, 29), day_at(4, 30), day_at(5, 6), day_at(5, 7)] == [
        0, 1, 1, 2, 3, 4,
    ]  # fmt: skip


# --- The doctor ------------------------------------------------------------------------------


def test_a_changed_plan_version_is_found_out(cast: Cast, enrollment: Enrollment) -> None:
    step_of(enrollment, "quiz").due_days = 9
    session.commit()
    assert "has been changed" in INVARIANTS["plan versions are unchanged"]()[0]


def test_a_completion_without_its_steps_is_found_out(cast: Cast, enrollment: Enrollment) -> None:
    enrollment.completed_at = MORNING
    session.commit()
    assert "without all required steps" in INVARIANTS["plans are complete when their steps are"]()[0]


def test_a_sign_off_nobody_gave_is_found_out(cast: Cast, enrollment: Enrollment) -> None:
    step = step_of(enrollment, "talk")
    save(
        StepCompletion(
            enrollment_id=enrollment.id, step_id=step.id, completed_at=MORNING, recorded_at=MORNING, due_on=START
        )
    )
    assert INVARIANTS["sign-offs stand behind their steps"]() == [
        f"enrollment {enrollment.code}, step talk: completed without a sign-off"
    ]
    save(
        SignOff(
            enrollment_id=enrollment.id,
            step_id=step.id,
            act=SignOffAct.SIGNED,
            statement="Mine.",
            by=cast.learner,
            at=MORNING,
        )
    )
    assert "by the learner herself" in INVARIANTS["sign-offs stand behind their steps"]()[0]


def test_the_state_of_a_step_is_the_same_alone_and_among_all(cast: Cast, enrollment: Enrollment) -> None:
    acknowledge(cast.learner, document("exposure"))
    standing = queries.standing_of(enrollment)
    for step in standing.steps:
        assert queries.state_of(enrollment, step) is standing.statuses[step.slug].state
    assert StepState.WAITING in {status.state for status in standing.statuses.values()}


def test_a_quiz_waits_for_what_the_plan_puts_before_it(cast: Cast) -> None:
    """The same prerequisites that lock the step on Today refuse the start of an attempt."""
    make_quiz()
    version = make_plan()
    make_enrollment(cast.learner, version, cast.lead)
    step = next(each for each in version.steps if each.quiz_slug)
    assert step.prerequisites, "the builders' plan puts something before its quiz"
    assert order.what_comes_before_quiz(cast.learner, str(step.quiz_slug))
    assert order.what_comes_before_quiz(cast.colleague, str(step.quiz_slug)) is None
    with pytest.raises(SomethingComesFirst), own_transaction():
        start_attempt(version=quizzes.get_quiz(str(step.quiz_slug)), person=cast.learner, language="en")


def test_a_quiz_only_for_those_to_whom_it_is_assigned_is_closed_to_others(cast: Cast, as_: Any) -> None:
    """Neither started nor practised, and the list says why; the plan's own order holds for whom it is assigned to."""
    made = make_quiz()
    made.only_assigned = made.practice = True
    session.commit()
    version = make_plan()
    enrollment = make_enrollment(cast.learner, version, cast.lead)
    quiz = quizzes.get_quiz("impersonation")
    with pytest.raises(SomethingComesFirst), own_transaction():
        start_attempt(version=quiz, person=cast.learner, language="en")
    for person in (cast.colleague, cast.lead, cast.author):
        with pytest.raises(OnlyAssigned), own_transaction():
            start_attempt(version=quizzes.get_quiz("impersonation"), person=person, language="en")
    with pytest.raises(OnlyAssigned), own_transaction():
        practice.show_next(version=quizzes.get_quiz("impersonation"), person=cast.colleague)
    client = as_(cast.colleague, language="en")
    assert "Only for people whose training plan contains it" in client.get("quizzes.index").text
    assert (
        "Only for people whose training plan contains it"
        not in as_(cast.learner, language="en").get("quizzes.index").text
    )
    refused = client.post("quizzes.start", slug="impersonation", expect=409).text
    for page in (client.get("quizzes.show", slug="impersonation").text, refused):
        assert "This quiz opens when your training plan comes to it." in page
        assert "Start the quiz" not in page
    # Of whom it is not asked any more it is no assignment.
    with own_transaction():
        step = next(each for each in version.steps if each.quiz_slug)
        exempt_step(enrollment=enrollment, step=step, reason="Knows it from before.", by=cast.lead)
    assert order.assigned_quizzes(cast.learner, ["impersonation"]) == set()


def test_what_was_acknowledged_too_early_does_not_open_the_quiz(cast: Cast) -> None:
    """The whole chain counts: a quiz waits for what comes before the steps before it."""
    acknowledge(cast.learner, document("impersonation"))
    enrollment = make_enrollment(cast.learner, make_plan(), cast.lead)
    standing = queries.standing_of(enrollment)
    # What was acknowledged before the plan began counts ...
    assert standing.statuses["read"].state is StepState.DONE
    # ... and stands in for nothing else.
    assert standing.statuses["quiz"].missing == ("statement",)
    with force_locale("en"):
        assert order.what_comes_before_quiz(cast.learner, "impersonation") == "Confirm “Exposure”"
    acknowledge(cast.learner, document("exposure"))
    assert order.what_comes_before_quiz(cast.learner, "impersonation") is None


@pytest.mark.parametrize("act", [statements.acknowledge, statements.confirm_reading])
def test_a_document_of_a_locked_step_is_not_confirmed_before_its_turn(cast: Cast, act: Any) -> None:
    make_enrollment(cast.learner, make_plan(), cast.lead)
    exposure, impersonation = document("exposure"), document("impersonation")
    for version in (exposure, impersonation):
        note_opened(person=cast.learner, version=version, known=None)
    with force_locale("ja"), own_transaction(), pytest.raises(TooEarly) as refused:
        act(version=impersonation, language="ja", by=cast.learner)
    assert "「文書EXPOSURE」を確認する" in str(refused.value)
    # Nobody else is held up by it, and nothing but the plan's own order.
    note_opened(person=cast.colleague, version=impersonation, known=None)
    with own_transaction():
        act(version=impersonation, language="ja", by=cast.colleague)
        statements.acknowledge(version=exposure, language="ja", by=cast.learner)
        act(version=impersonation, language="ja", by=cast.learner)
    (enrollment,) = queries.list_enrollments_of(cast.learner.id)
    assert queries.standing_of(enrollment).statuses["read"].state is StepState.DONE


def test_whoever_is_to_read_a_document_may_confirm_it_at_once(cast: Cast) -> None:
    """Confirming says that the text was read, so the step of reading it is not in the way."""
    steps = (
        StepSpec("read", StepKind.READ, 0, document="impersonation"),
        StepSpec("confirm", StepKind.ACKNOWLEDGE, 1, document="impersonation", prerequisites=("read",)),
        StepSpec("more", StepKind.READ, 2, document="background", prerequisites=("confirm",)),
    )
    enrollment = make_enrollment(cast.learner, make_plan("short", None, *steps, phases=()), cast.lead)
    asked = order.what_is_asked(cast.learner, "impersonation")
    assert asked is not None
    assert (asked.before_reading, asked.before_confirming, asked.reading) == ((), (), True)
    later = order.what_is_asked(cast.learner, "background")
    assert later is not None
    assert [each.document for each in later.before_reading] == ["impersonation"]
    version = document("impersonation")
    note_opened(person=cast.learner, version=version, known=None)
    with own_transaction():
        statements.acknowledge(version=version, language="en", by=cast.learner)
    assert queries.standing_of(enrollment).statuses["confirm"].state is StepState.DONE
    assert order.what_is_asked(cast.learner, "impersonation") is None

"""What was done before a plan counts in it as far as the plan says, and the path says what counts and what does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from portal.accounts.models import Person, Role, Scope
from portal.core import clock
from portal.core.db import session
from portal.core.i18n import Words
from portal.core.jobs import Job
from portal.core.transaction import own_transaction
from portal.training import queries
from portal.training.errors import PlanCannotBeFollowed
from portal.training.invariants import INVARIANTS
from portal.training.models import Enrollment, PlanVersion, StepCompletion
from portal.training.rules import Doer, EvidenceKind, StepKind, StepSpec
from portal.training.service import sign_offs
from portal.training.service.enrollments import end_plan, enroll, enroll_all
from tests.beginnings import beginning
from tests.builders import Cast, make_grant, make_person, make_team
from tests.queries import counted_queries
from tests.training.builders import (
    START,
    acknowledge,
    load_holidays,
    make_documents,
    make_enrollment,
    make_plan,
    make_quiz,
    make_version,
    release,
)
from tests.training.test_training import document

MORNING = datetime(2026, 4, 28, 1, 0, tzinfo=UTC)
LANGUAGES = ("en", "ja")


@pytest.fixture
@beginning
def _documents(cast: Cast) -> None:
    with clock.frozen(MORNING):
        load_holidays()
        make_documents()
        make_quiz()


@pytest.fixture(autouse=True)
def _start_of_the_plan(_documents: None) -> Iterator[None]:
    with clock.frozen(MORNING):
        yield


def plan_of(cast: Cast, days: int | None, number: str = "1.0") -> Any:
    """Return a plan of one step of each kind that recognises what is so many days old."""
    return make_plan(
        "again",
        cast.author,
        StepSpec("statement", StepKind.ACKNOWLEDGE, 0, document="exposure", recognise_days=days),
        StepSpec("quiz", StepKind.QUIZ, 2, quiz="impersonation", recognise_days=days),
        StepSpec("talk", StepKind.SIGN_OFF, 2, title=Words("Talk", "面談"), by=Doer.LEAD, recognise_days=days),
        StepSpec("more", StepKind.READ, 5, document="background"),
        phases=(),
        credential=None,
        number=number,
    )


def do_all(cast: Cast, days_ago: int, *, number: str = "0.1") -> Enrollment:
    """Let the learner go through the steps so many days ago, in an enrollment that was ended then."""
    with clock.frozen(MORNING - timedelta(days=days_ago)):
        enrollment = make_enrollment(
            cast.learner, plan_of(cast, None, number), cast.admin, starts_on=clock.today("Asia/Tokyo")
        )
        acknowledge(cast.learner, document("exposure"))
        release(cast.learner, "impersonation", score="9/10", passed=True)
        with own_transaction():
            step = queries.get_step(enrollment, "talk")
            sign_offs.sign_off(enrollment=enrollment, step=step, statement="Shown.", by=cast.lead)
        with own_transaction():
            end_plan(enrollment=enrollment, reason="moved", by=cast.lead)
    session.expire_all()
    return enrollment


def done(enrollment: Enrollment) -> set[str]:
    session.expire_all()
    return set(queries.standing_of(enrollment).completions)


def test_without_a_word_about_it_only_acknowledgements_count(cast: Cast) -> None:
    do_all(cast, 30)
    assert done(make_enrollment(cast.learner, plan_of(cast, None), cast.admin)) == {"statement"}


@pytest.mark.parametrize(("days", "counts"), [(30, {"statement", "quiz", "talk"}), (29, set())])
def test_what_is_recent_enough_counts_when_it_was_done_with_what_proves_it(
    cast: Cast, days: int, counts: set[str]
) -> None:
    before = do_all(cast, 30)
    enrollment = make_enrollment(cast.learner, plan_of(cast, days), cast.admin)
    assert done(enrollment) == counts
    assert [each() for each in INVARIANTS.values()] == [[]] * len(INVARIANTS)
    if not counts:
        return
    rows = {row.step.slug: row for row in queries.list_completions(enrollment)}
    assert {row.completed_at for row in rows.values()} == {MORNING - timedelta(days=30)}
    assert {row.recorded_at for row in rows.values()} == {MORNING}
    assert rows["statement"].acknowledgement_id is not None
    assert (rows["quiz"].score, rows["quiz"].attempt_code is not None) == (Fraction(9, 10), True)
    then = session.get_one(StepCompletion, rows["talk"].recognised_id)
    assert (then.enrollment_id, then.step.slug) == (before.id, "talk")


def test_people_enrolled_together_are_enrolled_as_one_after_the_other(cast: Cast) -> None:
    """What is written, recognised, told and noted of each is the same, and many take no more reads than few."""
    do_all(cast, 30)
    make_grant(make_person("mentor@portal.example", team=make_team()), Role.MENTOR, Scope.TEAM, "account-safety")
    steps = (
        StepSpec("statement", StepKind.ACKNOWLEDGE, 0, document="exposure"),
        StepSpec("quiz", StepKind.QUIZ, 2, quiz="impersonation", recognise_days=60),
        StepSpec("talk", StepKind.SIGN_OFF, 2, title=Words("Talk", "面談"), by=Doer.LEAD, recognise_days=60),
        StepSpec("walk", StepKind.SIGN_OFF, 3, title=Words("Walk", "同行"), by=Doer.MENTOR, prerequisites=("quiz",)),
        StepSpec(
            "notes", StepKind.TASK, 4, title=Words("Notes", "記録"), instructions=Words("Write.", "書く。"),
            by=Doer.LEAD, evidence=(EvidenceKind.TEXT,),
        ),
    )  # fmt: skip
    version = make_plan("again", cast.author, *steps, phases=(), credential=None)
    people = [cast.learner, cast.colleague, cast.lead, cast.outsider]
    starts = [(person, START) for person in people]

    def one_after_the_other() -> list[Enrollment]:
        return [enroll(person=person, version=version, starts_on=day, by=None) for person, day in starts]

    def together() -> list[Enrollment]:
        return enroll_all(starts=starts, version=version, by=None)

    assert _what_comes_of(together) == _what_comes_of(one_after_the_other)
    more = [make_person(f"more{number}@portal.example", team=make_team()) for number in range(6)]
    assert _reads([each.id for each in more], version.id) == _reads([cast.lead.id, cast.colleague.id], version.id)


def _what_comes_of(enrolling: Callable[[], list[Enrollment]]) -> list[Any]:
    """Return what is written of people who are enrolled, with their names for the codes; it is taken back then."""
    with own_transaction():
        taken_back = session.begin_nested()
        found = enrolling()
        names = {each.code: each.person.sign_in_name for each in found}
        noted = [
            (names[entry.subject_code], entry.action, str(entry.after)) for entry in session.info.get("journal", ())
        ]
        owed = []
        for key, job in session.execute(select(Job.effect_key, Job).where(Job.arguments.is_not(None))):
            known = [code for code in names if code in key]
            owed += [
                (names[code], key.replace(code, ""), str(job.arguments).replace(code, ""), job.run_after)
                for code in known
            ]
        done = [
            (each.person.sign_in_name, row.step.slug, row.completed_at, row.score, row.acknowledgement_id)
            for each in found
            for row in queries.list_completions(each)
        ]
        facts = [(each.person.sign_in_name, each.starts_on, each.market.code, each.enrolled_by) for each in found]
        taken_back.rollback()
    return [facts, sorted(noted), sorted(owed), sorted(done, key=str)]


def _reads(person_ids: list[int], version_id: int) -> int:
    """Return how many statements read something when these people are enrolled together."""
    session.expire_all()
    with own_transaction():
        version = session.get_one(PlanVersion, version_id)
        people = session.scalars(select(Person).where(Person.id.in_(person_ids))).all()
        with counted_queries() as statements:
            enroll_all(starts=[(person, START) for person in people], version=version, by=None)
    return sum(statement.startswith(("SELECT", "WITH")) for statement in statements)


def test_a_later_result_counts_where_the_best_one_is_too_old(cast: Cast) -> None:
    with clock.frozen(MORNING - timedelta(days=400)):
        release(cast.learner, "impersonation", score="1", passed=True)
    with clock.frozen(MORNING - timedelta(days=20)):
        release(cast.learner, "impersonation", score="17/20", passed=True)
    enrollment = make_enrollment(cast.learner, plan_of(cast, 365), cast.admin)
    (row,) = queries.list_completions(enrollment)
    assert (row.step.slug, row.score) == ("quiz", Fraction(17, 20))


def test_what_counts_in_a_plan_does_not_grow_younger_by_it(cast: Cast) -> None:
    do_all(cast, 30)
    with clock.frozen(MORNING):
        first = make_enrollment(cast.learner, plan_of(cast, 40), cast.admin)
        with own_transaction():
            end_plan(enrollment=first, reason="again", by=cast.lead)
    with clock.frozen(MORNING + timedelta(days=11)):
        second = make_enrollment(cast.learner, first.version, cast.admin)
        assert done(second) == set()


def test_nobody_elses_sign_off_counts(cast: Cast) -> None:
    do_all(cast, 30)
    assert done(make_enrollment(cast.colleague, plan_of(cast, 365), cast.admin)) == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_path_says_what_counts_from_when_and_why_something_does_not(
    cast: Cast, as_: Any, language: str, app: Flask
) -> None:
    do_all(cast, 30)
    with clock.frozen(MORNING - timedelta(days=25)):
        acknowledge(cast.learner, document("background"))
    make_version("background", "2.0", effective_at=MORNING - timedelta(days=1))
    enrollment = make_enrollment(cast.learner, plan_of(cast, 29), cast.admin)
    path = as_(cast.learner, language=language).get("training.path", code=enrollment.code)
    for said in {
        "en": (
            "Done before, and asked for again",
            "Done on Sun 29 Mar 2026; the plan recognises what is at most 29 days old.",
            "Version 1.0 was confirmed on Fri 3 Apr 2026; another one is in force now.",
        ),
        "ja": (
            "以前に終えた項目（再度必要）",
            "2026年3月29日（日）に完了していますが、この計画で認められるのは29日以内の完了だけです。",
            "2026年4月3日（金）に第1.0版を確認していますが、現在適用されているのは別の版です。",
        ),
    }[language]:
        assert said in path.text
    with own_transaction():
        end_plan(enrollment=enrollment, reason="again", by=cast.lead)
    run = app.test_cli_runner().invoke
    told = run(args=["training", "enroll", "again", cast.learner.sign_in_name, "--starts-on", "2026-04-28"]).output
    assert "talk: done on 2026-03-29, does not count (too old)" in told
    assert "more: done on 2026-04-03, does not count (not in force)" in told


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_path_says_of_a_step_that_it_was_done_before(cast: Cast, as_: Any, language: str) -> None:
    do_all(cast, 30)
    enrollment = make_enrollment(cast.learner, plan_of(cast, 365), cast.admin)
    path = as_(cast.learner, language=language).get("training.path", code=enrollment.code).text
    said = {
        "en": "It was done before this plan and counts here.",
        "ja": "この計画の前に完了し、ここでも認められています。",
    }
    assert path.count(said[language]) == 3
    assert {"en": "asked for again", "ja": "再度必要"}[language] not in path


@pytest.mark.parametrize("days", [0, -1, 3651])
def test_what_is_recognised_is_one_day_to_ten_years_old(cast: Cast, days: int) -> None:
    with pytest.raises(PlanCannotBeFollowed, match="1 to 3650 days old"):
        plan_of(cast, days)


def test_the_doctor_finds_what_counts_for_something_else(cast: Cast) -> None:
    do_all(cast, 30)
    enrollment = make_enrollment(cast.learner, plan_of(cast, 365), cast.admin)
    row = next(row for row in queries.list_completions(enrollment) if row.recognised_id is not None)
    with own_transaction():
        # As somebody would who writes past the product.
        session.connection().execute(
            update(StepCompletion).where(StepCompletion.id == row.id).values(recognised_id=row.id)
        )
    assert INVARIANTS["what is recognised was done before"]() == [
        f"enrollment {enrollment.code}, step talk: counts for something that is not its like"
    ]

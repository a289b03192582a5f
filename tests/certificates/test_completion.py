"""From the last step of a plan to the certificate, told by the plan itself."""

from __future__ import annotations

from typing import Any

from flask import Flask

from portal.certificates import queries, service
from portal.certificates.invariants import INVARIANTS
from portal.core.db import canonical_json, session
from portal.core.events import publish
from portal.core.transaction import own_transaction
from portal.journal.queries import list_entries_about
from portal.quizzes.service.attempts import submit_attempt
from portal.training import queries as plans
from portal.training.events import PlanCompleted
from portal.training.models import Enrollment
from portal.training.rules import StepKind, StepSpec
from portal.training.service import exemptions
from tests.builders import Cast
from tests.certificates.builders import issue, make_credential, make_enrollment
from tests.gradebook.builders import decide
from tests.quizzes.builders import answer_all, begin, make_quiz
from tests.training import builders as training

AGREE = StepSpec("agree", StepKind.ACKNOWLEDGE, 0, document="impersonation", minutes=10)
READ = StepSpec("read", StepKind.READ, 0, document="background", minutes=10)
QUIZ = StepSpec("quiz", StepKind.QUIZ, 1, quiz="impersonation", minutes=15)


def tell(enrollment: Enrollment) -> None:
    """Say once more that the plan is completed."""
    assert enrollment.completed_at is not None
    with own_transaction():
        publish(
            PlanCompleted(
                enrollment_id=enrollment.id,
                enrollment_code=enrollment.code,
                person_id=enrollment.person_id,
                plan_id=enrollment.plan_id,
                plan_slug=enrollment.version.plan.slug,
                plan_version_id=enrollment.plan_version_id,
                completed_at=enrollment.completed_at,
            )
        )


def test_the_last_step_issues_the_certificate_with_its_basis(cast: Cast) -> None:
    training.load_holidays()
    make_credential("reviewer")
    document, background = training.make_version("impersonation"), training.make_version("background")
    quiz = make_quiz(cast.author)
    plan = training.make_plan("first-days", cast.author, AGREE, READ, QUIZ, credential="reviewer")
    enrollment = training.make_enrollment(cast.learner, plan, cast.lead)
    training.acknowledge(cast.learner, document)
    training.confirm_reading(cast.learner, background)
    assert queries.list_certificates_of(cast.learner.id) == []
    attempt = begin(cast.learner, quiz)
    answer_all(attempt)
    with own_transaction():
        submit_attempt(attempt=attempt, person=cast.learner)
    (certificate,) = queries.list_certificates_of(cast.learner.id)
    assert certificate.enrollment_code == enrollment.code
    said = certificate.snapshot
    assert said["plan"]["slug"] == "first-days"
    basis = said["basis"]
    assert [(each["slug"], each["version"]) for each in basis["documents"]] == [
        ("impersonation", "1.0"),
        ("background", "1.0"),
    ]
    assert "acknowledged_on" in basis["documents"][0]
    assert "read_on" in basis["documents"][1]
    (sat,) = basis["quizzes"]
    assert (sat["quiz"], sat["version"], sat["band"]) == ("impersonation", "1.0", "passed_high")
    drawn = {item.question_version.question.slug: item.question_version.number for item in attempt.items}
    assert sat["questions"] == sorted(f"impersonation/{slug}@{number}" for slug, number in drawn.items())
    # Whoever is handed the file learns of no attempt, no score and nobody who works here.
    assert not {attempt.code, cast.learner.code, cast.lead.code, '"1/1"'} & set(canonical_json(said).split('"'))
    assert '"score"' not in canonical_json(said)
    assert [breach for check in INVARIANTS.values() for breach in check()] == []


def test_telling_it_twice_issues_once(cast: Cast) -> None:
    make_credential()
    enrollment = make_enrollment(cast.learner)
    tell(enrollment)
    tell(enrollment)
    assert len(queries.list_certificates_of(cast.learner.id)) == 1


def test_a_plan_without_a_credential_issues_nothing(cast: Cast) -> None:
    tell(make_enrollment(cast.learner, credential=None))
    assert queries.list_certificates_of(cast.learner.id) == []


def test_a_missing_credential_does_not_keep_a_learner_from_completing(cast: Cast, app: Flask) -> None:
    enrollment = make_enrollment(cast.learner, credential="not-there-yet")
    tell(enrollment)
    (entry,) = list_entries_about("enrollment", enrollment.code)
    assert entry.action == "certificates.not_issued"
    assert "not-there-yet" in str(entry.reason)
    # Once the credential is there, the doctor says what is owed and the command issues it.
    make_credential("not-there-yet")
    assert INVARIANTS["I7 certificates and completed plans agree"]()
    printed = app.test_cli_runner().invoke(args=["certificates", "issue"])
    assert printed.exit_code == 0
    (certificate,) = queries.list_certificates_of(cast.learner.id)
    assert certificate.number in printed.output
    again = app.test_cli_runner().invoke(args=["certificates", "issue"])
    assert "0 certificates issued" in again.output


def test_a_number_that_is_taken_is_told_and_leaves_no_gap(cast: Cast) -> None:
    issue(cast.colleague, make_credential("one", number_format="A-1{number}"))
    make_credential("two", number_format="A-{number}1")
    enrollment = make_enrollment(cast.learner, credential="two")
    tell(enrollment)
    (entry,) = list_entries_about("enrollment", enrollment.code)
    assert "A-11" in str(entry.reason)
    assert INVARIANTS["I7 certificate numbers have no gaps"]() == []


def test_a_lead_of_the_cohort_sees_the_certificate(cast: Cast, as_: Any) -> None:
    from portal.accounts.models import Role, Scope
    from tests.builders import make_grant, make_person

    credential, enrollment = make_credential(), make_enrollment(cast.learner)
    cohort_lead = make_person()
    make_grant(cohort_lead, Role.LEAD, Scope.COHORT, "jp-2026-04")
    cohort = training.make_cohort(cast.admin)
    enrollment.cohort = cohort
    session.commit()
    with own_transaction():
        certificate = service.issue_certificate(credential=credential, enrollment=enrollment)
    as_(cohort_lead).get("certificates.show", number=certificate.number)
    other = make_person()
    make_grant(other, Role.LEAD, Scope.COHORT, "jp-2026-10")
    as_(other).get("certificates.show", number=certificate.number, expect=404)


def test_a_quiz_exempted_by_one_person_earns_no_certificate_until_it_is_passed(cast: Cast, as_: Any) -> None:
    training.load_holidays()
    make_credential("reviewer")
    document = training.make_version("impersonation")
    training.make_version("background")
    quiz = make_quiz(cast.author)
    plan = training.make_plan("first-days", cast.author, AGREE, READ, QUIZ, phases=(), credential="reviewer")
    enrollment = training.make_enrollment(cast.learner, plan, cast.lead)
    for slug in ("quiz", "read"):
        with own_transaction():
            exemptions.exempt_step(
                enrollment=enrollment, step=plans.get_step(enrollment, slug), reason="known", by=cast.lead
            )
    training.acknowledge(cast.learner, document)
    session.expire_all()
    assert enrollment.completed_at is not None
    assert queries.list_certificates_of(cast.learner.id) == []
    # It is not owed either, so that the doctor and `flask certificates issue` leave it alone.
    assert queries.list_owed() == []
    assert [breach for check in INVARIANTS.values() for breach in check()] == []
    page = as_(cast.learner, language="en").get("training.path", code=enrollment.code)
    assert "No certificate comes of it as long as a quiz has not been passed" in page.text
    attempt = begin(cast.learner, quiz)
    answer_all(attempt)
    with own_transaction():
        submit_attempt(attempt=attempt, person=cast.learner)
    (certificate,) = queries.list_certificates_of(cast.learner.id)
    # What she did not have to do stands in what it rests on; the quiz she has passed by now.
    assert [each["step"] for each in certificate.snapshot["basis"]["exempt"]] == ["read"]
    assert [each["quiz"] for each in certificate.snapshot["basis"]["quizzes"]] == ["impersonation"]
    page = as_(cast.learner, language="ja").get("certificates.show", number=certificate.number)
    assert "研修計画のこの項目は免除" in page.text
    assert [breach for check in INVARIANTS.values() for breach in check()] == []


def test_an_exemption_by_two_people_earns_the_certificate(cast: Cast) -> None:
    training.load_holidays()
    make_credential("reviewer")
    document = training.make_version("impersonation")
    quiz = make_quiz(cast.author)
    plan = training.make_plan("first-days", cast.author, AGREE, QUIZ, phases=(), credential="reviewer")
    enrollment = training.make_enrollment(cast.learner, plan, cast.lead)
    with own_transaction():
        exemptions.exempt_step(
            enrollment=enrollment, step=plans.get_step(enrollment, "quiz"), reason="known", by=cast.lead
        )
    training.acknowledge(cast.learner, document)
    assert queries.list_certificates_of(cast.learner.id) == []
    decide(cast.learner, quiz, (cast.lead, cast.admin))
    (certificate,) = queries.list_certificates_of(cast.learner.id)
    (decided,) = certificate.snapshot["basis"]["by_hand"]
    assert set(decided) == {"quiz", "version", "title", "kind", "on"}
    assert decided["kind"] == "exemption"
    assert "exempt" not in certificate.snapshot["basis"]

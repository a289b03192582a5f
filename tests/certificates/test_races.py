"""Many at once, the same twice, and what is killed in between: one certificate, no gap, file and row together."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
from flask import Flask

from portal.accounts.models import Person, Role
from portal.certificates import handlers, queries, service
from portal.certificates.formats.signed_file import SignedFile
from portal.certificates.invariants import INVARIANTS
from portal.certificates.models import Certificate, CertificateFact, CertificateFile, NumberSeries, StatusEntry
from portal.certificates.service import revocations
from portal.core import clock, jobs
from portal.core.db import session
from portal.core.events import publish
from portal.core.transaction import own_transaction
from portal.journal.models import JournalEntry
from portal.library import queries as library
from portal.training import queries as plans
from portal.training.events import PlanCompleted
from portal.training.rules import StepKind, StepSpec
from tests.builders import Cast, make_grant, make_person
from tests.certificates.builders import issue, make_credential, make_enrollment
from tests.quizzes.crowd import at_once
from tests.training import builders as training

AGREE = StepSpec("agree", StepKind.ACKNOWLEDGE, 0, document="impersonation", minutes=10)
LATER = datetime(2026, 6, 1, 3, tzinfo=UTC)
CROWD = 50


class Killed(BaseException):
    """As when the process is killed: nothing in the product catches it."""


def die(*_arguments: Any, **_values: Any) -> None:
    raise Killed


def sound() -> list[str]:
    return [breach for check in INVARIANTS.values() for breach in check()]


def tell(code: str) -> None:
    """Say, in the transaction that is open, that a plan is completed."""
    enrollment = plans.get_enrollment(code)
    assert enrollment.completed_at is not None
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


def the_job() -> int:
    """Return the one job that makes files."""
    return session.query(jobs.Job).filter_by(name="certificates.render").one().id


def assert_files_are_whole(certificate: str) -> None:
    """Each language once, and its bytes are those of its row; the holder is told once."""
    session.remove()
    assert session.query(CertificateFile).count() == 2
    for language in ("en", "ja"):
        file = queries.get_file(queries.get_certificate(certificate), language)
        assert sha256(file.content).hexdigest() == file.sha256
    assert session.query(JournalEntry).filter_by(action="certificates.file_stored").count() == 2
    told = [each for each in session.query(jobs.Job) if each.effect_key.startswith("mail:certificates.ready:")]
    assert len(told) == 1
    assert session.get_one(jobs.Job, the_job()).state is jobs.JobState.DONE
    assert sound() == []


# --- many at once -------------------------------------------------------------------------------------------------


@pytest.mark.races
def test_fifty_who_complete_and_issue_at_once_make_one_certificate_each(app: Flask) -> None:
    training.load_holidays()
    make_credential("reviewer")
    author = make_person()
    training.make_version("impersonation")
    plan = training.make_plan("first-days", author, AGREE, credential="reviewer")
    learners = [make_person() for _ in range(CROWD // 2)]
    work = [(each.id, training.make_enrollment(each, plan, author).code) for each in learners]

    def act(number: int) -> str:
        person_id, code = work[number % len(work)]
        if number < len(work):
            document = library.find_document("impersonation")
            assert document is not None
            training.acknowledge(session.get_one(Person, person_id), document.versions[-1])
            return "completed"
        with own_transaction():
            return service.issue_certificate(
                credential=queries.get_credential("reviewer"), enrollment=plans.get_enrollment(code)
            ).number

    outcomes = at_once(app, act, CROWD)
    # Whoever came before the completion is refused; all others find the same certificate.
    assert outcomes.count("completed") == len(work)
    found = session.query(Certificate).all()
    assert {each for each in outcomes if isinstance(each, str)} <= {"completed"} | {each.number for each in found}
    assert sorted(each.series_no for each in found) == list(range(1, len(work) + 1))
    assert {each.enrollment_code for each in found} == {code for _, code in work}
    assert session.query(jobs.Job).filter_by(name="certificates.render").count() == len(work)
    assert session.query(StatusEntry).count() == len(work)
    assert sound() == []


@pytest.mark.races
def test_fifty_events_of_which_some_come_to_nothing_leave_no_gap(app: Flask) -> None:
    make_credential()
    codes = [make_enrollment(make_person()).code for _ in range(10)]

    def act(number: int) -> str:
        try:
            with own_transaction():
                tell(codes[number % 10])
                # The fifth delivery of each: whatever it has done by then is undone.
                if number >= 40:
                    raise Killed
        except Killed:
            return "undone"
        return "kept"

    outcomes = at_once(app, act, CROWD)
    assert sorted(outcomes) == ["kept"] * 40 + ["undone"] * 10
    found = session.query(Certificate).all()
    assert sorted(each.series_no for each in found) == list(range(1, 11))
    assert {each.enrollment_code for each in found} == set(codes)
    assert [each.last_number for each in session.query(NumberSeries)] == [10]
    assert sound() == []


@pytest.mark.races
def test_many_who_revoke_at_once_leave_one_fact(app: Flask, cast: Cast) -> None:
    number, by, second = issue(cast.learner).number, cast.admin.id, make_person()
    make_grant(second, Role.ADMIN)
    confirmed_by = second.id

    def act(_number: int) -> str:
        with own_transaction():
            revocations.revoke_by_two(
                certificate=queries.get_certificate(number),
                by=session.get_one(Person, by),
                confirmed_by=session.get_one(Person, confirmed_by),
                reason="Somebody else sat the quiz.",
            )
        return "revoked"

    assert at_once(app, act, 8).count("revoked") == 1
    assert session.query(CertificateFact).count() == 1
    assert sound() == []


@pytest.mark.races
@pytest.mark.parametrize("kind", ["renewed", "reissued"])
def test_what_is_revoked_at_the_same_moment_is_not_carried_on(app: Flask, cast: Cast, kind: str) -> None:
    number = issue(cast.learner).number
    code = make_enrollment(cast.learner, plan="again").code if kind == "renewed" else ""
    admin, lead = cast.admin.id, cast.lead.id

    def act(place: int) -> str:
        with own_transaction():
            certificate, by = queries.get_certificate(number), session.get_one(Person, admin)
            if place:
                service.revoke(
                    certificate=certificate,
                    requested_by=by,
                    confirmed_by=session.get_one(Person, lead),
                    reason="Somebody else sat the quiz.",
                )
                return "revoked"
            if kind == "reissued":
                return service.reissue_certificate(certificate=certificate, reason="Another name.", by=by).number
            return service.issue_certificate(
                credential=queries.get_credential("impersonation-reviewer"), enrollment=plans.get_enrollment(code)
            ).number

    outcomes = at_once(app, act, 2)
    former = queries.get_certificate(number)
    facts = [fact.kind.value for fact in former.facts]
    assert "revoked" in facts, outcomes
    for fresh in session.query(Certificate).filter(Certificate.number != number):
        # Whichever came first: what follows a certificate followed it while it stood.
        assert kind != "reissued" or facts[0] == "superseded"
        assert (fresh.renews_id == former.id) == (kind == "renewed" and facts[0] == "superseded")
    assert sound() == []


# --- the same job more than once ----------------------------------------------------------------------------------


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The languages that were printed, in order."""
    seen: list[str] = []
    print_signed = handlers.print_signed

    def count(snapshot: Any, language: str, **values: Any) -> SignedFile:
        seen.append(language)
        return print_signed(snapshot, language, **values)

    monkeypatch.setattr(handlers, "print_signed", count)
    return seen


def test_a_job_that_is_delivered_twice_prints_once(cast: Cast, printed: list[str]) -> None:
    number, job = issue(cast.learner).number, the_job()
    assert [jobs.run_job(job), jobs.run_job(job)] == [True, False]
    assert printed == ["en", "ja"]
    assert_files_are_whole(number)


@pytest.mark.races
def test_a_job_that_five_workers_get_at_once_prints_once(app: Flask, cast: Cast, printed: list[str]) -> None:
    number, job = issue(cast.learner).number, the_job()
    assert sorted(at_once(app, lambda _number: jobs.run_job(job), 5)) == [False] * 4 + [True]
    assert printed == ["en", "ja"]
    assert_files_are_whole(number)


@pytest.mark.races
def test_a_worker_that_was_given_up_and_comes_back_changes_nothing(
    app: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, job = issue(cast.learner).number, the_job()
    print_signed = handlers.print_signed
    overtaken: list[list[str]] = []

    def slow(snapshot: Any, language: str, **values: Any) -> SignedFile:
        made = print_signed(snapshot, language, **values)
        if not overtaken:
            overtaken.append([])
            with own_transaction():
                session.get_one(jobs.Job, job).touched_at = clock.now() - jobs.LEASE - timedelta(seconds=1)
            assert at_once(app, lambda _number: jobs.run_job(job), 1) == [True]
            overtaken[0] += [each.sha256 for each in session.query(CertificateFile).order_by(CertificateFile.language)]
            session.rollback()
        return made

    monkeypatch.setattr(handlers, "print_signed", slow)
    jobs.run_job(job)
    assert_files_are_whole(number)
    # What the other worker has stored is what is there.
    assert [each.sha256 for each in session.query(CertificateFile).order_by(CertificateFile.language)] == overtaken[0]


# --- killed in between --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "point",
    [
        "portal.certificates.rules.write_number",
        "portal.certificates.service.snapshot_hash",
        "portal.certificates.service.record",
        "portal.certificates.service.status.allot_entry",
        "portal.core.jobs.enqueue",
        "portal.certificates.service.policies.note_coming",
        "portal.certificates.service._supersede",
        "portal.core.transaction.session.commit",
    ],
)
def test_what_dies_while_a_certificate_is_issued_leaves_nothing_of_it(
    cast: Cast, point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_credential()
    former = issue(cast.learner).number
    with clock.frozen(LATER):
        code = make_enrollment(cast.learner, plan="again", completed_at=LATER).code
        tables = (Certificate, CertificateFact, StatusEntry, jobs.Job, JournalEntry)
        before = [session.query(model).count() for model in tables]
        with monkeypatch.context() as patch:
            patch.setattr(point, die)
            with pytest.raises(Killed), own_transaction():
                tell(code)
        session.remove()
        assert [session.query(model).count() for model in tables] == before
        assert queries.get_certificate(former).replaced_at is None
        assert [each.last_number for each in session.query(NumberSeries)] == [1]
        # Told again, it is issued once, under the next number.
        for _ in range(2):
            with own_transaction():
                tell(code)
        fresh = session.query(Certificate).filter_by(enrollment_code=code).one()
        assert (fresh.series_no, fresh.issue_no, fresh.cycle_no) == (2, 1, 2)
        assert queries.get_certificate(former).replaced_at is not None
        assert sound() == []


def test_what_dies_before_the_worker_hears_of_it_is_printed_all_the_same(
    app: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_credential()
    code = make_enrollment(cast.learner).code
    with monkeypatch.context() as patch:
        patch.setitem(app.config, "JOBS_HAND_OVER", True)
        patch.setattr("portal.core.jobs.Queue.hand_over", die)
        with pytest.raises(Killed), own_transaction():
            tell(code)
    session.remove()
    number = session.query(Certificate).one().number
    jobs.run_due()
    assert_files_are_whole(number)


def second_print(monkeypatch: pytest.MonkeyPatch) -> None:
    """Die when the file of the second language is made: that of the first is stored."""
    print_signed = handlers.print_signed

    def first_only(snapshot: Any, language: str, **values: Any) -> SignedFile:
        if language == "ja":
            raise Killed
        return print_signed(snapshot, language, **values)

    monkeypatch.setattr(handlers, "print_signed", first_only)


def telling(monkeypatch: pytest.MonkeyPatch) -> None:
    """Die when the mail to the holder is owed."""
    monkeypatch.setattr("portal.core.mail.send_later", die)


def finishing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Die when the job is noted as done: the mail that was owed in the same transaction is not."""
    monkeypatch.setattr("portal.core.jobs._finish", die)


@pytest.mark.parametrize("dies", [second_print, telling, finishing])
def test_a_worker_that_dies_between_the_files_goes_on_with_what_is_missing(
    cast: Cast, dies: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    number = issue(cast.learner).number
    with monkeypatch.context() as patch:
        dies(patch)
        with pytest.raises(Killed):
            jobs.run_due()
    session.remove()
    kept = {each.language: each.sha256 for each in session.query(CertificateFile)}
    assert "en" in kept
    # Nobody says so: the worker has gone silent, and another one takes over when its time is up.
    assert jobs.run_due() == 0
    with clock.frozen(clock.now() + jobs.LEASE + timedelta(seconds=1)):
        jobs.run_due()
        assert_files_are_whole(number)
    now = {each.language: each.sha256 for each in session.query(CertificateFile)}
    assert kept.items() <= now.items()


@pytest.mark.parametrize(
    "point",
    [
        "portal.certificates.service._note",
        "portal.certificates.service.record",
        "portal.certificates.queries.find_open_request",
        "portal.core.transaction.session.commit",
    ],
)
def test_what_dies_while_a_certificate_is_revoked_leaves_it_standing(
    cast: Cast, point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, admin, lead = issue(cast.learner).number, cast.admin.id, cast.lead.id

    def revoke() -> None:
        with own_transaction():
            revocations.revoke_by_two(
                certificate=queries.get_certificate(number),
                by=session.get_one(Person, admin),
                confirmed_by=session.get_one(Person, lead),
                reason="Somebody else sat the quiz.",
            )

    with monkeypatch.context() as patch:
        patch.setattr(point, die)
        with pytest.raises(Killed):
            revoke()
    session.remove()
    assert queries.get_certificate(number).facts == []
    revoke()
    assert [fact.kind.value for fact in queries.get_certificate(number).facts] == ["revoked"]
    assert sound() == []

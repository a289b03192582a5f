"""Commands that issue, renew and revoke: each certificate for itself, the rest is told, a dry run keeps nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from click.testing import Result
from flask import Flask

from portal.accounts.models import Role
from portal.certificates import queries, service
from portal.certificates.invariants import INVARIANTS
from portal.certificates.models import Certificate, NumberSeries
from portal.certificates.rules import State
from portal.core import clock, jobs
from portal.core.db import session
from portal.core.transaction import own_transaction
from portal.journal.queries import list_entries_about
from tests.builders import Cast, make_grant, make_person
from tests.certificates.builders import issue, make_credential, make_enrollment, renew
from tests.training.builders import load_holidays, make_cohort
from tests.training.builders import make_enrollment as enroll
from tests.training.builders import make_plan as make_whole_plan

SLUG = "impersonation-reviewer"
REFRESHER = "refresher"
LIFE: dict[str, Any] = {"renewal_window_days": 60, "grace_days": 30, "renewal_plan_slug": REFRESHER}
# Issued on 15 April 2026, its last day is 15 April 2027.
ISSUED, IN_WINDOW = datetime(2026, 4, 15, 3, tzinfo=UTC), datetime(2027, 3, 1, 3, tzinfo=UTC)
REASON = "Somebody else sat the quiz."


@pytest.fixture
def in_window() -> Iterator[None]:
    with clock.frozen(IN_WINDOW):
        yield


def run(app: Flask, *arguments: str, language: str = "en") -> Result:
    return app.test_cli_runner().invoke(args=["certificates", *arguments, "--language", language])


def numbers_of(person: Any) -> list[str]:
    return [each.number for each in queries.list_certificates_of(person.id)]


def sound() -> list[str]:
    return [breach for check in INVARIANTS.values() for breach in check()]


# --- issue --------------------------------------------------------------------------------------------------------


def test_all_that_is_owed_is_issued_and_who_gets_none_is_told_why(app: Flask, cast: Cast) -> None:
    make_credential(**LIFE)
    make_enrollment(cast.learner, "ENR-OWED")
    make_enrollment(cast.colleague, "ENR-REFRESHER", plan=REFRESHER)
    said = run(app, "issue", "--by", cast.admin.sign_in_name)
    assert said.exit_code == 0
    (number,) = numbers_of(cast.learner)
    assert said.output.splitlines() == [
        f"✓ {cast.learner.sign_in_name}  {SLUG}  ENR-OWED: {number}",
        f"– {cast.colleague.sign_in_name}  {SLUG}  ENR-REFRESHER: This plan only renews a certificate, and there was "
        "none that could be renewed. Complete the full training plan.",
        "1 certificate issued, not earned: 1",
    ]
    (entry,) = list_entries_about("certificate", number)
    assert (entry.action, entry.actor_code) == ("certificates.issued", cast.admin.code)
    assert "0 certificates issued" in run(app, "issue").output
    assert sound() == []


def test_a_dry_run_says_the_same_and_keeps_nothing(app: Flask, cast: Cast) -> None:
    make_credential()
    make_enrollment(cast.learner, "ENR-OWED")
    said = run(app, "issue", "--dry-run")
    assert (said.exit_code, said.output.splitlines()) == (
        0,
        [f"✓ {cast.learner.sign_in_name}  {SLUG}  ENR-OWED", "1 certificate would be issued"],
    )
    for model in (Certificate, NumberSeries, jobs.Job):
        assert session.query(model).count() == 0
    # No number was given out by it.
    run(app, "issue")
    assert session.query(Certificate).one().series_no == 1


def test_people_who_are_named_are_told_what_they_have_not_completed(app: Flask, cast: Cast) -> None:
    make_credential()
    make_enrollment(cast.learner)
    make_enrollment(cast.colleague, "ENR-UNDER-WAY", done=False)
    named = [cast.colleague.sign_in_name, cast.lead.sign_in_name]
    said = run(app, "issue", "--person", named[0], "--person", named[1], "--credential", SLUG)
    assert said.exit_code == 0
    assert said.output.splitlines()[0].startswith(f"– {named[0]}  {SLUG}  ENR-UNDER-WAY: The training plan is not")
    assert said.output.splitlines()[1:] == [
        f"– {named[1]}: nothing is owed",
        "0 certificates issued, not earned: 1",
    ]
    # Whoever was not named waits.
    assert numbers_of(cast.learner) == []


def test_a_cohort_is_issued_to_and_nobody_else(app: Flask, cast: Cast) -> None:
    make_credential()
    load_holidays()
    cohort = make_cohort(cast.lead)
    enroll(cast.learner, make_whole_plan("other", cast.author), cast.lead, cohort=cohort)
    make_enrollment(cast.learner)
    make_enrollment(cast.colleague)
    said = run(app, "issue", "--cohort", cohort.code, "--credential", SLUG)
    assert (said.exit_code, said.output.splitlines()[-1]) == (0, "1 certificate issued")
    assert len(numbers_of(cast.learner)) == 1
    assert numbers_of(cast.colleague) == []


def test_one_that_fails_is_named_and_the_others_are_issued(
    app: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_credential()
    for person, code in ((cast.learner, "ENR-1"), (cast.colleague, "ENR-2"), (cast.lead, "ENR-3")):
        make_enrollment(person, code)
    gather = queries.gather_basis

    def broken(enrollment: Any) -> dict[str, Any]:
        if enrollment.code == "ENR-2":
            raise ZeroDivisionError
        return gather(enrollment)

    with monkeypatch.context() as patch:
        patch.setattr(queries, "gather_basis", broken)
        said = run(app, "issue")
    assert said.exit_code == 1
    assert f"✗ {cast.colleague.sign_in_name}  {SLUG}  ENR-2: unexpected: ZeroDivisionError" in said.output.splitlines()
    assert said.output.splitlines()[-1] == "2 certificates issued, failed: 1"
    # It can be run again: what is there stays, what is missing follows without a gap.
    assert run(app, "issue").exit_code == 0
    assert sorted(each.series_no for each in session.query(Certificate)) == [1, 2, 3]
    assert sound() == []


def test_a_credential_that_is_missing_is_a_failure(app: Flask, cast: Cast) -> None:
    make_enrollment(cast.learner, credential="not-there-yet")
    said = run(app, "issue")
    assert said.exit_code == 1
    assert "There is no credential “not-there-yet”." in said.output


def test_a_command_that_was_stopped_goes_on_where_it_was(
    app: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_credential()
    for person in (cast.learner, cast.colleague, cast.lead):
        make_enrollment(person)
    issued = service.issue_certificate

    def stopped(**values: Any) -> Certificate:
        if session.query(Certificate).count() == 1:
            raise KeyboardInterrupt
        return issued(**values)

    with monkeypatch.context() as patch:
        patch.setattr(service, "issue_certificate", stopped)
        assert run(app, "issue").exit_code == 1
    assert session.query(Certificate).count() == 1
    assert run(app, "issue").output.splitlines()[-1] == "2 certificates issued"
    assert sorted(each.series_no for each in session.query(Certificate)) == [1, 2, 3]
    assert sound() == []


@pytest.mark.parametrize("command", ["issue", "renew"])
@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--person", "nobody@portal.example"], 1, "Nobody signs in as nobody@portal.example."),
        (["--by", "nobody@portal.example"], 1, "Nobody signs in as nobody@portal.example."),
        (["--credential", "unknown"], 1, "There is no credential “unknown”."),
        (["--cohort", "unknown"], 1, "There is no such cohort."),
        (["--cohort", "a", "--person", "b"], 2, "Name people or a cohort, not both."),
    ],
)
def test_whoever_and_whatever_is_unknown_is_said_and_nothing_issued(
    app: Flask, cast: Cast, command: str, options: list[str], code: int, said: str
) -> None:
    make_credential()
    make_enrollment(cast.learner)
    result = run(app, command, *options)
    assert (result.exit_code, said in result.output) == (code, True), result.output
    assert session.query(Certificate).count() == 0


# --- renew --------------------------------------------------------------------------------------------------------


def renewable(cast: Cast) -> Certificate:
    make_credential(**LIFE)
    return renew(cast.learner, ISSUED)


@pytest.mark.usefixtures("in_window")
def test_a_renewal_that_is_owed_is_issued_and_a_first_certificate_is_not(app: Flask, cast: Cast) -> None:
    former = renewable(cast)
    make_enrollment(cast.learner, "ENR-AGAIN", plan=REFRESHER, completed_at=IN_WINDOW)
    make_enrollment(cast.colleague, "ENR-FIRST")
    dry = run(app, "renew", "--dry-run")
    assert dry.output.splitlines() == [
        f"✓ {cast.learner.sign_in_name}  {SLUG}  ENR-AGAIN",
        "1 certificate would be issued",
    ]
    assert numbers_of(cast.learner) == [former.number]
    said = run(app, "renew", "--by", cast.admin.sign_in_name)
    assert (said.exit_code, said.output.splitlines()[-1]) == (0, "1 certificate issued")
    fresh = queries.get_certificate(numbers_of(cast.learner)[0])
    assert (fresh.cycle_no, fresh.renews_id, fresh.expires_on) == (2, former.id, date(2028, 4, 15))
    assert service.state_of(queries.get_certificate(former.number)) is State.RENEWED
    assert numbers_of(cast.colleague) == []
    assert sound()[0].startswith("enrollment ENR-FIRST is completed")


@pytest.mark.usefixtures("in_window")
def test_without_a_completion_nothing_is_renewed_and_who_should_see_to_it_is_told(app: Flask, cast: Cast) -> None:
    former = renewable(cast)
    said = run(app, "renew")
    assert (said.exit_code, said.output.splitlines()) == (
        0,
        [
            f"– {cast.learner.sign_in_name}  {SLUG}  {former.number}: no plan has been completed that renews it",
            "0 certificates issued, not earned: 1",
        ],
    )
    assert numbers_of(cast.learner) == [former.number]


@pytest.mark.usefixtures("in_window")
def test_what_was_suspended_in_between_is_not_renewed(app: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    former = renewable(cast)
    # When it was completed there was something to renew.
    make_enrollment(cast.learner, "ENR-AGAIN", plan="whole", completed_at=IN_WINDOW - timedelta(days=1))
    number, admin_id = former.number, cast.admin.id
    last_issue = queries.find_last_issue
    done: list[str] = []

    def suspended_meanwhile(credential_id: int, enrollment_code: str) -> Certificate | None:
        # The command has chosen whom to renew by now; this is read under the lock.
        if not done:
            done.append(number)
            service.suspend(
                certificate=queries.get_certificate(number),
                reason="Looked into for now.",
                by=session.get_one(type(cast.admin), admin_id),
            )
        return last_issue(credential_id, enrollment_code)

    monkeypatch.setattr(queries, "find_last_issue", suspended_meanwhile)
    said = run(app, "renew")
    assert said.output.splitlines()[0].startswith(
        f"– {cast.learner.sign_in_name}  {SLUG}  ENR-AGAIN: There was no certificate that could be renewed"
    )
    assert (said.exit_code, numbers_of(cast.learner)) == (0, [number])


# --- revoke -------------------------------------------------------------------------------------------------------


@pytest.fixture
def two(cast: Cast) -> list[str]:
    """The options that name two administrators and a reason."""
    second = make_person("second@portal.example")
    make_grant(second, Role.ADMIN)
    return ["--by", cast.admin.sign_in_name, "--confirmed-by", second.sign_in_name, "--reason", REASON]


def test_two_administrators_revoke_and_both_are_on_record(app: Flask, cast: Cast, two: list[str]) -> None:
    first, second = issue(cast.learner), issue(cast.colleague)
    with own_transaction():
        service.request_revocation(certificate=first, reason="Asked for on its page.", by=cast.admin)
    dry = run(app, "revoke", first.number, *two, "--dry-run")
    assert (dry.exit_code, dry.output.splitlines()[-1]) == (0, "1 certificate would be revoked")
    assert service.state_of(queries.get_certificate(first.number)) is State.VALID
    # By number and by code; the same twice is one.
    said = run(app, "revoke", first.number, second.code, first.number, *two)
    assert (said.exit_code, said.output.splitlines()) == (
        0,
        [f"✓ {first.number}: {first.number}", f"✓ {second.code}: {second.number}", "2 certificates revoked"],
    )
    for each in (first, second):
        revoked = queries.get_certificate(each.number)
        assert service.state_of(revoked) is State.REVOKED
        (fact,) = revoked.facts
        assert (fact.by, fact.reason) == (cast.admin.code, REASON)
        assert fact.confirmed_by not in (None, cast.admin.code)
    # Nothing is left open that somebody would be asked to confirm.
    assert queries.list_asked_to_revoke() == []


def test_one_that_cannot_be_revoked_is_named_and_the_others_are(app: Flask, cast: Cast, two: list[str]) -> None:
    own, others = issue(cast.admin), issue(cast.learner)
    said = run(app, "revoke", own.number, "NO-SUCH", others.number, *two)
    assert said.exit_code == 1
    assert said.output.splitlines() == [
        f"✗ {own.number}: Two administrators revoke a certificate, and neither of them is its holder.",
        "✗ NO-SUCH: No certificate has the number or the code NO-SUCH.",
        f"✓ {others.number}: {others.number}",
        "1 certificate revoked, failed: 2",
    ]
    again = run(app, "revoke", others.number, *two)
    assert (again.exit_code, "already revoked" in again.output) == (1, True)


def test_nobody_revokes_alone_without_the_right_or_without_a_reason(app: Flask, cast: Cast, two: list[str]) -> None:
    number = issue(cast.learner).number
    admin, second = two[1], two[3]
    for by, confirmed_by, reason, code, said in (
        (admin, admin, REASON, 2, "two different people"),
        (admin, second, "  short   ", 2, "at least ten characters"),
        (admin, cast.lead.sign_in_name, REASON, 1, f"{cast.lead.sign_in_name} may not revoke certificates."),
        (cast.author.sign_in_name, second, REASON, 1, f"{cast.author.sign_in_name} may not revoke certificates."),
        (admin, "nobody@portal.example", REASON, 1, "Nobody signs in as nobody@portal.example."),
    ):
        result = run(app, "revoke", number, "--by", by, "--confirmed-by", confirmed_by, "--reason", reason)
        assert (result.exit_code, said in result.output) == (code, True), result.output
    assert run(app, "revoke", number, "--by", admin, "--reason", REASON).exit_code == 2
    assert service.state_of(queries.get_certificate(number)) is State.VALID


def test_the_commands_speak_japanese(app: Flask, cast: Cast, two: list[str]) -> None:
    make_credential()
    make_enrollment(cast.learner)
    assert run(app, "issue", "--dry-run", language="ja").output.splitlines()[-1] == "修了証1件を発行できます"
    assert run(app, "issue", language="ja").output.splitlines()[-1] == "修了証を1件発行しました"
    (number,) = numbers_of(cast.learner)
    assert run(app, "revoke", number, *two, language="ja").output.splitlines()[-1] == "修了証を1件取り消しました"
    assert "資格の条件" not in run(app, "renew", "--person", cast.lead.sign_in_name, language="ja").output

"""One certificate for one completion, with a number that follows the one before, and everything on it kept."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.exc import IntegrityError

from portal.certificates import queries, service
from portal.certificates.errors import NotCompleted, NotInThisState, NumberTaken, VersionChanged, VersionNotNewer
from portal.certificates.invariants import INVARIANTS
from portal.certificates.models import Certificate, CertificateFact
from portal.certificates.rules import FactKind, State
from portal.core import clock, codes, jobs
from portal.core.db import canonical_json, session
from portal.core.i18n import Words
from portal.core.transaction import own_transaction
from portal.journal.queries import list_entries_about
from tests.builders import Cast, make_person
from tests.certificates.builders import (
    issue,
    issue_with_files,
    make_author,
    make_credential,
    make_enrollment,
    make_spec,
    told_at_once,
)

NEW_YEARS_EVE_IN_TOKYO = datetime(2026, 12, 31, 15, 30, tzinfo=UTC)


def sound() -> list[str]:
    return [breach for check in INVARIANTS.values() for breach in check()]


def test_a_second_event_about_the_same_completion_changes_nothing(cast: Cast) -> None:
    credential, enrollment = make_credential(), make_enrollment(cast.learner)
    numbers = set()
    for _ in range(3):
        with own_transaction():
            numbers.add(service.issue_certificate(credential=credential, enrollment=enrollment).number)
    assert len(numbers) == 1
    assert len(queries.list_certificates_of(cast.learner.id)) == 1
    assert sound() == []


def test_numbers_follow_one_another_without_a_gap_even_after_a_failure(app: Flask) -> None:
    credential = make_credential()
    first = issue(credential=credential)

    enrollment = make_enrollment(make_person())

    def fail_after_issuing() -> None:
        with own_transaction():
            service.issue_certificate(credential=credential, enrollment=enrollment)
            raise RuntimeError("planted")

    with pytest.raises(RuntimeError, match="planted"):
        fail_after_issuing()
    second = issue(enrollment.person, credential, enrollment.code)
    assert (first.series_no, second.series_no) == (1, 2)
    year = first.issued_on.year
    assert second.number == f"IR-{year}-0002"
    assert sound() == []


def test_a_new_year_in_the_holders_market_begins_a_new_series(app: Flask) -> None:
    credential = make_credential()
    with clock.frozen(NEW_YEARS_EVE_IN_TOKYO - timedelta(hours=1)):
        old = issue(credential=credential)
    with clock.frozen(NEW_YEARS_EVE_IN_TOKYO):
        new = issue(credential=credential)
    assert old.number == "IR-2026-0001"
    assert new.number == "IR-2027-0001"
    assert (old.issued_on, new.issued_on) == (date(2026, 12, 31), date(2027, 1, 1))
    assert new.expires_on == date(2028, 1, 1)


def test_two_credentials_with_one_number_format_share_its_numbers(app: Flask) -> None:
    one, two = make_credential("one"), make_credential("two")
    assert {issue(credential=one).series_no, issue(credential=two).series_no} == {1, 2}
    assert sound() == []


def test_formats_that_collide_by_their_padding_are_refused_by_number(app: Flask) -> None:
    issue(credential=make_credential("one", number_format="A-1{number}"))
    with pytest.raises(NumberTaken, match="A-11"):
        issue(credential=make_credential("two", number_format="A-{number}1"))


def test_the_snapshot_holds_all_that_is_printed_and_the_basis(cast: Cast) -> None:
    certificate = issue(cast.learner)
    said = certificate.snapshot
    assert said["holder"] == {
        "ja": cast.learner.name_in("ja"),
        "en": cast.learner.name_in("en"),
        "kana": cast.learner.full_kana,
    }
    assert said["credential"]["statement"]["en"].startswith(
        "has completed the training plan “Account safety: the first ten days” (version 1.2) of "
    )
    assert "{" not in said["credential"]["statement"]["ja"]
    assert said["basis"]["documents"][0]["clauses"]["scope"] == "1" * 64
    assert said["basis"]["documents"][0]["acknowledged_on"]
    assert said["basis"]["documents"][0]["title"] == {"en": "Impersonation", "ja": "なりすまし"}
    assert said["basis"]["quizzes"][0]["result"] == {"en": "passed, result 90% or more", "ja": "合格（得点率90%以上）"}
    assert said["verify_url"] == f"https://portal.example/verify/{certificate.code}"
    assert codes.is_well_formed(certificate.code, 26)
    assert certificate.snapshot_sha256 == sha256(canonical_json(said).encode()).hexdigest()


def test_a_later_change_of_name_leaves_the_certificate_as_it_was(cast: Cast) -> None:
    certificate = issue_with_files(cast.learner)
    before = queries.get_file(certificate, "ja").sha256
    with own_transaction():
        cast.learner.family_name = "佐々木"
    jobs.run_due()
    again = queries.get_certificate(certificate.number)
    assert "髙橋" in again.snapshot["holder"]["ja"]
    assert queries.get_file(again, "ja").sha256 == before


def test_an_issue_is_in_the_journal(cast: Cast) -> None:
    certificate = issue(cast.learner)
    entries = list_entries_about("certificate", certificate.number)
    assert [entry.action for entry in entries] == ["certificates.issued"]
    assert entries[0].after is not None
    assert certificate.code not in canonical_json(entries[0].after)


def test_nothing_is_issued_to_a_deactivated_account(cast: Cast) -> None:
    with own_transaction():
        cast.learner.deactivated_at = clock.now()
    with pytest.raises(NotCompleted):
        issue(cast.learner)
    assert queries.list_certificates_of(cast.learner.id) == []
    assert sound() == []


def test_nothing_is_issued_for_a_plan_that_is_not_completed(cast: Cast) -> None:
    credential, enrollment = make_credential(), make_enrollment(cast.learner, done=False)
    with pytest.raises(NotCompleted), own_transaction():
        service.issue_certificate(credential=credential, enrollment=enrollment)
    assert queries.list_certificates_of(cast.learner.id) == []


def test_a_renewal_supersedes_and_never_deletes(cast: Cast) -> None:
    credential = make_credential()
    first = issue(cast.learner, credential, "ENR1")
    second = issue(cast.learner, credential, "ENR2")
    first = queries.get_certificate(first.number)
    assert service.state_of(first) is State.RENEWED
    assert first.facts[0].replaced_by_id == second.id
    assert service.state_of(second) is State.VALID
    assert sound() == []


def test_a_changed_name_gets_a_new_certificate_for_the_same_completion(cast: Cast) -> None:
    first = issue(cast.learner, code="ENR1")
    with own_transaction():
        cast.learner.family_name = "佐々木"
        fresh = service.reissue_certificate(certificate=first, reason="married name on request", by=cast.admin)
    assert fresh.issue_no == 2
    assert "佐々木" in fresh.snapshot["holder"]["ja"]
    assert (fresh.expires_on, fresh.snapshot["plan"]) == (first.expires_on, first.snapshot["plan"])
    assert fresh.snapshot["basis"] == first.snapshot["basis"]
    assert service.state_of(queries.get_certificate(first.number)) is State.SUPERSEDED
    assert sound() == []
    with pytest.raises(NotInThisState), own_transaction():
        service.reissue_certificate(certificate=first, reason="and once more, please", by=cast.admin)


def test_a_version_of_a_credential_is_immutable(app: Flask) -> None:
    make_credential()
    for number, title, refusal in (("1.0", "Another", VersionChanged), ("0.9", "Older", VersionNotNewer)):
        with pytest.raises(refusal), own_transaction():
            service.publish_version(
                slug="impersonation-reviewer",
                number=number,
                spec=make_spec(title=Words(title, title)),
                by=make_author(),
            )
    with own_transaction():
        same = service.publish_version(slug="impersonation-reviewer", number="1.0", spec=make_spec(), by=make_author())
    assert same is None


def test_a_new_version_holds_for_new_certificates_only(cast: Cast) -> None:
    credential = make_credential()
    old = issue(cast.learner, credential)
    make_credential(number="1.10", validity_months=6)
    new = issue(cast.colleague, credential)
    assert old.snapshot["credential"]["version"] == "1.0"
    assert new.snapshot["credential"]["version"] == "1.10"
    assert new.expires_on is not None
    assert old.expires_on is not None
    assert new.expires_on < old.expires_on


def test_the_database_itself_refuses_a_second_current_issue(cast: Cast) -> None:
    certificate = issue(cast.learner, code="ENR1")
    values = {
        column.key: getattr(certificate, column.key) for column in Certificate.__table__.columns if column.key != "id"
    }
    values |= {"issue_no": 2, "series_no": 99, "number": "X-99", "code": codes.new_secret_code()}
    with pytest.raises(IntegrityError), own_transaction():
        session.add(Certificate(**values))


def test_the_database_itself_wants_two_people_for_a_revocation(cast: Cast) -> None:
    certificate = issue(cast.learner)
    for confirmed_by in (None, "same"):
        with pytest.raises(IntegrityError), own_transaction():
            session.add(
                CertificateFact(
                    certificate_id=certificate.id,
                    kind=FactKind.REVOKED,
                    at=clock.now(),
                    by="same",
                    confirmed_by=confirmed_by,
                    reason="alone",
                )
            )


@pytest.mark.races
def test_parallel_completions_get_one_certificate_each_and_numbers_without_a_gap(app: Flask) -> None:
    credential = make_credential()
    slug = credential.slug
    # Each completion is told twice, at the same time.
    work = [make_enrollment(make_person()).code for _ in range(6)] * 2
    assert told_at_once(app, slug, work) == []
    found = session.query(Certificate).all()
    assert sorted(each.series_no for each in found) == [1, 2, 3, 4, 5, 6]
    assert len({each.enrollment_code for each in found}) == 6
    assert sound() == []


def test_each_invariant_turns_red_when_it_is_broken(cast: Cast) -> None:
    certificate = issue_with_files(cast.learner)
    assert sound() == []

    def broken(name: str, statement: str, **values: Any) -> None:
        from sqlalchemy import text

        session.execute(text(statement), values)
        session.expire_all()
        assert INVARIANTS[name](), name
        session.rollback()
        assert sound() == []

    broken("I15 certificate files are unchanged", "update certificate_files set sha256 = :h", h="0" * 64)
    broken("I15 certificate files are unchanged", "update certificate_files set content = :b", b=b"other")
    broken("I7 certificates say what they said", "update certificates set snapshot_sha256 = :h", h="0" * 64)
    broken("I7 certificates say what they said", "update certificates set expires_on = :d", d=date(2099, 1, 1))
    broken("I7 certificate numbers have no gaps", "update certificate_series set last_number = 7")
    broken("I7 certificates and completed plans agree", "update enrollments set completed_at = null")
    broken("I7 one current certificate per completion", "update certificates set issue_no = 3")
    broken("I7 one current certificate per completion", "update certificates set replaced_at = issued_at")
    assert certificate.number

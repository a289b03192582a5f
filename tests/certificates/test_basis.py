"""What a certificate says of results: a band and a day; who issued it anew says no more than that either."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import pytest

from portal.accounts.models import Person
from portal.certificates import service
from portal.certificates.models import Certificate
from portal.certificates.rules.basis import Band, as_told, band_of
from portal.certificates.service import snapshot_hash
from portal.certificates.service.transcripts import certificates_of
from portal.core.db import session
from portal.core.transaction import own_transaction
from tests.builders import Cast
from tests.certificates.builders import issue

OLD: dict[str, Any] = {
    "documents": [
        {
            "slug": "impersonation",
            "version": "1.0",
            "title": {"en": "Impersonation", "ja": "なりすまし"},
            "hash": "00",
            "clauses": {"scope": "1111"},
            "acknowledged_at": "2026-05-10T20:00:00+00:00",
        }
    ],
    "attempts": [
        {
            "code": "ATTEMPT00000000000001",
            "quiz": "impersonation",
            "version": "1.0",
            "title": {"en": "Impersonation", "ja": "なりすまし"},
            "score": "13/14",
            "questions": {"impersonation/b": 2, "impersonation/a": 1},
            "sections": [{"id": "s", "title": {"en": "S", "ja": "S"}, "score": "3/4", "pass_mark": "1/2"}],
        }
    ],
    "sign_offs": [
        {"step": "talk", "title": {"en": "Talk", "ja": "面談"}, "by": "P00077", "at": "2026-05-10T20:00:00+00:00"}
    ],
    "by_hand": [
        {
            "quiz": "exposure",
            "version": "1.0",
            "title": {"en": "Exposure", "ja": "暴露"},
            "kind": "override",
            "decision": "DECISION000000000001",
            "asked_by": "P00077",
            "confirmed_by": "P00078",
            "at": "2026-05-10T20:00:00+00:00",
            "score": "4/5",
        }
    ],
    "exempt": [
        {"step": "visit", "title": {"en": "Visit", "ja": "訪問"}, "by": "P00077", "at": "2026-05-10T20:00:00+00:00"}
    ],
}
SECRETS = ("13/14", "3/4", "4/5", "ATTEMPT", "DECISION", "P0007", "T20:00")


@pytest.mark.parametrize(
    ("score", "band"),
    [("9/10", Band.PASSED_HIGH), ("89/99", Band.PASSED), ("1", Band.PASSED_HIGH), ("13/14", Band.PASSED_HIGH)],
)
def test_from_nine_tenths_on_a_result_is_of_the_higher_band(score: str, band: Band) -> None:
    assert band_of(Fraction(score)) is band


def test_scores_attempts_people_and_hours_become_bands_and_days() -> None:
    told = as_told(OLD, "Asia/Tokyo")
    assert not [secret for secret in SECRETS if secret in json.dumps(told)]
    assert told["quizzes"][0]["band"] == "passed_high"
    assert told["quizzes"][0]["questions"] == ["impersonation/a@1", "impersonation/b@2"]
    assert told["documents"][0]["clauses"] == {"scope": "1111"}
    # The day on which it was in the holder's zone.
    assert told["documents"][0]["acknowledged_on"] == told["sign_offs"][0]["on"] == "2026-05-11"
    assert told["by_hand"][0]["band"] == "passed"
    assert as_told(told, "Asia/Tokyo") == told


def as_of_format_2(certificate: Certificate) -> None:
    """Make a certificate one that was issued when the basis said everything."""
    snapshot = certificate.snapshot | {"format": 2, "basis": OLD}
    session.execute(
        Certificate.__table__.update()  # type: ignore[attr-defined]
        .where(Certificate.id == certificate.id)
        .values(snapshot=snapshot, snapshot_sha256=snapshot_hash(snapshot))
    )
    session.commit()


@pytest.mark.parametrize("language", ["en", "ja"])
def test_pages_read_what_was_issued_before(cast: Cast, as_: Any, language: str) -> None:
    certificate = issue(cast.learner)
    now = as_(cast.learner, language=language).get("certificates.show", number=certificate.number)
    assert {"en": "passed, result 90% or more", "ja": "合格（得点率90%以上）"}[language] in now.text
    as_of_format_2(certificate)
    as_(cast.learner, language=language).get("certificates.show", number=certificate.number)
    assert rests(cast.learner) == {"ATTEMPT00000000000001"}


def rests(person: Person) -> frozenset[str]:
    (rest,) = certificates_of(person)
    return rest.attempts


def test_who_is_issued_one_anew_gets_no_scores_with_it(cast: Cast) -> None:
    certificate = issue(cast.learner)
    as_of_format_2(certificate)
    with own_transaction():
        fresh = service.reissue_certificate(certificate=certificate, reason="Another paper.", by=cast.admin)
    assert fresh.snapshot["format"] == 3
    assert not [secret for secret in SECRETS if secret in json.dumps(fresh.snapshot["basis"])]

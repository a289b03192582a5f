"""Credentials, completions and certificates for tests."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

from portal.accounts.models import Person
from portal.certificates import queries, service
from portal.certificates.models import Certificate, Credential, Design, Honorific
from portal.certificates.service import Completion, CredentialSpec
from portal.core import jobs
from portal.core.i18n import Words
from portal.core.transaction import own_transaction
from tests.builders import MORNING, make_person

_numbers = itertools.count(1)

DOCUMENTS = [
    {
        "slug": "impersonation",
        "version": "1.0",
        "title": {"en": "Impersonation", "ja": "なりすまし"},
        "hash": "0" * 64,
        "clauses": {"scope": "1" * 64, "fan-accounts": "2" * 64},
    }
]
ATTEMPTS = [
    {
        "code": "ATT0000001",
        "quiz": "impersonation",
        "version": "1.0",
        "title": {"en": "Impersonation: knowledge check", "ja": "なりすまし 確認テスト"},
        "score": "11/12",
        "questions": {"impersonation/imp-001": 1},
    }
]


def make_spec(**values: Any) -> CredentialSpec:
    """Return what a version of a credential says."""
    defaults: dict[str, Any] = {
        "title": Words("Impersonation Reviewer", "なりすまし審査担当者"),
        "statement": Words(
            "has completed the training plan “{plan}” (version {version}) of {organisation}.",
            "上記の者は、{organisation}の研修計画「{plan}」（第{version}版）の全課程を修了したことを証します。",
        ),
        "validity_months": 12,
        "design": Design.MODERN,
        "honorific": Honorific.NONE,
        "seal": "修了之印",
        "number_format": "IR-{year}-{number:04}",
        "signatory_name": Words("Akiko Mori", "森 明子"),
        "signatory_title": Words("Head of Training", "研修責任者"),
    }
    return CredentialSpec(**(defaults | values))


def make_credential(slug: str = "impersonation-reviewer", number: str = "1.0", **values: Any) -> Credential:
    """Return the credential of the slug, with its version published if it is not there."""
    with own_transaction():
        by = make_author()
        service.publish_version(slug=slug, number=number, spec=make_spec(**values), by=by)
    return queries.get_credential(slug)


class _Author:
    code = "P-AUTHOR"
    full_name = "author"


def make_author() -> Any:
    """Return somebody who publishes, without an account."""
    return _Author()


def make_completion(code: str | None = None, **values: Any) -> Completion:
    """Return a completed plan."""
    defaults: dict[str, Any] = {
        "enrollment_code": code or f"ENR{next(_numbers):07d}",
        "plan_slug": "account-safety",
        "plan_version": "1.2",
        "plan_title": Words("Account safety: the first ten days", "アカウント安全 最初の10日間"),
        "completed_at": MORNING + timedelta(days=14),
        "basis": {"documents": DOCUMENTS, "attempts": ATTEMPTS, "sign_offs": []},
    }
    return Completion(**(defaults | values))


def issue(
    person: Person | None = None, credential: Credential | None = None, code: str | None = None, **values: Any
) -> Certificate:
    """Issue a certificate; its files are not made yet. `values` go to the credential where none is given."""
    person = person or make_person()
    credential = credential or make_credential(**values)
    with own_transaction():
        return service.issue_certificate(credential=credential, person=person, completion=make_completion(code))


def issue_with_files(person: Person | None = None, **values: Any) -> Certificate:
    """Issue a certificate and carry out all that is owed."""
    certificate = issue(person, **values)
    jobs.run_due()
    return queries.get_certificate(certificate.number)

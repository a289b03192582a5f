"""Credentials, completions and certificates for tests."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from fractions import Fraction
from io import BytesIO
from typing import Any

from flask import Flask
from PIL import Image, ImageDraw

from portal.accounts.models import Person
from portal.certificates import queries, service
from portal.certificates.models import Certificate, Credential, Design, Honorific, TemplateVersion
from portal.certificates.queries import templates as template_queries
from portal.certificates.rules.templates import ImageKind, starting_spec
from portal.certificates.service import CredentialSpec, pictures, templates
from portal.core import clock, jobs
from portal.core.db import session
from portal.core.i18n import Words
from portal.core.markdown import TrustedHtml
from portal.core.transaction import own_transaction
from portal.library.models import (
    ChangeClass,
    Clause,
    ClauseText,
    Document,
    DocumentKind,
    DocumentVersion,
    Origin,
    VersionText,
)
from portal.training.models import Enrollment, Plan, PlanStep, PlanVersion, StepCompletion
from portal.training.rules import Doer, StepKind
from tests.builders import MORNING, make_person, save

_numbers = itertools.count(1)


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


def make_picture(colour: str = "red", size: tuple[int, int] = (120, 120), kind: str = "PNG") -> bytes:
    """Return the bytes of a picture on white paper, as somebody uploads it."""
    image = Image.new("RGB", size, "white")
    ImageDraw.Draw(image).rectangle((4, 4, size[0] - 5, size[1] - 5), outline=colour, width=6)
    target = BytesIO()
    image.save(target, kind)
    return target.getvalue()


def make_template(
    slug: str = "framed", *, by: Person, design: Design = Design.CLASSIC, **values: Any
) -> TemplateVersion:
    """Return version 1 of a template with a picture of a seal, published."""
    with own_transaction():
        made = pictures.remake(make_picture(), ImageKind.SEAL)
        image = pictures.add_image(kind=ImageKind.SEAL, name="seal.png", picture=made, by=by)
        spec = replace(starting_spec(design), **({"seal_image": image.sha256} | values))
        template = templates.begin_template(slug=slug, spec=spec, by=by)
        templates.publish(template=template, revision=1, by=by)
    return template_queries.get_version(slug, 1)


CLAUSES = {"scope": "1" * 64, "fan-accounts": "2" * 64}


def make_document() -> DocumentVersion:
    """Return version 1.0 of a document with two clauses, made if it is not there."""
    found = session.query(DocumentVersion).filter_by(number="1.0").first()
    if found is not None:
        return found
    document = Document(
        slug="impersonation",
        kind=DocumentKind.POLICY,
        authoritative="en",
        sensitivity="S0",
        created_at=MORNING,
        created_by="test",
    )
    version = DocumentVersion(
        document=document,
        number="1.0",
        sequence=1,
        change_class=ChangeClass.MATERIAL,
        issued_at=MORNING,
        issued_by="test",
        effective_at=MORNING,
        zone="Asia/Tokyo",
        origin=Origin.IMPORT,
        hash="0" * 64,
    )
    clauses = [
        Clause(version=version, anchor=anchor, position=position, level=2)
        for position, anchor in enumerate(CLAUSES, start=1)
    ]
    for language, title in (("en", "Impersonation"), ("ja", "なりすまし")):
        text = VersionText(
            language=language,
            title=title,
            source="",
            hash="0" * 64,
            says_number="1.0",
            behind=[],
            reading_minutes=5,
            footnotes_html=TrustedHtml(""),
            shown_at=MORNING,
        )
        version.texts.append(text)
        for clause in clauses:
            clause.texts.append(
                ClauseText(
                    version_text=text,
                    language=language,
                    heading=clause.anchor,
                    source="",
                    hash=CLAUSES[clause.anchor] if language == "en" else "9" * 64,
                    heading_html=TrustedHtml(clause.anchor),
                    html=TrustedHtml(""),
                )
            )
    save(version)
    return version


def make_changed_document(effective_at: datetime | None = None) -> DocumentVersion:
    """Add version 2.0 of that document to the session, a material one that takes both clauses out."""
    return DocumentVersion(
        document=make_document().document,
        number="2.0",
        sequence=2,
        change_class=ChangeClass.MATERIAL,
        issued_at=clock.now(),
        issued_by="test",
        effective_at=effective_at or clock.now(),
        zone="Asia/Tokyo",
        origin=Origin.IMPORT,
        hash="1" * 64,
    )


def make_plan(credential: str | None = "impersonation-reviewer", slug: str | None = None) -> PlanVersion:
    """Return version 1.2 of a plan that ends with this credential, made if it is not there."""
    slug = slug or (f"account-safety-{credential}" if credential else "without-credential")
    found = session.query(PlanVersion).join(Plan).filter(Plan.slug == slug).one_or_none()
    if found is not None:
        return found
    version = PlanVersion(
        plan=Plan(slug=slug, created_at=MORNING),
        number="1.2",
        title=Words("Account safety: the first ten days", "アカウント安全 最初の10日間"),
        summary=Words("Summary", "概要"),
        credential_slug=credential,
        digest="0" * 64,
        created_at=MORNING,
        created_by="test",
    )
    for position, (step, kind, document, quiz, by) in enumerate(
        (
            ("agree", StepKind.ACKNOWLEDGE, "impersonation", None, Doer.LEARNER),
            ("quiz", StepKind.QUIZ, None, "impersonation", Doer.LEARNER),
            ("talk", StepKind.SIGN_OFF, None, None, Doer.MENTOR),
        )
    ):
        version.steps.append(
            PlanStep(
                slug=step,
                position=position,
                kind=kind,
                document_slug=document,
                quiz_slug=quiz,
                title=Words(f"Step {step}", f"項目 {step}"),
                due_days=position,
                minutes=10,
                required=True,
                by=by,
                prerequisites=[],
            )
        )
    save(version)
    return version


def make_enrollment(
    person: Person,
    code: str | None = None,
    *,
    credential: str | None = "impersonation-reviewer",
    done: bool = True,
    plan: str | None = None,
    completed_at: datetime | None = None,
    cohort_id: int | None = None,
) -> Enrollment:
    """Return the person's enrollment with everything completed; what completes it tells nobody.

    `plan` names another plan that leads to the credential.
    """
    known = session.query(Enrollment).filter_by(code=code).one_or_none() if code else None
    if known is not None:
        return known
    make_document()
    version = make_plan(credential, plan)
    at = completed_at or MORNING + timedelta(days=14)
    enrollment = Enrollment(
        code=code or f"ENR{next(_numbers):07d}",
        person=person,
        plan_id=version.plan_id,
        plan_version_id=version.id,
        market=person.home_market,
        cohort_id=cohort_id,
        starts_on=date(2026, 4, 1),
        enrolled_at=MORNING,
        enrolled_by="test",
        completed_at=at if done else None,
    )
    agree, quiz, talk = version.steps
    rows: list[dict[str, Any]] = [
        {"step": agree, "document_slug": "impersonation", "document_version": "1.0", "acknowledgement_id": 1},
        {"step": quiz, "attempt_code": "ATT0000001", "score": Fraction(11, 12)},
        {"step": talk},
    ]
    for row in rows:
        enrollment.completions.append(StepCompletion(completed_at=at, recorded_at=at, due_on=None, **row))
    save(enrollment)
    return enrollment


def issue(
    person: Person | None = None, credential: Credential | None = None, code: str | None = None, **values: Any
) -> Certificate:
    """Issue a certificate; its files are not made yet. `values` go to the credential where none is given."""
    person = person or make_person()
    credential = credential or make_credential(**values)
    enrollment = make_enrollment(person, code, credential=credential.slug)
    with own_transaction():
        return service.issue_certificate(credential=credential, enrollment=enrollment)


def renew(
    person: Person,
    at: datetime,
    *,
    plan: str | None = None,
    credential: str = "impersonation-reviewer",
    code: str | None = None,
) -> Certificate:
    """Issue the credential for another completion, completed and issued at an instant."""
    with clock.frozen(at):
        enrollment = make_enrollment(person, code, credential=credential, plan=plan, completed_at=at)
        with own_transaction():
            return service.issue_certificate(credential=queries.get_credential(credential), enrollment=enrollment)


def issue_with_files(person: Person | None = None, **values: Any) -> Certificate:
    """Issue a certificate and carry out all that is owed."""
    certificate = issue(person, **values)
    jobs.run_due()
    return queries.get_certificate(certificate.number)


def told_at_once(app: Flask, slug: str, codes: Sequence[str]) -> list[BaseException]:
    """Ask for the certificates of these completed enrollments at the same moment; return what was raised.

    Unlike `tests.quizzes.crowd.at_once` nothing is asked again, and a refusal is a failure.
    """
    failures: list[BaseException] = []
    ready = threading.Barrier(len(codes))

    def complete(code: str) -> None:
        with app.app_context():
            try:
                ready.wait()
                with own_transaction():
                    service.issue_certificate(
                        credential=session.query(Credential).filter_by(slug=slug).one(),
                        enrollment=session.query(Enrollment).filter_by(code=code).one(),
                    )
            except BaseException as failure:
                failures.append(failure)
            finally:
                session.remove()

    session.remove()
    threads = [threading.Thread(target=complete, args=(each,)) for each in codes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failures

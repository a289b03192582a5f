"""Every look at credentials and certificates."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import and_, bindparam, exists, func, select
from sqlalchemy.orm import aliased, contains_eager, defer, joinedload, selectinload, undefer

from portal.accounts import queries as accounts
from portal.accounts.models import Person
from portal.certificates.errors import FileNotReady, NoSuchCertificate, NoSuchCredential
from portal.certificates.models import (
    Certificate,
    CertificateFact,
    CertificateFile,
    Credential,
    CredentialVersion,
    PolicySupersession,
    RevocationRequest,
)
from portal.certificates.queries.renewals import could_renew
from portal.certificates.rules import FactKind
from portal.cohorts.permissions import Reach
from portal.cohorts.queries import people_within
from portal.core import clock, codes
from portal.core.db import session
from portal.core.i18n import Words
from portal.core.jobs import Job, JobState
from portal.gradebook import queries as gradebook
from portal.library import queries as library
from portal.library.models import ChangeClass, Document, DocumentVersion
from portal.library.rules.changes import ASKS_AGAIN
from portal.library.rules.overlays import base_slug
from portal.quizzes import queries as quizzes
from portal.quizzes.models import Attempt, Item, Question, QuestionBank, QuestionVersion
from portal.training import queries as training
from portal.training.models import Enrollment, Plan, PlanStep, PlanVersion, SignOff, StepCompletion
from portal.training.queries import catalogue
from portal.training.rules import SignOffAct

CODE_LENGTH = 26
MAX_NUMBER_LENGTH = 60
# Well-formed and never given out: looked up in place of a malformed code, so that both cost the same.
_NO_CODE = "0" * CODE_LENGTH


def find_credential(slug: str) -> Credential | None:
    """Return the credential of the slug, or None."""
    return session.scalar(select(Credential).where(Credential.slug == slug))


def get_credential(slug: str) -> Credential:
    """Return the credential of the slug. Raises `NoSuchCredential`."""
    found = find_credential(slug)
    if found is None:
        raise NoSuchCredential(slug=slug)
    return found


def find_latest_version(credential: Credential) -> CredentialVersion | None:
    """Return the credential's newest version, under which certificates are issued."""
    return session.scalar(
        select(CredentialVersion)
        .where(CredentialVersion.credential_id == credential.id)
        .order_by(CredentialVersion.id.desc())
        .limit(1)
    )


def list_latest_versions() -> list[CredentialVersion]:
    """Return the newest version of every credential, by slug."""
    newest = select(func.max(CredentialVersion.id)).group_by(CredentialVersion.credential_id)
    return list(
        session.scalars(
            select(CredentialVersion)
            .join(CredentialVersion.credential)
            .options(contains_eager(CredentialVersion.credential))
            .where(CredentialVersion.id.in_(newest))
            .order_by(Credential.slug)
        )
    )


def list_certificates_of(person_id: int) -> list[Certificate]:
    """Return a person's certificates, the newest first, with their files (without bytes) and facts."""
    return list(
        session.scalars(
            select(Certificate)
            .where(Certificate.person_id == person_id)
            .options(
                selectinload(Certificate.files),
                joinedload(Certificate.credential_version, innerjoin=True),
                selectinload(Certificate.facts),
                selectinload(Certificate.policy_supersessions),
            )
            .order_by(Certificate.issued_at.desc(), Certificate.id.desc())
        )
    )


def get_certificate(number: str) -> Certificate:
    """Return the certificate of the printed number, with its files and facts. Raises `NoSuchCertificate`."""
    found = None
    if len(number) <= MAX_NUMBER_LENGTH and number.isascii() and number.isprintable():
        found = session.scalar(
            select(Certificate)
            .where(Certificate.number == number)
            .options(
                joinedload(Certificate.person),
                selectinload(Certificate.files),
                joinedload(Certificate.credential_version, innerjoin=True),
                selectinload(Certificate.facts),
                selectinload(Certificate.policy_supersessions),
            )
        )
    if found is None:
        raise NoSuchCertificate()
    return found


def list_certificates_by_number(numbers: Collection[str]) -> list[Certificate]:
    """Return the certificates that have one of these numbers, each with its holder."""
    return list(
        session.scalars(
            select(Certificate)
            .where(Certificate.number.in_(numbers))
            .options(joinedload(Certificate.person))
            .order_by(Certificate.id)
        )
    )


def list_certificates_by_id(ids: Collection[int]) -> list[Certificate]:
    """Return the certificates of these rows, each with its holder and what says who may see it."""
    return list(
        session.scalars(
            select(Certificate)
            .where(Certificate.id.in_(ids))
            .options(
                joinedload(Certificate.person),
                joinedload(Certificate.enrollment).joinedload(Enrollment.person),
                joinedload(Certificate.enrollment).joinedload(Enrollment.cohort),
            )
            .order_by(Certificate.id)
        )
    )


def list_numbers_meant(text: str) -> list[str]:
    """Return the numbers of the newest certificates of those whom a name may mean."""
    people = accounts.select_people(accounts.PeopleFilter(text=text)).order_by(None).with_only_columns(Person.id)
    statement = select(Certificate.number).where(Certificate.person_id.in_(people)).order_by(Certificate.id.desc())
    return list(session.scalars(statement.limit(500)))


def get_certificate_by_id(certificate_id: int) -> Certificate:
    """Return the certificate of a row number, for jobs and mails. Raises `NoSuchCertificate`."""
    found = session.get(Certificate, certificate_id)
    if found is None:
        raise NoSuchCertificate()
    return found


# Made once, and everything with one statement: the public page is the one that strangers ask for as often as they like.
_newest, _later = aliased(Certificate, name="newest"), aliased(Certificate, name="later")
WITH_LAST_ISSUE = (
    select(Certificate, _newest)
    .outerjoin(
        _newest,
        and_(
            _newest.credential_id == Certificate.credential_id,
            _newest.enrollment_code == Certificate.enrollment_code,
            _newest.issue_no > Certificate.issue_no,
            ~exists().where(
                _later.credential_id == _newest.credential_id,
                _later.enrollment_code == _newest.enrollment_code,
                _later.issue_no > _newest.issue_no,
            ),
        ),
    )
    .options(
        joinedload(Certificate.credential_version, innerjoin=True),
        joinedload(Certificate.facts),
        joinedload(Certificate.policy_supersessions),
        joinedload(Certificate.files),
        defer(_newest.snapshot),
        joinedload(_newest.credential_version),
        joinedload(_newest.facts),
        joinedload(_newest.policy_supersessions),
    )
)
_BY_CODE = WITH_LAST_ISSUE.where(Certificate.code == bindparam("code"))


def find_certificate_by_code(typed: str) -> Certificate | None:
    """Return the certificate of a code as somebody typed or scanned it, or None."""
    return find_issue_by_code(typed)[0]


def find_issue_by_code(typed: str) -> tuple[Certificate | None, Certificate | None]:
    """Return the same, and of one that was issued anew the last issue for the same completion, or None.

    A malformed code costs the same work as an unknown one.
    """
    code = codes.normalise(typed[:200])
    wanted = code if codes.is_well_formed(code, CODE_LENGTH) else _NO_CODE
    row = session.execute(_BY_CODE, {"code": wanted}).unique().one_or_none()
    return (row[0], row[1]) if row is not None else (None, None)


def list_facts_by_id(ids: Collection[int]) -> list[CertificateFact]:
    """Return the facts of these rows, each with its certificate and the holder."""
    return list(
        session.scalars(
            select(CertificateFact)
            .where(CertificateFact.id.in_(ids))
            .options(joinedload(CertificateFact.certificate).joinedload(Certificate.person))
            .order_by(CertificateFact.id)
        )
    )


def get_file(certificate: Certificate, language: str) -> CertificateFile:
    """Return the certificate's PDF in the language with its bytes. Raises `FileNotReady`."""
    found = session.scalar(
        select(CertificateFile)
        .where(CertificateFile.certificate_id == certificate.id, CertificateFile.language == language)
        .options(undefer(CertificateFile.content))
    )
    if found is None:
        raise FileNotReady()
    return found


def has_file(certificate_id: int, language: str) -> bool:
    """Say whether the PDF of the language is stored."""
    return (
        session.scalar(
            select(CertificateFile.id).where(
                CertificateFile.certificate_id == certificate_id, CertificateFile.language == language
            )
        )
        is not None
    )


def find_last_issue(credential_id: int, enrollment_code: str) -> Certificate | None:
    """Return the last issue of a completion, be it renewed since or not, or None."""
    return session.scalar(
        select(Certificate)
        .where(Certificate.credential_id == credential_id, Certificate.enrollment_code == enrollment_code)
        .order_by(Certificate.issue_no.desc())
        .limit(1)
    )


def list_current_of(person_id: int, credential_id: int) -> list[Certificate]:
    """Return the person's certificates of a credential that have not been replaced, oldest first."""
    return list(
        session.scalars(
            select(Certificate)
            .where(
                Certificate.person_id == person_id,
                Certificate.credential_id == credential_id,
                Certificate.replaced_at.is_(None),
            )
            .order_by(Certificate.id)
        )
    )


def last_issue_no(credential_id: int, enrollment_code: str) -> int:
    """Return the number of the last issue of a completion; 0: none yet."""
    return (
        session.scalar(
            select(func.max(Certificate.issue_no)).where(
                Certificate.credential_id == credential_id, Certificate.enrollment_code == enrollment_code
            )
        )
        or 0
    )


@dataclass(frozen=True, slots=True)
class RestsOn:
    """A certificate that stands, and what of a document it rests on."""

    certificate_id: int
    number: str
    zone: str
    expires_on: date | None
    # Version of the document → clause id → hash, as the certificate's snapshot says.
    clauses: dict[str, dict[str, str]]


def has_any_certificate() -> bool:
    """Say whether any certificate has been issued."""
    return session.scalar(select(Certificate.id).limit(1)) is not None


def list_resting_on(document_slug: str, *, document_id: int, after: int, until: int | None) -> list[RestsOn]:
    """Return the certificates that stand and rest on a document, oldest first.

    Not those that were replaced or revoked, nor those of an older policy already, unless by the document's own versions
    whose sequence is above `after` and at most `until`.
    """
    gone = (FactKind.REVOKED, FactKind.SUPERSEDED)
    own = and_(
        DocumentVersion.document_id == document_id,
        DocumentVersion.sequence > after,
        DocumentVersion.sequence <= (until or 0),
    )
    older = (
        select(PolicySupersession.certificate_id)
        .join(DocumentVersion, DocumentVersion.id == PolicySupersession.version_id)
        .where(PolicySupersession.taken_back_at.is_(None), DocumentVersion.effective_at <= clock.now(), ~own)
    )
    steps = select(StepCompletion.enrollment_id).where(
        # Plans name the base; what was read for it may be what a market does otherwise.
        StepCompletion.step_id.in_(select(PlanStep.id).where(PlanStep.document_slug == base_slug(document_slug)))
    )
    rows = session.execute(
        select(Certificate.id, Certificate.number, Certificate.zone, Certificate.expires_on, Certificate.snapshot)
        .join(Certificate.enrollment)
        .where(
            Enrollment.id.in_(steps),
            Certificate.replaced_at.is_(None),
            Certificate.id.not_in(older),
            ~Certificate.facts.any(CertificateFact.kind.in_(gone)),
        )
        .order_by(Certificate.id)
        .execution_options(yield_per=200)
    )
    found = []
    for certificate_id, number, zone, expires_on, snapshot in rows:
        clauses = {
            each["version"]: each["clauses"] for each in snapshot["basis"]["documents"] if each["slug"] == document_slug
        }
        if clauses:
            found.append(RestsOn(certificate_id, number, zone, expires_on, clauses))
    return found


def list_coming_versions(slugs: Collection[str], at: datetime) -> list[DocumentVersion]:
    """Return the versions of documents that ask for something again and take effect only after an instant."""
    return list(
        session.scalars(
            select(DocumentVersion)
            .join(Document, Document.id == DocumentVersion.document_id)
            .where(
                Document.slug.in_(slugs),
                DocumentVersion.effective_at > at,
                DocumentVersion.withdrawn_at.is_(None),
                DocumentVersion.change_class.in_([ChangeClass(name) for name in sorted(ASKS_AGAIN)]),
            )
            .order_by(DocumentVersion.id)
            .options(selectinload(DocumentVersion.document).selectinload(Document.versions))
        )
    )


def list_superseded_by(version_id: int) -> list[PolicySupersession]:
    """Return what a version of a document supersedes by policy, taken back or not, with the certificates."""
    return list(
        session.scalars(
            select(PolicySupersession)
            .where(PolicySupersession.version_id == version_id)
            .order_by(PolicySupersession.id)
            .options(joinedload(PolicySupersession.certificate))
        )
    )


def find_open_request(certificate_id: int) -> RevocationRequest | None:
    """Return the request to revoke the certificate that waits for a second person, or None."""
    return session.scalar(
        select(RevocationRequest)
        .where(RevocationRequest.certificate_id == certificate_id, RevocationRequest.closed_at.is_(None))
        .options(joinedload(RevocationRequest.requested_by))
    )


def list_asked_to_revoke() -> list[tuple[Certificate, Person]]:
    """Return the certificates whose revocation waits for a second person, with who asked; the longest wait first."""
    rows = session.execute(
        select(Certificate, Person)
        .join(RevocationRequest, RevocationRequest.certificate_id == Certificate.id)
        .join(Person, Person.id == RevocationRequest.requested_by_id)
        .where(RevocationRequest.closed_at.is_(None))
        .order_by(RevocationRequest.id)
    )
    return [(row[0], row[1]) for row in rows]


def list_unprinted(reach: Reach) -> list[tuple[Certificate, Job]]:
    """Return the certificates of people within reach whose PDF could not be made, with the failed work; newest first.

    Until it is made, or another issue has taken their place.
    """
    failed = {
        job.arguments["certificate_id"]: job
        for job in session.scalars(select(Job).where(Job.name == "certificates.render", Job.state == JobState.FAILED))
    }
    if not failed:
        return []
    found = session.scalars(
        select(Certificate)
        .join(Certificate.person)
        .where(Certificate.id.in_(failed), people_within(reach))
        .options(contains_eager(Certificate.person), selectinload(Certificate.facts))
        .order_by(Certificate.id.desc())
    )
    return [
        (each, failed[each.id])
        for each in found
        if not any(fact.kind is FactKind.SUPERSEDED and not fact.is_renewal for fact in each.facts)
    ]


def find_jobs(effect_keys: list[str]) -> dict[str, Job]:
    """Return the jobs that make these certificates, by effect key."""
    if not effect_keys:
        return {}
    return {job.effect_key: job for job in session.scalars(select(Job).where(Job.effect_key.in_(effect_keys)))}


# --- what a certificate rests on ----------------------------------------------------------------------------------


def list_owed() -> list[tuple[Enrollment, Credential]]:
    """Return the completed enrollments of active people whose credential is there and was not issued, oldest first.

    Not those that wait for a result (see `training.queries.lacks_a_result`), nor those of a credential in whose place
    another one is issued, nor refreshers that had nothing to renew.
    """
    newest = (
        select(func.max(CredentialVersion.id))
        .where(CredentialVersion.credential_id == Credential.id)
        .correlate(Credential)
        .scalar_subquery()
    )
    rows = session.execute(
        select(Enrollment, Credential, CredentialVersion.renewal_plan_slug == Plan.slug)
        .join(PlanVersion, PlanVersion.id == Enrollment.plan_version_id)
        .join(Plan, Plan.id == PlanVersion.plan_id)
        .join(Credential, Credential.slug == PlanVersion.credential_slug)
        .join(CredentialVersion, CredentialVersion.id == newest)
        .join(Enrollment.person)
        .where(
            Enrollment.completed_at.is_not(None),
            ~training.lacks_a_result,
            Person.deactivated_at.is_(None),
            CredentialVersion.superseded_by_slug.is_(None),
            ~select(Certificate.id)
            .where(Certificate.enrollment_code == Enrollment.code, Certificate.credential_id == Credential.id)
            .exists(),
        )
        .order_by(Enrollment.completed_at, Enrollment.id)
    )
    return [
        (enrollment, credential)
        for enrollment, credential, only_renews in rows.all()
        if not only_renews
        or (enrollment.completed_at and could_renew(enrollment.person_id, credential.id, enrollment.completed_at))
    ]


def gather_basis(enrollment: Enrollment) -> dict[str, Any]:
    """Return as plain data what completed the steps of an enrollment: all of it, more than a certificate says.

    `documents`: slug, version, title, hash, clauses (id → hash in the deciding language), when read and acknowledged;
    `attempts`: code, quiz, version, title, score as an exact fraction, questions (bank/id → version), and its
    sections where it has any;
    `sign_offs`: step, title, who and when; `by_hand`, where there are any: quizzes from which she is exempt or whose
    score two people set, with who they are and when, and the score as an exact fraction; `exempt`, where there are any:
    steps that she did not have to do, with who said so and when.
    """
    completions = training.list_completions(enrollment)
    return {
        "documents": _documents(completions),
        "attempts": _attempts(completions),
        "sign_offs": _sign_offs(enrollment, completions),
    } | {name: found for name, found in (("by_hand", _by_hand(completions)), ("exempt", _exempt(enrollment))) if found}


def _exempt(enrollment: Enrollment) -> list[dict[str, Any]]:
    held = training.list_held_exemptions(enrollment)
    tasks = catalogue.titles_of([step for _row, step in held])
    return [
        {
            "step": step.slug,
            "title": {"en": tasks[step.id].en, "ja": tasks[step.id].ja},
            "by": row.by.code,
            "at": row.at.isoformat(),
        }
        for row, step in held
    ]


def _documents(completions: Sequence[StepCompletion]) -> list[dict[str, Any]]:
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for completion in completions:
        slug, number = completion.document_slug, completion.document_version
        if slug is None or number is None:
            continue
        if (slug, number) not in found:
            document = library.find_document(slug)
            version = library.find_version(document, number) if document else None
            titles = {tag: text.title for tag, text in library.list_text_heads(version).items()} if version else {}
            some = next(iter(titles.values()), slug)
            found[slug, number] = {
                "slug": slug,
                "version": number,
                "title": {tag: titles.get(tag, some) for tag in ("en", "ja")},
                "hash": version.hash if version else None,
                "clauses": library.clause_hashes(version) if version else {},
            }
        done = "acknowledged_at" if completion.acknowledgement_id is not None else "read_at"
        found[slug, number][done] = completion.completed_at.isoformat()
    return list(found.values())


@dataclass(frozen=True, slots=True)
class Results:
    """The results on which certificates of an enrollment rest: codes of attempts, and of decisions of two people."""

    attempts: frozenset[str]
    decisions: frozenset[str]


def results_under(enrollment_codes: Collection[str]) -> dict[str, Results]:
    """Return for each of these enrollments the results that completed its steps, in two statements."""
    rows = session.execute(
        select(Enrollment.code, StepCompletion.attempt_code, StepCompletion.score_entry_id)
        .join(Enrollment, Enrollment.id == StepCompletion.enrollment_id)
        .where(Enrollment.code.in_(enrollment_codes))
    ).all()
    lines = gradebook.list_lines_by_hand([row.score_entry_id for row in rows if row.score_entry_id is not None])
    decided = {line.id: line.decision.code for line in lines if line.decision is not None}
    found = {}
    for code in enrollment_codes:
        own = [row for row in rows if row.code == code]
        found[code] = Results(
            frozenset(row.attempt_code for row in own if row.attempt_code is not None),
            frozenset(decided[row.score_entry_id] for row in own if row.score_entry_id in decided),
        )
    return found


def list_resting_on_attempts(attempt_codes: Collection[str]) -> list[tuple[str, Certificate]]:
    """Return the certificates that were issued because of these attempts and not replaced, with the attempt's code."""
    if not attempt_codes:
        return []
    rows = session.execute(
        select(StepCompletion.attempt_code, Certificate)
        .join(Enrollment, Enrollment.id == StepCompletion.enrollment_id)
        .join(Certificate, Certificate.enrollment_code == Enrollment.code)
        .where(StepCompletion.attempt_code.in_(attempt_codes), Certificate.replaced_at.is_(None))
        .order_by(Certificate.id, StepCompletion.id)
    )
    return [(str(code), certificate) for code, certificate in rows]


def _attempts(completions: Sequence[StepCompletion]) -> list[dict[str, Any]]:
    codes_of = [completion.attempt_code for completion in completions if completion.attempt_code is not None]
    attempts = {attempt.code: attempt for attempt in session.scalars(select(Attempt).where(Attempt.code.in_(codes_of)))}
    questions: dict[int, dict[str, int]] = {}
    for attempt_id, bank, slug, number in session.execute(
        select(Item.attempt_id, QuestionBank.slug, Question.slug, QuestionVersion.number)
        .join(QuestionVersion, QuestionVersion.id == Item.question_version_id)
        .join(Question, Question.id == QuestionVersion.question_id)
        .join(QuestionBank, QuestionBank.id == Question.bank_id)
        .where(Item.attempt_id.in_([attempt.id for attempt in attempts.values()]))
        .order_by(Item.attempt_id, Item.position)
    ):
        questions.setdefault(attempt_id, {})[f"{bank}/{slug}"] = number
    sections = _sections(attempts.values())
    found = []
    for completion in completions:
        if completion.attempt_code is None or completion.score is None:
            continue
        attempt = attempts.get(completion.attempt_code)
        title = attempt.quiz_version.title if attempt else completion.step.title
        quiz = completion.step.quiz_slug or ""
        found.append(
            {
                "code": completion.attempt_code,
                "quiz": quiz,
                "version": attempt.quiz_version.number if attempt else None,
                "title": _title(title, quiz),
                "score": f"{completion.score.numerator}/{completion.score.denominator}",
                "questions": questions.get(attempt.id, {}) if attempt else {},
            }
            | ({"sections": sections[attempt.id]} if attempt and sections.get(attempt.id) else {})
        )
    return found


def _by_hand(completions: Sequence[StepCompletion]) -> list[dict[str, Any]]:
    lines = {
        line.id: line
        for line in gradebook.list_lines_by_hand(
            [row.score_entry_id for row in completions if row.score_entry_id is not None]
        )
    }
    found: list[dict[str, Any]] = []
    for completion in completions:
        line = lines.get(completion.score_entry_id or 0)
        if line is None or line.decision is None or line.decision.closed_by is None:
            continue
        decision = line.decision
        found.append(
            {
                "quiz": completion.step.quiz_slug or "",
                "version": decision.quiz_version.number,
                "title": _title(decision.quiz_version.title, completion.step.quiz_slug or ""),
                "kind": line.kind.value,
                "decision": decision.code,
                "asked_by": decision.asked_by.code,
                "confirmed_by": line.decision.closed_by.code,
                "at": line.at.isoformat(),
            }
            | ({"score": f"{line.score.numerator}/{line.score.denominator}"} if line.score is not None else {})
        )
    return found


def _sections(attempts: Iterable[Attempt]) -> dict[int, list[dict[str, Any]]]:
    """Return attempt's row number → id, title, score and mark of each section, of attempts that have sections."""
    found = {}
    for attempt in attempts:
        marking = quizzes.find_current_marking(attempt) if attempt.quiz_version.sections else None
        kept = (marking.sections or {}) if marking else {}
        found[attempt.id] = [
            {
                "id": section["id"],
                "title": section["title"],
                "score": f"{kept[section['id']]['points']}/{kept[section['id']]['max_points']}",
                "pass_mark": section.get("pass_mark"),
            }
            for section in attempt.quiz_version.sections or ()
            if section["id"] in kept
        ]
    return found


def _sign_offs(enrollment: Enrollment, completions: Sequence[StepCompletion]) -> list[dict[str, Any]]:
    steps = {completion.step_id: completion.step for completion in completions}
    return [
        {
            "step": steps[said.step_id].slug,
            "title": _title(steps[said.step_id].title, steps[said.step_id].slug),
            "by": said.by.code,
            "at": said.at.isoformat(),
        }
        for said in session.scalars(
            select(SignOff)
            .where(SignOff.enrollment_id == enrollment.id, SignOff.act == SignOffAct.SIGNED)
            .order_by(SignOff.id)
        )
        if said.step_id in steps
    ]


def _title(words: Words | None, instead: str) -> dict[str, str]:
    return {"en": words.en, "ja": words.ja} if words else {"en": instead, "ja": instead}

"""Many certificates at once, for a cohort: a list that is fixed when it is asked for, which a job carries out by line.

What a line does is what the service does for one certificate, in a transaction of its own together with the note that
it was done. So a worker that dies goes on at the first line that waits, and whatever is delivered twice finds the note.
"""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import IO, Any

from flask import current_app
from sqlalchemy import delete, select
from sqlalchemy.exc import SQLAlchemyError

from portal.accounts.models import Person
from portal.certificates import queries, service
from portal.certificates.errors import (
    BatchCannotGoOn,
    BatchFileNotReady,
    BatchNotAsked,
    BatchNotUnderWay,
    BatchTooLarge,
    CredentialSuperseded,
    FilesOutOfReach,
    HolderRevokes,
    ListChanged,
    MayNotRevoke,
    NoSuchCredential,
    NotCompleted,
    NotConfirmedByOneself,
    NothingToDo,
    NothingToRenew,
    ResultMissing,
)
from portal.certificates.models import (
    Certificate,
    CertificateBatch,
    CertificateBatchAct,
    CertificateBatchItem,
    CertificateBatchOutcome,
    CertificateBatchPart,
    CertificateBatchPrint,
    Credential,
)
from portal.certificates.permissions import (
    ISSUE_EARNED,
    REVOKE,
    SEE_BATCH,
    SEE_CERTIFICATE,
    permission_for,
)
from portal.certificates.queries import batches, keys
from portal.certificates.queries.batches import Completion, StoredFile
from portal.certificates.queries.owed import TO_BE_RENEWED
from portal.certificates.rules import State, characters_named, spelled
from portal.certificates.rules.batches import (
    CAN_GO_ON,
    FILES,
    IN_FORCE,
    ISSUES,
    KEPT,
    MAX_ITEMS,
    UNDER_WAY,
    Act,
    BatchKind,
    BatchState,
    FileLanguages,
    Outcome,
    languages_of,
    state_of,
)
from portal.certificates.service import renewals, revocations
from portal.certificates.service.exports import KEYS_NAME, LIST_NAME, list_of_hashes
from portal.cohorts import queries as cohorts
from portal.cohorts.models import Cohort
from portal.core import clock, jobs
from portal.core.access import allows
from portal.core.archives_sent import Member, size_of_archive, write_archive
from portal.core.codes import new_code
from portal.core.db import canonical_json, read_alone, session
from portal.core.errors import DomainError
from portal.core.i18n import LANGUAGES, LazyText, Words, force_locale
from portal.core.i18n import lazy_gettext as _l
from portal.core.jobs import Job, Outside, Progress
from portal.core.pdf import CharacterWithoutGlyph, PdfFailed
from portal.core.pdf_merge import Merged, Source, merge
from portal.journal.service import record
from portal.training import queries as training

JOB = "certificates.batch"
PART = 4 * 1024 * 1024
# What a person has not earned (yet): no fault of anybody.
_NOT_EARNED = (NotCompleted, ResultMissing, CredentialSuperseded, NothingToRenew)

# Makes the files of a certificate that are missing: the steps of `certificates.render`.
MakeFiles = Callable[[int], Generator[Any, Any, None]]


# --- What a batch would do ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be done with whose certificates; `credential` None is every one."""

    kind: BatchKind
    cohort: Cohort
    credential: Credential | None = None
    languages: FileLanguages | None = None
    takes_all: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """What would be done about one person's certificate, or why nothing would be."""

    person: Person
    enrollment_code: str | None = None
    credential: Credential | None = None
    slug: str | None = None
    certificate: Certificate | None = None
    left_out: Words | None = None


_WORDS: dict[str, LazyText] = {
    "issued": _l("It was issued already."),
    "no_plan": _l("No training that this account sees leads to such a credential."),
    "not_completed": _l("The training plan is not completed yet."),
    "inactive": _l("The account is deactivated."),
    "renews_nothing": _l("When the plan was completed there was no certificate that could be renewed."),
    "not_completed_again": _l("No plan has been completed that renews it."),
    "nothing_to_renew": _l("There is no certificate to renew now."),
    "no_certificate": _l("There is no certificate."),
    "unexpected": _l("Something unexpected went wrong. It is in the log of the portal; nothing was changed."),
    "no_file": _l("Its file could not be drawn: a font or a library is missing."),
    "no_file_any_more": _l("It was replaced before its file was drawn, and has none."),
}
_OUT_OF_FORCE: dict[State, LazyText] = {
    State.REVOKED: _l("It is revoked."),
    State.SUSPENDED: _l("It is suspended."),
    State.SUPERSEDED: _l("A newer certificate has replaced it."),
    State.RENEWED: _l("It was renewed; a later one has taken its place."),
    State.EXPIRED: _l("It has expired."),
}


def in_both(text: object) -> Words:
    """Return a text that is translated when it is read, in both languages."""
    with force_locale("en"):
        english = str(text)
    with force_locale("ja"):
        return Words(english, str(text))


def preview(wish: Wish, by: Person) -> list[Line]:
    """Return what would be done, person by person of the cohort, and of whom nothing would be, with the reason.

    What `by` may not see is left out altogether. A fixed number of statements. It looks only: whatever is issued is
    judged again, under its locks, when its turn comes.
    """
    people = cohorts.list_members(wish.cohort)
    slug = wish.credential.slug if wish.credential is not None else None
    found: dict[int, list[Line]] = defaultdict(list)
    lines = {
        BatchKind.ISSUE: _issues,
        BatchKind.RENEW: _renewals,
        BatchKind.REVOKE: _revocations,
        BatchKind.ZIP: _files,
        BatchKind.PRINT: _files,
    }[wish.kind](wish, people, slug, by)
    for line in lines:
        found[line.person.id].append(line)
    missing = in_both(
        _WORDS[{BatchKind.ISSUE: "no_plan", BatchKind.RENEW: "nothing_to_renew"}.get(wish.kind, "no_certificate")]
    )
    return [
        line
        for person in people
        for line in found.get(person.id) or [Line(person, credential=wish.credential, left_out=missing)]
    ]


def _issues(wish: Wish, people: Sequence[Person], slug: str | None, by: Person) -> Iterator[Line]:
    completions = [each for each in batches.list_completions(people, slug) if _sees(by, each)]
    titles = successors(completions)
    for each in completions:
        reason = in_both(_WORDS["issued"]) if each.issued is not None else hindrance(each, titles)
        yield _line(each, reason)


def _renewals(wish: Wish, people: Sequence[Person], slug: str | None, by: Person) -> Iterator[Line]:
    completions = [each for each in batches.list_completions(people, slug) if each.issued is None and _sees(by, each)]
    titles, again = successors(completions), set()
    for each in completions:
        if each.had_before:
            again.add((each.enrollment.person_id, each.slug))
            reason = hindrance(each, titles)
            yield _line(each, reason or (None if each.renews else in_both(_WORDS["renews_nothing"])))
    for held in batches.list_held(people, slug):
        key = (held.person_id, held.credential_version.credential.slug)
        if held.replaced_at is not None or key in again or not allows(by, SEE_CERTIFICATE, held):
            continue
        if service.state_of(held) in TO_BE_RENEWED:
            yield _about(held, in_both(_WORDS["not_completed_again"]))


def _revocations(wish: Wish, people: Sequence[Person], slug: str | None, by: Person) -> Iterator[Line]:
    for held in batches.list_held(people, slug):
        if held.replaced_at is not None:
            continue
        reason: object = None
        if service.state_of(held) is State.REVOKED:
            reason = _OUT_OF_FORCE[State.REVOKED]
        elif held.person_id == by.id:
            reason = HolderRevokes()
        yield _about(held, in_both(reason) if reason is not None else None)


def _files(wish: Wish, people: Sequence[Person], slug: str | None, by: Person) -> Iterator[Line]:
    found = [each for each in batches.list_held(people, slug) if allows(by, SEE_CERTIFICATE, each)]
    failures = _failures_of(found)
    for held in found:
        state = service.state_of(held)
        is_taken = wish.takes_all or state in IN_FORCE
        yield _about(held, _fileless(held, failures) if is_taken else in_both(_OUT_OF_FORCE[state]))


def _failures_of(held: Sequence[Certificate]) -> dict[int, str | None]:
    """Return certificate's row → what its drawing failed with last, of those that lack a file; None: nothing did."""
    printed = batches.list_printed(held)
    lacking = {service.effect_key(each): each.id for each in held if each.id not in printed}
    found = jobs.find_jobs(lacking)
    return {number: found[key].last_error if key in found else None for key, number in lacking.items()}


def _fileless(held: Certificate, failures: dict[int, str | None]) -> Words | None:
    """Say why a certificate has no file and will have none, or None: it has, or it is drawn when its turn comes."""
    if held.id not in failures:
        return None
    if service.is_issued_anew(held):
        return in_both(_WORDS["no_file_any_more"])
    # Whatever else went wrong may go well the next time.
    missing = characters_named(failures[held.id] or "")
    return in_both(_without_glyph(missing)) if missing else None


def _without_glyph(characters: Sequence[str]) -> LazyText:
    told = " ".join(spelled(each) for each in characters)
    return _l("Its file cannot be drawn: no font has %(characters)s.", characters=told)


def _line(completion: Completion, left_out: Words | None) -> Line:
    return Line(
        completion.enrollment.person,
        completion.enrollment.code,
        completion.credential,
        completion.slug,
        completion.issued,
        left_out,
    )


def _about(held: Certificate, left_out: Words | None) -> Line:
    credential = held.credential_version.credential
    return Line(held.person, None, credential, credential.slug, held, left_out)


def _sees(by: Person, completion: Completion) -> bool:
    """Say whether somebody sees what the completion earns: as `SEE_CERTIFICATE` says of a certificate."""
    return allows(by, ISSUE_EARNED, completion.enrollment)


def successors(completions: Sequence[Completion]) -> dict[str, str]:
    """Return what is issued in place of credentials that are not issued any more, by its slug."""
    slugs = {each.version.superseded_by_slug for each in completions if each.version is not None}
    return {slug: renewals.title_of(slug) for slug in sorted(filter(None, slugs))}


def hindrance(each: Completion, titles: dict[str, str]) -> Words | None:
    """Say why nothing would be issued for a training, or None: it would be."""
    refused: object = None
    if each.enrollment.completed_at is None:
        refused = _WORDS["not_completed"]
    elif not each.enrollment.person.is_active:
        refused = _WORDS["inactive"]
    elif each.lacks_a_result:
        refused = ResultMissing()
    elif each.version is None:
        refused = NoSuchCredential(slug=each.slug)
    elif each.version.superseded_by_slug is not None:
        refused = CredentialSuperseded(title=titles[each.version.superseded_by_slug])
    elif each.enrollment.version.plan.slug == each.version.renewal_plan_slug and not each.renews:
        refused = NothingToRenew()
    return in_both(refused) if refused is not None else None


def digest_of(lines: Sequence[Line]) -> str:
    """Return the SHA-256 of what would be done, and of who is left out: whoever confirms says which list she saw."""
    told = [
        [
            line.person.id,
            line.enrollment_code,
            line.slug,
            line.certificate.number if line.certificate is not None else None,
            line.left_out.en if line.left_out is not None else None,
        ]
        for line in lines
    ]
    return sha256(canonical_json(told).encode()).hexdigest()


# --- Asking -------------------------------------------------------------------------------------------------------


def ask(*, wish: Wish, seen: str, by: Person, reason: str | None = None) -> tuple[CertificateBatch, bool]:
    """Ask for a batch; say whether it is a new one: what is under way already is not begun a second time.

    `seen` is the digest of the list that was looked at. A revocation waits for a second administrator; everything else
    begins at once. Raises `ListChanged`, `NothingToDo`, `BatchTooLarge`, `NeedsReason`.
    """
    said = service.checked_reason(reason or "") if wish.kind is BatchKind.REVOKE else None
    # Of two who ask at once the second finds what the first has asked for.
    session.execute(select(Cohort.id).where(Cohort.id == wish.cohort.id).with_for_update(key_share=True))
    batch = CertificateBatch(
        code=new_code(),
        kind=wish.kind,
        cohort_id=wish.cohort.id,
        credential_id=wish.credential.id if wish.credential is not None else None,
        languages=(wish.languages or FileLanguages.BOTH) if wish.kind in FILES else None,
        takes_all=wish.takes_all and wish.kind in FILES,
        reason=said,
        requested_by_id=by.id,
        requested_at=clock.now(),
    )
    for present in batches.list_same(batch):
        if stands(present) in UNDER_WAY | {BatchState.ASKED} and allows(by, SEE_BATCH, present):
            return present, False
    lines = preview(wish, by)
    if digest_of(lines) != seen:
        raise ListChanged()
    to_do = sum(line.left_out is None for line in lines)
    if to_do == 0:
        raise NothingToDo()
    if to_do > MAX_ITEMS or len(lines) > 2 * MAX_ITEMS:
        raise BatchTooLarge(limit=MAX_ITEMS)
    session.add(batch)
    session.flush()
    session.add_all(
        CertificateBatchItem(
            batch_id=batch.id,
            position=position,
            person_id=line.person.id,
            enrollment_code=line.enrollment_code,
            credential_id=line.credential.id if line.credential is not None else None,
            certificate_id=line.certificate.id if line.certificate is not None else None,
            languages=",".join(languages_of(batch.languages, line.person.language)) if batch.languages else None,
            left_out=line.left_out,
        )
        for position, line in enumerate(lines, start=1)
    )
    session.flush()
    record(
        "certificates.batch_asked",
        by=by,
        subject=("certificate_batch", batch.code),
        after={"kind": batch.kind.value, "cohort": wish.cohort.code, "certificates": to_do}
        | ({"credential": wish.credential.slug} if wish.credential is not None else {})
        | ({"left_out": len(lines) - to_do} if len(lines) > to_do else {}),
        reason=said,
    )
    if batch.kind is not BatchKind.REVOKE:
        _set_going(batch, by)
    return batch, True


def confirm(*, batch: CertificateBatch, by: Person) -> None:
    """Agree to a revocation of many: it begins. Raises `BatchNotAsked`, `NotConfirmedByOneself`."""
    batch = _locked(batch)
    if stands(batch) is not BatchState.ASKED:
        raise BatchNotAsked()
    if batch.requested_by_id == by.id:
        raise NotConfirmedByOneself()
    _act(batch, Act.CONFIRMED, by)
    record("certificates.batch_confirmed", by=by, subject=("certificate_batch", batch.code), reason=batch.reason)
    _set_going(batch, by)


def decline(*, batch: CertificateBatch, by: Person) -> None:
    """Close a revocation of many that waits; whoever asked for it takes it back so. Raises `BatchNotAsked`."""
    batch = _locked(batch)
    if stands(batch) is not BatchState.ASKED:
        raise BatchNotAsked()
    if batch.requested_by_id == by.id:
        _act(batch, Act.TAKEN_BACK, by)
        record("certificates.batch_taken_back", by=by, subject=("certificate_batch", batch.code))
    else:
        _act(batch, Act.DECLINED, by)
        record("certificates.batch_declined", by=by, subject=("certificate_batch", batch.code))


def cancel(*, batch: CertificateBatch, by: Person) -> None:
    """Stop a batch between two of its lines; what was done stays. Raises `BatchNotUnderWay`."""
    batch = _locked(batch)
    work = find_job(batch)
    if stands(batch) not in UNDER_WAY or work is None:
        raise BatchNotUnderWay()
    _act(batch, Act.CANCELLED, by)
    jobs.cancel(work)
    counts = batches.count_items([batch.id])[batch.id]
    record(
        "certificates.batch_cancelled",
        by=by,
        subject=("certificate_batch", batch.code),
        after={"done": counts.done, "waiting": counts.waiting},
    )


def go_on(*, batch: CertificateBatch, by: Person) -> None:
    """Let a batch go on with what is left, or make its print file again. Raises `BatchCannotGoOn`."""
    batch = _locked(batch)
    if stands(batch) not in CAN_GO_ON and not _has_lost_print(batch):
        raise BatchCannotGoOn()
    _act(batch, Act.RESUMED, by)
    record("certificates.batch_resumed", by=by, subject=("certificate_batch", batch.code))
    _set_going(batch, by)


def _has_lost_print(batch: CertificateBatch) -> bool:
    is_finished = stands(batch) is BatchState.FINISHED
    return batch.kind is BatchKind.PRINT and is_finished and batches.find_print(batch) is None


def _locked(batch: CertificateBatch) -> CertificateBatch:
    found = batches.lock_batch(batch.code)
    assert found is not None
    session.refresh(found, ["acts"])
    return found


def _act(batch: CertificateBatch, act: Act, by: Person | None, keys: dict[str, Any] | None = None) -> None:
    batch.acts.append(CertificateBatchAct(act=act, at=clock.now(), by_id=by.id if by is not None else None, keys=keys))
    session.flush()


def _set_going(batch: CertificateBatch, by: Person) -> None:
    jobs.enqueue(JOB, {"code": batch.code}, effect_key=job_key(batch), requested_by=by.code)


# --- How it stands ------------------------------------------------------------------------------------------------


def job_key(batch: CertificateBatch) -> str:
    """Return the effect key of the work that carries a batch out, or goes on with it."""
    return f"{JOB}:{batch.code}:{sum(each.act is Act.RESUMED for each in batch.acts)}"


def find_job(batch: CertificateBatch) -> Job | None:
    """Return the work that carries a batch out, or None."""
    return jobs.find_job(job_key(batch))


def stands(batch: CertificateBatch) -> BatchState:
    """Return how a batch stands."""
    return stands_by(batch, find_job(batch))


def stands_by(batch: CertificateBatch, work: Job | None) -> BatchState:
    """Return the same where the batch's job was read already."""
    told = None if work is None else "interrupted" if jobs.is_interrupted(work) else work.state.value
    return state_of(batch.kind, [each.act for each in batch.acts], told)


def list_under_way(cohort: Cohort) -> list[CertificateBatch]:
    """Return the batches of a cohort at which a worker is, or will be, the oldest first."""
    return [each for each in batches.list_batches_of_cohort(cohort) if stands(each) in UNDER_WAY]


def runner(batch: CertificateBatch) -> Person:
    """Return in whose name a batch is carried out: whoever let it go on last, or asked for it."""
    last = batches.last_act(batch, Act.RESUMED)
    return last.by if last is not None and last.by is not None else batch.requested_by


# --- Carrying it out ----------------------------------------------------------------------------------------------


def run(code: str, make_files: MakeFiles) -> Generator[Any, Any, None]:
    """Carry a batch out, line by line; the steps of a job."""
    while True:
        batch = _going(code)
        if batch is None:
            return
        item = batches.find_waiting(batch)
        if item is None:
            break
        item_id, certificate_id, failure = item.id, item.certificate_id, None
        if batch.kind in FILES and certificate_id is not None and _has_files_missing(certificate_id):
            failure = yield from _made(make_files(certificate_id))
            # Other transactions have begun and ended meanwhile.
            batch = _going(code)
            if batch is None:
                return
            if batches.has_outcome(item_id):
                continue
            item = session.get_one(CertificateBatchItem, item_id)
        _carry_out(batch, item, failure)
        counts = batches.count_items([batch.id])[batch.id]
        yield Progress(counts.total - counts.waiting, counts.total)
    if batch.kind is BatchKind.PRINT and batches.find_print(batch) is None:
        yield from _print(code)
        batch = _going(code)
        if batch is None or batches.find_print(batch) is None:
            return
    _finish(batch)


def _going(code: str) -> CertificateBatch | None:
    """Return the batch, locked, if there is still something to do for it."""
    batch = batches.lock_batch(code)
    if batch is None:
        return None
    session.refresh(batch, ["acts"])
    last = batch.acts[-1].act if batch.acts else None
    if last in (Act.CANCELLED, Act.DECLINED, Act.TAKEN_BACK, Act.FINISHED):
        return None
    return None if last is None and batch.kind is BatchKind.REVOKE else batch


def _has_files_missing(certificate_id: int) -> bool:
    return not all(queries.has_file(certificate_id, language) for language in LANGUAGES)


def _made(steps: Generator[Any, Any, None]) -> Generator[Any, Any, _Failed | None]:
    """Go through the steps that make files; a file that cannot be drawn is told, and keeps nobody else waiting."""

    def tried(work: Callable[[], Any]) -> Callable[[], Any]:
        def attempt() -> Any:
            try:
                return work()
            except Exception as failure:
                if isinstance(failure, CharacterWithoutGlyph):
                    current_app.logger.warning("the file of a certificate cannot be drawn: %s", failure)
                    return _Failed(failure.characters)
                current_app.logger.exception("the file of a certificate could not be drawn")
                return _Failed(said="no_file" if isinstance(failure, PdfFailed) else "unexpected")

        return attempt

    answer: Any = None
    while True:
        try:
            asked = steps.send(answer)
        except StopIteration:
            return None
        answer = yield Outside(tried(asked.work)) if isinstance(asked, Outside) else asked
        if isinstance(answer, _Failed):
            steps.close()
            return answer


@dataclass(frozen=True, slots=True)
class _Failed:
    """What was tried outside of a transaction and came to nothing: the characters that no font has, if it was those."""

    characters: tuple[str, ...] = ()
    # Of what is told else, its name among the words.
    said: str = "no_file"


def _carry_out(batch: CertificateBatch, item: CertificateBatchItem, failure: _Failed | None) -> None:
    """Do what one line says, and note what became of it in the same transaction."""
    if failure is not None:
        said = _without_glyph(failure.characters) if failure.characters else _WORDS[failure.said]
        _note(item, Outcome.REFUSED, reason=in_both(said))
        return
    by = runner(batch)
    try:
        # What is refused half-way leaves nothing but the note.
        with session.begin_nested():
            certificate = _done(batch, item, by)
    except _NOT_EARNED as reason:
        _note(item, Outcome.NOT_EARNED, reason=in_both(reason))
    except DomainError as refused:
        _note(item, Outcome.REFUSED, reason=in_both(refused))
    except SQLAlchemyError:
        # The database's trouble is not this line's: the job tries again.
        raise
    except Exception:
        current_app.logger.exception("line %s of batch %s was not carried out", item.position, batch.code)
        _note(item, Outcome.REFUSED, reason=in_both(_WORDS["unexpected"]))
    else:
        _note(item, Outcome.DONE, certificate=certificate)


def _done(batch: CertificateBatch, item: CertificateBatchItem, by: Person) -> Certificate:
    """Do what one line says, if whoever lets it be done may still do so. Raises why nothing was done."""
    if not by.is_active or not allows(by, permission_for(batch.kind), batch.cohort):
        raise _MayNotAnyMore()
    if batch.kind in ISSUES:
        assert item.credential is not None
        assert item.enrollment_code is not None
        enrollment = training.get_enrollment(item.enrollment_code)
        if not allows(by, ISSUE_EARNED, enrollment):
            raise _MayNotAnyMore()
        return service.issue_certificate(
            credential=item.credential,
            enrollment=enrollment,
            by=by,
            only_renews=batch.kind is BatchKind.RENEW,
        )
    assert item.certificate is not None
    certificate = item.certificate
    if batch.kind is BatchKind.REVOKE:
        confirmed = batches.last_act(batch, Act.CONFIRMED)
        assert confirmed is not None
        assert confirmed.by is not None
        for each in (batch.requested_by, confirmed.by):
            if not each.is_active or not allows(each, REVOKE, certificate):
                raise MayNotRevoke(name=each.sign_in_name)
        revocations.revoke_by_two(
            certificate=certificate, by=batch.requested_by, confirmed_by=confirmed.by, reason=batch.reason or ""
        )
        return certificate
    if not allows(by, SEE_CERTIFICATE, certificate):
        raise _MayNotAnyMore()
    state = service.state_of(certificate)
    if not batch.takes_all and state not in IN_FORCE:
        raise _NotInForce(state)
    if _has_files_missing(certificate.id):
        raise _NoFileAnyMore()
    return certificate


class _MayNotAnyMore(DomainError):
    """Roles have changed since the batch was asked for."""

    message = _l("Whoever let this go on may no longer do so.")


class _NoFileAnyMore(DomainError):
    """It was replaced before its file was drawn."""

    message = _WORDS["no_file_any_more"]


class _NotInForce(DomainError):
    """What was in force when it was asked for is not any more."""

    def __init__(self, state: State) -> None:
        super().__init__()
        self.state = state

    def __str__(self) -> str:
        return str(_OUT_OF_FORCE[self.state])


def _note(
    item: CertificateBatchItem, outcome: Outcome, *, certificate: Certificate | None = None, reason: Words | None = None
) -> None:
    session.add(
        CertificateBatchOutcome(
            item_id=item.id,
            outcome=outcome,
            reason=reason,
            certificate_id=certificate.id if certificate is not None else None,
            at=clock.now(),
        )
    )
    session.flush()


def _finish(batch: CertificateBatch) -> None:
    counts = batches.count_items([batch.id])[batch.id]
    _act(batch, Act.FINISHED, None, keys=_keys_of(batch) if batch.kind is BatchKind.ZIP else None)
    record(
        "certificates.batch_finished",
        by=None,
        subject=("certificate_batch", batch.code),
        after={"done": counts.done}
        | ({"not_earned": counts.not_earned} if counts.not_earned else {})
        | ({"refused": counts.refused} if counts.refused else {}),
    )


# --- The archive --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Download:
    """A file that is sent piece by piece: its name, its kind, how long it is, and its pieces."""

    name: str
    content_type: str
    size: int
    pieces: Iterator[bytes]
    certificates: int


def _keys_of(batch: CertificateBatch) -> dict[str, Any]:
    """Return the public keys that the files of a batch were signed with, as they are published now."""
    kids = {kid for file in batches.list_stored(batch) for kid in file.kids}
    return {"keys": [each.published() for each in keys.list_public_keys() if each.kid in kids]}


def members_of(batch: CertificateBatch) -> list[Member]:
    """Return what stands in the archive of a finished batch: the PDFs, a list of their hashes, and the public keys."""
    finished = batches.last_act(batch, Act.FINISHED)
    published = canonical_json(finished.keys if finished is not None and finished.keys is not None else {}).encode()
    files, listed = [], {KEYS_NAME: sha256(published).hexdigest()}
    for file in batches.list_stored(batch):
        name = f"certificate-{file.number}-{file.language}.pdf"
        listed[name] = file.sha256
        files.append(Member(name, file.size, _reading(file.id)))
    hashes = list_of_hashes(listed).encode()
    return [*files, Member.of(KEYS_NAME, published), Member.of(LIST_NAME, hashes)]


def _reading(file_id: int) -> Callable[[], bytes]:
    # Nothing is held while the reader's line takes its time.
    return lambda: read_alone(lambda: batches.read_content(file_id))


def take_file(*, batch: CertificateBatch, by: Person) -> Download:
    """Note that somebody takes the file of a batch, and return it; nothing is read before its pieces are asked for.

    Raises `BatchFileNotReady`, `FilesOutOfReach`.
    """
    if batch.kind not in FILES or stands(batch) is not BatchState.FINISHED:
        raise BatchFileNotReady()
    taken = batches.list_taken(batch)
    if not taken:
        raise BatchFileNotReady()
    if not all(allows(by, SEE_CERTIFICATE, each) for each in taken):
        raise FilesOutOfReach()
    base = f"certificates-{batch.cohort.code}-{batch.code.lower()}"
    if batch.kind is BatchKind.ZIP:
        members = members_of(batch)
        pieces = write_archive(members, at=batch.requested_at)
        found = Download(f"{base}.zip", "application/zip", size_of_archive(members), pieces, len(taken))
    else:
        kept = batches.find_print(batch)
        if kept is None:
            raise BatchFileNotReady()
        found = Download(f"{base}.pdf", "application/pdf", kept.size, _parts(kept.making), len(taken))
    record(
        "certificates.batch_taken",
        by=by,
        subject=("certificate_batch", batch.code),
        after={"certificates": found.certificates},
    )
    return found


def _parts(making: str) -> Iterator[bytes]:
    for part_id in read_alone(lambda: batches.list_part_ids(making)):
        yield read_alone(lambda part_id=part_id: batches.read_part(part_id))  # type: ignore[misc]


# --- The print file -----------------------------------------------------------------------------------------------


def _print(code: str) -> Generator[Any, Any, None]:
    """Put the stored files of a batch together as one PDF for the printer, and keep it in parts."""
    batch = _going(code)
    if batch is None:
        return
    making = new_code()
    # What a worker that died has left.
    session.execute(delete(CertificateBatchPart).where(CertificateBatchPart.batch_id == batch.id))
    files, batch_id = batches.list_stored(batch), batch.id
    if not files:
        _finish(batch)
        return
    language = batch.requested_by.language
    with force_locale(language):
        title = _title_of(batch)
    with tempfile.TemporaryFile() as target:
        merged: Merged = yield Outside(
            lambda: merge(_sources(files), target, title=title, language=language, identifier=f"batch:{code}")
        )
        target.seek(0)
        number = -(-merged.size // PART)
        for position in range(number):
            batch = _going(code)
            if batch is None or batches.find_print(batch) is not None:
                return
            _keep_part(batch_id, making, position, target)
            yield None
        batch = _going(code)
        if batch is None or batches.find_print(batch) is not None:
            return
        if len(batches.list_part_ids(making)) != number:
            # Another worker has begun anew, for this one was silent for too long.
            return
        session.add(
            CertificateBatchPrint(
                batch_id=batch_id,
                making=making,
                made_at=clock.now(),
                pages=merged.pages,
                size=merged.size,
                sha256=merged.sha256,
            )
        )
        session.flush()


def _keep_part(batch_id: int, making: str, position: int, target: IO[bytes]) -> None:
    part = CertificateBatchPart(batch_id=batch_id, making=making, position=position, content=target.read(PART))
    session.add(part)
    session.flush()
    session.expunge(part)


def _title_of(batch: CertificateBatch) -> str:
    return str(_l("Certificates of %(cohort)s, for printing", cohort=str(batch.cohort.name)))


def _sources(files: Sequence[StoredFile]) -> Iterator[Source]:
    for file in files:
        yield Source(f"{file.number} {file.holder}", _reading(file.id)())


def tidy() -> int:
    """Remove print files that were made long ago; what they were stays. Return how many."""
    old = batches.list_old_prints(clock.now() - KEPT)
    for each in old:
        session.execute(delete(CertificateBatchPart).where(CertificateBatchPart.making == each.making))
        each.removed_at = clock.now()
    session.flush()
    return len(old)

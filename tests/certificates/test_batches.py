"""Many certificates at once: what is shown is what is done, once, whatever dies in between; and their files."""

from __future__ import annotations

import contextlib
import importlib
import re
import tracemalloc
import zipfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from io import BytesIO
from typing import Any

import pikepdf
import pypdfium2
import pytest
from flask import Flask

from portal.accounts.models import Person, Role, Scope
from portal.certificates import handlers, queries, service
from portal.certificates.errors import (
    BatchCannotGoOn,
    BatchFileNotReady,
    BatchNotAsked,
    BatchNotUnderWay,
    BatchTooLarge,
    FilesOutOfReach,
    ListChanged,
    NeedsReason,
    NotConfirmedByOneself,
    NothingToDo,
)
from portal.certificates.formats.signed_file import SignedFile
from portal.certificates.invariants import INVARIANTS
from portal.certificates.models import (
    Certificate,
    CertificateBatch,
    CertificateBatchOutcome,
    CertificateBatchPart,
    CertificateBatchPrint,
    CertificateFile,
    KeyPurpose,
    NumberSeries,
)
from portal.certificates.queries import batches as found_in
from portal.certificates.rules import State
from portal.certificates.rules.batches import Act, BatchKind, BatchState, FileLanguages, Outcome
from portal.certificates.service import batches, keys
from portal.certificates.service.batches import Line, Wish
from portal.cohorts import queries as cohort_queries
from portal.cohorts import service as cohorts
from portal.cohorts.models import Cohort
from portal.core import archives_sent, clock, jobs
from portal.core.archives_sent import Member, size_of_archive, write_archive
from portal.core.db import session
from portal.core.pdf import CharacterWithoutGlyph, PdfFailed
from portal.core.transaction import own_transaction
from portal.journal.models import JournalEntry
from portal.training.models import Enrollment
from tests.builders import MORNING, Cast, make_grant, make_person
from tests.certificates.builders import issue, make_credential, make_enrollment, make_plan, renew
from tests.certificates.test_races import Killed, die, sound
from tests.queries import counted_queries
from tests.quizzes.crowd import at_once
from tests.training import builders as training

SLUG = "impersonation-reviewer"
LATER = datetime(2027, 3, 1, 3, tzinfo=UTC)
REASON = "The questions of the quiz were passed on."


@pytest.fixture
def cohort(cast: Cast) -> Cohort:
    """A cohort of the lead's team, its credential, and an administrator."""
    make_credential()
    make_grant(cast.lead, Role.LEAD, Scope.COHORT, "jp-2026-04")
    return training.make_cohort(cast.admin)


def let_in(cohort: Cohort, by: Person, *people: Person, done: bool = True, credential: str = SLUG) -> list[Enrollment]:
    """Take people into the cohort, each with a training for the credential."""
    found = []
    for person in people:
        with own_transaction():
            cohorts.add_member(cohort=session.merge(cohort), person=session.merge(person), by=session.merge(by))
        found.append(make_enrollment(person, credential=credential, done=done, cohort_id=cohort.id))
    return found


def many(cohort: Cohort, by: Person, number: int) -> list[Enrollment]:
    people = [make_person(f"p{place:03}@portal.example", family_kana=f"ア{place:03}") for place in range(number)]
    return let_in(cohort, by, *people)


def ask(kind: BatchKind, cohort: Cohort, by: Person, *, reason: str | None = None, **values: Any) -> CertificateBatch:
    """Look at the list and ask for what it shows."""
    with own_transaction():
        by, cohort = session.merge(by), session.merge(cohort)
        wish = Wish(kind, cohort, **values)
        seen = batches.digest_of(batches.preview(wish, by))
        return batches.ask(wish=wish, seen=seen, by=by, reason=reason)[0]


def act(what: Callable[..., None], batch: CertificateBatch, by: Person) -> None:
    with own_transaction():
        what(batch=found_in.get_batch(batch.code), by=session.merge(by))


def job_of(batch: CertificateBatch) -> int:
    found = batches.find_job(found_in.get_batch(batch.code))
    assert found is not None
    return found.id


def carry_out(batch: CertificateBatch) -> CertificateBatch:
    """Let the worker do it, and return it as it is then."""
    jobs.run_job(job_of(batch))
    session.rollback()
    return found_in.get_batch(batch.code)


def outcomes(batch: CertificateBatch) -> list[Outcome]:
    return [
        each.outcome
        for each in session.query(CertificateBatchOutcome).order_by(CertificateBatchOutcome.item_id)
        if each.item.batch_id == found_in.get_batch(batch.code).id
    ]


def reasons(lines: Sequence[Line]) -> list[str | None]:
    return [line.left_out.en if line.left_out is not None else None for line in lines]


def look(kind: BatchKind, cohort: Cohort, by: Person, **values: Any) -> list[Line]:
    return batches.preview(Wish(kind, cohort, **values), by)


def taken(batch: CertificateBatch, by: Person) -> bytes:
    """Download the file of the batch."""
    with own_transaction():
        found = batches.take_file(batch=found_in.get_batch(batch.code), by=session.merge(by))
    content = b"".join(found.pieces)
    assert len(content) == found.size
    return content


def left_over() -> list[str]:
    """Return the completions for which nothing was issued; everything else is sound."""
    said = [re.fullmatch(r"enrollment (\w+) is completed, but .* was not issued: .*", breach) for breach in sound()]
    return [found[1] for found in said if found is not None] if all(said) else sound()


def state(batch: CertificateBatch) -> BatchState:
    session.rollback()
    session.expire_all()
    return batches.stands(found_in.get_batch(batch.code))


# --- What is shown, and what is done -------------------------------------------------------------------------------


def test_the_list_says_of_everybody_what_will_happen_or_why_not(cohort: Cohort, cast: Cast) -> None:
    people = [make_person(f"{name}@portal.example", family_kana=name) for name in ("a", "b", "c", "d")]
    first, _second = let_in(cohort, cast.admin, *people[:2])
    let_in(cohort, cast.admin, people[2], done=False)
    with own_transaction():
        cohorts.add_member(cohort=session.merge(cohort), person=session.merge(people[3]), by=session.merge(cast.admin))
    issue(people[0], code=first.code)
    lines = look(BatchKind.ISSUE, cohort, cast.lead)
    assert [line.person.sign_in_name[0] for line in lines] == ["a", "b", "c", "d"]
    assert reasons(lines) == [
        "It was issued already.",
        None,
        "The training plan is not completed yet.",
        "No training that this account sees leads to such a credential.",
    ]
    assert lines[2].left_out is not None
    assert lines[2].left_out.ja == "研修計画はまだ修了していません。"


def test_what_was_shown_is_issued_and_nothing_else(cohort: Cohort, cast: Cast) -> None:
    enrollments = many(cohort, cast.admin, 3)
    batch = ask(BatchKind.ISSUE, cohort, cast.lead)
    # Completed only after the list was fixed.
    (late,) = let_in(cohort, cast.admin, make_person("late@portal.example"))
    batch = carry_out(batch)
    assert state(batch) is BatchState.FINISHED
    found = session.query(Certificate).order_by(Certificate.id).all()
    assert [each.enrollment_code for each in found] == [each.code for each in enrollments]
    assert late.code not in {each.enrollment_code for each in found}
    assert outcomes(batch) == [Outcome.DONE] * 3
    issued = session.query(JournalEntry).filter_by(action="certificates.issued").all()
    # The lead has issued them, and the journal says so.
    assert {each.actor_code for each in issued} == {cast.lead.code}
    assert left_over() == [late.code]


def test_a_list_that_is_not_the_one_that_was_seen_is_refused(cohort: Cohort, cast: Cast) -> None:
    many(cohort, cast.admin, 1)
    seen = batches.digest_of(look(BatchKind.ISSUE, cohort, cast.lead))
    let_in(cohort, cast.admin, make_person("late@portal.example"))
    with pytest.raises(ListChanged), own_transaction():
        batches.ask(wish=Wish(BatchKind.ISSUE, session.merge(cohort)), seen=seen, by=session.merge(cast.lead))
    assert session.query(CertificateBatch).count() == 0


def test_a_list_of_which_nothing_is_to_be_done_is_refused(cohort: Cohort, cast: Cast) -> None:
    let_in(cohort, cast.admin, make_person(), done=False)
    with pytest.raises(NothingToDo):
        ask(BatchKind.ISSUE, cohort, cast.lead)


def test_a_batch_has_a_limit(cohort: Cohort, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    many(cohort, cast.admin, 3)
    monkeypatch.setattr(batches, "MAX_ITEMS", 2)
    with pytest.raises(BatchTooLarge):
        ask(BatchKind.ISSUE, cohort, cast.lead)


def test_the_same_that_is_under_way_is_not_begun_again(cohort: Cohort, cast: Cast) -> None:
    many(cohort, cast.admin, 2)
    first = ask(BatchKind.ISSUE, cohort, cast.lead)
    assert ask(BatchKind.ISSUE, cohort, cast.lead).code == first.code
    assert ask(BatchKind.ISSUE, cohort, cast.admin).code == first.code
    other = ask(BatchKind.ISSUE, cohort, cast.lead, credential=queries.get_credential(SLUG))
    assert other.code != first.code
    carry_out(first)
    # Its lines were done by the other one: the service issues once.
    carry_out(other)
    assert session.query(Certificate).count() == 2
    assert sound() == []


def test_eligibility_is_judged_again_when_a_line_has_its_turn(cohort: Cohort, cast: Cast) -> None:
    enrollments = many(cohort, cast.admin, 3)
    batch = ask(BatchKind.ISSUE, cohort, cast.lead)
    with own_transaction():
        session.get_one(Person, enrollments[1].person_id).deactivated_at = MORNING
    batch = carry_out(batch)
    assert outcomes(batch) == [Outcome.DONE, Outcome.NOT_EARNED, Outcome.DONE]
    (told,) = [each.reason for each in session.query(CertificateBatchOutcome) if each.reason is not None]
    assert "deactivated" in told.en
    assert told.ja
    assert told.ja != told.en
    assert [each.last_number for each in session.query(NumberSeries)] == [2]


def test_who_has_lost_the_role_meanwhile_issues_nothing(cohort: Cohort, cast: Cast) -> None:
    many(cohort, cast.admin, 2)
    batch = ask(BatchKind.ISSUE, cohort, cast.lead)
    with own_transaction():
        for grant in session.get_one(Person, cast.lead.id).grants:
            grant.ended_at, grant.ended_by = MORNING, "test"
    batch = carry_out(batch)
    assert outcomes(batch) == [Outcome.REFUSED] * 2
    assert session.query(Certificate).count() == 0


def test_an_unforeseen_failure_of_one_line_keeps_nobody_else_waiting(
    cohort: Cohort, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrollments = many(cohort, cast.admin, 3)
    batch = ask(BatchKind.ISSUE, cohort, cast.lead)
    gather = queries.gather_basis

    def fail(enrollment: Enrollment) -> Any:
        if enrollment.code == enrollments[1].code:
            raise KeyError("steps")
        return gather(enrollment)

    monkeypatch.setattr(queries, "gather_basis", fail)
    batch = carry_out(batch)
    assert outcomes(batch) == [Outcome.DONE, Outcome.REFUSED, Outcome.DONE]
    assert sorted(each.series_no for each in session.query(Certificate)) == [1, 2]
    assert left_over() == [enrollments[1].code]


def test_only_what_was_completed_again_in_time_is_renewed(cohort: Cohort, cast: Cast) -> None:
    make_plan(SLUG, "again")
    make_credential(number="1.1", renewal_window_days=60, grace_days=30)
    people = [make_person(f"{name}@portal.example", family_kana=name) for name in ("a", "b", "c")]
    let_in(cohort, cast.admin, *people)
    for person in people[:2]:
        renew(person, datetime(2026, 4, 15, 3, tzinfo=UTC), plan="first")
    with clock.frozen(LATER):
        make_enrollment(people[0], plan="again", completed_at=LATER)
        lines = look(BatchKind.RENEW, cohort, cast.admin)
        assert {line.person.sign_in_name[0] for line in lines if line.left_out is None} == {"a"}
        said = {line.person.sign_in_name[0]: line.left_out.en for line in lines if line.left_out is not None}
        assert said["b"] == "No plan has been completed that renews it."
        assert said["c"] == "There is no certificate to renew now."
        batch = carry_out(ask(BatchKind.RENEW, cohort, cast.admin))
        assert outcomes(batch) == [Outcome.DONE]
        (fresh,) = session.query(Certificate).filter(Certificate.renews_id.is_not(None))
        assert fresh.person_id == people[0].id


def test_a_list_takes_as_many_statements_for_thirty_as_for_three(cohort: Cohort, cast: Cast) -> None:
    for kind in BatchKind:
        counts = []
        for size in (3, 30):
            people = [make_person(f"{kind}{size}{n}@portal.example") for n in range(size)]
            enrollments = let_in(cohort, cast.admin, *people)
            for each in enrollments[::2]:
                issue(each.person, code=each.code)
            session.expire_all()
            admin = session.get_one(Person, cast.admin.id)
            here = cohort_queries.get_cohort("jp-2026-04")
            _grants = [each.role for each in admin.grants]
            with counted_queries() as statements:
                look(kind, here, admin)
            counts.append(len(statements))
        assert counts[0] == counts[1], (kind, counts)


# --- Revoking ------------------------------------------------------------------------------------------------------


def test_two_administrators_revoke_many_and_none_of_them_her_own(cohort: Cohort, cast: Cast) -> None:
    second = make_person("second@portal.example", family_kana="ン")
    make_grant(second, Role.ADMIN)
    enrollments = many(cohort, cast.admin, 2)
    enrollments += let_in(cohort, cast.admin, second, cast.admin)
    for each in enrollments:
        issue(each.person, code=each.code)
    with pytest.raises(NeedsReason):
        ask(BatchKind.REVOKE, cohort, cast.admin, reason="short")
    batch = ask(BatchKind.REVOKE, cohort, cast.admin, reason=REASON)
    assert state(batch) is BatchState.ASKED
    assert batches.find_job(found_in.get_batch(batch.code)) is None
    with pytest.raises(NotConfirmedByOneself):
        act(batches.confirm, batch, cast.admin)
    act(batches.confirm, batch, second)
    with pytest.raises(BatchNotAsked):
        act(batches.confirm, batch, second)
    batch = carry_out(batch)
    assert sorted(outcomes(batch)) == sorted([Outcome.DONE, Outcome.DONE, Outcome.REFUSED])
    worth = {each.person_id: service.state_of(each) for each in session.query(Certificate)}
    # The one who asked was left out of the list, the one who confirmed was refused at her line.
    assert worth[cast.admin.id] is worth[second.id] is State.VALID
    assert [worth[each.person_id] for each in enrollments[:2]] == [State.REVOKED] * 2
    facts = queries.list_certificates_of(enrollments[0].person_id)[0].facts
    assert (facts[0].by, facts[0].confirmed_by, facts[0].reason) == (cast.admin.code, second.code, REASON)
    assert sound() == []


@pytest.mark.parametrize(("who", "left"), [("admin", BatchState.TAKEN_BACK), ("second", BatchState.DECLINED)])
def test_a_request_to_revoke_many_is_taken_back_or_declined(
    cohort: Cohort, cast: Cast, who: str, left: BatchState
) -> None:
    second = make_person("second@portal.example")
    make_grant(second, Role.ADMIN)
    held(cohort, cast.admin, 1)
    batch = ask(BatchKind.REVOKE, cohort, cast.admin, reason=REASON)
    assert [each.code for each in found_in.list_to_confirm()] == [batch.code]
    act(batches.decline, batch, {"admin": cast.admin, "second": second}[who])
    assert state(batch) is left
    assert found_in.list_to_confirm() == []
    with pytest.raises(BatchNotAsked):
        act(batches.confirm, batch, second)
    assert service.state_of(session.query(Certificate).one()) is State.VALID


# --- Killed, delivered twice, cancelled ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "point",
    [
        "portal.certificates.service.batches.batches.find_waiting",
        "portal.certificates.service.record",
        "portal.certificates.service.snapshot_hash",
        "portal.certificates.service.batches._note",
        "portal.certificates.service.batches._act",
        "portal.certificates.service.batches._finish",
        "portal.core.jobs._finish",
        "portal.core.transaction.session.commit",
    ],
)
@pytest.mark.parametrize("nth", [1, 2, 3])
def test_a_worker_that_dies_at_any_step_goes_on_at_the_first_line_that_waits(
    cohort: Cohort, cast: Cast, point: str, nth: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    many(cohort, cast.admin, 3)
    batch = ask(BatchKind.ISSUE, cohort, cast.lead)
    job = job_of(batch)
    with monkeypatch.context() as patch:
        _kill_at(patch, point, nth)
        # Some steps come less often than others.
        with contextlib.suppress(Killed):
            jobs.run_job(job)
    session.rollback()
    with clock.frozen(clock.now() + jobs.LEASE + timedelta(seconds=1)):
        jobs.run_job(job)
        assert state(batch) is BatchState.FINISHED
        assert outcomes(batch) == [Outcome.DONE] * 3
        assert sorted(each.series_no for each in session.query(Certificate)) == [1, 2, 3]
        assert [each.act for each in found_in.get_batch(batch.code).acts] == [Act.FINISHED]
        assert session.query(JournalEntry).filter_by(action="certificates.batch_finished").count() == 1
        assert sound() == []


def _kill_at(patch: pytest.MonkeyPatch, point: str, nth: int) -> None:
    """Die the nth time that something is done."""
    owner, _, name = point.rpartition(".")
    target: Any = None
    parts = owner.split(".")
    for length in range(len(parts), 0, -1):
        try:
            target = importlib.import_module(".".join(parts[:length]))
        except ImportError:
            continue
        for part in parts[length:]:
            target = getattr(target, part)
        break
    work, seen = getattr(target, name), iter(range(1, 1000))

    def once(*arguments: Any, **values: Any) -> Any:
        if next(seen) == nth:
            die()
        return work(*arguments, **values)

    patch.setattr(point, once)


@pytest.mark.races
def test_a_batch_that_five_workers_get_at_once_issues_each_once(app: Flask, cohort: Cohort, cast: Cast) -> None:
    many(cohort, cast.admin, 6)
    batch = ask(BatchKind.ISSUE, cohort, cast.lead)
    job = job_of(batch)
    assert sorted(at_once(app, lambda _number: jobs.run_job(job), 5)) == [False] * 4 + [True]
    assert outcomes(batch) == [Outcome.DONE] * 6
    assert sorted(each.series_no for each in session.query(Certificate)) == list(range(1, 7))
    assert sound() == []


@pytest.mark.races
def test_two_workers_in_the_same_batch_share_its_lines(app: Flask, cohort: Cohort, cast: Cast) -> None:
    many(cohort, cast.admin, 8)
    code = ask(BatchKind.ISSUE, cohort, cast.lead).code

    def work(_number: int) -> None:
        # As after a lease that ran out: both believe that the work is theirs.
        steps = batches.run(code, handlers.render)
        while True:
            with own_transaction():
                try:
                    next(steps)
                except StopIteration:
                    return

    at_once(app, work, 2)
    session.rollback()
    batch = found_in.get_batch(code)
    assert outcomes(batch) == [Outcome.DONE] * 8
    assert sorted(each.series_no for each in session.query(Certificate)) == list(range(1, 9))
    assert [each.act for each in batch.acts] == [Act.FINISHED]
    assert sound() == []


def stopped_after(batch: CertificateBatch, lines: int, by: Person) -> None:
    """Let a worker do some lines, then somebody cancel between two of them."""
    steps = batches.run(batch.code, handlers.render)
    for _line in range(lines):
        with own_transaction():
            next(steps)
    act(batches.cancel, batch, by)
    with own_transaction(), pytest.raises(StopIteration):
        next(steps)


def test_what_was_done_stays_after_a_cancellation_and_the_rest_goes_on_later(cohort: Cohort, cast: Cast) -> None:
    many(cohort, cast.admin, 4)
    batch = ask(BatchKind.ISSUE, cohort, cast.lead)
    job = job_of(batch)
    stopped_after(batch, 2, cast.lead)
    assert state(batch) is BatchState.CANCELLED
    assert outcomes(batch) == [Outcome.DONE] * 2
    assert jobs.run_job(job) is False
    with pytest.raises(BatchNotUnderWay):
        act(batches.cancel, batch, cast.lead)
    act(batches.go_on, batch, cast.admin)
    with pytest.raises(BatchCannotGoOn):
        act(batches.go_on, batch, cast.admin)
    assert job_of(batch) != job
    batch = carry_out(batch)
    assert state(batch) is BatchState.FINISHED
    assert outcomes(batch) == [Outcome.DONE] * 4
    assert [each.act for each in batch.acts] == [Act.CANCELLED, Act.RESUMED, Act.FINISHED]
    (cancelled,) = session.query(JournalEntry).filter_by(action="certificates.batch_cancelled")
    assert cancelled.after == {"done": 2, "waiting": 2}
    # Whoever let it go on has issued the rest.
    issued = session.query(JournalEntry).filter_by(action="certificates.issued").order_by(JournalEntry.id)
    assert [each.actor_code for each in issued] == [cast.lead.code] * 2 + [cast.admin.code] * 2
    assert sound() == []


def test_a_batch_that_has_failed_goes_on_with_what_is_left(
    cohort: Cohort, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    many(cohort, cast.admin, 2)
    batch = ask(BatchKind.ISSUE, cohort, cast.lead)
    with monkeypatch.context() as patch:
        patch.setattr(batches, "_carry_out", _fails)
        for _try in range(10):
            with clock.frozen(clock.now() + timedelta(hours=_try)):
                jobs.run_job(job_of(batch))
    assert state(batch) is BatchState.FAILED
    act(batches.go_on, batch, cast.lead)
    carry_out(batch)
    assert state(batch) is BatchState.FINISHED
    assert outcomes(batch) == [Outcome.DONE] * 2


def _fails(*_arguments: Any) -> None:
    raise OSError("the disk is full")


# --- Archives ------------------------------------------------------------------------------------------------------


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Draw files in no time: a small PDF with the holder's name; return which were drawn."""
    seen: list[tuple[str, str]] = []

    def print_quickly(snapshot: Any, language: str, **values: Any) -> SignedFile:
        seen.append((snapshot["number"], language))
        target = BytesIO()
        with pikepdf.new() as pdf:
            pdf.add_blank_page(page_size=(842, 595))
            pdf.docinfo["/Title"] = f"{snapshot['number']} {language}"
            pdf.save(target, deterministic_id=True)
        content = target.getvalue()
        return SignedFile(
            content=content, renderer="test", fonts="test",
            unsigned_sha256=sha256(content).hexdigest(), kid=values["issue_key"].public.kid,
            document_kid=values["document_key"].public.kid, signed_at=values["at"],
        )  # fmt: skip

    monkeypatch.setattr(handlers, "print_signed", print_quickly)
    return seen


def held(cohort: Cohort, by: Person, number: int) -> list[Certificate]:
    return [issue(each.person, code=each.code) for each in many(cohort, by, number)]


def test_an_archive_holds_the_stored_files_their_hashes_and_the_keys(
    cohort: Cohort, cast: Cast, quick: list[tuple[str, str]]
) -> None:
    certificates = held(cohort, cast.admin, 3)
    jobs.run_due(1)
    assert len(quick) == 2
    batch = carry_out(ask(BatchKind.ZIP, cohort, cast.lead, languages=FileLanguages.BOTH))
    # What was there is not drawn again.
    assert len(quick) == len(set(quick)) == 6
    content = taken(batch, cast.lead)
    with zipfile.ZipFile(BytesIO(content)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert names == [
            *(f"certificate-{each.number}-{tag}.pdf" for each in certificates for tag in ("en", "ja")),
            "jwks.json",
            "SHA256SUMS",
        ]
        assert all(each.flag_bits & 0x800 and each.compress_type == zipfile.ZIP_STORED for each in archive.infolist())
        listed = dict(reversed(line.split("  ")) for line in archive.read("SHA256SUMS").decode().splitlines())
        assert listed.keys() == set(names) - {"SHA256SUMS"}
        assert all(sha256(archive.read(name)).hexdigest() == digest for name, digest in listed.items())
        for certificate in certificates:
            stored = queries.get_file(queries.get_certificate(certificate.number), "ja")
            assert archive.read(f"certificate-{certificate.number}-ja.pdf") == stored.content
    entries = session.query(JournalEntry).filter_by(action="certificates.batch_taken").all()
    assert [(each.actor_code, each.after) for each in entries] == [(cast.lead.code, {"certificates": 3})]


def test_the_same_batch_gives_the_same_bytes_after_the_keys_have_changed(
    cohort: Cohort, cast: Cast, quick: list[tuple[str, str]]
) -> None:
    held(cohort, cast.admin, 2)
    batch = carry_out(ask(BatchKind.ZIP, cohort, cast.lead, languages=FileLanguages.JAPANESE))
    before = taken(batch, cast.lead)
    with own_transaction():
        keys.rotate_key(purpose=KeyPurpose.ISSUE)
    with clock.frozen(LATER):
        assert taken(batch, cast.admin) == before
    with zipfile.ZipFile(BytesIO(before)) as archive:
        assert not [name for name in archive.namelist() if name.endswith("-en.pdf")]


def test_files_in_the_language_of_each_holder(cohort: Cohort, cast: Cast, quick: list[tuple[str, str]]) -> None:
    people = [make_person(f"{tag}@portal.example", language=tag, family_kana=tag) for tag in ("en", "ja")]
    first, second = (issue(each.person, code=each.code) for each in let_in(cohort, cast.admin, *people))
    batch = carry_out(ask(BatchKind.ZIP, cohort, cast.lead, languages=FileLanguages.HOLDER))
    with zipfile.ZipFile(BytesIO(taken(batch, cast.lead))) as archive:
        assert archive.namelist()[:2] == [f"certificate-{first.number}-en.pdf", f"certificate-{second.number}-ja.pdf"]
    before = taken(batch, cast.lead)
    with own_transaction():
        session.get_one(Person, people[0].id).language = "ja"
    # That of the holder when it was asked for.
    assert taken(batch, cast.lead) == before


def test_what_is_not_in_force_is_left_out_unless_all_are_wanted(
    cohort: Cohort, cast: Cast, quick: list[tuple[str, str]]
) -> None:
    certificates = held(cohort, cast.admin, 3)
    with own_transaction():
        service.suspend(
            certificate=queries.get_certificate(certificates[0].number), reason=REASON, by=session.merge(cast.admin)
        )
        service.revoke(
            certificate=queries.get_certificate(certificates[1].number), reason=REASON,
            requested_by=session.merge(cast.admin), confirmed_by=session.merge(cast.lead),
        )  # fmt: skip
    lines = look(BatchKind.ZIP, cohort, cast.lead)
    assert reasons(lines) == ["It is suspended.", "It is revoked.", None]
    assert reasons(look(BatchKind.ZIP, cohort, cast.lead, takes_all=True)) == [None] * 3
    batch = carry_out(ask(BatchKind.ZIP, cohort, cast.lead, languages=FileLanguages.ENGLISH))
    counts = found_in.count_items([batch.id])[batch.id]
    assert (counts.total, counts.done, counts.left_out) == (1, 1, 2)


def test_what_is_revoked_before_its_turn_does_not_go_into_the_file(
    cohort: Cohort, cast: Cast, quick: list[tuple[str, str]]
) -> None:
    certificates = held(cohort, cast.admin, 2)
    batch = ask(BatchKind.ZIP, cohort, cast.lead)
    with own_transaction():
        service.revoke(
            certificate=queries.get_certificate(certificates[0].number), reason=REASON,
            requested_by=session.merge(cast.admin), confirmed_by=session.merge(cast.lead),
        )  # fmt: skip
    batch = carry_out(batch)
    assert outcomes(batch) == [Outcome.REFUSED, Outcome.DONE]
    with zipfile.ZipFile(BytesIO(taken(batch, cast.lead))) as archive:
        assert not [name for name in archive.namelist() if certificates[0].number in name]


@pytest.mark.parametrize(
    ("failure", "words"),
    [(PdfFailed(), "a font or a library is missing"), (OSError("gone"), "Something unexpected went wrong")],
)
def test_a_file_that_cannot_be_drawn_keeps_nobody_else_waiting_and_says_what_is_known(
    cohort: Cohort,
    cast: Cast,
    quick: list[tuple[str, str]],
    monkeypatch: pytest.MonkeyPatch,
    failure: Exception,
    words: str,
) -> None:
    certificates = held(cohort, cast.admin, 2)
    drawn = handlers.print_signed

    def fails(snapshot: Any, language: str, **values: Any) -> SignedFile:
        if snapshot["number"] == certificates[0].number:
            raise failure
        return drawn(snapshot, language, **values)

    monkeypatch.setattr(handlers, "print_signed", fails)
    batch = carry_out(ask(BatchKind.ZIP, cohort, cast.lead))
    assert outcomes(batch) == [Outcome.REFUSED, Outcome.DONE]
    said = session.query(CertificateBatchOutcome).filter_by(outcome=Outcome.REFUSED).one().reason
    assert said is not None
    assert words in said.en


def test_a_character_that_no_font_has_is_named_before_and_after(
    cohort: Cohort, cast: Cast, quick: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused by its character where nobody had tried it yet; left out from the first afterwards."""
    certificates = held(cohort, cast.admin, 2)
    number = certificates[0].number
    drawn = handlers.print_signed

    def fails(snapshot: Any, language: str, **values: Any) -> SignedFile:
        if snapshot["number"] == number:
            raise CharacterWithoutGlyph(characters=["😀"])
        return drawn(snapshot, language, **values)

    monkeypatch.setattr(handlers, "print_signed", fails)
    batch = carry_out(ask(BatchKind.ZIP, cohort, cast.lead))
    assert outcomes(batch) == [Outcome.REFUSED, Outcome.DONE]
    said = session.query(CertificateBatchOutcome).filter_by(outcome=Outcome.REFUSED).one().reason
    assert said is not None
    assert "U+1F600" in said.en
    assert "U+1F600" in said.ja
    jobs.run_due()
    first, second = batches.preview(Wish(BatchKind.ZIP, session.merge(cohort)), session.merge(cast.lead))
    assert first.left_out is not None
    assert "no font has 😀 (U+1F600)" in first.left_out.en
    assert second.left_out is None


def test_what_was_replaced_before_it_was_drawn_goes_into_no_file(
    cohort: Cohort, cast: Cast, quick: list[tuple[str, str]]
) -> None:
    (former,) = held(cohort, cast.admin, 1)
    batch = ask(BatchKind.ZIP, cohort, cast.lead, takes_all=True)
    with own_transaction():
        service.reissue_certificate(
            certificate=queries.get_certificate(former.number), reason="Another family name.", by=cast.admin
        )
    assert outcomes(carry_out(batch)) == [Outcome.REFUSED]
    wish = Wish(BatchKind.ZIP, session.merge(cohort), takes_all=True)
    assert [each.left_out is None for each in batches.preview(wish, session.merge(cast.lead))] == [False, True]


def test_a_file_is_there_when_the_batch_is_finished_and_only_for_whoever_sees_all_of_it(
    cohort: Cohort, cast: Cast, quick: list[tuple[str, str]]
) -> None:
    (certificate,) = held(cohort, cast.admin, 1)
    batch = ask(BatchKind.ZIP, cohort, cast.lead)
    with pytest.raises(BatchFileNotReady):
        taken(batch, cast.lead)
    batch = carry_out(batch)
    assert taken(batch, cast.lead)
    with pytest.raises(FilesOutOfReach):
        taken(batch, cast.outsider)
    assert certificate.number


@pytest.mark.parametrize("limits", [{}, {"_LARGE": 1500}, {"_MANY": 4}])
def test_an_archive_is_read_whatever_its_size(limits: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    # As if fields held less: what is read then stands in those of Zip64.
    for name, value in limits.items():
        monkeypatch.setattr(archives_sent, name, value)
    members = [Member.of(f"修了証-{number}.pdf", bytes([number]) * 400) for number in range(8)]
    content = b"".join(write_archive(members, at=MORNING))
    assert len(content) == size_of_archive(members)
    with zipfile.ZipFile(BytesIO(content)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [each.name for each in members]
        assert [archive.read(each.name) for each in members] == [each.read() for each in members]
        assert archive.infolist()[0].date_time[:3] == (MORNING.year, MORNING.month, MORNING.day)
    with pytest.raises(ValueError, match="has 4 bytes"):
        list(write_archive([Member("a.bin", 3, lambda: b"four")], at=MORNING))


def test_a_thousand_files_are_sent_in_little_memory() -> None:
    def read() -> bytes:
        return bytes(100_000)

    members = [Member(f"certificate-{number:04}-ja.pdf", 100_000, read) for number in range(1000)]
    tracemalloc.start()
    size = sum(len(piece) for piece in write_archive(members, at=MORNING))
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size == size_of_archive(members)
    assert peak < 10_000_000, peak


# --- Print files ---------------------------------------------------------------------------------------------------


def test_a_print_file_is_what_was_issued_in_the_order_of_the_list(cohort: Cohort, cast: Cast) -> None:
    certificates = held(cohort, cast.admin, 2)
    batch = carry_out(ask(BatchKind.PRINT, cohort, cast.lead, languages=FileLanguages.BOTH))
    assert state(batch) is BatchState.FINISHED
    content = taken(batch, cast.lead)
    made = found_in.find_print(batch)
    assert made is not None
    assert (made.size, made.sha256) == (len(content), sha256(content).hexdigest())
    pages = _texts(content)
    assert len(pages) == made.pages == 4
    order = [(each, tag) for each in certificates for tag in ("en", "ja")]
    for (certificate, tag), text in zip(order, pages, strict=True):
        holder = certificate.snapshot["holder"][tag]
        assert "".join(holder.split()) in "".join(text.split())
        assert certificate.number in "".join(text.split())
    with pikepdf.open(BytesIO(content)) as pdf, pdf.open_outline() as outline:
        titles = [str(each.title) for each in outline.root]
        assert [title.split()[0] for title in titles] == [each.number for each, _tag in order]
        assert "/AcroForm" not in pdf.Root
        assert len(pdf.attachments) == 0


def _texts(content: bytes) -> list[str]:
    document = pypdfium2.PdfDocument(content)
    return [page.get_textpage().get_text_bounded() for page in document]


def test_a_print_file_is_kept_in_parts_for_days_and_can_be_made_again(
    cohort: Cohort, cast: Cast, quick: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    held(cohort, cast.admin, 3)
    monkeypatch.setattr(batches, "PART", 500)
    batch = carry_out(ask(BatchKind.PRINT, cohort, cast.lead))
    first = taken(batch, cast.lead)
    assert session.query(CertificateBatchPart).count() == -(-len(first) // 500) > 1
    with pytest.raises(BatchCannotGoOn):
        act(batches.go_on, batch, cast.lead)
    with clock.frozen(clock.now() + timedelta(days=7, minutes=1)):
        with own_transaction():
            assert batches.tidy() == 1
        assert session.query(CertificateBatchPart).count() == 0
        with pytest.raises(BatchFileNotReady):
            taken(batch, cast.lead)
        act(batches.go_on, batch, cast.lead)
        batch = carry_out(batch)
        assert taken(batch, cast.lead) == first
        assert session.query(CertificateBatchPrint).count() == 2


@pytest.mark.parametrize("point", ["merge", "_keep_part", "_finish"])
def test_a_worker_that_dies_while_the_print_file_is_made_leaves_one_whole_file(
    cohort: Cohort, cast: Cast, quick: list[tuple[str, str]], point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    held(cohort, cast.admin, 3)
    monkeypatch.setattr(batches, "PART", 500)
    batch = ask(BatchKind.PRINT, cohort, cast.lead)
    job = job_of(batch)
    with monkeypatch.context() as patch:
        _kill_at(patch, f"portal.certificates.service.batches.{point}", 2 if point == "_keep_part" else 1)
        with pytest.raises(Killed):
            jobs.run_job(job)
    session.rollback()
    with clock.frozen(clock.now() + jobs.LEASE + timedelta(seconds=1)):
        jobs.run_job(job)
        assert state(batch) is BatchState.FINISHED
        content = taken(batch, cast.lead)
        assert session.query(CertificateBatchPart).count() == -(-len(content) // 500)
        assert session.query(CertificateFile).count() == 6


def test_a_batch_is_as_sound_as_what_it_did(cohort: Cohort, cast: Cast) -> None:
    many(cohort, cast.admin, 2)
    carry_out(ask(BatchKind.ISSUE, cohort, cast.lead))
    assert [breach for check in INVARIANTS.values() for breach in check()] == []
    assert re.fullmatch(r"[0-9A-Z]{12}", session.query(CertificateBatch).one().code)

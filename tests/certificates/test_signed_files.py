"""Certificates that verify by themselves: signed as data and as files, so that no changed byte passes."""

from __future__ import annotations

import io
import json
import random
import re
import subprocess
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from click.testing import Result
from flask import Flask

from portal.certificates import queries, service
from portal.certificates.formats import verification
from portal.certificates.formats.signed_file import print_unsigned
from portal.certificates.formats.statement import FILE_NAME
from portal.certificates.formats.verification import Finding, verify_file
from portal.certificates.models import Certificate, CertificateFile, KeyPurpose
from portal.certificates.queries import keys as key_queries
from portal.certificates.service import keys, snapshot_hash
from portal.core import clock, jobs, pdf_signatures, signatures
from portal.core.db import canonical_json, session
from portal.core.pdf_signatures import Fault
from portal.core.transaction import own_transaction
from tests.builders import Cast, make_person
from tests.certificates.builders import issue, issue_with_files
from tests.certificates.test_files import assert_says
from tests.volume import NIGHTLY, volume

LANGUAGES = ("en", "ja")


def content_of(certificate: Certificate, language: str = "ja") -> bytes:
    return queries.get_file(certificate, language).content


def on_disk(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "certificate.pdf"
    path.write_bytes(content)
    return path


def tool(*command: str) -> str:
    """What a program of Debian's says; its status must be 0."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _is_place(child: Any) -> bool:
    """Say whether a child of a structure element is where an annotation has its place."""
    return isinstance(child, pikepdf.Dictionary) and child.get("/Type") == "/OBJR"


def verify(app: Flask, path: Path, *options: str) -> Result:
    return app.test_cli_runner().invoke(args=["certificates", "verify", str(path), "--language", "en", *options])


def published(app: Flask, tmp_path: Path) -> Path:
    path = tmp_path / "jwks.json"
    path.write_text(keys.published_keys(), encoding="utf-8")
    return path


def signed_elsewhere(content: bytes) -> bytes:
    """The file with the signature of a key that is none of ours."""
    pem = signatures.new_document_key(name="Somebody", now=clock.now())
    return pdf_signatures.sign(content, signatures.read_private(pem), at=clock.now().replace(microsecond=0))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_file_says_what_its_snapshot_says_and_is_archivable_accessible_and_signed(
    cast: Cast, language: str, tmp_path: Path
) -> None:
    certificate = issue_with_files(cast.learner)
    content = content_of(certificate, language)
    path = str(on_disk(tmp_path, content))
    assert_says(content, certificate.snapshot, language)
    assert "No syntax or stream encoding errors found" in tool("qpdf", "--check", path)
    fonts = [line.split() for line in tool("pdffonts", path).splitlines()[2:]]
    assert fonts
    # Columns from the right: object (two), unicode, subset, embedded.
    assert all(row[-5] == "yes" for row in fonts), fonts
    said = tool("pdfsig", "-nocert", path)
    assert "Signature is Valid" in said
    assert "Total document signed" in said
    assert "ETSI.CAdES.detached" in said
    with pikepdf.open(io.BytesIO(content)) as document:
        root: Any = document.Root
        assert root.MarkInfo.Marked
        assert root.StructTreeRoot
        assert root.Lang == language
        assert root.ViewerPreferences.DisplayDocTitle
        assert root.OutputIntents[0].S == "/GTS_PDFA1"
        assert len(root.AF) == 1
        assert root.AF[0].AFRelationship == "/Data"
        assert list(document.attachments) == [FILE_NAME]
        with document.open_metadata() as told:
            assert (told["pdfaid:part"], told["pdfaid:conformance"], told["pdfuaid:part"]) == ("3", "A", "1")
            # PDF/A asks for one description, said twice.
            assert told["pdf:Producer"] == document.docinfo["/Producer"]
            assert told["pdf:Keywords"] == document.docinfo["/Keywords"]
            assert told["dc:title"] == document.docinfo["/Title"]
        assert document.docinfo["/Keywords"] == f"{certificate.number}, {certificate.code}"
        (page,) = document.pages
        widget = next(each for each in page.Annots if each.Subtype == "/Widget")
        assert [int(each) for each in widget.Rect] == [0, 0, 0, 0]
        # It is named and has its place in the structure, as each link has.
        assert str(widget.TU) == {"en": "Digital signature", "ja": "電子署名"}[language]
        numbers = list(root.StructTreeRoot.ParentTree.Nums)
        parents = {int(at): element for at, element in zip(numbers[::2], numbers[1::2], strict=True)}
        assert len(parents) == len(numbers) // 2
        for annotation in page.Annots:
            element = parents[int(annotation.StructParent)]
            assert ("/Form" if annotation.Subtype == "/Widget" else "/Link") == element.S
            assert annotation.objgen in [each.Obj.objgen for each in element.K if _is_place(each)]
        (of_all,) = root.StructTreeRoot.K
        assert parents[int(widget.StructParent)].objgen in [each.objgen for each in of_all.K]
        attached = json.loads(document.attachments[FILE_NAME].get_file().read_bytes())
    payload, key = signatures.open_flattened(
        canonical_json(attached).encode(), key_queries.list_public_keys(), typ="shirube-certificate+jws"
    )
    assert key.kid == queries.get_file(certificate, language).kid
    assert sha256(payload).hexdigest() == certificate.snapshot_sha256 == snapshot_hash(json.loads(payload))


def test_the_same_input_gives_the_same_bytes_before_signing(cast: Cast) -> None:
    certificate = issue_with_files(cast.learner)
    key = keys.load_key(KeyPurpose.ISSUE)
    for language in LANGUAGES:
        again = print_unsigned(certificate.snapshot, language, issue_key=key).content
        file = queries.get_file(certificate, language)
        assert sha256(again).hexdigest() == file.unsigned_sha256
        # The signature is appended: what was there before stands as it was.
        assert file.content.startswith(again)


def test_verification_finds_who_signed_what_and_when(cast: Cast) -> None:
    certificate = issue_with_files(cast.learner)
    found = verify_file(content_of(certificate), key_queries.list_public_keys())
    assert found.finding is None
    assert found.snapshot == certificate.snapshot
    file = queries.get_file(certificate, "ja")
    assert found.document_key is not None
    assert found.issue_key is not None
    assert (found.issue_key.kid, found.document_key.kid, found.signed_at) == (
        file.kid,
        file.document_kid,
        file.signed_at,
    )


def test_no_changed_byte_passes(cast: Cast) -> None:
    content = content_of(issue_with_files(cast.learner))
    public = key_queries.list_public_keys()
    assert pdf_signatures.examine(content, public).fault is None
    start = content.index(b"/Contents <") + len(b"/Contents <")
    end = content.index(b">", start)
    if NIGHTLY:
        flips = [(at, 1 << bit) for at in range(len(content)) for bit in range(8)]
    else:
        chance = random.Random(sha256(content).digest())
        # Everything around the signature and much of its own bytes, since there a change is hardest to find.
        places = {*range(start - 200, start + 120), *range(end - 60, len(content))}
        places |= {chance.randrange(start, end) for _ in range(1500)} | set(chance.sample(range(len(content)), 1500))
        flips = [(at, 1 << chance.randrange(8)) for at in sorted(places)]
    missed = []
    for at, bit in flips:
        changed = bytearray(content)
        changed[at] ^= bit
        if pdf_signatures.examine(bytes(changed), public).fault is None:
            missed.append((at, bit, content[at - 20 : at + 20]))
    assert not missed


def _other_case(content: bytes) -> bytes:
    start = content.index(b"/Contents <") + len(b"/Contents <")
    end = content.index(b">", start)
    return content[:start] + content[start:end].lower() + content[end:]


def _padded(content: bytes) -> bytes:
    end = content.index(b">", content.index(b"/Contents <"))
    return content[: end - 1] + b"1" + content[end:]


def _with_update(content: bytes) -> bytes:
    changed = io.BytesIO()
    with pikepdf.open(io.BytesIO(content)) as document:
        document.docinfo["/Title"] = "Another"
        document.save(changed)
    return content + changed.getvalue()


def _with_range(change: Callable[[int, int, int], tuple[int, int, int]]) -> Callable[[bytes], bytes]:
    def changed(content: bytes) -> bytes:
        found = re.search(rb"/ByteRange \[0 (\d+) (\d+) (\d+)\]", content)
        assert found is not None
        written = b"/ByteRange [0 %d %d %d]" % change(*(int(each) for each in found.groups()))
        return content[: found.start()] + written.ljust(found.end() - found.start()) + content[found.end() :]

    return changed


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda content: content + b"\n", Fault.OUTSIDE),
        (lambda content: content + b"%%EOF\n", Fault.OUTSIDE),
        (lambda content: content[:-1], Fault.OUTSIDE),
        (lambda content: content[: len(content) // 2], Fault.NONE),
        (lambda content: b"%PDF-1.7\n" + content, Fault.OUTSIDE),
        (lambda content: content.replace(b"/Prev", b"/Prex"), Fault.CHANGED),
        (_other_case, Fault.SPELLING),
        (_padded, Fault.SPELLING),
        (lambda content: content + content, Fault.SEVERAL),
        (_with_update, Fault.SEVERAL),
        (_with_range(lambda before, behind, length: (before, behind, length - 1)), Fault.OUTSIDE),
        (_with_range(lambda before, behind, length: (before - 1, behind, length)), Fault.OUTSIDE),
        (_with_range(lambda before, behind, length: (before + 1, behind, length)), Fault.OUTSIDE),
        (lambda content: content.replace(b"/ByteRange [0 ", b"/ByteRange [00 "), Fault.NONE),
        (lambda content: b"", Fault.NONE),
    ],
)
def test_what_is_added_cut_off_or_spelt_otherwise_is_found(
    cast: Cast, change: Callable[[bytes], bytes], fault: Fault
) -> None:
    content = content_of(issue_with_files(cast.learner))
    found = pdf_signatures.examine(change(content), key_queries.list_public_keys())
    assert found.fault is fault
    assert verify_file(change(content), key_queries.list_public_keys()).finding is not None


def test_a_file_signed_by_somebody_else_is_not_ours(cast: Cast) -> None:
    certificate = issue_with_files(cast.learner)
    key = keys.load_key(KeyPurpose.ISSUE)
    unsigned = print_unsigned(certificate.snapshot, "en", issue_key=key).content
    public = key_queries.list_public_keys()
    forged = signed_elsewhere(unsigned)
    # The tests' one RSA key under another certificate: the certificate decides.
    assert verify_file(forged, public).finding is Finding.UNKNOWN_KEY
    assert verify_file(unsigned, public).finding is Finding.NOT_SIGNED


def test_data_that_the_issuer_did_not_sign_does_not_count_in_a_signed_file(cast: Cast) -> None:
    certificate = issue_with_files(cast.learner)
    document_key = keys.load_key(KeyPurpose.DOCUMENT)
    other = signatures.read_private(signatures.new_issue_key())
    unsigned = print_unsigned(certificate.snapshot, "en", issue_key=other).content
    signed = pdf_signatures.sign(unsigned, document_key, at=clock.now())
    assert verify_file(signed, key_queries.list_public_keys()).finding is Finding.UNKNOWN_ISSUE_KEY


def test_a_key_says_nothing_after_it_was_retired(cast: Cast) -> None:
    certificate = issue_with_files(cast.learner)
    former = keys.load_signers()
    with clock.frozen(clock.now() + timedelta(days=1)):
        with own_transaction():
            for purpose in KeyPurpose:
                keys.rotate_key(purpose=purpose)
        public = key_queries.list_public_keys()
        assert verify_file(content_of(certificate), public).finding is None
        late = pdf_signatures.sign(
            print_unsigned(certificate.snapshot, "ja", issue_key=former.issue).content,
            former.document,
            at=clock.now() + timedelta(days=1),
        )
        assert verify_file(late, public).finding is Finding.RETIRED_KEY


def test_keys_that_change_between_the_languages_do_no_harm(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = issue(cast.learner)
    store, done = service.store_file, []

    def store_and_rotate(**values: Any) -> bool:
        stored = store(**values)
        if not done:
            for purpose in KeyPurpose:
                keys.rotate_key(purpose=purpose)
        done.append(stored)
        return stored

    monkeypatch.setattr("portal.certificates.service.store_file", store_and_rotate)
    jobs.run_due()
    files = [queries.get_file(certificate, language) for language in LANGUAGES]
    assert files[0].kid != files[1].kid
    for file in files:
        assert verify_file(file.content, key_queries.list_public_keys()).finding is None


@pytest.mark.parametrize("where", ["print", "sign", "store", "commit"])
def test_a_worker_that_dies_anywhere_leaves_file_and_row_together(
    cast: Cast, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """As when the process is killed: nothing in the product catches it."""

    number = issue(cast.learner).number
    points = {
        "print": "portal.core.pdf.render",
        "sign": "portal.core.pdf_signatures.sign",
        "store": "portal.certificates.service.store_file",
        "commit": "portal.certificates.service.record",
    }

    def die(*_arguments: Any, **_values: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(points[where], die)
        with pytest.raises(Killed):
            jobs.run_due()
    session.rollback()
    session.remove()
    assert session.query(CertificateFile).count() == 0
    with own_transaction():
        job = session.query(jobs.Job).filter_by(name="certificates.render").one()
        job.state, job.run_after = jobs.JobState.CREATED, job.created_at
    jobs.run_due()
    certificate = queries.get_certificate(number)
    for language in LANGUAGES:
        file = queries.get_file(certificate, language)
        assert sha256(file.content).hexdigest() == file.sha256
        assert verify_file(file.content, key_queries.list_public_keys()).finding is None


def test_without_its_key_nothing_is_issued_unsigned(cast: Cast) -> None:
    issue_with_files(cast.learner)
    active = key_queries.find_active_key(KeyPurpose.DOCUMENT)
    assert active is not None
    keys.file_of(active.kid).unlink()
    second = issue(make_person())
    jobs.run_due()
    job = session.query(jobs.Job).filter(jobs.Job.last_error.is_not(None)).one()
    assert active.kid in str(job.last_error)
    assert queries.get_certificate(second.number).files == []


# --- commands -----------------------------------------------------------------------------------------------------


def test_a_file_can_be_checked_offline_with_the_published_keys(
    app: Flask, cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = issue_with_files(cast.learner)
    path, keys_file = on_disk(tmp_path, content_of(certificate)), published(app, tmp_path)

    def asked(*_arguments: Any, **_values: Any) -> None:
        raise AssertionError("the database was asked")

    monkeypatch.setattr("portal.core.db.session.scalars", asked)
    monkeypatch.setattr("portal.core.db.session.scalar", asked)
    monkeypatch.setattr("portal.core.db.session.execute", asked)
    result = verify(app, path, "--keys", str(keys_file))
    assert result.exit_code == 0, result.output
    assert certificate.number in result.output
    assert certificate.snapshot["holder"]["ja"] in result.output
    assert "every byte is covered" in result.output
    path.write_bytes(path.read_bytes() + b" ")
    result = verify(app, path, "--keys", str(keys_file))
    assert result.exit_code == 1
    assert "not covered by its signature" in result.output
    assert "NOT confirmed" in result.output
    other = signatures.read_private(signatures.new_issue_key()).public
    keys_file.write_text(json.dumps({"keys": [other.published()]}))
    path.write_bytes(path.read_bytes()[:-1])
    assert "none of the published ones" in verify(app, path, "--keys", str(keys_file)).output
    keys_file.write_text("{}")
    assert verify(app, path, "--keys", str(keys_file)).exit_code == 1


def test_the_portal_also_says_what_a_file_is_worth_today(app: Flask, cast: Cast, tmp_path: Path) -> None:
    certificate = issue_with_files(cast.learner)
    path = on_disk(tmp_path, content_of(certificate))
    result = verify(app, path)
    assert result.exit_code == 0, result.output
    assert "Valid today." in result.output
    with own_transaction():
        service.revoke(
            certificate=queries.get_certificate(certificate.number),
            requested_by=cast.admin,
            confirmed_by=make_person(),
            reason="Issued by mistake.",
        )
    result = verify(app, path)
    assert result.exit_code == 1
    assert "Revoked by its issuer." in result.output
    assert f"genuine, but revoked on {clock.today(certificate.zone)}: do not accept it" in result.output
    # Who has the keys alone knows nothing of it, and is told so.
    result = verify(app, path, "--keys", str(published(app, tmp_path)))
    assert result.exit_code == 0, result.output
    assert "was not looked up" in result.output


def test_the_portal_does_not_let_a_suspended_file_pass(app: Flask, cast: Cast, tmp_path: Path) -> None:
    certificate = issue_with_files(cast.learner, renewal_window_days=60, grace_days=30)
    path = on_disk(tmp_path, content_of(certificate))
    # Every state is said in words; only what somebody has taken away fails.
    for days in (0, 330, 370, 500):
        with clock.frozen(clock.now() + timedelta(days=days)):
            assert verify(app, path).exit_code == 0, days
    with own_transaction():
        service.suspend(
            certificate=queries.get_certificate(certificate.number), reason="Being looked into.", by=cast.admin
        )
    result = verify(app, path)
    assert result.exit_code == 1, result.output
    assert "genuine, but suspended on" in result.output
    with own_transaction():
        service.reinstate(
            certificate=queries.get_certificate(certificate.number), reason="Nothing was wrong.", by=cast.admin
        )
    assert verify(app, path).exit_code == 0


def test_a_file_from_before_signatures_is_known_to_the_portal_only(app: Flask, cast: Cast, tmp_path: Path) -> None:
    certificate = issue_with_files(cast.learner)
    file = queries.get_file(certificate, "ja")
    unsigned = print_unsigned(certificate.snapshot, "ja", issue_key=keys.load_key(KeyPurpose.ISSUE)).content
    session.execute(
        CertificateFile.__table__.update()  # type: ignore[attr-defined]
        .where(CertificateFile.id == file.id)
        .values(
            content=unsigned,
            size=len(unsigned),
            sha256=sha256(unsigned).hexdigest(),
            unsigned_sha256=None,
            kid=None,
            document_kid=None,
            signed_at=None,
        )
    )
    session.commit()
    path = on_disk(tmp_path, unsigned)
    result = verify(app, path)
    assert result.exit_code == 0, result.output
    assert "Issued before signatures were introduced: the hash matches our record." in result.output
    result = verify(app, path, "--keys", str(published(app, tmp_path)))
    assert result.exit_code == 1
    assert "can be checked on the portal only" in result.output
    path.write_bytes(unsigned + b"\n")
    assert verify(app, path).exit_code == 1


def test_an_export_can_be_checked_elsewhere_and_run_again(app: Flask, cast: Cast, tmp_path: Path) -> None:
    first, second = issue_with_files(cast.learner), issue_with_files(make_person())
    folder = tmp_path / "out"
    runner = app.test_cli_runner()
    result = runner.invoke(args=["certificates", "export", first.code, str(folder)])
    assert result.exit_code == 0, result.output
    names = {f"certificate-{first.number}{end}" for end in (".json", "-en.pdf", "-ja.pdf")}
    assert {each.name for each in folder.iterdir()} == names | {"jwks.json", "SHA256SUMS"}
    written = {each.name: each.stat().st_mtime_ns for each in folder.iterdir()}
    assert runner.invoke(args=["certificates", "export", "--all", str(folder)]).exit_code == 0
    assert {name: (folder / name).stat().st_mtime_ns for name in names} == {name: written[name] for name in names}
    assert (folder / f"certificate-{second.number}-en.pdf").is_file()
    assert len((folder / "SHA256SUMS").read_text().splitlines()) == 7
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=folder, check=True)
    for path in sorted(folder.glob("*.pdf")):
        assert verify(app, path, "--keys", str(folder / "jwks.json")).exit_code == 0
    snapshot = (folder / f"certificate-{first.number}.json").read_bytes()
    assert sha256(snapshot).hexdigest() == first.snapshot_sha256
    unknown = runner.invoke(args=["certificates", "export", "NO-SUCH", str(folder)])
    assert unknown.exit_code == 1
    assert "NO-SUCH" in unknown.output
    assert "Go back" not in unknown.output
    assert runner.invoke(args=["certificates", "export", str(folder)]).exit_code == 2


def test_an_export_names_whose_pdf_is_missing_and_fails(app: Flask, cast: Cast, tmp_path: Path) -> None:
    """The data is written all the same; what was replaced before it was printed is named and no failure."""
    replaced = issue(cast.learner)
    with own_transaction():
        fresh = service.reissue_certificate(certificate=replaced, reason="Another family name.", by=cast.admin)
    runner = app.test_cli_runner()
    result = runner.invoke(args=["certificates", "export", "--all", str(tmp_path / "out")])
    assert result.exit_code == 1, result.output
    assert "2 certificates written" in result.output
    assert f"without PDF: 1 ({fresh.number})" in result.output
    assert f"replaced before it was printed: 1 ({replaced.number})" in result.output
    assert (tmp_path / "out" / f"certificate-{fresh.number}.json").is_file()
    jobs.run_due()
    assert runner.invoke(args=["certificates", "export", "--all", str(tmp_path / "out")]).exit_code == 0


def test_any_bytes_at_all_are_answered_and_never_with_a_failure(cast: Cast) -> None:
    content = content_of(issue_with_files(cast.learner))
    public = key_queries.list_public_keys()
    chance = random.Random(6)
    for _ in range(volume(60, 3000)):
        changed = bytearray(content)
        for _ in range(chance.randrange(1, 30)):
            at = chance.randrange(len(changed))
            changed[at : at + chance.randrange(40)] = chance.randbytes(chance.randrange(40))
        found = verify_file(bytes(changed), public)
        assert found.finding is not None or bytes(changed) == content


def test_a_file_that_is_no_certificate_is_refused_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    assert verify_file(b"GIF89a", []).finding is Finding.NOT_A_PDF
    monkeypatch.setattr(verification, "MAX_FILE_BYTES", 8)
    assert verify_file(b"%PDF-1.7 and more", []).finding is Finding.TOO_LARGE

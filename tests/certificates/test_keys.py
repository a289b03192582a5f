"""The keys that sign: made once, readable by their owner only, changed for new ones, and what they signed holds."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import Result
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID
from flask import Flask
from sqlalchemy import text

from portal.certificates import invariants
from portal.certificates.errors import KeyMissing, KeyRefused, NoKeyYet
from portal.certificates.models import KeyPurpose, SigningKey
from portal.certificates.queries import keys as queries
from portal.certificates.service import keys
from portal.core import clock, signatures
from portal.core.db import session
from portal.core.signatures import NotSigned, read_jwks
from portal.core.transaction import own_transaction


def run(app: Flask, *arguments: str) -> Result:
    return app.test_cli_runner().invoke(args=["certificates", "keys", *arguments])


def make_keys() -> None:
    with own_transaction():
        keys.make_missing_keys()


def pem_of(key: ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def certificate_of(
    key: rsa.RSAPrivateKey, *, name: str = "Hibiki", issuer: tuple[str, rsa.RSAPrivateKey] | None = None, days: int = 9
) -> bytes:
    """A certificate for the key, as PEM; issued by itself where nobody else is named."""
    subject, by = (
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, each)]) for each in (name, (issuer or (name,))[0])
    )
    now = clock.now()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=20))
        .not_valid_after(now + timedelta(days=days))
        .sign(issuer[1] if issuer else key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )


def test_keys_are_made_once_in_files_that_only_their_owner_reads(app: Flask) -> None:
    with pytest.raises(NoKeyYet):
        keys.load_key(KeyPurpose.ISSUE)
    first = run(app, "new")
    assert first.exit_code == 0, first.output
    assert len(first.output.splitlines()) == 2
    assert "already" in run(app, "new").output
    assert [key.purpose for key in queries.list_keys()] == [KeyPurpose.ISSUE, KeyPurpose.DOCUMENT]
    for key in queries.list_keys():
        path = keys.file_of(key.kid)
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.parent.stat().st_mode & 0o077 == 0
        assert key.kid in first.output
        kept = json.dumps([key.public, key.certificate])
        assert "PRIVATE" not in kept
        assert '"d"' not in kept


def test_no_key_is_made_behind_anybodys_back_where_one_was_lost(app: Flask) -> None:
    make_keys()
    lost = queries.find_active_key(KeyPurpose.ISSUE)
    assert lost is not None
    keys.file_of(lost.kid).unlink()
    with own_transaction():
        assert keys.make_missing_keys() == []
    with pytest.raises(KeyMissing, match=lost.kid):
        keys.load_key(KeyPurpose.ISSUE)


def test_a_retired_key_signs_no_more_and_what_it_signed_holds(app: Flask) -> None:
    make_keys()
    former = keys.load_key(KeyPurpose.ISSUE)
    signed = signatures.flattened(b"said before", former, typ="t")
    result = run(app, "rotate", "issue")
    assert result.exit_code == 0, result.output
    present = keys.load_key(KeyPurpose.ISSUE)
    assert present.public.kid != former.public.kid
    payload, key = signatures.open_flattened(signed, queries.list_public_keys(), typ="t")
    assert (payload, key.kid) == (b"said before", former.public.kid)
    assert key.retired_at is not None
    listed = run(app, "list").output
    assert "retired" in next(line for line in listed.splitlines() if former.public.kid in line)
    assert "retired" not in next(line for line in listed.splitlines() if present.public.kid in line)


def test_the_published_set_holds_every_key_and_no_private_half(app: Flask) -> None:
    make_keys()
    run(app, "rotate", "issue")
    response = app.test_client().get("/.well-known/jwks.json")
    assert response.status_code == 200
    assert response.content_type == "application/jwk-set+json"
    assert response.headers["Cache-Control"] == "public, max-age=3600"
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    published = response.get_json()["keys"]
    assert [each["kid"] for each in published] == [each.kid for each in queries.list_keys()]
    assert [("retired_at" in each) for each in published] == [True, False, False]
    assert not any({"d", "p", "q"} & set(each) for each in published)
    assert read_jwks(response.get_data(as_text=True)) == queries.list_public_keys()


def test_a_key_from_elsewhere_is_taken_with_its_chain(app: Flask, tmp_path: Path) -> None:
    make_keys()
    authority, own = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
    chain = certificate_of(own, issuer=("Authority 認証局", authority)) + certificate_of(
        authority, name="Authority 認証局"
    )
    file = tmp_path / "key.pem"
    file.write_bytes(pem_of(own) + chain)
    result = run(app, "use", str(file))
    assert result.exit_code == 0, result.output
    assert len(keys.load_key(KeyPurpose.DOCUMENT).public.certificates) == 2
    again = run(app, "use", str(file))
    assert again.exit_code == 1
    assert "signs already" in again.output
    file.write_bytes(pem_of(ed25519.Ed25519PrivateKey.generate()))
    assert run(app, "use", str(file)).exit_code == 0
    assert sum(key.retired_at is None for key in queries.list_keys()) == 2


def test_a_key_that_cannot_sign_is_refused_with_the_reason(app: Flask) -> None:
    own, other = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
    short = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    encrypted = own.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"x")
    )
    for pem, words in (
        (b"", "no private key in PEM"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "no private key in PEM"),
        (encrypted, "passphrase"),
        (pem_of(ec.generate_private_key(ec.SECP256R1())), "neither an Ed25519 key nor an RSA key"),
        (pem_of(short) + certificate_of(short), "fewer than 2,048 bits"),
        (pem_of(own), "does not stand behind it"),
        (pem_of(own) + certificate_of(other), "another key's"),
        (pem_of(own) + certificate_of(own, days=-1), "does not hold today"),
    ):
        with pytest.raises(KeyRefused, match=words), own_transaction():
            keys.use_key(pem=pem)
    assert queries.list_keys() == []


def test_the_doctor_names_keys_that_are_missing_open_to_others_or_run_out(app: Flask) -> None:
    make_keys()
    assert invariants.signing_keys_are_there() == []
    issue, document = (keys.file_of(each.kid) for each in queries.list_keys())
    issue.chmod(0o644)
    assert f"chmod 600 {issue}" in invariants.signing_keys_are_there()[0]
    issue.chmod(0o600)
    document.rename(document.with_suffix(".away"))
    assert "keys rotate document" in invariants.signing_keys_are_there()[0]
    # Another key in its place is no better.
    document.write_bytes(issue.read_bytes())
    document.chmod(0o600)
    assert "another one" in invariants.signing_keys_are_there()[0]
    document.with_suffix(".away").rename(document)
    later = clock.now() + timedelta(days=signatures.CERTIFICATE_DAYS - 20)
    with clock.frozen(later):
        assert "runs out on" in invariants.signing_keys_are_there()[0]


def test_only_one_key_signs_for_each_purpose(app: Flask) -> None:
    make_keys()
    statement = text(
        "INSERT INTO signing_keys (kid, purpose, algorithm, public, created_at)"
        " VALUES ('second', 'issue', 'EdDSA', '{}', :now)"
    )
    with pytest.raises(Exception, match=r"uq_signing_keys_active|UNIQUE"):
        session.execute(statement, {"now": clock.now().isoformat()})
    session.rollback()
    assert session.query(SigningKey).count() == 2


def test_signed_json_in_another_spelling_is_not_what_was_signed(app: Flask) -> None:
    make_keys()
    key = keys.load_key(KeyPurpose.ISSUE)
    signed = signatures.flattened(b'{"a":1}', key, typ="t")
    assert signatures.open_flattened(signed, [key.public], typ="t")[0] == b'{"a":1}'
    other = signatures.read_private(signatures.new_issue_key())
    for forged, keys_given, typ, why in (
        (signed, [other.public], "t", "key"),
        (signed, [key.public], "another", "form"),
        (signed.replace(b'","', b'", "'), [key.public], "t", "form"),
        (b"[]", [key.public], "t", "form"),
        (b"\xff", [key.public], "t", "form"),
        (b'{"payload":' + b"[" * 100_000, [key.public], "t", "form"),
    ):
        with pytest.raises(NotSigned) as refused:
            signatures.open_flattened(forged, keys_given, typ=typ)
        assert refused.value.why == why
    for at in range(len(signed)):
        changed = bytearray(signed)
        changed[at] ^= 1
        with pytest.raises(NotSigned):
            signatures.open_flattened(bytes(changed), [key.public], typ="t")

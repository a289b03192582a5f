"""Certificates as Open Badges 3.0: a library that knows nothing of us verifies them, and sees what was taken away."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from openbadgeslib.ob3.verifier import OB3VerificationError, OB3Verifier

from portal.certificates import queries, service
from portal.certificates.formats import badge
from portal.certificates.models import Certificate, CertificateFact, KeyPurpose, StatusEntry
from portal.certificates.queries import status as status_queries
from portal.certificates.rules import FactKind
from portal.certificates.rules.status import LIST_SIZE, StatusPurpose, encoded_list, set_bits
from portal.certificates.service import keys, status
from portal.core import clock, signatures
from portal.core.db import session
from portal.core.transaction import own_transaction
from tests.builders import Cast, make_person
from tests.certificates.builders import issue, issue_with_files, renew
from tests.page_client import PageClient

ISSUER = "did:web:portal.example"


@pytest.fixture
def download(app: Flask) -> Callable[[str], bytes]:
    """Fetches what the portal publishes, as the library would over the network."""

    def fetch(address: str) -> bytes:
        parts = urlsplit(address)
        assert (parts.scheme, parts.netloc) == ("https", "portal.example")
        response = app.test_client().get(parts.path)
        assert response.status_code == 200, address
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        return response.get_data()

    return fetch


def badge_of(app: Flask, certificate: Certificate, language: str = "en") -> str:
    response = PageClient(app, certificate.person, language).fetch("certificates.badge", number=certificate.number)
    assert response.status_code == 200
    assert response.content_type == "application/vc+jwt"
    assert response.headers["Cache-Control"] == "private, no-store"
    return response.get_data(as_text=True)


def payload_of(token: str) -> dict[str, Any]:
    body = token.split(".")[1]
    decoded: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return decoded


def test_a_library_that_knows_nothing_of_us_verifies_a_badge(
    app: Flask, cast: Cast, download: Callable[[str], bytes]
) -> None:
    certificate = issue_with_files(cast.learner)
    token = badge_of(app, certificate)
    found = OB3Verifier.for_issuer_did(ISSUER, download=download).verify(token, check_status=True, download=download)
    assert found.issuer.id == ISSUER
    assert found.id == certificate.snapshot["verify_url"]
    said = payload_of(token)
    assert said["credentialSubject"]["achievement"]["name"] == certificate.title.en
    assert said["credentialSubject"]["identifier"][0]["identityHash"] == certificate.snapshot["holder"]["en"]
    assert cast.learner.sign_in_name not in json.dumps(said)
    japanese = payload_of(badge_of(app, certificate, "ja"))
    assert japanese["credentialSubject"]["achievement"]["name"] == certificate.title.ja
    assert japanese["credentialSubject"]["achievement"]["inLanguage"] == "ja"


def test_a_badge_ends_with_the_last_day_on_which_its_certificate_is_valid(app: Flask, cast: Cast) -> None:
    certificate = issue_with_files(cast.learner)
    said = payload_of(badge_of(app, certificate))
    assert certificate.expires_on is not None
    # In Tokyo, whose midnight is 15:00 the day before.
    assert said["validUntil"] == f"{certificate.expires_on}T15:00:00Z"
    assert said["validFrom"] <= said["validUntil"]


def test_a_changed_badge_is_not_valid(app: Flask, cast: Cast, download: Callable[[str], bytes]) -> None:
    token = badge_of(app, issue_with_files(cast.learner))
    head, body, signature = token.split(".")
    said = payload_of(token)
    said["name"] = "Another"
    forged = base64.urlsafe_b64encode(json.dumps(said).encode()).decode().rstrip("=")
    verifier = OB3Verifier.for_issuer_did(ISSUER, download=download)
    for changed in (f"{head}.{forged}.{signature}", f"{head}.{body}.{signature[::-1]}"):
        with pytest.raises(OB3VerificationError):
            verifier.verify(changed)


def test_what_is_suspended_or_revoked_is_so_at_the_next_look(
    app: Flask, cast: Cast, download: Callable[[str], bytes]
) -> None:
    certificate = issue_with_files(cast.learner)
    token = badge_of(app, certificate)
    verifier = OB3Verifier.for_issuer_did(ISSUER, download=download)

    def look() -> None:
        verifier.verify(token, check_status=True, download=download)

    look()
    number = certificate.number
    with own_transaction():
        service.suspend(certificate=queries.get_certificate(number), reason="Being looked into.", by=cast.admin)
    with pytest.raises(OB3VerificationError, match="susp"):
        look()
    with own_transaction():
        service.reinstate(certificate=queries.get_certificate(number), reason="Nothing was wrong.", by=cast.admin)
    look()
    with own_transaction():
        service.revoke(
            certificate=queries.get_certificate(number),
            requested_by=cast.admin,
            confirmed_by=make_person(),
            reason="Issued by mistake.",
        )
    with pytest.raises(OB3VerificationError, match="revo"):
        look()


def test_the_badge_of_a_replaced_issue_does_not_pass_any_more(
    app: Flask, cast: Cast, download: Callable[[str], bytes]
) -> None:
    """Whatever becomes of the issue that took its place, and from the moment at which it did."""
    former = issue_with_files(cast.learner)
    token, number = badge_of(app, former), former.number
    verifier = OB3Verifier.for_issuer_did(ISSUER, download=download)
    verifier.verify(token, check_status=True, download=download)
    with own_transaction():
        fresh = service.reissue_certificate(
            certificate=queries.get_certificate(number), reason="Another family name.", by=cast.admin
        )
    with pytest.raises(OB3VerificationError, match="revo"):
        verifier.verify(token, check_status=True, download=download)
    verifier.verify(badge_of(app, fresh), check_status=True, download=download)


def test_the_badge_of_a_renewed_certificate_goes_on_to_pass(
    app: Flask, cast: Cast, download: Callable[[str], bytes]
) -> None:
    former = issue_with_files(cast.learner)
    token = badge_of(app, former)
    renew(cast.learner, clock.now() + timedelta(minutes=1))
    assert queries.get_certificate(former.number).replaced_at is not None
    verifier = OB3Verifier.for_issuer_did(ISSUER, download=download)
    verifier.verify(token, check_status=True, download=download)


def test_a_badge_holds_after_its_key_was_retired(app: Flask, cast: Cast, download: Callable[[str], bytes]) -> None:
    certificate = issue_with_files(cast.learner)
    token = badge_of(app, certificate)
    with own_transaction():
        keys.rotate_key(purpose=KeyPurpose.ISSUE)
    verifier = OB3Verifier.for_issuer_did(ISSUER, download=download)
    assert verifier.verify(token).issuer.id == ISSUER
    assert verifier.verify(badge_of(app, certificate)).issuer.id == ISSUER


def test_status_lists_are_signed_fresh_and_the_same_for_everybody(app: Flask, cast: Cast) -> None:
    issue_with_files(cast.learner)
    client = app.test_client()
    for purpose in StatusPurpose:
        response = client.get(f"/status/1/{purpose.value}")
        assert response.content_type == "application/vc+jwt"
        assert response.headers["Cache-Control"] == "public, max-age=60"
        public = [
            signatures.PublicKey(f"{ISSUER}#{each.kid}", each.algorithm, each.jwk)
            for each in [keys.load_key(KeyPurpose.ISSUE).public]
        ]
        payload, _ = signatures.open_compact(response.get_data(as_text=True), public, typ="vc+jwt")
        said = json.loads(payload)
        assert said["credentialSubject"]["statusPurpose"] == purpose.value
        bits = gzip.decompress(base64.urlsafe_b64decode(said["credentialSubject"]["encodedList"][1:] + "=="))
        assert bits == bytes(LIST_SIZE // 8)
    for address in ("/status/2/revocation", "/status/0/revocation", "/status/1/other", "/status/-1/revocation"):
        assert client.get(address).status_code == 404


@pytest.fixture
def signed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses of the lists that were signed, one after the other."""
    found: list[str] = []
    sign = badge.sign_credential

    def counted(payload: Any, key: signatures.PrivateKey) -> str:
        found.append(payload["jti"])
        return sign(payload, key)

    monkeypatch.setattr("portal.certificates.service.badges.badge.sign_credential", counted)
    return found


def test_who_asks_a_thousand_times_costs_no_thousand_signatures(app: Flask, cast: Cast, signed: list[str]) -> None:
    issue_with_files(cast.learner)
    client = app.test_client()
    with clock.frozen(clock.now()):
        answers = {client.get("/status/1/revocation").get_data() for _ in range(1000)}
        assert len(answers) == len(signed) == 1
        client.get("/status/1/suspension")
        client.get("/status/1/suspension")
        assert len(signed) == 2


def test_a_list_that_is_kept_is_signed_anew_before_long(app: Flask, cast: Cast, signed: list[str]) -> None:
    issue_with_files(cast.learner)
    client, now = app.test_client(), clock.now()
    for minutes, count in ((0, 1), (4, 1), (5, 2), (9, 2), (60, 3), (-60, 4)):
        with clock.frozen(now + timedelta(minutes=minutes)):
            said = payload_of(client.get("/status/1/revocation").get_data(as_text=True))
            assert len(signed) == count, minutes
            assert said["nbf"] > (clock.now() - timedelta(minutes=5)).timestamp()
            assert said["nbf"] <= clock.now().timestamp()


def test_whatever_changes_a_list_is_in_it_at_the_next_look(app: Flask, cast: Cast) -> None:
    """At the same instant, in whatever order facts get their numbers, and under the key that signs then."""
    certificates = [issue_with_files(make_person()) for _ in range(3)]
    first, second, third = (each.id for each in certificates)
    client = app.test_client()
    with clock.frozen(clock.now()):

        def revoked() -> set[int]:
            said = payload_of(client.get("/status/1/revocation").get_data(as_text=True))
            bits = gzip.decompress(base64.urlsafe_b64decode(said["credentialSubject"]["encodedList"][1:] + "=="))
            entries = session.query(StatusEntry).all()
            return {each.certificate_id for each in entries if bits[each.position // 8] & 0x80 >> each.position % 8}

        def revoke(key: int, number: int) -> None:
            with own_transaction():
                session.add(
                    CertificateFact(
                        id=number, certificate_id=key, kind=FactKind.REVOKED, at=clock.now(), by="a", confirmed_by="b",
                        reason="Issued by mistake.",
                    )
                )  # fmt: skip

        assert revoked() == set()
        revoke(first, 900)
        assert revoked() == {first}
        # Its transaction began earlier and ended later.
        revoke(second, 800)
        assert revoked() == {first, second}
        with own_transaction():
            session.query(StatusEntry).filter_by(certificate_id=third).delete()
        revoke(third, 1000)
        assert revoked() == {first, second}
        with own_transaction():
            status.allot_missing()
        assert revoked() == {first, second, third}
        with own_transaction():
            keys.rotate_key(purpose=KeyPurpose.ISSUE)
        head = client.get("/status/1/revocation").get_data(as_text=True).split(".")[0]
        kid = json.loads(base64.urlsafe_b64decode(head + "=="))["kid"]
        assert kid.endswith(f"#{keys.load_key(KeyPurpose.ISSUE).public.kid}")


def test_who_has_a_list_is_told_so_until_it_changes(app: Flask, cast: Cast) -> None:
    number = issue_with_files(cast.learner).number
    client = app.test_client()
    with clock.frozen(clock.now()):
        response = client.get("/status/1/revocation")
        had = {"If-None-Match": response.headers["ETag"]}
        again = client.get("/status/1/revocation", headers=had)
        assert (again.status_code, again.get_data()) == (304, b"")
        assert again.headers["Cache-Control"] == "public, max-age=60"
        with own_transaction():
            service.revoke(
                certificate=queries.get_certificate(number), requested_by=cast.admin, confirmed_by=make_person(),
                reason="Issued by mistake.",
            )  # fmt: skip
        changed = client.get("/status/1/revocation", headers=had)
        assert changed.status_code == 200
        assert changed.headers["ETag"] != response.headers["ETag"]
    for address in ("/.well-known/jwks.json", "/.well-known/did.json", "/.well-known/issuer.json"):
        tag = client.get(address).headers["ETag"]
        assert client.get(address, headers={"If-None-Match": tag}).status_code == 304


def test_a_certificate_gets_a_place_of_its_own_when_it_is_issued(cast: Cast) -> None:
    certificates = [issue(make_person()) for _ in range(3)]
    places = [status_queries.find_entry(each.id) for each in certificates]
    assert all(each is not None and each.list_no == 1 and 0 <= each.position < LIST_SIZE for each in places)
    assert len({each.position for each in places if each is not None}) == 3


def test_a_taken_place_is_drawn_again_and_a_full_list_followed_by_another(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = iter([7, 7, 8, 7])
    monkeypatch.setattr("portal.certificates.service.status.secrets.randbelow", lambda _size: next(drawn))
    issue(make_person())
    issue(make_person())
    monkeypatch.setattr("portal.certificates.service.status.MAX_FILLED", 2)
    issue(make_person())
    found = session.query(StatusEntry).order_by(StatusEntry.id).all()
    assert [(each.list_no, each.position) for each in found] == [(1, 7), (1, 8), (2, 7)]


def test_certificates_from_before_get_their_places_later(app: Flask, cast: Cast) -> None:
    certificate = issue_with_files(cast.learner)
    session.query(StatusEntry).delete()
    session.commit()
    client = PageClient(app, certificate.person)
    assert client.fetch("certificates.badge", number=certificate.number).status_code == 404
    with own_transaction():
        assert status.allot_missing() == 1
    with own_transaction():
        assert status.allot_missing() == 0
    assert badge_of(app, certificate)


def test_a_stale_list_is_refused_by_whoever_reads_it(app: Flask, cast: Cast, download: Callable[[str], bytes]) -> None:
    certificate = issue_with_files(cast.learner)
    token = badge_of(app, certificate)
    with clock.frozen(clock.now() - timedelta(days=3)):
        old = {
            address: download(f"https://portal.example{address}")
            for address in ("/status/1/revocation", "/status/1/suspension")
        }

    def replayed(address: str) -> bytes:
        return old.get(urlsplit(address).path) or download(address)

    verifier = OB3Verifier.for_issuer_did(ISSUER, download=download)
    with pytest.raises(OB3VerificationError):
        verifier.verify(token, check_status=True, download=replayed)


@given(st.lists(st.integers(0, LIST_SIZE - 1), max_size=30, unique=True))
def test_a_list_says_exactly_whose_bits_are_set(places: list[int]) -> None:
    bits = gzip.decompress(base64.urlsafe_b64decode(encoded_list(places)[1:] + "=="))
    assert len(bits) * 8 == LIST_SIZE
    assert [at for at in range(LIST_SIZE) if bits[at // 8] & (0x80 >> at % 8)] == sorted(places)
    assert encoded_list(places) == encoded_list(reversed(places))


def test_a_bit_follows_the_facts_in_their_order() -> None:
    facts = {
        1: [FactKind.SUSPENDED],
        2: [FactKind.SUSPENDED, FactKind.REINSTATED],
        3: [FactKind.SUSPENDED, FactKind.REVOKED],
        4: [FactKind.SUPERSEDED],
        5: [FactKind.SUSPENDED, FactKind.REINSTATED, FactKind.SUSPENDED],
    }
    assert set_bits(facts, StatusPurpose.SUSPENSION) == [1, 3, 5]
    # Issued anew for the same completion: from then on only the newer one is revoked, or suspended.
    assert set_bits(facts, StatusPurpose.REVOCATION) == [3, 4]

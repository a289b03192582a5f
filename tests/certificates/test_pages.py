"""The pages of certificates: the holder sees hers, nobody else's; what is revoked needs two people."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest

from portal.accounts.models import Role
from portal.certificates import queries, service
from portal.certificates.errors import HolderRevokes, NeedsSecondPerson, NotRevocable
from portal.certificates.rules import State
from portal.core import jobs
from portal.core.db import session
from portal.core.transaction import own_transaction
from portal.journal.queries import list_entries_about
from tests.builders import Cast, make_grant, make_person
from tests.certificates.builders import issue, issue_with_files, make_credential
from tests.queries import counted_queries

BOTH = pytest.mark.parametrize("language", ["en", "ja"])


@BOTH
def test_without_a_certificate_the_page_says_what_to_do(cast: Cast, as_: Any, language: str) -> None:
    page = as_(cast.learner, language=language).get("certificates.index")
    assert page.heading == {"en": "Certificates", "ja": "修了証"}[language]
    assert {"en": "No certificates yet", "ja": "修了証はまだありません"}[language] in page.text


@BOTH
def test_while_the_files_are_made_the_page_says_so(cast: Cast, as_: Any, language: str) -> None:
    certificate = issue(cast.learner)
    browser = as_(cast.learner, language=language)
    words = {"en": "The PDF is being created.", "ja": "PDFを作成しています。"}[language]
    assert words in browser.get("certificates.index").text
    page = browser.get("certificates.show", number=certificate.number)
    assert words in page.text
    assert not [link for link in page.links() if link.endswith(".pdf")]
    browser.get("certificates.download", number=certificate.number, language=language, expect=404)


@BOTH
def test_a_job_that_failed_is_told_to_the_holder(as_: Any, app: Any, language: str) -> None:
    person = make_person(family_name="森😀", given_name="")
    certificate = issue_with_files(person)
    page = as_(person, language=language).get("certificates.show", number=certificate.number)
    assert {"en": "could not be created yet", "ja": "まだ作成できていません"}[language] in page.text


@BOTH
def test_the_holder_finds_her_certificates_current_and_past(cast: Cast, as_: Any, language: str) -> None:
    credential = make_credential()
    old = issue(cast.learner, credential, "ENR1")
    new = issue(cast.learner, credential, "ENR2")
    jobs.run_due()
    page = as_(cast.learner, language=language).get("certificates.index")
    assert page.text.index(new.number) < page.text.index(old.number)
    assert {"en": "Renewed", "ja": "更新済み"}[language] in page.text
    shown = as_(cast.learner, language=language).get("certificates.show", number=old.number)
    assert {"en": "This certificate was renewed", "ja": "この修了証は更新済みです"}[language] in shown.text


def test_the_list_asks_the_database_as_often_for_two_as_for_one(cast: Cast, as_: Any) -> None:
    credential = make_credential()
    browser = as_(cast.learner)
    counts = []
    for index in range(1, 4):
        issue(cast.learner, credential, f"ENR{index}")
        with counted_queries() as statements:
            browser.get("certificates.index")
        counts.append(len(statements))
    assert counts[1] == counts[2]


@BOTH
def test_a_download_is_the_stored_file_byte_for_byte(cast: Cast, as_: Any, language: str) -> None:
    certificate = issue_with_files(cast.learner)
    response = as_(cast.learner).fetch("certificates.download", number=certificate.number, language=language)
    assert response.status_code == 200
    assert response.mimetype == "application/pdf"
    disposition = response.headers["Content-Disposition"]
    assert disposition.startswith("attachment")
    assert disposition.endswith(f"filename=certificate-{certificate.number}-{language}.pdf")
    assert "no-store" in response.headers["Cache-Control"]
    assert sha256(response.data).hexdigest() == queries.get_file(certificate, language).sha256


def test_who_may_see_a_certificate(cast: Cast, as_: Any) -> None:
    certificate = issue_with_files(cast.learner)
    sees = {"learner", "lead", "admin"}
    for name, person in cast.everyone().items():
        status = 200 if name in sees else 404
        for endpoint, values in (("certificates.show", {}), ("certificates.download", {"language": "ja"})):
            response = as_(person).fetch(endpoint, number=certificate.number, **values)
            assert response.status_code == status, (name, endpoint)


def test_a_stranger_is_sent_to_the_sign_in_page(cast: Cast, client: Any) -> None:
    certificate = issue_with_files(cast.learner)
    for endpoint, values in (
        ("certificates.index", {}),
        ("certificates.show", {"number": certificate.number}),
        ("certificates.download", {"number": certificate.number, "language": "ja"}),
    ):
        response = client.fetch(endpoint, **values)
        assert response.status_code == 302
        assert "/sign-in" in response.headers["Location"]


@pytest.mark.parametrize("number", ["IR-1999-0001", "ＩＲ", "x" * 300, "a'b", "%00"])
def test_a_number_that_is_none_is_not_found(cast: Cast, as_: Any, number: str) -> None:
    as_(cast.admin).get("certificates.show", number=number, expect=404)


@BOTH
def test_two_administrators_revoke_on_the_pages(cast: Cast, as_: Any, language: str) -> None:
    certificate = issue_with_files(cast.learner)
    second = make_person(language=language)
    make_grant(second, Role.ADMIN)
    first = as_(cast.admin, language=language)
    reason = "Issued for another person by mistake."
    too_short = first.post("certificates.request_revocation", {"reason": "oops"}, number=certificate.number, expect=400)
    assert {"en": "ten characters", "ja": "10文字"}[language] in too_short.text
    assert "oops" in too_short.body
    first.post("certificates.request_revocation", {"reason": reason}, number=certificate.number)
    assert service.state_of(queries.get_certificate(certificate.number)) is State.VALID
    alone = first.post("certificates.confirm_revocation", number=certificate.number, expect=409)
    assert {"en": "A second administrator", "ja": "別の管理者"}[language] in alone.text
    again = first.post("certificates.request_revocation", {"reason": reason}, number=certificate.number, expect=409)
    assert reason in again.body
    as_(second, language=language).post("certificates.confirm_revocation", number=certificate.number)
    revoked = queries.get_certificate(certificate.number)
    assert service.state_of(revoked) is State.REVOKED
    assert (revoked.facts[0].by, revoked.facts[0].confirmed_by) == (cast.admin.code, second.code)
    assert [entry.action for entry in list_entries_about("certificate", certificate.number)] == [
        "certificates.issued",
        "certificates.file_stored",
        "certificates.file_stored",
        "certificates.revocation_requested",
        "certificates.revoked",
    ]
    # The file stays, and the holder's page says what became of it and why.
    holder = as_(cast.learner, language=language)
    page = holder.get("certificates.show", number=certificate.number)
    assert {"en": "This certificate is revoked.", "ja": "取り消されています"}[language] in page.text
    assert reason in page.text
    # The public page does not tell it.
    assert reason not in holder.get("certificates.verify", code=certificate.code).text
    assert holder.fetch("certificates.download", number=certificate.number, language="ja").status_code == 200


def test_a_request_can_be_closed_and_made_again(cast: Cast, as_: Any) -> None:
    certificate = issue(cast.learner)
    browser = as_(cast.admin)
    browser.post("certificates.request_revocation", {"reason": "A mistake, perhaps."}, number=certificate.number)
    browser.post("certificates.decline_revocation", number=certificate.number)
    browser.post("certificates.decline_revocation", number=certificate.number, expect=409)
    browser.post("certificates.request_revocation", {"reason": "A mistake for sure."}, number=certificate.number)
    assert queries.find_open_request(certificate.id) is not None


def test_only_administrators_may_ask_for_a_revocation(cast: Cast, as_: Any) -> None:
    certificate = issue(cast.learner)
    for name, status in (("learner", 403), ("lead", 403), ("colleague", 404), ("approver", 404)):
        as_(getattr(cast, name)).post(
            "certificates.request_revocation",
            {"reason": "I do not like this."},
            number=certificate.number,
            expect=status,
        )
    assert queries.find_open_request(certificate.id) is None


@BOTH
def test_an_administrator_decides_nothing_about_her_own_certificate_and_reads_who_does(
    cast: Cast, as_: Any, language: str
) -> None:
    certificate = issue(cast.admin)
    number, reason = certificate.number, "Something was not right here."
    acts = {
        "certificates.request_revocation": {"reason": reason},
        "certificates.suspend": {"reason": reason},
        "certificates.reissue": {"reason": reason},
        "certificates.reinstate": {"reason": reason},
    }
    holder = as_(cast.admin, language=language)
    nobody = {"en": "and there is none", "ja": "ほかの管理者がいません"}[language]
    assert nobody in holder.get("certificates.show", number=number).text
    second = make_person(family_name="鈴木", given_name="一郎", family_romaji="Suzuki", given_romaji="Ichiro")
    third = make_person()
    for person in (second, third):
        make_grant(person, Role.ADMIN)
    who = second.name_in(language)
    page = holder.get("certificates.show", number=number)
    assert who in page.text
    assert not page.all("form", action=f"/certificates/{number}/revocation")
    for endpoint, form in acts.items():
        refused = holder.post(endpoint, form, number=number, expect=409)
        assert who in refused.text, endpoint
        if endpoint != "certificates.request_revocation":
            assert who in holder.get(endpoint, number=number).text
    assert queries.get_certificate(number).facts == []
    assert queries.find_open_request(certificate.id) is None

    # What others ask for about hers she neither confirms nor closes; whoever asked does not confirm it either.
    other = as_(second, language=language)
    other.post("certificates.suspend", {"reason": reason}, number=number)
    assert who in holder.post("certificates.reinstate", {"reason": reason}, number=number, expect=409).text
    other.post("certificates.reinstate", {"reason": reason}, number=number)
    other.post("certificates.request_revocation", {"reason": reason}, number=number)
    assert who in holder.get("certificates.show", number=number).text
    for endpoint in ("certificates.confirm_revocation", "certificates.decline_revocation"):
        assert who in holder.post(endpoint, number=number, expect=409).text
        assert queries.find_open_request(certificate.id) is not None
    other.post("certificates.confirm_revocation", number=number, expect=409)
    as_(third, language=language).post("certificates.confirm_revocation", number=number)
    session.expire_all()
    assert service.state_of(queries.get_certificate(number)) is State.REVOKED


def test_what_the_holder_asked_for_before_is_not_confirmed_by_anybody(cast: Cast) -> None:
    certificate = issue(cast.admin)
    with pytest.raises(HolderRevokes), own_transaction():
        service.revoke(
            certificate=certificate, requested_by=cast.admin, confirmed_by=cast.lead, reason="Issued by mistake."
        )


def test_neither_the_same_person_nor_the_holder_confirms(cast: Cast) -> None:
    certificate = issue(cast.admin)
    reason = "Issued by mistake."
    for pair in ((cast.lead, cast.lead), (cast.lead, cast.admin)):
        with pytest.raises(NeedsSecondPerson), own_transaction():
            service.revoke(certificate=certificate, requested_by=pair[0], confirmed_by=pair[1], reason=reason)
    with own_transaction():
        service.revoke(certificate=certificate, requested_by=cast.lead, confirmed_by=cast.approver, reason=reason)
    with pytest.raises(NotRevocable), own_transaction():
        service.revoke(certificate=certificate, requested_by=cast.lead, confirmed_by=cast.approver, reason=reason)

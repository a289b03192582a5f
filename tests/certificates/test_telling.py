"""What happens to a certificate is told to its holder: by mail in her language, and on her page."""

from __future__ import annotations

from collections.abc import Callable
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
from flask import Flask

from portal.accounts.models import Person
from portal.certificates import queries, service
from portal.certificates.models import Certificate
from portal.certificates.rules import TAKEN_AWAY
from portal.certificates.service import policies
from portal.core import jobs
from portal.core.db import session
from portal.core.transaction import own_transaction
from tests.builders import Cast, make_person
from tests.certificates.builders import issue_with_files, make_changed_document


def mails_to(app: Flask, person: Person) -> list[EmailMessage]:
    jobs.run_due()
    found = []
    for path in sorted((app.config["DATA_DIR"] / "mail").glob("*.eml")):
        message = message_from_bytes(path.read_bytes(), policy=default)
        assert isinstance(message, EmailMessage)
        if message["To"].addresses[0].addr_spec == person.sign_in_name:
            found.append(message)
    return found


def text_of(message: EmailMessage, part: str) -> str:
    body = message.get_body((part,))
    assert body is not None
    content: str = body.get_content()
    return content


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_holder_is_told_what_happens_to_her_certificate_and_whom_to_ask(
    app: Flask, cast: Cast, as_: Any, language: str
) -> None:
    """By mail in her language, and on her page: what, why, whom to ask. Others do not read the reason."""
    person = cast.learner
    with own_transaction():
        person.language = language
    certificate = issue_with_files(person)
    number, before = certificate.number, len(mails_to(app, person))
    words = {
        "en": ("suspended since", "was lifted on", "was revoked on", "Whom to ask"),
        "ja": ("効力が停止されています", "解除されました", "取り消されました", "お問い合わせ先"),
    }[language]
    steps: list[tuple[Callable[[], object], str]] = [
        (lambda: service.suspend(certificate=found(), reason="Asked by the team of audits.", by=cast.admin), words[0]),
        (lambda: service.reinstate(certificate=found(), reason="Nothing was found.", by=cast.admin), words[1]),
        (
            lambda: service.revoke(
                certificate=found(), requested_by=cast.admin, confirmed_by=cast.approver, reason="Answers were sold."
            ),
            words[2],
        ),
    ]

    def found() -> Certificate:
        return queries.get_certificate(number)

    for place, (step, said) in enumerate(steps, start=1):
        with own_transaction():
            step()
        sent = mails_to(app, person)
        assert len(sent) == before + place
        reason = found().facts[-1].reason
        newest = next(each for each in sent if reason in text_of(each, "plain"))
        assert number in str(newest["Subject"])
        for part in ("plain", "html"):
            for text in (said, reason, words[3], cast.admin.sign_in_name):
                assert text in text_of(newest, part)
        page = as_(person, language=language).get("certificates.show", number=number)
        is_taken_away = service.state_of(found()) in TAKEN_AWAY
        assert (reason in page.text) == is_taken_away
        assert (f"mailto:{cast.admin.sign_in_name}" in page.links()) == is_taken_away
        assert reason not in as_(cast.lead, language=language).get("certificates.show", number=number).text


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_mail_of_a_reissue_says_what_it_is_and_what_it_is_worth(app: Flask, cast: Cast, language: str) -> None:
    person = make_person(language=language)
    certificate = issue_with_files(person)
    with own_transaction():
        changed = make_changed_document()
        session.add(changed)
        session.flush()
        policies.supersede_by_policy(changed)
    with own_transaction():
        person.family_name, person.family_romaji = "新姓", "Newname"
        fresh = service.reissue_certificate(
            certificate=queries.get_certificate(certificate.number), reason="Another family name.", by=cast.admin
        )
    (message,) = [each for each in mails_to(app, person) if fresh.number in str(each["Subject"])]
    said = {
        "en": ("issued anew", "the rules that it certifies have changed since"),
        "ja": ("再発行しました", "証明している規則がその後変わっています"),
    }[language]
    for part in ("plain", "html"):
        text = text_of(message, part)
        for each in (*said, fresh.snapshot["holder"][language]):
            assert each in text
        for each in ("Congratulations", "おめでとう", "It is valid until"):
            assert each not in text

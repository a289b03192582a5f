"""Every kind of name that people have: printed, verified, mailed and exported as it is, or refused by character."""

from __future__ import annotations

import unicodedata
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from portal.accounts.models import Person
from portal.accounts.service import people
from portal.accounts.service.people import Names
from portal.certificates import limits, queries, service
from portal.certificates.errors import NamePrintable
from portal.certificates.rules import FactKind, State, characters_named, spelled
from portal.certificates.service import reissues
from portal.core import jobs
from portal.core.db import session
from portal.core.jobs import JobState
from portal.core.transaction import own_transaction
from tests.builders import Cast, make_person
from tests.certificates.builders import issue, issue_with_files
from tests.certificates.test_badges import badge_of, payload_of
from tests.certificates.test_files import text_of
from tests.page_client import PageClient
from tests.volume import at_night

BOTH = pytest.mark.parametrize("language", ["en", "ja"])

# What fonts have a form for: the whole name stands on the sheet, on every page and in every file.
PRINTED = {
    "one character": "林",
    "one letter": "X",
    "300 characters": "Wolfeschlegelsteinhausen " * 11 + "Featherstonehaugh-Smythe",
    "300 kanji": "寿限無五劫擦切海砂利水魚水行末雲来末風来末食寝処住処藪柑子" * 10,
    "rare kanji": "髙﨑𠮷邉齋濵",
    "a form of a character": "辻\U000e0101 葛\U000e0100",
    "combining marks": "Zoe\u0308 Nguye\u0302\u0303n",
    "kana with a mark apart": "か\u3099 ハ\u309a",
    "Cyrillic": "Анна Каренина",
    "Greek without accents": "ΕΛΕΝΗ ΠΑΠΑ",
    "mixed": "O’Brien-山田 Élodie 三世",
    "markup": "<b>Bobby</b> & {holder} 'Tables\"",
    "formula": "=1+2",
}
# What none has, with a character of it.
NOT_PRINTED = {
    "emoji": ("森 😀", "😀"),
    "a family of emoji": ("林 👩‍👩‍👧", "👩"),
    "Arabic": ("محمد علي", "م"),
    "Hebrew": ("שרה לוי", "ש"),
    "Hangul": ("김민서", "김"),
    "Thai": ("สมชาย ใจดี", "ส"),
    "Devanagari": ("नेहा", "न"),
    "a character made by an office": ("森\ue000", "\ue000"),
    "marks piled up": ("Z\u0313\u0314\u0301\u0306a", "Z\u0313\u0314\u0301\u0306"),
    "a form that no font has": ("辻\U000e01ef", "辻\U000e01ef"),
}


@pytest.fixture(autouse=True)
def _fresh_buckets() -> Any:
    for buckets in (limits.drawings, limits.lookups):
        buckets.clear()
    yield
    for buckets in (limits.drawings, limits.lookups):
        buckets.clear()


def named(name: str, romanised: str = "") -> Person:
    """Somebody whose names were set so, by somebody else."""
    person, by = make_person(family_kana="", given_kana=""), make_person()
    with own_transaction():
        people.change_person(
            person=person, sign_in_name=person.sign_in_name, names=Names(name, "", family_romaji=romanised),
            language="en", time_zone="Asia/Tokyo", market=person.home_market, team=None, employee_number="", by=by,
        )  # fmt: skip
    return person


def plainly(text: str) -> str:
    """Return a text as it can be told from a PDF: no blanks, nothing that only chooses a form."""
    return "".join(
        each
        for each in unicodedata.normalize("NFC", text)
        if not each.isspace() and unicodedata.category(each) not in ("Mn", "Cf")
    )


@pytest.mark.parametrize("name", PRINTED.values(), ids=PRINTED.keys())
def test_a_name_stands_whole_on_the_sheet_on_every_page_in_the_mail_and_in_the_badge(
    app: Flask, cast: Cast, name: str
) -> None:
    person = named(name)
    certificate = issue_with_files(person)
    said = certificate.snapshot["holder"]["ja"]
    assert said == person.family_name == certificate.snapshot["holder"]["en"]
    assert [file.language for file in certificate.files] == ["en", "ja"]
    for file in certificate.files:
        assert plainly(said) in plainly(text_of(file.content))

    admin = PageClient(app, cast.admin)
    pages = [
        PageClient(app).get("certificates.verify", code=certificate.code),
        PageClient(app, person).get("certificates.show", number=certificate.number),
        admin.get("certificates.credential", slug=certificate.credential_version.credential.slug),
        admin.get("reports.coverage_people", credential=certificate.credential_version.credential.slug),
    ]
    for page in pages:
        assert plainly(said) in plainly(page.text)
    (identity,) = payload_of(badge_of(app, certificate))["credentialSubject"]["identifier"]
    assert said in identity.values()

    (sent,) = sorted(Path(app.config["DATA_DIR"] / "mail").glob("*.eml"))
    message = message_from_bytes(sent.read_bytes(), policy=default)
    assert isinstance(message, EmailMessage)
    assert plainly(message["To"].addresses[0].display_name) == plainly(said)
    body = message.get_body(("plain",))
    assert body is not None
    assert plainly(said) in plainly(body.get_content())


@pytest.mark.parametrize(
    ("name", "language"),
    at_night(
        list(zip(NOT_PRINTED, cycle(["ja", "en"]), strict=False)),
        list(zip(NOT_PRINTED, cycle(["en", "ja"]), strict=False)),
    ),
)
def test_a_name_that_no_font_has_is_said_where_people_look_and_issued_romanised_by_one_press(
    app: Flask, cast: Cast, as_: Any, language: str, name: str
) -> None:
    whole, character = NOT_PRINTED[name]
    person = named(whole, "Plain Name")
    certificate = issue(person)
    jobs.run_due()
    number = certificate.number
    key = service.effect_key(certificate)
    assert queries.get_certificate(number).files == []
    failure = queries.find_jobs([key])[key].last_error
    assert failure is not None
    assert any(each.startswith(character) for each in characters_named(failure))

    # Its file says so too, instead of letting her wait.
    page = as_(person, language=language).get("certificates.download", number=number, language="en", expect=409)
    assert {"en": "The PDF could not be created. This page says why", "ja": "PDFを作成できませんでした。"}[
        language
    ] in page.text
    assert f"U+{ord(character[0]):04X}" in page.text

    # The page of jobs, the holder's page and list, the lead's and the administrator's page name it.
    admin, holder = as_(cast.admin, language=language), as_(person, language=language)
    jobs_page = admin.get("organisation.list_jobs")
    assert {"en": "No font has a character of this certificate", "ja": "印刷できるフォントのない文字"}[
        language
    ] in jobs_page.text
    assert f"/certificates/{number}" in jobs_page.links()
    code_point = f"U+{ord(character[0]):04X}"
    for browser, endpoint, values in (
        (holder, "certificates.index", {}),
        (holder, "certificates.show", {"number": number}),
        (admin, "certificates.show", {"number": number}),
    ):
        page = browser.get(endpoint, **values)
        assert code_point in page.text
        assert "Plain Name" in page.text
    press = {"en": "Issue it with the romanised name", "ja": "ローマ字の氏名で発行する"}[language]
    assert press not in holder.get("certificates.show", number=number).text
    assert press in admin.get("certificates.show", number=number).text
    holder.post("certificates.reissue_romanised", number=number, expect=403)

    admin.post("certificates.reissue_romanised", number=number)
    jobs.run_due()
    session.expire_all()
    fresh = queries.list_certificates_of(person.id)[0]
    assert fresh.snapshot["holder"] == {"en": "Plain Name", "ja": "Plain Name", "kana": ""}
    assert [file.language for file in fresh.files] == ["en", "ja"]
    assert fresh.expires_on == certificate.expires_on
    former = queries.get_certificate(number)
    assert service.state_of(former) is State.SUPERSEDED
    assert former.facts[0].kind is FactKind.SUPERSEDED
    assert code_point in former.facts[0].reason
    # Nothing is tried in vain any more, and the holder is not told that her account carries another name.
    assert queries.find_jobs([key])[key].state is JobState.CANCELLED
    assert not reissues.can_be_asked(fresh)
    admin.post("certificates.reissue_romanised", number=number, expect=409)
    admin.post("certificates.reissue_romanised", number=fresh.number, expect=409)


@BOTH
def test_without_a_romanised_name_it_is_said_where_one_is_entered(
    app: Flask, cast: Cast, as_: Any, language: str
) -> None:
    person = named("김민서")
    certificate = issue(person)
    jobs.run_due()
    admin, holder = as_(cast.admin, language=language), as_(person, language=language)
    assert "/account" in holder.get("certificates.show", number=certificate.number).links()
    page = admin.get("certificates.show", number=certificate.number)
    assert f"/people/{person.code}/edit" in page.links()
    refused = admin.post("certificates.reissue_romanised", number=certificate.number, expect=409)
    assert {"en": "no romanised name", "ja": "ローマ字の氏名が登録されていません"}[language] in refused.text
    # One that cannot be printed either is refused by its character, and nothing is issued.
    with own_transaction():
        person.family_romaji = "Min 😀"
    page = admin.get("certificates.show", number=certificate.number)
    assert {"en": "once the account has one that can be printed", "ja": "印刷できるローマ字"}[language] in page.text
    assert not page.all("form", action=f"/certificates/{certificate.number}/reissue/romanised")
    refused = admin.post("certificates.reissue_romanised", number=certificate.number, expect=409)
    assert "U+1F600" in refused.text
    assert len(queries.list_certificates_of(person.id)) == 1


def test_an_administrator_does_not_issue_her_own_with_another_name(app: Flask, cast: Cast, as_: Any) -> None:
    with own_transaction():
        cast.admin.family_name = "森😀"
    certificate = issue(cast.admin)
    jobs.run_due()
    admin = as_(cast.admin)
    admin.get("certificates.show", number=certificate.number)
    admin.post("certificates.reissue_romanised", number=certificate.number, expect=409)
    assert len(queries.list_certificates_of(cast.admin.id)) == 1


def test_what_can_be_printed_is_not_issued_romanised(app: Flask, cast: Cast) -> None:
    certificate = issue_with_files(cast.learner)
    with pytest.raises(NamePrintable), own_transaction():
        reissues.issue_romanised(certificate=certificate, by=cast.admin)


def test_a_character_that_does_not_stand_in_the_name_is_no_reason_for_another_one(
    app: Flask, cast: Cast, as_: Any
) -> None:
    from portal.core.i18n import Words

    certificate = issue(cast.learner, title=Words("Reviewer 😀", "審査担当 😀"))
    jobs.run_due()
    admin = as_(cast.admin, language="en")
    page = admin.get("certificates.show", number=certificate.number)
    assert "not in the name" in page.text
    assert not page.all("form", action=f"/certificates/{certificate.number}/reissue/romanised")
    admin.post("certificates.reissue_romanised", number=certificate.number, expect=409)


def test_characters_are_named_so_that_they_are_known_without_a_font() -> None:
    assert spelled("辻\U000e01ef") == "辻\U000e01ef (U+8FBB U+E01EF)"
    told = "no font has the character “😀” (U+1F600), “辻\U000e01ef” (U+8FBB U+E01EF). Use (the) romanised name."
    assert characters_named(told) == ("😀", "辻\U000e01ef")
    assert characters_named("PdfFailed: something (U+) else") == ()

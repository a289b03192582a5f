"""The PDFs of a certificate: made once, kept for ever, saying what the snapshot says, in every design and language."""

from __future__ import annotations

import io
import logging
import re
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from hashlib import sha256
from pathlib import Path
from typing import Any

import pikepdf
import pypdfium2
import pytest
import zxingcpp
from flask import Flask

from portal.certificates import queries, service
from portal.certificates.errors import FileNotReady
from portal.certificates.formats.sheet import make_sheet, plain_text
from portal.certificates.models import CertificateFile, Design, Honorific
from portal.core import jobs, pdf
from portal.core.db import session
from portal.core.transaction import own_transaction
from tests.builders import Cast, make_person
from tests.certificates.builders import issue, issue_with_files

RARE = "髙橋﨑𠮷邉邊齋齊濵葛\U000e0100辻\U000e0101"
DESIGNS = list(Design)
# Family name, given name, both romanised.
NAMES = {
    "short": ("森", "", "Li", ""),
    "long": ("エリザベート・アレクサンドリーヌ・ド・ラ・", "ロシュフコー＝山田小百合", "", ""),
    "very long": ("寿限無" * 50, "五劫の擦り切れ" * 20, "Wolfeschlegelsteinhausen" * 6, "Hubert Blaine " * 10),
    "without a break": ("A" * 300, "", "M" * 300, ""),
}
LANGUAGES = ("en", "ja")


def print_sheet(snapshot: dict[str, Any], language: str) -> bytes:
    sheet = make_sheet(snapshot, language)
    return pdf.render(
        sheet.html,
        stylesheets=sheet.stylesheets,
        assets=sheet.assets,
        fonts=sheet.fonts,
        identifier=sheet.identifier,
        title=sheet.title,
        language=sheet.language,
    ).content


def text_of(content: bytes) -> str:
    """All text of the file without blanks, since lines are broken where there is room."""
    document = pypdfium2.PdfDocument(content)
    assert len(document) == 1, "a certificate has one page"
    return "".join(document[0].get_textpage().get_text_bounded().split()).replace("\ufffe", "")


def pattern_of(text: str) -> str:
    """How a text may be read back: broken into lines anywhere, set wide, but with each of its blanks."""
    words = [r"\s*\ufffe?".join(map(re.escape, word)) for word in text.split()]
    return r"\s+".join(words)


def assert_says(content: bytes, snapshot: dict[str, Any], language: str) -> None:
    document = pypdfium2.PdfDocument(content)
    assert len(document) == 1, "a certificate has one page"
    printed = document[0].get_textpage().get_text_bounded()
    for what, text in plain_text(snapshot, language).items():
        assert re.search(pattern_of(text), printed), f"{what} is not on the sheet: {text}"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("design", DESIGNS)
def test_the_sheet_says_what_the_snapshot_says(
    cast: Cast, design: Design, language: str, caplog: pytest.LogCaptureFixture
) -> None:
    certificate = issue(cast.learner, design=design, honorific=Honorific.DONO)
    with caplog.at_level(logging.WARNING):
        content = print_sheet(certificate.snapshot, language)
    assert not caplog.records, caplog.text
    assert_says(content, certificate.snapshot, language)
    printed = text_of(content)
    assert ("殿" in printed) == (language == "ja")
    year = certificate.issued_on.year
    if language == "en":
        assert f"{certificate.issued_on.day}{certificate.issued_on:%B}{year}" in printed
    elif design is Design.CLASSIC:
        assert f"令和{year - 2018}年" in printed
    else:
        assert f"{year}年" in printed
    with pikepdf.open(io.BytesIO(content)) as document:
        described = [each for each in document.objects if getattr(each, "Type", None) == "/FontDescriptor"]
        assert described
        assert all("/FontFile3" in font or "/FontFile2" in font for font in described)
        assert not document.attachments
        assert document.Root.Lang == language
        assert certificate.number in str(document.docinfo["/Title"])


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_names_of_any_length_fit_on_the_one_page(
    app: Flask, design: Design, language: str, name: tuple[str, str, str, str]
) -> None:
    family, given, family_romaji, given_romaji = name
    person = make_person(family_name=family, given_name=given, family_romaji=family_romaji, given_romaji=given_romaji)
    certificate = issue(person, design=design, honorific=Honorific.SAMA)
    content = print_sheet(certificate.snapshot, language)
    assert_says(content, certificate.snapshot, language)
    page = pypdfium2.PdfDocument(content)[0]
    width, height = page.get_size()
    text = page.get_textpage()
    for index in range(text.count_rects()):
        left, bottom, right, top = text.get_rect(index)
        assert left >= 20, "text beyond the left edge"
        assert right <= width - 20, "text beyond the right edge"
        assert bottom >= 20, "text beyond the foot"
        assert top <= height - 20, "text beyond the head"


@pytest.mark.parametrize("design", DESIGNS)
def test_rare_characters_of_a_name_are_on_the_sheet(app: Flask, design: Design) -> None:
    person = make_person(family_name=RARE, given_name="㈱①～−‖", family_kana="ヰヱヴ", given_kana="ゞ")
    certificate = issue(person, design=design)
    # Both forms of a character, one glyph or two.
    certificate.snapshot["signatory"]["name"]["ja"] = "辻 葛"
    assert_says(print_sheet(certificate.snapshot, "ja"), certificate.snapshot, "ja")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("design", DESIGNS)
def test_blanks_within_a_title_are_on_the_sheet(cast: Cast, design: Design, language: str) -> None:
    snapshot = issue(cast.learner, design=design).snapshot
    title = "アカウント安全審査 初めての監査から担当まで"
    snapshot["credential"]["title"]["ja"] = title
    snapshot["credential"]["statement"]["ja"] = (
        f"研修計画「{title}」の全課程を修了し、 確認 テストに合格したことを証する。"
    )
    assert_says(print_sheet(snapshot, language), snapshot, language)


@pytest.mark.parametrize("design", DESIGNS)
def test_the_square_pattern_leads_to_the_public_page(app: Flask, design: Design) -> None:
    certificate = issue(design=design)
    picture = pypdfium2.PdfDocument(print_sheet(certificate.snapshot, "ja"))[0].render(scale=3).to_pil()
    found = zxingcpp.read_barcodes(picture)
    assert [code.text for code in found] == [certificate.snapshot["verify_url"]]
    grey = zxingcpp.read_barcodes(picture.convert("L").point(lambda level: 255 if level > 110 else 0))
    assert [code.text for code in grey] == [certificate.snapshot["verify_url"]]


def test_the_same_snapshot_gives_the_same_bytes(app: Flask) -> None:
    snapshot = issue().snapshot
    assert print_sheet(snapshot, "ja") == print_sheet(snapshot, "ja")
    assert print_sheet(snapshot, "ja") != print_sheet(snapshot, "en")


def test_names_and_titles_are_text_and_never_markup(app: Flask) -> None:
    person = make_person(
        family_name="<img src=http://127.0.0.1/x>", given_name="{{ 7*7 }}", family_kana="<b>", given_kana=""
    )
    certificate = issue(person, design=Design.CLASSIC)
    content = print_sheet(certificate.snapshot, "ja")
    printed = text_of(content)
    assert all(text in printed for text in ("<imgsrc=http://127.0.0.1/x>", "{{7*7}}", "<b>"))


def test_the_files_are_made_once_however_often_the_job_runs(cast: Cast) -> None:
    certificate = issue(cast.learner)
    jobs.run_due()
    first = {file.language: (file.id, file.sha256) for file in session.query(CertificateFile)}
    assert set(first) == {"en", "ja"}
    with own_transaction():
        for job in session.query(jobs.Job):
            job.state, job.attempts = jobs.JobState.CREATED, 0
    session.query(jobs.Job).filter_by(name="mail.send").delete()
    session.commit()
    jobs.run_due()
    assert {file.language: (file.id, file.sha256) for file in session.query(CertificateFile)} == first
    for language in LANGUAGES:
        file = queries.get_file(certificate, language)
        assert sha256(file.content).hexdigest() == file.sha256
        assert len(file.content) == file.size
        assert file.renderer.startswith("WeasyPrint 70")
        assert "pylopdf-fonts-jp" in file.fonts


def test_a_job_that_was_killed_between_the_languages_goes_on_where_it_was(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = issue(cast.learner)
    rendered = pdf.render
    told: list[str] = []

    def fail_on_japanese(html: str, **options: Any) -> pdf.Rendered:
        told.append(options["language"])
        if options["language"] == "ja" and told.count("ja") == 1:
            raise pdf.TookTooLong(seconds=60)
        return rendered(html, **options)

    monkeypatch.setattr("portal.core.pdf.render", fail_on_japanese)
    jobs.run_due()
    assert [file.language for file in queries.get_certificate(certificate.number).files] == ["en"]
    with pytest.raises(FileNotReady):
        queries.get_file(certificate, "ja")
    with own_transaction():
        job = session.query(jobs.Job).filter_by(name="certificates.render").one()
        assert job.last_error is not None
        job.run_after = job.created_at
    jobs.run_due()
    assert told == ["en", "ja", "ja"]
    assert [file.language for file in queries.get_certificate(certificate.number).files] == ["en", "ja"]


def test_a_character_without_a_glyph_fails_the_job_by_name(app: Flask) -> None:
    issue(make_person(family_name="森😀", given_name=""))
    jobs.run_due()
    job = session.query(jobs.Job).filter_by(name="certificates.render").one()
    assert job.last_error is not None
    assert "U+1F600" in job.last_error
    assert session.query(CertificateFile).count() == 0


def test_what_no_font_has_is_tried_once_and_told_in_one_line(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    """It would be refused the same way each time; whatever else goes wrong is tried again."""
    issue(make_person(family_name="森😀", given_name=""))
    jobs.run_due()
    job = session.query(jobs.Job).filter_by(name="certificates.render").one()
    assert (job.state, job.attempts) == (jobs.JobState.FAILED, 1)
    told = [each for each in caplog.records if "cannot be done" in each.getMessage()]
    assert len(told) == 1
    assert "U+1F600" in told[0].getMessage()
    assert not any(each.exc_info for each in caplog.records)


def test_nothing_is_drawn_of_a_certificate_that_was_replaced_meanwhile(app: Flask, cast: Cast, as_: Any) -> None:
    """Neither if its turn had not come, nor if it was tried before and failed; nobody is told that it is ready."""
    waiting = issue(cast.learner)
    failed = issue(make_person(family_name="森😀", given_name=""), queries.get_credential("impersonation-reviewer"))
    number = failed.number
    render = session.query(jobs.Job).filter_by(name="certificates.render").order_by(jobs.Job.id.desc()).first()
    assert render is not None
    jobs.run_job(render.id)
    with own_transaction():
        failed.person.family_name = "森"
        for each in (waiting, queries.get_certificate(number)):
            service.reissue_certificate(certificate=each, reason="Another family name.", by=cast.admin)
    jobs.run_due()
    assert {each.certificate.number for each in session.query(CertificateFile)}.isdisjoint({waiting.number, number})
    assert session.query(CertificateFile).count() == 4
    assert session.query(jobs.Job).filter_by(state=jobs.JobState.FAILED).count() == 0
    page = as_(cast.admin, language="en").get("certificates.show", number=waiting.number)
    assert "No PDF" in page.text
    assert "this PDF is not created any more" in page.text


def test_leads_and_administrators_read_today_what_could_not_be_printed(app: Flask, cast: Cast, as_: Any) -> None:
    """With the character, until a newer certificate stands in its place; others read nothing."""
    with own_transaction():
        cast.learner.family_name = "森😀"
        cast.learner.family_romaji, cast.learner.given_romaji = "Mori", "Aoi"
    certificate = issue(cast.learner)
    jobs.run_due()
    said = "1 certificate could not be printed"
    for person in (cast.admin, cast.lead):
        page = as_(person, language="en").get("training.today")
        assert said in page.text
        assert "U+1F600" in page.text
        assert f"/certificates/{certificate.number}#files" in page.links()
    assert said not in as_(cast.outsider, language="en").get("training.today").text
    assert said not in as_(cast.learner, language="en").get("training.today").text
    as_(cast.admin).post("certificates.reissue_romanised", number=certificate.number)
    jobs.run_due()
    assert said not in as_(cast.lead, language="en").get("training.today").text


@pytest.mark.parametrize(("language", "words"), [("ja", "おめでとうございます"), ("en", "Congratulations")])
def test_the_holder_is_told_in_her_language_when_the_files_are_there(app: Flask, language: str, words: str) -> None:
    person = make_person(language=language)
    certificate = issue_with_files(person)
    mails = sorted(Path(app.config["DATA_DIR"] / "mail").glob("*.eml"))
    assert len(mails) == 1
    message = message_from_bytes(mails[0].read_bytes(), policy=default)
    assert isinstance(message, EmailMessage)
    assert certificate.number in str(message["Subject"])
    assert message["To"].addresses[0].addr_spec == person.sign_in_name
    for part in ("plain", "html"):
        body = message.get_body((part,))
        assert body is not None
        text = body.get_content()
        assert words in text
        assert f"https://portal.example/certificates/{certificate.number}" in text
        assert certificate.snapshot["verify_url"] in text
    assert not list(message.iter_attachments())


def test_nobody_is_told_who_has_left(cast: Cast, app: Flask) -> None:
    certificate = issue(cast.learner)
    with own_transaction():
        cast.learner.deactivated_at = certificate.issued_at
    jobs.run_due()
    assert not list(Path(app.config["DATA_DIR"] / "mail").glob("*.eml"))
    assert service.state_of(queries.get_certificate(certificate.number)).value == "valid"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_statement_that_goes_on_from_the_name_has_its_subject_where_the_name_stands_elsewhere(
    cast: Cast, language: str
) -> None:
    certificate = issue(cast.learner, design=Design.MODERN)
    name = certificate.snapshot["holder"]["en"]
    assert f"{name} has completed".replace(" ", "") in text_of(print_sheet(certificate.snapshot, language))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("design", DESIGNS)
def test_the_fine_print_of_a_common_certificate_can_be_read_on_paper(cast: Cast, design: Design, language: str) -> None:
    snapshot = issue(cast.learner, design=design).snapshot
    snapshot["basis"]["documents"] = [
        {"slug": slug, "version": "1.0", "title": {"en": english, "ja": japanese}}
        for slug, english, japanese in (
            ("a", "Exposure and wellbeing statement", "業務で接する内容と心の健康についての説明書"),
            ("b", "Impersonation", "なりすまし"),
            ("c", "Daily audit of moderation decisions", "審査判定の日次監査"),
        )
    ]
    sizes = make_sheet(snapshot, language).stylesheets[-1]
    found = re.search(r"\.fine \{ font-size: ([0-9.]+)mm", sizes)
    assert found is not None
    # Eight points are 2.8 mm.
    assert float(found[1]) >= 2.8

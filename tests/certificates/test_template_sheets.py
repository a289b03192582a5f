"""What is drawn from a template: every design in both orientations, names of any length, pictures; nothing fetched."""

from __future__ import annotations

import socket
import threading
from dataclasses import replace
from hashlib import sha256
from io import BytesIO
from typing import Any

import pypdfium2
import pytest
from flask import Flask
from PIL import Image, ImageDraw

from portal.certificates.formats.samples import HOLDERS, sample_snapshot
from portal.certificates.formats.sheet import Sheet, make_sheet
from portal.certificates.rules.templates import (
    Design,
    Honorific,
    ImageKind,
    Orientation,
    SealPlace,
    Shown,
    TemplateSpec,
    starting_spec,
)
from portal.certificates.service.pictures import remake
from portal.core import pdf
from portal.core.i18n import Words
from tests.certificates.old_snapshots import SNAPSHOT

pytestmark = pytest.mark.any_database

LANGUAGES = ("en", "ja")
NAMES = {
    "very long": ("寿限無" * 50, "Wolfeschlegelsteinhausen " * 12),
    "without a break": ("無" * 300, "M" * 300),
    "wide letters of other alphabets": ("Ǆ" * 60, "Łukasz Щёголев Ǽŵ " * 12),
}


def picture(width: int, height: int, colour: str = "red") -> bytes:
    image = Image.new("RGB", (width, height), "white")
    ImageDraw.Draw(image).rectangle((2, 2, width - 3, height - 3), outline=colour, width=4)
    target = BytesIO()
    image.save(target, "PNG")
    return target.getvalue()


IMAGES = {
    "logo": remake(picture(300, 90, "navy"), ImageKind.LOGO).data,
    "signature": remake(picture(300, 80, "black"), ImageKind.SIGNATURE).data,
    "seal_image": remake(picture(200, 200), ImageKind.SEAL).data,
}
BYTES = {sha256(data).hexdigest(): data for data in IMAGES.values()}


def with_pictures(spec: TemplateSpec) -> TemplateSpec:
    return replace(spec, **{key: sha256(data).hexdigest() for key, data in IMAGES.items()})


def printed(snapshot: dict[str, Any], language: str) -> bytes:
    sheet = make_sheet(snapshot, language, BYTES)
    return pdf.render(
        sheet.html,
        stylesheets=sheet.stylesheets,
        assets=sheet.assets,
        fonts=sheet.fonts,
        identifier=sheet.identifier,
        title=sheet.title,
        language=language,
    ).content


def text_of(content: bytes) -> str:
    document = pypdfium2.PdfDocument(content)
    assert len(document) == 1, "a certificate has one page"
    return "".join(document[0].get_textpage().get_text_bounded().split()).replace("\ufffe", "")


def squeezed(text: str) -> str:
    return "".join(text.split())


# Of sheets as they were before there were templates: page, styles, drawings and all, computed then.
BEFORE = {
    ("classic", "en"): "a5d7d1f6b659f58b9e1d6589858f7df266e161602f9e126cac0d044ea7df08b0",
    ("classic", "ja"): "80b8ba11694809261c359f6dfb5756ce537e2016aabdb58d86e93e783deb4f67",
    ("modern", "en"): "15284373e61ed95fa39b207710c93884aba8d02875bd46bfe7633fa88e8c185e",
    ("modern", "ja"): "66d2a6c214d50b6821afc074fac7d54e8eececbe13a722e541bde94970abcf50",
    ("plain", "en"): "93554c37ffedd4ef44761a834702f6ec5b6fa893504cf419b62a0dce0f7642eb",
    ("plain", "ja"): "d2d5f80269c9e24fbbec81b5dad602fb914be155770f0593210b33a3b359ecbf",
}


def digest_of(sheet: Sheet) -> str:
    digest = sha256()
    for part in (sheet.html, *sheet.stylesheets, *sheet.fonts, sheet.identifier, sheet.title, sheet.language):
        digest.update(part.encode() + b"\0")
    for name in sorted(sheet.assets):
        digest.update(name.encode() + b"\0" + sheet.assets[name])
    return digest.hexdigest()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("design", list(Design))
def test_what_was_issued_before_there_were_templates_is_drawn_as_it_was(
    app: Flask, design: Design, language: str
) -> None:
    snapshot = SNAPSHOT | {"credential": SNAPSHOT["credential"] | {"design": design.value}}
    assert digest_of(make_sheet(snapshot, language)) == BEFORE[design.value, language]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("orientation", list(Orientation))
@pytest.mark.parametrize("design", list(Design))
def test_the_sheet_says_what_template_and_snapshot_say(
    app: Flask, design: Design, orientation: Orientation, language: str, caplog: pytest.LogCaptureFixture
) -> None:
    spec = replace(
        with_pictures(starting_spec(design)),
        orientation=orientation,
        shown=Shown.BOTH,
        honorific=Honorific.DONO,
        closing=Words("Given with thanks to {holder}.", "{organisation}はここにこれを証します。"),
    )
    snapshot = sample_snapshot(spec, "rare")
    content = printed(snapshot, language)
    assert not caplog.records, caplog.text
    said = text_of(content)
    width, height = pypdfium2.PdfDocument(content)[0].get_size()
    assert (width < height) == (orientation is Orientation.PORTRAIT)
    for text in (
        snapshot["holder"][language],
        snapshot["holder"]["ja" if language == "en" else "en"],
        snapshot["credential"]["title"]["en"],
        snapshot["credential"]["title"]["ja"],
        snapshot["signatory"]["name"][language],
        snapshot["issuer"][language],
        snapshot["number"],
        "00000-00000-00000-00000-000000",
        spec.heading.in_(language),
        {"en": "Given with thanks to", "ja": "ひびき株式会社はここにこれを証します。"}[language],
    ):
        assert squeezed(text) in said, text
    assert ("殿" in said) == (language == "ja")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("orientation", list(Orientation))
@pytest.mark.parametrize("design", list(Design))
@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_names_of_any_length_fit_on_the_one_page(
    app: Flask, design: Design, orientation: Orientation, language: str, name: tuple[str, str]
) -> None:
    spec = replace(starting_spec(design), orientation=orientation, shown=Shown.BOTH, honorific=Honorific.SAMA)
    snapshot = sample_snapshot(spec)
    snapshot["holder"] = {"ja": name[0], "en": name[1].strip(), "kana": "じゅげむ" * 20}
    content = printed(snapshot, language)
    assert squeezed(snapshot["holder"][language]) in text_of(content)
    page = pypdfium2.PdfDocument(content)[0]
    width, height = page.get_size()
    text = page.get_textpage()
    for index in range(text.count_rects()):
        left, bottom, right, top = text.get_rect(index)
        assert 20 <= left <= right <= width - 20
        assert 14 <= bottom <= top <= height - 20


@pytest.mark.parametrize("place", list(SealPlace))
@pytest.mark.parametrize("design", list(Design))
def test_half_of_the_last_character_of_the_name_stands_on_the_seal(
    app: Flask, design: Design, place: SealPlace
) -> None:
    spec = replace(with_pictures(starting_spec(design)), logo="", signature="", seal_place=place)
    content = printed(sample_snapshot(spec), "ja")
    page = pypdfium2.PdfDocument(content)[0]
    seal = next(
        each.get_bounds()
        for each in page.get_objects(filter=[pypdfium2.raw.FPDF_PAGEOBJ_IMAGE])
        if each.get_bounds()[2] - each.get_bounds()[0] > 30
    )
    name = {"signatory": "森 明子", "organisation": "ひびき株式会社"}.get(place.value)
    text = page.get_textpage()
    if name is None:
        boxes = [text.get_rect(index) for index in range(text.count_rects())]
        assert not any(l < seal[2] and seal[0] < r and b < seal[3] and seal[1] < t for l, b, r, t in boxes)  # noqa: E741
        return
    everything = text.get_text_range()
    last = max(
        (at for at in range(len(everything)) if everything[at] == name[-1]),
        key=lambda at: -abs(text.get_charbox(at)[2] - seal[0] - 5),
    )
    left, bottom, right, top = text.get_charbox(last)
    share = (right - seal[0]) / (right - left)
    assert 0.3 < share < 0.8, share
    assert seal[1] < (bottom + top) / 2 < seal[3]


@pytest.mark.parametrize("orientation", list(Orientation))
@pytest.mark.parametrize("has_logo", [True, False])
def test_a_seal_over_the_organisation_reaches_neither_logo_nor_heading(
    app: Flask, orientation: Orientation, has_logo: bool
) -> None:
    spec = replace(
        with_pictures(starting_spec(Design.PLAIN)),
        signature="",
        orientation=orientation,
        seal_place=SealPlace.ORGANISATION,
    )
    content = printed(sample_snapshot(spec if has_logo else replace(spec, logo="")), "ja")
    page = pypdfium2.PdfDocument(content)[0]
    *logos, seal = sorted(
        (each.get_bounds() for each in page.get_objects(filter=[pypdfium2.raw.FPDF_PAGEOBJ_IMAGE])),
        key=lambda bounds: bounds[0] - bounds[2],
    )
    assert len(logos) == has_logo
    assert all(bounds[1] > seal[3] for bounds in logos)
    text = page.get_textpage()
    letters = [
        text.get_charbox(at)
        for at, each in enumerate(text.get_text_range())
        if each in spec.heading.ja and each.strip()
    ]
    heading = [box for box in letters if box[3] - box[1] > 22]
    assert len(heading) == len(spec.heading.ja)
    assert max(box[3] for box in heading) < seal[1]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("orientation", list(Orientation))
@pytest.mark.parametrize("design", list(Design))
def test_logo_signature_and_fine_print_have_their_places(
    app: Flask, design: Design, orientation: Orientation, language: str
) -> None:
    spec = replace(with_pictures(starting_spec(design)), seal_image="", orientation=orientation)
    snapshot = sample_snapshot(spec)
    snapshot["code"] = "WKRMX-CPC42-HC42Q-H9DBV-WMKRJX".replace("-", "")
    snapshot["basis"]["documents"] = [
        {"slug": slug, "version": "2.1", "title": {"en": english, "ja": japanese}}
        for slug, english, japanese in (
            ("a", "Exposure and wellbeing statement", "業務で接する内容と心の健康についての説明書"),
            ("b", "Impersonation", "なりすまし"),
            ("c", "Daily audit of moderation decisions", "審査判定の日次監査"),
        )
    ]
    page = pypdfium2.PdfDocument(printed(snapshot, language))[0]
    width, _ = page.get_size()
    images = [each.get_bounds() for each in page.get_objects(filter=[pypdfium2.raw.FPDF_PAGEOBJ_IMAGE])]
    logo, signature = max(images, key=lambda bounds: bounds[3]), min(images, key=lambda bounds: bounds[3])
    if design is Design.PLAIN or (design is Design.CLASSIC and orientation is Orientation.PORTRAIT):
        assert abs((logo[0] + logo[2]) / 2 - width / 2) < 1
    text = page.get_textpage()
    everything = text.get_text_range()

    def boxes_of(words: str) -> list[tuple[float, ...]]:
        start = squeezed(everything).rindex(squeezed(words))
        seen = [at for at, each in enumerate(everything) if each.strip()]
        return [text.get_charbox(at) for at in seen[start : start + len(squeezed(words))]]

    # The picture of a signature does not cover the name under it.
    name = boxes_of(snapshot["signatory"]["name"][language])
    assert max(box[3] for box in name) <= signature[1]
    # Between the code and the fine print there are four millimetres, and a version is on one line.
    code = boxes_of("WKRMX-CPC42-HC42Q-H9DBV-WMKRJX")
    for version in {"en": ("(version 2.1)", "(version 1.2)"), "ja": ("（第2.1版）", "（第1.2版）")}[language]:
        found = boxes_of(version)
        assert max(box[1] for box in found) - min(box[1] for box in found) < 4
        if design is not Design.MODERN:
            assert min(box[0] for box in found) > max(box[2] for box in code)
    fine = boxes_of({"en": "Training plan", "ja": "研修計画："}[language])
    if design is not Design.MODERN:
        assert min(box[0] for box in fine) - max(box[2] for box in code) > 11
    foot = 54 if design is Design.CLASSIC else 40 if design is Design.PLAIN else 14
    assert min(text.get_charbox(at)[1] for at, each in enumerate(everything) if each.strip()) > foot


def test_a_character_without_a_glyph_is_named(app: Flask) -> None:
    snapshot = sample_snapshot(starting_spec(Design.CLASSIC))
    snapshot["holder"]["ja"] = "森😀"
    with pytest.raises(pdf.CharacterWithoutGlyph, match=r"U\+1F600"):
        printed(snapshot, "ja")
    template = replace(starting_spec(Design.CLASSIC), heading=Words("Certificate 🏅", "修了証"))
    with pytest.raises(pdf.CharacterWithoutGlyph, match=r"U\+1F3C5"):
        printed(sample_snapshot(template), "en")


def test_nothing_is_fetched_whatever_a_kept_template_says(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    hits: list[Any] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.2)
        address = f"127.0.0.1:{listener.getsockname()[1]}"

        def listen() -> None:
            try:
                while True:
                    hits.append(listener.accept())
            except (TimeoutError, OSError):
                return

        thread = threading.Thread(target=listen)
        thread.start()
        # As if every check had been passed by.
        monkeypatch.setattr("portal.certificates.rules.templates.faults_of_text", lambda *_: iter(()))
        hostile = f'<img src="http://{address}/x"><style>@import url(//{address}/y);</style>'
        spec = replace(starting_spec(Design.MODERN), heading=Words(hostile, hostile), closing=Words(hostile, hostile))
        for language in LANGUAGES:
            assert squeezed(hostile) in text_of(printed(sample_snapshot(spec), language))
        thread.join()
    assert hits == []


def test_the_same_template_gives_the_same_bytes(app: Flask) -> None:
    snapshot = sample_snapshot(with_pictures(starting_spec(Design.PLAIN)))
    assert printed(snapshot, "ja") == printed(snapshot, "ja")


def lines_of_text(content: bytes) -> list[str]:
    """Return what stands on each line of the page."""
    text = pypdfium2.PdfDocument(content)[0].get_textpage().get_text_bounded()
    return [squeezed(line) for line in text.splitlines() if line.strip()]


@pytest.mark.parametrize("orientation", list(Orientation))
@pytest.mark.parametrize("design", list(Design))
def test_a_name_with_middle_dots_is_broken_behind_them_and_never_within_a_part(
    app: Flask, design: Design, orientation: Orientation
) -> None:
    spec = replace(starting_spec(design), orientation=orientation, shown=Shown.ONE, honorific=Honorific.SAMA)
    lines = lines_of_text(printed(sample_snapshot(spec, "longest"), "ja"))
    first = next(number for number, line in enumerate(lines) if line.startswith("エリザベート"))
    end = next(number for number, line in enumerate(lines) if "山田小百合" in line)
    assert end > first, "it takes more than one line"
    assert all(line.endswith(("・", "＝")) for line in lines[first:end])
    # The honorific does not stand alone in a line.
    assert "様" not in lines


@pytest.mark.parametrize("design", list(Design))
def test_the_words_before_a_plan_stay_together(app: Flask, design: Design) -> None:
    spec = replace(starting_spec(design), orientation=Orientation.PORTRAIT)
    lines = lines_of_text(printed(sample_snapshot(spec), "en"))
    assert any(line.startswith("Trainingplan:Account") for line in lines), lines


def test_the_samples_try_what_is_hard(app: Flask) -> None:
    assert set(HOLDERS) == {"common", "shortest", "longest", "rare"}
    assert {"\U000e0100", "\U000e0101", "𠮷", "髙", "﨑"} <= set(HOLDERS["rare"].ja)
    for holder in HOLDERS:
        text_of(printed(sample_snapshot(starting_spec(Design.CLASSIC), holder), "ja"))

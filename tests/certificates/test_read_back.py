"""What is read back from a certificate's PDF is what its snapshot says: names, readings, headings."""

from __future__ import annotations

import subprocess
from io import BytesIO
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from flask import Flask

from portal.certificates.formats.samples import sample_snapshot
from portal.certificates.rules.templates import Design, Orientation, starting_spec
from portal.core import pdf
from portal.core.i18n import LANGUAGES
from portal.core.pdf_merge import Source, merge
from tests.certificates.test_template_sheets import printed

# Family and given name, and the reading: short, usual, of characters beyond the first plane, in forms of their own.
NAMES = [
    ("中村 大翔", "なかむら ひろと"),
    ("佐藤 葵", "サトウ アオイ"),
    ("葛\U000e0100城 太郎", "かつらぎ たろう"),
    ("𠮷野 髙", "よしの たかし"),
    ("林 一", "はやし はじめ"),
]


def read(content: bytes, folder: Path, *options: str) -> str:
    path = folder / "sheet.pdf"
    path.write_bytes(content)
    told = subprocess.run(["pdftotext", *options, str(path), "-"], capture_output=True, check=True, timeout=60)
    return told.stdout.decode()


def snapshot_of(design: Design, name: str, kana: str) -> dict[str, Any]:
    snapshot = sample_snapshot(starting_spec(design))
    snapshot["holder"] |= {"ja": name, "kana": kana}
    return snapshot


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("design", list(Design))
def test_every_reader_reads_names_as_they_are_written(
    app: Flask, design: Design, language: str, tmp_path: Path
) -> None:
    for name, kana in NAMES:
        snapshot = snapshot_of(design, name, kana)
        content = printed(snapshot, language)
        texts = [read(content, tmp_path, *options) for options in ([], ["-raw"], ["-layout"])]
        # This reader tells no variation selectors.
        plain = pypdfium2.PdfDocument(content)[0].get_textpage().get_text_range()
        spec = starting_spec(design)
        wanted = {snapshot["signatory"]["name"][language], snapshot["holder"][language], spec.heading.in_(language)}
        if language == "ja":
            wanted.add(kana)
        for each in wanted:
            assert all(each in text for text in texts), (each, texts)
            assert each.replace("\U000e0100", "") in plain.replace("\U000e0100", ""), (each, plain)
        if language == "ja":
            for text in texts:
                line = next(line for line in text.splitlines() if name in line)
                assert " ".join(line.split()) in {name, f"{name} 殿", f"{name} 様"}
        # A seal is a picture, not words beside the signatory.
        assert all("之" not in text for text in texts)


def test_the_print_file_reads_as_the_certificates_in_it(app: Flask, tmp_path: Path) -> None:
    snapshots = [snapshot_of(design, *NAMES[0]) for design in Design]
    sources = [Source(f"{at}", printed(each, "ja")) for at, each in enumerate(snapshots)]
    target = BytesIO()
    merge(iter(sources), target, title="All", language="ja", identifier="batch:1")
    for options in ([], ["-raw"]):
        text = read(target.getvalue(), tmp_path, *options)
        assert text.count("中村 大翔") == len(snapshots)
        assert text.count("なかむら ひろと") == len(snapshots)


@pytest.mark.parametrize("orientation", list(Orientation))
def test_marks_piled_on_one_character_are_refused_by_that_character(app: Flask, orientation: Orientation) -> None:
    snapshot = snapshot_of(Design.CLASSIC, "Z\u0313\u0314\u0301\u0306a", "")
    with pytest.raises(pdf.CharacterWithoutGlyph) as refused:
        printed(snapshot, "ja")
    assert refused.value.characters == ("Z\u0313\u0314\u0301\u0306",)

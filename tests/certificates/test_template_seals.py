"""A seal over the organisation's name touches no other line, on every sheet that has it."""

from __future__ import annotations

from dataclasses import replace

import pypdfium2
import pytest
from flask import Flask

from portal.certificates.formats.samples import sample_snapshot
from portal.certificates.rules.templates import Design, Orientation, SealPlace, Shown, starting_spec
from tests.certificates.test_template_sheets import printed, squeezed, with_pictures

MILLIMETRE = 72 / 25.4


def boxes_of(page: pypdfium2.PdfPage, words: str) -> list[tuple[float, ...]]:
    """Return the ink of words, in points from the lower left corner."""
    text = page.get_textpage()
    everything = text.get_text_range()
    seen = [at for at, each in enumerate(everything) if each.strip()]
    start = squeezed(everything).rindex(squeezed(words))
    return [text.get_charbox(at, loose=False) for at in seen[start : start + len(squeezed(words))]]


@pytest.mark.parametrize("has_signature", [True, False])
@pytest.mark.parametrize("holder", ["common", "longest"])
@pytest.mark.parametrize("orientation", list(Orientation))
@pytest.mark.parametrize("design", [Design.CLASSIC, Design.MODERN])
def test_the_seal_stays_clear_of_the_statement_above_and_the_signatory_below(
    app: Flask, design: Design, orientation: Orientation, holder: str, has_signature: bool
) -> None:
    spec = replace(
        with_pictures(starting_spec(design)),
        orientation=orientation,
        shown=Shown.BOTH,
        seal_place=SealPlace.ORGANISATION,
    )
    snapshot = sample_snapshot(spec if has_signature else replace(spec, signature="", logo=""), holder)
    page = pypdfium2.PdfDocument(printed(snapshot, "ja"))[0]
    images = [each.get_bounds() for each in page.get_objects(filter=[pypdfium2.raw.FPDF_PAGEOBJ_IMAGE])]
    seal = min((each for each in images), key=lambda each: abs((each[2] - each[0]) - (each[3] - each[1])))
    signatory = boxes_of(page, snapshot["signatory"]["name"]["ja"])
    statement = boxes_of(page, "practical sign-offs.")
    assert max(box[3] for box in signatory) + 0.4 * MILLIMETRE < seal[1]
    assert seal[3] + 0.4 * MILLIMETRE < min(box[1] for box in statement)

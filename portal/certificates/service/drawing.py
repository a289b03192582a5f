"""Pictures of templates: drawn by what prints certificates, kept for a while in this process's memory."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from portal.certificates.formats.samples import sample_snapshot
from portal.certificates.formats.sheet import make_sheet
from portal.certificates.queries.templates import bytes_of_images
from portal.certificates.rules import spelled
from portal.certificates.rules.templates import (
    TEXT_LIMITS,
    Design,
    Fault,
    FaultKind,
    TemplateSpec,
    refused_at_save,
)
from portal.core import pdf
from portal.core.i18n import LANGUAGES

# Pixels: as wide as it is shown beside the form on a fine screen, and in lists.
LARGE, SMALL = 1400, 560
# A picture has up to 200 KB.
KEPT = 60

_lock = threading.Lock()
_drawn: OrderedDict[tuple[str, str, str, int], bytes] = OrderedDict()


def picture_of(spec: TemplateSpec, language: str, *, holder: str = "common", width: int = LARGE) -> bytes:
    """Return a certificate of a sample holder, as the template says, as a PNG `width` pixels wide.

    The same spec gives the same picture. Raises what `pdf.render` raises, such as `CharacterWithoutGlyph`.
    """
    key = (spec.hash(), language, holder, width)
    with _lock:
        if key in _drawn:
            _drawn.move_to_end(key)
            return _drawn[key]
    sheet = make_sheet(sample_snapshot(spec, holder), language, bytes_of_images(spec))
    content = pdf.picture(
        sheet.html,
        stylesheets=sheet.stylesheets,
        assets=sheet.assets,
        fonts=sheet.fonts,
        title=sheet.title,
        language=language,
        width=width,
    ).content
    with _lock:
        _drawn[key] = content
        while len(_drawn) > KEPT:
            _drawn.popitem(last=False)
    return content


def try_out_holder(snapshot: Mapping[str, Any], holder: Mapping[str, str], images: Mapping[str, bytes]) -> None:
    """Draw a certificate with another name on it in both languages, as the job will. Raises what stands in the way."""
    for language in LANGUAGES:
        sheet = make_sheet(dict(snapshot) | {"holder": dict(holder)}, language, images)
        pdf.picture(
            sheet.html,
            stylesheets=sheet.stylesheets,
            assets=sheet.assets,
            fonts=sheet.fonts,
            title=sheet.title,
            language=language,
            width=SMALL,
        )


# Which of a template's texts stands in a part that is too high.
_PLACE_OF = {"heading": "heading", "lead": "lead_in", "number": "number_line", "body": "statement"}
# As long as a credential's own statement may be.
_LONG_STATEMENT = {
    "en": "has completed " + "all of what was asked " * 13,
    "ja": "上記の者は全課程を修了したことを証します。" * 14,
}


def faults_when_filled(spec: TemplateSpec, images: Mapping[str, bytes] | None = None) -> list[Fault]:
    """Return what keeps a template from being saved though each of its texts is short: what comes out is not.

    It is measured, not drawn, with the longest of the sample names and the longest statement of a credential. `images`
    are its pictures by SHA-256 where they are not kept here yet.
    """
    faults = refused_at_save(spec) or _without_glyph(spec)
    if faults:
        return faults
    snapshot = sample_snapshot(spec, "longest")
    snapshot["credential"]["statement"] = dict(_LONG_STATEMENT)
    shown = bytes_of_images(spec) if images is None else images
    for language in LANGUAGES:
        over = make_sheet(snapshot, language, shown).over
        faults += [Fault(_PLACE_OF[part], FaultKind.OVERFLOW, language) for part in over if part in _PLACE_OF]
    return faults


def _without_glyph(spec: TemplateSpec) -> list[Fault]:
    """Return where a template says what no font has, with the characters."""
    fonts = ("sans", "serif") if spec.design is Design.MODERN else ("serif",)
    texts = {
        (place, language): getattr(spec, place).in_(language)
        for place in TEXT_LIMITS
        # That is not printed.
        if place != "name"
        for language in LANGUAGES
    } | {("seal", ""): spec.seal}
    try:
        # Nearly always there is none.
        if not pdf.lacking("\n".join(texts.values()), fonts=fonts):
            return []
        lacking = {at: pdf.lacking(text, fonts=fonts) for at, text in texts.items()}
    except pdf.PdfFailed:
        # It cannot be told now; whoever draws it says so.
        return []
    return [
        Fault(place, FaultKind.GLYPH, language, " ".join(map(spelled, found)))
        for (place, language), found in lacking.items()
        if found
    ]


def try_out(spec: TemplateSpec) -> None:
    """Draw a template in both languages, as the job will. Raises what stands in the way."""
    for language in LANGUAGES:
        picture_of(spec, language)

"""The printed sheet of a certificate: from the snapshot of its issue to HTML, styles and drawings, nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from portal.certificates.formats import drawings
from portal.certificates.formats.printed import (
    TEMPLATES,
    Sheet,
    document_words,
    labels_of,
    narrower,
    pieces_of,
    version_words,
)
from portal.certificates.formats.template_sheet import draw_sheet
from portal.certificates.rules import (
    era_date,
    grouped_code,
    name_spacing,
    size_to_fit,
    well_broken_size,
    width_in_ems,
)
from portal.core.i18n import LANGUAGES, Words, other
from portal.core.pdf import FONTS

__all__ = ["Sheet", "both", "make_sheet", "plain_text", "printed_date"]

_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_HONORIFICS = {"dono": "殿", "sama": "様", "none": ""}
# Characters; a longer name is not repeated within the statement.
MAX_SUBJECT = 60


@dataclass(frozen=True, slots=True)
class _Box:
    """Where a text of varying length must fit: millimetres."""

    width: float
    height: float
    largest: float
    smallest: float
    leading: float
    one_line_from: float = 0.0
    running_text: bool = False

    def size(self, text: str, spacing: float = 0.0) -> float:
        size = size_to_fit(
            text,
            width=self.width,
            height=self.height,
            largest=self.largest,
            smallest=self.smallest,
            leading=self.leading,
            one_line_from=self.one_line_from,
            spacing=spacing,
        )
        return well_broken_size(pieces_of(text), size, self.width) if self.running_text else size


# The boxes of each design, as its stylesheet sets them out. That of the fine print is smaller than its place: titles
# are moved to the next line as a whole, and the plan (with the number, where it is plain) has lines of its own.
_BOXES: dict[str, dict[str, _Box]] = {
    "classic": {
        "name": _Box(205, 23, 12.5, 2.6, 1.25, 7.5),
        "other-name": _Box(205, 6.5, 4.2, 1.4, 1.25, 2.6),
        "kana": _Box(205, 5.5, 3.3, 1.2, 1.25, 2.2),
        "credential": _Box(215, 11, 7.4, 3, 1.25, 5),
        "statement": _Box(205, 30, 5.4, 2.6, 1.95, running_text=True),
        "issuer": _Box(86, 7, 5, 2.2, 1.3, 3.2),
        "signatory-title": _Box(56, 9, 3.9, 1.8, 1.3, 2.6),
        "signatory": _Box(44, 9, 6, 2.2, 1.25, 3.4),
        "fine": _Box(88, 16, 3.2, 2.2, 1.5),
    },
    "modern": {
        "name": _Box(212, 24, 13.5, 2.6, 1.22, 8),
        "other-name": _Box(212, 7, 4.8, 1.4, 1.25, 2.8),
        "kana": _Box(212, 5.5, 3.1, 1.2, 1.25, 2.2),
        "credential": _Box(212, 10, 7, 3, 1.25, 4.6),
        "other-credential": _Box(212, 6, 3.8, 1.8, 1.25, 2.8),
        "statement": _Box(168, 19, 4.1, 1.9, 1.75, running_text=True),
        "other-statement": _Box(168, 13, 2.9, 1.7, 1.7, running_text=True),
        "issuer": _Box(74, 6, 4.3, 2, 1.3, 3),
        "signatory-title": _Box(50, 8, 3.2, 1.7, 1.3, 2.3),
        "signatory": _Box(40, 8, 5, 2, 1.25, 3),
        "fine": _Box(88, 13, 3, 2.1, 1.5),
    },
    "plain": {
        "name": _Box(225, 23, 13, 2.6, 1.22, 7.5),
        "other-name": _Box(225, 6.5, 4.4, 1.4, 1.25, 2.6),
        "kana": _Box(225, 5.5, 3.2, 1.2, 1.25, 2.2),
        "credential": _Box(225, 11, 7.6, 3, 1.25, 5),
        "statement": _Box(190, 26, 4.9, 2.4, 1.7, running_text=True),
        "issuer": _Box(200, 8, 5, 2.2, 1.3, 3.4),
        "signatory-title": _Box(90, 5.5, 3.3, 1.8, 1.3, 2.4),
        "signatory": _Box(68, 7.5, 5, 2.2, 1.25, 3.4),
        "fine": _Box(74, 13, 3.1, 2.1, 1.45),
    },
}
_FRAMES = {
    "classic": drawings.classic_frame,
    "modern": drawings.modern_path,
    "plain": drawings.plain_frame,
}


@cache
def _frame(design: str) -> bytes:
    return _FRAMES[design]()


def printed_date(day: date, language: str, *, era: bool = False) -> str:
    """Write a date as certificates do: 「令和8年5月11日」, 「2026年5月11日」, "11 May 2026"."""
    if language == "ja":
        return era_date(day) if era else f"{day.year}年{day.month}月{day.day}日"
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def _statement(snapshot: Mapping[str, Any], language: str) -> str:
    """Return the statement; where it goes on from a name that does not stand right above it, with its subject."""
    text: str = snapshot["credential"]["statement"][language]
    if snapshot["credential"]["design"] != "modern" or not text[:1].islower():
        return text
    name: str = snapshot["holder"][language]
    return f"{name if len(name) <= MAX_SUBJECT else 'The holder'} {text}"


def make_sheet(snapshot: Mapping[str, Any], language: str, images: Mapping[str, bytes] | None = None) -> Sheet:
    """Lay a certificate out in one language. What is printed is in the snapshot and in this package's own words.

    `images` are the pictures that the snapshot's template names, by their SHA-256. What was issued without a
    template is drawn as it always was.
    """
    if "template" in snapshot:
        return draw_sheet(snapshot, language, images or {})
    second = other(language)
    credential = snapshot["credential"]
    design = credential["design"]
    holder = snapshot["holder"]
    era = design == "classic"
    issued_on = date.fromisoformat(snapshot["issued_on"])
    expires_on = date.fromisoformat(snapshot["expires_on"]) if snapshot["expires_on"] else None
    name = holder[language]
    shown = {
        "name": name,
        "kana": holder["kana"] if language == "ja" and holder["kana"] != name else "",
        "other-name": holder[second] if holder[second] != name and (language == "en" or design == "modern") else "",
        "credential": credential["title"][language],
        "other-credential": credential["title"][second],
        "statement": _statement(snapshot, language),
        "other-statement": _statement(snapshot, second),
        "issuer": snapshot["issuer"][language],
        "signatory": snapshot["signatory"]["name"][language],
        "signatory-title": snapshot["signatory"]["title"][language],
    }
    plan = version_words(snapshot["plan"]["title"][language], snapshot["plan"]["version"], language)
    documents = document_words(snapshot, language)
    shown["fine"] = max(plan, "".join(documents), key=width_in_ems)
    labels = {tag: labels_of(tag) for tag in LANGUAGES}
    spacing = name_spacing(name) if language == "ja" else 0.0
    assets = {"frame.svg": _frame(design), "qr.svg": drawings.qr_code(snapshot["verify_url"])}
    family = FONTS["sans" if design == "modern" else "serif"]
    if credential["seal"]:
        assets["seal.svg"] = drawings.seal(credential["seal"], FONTS["serif"])
    title = f"{labels[language]['heading']} {snapshot['number']}"
    values = {
        "language": language,
        "second": second,
        "title": title,
        "labels": labels[language],
        "second_labels": labels[second],
        "shown": shown,
        "honorific": _HONORIFICS[credential["honorific"]] if language == "ja" else "",
        "number": snapshot["number"],
        "code": grouped_code(snapshot["code"]),
        "verify_url": snapshot["verify_url"],
        "short_url": snapshot["verify_url"].split("://", 1)[-1].rsplit("/", 1)[0],
        "issued": printed_date(issued_on, language, era=era),
        "expires": printed_date(expires_on, language, era=era) if expires_on else "",
        "plan": plan,
        "documents": documents,
        "phrases": {part: pieces_of(shown[part]) for part in ("statement", "other-statement")},
        "has_seal": bool(credential["seal"]),
    }
    html = TEMPLATES.html(design, **values)
    sizes = _sizes(design, shown, spacing)
    return Sheet(
        html=html,
        stylesheets=(TEMPLATES.style("sheet"), TEMPLATES.style(design), f'body {{ font-family: "{family}" }}\n{sizes}'),
        assets=assets,
        fonts=("sans", "serif") if design == "modern" else ("serif",),
        identifier=f"{snapshot['code']}-{snapshot['issue_no']}-{language}",
        title=title,
        language=language,
    )


def _sizes(design: str, shown: Mapping[str, str], spacing: float) -> str:
    rules = []
    for part, box in _BOXES[design].items():
        size = box.size(shown[part], spacing if part == "name" else 0.0)
        rules.append(f".{part} {{ font-size: {size:.2f}mm }}")
    rules.append(f".name {{ letter-spacing: {spacing:.2f}em }}")
    return "\n".join(rules) + narrower(shown)


def plain_text(snapshot: Mapping[str, Any], language: str) -> dict[str, str]:
    """Return what must stand on the sheet, by what it is; what a printed file is compared with."""
    return {
        "holder": snapshot["holder"][language],
        "credential": snapshot["credential"]["title"][language],
        "statement": snapshot["credential"]["statement"][language],
        "number": snapshot["number"],
        "code": grouped_code(snapshot["code"]),
        "issuer": snapshot["issuer"][language],
        "signatory": snapshot["signatory"]["name"][language],
        "signatory_title": snapshot["signatory"]["title"][language],
    }


def both(words: Words) -> dict[str, str]:
    """Return a text in both languages as the snapshot keeps it."""
    return {"en": words.en, "ja": words.ja}

"""What every sheet of a certificate is made of: the sheet itself, our own words on it, where its lines may break."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from portal.certificates.rules import widest_spacing, width_in_ems
from portal.core.i18n import force_locale, ngettext, pgettext
from portal.core.printing import PrintFolder
from portal.ui.filters import phrases

TEMPLATES = PrintFolder("certificates")
# Beyond this the fine print names how many more there are.
MAX_DOCUMENTS = 6


@dataclass(frozen=True, slots=True)
class Sheet:
    """What the PDF door needs to print a certificate in one language."""

    html: str
    stylesheets: tuple[str, ...]
    assets: dict[str, bytes]
    fonts: tuple[str, ...]
    identifier: str
    title: str
    language: str
    # The parts that are higher than their place even at the smallest size.
    over: tuple[str, ...] = ()


def pieces_of(text: str) -> tuple[str, ...]:
    """Cut a sentence where a line may break: a Japanese one between phrases, any other behind its blanks."""
    if width_in_ems(text) > len(text) * 0.8:
        with force_locale("ja"):
            return phrases(text)
    return tuple(re.findall(r"\S+\s*", text))


def name_pieces(name: str) -> tuple[str, ...]:
    """Cut a name that is written with middle dots behind each of them: there a line may break, within a part none may.

    A name without them is one piece.
    """
    return tuple(re.findall(r"[^・＝]*[・＝]+|[^・＝]+", name))


def narrower(shown: Mapping[str, str], usual: float = 0.12) -> str:
    """Return the rules for those lines of a sheet that may not be set as wide as its stylesheet has them."""
    spacings = {part: widest_spacing(shown.get(part, "")) for part in ("kana", "signatory", "heading")}
    return "".join(
        f"\nbody .{part}:lang(ja) {{ letter-spacing: {spacing}em !important }}"
        for part, spacing in spacings.items()
        if spacing < usual
    )


def labels_of(language: str) -> dict[str, str]:
    """Return our own words on a sheet of a language."""
    with force_locale(language):
        return {
            "heading": pgettext("certificate", "Certificate of Completion"),
            "certify": pgettext("certificate", "This is to certify that"),
            "number": pgettext("certificate", "No."),
            "number_of": pgettext("certificate", "Certificate number"),
            "issued": pgettext("certificate", "Date of issue"),
            "expires": pgettext("certificate", "Valid until"),
            "plan": pgettext("certificate", "Training plan"),
            "documents": pgettext("certificate", "Documents"),
            "verify": pgettext("certificate", "Check this certificate"),
            "qr": pgettext("certificate", "QR code that leads to the page where this certificate can be checked"),
            "seal": pgettext("certificate", "Seal"),
            "signature": pgettext("certificate", "Signature"),
        }


def version_words(title: str, number: str, language: str) -> str:
    """Name a plan or document with its version."""
    with force_locale(language):
        text: str = pgettext("certificate", "%(title)s (version %(number)s)")
        return text % {"title": title, "number": number}


def version_parted(text: str, language: str) -> tuple[str, str]:
    """Cut what `version_words` wrote (and what was put behind it) before the version, which is not broken in two."""
    before, _, after = version_words("\x00", "\x00", language).partition("\x00")[2].partition("\x00")
    start = text.rfind(before)
    if start < 0 or after not in text[start:]:
        return text, ""
    blanks = len(before) - len(before.lstrip())
    return text[: start + blanks], text[start + blanks :]


def document_words(snapshot: Mapping[str, Any], language: str) -> list[str]:
    """Return the documents of a snapshot as the fine print lists them, each with the comma behind it."""
    documents = snapshot["basis"]["documents"]
    named = [
        version_words(document["title"][language] or document["slug"], document["version"], language)
        for document in documents[:MAX_DOCUMENTS]
    ]
    rest = len(documents) - len(named)
    if rest > 0:
        with force_locale(language):
            named.append(ngettext("and %(num)d more", "and %(num)d more", rest))
    comma = "、" if language == "ja" else ","
    return [f"{each}{comma}" for each in named[:-1]] + named[-1:]

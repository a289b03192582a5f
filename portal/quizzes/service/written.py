"""What pages say beside what is written, put in order or matched: hints before, notes while, what was taken after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from portal.core.i18n import gettext as _
from portal.core.i18n import language as page_language
from portal.core.i18n import ngettext
from portal.core.markdown import TrustedHtml, cut, plain_text
from portal.quizzes.types import comparing, numbers
from portal.quizzes.types.base import NUMBER, Content, Part, PartForm, PartReview, TextKey
from portal.quizzes.types.gap import MARKER

GAP, MATCHING = "gap", "matching"


def legend_of(content: Content, part: Part | PartForm | PartReview) -> str:
    """Return what a part is called, as plain text."""
    if content.type == GAP:
        return str(_("Gap %(number)s", number=part.id))
    heading = getattr(part, "heading", None)
    if heading is None:
        return str(_("Answer"))
    # Of a whole part in the language of the page.
    return plain_text(str(heading)) if content.type == MATCHING else str(heading)


def is_inline(content: Content) -> bool:
    """Say whether the parts of a question are filled in within its text."""
    return content.type == GAP


def in_pieces(shown: TrustedHtml) -> list[tuple[TrustedHtml, str | None]]:
    """Return the markup of a text with gaps in pieces, each with the number of the gap behind it."""
    return cut(shown, MARKER)


# --- before and while --------------------------------------------------------------------------


def hint_of(part: PartForm) -> str:
    """Say what is to be known before something is written."""
    if part.kind == "text" and part.is_exact:
        return str(_("Upper and lower case count."))
    if part.kind == "number" and len(part.units) > 1:
        others = _(", ").join(part.units[1:])
        return str(_("In %(unit)s, or with one of these units: %(others)s", unit=part.units[0], others=others))
    if part.kind == "order":
        return str(_("Give each a place; 1 comes first."))
    if part.kind == "essay":
        if part.least and part.most:
            return str(_("%(least)s to %(most)s characters", least=part.least, most=part.most))
        if part.least:
            return str(_("At least %(least)s characters", least=part.least))
        if part.most:
            return str(_("At most %(most)s characters", most=part.most))
    return ""


def misfit_words(content: Content, answer: Mapping[str, Any]) -> str:
    """Say by how much a text of an answer is too long or too short; empty where every one fits, or is not written."""
    found = (part.misfit(stored) for part in content.parts if any(stored := answer.get(part.id) or ()))
    off = next((each for each in found if each), 0)
    return length_words(off) if off else ""


def length_words(off: int, count: str | None = None) -> str:
    """Say by how many characters a text is too long, below 0 too short; `count` stands in place of the number."""
    number = abs(off)
    if off > 0:
        return str(
            ngettext(
                "too long by %(count)s character",
                "too long by %(count)s characters",
                number,
                count=count or number,
            )
        )
    return str(
        ngettext(
            "too short by %(count)s character",
            "too short by %(count)s characters",
            number,
            count=count or number,
        )
    )


def note_of(part: Part, stored: Sequence[str]) -> tuple[str, bool]:
    """Say how a number that was written is read, and whether it can be read at all; the key has no say in it."""
    if part.kind != NUMBER or not stored:
        return "", True
    found = numbers.read_number(stored[0], part.units)
    if isinstance(found, numbers.Read):
        unit = f" {part.symbols(page_language())[0]}" if part.units else ""
        return str(_("Read as %(number)s", number=f"{numbers.written(found.value)}{unit}")), True
    if found is numbers.Unread.UNKNOWN_UNIT:
        units = _(", ").join(part.symbols(page_language()))
        if units:
            return str(_("This unit is not known here. Write one of these: %(units)s", units=units)), False
        return str(_("Write the number alone, without a unit.")), False
    return str(_("This cannot be read as a number. Write digits, such as 24 or 1.5.")), False


def notes_of(content: Content, answer: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return for each number of an answer how it is read, as a page shows it."""
    notes = {part.id: note_of(part, answer.get(part.id) or ()) for part in content.parts if part.kind == NUMBER}
    return {part_id: {"text": text, "is_read": is_read} for part_id, (text, is_read) in notes.items()}


# --- for who writes questions ------------------------------------------------------------------


def share_words(share: Any) -> str:
    """Say which share of the points an answer earns."""
    percent = share * 100
    return f"{percent}%" if percent.denominator == 1 else f"{float(percent):.1f}%"


def taken_words(key: Any, part: Part, language: str) -> str:
    """Return what a key takes, as its author reads it."""
    if isinstance(key, TextKey):
        return comparing.shown(key.text.in_(language))
    value = str(_("any number")) if key.value == "*" else key.value
    tolerance = f" ± {key.tolerance}" if key.tolerance else ""
    return f"{value}{tolerance}" + (f" {part.symbols(language)[0]}" if part.units else "")


def units_facts(part: Part) -> str:
    """Return the units of a number with what they are in the first one."""
    return str(_(", ")).join(
        unit.symbol if unit.factor == 1 else f"{unit.symbol} = {_factor(unit.factor)} {part.units[0].symbol}"
        for unit in part.units
    )


def _factor(factor: Fraction) -> str:
    """Write a factor in digits, or as a fraction where these have no end."""
    digits = numbers.written(factor)
    return digits if Fraction(digits) == factor else str(factor)

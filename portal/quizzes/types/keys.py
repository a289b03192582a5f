"""What is wrong with the keys of something that is written, said in the terms of a bank's file."""

from __future__ import annotations

import re

from portal.core.i18n import LANGUAGES
from portal.core.i18n import gettext as _
from portal.quizzes.types import comparing, numbers
from portal.quizzes.types.contents import ANSWER, ANY_NUMBER, NUMBER, NumberKey, Part, TextKey
from portal.quizzes.types.faults import Fault

MAX_KEYS = 50
MAX_KEY = 200
# A unit as it stands among others in one attribute of a file.
SYMBOL = re.compile(r"[^\s,={}\"'<>0-9+.\-][^\s,={}\"'<>]{0,19}")


def check_keys(part: Part) -> list[Fault]:
    """Return what is wrong with the keys and units of a part in which something is written."""
    where = part.id if part.id != ANSWER else None
    faults = [fault for place, key in enumerate(part.keys) for fault in _check_key(part, key, where, place)]
    if not any(key.share == 1 and not _takes_anything(key) for key in part.keys):
        faults.append(
            Fault(
                _("No answer earns all points."),
                _("Put an x into the brackets of one: “- [x] 24”.")
                if part.kind == NUMBER
                else _("Put an x into the brackets of one: “- [x] text”."),
                where,
            )
        )
    if len(part.keys) > MAX_KEYS:
        faults.append(
            Fault(
                _("There are more than %(most)s answers.", most=MAX_KEYS),
                _("Take some away; * in a text stands for anything."),
                where,
                MAX_KEYS,
            )
        )
    return faults + _check_units(part, where)


def _takes_anything(key: TextKey | NumberKey) -> bool:
    if isinstance(key, NumberKey):
        return key.value == ANY_NUMBER
    return any(told and comparing.says_nothing(told) for told in (key.text.en, key.text.ja))


def _check_key(part: Part, key: TextKey | NumberKey, where: str | None, place: int) -> list[Fault]:
    faults = []
    if isinstance(key, NumberKey):
        if key.value != ANY_NUMBER and numbers.decimal(key.value) is None:
            faults.append(
                Fault(
                    _("“%(text)s” is no number.", text=key.value[:60]),
                    _("Write digits with a point, such as 2.5, and a tolerance behind ±."),
                    where,
                    place,
                    what="value",
                )
            )
        tolerance = numbers.decimal(key.tolerance or "0")
        if tolerance is None or tolerance < 0 or (key.tolerance and key.value == ANY_NUMBER):
            faults.append(
                Fault(
                    _("“%(text)s” is no tolerance.", text=key.tolerance[:60]),
                    _("Write digits with a point, such as 0.5; a number in its place takes none."),
                    where,
                    place,
                    what="tolerance",
                )
            )
    else:
        for language in LANGUAGES:
            text = key.text.in_(language)
            if len(text) > MAX_KEY or "\n" in text:
                faults.append(
                    Fault(
                        _("An answer to be written is longer than one line of %(most)s characters.", most=MAX_KEY),
                        _("Shorten it, with * for what may differ."),
                        where,
                        place,
                        language,
                    )
                )
                break
        if any(text and not comparing.example(text) and "*" not in text for text in (key.text.en, key.text.ja)):
            faults.append(Fault(_("The answer has no text."), _("Write its text behind the brackets."), where, place))
    if _takes_anything(key) and key.share == 1:
        faults.append(
            Fault(
                _("An answer that takes anything earns all points."),
                _("Give it less, such as “- [ ] *”, or write what is right."),
                where,
                place,
                what="share",
            )
        )
    if not 0 <= key.share <= 1:
        faults.append(
            Fault(
                _("An answer earns from nothing to all points."),
                _("Write [x], [ ] or a share like [50%]."),
                where,
                place,
                what="share",
            )
        )
    same = part.keys.index(key)
    if same < place or any(_is_same(part, key, other) for other in part.keys[:place]):
        faults.append(
            Fault(_("This answer stands here already."), _("Keep one of the two."), where, place),
        )
    return faults


def _is_same(part: Part, key: TextKey | NumberKey, other: TextKey | NumberKey) -> bool:
    if isinstance(key, TextKey) and isinstance(other, TextKey):
        ours, theirs = (
            [comparing.fold(text, is_exact=part.is_exact) for text in (each.text.en, each.text.ja)]
            for each in (key, other)
        )
        return ours == theirs
    return (
        isinstance(key, NumberKey)
        and isinstance(other, NumberKey)
        and (key.value, key.tolerance) == (other.value, other.tolerance)
    )


def _check_units(part: Part, where: str | None) -> list[Fault]:
    faults = []
    if part.units and part.units[0].factor != 1:
        faults.append(
            Fault(
                _("The first unit is the one in which the answers are written; its factor is 1."),
                _("Begin with it: units=min,h=60."),
                where,
                what="units",
            )
        )
    symbols = [unit.symbol for unit in part.units]
    if len(set(symbols)) < len(symbols):
        faults.append(Fault(_("A unit stands here twice."), _("Keep one of the two."), where, what="units"))
    for unit in part.units:
        if unit.factor <= 0 or not SYMBOL.fullmatch(unit.symbol):
            faults.append(
                Fault(
                    _("“%(name)s” cannot be a unit.", name=unit.symbol[:60]),
                    _("A unit is one word that begins with no digit, its factor greater than 0: units=min,h=60."),
                    where,
                    what="units",
                )
            )
    return faults

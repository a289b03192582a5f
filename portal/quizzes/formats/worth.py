"""Weights and answers of others where only right and wrong are known, and each answer stands but once.

A question is never taken with another key than it has: what would need one is refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from portal.core.i18n import gettext as _
from portal.core.i18n import pgettext
from portal.quizzes.formats.interchange import FULL, BadData, ForeignAnswer, ForeignQuestion, Kind, exact
from portal.quizzes.types import comparing

_MOST_NAMED, _MOST_OF_A_TEXT = 4, 40
_BARE_POINT = re.compile(r"\A([+-]?)\.(?=[0-9])", re.ASCII)


class OtherKey(Exception):
    """Another answer would be right than in the file; the words say why."""


def narrowed(question: ForeignQuestion) -> ForeignQuestion:
    """Return a question of several choices as one of a single choice where that keeps what each of them is worth.

    Where one choice earns everything and no other one costs anything, a mark that takes off for wrong choices would
    be another question. Raises `OtherKey` where a part of the choices that earn points earns all of them: a bank's
    key is all of them together.
    """
    if question.type is not Kind.MULTIPLE_CHOICE or question.all_or_nothing:
        return question
    earning = [each for each in question.choices if each.fraction > 0]
    if len(earning) == 1 and earning[0].fraction == FULL and all(each.fraction >= 0 for each in question.choices):
        return replace(question, type=Kind.SINGLE_CHOICE)
    least = min((each.fraction for each in earning), default=Fraction(0))
    if len(earning) > 1 and sum(each.fraction for each in earning) - least >= FULL:
        named = pgettext("list", ", ").join(
            _(
                "“%(text)s” %(worth)s",
                text=" ".join(each.text.split())[:_MOST_OF_A_TEXT],
                worth=f"{float(each.fraction):.7g} %",
            )
            for each in earning[:_MOST_NAMED]
        )
        raise OtherKey(
            _(
                "Some of its choices earn all points without the others (%(choices)s). Only all together can be right.",
                choices=named,
            )
        )
    return question


def once(answers: Sequence[ForeignAnswer], *, is_exact: bool = False) -> tuple[ForeignAnswer, ...]:
    """Return the answers without those that an earlier one takes already: the first one counts, as in Moodle."""
    kept: dict[object, ForeignAnswer] = {}
    for each in answers:
        said: object
        if each.value is None:
            said = comparing.fold(each.text, is_exact=is_exact)
        else:
            # As they are written: 5 and 5 ± 0 may both stand in a bank.
            is_any = each.value.strip() == "*"
            said = (with_digit(each.value), "" if is_any else with_digit(each.tolerance))
        kept.setdefault((each.value is None, said), each)
    return tuple(kept.values())


def number_said(written: str) -> Fraction | str:
    """Return the number that is written, or what is written where that is none."""
    try:
        return exact(written)
    except BadData:
        return written.strip()


def with_digit(written: str) -> str:
    """Return a number with a digit before its point: `.5` is 0.5."""
    return _BARE_POINT.sub(r"\g<1>0.", written.strip())

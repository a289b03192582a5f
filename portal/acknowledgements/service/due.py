"""Dates of what is asked, in the reader's words: by when, and how that came about."""

from __future__ import annotations

from portal.accounts.models import Person
from portal.acknowledgements.models import AcknowledgementRequest
from portal.acknowledgements.service.requests import is_due_at_effect
from portal.core.i18n import format_date, format_instant, language, ngettext
from portal.core.i18n import gettext as _


def due_words(asked: AcknowledgementRequest, person: Person) -> str:
    """Say by when something is to be confirmed: the date, or an instant where hours count or it takes effect."""
    if is_due_at_effect(asked, asked.campaign):
        return _("%(date)s, when it takes effect", date=format_instant(asked.due_at, person.time_zone))
    if asked.days == 0:
        return format_instant(asked.due_at, person.time_zone)
    return format_date(asked.due_on)


def why_due(*, days: int, is_emergency: bool, is_due_at_effect: bool, is_newcomer: bool, asked: str) -> str:
    """Say how the date came about: how long there is, and whose term that is; `asked`: when, in words."""
    if is_emergency:
        return (
            _("Asked on %(date)s; an emergency is confirmed before it takes effect.", date=asked)
            if is_due_at_effect
            else _("Asked on %(date)s; an emergency is confirmed without delay.", date=asked)
        )
    if is_due_at_effect:
        return _("Asked on %(date)s; it is to be confirmed before it takes effect.", date=asked)
    why = ngettext(
        "Asked on %(date)s; there is %(num)d working day to confirm it.",
        "Asked on %(date)s; there are %(num)d working days to confirm it.",
        days,
        date=asked,
    )
    if is_newcomer:
        newcomer = _(
            "That is the term of newcomers: their first day is at most 10 working days before the asking, or after it."
        )
        why = f"{why} {newcomer}" if language() == "en" else f"{why}{newcomer}"
    return why

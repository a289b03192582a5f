"""Plain data for templates that several pages of accounts show."""

from __future__ import annotations

from typing import Any

from portal.accounts.models import Accommodation
from portal.accounts.service.ownership import OwnedRow, OwnedThing
from portal.core import clock
from portal.core.access import actor
from portal.core.i18n import format_date, format_points, language, pgettext
from portal.core.i18n import gettext as _


def accommodation_in_words(accommodation: Accommodation) -> str:
    """Say what an accommodation gives, but for another form of the paper, which is agreed in somebody's own words."""
    parts = [str(_("%(factor)s times the time", factor=format_points(accommodation.multiplier)))]
    if accommodation.hide_countdown:
        parts.append(_("no countdown shown"))
    if accommodation.break_minutes:
        parts.append(_("breaks of %(minutes)s minutes in all", minutes=accommodation.break_minutes))
    separator: str = pgettext("list", ", ")
    return separator.join(parts)


# What a browser calls itself, the more telling names first: most of them also say "Safari".
_BROWSERS = {"Edg": "Edge", "OPR": "Opera", "Firefox": "Firefox", "Chrom": "Chrome", "Safari": "Safari"}
_SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "Windows": "Windows",
    "Mac OS": "macOS",
    "CrOS": "ChromeOS",
    "Linux": "Linux",
}


def browser_in_words(calls_itself: str) -> str:
    """Say which browser on which system a session is in, as far as it tells."""
    browser = next((name for sign, name in _BROWSERS.items() if sign in calls_itself), "")
    system = next((name for sign, name in _SYSTEMS.items() if sign in calls_itself), "")
    if browser and system:
        return str(_("%(browser)s on %(system)s", browser=browser, system=system))
    return browser or system or str(_("Unknown browser"))


def _may_open(thing: OwnedThing) -> bool:
    return thing.may_be_opened_by(actor())


def _other_name(row: OwnedRow, *, as_deputy: bool) -> str:
    other = row.ownership.owner if as_deputy else row.ownership.deputy
    return other.name_in(language()) if other is not None else "–"


def belonging_rows(belongings: list[OwnedRow], zone: str, *, as_deputy: bool = False) -> list[dict[str, Any]]:
    """Return the rows of the table of what somebody answers for, with its deputy; or as whose deputy she stands by."""
    return [
        {
            "cells": [
                {"text": row.thing.title, "href": row.thing.href if _may_open(row.thing) else None},
                row.kind_name,
                _other_name(row, as_deputy=as_deputy),
                format_date(clock.local_date(row.ownership.since, zone), "short"),
            ],
            "state": None if row.thing.is_live else "ended",
        }
        for row in belongings
    ]

"""What commands have in common: the language in which they speak."""

from __future__ import annotations

import os

import click

from portal.core.i18n import LANGUAGES


def _language_of_terminal() -> str:
    told = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return "ja" if told.startswith("ja") else "en"


# Gives a command the argument `language`; what it says belongs inside `force_locale(language)`.
said_in = click.option(
    "--language",
    type=click.Choice(LANGUAGES),
    callback=lambda _context, _option, given: given or _language_of_terminal(),
    help="Language of what is said; default: the terminal's.",
)

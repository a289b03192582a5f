"""What commands have in common: the language in which they speak, also of how they were called."""

from __future__ import annotations

import gettext as of_python
import os
from pathlib import Path

import click

from portal.core.i18n import LANGUAGES, ngettext
from portal.core.i18n import gettext as _


def init_app() -> None:
    """Let Click speak the terminal's language where a command was called wrongly.

    It asks the catalogues of Python's `gettext`, whose domain is called as ours are; what `said_by_click` lists is in
    that of this package.
    """
    of_python.bindtextdomain("messages", str(Path(__file__).parent / "translations"))


def said_by_click() -> list[str]:
    """Return what Click says of a call that is wrong, in the language of now; the catalogue has it from here."""
    return [
        _("Usage:"),
        _("Try '{command} {option}' for help."),
        _("Error: {message}"),
        _("Missing command."),
        _("Missing argument"),
        _("Missing option"),
        _("Missing parameter"),
        _("Choose from:\n\t{choices}"),
        _("No such option {name!r}."),
        _("No such command {name!r}."),
        _("Invalid value: {message}"),
        _("Invalid value for {param_hint}: {message}"),
        _("Option {name!r} does not take a value."),
        _("Could not open file {filename!r}: {message}"),
        # The name of what it is was told when the command was made, before anybody's language is known.
        _("{name} {filename!r} does not exist."),
        _("{name} {filename!r} is a file."),
        _("{name} {filename!r} is a directory."),
        _("{name} {filename!r} is not readable."),
        _("{name} {filename!r} is not writable."),
        _("{value!r} is not a valid {number_type}."),
        _("{value} is not in the range {range}."),
        ngettext("Did you mean {possibility}?", "(Did you mean one of: {possibilities}?)", 1),
        ngettext("{value!r} is not {choice}.", "{value!r} is not one of {choices}.", 2),
        ngettext("Option {name!r} requires an argument.", "Option {name!r} requires {nargs} arguments.", 1),
        ngettext("Got unexpected extra argument ({args})", "Got unexpected extra arguments ({args})", 1),
        ngettext("{value!r} does not match the format {format}.", "{value!r} does not match the formats {formats}.", 1),
    ]


def language_of_terminal() -> str:
    """Return the language that the environment asks for: Japanese, else English."""
    told = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return "ja" if told.startswith("ja") else "en"


# Gives a command the argument `language`; what it says belongs inside `force_locale(language)`.
said_in = click.option(
    "--language",
    type=click.Choice(LANGUAGES),
    callback=lambda _context, _option, given: given or language_of_terminal(),
    help="Language of what is said; default: the terminal's.",
)

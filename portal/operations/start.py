"""The start: what keeps the application from running is said in one line, with the way to mend it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from flask import Flask
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from config import SettingsRefused
from portal import create_app
from portal.accounts import queries as accounts
from portal.core.commands import language_of_terminal
from portal.core.db import FOREIGN_FILE, db, session
from portal.core.i18n import force_locale
from portal.core.i18n import gettext as _

# What a supervisor sees: the settings are wrong, or what they name is not there.
SETTINGS_WRONG = 2
NOT_THERE = 1


_MEND_FOLDER = "Give it to the user who runs Shirube, or set SHIRUBE_DATA_DIR to a folder of that user."
_NO_DEMO = (
    "This starts the demo organisation for trying out and refuses SHIRUBE_ENV=production. "
    "docs/deploying.md says how web server and worker are started in production."
)


class StartRefused(Exception):
    """Something that the settings name cannot be used; the text says what and how to mend it."""


def application(*, with_demo: bool = False) -> Flask:
    """Return the application, its folder and its database tried; with the demo not in production.

    Says on standard error why it cannot run, and exits: 2 where settings are wrong, 1 where the folder or the
    database cannot be used.
    """
    try:
        app = create_app()
    except SettingsRefused as refused:
        _leave(refused.lines, SETTINGS_WRONG)
    except OSError as failure:
        _leave([f"The data folder {failure.filename} cannot be made ({failure.strerror}). {_MEND_FOLDER}"], NOT_THERE)
    if with_demo and app.config["ENV"] == "production":
        _leave([_NO_DEMO], SETTINGS_WRONG)
    try:
        try_folder(app)
        try_database(app)
    except StartRefused as refused:
        _leave([str(refused)], NOT_THERE)
    if "FLASK_RUN_FROM_CLI" in os.environ:
        _speak_plainly(app.cli)
    else:
        _warn_of_demo(app)
    return app


def try_folder(app: Flask) -> None:
    """Raise `StartRefused` where nothing can be written into the data folder."""
    folder = app.config["DATA_DIR"]
    if not os.access(folder, os.W_OK | os.X_OK):
        raise StartRefused(f"The data folder {folder} cannot be written to. {_MEND_FOLDER}")


def try_database(app: Flask) -> None:
    """Raise `StartRefused` where the database cannot be opened or be written to."""
    with app.app_context():
        url = db.engine.url
    is_file = url.get_backend_name() == "sqlite"
    if is_file:
        _try_file(Path(str(url.database)))
        mend = f"Look at {url.database}; put a backup in its place, or set the variable to another file."
    else:
        mend = "Check that it runs, that the address is right and that the user may sign in to it."
    try:
        with app.app_context(), db.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA schema_version" if is_file else "SELECT 1")
    except SQLAlchemyError as failure:
        reason = _reason(failure, str(url.password or ""))
        if "locked" in reason:
            mend = "It is busy, not broken: wait a moment and start again."
        elif reason == FOREIGN_FILE:
            mend = f"It is left as it was; set SHIRUBE_DATABASE_URL to another file than {url.database}."
        raise StartRefused(f"The database of SHIRUBE_DATABASE_URL cannot be used: {reason}. {mend}") from failure


def _try_file(path: Path) -> None:
    what = "The database file of SHIRUBE_DATABASE_URL (or of SHIRUBE_DATA_DIR)"
    mend = "Give file and folder to the user who runs Shirube, or set the variable to another place."
    if not path.parent.is_dir():
        raise StartRefused(f"{what} is to be in {path.parent}, which is no folder. Make it, or set the variable anew.")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise StartRefused(f"{what} is in {path.parent}, which cannot be written to. {mend}")
    if path.exists() and not (path.is_file() and os.access(path, os.R_OK | os.W_OK)):
        raise StartRefused(f"{what}, {path}, cannot be read and written. {mend}")


def _reason(failure: SQLAlchemyError, password: str = "") -> str:
    cause = failure.orig if isinstance(failure, DBAPIError) and failure.orig is not None else failure
    lines = str(cause).strip().splitlines() or [type(cause).__name__]
    text = lines[0].strip().rstrip(".")
    return text.replace(password, "…") if password else text


def _speak_plainly(group: click.Group) -> None:
    """Let every command say in one line that the database is not up to date or cannot be used."""
    for command in group.commands.values():
        if isinstance(command, click.Group):
            _speak_plainly(command)
        elif command.callback is not None:
            command.callback = _plain(command.callback)


def _plain(callback: Callable[..., Any]) -> Callable[..., Any]:
    def run(*arguments: Any, **options: Any) -> Any:
        try:
            return callback(*arguments, **options)
        except DBAPIError as failure:
            reason = _reason(failure)
            with force_locale(language_of_terminal()):
                if "no such table" in reason or "no such column" in reason or "does not exist" in reason:
                    text = _("The database is not up to date. Run: flask --app wsgi db upgrade")
                elif "locked" in reason:
                    text = _("The database is busy. Wait a moment and try again; nothing was changed.")
                else:
                    text = _("The database cannot be used: %(reason)s", reason=reason)
            raise click.ClickException(text) from failure

    # One failure is wrapped once, however often the commands are looked at.
    if getattr(callback, "speaks_plainly", False):
        return callback
    run.speaks_plainly = True  # type: ignore[attr-defined]
    return run


def _warn_of_demo(app: Flask) -> None:
    if app.config["ENV"] != "production":
        return
    with app.app_context():
        try:
            count = accounts.count_demo_accounts()
        except SQLAlchemyError:
            # Not migrated yet: /readyz says so.
            return
        finally:
            session.remove()
    if count:
        _say(
            f"This database holds demo accounts whose passwords are public ({count}). Nobody can sign in with them "
            "while SHIRUBE_ENV=production; deactivate them on the People page. flask doctor stays red until then."
        )


def _leave(lines: list[str], status: int) -> None:
    for line in lines:
        _say(line)
    sys.exit(status)


def _say(line: str) -> None:
    sys.stderr.write(" ".join(line.split()) + "\n")
    sys.stderr.flush()

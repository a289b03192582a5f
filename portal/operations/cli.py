"""Commands over all domains: `flask content`, `flask demo`, `flask doctor`, `flask worker`."""

from __future__ import annotations

import gc
import json
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import click
from flask import current_app
from flask.cli import AppGroup, with_appcontext

from portal import wiring
from portal.accounts import queries as accounts
from portal.accounts.models import Person
from portal.core import access, clock, search
from portal.core.commands import said_in
from portal.core.content import SLUG, ContentFolder, Finding, Level, printable
from portal.core.errors import DomainError
from portal.core.i18n import force_locale, ngettext
from portal.core.i18n import gettext as _
from portal.core.markdown import remembering
from portal.core.tables import display_width
from portal.core.transaction import transaction
from portal.library.service import history
from portal.operations import demo, doctor
from portal.operations.folder import write_folder
from portal.operations.service import (
    ContentRefused,
    check_content,
    export_content,
    import_content,
    note_history,
    prepare_content,
    report_content,
)

content = AppGroup("content", help="Check, take in and write out a folder of content.")
demo_group = AppGroup("demo", help="The demo organisation.")
search_group = AppGroup("search", help="The index of the search.")


def _counted(folder: ContentFolder) -> str:
    """Say how many files were read, and how many findings there are of each level."""
    levels = Counter(finding.level for finding in folder.findings)
    files, errors = len(folder.files), levels[Level.ERROR]
    unchecked, warnings = levels[Level.UNCHECKED], levels[Level.WARNING]
    said = [
        ngettext("%(num)d file read", "%(num)d files read", files),
        ngettext("%(num)d error", "%(num)d errors", errors),
        *([ngettext("%(num)d file not checked", "%(num)d files not checked", unchecked)] if unchecked else []),
        ngettext("%(num)d warning", "%(num)d warnings", warnings),
    ]
    return str(_(", ")).join(said)


def _say(findings: Sequence[Finding]) -> None:
    for finding in findings:
        if finding.level is not Level.UNCHECKED:
            click.echo(str(finding), err=True)
            continue
        # What rests on the same file is said on one line.
        same = [each for each in findings if each.level is Level.UNCHECKED and each.message == finding.message]
        if finding is same[0]:
            click.echo(str(replace(finding, path=", ".join(each.path for each in same), line=0)), err=True)


@content.command("check")
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@said_in
def check(folder: Path, language: str) -> None:
    """Look at every file of DIR and say what is wrong, where, and how to mend it."""
    with force_locale(language):
        checked = check_content(folder, wiring.CONTENT_PARTS)
        _say(checked.findings)
        click.echo(_counted(checked))
    if checked.errors:
        sys.exit(1)


@content.command("report")
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@said_in
def report(folder: Path, language: str) -> None:
    """Say what DIR holds and covers, what its questions give away, and what a second look at its texts finds.

    With errors in the files nothing is counted; then the exit status is 1.
    """
    with force_locale(language):
        checked = check_content(folder, wiring.CONTENT_PARTS)
        if checked.errors:
            _say(checked.findings)
            click.echo(_counted(checked))
            sys.exit(1)
        for section in report_content(checked, wiring.CONTENT_PARTS):
            click.echo(f"\n{section.title}")
            for line in in_columns([section.header, *section.rows]):
                click.echo(f"  {line}")
            for remark in section.remarks:
                click.echo(f"  - {printable(remark)}")


def in_columns(rows: Sequence[Sequence[object]]) -> list[str]:
    """Return the rows as lines whose columns stand below one another: figures to the right, words to the left."""
    said = [[str(value) for value in row] for row in rows]
    widths = [max(display_width(row[column]) for row in said) for column in range(len(said[0]))]
    lines = []
    for row, values in zip(said, rows, strict=True):
        cells = []
        for text, value, width in zip(row, values, widths, strict=True):
            room = " " * (width - display_width(text))
            cells.append(room + text if isinstance(value, int) else text + room)
        lines.append("  ".join(cells).rstrip())
    return lines


@content.command("import")
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@click.option("--by", metavar="NAME", help="Sign-in name of the person who imports; default: the first administrator.")
@click.option(
    "--history",
    "with_history",
    is_flag=True,
    help="Make versions of what git's commits did to the Markdown files below DIR, of whatever layout.",
)
@click.option("--prefix", metavar="WORD", help="With --history: stands before the addresses of new documents.")
@said_in
def import_(folder: Path, by: str | None, with_history: bool, prefix: str | None, language: str) -> None:
    """Take DIR in: everything or nothing. A second time changes nothing.

    With --history, every document is taken in by itself: what cannot be taken is listed with file, commit and reason,
    and the rest is taken. Its versions are editorial or minor changes: nobody is asked to confirm what was written
    elsewhere. A second time takes in what was committed since.
    Banks of questions are never taken this way: everybody could read the answers.
    """
    if with_history:
        with force_locale(language):
            _import_history(folder, by, prefix or "")
        return
    if prefix is not None:
        raise click.UsageError("--prefix goes with --history.")
    parts = wiring.CONTENT_PARTS
    with force_locale(language), remembering():
        try:
            _importer(by)
            # Learners save their answers meanwhile: the database is held for the writing only.
            prepared = prepare_content(root=folder, parts=parts)
            with transaction():
                taken, changes = import_content(root=folder, parts=parts, by=_importer(by), prepared=prepared)
        except ContentRefused as refused:
            _say(refused.findings)
            raise click.ClickException(str(refused)) from refused
    with force_locale(language):
        _say(taken.findings)
        for line in changes:
            click.echo(printable(line))
        said = [
            _counted(taken),
            ngettext("%(num)d thing changed", "%(num)d things changed", len(changes)),
        ]
        click.echo(str(_(", ")).join(said))


# So often the one who waits is told how far it is.
_TOLD_EVERY_SECONDS = 5


def _import_history(folder: Path, by: str | None, prefix: str) -> None:
    """Take in what the commits did to the documents of a folder, each document by itself."""
    if prefix and not SLUG.fullmatch(prefix):
        raise click.ClickException(
            _("“%(name)s” cannot be an address.", name=prefix)
            + " "
            + _("Use lower-case letters a to z, digits and hyphens, at most 60, starting with a letter.")
        )
    _importer(by)
    try:
        with history.open_history(folder) as repository:
            documents, versions, refused, unseen, is_known = _take_history(repository, by, prefix)
    except DomainError as failed:
        raise click.ClickException(str(failed)) from failed
    if documents:
        with transaction():
            note_history(root=folder, documents=documents, versions=versions, refused=refused, by=_importer(by))
    if unseen:
        click.echo(
            ngettext(
                "%(num)d change of a file shows readers nothing new, and made no version",
                "%(num)d changes of files show readers nothing new, and made no version",
                unseen,
            )
        )
    said = [
        ngettext("%(num)d document", "%(num)d documents", documents),
        ngettext("%(num)d version", "%(num)d versions", versions),
        _("%(number)s refused", number=refused),
    ]
    click.echo(str(_(", ")).join(said))
    if not documents and not is_known:
        sys.exit(1)


def _take_history(repository: history.History, by: str | None, prefix: str) -> tuple[int, int, int, int, bool]:
    """Return how many documents and versions were taken in, how much was refused or unseen, whether any was known."""
    planned, refusals = history.plan_documents(repository, prefix=prefix)
    is_known = any(each.is_known for each in planned)
    for refusal in refusals:
        click.echo(str(refusal), err=True)
    documents = versions = 0
    refused = sum(not refusal.is_taken for refusal in refusals)
    told_at = clock.monotonic()
    for number, each in enumerate(planned, start=1):
        taken, said = 0, 0
        with remembering():
            for prepared in history.prepare_document(repository, each):
                try:
                    # Learners save their answers meanwhile: the database is held for the writing only.
                    with transaction():
                        taken += len(history.take_in(prepared, by=_importer(by)))
                except DomainError as clash:
                    history.refuse_rest(each, str(clash))
                    break
                said = 1
        documents, versions, refused = documents + said, versions + taken, refused + len(each.refusals)
        for refusal in each.refusals:
            click.echo(str(refusal), err=True)
        if clock.monotonic() - told_at >= _TOLD_EVERY_SECONDS or number == len(planned):
            told_at = clock.monotonic()
            click.echo(
                _(
                    "%(done)s of %(all)s documents, %(versions)s versions",
                    done=number,
                    all=len(planned),
                    versions=versions,
                ),
                err=True,
            )
    return documents, versions, refused, sum(each.unseen for each in planned), is_known


def _importer(name: str | None) -> Person:
    person = accounts.find_person_by_sign_in_name(name) if name else accounts.find_first_administrator()
    if person is None:
        raise click.ClickException(
            _("Nobody signs in as %(name)s.", name=name)
            if name
            else _("There is no administrator yet: run flask people create-admin.")
        )
    return person


@content.command("export")
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@said_in
def export(folder: Path, language: str) -> None:
    """Write the present content into DIR, which must be new or empty.

    What no file can hold is left out and named; the exit status is then 1.
    """
    with force_locale(language):
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise click.ClickException(_("%(folder)s is not empty; name a new folder.", folder=folder))
        files = export_content(wiring.CONTENT_PARTS)
        try:
            write_folder(folder, files)
        except OSError as refused:
            raise click.ClickException(
                _("%(folder)s cannot be written: %(reason)s.", folder=folder, reason=str(refused.strerror).lower())
            ) from refused
        click.echo(
            ngettext(
                "%(num)d file written to %(folder)s", "%(num)d files written to %(folder)s", len(files), folder=folder
            )
        )
        left_out = [finding for file in files for finding in file.left_out]
        _say(left_out)
        if left_out:
            raise SystemExit(1)


@demo_group.command("load")
@click.option("--date", "on", type=click.DateTime(["%Y-%m-%d"]), help="The day on which the demo takes place.")
def demo_load(on: object) -> None:
    """Make the demo organisation, once; refused in production."""
    day = on.date() if hasattr(on, "date") else None
    assert day is None or isinstance(day, date)
    if current_app.config["ENV"] == "production":
        raise click.ClickException("demo accounts have known passwords and are refused while SHIRUBE_ENV=production")
    try:
        with transaction():
            made = demo.load(day)
    except demo.TooEarly as refused:
        raise click.ClickException(str(refused)) from refused
    click.echo("the demo organisation is made" if made else "there are people already; nothing was changed")


@demo_group.command("accounts")
def demo_accounts() -> None:
    """Print the demo accounts as JSON: role, sign-in name, password."""
    if current_app.config["ENV"] == "production":
        raise click.ClickException("there are no demo accounts while SHIRUBE_ENV=production")
    click.echo(json.dumps(demo.accounts(), ensure_ascii=False, indent=2))


@click.command("doctor")
@click.option("--noted", metavar="NUMBER:HASH", help="An end of the journal as it was printed and noted before.")
@with_appcontext
def doctor_command(noted: str | None) -> None:
    """Re-compute what must always be true; exit with 1 when something is not.

    The last line names the end of the journal. Noted outside of the database, it proves later that nothing before it
    was rewritten: `flask doctor --noted NUMBER:HASH`.
    """
    examined = doctor.examine(wiring.INVARIANTS | doctor.of_noted_end(noted))
    for name, breaches in examined.items():
        click.echo(f"{'ok  ' if not breaches else 'FAIL'} {name}")
        for breach in breaches[:20]:
            click.echo(f"       {breach}")
        if len(breaches) > 20:
            click.echo(f"       … and {len(breaches) - 20} more")
    for note in doctor.notes():
        click.echo(f"note {note}")
    click.echo(f"journal ends with {doctor.end_of_journal()}")
    if any(examined.values()):
        sys.exit(1)


@search_group.command("rebuild")
def rebuild_search() -> None:
    """Make the index of the search anew from the texts: after a restored backup, or when the doctor says so."""
    steps = search.rebuild()
    done = total = 0
    while True:
        with transaction():
            step = next(steps, None)
        if step is None:
            break
        done, total = step
        click.echo(f"{done}/{total}", err=True)
    click.echo(f"{total} things can be found")


@click.command("worker")
@click.option("--threads", default=1, show_default=True, help="How many jobs run at the same time.")
@with_appcontext
def worker(threads: int) -> None:
    """Carry out background work until stopped: mail, certificates, closing attempts."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]

    def ready() -> None:
        # As the web server does: what is here after the start stays, and is not looked at again.
        gc.collect()
        gc.freeze()
        click.echo("worker ready", err=True)

    app.extensions["jobs"].work(threads, ready)


@click.command("permissions")
@with_appcontext
def permissions() -> None:
    """Print who may do what, as docs/permissions.md holds it."""
    click.echo(access.printed(), nl=False)

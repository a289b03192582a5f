"""Taking the content folder in and writing it out: everything or nothing, the same bytes, every fault by name."""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from portal import wiring
from portal.accounts.models import Role
from portal.accounts.queries import find_first_administrator
from portal.certificates.queries import get_credential, list_latest_versions
from portal.core import markdown
from portal.core.db import session
from portal.core.transaction import in_transaction, own_transaction
from portal.journal.models import JournalEntry
from portal.library.models import Clause, ClauseText, Document, DocumentVersion
from portal.operations.service import ContentRefused, check_content, export_content, import_content, prepare_content
from tests.builders import make_grant, make_market, make_person
from tests.certificates.builders import issue
from tests.sample_content import SHIPPED, copy_to


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A part of the shipped content that a test may spoil."""
    return copy_to(tmp_path / "content")


_READ: dict[Any, Any] = {}


@pytest.fixture
def remembered() -> Iterator[None]:
    """Let what is the same in every folder that one file spoils be parsed once."""
    token = markdown._remembered.set(_READ)
    yield
    markdown._remembered.reset(token)


@pytest.fixture
def admin(app: Flask) -> object:
    make_market("JP")
    person = make_person("admin@portal.example")
    make_grant(person, Role.ADMIN)
    return person


def test_the_shipped_content_is_clean(app: Flask) -> None:
    checked = check_content(SHIPPED, wiring.CONTENT_PARTS)
    assert [str(finding) for finding in checked.findings] == []
    assert len(checked.files) >= 17


def test_a_second_import_changes_nothing(app: Flask, admin: object, folder: Path) -> None:
    with own_transaction():
        _, first = import_content(root=folder, parts=wiring.CONTENT_PARTS, by=admin)
    with own_transaction():
        _, second = import_content(root=folder, parts=wiring.CONTENT_PARTS, by=admin)
    assert first
    assert second == []
    assert session.query(JournalEntry).filter_by(action="content.imported").count() == 1


def _as_before_templates(folder: Path) -> None:
    """Write the credentials and plans as they were shipped before credentials had templates and terms."""
    reviewer = folder / "credentials/account-safety-reviewer.toml"
    text = reviewer.read_text(encoding="utf-8").replace('version = "1.1"', 'version = "1.0"')
    for key in ("renewal_window_days", "grace_days", "template", "template_version"):
        text = re.sub(rf"^{key} = .*\n", "", text, flags=re.M)
    reviewer.write_text(text, encoding="utf-8")
    for plan, credential in (("practice", "own-queue"), ("calibration", "calibration")):
        file = folder / f"plans/account-safety-{plan}.toml"
        text = re.sub(r'^version = ".*"', 'version = "1.0"', file.read_text(encoding="utf-8"))
        file.write_text(text.replace(f'credential = "account-safety-{credential}"\n', ""), encoding="utf-8")
        (folder / f"credentials/account-safety-{credential}.toml").unlink()


def test_an_installation_of_before_takes_the_new_versions_and_keeps_what_was_issued(
    app: Flask, admin: object, folder: Path
) -> None:
    _as_before_templates(folder)
    with own_transaction():
        import_content(root=folder, parts=wiring.CONTENT_PARTS, by=admin)
    slug = "account-safety-reviewer"
    holder = make_person("holder@portal.example")
    before = issue(holder, get_credential(slug))
    copy_to(folder)
    with own_transaction():
        _, changes = import_content(root=folder, parts=wiring.CONTENT_PARTS, by=admin)
    said = "\n".join(changes)
    for path, number in (
        (f"credentials/{slug}.toml", "1.1"),
        ("credentials/account-safety-own-queue.toml", "1.0"),
        ("credentials/account-safety-calibration.toml", "1.0"),
        ("plans/account-safety-practice.toml", "1.2"),
        ("plans/account-safety-calibration.toml", "1.1"),
    ):
        assert re.search(rf"{re.escape(path)}.*{re.escape(number)}", said), (path, said)
    assert "plans/account-safety-start.toml" not in said
    session.expire_all()
    assert before.credential_version.number == "1.0"
    assert "template" not in before.snapshot
    assert before.credential_version.renewal_window_days is None
    latest = {version.credential.slug: version for version in list_latest_versions()}
    assert latest[slug].renewal_window_days == 60
    designs = {version.template_version.spec["design"] for version in latest.values() if version.template_version}
    assert designs == {"classic", "modern", "plain"}


def test_export_gives_the_same_bytes_back(app: Flask, admin: object) -> None:
    with own_transaction():
        import_content(root=SHIPPED, parts=wiring.CONTENT_PARTS, by=admin)
    exported = {file.path: file.text.encode() for file in export_content(wiring.CONTENT_PARTS)}
    on_disk = {path.relative_to(SHIPPED).as_posix(): path.read_bytes() for path in SHIPPED.rglob("*") if path.is_file()}
    assert exported.keys() == on_disk.keys()
    assert {path for path in on_disk if exported[path] != on_disk[path]} == set()


def _rewritten(path: str, text: str, chance: random.Random) -> bytes:
    """Write a file in another way that says the same: remarks, blank lines, quotation marks, order, line ends."""
    lines = text.split("\n")
    if path.endswith(".toml"):
        lines = [
            piece
            for line in lines
            for piece in (
                *(["# A remark.", ""] if line.startswith("[[") and chance.random() < 0.5 else []),
                f"{line}   # {chance.random()}" if line and chance.random() < 0.2 else line,
            )
        ]
    else:
        end = lines.index("---", 1)
        head = lines[1:end]
        chance.shuffle(head)
        lines = ["---", "# A remark.", *head, *lines[end:]]
    return chance.choice(["\n", "\r\n"]).join(lines).encode()


@pytest.mark.parametrize("seed", range(3))
def test_export_gives_the_same_bytes_back_however_the_files_were_written(
    app: Flask, admin: object, folder: Path, seed: int
) -> None:
    chance = random.Random(seed)
    files = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    for name, path in files.items():
        path.write_bytes(_rewritten(name, path.read_text(encoding="utf-8"), chance))
    with own_transaction():
        import_content(root=folder, parts=wiring.CONTENT_PARTS, by=admin)
    exported = {file.path: file.text.encode() for file in export_content(wiring.CONTENT_PARTS)}
    assert exported == {name: path.read_bytes() for name, path in files.items()}
    with own_transaction():
        assert import_content(root=folder, parts=wiring.CONTENT_PARTS, by=admin)[1] == []


KILLED = """
import os, signal, sys
from pathlib import Path
from portal import create_app, wiring
from portal.accounts import queries
from portal.core.db import session
from portal.core.transaction import own_transaction
from portal.library.models import Document
from portal.operations.service import import_content
from portal.training.content import PlansPart
from tests.conftest import settings

folder, url, taken_in = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
app = create_app(settings(folder, url))
def killed(*_):
    session.flush()
    assert session.query(Document).count() == 6, "the documents are there, and not yet the plans"
    os.kill(os.getpid(), signal.SIGKILL)
PlansPart.load = killed
with app.app_context(), own_transaction():
    import_content(root=taken_in, parts=wiring.CONTENT_PARTS, by=queries.find_first_administrator())
"""


def test_an_import_that_is_killed_half_way_leaves_nothing_behind(
    app: Flask, application: Flask, admin: object, tmp_path: Path, folder: Path
) -> None:
    url = application.config["SQLALCHEMY_DATABASE_URI"]
    session.rollback()
    session.remove()
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path), str(url), str(folder)],
        cwd=SHIPPED.parent, env=dict(os.environ, PYTHONPATH=str(SHIPPED.parent)), capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()[-2000:]
    assert export_content(wiring.CONTENT_PARTS) == []
    assert session.query(JournalEntry).filter_by(action="content.imported").count() == 0
    session.rollback()
    with own_transaction():
        _, changes = import_content(root=folder, parts=wiring.CONTENT_PARTS, by=find_first_administrator())
    assert changes


def test_an_error_anywhere_leaves_nothing_behind(app: Flask, admin: object, folder: Path) -> None:
    bank = folder / "banks" / "impersonation.en.md"
    bank.write_text(bank.read_text(encoding="utf-8").replace("clause=", "clause=no-such-clause-", 1), encoding="utf-8")

    def take_in() -> None:
        with own_transaction():
            import_content(root=folder, parts=wiring.CONTENT_PARTS, by=admin)

    with pytest.raises(ContentRefused) as refused:
        take_in()
    assert any("banks/impersonation.en.md" in str(finding) for finding in refused.value.findings)
    assert export_content(wiring.CONTENT_PARTS) == []


def _replace(path: str, old: str, new: str) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        text = (folder / path).read_text(encoding="utf-8")
        assert old in text, f"{path} has no {old!r}"
        (folder / path).write_text(text.replace(old, new, 1), encoding="utf-8")

    return spoil


def _write(path: str, data: bytes) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)

    return spoil


def _append(path: str, text: str) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        with (folder / path).open("a", encoding="utf-8") as file:
            file.write(text)

    return spoil


POLICY = "documents/impersonation/en.md"

# What is found in a folder stands in its files; what is asked of the database meanwhile, every import asks as well.
of_files = pytest.mark.any_database


@of_files
@pytest.mark.parametrize(
    ("spoil", "path", "says"),
    [
        (_replace(POLICY, "---\n", "--\n"), POLICY, "title"),
        (_replace(POLICY, "title:", "title"), POLICY, "front matter"),
        (_replace(POLICY, "{#definitions}", "{#scope}"), POLICY, "scope"),
        (_append(POLICY, "\n<script>alert(1)</script>\n"), POLICY, "script"),
        (_append(POLICY, "\n<b>bold</b>\n"), POLICY, "HTML"),
        (_append(POLICY, "\n![x](https://other.example/pixel.png)\n"), POLICY, "picture"),
        (_append(POLICY, "\n![x](pixel.png)\n"), POLICY, "cannot be shown"),
        (_append(POLICY, "\n[x](//other.example)\n"), POLICY, "link"),
        (_write(POLICY, b"x" * 5_000_000), POLICY, "KB"),
        (_write(POLICY, b"\xef\xbb\xbf---\n"), POLICY, "byte order mark"),
        (_write(POLICY, "---\ntitle: é\n---\n".encode("latin-1")), POLICY, "UTF-8"),
        (_write("documents/impersonation/jp.md", b"---\ntitle: x\n---\n"), "documents/impersonation/jp.md", "jp"),
        (_replace("banks/impersonation.en.md", "{#imp-002}", "{#imp-001}"), "banks/impersonation.en.md", "imp-001"),
        (
            _replace("banks/impersonation.en.md", "clause=", "clause=no-such-"),
            "banks/impersonation.en.md",
            "no-such-",
        ),
        (
            _replace("banks/impersonation.en.md", "clause=fan-accounts", "clause=elsewhere#fans"),
            "banks/impersonation.en.md",
            "add documents/elsewhere",
        ),
        (_replace("quizzes/impersonation.toml", "count = 3", "count = 99"), "quizzes/impersonation.toml", "99"),
        (
            _replace("plans/account-safety-start.toml", "prerequisites = [", 'prerequisites = ["no-such-step", '),
            "plans/account-safety-start.toml",
            "no-such-step",
        ),
        (_write("plans/broken.toml", b"version = \n"), "plans/broken.toml", "TOML"),
    ],
)
@pytest.mark.usefixtures("remembered")
def test_each_bad_file_is_named_with_its_line_and_the_way_to_mend_it(
    app: Flask, folder: Path, spoil: Callable[[Path], None], path: str, says: str
) -> None:
    spoil(folder)
    errors = check_content(folder, wiring.CONTENT_PARTS).errors
    about = [finding for finding in errors if finding.path == path]
    assert any(says in finding.message + finding.mend for finding in about), [str(each) for each in errors][:10]
    assert all(finding.mend for finding in about)


@of_files
@pytest.mark.usefixtures("remembered")
def test_a_plan_with_a_cycle_is_refused(app: Flask, folder: Path) -> None:
    plan = folder / "plans" / "circle.toml"
    plan.write_text(
        """version = "1.0"
[title]
en = "Circle"
ja = "循環"
[summary]
en = "Two steps that wait for each other."
ja = "互いを待つ二つの項目。"
[[phase]]
slug = "one"
[phase.title]
en = "One"
ja = "一"
[[step]]
slug = "a"
kind = "read"
phase = "one"
document = "impersonation"
due = 1
minutes = 5
prerequisites = ["b"]
[[step]]
slug = "b"
kind = "read"
phase = "one"
document = "daily-audit"
due = 1
minutes = 5
prerequisites = ["a"]
""",
        encoding="utf-8",
    )
    errors = check_content(folder, wiring.CONTENT_PARTS).errors
    assert any(error.path == "plans/circle.toml" and "a" in error.message and error.line for error in errors), errors


@of_files
def test_a_link_out_of_the_folder_is_not_followed(app: Flask, folder: Path) -> None:
    (folder / "documents" / "elsewhere").symlink_to("/etc")
    errors = check_content(folder, wiring.CONTENT_PARTS).errors
    assert [error.path for error in errors] == ["documents/elsewhere"]


@of_files
def test_a_folder_that_is_not_there_is_said_so(app: Flask, tmp_path: Path) -> None:
    assert check_content(tmp_path / "nowhere", wiring.CONTENT_PARTS).errors


# --- causes and what follows from them -------------------------------------------------------------


def _checked(folder: Path) -> list[tuple[str, str, int, str]]:
    return [
        (each.level.value, each.path, each.line, each.message)
        for each in check_content(folder, wiring.CONTENT_PARTS).findings
    ]


@of_files
@pytest.mark.usefixtures("remembered")
def test_what_rests_on_a_broken_document_is_said_once_and_after_it(app: Flask, folder: Path) -> None:
    _append(POLICY, "\n<b>bold</b>\n")(folder)
    policy = (folder / POLICY).read_text(encoding="utf-8")
    because = "This was not checked in full, because documents/impersonation has errors."
    assert _checked(folder) == [
        ("error", POLICY, policy.count("\n"), "There is raw HTML: <b>"),
        ("unchecked", "documents/daily-audit/en.md", 0, because),
        ("unchecked", "documents/daily-audit/ja.md", 0, because),
        ("unchecked", "documents/daily-audit@JP/en.md", 0, because),
        ("unchecked", "documents/daily-audit@JP/ja.md", 0, because),
        ("unchecked", "banks/daily-audit.en.md", 0, because),
        ("unchecked", "banks/impersonation.en.md", 0, because),
    ]


@of_files
@pytest.mark.usefixtures("remembered")
def test_a_question_id_that_stands_twice_is_one_error(app: Flask, folder: Path) -> None:
    _replace("banks/impersonation.en.md", "{#imp-002}", "{#imp-001}")(folder)
    assert _checked(folder) == [
        ("error", "banks/impersonation.en.md", 24, "The id “imp-001” stands on line 7 already."),
        ("unchecked", "banks/impersonation.ja.md", 0,
         "This was not checked in full, because banks/impersonation.en.md has errors."),
        ("unchecked", "quizzes/impersonation.toml", 0,
         "This was not checked in full, because banks/impersonation has errors."),
    ]  # fmt: skip


@of_files
@pytest.mark.parametrize("name", ["documents/impersonation/en.md", "documents/impersonation/document.toml",
                                  "banks/impersonation.en.md", "banks/impersonation.ja.md",
                                  "quizzes/impersonation.toml", "credentials/account-safety-reviewer.toml",
                                  "plans/account-safety-start.toml", "glossary.toml"])  # fmt: skip
@pytest.mark.parametrize("data", [b"\xff\xfe", b"\xef\xbb\xbf", b"x" * 300_000, b"---\n[[["])
@pytest.mark.usefixtures("remembered")
def test_a_file_that_cannot_be_read_is_the_only_error(app: Flask, folder: Path, name: str, data: bytes) -> None:
    (folder / name).write_bytes(data)
    errors = [(path, message) for level, path, _line, message in _checked(folder) if level == "error"]
    assert [path for path, _message in errors] == [name], errors


@of_files
def test_the_command_counts_in_both_languages_and_shows_a_mark_once(app: Flask, folder: Path) -> None:
    run = app.test_cli_runner().invoke
    told = run(args=["content", "check", str(folder), "--language", "en"])
    assert (told.exit_code, told.stdout) == (0, "41 files read, 0 errors, 0 warnings\n")
    (folder / "picture.png").write_bytes(b"")
    _append(POLICY, "\n<b>bold</b>\n")(folder)
    english = run(args=["content", "check", str(folder), "--language", "en"])
    assert english.exit_code == 1
    assert english.stdout == "41 files read, 1 error, 6 files not checked, 1 warning\n"
    assert english.stderr.count("<b>") == 1
    assert english.stderr.count("documents/impersonation has errors") == 1
    assert "banks/daily-audit.en.md, banks/impersonation.en.md: not checked: " in english.stderr
    japanese = run(args=["content", "check", str(folder)], env={"LC_ALL": "ja_JP.UTF-8"})
    assert japanese.stdout == "41件のファイルを読みました、エラー1件、未確認のファイル6件、警告1件\n"
    last = len((folder / POLICY).read_text(encoding="utf-8").splitlines())
    assert f"documents/impersonation/en.md:{last}: エラー: HTMLタグが直接書かれています：<b>" in japanese.stderr
    assert "picture.png: 警告: このファイルは読み込まれません。" in japanese.stderr
    refused = run(args=["content", "import", str(folder), "--language", "ja"])
    assert refused.exit_code == 1
    assert "管理者がまだいません" in refused.stderr


def test_the_command_takes_in_and_says_what_changed(app: Flask, admin: object, folder: Path) -> None:
    run = app.test_cli_runner().invoke
    taken = run(args=["content", "import", str(folder), "--language", "en"])
    assert taken.exit_code == 0, taken.output
    assert taken.stdout.splitlines()[-1].startswith("41 files read, 0 errors, ")
    assert "documents/impersonation/en.md: version 1.0 (18 clauses)" in taken.stdout
    again = run(args=["content", "import", str(folder), "--language", "ja"])
    assert again.stdout.endswith("、変更0件\n")
    unknown = run(args=["content", "import", str(folder), "--by", "nobody@portal.example", "--language", "en"])
    assert "Nobody signs in as nobody@portal.example." in unknown.stderr


def test_what_takes_time_is_done_before_the_database_is_held(
    app: Flask, admin: object, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        shutil.copytree(folder / "documents" / "impersonation", folder / "documents" / f"again-{number}")
    held = []
    parse = markdown._Parser.parse

    def watched(self: Any, *given: Any, **named: Any) -> Any:
        held.append(in_transaction() and len(given[0]) > 2_000)
        return parse(self, *given, **named)

    monkeypatch.setattr(markdown._Parser, "parse", watched)
    with markdown.remembering():
        prepared = prepare_content(root=folder, parts=wiring.CONTENT_PARTS)
        with own_transaction():
            _, changes = import_content(root=folder, parts=wiring.CONTENT_PARTS, by=admin, prepared=prepared)
    assert any("again-2" in change for change in changes)
    assert held
    assert not any(held), "a document's text was parsed while learners could not save"


def _shown() -> list[tuple[str, str, str, str]]:
    rows = session.execute(
        select(Document.slug, ClauseText.language, Clause.anchor, ClauseText.html)
        .join(Clause, Clause.id == ClauseText.clause_id)
        .join(DocumentVersion, DocumentVersion.id == Clause.version_id)
        .join(Document, Document.id == DocumentVersion.document_id)
        .order_by(Document.slug, ClauseText.language, Clause.position)
    )
    return [(row[0], row[1], row[2], str(row[3])) for row in rows]


def test_links_say_the_headings_of_documents_that_are_taken_in_with_them(
    app: Flask, admin: object, folder: Path
) -> None:
    # The first by the order of addresses leads to the last, which is not there yet when it is published.
    source = folder / "documents" / "impersonation"
    first = Path(shutil.copytree(source, folder / "documents" / "a-first"))
    for tag in ("en", "ja"):
        path = first / f"{tag}.md"
        path.write_text(path.read_text(encoding="utf-8") + "\nSee [[zz-last#scope]].\n", encoding="utf-8")
    shutil.copytree(source, folder / "documents" / "zz-last")
    with markdown.remembering():
        prepared = prepare_content(root=folder, parts=wiring.CONTENT_PARTS)
        with own_transaction():
            import_content(root=folder, parts=wiring.CONTENT_PARTS, by=admin, prepared=prepared)
    cited = [html for slug, _language, _anchor, html in _shown() if slug == "a-first" and "zz-last#scope" in html]
    assert len(cited) == 2
    assert all('href="/library/zz-last#scope"' in html for html in cited)


def test_what_was_published_while_a_folder_was_prepared_is_not_overwritten(
    app: Flask, admin: object, folder: Path
) -> None:
    path = folder / "documents" / "impersonation" / "en.md"
    with markdown.remembering():
        prepared = prepare_content(root=folder, parts=wiring.CONTENT_PARTS)
        # Somebody else is quicker, and says something else under the same number.
        path.write_text(path.read_text(encoding="utf-8") + "\nOne sentence more.\n", encoding="utf-8")
        with own_transaction():
            import_content(root=folder, parts=wiring.CONTENT_PARTS, by=admin)
        before = _shown()
        with pytest.raises(ContentRefused), own_transaction():
            import_content(root=folder, parts=wiring.CONTENT_PARTS, by=admin, prepared=prepared)
    session.rollback()
    assert _shown() == before


def test_what_was_published_alike_while_a_folder_was_prepared_changes_nothing(
    app: Flask, admin: object, folder: Path
) -> None:
    with markdown.remembering():
        prepared = prepare_content(root=folder, parts=wiring.CONTENT_PARTS)
        with own_transaction():
            import_content(root=folder, parts=wiring.CONTENT_PARTS, by=admin)
        with own_transaction():
            assert import_content(root=folder, parts=wiring.CONTENT_PARTS, by=admin, prepared=prepared)[1] == []

"""Folders that nobody meant well, or that were damaged: a finding that says what to do, never a crash or a wait."""

from __future__ import annotations

import os
import shutil
import socket
import time
from collections.abc import Callable
from difflib import unified_diff
from itertools import islice
from pathlib import Path

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal import wiring
from portal.core.content import ContentFile, ContentFolder, Finding, Level
from portal.core.i18n import force_locale
from portal.operations.folder import read_folder
from portal.operations.service import check_content
from tests.sample_content import TEXTS, copy_to
from tests.volume import examples

pytestmark = pytest.mark.any_database

POLICY = "documents/impersonation/en.md"
PLAN = "plans/account-safety-start.toml"
QUIZ = "quizzes/impersonation.toml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A part of the shipped content that a test may spoil."""
    return copy_to(tmp_path / "content")


def checked(texts: dict[str, str]) -> ContentFolder:
    """Check files that are only in memory."""
    folder = ContentFolder({path: ContentFile(path, text) for path, text in texts.items()})
    for part in wiring.CONTENT_PARTS:
        part.check(folder)
    return folder


def errors_of(root: Path) -> list[tuple[str, int, str]]:
    return [(each.path, each.line, each.message) for each in check_content(root, wiring.CONTENT_PARTS).errors]


# --- what is no text ------------------------------------------------------------------------------


def test_pipes_and_sockets_are_named_and_not_waited_for(app: Flask, folder: Path) -> None:
    os.mkfifo(folder / "documents" / "pipe.md")
    ear = socket.socket(socket.AF_UNIX)
    ear.bind(str(folder / "plans" / "ear.toml"))
    try:
        found = errors_of(folder)
    finally:
        ear.close()
    assert [path for path, _line, _message in found] == ["documents/pipe.md", "plans/ear.toml"]
    assert all("a pipe, a socket or a device" in message for _path, _line, message in found)


def test_links_are_refused_wherever_they_lead(app: Flask, folder: Path) -> None:
    (folder / "documents" / "loop").symlink_to(folder / "documents")
    (folder / "documents" / "impersonation" / "fr.md").symlink_to("/etc/passwd")
    (folder / "plans" / "nowhere.toml").symlink_to("nothing")
    (folder / "quizzes" / "inside.toml").symlink_to(folder / "quizzes" / "impersonation.toml")
    found = errors_of(folder)
    assert {path for path, _line, _message in found} == {
        "documents/loop", "documents/impersonation/fr.md", "plans/nowhere.toml", "quizzes/inside.toml",
    }  # fmt: skip
    assert {message for _path, _line, message in found} == {"Links to other places are not followed."}


def test_a_file_that_may_not_be_read_is_named(app: Flask, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: object, *_rest: object) -> int:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("portal.operations.folder.os.open", refuse)
    found = read_folder(folder, {"documents"}).errors
    assert found[0].message == "It cannot be read: permission denied."
    assert len(found) == 18


def test_a_file_is_read_up_to_its_limit_and_no_further(app: Flask, folder: Path) -> None:
    with (folder / PLAN).open("wb") as file:
        file.truncate(40 * 1024**3)
    begun = time.monotonic()
    found = errors_of(folder)
    assert [(path, message) for path, _line, message in found] == [
        (PLAN, "The file has 41943040 KB; the limit is 256 KB.")
    ]
    assert time.monotonic() - begun < 20


@pytest.mark.parametrize(
    ("data", "line", "says"),
    [
        ('version = "1.0"\n# é\n'.encode("latin-1"), 2, "The file is not UTF-8."),
        ('version = "1.0"\n'.encode("utf-16"), 1, "The file is not UTF-8."),
        (b'\xef\xbb\xbfversion = "1.0"\n', 1, "The file begins with a byte order mark."),
        (b'version = "1.0"\nx = "\0"\n', 2, "There is a control character (U+0000)."),
    ],
)
def test_bytes_that_are_no_utf_8_text_are_named_with_their_line(
    app: Flask, folder: Path, data: bytes, line: int, says: str
) -> None:
    (folder / PLAN).write_bytes(data)
    assert errors_of(folder) == [(PLAN, line, says)]


def test_line_ends_of_windows_are_taken(app: Flask, folder: Path) -> None:
    for path, text in TEXTS.items():
        (folder / path).write_bytes(text.replace("\n", "\r\n").encode())
    assert errors_of(folder) == []
    (folder / PLAN).write_bytes(TEXTS[PLAN].replace("due = 9", "due = nine").replace("\n", "\r\n").encode())
    [(path, line, message)] = errors_of(folder)
    assert (path, line) == (PLAN, TEXTS[PLAN].split("\n").index("due = 9") + 1)
    assert message == "The file is not valid TOML: the value is missing or not in quotation marks."


# --- names ----------------------------------------------------------------------------------------


def test_names_that_another_computer_takes_for_the_same_are_refused(app: Flask, folder: Path) -> None:
    shutil.copy(folder / PLAN, folder / "plans" / "Account-Safety-Start.toml")
    (folder / "documents" / "cafe\u0301").mkdir()
    (folder / "documents" / "caf\u00e9").mkdir()
    found = {path: message for path, _line, message in errors_of(folder)}
    assert "“Account-Safety-Start.toml” only in capital letters" in found[PLAN]
    assert "other computers write in another way" in found["documents/cafe\u0301"]


@pytest.mark.parametrize("name", [b"a\nb.toml", b"\x1b[31mred.toml", b"caf\xe9.toml", b"plan\xe2\x80\xae.toml"])
def test_a_name_that_cannot_be_shown_is_written_out(app: Flask, folder: Path, name: bytes) -> None:
    (folder / "plans" / os.fsdecode(name)).write_text("")
    [finding] = check_content(folder, wiring.CONTENT_PARTS).errors
    assert str(finding).isprintable()
    assert "do not show" in finding.message
    str(finding).encode()


def test_files_beside_the_folders_and_folders_in_place_of_files_are_said(app: Flask, folder: Path) -> None:
    (folder / "glossary.toml").unlink()
    (folder / "glossary.toml").mkdir()
    (folder / "glossary.toml" / "x.md").write_text("x")
    (folder / "plans" / "deep" / "er").mkdir(parents=True)
    (folder / "plans" / "deep" / "er" / "x.toml").write_text("x")
    (folder / "picture.png").write_bytes(b"\x89PNG")
    found = check_content(folder, wiring.CONTENT_PARTS).findings
    said = {finding.path: finding.message for finding in found}
    assert said == {
        "glossary.toml/x.md": "This file is not used.",
        "picture.png": "This file is not used.",
        "plans/deep/er/x.toml": "This is no plan file.",
    }


def test_a_path_of_many_folders_is_refused(app: Flask, folder: Path) -> None:
    deep = folder / "plans" / "/".join("d" * 9)
    deep.mkdir(parents=True)
    (deep / "x.toml").write_text("x")
    [(path, _line, message)] = errors_of(folder)
    assert path == "plans/d/d/d/d/d/d/d/d"
    assert message == "The path is too long or too deep."


# --- TOML that a parser breaks on -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("\n\na = " + "[" * 100_000, 3, "nested more than 20 levels"),
        ("a = " + "[\n" * 50 + "]\n" * 50, 21, "nested more than 20 levels"),
        ("\na = " + "{a=" * 5_000, 2, "nested more than 20 levels"),
        ("x = 1\n" + "a." * 100_000 + "a = 1", 2, "nested more than 20 levels"),
        ("x = 1\n[" + "a . " * 100_000 + "a]", 2, "nested more than 20 levels"),
        ("x = {b = 1, " + '"a".' * 30 + "a = 1}", 1, "nested more than 20 levels"),
        ("a = 1\nb = " + "9" * 5_000, 2, "a number is too long"),
        ("a = 1\nb = \n", 2, "the value is missing"),
        ("a = 1\na = 2\n", 2, "a key appears twice"),
        ('a = 1\nb = "x\n', 2, "Illegal character"),
        ('version = "1.0"\nowner = "\\u0000"\n', 2, "control character (U+0000)"),
        ('version = "1.0"\n"\\u202e" = 1\n', 0, "control character (U+202E)"),
    ],
    ids=lambda value: str(value)[:20].replace("\n", " "),
)
def test_toml_beyond_every_measure_is_a_finding_with_its_line(app: Flask, text: str, line: int, says: str) -> None:
    begun = time.monotonic()
    for path in ("plans/x.toml", "quizzes/x.toml", "credentials/x.toml", "calendars/XX.toml", "glossary.toml"):
        found = checked({path: text}).errors
        assert (found[0].path, found[0].line) == (path, line)
        assert says in found[0].message
        assert found[0].mend
    assert time.monotonic() - begun < 10


def test_brackets_in_texts_and_comments_are_no_nesting(app: Flask) -> None:
    brackets = "[" * 60
    text = TEXTS[PLAN].replace('en = "Foundations"', f'en = "Foundations {brackets}" # {brackets}')
    text += f"# '''{brackets}\n"
    assert checked(TEXTS | {PLAN: text}).errors == []


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        (PLAN, "due = 9", "due = 99999999999999999999999"),
        (PLAN, "minutes = 40", "minutes = -99999999999999999999999"),
        (PLAN, 'owner = "yamada', 'owner = "' + "y" * 300),
        (PLAN, 'version = "1.1"', 'version = "' + "1" * 5_000 + '.0"'),
        (QUIZ, "attempts = 3", "attempts = 1e400"),
        (QUIZ, 'pass_mark = "80%"', "pass_mark = nan"),
        (QUIZ, 'version = "1.1"', 'version = "1.1"\nopens_at = 0001-01-01T00:00:00+09:00'),
        (QUIZ, 'owner = "yamada.hiroko@hibiki.example"', "owner = [1]"),
        (QUIZ, "difficulty = [1, 2]", "difficulty = [[1], {a = 2}]"),
        (QUIZ, 'types = ["case"]', "types = [[], {}]"),
        (QUIZ, 'release = "at_once"', "release = []"),
        ("calendars/JP.toml", "from = 2025-08-13", "from = 0001-01-01"),
        ("calendars/JP.toml", "to = 2028-01-03", "to = 9999-12-31"),
        ("documents/impersonation/document.toml", 'kind = "policy"', "kind = [[]]"),
        ("documents/impersonation/document.toml", 'sensitivity = "S1"', "sensitivity = {}"),
        (POLICY, "effective_at: 2026-04-01T00:00+09:00", "effective_at: 0001-01-01T00:00+09:00"),
        (POLICY, "effective_at: 2026-04-01T00:00+09:00", "effective_at: 9999-12-31T23:59-12:00"),
        (POLICY, "zone: Asia/Tokyo", "zone: ../../etc/passwd"),
        (POLICY, "title: Impersonation", 'title: "a\\0b"'),
        (POLICY, "title: Impersonation", 'title: "\\ud800"'),
        (POLICY, "title: Impersonation", "title: " + "[" * 5_000),
        (POLICY, "title: Impersonation", "x: &a [1]\ntitle: *a"),
        (POLICY, "title: Impersonation", "title: " + "word " * 8_000),
        (POLICY, "## Definitions", "## " + "word " * 80),
    ],
)  # fmt: skip
def test_values_that_no_database_takes_are_findings_on_their_line(app: Flask, path: str, old: str, new: str) -> None:
    assert old in TEXTS[path]
    text = TEXTS[path].replace(old, new, 1)
    errors = checked(TEXTS | {path: text}).errors
    assert errors
    assert {each.path for each in errors} == {path}, [str(each) for each in errors]
    line = text[: text.index(new[:12])].count("\n") + 1
    # An entry's faults are said at its beginning.
    assert errors[0].line in range(line - 5, line + 2), (errors[0], line)
    assert all(each.mend for each in errors)


def test_a_file_that_ends_with_its_front_matter_is_said_to_be_empty_on_its_last_line(app: Flask) -> None:
    head = TEXTS[POLICY].split("\n---\n")[0] + "\n---"
    errors = checked(TEXTS | {POLICY: head}).errors
    assert (errors[0].path, errors[0].line) == (POLICY, head.count("\n") + 1)
    assert errors[0].message == "The text is empty."


# --- anything at all ------------------------------------------------------------------------------

# An underscore stands for a blank.
PIECES = r"""
\0 \x1b[2J \u202e \ufeff \ud7ff \u2028 \x85 \r \r\n [[[[[[ ]]] {# }} ---\n +++ ```\n >_>_>_ \n\n##_ ##_x_{#scope}\n
{type=case_clause=x}\n -_[x]_ -_[_]_\n __>_\n \x22\x22\x22 \x27\x27\x27 _=_ [[step]]\n [title]\n =[[],{}] =true =nan
=99999999999999999999 =0001-01-01 prerequisites=[1] [[x#y]] [[impersonation#gone]] ![x](y) <b> <script> [^1]:
|a|b|\n|---|\n &amp; %(name)s {x} clause=a#b#c
"""
ODD = st.sampled_from([piece.replace("_", " ").encode("ascii").decode("unicode_escape") for piece in PIECES.split()])
PATHS = st.sampled_from(sorted(TEXTS))


class Spoiled(dict[str, str]):
    """Texts by path, written out as what differs from what is shipped: the whole would be 200 kB at every failure."""

    def __repr__(self) -> str:
        changes = []
        for path, text in self.items():
            if text != TEXTS[path]:
                lines = unified_diff(TEXTS[path].split("\n"), text.split("\n"), n=0, lineterm="")
                changes.append(f"{path}: {[line[:80] for line in islice(lines, 2, 40)]}")
        return f"Spoiled({', '.join(changes)})"


@st.composite
def spoiled(draw: st.DrawFn) -> Spoiled:
    """The shipped content with a few cuts, doublings and odd pieces, and files under each other's names."""
    texts = Spoiled(TEXTS)
    for _ in range(draw(st.integers(1, 4))):
        path = draw(PATHS)
        lines = texts[path].split("\n")
        at = draw(st.integers(0, len(lines) - 1))
        match draw(st.sampled_from(["insert", "inside", "cut", "drop", "double", "exchange", "remove"])):
            case "insert":
                lines.insert(at, draw(ODD) + draw(st.text(max_size=6)))
            case "inside":
                place = draw(st.integers(0, len(lines[at])))
                lines[at] = lines[at][:place] + draw(ODD) + lines[at][place:]
            case "cut":
                lines = lines[: at + 1]
            case "drop":
                del lines[at]
            case "double":
                lines.insert(at, lines[at])
            case "exchange":
                lines = texts[draw(PATHS)].split("\n")
            case "remove" if len(texts) > 1:
                lines = [""]
        texts[path] = "\n".join(lines)
    return texts


@settings(max_examples=examples(20), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(spoiled(), st.sampled_from(["en", "ja"]))
def test_whatever_a_folder_holds_is_answered_with_findings(app: Flask, texts: dict[str, str], language: str) -> None:
    with force_locale(language):
        folder = checked(texts)
        for finding in folder.findings:
            said = str(finding)
            assert finding.path in texts or finding.path.split("/")[0] in {"documents", "banks"}, said
            assert finding.message, said
            assert finding.mend or finding.level is Level.WARNING, said
            assert 0 <= finding.line <= texts.get(finding.path, "").count("\n") + 1, said
            assert all(character.isprintable() or character == "\n" for character in said)
        for part in wiring.CONTENT_PARTS:
            for file in folder.below(part.folder):
                part.canonical(file)


def test_a_finding_cannot_command_the_terminal(app: Flask) -> None:
    assert str(Finding("a\x1b[2J.md", 3, "x\x07", "y\u202ez")) == "a\\x1b[2J.md:3: error: x\\x07 y\\u202ez"


def test_every_folder_name_reads(app: Flask) -> None:
    names: Callable[[], set[str]] = lambda: {part.folder for part in wiring.CONTENT_PARTS}  # noqa: E731
    assert {path.split("/")[0] for path in TEXTS} <= names()

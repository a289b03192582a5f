"""The history that git keeps of a folder of Markdown, as plain data; the repository is a stranger's."""

from __future__ import annotations

import os
import re
import select
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from pathlib import Path
from typing import IO

from portal.core import clock
from portal.core.content import printable
from portal.library.errors import GitFailed, GitMissing, NoCommits, NoRepository

# What git may take to answer anything at all; nobody waits longer for a damaged or malicious repository.
SECONDS = 300
# A commit's message is a few lines; more of it than this is never read.
_MAX_COMMIT = 256 * 1024
# Inexact renames are looked for among this many files of one commit; more of them are taken for new ones.
_MAX_RENAMES = 1_000
MARKDOWN = (".md", ".markdown", ".mdown", ".mkd")
SETTINGS = "document.toml"
_PLAIN_FILE = ("100644", "100755")
_NOTHING = re.compile(r"0+")
_SIGNATURE = re.compile(rb"(?P<name>[^<\n]*)<[^>\n]*> (?P<seconds>-?\d{1,18}) (?P<offset>[+-]\d{4})")
# Nothing that the repository's own settings name is started, and nothing is fetched.
_OPTIONS = (
    *("--no-pager", "--no-replace-objects"),
    *("-c", "safe.directory=*", "-c", "safe.bareRepository=all", "-c", "protocol.allow=never"),
    *("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "core.attributesFile=/dev/null"),
    *("-c", "log.showSignature=false", "-c", "diff.external=", "-c", "diff.orderFile=/dev/null"),
    *("-c", "gc.auto=0", "-c", "maintenance.auto=false", "-c", "core.commitGraph=false"),
)


# How changes are told, and of which files.
_AS_RAW = ("--raw", "-z", "--no-abbrev", "-M", f"-l{_MAX_RENAMES}", "--no-ext-diff", "--no-textconv", "--no-color",
           "--relative")  # fmt: skip
_WANTED = (*(f":(icase)*{ending}" for ending in MARKDOWN), f":(glob)**/{SETTINGS}")


@dataclass(frozen=True, slots=True)
class Entry:
    """What one commit made of one file: `blob` is None where the commit took it away.

    `order` counts the commits from the oldest; `path` is relative to the repository's root. `mode` tells a file from a
    link and from another repository.
    """

    order: int
    commit_hash: str
    path: str
    blob: str | None
    mode: str

    @property
    def is_file(self) -> bool:
        """Whether there is a text to read."""
        return self.mode in _PLAIN_FILE


@dataclass(slots=True)
class Chain:
    """One file through all its names: its entries from the oldest, and where it is now or was last."""

    path: str
    entries: list[Entry] = field(default_factory=list)

    @property
    def is_alive(self) -> bool:
        """Whether the file is there at the end."""
        return self.entries[-1].blob is not None


@dataclass(frozen=True, slots=True)
class Commit:
    """Who made a commit, when, and why; `committed_at` None where git cannot tell."""

    hash: str
    parents: tuple[str, ...]
    author: str
    committed_at: datetime | None
    message: str


@dataclass(frozen=True, slots=True)
class _Change:
    """A line of git about one file of a commit: by which letter, from which blob to which, from which path to which."""

    letter: str
    mode: str
    was: str
    blob: str | None
    old: str
    path: str


def _with_swaps(changes: list[_Change]) -> list[_Change]:
    """Tell files that took each other's names, unchanged, as renamed: git tells each as changed from top to bottom."""
    edited = {change.was: change for change in changes if change.letter == "M"}
    taken = {
        change.path: edited[change.blob]
        for change in edited.values()
        if change.blob in edited and edited[change.blob].path != change.path
    }
    while taken and (gone := [path for path in taken if path not in {each.path for each in taken.values()}]):
        for path in gone:
            del taken[path]
    return [
        replace(change, letter="R", old=taken[change.path].path)
        if change.path in taken and change.letter == "M"
        else change
        for change in changes
    ]


@dataclass(slots=True)
class FolderHistory:
    """The files of a folder with their histories, and the last contents of each document's settings, by path."""

    chains: list[Chain]
    settings: dict[str, str]
    # Commits that touched a file of these, in the line that was followed.
    commits: int
    # Commits of which git lacks what they changed.
    damaged: list[str] = field(default_factory=list)


class Repository:
    """A folder whose history git keeps; asked through the `git` command, a question at a time."""

    def __init__(self, folder: Path) -> None:
        """Look whether there is a history. Raises `GitMissing`, `NoRepository`, `NoCommits` or `GitFailed`."""
        self._program = shutil.which("git")
        if self._program is None:
            raise GitMissing()
        if not folder.is_dir():
            raise NoRepository(folder=folder)
        self.folder = self._folder = folder
        self._asked: dict[str, _Process] = {}
        self._damaged: list[str] = []
        self.describe = lru_cache(maxsize=4_096)(self._read_commit)
        try:
            self._answer("rev-parse", "--git-dir")
        except GitFailed as failed:
            if "not a git repository" in str(failed):
                raise NoRepository(folder=folder) from failed
            raise
        try:
            self._answer("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
        except GitFailed as failed:
            raise NoCommits(folder=folder) from failed
        self._prefix = self._answer("rev-parse", "--show-prefix").rstrip("\n")

    def __enter__(self) -> Repository:
        return self

    def __exit__(self, *_raised: object) -> None:
        """Let the processes go that were asked."""
        for how in tuple(self._asked):
            self._end(how)

    def follow(self) -> FolderHistory:
        """Read what the commits made of each Markdown file below the folder, renames followed.

        The line of first parents is followed: each of its commits is a state in which the folder really was, and what
        was merged counts as one change. A file that was deleted and comes back at the same path goes on.
        """
        known: dict[str, Chain] = {}
        chains: list[Chain] = []
        settings: dict[str, str] = {}
        commits = 0
        for order, commit, changes in self._changes():
            commits += 1
            left = {change.old for change in changes if change.letter == "R"}
            moved = {change.path: known.get(change.old) for change in changes if change.letter == "R"}
            for old in left:
                known.pop(old, None)
            for change in changes:
                mode, blob, path = change.mode, change.blob, change.path
                if path.rpartition("/")[2] == SETTINGS:
                    if blob is not None:
                        settings[path] = blob
                    continue
                # A folder may be called like a file; what is hidden is no document, here as in a content folder.
                if not path.lower().endswith(MARKDOWN) or "/." in f"/{path}":
                    continue
                chain = moved.get(path) or known.get(path)
                if chain is None:
                    chain = Chain(path)
                    chains.append(chain)
                known[path] = chain
                chain.path = path
                chain.entries.append(Entry(order, commit, path, blob, mode))
        return FolderHistory(chains, settings, commits, self._damaged)

    def names_now(self, below: str) -> list[tuple[str, str]]:
        """Return (path, newest commit) of each file that is there at the end below a folder, or of none that git lacks.

        The commit is the newest of all, not the one that touched the file last.
        """
        try:
            head = self._answer("rev-parse", "HEAD").strip()
            said = self._answer(
                *("ls-tree", "-r", "-z", "--full-tree", "--name-only", "HEAD", "--"), *([below] if below else [])
            )
        except GitFailed:
            return []
        return [(name, head) for name in said.split("\0") if name]

    def size_of(self, blob: str) -> int | None:
        """Return how many bytes an object has, without reading it; None where it is missing or damaged."""
        try:
            return self._ask("--batch-check", blob)
        except GitFailed:
            self._end("--batch-check")
            return None

    def read(self, blob: str, limit: int, size: int | None = None) -> bytes | None:
        """Return the bytes of an object; None where it is missing or damaged, or has more than `limit`.

        `size` is what `size_of` has said, where it was asked.
        """
        known = self.size_of(blob) if size is None else size
        if known is None or known > limit:
            return None
        try:
            there = self._ask("--batch", blob)
            if there is None:
                return None
            data = self._asked["--batch"].take(there)
            self._asked["--batch"].take(1)
        except GitFailed:
            self._end("--batch")
            return None
        return data

    def _read_commit(self, commit: str) -> Commit:
        data = self.read(commit, _MAX_COMMIT) or b""
        head, _blank, message = data.partition(b"\n\n")
        values: dict[bytes, list[bytes]] = {}
        for line in head.split(b"\n"):
            key, _space, value = line.partition(b" ")
            # What continues the line before is a signature.
            if key:
                values.setdefault(key, []).append(value)
        encoding = values.get(b"encoding", [b"utf-8"])[0].decode("ascii", "replace")
        parents = tuple(value.decode("ascii", "replace") for value in values.get(b"parent", ()))
        author = _SIGNATURE.match(values.get(b"author", [b""])[0])
        committer = _SIGNATURE.match(values.get(b"committer", [b""])[0])
        return Commit(
            hash=commit,
            parents=parents,
            author=_decoded(author["name"], encoding).strip() if author else "",
            committed_at=_instant(committer) if committer else None,
            message=_decoded(message, encoding).strip(),
        )

    def _changes(self) -> Iterator[tuple[int, str, list[_Change]]]:
        """Yield (place, commit, its changes) from the oldest commit on.

        Where git lacks a part of the history, commit by commit is asked for, and what is there is taken.
        """
        told, last = 0, ""
        try:
            for last, changes in self._told_at_once():
                yield told, last, _with_swaps(changes)
                told += 1
        except GitFailed:
            commits = self._answer("rev-list", "--first-parent", "--reverse", "HEAD").split()
            rest = commits[commits.index(last) + 1 :] if last else commits
            for order, (commit, changes) in enumerate(self._told_one_by_one(rest, last), start=told):
                yield order, commit, _with_swaps(changes)
            if len(self._damaged) == len(commits):
                raise

    def _told_at_once(self) -> Iterator[tuple[str, list[_Change]]]:
        process = _Process(
            self._command(
                *("log", "--first-parent", "--diff-merges=first-parent", "--reverse"),
                *(*_AS_RAW, "--no-show-signature", "--format=%x02%H", "HEAD", "--", *_WANTED),
            ),
            self._folder,
        )
        try:
            commit = ""
            changes: list[_Change] = []
            for piece in process.pieces():
                if piece.startswith(b"\x02"):
                    if changes:
                        yield commit, changes
                    commit, changes = piece[1:].decode("ascii"), []
                    continue
                changes.append(self._change(piece, process))
            if changes:
                yield commit, changes
            process.finish()
        finally:
            process.end()

    def _told_one_by_one(self, commits: Sequence[str], before: str) -> Iterator[tuple[str, list[_Change]]]:
        """Compare each commit with the last one before it that is whole."""
        for commit in commits:
            process = _Process(
                self._command(
                    *("diff-tree", "-r", "--no-commit-id", *_AS_RAW, *([before] if before else ["--root"]), commit),
                    *("--", *_WANTED),
                ),
                self._folder,
            )
            try:
                changes = [self._change(piece, process) for piece in process.pieces()]
                process.finish()
            except GitFailed:
                self._damaged.append(commit)
                continue
            finally:
                process.end()
            before = commit
            if changes:
                yield commit, changes

    def _change(self, piece: bytes, process: _Process) -> _Change:
        _before, mode, was, blob, letter = piece.lstrip(b"\n").decode("ascii").split(" ")
        old = new = self._path(process.piece())
        if letter[0] in "RC":
            new = self._path(process.piece())
        return _Change(letter[0], mode, was, None if _NOTHING.fullmatch(blob) else blob, old, new)

    def merged_authors(self, commit: Commit, paths: Sequence[str]) -> list[str]:
        """Return who wrote what a merge brought to these files, in the order of their commits; empty where nobody did.

        Whoever mended clashes in the merge itself is not among them.
        """
        try:
            said = self._answer(
                *("log", "--reverse", "--no-merges", "--no-show-signature", "--encoding=UTF-8", "--format=%an"),
                *(f"{commit.parents[0]}..{commit.hash}", "--", *(f":(top,literal){path}" for path in paths)),
            )
        except GitFailed:
            return []
        return list(dict.fromkeys(line for line in said.split("\n") if line.strip()))

    def _path(self, name: bytes) -> str:
        return self._prefix + name.decode("utf-8", "surrogateescape")

    def _end(self, how: str) -> None:
        self._asked.pop(how).end()

    def _ask(self, how: str, name: str) -> int | None:
        """Ask for one object; return its size."""
        if how not in self._asked:
            self._asked[how] = _Process(self._command("cat-file", how), self._folder)
        process = self._asked[how]
        process.tell(f"{name}\n".encode("ascii"))
        words = process.line().split(b" ")
        return int(words[2]) if len(words) == 3 and words[2].isdigit() else None

    def _command(self, *arguments: str) -> list[str]:
        assert self._program is not None
        return [self._program, *_OPTIONS, *arguments]

    def _answer(self, *arguments: str) -> str:
        process = _Process(self._command(*arguments), self._folder)
        try:
            said = process.rest()
            process.finish()
        finally:
            process.end()
        return said.decode("utf-8", "surrogateescape")


class _Process:
    """One `git`, whose answers are waited for, but not for ever."""

    def __init__(self, command: list[str], folder: Path) -> None:
        environment = {
            key: value for key, value in os.environ.items() if not key.startswith(("GIT_", "SSH_", "SHIRUBE_"))
        }
        environment |= {
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_ALLOW_PROTOCOL": "",
            "LC_ALL": "C",
        }
        self._complaints: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed when the process ends
        # No shell, and nothing in the arguments is a stranger's.
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
        )
        self._folder = folder
        self._kept = b""
        self._is_over = False

    def tell(self, words: bytes) -> None:
        """Send a question."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(words)
            self._process.stdin.flush()
        except OSError as broken:
            raise GitFailed(folder=self._folder, reason=self._complaint()) from broken

    def line(self) -> bytes:
        """Return the next line."""
        found = self._until(b"\n")
        if found is None:
            raise GitFailed(folder=self._folder, reason=self._complaint())
        return found

    def piece(self) -> bytes:
        """Return what comes before the next zero byte."""
        found = self._until(b"\0")
        if found is None:
            raise GitFailed(folder=self._folder, reason=self._complaint())
        return found

    def pieces(self) -> Iterator[bytes]:
        """Yield what stands between zero bytes, to the end."""
        while (found := self._until(b"\0")) is not None:
            yield found

    def take(self, size: int) -> bytes:
        """Return exactly so many bytes."""
        while len(self._kept) < size and self._more():
            pass
        if len(self._kept) < size:
            raise GitFailed(folder=self._folder, reason=self._complaint())
        found, self._kept = self._kept[:size], self._kept[size:]
        return found

    def rest(self) -> bytes:
        """Return all that is still to come."""
        while self._more():
            pass
        return self._kept

    def finish(self) -> None:
        """Raise `GitFailed` where git did not come to a good end."""
        if self._process.wait(SECONDS) != 0:
            raise GitFailed(folder=self._folder, reason=self._complaint())

    def end(self) -> None:
        """Stop it, whatever it is doing."""
        if self._process.poll() is None:
            self._process.kill()
        for stream in (self._process.stdin, self._process.stdout, self._complaints):
            if stream is not None:
                try:
                    stream.close()
                except OSError:
                    continue
        self._process.wait()

    def _until(self, mark: bytes) -> bytes | None:
        searched = 0
        while (end := self._kept.find(mark, searched)) < 0:
            searched = len(self._kept)
            if not self._more():
                return None
        found, self._kept = self._kept[:end], self._kept[end + 1 :]
        return found

    def _more(self) -> bool:
        """Wait for more of the answer; say whether there is any."""
        if self._is_over:
            return False
        assert self._process.stdout is not None
        ready, _out, _odd = select.select([self._process.stdout], [], [], SECONDS)
        if not ready:
            raise GitFailed(folder=self._folder, reason=f"no answer in {SECONDS} s")
        found = os.read(self._process.stdout.fileno(), 65_536)
        self._is_over = not found
        self._kept += found
        return bool(found)

    def _complaint(self) -> str:
        """Return the last thing that git complained of."""
        self._complaints.seek(0)
        said = self._complaints.read(65_536).decode("utf-8", "replace").strip().splitlines()
        last = said[-1] if said else "?"
        return printable(next((line for line in said if line.startswith(("fatal:", "error:"))), last))


def _decoded(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return data.decode("utf-8", "replace")


def _instant(signature: re.Match[bytes]) -> datetime | None:
    """Return the instant of a commit with the offset that it was made at."""
    offset = int(signature["offset"])
    minutes = abs(offset) // 100 * 60 + abs(offset) % 100
    try:
        instant = datetime.fromtimestamp(int(signature["seconds"]), UTC)
        return instant.astimezone(timezone(timedelta(minutes=-minutes if offset < 0 else minutes)))
    except (ValueError, OverflowError, OSError):
        return None


def zone_of(instant: datetime, default: str) -> str:
    """Return the zone in which people are told of an instant that was noted with an offset.

    The default one where it has that offset then; else the one of the offset, as far as whole hours have a name.
    """
    offset = instant.utcoffset() or timedelta()
    if instant.astimezone(clock.zone_info(default)).utcoffset() == offset:
        return default
    if not offset:
        return "UTC"
    hours = offset / timedelta(hours=1)
    name = f"Etc/GMT{-int(hours):+d}"
    return name if hours == int(hours) and clock.is_zone(name) else default

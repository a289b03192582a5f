"""Repositories for tests, made by `git fast-import`: what a commit does to which files, by whom, when, and why."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

# What a commit does to a path: its new text, None to delete it, or (mode, text or commit) for what is no file.
Change = str | bytes | None | tuple[str, str]


class GitFolder:
    """A bare repository that grows by commits."""

    def __init__(self, path: Path) -> None:
        self.path = path
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(path)], check=True)
        self._has_commits = False
        self._hours = 0

    def commit(
        self,
        changes: Mapping[str | bytes, Change],
        message: str = "A change",
        *,
        author: str = "Mori Akiko",
        at: str | None = None,
        moves: Mapping[str, str] | None = None,
        merges: str = "",
        branch: str = "main",
        begins: str = "",
    ) -> str:
        """Add a commit and return its hash; `at` is ISO 8601 with an offset, by default an hour after the last one."""
        self._hours += 1
        when = datetime.fromisoformat(at or "2021-04-01T09:00:00+09:00")
        seconds = int(when.timestamp()) + (0 if at else self._hours * 3600)
        text = message.encode()
        ref = f"refs/heads/{branch}"
        said = [
            f"commit {ref}\nmark :1\nauthor {author} <mail@example.jp> {seconds} {when:%z}\n".encode(),
            f"committer {author} <mail@example.jp> {seconds} {when:%z}\ndata {len(text)}\n".encode() + text + b"\n",
        ]
        if begins or (self._has_commits and branch == "main"):
            said.append(f"from {begins or ref + '^0'}\n".encode())
        if merges:
            said.append(f"merge {merges}\n".encode())
        said += [f"R {old} {new}\n".encode() for old, new in (moves or {}).items()]
        for path, change in changes.items():
            name = path if isinstance(path, bytes) else path.encode()
            name = (
                b'"'
                + b"".join(b"\\%03o" % sign if sign > 126 or sign in b'"\\' else bytes([sign]) for sign in name)
                + b'"'
            )
            if change is None:
                said.append(b"D " + name + b"\n")
            elif isinstance(change, tuple) and change[0] == "160000":
                said.append(f"M 160000 {change[1]} ".encode() + name + b"\n")
            else:
                mode, content = change if isinstance(change, tuple) else ("100644", change)
                data = content if isinstance(content, bytes) else content.encode()
                said.append(f"M {mode} inline ".encode() + name + f"\ndata {len(data)}\n".encode() + data + b"\n")
        said.append(b"get-mark :1\ndone\n")
        done = subprocess.run(
            ["git", "-C", str(self.path), "fast-import", "--quiet", "--done", "--cat-blob-fd=1"],
            input=b"".join(said), capture_output=True, check=True,
        )  # fmt: skip
        self._has_commits = True
        return done.stdout.decode().strip()

    def check_out(self, path: Path) -> Path:
        """Return a work tree of the repository."""
        subprocess.run(["git", "clone", "-q", str(self.path), str(path)], check=True)
        return path

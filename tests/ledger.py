"""What a server was sent and what it has acknowledged, in a file of its own, and what of that is not stored.

A line of what was acknowledged is on the disk before anything else is done with the reply; so whatever becomes of the
server, what the ledger says was promised.
"""

from __future__ import annotations

import json
import os
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy import select

from portal.core.db import session
from portal.quizzes.models import Attempt, AttemptEvent, EventKind, Item, Response
from portal.quizzes.service.attempts import hash_of
from portal.quizzes.types import type_of
from portal.quizzes.types.base import read


@dataclass(frozen=True)
class Line:
    """One save: which attempt and question, under which number and key, and the answer as places on the page."""

    attempt: str
    position: int
    seq: int
    key: str
    answer: Mapping[str, Sequence[str]]


class Ledger:
    """Appends to its file; may be written by several threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("a", encoding="utf-8")
        self._lock = threading.Lock()

    def sent(self, line: Line) -> None:
        """Note what is about to be sent."""
        self._write("sent", line, is_safe=False)

    def acknowledged(self, line: Line) -> None:
        """Note what the server says it has saved; on the disk when this returns."""
        self._write("acknowledged", line, is_safe=True)

    def _write(self, kind: str, line: Line, *, is_safe: bool) -> None:
        with self._lock:
            self._file.write(json.dumps({"kind": kind, **asdict(line)}) + "\n")
            self._file.flush()
            if is_safe:
                os.fsync(self._file.fileno())

    def close(self) -> None:
        """Write no more."""
        self._file.close()

    def read(self) -> dict[str, list[Line]]:
        """Return what was sent and what was acknowledged, each in its order."""
        found: dict[str, list[Line]] = {"sent": [], "acknowledged": []}
        for text in self.path.read_text(encoding="utf-8").splitlines():
            values = json.loads(text)
            found[values.pop("kind")].append(Line(**values))
        return found


def reconcile(ledger: Ledger) -> list[str]:
    """Return in words what was acknowledged and is not stored, and what is stored that nobody has sent, or twice."""
    lines = ledger.read()
    stored, orders = {}, {}
    for code, item, response in session.execute(
        select(Attempt.code, Item, Response)
        .join(Item, Item.attempt_id == Attempt.id)
        .outerjoin(Response, Response.item_id == Item.id)
    ):
        orders[code, item.position] = item
        if response is not None:
            stored[code, item.position] = (response.seq, response.hash)
    history = session.execute(
        select(Attempt.code, AttemptEvent.position, AttemptEvent.seq, AttemptEvent.hash, AttemptEvent.idem_key)
        .join(Attempt, Attempt.id == AttemptEvent.attempt_id)
        .where(AttemptEvent.kind == EventKind.SAVED)
    ).all()

    def hashed(line: Line) -> str:
        item = orders[line.attempt, line.position]
        content = read(item.question_version.content)
        return hash_of(type_of(content.type).normalise(content, item.choice_order, line.answer))

    wrong = []
    in_history = Counter((code, key) for code, _position, _seq, _hash, key in history)
    for line in lines["acknowledged"]:
        name = f"{line.attempt}, question {line.position}, save {line.seq}"
        seq, digest = stored.get((line.attempt, line.position), (0, ""))
        if seq < line.seq:
            wrong.append(f"{name} was acknowledged, but {seq or 'nothing'} is stored")
        elif seq == line.seq and digest != hashed(line):
            wrong.append(f"{name}: another answer is stored than was acknowledged")
        if in_history[line.attempt, line.key] != 1:
            wrong.append(f"{name} stands {in_history[line.attempt, line.key]} times in the history")
    sent = {(line.attempt, line.position, line.seq, line.key, hashed(line)) for line in lines["sent"]}
    wrong += [
        f"{code}, question {position}, save {seq} is in the history, but nobody has sent it"
        for code, position, seq, digest, key in history
        if (code, position, seq, key, digest) not in sent
    ]
    known = {(code, position, seq, digest) for code, position, seq, digest, _key in history}
    wrong += [
        f"{code}, question {position}: what is stored is in no history"
        for (code, position), (seq, digest) in stored.items()
        if (code, position, seq, digest) not in known
    ]
    return wrong

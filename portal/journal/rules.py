"""How an entry of the journal is read: what changed between before and after."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final


class Absent:
    """The value of a fact that was or is not there."""


ABSENT: Final = Absent()


@dataclass(frozen=True, slots=True)
class Change:
    """One fact of an entry; `ABSENT` where it was or is not there."""

    name: str
    before: Any
    after: Any


def changes_between(before: dict[str, Any] | None, after: dict[str, Any] | None) -> list[Change]:
    """Return the facts of an entry in the order of their names, without those that stayed what they were."""
    old, new = before or {}, after or {}
    return [
        Change(name, old.get(name, ABSENT), new.get(name, ABSENT))
        for name in sorted({*old, *new})
        if name not in old or name not in new or old[name] != new[name]
    ]


def as_text(value: Any) -> str:
    """Write a value that nobody has described: texts as they are, nothing as a dash, everything else as JSON."""
    if value is None or value == "":
        return "–"
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ", ".join(value) or "–"
    if isinstance(value, dict):
        return "; ".join(f"{key}: {as_text(each)}" for key, each in sorted(value.items())) or "–"
    return json.dumps(value, ensure_ascii=False)

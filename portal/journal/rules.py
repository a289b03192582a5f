"""How an entry of the journal is read: what changed between before and after."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Change:
    """One fact of an entry; None where it was or is not there."""

    name: str
    before: str | None
    after: str | None


def changes_between(before: dict[str, Any] | None, after: dict[str, Any] | None) -> list[Change]:
    """Return the facts of an entry as texts, in the order of their names."""
    old, new = before or {}, after or {}
    return [
        Change(
            name,
            as_text(old[name]) if name in old else None,
            as_text(new[name]) if name in new else None,
        )
        for name in sorted({*old, *new})
    ]


def as_text(value: Any) -> str:
    """Write a plain value: texts as they are, nothing as a dash, pairs one by one, everything else as JSON."""
    if value is None or value == "":
        return "–"
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ", ".join(value) or "–"
    if isinstance(value, dict):
        return "; ".join(f"{key}: {as_text(each)}" for key, each in sorted(value.items())) or "–"
    return json.dumps(value, ensure_ascii=False)

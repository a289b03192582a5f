"""The demo organisation."""

from __future__ import annotations

from datetime import date


def is_wanted() -> bool:
    return False


def load(on: date | None) -> bool:
    return False


def accounts() -> list[dict[str, str]]:
    return []

"""Forms that show first what they would move: what they say when that is confirmed."""

from __future__ import annotations

from typing import Any


def as_shown(client: Any, endpoint: str, data: dict[str, str], **where: str) -> dict[str, str]:
    """Look at what a form would move, and return what it says when that is confirmed."""
    page = client.post(endpoint, {**data, "act": "preview"}, **where, expect=200)
    return {**data, "act": "confirm", "seen": page.one("input", name="seen").get("value") or ""}

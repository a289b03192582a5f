"""Real material of others that lies beside the checkout; tests that need it say so when it is absent."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def material(path: str) -> Path:
    """Return a file or folder of the material, or skip the test with the way to get it.

    It is looked for in `SHIRUBE_MATERIAL`, else in `shared/material` beside a folder above.
    """
    found = find_material(path)
    if found is None:
        pytest.skip(f"the material {path} is not there; set SHIRUBE_MATERIAL to its folder")
    return found


def find_material(path: str) -> Path | None:
    """Return a file or folder of the material, or None where it is not there."""
    given = os.environ.get("SHIRUBE_MATERIAL")
    places = [Path(given)] if given else [above / "shared" / "material" for above in Path(__file__).resolve().parents]
    return next((place / path for place in places if (place / path).exists()), None)

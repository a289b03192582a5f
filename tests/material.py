"""Real material of others that lies beside the checkout; tests that need it say so when it is absent."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def material(path: str) -> Path:
    """Return a file or folder of the material, or skip the test with the way to get it.

    It is looked for in `SHIRUBE_MATERIAL`, else in `shared/material` beside a folder above.
    """
    given = os.environ.get("SHIRUBE_MATERIAL")
    places = [Path(given)] if given else [above / "shared" / "material" for above in Path(__file__).resolve().parents]
    for place in places:
        if (place / path).exists():
            return place / path
    pytest.skip(f"the material {path} is not there; set SHIRUBE_MATERIAL to its folder")

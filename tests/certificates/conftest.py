"""Look-ups begin with full buckets in every test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from portal.certificates import limits


@pytest.fixture(autouse=True)
def _fresh_limits() -> Iterator[None]:
    limits.lookups.clear()
    yield
    limits.lookups.clear()

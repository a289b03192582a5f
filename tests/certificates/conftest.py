"""Look-ups begin with full buckets in every test, and no list of an earlier one is kept."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from portal.certificates import limits
from portal.certificates.service import badges


@pytest.fixture(autouse=True)
def _fresh_limits() -> Iterator[None]:
    limits.lookups.clear()
    badges.forget_lists()
    yield
    limits.lookups.clear()

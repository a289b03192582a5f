"""How much the tests try: a little at each run, much more in `make nightly`."""

from __future__ import annotations

import os

NIGHTLY = os.environ.get("SHIRUBE_TEST_VOLUME") == "nightly"


def examples(usual: int) -> int:
    """Return how many examples to try where `usual` is enough for each run."""
    return usual * 20 if NIGHTLY else usual


def volume(usual: int, nightly: int) -> int:
    """Return how often something is done: as often as each run can afford, or as a night can."""
    return nightly if NIGHTLY else usual

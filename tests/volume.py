"""How much the tests try: a little at each run, much more in `make nightly`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

NIGHTLY = os.environ.get("SHIRUBE_TEST_VOLUME") == "nightly"


def examples(usual: int) -> int:
    """Return how many examples to try where `usual` is enough for each run."""
    return usual * 20 if NIGHTLY else usual


def volume(usual: int, nightly: int) -> int:
    """Return how often something is done: as often as each run can afford, or as a night can."""
    return nightly if NIGHTLY else usual


def at_night(usual: Sequence[T], more: Sequence[T]) -> list[T]:
    """Return what every run tries, and at night what says the same of other examples."""
    return [*usual, *more] if NIGHTLY else list(usual)

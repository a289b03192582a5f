"""What tests of handovers stand on: a kind of thing that can be withdrawn, holidays, and a day."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from portal.accounts.service import ownership
from portal.core import clock
from tests.handover.builders import TODAY, Things, at
from tests.training.builders import load_holidays


@pytest.fixture
def things(app: Flask) -> Iterator[Things]:
    """A kind of thing of these tests' own."""
    found = Things()
    ownership.register_kind(found)
    yield found
    ownership._kinds.pop(found.kind, None)


@pytest.fixture
def today(request: pytest.FixtureRequest, app: Any) -> Iterator[None]:
    """The Monday on which the notices of these tests begin, with the holidays of its years known."""
    with clock.frozen(at(TODAY)):
        load_holidays()
        yield

"""A running server for tests that look at pages in a real browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser

from tests.serving import served


@pytest.fixture(scope="session")
def address(application: Flask) -> Iterator[str]:
    """The address of the application under test on this machine."""
    with served(application) as found:
        yield found


@pytest.fixture(scope="session")
def browser(chromium: Browser) -> Browser:
    """Debian's Chromium."""
    return chromium

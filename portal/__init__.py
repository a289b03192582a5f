"""Shirube: onboarding and policy training in which every rule has an address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Flask


def create_app(settings: Mapping[str, Any] | None = None) -> Flask:
    """Return the application for the environment's settings, with `settings` on top.

    Names that are no `SHIRUBE_` setting go to Flask's configuration as they are.
    """
    import config
    from portal import wiring

    app = Flask("portal", static_folder=None, template_folder=None)
    given = dict(settings or {})
    app.config.update(config.load(given).flask())
    app.config.update({name: value for name, value in given.items() if not name.startswith("SHIRUBE_")})
    app.config["DATA_DIR"].mkdir(parents=True, exist_ok=True)
    wiring.wire(app)
    return app

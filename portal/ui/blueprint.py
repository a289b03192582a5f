"""The blueprint of the look: templates, static files, and what every template can call."""

from __future__ import annotations

from flask import Blueprint, Flask, url_for
from jinja2 import StrictUndefined

from portal.ui import assets, filters

blueprint = Blueprint("ui", __name__, template_folder="templates")


def static_url(path: str) -> str:
    """Return the address of a static file, with the hash of its content, so that it may be kept for ever.

    Raises FileNotFoundError when there is no such file.
    """
    return url_for("ui.static", path=path, v=assets.load(path).version)


def init_app(app: Flask) -> None:
    """Attach the look to the application: blueprint, filters, `static_url`, and strictness about unknown names."""
    from portal.ui import views  # noqa: F401

    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals["static_url"] = static_url
    app.jinja_env.filters.update(filters.FILTERS)
    app.register_blueprint(blueprint)

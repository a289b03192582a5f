"""The blueprint of the look: templates, static files, and what every template can call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Flask, current_app, g, has_request_context, request, url_for
from jinja2 import StrictUndefined, Template

from portal.core import i18n
from portal.core.access import is_own_path
from portal.ui import assets, filters, states

blueprint = Blueprint("ui", __name__, template_folder="templates")


@dataclass(frozen=True, slots=True)
class NoOrganisation:
    """What stands in the frame where nobody says whose pages these are, such as on an early error page."""

    name: str = "Shirube"
    wellbeing_contact: str | None = None
    wellbeing_href: str | None = None


class _Component(Template):
    """A template that others import from.

    All of them have the same globals, so it is evaluated once; Jinja would compare the globals at every import.
    """

    def _get_default_module(self, ctx: Any = None) -> Any:
        return super()._get_default_module(None)


def static_url(path: str) -> str:
    """Return the address of a static file, with the hash of its content, so that it may be kept for ever.

    Raises FileNotFoundError when there is no such file.
    """
    # A large table asks for the same picture thousands of times.
    known: dict[str, str] | None = g.get("static_urls")
    if known is None:
        known = g.static_urls = _static_urls_here()
    if path not in known:
        fetch = assets.load_once if current_app.config["ENV"] == "production" else assets.load
        known[path] = url_for("ui.static", path=path, v=fetch(path).version)
    return known[path]


def _static_urls_here() -> dict[str, str]:
    """Return the addresses found before: in production by the place under which the site stands, else none."""
    if current_app.config["ENV"] != "production" or not has_request_context():
        return {}
    kept: dict[str, dict[str, str]] = current_app.extensions["static_urls"]
    return kept.setdefault(request.script_root, {})


def other_language_href() -> str:
    """Return the address of this page in the other language; nothing where there is no page (mails)."""
    if not has_request_context():
        return ""
    path = request.path
    if request.method == "POST" and not _can_be_read(path):
        # The page of a refused form stands under an address that only takes forms; it came from one that can be read.
        came_from = urlsplit(request.referrer or "").path
        path = came_from if is_own_path(came_from) and _can_be_read(came_from) else "/"
    asked = [(name, value) for name, value in request.args.items(multi=True) if name not in ("lang", i18n.SWITCH)]
    return f"{path}?{urlencode([*asked, (i18n.SWITCH, i18n.other(i18n.language()))])}"


def _can_be_read(path: str) -> bool:
    adapter = current_app.create_url_adapter(request)
    return adapter is not None and adapter.test(path, "GET")


def frame() -> dict[str, Any]:
    """Return what the frame of a page reads; the domains that know better are asked after this."""
    return {
        "language": i18n.language(),
        # Mails and PDFs are rendered by the worker, which answers no request.
        "other_language_href": other_language_href() if has_request_context() else "",
        "navigation": [],
        "viewer": None,
        "emergencies": [],
        "organisation": NoOrganisation(),
    }


def in_language(tag: str, macro: Callable[..., str], *values: Any, **named: Any) -> str:
    """Return what a macro writes, with its own words in a language, whatever the page's; what holds it says which."""
    with i18n.force_locale(tag):
        return macro(*values, **named)


def init_app(app: Flask) -> None:
    """Attach the look to the application: blueprint, filters, `static_url`, and strictness about unknown names."""
    from portal.ui import views  # noqa: F401

    app.extensions["static_urls"] = {}
    app.jinja_env.template_class = _Component
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals["static_url"] = static_url
    app.jinja_env.globals["in_language"] = in_language
    app.jinja_env.globals["look_of"] = states.look_of
    app.jinja_env.filters.update(filters.FILTERS)
    app.context_processor(frame)
    app.register_blueprint(blueprint)

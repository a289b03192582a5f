"""The static files, and (in development) the pages that show every component in every state."""

from __future__ import annotations

from flask import Response, current_app, make_response, render_template, request, url_for

from portal.core.access import public
from portal.core.errors import NotFound
from portal.core.i18n import language, other
from portal.ui import assets, samples
from portal.ui.blueprint import blueprint

YEAR_SECONDS = 365 * 86400
SHEETS = ("components", "document", "plain", "error", "print")


@blueprint.get("/static/<path:path>")
@public
def static(path: str) -> Response:
    """Send a static file; one that is asked for by its hash may be kept for ever."""
    fetch = assets.load_once if current_app.config["ENV"] == "production" else assets.load
    try:
        asset = fetch(path)
    except FileNotFoundError:
        raise NotFound() from None
    squeezed = asset.compressed if request.accept_encodings.quality("gzip") > 0 else None
    response = make_response(squeezed or asset.body)
    response.mimetype = asset.mimetype
    if squeezed:
        response.headers["Content-Encoding"] = "gzip"
    response.vary.add("Accept-Encoding")
    response.set_etag(f"{asset.version}{'-gz' if squeezed else ''}")
    if request.args.get("v") == asset.version:
        response.cache_control.public = True
        response.cache_control.max_age = YEAR_SECONDS
        response.cache_control.immutable = True
    else:
        response.cache_control.no_cache = True
    response.make_conditional(request)
    return response


@blueprint.get("/_ui")
@blueprint.get("/_ui/<sheet>")
@public
def components(sheet: str = "components") -> str:
    """Show the components, or one of the base pages, with sample content. `?lang=ja&theme=dark`."""
    if current_app.config["ENV"] != "development" or sheet not in SHEETS:
        raise NotFound()
    here = language()
    theme = request.args.get("theme", "")
    theme = theme if theme in ("light", "dark") else ""
    return render_template(
        f"ui/sheets/{sheet}.html",
        language=here,
        other_language_href=url_for("ui.components", sheet=sheet, lang=other(here), theme=theme or None),
        theme=theme,
        say=samples.say,
        navigation=samples.navigation(sheet),
        viewer=samples.viewer(),
        organisation=samples.organisation(),
        prose=samples.prose(),
        redline=samples.redline(),
        form=samples.form(),
        form_with_errors=samples.form_with_errors(),
    )

"""Pictures of documents: uploaded by those who write, shown to those who read."""

from __future__ import annotations

from flask import current_app, flash, make_response, redirect, request, url_for
from werkzeug.wrappers import Response

from portal.core.access import actor, allows, requires, wants_json
from portal.core.i18n import gettext as _
from portal.core.pictures import MAX_BYTES
from portal.core.transaction import transaction
from portal.library import errors, limits, queries
from portal.library.models import Document, Draft
from portal.library.permissions import READ_DOCUMENT, SEE_DRAFT, WRITE_DRAFT
from portal.library.queries.drafts import get_draft
from portal.library.service import images as service
from portal.library.views import blueprint


@blueprint.post("/drafts/<code>/images")
@requires(WRITE_DRAFT, on=get_draft, see=SEE_DRAFT)
def add_image(draft: Draft) -> Response:
    """Take a picture in, and say how a text names it."""
    limits.images.take(actor().code)
    sent = request.files.get("image")
    if sent is None or not sent.filename:
        raise errors.ImageRefused()
    # Before the draft is held: unpacking takes time.
    picture = service.remake(sent.stream.read(MAX_BYTES + 1))
    with transaction():
        image = service.add_image(draft=draft, file_name=sent.filename, picture=picture, by=actor())
        name = image.name
    if wants_json():
        return make_response({"name": name, "markdown": f"![{{}}](images/{name})"}, 201)
    flash(_("The picture is kept. Write it into the text as %(markdown)s.", markdown=f"![…](images/{name})"), "success")
    return redirect(url_for("library.edit_draft", code=draft.code, text=request.form.get("text", "")), 303)


@blueprint.get("/library/<slug>/images/<name>")
@requires(READ_DOCUMENT, on=queries.get_document)
def image(document: Document, name: str) -> Response:
    """Send a picture; to readers only what a published text shows, to those who see drafts any."""
    found = queries.find_image(document, name)
    if found is None or not (allows(actor(), SEE_DRAFT, document) or queries.is_published_image(document, name)):
        raise errors.ImageNotFound()
    answer = current_app.response_class(found.data, mimetype=service.MEDIA_TYPE)
    answer.set_etag(found.sha256)
    # Its name holds its hash: what stands there never changes. Only the reader's own browser may keep it.
    answer.headers["Cache-Control"] = "private, max-age=31536000, immutable"
    return answer.make_conditional(request)

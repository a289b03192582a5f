"""Pictures of documents: made anew from what is uploaded, so that nothing but the picture is kept."""

from __future__ import annotations

from io import BytesIO

from PIL import Image

from portal.accounts.models import Person
from portal.core import clock
from portal.core.db import session
from portal.core.i18n import gettext as _
from portal.core.markdown import propose_anchor
from portal.core.pictures import LIMITS, MadePicture, cleaned, unpacked
from portal.journal.service import record
from portal.library import queries
from portal.library.errors import ImageRefused
from portal.library.models import DocumentImage, Draft
from portal.library.service.documents import OWNED_KIND
from portal.library.service.drafts import hold, note_author

FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
# Twice the width of the widest column, for screens with fine pixels.
LONGEST_SIDE = 2_400
MEDIA_TYPE = "image/webp"


def remake(data: bytes) -> MadePicture:
    """Return an uploaded picture made anew: upright, no larger than a page needs, without what the camera wrote.

    Of moving pictures the first is taken. Raises `ImageRefused` and `PictureTooLarge`.
    """
    with unpacked(data, formats=FORMATS, refusal=ImageRefused) as (upright, format_name):
        is_photograph = format_name == "JPEG"
        has_alpha = "A" in upright.getbands() or "transparency" in upright.info
        plain = upright.convert("RGBA" if has_alpha else "RGB")
        plain.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
        clean = cleaned(plain)
        target = BytesIO()
        # Drawings and screenshots stay exact, photographs need not.
        clean.save(target, "WEBP", lossless=not is_photograph, quality=85 if is_photograph else 60, method=3)
    return MadePicture(target.getvalue(), clean.width, clean.height)


def of_file(data: bytes) -> MadePicture:
    """Return a picture of a folder: as it is where it has the form in which we keep pictures, else made anew.

    So a folder that was written out here says the same when it is read again, here or elsewhere. Raises as `remake`.
    """
    made = remake(data)
    # What is exact comes out the same by itself; a photograph would lose a little each time.
    return _as_it_is(data) or made


def _as_it_is(data: bytes) -> MadePicture | None:
    """Return a photograph that holds nothing beside its pixels and is no larger than those that we make, or None."""
    # RIFF, its length, WEBP, and one chunk that fills the file.
    if data[:4] != b"RIFF" or data[8:16] != b"WEBPVP8 ":
        return None
    length = int.from_bytes(data[16:20], "little")
    if int.from_bytes(data[4:8], "little") != len(data) - 8 or 20 + length + length % 2 != len(data):
        return None
    with Image.open(BytesIO(data), formats=("WEBP",)) as found:
        if max(found.size) > LONGEST_SIDE:
            return None
        return MadePicture(data, found.width, found.height)


def limit_words() -> str:
    """Say which pictures are taken."""
    return str(_("PNG, JPEG, WebP or GIF; at most %(megabytes)s MB and %(megapixels)s megapixels.", **LIMITS))


def add_image(*, draft: Draft, file_name: str, picture: MadePicture, by: Person) -> DocumentImage:
    """Keep a picture for a draft's document under a name of ours; the same picture is kept once.

    Raises `DraftNotWritable`.
    """
    held = hold(draft)
    document = held.document
    stem = propose_anchor(file_name.rsplit(".", 1)[0])
    name = f"{(stem if stem != 'clause' else 'picture')[:50].strip('-')}-{picture.sha256[:10]}.webp"
    known = next((each for each in queries.list_images(document) if each.sha256 == picture.sha256), None)
    if known is not None:
        return known
    image = DocumentImage(
        document_id=document.id,
        name=name,
        sha256=picture.sha256,
        width=picture.width,
        height=picture.height,
        size=len(picture.data),
        uploaded_at=clock.now(),
        uploaded_by=by.code,
        data=picture.data,
    )
    session.add(image)
    session.flush()
    note_author(held, by)
    record(
        "library.image_added",
        by=by,
        subject=(OWNED_KIND, document.slug),
        after={"name": name, "sha256": picture.sha256},
    )
    return image

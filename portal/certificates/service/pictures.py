"""Pictures on certificates: logos, signatures and seals, made anew from what is uploaded."""

from __future__ import annotations

import struct
from io import BytesIO

from PIL import Image, ImageChops

from portal.accounts.models import Person
from portal.certificates.errors import PictureRefused
from portal.certificates.models import CertificateImage
from portal.certificates.queries import templates as queries
from portal.certificates.rules.templates import ImageKind
from portal.core import clock
from portal.core.db import session
from portal.core.i18n import gettext as _
from portal.core.pictures import LIMITS, MadePicture, cleaned, unpacked
from portal.journal.service import record

FORMATS = ("PNG", "JPEG")
# The largest place on a sheet is 90 mm wide: 280 dots an inch. Three of them go to the printing process together.
LONGEST_SIDES = (1000, 700, 480, 320)
MAX_KEPT_BYTES = 700_000
MEDIA_TYPE = "image/png"
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PLAIN_CHUNKS = {b"IHDR", b"IDAT", b"IEND"}


def remake(data: bytes, kind: ImageKind) -> MadePicture:
    """Return an uploaded picture made anew as a PNG: upright, no larger than a sheet needs, without what was with it.

    The paper of a scanned signature or seal becomes transparent, so that nothing is covered but by its
    ink. Raises `PictureRefused` and `PictureTooLarge`.
    """
    with unpacked(data, formats=FORMATS, refusal=PictureRefused) as (upright, _format):
        plain = upright.convert("RGBA")
        if kind is not ImageKind.LOGO and plain.getchannel("A").getextrema() == (255, 255):
            plain = _without_paper(plain)
        return _kept(plain)


def _without_paper(opaque: Image.Image) -> Image.Image:
    """Return a picture on white paper as its ink alone; on white it looks as before."""
    red, green, blue, _alpha = opaque.split()
    # As opaque as the darkest of the three colours makes it; then the ink is what gives the same mix with white.
    alpha = ImageChops.invert(ImageChops.darker(ImageChops.darker(red, green), blue))
    # The grain of scanned paper.
    alpha = alpha.point(lambda level: 0 if level < 24 else level)
    ink = [
        Image.composite(_unmixed(band, alpha), Image.new("L", opaque.size, 0), alpha.point(lambda a: 255 if a else 0))
        for band in (red, green, blue)
    ]
    return Image.merge("RGBA", [*ink, alpha])


def _unmixed(band: Image.Image, alpha: Image.Image) -> Image.Image:
    """Return the colour of the ink: 255 - (255 - seen) * 255 / alpha."""
    seen, opacity = band.tobytes(), alpha.tobytes()
    return Image.frombytes(
        "L",
        band.size,
        bytes(max(0, 255 - (255 - s) * 255 // a) if a else 0 for s, a in zip(seen, opacity, strict=True)),
    )


def _kept(plain: Image.Image) -> MadePicture:
    for longest in LONGEST_SIDES:
        plain.thumbnail((longest, longest))
        clean = cleaned(plain)
        target = BytesIO()
        clean.save(target, "PNG", compress_level=9)
        if target.tell() <= MAX_KEPT_BYTES:
            break
    return MadePicture(target.getvalue(), clean.width, clean.height)


def of_file(data: bytes, kind: ImageKind) -> MadePicture:
    """Return a picture of a folder: as it is where it has the form in which we keep pictures, else made anew.

    So a folder that was written out here says the same when it is read again. Raises as `remake`.
    """
    made = remake(data, kind)
    if len(data) <= MAX_KEPT_BYTES and _chunks(data) == _PLAIN_CHUNKS:
        with Image.open(BytesIO(data), formats=("PNG",)) as found:
            if found.mode == "RGBA" and max(found.size) <= LONGEST_SIDES[0]:
                return MadePicture(data, found.width, found.height)
    return made


def _chunks(data: bytes) -> set[bytes]:
    """Return the names of the chunks that a PNG consists of; nothing where it is not made of chunks to its end."""
    names, at = set(), len(_SIGNATURE)
    if not data.startswith(_SIGNATURE):
        return set()
    while at + 12 <= len(data):
        length, name = struct.unpack(">I4s", data[at : at + 8])
        names.add(name)
        at += 12 + length
    return names if at == len(data) else set()


def limit_words() -> str:
    """Say which pictures are taken."""
    return str(_("PNG or JPEG; at most %(megabytes)s MB and %(megapixels)s megapixels.", **LIMITS))


def add_image(*, kind: ImageKind, name: str, picture: MadePicture, by: Person) -> CertificateImage:
    """Keep a picture; the same one of a kind is kept once."""
    known = queries.find_image(picture.sha256, kind)
    if known is not None:
        return known
    image = CertificateImage(
        kind=kind,
        sha256=picture.sha256,
        name=" ".join(name.split())[:80] or kind.value,
        width=picture.width,
        height=picture.height,
        size=len(picture.data),
        uploaded_at=clock.now(),
        uploaded_by=by.code,
        data=picture.data,
    )
    session.add(image)
    session.flush()
    record(
        "certificates.image_added",
        by=by,
        subject=("certificate_image", picture.sha256),
        after={"kind": kind.value, "name": image.name},
    )
    return image

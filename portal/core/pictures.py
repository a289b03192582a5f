"""The one door to what people upload as a picture: opened within limits, upright, and nothing of it but its pixels.

What a picture is follows from its bytes, not from its name; a drawing in SVG is none, since it can hold programs and
addresses.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from typing import ClassVar

from PIL import Image, ImageOps, UnidentifiedImageError

from portal.core.errors import Invalid
from portal.core.i18n import LazyText
from portal.core.i18n import lazy_gettext as _l

__all__ = ["LIMITS", "MAX_BYTES", "MAX_PIXELS", "MadePicture", "PictureTooLarge", "cleaned", "unpacked"]

MAX_BYTES = 5 * 1024 * 1024
MAX_PIXELS = 25_000_000
# In the units in which people are told of them.
LIMITS = {"megabytes": MAX_BYTES // 1024 // 1024, "megapixels": MAX_PIXELS // 1_000_000}


class PictureTooLarge(Invalid):
    """A picture has more bytes or pixels than are taken."""

    message: ClassVar[LazyText] = _l(
        "The picture is too large. At most %(megabytes)s MB and %(megapixels)s megapixels are taken."
    )

    def __init__(self) -> None:
        super().__init__(**LIMITS)


@dataclass(frozen=True, slots=True)
class MadePicture:
    """A picture as it is kept: the bytes of a file that we made, its width and height in pixels."""

    data: bytes
    width: int
    height: int

    @property
    def sha256(self) -> str:
        """The hash of its bytes, in hexadecimal."""
        return sha256(self.data).hexdigest()


@contextmanager
def unpacked(data: bytes, *, formats: tuple[str, ...], refusal: type[Invalid]) -> Iterator[tuple[Image.Image, str]]:
    """Give an uploaded picture upright, of a moving one the first, and the name of its format.

    `formats` are Pillow's names of those that are taken. What fails for the picture's sake within the block is refused
    as well: Pillow finds some damage only when pixels are asked for. Raises `refusal` for what is no such picture, and
    `PictureTooLarge`; the number of pixels is known before they are unpacked.
    """
    if len(data) > MAX_BYTES:
        raise PictureTooLarge()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(BytesIO(data), formats=formats) as found:
                if found.width * found.height > MAX_PIXELS:
                    raise PictureTooLarge()
                name = str(found.format)
                found.seek(0)
                yield ImageOps.exif_transpose(found), name
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as bomb:
        raise PictureTooLarge() from bomb
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError, MemoryError, IndexError) as broken:
        raise refusal() from broken


def cleaned(picture: Image.Image) -> Image.Image:
    """Return the pixels in a picture of their own, so that nothing comes along that lay beside them."""
    clean = Image.new(picture.mode, picture.size)
    clean.paste(picture)
    return clean

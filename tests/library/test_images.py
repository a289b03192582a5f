"""Pictures: made anew from what is uploaded, named in texts by us, shown to those who read."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import select

from portal.core.db import session
from portal.core.markdown import Picture, render_clauses, scan
from portal.core.pictures import PictureTooLarge
from portal.core.transaction import own_transaction
from portal.library import limits, queries
from portal.library.errors import ImageRefused
from portal.library.models import ChangeClass, DocumentImage, Draft
from portal.library.service import drafts, images, versions
from portal.library.service.drafts import TextValues
from tests.builders import Cast
from tests.library.builders import APRIL, english, japanese, make_published


@pytest.fixture(autouse=True)
def _fresh_limits() -> None:
    limits.images.clear()


def drawn(kind: str = "PNG", size: tuple[int, int] = (40, 20), **options: Any) -> bytes:
    target = BytesIO()
    Image.new("RGB", size, (20, 60, 120)).save(target, kind, **options)
    return target.getvalue()


def begin(cast: Cast) -> Draft:
    version = make_published(cast.author)
    with own_transaction():
        return drafts.begin_draft(document=version.document, by=cast.author)


def keep(draft: Draft, cast: Cast, name: str = "Map of steps.PNG") -> str:
    with own_transaction():
        return images.add_image(draft=draft, file_name=name, picture=images.remake(drawn()), by=cast.author).name


@pytest.mark.any_database
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_four_kinds_are_taken_and_become_one(kind: str) -> None:
    made = images.remake(drawn(kind))
    with Image.open(BytesIO(made.data)) as found:
        assert (found.format, found.size) == ("WEBP", (40, 20))


@pytest.mark.any_database
def test_what_the_camera_wrote_is_gone_and_the_picture_stands_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "SecretCamera"
    made = images.remake(drawn("JPEG", exif=exif))
    assert (made.width, made.height) == (20, 40)
    assert b"SecretCamera" not in made.data
    assert b"EXIF" not in made.data


@pytest.mark.any_database
def test_large_pictures_are_made_as_large_as_a_page_needs() -> None:
    made = images.remake(drawn("PNG", (4000, 1000)))
    assert (made.width, made.height) == (2400, 600)


def bomb(width: int, height: int) -> bytes:
    """Return the head of a PNG that says to be so large."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")


@pytest.mark.any_database
@pytest.mark.parametrize("data", [bomb(6000, 5000), bomb(60_000, 60_000), b"\x89PNG" + b"0" * (5 * 1024 * 1024)])
def test_what_would_take_too_much_is_refused_before_it_is_unpacked(data: bytes) -> None:
    with pytest.raises(PictureTooLarge):
        images.remake(data)


@pytest.mark.any_database
@pytest.mark.parametrize(
    "data",
    [b"", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%PDF-1.7", b"<!doctype html>", drawn()[:60],
     drawn("BMP"), drawn("TIFF")],
    ids=["empty", "svg", "pdf", "html", "cut", "bmp", "tiff"],
)  # fmt: skip
def test_what_is_no_picture_of_the_four_kinds_is_refused(data: bytes) -> None:
    with pytest.raises(ImageRefused):
        images.remake(data)


def test_a_picture_gets_a_name_of_ours_and_is_kept_once(cast: Cast) -> None:
    draft = begin(cast)
    name = keep(draft, cast)
    assert name.startswith("map-of-steps-")
    assert keep(draft, cast, "../../other.png") == name
    assert len(session.scalars(select(DocumentImage)).all()) == 1
    assert list(queries.pictures_of("impersonation")) == [name]


@pytest.mark.any_database
def test_a_text_names_only_pictures_that_its_document_has() -> None:
    names = frozenset({"a-1.webp"})
    assert scan("![A map](images/a-1.webp)\n", pictures=names) == []
    for text in ("![x](images/b.webp)", "![x](a-1.webp)", "![x](/images/a-1.webp)", "![x](images/../a-1.webp)"):
        assert "has no picture" in scan(text, pictures=names)[0].reason
    assert "another server" in scan("![x](https://x.example/images/a-1.webp)", pictures=names)[0].reason
    assert "without pictures" in scan("![A map](images/a-1.webp)")[0].reason, "files carry no pictures"


@pytest.mark.any_database
def test_a_picture_is_shown_with_its_size_and_words_and_only_where_it_is_known() -> None:
    known = {"a-1.webp": Picture("/library/x/images/a-1.webp", 40, 20)}
    shown = render_clauses('![A "map"](images/a-1.webp)', pictures=known).clauses[0].body
    assert '<img src="/library/x/images/a-1.webp" width="40" height="20" alt="A &quot;map&quot;">' in shown or (
        'src="/library/x/images/a-1.webp"' in shown and 'height="20"' in shown
    )
    assert "<img" not in render_clauses("![A map](images/a-1.webp)").clauses[0].body
    assert "A map" in render_clauses("![A map](images/a-1.webp)").clauses[0].body


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_picture_is_uploaded_by_a_form_shown_in_the_editor_and_sent(cast: Cast, as_: Any, language: str) -> None:
    draft = begin(cast)
    author = as_(cast.author, language=language)
    form = {"image": (BytesIO(drawn()), "地図.png"), "text": "en"}
    author.follow(author.post("library.add_image", form, code=draft.code))
    (name,) = queries.pictures_of("impersonation")
    assert name.startswith("picture-")
    page = author.get("library.edit_draft", code=draft.code)
    assert f"![](images/{name})" in page.text
    answer = author.fetch("library.image", slug="impersonation", name=name)
    assert answer.mimetype == "image/webp"
    assert answer.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    again = author.send(
        "GET", f"/library/impersonation/images/{name}", headers={"If-None-Match": answer.headers["ETag"]}
    )
    assert again.status_code == 304
    wrong = author.post("library.add_image", {"image": (BytesIO(b"<svg/>"), "x.png")}, expect=400, code=draft.code)
    assert ("PNG, JPEG, WebP or GIF" if language == "en" else "PNG、JPEG、WebP、GIF") in wrong.text
    author.post("library.add_image", {}, expect=400, code=draft.code)


def test_readers_are_sent_a_picture_when_a_published_text_shows_it(cast: Cast, as_: Any) -> None:
    draft = begin(cast)
    name = keep(draft, cast)
    reader = as_(cast.learner)
    assert reader.fetch("library.image", slug="impersonation", name=name).status_code == 404
    source = f"## A {{#a}}\n\n![A map](images/{name})\n"
    with own_transaction():
        drafts.save_text(draft=draft, language="en", revision=1, values=TextValues("T", source=source), by=cast.author)
    shown = as_(cast.author).post_json("library.preview_draft", {"language": "en", "source": source}, code=draft.code)
    assert shown.json["problems"] == []
    assert f'src="/library/impersonation/images/{name}"' in shown.json["html"]
    with own_transaction():
        versions.publish_version(
            document=queries.get_document("impersonation"), number="1.1", change_class=ChangeClass.MINOR,
            effective_at=APRIL, zone="Asia/Tokyo", based_on="1.0", author=cast.author, approver=cast.approver,
            texts=[english(source), japanese(source)],
        )  # fmt: skip
    assert reader.fetch("library.image", slug="impersonation", name=name).status_code == 200
    page = reader.get("library.read", slug="impersonation")
    assert page.one("img").get("src") == f"/library/impersonation/images/{name}"
    assert reader.fetch("library.image", slug="impersonation", name="x.webp").status_code == 404

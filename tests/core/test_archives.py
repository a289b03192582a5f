"""Archives that people send: what they say of themselves is held against limits before anything is unpacked."""

from __future__ import annotations

import io
import zipfile

import pytest

from portal.core.archives import ArchiveRefused, Why, open_archive

pytestmark = pytest.mark.any_database


def archive(**files: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in files.items():
            made.writestr(name, data)
    return out.getvalue()


def refused(data: bytes, **limits: int) -> ArchiveRefused:
    with pytest.raises(ArchiveRefused) as caught:
        open_archive(data, **limits)
    return caught.value


def test_the_files_of_an_archive_are_read_by_their_names() -> None:
    made = open_archive(archive(**{"a/b.txt": b"x", "c\\d.txt": b"y", "folder/": b""}))
    assert list(made.entries) == ["a/b.txt", "c/d.txt"]
    assert made.read("c/d.txt", most=1) == b"y"
    assert list(made.chunks("a/b.txt")) == [b"x"]


def test_each_limit_counts_for_what_the_archive_says_of_itself() -> None:
    assert refused(archive(a=b"", b=b""), most_entries=1).why is Why.TOO_MANY
    assert refused(archive(a=b"xx"), most_bytes=1).why is Why.TOO_LARGE
    assert refused(archive(a=b"0" * 500_000)).why is Why.TOO_LARGE
    with pytest.raises(ArchiveRefused) as caught:
        open_archive(archive(a=b"xx")).read("a", most=1)
    assert (caught.value.why, caught.value.entry) == (Why.TOO_LARGE, "a")


def test_a_file_that_is_longer_than_it_says_is_damaged() -> None:
    data = bytearray(archive(a=b"0" * 50_000))
    # Its size, in the list at the end.
    at = data.index(b"PK\x01\x02") + 24
    data[at : at + 4] = (10).to_bytes(4, "little")
    with pytest.raises(ArchiveRefused) as caught:
        open_archive(bytes(data)).read("a", most=100)
    assert caught.value.why is Why.DAMAGED


@pytest.mark.parametrize("name", ["../a", "a/../../b", "/a", "..\\a", "C:\\a"])
def test_no_name_leads_out_of_an_archive(name: str) -> None:
    assert refused(archive(**{name: b"x"})).why is Why.LEADS_OUT

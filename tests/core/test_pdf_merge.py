"""Print files: all pages as they were, one list of titles, nothing of what made each a document, little memory."""

from __future__ import annotations

import io
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pikepdf
import pypdfium2
import pytest

from portal.core import pdf, pdf_signatures, signatures
from portal.core.pdf_merge import Merged, NothingToMerge, Source, Unmergeable, merge

pytestmark = pytest.mark.any_database

MORNING = datetime(2026, 5, 11, 9, tzinfo=UTC)
SHEET = '@page { size: A4 landscape } body { font-family: "Shirube Serif" } h2 { font-family: "Shirube Sans" }'
SEAL = (
    b'<svg xmlns="http://www.w3.org/2000/svg" width="90" height="90"><rect width="90" height="90" fill="#c30"/></svg>'
)
NAMES = ("高橋 結衣", "林 一", "髙橋 𠮷 葛\U000e0100")


def printed(name: str, *, seal: bytes = SEAL, pages: int = 1) -> bytes:
    """A page as certificates are: a link, a drawing, its data attached."""
    body = (
        f'<h1>修了証</h1><h2>{name}</h2><img alt="印" src="asset:seal.svg"><a href="https://portal.example/">verify</a>'
    )
    body += '<p style="break-before: page">次の頁</p>' * (pages - 1)
    return pdf.render(
        f'<!doctype html><html lang="ja"><head><title>t</title></head><body>{body}</body></html>',
        stylesheets=[SHEET],
        assets={"seal.svg": seal},
        identifier=name,
        title=f"修了証 {name}",
        language="ja",
        keywords=["AS-2026-0001"],
        attached=[pdf.Attached("data.json", b'{"signed": true}' * 20, "Data", MORNING)],
    ).content


@pytest.fixture(scope="module")
def certificates() -> list[bytes]:
    pem = signatures.new_document_key(name="Hibiki", now=MORNING)
    key = signatures.read_private(pem)
    return [pdf_signatures.sign(printed(name), key, at=MORNING) for name in NAMES]


def merged(*contents: bytes, titles: tuple[str, ...] = (), **options: str) -> tuple[bytes, Merged]:
    given = {"title": "修了証の印刷", "language": "ja", "identifier": "one"} | options
    named = titles or tuple(f"修了証 {number}" for number in range(len(contents)))
    target = io.BytesIO()
    said = merge(map(Source, named, contents), target, **given)
    return target.getvalue(), said


def words_of(found: Any) -> Iterator[str]:
    """All names and keys that stand anywhere in a document."""
    with pikepdf.open(io.BytesIO(found)) as document:
        for each in document.objects:
            yield from _words(each)


def _words(value: Any) -> Iterator[str]:
    if isinstance(value, pikepdf.Stream | pikepdf.Dictionary):
        for key, within in value.items():
            yield key
            if not getattr(within, "is_indirect", False):
                yield from _words(within)
    elif isinstance(value, pikepdf.Array):
        for within in value:
            if not getattr(within, "is_indirect", False):
                yield from _words(within)
    elif isinstance(value, pikepdf.Name):
        yield str(value)


def test_each_page_looks_and_reads_as_it_did(certificates: list[bytes]) -> None:
    content, said = merged(*certificates)
    whole = pypdfium2.PdfDocument(content)
    assert len(whole) == said.pages == 3
    for page, source in zip(whole, certificates, strict=True):
        before = pypdfium2.PdfDocument(source)[0]
        assert page.render(scale=1).to_pil().tobytes() == before.render(scale=1).to_pil().tobytes()
        assert page.get_textpage().get_text_bounded() == before.get_textpage().get_text_bounded()


def test_the_file_is_without_a_fault_and_its_fonts_lie_in_it(certificates: list[bytes], tmp_path: Path) -> None:
    content, _ = merged(*certificates, printed("二頁", pages=2))
    path = tmp_path / "print.pdf"
    path.write_bytes(content)
    checked = subprocess.run(["qpdf", "--check", str(path)], check=True, capture_output=True, text=True)
    assert "No syntax or stream encoding errors found" in checked.stdout
    assert not checked.stderr
    listed = subprocess.run(["pdffonts", str(path)], check=True, capture_output=True, text=True)
    fonts = [line.split() for line in listed.stdout.splitlines()[2:]]
    assert len(fonts) >= 6
    assert all(row[-5] == "yes" for row in fonts), fonts
    assert not listed.stderr


def test_what_is_said_of_the_file_is_true(certificates: list[bytes]) -> None:
    content, said = merged(*certificates, printed("二頁", pages=2))
    assert said == Merged(pages=5, size=len(content), sha256=sha256(content).hexdigest())


def test_title_language_and_an_entry_for_each_source_are_in_the_file(certificates: list[bytes]) -> None:
    titles = ("高橋 結衣", "Bo Li (EN)", "二頁", "\\ (末")
    content, _ = merged(*certificates[:2], printed("二頁", pages=2), certificates[2], titles=titles)
    with pikepdf.open(io.BytesIO(content)) as document:
        assert document.docinfo["/Title"] == "修了証の印刷"
        assert document.Root.Lang == "ja"
        assert document.Root.ViewerPreferences.DisplayDocTitle
        with document.open_outline() as outline:
            entries = [(each.title, each.destination[0].objgen) for each in outline.root]
        assert entries == [
            (title, document.pages[page].objgen) for title, page in zip(titles, (0, 1, 2, 4), strict=True)
        ]
        entry = document.Root.Outlines.First
        assert "/Prev" not in entry
        assert entry.Next.Prev.objgen == entry.objgen
        assert document.Root.Outlines.Last.Prev.Next.objgen == document.Root.Outlines.Last.objgen
        assert "/Next" not in document.Root.Outlines.Last


def test_nothing_of_what_made_each_a_document_is_left_and_nothing_leads_nowhere(certificates: list[bytes]) -> None:
    behind = {"/AcroForm", "/Sig", "/Widget", "/ByteRange", "/EmbeddedFile", "/Filespec", "/EmbeddedFiles", "/AF"}
    behind |= {"/Metadata", "/StructTreeRoot", "/StructElem", "/StructParent", "/StructParents", "/MarkInfo", "/Tabs"}
    behind |= {"/OutputIntents", "/Keywords"}
    assert behind <= set(words_of(certificates[0]))
    content, _ = merged(*certificates)
    assert not behind & set(words_of(content))
    assert b"pdfaid" not in content
    with pikepdf.open(io.BytesIO(content)) as document:
        # All is reached from the end of the file, and all that is named is there.
        reached = {each.objgen for each in _reached(document)}
        assert all(document.get_object(number).__class__ is not type(None) for number in reached)
        kinds = [each.get("/Type") for each in document.objects if isinstance(each, pikepdf.Dictionary)]
        assert kinds.count("/Catalog") == 1
        assert kinds.count("/Page") == 3
        for page in document.pages:
            assert [each.A.URI for each in page.Annots] == ["https://portal.example/"]
        own = {each.objgen for each in document.objects if not isinstance(each, pikepdf.Stream) or _is_kept(each)}
        assert own == reached


def _is_kept(stream: pikepdf.Stream) -> bool:
    """Say whether it is more than how the file itself is written."""
    return stream.get("/Type") not in ("/ObjStm", "/XRef")


def _reached(document: pikepdf.Pdf) -> list[Any]:
    found: dict[tuple[int, int], Any] = {}
    waiting: list[Any] = [document.Root, document.trailer.Info]
    while waiting:
        value = waiting.pop()
        if getattr(value, "is_indirect", False):
            if value.objgen in found:
                continue
            found[value.objgen] = value
        if isinstance(value, pikepdf.Stream | pikepdf.Dictionary):
            waiting += [each for _, each in value.items()]
        elif isinstance(value, pikepdf.Array):
            waiting += list(value)
        else:
            assert value is not None, "something leads nowhere"
    return list(found.values())


def test_what_sources_have_alike_is_written_once(certificates: list[bytes]) -> None:
    once, _ = merged(certificates[0])
    thrice, _ = merged(*[certificates[0]] * 3)
    # Two more pages and entries, and nothing that is drawn with.
    assert len(thrice) < len(once) + 1_000
    with pikepdf.open(io.BytesIO(thrice)) as document:
        assert len(document.pages) == 3
        streams = [
            sha256(each.read_raw_bytes()).digest() for each in document.objects if isinstance(each, pikepdf.Stream)
        ]
        assert len(streams) == len(set(streams))
        links = [each.objgen for page in document.pages for each in page.Annots if each.is_indirect]
        assert len(links) == len(set(links))


def test_fonts_with_other_characters_have_other_names(certificates: list[bytes]) -> None:
    content, _ = merged(*certificates)
    with pikepdf.open(io.BytesIO(content)) as document:
        programs: dict[str, set[bytes]] = {}
        for each in document.objects:
            if isinstance(each, pikepdf.Dictionary) and each.get("/Type") == "/FontDescriptor":
                programs.setdefault(str(each.FontName), set()).add(each.FontFile3.read_raw_bytes())
        assert len(programs) >= 4
        assert all(len(found) == 1 for found in programs.values())
        for each in document.objects:
            if isinstance(each, pikepdf.Dictionary) and each.get("/Subtype") == "/Type0":
                (within,) = each.DescendantFonts
                assert each.BaseFont == within.BaseFont == within.FontDescriptor.FontName


def test_the_same_sources_give_the_same_bytes(certificates: list[bytes]) -> None:
    first, _ = merged(*certificates)
    again, _ = merged(*certificates)
    assert first == again
    other, _ = merged(*certificates, identifier="two")
    assert other != first


def test_a_damaged_source_is_named_and_not_mended(certificates: list[bytes]) -> None:
    good = certificates[0]
    for damaged in (b"", b"%PDF-1.7\n", good[: len(good) // 4], good[:-40], b"no PDF at all"):
        with pytest.raises(Unmergeable) as refused:
            merged(good, damaged, titles=("高橋 結衣", "林 一"))
        assert "林 一" in str(refused.value)


def test_a_source_without_pages_and_no_source_at_all_are_refused() -> None:
    target = io.BytesIO()
    with pikepdf.new() as empty:
        empty.save(target)
    with pytest.raises(Unmergeable, match="林 一"):
        merged(target.getvalue(), titles=("林 一",))
    with pytest.raises(NothingToMerge):
        merged()


def test_what_stands_above_a_page_holds_for_it_and_what_refers_to_itself_is_written_too() -> None:
    target = io.BytesIO()
    with pikepdf.new() as document:
        drawing = document.make_stream(
            b"0 0 m", Type=pikepdf.Name.XObject, Subtype=pikepdf.Name.Form, BBox=[0, 0, 9, 9]
        )
        drawing.Resources = document.make_indirect(pikepdf.Dictionary(XObject=pikepdf.Dictionary(Own=drawing)))
        drawing.Real, drawing.Text, drawing.Yes = pikepdf.Object.parse(b"-0.00001"), pikepdf.String("（"), True
        page = pikepdf.Dictionary(Type=pikepdf.Name.Page, Contents=document.make_stream(b"/Own Do"))
        above = document.Root.Pages
        above.MediaBox, above.Rotate = pikepdf.Array([0, 0, 100, 200]), 90
        above.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Own=drawing))
        page.Parent = above
        above.Kids.append(document.make_indirect(page))
        above.Count = 1
        document.save(target)
    content, _ = merged(target.getvalue())
    with pikepdf.open(io.BytesIO(content)) as document:
        (found,) = document.pages
        assert [int(each) for each in found.obj.MediaBox] == [0, 0, 100, 200]
        assert found.obj.Rotate == 90
        own = found.obj.Resources.XObject.Own
        assert own.Resources.XObject.Own.objgen == own.objgen
        assert own.Text == pikepdf.String("（")
        assert own.get("/Yes") is True
        assert float(own.Real) == -0.00001
        assert found.obj.Contents.read_bytes() == b"/Own Do"


def test_sources_are_asked_for_one_after_the_other(certificates: list[bytes]) -> None:
    target, sizes = io.BytesIO(), []

    def sources() -> Iterator[Source]:
        for number in range(5):
            sizes.append(target.tell())
            yield Source(str(number), certificates[number % 3] if number < 3 else printed(f"第{number}"))

    merge(sources(), target, title="t", language="en", identifier="one")
    assert sizes == sorted(set(sizes)), "what was read before had been written"


def test_memory_does_not_grow_with_the_number_of_sources(tmp_path: Path) -> None:
    """400 sources of a megabyte each, no two alike, in a process of their own."""
    source = tmp_path / "source.pdf"
    with pikepdf.new() as document:
        document.add_blank_page()
        document.pages[0].Contents = document.make_stream(b"0" * 1_000_000)
        document.save(source, compress_streams=False)
    work = textwrap.dedent("""
        import io, resource, sys
        from portal.core.pdf_merge import Source, merge
        content = open(sys.argv[1], "rb").read()
        class Nowhere(io.RawIOBase):
            def write(self, content): return len(content)
        def sources(count):
            for number in range(count):
                yield Source(str(number), content.replace(b"0" * 100, b"%0100d" % number, 1))
        peaks = []
        for count in (20, 400):
            merge(sources(count), Nowhere(), title="t", language="en", identifier="one")
            peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
        print(peaks[1] - peaks[0])
    """)
    done = subprocess.run([sys.executable, "-c", work, str(source)], check=True, capture_output=True, text=True)
    grown = int(done.stdout)
    assert grown < 8 * 1024, f"{grown} KB more for 380 MB more"

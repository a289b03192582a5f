"""The PDF door: the same bytes for the same page, every character printed, nothing ever fetched, nothing hangs."""

from __future__ import annotations

import io
import logging
import socket
import subprocess
import sys
import threading
import unicodedata
from collections.abc import Iterator
from typing import Any

import pikepdf
import pypdfium2
import pytest

from portal.core import pdf

pytestmark = pytest.mark.any_database

SEAL = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><rect width="9" height="9" fill="#000"/></svg>'
SHEET = '@page { size: A4 landscape } body { font-family: "Shirube Serif" }'


def make(body: str, **options: Any) -> bytes:
    given: dict[str, Any] = {
        "stylesheets": [SHEET],
        "assets": {},
        "identifier": "one",
        "title": "修了証",
        "language": "ja",
    }
    renderer = options.pop("renderer", None)
    page = f'<!doctype html><html lang="ja"><head><title>t</title></head><body>{body}</body></html>'
    return (renderer or pdf).render(page, **(given | options)).content


def text_of(content: bytes) -> str:
    document = pypdfium2.PdfDocument(content)
    return "".join(page.get_textpage().get_text_bounded() for page in document)


@pytest.fixture
def listener() -> Iterator[tuple[str, list[bytes]]]:
    """A server on the loopback that keeps what reaches it."""
    heard: list[bytes] = []
    server = socket.create_server(("127.0.0.1", 0))

    def listen() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            heard.append(connection.recv(100))
            connection.close()

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    yield f"127.0.0.1:{server.getsockname()[1]}", heard
    server.shutdown(socket.SHUT_RDWR)
    server.close()


def test_the_same_page_gives_the_same_bytes_in_another_process_too() -> None:
    again = pdf.Renderer()
    first = make("<h1>修了証</h1>")
    assert make("<h1>他の頁</h1>") != first
    assert make("<h1>修了証</h1>") == first
    assert make("<h1>修了証</h1>", renderer=again) == first
    again.close()


def test_title_language_tags_and_archive_marks_are_in_the_file() -> None:
    with pikepdf.open(io.BytesIO(make("<h1>修了証</h1>"))) as document:
        assert document.docinfo["/Title"] == "修了証"
        assert document.Root.Lang == "ja"
        assert document.Root.MarkInfo.Marked
        assert "/StructTreeRoot" in document.Root
        assert "/CreationDate" not in document.docinfo
        told = document.Root.Metadata.read_bytes().decode()
        assert 'pdfaid:part="3"' in told
        assert 'pdfuaid:part="1"' in told
        with document.open_metadata() as xmp:
            assert xmp["dc:title"] == "修了証"
        assert not document.check_pdf_syntax()


@pytest.mark.parametrize("family", ["serif", "sans"])
def test_rare_characters_of_names_are_printed_with_embedded_fonts(family: str) -> None:
    name = "髙橋 﨑 𠮷 邉 邊 齋 齊 濵 葛\U000e0100 辻\U000e0101 ㈱ ① ～ − ‖"
    sheet = f'body {{ font-family: "{pdf.FONTS[family]}" }}'
    content = make(f"<p>{name}</p>", fonts=[family], stylesheets=[sheet])
    assert text_of(content).strip() == name
    with pikepdf.open(io.BytesIO(content)) as document:
        fonts = [each for each in document.objects if getattr(each, "Type", None) == "/FontDescriptor"]
        assert len(fonts) == 1
        assert all("/FontFile3" in each or "/FontFile2" in each for each in fonts)


# Latin with all its extensions, Greek, Cyrillic: first and last of each block. What are marks stands in a test below.
ALPHABETS = {
    "Latin Extended-A and -B": (0x0100, 0x024F),
    "Latin Extended Additional": (0x1E00, 0x1EFF),
    "Greek": (0x0370, 0x03E1),
    "Cyrillic": (0x0400, 0x0482),
    "Cyrillic extensions": (0x048A, 0x052F),
}


@pytest.mark.parametrize("family", ["serif", "sans"])
@pytest.mark.parametrize("block", ALPHABETS)
def test_every_letter_of_european_alphabets_is_printed(block: str, family: str) -> None:
    first, last = ALPHABETS[block]
    letters = "".join(chr(each) for each in range(first, last + 1) if unicodedata.category(chr(each)) != "Cn")
    sheet = f'body {{ font-family: "{pdf.FONTS[family]}"; overflow-wrap: anywhere }}'
    content = make(f"<p>{letters}</p>", fonts=[family], stylesheets=[sheet])
    assert "".join(text_of(content).split()) == letters


@pytest.mark.parametrize("family", ["serif", "sans"])
def test_letters_with_marks_of_their_own_stand_together(family: str) -> None:
    text = "x\u030c r\u0325 n\u0307\u0303 и\u0301 ω\u0303"
    sheet = f'body {{ font-family: "{pdf.FONTS[family]}" }}'
    content = make(f"<p>{text}</p>", fonts=[family], stylesheets=[sheet])
    assert text_of(content).strip() == text
    with pikepdf.open(io.BytesIO(content)) as document:
        # Letter and mark are of one font, which says where the mark stands.
        assert len([each for each in document.objects if getattr(each, "Type", None) == "/FontDescriptor"]) == 1


def test_a_mark_on_a_character_of_another_font_stops_the_job_by_name() -> None:
    with pytest.raises(pdf.CharacterWithoutGlyph, match=r"U\+68EE U\+0325"):
        make("<p>森\u0325</p>")


@pytest.mark.parametrize("family", ["serif", "sans"])
def test_a_word_is_set_in_one_font_and_a_page_without_such_letters_as_ever(family: str) -> None:
    def fonts_of(text: str) -> set[str]:
        sheet = f'body {{ font-family: "{pdf.FONTS[family]}" }}'
        with pikepdf.open(io.BytesIO(make(f"<p>{text}</p>", fonts=[family], stylesheets=[sheet]))) as document:
            described = [each for each in document.objects if getattr(each, "Type", None) == "/FontDescriptor"]
            return {str(each.FontName).partition("+")[2] for each in described}

    own = pdf.FONTS[family].replace(" ", "-")
    assert fonts_of("Łukasz Müller") == {f"{own}-Letters"}
    assert fonts_of("森 Łukasz") == {own, f"{own}-Letters"}
    assert fonts_of("森 Müller") == {own}


def test_a_drawing_has_the_letters_too() -> None:
    drawing = SEAL.replace(b"<rect", '<text y="5" font-size="3" font-family="Shirube Serif">Łś</text><rect'.encode(), 1)
    assert "Łś" in text_of(make('<img alt="seal" src="asset:seal.svg" width="90">', assets={"seal.svg": drawing}))


@pytest.mark.parametrize("family", ["serif", "sans"])
def test_characters_that_look_the_same_are_read_back_as_they_were_written(family: str) -> None:
    """One glyph may stand for a character, for a form of it by its selector, and for another character."""
    text = "辻 辻\U000e0101 葛 葛\U000e0100 葛\U000e0101 辻 一 \u2f00"
    sheet = f'body {{ font-family: "{pdf.FONTS[family]}" }}'
    content = make(f"<p>{text}</p>", fonts=[family], stylesheets=[sheet])
    assert text_of(content).strip() == text
    assert make(f"<p>{text}</p>", fonts=[family], stylesheets=[sheet]) == content


def test_text_in_another_language_says_so() -> None:
    content = make('<p>修了証</p><p lang="en">Certificate</p><p>氏名 <span lang="en">Name</span></p>')
    with pikepdf.open(io.BytesIO(content)) as document:
        told: list[Any] = [each for each in document.objects if isinstance(each, pikepdf.Dictionary)]
        assert [(str(each.S), str(each.Lang)) for each in told if each.get("/S") and "/Lang" in each] == [
            ("/P", "en"),
            ("/Span", "en"),
        ]


def test_a_link_is_one_for_each_line_that_it_takes() -> None:
    content = make(
        '<p><a href="https://one.example"><span>one</span><br><b>two</b></a></p>'
        '<p><a href="https://two.example" style="display: block"><img alt="seal" src="asset:seal.svg"></a></p>',
        assets={"seal.svg": SEAL},
        stylesheets=["img { width: 9px }"],
    )
    with pikepdf.open(io.BytesIO(content)) as document:
        links = [(str(each.A.URI), tuple(map(int, each.Rect))) for each in document.pages[0].Annots]
        assert [address for address, _ in links] == ["https://one.example"] * 2 + ["https://two.example"]
        assert len(set(links)) == 3


def test_two_forms_of_one_character_look_different() -> None:
    def picture(text: str) -> bytes:
        bitmap = pypdfium2.PdfDocument(make(f"<p>{text}</p>"))[0].render(scale=2)
        return bytes(bitmap.to_pil().tobytes())

    assert picture("葛") != picture("葛\U000e0100")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("森 😀", "U+1F600"),
        ("محمد", "U+0645"),
        ("辻\U000e01ef", "U+8FBB U+E01EF"),
        ("김", "U+AE40"),
        ("\ue000", "U+E000"),
    ],
)
def test_a_character_that_no_font_has_stops_the_job_by_name(text: str, named: str) -> None:
    with pytest.raises(pdf.CharacterWithoutGlyph) as refused:
        make(f"<p>{text}</p>")
    assert named in str(refused.value)


def test_a_character_written_as_an_entity_is_looked_at_too() -> None:
    with pytest.raises(pdf.CharacterWithoutGlyph):
        make("<p>&#x1F600;</p>")


def test_assets_are_reached_by_name_only() -> None:
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>'
    assert make('<img alt="seal" src="asset:seal.svg">', assets={"seal.svg": svg})
    with pytest.raises(pdf.ForbiddenAddress, match=r"asset:other\.svg"):
        make('<img alt="seal" src="asset:other.svg">', assets={"seal.svg": svg})


FETCHING = {
    "image": '<img alt="" src="http://{0}/a.png">',
    "image of another scheme": '<img alt="" src="ftp://{0}/a.png">',
    "file": '<img alt="" src="file:///etc/passwd">',
    "attachment": '<link rel="attachment" href="file:///etc/passwd">',
    "linked attachment": '<a rel="attachment" href="file:///etc/passwd">a</a>',
    "attachment from the net": '<link rel="attachment" href="http://{0}/x">',
    "stylesheet": '<link rel="stylesheet" href="http://{0}/a.css">',
    "import": '<style>@import url("http://{0}/a.css");</style>',
    "background": '<style>body {{ background: url("http://{0}/b.png") }}</style>',
    "font": '<style>@font-face {{ font-family: x; src: url("http://{0}/f.otf") }}</style><p>x</p>',
    "list image": '<ul style="list-style-image: url(http://{0}/l.png)"><li>x</li></ul>',
    "content": '<style>p::before {{ content: url("http://{0}/c.png") }}</style><p>x</p>',
    "object": '<object data="http://{0}/o.svg" type="image/svg+xml"></object>',
    "embed": '<embed src="http://{0}/o.svg" type="image/svg+xml">',
    "svg image": '<svg width="9" height="9"><image href="http://{0}/i.png" width="9" height="9"/></svg>',
    "svg file": '<svg width="9" height="9"><image href="file:///etc/passwd" width="9" height="9"/></svg>',
    "data": '<img alt="" src="data:image/png;base64,AAAA">',
    "base": '<base href="http://{0}/"><img alt="" src="a.png">',
    "relative": '<img alt="" src="a.png">',
}


@pytest.mark.parametrize("kind", FETCHING)
def test_nothing_is_ever_fetched_or_attached(kind: str, listener: tuple[str, list[bytes]]) -> None:
    address, heard = listener
    with pytest.raises(pdf.PdfFailed if kind == "relative" else pdf.ForbiddenAddress):
        make(FETCHING[kind].format(address))
    assert heard == []


def test_a_drawing_used_from_elsewhere_is_left_out(listener: tuple[str, list[bytes]]) -> None:
    address, heard = listener
    content = make(f'<p>x</p><svg width="9" height="9"><use href="http://{address}/i.svg#a"/></svg>')
    with pikepdf.open(io.BytesIO(content)) as document:
        assert not document.attachments
    assert heard == []


def test_a_stylesheet_given_along_cannot_fetch_either(listener: tuple[str, list[bytes]]) -> None:
    address, heard = listener
    for rule in (f'@import url("http://{address}/a.css");', f'p {{ background: url("http://{address}/b.png") }}'):
        with pytest.raises(pdf.ForbiddenAddress, match=address):
            make("<p>x</p>", stylesheets=[rule])
    assert heard == []


def test_a_page_that_does_not_end_is_stopped_and_the_next_one_is_made() -> None:
    renderer = pdf.Renderer(seconds=2)
    endless = "<table>" + "<tr><td>x</td><td>y</td></tr>" * 60_000 + "</table>"
    with pytest.raises(pdf.TookTooLong):
        make(endless, renderer=renderer)
    renderer.seconds = 60
    assert make("<p>x</p>", renderer=renderer)
    renderer.close()


def test_a_page_that_eats_memory_is_stopped_and_the_next_one_is_made() -> None:
    renderer = pdf.Renderer(memory_megabytes=260, seconds=60)
    greedy = "<p>" + "<b>x</b>" * 100_000 + "</p>"
    with pytest.raises(pdf.PdfFailed):
        make(greedy, renderer=renderer)
    assert make("<p>x</p>", renderer=renderer)
    renderer.close()


def test_a_killed_child_is_replaced() -> None:
    renderer = pdf.Renderer()
    first = make("<p>x</p>", renderer=renderer)
    assert renderer._child is not None
    renderer._child.kill()
    renderer._child.wait()
    assert make("<p>x</p>", renderer=renderer) == first
    renderer.close()


def test_the_child_knows_nothing_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHIRUBE_SECRET_KEY", "not for the child")
    renderer = pdf.Renderer()
    make("<p>x</p>", renderer=renderer)
    assert renderer._child is not None
    with open(f"/proc/{renderer._child.pid}/environ", "rb") as source:
        assert b"SHIRUBE" not in source.read()
    renderer.close()


def test_an_ordinary_page_is_made_without_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        make("<h1>修了証</h1><p>文</p>")
        assert not caplog.records
        make('<p style="colour: red">x</p>')
    assert "colour" in caplog.text


class Unanswered(pdf.Renderer):
    """Asks nobody and keeps what it would have asked."""

    def _ask(self, line: bytes) -> tuple[dict[str, Any], bytes]:
        self.line = line
        return {"warnings": [], "renderer": "", "fonts": "", "cpu_ms": 0}, b""


# Answers jobs as the child does, or with WeasyPrint as it is; the SHA-256 of each page.
ANSWER = """
import hashlib, importlib.util, json, sys, tempfile
spec = importlib.util.spec_from_file_location("child", sys.argv[1])
child = importlib.util.module_from_spec(spec)
spec.loader.exec_module(child)
if sys.argv[2] == "plain":
    child.Paths = object
    child.Widths = type("Widths", (), {"forget": lambda self: None})
    child._OF_ITS_JOB = type("Always", (), {"search": lambda self, text: True})()
with tempfile.TemporaryDirectory() as folder:
    child.without_system_fonts(folder)
    renderer = child.Renderer()
    for line in sys.stdin:
        print(hashlib.sha256(renderer.render(json.loads(line))).hexdigest())
"""


def answers(how: str, lines: list[bytes]) -> list[str]:
    command = [sys.executable, "-c", ANSWER, str(pdf._CHILD), how]
    done = subprocess.run(command, input=b"\n".join(line.strip() for line in lines), check=True, capture_output=True)
    return done.stdout.decode().split()


def test_what_is_remembered_changes_nothing() -> None:
    """Stylesheets, widths of texts and outlines are kept: the pages are those that WeasyPrint makes without."""
    outline = '<path d="M 1 1 L 8 8 C 1 8 8 1 4 4 z"/><path d="M 1 1 L 8 8" marker-end="url(#m)"/>'
    drawings = {
        f"{size}.svg": f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}">'
        f'<marker id="m" markerWidth="3" markerHeight="3"><rect width="2" height="2"/></marker>{outline}</svg>'.encode()
        for size in (9, 18)
    }
    text = (
        '<div style="display: flex"><p>確認テスト</p><p><span style="display: inline-block">確認テスト</span></p></div>'
        '<div style="display: flex"><h1>確認テスト</h1><p style="font-size: 30pt">確認テスト</p></div>'
    )
    wide = SHEET + " p { letter-spacing: 2mm }"
    pages: list[dict[str, Any]] = [
        {"body": text},
        {"body": text, "fonts": ["sans"], "stylesheets": ['body { font-family: "Shirube Sans" }']},
        {"body": text, "stylesheets": [wide]},
        {"body": f"<b>{text}</b>", "stylesheets": [SHEET, wide]},
        {"body": f'{text}<img alt="a" src="asset:9.svg">', "assets": drawings},
        {"body": '<img alt="a" src="asset:18.svg"><img alt="b" src="asset:9.svg" width="40">', "assets": drawings},
    ]
    lines = []
    for page in pages:
        renderer = Unanswered()
        make(**page, renderer=renderer)
        lines.append(renderer.line)
    plain = answers("plain", lines)
    assert len(set(plain)) == len(pages)
    assert answers("as it is", lines) == plain
    assert answers("as it is", lines[::-1] + lines) == plain[::-1] + plain


def test_a_fault_of_a_stylesheet_is_told_each_time_and_an_address_in_it_refused_each_time(
    caplog: pytest.LogCaptureFixture,
) -> None:
    for _ in range(2):
        with caplog.at_level(logging.WARNING):
            make("<p>x</p>", stylesheets=["p { colour: red }"])
        assert "colour" in caplog.text
        caplog.clear()
        with pytest.raises(pdf.ForbiddenAddress, match="elsewhere"):
            make("<p>x</p>", stylesheets=["p { background: url(http://elsewhere.example/a.png) }"])


def test_a_picture_of_the_same_name_is_another_one_in_another_job() -> None:
    def content(colour: str) -> bytes:
        drawing = SEAL.replace(b"#000", colour.encode())
        return make("<p>x</p>", stylesheets=["p { background: url(asset:a.svg) }"], assets={"a.svg": drawing})

    assert content("#c30") != content("#03c")
    assert content("#c30") == content("#c30")

"""What goes out as a table comes back unchanged, opens safely, and what comes in is refused in words."""

from __future__ import annotations

import contextlib
import csv
import io
import zipfile
from datetime import UTC, date, datetime
from fractions import Fraction

import openpyxl
import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.core import tables
from portal.core.i18n import force_locale
from tests.volume import examples

pytestmark = pytest.mark.any_database

NAMES = ["髙橋", "﨑", "𠮷", "葛󠄀", "辻󠄁", "㈱①～−‖", "name " * 60, "שלום", "'t Hooft", "O'Neill"]
DANGEROUS = ["=1+1", "+81 90", "-", "@x", "\tx", "\rx", "\nx", "\x00x", "＝1", "＋1", "－1", "＠x", "'=1", "''@"]

# Control characters beyond the leading ones have no place in XML and are refused by every form.
_texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30)
_cells = st.one_of(_texts, st.builds(lambda start, rest: start + rest, st.sampled_from(DANGEROUS), _texts))


def rows_of(table: tables.Table) -> list[list[str]]:
    return [[row.cells.get(name, "") for name in table.header] for row in table.rows]


@settings(max_examples=examples(50), suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(rows=st.lists(st.lists(_cells, min_size=2, max_size=2).filter(lambda row: any(map(str.strip, row))), max_size=5))
def test_a_csv_comes_back_as_it_went_out(app: Flask, rows: list[list[str]]) -> None:
    table = tables.read_table(tables.write_csv(["a", "b"], rows), "x.csv")
    assert rows_of(table) == rows


@settings(max_examples=examples(30), suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(rows=st.lists(st.lists(_texts, min_size=2, max_size=2).filter(lambda row: any(map(str.strip, row))), max_size=5))
def test_a_workbook_comes_back_as_it_went_out(app: Flask, rows: list[list[str]]) -> None:
    table = tables.read_table(tables.write_xlsx(["a", "b"], rows, sheet="x"), "x.xlsx")
    # Where a row ends, cells of spaces alone are as good as none: programs of tables leave many.
    assert rows_of(table) == [[first, second if second.strip() else ""] for first, second in rows]


@pytest.mark.parametrize("text", DANGEROUS)
def test_no_cell_that_leaves_us_begins_like_a_formula(app: Flask, text: str) -> None:
    raw = next(csv.reader(io.StringIO(tables.write_csv([text], []).decode("utf-8-sig"), newline="")))[0]
    assert raw == f"'{text}"
    book = openpyxl.load_workbook(io.BytesIO(tables.write_xlsx(["h"], [[text]], sheet="x")))
    cell = book.worksheets[0]["A2"]
    # In a workbook a text is one without an apostrophe in front, and stays one when it is edited.
    assert cell.quotePrefix
    assert cell.data_type in ("s", "inlineStr")


def test_a_formula_stays_text_in_both_encodings_even_where_a_twin_makes_it_one(app: Flask) -> None:
    # U+2212 becomes the full-width minus in CP932, which Excel would take for a formula.
    assert tables.write_csv(["h"], [["−1+1"]], encoding="cp932").decode("cp932") == "h\r\n'－1+1\r\n"


@pytest.mark.parametrize("name", NAMES)
def test_names_are_exported_as_they_are_stored(app: Flask, name: str) -> None:
    assert rows_of(tables.read_table(tables.write_csv(["n"], [[name]])))[0][0] == name
    assert rows_of(tables.read_table(tables.write_xlsx(["n"], [[name]], sheet="n")))[0][0] == name


def test_numbers_and_dates_stay_what_they_are(app: Flask) -> None:
    header = ["int", "minus", "share", "third", "day", "at", "flag", "none", "long"]
    row = [3, -2, Fraction(1, 2), Fraction(1, 3), date(2026, 5, 11), datetime(2026, 5, 11, 1, tzinfo=UTC)]
    row += [True, None, 1234567890123456789]  # type: ignore[list-item]
    written = tables.write_csv(header, [row]).decode("utf-8-sig").splitlines()[1]
    assert written == "3,-2,0.5,0.3333333333,2026-05-11,2026-05-11T01:00:00Z,TRUE,,1234567890123456789"
    page = openpyxl.load_workbook(io.BytesIO(tables.write_xlsx(header, [row], sheet="x"))).worksheets[0]
    assert [page.cell(2, column).data_type for column in range(1, 8)] == ["n", "n", "n", "n", "d", "s", "b"]
    assert page["B2"].value == -2
    assert page["I2"].value == "1234567890123456789"


def test_what_shift_jis_cannot_write_is_listed_with_its_line_and_column(app: Flask) -> None:
    header, rows = ["氏名", "組"], [["髙橋", "一"], ["𠮷田", "葛󠄀"], ["〜", ""]]
    lost = tables.list_lost(header, rows)
    assert [(each.line, each.column, each.character, each.written_as) for each in lost] == [
        (3, "氏名", "𠮷", "〓"),
        (3, "組", "\U000e0100", ""),
        (4, "氏名", "〜", "～"),
    ]
    text = tables.write_csv(header, rows, encoding="cp932").decode("cp932")
    assert text == "氏名,組\r\n髙橋,一\r\n〓田,葛\r\n～,\r\n"
    assert tables.list_lost(header, rows, encoding="utf-8-sig") == []


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp932"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_every_usual_encoding_is_read(app: Flask, encoding: str, newline: str) -> None:
    text = newline.join(["name,number and nothing else", "髙橋,1", "佐藤,2", ""])
    table = tables.read_table(text.encode(encoding), "people.csv")
    assert rows_of(table) == [["髙橋", "1"], ["佐藤", "2"]]
    assert [row.line for row in table.rows] == [2, 3]


@pytest.mark.parametrize("name", ["邊子", "渡"])
@pytest.mark.parametrize("encoding", ["utf-8", "cp932"])
def test_two_kanji_that_are_bytes_of_another_encoding_by_chance_are_read(app: Flask, name: str, encoding: str) -> None:
    table = tables.read_table(f"family,given,mail\n渡,{name},a@portal.example\n".encode(encoding))
    assert list(table.rows[0].cells.values()) == ["渡", name, "a@portal.example"]


def test_what_was_pasted_is_text_in_no_encoding(app: Flask) -> None:
    garbled = "佐藤".encode().decode("cp932")
    assert tables.read_typed(f"name\n{garbled}\n").rows[0].get("name") == garbled
    with pytest.raises(tables.OtherEncoding):
        tables.read_table(f"name\n{garbled}\n".encode())


@pytest.mark.parametrize("encoding", ["cp932", "euc_jp", "iso2022_jp"])
@pytest.mark.parametrize(
    "text",
    [
        "メールアドレス,姓,名\r\na@b.example,田中,花子\r\n",
        "氏名\r\n",
        "姓,名\r\n佐々木,拓海\r\n",
        "お名前,部署\r\nさとう けん,審査\r\n",
    ],
)
def test_older_japanese_encodings_are_told_apart(app: Flask, text: str, encoding: str) -> None:
    table = tables.read_table(text.encode(encoding))
    assert list(table.header) == text.split("\r\n", maxsplit=1)[0].split(",")


@pytest.mark.parametrize("text", ["ｾｲ,ﾒｲ\r\nﾀﾅｶ,ﾊﾅｺ\r\n", "ﾒｰﾙ,氏名\r\na@b.example,ﾀﾅｶ ﾊﾅｺ\r\n", "ｾｲ\r\n"])
def test_half_width_katakana_is_no_other_encoding(app: Flask, text: str) -> None:
    assert list(tables.read_table(text.encode("cp932")).header) == text.split("\r\n", maxsplit=1)[0].split(",")


def test_japanese_that_no_encoding_explains_is_refused_rather_than_guessed(app: Flask) -> None:
    # One of the characters that vendors added to EUC-JP.
    data = "社員番号,氏名\r\n1,佐々木 拓海\r\n2,鈴木 一郎\r\n3,".encode("euc_jp") + b"\xfc\xe2\r\n"
    with pytest.raises(tables.UnknownEncoding):
        tables.read_table(data)


def test_a_paste_from_a_spreadsheet_is_read_and_blank_lines_keep_the_numbers_right(app: Flask) -> None:
    table = tables.read_table('name\tnote\n\n田中\t"two\nlines"\n佐藤\tx\n'.encode())
    assert [(row.line, row.get("note")) for row in table.rows] == [(3, "two\nlines"), (5, "x")]


def test_semicolons_are_read_too(app: Flask) -> None:
    assert rows_of(tables.read_table(b"a;b\n1,5;2\n")) == [["1,5", "2"]]


def _archive(**parts: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name.replace("__", "/"), content)
    return out.getvalue()


def _with_entity() -> bytes:
    source = tables.write_xlsx(["a"], [["b"]], sheet="x")
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(source)) as old, zipfile.ZipFile(out, "w") as new:
        for entry in old.infolist():
            content = old.read(entry)
            if entry.filename.endswith("sheet1.xml"):
                head, _, rest = content.partition(b"?>")
                content = head + b"?><!--" + b"x" * 9000 + b'--><!DOCTYPE x [<!ENTITY a "b">]>' + rest
            new.writestr(entry.filename, content)
    return out.getvalue()


BAD: list[tuple[bytes, str, str]] = [
    (b"", "x.csv", "The table is empty"),
    (b"\n\n ,\n", "x.csv", "The table is empty"),
    (b'a,b\n1,2\n3,"4\n', "x.csv", "Line 3 cannot be split"),
    (b"a,b\n1,2,3\n", "x.csv", "Line 2 has more cells (3) than the first line (2)"),
    (b"a,,b\n1,2,3\n", "x.csv", "Column 2 has no heading"),
    (b"a,a\n1,2\n", "x.csv", "The heading “a” appears twice"),
    (b"a\nok\n\xff\xfa\x80\n", "x.csv", "Line 3 holds characters in an unknown encoding"),
    (b"\xef\xbb\xbfa\n\xff\n", "x.csv", "Line 2 holds characters"),
    (b"\xff\xfea", "x.csv", "unknown encoding"),
    (b"a\n" + b"x\n" * (tables.MAX_ROWS + 1), "x.csv", "too large"),
    (b",".join(b"c%d" % n for n in range(201)), "x.csv", "too large"),
    (b"," * 1_000_000, "x.csv", "too large"),
    (b"x" * (tables.MAX_BYTES + 1), "x.csv", "too large"),
    (b"a\n" + b"x" * 200_000, "x.csv", "Line 2 cannot be split"),
    (b"not a workbook", "x.xlsx", "The workbook is damaged"),
    (b"PK\x03\x04rest", "x.xlsx", "The workbook is damaged"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "x.xls", "This kind of workbook is not supported"),
    (_archive(a=b"0" * 20_000_000), "x.xlsx", "too large"),
    (_archive(**{"..__..__etc": b"x", "[Content_Types].xml": b"<a/>"}), "x.xlsx", "The workbook is damaged"),
    (_archive(**{"[Content_Types].xml": b"<a/>"}), "x.xlsx", "The workbook is damaged"),
    (_archive(**{f"f{n}": b"x" for n in range(1001)}), "x.xlsx", "too large"),
    (_with_entity(), "x.xlsx", "The workbook is damaged"),
    (b"\x89PNG\r\n\x1a\n" + b"\x00\x01" * 400, "x.csv", "cannot be read as a table"),
    (b"%PDF-1.7\n1 0 obj\n", "x.xlsx", "cannot be read as a table"),
    (b"RIFF\x24\x00\x00\x00WEBPVP8 ", "", "cannot be read as a table"),
    (b"\x01\x00\x02\x00" * 400, "x.csv", "unknown encoding"),
    (b"\xff\xfe" + "a\n".encode("utf-16-le") + b"\x07\x00", "x.csv", "Line 2 holds characters"),
]


@pytest.mark.parametrize(("data", "name", "words"), BAD, ids=range(len(BAD)))
def test_a_bad_table_is_refused_in_words_that_say_what_to_do(app: Flask, data: bytes, name: str, words: str) -> None:
    with pytest.raises(tables.TableUnreadable) as refused, force_locale("en"):
        tables.read_table(data, name)
    with force_locale("en"):
        assert words in str(refused.value)
    with force_locale("ja"):
        assert words not in str(refused.value)


@settings(max_examples=examples(50), suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(place=st.integers(0, 6000), byte=st.integers(0, 255))
def test_a_damaged_workbook_is_read_or_refused_but_never_breaks(app: Flask, place: int, byte: int) -> None:
    data = bytearray(tables.write_xlsx(["a", "b"], [["髙橋", 1], ["x", 2]], sheet="s"))
    data[place % len(data)] = byte
    with contextlib.suppress(tables.TableUnreadable):
        tables.read_table(bytes(data), "x.xlsx")


@pytest.mark.parametrize(
    ("name", "plain", "full"),
    [
        ("people.csv", "people.csv", "people.csv"),
        ("受講者一覧.csv", "download.csv", "%E5%8F%97%E8%AC%9B%E8%80%85%E4%B8%80%E8%A6%A7.csv"),
        ("jp-2026-04-週次レポート-2026-05-08.csv", "jp-2026-04-2026-05-08.csv", ""),
        ('a"b\r\nX: 1.csv', "a_bX_ 1.csv", "a_bX_%201.csv"),
        ("../../etc/passwd", "download", "_.._etc_passwd"),
        ("\u202egpj.exe", "gpj.exe", "gpj.exe"),
        ("", "download", "download"),
    ],
)
def test_a_file_name_survives_in_ascii_and_in_full(name: str, plain: str, full: str) -> None:
    header = tables.content_disposition(name)
    assert header.startswith("attachment; ")
    assert "\r" not in header
    assert "\n" not in header
    if plain != "download" or "passwd" not in name:
        assert f'filename="{plain}"' in header
        assert not full or header.endswith(f"filename*=UTF-8''{full}")


def test_a_download_is_saved_and_never_run(app: Flask) -> None:
    response = tables.download_csv("受講者", ["a"], [["=1"]])
    assert response.headers["Content-Security-Policy"].startswith("sandbox")
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Content-Disposition"].startswith("attachment")
    assert response.get_data().startswith(b"\xef\xbb\xbf")


@pytest.mark.parametrize("row", [b"<row/>", b'<row r="1"/>', b'<row r="1"></row>'])
def test_empty_rows_count_too_whatever_number_they_say_they_have(app: Flask, row: bytes) -> None:
    workbook = openpyxl.Workbook()
    workbook.active.append(["a", "b"])
    made, spoilt = io.BytesIO(), io.BytesIO()
    workbook.save(made)
    with zipfile.ZipFile(made) as before, zipfile.ZipFile(spoilt, "w") as after:
        for name in before.namelist():
            content = before.read(name)
            if name == "xl/worksheets/sheet1.xml":
                content = content.replace(b"</sheetData>", row * (2 * tables.MAX_ROWS + 1) + b"</sheetData>")
            after.writestr(name, content)
    with pytest.raises(tables.TableTooLarge):
        tables.read_table(spoilt.getvalue(), "people.xlsx")


def test_rows_without_anything_in_them_are_counted_too() -> None:
    with pytest.raises(tables.TableTooLarge):
        tables.read_table(b"a,b\n" + b"\n" * (2 * tables.MAX_ROWS))


def test_rows_that_cannot_be_taken_are_left_out_where_the_reader_wants_the_others() -> None:
    table = tables.read_table(b'a,b\n1,2\n3,4,5\n"6" x,7\n8,9\n', leave_out=True)
    assert [(row.line, row.get("a")) for row in table.rows] == [(2, "1"), (5, "8")]
    assert [(line, type(fault)) for line, fault in table.left_out] == [
        (3, tables.TooManyCells),
        (4, tables.BrokenQuotes),
    ]


def test_a_lost_character_says_whose_row_it_stands_in_and_its_code_point(app: Flask) -> None:
    lost = tables.list_lost(["code", "名前"], [["P1", "山田"], ["P2", "𠮷田"]], named_by=1)
    assert [(each.line, each.row, each.column, each.character, each.code_point) for each in lost] == [
        (3, "𠮷田", "名前", "𠮷", "U+20BB7")
    ]


def test_a_workbook_holds_several_tables_under_names_of_their_own_and_is_the_same_whenever_it_is_made(
    app: Flask,
) -> None:
    sheets = [tables.Sheet(name, ["h"], [[1], ["=1"]]) for name in ("People", "people", "x" * 40, "x" * 40)]
    made = datetime(2026, 5, 1, tzinfo=UTC)
    first, again = (tables.write_workbook(sheets, created=made, notes=[("a", "b")], notes_sheet="x") for _time in "ab")
    assert first == again
    book = openpyxl.load_workbook(io.BytesIO(first))
    assert [sheet.title for sheet in book] == ["People", "people 2", "x" * 31, f"{'x' * 29} 2", "x"]
    assert [book["People"][cell].value for cell in ("A1", "A2", "A3")] == ["h", 1, "=1"]


def test_an_archive_of_the_same_files_is_the_same_and_keeps_japanese_names(app: Flask) -> None:
    files = [("1-氏名.csv", b"a"), ("2.csv", b"b")]
    assert tables.write_archive(files) == tables.write_archive(files)
    with zipfile.ZipFile(io.BytesIO(tables.write_archive(files))) as archive:
        assert [(each.filename, archive.read(each)) for each in archive.infolist()] == files


@pytest.mark.any_database
def test_the_sheet_that_a_program_opens_with_is_read_first_and_a_hidden_one_last() -> None:
    workbook = openpyxl.Workbook()
    hidden = workbook.worksheets[0]
    for name, page in (("旧", hidden), ("控え", workbook.create_sheet()), ("一覧", workbook.create_sheet())):
        page.title = name
        page.append(["name"])
        page.append([name])
    hidden.sheet_state = "hidden"
    workbook.active = 2
    target = io.BytesIO()
    workbook.save(target)
    assert [each.name for each in tables.read_sheets(target.getvalue(), "list.xlsx")] == ["一覧", "控え", "旧"]
    assert [row.cells for row in tables.read_table(target.getvalue(), "list.xlsx").rows] == [{"name": "一覧"}]

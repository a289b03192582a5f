"""Lists of people as they come out of spreadsheets and mails: whatever the order, the same people are read."""

from __future__ import annotations

from io import BytesIO

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.core import tables
from portal.training.service.people_list import Listed, read_people

pytestmark = pytest.mark.any_database


def told(found: list[Listed]) -> list[tuple[int, str, str, str]]:
    """Return line, address, family name and given name of each entry."""
    return [(each.line, each.sign_in_name, each.names.family_name, each.names.given_name) for each in found]


HANAKO = ("hanako@portal.example", "山田", "花子")


@pytest.mark.parametrize(
    "text",
    [
        "氏名\tメールアドレス\n山田 花子\thanako@portal.example",
        "メール,氏名\nhanako@portal.example,山田　花子",
        "No.,姓,名,部署,E-mail\n1,山田,花子,東京,Hanako@Portal.example",
        "Email address;Family name;Given name\nhanako@portal.example;山田;花子",
        "\ufeffName\tMail\n山田 花子\thanako@portal.example",
        "お名前，\n山田 花子，ｈａｎａｋｏ＠ｐｏｒｔａｌ．ｅｘａｍｐｌｅ",
    ],
)
def test_a_heading_in_either_language_says_what_the_columns_are(text: str) -> None:
    assert told(read_people(text)) == [(2, *HANAKO)]


@pytest.mark.parametrize(
    "line",
    [
        "山田 花子\thanako@portal.example",
        "hanako@portal.example\t山田　花子",
        "hanako@portal.example, 山田 花子",
        "１\t山田\t花子\t＜hanako＠portal.example＞",
        "山田 花子 <hanako@portal.example>",
        "hanako@portal.example（山田 花子）",
        "山田\tハナコ\thanako@portal.example\t花子",
        "'山田 花子\tHANAKO@PORTAL.EXAMPLE",
        "\u200b山田 花子\thanako@portal.example",
    ],
)
def test_without_a_heading_the_cells_show_what_they_are(line: str) -> None:
    # A reading beside the name is kept as such; an apostrophe of a spreadsheet is no part of a name.
    (found,) = read_people(line)
    assert (found.sign_in_name, found.names.family_name.lstrip("'"), found.names.given_name) == HANAKO


def test_latin_names_are_read_in_their_own_order() -> None:
    text = "Grace Müller\tgrace@portal.example\nalex@portal.example\tAlex\tRivera"
    assert told(read_people(text)) == [
        (1, "grace@portal.example", "Müller", "Grace"),
        (2, "alex@portal.example", "Rivera", "Alex"),
    ]


def test_the_recipients_of_a_mail_are_a_list_too() -> None:
    text = "山田 花子 <hanako@portal.example>; Grace Müller <grace@portal.example>; solo@portal.example"
    assert [each[1:] for each in told(read_people(text))] == [
        HANAKO,
        ("grace@portal.example", "Müller", "Grace"),
        ("solo@portal.example", "", ""),
    ]


def test_names_are_kept_as_typed() -> None:
    # Never NFKC: it would make other characters of these.
    (found,) = read_people("髙橋 﨑\ttakahashi@portal.example")
    assert (found.names.family_name, found.names.given_name) == ("髙橋", "﨑")


def test_a_reading_beside_the_name_is_kept() -> None:
    (found,) = read_people("氏名\tフリガナ\tメール\n山田 花子\tヤマダ ハナコ\thanako@portal.example")
    assert (found.names.family_kana, found.names.given_kana) == ("ヤマダ", "ハナコ")
    (bare,) = read_people("山田 花子\tヤマダ ハナコ\thanako@portal.example")
    assert bare.names == found.names


def test_a_line_at_fault_says_so_and_the_others_are_read() -> None:
    text = "氏名\tメール\n山田 花子\t\n佐藤\tno-address\n鈴木 一\tichi@portal.example\n\nこの行だけ"
    found = read_people(text)
    assert [(each.line, bool(each.fault)) for each in found] == [(2, True), (3, True), (4, False), (6, True)]
    assert "no-address" in found[1].fault


def test_an_address_in_the_wrong_column_is_found() -> None:
    found = read_people("氏名\tメール\n山田 花子\thanako@portal.example\nichi@portal.example")
    assert [(each.line, each.sign_in_name, each.fault) for each in found][1] == (3, "ichi@portal.example", "")


def test_a_quotation_mark_that_is_not_closed_names_its_line() -> None:
    with pytest.raises(tables.BrokenQuotes) as refused:
        read_people('山田\thanako@portal.example\n"佐藤\tsato@portal.example\n')
    assert refused.value.values["line"] == 2


_CELLS = {"name": "山田 花子", "mail": "hanako@portal.example", "number": "17"}


@given(st.permutations(sorted(_CELLS)), st.sampled_from("\t,;"), st.booleans())
def test_the_order_of_the_columns_does_not_matter(order: list[str], separator: str, headed: bool) -> None:
    lines = [separator.join(_CELLS[name] for name in order)]
    if headed:
        heading = {"name": "Name", "mail": "Mail", "number": "No."}
        lines.insert(0, separator.join(heading[name] for name in order))
    assert [each[1:] for each in told(read_people("\n".join(lines)))] == [HANAKO]


@given(st.text(max_size=200))
def test_whatever_is_pasted_is_read_or_refused_in_words(text: str) -> None:
    try:
        found = read_people(text)
    except tables.TableUnreadable:
        return
    assert all(each.fault or each.sign_in_name for each in found)


TEXT = "氏名,メール\n山田 花子,hanako@portal.example\n,\n佐藤 健,ken@portal.example\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932", "utf-16"])
def test_a_file_is_read_in_the_encodings_of_spreadsheets_with_its_lines(encoding: str) -> None:
    text = tables.as_text(TEXT.encode(encoding), "people.csv")
    assert told(read_people(text)) == [(2, *HANAKO), (4, "ken@portal.example", "佐藤", "健")]


def test_a_workbook_is_read_like_a_pasted_table() -> None:
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    for row in (["メール", "氏名"], ["hanako@portal.example", "山田 花子"], [], ["ken@portal.example", '佐藤 "健"']):
        page.append(row)
    out = BytesIO()
    book.save(out)
    text = tables.as_text(out.getvalue(), "people.xlsx")
    assert [(each.line, each.sign_in_name) for each in read_people(text)] == [
        (2, "hanako@portal.example"),
        (4, "ken@portal.example"),
    ]


def test_a_file_of_two_encodings_is_refused_and_names_the_line() -> None:
    mixed = "氏名,メール\n山田 花子,hanako@portal.example\n".encode() + "佐藤 健,ken@portal.example\n".encode("cp932")
    with pytest.raises(tables.UnknownEncoding) as refused:
        tables.as_text(mixed, "people.csv")
    assert refused.value.values["line"] == 3


def test_a_line_of_utf_8_in_a_file_of_windows_is_a_fault_of_that_line() -> None:
    data = "氏名,メール\n山田 花子,hanako@portal.example\n".encode("cp932") + "佐藤 花,sato@portal.example\n".encode()
    told = read_people(tables.as_text(data, "people.csv"))
    assert [(bool(each.fault), each.line) for each in told] == [(False, 2), (True, 3)]
    table = tables.read_table(
        "氏名,メール\n森 愛,a@x.example\n".encode("cp932") + "佐藤 花,b@x.example\n".encode(), leave_out=True
    )
    assert [row.line for row in table.rows] == [2]
    assert [(line, type(fault)) for line, fault in table.left_out] == [(3, tables.OtherEncoding)]


@pytest.mark.parametrize("text", ["ﾔﾏﾀﾞ ﾊﾅｺ", "ﾅｶ", "占部 ｱｲ", "é", "José", "佐藤"])
def test_what_is_written_as_it_is_meant_is_no_garble(text: str) -> None:
    assert not tables.is_garbled(text)


@pytest.mark.parametrize("data", [b"\x89PNG\r\n\x1a\n" + b"\x00\x01" * 400, b"\x01\x00\x02\x00" * 400])
def test_a_file_that_is_no_table_is_refused_and_not_shown_as_signs(data: bytes) -> None:
    with pytest.raises(tables.TableUnreadable):
        tables.as_text(data, "people.csv")

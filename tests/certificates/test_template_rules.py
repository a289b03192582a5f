"""What a template may say: words with a fixed list of placeholders, days in every way of writing, nothing that acts."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.certificates.rules.templates import (
    PLACEHOLDERS,
    Design,
    EnglishDates,
    FaultKind,
    JapaneseDates,
    english_date,
    japanese_date,
    kanji_number,
    parse,
    starting_spec,
)
from portal.core.i18n import Words

pytestmark = pytest.mark.any_database


def table_with(place: str, text: Any, language: str = "en") -> dict[str, Any]:
    table = starting_spec(Design.CLASSIC).as_table()
    if isinstance(table[place], dict):
        table[place] = table[place] | {language: text}
    else:
        table[place] = text
    return table


@pytest.mark.parametrize("design", list(Design))
def test_what_a_spec_says_as_plain_data_is_the_same_spec(design: Design) -> None:
    spec = starting_spec(design)
    assert parse(spec.as_table()) == (spec, [])


def test_every_change_of_a_spec_changes_its_hash() -> None:
    spec = starting_spec(Design.PLAIN)
    others = [
        replace(spec, closing=Words("With thanks.", "")),
        replace(spec, dates_ja=JapaneseDates.ERA),
        replace(spec, logo="a" * 64),
        replace(spec, seal="印"),
    ]
    assert len({each.hash() for each in (spec, *others)}) == 1 + len(others)


@pytest.mark.parametrize(
    ("text", "kind", "found"),
    [
        ("Hello <script>alert(1)</script>", FaultKind.MARKUP, "<script>"),
        ("<img src=x onerror=y>", FaultKind.MARKUP, "<img src=x onerror=y>"),
        ("a &lt;b", FaultKind.MARKUP, "&lt;"),
        ("see https://evil.example/x", FaultKind.ADDRESS, "https://evil.example/x"),
        ("see HTTP://evil.example", FaultKind.ADDRESS, "HTTP://evil.example"),
        ("file:///etc/passwd", FaultKind.ADDRESS, "file:///etc/passwd"),
        ("//127.0.0.1:9/x", FaultKind.ADDRESS, "//127.0.0.1:9/x"),
        ("data:image/png;base64,AAAA", FaultKind.ADDRESS, "data:image/png;base64,AAAA"),
        ("url(asset:frame.svg)", FaultKind.ADDRESS, "url(asset:frame.svg)"),
        ("javascript:alert(1)", FaultKind.ADDRESS, "javascript:alert(1)"),
        ("{holder.name}", FaultKind.PLACEHOLDER, "{holder.name}"),
        ("{{ 7*7 }}", FaultKind.PLACEHOLDER, "{ 7*7 }"),
        ("{number}", FaultKind.PLACEHOLDER, "{number}"),
        ("only { one", FaultKind.BRACE, "{"),
        ("a\x00b", FaultKind.CONTROL, "U+0000"),
        ("a\u202eb", FaultKind.CONTROL, "U+202E"),
        ("x" * 401, FaultKind.LONG, "401"),
        ("", FaultKind.MISSING, ""),
        (7, FaultKind.NOT_TEXT, ""),
    ],
)
def test_what_a_template_may_not_say_is_refused_with_its_place(text: Any, kind: FaultKind, found: str) -> None:
    for language in ("en", "ja"):
        spec, faults = parse(table_with("statement", text, language))
        assert spec is None
        fault = next(each for each in faults if each.kind is kind)
        assert (fault.place, fault.language, fault.found) == ("statement", language, found)


@pytest.mark.parametrize(
    "text", ["3 < 4 and 5 > 2", "A & B", "Data: complete", "9:00–18:00", "and/or", "※〇〇年度（令和）"]
)
def test_plain_words_with_signs_are_taken(text: str) -> None:
    assert parse(table_with("statement", text))[1] == []


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("design", "baroque"),
        ("design", None),
        ("orientation", ["portrait"]),
        ("logo", "../../etc/passwd"),
        ("logo", "http://127.0.0.1/logo.png"),
        ("seal", "一二三四五六七八九十"),
        ("seal", "修 了"),
        ("seal", "\u200b"),
    ],
)
def test_other_values_are_refused_with_their_place(place: str, value: Any) -> None:
    spec, faults = parse(table_with(place, value))
    assert spec is None
    assert [each.place for each in faults] == [place]


def test_the_line_with_the_number_needs_it_once() -> None:
    for text in ("No.", "{number} {number}"):
        assert parse(table_with("number_line", text))[1][0].kind is FaultKind.NO_NUMBER
    assert parse(table_with("number_line", "№ {number}"))[1] == []


def test_a_key_that_is_not_known_is_refused() -> None:
    faults = parse(starting_spec(Design.MODERN).as_table() | {"css": "body{}"})[1]
    assert [(each.place, each.kind) for each in faults] == [("css", FaultKind.UNKNOWN_KEY)]


@given(st.text(max_size=60))
def test_no_text_at_all_makes_the_reader_fail_and_what_is_taken_holds_only_known_names(text: str) -> None:
    spec, faults = parse(table_with("closing", text))
    assert (spec is None) == bool(faults)
    if spec is not None:
        filled = spec.closing.en
        for name in PLACEHOLDERS:
            filled = filled.replace(f"{{{name}}}", "")
        assert not set("{}") & set(filled)


@pytest.mark.parametrize(
    ("day", "era", "kanji", "western"),
    [
        (date(2026, 5, 11), "令和8年5月11日", "令和八年五月十一日", "二〇二六年五月十一日"),
        (date(2019, 5, 1), "令和元年5月1日", "令和元年五月一日", "二〇一九年五月一日"),
        (date(2019, 4, 30), "平成31年4月30日", "平成三十一年四月三十日", "二〇一九年四月三十日"),
        (date(2038, 12, 20), "令和20年12月20日", "令和二十年十二月二十日", "二〇三八年十二月二十日"),
    ],
)
def test_japanese_days_are_written_in_four_ways(day: date, era: str, kanji: str, western: str) -> None:
    assert japanese_date(day, JapaneseDates.ERA) == era
    assert japanese_date(day, JapaneseDates.ERA_KANJI) == kanji
    assert japanese_date(day, JapaneseDates.WESTERN_KANJI) == western
    assert japanese_date(day, JapaneseDates.WESTERN) == f"{day.year}年{day.month}月{day.day}日"


def test_english_days_are_written_in_three_ways() -> None:
    day = date(2026, 5, 1)
    assert [english_date(day, style) for style in EnglishDates] == ["1 May 2026", "May 1, 2026", "2026-05-01"]


def test_no_two_numbers_are_written_alike() -> None:
    written = [kanji_number(number) for number in range(1, 100)]
    assert len(set(written)) == 99
    assert (written[9], written[10], written[19], written[98]) == ("十", "十一", "二十", "九十九")

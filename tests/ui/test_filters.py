"""Dates, times and numbers read as people write them, in both languages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import pytest
from flask import Flask

from portal.ui import filters

pytestmark = pytest.mark.any_database


@pytest.fixture
def english(app: Flask) -> Iterator[None]:
    with app.test_request_context("/?lang=en"):
        yield


@pytest.fixture
def japanese(app: Flask) -> Iterator[None]:
    with app.test_request_context("/?lang=ja"):
        yield


@pytest.mark.usefixtures("english")
def test_english_formats() -> None:
    assert filters.long_date(date(2026, 5, 11)) == "Mon 11 May 2026"
    assert filters.day_and_month(date(2026, 5, 11)) == "Mon 11 May"
    assert filters.short_date(date(2026, 5, 11)) == "11 May 2026"
    assert filters.instant(datetime(2026, 5, 11, 1, 2, 3, tzinfo=UTC), "Asia/Tokyo") == "Mon 11 May 2026 10:02 JST"
    assert filters.percent(Fraction(5, 6)) == "83.3 %"
    assert filters.duration(timedelta(minutes=61)) == "1 h 1 min"
    assert filters.phrases("A long heading") == ("A long heading",)


@pytest.mark.usefixtures("japanese")
def test_japanese_formats() -> None:
    assert filters.long_date(date(2026, 5, 11)) == "2026年5月11日（月）"
    assert filters.day_and_month(date(2026, 5, 11)) == "5月11日（月）"
    assert filters.short_date(date(2026, 5, 11)) == "2026/05/11"
    assert filters.percent(Fraction(5, 6)) == "83.3%"


@pytest.mark.parametrize("name", ["Daniel Okafor", "Bruno Costa", "Rosa Delgado", "Grace Müller", "Shannon O’Neill"])
@pytest.mark.usefixtures("japanese")
def test_a_japanese_heading_breaks_within_no_word_of_another_script(name: str) -> None:
    heading = f"{name}さんの結果と審査待ち件数の確認"
    found = filters.phrases(heading)
    assert "".join(found) == heading
    assert len(found) > 1
    assert any(name.rpartition(" ")[2] in phrase for phrase in found), found


@pytest.mark.usefixtures("japanese")
def test_a_japanese_heading_is_cut_into_phrases_and_loses_nothing() -> None:
    heading = "業務内容と心身の健康に関する説明"
    assert len(filters.phrases(heading)) > 1
    assert "".join(filters.phrases(heading)) == heading


@pytest.mark.usefixtures("japanese")
def test_no_heading_begins_with_a_line_of_one_character() -> None:
    heading = "勅使河原長宗我部東久世小路武者 龍之介左衛門佐太郎兵衛尉正信宗さんの引継ぎ"
    assert len(filters.phrases(heading)[0]) > 1
    assert "".join(filters.phrases(heading)) == heading
    assert filters.phrases("私") == ("私",)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (-5, "0:00"), (9, "0:09"), (545, "9:05"), (3600, "1:00:00"), (3725, "1:02:05")]
)
def test_the_time_left_is_written_as_on_a_clock(seconds: int, text: str) -> None:
    assert filters.clock_time(seconds) == text


def test_numbers_have_separators_and_points_are_exact() -> None:
    assert filters.number(12840) == "12,840"
    assert filters.points(Fraction(7, 2)) == "3.5"
    assert filters.points(3) == "3"


def test_a_mail_address_may_break_after_its_at_sign_and_dots_only() -> None:
    assert filters.address_parts("sato.misaki@hibiki.example") == ["sato.", "misaki@", "hibiki.", "example"]
    assert "".join(filters.address_parts("a..b@c.example.")) == "a..b@c.example."
    assert filters.address_parts("") == [""]


def test_pieces_stand_where_they_are_placed_as_often_as_they_are() -> None:
    assert filters.placed([1, 0, 1], ["<td>1</td>", "<td>2</td>"]) == ["<td>2</td>", "<td>1</td>", "<td>2</td>"]

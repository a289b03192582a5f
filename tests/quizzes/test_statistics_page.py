"""The page of a quiz's statistics: who may read it, from how many people on, and that its numbers are true."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta
from statistics import median
from typing import Any

import pytest

from portal.accounts.models import Person, Role, RoleGrant, Scope
from portal.core import clock
from portal.core.db import session
from portal.core.transaction import own_transaction
from portal.quizzes import queries
from portal.quizzes.models import Attempt, QuizVersion, Release
from portal.quizzes.queries.statistics import list_in_quizzes, sittings_of
from portal.quizzes.rules.statistics import MINIMUM_PEOPLE, figures_of
from portal.quizzes.service import attempts as service
from portal.quizzes.views import statistics as views
from portal.quizzes.views.figures import number_words, percent_words
from tests.beginnings import beginning
from tests.builders import Cast, make_person, save
from tests.queries import counted_queries
from tests.quizzes.builders import ONE_OF_EACH, SECRET, answer, answer_all, begin, make_quiz, right_answer

# Four questions that everybody gets, and two of the other four.
BLUEPRINT = [*ONE_OF_EACH, {"bank": "impersonation", "count": 2}]


def sit(person: Person, version: QuizVersion, right: int) -> None:
    attempt = begin(person, version)
    answer_all(attempt, right)
    with own_transaction():
        service.submit_attempt(attempt=attempt, person=person)


@pytest.fixture
@beginning
def version(cast: Cast) -> QuizVersion:
    return make_quiz(cast.author, release=Release.BY_HAND, attempts_allowed=2, wait_hours=0, blueprint=BLUEPRINT)


def seat(version: QuizVersion, people: int, start: int = 0) -> None:
    for number in range(start, start + people):
        person = make_person(f"taker{number}@portal.example", language="ja" if number % 2 else "en")
        sit(person, version, number % 5)


@pytest.mark.parametrize("language", ["en", "ja"])
def test_below_the_minimum_nothing_is_shown(cast: Cast, version: QuizVersion, as_: Any, language: str) -> None:
    seat(version, MINIMUM_PEOPLE - 1)
    client = as_(cast.author, language=language)
    page = client.get("quizzes.statistics", slug=version.quiz.slug)
    assert {"en": "Too few results yet", "ja": "結果がまだ少数です"}[language] in page.text
    assert page.all("table") == []
    table = client.client.get(f"/quizzes/{version.quiz.slug}/statistics.csv").get_data(as_text=True)
    assert len(table.splitlines()) == 1


@pytest.mark.parametrize("language", ["en", "ja"])
def test_whoever_could_read_the_key_when_she_began_is_left_out_and_said(
    cast: Cast, version: QuizVersion, as_: Any, language: str
) -> None:
    seat(version, MINIMUM_PEOPLE)
    before = sittings_of(version.quiz_id)
    sit(cast.author, version, 4)
    assert sittings_of(version.quiz_id) == before
    assert sittings_of(version.quiz_id, first_only=False) == before
    # Who becomes an author afterwards knew nothing of it then.
    first = session.get(Attempt, before.rows[0].attempt_id)
    assert first is not None
    later = first.started_at + timedelta(hours=1)
    save(
        RoleGrant(person=first.person, role=Role.AUTHOR, scope=Scope.ORGANISATION, granted_at=later, granted_by="test")
    )
    assert sittings_of(version.quiz_id) == before
    page = as_(cast.author, language=language).get("quizzes.statistics", slug=version.quiz.slug)
    assert {"en": "Left out: 1 person who could read", "ja": "受験の時点で問題と正解を閲覧できた1人"}[
        language
    ] in page.text


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_figures_of_the_page_are_those_of_the_results(
    cast: Cast, version: QuizVersion, as_: Any, language: str
) -> None:
    seat(version, MINIMUM_PEOPLE + 2)
    sittings = sittings_of(version.quiz_id)
    figures = figures_of([each.name for each in sittings.asked], sittings.marks(), sittings.maxima)
    client = as_(cast.author, language=language)
    page = client.get("quizzes.statistics", slug=version.quiz.slug)
    assert figures.quiz.sd is not None
    assert f"{figures.quiz.sd:.2f}" in page.text
    assert {"en": "12 people", "ja": "12人"}[language] in page.text
    assert "%%" not in page.text
    rows = list(
        csv.reader(io.StringIO(client.client.get(f"/quizzes/{version.quiz.slug}/statistics.csv").text.lstrip("﻿")))
    )
    assert [row[0] for row in rows[1:]] == [item.name for item in figures.items]
    shown = [item for item in figures.items if item.n >= MINIMUM_PEOPLE]
    assert shown
    for item in shown:
        row = next(row for row in rows[1:] if row[0] == item.name)
        assert item.facility is not None
        assert float(row[2]) == pytest.approx(item.facility)
    # Of a question that fewer have seen there is its number alone.
    for item in (item for item in figures.items if item.n < MINIMUM_PEOPLE):
        row = next(row for row in rows[1:] if row[0] == item.name)
        assert row[1] == str(item.n)
        assert set(row[2:]) == {""}


def test_the_page_tells_how_long_people_were_at_a_question_and_how_often_it_was_shown(
    cast: Cast, version: QuizVersion, as_: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = clock.now()
    for number in range(MINIMUM_PEOPLE):
        person = make_person(f"taker{number}@portal.example")
        with clock.frozen(begun):
            attempt = begin(person, version)
        for position in range(1, queries.count_items(attempt) + 1):
            with clock.frozen(begun + timedelta(seconds=75 * position)):
                answer(attempt, position, right_answer(attempt, position))
        with clock.frozen(begun + timedelta(minutes=9)), own_transaction():
            service.submit_attempt(attempt=attempt, person=person)
    client = as_(cast.author, language="en")
    page = client.get("quizzes.statistics", slug=version.quiz.slug)
    assert page.text.count("1:15(1:15 to 1:15)") == 4, "the four questions that everybody was asked"
    assert f"shown {MINIMUM_PEOPLE} times" in page.text
    assert "Reliability of passing" in page.text
    assert "Shown too often" not in page.text
    monkeypatch.setattr(views, "MOST_SHOWN", MINIMUM_PEOPLE - 1)
    assert "Shown too often" in client.get("quizzes.statistics", slug=version.quiz.slug).text


def test_the_bars_and_their_table_say_the_same(cast: Cast, version: QuizVersion, as_: Any) -> None:
    seat(version, MINIMUM_PEOPLE)
    client = as_(cast.author, language="en")
    page = client.get("quizzes.statistics", slug=version.quiz.slug)
    source = client.client.get(f"/quizzes/{version.quiz.slug}/statistics").text
    drawn = [int(count) for count in re.findall(r'class="chart__number"[^>]*>([0-9]+)<', source)]
    table = page.one("table", class_="chart__table")
    told = [int(each.text or "0") for each in table.iter("td")]
    assert sum(told) == MINIMUM_PEOPLE
    assert [count for count in told if count] == drawn
    assert 'role="img"' in source


def test_a_second_attempt_counts_only_where_all_are_asked_for(cast: Cast, version: QuizVersion, as_: Any) -> None:
    seat(version, MINIMUM_PEOPLE)
    sit(queries.list_unreleased(version.quiz_id)[0].person, version, 3)
    client = as_(cast.author, language="en")
    assert "The first attempts of 10 people" in client.get("quizzes.statistics", slug=version.quiz.slug).text
    assert "11 attempts" in client.get("quizzes.statistics", slug=version.quiz.slug, attempts="all").text


def test_learners_and_leads_of_others_read_no_statistics(cast: Cast, version: QuizVersion, as_: Any) -> None:
    slug = version.quiz.slug
    sit(cast.outsider, version, 3)
    for person in (cast.learner, cast.lead):
        as_(person).get("quizzes.statistics", slug=slug, expect=404)
        as_(person).get("quizzes.export_statistics", slug=slug, expect=404)
        assert not re.search("/statistics", " ".join(as_(person).get("quizzes.show", slug=slug).links()))
    assert f"/quizzes/{slug}/statistics" in as_(cast.author).get("quizzes.show", slug=slug).links()


def test_the_number_of_statements_does_not_grow_with_people(cast: Cast, version: QuizVersion, as_: Any) -> None:
    def statements() -> int:
        client = as_(cast.author, language="en")
        client.get("quizzes.statistics", slug=version.quiz.slug)
        with counted_queries() as counted:
            client.get("quizzes.statistics", slug=version.quiz.slug)
        return len(counted)

    seat(version, MINIMUM_PEOPLE)
    before = statements()
    seat(version, 5, start=MINIMUM_PEOPLE)
    assert statements() == before


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_lead_whose_people_take_a_quiz_reads_how_hard_it_is_and_nothing_of_what_is_right(
    cast: Cast, version: QuizVersion, as_: Any, language: str
) -> None:
    slug = version.quiz.slug
    seat(version, MINIMUM_PEOPLE)
    sit(cast.learner, version, 2)
    client = as_(cast.lead, language=language)
    assert f"/quizzes/{slug}/statistics" in client.get("quizzes.show", slug=slug).links()
    page = client.get("quizzes.statistics", slug=slug)
    sittings = sittings_of(version.quiz_id)
    items = figures_of([each.name for each in sittings.asked], sittings.marks(), sittings.maxima).items
    # What everybody was asked can be wrong of all eleven, or right: such a question tells nobody apart.
    asked, discrimination = next(
        (asked, item.discrimination)
        for asked, item in zip(sittings.asked, items, strict=True)
        if item.n >= MINIMUM_PEOPLE and item.discrimination is not None
    )
    assert f"{asked.bank}/{asked.slug}" in page.text
    assert f"{discrimination:.2f}".replace("-", "−") in page.text
    assert {"en": "not of your people alone", "ja": "受けた全員の集計"}[language] in page.text
    # Titles, choices, rationales: all that the bank keeps to itself holds this word.
    assert SECRET not in page.text
    assert {"en": "What was chosen", "ja": "選ばれた選択肢"}[language] not in page.text
    assert not [href for href in page.links() if href.startswith(("/banks", "/questions"))]
    for person in (cast.learner.name_in("en"), cast.learner.name_in("ja")):
        assert person not in page.text
    table = client.client.get(f"/quizzes/{slug}/statistics.csv").get_data(as_text=True)
    assert asked.name in table
    assert SECRET not in table
    client.get("quizzes.export_statistics", slug=slug, what="choices", expect=404)
    as_(cast.learner).get("quizzes.statistics", slug=slug, expect=404)


def test_a_score_lies_in_one_row_of_the_table_and_points_name_their_greatest(
    cast: Cast, version: QuizVersion, as_: Any
) -> None:
    seat(version, MINIMUM_PEOPLE)
    page = as_(cast.author, language="en").get("quizzes.statistics", slug=version.quiz.slug)
    rows = [each.text for each in page.one("table", class_="chart__table").iter("th") if each.get("scope") == "row"]
    assert rows[7:] == ["70 % to below 80 %", "80 % to below 90 %", "90 % to 100 %"]
    sittings = sittings_of(version.quiz_id)
    greatest = {each.version_id: each.max for each in sittings.asked}
    most = median(sum(greatest[each] for each in row.points) for row in sittings.rows)
    assert page.text.count(f"of the {most:.7g} of a paper") == 2


def test_the_tables_have_the_ranges_the_times_and_how_often_each_choice_was_taken(
    cast: Cast, version: QuizVersion, as_: Any
) -> None:
    seat(version, MINIMUM_PEOPLE)
    client = as_(cast.author, language="en").client
    rows = list(csv.DictReader(io.StringIO(client.get("/quizzes/impersonation/statistics.csv").text.lstrip("\ufeff"))))
    shown = [row for row in rows if row["Facility"]]
    assert shown
    for row in shown:
        low, facility, high = (float(row[f"Facility{end}"]) for end in (", at least", "", ", at most"))
        assert low <= facility <= high
        assert float(row["Times shown"]) >= MINIMUM_PEOPLE
        assert float(row["Median time in seconds"]) >= 0
        assert 0 < float(row["Intended weight"]) < 1
    choices = list(
        csv.DictReader(
            io.StringIO(client.get("/quizzes/impersonation/statistics.csv?what=choices").text.lstrip("\ufeff"))
        )
    )
    first = [row for row in choices if row["Question"] == shown[0]["Question"] and not row["Part"]]
    assert [row["Right answer"] for row in first].count("yes") == 1
    assert sum(float(row["Share of people"]) for row in first) == pytest.approx(1)


def test_a_question_and_its_bank_show_what_results_say_of_it(cast: Cast, version: QuizVersion, as_: Any) -> None:
    seat(version, MINIMUM_PEOPLE)
    sittings = sittings_of(version.quiz_id)
    figures = figures_of([each.name for each in sittings.asked], sittings.marks(), sittings.maxima)
    client = as_(cast.author, language="en")
    listed = client.get("quizzes.bank", slug="impersonation")
    seen = 0
    for asked, item in zip(sittings.asked, figures.items, strict=True):
        page = client.get("quizzes.question", slug=asked.bank, question=asked.slug)
        assert f"/quizzes/impersonation/statistics#q{asked.version_id}" in page.links()
        if item.n < MINIMUM_PEOPLE:
            continue
        seen += 1
        assert item.facility is not None
        edited = client.get("quizzes.edit_question", slug=asked.bank, question=asked.slug)
        for shown in (percent_words(item.facility), number_words(item.discrimination)):
            assert shown in page.text
            assert shown in listed.text
            assert shown in edited.text
        assert f"/quizzes/impersonation/statistics#q{asked.version_id}" in edited.links()
    assert seen
    assert f"n = {MINIMUM_PEOPLE}" in listed.text


def test_a_bank_lists_the_discrimination_of_each_question_and_leads_to_its_figures(
    cast: Cast, version: QuizVersion, as_: Any
) -> None:
    client = as_(cast.author, language="en")

    def cells() -> dict[str, list[str]]:
        listed = client.get("quizzes.bank", slug="impersonation")
        found = {}
        for row in listed.all("tr"):
            told = [cell for cell in row.iter("td") if cell.get("data-label") == "Discrimination"]
            if told:
                links = [link.get("href") or "" for link in told[0].iter("a")]
                found[row.get("id") or ""] = [" ".join("".join(told[0].itertext()).split()), *links]
        return found

    seat(version, MINIMUM_PEOPLE - 1)
    few = cells()
    assert all(len(cell) == 1 and cell[0].startswith("–") for cell in few.values())
    assert any("n = " in cell[0] for cell in few.values())
    seat(version, MINIMUM_PEOPLE, start=50)
    sittings = sittings_of(version.quiz_id)
    figures = figures_of([each.name for each in sittings.asked], sittings.marks(), sittings.maxima)
    listed, statistics = cells(), client.get("quizzes.statistics", slug="impersonation")
    seen = 0
    for asked, item in zip(sittings.asked, figures.items, strict=True):
        if item.n < MINIMUM_PEOPLE:
            continue
        seen += 1
        text, href = listed[asked.slug]
        assert text.startswith(number_words(item.discrimination))
        assert text.endswith(f"n = {item.n}")
        assert href.endswith(f"/quizzes/impersonation/statistics#q{asked.version_id}")
        assert statistics.all("tr", id=f"q{asked.version_id}")
    assert seen


def test_figures_of_a_question_are_those_of_first_attempts_that_count(cast: Cast, version: QuizVersion) -> None:
    seat(version, 4)
    sit(queries.list_unreleased(version.quiz_id)[0].person, version, 3)
    # Who could have read the questions with their key says nothing about them.
    sit(cast.author, version, 3)
    sittings = sittings_of(version.quiz_id)
    assert len(sittings.rows) == 4
    for each in list_in_quizzes([each.version_id for each in sittings.asked]):
        rows = [row for row in sittings.rows if each.version_id in row.points]
        assert each.points == tuple(row.points[each.version_id] for row in rows)
        assert each.totals == pytest.approx([sum(row.points.values()) for row in rows])


def test_each_cell_of_the_figures_names_its_column_where_there_is_little_width(
    cast: Cast, version: QuizVersion, as_: Any
) -> None:
    """A table of eight columns is a card for each question there, so that no figure is out of sight."""
    seat(version, MINIMUM_PEOPLE)
    page = as_(cast.author).get("quizzes.statistics", slug=version.quiz.slug, lang="en")
    tables = [each for each in page.all("table") if each.get("aria-labelledby", "").startswith(("figures", "q"))]
    (figures,) = [each for each in tables if each.get("aria-labelledby") == "figures"]
    headings = [(each.text or "").strip() for each in figures.iter("th") if each.get("scope") == "col"][1:]
    for row in figures.findall("./tbody/tr"):
        cells = row.findall("td")
        assert len(cells) in (2, len(headings))
        if len(cells) == len(headings):
            assert [each.get("data-label") for each in cells] == headings
    for table in tables:
        assert "table--stack" in table.get("class", "")
        assert all(each.get("data-label") or each.get("colspan") for each in table.iter("td"))

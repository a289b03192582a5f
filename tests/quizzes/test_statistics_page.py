"""The page of a quiz's statistics: who may read it, from how many people on, and that its numbers are true."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import pytest

from portal.accounts.models import Person
from portal.core.transaction import own_transaction
from portal.quizzes import queries
from portal.quizzes.models import QuizVersion, Release
from portal.quizzes.queries.statistics import sittings_of
from portal.quizzes.rules.statistics import MINIMUM_PEOPLE, figures_of
from portal.quizzes.service import attempts as service
from tests.builders import Cast, make_person
from tests.queries import counted_queries
from tests.quizzes.builders import ONE_OF_EACH, answer_all, begin, make_quiz

# Four questions that everybody gets, and two of the other four.
BLUEPRINT = [*ONE_OF_EACH, {"bank": "impersonation", "count": 2}]


def sit(person: Person, version: QuizVersion, right: int) -> None:
    attempt = begin(person, version)
    answer_all(attempt, right)
    with own_transaction():
        service.submit_attempt(attempt=attempt, person=person)


@pytest.fixture
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


def test_only_those_who_read_the_key_read_the_statistics(cast: Cast, version: QuizVersion, as_: Any) -> None:
    slug = version.quiz.slug
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

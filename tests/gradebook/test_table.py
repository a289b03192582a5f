"""The gradebook's table: what counts for each learner in each quiz, for exactly those who may see it."""

from __future__ import annotations

import csv
import io
from fractions import Fraction
from typing import Any

import pytest

from portal.accounts.models import Person, Role, Scope
from portal.accounts.service import ownership
from portal.cohorts import service as cohorts
from portal.core.access import allows
from portal.core.db import session
from portal.core.transaction import own_transaction
from portal.gradebook import errors, queries
from portal.gradebook.permissions import SEE_RESULT, ResultOf
from portal.gradebook.queries.table import Asked, gradebook, sight_of
from portal.gradebook.rules import State
from portal.quizzes import queries as quizzes
from portal.quizzes.rules.passing import Counts
from tests.builders import MORNING, Cast, make_grant, make_market, make_person, make_team
from tests.gradebook.builders import ask, decide, take
from tests.queries import counted_queries
from tests.quizzes.builders import make_quiz
from tests.training.builders import make_cohort


def _own(quiz: str, person: Person) -> None:
    with own_transaction():
        ownership.set_owner(kind="quiz", code=quiz, owner=person, by=person)


def _listed(page: Any) -> set[str]:
    """Return the codes of the people to whose results a page leads."""
    return {link.partition("?")[0].rsplit("/", 1)[-1] for link in page.links() if "/gradebook/impersonation/" in link}


def test_a_lead_sees_her_people_and_nobody_beyond(cast: Cast, as_: Any) -> None:
    version = make_quiz(cast.author)
    take(cast.learner, version, None)
    take(cast.outsider, version, 0)
    listed = _listed(as_(cast.lead).get("gradebook.table"))
    assert cast.learner.code in listed
    assert cast.outsider.code not in listed
    for endpoint in ("gradebook.table_csv", "gradebook.quiz_csv"):
        values = {"slug": "impersonation"} if "quiz" in endpoint else {}
        told = as_(cast.lead).fetch(endpoint, **values).get_data(as_text=True)
        assert cast.learner.code in told
        assert cast.outsider.code not in told
    assert as_(cast.lead).fetch("gradebook.result", slug="impersonation", code=cast.learner.code).status_code == 200
    assert as_(cast.lead).fetch("gradebook.result", slug="impersonation", code=cast.outsider.code).status_code == 404
    for name, value in (
        ("q", "Rivera"),
        ("market", "US"),
        ("team", "payments-safety"),
        ("people", "all"),
        ("state", "failed"),
    ):
        assert cast.outsider.code not in _listed(as_(cast.lead).get("gradebook.table", **{name: value}))


def test_the_list_and_the_single_question_agree_about_everybody(cast: Cast) -> None:
    first, second = make_quiz(cast.author), make_quiz(cast.author, slug="second")
    cohort = make_cohort(cast.admin)
    with own_transaction():
        cohorts.add_member(cohort=cohort, person=cast.outsider, by=cast.admin)
    third = make_team("third", make_market("US"))
    for scope, code in (
        (Scope.MARKET, "US"),
        (Scope.TEAM, "payments-safety"),
        (Scope.COHORT, cohort.code),
        (Scope.ORGANISATION, ""),
    ):
        make_grant(make_person(team=third), Role.LEAD, scope, code)
    take(cast.outsider, first, 0)
    _own("impersonation", cast.author)
    session.expire_all()
    everybody = session.query(Person).order_by(Person.id).all()
    for viewer in everybody:
        table = gradebook(sight_of(viewer), Asked(has_left=False))
        seen = {
            (row.person.id, version.quiz_id)
            for row in table.rows
            for cell, version in zip(row.cells, table.columns, strict=True)
            if cell is not None
        }
        for person in everybody:
            for version in (first, second):
                may = allows(viewer, SEE_RESULT, ResultOf(person, version.quiz))
                has_learned = any(grant.role is Role.LEARNER for grant in person.grants)
                if (person.id, version.quiz_id) in seen:
                    assert may, (viewer.sign_in_name, person.sign_in_name, version.quiz.slug)
                elif may:
                    # Whom she may see is only not listed who neither learns nor has sat the quiz.
                    assert not has_learned or viewer.id == cast.author.id, (viewer.sign_in_name, person.sign_in_name)


def test_who_owns_a_quiz_sees_its_results_and_no_other_quiz(cast: Cast, as_: Any) -> None:
    first, second = make_quiz(cast.author), make_quiz(cast.author, slug="second")
    for version in (first, second):
        take(cast.outsider, version, None)
    browser = as_(cast.author)
    assert "No quiz to show" in browser.get("gradebook.table", lang="en").text
    assert browser.fetch("gradebook.quiz", slug="impersonation").status_code == 404
    _own("impersonation", cast.author)
    page = browser.get("gradebook.table", lang="en")
    assert _listed(page) == {cast.outsider.code}
    assert len([link for link in page.links() if f"/{cast.outsider.code}" in link]) == 1
    assert browser.fetch("gradebook.quiz", slug="second").status_code == 404
    # She sees the result, but decides none and reads no transcript.
    place = {"slug": "impersonation", "code": cast.outsider.code}
    assert browser.fetch("gradebook.result", **place).status_code == 200
    assert browser.fetch("gradebook.decide", **place).status_code == 403
    assert browser.fetch("gradebook.transcript_of", code=cast.outsider.code).status_code == 404


@pytest.mark.parametrize("language", ["en", "ja"])
def test_each_cell_says_the_state_in_words_and_which_attempt_counts(cast: Cast, as_: Any, language: str) -> None:
    version = make_quiz(cast.author, wait_hours=0, counts=Counts.LATEST)
    two = (cast.lead, cast.admin)
    for right in (None, 0):
        take(cast.learner, version, right)
    decide(cast.colleague, version, two, Fraction(9, 10))
    decide(cast.approver, version, two)
    page = as_(cast.lead).get("gradebook.table", lang=language)
    for word in {
        "en": ("the latest counts", "Not passed", "0 %", "set by hand", "90 %", "Exempt", "Not started"),
        "ja": ("最新の受験が有効", "不合格", "0%", "手動で設定", "90%", "免除", "未着手"),
    }[language]:
        assert word in page.text, word
    quiz = as_(cast.lead).get("gradebook.quiz", slug="impersonation", lang=language)
    assert "90 %" in quiz.text or "90%" in quiz.text


@pytest.mark.any_database
@pytest.mark.parametrize("language", ["en", "ja"])
def test_which_attempt_counts_is_said_once_for_each_quiz_and_not_in_its_column(
    cast: Cast, as_: Any, language: str
) -> None:
    said = {"en": ("the latest counts", "the highest counts"), "ja": ("最新の受験が有効", "最高得点が有効")}[language]
    version = make_quiz(cast.author, counts=Counts.LATEST)
    take(cast.learner, version, None)
    browser = as_(cast.lead, language=language)
    page = browser.get("gradebook.table")
    assert page.text.count(said[0]) == 1
    make_quiz(cast.author, slug="second", bank=False)
    make_quiz(cast.author, slug="third", bank=False)
    page = browser.get("gradebook.table")
    lines = ["".join(line.itertext()) for line in page.one("ul", id="counting").iter("li")]
    # What holds for most quizzes comes first, and each quiz is named in one line.
    assert [said[1] in lines[0], said[0] in lines[1], len(lines)] == [True, True, 2]
    assert page.one("table", class_="grades").get("aria-describedby") == "counting"
    header = " ".join("".join(cell.itertext()) for cell in page.all("th", class_="grades__quiz"))
    assert not any(words in header for words in said)


def test_the_table_is_narrowed_by_state_and_unknown_values_are_named(cast: Cast, as_: Any) -> None:
    version = make_quiz(cast.author)
    take(cast.learner, version, None)
    take(cast.colleague, version, 0)
    browser = as_(cast.lead)
    assert _listed(browser.get("gradebook.table", state="passed")) == {cast.learner.code}
    assert "was not understood" in browser.get("gradebook.table", state="splendid", lang="en").text


def test_files_hold_no_formula_and_say_what_was_decided(cast: Cast, as_: Any) -> None:
    version = make_quiz(cast.author)
    with own_transaction():
        cast.learner.family_romaji = "=HYPERLINK(1)"
        cast.learner.language = "en"
    decide(cast.learner, version, (cast.lead, cast.admin), Fraction(2, 3), reason="=1+1 is what she wrote.")
    told = as_(cast.lead).fetch("gradebook.quiz_csv", slug="impersonation", lang="en").get_data()
    rows = list(csv.reader(io.StringIO(told.decode("utf-8-sig"))))
    (mine,) = [row for row in rows if row[0] == cast.learner.code]
    assert not any(cell.startswith(("=", "+", "@")) for row in rows for cell in row)
    assert mine[-1] == "'=1+1 is what she wrote."
    assert "set by hand" in mine[4]
    assert mine[5] == "66.6666666667"
    response = as_(cast.lead).fetch("gradebook.table_xlsx")
    assert response.get_data().startswith(b"PK")


def test_the_statements_do_not_grow_with_people_and_quizzes(cast: Cast, as_: Any) -> None:
    version = make_quiz(cast.author)
    browser = as_(cast.lead)

    def count(endpoint: str, **values: Any) -> int:
        for _visit in range(2):
            session.expire_all()
            with counted_queries() as statements:
                browser.get(endpoint, **values)
        return len(statements)

    def counts() -> list[int]:
        table, narrowed = count("gradebook.table"), count("gradebook.table", state="passed")
        return [table, narrowed, count("gradebook.quiz", slug="impersonation")]

    take(cast.learner, version, None)
    before = counts()
    for number in range(6):
        person = make_person(team=cast.lead.team)
        make_grant(person, Role.LEARNER)
        take(person, version, number % 2 or None)
        make_quiz(cast.author, slug=f"more-{number}")
    assert counts() == before


def test_what_waits_is_shown_to_who_can_confirm_it(cast: Cast, as_: Any) -> None:
    version = make_quiz(cast.author)
    asked = ask(cast.learner, version, cast.lead)
    assert "Waiting for a second person" in as_(cast.admin).get("gradebook.table", lang="en").text
    place = {"slug": "impersonation", "code": cast.learner.code}
    lead, admin = as_(cast.lead), as_(cast.admin)
    assert "Somebody else must confirm this" in lead.get("gradebook.result", **place, lang="en").text
    lead.post(
        "gradebook.confirm",
        **place,
        request_code=asked.code,
        expect=errors.NeedsSecondPerson.status,
        page="/transcript",
    )
    admin.post("gradebook.confirm", **place, request_code=asked.code)
    assert queries.find_standing(cast.learner, quizzes.get_quiz("impersonation")).state is State.EXEMPT


@pytest.mark.parametrize(
    ("score", "says"),
    [("85", None), ("85.25 %", None), ("８５", None), ("", "Enter a score"), ("101", "Enter a score"),
     ("-1", "Enter a score"), ("NaN", "Enter a score"), ("1e1", "Enter a score"), ("85.255", "Enter a score")],
)  # fmt: skip
def test_a_score_is_taken_as_people_type_it(cast: Cast, as_: Any, score: str, says: str | None) -> None:
    make_quiz(cast.author)
    place = {"slug": "impersonation", "code": cast.learner.code}
    form = {"wish": "override", "score": score, "reason": "Sat on paper in the other room."}
    if says is None:
        as_(cast.lead).post("gradebook.decide", form, **place)
    else:
        assert says in as_(cast.lead).post("gradebook.decide", form, expect=400, **place, lang="en").text


def test_who_has_left_stays_in_the_gradebook_for_who_asks(cast: Cast, as_: Any) -> None:
    take(cast.learner, make_quiz(cast.author), None)
    with own_transaction():
        cast.learner.deactivated_at = MORNING
    browser = as_(cast.lead)
    assert cast.learner.code not in _listed(browser.get("gradebook.table"))
    assert _listed(browser.get("gradebook.table", people="left")) == {cast.learner.code}
    assert "deactivated" in browser.get("gradebook.transcript_of", code=cast.learner.code, lang="en").text

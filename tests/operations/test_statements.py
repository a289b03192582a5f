"""How many statements the pages take that are asked for most: what is added here is felt on every visit."""

from __future__ import annotations

from typing import Any

from portal.accounts.models import Role
from portal.core import clock
from portal.core.db import session
from portal.core.transaction import own_transaction
from portal.training.service import calendar as feeds
from tests.builders import Cast, make_grant
from tests.page_client import PageClient
from tests.queries import counted_queries
from tests.quizzes import builders as quizzes
from tests.training import builders as training


def _count(browser: PageClient, endpoint: str, **values: Any) -> int:
    # The first visit notes what later ones need not.
    for _visit in range(2):
        session.expire_all()
        with counted_queries() as statements:
            browser.get(endpoint, **values)
    return len(statements)


def test_the_sign_in_page_takes_one_statement(client: PageClient) -> None:
    assert _count(client, "accounts.sign_in") <= 1


def test_the_day_takes_few_statements(cast: Cast, as_: Any) -> None:
    training.load_holidays()
    training.make_documents()
    training.make_quiz()
    make_grant(cast.lead, Role.LEAD)
    with clock.frozen(quizzes.MORNING):
        training.make_enrollment(
            cast.learner, training.make_plan(), cast.admin, cohort=training.make_cohort(cast.admin)
        )
        assert _count(as_(cast.learner), "training.today") <= 15


def test_a_reading_page_takes_few_statements(cast: Cast, as_: Any) -> None:
    training.make_documents()
    # One of them asks her plans what comes before, one what she is asked to confirm.
    assert _count(as_(cast.learner), "library.read", slug="impersonation") <= 11


def test_the_plan_of_a_reader_adds_one_statement(cast: Cast, as_: Any) -> None:
    training.load_holidays()
    training.make_documents()
    training.make_quiz()
    with clock.frozen(quizzes.MORNING):
        # Her unfinished steps are asked for in any case.
        without = _count(as_(cast.learner), "library.read", slug="exposure")
        training.make_enrollment(
            cast.learner, training.make_plan(), cast.admin, cohort=training.make_cohort(cast.admin)
        )
        assert _count(as_(cast.learner), "library.read", slug="exposure") - without == 1


def test_a_page_of_an_attempt_takes_few_statements(cast: Cast, as_: Any) -> None:
    attempt = quizzes.begin(cast.learner, quizzes.make_quiz(cast.author))
    assert _count(as_(cast.learner), "quizzes.attempt", code=attempt.code) <= 5


def test_starting_an_attempt_takes_few_statements(cast: Cast, as_: Any) -> None:
    quizzes.make_quiz(cast.author, blueprint=[{"bank": "impersonation", "count": 5}])
    browser = as_(cast.learner)
    browser.get("quizzes.show", slug="impersonation")
    session.expire_all()
    with counted_queries() as statements:
        browser.post("quizzes.start", slug="impersonation")
    # One for each of its five questions on SQLite, which cannot return the numbers of several rows in their order.
    # Of the bank only what blueprints look at is read, and then the wordings that were drawn, with one more.
    assert len(statements) <= 25, statements


def test_the_calendar_and_its_file_take_few_statements(cast: Cast, as_: Any) -> None:
    training.load_holidays()
    training.make_documents()
    training.make_quiz()
    with clock.frozen(quizzes.MORNING):
        training.make_enrollment(
            cast.learner, training.make_plan(), cast.admin, cohort=training.make_cohort(cast.admin)
        )
        # The person's own calendar is read for the days, her plans' for their dates.
        assert _count(as_(cast.learner), "training.calendar") <= 17
        with own_transaction():
            token = feeds.create_feed(person=session.merge(cast.learner))
        browser = as_(cast.learner)
        for _visit in range(2):
            session.expire_all()
            with counted_queries() as statements:
                assert browser.send("GET", f"/calendar/{token}.ics").status_code == 200
        # The second time there is nothing to note.
        assert len(statements) <= 16, statements


def test_the_page_of_reminders_takes_few_statements(cast: Cast, as_: Any) -> None:
    training.load_holidays()
    training.make_documents()
    training.make_quiz()
    with clock.frozen(quizzes.MORNING):
        training.make_enrollment(
            cast.learner, training.make_plan(), cast.admin, cohort=training.make_cohort(cast.admin)
        )
        assert _count(as_(cast.learner), "reminders.own") <= 24

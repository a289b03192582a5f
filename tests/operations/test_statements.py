"""How many statements the pages take that are asked for most: what is added here is felt on every visit."""

from __future__ import annotations

from typing import Any

from portal.accounts.models import Person, Role
from portal.core import clock
from portal.core.db import session
from portal.core.i18n import Words
from portal.core.transaction import own_transaction
from portal.duties.models import RecurringTask
from portal.duties.rules.cards import Question
from portal.duties.service import cards
from portal.handover.models import Handover
from portal.handover.rules import Stage
from portal.handover.service import items, orphans
from portal.training.service import calendar as feeds
from tests.builders import Cast, make_grant, make_person, make_team
from tests.duties import builders as duties
from tests.handover import builders as handovers
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
        # One of them asks whether there are recurring tasks, cards or handovers.
        assert _count(as_(cast.learner), "reminders.own") <= 25


def test_the_matrix_of_who_can_stand_in_takes_as_many_statements_as_it_has_kinds_of_evidence(
    cast: Cast, as_: Any
) -> None:
    training.load_holidays()
    training.make_documents()
    training.make_quiz()
    with clock.frozen(quizzes.MORNING):
        training.make_enrollment(
            cast.learner, training.make_plan(), cast.admin, cohort=training.make_cohort(cast.admin)
        )
        assert _count(as_(cast.lead), "backfill.matrix", scope="team", code="account-safety") <= 45
        assert _count(as_(cast.learner), "backfill.own") <= 40


# --- What people answer for, and its handover --------------------------------------------------

TASK = "recurring_task"
NO_MORE = {
    "handover.list_handovers": 25,
    # With what is not handed over but settled, who could take over by her roles, and who hands over herself.
    "handover.handover": 33,
    "handover.item": 26,
    "handover.close": 47,
    "handover.dossier": 23,
    "handover.accept_orphans": 13,
    "handover.rehearsals": 20,
    "duties.list_responsibilities": 23,
    "duties.of_person": 10,
    "duties.list_tasks": 10,
    "duties.task": 18,
    "duties.list_cards": 26,
    "duties.card": 13,
    "backfill.of_person": 38,
    "backfill.cell": 39,
    "backfill.own": 43,
}


def _more(cast: Cast, found: Handover | None, size: int) -> tuple[Handover, list[RecurringTask]]:
    """Let the author answer for so many more tasks with runs and cards, each with a successor who has begun or refused.

    Every successor is another person, and so is whoever did a task last.
    """
    tasks, team = [], make_team()
    for number in range(size):
        task = duties.make_task(
            cast.lead,
            owner=cast.author,
            team=team,
            starts_on=handovers.TODAY,
            title=Words(f"T{number}", f"業務{number}"),
        )
        with own_transaction():
            cards.write_card(
                subject=cards.get_subject(TASK, task.code),
                parts={"steps": {"en": f"Step {number}"}},
                questions=[Question("Who?", "She", ("He",))],
                seen=0,
                by=cast.author,
            )
        tasks.append(task)
    handover = found or handovers.begin(cast.author, cast.lead)
    for number, task in enumerate(tasks):
        successor = make_person(team=team)
        with own_transaction():
            items.assign(handover=handover, things=[(TASK, task.code)], successor=successor, by=cast.lead)
        item = handovers.item_of(handover, task.code)
        for stage in (Stage.SHADOW, Stage.REVERSE_SHADOW):
            with own_transaction():
                items.record_evidence(item=item, stage=stage, done_on=handovers.TODAY, words="Seen", by=successor)
        if number % 2:
            with own_transaction():
                items.refuse(item=item, reason="No time", by=successor)
        with own_transaction():
            orphans.accept(person=cast.author, things=[(TASK, task.code)], reason="No need", by=cast.admin)
    return handover, tasks


def test_pages_of_what_somebody_answers_for_take_no_more_statements_for_more_of_it(cast: Cast, as_: Any) -> None:
    training.load_holidays()
    make_grant(cast.lead, Role.LEAD)
    with clock.frozen(handovers.at(handovers.TODAY)):
        found, tasks = _more(cast, None, 2)
        code, item = tasks[0].code, handovers.item_of(found, tasks[0].code).code
        pages: dict[str, tuple[Person, dict[str, Any]]] = {
            "handover.list_handovers": (cast.lead, {}),
            "handover.handover": (cast.lead, {"code": found.code}),
            "handover.item": (cast.lead, {"item": item}),
            "handover.close": (cast.lead, {"code": found.code}),
            "handover.dossier": (cast.lead, {"code": found.code}),
            "handover.accept_orphans": (cast.lead, {"code": cast.author.code}),
            "handover.rehearsals": (cast.lead, {}),
            "duties.list_responsibilities": (cast.lead, {}),
            "duties.of_person": (cast.lead, {"code": cast.author.code}),
            "duties.list_tasks": (cast.lead, {}),
            "duties.task": (cast.lead, {"code": code}),
            "duties.list_cards": (cast.lead, {}),
            "duties.card": (cast.lead, {"kind": TASK, "thing": code}),
            "backfill.of_person": (cast.lead, {"code": cast.author.code}),
            "backfill.cell": (cast.lead, {"code": cast.author.code, "kind": TASK, "thing": code}),
            "backfill.own": (cast.author, {}),
        }
        assert pages.keys() == NO_MORE.keys()
        browsers = {person.id: as_(person) for person, _values in pages.values()}

        def counts() -> dict[str, int]:
            return {name: _count(browsers[person.id], name, **values) for name, (person, values) in pages.items()}

        before = counts()
        assert {name: count for name, count in before.items() if count > NO_MORE[name]} == {}
        _more(cast, found, 10)
        after = counts()
        assert {name: (before[name], count) for name, count in after.items() if count > before[name]} == {}

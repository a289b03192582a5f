"""The demo organisation looks lived in on every day of the year."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask

from portal.accounts import queries as accounts
from portal.accounts.models import Person
from portal.accounts.queries import Standing, standing_of
from portal.core import clock
from portal.core.i18n import force_locale
from portal.core.transaction import own_transaction
from portal.operations import demo
from portal.training import queries as training
from portal.training.rules import StepState
from tests.beginnings import beginning
from tests.page_client import PageClient

# A working day, a Sunday before a holiday, the middle of the company's winter days.
DAYS = [date(2026, 4, 16), date(2026, 11, 22), date(2026, 12, 31)]

# After the Sunday comes Labour Thanksgiving Day; after the winter days the first Monday of the year.
NEXT_WORKING_DAY = {date(2026, 11, 22): date(2026, 11, 24), date(2026, 12, 31): date(2027, 1, 4)}
SAID = {
    True: {"en": "Working day 1 of 10", "ja": "全10営業日のうち1日目"},
    False: {"en": "The first steps are open already.", "ja": "1日目の項目には、もう取り組めます。"},
}


@beginning
def load(day: date) -> dict[str, Person]:
    with own_transaction():
        assert demo.load(day)
    return {person.sign_in_name.partition("@")[0]: person for person in accounts.list_people(limit=None)}


@pytest.mark.parametrize("day", [DAYS[0], *(pytest.param(day, marks=pytest.mark.any_database) for day in DAYS[1:])])
def test_whenever_the_demo_is_loaded_the_first_learner_begins_and_nothing_is_overdue(app: Flask, day: date) -> None:
    noon = demo.moment_of(day, 12)
    with clock.frozen(noon):
        people = load(day=day)
        client = PageClient(app, people["yui.takahashi"])
        begins = NEXT_WORKING_DAY.get(day, day)
        for here, said in SAID[begins == day].items():
            text = client.get("training.today", lang=here).text
            assert said in text
            assert "Overdue" not in text
            assert "期限超過" not in text
        (enrollment,) = training.list_enrollments_of(people["yui.takahashi"].id)
        assert enrollment.starts_on == begins
        assert enrollment.enrolled_at <= noon
        standing = training.standing_of(enrollment)
        # The first step can be done at once, whatever the day.
        assert standing.statuses["statement"].state is StepState.OPEN
        assert not standing.progress.overdue


def test_a_lead_sees_people_who_are_done_late_waiting_and_never_seen(app: Flask) -> None:
    day = date(2026, 4, 16)
    with clock.frozen(demo.moment_of(day, 12)):
        people = load(day=day)
        states: dict[str, set[Any]] = {}
        for name in (trainee.name for trainee in demo.COHORT):
            (enrollment,) = training.list_enrollments_of(people[name].id)
            standing = training.standing_of(enrollment)
            states[name] = {status.state for status in standing.statuses.values()}
            if any(
                standing.due_on(step.slug) < day and standing.statuses[step.slug].state is not StepState.DONE
                for step in standing.steps
            ):
                states[name].add("late")
        assert states["abe.sho"] == {StepState.DONE}
        assert any("late" in found for found in states.values())
        assert any(StepState.WAITING in found for found in states.values())
        # Who has finished a plan has been here; only the one who never came is still invited.
        invited = [name for name, person in people.items() if standing_of(person) is Standing.INVITED]
        assert invited == ["yoshida.kaho"]
        for name, person in people.items():
            newcomer = name in (*demo.NEWCOMERS, "yoshida.kaho")
            assert (person.last_seen_at is None) is newcomer, name
            assert person.last_seen_at is None or person.last_seen_at < clock.now() - timedelta(hours=12)


def test_a_start_mail_names_the_first_steps_and_is_not_sent_to_those_in_the_middle(app: Flask, tmp_path: Any) -> None:
    from portal.training.emails import plan_started

    day = date(2026, 4, 16)
    with clock.frozen(demo.moment_of(day, 12)):
        people = load(day=day)
        built = {}
        for name in ("yui.takahashi", "yoshida.kaho", "emma.larsen", "kim.minseo"):
            (enrollment,) = training.list_enrollments_of(people[name].id)
            built[name] = plan_started(enrollment.code)
    assert built["emma.larsen"] is None
    assert built["kim.minseo"] is None
    for name in ("yui.takahashi", "yoshida.kaho"):
        mail = built[name]
        assert mail is not None
        with force_locale("en"):
            assert "Exposure and wellbeing statement" in str(mail.values["steps"][0]["title"])

"""The demo organisation looks lived in on every day of the year."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from portal import wiring
from portal.accounts import queries as accounts
from portal.accounts.models import Person
from portal.accounts.queries import Standing, standing_of
from portal.calendars import queries as calendars
from portal.cohorts.models import Cohort
from portal.core import clock
from portal.core.db import Base, session
from portal.core.i18n import force_locale
from portal.core.transaction import own_transaction
from portal.journal.models import JournalEntry
from portal.operations import demo, doctor
from portal.organisation import queries as organisation
from portal.reports import queries as reports
from portal.reports.queries import lead as mornings
from portal.reports.rules import Risk
from portal.training import queries as training
from portal.training.models import Enrollment
from portal.training.queries import Standing as Way
from portal.training.queries import catalogue, signing, step_results
from portal.training.rules import StepKind, StepState
from tests.conftest import empty
from tests.demo import DAY, load_demo
from tests.page_client import PageClient

# A working day, a Sunday within Golden Week, the middle of the company's winter days.
DAYS = [DAY, date(2026, 5, 3), date(2026, 12, 31)]
_OTHERS = [pytest.param(day, marks=pytest.mark.any_database) for day in DAYS[1:]]

# After the Sunday come three holidays; after the winter days the first Monday of the year.
NEXT_WORKING_DAY = {date(2026, 5, 3): date(2026, 5, 7), date(2026, 12, 31): date(2027, 1, 4)}
SAID = {
    True: {"en": "Working day 1 of 10", "ja": "全10営業日のうち1日目"},
    False: {"en": "The first steps are open already.", "ja": "1日目の項目には、もう取り組めます。"},
}
PLAN = "account-safety-practice"


def practising(people: dict[str, Person]) -> dict[str, Way]:
    """Return how each of the twenty stands in the plan of those who practise."""
    plan = catalogue.get_plan(PLAN)
    mine = session.scalars(select(Enrollment).where(Enrollment.plan_id == plan.id).order_by(Enrollment.id)).all()
    names = {people[story.name].id: story.name for story in demo.PRACTISING}
    return {names[each.enrollment.person_id]: each for each in training.standings(mine)}


def cohort() -> Cohort:
    return session.scalars(select(Cohort).where(Cohort.code.like("practice-%"))).one()


@pytest.mark.parametrize("day", [DAYS[0], *_OTHERS])
def test_whenever_the_demo_is_loaded_the_first_learner_begins_and_nothing_is_overdue(app: Flask, day: date) -> None:
    noon = demo.moment_of(day, 12)
    with clock.frozen(noon):
        people = load_demo(day=day)
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


@pytest.mark.parametrize("day", [DAYS[0], *_OTHERS])
def test_whenever_the_demo_is_loaded_the_same_stories_have_happened_on_working_days(app: Flask, day: date) -> None:
    with clock.frozen(demo.moment_of(day, 12)):
        people = load_demo(day=day)
        standings = practising(people)
        done = {name: set(each.completions) for name, each in standings.items()}
        late = {name for name, each in standings.items() if each.progress.overdue and each.enrollment.is_open}
        assert len(done["aoki.haruka"]) == len(done["vaananen.aino"]) == 5
        assert done["brandt.friederike"] == {"case-circle", "ten-audits", "quiz-impersonation", "quiz-audit"}
        assert late == {
            "choi.yuna", "doi.katsuya", "li.wei", "matsuzaki.yu", "teshigawara.kaoruko", "uchida.kenjiro",
        }  # fmt: skip
        japan = organisation.get_market("JP")
        calendar = calendars.working_calendar(japan)
        # The organisation is founded before anything is known of its calendar, the newest cohort begins on the day.
        founded = session.scalars(select(JournalEntry.at).order_by(JournalEntry.id).limit(1)).one().date()
        acted = {clock.local_date(at, demo.ZONE) for at in session.scalars(select(JournalEntry.at))}
        assert {on for on in acted if not calendar.is_working_day(on)} <= {founded, day}


def test_the_twenty_show_what_can_happen_to_people(app: Flask) -> None:
    with clock.frozen(demo.moment_of(DAY, 12)):
        people = load_demo(day=DAY)
        standings = practising(people)
        progress = {name: each.progress for name, each in standings.items()}
        states = {name: {slug: each.state for slug, each in way.statuses.items()} for name, way in standings.items()}

        assert progress["doi.katsuya"].overdue == 2
        assert standings["hasegawa.takahiro"].pause is not None
        assert standings["igarashi.momoko"].due_on("ten-audits") > DAY
        assert standings["igarashi.momoko"].progress.overdue == 0
        assert standings["jimenez.maria"].starts_on > standings["doi.katsuya"].starts_on
        assert standings["kuwabara.shun"].enrollment.ended_reason
        assert states["li.wei"]["ten-audits"] is StepState.OPEN
        assert states["choi.yuna"]["ten-audits"] is StepState.WAITING
        assert states["brandt.friederike"]["own-queue"] is StepState.WAITING
        assert [each.first_on for each in calendars.list_leave(people["fukusaki.nozomi"].id)] == [date(2026, 4, 27)]

        gates = {
            name: step_results.gate_figures(each.enrollment, training.get_step(each.enrollment, "own-queue"))
            for name, each in standings.items()
        }
        assert gates["brandt.friederike"].is_reached
        assert (gates["nguyen.minh-khai"].n, gates["nguyen.minh-khai"].missing_questions) == (8, 8)
        assert not gates["okonkwo.adaeze"].not_passed
        assert not gates["okonkwo.adaeze"].is_reached

        # The lead signs gates off, the mentor accepts what was handed in.
        waiting = {
            name: {(each.step.kind, each.standing.enrollment.person.sign_in_name.partition("@")[0]) for each in found}
            for name in ("sato.ken", "kobayashi.mei")
            for found in [signing.list_waiting_for(people[name])]
        }
        assert (StepKind.GATE, "brandt.friederike") in waiting["sato.ken"]
        assert (StepKind.TASK, "choi.yuna") in waiting["kobayashi.mei"]


def test_the_leads_page_of_the_twenty_is_full_of_reasons_and_one_clause_points_at_the_policy(app: Flask) -> None:
    with clock.frozen(demo.moment_of(DAY, 12)):
        people = load_demo(day=DAY)
        following = reports.follow(cohort())
        assert len(following.people) + 1 == len(demo.PRACTISING), "all but the one who left"
        first, *others = mornings.clause_figures(following, viewer_id=people["sato.ken"].id)
        assert (first.document, first.anchor) == ("impersonation", "notice")
        assert first.missed.points_at_policy
        assert len(others) >= 10

        morning = mornings.morning(following, viewer_id=people["sato.ken"].id)
        risks = {each.follower.person_id: {reason.risk for reason in each.reasons} for each in morning.at_risk}
        assert Risk.OVERDUE in risks[people["doi.katsuya"].id]
        assert Risk.FAILED_TRIES in risks[people["eguchi.sayaka"].id]
        assert Risk.IDLE in risks[people["teshigawara.kaoruko"].id]
        assert people["aoki.haruka"].id not in risks


@pytest.mark.parametrize("language", ["en", "ja"])
def test_every_list_of_the_lead_has_something_in_it(app: Flask, language: str) -> None:
    with clock.frozen(demo.moment_of(DAY, 12)):
        people = load_demo(day=DAY)
        client = PageClient(app, people["sato.ken"], language=language)
        code = cohort().code
        for endpoint, values in (
            ("reports.list_cohorts", {}),
            ("reports.cohort", {"code": code}),
            ("reports.cohort", {"code": code, "plan": "account-safety-calibration"}),
            ("reports.cohort_clauses", {"code": code}),
            ("training.list_learners", {}),
            ("training.list_sessions", {}),
            ("training.list_sign_offs", {}),
        ):
            page = client.get(endpoint, **values)
            assert not page.all("div", class_="empty"), endpoint


def test_the_days_to_come_have_a_session_each_for_the_calendar_and_an_event(app: Flask) -> None:
    with clock.frozen(demo.moment_of(DAY, 12)):
        people = load_demo(day=DAY)
        client = PageClient(app, people["matsuzaki.yu"])
        text = client.get("training.calendar").text
        assert "事例検討会" in text
        assert "判定と比較" in text
        events = training.list_days_of_cohort(cohort())
        assert [on for (_plan, _slug), on in events.items()] == [date(2026, 4, 22)]


@pytest.mark.any_database
def test_the_same_day_gives_the_same_rows_but_for_secrets(app: Flask) -> None:
    load_demo(day=DAY)
    first = _rows()
    session.remove()
    empty()
    with clock.frozen(demo.moment_of(DAY, 12)), own_transaction():
        assert demo.load(DAY)
    assert _rows() == first


# What holds a secret or is computed from one; a certificate's code is one, and stands in what it was issued on.
_SECRET = {
    "people": {"password_hash"},
    "sign_in_sessions": {"token_hash"},
    "certificates": {"code", "snapshot", "snapshot_sha256"},
    "seals": {"digest"},
    "journal_entries": {"previous_hash", "hash", "sealed"},
    "journal_heads": {"hash"},
}


def _rows() -> dict[str, list[tuple[Any, ...]]]:
    session.rollback()
    found = {}
    for table in Base.metadata.sorted_tables:
        kept = [column for column in table.columns if column.name not in _SECRET.get(table.name, ())]
        rows = session.execute(select(*kept).order_by(*table.primary_key.columns)).all()
        found[table.name] = [_without_certificate(table.name, row._mapping) for row in rows]
    return found


def _without_certificate(table: str, row: Any) -> tuple[Any, ...]:
    """Return a row without the hash of what a certificate was issued on."""
    if table == "journal_entries" and row["action"] == "certificates.issued":
        return tuple(value for name, value in row.items() if name != "after")
    return tuple(row.values())


def test_the_doctor_finds_nothing_wrong_with_the_demo(app: Flask) -> None:
    with clock.frozen(demo.moment_of(DAY, 12)):
        load_demo(day=DAY)
        session.rollback()
        # Mail and certificates wait for the worker, which is not running here.
        sound = {name: check for name, check in wiring.INVARIANTS.items() if not name.startswith("I12 ")}
        assert {name: found for name, found in doctor.examine(sound).items() if found} == {}


def test_a_day_on_which_the_policies_were_not_in_force_is_refused_with_the_earliest(app: Flask) -> None:
    answer = app.test_cli_runner().invoke(args=["demo", "load", "--date", "2026-04-15"])
    assert answer.exit_code == 1
    assert "2026-04-16" in answer.output
    assert not accounts.has_people()


def test_a_lead_sees_people_who_are_done_late_waiting_and_never_seen(app: Flask) -> None:
    day = DAY
    with clock.frozen(demo.moment_of(day, 12)):
        people = load_demo(day=day)
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

    with clock.frozen(demo.moment_of(DAY, 12)):
        people = load_demo(day=DAY)
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

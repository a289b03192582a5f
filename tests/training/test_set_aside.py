"""Declining the statement of what the work can bring: what is set aside, who is told, and who never is."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask, url_for
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from werkzeug.exceptions import HTTPException

from portal.accounts.models import Person, Role, Scope
from portal.acknowledgements.errors import NotDeclinable
from portal.acknowledgements.models import ExposureDecline
from portal.acknowledgements.service.exposure import decline, end_aside, set_aside, take_back
from portal.calendars.queries import working_calendar
from portal.core import clock, jobs
from portal.core.db import session
from portal.core.transaction import own_transaction
from portal.journal.models import JournalEntry
from portal.library.models import Document
from portal.organisation.rules import EXPOSURE_STATEMENT
from portal.organisation.service import change_settings
from portal.reminders.service.of_training import TrainingDue
from portal.reminders.service.sources import Recipient
from portal.reports.queries import cohort_report
from portal.training import queries, rules
from portal.training.models import Enrollment
from portal.training.rules import Aside, StepShape, StepState, StepStatus
from portal.training.service.calendar import dates_of
from tests.acknowledgements.test_mails import mails
from tests.beginnings import beginning
from tests.builders import Cast, make_grant, make_person
from tests.queries import counted_queries
from tests.training.builders import (
    acknowledge,
    load_holidays,
    make_cohort,
    make_documents,
    make_enrollment,
    make_plan,
    make_quiz,
)
from tests.training.test_training import document
from tests.volume import at_night

MORNING = datetime(2026, 4, 28, 1, 0, tzinfo=UTC)
LATER = datetime(2026, 5, 20, 1, 0, tzinfo=UTC)
LANGUAGES = ("en", "ja")
WHERE = {"slug": "exposure", "number": "1.0"}


@pytest.fixture
@beginning
def _documents(cast: Cast) -> None:
    with clock.frozen(MORNING):
        load_holidays()
        make_documents()
        make_quiz()
        make_grant(cast.outsider, Role.WELLBEING_CONTACT)
        with own_transaction():
            change_settings(values={EXPOSURE_STATEMENT: "exposure"}, by=cast.admin)
            session.scalars(select(Document).where(Document.slug == "impersonation")).one().sensitivity = "S2"


@pytest.fixture(autouse=True)
def _start_of_the_plan(_documents: None) -> Iterator[None]:
    with clock.frozen(MORNING):
        yield


@pytest.fixture
@beginning
def enrollment(cast: Cast) -> Enrollment:
    return make_enrollment(cast.learner, make_plan(), cast.admin, cohort=make_cohort(cast.admin))


def declines(person: Person) -> ExposureDecline:
    with own_transaction():
        return decline(version=document("exposure"), by=person)


def states(enrollment: Enrollment) -> dict[str, StepState]:
    session.expire_all()
    return {slug: each.state for slug, each in queries.standing_of(enrollment, own=True).statuses.items()}


def test_the_statement_and_what_rests_on_strong_material_are_set_aside_and_everything_else_goes_on(
    cast: Cast, enrollment: Enrollment
) -> None:
    assert states(enrollment)["talk"] is StepState.LOCKED
    declines(cast.learner)
    now = states(enrollment)
    # The quiz asks about the text of level S2, and the audit comes after it; the talk waits for the statement alone.
    aside = {slug for slug, state in now.items() if state is StepState.SET_ASIDE}
    assert aside == {"statement", "read", "quiz", "audit"}
    assert (now["talk"], now["more"]) == (StepState.WAITING, StepState.OPEN)
    for step in enrollment.version.steps:
        assert queries.state_of(enrollment, step, own=True) is now[step.slug]
    with own_transaction():
        take_back(by=cast.learner)
    assert states(enrollment)["statement"] is StepState.OPEN
    assert StepState.SET_ASIDE not in states(enrollment).values()


def test_what_is_set_aside_is_never_late_nor_expected_and_the_plan_is_not_complete_without_it(
    cast: Cast, enrollment: Enrollment
) -> None:
    with clock.frozen(LATER):
        before = queries.standing_of(enrollment).progress
        declines(cast.learner)
        session.expire_all()
        standing = queries.standing_of(enrollment, own=True)
        assert not any(standing.statuses[slug].is_late for slug in ("statement", "read", "quiz", "audit"))
        assert standing.progress.total == before.total
        assert standing.progress.overdue == 1
        assert not standing.progress.is_complete
        dated = {each.uid.removeprefix(f"{enrollment.lasting_code}-") for each in dates_of(cast.learner, [standing])}
        assert dated == {"talk", "more"}
        assert enrollment.cohort is not None
        report = cohort_report(enrollment.cohort)
        (row,) = report.rows
        # To others the statement looks as if she had not answered it, and so does what comes after it.
        seen = {slug: cell.status for slug, cell in row.cells.items()}
        assert seen == dict(queries.standing_of(enrollment).statuses)
        assert seen["statement"] == StepStatus(StepState.OPEN, is_late=True)
        assert (seen["talk"].state, seen["talk"].missing) == (StepState.LOCKED, ("statement",))


def test_confirming_the_statement_takes_the_decline_back_and_it_can_be_declined_again(
    cast: Cast, enrollment: Enrollment, as_: Any
) -> None:
    declines(cast.learner)
    browser = as_(cast.learner)
    page = browser.get("library.read", slug="exposure")
    form = {"agree": "y", "shown_language": page.one("input", name="confirmation_shown_language").get("value")}
    browser.post("acknowledgements.acknowledge", {f"confirmation_{k}": v for k, v in form.items()}, **WHERE, expect=303)
    assert states(enrollment)["read"] is StepState.OPEN
    first = session.scalars(select(ExposureDecline)).one()
    assert first.taken_back_at is not None
    declines(cast.learner)
    # Whoever has confirmed it finds both ways, there and back.
    for page in (browser.get("library.read", slug="exposure"), browser.get("acknowledgements.decline", **WHERE)):
        assert page.all("form", action="/wellbeing/declined/take-back")
    # What was confirmed stays so; what has strong material is set aside.
    assert states(enrollment)["statement"] is StepState.DONE
    assert states(enrollment)["read"] is StepState.SET_ASIDE
    assert len(list(session.scalars(select(ExposureDecline)))) == 2


def test_a_second_press_and_a_second_tab_note_it_once(cast: Cast, enrollment: Enrollment, as_: Any) -> None:
    browser = as_(cast.learner)
    browser.post("acknowledgements.note_decline", {}, **WHERE, expect=303)
    browser.post("acknowledgements.note_decline", {}, **WHERE, expect=303)
    assert len(list(session.scalars(select(ExposureDecline)))) == 1
    browser.post("acknowledgements.take_decline_back", {}, expect=303)
    browser.post("acknowledgements.take_decline_back", {}, expect=303)
    assert session.scalars(select(ExposureDecline)).one().taken_back_at is not None


# What changes with every look.
_CHANGING = re.compile(r'<(?:input[^>]+name="(?:csrf_token|form_key)"|meta name="csrf)[^>]*>')
# Of a person's own browsers, and of work done in the background, of which the list says "Mail" and not what about.
_LEFT_OUT = re.compile(r"/(static|_ui|language|sign-out|jobs|account)\b")


def everything(app: Flask, browser: Any, *beginnings: str) -> dict[str, str]:
    """Return each kind of page, table and calendar that somebody reaches by links."""
    found: dict[str, str] = {}
    # Of each kind one, and those to begin with: there are as many documents and days as one likes.
    kinds: set[str] = set()
    with app.test_request_context():
        routes = app.url_map.bind("localhost")
        ways = [*beginnings, url_for("training.today")]
    while ways:
        way = ways.pop(0)
        if way in found or "switch=" in way or _LEFT_OUT.match(way):
            continue
        try:
            kind = routes.match(way.split("?")[0], method="GET")[0]
        except HTTPException:
            continue
        if kind in kinds and way not in beginnings:
            continue
        kinds.add(kind)
        answer = browser.client.get(way, headers={"Accept": "text/html"})
        # A workbook holds the moment at which it was packed.
        is_text = answer.mimetype.startswith("text/")
        body = answer.get_data().decode(errors="replace") if is_text else answer.mimetype
        found[way] = f"{answer.status_code}\n" + _CHANGING.sub("", body)
        if answer.mimetype == "text/html":
            ways += [html.unescape(link).split("#")[0] for link in re.findall(r'href="(/[^"]*)"', body)]
    return found


def seen_by_others(app: Flask, as_: Any, people: Mapping[str, Person], enrollment: Enrollment) -> dict[str, str]:
    """Return all that these people can look at about a learner, and what reminders tell them."""
    found: dict[str, str] = {}
    with app.test_request_context():
        code = enrollment.code
        own = [
            url_for("training.path", code=code),
            url_for("training.list_sign_offs"),
            url_for("reports.cohort", code="jp-2026-04"),
            *(url_for("training.sign_off", code=code, slug=slug) for slug in ("talk", "audit")),
        ]
    for name, person in people.items():
        for way, page in everything(app, as_(person), *own).items():
            found[f"{name} {way}"] = page
        today = clock.today(person.time_zone)
        recipient = Recipient(person, today, today, working_calendar(person.home_market, person.id))
        for item in TrainingDue().items_for([recipient]).get(person.id, ()):
            found[f"{name} reminder {item.key} {item.values} {item.due_on} {item.concern}"] = str(item.what)
    return found


@pytest.mark.parametrize(("is_strong", "has_answered"), at_night([(True, False)], [(False, False)]))
def test_nobody_can_tell_who_declines_from_who_has_not_answered_or_is_spared_by_the_wellbeing_contact(
    app: Flask, cast: Cast, enrollment: Enrollment, as_: Any, is_strong: bool, has_answered: bool
) -> None:
    make_grant(cast.colleague, Role.MENTOR, Scope.COHORT, "jp-2026-04")
    auditor = make_person("auditor@portal.example")
    make_grant(auditor, Role.AUDITOR)
    people = {
        "lead": cast.lead, "mentor": cast.colleague, "auditor": auditor, "admin": cast.admin, "author": cast.author,
    }  # fmt: skip
    contact, learner = cast.outsider, cast.learner
    with own_transaction():
        slug = "impersonation"
        session.scalars(select(Document).where(Document.slug == slug)).one().sensitivity = "S2" if is_strong else "S0"
    if has_answered:
        acknowledge(learner, document("exposure"))
    jobs.run_due()
    with clock.frozen(LATER):
        if is_strong:
            # What the contact sets aside says nothing of the statement.
            with own_transaction():
                set_aside(person=learner, level="S2", until_on=None, by=contact)
        before = seen_by_others(app, as_, people, enrollment)
        with own_transaction():
            end_aside(person=learner, by=contact)
        declines(learner)
        session.expire_all()
        after = seen_by_others(app, as_, people, enrollment)
        talk = next(step for step in enrollment.version.steps if step.slug == "talk")
        assert queries.can_be_judged(enrollment, talk)
    assert len(before) > 100, len(before)
    assert before.keys() == after.keys()
    assert [way for way, page in before.items() if after[way] != page] == []


def test_what_comes_after_the_statement_is_ended_whether_somebody_has_answered_or_declines(
    cast: Cast, enrollment: Enrollment, as_: Any
) -> None:
    where = {"code": enrollment.code, "slug": "talk"}
    asked = as_(cast.lead).get("training.sign_off", **where)
    declines(cast.learner)
    shown = as_(cast.lead).get("training.sign_off", **where)
    assert [each.get("value") for each in shown.all("button")] == [each.get("value") for each in asked.all("button")]
    form = {"act": "sign_off", "statement": "We have talked about the first weeks."}
    as_(cast.lead).post("training.sign_off", form, **where, expect=303)
    assert states(enrollment)["talk"] is StepState.DONE


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_wellbeing_contact_is_told_by_mail_and_on_a_list_and_nobody_else_is(
    app: Flask, cast: Cast, enrollment: Enrollment, as_: Any, language: str
) -> None:
    # What the enrollment itself owes is out of the way.
    jobs.run_due()
    earlier = [each for person in session.scalars(select(Person)) for each in mails(app, person)]
    before = session.scalar(select(JournalEntry.id).order_by(JournalEntry.id.desc()).limit(1))
    learner = as_(cast.learner, language=language)
    page = learner.get("library.read", slug="exposure")
    assert any(link.endswith("/exposure/versions/1.0/decline") for link in page.links())
    page = learner.get("acknowledgements.decline", **WHERE)
    assert cast.outsider.name_in(language) in page.text
    learner.post("acknowledgements.note_decline", {}, **WHERE, expect=303)
    jobs.run_due()
    told_to = [each["To"] for person in session.scalars(select(Person)) for each in mails(app, person)]
    assert len(told_to) == len(earlier) + 1
    assert len(mails(app, cast.outsider)) == 1
    name = cast.learner.name_in(language)
    assert name in as_(cast.outsider, language=language).get("acknowledgements.list_declined").text
    for viewer in (cast.lead, cast.author, cast.admin, cast.colleague):
        as_(viewer).get("acknowledgements.list_declined", expect=403)
    said = list(session.scalars(select(JournalEntry).where(JournalEntry.id > (before or 0))))
    assert said == []
    word = {"en": "Set aside", "ja": "保留中"}[language]
    told = {"en": "Declined since", "ja": "辞退中"}[language]
    shown = as_(cast.lead, language=language).get("training.path", code=enrollment.code)
    assert word in shown.text
    assert told not in shown.text
    matrix = as_(cast.lead, language=language).get("reports.cohort", code="jp-2026-04")
    assert word in matrix.text
    owed = [each for each in jobs.list_jobs() if "acknowledgements.declined" in each.effect_key]
    assert owed
    assert not [each for each in jobs.describe(owed).values() if name in str(each)]
    assert told in learner.get("library.read", slug="exposure").text
    learner.post("acknowledgements.take_decline_back", {}, expect=303)
    jobs.run_due()
    assert len(mails(app, cast.outsider)) == 2


def test_what_binds_everybody_is_not_declined(cast: Cast, enrollment: Enrollment, as_: Any) -> None:
    with pytest.raises(NotDeclinable), own_transaction():
        decline(version=document("impersonation"), by=cast.learner)
    as_(cast.learner).get("acknowledgements.decline", slug="impersonation", number="1.0", expect=404)
    as_(cast.learner).post("acknowledgements.note_decline", {}, slug="background", number="1.0", expect=404)
    page = as_(cast.learner).get("library.read", slug="impersonation")
    assert not [link for link in page.links() if link.endswith("/decline")]


def test_the_bases_of_many_cost_no_statement_more(cast: Cast, enrollment: Enrollment) -> None:
    def standing() -> None:
        session.expire_all()
        queries.standing_of(enrollment)

    with counted_queries() as before:
        standing()
    declines(cast.learner)
    with counted_queries() as after:
        standing()
    assert len(after) == len(before)


shapes = st.lists(st.integers(0, 5), min_size=1, max_size=8).map(
    lambda before: [
        StepShape(f"s{number}", number, prerequisites=tuple(f"s{each}" for each in {least} if each < number))
        for number, least in enumerate(before)
    ]
)


@given(steps=shapes, data=st.data())
def test_a_step_is_set_aside_just_when_it_or_something_before_it_is(steps: list[StepShape], data: Any) -> None:
    """Against walking every way back step by step."""
    slugs = [step.slug for step in steps]
    held = frozenset(data.draw(st.sets(st.sampled_from(slugs))))
    declined = frozenset(data.draw(st.sets(st.sampled_from(slugs)))) - held
    plan = {step.slug: step for step in steps}

    def comes_after(slug: str) -> bool:
        return any(each in held or comes_after(each) for each in plan[slug].prerequisites)

    aside = Aside(declined, held)
    for slug, step in plan.items():
        state, _missing = rules.state_of(step, plan, (), aside=aside)
        assert (state is StepState.SET_ASIDE) is (slug in held or slug in declined or comes_after(slug))

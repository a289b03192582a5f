"""What a wellbeing contact sets aside for somebody: by level, with an end or without, known to the two alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from portal.accounts.models import Person, Role
from portal.acknowledgements.errors import DeclinesNoMore, LevelUnknown, UntilIsPast
from portal.acknowledgements.models import MaterialAside
from portal.acknowledgements.service import exposure
from portal.core import clock, jobs
from portal.core.db import session
from portal.core.transaction import own_transaction
from portal.journal.models import JournalEntry
from portal.library.models import Document
from portal.organisation.rules import EXPOSURE_STATEMENT
from portal.organisation.service import change_settings
from portal.training import queries
from portal.training.models import Enrollment
from portal.training.rules import StepState
from tests.acknowledgements.test_mails import mails
from tests.beginnings import beginning
from tests.builders import Cast, make_grant
from tests.training.builders import load_holidays, make_cohort, make_documents, make_enrollment, make_plan, make_quiz
from tests.training.test_training import document

MORNING = datetime(2026, 4, 28, 1, 0, tzinfo=UTC)
LANGUAGES = ("en", "ja")


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


def aside(person: Person, by: Person, level: str = "S2", until: date | None = None) -> MaterialAside:
    with own_transaction():
        return exposure.set_aside(person=person, level=level, until_on=until, by=by)


def states(enrollment: Enrollment) -> dict[str, StepState]:
    session.expire_all()
    return {slug: each.state for slug, each in queries.standing_of(enrollment).statuses.items()}


def test_material_of_the_level_is_set_aside_and_the_statement_is_asked_as_before(
    cast: Cast, enrollment: Enrollment
) -> None:
    before = states(enrollment)
    aside(cast.learner, cast.outsider)
    now = states(enrollment)
    assert now["read"] is StepState.SET_ASIDE
    assert now["statement"] is before["statement"] is StepState.OPEN
    assert "read" in queries.way_of(enrollment).aside.held  # type: ignore[union-attr]
    # Whatever its level: nobody is spared what the work can bring.
    with own_transaction():
        session.scalars(select(Document).where(Document.slug == "exposure")).one().sensitivity = "S2"
    assert states(enrollment)["statement"] is StepState.OPEN
    # A level above that of the material spares nothing of it.
    aside(cast.learner, cast.outsider, "S3")
    assert states(enrollment) == before
    assert queries.way_of(enrollment).aside is None


def test_it_ends_after_its_last_day_in_her_market_or_when_it_is_ended(cast: Cast, enrollment: Enrollment) -> None:
    before = states(enrollment)
    aside(cast.learner, cast.outsider, until=date(2026, 4, 28))
    # The last minute of the day in Tokyo, and the first one after it.
    for at, is_aside in (
        (datetime(2026, 4, 28, 14, 59, tzinfo=UTC), True),
        (datetime(2026, 4, 28, 15, 0, tzinfo=UTC), False),
    ):
        with clock.frozen(at):
            assert (states(enrollment)["read"] is StepState.SET_ASIDE) is is_aside
    aside(cast.learner, cast.outsider)
    with own_transaction():
        exposure.end_aside(person=cast.learner, by=cast.outsider)
    assert states(enrollment) == before


def test_one_is_set_aside_at_a_time_and_the_same_twice_once(cast: Cast) -> None:
    first = aside(cast.learner, cast.outsider)
    assert aside(cast.learner, cast.outsider).id == first.id
    aside(cast.learner, cast.outsider, "S1")
    rows = session.scalars(select(MaterialAside).order_by(MaterialAside.id)).all()
    assert [(row.level, row.ended_at is None) for row in rows] == [("S2", False), ("S1", True)]
    for level, until, refusal in (("S0", None, LevelUnknown), ("S2", date(2026, 4, 27), UntilIsPast)):
        with pytest.raises(refusal):
            aside(cast.learner, cast.outsider, level, until)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_person_is_told_and_nobody_else_finds_it(
    app: Flask, cast: Cast, enrollment: Enrollment, as_: Any, language: str
) -> None:
    # What the enrollment itself owes is out of the way.
    jobs.run_due()
    earlier = {person.id: len(mails(app, person)) for person in session.scalars(select(Person))}
    entries = len(session.scalars(select(JournalEntry)).all())
    contact = as_(cast.outsider, language=language)
    asked = {"address": cast.learner.sign_in_name, "level": "S2", "until_on": ""}
    contact.post("acknowledgements.set_aside", asked)
    assert len(session.scalars(select(JournalEntry)).all()) == entries
    owed = [each for each in jobs.list_jobs() if "material_aside" in each.effect_key]
    assert owed
    assert not [each for each in jobs.describe(owed).values() if cast.learner.name_in(language) in str(each)]
    jobs.run_due()
    told = {person.id: len(mails(app, person)) - earlier[person.id] for person in session.scalars(select(Person))}
    assert {id_ for id_, count in told.items() if count} == {cast.learner.id}
    page = contact.get("acknowledgements.list_declined")
    assert cast.learner.sign_in_name in page.text
    # Others see that the step is set aside, as with a decline, and cannot open the list.
    path = as_(cast.lead, language=language).get("training.path", code=enrollment.code)
    assert {"en": "Nothing is asked of this step", "ja": "保留中"}[language] in path.text
    for other in (cast.admin, cast.lead, cast.learner):
        as_(other).get("acknowledgements.list_declined", expect=403)
    contact.post("acknowledgements.end_aside", code=cast.learner.code)
    assert states(enrollment)["read"] is not StepState.SET_ASIDE
    assert len(session.scalars(select(JournalEntry)).all()) == entries


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_typed_wrong_is_told_and_kept(cast: Cast, as_: Any, language: str) -> None:
    contact = as_(cast.outsider, language=language)
    asked = {"address": "nobody@portal.example", "level": "S3", "until_on": "2026-05-01"}
    page = contact.post("acknowledgements.set_aside", asked, expect=400)
    assert {"en": "Nobody with an active account", "ja": "有効なアカウントはありません"}[language] in page.text
    assert page.one("input", name="address").get("value") == "nobody@portal.example"
    assert page.one("input", name="until_on").get("value") == "2026-05-01"
    page = contact.post(
        "acknowledgements.set_aside",
        asked | {"address": cast.learner.sign_in_name, "until_on": "2020-01-01"},
        expect=400,
    )
    assert session.scalars(select(MaterialAside)).all() == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_today_names_who_declines_until_a_talk_is_noted(
    cast: Cast, enrollment: Enrollment, as_: Any, language: str
) -> None:
    contact = as_(cast.outsider, language=language)
    said = {"en": "1 person declines the statement", "ja": "辞退している方が1人"}[language]
    assert said not in contact.get("training.today").text
    with own_transaction():
        exposure.decline(version=document("exposure"), by=cast.learner)
    page = contact.get("training.today")
    assert said in page.text
    assert any(each.endswith("/wellbeing/declined") for each in page.links())
    for other in (cast.lead, cast.admin, cast.learner):
        assert said not in as_(other, language=language).get("training.today").text
    contact.post("acknowledgements.note_spoken", code=cast.learner.code)
    assert said not in contact.get("training.today").text
    assert {"en": "Note that we have spoken", "ja": "面談済みにする"}[language] not in contact.get(
        "acknowledgements.list_declined"
    ).text
    with own_transaction():
        exposure.take_back(by=cast.learner)
    with pytest.raises(DeclinesNoMore), own_transaction():
        exposure.note_spoken(person=cast.learner, by=cast.outsider)


def test_what_is_over_before_anybody_was_told_of_it_is_told_to_nobody(
    app: Flask, cast: Cast, enrollment: Enrollment
) -> None:
    jobs.run_due()
    contact, learner = cast.outsider, cast.learner
    earlier = {person.id: len(mails(app, person)) for person in (learner, contact)}

    def told() -> tuple[int, int]:
        jobs.run_due()
        return tuple(len(mails(app, each)) - earlier[each.id] for each in (learner, contact))  # type: ignore[return-value]

    def end() -> None:
        with own_transaction():
            exposure.end_aside(person=learner, by=contact)

    aside(learner, contact)
    end()
    with own_transaction():
        exposure.decline(version=document("exposure"), by=learner)
    with own_transaction():
        exposure.take_back(by=learner)
    with clock.frozen(MORNING + timedelta(seconds=1)):
        assert told() == (0, 0)
        # What somebody was told of is told to be over, also where its level changed shortly before.
        aside(learner, contact)
        with own_transaction():
            exposure.decline(version=document("exposure"), by=learner)
        assert told() == (1, 1)
    with clock.frozen(MORNING + timedelta(minutes=5)):
        aside(learner, contact, level="S3")
        end()
        with own_transaction():
            exposure.take_back(by=learner)
    with clock.frozen(MORNING + timedelta(minutes=6)):
        assert told() == (2, 2)

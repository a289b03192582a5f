"""A mail about dates tells what was decided, whatever moved them since, and names the last of many."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest

from portal.calendars import service as calendars
from portal.core import clock, jobs
from portal.core.db import session
from portal.core.i18n import force_locale, format_date
from portal.core.mail import _builders, render
from portal.core.transaction import own_transaction
from portal.training import queries
from portal.training.models import Enrollment
from portal.training.rules import StepKind, StepSpec
from portal.training.service import dates
from tests.beginnings import beginning
from tests.builders import Cast
from tests.training.builders import load_holidays, make_documents, make_enrollment, make_plan

MORNING = datetime(2026, 5, 11, 1, 0, tzinfo=UTC)
LANGUAGES = ("en", "ja")
STEPS = [StepSpec(f"step-{number}", StepKind.READ, number, document="exposure") for number in range(1, 12)]


@pytest.fixture
@beginning
def _documents(cast: Cast) -> None:
    with clock.frozen(MORNING):
        load_holidays()
        make_documents()


@pytest.fixture(autouse=True)
def _start_of_the_plan(_documents: None) -> Iterator[None]:
    with clock.frozen(MORNING):
        yield


@pytest.fixture
@beginning
def enrollment(cast: Cast) -> Enrollment:
    with own_transaction():
        cast.learner.language = "en"
    return make_enrollment(cast.learner, make_plan("eleven", cast.author, *STEPS), cast.admin)


def told(name: str, number: int = 0) -> list[str]:
    """Return what the so-manieth mail of a kind says as text and as page, as it is sent now."""
    session.expire_all()
    rows = sorted(jobs.list_jobs(), key=lambda row: row.id)
    sent = [row.arguments["arguments"] for row in rows if row.arguments.get("mail") == name]
    mail = render(_builders[name](**sent[number]))
    return [mail.get_body((kind,)).get_content() for kind in ("plain", "html")]


def give(enrollment: Enrollment, cast: Cast, days: int, slug: str | None = None) -> None:
    with own_transaction():
        if slug is None:
            dates.extend_plan(enrollment=enrollment, working_days=days, reason="illness", by=cast.lead)
        else:
            step = queries.get_step(enrollment, slug)
            dates.extend_step(enrollment=enrollment, step=step, working_days=days, reason="illness", by=cast.lead)


def due(enrollment: Enrollment, slug: str) -> date:
    session.expire_all()
    return queries.standing_of(enrollment).due_on(slug)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_mail_of_many_dates_says_how_many_more_there_are_and_the_last_of_them(
    cast: Cast, enrollment: Enrollment, language: str
) -> None:
    with own_transaction():
        cast.learner.language = language
    give(enrollment, cast, 2)
    with force_locale(language):
        last = format_date(due(enrollment, "step-11"), "long")
    said = {"en": f"and 1 more, by {last}", "ja": f"ほか1件（最後は{last}まで）"}[language]
    for text in told("training.extended"):
        assert said in text
    with own_transaction():
        dates.take_back_extension(
            thing=queries.get_extension_of_plan(enrollment.code, 1), reason="mistaken", by=cast.lead
        )
    for text in told("training.extension_taken_back"):
        assert {"en": "and 1 more, by ", "ja": "ほか1件（最後は"}[language] in text


def test_each_of_two_mails_of_more_time_tells_what_its_own_decision_moved(cast: Cast, enrollment: Enrollment) -> None:
    first = due(enrollment, "step-1")
    give(enrollment, cast, 3, "step-1")
    second = due(enrollment, "step-1")
    give(enrollment, cast, 3, "step-1")
    third = due(enrollment, "step-1")
    days = [format_date(each, "long") for each in (first, second, third)]
    for text in told("training.extended", 0):
        assert f"{days[0]} → {days[1]}" in text
        assert days[2] not in text
    for text in told("training.extended", 1):
        assert f"{days[1]} → {days[2]}" in text
        assert days[0] not in text


def test_mails_of_a_pause_and_of_what_is_taken_back_tell_what_was_decided(cast: Cast, enrollment: Enrollment) -> None:
    """Leave that is recorded before a mail goes out is no part of it."""
    give(enrollment, cast, 3, "step-11")
    given = due(enrollment, "step-11")
    with own_transaction():
        dates.take_back_extension(
            thing=queries.get_extension_of_step(enrollment.code, "step-11", 1), reason="mistaken", by=cast.lead
        )
    before = due(enrollment, "step-11")
    with own_transaction():
        dates.pause(enrollment=enrollment, first_on=date(2026, 5, 11), reason="x", by=cast.lead)
    paused = due(enrollment, "step-11")
    with own_transaction():
        calendars.record_leave(person=cast.learner, first_on=date(2026, 5, 13), last_on=date(2026, 5, 20), by=cast.lead)
    days = [format_date(each, "long") for each in (given, before, paused)]
    assert f"{days[0]} → {days[1]}" in told("training.extension_taken_back")[0]
    assert f"{days[1]} → {days[2]}" in told("training.paused")[0]


def test_a_mail_that_was_owed_before_its_dates_were_kept_tells_those_of_today(
    cast: Cast, enrollment: Enrollment
) -> None:
    before = due(enrollment, "step-1")
    give(enrollment, cast, 3, "step-1")
    (sent,) = [row.arguments for row in jobs.list_jobs() if row.arguments.get("mail") == "training.extended"]
    old: dict[str, Any] = {key: sent["arguments"][key] for key in ("code", "step_extension")}
    text = render(_builders["training.extended"](**old)).get_body(("plain",)).get_content()
    assert f"{format_date(before, 'long')} → {format_date(due(enrollment, 'step-1'), 'long')}" in text

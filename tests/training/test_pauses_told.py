"""A pause is told to the learner: by mail when it is set and ended, and on her pages while it is ahead."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest

from portal.core import clock, jobs
from portal.core.mail import _builders, render
from portal.core.transaction import own_transaction
from portal.training import queries
from portal.training.models import Enrollment
from portal.training.service import dates
from portal.training.service.enrollments import end_plan
from tests.beginnings import beginning
from tests.builders import Cast
from tests.training.builders import load_holidays, make_documents, make_enrollment, make_plan

MORNING = datetime(2026, 4, 28, 1, 0, tzinfo=UTC)
LANGUAGES = ("en", "ja")


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
    return make_enrollment(cast.learner, make_plan(), cast.admin)


def pause(enrollment: Enrollment, cast: Cast, first_on: date, resumes_on: date | None = None) -> None:
    with own_transaction():
        dates.pause(enrollment=enrollment, first_on=first_on, reason="家族の事情です。", by=cast.lead)
    if resumes_on is not None:
        with own_transaction():
            dates.resume(enrollment=enrollment, resumes_on=resumes_on, by=cast.lead)


def owed(name: str) -> list[Any]:
    return [row.arguments["arguments"] for row in jobs.list_jobs() if row.arguments.get("mail") == name]


def read(name: str) -> str:
    (arguments,) = owed(name)
    mail = render(_builders[name](**arguments))
    text = mail.get_body(("plain",)).get_content()
    html = mail.get_body(("html",)).get_content()
    assert "{{" not in text + html
    return str(mail["Subject"]) + "\n" + text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_learner_is_told_by_mail_of_a_pause_and_which_dates_are_others(
    cast: Cast, enrollment: Enrollment, language: str
) -> None:
    with own_transaction():
        cast.learner.language = language
    pause(enrollment, cast, date(2026, 4, 28))
    told = read("training.paused")
    assert "家族の事情です。" in told
    assert cast.lead.name_in(language) in told
    # The days up to today do not count: 28 April is one, 29 April a holiday.
    assert {"en": "Thu 30 Apr 2026 → Fri 1 May 2026", "ja": "2026年4月30日（木） → 2026年5月1日（金）"}[
        language
    ] in told
    with own_transaction():
        dates.resume(enrollment=enrollment, resumes_on=date(2026, 5, 8), by=cast.lead)
    # What has ended meanwhile is told by the mail about its end alone.
    assert _builders["training.paused"](**owed("training.paused")[0]) is None
    told = read("training.resumed")
    assert {"en": "Fri 8 May 2026", "ja": "2026年5月8日（金）"}[language] in told
    assert {"en": "Fri 1 May 2026 → ", "ja": "2026年5月1日（金） → "}[language] in told


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_pause_that_is_taken_back_is_told_as_such(cast: Cast, enrollment: Enrollment, language: str) -> None:
    with own_transaction():
        cast.learner.language = language
    pause(enrollment, cast, date(2026, 4, 28), date(2026, 4, 28))
    told = read("training.resumed")
    assert {"en": "has taken back the pause", "ja": "休止を取り消しました"}[language] in told
    assert {"en": "Fri 1 May 2026 → Thu 30 Apr 2026", "ja": "2026年5月1日（金） → 2026年4月30日（木）"}[
        language
    ] in told


def test_nobody_is_told_of_the_pause_of_a_plan_that_is_over(cast: Cast, enrollment: Enrollment) -> None:
    pause(enrollment, cast, date(2026, 4, 28))
    with own_transaction():
        end_plan(enrollment=enrollment, reason="x", by=cast.lead)
    assert _builders["training.paused"](**owed("training.paused")[0]) is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_pause_that_lies_ahead_stands_on_her_day_and_on_her_path(
    cast: Cast, enrollment: Enrollment, as_: Any, language: str
) -> None:
    own = as_(cast.learner, language=language)
    pause(enrollment, cast, date(2026, 5, 11))
    said = {
        "en": "From Mon 11 May 2026 on the plan is paused.",
        "ja": "2026年5月11日（月）から、この研修計画は休止になります。",
    }[language]
    for page in (own.get("training.today"), own.get("training.path", code=enrollment.code)):
        assert said in page.text
    with own_transaction():
        dates.resume(enrollment=enrollment, resumes_on=date(2026, 5, 18), by=cast.lead)
    said = {
        "en": "From Mon 11 May 2026 to Sun 17 May 2026 the plan is paused.",
        "ja": "2026年5月11日（月）から2026年5月17日（日）まで、この研修計画は休止になります。",
    }[language]
    for page in (own.get("training.today"), own.get("training.path", code=enrollment.code)):
        assert said in page.text
    with clock.frozen(datetime(2026, 5, 18, 1, tzinfo=UTC)):
        assert said not in as_(cast.learner, language=language).get("training.today").text


def test_a_pause_that_was_taken_back_keeps_no_other_one_back(cast: Cast, enrollment: Enrollment) -> None:
    before = {slug: each.on for slug, each in queries.standing_of(enrollment).dues.items()}
    pause(enrollment, cast, date(2026, 6, 1), date(2026, 6, 1))
    # It never was: an earlier one can be set.
    pause(enrollment, cast, date(2026, 4, 30), date(2026, 5, 8))
    assert [each.first_on for each in queries.standing_of(enrollment).basis.pauses] == [date(2026, 4, 30)]
    assert {slug: each.on for slug, each in queries.standing_of(enrollment).dues.items()} != before

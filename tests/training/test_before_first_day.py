"""A plan is not over before it begins: the first day and the days of its events are held against each other."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from portal.core import clock
from portal.core.db import session
from portal.core.i18n import Words
from portal.core.transaction import own_transaction
from portal.training.models import CohortDraft, PlanVersion
from portal.training.rules import EventSpec, StepKind, StepSpec
from portal.training.service import dates, founding
from tests.beginnings import beginning
from tests.builders import Cast
from tests.training.builders import load_holidays, make_cohort, make_documents, make_enrollment, make_plan
from tests.training.test_founding import listed
from tests.training.test_founding_events import BEFORE

MEETING = EventSpec("meeting", Words("Calibration day", "判断のすり合わせの日"))
STEPS = (
    StepSpec("prepare", StepKind.READ, -2, document="exposure", event="meeting"),
    StepSpec("after", StepKind.READ, 2, document="background", event="meeting"),
)
LANGUAGES = ("en", "ja")


@pytest.fixture
@beginning
def plan(cast: Cast) -> PlanVersion:
    with clock.frozen(BEFORE):
        load_holidays()
        make_documents()
        return make_plan("around", cast.author, *STEPS, phases=(), credential=None, events=(MEETING,))


@pytest.fixture(autouse=True)
def _before(plan: PlanVersion) -> Iterator[None]:
    with clock.frozen(BEFORE):
        yield


def wished(starts_on: str, meets_on: str) -> dict[str, Any]:
    return {
        "plan": "around@1.0",
        "place": "JP/account-safety",
        "starts_on": starts_on,
        "text": listed(2),
        "event.around.meeting": meets_on,
    }


def judged(cast: Cast) -> founding.Preview:
    session.expire_all()
    return founding.judge(session.scalars(select(CohortDraft).order_by(CohortDraft.id.desc())).first(), cast.lead)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_cohort_whose_plan_would_be_over_before_its_first_day_cannot_be_created(
    cast: Cast, as_: Any, language: str
) -> None:
    browser = as_(cast.lead, language=language)
    page = browser.follow(browser.post("training.new_cohort", wished("2026-05-25", "2026-05-12")))
    said = {
        "en": "The plan would be over on Thu 14 May 2026, before its first day, Mon 25 May 2026.",
        "ja": "計画が開始日（2026年5月25日（月））より前の2026年5月14日（木）に終わってしまいます。",
    }[language]
    assert said in page.text
    assert judged(cast).obstacles


@pytest.mark.parametrize("language", LANGUAGES)
def test_steps_that_an_event_puts_before_the_first_day_are_named(cast: Cast, as_: Any, language: str) -> None:
    browser = as_(cast.lead, language=language)
    page = browser.follow(browser.post("training.new_cohort", wished("2026-05-12", "2026-05-13")))
    said = {
        "en": "1 step is due before the first day, Tue 12 May 2026:",
        "ja": "開始日（2026年5月12日（火））より前に期限が来る項目が1件あります：",
    }[language]
    assert said in page.text
    assert not judged(cast).obstacles
    page = browser.follow(browser.post("training.new_cohort", wished("2026-05-11", "2026-05-13")))
    assert said[:20] not in page.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_another_plan_is_held_against_its_days_like_a_cohort(
    cast: Cast, plan: PlanVersion, as_: Any, language: str
) -> None:
    own = StepSpec("read", StepKind.READ, 1, document="exposure")
    running = make_enrollment(
        cast.learner, make_plan("first", cast.author, own, phases=(), credential=None), cast.admin,
        cohort=make_cohort(cast.admin),
    )  # fmt: skip
    lead = as_(cast.lead, language=language)

    def told(starts_on: str, meets_on: str, expect: int = 200) -> str:
        asked = {"plan": "around", "starts_on": starts_on, "reason": "x", "act": "preview"}
        asked["event.around.meeting"] = meets_on
        return str(lead.post("training.other_plan", asked, code=running.code, expect=expect).text)

    over = {"en": "The plan would be over on Thu 14 May 2026", "ja": "2026年5月14日（木）に終わってしまいます"}[
        language
    ]
    assert over in told("2026-05-25", "2026-05-12", 400)
    early = {"en": "1 step is due before the first day", "ja": "より前に期限が来る項目が1件あります"}[language]
    assert early in told("2026-05-12", "2026-05-13")
    # A Sunday, and the last day of Golden Week.
    free = {"en": "Nobody works on Sun 10 May 2026", "ja": "2026年5月10日（日）"}[language]
    assert free in told("2026-05-10", "2026-05-13")
    held = {"en": "Nobody works on Wed 6 May 2026, the day of “Calibration day”", "ja": "2026年5月6日（水）"}[language]
    assert held in told("2026-04-27", "2026-05-06")


def test_a_first_day_or_an_event_that_leaves_steps_before_the_first_day_is_warned_of(
    cast: Cast, plan: PlanVersion, as_: Any
) -> None:
    cohort = make_cohort(cast.admin)
    with own_transaction():
        dates.set_event_of_cohort(cohort=cohort, event=plan.events[0], on=date(2026, 5, 13), reason="", by=cast.lead)
    running = make_enrollment(cast.learner, plan, cast.admin, cohort=cohort, starts_on=date(2026, 5, 7))
    lead, where = as_(cast.lead, language="en"), {"code": running.code}
    asked = {"starts_on": "2026-05-12", "reason": "x", "act": "preview"}
    assert "1 step is due before the first day" in lead.post("training.first_day", asked, **where, expect=200).text
    asked = {"takes_place_on": "2026-05-08", "reason": "x", "act": "preview"}
    page = lead.post("training.event_date", asked, slug="meeting", **where, expect=200)
    assert "1 step is due before the first day" in page.text

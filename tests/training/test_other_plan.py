"""Another plan: what counts in it, its dates and what ends are shown first, then all of it happens at once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from portal.accounts.models import Person
from portal.core import clock
from portal.core.db import session
from portal.core.i18n import Words
from portal.core.jobs import Job
from portal.core.mail import _builders, render
from portal.core.transaction import own_transaction
from portal.journal.models import JournalEntry
from portal.training import queries
from portal.training.errors import AlreadyEnrolled, MoveChanged, PlanIsOver, SamePlan, StartOutOfBounds
from portal.training.models import Enrollment, PlanVersion
from portal.training.queries import catalogue
from portal.training.rules import StepKind, StepSpec, StepState
from portal.training.service import other_plan
from portal.training.service.enrollments import end_plan
from tests.beginnings import beginning
from tests.builders import Cast
from tests.library.test_races import at_once
from tests.training.builders import (
    STEPS,
    acknowledge,
    load_holidays,
    make_cohort,
    make_documents,
    make_enrollment,
    make_plan,
    make_plan_with_exam,
    make_quiz,
)
from tests.training.test_training import document

MORNING = datetime(2026, 4, 28, 1, 0, tzinfo=UTC)
FIRST_DAY = date(2026, 5, 11)
OTHER = (
    replace(STEPS[0], phase=None),
    StepSpec("more", StepKind.READ, 3, document="background", prerequisites=("statement",)),
)


@pytest.fixture
@beginning
def _documents(cast: Cast) -> None:
    with clock.frozen(MORNING):
        load_holidays()
        make_documents()
        make_quiz()


@pytest.fixture(autouse=True)
def _start_of_the_plan(_documents: None) -> Iterator[None]:
    with clock.frozen(MORNING):
        yield


@pytest.fixture
@beginning
def enrollment(cast: Cast) -> Enrollment:
    return make_enrollment(cast.learner, make_plan(), cast.admin, cohort=make_cohort(cast.admin))


@pytest.fixture
@beginning
def other(cast: Cast) -> PlanVersion:
    return make_plan("appeals", cast.author, *OTHER, title=Words("Appeals", "異議申立て"), credential=None, phases=())


def move(enrollment: Enrollment, version: PlanVersion, cast: Cast, **values: Any) -> Enrollment:
    with own_transaction():
        return other_plan.move_to_plan(
            enrollment=enrollment,
            version=version,
            by=cast.lead,
            **({"starts_on": FIRST_DAY, "reason": "異議申立ての担当に移ります。"} | values),
        )


def asked(page: Any, **more: str) -> dict[str, str]:
    seen = re.search(r'name="seen" value="([0-9a-f]+)"', page.body)
    return (
        {"plan": "appeals", "starts_on": "2026-05-11", "reason": "異議申立ての担当に移ります。"}
        | ({"act": "confirm", "seen": seen[1]} if seen else {})
        | more
    )


@pytest.mark.parametrize("language", ["en", "ja"])
def test_what_counts_every_date_and_what_ends_is_shown_and_nothing_happens_yet(
    cast: Cast, enrollment: Enrollment, other: PlanVersion, as_: Any, language: str
) -> None:
    acknowledge(cast.learner, document("exposure"))
    page = as_(cast.lead).get("training.other_plan", code=enrollment.code, lang=language)
    page = as_(cast.lead).post("training.other_plan", data=asked(page), expect=200, code=enrollment.code, lang=language)
    assert {"en": "1 step counts as done already", "ja": "1件の研修項目が完了として認められます"}[language] in page.text
    rows = ["".join(row.itertext()) for row in page.one("table", **{"aria-labelledby": "new-plan"}).iter("tr")]
    # Three working days after Monday, the eleventh: the fourth working day of the plan.
    assert {"en": "14 May 2026", "ja": "2026年5月14日"}[language] in rows[2]
    assert "4" in rows[2]
    assert {"en": "First talk", "ja": "最初の面談"}[language] in page.text
    session.expire_all()
    assert enrollment.is_open
    assert queries.find_moved_to(enrollment) is None


def test_one_plan_ends_and_the_other_begins_with_what_counts_and_the_learner_is_told_once(
    cast: Cast, enrollment: Enrollment, other: PlanVersion, as_: Any
) -> None:
    acknowledge(cast.learner, document("exposure"))
    lead, address = as_(cast.lead, language="en"), {"code": enrollment.code}
    page = lead.post(
        "training.other_plan", data=asked(lead.get("training.other_plan", **address)), expect=200, **address
    )
    confirmed = asked(page, form_key="b" * 24)
    shown = lead.follow(lead.post("training.other_plan", data=confirmed, **address))
    # Pressed twice it happens once.
    lead.post("training.other_plan", data=confirmed, **address)
    session.expire_all()
    new = queries.find_moved_to(enrollment)
    assert new is not None
    assert "Goes on from" in shown.text
    assert (new.cohort_id, new.market_id, new.starts_on) == (enrollment.cohort_id, enrollment.market_id, FIRST_DAY)
    assert queries.standing_of(new).statuses["statement"].state is StepState.DONE
    assert (enrollment.ended_by, enrollment.ended_reason) == (cast.lead.code, "異議申立ての担当に移ります。")
    old = as_(cast.learner, language="en").get("training.path", code=enrollment.code)
    assert "Goes on in “Appeals”" in old.text
    assert any(link.endswith(new.code) for link in old.links())
    acts = session.scalars(select(JournalEntry.action)).all()
    assert [acts.count(f"training.{each}") for each in ("ended", "moved_to_plan")] == [1, 1]
    keys = session.scalars(select(Job.effect_key).where(Job.effect_key.like("%plan_%"))).all()
    assert [each for each in keys if "plan_ended" in (each or "")] == []
    assert len([each for each in keys if f"plan_started:{new.code}" in (each or "")]) == 1


@pytest.mark.parametrize(
    ("language", "said"), [("en", "You go on in it from “The first ten days”"), ("ja", "「最初の10日間」は終了し")]
)
def test_the_mail_about_the_new_plan_says_which_one_ended_and_why(
    cast: Cast, enrollment: Enrollment, other: PlanVersion, language: str, said: str
) -> None:
    with own_transaction():
        cast.learner.language = language
    new = move(enrollment, other, cast)
    message = render(_builders["training.plan_started"](code=new.code))
    for kind in ("plain", "html"):
        text = message.get_body((kind,)).get_content()
        assert said in text
        assert "異議申立ての担当に移ります。" in text
    # The one about the plan that ended is not sent any more.
    assert _builders["training.plan_started"](code=enrollment.code) is None


def test_a_plan_that_is_complete_with_what_counts_is_told_of_too(cast: Cast, enrollment: Enrollment) -> None:
    acknowledge(cast.learner, document("exposure"))
    short = make_plan("short", cast.author, OTHER[0], credential=None, phases=())
    new = move(enrollment, short, cast)
    assert new.completed_at is not None
    assert _builders["training.plan_started"](code=new.code) is not None


def test_what_cannot_be_is_refused_and_changes_nothing(
    cast: Cast, enrollment: Enrollment, other: PlanVersion, as_: Any
) -> None:
    with pytest.raises(SamePlan):
        move(enrollment, enrollment.version, cast)
    with pytest.raises(StartOutOfBounds):
        move(enrollment, other, cast, starts_on=date(2028, 1, 1))
    with pytest.raises(MoveChanged):
        move(enrollment, other, cast, seen="something else")
    session.expire_all()
    assert enrollment.is_open
    make_enrollment(cast.learner, other, cast.admin)
    with pytest.raises(AlreadyEnrolled):
        move(enrollment, other, cast)
    # The page does not offer it then.
    page = as_(cast.lead).get("training.other_plan", code=enrollment.code)
    assert "no other plan" in page.text


def test_days_of_events_are_asked_for_where_the_cohort_has_none(cast: Cast, enrollment: Enrollment, as_: Any) -> None:
    make_plan_with_exam(cast.author)
    lead, address = as_(cast.lead, language="en"), {"code": enrollment.code}
    form = asked(lead.get("training.other_plan", **address)) | {"plan": "with-exam"}
    assert "Choose the day of the event." in lead.post("training.other_plan", data=form, expect=400, **address).text
    given = form | {"event.with-exam.exam": "2026-06-10"}
    page = lead.post("training.other_plan", data=given, expect=200, **address)
    lead.post("training.other_plan", data=asked(page) | given | asked(page, plan="with-exam"), **address)
    new = queries.find_moved_to(enrollment)
    assert new is not None
    assert queries.standing_of(new).basis.event("exam").on == date(2026, 6, 10)


def test_two_leads_who_move_her_at_once_make_one_new_training(
    app: Flask, cast: Cast, enrollment: Enrollment, other: PlanVersion
) -> None:
    code, by_id, plan_id = enrollment.code, cast.lead.id, other.plan_id
    session.remove()

    def work() -> str:
        by = session.get(Person, by_id)
        assert by is not None
        version = next(each for each in catalogue.list_latest_versions() if each.plan_id == plan_id)
        return other_plan.move_to_plan(
            enrollment=queries.get_enrollment(code), version=version, starts_on=FIRST_DAY, reason="So.", by=by
        ).code

    results = at_once(app, work)
    assert len([each for each in results if isinstance(each, str)]) == 1, results
    assert all(isinstance(each, str | PlanIsOver) for each in results), results
    assert session.scalar(select(func.count()).where(Enrollment.plan_id == plan_id)) == 1


def test_nobody_moves_herself_and_no_colleague_finds_the_page(
    cast: Cast, enrollment: Enrollment, other: PlanVersion, as_: Any
) -> None:
    as_(cast.learner).get("training.other_plan", expect=403, code=enrollment.code)
    as_(cast.colleague).get("training.other_plan", expect=404, code=enrollment.code)


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_move_stands_in_the_history_of_both_trainings_and_on_the_page_of_the_cohort(
    cast: Cast, enrollment: Enrollment, other: PlanVersion, as_: Any, language: str
) -> None:
    cohort = enrollment.cohort
    assert cohort is not None
    before, after, reason = (
        enrollment.version.title.in_(language),
        other.title.in_(language),
        "異議申立ての担当に移ります。",
    )
    new = move(enrollment, other, cast)
    lead = as_(cast.lead, language=language)
    said = {"en": f"From “{before}” to “{after}”", "ja": f"「{before}」から「{after}」へ"}[language]
    for here, there in ((enrollment, new), (new, enrollment)):
        page = lead.get("training.change_dates", code=here.code)
        (row,) = (row for row in page.one("table", **{"aria-labelledby": "changes"}).iter("tr") if said in text_of(row))
        for each in (reason, cast.lead.name_in(language), "2026"):
            assert each in text_of(row)
        assert [link.get("href") for link in row.iter("a")] == [f"/training/{there.code}"]
    # Who took her over reads on the first page why she came.
    page = lead.get("training.path", code=new.code)
    assert reason in page.text
    assert cast.lead.name_in(language) in page.text
    # Whichever of the two plans the lead looks at.
    third = make_enrollment(cast.colleague, enrollment.version, cast.admin, cohort=cohort)
    for plan in (enrollment.version.plan.slug, other.plan.slug):
        page = lead.get("reports.cohort", code=cohort.code, plan=plan)
        section = text_of(page.one("section", **{"aria-labelledby": "moved"}))
        for each in (said, cast.learner.name_in(language), cast.lead.name_in(language), reason):
            assert each in section, plan
        assert {"en": "plan ended on", "ja": "に終了"}[language] not in page.text
    with clock.frozen(MORNING + timedelta(days=30)):
        goes_on = {"en": f"Goes on in “{after}”", "ja": f"「{after}」に移りました"}[language]
        lead = as_(cast.lead, language=language)
        assert goes_on in lead.get("reports.cohort_trend", code=cohort.code, plan=enrollment.version.plan.slug).text
    # A plan that has ended by itself is told as ended.
    with own_transaction():
        end_plan(enrollment=third, reason="x", by=cast.lead)
    page = as_(cast.lead, language=language).get("reports.cohort", code=cohort.code, plan=other.plan.slug)
    assert cast.colleague.name_in(language) not in text_of(page.one("section", **{"aria-labelledby": "moved"}))


def text_of(element: Any) -> str:
    return " ".join("".join(element.itertext()).split())

"""More time that was given can be taken back: a fact added, dates counted without it, the learner told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from portal.accounts.models import Person
from portal.core import clock, jobs
from portal.core.db import session
from portal.core.mail import _builders, render
from portal.core.transaction import own_transaction
from portal.journal.models import JournalEntry
from portal.training import queries
from portal.training.errors import ExtensionIsTakenBack, PlanIsOver, ReasonMissing, TakingBackChanged
from portal.training.invariants import INVARIANTS
from portal.training.models import Enrollment, ExtensionTakenBack, StepExtension
from portal.training.permissions import ExtensionOfEnrollment
from portal.training.rules import StepState
from portal.training.service import dates
from portal.training.service.enrollments import end_plan
from tests.beginnings import beginning
from tests.builders import Cast
from tests.library.test_races import at_once
from tests.training.builders import acknowledge, load_holidays, make_cohort, make_documents, make_enrollment, make_plan
from tests.training.test_training import document

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
    return make_enrollment(cast.learner, make_plan(), cast.admin, cohort=make_cohort(cast.admin))


def due(enrollment: Enrollment, slug: str) -> date:
    session.expire_all()
    return queries.standing_of(enrollment).due_on(slug)


def give(enrollment: Enrollment, cast: Cast, days: int, slug: str | None = "read", reason: str = "illness") -> None:
    with own_transaction():
        if slug is None:
            dates.extend_plan(enrollment=enrollment, working_days=days, reason=reason, by=cast.lead)
        else:
            step = queries.get_step(enrollment, slug)
            dates.extend_step(enrollment=enrollment, step=step, working_days=days, reason=reason, by=cast.lead)


def thing(enrollment: Enrollment, number: int, slug: str | None = "read") -> ExtensionOfEnrollment:
    if slug is None:
        return queries.get_extension_of_plan(enrollment.code, number)
    return queries.get_extension_of_step(enrollment.code, slug, number)


def take_back(
    enrollment: Enrollment, cast: Cast, number: int, slug: str | None = "read", reason: str = "the wrong person"
) -> ExtensionTakenBack:
    with own_transaction():
        return dates.take_back_extension(thing=thing(enrollment, number, slug), reason=reason, by=cast.admin)


def test_a_date_is_counted_without_what_was_taken_back_and_the_others_hold(cast: Cast, enrollment: Enrollment) -> None:
    before = due(enrollment, "read")
    give(enrollment, cast, 2)
    with_first = due(enrollment, "read")
    give(enrollment, cast, 3)
    take_back(enrollment, cast, 2)
    assert due(enrollment, "read") == with_first
    take_back(enrollment, cast, 1)
    assert due(enrollment, "read") == before
    # Nothing was changed or deleted: both rows are there.
    assert len(session.scalars(select(StepExtension)).all()) == 2
    assert [each for check in INVARIANTS.values() for each in check()] == []


def test_more_time_for_the_whole_plan_is_taken_back_for_every_step(cast: Cast, enrollment: Enrollment) -> None:
    before = {slug: each.on for slug, each in queries.standing_of(enrollment).dues.items()}
    give(enrollment, cast, 4, None)
    assert {slug: due(enrollment, slug) for slug in before} != before
    take_back(enrollment, cast, 1, None)
    assert {slug: due(enrollment, slug) for slug in before} == before


def test_an_extension_is_taken_back_once_and_with_a_reason(cast: Cast, enrollment: Enrollment) -> None:
    give(enrollment, cast, 2)
    with pytest.raises(ReasonMissing):
        take_back(enrollment, cast, 1, reason=" ")
    take_back(enrollment, cast, 1)
    with pytest.raises(ExtensionIsTakenBack):
        take_back(enrollment, cast, 1)
    assert len(session.scalars(select(ExtensionTakenBack)).all()) == 1


@pytest.mark.races
def test_two_leads_who_take_it_back_at_once_do_so_once(app: Flask, cast: Cast, enrollment: Enrollment) -> None:
    give(enrollment, cast, 2)
    code, by_id = enrollment.code, cast.lead.id
    session.remove()

    def work() -> str:
        given = queries.get_extension_of_step(code, "read", 1)
        return dates.take_back_extension(thing=given, reason="mistaken", by=session.get_one(Person, by_id)).reason

    results = at_once(app, work)
    assert results.count("mistaken") == 1, results
    assert all(each == "mistaken" or isinstance(each, ExtensionIsTakenBack) for each in results), results
    assert len(session.scalars(select(ExtensionTakenBack)).all()) == 1


def test_nothing_is_taken_back_in_a_plan_that_is_over(cast: Cast, enrollment: Enrollment) -> None:
    give(enrollment, cast, 2)
    with own_transaction():
        end_plan(enrollment=enrollment, reason="left", by=cast.lead)
    with pytest.raises(PlanIsOver):
        take_back(enrollment, cast, 1)


def test_what_is_done_keeps_the_date_that_it_had(cast: Cast, enrollment: Enrollment) -> None:
    give(enrollment, cast, 2, "statement")
    acknowledge(cast.learner, document("exposure"))
    moves = dates.moved_by_taking_back(
        standing=queries.standing_of(enrollment), thing=thing(enrollment, 1, "statement")
    )
    assert list(moves) == []
    completed = {row.step.slug: row.due_on for row in queries.list_completions(enrollment)}
    take_back(enrollment, cast, 1, "statement")
    session.expire_all()
    assert {row.step.slug: row.due_on for row in queries.list_completions(enrollment)} == completed


def test_a_step_can_be_late_by_what_was_taken_back(cast: Cast, enrollment: Enrollment) -> None:
    acknowledge(cast.learner, document("exposure"))
    give(enrollment, cast, 30, "more")
    with clock.frozen(datetime(2026, 5, 20, 1, 0, tzinfo=UTC)):
        session.expire_all()
        assert not queries.standing_of(enrollment).statuses["more"].is_late
        take_back(enrollment, cast, 1, "more")
        session.expire_all()
        standing = queries.standing_of(enrollment)
        assert standing.statuses["more"].state is not StepState.DONE
        assert standing.statuses["more"].is_late


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_shows_what_moves_and_the_history_and_the_date_tell_of_it(
    cast: Cast, enrollment: Enrollment, as_: Any, language: str
) -> None:
    before = due(enrollment, "read")
    give(enrollment, cast, 2, reason="回線が不通でした。")
    lead, where = as_(cast.lead, language=language), {"code": enrollment.code, "slug": "read", "number": 1}
    links = lead.get("training.change_dates", code=enrollment.code).links()
    assert any(each.endswith("/steps/read/extension/1/taken-back") for each in links)
    page = lead.get("training.take_back_extension", **where)
    assert {"en": "Dates that move", "ja": "変わる期限"}[language] in page.text
    seen = page.one("input", name="seen").get("value")
    page = lead.post("training.take_back_extension", {"reason": " ", "seen": seen}, **where, expect=400)
    assert page.one("input", name="seen").get("value") == seen
    asked = {"reason": "別の人のことでした。", "seen": seen}
    lead.post("training.take_back_extension", asked, **where, expect=303)
    assert due(enrollment, "read") == before
    page = lead.get("training.change_dates", code=enrollment.code)
    assert {"en": ", taken back", "ja": "延長を取消し"}[language] in page.text
    assert not any(each.endswith("/taken-back") for each in page.links())
    path = as_(cast.learner, language=language).get("training.path", code=enrollment.code)
    assert "回線が不通でした。" in path.text
    assert "別の人のことでした。" in path.text
    page = lead.post("training.take_back_extension", asked, **where, expect=409)
    assert {"en": "taken back already", "ja": "すでに取り消されています"}[language] in page.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_of_what_was_taken_back_says_so_and_asks_nobody_to_load_it_again(
    cast: Cast, enrollment: Enrollment, as_: Any, language: str
) -> None:
    give(enrollment, cast, 2)
    take_back(enrollment, cast, 1)
    where = {"code": enrollment.code, "slug": "read", "number": 1}
    page = as_(cast.lead, language=language).get("training.take_back_extension", **where)
    assert {"en": "This extension has been taken back.", "ja": "この延長は取り消されています。"}[language] in page.text
    assert {"en": "Load the page again", "ja": "読み込み直して"}[language] not in page.text


def test_dates_that_changed_since_they_were_shown_are_shown_first(cast: Cast, enrollment: Enrollment, as_: Any) -> None:
    give(enrollment, cast, 2)
    lead, where = as_(cast.lead, language="en"), {"code": enrollment.code, "slug": "read", "number": 1}
    seen = lead.get("training.take_back_extension", **where).one("input", name="seen").get("value")
    give(enrollment, cast, 1, None)
    page = lead.post("training.take_back_extension", {"reason": "x", "seen": seen}, **where, expect=409)
    assert str(TakingBackChanged()) in page.text
    assert session.scalars(select(ExtensionTakenBack)).all() == []


def test_an_extension_that_was_not_given_is_not_there(cast: Cast, enrollment: Enrollment, as_: Any) -> None:
    give(enrollment, cast, 2)
    lead = as_(cast.lead)
    for number in (0, 2):
        lead.get("training.take_back_extension", code=enrollment.code, slug="read", number=number, expect=404)
    lead.get("training.take_back_plan_extension", code=enrollment.code, number=1, expect=404)
    as_(cast.learner).get("training.take_back_extension", code=enrollment.code, slug="read", number=1, expect=403)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_learner_is_told_by_mail_what_was_taken_back_and_which_dates_are_others(
    cast: Cast, enrollment: Enrollment, language: str
) -> None:
    with own_transaction():
        cast.learner.language = language
    give(enrollment, cast, 2)
    row = take_back(enrollment, cast, 1)
    mail = render(_builders["training.extension_taken_back"](code=enrollment.code, number=row.id))
    text = mail.get_body(("plain",)).get_content()
    assert "the wrong person" in text
    # 29 April and 3 to 6 May are holidays.
    said = {"en": "Thu 7 May 2026 → Thu 30 Apr 2026", "ja": "2026年5月7日（木） → 2026年4月30日（木）"}[language]
    assert said in text


def test_the_journal_says_what_was_taken_back_and_not_why(cast: Cast, enrollment: Enrollment) -> None:
    give(enrollment, cast, 2)
    take_back(enrollment, cast, 1)
    entry = session.scalars(select(JournalEntry).order_by(JournalEntry.id.desc())).first()
    assert entry is not None
    assert entry.action == "training.step_extension_taken_back"
    assert "wrong person" not in str(entry.after)


@pytest.mark.parametrize("slug", ["read", None])
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_learner_is_told_by_mail_of_more_time_and_which_dates_are_others(
    cast: Cast, enrollment: Enrollment, language: str, slug: str | None
) -> None:
    with own_transaction():
        cast.learner.language = language
    give(enrollment, cast, 1, slug)
    give(enrollment, cast, 2, slug, reason="回線が不通でした。")
    sent = [row.arguments for row in jobs.list_jobs() if row.arguments.get("mail") == "training.extended"]
    assert len(sent) == 2
    mail = render(_builders["training.extended"](**sent[0]["arguments"]))
    text = mail.get_body(("plain",)).get_content()
    assert "回線が不通でした。" in text
    assert cast.lead.name_in(language) in text
    # 3 to 6 May are holidays: from what it was with the first one.
    said = {"en": "Fri 1 May 2026 → Fri 8 May 2026", "ja": "2026年5月1日（金） → 2026年5月8日（金）"}[language]
    assert said in text
    html = mail.get_body(("html",)).get_content()
    assert "回線が不通でした。" in html


def test_no_mail_tells_of_more_time_that_was_taken_back_before_it_went_out(cast: Cast, enrollment: Enrollment) -> None:
    give(enrollment, cast, 2)
    (sent,) = [row.arguments for row in jobs.list_jobs() if row.arguments.get("mail") == "training.extended"]
    take_back(enrollment, cast, 1)
    assert _builders["training.extended"](**sent["arguments"]) is None

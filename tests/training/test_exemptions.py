"""An exemption from a step: asked no more, no date moves, what waits for it goes on, and it can be taken back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from fractions import Fraction
from typing import Any

import pytest
from sqlalchemy import select

from portal.core import clock
from portal.core.db import session
from portal.core.i18n import Words
from portal.core.transaction import own_transaction
from portal.journal.models import JournalEntry
from portal.reports.queries import cohort_report
from portal.training import queries
from portal.training.errors import (
    AlreadyExempt,
    DoneNotExempted,
    ExemptionChanged,
    GateCannotBeExempted,
    NotExempt,
    NothingWouldRemain,
    PlanIsOver,
    ReasonMissing,
)
from portal.training.invariants import INVARIANTS
from portal.training.models import Enrollment, StepExemption
from portal.training.queries import signing
from portal.training.rules import Doer, StepKind, StepSpec, StepState
from portal.training.service import exemptions
from portal.training.service.calendar import create_feed, dates_of, file_of, get_feed
from tests.beginnings import beginning
from tests.builders import Cast
from tests.training.builders import (
    STEPS,
    acknowledge,
    load_holidays,
    make_cohort,
    make_documents,
    make_enrollment,
    make_plan,
    make_quiz,
)
from tests.training.test_training import document

MORNING = datetime(2026, 4, 28, 1, 0, tzinfo=UTC)
LATER = datetime(2026, 5, 20, 1, 0, tzinfo=UTC)
LANGUAGES = ("en", "ja")
BARE = [replace(step, phase=None) for step in STEPS]


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


def exempt(enrollment: Enrollment, slug: str, cast: Cast, reason: str = "known from before") -> StepExemption:
    with own_transaction():
        return exemptions.exempt_step(
            enrollment=enrollment, step=queries.get_step(enrollment, slug), reason=reason, by=cast.lead
        )


def take_back(enrollment: Enrollment, slug: str, cast: Cast, reason: str = "by mistake") -> StepExemption:
    with own_transaction():
        return exemptions.take_back_exemption(
            enrollment=enrollment, step=queries.get_step(enrollment, slug), reason=reason, by=cast.lead
        )


def states(enrollment: Enrollment) -> dict[str, StepState]:
    session.expire_all()
    return {slug: each.state for slug, each in queries.standing_of(enrollment).statuses.items()}


def all_due(enrollment: Enrollment) -> dict[str, date]:
    session.expire_all()
    return {slug: each.on for slug, each in queries.standing_of(enrollment).dues.items()}


def breaches() -> list[str]:
    return [each for check in INVARIANTS.values() for each in check()]


def test_what_waits_for_an_exempt_step_waits_no_longer_and_no_date_moves(cast: Cast, enrollment: Enrollment) -> None:
    before = all_due(enrollment)
    assert states(enrollment)["read"] is StepState.LOCKED
    exempt(enrollment, "statement", cast)
    now = states(enrollment)
    assert now["statement"] is StepState.EXEMPT
    assert (now["read"], now["talk"]) == (StepState.OPEN, StepState.WAITING)
    assert all_due(enrollment) == before
    take_back(enrollment, "statement", cast)
    assert states(enrollment)["read"] is StepState.LOCKED
    assert all_due(enrollment) == before
    assert breaches() == []


def test_an_exempt_step_does_not_stand_in_for_what_comes_before_it(cast: Cast, enrollment: Enrollment) -> None:
    exempt(enrollment, "read", cast)
    standing = queries.standing_of(enrollment)
    assert standing.statuses["quiz"].missing == ("statement",)


def test_an_exempt_step_is_neither_overdue_nor_expected_nor_counted(cast: Cast, enrollment: Enrollment) -> None:
    with clock.frozen(LATER):
        before = queries.standing_of(enrollment).progress
        exempt(enrollment, "statement", cast)
        exempt(enrollment, "more", cast)
        session.expire_all()
        standing = queries.standing_of(enrollment)
        assert not standing.statuses["statement"].is_late
        assert (standing.progress.total, standing.progress.overdue) == (before.total - 1, before.overdue - 1)
        # An optional step is counted nowhere, exempt or not.
        assert enrollment.cohort is not None
        report = cohort_report(enrollment.cohort)
        (row,) = report.rows
        assert row.standing.progress == standing.progress
        assert row.cells["statement"].status == standing.statuses["statement"]
        assert report.summary.overdue_steps == standing.progress.overdue


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_lead_sees_what_an_exemption_changes_and_everybody_reads_why(
    cast: Cast, enrollment: Enrollment, as_: Any, language: str
) -> None:
    lead, where = as_(cast.lead, language=language), {"code": enrollment.code, "slug": "read"}
    acknowledge(cast.learner, document("exposure"))
    path = lead.get("training.path", code=enrollment.code)
    assert any(link.endswith("/steps/read/exemption") for link in path.links())
    page = lead.get("training.exemption", **where)
    assert {"en": "does not have to wait any more", "ja": "はこの項目を待たずに始められます"}[language] in page.text
    page = lead.post("training.exemption", {"reason": " "}, **where, expect=400)
    assert states(enrollment)["read"] is StepState.OPEN
    asked = {"reason": "前職で担当していました。", "seen": page.one("input", name="seen").get("value")}
    lead.post("training.exemption", asked, **where, expect=303)
    assert states(enrollment)["read"] is StepState.EXEMPT
    word = {"en": f"Exempt: {cast.lead.name_in('en')}", "ja": "免除：佐藤 健さん"}[language]
    for viewer in (as_(cast.learner, language=language), lead):
        shown = viewer.get("training.path", code=enrollment.code)
        assert word in shown.text
        assert "前職で担当していました。" in shown.text
    assert "前職で担当していました。" in lead.get("training.change_dates", code=enrollment.code).text
    assert enrollment.cohort is not None
    matrix = lead.get("reports.cohort", code=enrollment.cohort.code)
    assert 'data-state="exempt"' in matrix.body
    assert {"en": "Exempt", "ja": "免除"}[language] in matrix.text
    today = as_(cast.learner, language=language).get("training.today")
    assert not [each for each in today.all("li", class_="post") if "免除" in "".join(each.itertext())]
    page = lead.get("training.exemption", **where)
    asked = {"reason": "取り違えました。", "seen": page.one("input", name="seen").get("value")}
    lead.post("training.exemption", asked, **where, expect=303)
    assert states(enrollment)["read"] is StepState.OPEN
    actions = list(session.scalars(select(JournalEntry.action).order_by(JournalEntry.id)))[-2:]
    assert actions == ["training.step_exempted", "training.exemption_taken_back"]
    changes = lead.get("training.change_dates", code=enrollment.code)
    assert "取り違えました。" in changes.text


def test_nobody_exempts_herself_and_nobody_else_does_who_may_not_move_her_dates(
    cast: Cast, enrollment: Enrollment, as_: Any
) -> None:
    where = {"code": enrollment.code, "slug": "read"}
    as_(cast.learner).get("training.exemption", **where, expect=403)
    as_(cast.outsider).get("training.exemption", **where, expect=404)
    links = as_(cast.learner).get("training.path", code=enrollment.code).links()
    assert not [link for link in links if "exemption" in link]


def test_what_is_done_exempt_ended_or_all_there_is_cannot_be_exempted(cast: Cast, enrollment: Enrollment) -> None:
    with pytest.raises(ReasonMissing):
        exempt(enrollment, "read", cast, " ")
    with pytest.raises(NotExempt):
        take_back(enrollment, "read", cast)
    acknowledge(cast.learner, document("exposure"))
    with pytest.raises(DoneNotExempted):
        exempt(enrollment, "statement", cast)
    exempt(enrollment, "read", cast)
    with pytest.raises(AlreadyExempt):
        exempt(enrollment, "read", cast)
    only = make_enrollment(cast.learner, make_plan("one", cast.author, BARE[0], BARE[5], phases=()), cast.admin)
    assert not only.is_open
    other = make_enrollment(cast.colleague, only.version, cast.admin)
    with pytest.raises(NothingWouldRemain):
        exempt(other, "statement", cast)
    with pytest.raises(PlanIsOver):
        exempt(only, "more", cast)


def test_a_gate_cannot_be_exempted_and_the_page_says_what_to_do(cast: Cast, as_: Any) -> None:
    gate = StepSpec(
        "gate",
        StepKind.GATE,
        5,
        title=Words("Ready for real cases", "実務への移行判定"),
        by=Doer.LEAD,
        prerequisites=("quiz",),
        gate_quizzes=("impersonation",),
        gate_bound=Fraction(4, 5),
    )
    version = make_plan("gated", cast.author, *BARE[:3], gate, phases=(), credential=None)
    enrollment = make_enrollment(cast.learner, version, cast.admin)
    with pytest.raises(GateCannotBeExempted):
        exempt(enrollment, "gate", cast)
    for language, word in (("en", "Nobody is exempt from a gate"), ("ja", "到達判定は免除できません")):
        page = as_(cast.lead, language=language).get("training.exemption", code=enrollment.code, slug="gate")
        assert word in page.text
        assert not page.all("textarea")


def test_the_effect_that_was_seen_has_to_be_the_one_that_comes(cast: Cast, enrollment: Enrollment, as_: Any) -> None:
    lead, where = as_(cast.lead, language="en"), {"code": enrollment.code, "slug": "statement"}
    seen = lead.get("training.exemption", **where).one("input", name="seen").get("value")
    exempt(enrollment, "talk", cast)
    page = lead.post("training.exemption", {"reason": "known", "seen": seen}, **where, expect=409)
    assert "Something has changed meanwhile." in page.text
    assert "known" in page.body
    assert states(enrollment)["statement"] is StepState.LOCKED or states(enrollment)["statement"] is StepState.OPEN
    step = queries.get_step(enrollment, "statement")
    with pytest.raises(ExemptionChanged), own_transaction():
        exemptions.exempt_step(enrollment=enrollment, step=step, reason="x", by=cast.lead, seen=seen)


def test_a_step_that_is_done_all_the_same_is_done(cast: Cast, enrollment: Enrollment) -> None:
    exempt(enrollment, "statement", cast)
    acknowledge(cast.learner, document("exposure"))
    assert states(enrollment)["statement"] is StepState.DONE
    assert queries.standing_of(enrollment).progress.done == 1
    with pytest.raises(NotExempt):
        take_back(enrollment, "statement", cast)
    assert breaches() == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_plan_completes_without_an_exempt_step_and_says_so(cast: Cast, as_: Any, language: str) -> None:
    version = make_plan("short", cast.author, BARE[0], BARE[1], phases=(), credential=None)
    enrollment = make_enrollment(cast.learner, version, cast.admin)
    acknowledge(cast.learner, document("exposure"))
    lead = as_(cast.lead, language=language)
    page = lead.get("training.exemption", code=enrollment.code, slug="read")
    assert {"en": "the plan is complete with this", "ja": "これで計画が修了になります"}[language] in page.text
    asked = {"reason": "known", "seen": page.one("input", name="seen").get("value")}
    lead.post("training.exemption", asked, code=enrollment.code, slug="read", expect=303)
    session.expire_all()
    assert enrollment.completed_at == MORNING
    page = as_(cast.learner, language=language).get("training.path", code=enrollment.code)
    assert {"en": "Exempt from: Read “Impersonation”.", "ja": "免除された項目："}[language] in page.text
    with pytest.raises(PlanIsOver):
        take_back(enrollment, "read", cast)
    assert breaches() == []


def test_dates_of_an_exempt_step_are_cancelled_in_subscribed_calendars_and_put_back(
    cast: Cast, enrollment: Enrollment
) -> None:
    with own_transaction():
        token = create_feed(person=cast.learner)

    def entry() -> str:
        text = file_of(get_feed(token)).decode()
        (found,) = [part for part in text.split("BEGIN:VEVENT") if f"UID:{enrollment.code}-read@" in part]
        return found

    assert "SEQUENCE:0" in entry()
    exempt(enrollment, "read", cast)
    session.expire_all()
    assert "read" not in {
        each.uid.rpartition("-")[2] for each in dates_of(cast.learner, [queries.standing_of(enrollment)])
    }
    told = entry()
    assert "STATUS:CANCELLED" in told
    assert "SEQUENCE:1" in told
    take_back(enrollment, "read", cast)
    session.expire_all()
    told = entry()
    assert "STATUS:CANCELLED" not in told
    assert "SEQUENCE:2" in told


def test_nobody_is_asked_to_sign_off_an_exempt_step(cast: Cast, enrollment: Enrollment) -> None:
    acknowledge(cast.learner, document("exposure"))
    assert [each.step.slug for each in signing.looked_after(cast.lead).waiting_for(cast.lead).rows] == ["talk"]
    exempt(enrollment, "talk", cast)
    assert signing.looked_after(cast.lead).waiting_for(cast.lead).rows == []
    assert queries.list_expected_takers("impersonation") == {cast.learner.id}
    exempt(enrollment, "quiz", cast)
    assert queries.list_expected_takers("impersonation") == set()

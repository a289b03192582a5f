"""Another version of a plan: what becomes of each step is shown first, then nothing that was done is moved or lost."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from portal.accounts.models import Person
from portal.calendars.errors import HolidayYearUnknown
from portal.core import clock
from portal.core.db import session
from portal.core.errors import DomainError
from portal.core.i18n import Words
from portal.core.jobs import list_jobs
from portal.core.mail import _builders, render
from portal.core.transaction import own_transaction
from portal.journal.models import JournalEntry
from portal.training import queries
from portal.training.errors import EventDatesMissing, PlanIsOver, SameVersion, SwapChanged
from portal.training.invariants import INVARIANTS
from portal.training.models import Attendance, Enrollment, PlanVersion, TaskEvidence
from portal.training.permissions import StepOfEnrollment, expected_at
from portal.training.queries import live_sessions, signing
from portal.training.queries import swaps as versions_of
from portal.training.rules import (
    SETTLED,
    Difference,
    Doer,
    EventSpec,
    EvidenceKind,
    Fate,
    Presence,
    StepKind,
    StepSpec,
    StepState,
)
from portal.training.service import dates, exemptions, sessions, sign_offs, swaps, tasks
from portal.training.service.calendar import dates_of
from portal.training.service.enrollments import Evidence, complete_step
from portal.training.service.sessions import When
from tests.beginnings import beginning
from tests.builders import Cast
from tests.library.test_races import at_once
from tests.queries import counted_queries
from tests.training.builders import (
    EXAM,
    STEPS,
    STEPS_AROUND_AN_EXAM,
    acknowledge,
    confirm_reading,
    load_holidays,
    make_cohort,
    make_documents,
    make_enrollment,
    make_plan,
    make_quiz,
    release,
)
from tests.training.test_training import document
from tests.training.test_uncountable import WHY, keep_away
from tests.volume import volume

MORNING = datetime(2026, 4, 28, 1, 0, tzinfo=UTC)
LANGUAGES = ("en", "ja")
FROM_THE_FIRST = {"en": "from version 1.0", "ja": "第1.0版から"}
# The quiz is another one, the talk is the lead's, what was optional is gone, and there is something new.
OTHER = (
    STEPS[0],
    replace(STEPS[1], due_days=4, title=Words("Read the policy", "ポリシーを読む")),
    replace(STEPS[2], quiz="scams"),
    replace(STEPS[3], by=Doer.LEAD),
    STEPS[4],
    StepSpec("again", StepKind.READ, 6, phase="second", document="background", prerequisites=("read",)),
)


@pytest.fixture
@beginning
def _documents(cast: Cast) -> None:
    with clock.frozen(MORNING):
        load_holidays()
        make_documents()
        make_quiz()
        make_quiz("scams")


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
def other(cast: Cast, enrollment: Enrollment) -> PlanVersion:
    return make_plan("first-days", cast.author, *OTHER, number="2.0")


def swap(enrollment: Enrollment, version: PlanVersion, cast: Cast, **values: Any) -> Enrollment:
    with own_transaction():
        return swaps.swap_version(
            enrollment=enrollment, version=version, reason="The plan was revised.", by=cast.lead, **values
        )


def preview(enrollment: Enrollment, version: PlanVersion) -> dict[str, swaps.StepFate]:
    session.expire_all()
    (found,) = swaps.judge(standings=[queries.standing_of(enrollment)], version=version)
    return {each.step.slug: each for each in found.steps}


def breaches() -> list[str]:
    session.expire_all()
    return [each for check in INVARIANTS.values() for each in check()]


def as_it_stands(enrollment: Enrollment) -> tuple[Any, ...]:
    """Return everything that has to come back when somebody goes on in another version and comes back."""
    session.expire_all()
    standing = queries.standing_of(enrollment)
    done = {
        slug: (row.completed_at, row.recorded_at, row.due_on, row.document_version, row.score, row.score_entry_id)
        for slug, row in standing.completions.items()
    }
    said = {
        slug: [(row.act, row.statement, row.by_id, row.at) for row in rows] for slug, rows in standing.sign_offs.items()
    }
    dues = {slug: due.on for slug, due in standing.dues.items()}
    states = {slug: each.state for slug, each in standing.statuses.items()}
    basis = standing.basis
    # Extensions of different steps have no order among themselves.
    given = {slug: basis.of(slug) for slug in (None, *dues)}
    # The day of an event that the version does not have is kept for the way back.
    days = {event.slug: basis.event(event.slug) for event in enrollment.version.events}
    rest = replace(basis, extensions=(), exemptions=(), events=())
    return (
        rest,
        given,
        dict(basis.exemptions),
        days,
        dues,
        states,
        done,
        said,
        dict(standing.handed_in),
        dict(standing.seats),
        standing.progress,
    )


def test_the_preview_says_what_becomes_of_each_step_and_that_is_what_comes(
    cast: Cast, enrollment: Enrollment, other: PlanVersion
) -> None:
    acknowledge(cast.learner, document("exposure"))
    confirm_reading(cast.learner, document("impersonation"))
    release(cast.learner)
    with own_transaction():
        sign_offs.sign_off(
            enrollment=enrollment, step=queries.get_step(enrollment, "talk"), statement="shown", by=cast.lead
        )
    found = preview(enrollment, other)
    assert {slug: each.fate for slug, each in found.items()} == {
        "statement": Fate.DONE,
        "read": Fate.DONE,
        "quiz": Fate.CHANGED,
        "talk": Fate.CHANGED,
        "audit": Fate.KEPT,
        "again": Fate.NEW,
        "more": Fate.DROPPED,
    }
    assert found["quiz"].is_to_be_done_again
    assert found["quiz"].why == (Difference.QUIZ,)
    assert found["talk"].why == (Difference.DOER,)
    assert found["read"].before == date(2026, 4, 30)
    new = swap(enrollment, other, cast)
    standing = queries.standing_of(new)
    for slug, each in found.items():
        if slug == "more":
            continue
        assert (each.after is None) == (standing.statuses[slug].state is StepState.DONE), slug
        assert each.after in (None, standing.due_on(slug)), slug
    assert standing.completions["read"].due_on == date(2026, 4, 30)
    assert (new.starts_on, new.enrolled_at, new.cohort_id) == (
        enrollment.starts_on,
        enrollment.enrolled_at,
        enrollment.cohort_id,
    )
    assert breaches() == []


def test_going_on_and_coming_back_leaves_everything_as_it_was(
    cast: Cast, enrollment: Enrollment, other: PlanVersion
) -> None:
    acknowledge(cast.learner, document("exposure"))
    confirm_reading(cast.learner, document("impersonation"))
    release(cast.learner)
    with own_transaction():
        sign_offs.send_back(
            enrollment=enrollment, step=queries.get_step(enrollment, "talk"), statement="not yet", by=cast.lead
        )
        dates.extend_step(
            enrollment=enrollment, step=queries.get_step(enrollment, "more"), working_days=3, reason="x", by=cast.lead
        )
        dates.extend_step(
            enrollment=enrollment, step=queries.get_step(enrollment, "audit"), working_days=2, reason="y", by=cast.lead
        )
        dates.extend_plan(enrollment=enrollment, working_days=1, reason="z", by=cast.lead)
        dates.extend_plan(enrollment=enrollment, working_days=4, reason="z", by=cast.lead)
        for thing in (
            queries.get_extension_of_step(enrollment.code, "audit", 1),
            queries.get_extension_of_plan(enrollment.code, 2),
        ):
            dates.take_back_extension(thing=thing, reason="given by mistake", by=cast.lead)
        dates.move_start(enrollment=enrollment, starts_on=date(2026, 5, 11), reason="later", by=cast.lead)
        exemptions.exempt_step(
            enrollment=enrollment, step=queries.get_step(enrollment, "more"), reason="known", by=cast.lead
        )
        dates.pause(enrollment=enrollment, first_on=date(2026, 4, 28), reason="ill", by=cast.lead)
    first = enrollment.version
    before = as_it_stands(enrollment)
    there = swap(enrollment, other, cast)
    assert as_it_stands(there) != before
    back = swap(there, first, cast)
    assert as_it_stands(back) == before
    assert len(queries.list_changes(back)) == len(queries.list_changes(enrollment))
    assert back.lasting_code == enrollment.code
    assert breaches() == []


def test_what_was_handed_in_and_attended_goes_along(cast: Cast) -> None:
    task = StepSpec("task", StepKind.TASK, 1, title=Words("Notes", "メモ"), by=Doer.LEAD, evidence=(EvidenceKind.TEXT,))
    meeting = StepSpec("circle", StepKind.SESSION, 2, title=Words("Circle", "勉強会"), by=Doer.LEAD)
    more = StepSpec("more", StepKind.READ, 5, document="background")
    enrollment = make_enrollment(
        cast.learner, make_plan("with-task", cast.author, task, meeting, more, phases=()), cast.admin
    )
    newer = make_plan("with-task", cast.author, replace(task, due_days=3), meeting, more, phases=(), number="1.1")
    with own_transaction():
        tasks.hand_in(enrollment=enrollment, step=queries.get_step(enrollment, "task"), by=cast.learner, said="done")
        planned = sessions.plan_session(
            step=queries.get_step(enrollment, "circle"),
            market=enrollment.market,
            when=When(date(2026, 4, 28), datetime(2026, 1, 1, 9).time(), datetime(2026, 1, 1, 9, 30).time(), "Room 1"),
            learners=[StepOfEnrollment(enrollment, queries.get_step(enrollment, "circle"))],
            by=cast.lead,
        )
        sessions.record_attendance(
            planned=planned, said={enrollment.code: Presence.EXCUSED}, reason="", seen=0, by=cast.lead
        )
    new = swap(enrollment, newer, cast)
    standing = queries.standing_of(new)
    assert [each.said for each in standing.handed_in["task"]] == ["done"]
    assert standing.statuses["task"].state is StepState.WAITING
    assert [each.presence for each in standing.seats["circle"]] == [Presence.EXCUSED]
    waiting = signing.looked_after(cast.lead).waiting_for(cast.lead).rows
    assert {each.standing.enrollment.code for each in waiting} == {new.code}
    # What is said of it now is said of the enrollment that goes on: once, though she has a seat in each.
    session.expire_all()
    found = live_sessions.get_session(planned.code)
    assert [each.enrollment.code for each in expected_at(found)] == [new.code]
    with own_transaction():
        seen = sessions.newest(live_sessions.list_attendances(found))
        sessions.record_attendance(
            planned=found, said={new.code: Presence.PRESENT}, reason="she came late", seen=seen, by=cast.lead
        )
    assert queries.standing_of(new).statuses["circle"].state is StepState.DONE
    assert session.scalar(select(func.count()).select_from(TaskEvidence)) == 2
    assert session.scalar(select(func.count()).select_from(Attendance)) == 3
    assert breaches() == []


def test_dates_in_subscribed_calendars_keep_their_names(cast: Cast, enrollment: Enrollment, other: PlanVersion) -> None:
    before = {each.uid for each in dates_of(cast.learner, [queries.standing_of(enrollment)])}
    new = swap(enrollment, other, cast)
    after = {each.uid for each in dates_of(cast.learner, [queries.standing_of(new)])}
    assert before & after == {f"{enrollment.code}-{slug}" for slug in ("statement", "read", "quiz", "talk", "audit")}


def test_what_is_done_while_the_plan_changes_is_noted_where_it_goes_on(
    cast: Cast, enrollment: Enrollment, other: PlanVersion
) -> None:
    new = swap(enrollment, other, cast)
    with own_transaction():
        row = complete_step(
            enrollment=enrollment,
            step=queries.get_step(enrollment, "read"),
            at=clock.now(),
            evidence=Evidence(document_slug="impersonation", document_version="1.0"),
        )
    assert row is not None
    assert row.enrollment_id == new.id
    assert breaches() == []


def test_a_swap_that_finds_all_done_completes_the_plan(cast: Cast) -> None:
    both = make_plan("pair", cast.author, STEPS[0], STEPS[1])
    enrollment = make_enrollment(cast.learner, both, cast.admin)
    acknowledge(cast.learner, document("exposure"))
    one = make_plan("pair", cast.author, STEPS[0], number="2.0")
    (found,) = swaps.judge(standings=[queries.standing_of(enrollment)], version=one)
    assert found.completes
    new = swap(enrollment, one, cast)
    assert new.completed_at == MORNING
    with pytest.raises(PlanIsOver):
        swap(new, both, cast)
    assert breaches() == []


def test_what_counts_of_before_counts_for_a_new_step(cast: Cast, enrollment: Enrollment, other: PlanVersion) -> None:
    release(cast.learner, "scams")
    assert preview(enrollment, other)["quiz"].fate is Fate.COUNTS
    new = swap(enrollment, other, cast)
    assert queries.standing_of(new).statuses["quiz"].state is StepState.DONE


def test_what_changed_since_it_was_shown_is_shown_again(
    cast: Cast, enrollment: Enrollment, other: PlanVersion, as_: Any
) -> None:
    lead = as_(cast.lead, language="en")
    asked = {"plan": "2.0", "reason": "The plan was revised."}
    page = lead.post("training.version", {**asked, "act": "preview"}, code=enrollment.code, expect=200)
    seen = page.one("input", name="seen").get("value")
    acknowledge(cast.learner, document("exposure"))
    page = lead.post("training.version", {**asked, "act": "confirm", "seen": seen}, code=enrollment.code, expect=409)
    assert "Something has changed meanwhile" in page.text
    assert "Stays done" in page.text
    assert page.one("input", name="seen").get("value") != seen
    assert queries.get_enrollment(enrollment.code).is_open
    make_plan("first-days", cast.author, *OTHER[:5], number="2.1")
    with pytest.raises(SwapChanged):
        swap(enrollment, other, cast, seen=page.one("input", name="seen").get("value"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_lead_sees_what_changes_and_the_learner_is_told_once(
    cast: Cast, enrollment: Enrollment, other: PlanVersion, as_: Any, language: str
) -> None:
    acknowledge(cast.learner, document("exposure"))
    lead = as_(cast.lead, language=language)
    assert any(link.endswith("/version") for link in lead.get("training.change_dates", code=enrollment.code).links())
    asked = {"plan": "2.0", "reason": "計画を改訂しました。"}
    page = lead.post("training.version", {**asked, "act": "preview"}, code=enrollment.code, expect=200)
    for word in {
        "en": ("Stays done", "New step", "Not asked for any more"),
        "ja": ("完了のまま", "新しい項目", "対象外"),
    }[language]:
        assert word in page.text
    seen = page.one("input", name="seen").get("value")
    lead.post("training.version", {**asked, "act": "confirm", "seen": seen}, code=enrollment.code, expect=303)
    session.expire_all()
    new = queries.find_successor(enrollment)
    assert new is not None
    history = lead.get("training.change_dates", code=new.code)
    row = "".join(history.one("table", **{"aria-labelledby": "changes"}).find(".//tbody/tr").itertext())
    became = {"en": "Version 1.0 of the plan became version 2.0", "ja": "第1.0版から第2.0版に変更"}[language]
    assert [each for each in (became, asked["reason"], cast.lead.name_in(language)) if each not in row] == []
    learner = as_(cast.learner, language=language)
    old = learner.get("training.path", code=enrollment.code)
    assert {"en": "Continued in version 2.0", "ja": "第2.0版に切り替わりました"}[language] in old.text
    assert any(link.endswith(new.code) for link in old.links())
    assert any(link.endswith(enrollment.code) for link in learner.get("training.path", code=new.code).links())
    mail = _builders["training.version_swapped"](code=new.code)
    assert mail is not None
    assert mail.to_address == cast.learner.sign_in_name
    assert [
        str(each["title"].en if hasattr(each["title"], "en") else each["title"]) for each in mail.values["new"]["steps"]
    ]
    assert _builders["training.plan_started"](code=enrollment.code) is None
    owed = session.scalars(select(JournalEntry.action).order_by(JournalEntry.id)).all()
    assert owed.count("training.version_swapped") == 1


def test_who_is_in_the_version_or_through_cannot_go_on_in_it(
    cast: Cast, enrollment: Enrollment, other: PlanVersion, as_: Any
) -> None:
    with pytest.raises(SameVersion):
        swap(enrollment, enrollment.version, cast)
    new = swap(enrollment, other, cast)
    with pytest.raises(PlanIsOver):
        swap(enrollment, other, cast)
    as_(cast.learner).get("training.version", code=new.code, expect=403)
    as_(cast.outsider).get("training.version", code=new.code, expect=404)


def test_the_day_of_an_event_that_is_new_is_asked_for(cast: Cast, as_: Any) -> None:
    plain = make_plan("exam", cast.author, *STEPS_AROUND_AN_EXAM[:2], phases=(), credential=None)
    enrollment = make_enrollment(cast.learner, plain, cast.admin)
    newer = make_plan(
        "exam", cast.author, *STEPS_AROUND_AN_EXAM, phases=(), credential=None, events=(EXAM,), number="2.0"
    )
    with pytest.raises(EventDatesMissing):
        swap(enrollment, newer, cast)
    lead = as_(cast.lead, language="en")
    asked = {"plan": "2.0", "reason": "There is an exam now.", "act": "preview"}
    page = lead.post("training.version", asked, code=enrollment.code, expect=400)
    assert "Choose the day of the event." in page.text
    page = lead.post("training.version", {**asked, "event.plan.exam": "2026-06-12"}, code=enrollment.code, expect=200)
    assert "Fri 12 Jun 2026" in page.text or "Mon 15 Jun 2026" in page.text
    new = swap(enrollment, newer, cast, events={"exam": date(2026, 6, 12)})
    assert queries.standing_of(new).basis.event("exam").on == date(2026, 6, 12)
    # Where there is no such event it is kept for the way back.
    assert queries.standing_of(swap(swap(new, plain, cast), newer, cast)).basis.event("exam").on == date(2026, 6, 12)
    assert breaches() == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_those_of_a_cohort_who_are_not_through_go_on_together(
    cast: Cast, enrollment: Enrollment, other: PlanVersion, as_: Any, language: str
) -> None:
    assert enrollment.cohort is not None
    for person in (cast.colleague, cast.author):
        make_enrollment(person, enrollment.version, cast.admin, cohort=enrollment.cohort)
    through = queries.find_open_enrollment(cast.author.id, enrollment.plan_id)
    assert through is not None
    with own_transaction():
        for step in through.version.steps:
            if step.required:
                complete_step(enrollment=through, step=step, at=clock.now(), evidence=Evidence())
    lead = as_(cast.lead, language=language)
    where = {"code": enrollment.cohort.code, "plan": "first-days"}
    links = lead.get("reports.cohort", code=enrollment.cohort.code).links()
    assert any(link.endswith("/plans/first-days/version") for link in links)
    asked = {"plan": "2.0", "reason": "計画を改訂しました。"}
    page = lead.post("training.version_of_cohort", {**asked, "act": "preview"}, **where, expect=200)
    assert len(page.all("details", class_="details")) >= 2
    assert {"en": "Has completed version 1.0 and stays in it.", "ja": "第1.0版を修了しており、そのままです。"}[
        language
    ] in page.text
    seen = page.one("input", name="seen").get("value")
    lead.post("training.version_of_cohort", {**asked, "act": "confirm", "seen": seen}, **where, expect=303)
    session.expire_all()
    numbers = {
        each.person_id: each.version.number for each in session.scalars(select(Enrollment)) if each.ended_at is None
    }
    assert numbers == {cast.learner.id: "2.0", cast.colleague.id: "2.0", cast.author.id: "1.0"}
    as_(cast.outsider).get("training.version_of_cohort", **where, expect=404)
    page = lead.post("training.version_of_cohort", {**asked, "act": "preview"}, **where, expect=200)
    assert not page.all("input", name="seen")


# --- laws --------------------------------------------------------------------------------------


def a_version(dice: random.Random, like: list[StepSpec] | None = None) -> list[StepSpec]:
    """Throw a version of a plan: the steps of another one with some changed, dropped, moved and added."""
    steps: list[StepSpec] = []
    for number in range(dice.randint(4, 7)):
        known = next((each for each in like or () if each.slug == f"s{number}"), None)
        if known is not None and dice.random() < 0.25:
            continue
        earlier = [each.slug for each in steps]
        kind = known.kind if known is not None and dice.random() < 0.8 else dice.choice([*KINDS])
        anchor = dice.choice([None, None, *earlier])
        steps.append(
            StepSpec(
                f"s{number}",
                kind,
                dice.randint(0, 9),
                title=Words(f"Step {number}", f"項目{number}"),
                document=dice.choice(["exposure", "background"]) if kind is StepKind.READ else None,
                quiz=dice.choice(["impersonation", "scams"]) if kind is StepKind.QUIZ else None,
                by=dice.choice([Doer.LEAD, Doer.MENTOR]) if kind is StepKind.SIGN_OFF else Doer.LEARNER,
                anchor=anchor,
                event="exam" if anchor is None and dice.random() < 0.2 else None,
                prerequisites=tuple(dice.sample(earlier, min(len(earlier), dice.randint(0, 1)))),
            )
        )
    if not steps or not any(each.kind is StepKind.SIGN_OFF for each in steps):
        steps.append(StepSpec("s9", StepKind.SIGN_OFF, 9, title=Words("Last", "最後"), by=Doer.LEAD))
    return steps


def plan_of(cast: Cast, steps: list[StepSpec], number: str = "1.0") -> PlanVersion:
    """Return a version of these steps, with an exam where one of them is counted from it."""
    exam = (EventSpec("exam", Words("Exam", "試験")),) if any(step.event for step in steps) else ()
    return make_plan("random", cast.author, *steps, phases=(), credential=None, events=exam, number=number)


def days_of(version: PlanVersion) -> dict[str, date]:
    """Return the day of its exam, if it has one."""
    return {event.slug: date(2026, 6, 1) for event in version.events}


KINDS = (StepKind.READ, StepKind.QUIZ, StepKind.SIGN_OFF)


def act_at_random(dice: random.Random, enrollment: Enrollment, cast: Cast) -> None:
    """Let things happen to a training: done, extended, exempt, said, paused, moved; refusals are none of our matter."""
    acts = (
        lambda step: complete_step(enrollment=enrollment, step=step, at=clock.now(), evidence=Evidence()),
        lambda step: dates.extend_step(
            enrollment=enrollment, step=step, working_days=dice.randint(1, 5), reason="x", by=cast.lead
        ),
        lambda step: exemptions.exempt_step(enrollment=enrollment, step=step, reason="known", by=cast.lead),
        lambda step: exemptions.take_back_exemption(enrollment=enrollment, step=step, reason="no", by=cast.lead),
        lambda step: sign_offs.send_back(enrollment=enrollment, step=step, statement="not yet", by=cast.lead),
        lambda step: dates.extend_plan(enrollment=enrollment, working_days=2, reason="y", by=cast.lead),
        lambda step: dates.pause(enrollment=enrollment, first_on=date(2026, 4, 28), reason="ill", by=cast.lead),
        lambda step: dates.move_start(
            enrollment=enrollment, starts_on=date(2026, 5, dice.randint(7, 28)), reason="z", by=cast.lead
        ),
    )
    for _number in range(6):
        session.expire_all()
        step, act = dice.choice(enrollment.version.steps), dice.choice(acts)
        # Of a step that somebody signs off a completion without her word would be a breach.
        if act is acts[0] and step.kind is not StepKind.READ:
            continue
        try:
            with own_transaction():
                act(step)
        except DomainError:
            continue


@pytest.mark.parametrize("seed", range(volume(5, 150)))
def test_whatever_the_plans_going_on_and_coming_back_changes_nothing(cast: Cast, seed: int) -> None:
    dice = random.Random(seed)
    first = a_version(dice)
    one, two = plan_of(cast, first), plan_of(cast, a_version(dice, first), "2.0")
    enrollment = make_enrollment(cast.learner, one, cast.admin, events=days_of(one))
    act_at_random(dice, enrollment, cast)
    session.expire_all()
    if not enrollment.is_open:
        return
    before = as_it_stands(enrollment)
    (shown,) = swaps.judge(standings=[queries.standing_of(enrollment)], version=two, events=days_of(two))
    there = swap(enrollment, two, cast, events=days_of(two))
    session.expire_all()
    standing = queries.standing_of(there)
    came = {
        each.step.slug: None if standing.statuses[each.step.slug].state in SETTLED else standing.due_on(each.step.slug)
        for each in shown.steps
        if each.fate is not Fate.DROPPED
    }
    assert came == {each.step.slug: each.after for each in shown.steps if each.fate is not Fate.DROPPED}
    if there.is_open:
        back = swap(there, one, cast)
        assert as_it_stands(back) == before
    assert breaches() == []


@pytest.mark.parametrize("seed", range(volume(6, 200)))
def test_an_exemption_never_moves_another_date(cast: Cast, seed: int) -> None:
    dice = random.Random(seed)
    version = plan_of(cast, a_version(dice))
    enrollment = make_enrollment(cast.learner, version, cast.admin, events=days_of(version))
    act_at_random(dice, enrollment, cast)
    before = as_it_stands(enrollment)
    with clock.frozen(MORNING + timedelta(days=dice.randint(0, 40))):
        session.expire_all()
        dues = {slug: each.on for slug, each in queries.standing_of(enrollment).dues.items()}
        taken = []
        for step in enrollment.version.steps:
            try:
                with own_transaction():
                    exemptions.exempt_step(enrollment=enrollment, step=step, reason="known", by=cast.lead)
                taken.append(step)
            except DomainError:
                continue
            session.expire_all()
            standing = queries.standing_of(enrollment)
            assert {slug: each.on for slug, each in standing.dues.items()} == dues
            assert not standing.statuses[step.slug].is_late
        if enrollment.is_open:
            for step in taken:
                with own_transaction():
                    exemptions.take_back_exemption(enrollment=enrollment, step=step, reason="no", by=cast.lead)
    if enrollment.is_open:
        assert as_it_stands(enrollment) == before
    assert breaches() == []


# --- at once -----------------------------------------------------------------------------------


@pytest.mark.races
def test_two_leads_who_swap_at_once_make_one_new_enrollment(
    app: Flask, cast: Cast, enrollment: Enrollment, other: PlanVersion
) -> None:
    code, number, by_id = enrollment.code, other.number, cast.lead.id
    plan_id = enrollment.plan_id
    session.remove()

    def work() -> str:
        by = session.get(Person, by_id)
        assert by is not None
        return swaps.swap_version(
            enrollment=queries.get_enrollment(code),
            version=versions_of.get_version(plan_id, number),
            reason="The plan was revised.",
            by=by,
        ).code

    results = at_once(app, work)
    made = [each for each in results if isinstance(each, str)]
    assert len(made) == 1, results
    assert all(isinstance(each, str | PlanIsOver) for each in results), results
    assert session.scalar(select(func.count()).where(Enrollment.plan_id == plan_id)) == 2
    assert breaches() == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_mail_says_what_is_another_thing_now(
    cast: Cast, enrollment: Enrollment, other: PlanVersion, language: str
) -> None:
    acknowledge(cast.learner, document("exposure"))
    release(cast.learner)
    with own_transaction():
        cast.learner.language = language
    new = swap(enrollment, other, cast)
    message = render(_builders["training.version_swapped"](code=new.code))
    text = message.get_body(("plain",)).get_content().replace("\r\n", "\n")
    page = message.get_body(("html",)).get_content()
    words = {
        "en": (
            "New steps:\n- Read “Background”, by ",
            "no longer asked for:\n- Read “Background”\n\n",
            "something else now:",
        ),
        "ja": ("新しい項目：\n- ", "なくなった項目：\n- ", "求める内容が変わった項目："),
    }
    for word in words[language]:
        assert word in text
    assert "The plan was revised." in text
    assert "The plan was revised." in page
    assert "{{" not in text + page
    moved = {"en": "Thu 30 Apr 2026 → Fri 8 May 2026", "ja": "2026年4月30日（木） → 2026年5月8日（金）"}
    assert moved[language] in text


def test_the_mail_tells_what_the_swap_moved_and_not_what_was_moved_since(
    cast: Cast, enrollment: Enrollment, other: PlanVersion
) -> None:
    new = swap(enrollment, other, cast)
    (sent,) = [row.arguments for row in list_jobs() if row.arguments.get("mail") == "training.version_swapped"]
    first = _builders["training.version_swapped"](**sent["arguments"])
    assert first is not None
    with own_transaction():
        dates.extend_plan(enrollment=new, working_days=5, reason="more", by=cast.lead)
    session.expire_all()
    later = _builders["training.version_swapped"](**sent["arguments"])
    assert later is not None
    assert later.values["moved"]["steps"]
    for part in ("moved", "new", "again", "dropped"):
        days = [[(each["before"], each["after"]) for each in mail.values[part]["steps"]] for mail in (first, later)]
        assert days[0] == days[1], part


def test_a_cohort_takes_no_statement_for_each_person(
    cast: Cast, enrollment: Enrollment, other: PlanVersion, as_: Any
) -> None:
    assert enrollment.cohort is not None
    lead, where = as_(cast.lead), {"code": enrollment.cohort.code, "plan": "first-days"}
    asked = {"plan": "2.0", "reason": "x", "act": "preview"}
    counts = []
    for people in ((cast.colleague, cast.outsider), (cast.author, cast.approver, cast.admin)):
        for person in people:
            make_enrollment(person, enrollment.version, cast.lead, cohort=enrollment.cohort)
        lead.post("training.version_of_cohort", asked, **where, expect=200)
        session.expire_all()
        with counted_queries() as statements:
            lead.post("training.version_of_cohort", asked, **where, expect=200)
        counts.append(len(statements))
    assert counts[0] == counts[1]


@pytest.mark.parametrize("language", LANGUAGES)
def test_whoevers_dates_cannot_be_computed_is_left_out_and_named_and_the_others_go_on(
    cast: Cast, enrollment: Enrollment, other: PlanVersion, as_: Any, language: str
) -> None:
    assert enrollment.cohort is not None
    for person in (cast.colleague, cast.author):
        make_enrollment(person, enrollment.version, cast.admin, cohort=enrollment.cohort)
    keep_away(cast.colleague)
    # Of the author no date is beyond the table now, but one would be.
    later = make_plan("first-days", cast.author, *OTHER[:-1], replace(OTHER[-1], due_days=40), number="3.0")
    keep_away(cast.author, until=date(2031, 11, 30))
    lead, where = as_(cast.lead, language=language), {"code": enrollment.cohort.code, "plan": "first-days"}
    asked, stay = {"plan": later.number, "reason": "計画を改訂しました。"}, (cast.colleague, cast.author)
    page = lead.post("training.version_of_cohort", {**asked, "act": "preview"}, **where, expect=200)
    said = {
        "en": "2 learners stay: their dates cannot be computed",
        "ja": "日付を計算できない2名は、今の版のままです",
    }[language]
    assert said in page.text
    assert page.text.count(WHY[language]) == 1
    assert all(person.name_in(language) in page.text for person in stay)
    assert f"{cast.learner.name_in(language)} {FROM_THE_FIRST[language]}" in page.text
    seen = page.one("input", name="seen").get("value")
    done = lead.post("training.version_of_cohort", {**asked, "act": "confirm", "seen": seen}, **where, expect=303)
    page = lead.follow(done)
    names = {"en": ", ", "ja": "、"}[language].join(
        person.name_in(language) for person in sorted(stay, key=lambda each: (each.sort_key, each.id))
    )
    said = {
        "en": f"2 learners stay where they are: {names}. {WHY['en']}",
        "ja": f"2名は今の版のままです：{names}。 {WHY['ja']}",
    }[language]
    assert said in page.text
    session.expire_all()
    numbers = {
        each.person_id: each.version.number for each in session.scalars(select(Enrollment)) if each.ended_at is None
    }
    assert numbers == {cast.learner.id: "3.0", cast.colleague.id: "1.0", cast.author.id: "1.0"}
    # Where nobody is left it is refused.
    page = lead.post(
        "training.version_of_cohort", {**asked, "act": "preview"}, **where, expect=HolidayYearUnknown.status
    )
    assert not page.all("input", name="seen")


def test_who_is_left_out_by_now_is_shown_first(cast: Cast, enrollment: Enrollment, other: PlanVersion) -> None:
    assert enrollment.cohort is not None
    enrollments = [
        enrollment,
        make_enrollment(cast.colleague, enrollment.version, cast.admin, cohort=enrollment.cohort),
    ]
    seen = swaps.key_of(*swaps.judge_countable(enrollments=enrollments, version=other))
    keep_away(cast.colleague)
    session.expire_all()
    with pytest.raises(SwapChanged), own_transaction():
        swaps.swap_cohort(
            enrollments=enrollments, cohort=enrollment.cohort, version=other, reason="x", by=cast.lead, seen=seen
        )

"""Live sessions: planned, told, moved, cancelled, and who attended; every word of it stays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from portal.accounts.models import Person, Role, Scope
from portal.core import clock
from portal.core.db import session
from portal.core.i18n import Words
from portal.core.jobs import Job
from portal.core.mail import _builders, render
from portal.core.transaction import own_transaction
from portal.training import errors, queries
from portal.training.invariants import sessions_were_attended
from portal.training.models import Attendance, Enrollment, LiveSession, PlanVersion
from portal.training.permissions import StepOfEnrollment
from portal.training.queries import live_sessions
from portal.training.rules import Doer, Presence, StepKind, StepSpec, StepState
from portal.training.service import calendar, dates, sessions
from portal.training.service.enrollments import end_plan
from portal.training.service.sessions import When
from tests.beginnings import beginning
from tests.builders import Cast, make_grant, make_market, make_person, make_team, save
from tests.queries import counted_queries
from tests.training.builders import load_holidays, make_cohort, make_documents, make_enrollment, make_plan

# A Tuesday, 10:00 in Tokyo.
MORNING = datetime(2026, 4, 28, 1, 0, tzinfo=UTC)
LANGUAGES = ("en", "ja")
STEPS = (
    StepSpec(
        "circle", StepKind.SESSION, 3, title=Words("Case circle", "事例検討会"), by=Doer.LEAD, minutes=60,
        instructions=Words("Bring a case.", "事例を1件用意してください。"),
    ),
    StepSpec("read", StepKind.READ, 5, document="exposure"),
)  # fmt: skip
AT = When(date(2026, 5, 1), time(10, 0), time(11, 0), "Room 3", "https://meet.example.com/abc")


@pytest.fixture
@beginning
def version(cast: Cast) -> PlanVersion:
    load_holidays()
    make_documents()
    with clock.frozen(MORNING):
        return make_plan("circles", cast.author, *STEPS)


@pytest.fixture(autouse=True)
def _morning(version: PlanVersion) -> Iterator[None]:
    with clock.frozen(MORNING):
        yield


@pytest.fixture
def enrollment(cast: Cast, version: PlanVersion) -> Enrollment:
    return make_enrollment(cast.learner, version, cast.admin, cohort=make_cohort(cast.admin))


@pytest.fixture
def second(cast: Cast, enrollment: Enrollment) -> Enrollment:
    return make_enrollment(cast.colleague, enrollment.version, cast.admin, cohort=enrollment.cohort)


def seat(enrollment: Enrollment, slug: str = "circle") -> StepOfEnrollment:
    return StepOfEnrollment(enrollment, queries.get_step(enrollment, slug))


def plan(cast: Cast, *enrollments: Enrollment, when: When = AT, by: Person | None = None) -> LiveSession:
    first = enrollments[0]
    with own_transaction():
        planned = sessions.plan_session(
            step=queries.get_step(first, "circle"), market=first.market, when=when, by=by or cast.lead,
            learners=[seat(each) for each in enrollments], cohort=first.cohort,
        )  # fmt: skip
    return live_sessions.get_session(planned.code)


def attend(cast: Cast, planned: LiveSession, reason: str = "", seen: int | None = None, **said: Presence) -> int:
    """Record attendance; names are those of the cast."""
    by_person = {each.enrollment.person_id: each.enrollment.code for each in planned.seats}
    known = live_sessions.list_attendances(planned)
    with own_transaction():
        return sessions.record_attendance(
            planned=planned,
            said={by_person[getattr(cast, name).id]: presence for name, presence in said.items()},
            reason=reason,
            seen=sessions.newest(known) if seen is None else seen,
            by=cast.lead,
        )


def state_of(enrollment: Enrollment) -> StepState:
    session.expire_all()
    return queries.standing_of(enrollment).statuses["circle"].state


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_due_date_of_a_step_stands_apart_from_the_day_of_its_session(
    cast: Cast, enrollment: Enrollment, as_: Any, language: str
) -> None:
    lead = as_(cast.lead, language=language)
    where = {"code": enrollment.code, "slug": "circle"}
    due = lead.get("training.extension", **where).one("aside").findall(".//time")[-1]
    plan(cast, enrollment)
    page = lead.get("training.extension", **where)
    (shown,) = page.one("aside").findall(".//time")
    assert shown.get("datetime") == due.get("datetime") != AT.on.isoformat()
    assert {"en": "Session", "ja": "セッション"}[language] in "".join(page.one("aside").itertext())
    # On her path the day of the session leads, and the due date is derived below it.
    path = lead.get("training.path", code=enrollment.code)
    (date,) = (
        each for each in path.tree.iter("details") if each.find(f".//time[@datetime='{AT.on.isoformat()}']") is not None
    )
    assert len(date.findall(".//p")) >= 2
    assert date.findall(".//li")


def told(what: str) -> list[str]:
    return [
        job.effect_key for job in session.scalars(select(Job).order_by(Job.id)) if f"mail:{what}:" in job.effect_key
    ]


AFTER = MORNING + timedelta(days=3, hours=1)


# --- Planning ----------------------------------------------------------------------------------


def test_a_session_is_others_turn_until_it_is_planned_and_then_hers(cast: Cast, enrollment: Enrollment) -> None:
    assert state_of(enrollment) is StepState.WAITING
    planned = plan(cast, enrollment)
    assert state_of(enrollment) is StepState.OPEN
    assert planned.time.starts_at == datetime(2026, 5, 1, 1, 0, tzinfo=UTC)
    with clock.frozen(AFTER):
        # It is over: now its attendance is waited for.
        assert state_of(enrollment) is StepState.WAITING
        assert queries.standing_of(enrollment).waiting_since(seat(enrollment).step) == planned.time.ends_at


def test_the_lead_of_a_cohort_is_told_once_that_a_session_is_to_be_planned(
    cast: Cast, enrollment: Enrollment, second: Enrollment
) -> None:
    assert len(told("sign_off_waiting")) == 1
    text = (
        render(_builders["training.sign_off_waiting"](code=enrollment.code, step="circle", to=cast.lead.code))
        .get_body(("plain",))
        .get_content()
    )
    assert "No session has been planned for it yet." in text
    assert "/sessions" in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_she_sees_when_and_where_on_today_and_on_her_path(
    cast: Cast, enrollment: Enrollment, as_: Any, language: str
) -> None:
    plan(cast, enrollment)
    for endpoint, values in (("training.today", {}), ("training.path", {"code": enrollment.code})):
        page = as_(cast.learner, language=language).get(endpoint, **values)
        assert {
            "en": "Fri 1 May 2026 10:00–11:00 JST",
            "ja": "2026年5月1日（金）10:00～11:00 JST",
        }[language] in page.text.replace("） ", "）")
        assert "Room 3" in page.text
        assert "https://meet.example.com/abc" in page.links()


def test_her_day_has_the_session_under_its_own_date(cast: Cast, enrollment: Enrollment, as_: Any) -> None:
    # Later than its step is due, and than the next one.
    plan(cast, enrollment, when=replace(AT, on=date(2026, 5, 20)))
    titles = [each.text for each in as_(cast.learner, language="en").get("training.today").all("a")]
    text = as_(cast.learner, language="en").get("training.today").text
    assert titles
    assert text.index("Read “Exposure”") < text.index("Case circle")


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"ends": time(10, 0)}, errors.SessionBackwards),
        ({"ends": time(9, 0)}, errors.SessionBackwards),
        ({"starts": time(1, 0), "ends": time(23, 0)}, errors.SessionBackwards),
        ({"on": date(2027, 6, 1)}, errors.SessionOutOfBounds),
        ({"on": date(2026, 1, 1)}, errors.SessionOutOfBounds),
        ({"place": " ", "link": ""}, errors.PlaceMissing),
        ({"place": "x" * 301}, errors.PlaceTooLong),
        ({"link": "http://meet.example.com"}, errors.LinkRefused),
    ],
)
def test_a_session_without_sense_is_refused(
    cast: Cast, enrollment: Enrollment, change: dict[str, Any], refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        plan(cast, enrollment, when=replace(AT, **change))
    assert session.scalars(select(LiveSession)).all() == []


def test_an_hour_that_the_clocks_skip_is_refused_and_one_that_comes_twice_is_the_first(
    cast: Cast, enrollment: Enrollment
) -> None:
    market = make_market("US")
    market.time_zone = "America/New_York"
    save(market)
    step = queries.get_step(enrollment, "circle")

    def at(on: date, starts: time, ends: time) -> LiveSession:
        with own_transaction():
            return sessions.plan_session(
                step=step, market=market, when=When(on, starts, ends, "Room"), learners=[seat(enrollment)], by=cast.lead
            )

    with pytest.raises(errors.TimeDoesNotExist):
        at(date(2027, 3, 14), time(2, 30), time(3, 30))
    planned = at(date(2026, 11, 1), time(1, 30), time(2, 30))
    assert planned.times[0].starts_at == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)


def test_nobody_is_expected_at_two_sessions_or_at_one_that_is_done(cast: Cast, enrollment: Enrollment) -> None:
    with pytest.raises(errors.NobodyChosen), own_transaction():
        sessions.plan_session(
            step=queries.get_step(enrollment, "circle"), market=enrollment.market, when=AT, learners=[], by=cast.lead
        )
    planned = plan(cast, enrollment)
    with pytest.raises(errors.CannotAttend):
        plan(cast, enrollment)
    with clock.frozen(AFTER):
        attend(cast, planned, learner=Presence.PRESENT)
        with pytest.raises(errors.CannotAttend):
            plan(cast, enrollment, when=replace(AT, on=date(2026, 5, 20)))


def test_who_does_not_lead_a_learner_expects_her_nowhere(cast: Cast, enrollment: Enrollment, as_: Any) -> None:
    make_grant(cast.outsider, Role.LEAD, Scope.TEAM, "payments-safety")
    with pytest.raises(errors.CannotAttend):
        plan(cast, enrollment, by=cast.outsider)
    planned = plan(cast, enrollment)
    outsider = as_(cast.outsider)
    outsider.get("training.plan_session", plan="circles", slug="circle", expect=404)
    for endpoint in ("session", "move_session", "cancel_session", "add_to_session"):
        outsider.get(f"training.{endpoint}", code=planned.code, expect=404)
        as_(cast.learner).get(f"training.{endpoint}", code=planned.code, expect=404)
    assert "Case circle" not in as_(cast.outsider, language="en").get("training.list_sessions").text
    # A session with a learner of another lead is no matter of one of the two alone.
    abroad = make_enrollment(cast.outsider, enrollment.version, cast.admin)
    make_grant(cast.admin, Role.LEAD)
    with own_transaction():
        sessions.add_learners(planned=planned, learners=[seat(abroad)], by=cast.admin)
    as_(cast.lead).get("training.session", code=planned.code, expect=404)


# --- Telling, moving, cancelling ---------------------------------------------------------------


def test_moving_and_cancelling_tell_everybody_with_the_reason(
    cast: Cast, enrollment: Enrollment, second: Enrollment
) -> None:
    planned = plan(cast, enrollment, second)
    assert len(told("session_planned")) == 2
    with own_transaction():
        sessions.move_session(
            planned=planned, when=replace(AT, starts=time(14, 0), ends=time(15, 0)), reason="The room.", by=cast.lead
        )
    assert len(told("session_moved")) == 2
    message = render(_builders["training.session_moved"](session=planned.code, code=enrollment.code))
    body = message.get_body(("plain",)).get_content()
    assert "14:00" in message["Subject"]
    assert "The room." in body
    assert "10:00" in body
    planned = live_sessions.get_session(planned.code)
    assert [(each.number, each.reason) for each in planned.times] == [(1, ""), (2, "The room.")]
    with own_transaction():
        sessions.cancel_session(planned=planned, reason="Flu.", by=cast.lead)
    assert len(told("session_cancelled")) == 2
    english = render(_builders["training.session_cancelled"](session=planned.code, code=second.code))
    assert "Session cancelled: Case circle, Fri 1 May 2026 14:00 JST" in english["Subject"]
    assert "Flu." in english.get_body(("html",)).get_content()
    # What was true before is not told any more.
    assert _builders["training.session_moved"](session=planned.code, code=enrollment.code) is None
    assert state_of(enrollment) is StepState.WAITING
    # And she can be expected at another one.
    plan(cast, enrollment, second, when=replace(AT, on=date(2026, 5, 8)))
    assert state_of(enrollment) is StepState.OPEN


def test_what_is_cancelled_recorded_or_the_same_is_not_moved(cast: Cast, enrollment: Enrollment) -> None:
    planned = plan(cast, enrollment)
    with pytest.raises(errors.SessionUnchanged), own_transaction():
        sessions.move_session(planned=planned, when=AT, reason="x", by=cast.lead)
    with pytest.raises(errors.ReasonMissing), own_transaction():
        sessions.cancel_session(planned=planned, reason=" ", by=cast.lead)
    with clock.frozen(AFTER):
        attend(cast, planned, learner=Presence.ABSENT)
        with pytest.raises(errors.SessionTaken), own_transaction():
            sessions.cancel_session(planned=planned, reason="x", by=cast.lead)
    other = plan(cast, enrollment, when=replace(AT, on=date(2026, 5, 8)))
    with own_transaction():
        sessions.cancel_session(planned=other, reason="x", by=cast.lead)
    for act in (
        lambda: sessions.cancel_session(planned=other, reason="x", by=cast.lead),
        lambda: sessions.move_session(planned=other, when=AT, reason="x", by=cast.lead),
        lambda: sessions.add_learners(planned=other, learners=[seat(enrollment)], by=cast.lead),
    ):
        with pytest.raises(errors.SessionCancelled), own_transaction():
            act()


def test_a_session_of_the_past_is_entered_without_a_mail(cast: Cast, enrollment: Enrollment) -> None:
    planned = plan(cast, enrollment, when=replace(AT, on=date(2026, 4, 27)))
    assert told("session_planned") == []
    attend(cast, planned, learner=Presence.PRESENT)
    assert state_of(enrollment) is StepState.DONE


# --- Attendance --------------------------------------------------------------------------------


def test_who_was_present_is_done_and_who_was_not_waits_for_another_session(
    cast: Cast, enrollment: Enrollment, second: Enrollment
) -> None:
    planned = plan(cast, enrollment, second)
    with pytest.raises(errors.SessionNotBegun):
        attend(cast, planned, learner=Presence.PRESENT)
    with clock.frozen(AFTER):
        assert attend(cast, planned, learner=Presence.PRESENT, colleague=Presence.EXCUSED) == 2
        assert state_of(enrollment) is StepState.DONE
        assert queries.standing_of(enrollment).completions["circle"].completed_at == planned.time.ends_at
        assert state_of(second) is StepState.WAITING
        again = plan(cast, second, when=replace(AT, on=date(2026, 5, 8)))
        assert state_of(second) is StepState.OPEN
    with clock.frozen(AFTER + timedelta(days=7)):
        attend(cast, again, colleague=Presence.PRESENT)
        assert state_of(second) is StepState.DONE
    assert sessions_were_attended() == []


def test_a_session_that_was_held_stands_in_her_calendar_on_its_day(
    cast: Cast, enrollment: Enrollment, as_: Any
) -> None:
    on = date(2026, 5, 8)
    assert queries.standing_of(enrollment).due_on("circle") != on
    planned = plan(cast, enrollment, when=replace(AT, on=on))
    with clock.frozen(datetime(2026, 5, 9, 1, tzinfo=UTC)):
        attend(cast, planned, learner=Presence.PRESENT)
        (found,) = [
            each
            for each in calendar.dates_of(cast.learner, [queries.standing_of(enrollment)])
            if each.uid.endswith("-circle")
        ]
        assert (found.on, found.state) == (on, StepState.DONE)


def test_a_correction_is_a_new_row_with_a_reason_and_what_is_done_stays_done(
    cast: Cast, enrollment: Enrollment
) -> None:
    planned = plan(cast, enrollment)
    with clock.frozen(AFTER):
        attend(cast, planned, learner=Presence.PRESENT)
        with pytest.raises(errors.CorrectionNeedsReason):
            attend(cast, planned, learner=Presence.ABSENT)
        attend(cast, planned, "Another Takahashi.", learner=Presence.ABSENT)
        rows = session.scalars(select(Attendance).order_by(Attendance.id)).all()
        assert [(row.number, row.presence.value, row.reason) for row in rows] == [
            (1, "present", ""),
            (2, "absent", "Another Takahashi."),
        ]
        assert state_of(enrollment) is StepState.DONE
        with pytest.raises(errors.NothingRecorded):
            attend(cast, planned, learner=Presence.ABSENT)
        with pytest.raises(errors.AttendanceChanged):
            attend(cast, planned, "x", seen=rows[0].id, learner=Presence.PRESENT)
    assert sessions_were_attended() == []


def test_what_was_ended_meanwhile_is_recorded_and_completes_nothing(cast: Cast, enrollment: Enrollment) -> None:
    planned = plan(cast, enrollment)
    with clock.frozen(AFTER), own_transaction():
        end_plan(enrollment=queries.get_enrollment(enrollment.code), reason="Moved.", by=cast.lead)
    with clock.frozen(AFTER):
        attend(cast, live_sessions.get_session(planned.code), learner=Presence.PRESENT)
    assert queries.list_completions(enrollment) == []


def test_the_doctor_finds_attendance_that_cannot_be(cast: Cast, enrollment: Enrollment, second: Enrollment) -> None:
    planned = plan(cast, enrollment)
    with clock.frozen(AFTER):
        attend(cast, planned, learner=Presence.PRESENT)
    assert sessions_were_attended() == []
    with own_transaction():
        session.execute(update(Attendance.__table__).values(presence="absent"))
    assert f"enrollment {enrollment.code}, step circle: completed without having attended" in sessions_were_attended()
    with own_transaction():
        session.execute(update(Attendance.__table__).values(presence="present", enrollment_id=second.id))
    assert "nobody expected her" in " ".join(sessions_were_attended())


# --- Pages -------------------------------------------------------------------------------------

FORM = {"on": "2026-05-01", "starts": "10:00", "ends": "１１：００", "place": "Room 3", "link": ""}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_lead_plans_for_a_cohort_and_takes_attendance_with_one_button(
    cast: Cast, enrollment: Enrollment, second: Enrollment, as_: Any, language: str
) -> None:
    lead = as_(cast.lead, language=language)
    queue = lead.get("training.list_sign_offs")
    (href, *_rest) = [each for each in queue.links() if "/sessions/new/" in each]
    assert href == "/sessions/new/circles/circle?cohort=jp-2026-04"
    assert href in lead.get("training.list_sessions").links()
    page = lead.get("training.plan_session", plan="circles", slug="circle", cohort="jp-2026-04")
    boxes = list(page.all("input", name="learners"))
    assert [each.get("checked") is not None for each in boxes] == [True, True]
    codes = [enrollment.code, second.code]
    sent = lead.post(
        "training.plan_session", FORM | {"learners": codes}, plan="circles", slug="circle", cohort="jp-2026-04"
    )
    shown = lead.follow(sent)
    assert {"en": "The session is planned. 2 learners are told", "ja": "受講者2人にメールで知らせます"}[
        language
    ] in shown.text
    planned = session.scalars(select(LiveSession)).one()
    assert shown.all("input", type="radio") == []
    with clock.frozen(AFTER):
        lead = as_(cast.lead, language=language)
        queue = lead.get("training.list_sign_offs")
        assert f"/sessions/{planned.code}" in queue.links()
        assert {"en": "Attendance to be recorded", "ja": "出欠の記録待ち"}[language] in queue.text
        page = lead.get("training.session", code=planned.code)
        assert len(page.all("input", type="radio")) == 6
        lead.post("training.session", {"act": "everybody", "seen": "0"}, code=planned.code)
        assert [state_of(each) for each in (enrollment, second)] == [StepState.DONE, StepState.DONE]


def test_those_who_were_absent_are_put_into_another_session(
    cast: Cast, enrollment: Enrollment, second: Enrollment, as_: Any
) -> None:
    planned = plan(cast, enrollment, second)
    third = make_enrollment(make_person(team=make_team()), enrollment.version, cast.admin)
    other = plan(cast, third, when=replace(AT, on=date(2026, 5, 15)))
    with clock.frozen(AFTER):
        lead = as_(cast.lead, language="en")
        form = {"act": "record", "seen": "0", f"presence-{second.code}": "absent"}
        lead.post("training.session", form, code=planned.code)
        page = lead.get("training.session", code=planned.code)
        assert "1 learner still needs another session" in page.text
        href = f"/sessions/{other.code}/learners?after={planned.code}"
        assert href in page.links()
        page = lead.get("training.add_to_session", code=other.code, after=planned.code)
        boxes = {each.get("value"): each.get("checked") is not None for each in page.all("input", name="learners")}
        assert boxes == {second.code: True}
        lead.post("training.add_to_session", {"learners": [second.code]}, code=other.code)
        assert "Absent from the session of" not in as_(cast.colleague).get("training.today").text
        assert state_of(second) is StepState.OPEN
        # The rest of the first session is still to be recorded, in one click.
        lead.post(
            "training.session",
            {"act": "everybody", "seen": str(sessions.newest(live_sessions.list_attendances(planned)))},
            code=planned.code,
        )
        assert state_of(enrollment) is StepState.DONE
        assert state_of(second) is StepState.OPEN


def test_who_needs_another_session_is_counted_once_and_who_pauses_is_not_chosen(
    cast: Cast, enrollment: Enrollment, second: Enrollment, as_: Any
) -> None:
    third = make_enrollment(make_person(team=make_team()), enrollment.version, cast.admin, cohort=enrollment.cohort)
    fourth = make_enrollment(make_person(team=make_team()), enrollment.version, cast.admin, cohort=enrollment.cohort)
    planned = plan(cast, enrollment, second, third)
    with clock.frozen(AFTER):
        attend(cast, planned, learner=Presence.ABSENT, colleague=Presence.ABSENT)
        lead = as_(cast.lead, language="en")
        form = {"act": "record", "seen": str(sessions.newest(live_sessions.list_attendances(planned)))}
        lead.post("training.session", form | {f"presence-{third.code}": "excused"}, code=planned.code)
        assert "3 learners still need another session" in lead.get("training.session", code=planned.code).text
        with own_transaction():
            for each in (third, fourth):
                dates.pause(enrollment=session.merge(each), first_on=date(2026, 5, 1), reason="Away.", by=cast.lead)
        other = plan(cast, enrollment, when=replace(AT, on=date(2026, 5, 15)))
        page = lead.get("training.session", code=planned.code)
        assert "1 learner still needs another session" in page.text
        page = lead.get("training.add_to_session", code=other.code, after=planned.code)
        assert checked(page) == {second.code: True}
        page = lead.get("training.plan_session", plan="circles", slug="circle", after=planned.code)
        assert checked(page) == {second.code: True, third.code: False, fourth.code: False}
        assert page.text.count("(paused)") == 2
        ahead = plan(cast, second, when=replace(AT, on=date(2026, 5, 16)))
        assert "another session" not in lead.get("training.session", code=planned.code).text.replace("Plan", "")
        page = lead.get("training.plan_session", plan="circles", slug="circle", after=planned.code)
        assert checked(page) == {third.code: False, fourth.code: False}
    with clock.frozen(datetime(2026, 5, 16, 3, 0, tzinfo=UTC)):
        attend(cast, ahead, colleague=Presence.PRESENT)
        assert "another session" not in as_(cast.lead).get("training.session", code=planned.code).text


def checked(page: Any) -> dict[str, bool]:
    """Return whom a form offers, and who is chosen."""
    return {each.get("value"): each.get("checked") is not None for each in page.all("input", name="learners")}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_mentor_sees_the_sessions_of_her_learners_and_nothing_of_others(
    cast: Cast, enrollment: Enrollment, as_: Any, language: str
) -> None:
    mentor = make_person()
    make_grant(mentor, Role.MENTOR, Scope.COHORT, "jp-2026-04")
    stranger = make_enrollment(make_person(team=make_team()), enrollment.version, cast.admin)
    page = as_(mentor, language=language).get("training.list_sessions")
    assert {"en": "as soon as a lead has planned them", "ja": "リードが計画すると"}[language] in page.text
    planned = plan(cast, enrollment, stranger)
    plan(cast, make_enrollment(make_person(team=make_team()), enrollment.version, cast.admin))
    page = as_(mentor, language=language).get("training.list_sessions")
    assert len(page.all("td")) == 3
    for words in (
        "Room 3",
        cast.learner.name_in(language),
        {"en": "Planned by ", "ja": "計画した人："}[language] + cast.lead.name_in(language),
    ):
        assert words in page.text
    assert stranger.person.name_in(language) not in page.text
    assert f"/training/{enrollment.code}" in page.links()
    # She sees it, and does not run it.
    assert f"/sessions/{planned.code}" not in page.links()
    as_(mentor).get("training.session", code=planned.code, expect=404)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"on": "tomorrow"}, {"en": "Enter a date like", "ja": "日付"}),
        ({"starts": "25:00"}, {"en": "Enter a time like 09:00.", "ja": "09:00のように"}),
        ({"ends": ""}, {"en": "Enter a time like 09:00.", "ja": "09:00のように"}),
        ({"ends": "09:00"}, {"en": "has to end after it begins", "ja": "終了は開始より後"}),
        ({"place": ""}, {"en": "Write the place or the link", "ja": "場所またはリンク"}),
        ({"link": "zoom"}, {"en": "beginning with https://", "ja": "安全に開けるアドレスではありません"}),
        ({"learners": []}, {"en": "Choose at least one learner.", "ja": "受講者を1人以上"}),
        ({"learners": ["NOBODY"]}, {"en": "Choose at least one learner.", "ja": "受講者を1人以上"}),
    ],
)
def test_what_cannot_be_planned_is_said_beside_its_field(
    cast: Cast, enrollment: Enrollment, as_: Any, language: str, change: dict[str, Any], said: dict[str, str]
) -> None:
    form = FORM | {"learners": [enrollment.code]} | change
    page = as_(cast.lead, language=language).post(
        "training.plan_session", form, plan="circles", slug="circle", expect=400
    )
    assert said[language] in page.text
    assert session.scalars(select(LiveSession)).all() == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_session_on_a_day_off_is_planned_where_it_is_said_twice(
    cast: Cast, enrollment: Enrollment, as_: Any, language: str
) -> None:
    lead, where = as_(cast.lead, language=language), {"plan": "circles", "slug": "circle"}
    form = FORM | {"learners": [enrollment.code]}
    for on, said in (
        (
            "2026-05-09",
            {"en": "Sat 9 May 2026 is no working day (Weekend)", "ja": "2026年5月9日（土）は休みの日です（週末）"},
        ),
        ("2026-05-04", {"en": "(Greenery Day)", "ja": "2026年5月4日（月）は休みの日です（みどりの日）"}),
    ):
        # What was said of another day is not said of this one.
        page = lead.post("training.plan_session", form | {"on": on, "seen": "2026-05-08"}, **where, expect=200)
        assert said[language] in page.text
        assert page.one("input", name="place").get("value") == "Room 3"
    assert session.scalars(select(LiveSession)).all() == []
    lead.post("training.plan_session", form | {"on": "2026-05-04", "seen": "2026-05-04"}, **where, expect=303)
    planned = session.scalars(select(LiveSession)).one()
    asked = FORM | {"on": "2026-05-09", "reason": "Room."}
    page = lead.post("training.move_session", asked, code=planned.code, expect=200)
    assert page.one("input", name="seen").get("value") == "2026-05-09"
    lead.post("training.move_session", asked | {"seen": "2026-05-09"}, code=planned.code, expect=303)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("presence", [Presence.ABSENT, Presence.EXCUSED])
def test_who_missed_a_session_reads_when_and_that_there_will_be_another(
    cast: Cast, enrollment: Enrollment, as_: Any, language: str, presence: Presence
) -> None:
    planned = plan(cast, enrollment)
    with clock.frozen(AFTER):
        attend(cast, planned, learner=presence)
        text = as_(cast.learner, language=language).get("training.path", code=enrollment.code).text
    assert {"en": "Another session is to be planned", "ja": "別のセッションを予定し"}[language] in text
    assert {"en": "No session has been planned", "ja": "まだ予定されていません"}[language] not in text
    word = {
        ("en", Presence.ABSENT): "Absent from the session of Fri 1 May 2026",
        ("en", Presence.EXCUSED): "Excused from the session of Fri 1 May 2026",
        ("ja", Presence.ABSENT): "セッションは欠席でした。別の",
        ("ja", Presence.EXCUSED): "承認を受けて欠席しました。別の",
    }[language, presence]
    assert text.count(word) == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_session_is_moved_and_cancelled_on_its_pages(
    cast: Cast, enrollment: Enrollment, as_: Any, language: str
) -> None:
    planned, lead = plan(cast, enrollment), as_(cast.lead, language=language)
    page = lead.get("training.move_session", code=planned.code)
    assert page.one("input", name="starts").get("value") == "10:00"
    lead.post("training.move_session", FORM | {"reason": ""}, code=planned.code, expect=400)
    lead.post("training.move_session", FORM | {"starts": "09:30", "reason": "Room."}, code=planned.code)
    shown = lead.get("training.session", code=planned.code)
    assert "09:30" in shown.text
    assert "Room." in shown.text
    lead.post("training.cancel_session", {"reason": " "}, code=planned.code, expect=400)
    lead.post("training.cancel_session", {"reason": "Flu."}, code=planned.code)
    assert "Flu." in lead.get("training.session", code=planned.code).text
    for endpoint in ("training.move_session", "training.cancel_session", "training.add_to_session"):
        assert lead.get(endpoint, code=planned.code).all("textarea") == []
    lead.post("training.session", {"act": "everybody", "seen": "0"}, code=planned.code, expect=409)
    today = as_(cast.learner, language=language).get("training.today")
    assert {"en": "was cancelled", "ja": "セッションは中止になりました"}[language] in today.text


def test_attendance_that_somebody_else_recorded_meanwhile_is_not_overwritten(
    cast: Cast, enrollment: Enrollment, as_: Any
) -> None:
    planned = plan(cast, enrollment)
    with clock.frozen(AFTER):
        lead = as_(cast.lead, language="en")
        attend(cast, planned, learner=Presence.ABSENT)
        for form in ({"act": "everybody", "seen": "0"}, {"act": "everybody"}, {"act": "everybody", "seen": "x"}):
            page = lead.post("training.session", form, code=planned.code, expect=409)
            assert "Somebody else has recorded attendance" in page.text
        page = lead.post("training.session", {"act": "record", "seen": "1"}, code=planned.code, expect=400)
        assert "Mark at least one learner" in page.text


def test_unknown_sessions_plans_and_steps_are_not_found(cast: Cast, enrollment: Enrollment, as_: Any) -> None:
    lead = as_(cast.lead)
    lead.get("training.session", code="NOTHING", expect=404)
    lead.get("training.plan_session", plan="nothing", slug="circle", expect=404)
    lead.get("training.plan_session", plan="circles", slug="read", expect=404)
    lead.get("training.plan_session", plan="circles", slug="circle", cohort="nothing", expect=404)
    as_(cast.learner).get("training.plan_session", plan="circles", slug="circle", expect=403)


def test_the_pages_of_sessions_ask_the_same_of_the_database_for_any_number(
    cast: Cast, enrollment: Enrollment, as_: Any
) -> None:
    lead, version, cohort = as_(cast.lead), enrollment.version, enrollment.cohort
    rows = [enrollment]

    def more(number: int) -> None:
        fresh = [
            make_enrollment(make_person(team=make_team()), version, cast.admin, cohort=cohort)
            for _each in range(number)
        ]
        plan(cast, *fresh)
        rows.extend(fresh)

    def count(endpoint: str, **values: Any) -> int:
        with counted_queries() as statements:
            lead.get(endpoint, **values)
        return len(statements)

    more(2)
    pages: list[tuple[str, dict[str, Any]]] = [
        ("training.list_sessions", {}),
        ("training.plan_session", {"plan": "circles", "slug": "circle"}),
        ("training.list_sign_offs", {}),
    ]
    few = [count(endpoint, **values) for endpoint, values in pages]
    more(3)
    assert [count(endpoint, **values) for endpoint, values in pages] == few


def test_whoever_has_no_account_yet_gets_no_mail_about_a_session(cast: Cast, version: PlanVersion) -> None:
    invited = make_person(team=make_team(), password_hash=None)
    enrollment = make_enrollment(invited, version, cast.admin, starts_on=MORNING.date())
    with own_transaction():
        step = queries.get_step(enrollment, "circle")
        learners = [StepOfEnrollment(enrollment, step)]
        planned = sessions.plan_session(step=step, market=make_market(), when=AT, learners=learners, by=cast.lead)
    arguments = {"session": planned.code, "code": enrollment.code}
    assert _builders["training.session_planned"](**arguments) is None
    invited.password_hash = "set"
    save(invited)
    assert _builders["training.session_planned"](**arguments) is not None

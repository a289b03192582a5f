"""What is booked as a session is done on its day, everywhere; and nobody is expected where she no longer belongs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from portal.accounts.models import Person
from portal.calendars import service as calendars
from portal.cohorts.models import Cohort
from portal.core import clock
from portal.core.db import session
from portal.core.i18n import Words
from portal.core.jobs import Job
from portal.core.mail import _builders, render
from portal.core.transaction import own_transaction
from portal.training import queries
from portal.training.models import Enrollment, LiveSession, PlanVersion
from portal.training.permissions import StepOfEnrollment, expected_at, gone_from
from portal.training.queries import live_sessions
from portal.training.rules import Doer, EventSpec, Presence, StepKind, StepSpec
from portal.training.service import dates, other_plan, sessions, swaps
from portal.training.service.enrollments import end_plan
from portal.training.service.sessions import When
from tests.beginnings import beginning
from tests.builders import Cast
from tests.queries import counted_queries
from tests.shown import as_shown
from tests.training.builders import load_holidays, make_cohort, make_documents, make_enrollment, make_plan

# A Tuesday, 10:00 in Tokyo. The holidays of Golden Week follow.
MORNING = datetime(2026, 4, 28, 1, 0, tzinfo=UTC)
EXAM = date(2026, 5, 15)
LANGUAGES = ("en", "ja")
CIRCLE = StepSpec(
    "circle", StepKind.SESSION, 3, title=Words("Case circle", "事例検討会"), by=Doer.LEAD, minutes=60
)  # fmt: skip
TALK = StepSpec(
    "talk", StepKind.SIGN_OFF, 6, title=Words("Last talk", "最後の面談"), by=Doer.LEAD, minutes=30,
    prerequisites=("circle",),
)  # fmt: skip
STEPS = (
    CIRCLE,
    TALK,
    StepSpec("prepare", StepKind.READ, -2, document="exposure", event="exam", minutes=30),
    StepSpec(
        "calibration", StepKind.SESSION, 0, title=Words("Calibration", "判断のすり合わせ"), by=Doer.LEAD, event="exam",
        minutes=60, prerequisites=("prepare",),
    ),
)  # fmt: skip
HOURS = (time(10, 0), time(11, 0))


@pytest.fixture
@beginning
def version(cast: Cast) -> PlanVersion:
    load_holidays()
    make_documents()
    with clock.frozen(MORNING):
        return make_plan(
            "circles", cast.author, *STEPS, credential=None, phases=(),
            events=(EventSpec("exam", Words("Calibration day", "すり合わせの日")),),
        )  # fmt: skip


@pytest.fixture(autouse=True)
def _morning(version: PlanVersion) -> Iterator[None]:
    with clock.frozen(MORNING):
        yield


@pytest.fixture
def enrollment(cast: Cast, version: PlanVersion) -> Enrollment:
    cohort = make_cohort(cast.admin)
    with own_transaction():
        dates.set_event_of_cohort(cohort=cohort, event=version.events[0], on=EXAM, reason="", by=cast.lead)
    return make_enrollment(cast.learner, version, cast.admin, cohort=cohort)


@pytest.fixture
def second(cast: Cast, enrollment: Enrollment) -> Enrollment:
    return make_enrollment(cast.colleague, enrollment.version, cast.admin, cohort=enrollment.cohort)


def book(cast: Cast, on: date, *enrollments: Enrollment, slug: str = "circle", by: Person | None = None) -> LiveSession:
    seats = [StepOfEnrollment(each, queries.get_step(each, slug)) for each in enrollments]
    first = enrollments[0]
    with own_transaction():
        planned = sessions.plan_session(
            step=seats[0].step, market=first.market, when=When(on, *HOURS, "Room 3", "https://meet.example.com/abc"),
            learners=seats, by=by or cast.lead, cohort=first.cohort,
        )  # fmt: skip
    return live_sessions.get_session(planned.code)


def cohort_of(enrollment: Enrollment) -> Cohort:
    assert enrollment.cohort is not None
    return enrollment.cohort


def again(planned: LiveSession) -> LiveSession:
    session.expire_all()
    return live_sessions.get_session(planned.code)


def people(found: Sequence[StepOfEnrollment]) -> list[str]:
    return [each.enrollment.person.code for each in found]


def owed(what: str) -> list[dict[str, Any]]:
    rows = session.scalars(select(Job).order_by(Job.id))
    return [each.arguments["arguments"] for each in rows if f"mail:{what}:" in each.effect_key]


def text_of(mail: str, **arguments: Any) -> str:
    """Return subject and text of a mail, which has both of its forms."""
    written = _builders[mail](**arguments)
    assert written is not None
    message = render(written)
    texts = [part.get_content() for kind in ("plain", "html") if (part := message.get_body((kind,))) is not None]
    assert len(texts) == 2
    return f"{message['Subject']}\n{texts[0]}"


def end(cast: Cast, enrollment: Enrollment) -> None:
    with own_transaction():
        end_plan(enrollment=queries.get_enrollment(enrollment.code), reason="She has moved.", by=cast.lead)


# --- Whoever leaves a plan leaves its sessions --------------------------------------------------


def test_whose_plan_was_ended_is_expected_at_no_session_any_more(
    cast: Cast, enrollment: Enrollment, second: Enrollment, as_: Any
) -> None:
    planned = book(cast, date(2026, 5, 1), enrollment, second)
    end(cast, enrollment)
    planned = again(planned)
    assert people(expected_at(planned)) == [cast.colleague.code]
    assert people(gone_from(planned)) == [cast.learner.code]
    # Nobody marks her absent by a slip once the session has begun.
    with clock.frozen(MORNING + timedelta(days=3, hours=1)):
        page = as_(cast.lead, language="en").get("training.session", code=planned.code)
    assert f"presence-{second.code}" in page.body
    assert f"presence-{enrollment.code}" not in page.body
    assert "No longer expected" in page.text
    path = as_(cast.learner, language="en").get("training.path", code=enrollment.code)
    assert "Room 3" not in path.text
    assert "Absent from" not in path.text
    assert "No longer expected at the session of Fri 1 May 2026 10:00" in path.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_mail_about_the_end_names_the_sessions_that_are_off_for_her(
    cast: Cast, enrollment: Enrollment, language: str
) -> None:
    with own_transaction():
        cast.learner.language = language
    book(cast, date(2026, 5, 1), enrollment)
    end(cast, enrollment)
    said = text_of("training.plan_ended", code=enrollment.code)
    assert {"en": "You are no longer expected at these sessions:", "ja": "次のセッションへの参加は"}[language] in said
    assert {"en": "Case circle: Fri 1 May 2026 10:00", "ja": "事例検討会"}[language] in said


def test_a_plan_without_sessions_ahead_says_nothing_of_any(cast: Cast, enrollment: Enrollment) -> None:
    planned = book(cast, date(2026, 5, 1), enrollment)
    with own_transaction():
        sessions.cancel_session(planned=planned, reason="Flu.", by=cast.lead)
    end(cast, enrollment)
    assert "no longer expected" not in text_of("training.plan_ended", code=enrollment.code)
    assert owed("session_left") == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_whoever_planned_a_session_is_told_who_has_left_it_and_the_end_says_so_first(
    cast: Cast, enrollment: Enrollment, second: Enrollment, as_: Any, language: str
) -> None:
    with own_transaction():
        cast.lead.language = language
    book(cast, date(2026, 5, 1), enrollment, second)
    page = as_(cast.lead, language=language).get("training.end", code=enrollment.code)
    assert {"en": "Case circle, Fri 1 May 2026 10:00", "ja": "事例検討会"}[language] in page.text
    with own_transaction():
        end_plan(enrollment=queries.get_enrollment(enrollment.code), reason="Moved.", by=cast.admin)
    (arguments,) = owed("session_left")
    said = text_of("training.session_left", **arguments)
    assert cast.learner.name_in(language) in said
    assert {"en": "1 learner is still expected.", "ja": "参加予定の受講者は1人です"}[language] in said


def test_whoever_ends_the_plan_of_her_own_session_needs_no_mail(cast: Cast, enrollment: Enrollment) -> None:
    book(cast, date(2026, 5, 1), enrollment)
    end(cast, enrollment)
    assert owed("session_left") == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_goes_on_in_another_plan_reads_which_sessions_are_off(
    cast: Cast, enrollment: Enrollment, as_: Any, language: str
) -> None:
    with own_transaction():
        cast.learner.language = language
    planned = book(cast, date(2026, 5, 1), enrollment)
    other = make_plan(
        "appeals", cast.author, replace(CIRCLE, slug="other"), title=Words("Appeals", "異議申立て"), phases=()
    )
    page = as_(cast.lead, language=language).post(
        "training.other_plan", {"plan": "appeals", "starts_on": "2026-05-07", "reason": "x", "act": "preview"},
        expect=200, code=enrollment.code,
    )  # fmt: skip
    assert {"en": "Case circle, Fri 1 May 2026 10:00", "ja": "事例検討会"}[language] in page.text
    with own_transaction():
        new = other_plan.move_to_plan(
            enrollment=queries.get_enrollment(enrollment.code), version=other, starts_on=date(2026, 5, 7), reason="x",
            by=cast.lead,
        )  # fmt: skip
    assert expected_at(again(planned)) == []
    said = text_of("training.plan_started", code=new.code)
    assert {"en": "You are no longer expected at these sessions:", "ja": "次のセッションへの参加は"}[language] in said


def test_who_goes_on_in_another_version_keeps_her_seat_and_loses_it_with_the_step(
    cast: Cast, enrollment: Enrollment
) -> None:
    circle, calibration = book(cast, date(2026, 5, 1), enrollment), book(cast, EXAM, enrollment, slug="calibration")
    newer = make_plan(
        "circles", cast.author, CIRCLE, TALK, number="1.1", credential=None, phases=(), title=enrollment.version.title
    )
    with own_transaction():
        new = swaps.swap_version(
            enrollment=queries.get_enrollment(enrollment.code), version=newer, reason="New.", by=cast.admin
        )
    assert [each.enrollment.code for each in expected_at(again(circle))] == [new.code]
    assert expected_at(again(calibration)) == []
    assert [(each["session"], each["code"]) for each in owed("session_left")] == [(calibration.code, enrollment.code)]


def test_who_was_there_before_her_plan_ended_is_still_recorded(cast: Cast, enrollment: Enrollment) -> None:
    planned = book(cast, date(2026, 5, 1), enrollment)
    with clock.frozen(MORNING + timedelta(days=3, hours=2)):
        end(cast, enrollment)
        planned = again(planned)
        assert people(expected_at(planned)) == [cast.learner.code]
        with own_transaction():
            sessions.record_attendance(
                planned=planned, said={enrollment.code: Presence.PRESENT}, reason="", seen=0, by=cast.lead
            )


def test_who_pauses_is_marked_on_the_page_of_the_session(cast: Cast, enrollment: Enrollment, as_: Any) -> None:
    planned = book(cast, date(2026, 5, 1), enrollment)
    with own_transaction():
        dates.pause(enrollment=enrollment, first_on=date(2026, 4, 28), reason="ill", by=cast.lead)
    page = as_(cast.lead, language="en").get("training.session", code=planned.code)
    assert "Paused" in page.text


# --- An event that is moved ---------------------------------------------------------------------

SAID = {"en": "stays where it is", "ja": "予定どおりです"}
MOVE = {"en": "Move the session", "ja": "セッションの変更"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_moving_an_event_names_the_sessions_that_stay_and_offers_to_move_them(
    cast: Cast, enrollment: Enrollment, second: Enrollment, as_: Any, language: str
) -> None:
    planned = book(cast, EXAM, enrollment, second, slug="calibration")
    lead = as_(cast.lead, language=language)
    asked = {"takes_place_on": "2026-05-22", "reason": "会場の都合", "act": "preview"}
    one = {"code": enrollment.code, "slug": "exam"}
    cohort = {"code": cohort_of(enrollment).code, "plan": "circles", "slug": "exam"}
    for page in (
        lead.post("training.event_date", asked, expect=200, **one),
        lead.post("training.event_of_cohort", asked, expect=200, **cohort),
    ):
        assert page.text.count(SAID[language]) == 1
        assert MOVE[language] in page.text
        assert f"/sessions/{planned.code}/move" in page.body
        # It is done where it is booked; what prepares it would come after it.
        table = "".join(page.one("table").itertext())
        assert {"en": "Calibration", "ja": "判断のすり合わせ"}[language] not in table
        assert {"en": "which has to be done first", "ja": "先に終える必要のある"}[language] in page.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_learners_are_told_that_an_event_is_on_another_day_with_what_was_shown(
    cast: Cast, enrollment: Enrollment, second: Enrollment, language: str
) -> None:
    with own_transaction():
        cast.learner.language = language
    book(cast, EXAM, enrollment, slug="calibration")
    with own_transaction():
        dates.set_event_of_cohort(
            cohort=cohort_of(enrollment), event=enrollment.version.events[0], on=date(2026, 5, 22), reason="会場の都合",
            by=cast.lead,
        )  # fmt: skip
    told = {each["code"]: each for each in owed("event_moved")}
    assert told.keys() == {enrollment.code, second.code}
    # What moves later is no doing of this decision.
    with own_transaction():
        dates.move_event(
            enrollment=enrollment, event=enrollment.version.events[0], on=date(2026, 5, 29), reason="x", by=cast.lead
        )
    said = text_of("training.event_moved", **told[enrollment.code])
    assert "会場の都合" in said
    moved, step = {
        "en": ("from Fri 15 May 2026 to Fri 22 May 2026", "Wed 13 May 2026 → Wed 20 May 2026"),
        "ja": ("2026年5月15日（金）から2026年5月22日（金）", "2026年5月13日（水）→2026年5月20日（水）"),
    }[language]
    assert moved in said
    assert step in (said.replace(" → ", "→") if language == "ja" else said)
    assert {"en": "Calibration: Fri 15 May 2026 10:00", "ja": "判断のすり合わせ：2026年5月15日（金）"}[language] in said
    assert len(owed("event_moved")) == 3


def test_the_first_day_that_a_cohort_gives_an_event_is_told_to_nobody(cast: Cast, enrollment: Enrollment) -> None:
    assert owed("event_moved") == []


def test_who_is_told_of_another_first_day_reads_the_day_of_her_session(cast: Cast, enrollment: Enrollment) -> None:
    with own_transaction():
        cast.learner.language = "en"
    book(cast, date(2026, 4, 30), enrollment)
    said = text_of("training.plan_started", code=enrollment.code)
    assert "Case circle, by Thu 30 Apr 2026" in said


# --- Previews -----------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_preview_promises_to_move_what_is_booked(
    cast: Cast, enrollment: Enrollment, as_: Any, language: str
) -> None:
    book(cast, date(2026, 5, 7), enrollment)
    lead, code = as_(cast.lead, language=language), {"code": enrollment.code}
    title = {"en": "Case circle", "ja": "事例検討会"}[language]
    extension = lead.post(
        "training.extension", {"working_days": "2", "reason": "x", "act": "preview"}, expect=200, slug="circle", **code
    )
    leave = lead.post(
        "training.leave", {"first_on": "2026-05-07", "last_on": "2026-05-08", "act": "preview"}, expect=200, **code
    )
    for page in (extension, leave):
        assert SAID[language] in page.text
        assert not any(title in "".join(row.itertext()) for table in page.all("table") for row in table.iter("tr"))
    # The day itself would be one on which she is away.
    assert {"en": "nobody works on that day then", "ja": "この日は休みになります"}[language] in leave.text
    # More time is given all the same, to what is counted from the step.
    where = code | {"slug": "circle"}
    asked = as_shown(lead, "training.extension", {"working_days": "2", "reason": "x"}, **where)
    lead.post("training.extension", asked, expect=303, **where)
    session.expire_all()
    standing = queries.standing_of(enrollment)
    assert (standing.day_for("circle"), standing.due_on("circle")) == (date(2026, 5, 7), date(2026, 5, 11))


def test_leave_names_the_sessions_of_every_plan_of_hers(cast: Cast, enrollment: Enrollment, as_: Any) -> None:
    other = make_plan("appeals", cast.author, CIRCLE, title=Words("Appeals", "異議申立て"), phases=(), credential=None)
    mine = make_enrollment(cast.learner, other, cast.admin, cohort=enrollment.cohort)
    book(cast, date(2026, 5, 7), mine)
    leave = {"first_on": "2026-05-07", "last_on": "2026-05-08", "act": "preview"}
    page = as_(cast.lead, language="en").post("training.leave", leave, expect=200, code=enrollment.code)
    assert page.text.count("nobody works on that day then") == 1


THURSDAY = date(2026, 5, 7)
LEAVE = {"first_on": "2026-05-07", "last_on": "2026-05-08"}
# Two days worked, two days off: of these Thursday is the first one off.
SHIFTS = {"works": "shifts", "first_on": "2026-05-05", "cycle": "2-2", "works_holidays": "y"}
WHEN = {"en": "Case circle, Thu 7 May 2026 10:00–11:00 JST", "ja": "事例検討会（2026年5月7日（木） 10:00～11:00 JST）"}
ON_A_DAY_OFF = {"en": "nobody works on that day then", "ja": "この日は休みになります"}
STAYS = {"en": "1 session stays on its day although that is a day off now", "ja": "セッション1件の予定が残っています"}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("endpoint", "asked", "whose"),
    [
        ("calendars.record_leave", LEAVE, "person"),
        ("calendars.record_shifts", SHIFTS, "person"),
        ("calendars.team_shifts", SHIFTS, "team"),
        ("training.leave", LEAVE, "enrollment"),
    ],
)
def test_a_session_on_a_day_that_is_off_then_is_named_before_and_afterwards(
    cast: Cast, enrollment: Enrollment, as_: Any, endpoint: str, asked: dict[str, str], whose: str, language: str
) -> None:
    assert cast.learner.team is not None
    planned = book(cast, THURSDAY, enrollment)
    code = {"person": cast.learner.code, "team": cast.learner.team.code, "enrollment": enrollment.code}[whose]
    lead = as_(cast.lead, language=language)
    page = lead.post(endpoint, asked | {"act": "preview"}, code=code, expect=200)
    assert page.text.count(ON_A_DAY_OFF[language]) == 1
    assert f"/sessions/{planned.code}/move" in page.body
    (note,) = [said for each in page.all("li") if ON_A_DAY_OFF[language] in (said := "".join(each.itertext()))]
    assert (cast.learner.name_in(language) in note) is (whose == "team")
    page = lead.follow(lead.post(endpoint, as_shown(lead, endpoint, asked, code=code), code=code, expect=303))
    assert STAYS[language] in page.text
    assert WHEN[language] in page.text


def test_where_no_session_is_concerned_nothing_is_said_of_any(cast: Cast, enrollment: Enrollment, as_: Any) -> None:
    book(cast, date(2026, 4, 30), enrollment)
    lead = as_(cast.lead, language="en")
    page = lead.post("calendars.record_leave", LEAVE | {"act": "preview"}, code=cast.learner.code, expect=200)
    assert "nobody works on that day" not in page.text
    confirmed = as_shown(lead, "calendars.record_leave", LEAVE, code=cast.learner.code)
    page = lead.follow(lead.post("calendars.record_leave", confirmed, code=cast.learner.code, expect=303))
    assert "stays on its day" not in page.text


def test_a_session_on_a_weekend_within_leave_is_named_too(cast: Cast, enrollment: Enrollment, as_: Any) -> None:
    book(cast, date(2026, 5, 9), enrollment)
    leave = {"first_on": "2026-05-08", "last_on": "2026-05-11", "act": "preview"}
    page = as_(cast.lead, language="en").post("calendars.record_leave", leave, code=cast.learner.code, expect=200)
    assert "on Sat 9 May 2026 10:00–11:00 JST stays where it is, and nobody works on that day then (Leave)" in page.text


def test_a_session_that_was_booked_since_the_leave_was_shown_is_shown_first(
    cast: Cast, enrollment: Enrollment, as_: Any
) -> None:
    lead = as_(cast.lead, language="en")
    for endpoint, code in (("calendars.record_leave", cast.learner.code), ("training.leave", enrollment.code)):
        confirmed = as_shown(lead, endpoint, LEAVE, code=code)
        planned = book(cast, date(2026, 5, 8), enrollment)
        page = lead.post(endpoint, confirmed, code=code, expect=409)
        assert ON_A_DAY_OFF["en"] in page.text
        with own_transaction():
            sessions.cancel_session(planned=again(planned), reason="x", by=cast.lead)


def test_leave_that_is_withdrawn_says_that_its_session_stays(cast: Cast, enrollment: Enrollment, as_: Any) -> None:
    with own_transaction():
        calendars.record_leave(person=cast.learner, first_on=date(2026, 4, 30), last_on=date(2026, 5, 1), by=cast.lead)
    book(cast, THURSDAY, enrollment)
    lead, leave = as_(cast.lead, language="en"), {"first_on": "2026-04-30", "last_on": "2026-05-01"}
    for endpoint, code in (
        ("calendars.withdraw_leave", cast.learner.code),
        ("training.withdraw_leave", enrollment.code),
    ):
        page = lead.post(endpoint, leave | {"act": "preview"}, code=code, expect=200)
        assert "stays where it is. Without it the step would be due on" in page.text


def test_sessions_of_a_team_take_no_statement_for_each_person(
    cast: Cast, enrollment: Enrollment, second: Enrollment, as_: Any
) -> None:
    assert cast.learner.team is not None
    lead, code, counts = as_(cast.lead), cast.learner.team.code, []
    book(cast, THURSDAY, enrollment)
    for another in (True, False):
        lead.post("calendars.team_shifts", SHIFTS | {"act": "preview"}, code=code, expect=200)
        session.expire_all()
        with counted_queries() as counted:
            lead.post("calendars.team_shifts", SHIFTS | {"act": "preview"}, code=code, expect=200)
        counts.append(len(counted))
        if another:
            book(cast, THURSDAY, second)
    assert counts[0] == counts[1]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_company_day_says_which_sessions_lie_on_it_and_for_how_many(
    cast: Cast, enrollment: Enrollment, second: Enrollment, as_: Any, language: str
) -> None:
    book(cast, date(2026, 5, 7), enrollment, second)
    form = {
        "kind": "off", "first_on": "2026-05-07", "last_on": "", "name_en": "Foundation day", "name_ja": "創立記念日",
        "act": "preview",
    }  # fmt: skip
    admin = as_(cast.admin, language=language)
    page = admin.post("calendars.company_days", form, expect=200, code=enrollment.market.code)
    assert {"en": "Case circle, Thu 7 May 2026 10:00", "ja": "事例検討会"}[language] in page.text
    assert {"en": "2 learners", "ja": "2人"}[language] in page.text
    other = admin.post(
        "calendars.company_days", form | {"first_on": "2026-05-08"}, expect=200, code=enrollment.market.code
    )
    assert {"en": "Case circle", "ja": "事例検討会"}[language] not in other.text


# --- A session far away --------------------------------------------------------------------------


def test_a_session_after_what_needs_it_leaves_too_little_time_and_says_so(
    cast: Cast, enrollment: Enrollment, as_: Any
) -> None:
    before = {each.event: each for each in queries.standing_of(enrollment).feasibility()}
    assert before[None].is_enough
    lead = as_(cast.lead, language="en")
    form = {
        "on": "2026-06-26", "starts": "10:00", "ends": "11:00", "place": "Room 3", "link": "",
        "learners": [enrollment.code],
    }  # fmt: skip
    where = {"plan": "circles", "slug": "circle", "cohort": cohort_of(enrollment).code}
    warned = lead.post("training.plan_session", form, expect=200, **where)
    assert "“Last talk” would be due before “Case circle”, which has to be done first. (1 learner)" in warned.text
    lead.post("training.plan_session", form | {"seen": "2026-06-26"}, expect=303, **where)
    session.expire_all()
    (end,) = [each for each in queries.standing_of(enrollment).feasibility() if each.event is None]
    # The talk cannot come before the circle, however little there is to do.
    assert (end.until, end.is_enough) == (EXAM, False)
    assert end.needed > 30
    path = lead.get("training.path", code=enrollment.code)
    assert "There is not enough time" in path.text
    assert "“Last talk” is on Tue 12 May 2026, before “Case circle” on Fri 26 Jun 2026" in path.text
    assert "A step with a booked session is expected after the day of the session" in path.text


def test_a_session_that_only_ends_the_plan_later_takes_no_time_from_anything(
    cast: Cast, enrollment: Enrollment
) -> None:
    book(cast, date(2026, 6, 26), enrollment, slug="calibration")
    session.expire_all()
    (end,) = [each for each in queries.standing_of(enrollment).feasibility() if each.event is None]
    assert (end.until, end.is_enough) == (date(2026, 6, 26), True)


def test_a_session_in_a_year_without_holidays_keeps_no_page_back(cast: Cast, enrollment: Enrollment, as_: Any) -> None:
    with clock.frozen(datetime(2031, 6, 2, 1, 0, tzinfo=UTC)):
        late = make_enrollment(cast.outsider, enrollment.version, cast.admin, cohort=enrollment.cohort)
        book(cast, date(2032, 1, 9), late)
        session.expire_all()
        assert queries.standing_of(late).feasibility()
        assert as_(cast.admin).get("training.path", code=late.code).status == 200


def test_what_is_late_by_its_plan_and_booked_far_ahead_is_not_due_soon(
    cast: Cast, enrollment: Enrollment, as_: Any
) -> None:
    with clock.frozen(MORNING + timedelta(days=16)):
        book(cast, date(2026, 6, 12), enrollment)
        learner = as_(cast.learner, language="en")
        today = learner.get("training.today")
        for page in (today, learner.get("training.path", code=enrollment.code)):
            titles = {"".join(each.itertext()): each for each in page.all("li", class_="post")}
            (circle,) = (each for text, each in titles.items() if "Room 3" in text)
            assert circle.get("data-state") == "ahead"


# --- Today ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_days_ahead_show_a_session_on_a_day_off(
    cast: Cast, enrollment: Enrollment, as_: Any, language: str
) -> None:
    # A Saturday, and a holiday that is named.
    book(cast, date(2026, 5, 2), enrollment)
    book(cast, date(2026, 5, 5), enrollment, slug="calibration")
    page = as_(cast.learner, language=language).get("training.today")
    days = {
        each.find(".//time").get("datetime"): "".join(each.itertext())
        for each in page.tree.iter("li")
        if "days__day" in (each.get("class") or "")
    }
    assert {"en": "Case circle", "ja": "事例検討会"}[language] in days["2026-05-02"]
    assert "10:00" in days["2026-05-02"]
    assert {"en": "Calibration", "ja": "判断のすり合わせ"}[language] in days["2026-05-05"]
    assert {"en": "Children", "ja": "こどもの日"}[language] in days["2026-05-05"]
    # What only has a date stays on working days, and a weekend without a session is none of the days.
    assert "2026-05-03" not in days or "10:00" not in days["2026-05-03"]

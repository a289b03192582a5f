"""More time and leave: what they move is shown first, moved for one person, journalled, and explained afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import select

from portal.accounts.models import Role
from portal.calendars import service as calendars
from portal.calendars.errors import HolidayYearUnknown, PeriodBackwards, PeriodTooLong
from portal.calendars.queries import list_leave
from portal.core import clock
from portal.core.db import session
from portal.core.errors import Invalid
from portal.core.mail import _builders
from portal.core.transaction import own_transaction
from portal.journal.models import JournalEntry
from portal.reports.queries import cohort_report
from portal.training import queries
from portal.training.errors import (
    AlreadyPaused,
    DateIsPast,
    ExtensionOutOfBounds,
    NotPaused,
    NotWaitingForSignOff,
    PauseOutOfBounds,
    PlanIsOver,
    ReasonMissing,
    ResumesOutOfBounds,
    StartOutOfBounds,
    StartUnchanged,
    StatementTooLong,
)
from portal.training.models import Enrollment
from portal.training.queries import signing
from portal.training.rules import StepKind, StepSpec
from portal.training.service import dates, sign_offs
from portal.training.service.enrollments import end_plan, enroll
from tests.beginnings import beginning
from tests.builders import Cast, make_grant
from tests.shown import as_shown
from tests.training.builders import (
    STEPS,
    acknowledge,
    load_holidays,
    make_cohort,
    make_documents,
    make_enrollment,
    make_plan,
)
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


def actions() -> list[str]:
    return list(session.scalars(select(JournalEntry.action).order_by(JournalEntry.id)))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_lead_sees_what_more_time_moves_before_it_moves(
    cast: Cast, enrollment: Enrollment, as_: Any, language: str
) -> None:
    lead = as_(cast.lead, language=language)
    where = {"code": enrollment.code, "slug": "read"}
    assert any(
        link.endswith("/steps/read/extension") for link in lead.get("training.path", code=enrollment.code).links()
    )
    before = due(enrollment, "read")
    asked = {"working_days": "2", "reason": "回線が不通でした。"}
    shown = lead.post("training.extension", {**asked, "act": "preview"}, **where, expect=200)
    assert {"en": "Dates that move", "ja": "変わる期限"}[language] in shown.text
    assert due(enrollment, "read") == before
    lead.post("training.extension", as_shown(lead, "training.extension", asked, **where), **where, expect=303)
    # 29 April and 3 to 6 May are holidays.
    assert (before, due(enrollment, "read")) == (date(2026, 4, 30), date(2026, 5, 7))
    assert actions()[-1] == "training.step_extended"
    path = as_(cast.learner, language=language).get("training.path", code=enrollment.code)
    assert "回線が不通でした。" in path.text
    assert cast.lead.name_in(language) in path.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_more_time_that_puts_a_step_behind_what_opens_after_it_is_warned_of(
    cast: Cast, as_: Any, language: str
) -> None:
    steps = (
        StepSpec("read", StepKind.READ, 1, document="exposure"),
        StepSpec("next", StepKind.READ, 3, document="exposure", prerequisites=("read",)),
    )
    made = make_enrollment(cast.learner, make_plan("in-order", cast.author, *steps), cast.admin)
    lead, word = (
        as_(cast.lead, language=language),
        {"en": "has to be done first", "ja": "先に終える必要のある"}[language],
    )
    for working_days, is_warned in (("1", False), ("5", True)):
        asked = {"working_days": working_days, "reason": "x", "act": "preview"}
        page = lead.post("training.extension", asked, code=made.code, slug="read", expect=200)
        assert (word in page.text) is is_warned
    lead.post(
        "training.extension",
        asked | {"act": "confirm", "seen": page.one("input", name="seen").get("value")},
        code=made.code,
        slug="read",
        expect=303,
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_more_time_names_the_days_that_are_not_counted_on_its_way(
    cast: Cast, enrollment: Enrollment, as_: Any, language: str
) -> None:
    with own_transaction():
        step = queries.get_step(enrollment, "read")
        dates.extend_step(enrollment=enrollment, step=step, working_days=2, reason="x", by=cast.lead)
    text = as_(cast.learner, language=language).get("training.path", code=enrollment.code).text
    said = {
        "en": "Not counted: Sat 2 May (Weekend), Sun 3 May (Constitution",
        "ja": "数えない日：5月2日（土）（週末）、5月3日（日）（憲法記念日）",
    }[language]
    assert said in text


def test_a_value_that_was_changed_since_is_shown_first(cast: Cast, enrollment: Enrollment, as_: Any) -> None:
    before, lead = due(enrollment, "read"), as_(cast.lead, language="en")
    where = {"code": enrollment.code, "slug": "read"}
    asked = as_shown(lead, "training.extension", {"working_days": "2", "reason": "x"}, **where)
    page = lead.post("training.extension", asked | {"working_days": "5"}, **where, expect=200)
    assert "Dates that move" in page.text
    assert due(enrollment, "read") == before


def test_what_is_done_does_not_move(cast: Cast, enrollment: Enrollment) -> None:
    acknowledge(cast.learner, document("exposure"))
    standing = queries.standing_of(enrollment)
    done = queries.get_step(enrollment, "statement")
    with pytest.raises(DateIsPast):
        dates.moved_by_extension(standing=standing, step=done, working_days=1)
    moved = dates.moved_by_leave(standing=standing, first_on=date(2026, 4, 28), last_on=date(2026, 4, 30))
    assert moved
    assert "statement" not in {each.step.slug for each in moved}


def test_more_time_needs_a_reason_and_a_bound(cast: Cast, enrollment: Enrollment) -> None:
    step = queries.get_step(enrollment, "read")

    def extend(days: int, reason: str) -> None:
        with own_transaction():
            dates.extend_step(enrollment=enrollment, step=step, working_days=days, reason=reason, by=cast.lead)

    for days, reason, refusal in (
        (0, "x", ExtensionOutOfBounds),
        (61, "x", ExtensionOutOfBounds),
        (1, "  ", ReasonMissing),
        (1, "x" * 2001, StatementTooLong),
    ):
        with pytest.raises(refusal):
            extend(days, reason)
    assert "training.step_extended" not in actions()


@pytest.mark.parametrize("language", LANGUAGES)
def test_leave_moves_dates_after_they_were_shown_and_is_told_to_the_learner(
    cast: Cast, enrollment: Enrollment, as_: Any, language: str
) -> None:
    lead = as_(cast.lead, language=language)
    days = {"first_on": "2026-04-30", "last_on": "2026-04-30"}
    before = due(enrollment, "read")
    shown = lead.post("training.leave", {**days, "act": "preview"}, code=enrollment.code, expect=200)
    assert {"en": "Record this leave", "ja": "この休暇を記録する"}[language] in shown.text
    assert list_leave(cast.learner.id) == []
    confirmed = as_shown(lead, "training.leave", days, code=enrollment.code)
    lead.post("training.leave", confirmed, code=enrollment.code, expect=303)
    assert (before, due(enrollment, "read")) == (date(2026, 4, 30), date(2026, 5, 1))
    path = as_(cast.learner, language=language).get("training.path", code=enrollment.code)
    assert {"en": "Leave", "ja": "休暇"}[language] in path.text
    shown = lead.post("training.withdraw_leave", days, code=enrollment.code, expect=200)
    assert {"en": "Dates that move", "ja": "変わる期限"}[language] in shown.text
    assert due(enrollment, "read") == date(2026, 5, 1)
    confirmed = as_shown(lead, "training.withdraw_leave", days, code=enrollment.code)
    lead.post("training.withdraw_leave", confirmed, code=enrollment.code, expect=303)
    assert due(enrollment, "read") == before
    assert actions()[-2:] == ["calendars.leave_recorded", "calendars.leave_withdrawn"]


def test_a_leave_must_be_a_period_of_at_most_a_year(cast: Cast, enrollment: Enrollment, as_: Any) -> None:
    lead = as_(cast.lead, language="en")
    for first, last, status, said in (
        ("2026-05-08", "2026-05-07", Invalid.status, "ends before it begins"),
        ("2026-05-08", "2028-05-07", Invalid.status, "at most 366 days"),
        ("", "2026-05-07", 400, "Choose the first day"),
        ("yesterday", "2026-05-07", 400, "date"),
    ):
        asked = {"first_on": first, "last_on": last, "act": "preview"}
        page = lead.post("training.leave", asked, code=enrollment.code, expect=status)
        assert said in page.text
    with own_transaction(), pytest.raises(PeriodBackwards):
        calendars.record_leave(person=cast.learner, first_on=date(2026, 5, 8), last_on=date(2026, 5, 7), by=cast.lead)
    with own_transaction(), pytest.raises(PeriodTooLong):
        calendars.record_leave(person=cast.learner, first_on=date(2026, 1, 1), last_on=date(2028, 5, 7), by=cast.lead)


def test_nobody_moves_her_own_dates(cast: Cast, enrollment: Enrollment, as_: Any) -> None:
    make_grant(cast.learner, Role.LEAD)
    client = as_(cast.learner, language="en")
    client.get("training.extension", code=enrollment.code, slug="read", expect=403)
    client.get("training.leave", code=enrollment.code, expect=403)
    assert not [link for link in client.get("training.path", code=enrollment.code).links() if "extension" in link]
    as_(cast.outsider).get("training.leave", code=enrollment.code, expect=404)


# --- the whole plan, its first day, pauses -----------------------------------------------------


def all_due(enrollment: Enrollment) -> dict[str, date]:
    session.expire_all()
    return {slug: each.on for slug, each in queries.standing_of(enrollment).dues.items()}


def do_it(browser: Any, endpoint: str, code: str, **asked: str) -> Any:
    """Look at what moves, then do it; return the page that showed it."""
    shown = browser.post(endpoint, {**asked, "act": "preview"}, code=code, expect=200)
    seen = shown.one("input", name="seen").get("value")
    browser.post(endpoint, {**asked, "act": "confirm", "seen": seen}, code=code, expect=303)
    return shown


@pytest.mark.parametrize("language", LANGUAGES)
def test_more_time_for_the_plan_moves_what_is_not_done_and_explains_it(
    cast: Cast, enrollment: Enrollment, as_: Any, language: str
) -> None:
    acknowledge(cast.learner, document("exposure"))
    before, lead = all_due(enrollment), as_(cast.lead, language=language)
    shown = do_it(lead, "training.plan_extension", enrollment.code, working_days="3", reason="入院していました。")
    assert {"en": "Dates that move", "ja": "変わる期限"}[language] in shown.text
    after = all_due(enrollment)
    assert all(after[slug] > before[slug] for slug in after)
    completed = queries.standing_of(enrollment).completions["statement"]
    assert completed.due_on == before["statement"]
    page = lead.get("training.change_dates", code=enrollment.code)
    assert {"en": "3 more working days for the whole plan", "ja": "計画全体を3営業日延長"}[language] in page.text
    assert "入院していました。" in page.text
    path = as_(cast.learner, language=language).get("training.path", code=enrollment.code)
    name = cast.lead.name_in(language)
    assert {"en": f"for the whole plan from {name} (入院していました。)", "ja": f"{name}さんが計画全体を3営業日延長"}[
        language
    ] in path.text
    assert actions()[-1] == "training.plan_extended"


@pytest.mark.parametrize("language", LANGUAGES)
def test_another_first_day_shows_every_date_that_changes_and_keeps_what_is_done(
    cast: Cast, enrollment: Enrollment, as_: Any, language: str
) -> None:
    acknowledge(cast.learner, document("exposure"))
    before, lead = all_due(enrollment), as_(cast.lead, language=language)
    asked = {"starts_on": "2026-05-11", "reason": "入社日の変更"}
    shown = do_it(lead, "training.first_day", enrollment.code, **asked)
    (table,) = shown.all("table")
    listed = [" ".join("".join(row.itertext()).split()) for row in table.iter("tr")][1:]
    assert len(listed) == sum(slug != "statement" for slug in before)
    standing = queries.standing_of(queries.get_enrollment(enrollment.code))
    assert standing.starts_on == date(2026, 5, 11)
    assert standing.due_on("read") == date(2026, 5, 12)
    assert standing.completions["statement"].due_on == before["statement"]
    path = as_(cast.learner, language=language).get("training.path", code=enrollment.code)
    assert {
        "en": "2 working days after the plan begins, Mon 11 May 2026.",
        "ja": "開始日（2026年5月11日（月））の2営業日後です。",
    }[language] in path.text
    assert actions()[-1] == "training.start_moved"


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_page_that_moves_dates_asks_for_what_it_needs(
    cast: Cast, enrollment: Enrollment, as_: Any, language: str
) -> None:
    lead, code = as_(cast.lead, language=language), enrollment.code
    for endpoint, fields in (
        ("training.plan_extension", ("working_days", "reason")),
        ("training.first_day", ("starts_on", "reason")),
        ("training.pause", ("first_on", "reason")),
    ):
        page = lead.get(endpoint, code=code)
        assert all(f'name="{name}"' in page.body for name in fields), endpoint
    page = lead.get("training.resumption", code=code)
    assert {"en": "The plan is not paused.", "ja": "この計画は休止していません。"}[language] in page.text
    assert 'name="resumes_on"' not in page.body
    with own_transaction():
        dates.pause(enrollment=enrollment, first_on=date(2026, 4, 28), reason="x", by=cast.lead)
    assert 'name="resumes_on"' in lead.get("training.resumption", code=code).body


def test_the_first_day_that_was_set_last_counts(cast: Cast, enrollment: Enrollment) -> None:
    for day in (date(2026, 5, 11), date(2026, 5, 7)):
        with own_transaction():
            dates.move_start(enrollment=enrollment, starts_on=day, reason="shift", by=cast.lead)
        assert queries.standing_of(enrollment).starts_on == day
        assert queries.list_first_days([cast.learner.id]) == {cast.learner.id: day}


def test_a_first_day_is_another_one_near_and_in_a_known_year(cast: Cast, enrollment: Enrollment) -> None:
    def move(day: date) -> None:
        with own_transaction():
            dates.move_start(enrollment=enrollment, starts_on=day, reason="shift", by=cast.lead)

    with pytest.raises(StartUnchanged):
        move(date(2026, 4, 28))
    with pytest.raises(StartOutOfBounds):
        move(date(2062, 5, 11))
    with clock.frozen(datetime(2031, 11, 4, tzinfo=UTC)), pytest.raises(HolidayYearUnknown, match="2032"):
        move(date(2032, 1, 6))
    assert queries.list_changes(enrollment) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_pause_stops_the_days_until_the_plan_is_resumed(
    cast: Cast, enrollment: Enrollment, as_: Any, language: str
) -> None:
    before, lead = all_due(enrollment), as_(cast.lead, language=language)
    code = enrollment.code
    do_it(lead, "training.pause", code, first_on="2026-04-30", reason="家族の事情")
    # On the day before it nothing has moved; then each working day moves what is due from then on by one.
    assert all_due(enrollment) == before
    with clock.frozen(datetime(2026, 5, 8, 1, tzinfo=UTC)):
        # 30 April, 1, 7 and 8 May do not count, and the rest is Golden Week.
        assert all_due(enrollment)["read"] == date(2026, 5, 11)
        standing = queries.standing_of(enrollment)
        assert standing.pause is not None
        late = {slug for slug, status in standing.statuses.items() if status.is_late}
        assert late == {slug for slug, on in before.items() if on < date(2026, 4, 30)}
        path = as_(cast.learner, language=language).get("training.path", code=code)
        assert {"en": "Paused from Thu 30 Apr 2026", "ja": "2026年4月30日（木）から休止中"}[language] in path.text
        lead = as_(cast.lead, language=language)
        do_it(lead, "training.resumption", code, resumes_on="2026-05-08")
        assert all_due(enrollment)["read"] == date(2026, 5, 8)
        path = as_(cast.learner, language=language).get("training.path", code=code)
        assert {
            "en": "Pause on Thu 30 Apr – Fri 1 May, Thu 7 May: Fri 8 May 2026 instead of Thu 30 Apr 2026",
            "ja": "休止（4月30日（木）～5月1日（金）、5月7日（木））により、"
            "2026年4月30日（木）から2026年5月8日（金）になりました",
        }[language] in path.text
        assert "家族の事情" in lead.get("training.change_dates", code=code).text
    assert actions()[-2:] == ["training.paused", "training.resumed"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_pause_whose_end_is_known_says_so_and_is_not_mentioned_afterwards(
    cast: Cast, enrollment: Enrollment, as_: Any, language: str
) -> None:
    with own_transaction():
        dates.pause(enrollment=enrollment, first_on=date(2026, 4, 28), reason="x", by=cast.lead)
        dates.resume(enrollment=enrollment, resumes_on=date(2026, 5, 8), by=cast.lead)
    code, here = enrollment.code, {"language": language}
    both = {
        "en": "The plan is paused from Tue 28 Apr 2026 and resumes on Fri 8 May 2026.",
        "ja": "2026年4月28日（火）から休止しています。2026年5月8日（金）に再開します。",
    }[language]
    days = {
        "en": "Paused from Tue 28 Apr 2026, resumes on Fri 8 May 2026",
        "ja": "2026年4月28日（火）から休止中、2026年5月8日（金）に再開",
    }[language]
    assert both in as_(cast.lead, **here).get("training.change_dates", code=code).text
    assert days in as_(cast.learner, **here).get("training.path", code=code).text
    with clock.frozen(datetime(2026, 5, 8, 1, tzinfo=UTC)):
        page = as_(cast.lead, **here).get("training.change_dates", code=code).text
        assert {"en": "The plan is paused", "ja": "から休止しています"}[language] not in page
    with own_transaction():
        end_plan(enrollment=enrollment, reason="x", by=cast.lead)
    assert both not in as_(cast.lead, **here).get("training.change_dates", code=code).text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_pause_to_come_and_an_end_that_moves_nothing_say_what_they_do(
    cast: Cast, enrollment: Enrollment, as_: Any, language: str
) -> None:
    lead, code = as_(cast.lead, language=language), enrollment.code
    shown = lead.post(
        "training.pause", {"first_on": "2026-04-30", "reason": "x", "act": "preview"}, code=code, expect=200
    )
    assert {
        "en": "No date moves before the pause begins. From Thu 30 Apr 2026 on each working day",
        "ja": "2026年4月30日（木）からは休止中の1営業日ごとに",
    }[language] in shown.text
    with own_transaction():
        dates.pause(enrollment=enrollment, first_on=date(2026, 4, 30), reason="x", by=cast.lead)
    shown = lead.post("training.resumption", {"resumes_on": "2026-04-30", "act": "preview"}, code=code, expect=200)
    assert {"en": "No date moves.", "ja": "変わる期限はありません。"}[language] in shown.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_new_dates_in_a_year_whose_holidays_are_not_announced_say_so_once(
    cast: Cast, enrollment: Enrollment, as_: Any, language: str
) -> None:
    said = {
        "en": "The holidays of 2028 are not announced yet; these dates may still change.",
        "ja": "2028年の祝日はまだ公示されていないため、これらの日付は変わることがあります。",
    }[language]
    with clock.frozen(datetime(2027, 9, 1, 1, tzinfo=UTC)):
        lead = as_(cast.lead, language=language)
        for starts_on, times in (("2027-10-01", 0), ("2028-05-01", 1)):
            asked = {"starts_on": starts_on, "reason": "x", "act": "preview"}
            shown = lead.post("training.first_day", asked, code=enrollment.code, expect=200)
            assert shown.text.count(said) == times
        with own_transaction():
            dates.move_start(enrollment=enrollment, starts_on=date(2028, 5, 1), reason="x", by=cast.lead)
        asked = {"working_days": "2", "reason": "x", "act": "preview"}
        for endpoint, where in (("training.plan_extension", {}), ("training.extension", {"slug": "read"})):
            shown = lead.post(endpoint, asked, code=enrollment.code, expect=200, **where)
            assert shown.text.count(said) == 1


def test_a_pause_is_taken_back_by_resuming_on_its_first_day(cast: Cast, enrollment: Enrollment, as_: Any) -> None:
    before = all_due(enrollment)
    with own_transaction():
        dates.pause(enrollment=enrollment, first_on=date(2026, 4, 28), reason="by mistake", by=cast.lead)
    assert all_due(enrollment) != before
    with own_transaction():
        dates.resume(enrollment=enrollment, resumes_on=date(2026, 4, 28), by=cast.lead)
    assert all_due(enrollment) == before
    page = as_(cast.lead, language="en").get("training.change_dates", code=enrollment.code)
    history = page.one("table", **{"aria-labelledby": "changes"})
    rows = [" ".join("".join(row.itertext()).split()) for row in history.findall(".//tbody/tr")]
    by = cast.lead.name_in("en")
    assert [row[:27] for row in rows] == ["Pause from Tue 28 Apr 2026,", "Paused from Tue 28 Apr 2026"]
    assert all(by in row for row in rows)


def test_a_pause_follows_the_last_one_and_is_the_only_one(cast: Cast, enrollment: Enrollment) -> None:
    def pause(day: date) -> None:
        with own_transaction():
            dates.pause(enrollment=enrollment, first_on=day, reason="x", by=cast.lead)

    def resume(day: date) -> None:
        with own_transaction():
            dates.resume(enrollment=enrollment, resumes_on=day, by=cast.lead)

    with pytest.raises(NotPaused):
        resume(date(2026, 5, 8))
    with pytest.raises(PauseOutOfBounds, match="2025"):
        pause(date(2024, 1, 1))
    pause(date(2026, 4, 28))
    with pytest.raises(AlreadyPaused):
        pause(date(2026, 4, 30))
    with pytest.raises(ResumesOutOfBounds, match="28 Apr 2026"):
        resume(date(2026, 4, 27))
    resume(date(2026, 5, 8))
    with pytest.raises(PauseOutOfBounds, match="8 May 2026"):
        pause(date(2026, 5, 7))
    pause(date(2026, 5, 8))


def test_what_has_ended_has_no_dates_to_move(cast: Cast, as_: Any) -> None:
    enrollment = make_enrollment(cast.learner, make_plan("short", cast.author, STEPS[0]), cast.admin)
    acknowledge(cast.learner, document("exposure"))
    session.expire_all()
    assert not enrollment.is_open
    for act in (
        lambda: dates.extend_plan(enrollment=enrollment, working_days=1, reason="x", by=cast.lead),
        lambda: dates.move_start(enrollment=enrollment, starts_on=date(2026, 5, 11), reason="x", by=cast.lead),
        lambda: dates.pause(enrollment=enrollment, first_on=date(2026, 4, 30), reason="x", by=cast.lead),
        lambda: dates.resume(enrollment=enrollment, resumes_on=date(2026, 4, 30), by=cast.lead),
    ):
        with pytest.raises(DateIsPast), own_transaction():
            act()
    page = as_(cast.admin, language="en").get("training.change_dates", code=enrollment.code)
    assert "The training has ended, so its dates stay." in page.text
    assert not [link for link in page.links() if link.endswith("/dates/pause")]


def test_a_cohorts_table_has_the_dates_of_each_of_its_people(cast: Cast, enrollment: Enrollment) -> None:
    with own_transaction():
        dates.move_start(enrollment=enrollment, starts_on=date(2026, 5, 11), reason="later", by=cast.lead)
        dates.extend_plan(enrollment=enrollment, working_days=1, reason="more", by=cast.lead)
        dates.pause(enrollment=enrollment, first_on=date(2026, 5, 12), reason="away", by=cast.lead)
    with clock.frozen(datetime(2026, 5, 20, 1, tzinfo=UTC)):
        assert enrollment.cohort is not None
        (row,) = cohort_report(enrollment.cohort).rows
        assert {slug: cell.due_on for slug, cell in row.cells.items()} == all_due(enrollment)
        assert row.starts_on == date(2026, 5, 11)


# --- the end of a plan -------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_plan_that_is_ended_asks_for_nothing_more_and_keeps_what_was_done(
    cast: Cast, enrollment: Enrollment, as_: Any, language: str
) -> None:
    acknowledge(cast.learner, document("exposure"))
    lead, code = as_(cast.lead, language=language), enrollment.code
    page = lead.post("training.end", {"reason": "配属の変更"}, code=code, expect=400)
    assert {"en": "Confirm that the plan is to be ended.", "ja": "計画を終了することを確認してください。"}[
        language
    ] in page.text
    assert queries.get_enrollment(code).is_open
    lead.post("training.end", {"reason": "配属の変更", "is_meant": "y"}, code=code, expect=303)
    session.expire_all()
    ended = queries.get_enrollment(code)
    assert (ended.is_open, ended.ended_by, ended.ended_reason) == (False, cast.lead.code, "配属の変更")
    assert set(queries.standing_of(ended).completions) == {"statement"}
    path = as_(cast.learner, language=language).get("training.path", code=code)
    assert {"en": "before it was completed", "ja": "に途中で終了"}[language] in path.text
    assert "配属の変更" in path.text
    assert actions()[-1] == "training.ended"
    mail = _builders["training.plan_ended"](code=code)
    assert mail is not None
    assert (mail.to_address, mail.values["reason"]) == (cast.learner.sign_in_name, "配属の変更")
    # It is over for everybody: nothing waits, nothing is completed, and it cannot be ended twice.
    assert not signing.looked_after(cast.lead).waiting_for(cast.lead).rows
    with pytest.raises(NotWaitingForSignOff), own_transaction():
        sign_offs.sign_off(enrollment=ended, step=queries.get_step(ended, "talk"), statement="shown", by=cast.lead)
    with pytest.raises(PlanIsOver), own_transaction():
        end_plan(enrollment=ended, reason="again", by=cast.lead)
    # To go on she is enrolled again.
    with own_transaction():
        again = enroll(person=cast.learner, version=ended.version, starts_on=date(2026, 5, 11), by=cast.lead)
    assert again.is_open


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_of_a_plan_that_was_ended_is_late_or_to_be_done(
    cast: Cast, enrollment: Enrollment, as_: Any, language: str
) -> None:
    acknowledge(cast.learner, document("exposure"))
    with clock.frozen(datetime(2026, 6, 1, 1, tzinfo=UTC)):
        late = {"en": "Overdue", "ja": "期限超過"}[language]
        path = as_(cast.learner, language=language).get("training.path", code=enrollment.code)
        assert late in path.text
        with own_transaction():
            end_plan(enrollment=enrollment, reason="x", by=cast.lead)
        session.expire_all()
        standing = queries.standing_of(queries.get_enrollment(enrollment.code))
        assert standing.progress.overdue == 0
        assert not any(each.is_late for each in standing.statuses.values())
        path = as_(cast.learner, language=language).get("training.path", code=enrollment.code)
        assert late not in path.text
        assert {"en": "Ended", "ja": "途中で終了"}[language] in path.text
        states = [each.get("data-state") for each in path.all("li") if each.get("data-state")]
        assert set(states) == {"done", "not_done"}
        words = ["".join(each.itertext()) for each in path.all("span", class_="visually-hidden")]
        assert words.count({"en": "Not done", "ja": "未完了"}[language]) == states.count("not_done")


def test_an_end_needs_a_reason(cast: Cast, enrollment: Enrollment) -> None:
    with pytest.raises(ReasonMissing), own_transaction():
        end_plan(enrollment=enrollment, reason="  ", by=cast.lead)
    assert queries.get_enrollment(enrollment.code).is_open

"""The calendar of one's dates, on the page and subscribed by other programs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import icalendar
import pytest
from flask import Flask
from hypothesis import example, given
from hypothesis import strategies as st

from portal.accounts.service import people as accounts
from portal.calendars import service as calendars
from portal.core import clock
from portal.core.db import session
from portal.core.i18n import Words
from portal.core.transaction import own_transaction
from portal.journal.models import JournalEntry
from portal.training.formats.calendar_file import Entry, write
from portal.training.models import CalendarFeed, Enrollment, ToldDate
from portal.training.service import calendar as feeds
from portal.training.service import dates, sessions
from portal.training.service.enrollments import end_plan
from portal.training.views import calendar as pages
from tests.beginnings import beginning
from tests.builders import Cast
from tests.page_client import PageClient
from tests.training.builders import (
    acknowledge,
    load_holidays,
    make_cohort,
    make_documents,
    make_enrollment,
    make_plan,
    make_quiz,
    release,
)
from tests.training.test_sessions import AT, plan
from tests.training.test_sessions import STEPS as CIRCLES
from tests.training.test_training import document

MORNING = datetime(2026, 4, 28, 1, 0, tzinfo=UTC)
LANGUAGES = ("en", "ja")


@pytest.fixture
@beginning
def enrollment(cast: Cast) -> Enrollment:
    with clock.frozen(MORNING):
        load_holidays()
        make_documents()
        make_quiz()
        return make_enrollment(cast.learner, make_plan(), cast.admin, cohort=make_cohort(cast.admin))


@pytest.fixture(autouse=True)
def _start_of_the_plan(enrollment: Enrollment) -> Iterator[None]:
    pages.reads.clear()
    pages.misses.clear()
    with clock.frozen(MORNING):
        yield


def share(cast: Cast) -> str:
    with own_transaction():
        return feeds.create_feed(person=session.merge(cast.learner))


def fetch(app: Flask, token: str, **more: Any) -> Any:
    pages.reads.clear()
    session.expire_all()
    return app.test_client().get(f"/calendar/{token}.ics", **more)


def events(app: Flask, token: str) -> dict[str, Any]:
    """Return the events of the file, each by the slug of its step."""
    answer = fetch(app, token)
    assert answer.status_code == 200, answer.status_code
    found = icalendar.Calendar.from_ical(answer.data)
    return {str(each["uid"]).partition("@")[0].partition("-")[2]: each for each in found.walk("VEVENT")}


def on(event: Any) -> date:
    return event["dtstart"].dt  # type: ignore[no-any-return]


# --- the page ----------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_month_shows_what_is_due_with_holidays_and_leave_by_their_names(cast: Cast, as_: Any, language: str) -> None:
    with own_transaction():
        calendars.record_leave(
            person=session.merge(cast.learner), first_on=date(2026, 5, 8), last_on=date(2026, 5, 8), by=cast.admin
        )
    page = as_(cast.learner).get("training.calendar", month="2026-05", lang=language)
    cells = {
        # Long words may break.
        each.find(".//time").get("datetime"): "".join(each.itertext()).replace("\u00ad", "")
        for each in page.all("td")
    }
    assert {"en": "Constitution Day", "ja": "憲法記念日"}[language] in cells["2026-05-03"]
    assert {"en": "Leave", "ja": "休暇"}[language] in cells["2026-05-08"]
    assert {"en": "First talk", "ja": "最初の面談"}[language] in cells["2026-05-01"]
    assert {"en": "An audit of one's own", "ja": "一人での監査"}[language] in cells["2026-05-12"]
    assert {"en": "May 2026", "ja": "2026年5月"}[language] in page.text


def test_a_week_shows_its_seven_days_and_leads_to_those_beside_it(cast: Cast, as_: Any) -> None:
    page = as_(cast.learner).get("training.calendar", week="2026-04-29", lang="en")
    days = [each.get("datetime") for each in page.all("time")]
    assert (days[0], len(days)) == ("2026-04-27", 7)
    hrefs = {each.get("href") for each in page.all("a")}
    assert {"/calendar?week=2026-04-20", "/calendar?week=2026-05-04"} <= hrefs
    assert len([each for each in page.all("td") if each.get("aria-current") == "date"]) == 1


def test_a_pause_and_company_days_stand_in_the_calendar(cast: Cast, as_: Any, enrollment: Enrollment) -> None:
    with own_transaction():
        period = calendars.CompanyPeriod(date(2026, 5, 14), date(2026, 5, 14), Words("Founding day", "創立記念日"))
        market = session.merge(enrollment).market
        calendars.declare_company_days(market=market, periods=[period], by=cast.admin)
        dates.pause(enrollment=session.merge(enrollment), first_on=date(2026, 4, 28), reason="Ill.", by=cast.admin)
    page = as_(cast.learner).get("training.calendar", month="2026-05", lang="en")
    assert "Founding day" in page.text.replace("\u00ad", "")
    april = as_(cast.learner).get("training.calendar", month="2026-04", lang="en")
    assert "Pause" in april.text
    # What is due on a day of the pause is not meant to be done then.
    assert "What is due during the pause moves to later days" in april.text
    # Why is said on the path, not here.
    assert "Ill." not in page.text


@pytest.mark.parametrize(
    "asked",
    [{"month": "2026-13"}, {"month": "x"}, {"month": "0001-01"}, {"month": "9999-12"}, {"month": "2026-05-01"},
     {"week": "2026-02-30"}, {"week": "W20"}, {"week": "9999-12-31"}, {"week": "20260511"}],
)  # fmt: skip
def test_what_is_no_month_or_week_is_said_in_words(cast: Cast, as_: Any, asked: dict[str, str]) -> None:
    page = as_(cast.learner).get("training.calendar", **asked, expect=400, lang="ja")
    assert next(iter(asked.values())) in page.text


@pytest.mark.parametrize("asked", [{"month": "2000-01"}, {"month": "2199-12"}, {"week": "2000-01-01"}])
def test_a_year_without_holidays_says_so(cast: Cast, as_: Any, asked: dict[str, str]) -> None:
    page = as_(cast.learner).get("training.calendar", **asked, lang="en")
    assert "are not known yet" in page.text


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "The holidays of 2028 are not announced yet"), ("ja", "2028年の祝日はまだ公示されていないため")],
)
def test_a_month_whose_holidays_are_not_announced_says_so(cast: Cast, as_: Any, language: str, said: str) -> None:
    client = as_(cast.learner, language=language)
    assert said in client.get("training.calendar", month="2028-05").text
    assert said not in client.get("training.calendar", month="2026-05").text


def test_the_calendar_is_led_to_from_today_and_from_the_path(cast: Cast, as_: Any, enrollment: Enrollment) -> None:
    browser = as_(cast.learner)
    for page in (browser.get("training.today"), browser.get("training.path", code=enrollment.code)):
        assert "/calendar" in {each.get("href") for each in page.all("a")}


# --- the secret address ------------------------------------------------------------------------


def test_the_address_is_shown_once_and_kept_only_as_its_hash(app: Flask, cast: Cast, as_: Any) -> None:
    browser = as_(cast.learner)
    browser.post("training.share_calendar", {})
    shown = re.findall(r"/calendar/([\w-]{20,})\.ics", browser.get("training.calendar").text)
    assert len(set(shown)) == 1
    assert re.findall(r"/calendar/([\w-]{20,})\.ics", browser.get("training.calendar").text) == []
    (feed,) = session.query(CalendarFeed)
    assert feed.token_hash == feeds.hash_of(shown[0])
    assert shown[0] not in repr([each.after for each in session.query(JournalEntry)])
    assert fetch(app, shown[0]).status_code == 200


def test_a_new_address_takes_the_place_of_the_one_before(app: Flask, cast: Cast) -> None:
    first, second = share(cast), share(cast)
    assert fetch(app, first).status_code == 404
    assert fetch(app, second).status_code == 200


def test_a_revoked_address_is_like_one_that_never_was(app: Flask, cast: Cast, as_: Any) -> None:
    token = share(cast)
    as_(cast.learner).post("training.revoke_calendar", {})
    revoked, unknown = fetch(app, token), fetch(app, "x" * 43)
    assert revoked.status_code == unknown.status_code == 404
    marks = re.compile(rb"[0-9a-f]{16}|" + token.encode() + rb"|x{43}")
    assert marks.sub(b"", revoked.data) == marks.sub(b"", unknown.data)
    # Revoked once more it stays so, and is told so.
    as_(cast.learner).post("training.revoke_calendar", {})
    assert [each.action for each in session.query(JournalEntry)].count("training.calendar_revoked") == 1


def test_whoever_has_left_is_found_no_more(app: Flask, cast: Cast) -> None:
    token = share(cast)
    with own_transaction():
        accounts.deactivate(person=session.merge(cast.learner), by=cast.admin)
    assert fetch(app, token).status_code == 404


@pytest.mark.usefixtures("time_stands_still")
def test_the_address_is_read_and_guessed_only_so_often(app: Flask, cast: Cast) -> None:
    token, browser = share(cast), app.test_client()
    answers = [browser.get(f"/calendar/{token}.ics").status_code for _time in range(pages.reads.per_minute + 1)]
    assert answers == [200] * pages.reads.per_minute + [429]
    guesses = [browser.get(f"/calendar/{number}.ics").status_code for number in range(pages.misses.per_minute + 1)]
    assert guesses == [404] * pages.misses.per_minute + [429]


@pytest.mark.parametrize("token", ["%00", "%ff%fe", "a" * 5000, "..%2f..%2fetc", "é"])
def test_no_address_breaks_it(app: Flask, token: str) -> None:
    assert fetch(app, token).status_code == 404


# --- the file ----------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_file_is_in_her_language_and_says_what_is_due_and_where(app: Flask, cast: Cast, language: str) -> None:
    with own_transaction():
        session.merge(cast.learner).language = language
    token = share(cast)
    found = events(app, token)
    assert set(found) == {"statement", "read", "quiz", "talk", "audit", "more"}
    assert str(found["talk"]["summary"]) == {"en": "First talk", "ja": "最初の面談"}[language]
    assert str(found["more"]["summary"]).endswith({"en": "(optional)", "ja": "（任意）"}[language])
    assert {"en": "Calendar › The first ten days", "ja": "カレンダー › 最初の10日間"}[language] in str(
        found["talk"]["description"]
    )
    assert "/training/" in str(found["talk"]["url"])
    name = icalendar.Calendar.from_ical(fetch(app, token).data)["x-wr-calname"]
    assert {"en": "Training: ", "ja": "研修："}[language] in str(name)


def test_the_bytes_are_what_clients_ask_for(app: Flask, cast: Cast) -> None:
    answer = fetch(app, share(cast))
    assert answer.content_type == "text/calendar; charset=utf-8"
    lines = answer.data.split(b"\r\n")
    assert b"\n" not in b"".join(lines)
    assert max(map(len, lines)) <= 75
    # No character is cut in two: each line is text by itself.
    assert all(line.decode() is not None for line in lines)
    for line in (
        b"VERSION:2.0", b"METHOD:PUBLISH", b"REFRESH-INTERVAL;VALUE=DURATION:PT6H", b"X-PUBLISHED-TTL:PT6H",
        b"DTSTART;VALUE=DATE:20260507", b"DTEND;VALUE=DATE:20260508", b"TRANSP:TRANSPARENT",
        b"X-MICROSOFT-CDO-BUSYSTATUS:FREE",
    ):  # fmt: skip
        assert line in lines
    # Neither a zone nor an alarm: a day is a day everywhere, and reminders come by mail.
    assert b"TZID" not in answer.data
    assert b"VALARM" not in answer.data


def test_names_stay_and_the_sequence_rises_when_a_date_moves(app: Flask, cast: Cast, enrollment: Enrollment) -> None:
    token = share(cast)
    before = events(app, token)
    again = events(app, token)
    assert {name: each.to_ical() for name, each in before.items()} == {
        name: each.to_ical() for name, each in again.items()
    }
    with clock.frozen(MORNING + timedelta(hours=1)):
        with own_transaction():
            there = session.merge(enrollment)
            step = next(each for each in there.version.steps if each.slug == "quiz")
            dates.extend_step(enrollment=there, step=step, working_days=1, reason="More time.", by=cast.admin)
        after = events(app, token)
    assert {name: str(each["uid"]) for name, each in before.items()} == {
        name: str(each["uid"]) for name, each in after.items()
    }
    moved = {name for name in before if on(before[name]) != on(after[name])}
    assert moved == {"quiz", "audit"}
    for name, event in after.items():
        assert event["sequence"] == (1 if name in moved else 0)
        assert (event["last-modified"].dt > before[name]["last-modified"].dt) == (name in moved)
    assert "More time." not in fetch(app, token).data.decode()


def test_what_is_done_or_ended_is_cancelled_under_its_name(app: Flask, cast: Cast, enrollment: Enrollment) -> None:
    token = share(cast)
    assert {str(each["status"]) for each in events(app, token).values()} == {"CONFIRMED"}
    acknowledge(cast.learner, document("exposure"))
    release(cast.learner, score="9/10")
    done = events(app, token)
    assert (str(done["statement"]["status"]), done["statement"]["sequence"]) == ("CANCELLED", 1)
    assert on(done["statement"]) == date(2026, 4, 28)
    assert str(done["quiz"]["status"]) == "CANCELLED"
    assert "90" not in fetch(app, token).data.decode().replace("\r\n ", "").replace("0900", "")
    assert str(done["talk"]["status"]) == "CONFIRMED"
    with own_transaction():
        end_plan(enrollment=session.merge(enrollment), reason="Moved on.", by=cast.admin)
    ended = events(app, token)
    assert {str(each["status"]) for each in ended.values()} == {"CANCELLED"}
    assert ended["statement"]["sequence"] == 1
    assert ended["talk"]["sequence"] == 1
    with clock.frozen(MORNING + feeds.CANCELLED_FOR + timedelta(days=1)):
        assert events(app, token) == {}


def test_with_nothing_in_it_it_is_still_a_calendar(app: Flask, cast: Cast) -> None:
    with own_transaction():
        token = feeds.create_feed(person=session.merge(cast.outsider))
    found = icalendar.Calendar.from_ical(fetch(app, token).data)
    # RFC 5545 asks for one component at least, and Google refuses a file without.
    assert [each.name for each in found.subcomponents] == ["VTIMEZONE"]


def test_what_has_not_changed_is_not_sent_again(app: Flask, cast: Cast) -> None:
    token = share(cast)
    etag = fetch(app, token).headers["ETag"]
    with clock.frozen(MORNING + timedelta(hours=3)):
        again = fetch(app, token, headers={"If-None-Match": etag})
    assert (again.status_code, again.data) == (304, b"")
    acknowledge(cast.learner, document("exposure"))
    assert fetch(app, token, headers={"If-None-Match": etag}).status_code == 200


def test_head_tells_what_get_does_without_the_body(app: Flask, cast: Cast) -> None:
    token = share(cast)
    got = fetch(app, token)
    pages.reads.clear()
    head = app.test_client().head(f"/calendar/{token}.ics")
    assert (head.status_code, head.data) == (200, b"")
    assert head.headers["ETag"] == got.headers["ETag"]
    assert head.headers["Content-Length"] == str(len(got.data))


def test_no_cookie_is_set_and_nobody_but_the_reader_keeps_it(app: Flask, cast: Cast) -> None:
    answer = fetch(app, share(cast))
    assert "Set-Cookie" not in answer.headers
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert "noindex" in answer.headers["X-Robots-Tag"]


def test_a_busy_database_keeps_no_client_waiting(app: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    token = share(cast)
    monkeypatch.setattr(feeds.touch, "note", lambda change: None)
    assert len(events(app, token)) == 6
    assert session.query(ToldDate).count() == 0


_words = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=200)


def _said(raw: bytes, name: str) -> str:
    """Return a text of the only event as a client reads it (RFC 5545, 3.3.11); the library does not read exactly."""
    unfolded = raw.decode().replace("\r\n ", "").split("BEGIN:VEVENT")[1]
    (line,) = [each for each in unfolded.split("\r\n") if each.startswith(f"{name};")]
    written = line.split(":", 1)[1]
    return re.sub(r"\\(.)", lambda sign: "\n" if sign[1] in "nN" else sign[1], written)


@example(r"C:\New\names", r"a\nb;c,d\\", date(2026, 5, 7))
@given(_words, _words, st.dates(date(2000, 1, 1), date(2199, 12, 30)))
def test_whatever_is_written_is_read_again(summary: str, description: str, day: date) -> None:
    entry = Entry("a@b", day, summary, f"{description}\n{summary}", "https://portal.example/x", 2, MORNING)
    raw = write(name=summary, description=description, language="ja", zone="Asia/Tokyo", entries=[entry])
    assert all(len(line) <= 75 for line in raw.split(b"\r\n"))
    assert b"\n" not in raw.replace(b"\r\n", b"")
    (event,) = icalendar.Calendar.from_ical(raw).walk("VEVENT")
    assert _said(raw, "SUMMARY") == summary
    assert _said(raw, "DESCRIPTION") == f"{description}\n{summary}"
    assert (event["dtstart"].dt, event["dtend"].dt) == (day, day + timedelta(days=1))


def test_a_client_is_no_page_of_ours(client: PageClient, cast: Cast) -> None:
    """Whoever subscribes is signed in nowhere: the address alone opens the dates, and nothing else."""
    token = share(cast)
    assert client.send("GET", f"/calendar/{token}.ics").status_code == 200
    assert client.send("POST", f"/calendar/{token}.ics").status_code in (400, 401, 403, 405)


# --- sessions ----------------------------------------------------------------------------------


@pytest.fixture
def circle(cast: Cast) -> Enrollment:
    """Return another plan of hers, whose session is due on 7 May."""
    return make_enrollment(cast.learner, make_plan("circles", cast.author, *CIRCLES), cast.admin)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_session_stands_on_its_own_day_with_time_and_place(
    cast: Cast, circle: Enrollment, as_: Any, language: str
) -> None:
    def cell(day: str) -> str:
        page = as_(cast.learner).get("training.calendar", month="2026-05", lang=language)
        found = next(each for each in page.all("td") if each.find(".//time").get("datetime") == day)
        return "".join(found.itertext()).replace("\u00ad", "")

    title = {"en": "Case circle", "ja": "事例検討会"}[language]
    assert title in cell("2026-05-07")
    plan(cast, circle, when=replace(AT, on=date(2026, 5, 15)), by=cast.lead)
    assert title not in cell("2026-05-07")
    for words in (title, {"en": "10:00–11:00", "ja": "10:00～11:00"}[language], "Room 3"):
        assert words in cell("2026-05-15")


def test_a_session_is_a_meeting_in_the_file_and_counts_its_changes(app: Flask, cast: Cast, circle: Enrollment) -> None:
    token, on_the_day = share(cast), replace(AT, on=date(2026, 5, 7))
    before = events(app, token)["circle"]
    assert (on(before), before["sequence"], str(before["transp"])) == (date(2026, 5, 7), 0, "TRANSPARENT")
    with clock.frozen(MORNING + timedelta(minutes=1)):
        # On the day on which the step is due: it is another entry all the same.
        planned = plan(cast, circle, when=on_the_day, by=cast.lead)
        booked = events(app, token)["circle"]
    assert booked["uid"] == before["uid"]
    assert (booked["dtstart"].dt, booked["dtend"].dt) == (
        datetime(2026, 5, 7, 1, 0, tzinfo=UTC),
        datetime(2026, 5, 7, 2, 0, tzinfo=UTC),
    )
    assert (booked["sequence"], str(booked["transp"]), str(booked["location"])) == (1, "OPAQUE", "Room 3")
    assert "https://meet.example.com/abc" in str(booked["description"])
    with clock.frozen(MORNING + timedelta(minutes=2)):
        assert events(app, token)["circle"]["sequence"] == 1
        with own_transaction():
            sessions.move_session(
                planned=planned, when=replace(on_the_day, place="Room 4"), reason="Too small.", by=cast.lead
            )
        moved = events(app, token)["circle"]
    assert (moved["sequence"], str(moved["location"])) == (2, "Room 4")
    with clock.frozen(MORNING + timedelta(minutes=3)):
        with own_transaction():
            sessions.cancel_session(planned=planned, reason="The lead is ill.", by=cast.lead)
        after = events(app, token)["circle"]
    assert (on(after), after["sequence"], str(after["transp"])) == (date(2026, 5, 7), 3, "TRANSPARENT")
    assert "location" not in after

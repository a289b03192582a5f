"""The digest of a day: one mail at most, at her hour on her working days, with what concerns her and nothing else."""

from __future__ import annotations

import email
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from portal.accounts.models import Person, Role, Scope
from portal.accounts.service import people as accounts
from portal.calendars import service as calendars
from portal.calendars.rules import WorkingCalendar
from portal.core import clock, jobs
from portal.core.db import session
from portal.core.jobs import Job
from portal.core.transaction import own_transaction
from portal.organisation.rules import ESCALATED_AFTER
from portal.organisation.service import change_settings
from portal.reminders import invariants, queries, rules
from portal.reminders.models import Digest, DigestEscalation
from portal.reminders.rules import Rhythm, Section
from portal.reminders.service import digests, preferences
from portal.training import queries as training
from portal.training.models import Enrollment
from portal.training.service import dates
from tests.beginnings import beginning
from tests.builders import Cast, make_grant, make_person
from tests.queries import counted_queries
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
from tests.training.test_sessions import AT, plan
from tests.training.test_sessions import STEPS as CIRCLES
from tests.training.test_training import document

# The plan begins on Tuesday, 28 April 2026; Golden Week follows. "exposure" is due on the 28th, "impersonation"
# on the 30th, the talk on 1 May, the quiz on 7 May, the audit on 11 May.


def at(day: int, hour: int = 9, minute: int = 0, month: int = 4) -> datetime:
    """Return a time of a day of 2026 in Tokyo."""
    return datetime(2026, month, day, hour, minute, tzinfo=UTC) - timedelta(hours=9)


@pytest.fixture
@beginning
def enrollment(cast: Cast) -> Enrollment:
    with clock.frozen(at(27, 10)):
        load_holidays()
        make_documents()
        make_quiz()
        make_grant(cast.lead, Role.LEAD)
        return make_enrollment(cast.learner, make_plan(), cast.admin, cohort=make_cohort(cast.admin))


@pytest.fixture(autouse=True)
def _plan(enrollment: Enrollment) -> None:
    """Everything here is about this plan."""


def send(moment: datetime) -> None:
    session.expire_all()
    with clock.frozen(moment):
        jobs.run_periodic("reminders.digests")
        jobs.run_due()


def mails(app: Flask, person: Person) -> list[Any]:
    """Return the digests that came to the person."""
    folder = Path(app.config["DATA_DIR"]) / "mail"
    found = [email.message_from_bytes(path.read_bytes(), policy=default) for path in sorted(folder.glob("*.eml"))]
    return [each for each in found if person.sign_in_name in each["To"] and _is_digest(each)]


def _is_digest(message: Any) -> bool:
    return "リマインド" in message["Subject"] or "Reminder" in message["Subject"]


def text(message: Any) -> str:
    return str(message.get_body(("plain",)).get_content())


def does(person: Person, slug: str) -> None:
    acknowledge(person, document(slug))


def test_a_learner_is_told_what_is_due_with_its_link_and_the_path_in_words(app: Flask, cast: Cast) -> None:
    send(at(28))
    (mail,) = mails(app, cast.learner)
    assert mail["Subject"] == "【リマインド】4月28日（火）：本日期限1件、まもなく期限2件"
    said = text(mail)
    assert "研修計画 › 最初の10日間 › 「文書EXPOSURE」を確認する" in said
    assert "/library/exposure" in said
    assert "期限：4月28日（火）" in said
    # What cannot be opened yet is shown on the path.
    assert f"/training/{session.query(Enrollment).one().code}" in said
    assert "Training plans" not in said


def test_the_mail_is_in_the_readers_language(app: Flask, cast: Cast) -> None:
    with own_transaction():
        session.merge(cast.learner).language = "en"
    send(at(28))
    (mail,) = mails(app, cast.learner)
    assert mail["Subject"] == "Reminder of Tue 28 Apr: 1 due today, 2 due soon"
    assert "Training plans › The first ten days › Confirm “Exposure”" in text(mail)
    assert "研修" not in text(mail)


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_session_is_told_on_its_day_with_its_time_and_place(app: Flask, cast: Cast, language: str) -> None:
    with clock.frozen(at(27, 10)):
        booked = make_enrollment(cast.learner, make_plan("circles", cast.author, *CIRCLES), cast.admin)
        plan(cast, booked, when=replace(AT, on=date(2026, 5, 15)))
        with own_transaction():
            session.merge(cast.learner).language = language
    send(at(11, month=5))
    assert {"en": "Case circle", "ja": "事例検討会"}[language] not in text(mails(app, cast.learner)[-1])
    send(at(15, month=5))
    told = text(mails(app, cast.learner)[-1])
    due = told.index({"en": "[Due today]", "ja": "■ 本日期限"}[language])
    when = {"en": "on Fri 15 May, 10:00–11:00, Room 3", "ja": "日時：5月15日（金） 10:00～11:00、Room 3"}[language]
    assert when in told[due:]


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_step_whose_session_is_booked_late_is_not_escalated_before_its_day_and_then_with_it(
    app: Flask, cast: Cast, language: str
) -> None:
    with clock.frozen(at(27, 10)):
        booked = make_enrollment(cast.learner, make_plan("circles", cast.author, *CIRCLES), cast.admin)
        with own_transaction():
            session.merge(cast.lead).language = language
    circle = {"en": "Case circle", "ja": "事例検討会"}[language]
    # Due on 7 May; booked on the day after for a day a week later.
    with clock.frozen(at(8, 10, month=5)):
        plan(cast, booked, when=replace(AT, on=date(2026, 5, 15)))
    for day in (11, 12, 13, 14, 15):
        send(at(day, month=5))
        assert circle not in escalated(app, cast.lead, language), day
    # Nobody has said who came: three working days later it is told, with the day for which it was booked.
    send(at(20, month=5))
    said = escalated(app, cast.lead, language)
    assert circle in said
    assert {"en": "session booked for Fri 15 May 2026", "ja": "セッションは2026年5月15日（金）に予定"}[language] in said


def escalated(app: Flask, person: Person, language: str) -> str:
    """Return what the person's digests say of those who are behind."""
    heading = {"en": "Overdue with people whom you lead", "ja": "担当する人の期限超過"}[language]
    return "".join(text(mail).partition(heading)[2] for mail in mails(app, person))


def test_there_is_one_mail_a_day_whatever_runs_twice(app: Flask, cast: Cast) -> None:
    for hour in (9, 9, 10, 17):
        send(at(28, hour))
    assert len(mails(app, cast.learner)) == 1
    send(at(30))
    assert len(mails(app, cast.learner)) == 2


def test_no_mail_comes_outside_of_business_hours(app: Flask, cast: Cast) -> None:
    for hour in (0, 7, 8, 18, 23):
        send(at(28, hour, 59))
    assert session.query(Digest).count() == 0
    send(at(30, 17, 59))
    assert len(mails(app, cast.learner)) == 1


def test_no_mail_comes_on_a_holiday_on_leave_or_on_a_rest_day(app: Flask, cast: Cast) -> None:
    with clock.frozen(at(28, 8)), own_transaction():
        calendars.record_leave(
            person=session.merge(cast.learner), first_on=date(2026, 4, 30), last_on=date(2026, 4, 30), by=cast.admin
        )
    # Showa Day, leave, then Friday, and the weekend.
    for day in (29, 30):
        send(at(day))
    assert mails(app, cast.learner) == []
    send(at(1, month=5))
    send(at(2, month=5))
    assert len(mails(app, cast.learner)) == 1


def test_who_works_by_shifts_is_told_on_her_shifts(app: Flask, cast: Cast) -> None:
    with clock.frozen(at(28, 8)), own_transaction():
        calendars.record_shifts(
            person=session.merge(cast.learner),
            first_on=date(2026, 4, 28),
            cycle="1-1",
            works_holidays=True,
            by=cast.admin,
        )
    for day in (28, 29, 30):
        send(at(day))
    assert [each["Subject"][7:12] for each in mails(app, cast.learner)] == ["4月28日", "4月30日"]


def test_a_paused_plan_reminds_of_nothing(app: Flask, cast: Cast, enrollment: Enrollment) -> None:
    with clock.frozen(at(28, 8)), own_transaction():
        dates.pause(enrollment=session.merge(enrollment), first_on=date(2026, 4, 28), reason="Ill.", by=cast.admin)
    send(at(28))
    assert session.query(Digest).count() == 0


def test_with_nothing_to_tell_nothing_is_sent(app: Flask, cast: Cast) -> None:
    send(at(27))
    # On the day on which she was enrolled a mail of its own told her.
    assert session.query(Digest).count() == 0
    send(at(28))
    assert {each.person_id for each in session.query(Digest)} == {cast.learner.id}


def test_what_was_done_since_is_left_out_of_the_mail(app: Flask, cast: Cast) -> None:
    with clock.frozen(at(28)):
        jobs.run_periodic("reminders.digests")
        does(cast.learner, "exposure")
        jobs.run_due()
    (mail,) = mails(app, cast.learner)
    assert "EXPOSURE" not in text(mail)
    assert "本日期限" not in mail["Subject"]


def test_no_mail_comes_where_all_of_it_was_done_since(app: Flask, cast: Cast) -> None:
    other = make_person()
    with clock.frozen(at(27, 10)):
        make_enrollment(other, make_plan("short", cast.admin, STEPS[0]), cast.admin)
    with clock.frozen(at(28)):
        jobs.run_periodic("reminders.digests")
        does(other, "exposure")
        jobs.run_due()
    assert session.query(Digest).filter_by(person_id=other.id).count() == 1
    assert mails(app, other) == []


def test_a_mail_that_could_not_be_sent_on_its_day_is_not_sent_on_another(app: Flask, cast: Cast) -> None:
    with clock.frozen(at(28)):
        jobs.run_periodic("reminders.digests")
    with clock.frozen(at(30)):
        jobs.run_due()
    assert mails(app, cast.learner) == []


def test_her_hour_and_rhythm_are_kept(app: Flask, cast: Cast) -> None:
    with clock.frozen(at(27)), own_transaction():
        preferences.change(person=session.merge(cast.learner), hour=14, rhythm=Rhythm.WEEKLY)
    for day, hour in ((28, 14), (30, 14)):
        send(at(day, hour))
    assert mails(app, cast.learner) == []
    # Monday to Wednesday are holidays: Thursday is the first working day of that week.
    send(at(7, 13, month=5))
    assert mails(app, cast.learner) == []
    send(at(7, 14, month=5))
    (mail,) = mails(app, cast.learner)
    assert "監査" not in mail["Subject"]
    with clock.frozen(at(8, month=5)), own_transaction():
        preferences.change(person=session.merge(cast.learner), hour=9, rhythm=Rhythm.NEVER)
    send(at(8, month=5))
    assert len(mails(app, cast.learner)) == 1


def test_a_sweep_that_broke_off_goes_on_where_it_was(
    app: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch, enrollment: Enrollment
) -> None:
    with clock.frozen(at(27, 10)):
        version = session.merge(enrollment).version
        others = [make_person() for _number in range(3)]
        for each in others:
            make_enrollment(each, version, cast.admin)
    monkeypatch.setattr(digests, "PEOPLE_AT_ONCE", 1)
    owe, broken = digests.owe, []

    def breaks(people: Any) -> int:
        if people[0].id == others[1].id and not broken:
            broken.append(True)
            raise RuntimeError("the worker died")
        return owe(people)

    monkeypatch.setattr(digests, "owe", breaks)
    send(at(28))
    assert broken
    assert session.query(Digest).count() == 2
    send(at(28, 9, 10))
    assert session.query(Digest).count() == 4
    assert all(len(mails(app, each)) == 1 for each in (cast.learner, *others))


def test_of_two_workers_at_once_one_owes_the_mail(app: Flask, cast: Cast) -> None:
    with clock.frozen(at(28)):
        for _worker in range(2):
            # Both have found her before either has written.
            with own_transaction():
                digests.owe([session.merge(cast.learner)])
        assert session.query(Digest).count() == 1
        assert session.query(Job).filter(Job.effect_key.startswith("mail:digest:")).count() == 1


def test_a_sign_off_that_waits_since_yesterday_is_told_to_who_is_nearest(app: Flask, cast: Cast) -> None:
    mentor = make_person(language="en")
    make_grant(mentor, Role.MENTOR, Scope.COHORT, "jp-2026-04")
    with clock.frozen(at(28, 8)):
        does(cast.learner, "exposure")
    # It began to wait today: a mail of its own told her.
    send(at(28))
    assert mails(app, mentor) == []
    send(at(30))
    (mail,) = mails(app, mentor)
    assert "1 to sign off" in mail["Subject"]
    assert f"Sign-offs › {cast.learner.name_in('en')} › First talk" in text(mail)
    # The lead is not asked while there is a mentor.
    assert mails(app, cast.lead) == []


def test_a_lead_is_told_of_what_is_overdue_once_when_it_begins_and_then_weekly(app: Flask, cast: Cast) -> None:
    told = {}
    with own_transaction():
        session.merge(cast.lead).language = "ja"
    # The 28th is missed: 30 April and 1 May are two working days more. The holidays end on 6 May.
    for month, day in ((4, 30), (5, 1), (5, 7), (5, 8), (5, 11), (5, 12)):
        before = len(mails(app, cast.lead))
        send(at(day, month=month))
        told[month, day] = [text(each) for each in mails(app, cast.lead)[before:]]
    assert told[4, 30] == []
    (first,) = told[5, 1]
    assert f"受講者 › {cast.learner.name_in('ja')} › 最初の10日間" in first
    assert "期限は4月28日（火）でした" in first
    assert "IMPERSONATION" not in first
    # On the first working day of a week all that is still overdue; on others what is new.
    assert "EXPOSURE" in told[5, 7][0]
    assert "IMPERSONATION" in told[5, 7][0]
    assert not any("EXPOSURE" in each for each in told[5, 8])
    assert any("EXPOSURE" in each for each in told[5, 11])
    assert not any("EXPOSURE" in each for each in told[5, 12])


def test_a_lead_cannot_switch_off_what_is_overdue(app: Flask, cast: Cast) -> None:
    with clock.frozen(at(27)), own_transaction():
        preferences.change(person=session.merge(cast.lead), hour=9, rhythm=Rhythm.NEVER)
    for day in (1, 7):
        send(at(day, month=5))
    assert len(mails(app, cast.lead)) == 2


def test_the_house_says_after_how_many_days_leads_are_told(app: Flask, cast: Cast) -> None:
    with clock.frozen(at(27)), own_transaction():
        change_settings(values={ESCALATED_AFTER: 1}, by=cast.admin)
    send(at(30))
    assert session.query(DigestEscalation).count() == 1


def test_where_nobody_leads_the_administrators_are_told(app: Flask, cast: Cast) -> None:
    with own_transaction():
        for grant in session.merge(cast.lead).grants:
            grant.ended_at = at(27)
    send(at(1, month=5))
    (mail,) = mails(app, cast.admin)
    assert cast.learner.name_in(cast.admin.language) in text(mail)


def test_who_has_left_or_never_came_gets_no_mail(app: Flask, cast: Cast) -> None:
    with clock.frozen(at(27)), own_transaction():
        accounts.deactivate(person=session.merge(cast.learner), by=cast.admin)
    send(at(28))
    assert session.query(Digest).count() == 0


def test_a_holiday_table_that_ends_keeps_no_other_from_being_told(
    app: Flask, cast: Cast, enrollment: Enrollment, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, real = make_person(), training.countable
    with clock.frozen(at(27, 10)):
        make_enrollment(other, session.merge(enrollment).version, cast.admin)

    def leaves_out(enrollments: Any, *, own: bool = False) -> Any:
        found, unknown = real([each for each in enrollments if each.person_id != other.id], own=own)
        gone = [each for each in enrollments if each.person_id == other.id]
        return found, [*unknown, *(training.Uncountable(each, "JP", 2032) for each in gone)]

    monkeypatch.setattr(training, "countable", leaves_out)
    send(at(28))
    assert len(mails(app, cast.learner)) == 1
    assert mails(app, other) == []


def test_the_statements_of_a_batch_do_not_grow_with_its_people(app: Flask, cast: Cast, enrollment: Enrollment) -> None:
    def count(number: int) -> int:
        with clock.frozen(at(27, 10)):
            version = session.merge(enrollment).version
            for _number in range(number):
                make_enrollment(make_person(), version, cast.admin)
        session.expire_all()
        with clock.frozen(at(28)), counted_queries() as statements:
            digests.compose(queries.list_whose_turn("Asia/Tokyo", date(2026, 4, 28), [9], 0, 200))
        session.rollback()
        return len(statements)

    count(2)
    assert count(3) == count(6)


def test_the_doctor_finds_a_digest_of_the_night_and_one_without_a_mail(app: Flask, cast: Cast) -> None:
    send(at(28))
    assert invariants.digests_were_owed_in_business_hours() == []
    with own_transaction():
        found = session.query(Digest).one()
        session.query(Job).filter(Job.effect_key.startswith("mail:digest:")).delete()
        found.at = at(28, 3)
    assert [each.partition(" on ")[2] for each in invariants.digests_were_owed_in_business_hours()] == [
        "2026-04-28 was owed at 03:00, outside of business hours",
        "2026-04-28 has no mail",
    ]


# --- the page ----------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "ja"])
def test_she_chooses_when_and_sees_what_todays_says(cast: Cast, as_: Any, language: str) -> None:
    with clock.frozen(at(28)):
        browser = as_(cast.learner)
        page = browser.get("reminders.own", lang=language)
        assert {"en": "Confirm “Exposure”", "ja": "「文書EXPOSURE」を確認する"}[language] in page.text
        browser.post("reminders.change", {"hour": "15", "rhythm": "weekly"})
    found = queries.find_preference(cast.learner.id)
    assert found is not None
    assert (found.hour, found.rhythm) == (15, Rhythm.WEEKLY)


@pytest.mark.parametrize(
    "given_values", [{"hour": "8"}, {"hour": "18"}, {"hour": "x"}, {"rhythm": "hourly"}, {"rhythm": ""}]
)
def test_what_cannot_be_chosen_is_refused_in_words(cast: Cast, as_: Any, given_values: dict[str, str]) -> None:
    with clock.frozen(at(28)):
        page = as_(cast.learner).post("reminders.change", {"hour": "9", "rhythm": "daily", **given_values}, expect=400)
    assert page.all("div", class_="field__error")
    assert queries.find_preference(cast.learner.id) is None


def test_the_preview_says_why_nothing_is_sent(cast: Cast, as_: Any) -> None:
    browser = as_(cast.learner)
    with clock.frozen(at(29)):
        assert "Today is not a working day" in browser.get("reminders.own", lang="en").text
    with clock.frozen(at(28)):
        assert "There is nothing to tell today" in as_(cast.outsider).get("reminders.own", lang="en").text


@pytest.mark.parametrize("language", ["en", "ja"])
def test_on_the_day_a_plan_is_assigned_the_preview_says_that_another_mail_tells_of_it(
    cast: Cast, as_: Any, language: str
) -> None:
    nothing = {"en": "There is nothing to tell today", "ja": "本日お知らせする内容はない"}[language]
    apart = {"en": "A training plan was assigned today", "ja": "本日、研修計画が割り当てられました"}[language]
    browser = as_(cast.colleague, language=language)
    with clock.frozen(at(28)):
        assert nothing in browser.get("reminders.own").text
        # Its first step is due by the end of the day.
        make_enrollment(cast.colleague, training.get_enrollment(_code_of(cast.learner)).version, cast.admin)
        page = browser.get("reminders.own")
    assert apart in page.text
    assert nothing not in page.text


def _code_of(person: Person) -> str:
    return training.list_enrollments_of(person.id)[0].code


# --- the rules ---------------------------------------------------------------------------------


@given(
    st.dates(date(2026, 1, 1), date(2030, 12, 31)), st.sets(st.dates(date(2026, 1, 1), date(2030, 12, 31)), max_size=30)
)
def test_every_week_with_a_working_day_has_exactly_one_first(day: date, leave: set[date]) -> None:
    calendar = WorkingCalendar(leave=frozenset(leave))
    monday = day - timedelta(days=day.weekday())
    week = [monday + timedelta(days=number) for number in range(7)]
    firsts = [each for each in week if rules.is_first_of_week(calendar, each)]
    assert len(firsts) == any(calendar.is_working_day(each) for each in week)
    turns = [rules.turn_of(Rhythm.DAILY, calendar, each) for each in week]
    assert [turn is not None for turn in turns] == [calendar.is_working_day(each) for each in week]


@given(st.integers(0, 23), st.sets(st.integers(9, 17)))
def test_nothing_is_swept_outside_of_business_hours_or_twice(hour: int, swept: set[int]) -> None:
    found = rules.hours_to_sweep(hour, swept)
    assert not set(found) & swept
    assert all(9 <= each <= hour for each in found)
    assert found == [] if not 9 <= hour < 18 else set(found) | swept >= set(range(9, hour + 1))


def test_what_is_too_far_ahead_stands_under_no_heading() -> None:
    day = date(2026, 4, 28)
    assert rules.section_of(day, day, day) is Section.TODAY
    assert rules.section_of(day + timedelta(days=1), day, day) is None
    assert rules.section_of(day - timedelta(days=1), day, day) is Section.OVERDUE

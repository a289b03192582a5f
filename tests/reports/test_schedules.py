"""Weekly reports by mail: on a working day, once to each person whatever runs twice, and ended by themselves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from threading import Barrier, Thread
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from portal.accounts import queries as accounts
from portal.accounts.models import Person, Role, Scope
from portal.calendars.queries import working_calendar
from portal.cohorts.models import Cohort
from portal.cohorts.service import withdraw_cohort
from portal.core import clock, jobs, mail
from portal.core.db import session
from portal.core.i18n import force_locale
from portal.core.jobs import Job
from portal.core.transaction import own_transaction
from portal.journal.models import JournalEntry
from portal.reports import rules
from portal.reports.emails import schedule_changed, weekly
from portal.reports.errors import CohortRefused, NobodyChosen, NotSent, RecipientRefused, ScheduleChangedMeanwhile
from portal.reports.models import ReportRecipient, ReportSchedule, ReportSending
from portal.reports.permissions import OWNED_KIND
from portal.reports.queries.schedules import find_schedule, list_possible_recipients, lock_schedule
from portal.reports.rules import RecipientEnd, ScheduleEnd
from portal.reports.service import schedules
from portal.training.models import Enrollment
from tests.beginnings import beginning
from tests.builders import Cast, make_grant, make_person
from tests.reports.test_cohort import LANGUAGES
from tests.training.builders import acknowledge, load_holidays, make_cohort, make_documents, make_enrollment, make_plan
from tests.training.test_training import document
from tests.training.test_uncountable import keep_away

# A Monday, a Monday that is a holiday, and its next working day; at 9:05 in Tokyo.
MONDAY = datetime(2026, 4, 27, 0, 5, tzinfo=UTC)
HOLIDAY = datetime(2026, 5, 4, 0, 5, tzinfo=UTC)
AFTER_IT = datetime(2026, 5, 7, 0, 5, tzinfo=UTC)
SUNDAY = datetime(2026, 4, 26, 3, 0, tzinfo=UTC)


@pytest.fixture
@beginning
def _documents(cast: Cast) -> None:
    load_holidays()
    make_documents()


@pytest.fixture(autouse=True)
def _sunday(_documents: None) -> Iterator[None]:
    with clock.frozen(SUNDAY):
        yield


@pytest.fixture
@beginning
def cohort(cast: Cast) -> Any:
    """A cohort of two who have begun."""
    found, version = make_cohort(cast.admin), make_plan()
    with clock.frozen(SUNDAY):
        for person in (cast.learner, cast.colleague):
            make_enrollment(person, version, cast.admin, cohort=found)
        acknowledge(cast.learner, document("exposure"))
    return found


def set_up(cohort: Cohort, by: Person, *recipients: Person, **values: Any) -> ReportSchedule:
    """Let the report go out on Mondays at nine."""
    wanted = {"weekday": 0, "hour": 9, "with_pdf": True, "with_xlsx": True, "plan_slug": ""} | values
    with own_transaction():
        return schedules.set_up(wanted=schedules.Wanted(cohort=cohort, recipients=recipients or [by], **wanted), by=by)


def sweep() -> None:
    """Let the worker look once, and do what it owes."""
    jobs.run_periodic("reports.schedules")


def sent() -> list[tuple[str, date]]:
    """Return to whom what was owed."""
    rows = session.execute(
        select(Person.sign_in_name, ReportSending.week_of)
        .join(Person, Person.id == ReportSending.person_id)
        .order_by(ReportSending.id)
    )
    return [(row[0], row[1]) for row in rows]


def mails(name: str) -> list[dict[str, Any]]:
    """Return what the mails of a name were owed with."""
    owed = session.scalars(select(Job).where(Job.name == "mail.send").order_by(Job.id))
    return [each.arguments["arguments"] for each in owed if each.arguments["mail"] == name]


def run(name: str) -> None:
    """Carry out the owed work of a name."""
    for number in list(session.scalars(select(Job.id).where(Job.name == name).order_by(Job.id))):
        jobs.run_job(number)


# --- When --------------------------------------------------------------------------------------


def test_a_report_comes_on_the_next_working_day_and_its_next_day_says_why(cast: Cast, cohort: Cohort) -> None:
    calendar = working_calendar(cohort.market)
    due = rules.sending_day(date(2026, 5, 4), calendar)
    # みどりの日, こどもの日 and 振替休日.
    assert due.on == date(2026, 5, 7)
    assert [each.on.day for each in due.derivation.skipped] == [4, 5, 6]
    assert due.derivation.recount() == due.on


def test_a_report_is_due_from_its_hour_on_and_not_before_it_began(cast: Cast, cohort: Cohort) -> None:
    calendar, begins = working_calendar(cohort.market), date(2026, 4, 20)

    def due(local: str, first: date = begins) -> date | None:
        return rules.due_report(0, 9, first, calendar, datetime.fromisoformat(local))

    assert due("2026-04-20T08:59") is None
    assert due("2026-04-20T09:00") == date(2026, 4, 20)
    # A day on which no worker ran is caught up.
    assert due("2026-04-23T01:00") == date(2026, 4, 20)
    assert due("2026-05-04T23:00") == date(2026, 4, 27)
    assert due("2026-05-07T08:00") == date(2026, 4, 27)
    assert due("2026-05-07T09:00") == date(2026, 5, 4)
    assert due("2026-05-07T09:00", date(2026, 5, 11)) is None


def test_where_a_year_has_no_holidays_the_day_stays(cast: Cast, cohort: Cohort) -> None:
    calendar = working_calendar(cohort.market)
    assert rules.sending_day(date(2199, 5, 6), calendar).on == date(2199, 5, 6)


# --- Sending -----------------------------------------------------------------------------------


def test_each_recipient_gets_one_report_a_week_whatever_runs_twice(cast: Cast, cohort: Cohort) -> None:
    lead = make_person("another.lead@portal.example")
    make_grant(lead, Role.LEAD, Scope.COHORT, cohort.code)
    set_up(cohort, cast.admin, cast.admin, lead)
    sweep()
    assert sent() == []
    with clock.frozen(MONDAY):
        for _time in range(3):
            sweep()
            run("reports.send")
        assert sent() == [(cast.admin.sign_in_name, date(2026, 4, 27)), (lead.sign_in_name, date(2026, 4, 27))]
        assert sorted(each["to"] for each in mails("reports.weekly")) == sorted([cast.admin.code, lead.code])
    with clock.frozen(HOLIDAY):
        sweep()
        assert len(sent()) == 2
    with clock.frozen(AFTER_IT):
        sweep()
        run("reports.send")
    assert sent()[2:] == [(cast.admin.sign_in_name, date(2026, 5, 4)), (lead.sign_in_name, date(2026, 5, 4))]
    assert len(mails("reports.weekly")) == 4


def test_two_workers_at_once_send_one_report(app: Flask, cast: Cast, cohort: Cohort) -> None:
    number = set_up(cohort, cast.admin).id
    together = Barrier(2)
    failed: list[BaseException] = []

    def work() -> None:
        try:
            with app.app_context(), clock.frozen(MONDAY):
                together.wait()
                with own_transaction():
                    schedules.owe(lock_schedule(number))
                session.remove()
        except BaseException as failure:
            failed.append(failure)

    session.rollback()
    workers = [Thread(target=work) for _number in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert failed == []
    assert len(sent()) == 1
    assert session.query(Job).filter_by(name="reports.send").count() == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_mail_brings_the_files_in_the_language_of_its_recipient(cast: Cast, cohort: Cohort, language: str) -> None:
    cast.admin.language = language
    session.commit()
    set_up(cohort, cast.admin)
    with clock.frozen(MONDAY):
        sweep()
        run("reports.send")
        built = weekly(**mails("reports.weekly")[0])
        assert built is not None
        message = mail.render(built)
    names = [part.get_filename() for part in message.iter_attachments()]
    assert names == [f"jp-2026-04-2026-04-27-{language}.pdf", f"jp-2026-04-2026-04-27-{language}.xlsx"]
    contents = [part.get_payload(decode=True) for part in message.iter_attachments()]
    assert isinstance(contents[0], bytes)
    assert contents[0].startswith(b"%PDF")
    body = message.get_body(("plain",))
    assert body is not None
    text = body.get_content()
    assert "/cohorts/jp-2026-04/report" in text
    assert "/report-schedules" in text
    assert ("週次レポート" in text) is (language == "ja")
    assert str(message["Subject"]).startswith("週次レポート" if language == "ja" else "Weekly report")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_mail_names_who_is_in_no_number_of_the_report(cast: Cast, cohort: Cohort, language: str) -> None:
    cast.admin.language = language
    session.commit()
    set_up(cohort, cast.admin, with_pdf=False, with_xlsx=False)
    with clock.frozen(MONDAY):
        keep_away(cast.learner)
        sweep()
        run("reports.send")
        built = weekly(**mails("reports.weekly")[0])
        assert built is not None
        for kind in ("plain", "html"):
            body = mail.render(built).get_body((kind,))
            assert body is not None
            said = {
                "en": "1 person is in no number of this report: the dates cannot be computed: ",
                "ja": "日付を計算できない1名は、このレポートの数値に含めていません：",
            }[language]
            assert said + cast.learner.name_in(language) in " ".join(body.get_content().split())


def test_without_files_the_mail_has_a_link_only(cast: Cast, cohort: Cohort) -> None:
    set_up(cohort, cast.admin, with_pdf=False, with_xlsx=False)
    with clock.frozen(MONDAY):
        sweep()
        run("reports.send")
        built = weekly(**mails("reports.weekly")[0])
    assert built is not None
    assert built.attachments == []
    assert built.values["report_href"].endswith("/cohorts/jp-2026-04/report")


def test_the_week_of_a_report_begins_where_the_one_before_it_ended(cast: Cast, cohort: Cohort) -> None:
    set_up(cohort, cast.admin)
    with clock.frozen(MONDAY):
        sweep()
    # Nobody ran a worker for two weeks.
    with clock.frozen(datetime(2026, 5, 18, 1, 0, tzinfo=UTC)):
        sweep()
    weeks = session.execute(select(ReportSending.first_on, ReportSending.last_on).order_by(ReportSending.id)).all()
    assert [tuple(week) for week in weeks] == [
        (date(2026, 4, 20), date(2026, 4, 26)),
        (date(2026, 4, 27), date(2026, 5, 17)),
    ]


# --- Ending ------------------------------------------------------------------------------------


def test_who_may_no_longer_see_the_cohort_gets_nothing_and_the_owner_is_told(cast: Cast, cohort: Cohort) -> None:
    lead = make_person("another.lead@portal.example")
    grant = make_grant(lead, Role.LEAD, Scope.COHORT, cohort.code)
    found = set_up(cohort, cast.admin, cast.admin, lead)
    with own_transaction():
        grant.ended_at = clock.now()
    with clock.frozen(MONDAY):
        sweep()
        assert [name for name, _week in sent()] == [cast.admin.sign_in_name]
        told = schedule_changed(**mails("reports.schedule_changed")[0])
    assert told is not None
    assert told.to_address == cast.admin.sign_in_name
    assert told.values["recipient"] == lead.name_in("en")
    gone = session.query(ReportRecipient).filter_by(schedule_id=found.id, person_id=lead.id).one()
    assert gone.end_reason is RecipientEnd.NOT_ALLOWED


def test_a_mail_that_is_owed_is_not_sent_to_who_may_not_see_the_cohort_when_it_goes_out(
    cast: Cast, cohort: Cohort
) -> None:
    lead = make_person("another.lead@portal.example")
    grant = make_grant(lead, Role.LEAD, Scope.COHORT, cohort.code)
    set_up(cohort, cast.admin, lead)
    with clock.frozen(MONDAY):
        sweep()
        run("reports.send")
        with own_transaction():
            grant.ended_at = clock.now()
        assert weekly(**mails("reports.weekly")[0]) is None


def test_a_schedule_ends_with_its_last_recipient(cast: Cast, cohort: Cohort) -> None:
    lead = make_person("another.lead@portal.example")
    grant = make_grant(lead, Role.LEAD, Scope.COHORT, cohort.code)
    code = set_up(cohort, cast.admin, lead).code
    with own_transaction():
        grant.ended_at = clock.now()
    with clock.frozen(MONDAY):
        sweep()
        sweep()
    found = find_schedule(code)
    assert found is not None
    assert found.end_reason is ScheduleEnd.NOBODY_LEFT
    assert sent() == []


def test_a_schedule_ends_once_everybody_is_through_after_one_report_that_says_so(cast: Cast, cohort: Cohort) -> None:
    code = set_up(cohort, cast.admin).code
    session.execute(update(Enrollment).values(completed_at=datetime(2026, 4, 25, 3, 0, tzinfo=UTC)))
    session.commit()
    with clock.frozen(MONDAY):
        sweep()
    assert len(sent()) == 1
    with clock.frozen(AFTER_IT):
        sweep()
        found = find_schedule(code)
        assert found is not None
        assert found.end_reason is ScheduleEnd.FINISHED
        assert len(sent()) == 1
        told = schedule_changed(**mails("reports.schedule_changed")[0])
    assert told is not None
    assert told.values["why"] == "finished"


def test_the_report_of_a_withdrawn_cohort_is_not_sent(cast: Cast) -> None:
    empty = make_cohort(cast.admin, code="jp-empty")
    code = set_up(empty, cast.admin).code
    with own_transaction():
        withdraw_cohort(cohort=empty, by=cast.admin)
    with clock.frozen(MONDAY):
        sweep()
    found = find_schedule(code)
    assert found is not None
    assert found.end_reason is ScheduleEnd.FINISHED


def test_who_unsubscribes_gets_no_more_and_the_journal_knows(cast: Cast, cohort: Cohort, as_: Any) -> None:
    found = set_up(cohort, cast.admin)
    code = found.code
    client = as_(cast.admin)
    client.post("reports.unsubscribe", code=code)
    with clock.frozen(MONDAY):
        sweep()
    assert sent() == []
    entry = session.scalars(select(JournalEntry).where(JournalEntry.action == "reports.recipient_left")).one()
    assert entry.after is not None
    assert entry.after["why"] == "unsubscribed"
    again = find_schedule(code)
    assert again is not None
    with pytest.raises(NotSent), own_transaction():
        schedules.unsubscribe(schedule=again, person=cast.admin)


def test_an_ended_schedule_sends_nothing(cast: Cast, cohort: Cohort, as_: Any) -> None:
    code = set_up(cohort, cast.admin).code
    as_(cast.admin).post("reports.end_schedule", code=code)
    with clock.frozen(MONDAY):
        sweep()
    assert sent() == []


# --- Pages -------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_list_says_when_the_next_report_comes_and_why(cast: Cast, cohort: Cohort, as_: Any, language: str) -> None:
    set_up(cohort, cast.admin)
    with clock.frozen(MONDAY):
        sweep()
        page = as_(cast.admin, language=language).get("reports.list_schedules")
    assert ("みどりの日" in page.text) if language == "ja" else ("Greenery Day" in page.text)
    assert ("2026/05/07" in page.text) if language == "ja" else ("7 May 2026" in page.text)
    assert cast.admin.name_in(language) in page.text


def test_a_schedule_is_set_up_on_its_page_and_what_is_wrong_stands_beside_its_field(
    cast: Cast, cohort: Cohort, as_: Any
) -> None:
    client = as_(cast.admin)
    client.get("reports.new_schedule", code=cohort.code)
    wanted = {"plan": "first-days", "weekday": "3", "hour": "10", "attached": ["pdf"]}
    refused = client.post("reports.add_schedule", {**wanted, "recipients": []}, expect=400, code=cohort.code)
    assert "Choose at least one person" in refused.text
    kept = refused.one("select", name="weekday")
    assert [each.get("value") for each in kept.iter("option") if each.get("selected") is not None] == ["3"]
    # Nobody is offered who may not see the cohort.
    assert cast.outsider.code not in refused.body
    client.post("reports.add_schedule", {**wanted, "recipients": [cast.admin.code]}, code=cohort.code)
    found = session.query(ReportSchedule).one()
    assert (found.weekday, found.hour, found.with_pdf, found.with_xlsx) == (3, 10, True, False)
    owner = accounts.find_owner(OWNED_KIND, found.code)
    assert owner is not None
    assert owner.owner_id == cast.admin.id


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_same_report_is_not_set_up_twice_and_the_one_that_is_there_can_be_found(
    cast: Cast, cohort: Cohort, as_: Any, language: str
) -> None:
    there = set_up(cohort, cast.admin, plan_slug="first-days")
    client = as_(cast.admin, language=language)
    wanted = {"plan": "first-days", "weekday": "0", "hour": "9", "recipients": [cast.admin.code]}
    refused = client.post("reports.add_schedule", wanted, expect=409, code=cohort.code)
    assert {"en": "is sent at this hour already", "ja": "すでに送信する設定"}[language] in refused.text
    assert f"#schedule-{there.code}" in refused.body
    assert session.query(ReportSchedule).count() == 1
    listed = client.get("reports.list_schedules")
    assert listed.one("tr", id=f"schedule-{there.code}") is not None
    # The list names the plan as well.
    assert {"en": "The first ten days", "ja": "最初の10日間"}[language] in listed.text
    client.post("reports.add_schedule", wanted | {"hour": "10"}, code=cohort.code)
    with own_transaction():
        schedules.end(schedule=there, by=cast.admin)
    client.post("reports.add_schedule", wanted, code=cohort.code)
    assert session.query(ReportSchedule).count() == 3


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_recipient_who_is_not_offered_is_refused_in_the_readers_words(
    cast: Cast, cohort: Cohort, as_: Any, language: str
) -> None:
    wanted = {"plan": "first-days", "weekday": "0", "hour": "9", "recipients": ["nobody"]}
    page = as_(cast.admin, language=language).post("reports.add_schedule", wanted, expect=400, code=cohort.code)
    with force_locale(language):
        assert str(RecipientRefused.message) in page.text
    assert "valid" not in page.text.lower()


def test_only_people_who_may_see_the_cohort_are_recipients(cast: Cast, cohort: Cohort) -> None:
    with pytest.raises(RecipientRefused):
        set_up(cohort, cast.admin, cast.learner)
    with pytest.raises(NobodyChosen), own_transaction():
        schedules.set_up(wanted=schedules.Wanted(cohort, "", 0, 9, True, True, []), by=cast.admin)


def test_a_lead_of_another_team_sees_no_schedule(cast: Cast, cohort: Cohort, as_: Any) -> None:
    code = set_up(cohort, cast.admin).code
    stranger = make_person("stranger.lead@portal.example")
    make_grant(stranger, Role.LEAD, Scope.TEAM, "elsewhere")
    client = as_(stranger, language="en")
    assert "No report is sent each week" in client.get("reports.list_schedules").text
    for endpoint in ("reports.end_schedule", "reports.unsubscribe"):
        client.post(endpoint, expect=404, code=code)


# --- Changing ----------------------------------------------------------------------------------


def wanted(cohort: Cohort, *recipients: Person, **values: Any) -> schedules.Wanted:
    """Return what `set_up` sets up, but for what is given."""
    same = {"plan_slug": "", "weekday": 0, "hour": 9, "with_pdf": True, "with_xlsx": True}
    return schedules.Wanted(cohort=cohort, recipients=recipients, **(same | values))


def form_of(cohort: Cohort, *recipients: Person, **values: Any) -> dict[str, Any]:
    """Return what the page of a change would send for Mondays at nine."""
    return {
        "cohort": cohort.code,
        "plan": "first-days",
        "weekday": "0",
        "hour": "9",
        "language": "",
        "attached": ["pdf", "xlsx"],
        "recipients": [person.code for person in recipients],
        "seen": "0",
    } | values


def test_a_change_stands_in_the_journal_with_what_was_before_and_after(cast: Cast, cohort: Cohort) -> None:
    lead = make_person("another.lead@portal.example")
    make_grant(lead, Role.LEAD, Scope.COHORT, cohort.code)
    found = set_up(cohort, cast.admin)
    other = wanted(cohort, lead, weekday=2, hour=15, with_xlsx=False, language="ja")
    with own_transaction():
        assert schedules.change(schedule=found, wanted=other, seen=0, by=cast.admin)
    entry = session.scalars(select(JournalEntry).where(JournalEntry.action == "reports.schedule_changed")).one()
    assert entry.before == {
        "weekday": 0, "hour": 9, "attached": ["pdf", "xlsx"], "language": "account", "recipients": [cast.admin.code]
    }  # fmt: skip
    assert entry.after == {
        "weekday": 2, "hour": 15, "attached": ["pdf"], "language": "ja", "recipients": [lead.code]
    }  # fmt: skip
    gone = session.query(ReportRecipient).filter_by(schedule_id=found.id, person_id=cast.admin.id).one()
    assert gone.end_reason is RecipientEnd.REMOVED
    with own_transaction():
        assert not schedules.change(schedule=found, wanted=other, seen=1, by=cast.admin)
    assert session.query(JournalEntry).filter_by(action="reports.schedule_changed").count() == 1


def test_a_report_that_is_moved_is_sent_at_its_next_hour_and_no_day_falls_between(cast: Cast, cohort: Cohort) -> None:
    found = set_up(cohort, cast.admin)
    with clock.frozen(MONDAY):
        sweep()
    # On the Tuesday after it, to Mondays at noon: the Monday that is over is not made up for.
    with clock.frozen(datetime(2026, 4, 28, 1, 0, tzinfo=UTC)):
        with own_transaction():
            schedules.change(schedule=found, wanted=wanted(cohort, cast.admin, hour=12), seen=0, by=cast.admin)
        sweep()
        assert len(sent()) == 1
        with own_transaction():
            schedules.change(schedule=found, wanted=wanted(cohort, cast.admin, weekday=3), seen=1, by=cast.admin)
        assert schedules.next_of(found, date(2026, 4, 27)).nominal == date(2026, 4, 30)
    with clock.frozen(datetime(2026, 4, 30, 1, 0, tzinfo=UTC)):
        sweep()
    weeks = session.execute(select(ReportSending.first_on, ReportSending.last_on).order_by(ReportSending.id)).all()
    assert [tuple(week) for week in weeks][1:] == [(date(2026, 4, 27), date(2026, 4, 29))]


def test_who_unsubscribed_and_is_chosen_again_gets_the_report_again(cast: Cast, cohort: Cohort, as_: Any) -> None:
    found = set_up(cohort, cast.admin)
    with own_transaction():
        schedules.unsubscribe(schedule=found, person=cast.admin)
    page = as_(cast.admin, language="en").get("reports.change_schedule", code=found.code)
    assert "(unsubscribed)" in page.text
    with own_transaction():
        schedules.change(schedule=found, wanted=wanted(cohort, cast.admin), seen=0, by=cast.admin)
    with clock.frozen(MONDAY):
        sweep()
    assert len(sent()) == 1


def test_the_files_are_in_the_language_that_was_chosen_and_the_mail_in_that_of_its_recipient(
    cast: Cast, cohort: Cohort
) -> None:
    cast.admin.language = "en"
    session.commit()
    set_up(cohort, cast.admin, language="ja")
    with clock.frozen(MONDAY):
        sweep()
        run("reports.send")
        built = weekly(**mails("reports.weekly")[0])
    assert built is not None
    assert built.language == "en"
    assert [each.filename for each in built.attachments] == [
        "jp-2026-04-2026-04-27-ja.pdf", "jp-2026-04-2026-04-27-ja.xlsx"
    ]  # fmt: skip


def test_files_of_the_cohort_before_the_change_do_not_go_out_with_the_new_one(cast: Cast, cohort: Cohort) -> None:
    other = make_cohort(cast.admin, code="jp-2026-05")
    found = set_up(cohort, cast.admin)
    with clock.frozen(MONDAY):
        sweep()
        run("reports.send")
        with own_transaction():
            schedules.change(schedule=found, wanted=wanted(other, cast.admin), seen=0, by=cast.admin)
        built = weekly(**mails("reports.weekly")[0])
    assert built is not None
    assert built.attachments == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_next_report_is_shown_before_and_after_saving(cast: Cast, cohort: Cohort, as_: Any, language: str) -> None:
    found = set_up(cohort, cast.admin, plan_slug="first-days")
    client = as_(cast.admin, language=language)
    monday, thursday = ("2026/04/27", "2026/04/30") if language == "ja" else ("27 Apr 2026", "30 Apr 2026")
    page = client.get("reports.change_schedule", code=found.code)
    assert monday in page.text
    assert thursday not in page.text
    moved = form_of(cohort, cast.admin, weekday="3")
    shown = client.post("reports.save_schedule", moved | {"preview": "1"}, expect=200, code=found.code)
    assert monday in shown.text
    assert thursday in shown.text
    assert session.query(JournalEntry).filter_by(action="reports.schedule_changed").count() == 0
    client.post("reports.save_schedule", moved, code=found.code)
    session.refresh(found)
    assert found.weekday == 3
    assert thursday in client.get("reports.list_schedules").text


def test_another_cohort_is_shown_with_its_own_plan_and_the_rest_is_kept(cast: Cast, cohort: Cohort, as_: Any) -> None:
    found = set_up(cohort, cast.admin, plan_slug="first-days")
    other = make_cohort(cast.admin, "jp-2026-05")
    make_enrollment(make_person(), make_plan("other-days"), cast.admin, cohort=other)
    sent = form_of(other, cast.admin, weekday="3", hour="15") | {"preview": "1"}
    page = as_(cast.admin, language="en").post("reports.save_schedule", sent, expect=200, code=found.code)
    assert "Not a valid choice" not in page.text
    assert "30 Apr 2026" in page.text
    plans = page.one("select", name="plan")
    assert [each.get("value") for each in plans.iter("option")] == ["other-days"]
    hour = page.one("select", name="hour")
    assert [each.get("value") for each in hour.iter("option") if each.get("selected") is not None] == ["15"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_of_two_who_change_a_report_at_once_the_second_is_told(
    cast: Cast, cohort: Cohort, as_: Any, language: str
) -> None:
    found = set_up(cohort, cast.admin, plan_slug="first-days")
    client = as_(cast.admin, language=language)
    client.post("reports.save_schedule", form_of(cohort, cast.admin, hour="10"), code=found.code)
    page = client.post("reports.save_schedule", form_of(cohort, cast.admin, hour="11"), expect=409, code=found.code)
    with force_locale(language):
        assert str(ScheduleChangedMeanwhile.message) in page.text
    # What she chose is still there.
    kept = page.one("select", name="hour")
    assert [each.get("value") for each in kept.iter("option") if each.get("selected") is not None] == ["11"]
    nobody = client.post("reports.save_schedule", form_of(cohort, seen="1"), expect=400, code=found.code)
    with force_locale(language):
        assert str(NobodyChosen.message) in nobody.text


def test_a_report_can_be_that_of_another_cohort_within_reach_and_of_no_other(
    cast: Cast, cohort: Cohort, as_: Any
) -> None:
    lead = make_person("another.lead@portal.example")
    make_grant(lead, Role.LEAD, Scope.COHORT, cohort.code)
    own, foreign = make_cohort(cast.admin, code="jp-2026-05"), make_cohort(cast.admin, code="jp-2026-06")
    make_grant(lead, Role.LEAD, Scope.COHORT, own.code)
    make_enrollment(cast.outsider, make_plan(slug="other-days"), cast.admin, cohort=own)
    found = set_up(cohort, lead, plan_slug="first-days")
    client = as_(lead, language="en")
    assert foreign.code not in client.get("reports.change_schedule", code=found.code).body
    client.post("reports.save_schedule", form_of(foreign, lead), expect=400, code=found.code)
    with pytest.raises(CohortRefused), own_transaction():
        schedules.change(schedule=found, wanted=wanted(foreign, lead), seen=0, by=lead)
    client.post("reports.save_schedule", form_of(own, lead, plan="other-days"), code=found.code)
    session.refresh(found)
    assert (found.cohort.code, found.plan_slug) == (own.code, "other-days")


def test_only_who_answers_for_a_report_changes_it(cast: Cast, cohort: Cohort, as_: Any) -> None:
    make_grant(cast.lead, Role.LEAD, Scope.COHORT, cohort.code)
    found = set_up(cohort, cast.admin, cast.admin, cast.lead)
    client = as_(cast.lead, language="en")
    client.get("reports.change_schedule", expect=403, code=found.code)
    assert not client.get("reports.list_schedules").all("a", href=f"/report-schedules/{found.code}/change")
    mine = set_up(cohort, cast.lead, cast.lead, hour=10)
    assert client.get("reports.list_schedules").all("a", href=f"/report-schedules/{mine.code}/change")


def test_a_trainer_has_the_report_of_a_cohort_of_her_market_sent_and_reads_none_of_it(
    cast: Cast, cohort: Cohort, as_: Any
) -> None:
    trainer = make_person("trainer@portal.example")
    make_grant(trainer, Role.AUTHOR, Scope.MARKET, cohort.market.code)
    client = as_(trainer, language="en")
    assert str(cohort.name) in client.get("reports.choose_cohort").text
    page = client.get("reports.new_schedule", code=cohort.code)
    assert [each.get("value") for each in page.all("input", name="recipients")] == [
        each.code for each in list_possible_recipients(cohort)
    ]
    assert trainer not in list_possible_recipients(cohort)
    wanted_form = {"plan": "first-days", "weekday": "0", "hour": "9", "recipients": [cast.admin.code]}
    client.post("reports.add_schedule", wanted_form, code=cohort.code)
    found = session.query(ReportSchedule).one()
    assert client.get("reports.list_schedules").all("a", href=f"/report-schedules/{found.code}/change")
    client.get("reports.cohort_report", expect=404, code=cohort.code)
    with pytest.raises(RecipientRefused), own_transaction():
        schedules.change(schedule=found, wanted=wanted(cohort, trainer), seen=0, by=trainer)
    elsewhere = make_person("other.trainer@portal.example")
    make_grant(elsewhere, Role.AUTHOR, Scope.MARKET, "XX")
    as_(elsewhere, language="en").get("reports.new_schedule", expect=404, code=cohort.code)

"""The mails of campaigns: each once, in business hours and the reader's language, and only to whom it concerns."""

from __future__ import annotations

import email
from datetime import UTC, datetime, timedelta
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from portal.accounts.models import Person
from portal.accounts.service import people
from portal.acknowledgements.models import Campaign
from portal.core import clock, jobs
from portal.core.transaction import own_transaction
from portal.library.models import ChangeClass
from tests.acknowledgements.builders import MONDAY, ask, away, confirm, holidays, make_first, request_of
from tests.builders import Cast


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """Return a time of a day of June 2026 in Tokyo."""
    return datetime(2026, 6, day, hour, minute, tzinfo=UTC) - timedelta(hours=9)


@pytest.fixture
def asked(cast: Cast) -> Campaign:
    """Version 2.0, asked on Monday at ten; due on the Monday after."""
    with clock.frozen(MONDAY):
        holidays()
        make_first(cast.author)
        return ask(cast.author)


def send(moment: datetime, task: str = "acknowledgements.mails") -> None:
    with clock.frozen(moment):
        jobs.run_periodic(task)
        jobs.run_due()


def mails(app: Flask, person: Person) -> list[Any]:
    folder = Path(app.config["DATA_DIR"]) / "mail"
    found = [email.message_from_bytes(path.read_bytes(), policy=default) for path in sorted(folder.glob("*.eml"))]
    return [each for each in found if person.sign_in_name in each["To"]]


def test_each_is_told_once_in_her_language_with_date_and_address(app: Flask, cast: Cast, asked: Campaign) -> None:
    for _time in range(2):
        send(MONDAY)
    (japanese,), (english,) = mails(app, cast.learner), mails(app, cast.colleague)
    assert japanese["Subject"] == "【確認のお願い】なりすまし 第2.0版"
    assert english["Subject"] == "To be confirmed: Impersonation 2.0"
    text = english.get_body(("plain",)).get_content()
    assert "by Mon 8 Jun 2026" in text
    assert "https://portal.example/library/impersonation/delta" in text
    assert "2026年6月8日（月）" in japanese.get_body(("plain",)).get_content()


def test_reminders_come_after_one_and_three_working_days_and_a_day_before(
    app: Flask, cast: Cast, asked: Campaign
) -> None:
    sent = []
    for day in range(1, 12):
        for hour in (10, 15):
            send(at(day, hour))
            if len(mails(app, cast.learner)) > len(sent):
                sent.append(day)
    # Monday, Tuesday, Thursday, and Friday: the last working day before it is due on Monday the 8th.
    assert sent == [1, 2, 4, 5]
    assert mails(app, cast.learner)[1]["Subject"] == "【確認がまだです】なりすまし 第2.0版"


def test_who_has_confirmed_left_or_is_away_gets_none(app: Flask, cast: Cast, asked: Campaign) -> None:
    with clock.frozen(MONDAY):
        confirm(cast.learner, asked.version)
        with own_transaction():
            people.deactivate(person=cast.approver, by=cast.admin, knowing=True)
        away(cast.colleague, "2026-06-01", "2026-06-02", cast.lead)
    send(MONDAY)
    assert [mails(app, each) for each in (cast.learner, cast.approver, cast.colleague)] == [[], [], []]
    send(at(3, 9, 30))
    assert len(mails(app, cast.colleague)) == 1


def test_what_was_settled_between_the_owing_and_the_sending_is_not_sent(
    app: Flask, cast: Cast, asked: Campaign
) -> None:
    with clock.frozen(MONDAY):
        jobs.run_periodic("acknowledgements.mails")
        confirm(cast.learner, asked.version)
        jobs.run_due()
    assert mails(app, cast.learner) == []
    assert len(mails(app, cast.colleague)) == 1


def test_mail_waits_for_business_hours_where_she_is(app: Flask, cast: Cast) -> None:
    evening = at(5, 19)
    with clock.frozen(evening):
        holidays()
        make_first(cast.author)
        campaign = ask(cast.author)
    # Friday evening in Tokyo is Friday morning in New York; in Tokyo it waits for Monday.
    assert request_of(campaign, cast.learner).next_mail_at == at(8, 9)
    assert request_of(campaign, cast.outsider).next_mail_at == datetime(2026, 6, 5, 13, tzinfo=UTC)
    for moment in (evening, datetime(2026, 6, 5, 13, tzinfo=UTC), at(6, 12), at(7, 12)):
        send(moment)
    assert mails(app, cast.learner) == []
    send(at(8, 9))
    assert len(mails(app, cast.learner)) == 1
    assert len(mails(app, cast.outsider)) == 1


def test_a_late_worker_still_keeps_to_the_hours(app: Flask, cast: Cast, asked: Campaign) -> None:
    send(at(1, 23))
    assert mails(app, cast.learner) == []
    send(at(2, 9))
    assert len(mails(app, cast.learner)) == 1


def test_an_emergency_does_not_wait_for_a_working_day(app: Flask, cast: Cast) -> None:
    saturday = at(6, 10)
    with clock.frozen(saturday):
        holidays()
        make_first(cast.author)
        ask(cast.author, change_class=ChangeClass.EMERGENCY, effective_at=saturday)
    send(saturday)
    (mail,) = mails(app, cast.colleague)
    assert "Sun 7 Jun 2026 10:00 JST" in mail.get_body(("plain",)).get_content()


def test_a_lead_is_told_once_a_day_who_of_hers_is_overdue(app: Flask, cast: Cast, asked: Campaign) -> None:
    with clock.frozen(MONDAY):
        confirm(cast.learner, asked.version)
    send(at(8, 10), "acknowledgements.escalate")
    assert mails(app, cast.lead) == []
    for moment in (at(9, 8), at(9, 10), at(9, 11), at(10, 10), at(13, 10)):
        send(moment, "acknowledgements.escalate")
    told = mails(app, cast.lead)
    # Tuesday and Wednesday in business hours; on Saturday nobody is told.
    assert len(told) == 2
    text = told[0].get_body(("plain",)).get_content()
    assert cast.colleague.name_in("en") in text
    assert cast.learner.name_in("en") not in text
    assert cast.outsider.name_in("en") not in text


def test_nobody_is_told_of_a_campaign_that_has_ended(app: Flask, cast: Cast, asked: Campaign) -> None:
    with clock.frozen(MONDAY):
        newer = ask(cast.author, "3.0")
    send(MONDAY)
    assert [each["Subject"] for each in mails(app, cast.colleague)] == ["To be confirmed: Impersonation 3.0"]
    assert request_of(newer, cast.colleague).closed_at is None

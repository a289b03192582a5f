"""The mails of campaigns: each once, in business hours and the reader's language, and only to whom it concerns."""

from __future__ import annotations

import email
from datetime import UTC, datetime, timedelta
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from portal.accounts.models import Person, Role, Scope
from portal.accounts.service import ownership, people
from portal.acknowledgements.emails import reminder
from portal.acknowledgements.models import Campaign
from portal.acknowledgements.queries.campaigns import list_to_do
from portal.acknowledgements.service import questions
from portal.acknowledgements.service.exposure import decline
from portal.acknowledgements.service.overdue import still_overdue
from portal.core import clock, jobs
from portal.core.db import session
from portal.core.transaction import own_transaction
from portal.library import queries
from portal.library.models import ChangeClass, DocumentVersion
from portal.library.service import versions
from portal.organisation.rules import EXPOSURE_STATEMENT
from portal.organisation.service import change_settings
from tests.acknowledgements.builders import MONDAY, ask, away, changed, confirm, holidays, make_first, request_of
from tests.beginnings import beginning
from tests.builders import Cast, make_grant, make_person


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """Return a time of a day of June 2026 in Tokyo."""
    return datetime(2026, 6, day, hour, minute, tzinfo=UTC) - timedelta(hours=9)


@pytest.fixture
@beginning
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
    # Monday, Tuesday, and Friday: the last working day before it is due on Monday the 8th. Thursday is left out, for
    # the last reminder comes on the next working day. On Tuesday the 9th it is over.
    assert sent == [1, 2, 5, 9]
    assert [each["Subject"] for each in mails(app, cast.learner)] == [
        "【確認のお願い】なりすまし 第2.0版",
        "【確認がまだです】なりすまし 第2.0版",
        "【最後のお知らせ】なりすまし 第2.0版（期限：2026年6月8日（月））",
        "【期限超過】なりすまし 第2.0版の確認がまだです",
    ]
    told = mails(app, cast.learner)[-1].get_body(("plain",)).get_content()
    assert "2026年6月11日（木）" in told


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


def answers_for_it(person: Person) -> None:
    with own_transaction():
        ownership.set_owner(kind="document", code="impersonation", owner=person, by=person)


def escalate(*moments: datetime) -> None:
    for moment in moments:
        send(moment, "acknowledgements.escalate")


def test_a_lead_is_told_after_three_working_days_and_of_nobody_twice(app: Flask, cast: Cast, asked: Campaign) -> None:
    with clock.frozen(MONDAY):
        confirm(cast.learner, asked.version)
    escalate(at(9, 10), at(10, 10), at(11, 8))
    assert mails(app, cast.lead) == []
    with clock.frozen(at(5, 12)):
        newcomer = make_person(team=cast.learner.team, given_romaji="Newcomer")
        jobs.run_periodic("acknowledgements.keep_up")
    escalate(at(11, 9), at(11, 10), at(12, 10), at(13, 10))
    told = [each for each in mails(app, cast.lead) if "have not confirmed in time" in each["Subject"]]
    assert [each["Subject"] for each in told] == ["3 people have not confirmed in time: Impersonation"]
    text = told[0].get_body(("plain",)).get_content()
    assert cast.colleague.name_in("en") in text
    for other in (cast.learner, cast.outsider, cast.lead, newcomer):
        assert f"- {other.name_in('en')}" not in text
    # Ten working days from Friday the 5th, and three more.
    escalate(at(24, 10), at(25, 10))
    assert [each["Subject"] for each in mails(app, cast.lead)][-1:] == [
        "1 person has not confirmed in time: Impersonation"
    ]
    assert newcomer.name_in("en") in mails(app, cast.lead)[-1].get_body(("plain",)).get_content()
    assert len(mails(app, cast.lead)) == 2


def test_nobody_falls_through_when_there_is_no_lead_to_tell(app: Flask, cast: Cast, asked: Campaign) -> None:
    with clock.frozen(MONDAY):
        answers_for_it(cast.author)
        for person in (cast.learner, cast.colleague, cast.author):
            confirm(person, asked.version)
    escalate(at(11, 10))
    # The lead herself is overdue, and nobody leads the administrator: whoever answers for the document is told.
    (owner,) = mails(app, cast.author)
    text = owner.get_body(("plain",)).get_content()
    assert cast.lead.name_in("ja") in text
    assert cast.admin.name_in("ja") in text
    assert cast.approver.name_in("ja") not in text
    assert [each["Subject"] for each in mails(app, cast.lead)] == ["1 person has not confirmed in time: Impersonation"]


def test_without_an_owner_who_is_there_the_administrators_are_told(app: Flask, cast: Cast, asked: Campaign) -> None:
    with clock.frozen(MONDAY):
        answers_for_it(cast.author)
        away(cast.author, "2026-06-08", "2026-06-30", cast.admin)
        for person in (cast.learner, cast.colleague, cast.approver):
            confirm(person, asked.version)
    escalate(at(11, 10))
    (mail,) = mails(app, cast.admin)
    assert cast.lead.name_in("en") in mail.get_body(("plain",)).get_content()


def test_a_lead_on_leave_is_passed_over(app: Flask, cast: Cast, asked: Campaign) -> None:
    with clock.frozen(MONDAY):
        answers_for_it(cast.author)
        away(cast.lead, "2026-06-10", "2026-06-12", cast.admin)
    escalate(at(11, 10))
    assert mails(app, cast.lead) == []
    assert cast.learner.name_in("ja") in mails(app, cast.author)[0].get_body(("plain",)).get_content()


def test_mentors_are_told_of_whom_they_mentor_in_one_mail(app: Flask, cast: Cast, asked: Campaign) -> None:
    make_grant(cast.colleague, Role.MENTOR, Scope.TEAM, "account-safety")
    make_grant(cast.lead, Role.MENTOR, Scope.TEAM, "account-safety")
    escalate(at(11, 10))
    (mentor,) = mails(app, cast.colleague)
    assert mentor["Subject"] == "4 people mentored have not confirmed in time: Impersonation"
    assert "/campaigns/" not in mentor.get_body(("plain",)).get_content()
    assert len(mails(app, cast.lead)) == 1


def test_an_emergency_is_told_at_once_at_any_hour_and_reminded_of_two_hours_before_the_end(
    app: Flask, cast: Cast
) -> None:
    night = at(6, 2, 30)
    with clock.frozen(night):
        holidays()
        make_first(cast.author)
        ask(cast.author, change_class=ChangeClass.EMERGENCY, effective_at=night)
    sent, before = [], 0
    for moment in (night, night + timedelta(hours=6), night + timedelta(hours=22), night + timedelta(hours=24)):
        for _time in range(2):
            send(moment)
        sent.append([each["Subject"] for each in mails(app, cast.colleague)][before:])
        before += len(sent[-1])
    assert sent == [
        ["Emergency, to be confirmed at once: Impersonation 2.0"],
        [],
        ["Last reminder: Impersonation 2.0 is due on Sun 7 Jun 2026 02:30 JST"],
        ["Overdue: Impersonation 2.0 is not confirmed"],
    ]
    # It is over at night; on Sunday morning the lead is told.
    escalate(night + timedelta(hours=24))
    assert mails(app, cast.lead) == [] or all("people" not in each["Subject"] for each in mails(app, cast.lead))
    with clock.frozen(at(7, 9)):
        jobs.run_due()
    assert mails(app, cast.lead)[-1]["Subject"] == "4 people have not confirmed in time: Impersonation"


def test_nobody_is_told_of_a_campaign_that_has_ended(app: Flask, cast: Cast, asked: Campaign) -> None:
    with clock.frozen(MONDAY):
        newer = ask(cast.author, "3.0")
    send(MONDAY)
    assert [each["Subject"] for each in mails(app, cast.colleague)] == ["To be confirmed: Impersonation 3.0"]
    assert request_of(newer, cast.colleague).closed_at is None


def written_here(cast: Cast) -> DocumentVersion:
    """Return version 3.0, which the author has written in the product."""
    document = queries.get_document("impersonation")
    with own_transaction():
        return versions.publish_version(
            document=document, number="3.0", change_class=ChangeClass.EDITORIAL, effective_at=None, zone="Asia/Tokyo",
            texts=changed("parody"), based_on="2.0", author=cast.author, approver=cast.approver,
        )  # fmt: skip


def words_of(mail: Any) -> str:
    return str(mail.get_body(("plain",)).get_content())


def test_owner_and_authors_get_one_mail_for_a_question_with_the_way_to_its_clause(
    app: Flask, cast: Cast, asked: Campaign
) -> None:
    written_here(cast)
    with own_transaction():
        ownership.set_owner(kind="document", code="impersonation", owner=cast.lead, by=cast.author)
        question = questions.ask_question(
            version=queries.get_document("impersonation").versions[-1],
            anchor="exceptions",
            body="Why?",
            by=cast.learner,
        )
    jobs.run_due()
    for person in (cast.lead, cast.author):
        (mail,) = [each for each in mails(app, person) if "Why?" in words_of(each)]
        body = words_of(mail)
        assert "/library/impersonation/versions/3.0#exceptions" in body
        assert f"/questions/{question.code}" in body
    assert not [each for each in mails(app, cast.colleague) if "Why?" in words_of(each)]
    with own_transaction():
        questions.answer_question(question=session.merge(question), answer="Because.", by=cast.author)
    jobs.run_due()
    (answer,) = [each for each in mails(app, cast.learner) if "Because." in words_of(each)]
    assert "/library/impersonation/versions/3.0#exceptions" in words_of(answer)


def test_who_may_not_answer_and_who_asks_herself_are_not_written_to(cast: Cast, asked: Campaign) -> None:
    version = written_here(cast)
    assert [each.code for each in questions.who_is_told(version)] == [cast.author.code]
    with own_transaction():
        for grant in list(cast.author.grants):
            grant.ended_at = clock.now()
    assert questions.who_is_told(version) == []


@pytest.mark.parametrize("change_class", [ChangeClass.MATERIAL, ChangeClass.EMERGENCY])
def test_nobody_is_reminded_of_what_she_declines_nor_reported_for_it_unless_it_is_an_emergency(
    cast: Cast, change_class: ChangeClass
) -> None:
    is_asked = change_class is ChangeClass.EMERGENCY
    with clock.frozen(MONDAY):
        holidays()
        make_first(cast.author)
        campaign = ask(cast.author, change_class=change_class)
        requests = {person.id: request_of(campaign, person).id for person in (cast.learner, cast.colleague)}
        with own_transaction():
            change_settings(values={EXPOSURE_STATEMENT: "impersonation"}, by=cast.admin)
            decline(version=session.merge(campaign).version, by=session.merge(cast.learner))
        assert bool(list_to_do(cast.learner, "en")) is is_asked
        assert list_to_do(cast.colleague, "en")
        assert (reminder(requests[cast.learner.id]) is not None) is is_asked
        assert reminder(requests[cast.colleague.id]) is not None
    with clock.frozen(MONDAY + timedelta(days=90)):
        overdue = {each.person_id for each in still_overdue(requests.values())}
    # Nobody is reported for the statement, so that silence about one does not say that she declines it.
    assert overdue == ({cast.learner.id, cast.colleague.id} if is_asked else set())

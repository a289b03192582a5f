"""Who is reminded of a certificate that expires: its holder and her lead, 60, 30 and 7 days before, once each."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from portal.accounts.models import Person
from portal.certificates import queries, service
from portal.core import clock
from portal.core.db import session
from portal.core.transaction import own_transaction
from portal.reminders.models import Digest
from portal.reminders.rules import Rhythm, Section
from portal.reminders.service import digests, preferences
from tests.builders import Cast
from tests.certificates.builders import make_credential, renew

# Its last day is Thursday, 15 April 2027.
ISSUED = datetime(2026, 4, 15, 3, tzinfo=UTC)
LAST = date(2027, 4, 15)


def told(person: Person, day: date) -> list[tuple[str, str]]:
    """Owe everybody her digest of a day; return who and what the person's tells of certificates."""
    session.expire_all()
    with clock.frozen(datetime(day.year, day.month, day.day, 1, tzinfo=UTC)):
        with own_transaction():
            digests.owe([person])
        composed = digests.as_written(person, day)
    parts = [part for part in (composed.parts if composed else ()) if part.section is Section.EXPIRES]
    return [(str(item.who), str(item.what)) for part in parts for item in part.items]


def days_told(person: Person, first: date, last: date) -> list[int]:
    """Return on which days before the last one a person is told of a certificate."""
    return [
        (LAST - day).days
        for day in (first + timedelta(days=number) for number in range((last - first).days + 1))
        if told(person, day)
    ]


@pytest.mark.parametrize("who", ["learner", "lead"])
def test_holder_and_lead_are_told_once_for_each_of_the_three_days(cast: Cast, who: str) -> None:
    make_credential()
    renew(cast.learner, ISSUED)
    person = getattr(cast, who)
    # 60 days before is a Sunday: it is told on the Monday after it.
    assert days_told(person, LAST - timedelta(days=63), LAST - timedelta(days=56)) == [59]
    assert days_told(person, LAST - timedelta(days=31), LAST - timedelta(days=27)) == [30]
    assert days_told(person, LAST - timedelta(days=8), LAST + timedelta(days=1)) == [7]


def test_nobody_else_is_told(cast: Cast) -> None:
    make_credential()
    renew(cast.learner, ISSUED)
    day = LAST - timedelta(days=30)
    assert [bool(told(each, day)) for each in (cast.learner, cast.lead, cast.colleague, cast.outsider)] == [
        True, True, False, False,
    ]  # fmt: skip


def test_after_an_absence_only_the_latest_is_told(cast: Cast) -> None:
    make_credential()
    renew(cast.learner, ISSUED)
    assert days_told(cast.learner, LAST - timedelta(days=20), LAST - timedelta(days=16)) == [20]


def test_what_was_renewed_or_revoked_is_told_to_nobody(cast: Cast) -> None:
    make_credential(renewal_window_days=60)
    renew(cast.learner, ISSUED)
    other = renew(cast.colleague, ISSUED)
    renew(cast.learner, datetime(2027, 3, 1, 3, tzinfo=UTC))
    with own_transaction():
        service.revoke(
            certificate=queries.get_certificate(other.number),
            requested_by=cast.admin,
            confirmed_by=cast.approver,
            reason="It was copied from another.",
        )
    day = LAST - timedelta(days=30)
    assert [told(each, day) for each in (cast.learner, cast.colleague, cast.lead)] == [[], [], []]


def test_whoever_is_reminded_weekly_is_told_on_her_first_day_of_the_week(cast: Cast) -> None:
    make_credential()
    renew(cast.learner, ISSUED)
    with own_transaction():
        preferences.change(person=cast.learner, hour=9, rhythm=Rhythm.WEEKLY)
    # Tuesday, 16 March is 30 days before; told on the Monday after it.
    assert days_told(cast.learner, LAST - timedelta(days=30), LAST - timedelta(days=20)) == [24]


def test_the_mail_says_it_in_the_readers_language(cast: Cast) -> None:
    make_credential()
    renew(cast.learner, ISSUED)
    assert told(cast.learner, LAST - timedelta(days=30))
    assert session.query(Digest).filter_by(person_id=cast.learner.id).count() == 1

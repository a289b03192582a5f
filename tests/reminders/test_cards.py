"""Cards in the digest: who answers for a thing is told when its card has to be gone through again, in her language."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from portal.accounts.models import Person
from portal.core import clock
from portal.core.db import session
from portal.core.i18n import Words, force_locale
from portal.core.transaction import own_transaction
from portal.duties.service import cards
from portal.reminders.service import digests
from tests.builders import Cast
from tests.training.builders import load_holidays

# A Wednesday.
WRITTEN = date(2026, 4, 1)
HOLDS = timedelta(days=180)


def at(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 1, tzinfo=UTC)


def told(person: Person, day: date, tag: str = "en") -> list[tuple[str, date]]:
    """Owe somebody her digest of a day; return what it says of cards, and until when."""
    session.expire_all()
    with clock.frozen(at(day)):
        with own_transaction():
            digests.owe([person])
        composed = digests.as_written(person, day)
    with force_locale(tag):
        return [
            (str(item.what), item.due_on)
            for part in (composed.parts if composed else ())
            for item in part.items
            if item.endpoint == "duties.card"
        ]


@pytest.fixture
def card(cast: Cast) -> str:
    """A card of the lead's own."""
    load_holidays()
    with clock.frozen(at(WRITTEN)), own_transaction():
        made = cards.create_card(
            title=Words("Press", "報道"), parts={"steps": {"en": "Call"}}, questions=(), by=cast.lead
        )
    return made.code


def test_a_card_is_told_when_it_has_to_be_checked_and_not_before(cast: Cast, card: str) -> None:
    assert told(cast.lead, WRITTEN + timedelta(days=60)) == []
    day = WRITTEN + HOLDS + timedelta(days=1)
    assert told(cast.lead, day) == [("Check the card “Press”", WRITTEN + HOLDS)]
    assert told(cast.author, day) == []


def test_a_card_is_told_in_the_language_of_who_reads_it(cast: Cast, card: str) -> None:
    ((said, _due),) = told(cast.lead, WRITTEN + HOLDS + timedelta(days=1), "ja")
    assert said == "引継ぎカード「報道」の確認"


def test_what_was_checked_or_has_ended_is_told_no_more(cast: Cast, card: str) -> None:
    day = WRITTEN + HOLDS + timedelta(days=1)
    with clock.frozen(at(day)), own_transaction():
        cards.check_card(subject=cards.get_free(card), seen=1, by=cast.lead)
    assert told(cast.lead, day) == []
    with clock.frozen(at(day)), own_transaction():
        cards.end_card(subject=cards.get_free(card), by=cast.lead)
    assert told(cast.lead, day + HOLDS + timedelta(days=30)) == []

"""Taking a text of a card out for good, because it holds a secret: one asks, another confirms or declines.

As soon as it is asked, a note stands in the place of the text, in every version and in everything that was put together
from it; the text itself stands in the request alone, for whoever asked and for those who can confirm. Confirmed, it is
deleted. Declined or withdrawn, it stands where it stood.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy.exc import IntegrityError

from portal.accounts import queries as accounts
from portal.accounts.models import Person, Role
from portal.core import clock
from portal.core.access import allows
from portal.core.codes import new_code
from portal.core.db import session
from portal.core.events import publish
from portal.core.i18n import LazyText, force_locale, format_date
from portal.core.i18n import gettext as _
from portal.core.i18n import lazy_gettext as _l
from portal.core.mail import send_later
from portal.core.seals import taking_out
from portal.duties.errors import (
    NoSuchCard,
    NothingToTakeOut,
    RemovalByTwo,
    RemovalDecided,
    RemovalWaits,
    TakenOutAlready,
)
from portal.duties.events import CardTextHeld, CardTextSettled
from portal.duties.models import Card, CardRemoval, CardVersion
from portal.duties.permissions import DECIDE_REMOVAL, SEE_CARD, Answered, is_led
from portal.duties.queries import cards as queries
from portal.duties.rules.cards import LANGUAGES, question_out
from portal.duties.service.cards import PART_NAMES, PARTS_IN_ORDER, get_carded, today_of
from portal.duties.service.wording import checked_reason
from portal.journal.service import record

QUESTIONS = "questions"
QUESTIONS_NAME: LazyText = _l("Questions for a successor")


def name_of_part(part: str) -> LazyText:
    """Return what a part of a card is called, or its questions."""
    return next((name for each, name in PART_NAMES.items() if each.value == part), QUESTIONS_NAME)


def parts_to_take_out(version: CardVersion) -> list[str]:
    """Return the parts of a version that say something, and its questions where it has some."""
    found: list[str] = [each.value for each in PARTS_IN_ORDER if each.value in version.parts]
    return [*found, QUESTIONS] if any(not each.get("out") for each in version.questions) else found


def ask(
    *, subject: Answered, number: int, part: str, reason: str, by: Person, is_everywhere: bool = False
) -> CardRemoval:
    """Ask that a part of a version be taken out, with all versions that say the same there, or anything.

    Raises `ReasonMissing`, `TextTooLong`, `NoteLooksSecret`, `NoSuchCard`, `NothingToTakeOut`, `RemovalWaits`,
    `TakenOutAlready`.
    """
    said = checked_reason(reason)
    found = queries.find_card(subject.kind, subject.code)
    if found is None:
        raise NoSuchCard()
    card = queries.lock_card(found.id)
    version = next((each for each in card.versions if each.number == number), None)
    if version is None or part not in parts_to_take_out(version):
        raise NothingToTakeOut()
    before = queries.list_removals(card)
    if any(each.is_open and each.part == part for each in before):
        raise RemovalWaits()
    gone = {one for each in before if each.confirmed_at is not None and each.part == part for one in each.numbers}
    if number in gone:
        raise TakenOutAlready()
    wanted = [
        each
        for each in card.versions
        if part in parts_to_take_out(each)
        and each.number not in gone
        and (is_everywhere or _of(each, part) == _of(version, part))
    ]
    row = CardRemoval(
        code=new_code(),
        card=card,
        part=part,
        numbers=[each.number for each in wanted],
        held={str(each.number): _of(each, part) for each in wanted},
        reason=said,
        asked_at=clock.now(),
        asked_by=by,
    )
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError as taken:
        raise RemovalWaits() from taken
    note = _held_note(row)
    _put(wanted, part, note)
    publish(CardTextHeld(row.id, card.kind, card.thing_code, part, row.numbers, note))
    record(
        "duties.removal_asked", by=by, subject=("card", card.code), after={"part": part, "versions": len(row.numbers)}
    )
    for each in deciders_to_tell(subject, by):
        send_later(
            "duties.removal_asked",
            {"code": row.code, "to": each.code},
            effect_key=f"duties.removal_asked:{row.code}:{each.code}",
        )
    return row


def confirm(*, removal: CardRemoval, by: Person) -> None:
    """Take the text out for good. Raises `RemovalDecided`, and `RemovalByTwo` to whoever asked."""
    card, row = _locked(removal)
    if row.asked_by_id == by.id:
        raise RemovalByTwo()
    row.confirmed_at, row.confirmed_by = clock.now(), by
    note = _gone_note(row, by)
    later = _later(card, row)
    _put([each for each in card.versions if each.number in row.numbers], row.part, note)
    _put(later, row.part, note)
    row.held = None
    session.flush()
    publish(CardTextSettled(row.id, _held_note(row), note))
    record("duties.removal_confirmed", by=by, subject=("card", card.code), after={"part": row.part})


def drop(*, removal: CardRemoval, by: Person) -> None:
    """Let the text stand where it stood: whoever asked withdraws it, another declines it. Raises `RemovalDecided`."""
    card, row = _locked(removal)
    held: Mapping[str, Any] = row.held or {}
    row.dropped_at, row.dropped_by = clock.now(), by
    later = _later(card, row)
    with taking_out():
        for each in card.versions:
            if str(each.number) in held:
                _say(each, row.part, held[str(each.number)])
        for each in later:
            _say(each, row.part, held[str(max(row.numbers))])
        session.flush()
    row.held = None
    session.flush()
    publish(CardTextSettled(row.id, _held_note(row), None))
    how = "withdrawn" if row.asked_by_id == by.id else "declined"
    record(f"duties.removal_{how}", by=by, subject=("card", card.code), after={"part": row.part})


def may_decide(person: Person, removal: CardRemoval, subject: Answered) -> bool:
    """Say whether somebody can confirm or decline a request."""
    return removal.is_open and removal.asked_by_id != person.id and allows(person, DECIDE_REMOVAL, subject)


def held_for(person: Person, removal: CardRemoval, subject: Answered) -> Mapping[str, Any]:
    """Return what is held by the numbers of versions, for whoever asked or can confirm, and reads the card."""
    is_of_two = removal.asked_by_id == person.id or allows(person, DECIDE_REMOVAL, subject)
    return (removal.held or {}) if is_of_two and allows(person, SEE_CARD, subject) else {}


def list_to_decide(person: Person) -> list[tuple[CardRemoval, Answered]]:
    """Return the requests that somebody can confirm or decline, with the things that their cards are about."""
    found = []
    for each in queries.list_open_removals():
        subject = get_carded(each.card.kind, each.card.thing_code)
        if may_decide(person, each, subject):
            found.append((each, subject))
    return found


def deciders_to_tell(subject: Answered, by: Person) -> list[Person]:
    """Return who is told that a request waits: owner, deputy and who leads; administrators where that is nobody."""
    leads = [each for each in accounts.list_holders(Role.LEAD) if is_led(each, subject)]
    named = [each for each in (subject.owner, subject.deputy) if each is not None]
    found = {each.id: each for each in (*named, *leads) if each.id != by.id and allows(each, DECIDE_REMOVAL, subject)}
    return list(found.values()) or [each for each in accounts.list_administrators() if each.id != by.id]


def _locked(removal: CardRemoval) -> tuple[Card, CardRemoval]:
    card = queries.lock_card(removal.card_id)
    row = queries.get_removal(removal.id)
    if not row.is_open:
        raise RemovalDecided()
    return card, row


def _of(version: CardVersion, part: str) -> Any:
    return version.questions if part == QUESTIONS else version.parts[part]


def _later(card: Card, row: CardRemoval) -> list[CardVersion]:
    """Return the versions that were written while the text was held, and hold the note."""
    if row.part == QUESTIONS:
        return []
    note = _held_note(row)
    return [each for each in card.versions if each.number > max(row.numbers) and each.parts.get(row.part) == note]


def _put(versions: Collection[CardVersion], part: str, note: Mapping[str, str]) -> None:
    with taking_out():
        for each in versions:
            if part == QUESTIONS:
                _say(each, part, [question_out(note, len(one["wrong"])) for one in each.questions])
            else:
                _say(each, part, dict(note))
        session.flush()


def _say(version: CardVersion, part: str, said: Any) -> None:
    if part == QUESTIONS:
        version.questions = list(said)
    else:
        version.parts = {**version.parts, part: said}


def _held_note(row: CardRemoval) -> dict[str, str]:
    on = clock.local_date(row.asked_at, row.asked_by.home_market.time_zone)
    found = {}
    for tag in LANGUAGES:
        with force_locale(tag):
            found[tag] = _("Held back since %(date)s: it is asked that this text be taken out.", date=format_date(on))
    return found


def _gone_note(row: CardRemoval, by: Person) -> dict[str, str]:
    found = {}
    for tag in LANGUAGES:
        with force_locale(tag):
            found[tag] = _(
                "Taken out by %(asker)s and %(name)s on %(date)s.",
                asker=row.asked_by.name_in(tag),
                name=by.name_in(tag),
                date=format_date(today_of(by)),
            )
    return found

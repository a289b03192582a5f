"""Telling by mail what has become of a handover: each event once to each whom it concerns, but to who did it."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from portal.accounts.models import Person
from portal.core.mail import send_later
from portal.handover.models import Handover


class Event(StrEnum):
    """What can become of a handover."""

    BEGUN = "begun"
    DAY_MOVED = "day_moved"
    CALLED_OFF = "called_off"
    CLOSED = "closed"
    HANDED_BACK = "handed_back"


def tell(handover: Handover, event: Event, people: Iterable[Person], *, by: Person, number: int = 0) -> None:
    """Owe a mail about the event to each of the people with an active account; `number` tells like events apart."""
    for person in {each.id: each for each in people}.values():
        if person.id != by.id and person.is_active:
            send_later(
                "handover.told",
                {"handover": handover.code, "event": event.value, "to": person.code, "number": number},
                effect_key=f"handover.told:{handover.code}:{event.value}:{number}:{person.code}",
            )

"""Events: a lower domain says what happened, an upper one reacts, in the same transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

Handler = Callable[[Any], None]
_handlers: dict[type, list[Handler]] = defaultdict(list)


def subscribe(event_type: type, handler: Handler) -> None:
    """Call `handler` with every event of this exact type; registering twice changes nothing."""
    if handler not in _handlers[event_type]:
        _handlers[event_type].append(handler)


def publish(event: object) -> None:
    """Hand the event to its handlers at once; what they raise undoes the whole transaction."""
    for handler in tuple(_handlers[type(event)]):
        handler(event)


def listeners(event_type: type) -> tuple[Handler, ...]:
    """Return who listens, in the order of registration."""
    return tuple(_handlers[event_type])

"""Where what fulfils a recurring task by itself is begun and shown: told here by the domain that has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from portal.core.i18n import LazyText
from portal.duties.rules import Fulfilment


@dataclass(frozen=True, slots=True)
class Fulfilling:
    """What fulfils tasks: the page on which it is begun and its words, and the one that shows one of them by `code`."""

    begun_at: str
    begin: LazyText
    shown_at: str
    show: LazyText


_known: dict[Fulfilment, Fulfilling] = {}


def register_fulfilling(kind: Fulfilment, fulfilling: Fulfilling) -> None:
    """Let pages of tasks lead to what fulfils them."""
    _known[kind] = fulfilling


def fulfilling_of(kind: Fulfilment | None) -> Fulfilling | None:
    """Return where what fulfils a task is begun and shown; None where somebody records that it was done."""
    return _known.get(kind) if kind is not None else None


def all_known() -> Mapping[Fulfilment, Fulfilling]:
    """Return what can fulfil tasks."""
    return dict(_known)

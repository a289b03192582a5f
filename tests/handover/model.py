"""What handovers promise, without a database: who answers for what, who may take it over, who may go."""

from __future__ import annotations

from dataclasses import dataclass, field

STAGES = ("shadow", "reverse_shadow", "alone")


class Refused(Exception):
    """The model does not allow this."""


@dataclass
class Item:
    """One item: gone or not, who is to take it over, what everybody has shown, what the present one has said."""

    gone: bool = False
    successor: str | None = None
    shown: dict[str, int] = field(default_factory=dict)
    said: str | None = None


@dataclass
class Handover:
    """An open handover of a person."""

    is_real: bool
    items: dict[str, Item] = field(default_factory=dict)
    last: int = 0


@dataclass
class World:
    """Everything, as it should be."""

    people: tuple[str, ...]
    leads: tuple[str, ...]
    owner: dict[str, str] = field(default_factory=dict)
    live: dict[str, bool] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    open: dict[str, Handover] = field(default_factory=dict)
    accepted: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    # Who owns something live and has no account: each of these was accepted by two.
    orphaned: set[str] = field(default_factory=set)

    def is_active(self, person: str) -> bool:
        return person not in self.gone

    def owned(self, person: str) -> set[str]:
        """Return what of a person's is live."""
        return {code for code, owner in self.owner.items() if owner == person and self.live[code]}

    # --- Things ----------------------------------------------------------------------------------

    def set_owner(self, code: str, to: str) -> None:
        if not self.is_active(to):
            raise Refused
        present = self.owner.get(code)
        if present == to:
            return
        handover = self.open.get(present) if present is not None else None
        if handover is not None and handover.is_real and self.live[code]:
            raise Refused
        self.move(code, to)

    def move(self, code: str, to: str) -> None:
        self.owner[code] = to
        self.orphaned.discard(code)
        for (person, thing), _by in list(self.accepted.items()):
            if thing == code and person != to:
                del self.accepted[person, thing]

    # --- Handovers -------------------------------------------------------------------------------

    def start(self, person: str, *, is_real: bool) -> None:
        if not self.is_active(person):
            raise Refused
        present = self.open.get(person)
        if present is not None and (present.is_real or not is_real):
            raise Refused
        self.open[person] = Handover(is_real)
        self.synchronise(person)

    def synchronise(self, person: str) -> None:
        handover, owned = self.open[person], self.owned(person)
        for code, item in handover.items.items():
            if not item.gone and code not in owned:
                item.gone = True
            elif item.gone and code in owned:
                item.gone, item.successor, item.said = False, None, None
        for code in owned - handover.items.keys():
            handover.items[code] = Item()

    def _item(self, person: str, code: str) -> Item:
        if person not in self.open:
            raise Refused
        item = self.open[person].items.get(code)
        if item is None and code in self.owned(person):
            item = Item()
        if item is None or code not in self.owned(person):
            raise Refused
        return item if not item.gone else Item(shown=item.shown)

    def assign(self, person: str, code: str, to: str | None) -> None:
        if person not in self.open or (to is not None and (not self.is_active(to) or to == person)):
            raise Refused
        self._item(person, code)
        self.synchronise(person)
        item = self.open[person].items[code]
        if item.successor != to or item.said == "refused":
            item.successor, item.said = to, None

    def show(self, person: str, code: str, by: str, stage: str) -> None:
        item = self._item(person, code)
        self._check_hers(item, by)
        if STAGES[item.shown.get(by, 0) : item.shown.get(by, 0) + 1] != (stage,):
            raise Refused
        self.synchronise(person)
        item.shown[by] = item.shown.get(by, 0) + 1

    def take_back(self, person: str, code: str, by: str) -> None:
        item = self._item(person, code)
        if item.successor != by or not item.shown.get(by) or item.said == "accepted":
            raise Refused
        self.synchronise(person)
        item.shown[by] -= 1

    def decide(self, person: str, code: str, by: str, said: str) -> None:
        item = self._item(person, code)
        self._check_hers(item, by)
        if said == "accepted" and (item.said is not None or item.shown.get(by, 0) < len(STAGES)):
            raise Refused
        self.synchronise(person)
        item.said = said

    def _check_hers(self, item: Item, by: str) -> None:
        if item.successor != by or not self.is_active(by) or item.said == "refused":
            raise Refused

    def call_off(self, person: str) -> None:
        if self.open.pop(person, None) is None:
            raise Refused

    def close(self, person: str) -> None:
        if person not in self.open:
            raise Refused
        handover = self.open[person]
        left = [code for code in self.owned(person) if self.state(person, code) != "accepted"]
        if left and handover.is_real:
            raise Refused
        to = {code: handover.items[code].successor for code in self.owned(person)} if handover.is_real else {}
        del self.open[person]
        for code, successor in to.items():
            assert successor is not None
            self.move(code, successor)

    def state(self, person: str, code: str) -> str:
        """Return where an item stands, as of now."""
        item = self.open[person].items.get(code, Item())
        if code not in self.owned(person):
            return "gone"
        if item.gone or item.successor is None:
            return "unassigned"
        if not self.is_active(item.successor):
            return "successor_gone"
        if item.said == "refused":
            return "refused"
        shown = item.shown.get(item.successor, 0)
        if shown == len(STAGES):
            return "accepted" if item.said == "accepted" else "to_decide"
        return ("card_missing", "shadowed", "reverse_shadowed")[shown]

    # --- People ----------------------------------------------------------------------------------

    def accept_orphan(self, person: str, code: str, by: str) -> None:
        if by == person or code not in self.owned(person) or by in self.accepted.get((person, code), set()):
            raise Refused
        self.accepted.setdefault((person, code), set()).add(by)

    def deactivate(self, person: str) -> None:
        if not self.is_active(person):
            raise Refused
        if any(len(self.accepted.get((person, code), ())) < 2 for code in self.owned(person)):
            raise Refused
        self.gone.add(person)
        self.orphaned |= self.owned(person)

    def reactivate(self, person: str) -> None:
        if self.is_active(person):
            raise Refused
        self.gone.discard(person)
        self.orphaned -= {code for code, owner in self.owner.items() if owner == person}
        for owner, code in list(self.accepted):
            if owner == person:
                del self.accepted[owner, code]

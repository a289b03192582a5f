"""The items of a handover as a list that is narrowed and paged, and what of it is chosen on all its pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from flask import request, url_for

from portal.accounts.models import Person
from portal.core.access import allows
from portal.core.folding import fold
from portal.core.i18n import gettext as _
from portal.core.i18n import language
from portal.core.paging import Paging, paging
from portal.handover.models import Handover
from portal.handover.permissions import SEE_REASON
from portal.handover.rules import ItemState
from portal.handover.service.inventory import Thing
from portal.handover.service.names import STATE_NAMES
from portal.handover.service.standing import Item, Standing

PAGE = 25
# Up to so many are looked through without a filter.
_SEEN_AT_ONCE = 12
# What is longer is no title that somebody looks for.
_QUERY_LIMIT = 200
# What is kept of a form that was carried out holds no longer address.
_LONGEST_ADDRESS = 500
_FILTERS = ("state", "kind", "by")
# Groups of states, besides each one by itself.
_LEFT, LEAD = "left", "lead"
_NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class ItemList:
    """Those of a handover's items that fit what the address asks for."""

    handover: Handover
    every: Sequence[Item]
    fitting: Sequence[Item]
    asked: Mapping[str, Any]
    paging: Paging

    @property
    def shown(self) -> Sequence[Item]:
        """Those of this page."""
        return self.fitting[self.paging.offset : self.paging.offset + self.paging.size]

    @property
    def things(self) -> list[Thing]:
        """What of all its pages can be given a successor."""
        return [each.thing for each in self.fitting if each.state is not ItemState.GONE]

    @property
    def mark(self) -> str:
        """Tell these things from others: who chooses all of them means those that she saw."""
        return sha256("\n".join(sorted(f"{kind}:{code}" for kind, code in self.things)).encode()).hexdigest()[:16]

    def href(self, number: int) -> str:
        """Return where a page of the list is, as it is narrowed now."""
        return url_for("handover.handover", code=self.handover.code, _anchor="items", **self.asked, **_page(number))

    def assign_href(self) -> str:
        """Return where its form goes, so that it comes back to this page."""
        return url_for("handover.assign", code=self.handover.code, **self.asked, **_page(self.paging.number))


def back_to_list(handover: Handover) -> str:
    """Return where the list is whose form was sent, narrowed as the form's address says."""
    asked: dict[str, Any] = {
        name: request.args[name] for name in (*_FILTERS, "q", "page", "lang") if request.args.get(name)
    }
    found = url_for("handover.handover", code=handover.code, _anchor="items", **asked)
    return found if len(found) <= _LONGEST_ADDRESS else url_for("handover.handover", code=handover.code)


def items_seen(standing: Standing, viewer: Person) -> Sequence[Item]:
    """Return the items that somebody may see: a successor those that she takes over, or was to, and no others."""
    if allows(viewer, SEE_REASON, standing.handover):
        return standing.items
    return [
        each
        for each in standing.items
        if each.course is not None and any(row.successor_id == viewer.id for row in each.course.assignments)
    ]


def list_of(handover: Handover, items: Sequence[Item]) -> ItemList:
    """Return what the address asks for of the items that the reader may see."""
    known = {name: {value for value, _label in options} for name, options in _options(items).items()}
    asked = {name: request.args.get(name, "") for name in _FILTERS}
    asked = {name: value for name, value in asked.items() if value in known[name]}
    text = request.args.get("q", "").strip()[:_QUERY_LIMIT]
    if text:
        asked["q"] = text
    fitting = [each for each in items if _fits(each, asked)]
    return ItemList(handover, items, fitting, asked, paging(len(fitting), PAGE))


def shown_of(found: ItemList) -> dict[str, Any]:
    """Return the filters of a list, its pages, and how all of it is chosen."""
    options, labels = _options(found.every), {"state": _("State"), "kind": _("Kind"), "by": _("Successor")}
    return {
        "is_long": len(found.every) > _SEEN_AT_ONCE or bool(found.asked),
        "kept": _language(),
        "text": found.asked.get("q", ""),
        "is_narrowed": bool(found.asked),
        "is_folded": not any(found.asked.get(name) for name in labels),
        "filters": [
            {"name": name, "label": label, "options": options[name], "value": found.asked.get(name, "")}
            for name, label in labels.items()
        ],
        "pager": found.paging.links(found.href) if found.paging.last > 1 else None,
        "all_href": url_for("handover.handover", code=found.handover.code, _anchor="items", **_language()),
        "assign_href": found.assign_href(),
        "fitting": len(found.fitting),
        "choosable": len(found.things),
        "mark": found.mark,
    }


def _page(number: int) -> dict[str, Any]:
    """Return what an address says besides the filters; that the page is read in another language stays."""
    return ({"page": number} if number > 1 else {}) | _language()


def _language() -> dict[str, Any]:
    return {name: value for name, value in request.args.items() if name == "lang"}


def _options(items: Sequence[Item]) -> dict[str, list[tuple[str, str]]]:
    """Return what there is to choose from in these items."""
    states = {each.state for each in items}
    kinds = {each.thing[0]: str(each.kind_name) for each in items}
    takers = {each.taker.code: each.taker.name_in(language()) for each in items if each.taker is not None}
    groups = [
        (_LEFT, _("Not accepted yet"), any(each.is_left for each in items)),
        (LEAD, _("Waits for the lead"), any(each.is_with_lead for each in items)),
    ]
    return {
        "state": [
            *((value, str(label)) for value, label, there_is in groups if there_is),
            *((state.value, str(STATE_NAMES[state])) for state in ItemState if state in states),
        ],
        "kind": sorted(kinds.items(), key=lambda each: each[1]),
        "by": [
            *([(_NOBODY, _("Nobody"))] if any(each.taker is None for each in items) else []),
            *sorted(takers.items(), key=lambda each: each[1]),
        ],
    }


def _fits(item: Item, asked: Mapping[str, str]) -> bool:
    state = asked.get("state", item.state.value)
    groups = {_LEFT: item.is_left, LEAD: item.is_with_lead}
    return (
        groups.get(state, state == item.state.value)
        and asked.get("kind", item.thing[0]) == item.thing[0]
        and asked.get("by", _taker(item)) == _taker(item)
        and fold(asked.get("q", "")) in fold(item.title)
    )


def _taker(item: Item) -> str:
    return item.taker.code if item.taker is not None else _NOBODY

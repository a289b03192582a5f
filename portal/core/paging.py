"""Long lists in pages: which page was asked for, and how the reader gets to the others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import request

from portal.core.i18n import gettext as _


@dataclass(frozen=True, slots=True)
class Paging:
    """A page of a list: its number from 1 on, the last one's, and how many rows there are in all."""

    number: int
    last: int
    size: int
    total: int

    @property
    def offset(self) -> int:
        """How many rows come before this page."""
        return (self.number - 1) * self.size

    @property
    def summary(self) -> str:
        """Which rows these are, in words."""
        end = min(self.offset + self.size, self.total)
        return _("%(first)s–%(last)s of %(total)s", first=self.offset + 1, last=end, total=self.total)

    def links(self, address: Callable[[int], str]) -> dict[str, Any]:
        """Return what the component `pager` takes; `address` is where a page is."""
        pages: list[dict[str, Any]] = []
        for each in range(1, self.last + 1):
            if each in (1, self.last) or abs(each - self.number) <= 2:
                pages.append({"label": str(each), "href": address(each), "current": each == self.number})
            elif pages[-1]["label"] != "…":
                pages.append({"label": "…"})
        return {
            "summary": self.summary,
            "previous": address(self.number - 1) if self.number > 1 else None,
            "next": address(self.number + 1) if self.number < self.last else None,
            "pages": pages if self.last > 1 else [],
        }


def page_number(name: str = "page") -> int:
    """Return which page the address asks for (`page=`, or by another name); 1 for what is no number of a page."""
    asked = request.args.get(name, "1")
    return int(asked) if asked.isascii() and asked.isdigit() and 0 < len(asked) < 7 else 1


def paging(total: int, size: int, name: str = "page") -> Paging:
    """Return the page that the address asks for, by this name, the last one where it asks for a later one."""
    last = max(1, -(-total // size))
    return Paging(min(max(1, page_number(name)), last), last, size, total)

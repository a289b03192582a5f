"""The journal as pages: who did what and when, with the state before and after."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from flask import Blueprint, render_template, request, url_for

from portal.core import clock
from portal.core.access import actor, requires
from portal.core.i18n import gettext as _
from portal.core.i18n import half_width_digits
from portal.journal import queries, reading
from portal.journal.permissions import READ_JOURNAL
from portal.journal.service import vocabulary

blueprint = Blueprint("journal", __name__, template_folder="templates")
PAGE_SIZE = 50


@blueprint.get("/journal")
@requires(READ_JOURNAL)
def list_entries() -> Any:
    """List entries, the newest first, narrowed by who, what, about what and when."""
    zone = actor().time_zone
    asked = {
        name: "".join(each for each in request.args.get(name, "")[:200] if each.isprintable()).strip()
        for name in ("by", "action", "kind", "about", "from", "until")
    }
    since, until = _day(asked["from"]), _day(asked["until"])
    problems = [
        (f"filter-{name}", _("“%(text)s” is no date; write it like 2026-05-11.", text=asked[name]))
        for name, day in (("from", since), ("until", until))
        if asked[name] and day is None
    ]
    below = _number(request.args.get("before", ""))
    entries = queries.list_entries(
        before=below,
        actor=asked["by"],
        actors=_codes_meant(reading.PERSON, asked["by"]),
        action=asked["action"],
        subject_kind=asked["kind"],
        subject_code=asked["about"],
        subjects=_subjects_meant(asked["kind"], asked["about"]),
        since=_midnight(since, zone),
        until=_midnight(until + timedelta(days=1) if until else None, zone),
        limit=PAGE_SIZE + 1,
    )
    more, entries = len(entries) > PAGE_SIZE, entries[:PAGE_SIZE]
    kept: dict[str, Any] = {name: value for name, value in asked.items() if value}
    return render_template(
        "journal/journal.html",
        entries=reading.read(entries, zone),
        asked=asked,
        problems=problems,
        anything=bool(kept),
        zone=zone,
        actions=sorted(vocabulary().actions.items(), key=lambda each: str(each[1])),
        kinds=_kinds(),
        newest=url_for("journal.list_entries", **kept) if below else None,
        older=url_for("journal.list_entries", **kept, before=entries[-1].id) if more else None,
        summary=_("entries %(first)s to %(last)s", first=entries[0].id, last=entries[-1].id) if entries else "",
    )


def _kinds() -> list[tuple[str, Any]]:
    named = vocabulary().kinds
    kinds = [(kind, named[kind].name if kind in named else kind) for kind in queries.list_subject_kinds()]
    return sorted(kinds, key=lambda each: str(each[1]))


def _codes_meant(kind: str, text: str) -> list[str]:
    """Return the codes of the things of a kind that a text may mean."""
    known = vocabulary().kinds.get(kind)
    return list(known.search(text)) if text and known is not None and known.search is not None else []


def _subjects_meant(kind: str, text: str) -> list[tuple[str, str]]:
    kinds = [kind] if kind else list(vocabulary().kinds)
    return [(each, code) for each in kinds for code in _codes_meant(each, text)]


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(half_width_digits(text).replace("/", "-"))
    except ValueError:
        return None


def _midnight(day: date | None, zone: str) -> datetime | None:
    return datetime.combine(day, time(), clock.zone_info(zone)) if day else None


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None

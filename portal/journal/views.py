"""The journal as pages: who did what and when, with the state before and after."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from flask import Blueprint, make_response, render_template, request, url_for

from portal.core import clock, tables
from portal.core.access import actor, requires
from portal.core.i18n import gettext as _
from portal.core.i18n import half_width_digits
from portal.journal import queries, reading
from portal.journal.models import JournalEntry
from portal.journal.permissions import READ_JOURNAL
from portal.journal.service import vocabulary

blueprint = Blueprint("journal", __name__, template_folder="templates")
PAGE_SIZE = 50
# One file; the names in it are looked up batch by batch.
MOST_EXPORTED, BATCH = 10_000, 500


@dataclass(frozen=True, slots=True)
class Asked:
    """The filters of an address: as typed, what the query makes of them, and what could not be understood."""

    typed: dict[str, str]
    query: dict[str, Any]
    # (id of the field, what to do) for days, and the names of choices that are none of ours.
    problems: list[tuple[str, str]]
    not_understood: list[str]

    @property
    def kept(self) -> dict[str, Any]:
        """What goes into the addresses of the other pages."""
        return {name: value for name, value in self.typed.items() if value}


@blueprint.get("/journal")
@requires(READ_JOURNAL)
def list_entries() -> Any:
    """List entries, the newest first, narrowed by who, what, about what and when."""
    return _page(_asked())


@blueprint.get("/journal/export.csv")
@requires(READ_JOURNAL)
def export_csv() -> Any:
    """Send the entries, as filtered, as CSV; too many at once are refused."""
    asked, zone = _asked(), actor().time_zone
    entries = queries.list_entries(**asked.query, limit=MOST_EXPORTED + 1)
    if len(entries) > MOST_EXPORTED:
        most = f"{MOST_EXPORTED:,}"
        problem = _("More than %(most)s entries match. Choose fewer days and export again.", most=most)
        asked.problems.append(("filter-from", problem))
    if asked.problems or asked.not_understood:
        return make_response(_page(asked), 400)
    header = [
        _("Entry"), _("When (UTC)"), _("Who"), _("Person code"), _("What was done"), _("Action code"), _("Kind"),
        _("About"), _("Code"), _("Reason"), _("Before"), _("After"), _("Hash"),
    ]  # fmt: skip
    return tables.download_csv(_("journal"), header, _lines(entries, zone))


def _lines(entries: Sequence[JournalEntry], zone: str) -> Iterator[list[object]]:
    for start in range(0, len(entries), BATCH):
        batch = entries[start : start + BATCH]
        for entry, words in zip(batch, reading.read(batch, zone), strict=True):
            yield [
                entry.id, entry.at, words.actor.title, entry.actor_code, words.action, entry.action, words.kind,
                words.about.title if words.about else "", entry.subject_code, entry.reason or "",
                _as_json(entry.before), _as_json(entry.after), entry.hash,
            ]  # fmt: skip


def _as_json(value: Any) -> str:
    return "" if value is None else json.dumps(value, ensure_ascii=False, sort_keys=True)


def _asked() -> Asked:
    zone = actor().time_zone
    typed = {
        name: "".join(each for each in request.args.get(name, "")[:200] if each.isprintable()).strip()
        for name in ("by", "action", "kind", "about", "from", "until")
    }
    since, until = _day(typed["from"]), _day(typed["until"])
    problems = [
        (f"filter-{name}", _("“%(text)s” is not a date; enter one like 2026-05-11.", text=typed[name]))
        for name, day in (("from", since), ("until", until))
        if typed[name] and day is None
    ]
    not_understood = []
    if typed["action"] and not any(name.startswith(typed["action"]) for name in vocabulary().actions):
        not_understood.append(_("What was done"))
        typed["action"] = ""
    if typed["kind"] and typed["kind"] not in {*vocabulary().kinds, *queries.list_subject_kinds()}:
        not_understood.append(_("Kind"))
        typed["kind"] = ""
    query = {
        "actor": typed["by"],
        "actors": _codes_meant(reading.PERSON, typed["by"]),
        "action": typed["action"],
        "subject_kind": typed["kind"],
        "subject_code": typed["about"],
        "subjects": _subjects_meant(typed["kind"], typed["about"]),
        "since": _midnight(since, zone),
        "until": _midnight(until + timedelta(days=1) if until else None, zone),
    }
    return Asked(typed, query, problems, not_understood)


def _page(asked: Asked) -> str:
    zone, kept = actor().time_zone, asked.kept
    below = _number(request.args.get("before", ""))
    entries = queries.list_entries(before=below, **asked.query, limit=PAGE_SIZE + 1)
    more, entries = len(entries) > PAGE_SIZE, entries[:PAGE_SIZE]
    return render_template(
        "journal/journal.html",
        entries=reading.read(entries, zone),
        asked=asked.typed,
        problems=asked.problems,
        not_understood=asked.not_understood,
        anything=bool(kept),
        asked_more=any(value for name, value in kept.items() if name != "by") or bool(asked.problems),
        export=url_for("journal.export_csv", **kept),
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
        day = date.fromisoformat(half_width_digits(text).replace("/", "-"))
    except ValueError:
        return None
    return day if clock.is_usable_day(day) else None


def _midnight(day: date | None, zone: str) -> datetime | None:
    return datetime.combine(day, time(), clock.zone_info(zone)) if day else None


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None

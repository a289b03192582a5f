"""Entries as their readers see them: verbs, labels and names in the reader's language instead of codes."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from portal.core.i18n import LazyText, format_date, format_instant, language, pgettext
from portal.core.i18n import gettext as _
from portal.journal.models import JournalEntry
from portal.journal.rules import ABSENT, Change, as_text, changes_between
from portal.journal.service import Fact, Thing, vocabulary

SYSTEM = "system"
PERSON = "person"
# A text longer than this is shown in full with the raw data only.
LONGEST = 160
# A list longer than this is counted instead of read out.
MOST = 12

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_PERIOD = re.compile(r"(\d{4}-\d{2}-\d{2})/(\d{4}-\d{2}-\d{2})")
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?[+-]\d{2}:\d{2}")


@dataclass(frozen=True, slots=True)
class ReadFact:
    """One line of the table of an entry; None where a fact was or is not there."""

    label: LazyText
    is_named: bool
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class ReadEntry:
    """An entry in words."""

    id: int
    at: datetime
    actor: Thing
    action: LazyText
    is_named: bool
    kind: LazyText
    about: Thing | None
    version: str | None
    facts: list[ReadFact]
    # Whether any fact has a state before: only then are there two columns.
    has_before: bool
    reason: str
    raw: str


def read(entries: Sequence[JournalEntry], zone: str) -> list[ReadEntry]:
    """Read the entries in the language in force; the statements do not grow with the entries."""
    told = [(entry, changes_between(entry.before, entry.after)) for entry in entries]
    names = _find_names(told)
    return [_read(entry, changes, names, zone) for entry, changes in told]


Names = Mapping[str, Mapping[str, Thing]]


def _find_names(told: Iterable[tuple[JournalEntry, list[Change]]]) -> Names:
    wanted: dict[str, set[str]] = defaultdict(set)
    for entry, changes in told:
        if entry.actor_code != SYSTEM:
            wanted[PERSON].add(entry.actor_code)
        wanted[entry.subject_kind].add(entry.subject_code)
        for change in changes:
            fact = _fact_of(entry, change.name)
            kind = _kind_of(fact, entry)
            if fact is not None and kind is not None:
                for value in (change.before, change.after):
                    wanted[kind].update(_codes_in(value, fact, entry))
    kinds = vocabulary().kinds
    return {
        kind: kinds[kind].find(sorted(codes - {""})) if codes - {""} else {}
        for kind, codes in wanted.items()
        if kind in kinds
    }


def _fact_of(entry: JournalEntry, name: str) -> Fact | None:
    facts = vocabulary().facts
    return facts.get(f"{entry.action}:{name}") or facts.get(name)


def _kind_of(fact: Fact | None, entry: JournalEntry) -> str | None:
    """Return the kind of thing that the fact's value is a code of."""
    refers_to = fact.refers_to if fact else None
    return refers_to({**(entry.before or {}), **(entry.after or {})}) if callable(refers_to) else refers_to


def _codes_in(value: Any, fact: Fact, entry: JournalEntry) -> list[str]:
    codes = []
    for each in value if isinstance(value, list) else [value]:
        # A pair is a code and the name that was noted with it.
        code = each[0] if isinstance(each, list) and each else each
        if isinstance(code, str) and code:
            codes.append(code)
    return [f"{entry.subject_code}/{code}" for code in codes] if fact.within else codes


def _read(entry: JournalEntry, changes: list[Change], names: Names, zone: str) -> ReadEntry:
    words = vocabulary()
    action, kind = words.actions.get(entry.action), words.kinds.get(entry.subject_kind)
    facts: list[ReadFact] = []
    version = None
    for change in changes:
        fact = _fact_of(entry, change.name)
        if fact is not None and fact.technical:
            continue
        if change.name == "version" and change.before is ABSENT:
            # Which version of the thing it is about belongs to its name.
            version = str(change.after)
            continue
        if _is_said_already(change, entry, fact):
            continue
        facts.append(
            ReadFact(
                label=fact.label if fact else change.name,
                is_named=fact is not None,
                before=_value(change.before, fact, entry, names, zone),
                after=_value(change.after, fact, entry, names, zone),
            )
        )
    return ReadEntry(
        id=entry.id,
        at=entry.at,
        actor=_actor(entry, names),
        action=action or entry.action,
        is_named=action is not None,
        kind=kind.name if kind else entry.subject_kind,
        about=names.get(entry.subject_kind, {}).get(entry.subject_code)
        or (Thing(entry.subject_code) if entry.subject_code else None),
        version=version,
        facts=facts,
        has_before=any(fact.before is not None for fact in facts),
        reason=entry.reason or "",
        raw=_raw(entry),
    )


def _is_said_already(change: Change, entry: JournalEntry, fact: Fact | None) -> bool:
    """Say whether a line would only say that there is nothing, or repeat what stands above it."""
    if change.before is ABSENT and change.after in (None, "", []):
        return True
    return _kind_of(fact, entry) == entry.subject_kind and change.after == entry.subject_code


def _actor(entry: JournalEntry, names: Names) -> Thing:
    if entry.actor_code == SYSTEM:
        return Thing(_("The system"))
    # Who is not there any more keeps the name that was noted.
    return names.get(PERSON, {}).get(entry.actor_code) or Thing(entry.actor_name)


def _value(value: Any, fact: Fact | None, entry: JournalEntry, names: Names, zone: str) -> str | None:
    if value is ABSENT:
        return None
    kind = _kind_of(fact, entry)
    if fact is not None and kind is not None and isinstance(value, (str, list)) and value:
        found = names.get(kind, {})
        values = value if isinstance(value, list) else [value]
        return _list(
            [
                found[code].title if code in found else str(each)
                for each, code in zip(values, _codes_in(values, fact, entry), strict=False)
            ]
        )
    if fact is not None and fact.words is not None:
        values = value if isinstance(value, list) else [value]
        if all(isinstance(each, str) and each in fact.words for each in values):
            return _list([str(fact.words[each]) for each in values])
    return _plain(value, zone)


def _plain(value: Any, zone: str) -> str:
    if value is True or value is False:
        return str(_("Yes") if value else _("No"))
    if isinstance(value, dict) and set(value) == {"en", "ja"}:
        # Both languages were changed together; the reader's stands first.
        first, second = (value["ja"], value["en"]) if language() == "ja" else (value["en"], value["ja"])
        return _shortened(" / ".join(dict.fromkeys(each for each in (first, second) if each)) or "–")
    if isinstance(value, list):
        return _list([_plain(each, zone) if isinstance(each, str) else as_text(each) for each in value])
    if isinstance(value, str):
        return _shortened(_dated(value, zone) or as_text(value))
    return _shortened(as_text(value))


def _dated(text: str, zone: str) -> str | None:
    try:
        if _DATE.fullmatch(text):
            return format_date(date.fromisoformat(text), "short")
        if period := _PERIOD.fullmatch(text):
            first, last = (format_date(date.fromisoformat(each), "short") for each in period.groups())
            return first if first == last else str(_("%(first)s to %(last)s", first=first, last=last))
        if _INSTANT.fullmatch(text):
            return format_instant(datetime.fromisoformat(text), zone)
    except ValueError:
        pass
    return None


def _list(texts: list[str]) -> str:
    separator: str = pgettext("list", ", ")
    more = len(texts) - MOST
    if more > 0:
        return separator.join([*texts[:MOST], str(_("and %(count)s more", count=more))])
    return _shortened(separator.join(texts) or "–", LONGEST * 3)


def _shortened(text: str, most: int = LONGEST) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _raw(entry: JournalEntry) -> str:
    """Return what is stored, as the chain's hashes cover it."""
    return json.dumps(
        {
            "id": entry.id,
            "at": entry.at.isoformat(),
            "actor": [entry.actor_code, entry.actor_name],
            "action": entry.action,
            "subject": [entry.subject_kind, entry.subject_code],
            "before": entry.before,
            "after": entry.after,
            "reason": entry.reason,
            "previous": entry.previous_hash,
            "hash": entry.hash,
        },
        ensure_ascii=False,
        indent=1,
    )

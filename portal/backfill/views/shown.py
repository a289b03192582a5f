"""What pages show of the matrix."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any

from flask import url_for

from portal.accounts.models import Person
from portal.backfill.queries.matrix import Matrix, MatrixRow, Place, Policy
from portal.backfill.rules import ABLE, NOTHING, Missing, Part, Source, SourceKind, Standing
from portal.backfill.service.telling import (
    ACCOUNTABLE_LETTER,
    KINDS,
    LETTERS,
    LEVELS,
    PARTS,
    bound_words,
    level_words,
    reason_words,
    source_words,
    steps_words,
)
from portal.certificates.permissions import SEE_CERTIFICATE, SEE_CREDENTIALS
from portal.certificates.queries import get_certificate
from portal.core.access import can
from portal.core.i18n import format_date, language, lazy_pgettext, pgettext
from portal.core.i18n import gettext as _
from portal.duties.permissions import SEE_TASK
from portal.duties.rules import Criticality
from portal.handover.permissions import SEE_ITEM
from portal.handover.queries.handovers import get_item
from portal.library import queries as library
from portal.library.permissions import READ_DOCUMENT
from portal.library.rules.overlays import base_slug
from portal.quizzes.permissions import SUPERVISE_ATTEMPT, TAKE_ATTEMPT
from portal.quizzes.queries import get_attempt
from portal.training.permissions import SEE_ENROLLMENT, SEE_PLANS
from portal.training.queries import get_enrollment

CRITICALITIES = {
    Criticality.LOW: lazy_pgettext("criticality", "Low"),
    Criticality.NORMAL: lazy_pgettext("criticality", "Normal"),
    Criticality.HIGH: lazy_pgettext("criticality", "High"),
    Criticality.CRITICAL: lazy_pgettext("criticality", "Critical"),
}
# Clauses that are named one by one; the rest is counted.
CLAUSES_NAMED = 6


def name_of(person: Person) -> str:
    """Return a person's name in the reader's language."""
    return person.name_in(language())


def names_of(people: Sequence[Person]) -> str:
    """Return several names as a sentence has them."""
    return joined([name_of(each) for each in people])


def joined(names: Sequence[str]) -> str:
    """Return names one after the other, the last one with “and”."""
    if len(names) < 2:
        return "".join(names)
    return _("%(names)s and %(last)s", names=pgettext("names", ", ").join(names[:-1]), last=names[-1])


def place_name(place: Place) -> str:
    """Return what the matrix of a place is called."""
    return f"{place.market.name} · {place.team.name}" if place.team else str(place.market.name)


def place_values(place: Place) -> dict[str, Any]:
    """Return what the address of a place's matrix names."""
    return {"scope": "team" if place.team else "market", "code": place.code}


def cell_href(person: Person, row: MatrixRow, place: Place) -> str:
    """Return where one person's level in a row is told."""
    market = None if place.team else place.market.code
    return url_for(
        "backfill.cell", code=person.code, kind=row.row.kind.value, thing=row.row.code, market=market or None
    )


def thing_href(row: MatrixRow) -> str | None:
    """Return the page of what a row is about, where the reader may open it."""
    if row.task is not None:
        return url_for("duties.task", code=row.row.code) if can(SEE_TASK, row.task) else None
    if row.policy is not None:
        document = row.policy.document
        return url_for("library.read", slug=document.slug) if can(READ_DOCUMENT, document) else None
    return url_for("certificates.credential", slug=row.row.code) if can(SEE_CREDENTIALS) else None


def part_of(row: MatrixRow, person: Person) -> str:
    """Return the letters of a person's parts in a row: A is the owner's."""
    letters = [ACCOUNTABLE_LETTER] if row.owner is not None and row.owner.id == person.id else []
    part = row.parts.get(person.id)
    return "/".join([*letters, LETTERS[part]] if part in LETTERS else letters)


def part_words(row: MatrixRow, person: Person) -> str:
    """Return a person's parts in a row in words."""
    words = [_("Accountable")] if row.owner is not None and row.owner.id == person.id else []
    part = row.parts.get(person.id, Part.NONE)
    if part is not Part.NONE or not words:
        words.append(str(PARTS[part]))
    return pgettext("names", ", ").join(words)


def owner_name(row: MatrixRow) -> str:
    """Return who is accountable for a row, if anybody is."""
    return name_of(row.owner) if row.owner is not None and row.owner.is_active else ""


def standing_of(row: MatrixRow, person: Person) -> Standing:
    """Return how far a person is with a row."""
    return row.row.standings.get(person.id, NOTHING)


def cell_row(matrix: Matrix, row: MatrixRow, person: Person) -> dict[str, Any]:
    """Return one person's level in a row with everything that it rests on."""
    standing = standing_of(row, person)
    level = standing.level_on(matrix.today)
    ends = standing.able_until(matrix.today, date.max)
    return {
        "title": row.title,
        "kind": str(KINDS[row.row.kind]),
        "criticality": str(CRITICALITIES[row.criticality]),
        "is_critical": row.row.is_critical,
        "level": int(level),
        "level_name": str(LEVELS[level]),
        "level_words": level_words(level),
        "is_able": level >= ABLE,
        "until": format_date(ends, "short") if ends else "",
        "reasons": [
            {"words": reason_words(each, standing, matrix.today), "said": each.said} for each in standing.reasons
        ],
        "bounds": bound_words(standing, matrix.today),
        "part": part_words(row, person),
        "owner": owner_name(row),
        "href": cell_href(person, row, matrix.place),
        "thing_href": thing_href(row),
    }


# Of several records behind one reason.
SOURCES_SHOWN = 5


def told_reasons(matrix: Matrix, row: MatrixRow, person: Person) -> list[dict[str, Any]]:
    """Return what a level rests on, each with the records behind it and where the reader may open them."""
    standing = standing_of(row, person)
    return [
        {
            "words": reason_words(each, standing, matrix.today, is_named=False),
            "said": each.said,
            "sources": [
                {"name": source_words(source), "href": _source_href(source, row)}
                for source in each.sources[:SOURCES_SHOWN]
            ],
            "more": max(len(each.sources) - SOURCES_SHOWN, 0),
        }
        for each in standing.reasons
    ]


def _source_href(source: Source, row: MatrixRow) -> str | None:
    key = source.key[0]
    match source.kind:
        case SourceKind.RUN:
            is_open = row.task is not None and can(SEE_TASK, row.task)
            return url_for("duties.task", code=key, _anchor=f"run-{source.key[1]}") if is_open else None
        case SourceKind.HANDOVER_ITEM:
            return url_for("handover.item", item=key) if can(SEE_ITEM, get_item(key)) else None
        case SourceKind.VERSION:
            is_open = row.policy is not None and can(READ_DOCUMENT, row.policy.document)
            return url_for("library.read_version", slug=key, number=source.key[1]) if is_open else None
        case SourceKind.CERTIFICATE:
            return url_for("certificates.show", number=key) if can(SEE_CERTIFICATE, get_certificate(key)) else None
        case SourceKind.ATTEMPT:
            attempt = get_attempt(key)
            if can(TAKE_ATTEMPT, attempt):
                return url_for("quizzes.result", code=key)
            return url_for("quizzes.supervision", code=key) if can(SUPERVISE_ATTEMPT, attempt) else None
        case SourceKind.SIGN_OFF:
            is_open = can(SEE_ENROLLMENT, get_enrollment(key))
            return url_for("training.path", code=key, _anchor=f"step-{source.key[1]}") if is_open else None


def steps_of(matrix: Matrix, row: MatrixRow) -> list[dict[str, Any]]:
    """Return the steps of plans whose sign-off is about the policy of a row."""
    if row.policy is None:
        return []
    return [
        {
            "step": str(each.step),
            "plan": str(each.plan),
            "href": url_for("training.plan", slug=each.plan_slug) if can(SEE_PLANS) else None,
        }
        for each in matrix.steps.get(base_slug(row.policy.document.slug), ())
    ]


def clauses_of(policy: Policy | None, anchors: Sequence[str]) -> list[dict[str, str]]:
    """Return the headings of clauses with their addresses."""
    if policy is None or not anchors:
        return []
    names = names_of_clauses({(policy.version.id, each) for each in anchors})
    return [clause_link(policy, each, names) for each in anchors]


def names_of_clauses(wanted: Collection[tuple[int, str]]) -> dict[tuple[int, str], str]:
    """Return version's row and clause id → its heading; what stands before the first one is called by its document."""
    names = library.list_clause_headings(wanted, language()) if wanted else {}
    plain = {version for version, anchor in wanted if not names.get((version, anchor))}
    titles = library.list_titles(plain, language()) if plain else {}
    return {
        (version, anchor): names.get((version, anchor))
        or _("The beginning of “%(title)s”", title=titles.get(version, anchor))
        for version, anchor in wanted
    }


def clause_link(policy: Policy, anchor: str, names: Mapping[tuple[int, str], str]) -> dict[str, str]:
    """Return one clause with its name and address."""
    return {
        "label": names[policy.version.id, anchor],
        "href": url_for(
            "library.read_version", slug=policy.document.slug, number=policy.version.number, _anchor=anchor
        ),
    }


def missing_row(
    missing: Missing, row: MatrixRow, person: Person, place: Place, names: Mapping[tuple[int, str], str]
) -> dict[str, Any]:
    """Return what somebody lacks to stand in."""
    policy = row.policy
    named = missing.clauses[:CLAUSES_NAMED] if policy is not None else ()
    return {
        "name": name_of(person),
        "href": cell_href(person, row, place),
        "steps": steps_words(missing),
        "clauses": [clause_link(policy, each, names) for each in named] if policy is not None else [],
        "more": len(missing.clauses) - len(named),
    }


def to_read(rows: Sequence[tuple[MatrixRow, Missing | None]]) -> list[dict[str, Any]]:
    """Return for each row which clauses somebody still has to read, the first of them by name, and how many more."""
    wanted = {
        (row.policy.version.id, anchor)
        for row, missing in rows
        if row.policy is not None and missing is not None
        for anchor in missing.clauses[:CLAUSES_NAMED]
    }
    names = names_of_clauses(wanted)
    return [
        {
            "clauses": [clause_link(row.policy, each, names) for each in missing.clauses[:CLAUSES_NAMED]],
            "more": max(len(missing.clauses) - CLAUSES_NAMED, 0),
        }
        if row.policy is not None and missing is not None
        else {"clauses": [], "more": 0}
        for row, missing in rows
    ]


def day_words(days: Sequence[date], all_days: Sequence[date]) -> str:
    """Return days in words: one, a few, or all of them."""
    if len(days) == len(all_days) and len(days) > 1:
        return _("every day of the window")
    if len(days) <= 3:
        return pgettext("names", ", ").join(format_date(each) for each in days)
    return _("%(first)s and %(num)s further days", first=format_date(days[0]), num=len(days) - 1)

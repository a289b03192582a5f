"""What must always be true of parts and of levels that were stated."""

from __future__ import annotations

from collections.abc import Iterable

from portal.accounts.service import ownership
from portal.backfill.queries.stated import list_every_part, list_every_statement
from portal.backfill.rules import RowKind


def levels_rest_on_what_was_seen() -> list[str]:
    """Return a sentence for each stated level without words, of oneself, or seen after it was stated."""
    breaches = []
    for row in list_every_statement():
        said = f"level {row.level} stated of person {row.person_id} in {row.kind} {row.thing_code}"
        if not row.words.strip():
            breaches.append(f"{said} does not say what was seen")
        if row.stated_by_id == row.person_id:
            breaches.append(f"{said} was stated by herself")
        # A day more, for zones differ.
        if (row.seen_on - row.stated_at.date()).days > 1:
            breaches.append(f"{said} was seen on {row.seen_on}, after it was stated")
    return breaches


def rows_of_the_matrix_exist() -> list[str]:
    """Return a sentence for each thing of which somebody has a part or a level and that no kind knows."""
    named: dict[str, set[str]] = {}
    rows: Iterable[tuple[str, str]] = [
        *((each.kind, each.thing_code) for each in list_every_part()),
        *((each.kind, each.thing_code) for each in list_every_statement()),
    ]
    for kind, code in rows:
        named.setdefault(kind, set()).add(code)
    kinds, breaches = ownership.kinds(), []
    for kind, codes in sorted(named.items()):
        if kind not in set(RowKind) or kind not in kinds:
            breaches.append(f"the matrix has rows of the kind {kind}, which nobody knows")
            continue
        known = kinds[kind].find_things(codes)
        breaches += [f"the matrix: there is no {kind} {code}" for code in sorted(codes) if code not in known]
    return breaches


INVARIANTS = {
    "stated levels rest on what was seen": levels_rest_on_what_was_seen,
    "rows of the matrix exist": rows_of_the_matrix_exist,
}

"""The ids of a draft's clauses: proposed where a heading has none, and put back where one was lost."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence

from portal.core.markdown import ClauseSource, TextRefused, propose_anchor, split_clauses
from portal.library.rules.overlays import Mode
from portal.library.service.texts import RESERVED

_ATX = re.compile(r"^ {0,3}#{1,6}(?:[ \t]|$)")
_UNDERLINE = re.compile(r"^ {0,3}(?:=+|-+)[ \t]*$")
_CLOSING = re.compile(r"[ \t]+#+[ \t]*$")


def with_ids(source: str, *, before: str = "", counterpart: str = "", besides_line: int | None = None) -> str:
    """Return the text with an id at each of its headings; what has one already keeps it.

    A heading whose braces were lost gets those of the clause that it was in `before`, the text as it was saved
    last: the one with the same words below it, or else with the same heading. A new one takes the id that the
    text in the other language, `counterpart`, has at the same place, where both have as many headings of its level
    that the other lacks, or it is the next one of a text that is being written from its beginning; or a proposal made
    of its words. The heading on `besides_line`, where somebody is still writing, is left alone. A text beyond the
    limits comes back as it is.
    """
    now, was, other = _clauses(source), _clauses(before), _clauses(counterpart)
    bare = [clause for clause in now if clause.level and not clause.anchor and "{#" not in clause.heading]
    if not bare:
        return source
    given = _put_back(bare, now, was)
    present = {clause.anchor for clause in now if clause.anchor} | set(_ids(given.values()))
    known = {clause.anchor for clause in (*was, *other)}
    lines = source.split("\n")
    previous = ""
    for place, clause in enumerate(now, start=1):
        if clause in bare:
            braces = given.get(clause.line)
            # Where somebody is writing, an id that was there is put back; a new one waits for the whole heading.
            if braces is None and clause.line != besides_line:
                anchor = ""
                if _is_comparable(clause, place, now, other, given):
                    anchor = _same_place(clause, previous, other, present | {each.anchor for each in was})
                anchor = anchor or _proposal(clause, place, present | known | RESERVED)
                present.add(anchor)
                braces = f"{{#{anchor}}}"
            if braces is not None:
                _append(lines, clause.line - 1, braces)
                previous = _ids([braces])[0]
        else:
            previous = clause.anchor
    return "\n".join(lines)


def _clauses(source: str) -> Sequence[ClauseSource]:
    try:
        return split_clauses(source) if source.strip() else ()
    except TextRefused:
        return ()


def _put_back(bare: Sequence[ClauseSource], now: Sequence[ClauseSource], was: Sequence[ClauseSource]) -> dict[int, str]:
    """Return line → braces for the headings that have lost theirs."""
    present = {clause.anchor for clause in now}
    lost = [clause for clause in was if clause.level and clause.anchor and clause.anchor not in present]
    found: dict[int, str] = {}
    for same in (_same_words, _same_heading):
        for clause in bare:
            if clause.line in found:
                continue
            match = next((each for each in lost if same(clause, each)), None)
            if match is not None:
                lost.remove(match)
                found[clause.line] = braces_of(match)
    return found


def _same_words(clause: ClauseSource, other: ClauseSource) -> bool:
    return bool(clause.body) and clause.body == other.body


def _same_heading(clause: ClauseSource, other: ClauseSource) -> bool:
    return bool(clause.heading) and clause.heading == other.heading


def braces_of(clause: ClauseSource) -> str:
    """Return the braces that a clause carries behind its heading: the id and the labels."""
    labels = "".join(f" {name}={value}" for name, value in clause.attributes.items())
    return f"{{#{clause.anchor}{labels}}}"


def write_braces(source: str, clause: ClauseSource, attributes: Mapping[str, str]) -> str:
    """Return the text with these labels behind the id of a heading, in the place of those that stand there."""
    lines, index = source.split("\n"), clause.line - 1
    while index < len(lines):
        bare = re.sub(rf"[ \t]*\{{#{re.escape(clause.anchor)}(?:[ \t][^{{}}]*)?\}}", "", lines[index])
        if bare != lines[index]:
            lines[index] = bare
            break
        index += 1
    labels = "".join(f" {name}={value}" for name, value in attributes.items())
    _append(lines, clause.line - 1, f"{{#{clause.anchor}{labels}}}")
    return "\n".join(lines)


def as_added(source: str, *, written: str, base: Collection[str]) -> str:
    """Return the text of a market in which headings that got their ids just now are said to be added by the market.

    `written` is the text before they got them, `base` the ids of its base; a heading that has one of these replaces.
    """
    bare = {clause.line for clause in _clauses(written) if clause.level and not clause.anchor}
    for clause in _clauses(source) if bare else ():
        if clause.line in bare and clause.anchor and clause.anchor not in base and "overlay" not in clause.attributes:
            source = write_braces(source, clause, {"overlay": Mode.ADDED.value, **clause.attributes})
    return source


def _ids(braces: Iterable[str]) -> list[str]:
    return [each[2:-1].split()[0] for each in braces]


def _is_comparable(
    clause: ClauseSource,
    place: int,
    now: Sequence[ClauseSource],
    other: Sequence[ClauseSource],
    given: Mapping[int, str],
) -> bool:
    """Say whether a heading's place tells which clause of the other language it is; one more would shift the rest."""
    known = {each.anchor for each in now if each.anchor} | set(_ids(given.values()))
    open_here = sum(each.level == clause.level and not each.anchor and each.line not in given for each in now)
    if open_here == sum(each.level == clause.level and each.anchor not in known for each in other):
        return True
    written = [each.anchor for each in now[: place - 1] if each.level]
    begun = [each.anchor for each in other if each.level][: len(written)]
    return place == len(now) and written == begun


def _same_place(clause: ClauseSource, previous: str, other: Sequence[ClauseSource], used: Collection[str]) -> str:
    """Return the id of the other language's clause that follows the same one at the same level, or nothing."""
    places = [each.anchor for each in other]
    following = places.index(previous) + 1 if previous in places else 0 if not previous else len(places)
    for each in other[following : following + 2]:
        if each.level == 0:
            continue
        return each.anchor if each.level == clause.level and each.anchor not in used else ""
    return ""


def _proposal(clause: ClauseSource, place: int, taken: Collection[str]) -> str:
    # Of a heading without Latin letters the place is what can be said.
    words = clause.heading if propose_anchor(clause.heading) != "clause" else str(place)
    return propose_anchor(words, taken)


def _append(lines: list[str], index: int, braces: str) -> None:
    """Write the braces behind the heading that begins on a line, counted from 0."""
    if not _ATX.match(lines[index]):
        # A heading by its underline may have several lines of words.
        while index + 2 < len(lines) and not _UNDERLINE.match(lines[index + 1]):
            index += 1
    line = lines[index].rstrip()
    closing = _CLOSING.search(line) if _ATX.match(line) else None
    if closing is not None and closing.start() > 0:
        lines[index] = f"{line[: closing.start()]} {braces}{closing.group()}"
    else:
        lines[index] = f"{line} {braces}"

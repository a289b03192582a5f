"""Pure decisions about a paper: what a blueprint takes, what is drawn under a seed, in which order it is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from operator import attrgetter

# A question with this tag is open for practice, where its key is shown: no draw takes it that does not ask for it.
PRACTICE_TAG = "practice"


class Strata(StrEnum):
    """By what a draw is divided into strata, of which each gives equally many questions."""

    DIFFICULTY = "difficulty"
    CLAUSE = "clause"
    TAG = "tag"


@dataclass(frozen=True, slots=True)
class Draw:
    """One line of a blueprint: `count` questions of a bank that pass every filter given, or named questions.

    An empty filter lets everything pass; tags and clauses pass with any one of them. With strata only what is in one
    of them passes: those that the filter of the same kind names, or all that there are.
    """

    bank: str = ""
    count: int = 0
    types: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    clauses: tuple[str, ...] = ()
    difficulty: tuple[int, ...] = ()
    # "bank/question" each; then bank, filters and strata are empty.
    questions: tuple[str, ...] = ()
    strata: Strata | None = None
    # The section of the quiz to which the questions belong; empty where it has none.
    section: str = ""

    def takes(self, candidate: Candidate) -> bool:
        """Say whether this line may draw the candidate: it passes the filters, and is not there for practice.

        What can be practised, with its key, is drawn only where the line names it or asks for its tag.
        """
        return test_of(self)(candidate)

    def fits(self, candidate: Candidate) -> bool:
        """Say whether the candidate passes this line's filters."""
        return _filters_of(self)(candidate)

    def strata_of(self, candidate: Candidate) -> tuple[str, ...]:
        """Return the strata of this line to which a candidate belongs; a question may test two clauses."""
        match self.strata:
            case Strata.DIFFICULTY:
                return (str(candidate.difficulty),) if candidate.difficulty is not None else ()
            case Strata.TAG:
                return tuple(sorted(candidate.tags & set(self.tags) if self.tags else candidate.tags))
            case Strata.CLAUSE:
                if self.clauses:
                    return tuple(name for name in self.clauses if name in candidate.clauses)
                return tuple(sorted(name for name in candidate.clauses if "#" in name))
            case None:
                return ()

    def is_in_strata(self, candidate: Candidate) -> bool:
        """Say whether a candidate that passes the filters belongs to a stratum of this line."""
        match self.strata:
            case Strata.DIFFICULTY:
                return candidate.difficulty is not None
            case Strata.TAG:
                return bool(candidate.tags)
            case _:
                return bool(candidate.clauses)

    def named_strata(self) -> tuple[str, ...]:
        """Return the strata that the line's filter names, in its order; none where it takes all that there are."""
        match self.strata:
            case Strata.DIFFICULTY:
                return tuple(map(str, self.difficulty))
            case Strata.TAG:
                return self.tags
            case Strata.CLAUSE:
                return self.clauses
            case None:
                return ()

    @property
    def size(self) -> int:
        """How many questions this line asks for."""
        return len(self.questions) or self.count


@dataclass(frozen=True, slots=True)
class Candidate:
    """A question that may be drawn; clauses both as `slug#id` and, for the bank's own document, as bare ids."""

    address: str
    bank: str
    type: str
    tags: frozenset[str] = field(default_factory=frozenset)
    clauses: frozenset[str] = field(default_factory=frozenset)
    difficulty: int | None = None


@dataclass(frozen=True, slots=True)
class Placed:
    """A question at its place on a paper: in which section, and whether its points count."""

    address: str
    section: str = ""
    is_scored: bool = True


def lot(seed: str, *purpose: object) -> bytes:
    """Return the lot of a thing under a seed: the same for ever, on every machine and Python."""
    return sha256("\x1f".join((seed, *map(str, purpose))).encode()).digest()


def _lots(seed: str, *purpose: object) -> Callable[[str], bytes]:
    """Return `lot` for many things of one purpose, its beginning computed once."""
    begun = sha256("\x1f".join((seed, *map(str, purpose), "")).encode())

    def lot_of(thing: str) -> bytes:
        made = begun.copy()
        made.update(thing.encode())
        return made.digest()

    return lot_of


def test_of(line: Draw) -> Callable[[Candidate], bool]:
    """Return what a line may draw, made ready for many candidates."""
    fits = _filters_of(line)
    if line.questions or PRACTICE_TAG in line.tags:
        return fits
    return lambda candidate: PRACTICE_TAG not in candidate.tags and fits(candidate)


def _filters_of(line: Draw) -> Callable[[Candidate], bool]:
    if line.questions:
        named = frozenset(line.questions)
        return lambda candidate: candidate.address in named
    bank, types, difficulty = line.bank, frozenset(line.types), frozenset(line.difficulty)
    tags, clauses = frozenset(line.tags), frozenset(line.clauses)

    def passes(candidate: Candidate) -> bool:
        return (
            candidate.bank == bank
            and (not types or candidate.type in types)
            and (not difficulty or candidate.difficulty in difficulty)
            and (not tags or not tags.isdisjoint(candidate.tags))
            and (not clauses or not clauses.isdisjoint(candidate.clauses))
            and (line.strata is None or line.is_in_strata(candidate))
        )

    return passes


def _fitting(line: Draw, bank: Sequence[Candidate]) -> Sequence[Candidate]:
    """Return what a line may draw of its bank: what `test_of` lets pass, filter by filter, as large banks need it."""
    found = bank
    if line.difficulty:
        levels = frozenset(line.difficulty)
        found = [each for each in found if each.difficulty in levels]
    if line.types:
        types = frozenset(line.types)
        found = [each for each in found if each.type in types]
    if line.tags:
        is_apart = frozenset(line.tags).isdisjoint
        found = [each for each in found if not is_apart(each.tags)]
    if line.clauses:
        is_apart = frozenset(line.clauses).isdisjoint
        found = [each for each in found if not is_apart(each.clauses)]
    if line.strata is not None:
        found = [each for each in found if line.is_in_strata(each)]
    return found if PRACTICE_TAG in line.tags else [each for each in found if PRACTICE_TAG not in each.tags]


# --- strata ------------------------------------------------------------------------------------


def strata_in(line: Draw, pool: Iterable[Candidate]) -> dict[str, list[Candidate]]:
    """Return stratum → the candidates in it that pass the line, those that the line names first even if empty."""
    return _strata_of_fitting(line, filter(test_of(line), pool))


def _strata_of_fitting(line: Draw, fitting: Iterable[Candidate]) -> dict[str, list[Candidate]]:
    found: dict[str, list[Candidate]] = {name: [] for name in line.named_strata()}
    rest: dict[str, list[Candidate]] = {}
    # Many candidates of a large bank test the same clauses: what belongs to which stratum is told once for all of them.
    told: dict[object, tuple[str, ...]] = {}
    for candidate in fitting:
        by = _told_by(line, candidate)
        if by not in told:
            told[by] = line.strata_of(candidate)
        for name in told[by]:
            (found if name in found else rest).setdefault(name, []).append(candidate)
    return found | dict(sorted(rest.items()))


def _told_by(line: Draw, candidate: Candidate) -> object:
    """Return what `strata_of` looks at of a candidate."""
    match line.strata:
        case Strata.DIFFICULTY:
            return candidate.difficulty
        case Strata.TAG:
            return candidate.tags
        case _:
            return candidate.clauses


def shares(count: int, there: Mapping[str, int], order: Callable[[str, int], object]) -> dict[str, int]:
    """Divide a count among strata as equally as what is there allows; return stratum → its share.

    Round by round each stratum that has one left gives one: of a stratum that is short all come, and the others make
    up for it. `order(stratum, round)` says who comes first in a round, which matters in the last one only.
    """
    given = dict.fromkeys(there, 0)
    left = min(count, sum(there.values()))
    turn = 0
    while left:
        able = sorted((name for name in there if there[name] > turn), key=lambda name: order(name, turn))  # type: ignore[arg-type,return-value]
        for name in able[:left]:
            given[name] += 1
        left -= len(able[:left])
        turn += 1
    return given


# --- drawing -----------------------------------------------------------------------------------


class _Matching:
    """Which question is given to which slot; a slot once served stays served, and so does a question once taken."""

    def __init__(self) -> None:
        self.given: dict[int, str] = {}
        self._taken_by: dict[str, int] = {}

    def place(self, slot: int, edges: Callable[[int], Iterable[str]]) -> bool:
        """Serve the slot along a shortest augmenting path, others changing theirs where they must; say if it could be.

        A matching from which no path leads on is a maximum one (Berge 1957).
        """
        reached_from: dict[str, int] = {}
        waiting = [slot]
        for current in waiting:
            for address in edges(current):
                if address in reached_from:
                    continue
                reached_from[address] = current
                holder = self._taken_by.get(address)
                if holder is None:
                    self._turn(slot, address, reached_from)
                    return True
                waiting.append(holder)
        return False

    def _turn(self, slot: int, address: str, reached_from: Mapping[str, int]) -> None:
        """Give each slot along a path the question by which the path leaves it."""
        while True:
            current = reached_from[address]
            before = self.given.get(current)
            self.given[current], self._taken_by[address] = address, current
            if current == slot:
                return
            assert before is not None
            address = before


@dataclass(frozen=True, slots=True)
class _Slot:
    """One question that a paper needs: of its stratum, else of the whole line; what was not asked last time first.

    Of each, what is worn stands behind the rest; `rested` and `old_rested` say how many come before it.
    """

    fresh: tuple[str, ...]
    old: tuple[str, ...]
    wide_fresh: tuple[str, ...]
    wide_old: tuple[str, ...]
    rested: int
    old_rested: int

    @property
    def fresh_rested(self) -> tuple[str, ...]:
        """What was not asked last time and is not worn."""
        return self.fresh[: self.rested]


def draw(
    blueprint: Sequence[Draw],
    pool: Iterable[Candidate],
    *,
    seed: str,
    avoid: frozenset[str] = frozenset(),
    worn: frozenset[str] = frozenset(),
) -> list[str] | None:
    """Draw questions by the blueprint; return their addresses line by line, or None if the pool cannot give them.

    No question comes twice, and if any choice of questions satisfies all lines, one is found: a line never takes what
    only another could use. Where that is possible the strata of a line give equally many; then, questions of `avoid`
    (those of the attempt before) come only where the rest does not suffice, and as few as possible. Named questions
    always come. What is taken also leaves, where it can, another whole paper for the next attempt: as long as the
    pool holds two papers that share nothing but named questions, no two attempts in a row have one in common.

    Questions of `worn` (those shown too often) stand behind all this: as few of them come as all else allows, and as
    long as the rest of the pool holds two papers that share nothing but named questions, none does in any attempt.
    """
    by_bank = _by_bank(pool)
    named = frozenset(address for line in blueprint for address in line.questions)
    old = avoid - named
    # More than all slots together, those of the next paper included, never need of one line.
    most = 2 * sum(line.size for line in blueprint)
    slots: list[_Slot] = []
    again: list[_Slot] = []
    for number, line in enumerate(blueprint):
        if line.questions:
            there = {c.address for address in line.questions for c in by_bank.get(address.partition("/")[0], ())}
            only = [(address,) if address in there else () for address in line.questions]
            slots += [_Slot(one, (), one, (), len(one), 0) for one in only]
        else:
            bank = by_bank.get(line.bank, ())
            made = list(_slots_of(line, number, bank, seed=seed, old=old, worn=worn, most=most))
            slots += made
            again += made
    found = _Matching()
    waiting = list(range(len(slots)))
    for edges in (
        lambda slot: slots[slot].fresh_rested,
        lambda slot: slots[slot].fresh,
        lambda slot: slots[slot].fresh + slots[slot].old[: slots[slot].old_rested],
        lambda slot: slots[slot].fresh + slots[slot].old,
        lambda slot: slots[slot].wide_fresh,
        lambda slot: slots[slot].wide_fresh + slots[slot].wide_old,
    ):
        waiting = [slot for slot in waiting if not found.place(slot, edges)]
    if waiting:
        return None

    def leaving_room(slot: int) -> tuple[str, ...]:
        if slot >= len(slots):
            next_time = again[slot - len(slots)]
            return next_time.fresh + next_time.old
        # Only for another question that is as good.
        return slots[slot].fresh if found.given[slot] in slots[slot].fresh else ()

    def leaving_rested_room(slot: int) -> tuple[str, ...]:
        if slot >= len(slots):
            next_time = again[slot - len(slots)]
            return next_time.fresh_rested + next_time.old[: next_time.old_rested]
        return slots[slot].fresh_rested if found.given[slot] in slots[slot].fresh_rested else ()

    later = list(range(len(slots), len(slots) + len(again)))
    if worn:
        later = [slot for slot in later if not found.place(slot, leaving_rested_room)]
    for slot in later:
        found.place(slot, leaving_room)
    return [found.given[slot] for slot in range(len(slots))]


def _by_bank(pool: Iterable[Candidate]) -> dict[str, list[Candidate]]:
    found: dict[str, list[Candidate]] = {}
    for candidate in sorted(pool, key=attrgetter("address")):
        found.setdefault(candidate.bank, []).append(candidate)
    return found


def _slots_of(
    line: Draw,
    number: int,
    bank: Sequence[Candidate],
    *,
    seed: str,
    old: frozenset[str],
    worn: frozenset[str],
    most: int,
) -> Iterator[_Slot]:
    """Yield what each question of a line may be, in the order of the lots."""
    lot_of = _lots(seed, "draw", number)
    fitting = sorted(_fitting(line, bank), key=lambda candidate: lot_of(candidate.address))

    def divided(candidates: Iterable[Candidate]) -> tuple[list[str], list[str], list[str], list[str]]:
        """Return what was not asked last time and what was; of each what is rested, then what is worn."""
        parts: tuple[list[str], list[str], list[str], list[str]] = ([], [], [], [])
        for candidate in candidates:
            parts[2 * (candidate.address in old) + (candidate.address in worn)].append(candidate.address)
        return parts

    def slot_of(parts: Sequence[list[str]]) -> _Slot:
        rested, tired, old_rested, old_tired = (part[:most] for part in parts)
        return _Slot(
            (*rested, *tired), (*old_rested, *old_tired), *wide, rested=len(rested), old_rested=len(old_rested)
        )

    of_line = divided(fitting)
    wide = ((*of_line[0][:most], *of_line[1][:most]), (*of_line[2][:most], *of_line[3][:most]))
    left = line.count
    if line.strata is not None:
        strata = _strata_of_fitting(line, fitting)
        parts = {name: divided(members) for name, members in strata.items()}
        # What is over after equal shares comes from strata that have something new left, and then by lot.
        lot_of_stratum = {name: lot(seed, "strata", number, name) for name in strata}

        def order(name: str, turn: int) -> object:
            rested, tired, _old_rested, _old_tired = parts[name]
            return len(rested) + len(tired) <= turn, len(rested) <= turn, lot_of_stratum[name]

        share = shares(line.count, {name: len(members) for name, members in strata.items()}, order)
        for name, wanted in share.items():
            for _place in range(wanted):
                yield slot_of(parts[name])
        left -= sum(share.values())
    for _place in range(left):
        yield slot_of(of_line)


def draw_pilots(
    count: int, pool: Iterable[Candidate], *, seed: str, avoid: frozenset[str] = frozenset()
) -> list[Candidate]:
    """Draw questions that are on trial: as many as there are up to the count, those of the last attempt last."""
    lot_of = _lots(seed, "pilots")
    return sorted(pool, key=lambda each: (each.address in avoid, lot_of(each.address)))[:count]


def shuffled(things: Iterable[str], *, seed: str, purpose: str) -> list[str]:
    """Return the things in the order that the seed gives them for this purpose."""
    return sorted(things, key=lambda thing: lot(seed, purpose, thing))


def arrange(
    blueprint: Sequence[Draw],
    drawn: Sequence[str],
    pilots: Sequence[Candidate] = (),
    *,
    sections: Sequence[str] = (),
    seed: str,
    shuffles: bool,
) -> list[Placed]:
    """Return a paper in the order in which it is asked, section by section.

    Questions on trial stand among the others, in a section that draws from their bank, at a place by lot, so that
    nothing tells which they are.
    """
    places = iter(drawn)
    of_section: dict[str, list[Placed]] = {name: [] for name in (*sections, *({line.section for line in blueprint}))}
    for line in blueprint:
        of_section[line.section] += [Placed(next(places), line.section) for _place in range(line.size)]
    for pilot in pilots:
        homes = list(dict.fromkeys(line.section for line in blueprint if pilot.bank in banks_of([line])))
        home = min(homes, key=lambda name: lot(seed, "home", pilot.address, name))
        among = of_section[home]
        place = int.from_bytes(lot(seed, "place", pilot.address)[:8]) % (len(among) + 1)
        among.insert(place, Placed(pilot.address, home, is_scored=False))
    if shuffles:
        for among in of_section.values():
            among.sort(key=lambda each: lot(seed, "items", each.address))
    return [each for among in of_section.values() for each in among]


# --- how much there is -------------------------------------------------------------------------


def banks_of(blueprint: Iterable[Draw]) -> set[str]:
    """Return the slugs of the banks that a blueprint draws from."""
    drawn = {line.bank for line in blueprint if line.bank}
    return drawn | {address.partition("/")[0] for line in blueprint for address in line.questions}


def count_available(line: Draw, pool: Iterable[Candidate]) -> int:
    """Return how many questions of the pool this line of a blueprint could take."""
    passes = test_of(line)
    return sum(passes(candidate) for candidate in pool)


def count_drawable(blueprint: Sequence[Draw], pool: Iterable[Candidate], papers: int = 1) -> int:
    """Return how many of the questions that so many papers ask for the pool can give, none of them twice.

    Named questions come in every paper and are counted once. A maximum matching as in `draw`. A line with as many
    fitting questions as all papers ask for never goes short, so that no more than that many are looked at for each.
    """
    by_bank: dict[str, list[Candidate]] = {}
    for candidate in pool:
        by_bank.setdefault(candidate.bank, []).append(candidate)
    most = papers * sum(line.size for line in blueprint)
    slots: list[Sequence[str]] = []
    for line in blueprint:
        if line.questions:
            there = {c.address for bank in banks_of([line]) for c in by_bank.get(bank, ())}
            slots += [(address,) if address in there else () for address in line.questions]
            continue
        passes = test_of(line)
        fitting: list[str] = []
        for candidate in by_bank.get(line.bank, ()):
            if len(fitting) == most:
                break
            if passes(candidate):
                fitting.append(candidate.address)
        slots += [fitting] * (line.count * papers)
    found = _Matching()
    return sum(found.place(slot, lambda each: slots[each]) for slot in range(len(slots)))


def count_papers(blueprint: Sequence[Draw], pool: Sequence[Candidate], most: int) -> int:
    """Return how many papers, up to `most`, share nothing but named questions: so often nothing has to come again."""
    named = sum(len(line.questions) for line in blueprint)
    drawn = sum(line.size for line in blueprint) - named

    def is_enough(papers: int) -> bool:
        return count_drawable(blueprint, pool, papers) == named + drawn * papers

    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if is_enough(middle) else (low, middle - 1)
    return low

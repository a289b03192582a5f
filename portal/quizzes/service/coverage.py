"""What a blueprint asks of its banks: how deep each draw is, which clauses nobody asks, what narrows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from portal.core.i18n import LANGUAGES
from portal.quizzes import rules
from portal.quizzes.formats.sections import Section
from portal.quizzes.models import QuestionState
from portal.quizzes.queries import pool
from portal.quizzes.queries.pool import ClauseInForce, Drawable
from portal.quizzes.rules import Candidate, Draw
from portal.quizzes.rules.drawing import banks_of, strata_in, test_of

# How many papers without repeats are told; more is more than anybody sits.
MOST_PAPERS = 5
# Fewer than this in a row, and questions come again in the next attempt.
ENOUGH_PAPERS = 2


def is_shallow(blueprint: Sequence[Draw], candidates: Sequence[Candidate]) -> bool:
    """Say whether what is drawn comes again in the next attempt; what a blueprint names is meant to."""
    return (
        any(not line.questions for line in blueprint)
        and rules.count_papers(blueprint, candidates, ENOUGH_PAPERS) < ENOUGH_PAPERS
    )


@dataclass(frozen=True, slots=True)
class Stratum:
    """One stratum of a draw: how many live questions are in it, and how many it should give."""

    name: str
    there: int
    share: int

    @property
    def is_short(self) -> bool:
        """Whether it cannot give its share, so that the others make up for it."""
        return self.there < self.share


@dataclass(frozen=True, slots=True)
class DrawCovered:
    """One draw: which questions fit it, and what else would."""

    line: Draw
    fitting: tuple[Drawable, ...]
    # Those that would fit but are not live, by state.
    besides: Mapping[QuestionState, int]
    strata: tuple[Stratum, ...]

    @property
    def fit(self) -> int:
        """How many live questions fit."""
        return len(self.fitting)

    @property
    def attempts(self) -> int | None:
        """How many attempts in a row this draw alone serves without repeats; None: it always asks the same."""
        return None if self.line.questions else self.fit // self.line.count


@dataclass(frozen=True, slots=True)
class SectionCovered:
    """A section: what it asks, and how much of all points it is worth on average."""

    section: Section
    questions: int
    points: Fraction
    weight: Fraction


@dataclass(frozen=True, slots=True)
class ClauseCovered:
    """A clause in force: how many questions test it, by state, and how many of the live ones a draw takes."""

    clause: ClauseInForce
    states: Mapping[QuestionState, int]
    asked: int

    @property
    def total(self) -> int:
        """How many questions test it, in whichever state."""
        return sum(self.states.values())


@dataclass(frozen=True, slots=True)
class Coverage:
    """All that is told of a blueprint."""

    draws: tuple[DrawCovered, ...]
    asked: int
    drawable: int
    # Languages in which no paper can be drawn, because texts in them are behind.
    short_in: tuple[str, ...]
    # How many whole papers share nothing but named questions, up to `MOST_PAPERS`.
    papers: int
    sections: tuple[SectionCovered, ...]
    clauses: tuple[ClauseCovered, ...]
    # Cited by live questions, but in no version in force.
    gone: tuple[str, ...]
    # Bank → state → number.
    banks: Mapping[str, Mapping[QuestionState, int]]
    missing_banks: tuple[str, ...]
    # Language → number of live questions that cannot be asked in it.
    lacking: Mapping[str, int]
    pilots: int
    pilots_there: int


def cover(blueprint: Sequence[Draw], sections: Sequence[Section], pilots: int, language: str) -> Coverage:
    """Look at everything that the banks of a blueprint hold; headings of clauses come in a language."""
    banks = banks_of(blueprint)
    everything = pool.list_drawable(banks, tuple(QuestionState))
    live = [each for each in everything if each.state is QuestionState.LIVE]
    candidates = [each.candidate for each in live]
    draws = tuple(_draw(line, everything) for line in blueprint)
    known = pool.list_bank_titles(banks)
    documents = {name.partition("#")[0] for each in everything for name in _full_names(each)}
    documents |= {bank.document_slug for bank in known.values() if bank.document_slug}
    clauses = pool.list_clauses_in_force(documents, language)
    taken = {each.candidate.address for draw in draws for each in draw.fitting}
    by_clause: dict[str, list[Drawable]] = {}
    for each in everything:
        for name in _full_names(each):
            by_clause.setdefault(name, []).append(each)
    in_force = {clause.name for clause in clauses}
    return Coverage(
        draws=draws,
        asked=sum(line.size for line in blueprint),
        drawable=rules.count_drawable(blueprint, candidates),
        short_in=tuple(
            tag
            for tag in LANGUAGES
            if any(tag not in each.languages for each in live)
            and rules.count_drawable(blueprint, [each.candidate for each in live if tag in each.languages])
            < sum(line.size for line in blueprint)
        ),
        papers=rules.count_papers(blueprint, candidates, MOST_PAPERS) if blueprint else 0,
        sections=_sections(sections, draws),
        clauses=tuple(
            ClauseCovered(
                clause,
                _by_state(by_clause.get(clause.name, ())),
                sum(each.candidate.address in taken for each in by_clause.get(clause.name, ())),
            )
            for clause in clauses
        ),
        gone=tuple(
            sorted(
                name
                for name, found in by_clause.items()
                if name not in in_force and any(each.state is QuestionState.LIVE for each in found)
            )
        ),
        banks={slug: _by_state([each for each in everything if each.candidate.bank == slug]) for slug in sorted(known)},
        missing_banks=tuple(sorted(banks - set(known))),
        lacking={tag: sum(tag not in each.languages for each in live) for tag in LANGUAGES},
        pilots=pilots,
        pilots_there=sum(each.state is QuestionState.PILOT for each in everything),
    )


def _full_names(drawable: Drawable) -> list[str]:
    return [name for name in drawable.candidate.clauses if "#" in name]


def _by_state(questions: Sequence[Drawable]) -> dict[QuestionState, int]:
    found: dict[QuestionState, int] = {}
    for each in questions:
        found[each.state] = found.get(each.state, 0) + 1
    return found


def fitting_of(line: Draw, questions: Sequence[Drawable]) -> list[Drawable]:
    """Return those of the questions that pass a line, in whichever state they are."""
    passes = test_of(line)
    return [each for each in questions if passes(each.candidate)]


def _draw(line: Draw, everything: Sequence[Drawable]) -> DrawCovered:
    passing = fitting_of(line, everything)
    live = tuple(each for each in passing if each.state is QuestionState.LIVE)
    strata = strata_in(line, [each.candidate for each in live]) if line.strata else {}
    share = -(-line.count // len(strata)) if strata else 0
    return DrawCovered(
        line,
        live,
        _by_state([each for each in passing if each.state is not QuestionState.LIVE]),
        tuple(Stratum(name, len(members), share) for name, members in strata.items()),
    )


def _sections(sections: Sequence[Section], draws: Sequence[DrawCovered]) -> tuple[SectionCovered, ...]:
    points = {
        section.id: sum((_points(draw) for draw in draws if draw.line.section == section.id), Fraction(0))
        for section in sections
    }
    whole = sum(points.values(), Fraction(0))
    return tuple(
        SectionCovered(
            section,
            sum(draw.line.size for draw in draws if draw.line.section == section.id),
            points[section.id],
            points[section.id] / whole if whole else Fraction(0),
        )
        for section in sections
    )


def _points(draw: DrawCovered) -> Fraction:
    """Return the points that a draw is worth on average."""
    if not draw.fitting:
        return Fraction(0)
    worth = Fraction(sum(each.max_points for each in draw.fitting), draw.fit)
    return worth * draw.line.size

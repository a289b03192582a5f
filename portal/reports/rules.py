"""In which order a lead reads a cohort, and its numbers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from portal.training.rules import Progress


@dataclass(frozen=True, slots=True)
class Standing:
    """How far one person is: her progress, since when she is late (None: she is not), whether she is through."""

    progress: Progress
    late_since: date | None
    is_complete: bool


def reading_order(standing: Standing) -> tuple[int, date]:
    """Return the key by which rows are sorted: most overdue required steps first, then the oldest of them.

    Rows with equal keys keep the order they had, which is by name: nobody is ranked.
    """
    return -standing.progress.overdue, standing.late_since or date.max


@dataclass(frozen=True, slots=True)
class Summary:
    """The numbers of a cohort; each is counted over everybody in the plan."""

    people: int
    complete: int
    overdue_people: int
    overdue_steps: int
    expected: int
    done_of_expected: int

    @property
    def on_track(self) -> Fraction | None:
        """The share of the required steps due before today that are done; None while nothing was due."""
        return Fraction(self.done_of_expected, self.expected) if self.expected else None


def summarise(standings: Iterable[Standing]) -> Summary:
    """Count a cohort."""
    rows = list(standings)
    return Summary(
        people=len(rows),
        complete=sum(row.is_complete for row in rows),
        overdue_people=sum(row.progress.overdue > 0 for row in rows),
        overdue_steps=sum(row.progress.overdue for row in rows),
        expected=sum(row.progress.expected for row in rows),
        done_of_expected=sum(row.progress.done_of_expected for row in rows),
    )

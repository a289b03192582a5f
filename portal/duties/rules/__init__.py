"""When a recurring task falls due, how much a thing matters, and what a card asks for and refuses."""

from __future__ import annotations

from enum import StrEnum


class Rhythm(StrEnum):
    """In what rhythm a task recurs; every day of it is a working day of the task's market."""

    # Every so many working days from its first day.
    EVERY = "every"
    # On a weekday of every so many weeks.
    WEEKLY = "weekly"
    # On the so-manieth working day of every so many months, from the beginning or, where negative, from the end.
    MONTHLY = "monthly"


class WhenOff(StrEnum):
    """Where a day of a weekly task goes that is not worked."""

    BEFORE = "before"
    AFTER = "after"


class RunOutcome(StrEnum):
    """What became of one time that a task fell due."""

    DONE = "done"
    SKIPPED = "skipped"


class RunHow(StrEnum):
    """How somebody did a task."""

    ALONE = "alone"
    WITH_HELP = "with_help"


class Fulfilment(StrEnum):
    """What else than somebody's word fulfils a task."""

    # A rehearsal of a handover that was closed.
    REHEARSAL = "rehearsal"


# What fulfils a task so many days before its day counts for it; what is done earlier belongs to the day before.
FULFILS_AHEAD_DAYS = 92


class Criticality(StrEnum):
    """How much it matters that a thing goes on."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    CRITICAL = "critical"


# What nobody has judged yet.
DEFAULT_CRITICALITY = Criticality.NORMAL
# What a score counts with.
WEIGHT_OF = {Criticality.LOW: 1, Criticality.NORMAL: 2, Criticality.HIGH: 3, Criticality.CRITICAL: 4}


class CardPart(StrEnum):
    """What a card asks for, in its order: the six headings of a Japanese handover paper (引継書), and more."""

    PURPOSE = "purpose"
    RHYTHM = "rhythm"
    STEPS = "steps"
    # Where access is asked for; never a secret.
    ACCESS = "access"
    CONTACTS = "contacts"
    DECISIONS = "decisions"
    EXCEPTIONS = "exceptions"
    TROUBLE = "trouble"
    OPEN_ITEMS = "open_items"
    DOCUMENTS = "documents"


# A card whose last check is older has to be checked again; product.md, journey of handovers.
CARD_HOLDS_DAYS = 180
# Characters of one part of a card, in one language.
PART_LIMIT = 6_000

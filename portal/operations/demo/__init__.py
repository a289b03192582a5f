"""The demo organisation: a fictional company's moderation team, made through the services, the same each time."""

from __future__ import annotations

from portal.operations.demo.agenda import moment_of
from portal.operations.demo.certified import ON_CALL
from portal.operations.demo.loading import TooEarly, accounts, is_wanted, load
from portal.operations.demo.other_cohorts import COURSES
from portal.operations.demo.people import COHORT, DOMAIN, NEWCOMERS, STAFF, TEAM, ZONE
from portal.operations.demo.stories import PRACTISING

__all__ = [
    "COHORT",
    "COURSES",
    "DOMAIN",
    "NEWCOMERS",
    "ON_CALL",
    "PRACTISING",
    "STAFF",
    "TEAM",
    "ZONE",
    "TooEarly",
    "accounts",
    "is_wanted",
    "load",
    "moment_of",
]

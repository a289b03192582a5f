"""What a certificate says of the results that it rests on: bands and days, never scores, attempts or who signed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo


class Band(StrEnum):
    """How a quiz was passed; anybody who is handed the file may read so much and no more."""

    PASSED = "passed"
    PASSED_HIGH = "passed_high"


# From this part of the points on a result is one of the higher band.
HIGH = Fraction(9, 10)
# What each band is called within a file, whose readers have no portal to ask.
BAND_WORDS: dict[Band, dict[str, str]] = {
    Band.PASSED: {"en": "passed", "ja": "合格"},
    Band.PASSED_HIGH: {"en": "passed, result 90% or more", "ja": "合格（得点率90%以上）"},
}


def band_of(score: Fraction) -> Band:
    """Return the band of a score that was enough to pass."""
    return Band.PASSED_HIGH if score >= HIGH else Band.PASSED


def as_told(basis: Mapping[str, Any], zone: str) -> dict[str, Any]:
    """Return a basis as certificates say it since format 3; one that says it so already stays as it is.

    `documents` with slug, version, title, hash, clauses, and the days on which they were read and acknowledged;
    `quizzes` with quiz, version, title, band, the versions of questions (bank/id@version) and sections by title;
    `sign_offs` with step, title and day; `by_hand` with quiz, version, title, kind, day and, where there is a score,
    its band; `exempt` with step, title and day. Days are those of the zone.
    """
    if "quizzes" in basis:
        return dict(basis)
    return {
        "documents": [_document(each, zone) for each in basis["documents"]],
        "quizzes": [
            {"quiz": each["quiz"], "version": each["version"], "title": each["title"]}
            | _band(each)
            # In an order that tells nothing of how they were asked.
            | {"questions": sorted(f"{slug}@{number}" for slug, number in each["questions"].items())}
            | (
                {"sections": [{"id": part["id"], "title": part["title"]} for part in each["sections"]]}
                if "sections" in each
                else {}
            )
            for each in basis.get("attempts", ())
        ],
        "sign_offs": [_step(each, zone) for each in basis.get("sign_offs", ())],
    } | {
        name: found
        for name, found in (
            (
                "by_hand",
                [
                    {name: each[name] for name in ("quiz", "version", "title", "kind")}
                    | {"on": _day(each["at"], zone)}
                    | (_band(each) if "score" in each else {})
                    for each in basis.get("by_hand", ())
                ],
            ),
            ("exempt", [_step(each, zone) for each in basis.get("exempt", ())]),
        )
        if found
    }


def _document(document: Mapping[str, Any], zone: str) -> dict[str, Any]:
    told = {name: value for name, value in document.items() if name not in ("read_at", "acknowledged_at")}
    for done in ("read", "acknowledged"):
        if f"{done}_at" in document:
            told[f"{done}_on"] = _day(document[f"{done}_at"], zone)
    return told


def _step(step: Mapping[str, Any], zone: str) -> dict[str, Any]:
    return {"step": step["step"], "title": step["title"], "on": _day(step["at"], zone)}


def _band(result: Mapping[str, Any]) -> dict[str, Any]:
    band = band_of(Fraction(result["score"]))
    return {"band": band.value, "result": BAND_WORDS[band]}


def _day(instant: str, zone: str) -> str:
    return datetime.fromisoformat(instant).astimezone(ZoneInfo(zone)).date().isoformat()

"""A quiz as a TOML file: what is drawn, the clock, the pass mark, what of the result is shown and when."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

from portal.core.clock import YEARS
from portal.core.content import SLUG, ContentFile, ContentFolder, line_of, to_toml
from portal.core.i18n import Words
from portal.core.i18n import gettext as _
from portal.quizzes.models import Release
from portal.quizzes.types import type_names

SHOWN = ("score", "correctness", "key", "rationale")
MAX_MINUTES = 24 * 60
MAX_ATTEMPTS = 100
MAX_WAIT_HOURS = 24 * 365
MAX_DRAWN = 200
_KEYS = (
    "version",
    "owner",
    "deputy",
    "time_limit_minutes",
    "attempts",
    "wait_hours",
    "wait_after_fails",
    "pass_mark",
    "release",
    "show",
    "shuffle_questions",
    "shuffle_choices",
    "opens_at",
    "closes_at",
    "title",
    "draw",
)
_DRAW_KEYS = ("bank", "count", "types", "tags", "clauses", "difficulty", "questions")
_VERSION = re.compile(r"[0-9]{1,4}\.[0-9]{1,4}")
_PERCENT = re.compile(r"(?P<number>[0-9]{1,3}(?:\.[0-9]{1,6})?) ?%")
_ADDRESS = re.compile(rf"{SLUG.pattern}/{SLUG.pattern}")
_CLAUSE = re.compile(rf"(?:{SLUG.pattern}#)?{SLUG.pattern}")
_MISSING = object()


@dataclass(frozen=True, slots=True)
class QuizTerms:
    """A quiz as its file states it."""

    number: str
    title: Words
    blueprint: Sequence[Mapping[str, Any]]
    time_limit_minutes: int
    attempts_allowed: int
    wait_hours: int
    wait_after_fails: int
    pass_mark: Fraction
    release: Release
    show: tuple[str, ...]
    shuffle_questions: bool
    shuffle_choices: bool
    opens_at: datetime | None
    closes_at: datetime | None

    def data(self) -> dict[str, Any]:
        """Return everything but the number as plain data, over which the hash is taken."""
        return {
            "title": [self.title.en, self.title.ja],
            "blueprint": [dict(line) for line in self.blueprint],
            "time_limit_minutes": self.time_limit_minutes,
            "attempts": self.attempts_allowed,
            "wait": [self.wait_hours, self.wait_after_fails],
            "pass_mark": str(self.pass_mark),
            "release": self.release.value,
            "show": list(self.show),
            "shuffle": [self.shuffle_questions, self.shuffle_choices],
            "window": [instant.isoformat() if instant else None for instant in (self.opens_at, self.closes_at)],
        }


@dataclass(frozen=True, slots=True)
class QuizFile:
    """The file as data."""

    terms: QuizTerms
    owner: str
    deputy: str = ""


class _Reader:
    def __init__(self, folder: ContentFolder, file: ContentFile, table: Mapping[str, Any]) -> None:
        self.folder, self.file, self.table = folder, file, table
        self.failed = False

    def fault(self, key: str, message: str, mend: str) -> None:
        self.failed = True
        self.folder.error(self.file.path, line_of(self.file.text, key), message, mend)

    def text(self, key: str, default: object = _MISSING) -> str:
        value = self.table.get(key, default)
        if isinstance(value, str) and (value.strip() or default is not _MISSING):
            return value.strip()
        self.fault(key, _("“%(key)s” is missing or no text.", key=key), _('Write %(key)s = "…".', key=key))
        return ""

    def whole(self, key: str, least: int, most: int, default: int | None = None) -> int:
        value = self.table.get(key, default)
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
            return value
        self.fault(
            key,
            _("“%(key)s” is missing or no whole number in its bounds.", key=key),
            _("Write a whole number from %(least)s to %(most)s.", least=least, most=most),
        )
        return least

    def yes_or_no(self, key: str, default: bool) -> bool:
        value = self.table.get(key, default)
        if isinstance(value, bool):
            return value
        self.fault(key, _("“%(key)s” is neither true nor false.", key=key), _("Write true or false."))
        return default

    def instant(self, key: str) -> datetime | None:
        value = self.table.get(key)
        if value is None:
            return None
        if isinstance(value, str):
            try:
                value = datetime.fromisoformat(value)
            except ValueError:
                value = None
        if isinstance(value, datetime) and value.tzinfo is not None and value.year in YEARS:
            return value.astimezone(UTC)
        self.fault(
            key,
            _("“%(key)s” is no instant with an offset from UTC.", key=key),
            _("Write for example %(key)s = 2026-04-01T09:00:00+09:00.", key=key),
        )
        return None

    def pass_mark(self) -> Fraction:
        value = self.table.get("pass_mark")
        found = _PERCENT.fullmatch(value) if isinstance(value, str) else None
        if found and Fraction(found["number"]) <= 100:
            return Fraction(found["number"]) / 100
        self.fault(
            "pass_mark", _("“pass_mark” is no percentage from 0% to 100%."), _('Write for example pass_mark = "80%".')
        )
        return Fraction(0)

    def choices(self, key: str, value: Any, known: Sequence[str]) -> tuple[str, ...]:
        if isinstance(value, list) and all(each in known for each in value):
            return tuple(dict.fromkeys(value))
        self.fault(
            key,
            _("“%(key)s” holds something that is not known.", key=key),
            _("It takes a list of: %(known)s.", known=", ".join(known)),
        )
        return ()

    def read(self) -> QuizFile | None:
        for key in self.table:
            if key not in _KEYS:
                self.fault(key, _("“%(key)s” is not known here.", key=key[:60]), _("Correct or remove it."))
        number = self.text("version")
        if number and not _VERSION.fullmatch(number):
            self.fault("version", _("The version is not a number like 1.0."), _('Write version = "1.0".'))
        title = self.folder.words(self.file, self.table, "title")
        if title is None:
            self.failed = True
        release = self.table.get("release", Release.AT_ONCE.value)
        if release not in list(Release):
            self.fault(
                "release",
                _("“%(key)s” holds something that is not known.", key="release"),
                _("It is one of: %(known)s.", known=", ".join(Release)),
            )
            release = Release.AT_ONCE.value
        opens_at, closes_at = self.instant("opens_at"), self.instant("closes_at")
        minutes = self.whole("time_limit_minutes", 1, MAX_MINUTES)
        self.window(opens_at, closes_at, minutes, Release(release))
        terms = QuizTerms(
            number=number,
            title=title or Words("", ""),
            blueprint=self.blueprint(),
            time_limit_minutes=minutes,
            attempts_allowed=self.whole("attempts", 1, MAX_ATTEMPTS),
            wait_hours=self.whole("wait_hours", 0, MAX_WAIT_HOURS, 0),
            wait_after_fails=self.whole("wait_after_fails", 0, MAX_ATTEMPTS, 1),
            pass_mark=self.pass_mark(),
            release=Release(release),
            show=self.choices("show", self.table.get("show", list(SHOWN)), SHOWN),
            shuffle_questions=self.yes_or_no("shuffle_questions", True),
            shuffle_choices=self.yes_or_no("shuffle_choices", True),
            opens_at=opens_at,
            closes_at=closes_at,
        )
        owner = self.folder.sign_in_name(self.file, self.table, "owner", needed=True)
        deputy = self.folder.sign_in_name(self.file, self.table, "deputy")
        return None if self.failed or owner is None or deputy is None else QuizFile(terms, owner, deputy)

    def window(self, opens_at: datetime | None, closes_at: datetime | None, minutes: int, release: Release) -> None:
        if opens_at and closes_at and opens_at >= closes_at:
            self.fault("closes_at", _("The quiz closes before it opens."), _("Put closes_at after opens_at."))
        elif opens_at and closes_at and (closes_at - opens_at).total_seconds() < minutes * 60:
            self.folder.warn(
                self.file.path,
                line_of(self.file.text, "closes_at"),
                _("The window is shorter than the time limit: nobody gets the full time."),
                _("Close it later, or make the time limit shorter."),
            )
        if release is Release.AFTER_WINDOW and closes_at is None:
            self.fault(
                "release",
                _("Results come after the window, but the window never closes."),
                _("Write closes_at, or release = “at_once” or “by_hand”."),
            )

    def blueprint(self) -> list[dict[str, Any]]:
        lines = self.table.get("draw")
        if not isinstance(lines, list) or not lines or not all(isinstance(line, dict) for line in lines):
            self.fault("draw", _("The quiz draws no questions."), _("Add a [[draw]] with bank and count."))
            return []
        return [self.draw(number, line) for number, line in enumerate(lines)]

    def draw(self, number: int, line: Mapping[str, Any]) -> dict[str, Any]:
        def fault(message: str, mend: str) -> None:
            self.failed = True
            self.folder.error(self.file.path, draw_line(self.file.text, number), message, mend)

        for key in line:
            if key not in _DRAW_KEYS:
                fault(_("“%(key)s” is not known here.", key=str(key)[:60]), _("Correct or remove it."))
        if "questions" in line:
            questions = line["questions"]
            if (
                not isinstance(questions, list)
                or not questions
                or not all(isinstance(each, str) and _ADDRESS.fullmatch(each) for each in questions)
                or len(set(questions)) != len(questions)
            ):
                fault(
                    _("“questions” is no list of different questions."),
                    _('Write for example questions = ["impersonation/imp-101"].'),
                )
            elif len(line) > 1:
                fault(_("A draw of named questions takes nothing else."), _("Put the rest into a [[draw]] of its own."))
            return {"questions": list(questions) if isinstance(questions, list) else []}
        bank, count = line.get("bank"), line.get("count")
        if not isinstance(bank, str) or not SLUG.fullmatch(bank):
            fault(_("The draw names no bank."), _('Write bank = "…", the slug of a question bank.'))
        if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= MAX_DRAWN:
            fault(
                _("The draw does not say how many questions."),
                _("Write count = and a whole number from 1 to %(most)s.", most=MAX_DRAWN),
            )
        given: dict[str, Any] = {"bank": bank, "count": count}
        filters: tuple[tuple[str, Callable[[Any], bool], str], ...] = (
            ("types", lambda each: each in type_names(), ", ".join(type_names())),
            ("tags", lambda each: isinstance(each, str) and each != "", _("tags")),
            ("clauses", lambda each: isinstance(each, str) and bool(_CLAUSE.fullmatch(each)), "id, slug#id"),
            ("difficulty", lambda each: type(each) is int and 1 <= each <= 5, "1 2 3 4 5"),
        )
        for key, is_known, known in filters:
            values = line.get(key, [])
            if not isinstance(values, list) or not all(is_known(each) for each in values):
                fault(
                    _("“%(key)s” holds something that is not known.", key=key),
                    _("It takes a list of: %(known)s.", known=known),
                )
            elif values:
                given[key] = list(dict.fromkeys(values))
        return given


def draw_line(text: str, number: int) -> int:
    """Return the line of the `[[draw]]` with this number (from 0), or 0."""
    places = [place for place, line in enumerate(text.split("\n"), 1) if line.strip() == "[[draw]]"]
    return places[number] if number < len(places) else 0


def parse(folder: ContentFolder, file: ContentFile) -> QuizFile | None:
    """Read the file; None with findings where it cannot be."""
    table = folder.read_toml(file)
    return None if table is None else _Reader(folder, file, table).read()


def render(quiz: QuizFile) -> str:
    """Write the file in the canonical form."""
    terms = quiz.terms
    return to_toml(
        {
            "version": terms.number,
            "owner": quiz.owner,
            "deputy": quiz.deputy or None,
            "time_limit_minutes": terms.time_limit_minutes,
            "attempts": terms.attempts_allowed,
            "wait_hours": terms.wait_hours,
            "wait_after_fails": terms.wait_after_fails,
            "pass_mark": percent(terms.pass_mark),
            "release": terms.release.value,
            "show": list(terms.show),
            "shuffle_questions": terms.shuffle_questions,
            "shuffle_choices": terms.shuffle_choices,
            "opens_at": terms.opens_at,
            "closes_at": terms.closes_at,
            "title": terms.title,
            "draw": [{key: line[key] for key in _DRAW_KEYS if key in line} for line in terms.blueprint],
        }
    )


def percent(share: Fraction) -> str:
    """Write a share that came from a decimal percentage exactly as one."""
    whole, rest = divmod(share * 100 * 10**6, 10**6)
    decimals = f"{int(rest):06d}".rstrip("0")
    return f"{whole}.{decimals}%" if decimals else f"{whole}%"

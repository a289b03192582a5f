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
from portal.core.i18n import LANGUAGES, Words
from portal.core.i18n import gettext as _
from portal.organisation.rules import MAX_ATTEMPT_TOLERANCE
from portal.quizzes.formats.sections import Section
from portal.quizzes.models import Layout, Navigation, Release, SecondMarker
from portal.quizzes.rules import Strata
from portal.quizzes.rules.passing import Counts
from portal.quizzes.types import type_names

SHOWN = ("score", "correctness", "key", "rationale")
MAX_MINUTES = 24 * 60
MAX_ATTEMPTS = 100
MAX_WAIT_HOURS = 24 * 365
MAX_DRAWN = 200
MAX_PURPOSE = 500
# As far as the organisation may go for all quizzes.
MAX_TOLERANCE_SECONDS = MAX_ATTEMPT_TOLERANCE
MAX_APPEAL_DAYS = 365
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
    "second_marker",
    "moderation_above",
    "borderline_within",
    "appeal_days",
    "tolerance_seconds",
    "opens_at",
    "closes_at",
    "only_assigned",
    "counts",
    "pilots",
    "navigation",
    "layout",
    "confidence",
    "practice",
    "title",
    "purpose",
    "section",
    "draw",
)
_DRAW_KEYS = ("section", "bank", "count", "types", "tags", "clauses", "difficulty", "strata", "questions")
_SECTION_KEYS = ("id", "title", "pass_mark")
MAX_SECTIONS = 20
MAX_PILOTS = 50
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
    # Of these a default is neither hashed nor written out: versions from before they were there stay what they are.
    second_marker: SecondMarker = SecondMarker.NONE
    # None: the share that the product names.
    moderation_above: Fraction | None = None
    sections: tuple[Section, ...] = ()
    pilots: int = 0
    counts: Counts = Counts.HIGHEST
    navigation: Navigation = Navigation.FREE
    layout: Layout = Layout.ALL
    confidence: bool = False
    practice: bool = False
    # None: nobody has said what it is for.
    purpose: Words | None = None
    # None of these three: what the product, or the organisation, says.
    borderline_within: Fraction | None = None
    appeal_days: int | None = None
    tolerance_seconds: int | None = None
    only_assigned: bool = False

    def data(self) -> dict[str, Any]:
        """Return everything but the number as plain data, over which the hash is taken."""
        data: dict[str, Any] = self.taking() | {
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
        if self.second_marker is not SecondMarker.NONE:
            data["second_marker"] = self.second_marker.value
        if self.moderation_above is not None:
            data["moderation_above"] = str(self.moderation_above)
        if self.sections:
            data["sections"] = [section.data() for section in self.sections]
        if self.pilots:
            data["pilots"] = self.pilots
        if self.counts is not Counts.HIGHEST:
            data["counts"] = self.counts.value
        if self.purpose is not None:
            data["purpose"] = [self.purpose.en, self.purpose.ja]
        if self.borderline_within is not None:
            data["borderline_within"] = str(self.borderline_within)
        if self.appeal_days is not None:
            data["appeal_days"] = self.appeal_days
        if self.tolerance_seconds is not None:
            data["tolerance_seconds"] = self.tolerance_seconds
        if self.only_assigned:
            data["only_assigned"] = True
        return data

    def taking(self) -> dict[str, Any]:
        """Return how the quiz is taken, as far as it differs from the defaults."""
        given = {
            "navigation": self.navigation if self.navigation is not Navigation.FREE else None,
            "layout": self.layout if self.layout is not Layout.ALL else None,
            "confidence": self.confidence or None,
            "practice": self.practice or None,
        }
        return {key: value for key, value in given.items() if value is not None}


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
            _("“%(key)s” is missing.", key=key)
            if value is None
            else _("“%(key)s” is no whole number within its bounds.", key=key),
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
        value = share_of(self.table.get("pass_mark"))
        if value is not None:
            return value
        self.fault(
            "pass_mark", _("“pass_mark” is no percentage from 0% to 100%."), _('Write for example pass_mark = "80%".')
        )
        return Fraction(0)

    def one_of(self, key: str, known: Sequence[str], default: str) -> str:
        value = self.table.get(key, default)
        if isinstance(value, str) and value in known:
            return str(value)
        self.fault(
            key,
            _("“%(key)s” holds something that is not known.", key=key),
            _("It is one of: %(known)s.", known=", ".join(known)),
        )
        return default

    def taking(self) -> dict[str, Any]:
        navigation = Navigation(self.one_of("navigation", list(Navigation), Navigation.FREE))
        layout = Layout(self.one_of("layout", list(Layout), Layout.ALL))
        if navigation is Navigation.FORWARD_ONLY and layout is not Layout.ONE_PER_PAGE and not self.failed:
            self.fault(
                "navigation",
                _("Going forward only needs a page for each question."),
                _('Write layout = "one_per_page", or navigation = "free".'),
            )
        return {
            "navigation": navigation,
            "layout": layout,
            "confidence": self.yes_or_no("confidence", False),
            "practice": self.yes_or_no("practice", False),
        }

    def share(self, key: str, mend: str) -> Fraction | None:
        value = self.table.get(key)
        if value is None:
            return None
        share = share_of(value)
        if share is not None:
            return share
        self.fault(key, _("“%(key)s” is no percentage from 0%% to 100%%.", key=key), mend)
        return None

    def whole_or_none(self, key: str, most: int) -> int | None:
        return None if self.table.get(key) is None else self.whole(key, 0, most)

    def purpose(self) -> Words | None:
        given = self.table.get("purpose")
        if given is None:
            return None
        texts = {tag: given.get(tag) for tag in LANGUAGES} if isinstance(given, dict) else {}
        said = [text.strip() for text in texts.values() if isinstance(text, str)]
        if len(said) == len(LANGUAGES) and all(0 < len(text) <= MAX_PURPOSE for text in said):
            return Words(*said)
        self.fault(
            "purpose",
            _("The purpose is not there in both languages, or too long."),
            _("Write [purpose] with en and ja below it, each of at most %(most)s characters.", most=MAX_PURPOSE),
        )
        return None

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
        release = Release(self.one_of("release", list(Release), Release.AT_ONCE))
        opens_at, closes_at = self.instant("opens_at"), self.instant("closes_at")
        minutes = self.whole("time_limit_minutes", 1, MAX_MINUTES)
        self.window(opens_at, closes_at, minutes, release)
        sections = self.sections()
        terms = QuizTerms(
            number=number,
            title=title or Words("", ""),
            sections=sections,
            blueprint=self.blueprint([section.id for section in sections]),
            pilots=self.whole("pilots", 0, MAX_PILOTS, 0),
            counts=Counts(self.one_of("counts", list(Counts), Counts.HIGHEST)),
            time_limit_minutes=minutes,
            attempts_allowed=self.whole("attempts", 1, MAX_ATTEMPTS),
            wait_hours=self.whole("wait_hours", 0, MAX_WAIT_HOURS, 0),
            wait_after_fails=self.whole("wait_after_fails", 0, MAX_ATTEMPTS, 1),
            pass_mark=self.pass_mark(),
            release=release,
            show=self.choices("show", self.table.get("show", list(SHOWN)), SHOWN),
            shuffle_questions=self.yes_or_no("shuffle_questions", True),
            shuffle_choices=self.yes_or_no("shuffle_choices", True),
            opens_at=opens_at,
            closes_at=closes_at,
            **self.taking(),
            second_marker=SecondMarker(self.one_of("second_marker", list(SecondMarker), SecondMarker.NONE)),
            moderation_above=self.share("moderation_above", _('Write for example moderation_above = "20%".')),
            borderline_within=self.share("borderline_within", _('Write for example borderline_within = "5%".')),
            appeal_days=self.whole_or_none("appeal_days", MAX_APPEAL_DAYS),
            tolerance_seconds=self.whole_or_none("tolerance_seconds", MAX_TOLERANCE_SECONDS),
            purpose=self.purpose(),
            only_assigned=self.yes_or_no("only_assigned", False),
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

    def sections(self) -> tuple[Section, ...]:
        tables = self.table.get("section", [])
        if (
            not isinstance(tables, list)
            or not all(isinstance(each, dict) for each in tables)
            or len(tables) > MAX_SECTIONS
        ):
            self.fault(
                "section",
                _("The sections of the quiz cannot be read."),
                _("Write a [[section]] with id and title for each, at most %(most)s.", most=MAX_SECTIONS),
            )
            return ()
        found = [self.section(number, each) for number, each in enumerate(tables)]
        ids = [section.id for section in found]
        for number, name in enumerate(ids):
            if name in ids[:number]:
                self.fault_at(
                    "section", number, _("Two sections have the id “%(id)s”.", id=name), _("Give each its own.")
                )
        return tuple(found)

    def section(self, number: int, table: Mapping[str, Any]) -> Section:
        for key in table:
            if key not in _SECTION_KEYS:
                self.fault_at(
                    "section", number, _("“%(key)s” is not known here.", key=str(key)[:60]), _("Correct or remove it.")
                )
        name, title, mark = table.get("id"), table.get("title"), table.get("pass_mark")
        if not isinstance(name, str) or not SLUG.fullmatch(name):
            self.fault_at(
                "section",
                number,
                _("The section has no id."),
                _('Write id = "…" in small letters, digits and hyphens.'),
            )
            name = ""
        given = title if isinstance(title, dict) else {}
        texts = {tag: given.get(tag) for tag in LANGUAGES}
        if not all(isinstance(text, str) and text.strip() for text in texts.values()):
            self.fault_at(
                "section",
                number,
                _("The section has no title in both languages."),
                _("Write [section.title] with en and ja below it."),
            )
            texts = dict.fromkeys(LANGUAGES, "")
        share = share_of(mark)
        if mark is not None and share is None:
            self.fault_at(
                "section",
                number,
                _("“pass_mark” is no percentage from 0% to 100%."),
                _('Write for example pass_mark = "80%".'),
            )
        return Section(name, Words(str(texts["en"]).strip(), str(texts["ja"]).strip()), share)

    def fault_at(self, table: str, number: int, message: str, mend: str) -> None:
        self.failed = True
        self.folder.error(self.file.path, table_line(self.file.text, table, number), message, mend)

    def blueprint(self, sections: Sequence[str]) -> list[dict[str, Any]]:
        lines = self.table.get("draw")
        if not isinstance(lines, list) or not lines or not all(isinstance(line, dict) for line in lines):
            self.fault("draw", _("The quiz draws no questions."), _("Add a [[draw]] with bank and count."))
            return []
        blueprint = []
        for number, line in enumerate(lines):
            name = line.get("section")
            if name not in sections and (sections or name is not None):
                self.fault_at(
                    "draw",
                    number,
                    _("The draw does not say to which section its questions belong."),
                    _("Write section = and one of: %(known)s.", known=", ".join(sections))
                    if sections
                    else _("Remove section, or add a [[section]] with this id."),
                )
            rest = {key: value for key, value in line.items() if key != "section"}
            blueprint.append(({"section": name} if isinstance(name, str) else {}) | self.draw(number, rest))
        for number, name in enumerate(sections):
            if all(line.get("section") != name for line in blueprint):
                self.fault_at(
                    "section",
                    number,
                    _("Nothing is drawn for the section “%(id)s”.", id=name),
                    _("Let a [[draw]] name it, or remove it."),
                )
        return blueprint

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
        strata = line.get("strata")
        if strata is not None and strata not in list(Strata):
            fault(
                _("“%(key)s” holds something that is not known.", key="strata"),
                _("It is one of: %(known)s.", known=", ".join(Strata)),
            )
        elif strata is not None:
            given["strata"] = strata
        return given


def draw_line(text: str, number: int) -> int:
    """Return the line of the `[[draw]]` with this number (from 0), or 0."""
    return table_line(text, "draw", number)


def table_line(text: str, name: str, number: int) -> int:
    """Return the line of the table of this name in an array of tables with this number (from 0), or 0."""
    places = [place for place, line in enumerate(text.split("\n"), 1) if line.strip() == f"[[{name}]]"]
    return places[number] if number < len(places) else 0


def share_of(value: object) -> Fraction | None:
    """Return the share that a percentage like "80%" says exactly, or None where it is none from 0% to 100%."""
    found = _PERCENT.fullmatch(value) if isinstance(value, str) else None
    return Fraction(found["number"]) / 100 if found and Fraction(found["number"]) <= 100 else None


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
            "second_marker": terms.second_marker.value if terms.second_marker is not SecondMarker.NONE else None,
            "moderation_above": percent(terms.moderation_above) if terms.moderation_above is not None else None,
            "borderline_within": percent(terms.borderline_within) if terms.borderline_within is not None else None,
            "appeal_days": terms.appeal_days,
            "tolerance_seconds": terms.tolerance_seconds,
            "opens_at": terms.opens_at,
            "closes_at": terms.closes_at,
            "only_assigned": terms.only_assigned or None,
            "counts": terms.counts.value if terms.counts is not Counts.HIGHEST else None,
            "pilots": terms.pilots or None,
            **terms.taking(),
            "title": terms.title,
            "purpose": terms.purpose,
            "section": [
                {
                    "id": section.id,
                    "pass_mark": percent(section.pass_mark) if section.pass_mark is not None else None,
                    "title": section.title,
                }
                for section in terms.sections
            ]
            or None,
            "draw": [{key: line[key] for key in _DRAW_KEYS if key in line} for line in terms.blueprint],
        }
    )


def percent(share: Fraction) -> str:
    """Write a share that came from a decimal percentage exactly as one."""
    whole, rest = divmod(share * 100 * 10**6, 10**6)
    decimals = f"{int(rest):06d}".rstrip("0")
    return f"{whole}.{decimals}%" if decimals else f"{whole}%"

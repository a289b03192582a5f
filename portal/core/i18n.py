"""Two equal languages: choosing one, texts that exist in both, dates and numbers as people write them.

Run as a program it keeps the catalogues: `python -m portal.core.i18n update PACKAGE | compile | check`.
"""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from functools import cache, lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from babel import Locale
from babel.dates import format_date as _babel_date
from babel.support import Translations
from flask import Flask, g, has_request_context, request, session
from flask_babel import LazyString
from jinja2 import pass_eval_context
from jinja2.nodes import EvalContext
from markupsafe import Markup, escape

from portal.core import clock
from portal.core.quotes import filled

__all__ = [
    "LANGUAGES",
    "LazyText",
    "Words",
    "force_locale",
    "gettext",
    "language",
    "lazy_gettext",
    "lazy_pgettext",
    "ngettext",
    "pgettext",
]

LANGUAGES = ("en", "ja")
# What each calls itself.
LANGUAGE_NAMES = {"en": "English", "ja": "日本語"}
LANGUAGE_COOKIE = "language"
# The part of an address that switches; `lang` holds for the page alone that it stands on.
SWITCH = "switch"
# Under this key the session keeps a switch of language; it ends with the session.
SWITCHED = "language"
# Of the type `_Lazy`, which stands where a text is expected.
LazyText = Any

PORTAL = Path(__file__).resolve().parent.parent
_WEEKDAYS_JA = "月火水木金土日"
# Under this key a request keeps the language that was chosen for it.
_CHOSEN = "shirube.language"
_forced: ContextVar[str | None] = ContextVar("forced_language", default=None)


@dataclass(frozen=True, slots=True)
class Words:
    """A text in both languages."""

    en: str
    ja: str

    def in_(self, wanted: str) -> str:
        """Return the text in the language, or in the other one where it is empty."""
        chosen, other = (self.ja, self.en) if wanted == "ja" else (self.en, self.ja)
        return chosen or other

    def __str__(self) -> str:
        return self.in_(language())


def init_app(app: Flask) -> None:
    """Attach the catalogues of all packages and the choice of language."""
    _catalogue_of.cache_clear()
    _fixed.cache_clear()
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.globals.update(
        _=_gettext_in_page, gettext=_gettext_in_page, ngettext=_ngettext_in_page, pgettext=_pgettext_in_page
    )


@cache
def _catalogue_of(language_code: str) -> Translations:
    """Return the texts of all packages in the language, as one catalogue."""
    merged = Translations()
    for package in _packages():
        found = Translations.load(package / "translations", [language_code], "messages")
        if isinstance(found, Translations):
            merged.merge(found)
            # `merge` takes the texts alone.
            merged.plural = found.plural
    return merged


def gettext(text: str, /, **variables: Any) -> str:
    """Return the text in the language in force, with `%(name)s` filled in; what stands in quotes as `quotes` says."""
    found: str = _catalogue_of(language()).gettext(text)
    return filled(found, variables) if variables else found


def ngettext(singular: str, plural: str, num: int, /, **variables: Any) -> str:
    """Return the singular or the plural, whichever the number asks for in the language in force."""
    found: str = _catalogue_of(language()).ngettext(singular, plural, num)
    return filled(found, {"num": num, **variables})


def pgettext(context: str, text: str, /, **variables: Any) -> str:
    """Return the text in the sense that the context gives it."""
    found = str(_catalogue_of(language()).pgettext(context, text))
    return filled(found, variables) if variables else found


class _Lazy(LazyString):  # type: ignore[misc]
    """A text that is looked up when it is shown, in the language in force then."""

    def __html__(self) -> str:
        # What was filled in is a text like any other.
        return str(escape(str(self)))


def lazy_gettext(text: str, /, **variables: Any) -> LazyText:
    """Return what `gettext` says when the text is shown."""
    return _Lazy(gettext, text, **variables)


def lazy_pgettext(context: str, text: str, /, **variables: Any) -> LazyText:
    """Return what `pgettext` says when the text is shown."""
    return _Lazy(pgettext, context, text, **variables)


# Templates: a text is always a format there, and markup whose variables are escaped. Jinja's own functions ask for
# the whole context, which it copies for every call inside a loop.


@lru_cache(maxsize=8192)
def _fixed(language_code: str, context: str | None, text: str) -> Markup:
    catalogue = _catalogue_of(language_code)
    found = catalogue.gettext(text) if context is None else catalogue.pgettext(context, text)
    return Markup(found) % {}


@pass_eval_context
def _gettext_in_page(page: EvalContext, text: str, /, **variables: Any) -> str:
    if page.autoescape and not variables:
        return _fixed(language(), None, text)
    found = gettext(text)
    return filled(Markup(found) if page.autoescape else found, variables)


@pass_eval_context
def _pgettext_in_page(page: EvalContext, context: str, text: str, /, **variables: Any) -> str:
    if page.autoescape and not variables:
        return _fixed(language(), context, text)
    found = pgettext(context, text)
    return filled(Markup(found) if page.autoescape else found, variables)


@pass_eval_context
def _ngettext_in_page(page: EvalContext, singular: str, plural: str, num: int, /, **variables: Any) -> str:
    found: str = _catalogue_of(language()).ngettext(singular, plural, num)
    return filled(Markup(found) if page.autoescape else found, {"num": num, **variables})


def choose_language() -> str:
    """Return the language of this request: asked for, switched to since the sign-in, the person's, the browser's."""
    if not has_request_context():
        return "en"
    asked = request.args.get("lang", "") or _of_the_page()
    if asked in LANGUAGES:
        return asked
    persons: str | None = getattr(g, "viewer_language", None)
    if persons in LANGUAGES:
        switched = session.get(SWITCHED)
        return str(switched) if switched in LANGUAGES else str(persons)
    kept = request.cookies.get(LANGUAGE_COOKIE, "")
    if kept in LANGUAGES:
        return kept
    return request.accept_languages.best_match(LANGUAGES, "en") or "en"


def _of_the_page() -> str:
    """Return the language in the address of the page that sends a form or fetches something: what it is answered in."""
    if request.method == "GET" and request.accept_mimetypes.best != "application/json":
        return ""
    page = urlsplit(request.referrer or "")
    return parse_qs(page.query).get("lang", [""])[0] if page.netloc == request.host else ""


def language() -> str:
    """Return `en` or `ja`: the language in force here (request, mail or PDF)."""
    forced = _forced.get()
    if forced is not None:
        return forced
    if not has_request_context():
        return "en"
    about = request.environ
    chosen: str | None = about.get(_CHOSEN)
    if chosen is None:
        chosen = about[_CHOSEN] = choose_language()
    return chosen


@contextmanager
def force_locale(language_code: str) -> Iterator[None]:
    """Write everything inside in this language, whatever the request's."""
    token = _forced.set(language_code if language_code in LANGUAGES else "en")
    try:
        yield
    finally:
        _forced.reset(token)


def other(language_code: str) -> str:
    """Return the other of the two languages."""
    return "en" if language_code == "ja" else "ja"


def format_date(day: date, style: str = "long") -> str:
    """Write a calendar date: long "Mon 11 May 2026" / 「2026年5月11日（月）」, short "11 May 2026" / 「2026/05/11」."""
    if language() == "ja":
        if style == "short":
            return f"{day:%Y/%m/%d}"
        return f"{day.year}年{day.month}月{day.day}日（{_WEEKDAYS_JA[day.weekday()]}）"
    pattern = "d MMM y" if style == "short" else "EEE d MMM y"
    return _babel_date(day, pattern, locale="en")


def format_month(day: date) -> str:
    """Write the month of a day: "May 2026", 「2026年5月」."""
    if language() == "ja":
        return f"{day.year}年{day.month}月"
    return _babel_date(day, "MMMM y", locale="en")


def month_name(month: int) -> str:
    """Name a month of the year, from 1: "May", 「5月」."""
    return f"{month}月" if language() == "ja" else _babel_date(date(2000, month, 1), "MMMM", locale="en")


def format_day_of_year(month: int, day: int) -> str:
    """Write a day that comes every year: "1 May", 「5月1日」."""
    return f"{month}月{day}日" if language() == "ja" else f"{day} {month_name(month)}"


def format_weekday(day: date) -> str:
    """Write the weekday alone, shortened: "Mon", 「月」."""
    return _WEEKDAYS_JA[day.weekday()] if language() == "ja" else _babel_date(day, "EEE", locale="en")


def format_instant(instant: datetime, zone: str, *, seconds: bool = False, show_zone: bool = True) -> str:
    """Write an instant in the zone, with the zone's name, in 24 hours."""
    local = instant.astimezone(clock.zone_info(zone))
    time_text = f"{local:%H:%M:%S}" if seconds else f"{local:%H:%M}"
    suffix = f" {local.tzname()}" if show_zone else ""
    return f"{format_date(local.date())} {time_text}{suffix}"


def format_minutes(minutes: int) -> str:
    """Write a duration given in whole minutes."""
    if minutes < 60:
        return str(ngettext("%(num)d min", "%(num)d min", minutes))
    hours, rest = divmod(minutes, 60)
    if rest == 0:
        return str(ngettext("%(num)d h", "%(num)d h", hours))
    return str(gettext("%(hours)d h %(minutes)d min", hours=hours, minutes=rest))


def format_duration(duration: timedelta) -> str:
    """Write a duration to the whole second: "1 min 30 s", 「1分30秒」; what lasts 90 seconds is no two minutes."""
    minutes, seconds = divmod(int(duration.total_seconds()), 60)
    parts = [format_minutes(minutes)] if minutes else []
    if seconds or not minutes:
        parts.append(str(ngettext("%(num)d s", "%(num)d s", seconds)))
    return ("" if language() == "ja" else " ").join(parts)


def format_percent(share: Fraction | int, digits: int = 1) -> str:
    """Write an exact share (0 to 1) as a percentage, rounded half up, without needless zeros."""
    scale = 10**digits
    exact = Fraction(share) * 100 * scale
    rounded = (exact.numerator * 2 + exact.denominator) // (exact.denominator * 2)
    whole, part = divmod(rounded, scale)
    text = f"{whole}.{part:0{digits}d}".rstrip("0").rstrip(".") if digits else str(whole)
    return f"{text} %" if language() == "en" else f"{text}%"


def country_name(code: str) -> str:
    """Return what the country of an ISO 3166 code is called, or the code where it has no name."""
    return str(Locale(language()).territories.get(code, code))


def format_points(points: Fraction) -> str:
    """Write exact points: whole, or with at most two decimals."""
    hundredths = round(points * 100)
    whole, part = divmod(abs(hundredths), 100)
    text = f"{whole}.{part:02d}".rstrip("0").rstrip(".")
    return f"-{text}" if hundredths < 0 else text


def half_width_digits(text: str) -> str:
    """Fold full-width digits, signs and blanks of a number as typed with an input method."""
    return unicodedata.normalize("NFKC", text).strip() if text else text


def _catalogue(package: Path) -> Path:
    return package / "translations" / "ja" / "LC_MESSAGES" / "messages.po"


def _packages() -> list[Path]:
    # `portal` itself first: the names of the places in wiring.py.
    return [PORTAL, *sorted(path for path in PORTAL.iterdir() if (path / "__init__.py").exists())]


def extract(package: Path) -> Any:
    """Return the catalogue of the strings that a package's Python and templates use."""
    from babel.messages.catalog import Catalog
    from babel.messages.extract import extract_from_dir

    template = Catalog(charset="utf-8")
    keywords = {
        "_": None,
        "_l": None,
        "gettext": None,
        "lazy_gettext": None,
        "ngettext": (1, 2),
        "pgettext": ((1, "c"), 2),
        "lazy_pgettext": ((1, "c"), 2),
    }
    methods = [("*.py", "python")]
    if package != PORTAL:
        methods = [("**.py", "python"), ("**/templates/**.html", "jinja2"), ("**/templates/**.txt", "jinja2")]
    options = {method: {"silent": "false"} for _, method in methods}
    found = extract_from_dir(str(package), methods, options, keywords=keywords, comment_tags=("i18n:",))
    for filename, _line, message, comments, context in found:
        # Line numbers would change every catalogue with every edit; the file is enough to find a string.
        template.add(message, None, [(filename, 0)], auto_comments=comments, context=context)
    return template


def update(package: Path) -> None:
    """Bring a package's Japanese catalogue up to its strings; what is translated stays."""
    from babel.messages.catalog import Catalog
    from babel.messages.pofile import read_po, write_po

    path = _catalogue(package)
    template = extract(package)
    if not len(template) and not path.exists():
        return
    if path.exists():
        with path.open("rb") as source:
            catalogue = read_po(source, locale="ja")
    else:
        catalogue = Catalog(locale="ja", domain="messages", charset="utf-8")
    catalogue.update(template, no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    catalogue.header_comment = "# Japanese texts of Shirube."
    catalogue.project, catalogue.version = "Shirube", "1"
    catalogue.language_team, catalogue.last_translator = "ja", "Shirube"
    # A fixed date: the catalogue's bytes change only when a text does.
    catalogue.creation_date = catalogue.revision_date = datetime(2026, 1, 1, tzinfo=clock.zone_info("UTC"))
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as target:
        write_po(target, catalogue, width=110, sort_output=True, include_lineno=False)


def compile_all() -> None:
    """Write the binary catalogues that are missing or older than their source."""
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    for package in _packages():
        path = _catalogue(package)
        target = path.with_suffix(".mo")
        if not path.exists() or (target.exists() and target.stat().st_mtime >= path.stat().st_mtime):
            continue
        with path.open("rb") as source:
            catalogue = read_po(source, locale="ja")
        # Of this process alone: several may start at once.
        temporary = target.with_suffix(f".mo.{os.getpid()}")
        with temporary.open("wb") as out:
            write_mo(out, catalogue)
        temporary.replace(target)


def find_gaps() -> list[str]:
    """Name every string that has no Japanese, has lost its source, or differs in its placeholders."""
    from babel.messages.pofile import read_po

    gaps = []
    said: dict[tuple[str | None, str], tuple[str, str]] = {}
    for package in _packages():
        path = _catalogue(package)
        template = extract(package)
        if not path.exists():
            gaps += [f"{package.name}: no catalogue for {message.id!r}" for message in template if message.id]
            continue
        with path.open("rb") as source:
            catalogue = read_po(source, locale="ja")
        for message in template:
            if not message.id:
                continue
            key = message.id[0] if isinstance(message.id, tuple) else message.id
            translated = catalogue.get(key, message.context)
            if translated is None:
                gaps.append(f"{package.name}: not in the catalogue: {key!r}")
            elif not translated.string or (isinstance(translated.string, tuple) and not all(translated.string)):
                gaps.append(f"{package.name}: no Japanese for {key!r}")
            else:
                gaps += [f"{package.name}: {key!r}: {error}" for error in translated.check(catalogue)]
                string = translated.string if isinstance(translated.string, str) else translated.string[0]
                before = said.setdefault((message.context, key), (package.name, string))
                if before[1] != string:
                    gaps.append(f"{package.name} and {before[0]} translate {key!r} differently: {string} / {before[1]}")
        known = {(message.id[0] if isinstance(message.id, tuple) else message.id) for message in template}
        gaps += [
            f"{package.name}: no longer used: {message.id!r}"
            for message in catalogue
            if message.id and (message.id[0] if isinstance(message.id, tuple) else message.id) not in known
        ]
    return gaps


def main(arguments: list[str]) -> int:
    """Keep the catalogues from the command line; return the exit status."""
    match arguments:
        case ["update", *names]:
            for package in _packages():
                if not names or package.name in names:
                    update(package)
            return 0
        case ["compile"]:
            compile_all()
            return 0
        case ["check"]:
            gaps = find_gaps()
            print("\n".join(gaps) if gaps else "Every string is translated.")
            return 1 if gaps else 0
    print("usage: python -m portal.core.i18n update [PACKAGE …] | compile | check")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

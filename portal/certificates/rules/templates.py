"""What a certificate template says: its design, its words with a fixed list of placeholders, its pictures.

A template is plain data. There is no language in it that anybody could program in: a placeholder is a name in braces,
put in once, and what is put in has no meaning of its own.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date
from enum import StrEnum
from hashlib import sha256
from typing import Any

from portal.certificates.rules import era_date
from portal.core.i18n import LANGUAGES, Words

# What the words of a template may name.
PLACEHOLDERS = (
    "holder",
    "credential",
    "statement",
    "plan",
    "version",
    "organisation",
    "signatory",
    "signatory_title",
    "issued_on",
)
# Of the line with the number: this, exactly once.
NUMBER = "number"
MAX_SEAL = 9
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
# What begins like markup, and what a program would take for an address. None of it would do anything on the sheet;
# who writes it expects otherwise and is told.
_MARKUP = re.compile(r"<\s*[A-Za-z/!?][^>]{0,40}>?|&(?:#\w{1,8}|[A-Za-z]{2,12});")
_ADDRESS = re.compile(
    r"\b(?:https?|ftp|file|data|javascript|vbscript|blob|about|asset):\S{1,40}|\burl\s*\(\S{0,40}"
    r"|[A-Za-z][\w+.-]*://\S{0,40}|(?<![:\w])//\w\S{0,40}",
    re.IGNORECASE,
)
# What a program makes a link of, though it does not say how it is reached.
_WITHOUT_SCHEME = re.compile(r"(?<![\w.@-])www\.\w\S{0,40}", re.IGNORECASE)
_KANJI_DIGITS = "〇一二三四五六七八九"


class Design(StrEnum):
    """The three designs, each in both orientations."""

    CLASSIC = "classic"
    MODERN = "modern"
    PLAIN = "plain"


class Orientation(StrEnum):
    """How the A4 sheet lies."""

    LANDSCAPE = "landscape"
    PORTRAIT = "portrait"


class Shown(StrEnum):
    """Whether a sheet says what it says in its own language only, or its main lines in the other as well."""

    ONE = "one"
    BOTH = "both"


class Honorific(StrEnum):
    """What follows the holder's Japanese name: 殿, 様 or nothing."""

    DONO = "dono"
    SAMA = "sama"
    NONE = "none"


class JapaneseDates(StrEnum):
    """How a Japanese sheet writes days."""

    ERA = "era"
    ERA_KANJI = "era_kanji"
    WESTERN = "western"
    WESTERN_KANJI = "western_kanji"


class EnglishDates(StrEnum):
    """How an English sheet writes days."""

    DAY_FIRST = "day_first"
    MONTH_FIRST = "month_first"
    ISO = "iso"


class SealPlace(StrEnum):
    """Where the seal stands: half over the last character of a name, or beside it."""

    SIGNATORY = "signatory"
    ORGANISATION = "organisation"
    BESIDE = "beside"


class ImageKind(StrEnum):
    """What a picture on a certificate is."""

    LOGO = "logo"
    SIGNATURE = "signature"
    SEAL = "seal"


@dataclass(frozen=True, slots=True)
class TemplateSpec:
    """Everything that a version of a template says; pictures by the SHA-256 of their bytes, empty: none."""

    name: Words
    design: Design
    orientation: Orientation
    shown: Shown
    honorific: Honorific
    dates_ja: JapaneseDates
    dates_en: EnglishDates
    heading: Words
    lead_in: Words
    statement: Words
    closing: Words
    number_line: Words
    logo: str
    signature: str
    # The picture of a seal goes before its characters.
    seal_image: str
    seal: str
    seal_place: SealPlace

    @property
    def has_seal(self) -> bool:
        """Whether there is a seal at all."""
        return bool(self.seal_image or self.seal)

    def images(self) -> dict[ImageKind, str]:
        """Return the pictures that it shows, by what they are."""
        named = {ImageKind.LOGO: self.logo, ImageKind.SIGNATURE: self.signature, ImageKind.SEAL: self.seal_image}
        return {kind: hash_ for kind, hash_ in named.items() if hash_}

    def as_table(self) -> dict[str, Any]:
        """Return it as plain data; `parse` of that is the same spec."""
        table: dict[str, Any] = {}
        for each in fields(self):
            value = getattr(self, each.name)
            table[each.name] = {"en": value.en, "ja": value.ja} if isinstance(value, Words) else str(value)
        return table

    def hash(self) -> str:
        """Return the SHA-256 of its canonical JSON."""
        plain = json.dumps(self.as_table(), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return sha256(plain.encode()).hexdigest()


# Characters in each language; what may stay empty is named below.
TEXT_LIMITS = {"name": 80, "heading": 40, "lead_in": 80, "statement": 400, "closing": 160, "number_line": 40}
MAY_BE_EMPTY = frozenset({"lead_in", "closing"})
CHOICES: dict[str, type[StrEnum]] = {
    "design": Design,
    "orientation": Orientation,
    "shown": Shown,
    "honorific": Honorific,
    "dates_ja": JapaneseDates,
    "dates_en": EnglishDates,
    "seal_place": SealPlace,
}
IMAGES = {"logo": ImageKind.LOGO, "signature": ImageKind.SIGNATURE, "seal_image": ImageKind.SEAL}


class FaultKind(StrEnum):
    """Why a template is refused at a place."""

    UNKNOWN_KEY = "unknown_key"
    MISSING = "missing"
    NOT_TEXT = "not_text"
    LONG = "long"
    PLACEHOLDER = "placeholder"
    BRACE = "brace"
    NO_NUMBER = "no_number"
    MARKUP = "markup"
    ADDRESS = "address"
    CONTROL = "control"
    CHOICE = "choice"
    IMAGE = "image"
    SEAL = "seal"
    OFTEN = "often"
    OVERFLOW = "overflow"
    GLYPH = "glyph"
    SEAL_WORDS = "seal_words"


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a template: the field, the language where it has two, and what was found there."""

    place: str
    kind: FaultKind
    language: str = ""
    found: str = ""


def parse(table: Mapping[str, Any]) -> tuple[TemplateSpec | None, list[Fault]]:
    """Read a template from plain data: the spec, or None with everything that is wrong with it."""
    faults = [Fault(key, FaultKind.UNKNOWN_KEY) for key in table if key not in {each.name for each in _FIELDS}]
    values: dict[str, Any] = {}
    for key in TEXT_LIMITS:
        given = table.get(key)
        texts = given if isinstance(given, Mapping) else {}
        for language in LANGUAGES:
            faults += faults_of_text(key, texts.get(language, ""), language)
        values[key] = Words(*(clean(texts.get(language, "")) for language in LANGUAGES))
    for key, choice in CHOICES.items():
        given = table.get(key)
        if isinstance(given, str) and given in {each.value for each in choice}:
            values[key] = choice(given)
        else:
            faults.append(Fault(key, FaultKind.CHOICE, found=str(given)[:40]))
    for key in IMAGES:
        values[key] = table.get(key, "")
        if not isinstance(values[key], str) or (values[key] and not _SHA256.fullmatch(values[key])):
            faults.append(Fault(key, FaultKind.IMAGE, found=str(values[key])[:40]))
    seal = table.get("seal", "")
    values["seal"] = seal
    if not isinstance(seal, str) or len(seal) > MAX_SEAL or any(not is_drawable(each) for each in seal):
        faults.append(Fault("seal", FaultKind.SEAL))
    return (None, faults) if faults else (TemplateSpec(**values), [])


_FIELDS = fields(TemplateSpec)


def clean(text: Any) -> str:
    """Return a text as it is kept: composed, without blanks around it, in one line."""
    return " ".join(unicodedata.normalize("NFC", text).split(" ")).strip() if isinstance(text, str) else ""


def is_drawable(character: str) -> bool:
    """Say whether a character of a seal has a form: no blanks, nothing that is not seen, no markup."""
    return not (character.isspace() or unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn"))


def faults_of_text(place: str, text: Any, language: str) -> Iterator[Fault]:
    """Yield what is wrong with one text of a template in one language."""
    if not isinstance(text, str):
        yield Fault(place, FaultKind.NOT_TEXT, language)
        return
    if not text.strip():
        if place not in MAY_BE_EMPTY:
            yield Fault(place, FaultKind.MISSING, language)
        return
    if len(text) > TEXT_LIMITS[place]:
        yield Fault(place, FaultKind.LONG, language, str(len(text)))
    yield from faults_of_words(place, text, language)
    if place == "name":
        return
    named = _PLACEHOLDER.findall(text)
    known = (NUMBER,) if place == "number_line" else PLACEHOLDERS
    for each in named:
        if each not in known:
            yield Fault(place, FaultKind.PLACEHOLDER, language, f"{{{each}}}"[:60])
    rest = _PLACEHOLDER.sub("", text)
    brace = next((each for each in "{}" if each in rest), None)
    if brace is not None:
        yield Fault(place, FaultKind.BRACE, language, brace)
    if place == "number_line" and named.count(NUMBER) != 1:
        yield Fault(place, FaultKind.NO_NUMBER, language)


def faults_of_words(place: str, text: str, language: str) -> Iterator[Fault]:
    """Yield what no printed text may hold in either language: what cannot be printed, markup, addresses."""
    # Forms of characters are chosen by invisible ones; those stay. What turns the direction of writing does not.
    hidden = next((each for each in text if unicodedata.category(each) in ("Cc", "Cs", "Co") or each in _TURNS), None)
    if hidden is not None:
        yield Fault(place, FaultKind.CONTROL, language, f"U+{ord(hidden):04X}")
    for kind, pattern in ((FaultKind.MARKUP, _MARKUP), (FaultKind.ADDRESS, _ADDRESS)):
        found = pattern.search(text)
        if found:
            yield Fault(place, kind, language, found.group()[:60])


# So often may a text name the same placeholder: what it stands for is as long as a text itself.
MOST_OFTEN = 2


def repeated(spec: TemplateSpec) -> list[Fault]:
    """Return where a template names the same placeholder too often to be saved; what was published is drawn still."""
    found = []
    for place in TEXT_LIMITS:
        for language in LANGUAGES:
            named = _PLACEHOLDER.findall(getattr(spec, place).in_(language))
            often = next((each for each in named if named.count(each) > MOST_OFTEN), None)
            if often is not None:
                found.append(Fault(place, FaultKind.OFTEN, language, f"{{{often}}}"))
    return found


def refused_at_save(spec: TemplateSpec) -> list[Fault]:
    """Return why a template is not saved, beside what `parse` finds; what was published before is drawn still."""
    found = repeated(spec)
    for place in TEXT_LIMITS:
        for language in LANGUAGES:
            address = _WITHOUT_SCHEME.search(getattr(spec, place).in_(language))
            if address:
                found.append(Fault(place, FaultKind.ADDRESS, language, address.group()[:60]))
    if set(spec.seal) & set("{}"):
        found.append(Fault("seal", FaultKind.SEAL_WORDS, found=spec.seal))
    return found


def says_no_statement(spec: TemplateSpec) -> list[str]:
    """Return the languages in which a template leaves out what the credential states: possible, and worth a word."""
    return [
        language
        for language in LANGUAGES
        if "{statement}" not in "".join(getattr(spec, place).in_(language) for place in TEXT_LIMITS)
    ]


def markup_in(text: str) -> str:
    """Return what in a text begins like markup or is an address, which nothing that is printed may hold; or nothing."""
    found = _MARKUP.search(text) or _ADDRESS.search(text) or _WITHOUT_SCHEME.search(text)
    return found.group()[:60] if found else ""


_TURNS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u2028\u2029")


# --- days ---------------------------------------------------------------------------------------------------------


def kanji_number(number: int) -> str:
    """Write a whole number from 1 to 99 as it is spoken: 十一, 二十, 三十一."""
    tens, ones = divmod(number, 10)
    spoken = ("" if tens < 2 else _KANJI_DIGITS[tens]) + ("十" if tens else "")
    return spoken + (_KANJI_DIGITS[ones] if ones else "")


def japanese_date(day: date, style: JapaneseDates) -> str:
    """Write a day in one of the four ways; the first year of an era is 元年."""
    if style is JapaneseDates.WESTERN:
        return f"{day.year}年{day.month}月{day.day}日"
    if style is JapaneseDates.WESTERN_KANJI:
        year = "".join(_KANJI_DIGITS[int(digit)] for digit in str(day.year))
        return f"{year}年{kanji_number(day.month)}月{kanji_number(day.day)}日"
    era = era_date(day)
    if style is JapaneseDates.ERA:
        return era
    if era[0].isdigit():
        # Before the first era that is known.
        return japanese_date(day, JapaneseDates.WESTERN_KANJI)
    return re.sub(r"\d+", lambda found: kanji_number(int(found.group())), era)


_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def english_date(day: date, style: EnglishDates) -> str:
    """Write a day: 11 May 2026, May 11, 2026 or 2026-05-11."""
    month = _MONTHS[day.month - 1]
    if style is EnglishDates.ISO:
        return day.isoformat()
    if style is EnglishDates.MONTH_FIRST:
        return f"{month} {day.day}, {day.year}"
    return f"{day.day} {month} {day.year}"


def written_date(day: date, language: str, spec: TemplateSpec) -> str:
    """Write a day as the template's sheet of a language does."""
    return japanese_date(day, spec.dates_ja) if language == "ja" else english_date(day, spec.dates_en)


# --- where a template begins --------------------------------------------------------------------------------------


def starting_spec(design: Design) -> TemplateSpec:
    """Return what a new template of a design says before anybody has changed it."""
    return _STARTING[design]


_STARTING = {
    Design.CLASSIC: TemplateSpec(
        name=Words("Classic", "クラシック"),
        design=Design.CLASSIC,
        orientation=Orientation.LANDSCAPE,
        shown=Shown.ONE,
        honorific=Honorific.DONO,
        dates_ja=JapaneseDates.ERA_KANJI,
        dates_en=EnglishDates.DAY_FIRST,
        heading=Words("Certificate of Completion", "修了証書"),
        lead_in=Words("This is to certify that", ""),
        statement=Words("{statement}", "{statement}"),
        closing=Words("", "よってここにこれを証します。"),
        number_line=Words("No. {number}", "第 {number} 号"),
        logo="",
        signature="",
        seal_image="",
        seal="修了之印",
        seal_place=SealPlace.SIGNATORY,
    ),
    Design.MODERN: TemplateSpec(
        name=Words("Modern, in both languages", "モダン（2言語）"),
        design=Design.MODERN,
        orientation=Orientation.LANDSCAPE,
        shown=Shown.BOTH,
        honorific=Honorific.NONE,
        dates_ja=JapaneseDates.WESTERN,
        dates_en=EnglishDates.DAY_FIRST,
        heading=Words("Certificate of Completion", "修了証"),
        lead_in=Words("", ""),
        statement=Words("{holder} {statement}", "{statement}"),
        closing=Words("", ""),
        number_line=Words("No. {number}", "第{number}号"),
        logo="",
        signature="",
        seal_image="",
        seal="修了之印",
        seal_place=SealPlace.SIGNATORY,
    ),
    Design.PLAIN: TemplateSpec(
        name=Words("Plain and formal", "シンプル"),
        design=Design.PLAIN,
        orientation=Orientation.PORTRAIT,
        shown=Shown.ONE,
        honorific=Honorific.SAMA,
        dates_ja=JapaneseDates.WESTERN,
        dates_en=EnglishDates.DAY_FIRST,
        heading=Words("Certificate of Completion", "修了証"),
        lead_in=Words("This is to certify that", ""),
        statement=Words("{statement}", "{statement}"),
        closing=Words("", ""),
        number_line=Words("Certificate No. {number}", "証書番号 {number}"),
        logo="",
        signature="",
        seal_image="",
        seal="",
        seal_place=SealPlace.BESIDE,
    ),
}

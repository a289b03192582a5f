"""Reading a list of people as it comes out of a spreadsheet or a mail: names and addresses in any order."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from portal.accounts.rules import as_stored, fold_sign_in_name, is_family_first
from portal.accounts.service.imports import MAX_NAME, column_of, folded_heading, is_mail_address
from portal.accounts.service.people import NAME_FIELDS, Names
from portal.core.i18n import gettext as _
from portal.core.tables import is_garbled, lines_of
from portal.core.texts import forbidden, private, trimmed

# Headings besides those of the table of people.
_ALSO = {
    "name": ("name", "full name", "氏名", "名前", "お名前", "受講者", "learner"),
    "kana": ("reading", "kana", "furigana", "ふりがな", "カナ", "氏名（カナ）", "氏名カナ", "氏名ふりがな", "よみ"),
    "mentor": ("mentor", "メンター"),
    "sign_in_name": ("address", "mail address", "e-mail address", "電子メール", "アドレス"),
}
_HEADINGS = {folded_heading(text): name for name, texts in _ALSO.items() for text in texts}
# What stands between cells where the first line had something else, and around an address in a mail's list.
_BETWEEN = re.compile(r"[\t，、;；]")
_ADDRESS = re.compile(r"[^\s<>()＜＞（）「」\[\],;:\"'“”]+[@＠][^\s<>()＜＞（）「」\[\],;:\"'“”]+")
_AROUND = " \t　<>()＜＞（）「」[]\"'“”″,;:"
_LANGUAGES = {"en": "en", "english": "en", "英語": "en", "ja": "ja", "jp": "ja", "japanese": "ja", "日本語": "ja"}
_KANA_ONLY = re.compile(r"[\u3041-\u30ff\uff66-\uff9f\s]+")


@dataclass(slots=True)
class Listed:
    """Somebody as a line of the list names her; `fault` says in words why the line cannot be taken."""

    line: int
    sign_in_name: str = ""
    names: Names = field(default_factory=lambda: Names(""))
    language: str = ""
    employee_number: str = ""
    # Her mentor as typed, by address or by name, where the list names one.
    mentor: str = ""
    fault: str = ""
    as_written: str = ""

    @property
    def shown_name(self) -> str:
        """The name as the list has it."""
        parts = (self.names.family_name, self.names.given_name)
        if self.names.family_name and not is_family_first(self.names.family_name):
            parts = parts[::-1]
        return " ".join(filter(None, parts)) or self.as_written


def count_lines(text: str) -> int:
    """Return how many lines of a text say anything."""
    return sum(bool(line.strip()) for line in text.splitlines())


def read_people(text: str) -> list[Listed]:
    """Read who is named in a text: a table with headings in either language or without, or addresses as in a mail.

    Each line gives at least one entry, at fault where there is no address in it. Names are kept as typed, addresses
    are folded (width, case). Raises `TableUnreadable` where a line cannot be split into cells.
    """
    found: list[Listed] = []
    columns: Mapping[int, str] | None = None
    is_first = True
    for line, raw in lines_of(text):
        cells = [trimmed(cell) for cell in raw]
        if not any(cells):
            continue
        if is_first:
            is_first = False
            columns = _headings(cells)
            if columns is not None:
                continue
        if columns is not None and not _is_out_of_place(cells, columns):
            found.append(_of_columns(line, cells, columns))
        else:
            found += _of_cells(line, [part.strip() for cell in cells for part in _BETWEEN.split(cell) if part.strip()])
    for each in found:
        _judge(each)
    return found


def _headings(cells: Sequence[str]) -> dict[int, str] | None:
    """Return what each column holds (as far as that is clear) where the first line is one of headings, else None."""
    if any(_ADDRESS.search(cell) for cell in cells):
        return None
    columns: dict[int, str] = {}
    for place, cell in enumerate(cells):
        name = _column(cell)
        if name is not None and name not in columns.values():
            columns[place] = name
    if not columns and any(_column(part) for cell in cells for part in _BETWEEN.split(cell)):
        # Headings between which stands something else than between cells: each line shows itself.
        return {}
    return columns or None


def _column(heading: str) -> str | None:
    return column_of(heading) or _HEADINGS.get(folded_heading(heading))


def _is_out_of_place(cells: Sequence[str], columns: Mapping[int, str]) -> bool:
    """Say whether the only address of a line stands in another column than its heading says."""
    there = next((place for place, name in columns.items() if name == "sign_in_name"), None)
    return (there is None or there >= len(cells) or not cells[there]) and any(map(_ADDRESS.search, cells))


def _of_columns(line: int, cells: Sequence[str], columns: Mapping[int, str]) -> Listed:
    values = {name: cells[place] for place, name in columns.items() if place < len(cells)}
    names = {name: values[name] for name in NAME_FIELDS if values.get(name)}
    if values.get("name") and "family_name" not in names:
        names["family_name"], names["given_name"] = _split(values["name"])
    if values.get("kana") and "family_kana" not in names:
        names["family_kana"], names["given_kana"] = _split(values["kana"])
    address = values.get("sign_in_name", "")
    within = _ADDRESS.search(address)
    return Listed(
        line,
        fold_sign_in_name(within[0] if within else address),
        Names(**({"family_name": ""} | names)),
        language=_LANGUAGES.get(values.get("language", "").casefold(), ""),
        employee_number=values.get("employee_number", ""),
        mentor=values.get("mentor", ""),
        as_written=" ".join(filter(None, cells)),
    )


def _of_cells(line: int, cells: Sequence[str]) -> list[Listed]:
    """Return who is named in a line of which nobody said what its cells are."""
    addressed = [cell for cell in cells if _ADDRESS.search(cell)]
    written = " ".join(cells)
    if not addressed:
        return [Listed(line, as_written=written)]
    if len(addressed) > 1:
        # As in the list of a mail: each address with the name beside it.
        return [Listed(line, *_address_and_name(cell), as_written=cell) for cell in addressed]
    address, names = _address_and_name(addressed[0])
    texts = [cell for cell in cells if cell is not addressed[0] and not unicodedata.normalize("NFKC", cell).isdecimal()]
    if texts and not names.family_name:
        names = _names_of(texts)
    return [Listed(line, address, names, as_written=written)]


def _address_and_name(cell: str) -> tuple[str, Names]:
    found = _ADDRESS.search(cell)
    assert found is not None
    family, given = _split((cell[: found.start()] + " " + cell[found.end() :]).strip(_AROUND))
    return fold_sign_in_name(found[0]), Names(family, given)


def _names_of(texts: Sequence[str]) -> Names:
    """Return the names of cells without headings: kana beside kanji is the reading, two cells are family and given."""
    kana = [text for text in texts if _KANA_ONLY.fullmatch(text)]
    written = [text for text in texts if text not in kana]
    if not written:
        written, kana = kana, []
    if len(written) >= 2:
        family, given = written[0], written[1]
        if not is_family_first(family):
            family, given = given, family
    else:
        family, given = _split(written[0])
    if len(kana) >= 2:
        return Names(family, given, family_kana=kana[0], given_kana=kana[1])
    family_kana, given_kana = _split(kana[0]) if kana else ("", "")
    return Names(family, given, family_kana=family_kana, given_kana=given_kana)


def _split(name: str) -> tuple[str, str]:
    """Return the family name and the given name of a whole one; names in kanji or kana begin with the family."""
    parts = name.split()
    if len(parts) < 2:
        return as_stored(name), ""
    if is_family_first(name):
        return parts[0], " ".join(parts[1:])
    return parts[-1], " ".join(parts[:-1])


def _judge(each: Listed) -> None:
    if any(map(is_garbled, _texts(each))) or is_garbled(each.as_written):
        each.fault = _("This line is written in another encoding than the rest. Correct its names.")
    elif not each.sign_in_name:
        each.fault = _("There is no email address in this line.")
    elif not is_mail_address(each.sign_in_name):
        each.fault = _("“%(text)s” is not an email address.", text=each.sign_in_name[:80])
    elif any(len(text) > MAX_NAME for text in _texts(each)) or len(each.employee_number) > 60:
        each.fault = _("A name in this line is too long.")
    elif any(forbidden(text, private(text)) for text in _texts(each)):
        each.fault = _("A line break or control character stands inside a name.")


def _texts(each: Listed) -> Iterable[str]:
    yield from (getattr(each.names, name) for name in NAME_FIELDS)
    yield each.employee_number

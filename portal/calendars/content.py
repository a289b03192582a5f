"""`calendars/<MARKET>.toml`: the company days of a market; national holidays come with the product."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from pathlib import PurePosixPath
from typing import Any

from portal.accounts.models import Person
from portal.calendars import queries, service
from portal.calendars.errors import NoHolidaysFor
from portal.calendars.service import CompanyPeriod
from portal.core.clock import YEARS
from portal.core.content import ContentFile, ContentFolder, line_of, to_toml
from portal.core.i18n import gettext as _


class CalendarsPart:
    """The calendars' share of the content folder."""

    folder = "calendars"

    def check(self, folder: ContentFolder) -> None:
        """Look at every calendar file; note what is wrong."""
        for file in folder.below(self.folder):
            if len(file.parts) != 2 or not file.path.endswith(".toml"):
                folder.error(
                    file.path,
                    0,
                    _("This is not a calendar file."),
                    _("A calendar belongs in calendars/MARKET.toml, such as calendars/JP.toml."),
                )
                continue
            table = folder.read_toml(file)
            if table is not None:
                _periods(folder, file, table)

    def load(self, folder: ContentFolder, by: Person) -> list[str]:
        """Declare each market's company days, and bring the holiday tables of all markets up to date."""
        changes = []
        for file in folder.below(self.folder):
            market = queries.find_market(_market_code(file))
            if market is None:
                folder.error(
                    file.path,
                    0,
                    _("There is no market “%(code)s”.", code=_market_code(file)),
                    _("Name the file after the code of a market, or add the market in the settings first."),
                )
                continue
            periods = _periods(folder, file, folder.read_toml(file) or {})
            if service.declare_company_days(market=market, periods=periods, by=by):
                changes.append(f"{file.path}: {market.code}")
        for country in queries.list_countries():
            try:
                table, is_new = service.load_national_holidays(country=country, by=by)
            except NoHolidaysFor as unknown:
                folder.warn("calendars", 0, str(unknown))
                continue
            if is_new:
                changes.append(f"holidays {country}: version {table.version}, {table.first_year}–{table.last_year}")
        return changes

    def dump(self) -> Iterator[ContentFile]:
        """Yield the company days of each market that has some."""
        for market in queries.list_markets():
            rows = queries.list_company_days(market)
            if rows:
                periods = [CompanyPeriod(row.first_on, row.last_on, row.name, bool(row.is_worked)) for row in rows]
                yield ContentFile(f"{self.folder}/{market.code}.toml", _written(periods))

    def canonical(self, file: ContentFile) -> str | None:
        """Return the file as `dump` would write what it says."""
        folder = ContentFolder({})
        table = folder.read_toml(file)
        periods = [] if table is None else _periods(folder, file, table)
        return None if folder.errors else _written(periods)


def _market_code(file: ContentFile) -> str:
    return PurePosixPath(file.path).stem


def _written(periods: Sequence[CompanyPeriod]) -> str:
    days = [
        {"from": period.first_on, "to": period.last_on, "name": period.name}
        | ({"works": True} if period.is_worked else {})
        for period in sorted(periods, key=lambda period: (period.first_on, period.last_on, period.name.en))
    ]
    return to_toml({"company_day": days}) if days else ""


def _periods(folder: ContentFolder, file: ContentFile, table: dict[str, Any]) -> list[CompanyPeriod]:
    found: list[CompanyPeriod] = []
    entries = table.get("company_day", [])
    unknown = sorted(set(table) - {"company_day"})
    if unknown:
        folder.error(
            file.path,
            line_of(file.text, unknown[0]),
            _("“%(key)s” is not known here.", key=unknown[0]),
            _("A calendar can only contain [[company_day]] entries."),
        )
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        folder.error(
            file.path,
            line_of(file.text, "company_day"),
            _("“company_day” is not a list of entries."),
            _("Begin each entry with a line [[company_day]]."),
        )
        return found
    for number, entry in enumerate(entries, start=1):
        line = _line_of_entry(file.text, number)
        first, last = (_date(entry.get(key)) for key in ("from", "to"))
        name = folder.words(file, entry, "name")
        if first is None or last is None:
            folder.error(
                file.path,
                line,
                _("“from” and “to” must be dates of the years %(first)s to %(last)s.", first=YEARS[0], last=YEARS[-1]),
                _("Write them without quotation marks, such as from = 2026-12-29."),
            )
        elif last < first:
            folder.error(
                file.path, line, _("The period ends before it begins."), _("Swap “from” and “to”, or correct one.")
            )
        elif (last - first).days > 366:
            folder.error(
                file.path,
                line,
                _("The period is longer than a year."),
                _("Company days are single days or short closures. Correct the dates."),
            )
        elif not isinstance(entry.get("works", False), bool):
            folder.error(
                file.path,
                line,
                _("“works” must be true or false."),
                _("Write works = true for days that are worked although they would be days off."),
            )
        elif name is not None:
            found.append(CompanyPeriod(first, last, name, entry.get("works", False)))
    return found


def _date(value: object) -> date | None:
    return value if isinstance(value, date) and not isinstance(value, datetime) and value.year in YEARS else None


def _line_of_entry(text: str, number: int) -> int:
    seen = 0
    for line, content in enumerate(text.splitlines(), start=1):
        if content.strip().replace(" ", "") == "[[company_day]]":
            seen += 1
            if seen == number:
                return line
    return line_of(text, "company_day")

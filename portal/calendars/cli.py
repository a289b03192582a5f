"""Commands about calendars: `flask calendars load`."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from portal.calendars import queries, service
from portal.core.errors import DomainError
from portal.core.transaction import transaction

calendars = AppGroup("calendars", help="The tables of national holidays.")


class Years(click.ParamType[range]):
    """A year, or a span of years: 2026 or 2024-2031."""

    name = "years"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> range:
        """Read the years, or refuse with an example."""
        if isinstance(value, range):
            return value
        first, _, last = str(value).partition("-")
        if not (first.isdigit() and (last or first).isdigit() and 1900 <= int(first) <= int(last or first) <= 2200):
            self.fail(f"{value!r} is no year and no span of years; write 2026 or 2024-2031")
        return range(int(first), int(last or first) + 1)


@calendars.command("load")
@click.argument("countries", nargs=-1, metavar="[COUNTRY]...")
@click.option("--years", type=Years(), help="Default: three years back to five ahead.")
def load(countries: tuple[str, ...], years: range | None) -> None:
    """Load the national holidays of COUNTRY (default: of every market); a second time changes nothing."""
    with transaction():
        wanted = sorted({each.upper() for each in countries or queries.list_countries()})
        if not wanted:
            raise click.ClickException("no market names a country for its holidays; name one: flask calendars load JP")
        for country in wanted:
            try:
                table, is_new = service.load_national_holidays(country=country, years=years)
            except DomainError as refused:
                raise click.ClickException(str(refused)) from refused
            state = "loaded" if is_new else "unchanged"
            click.echo(f"{table.country} version {table.version}: {table.first_year}–{table.last_year}, {state}")


@calendars.command("show")
def show() -> None:
    """Say which years each table knows, and which of them are provisional."""
    for table in queries.list_tables():
        provisional = (
            f", provisional from {table.provisional_from}"
            if table.provisional_from is not None and table.provisional_from <= table.last_year
            else ""
        )
        years = f"{table.first_year}–{table.last_year}{provisional}"
        click.echo(f"{table.country} version {table.version}: {years} ({table.source})")

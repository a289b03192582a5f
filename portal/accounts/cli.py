"""`flask people`: the first administrator, and links for those whom no mail reaches."""

from __future__ import annotations

import sys
from datetime import timedelta

import click
from flask.cli import AppGroup

from portal.accounts import queries
from portal.accounts.models import Person, Role, Scope
from portal.accounts.permissions import open_grants
from portal.accounts.service import grants, links, passwords, people
from portal.accounts.service.imports import is_mail_address
from portal.accounts.service.people import Names
from portal.core import clock
from portal.core.errors import DomainError
from portal.core.i18n import Words
from portal.core.texts import forbidden, private, trimmed
from portal.core.transaction import transaction
from portal.core.web import public_url
from portal.organisation import queries as organisation
from portal.organisation import service as organisation_service

people_commands = AppGroup("people", help="The first administrator, and links for those whom no mail reaches.")


@people_commands.command("create-admin")
@click.option("--mail", help="Email address; the sign-in name.")
@click.option("--family-name", help="Family name, or the only name.")
@click.option("--given-name", help="Given name.")
@click.option("--language", type=click.Choice(["en", "ja"]), default="en", show_default=True)
@click.option("--market", default="JP", show_default=True, help="Code of the home market; made if it is not there.")
@click.option("--time-zone", default="", help="Time zone; default: the market's.")
@click.option(
    "--password-stdin",
    is_flag=True,
    help="Read the password from the first line of the standard input; nothing is asked then.",
)
@click.option("--link", "want_link", is_flag=True, help="Print a one-time link instead of asking for a password.")
def create_admin(
    *,
    mail: str | None,
    family_name: str | None,
    given_name: str | None,
    language: str,
    market: str,
    time_zone: str,
    password_stdin: bool,
    want_link: bool,
) -> None:
    """Make an administrator, or make somebody who is there already one."""
    # What is asked is read from the standard input too, and would take the password for a name.
    is_asked = not password_stdin
    mail = _given("--mail", mail, "Email address (the sign-in name)", is_asked=is_asked)
    family_name = _given("--family-name", family_name, "Family name (or the only name)", is_asked=is_asked)
    if given_name is None:
        given_name = str(click.prompt("Given name", default="", show_default=False)) if is_asked else ""
    if not is_mail_address(mail.strip()):
        raise click.ClickException(f"“{mail}” is not a mail address")
    known = queries.find_person_by_sign_in_name(mail)
    if known is not None and queries.is_shut_out(known):
        raise click.ClickException("this is a demo account whose password is public; name somebody else")
    # Somebody who has a password keeps it; this command is no way around it.
    needs_password = known is None or known.is_invited
    password = None if want_link or not needs_password else _read_password(password_stdin)
    try:
        with transaction():
            person = known or _new(
                mail=mail,
                family_name=family_name,
                given_name=given_name,
                language=language,
                market=market,
                time_zone=time_zone,
            )
            if not any(grant.scope is Scope.ORGANISATION for grant in open_grants(person, Role.ADMIN)):
                grants.grant_role(person=person, role=Role.ADMIN, by=None)
            if password is not None:
                passwords.set_password(person=person, password=password, by=None)
            link = _link(person) if needs_password and password is None else None
    except DomainError as refused:
        raise click.ClickException(str(refused)) from refused
    click.echo(f"{person.sign_in_name} is an administrator.")
    if link:
        _say_link(person, link)


@people_commands.command("link")
@click.argument("name", metavar="MAIL")
def link_command(name: str) -> None:
    """Print a fresh one-time link for MAIL: an invitation, or a password reset."""
    person = queries.find_person_by_sign_in_name(name)
    if person is None:
        raise click.ClickException(f"nobody signs in as {name}")
    try:
        with transaction():
            link = _link(person)
    except DomainError as refused:
        raise click.ClickException(str(refused)) from refused
    _say_link(person, link)


def _new(*, mail: str, family_name: str, given_name: str, language: str, market: str, time_zone: str) -> Person:
    code = market.upper()
    home = organisation.find_market(code)
    if home is None:
        zone = time_zone or organisation.default_time_zone()
        home = organisation_service.add_market(
            code=code,
            name=Words("Japan", "日本") if code == "JP" else Words(code, code),
            time_zone=zone,
            holiday_country=code if len(code) == 2 else "",
            by=None,
        )
    zone = time_zone or home.time_zone
    if not clock.is_zone(zone):
        raise click.ClickException(f"“{zone}” is not a known time zone; write one like Asia/Tokyo")
    both = family_name + given_name
    if not trimmed(family_name) or forbidden(both, private(both)):
        raise click.ClickException("a name without control characters is needed; a single name goes into --family-name")
    return people.invite(
        sign_in_name=mail,
        names=Names(family_name=family_name, given_name=given_name),
        language=language,
        time_zone=zone,
        market=home,
        team=None,
        by=None,
        role=None,
        send=False,
    )


def _given(option: str, value: str | None, question: str, *, is_asked: bool) -> str:
    """Return what an option says, or ask for it where that is allowed."""
    if value is not None:
        return value
    if not is_asked:
        raise click.UsageError(f"{option} is missing; with --password-stdin nothing is asked.")
    return str(click.prompt(question))


def _read_password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))


def _link(person: Person) -> str:
    return public_url("accounts.open_link", token=links.make_link(person=person))


def _say_link(person: Person, link: str) -> None:
    lifetime = links.LIFETIME[links.purpose_for(person)]
    minutes = lifetime // timedelta(minutes=1)
    within = f"{lifetime.days} days" if lifetime.days else f"{minutes} minutes"
    click.echo(f"This link opens the account of {person.sign_in_name} once, within {within}:")
    click.echo(link)

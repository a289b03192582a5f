"""Commands about training: `flask training cohort`, `flask training enroll`, `flask training event`."""

from __future__ import annotations

from datetime import date, datetime

import click
from flask.cli import AppGroup

from portal.accounts import queries as accounts
from portal.accounts.models import Person
from portal.calendars.queries import find_market
from portal.cohorts import queries as cohorts
from portal.cohorts import service as cohort_service
from portal.core.errors import DomainError
from portal.core.i18n import Words
from portal.core.transaction import transaction
from portal.training import queries
from portal.training.models import Enrollment
from portal.training.queries import catalogue
from portal.training.service import dates
from portal.training.service.enrollments import enroll, recognition_of

training = AppGroup("training", help="Cohorts and enrollments.")
_DAY = click.DateTime(["%Y-%m-%d"])


def _person(name: str | None) -> Person:
    person = accounts.find_person_by_sign_in_name(name) if name else accounts.find_first_administrator()
    if person is None:
        raise click.ClickException(
            f"nobody signs in as {name}" if name else "there is no administrator yet: flask people create-admin"
        )
    return person


@training.command("cohort")
@click.argument("code")
@click.option("--name-en", required=True, help="What it is called in English.")
@click.option("--name-ja", required=True, help="What it is called in Japanese.")
@click.option("--market", required=True, metavar="CODE")
@click.option("--team", metavar="CODE", help="Leave out for people of several teams.")
@click.option("--starts-on", required=True, type=_DAY, metavar="DATE")
@click.option("--by", metavar="NAME", help="Sign-in name; default: the first administrator.")
def create_cohort(
    *, code: str, name_en: str, name_ja: str, market: str, team: str | None, starts_on: datetime, by: str | None
) -> None:
    """Found the cohort CODE, such as jp-2026-04."""
    with transaction():
        found_market, found_team = find_market(market), cohorts.find_team(team) if team else None
        if found_market is None or (team and found_team is None):
            missing = f"market {market}" if found_market is None else f"team {team}"
            raise click.ClickException(f"there is no {missing}")
        try:
            cohort = cohort_service.create_cohort(
                code=code,
                name=Words(name_en, name_ja),
                market=found_market,
                team=found_team,
                starts_on=starts_on.date(),
                by=_person(by),
            )
        except DomainError as refused:
            raise click.ClickException(str(refused)) from refused
        click.echo(f"cohort {cohort.code}")


@training.command("enroll")
@click.argument("plan")
@click.argument("people", nargs=-1, required=True, metavar="NAME...")
@click.option("--cohort", "cohort_code", metavar="CODE", help="Put the people into this cohort as well.")
@click.option("--starts-on", type=_DAY, metavar="DATE", help="Default: the cohort's first day.")
@click.option(
    "--event", "events", type=(str, _DAY), multiple=True, metavar="EVENT DATE", help="Default: the cohort's day."
)
@click.option("--by", metavar="NAME", help="Sign-in name; default: the first administrator.")
def enroll_people(
    *,
    plan: str,
    people: tuple[str, ...],
    cohort_code: str | None,
    starts_on: datetime | None,
    events: tuple[tuple[str, datetime], ...],
    by: str | None,
) -> None:
    """Let people (by sign-in name) follow PLAN from a day on: all of them or none."""
    with transaction():
        try:
            days = {slug: moment.date() for slug, moment in events}
            cohort = cohorts.get_cohort(cohort_code) if cohort_code else None
            first_day: date | None = starts_on.date() if starts_on else cohort.starts_on if cohort else None
            if first_day is None:
                raise click.ClickException("name the first day with --starts-on, or a cohort")
            version, acting = catalogue.get_latest_version(plan), _person(by)
            for name in people:
                person = _person(name)
                if cohort is not None:
                    cohort_service.add_member(cohort=cohort, person=person, by=acting)
                enrollment = enroll(
                    person=person, version=version, starts_on=first_day, cohort=cohort, by=acting, events=days
                )
                click.echo(f"{enrollment.code}  {person.sign_in_name}")
                _say_what_counts(enrollment)
                for each in queries.standing_of(enrollment).feasibility():
                    if not each.is_enough:
                        what = f"before {each.event}" if each.event else "in all"
                        click.echo(f"  needs {each.needed} working days {what}, {each.left} left until {each.until}")
        except DomainError as refused:
            raise click.ClickException(str(refused)) from refused


def _say_what_counts(enrollment: Enrollment) -> None:
    """Say what was done before and counts, and what does not, and why."""
    for each in recognition_of(
        person=enrollment.person, version=enrollment.version, market=enrollment.market, at=enrollment.enrolled_at
    ):
        word = "counts" if each.why_not is None else f"does not count ({each.why_not.value.replace('_', ' ')})"
        click.echo(f"  {each.step.slug}: done on {each.earlier.at:%Y-%m-%d}, {word}")


@training.command("event")
@click.argument("cohort_code", metavar="COHORT")
@click.argument("plan")
@click.argument("event")
@click.argument("on", type=_DAY, metavar="DATE")
@click.option("--reason", default="", help="Needed where it was another day before; the learners read it.")
@click.option("--by", metavar="NAME", help="Sign-in name; default: the first administrator.")
def set_event(*, cohort_code: str, plan: str, event: str, on: datetime, reason: str, by: str | None) -> None:
    """Say when an EVENT of PLAN takes place for COHORT."""
    with transaction():
        try:
            thing = queries.get_event_of_cohort(cohort_code, plan, event)
            dates.set_event_of_cohort(
                cohort=thing.cohort, event=thing.event, on=on.date(), reason=reason, by=_person(by)
            )
        except DomainError as refused:
            raise click.ClickException(str(refused)) from refused
        click.echo(f"{event}  {on.date()}")

"""What is there before anybody is trained: settings, markets, teams, holidays, the staff and the content."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from flask import current_app

from portal import wiring
from portal.accounts.models import Person
from portal.accounts.service import grants, passwords, people
from portal.accounts.service.people import Names
from portal.calendars import queries as calendars
from portal.calendars.service import load_national_holidays
from portal.core import clock, markdown
from portal.core.i18n import Words
from portal.operations.demo.agenda import Days, moment_of, weekday_before
from portal.operations.demo.people import (
    ABROAD,
    DOMAIN,
    NEIGHBOURS,
    OSAKA,
    STAFF,
    SUPPORT,
    TEAM,
    ZONE,
    ZONE_ABROAD,
)
from portal.organisation import queries as organisation
from portal.organisation import rules as settings
from portal.organisation.models import Market, Team
from portal.organisation.service import add_market, add_team, change_settings

# Days before the demo's own: long enough ago for a rehearsal half a year back, and for cards that have grown old.
_FOUNDED, _STAFFED = 290, 280


def found_organisation(day: date) -> None:
    """Make settings, markets, teams and holidays; everything else builds on them."""
    with clock.frozen(moment_of(weekday_before(day, _FOUNDED), 9)):
        change_settings(
            values={
                settings.NAME: Words("Hibiki Trust and Safety", "Hibiki トラスト＆セーフティ"),
                settings.WELLBEING_CONTACT: Words(f"Nao Kimura, wellbeing@{DOMAIN}", f"木村 奈央 wellbeing@{DOMAIN}"),
                settings.WELLBEING_TEXT: Words(
                    "Nao Kimura answers on working days from 9:00 to 18:00, in English and Japanese. What is said "
                    "there is not passed on to leads, trainers or administrators.",
                    "営業日の9:00から18:00まで、木村 奈央が日本語と英語で対応します。"
                    "相談の内容が、リード・教材の作成者・管理者に伝わることはありません。",
                ),
            },
            by=None,
        )
        japan = add_market(code="JP", name=Words("Japan", "日本"), time_zone=ZONE, holiday_country="JP", by=None)
        abroad = add_market(
            code="US", name=Words("United States", "米国"), time_zone=ZONE_ABROAD, holiday_country="US", by=None
        )
        add_team(code=TEAM, name=Words("Account safety Tokyo", "アカウント安全 東京"), market=japan, by=None)
        add_team(code=NEIGHBOURS, name=Words("Live safety Tokyo", "ライブ安全 東京"), market=japan, by=None)
        add_team(code=OSAKA, name=Words("Account safety Osaka", "アカウント安全 大阪"), market=japan, by=None)
        add_team(
            code=ABROAD, name=Words("Account safety Austin", "アカウント安全 オースティン"), market=abroad, by=None
        )
        add_team(
            code=SUPPORT,
            name=Words("Customer support Austin", "カスタマーサポート オースティン"),
            market=abroad,
            by=None,
        )
        for country in ("JP", "US"):
            load_national_holidays(country=country)


def places() -> tuple[dict[str, Market], dict[str, Team]]:
    """Return the markets and the teams by their codes."""
    return {each.code: each for each in organisation.list_markets()}, {
        each.code: each for each in organisation.list_teams()
    }


def days_of(day: date, market: str = "JP") -> Days:
    """Return the working days of a market, by default of the teams in Tokyo, as far as they are known by now."""
    return Days(calendars.working_calendar(places()[0][market]), day)


def let_staff_in(day: date) -> dict[str, Person]:
    """Give the staff their accounts, long ago."""
    markets, teams = places()
    staff = {}
    with clock.frozen(moment_of(days_of(day).on_or_before(_STAFFED), 10)):
        for each in STAFF:
            person = people.invite(
                sign_in_name=each.sign_in_name, names=each.names, language=each.language, time_zone=each.zone,
                market=markets[each.market], team=teams[each.team], by=None, send=False,
            )  # fmt: skip
            for role, scope, code in each.roles:
                grants.grant_role(person=person, role=role, scope=scope, scope_code=code, by=None)
            passwords.set_password(person=person, password=each.password, by=person)
            people.mark_as_demo(person=person)
            staff[each.name] = person
    return staff


def open_account(name: str, names: Names, language: str, by: Person, team: str = TEAM) -> Person:
    """Open the account of somebody who is trained in a team, by default that in Tokyo, without a password."""
    place = places()[1][team]
    person = people.invite(
        sign_in_name=f"{name}@{DOMAIN}", names=names, language=language, time_zone=place.market.time_zone,
        market=place.market, team=place, by=by, send=False,
    )  # fmt: skip
    people.mark_as_demo(person=person)
    return person


def take_calendars_in(day: date, by: Person) -> None:
    """Take in the company's own days off, long before the rest of the content: by them working days are counted."""
    from portal.operations.service import check_content

    parts = [part for part in wiring.CONTENT_PARTS if part.folder == "calendars"]
    with clock.frozen(moment_of(days_of(day).on_or_before(_STAFFED - 1), 9)):
        folder = check_content(Path(current_app.config["CONTENT_DIR"]), parts)
        for part in parts:
            part.load(folder, by)


def take_content_in(day: date, by: Person) -> None:
    """Take in the content that comes with the product."""
    from portal.operations.service import import_content

    with clock.frozen(moment_of(days_of(day).on_or_before(50), 9)), markdown.remembering():
        import_content(root=Path(current_app.config["CONTENT_DIR"]), parts=wiring.CONTENT_PARTS, by=by)

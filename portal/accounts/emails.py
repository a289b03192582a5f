"""The mails about accounts; each is built when it is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from portal.accounts import queries
from portal.accounts.models import LinkPurpose, NameOutcome, NamesKept, Person
from portal.accounts.service import links
from portal.accounts.service.recipients import describe_mail
from portal.core.i18n import force_locale, format_instant
from portal.core.i18n import gettext as _
from portal.core.i18n import lazy_gettext as _l
from portal.core.jobs import Description
from portal.core.mail import Email, email
from portal.core.web import public_url


def _describe_links(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    names = [each["name"] for each in arguments]
    found, _numbers = queries.find_taken(names, ())
    return [
        describe_mail(_l("Email: link to set a password"), found[name])
        if name in found
        # A stranger's address is nobody's business; what counts is that nothing is sent.
        else Description(
            _l("Email: link to set a password"), about=_("Not sent: there is no account with the requested address")
        )
        for name in names
    ]


def _describe_changes(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    people = {person.code: person for person in queries.list_people_of([each["code"] for each in arguments])}
    return [describe_mail(_l("Email: the password was changed"), people.get(each["code"])) for each in arguments]


@email("accounts.link", describe=_describe_links)
def link(name: str) -> Email | None:
    """Send an invitation or a password reset with a fresh link; strangers and closed accounts get nothing."""
    person = queries.find_person_by_sign_in_name(name)
    if person is None or not person.is_active or queries.is_shut_out(person):
        return None
    purpose = links.purpose_for(person)
    token = links.make_link(person=person)
    template = "invitation" if purpose is LinkPurpose.INVITATION else "password_reset"
    lifetime = links.LIFETIME[purpose]
    return _mail(
        person,
        template,
        link=public_url("accounts.open_link", token=token),
        days=lifetime.days,
        minutes=int(lifetime.total_seconds()) // 60,
        sign_in_name=person.sign_in_name,
    )


@email("accounts.password_changed", describe=_describe_changes)
def password_changed(code: str, at: str) -> Email | None:
    """Tell the person that the password was changed, and what to do if it was somebody else."""
    person = queries.find_person(code)
    if person is None:
        return None
    with force_locale(person.language):
        when = format_instant(datetime.fromisoformat(at), person.time_zone)
    return _mail(person, "password_changed", when=when, forgotten=public_url("accounts.forgotten"))


def _describe_names(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    changes = [queries.find_name_change(each["code"]) for each in arguments]
    return [
        describe_mail(_l("Email: what became of a changed name"), each.person if each is not None else None)
        for each in changes
    ]


@email("accounts.name_decided", describe=_describe_names)
def name_decided(code: str) -> Email | None:
    """Tell the person whether the names that she has set are confirmed, and if not, why."""
    change = queries.find_name_change(code)
    if change is None or not change.person.is_active:
        return None
    person = change.person
    return _mail(
        person,
        "name_decided",
        is_confirmed=change.outcome is NameOutcome.CONFIRMED,
        set_name=NamesKept(change.after).name_in(person.language),
        former_name=NamesKept(change.before).name_in(person.language),
        reason=change.reason or "",
        account=public_url("accounts.own_account"),
    )


def _mail(person: Person, template: str, **values: object) -> Email:
    return Email(
        template=f"accounts/emails/{template}",
        to_address=person.sign_in_name,
        to_name=person.name_in(person.language),
        salutation=person.addressed_in(person.language),
        language=person.language,
        values=values,
    )

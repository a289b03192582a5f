"""The mails about accounts; each is built when it is sent."""

from __future__ import annotations

from datetime import datetime

from portal.accounts import queries
from portal.accounts.models import LinkPurpose, Person
from portal.accounts.service import links
from portal.core.i18n import force_locale, format_instant
from portal.core.mail import Email, email
from portal.core.web import public_url
from portal.organisation import queries as organisation


@email("accounts.link")
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


@email("accounts.password_changed")
def password_changed(code: str, at: str) -> Email | None:
    """Tell the person that the password was changed, and what to do if it was somebody else."""
    person = queries.find_person(code)
    if person is None:
        return None
    with force_locale(person.language):
        when = format_instant(datetime.fromisoformat(at), person.time_zone)
    return _mail(person, "password_changed", when=when, forgotten=public_url("accounts.forgotten"))


def _mail(person: Person, template: str, **values: object) -> Email:
    return Email(
        template=f"accounts/emails/{template}",
        to_address=person.sign_in_name,
        to_name=person.name_in(person.language),
        language=person.language,
        values={"organisation_name": organisation.name().in_(person.language), **values},
    )

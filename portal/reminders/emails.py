"""The one mail of reminders: the digest of a day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from portal.accounts import queries as accounts
from portal.accounts.service.recipients import describe_mail
from portal.core.i18n import lazy_gettext as _l
from portal.core.jobs import Description
from portal.core.mail import Email, email
from portal.core.web import public_url
from portal.reminders.rules import Section
from portal.reminders.service import digests


def _describe(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    people = {each.code: each for each in accounts.list_people_of([each["to"] for each in arguments])}
    return [describe_mail(_l("Mail: what is due today"), people.get(each["to"])) for each in arguments]


@email("reminders.digest", describe=_describe)
def digest(to: str, on: str) -> Email | None:
    """Tell a person what is due; nothing where all of it has been done since, or the day is over."""
    person = digests.find_recipient(to)
    if person is None or accounts.is_shut_out(person):
        return None
    composed = digests.as_written(person, date.fromisoformat(on))
    if composed is None:
        return None
    return Email(
        template="reminders/emails/digest",
        to_address=person.sign_in_name,
        to_name=person.name_in(person.language),
        salutation=person.addressed_in(person.language),
        language=person.language,
        values={
            "on": composed.on,
            "parts": [
                {
                    "section": part.section.value,
                    "more": part.more,
                    "items": [(each, public_url(each.endpoint, **each.values)) for each in part.items],
                }
                for part in composed.parts
            ],
            "overdue": composed.count(Section.OVERDUE),
            "due": composed.count(Section.TODAY),
            "soon": composed.count(Section.SOON),
            "news": composed.count(Section.NEWS),
            "expires": composed.count(Section.EXPIRES),
            "sign_offs": composed.count(Section.SIGN_OFFS),
            "escalated": composed.count(Section.ESCALATED) + composed.count(Section.HANDOVERS),
            "alone": composed.count(Section.ALONE),
            "today_href": public_url("training.today"),
            "settings_href": public_url("reminders.own"),
        },
    )

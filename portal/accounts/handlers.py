"""What the worker does for accounts now and then."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any

from portal.accounts import emails, queries  # noqa: F401 - registers the mails
from portal.accounts.service import imports, links, ownership, sessions, signing_in
from portal.accounts.service.recipients import describe_mail
from portal.core.i18n import lazy_gettext as _l
from portal.core.i18n import ngettext
from portal.core.jobs import Description, Progress, job, periodic

AT_ONCE = 50


def _describe_invitations(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    return [
        Description(
            _l("Invitations after an import"),
            about=ngettext("%(num)d person", "%(num)d people", len(each["people"])),
        )
        for each in arguments
    ]


@job("accounts.invite_imported", describe=_describe_invitations)
def invite_imported(people: list[str], by: str, occasion: str) -> Generator[Any, Any, None]:
    """Owe the invitations of an import, some at a time; who has left or has a password since gets none."""
    for start in range(0, len(people), AT_ONCE):
        for code in people[start : start + AT_ONCE]:
            person = queries.find_person(code)
            if person is None or not person.is_active or queries.is_shut_out(person):
                continue
            if person.is_invited:
                links.send_invitation(person=person, by=queries.find_person(by), occasion=occasion)
        yield Progress(min(start + AT_ONCE, len(people)), len(people))


def _describe_one(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    people = {person.code: person for person in queries.list_people_of([each["person"] for each in arguments])}
    return [describe_mail(_l("Invitation before the first day"), people.get(each["person"])) for each in arguments]


@job(links.INVITE_ON_TIME, describe=_describe_one)
def invite_on_time(person: str, by: str, occasion: str) -> None:
    """Owe an invitation whose time has come; who was invited meanwhile, has a password or has left gets none."""
    found = queries.find_person(person)
    if found is None or not found.is_active or queries.is_shut_out(found) or not found.is_invited:
        return
    if not links.count_open(found):
        links.send_invitation(person=found, by=queries.find_person(by), occasion=occasion)


def _describe_makers(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    return [Description(_l("Name who made things as their owners")) for _each in arguments]


@job("accounts.name_makers", describe=_describe_makers)
def name_makers() -> None:
    """Let who made things answer for them, of those that are older than the duty to have an owner."""
    ownership.name_makers()


@periodic("accounts.tidy", minutes=30, what=_l("Remove ended sessions, links and tables of imports"))
def tidy() -> None:
    """Remove sessions, links, counts and tables that are of no use any more."""
    signing_in.tidy_backoffs()
    links.tidy_links()
    sessions.tidy_sessions()
    imports.tidy_imports()

"""To whom a mail goes, for the page of jobs."""

from __future__ import annotations

from flask import url_for

from portal.accounts.models import Person
from portal.accounts.permissions import SEE_PERSON
from portal.core.access import can
from portal.core.i18n import LazyText, language
from portal.core.jobs import Description


def describe_mail(what: LazyText, to: Person | None, about: str = "") -> Description:
    """Say what a mail is and to whom it goes; the latter only to those who may see that person."""
    if to is None or not can(SEE_PERSON, to):
        return Description(what, about=about)
    return Description(
        what,
        to.name_in(language()),
        url_for("accounts.show_person", code=to.code),
        f"{to.sign_in_name} · {about}" if about else to.sign_in_name,
    )

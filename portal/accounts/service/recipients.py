"""To whom a mail goes, for the page of jobs."""

from __future__ import annotations

from flask import url_for

from portal.accounts.models import Person
from portal.accounts.permissions import SEE_PERSON
from portal.core.access import can
from portal.core.i18n import LazyText, language
from portal.core.i18n import gettext as _
from portal.core.jobs import Description


def describe_mail(what: LazyText, to: Person | None, about: str = "") -> Description:
    """Say what a mail is and to whom it goes; the latter only to those who may see that person."""
    if to is None or not can(SEE_PERSON, to):
        return Description(what, about)
    whom = _("to %(name)s, %(address)s", name=to.name_in(language()), address=to.sign_in_name)
    return Description(what, f"{whom} · {about}" if about else whom, url_for("accounts.show_person", code=to.code))

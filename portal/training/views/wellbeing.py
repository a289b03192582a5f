"""What concerns a wellbeing contact today: who declines the statement, and has not been spoken with."""

from __future__ import annotations

from collections.abc import Sequence

from flask import url_for

from portal.accounts.models import Person
from portal.acknowledgements.permissions import SEE_DECLINED
from portal.acknowledgements.queries.exposure import count_not_spoken
from portal.core.access import allows
from portal.core.i18n import gettext as _
from portal.core.i18n import ngettext
from portal.training.service.concerns import Cell, Concern


def of_wellbeing(person: Person) -> Sequence[Concern]:
    """Return how many people decline and wait to be spoken with; nothing for anybody but the wellbeing contacts."""
    if not allows(person, SEE_DECLINED) or not (count := count_not_spoken()):
        return ()
    said = ngettext(
        "%(num)d person declines the statement, and nobody has noted a talk yet",
        "%(num)d people decline the statement, and nobody has noted a talk with them yet",
        count,
    )
    return (
        Concern(
            title=_("Wellbeing"),
            columns=(_("To do"),),
            rows=[[Cell(said, url_for("acknowledgements.list_declined"))]],
            comes_first=True,
        ),
    )

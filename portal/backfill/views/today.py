"""What Today tells those who lead: what is critical and has fewer than two people, as the matrix says it."""

from __future__ import annotations

from collections.abc import Sequence

from flask import url_for

from portal.accounts.models import Person, Role
from portal.accounts.permissions import open_grants
from portal.backfill.queries.few import Few, FewKnown
from portal.backfill.views import shown
from portal.core.i18n import gettext as _
from portal.core.i18n import ngettext
from portal.training.service.concerns import Cell, Concern

# Today names what needs it first; the matrix has all of it.
NAMED_TODAY = 5


def with_few_people(person: Person) -> Sequence[Concern]:
    """Return the critical things within reach that fewer than two people can do, or are named for."""
    if not (open_grants(person, Role.LEAD) or open_grants(person, Role.ADMIN)):
        return ()
    found = FewKnown().of(person)
    places = [each.place for each in found if each.place is not None]
    return [
        Concern(
            title=_("Critical, with fewer than two people"),
            columns=(_("What"), _("Who can do it")),
            rows=[
                (
                    Cell(str(each.title), _href(each), str(each.kind_name)),
                    Cell(few_words(each), sub=_where(each), state="waiting_late"),
                )
                for each in found[:NAMED_TODAY]
            ],
            more=(
                ngettext("All %(num)d in the matrix", "All %(num)d in the matrix", len(found)),
                url_for("backfill.matrix", **shown.place_values(places[0]), show="red")
                if places
                else url_for("duties.list_responsibilities", show="no_deputy"),
            )
            if len(found) > NAMED_TODAY
            else None,
        )
    ]


def few_words(each: Few) -> str:
    """Say how many people can do it, or that it is about names on paper."""
    if each.place is None:
        return _("on paper: fewer than two people are named")
    return ngettext("%(num)d person at level 3 or more", "%(num)d people at level 3 or more", each.able)


def _where(each: Few) -> str:
    return shown.place_name(each.place) if each.place is not None else ""


def _href(each: Few) -> str:
    if each.place is None:
        return url_for("duties.name_owners", kind=each.kind, code=each.code)
    return url_for("backfill.matrix", **shown.place_values(each.place), kind=each.kind, _anchor="rows")

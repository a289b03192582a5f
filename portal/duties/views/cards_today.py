"""What Today shows of cards: those to be gone through again, and texts that wait to be taken out of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from flask import url_for

from portal.accounts.models import Person
from portal.accounts.permissions import is_more_than_learner
from portal.accounts.service.ownership import find_things
from portal.core.clock import local_date
from portal.core.i18n import format_date, language, ngettext, pgettext
from portal.core.i18n import gettext as _
from portal.duties.queries.cards import list_to_check
from portal.duties.rules import CARD_HOLDS_DAYS
from portal.duties.service.cards import today_of
from portal.duties.service.removals import list_to_decide, name_of_part
from portal.training.service.concerns import Cell, Concern

# Today names those that wait longest; all of them have a page of their own.
NAMED_TODAY = 5


def cards_to_check(person: Person) -> Sequence[Concern]:
    """Return the cards that the person should go through again, nothing for somebody without a role."""
    if not is_more_than_learner(person):
        return ()
    found = list_to_check([person.id], today_of(person) - timedelta(days=CARD_HOLDS_DAYS))
    if not found:
        return ()
    titles = find_things((each.kind, each.thing_code) for each in found)
    live = [each for each in found if (thing := titles.get((each.kind, each.thing_code))) is not None and thing.is_live]
    return [
        Concern(
            title=_("Cards to be checked"),
            columns=(_("Card"), _("Last checked")),
            rows=[
                (
                    Cell(
                        titles[each.kind, each.thing_code].title,
                        url_for("duties.card", kind=each.kind, thing=each.thing_code),
                    ),
                    Cell(format_date(each.checked_on, "short"), state="soon"),
                )
                for each in live[:NAMED_TODAY]
            ],
            kinds=("text", "nowrap"),
            more=(
                ngettext("All %(num)d card", "All %(num)d cards", len(live)),
                url_for("duties.list_cards", show="stale", of="mine"),
            )
            if len(live) > NAMED_TODAY
            else None,
        )
    ]


def texts_to_take_out(person: Person) -> Sequence[Concern]:
    """Return the texts of cards that wait for the person to confirm, or to decline, that they are taken out."""
    if not is_more_than_learner(person):
        return ()
    found = list_to_decide(person)
    if not found:
        return ()
    return [
        Concern(
            title=_("Texts of cards to be taken out"),
            columns=(_("Card"), _("Part of the card"), pgettext("removal", "Asked by")),
            rows=[
                (
                    Cell(
                        subject.thing.title,
                        url_for("duties.removal", code=row.code, kind=subject.kind, thing=subject.code),
                    ),
                    Cell(str(name_of_part(row.part))),
                    Cell(
                        f"{row.asked_by.name_in(language())} · "
                        f"{format_date(local_date(row.asked_at, person.time_zone), 'short')}",
                        state="waiting",
                    ),
                )
                for row, subject in found
            ],
            kinds=("text", "text", "text"),
        )
    ]

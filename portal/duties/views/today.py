"""What concerns somebody today of what she answers for: tasks that wait."""

from __future__ import annotations

from collections.abc import Sequence

from flask import url_for

from portal.accounts import queries as accounts
from portal.accounts.models import Person, Role
from portal.accounts.permissions import is_more_than_learner, open_grants
from portal.accounts.service import ownership
from portal.core.access import allows
from portal.core.i18n import format_date, pgettext
from portal.core.i18n import gettext as _
from portal.duties.permissions import JUDGE_CRITICALITY, Answered, reach_over_tasks
from portal.duties.queries import tasks as queries
from portal.duties.queries.cards import list_open_proposals
from portal.duties.service.criticality import CRITICALITY_NAMES
from portal.duties.service.telling import rhythm_words
from portal.training.service.concerns import Cell, Concern

# Today names what needs it first; the lists have pages of their own.
NAMED_TODAY = 5


def of_duties(person: Person) -> Sequence[Concern]:
    """Return what a person's tasks and things ask of her today, nothing for somebody without a role."""
    if not is_more_than_learner(person):
        return ()
    told = [_tasks(person, leads=bool(open_grants(person, Role.LEAD)))]
    if open_grants(person, Role.LEAD, Role.POLICY_OWNER, Role.ADMIN):
        told.append(_proposals(person))
    return told


def _proposals(person: Person) -> Concern:
    """Return what was proposed about how much things matter, where the person judges that."""
    found = list_open_proposals()
    titled = ownership.find_things((each.kind, each.thing_code) for each in found)
    names, rows = ownership.kinds(), []
    for each in found:
        thing = titled.get((each.kind, each.thing_code))
        if thing is None or not thing.is_live:
            continue
        owned = accounts.find_owner(each.kind, each.thing_code)
        subject = Answered(each.kind, names[each.kind].name, each.thing_code, thing, owned)
        if allows(person, JUDGE_CRITICALITY, subject):
            rows.append((each, subject))
    return Concern(
        title=_("Proposed: how much it matters"),
        columns=(_("What"), pgettext("criticality", "Proposed")),
        rows=[
            (
                Cell(
                    subject.thing.title,
                    url_for("duties.judge_criticality", kind=each.kind, thing=each.thing_code),
                    str(subject.kind_name),
                ),
                Cell(str(CRITICALITY_NAMES[each.criticality]), state="waiting"),
            )
            for each, subject in rows[:NAMED_TODAY]
        ],
    )


def _tasks(person: Person, *, leads: bool) -> Concern:
    """Return the tasks that wait for her; of those of whom she leads what is overdue."""
    own = accounts.list_codes_owned(person, queries.OWNED_KIND)
    found = queries.list_tasks(reach_over_tasks(person), own, ended=False) if leads or own else []
    standings = queries.standings_of(found)
    rows = []
    for each in found:
        standing = standings[each.id]
        waits = standing.open if each.code in own else standing.overdue
        if waits and (leads or each.code in own):
            rows.append((waits[0].on, each, bool(standing.overdue)))
    rows.sort(key=lambda row: row[0])
    return Concern(
        title=_("Recurring tasks"),
        columns=(_("Recurring task"), _("Due")),
        rows=[
            (
                Cell(
                    str(each.title), url_for("duties.task", code=each.code), rhythm_words(queries.shape_of(each.latest))
                ),
                Cell(format_date(on), state="overdue" if is_late else "due"),
            )
            for on, each, is_late in rows[:NAMED_TODAY]
        ],
        more=(_("All recurring tasks"), url_for("duties.list_tasks")) if leads and len(rows) > NAMED_TODAY else None,
    )

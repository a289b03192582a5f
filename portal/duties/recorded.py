"""How the journal's page reads what people answer for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping

from flask import url_for

from portal.accounts import queries as accounts
from portal.accounts.service.ownership import find_things, kinds
from portal.core.access import can
from portal.core.i18n import format_date, lazy_pgettext
from portal.core.i18n import gettext as _
from portal.core.i18n import lazy_gettext as _l
from portal.duties.permissions import SEE_CARD, Answered
from portal.duties.queries import tasks as queries
from portal.duties.queries.cards import find_cards_by_code
from portal.duties.rules import Criticality
from portal.duties.service.cards import PART_NAMES
from portal.duties.service.removals import QUESTIONS, QUESTIONS_NAME
from portal.journal.service import Fact, Kind, Thing, Vocabulary


def _find_tasks(codes: Collection[str]) -> Mapping[str, Thing]:
    return {
        code: Thing(str(each.title), url_for("duties.task", code=code))
        for code, each in queries.find_tasks(codes).items()
    }


def _find_runs(codes: Collection[str]) -> Mapping[str, Thing]:
    return {
        code: Thing(
            _("%(title)s, due on %(date)s", title=each.task.title, date=format_date(each.due_on)),
            url_for("duties.task", code=each.task.code),
        )
        for code, each in queries.find_runs(codes).items()
    }


def _find_cards(codes: Collection[str]) -> Mapping[str, Thing]:
    found = find_cards_by_code(codes)
    things = find_things((each.kind, each.thing_code) for each in found.values())
    by_kind: dict[str, list[str]] = defaultdict(list)
    for kind, code in things:
        by_kind[kind].append(code)
    owners = {kind: accounts.find_owners(kind, of_kind) for kind, of_kind in by_kind.items()}
    told = {}
    for code, each in found.items():
        kind, thing_code = each.kind, each.thing_code
        if (thing := things.get((kind, thing_code))) is None:
            continue
        # Not everybody who reads the journal reads what its owner knows about a thing.
        answered = Answered(kind, kinds()[kind].name, thing_code, thing, owners[kind].get(thing_code))
        href = url_for("duties.card", kind=kind, thing=thing_code) if can(SEE_CARD, answered) else None
        told[code] = Thing(_("Card: %(title)s", title=thing.title), href)
    return told


_RHYTHM = Fact(
    _l("Rhythm"),
    words={
        "every": _l("Every so many working days"),
        "weekly": _l("On a weekday"),
        "monthly": _l("On a working day of the month"),
    },
)

_PARTS = {part.value: name for part, name in PART_NAMES.items()} | {QUESTIONS: QUESTIONS_NAME}

VOCABULARY = Vocabulary(
    actions={
        "duties.task_created": _l("Recurring task created"),
        "duties.terms_changed": _l("Terms of a recurring task changed"),
        "duties.task_ended": _l("Recurring task ended"),
        "duties.run_recorded": _l("Recurring task done"),
        "duties.run_skipped": _l("Recurring task left out"),
        "duties.run_taken_back": _l("Record of a recurring task taken back"),
        "duties.card_written": _l("Card written"),
        "duties.card_checked": _l("Card checked"),
        "duties.card_ended": _l("Card ended"),
        "duties.removal_asked": _l("Asked that a text of a card be taken out"),
        "duties.removal_confirmed": _l("Text of a card taken out"),
        "duties.removal_declined": _l("Declined to take a text of a card out"),
        "duties.removal_withdrawn": _l("Request to take a text of a card out withdrawn"),
        "duties.criticality_proposed": _l("Criticality proposed"),
        "duties.criticality_set": _l("Criticality judged"),
    },
    kinds={
        "card": Kind(_l("Card"), _find_cards),
        "recurring_task": Kind(_l("Recurring task"), _find_tasks),
        "recurring_task_run": Kind(lazy_pgettext("journal", "Run"), _find_runs),
    },
    facts={
        "duties.card_written:version": Fact(_l("Version")),
        "duties.card_checked:version": Fact(_l("Version")),
        "duties.removal_asked:part": Fact(_l("Part of the card"), words=_PARTS),
        "duties.removal_confirmed:part": Fact(_l("Part of the card"), words=_PARTS),
        "duties.removal_declined:part": Fact(_l("Part of the card"), words=_PARTS),
        "duties.removal_withdrawn:part": Fact(_l("Part of the card"), words=_PARTS),
        "duties.criticality_set:criticality": Fact(
            _l("Criticality"),
            words={
                Criticality.LOW.value: lazy_pgettext("criticality", "Low"),
                Criticality.NORMAL.value: lazy_pgettext("criticality", "Normal"),
                Criticality.HIGH.value: lazy_pgettext("criticality", "High"),
                Criticality.CRITICAL.value: lazy_pgettext("criticality", "Critical"),
            },
        ),
        "duties.task_created:market": Fact(_l("Market"), refers_to="market"),
        "duties.task_created:rhythm": _RHYTHM,
        "duties.terms_changed:rhythm": _RHYTHM,
        "duties.task_created:starts_on": Fact(_l("In force from")),
        "duties.terms_changed:starts_on": Fact(_l("In force from")),
        "duties.terms_changed:number": Fact(_l("Number of the terms")),
        "duties.run_recorded:task": Fact(_l("Recurring task"), refers_to="recurring_task"),
        "duties.run_skipped:task": Fact(_l("Recurring task"), refers_to="recurring_task"),
        "duties.run_recorded:due_on": Fact(_l("Due")),
        "duties.run_skipped:due_on": Fact(_l("Due")),
        "duties.run_recorded:person": Fact(lazy_pgettext("run", "Done by"), refers_to="person"),
        "duties.run_recorded:helper": Fact(_l("Helped by"), refers_to="person"),
        "duties.run_recorded:done_on": Fact(_l("Done on")),
        "duties.run_recorded:how": Fact(
            lazy_pgettext("run", "How"), words={"alone": _l("Alone"), "with_help": _l("With help")}
        ),
    },
)

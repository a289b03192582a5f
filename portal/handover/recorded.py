"""How the journal's page reads handovers, their items, stand-ins and accepted orphans."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from flask import url_for

from portal.core.access import can
from portal.core.i18n import gettext as _
from portal.core.i18n import language, lazy_pgettext
from portal.core.i18n import lazy_gettext as _l
from portal.handover.permissions import SEE_TRY
from portal.handover.queries import handovers, quiz, stand_ins
from portal.handover.rules import Milestone, Stage
from portal.journal.service import Fact, Kind, Thing, Vocabulary


def _find_handovers(codes: Collection[str]) -> Mapping[str, Thing]:
    return {
        code: Thing(
            _("Handover of %(name)s", name=each.person.name_in(language())), url_for("handover.handover", code=code)
        )
        for code, each in handovers.find_handovers(codes).items()
    }


def _find_items(codes: Collection[str]) -> Mapping[str, Thing]:
    return {
        code: Thing(each.title, url_for("handover.item", item=code))
        for code, each in handovers.find_items(codes).items()
    }


def _find_stand_ins(codes: Collection[str]) -> Mapping[str, Thing]:
    return {
        code: Thing(
            _(
                "%(stand_in)s for %(person)s",
                stand_in=each.stand_in.name_in(language()),
                person=each.person.name_in(language()),
            ),
            url_for("handover.stand_in", code=code),
        )
        for code, each in stand_ins.find_stand_ins(codes).items()
    }


def _find_tries(codes: Collection[str]) -> Mapping[str, Thing]:
    return {
        code: Thing(
            _("Try of %(name)s", name=each.successor.name_in(language())),
            url_for("handover.quiz_try", code=code) if can(SEE_TRY, each) else None,
        )
        for code, each in quiz.find_tries(codes).items()
    }


_STAGE = Fact(
    _l("Stage"),
    words={
        Stage.SHADOW.value: _l("Watched"),
        Stage.REVERSE_SHADOW.value: _l("Done while being watched"),
        Stage.ALONE.value: _l("Done alone"),
    },
)
_MOVED, _ITEMS = Fact(_l("Things that changed hands")), Fact(_l("Number of items"))
_PERSON, _LAST_ON = Fact(_l("Person"), refers_to="person"), Fact(_l("Last day"))
_KIND, _THING = Fact(_l("Kind")), Fact(_l("What"))

VOCABULARY = Vocabulary(
    actions={
        "handover.started": _l("Handover begun"),
        "handover.items_found": _l("Items of a handover found"),
        "handover.items_gone": _l("Items of a handover gone"),
        "handover.last_day_moved": _l("Last day moved"),
        "handover.milestone_met": _l("Step of a handover done"),
        "handover.called_off": _l("Handover called off"),
        "handover.closed": _l("Handover closed"),
        "handover.handed_back": _l("Handed back after leave"),
        "handover.successor_set": _l("Successor of an item set"),
        "handover.evidence_given": _l("Evidence given"),
        "handover.stage_waived": _l("Stage waived"),
        "handover.evidence_taken_back": _l("Evidence taken back"),
        "handover.removal_asked": _l("Taking out a text asked for"),
        "handover.removal_declined": _l("Declined to take a text out"),
        "handover.removal_withdrawn": _l("Request to take a text out withdrawn"),
        "handover.removed": _l("Text taken out"),
        "handover.accepted": _l("Item accepted"),
        "handover.refused": _l("Item refused"),
        "handover.quiz_begun": _l("Handover quiz begun"),
        "handover.quiz_handed_in": _l("Handover quiz handed in"),
        "handover.stand_in_planned": _l("Stand-in planned"),
        "handover.stand_in_begun": _l("Stand-in begun"),
        "handover.stand_in_ended": _l("Stand-in ended"),
        "handover.stand_in_declined": _l("Stand-in declined"),
        "handover.dossier_issued": _l("Dossier issued"),
        "handover.dossier_printed": _l("Dossier printed"),
        "handover.orphan_accepted": _l("Accepted to have no owner"),
        "handover.orphan_taken_back": _l("Acceptance of having no owner taken back"),
    },
    kinds={
        "handover": Kind(_l("Handover"), _find_handovers),
        "handover_item": Kind(_l("Item of a handover"), _find_items),
        "handover_quiz": Kind(_l("Handover quiz"), _find_tries),
        "stand_in": Kind(_l("Stand-in"), _find_stand_ins),
    },
    facts={
        "accounts.owner_set:handover": Fact(_l("Handover"), refers_to="handover"),
        "accounts.owner_set:stand_in": Fact(_l("Stand-in"), refers_to="stand_in"),
        "handover.started:person": _PERSON,
        "handover.started:last_on": _LAST_ON,
        "handover.items_found:items": _ITEMS,
        "handover.items_gone:items": _ITEMS,
        "handover.last_day_moved:last_on": _LAST_ON,
        "handover.milestone_met:milestone": Fact(
            lazy_pgettext("handover", "Step"),
            words={Milestone.PLAN.value: _l("Plan agreed"), Milestone.INVENTORY.value: _l("Items looked through")},
        ),
        "handover.closed:moved": _MOVED,
        "handover.closed:left": Fact(_l("Items that nobody had accepted")),
        "handover.closed:forgotten": Fact(_l("Reasons forgotten")),
        "handover.dossier_issued:version": Fact(_l("Version")),
        "handover.dossier_issued:successor": Fact(_l("Successor"), refers_to="person"),
        "handover.dossier_printed:version": Fact(_l("Version")),
        "handover.dossier_printed:language": Fact(_l("Language"), words={"ja": "日本語", "en": "English"}),
        "handover.dossier_printed:sha256": Fact(_l("Hash"), technical=True),
        "handover.handed_back:moved": _MOVED,
        "handover.successor_set:successor": Fact(_l("Successor"), refers_to="person"),
        "handover.evidence_given:stage": _STAGE,
        "handover.evidence_given:done_on": Fact(_l("Done on")),
        "handover.stage_waived:stage": _STAGE,
        "handover.evidence_taken_back:stage": _STAGE,
        "handover.quiz_begun:questions": Fact(_l("Number of questions")),
        "handover.stand_in_planned:person": _PERSON,
        "handover.stand_in_planned:stand_in": Fact(_l("Stand-in"), refers_to="person"),
        "handover.stand_in_planned:first_on": Fact(_l("First day")),
        "handover.stand_in_planned:last_on": _LAST_ON,
        "handover.stand_in_begun:moved": _MOVED,
        "handover.stand_in_ended:moved": _MOVED,
        "handover.orphan_accepted:kind": _KIND,
        "handover.orphan_accepted:thing": _THING,
        "handover.orphan_taken_back:kind": _KIND,
        "handover.orphan_taken_back:thing": _THING,
    },
)

"""Who sees and changes handovers, stand-ins and what nobody would own."""

from __future__ import annotations

from typing import Any

from portal.accounts.models import Person, Role, Scope
from portal.accounts.permissions import holds, holds_everywhere, holds_for, is_self, is_somebody_else, scopes_of_person
from portal.cohorts.permissions import Reach, reach_of
from portal.core.access import AnyOf, Permission
from portal.handover.models import Handover, HandoverItem, QuizTry, StandIn
from portal.handover.queries import dossiers
from portal.handover.queries import handovers as queries

SEE_PLACE = Permission("handover.see_place", "find handovers in the navigation; one's own are open to everybody")
SEE_REHEARSALS = Permission("handover.see_rehearsals", "see which team rehearses its handovers when, and with whom")
START_HANDOVER = Permission("handover.start", "begin a handover or plan a stand-in, for oneself or whom one leads")
BEGIN_REHEARSAL = Permission("handover.begin_rehearsal", "begin to rehearse the handover of somebody whom one leads")
SEE_HANDOVER = Permission("handover.see", "see a handover, its items and how far they are")
SEE_ITEM = Permission("handover.see_item", "see one item of a handover with its evidence")
SEE_REASON = Permission("handover.see_reason", "see why somebody hands over, and every day that was set")
ASSIGN_ITEMS = Permission("handover.assign", "say who is to take over items of a handover")
READ_DOSSIER = Permission(
    "handover.read_dossier", "read and take away what the cards of a handover say; a successor what she takes over"
)
ISSUE_DOSSIER = Permission(
    "handover.issue_dossier", "issue the dossier of a handover: put it into the library for those who take over"
)
LEAD_HANDOVER = Permission(
    "handover.lead", "waive stages, move the last day, call off and close; never of one's own handover"
)
HAND_BACK = Permission("handover.hand_back", "take back, or give back, what moved for leave")
TAKE_OVER = Permission("handover.take_over", "show evidence, accept and refuse as the successor of an item")
BEGIN_QUIZ = Permission("handover.begin_quiz", "have a quiz drawn about everything that one takes over in a handover")
SEE_QUIZ = Permission("handover.see_quiz", "see the tries of successors at quizzes about an item, and how they went")
SEE_TRY = Permission("handover.see_try", "see one try at a quiz from the cards: who took it, who hands over, who leads")
HAND_IN_QUIZ = Permission("handover.hand_in_quiz", "answer the questions of one's own try")
REMOVE_TEXT = Permission(
    "handover.remove_text",
    "ask that a text of evidence or a stand-in is taken out for good, or confirm it; two do",
)
SEE_STAND_IN = Permission("handover.see_stand_in", "see a stand-in and what it is to know")
END_STAND_IN = Permission("handover.end_stand_in", "call off a stand-in")
DECLINE_STAND_IN = Permission("handover.decline_stand_in", "say as a stand-in that one cannot, and why")
ACCEPT_ORPHANS = Permission(
    "handover.accept_orphans", "accept by name that something will have no owner; never of oneself"
)

# Who may answer for something: whoever learns only finds what she takes over on Today.
_WORKING = (Role.LEAD, Role.MENTOR, Role.AUTHOR, Role.POLICY_OWNER, Role.APPROVER, Role.ADMIN, Role.AUDITOR)


def reach_over_handovers(person: Person) -> Reach:
    """Return whose handovers the person sees."""
    return reach_of(person, Role.LEAD, everywhere=(Role.ADMIN, Role.AUDITOR))


def _handover_of(thing: Any) -> Handover:
    found = thing.handover if isinstance(thing, HandoverItem | QuizTry) else thing
    assert isinstance(found, Handover)
    return found


def _person_of(thing: Any) -> Person:
    if isinstance(thing, Person):
        return thing
    if isinstance(thing, StandIn):
        return thing.person
    return _handover_of(thing).person


def gives(person: Person, thing: Any) -> bool:
    """Say whether it is her own: she hands over, or is away."""
    return _person_of(thing).id == person.id


def is_not_giver(person: Person, thing: Any) -> bool:
    """Say whether it is another's: nobody closes her own handover."""
    return not gives(person, thing)


def takes_part(person: Person, thing: Any) -> bool:
    """Say whether she is, or once was, to take over an item of the handover."""
    return queries.is_successor(_handover_of(thing), person)


def ever_takes_over(person: Person, thing: Any) -> bool:
    """Say whether she is, or once was, to take over this item."""
    return any(each.successor_id == person.id for each in queries.get_course(thing).assignments)


def has_part_in_item(person: Person, thing: Any) -> bool:
    """Say whether it is an item that she is, or once was, to take over."""
    return isinstance(thing, HandoverItem) and ever_takes_over(person, thing)


def is_successor_of_item(person: Person, thing: Any) -> bool:
    """Say whether she is to take the item over now."""
    found = queries.get_course(thing).successor if isinstance(thing, HandoverItem) else None
    return found is not None and found.id == person.id


def takes_over_now(person: Person, thing: Any) -> bool:
    """Say whether she is to take over an item of the handover, which is open."""
    handover = _handover_of(thing)
    return handover.is_open and any(
        each.item.gone_at is None and each.successor is not None and each.successor.id == person.id
        for each in queries.list_courses([handover.id])
    )


def has_dossier(person: Person, thing: Any) -> bool:
    """Say whether a dossier of the handover is addressed to her: it stays hers once it is closed."""
    return dossiers.has_dossier(_handover_of(thing), person)


def sees_why(person: Person, handover: Handover) -> bool:
    """Say whether she is told why somebody hands over: once it is closed, that is nobody's business any more.

    But for herself and for auditors.
    """
    if handover.closed_at is None:
        return gives(person, handover) or _oversees(person, handover) or _leads_giver(person, handover)
    return gives(person, handover) or holds_everywhere(Role.AUDITOR)(person, None)


def reads_all_of(person: Person, handover: Handover) -> bool:
    """Say whether she reads the cards of everything that is handed over, and not only of what she takes over."""
    return gives(person, handover) or holds_everywhere(Role.AUDITOR)(person, None) or _leads_giver(person, handover)


def took_it(person: Person, thing: Any) -> bool:
    """Say whether the try is her own."""
    return isinstance(thing, QuizTry) and thing.successor_id == person.id


def stands_in(person: Person, thing: Any) -> bool:
    """Say whether she is the stand-in."""
    return isinstance(thing, StandIn) and thing.stand_in_id == person.id


def scopes_of_giver(thing: Any) -> dict[Scope, set[str]]:
    """Return market and team of whoever hands over, or is away."""
    return scopes_of_person(_person_of(thing))


_leads_giver = holds_for(Role.LEAD, scopes=scopes_of_giver)
_leads_person = holds_for(Role.LEAD, scopes=scopes_of_person)
_administers = holds_everywhere(Role.ADMIN)
_oversees = holds_everywhere(Role.ADMIN, Role.AUDITOR)

TABLE: dict[Permission, AnyOf] = {
    SEE_PLACE: [[holds(*_WORKING)]],
    SEE_REHEARSALS: [[holds(Role.LEAD)], [_oversees]],
    START_HANDOVER: [[is_self], [_leads_person], [_administers]],
    BEGIN_REHEARSAL: [[_leads_person], [_administers]],
    SEE_HANDOVER: [[gives], [_oversees], [_leads_giver], [takes_part]],
    SEE_ITEM: [[gives], [_oversees], [_leads_giver], [ever_takes_over]],
    READ_DOSSIER: [[gives], [holds_everywhere(Role.AUDITOR)], [_leads_giver], [takes_over_now], [has_dossier]],
    ISSUE_DOSSIER: [[gives], [_leads_giver]],
    SEE_REASON: [[gives], [_oversees], [_leads_giver]],
    ASSIGN_ITEMS: [[gives], [_leads_giver], [_administers]],
    LEAD_HANDOVER: [[is_not_giver, _leads_giver], [is_not_giver, _administers]],
    HAND_BACK: [[gives], [_leads_giver], [_administers]],
    # Who was to take it over before is told who is now.
    TAKE_OVER: [[ever_takes_over]],
    BEGIN_QUIZ: [[takes_over_now]],
    SEE_QUIZ: [[gives], [_leads_giver], [is_successor_of_item]],
    SEE_TRY: [[took_it], [gives], [_leads_giver]],
    HAND_IN_QUIZ: [[took_it]],
    REMOVE_TEXT: [[gives], [_leads_giver], [_administers], [stands_in], [has_part_in_item]],
    SEE_STAND_IN: [[gives], [stands_in], [_oversees], [_leads_giver]],
    END_STAND_IN: [[gives], [_leads_giver], [_administers]],
    DECLINE_STAND_IN: [[stands_in]],
    ACCEPT_ORPHANS: [[is_somebody_else, _leads_person], [is_somebody_else, _administers]],
}

"""What must always be true of handovers, stand-ins and accepted orphans."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from hashlib import sha256

from portal.accounts import queries as accounts
from portal.handover.models import Handover
from portal.handover.queries import dossiers, orphans, stand_ins
from portal.handover.queries import handovers as queries
from portal.handover.queries import quiz as tries
from portal.handover.queries.handovers import Course
from portal.handover.rules import QUIZ_LEAST, QUIZ_MOST, Decision, ItemState, Reason, Stage
from portal.handover.service.standing import end_of, state_of
from portal.library.models import Origin


def _all() -> Iterator[tuple[Handover, list[Course]]]:
    found = {each.id: each for each in queries.list_handovers()}
    courses: dict[int, list[Course]] = defaultdict(list)
    for course in queries.list_courses(list(found)):
        courses[course.item.handover_id].append(course)
    for each in found.values():
        yield each, courses[each.id]


def closed_handovers_left_nothing() -> list[str]:
    """Return a sentence for each item of a closed handover that nobody had accepted, or that did not move."""
    breaches = []
    for handover, courses in _all():
        if handover.closed_at is None or handover.reason is Reason.REHEARSAL:
            continue
        for course in courses:
            state = state_of(course, is_gone=course.item.gone_at is not None, has_card=True, end=end_of(handover))
            if state is ItemState.GONE:
                continue
            if state is not ItemState.ACCEPTED or course.successor is None:
                breaches.append(f"handover {handover.code} is closed, item {course.item.code} is {state}")
                continue
            owners = accounts.list_owners_since(course.item.kind, course.item.thing_code, handover.closed_at)
            if course.successor.id not in owners:
                breaches.append(f"handover {handover.code} is closed, item {course.item.code} did not move")
    return breaches


def answers_rest_on_evidence() -> list[str]:
    """Return a sentence for each answer that is another's than the assignment's, or accepts what was not shown."""
    breaches = []
    for _handover, courses in _all():
        for course in courses:
            assigned = {each.id: each for each in course.assignments}
            for each in course.decisions:
                assignment = assigned.get(each.assignment_id)
                if assignment is None or assignment.successor_id != each.successor_id:
                    breaches.append(f"decision row {each.id} is not of the successor of its assignment")
                    continue
                shown = [
                    row
                    for row in course.evidence
                    if row.successor_id == each.successor_id
                    and row.stage is Stage.ALONE
                    and row.recorded_at <= each.decided_at
                    and (row.taken_back_at is None or row.taken_back_at >= each.decided_at)
                ]
                if each.decision is Decision.ACCEPTED and not shown:
                    breaches.append(f"decision row {each.id} accepts what nobody has done alone")
    return breaches


def stages_are_in_their_order() -> list[str]:
    """Return a sentence for each stage that somebody has behind her without the one before it."""
    breaches = []
    for _handover, courses in _all():
        for course in courses:
            by: dict[int, list[Stage]] = defaultdict(list)
            for each in course.evidence:
                if each.taken_back_at is None:
                    by[each.successor_id].append(each.stage)
            for person_id, stages in by.items():
                if sorted(stages, key=list(Stage).index) != list(Stage)[: len(stages)]:
                    breaches.append(f"item {course.item.code}: stages of person row {person_id} are not in their order")
    return breaches


def handovers_have_days() -> list[str]:
    """Return a sentence for each handover whose days contradict one another."""
    breaches = []
    for handover in queries.list_handovers():
        if not handover.days:
            breaches.append(f"handover {handover.code} has no last day")
            continue
        for number, each in enumerate(handover.days):
            if each.last_on < handover.notice_on:
                breaches.append(f"handover {handover.code}: its last day lies before the notice")
            if (each.back_on is not None) != (handover.reason is Reason.LEAVE):
                breaches.append(f"handover {handover.code}: only leave has a first day back")
            # Once it is closed, why is forgotten.
            if (number == 0 and each.reason) or (number > 0 and not each.reason and handover.closed_at is None):
                breaches.append(f"handover {handover.code}: its last day was moved without a reason")
        if handover.closed_at is not None and handover.closed_by_id == handover.person_id:
            breaches.append(f"handover {handover.code} was closed by whoever hands over")
    return breaches


def stand_ins_come_one_after_the_other() -> list[str]:
    """Return a sentence for each stand-in at work beside another of the same person, or with what it never took."""
    breaches = []
    by: dict[int, list[str]] = defaultdict(list)
    for each in stand_ins.list_all():
        if each.person_id == each.stand_in_id:
            breaches.append(f"stand-in {each.code}: somebody stands in for herself")
        if each.begun_at is not None and each.ended_at is None:
            by[each.person_id].append(each.code)
    breaches += [f"stand-ins {', '.join(codes)} are at work for one person" for codes in by.values() if len(codes) > 1]
    begun = {each.id for each in stand_ins.list_all() if each.begun_at is not None}
    breaches += [
        f"stand-in row {each.stand_in_id} has things and has not begun"
        for each in stand_ins.list_things([each.id for each in stand_ins.list_all()])
        if each.stand_in_id not in begun
    ]
    return breaches


def orphans_are_accepted_by_others() -> list[str]:
    """Return a sentence for each acceptance that somebody gave for herself."""
    return [
        f"orphan acceptance row {each.id} is by whoever goes"
        for each in orphans.list_all()
        if each.accepted_by_id == each.person_id
    ]


def quizzes_ask_what_cards_say() -> list[str]:
    """Return a sentence for each try with questions that its card never held, or with half of its answers."""
    breaches = []
    for each in tries.list_all():
        if not QUIZ_LEAST <= len(each.questions) <= QUIZ_MOST:
            breaches.append(f"quiz try {each.code} has {len(each.questions)} questions")
        for row in each.questions:
            held = row.card_version.questions
            thing = (row.card_version.card.kind, row.card_version.card.thing_code)
            if row.item.handover_id != each.handover_id or thing != (row.item.kind, row.item.thing_code):
                breaches.append(f"quiz try {each.code}: question {row.place} is of another item")
            elif row.number > len(held):
                breaches.append(f"quiz try {each.code}: question {row.place} is not on its card")
            elif sorted(row.order) != list(range(1 + len(held[row.number - 1]["wrong"]))):
                breaches.append(f"quiz try {each.code}: the answers of question {row.place} are not those of its card")
            if (row.chosen is None) != (each.handed_in_at is None):
                breaches.append(f"quiz try {each.code}: question {row.place} was not answered with the others")
            elif row.chosen is not None and row.chosen >= len(row.order):
                breaches.append(f"quiz try {each.code}: question {row.place} has no such answer")
    return breaches


def dossiers_are_addressed_to_their_successor() -> list[str]:
    """Return a sentence for each dossier that is open to anybody else, or that says what nobody compiled."""
    breaches = []
    for each in dossiers.list_all_dossiers():
        code = each.successor.code if each.successor is not None else None
        named = [row.code for row in each.document.audiences]
        if not each.document.is_by_name or any(one != code for one in named):
            breaches.append(f"dossier row {each.id} is addressed to somebody else")
        if any(version.origin is not Origin.COMPILED for version in each.document.versions):
            breaches.append(f"dossier row {each.id} has a version that was not put together")
    return breaches


def dossier_files_are_what_was_printed() -> list[str]:
    """Return a sentence for each file of a dossier whose bytes are not those of its hash."""
    return [
        f"file row {each.id} of a dossier is not what was printed"
        for each in dossiers.list_all_files()
        if sha256(each.content).hexdigest() != each.sha256 or len(each.content) != each.size
    ]


INVARIANTS = {
    "closed handovers left nothing without somebody who accepted it": closed_handovers_left_nothing,
    "what successors of handovers accept rests on evidence": answers_rest_on_evidence,
    "stages of handovers are in their order": stages_are_in_their_order,
    "handovers have days that fit together": handovers_have_days,
    "quizzes of handovers ask what cards say": quizzes_ask_what_cards_say,
    "stand-ins come one after the other": stand_ins_come_one_after_the_other,
    "dossiers are addressed to their successor": dossiers_are_addressed_to_their_successor,
    "files of dossiers are what was printed": dossier_files_are_what_was_printed,
    "what will have no owner is accepted by others": orphans_are_accepted_by_others,
}

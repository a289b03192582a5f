"""What a released result tells besides the key: people's marks with their comments, appeals, corrections."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from fractions import Fraction
from typing import Any

from flask import url_for

from portal.core.i18n import format_instant, gettext, language, ngettext
from portal.core.i18n import gettext as _
from portal.quizzes import queries
from portal.quizzes.models import (
    Appeal,
    Attempt,
    EventKind,
    HandMark,
    Item,
    MarkRound,
    Regrade,
    RegradeKind,
)
from portal.quizzes.queries import appeals as appealed
from portal.quizzes.queries import marking as by_hand
from portal.quizzes.queries import regrades
from portal.quizzes.service import appeals, paper
from portal.quizzes.service.corrections import questions_of, reason_of, scores_words
from portal.quizzes.service.marking import accepted_parts
from portal.quizzes.service.settled import Progress, Stage, progress_of
from portal.quizzes.types.base import Content


def corrections_of(attempt: Attempt, items: Sequence[Item], zone: str) -> list[dict[str, Any]]:
    """Return why and how a result was corrected since it was first marked, the oldest correction first."""
    if len(attempt.markings) < 2:
        return []
    before = {marking.marking_no + 1: marking for marking in attempt.markings}
    # What was marked again before anybody knew the result corrects nothing that anybody was told.
    kinds = [event.kind for event in queries.list_events(attempt)]
    unknown = kinds[: kinds.index(EventKind.RELEASED)].count(EventKind.MARKED) if EventKind.RELEASED in kinds else 0
    shows_score = attempt.quiz_version.shows_score
    told = []
    for marking in regrades.list_corrections([attempt.id]):
        was = before.get(marking.marking_no)
        if was is None or marking.marking_no <= unknown:
            continue
        fall = (
            next((each for each in marking.regrade.falls if each.attempt_id == attempt.id), None)
            if (marking.regrade)
            else None
        )
        told.append(
            {
                "at": format_instant(marking.marked_at, zone),
                "reason": str(reason_of(marking)),
                "questions": questions_of(marking, items),
                "scores": scores_words(was, marking) if shows_score else "",
                "keeps_pass": bool(marking.keeps_pass),
                "fall": fall.reason if fall is not None and was.passed and not marking.passed else None,
            }
        )
    return told


def add_what_people_said(
    shown: Sequence[dict[str, Any]], items: Sequence[Item], attempt: Attempt, *, now: datetime, show: frozenset[str]
) -> None:
    """Add to each reviewed item what people gave for it, by which rule it is marked, and its appeals."""
    ids = [item.id for item in items]
    marks, said = by_hand.list_hand_marks(ids), appealed.list_of_items(ids)
    rules = regrades.standing_rules({item.question_version_id for item in items})
    progress = progress_of([each for of_item in said.values() for each in of_item])
    can_appeal = appeals.can_appeal(attempt, now)
    for page, item in zip(shown, items, strict=True):
        rule = rules.get(item.question_version_id)
        counts = rule is None or rule.kind not in (RegradeKind.VOID, RegradeKind.FULL)
        page["hand"] = (
            _by_hand(item, marks[item.id], shows_points="correctness" in show) if item.id in marks and counts else None
        )
        if page["hand"] and page["hand"]["criteria"]:
            # With their points they need not stand there twice.
            for part in page["parts"]:
                part["criteria"] = []
        page["rule"] = rule_words(rule) if rule is not None else None
        if rule is not None:
            # Part by part the key would speak; what counts is what the marking says of the whole.
            for part in page["parts"]:
                part["points_words"] = part["verdict"] = part["pairs"] = None
            if rule.kind is RegradeKind.VOID:
                page["points_words"] = page["verdict"] = None
            if "correctness" in show:
                _say_accepted(page, accepted_parts(item, rule))
        earlier = said.get(item.id, [])
        is_open = any(appeal.answered_at is None for appeal in earlier)
        page["appeals"] = [_appeal(each, progress[each.id]) for each in earlier]
        page["appeal_href"] = (
            url_for("quizzes.question_item", code=attempt.code, position=item.position)
            if can_appeal and not is_open and counts
            else None
        )


def _say_accepted(page: dict[str, Any], accepted: Collection[str]) -> None:
    """Let an answer that is accepted besides the key not stand there as a wrong one."""
    for part in page["parts"]:
        if part["id"] not in accepted:
            continue
        part["verdict"], part["is_accepted"] = "accepted", True
        for choice in part["choices"]:
            # Only where the key is shown it says of a choice whether it is right.
            if choice["right"] is not None:
                choice["accepted"] = True


def counting(marks: Sequence[HandMark]) -> list[HandMark]:
    """Return the marks that make up the points: that of the third person, else those of the first and second."""
    newest = {mark.round: mark for mark in marks}
    decided = newest.get(MarkRound.MODERATION)
    return [decided] if decided is not None else [newest[each] for each in MarkRound if each in newest]


def _by_hand(item: Item, given: Sequence[HandMark], *, shows_points: bool) -> dict[str, Any]:
    here, content, marks = language(), item.question_version.read(), counting(given)
    links = paper.links_of(queries.list_citations([item.question_version_id]).get(item.question_version_id, []), here)
    return {
        "criteria": _criteria(content, marks, links) if shows_points else [],
        "comments": [mark.comment for mark in marks if mark.comment],
        "people": ngettext(
            "Marked by %(num)d person", "Marked by %(num)d people", len({mark.marked_by for mark in given})
        ),
    }


def _criteria(content: Content, marks: Sequence[HandMark], links: paper.Links) -> list[dict[str, Any]]:
    """Return each criterion with its points; of two persons the exact mean."""
    told = []
    for part in content.parts:
        for criterion in part.criteria:
            points = [Fraction(mark.criteria.get(part.id, {}).get(criterion.id, "0")) for mark in marks]
            mean = sum(points, Fraction(0)) / len(points)
            text = paper.line(criterion.text.in_(language()), language(), content.document, links)
            told.append({"text": text, "points": paper.points_words(mean, criterion.points)})
    return told


def appeals_of_void(attempt: Attempt) -> list[dict[str, Any]]:
    """Return the appeals about an attempt that was made void, each with the number of its question."""
    found = appealed.list_of_attempt(attempt.id)
    progress = progress_of(found)
    return [_appeal(each, progress[each.id]) | {"number": each.item.position} for each in found]


def _appeal(appeal: Appeal, progress: Progress) -> dict[str, Any]:
    if progress.stage is Stage.WAITING:
        state = _("Your appeal waits for its answer.")
    elif progress.stage is Stage.LAPSED:
        state = _("Your appeal ended without an answer, because this attempt was made void.")
    elif progress.stage is Stage.NOT_UPHELD:
        state = _("Your appeal was not upheld.")
    else:
        state = _("Your appeal was upheld.")
    return {"words": appeal.words, "state": state, "follows": str(progress.follows), "answer": appeal.answer}


def rule_words(rule: Regrade) -> str:
    """Say by which rule a question is marked, as a learner reads it."""
    return str(
        {
            RegradeKind.VOID: gettext(
                "This question does not count: neither its points nor what could have been earned."
            ),
            RegradeKind.ACCEPT: gettext("Other answers than the key are accepted for this question as well."),
            RegradeKind.FULL: gettext("Everybody has all points for this question."),
            RegradeKind.AS_WRITTEN: gettext("This question is marked as its key says."),
        }[rule.kind]
    )


def kind_words(kind: RegradeKind) -> str:
    """Say what a rule does."""
    return str(
        {
            RegradeKind.VOID: gettext("The question does not count, for nobody"),
            RegradeKind.ACCEPT: gettext("Other answers are right as well"),
            RegradeKind.FULL: gettext("Everybody has all of its points"),
            RegradeKind.AS_WRITTEN: gettext("As its key says: takes the earlier rule back"),
        }[kind]
    )

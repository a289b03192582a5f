"""The pages of those who mark: what waits, an answer without its author, how far two persons agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from portal.core import clock
from portal.core.access import actor, can, requires
from portal.core.errors import DomainError
from portal.core.i18n import format_instant, format_percent, format_points, gettext, language
from portal.core.i18n import gettext as _
from portal.core.once import Done, carry_out
from portal.core.texts import forbidden
from portal.core.transaction import transaction
from portal.quizzes import errors, queries
from portal.quizzes.models import AnswerToMark, HandMark, MarkRound, QuestionVersion, QuizVersion
from portal.quizzes.permissions import MARK_ANSWER, SEE_APPEALS, SEE_MARKING, SEE_REGRADES, SEE_STATISTICS
from portal.quizzes.queries import appeals as appealed
from portal.quizzes.queries import marking as waiting
from portal.quizzes.queries import regrades
from portal.quizzes.rules import hand_marks as rules
from portal.quizzes.service import hand_marking as service
from portal.quizzes.service import paper
from portal.quizzes.service.marking import given_of, most_by_hand, policy_of
from portal.quizzes.types.base import Content, Criterion, Part
from portal.quizzes.views import blueprint


def round_words(round_: MarkRound) -> str:
    """Say which mark is meant."""
    return str(
        {
            MarkRound.FIRST: gettext("First mark"),
            MarkRound.SECOND: gettext("Second mark"),
            MarkRound.MODERATION: gettext("Moderation"),
        }[round_]
    )


def count_for_actor() -> int:
    """Return how much waits for the reader: answers to mark, appeals, regrades."""
    person = actor()
    return waiting.count_waiting(person) + appealed.count_open_for(person) + regrades.count_undecided(person)


def tabs_for(current: str) -> list[dict[str, Any]]:
    """Return the three lists of this place, those that the reader may open."""
    person = actor()
    known = (
        ("marking", _("Answers to mark"), "quizzes.marking", SEE_MARKING, waiting.count_waiting),
        ("appeals", _("Appeals"), "quizzes.appeals", SEE_APPEALS, appealed.count_open_for),
        ("regrades", _("Regrades"), "quizzes.regrades", SEE_REGRADES, regrades.count_undecided),
    )
    return [
        {"label": label, "href": url_for(endpoint), "count": count(person), "current": name == current}
        for name, label, endpoint, permission, count in known
        if can(permission)
    ]


# --- what waits --------------------------------------------------------------------------------


@blueprint.get("/quizzes/marking")
@requires(SEE_MARKING)
def marking() -> str:
    """List the answers that wait for marks, by quiz and question, the oldest first."""
    return _queue()


def _queue(refusal: str = "") -> str:
    person, now, here = actor(), clock.now(), language()
    piles = waiting.list_piles(person, now)
    quizzes = queries.quiz_titles({pile.quiz_id for pile in piles})
    recent = waiting.list_recently_marked(person)
    versions = waiting.list_versions_with_questions({pile.version_id for pile in piles})
    return render_template(
        "quizzes/marking.html",
        tabs=tabs_for("marking"),
        refusal=refusal,
        piles=[
            {
                "quiz": str(quizzes[pile.quiz_id].title),
                "quiz_slug": quizzes[pile.quiz_id].quiz.slug,
                "agreement_href": url_for("quizzes.agreement", slug=quizzes[pile.quiz_id].quiz.slug)
                if can(SEE_STATISTICS)
                else None,
                "question": versions[pile.version_id].read().title.in_(here),
                "address": _address(versions[pile.version_id]),
                "number": versions[pile.version_id].number,
                "round": pile.round.value,
                "round_words": round_words(pile.round),
                "count": pile.count,
                "taken": pile.taken,
                "is_free": pile.count > pile.taken,
                "since": format_instant(pile.since, person.time_zone),
            }
            for pile in piles
        ],
        recent=[
            {
                "question": version.read().title.in_(here),
                "href": url_for("quizzes.answer", code=answer.code),
                "points": format_points(mark.points),
                "at": format_instant(mark.marked_at, person.time_zone),
            }
            for mark, answer, version in recent
        ],
    )


def _address(version: QuestionVersion) -> str:
    return f"{version.question.bank.slug}/{version.question.slug}"


@blueprint.post("/quizzes/marking")
@requires(SEE_MARKING)
def take_answer() -> Response | tuple[str, int]:
    """Take the next answer of a pile before oneself."""
    person = actor()
    quiz = queries.find_quiz(request.form.get("quiz", ""))
    version = _version_meant(request.form.get("question", ""), request.form.get("number", ""))
    round_ = request.form.get("round", "")
    if quiz is None or version is None or round_ not in list(MarkRound):
        return _queue(str(errors.NoSuchAnswer())), 400
    with transaction():
        answer = service.take_next(person=person, quiz_id=quiz.quiz_id, version_id=version.id, round_=MarkRound(round_))
        code = answer.code if answer is not None else None
    if code is None:
        flash(_("Nothing of this waits any more, or somebody else is marking it."), "info")
        return redirect(url_for("quizzes.marking"), 303)
    return redirect(url_for("quizzes.answer", code=code), 303)


def _version_meant(address: str, number: str) -> QuestionVersion | None:
    bank_slug, _slash, slug = address.partition("/")
    bank = queries.find_bank(bank_slug)
    if bank is None or not (number.isascii() and number.isdigit() and len(number) < 7):
        return None
    return waiting.find_version(bank, slug, int(number))


# --- one answer --------------------------------------------------------------------------------


@blueprint.get("/marking/<code>")
@requires(MARK_ANSWER, on=waiting.get_answer_to_mark, see=SEE_MARKING)
def answer(answer: AnswerToMark) -> str:
    """Show an answer that the reader has before her, or that she marked and may still change."""
    draft = waiting.find_draft(answer.item_id, actor())
    return _page(answer, dict(draft.given) if draft is not None else None)


def _page(
    answer: AnswerToMark,
    typed: Mapping[str, str] | None,
    *,
    wrong: Sequence[str] = (),
    refusal: str = "",
) -> str:
    person, item = actor(), answer.item
    marks = waiting.list_hand_marks([item.id]).get(item.id, [])
    is_hers = service.has_before_her(answer, person)
    changes = not is_hers and service.may_change(answer, item.attempt, marks, person)
    if not is_hers and not changes:
        raise errors.MarkedInBetween()
    round_ = marks[-1].round if changes else answer.round
    assert round_ is not None
    given = dict(typed) if typed is not None else _typed_of(marks[-1]) if changes else {}
    here, content = language(), item.question_version.read()
    citations = queries.list_citations([item.question_version_id]).get(item.question_version_id, [])
    links = paper.links_of(citations, here)
    stored = item.response.answer if item.response else {}
    parts = service.parts_of(item)
    asked = [(name, _criterion_of(parts, name)) for name in wrong]
    errors_ = [
        (
            name,
            _("“%(criterion)s”: give points from 0 to %(most)s.", criterion=each.text.in_(here), most=each.points),
        )
        for name, each in asked
    ]
    left = (
        waiting.count_free(
            person,
            clock.now(),
            quiz_id=item.attempt.quiz_id,
            version_id=item.question_version_id,
            round_=round_,
        )
        if is_hers
        else 0
    )
    return render_template(
        "quizzes/answer.html",
        title=content.title.in_(here),
        code=answer.code,
        quiz=str(item.attempt.quiz_version.title),
        round=round_.value,
        round_words=round_words(round_),
        is_anew=changes,
        is_reopened=waiting.find_reopening(item.id) is not None,
        left=left,
        refusal=refusal,
        faults=errors_,
        wrong=dict(errors_),
        stem=paper.block(content.stem.in_(here), here, content.document, links, "stem-"),
        rationale=paper.block(content.rationale.in_(here), here, content.document, links, "why-")
        if content.rationale
        else None,
        clauses=paper.clauses_of(citations, here),
        answer_language=item.attempt.language,
        parts=[
            {
                "heading": part.heading.in_(here) if part.heading else None,
                "text": "\n".join(stored.get(part.id, ())),
                "characters": sum(len(text) for text in stored.get(part.id, ())),
                "points": part.points,
                "criteria": [
                    {
                        "field": service.field_of(part, criterion),
                        "text": paper.line(criterion.text.in_(here), here, content.document, links),
                        "points": criterion.points,
                        "value": given.get(service.field_of(part, criterion), ""),
                    }
                    for criterion in part.criteria
                ],
            }
            for part in parts
        ],
        comment=given.get(service.COMMENT, ""),
        most_comment=service.MAX_COMMENT,
        shown=_marks_shown(marks, parts, content, links) if round_ is MarkRound.MODERATION else [],
        draft_href=url_for("quizzes.keep_mark_draft", code=answer.code) if is_hers else None,
    )


def _criterion_of(parts: Sequence[Part], field: str) -> Criterion:
    return next(
        criterion for part in parts for criterion in part.criteria if service.field_of(part, criterion) == field
    )


def _typed_of(mark: HandMark) -> dict[str, str]:
    """Return what a form would have to say for a mark that was given."""
    given = {
        f"{part}-{criterion}": format_points(Fraction(points))
        for part, criteria in mark.criteria.items()
        for criterion, points in criteria.items()
    }
    return given | {service.COMMENT: mark.comment}


def _marks_shown(
    marks: Sequence[HandMark], parts: Sequence[Part], content: Content, links: paper.Links
) -> list[dict[str, Any]]:
    """Return what each person gave, for whoever decides between them; nobody is named."""
    here = language()
    newest: dict[MarkRound, HandMark] = {mark.round: mark for mark in marks}
    return [
        {
            "label": round_words(round_),
            "points": paper.points_words(newest[round_].points, sum(part.points for part in parts)),
            "criteria": [
                (
                    paper.line(criterion.text.in_(here), here, content.document, links),
                    format_points(Fraction(newest[round_].criteria.get(part.id, {}).get(criterion.id, "0"))),
                    criterion.points,
                )
                for part in parts
                for criterion in part.criteria
            ],
            "comment": newest[round_].comment,
        }
        for round_ in MarkRound
        if round_ in newest
    ]


def _typed() -> dict[str, str]:
    """Return what the form says, its points and its comment."""
    kept = {
        name: text.replace("\r\n", "\n")
        for name, text in request.form.items()
        if name not in ("csrf_token", "form_key", "action", "round")
    }
    if any(forbidden(text, "\n\t") for text in kept.values()) or len(kept) > 200:
        raise errors.BadMark()
    return kept


@blueprint.post("/marking/<code>")
@requires(MARK_ANSWER, on=waiting.get_answer_to_mark, see=SEE_MARKING)
def mark(answer: AnswerToMark) -> Response | tuple[str, int]:
    """Give the mark and go on with the next, or keep what was written and leave."""
    person, typed = actor(), _typed()
    if request.form.get("action") == "leave":
        with transaction():
            if service.has_before_her(answer, person):
                service.keep_draft(answer=answer, person=person, given=typed)
                service.leave(answer=answer, person=person)
        flash(_("What was written is kept. Others can mark this answer now."), "info")
        return redirect(url_for("quizzes.marking"), 303)
    round_ = request.form.get("round", "")
    _points, wrong = service.read_points(answer.item, typed)
    if wrong or round_ not in list(MarkRound):
        return _page(answer, typed, wrong=wrong), 400

    def work() -> Done:
        attempt = answer.item.attempt
        pile = {"quiz_id": attempt.quiz_id, "version_id": answer.item.question_version_id}
        service.give_mark(answer=answer, round_=MarkRound(round_), given=typed, by=person)
        following = service.take_next(person=person, round_=MarkRound(round_), **pile)
        if following is None:
            return Done(_("Marked. Nothing more of this waits."), url_for("quizzes.marking"))
        return Done(_("Marked. This is the next answer."), url_for("quizzes.answer", code=following.code))

    try:
        return carry_out(work)
    except errors.BadMark as refused:
        return _page(answer, typed, refusal=str(refused)), refused.status


@blueprint.post("/marking/<code>/draft")
@requires(MARK_ANSWER, on=waiting.get_answer_to_mark, see=SEE_MARKING)
def keep_mark_draft(answer: AnswerToMark) -> tuple[dict[str, Any], int]:
    """Keep what is written so far (the page does it by itself while somebody writes)."""
    person, typed = actor(), _typed()
    try:
        with transaction():
            service.keep_draft(answer=answer, person=person, given=typed)
    except DomainError as refused:
        return {"message": str(refused)}, refused.status
    return {"saved_at": f"{clock.now().astimezone(clock.zone_info(person.time_zone)):%H:%M:%S}"}, 200


# --- how far two persons agree -----------------------------------------------------------------


@blueprint.get("/quizzes/<slug>/agreement")
@requires(SEE_STATISTICS, on=queries.get_quiz)
def agreement(version: QuizVersion) -> str:
    """Show how far first and second marks agree, for the quiz and for each question."""
    marked = waiting.list_marked_twice(version.quiz_id)
    above = policy_of(version).above
    given = [(each, given_of(each.marks, most_by_hand(each.item))) for each in marked]
    by_question: dict[int, list[rules.Given]] = {}
    titles: dict[int, str] = {}
    for each, pair in given:
        by_question.setdefault(each.version_id, []).append(pair)
        titles[each.version_id] = each.item.question_version.read().title.in_(language())
    return render_template(
        "quizzes/agreement.html",
        title=str(version.title),
        slug=version.quiz.slug,
        quiz_href=url_for("quizzes.show", slug=version.quiz.slug),
        minimum=rules.MINIMUM_PAIRS,
        above=format_percent(above),
        whole=_agreement_row(_("The quiz as a whole"), rules.agreement([pair for _each, pair in given], above)),
        rows=[
            _agreement_row(titles[version_id], rules.agreement(pairs, above))
            for version_id, pairs in sorted(by_question.items())
        ],
    )


def _agreement_row(name: str, figures: rules.Agreement) -> dict[str, Any]:
    is_shown = figures.mean_distance is not None
    return {
        "name": name,
        "n": figures.n,
        "apart": figures.apart if is_shown else None,
        "is_shown": is_shown,
        "kappa": "–" if figures.kappa is None else f"{figures.kappa:.2f}".replace("-", "−"),
        "difference": _signed(figures.mean_difference),
        "between": f"{_signed(figures.low)} … {_signed(figures.high)}" if is_shown else "",
        "distance": format_percent(Fraction(figures.mean_distance).limit_denominator(10**9))
        if figures.mean_distance is not None
        else "–",
    }


def _signed(share: float | None) -> str:
    if share is None:
        return "–"
    text = format_percent(abs(Fraction(share).limit_denominator(10**9)))
    return f"−{text}" if share < 0 else f"+{text}" if share > 0 else text

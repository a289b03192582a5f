"""The mails of quizzes: questions to look at, appeals, results that are out or were corrected, void attempts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from portal.accounts import queries as accounts
from portal.accounts.models import Person
from portal.accounts.service.recipients import describe_mail
from portal.core.access import allows
from portal.core.i18n import LazyText, force_locale, language
from portal.core.i18n import lazy_gettext as _l
from portal.core.jobs import Description
from portal.core.mail import Email, email
from portal.core.web import public_url
from portal.library import queries as library
from portal.quizzes import queries
from portal.quizzes.models import Appeal, Attempt, AttemptState, Marking, QuestionState
from portal.quizzes.permissions import SEE_BANKS
from portal.quizzes.queries import appeals, pool, supervision
from portal.quizzes.queries import flags as flagged
from portal.quizzes.queries import staleness as looked_up
from portal.quizzes.service import depth, flags, review, settled, staleness
from portal.quizzes.service.corrections import questions_of, scores_words
from portal.quizzes.service.depth import stopped_words

# So many questions are named in a mail; the page has all of them.
_NAMED = 30


def _to(person: Person, name: str, values: dict[str, Any]) -> Email:
    """Return the mail of this name to a person, in her language."""
    return Email(
        template=f"quizzes/emails/{name}",
        to_address=person.sign_in_name,
        to_name=person.name_in(person.language),
        salutation=person.addressed_in(person.language),
        language=person.language,
        values=values,
    )


def _describe(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    people = {each.code: each for each in accounts.list_people_of([each["to"] for each in arguments])}
    titles = library.list_titles([each["version_id"] for each in arguments], language())
    return [
        describe_mail(_l("Mail: questions to re-check"), people.get(each["to"]), titles.get(each["version_id"], ""))
        for each in arguments
    ]


@email("quizzes.questions_stale", describe=_describe)
def questions_stale(version_id: int, to: str) -> Email | None:
    """Tell who answers for banks and quizzes which questions wait for a re-check, and because of which clauses.

    Nothing where all of them were re-checked by the time the mail is written.
    """
    person, version = accounts.find_person(to), library.find_version_by_id(version_id)
    if person is None or version is None or not person.is_active:
        return None
    waiting = [row for row in looked_up.list_opened_by(version_id) if row.question.state is QuestionState.STALE]
    banks, short = staleness.answered_for(person, waiting)
    here = person.language
    questions = [row for row in waiting if row.question.bank.slug in banks]
    if not banks and not short:
        return None
    wordings = looked_up.list_contents([row.question_version_id for row in questions])
    return _to(
        person,
        "questions_stale",
        {
            "document": library.list_titles([version_id], here).get(version_id, version.document.slug),
            "number": version.number,
            "effective_on": version.effective_on,
            "questions": [
                {
                    "title": wordings[row.question_version_id].read().title.in_(here),
                    "address": f"{row.question.bank.slug}/{row.question.slug}",
                    "clauses": [f"{row.document_slug}#{anchor}" for anchor in row.anchors],
                }
                for row in questions
            ],
            "quizzes": [
                {"title": each.version.title.in_(here), "available": each.available, "draws": each.draws}
                for each in short
            ],
            "href": public_url("quizzes.stale"),
        },
    )


def _describe_flagged(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    people = {each.code: each for each in accounts.list_people_of([each["to"] for each in arguments])}
    return [
        describe_mail(_l("Mail: what results point out"), people.get(each["to"]), str(len(each["codes"])))
        for each in arguments
    ]


@email(flags.MAIL, describe=_describe_flagged)
def questions_flagged(codes: Sequence[str], quizzes: Sequence[str], to: str) -> Email | None:
    """Tell somebody what results point out about questions of hers, and which of her quizzes go short because of it.

    Nothing where all of it was closed by the time the mail is written.
    """
    person = accounts.find_person(to)
    if person is None or not person.is_active:
        return None
    here = person.language
    found = [each for each in flagged.list_by_codes(codes) if each.closed_at is None]
    short = flags.shortfalls(quizzes)
    if not found and not short:
        return None
    return _to(
        person,
        "questions_flagged",
        {
            "questions": [
                {
                    "kind": each.kind.value,
                    "title": each.question_version.read().title.in_(here),
                    "address": f"{each.question.bank.slug}/{each.question.slug}",
                    "n": each.n,
                    "href": public_url("quizzes.flag", code=each.code),
                }
                for each in found
            ],
            "quizzes": [
                {"title": each.version.title.in_(here), "available": each.available, "draws": each.draws}
                for each in short
            ],
        },
    )


def _describe_of_banks(what: LazyText) -> Callable[[Sequence[Mapping[str, Any]]], list[Description]]:
    def describe(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
        people = {each.code: each for each in accounts.list_people_of([each["to"] for each in arguments])}
        titles = {bank.slug: str(bank.title) for bank in queries.list_banks()}
        return [describe_mail(what, people.get(each["to"]), titles.get(each["bank"], "")) for each in arguments]

    return describe


@email(depth.MAIL, describe=_describe_of_banks(_l("Mail: quizzes that cannot be started")))
def running_short(
    *, bank: str, questions: Sequence[str], quizzes: Sequence[str], reason: str, by: str, to: str
) -> Email | None:
    """Tell who answers for them which quizzes stopped because somebody changed questions of a bank.

    Nothing where all of them can be started again by the time the mail is written.
    """
    person, changer, of = accounts.find_person(to), accounts.find_person(by), queries.find_bank(bank)
    stopped = depth.list_stopped(quizzes)
    if person is None or not person.is_active or of is None or not stopped:
        return None
    here = person.language
    named = [(question, version) for question, version in queries.list_latest(of) if question.slug in questions]
    may_open = allows(person, SEE_BANKS)
    with force_locale(here):
        rows = [
            {
                "title": each.version.title.in_(here),
                "words": stopped_words(each),
                "href": public_url("quizzes.coverage" if may_open else "quizzes.show", slug=each.version.quiz.slug),
            }
            for each in stopped
        ]
    return _to(
        person,
        "running_short",
        {
            "bank": of.title.in_(here),
            "by": changer.name_in(here) if changer is not None else by,
            "quizzes": rows,
            "questions": [
                {"title": version.read().title.in_(here), "address": f"{of.slug}/{question.slug}"}
                for question, version in named[:_NAMED]
            ],
            "more": max(0, len(named) - _NAMED),
            "reason": reason,
        },
    )


@email(review.SUBMITTED, describe=_describe_of_banks(_l("Mail: questions wait for a review")))
def questions_submitted(bank: str, turn: int, to: str) -> Email | None:
    """Tell a reviewer which questions of a bank were submitted in a stretch of time, if they still wait for her."""
    person, of = accounts.find_person(to), queries.find_bank(bank)
    if person is None or not person.is_active or of is None:
        return None
    found = review.list_submitted_in(bank, turn, person)
    if not found:
        return None
    here = person.language
    versions = pool.get_versions([each.row.version_id for each in found[:_NAMED]])
    names = {each.code: each.name_in(here) for each in accounts.list_people_of({e.by for e in found if e.by})}
    return _to(
        person,
        "questions_submitted",
        {
            "bank": of.title.in_(here),
            "total": len(found),
            "by": sorted(set(names.values())),
            "questions": [
                {
                    "title": versions[each.row.version_id].read().title.in_(here),
                    "address": f"{bank}/{each.row.slug}",
                }
                for each in found[:_NAMED]
            ],
            "more": max(0, len(found) - _NAMED),
            "href": public_url("quizzes.reviews", bank=bank),
        },
    )


@email(review.REVIEWED, describe=_describe_of_banks(_l("Mail: questions were reviewed")))
def questions_reviewed(bank: str, turn: int, to: str) -> Email | None:
    """Tell an author what others decided in a stretch of time about her questions of a bank, and why."""
    person, of = accounts.find_person(to), queries.find_bank(bank)
    if person is None or not person.is_active or of is None:
        return None
    found = review.list_reviewed_in(bank, turn, person)
    if not found:
        return None
    here = person.language
    return _to(
        person,
        "questions_reviewed",
        {
            "bank": of.title.in_(here),
            "back": sum(each.step.after is QuestionState.DRAFT for each in found),
            "total": len(found),
            "questions": [
                {
                    "title": each.version.read().title.in_(here),
                    "address": f"{bank}/{each.question.slug}",
                    "outcome": each.step.after.value,
                    "reason": each.step.reason,
                    "href": public_url("quizzes.question", slug=bank, question=each.question.slug),
                }
                for each in found[:_NAMED]
            ],
            "more": max(0, len(found) - _NAMED),
            "href": public_url("quizzes.bank", slug=bank),
        },
    )


def _describe_appeals(what: LazyText) -> Callable[[Sequence[Mapping[str, Any]]], list[Description]]:
    def describe(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
        rows = {each.code: each for each in appeals.list_appeals_of([each["code"] for each in arguments])}
        codes = [each.get("to") or rows[each["code"]].item.attempt.person.code for each in arguments]
        people = {each.code: each for each in accounts.list_people_of(codes)}
        here = language()
        return [
            describe_mail(what, people.get(to), rows[each["code"]].item.question_version.read().title.in_(here))
            for each, to in zip(arguments, codes, strict=True)
        ]

    return describe


@email("quizzes.appeal_waiting", describe=_describe_appeals(_l("Mail: an appeal waits for an answer")))
def appeal_waiting(code: str, to: str) -> Email | None:
    """Tell who may answer that a learner questions how an item was marked; nothing where it is answered by then."""
    person, appeal = accounts.find_person(to), appeals.get_appeal(code)
    if person is None or not person.is_active or appeal.answered_at is not None:
        return None
    here = person.language
    return _to(
        person,
        "appeal_waiting",
        {
            "question": appeal.item.question_version.read().title.in_(here),
            "bank": appeal.item.question_version.question.bank.title.in_(here),
            "href": public_url("quizzes.appeal", code=appeal.code),
        },
    )


@email("quizzes.appeal_answered", describe=_describe_appeals(_l("Mail: an appeal was answered")))
def appeal_answered(code: str) -> Email | None:
    """Tell a learner what was answered to her appeal, and whether her result has changed by now."""
    appeal = appeals.get_appeal(code)
    return _about_appeal(appeal, "appeal_answered", {"answer": appeal.answer or ""})


@email("quizzes.appeal_settled", describe=_describe_appeals(_l("Mail: an appeal is settled")))
def appeal_settled(code: str) -> Email | None:
    """Tell a learner whose appeal was upheld that all was done and her result has stayed the same."""
    return _about_appeal(appeals.get_appeal(code), "appeal_settled", {})


def _about_appeal(appeal: Appeal, name: str, values: Mapping[str, Any]) -> Email | None:
    attempt, person = appeal.item.attempt, appeal.item.attempt.person
    if not person.is_active:
        return None
    here = person.language
    progress = settled.progress_of([appeal])[appeal.id]
    with force_locale(here):
        follows = str(progress.follows)
    return _to(
        person,
        name,
        {
            "quiz": attempt.quiz_version.title.in_(here),
            "number": appeal.item.position,
            "is_upheld": bool(appeal.is_upheld),
            "follows": follows,
            "reason": progress.rule.reason.in_(here) if progress.rule is not None else "",
            "href": public_url("quizzes.result", code=attempt.code),
            **values,
        },
    )


def _describe_attempts(what: LazyText) -> Callable[[Sequence[Mapping[str, Any]]], list[Description]]:
    def describe(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
        rows = {each.code: each for each in queries.list_attempts_of([each["code"] for each in arguments])}
        return [
            describe_mail(what, rows[each["code"]].person, str(rows[each["code"]].quiz_version.title))
            for each in arguments
        ]

    return describe


@email("quizzes.result_released", describe=_describe_attempts(_l("Mail: a result is out")))
def result_released(code: str) -> Email | None:
    """Tell a learner that a result for which she had to wait is out; what it is stands on its page alone."""
    attempt = queries.get_attempt(code)
    person = attempt.person
    if not person.is_active or attempt.state is not AttemptState.RELEASED:
        return None
    here = person.language
    return _to(
        person,
        "result_released",
        {
            "quiz": attempt.quiz_version.title.in_(here),
            "number": attempt.attempt_no,
            "href": public_url("quizzes.result", code=attempt.code),
        },
    )


@email("quizzes.attempt_voided", describe=_describe_attempts(_l("Mail: an attempt was made void")))
def attempt_voided(code: str, reason: str) -> Email | None:
    """Tell a learner that an attempt of hers counts for nothing, and why."""
    attempt = queries.get_attempt(code)
    person = attempt.person
    if not person.is_active:
        return None
    here = person.language
    return _to(
        person,
        "attempt_voided",
        {
            "quiz": attempt.quiz_version.title.in_(here),
            "number": attempt.attempt_no,
            "reason": reason,
            "appeals": [each.item.position for each in appeals.list_of_attempt(attempt.id) if each.is_lapsed],
            "href": public_url("quizzes.result", code=attempt.code),
            "quiz_href": public_url("quizzes.show", slug=attempt.quiz_version.quiz.slug),
        },
    )


def _describe_voids(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    rows = {each.code: each for each in supervision.list_voids_of([each["code"] for each in arguments])}
    people = {each.code: each for each in accounts.list_people_of([each["to"] for each in arguments])}
    return [
        describe_mail(
            _l("Mail: an attempt is asked to be made void"),
            people.get(each["to"]),
            str(rows[each["code"]].attempt.quiz_version.title),
        )
        for each in arguments
    ]


@email("quizzes.void_waiting", describe=_describe_voids)
def void_waiting(code: str, to: str) -> Email | None:
    """Tell who could confirm it that an attempt is asked to be made void; nothing where it is decided by then."""
    person, (request,) = accounts.find_person(to), supervision.list_voids_of([code])
    if person is None or not person.is_active or request.decided_at is not None:
        return None
    here, attempt, asker = person.language, request.attempt, accounts.find_person(request.asked_by)
    return _to(
        person,
        "void_waiting",
        {
            "learner": attempt.person.name_in(here),
            "asker": asker.name_in(here) if asker is not None else request.asked_by,
            "quiz": attempt.quiz_version.title.in_(here),
            "reason": request.reason,
            "href": public_url("quizzes.supervision", code=attempt.code) + "#asked",
        },
    )


def _describe_late(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    rows = {each.code: each for each in queries.list_attempts_of([each["code"] for each in arguments])}
    people = {each.code: each for each in accounts.list_people_of([each["to"] for each in arguments])}
    return [
        describe_mail(
            _l("Mail: answers came too late"), people.get(each["to"]), str(rows[each["code"]].quiz_version.title)
        )
        for each in arguments
    ]


@email("quizzes.answers_late", describe=_describe_late)
def answers_late(code: str, to: str) -> Email | None:
    """Tell a lead that answers of somebody whom she looks after came after the end of the time."""
    person, attempt = accounts.find_person(to), queries.get_attempt(code)
    if person is None or not person.is_active or attempt.state is AttemptState.VOIDED:
        return None
    here = person.language
    return _to(
        person,
        "answers_late",
        {
            "learner": attempt.person.name_in(here),
            "quiz": attempt.quiz_version.title.in_(here),
            "is_out": attempt.state is AttemptState.RELEASED,
            "href": public_url("quizzes.supervision", code=attempt.code),
        },
    )


@email("quizzes.result_corrected", describe=_describe_attempts(_l("Mail: a result was corrected")))
def result_corrected(code: str, marking_no: int) -> Email | None:
    """Tell a learner that her result was marked again, why, and what it says now; nothing where it was once more."""
    attempt = queries.get_attempt(code)
    markings = {marking.marking_no: marking for marking in attempt.markings}
    marking, before = markings[marking_no], markings.get(marking_no - 1)
    person = attempt.person
    if not person.is_active or before is None or marking_no != max(markings):
        return None
    here = person.language
    shows_score = attempt.quiz_version.shows_score
    with force_locale(here):
        scores = scores_words(before, marking) if shows_score else ""
    fall = (
        next((each for each in marking.regrade.falls if each.attempt_id == attempt.id), None)
        if marking.regrade
        else None
    )
    return _to(
        person,
        "result_corrected",
        {
            "quiz": attempt.quiz_version.title.in_(here),
            "reason": marking.regrade.reason.in_(here) if marking.regrade else "",
            "settles": _settled_by(attempt, marking),
            "questions": questions_of(marking, queries.list_items(attempt)),
            "scores": scores,
            "outcome": _outcome(before, marking),
            "fall": fall.reason if fall is not None and before.passed and not marking.passed else None,
            "href": public_url("quizzes.result", code=attempt.code),
        },
    )


def _outcome(before: Marking, marking: Marking) -> str:
    """Return what has become of the pass, which every quiz tells whoever sat it, whatever else it shows."""
    if marking.keeps_pass:
        return "kept"
    if marking.passed:
        return "still_passed" if before.passed else "newly_passed"
    return "lost" if before.passed else "still_not_passed"


def _settled_by(attempt: Attempt, marking: Marking) -> list[int]:
    """Return the questions about which appeals are settled by a marking."""
    of_items = appeals.list_of_items([item.id for item in queries.list_items(attempt)])
    found = [appeal for of_item in of_items.values() for appeal in of_item]
    progress = settled.progress_of(found)
    positions = set()
    for appeal in found:
        rule = progress[appeal.id].rule
        is_by_rule = rule is not None and rule.id == marking.regrade_id
        if progress[appeal.id].stage is settled.Stage.CHANGED and (is_by_rule or appeal.id == marking.appeal_id):
            positions.add(appeal.item.position)
    return sorted(positions)

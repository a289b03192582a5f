"""How people of the demo do the steps of a plan: each kind through the service that its page calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction

from portal.accounts import queries as accounts
from portal.accounts.models import Person
from portal.accounts.service import sessions as sign_ins
from portal.acknowledgements.queries import campaigns as asked
from portal.acknowledgements.service import acknowledge, campaigns, confirm_delta, confirm_reading, deltas
from portal.core import clock
from portal.library import queries as library
from portal.library.models import DocumentVersion
from portal.library.service.readings import note_opened
from portal.operations.demo.people import DOMAIN, ZONE
from portal.quizzes import queries as quizzes
from portal.quizzes.models import Item
from portal.quizzes.service.attempts import save_response, start_attempt, submit_attempt
from portal.quizzes.service.rehearsal import rehearsed_answer, rehearsed_single
from portal.training.models import Enrollment, PlanStep
from portal.training.permissions import StepOfEnrollment
from portal.training.rules import Doer, Presence, StepKind
from portal.training.service import sessions, tasks
from portal.training.service.sign_offs import sign_off

ROOM = "2F 会議室 / Meeting room 2F"
LINK = "https://meet.hibiki.example/account-safety"
# From one sitting of a check to the next on one day, and from one answer to the next.
_SITTING, _ANSWER = timedelta(minutes=40), timedelta(seconds=55)


@dataclass(frozen=True, slots=True)
class Supervisors:
    """Who signs off what others do."""

    lead: Person
    mentor: Person

    def of(self, step: PlanStep) -> Person:
        """Return whose turn it is at the step."""
        return self.lead if step.by is Doer.LEAD else self.mentor


@dataclass(frozen=True, slots=True)
class Sitting:
    """One try at a check: how many questions go wrong, where a clause is named those about it."""

    wrong: int = 0
    clause: str = ""


@dataclass(frozen=True, slots=True)
class How:
    """How somebody does a step: her tries at a check, what she hands in, what is stated about her."""

    tries: Sequence[Sitting] = (Sitting(),)
    said: str = ""
    link: str = ""
    file: tasks.SentFile | None = None


def somebody(name: str) -> Person:
    """Return the person of the demo whose address begins with the name."""
    found = accounts.find_person_by_sign_in_name(f"{name}@{DOMAIN}")
    assert found is not None, name
    return found


def visit(person: Person) -> None:
    """Sign in and out again, once a day: what is done in between happens at one frozen moment."""
    zone, seen = person.time_zone, person.last_seen_at
    if seen is not None and clock.local_date(seen, zone) == clock.today(zone):
        return
    token = sign_ins.begin_session(person=person, browser="", address="127.0.0.1")
    sign_ins.end_session(token=token)


def look_up(person: Person, slug: str) -> DocumentVersion:
    """Open the document in force for the person, and return it."""
    version = library.version_in_force(library.get_document(slug), person.home_market.code)
    assert version is not None
    note_opened(person=person, version=version, known=library.find_reading(person, version))
    return version


def ask_audience(version: DocumentVersion) -> None:
    """Do what the worker does after a publication: ask everybody whom the version is addressed to."""
    for _progress in campaigns.ask_audience(version.id):
        pass


def open_changes(name: str, slug: str) -> None:
    """Let somebody look at what changed in a document that she is asked to confirm."""
    person, document = somebody(name), library.get_document(slug)
    visit(person)
    request, delta = asked.find_open_request(person, document), deltas.find_delta(person, document)
    assert request is not None, name
    assert delta is not None, name
    note_opened(person=person, version=delta.new, known=library.find_reading(person, delta.new))
    deltas.note_opened(request)


def confirm_changes(name: str, slug: str, *, slips: int = 0) -> None:
    """Let somebody confirm what she is asked; of the questions about it she answers so many wrongly at first."""
    open_changes(name, slug)
    person = somebody(name)
    for wrong in (slips, 0):
        _answer_check(person, slug, wrong)
    confirm_delta(document=library.get_document(slug), language=person.language, by=person)


def _answer_check(person: Person, slug: str, wrong: int) -> None:
    """Answer what is asked about a changed document and is not answered rightly yet, the first ones wrongly."""
    delta = deltas.find_delta(person, library.get_document(slug))
    assert delta is not None
    seed = deltas.seed_of(person, delta.new)
    asked_now = [item for item in delta.check if not item.is_right]
    given = {
        item.address: rehearsed_single(item.version, seed, right=number >= wrong)
        for number, item in enumerate(asked_now)
    }
    deltas.answer_check(delta=delta, given=given, by=person)


def do(*, step: PlanStep, enrollment: Enrollment, supervisors: Supervisors, how: How) -> None:
    """Do a step of any kind now: by the learner, or by whose turn it is."""
    person = enrollment.person
    match step.kind:
        case StepKind.READ:
            confirm_reading(version=look_up(person, step.document_slug or ""), language=person.language, by=person)
        case StepKind.ACKNOWLEDGE:
            acknowledge(version=look_up(person, step.document_slug or ""), language=person.language, by=person)
        case StepKind.QUIZ:
            sit(person, step.quiz_slug or "", how.tries)
        case StepKind.TASK:
            tasks.hand_in(enrollment=enrollment, step=step, by=person, said=how.said, link=how.link, file=how.file)
        case StepKind.SESSION:
            _meet(step, enrollment, supervisors.of(step))
        case StepKind.SIGN_OFF | StepKind.GATE:
            sign_off(enrollment=enrollment, step=step, statement=how.said, by=supervisors.of(step))


def _meet(step: PlanStep, enrollment: Enrollment, by: Person) -> None:
    """Meet one learner now, and record afterwards that she was there."""
    begins = clock.now().astimezone(clock.zone_info(ZONE))
    when = sessions.When(begins.date(), begins.time(), (begins + timedelta(minutes=step.minutes)).time(), ROOM, LINK)
    planned = sessions.plan_session(
        step=step, market=enrollment.market, when=when, learners=[StepOfEnrollment(enrollment, step)], by=by
    )
    with clock.frozen(planned.time.ends_at):
        sessions.record_attendance(
            planned=planned, said={enrollment.code: Presence.PRESENT}, reason="", seen=0, by=by
        )  # fmt: skip


def sit(person: Person, slug: str, tries: Sequence[Sitting]) -> None:
    """Take a quiz once for each of the tries, one after the other."""
    now = clock.now()
    for number, sitting in enumerate(tries):
        begun = now + _SITTING * number
        with clock.frozen(begun):
            attempt = start_attempt(version=quizzes.get_quiz(slug), person=person, language=person.language)
        items = quizzes.list_items(attempt)
        slips = _slips(items, sitting)
        for item in items:
            with clock.frozen(begun + _ANSWER * item.position):
                save_response(
                    attempt=attempt, person=person, position=item.position, seq=1, idem_key=f"demo-{item.position}",
                    given=rehearsed_answer(item, right=item.id not in slips),
                )  # fmt: skip
        with clock.frozen(begun + _ANSWER * (len(items) + 1)):
            submit_attempt(attempt=attempt, person=person)


def _slips(items: Sequence[Item], sitting: Sitting) -> set[int]:
    """Return the items that go wrong: the cheapest before others, so that one slip costs nobody the quiz.

    Where a clause is named, only cheap items about it do.
    """
    cheapest = min(item.max_points for item in items)

    def key(item: Item) -> tuple[Fraction, int]:
        return item.max_points, item.position

    wanted = [
        item
        for item in sorted(items, key=key)
        if not sitting.clause or (item.max_points == cheapest and _is_about(item, sitting.clause))
    ]
    return {item.id for item in wanted[: sitting.wrong]}


def _is_about(item: Item, clause: str) -> bool:
    return any(each.tested and each.anchor == clause for each in item.question_version.citations)

"""What must always be true of recurring tasks, and of who answers for what."""

from __future__ import annotations

from portal.accounts import queries as accounts
from portal.accounts.service import ownership
from portal.cohorts.permissions import Reach
from portal.duties.models import RecurringTask, RecurringTaskRun
from portal.duties.queries import cards
from portal.duties.queries import tasks as queries
from portal.duties.rules.cards import secret_places, tidied_parts, too_long
from portal.duties.service.cards import questions_of

_EVERYTHING = Reach(everywhere=True, markets=frozenset(), teams=frozenset(), cohorts=frozenset())


def tasks_have_terms_and_an_owner() -> list[str]:
    """Return a sentence for each recurring task whose terms are not numbered without a gap, or that nobody owns."""
    tasks = queries.list_tasks(_EVERYTHING)
    owners = queries.owners_of(tasks)
    breaches = []
    for each in tasks:
        if not each.terms:
            breaches.append(f"recurring task {each.code} has no terms")
        elif [row.number for row in each.terms] != list(range(1, len(each.terms) + 1)):
            breaches.append(f"recurring task {each.code}: its terms are not numbered without a gap")
        if each.ended_at is None and each.code not in owners:
            breaches.append(f"recurring task {each.code} has no owner")
    return breaches


def runs_belong_to_their_task() -> list[str]:
    """Return a sentence for each run that its task's terms, or its own days, contradict."""
    return [
        f"run {run.code} of recurring task {run.task.code} {said}"
        for runs in queries.stretches_of_runs()
        for run in runs
        for said in _breaches_of(run, run.task)
    ]


def _breaches_of(run: RecurringTaskRun, task: RecurringTask) -> list[str]:
    said = []
    if task.terms and run.due_on < min(each.starts_on for each in task.terms):
        said.append(f"is of {run.due_on}, before the task began")
    if run.helper_id is not None and run.helper_id == run.person_id:
        said.append("names the same person as doing it and as helping")
    if (run.how is not None and run.how.value == "with_help") != (run.helper_id is not None):
        said.append("does not say who helped, or names somebody although it was done alone")
    if run.taken_back_at is not None and run.taken_back_at < run.recorded_at:
        said.append("was taken back before it was recorded")
    return said


def what_is_owned_exists() -> list[str]:
    """Return a sentence for each thing that somebody answers for and that no kind knows."""
    kinds = ownership.kinds()
    named: dict[str, list[str]] = {}
    for row in accounts.list_current_owners():
        named.setdefault(row.kind, []).append(row.thing_code)
    breaches = []
    for kind, codes in sorted(named.items()):
        if kind not in kinds:
            breaches.append(f"ownerships: nobody knows things of the kind {kind}")
            continue
        known = kinds[kind].find_things(codes)
        breaches += [f"ownerships: there is no {kind} {code}" for code in codes if code not in known]
    return breaches


def cards_are_whole() -> list[str]:
    """Return a sentence for each card whose versions, checks or owner are not as they must be, or with a secret."""
    breaches = []
    found = cards.list_cards()
    owners = accounts.find_owners(cards.CARD_KIND, [each.code for each in found if each.kind == cards.CARD_KIND])
    for each in found:
        numbers = [version.number for version in each.versions]
        if not numbers or numbers != list(range(1, len(numbers) + 1)):
            breaches.append(f"card {each.code}: its versions are not numbered without a gap")
        is_free = each.kind == cards.CARD_KIND
        if is_free and (each.thing_code != each.code or each.code not in owners):
            breaches.append(f"card {each.code} belongs to no other thing and has no owner")
        if not is_free and each.ended_at is not None:
            breaches.append(f"card {each.code} has ended, although it belongs to another thing")
        for version in each.versions:
            if not version.checks:
                breaches.append(f"card {each.code}: nobody has checked its version {version.number}")
            if is_free != (version.title is not None):
                breaches.append(f"card {each.code}: version {version.number} has a title, or none, against its kind")
            if tidied_parts(version.parts) != version.parts or not version.parts or too_long(version.parts):
                breaches.append(f"card {each.code}: version {version.number} says what would not have been kept")
            if secret_places(version.parts, questions_of(version)):
                breaches.append(f"card {each.code}: version {version.number} looks as if it kept a secret")
    return breaches


INVARIANTS = {
    "recurring tasks have terms and an owner": tasks_have_terms_and_an_owner,
    "runs belong to their recurring task": runs_belong_to_their_task,
    "what somebody answers for exists": what_is_owned_exists,
    "cards are whole and keep no secret": cards_are_whole,
}

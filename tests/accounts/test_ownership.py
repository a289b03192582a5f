"""Who answers for what: everything that people make has an owner from its first day, and none is forgotten."""

from __future__ import annotations

from datetime import date

import pytest
from flask import Flask
from sqlalchemy import text

from portal import wiring
from portal.accounts import queries
from portal.accounts.models import Person
from portal.accounts.service import ownership
from portal.accounts.service.ownership import MadeThings, set_owner
from portal.certificates.rules import templates as designs
from portal.certificates.service import templates
from portal.cohorts.models import Cohort
from portal.cohorts.service import create_cohort
from portal.core import clock
from portal.core.db import Base, session
from portal.core.i18n import Words
from portal.core.transaction import own_transaction
from portal.journal.models import JournalEntry
from portal.operations.doctor import examine
from tests.builders import MORNING, Cast, make_market, make_person, make_team, save

# Every table whose rows have an address of their own is either a thing that people answer for …
OWNED = {
    "campaigns": "campaign",
    "certificate_templates": "certificate_template",
    "cohorts": "cohort",
    "credentials": "credential",
    "documents": "document",
    "obligations": "obligation",
    "plans": "plan",
    "question_banks": "question_bank",
    "quizzes": "quiz",
    "recurring_tasks": "recurring_task",
    "report_schedules": "report_schedule",
}
_PART = "a part of something that has an owner"
_PERSONS_OWN = "one person's own, with her it ends"
_PASSING = "work that somebody has begun and that ends by itself"
_FACT = "a record of what happened; nobody has to keep it going"
# … or says here why nobody does.
NOT_OWNED = {
    "answers_to_mark": _PASSING,
    "appeals": _PASSING,
    "attempts": _PERSONS_OWN,
    "cards": "of the thing that they are about; one of no other thing is of the kind card",
    "certificate_batches": _PASSING,
    "certificate_shares": _PERSONS_OWN,
    "certificates": _PERSONS_OWN,
    "clause_links": _PART,
    "clause_questions": "asked of whoever answers for the document",
    "cohort_drafts": _PASSING,
    "document_audiences": _PART,
    "draft_asides": _PASSING,
    "draft_comments": _PASSING,
    "draft_kept": _PASSING,
    "drafts": "of the document, whose owner answers for what is written",
    "enrollments": _PERSONS_OWN,
    "glossary_terms": "the whole organisation's words, which travel in one file",
    "grade_decisions": _FACT,
    "handover_evidence": _FACT,
    "handover_items": _PASSING,
    "handover_quiz_tries": _PERSONS_OWN,
    "card_removals": "of the card that it is about",
    "handovers": _PASSING,
    "jobs": "the machinery's",
    "learner_notes": _FACT,
    "live_sessions": _PASSING,
    "markets": "the organisation itself, kept by its administrators",
    "name_changes": _PERSONS_OWN,
    "obligation_cycles": _PERSONS_OWN,
    "people": "people are led, not owned",
    "people_imports": _PASSING,
    "plan_drafts": "of the plan, whose owner answers for what is written",
    "plan_events": _PART,
    "plan_phases": _PART,
    "plan_steps": _PART,
    "practice_answers": _PERSONS_OWN,
    "question_exports": _PASSING,
    "question_flags": _PASSING,
    "question_import_rows": _PASSING,
    "question_imports": _PASSING,
    "questions": _PART,
    "recurring_task_runs": _FACT,
    "refused_answers": _FACT,
    "regrades": _PASSING,
    "report_files": _PASSING,
    "stand_ins": _PASSING,
    "teams": "the organisation itself, kept by its administrators",
    "transcript_files": _PERSONS_OWN,
    "void_requests": _PASSING,
}


def test_whatever_has_an_address_has_a_kind_that_is_owned_or_a_reason(app: Flask) -> None:
    addressed = {name for name, table in Base.metadata.tables.items() if {"code", "slug"} & set(table.columns.keys())}
    assert addressed == set(OWNED) | set(NOT_OWNED)
    assert not set(OWNED) & set(NOT_OWNED)
    # What only its owner knows of no other thing is a kind of its own, without a table of its own.
    assert set(OWNED.values()) | {"card"} == set(ownership.kinds()) | {"card"}


def owner_of(kind: str, code: str) -> Person | None:
    found = queries.find_owner(kind, code)
    return found.owner if found else None


def test_who_founds_a_cohort_or_begins_a_template_answers_for_it(cast: Cast) -> None:
    with own_transaction():
        create_cohort(
            code="jp-2026-04", name=Words("April", "4月"), market=make_market(), team=None, starts_on=date(2026, 4, 1),
            by=cast.lead,
        )  # fmt: skip
        templates.begin_template(slug="modern", spec=designs.starting_spec(designs.Design.MODERN), by=cast.author)
    assert owner_of("cohort", "jp-2026-04") == cast.lead
    assert owner_of("certificate_template", "modern") == cast.author


def old_cohort(code: str, by: str) -> None:
    """Make a cohort as they were made before anybody answered for them."""
    save(
        Cohort(
            code=code, name=Words(code, code), market=make_market(), starts_on=date(2026, 4, 1), created_at=MORNING,
            created_by=by,
        )
    )  # fmt: skip


def test_of_what_there_was_its_maker_becomes_owner_and_the_journal_says_so(cast: Cast) -> None:
    gone = make_person(deactivated_at=MORNING)
    for code, by in (("hers", cast.lead.code), ("of-one-gone", gone.code), ("of-nobody", "system")):
        old_cohort(code, by)
    with own_transaction():
        assert ownership.name_makers() == 1
    assert owner_of("cohort", "hers") == cast.lead
    # Nobody is made up where nobody is known: these stand in the list of what has no owner.
    assert owner_of("cohort", "of-one-gone") is None
    assert owner_of("cohort", "of-nobody") is None
    entry = session.query(JournalEntry).filter_by(action="accounts.owner_set", subject_code="hers").one()
    assert entry.actor_code == "system"
    with own_transaction():
        assert ownership.name_makers() == 0
    assert [breach for breach in _breaches() if breach.startswith(("ownerships", "journal"))] == []


def _breaches() -> list[str]:
    return [breach for found in examine(wiring.INVARIANTS).values() for breach in found]


def test_who_is_named_already_stays_when_makers_are_named(cast: Cast) -> None:
    old_cohort("hers", cast.lead.code)
    with own_transaction():
        set_owner(kind="cohort", code="hers", owner=cast.author, by=cast.admin)
        ownership.name_makers()
    assert owner_of("cohort", "hers") == cast.author


def test_the_kinds_that_are_older_than_their_owners_know_their_makers(app: Flask) -> None:
    made = {kind for kind, things in ownership.kinds().items() if isinstance(things, MadeThings)}
    assert made == {"campaign", "certificate_template", "cohort"}


def test_the_team_to_which_a_thing_falls_stays_until_another_or_none_is_named(cast: Cast) -> None:
    team = make_team()
    old_cohort("hers", cast.lead.code)

    def name(**values: object) -> str | None:
        with own_transaction():
            set_owner(kind="cohort", code="hers", by=cast.admin, **values)  # type: ignore[arg-type]
        found = queries.find_owner("cohort", "hers")
        return found.team.code if found is not None and found.team is not None else None

    assert name(owner=cast.lead) is None
    assert name(owner=cast.lead, team=team) == "account-safety"
    assert name(owner=cast.author) == "account-safety"
    assert name(owner=cast.author, deputy=cast.lead, team=None) is None


def test_saying_the_same_again_adds_nothing(cast: Cast) -> None:
    old_cohort("hers", cast.lead.code)
    team = make_team()
    for _again in range(2):
        with own_transaction():
            set_owner(kind="cohort", code="hers", owner=cast.lead, team=team, by=cast.admin)
    assert session.execute(text("SELECT count(*) FROM ownerships WHERE kind = 'cohort'")).scalar() == 1


@pytest.mark.parametrize("withdrawn", [False, True])
def test_a_cohort_that_was_taken_back_needs_no_owner(cast: Cast, withdrawn: bool) -> None:
    old_cohort("hers", cast.lead.code)
    if withdrawn:
        found = session.query(Cohort).one()
        found.withdrawn_at, found.withdrawn_by = clock.now(), cast.lead.code
        session.commit()
    live = ownership.kinds()["cohort"].list_live_codes()
    assert list(live) == ([] if withdrawn else ["hers"])

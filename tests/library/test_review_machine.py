"""Whatever people do about a draft, in whatever order: it does what a small model of the approval says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from portal.accounts.models import Person, Role
from portal.core import clock, jobs
from portal.core.db import session
from portal.core.errors import DomainError
from portal.core.transaction import own_transaction
from portal.library import invariants, queries
from portal.library.models import ChangeClass, DraftState
from portal.library.queries import drafts
from portal.library.service import reviews
from portal.library.service.reviews import Outcome
from tests.builders import Cast, make_grant, make_person
from tests.library.builders import EN, edit_draft, english, japanese, make_draft, make_published, make_version
from tests.volume import examples

START = datetime(2026, 5, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def test_a_draft_does_what_a_model_of_its_approval_says(app: Flask, cast: Cast) -> None:
    approvers = [cast.approver]
    for name in ("second", "third"):
        person = make_person(f"{name}@portal.example")
        make_grant(person, Role.APPROVER)
        approvers.append(person)
    # One of the writers is an approver too.
    make_grant(cast.author, Role.APPROVER)
    codes = {name: person.code for name, person in zip("abc", approvers, strict=True)} | {"w": cast.author.code}
    count = iter(range(1, 10_000))

    def person(name: str) -> Person:
        return session.query(Person).filter_by(code=codes[name]).one()

    class Machine(RuleBasedStateMachine):
        """The product beside its model."""

        def __init__(self) -> None:
            super().__init__()
            self.now = START
            self.state, self.given, self.edits, self.others = "writing", [], 0, 0
            self.seen: dict[str, int] = {}
            self.hashes: dict[int, str] = {}

        @initialize(chain=st.sampled_from(["", "a", "ab", "abc"]), days=st.sampled_from([0, 2]))
        def begin(self, chain: str, days: int) -> None:
            self.slug, self.chain = f"document-{next(count)}", chain
            self.issue_at = START + days * DAY if days else None
            with clock.frozen(self.now):
                document = make_published(cast.author, self.slug, effective_at=START - DAY)
                if chain:
                    with own_transaction():
                        reviews.set_approval_chain(
                            document=queries.get_document(self.slug),
                            steps=[(person(name), None) for name in chain],
                            by=person("w"),
                        )
                self.code = make_draft(
                    document.document, cast.author, number="9.0", texts=[english(), japanese()], issue_at=self.issue_at
                ).code

        def act(self, function: Any, **values: Any) -> Any:
            try:
                with clock.frozen(self.now), own_transaction():
                    return function(draft=drafts.get_draft(self.code), **values)
            except DomainError as refused:
                return refused

        @rule()
        def submit(self) -> None:
            done = not isinstance(self.act(reviews.submit_draft, by=person("w")), DomainError)
            assert done == (self.state == "writing" and self.others == 0)
            if done:
                self.state, self.given = "in_review", []

        @rule()
        def take_back(self) -> None:
            done = not isinstance(self.act(reviews.take_back_draft, by=person("w")), DomainError)
            assert done == (self.state in ("in_review", "approved"))
            if done:
                self.state = "writing"

        @rule(name=st.sampled_from("abcw"))
        def send_back(self, name: str) -> None:
            done = not isinstance(self.act(reviews.send_back_draft, reason="Why?", by=person(name)), DomainError)
            assert done == (self.state in ("in_review", "approved") and name != "w")
            if done:
                self.state = "writing"

        @rule(name=st.sampled_from("abcw"))
        def look(self, name: str) -> None:
            self.hashes[self.edits] = drafts.hash_of_draft(drafts.get_draft(self.code))
            self.seen[name] = self.edits

        @rule(name=st.sampled_from("abcw"), confirmed=st.sampled_from([ChangeClass.MINOR, ChangeClass.MINOR, None]))
        def approve(self, name: str, confirmed: ChangeClass | None) -> None:
            seen = self.hashes.get(self.seen.get(name, -1), "")
            done = self.act(reviews.approve_draft, seen=seen, confirmed=confirmed, by=person(name))
            turn = self.chain[len(self.given)] == name if self.chain else not self.given
            allowed = self.state == "in_review" and name != "w" and turn and name not in self.given
            allowed = allowed and self.seen.get(name) == self.edits and confirmed is not None
            assert (not isinstance(done, DomainError)) == allowed, done
            if not allowed:
                return
            self.given.append(name)
            if len(self.given) < max(1, len(self.chain)):
                assert done.outcome is Outcome.NEXT_STEP
            elif self.issue_at is not None and self.issue_at > self.now:
                assert done.outcome is Outcome.SCHEDULED
                self.state = "approved"
            else:
                assert done.outcome is Outcome.PUBLISHED
                self.state, self.published_at = "published", self.now

        @rule()
        def edit(self) -> None:
            # What the editor lets through: only what is being written.
            if self.state == "writing":
                self.edits += 1
                with clock.frozen(self.now):
                    edit_draft(
                        drafts.get_draft(self.code), by=cast.author, source=EN.replace("None.", f"No. {self.edits}.")
                    )

        @rule(hours=st.integers(1, 40))
        def time_passes(self, hours: int) -> None:
            self.now += timedelta(hours=hours)

        @rule()
        def the_worker_works(self) -> None:
            with clock.frozen(self.now):
                jobs.run_due()
            if self.state == "approved" and self.issue_at is not None and self.issue_at <= self.now:
                self.state, self.published_at = "published", self.now

        @rule()
        def another_version_is_published(self) -> None:
            if self.state == "published" or self.others >= 2:
                return
            self.others += 1
            with clock.frozen(self.now):
                document = queries.get_document(self.slug)
                make_version(document, cast.admin, f"1.{self.others}", effective_at=self.now)
            if self.state in ("in_review", "approved"):
                self.state = "writing"

        @invariant()
        def they_agree(self) -> None:
            if not hasattr(self, "code"):
                return
            session.expire_all()
            draft = drafts.get_draft(self.code)
            assert draft.state == DraftState(self.state)
            versions = [each for each in queries.get_document(self.slug).versions if each.number == "9.0"]
            assert len(versions) == (self.state == "published")
            if versions:
                assert versions[0].issued_at == self.published_at
                assert versions[0].approved_by == codes[self.given[-1]]
                text = versions[0].text_in("en")
                assert text is not None
                assert text.source == (EN.replace("None.", f"No. {self.edits}.") if self.edits else EN)
            session.rollback()

        def teardown(self) -> None:
            assert invariants.drafts_are_where_their_acts_left_them() == []
            assert invariants.published_drafts_say_what_was_approved() == []
            session.rollback()

    run_state_machine_as_test(
        Machine, settings=settings(max_examples=examples(12), stateful_step_count=16, deadline=None)
    )

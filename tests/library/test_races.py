"""Two people at the same moment: one version, one acknowledgement."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from portal.accounts.models import Person, Role
from portal.acknowledgements.models import Acknowledgement, ReadingConfirmation
from portal.acknowledgements.service import acknowledge
from portal.core import clock
from portal.core.db import session
from portal.core.transaction import own_transaction
from portal.library import queries
from portal.library.errors import DraftNotSubmitted, VersionExists
from portal.library.models import ChangeClass, DocumentVersion, DraftState, ReviewAct
from portal.library.queries import drafts
from portal.library.service import readings, reviews, versions
from tests.builders import Cast, make_grant, make_person
from tests.library.builders import (
    APRIL,
    EN,
    edit_draft,
    english,
    japanese,
    make_document,
    make_draft,
    make_published,
)

pytestmark = pytest.mark.races
THREADS = 6


def at_once(app: Flask, work: Callable[[], Any]) -> list[Any]:
    """Run the work in several threads that start together; return results and refusals."""
    gate, results = threading.Barrier(THREADS), []

    def run() -> None:
        with app.app_context():
            gate.wait()
            try:
                with own_transaction():
                    results.append(work())
            except Exception as failure:
                results.append(failure)
            finally:
                session.remove()

    threads = [threading.Thread(target=run) for _number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    return results


def test_two_who_publish_one_number_at_once_publish_one_version(app: Flask, cast: Cast) -> None:
    make_document(cast.author)
    by_id = cast.author.id
    session.remove()

    def publish() -> str:
        document = queries.get_document("impersonation")
        by = session.get(Person, by_id)
        assert by is not None
        return versions.import_version(
            document=document,
            number="1.0",
            change_class=ChangeClass.MATERIAL,
            effective_at=APRIL,
            zone="Asia/Tokyo",
            texts=[english(), japanese()],
            by=by,
        ).number

    results = at_once(app, publish)
    assert [each for each in results if each == "1.0"] == ["1.0"]
    assert len([each for each in results if isinstance(each, VersionExists)]) == THREADS - 1, results
    assert session.scalar(select(func.count()).select_from(DocumentVersion)) == 1


def test_a_confirmation_that_is_sent_several_times_at_once_is_kept_once(app: Flask, cast: Cast) -> None:
    version = make_published(cast.author)
    readings.note_opened(person=cast.learner, version=version, known=None)
    version_id, person_id = version.id, cast.learner.id
    session.remove()

    def confirm() -> int:
        person, shown = session.get(Person, person_id), session.get(DocumentVersion, version_id)
        assert person is not None
        assert shown is not None
        return acknowledge(version=shown, language="ja", by=person).id

    results = at_once(app, confirm)
    assert len(set(results)) == 1, results
    assert session.scalar(select(func.count()).select_from(Acknowledgement)) == 1
    assert session.scalar(select(func.count()).select_from(ReadingConfirmation)) == 1


def test_opening_a_version_several_times_at_once_is_noted_once(app: Flask, cast: Cast) -> None:
    version = make_published(cast.author)
    version_id, person_id = version.id, cast.learner.id
    session.remove()
    gate, failures = threading.Barrier(THREADS), []

    def run() -> None:
        with app.app_context():
            person, shown = session.get(Person, person_id), session.get(DocumentVersion, version_id)
            assert person is not None
            assert shown is not None
            gate.wait()
            try:
                readings.note_opened(person=person, version=shown, known=None)
            except Exception as failure:
                failures.append(failure)
            finally:
                session.remove()

    threads = [threading.Thread(target=run) for _number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert failures == []
    assert queries.has_opened(session.get(Person, person_id), version)  # type: ignore[arg-type]


def drafted(cast: Cast) -> str:
    """Return the code of a draft that waits for an approval."""
    document = make_published(cast.author).document
    draft = make_draft(document, cast.author, texts=[english(EN.replace("None.", "One.")), japanese()])
    with own_transaction():
        reviews.submit_draft(draft=drafts.get_draft(draft.code), by=cast.author)
    return draft.code


def test_several_who_approve_at_once_publish_one_version(app: Flask, cast: Cast) -> None:
    code, waiting = drafted(cast), queue.SimpleQueue[int]()
    for _number in range(THREADS):
        person = make_person(language="en")
        make_grant(person, Role.APPROVER)
        waiting.put(person.id)
    seen = drafts.hash_of_draft(drafts.get_draft(code))
    session.remove()

    def approve() -> str:
        by = session.get(Person, waiting.get())
        assert by is not None
        # Loaded before anybody holds it, as a page does.
        draft = drafts.get_draft(code)
        return reviews.approve_draft(draft=draft, seen=seen, confirmed=ChangeClass.MINOR, by=by).outcome

    results = at_once(app, approve)
    assert [each for each in results if each == reviews.Outcome.PUBLISHED] == [reviews.Outcome.PUBLISHED], results
    assert len([each for each in results if isinstance(each, DraftNotSubmitted)]) == THREADS - 1, results
    assert [each.number for each in queries.get_document("impersonation").versions] == ["1.0", "1.1"]
    assert [each.act for each in drafts.get_draft(code).reviews] == [
        ReviewAct.SUBMITTED,
        ReviewAct.APPROVED,
        ReviewAct.PUBLISHED,
    ]


def test_drafts_of_one_document_approved_at_once_publish_one_and_give_the_others_back(app: Flask, cast: Cast) -> None:
    codes = [drafted(cast)]
    document = queries.get_document("impersonation")
    for number in range(2, THREADS + 1):
        texts = [english(EN.replace("None.", f"Number {number}.")), japanese()]
        other = make_draft(document, cast.author, number=f"1.{number}", texts=texts)
        with own_transaction():
            reviews.submit_draft(draft=drafts.get_draft(other.code), by=cast.author)
        codes.append(other.code)
    waiting = queue.SimpleQueue[tuple[str, str]]()
    for code in codes:
        waiting.put((code, drafts.hash_of_draft(drafts.get_draft(code))))
    by_id = cast.approver.id
    session.remove()

    def approve() -> str:
        code, seen = waiting.get()
        by = session.get(Person, by_id)
        assert by is not None
        draft = drafts.get_draft(code)
        return reviews.approve_draft(draft=draft, seen=seen, confirmed=ChangeClass.MINOR, by=by).outcome

    results = at_once(app, approve)
    assert results.count(reviews.Outcome.PUBLISHED) == 1, results
    # The others came back before their turn: their own approval finds them given back already.
    assert len([each for each in results if isinstance(each, DraftNotSubmitted)]) == THREADS - 1, results
    assert len(queries.get_document("impersonation").versions) == 2
    states = sorted(drafts.get_draft(code).state for code in codes)
    assert states == [DraftState.PUBLISHED, *[DraftState.WRITING] * (THREADS - 1)]


def test_a_draft_that_is_taken_back_and_changed_during_an_approval_is_published_as_seen_or_not_at_all(
    app: Flask, cast: Cast
) -> None:
    code, turns = drafted(cast), queue.SimpleQueue[str]()
    for turn in ("approve", "change") * (THREADS // 2):
        turns.put(turn)
    seen = drafts.hash_of_draft(drafts.get_draft(code))
    author_id, approver_id = cast.author.id, cast.approver.id
    session.remove()

    def act() -> str:
        author, approver = session.get(Person, author_id), session.get(Person, approver_id)
        assert author is not None
        assert approver is not None
        draft = drafts.get_draft(code)
        if turns.get() == "approve":
            return reviews.approve_draft(draft=draft, seen=seen, confirmed=ChangeClass.MINOR, by=approver).outcome
        reviews.take_back_draft(draft=draft, by=author)
        text = drafts.lock_draft(draft).text_in("en")
        assert text is not None
        text.source, text.revision = EN.replace("None.", "Unseen."), text.revision + 1
        return "changed"

    results = at_once(app, act)
    done = [each for each in results if isinstance(each, str)]
    assert done in (["changed"], [reviews.Outcome.PUBLISHED]), results
    texts = [version.text_in("en") for version in queries.get_document("impersonation").versions]
    assert not [text for text in texts if text is not None and "Unseen." in text.source]


def test_a_scheduled_draft_that_two_workers_take_up_is_published_once(app: Flask, cast: Cast) -> None:
    code = drafted(cast)
    with clock.frozen(clock.now()):
        edit_draft(drafts.get_draft(code), "", by=cast.author, issue_at=clock.now() + timedelta(days=1))
        draft = drafts.get_draft(code)
        seen = drafts.hash_of_draft(draft)
        with own_transaction():
            reviews.approve_draft(
                draft=drafts.get_draft(code), seen=seen, confirmed=ChangeClass.MINOR, by=cast.approver
            )
    later = clock.now() + timedelta(days=2)
    session.remove()

    def publish() -> str:
        with clock.frozen(later):
            version = reviews.publish_draft(draft=drafts.get_draft(code), approved_hash=seen)
            return version.number if version else "nothing"

    results = at_once(app, publish)
    assert sorted(results) == ["1.1", *["nothing"] * (THREADS - 1)], results

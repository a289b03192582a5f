"""Two people at the same moment: one version, one acknowledgement."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from portal.accounts.models import Person
from portal.acknowledgements.models import Acknowledgement, ReadingConfirmation
from portal.acknowledgements.service import acknowledge
from portal.core.db import session
from portal.core.transaction import own_transaction
from portal.library import queries
from portal.library.errors import VersionExists
from portal.library.models import ChangeClass, DocumentVersion
from portal.library.service import readings, versions
from tests.builders import Cast
from tests.library.builders import APRIL, english, japanese, make_document, make_published

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

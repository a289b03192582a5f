"""A training that has ended stays within reach of its learner."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest

from portal.core import clock
from portal.core.i18n import Words
from portal.core.transaction import own_transaction
from portal.training.models import Enrollment
from portal.training.rules import Doer, StepKind, StepSpec
from portal.training.service import other_plan, swaps
from portal.training.service.enrollments import end_plan
from tests.beginnings import beginning
from tests.builders import Cast
from tests.queries import counted_queries
from tests.training.builders import load_holidays, make_documents, make_enrollment, make_plan

MORNING = datetime(2026, 4, 28, 1, 0, tzinfo=UTC)
LANGUAGES = ("en", "ja")


@pytest.fixture
@beginning
def _documents(cast: Cast) -> None:
    with clock.frozen(MORNING):
        load_holidays()
        make_documents()


@pytest.fixture(autouse=True)
def _start_of_the_plan(_documents: None) -> Iterator[None]:
    with clock.frozen(MORNING):
        yield


@pytest.fixture
@beginning
def enrollment(cast: Cast) -> Enrollment:
    return make_enrollment(cast.learner, make_plan(), cast.admin)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_training_that_was_ended_stands_among_her_own_and_on_today(
    cast: Cast, enrollment: Enrollment, as_: Any, language: str
) -> None:
    with own_transaction():
        end_plan(enrollment=enrollment, reason="異動のため。", by=cast.lead)
    own = as_(cast.learner, language=language)
    page = own.get("training.index")
    table = page.one("table", **{"aria-labelledby": "ended"})
    assert "異動のため。" in "".join(table.itertext())
    assert any(each.endswith(f"/training/{enrollment.code}") for each in page.links())
    today = own.get("training.today")
    assert any(each.endswith(f"/training/{enrollment.code}") for each in today.links())
    assert {"en": "was ended on 28 Apr 2026", "ja": "は2026/04/28に終了しました"}[language] in today.text
    assert {"en": "No training plan yet", "ja": "研修計画はまだありません"}[language] not in today.text


def test_a_training_that_goes_on_elsewhere_says_where(cast: Cast, enrollment: Enrollment, as_: Any) -> None:
    step = StepSpec("talk", StepKind.SIGN_OFF, 3, title=Words("A talk", "面談"), by=Doer.LEAD)
    version = make_plan("appeals", cast.author, step, title=Words("Appeals", "異議申立て"), phases=(), credential=None)
    with own_transaction():
        other_plan.move_to_plan(
            enrollment=enrollment, version=version, starts_on=date(2026, 5, 11), reason="moves", by=cast.lead
        )
    own = as_(cast.learner, language="en")
    page = own.get("training.index")
    assert "Goes on in “Appeals”" in "".join(page.one("table", **{"aria-labelledby": "ended"}).itertext())
    assert "was ended on" not in own.get("training.today").text


def test_another_version_of_a_plan_is_no_end(cast: Cast, enrollment: Enrollment, as_: Any) -> None:
    newer = make_plan(by=cast.author, number="2.0")
    with own_transaction():
        swaps.swap_version(enrollment=enrollment, version=newer, reason="newer", by=cast.lead)
    assert as_(cast.learner).get("training.index").all("table", **{"aria-labelledby": "ended"}) == []


def test_ended_trainings_take_no_statement_for_each(cast: Cast, enrollment: Enrollment, as_: Any) -> None:
    with own_transaction():
        end_plan(enrollment=enrollment, reason="x", by=cast.lead)
    own, counts = as_(cast.learner), []
    for number in range(3):
        with counted_queries() as statements:
            own.get("training.index")
        counts.append(len(statements))
        again = make_enrollment(cast.learner, enrollment.version, cast.admin)
        with own_transaction():
            end_plan(enrollment=again, reason=str(number), by=cast.lead)
    assert counts[1] == counts[2]

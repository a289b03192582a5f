"""What ending a training would interrupt is said before it is ended."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from portal.core import clock
from portal.core.i18n import Words
from portal.obligations.models import Obligation
from portal.training.rules import Doer, StepKind, StepSpec
from tests.beginnings import beginning
from tests.builders import Cast
from tests.obligations.builders import BEGINS, at, cycles_of, make_obligation, make_refresher, work
from tests.training.builders import load_holidays, make_plan


@pytest.fixture
@beginning
def refresher(cast: Cast) -> Obligation:
    with clock.frozen(at(date(2026, 3, 30))):
        load_holidays()
        make_refresher(cast.author)
        return make_obligation(cast.author, owner=cast.lead, deputy=cast.author)


@pytest.mark.parametrize("language", ["en", "ja"])
def test_ending_a_training_or_going_on_in_another_plan_names_the_cycle_that_breaks_off(
    cast: Cast, refresher: Obligation, as_: Any, language: str
) -> None:
    work(BEGINS)
    (cycle,) = cycles_of(cast.learner)
    title = refresher.title.in_(language)
    said = {
        "en": f"“{title}”: cycle 1 is interrupted, and no further one comes until somebody opens it by hand.",
        "ja": f"「{title}」：第1回が中断され、手動で開始するまで次の回は始まりません。",
    }[language]
    with clock.frozen(at(BEGINS, 12)):
        step = StepSpec("talk", StepKind.SIGN_OFF, 1, title=Words("A talk", "面談"), by=Doer.LEAD)
        make_plan("practice", cast.author, step, phases=(), credential=None)
        lead, where = as_(cast.lead, language=language), {"code": cycle.enrollment.code}
        assert said in lead.get("training.end", **where).text
        asked = {"plan": "practice", "starts_on": BEGINS.isoformat(), "reason": "x", "act": "preview"}
        assert said in lead.post("training.other_plan", asked, **where, expect=200).text

"""How long a plan is, in words that are true of plans that hang on the day of an event as well."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from flask import Flask

from portal.core.i18n import force_locale
from portal.training.rules import StepKind, StepShape, StepSpec, extent
from portal.training.views.plan_words import length_told
from tests.builders import Cast
from tests.training.builders import EXAM, make_documents, make_plan

LANGUAGES = ("en", "ja")
DAY: Mapping[str, str] = {"day": "Calibration day", "exam": "Exam"}


def around(*offsets: int, event: str = "day") -> list[StepShape]:
    return [StepShape(f"{event}{place}", offset, event=event) for place, offset in enumerate(offsets)]


@pytest.mark.parametrize(
    ("steps", "english", "japanese"),
    [
        ([StepShape("a", 9)], "10 working days", "10営業日"),
        ([], "1 working day", "1営業日"),
        (
            around(-3, -1, 0, 2),
            "from 3 working days before “Calibration day” to 2 working days after it",
            "「Calibration day」の3営業日前から2営業日後まで",
        ),
        (
            around(-1, 0),
            "from 1 working day before “Calibration day” to its day",
            "「Calibration day」の1営業日前から当日まで",
        ),
        (around(0), "on the day of “Calibration day”", "「Calibration day」の当日"),
        (around(0, 2), "up to 2 working days after “Calibration day”", "「Calibration day」の2営業日後まで"),
        (
            [StepShape("a", 4), *around(-2, 0, event="exam")],
            "5 working days, from 2 working days before “Exam” to its day",
            "5営業日、「Exam」の2営業日前から当日まで",
        ),
        # What is counted from a step is counted from the event of that step in the end.
        (
            [*around(0), StepShape("after", 3, anchor="day0")],
            "up to 3 working days after “Calibration day”",
            "「Calibration day」の3営業日後まで",
        ),
    ],
)  # fmt: skip
def test_a_plan_says_how_long_it_is_from_what_its_steps_are_counted(
    app: Flask, steps: list[StepShape], english: str, japanese: str
) -> None:
    for language, said in (("en", english), ("ja", japanese)):
        with app.test_request_context(), force_locale(language):
            assert length_told(steps, DAY) == said


def test_a_plan_of_which_nothing_is_counted_from_the_start_has_no_days_of_its_own() -> None:
    assert extent(around(-3, 2)).days is None
    assert extent([*around(-3, 2), StepShape("a", 0)]).days == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_list_of_plans_and_the_plan_say_so(cast: Cast, as_: Any, language: str) -> None:
    make_documents()
    steps = (
        StepSpec("before", StepKind.READ, -3, event="exam", document="exposure"),
        StepSpec("after", StepKind.READ, 2, event="exam", document="impersonation"),
    )
    make_plan("around", cast.author, *steps, phases=(), credential=None, events=(EXAM,))
    said = {"en": "from 3 working days before", "ja": "3営業日前から2営業日後まで"}[language]
    author = as_(cast.author, language=language)
    assert said in author.get("training.list_plans").text
    assert said in author.get("training.plan", slug="around").text
    assert said in as_(cast.lead, language=language).get("training.new_cohort").text

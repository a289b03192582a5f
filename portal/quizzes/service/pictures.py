"""Pictures of questions: kept once each by their hash, shown to whoever may read the question just now."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.exc import IntegrityError

from portal.accounts.models import Person
from portal.core import clock
from portal.core.db import session
from portal.core.pictures import MadePicture
from portal.journal.service import record
from portal.quizzes import rules
from portal.quizzes.errors import NoSuchPicture
from portal.quizzes.models import Attempt, AttemptState, Item, PracticeAnswer, QuestionPicture, QuestionVersion
from portal.quizzes.queries import pictures as queries
from portal.quizzes.service import practice
from portal.quizzes.service.appeals import appeals_until
from portal.quizzes.types.base import read


def keep_picture(*, made: MadePicture, bank: str, by: Person) -> QuestionPicture:
    """Keep a picture that was made anew for a bank (its slug); the same picture is kept once."""
    known = queries.find_picture(made.sha256)
    if known is not None:
        return known
    picture = QuestionPicture(
        sha256=made.sha256,
        width=made.width,
        height=made.height,
        size=len(made.data),
        uploaded_at=clock.now(),
        uploaded_by=by.code,
        data=made.data,
    )
    try:
        with session.begin_nested():
            session.add(picture)
    except IntegrityError:
        # Somebody sent the same one at the same moment.
        return queries.get_picture(made.sha256)
    record(
        "quizzes.picture_added",
        by=by,
        subject=("question_bank", bank),
        after={"sha256": picture.sha256, "size": picture.size},
    )
    return picture


def picture_of(version: QuestionVersion) -> QuestionPicture:
    """Return the picture of a wording with its bytes. Raises `NoSuchPicture`."""
    picture = read(version.content).picture
    if picture is None:
        raise NoSuchPicture()
    return queries.get_picture(picture.sha256)


def may_see_in_attempt(attempt: Attempt, item: Item, now: datetime) -> bool:
    """Say whether its taker may see a question of an attempt now: while she answers it, or in the result."""
    state = rules.effective_state(
        state=attempt.state.value, deadline_at=attempt.deadline_at, now=now, tolerance=attempt.tolerance
    )
    if state == AttemptState.IN_PROGRESS:
        is_left = attempt.quiz_version.is_forward_only and item.position != (attempt.reached or 1)
        return not is_left and not attempt.is_on_break(now)
    return appeals_until(attempt) is not None


def may_see_in_practice(row: PracticeAnswer, person: Person) -> bool:
    """Say whether a question that was shown for practice may be seen now: to be answered, or with its feedback."""
    return row.answered_at is None or practice.may_show_key(row, person)

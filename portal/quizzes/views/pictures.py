"""Pictures of questions, each at addresses that only those can open who may read the question there."""

from __future__ import annotations

from werkzeug.wrappers import Response

from portal.core import clock
from portal.core.access import actor, requires
from portal.core.web import guarded_picture
from portal.library.service.images import MEDIA_TYPE
from portal.quizzes import errors, queries
from portal.quizzes.models import Attempt, PracticeAnswer, QuestionPicture
from portal.quizzes.permissions import PRACTISE, SEE_BANKS, TAKE_ATTEMPT
from portal.quizzes.queries import appeals as items
from portal.quizzes.queries.pictures import get_picture
from portal.quizzes.queries.practice import get_practice
from portal.quizzes.service import pictures as service
from portal.quizzes.views import blueprint


@blueprint.get("/attempts/<code>/questions/<int:position>/picture")
@requires(TAKE_ATTEMPT, on=queries.get_attempt)
def attempt_picture(attempt: Attempt, position: int) -> Response:
    """Send the picture of a question to whoever has it before her, or in a result that shows it."""
    item = items.get_item_of(attempt, position) if 0 < position < 10_000 else None
    if item is None or not service.may_see_in_attempt(attempt, item, clock.now()):
        raise errors.NoSuchPicture()
    return _sent(service.picture_of(item.question_version))


@blueprint.get("/practice/<code>/picture")
@requires(PRACTISE, on=get_practice)
def practice_picture(row: PracticeAnswer) -> Response:
    """Send the picture of a question that is practised."""
    if not service.may_see_in_practice(row, actor()):
        raise errors.NoSuchPicture()
    return _sent(service.picture_of(row.question_version))


@blueprint.get("/banks/pictures/<sha256>")
@requires(SEE_BANKS, on=get_picture)
def bank_picture(picture: QuestionPicture) -> Response:
    """Send a picture to those who write, approve or mark questions, whichever wording shows it."""
    return _sent(picture)


def _sent(picture: QuestionPicture) -> Response:
    return guarded_picture(picture.data, MEDIA_TYPE, etag=picture.sha256)

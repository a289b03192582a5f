"""The mail of quizzes: questions wait for a re-check because a rule has changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from portal.accounts import queries as accounts
from portal.accounts.service.recipients import describe_mail
from portal.core.i18n import language
from portal.core.i18n import lazy_gettext as _l
from portal.core.jobs import Description
from portal.core.mail import Email, email
from portal.core.web import public_url
from portal.library import queries as library
from portal.quizzes.models import QuestionState
from portal.quizzes.queries import staleness as looked_up
from portal.quizzes.service import staleness
from portal.quizzes.types.base import read


def _describe(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    people = {each.code: each for each in accounts.list_people_of([each["to"] for each in arguments])}
    titles = library.list_titles([each["version_id"] for each in arguments], language())
    return [
        describe_mail(_l("Mail: questions to re-check"), people.get(each["to"]), titles.get(each["version_id"], ""))
        for each in arguments
    ]


@email("quizzes.questions_stale", describe=_describe)
def questions_stale(version_id: int, to: str) -> Email | None:
    """Tell who answers for banks and quizzes which questions wait for a re-check, and because of which clauses.

    Nothing where all of them were re-checked by the time the mail is written.
    """
    person, version = accounts.find_person(to), library.find_version_by_id(version_id)
    if person is None or version is None or not person.is_active:
        return None
    waiting = [row for row in looked_up.list_opened_by(version_id) if row.question.state is QuestionState.STALE]
    banks, short = staleness.answered_for(person, waiting)
    here = person.language
    questions = [row for row in waiting if row.question.bank.slug in banks]
    if not banks and not short:
        return None
    wordings = looked_up.list_contents([row.question_version_id for row in questions])
    return Email(
        template="quizzes/emails/questions_stale",
        to_address=person.sign_in_name,
        to_name=person.name_in(here),
        language=here,
        values={
            "document": library.list_titles([version_id], here).get(version_id, version.document.slug),
            "number": version.number,
            "effective_on": version.effective_on,
            "questions": [
                {
                    "title": read(wordings[row.question_version_id].content).title.in_(here),
                    "address": f"{row.question.bank.slug}/{row.question.slug}",
                    "clauses": [f"{row.document_slug}#{anchor}" for anchor in row.anchors],
                }
                for row in questions
            ],
            "quizzes": [
                {"title": each.version.title.in_(here), "available": each.available, "draws": each.draws}
                for each in short
            ],
            "href": public_url("quizzes.stale"),
        },
    )

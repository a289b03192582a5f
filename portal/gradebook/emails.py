"""The mail that tells a learner what two people decided of her result, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from portal.accounts.service.recipients import describe_mail
from portal.core.i18n import lazy_gettext as _l
from portal.core.jobs import Description
from portal.core.mail import Email, email
from portal.core.web import public_url
from portal.gradebook import queries


def _describe(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    found = {each.code: each for each in queries.list_decisions_of([each["code"] for each in arguments])}
    return [
        describe_mail(_l("Mail: a result was decided by hand"), decision.person, str(decision.quiz_version.title))
        if (decision := found.get(each["code"])) is not None
        else Description(_l("Mail: a result was decided by hand"))
        for each in arguments
    ]


@email("gradebook.decided", describe=_describe)
def decided(code: str) -> Email | None:
    """Tell the learner what was decided and why; nothing to somebody whose account is deactivated."""
    decision = queries.find_decision(code)
    if decision is None or decision.entry is None or not decision.person.is_active:
        return None
    person, entry = decision.person, decision.entry
    return Email(
        template="gradebook/emails/decided",
        to_address=person.sign_in_name,
        to_name=person.name_in(person.language),
        salutation=person.addressed_in(person.language),
        language=person.language,
        values={
            "kind": entry.kind.value,
            "quiz": decision.quiz_version.title,
            "score": entry.score if entry.quiz_version.shows_score else None,
            "passed": bool(entry.passed),
            "reason": decision.reason,
            "href": public_url("gradebook.transcript"),
        },
    )

"""Quizzes and question banks as things that people answer for."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from portal.accounts import queries as people
from portal.accounts.models import Role
from portal.accounts.service.ownership import OwnedThing, OwnerNeeds
from portal.core.i18n import language
from portal.core.i18n import lazy_gettext as _l
from portal.quizzes import queries
from portal.quizzes.permissions import SEE_BANKS

_NEEDS = OwnerNeeds((Role.AUTHOR, Role.APPROVER, Role.ADMIN))


def owner_of_quiz(slug: str) -> str | None:
    """Return the name of who answers for a quiz, or stands in for her, as the reader's language writes it, or None."""
    row = people.find_owner(OwnedQuizzes.kind, slug)
    found = [row.owner, row.deputy] if row is not None else []
    return next((each.name_in(language()) for each in found if each is not None and each.is_active), None)


class OwnedBanks:
    """Question banks."""

    kind = "question_bank"
    name = _l("Question bank")
    owner_needs = _NEEDS

    def find_things(self, codes: Collection[str]) -> Mapping[str, OwnedThing]:
        """Return those of the banks that exist."""
        return {
            bank.slug: OwnedThing(str(bank.title), f"/banks/{bank.slug}", needs=SEE_BANKS)
            for bank in queries.list_banks()
            if bank.slug in codes
        }

    def list_live_codes(self) -> Collection[str]:
        """Return the slugs of all banks."""
        return [bank.slug for bank in queries.list_banks()]


class OwnedQuizzes:
    """Quizzes."""

    kind = "quiz"
    name = _l("Quiz")
    owner_needs = _NEEDS

    def find_things(self, codes: Collection[str]) -> Mapping[str, OwnedThing]:
        """Return those of the quizzes that exist."""
        return {
            version.quiz.slug: OwnedThing(str(version.title), f"/quizzes/{version.quiz.slug}")
            for version in queries.list_quizzes()
            if version.quiz.slug in codes
        }

    def list_live_codes(self) -> Collection[str]:
        """Return the slugs of all quizzes."""
        return [version.quiz.slug for version in queries.list_quizzes()]

"""Who may see a person's transcript."""

from __future__ import annotations

from portal.accounts.models import Role
from portal.accounts.permissions import holds_everywhere, holds_for, is_self, scopes_of_person
from portal.core.access import AnyOf, Permission

SEE_TRANSCRIPT = Permission("gradebook.see_transcript", "see a person's results in all quizzes")

TABLE: dict[Permission, AnyOf] = {
    SEE_TRANSCRIPT: [
        [is_self],
        [holds_everywhere(Role.ADMIN, Role.AUDITOR)],
        [holds_for(Role.LEAD, scopes=scopes_of_person)],
    ],
}

"""The day and the team of the tests of the matrix, and where one person's level in a task is told."""

from __future__ import annotations

from datetime import date

from portal.accounts.models import Person
from portal.duties.models import RecurringTask

# A Thursday.
TODAY = date(2026, 4, 16)
TEAM = {"scope": "team", "code": "account-safety"}


def cell(person: Person, task: RecurringTask) -> dict[str, str]:
    return {"code": person.code, "kind": "recurring_task", "thing": task.code}

"""What an address asks for that is not there: an unknown plan or encoding is not found, an unknown filter is told."""

from __future__ import annotations

from flask import request

from portal.core.errors import NotFound
from portal.training.queries import catalogue


def is_plan_shown(shown: str | None) -> bool:
    """Say whether what is shown is of the plan that the address asks for, if it asks for one.

    It is not where nobody follows that plan with the cohort, or nobody does any more. Raises `NotFound` where there is
    no such plan.
    """
    asked = request.args.get("plan")
    if not asked or asked == shown:
        return True
    catalogue.get_plan(asked)
    return False


def refuse_another_plan(shown: str | None) -> None:
    """Give no file of another plan than the address asks for. Raises `NotFound`."""
    if not is_plan_shown(shown):
        raise NotFound()

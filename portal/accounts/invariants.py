"""What must always be true of accounts; the doctor re-computes it."""

from __future__ import annotations

from collections.abc import Callable

from flask import current_app

from portal.accounts import queries


def demo_stays_out_of_production() -> list[str]:
    """No account with a public password is open where real people work."""
    if current_app.config["ENV"] != "production":
        return []
    return [
        f"demo account {person.sign_in_name} has a public password and is not deactivated"
        for person in queries.list_demo_accounts()
    ]


INVARIANTS: dict[str, Callable[[], list[str]]] = {"A1 no demo account in production": demo_stays_out_of_production}

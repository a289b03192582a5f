"""Best-effort notes in their own short transaction: last seen, place kept, look-ups.

They are no business facts: losing one harms nobody, so a busy database skips them, and a GET
request may make them.
"""

from __future__ import annotations

from collections.abc import Callable

from flask import current_app
from sqlalchemy.exc import IntegrityError, OperationalError

from portal.core.db import session
from portal.core.transaction import in_transaction, own_transaction


def note(change: Callable[[], None]) -> None:
    """Make the change in a transaction of its own; when the database is busy or has it already, let it be."""
    if in_transaction():
        change()
        return
    try:
        with own_transaction():
            change()
    except (OperationalError, IntegrityError) as failure:
        session.rollback()
        current_app.logger.info("a note was skipped: %s", type(failure).__name__)

"""What a form would do is shown before it is done: one way for pages that judge it as things stand."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from flask import request
from werkzeug import Response

from portal.core.errors import DomainError
from portal.core.forms import Form
from portal.core.once import Done, carry_out
from portal.training.views.dates import CONFIRM

T = TypeVar("T")


def confirmed_or_judged(
    form: Form, work: Callable[[], Done], judge: Callable[[], T]
) -> tuple[Response | None, T | None, int]:
    """Carry out what was shown and is confirmed now; else judge what would come of it.

    Returns the answer to what was confirmed, or None with what was judged and the status of the page that shows it.
    Why either cannot be is said on the form; nothing is judged then, or what is true now where something had changed.
    """
    if request.method != "POST":
        return None, None, 200
    if not form.validate():
        return None, None, 400
    status = 200
    try:
        if request.form.get("act") == CONFIRM and request.form.get("seen"):
            return carry_out(work), None, 303
    except DomainError as refused:
        form.form_errors.append(str(refused))
        status = refused.status
    try:
        return None, judge(), status
    except DomainError as refused:
        if str(refused) not in form.form_errors:
            form.form_errors.append(str(refused))
        return None, None, refused.status if status == 200 else status

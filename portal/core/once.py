"""A form that adds something is carried out once, however often it arrives.

Every posting form carries a random number made with the page. What came of it is kept under the person, the
address and that number, in the same transaction: a form that arrives again (a double click, a reload, a proxy
that repeats) is answered with the first one's answer, and of forms that arrive together one is carried out.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import ClassVar

from flask import Flask, flash, redirect, request
from sqlalchemy import String, Text, delete, select
from sqlalchemy.orm import Mapped, mapped_column
from werkzeug.wrappers import Response

from portal.core import clock
from portal.core.access import actor
from portal.core.db import Base, insert, session
from portal.core.errors import Conflict, DomainError
from portal.core.forms import Form
from portal.core.i18n import LazyText
from portal.core.i18n import lazy_gettext as _l
from portal.core.jobs import periodic
from portal.core.transaction import transaction

FIELD = "form_key"
# Longer than any page stays open with a living session.
KEPT = timedelta(days=2)
# A form without a number (an old page, a script) that says the same within this time is taken for the same.
SAME_WITHIN = timedelta(seconds=10)
_NO_PART_OF_IT = frozenset({FIELD, "csrf_token"})


class CarriedOut(Base):
    """A form that was carried out, and what was answered."""

    __tablename__ = "forms_carried_out"

    # SHA-256 over person, address and the form's number.
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    # SHA-256 over what the form said.
    said: Mapped[str] = mapped_column(String(64))
    location: Mapped[str] = mapped_column(String(500), default="")
    message: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime] = mapped_column(index=True)


class FormUsed(Conflict):
    """The same form was sent before and said something else."""

    message: ClassVar[LazyText] = _l(
        "This form was already sent with other values, which were kept. Nothing was changed this time. "
        "Check it and send it again."
    )


@dataclass(frozen=True, slots=True)
class Done:
    """What is answered to a form: a message on the next page, and which page that is."""

    message: str
    location: str


def form_key() -> str:
    """Return a number for a form that is about to be shown; strangers' forms need none."""
    return secrets.token_hex(8) if actor() is not None else ""


def carry_out(work: Callable[[], Done], *, beside: str = "") -> Response:
    """Carry out a posted form in one transaction, once, and answer with its message and page.

    `beside` is what the form says in no field, such as the hash of a file that came with it.
    What `work` raises undoes everything, the note that the form was used included. Raises `FormUsed` where
    the same form said something else before.
    """
    done = once(work, beside=beside)
    flash(done.message, "success")
    return redirect(done.location, 303)


def submit(
    form: Form, work: Callable[[], Done], fields: Mapping[type[DomainError], str] | None = None
) -> Response | int:
    """Carry out a form that was posted and is well-formed; return the answer, or the status to show its page with.

    What `work` refuses stands beside the field that `fields` names for it, else above the form. A page that was only
    asked for has the status 200.
    """
    if request.method != "POST":
        return 200
    if not form.validate():
        return 400
    try:
        return carry_out(work)
    except DomainError as refused:
        form.refuse(refused, (fields or {}).get(type(refused)))
        return refused.status


def has_number() -> bool:
    """Say whether what was posted carries a number: a module that repeats what it sent gives each edit one."""
    return bool(request.form.get(FIELD))


def once(work: Callable[[], Done], *, beside: str = "") -> Done:
    """Do the same as `carry_out` for whoever answers with something else than another page."""
    with transaction():
        row, is_new = _claim(beside)
        if is_new:
            done = work()
            row.location, row.message = done.location, done.message
        else:
            done = Done(row.message, row.location)
    return done


def _claim(beside: str) -> tuple[CarriedOut, bool]:
    """Take the form's number; of two at the same moment the second waits for the first to end."""
    now, said = clock.now(), _digest(*sorted(_fields()), *([("", beside)] if beside else []))
    number = request.form.get(FIELD, "")
    key = _digest(("person", str(getattr(actor(), "code", ""))), ("path", request.path), ("form", number or said))
    fresh = insert(CarriedOut).values(key=key, said=said, location="", message="", at=now)
    # What is returned tells; the count of rows is not known on either database alike.
    taken = session.scalar(fresh.on_conflict_do_nothing(index_elements=["key"]).returning(CarriedOut.key))
    row = session.scalars(
        select(CarriedOut).where(CarriedOut.key == key).with_for_update().execution_options(populate_existing=True)
    ).one()
    if taken is not None:
        return row, True
    if not number and now - row.at > SAME_WITHIN:
        row.at = now
        return row, True
    if row.said != said:
        raise FormUsed()
    return row, False


def _fields() -> list[tuple[str, str]]:
    return [(name, value) for name, value in request.form.items(multi=True) if name not in _NO_PART_OF_IT]


def _digest(*pairs: tuple[str, str]) -> str:
    told = "".join(f"{len(text)}:{text}" for pair in pairs for text in pair)
    return sha256(told.encode("utf-8", "surrogatepass")).hexdigest()


@periodic("core.tidy_forms", minutes=30, what=_l("Forget forms that nobody sends again"))
def tidy() -> None:
    """Forget forms that nobody sends again."""
    session.execute(delete(CarriedOut).where(CarriedOut.at < clock.now() - KEPT))


def init_app(app: Flask) -> None:
    """Give every posting form its number."""
    app.jinja_env.globals["form_key"] = form_key

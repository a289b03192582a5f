"""The refusals of the product: one tree, each with words that say what the person can do next."""

from __future__ import annotations

from typing import Any, ClassVar

from portal.core.i18n import LazyText, ngettext
from portal.core.i18n import lazy_gettext as _l


class DomainError(Exception):
    """Something was asked that the product refuses; nothing has been changed.

    A subclass sets `message` (translatable, with %(name)s placeholders) and `status` (the HTTP
    status of the page that shows it). Values for the placeholders are given as keywords.
    """

    status: ClassVar[int] = 409
    message: ClassVar[LazyText] = _l("This is not possible in the current state.")

    def __init__(self, **values: Any) -> None:
        self.values = values
        super().__init__(type(self).__name__)

    def __str__(self) -> str:
        text = str(self.message)
        return text % self.values if self.values else text


class NotFound(DomainError):
    """There is nothing at this address, or nothing that the person may know of."""

    status = 404
    message = _l("There is nothing at this address. Check the link, or go back to the start page.")


class NotAllowed(DomainError):
    """The person may see this, but may not do what she asked."""

    status = 403
    message = _l("This needs a permission that the account does not have. Ask an administrator if it should.")


class Invalid(DomainError):
    """A value is outside what the product takes."""

    status = 400
    message = _l("A value is not valid. Correct it and send it again.")


class Conflict(DomainError):
    """Somebody else was faster, or the thing changed in between."""

    status = 409
    message = _l("This has changed in the meantime. Load the page again and repeat the step.")


class TooMany(DomainError):
    """The same thing was tried too often in too short a time."""

    status = 429
    retry_after: int = 60

    def __init__(self, *, seconds: int, **values: Any) -> None:
        self.retry_after = seconds
        super().__init__(seconds=seconds, **values)

    def __str__(self) -> str:
        return str(
            ngettext(
                "Too many tries. Wait %(num)d second and try again.",
                "Too many tries. Wait %(num)d seconds and try again.",
                self.retry_after,
            )
        )

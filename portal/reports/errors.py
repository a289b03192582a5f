"""The refusals of reports."""

from __future__ import annotations

from typing import ClassVar

from portal.core.errors import Conflict
from portal.core.i18n import LazyText
from portal.core.i18n import lazy_gettext as _l


class RuleWithoutReason(Conflict):
    """A rule by which nobody could be at risk shows an empty list that says nothing."""

    message: ClassVar[LazyText] = _l("At least one reason has to count; enter a number for it.")


class RuleChangedMeanwhile(Conflict):
    """Somebody else changed the rule after the page was opened; hers holds."""

    message: ClassVar[LazyText] = _l(
        "Somebody else has changed the rule meanwhile. Look at it as it is now and change it again where needed."
    )

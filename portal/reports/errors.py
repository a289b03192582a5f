"""The refusals of reports."""

from __future__ import annotations

from typing import ClassVar

from portal.core.errors import Conflict, Invalid
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


class TotalsDiffer(Conflict):
    """The sums of the rows are not what the database counts: something changed in between, and nothing is given out."""

    message: ClassVar[LazyText] = _l(
        "The totals did not agree with the rows, because something changed meanwhile. Ask for the file again."
    )


class PeriodRefused(Invalid):
    """A period that ends before it begins, or is not over yet."""

    message: ClassVar[LazyText] = _l("Choose a last day that is not before the first one and not later than today.")


class PeriodTooLong(PeriodRefused):
    """A period of more years than one file tells of."""

    message: ClassVar[LazyText] = _l(
        "A period has at most %(years)s years. Choose a shorter one, or ask for the years one after the other."
    )


class AlreadyScheduled(Conflict):
    """The same report goes out at the same hour already; `code` is its schedule's."""

    message: ClassVar[LazyText] = _l("The report of this plan is sent at this hour already.")

    def __init__(self, code: str) -> None:
        super().__init__()
        self.code = code


class ScheduleChangedMeanwhile(Conflict):
    """Somebody else changed the schedule after the page was opened; hers holds."""

    message: ClassVar[LazyText] = _l(
        "Somebody else has changed this report meanwhile. Look at it as it is now and change it again where needed."
    )


class CohortRefused(Invalid):
    """A cohort was chosen whose report the person may not have sent."""

    message: ClassVar[LazyText] = _l("Choose a cohort whose report you may have sent.")


class NobodyChosen(Invalid):
    """A report that goes to nobody is not sent."""

    message: ClassVar[LazyText] = _l("Choose at least one person who gets the report.")


class RecipientRefused(Invalid):
    """Somebody was chosen who may not see the cohort."""

    message: ClassVar[LazyText] = _l("Choose only people who may see this cohort.")


class NotSent(Conflict):
    """The report of the schedule is not sent any more."""

    message: ClassVar[LazyText] = _l("This report is not sent any more.")

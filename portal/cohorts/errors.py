"""What cohorts refuse."""

from __future__ import annotations

from portal.core.errors import Conflict, Invalid, NotFound
from portal.core.i18n import lazy_gettext as _l


class NoSuchCohort(NotFound):
    """There is no cohort of this code, or not for this person."""

    message = _l("There is no such cohort. Check the address, or choose one from the list of cohorts.")


class CohortCodeTaken(Conflict):
    """Two cohorts cannot have the same code."""

    message = _l("There is a cohort “%(code)s” already. Choose another code.")


class CohortCodeInvalid(Invalid):
    """A cohort's code stands in addresses."""

    message = _l(
        "“%(code)s” cannot be a cohort's code. Use lower-case letters a to z, digits and hyphens, at most 60, "
        "starting with a letter."
    )


class TeamOfAnotherMarket(Invalid):
    """The team works in another market than the cohort."""

    message = _l("The team “%(team)s” belongs to the market %(market)s. Choose a team of the cohort's market.")


class CohortWithdrawn(Conflict):
    """A cohort that was taken back takes nobody in."""

    message = _l("This cohort has been withdrawn. Create a new one.")

"""Plans and cohorts as things that somebody answers for."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date

from portal.accounts.models import Role
from portal.accounts.service.ownership import OwnedThing, OwnerNeeds
from portal.calendars import queries as calendars
from portal.calendars.rules import WorkingCalendar, YearNotInTable, add_working_days
from portal.cohorts import queries as cohorts
from portal.cohorts.models import Cohort
from portal.cohorts.permissions import SEE_COHORTS
from portal.cohorts.service import OWNED_KIND as COHORT
from portal.core.i18n import lazy_gettext as _l
from portal.library.permissions import WRITERS
from portal.training.models import PlanVersion
from portal.training.permissions import SEE_PLANS
from portal.training.queries import catalogue
from portal.training.rules import nominal_offsets

OWNED_KIND = "plan"


class OwnedPlans:
    """Training plans; every one needs an owner from its first day."""

    kind = OWNED_KIND
    name = _l("Training plan")
    owner_needs = OwnerNeeds(WRITERS)

    def find_things(self, codes: Collection[str]) -> Mapping[str, OwnedThing]:
        """Return those of the plans that exist."""
        return {
            version.plan.slug: OwnedThing(str(version.title), f"/plans/{version.plan.slug}", needs=SEE_PLANS)
            for version in catalogue.list_latest_versions()
            if version.plan.slug in codes
        }

    def list_live_codes(self) -> Collection[str]:
        """Return the slugs of all plans."""
        return [version.plan.slug for version in catalogue.list_latest_versions()]


class OwnedCohorts:
    """Cohorts; one in which nobody learns any more, or that was withdrawn, needs an owner no longer."""

    kind = COHORT
    name = _l("Cohort")
    owner_needs = OwnerNeeds((Role.LEAD, Role.ADMIN))

    def find_things(self, codes: Collection[str]) -> Mapping[str, OwnedThing]:
        """Return those of the cohorts that exist."""
        found = cohorts.list_cohorts_of(codes)
        followed = catalogue.list_followed_by([each.id for each in found])
        running = catalogue.list_versions_of({number for numbers in followed.values() for number in numbers})
        books = calendars.read_calendars([each.market for each in found])
        return {
            each.code: OwnedThing(
                str(each.name),
                f"/cohorts/{each.code}",
                is_live=_is_live(each, followed),
                needs=SEE_COHORTS,
                due_on=_end_of(
                    each, [running[number] for number in followed.get(each.id, ())], books.of(each.market_id)
                ),
                due_what=_l("Last step by the plan"),
                market_codes=frozenset([each.market.code]),
                team_code=each.team.code if each.team else None,
                cohort_code=each.code,
            )
            for each in found
        }

    def list_live_codes(self) -> Collection[str]:
        """Return the codes of all cohorts in which somebody learns, or in which nobody has begun yet."""
        found = cohorts.list_every_cohort()
        followed = catalogue.list_followed_by([each.id for each in found])
        return [each.code for each in found if _is_live(each, followed)]

    def find_makers(self, codes: Collection[str]) -> Mapping[str, str]:
        """Return by whose code each of the cohorts was founded."""
        return {each.code: each.created_by for each in cohorts.list_cohorts_of(codes)}


def _is_live(cohort: Cohort, followed: Mapping[int, Collection[int]]) -> bool:
    return cohort.withdrawn_at is None and (cohort.id not in followed or bool(followed[cohort.id]))


def _end_of(cohort: Cohort, versions: Sequence[PlanVersion], calendar: WorkingCalendar) -> date | None:
    """Return the day of the last required step of its plans as they count from its first day, or None.

    A plan with events has no such day: each cohort gives them days of its own.
    """
    if not versions or any(version.events for version in versions):
        return None
    days = 0
    for version in versions:
        shapes = [step.shape for step in version.steps]
        offsets = nominal_offsets(shapes)
        days = max([days, *(offsets[shape.slug] for shape in shapes if shape.required)])
    try:
        return add_working_days(cohort.starts_on, days, calendar).on
    except YearNotInTable:
        return None

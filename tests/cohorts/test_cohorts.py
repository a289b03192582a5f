"""Cohorts: found once, seen by those who lead them."""

from __future__ import annotations

from datetime import date

import pytest

from portal.accounts.models import Role, Scope
from portal.cohorts import queries, service
from portal.cohorts.errors import CohortCodeInvalid, CohortCodeTaken, TeamOfAnotherMarket
from portal.cohorts.models import Cohort
from portal.cohorts.permissions import SEE_COHORT, reach_over_cohorts
from portal.core.access import allows
from portal.core.errors import NotFound
from portal.core.i18n import Words
from portal.core.transaction import transaction
from tests.builders import Cast, make_grant, make_market, make_person, make_team


def found(cast: Cast, code: str = "jp-2026-04", **values: object) -> Cohort:
    options = {"market": make_market(), "team": make_team()} | values
    with transaction():
        return service.create_cohort(
            code=code, name=Words("April", "4月入社"), starts_on=date(2026, 4, 1), by=cast.admin, **options
        )


def test_a_cohort_is_seen_by_its_lead_and_not_by_an_outsider(cast: Cast) -> None:
    cohort = found(cast)
    seen_by = {name for name, person in cast.everyone().items() if allows(person, SEE_COHORT, cohort)}
    assert seen_by == {"lead", "admin"}
    listed = {name for name, person in cast.everyone().items() if queries.list_cohorts(reach_over_cohorts(person))}
    assert listed == {"lead", "admin"}


@pytest.mark.parametrize(
    ("scope", "code", "sees"),
    [
        (Scope.ORGANISATION, "", True),
        (Scope.MARKET, "JP", True),
        (Scope.MARKET, "US", False),
        (Scope.TEAM, "account-safety", True),
        (Scope.TEAM, "payments-safety", False),
        (Scope.COHORT, "jp-2026-04", True),
        (Scope.COHORT, "jp-2026-05", False),
    ],
)
def test_the_list_and_the_page_agree_for_every_scope(cast: Cast, scope: Scope, code: str, sees: bool) -> None:
    cohort = found(cast)
    lead = make_person(market=make_market("US"))
    make_grant(lead, Role.LEAD, scope, code)
    assert allows(lead, SEE_COHORT, cohort) is sees
    assert (cohort in queries.list_cohorts(reach_over_cohorts(lead))) is sees


def test_an_ended_grant_shows_nothing(cast: Cast) -> None:
    cohort = found(cast)
    for grant in cast.lead.grants:
        grant.ended_at = cohort.created_at
    assert not allows(cast.lead, SEE_COHORT, cohort)
    assert queries.list_cohorts(reach_over_cohorts(cast.lead)) == []


def test_a_person_is_in_a_cohort_once(cast: Cast) -> None:
    cohort = found(cast)
    with transaction():
        first = service.add_member(cohort=cohort, person=cast.learner, by=cast.admin)
        assert service.add_member(cohort=cohort, person=cast.learner, by=cast.admin) is first
        service.add_member(cohort=cohort, person=cast.colleague, by=cast.admin)
    assert queries.list_members(cohort) == [cast.colleague, cast.learner]
    assert queries.count_members([cohort.id]) == {cohort.id: 2}


def test_faulty_cohorts_are_refused_by_name(cast: Cast) -> None:
    found(cast)
    with pytest.raises(CohortCodeTaken):
        found(cast)
    with pytest.raises(CohortCodeInvalid):
        found(cast, code="4月")
    with pytest.raises(TeamOfAnotherMarket):
        found(cast, code="abroad", market=make_market("US"))
    with pytest.raises(NotFound):
        queries.get_cohort("nothing")

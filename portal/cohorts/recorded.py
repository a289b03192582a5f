"""How the journal's page reads what was done to cohorts."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from flask import url_for

from portal.cohorts import queries
from portal.core.i18n import lazy_gettext as _l
from portal.journal.service import Fact, Kind, Thing, Vocabulary


def _find_cohorts(codes: Collection[str]) -> Mapping[str, Thing]:
    return {
        cohort.code: Thing(str(cohort.name), url_for("reports.cohort", code=cohort.code))
        for cohort in queries.list_cohorts_of(codes)
    }


def _cohorts_meant(text: str) -> list[str]:
    return queries.list_codes_meant(text)


VOCABULARY = Vocabulary(
    actions={
        "cohorts.created": _l("Cohort founded"),
        "cohorts.member_added": _l("Person added to a cohort"),
        "cohorts.member_removed": _l("Person removed from a cohort"),
        "cohorts.withdrawn": _l("Cohort withdrawn"),
    },
    kinds={"cohort": Kind(_l("Cohort"), _find_cohorts, _cohorts_meant)},
    facts={"cohort": Fact(_l("Cohort"), refers_to="cohort"), "starts_on": Fact(_l("First day"))},
)

"""A plan names a document; whoever is enrolled in a market with a text of its own reads and confirms that one."""

from __future__ import annotations

import pytest

from portal.certificates import queries as certificates
from portal.library import queries as library
from portal.library.models import DocumentVersion
from portal.training import queries
from portal.training.models import Enrollment
from portal.training.queries import readers
from tests.builders import Cast, make_market
from tests.library import builders as documents
from tests.training.builders import acknowledge, load_holidays, make_documents, make_enrollment, make_plan


@pytest.fixture
def plan(cast: Cast) -> Enrollment:
    load_holidays()
    make_documents()
    return make_enrollment(cast.learner, make_plan(by=cast.admin), cast.lead)


@pytest.fixture
def own(plan: Enrollment, cast: Cast) -> DocumentVersion:
    base = library.get_document("exposure")
    anchor = library.clause_anchors(base.versions[-1])[-1]
    text = f"## Here {{#{anchor} overlay=append}}\n\nAsk the local lead.\n"
    return documents.publish_overlay(documents.make_overlay(base, cast.admin), cast.admin, en=text, ja="")


def done(enrollment: Enrollment) -> list[tuple[str | None, str | None]]:
    return [(each.document_slug, each.document_version) for each in queries.list_completions(enrollment)]


def test_confirming_the_text_of_her_market_completes_the_step(
    cast: Cast, plan: Enrollment, own: DocumentVersion
) -> None:
    acknowledge(cast.learner, own)
    assert done(plan) == [("exposure@JP", own.number)]
    (basis,) = certificates.gather_basis(plan)["documents"]
    assert (basis["slug"], basis["version"], basis["clauses"]) == (
        "exposure@JP",
        own.number,
        library.clause_hashes(own),
    )


def test_confirming_the_base_does_not(cast: Cast, plan: Enrollment, own: DocumentVersion) -> None:
    base = library.get_document("exposure").versions[-1]
    acknowledge(cast.learner, base)
    assert done(plan) == []


def test_what_was_confirmed_before_counts_for_a_new_plan(cast: Cast, plan: Enrollment, own: DocumentVersion) -> None:
    acknowledge(cast.colleague, own)
    later = make_enrollment(cast.colleague, plan.version, cast.lead)
    assert done(later) == [("exposure@JP", own.number)]


def test_only_those_enrolled_in_the_market_have_it_before_them(
    cast: Cast, plan: Enrollment, own: DocumentVersion
) -> None:
    make_market("US")
    assert readers.count_enrollments_before("exposure@JP") == 1
    assert readers.count_enrollments_before("exposure", ["JP"]) == 0
    assert readers.count_enrollments_before("exposure@US") == 0
    assert readers.count_enrollments_before("exposure") == 1

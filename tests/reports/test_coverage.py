"""Coverage counts what a plain look at the rows counts, only within reach, and opens the people behind a number."""

from __future__ import annotations

import io
import random
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import text

from portal.accounts.models import Role, Scope
from portal.certificates import queries, service
from portal.certificates.permissions import reach_over_holders
from portal.certificates.queries.coverage import Coverage, coverage
from portal.certificates.service import policies
from portal.core import clock
from portal.core.db import session
from portal.core.markdown import TrustedHtml
from portal.core.transaction import own_transaction
from portal.library.models import VersionText
from tests.builders import Cast, make_grant, make_person, make_team
from tests.certificates.builders import issue, make_changed_document, make_credential, make_document, make_enrollment
from tests.queries import counted_queries

BOTH = pytest.mark.parametrize("language", ["en", "ja"])
START = datetime(2026, 4, 1, 3, tzinfo=UTC)
REASON = "Looked into for now."

# Written without the product: who holds what at an instant, and since which change it is of an older policy.
BRUTE = """
select p.id, c.credential_id, c.id as certificate_id, c.expires_on,
  exists (select 1 from certificate_facts f
     where f.certificate_id = c.id and f.kind = 'revoked' and f.at <= :at) as revoked,
  (select f.kind from certificate_facts f where f.certificate_id = c.id and f.kind in ('suspended', 'reinstated')
     and f.at <= :at order by f.id desc limit 1) as standing,
  exists (select 1 from policy_supersessions s join document_versions v on v.id = s.version_id
     where s.certificate_id = c.id and s.taken_back_at is null and v.effective_at <= :at) as older
from people p join certificates c on c.person_id = p.id
where p.deactivated_at is null and c.issued_at <= :at
  and c.id = (select max(d.id) from certificates d where d.person_id = p.id and d.credential_id = c.credential_id
     and d.issued_at <= :at and (d.replaced_at is null or d.replaced_at > :at))
"""


def brute(at: datetime, people: set[int]) -> dict[tuple[int, int], tuple[bool, bool, bool]]:
    """Return person and credential → certified, expires within 30 days, superseded by policy."""
    session.remove()
    found = {}
    is_postgresql = session.get_bind().dialect.name == "postgresql"
    for row in session.execute(text(BRUTE), {"at": at if is_postgresql else f"{at:%Y-%m-%d %H:%M:%S.%f}"}):
        if row.id not in people:
            continue
        until = date.fromisoformat(str(row.expires_on)) if row.expires_on else None
        today = clock.local_date(at, "Asia/Tokyo")
        stands = not row.revoked and row.standing != "suspended"
        certified = stands and not row.older and (until is None or today <= until)
        found[row.id, row.credential_id] = (
            certified,
            certified and until is not None and until < today + timedelta(days=30),
            bool(stands and row.older),
        )
    return found


def told(found: Coverage) -> dict[tuple[int, int], tuple[bool, bool, bool]]:
    return {
        (each.person_id, each.credential_id): (
            each.is_certified,
            each.expires_within(30),
            each.state.value == "policy_superseded",
        )
        for each in found.heads
    }


@pytest.mark.parametrize("seed", [1, 2])
def test_coverage_is_what_a_plain_statement_counts_on_random_data(cast: Cast, seed: int) -> None:
    draw = random.Random(seed)
    make_document()
    credentials = [
        make_credential(f"random-{number}", validity_months=months, number_format=f"R{number}-{{number}}").slug
        for number, months in enumerate((1, 3, None))
    ]
    teams = [None, make_team("account-safety"), make_team("live-safety")]
    people = [make_person(team=draw.choice(teams), language=draw.choice(("en", "ja"))) for _ in range(12)]
    moment = START
    for _ in range(45):
        moment += timedelta(days=draw.randrange(0, 4), hours=1)
        person, credential = draw.choice(people), queries.get_credential(draw.choice(credentials))
        with clock.frozen(moment):
            current = queries.list_current_of(person.id, credential.id)
            what = draw.random()
            if what < 0.55 or not current:
                enrollment = make_enrollment(person, credential=credential.slug, completed_at=moment)
                with own_transaction():
                    service.issue_certificate(credential=queries.get_credential(credential.slug), enrollment=enrollment)
                continue
            with own_transaction():
                last = queries.get_certificate(current[-1].number)
                state = service.state_of(last).value
                if what < 0.65 and state not in ("revoked", "suspended"):
                    service.suspend(certificate=last, reason=REASON, by=cast.admin)
                elif what < 0.75 and state == "suspended":
                    service.reinstate(certificate=last, reason=REASON, by=cast.admin)
                elif what < 0.8 and state != "revoked":
                    service.revoke(certificate=last, requested_by=cast.admin, confirmed_by=cast.lead, reason=REASON)
    with clock.frozen(moment), own_transaction():
        changed = make_changed_document(moment + timedelta(days=10))
        session.add(changed)
        session.flush()
        policies.supersede_by_policy(changed)
    lead = make_person()
    make_grant(lead, Role.LEAD, Scope.TEAM, "account-safety")
    everybody = {each.id for each in people}
    mine = {each.id for each in people if each.team is not None and each.team.code == "account-safety"}
    viewers = ((reach_over_holders(cast.admin), everybody), (reach_over_holders(lead), mine))
    instants = [START + timedelta(days=days, hours=20) for days in (0, 20, 60)] + [moment, moment + timedelta(days=12)]
    for reach, within in viewers:
        for at in instants:
            with clock.frozen(moment):
                found = coverage(reach, at)
            assert told(found) == brute(at, within), at
            for slug in credentials:
                credential = queries.get_credential(slug)
                groups = found.groups(credential.id)
                assert sum(group.certified for group in groups) == sum(
                    each.is_certified for each in found.of(credential.id)
                )
                assert sorted(each for group in groups for each in group.people) == [each.id for each in found.people]


def test_statements_do_not_grow_with_people(cast: Cast, as_: Any) -> None:
    browser, counts = as_(cast.lead), []
    for _ in range(3):
        issue(make_person(team=cast.lead.team))
        session.expire_all()
        with counted_queries() as statements:
            browser.get("reports.credential_coverage")
        counts.append(len(statements))
    assert counts[1] == counts[2]


@BOTH
def test_a_lead_reads_numbers_of_her_people_only_and_opens_them(cast: Cast, as_: Any, language: str) -> None:
    mine, other = issue(cast.learner), issue(cast.outsider)
    lead = as_(cast.lead, language=language)
    page = lead.get("reports.credential_coverage")
    assert {"en": "Coverage of credentials", "ja": "資格の保有状況"}[language] == page.heading
    (link,) = {each for each in page.links() if "who=certified" in each and "team" not in each}
    named = lead.get(link)
    assert mine.number in named.text
    assert other.number not in named.text
    missing = lead.get("reports.coverage_people", who="not-certified")
    assert mine.number not in missing.text
    assert cast.colleague.name_in(language) in missing.text
    lead.get("reports.coverage_people", who="nonsense", expect=404)
    lead.get("reports.credential_coverage", credential="nonsense", expect=404)
    as_(cast.learner).get("reports.credential_coverage", expect=403)


def test_a_day_ahead_shows_who_will_have_expired_and_a_bad_day_is_told(cast: Cast, as_: Any) -> None:
    certificate = issue(cast.learner)
    assert certificate.expires_on is not None
    lead = as_(cast.lead, language="en")
    on = (certificate.expires_on + timedelta(days=1)).isoformat()
    assert "what will hold if nobody completes" in lead.get("reports.credential_coverage", on=on).text
    assert certificate.number not in lead.get("reports.coverage_people", who="certified", on=on).text
    last = certificate.expires_on.isoformat()
    assert certificate.number in lead.get("reports.coverage_people", who="certified", on=last).text
    page = lead.get("reports.credential_coverage", on="31 March", expect=400)
    assert "no day that can be shown" in page.text


def test_the_change_that_supersedes_opens_its_people(cast: Cast, as_: Any) -> None:
    certificate = issue(cast.learner)
    with own_transaction():
        changed = make_changed_document()
        changed.texts.append(
            VersionText(
                language="en", title="Impersonation", source="", hash="1" * 64, says_number="2.0", behind=[],
                reading_minutes=5, footnotes_html=TrustedHtml(""), shown_at=clock.now(),
            )
        )  # fmt: skip
        session.add(changed)
        session.flush()
        policies.supersede_by_policy(changed)
    lead = as_(cast.lead, language="en")
    page = lead.get("reports.credential_coverage")
    (link,) = [each for each in page.links() if "change=" in each]
    assert certificate.number in lead.get(link).text
    # By its title: an address means nothing to whoever reads it.
    assert "Superseded by Impersonation 2.0" in lead.get(link).text
    assert "Impersonation 2.0" in page.text


def test_a_file_holds_the_credential_that_its_address_names(cast: Cast, as_: Any) -> None:
    issue(cast.learner)
    make_credential("night-line", number_format="NL-{year}-{number:04}")
    lead = as_(cast.lead, language="en")
    for values, named in (
        ({}, {"impersonation-reviewer", "night-line"}),
        ({"credential": "night-line"}, {"night-line"}),
    ):
        csv = lead.fetch("reports.credential_coverage_csv", **values).get_data().decode("utf-8-sig")
        assert {line.split(",")[0] for line in csv.splitlines()[1:]} == named
        book = load_workbook(io.BytesIO(lead.fetch("reports.credential_coverage_xlsx", **values).get_data()))
        assert {row[0] for row in list(book.active.iter_rows(values_only=True))[1:]} == named


@BOTH
def test_the_files_hold_every_credential(cast: Cast, as_: Any, language: str) -> None:
    issue(cast.learner)
    lead = as_(cast.lead, language=language)
    csv = lead.fetch("reports.credential_coverage_csv").get_data().decode("utf-8-sig")
    assert "impersonation-reviewer" in csv
    book = load_workbook(io.BytesIO(lead.fetch("reports.credential_coverage_xlsx").get_data()))
    rows = list(book.active.iter_rows(values_only=True))
    assert rows[1][0] == "impersonation-reviewer"
    assert sum(row[5] for row in rows[1:]) == 1

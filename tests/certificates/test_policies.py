"""A newer policy supersedes exactly the certificates that rest on what it changes, from its day on; it revokes none."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from portal.accounts.models import Person, Role, Scope
from portal.certificates import invariants, queries, service
from portal.certificates.models import Certificate, PolicySupersession
from portal.certificates.rules import State
from portal.certificates.service import policies
from portal.core import clock
from portal.core.db import session
from portal.core.i18n import Words
from portal.core.transaction import own_transaction
from portal.library import queries as library
from portal.library.models import ChangeClass, DocumentVersion
from portal.library.service.dependants import change_of_draft
from portal.library.service.versions import withdraw_version
from portal.training.models import Enrollment, Plan, PlanStep, PlanVersion, StepCompletion
from portal.training.rules import Doer, StepKind
from tests.builders import MORNING, Cast, make_grant, make_person, save
from tests.certificates.builders import make_credential
from tests.library.builders import english, japanese, make_bare_draft, make_document, make_version

_numbers = count(1)
FIRST = {"a": "Rule a.", "b": "Rule b."}
SECOND = {**FIRST, "b": "Another rule."}
DAY = timedelta(days=1)


def source(texts: Mapping[str, str]) -> str:
    return "\n".join(f"## Heading {{#{anchor}}}\n\n{said}\n" for anchor, said in texts.items())


def publish(cast: Cast, texts: Mapping[str, str], slug: str = "policy", **values: Any) -> DocumentVersion:
    document = library.find_document(slug) or make_document(cast.author, slug)
    number = f"{len(document.versions) + 1}.0"
    return make_version(
        document, cast.author, number, texts=[english(source(texts)), japanese(source(texts))], **values
    )


def certify(person: Person, *rests_on: DocumentVersion, months: int | None = 12) -> Certificate:
    """Issue a certificate for a plan whose steps were to read these versions."""
    number = next(_numbers)
    credential = make_credential(f"reviewer-{number}", number_format=f"R{number}-{{number}}", validity_months=months)
    plan = PlanVersion(
        plan=Plan(slug=f"plan-{number}", created_at=MORNING), number="1.0", title=Words("Plan", "計画"),
        summary=Words("Summary", "概要"), credential_slug=credential.slug, digest="0" * 64, created_at=MORNING,
        created_by="test",
    )  # fmt: skip
    for place, version in enumerate(rests_on):
        plan.steps.append(
            PlanStep(
                slug=f"read-{place}", position=place, kind=StepKind.READ, document_slug=version.document.slug,
                title=Words("Read", "読む"), due_days=0, minutes=1, required=True, by=Doer.LEARNER, prerequisites=[],
            )
        )  # fmt: skip
    save(plan)
    now = clock.now()
    enrollment = Enrollment(
        code=f"ENR{number:07d}", person=person, plan_id=plan.plan_id, plan_version_id=plan.id,
        market=person.home_market, starts_on=now.date(), enrolled_at=now, enrolled_by="test", completed_at=now,
    )  # fmt: skip
    for step, version in zip(plan.steps, rests_on, strict=True):
        enrollment.completions.append(
            StepCompletion(
                step=step, completed_at=now, recorded_at=now, document_slug=version.document.slug,
                document_version=version.number,
            )
        )  # fmt: skip
    save(enrollment)
    with own_transaction():
        return service.issue_certificate(credential=credential, enrollment=enrollment)


def state(certificate: Certificate) -> State:
    session.expire_all()
    return service.state_of(queries.get_certificate(certificate.number))


def noted() -> list[PolicySupersession]:
    session.expire_all()
    return list(session.scalars(select(PolicySupersession).order_by(PolicySupersession.id)))


def test_it_stays_valid_until_the_day_and_is_superseded_by_policy_from_then_on(cast: Cast) -> None:
    certificate = certify(cast.learner, publish(cast, FIRST))
    day = clock.now() + 10 * DAY
    publish(cast, SECOND, effective_at=day)
    assert state(certificate) is State.VALID
    with clock.frozen(day - timedelta(seconds=1)):
        assert state(certificate) is State.VALID
    with clock.frozen(day):
        assert state(certificate) is State.POLICY_SUPERSEDED
    assert invariants.older_policies_are_so_for_a_reason() == []


def test_only_certificates_that_rest_on_what_was_changed_are_noted(cast: Cast) -> None:
    first = publish(cast, FIRST)
    other = publish(cast, {"x": "Rule x."}, "other")
    rests, both, elsewhere = (
        certify(cast.learner, first), certify(cast.colleague, first, other), certify(cast.outsider, other),
    )  # fmt: skip
    publish(cast, SECOND)
    assert {row.certificate.number for row in noted()} == {rests.number, both.number}
    assert [row.anchors for row in noted()] == [["b"], ["b"]]
    assert state(elsewhere) is State.VALID


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_impact_names_holders_to_those_who_may_see_their_certificates(cast: Cast, as_: Any, language: str) -> None:
    first = publish(cast, FIRST)
    hers, other = certify(cast.learner, first), certify(cast.outsider, first)
    draft = make_bare_draft("policy", cast.author, source=source(SECOND))
    path = {"code": draft.code, "kind": "certificates"}

    def shown(person: Person) -> tuple[str, str]:
        browser = as_(person, language=language)
        page = browser.get("library.impact_list", **path)
        return page.text, browser.send("GET", f"/drafts/{draft.code}/impact/certificates.csv").get_data(as_text=True)

    names = [person.name_in(language) for person in (cast.learner, cast.outsider)]
    hidden = {"en": "Holders are named only to those", "ja": "その修了証を閲覧できる人にだけ"}[language]
    for text in shown(cast.admin):
        assert all(name in text for name in names)
        assert hidden not in text
    page, sheet = shown(cast.author)
    assert hidden in page
    for text in (page, sheet):
        assert hers.number in text
        assert not any(name in text for name in names)
    # A lead sees her own people.
    make_grant(cast.author, Role.LEAD, Scope.TEAM, cast.learner.team.code)
    page, sheet = shown(cast.author)
    assert hidden in page
    for text in (page, sheet):
        assert names[0] in text
        assert names[1] not in text
        assert other.number in text


@pytest.mark.parametrize("change_class", [ChangeClass.EDITORIAL, ChangeClass.MINOR])
def test_what_asks_for_nothing_supersedes_no_certificate(cast: Cast, change_class: ChangeClass) -> None:
    certificate = certify(cast.learner, publish(cast, FIRST))
    publish(cast, SECOND, change_class=change_class)
    assert (noted(), state(certificate)) == ([], State.VALID)


def test_those_that_do_not_stand_or_will_have_expired_are_left_alone(cast: Cast) -> None:
    first = publish(cast, FIRST)
    expiring, revoked, suspended = (
        certify(cast.learner, first, months=1),
        *(certify(cast.colleague, first) for _ in "12"),
    )
    with own_transaction():
        service.revoke(
            certificate=queries.get_certificate(revoked.number), requested_by=cast.admin, confirmed_by=cast.approver,
            reason="Found out to be wrong.",
        )  # fmt: skip
        service.suspend(
            certificate=queries.get_certificate(suspended.number), reason="Being looked into.", by=cast.admin
        )
    publish(cast, SECOND, effective_at=clock.now() + 60 * DAY)
    assert {row.certificate.number for row in noted()} == {suspended.number}
    assert expiring.number


def test_publishing_is_noted_once(cast: Cast) -> None:
    certify(cast.learner, publish(cast, FIRST))
    version = publish(cast, SECOND)
    with own_transaction():
        assert policies.supersede_by_policy(session.get_one(DocumentVersion, version.id)) == []
    assert len(noted()) == 1


def test_a_version_withdrawn_before_its_day_takes_its_note_back(cast: Cast) -> None:
    certificate = certify(cast.learner, publish(cast, FIRST))
    day = clock.now() + 10 * DAY
    version = publish(cast, SECOND, effective_at=day)
    with own_transaction():
        withdraw_version(version=session.get_one(DocumentVersion, version.id), reason="A mistake.", by=cast.author)
    with clock.frozen(day + DAY):
        assert state(certificate) is State.VALID
    assert invariants.older_policies_are_so_for_a_reason() == []
    publish(cast, SECOND)
    assert state(certificate) is State.POLICY_SUPERSEDED


def test_one_issued_between_publication_and_its_day_is_noted_too_and_a_new_print_keeps_the_note(cast: Cast) -> None:
    first = publish(cast, FIRST)
    day = clock.now() + 10 * DAY
    publish(cast, SECOND, effective_at=day)
    certificate = certify(cast.learner, first)
    with own_transaction():
        fresh = service.reissue_certificate(
            certificate=queries.get_certificate(certificate.number), reason="A changed name.", by=cast.admin
        ).number
    with clock.frozen(day):
        assert service.state_of(queries.get_certificate(fresh)) is State.POLICY_SUPERSEDED


@pytest.mark.parametrize(
    ("language", "before", "after"),
    [
        ("en", "Until then it stays valid", "It was not revoked"),
        ("ja", "それまでは有効です", "取消ではありません"),
    ],
)
def test_holder_and_lead_read_of_it_before_the_day_and_the_public_only_from_then_on(
    cast: Cast, as_: Any, client: Any, language: str, before: str, after: str
) -> None:
    certificate = certify(cast.learner, publish(cast, FIRST))
    day = clock.now() + 10 * DAY
    publish(cast, SECOND, effective_at=day)
    for person in (cast.learner, cast.lead):
        assert before in as_(person, language=language).get("certificates.show", number=certificate.number).text
    assert before not in client.get("certificates.verify", code=certificate.code, lang=language).text
    with clock.frozen(day):
        assert after in as_(cast.lead, language=language).get("certificates.show", number=certificate.number).text
        assert after in client.get("certificates.verify", code=certificate.code, lang=language).text
        listed = as_(cast.learner, language=language).get("certificates.index").text
    assert {"en": "Superseded by policy", "ja": "ポリシー改定前"}[language] in listed


VERSION = st.dictionaries(st.sampled_from("abc"), st.sampled_from(["One.", "Two."]), min_size=1)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=VERSION, second=VERSION, change_class=st.sampled_from(list(ChangeClass)), holders=st.integers(0, 2))
def test_what_the_draft_said_is_what_is_noted_and_what_a_recount_says(
    cast: Cast, first: Mapping[str, str], second: Mapping[str, str], change_class: ChangeClass, holders: int
) -> None:
    slug = f"policy-{next(_numbers)}"
    version = publish(cast, first, slug)
    issued = {certify(make_person(), version).number for _ in range(holders)}
    draft = make_bare_draft(slug, cast.author, source=source(second), change_class=change_class)
    said = {each.number for each in policies.affected_certificates(change_of_draft(draft))}
    before = {row.certificate_id for row in noted()}
    publish(cast, second, slug, change_class=change_class)
    assert {row.certificate.number for row in noted() if row.certificate_id not in before} == said
    # A clause that only got another id says the same.
    gone = {anchor for anchor in first if anchor not in second}
    free = [text for anchor, text in second.items() if anchor not in first]
    removed = {first[anchor] for anchor in gone if first[anchor] not in free} or {
        text for text in (first[anchor] for anchor in gone) if [first[each] for each in gone].count(text) > 1
    }
    changed = {anchor for anchor in first if anchor in second and first[anchor] != second[anchor]}
    asks = change_class in (ChangeClass.MATERIAL, ChangeClass.EMERGENCY)
    assert said == (issued if asks and (changed or removed) else set())


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_page_of_one_of_an_older_policy_says_that_it_can_be_renewed_now(
    cast: Cast, as_: Any, language: str
) -> None:
    certificate = certify(cast.learner, publish(cast, FIRST))
    publish(cast, SECOND)
    text = as_(cast.learner, language=language).get("certificates.show", number=certificate.number).text
    assert {"en": "It can be renewed now", "ja": "いま更新できます"}[language] in text
    # Not what the window of a valid one says.
    assert {"en": "without losing a day", "ja": "残りの日数を失わず"}[language] not in text

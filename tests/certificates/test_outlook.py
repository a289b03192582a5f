"""What a training will not earn is said before it is completed, and why nothing was issued afterwards."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from portal.accounts.models import Role
from portal.certificates import queries, service
from portal.certificates.service import outlook
from portal.core import clock
from portal.core.db import session
from portal.core.transaction import own_transaction
from portal.training.models import Enrollment
from tests.builders import Cast, make_grant, make_person
from tests.certificates.builders import issue, make_credential, make_enrollment, make_plan
from tests.training.builders import load_holidays

REFRESHER = "refresher"
SLUG = "impersonation-reviewer"
BOTH = pytest.mark.parametrize("language", ["en", "ja"])


@pytest.fixture
def refresher(cast: Cast) -> Enrollment:
    """The learner's refresher, running, whose certificate was revoked: it can renew nothing."""
    make_credential(renewal_window_days=60, grace_days=30, renewal_plan_slug=REFRESHER)
    make_plan(SLUG, REFRESHER)
    load_holidays()
    certificate = issue(cast.learner, queries.get_credential(SLUG))
    with own_transaction():
        service.revoke(
            certificate=queries.get_certificate(certificate.number), requested_by=cast.admin,
            confirmed_by=cast.approver, reason="Issued by mistake.",
        )  # fmt: skip
    return make_enrollment(cast.learner, done=False, plan=REFRESHER)


@BOTH
def test_a_refresher_that_renews_nothing_says_so_before_it_is_completed(
    refresher: Enrollment, cast: Cast, as_: Any, language: str
) -> None:
    """To whoever follows it and to whoever leads her."""
    said = {"en": "Completing this plan earns no certificate", "ja": "修了しても修了証は発行されません"}[language]
    for person in (cast.learner, cast.lead):
        page = as_(person, language=language).get("training.path", code=refresher.code)
        assert said in page.text
    page = as_(cast.lead, language=language).get("training.sign_off", code=refresher.code, slug="talk")
    assert said in page.text


@BOTH
def test_the_full_plan_and_a_refresher_in_time_warn_of_nothing(cast: Cast, as_: Any, language: str) -> None:
    make_credential(renewal_window_days=60, grace_days=30, renewal_plan_slug=REFRESHER)
    make_plan(SLUG, REFRESHER)
    running = make_enrollment(cast.learner, done=False)
    assert outlook.what_hinders(running) == ""
    issue(cast.learner, queries.get_credential(SLUG), "ENRFULL")
    assert outlook.what_hinders(make_enrollment(cast.learner, done=False, plan=REFRESHER)) == ""


@BOTH
def test_what_was_completed_and_earned_nothing_is_told_to_all_who_should_know(
    refresher: Enrollment, cast: Cast, as_: Any, language: str
) -> None:
    """The lead and the administrators read it today for a while, the learner on her path; nobody else does."""
    with own_transaction():
        session.merge(refresher).completed_at = clock.now()
        assert service.issue_for_completion(session.merge(refresher)) is None
    said = {"en": "Completed, and no certificate issued", "ja": "修了したが修了証が発行されていない人"}[language]
    why = {"en": "This plan only renews a certificate", "ja": "更新"}[language]
    for person in (cast.admin, cast.lead):
        page = as_(person, language=language).get("training.today")
        assert said in page.text
        assert why in page.text
        assert f"/training/{refresher.code}" in page.links()
    assert said not in as_(cast.outsider, language=language).get("training.today").text
    page = as_(cast.learner, language=language).get("training.path", code=refresher.code)
    assert {"en": "No certificate was issued", "ja": "修了証は発行されていません"}[language] in page.text
    assert why in page.text
    with clock.frozen(clock.now() + outlook.TOLD_FOR + timedelta(days=1)):
        assert said not in as_(cast.admin, language=language).get("training.today").text


def test_it_is_told_no_more_once_something_was_issued(refresher: Enrollment, cast: Cast, as_: Any) -> None:
    with own_transaction():
        session.merge(refresher).completed_at = clock.now()
    said = "Completed, and no certificate issued"
    assert said in as_(cast.admin, language="en").get("training.today").text
    with clock.frozen(clock.now() + timedelta(hours=1)):
        issue(cast.learner, queries.get_credential(SLUG), "ENRANEW")
        assert said not in as_(cast.admin, language="en").get("training.today").text


@BOTH
def test_the_page_of_an_expired_certificate_does_not_contradict_itself(cast: Cast, as_: Any, language: str) -> None:
    """The refresher is too late then: only the full plan earns it, and nothing on the page says that it is renewed."""
    make_credential(renewal_window_days=60, grace_days=30, renewal_plan_slug=REFRESHER)
    make_plan(SLUG, REFRESHER)
    number = issue(cast.learner, queries.get_credential(SLUG)).number
    with clock.frozen(clock.now() + timedelta(days=800)):
        text = as_(cast.learner, language=language).get("certificates.show", number=number).text
    assert {"en": "It is earned again by completing", "ja": "再び取得できる研修計画"}[language] in text
    for each in {"en": ("again renews it", "It is renewed by"), "ja": ("修了すると更新される",)}[language]:
        assert each not in text


@BOTH
def test_whoever_is_the_only_administrator_reads_what_to_do(cast: Cast, as_: Any, language: str) -> None:
    number = issue(make_person()).number
    said = {"en": "There is no second administrator", "ja": "2人目の管理者がいません"}[language]
    assert said in as_(cast.admin, language=language).get("certificates.show", number=number).text
    make_grant(make_person(), Role.ADMIN)
    assert said not in as_(cast.admin, language=language).get("certificates.show", number=number).text

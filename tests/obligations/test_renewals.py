"""A credential says what enrols its holders in time; one press makes the obligation that does."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from portal.certificates import queries as certificates
from portal.core import clock
from portal.core.db import session
from portal.obligations import queries
from portal.obligations.rules import Rhythm
from portal.obligations.service.renewals import lead_days
from portal.training.models import Enrollment
from tests.builders import Cast
from tests.certificates.builders import make_credential, renew
from tests.obligations.builders import make_refresher, work
from tests.training.builders import load_holidays

BOTH = pytest.mark.parametrize("language", ["en", "ja"])
SLUG = "impersonation-reviewer"
# The last day of the certificate is Thursday, 15 April 2027.
ISSUED = datetime(2026, 4, 15, 3, tzinfo=UTC)


def hold(cast: Cast) -> None:
    load_holidays()
    make_refresher(cast.author, credential=SLUG)
    make_credential(renewal_window_days=60, renewal_plan_slug="refresher")
    renew(cast.learner, ISSUED)


@BOTH
def test_one_press_enrols_every_holder_within_the_window(cast: Cast, as_: Any, language: str) -> None:
    hold(cast)
    with clock.frozen(datetime(2026, 6, 1, 3, tzinfo=UTC)):
        author = as_(cast.author, language=language)
        page = author.get("certificates.credential", slug=SLUG)
        assert {"en": "Enrol holders in time", "ja": "期限前に自動で割り当てる"}[language] in page.text
        shown = author.follow(author.post("obligations.assign_renewals", slug=SLUG))
        assert {"en": "Renewal: Impersonation Reviewer", "ja": "なりすまし審査担当者の更新"}[language] in shown.text
        # A second press makes no second one.
        author.post("obligations.assign_renewals", slug=SLUG)
        (made,) = queries.list_obligations()
        terms = made.latest
        assert (terms.rhythm, terms.plan_slug, terms.holders_of) == (Rhythm.BEFORE_EXPIRY, "refresher", SLUG)
        assert terms.lead_days == lead_days(60, 5) == 42
        again = as_(cast.lead, language=language).get("certificates.credential", slug=SLUG)
        assert {"en": "Nothing enrols holders", "ja": "自動で割り当てる設定がありません"}[language] not in again.text
        number = certificates.list_certificates_of(cast.learner.id)[0].number
        own = as_(cast.learner, language=language).get("certificates.show", number=number)
        assert {"en": "is assigned by itself on", "ja": "自動で割り当てられます"}[language] in own.text
    # 42 working days before the last day lie within the window of 60 days.
    work(date(2027, 2, 1))
    assert session.query(Enrollment).filter_by(person_id=cast.learner.id).count() == 1
    work(date(2027, 2, 15))
    assert session.query(Enrollment).filter_by(person_id=cast.learner.id).count() == 2


@BOTH
def test_after_the_grace_nobody_is_enrolled_in_what_only_renews_and_the_page_says_why(
    cast: Cast, as_: Any, language: str
) -> None:
    hold(cast)
    # The certificate expires on 15 April 2027, and has no grace; nobody made an obligation before.
    with clock.frozen(datetime(2027, 4, 20, 3, tzinfo=UTC)):
        author = as_(cast.author, language=language)
        author.post("obligations.assign_renewals", slug=SLUG)
        (made,) = queries.list_obligations()
        work(date(2027, 4, 20))
        assert session.query(Enrollment).filter_by(person_id=cast.learner.id).count() == 1
        page = author.get("obligations.obligation", code=made.code)
        assert {"en": "Too late to renew", "ja": "更新期間終了"}[language] in page.text
        page = as_(cast.lead, language=language).get("obligations.of_person", code=cast.learner.code)
        assert {"en": "this plan only renews", "ja": "この計画は更新専用のため"}[language] in page.text


def test_who_makes_no_obligations_is_offered_none(cast: Cast, as_: Any) -> None:
    hold(cast)
    lead = as_(cast.lead, language="en")
    assert "Enrol holders in time" not in lead.get("certificates.credential", slug=SLUG).text
    lead.post("obligations.assign_renewals", slug=SLUG, expect=403)


@pytest.mark.parametrize(("window", "days", "found"), [(None, 5, 30), (60, 5, 42), (7, 10, 10), (365, 5, 120)])
def test_enrolment_comes_within_the_window_and_leaves_time_for_the_plan(
    window: int | None, days: int, found: int
) -> None:
    assert lead_days(window, days) == found

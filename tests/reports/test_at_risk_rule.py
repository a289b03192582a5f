"""The rule by which learners are at risk: whose it is, who may change it, what it says, and what it counts."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from portal.accounts.models import Role, Scope
from portal.core import clock
from portal.core.db import session
from portal.core.i18n import Words
from portal.core.transaction import own_transaction
from portal.journal.models import JournalEntry
from portal.reports import service
from portal.reports.models import AtRiskRule, CohortRiskRule
from portal.reports.queries.lead import RuleFrom, find_cohort_rule, rule_of
from portal.reports.rules import RiskRule
from portal.training.models import TaskEvidence
from portal.training.rules import Doer, EvidenceKind, StepKind, StepSpec
from portal.training.service import sign_offs
from tests.beginnings import beginning
from tests.builders import Cast, make_grant, make_person, make_team, save
from tests.reports.test_cohort import LANGUAGES, LATER, MORNING
from tests.reports.test_lead import _documents, _start_of_the_plan, rows_of, seen_of  # noqa: F401
from tests.training.builders import make_cohort, make_enrollment, make_plan, release

NOBODY = {"en": "Nobody is at risk", "ja": "要フォローの人はいません"}
WHY = {"reason": "出張が2週間続くため"}


@pytest.fixture
@beginning
def cohort(cast: Cast) -> Any:
    """Two people who have done nothing, the learner with two failed tries; the outsider owns policies."""
    made = make_cohort(cast.admin)
    version = make_plan()
    for person in (cast.learner, cast.colleague):
        make_enrollment(person, version, cast.admin, cohort=made)
    for _try in range(2):
        release(cast.learner, score="1/2", passed=False)
    make_grant(cast.outsider, Role.POLICY_OWNER)
    return made


# --- of the organisation -----------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_policy_owner_changes_the_rule_of_the_organisation_and_it_holds_at_once(
    cast: Cast, cohort: Any, as_: Any, language: str
) -> None:
    with clock.frozen(LATER):
        owner, lead = as_(cast.outsider, language=language), as_(cast.lead, language=language)
        assert rows_of(lead.get("reports.cohort", code=cohort.code))
        given = {"overdue_steps": "９", "seen": "0", "reason": "9件までは待てるため"}
        owner.post("reports.change_at_risk_rule", data=given)
        page = owner.get("reports.at_risk_rule")
        assert {"en": "at least 9 overdue required steps", "ja": "期限超過の必須項目が9件以上"}[language] in page.text
        assert cast.outsider.name_in(language) in page.text
        assert "9件までは待てるため" in page.text
        seen = lead.get("reports.cohort", code=cohort.code).text
        assert NOBODY[language] in seen
        since = {"en": "The rule of the organisation, since Fri 8 May 2026.", "ja": "2026年5月8日"}[language]
        assert since in seen
    (row,) = session.query(AtRiskRule)
    assert (row.overdue_steps, row.failed_tries, row.idle_days, row.by.code) == (9, None, None, cast.outsider.code)
    assert row.at == LATER
    entries = session.query(JournalEntry).filter_by(action="reports.at_risk_rule_changed").all()
    assert [(entry.before, entry.after, entry.reason) for entry in entries] == [
        (
            {"overdue_steps": 2, "failed_tries": 2, "idle_days": 2},
            {"overdue_steps": 9, "failed_tries": None, "idle_days": None},
            "9件までは待てるため",
        )
    ]


def test_a_lead_sees_the_rule_of_the_organisation_and_cannot_change_it(cast: Cast, cohort: Any, as_: Any) -> None:
    # Also not one who leads the whole organisation.
    make_grant(cast.lead, Role.LEAD)
    lead = as_(cast.lead, language="en")
    page = lead.get("reports.at_risk_rule")
    assert not page.all("textarea")
    assert "Policy owners and administrators change it." in page.text
    lead.post("reports.change_at_risk_rule", data={"overdue_steps": "3", "seen": "0", **WHY}, expect=403)
    assert session.query(AtRiskRule).count() == 0


def test_a_policy_owner_finds_the_rule_on_her_day(cast: Cast, cohort: Any, as_: Any) -> None:
    assert "/at-risk-rule" in as_(cast.outsider, language="en").get("training.today").links()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("of", ["organisation", "cohort"])
def test_a_rule_that_finds_nobody_or_says_no_number_or_no_reason_is_refused_in_words(
    cast: Cast, cohort: Any, as_: Any, of: str, language: str
) -> None:
    person, where = (cast.admin, ("reports.change_at_risk_rule", {})) if of == "organisation" else (
        cast.lead, ("reports.set_cohort_rule", {"code": cohort.code})
    )  # fmt: skip
    browser = as_(person, language=language)

    def refused(expect: int, **values: str) -> str:
        given = {"overdue_steps": "", "failed_tries": "", "idle_days": "", "seen": "0", **WHY, **values}
        page = browser.post(where[0], data=given, expect=expect, **where[1])
        # Nothing that was typed is lost.
        assert page.one("input", name="idle_days").get("value") == given["idle_days"]
        return str(page.text)

    empty = {"en": "At least one reason has to count", "ja": "少なくとも1つの条件に数値を入力してください。"}[language]
    bounds = {"en": "Enter a whole number from 1 to 60.", "ja": "1から60までの整数を入力してください。"}[language]
    why = {"en": "Say why this rule is right", "ja": "この基準にする理由を入力してください"}[language]
    assert empty in refused(409)
    for wrong in ("0", "-1", "61", "two", "1.5", "9" * 30):
        page = refused(400, overdue_steps=wrong)
        assert bounds in page, wrong
        assert WHY["reason"] in page
    for wrong in ("", " \n\u3000", "x" * 501):
        page = refused(400, idle_days="5", reason=wrong)
        assert (why in page) == (len(wrong) < 500)
    assert session.query(AtRiskRule).count() == session.query(CohortRiskRule).count() == 0


def test_of_two_who_change_the_rule_together_the_second_is_told(cast: Cast, as_: Any) -> None:
    admin = as_(cast.admin, language="en")
    admin.post("reports.change_at_risk_rule", data={"overdue_steps": "3", "seen": "0", **WHY})
    page = admin.post("reports.change_at_risk_rule", data={"overdue_steps": "4", "seen": "0", **WHY}, expect=409)
    assert "Somebody else has changed the rule meanwhile" in page.text
    assert [row.overdue_steps for row in session.query(AtRiskRule)] == [3]


@pytest.mark.parametrize("language", LANGUAGES)
def test_one_press_with_a_reason_goes_back_to_the_rule_of_the_product(
    cast: Cast, cohort: Any, as_: Any, language: str
) -> None:
    owner, back = (
        as_(cast.outsider, language=language),
        {"en": "Back to the product", "ja": "初期設定の基準に戻す"}[language],
    )
    assert back not in owner.get("reports.at_risk_rule").text
    owner.post("reports.change_at_risk_rule", data={"overdue_steps": "9", "seen": "0", **WHY})
    (nine,) = session.query(AtRiskRule)
    assert back in owner.get("reports.at_risk_rule").text
    # Without a reason nothing happens, and the page says which field lacks one.
    refused = owner.post("reports.back_to_product_rule", data={"seen": str(nine.id)}, expect=400)
    assert {"en": "Say why the product", "ja": "戻す理由を入力してください"}[language] in refused.text
    assert session.query(AtRiskRule).count() == 1
    # Who has not seen what holds changes nothing, and what she wrote stays.
    said = {"back_reason": "異動が落ち着いたため", "seen": "0"}
    again = owner.post("reports.back_to_product_rule", data=said, expect=409)
    assert said["back_reason"] in again.text
    owner.post("reports.back_to_product_rule", data={**said, "seen": str(nine.id)})
    newest = rule_of(None)
    assert (newest.rule, newest.of) == (RiskRule(), RuleFrom.ORGANISATION)
    page = owner.get("reports.at_risk_rule")
    assert said["back_reason"] in page.text
    assert {"en": "the product's own", "ja": "製品の初期設定"}[language] in page.text
    # It holds: the way back is gone, and a second press adds nothing.
    assert back not in page.text
    last = session.query(AtRiskRule).order_by(AtRiskRule.id.desc()).limit(1).one()
    owner.post("reports.back_to_product_rule", data={**said, "seen": str(last.id)})
    assert session.query(AtRiskRule).count() == 2
    entries = session.query(JournalEntry).filter_by(action="reports.at_risk_rule_changed").order_by(JournalEntry.id)
    assert [entry.reason for entry in entries] == [WHY["reason"], said["back_reason"]]


def test_a_lead_who_may_not_change_the_rule_cannot_go_back_to_that_of_the_product_either(
    cast: Cast, cohort: Any, as_: Any
) -> None:
    as_(cast.outsider, language="en").post(
        "reports.change_at_risk_rule", data={"overdue_steps": "9", "seen": "0", **WHY}
    )
    (nine,) = session.query(AtRiskRule)
    lead = as_(cast.lead, language="en")
    assert "Back to the product" not in lead.get("reports.at_risk_rule").text
    lead.post("reports.back_to_product_rule", data={"back_reason": "wish", "seen": str(nine.id)}, expect=403)
    assert session.query(AtRiskRule).count() == 1


# --- of a cohort -------------------------------------------------------------------------------


def test_the_same_numbers_for_another_reason_are_a_row_of_their_own(cast: Cast, cohort: Any) -> None:
    rule = RiskRule(None, None, 5)
    with own_transaction():
        first = service.set_cohort_rule(cohort=cohort, rule=rule, reason="x", seen=0, by=cast.admin)
        assert first is not None
        assert service.set_cohort_rule(cohort=cohort, rule=rule, reason="x", seen=first.id, by=cast.admin) is None
        assert service.set_cohort_rule(cohort=cohort, rule=rule, reason="y", seen=first.id, by=cast.admin) is not None
        own = service.set_at_risk_rule(rule=RiskRule(), reason="x", seen=0, by=cast.admin)
        assert own is None
        first_of_all = service.set_at_risk_rule(rule=rule, reason="x", seen=0, by=cast.admin)
        assert first_of_all is not None
        again = service.set_at_risk_rule(rule=rule, reason="y", seen=first_of_all.id, by=cast.admin)
        assert again is not None


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_lead_sets_a_rule_for_her_cohort_alone_and_goes_back_by_one_press(
    cast: Cast, cohort: Any, as_: Any, language: str
) -> None:
    other = make_cohort(cast.admin, "jp-2026-05")
    make_enrollment(make_person(team=make_team()), make_plan(), cast.admin, cohort=other)
    with clock.frozen(LATER):
        lead = as_(cast.lead, language=language)
        before = rows_of(lead.get("reports.cohort", code=cohort.code))
        lead.post("reports.set_cohort_rule", code=cohort.code, data={"overdue_steps": "9", "seen": "0", **WHY})
        seen = lead.get("reports.cohort", code=cohort.code).text
        assert NOBODY[language] in seen
        assert {"en": "The rule of this cohort, since Fri 8 May 2026.", "ja": "2026年5月8日"}[language] in seen
        assert rows_of(lead.get("reports.cohort", code=other.code))
        assert WHY["reason"] in lead.get("reports.cohort_rule", code=cohort.code).text
        own = find_cohort_rule(cohort)
        assert own is not None
        lead.post("reports.end_cohort_rule", code=cohort.code, data={"seen": str(own.id)})
        assert rows_of(lead.get("reports.cohort", code=cohort.code)) == before
        page = lead.get("reports.cohort_rule", code=cohort.code)
        assert {"en": "The product's own rule", "ja": "製品の初期設定"}[language] in page.text
        # Nothing is forgotten.
        assert WHY["reason"] in page.text
    entries = session.query(JournalEntry).filter(JournalEntry.action.startswith("reports.cohort_rule")).order_by("id")
    first, changed = {"overdue_steps": 2, "failed_tries": 2, "idle_days": 2}, {
        "overdue_steps": 9, "failed_tries": None, "idle_days": None,
    }  # fmt: skip
    assert [(each.action, each.subject_code, each.before, each.after, each.reason) for each in entries] == [
        ("reports.cohort_rule_set", cohort.code, first, changed, WHY["reason"]),
        ("reports.cohort_rule_ended", cohort.code, changed, first, None),
    ]


def test_a_lead_sets_no_rule_for_a_cohort_that_is_not_hers(cast: Cast, cohort: Any, as_: Any) -> None:
    away = make_person(team=make_team("safety-kr"))
    make_grant(away, Role.LEAD, Scope.TEAM, "safety-kr")
    browser = as_(away, language="en")
    given = {"overdue_steps": "9", "seen": "0", **WHY}
    browser.post("reports.set_cohort_rule", code=cohort.code, data=given, expect=404)
    browser.post("reports.end_cohort_rule", code=cohort.code, data={"seen": "0"}, expect=404)
    browser.get("reports.cohort_rule", code=cohort.code, expect=404)
    assert session.query(CohortRiskRule).count() == 0


def test_who_goes_back_after_somebody_set_another_rule_is_told(cast: Cast, cohort: Any, as_: Any) -> None:
    lead = as_(cast.lead, language="en")
    lead.post("reports.set_cohort_rule", code=cohort.code, data={"overdue_steps": "9", "seen": "0", **WHY})
    page = lead.post("reports.end_cohort_rule", code=cohort.code, data={"seen": "0"}, expect=409)
    assert "Somebody else has changed the rule meanwhile" in page.text
    assert session.query(CohortRiskRule).count() == 1


def test_the_page_and_the_rule_by_itself_agree_on_which_holds_and_since_when(cast: Cast, cohort: Any) -> None:
    def holds() -> tuple[RuleFrom, Any, int | None]:
        session.expire_all()
        found, seen = rule_of(find_cohort_rule(cohort)), seen_of(cohort)[1].in_force
        assert found == seen
        return found.of, found.since, found.rule.idle_days

    def later(hours: int) -> Any:
        return MORNING + timedelta(hours=hours)

    def seen() -> int:
        newest = find_cohort_rule(cohort)
        return newest.id if newest else 0

    assert holds() == (RuleFrom.PRODUCT, None, 2)
    with clock.frozen(later(1)), own_transaction():
        service.set_cohort_rule(cohort=cohort, rule=RiskRule(None, None, 7), reason="x", seen=seen(), by=cast.lead)
    assert holds() == (RuleFrom.COHORT, later(1), 7)
    with clock.frozen(later(2)), own_transaction():
        service.set_at_risk_rule(rule=RiskRule(None, None, 5), reason="x", seen=0, by=cast.admin)
    assert holds() == (RuleFrom.COHORT, later(1), 7)
    with clock.frozen(later(3)), own_transaction():
        service.end_cohort_rule(cohort=cohort, seen=seen(), by=cast.lead)
    # She has it from the moment on at which she went back.
    assert holds() == (RuleFrom.ORGANISATION, later(3), 5)
    with own_transaction():
        assert service.end_cohort_rule(cohort=cohort, seen=seen(), by=cast.lead) is None


def test_a_rule_of_a_cohort_without_its_reason_is_refused_by_the_database(cast: Cast, cohort: Any) -> None:
    row = CohortRiskRule(cohort_id=cohort.id, overdue_steps=3, by=cast.lead, at=MORNING)
    with pytest.raises(IntegrityError):
        save(row)
    session.rollback()


# --- what counts as activity -------------------------------------------------------------------


def _active_on(cohort: Any) -> date | None:
    session.expire_all()
    (each,) = seen_of(cohort)[1].at_risk
    return next(reason.since for reason in each.reasons if reason.risk.value == "idle")


def test_what_others_do_for_a_learner_is_no_activity_of_hers_and_what_she_hands_in_is(cast: Cast) -> None:
    phases: Any = ()
    version = make_plan(
        "shown", None,
        StepSpec("desk", StepKind.SIGN_OFF, 0, by=Doer.LEAD, title=Words("Desk", "席")),
        StepSpec("essay", StepKind.TASK, 9, by=Doer.LEAD, title=Words("Essay", "作文"), evidence=(EvidenceKind.TEXT,)),
        # Her turn all the time: who has nothing to do is not idle.
        StepSpec("more", StepKind.TASK, 19, by=Doer.LEAD, title=Words("More", "続き"), evidence=(EvidenceKind.TEXT,)),
        phases=phases, credential=None,
    )  # fmt: skip
    cohort = make_cohort(cast.admin)
    enrollment = make_enrollment(cast.learner, version, cast.admin, cohort=cohort)
    steps = {step.slug: step for step in version.steps}
    with clock.frozen(MORNING + timedelta(days=2)), own_transaction():
        sign_offs.sign_off(enrollment=enrollment, step=steps["desk"], statement="She can do it.", by=cast.lead)
    with clock.frozen(MORNING + timedelta(days=10)):
        assert _active_on(cohort) is None
        handed = TaskEvidence(
            enrollment_id=enrollment.id, step_id=steps["essay"].id, number=1, at=MORNING + timedelta(days=1), said="x",
            link="",
        )  # fmt: skip
        save(handed)
        assert _active_on(cohort) == clock.local_date(handed.at, "Asia/Tokyo")


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_waits_for_a_sign_off_is_not_idle_and_the_sign_off_is_what_is_missing(
    cast: Cast, as_: Any, language: str
) -> None:
    phases: Any = ()
    version = make_plan(
        "shown", None,
        StepSpec("desk", StepKind.SIGN_OFF, 1, by=Doer.LEAD, title=Words("Desk", "席")),
        StepSpec("call", StepKind.SIGN_OFF, 9, by=Doer.LEAD, title=Words("Call", "電話"), prerequisites=("desk",)),
        phases=phases, credential=None,
    )  # fmt: skip
    cohort = make_cohort(cast.admin)
    enrollment = make_enrollment(cast.learner, version, cast.admin, cohort=cohort)
    with clock.frozen(MORNING + timedelta(days=10)):
        page = as_(cast.lead, language=language).get("reports.cohort", code=cohort.code)
        session.expire_all()
        (each,) = seen_of(cohort)[1].at_risk
    assert [reason.risk.value for reason in each.reasons] == ["sign_off"]
    table = page.one("table", **{"aria-labelledby": "at-risk-people"})
    row = " ".join("".join(table.itertext()).split())
    said = {"en": ("waits for the lead's sign-off, since", "Desk", "Sign off"), "ja": ("リードの確認待ち", "席")}
    assert [text for text in said[language] if text not in row] == []
    assert {"en": "Record leave", "ja": "休暇の登録"}[language] not in row
    links = [link.get("href") for link in table.iter("a")]
    assert links.count(f"/sign-offs/{enrollment.code}/desk") == 1
    # In the table it is late, and waits all the same.
    assert {"en": "Waiting, overdue", "ja": "対応待ち（期限超過）"}[language] in page.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_says_what_activity_is_and_that_days_are_counted_plan_by_plan(
    cast: Cast, cohort: Any, as_: Any, language: str
) -> None:
    said = {"en": "Days are counted plan by plan", "ja": "研修計画ごとに"}[language]
    lead = as_(cast.lead, language=language)
    for page in ("reports.cohort", "reports.cohort_rule"):
        assert said in lead.get(page, code=cohort.code).text
    assert said in lead.get("reports.at_risk_rule").text

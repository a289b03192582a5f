"""The pages of batches: the list before anything is done, how far it is, what came of it, in both languages."""

from __future__ import annotations

import zipfile
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from flask import Flask

from portal.accounts.models import Role, Scope
from portal.certificates import queries, service
from portal.certificates.models import Certificate, CertificateBatch
from portal.certificates.queries import batches as found_in
from portal.certificates.rules import State
from portal.certificates.rules.batches import Act, BatchKind
from portal.certificates.service import batches
from portal.cohorts.models import Cohort
from portal.core import clock, jobs
from portal.core.db import session
from portal.core.jobs import JobState
from portal.core.transaction import own_transaction
from portal.operations import doctor
from tests.builders import Cast, make_grant, make_person
from tests.certificates.builders import issue
from tests.certificates.test_batches import (
    REASON,
    SLUG,
    act,
    carry_out,
    cohort,
    held,
    let_in,
    many,
    quick,
    stopped_after,
)
from tests.certificates.test_batches import ask as asked_for
from tests.queries import counted_queries
from tests.training import builders as training

__all__ = ["cohort", "quick"]
BOTH = pytest.mark.parametrize("language", ["en", "ja"])
CODE = "jp-2026-04"


def fields(page: Any) -> dict[str, str]:
    """Return what the form under the list says without being touched."""
    found = {}
    for each in page.all("input", type="hidden"):
        found[each.get("name", "")] = each.get("value", "")
    return found


def ask(browser: Any, kind: str, *, expect: int = 303, reason: str = "", **values: str) -> Any:
    """Look at the list as a reader does, and press the button under it."""
    page = browser.get("certificates.new_batch", cohort=CODE, kind=kind, **values)
    return browser.post(
        "certificates.begin_batch",
        data={"cohort": CODE, "kind": kind, "seen": fields(page)["seen"], "reason": reason, **values},
        expect=expect,
    )


def the_batch() -> CertificateBatch:
    session.expire_all()
    return session.query(CertificateBatch).order_by(CertificateBatch.id.desc()).first()  # type: ignore[return-value]


@BOTH
def test_a_lead_reads_the_list_lets_it_be_done_and_reads_what_came_of_it(
    cohort: Cohort, cast: Cast, as_: Any, language: str
) -> None:
    many(cohort, cast.admin, 2)
    let_in(cohort, cast.admin, make_person("z@portal.example", family_kana="ン"), done=False)
    lead = as_(cast.lead, language=language)
    page = lead.get("certificates.new_batch", cohort=CODE, kind="issue")
    said = {
        "en": ("2 certificates will be issued.", "1 line is left out", "The training plan is not completed yet."),
        "ja": ("2件の修了証を発行します。", "1行は対象外です。", "研修計画はまだ修了していません。"),
    }
    for words in said[language]:
        assert words in page.text
    assert session.query(Certificate).count() == 0
    lead.follow(ask(lead, "issue"))
    batch = the_batch()
    page = lead.get("certificates.batch", code=batch.code)
    (bar,) = page.all("progress")
    assert (bar.get("value"), bar.get("max")) == ("0", "2")
    assert {"en": "Load again", "ja": "読み込み直す"}[language] in page.text
    carry_out(batch)
    page = lead.get("certificates.batch", code=batch.code)
    for certificate in session.query(Certificate):
        assert f"/certificates/{certificate.number}" in page.links()
    assert {"en": "Left out", "ja": "対象外"}[language] in page.text
    assert page.all("progress")[0].get("value") == "2"
    listed = lead.get("certificates.list_batches")
    assert f"/certificates/batches/{batch.code}" in listed.links()


def test_the_bar_is_moved_on_without_loading_the_page(cohort: Cohort, cast: Cast, as_: Any) -> None:
    many(cohort, cast.admin, 3)
    batch = asked_for(BatchKind.ISSUE, cohort, cast.lead)
    lead = as_(cast.lead)
    assert lead.fetch("certificates.batch_progress", code=batch.code).json == {"state": "queued", "done": 0, "total": 3}
    stopped_after(batch, 2, cast.lead)
    assert lead.fetch("certificates.batch_progress", code=batch.code).json == {"state": "paused", "done": 2, "total": 3}


@BOTH
def test_a_batch_whose_worker_is_gone_does_not_say_that_it_runs(
    cohort: Cohort, cast: Cast, as_: Any, language: str
) -> None:
    many(cohort, cast.admin, 2)
    batch = asked_for(BatchKind.ISSUE, cohort, cast.lead)
    with own_transaction():
        work = batches.find_job(found_in.get_batch(batch.code))
        assert work is not None
        work.state, work.attempts, work.started_at = JobState.RUNNING, 1, clock.now()
        work.touched_at = clock.now() - jobs.LEASE - timedelta(seconds=1)
    lead = as_(cast.lead, language=language)
    page = lead.get("certificates.batch", code=batch.code)
    for words in {
        "en": ("Interrupted", "The worker has been silent since", "It goes on by itself"),
        "ja": ("中断中", "ワーカーの応答がありません", "自動的に再開します"),
    }[language]:
        assert words in page.text
    # Whoever waits for it goes on looking, and it can be cancelled meanwhile.
    assert page.all("div", **{"data-module": "follow-work"})
    lead.follow(lead.post("certificates.cancel_batch", code=batch.code, data={}))


@pytest.mark.parametrize("kind", ["issue", "revoke"])
@BOTH
def test_namesakes_are_told_apart_by_their_other_name_and_what_is_theirs_alone(
    cohort: Cohort, cast: Cast, as_: Any, kind: str, language: str
) -> None:
    names = {"family_name": "佐藤", "given_name": "葵", "family_kana": "サトウ", "given_kana": "アオイ"}
    romanised = {"family_romaji": "Sato", "given_romaji": "Aoi"}
    first = make_person("aoi@portal.example", **names, **romanised, employee_number="E-1")
    second = make_person("sato.aoi@portal.example", **names, **romanised)
    other = make_person("only@portal.example")
    for enrollment in let_in(cohort, cast.admin, first, second, other):
        if kind == "revoke":
            issue(enrollment.person, code=enrollment.code)
    admin = as_(cast.admin, language=language)
    page = admin.get("certificates.new_batch", cohort=CODE, kind=kind)
    batch = asked_for(BatchKind(kind), cohort, cast.admin, reason=REASON if kind == "revoke" else None)
    told = {"en": "佐藤 葵", "ja": "Aoi Sato"}[language]
    for shown in (page, admin.get("certificates.batch", code=batch.code)):
        assert f"{told} · E-1" in shown.text
        assert f"{told} · sato.aoi@portal.example" in shown.text
        assert "only@portal.example" not in shown.text


def test_a_long_batch_is_shown_in_pages(cohort: Cohort, cast: Cast, as_: Any) -> None:
    many(cohort, cast.admin, 30)
    batch = asked_for(BatchKind.ISSUE, cohort, cast.lead)
    lead = as_(cast.lead)
    first = lead.get("certificates.batch", code=batch.code)
    second = lead.get("certificates.batch", code=batch.code, page=2)
    assert [len(page.all("th", scope="row")) for page in (first, second)] == [25, 5]


@BOTH
def test_it_is_cancelled_and_goes_on_from_its_page(cohort: Cohort, cast: Cast, as_: Any, language: str) -> None:
    many(cohort, cast.admin, 2)
    lead = as_(cast.lead, language=language)
    batch = asked_for(BatchKind.ISSUE, cohort, cast.lead)
    page = lead.follow(lead.post("certificates.cancel_batch", code=batch.code, data={}))
    assert {"en": "It was cancelled.", "ja": "中止しました。"}[language] in page.text
    # Somebody else's click, a moment later.
    refused = lead.post("certificates.cancel_batch", code=batch.code, data={}, expect=409)
    assert {"en": "no longer under way", "ja": "すでに進行中ではありません"}[language] in refused.text
    lead.follow(lead.post("certificates.go_on_with_batch", code=batch.code, data={}))
    carry_out(batch)
    page = lead.get("certificates.batch", code=batch.code)
    for words in {"en": ("Cancelled", "Taken up again", "Finished"), "ja": ("中止", "再開", "完了")}[language]:
        assert words in page.text


@BOTH
def test_an_archive_is_downloaded_whole(cohort: Cohort, cast: Cast, as_: Any, quick: list[Any], language: str) -> None:
    certificates = held(cohort, cast.admin, 2)
    lead = as_(cast.lead, language=language)
    lead.follow(ask(lead, "zip", languages="both"))
    batch = the_batch()
    waits = lead.post("certificates.take_batch", code=batch.code, data={}, expect=409)
    assert {"en": "The file is not ready.", "ja": "ファイルはまだ準備できていません。"}[language] in waits.text
    carry_out(batch)
    assert {"en": "Download the archive", "ja": "アーカイブをダウンロード"}[language] in lead.get(
        "certificates.batch", code=batch.code
    ).text
    response = lead.send("POST", f"/certificates/batches/{batch.code}/file", data={"csrf_token": lead.token()})
    assert response.status_code == 200
    assert response.mimetype == "application/zip"
    assert response.headers["Cache-Control"] == "private, no-store"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert int(response.headers["Content-Length"]) == len(response.data)
    assert f"{batch.code.lower()}.zip" in response.headers["Content-Disposition"]
    with zipfile.ZipFile(BytesIO(response.data)) as archive:
        assert archive.testzip() is None
        assert {name for name in archive.namelist() if name.endswith(".pdf")} == {
            f"certificate-{each.number}-{tag}.pdf" for each in certificates for tag in ("en", "ja")
        }


@BOTH
def test_a_print_file_says_that_it_proves_nothing_and_until_when_it_is_kept(
    cohort: Cohort, cast: Cast, as_: Any, quick: list[Any], language: str
) -> None:
    held(cohort, cast.admin, 1)
    batch = carry_out(asked_for(BatchKind.PRINT, cohort, cast.lead))
    lead = as_(cast.lead, language=language)
    page = lead.get("certificates.batch", code=batch.code)
    assert {"en": "the file proves nothing", "ja": "このファイルは証明になりません"}[language] in page.text
    assert {"en": "It is kept until", "ja": "まで保存されます。"}[language] in page.text
    response = lead.send("POST", f"/certificates/batches/{batch.code}/file", data={"csrf_token": lead.token()})
    assert response.data.startswith(b"%PDF-")
    assert response.mimetype == "application/pdf"


@BOTH
def test_a_second_administrator_confirms_revocations_where_she_looks_each_day(
    cohort: Cohort, cast: Cast, as_: Any, language: str
) -> None:
    second = make_person("second@portal.example", language=language)
    make_grant(second, Role.ADMIN)
    (certificate,) = held(cohort, cast.admin, 1)
    admin = as_(cast.admin, language=language)
    missing = ask(admin, "revoke", expect=400, reason="short")
    assert {"en": "at least ten characters", "ja": "10文字以上"}[language] in missing.text
    assert "short" in missing.text
    admin.follow(ask(admin, "revoke", reason=REASON))
    batch = the_batch()
    page = admin.get("certificates.batch", code=batch.code)
    confirming = f"/certificates/batches/{batch.code}/confirm"
    assert confirming not in {each.get("action") for each in page.all("form")}
    refused = admin.post("certificates.confirm_batch", code=batch.code, data={}, expect=409)
    assert {"en": "Another administrator must confirm it", "ja": "別の管理者が承認してください"}[
        language
    ] in refused.text
    other = as_(second, language=language)
    assert f"/certificates/batches/{batch.code}" in other.get("training.today").links()
    page = other.get("certificates.batch", code=batch.code)
    assert REASON in page.text
    assert confirming in {each.get("action") for each in page.all("form")}
    other.follow(other.post("certificates.confirm_batch", code=batch.code, data={}))
    carry_out(batch)
    assert service.state_of(queries.get_certificate(certificate.number)) is State.REVOKED
    assert f"/certificates/batches/{batch.code}" not in other.get("training.today").links()


def test_whoever_asked_for_revocations_takes_them_back(cohort: Cohort, cast: Cast, as_: Any) -> None:
    held(cohort, cast.admin, 1)
    batch = asked_for(BatchKind.REVOKE, cohort, cast.admin, reason=REASON)
    admin = as_(cast.admin)
    admin.follow(admin.post("certificates.decline_batch", code=batch.code, data={}))
    assert [each.act for each in the_batch().acts] == [Act.TAKEN_BACK]


def test_what_was_entered_stays_when_the_list_has_changed(cohort: Cohort, cast: Cast, as_: Any) -> None:
    held(cohort, cast.admin, 1)
    admin = as_(cast.admin)
    page = admin.get("certificates.new_batch", cohort=CODE, kind="revoke", credential=SLUG)
    let_in(cohort, cast.admin, make_person("late@portal.example"))
    data = {"cohort": CODE, "kind": "revoke", "credential": SLUG, "seen": fields(page)["seen"], "reason": REASON}
    refused = admin.post("certificates.begin_batch", data=data, expect=409)
    assert "The list has changed since it was shown." in refused.text
    assert REASON in refused.text
    again = data | {"seen": fields(refused)["seen"]}
    admin.follow(admin.post("certificates.begin_batch", data=again))
    assert the_batch().reason == REASON


@pytest.mark.parametrize(
    "values",
    [
        {"cohort": "", "kind": "issue"},
        {"cohort": "no-such", "kind": "issue"},
        {"cohort": CODE, "kind": "burn"},
        {"cohort": CODE, "kind": "issue", "credential": "no-such"},
        {"cohort": CODE, "kind": "zip", "languages": "fr"},
    ],
)
@BOTH
def test_a_choice_that_is_none_is_told_beside_its_field(
    cohort: Cohort, cast: Cast, as_: Any, values: dict[str, str], language: str
) -> None:
    page = as_(cast.lead, language=language).get("certificates.new_batch", expect=400, **values)
    assert page.all("div", **{"class": "error-summary"})


@BOTH
def test_an_empty_list_says_why_of_everybody(cohort: Cohort, cast: Cast, as_: Any, language: str) -> None:
    lead = as_(cast.lead, language=language)
    page = lead.get("certificates.new_batch", cohort=CODE, kind="issue")
    assert {"en": "Nobody is in this cohort", "ja": "この受講グループにはメンバーがいません"}[language] in page.text
    let_in(cohort, cast.admin, make_person(), done=False)
    page = lead.get("certificates.new_batch", cohort=CODE, kind="issue")
    assert {"en": "There is nothing to do", "ja": "対象となる人はいません"}[language] in page.text
    assert "seen" not in fields(page)


# --- Who sees what -------------------------------------------------------------------------------------------------


def test_a_lead_makes_batches_of_her_own_cohorts_only_and_never_revokes(cohort: Cohort, cast: Cast, as_: Any) -> None:
    held(cohort, cast.admin, 1)
    abroad = make_person("abroad@portal.example")
    make_grant(abroad, Role.LEAD, Scope.TEAM, "payments-safety")
    assert CODE not in as_(abroad).get("certificates.new_batch").text
    as_(abroad).get("certificates.new_batch", cohort=CODE, kind="zip", expect=400)
    lead = as_(cast.lead)
    page = lead.get("certificates.new_batch")
    assert [each.get("value") for each in page.all("input", name="kind")] == ["issue", "renew", "zip", "print"]
    lead.get("certificates.new_batch", cohort=CODE, kind="revoke", expect=400)
    data = {"cohort": CODE, "kind": "revoke", "seen": "", "reason": REASON}
    lead.post("certificates.begin_batch", data=data, expect=400)
    assert session.query(CertificateBatch).count() == 0


def test_a_batch_is_seen_by_whoever_made_it_by_administrators_and_by_auditors(
    cohort: Cohort, cast: Cast, as_: Any
) -> None:
    held(cohort, cast.admin, 1)
    auditor, beside = make_person("auditor@portal.example"), make_person("beside@portal.example")
    make_grant(auditor, Role.AUDITOR)
    make_grant(beside, Role.LEAD, Scope.COHORT, CODE)
    batch = asked_for(BatchKind.ZIP, cohort, cast.lead)
    for person, expect in ((cast.lead, 200), (cast.admin, 200), (auditor, 200), (beside, 404), (cast.learner, 404)):
        assert as_(person).fetch("certificates.batch", code=batch.code).status_code == expect
        assert as_(person).fetch("certificates.batch_progress", code=batch.code).status_code == expect
    assert f"/certificates/batches/{batch.code}" not in as_(beside).get("certificates.list_batches").links()
    assert f"/certificates/batches/{batch.code}" in as_(auditor).get("certificates.list_batches").links()
    # An auditor reads and takes files; she stops nobody.
    as_(auditor).post("certificates.cancel_batch", code=batch.code, data={}, expect=403)
    as_(beside).post("certificates.cancel_batch", code=batch.code, data={}, expect=404)


def test_who_leads_the_cohort_no_more_sees_her_batch_no_more(cohort: Cohort, cast: Cast, as_: Any) -> None:
    held(cohort, cast.admin, 1)
    once = make_person("once@portal.example")
    grant = make_grant(once, Role.LEAD, Scope.COHORT, CODE)
    batch = asked_for(BatchKind.ZIP, cohort, once)
    assert as_(once).fetch("certificates.batch", code=batch.code).status_code == 200
    session.delete(session.merge(grant))
    session.commit()
    assert as_(once).fetch("certificates.batch", code=batch.code).status_code == 404


def test_the_ways_in_are_where_certificates_are_spoken_of(cohort: Cohort, cast: Cast, as_: Any) -> None:
    training.load_holidays()
    held(cohort, cast.admin, 1)
    lead = as_(cast.lead)
    assert f"/certificates/batches/new?cohort={CODE}" in lead.get("reports.cohort", code=CODE).links()
    assert f"/certificates/batches/new?credential={SLUG}" in lead.get("certificates.credential", slug=SLUG).links()
    assert f"/certificates/batches/new?credential={SLUG}" in lead.get("reports.credential_coverage").links()
    assert "/certificates/batches" in lead.get("certificates.list_credentials").links()
    # Who writes credentials, and leads nobody.
    assert not [
        link for link in as_(cast.author).get("certificates.credential", slug=SLUG).links() if "/batches" in link
    ]


def _statements(browser: Any, endpoint: str, **values: Any) -> int:
    for _visit in range(2):
        session.expire_all()
        with counted_queries() as statements:
            browser.get(endpoint, **values)
    return len(statements)


def test_a_page_takes_as_many_statements_for_twelve_as_for_three(
    cohort: Cohort, cast: Cast, as_: Any, quick: list[Any]
) -> None:
    lead, counts = as_(cast.lead), []
    held(cohort, cast.admin, 3)
    for size in (3, 12):
        let_in(cohort, cast.admin, *[make_person(f"q{size}{n}@portal.example") for n in range(size)])
        batch = carry_out(asked_for(BatchKind.ISSUE, cohort, cast.lead))
        counts.append(
            (
                _statements(lead, "certificates.new_batch", cohort=CODE, kind="zip"),
                _statements(lead, "certificates.batch", code=batch.code),
                _statements(lead, "certificates.list_batches"),
            )
        )
    assert counts[0] == counts[1]
    assert all(number <= bound for number, bound in zip(counts[0], (24, 14, 14), strict=True)), counts


def test_the_jobs_page_says_what_it_is_to_those_who_may_know(cohort: Cohort, cast: Cast, as_: Any) -> None:
    many(cohort, cast.admin, 1)
    batch = asked_for(BatchKind.ISSUE, cohort, cast.lead)
    page = as_(cast.admin, language="en").get("organisation.list_jobs")
    assert "Issue the certificates of a cohort" in page.text
    assert f"/certificates/batches/{batch.code}" in page.links()


def test_the_journal_tells_of_each_step(cohort: Cohort, cast: Cast, as_: Any, quick: list[Any]) -> None:
    held(cohort, cast.admin, 1)
    batch = asked_for(BatchKind.ZIP, cohort, cast.lead)
    act(batches.cancel, batch, cast.lead)
    act(batches.go_on, batch, cast.lead)
    carry_out(batch)
    lead = as_(cast.lead)
    lead.send("POST", f"/certificates/batches/{batch.code}/file", data={"csrf_token": lead.token()})
    page = as_(cast.admin, language="en").get("journal.list_entries")
    for words in ("asked for", "cancelled", "taken up again", "finished"):
        assert f"Batch of certificates {words}" in page.text
    assert "File of a batch of certificates downloaded" in page.text


def test_a_job_that_an_administrator_cancels_elsewhere_goes_on_from_the_page(
    cohort: Cohort, cast: Cast, as_: Any
) -> None:
    many(cohort, cast.admin, 1)
    batch = asked_for(BatchKind.ISSUE, cohort, cast.lead)
    work = batches.find_job(found_in.get_batch(batch.code))
    assert work is not None
    jobs.cancel(work)
    session.commit()
    lead = as_(cast.lead)
    lead.follow(lead.post("certificates.go_on_with_batch", code=batch.code, data={}))
    carry_out(batch)
    assert session.query(Certificate).count() == 1


@BOTH
def test_a_batch_with_refusals_does_not_end_as_simply_done(
    cohort: Cohort, cast: Cast, as_: Any, quick: list[Any], monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    held(cohort, cast.admin, 2)
    monkeypatch.setattr("portal.certificates.handlers.print_signed", _cannot)
    batch = carry_out(asked_for(BatchKind.ZIP, cohort, cast.lead))
    lead = as_(cast.lead, language=language)
    for page in (lead.get("certificates.batch", code=batch.code), lead.get("certificates.list_batches")):
        assert {"en": "Done, with 2 refused", "ja": "完了（2件は拒否）"}[language] in page.text
    page = lead.get("certificates.batch", code=batch.code)
    assert page.all("span", class_="status--soon")


def _cannot(*_arguments: Any, **_values: Any) -> None:
    raise OSError("no font")


def test_who_issues_is_warned_where_the_address_on_certificates_leads_nowhere(
    app: Flask, cast: Cast, as_: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = as_(cast.admin, language="en")
    pages = ("certificates.list_credentials", "certificates.new_batch")
    for page in pages:
        assert "works on this machine only" not in admin.get(page).text
    assert doctor.notes() == []
    for address in ("http://127.0.0.1:5000", "http://localhost:5000", "http://[::1]:5000", "http://0.0.0.0:5000"):
        monkeypatch.setitem(app.config, "PUBLIC_URL", address)
        assert address in doctor.notes()[0]
    for page in pages:
        assert "works on this machine only" in admin.get(page).text
    # Who cannot change the address is not troubled with it.
    assert "works on this machine only" not in as_(cast.lead, language="en").get(pages[0]).text

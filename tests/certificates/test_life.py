"""Renewal opens a cycle and deletes nothing; a refresher renews and nothing else; terms are versions."""

from __future__ import annotations

from datetime import UTC, date, datetime
from hashlib import sha256

import pytest
from flask import Flask
from sqlalchemy.exc import IntegrityError

from portal.certificates import queries, service
from portal.certificates.content import CredentialsPart
from portal.certificates.errors import (
    AlreadyExpired,
    AlreadyRequested,
    CredentialSuperseded,
    NeverExpires,
    NotARefresher,
    NotCompleted,
    NothingToRenew,
    SameNames,
    SupersedesItself,
    TermsMoved,
    TermsUnchanged,
    TooManyShares,
    UnknownPlaceholder,
    WindowTooLong,
)
from portal.certificates.invariants import INVARIANTS, cycles_follow_one_another
from portal.certificates.models import Certificate
from portal.certificates.queries import reissues as requests
from portal.certificates.queries import renewals
from portal.certificates.rules import State
from portal.certificates.service import credentials, reissues, shares
from portal.certificates.service.credentials import Wanted
from portal.core import clock
from portal.core.db import canonical_json, session
from portal.core.i18n import Words
from portal.core.transaction import own_transaction
from portal.journal.queries import list_entries_about
from tests.builders import Cast, make_person
from tests.certificates.builders import (
    issue,
    make_author,
    make_credential,
    make_enrollment,
    make_plan,
    make_spec,
    renew,
    told_at_once,
)

SLUG = "impersonation-reviewer"
REFRESHER = "refresher"
# Issued on 15 April 2026, its last day is 15 April 2027.
ISSUED = datetime(2026, 4, 15, 3, tzinfo=UTC)
LIFE = {"renewal_window_days": 60, "grace_days": 30, "renewal_plan_slug": REFRESHER}


def sound() -> list[str]:
    return [breach for check in INVARIANTS.values() for breach in check()]


def first(person: object, **life: object) -> Certificate:
    make_credential(**(LIFE | life))
    return renew(person, ISSUED)  # type: ignore[arg-type]


def at(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 3, tzinfo=UTC)


def state_at(certificate: Certificate, day: date) -> State:
    session.expire_all()
    return certificate.state(day, at(day))


# --- Cycles ----------------------------------------------------------------------------------------


def test_a_renewal_within_the_window_counts_from_the_former_last_day_and_names_what_it_renews(cast: Cast) -> None:
    former = first(cast.learner)
    fresh = renew(cast.learner, at(date(2027, 3, 1)), plan=REFRESHER)
    assert (former.cycle_no, former.renews_id) == (1, None)
    assert (fresh.cycle_no, fresh.renews_id) == (2, former.id)
    assert (fresh.issued_on, fresh.expires_on) == (date(2027, 3, 1), date(2028, 4, 15))
    assert fresh.snapshot["format"] == 3
    assert fresh.snapshot["cycle"] == {"number": 2, "renews": former.number}
    assert state_at(former, date(2027, 3, 1)) is State.RENEWED
    assert state_at(fresh, date(2027, 3, 1)) is State.VALID
    assert queries.get_certificate(former.number).snapshot["cycle"] == {"number": 1, "renews": None}
    assert sound() == []


@pytest.mark.parametrize(
    ("day", "until"),
    [
        # A day before the window, its first day, its last day, the first day after it, the last of the grace.
        (date(2027, 2, 13), date(2028, 2, 13)),
        (date(2027, 2, 14), date(2028, 4, 15)),
        (date(2027, 4, 15), date(2028, 4, 15)),
        (date(2027, 4, 16), date(2028, 4, 16)),
        (date(2027, 5, 15), date(2028, 5, 15)),
    ],
)
def test_the_window_decides_from_which_day_a_renewal_counts(cast: Cast, day: date, until: date) -> None:
    first(cast.learner)
    assert renew(cast.learner, at(day), plan=REFRESHER).expires_on == until


def test_a_refresher_earns_nothing_where_there_is_nothing_to_renew(cast: Cast) -> None:
    make_credential(**LIFE)
    with pytest.raises(NothingToRenew):
        renew(cast.learner, ISSUED, plan=REFRESHER)
    late = first(cast.colleague)
    with pytest.raises(NothingToRenew):
        renew(cast.colleague, at(date(2027, 5, 16)), plan=REFRESHER)
    assert state_at(late, date(2027, 5, 16)) is State.EXPIRED
    # Nobody is owed it either: the doctor and the command pass it by.
    assert queries.list_owed() == []
    assert sound() == []
    # The full plan earns it again, in a cycle of its own that continues the former one.
    again = renew(cast.colleague, at(date(2027, 6, 1)))
    assert (again.cycle_no, again.renews_id, again.expires_on) == (2, late.id, date(2028, 6, 1))


def test_a_completed_refresher_without_anything_to_renew_is_told_in_the_journal(cast: Cast) -> None:
    make_credential(**LIFE)
    enrollment = make_enrollment(cast.learner, plan=REFRESHER)
    with own_transaction():
        assert service.issue_for_completion(enrollment) is None
    (entry,) = list_entries_about("enrollment", enrollment.code)
    assert entry.action == "certificates.not_issued"
    assert "only renews" in (entry.reason or "")


@pytest.mark.parametrize("kind", ["suspended", "revoked"])
def test_what_was_taken_away_cannot_be_renewed_by_a_refresher(cast: Cast, kind: str) -> None:
    former = first(cast.learner)
    with own_transaction():
        if kind == "suspended":
            service.suspend(certificate=former, reason="Looked into for now.", by=cast.admin)
        else:
            service.revoke(certificate=former, requested_by=cast.admin, confirmed_by=cast.lead, reason="It was copied.")
    with pytest.raises(NothingToRenew):
        renew(cast.learner, at(date(2027, 3, 1)), plan=REFRESHER)
    fresh = renew(cast.learner, at(date(2027, 3, 1)))
    # The full plan earns a new one that follows nothing: it counts from its own day.
    assert (fresh.cycle_no, fresh.renews_id, fresh.expires_on) == (2, None, date(2028, 3, 1))
    former = queries.get_certificate(former.number)
    with clock.frozen(at(date(2027, 3, 2))):
        assert service.state_of(former).value == kind


def test_a_completion_in_time_that_is_issued_late_loses_nothing(cast: Cast) -> None:
    first(cast.learner)
    enrollment = make_enrollment(cast.learner, plan=REFRESHER, completed_at=at(date(2027, 4, 14)))
    ((owed, credential),) = queries.list_owed()
    assert owed.code == enrollment.code
    with clock.frozen(at(date(2027, 6, 1))), own_transaction():
        fresh = service.issue_certificate(credential=credential, enrollment=owed)
    # It could be renewed when the refresher was completed, and is although it has expired for long since.
    assert (fresh.cycle_no, fresh.expires_on) == (2, date(2028, 6, 1))


def test_a_reissue_stays_in_its_cycle_and_keeps_its_last_day(cast: Cast) -> None:
    former = first(cast.learner)
    second = renew(cast.learner, at(date(2027, 3, 1)), plan=REFRESHER)
    with clock.frozen(at(date(2027, 3, 2))), own_transaction():
        fresh = service.reissue_certificate(certificate=second, reason="A new family name.", by=cast.admin)
    assert (fresh.cycle_no, fresh.renews_id, fresh.expires_on) == (2, former.id, second.expires_on)
    assert state_at(second, date(2027, 3, 2)) is State.SUPERSEDED
    assert state_at(former, date(2027, 3, 2)) is State.RENEWED
    chain = renewals.list_chain(fresh)
    assert [each.number for each in chain] == [fresh.number, second.number, former.number]
    assert list(renewals.number_cycles(chain).values()) == [1, 2, 2]
    assert sound() == []


def test_an_expired_certificate_is_renewed_and_not_issued_anew(cast: Cast) -> None:
    former = first(cast.learner)
    with clock.frozen(at(date(2027, 4, 20))), pytest.raises(AlreadyExpired), own_transaction():
        service.reissue_certificate(certificate=former, reason="A new family name.", by=cast.admin)


def test_the_database_refuses_two_issues_of_one_number_in_a_cycle(cast: Cast) -> None:
    first(cast.learner)
    second = renew(cast.learner, at(date(2027, 3, 1)), plan=REFRESHER)
    table = Certificate.__table__
    statement = table.update().where(table.c.id == second.id).values(cycle_no=1, renews_id=None)
    session.remove()
    with pytest.raises(IntegrityError), own_transaction():
        session.execute(statement)


@pytest.mark.parametrize(
    ("values", "said"),
    [({"cycle_no": 3}, "is of cycle 2"), ({"renews_id": 3}, "no earlier cycle of its holder")],
)
def test_the_doctor_counts_cycles_again(cast: Cast, values: dict[str, int], said: str) -> None:
    first(cast.learner)
    second = renew(cast.learner, at(date(2027, 3, 1)), plan=REFRESHER)
    renew(cast.colleague, ISSUED)
    assert cycles_follow_one_another() == []
    table = Certificate.__table__
    session.execute(table.update().where(table.c.id == second.id).values(**values))
    assert [each for each in cycles_follow_one_another() if said in each]
    session.rollback()


def test_somebody_deactivated_meanwhile_is_issued_nothing_though_it_was_read_before(cast: Cast) -> None:
    make_credential(**LIFE)
    enrollment = make_enrollment(cast.learner)
    assert enrollment.person.is_active
    with pytest.raises(NotCompleted), own_transaction():  # noqa: PT012
        session.execute(
            type(cast.learner)
            .__table__.update()
            .where(type(cast.learner).id == cast.learner.id)
            .values(deactivated_at=clock.now(), deactivated_by="test")
        )
        service.issue_certificate(credential=queries.get_credential(SLUG), enrollment=enrollment)


def test_an_event_about_a_completion_that_was_renewed_since_issues_nothing_again(cast: Cast) -> None:
    former = first(cast.learner)
    renew(cast.learner, at(date(2027, 3, 1)), plan=REFRESHER)
    with own_transaction():
        again = service.issue_certificate(credential=queries.get_credential(SLUG), enrollment=former.enrollment)
    assert again.number == former.number
    assert len(queries.list_certificates_of(cast.learner.id)) == 2


@pytest.mark.races
def test_parallel_renewals_of_one_person_open_a_cycle_each_and_one_stands(app: Flask) -> None:
    make_credential(**LIFE)
    person = make_person()
    renew(person, ISSUED)
    # Two plans completed at the same moment, each told three times.
    work = [make_enrollment(person, plan=plan, completed_at=clock.now()).code for plan in (REFRESHER, "whole")] * 3
    assert told_at_once(app, SLUG, work) == []
    found = session.query(Certificate).order_by(Certificate.id).all()
    assert [each.cycle_no for each in found] == [1, 2, 3]
    assert [each.renews_id for each in found] == [None, found[0].id, found[1].id]
    assert [each.replaced_at is None for each in found] == [False, False, True]
    assert sound() == []


# --- Terms -----------------------------------------------------------------------------------------


def test_the_hashes_of_versions_from_before_hold() -> None:
    plain = make_spec()
    said = {
        name: getattr(plain, name)
        for name in (
            "title", "statement", "validity_months", "design", "honorific", "seal", "number_format",
            "signatory_name", "signatory_title",
        )
    }  # fmt: skip
    said |= {name: {"en": value.en, "ja": value.ja} for name, value in said.items() if isinstance(value, Words)}
    assert plain.hash() == sha256(canonical_json(said).encode()).hexdigest()
    assert make_spec(grace_days=30).hash() != plain.hash()
    assert make_spec(validity_months=None).hash() != plain.hash()


def wanted(**values: object) -> Wanted:
    spec = make_spec()
    return Wanted(**({"title": spec.title, "statement": spec.statement, "validity_months": 12} | values))  # type: ignore[arg-type]


def test_terms_are_changed_by_a_version_and_certificates_keep_theirs(cast: Cast) -> None:
    former = first(cast.learner)
    with own_transaction():
        version = credentials.change_terms(
            credential=queries.get_credential(SLUG),
            wanted=wanted(validity_months=6, renewal_window_days=14),
            seen="1.0",
            by=cast.admin,
        )
    assert version.number == "1.1"
    assert state_at(former, date(2027, 3, 1)) is State.EXPIRING
    assert state_at(former, date(2027, 4, 20)) is State.IN_GRACE
    (entry,) = [each for each in list_entries_about("credential", SLUG) if each.action == "certificates.terms_changed"]
    assert (entry.before or {})["grace_days"] == 30
    assert (entry.after or {})["validity_months"] == 6


@pytest.mark.parametrize(
    ("values", "refusal"),
    [
        ({}, TermsUnchanged),
        ({"validity_months": None, "grace_days": 30}, NeverExpires),
        ({"validity_months": 1, "renewal_window_days": 28}, WindowTooLong),
        ({"renewal_plan_slug": "nothing"}, NotARefresher),
        ({"superseded_by_slug": SLUG}, SupersedesItself),
        ({"superseded_by_slug": "nothing"}, SupersedesItself),
        ({"statement": Words("for {name}", "{plan}")}, UnknownPlaceholder),
    ],
)
def test_terms_that_cannot_hold_are_refused(cast: Cast, values: dict[str, object], refusal: type[Exception]) -> None:
    make_credential()
    with pytest.raises(refusal), own_transaction():
        credentials.change_terms(
            credential=queries.get_credential(SLUG), wanted=wanted(**values), seen="1.0", by=cast.admin
        )


def test_whoever_saves_over_a_version_that_she_has_not_read_is_refused(cast: Cast) -> None:
    make_credential()
    with own_transaction():
        credentials.change_terms(
            credential=queries.get_credential(SLUG), wanted=wanted(grace_days=30), seen="1.0", by=cast.admin
        )
    with pytest.raises(TermsMoved), own_transaction():
        credentials.change_terms(
            credential=queries.get_credential(SLUG), wanted=wanted(grace_days=60), seen="1.0", by=cast.admin
        )


def test_a_credential_whose_place_another_took_is_neither_issued_nor_owed(cast: Cast) -> None:
    former = first(cast.learner)
    make_credential("new-one", title=Words("New", "新"))
    with own_transaction():
        credentials.change_terms(
            credential=queries.get_credential(SLUG),
            wanted=wanted(superseded_by_slug="new-one"),
            seen="1.0",
            by=cast.admin,
        )
    with pytest.raises(CredentialSuperseded, match="New"):
        renew(cast.learner, at(date(2027, 3, 1)))
    assert queries.list_owed() == []
    assert sound() == []
    assert state_at(former, date(2027, 2, 1)) is State.VALID
    with pytest.raises(SupersedesItself), own_transaction():
        credentials.change_terms(
            credential=queries.get_credential("new-one"),
            wanted=wanted(superseded_by_slug=SLUG),
            seen="1.0",
            by=cast.admin,
        )


def test_a_version_published_while_an_issue_waits_is_the_one_that_counts(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_credential()
    enrollment = make_enrollment(cast.learner)
    lock, late = service._lock_series, []

    def slow(series: str) -> None:
        lock(series)
        if not late:
            late.append(series)
            service.publish_version(slug=SLUG, number="1.1", spec=make_spec(validity_months=3), by=make_author())

    monkeypatch.setattr(service, "_lock_series", slow)
    with own_transaction():
        found = service.issue_certificate(credential=queries.get_credential(SLUG), enrollment=enrollment)
    assert found.credential_version.number == "1.1"


# --- Files -----------------------------------------------------------------------------------------


def test_what_a_file_says_of_renewal_comes_back_in_the_same_bytes(cast: Cast) -> None:
    make_plan(SLUG, REFRESHER)
    make_credential(**LIFE)
    (file,) = CredentialsPart().dump()
    assert 'renewal_plan = "refresher"' in file.text
    assert "renewal_window_days = 60" in file.text
    assert CredentialsPart().canonical(file) == file.text


# --- Links and names -------------------------------------------------------------------------------


def test_a_link_shows_the_certificate_until_it_is_withdrawn_and_is_kept_only_as_a_hash(cast: Cast) -> None:
    certificate = issue(cast.learner)
    with own_transaction():
        token = shares.share(certificate=certificate, label="人事", by=cast.learner)
    shown, last = shares.open_share(token)
    assert (shown.id, last) == (certificate.id, None)
    (made,) = shares.shares.list_open(certificate.id)
    assert made.token_hash == sha256(token.encode()).hexdigest()
    with own_transaction():
        shares.withdraw(found=made, by=cast.learner)
        shares.withdraw(found=made, by=cast.learner)
    with pytest.raises(shares.NoSuchShare):
        shares.open_share(token)
    actions = [entry.action for entry in list_entries_about("certificate", certificate.number)]
    assert actions.count("certificates.share_withdrawn") == 1
    assert not any(
        token in canonical_json(entry.after or {}) for entry in list_entries_about("certificate", certificate.number)
    )


def test_not_more_than_ten_links_are_open_at_once(cast: Cast) -> None:
    certificate = issue(cast.learner)
    with own_transaction():
        for _ in range(shares.MOST):
            shares.share(certificate=certificate, label="", by=cast.learner)
    with pytest.raises(TooManyShares), own_transaction():
        shares.share(certificate=certificate, label="", by=cast.learner)


def test_a_new_name_is_asked_by_the_holder_and_issued_by_an_administrator(cast: Cast) -> None:
    certificate = issue(cast.learner)
    with pytest.raises(SameNames), own_transaction():
        reissues.ask(certificate=certificate, reason="結婚により姓が変わりました。", by=cast.learner)
    with own_transaction():
        cast.learner.family_name = "佐々木"
        reissues.ask(certificate=certificate, reason="結婚により姓が変わりました。", by=cast.learner)
    with pytest.raises(AlreadyRequested), own_transaction():
        reissues.ask(certificate=certificate, reason="結婚により姓が変わりました。", by=cast.learner)
    assert [each.number for each, _holder in requests.list_open()] == [certificate.number]
    with own_transaction():
        fresh = reissues.reissue(certificate=certificate, reason="戸籍を確認しました。", by=cast.admin)
    assert requests.list_open() == []
    assert "佐々木" in fresh.snapshot["holder"]["ja"]
    assert service.state_of(queries.get_certificate(certificate.number)) is State.SUPERSEDED

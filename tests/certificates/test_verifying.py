"""The public answer to a code: every state in both languages, and nothing to learn for who guesses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from statistics import median
from time import process_time
from typing import Any

import pytest

from portal.certificates import limits, queries, service
from portal.certificates.limits import key_of
from portal.certificates.models import Certificate, CertificateLookup, LookupLevel
from portal.certificates.rules import State, grouped_code
from portal.certificates.service import policies
from portal.core import clock, codes, touch
from portal.core.db import session
from portal.core.errors import TooMany
from portal.core.i18n import Words
from portal.core.limits import Buckets
from portal.core.transaction import own_transaction
from portal.organisation.rules import WELLBEING_CONTACT
from portal.organisation.service import change_settings
from tests.builders import Cast
from tests.certificates.builders import issue, make_changed_document
from tests.queries import counted_queries
from tests.volume import NIGHTLY, volume

BOTH = pytest.mark.parametrize("language", ["en", "ja"])
WORDS = {
    State.VALID: {"en": "genuine and valid today", "ja": "正式に発行されたもので、本日現在有効です"},
    State.EXPIRED: {"en": "but it has expired", "ja": "有効期限が切れています"},
    State.SUPERSEDED: {"en": "a newer one has replaced it", "ja": "新しい修了証に置き換えられています"},
    State.POLICY_SUPERSEDED: {"en": "superseded by a newer policy", "ja": "証明している規則が変わりました"},
    State.SUSPENDED: {"en": "suspended while it is being reviewed", "ja": "効力が停止されています"},
    State.RENEWED: {"en": "a newer one has taken its place", "ja": "新しい修了証に引き継がれています"},
    State.IN_GRACE: {"en": "its last day has passed", "ja": "有効期限を過ぎています"},
    State.REVOKED: {"en": "revoked by its issuer", "ja": "発行者によって取り消されました"},
}
REASON = "Found out to be somebody else's work."


def bring_into(state: State, cast: Cast) -> Certificate:
    certificate = issue(cast.learner, code="ENR1", renewal_window_days=60, grace_days=30)
    if state is State.RENEWED:
        issue(cast.learner, queries.get_credential("impersonation-reviewer"), "ENR2")
    with own_transaction():
        match state:
            case State.SUPERSEDED:
                service.reissue_certificate(certificate=certificate, reason=REASON, by=cast.admin)
            case State.POLICY_SUPERSEDED:
                changed = make_changed_document()
                session.add(changed)
                session.flush()
                policies.supersede_by_policy(changed)
            case State.SUSPENDED:
                service.suspend(certificate=certificate, reason=REASON, by=cast.admin)
            case State.REVOKED:
                service.revoke(
                    certificate=certificate, requested_by=cast.admin, confirmed_by=cast.approver, reason=REASON
                )
    return queries.get_certificate(certificate.number)


@BOTH
@pytest.mark.parametrize("state", list(State))
def test_each_state_is_said_in_words(cast: Cast, client: Any, state: State, language: str) -> None:
    certificate = bring_into(state, cast)
    days = {State.EXPIRED: 800, State.EXPIRING: 340, State.IN_GRACE: 380}.get(state, 0)
    at = clock.now() + timedelta(days=days)
    with clock.frozen(at):
        page = client.get("certificates.verify", code=certificate.code, lang=language)
    # To others one that expires soon is a valid one; its chip says so.
    said = State.VALID if state is State.EXPIRING else state
    for told, words in WORDS.items():
        assert (words[language] in page.text) == (told is said)
    assert REASON not in page.text
    chips = page.all("span", class_="status")
    assert chips, "a shape and a colour besides the words"


@BOTH
def test_the_page_of_a_replaced_issue_tells_what_became_of_the_newer_one(
    cast: Cast, client: Any, language: str
) -> None:
    """Of several the last one counts; its number and code are not told."""
    first = issue(cast.learner, code="ENR1")
    code, number = first.code, first.number

    def look(days: int = 0) -> str:
        with clock.frozen(clock.now() + timedelta(days=days)):
            page = client.get("certificates.verify", code=code, lang=language)
        assert newest.number not in page.text
        text: str = page.text
        return text

    with own_transaction():
        second = service.reissue_certificate(certificate=first, reason=REASON, by=cast.admin)
    with own_transaction():
        newest = service.reissue_certificate(
            certificate=queries.get_certificate(second.number), reason=REASON, by=cast.admin
        )
    begins = {"en": "The newer certificate", "ja": "新しい修了証は"}[language]
    ends = {
        "en": (" was revoked", " is suspended", " has expired"),
        "ja": ("発行者によって", "現在確認中", "有効期限"),
    }[language]
    told = [begins + each for each in ends]
    assert not any(each in look() for each in told)
    assert told[2] in look(800)
    with own_transaction():
        service.suspend(certificate=queries.get_certificate(newest.number), reason=REASON, by=cast.admin)
    assert told[1] in look()
    with own_transaction():
        service.revoke(
            certificate=queries.get_certificate(newest.number), requested_by=cast.admin, confirmed_by=cast.approver,
            reason=REASON,
        )  # fmt: skip
    assert told[0] in look()
    assert number in look()


@BOTH
def test_the_page_shows_what_the_certificate_says_and_no_more(cast: Cast, client: Any, language: str) -> None:
    certificate = issue(cast.learner)
    page = client.get("certificates.verify", code=certificate.code, lang=language)
    said = certificate.snapshot
    for text in (
        said["holder"]["ja"],
        said["holder"]["en"],
        said["credential"]["title"][language],
        said["plan"]["title"][language],
        said["plan"]["version"],
        said["issuer"][language],
        said["signatory"]["name"][language],
        said["number"],
        said["basis"]["documents"][0]["title"][language],
    ):
        assert text in page.text, text
    for secret in (
        cast.learner.sign_in_name,
        cast.learner.code,
        certificate.enrollment_code,
        "11/12",
        "ATT0000001",
        certificate.snapshot_sha256,
    ):
        assert secret not in page.body


def test_a_code_is_taken_as_people_type_it(cast: Cast, client: Any) -> None:
    code = issue(cast.learner).code
    typed = [grouped_code(code), code.lower(), f" {code} ", grouped_code(code).replace("-", " ")]
    typed.append(code.replace("0", "o").replace("1", "l"))
    full_width = str.maketrans({chr(each): chr(each + 0xFEE0) for each in range(0x21, 0x7F)})
    typed += [code.translate(full_width), grouped_code(code).translate(full_width)]
    for each in typed:
        client.get("certificates.verify", code=each)


def test_unknown_and_malformed_codes_look_alike_and_cost_alike(cast: Cast, client: Any) -> None:
    issue(cast.learner)
    unknown = codes.new_secret_code()
    malformed = ["x", "IR-2026-0001", "0" * 27, "ＡＢＣ", "a/b/c", "../../etc/passwd", "'; drop table", "é" * 26, "%00"]
    answers = []
    for code in (unknown, *malformed):
        limits.lookups.clear()
        with counted_queries() as statements:
            page = client.get("certificates.verify", code=code, expect=404)
        body = re.sub(r'href="/verify/[^"]*"', "", page.body)
        answers.append((body, sorted(page.response.headers.keys()), [each.split(" FROM")[0] for each in statements]))
    assert all(answer == answers[0] for answer in answers[1:])


def test_unknown_and_malformed_codes_take_the_same_time(cast: Cast, client: Any) -> None:
    issue(cast.learner)
    # Of this process alone, since others run beside it.
    took: dict[str, list[float]] = {codes.new_secret_code(): [], "x": [], "あ" * 26: [], "0" * 27: []}
    for _ in range(volume(15, 400)):
        for code, times in took.items():
            limits.lookups.clear()
            session.query(LookupLevel).delete()
            session.commit()
            begun = process_time()
            client.fetch("certificates.verify", code=code)
            times.append(process_time() - begun)
    medians = [median(times) for times in took.values()]
    assert max(medians) < min(medians) * (1.1 if NIGHTLY else 1.6), medians


@BOTH
def test_an_unknown_code_is_told_in_words_with_the_way_to_report_it(cast: Cast, client: Any, language: str) -> None:
    page = client.get("certificates.verify", code=codes.new_secret_code(), lang=language, expect=404)
    assert {"en": "No such certificate", "ja": "該当する修了証がありません"}[language] == page.heading
    assert {"en": "forgery", "ja": "偽造"}[language] in page.text


def test_the_page_is_neither_kept_nor_found_by_search_engines(cast: Cast, client: Any) -> None:
    certificate = issue(cast.learner)
    for code, status in ((certificate.code, 200), ("x", 404)):
        page = client.get("certificates.verify", code=code, expect=status)
        assert page.response.headers["Cache-Control"] == "no-store"
        assert "noindex" in page.response.headers["X-Robots-Tag"]
        assert page.all("meta", name="robots")[0].get("content", "").startswith("noindex")


def test_it_needs_no_account_and_still_answers_when_the_holder_has_left(cast: Cast, client: Any) -> None:
    certificate = issue(cast.learner)
    with own_transaction():
        cast.learner.deactivated_at = clock.now()
    assert "genuine" in client.get("certificates.verify", code=certificate.code, lang="en").text


def test_the_name_is_the_printed_one_after_a_change(cast: Cast, client: Any) -> None:
    certificate = issue(cast.learner)
    with own_transaction():
        cast.learner.family_name = "佐々木"
    page = client.get("certificates.verify", code=certificate.code, lang="ja")
    assert "髙橋" in page.text
    assert "佐々木" not in page.text


@BOTH
def test_the_form_leads_to_the_page_of_the_code(cast: Cast, client: Any, language: str) -> None:
    certificate = issue(cast.learner)
    page = client.get("certificates.verify_form", lang=language)
    assert page.one("form").get("method") == "get"
    response = client.fetch("certificates.verify_form", code=grouped_code(certificate.code))
    assert response.status_code == 303
    assert client.get(response.headers["Location"]).heading.endswith(certificate.number)
    empty = client.get("certificates.verify_form", code=" ", lang=language, expect=400)
    assert {"en": "Enter the code.", "ja": "コードを入力してください。"}[language] in empty.text
    assert empty.one("div", class_="error-summary")
    for odd in ("/", "//evil.example", "..", "?", "#"):
        response = client.fetch("certificates.verify_form", code=odd)
        assert response.status_code == 303
        assert response.headers["Location"].startswith("/verify/")


@pytest.fixture
def standing_still(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No time passes: on a busy machine a look-up would come back while the others are asked for."""
    monkeypatch.setattr(clock, "monotonic", lambda: 1000.0)
    with clock.frozen(clock.now()):
        yield


@pytest.mark.usefixtures("standing_still")
def test_who_asks_too_often_is_told_how_long_to_wait(cast: Cast, client: Any) -> None:
    code = issue(cast.learner).code
    for _ in range(limits.PER_MINUTE):
        client.get("certificates.verify", code=code)
    page = client.get("certificates.verify", code=code, expect=429)
    assert int(page.response.headers["Retry-After"]) <= 3
    client.get("certificates.verify", code="unknown", expect=429)
    # The form itself and signed-in pages are not limited.
    client.get("certificates.verify_form")


@pytest.mark.usefixtures("standing_still")
def test_every_process_counts_the_same_look_ups(cast: Cast, client: Any) -> None:
    code = issue(cast.learner).code
    for number in range(limits.PER_MINUTE):
        # Another process has counted nothing yet.
        limits.lookups.clear()
        client.get("certificates.verify", code=code)
        assert session.query(LookupLevel).count() == 1, number
    limits.lookups.clear()
    page = client.get("certificates.verify", code=code, expect=429)
    assert 1 <= int(page.response.headers["Retry-After"]) <= 3
    level = session.query(LookupLevel).one()
    assert "127.0.0.1" not in level.key
    level.at -= timedelta(minutes=3)
    session.commit()
    limits.lookups.clear()
    client.get("certificates.verify", code=code)
    session.query(LookupLevel).one().at -= timedelta(minutes=3)
    session.commit()
    with own_transaction():
        assert service.tidy_levels() == 1


def test_the_page_takes_five_statements_whatever_happened_to_the_certificate(
    cast: Cast, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = []
    within = touch.own_transaction

    def counted() -> Any:
        begun.append(1)
        return within()

    monkeypatch.setattr(touch, "own_transaction", counted)
    code = bring_into(State.SUPERSEDED, cast).code
    for _ in range(3):
        begun.clear()
        session.expire_all()
        with counted_queries() as statements:
            client.get("certificates.verify", code=code)
        # The certificate with all that it is worth by; the count read and written; the note; the settings of each page.
        assert len(statements) <= 5, statements
        assert len(begun) == 1


def test_two_processes_that_meet_a_network_first_count_both_look_ups(
    cast: Cast, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = issue(cast.learner).code
    client.get("certificates.verify", code=code)
    # What this one reads is from before the other has written.
    monkeypatch.setattr(service, "_LEVEL", service._LEVEL.where(LookupLevel.key == "none"))
    client.get("certificates.verify", code=code)
    assert session.query(LookupLevel.left).scalar() == (limits.PER_MINUTE - 2) * 1000


def test_a_bucket_fills_again_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(clock, "monotonic", lambda: now[0])
    buckets = Buckets(per_minute=20)
    for _ in range(20):
        buckets.take("a")
    with pytest.raises(TooMany) as refused:
        buckets.take("a")
    assert refused.value.retry_after == 3
    buckets.take("b")
    now[0] = 3.0
    buckets.take("a")
    with pytest.raises(TooMany):
        buckets.take("a")
    now[0] = 1000.0
    for _ in range(20):
        buckets.take("a")


def test_buckets_do_not_grow_without_end() -> None:
    buckets = Buckets(per_minute=20, keys=10)
    for index in range(100):
        buckets.take(f"198.51.100.{index}")
    assert len(buckets._levels) == 10


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("198.51.100.1", "198.51.100.2", False),
        ("2001:db8::1", "2001:db8::2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:198.51.100.1", "::ffff:198.51.100.2", False),
        ("", "nonsense", True),
    ],
)
def test_an_ipv6_network_is_one_asker(one: str, other: str, same: bool) -> None:
    assert (key_of(one) == key_of(other)) == same


def test_a_look_up_is_noted_without_who_asked(cast: Cast, client: Any) -> None:
    certificate = issue(cast.learner)
    client.get("certificates.verify", code=certificate.code)
    client.get("certificates.verify", code="x", expect=404)
    noted = session.query(CertificateLookup).order_by(CertificateLookup.id).all()
    assert [(row.certificate_id, row.answer) for row in noted] == [(certificate.id, "valid"), (None, "unknown")]
    assert {column.name for column in CertificateLookup.__table__.columns} == {"id", "certificate_id", "at", "answer"}


def test_a_busy_database_does_not_keep_the_answer_back(
    cast: Cast, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sqlalchemy.exc import OperationalError

    certificate = issue(cast.learner)

    def busy() -> Any:
        raise OperationalError("insert", {}, Exception("database is locked"))

    monkeypatch.setattr("portal.core.touch.own_transaction", busy)
    client.get("certificates.verify", code=certificate.code)
    assert session.query(CertificateLookup).count() == 0


@BOTH
def test_strangers_are_not_told_who_the_wellbeing_contact_is(cast: Cast, client: Any, as_: Any, language: str) -> None:
    with own_transaction():
        change_settings(values={WELLBEING_CONTACT: Words("ito@example.jp", "ito@example.jp")}, by=cast.admin)
    certificate = issue(cast.learner)
    assert "ito@example.jp" in as_(cast.learner).get("certificates.index", lang=language).text
    for endpoint, values in (
        ("certificates.verify_form", {}),
        ("certificates.verify", {"code": certificate.code}),
        ("certificates.verify", {"code": "0" * 26}),
    ):
        page = client.fetch(endpoint, lang=language, **values).get_data(as_text=True)
        assert "ito@example.jp" not in page
        assert ("Wellbeing" if language == "en" else "相談窓口") not in page

"""The public answer to a code: every state in both languages, and nothing to learn for who guesses."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from portal.certificates import limits, queries, service
from portal.certificates.limits import key_of
from portal.certificates.models import Certificate, CertificateLookup, LookupLevel
from portal.certificates.rules import State, grouped_code
from portal.certificates.service import policies
from portal.core import clock, codes
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

BOTH = pytest.mark.parametrize("language", ["en", "ja"])
WORDS = {
    State.VALID: {"en": "genuine and valid today", "ja": "正式に発行されたもので、本日現在有効です"},
    State.EXPIRED: {"en": "but it has expired", "ja": "有効期限が切れています"},
    State.SUPERSEDED: {"en": "a newer one has replaced it", "ja": "新しい修了証に置き換えられています"},
    State.POLICY_SUPERSEDED: {"en": "superseded by a newer policy", "ja": "証明している規則が変わりました"},
    State.SUSPENDED: {"en": "suspended while it is being reviewed", "ja": "効力が停止されています"},
    State.REVOKED: {"en": "revoked by its issuer", "ja": "発行者によって取り消されました"},
}
REASON = "Found out to be somebody else's work."


def bring_into(state: State, cast: Cast) -> Certificate:
    certificate = issue(cast.learner, code="ENR1")
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
    at = clock.now() + timedelta(days=800 if state is State.EXPIRED else 0)
    with clock.frozen(at):
        page = client.get("certificates.verify", code=certificate.code, lang=language)
    for told, words in WORDS.items():
        assert (words[language] in page.text) == (told is state)
    assert REASON not in page.text
    chips = page.all("span", class_="status")
    assert chips, "a shape and a colour besides the words"


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


def test_who_asks_too_often_is_told_how_long_to_wait(cast: Cast, client: Any) -> None:
    code = issue(cast.learner).code
    for _ in range(limits.PER_MINUTE):
        client.get("certificates.verify", code=code)
    page = client.get("certificates.verify", code=code, expect=429)
    assert int(page.response.headers["Retry-After"]) <= 3
    client.get("certificates.verify", code="unknown", expect=429)
    # The form itself and signed-in pages are not limited.
    client.get("certificates.verify_form")


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

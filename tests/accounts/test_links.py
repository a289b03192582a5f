"""One-time links: made when the mail is sent, used once, replaced by newer ones, and they tell nobody who is here."""

from __future__ import annotations

import email
import email.policy
import re
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import pytest
from flask import Flask

from portal.accounts import queries
from portal.accounts.models import LinkPurpose, OneTimeLink, Person
from portal.accounts.service import links, passwords
from portal.core import clock, jobs, mail
from portal.core.db import session
from portal.core.transaction import own_transaction
from portal.journal.models import JournalEntry
from tests.builders import MORNING, Cast, make_market, make_person, save
from tests.page_client import Page, PageClient

PASSWORD = "a quiet river in autumn"


def mails(app: Flask) -> list[EmailMessage]:
    jobs.run_due()
    session.rollback()
    folder = app.config["DATA_DIR"] / "mail"
    found = sorted(folder.glob("*.eml")) if folder.exists() else []
    return [
        email.message_from_bytes(path.read_bytes(), policy=email.policy.default)  # type: ignore[misc]
        for path in found
    ]


def text_of(message: EmailMessage) -> str:
    part = message.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def link_in(message: EmailMessage) -> str:
    match = re.search(r"https://portal\.example(/link/\S+)", text_of(message))
    assert match, text_of(message)
    return match[1]


def forget(app: Flask, name: str) -> Page:
    client = PageClient(app)
    return client.follow(client.post("accounts.ask_for_link", {"name": name}))


@pytest.fixture
def invited(app: Flask) -> Person:
    return make_person("new@portal.example", family_name="𠮷田", given_name="葵", language="ja", password_hash=None)


@pytest.fixture
def learner(cast: Cast) -> Person:
    cast.learner.password_hash, cast.learner.password_changed_at = passwords.hashed(PASSWORD), MORNING
    save(cast.learner)
    return cast.learner


def test_an_invitation_leads_from_the_mail_to_the_first_page(app: Flask, invited: Person) -> None:
    with own_transaction():
        links.send_invitation(person=invited, by=None)
    [message] = mails(app)
    assert message["Subject"] == "【標（しるべ）】アカウントのご案内"
    assert message["To"] == "𠮷田 葵 <new@portal.example>"
    assert "7日以内" in text_of(message)
    assert message["Content-Language"] == "ja"
    client = PageClient(app)
    path = link_in(message)
    # Looking at it, as mail scanners do, uses nothing up.
    for _ in range(3):
        page = client.get(path)
    assert page.heading == "Welcome"
    assert session.query(OneTimeLink).one().used_at is None
    response = client.post(path, {"password": PASSWORD, "language": "en"})
    assert client.follow(response).heading == "Is this the right name?"
    session.expire_all()
    assert invited.language == "en"
    card = {"family_name": "𠮷田", "given_name": "Aoi", "language": "en", "time_zone": "Asia/Tokyo"}
    assert client.post("accounts.keep_welcome", card).headers["Location"] == "/"
    page = PageClient(app, language="ja").get(path, expect=410)
    # The second use is told, and a new one can be asked for.
    other = PageClient(app)
    used = other.post(path, {"password": PASSWORD, "language": "en"}, expect=410)
    assert "already been used" in used.text
    assert used.all("form", action="/forgotten")


def test_a_reset_ends_every_session_and_tells_the_owner(app: Flask, as_: Any, learner: Person) -> None:
    here = as_(learner)
    forget(app, "Learner@Portal.Example")
    [message] = mails(app)
    path = link_in(message)
    client = PageClient(app)
    response = client.post(path, {"password": "another quiet river"})
    assert response.headers["Location"] == "/sign-in"
    assert here.fetch("accounts.own_account").status_code == 302
    assert client.fetch("accounts.own_account").status_code == 302
    told = mails(app)[1]
    assert "パスワードが変更されました" in told["Subject"]
    assert "https://portal.example/forgotten" in text_of(told)
    session.expire_all()
    assert passwords.verify(learner.password_hash, "another quiet river")


def test_the_answer_is_the_same_for_everybody_and_strangers_get_no_mail(
    app: Flask, learner: Person, invited: Person, cast: Cast
) -> None:
    cast.colleague.deactivated_at, cast.colleague.deactivated_by = MORNING, "P"
    save(cast.colleague)
    bodies = {
        forget(app, name).body
        for name in (learner.sign_in_name, "nobody@portal.example", cast.colleague.sign_in_name, invited.sign_in_name)
    }
    assert len(bodies) == 1
    # The same is owed for each, so the database is as busy.
    assert len(jobs.list_jobs()) == 4
    assert sorted(message["To"].addresses[0].addr_spec for message in mails(app)) == [
        learner.sign_in_name, invited.sign_in_name,
    ]  # fmt: skip
    purposes = {link.person_id: link.purpose for link in session.query(OneTimeLink)}
    assert purposes == {learner.id: LinkPurpose.PASSWORD_RESET, invited.id: LinkPurpose.INVITATION}


def test_a_mailbox_is_not_flooded(app: Flask, learner: Person) -> None:
    with clock.frozen(MORNING):
        for _ in range(3):
            forget(app, learner.sign_in_name)
        assert len(mails(app)) == 1
        client = PageClient(app)
        for number in range(17):
            client.post("accounts.ask_for_link", {"name": f"n{number}@portal.example"})
        client.post("accounts.ask_for_link", {"name": "x@portal.example"}, expect=429)
    with clock.frozen(MORNING + timedelta(hours=1, minutes=1)):
        client.post("accounts.ask_for_link", {"name": learner.sign_in_name})
        assert len(mails(app)) == 2


def token_for(person: Person) -> str:
    with own_transaction():
        return links.make_link(person=person)


@pytest.mark.parametrize("state", ["expired", "used", "replaced", "unknown", "deactivated", "renamed"])
@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_link_that_does_not_work_says_why_and_offers_a_new_one(
    app: Flask, learner: Person, state: str, language: str, cast: Cast
) -> None:
    with clock.frozen(MORNING):
        token = token_for(learner)
    at = MORNING + timedelta(minutes=5)
    words = {
        "expired": ("has expired", "期限が切れています"),
        "used": ("already been used", "すでに使われています"),
        "replaced": ("A newer link", "新しいリンクが送られています"),
        "unknown": ("is not valid", "確認できません"),
        "deactivated": ("is not valid", "確認できません"),
        "renamed": ("A newer link", "新しいリンクが送られています"),
    }[state]
    match state:
        case "expired":
            at = MORNING + timedelta(minutes=60)
        case "used":
            with clock.frozen(at), own_transaction():
                links.use_link(token=token, password="another quiet river")
        case "replaced":
            with clock.frozen(at):
                token_for(learner)
        case "unknown":
            token = token[:-1]
        case "deactivated":
            learner.deactivated_at, learner.deactivated_by = MORNING, "P"
            save(learner)
        case "renamed":
            from portal.accounts.service.people import Names, change_person

            with clock.frozen(at), own_transaction():
                change_person(
                    person=learner, sign_in_name="moved@portal.example", names=Names("髙橋"), language="ja",
                    time_zone="Asia/Tokyo", market=make_market(), team=None, employee_number="", by=cast.admin,
                )  # fmt: skip
    expect = 404 if state in ("unknown", "deactivated") else 410
    with clock.frozen(at):
        client = PageClient(app, language=language)
        page = client.get("accounts.open_link", token=token, expect=expect)
        assert words[language == "ja"] in page.text
        assert page.all("form", action="/forgotten")
        assert learner.sign_in_name not in page.body
        client.post("accounts.use_link", {"password": PASSWORD * 2}, token=token, expect=expect)


def test_a_link_works_to_its_last_second_and_no_longer(app: Flask, learner: Person, invited: Person) -> None:
    for person, lifetime in ((learner, timedelta(minutes=60)), (invited, timedelta(days=7))):
        with clock.frozen(MORNING):
            token = token_for(person)
        with clock.frozen(MORNING + lifetime - timedelta(seconds=1)):
            PageClient(app).get("accounts.open_link", token=token)
        with clock.frozen(MORNING + lifetime):
            PageClient(app).get("accounts.open_link", token=token, expect=410)


def test_only_the_hash_of_a_link_is_stored(app: Flask, learner: Person) -> None:
    token = token_for(learner)
    row = session.query(OneTimeLink).one()
    assert token not in (row.token_hash,)
    assert len(token) >= 43
    assert row.token_hash != token


def test_a_password_that_is_refused_leaves_the_link_as_it_was(app: Flask, learner: Person) -> None:
    token = token_for(learner)
    client = PageClient(app, language="ja")
    for password, words in (
        ("みじかい", "12文字以上"), ("password12345", "推測されやすい"), ("learner-2026", "名前やメールアドレス"),
        ("x" * 129, "128文字以内"),
    ):  # fmt: skip
        page = client.post("accounts.use_link", {"password": password}, token=token, expect=400)
        assert words in page.text
    client.post("accounts.use_link", {"password": "🎏🌊🍁🎐🦊🐻🌸⛩🗻🎍🎎🏯"}, token=token)


def test_a_failed_delivery_makes_a_fresh_link_and_only_the_last_one_works(
    app: Flask, learner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    from portal.core import mail

    forget(app, learner.sign_in_name)
    sent: list[str] = []
    real = mail.deliver

    def fail(message: EmailMessage) -> None:
        sent.append(link_in(message))
        raise OSError("the server is away")

    monkeypatch.setattr(mail, "deliver", fail)
    jobs.run_due()
    monkeypatch.setattr(mail, "deliver", real)
    with clock.frozen(clock.now() + timedelta(minutes=1)):
        [message] = mails(app)
        PageClient(app).get(sent[0], expect=410)
        PageClient(app).get(link_in(message))


def test_of_two_uses_at_once_one_counts(app: Flask, learner: Person) -> None:
    from portal.accounts import errors

    token = token_for(learner)
    with own_transaction():
        links.use_link(token=token, password="another quiet river")
        with pytest.raises(errors.LinkUsed):
            links.use_link(token=token, password="a third quiet river")
    assert passwords.verify(learner.password_hash, "another quiet river")


# --- The command line --------------------------------------------------------------------------


def run(app: Flask, *arguments: str, stdin: str = "") -> Any:
    result = app.test_cli_runner().invoke(args=["people", *arguments], input=stdin)
    session.rollback()
    return result


def test_the_first_administrator_is_made_by_the_operator(app: Flask) -> None:
    mail = ("create-admin", "--mail", "admin@portal.example", "--family-name", "森", "--given-name", "明子")
    weak = run(app, *mail, "--password-stdin", stdin="password1234\n")
    assert weak.exit_code == 1
    assert "too common" in weak.output
    assert session.query(Person).count() == 0
    done = run(app, *mail, "--password-stdin", stdin=f"{PASSWORD}\n")
    assert done.exit_code == 0, done.output
    assert PASSWORD not in done.output
    client = PageClient(app)
    client.post("accounts.do_sign_in", {"name": "admin@portal.example", "password": PASSWORD})
    client.get("accounts.list_people")
    # Somebody who has a password keeps it.
    again = run(app, *mail, "--password-stdin", stdin="another quiet river\n")
    assert again.exit_code == 0
    assert passwords.verify(session.query(Person).one().password_hash, PASSWORD)


def test_an_administrator_can_be_made_with_a_link_instead_of_a_password(app: Flask) -> None:
    done = run(app, "create-admin", "--mail", "a@portal.example", "--family-name", "X", "--given-name", "", "--link")
    assert done.exit_code == 0, done.output
    path = re.search(r"https://portal\.example(/link/\S+)", done.output)
    assert path
    PageClient(app).get(path[1])
    fresh = run(app, "link", "A@portal.example")
    assert "once, within 7 days:" in fresh.output
    PageClient(app).get(path[1], expect=410)
    assert run(app, "link", "nobody@portal.example").exit_code == 1
    assert run(app, "create-admin", "--mail", "nonsense", "--family-name", "X", "--link").exit_code == 1


def test_there_is_no_account_before_somebody_makes_one(app: Flask) -> None:
    from portal.accounts import queries

    assert not queries.has_people()
    assert queries.find_first_administrator() is None


def test_an_invitation_sent_again_is_a_mail_of_its_own_and_a_repeated_try_is_not(
    app: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    handed_over: list[str] = []

    def carrier(message: EmailMessage) -> None:
        handed_over.append(str(message["Message-ID"]))
        if len(handed_over) == 1:
            raise ConnectionResetError("the server hung up after taking it")

    monkeypatch.setattr(mail, "deliver", carrier)
    start = clock.now()
    for minutes in (0, 30):
        with clock.frozen(start + timedelta(minutes=minutes)), own_transaction():
            links.send_invitation(person=cast.learner, by=cast.admin)
    for minutes in (60, 70):
        with clock.frozen(start + timedelta(minutes=minutes)):
            jobs.run_due()
    assert len(handed_over) == 3
    first, *rest = handed_over
    assert rest.count(first) == 1, "the second try of the same mail"
    assert len(set(handed_over)) == 2


def test_a_password_from_the_standard_input_is_never_taken_for_a_name(app: Flask) -> None:
    password = "quiet-river-paper-lantern"
    mail = ("create-admin", "--mail", "only@portal.example", "--password-stdin")
    refused = run(app, *mail, stdin=f"{password}\nsecond line\n")
    assert refused.exit_code == 2
    assert "--family-name is missing" in refused.output
    assert queries.find_person_by_sign_in_name("only@portal.example") is None
    done = run(app, *mail, "--family-name", "森", stdin=f"{password}\nsecond line\n")
    assert done.exit_code == 0, done.output
    person = queries.find_person_by_sign_in_name("only@portal.example")
    assert person is not None
    assert (person.family_name, person.given_name) == ("森", "")
    assert passwords.verify(person.password_hash, password)
    kept = [f"{row.before} {row.after}" for row in session.query(JournalEntry)]
    assert kept
    assert not any(password in each for each in kept)

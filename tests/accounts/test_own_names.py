"""Names that people change themselves: shown at once, certified only once somebody else stands for them."""

from __future__ import annotations

from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from portal.accounts import queries
from portal.accounts.errors import NameDecided, NotOwnNames, RefusalNeedsReason
from portal.accounts.models import NAME_FIELDS, NameChange, NameOutcome, Person, Role, Scope
from portal.accounts.rules import name_keys
from portal.accounts.service import name_changes, people
from portal.accounts.service.people import Names
from portal.certificates.service import reissues
from portal.core import jobs
from portal.core.db import session
from portal.core.transaction import own_transaction
from portal.journal.models import JournalEntry
from tests.accounts.test_races import at_once
from tests.builders import Cast, make_grant, make_person
from tests.certificates.builders import issue, issue_with_files
from tests.certificates.test_files import text_of
from tests.queries import counted_queries

BOTH = pytest.mark.parametrize("language", ["en", "ja"])
REASON = "The personnel record says another name."


def names_of(person: Person, **values: str) -> Names:
    return Names(**{name: getattr(person, name) for name in NAME_FIELDS} | values)


def change(person: Person, **values: str) -> NameChange | None:
    """Let somebody change her own names; return what is open then."""
    with own_transaction():
        people.change_own(person=person, names=names_of(person, **values), language="en", time_zone="Asia/Tokyo")
    return queries.find_open_name_change(person.id)


def taken_from(cast: Cast, whose: Person | None = None) -> NameChange:
    """Let the learner set the administrator's names, or those of somebody else."""
    whose = whose or cast.admin
    found = change(cast.learner, **{name: getattr(whose, name) for name in NAME_FIELDS})
    assert found is not None
    return found


# --- What is certified -----------------------------------------------------------------------------


def test_a_certificate_is_never_issued_in_a_name_that_only_its_holder_stands_for(app: Flask, cast: Cast) -> None:
    before = cast.learner.name_in("ja")
    taken_from(cast, cast.outsider)
    assert cast.learner.full_name == cast.outsider.full_name == "Alex Rivera"
    certificate = issue_with_files(cast.learner)
    assert certificate.snapshot["holder"]["ja"] == before
    for file in certificate.files:
        assert "Rivera" not in text_of(file.content)


def test_nor_anew_nor_romanised_while_the_change_is_open(app: Flask, cast: Cast) -> None:
    certificate = issue(cast.learner)
    taken_from(cast)
    assert not reissues.can_be_asked(certificate)
    with own_transaction():
        fresh = reissues.reissue(certificate=certificate, reason="Another paper was asked for.", by=cast.admin)
    assert fresh.snapshot["holder"] == certificate.snapshot["holder"]


def test_a_second_change_is_counted_from_what_was_stood_for(app: Flask, cast: Cast) -> None:
    before = cast.learner.family_name
    first = change(cast.learner, family_name="三浦")
    second = change(cast.learner, family_name="遠藤")
    assert first is not None
    assert second is not None
    assert (first.outcome, first.decided_by) == (NameOutcome.REPLACED, cast.learner.code)
    assert second.before["family_name"] == before
    assert issue(cast.learner).snapshot["holder"]["ja"].startswith(before)


def test_whoever_changes_back_leaves_nothing_open(app: Flask, cast: Cast) -> None:
    before = cast.learner.family_name
    change(cast.learner, family_name="三浦")
    assert change(cast.learner, family_name=before) is None
    assert change(cast.learner) is None


def test_a_confirmed_name_is_certified_and_can_be_asked_for_on_what_was_issued(app: Flask, cast: Cast) -> None:
    certificate = issue(cast.learner)
    found = change(cast.learner, family_name="三浦", family_romaji="Miura")
    assert found is not None
    with own_transaction():
        name_changes.confirm(change=found, by=cast.lead)
    assert found.outcome is NameOutcome.CONFIRMED
    assert reissues.can_be_asked(certificate)
    fresh = issue(cast.learner, code="ANEW0000000000000000")
    assert fresh.snapshot["holder"]["ja"].startswith("三浦")


def test_a_refusal_says_why_and_restores_the_names_of_before(app: Flask, cast: Cast) -> None:
    known = {name: getattr(cast.learner, name) for name in NAME_FIELDS}
    found = taken_from(cast)
    with pytest.raises(RefusalNeedsReason), own_transaction():
        name_changes.refuse(change=found, reason="  no  ", by=cast.lead)
    with own_transaction():
        name_changes.refuse(change=found, reason=REASON, by=cast.lead)
    session.refresh(cast.learner)
    assert {name: getattr(cast.learner, name) for name in NAME_FIELDS} == known
    entry = session.query(JournalEntry).filter_by(action="accounts.name_refused").one()
    assert entry.reason == REASON


@pytest.mark.parametrize("is_confirmed", [True, False])
def test_the_person_is_told_by_mail_what_became_of_it(app: Flask, cast: Cast, is_confirmed: bool) -> None:
    found = change(cast.learner, family_name="三浦", family_romaji="Miura")
    assert found is not None
    with own_transaction():
        if is_confirmed:
            name_changes.confirm(change=found, by=cast.lead)
        else:
            name_changes.refuse(change=found, reason=REASON, by=cast.lead)
    jobs.run_due()
    (sent,) = sorted(Path(app.config["DATA_DIR"] / "mail").glob("*.eml"))
    message: Any = message_from_bytes(sent.read_bytes(), policy=default)
    assert message["To"].addresses[0].addr_spec == cast.learner.sign_in_name
    text = message.get_body(("plain",)).get_content()
    assert "Miura" in text
    assert (REASON in text) is not is_confirmed


def test_nobody_confirms_her_own_names_not_even_an_administrator(app: Flask, cast: Cast) -> None:
    found = change(cast.admin, family_name="三浦")
    assert found is not None
    with pytest.raises(NotOwnNames), own_transaction():
        name_changes.confirm(change=found, by=cast.admin)


def edit(person: Person, by: Person, **values: str) -> None:
    with own_transaction():
        people.change_person(
            person=person, sign_in_name=person.sign_in_name, names=names_of(person, **values), language="en",
            time_zone="Asia/Tokyo", market=person.home_market, team=person.team, employee_number="", by=by,
        )  # fmt: skip


def test_names_that_an_administrator_sets_close_what_is_open(app: Flask, cast: Cast) -> None:
    found = change(cast.learner, family_name="三浦")
    assert found is not None
    edit(cast.learner, cast.admin)
    # Whoever corrects something else stands for no name by that.
    assert found.outcome is None
    edit(cast.learner, cast.admin, family_name="山口")
    assert (found.outcome, found.decided_by) == (NameOutcome.SET, cast.admin.code)
    assert issue(cast.learner).snapshot["holder"]["ja"].startswith("山口")


def test_an_administrator_who_edits_her_own_page_has_changed_her_own_names(app: Flask, cast: Cast) -> None:
    edit(cast.admin, cast.admin, family_name="三浦")
    assert queries.find_open_name_change(cast.admin.id) is not None


# --- Many at once ----------------------------------------------------------------------------------


@pytest.mark.races
def test_it_is_decided_once_however_many_decide(app: Flask, cast: Cast) -> None:
    found = change(cast.learner, family_name="三浦")
    assert found is not None
    code, admin = found.code, cast.admin.id

    def confirm() -> None:
        each = queries.find_name_change(code)
        by = queries.find_person_by_id(admin)
        assert each is not None
        assert by is not None
        name_changes.confirm(change=each, by=by)

    assert at_once(app, [confirm] * 4) == {"done": 1, "NameDecided": 3}
    assert session.query(JournalEntry).filter_by(action="accounts.name_confirmed").count() == 1


@pytest.mark.races
def test_whoever_confirms_stands_for_what_she_has_read_not_for_what_came_after(app: Flask, cast: Cast) -> None:
    found = change(cast.learner, family_name="三浦")
    assert found is not None
    code, admin, learner = found.code, cast.admin.id, cast.learner.id

    def confirm() -> None:
        each = queries.find_name_change(code)
        by = queries.find_person_by_id(admin)
        assert each is not None
        assert by is not None
        name_changes.confirm(change=each, by=by)

    def again() -> None:
        person = queries.find_person_by_id(learner)
        assert person is not None
        people.change_own(
            person=person, names=names_of(person, family_name="森"), language="en", time_zone="Asia/Tokyo"
        )

    at_once(app, [confirm, again])
    left = queries.find_open_name_change(learner)
    assert left is not None
    assert left.after["family_name"] == "森"
    assert left.before["family_name"] in ("三浦", "髙橋")
    with pytest.raises(NameDecided), own_transaction():
        name_changes.confirm(change=found, by=cast.admin)


# --- Pages -----------------------------------------------------------------------------------------


@BOTH
def test_the_list_tells_before_and_after_and_whose_name_it_is_too(cast: Cast, as_: Any, language: str) -> None:
    taken_from(cast)
    page = as_(cast.lead, language=language).get("accounts.list_name_changes")
    assert "髙橋" in page.text
    assert cast.admin.name_in(language) in page.text
    assert {"en": "same name as", "ja": "同じ名前"}[language] in page.text
    assert f"/people/{cast.learner.code}/name" in page.links()


@BOTH
def test_one_confirms_or_refuses_on_a_page_of_its_own(cast: Cast, as_: Any, language: str) -> None:
    found = change(cast.learner, family_name="三浦")
    assert found is not None
    client = as_(cast.lead, language=language)
    client.get("accounts.name_change", code=cast.learner.code)
    refused = client.post(
        "accounts.refuse_name", {"change": found.code, "reason": "short"}, code=cast.learner.code, expect=400
    )
    assert "short" in refused.text
    client.post("accounts.confirm_name", {"change": found.code}, code=cast.learner.code, expect=303)
    gone = client.post("accounts.confirm_name", {"change": found.code}, code=cast.learner.code, expect=409)
    assert {"en": "no longer open", "ja": "すでに"}[language] in gone.text


def test_the_change_of_another_person_is_none_of_this_page(cast: Cast, as_: Any) -> None:
    found = change(cast.colleague, family_name="三浦")
    assert found is not None
    as_(cast.lead).post("accounts.confirm_name", {"change": found.code}, code=cast.learner.code, expect=409)
    session.refresh(found)
    assert found.outcome is None


def test_a_lead_of_other_people_and_a_colleague_do_not_see_it(cast: Cast, as_: Any) -> None:
    change(cast.learner, family_name="三浦")
    make_grant(cast.outsider, Role.LEAD, Scope.TEAM, "payments-safety")
    page = as_(cast.outsider).get("accounts.list_name_changes")
    assert "三浦" not in page.text
    as_(cast.outsider).get("accounts.name_change", code=cast.learner.code, expect=404)
    as_(cast.colleague).get("accounts.name_change", code=cast.learner.code, expect=404)
    as_(cast.colleague).get("accounts.list_name_changes", expect=403)


@BOTH
def test_today_counts_what_waits_for_administrators_and_for_her_lead(cast: Cast, as_: Any, language: str) -> None:
    change(cast.learner, family_name="三浦")
    words = {"en": "Changed names that nobody has confirmed", "ja": "確認待ちの氏名変更"}[language]
    for person, told in ((cast.admin, True), (cast.lead, True), (cast.colleague, False), (cast.learner, False)):
        assert (words in as_(person, language=language).get("training.today").text) is told


@BOTH
def test_her_account_and_her_certificate_say_that_it_is_open(cast: Cast, as_: Any, language: str) -> None:
    certificate = issue(cast.learner)
    found = change(cast.learner, family_name="三浦", family_romaji="Miura")
    words = {"en": "not confirmed yet", "ja": "まだ確認されていません"}[language]
    holder, admin = as_(cast.learner, language=language), as_(cast.admin, language=language)
    assert words in holder.get("accounts.own_account").text
    assert words in holder.get("certificates.show", number=certificate.number).text
    assert words in admin.get("certificates.show", number=certificate.number).text
    assert found is not None
    with own_transaction():
        name_changes.confirm(change=found, by=cast.admin)
    page = holder.get("certificates.show", number=certificate.number)
    assert words not in page.text
    assert f"/certificates/{certificate.number}/name" in page.links()


def test_the_list_costs_the_same_however_many_there_are(cast: Cast, as_: Any) -> None:
    def more() -> None:
        change(make_person(team=cast.learner.team), family_name="三浦", given_name="同")

    more(), more()
    client = as_(cast.admin)
    client.get("accounts.list_name_changes")
    with counted_queries() as few:
        client.get("accounts.list_name_changes")
    for _each in range(6):
        more()
    with counted_queries() as many:
        client.get("accounts.list_name_changes")
    assert len(few) == len(many)


# --- The same name ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ({"family_name": "森", "given_name": "明子"}, {"shown_as": "森　明子"}, True),
        ({"family_name": "Mori", "given_name": "Akiko"}, {"family_romaji": "MORI", "given_romaji": "akiko"}, True),
        ({"family_name": "Mori", "given_name": "Akiko"}, {"family_name": "Akiko", "given_name": "Mori"}, True),
        ({"family_name": "森", "given_name": "明子"}, {"family_name": "森", "given_name": "明"}, False),
        ({"family_name": "O’Brien"}, {"family_name": "O'Brien"}, True),
    ],
)
def test_the_same_name_is_known_again(one: dict[str, str], other: dict[str, str], is_same: bool) -> None:
    assert bool(name_keys(one) & name_keys(other)) is is_same

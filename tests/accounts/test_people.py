"""People administration: found whatever way a name is typed, changed with a record, never the last administrator."""

from __future__ import annotations

import io
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import pytest
from flask import Flask

from portal.accounts import errors, queries, rules
from portal.accounts.models import Accommodation, Person, Role, RoleGrant, Scope
from portal.accounts.queries import PeopleFilter
from portal.accounts.service import imports, ownership, passwords, people
from portal.core import clock, jobs, tables
from portal.core.db import session
from portal.core.i18n import force_locale
from portal.core.transaction import own_transaction
from portal.journal.models import JournalEntry
from portal.organisation import queries as organisation
from portal.organisation.rules import LEADS_SEE_ACCOMMODATIONS
from portal.organisation.service import change_settings
from tests.builders import MORNING, Cast, make_grant, make_person, make_team, save
from tests.page_client import PageClient
from tests.queries import counted_queries

NAMES = ["髙橋", "﨑", "𠮷", "葛󠄀", "辻󠄁", "㈱①～−‖", "名" * 300, "שלום", "<script>alert(1)</script>", "=1+1", "O'Neill"]
HASH = passwords.hashed("a quiet river in autumn")


@pytest.fixture
def admin(as_: Any, cast: Cast) -> PageClient:
    cast.admin.password_hash = HASH
    save(cast.admin)
    return as_(cast.admin)  # type: ignore[no-any-return]


def card(**more: Any) -> dict[str, Any]:
    return {
        "sign_in_name": "new@portal.example", "family_name": "佐藤", "given_name": "葵", "family_kana": "サトウ",
        "given_kana": "アオイ", "language": "ja", "time_zone": "Asia/Tokyo", "market": "JP", "team": "account-safety",
        "role": "learner", **more,
    }  # fmt: skip


def found(text: str) -> list[str]:
    return [person.family_name for person in queries.list_people(PeopleFilter(text=text))]


# --- Names -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_stored_shown_and_exported_as_it_was_typed(admin: PageClient, app: Flask, name: str) -> None:
    response = admin.post("accounts.do_invite", card(family_name=name, given_name="", family_kana="", given_kana=""))
    person = session.query(Person).filter_by(sign_in_name="new@portal.example").one()
    assert (person.family_name, person.given_name, person.full_name) == (name, "", name)
    assert admin.follow(response).heading == " ".join(name.split())
    assert name in "".join(
        "".join(each.itertext()) for each in admin.get("accounts.list_people", lang="ja").all("th", scope="row")
    )
    table = tables.read_table(admin.fetch("accounts.export_csv", q="new@").get_data())
    assert next(iter(table.rows)).cells[table.header[1]] == name
    table = tables.read_table(admin.fetch("accounts.export_xlsx", q="new@").get_data())
    assert next(iter(table.rows)).cells[table.header[1]] == name


def test_the_longest_name_fits_everywhere(app: Flask, as_: Any) -> None:
    long = "名" * 300
    person = make_person(family_name=long, given_name=long, middle_name=long, family_kana=long, given_kana=long)
    fields = ("family_name", "given_name", "middle_name", "family_kana", "given_kana", "family_romaji", "given_romaji")
    card = dict.fromkeys((*fields, "shown_as"), "𠮷" * 300)
    as_(person).post("accounts.change_card", {**card, "language": "ja", "time_zone": "Asia/Tokyo"})
    assert person.shown_as == "𠮷" * 300
    as_(person).get("accounts.own_account")


def test_people_are_listed_in_the_order_of_the_syllabary(app: Flask) -> None:
    for kana, name in (
        ("ガトウ", "加藤"),
        ("さとう", "佐藤"),
        ("カトウ", "加東"),
        ("オーノ", "大野"),
        ("オオタ", "太田"),
        ("", "Rivera"),
    ):
        make_person(family_name=name, family_kana=kana, given_kana="")
    order = [person.family_name for person in queries.list_people()]
    assert order == ["Rivera", "太田", "大野", "加東", "加藤", "佐藤"]


@pytest.mark.parametrize(
    "text",
    [
        "タカハシ",
        "たかはし",
        "ﾀｶﾊｼ",
        "髙橋",
        "高橋",
        "髙橋　結衣",
        "結衣 髙橋",
        "TAKAHASHI",
        "ｔａｋａｈａｓｈｉ",
        "Learner@",
        "e-77",
    ],
)
def test_somebody_is_found_whatever_way_the_name_is_typed(app: Flask, text: str) -> None:
    make_person(
        "learner@portal.example", family_name="髙橋", given_name="結衣", family_kana="タカハシ", given_kana="ユイ",
        family_romaji="Takahashi", employee_number="E-77",
    )  # fmt: skip
    make_person(family_name="鈴木", family_kana="スズキ", family_romaji="Suzuki")
    assert found(text) == ["髙橋"]


def test_a_search_takes_no_wildcards_and_no_control_characters(admin: PageClient) -> None:
    assert found("%") == []
    assert found("_") == []
    admin.get("/people?q=%00%25&standing=nonsense&page=-1&role=%E2%82%AC")
    admin.get("/people?page=99999999999999999999")


def test_western_names_are_shown_given_name_first(app: Flask) -> None:
    person = make_person(family_name="Rivera", given_name="Alex", family_romaji="", given_romaji="")
    assert person.name_in("ja") == person.name_in("en") == "Alex Rivera"
    assert make_person(family_name="김", given_name="민준", family_romaji="").full_name == "김 민준"


def test_the_list_costs_the_same_for_many_people(admin: PageClient, cast: Cast) -> None:
    def cost() -> int:
        with counted_queries() as statements:
            admin.get("accounts.list_people")
        return len(statements)

    admin.get("accounts.list_people")
    few = cost()
    for _ in range(10):
        make_grant(make_person(team=cast.learner.team), Role.LEARNER)
    assert cost() == few


def test_filters_and_pages(admin: PageClient, cast: Cast) -> None:
    for _ in range(60):
        make_person(team=cast.learner.team, password_hash=None)
    first = admin.get("accounts.list_people", team="account-safety", lang="en")
    assert "1–50 of 65" in first.text
    second = admin.get("accounts.list_people", team="account-safety", page=2, lang="en")
    assert "51–65 of 65" in second.text
    assert "1–1 of 1" in admin.get("accounts.list_people", role="admin", lang="en").text
    assert "No people found" in admin.get("accounts.list_people", q="nobody at all", lang="en").text
    assert "1–7 of 7" in admin.get("accounts.list_people", standing="active", lang="en").text
    assert "of 60" in admin.get("accounts.list_people", standing="invited", lang="en").text


# --- Inviting and changing ---------------------------------------------------------------------


def test_an_address_or_number_belongs_to_one_account(admin: PageClient, cast: Cast) -> None:
    page = admin.post("accounts.do_invite", card(sign_in_name="LEARNER@portal.example"), expect=409)
    assert "髙橋" in page.text
    # Nothing that was typed is lost.
    assert page.one("input", name="family_kana").get("value") == "サトウ"
    cast.learner.employee_number = "7"
    save(cast.learner)
    page = admin.post("accounts.do_invite", card(employee_number="7"), expect=409)
    assert "髙橋" in page.text


@pytest.mark.parametrize(
    ("field", "value"),
    [("sign_in_name", "no address"), ("sign_in_name", "a\r\nBcc: x@y.example"), ("family_name", ""),
     ("family_name", "名" * 301), ("time_zone", "Mars/Base"), ("market", "XX"), ("team", "nope"), ("language", "fr"),
     ("role", "king"), ("employee_number", "9" * 61), ("given_name", "a\x00b")],
)  # fmt: skip
def test_what_cannot_be_taken_is_said_at_its_field(admin: PageClient, field: str, value: str) -> None:
    for language in ("en", "ja"):
        admin.language = language
        page = admin.post("accounts.do_invite", card(**{field: value}), expect=400)
        assert page.all("div", class_="error-summary")
        assert page.all("div", class_="field__error")
    assert session.query(Person).filter_by(sign_in_name="new@portal.example").count() == 0


def test_a_change_is_kept_and_stands_in_the_journal(admin: PageClient, cast: Cast) -> None:
    page = admin.get("accounts.edit_person", code=cast.learner.code)
    assert page.one("input", name="family_name").get("value") == "髙橋"
    admin.post("accounts.change_person", card(family_name="高橋", team=""), code=cast.learner.code)
    assert (cast.learner.family_name, cast.learner.team) == ("高橋", None)
    entry = session.query(JournalEntry).filter_by(action="accounts.changed").one()
    assert entry.before is not None
    assert entry.before["family_name"] == "髙橋"
    assert entry.after is not None
    assert entry.after["team"] is None


def test_only_administrators_administer(as_: Any, cast: Cast) -> None:
    endpoints = [
        ("accounts.send_link", {}), ("accounts.deactivate", {}), ("accounts.grant_role", {}),
        ("accounts.end_role", {}), ("accounts.approve_accommodation", {}), ("accounts.pass_on", {}),
        ("accounts.change_person", {}), ("accounts.end_accommodation", {}), ("accounts.sign_person_out", {}),
    ]  # fmt: skip
    for person, expect in ((cast.colleague, 404), (cast.outsider, 404), (cast.lead, 403), (cast.learner, 403)):
        browser = as_(person)
        for endpoint, values in endpoints:
            browser.post(endpoint, values, code=cast.learner.code, expect=expect)
        assert browser.fetch("accounts.list_people").status_code == 403
        assert browser.fetch("accounts.export_csv").status_code == 403
    assert as_(cast.learner).fetch("accounts.show_person", code=cast.learner.code).status_code == 200
    assert as_(cast.lead).fetch("accounts.show_person", code=cast.learner.code).status_code == 200
    assert as_(cast.outsider).fetch("accounts.show_person", code=cast.learner.code).status_code == 404
    assert as_(cast.outsider).fetch("/people/%00").status_code == 404


# --- Roles -------------------------------------------------------------------------------------


def test_a_role_is_given_for_a_scope_and_ended(admin: PageClient, cast: Cast) -> None:
    code = cast.colleague.code
    admin.post("accounts.grant_role", {"role": "lead", "scope": "team:account-safety"}, code=code)
    admin.post("accounts.grant_role", {"role": "lead", "scope": "team:account-safety"}, code=code, expect=409)
    admin.post("accounts.grant_role", {"role": "lead", "scope": "team:nowhere"}, code=code, expect=400)
    assert {each.sign_in_name for each in queries.list_leads_for(cast.learner.team)} == {
        "lead@portal.example", "colleague@portal.example",
    }  # fmt: skip
    grant = session.query(RoleGrant).filter_by(person_id=cast.colleague.id, role=Role.LEAD).one()
    admin.post("accounts.end_role", {"grant": str(grant.id)}, code=cast.learner.code, expect=404)
    admin.post("accounts.end_role", {"grant": "x"}, code=code, expect=404)
    admin.post("accounts.end_role", {"grant": str(grant.id)}, code=code)
    assert [each.sign_in_name for each in queries.list_leads_for(cast.learner.team)] == ["lead@portal.example"]
    assert queries.list_leads_for(make_team("other")) == []


@pytest.mark.parametrize(
    ("role", "scope", "taken"),
    [
        ("admin", "market:JP", False),
        ("auditor", "team:account-safety", False),
        ("wellbeing_contact", "market:JP", False),
        ("learner", "team:account-safety", False),
        ("author", "team:account-safety", False),
        ("approver", "team:account-safety", False),
        ("author", "market:JP", True),
        ("policy_owner", "market:JP", True),
        ("mentor", "team:account-safety", True),
        ("lead", "market:JP", True),
    ],
)
def test_a_role_is_given_only_for_scopes_in_which_it_means_something(
    admin: PageClient, cast: Cast, role: str, scope: str, taken: bool
) -> None:
    form, code = {"role": role, "scope": scope}, cast.outsider.code
    if taken:
        admin.post("accounts.grant_role", form, code=code)
        return
    page = admin.post("accounts.grant_role", form, code=code, expect=400)
    assert "This role can be given for the whole organisation" in page.text
    assert "この役割は、" in admin.post("accounts.grant_role", form, code=code, expect=400, lang="ja").text
    assert session.query(RoleGrant).filter_by(person_id=cast.outsider.id, scope=Scope.MARKET).count() == 0


def test_a_role_holds_from_the_next_request(admin: PageClient, as_: Any, cast: Cast) -> None:
    colleague = as_(cast.colleague)
    assert colleague.fetch("accounts.list_people").status_code == 403
    admin.post("accounts.grant_role", {"role": "auditor", "scope": "organisation"}, code=cast.colleague.code)
    assert colleague.fetch("accounts.list_people").status_code == 200


def test_the_last_administrator_stays(admin: PageClient, cast: Cast, as_: Any) -> None:
    grant = session.query(RoleGrant).filter_by(role=Role.ADMIN).one()
    page = admin.post("accounts.end_role", {"grant": str(grant.id)}, code=cast.admin.code, expect=409)
    assert "last administrator" in page.text
    # Somebody who could not sign in is no replacement.
    cast.colleague.password_hash = None
    make_grant(cast.colleague, Role.ADMIN)
    admin.post("accounts.end_role", {"grant": str(grant.id)}, code=cast.admin.code, expect=409)
    as_(cast.colleague).post("accounts.deactivate", code=cast.admin.code, expect=409)
    admin.post("accounts.deactivate", code=cast.admin.code, expect=403)
    cast.colleague.password_hash = HASH
    save(cast.colleague)
    as_(cast.colleague).post("accounts.deactivate", code=cast.admin.code)
    assert not cast.admin.is_active
    assert admin.fetch("accounts.list_people").status_code == 302


# --- Deactivation and ownership ----------------------------------------------------------------


class Things:
    """A kind of owned thing for tests."""

    kind = "lamp"
    name = "Lamp"

    def find_things(self, codes: Any) -> dict[str, ownership.OwnedThing]:
        return {
            code: ownership.OwnedThing(f"Lamp {code}", f"/lamps/{code}", is_live=code != "broken")
            for code in codes
            if code != "gone"
        }

    def list_live_codes(self) -> list[str]:
        return ["hall", "desk"]


@pytest.fixture
def lamps() -> Any:
    ownership.register_kind(Things())
    yield
    ownership._kinds.pop("lamp")


def own(person: Person, *codes: str, deputy: Person | None = None) -> None:
    with own_transaction():
        for code in codes:
            ownership.set_owner(kind="lamp", code=code, owner=person, deputy=deputy, by=None)


def test_an_owner_leaves_only_after_passing_on(admin: PageClient, cast: Cast, lamps: None) -> None:
    own(cast.author, "hall", "desk", "broken", "gone")
    page = admin.post("accounts.deactivate", code=cast.author.code, expect=409)
    assert "Lamp hall" in page.text
    assert "broken" not in page.one("div", class_="error-summary").text
    admin.post("accounts.pass_on", {"to": "nobody@portal.example"}, code=cast.author.code, expect=400)
    admin.post("accounts.pass_on", {"to": cast.author.sign_in_name}, code=cast.author.code, expect=400)
    admin.post("accounts.pass_on", {"to": cast.approver.sign_in_name}, code=cast.author.code)
    owner = queries.find_owner("lamp", "hall")
    assert owner is not None
    assert owner.owner.id == cast.approver.id
    admin.post("accounts.deactivate", code=cast.author.code)
    assert {row.thing.title for row in ownership.list_belongings(cast.approver)} == {"Lamp hall", "Lamp desk"}


def test_ownership_is_added_to_and_never_edited(cast: Cast, lamps: None) -> None:
    own(cast.author, "hall", deputy=cast.approver)
    own(cast.author, "hall", deputy=cast.approver)
    own(cast.approver, "hall", deputy=cast.lead)
    # The owner and who stands in for her; what was passed on is nobody's who had it.
    owning = (cast.author, cast.approver, cast.lead, cast.learner)
    assert [queries.list_codes_owned(person, "lamp") for person in owning] == [set(), {"hall"}, {"hall"}, set()]
    assert queries.list_codes_owned(cast.approver, "quiz") == set()
    assert [row.thing_code for row in queries.list_owned(cast.author)] == []
    assert queries.list_owned(cast.approver, as_deputy=True) == []
    assert list(queries.find_owners("lamp", ["hall", "desk"])) == ["hall"]
    from portal.accounts.models import Ownership

    assert session.query(Ownership).count() == 2


def test_reactivating_opens_the_account_again(admin: PageClient, cast: Cast) -> None:
    admin.post("accounts.deactivate", code=cast.learner.code)
    admin.post("accounts.deactivate", code=cast.learner.code, expect=409)
    admin.post("accounts.grant_role", {"role": "lead", "scope": "organisation"}, code=cast.learner.code, expect=409)
    admin.post("accounts.send_link", code=cast.learner.code, expect=409)
    admin.post("accounts.reactivate", code=cast.learner.code)
    assert cast.learner.is_active


def test_a_guard_is_asked_before_somebody_goes(admin: PageClient, cast: Cast) -> None:
    def guard(person: Person) -> list[people.Obstacle]:
        return [people.Obstacle("an exam is running", "/quizzes/x")] if person.id == cast.learner.id else []

    people.register_guard(guard)
    try:
        page = admin.post("accounts.deactivate", code=cast.learner.code, expect=409)
        assert "an exam is running" in page.text
        assert "/quizzes/x" in page.links()
    finally:
        people._guards.remove(guard)


def test_the_only_one_in_a_role_goes_only_when_that_is_known(admin: PageClient, cast: Cast) -> None:
    make_grant(cast.colleague, Role.WELLBEING_CONTACT)
    for person, words in ((cast.colleague, "wellbeing contact"), (cast.lead, "Team lead (Account safety)")):
        shown = admin.get("accounts.show_person", code=person.code, lang="en")
        assert words in shown.text
        assert shown.all("input", name="knowing")
        refused = admin.post("accounts.deactivate", code=person.code, expect=409, lang="en")
        assert words in refused.text
        session.expire_all()
        assert person.is_active
        admin.post("accounts.deactivate", {"knowing": "y"}, code=person.code)
        session.expire_all()
        assert not person.is_active


def test_whose_role_others_have_as_well_goes_without_a_question(admin: PageClient, cast: Cast) -> None:
    market_lead = make_person()
    make_grant(market_lead, Role.LEAD, Scope.MARKET, "JP")
    assert not admin.get("accounts.show_person", code=cast.lead.code).all("input", name="knowing")
    admin.post("accounts.deactivate", code=cast.lead.code)
    # The wider role is not covered by a narrower one.
    admin.post("accounts.deactivate", code=market_lead.code, expect=409)


def test_a_market_stands_by_its_name_in_the_list(admin: PageClient, cast: Cast) -> None:
    names = {"en": "United States", "ja": "米国"}
    for language, name in names.items():
        page = admin.get("accounts.list_people", lang=language)
        row = next(each for each in page.all("tr") if "outsider@portal.example" in "".join(each.itertext()))
        assert name in "".join(row.itertext())
        assert (
            f"Team {cast.lead.team.name.en}"
            in admin.get(  # type: ignore[union-attr]
                "accounts.show_person", code=cast.lead.code, lang="en"
            ).text
        )


# --- Accommodations ----------------------------------------------------------------------------


def test_an_accommodation_is_exact_dated_and_its_journal_entry_does_not_say_what_it_is(
    admin: PageClient, cast: Cast, as_: Any
) -> None:
    code = cast.learner.code
    good = {"multiplier": "１．３", "valid_from": "2026-04-01", "valid_until": "2026-04-30", "hide_countdown": "y"}
    admin.post("accounts.approve_accommodation", good, code=code)
    for bad in ({"multiplier": "0.5"}, {"multiplier": "9"}, {"multiplier": "much"}, {"valid_until": "2026-03-01"}):
        admin.post("accounts.approve_accommodation", good | bad, code=code, expect=400)
    row = session.query(Accommodation).one()
    assert (row.multiplier, row.hide_countdown) == (Fraction(13, 10), True)
    assert queries.find_accommodation(cast.learner, date(2026, 4, 30)) is row
    assert queries.find_accommodation(cast.learner, date(2026, 5, 1)) is None
    entry = session.query(JournalEntry).filter_by(action="accounts.accommodation_approved").one()
    assert entry.after == {"valid_from": "2026-04-01", "valid_until": "2026-04-30"}
    with clock.frozen(MORNING + timedelta(days=1)):
        assert "1.3 times the time" not in as_(cast.lead).get("accounts.show_person", code=code).text
        with own_transaction():
            change_settings(values={LEADS_SEE_ACCOMMODATIONS: True}, by=cast.admin)
        assert "1.3 times the time" in as_(cast.lead).get("accounts.show_person", code=code).text
        assert "1.3" in as_(cast.learner).get("accounts.own_account", lang="en").text
    # Leads do where the organisation wants it; peers, authors and auditors never do.
    auditor = make_person(language="en")
    make_grant(auditor, Role.AUDITOR)
    assert "Accommodation" not in as_(auditor).get("accounts.show_person", code=code).text
    admin.post("accounts.end_accommodation", {"accommodation": str(row.id)}, code=cast.colleague.code, expect=404)
    admin.post("accounts.end_accommodation", {"accommodation": str(row.id)}, code=code)
    assert queries.find_accommodation(cast.learner, date(2026, 4, 30)) is None


# --- Import ------------------------------------------------------------------------------------


def send_table(admin: PageClient, data: str | bytes, name: str = "people.csv", expect: int = 303) -> Any:
    raw = data if isinstance(data, bytes) else data.encode()
    return admin.post("accounts.read_people", {"file": (io.BytesIO(raw), name)}, expect=expect)


def preview(admin: PageClient, data: str | bytes, name: str = "people.csv") -> tuple[str, Any]:
    response = send_table(admin, data, name)
    return response.headers["Location"], admin.follow(response)


def seen_on(page: Any) -> str:
    """Return what a preview sends along of what it shows."""
    return str(page.one("input", name="seen").get("value"))


def test_an_import_previews_names_duplicates_and_adds_nobody_twice(admin: PageClient, cast: Cast) -> None:
    table = (
        "メールアドレス,姓,名,市場,チーム\n"
        "learner@portal.example,髙橋,結衣,JP,\n"
        "one@portal.example,一,太郎,jp,Account-Safety\n"
        "ONE@portal.example,一,太郎,JP,\n"
        "two@portal.example,二,,,account-safety\n"
    )
    before = queries.count_people()
    path, page = preview(admin, table.encode("cp932"))
    assert "2 to add, 2 already registered, 0 with errors" in page.text
    assert "Line 3 has the same email address" in page.text
    assert queries.count_people() == before
    admin.post(path, {"send": "y", "seen": seen_on(page)})
    assert queries.count_people() == before + 2
    one = queries.find_person_by_sign_in_name("one@portal.example")
    assert one is not None
    assert one.team is not None
    assert (one.team.code, one.language, one.time_zone) == ("account-safety", "en", "Asia/Tokyo")
    admin.post(path, {}, expect=409)
    assert queries.count_people() == before + 2
    assert session.query(JournalEntry).filter_by(action="accounts.imported").count() == 1
    jobs.run_due()
    # Both are invited, once.
    invited = [queries.find_person_by_sign_in_name(name) for name in ("one@portal.example", "two@portal.example")]
    sent = [row.effect_key.split(":")[2] for row in session.query(jobs.Job).filter_by(name="mail.send")]
    assert sorted(sent) == sorted(person.code for person in invited if person)


BAD_ROWS = [
    ("nobody,X,,", "“nobody” is not an email address", "正しいメールアドレスではありません"),
    ("a@portal.example,,,", "The family name is empty", "姓がありません"),
    (
        "a@portal.example,X,XX,",
        "There is no market “XX”. The markets are: JP, US.",
        "市場「XX」はありません。使えるのは JP、US です。",
    ),
    (
        "a@portal.example,X,,nope",
        "There is no team “nope”. The teams are: account-safety",
        "チーム「nope」はありません。使えるのは account-safety",
    ),
    ("a@portal.example,X,US,account-safety", "Team account-safety belongs to market JP", "市場 JP に属しています"),
    (
        "a@portal.example,X,,",
        "The market is empty. Enter one of these: JP, US.",
        "市場が空です。JP、US のいずれかを書いてください。",
    ),
    (f"a@portal.example,{'名' * 301},JP,", "at most 300 characters", "300文字以内"),
    ("a@portal.example,\u3164\u200b,JP,", "The family name is empty", "姓がありません"),
    ("a@portal.example,X\u202eY,JP,", "control character stands inside (U+202E)", "改行または制御文字（U+202E）"),
    ('a@portal.example,"X\nY",JP,', "a line break or control character", "改行または制御文字"),
]


@pytest.mark.parametrize(("row", "english", "japanese"), BAD_ROWS)
def test_a_bad_row_is_named_with_its_line_and_stops_everybody(
    admin: PageClient, row: str, english: str, japanese: str
) -> None:
    before = queries.count_people()
    table = f"mail,family_name,market,team\ngood@portal.example,Good,JP,\n{row}\n"
    path, page = preview(admin, table)
    assert english in page.text
    assert "1 to add" in page.text
    assert not page.all("input", name="send")
    admin.post(path, {}, expect=409)
    assert queries.count_people() == before
    assert japanese in admin.get(f"{path}?lang=ja").text


def test_a_pasted_row_is_named_with_its_line_and_its_character(admin: PageClient) -> None:
    table = "mail\tfamily_name\tmarket\ngood@portal.example\tGood\tJP\na@portal.example\tX\u202eY\tJP\n"
    answer = admin.post("accounts.read_people", {"text": table}, expect=303)
    page = admin.get(answer.location)
    assert "(U+202E)" in page.text
    assert "1 to add" in page.text


@pytest.mark.parametrize("way", ["pasted", "file"])
def test_no_name_is_refused_whatever_characters_an_office_has_made_for_it(admin: PageClient, way: str) -> None:
    table = "mail,family_name,given_name,market\nmori@portal.example,森\ue000,邊子,JP\n"
    if way == "pasted":
        where = admin.post("accounts.read_people", {"text": table}, expect=303).location
    else:
        where, _ = preview(admin, table)
    page = admin.get(where)
    admin.post(where, {"seen": seen_on(page)}, expect=303)
    person = queries.find_person_by_sign_in_name("mori@portal.example")
    assert person is not None
    assert (person.family_name, person.given_name) == ("森\ue000", "邊子")


def test_an_import_writes_what_an_invitation_writes(admin: PageClient, cast: Cast) -> None:
    row = {
        "family_name": "髙橋", "given_name": "結衣", "family_kana": "たかはし", "given_kana": "ゆい",
        "family_romaji": "Takahashi", "given_romaji": "Yui", "shown_as": "", "employee_number": "E77",
    }  # fmt: skip
    table = (
        "mail,market,team," + ",".join(row) + "\nnew@portal.example,JP,account-safety," + ",".join(row.values()) + "\n"
    )
    where, page = preview(admin, table)
    admin.post(where, {"seen": seen_on(page)})
    form = {**row, "sign_in_name": "other@portal.example", "employee_number": "E78", "language": "en"}
    admin.post(
        "accounts.do_invite",
        {**form, "time_zone": "Asia/Tokyo", "market": "JP", "team": "account-safety", "role": "learner"},
    )
    imported, invited = (queries.find_person_by_sign_in_name(f"{name}@portal.example") for name in ("new", "other"))
    assert imported is not None
    assert invited is not None
    same = [column.name for column in Person.__table__.columns if column.name not in ("id", "code", "created_at")]
    for name in same:
        one, other = getattr(imported, name), getattr(invited, name)
        if isinstance(one, str):
            other = other.replace("other@", "new@").replace("e78", "e77").replace("E78", "E77")
        assert one == other, name
    assert [(each.role, each.scope) for each in imported.grants] == [(Role.LEARNER, Scope.ORGANISATION)]


def test_an_import_that_is_outrun_adds_nobody(admin: PageClient, cast: Cast) -> None:
    response = send_table(admin, "mail,family_name,market\na@portal.example,A,JP\nb@portal.example,B,JP\n")
    kept = queries.get_import(response.headers["Location"].rpartition("/")[2])
    prepared = imports.prepare(kept, imports.key_of(imports.judge(kept)))
    make_person("b@portal.example")
    with pytest.raises(errors.ImportOutdated), own_transaction():
        imports.take_in(kept=kept, prepared=prepared, by=cast.admin, send=True)
    assert queries.find_person_by_sign_in_name("a@portal.example") is None
    # Looked at again, the table adds the one who is not there yet.
    admin.post(response.headers["Location"], {"seen": seen_on(admin.follow(response))})
    assert queries.find_person_by_sign_in_name("a@portal.example") is not None


def test_bad_cells_of_language_zone_and_number_are_named(admin: PageClient, cast: Cast) -> None:
    cast.learner.employee_number = "7"
    save(cast.learner)
    table = (
        "mail,family_name,market,language,time zone,employee number\n"
        "a@portal.example,A,JP,fr,Asia/Tokyo,1\n"
        "b@portal.example,B,JP,ja,Mars/Base,1\n"
        "c@portal.example,C,JP,日本語,,7\n"
    )
    text = preview(admin, table)[1].text
    assert "There is no language “fr”. The languages are: en, ja." in text
    assert "“Mars/Base” is not a known time zone" in text
    assert "Line 2 has the same employee number" in text
    assert "This employee number belongs to another account: 髙橋 結衣" in text


def test_a_table_that_cannot_be_read_says_why(admin: PageClient) -> None:
    assert "cannot be split" in send_table(admin, 'mail,family_name\n"a', expect=400).text
    assert "damaged" in send_table(admin, b"PK\x03\x04", "x.xlsx", expect=400).text
    assert "empty" in send_table(admin, "", expect=400).text
    page = preview(admin, "名字,x\nA,b\n")[1]
    assert "These columns are missing: Email address, Family name" in page.text
    assert "These columns are not recognised and are ignored: 名字, x" in page.text
    both = {"file": (io.BytesIO(b"mail,family_name\na@portal.example,A\n"), "a.csv"), "text": "mail\tname"}
    page = admin.post("accounts.read_people", both, expect=400)
    assert "There is both a file and pasted rows" in page.text
    # What was pasted is still there.
    page = admin.post("accounts.read_people", {"text": 'mail\tname\n"x'}, expect=400)
    assert page.one("textarea", name="text").text == 'mail\tname\n"x'


@pytest.mark.parametrize("name", ["", "  ", "\u3000", "\u200b\u2060", "\u3164", "gpj\u202e.exe"])
def test_a_person_has_a_name_that_can_be_seen_and_read(admin: PageClient, cast: Cast, name: str) -> None:
    form = {
        "sign_in_name": cast.learner.sign_in_name, "family_name": name, "language": "ja", "time_zone": "Asia/Tokyo",
        "market": "JP",
    }  # fmt: skip
    admin.post("accounts.change_person", form, code=cast.learner.code, expect=400)
    session.refresh(cast.learner)
    assert cast.learner.family_name == "髙橋"


@pytest.mark.parametrize("language", ["en", "ja"])
def test_an_export_comes_in_again_as_it_went_out(admin: PageClient, cast: Cast, language: str) -> None:
    for number, name in enumerate(NAMES):
        make_person(
            f"n{number}@portal.example", family_name=name, given_name="", middle_name="x", family_kana="ｶﾅ",
            shown_as=name, employee_number=f"+{number}", team=cast.learner.team,
        )  # fmt: skip
    with force_locale(language):
        for data in (
            admin.fetch("accounts.export_csv", q="n", lang=language).get_data(),
            admin.fetch("accounts.export_xlsx", q="n", lang=language).get_data(),
        ):
            table = tables.read_table(data)
            with own_transaction():
                kept = imports.keep_table(table=table, filename="x", by=cast.admin)
            judged = imports.judge(kept)
            assert judged.unknown_columns == []
            rows = [row for row in judged.rows if row.cells["sign_in_name"].startswith("n")]
            assert [row.cells["family_name"] for row in rows if row.cells["shown_as"]] == [
                row.cells["shown_as"] for row in rows if row.cells["shown_as"]
            ]
            assert {row.cells["family_name"] for row in rows} >= set(NAMES)
            assert {row.verdict for row in judged.rows} == {imports.Verdict.SKIP}


def test_shift_jis_tells_first_which_characters_it_loses(admin: PageClient) -> None:
    make_person(family_name="𠮷田")
    page = admin.get("accounts.export_csv", encoding="cp932", lang="ja")
    assert "𠮷" in page.text
    raw = admin.fetch("accounts.export_csv", encoding="cp932", anyway=1, lang="ja")
    assert "〓田" in raw.get_data().decode("cp932")
    assert raw.headers["Content-Disposition"].endswith("%E3%83%A1%E3%83%B3%E3%83%90%E3%83%BC.csv")


def test_tables_that_nobody_confirmed_go_after_a_day(admin: PageClient, cast: Cast) -> None:
    path, _page = preview(admin, "mail,family_name\na@portal.example,A\n")
    with clock.frozen(clock.now() + timedelta(days=2)), own_transaction():
        assert imports.tidy_imports() == 1
    assert admin.fetch(path).status_code == 404


def test_what_somebody_types_is_never_run(admin: PageClient, as_: Any, cast: Cast) -> None:
    canary = "<img src=x onerror=alert(1)>\"'{{7*7}}"
    fields = ("family_name", "given_name", "middle_name", "family_kana", "given_kana", "family_romaji")
    values = dict.fromkeys((*fields, "given_romaji", "shown_as"), canary)
    admin.post("accounts.do_invite", card(**values, employee_number=canary))
    person = session.query(Person).filter_by(sign_in_name="new@portal.example").one()
    assert person.shown_as == canary
    for endpoint, more in (
        ("accounts.list_people", {}), ("accounts.show_person", {"code": person.code}),
        ("accounts.edit_person", {"code": person.code}), ("journal.list_entries", {}),
    ):  # fmt: skip
        page = admin.get(endpoint, **more)
        assert "<img src=x" not in page.body
        assert "49" not in page.heading
    assert "<img src=x" not in as_(person).get("accounts.own_account").body
    _path, page = preview(admin, f'mail,family_name,"{canary.replace(chr(34), chr(34) * 2)}"\nbad,A,B\n')
    assert "<img src=x" not in page.body


def test_every_post_needs_its_token(app: Flask, admin: PageClient, cast: Cast) -> None:
    with app.app_context():
        for rule in app.url_map.iter_rules():
            if rule.methods and "POST" in rule.methods and rule.endpoint.split(".")[0] in (
                "accounts", "organisation", "journal",
            ):  # fmt: skip
                path = rule.rule.replace("<code>", cast.learner.code).replace("<token>", "x").replace("<job>", "1")
                assert admin.client.post(path, data={}).status_code == 400, path


@pytest.mark.parametrize("language", ["en", "ja"])
def test_every_page_of_people_is_whole_in_both_languages(admin: PageClient, cast: Cast, language: str) -> None:
    admin.language = language
    for endpoint in ("accounts.list_people", "accounts.invite", "accounts.import_people", "accounts.own_account",
                     "accounts.welcome"):  # fmt: skip
        admin.get(endpoint)
    for person in cast.everyone().values():
        admin.get("accounts.show_person", code=person.code)
        admin.get("accounts.edit_person", code=person.code)
    path, _page = preview(admin, "mail,family_name,x\nlearner@portal.example,A,\nbad,B,\nnew@portal.example,C,\n")
    admin.get(f"{path}?lang={language}")
    stranger = PageClient(admin.app, language=language)
    for endpoint in ("accounts.sign_in", "accounts.forgotten", "accounts.link_asked_for", "organisation.wellbeing"):
        stranger.get(endpoint)


# --- Rules -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("password", "fault"),
    [("short", "too_short"), ("x" * 129, "too_long"), ("Password2026!", "common"), ("aaaaaaaaaaaaa", "common"),
     ("abcdabcdabcd", "common"), ("qwertyuiop123", "common"), ("345678901234", "common"),
     ("tanaka-hanako1", "own_words"),
     ("hanako@portal.example", "own_words"), ("a quiet river in autumn", None), ("あきのしずかなかわのおと", None),
     ("田中花子です、よろしくお願いします", None), ("🎏🌊🍁🎐🦊🐻🌸⛩🗻🎍🎎🏯", None),
     ("x" * 5 + "correct" + "y" * 3, None)],
)  # fmt: skip
def test_passwords_are_refused_for_a_reason_that_can_be_told(password: str, fault: str | None) -> None:
    own_words = ["田中", "花子", "Tanaka", "Hanako", "hanako.t@portal.example"]
    assert rules.find_password_fault(password, own_words) == fault


def test_the_scopes_of_grants_are_checked_by_the_database(cast: Cast) -> None:
    from sqlalchemy.exc import IntegrityError

    with pytest.raises(IntegrityError):
        make_grant(cast.learner, Role.LEAD, Scope.TEAM, "")
    session.rollback()


def test_a_table_without_markets_goes_to_the_only_one_and_the_preview_says_so(
    admin: PageClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    only = organisation.list_markets()[:1]
    monkeypatch.setattr(organisation, "list_markets", lambda: only)
    path, page = preview(admin, "mail,family_name\none@portal.example,One\n")
    assert "Rows without a market go to Japan (JP)." in page.text
    assert "1 to add" in page.text
    assert "市場が空の行は、日本 (JP)として取り込みます。" in admin.get(f"{path}?lang=ja").text


def test_the_import_says_which_markets_there_are(admin: PageClient) -> None:
    text = admin.get("accounts.import_people").text
    assert "Each row also needs a market, unless its team says which: JP (Japan), US (United States)." in text


def test_a_market_may_be_named_in_either_language(admin: PageClient) -> None:
    table = "mail,family_name,market\none@portal.example,One,日本\ntwo@portal.example,Two,united states\n"
    _path, page = preview(admin, table)
    assert "2 to add" in page.text


def test_a_filter_of_people_that_is_not_understood_is_named_and_not_applied(admin: PageClient, cast: Cast) -> None:
    page = admin.get("/people?role=zzz&market=Mars&lang=en")
    assert "This filter was not understood and is not applied: Role, Market." in page.text
    assert cast.learner.sign_in_name in page.text
    japanese = admin.get("/people?role=zzz&market=Mars&lang=ja").text
    assert "絞り込みは認識できないため、適用していません：役割、市場" in japanese


def test_ending_the_only_grant_of_a_needed_role_is_asked_about_first(admin: PageClient, cast: Cast) -> None:
    grant = next(each for each in cast.lead.grants if each.role is Role.LEAD)
    form = {"grant": str(grant.id)}
    page = admin.post("accounts.end_role", form, code=cast.lead.code, expect=409)
    assert "Nobody else has this role" in page.text
    session.expire_all()
    assert grant.ended_at is None
    admin.post("accounts.end_role", {**form, "knowing": "y"}, code=cast.lead.code)
    session.expire_all()
    assert grant.ended_at is not None


def test_a_wrong_password_and_a_short_new_one_are_told_together(as_: Any, cast: Cast) -> None:
    browser = as_(cast.learner)
    page = browser.post("accounts.change_password", {"present": "wrong", "password": "short"}, expect=400, lang="en")
    assert "The current password is not correct" in page.text
    assert "at least 12 characters. A short sentence" in page.text


def workbook(**sheets: list[list[str]]) -> bytes:
    return tables.write_workbook(
        [tables.Sheet(name, rows[0] if rows else [], rows[1:]) for name, rows in sheets.items()], created=MORNING
    )


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_workbook_of_several_sheets_says_which_was_read_and_lets_another_be_chosen(
    as_: Any, cast: Cast, language: str
) -> None:
    heading = ["メールアドレス", "姓", "市場"]
    data = workbook(
        Cover=[],
        四月=[heading, ["april@portal.example", "春", "JP"]],
        五月=[heading, ["may@portal.example", "夏", "JP"]],
        Notes=[["a", "a"], ["x", "y"]],
    )
    browser = as_(cast.admin, language=language)
    where, page = preview(browser, data, "people.xlsx")
    code = where.split("/import/")[1].split("?")[0]
    # The first sheet is empty, so that the second was read; a sheet that is no table is named all the same.
    said = {"en": "The sheet “四月” was read.", "ja": "シート「四月」を読み込みました。"}[language]
    assert said in page.text
    assert all(name in page.text for name in ("Cover", "五月", "Notes"))
    assert "april@portal.example" in page.text
    assert [each.get("value") for each in page.all("button") if each.get("name") == "sheet"] == ["五月"]
    page = browser.follow(browser.post("accounts.do_import", {"sheet": "五月"}, code=code, expect=303))
    assert "may@portal.example" in page.text
    assert "april@portal.example" not in page.text
    # And back again: nothing is lost.
    page = browser.follow(browser.post("accounts.do_import", {"sheet": "四月"}, code=code, expect=303))
    assert "april@portal.example" in page.text
    browser.post("accounts.do_import", {"sheet": "六月"}, code=code, expect=409)
    # A tab in which the other sheet still stands adds nobody, and shows what would be added now.
    april = seen_on(page)
    browser.post("accounts.do_import", {"sheet": "五月"}, code=code, expect=303)
    page = browser.post("accounts.do_import", {"seen": april}, code=code, expect=409)
    assert {"en": "Something has changed meanwhile", "ja": "その間に状況が変わった"}[language] in page.text
    assert "may@portal.example" in page.text
    # That no mail is sent was chosen there, and stays so.
    assert page.one("input", name="send").get("checked") is None
    assert queries.find_person_by_sign_in_name("april@portal.example") is None
    browser.post("accounts.do_import", {"sheet": "四月"}, code=code, expect=303)
    browser.post("accounts.do_import", {"seen": april}, code=code, expect=303)
    assert queries.find_person_by_sign_in_name("april@portal.example") is not None
    assert queries.find_person_by_sign_in_name("may@portal.example") is None
    # What is done offers no other sheet.
    browser.post("accounts.do_import", {"sheet": "五月"}, code=code, expect=409)


def test_a_workbook_of_one_sheet_says_nothing_of_sheets(admin: PageClient) -> None:
    _where, page = preview(admin, workbook(A=[["メールアドレス", "姓"], ["a@portal.example", "春"]]), "a.xlsx")
    assert [each for each in page.all("button") if each.get("name") == "sheet"] == []

"""Whoever becomes owner can do what an owner does: nobody is given what she could not open and change."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from portal.accounts.errors import OwnerUnfit
from portal.accounts.models import Person, Role, Scope
from portal.accounts.service import owner_needs, ownership
from portal.accounts.service.ownership import OwnerNeeds
from portal.core.i18n import force_locale
from portal.core.transaction import own_transaction
from portal.handover import errors
from portal.handover.queries.people import list_possible_owners
from portal.handover.rules import ItemState, Stage
from portal.handover.service import items
from tests.builders import Cast, make_grant, make_person
from tests.handover.builders import (
    KIND,
    LAST_ON,
    TODAY,
    Things,
    accept,
    assign,
    begin,
    close,
    give,
    item_of,
    owed,
    owner_of,
    plan,
    show,
    state,
    written,
)

pytestmark = pytest.mark.usefixtures("today")
LANGUAGES = pytest.mark.parametrize("language", ["en", "ja"])
ROLE = {"en": "Team lead (Account safety)", "ja": "リード（アカウント安全）"}


@pytest.fixture
def led(cast: Cast, things: Things) -> Things:
    """Two things of the lead's, of her team, for which an owner has to lead it."""
    things.owner_needs, things.team_code = OwnerNeeds((Role.LEAD, Role.ADMIN)), "account-safety"
    give(things, cast.lead, "a", "b")
    return things


def lead_team(person: Person) -> None:
    make_grant(person, Role.LEAD, Scope.TEAM, "account-safety")


def test_every_kind_says_what_its_owner_needs(app: Flask) -> None:
    unsaid = {kind for kind in ownership.kinds() if owner_needs.needs_of(kind) is None}
    assert unsaid == set()


@pytest.mark.parametrize(
    ("scope", "code", "reaches"),
    [
        (Scope.ORGANISATION, "", True),
        (Scope.MARKET, "JP", True),
        (Scope.MARKET, "US", False),
        (Scope.TEAM, "account-safety", True),
        (Scope.TEAM, "payments-safety", False),
        (Scope.COHORT, "spring", True),
        (Scope.COHORT, "autumn", False),
    ],
)
def test_a_role_reaches_what_it_is_held_for(cast: Cast, things: Things, scope: Scope, code: str, reaches: bool) -> None:
    things.owner_needs = OwnerNeeds((Role.LEAD,))
    person = make_person(team=cast.lead.team)
    make_grant(person, Role.LEAD, scope, code)
    thing = ownership.OwnedThing(
        "Spring", None, market_codes=frozenset(["JP"]), team_code="account-safety", cohort_code="spring"
    )
    assert owner_needs.may_own(person, KIND, thing) is reaches


def test_a_learner_learns_it_first_and_accepts_once_she_has_the_role(cast: Cast, led: Things) -> None:
    found = begin(cast.lead, cast.admin)
    assign(found, cast.learner, "a", "b", by=cast.lead)
    show(found, cast.learner, "a")
    with pytest.raises(errors.RoleMissing) as refused, own_transaction():
        items.accept(item=item_of(found, "a"), by=cast.learner)
    assert ROLE["en"] in str(refused.value)
    assert state(found, "a") is ItemState.TO_DECIDE
    lead_team(cast.learner)
    with own_transaction():
        items.accept(item=item_of(found, "a"), by=cast.learner)
    assert state(found, "a") is ItemState.ACCEPTED


def test_nothing_moves_to_somebody_whose_role_has_ended_since(cast: Cast, led: Things) -> None:
    grant = make_grant(cast.learner, Role.LEAD, Scope.TEAM, "account-safety")
    found = begin(cast.lead, cast.admin)
    assign(found, cast.learner, "a", "b")
    accept(found, cast.learner, "a", "b")
    with own_transaction():
        grant.ended_at, grant.ended_by = grant.granted_at + timedelta(days=1), "test"
    with pytest.raises(errors.RolesMissing) as refused:
        close(found, cast.admin)
    assert "Thing a, Thing b" in str(refused.value)
    assert owner_of("a") == cast.lead
    lead_team(cast.learner)
    close(found, cast.admin)
    assert owner_of("a") == cast.learner


def test_the_administrators_are_asked_once_for_what_a_successor_lacks(cast: Cast, led: Things) -> None:
    found = begin(cast.lead, cast.admin)
    assign(found, cast.learner, "a", "b", by=cast.lead)
    assign(found, cast.learner, "a", "b", by=cast.lead)
    (asked,) = owed("handover.role_missing")
    mail = written("handover.role_missing", **asked)
    assert mail.startswith(cast.admin.sign_in_name)
    assert "Thing a, Thing b" in mail
    lead_team(cast.learner)
    assert written("handover.role_missing", **asked) == ""


@LANGUAGES
def test_who_lacks_a_role_is_offered_apart_with_the_role(cast: Cast, led: Things, as_: Any, language: str) -> None:
    lead_team(cast.author)
    found = begin(cast.lead, cast.admin)
    assign(found, None, "a")
    page = as_(cast.admin, language=language).get("handover.item", item=item_of(found, "a").code)
    options = {each.get("value", ""): each.text or "" for each in page.one("select", id="successor").iter("option")}
    assert ROLE[language] in options[cast.learner.code]
    assert ROLE[language] not in options[cast.author.code]
    codes = list(options)
    assert codes.index(cast.author.code) < codes.index(cast.learner.code)


@LANGUAGES
def test_the_item_says_which_role_is_missing_and_who_gives_it(cast: Cast, led: Things, as_: Any, language: str) -> None:
    found = begin(cast.lead, cast.admin)
    assign(found, cast.learner, "a")
    show(found, cast.learner, "a", Stage.SHADOW)
    item = item_of(found, "a").code
    hers = as_(cast.learner, language=language).get("handover.item", item=item)
    assert ROLE[language] in hers.text
    assert cast.admin.name_in(language) in hers.text
    admins = as_(cast.admin, language=language).get("handover.item", item=item)
    assert f"/people/{cast.learner.code}" in str(admins.response.get_data(as_text=True))


def test_who_stands_in_is_given_only_what_she_can_do(cast: Cast, led: Things, as_: Any) -> None:
    led.owner_needs = None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner_needs, "may_own", lambda person, kind, thing: thing.title != "Thing b")
        found = plan(cast.lead, cast.colleague, TODAY, TODAY)
        assert owner_of("a") == cast.colleague
        assert owner_of("b") == cast.lead
        page = as_(cast.lead, language="en").get("handover.stand_in", code=found.code)
    assert "What stays with" in page.text


def test_nobody_stands_in_who_could_do_nothing_with_any_of_it(cast: Cast, led: Things) -> None:
    with pytest.raises(errors.StandInUnfit, match="Team lead"):
        plan(cast.lead, cast.learner, TODAY, LAST_ON - timedelta(days=25))
    assert owner_of("a") == cast.lead


def test_an_auditor_is_not_offered_in_somebodys_place(cast: Cast, led: Things) -> None:
    auditor, both = make_person(), make_person()
    make_grant(auditor, Role.AUDITOR)
    make_grant(both, Role.AUDITOR)
    make_grant(both, Role.MENTOR)
    offered = list_possible_owners(cast.lead)
    assert (auditor in offered, both in offered) == (False, True)


def test_an_owner_is_named_only_who_has_the_role(cast: Cast, led: Things) -> None:
    with pytest.raises(OwnerUnfit, match="Thing a"):
        owner_needs.refuse_lacking(cast.learner, [(KIND, "a")])
    lead_team(cast.learner)
    owner_needs.refuse_lacking(cast.learner, [(KIND, "a")])


@LANGUAGES
def test_the_page_of_who_answers_refuses_an_owner_without_the_role(
    cast: Cast, led: Things, as_: Any, language: str
) -> None:
    make_grant(cast.colleague, Role.MENTOR)
    admin = as_(cast.admin, language=language)
    page = admin.get("duties.name_owners", kind=KIND, code="a")
    options = {each.get("value", ""): each.text or "" for each in page.one("select", id="owner").iter("option")}
    assert ROLE[language] in options[cast.colleague.code]
    seen = page.one("input", name="seen").get("value", "")
    form = {"owner": cast.colleague.code, "deputy": "", "team": "", "seen": seen}
    refused = admin.post("duties.name_owners", kind=KIND, code="a", data=form, expect=409)
    assert ROLE[language] in refused.text
    assert owner_of("a") == cast.lead


def test_everything_is_passed_on_at_once_only_to_somebody_with_the_roles(cast: Cast, led: Things, as_: Any) -> None:
    admin = as_(cast.admin, language="en")
    page = admin.post("accounts.pass_on", code=cast.lead.code, data={"to": cast.learner.sign_in_name}, expect=409)
    assert ROLE["en"] in page.text
    assert owner_of("a") == cast.lead


@pytest.mark.parametrize(
    ("kind", "language", "said"),
    [
        ("obligation", "en", {"Team lead", "Policy owner"}),
        ("obligation", "ja", {"リード", "ポリシー責任者"}),
        ("recurring_task", "en", {"any role besides those of learners and auditors"}),
    ],
)
def test_the_roles_are_named_that_would_do(app: Flask, kind: str, language: str, said: set[str]) -> None:
    with force_locale(language):
        told = owner_needs.told(kind, ownership.OwnedThing("It", None))
    assert all(each in told for each in said), told

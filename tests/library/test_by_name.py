"""A document that is addressed by name is read, found, listed and counted by those named, and by nobody else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from portal.accounts.models import Person, Role, Scope
from portal.accounts.service.ownership import kinds
from portal.acknowledgements.queries.campaigns import is_to_be_asked
from portal.core import clock, folding, search
from portal.core.access import allows
from portal.core.db import session
from portal.core.transaction import own_transaction
from portal.library import permissions, queries
from portal.library.invariants import INVARIANTS
from portal.library.models import AudienceKind, ChangeClass, Document, DocumentKind, DocumentVersion, Origin
from portal.library.permissions import FIND_DOCUMENT, READ_DOCUMENT
from portal.library.queries.audience import count_addressed
from portal.library.queries.search import find_in_force
from portal.library.service import documents, versions
from portal.library.service.versions import heading_elsewhere
from portal.operations.service import ContentRefused, export_content
from portal.training.queries.plan_drafts import read_known
from tests.builders import Cast, make_grant, make_person
from tests.library.builders import EN, JA, english, japanese
from tests.library.test_content import BASE, PARTS, take_in, write
from tests.page_client import PageClient


def make_named(by: Person, *people: Person, slug: str = "impersonation") -> DocumentVersion:
    """Return the first version of a document that is addressed to these people by name."""
    with own_transaction():
        document = documents.create_document(slug=slug, kind=DocumentKind.HANDOVER, is_by_name=True, by=by)
        name(document, by, *people)
        return versions.compile_version(
            document=document,
            change_class=ChangeClass.MATERIAL,
            zone="Asia/Tokyo",
            texts=[english(EN), japanese(JA)],
            by=by,
        )


def name(document: Document, by: Person, *people: Person) -> None:
    documents.set_audience(document=document, audience={AudienceKind.PERSON: [each.code for each in people]}, by=by)


def hits(person: Person) -> list[str]:
    found = search.search(folding.parse("ファンアカウント"), person, limit=100).hits
    return [each.address for each in found]


def sees(person: Person, document: Document) -> set[str]:
    """Return by which ways a person comes upon the document."""
    ways = {
        "reads": allows(person, READ_DOCUMENT, document),
        "finds": allows(person, FIND_DOCUMENT, document),
        "searches": bool(hits(person)),
        "lists": document.slug in [each.slug for each in queries.list_library(person, "en")],
        "in force": document.id in find_in_force(person, person.home_market.code, clock.now()),
    }
    return {way for way, is_so in ways.items() if is_so}


ALL = {"reads", "finds", "searches", "lists", "in force"}


def test_only_who_is_named_comes_upon_it_whatever_the_roles(cast: Cast) -> None:
    document = make_named(cast.lead, cast.learner).document
    assert sees(cast.learner, document) == ALL
    for person in (cast.colleague, cast.outsider, cast.author, cast.approver, cast.admin, cast.lead):
        assert sees(person, document) == set(), person.code
    for role in Role:
        person = make_person()
        make_grant(person, role)
        assert sees(person, document) == (ALL if role is Role.AUDITOR else set()), role
    for role in (Role.AUTHOR, Role.POLICY_OWNER, Role.APPROVER, Role.LEAD):
        person = make_person()
        make_grant(person, role, scope=Scope.MARKET, scope_code=cast.learner.home_market.code)
        assert sees(person, document) == set(), role


def test_with_nobody_named_it_is_nobodys_and_a_name_taken_out_closes_it(cast: Cast) -> None:
    document = make_named(cast.lead, cast.learner, cast.colleague).document
    assert count_addressed(document) == 2
    with own_transaction():
        name(document, cast.lead, cast.colleague)
    assert (sees(cast.learner, document), sees(cast.colleague, document)) == (set(), ALL)
    with own_transaction():
        name(document, cast.lead)
    assert sees(cast.colleague, document) == set()
    assert count_addressed(document) == 0


def test_markets_teams_and_roles_say_nothing_of_it_and_people_nothing_of_others(cast: Cast) -> None:
    document = make_named(cast.lead, cast.learner).document
    with own_transaction():
        documents.set_audience(
            document=document,
            audience={AudienceKind.ROLE: ["learner"], AudienceKind.PERSON: [cast.learner.code]},
            by=cast.lead,
        )
    assert document.audience(AudienceKind.ROLE) == []
    with own_transaction():
        other = documents.create_document(
            slug="other", kind=DocumentKind.POLICY, audience={AudienceKind.PERSON: [cast.learner.code]}, by=cast.author
        )
    assert other.audience(AudienceKind.PERSON) == []
    named = INVARIANTS["people are named where documents are addressed by name"]
    assert named() == []


def test_whoever_made_it_says_who_reads_it_besides(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    document = make_named(cast.lead, cast.learner).document

    class Readers:
        def reads(self, person: Person, thing: Document) -> bool:
            return person.id == cast.outsider.id

        def documents_of(self, person: Person) -> Any:
            return select(Document.id) if person.id == cast.outsider.id else None

    monkeypatch.setattr(permissions, "_readers", [Readers()])
    assert sees(cast.outsider, document) == ALL
    assert sees(cast.colleague, document) == set()


def test_it_asks_nobody_by_a_campaign_and_needs_no_owner(cast: Cast) -> None:
    version = make_named(cast.lead, cast.learner)
    assert not is_to_be_asked(version)
    assert version.document.slug not in kinds()["document"].list_live_codes()


def test_it_is_in_no_list_from_which_documents_are_chosen(app: Flask, cast: Cast) -> None:
    make_named(cast.lead, cast.author, cast.admin, slug="passed-on")
    assert "passed-on" not in read_known().documents
    assert "passed-on" not in [each.slug for each in queries.list_documents()]
    browser = PageClient(app, cast.author, "en")
    for endpoint in ("library.new_document", "quizzes.new_bank", "duties.new_task"):
        if endpoint in app.view_functions:
            assert "passed-on" not in browser.fetch(endpoint).text, endpoint


def test_nobody_changes_it_by_hand_not_even_who_is_named(app: Flask, cast: Cast) -> None:
    everything = make_person()
    for role in Role:
        make_grant(everything, role)
    version = make_named(cast.lead, everything, slug="passed-on")
    browser = PageClient(app, everything, "en")
    for endpoint in ("library.audience", "library.approvals", "library.market_texts_of"):
        assert browser.fetch(endpoint, slug="passed-on").status_code in (403, 404), endpoint
    assert browser.fetch("library.withdraw", slug="passed-on", number=version.number).status_code == 403
    page = browser.get("library.read", slug="passed-on")
    assert "Edit the latest version" not in page.text
    assert "Withdraw this version" not in page.text
    assert browser.fetch("acknowledgements.ask_question", slug="passed-on").status_code == 404


def test_other_documents_that_link_to_it_learn_no_heading(cast: Cast) -> None:
    make_named(cast.lead, cast.learner, slug="passed-on")
    assert heading_elsewhere("passed-on", "scope", "en") is None


def test_it_neither_leaves_nor_comes_in_with_files(cast: Cast, tmp_path: Path) -> None:
    make_named(cast.lead, cast.learner)
    assert not [each.path for each in export_content(PARTS) if "impersonation" in each.path]
    with pytest.raises(ContentRefused, match="addressed to single people by name and does not come from files"):
        take_in(write(tmp_path, BASE), cast.admin)
    session.rollback()
    document = queries.get_document("impersonation")
    assert document.audience(AudienceKind.PERSON) == [cast.learner.code]
    assert len(document.versions) == 1


def test_what_is_put_together_has_no_author_and_nobody_approved_it(cast: Cast) -> None:
    version = make_named(cast.lead, cast.learner)
    assert (version.origin, version.author_code, version.approved_by) == (Origin.COMPILED, None, None)
    assert version.issued_by == cast.lead.code
    with own_transaction():
        open_to_all = documents.create_document(slug="open", kind=DocumentKind.POLICY, by=cast.author)
    with pytest.raises(AssertionError):
        versions.compile_version(
            document=open_to_all, change_class=ChangeClass.MATERIAL, zone="UTC", texts=[english(EN)], by=cast.author
        )


@pytest.mark.parametrize("language", ["en", "ja"])
def test_who_is_not_named_is_answered_as_if_there_were_nothing(app: Flask, cast: Cast, language: str) -> None:
    version = make_named(cast.lead, cast.learner)
    browser = PageClient(app, cast.outsider, language)
    there = {
        each: browser.fetch(each, slug="impersonation", **values)
        for each, values in {
            "library.read": {},
            "library.history": {},
            "library.print_view": {},
            "library.read_version": {"number": version.number},
            "library.compare": {},
            "acknowledgements.delta": {},
        }.items()
    }
    assert {each.status_code for each in there.values()} == {404}
    nothing = browser.fetch("library.read", slug="there-is-no-such-thing")
    # But for the number under which each answer is asked about.
    one, other = (
        re.sub(r"[0-9a-f]{16}", "", each.text).replace("impersonation", "").replace("there-is-no-such-thing", "")
        for each in (there["library.read"], nothing)
    )
    assert one == other
    assert "impersonation" not in browser.get("library.index").text

"""A dossier is issued into the library: version by version, read by name, confirmed by who takes over, printed once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pypdfium2
import pytest
from flask import Flask
from sqlalchemy import select

from portal.accounts.models import Person, Role
from portal.acknowledgements import service as acknowledging
from portal.acknowledgements.models import Campaign
from portal.core import clock, jobs
from portal.core.access import allows
from portal.core.db import session
from portal.core.transaction import own_transaction
from portal.duties.service import cards
from portal.handover.errors import DossierTooLong, HandoverOver, NothingToIssue
from portal.handover.invariants import INVARIANTS
from portal.handover.models import Handover
from portal.handover.queries import dossiers as queries
from portal.handover.rules import Reason
from portal.handover.service import handovers, issuing
from portal.library import queries as library
from portal.library.models import AudienceKind, ChangeClass, DocumentVersion, Origin
from portal.library.permissions import READ_DOCUMENT
from portal.library.service import readings
from tests.builders import Cast, make_grant, make_person
from tests.handover.builders import KIND, TODAY, Things, accept, assign, at, begin, close, give, item_of
from tests.page_client import PageClient

CARDS = {
    "one": {"purpose": {"ja": "判断をそろえる", "en": "Decide alike"}, "steps": {"ja": "1. 開く\n2. 読む"}},
    "two": {"purpose": {"en": "Keep the list whole"}},
}


def write(code: str, by: Person, parts: Any) -> None:
    with own_transaction():
        subject = cards.get_subject(KIND, code)
        known = cards.queries.find_card(KIND, code)
        cards.write_card(
            subject=subject,
            parts=parts,
            questions=[],
            seen=known.latest.number if known is not None and known.versions else 0,
            by=by,
        )


def issue(handover: Handover, by: Person) -> list[DocumentVersion]:
    with own_transaction():
        return issuing.issue(handover=handover, by=by)


def confirm(handover: Handover, successor: Person) -> None:
    """Let a successor read and confirm the last version of her dossier."""
    version = dossier_for(handover, successor).document.versions[-1]
    with own_transaction():
        readings.note_opened(person=successor, version=version, known=None)
        acknowledging.acknowledge(version=version, language="en", by=successor)


def dossier_for(handover: Handover, successor: Person | None) -> Any:
    session.expire_all()
    wanted = successor.id if successor is not None else None
    (found,) = [each for each in queries.list_dossiers(handover) if each.successor_id == wanted]
    return found


def state_of(handover: Handover, successor: Person) -> issuing.Issued:
    session.expire_all()
    (found,) = [each for each in issuing.dossiers_of(handover) if each.dossier.successor_id == successor.id]
    return found


@pytest.fixture
def handover(cast: Cast, things: Things, today: None) -> Handover:
    """The colleague hands over two things with cards: one to the learner, one to the author."""
    make_grant(cast.lead, Role.LEAD)
    give(things, cast.colleague, "one", "two")
    for code, parts in CARDS.items():
        write(code, cast.colleague, parts)
    begun = begin(cast.colleague, cast.lead)
    assign(begun, cast.learner, "one")
    assign(begun, cast.author, "two")
    return begun


def test_issuing_publishes_a_document_of_kind_handover_in_both_languages(cast: Cast, handover: Handover) -> None:
    issued = issue(handover, cast.lead)
    assert [(each.number, each.origin, each.document.kind.value) for each in issued] == [
        ("1.0", Origin.COMPILED, "handover")
    ] * 3
    for each in issued:
        assert {text.language for text in each.texts} == {"en", "ja"}
        assert not any(text.behind for text in each.texts)
        assert each.document.is_by_name
        assert each.issued_by == cast.lead.code
    one = f"item-{item_of(handover, 'one').code.lower()}"
    assert f"{one}-purpose" in library.clause_anchors(dossier_for(handover, None).document.versions[-1])


def test_whoever_hands_over_issues_it_too_and_nobody_who_only_takes_over(
    app: Flask, cast: Cast, handover: Handover
) -> None:
    for person, status in ((cast.learner, 403), (cast.outsider, 404), (cast.colleague, 200), (cast.lead, 200)):
        answer = PageClient(app, person, "en").fetch("handover.issue_dossier", code=handover.code)
        assert answer.status_code == status, person.code
    administrator = make_person()
    make_grant(administrator, Role.ADMIN)
    assert PageClient(app, administrator, "en").fetch("handover.issue_dossier", code=handover.code).status_code == 403
    assert len(issue(handover, cast.colleague)) == 3


def test_what_says_the_same_is_not_issued_again(cast: Cast, handover: Handover) -> None:
    issue(handover, cast.lead)
    with clock.frozen(at(TODAY + timedelta(days=3))), pytest.raises(NothingToIssue):
        issue(handover, cast.lead)


def test_a_changed_card_is_a_new_version_for_those_whom_it_concerns_and_keeps_its_addresses(
    cast: Cast, handover: Handover
) -> None:
    issue(handover, cast.lead)
    before = dossier_for(handover, None).document.versions[-1]
    anchors, sources = library.clause_anchors(before), {text.language: text.source for text in before.texts}
    write("one", cast.colleague, CARDS["one"] | {"trouble": {"en": "Ask the lead"}})
    issued = issue(handover, cast.lead)
    assert {each.document.slug for each in issued} == {
        dossier_for(handover, None).document.slug,
        dossier_for(handover, cast.learner).document.slug,
    }
    assert {(each.number, each.change_class) for each in issued} == {("2.0", ChangeClass.MATERIAL)}
    after = dossier_for(handover, None).document.versions
    assert set(anchors) < set(library.clause_anchors(after[-1]))
    assert {text.language: text.source for text in after[0].texts} == sources


def test_facts_about_items_ask_nobody_again(cast: Cast, handover: Handover) -> None:
    issue(handover, cast.lead)
    confirm(handover, cast.learner)
    with clock.frozen(at(TODAY + timedelta(days=1))):
        with own_transaction():
            card = cards.queries.find_card(KIND, "one")
            assert card is not None
            handovers.move_last_day(
                handover=handover,
                last_on=handover.last_on + timedelta(days=1),
                back_on=None,
                reason="Another week of work",
                seen=1,
                by=cast.lead,
            )
        assert {each.number for each in issue(handover, cast.lead)} == {"1.1"}
    assert not state_of(handover, cast.learner).is_missing


def test_each_successor_confirms_her_own_dossier_and_is_asked_again_when_it_changes(
    cast: Cast, handover: Handover
) -> None:
    issue(handover, cast.lead)
    assert state_of(handover, cast.learner).is_missing
    confirm(handover, cast.learner)
    found = state_of(handover, cast.learner)
    assert (found.is_missing, found.confirmed.number if found.confirmed else "") == (False, "1.0")
    assert state_of(handover, cast.author).is_missing
    write("one", cast.colleague, CARDS["one"] | {"trouble": {"en": "Ask the lead"}})
    issue(handover, cast.lead)
    found = state_of(handover, cast.learner)
    assert (found.is_missing, found.confirmed.number if found.confirmed else "") == (True, "1.0")


def test_nobody_is_asked_by_a_campaign(cast: Cast, handover: Handover) -> None:
    issue(handover, cast.lead)
    jobs.run_due()
    assert session.scalars(select(Campaign)).all() == []
    assert state_of(handover, cast.learner).is_missing


def test_a_dossier_is_read_by_its_successor_and_who_gives_and_leads_only(cast: Cast, handover: Handover) -> None:
    issue(handover, cast.lead)
    roles = {role: make_person() for role in (Role.AUTHOR, Role.POLICY_OWNER, Role.APPROVER, Role.ADMIN, Role.AUDITOR)}
    for role, person in roles.items():
        make_grant(person, role)
    whole, hers = dossier_for(handover, None).document, dossier_for(handover, cast.learner).document
    readers = {cast.colleague: (True, True), cast.lead: (True, True), cast.learner: (False, True)}
    readers |= {cast.author: (False, False), cast.outsider: (False, False), roles[Role.AUDITOR]: (True, True)}
    readers |= {roles[each]: (False, False) for each in (Role.AUTHOR, Role.POLICY_OWNER, Role.APPROVER, Role.ADMIN)}
    for person, expected in readers.items():
        assert (allows(person, READ_DOCUMENT, whole), allows(person, READ_DOCUMENT, hers)) == expected, person.code


def test_who_is_not_to_take_over_any_more_reads_it_no_more(cast: Cast, handover: Handover) -> None:
    issue(handover, cast.lead)
    hers = dossier_for(handover, cast.learner).document
    assert allows(cast.learner, READ_DOCUMENT, hers)
    assign(handover, cast.author, "one", by=cast.lead)
    hers = dossier_for(handover, cast.learner).document
    assert hers.audience(AudienceKind.PERSON) == []
    assert not allows(cast.learner, READ_DOCUMENT, hers)
    assert not state_of(handover, cast.learner).is_missing


def test_closing_issues_the_last_version_by_itself(cast: Cast, handover: Handover) -> None:
    issue(handover, cast.lead)
    accept(handover, cast.learner, "one")
    accept(handover, cast.author, "two")
    write("two", cast.colleague, CARDS["two"] | {"open_items": {"en": "The list of words"}})
    closed = close(handover, cast.lead)
    # What the learner gets says how it stands, too; that is confirmed already, and she is not asked again.
    assert closed.issued == 3
    assert dossier_for(handover, cast.learner).document.versions[-1].change_class is ChangeClass.MINOR
    assert dossier_for(handover, cast.author).document.versions[-1].change_class is ChangeClass.MATERIAL
    assert (
        "The list of words"
        in {text.language: text.source for text in dossier_for(handover, cast.author).document.versions[-1].texts}["en"]
    )
    assert allows(cast.author, READ_DOCUMENT, dossier_for(handover, cast.author).document)
    with pytest.raises(HandoverOver):
        issue(handover, cast.lead)


def test_closing_issues_what_was_never_issued(cast: Cast, handover: Handover) -> None:
    accept(handover, cast.learner, "one")
    accept(handover, cast.author, "two")
    assert close(handover, cast.lead).issued == 3
    assert len(queries.list_dossiers(handover)) == 3


def test_a_rehearsal_leaves_no_dossier_by_itself(cast: Cast, things: Things, today: None) -> None:
    make_grant(cast.lead, Role.LEAD)
    give(things, cast.colleague, "one")
    found = begin(cast.colleague, cast.lead, reason=Reason.REHEARSAL)
    close(found, cast.lead)
    assert queries.list_dossiers(found) == []


def test_calling_off_takes_back_what_was_issued(cast: Cast, handover: Handover) -> None:
    issue(handover, cast.lead)
    with own_transaction():
        handovers.call_off(handover=handover, reason="She stays", by=cast.lead)
    for each in queries.list_dossiers(handover):
        assert each.document.versions[-1].withdrawn_at is not None
        assert each.document.audience(AudienceKind.PERSON) == []


def test_a_dossier_beyond_the_bounds_is_refused_in_words_and_closing_goes_on(
    app: Flask, cast: Cast, things: Things, handover: Handover
) -> None:
    long = "\n".join(f"{number}. あいうえおかきくけこさしすせそ" for number in range(240))
    for number in range(25):
        give(things, cast.colleague, f"long{number}")
        write(f"long{number}", cast.colleague, {"steps": {"ja": long}})
    page = PageClient(app, cast.lead, "en").get("handover.issue_dossier", code=handover.code)
    assert "Shorten the longest cards" in page.text
    assert "“Thing long0” (" in page.text
    # Whole it can be taken away all the same, and what is short enough is issued.
    assert [each for each in page.links() if each.endswith("/dossier/en.md")]
    given = PageClient(app, cast.lead, "en").fetch("handover.dossier_markdown", code=handover.code, language="en")
    assert given.status_code == 200
    assert given.text.count(long) == 25
    assert "Thing long24" in given.text
    issue(handover, cast.lead)
    assert [each.successor_id is None for each in queries.list_dossiers(handover)] == [False] * 2
    with pytest.raises(DossierTooLong, match="Thing long0"):
        issue(handover, cast.lead)
    assert (
        "Shorten the longest cards" in PageClient(app, cast.lead, "en").get("handover.close", code=handover.code).text
    )


@pytest.mark.parametrize("tag", ["en", "ja"])
def test_each_version_is_printed_once_and_kept_with_its_hash(
    app: Flask, cast: Cast, handover: Handover, tag: str
) -> None:
    write("two", cast.colleague, CARDS["two"] | {"steps": {"ja": "- 一つ目\n- 二つ目\n\n𠮷野家 \U0001f600 ☂ ᚠ"}})
    told = PageClient(app, cast.lead, tag).get("handover.issue_dossier", code=handover.code).text
    assert {"en": "has no font for these characters", "ja": "フォントがない"}[tag] in told
    assert "U+1F600" in told
    issue(handover, cast.lead)
    jobs.run_due()
    document = dossier_for(handover, cast.author).document
    answer = PageClient(app, cast.author, tag).fetch(
        "handover.issued_pdf", slug=document.slug, number="1.0", language=tag
    )
    assert answer.status_code == 200
    assert answer.data.startswith(b"%PDF")
    file = queries.find_file(document.versions[-1].id, tag)
    assert file is not None
    assert file.content == answer.data
    # The paper says which characters it cannot show; the Markdown has them.
    first_page = "".join(pypdfium2.PdfDocument(answer.data)[0].get_textpage().get_text_bounded().split())
    assert "U+1F600" in first_page
    markdown = PageClient(app, cast.author, tag).fetch(
        "handover.issued_markdown", slug=document.slug, number="1.0", language=tag
    )
    assert "\U0001f600" in markdown.text
    assert [each() for name, each in INVARIANTS.items() if "dossier" in name] == [[], []]
    page = PageClient(app, cast.author, tag).get("handover.dossier", code=handover.code)
    assert file.sha256 in page.text


def test_a_file_is_not_there_before_it_is_made_and_the_page_says_so(app: Flask, cast: Cast, handover: Handover) -> None:
    issue(handover, cast.lead)
    slug = dossier_for(handover, None).document.slug
    browser = PageClient(app, cast.lead, "en")
    assert browser.fetch("handover.issued_pdf", slug=slug, number="1.0", language="en").status_code == 404
    assert "PDF is being made" in browser.get("handover.dossier", code=handover.code).text


def test_the_markdown_of_a_version_is_what_was_published(app: Flask, cast: Cast, handover: Handover) -> None:
    issue(handover, cast.lead)
    document = dossier_for(handover, cast.learner).document
    answer = PageClient(app, cast.learner, "ja").fetch(
        "handover.issued_markdown", slug=document.slug, number="1.0", language="ja"
    )
    assert answer.text.startswith("# ")
    assert "人事評価" in answer.text
    assert document.versions[-1].text_in("ja").source in answer.text
    assert "Keep the list whole" not in answer.text


def test_why_days_were_moved_is_forgotten_when_it_is_closed(app: Flask, cast: Cast, handover: Handover) -> None:
    with own_transaction():
        handovers.move_last_day(
            handover=handover,
            last_on=handover.last_on + timedelta(days=1),
            back_on=None,
            reason="An operation at the hospital",
            seen=1,
            by=cast.lead,
        )
    accept(handover, cast.learner, "one")
    accept(handover, cast.author, "two")
    assert (
        "1 reason why the last day was moved is deleted"
        in PageClient(app, cast.lead, "en").get("handover.close", code=handover.code).text
    )
    close(handover, cast.lead)
    session.expire_all()
    assert [each.reason for each in handover.days] == ["", ""]
    page = PageClient(app, cast.lead, "en").get("handover.handover", code=handover.code)
    assert "hospital" not in page.text
    # Why she went is nobody's business any more.
    assert "Resignation" not in page.text
    assert "Resignation" in PageClient(app, cast.colleague, "en").get("handover.handover", code=handover.code).text


def test_closing_names_the_cards_that_name_whoever_goes_among_their_contacts(
    app: Flask, cast: Cast, handover: Handover
) -> None:
    write("one", cast.colleague, CARDS["one"] | {"contacts": {"en": f"{cast.colleague.name_in('en')}, at home"}})
    page = PageClient(app, cast.lead, "en").get("handover.close", code=handover.code)
    assert "take out what is private before closing" in page.text
    assert [each for each in page.links() if "/cards/of/" in each] == [f"/cards/of/{KIND}/one"]


def test_the_close_preview_names_who_has_not_confirmed(app: Flask, cast: Cast, handover: Handover) -> None:
    issue(handover, cast.lead)
    confirm(handover, cast.author)
    page = PageClient(app, cast.lead, "en").get("handover.close", code=handover.code)
    assert "this does not keep the handover open" in page.text
    assert page.text.count("Not confirmed yet") == 2
    assert cast.learner.name_in("en") in page.text


def test_today_asks_a_successor_until_she_has_confirmed(app: Flask, cast: Cast, handover: Handover) -> None:
    issue(handover, cast.lead)
    browser = PageClient(app, cast.learner, "en")
    assert "Dossiers to be confirmed" in browser.get("training.today").text
    confirm(handover, cast.learner)
    assert "Dossiers to be confirmed" not in browser.get("training.today").text
    write("one", cast.colleague, CARDS["one"] | {"trouble": {"en": "Ask the lead"}})
    issue(handover, cast.lead)
    page = browser.get("training.today")
    slug = dossier_for(handover, cast.learner).document.slug
    assert f"/library/{slug}/delta" in page.links()
    delta = browser.get("acknowledgements.delta", slug=slug)
    assert "Ask the lead" in delta.text
    assert any("#confirmation" in each for each in delta.links())
    assert "Dossiers to be confirmed" not in PageClient(app, cast.outsider, "en").get("training.today").text

"""The approval of drafts: by another person, in steps, of exactly what was looked at, published once and on its day."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from portal.accounts.models import Person, Role, Scope
from portal.calendars.service import record_leave
from portal.core import clock, jobs
from portal.core.db import session
from portal.core.errors import DomainError
from portal.core.jobs import Job, JobState
from portal.core.mail import render
from portal.core.transaction import own_transaction
from portal.journal.queries import list_entries_about
from portal.library import emails, errors, invariants, queries
from portal.library.models import ChangeClass, Document, Draft, DraftState, Origin, ReviewAct
from portal.library.queries import drafts
from portal.library.rules import Standing
from portal.library.service import lint, overlays, reviews, versions
from portal.library.service.reviews import Outcome
from tests.beginnings import beginning
from tests.builders import Cast, make_grant, make_person
from tests.library.builders import (
    EN,
    JA,
    edit_draft,
    english,
    japanese,
    make_document,
    make_draft,
    make_published,
    make_version,
)

MAY = datetime(2026, 5, 1, 0, 0, tzinfo=UTC)
CHANGED = [
    english(EN.replace("None.", "One: the archive.")),
    japanese(JA.replace("ありません。", "一つだけあります。")),
]


def do(act: Callable[..., Any], draft: Draft, **values: Any) -> Any:
    """Do something about a draft in a transaction of its own."""
    with own_transaction():
        return act(draft=drafts.get_draft(draft.code), **values)


def refused(act: Callable[..., Any], draft: Draft, **values: Any) -> DomainError:
    with pytest.raises(DomainError) as refusal:
        do(act, draft, **values)
    return refusal.value


def submitted(draft: Draft, by: Person) -> Draft:
    do(reviews.submit_draft, draft, by=by)
    return drafts.get_draft(draft.code)


def approve(draft: Draft, by: Person, **values: Any) -> Outcome:
    options: dict[str, Any] = {"seen": drafts.hash_of_draft(draft), "confirmed": draft.change_class}
    with own_transaction():
        return reviews.approve_draft(draft=drafts.get_draft(draft.code), by=by, **(options | values)).outcome


def acts(draft: Draft) -> list[str]:
    session.expire_all()
    return [review.act.value for review in drafts.get_draft(draft.code).reviews]


def owed(name: str) -> list[dict[str, Any]]:
    """Return what mails of a kind are owed, in order."""
    rows = session.query(Job).filter(Job.name == "mail.send").order_by(Job.id)
    return [row.arguments["arguments"] for row in rows if row.arguments["mail"] == name]


@pytest.fixture
@beginning
def document(cast: Cast) -> Document:
    return make_published(cast.author).document


@pytest.fixture
@beginning
def second(cast: Cast) -> Person:
    """Another approver."""
    person = make_person("second@portal.example", language="en")
    make_grant(person, Role.APPROVER)
    return person


def test_a_draft_that_another_person_approves_is_published_as_it_was_proposed(cast: Cast, document: Document) -> None:
    draft = submitted(make_draft(document, cast.author, texts=CHANGED), cast.author)
    assert draft.state is DraftState.IN_REVIEW
    assert approve(draft, cast.approver) is Outcome.PUBLISHED
    version = queries.get_version(queries.get_document("impersonation"), "1.1")
    assert (version.origin, version.author_code, version.approved_by, version.issued_by) == (
        Origin.PRODUCT,
        cast.author.code,
        cast.approver.code,
        cast.approver.code,
    )
    assert version.effective_at == version.issued_at
    assert version.approved_at is not None
    assert version.approved_at <= version.issued_at
    assert (version.change_class, version.is_provisional) == (ChangeClass.MINOR, False)
    assert {text.language: text.source for text in version.texts} == {each.language: each.source for each in CHANGED}
    draft = drafts.get_draft(draft.code)
    assert (draft.state, draft.published_version_id) == (DraftState.PUBLISHED, version.id)
    assert acts(draft) == ["submitted", "approved", "published"]
    assert [entry.action for entry in list_entries_about("draft", draft.code)] == [
        "library.draft_submitted",
        "library.draft_approved",
        "library.draft_published",
    ]
    assert {name: check() for name, check in invariants.INVARIANTS.items() if check()} == {}


def test_whoever_wrote_in_a_draft_cannot_approve_it(cast: Cast, document: Document, second: Person) -> None:
    make_grant(cast.author, Role.APPROVER)
    draft = submitted(make_draft(document, cast.author, texts=CHANGED, authors=(second,)), cast.author)
    for person in (cast.author, second):
        assert isinstance(
            refused(reviews.approve_draft, draft, seen="", confirmed=None, by=person), errors.ApproverWroteIt
        )
        refusal = refused(reviews.send_back_draft, draft, reason="No.", by=person)
        assert isinstance(refusal, errors.ApproverWroteIt)
    assert approve(draft, cast.approver) is Outcome.PUBLISHED


def test_an_approval_is_of_exactly_what_was_looked_at(cast: Cast, document: Document) -> None:
    draft = submitted(make_draft(document, cast.author, texts=CHANGED), cast.author)
    seen = drafts.hash_of_draft(draft)
    do(reviews.take_back_draft, draft, by=cast.author)
    edit_draft(draft, by=cast.author, source=EN.replace("None.", "Two."))
    again = submitted(draft, cast.author)
    refusal = refused(reviews.approve_draft, again, seen=seen, confirmed=ChangeClass.MINOR, by=cast.approver)
    assert isinstance(refusal, errors.DraftChanged)
    assert acts(draft) == ["submitted", "taken_back", "submitted"]
    assert queries.find_version(queries.get_document("impersonation"), "1.1") is None
    assert approve(drafts.get_draft(draft.code), cast.approver) is Outcome.PUBLISHED


def test_every_part_of_a_proposal_is_part_of_what_is_approved(cast: Cast, document: Document) -> None:
    draft = make_draft(document, cast.author, texts=CHANGED)
    hashes = {drafts.hash_of_draft(draft)}
    for language, values in [
        ("", {"number": "1.7"}),
        ("", {"change_class": ChangeClass.MATERIAL}),
        ("", {"effective_at": MAY + timedelta(days=400)}),
        ("", {"issue_at": MAY + timedelta(days=300)}),
        ("", {"zone": "Europe/Paris"}),
        ("", {"provisional_reason": "Court order."}),
        ("en", {"title": "Other"}),
        ("ja", {"attestation": "読みました。"}),
        ("ja", {"made_from": {}}),
    ]:
        draft = edit_draft(draft, language, by=cast.author, **values)
        hashes.add(drafts.hash_of_draft(draft))
    assert len(hashes) == 10


def test_the_approver_confirms_the_change_class_or_proposes_another(cast: Cast, document: Document) -> None:
    draft = submitted(make_draft(document, cast.author, texts=CHANGED), cast.author)
    for confirmed in (None, ChangeClass.EDITORIAL):
        refusal = refused(
            reviews.approve_draft, draft, seen=drafts.hash_of_draft(draft), confirmed=confirmed, by=cast.approver
        )
        assert isinstance(refusal, errors.ChangeClassUnconfirmed)
    do(
        reviews.send_back_draft,
        draft,
        reason="People have to act differently.",
        proposed_class=ChangeClass.MATERIAL,
        by=cast.approver,
    )
    back = drafts.get_draft(draft.code)
    last = back.reviews[-1]
    assert (back.state, last.act, last.change_class) == (DraftState.WRITING, ReviewAct.SENT_BACK, ChangeClass.MATERIAL)
    assert owed("library.draft_news") == [{"code": draft.code, "number": 2}]


def test_sending_back_needs_a_reason(cast: Cast, document: Document) -> None:
    draft = submitted(make_draft(document, cast.author, texts=CHANGED), cast.author)
    assert isinstance(
        refused(reviews.send_back_draft, draft, reason=" \u200b", by=cast.approver), errors.SendingBackReasonMissing
    )
    assert isinstance(
        refused(reviews.send_back_draft, draft, reason="x" * 4001, by=cast.approver), errors.RemarkTooLong
    )
    assert acts(draft) == ["submitted"]


@pytest.mark.parametrize(
    "values",
    [
        {"change_class": None},
        {"number": "1.0"},
        {"effective_at": MAY - timedelta(days=60)},
        {"texts": [english("## A\n\nNo id.\n"), japanese()]},
        {"texts": [english(EN.replace("[[#scope]]", "[[#gone]]")), japanese()]},
        {"change_class": ChangeClass.MATERIAL, "texts": [english(EN, summary="S", what_to_do_differently="D")]},
        {"change_class": ChangeClass.MATERIAL},
    ],
)
def test_what_the_lint_stops_is_not_submitted(cast: Cast, document: Document, values: dict[str, Any]) -> None:
    draft = make_draft(document, cast.author, **values)
    assert any(told.stops for told in lint.examine(draft))
    assert isinstance(refused(reviews.submit_draft, draft, by=cast.author), errors.DraftNotReady)
    assert acts(draft) == []


def test_what_is_submitted_is_submitted_once(cast: Cast, document: Document) -> None:
    draft = submitted(make_draft(document, cast.author, texts=CHANGED), cast.author)
    assert isinstance(refused(reviews.submit_draft, draft, by=cast.author), errors.DraftNotWriting)
    do(reviews.take_back_draft, draft, by=cast.author)
    assert isinstance(refused(reviews.take_back_draft, draft, by=cast.author), errors.DraftNotSubmitted)
    seen = {"seen": drafts.hash_of_draft(draft), "confirmed": ChangeClass.MINOR}
    assert isinstance(refused(reviews.approve_draft, draft, by=cast.approver, **seen), errors.DraftNotSubmitted)


def test_a_draft_that_nobody_could_approve_is_not_submitted(cast: Cast, document: Document) -> None:
    draft = make_draft(document, cast.author, texts=CHANGED, authors=(cast.approver,))
    assert isinstance(refused(reviews.submit_draft, draft, by=cast.author), errors.NobodyCanApprove)


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_mail_to_an_approver_names_what_changes_moves_and_translations_included(
    cast: Cast, document: Document, language: str
) -> None:
    texts = {}
    for tag, source in (("en", EN), ("ja", JA)):
        head, scope, fans = re.split(r"(?m)^(?=## )", source)
        texts[tag] = f"{head}{fans.rstrip()}\n\n{scope}"
    ja = texts["ja"].replace("ありません。", "今はあります。")
    draft = submitted(make_draft(document, cast.author, texts=[english(texts["en"]), japanese(ja)]), cast.author)
    approver = make_person("reads@portal.example", language=language)
    make_grant(approver, Role.APPROVER)
    mail = emails.approval_waits(draft.code, 1, approver.code)
    assert mail is not None
    assert (
        mail.values["changes"]
        == {
            "en": ["At another place: scope", "Changed in Japanese only: exceptions"],
            "ja": ["位置の変更： scope", "日本語のみ変更： exceptions"],
        }[language]
    )
    plain = render(mail).get_body(("plain",))
    assert plain is not None
    body = plain.get_content()
    assert {"en": "What changes against version 1.0:", "ja": "第1.0版からの変更："}[language] in body
    assert mail.values["changes"][0] in body


# --- steps --------------------------------------------------------------------------------------


def set_chain(document: Document, *steps: tuple[Person, Person | None], by: Person) -> bool:
    with own_transaction():
        return reviews.set_approval_chain(document=queries.get_document(document.slug), steps=steps, by=by)


def test_a_chain_is_passed_step_by_step_and_the_last_approver_stands_on_the_version(
    cast: Cast, document: Document, second: Person
) -> None:
    deputy = make_person("deputy@portal.example")
    make_grant(deputy, Role.APPROVER)
    assert set_chain(document, (cast.approver, deputy), (second, None), by=cast.author)
    draft = submitted(make_draft(document, cast.author, texts=CHANGED), cast.author)
    assert [each["to"] for each in owed("library.approval_waits")] == [cast.approver.code], "only the next is asked"
    seen = {"seen": drafts.hash_of_draft(draft), "confirmed": ChangeClass.MINOR}
    assert isinstance(refused(reviews.approve_draft, draft, by=second, **seen), errors.NotTheirTurn)
    assert approve(draft, deputy) is Outcome.NEXT_STEP
    assert [each["to"] for each in owed("library.approval_waits")] == [cast.approver.code, second.code]
    assert isinstance(refused(reviews.approve_draft, draft, by=cast.approver, **seen), errors.NotTheirTurn)
    assert isinstance(refused(reviews.approve_draft, draft, by=deputy, **seen), errors.ApprovedBefore)
    assert approve(draft, second) is Outcome.PUBLISHED
    steps = [(review.step, review.instead_of) for review in drafts.get_draft(draft.code).reviews]
    assert steps == [(None, None), (1, cast.approver.code), (2, None), (None, None)]
    assert queries.get_version(queries.get_document("impersonation"), "1.1").approved_by == second.code


def test_approvals_before_a_change_do_not_count_after_it(cast: Cast, document: Document, second: Person) -> None:
    set_chain(document, (cast.approver, None), (second, None), by=cast.author)
    draft = submitted(make_draft(document, cast.author, texts=CHANGED), cast.author)
    assert approve(draft, cast.approver) is Outcome.NEXT_STEP
    do(reviews.send_back_draft, draft, reason="A typing error.", by=second)
    edit_draft(draft, by=cast.author, title="Impersonation of people")
    again = submitted(draft, cast.author)
    seen = {"seen": drafts.hash_of_draft(again), "confirmed": ChangeClass.MINOR}
    assert isinstance(refused(reviews.approve_draft, again, by=second, **seen), errors.NotTheirTurn)
    assert approve(again, cast.approver) is Outcome.NEXT_STEP


def test_the_deputy_is_told_when_the_approver_is_on_leave(cast: Cast, document: Document, second: Person) -> None:
    set_chain(document, (cast.approver, second), by=cast.author)
    today = clock.today(cast.approver.time_zone)
    with own_transaction():
        record_leave(person=cast.approver, first_on=today, last_on=today, by=cast.lead)
    submitted(make_draft(document, cast.author, texts=CHANGED), cast.author)
    assert {each["to"] for each in owed("library.approval_waits")} == {cast.approver.code, second.code}


def test_a_chain_is_made_of_approvers_of_the_document(cast: Cast, document: Document, second: Person) -> None:
    abroad = make_person("abroad@portal.example")
    make_grant(abroad, Role.APPROVER, Scope.MARKET, "US")
    for steps, refusal in [
        ([(cast.learner, None)], errors.NoApprover),
        ([(abroad, None)], errors.NoApprover),
        ([(cast.approver, cast.learner)], errors.NoApprover),
        ([(cast.approver, None), (cast.approver, None)], errors.ApproverTwice),
        ([(cast.approver, cast.approver)], errors.DeputyIsApprover),
    ]:
        with pytest.raises(refusal):
            set_chain(document, *steps, by=cast.author)
    assert drafts.list_chain(document) == []
    assert set_chain(document, (cast.approver, None), (second, None), by=cast.author)
    assert not set_chain(document, (cast.approver, None), (second, None), by=cast.author), "nothing is new"
    assert set_chain(document, (second, cast.approver), by=cast.author)
    session.expire_all()
    assert [(each.position, each.approver_id, each.deputy_id) for each in drafts.list_chain(document)] == [
        (1, second.id, cast.approver.id)
    ]
    assert list_entries_about("document", "impersonation")[-1].action == "library.approval_steps_set"


def test_a_step_whose_people_all_wrote_in_the_draft_is_said_at_submission(
    cast: Cast, document: Document, second: Person
) -> None:
    set_chain(document, (cast.approver, None), (second, None), by=cast.author)
    draft = make_draft(document, cast.author, texts=CHANGED, authors=(second,))
    refusal = refused(reviews.submit_draft, draft, by=cast.author)
    assert isinstance(refusal, errors.NobodyCanTakeStep)
    assert "2" in str(refusal)


# --- publication on its day -----------------------------------------------------------------------


def scheduled(cast: Cast, document: Document, **values: Any) -> Draft:
    """Return an approved draft whose day is ten days after May began, and which takes effect five days later."""
    options = {"issue_at": MAY + timedelta(days=10), "effective_at": MAY + timedelta(days=15)}
    draft = submitted(make_draft(document, cast.author, texts=CHANGED, **(options | values)), cast.author)
    assert approve(draft, cast.approver) is Outcome.SCHEDULED
    return drafts.get_draft(draft.code)


def test_a_scheduled_publication_happens_on_its_day_and_not_before(cast: Cast) -> None:
    with clock.frozen(MAY):
        document = make_published(cast.author).document
        draft = scheduled(cast, document)
        jobs.run_due()
        assert drafts.get_draft(draft.code).state is DraftState.APPROVED
        assert owed("library.draft_news") == [{"code": draft.code, "number": 2}]
    with clock.frozen(MAY + timedelta(days=10, microseconds=-1)):
        jobs.run_due()
        assert drafts.get_draft(draft.code).state is DraftState.APPROVED
    with clock.frozen(MAY + timedelta(days=10)):
        jobs.run_due()
        version = queries.get_version(queries.get_document("impersonation"), "1.1")
        assert version.issued_at == MAY + timedelta(days=10)
        assert version.approved_at == MAY
        assert queries.standing_of(version) is Standing.ISSUED
        published = list_entries_about("document", "impersonation")[-1]
        assert (published.action, published.actor_code) == ("library.version_published", "system")
    with clock.frozen(MAY + timedelta(days=15)):
        assert queries.standing_of(version) is Standing.IN_FORCE


def test_after_an_outage_it_is_published_late_with_its_true_time_and_once(cast: Cast) -> None:
    with clock.frozen(MAY):
        document = make_published(cast.author).document
        draft = scheduled(cast, document, effective_at=MAY + timedelta(days=10))
    late = MAY + timedelta(days=10, hours=6)
    with clock.frozen(late):
        for _time in range(3):
            jobs.run_due()
        row = session.query(Job).filter(Job.name == reviews.PUBLISH_JOB).one()
        assert row.state is JobState.DONE
        # A worker that died before it could note that it was done does it again.
        row.state, row.attempts = JobState.CREATED, 0
        session.commit()
        jobs.run_due()
        versions = queries.get_document("impersonation").versions
        assert [(each.number, each.issued_at, each.effective_at) for each in versions[1:]] == [
            ("1.1", late, MAY + timedelta(days=10))
        ]
        assert acts(draft) == ["submitted", "approved", "published"]


def test_without_an_effective_date_it_takes_effect_when_it_is_published(cast: Cast) -> None:
    with clock.frozen(MAY):
        document = make_published(cast.author).document
        scheduled(cast, document, effective_at=None)
    late = MAY + timedelta(days=11)
    with clock.frozen(late):
        jobs.run_due()
        version = queries.get_version(queries.get_document("impersonation"), "1.1")
        assert (version.issued_at, version.effective_at) == (late, late)


@pytest.mark.parametrize("act", [reviews.take_back_draft, reviews.send_back_draft])
def test_what_was_taken_or_sent_back_is_not_published_on_its_day(cast: Cast, act: Callable[..., Any]) -> None:
    with clock.frozen(MAY):
        document = make_published(cast.author).document
        draft = scheduled(cast, document)
        if act is reviews.take_back_draft:
            do(act, draft, by=cast.author)
        else:
            do(act, draft, reason="Not yet.", by=cast.approver)
    with clock.frozen(MAY + timedelta(days=11)):
        jobs.run_due()
        assert queries.find_version(queries.get_document("impersonation"), "1.1") is None
        assert drafts.get_draft(draft.code).state is DraftState.WRITING
        # Approved again, unchanged, after its day: it is published at once and not lost.
        edit_draft(draft, "", by=cast.author, effective_at=None)
        again = submitted(draft, cast.author)
        assert approve(again, cast.approver) is Outcome.PUBLISHED


def test_what_was_approved_again_before_its_day_is_published_on_it(cast: Cast) -> None:
    with clock.frozen(MAY):
        document = make_published(cast.author).document
        draft = scheduled(cast, document)
        row = session.query(Job).filter(Job.name == reviews.PUBLISH_JOB).one()
        with own_transaction():
            jobs.cancel(session.get_one(Job, row.id))
        do(reviews.take_back_draft, draft, by=cast.author)
        submitted(draft, cast.author)
        assert approve(drafts.get_draft(draft.code), cast.approver) is Outcome.SCHEDULED
    with clock.frozen(MAY + timedelta(days=11)):
        jobs.run_due()
        assert drafts.get_draft(draft.code).state is DraftState.PUBLISHED


def test_only_the_job_of_its_last_approval_publishes_a_draft_and_only_when_it_is_due(cast: Cast) -> None:
    with clock.frozen(MAY):
        draft = scheduled(cast, make_published(cast.author).document)
        approved = drafts.hash_of_draft(draft)
        assert do(reviews.publish_draft, draft, approved_hash=approved) is None
    with clock.frozen(MAY + timedelta(days=11)):
        assert do(reviews.publish_draft, draft, approved_hash="of another approval") is None
        # A hand at the database; the product lets nobody write in what is approved.
        edit_draft(draft, by=cast.author, title="Something else")
        assert do(reviews.publish_draft, draft, approved_hash=approved) is None
        assert invariants.published_drafts_say_what_was_approved() == [f"draft {draft.code} is not what was approved"]
        edit_draft(draft, by=cast.author, title="Impersonation")
        assert do(reviews.publish_draft, draft, approved_hash=approved).number == "1.1"


def test_the_jobs_page_says_what_is_published_when(cast: Cast, document: Document, as_: Any) -> None:
    issue_at = clock.now() + timedelta(days=9)
    draft = make_draft(document, cast.author, texts=CHANGED, issue_at=issue_at)
    assert approve(submitted(draft, cast.author), cast.approver) is Outcome.SCHEDULED
    page = as_(cast.admin, language="ja").get("organisation.list_jobs")
    assert "承認済みの草案の公示" in page.text
    assert "なりすまし、第1.1版" in page.text
    assert f"/drafts/{draft.code}" in page.links()
    assert "メール：草案の承認待ち" in page.text


# --- overtaken ----------------------------------------------------------------------------------


def test_a_version_published_in_between_gives_the_others_back(cast: Cast, document: Document) -> None:
    first = submitted(make_draft(document, cast.author, texts=CHANGED), cast.author)
    other_texts = [english(EN.replace("None.", "Another.")), japanese(JA.replace("ありません。", "別。"))]
    waiting = submitted(make_draft(document, cast.author, number="1.2", texts=other_texts), cast.author)
    written = make_draft(document, cast.author, number="1.3", texts=CHANGED)
    assert approve(first, cast.approver) is Outcome.PUBLISHED
    session.expire_all()
    assert drafts.get_draft(waiting.code).state is DraftState.WRITING
    assert acts(waiting) == ["submitted", "outdated"]
    assert acts(written) == [], "what is still written is told by the lint"
    assert any(told.finding.kind == "outdated" for told in lint.examine(drafts.get_draft(written.code)))
    assert {"code": waiting.code, "number": 2} in owed("library.draft_news")
    text = queries.get_version(queries.get_document("impersonation"), "1.1").text_in("en")
    assert text is not None
    assert "One: the archive." in text.source


def test_an_import_in_between_gives_a_scheduled_draft_back(cast: Cast) -> None:
    with clock.frozen(MAY):
        document = make_published(cast.author).document
        draft = scheduled(cast, document)
        make_version(document, cast.admin, "1.1", change_class=ChangeClass.EDITORIAL)
        assert drafts.get_draft(draft.code).state is DraftState.WRITING
    with clock.frozen(MAY + timedelta(days=11)):
        jobs.run_due()
        assert [each.number for each in queries.get_document("impersonation").versions] == ["1.0", "1.1"]
        assert acts(draft) == ["submitted", "approved", "outdated"]


def test_an_approval_of_what_was_overtaken_unnoticed_gives_it_back_instead(cast: Cast, document: Document) -> None:
    draft = submitted(make_draft(document, cast.author, number="1.2", texts=CHANGED), cast.author)
    make_version(document, cast.admin, "1.1", change_class=ChangeClass.EDITORIAL)
    # As a draft of before this rule, or a hand at the database, would leave it.
    edit_draft(draft, "", by=cast.author, state=DraftState.IN_REVIEW)
    assert approve(drafts.get_draft(draft.code), cast.approver) is Outcome.OUTDATED
    assert drafts.get_draft(draft.code).state is DraftState.WRITING
    assert [each.number for each in queries.get_document("impersonation").versions] == ["1.0", "1.1"]


# --- the second language ------------------------------------------------------------------------

NEWS = {"summary": "S", "what_to_do_differently": "D"}


def material(document: Document, cast: Cast, **values: Any) -> Draft:
    """Return a material draft whose translation does not follow in one clause."""
    old = queries.clause_hashes(queries.get_version(queries.get_document(document.slug), "1.0"))
    texts = [english(EN.replace("None.", "One."), **NEWS), japanese(JA, made_from=old, **NEWS)]
    return make_draft(document, cast.author, texts=texts, change_class=ChangeClass.MATERIAL, **values)


def test_a_material_change_waits_for_the_second_language(cast: Cast, document: Document) -> None:
    draft = material(document, cast)
    assert drafts.behind_of_draft(draft, "ja") == ("exceptions",)
    told = [each for each in lint.examine(draft) if each.stops]
    assert [(each.finding.kind, each.finding.anchor) for each in told] == [("clause_behind", "exceptions")]
    assert isinstance(refused(reviews.submit_draft, draft, by=cast.author), errors.DraftNotReady)


def test_no_way_of_publishing_forgets_the_second_language(cast: Cast, document: Document) -> None:
    texts = overlays.texts_of_draft(material(document, cast))
    for change_class in (ChangeClass.MATERIAL, ChangeClass.EMERGENCY):
        with pytest.raises(errors.TranslationBehind), own_transaction():
            versions.publish_version(
                document=queries.get_document("impersonation"),
                number="1.1",
                change_class=change_class,
                effective_at=None,
                zone="Asia/Tokyo",
                texts=texts,
                based_on="1.0",
                author=cast.author,
                approver=cast.approver,
            )
    assert [each.number for each in queries.get_document("impersonation").versions] == ["1.0"]


def test_a_provisional_version_says_so_where_readers_see_it_and_why(cast: Cast, document: Document, as_: Any) -> None:
    draft = submitted(material(document, cast, provisional_reason="A court order binds us from today."), cast.author)
    assert approve(draft, cast.approver) is Outcome.PUBLISHED
    version = queries.get_version(queries.get_document("impersonation"), "1.1")
    assert (version.is_provisional, version.provisional_reason) == (True, "A court order binds us from today.")
    text = version.text_in("ja")
    assert text is not None
    assert (text.says_number, text.behind, text.stated_behind) == ("1.0", ["exceptions"], "exceptions")
    for language, said in (
        ("en", "Provisional: the English text is authoritative"),
        ("ja", "暫定版：英語の本文が優先します"),
    ):
        page = as_(cast.learner, language=language).get("library.read", slug="impersonation")
        assert said in page.text
        assert "A court order binds us from today." in page.text
        assert cast.approver.name_in(language) in page.text
    assert {name: check() for name, check in invariants.INVARIANTS.items() if check()} == {}


def test_a_minor_change_may_be_behind_and_then_says_in_which_clauses(cast: Cast, document: Document) -> None:
    draft = make_draft(document, cast.author, texts=[english(EN.replace("None.", "One.")), japanese()], in_step=False)
    assert approve(submitted(draft, cast.author), cast.approver) is Outcome.PUBLISHED
    version = queries.get_version(queries.get_document("impersonation"), "1.1")
    text = version.text_in("ja")
    assert text is not None
    assert text.behind == ["top", "scope", "fan-accounts", "exceptions"]
    assert version.provisional_reason is None
    assert invariants.clauses_are_those_of_their_text() == []


def test_a_translation_that_follows_says_the_version_itself(cast: Cast, document: Document) -> None:
    assert approve(submitted(make_draft(document, cast.author, texts=CHANGED), cast.author), cast.approver)
    text = queries.get_version(queries.get_document("impersonation"), "1.1").text_in("ja")
    assert text is not None
    assert (text.says_number, text.behind, text.stated_behind) == ("1.1", [], None)


def test_a_clause_that_was_taken_out_of_the_translation_follows_nothing(cast: Cast, document: Document) -> None:
    draft = make_draft(document, cast.author, texts=[english(), japanese(JA[: JA.index("### 例外")])])
    assert drafts.behind_of_draft(draft, "ja") == ("exceptions",)


def test_the_first_version_of_a_document_can_be_written_and_approved_here(cast: Cast) -> None:
    document = make_document(cast.author, "fresh")
    draft = make_draft(
        document, cast.author, change_class=ChangeClass.MATERIAL, texts=[english(EN, **NEWS), japanese(JA, **NEWS)]
    )
    assert approve(submitted(draft, cast.author), cast.approver) is Outcome.PUBLISHED
    assert [each.number for each in queries.get_document("fresh").versions] == ["1.0"]


# --- remarks ------------------------------------------------------------------------------------


def test_remarks_are_made_on_a_clause_and_settled_but_never_lost(cast: Cast, document: Document) -> None:
    draft = make_draft(document, cast.author, texts=CHANGED)
    said = do(reviews.comment_on_draft, draft, anchor="scope", language="en", body=" Why? ", by=cast.approver)
    gone = do(reviews.comment_on_draft, draft, anchor="gone", language="en", body="Where is it?", by=cast.approver)
    session.expire_all()
    assert [(each.anchor, each.body) for each in drafts.list_comments(draft)] == [
        ("scope", "Why?"),
        ("", "Where is it?"),
    ]
    do(reviews.settle_comment, draft, code=said.code, by=cast.author)
    assert isinstance(refused(reviews.settle_comment, draft, code=said.code, by=cast.author), errors.AlreadySettled)
    assert isinstance(refused(reviews.settle_comment, draft, code="X" * 12, by=cast.author), errors.CommentNotFound)
    with pytest.raises(RuntimeError, match="is history"), own_transaction():
        drafts.get_comment(draft, gone.code).body = "Something else."
    for body, refusal in (("  ", errors.RemarkMissing), ("x" * 4001, errors.RemarkTooLong)):
        assert isinstance(
            refused(reviews.comment_on_draft, draft, anchor="", language="en", body=body, by=cast.author), refusal
        )


def test_what_has_ended_is_remarked_on_no_more(cast: Cast, document: Document) -> None:
    draft = submitted(make_draft(document, cast.author, texts=CHANGED), cast.author)
    said = do(reviews.comment_on_draft, draft, anchor="scope", language="en", body="Fine.", by=cast.approver)
    approve(draft, cast.approver)
    late = refused(reviews.comment_on_draft, draft, anchor="", language="en", body="Late.", by=cast.author)
    assert isinstance(late, errors.DraftEnded)
    assert isinstance(refused(reviews.settle_comment, draft, code=said.code, by=cast.author), errors.DraftEnded)


# --- mails and Today ----------------------------------------------------------------------------


def mails(app: Any) -> list[str]:
    """Return the mails sent so far, as they are read."""
    from email import message_from_bytes, policy

    jobs.run_due()
    folder = app.config["DATA_DIR"] / "mail"
    found = [message_from_bytes(path.read_bytes(), policy=policy.default) for path in sorted(folder.glob("*.eml"))]
    return [f"{each['To']}|{each['Subject']}\n{each.get_body(('plain',)).get_content()}" for each in found]


def test_approvers_and_authors_are_told_in_their_language(app: Any, cast: Cast, document: Document) -> None:
    draft = submitted(
        make_draft(document, cast.author, texts=CHANGED, note="Please look at § exceptions."), cast.author
    )
    (asked,) = mails(app)
    assert "approver@portal.example" in asked
    assert "【承認のお願い】「なりすまし」第1.1版" in asked
    assert "Please look at § exceptions." in asked
    assert f"https://portal.example/drafts/{draft.code}" in asked
    do(
        reviews.send_back_draft,
        draft,
        reason="Name the archive.",
        proposed_class=ChangeClass.MATERIAL,
        by=cast.approver,
    )
    told = mails(app)[-1]
    assert "author@portal.example" in told
    assert "【差戻し】「なりすまし」第1.1版" in told
    assert "Name the archive." in told
    assert "提案された変更区分：重要" in told
    cast.author.language = "en"
    session.commit()
    submitted(draft, cast.author)
    approve(drafts.get_draft(draft.code), cast.approver)
    assert "Published: “Impersonation”, version 1.1" in mails(app)[-1]


def test_nobody_is_asked_for_what_does_not_wait_any_more(app: Any, cast: Cast, document: Document) -> None:
    draft = submitted(make_draft(document, cast.author, texts=CHANGED), cast.author)
    do(reviews.take_back_draft, draft, by=cast.author)
    assert mails(app) == []


def test_drafts_wait_for_those_only_whose_turn_it_is(cast: Cast, document: Document, second: Person) -> None:
    set_chain(document, (cast.approver, None), (second, None), by=cast.author)
    draft = submitted(make_draft(document, cast.author, texts=CHANGED), cast.author)
    assert [each.code for each in reviews.list_waiting_for(cast.approver)] == [draft.code]
    assert reviews.list_waiting_for(second) == []
    assert reviews.list_waiting_for(cast.author) == []
    approve(draft, cast.approver)
    session.expire_all()
    assert reviews.list_waiting_for(cast.approver) == []
    assert [each.code for each in reviews.list_waiting_for(second)] == [draft.code]

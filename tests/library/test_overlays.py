"""What a market does otherwise: laid over a base clause by clause, following it, and never written over in silence."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.accounts.models import Person
from portal.core import clock
from portal.core.markdown import split_clauses
from portal.core.transaction import own_transaction
from portal.library import queries
from portal.library.errors import BaseMoved, ClashUndecided, EffectiveBeforeBase, OverlayAboveOverlay, OverlayThere
from portal.library.invariants import INVARIANTS
from portal.library.models import AudienceKind, ChangeClass, Document, DocumentVersion, Draft, DraftState, Origin
from portal.library.queries import drafts
from portal.library.rules.overlays import Clash, Mode, Overlaid, arranged, clashes
from portal.library.service import documents, following, overlays, reviews, versions
from portal.library.service.drafts import begin_draft, mark_in_step
from portal.library.service.following import Decision
from portal.library.service.texts import TextDraft
from tests.beginnings import beginning
from tests.builders import Cast, make_market
from tests.library.builders import (
    BASE_EN,
    BASE_JA,
    OVER_EN,
    OVER_JA,
    edit_draft,
    english,
    japanese,
    make_overlay,
    make_published,
    make_version,
    publish_overlay,
)


@pytest.fixture
@beginning
def base(cast: Cast) -> DocumentVersion:
    return make_published(cast.admin, texts=[english(BASE_EN), japanese(BASE_JA)])


@pytest.fixture
@beginning
def overlay(base: DocumentVersion, cast: Cast) -> DocumentVersion:
    return publish_overlay(make_overlay(base.document, cast.admin), cast.admin)


def clause(version: DocumentVersion, anchor: str, language: str = "en") -> str:
    text = version.text_in(language)
    assert text is not None
    return next(each.source for each in split_clauses(text.source) if each.anchor == anchor)


def anchors(version: DocumentVersion) -> list[str]:
    return queries.clause_anchors(version)


def fresh(slug: str) -> Document:
    return queries.get_document(slug)


# --- laid over -----------------------------------------------------------------------------------


def test_what_was_published_in_earlier_words_is_still_what_results(
    base: DocumentVersion, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How a clause that does not apply is worded has changed; published texts have not."""
    check = INVARIANTS["texts of markets are what results over their base"]
    with monkeypatch.context() as then:
        then.setattr(overlays, "_NOT_APPLICABLE", overlays._SAID_BEFORE[0])
        version = publish_overlay(make_overlay(base.document, cast.admin), cast.admin)
    assert clause(version, "fees", "ja").endswith("**この条項は日本では適用しない。**")
    assert check() == []


def test_a_clause_is_replaced_appended_to_added_or_does_not_apply(overlay: DocumentVersion) -> None:
    assert anchors(overlay) == ["top", "scope", "notices", "appeals", "fees"]
    assert clause(overlay, "top") == "Opening."
    assert clause(overlay, "scope") == "## Scope\n\nEverywhere.\n\nAlso on LINE."
    assert clause(overlay, "appeals") == "## Appeals in Japan\n\nWithin 14 days."
    assert clause(overlay, "notices") == "## Notices\n\nA notice is sent."
    assert clause(overlay, "fees") == "## Fees\n\n**This clause does not apply in Japan.**"
    assert clause(overlay, "fees", "ja") == "## 手数料\n\n**この条項は日本では適用しません。**"
    assert clause(overlay, "scope", "ja") == "## 範囲\n\nすべて。\n\nLINEも。"


def test_what_the_market_leaves_alone_keeps_the_hash_that_it_has_in_the_base(
    overlay: DocumentVersion, base: DocumentVersion
) -> None:
    here, there = queries.clause_hashes(overlay), queries.clause_hashes(base)
    assert here["top"] == there["top"]
    assert {anchor for anchor in here if here[anchor] != there.get(anchor)} == {"scope", "appeals", "fees", "notices"}


def test_each_version_names_the_version_of_the_base_that_it_was_resolved_against(
    overlay: DocumentVersion, base: DocumentVersion
) -> None:
    assert overlay.over_id == base.id
    text = overlay.text_in("en")
    assert text is not None
    assert text.overlay is not None
    assert text.overlay["source"] == OVER_EN
    assert overlays.modes_of(overlay) == {
        "appeals": Mode.REPLACED, "scope": Mode.APPENDED, "fees": Mode.NOT_APPLICABLE, "notices": Mode.ADDED
    }  # fmt: skip


def test_both_languages_are_in_step_when_their_parts_are(overlay: DocumentVersion) -> None:
    text = overlay.text_in("ja")
    assert text is not None
    assert (text.behind, overlay.is_provisional) == ([], False)


def test_half_of_a_rule_is_never_shown_as_the_whole(base: DocumentVersion, cast: Cast) -> None:
    """Where the translation lacks what the market adds to a clause, the clause is read in the deciding language."""
    document = make_overlay(base.document, cast.admin)
    version = publish_overlay(document, cast.admin, ja="## 日本での申し立て {#appeals}\n\n14日以内。\n")
    text = version.text_in("ja")
    assert text is not None
    assert text.behind == ["scope", "notices"]
    assert "すべて" not in text.source
    assert clause(version, "fees", "ja").endswith("**この条項は日本では適用しません。**")


def test_a_link_to_the_base_is_a_link_within_the_markets_own_text(overlay: DocumentVersion) -> None:
    shown = {each.anchor: each for each in queries.list_shown_clauses(overlay, "en")}
    version = queries.list_shown_clauses(queries.get_document("impersonation").versions[0], "en")
    assert 'href="#scope"' in next(each.html for each in version if each.anchor == "appeals")
    assert "broken" not in "".join(each.html for each in shown.values())


PROBLEMS = {
    "an id that the base does not have": ("## X {#apeals}\n\nx\n", "The base has no clause “apeals”."),
    "an added id that the base has": ("## X {#appeals overlay=add}\n\nx\n", "has a clause “appeals” already"),
    "an unknown word": ("## X {#appeals overlay=forbid}\n\nx\n", "“forbid” is not known"),
    "a place for what is not added": ("## X {#appeals after=scope}\n\nx\n", "only for a clause that is added"),
    "a place that is not there": ("## X {#x overlay=add after=nowhere}\n\nx\n", "The base has no clause “nowhere”."),
    "an unknown label": ("## X {#appeals mode=x}\n\nx\n", "“mode” is not known"),
    "an id that stands twice": ("## X {#appeals}\n\nx\n\n## Y {#appeals}\n\ny\n", "stands twice"),
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_an_overlay_that_does_not_say_what_it_does_is_refused_by_line(
    base: DocumentVersion, cast: Cast, name: str
) -> None:
    text, said = PROBLEMS[name]
    document = make_overlay(base.document, cast.admin)
    found = overlays.problems_of_overlay(document, base, [english(text)])
    assert any(said in problem.reason and problem.line and problem.mend for _tag, problem in found), found


def test_a_translation_that_changes_other_clauses_is_refused(base: DocumentVersion, cast: Cast) -> None:
    document = make_overlay(base.document, cast.admin)
    texts = [english("## A {#appeals}\n\nx\n"), japanese("## 範囲 {#scope}\n\nx\n\n## 申 {#appeals overlay=none}\n")]
    found = overlays.problems_of_overlay(document, base, texts)
    assert [tag for tag, _problem in found] == ["ja", "ja"]
    assert "is not in the authoritative text" in found[0][1].reason
    assert "does something else here" in found[1][1].reason


def test_a_note_that_both_name_alike_is_refused(cast: Cast) -> None:
    """Of two notes with one name only one would be shown."""
    base = make_published(cast.admin, texts=[english("## A {#a}\n\nx[^1]\n\n[^1]: theirs\n")])
    document = make_overlay(base.document, cast.admin)
    found = overlays.problems_of_overlay(document, base, [english("## A {#a overlay=append}\n\ny[^1]\n\n[^1]: mine\n")])
    assert [(tag, problem.line) for tag, problem in found] == [("en", 5)]


def test_an_overlay_of_an_overlay_or_of_itself_is_refused(overlay: DocumentVersion, cast: Cast) -> None:
    us = make_market("US")
    with own_transaction(), pytest.raises(OverlayAboveOverlay):
        following.begin_overlay(base=overlay.document, market=us, by=cast.admin)
    with own_transaction(), pytest.raises(OverlayThere):
        following.begin_overlay(base=fresh("impersonation"), market=make_market("JP"), by=cast.admin)


ids = st.lists(st.sampled_from("abcdefgh"), unique=True)


@pytest.mark.any_database
@given(ids, st.lists(st.tuples(st.sampled_from("abcdefghxyz"), st.sampled_from(list(Mode)), st.sampled_from("abxy"))))
def test_every_clause_of_the_base_keeps_its_place_and_every_added_one_gets_one(
    base: list[str], given_: list[tuple[str, Mode, str]]
) -> None:
    overlaid = [Overlaid(anchor, mode, after) for anchor, mode, after in given_]
    order = arranged(base, overlaid)
    assert [anchor for anchor in order if anchor in base] == base
    assert sorted(set(order)) == sorted(order)
    assert set(order) == {*base, *(each.anchor for each in overlaid)}


@pytest.mark.any_database
@given(
    st.dictionaries(st.sampled_from("abcd"), st.sampled_from("12")),
    st.dictionaries(st.sampled_from("abcd"), st.sampled_from("12")),
    st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(list(Mode))), unique_by=lambda each: each[0]),
)
def test_a_clash_is_an_edit_under_an_overlaid_clause_and_nothing_else(
    before: dict[str, str], after: dict[str, str], given_: list[tuple[str, Mode]]
) -> None:
    overlaid = [Overlaid(anchor, mode) for anchor, mode in given_]
    found = clashes(overlaid, before, after)
    for each in overlaid:
        if each.mode is Mode.ADDED:
            assert (each.anchor in found) == (each.anchor in after and each.anchor not in before)
        else:
            assert (each.anchor in found) == (before.get(each.anchor) != after.get(each.anchor))
    assert set(found) <= {each.anchor for each in overlaid}
    assert clashes(overlaid, before, before) == {}


# --- in force ------------------------------------------------------------------------------------


def test_a_market_follows_its_overlay_and_every_other_market_the_base(
    overlay: DocumentVersion, base: DocumentVersion
) -> None:
    document = fresh("impersonation")
    assert queries.version_in_force(document, "JP") is overlay
    assert queries.version_in_force(document, "US") is base
    assert queries.version_in_force(document) is base
    assert queries.version_in_force(document, "JP", base.effective_at - timedelta(days=1)) is None


def test_before_the_overlay_takes_effect_and_after_its_withdrawal_the_market_follows_the_base(
    base: DocumentVersion, cast: Cast
) -> None:
    document = make_overlay(base.document, cast.admin)
    later = clock.now() + timedelta(days=3)
    version = publish_overlay(document, cast.admin, effective_at=later)
    assert queries.version_in_force(fresh("impersonation"), "JP") is base
    assert queries.version_in_force(fresh("impersonation"), "JP", later) is version
    with own_transaction():
        versions.withdraw_version(version=version, reason="Wrong", by=cast.admin)
    assert queries.version_in_force(fresh("impersonation"), "JP", later + timedelta(days=1)) is base


# --- following -----------------------------------------------------------------------------------

SCOPE = BASE_EN.replace("Everywhere.", "Everywhere and always.")
OTHER = BASE_EN.replace("Opening.", "Another opening.")


def publish_base(
    cast: Cast, en: str, number: str = "2.0", *, ja: str | None = BASE_JA, **values: object
) -> DocumentVersion:
    texts = [english(en), *([japanese(ja)] if ja else [])]
    return make_version(fresh("impersonation"), cast.admin, number, texts=texts, **values)  # type: ignore[arg-type]


def latest(slug: str = "impersonation@JP") -> DocumentVersion:
    found = queries.latest_version(fresh(slug))
    assert found is not None
    return found


def test_where_nothing_clashes_the_overlay_follows_at_the_same_instant(overlay: DocumentVersion, cast: Cast) -> None:
    when = clock.now() + timedelta(days=2)
    base = publish_base(cast, OTHER, effective_at=when)
    followed = latest()
    assert followed.id != overlay.id
    assert (followed.over_id, followed.origin, followed.number) == (base.id, Origin.FOLLOWED, "2.0")
    assert (followed.effective_at, followed.change_class) == (when, ChangeClass.MATERIAL)
    assert clause(followed, "top") == "Another opening."
    assert clause(followed, "appeals") == clause(overlay, "appeals")
    document = fresh("impersonation")
    assert queries.version_in_force(document, "JP", when - timedelta(seconds=1)) is overlay
    assert queries.version_in_force(document, "JP", when) is followed


@pytest.mark.parametrize(
    ("changed", "clash"),
    [
        (BASE_EN.replace("30 days", "60 days"), {"appeals": Clash.CHANGED}),
        (SCOPE, {"scope": Clash.CHANGED}),
        (BASE_EN.replace("None are taken", "One yen is taken"), {"fees": Clash.CHANGED}),
        (BASE_EN[: BASE_EN.index("## Fees")], {"fees": Clash.GONE}),
        (BASE_EN + "\n## Notices {#notices}\n\nNew.\n", {"notices": Clash.TAKEN}),
    ],
)
def test_an_edit_under_an_overlaid_clause_waits_for_a_decision(
    overlay: DocumentVersion, cast: Cast, changed: str, clash: dict[str, Clash]
) -> None:
    base = publish_base(cast, changed, ja=None)
    assert latest() is overlay
    assert queries.version_in_force(fresh("impersonation"), "JP") is overlay
    assert queries.version_in_force(fresh("impersonation"), "US") is base
    draft = begin(cast)
    assert overlays.clashes_of_draft(draft) == clash
    with own_transaction(), pytest.raises(BaseMoved):
        versions.publish_version(
            document=fresh("impersonation@JP"), number="9.0", change_class=ChangeClass.MATERIAL, effective_at=None,
            zone="Asia/Tokyo", texts=overlays.texts_of_draft(draft), based_on="1.0", over=draft.over,
            author=cast.admin, approver=cast.approver, provisional_reason="x",
        )  # fmt: skip


def test_what_the_base_takes_back_no_longer_clashes(overlay: DocumentVersion, cast: Cast) -> None:
    publish_base(cast, SCOPE)
    assert latest() is overlay
    base = publish_base(cast, BASE_EN, "3.0")
    assert latest().over_id == base.id
    assert latest().change_class is ChangeClass.EDITORIAL


def mark_all(draft: Draft, by: Person) -> None:
    """Say that the translation of a draft says all that its deciding text does, and summarise it."""
    with own_transaction():
        held = drafts.get_draft(draft.code)
        text = held.text_in("en")
        assert text is not None
        mark_in_step(draft=held, anchors=None, deciding_revision=text.revision, by=by)


def begin(cast: Cast, slug: str = "impersonation@JP") -> Draft:
    with own_transaction():
        code = begin_draft(document=fresh(slug), by=cast.admin).code
    return drafts.get_draft(code)


def issue_base(cast: Cast, en: str) -> DocumentVersion:
    """Issue version 2.0 of the base, which takes effect in a week."""
    return make_version(
        fresh("impersonation"), cast.admin, "2.0", texts=[english(en), japanese(BASE_JA)],
        effective_at=clock.now() + timedelta(days=7),
    )  # fmt: skip


def publish_urgently(cast: Cast, code: str, number: str = "1.1") -> DocumentVersion:
    """Approve and publish a draft of the market's text that says something urgent."""
    edit_draft(drafts.get_draft(code), "", by=cast.admin, number=number, change_class=ChangeClass.MINOR)
    with own_transaction():
        reviews.submit_draft(draft=drafts.get_draft(code), by=cast.admin)
    with own_transaction():
        draft = drafts.get_draft(code)
        seen = drafts.hash_of_draft(draft)
        approved = reviews.approve_draft(draft=draft, seen=seen, confirmed=ChangeClass.MINOR, by=cast.approver)
    assert approved.version is not None
    assert drafts.get_draft(code).state is DraftState.PUBLISHED
    return next(each for each in fresh("impersonation@JP").versions if each.number == number)


def in_force_then(cast: Cast, at: datetime) -> DocumentVersion:
    found = queries.version_in_force(fresh("impersonation"), "JP", at)
    assert found is not None
    return found


def test_what_is_urgent_does_not_wait_for_a_version_of_the_base_that_is_not_in_force_yet(
    overlay: DocumentVersion, base: DocumentVersion, cast: Cast
) -> None:
    pending = issue_base(cast, SCOPE)
    assert latest() is overlay
    draft = begin(cast)
    edit_draft(draft, "en", by=cast.admin, source=OVER_EN.replace("14 days", "7 days"))
    mark_all(draft, cast.admin)
    urgent = publish_urgently(cast, draft.code)
    # It holds from now on; what clashes with the base's day still waits for somebody.
    assert (urgent.over_id, in_force_then(cast, clock.now()).id) == (base.id, urgent.id)
    assert in_force_then(cast, pending.effective_at).id == urgent.id
    assert following.move_of(begin(cast)) is not None


def test_what_was_urgent_follows_the_base_by_itself_where_nothing_clashes(
    overlay: DocumentVersion, base: DocumentVersion, cast: Cast
) -> None:
    pending = issue_base(cast, SCOPE)
    draft = begin(cast)
    with own_transaction():
        following.follow_base_here(draft=drafts.get_draft(draft.code), anchor="scope", by=cast.admin)
    mark_all(draft, cast.admin)
    urgent = publish_urgently(cast, draft.code)
    then = in_force_then(cast, pending.effective_at)
    assert in_force_then(cast, clock.now()).id == urgent.id
    assert (then.over_id, then.origin, then.based_on_id) == (pending.id, Origin.FOLLOWED, urgent.id)
    assert then.effective_at == pending.effective_at
    assert then.issued_at >= urgent.issued_at


def test_a_version_of_the_market_that_waits_for_the_bases_day_is_withdrawn_before_what_is_urgent(
    overlay: DocumentVersion, base: DocumentVersion, cast: Cast
) -> None:
    pending = issue_base(cast, BASE_EN.replace("Opening.", "Begin.") + "\n## More {#more}\n\nMore.\n")
    followed = latest()
    assert followed.over_id == pending.id
    assert followed.effective_at == pending.effective_at
    draft = begin(cast)
    assert not overlays.comes_before_base(draft)
    with own_transaction():
        versions.withdraw_version(version=latest(), reason="Something urgent.", by=cast.admin)
    with own_transaction():
        code = begin_draft(
            document=fresh("impersonation@JP"), origin=queries.get_version(fresh("impersonation@JP"), "1.0"),
            by=cast.admin,
        ).code  # fmt: skip
    mark_all(drafts.get_draft(code), cast.admin)
    urgent = publish_urgently(cast, code, "3.0")
    assert in_force_then(cast, clock.now()).id == urgent.id
    assert in_force_then(cast, pending.effective_at).over_id == pending.id


def test_a_draft_is_laid_over_the_new_base_with_a_decision_on_each_clash(overlay: DocumentVersion, cast: Cast) -> None:
    base = publish_base(cast, SCOPE.replace("30 days", "60 days"))
    draft = begin(cast)
    move = following.move_of(draft)
    assert move is not None
    assert [(each.anchor, each.clash) for each in move.clashing] == [
        ("appeals", Clash.CHANGED),
        ("scope", Clash.CHANGED),
    ]
    with own_transaction(), pytest.raises(ClashUndecided):
        following.move_draft(draft=draft, seen=move.seen, decisions={"appeals": Decision.KEEP}, by=cast.admin)
    with own_transaction():
        decided = {"appeals": Decision.KEEP, "scope": Decision.DROP}
        following.move_draft(draft=draft, seen=move.seen, decisions=decided, by=cast.admin)
    draft = drafts.get_draft(draft.code)
    assert draft.over_id == base.id
    assert following.move_of(draft) is None
    text = overlays.text_of_draft(draft, "en")
    assert text is not None
    assert "Everywhere and always." in text.source
    assert "LINE" not in text.source
    assert "Within 14 days." in text.source
    japanese_text = overlays.text_of_draft(draft, "ja")
    assert japanese_text is not None
    assert "LINE" not in japanese_text.source


def test_a_kept_clause_whose_base_is_gone_becomes_one_that_the_market_adds(
    overlay: DocumentVersion, cast: Cast
) -> None:
    without = BASE_EN.replace(
        "## Appeals {#appeals sensitivity=S1}\n\nWithin 30 days. See [[impersonation#scope]].\n\n", ""
    )
    publish_base(cast, without + "\n## Notices {#notices}\n\nNew.\n", ja=None)
    draft = begin(cast)
    move = following.move_of(draft)
    assert move is not None
    assert {each.anchor: each.clash for each in move.clashing} == {"appeals": Clash.GONE, "notices": Clash.TAKEN}
    with own_transaction():
        decided = {each.anchor: Decision.KEEP for each in move.clashing}
        following.move_draft(draft=draft, seen=move.seen, decisions=decided, by=cast.admin)
    draft = drafts.get_draft(draft.code)
    assert draft.over is not None
    text = draft.text_in("en")
    assert text is not None
    assert "{#appeals overlay=add after=scope}" in text.source
    assert "{#notices overlay=replace}" in text.source
    written = [TextDraft("en", text.title, text.source)]
    assert overlays.problems_of_overlay(draft.document, draft.over, written) == []


def test_drafts_in_review_come_back_when_their_base_moves_and_follow_where_nothing_clashes(
    overlay: DocumentVersion, cast: Cast
) -> None:
    draft = begin(cast)
    from portal.library.service.drafts import Proposal, change_proposal

    with own_transaction():
        change_proposal(
            draft=draft, revision=draft.revision, by=cast.admin,
            proposal=Proposal("", ChangeClass.EDITORIAL, None, "Asia/Tokyo", None, "", ""),
        )  # fmt: skip
        reviews.submit_draft(draft=drafts.get_draft(draft.code), by=cast.admin)
    base = publish_base(cast, OTHER)
    draft = drafts.get_draft(draft.code)
    assert draft.state is DraftState.WRITING
    assert draft.over_id == base.id
    assert draft.based_on_id == latest().id
    assert draft.number == "2.1"


def test_an_overlay_does_not_take_effect_before_its_base(overlay: DocumentVersion, cast: Cast) -> None:
    when = clock.now() + timedelta(days=9)
    publish_base(cast, OTHER, effective_at=when)
    document = fresh("impersonation@JP")
    with own_transaction(), pytest.raises(EffectiveBeforeBase):
        publish_in(document, cast, effective_at=clock.now() + timedelta(days=1))


def publish_in(document: Document, cast: Cast, *, effective_at: datetime | None) -> DocumentVersion:
    assert document.base is not None
    over = overlays.followed_version(document.base)
    assert over is not None
    texts = overlays.resolved(document, over, [english(OVER_EN), japanese(OVER_JA)])
    return versions.publish_version(
        document=document, number="7.0", change_class=ChangeClass.MATERIAL, effective_at=effective_at,
        zone="Asia/Tokyo", texts=texts, based_on=latest().number, over=over, author=cast.admin, approver=cast.approver,
    )  # fmt: skip


def test_what_lies_over_a_withdrawn_version_is_withdrawn_with_it(overlay: DocumentVersion, cast: Cast) -> None:
    base = publish_base(cast, OTHER)
    followed = latest()
    with own_transaction():
        versions.withdraw_version(version=base, reason="A mistake", by=cast.admin)
    assert latest().id == followed.id
    assert (latest().withdrawal_reason, latest().withdrawn_by) == ("A mistake", cast.admin.code)


def test_the_audience_goes_with_the_base(overlay: DocumentVersion, cast: Cast) -> None:
    assert fresh("impersonation@JP").audience(AudienceKind.MARKET) == ["JP"]
    with own_transaction():
        documents.set_audience(
            document=fresh("impersonation"), audience={AudienceKind.ROLE: ["learner"]}, by=cast.admin
        )
        documents.set_audience(document=fresh("impersonation@JP"), audience={}, by=cast.admin)
    document = fresh("impersonation@JP")
    assert (document.audience(AudienceKind.MARKET), document.audience(AudienceKind.ROLE)) == (["JP"], ["learner"])

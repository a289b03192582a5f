"""What the authors of a market's text are told, and where what they write comes to stand."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from portal.accounts.models import Person, Role, Scope
from portal.accounts.service.ownership import set_owner
from portal.acknowledgements import queries as acknowledgements
from portal.core import clock
from portal.core.markdown import scan, split_clauses
from portal.core.transaction import own_transaction
from portal.library import queries
from portal.library.models import ChangeClass, DocumentVersion, Draft, DraftState
from portal.library.queries import drafts
from portal.library.rules.overlays import Mode, Overlaid, arranged, circles
from portal.library.service import following, lint, market_texts, overlays, reviews, versions
from portal.library.service.dependants import change_of_draft, change_of_version, find_dependants
from portal.library.service.drafts import begin_draft, mark_in_step, save_text, values_of
from portal.library.service.following import Decision
from portal.quizzes import queries as quizzes
from portal.quizzes.formats.markdown import Bank, BankQuestion
from portal.quizzes.service.banks import take_bank
from tests.acknowledgements.builders import confirm
from tests.beginnings import beginning
from tests.builders import Cast, make_grant, make_person
from tests.library.builders import (
    BASE_EN,
    BASE_JA,
    OVER_EN,
    OVER_JA,
    edit_draft,
    english,
    japanese,
    make_draft,
    make_overlay,
    make_published,
    make_version,
    publish_overlay,
)
from tests.library.test_market_pages import sent
from tests.quizzes.builders import make_content


@pytest.fixture
@beginning
def base(cast: Cast) -> DocumentVersion:
    return make_published(cast.admin, texts=[english(BASE_EN), japanese(BASE_JA)])


@pytest.fixture
@beginning
def overlay(base: DocumentVersion, cast: Cast) -> DocumentVersion:
    return publish_overlay(make_overlay(base.document, cast.admin), cast.admin)


def publish_base(cast: Cast, en: str, number: str = "2.0", **values: object) -> DocumentVersion:
    document = queries.get_document("impersonation")
    return make_version(document, cast.admin, number, texts=[english(en)], **values)  # type: ignore[arg-type]


def begin(cast: Cast) -> Draft:
    with own_transaction():
        code = begin_draft(document=queries.get_document("impersonation@JP"), by=cast.admin).code
    return drafts.get_draft(code)


def order_of(draft: Draft) -> list[str]:
    text = overlays.text_of_draft(draft, "en")
    assert text is not None
    return [clause.anchor for clause in split_clauses(text.source)]


# --- the place of what is kept ---------------------------------------------------------------------


def keep_all(draft: Draft, cast: Cast) -> Draft:
    move = following.move_of(draft)
    assert move is not None
    decisions = {each.anchor: Decision.KEEP for each in move.clashing}
    with own_transaction():
        following.move_draft(draft=drafts.get_draft(draft.code), seen=move.seen, decisions=decisions, by=cast.admin)
    return drafts.get_draft(draft.code)


def section(anchor: str, overlay: str = "") -> str:
    return f"## {anchor.title()} {{#{anchor}{overlay}}}\n\nText of {anchor}.\n\n"


def test_a_clause_that_is_kept_though_the_base_removed_it_keeps_its_place(cast: Cast) -> None:
    """In the base it stood in the middle; at the end it would read as an afterthought."""
    base = make_published(cast.admin, texts=[english("".join(map(section, "abcd")))])
    publish_overlay(
        make_overlay(base.document, cast.admin),
        cast.admin,
        en=section("c") + section("b") + section("x", " overlay=add after=b"),
        ja="",
    )
    publish_base(cast, section("a") + section("d"))
    draft = keep_all(begin(cast), cast)
    assert order_of(draft) == ["a", "b", "x", "c", "d"]
    text = draft.text_in("en")
    assert text is not None
    assert "{#b overlay=add after=a}" in text.source
    assert draft.over is not None
    assert overlays.problems_of_overlay(draft.document, draft.over, overlays.written_texts_of_draft(draft)) == []


def test_what_is_kept_from_the_beginning_of_the_base_stays_at_the_beginning(cast: Cast) -> None:
    base = make_published(cast.admin, texts=[english("".join(map(section, "abc")))])
    publish_overlay(make_overlay(base.document, cast.admin), cast.admin, en=section("a"), ja="")
    publish_base(cast, section("b") + section("c"))
    draft = keep_all(begin(cast), cast)
    assert order_of(draft) == ["a", "b", "c"]
    assert draft.over is not None
    assert overlays.problems_of_overlay(draft.document, draft.over, overlays.written_texts_of_draft(draft)) == []


def test_an_added_clause_whose_neighbour_goes_stays_where_it_stood(overlay: DocumentVersion, cast: Cast) -> None:
    """“Notices” stands behind “scope”, which the base takes out and the market gives up, too."""
    scope = "## Scope {#scope}\n\nEverywhere.\n\n"
    publish_base(cast, BASE_EN.replace(scope, "").replace(" See [[impersonation#scope]].", ""))
    draft = begin(cast)
    move = following.move_of(draft)
    assert move is not None
    decisions = {each.anchor: Decision.DROP if each.anchor == "scope" else Decision.KEEP for each in move.clashing}
    with own_transaction():
        following.move_draft(draft=draft, seen=move.seen, decisions=decisions, by=cast.admin)
    assert order_of(drafts.get_draft(draft.code)) == ["top", "notices", "appeals", "fees"]


@pytest.mark.any_database
def test_an_added_clause_may_be_written_before_the_one_behind_which_it_stands() -> None:
    added = [Overlaid("y", Mode.ADDED, "x"), Overlaid("x", Mode.ADDED, "a")]
    assert arranged(["a", "b"], added) == ["a", "x", "y", "b"]


# --- what its braces say -----------------------------------------------------------------------------


def test_clauses_that_stand_behind_one_another_in_a_circle_are_found(base: DocumentVersion, cast: Cast) -> None:
    """Neither would have a place."""
    document = make_overlay(base.document, cast.admin)
    text = section("aa", " overlay=add after=bb") + section("bb", " overlay=add after=aa")
    found = [problem for _tag, problem in overlays.problems_of_overlay(document, base, [english(text)])]
    assert [problem.line for problem in found] == [1, 5]
    assert all(problem.reason.endswith("in a circle: aa, bb.") and problem.mend for problem in found)


def test_a_clause_that_stands_behind_itself_is_told_so(base: DocumentVersion, cast: Cast) -> None:
    document = make_overlay(base.document, cast.admin)
    text = section("aa", " overlay=add after=aa")
    (problem,) = [each for _tag, each in overlays.problems_of_overlay(document, base, [english(text)])]
    assert "behind itself" in problem.reason
    assert "The base has no clause" not in problem.reason


def test_a_circle_stops_a_draft(overlay: DocumentVersion, cast: Cast) -> None:
    draft = begin(cast)
    text = section("aa", " overlay=add after=bb") + section("bb", " overlay=add after=aa")
    told = lint.examine(edit_draft(draft, "en", by=cast.admin, source=text))
    assert any(each.stops and "circle" in each.what for each in told), [each.what for each in told]


@pytest.mark.any_database
def test_only_what_is_in_a_circle_is_named_not_what_hangs_on_it() -> None:
    added = [Overlaid(anchor, Mode.ADDED, after) for anchor, after in ("ab", "bc", "cb", "dx", "ed")]
    assert circles(added) == [("b", "c")]


@pytest.mark.any_database
@pytest.mark.parametrize(
    "braces", ["{#fees overlay=none overlay=replace}", "{#fees sensitivity=S1 overlay=none sensitivity=S1}"]
)
def test_a_word_that_stands_twice_in_the_braces_is_found(braces: str) -> None:
    """Only the last one would have counted."""
    (problem,) = scan(f"Before.\n\n## Fees {braces}\n\nNone.\n")
    assert problem.line == 3
    assert "stands twice" in problem.reason
    assert problem.mend


# --- a draft that comes back because its base has moved ----------------------------------------------

NEWS = ("Overtaken", "Back from approval", "decision", "見送り", "差し戻し", "承認", "判断")


def submitted(draft: Draft, by: Person, *, scheduled: bool = False, cast: Cast) -> Draft:
    """Return a market's draft that waits for its approval, or for its day."""
    issue_at = clock.now() + timedelta(days=5) if scheduled else None
    edit_draft(draft, "", by=by, number="1.5", change_class=ChangeClass.MINOR, issue_at=issue_at)
    source = OVER_EN.replace("14 days", "7 days")
    edit_draft(draft, "en", by=by, title="impersonation@JP", source=source)
    with own_transaction():
        held = drafts.get_draft(draft.code)
        text = held.text_in("en")
        assert text is not None
        mark_in_step(draft=held, anchors=None, deciding_revision=text.revision, by=by)
    with own_transaction():
        reviews.submit_draft(draft=drafts.get_draft(draft.code), by=by)
    if scheduled:
        with own_transaction():
            held = drafts.get_draft(draft.code)
            seen = drafts.hash_of_draft(held)
            reviews.approve_draft(draft=held, seen=seen, confirmed=ChangeClass.MINOR, by=cast.approver)
    return drafts.get_draft(draft.code)


@pytest.fixture
@beginning
def owner(overlay: DocumentVersion) -> Person:
    """Return who answers for the text of Japan, and writes it."""
    person = make_person("owner@portal.example", language="en")
    make_grant(person, Role.AUTHOR, Scope.MARKET, "JP")
    with own_transaction():
        set_owner(kind="document", code="impersonation@JP", owner=person, by=person)
    return person


def start(by: Person) -> Draft:
    with own_transaction():
        code = begin_draft(document=queries.get_document("impersonation@JP"), by=by).code
    return drafts.get_draft(code)


def test_of_a_scheduled_draft_whose_base_clashes_its_owner_gets_one_mail_that_is_true(
    owner: Person, cast: Cast, app: Any
) -> None:
    draft = submitted(start(owner), owner, scheduled=True, cast=cast)
    sent(app, owner.sign_in_name)
    publish_base(cast, BASE_EN.replace("Everywhere.", "Everywhere and always."))
    (told,) = sent(app, owner.sign_in_name, about=NEWS)
    assert "- Scope (scope)" in told
    assert "The draft of version 1.5 has come back with it" in told
    assert f"/drafts/{draft.code}/base" in told
    assert drafts.get_draft(draft.code).state is DraftState.WRITING


def test_an_author_who_is_not_the_owner_is_told_that_the_base_came_first(
    overlay: DocumentVersion, cast: Cast, app: Any
) -> None:
    author = make_person("writes@portal.example", language="en")
    make_grant(author, Role.AUTHOR, Scope.MARKET, "JP")
    draft = submitted(start(author), author, scheduled=True, cast=cast)
    sent(app, author.sign_in_name)
    publish_base(cast, BASE_EN.replace("Everywhere.", "Everywhere and always."))
    (told,) = sent(app, author.sign_in_name, about=NEWS)
    assert "Version 2.0 of the base text of “impersonation@JP” has been published" in told
    assert "(scope)" in told
    assert "Another version" not in told
    assert f"/drafts/{draft.code}/base" in told


@pytest.mark.parametrize("is_scheduled", [False, True])
def test_of_a_draft_that_is_laid_over_the_new_base_already_nothing_is_to_be_taken_over(
    owner: Person, cast: Cast, app: Any, as_: Any, is_scheduled: bool
) -> None:
    draft = submitted(start(owner), owner, scheduled=is_scheduled, cast=cast)
    sent(app, owner.sign_in_name)
    base = publish_base(cast, BASE_EN.replace("Opening.", "Begin."))
    (told,) = sent(app, owner.sign_in_name, about=NEWS)
    assert "It is laid over version 2.0 already" in told
    assert "Take over" not in told
    assert "Another version" not in told
    assert drafts.get_draft(draft.code).over_id == base.id
    page = as_(owner, language="en").get("library.draft", code=draft.code)
    assert "Version 2.0 of the base text was published first" in page.text
    assert "Another version was published first" not in page.text
    assert "Overtaken by another version" not in page.text
    assert "Version 2.0 of the base text was published first" in as_(owner, language="en").get("training.today").text


def test_another_version_of_the_markets_own_text_still_overtakes(owner: Person, cast: Cast, app: Any) -> None:
    draft = submitted(start(owner), owner, scheduled=True, cast=cast)
    sent(app, owner.sign_in_name)
    publish_overlay(queries.get_document("impersonation@JP"), cast.admin, "1.2")
    (told,) = sent(app, owner.sign_in_name, about=NEWS)
    assert "Another version of “impersonation@JP” was published before version 1.5" in told
    assert drafts.get_draft(draft.code).state is DraftState.WRITING


@pytest.mark.parametrize("changed", ["Begin.", ""])
def test_what_became_of_a_draft_is_told_in_japanese_too(
    overlay: DocumentVersion, cast: Cast, app: Any, changed: str
) -> None:
    author = make_person("writes@portal.example", language="ja")
    make_grant(author, Role.AUTHOR, Scope.MARKET, "JP")
    submitted(start(author), author, cast=cast)
    sent(app, author.sign_in_name)
    clashing = BASE_EN.replace("Everywhere.", "Everywhere and always.")
    publish_base(cast, BASE_EN.replace("Opening.", changed) if changed else clashing)
    (told,) = sent(app, author.sign_in_name, about=("第1.5版",))
    assert ("すでに基本文書の第2.0版に" if changed else "（scope）") in told


# --- what the publication of a base does to the markets, before it happens ------------------------------

SCOPE = BASE_EN.replace("Everywhere.", "Everywhere and always.")


def recounted(document: str) -> int:
    """Return how many people the newest version of a document addresses, as things stand now."""
    held = queries.get_document(document)
    newest = queries.latest_version(held)
    assert newest is not None
    change = change_of_version(newest)
    total, _confirmed = acknowledgements.count_addressed(
        change.document_id, change.audience, besides=change.markets_apart, before=change.sequence
    )
    return total


def counted_ahead(draft: Draft) -> int:
    change = change_of_draft(drafts.get_draft(draft.code))
    total, _confirmed = acknowledgements.count_addressed(
        change.document_id, change.audience, besides=change.markets_apart, before=change.sequence
    )
    return total


@pytest.mark.parametrize(("changed", "waits"), [(SCOPE, True), (BASE_EN.replace("Opening.", "Begin."), False)])
def test_what_a_draft_of_a_base_says_of_its_markets_is_what_happens(
    overlay: DocumentVersion, cast: Cast, changed: str, waits: bool
) -> None:
    texts = [english(changed), japanese(BASE_JA)]
    draft = make_draft(queries.get_document("impersonation"), cast.author, number="2.0", texts=texts)
    (ahead,) = market_texts.ahead_of(draft)
    assert ahead.waits is waits
    assert set(ahead.clashing) == ({"scope"} if waits else set())
    counted, people = counted_ahead(draft), ahead.people
    base = make_version(queries.get_document("impersonation"), cast.admin, "2.0", texts=texts)
    newest = queries.latest_version(queries.get_document("impersonation@JP"))
    assert newest is not None
    assert (newest.over_id == base.id) is not waits
    assert recounted("impersonation") == counted
    assert recounted("impersonation@JP") == people
    assert people > 0


def test_a_market_that_comes_back_with_a_version_of_its_base_is_not_counted_with_the_base(
    overlay: DocumentVersion, base: DocumentVersion, cast: Cast
) -> None:
    """Its text was withdrawn with the base, and follows the next version by itself."""
    with own_transaction():
        held = queries.get_version(queries.get_document("impersonation"), "1.0")
        versions.withdraw_version(version=held, reason="A mistake", by=cast.admin)
    texts = [english(BASE_EN.replace("Opening.", "Begin.")), japanese(BASE_JA)]
    draft = make_draft(queries.get_document("impersonation"), cast.author, number="2.0", texts=texts)
    counted = counted_ahead(draft)
    make_version(queries.get_document("impersonation"), cast.admin, "2.0", texts=texts)
    assert recounted("impersonation") == counted


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_overview_and_the_impact_of_a_base_name_the_markets_that_will_wait(
    overlay: DocumentVersion, cast: Cast, as_: Any, language: str
) -> None:
    texts = [english(SCOPE), japanese(BASE_JA)]
    draft = make_draft(queries.get_document("impersonation"), cast.author, number="2.0", texts=texts)
    for endpoint in ("library.draft", "library.impact"):
        page = as_(cast.author, language=language).get(endpoint, code=draft.code)
        said = (
            ("Will wait for a decision", "until it is decided")
            if language == "en"
            else ("判断待ちになります", "判断が済むまで")
        )
        for words in said:
            assert words in page.text, words
    edit_draft(draft, "en", by=cast.author, source=BASE_EN.replace("Opening.", "Begin."))
    page = as_(cast.author, language=language).get("library.draft", code=draft.code)
    assert ("Follows by itself" if language == "en" else "自動で追従します") in page.text


def test_the_markets_name_an_approved_version_of_the_base_that_will_clash(
    overlay: DocumentVersion, cast: Cast, as_: Any
) -> None:
    texts = [english(SCOPE), japanese(BASE_JA)]
    issue_at = clock.now() + timedelta(days=5)
    draft = make_draft(
        queries.get_document("impersonation"), cast.author, number="2.0", texts=texts, issue_at=issue_at
    )  # fmt: skip
    title = "Version 2.0 of the base text will clash with the text of Japan"
    assert title not in as_(cast.author, language="en").get("library.market_texts_of", slug="impersonation").text
    edit_draft(draft, "", by=cast.author, state=DraftState.APPROVED)
    page = as_(cast.author, language="en").get("library.market_texts_of", slug="impersonation")
    assert title in page.text
    assert f"/drafts/{draft.code}" in page.links()


# --- the impact of a market's first text -----------------------------------------------------------------


def test_a_first_text_of_a_market_is_compared_with_its_base_and_counts_who_confirmed_that(
    base: DocumentVersion, cast: Cast, as_: Any
) -> None:
    confirm(cast.learner, base)
    make_overlay(base.document, cast.admin)
    draft = make_draft(
        queries.get_document("impersonation@JP"),
        cast.author,
        texts=[english(OVER_EN), japanese(OVER_JA)],
        over=base,
        change_class=ChangeClass.MATERIAL,
    )
    change = change_of_draft(draft)
    assert (change.clauses.changed, change.clauses.added) == (("scope", "appeals", "fees"), ("notices",))
    page = as_(cast.author, language="en").get("library.impact", code=draft.code)
    assert "3 clauses changed, 1 clause added" in page.text
    assert "1 of them has confirmed an earlier version" in page.text
    assert "confirmed version 1.0 of the base text" in page.text
    assert "nothing rests on its clauses yet" not in page.text
    assert "/library/impersonation/versions/1.0#scope" in page.links()


def test_the_delta_from_a_base_to_the_text_of_a_market_says_so(base: DocumentVersion, cast: Cast, as_: Any) -> None:
    confirm(cast.learner, base)
    publish_overlay(make_overlay(base.document, cast.admin), cast.admin)
    page = as_(cast.learner, language="en").get("acknowledgements.delta", slug="impersonation@JP")
    assert "From version 1.0 of the base text, confirmed last, to version 1.0 of this market's text" in page.text


# --- a clause of the market's own ------------------------------------------------------------------------


def add(client: Any, draft: Draft, **values: str) -> Any:
    form = {f"heading-{tag}": values.get(tag, "") for tag in ("en", "ja")} | {"after": values.get("after", "")}
    return client.post("library.add_market_clause", form, code=draft.code, expect=int(values.get("expect", 303)))


def test_a_clause_of_the_markets_own_is_added_from_the_desk(overlay: DocumentVersion, cast: Cast, as_: Any) -> None:
    draft, client = begin(cast), as_(cast.author, language="en")
    page = client.get("library.base_of_draft", code=draft.code)
    assert "A clause that only this market has" in page.text
    assert "This text has no heading that could say what becomes of it" in page.text
    response = add(client, draft, en="Local offices", ja="国内の拠点", after="scope")
    draft = drafts.get_draft(draft.code)
    sources = {text.language: text.source for text in draft.texts}
    line = sources["en"].split("\n").index("## Local offices {#local-offices overlay=add after=scope}") + 1
    assert response.location.endswith(f"#line-{line}")
    assert "## 国内の拠点 {#local-offices}" in sources["ja"]
    assert order_of(draft) == ["top", "scope", "notices", "local-offices", "appeals", "fees"]
    assert draft.over is not None
    assert overlays.problems_of_overlay(draft.document, draft.over, overlays.written_texts_of_draft(draft)) == []


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"ja": "国内の拠点"}, "Enter the heading of the clause in English."),
        ({"en": "Offices", "after": "nowhere"}, "There is no clause “nowhere” any more"),
        ({"en": "Offices <b>x</b>"}, "The clause cannot be added"),
        ({"en": "x" * 301}, "The clause cannot be added"),
    ],
)
def test_what_cannot_be_added_is_said_and_what_was_typed_is_kept(
    overlay: DocumentVersion, cast: Cast, as_: Any, values: dict[str, str], said: str
) -> None:
    draft = begin(cast)
    expected = "409" if "after" in values else "400"
    page = add(as_(cast.author, language="en"), draft, **values, expect=expected)
    assert said in page.text
    name, typed = next(iter(values.items()))
    assert page.one("input", id=f"heading-{name}").get("value") == typed
    text = drafts.get_draft(draft.code).text_in("en")
    assert text is not None
    assert text.source == OVER_EN


def test_an_id_that_is_taken_is_not_proposed_again(overlay: DocumentVersion, cast: Cast) -> None:
    draft = begin(cast)
    with own_transaction():
        held = drafts.get_draft(draft.code)
        assert following.add_clause(draft=held, headings={"en": "Appeals"}, after="", by=cast.admin) == "appeals-2"
        assert following.add_clause(draft=held, headings={"en": "Main"}, after="appeals-2", by=cast.admin) == "main-2"
    assert order_of(drafts.get_draft(draft.code))[-2:] == ["appeals-2", "main-2"]


def test_a_heading_without_braces_is_taken_as_added_where_the_base_has_no_such_clause(
    overlay: DocumentVersion, cast: Cast
) -> None:
    draft = begin(cast)
    with own_transaction():
        held = drafts.get_draft(draft.code)
        text = held.text_in("en")
        assert text is not None
        values = replace(values_of(text), source=text.source + "\n## Local offices\n\nIn Tokyo.\n")
        save_text(draft=held, language="en", revision=text.revision, values=values, by=cast.admin)
    text = drafts.get_draft(draft.code).text_in("en")
    assert text is not None
    assert "## Local offices {#local-offices overlay=add}" in text.source
    assert text.source.count("overlay=add") == 2, "what had its braces keeps them"
    kept = "## Appeals in Japan {#appeals}"
    assert kept in text.source


# --- what rests on the clauses of the base that do not say what holds in the market --------------------------


def ask(cast: Cast, tested: dict[str, str]) -> None:
    """Write live questions, and one that is not, about clauses of the base."""
    questions = tuple(
        BankQuestion(slug, replace(make_content(place), clauses=(f"impersonation#{anchor}",)), "live")
        for place, (slug, anchor) in enumerate(tested.items())
    )
    bank = Bank(title=make_content(0).title, document="impersonation", version="1.0", questions=questions)
    with own_transaction():
        take_bank(slug="bank", bank=bank, facts=quizzes.find_clauses, by=cast.author)


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_impact_names_questions_about_clauses_that_differ_in_the_market(
    overlay: DocumentVersion, cast: Cast, app: Any, as_: Any, language: str
) -> None:
    """They are drawn there all the same."""
    ask(cast, {"replaced": "appeals", "silent": "fees", "appended": "scope", "left-alone": "top"})
    draft = begin(cast)
    change = change_of_draft(draft)
    asked = find_dependants("market-questions")
    assert asked is not None
    with app.test_request_context():
        found = asked.affected_by(change, reader=cast.author)
    assert [(item.note, tuple(item.clauses)) for item in found.items] == [
        ("bank/replaced", ("appeals",)),
        ("bank/silent", ("fees",)),
    ]
    said = "2 live questions test clauses that differ in this market" if language == "en" else "出題中の設問"
    for endpoint in ("library.draft", "library.impact"):
        assert said in as_(cast.author, language=language).get(endpoint, code=draft.code).text
    newest = queries.latest_version(queries.get_document("impersonation@JP"))
    assert newest is not None
    assert asked.affected_by(change_of_version(newest), reader=cast.author, limit=0).total == 2


def test_the_impact_names_links_to_a_clause_that_does_not_apply(
    base: DocumentVersion, cast: Cast, app: Any, as_: Any
) -> None:
    linking = BASE_EN.replace("Opening.", "Opening. See [[#fees]].").replace("30 days", "30 days, see [[#fees]]")
    make_version(base.document, cast.admin, "1.1", texts=[english(linking)])
    publish_overlay(make_overlay(queries.get_document("impersonation"), cast.admin), cast.admin)
    other = english("See [[impersonation#fees]] and [[impersonation#scope]].", title="Linking")
    make_published(cast.admin, "linking", texts=[other])
    draft = begin(cast)
    asked = find_dependants("market-links")
    assert asked is not None
    with app.test_request_context():
        found = asked.affected_by(change_of_draft(draft), reader=cast.author)
    # What the market replaces does not link there any more.
    assert [(item.title, tuple(item.clauses)) for item in found.items] == [
        ("The clause “top” of this text", ("fees",)),
        ("Linking", ("fees",)),
    ]
    page = as_(cast.author, language="en").get("library.impact", code=draft.code)
    assert "2 places link to clauses that do not apply in this market" in page.text


def test_of_a_text_of_all_markets_nothing_is_said_of_clauses_that_differ(base: DocumentVersion, cast: Cast) -> None:
    ask(cast, {"silent": "fees"})
    for kind in ("market-questions", "market-links"):
        asked = find_dependants(kind)
        assert asked is not None
        assert asked.affected_by(change_of_version(base), reader=cast.author, limit=0).total == 0

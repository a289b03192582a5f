"""What is found about a draft before anybody else looks at it, as its author meets it on the pages."""

from __future__ import annotations

import time
from typing import Any

import pytest

from portal.core.transaction import own_transaction
from portal.library import errors, queries
from portal.library.models import Document, Draft
from portal.library.queries import drafts
from portal.library.service import lint, reviews, versions
from tests.builders import Cast
from tests.library.builders import EN, JA, english, japanese, make_draft, make_published, soon

pytestmark = pytest.mark.any_database

CHANGED = EN.replace("None.", "One: the archive.")
CHANGED_JA = JA.replace("ありません。", "一つだけあります。")


@pytest.fixture
def document(cast: Cast) -> Document:
    return make_published(cast.author).document


def kinds(draft: Draft, *wanted: str) -> list[tuple[str, str, str]]:
    """Return kind, language and clause of what is found about a draft, of certain kinds only where these are named."""
    return [
        (told.finding.kind, told.finding.language, told.finding.anchor)
        for told in lint.examine(drafts.get_draft(draft.code))
        if not wanted or told.finding.kind in wanted
    ]


# --- marks that nobody sees ------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["title", "summary", "what_to_do_differently", "attestation"])
@pytest.mark.parametrize("mark", ["\x07", "\u202e", "\u2067", "\x85"])
def test_what_nobody_sees_stands_in_no_line_beside_a_text(
    cast: Cast, document: Document, as_: Any, name: str, mark: str
) -> None:
    broken = {name: f"Bad{mark} words"}
    draft = make_draft(document, cast.author, texts=[english(CHANGED, **broken), japanese(CHANGED_JA)])
    with own_transaction(), pytest.raises(errors.DraftNotReady):
        reviews.submit_draft(draft=drafts.get_draft(draft.code), by=cast.author)
    page = as_(cast.author, language="en").get("library.draft", code=draft.code)
    assert f"There is a control character (U+{ord(mark):04X})" in page.text
    assert f"U+{ord(mark):04X}" in as_(cast.author, language="en").get("library.edit_draft", code=draft.code).text


@pytest.mark.parametrize("name", ["title", "summary", "what_to_do_differently", "attestation"])
def test_no_way_of_publishing_lets_through_what_nobody_sees(cast: Cast, document: Document, name: str) -> None:
    for publish, who in (
        (versions.publish_version, {"author": cast.author, "approver": cast.approver}),
        (versions.import_version, {"by": cast.admin}),
    ):
        with pytest.raises(errors.LineBroken) as refusal, own_transaction():
            publish(
                document=queries.get_document("impersonation"),
                number="2.0",
                change_class="minor",
                effective_at=soon(),
                zone="Asia/Tokyo",
                texts=[english(CHANGED), japanese(CHANGED_JA, **{name: "悪い\u202e語"})],
                based_on="1.0",
                **who,
            )
        assert "U+202E" in str(refusal.value)
        assert "Line 0" not in str(refusal.value)


# --- texts as long as they may be ------------------------------------------------------------------

LONG = {
    "prose": "## A {#a}\n\n"
    + ("The account presents itself as somebody else and asks for money. " * 20 + "\n\n") * 190,
    "headings": "".join(f"## Heading {number} {{#h-{number}}}\n\nText.\n\n" for number in range(999)),
    "tabs": "## A {#a}\n\n" + ("\t" * 100 + "a\n") * 2_500,
    "one term": "## A {#a}\n\n" + "fan account " * 20_000,
    "a table": "## A {#a}\n\n|a|b\n|-|-\n" + "|a|b\n" * 4_900,
}


@pytest.mark.parametrize("name", LONG)
def test_the_overview_of_a_long_draft_is_there_within_half_a_second(
    cast: Cast, document: Document, as_: Any, name: str
) -> None:
    draft = make_draft(document, cast.author, texts=[english(LONG[name]), japanese(CHANGED_JA)])
    browser, best = as_(cast.author, language="en"), 9.0
    for _try in range(6):
        started = time.process_time()
        browser.client.get(f"/drafts/{draft.code}?text=en")
        best = min(best, time.process_time() - started)
        if best < 0.5:
            break
    assert best < 0.5, f"{name} took {best:.2f} s"


def test_a_comparison_that_is_too_long_says_how_much_it_leaves_out(cast: Cast, document: Document, as_: Any) -> None:
    source = EN.replace("None.", "One: the archive.") + LONG["prose"]
    draft = make_draft(document, cast.author, texts=[english(source), japanese(CHANGED_JA)])
    page = as_(cast.author, language="en").get("library.draft", code=draft.code, text="en")
    assert "1 further clause differs; it is too long" in page.text
    assert [" ".join("".join(each.itertext()).split()) for each in page.all("ins")] == [
        "[added] One: the archive. [end]"
    ]

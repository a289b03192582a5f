"""The mails of an approval: a draft waits for it, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from portal.accounts import queries as accounts
from portal.accounts.service.recipients import describe_mail
from portal.core import clock
from portal.core.i18n import force_locale, language
from portal.core.i18n import gettext as _
from portal.core.i18n import lazy_gettext as _l
from portal.core.jobs import Description
from portal.core.mail import Email, email
from portal.core.web import public_url
from portal.library import queries
from portal.library.models import Document, DocumentVersion, Draft, DraftReview, DraftState, ReviewAct
from portal.library.queries import drafts
from portal.library.recorded import CHANGE_CLASSES
from portal.library.rules import drafts as rules
from portal.library.service import market_texts, overlays, reviews
from portal.library.service.changed import changed_in_draft, compared_with, groups_of, notes_of
from portal.library.service.overlays import version_to_follow_with
from portal.organisation import queries as organisation


def _describe_waits(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    found = {draft.code: draft for draft in drafts.list_drafts_of([each["code"] for each in arguments])}
    people = {each.code: each for each in accounts.list_people_of([each["to"] for each in arguments])}
    return [
        describe_mail(
            _l("Mail: a draft waits for an approval"), people.get(each["to"]), _about(found.get(each["code"]))
        )
        for each in arguments
    ]


def _describe_news(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    found = {draft.code: draft for draft in drafts.list_drafts_of([each["code"] for each in arguments])}
    people = {each.code: each for each in accounts.list_people_of([draft.begun_by for draft in found.values()])}
    said = []
    for each in arguments:
        draft = found.get(each["code"])
        author = people.get(draft.begun_by) if draft else None
        said.append(describe_mail(_l("Mail: what became of a draft"), author, _about(draft)))
    return said


def _describe_clashes(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    return _describe(_l("Mail: the text of a market waits for a decision"), arguments)


def _describe_withdrawn(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    return _describe(_l("Mail: the text of a market was withdrawn with its base text"), arguments)


def _describe(words: Any, arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    titles = queries.list_document_titles({each["slug"] for each in arguments}, language())
    people = {each.code: each for each in accounts.list_people_of([each["to"] for each in arguments])}
    return [describe_mail(words, people.get(each["to"]), titles.get(each["slug"], each["slug"])) for each in arguments]


def _describe_withdrawal(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    return _describe(_l("Mail: the text of a market was withdrawn"), arguments)


def _about(draft: Draft | None) -> str:
    return f"{drafts.title_of_draft(draft, language())} {draft.number}" if draft else ""


@email("library.approval_waits", describe=_describe_waits)
def approval_waits(code: str, number: int, to: str) -> Email | None:
    """Tell an approver that a draft waits for her; nothing where it does not wait for her any more."""
    draft, person = drafts.find_draft(code), accounts.find_person(to)
    if draft is None or person is None or not person.is_active or draft.state is not DraftState.IN_REVIEW:
        return None
    steps = drafts.list_chain(draft.document)
    authors = drafts.list_author_codes([draft])[draft.id]
    if reviews.verdict_for(draft, person, steps=steps, authors=authors).refusal is not None:
        return None
    submitted = drafts.submissions_of(draft)[-1]
    author, against = accounts.find_person(submitted.by), compared_with(draft)
    step = rules.next_step(reviews.chain_of(steps), reviews.given_for(draft))
    return Email(
        template="library/emails/approval_waits",
        to_address=person.sign_in_name,
        to_name=person.name_in(person.language),
        salutation=person.addressed_in(person.language),
        language=person.language,
        values={
            "title": drafts.title_of_draft(draft, person.language),
            "number": draft.number,
            "author": author.name_in(person.language) if author else "",
            "change_class": CHANGE_CLASSES[draft.change_class.value] if draft.change_class else "",
            "step": step.position if step else None,
            "steps": len(steps),
            "note": draft.note,
            "against": against.number if against is not None else "",
            "changes": _changes(draft, against, person.language) if against is not None else [],
            "href": public_url("library.draft", code=draft.code),
        },
    )


def _changes(draft: Draft, against: DocumentVersion, spoken: str) -> list[str]:
    """Return a line for each kind of change: which clauses, by their ids."""
    found = changed_in_draft(against, draft)
    with force_locale(spoken):
        comma = _(", ")
        lines = [
            f"{group.label} {comma.join(f'{anchor} ({note})' if note else anchor for anchor, note in group.clauses)}"
            for group in groups_of(found, spoken)
        ]
        return [*lines, *notes_of(found, spoken)] or [_("No clause changed")]


@email("library.draft_news", describe=_describe_news)
def draft_news(code: str, number: int) -> Email | None:
    """Tell the author what became of a draft: sent back, approved for a day, published, overtaken."""
    draft = drafts.find_draft(code)
    person = accounts.find_person(draft.begun_by) if draft else None
    review = next((each for each in draft.reviews if each.number == number), None) if draft else None
    if draft is None or person is None or review is None or not person.is_active:
        return None
    by = accounts.find_person(review.by)
    is_back = review.act is ReviewAct.OUTDATED and bool(review.reason) and draft.over is not None
    return Email(
        template="library/emails/draft_news",
        to_address=person.sign_in_name,
        to_name=person.name_in(person.language),
        salutation=person.addressed_in(person.language),
        language=person.language,
        values={
            "act": review.act.value,
            "title": drafts.title_of_draft(draft, person.language),
            "number": draft.number,
            "by": by.name_in(person.language) if by else "",
            "reason": "" if is_back else review.reason,
            "proposed_class": _proposed(review),
            # Of what came back because its base has moved: that version, and the clauses that are to be decided.
            "base_number": review.reason if is_back else "",
            "clashing": list(overlays.clashes_of_draft(draft)) if is_back else [],
            # The instant is written in the mail's own language.
            "issue_at": draft.issue_at,
            "effective_at": draft.published_version.effective_at if draft.published_version else draft.effective_at,
            "zone": draft.zone,
            "href": public_url("library.read_version", slug=draft.document.slug, number=draft.number)
            if review.act is ReviewAct.PUBLISHED
            else public_url("library.base_of_draft" if is_back else "library.draft", code=draft.code),
        },
    )


def _proposed(review: DraftReview) -> object:
    if review.act is not ReviewAct.SENT_BACK or review.change_class is None:
        return ""
    return CHANGE_CLASSES[review.change_class.value]


def _named(anchor: str, heading: str, spoken: str) -> str:
    with force_locale(spoken):
        return _("%(heading)s (%(clause)s)", heading=heading, clause=anchor) if heading else anchor


@email("library.overlay_clashes", describe=_describe_clashes)
def overlay_clashes(slug: str, number: str, to: str) -> Email | None:
    """Tell whoever answers for a market's text that it waits; nothing where somebody has decided, or its base moved on.

    `number` is the version of the base that changed under it.
    """
    overlay, person = queries.find_document(slug), accounts.find_person(to)
    if overlay is None or overlay.base is None or person is None or not person.is_active:
        return None
    (stand,) = market_texts.stands_of([overlay])
    followed = stand.followed
    if not stand.waits or stand.latest is None or followed is None or followed.number != number:
        return None
    spoken = person.language
    before = queries.find_version_by_id(stand.latest.over_id) if stand.latest.over_id is not None else None
    headings = {
        anchor: words
        # A clause is called as the market calls it, else as its base does, or did.
        for version in (before, followed, stand.latest)
        if version is not None
        for anchor, words in queries.clause_headings(version, spoken).items()
        if anchor in stand.clashing
    }
    return Email(
        template="library/emails/overlay_clashes",
        to_address=person.sign_in_name,
        to_name=person.name_in(spoken),
        salutation=person.addressed_in(spoken),
        language=spoken,
        values={
            "title": queries.list_titles([stand.latest.id], spoken)[stand.latest.id],
            "market": _market_of(overlay, spoken),
            "number": number,
            "over": before.number if before is not None else "",
            "stays": queries.version_in_force(overlay) is not None,
            "effective_at": followed.effective_at if followed.effective_at > clock.now() else None,
            "zone": followed.zone,
            # The words are written in the mail's own language.
            "clauses": [
                (_named(anchor, headings.get(anchor, ""), spoken), market_texts.CLASH_WORDS[clash])
                for anchor, clash in stand.clashing.items()
            ],
            # A draft that was to be published, and came back because of it.
            "came_back": stand.draft.number if stand.draft is not None and _came_back(stand.draft, number) else "",
            "href": public_url("library.base_of_draft", code=stand.draft.code)
            if stand.draft is not None
            else public_url("library.market_texts_of", slug=overlay.base.slug),
        },
    )


def _market_of(overlay: Document, spoken: str) -> str:
    market = organisation.find_market(overlay.market or "")
    return market.name.in_(spoken) if market is not None else overlay.market or ""


def _came_back(draft: Draft, number: str) -> bool:
    last = draft.reviews[-1] if draft.reviews else None
    return last is not None and last.act is ReviewAct.OUTDATED and last.reason == number


@email("library.overlay_withdrawn", describe=_describe_withdrawn)
def overlay_withdrawn(slug: str, number: str, to: str) -> Email | None:
    """Tell whoever answers for a market's text that its version of this number was withdrawn because its base was."""
    overlay, person = queries.find_document(slug), accounts.find_person(to)
    withdrawn = next((each for each in overlay.versions if each.number == number), None) if overlay else None
    if overlay is None or withdrawn is None or withdrawn.over is None or person is None or not person.is_active:
        return None
    spoken, base = person.language, withdrawn.over.document
    applies = queries.version_in_force(base)
    said_by = version_to_follow_with(overlay)
    return Email(
        template="library/emails/overlay_withdrawn",
        to_address=person.sign_in_name,
        to_name=person.name_in(spoken),
        salutation=person.addressed_in(spoken),
        language=spoken,
        values={
            "title": queries.list_titles([withdrawn.id], spoken)[withdrawn.id],
            "market": _market_of(overlay, spoken),
            "number": withdrawn.number,
            "base_number": withdrawn.over.number,
            "reason": withdrawn.withdrawal_reason or "",
            "applies": applies.number if applies is not None else "",
            "said_by": said_by.number if said_by is not None else "",
            "href": public_url("library.market_texts_of", slug=base.slug),
        },
    )


@email("library.market_text_withdrawn", describe=_describe_withdrawal)
def market_text_withdrawn(slug: str, number: str, to: str) -> Email | None:
    """Tell whoever answers for a market's text that a version of it was withdrawn, and what applies there now."""
    overlay, person = queries.find_document(slug), accounts.find_person(to)
    version = queries.find_version(overlay, number) if overlay is not None else None
    if overlay is None or overlay.base is None or version is None or person is None or not person.is_active:
        return None
    spoken = person.language
    by = accounts.find_person(version.withdrawn_by or "")
    own, base = queries.version_in_force(overlay), queries.version_in_force(overlay.base)
    return Email(
        template="library/emails/market_text_withdrawn",
        to_address=person.sign_in_name,
        to_name=person.name_in(spoken),
        salutation=person.addressed_in(spoken),
        language=spoken,
        values={
            "title": queries.list_titles([version.id], spoken)[version.id],
            "market": _market_of(overlay, spoken),
            "number": number,
            "by": by.name_in(spoken) if by is not None else "",
            "reason": version.withdrawal_reason or "",
            "own": own.number if own is not None else None,
            "base": base.number if base is not None else None,
            "href": public_url("library.read_version", slug=slug, number=number),
        },
    )

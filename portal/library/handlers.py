"""What the library does by itself: publishing approved drafts on their day, giving back those that were overtaken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import url_for

from portal.core import jobs
from portal.core.access import can
from portal.core.events import subscribe
from portal.core.i18n import LazyText, format_instant, language
from portal.core.i18n import gettext as _
from portal.core.i18n import lazy_gettext as _l
from portal.library.events import VersionPublished, VersionWithdrawn
from portal.library.permissions import SEE_DRAFT
from portal.library.queries import drafts
from portal.library.service import following, market_texts, reviews


def _describe(arguments: Sequence[Mapping[str, Any]]) -> list[jobs.Description]:
    found = {draft.code: draft for draft in drafts.list_drafts_of([each["code"] for each in arguments])}
    said = []
    for each in arguments:
        draft = found.get(each["code"])
        if draft is None or not can(SEE_DRAFT, draft):
            said.append(jobs.Description(_l("Publication of an approved draft")))
            continue
        when = format_instant(draft.issue_at, draft.zone) if draft.issue_at else ""
        title, number = drafts.title_of_draft(draft, language()), draft.number
        said.append(
            jobs.Description(
                _l("Publication of an approved draft"),
                _("%(title)s, version %(number)s", title=title, number=number),
                url_for("library.draft", code=draft.code),
                when,
            )
        )
    return said


def _explain(failure: str) -> LazyText | None:
    if failure in (
        "NumberTooLow",
        "VersionExists",
        "ChangeClassTooLight",
        "LineBroken",
        "TextBroken",
        "TranslationBehind",
    ):
        return _l("The draft cannot be published as it is. Its author takes it back, mends it and submits it again.")
    return None


@jobs.job(reviews.PUBLISH_JOB, tries=48, describe=_describe, explain=_explain)
def publish_draft(code: str, hash: str) -> None:  # noqa: A002
    """Publish what was approved, if it still is; run twice, it is published once."""
    draft = drafts.find_draft(code)
    if draft is not None:
        reviews.publish_draft(draft=draft, approved_hash=hash)


def on_version_published(event: VersionPublished) -> None:
    """Give drafts back that the version has overtaken, and let the overlays of its document follow."""
    reviews.outdate_drafts(event)
    following.follow(event)


def init() -> None:
    """Listen to what happens in the library itself."""
    subscribe(VersionPublished, on_version_published)
    subscribe(VersionWithdrawn, following.withdraw_with_base)
    subscribe(VersionWithdrawn, market_texts.tell_of_withdrawal)

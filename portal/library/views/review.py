"""The overview of a draft and the acts of its approval."""

from __future__ import annotations

from typing import Any

from flask import url_for
from werkzeug import Response

from portal.core.access import actor, requires
from portal.core.errors import DomainError
from portal.core.i18n import LANGUAGES, format_instant
from portal.core.i18n import gettext as _
from portal.core.once import Done, carry_out
from portal.library.forms import ApprovalForm, RemarkForm
from portal.library.models import ChangeClass, Draft
from portal.library.permissions import COMMENT_ON_DRAFT, REVIEW_DRAFT, SEE_DRAFT, WRITE_DRAFT
from portal.library.queries import drafts
from portal.library.queries.drafts import get_draft
from portal.library.service import reviews
from portal.library.views import blueprint
from portal.library.views.overview import address_of, overview, send_back_form


@blueprint.get("/drafts/<code>")
@requires(SEE_DRAFT, on=get_draft)
def draft(draft: Draft) -> str:
    """Show what is proposed, what was found, the text with its remarks, and how the approval stands."""
    return overview(draft)


@blueprint.post("/drafts/<code>/submission")
@requires(WRITE_DRAFT, on=get_draft, see=SEE_DRAFT)
def submit_draft(draft: Draft) -> Response | tuple[str, int]:
    """Put the draft before its approvers."""

    def work() -> Done:
        reviews.submit_draft(draft=draft, by=actor())
        return Done(_("The draft has been submitted. Its approvers are told by email."), address_of(draft))

    return _carried_out(draft, work)


@blueprint.post("/drafts/<code>/taking-back")
@requires(WRITE_DRAFT, on=get_draft, see=SEE_DRAFT)
def take_back_draft(draft: Draft) -> Response | tuple[str, int]:
    """Take the draft back to go on writing."""

    def work() -> Done:
        reviews.take_back_draft(draft=draft, by=actor())
        return Done(_("The draft has been taken back and can be changed again."), address_of(draft))

    return _carried_out(draft, work)


@blueprint.post("/drafts/<code>/sending-back")
@requires(REVIEW_DRAFT, on=get_draft, see=SEE_DRAFT)
def send_back_draft(draft: Draft) -> Response | tuple[str, int]:
    """Give the draft back to its author with what has to change."""
    form = send_back_form(draft)
    if not form.validate():
        return overview(draft, send_back=form), 400
    proposed = ChangeClass(form.change_class.data) if form.change_class.data else None

    def work() -> Done:
        reviews.send_back_draft(draft=draft, reason=form.reason.data or "", proposed_class=proposed, by=actor())
        return Done(_("The draft has been sent back. Its author is told by email."), address_of(draft))

    return _carried_out(draft, work, send_back=form)


@blueprint.post("/drafts/<code>/approval")
@requires(REVIEW_DRAFT, on=get_draft, see=SEE_DRAFT)
def approve_draft(draft: Draft) -> Response | tuple[str, int]:
    """Approve what was looked at; the last approval publishes it, or lets it wait for its day."""
    form = ApprovalForm()
    form.validate()
    confirmed = None
    if form.is_confirmed.data and form.confirmed_class.data in set(ChangeClass):
        confirmed = ChangeClass(form.confirmed_class.data)

    def work() -> Done:
        approved = reviews.approve_draft(draft=draft, seen=form.seen.data or "", confirmed=confirmed, by=actor())
        if approved.version is not None:
            there = url_for("library.read_version", slug=draft.document.slug, number=approved.version.number)
            return Done(_("Version %(number)s has been published.", number=approved.version.number), there)
        return Done(_told(draft, approved.outcome), address_of(draft))

    return _carried_out(draft, work, approval=form)


def _told(draft: Draft, outcome: reviews.Outcome) -> str:
    if outcome is reviews.Outcome.OUTDATED:
        return _("Another version was published in the meantime. Nothing was approved; the author takes that one over.")
    if outcome is reviews.Outcome.SCHEDULED and draft.issue_at is not None:
        when = format_instant(draft.issue_at, draft.zone)
        return _("Approved. The version will be published on %(when)s.", when=when)
    return _("Approved. The draft waits for the next step of its approval.")


@blueprint.post("/drafts/<code>/remarks")
@requires(COMMENT_ON_DRAFT, on=get_draft, see=SEE_DRAFT)
def comment_on_draft(draft: Draft) -> Response | tuple[str, int]:
    """Remark on a clause."""
    form = RemarkForm()
    tag = form.language.data if form.language.data in LANGUAGES else draft.document.authoritative
    if not form.validate():
        return overview(draft, shown=tag, remark=form), 400

    def work() -> Done:
        comment = reviews.comment_on_draft(
            draft=draft, anchor=form.anchor.data or "", language=tag, body=form.body.data or "", by=actor()
        )
        said = (
            _("The remark has been added.")
            if comment.anchor or not form.anchor.data
            else _("The text has no such clause any more, so the remark stands on the draft as a whole.")
        )
        return Done(said, address_of(draft, text=tag, _anchor=f"remark_{comment.code}"))

    return _carried_out(draft, work, shown=tag, remark=form)


@blueprint.post("/drafts/<code>/remarks/<comment>/settlement")
@requires(COMMENT_ON_DRAFT, on=get_draft, see=SEE_DRAFT)
def settle_comment(draft: Draft, comment: str) -> Response | tuple[str, int]:
    """Note that what a remark asked for is done or answered."""
    tag = drafts.get_comment(draft, comment).language

    def work() -> Done:
        reviews.settle_comment(draft=draft, code=comment, by=actor())
        return Done(_("The remark is settled."), address_of(draft, text=tag, _anchor=f"remark_{comment}"))

    return _carried_out(draft, work, shown=tag)


def _carried_out(draft: Draft, work: Any, **shown: Any) -> Response | tuple[str, int]:
    """Carry a form out; what refuses it is said on the page itself, what was typed kept."""
    code = draft.code
    try:
        return carry_out(work)
    except DomainError as refused:
        # What has been read before is out of date now.
        return overview(get_draft(code), refused=refused, **shown), refused.status

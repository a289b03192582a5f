"""What those do who answer for a document: who approves it, to whom it is addressed, and withdrawing a version."""

from __future__ import annotations

from collections.abc import Sequence

from flask import render_template, request, url_for
from werkzeug import Response

from portal.accounts import queries as accounts
from portal.accounts.models import Person, Role
from portal.core.access import actor, allows, can, requires
from portal.core.errors import DomainError, Invalid, NotAllowed
from portal.core.i18n import gettext as _
from portal.core.i18n import language
from portal.core.i18n import lazy_gettext as _l
from portal.core.once import Done, carry_out
from portal.library import queries
from portal.library.errors import ApproverTwice, DeputyIsApprover, NoApprover
from portal.library.forms import AudienceForm, WithdrawalForm
from portal.library.models import GROUPS, Document, DocumentVersion
from portal.library.permissions import (
    READ_DOCUMENT,
    REVIEW_DRAFT,
    SEE_APPROVAL_STEPS,
    SET_APPROVAL_STEPS,
    SET_AUDIENCE,
    WITHDRAW_VERSION,
)
from portal.library.queries import drafts, get_document
from portal.library.rules import Standing
from portal.library.service import documents, reviews, versions
from portal.library.views import audience_choices, audience_words, blueprint, market_name

# Steps that the page of a chain has room for.
MOST_STEPS = 6


# --- who approves -------------------------------------------------------------------------------


@blueprint.route("/library/<slug>/approvals", methods=["GET", "POST"])
@requires(SEE_APPROVAL_STEPS, on=get_document, see=SEE_APPROVAL_STEPS)
def approvals(document: Document) -> Response | tuple[str, int]:
    """Show who approves a document, one after the other; whoever answers for policies sets it."""
    here = language()
    eligible = [person for person in accounts.list_holders(Role.APPROVER) if allows(person, REVIEW_DRAFT, document)]
    steps = drafts.list_chain(document)
    rows = [(each.approver.code, each.deputy.code if each.deputy else "") for each in steps]
    error, status = "", 200
    if request.method == "POST":
        if not can(SET_APPROVAL_STEPS, document):
            raise NotAllowed()
        rows = _posted_steps()
        try:
            return carry_out(lambda: _set_steps(document, rows))
        except (NoApprover, ApproverTwice, DeputyIsApprover, StepWithoutApprover, ApproverUnknown) as refused:
            error, status = str(refused), refused.status
            document = get_document(document.slug)
    page = render_template(
        "library/approvals.html",
        document=document,
        title=_document_title(document),
        people=[(each.code, each.name_in(here)) for each in eligible],
        # Whoever holds the role no more stays to be seen, and replaced.
        former={
            each.code: each.name_in(here)
            for step in steps
            for each in (step.approver, step.deputy)
            if each is not None and each not in eligible
        },
        # Room for one more; those that stand empty after a refusal are shown again as they were sent.
        rows=[*rows, *[("", "")] * (min(MOST_STEPS, max(3, len(rows) + 1)) - len(rows))],
        steps=steps,
        error=error,
        can_set=can(SET_APPROVAL_STEPS, document),
    )
    return page, status


class StepWithoutApprover(Invalid):
    """A deputy stands in for somebody."""

    message = _l("Step %(step)s has a deputy but no approver. Choose the approver too.")


class ApproverUnknown(Invalid):
    """Approvers are chosen from the list."""

    message = _l("Step %(step)s names somebody who is not known here. Choose from the list.")


def _posted_steps() -> list[tuple[str, str]]:
    return [
        (request.form.get(f"approver_{number}", "")[:40], request.form.get(f"deputy_{number}", "")[:40])
        for number in range(1, MOST_STEPS + 1)
    ]


def _set_steps(document: Document, rows: Sequence[tuple[str, str]]) -> Done:
    steps: list[tuple[Person, Person | None]] = []
    for number, (approver, deputy) in enumerate(rows, start=1):
        if not approver and not deputy:
            continue
        if not approver:
            raise StepWithoutApprover(step=number)
        found = [accounts.find_person(code) if code else None for code in (approver, deputy)]
        if found[0] is None or (deputy and found[1] is None):
            raise ApproverUnknown(step=number)
        steps.append((found[0], found[1]))
    changed = reviews.set_approval_chain(document=document, steps=steps, by=actor())
    there = url_for("library.approvals", slug=document.slug)
    return Done(_("The approval steps have been saved.") if changed else _("Nothing was changed."), there)


def _document_title(document: Document) -> str:
    return queries.list_document_names([document.slug], language()).get(document.slug, document.slug)


# --- audience -----------------------------------------------------------------------------------


@blueprint.route("/library/<slug>/audience", methods=["GET", "POST"])
@requires(SET_AUDIENCE, on=get_document, see=READ_DOCUMENT)
def audience(document: Document) -> Response | tuple[str, int]:
    """Set at once, without a draft, to which markets, teams and roles a document is addressed; the reason is kept."""
    form = AudienceForm(data={kind.value: document.audience(kind) for kind in GROUPS})
    for kind, choices in audience_choices({kind: document.audience(kind) for kind in GROUPS}).items():
        form[kind.value].choices = choices
    status = 200
    if request.method == "POST":
        status = 400
        if form.validate():
            wanted = {kind: form[kind.value].data or [] for kind in GROUPS}
            slug = document.slug

            def work() -> Done:
                changed = documents.set_audience(
                    document=document, audience=wanted, by=actor(), reason=form.reason.data or ""
                )
                said = _("The audience has been saved.") if changed else _("Nothing was changed.")
                return Done(said, url_for("library.audience", slug=slug))

            return carry_out(work)
    page = render_template(
        "library/audience.html",
        document=document,
        title=_document_title(document),
        form=form,
        now=audience_words(document),
    )
    return page, status


# --- withdrawal ---------------------------------------------------------------------------------


@blueprint.route("/library/<slug>/versions/<number>/withdrawal", methods=["GET", "POST"])
@requires(WITHDRAW_VERSION, on=get_document, see=READ_DOCUMENT)
def withdraw(document: Document, number: str) -> Response | tuple[str, int]:
    """Ask for the reason and say what follows, then withdraw a version."""
    version = queries.get_version(document, number)
    form, status, refusal = WithdrawalForm(), 200, ""
    if request.method == "POST":
        status = 400
        if form.validate():

            def work() -> Done:
                held = queries.get_version(drafts.hold_document(document), number)
                versions.withdraw_version(version=held, reason=form.reason.data or "", by=actor())
                there = url_for("library.read_version", slug=document.slug, number=number)
                return Done(_("Version %(number)s has been withdrawn.", number=number), there)

            try:
                return carry_out(work)
            except DomainError as refused:
                refusal, status = str(refused), refused.status
                document = get_document(document.slug)
                version = queries.get_version(document, number)
    standing = queries.standing_of(version)
    current = queries.version_in_force(document)
    page = render_template(
        "library/withdrawal.html",
        document=document,
        version=version,
        title=queries.list_titles([version.id], language())[version.id],
        standing=standing,
        follows=[
            *_what_becomes_of(standing, document, current if current and current.id != version.id else None),
            *_in_markets(version),
            _("Its text stays readable at its address, with the reason above it."),
            _("Confirmations, results and certificates that rest on it stay as they are."),
            _("A withdrawal cannot be undone."),
        ],
        form=form,
        refusal=refusal,
    )
    return page, status


def _in_markets(version: DocumentVersion) -> list[str]:
    """Return what becomes of the texts of markets that lie over a version."""
    said = []
    for overlay in version.document.overlays:
        over_it = [each for each in overlay.versions if each.over_id == version.id and each.withdrawn_at is None]
        if over_it:
            about = {"market": market_name(overlay.market), "number": over_it[-1].number}
            said.append(
                _("Version %(number)s of the text of %(market)s lies over it and is withdrawn with it.", **about)
            )
    return said


def _what_becomes_of(standing: Standing, document: Document, other_in_force: DocumentVersion | None) -> list[str]:
    """Say what is to be followed once a version is withdrawn."""
    if document.base is not None and other_in_force is None:
        said = _what_a_market_follows(standing, document, document.base)
        if said:
            return said
    match standing:
        case Standing.IN_FORCE:
            return [
                _("From that moment nothing is in force: an earlier version does not come back by itself."),
                _("To go back to an earlier text, publish it as a new version first."),
            ]
        case Standing.ISSUED if other_in_force is not None:
            return [_("It never takes effect. Version %(number)s stays in force.", number=other_in_force.number)]
        case Standing.ISSUED:
            return [_("It never takes effect.")]
        case Standing.SUPERSEDED:
            return [_("It is not in force any more, so nothing changes in what is to be followed.")]
        case Standing.WITHDRAWN:
            return []


def _what_a_market_follows(standing: Standing, document: Document, base: Document) -> list[str]:
    """Say which version of the base a market follows once its own text is withdrawn; nothing where there is none."""
    applying, market = queries.version_in_force(base), market_name(document.market)
    if applying is None or standing not in (Standing.IN_FORCE, Standing.ISSUED):
        return []
    if standing is Standing.ISSUED:
        return [
            _(
                "It never takes effect. In %(market)s the base text stays in force, version %(number)s.",
                market=market,
                number=applying.number,
            )
        ]
    return [
        _(
            "From that moment the base text applies in %(market)s, version %(number)s: an earlier version of the "
            "market's text does not come back by itself.",
            market=market,
            number=applying.number,
        ),
        _("Those who follow the text of this market are asked to confirm the base text unless they have confirmed it."),
        _("Whoever answers for the text of this market is told by mail."),
        _("To go back to an earlier text, publish it as a new version first."),
    ]

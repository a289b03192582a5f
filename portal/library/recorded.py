"""How the journal's page reads what was done to documents and the glossary."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from flask import url_for

from portal.accounts.permissions import ROLE_NAMES
from portal.core.i18n import gettext as _
from portal.core.i18n import language
from portal.core.i18n import lazy_gettext as _l
from portal.core.i18n import lazy_pgettext as pgettext
from portal.journal.service import Fact, Kind, Thing, Vocabulary
from portal.library import queries
from portal.library.queries import drafts


def _find_documents(codes: Collection[str]) -> Mapping[str, Thing]:
    return {
        slug: Thing(title, url_for("library.history", slug=slug))
        for slug, title in queries.list_document_titles(codes, language()).items()
    }


def _find_drafts(codes: Collection[str]) -> Mapping[str, Thing]:
    return {
        draft.code: Thing(
            _("%(title)s, version %(number)s", title=drafts.title_of_draft(draft, language()), number=draft.number),
            url_for("library.draft", code=draft.code),
        )
        for draft in drafts.list_drafts_of(codes)
    }


def _documents_meant(text: str) -> list[str]:
    slugs = queries.list_live_slugs()
    titles = [queries.list_document_titles(slugs, each) for each in ("en", "ja")]
    return sorted({slug for found in titles for slug, title in found.items() if text.casefold() in title.casefold()})


_KINDS = {
    "policy": _l("Policy"),
    "sop": _l("Procedure"),
    "lesson": _l("Lesson"),
    "handover": _l("Handover document"),
}
CHANGE_CLASSES = {
    "editorial": _l("Editorial"),
    "minor": _l("Minor"),
    "material": _l("Material"),
    "emergency": _l("Emergency"),
}

VOCABULARY = Vocabulary(
    actions={
        "library.document_created": _l("Document added"),
        "library.document_changed": _l("Document details changed"),
        "library.audience_changed": _l("Audience of a document changed"),
        "library.version_published": _l("Version published"),
        "library.version_withdrawn": _l("Version withdrawn"),
        "library.glossary_changed": _l("Glossary changed"),
        "library.draft_submitted": _l("Draft submitted for approval"),
        "library.draft_taken_back": _l("Draft taken back"),
        "library.draft_sent_back": _l("Draft sent back"),
        "library.draft_approved": _l("Draft approved"),
        "library.draft_outdated": _l("Draft overtaken by another version"),
        "library.draft_came_back": _l("Draft given back because its base text has another version"),
        "library.draft_published": _l("Draft published"),
        "library.draft_commented": _l("Remark made on a draft"),
        "library.comment_settled": _l("Remark settled"),
        "library.approval_steps_set": _l("Approval steps set"),
        "library.image_added": _l("Picture added to a document"),
        "library.draft_begun": _l("Draft begun"),
        "library.draft_joined": _l("Began to write in a draft"),
        "library.draft_in_step": _l("Translation marked as in step"),
        "library.proposal_changed": _l("Proposal changed"),
        "library.draft_took_over": _l("Newer version taken over into a draft"),
        "library.draft_discarded": _l("Draft discarded"),
        "library.overlay_clashes": _l("Text of a market waits: its base has changed under it"),
        "library.clause_follows_base": _l("Clause of a market follows the base again"),
        "library.draft_moved_over": _l("Draft laid over a newer version of its base"),
    },
    kinds={
        "document": Kind(_l("Document"), _find_documents, _documents_meant),
        "glossary": Kind(_l("Glossary")),
        "draft": Kind(pgettext("thing", "Draft"), _find_drafts),
    },
    facts={
        "library.document_created:kind": Fact(_l("Kind"), words=_KINDS),
        "library.document_changed:kind": Fact(_l("Kind"), words=_KINDS),
        "authoritative": Fact(_l("Authoritative language"), words={"ja": "日本語", "en": "English"}),
        "review_every_months": Fact(_l("Review interval (months)")),
        "sensitivity": Fact(_l("Sensitivity")),
        "library.audience_changed:market": Fact(_l("Markets"), refers_to="market"),
        "library.audience_changed:team": Fact(_l("Teams"), refers_to="team"),
        "library.audience_changed:person": Fact(_l("People"), refers_to="person"),
        "library.audience_changed:role": Fact(
            _l("Roles"), words={role.value: name for role, name in ROLE_NAMES.items()}
        ),
        "library.audience_changed:draft": Fact(_l("With the draft"), refers_to="draft"),
        "library.proposal_changed:market": Fact(_l("Markets"), refers_to="market"),
        "library.proposal_changed:team": Fact(_l("Teams"), refers_to="team"),
        "library.proposal_changed:role": Fact(
            _l("Roles"), words={role.value: name for role, name in ROLE_NAMES.items()}
        ),
        "change_class": Fact(_l("Change class"), words=CHANGE_CLASSES),
        "document": Fact(_l("Document"), refers_to="document"),
        "proposed_class": Fact(_l("Proposed change class"), words=CHANGE_CLASSES),
        "library.draft_approved:step": Fact(_l("Approval step")),
        "instead_of": Fact(_l("Instead of"), refers_to="person"),
        "library.draft_commented:clause": Fact(_l("Clause")),
        "library.comment_settled:clause": Fact(_l("Clause")),
        "comment": Fact(_l("Remark"), technical=True),
        "approvers": Fact(_l("Approvers"), refers_to="person"),
        "deputies": Fact(_l("Deputy approvers"), refers_to="person"),
        "effective_at": Fact(_l("Effective from")),
        "origin": Fact(
            _l("Origin"),
            words={
                "import": _l("Content folder"),
                "product": _l("Written here"),
                "followed": _l("Followed its base"),
                "compiled": _l("Put together from cards"),
            },
        ),
        "provisional": Fact(_l("Provisional translation")),
        "commit": Fact(_l("Commit"), technical=True),
        "hash": Fact(_l("Hash"), technical=True),
        "text_hash": Fact(_l("Hash"), technical=True),
        "terms": Fact(_l("Terms")),
        "based_on": Fact(_l("Based on version")),
        "library.image_added:name": Fact(_l("Picture")),
        "sha256": Fact(_l("Hash"), technical=True),
        "over": Fact(_l("Laid over version")),
        "base_version": Fact(_l("Version of the base")),
        "base": Fact(_l("Base"), refers_to="document"),
        "library.document_created:market": Fact(_l("Market"), refers_to="market"),
        "library.document_changed:market": Fact(_l("Market"), refers_to="market"),
        "library.overlay_clashes:clauses": Fact(_l("Clauses")),
        "library.clause_follows_base:clause": Fact(_l("Clause")),
        "library.clause_follows_base:overlay": Fact(
            _l("The market did"),
            words={
                "replace": _l("Replaced"),
                "append": _l("Text added below"),
                "none": _l("Does not apply"),
                "add": _l("Only in this market"),
            },
        ),
        "kept": Fact(_l("Clauses kept")),
        "dropped": Fact(_l("Clauses given up")),
        "taken_from": Fact(_l("Text of version")),
        "library.draft_joined:person": Fact(_l("Author"), refers_to="person"),
        "clauses": Fact(_l("Clauses")),
        "library.proposal_changed:number": Fact(_l("Version")),
        "library.draft_took_over:number": Fact(_l("Version")),
        "zone": Fact(_l("Time zone")),
        "issue_at": Fact(_l("Published on")),
        "provisional_reason": Fact(_l("Why it may be published before the translation is ready")),
        "library.proposal_changed:note": Fact(_l("Note for the approvers")),
    },
)

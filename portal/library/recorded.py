"""How the journal's page reads what was done to documents and the glossary."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from flask import url_for

from portal.accounts.permissions import ROLE_NAMES
from portal.core.i18n import language
from portal.core.i18n import lazy_gettext as _l
from portal.journal.service import Fact, Kind, Thing, Vocabulary
from portal.library import queries


def _find_documents(codes: Collection[str]) -> Mapping[str, Thing]:
    return {
        slug: Thing(title, url_for("library.history", slug=slug))
        for slug, title in queries.list_document_titles(codes, language()).items()
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
_CHANGE_CLASSES = {
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
    },
    kinds={
        "document": Kind(_l("Document"), _find_documents, _documents_meant),
        "glossary": Kind(_l("Glossary")),
    },
    facts={
        "library.document_created:kind": Fact(_l("Kind"), words=_KINDS),
        "library.document_changed:kind": Fact(_l("Kind"), words=_KINDS),
        "authoritative": Fact(_l("Authoritative language"), words={"ja": "日本語", "en": "English"}),
        "review_every_months": Fact(_l("Review interval (months)")),
        "sensitivity": Fact(_l("Sensitivity")),
        "library.audience_changed:market": Fact(_l("Markets"), refers_to="market"),
        "library.audience_changed:team": Fact(_l("Teams"), refers_to="team"),
        "library.audience_changed:role": Fact(
            _l("Roles"), words={role.value: name for role, name in ROLE_NAMES.items()}
        ),
        "change_class": Fact(_l("Change class"), words=_CHANGE_CLASSES),
        "effective_at": Fact(_l("Effective from")),
        "origin": Fact(_l("Origin"), words={"import": _l("Content folder"), "product": _l("Written here")}),
        "provisional": Fact(_l("Provisional translation")),
        "commit": Fact(_l("Commit"), technical=True),
        "hash": Fact(_l("Hash"), technical=True),
        "text_hash": Fact(_l("Hash"), technical=True),
        "terms": Fact(_l("Terms")),
    },
)

"""Certificates as what rests on the clauses that a version changes."""

from __future__ import annotations

from flask import url_for

from portal.accounts.models import Person
from portal.certificates import queries
from portal.certificates.permissions import SEE_CERTIFICATE
from portal.certificates.service.policies import affected_certificates
from portal.core.access import allows
from portal.core.i18n import format_date, language, ngettext
from portal.core.i18n import gettext as _
from portal.core.i18n import lazy_gettext as _l
from portal.library.service.dependants import Affected, AffectedItem, Change

_HIDDEN = _l("Holders are named only to those who may see their certificates.")


class AffectedCertificates:
    """Certificates whose basis holds a changed clause."""

    kind = "certificates"
    name = _l("Certificates superseded by policy")
    flips = True

    def said(self, total: int, change: Change) -> str:
        """Say what becomes of the certificates, and when."""
        if change.effective_on is None:
            return ngettext(
                "%(num)d certificate becomes superseded at the publication",
                "%(num)d certificates become superseded at the publication",
                total,
            )
        return ngettext(
            "%(num)d certificate becomes superseded on %(day)s",
            "%(num)d certificates become superseded on %(day)s",
            total,
            day=format_date(change.effective_on, "short"),
        )

    def affected_by(self, change: Change, *, reader: Person, offset: int = 0, limit: int | None = None) -> Affected:
        """Return the certificates, oldest first; holders are named to those who may see the certificate."""
        found = affected_certificates(change)
        shown = found[offset:] if limit is None else found[offset : offset + limit]
        rows = {each.id: each for each in queries.list_certificates_by_id([each.certificate_id for each in shown])}
        here = language()
        items = []
        for each in shown:
            certificate = rows[each.certificate_id]
            may_see = allows(reader, SEE_CERTIFICATE, certificate)
            items.append(
                AffectedItem(
                    each.number,
                    url_for("certificates.show", number=each.number) if may_see else None,
                    str(certificate.title),
                    each.anchors,
                    whose=certificate.person.name_in(here) if may_see else "",
                )
            )
        note = _("They are not revoked: until that day they stay valid, and their public page says so.")
        if any(not item.whose for item in items):
            note = f"{note} {_HIDDEN}" if here == "en" else f"{note}{_HIDDEN}"
        return Affected(len(found), items, note if found else "", whose=_("Holder"))

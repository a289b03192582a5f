"""Making the obligation that enrols the holders of a credential in time, by one press on the credential's page."""

from __future__ import annotations

from typing import Any

from flask import redirect, url_for

from portal.certificates import queries as certificates
from portal.certificates.models import Credential
from portal.certificates.permissions import SEE_CREDENTIALS
from portal.core.access import actor, requires
from portal.core.i18n import gettext as _
from portal.core.once import Done, carry_out
from portal.obligations import queries
from portal.obligations.permissions import CREATE_OBLIGATIONS
from portal.obligations.service import renewals
from portal.obligations.views import blueprint


@blueprint.post("/obligations/for-credential/<slug>")
@requires(CREATE_OBLIGATIONS, on=certificates.get_credential, see=SEE_CREDENTIALS)
def assign_renewals(credential: Credential) -> Any:
    """Enrol every holder before her certificate expires; what does so already is shown."""
    present = queries.list_before_expiry(credential.slug)
    if present:
        return redirect(url_for("obligations.obligation", code=present[0].code), 303)

    def work() -> Done:
        made = renewals.assign_renewals(credential=credential, by=actor())
        return Done(
            _("Holders are enrolled before their certificates expire, from now on."),
            url_for("obligations.obligation", code=made.code),
        )

    return carry_out(work)

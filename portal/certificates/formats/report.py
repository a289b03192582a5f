"""What was found about a file, in words: a line for each check, and what to make of one that failed."""

from __future__ import annotations

from portal.certificates.formats.verification import Finding, Verified
from portal.certificates.rules import State
from portal.core.i18n import LazyText, language, lazy_pgettext
from portal.core.i18n import gettext as _
from portal.core.i18n import lazy_gettext as _l

_FINDINGS: dict[Finding, LazyText] = {
    Finding.TOO_LARGE: _l("The file has more than 64 MB: it is no certificate of ours."),
    Finding.NOT_A_PDF: _l("The file is no PDF, or something stands before its beginning."),
    Finding.NOT_SIGNED: _l("The file carries no signature of the kind that certificates have."),
    Finding.SEVERAL_SIGNATURES: _l("The file carries more than one signature; a certificate has exactly one."),
    Finding.NOT_ALL_SIGNED: _l("Something in the file is not covered by its signature: it was added or cut off."),
    Finding.SPELLING: _l("The bytes of the signature itself were changed."),
    Finding.UNKNOWN_KEY: _l("The file was signed with a certificate that is none of the published ones."),
    Finding.CHANGED: _l("The file was changed after it was signed."),
    Finding.RETIRED_KEY: _l("The file says that it was signed after the key had been retired."),
    Finding.NOT_CONFIRMED: _l("The signature is not valid by the rules for signed PDFs (PAdES)."),
    Finding.NO_STATEMENT: _l("The data of the certificate is missing from the file."),
    Finding.UNKNOWN_ISSUE_KEY: _l("The data of the certificate was signed with a key that was not published."),
    Finding.FORGED_STATEMENT: _l("The data of the certificate is not what its issuer has signed."),
}
# Those before which the signature over the file was found to hold.
_BEYOND_THE_FILE = (Finding.NO_STATEMENT, Finding.UNKNOWN_ISSUE_KEY, Finding.FORGED_STATEMENT)
STATES: dict[State, LazyText] = {
    State.VALID: lazy_pgettext("certificate", "Valid today."),
    State.EXPIRING: lazy_pgettext("certificate", "Valid today."),
    State.EXPIRED: lazy_pgettext("certificate", "Genuine, but expired."),
    State.IN_GRACE: lazy_pgettext("certificate", "Genuine, but expired."),
    State.RENEWED: lazy_pgettext("certificate", "Genuine, but renewed: a newer certificate has taken its place."),
    State.SUPERSEDED: lazy_pgettext("certificate", "Genuine, but replaced by a newer certificate."),
    State.POLICY_SUPERSEDED: lazy_pgettext(
        "certificate", "Genuine, but the rules that it certifies have changed since."
    ),
    State.SUSPENDED: lazy_pgettext("certificate", "Suspended while it is being reviewed."),
    State.REVOKED: lazy_pgettext("certificate", "Revoked by its issuer. Do not rely on it."),
}


def in_words(found: Verified) -> list[str]:
    """Return what was checked, line by line: a tick before what holds, a cross before the first thing that does not."""
    lines = []
    if found.finding is None or found.finding in _BEYOND_THE_FILE:
        lines.append("✓ " + _("Signature of the file (PAdES): every byte is covered, and none was changed."))
    if found.finding is not None:
        return [*lines, "✗ " + str(_FINDINGS[found.finding])]
    snapshot, here = found.snapshot, language()
    assert snapshot is not None
    assert found.signed_at is not None
    assert found.issue_key is not None
    assert found.document_key is not None
    return [
        *lines,
        "✓ " + _("Signature of the data (Ed25519): it is what the issuer has signed."),
        "",
        _("Number: %(number)s", number=snapshot["number"]),
        _("Holder: %(name)s", name=_both(snapshot["holder"])),
        _("Credential: %(title)s", title=snapshot["credential"]["title"][here]),
        _("Issued on %(day)s by %(issuer)s", day=snapshot["issued_on"], issuer=snapshot["issuer"][here]),
        _("Valid until %(day)s", day=snapshot["expires_on"]) if snapshot["expires_on"] else _("Does not expire"),
        _("Signed at %(instant)s (as the signer says)", instant=f"{found.signed_at:%Y-%m-%d %H:%M:%S} UTC"),
        _("Keys: %(first)s, %(second)s", first=found.document_key.kid, second=found.issue_key.kid),
        _("Whether it was revoked since is told by %(address)s", address=snapshot["verify_url"]),
        "",
    ]


def _both(holder: dict[str, str]) -> str:
    return holder["en"] if holder["en"] == holder["ja"] else f"{holder['ja']} / {holder['en']}"


def state_in_words(state: State) -> str:
    """Return what a certificate is worth today."""
    return str(STATES[state])

"""What a reader is told before a clause with a label is shown."""

from __future__ import annotations

from portal.core.i18n import lazy_gettext as _l

WARNINGS = {
    "S1": _l("Rude words, fraud or upsetting subjects are mentioned, without detail."),
    "S2": _l("Harm to a person is quoted or described."),
    "S3": _l("Injury, cruelty or abuse is described in detail."),
    "S4": _l("Killing, torture or sexual abuse is described."),
}

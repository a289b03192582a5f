"""Every write about people, by noun."""

from __future__ import annotations

from portal.core.i18n import lazy_gettext as _l

# What the journal's page calls the actions of this domain.
ACTION_NAMES = {
    "accounts.invited": _l("Account opened"),
    "accounts.invitation_sent": _l("Invitation sent"),
    "accounts.password_reset_sent": _l("Link for a new password sent"),
    "accounts.imported": _l("People imported"),
    "accounts.changed": _l("Person changed"),
    "accounts.password_set": _l("Password set"),
    "accounts.deactivated": _l("Account deactivated"),
    "accounts.reactivated": _l("Account reactivated"),
    "accounts.role_granted": _l("Role given"),
    "accounts.role_ended": _l("Role ended"),
    "accounts.accommodation_approved": _l("Accommodation approved"),
    "accounts.accommodation_ended": _l("Accommodation ended"),
    "accounts.owner_set": _l("Owner named"),
}

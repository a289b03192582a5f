"""What can be done with the organisation; who may is said in the table of accounts, which knows the roles."""

from __future__ import annotations

from portal.core.access import Permission

CHANGE_SETTINGS = Permission("organisation.change_settings", "change the organisation's settings, markets and teams")
SEE_JOBS = Permission("organisation.see_jobs", "see background work, try failed work again, cancel it")

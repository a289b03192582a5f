"""What can be done with the journal; who may is said in the table of accounts, which knows the roles."""

from __future__ import annotations

from portal.core.access import Permission

READ_JOURNAL = Permission("journal.read", "read the journal of everything that was done")

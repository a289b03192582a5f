"""What the worker does for accounts now and then."""

from __future__ import annotations

from portal.accounts import emails  # noqa: F401 - registers the mails
from portal.accounts.service import imports, links, sessions, signing_in
from portal.core.jobs import periodic


@periodic("accounts.tidy", minutes=30)
def tidy() -> None:
    """Remove sessions, links, counts and tables that are of no use any more."""
    signing_in.tidy_backoffs()
    links.tidy_links()
    sessions.tidy_sessions()
    imports.tidy_imports()

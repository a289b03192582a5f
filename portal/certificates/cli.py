"""Commands about certificates: `flask certificates issue`."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from portal.certificates import service
from portal.core.errors import DomainError
from portal.core.transaction import transaction

certificates = AppGroup("certificates", help="Certificates of completed plans.")


@certificates.command("issue")
def issue() -> None:
    """Issue what completed plans have earned and was not issued then (the credential was missing, say)."""
    try:
        with transaction():
            issued = [certificate.number for certificate in service.issue_owed()]
    except DomainError as refused:
        raise click.ClickException(str(refused)) from refused
    for number in issued:
        click.echo(number)
    click.echo(f"{len(issued)} certificates issued")

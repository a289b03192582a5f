"""Commands about certificates: issuing and revoking, the keys that sign, checking a file, taking them elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Sequence
from enum import Enum
from pathlib import Path

import click
from flask import current_app
from flask.cli import AppGroup

from portal.accounts import queries as accounts
from portal.accounts.models import Person
from portal.certificates import queries, service
from portal.certificates.errors import CredentialSuperseded, MayNotRevoke, NotCompleted, NothingToRenew, ResultMissing
from portal.certificates.formats.report import in_words, state_in_words
from portal.certificates.formats.verification import MAX_FILE_BYTES, Finding, Verified, verify_file
from portal.certificates.models import KeyPurpose, SigningKey
from portal.certificates.permissions import REVOKE
from portal.certificates.queries import keys as key_queries
from portal.certificates.queries import owed, records
from portal.certificates.rules import State
from portal.certificates.service import exports, revocations
from portal.certificates.service import keys as key_service
from portal.cohorts import queries as cohorts
from portal.core.access import allows
from portal.core.commands import said_in
from portal.core.errors import DomainError
from portal.core.i18n import force_locale, ngettext
from portal.core.i18n import gettext as _
from portal.core.markdown import visible
from portal.core.signatures import PublicKey, UnusableKey, facts_of, read_jwks
from portal.core.transaction import transaction
from portal.training import queries as training

certificates = AppGroup("certificates", help="Certificates of completed plans, and the keys that sign them.")
keys_group = AppGroup("keys", help="The keys that sign certificates.")
certificates.add_command(keys_group)

_purpose = click.argument("purpose", type=click.Choice([each.value for each in KeyPurpose]))


# --- many at once -------------------------------------------------------------------------------------------------

# What a person has not earned (yet): told, and no fault of anybody.
_NOT_EARNED = (NotCompleted, ResultMissing, CredentialSuperseded, NothingToRenew)

_credential = click.option("--credential", metavar="SLUG", help="Only this credential.")
_people = click.option(
    "--person", "people", multiple=True, metavar="NAME", help="Only who signs in so; can be repeated."
)
_cohort = click.option("--cohort", metavar="CODE", help="Only who is in the cohort.")
_issuer = click.option("--by", metavar="NAME", help="Sign-in name of who issues; default: the portal itself.")
_dry_run = click.option("--dry-run", is_flag=True, help="Only say what would be done.")


class _Undone(Exception):
    """Ends a transaction of which nothing is to be kept."""


class _Outcome(Enum):
    DONE = "✓"
    NOT_EARNED = "–"
    FAILED = "✗"


@certificates.command("issue")
@_credential
@_people
@_cohort
@_issuer
@_dry_run
@said_in
def issue(
    *, credential: str | None, people: tuple[str, ...], cohort: str | None, by: str | None, dry_run: bool, language: str
) -> None:
    """Issue what completed plans have earned and was not issued then (the credential was missing, say).

    Who gets none is told with the reason. Exits with 1 where something that was earned could not be issued.
    """
    with force_locale(language):
        chosen, issuer = _choose(credential, people, cohort), _person(by) if by else None
        found = owed.list_unissued(credential=credential, people=chosen)
        outcomes = [_issue(each, issuer, only_renews=False, dry_run=dry_run) for each in found]
        _say_nothing_owed(people, {each.sign_in_name for each in found})
        _sum_up(_issued(outcomes, dry_run=dry_run), outcomes)


@certificates.command("renew")
@_credential
@_people
@_cohort
@_issuer
@_dry_run
@said_in
def renew(
    *, credential: str | None, people: tuple[str, ...], cohort: str | None, by: str | None, dry_run: bool, language: str
) -> None:
    """Issue the renewals that completed plans have earned and that were not issued then.

    A certificate is renewed because a plan was completed again, and by nothing else: what should be renewed and for
    which nothing was completed is told. Exits with 1 where a renewal that was earned could not be issued.
    """
    with force_locale(language):
        chosen, issuer = _choose(credential, people, cohort), _person(by) if by else None
        found = owed.list_unissued(credential=credential, people=chosen, only_renewals=True)
        completed = {(each.person_id, each.credential_slug) for each in found}
        held = owed.list_to_be_renewed(credential=credential, people=chosen)
        outcomes = [_issue(each, issuer, only_renews=True, dry_run=dry_run) for each in found]
        for former in held:
            if (former.person_id, former.credential_slug) not in completed:
                outcomes.append(_Outcome.NOT_EARNED)
                label = f"{former.sign_in_name}  {former.credential_slug}  {former.number}"
                _say(_Outcome.NOT_EARNED, label, _("no plan has been completed that renews it"))
        _say_nothing_owed(people, {each.sign_in_name for each in found} | {each.sign_in_name for each in held})
        _sum_up(_issued(outcomes, dry_run=dry_run), outcomes)


@certificates.command("revoke")
@click.argument("numbers", nargs=-1, required=True, metavar="NUMBER…")
@click.option("--by", required=True, metavar="NAME", help="Sign-in name of the administrator who revokes.")
@click.option(
    "--confirmed-by", required=True, metavar="NAME", help="Sign-in name of another one, who has agreed to it."
)
@click.option("--reason", required=True, help="Why: at least ten characters; it stays on record.")
@_dry_run
@said_in
def revoke(*, numbers: tuple[str, ...], by: str, confirmed_by: str, reason: str, dry_run: bool, language: str) -> None:
    """Revoke certificates, named by number or code, for good: by two administrators, neither of them the holder.

    Each for itself: one that cannot be revoked is told with the reason, and the others are. Exits with 1 then.
    """
    with force_locale(language):
        first, second = _person(by), _person(confirmed_by)
        if first.id == second.id:
            raise click.UsageError(_("--by and --confirmed-by are two different people."))
        try:
            said = service.checked_reason(reason)
        except DomainError as refused:
            raise click.UsageError(f"--reason: {refused}") from refused

        def work(name: str) -> str:
            certificate = records.get_by_any_name(name)
            for each in (first, second):
                if not each.is_active or not allows(each, REVOKE, certificate):
                    raise MayNotRevoke(name=each.sign_in_name)
            revocations.revoke_by_two(certificate=certificate, by=first, confirmed_by=second, reason=said)
            return certificate.number

        outcomes = [
            _carry_out(name, lambda name=name: work(name), dry_run=dry_run)  # type: ignore[misc]
            for name in dict.fromkeys(numbers)
        ]
        done = outcomes.count(_Outcome.DONE)
        _sum_up(
            ngettext("%(num)d certificate would be revoked", "%(num)d certificates would be revoked", done)
            if dry_run
            else ngettext("%(num)d certificate revoked", "%(num)d certificates revoked", done),
            outcomes,
        )


def _person(name: str) -> Person:
    found = accounts.find_person_by_sign_in_name(name)
    if found is None:
        raise click.ClickException(_("Nobody signs in as %(name)s.", name=visible(name)))
    return found


def _choose(credential: str | None, people: tuple[str, ...], cohort: str | None) -> list[int] | None:
    """Return the rows of the people who are named, or None for everybody; the credential must be there."""
    if people and cohort:
        raise click.UsageError(_("Name people or a cohort, not both."))
    try:
        if credential is not None:
            queries.get_credential(credential)
        if cohort:
            return [each.id for each in cohorts.list_members(cohorts.get_cohort(cohort))]
    except DomainError as refused:
        raise click.ClickException(str(refused)) from refused
    return [_person(name).id for name in people] if people else None


def _issue(unissued: owed.Unissued, by: Person | None, *, only_renews: bool, dry_run: bool) -> _Outcome:
    def work() -> str:
        # Read anew in the transaction that issues it.
        credential = queries.get_credential(unissued.credential_slug)
        enrollment = training.get_enrollment(unissued.enrollment_code)
        return service.issue_certificate(
            credential=credential, enrollment=enrollment, by=by, only_renews=only_renews
        ).number

    label = f"{unissued.sign_in_name}  {unissued.credential_slug}  {unissued.enrollment_code}"
    return _carry_out(label, work, dry_run=dry_run)


def _carry_out(label: str, work: Callable[[], str], *, dry_run: bool) -> _Outcome:
    """Do something to one certificate in a transaction of its own, and say how it went.

    `work` returns the certificate's number. A dry run does the same and keeps nothing of it, so that it says what would
    happen; its numbers are not given out and not told.
    """
    try:
        with transaction():
            number = work()
            if dry_run:
                raise _Undone
    except _Undone:
        _say(_Outcome.DONE, label, "")
        return _Outcome.DONE
    except _NOT_EARNED as reason:
        _say(_Outcome.NOT_EARNED, label, str(reason))
        return _Outcome.NOT_EARNED
    except DomainError as refused:
        _say(_Outcome.FAILED, label, str(refused))
        return _Outcome.FAILED
    except Exception as failure:
        # The others do not wait for what nobody has foreseen.
        current_app.logger.exception("nothing was done about %s", visible(label))
        _say(_Outcome.FAILED, label, _("unexpected: %(failure)s", failure=type(failure).__name__))
        return _Outcome.FAILED
    _say(_Outcome.DONE, label, number)
    return _Outcome.DONE


def _say(outcome: _Outcome, label: str, said: str) -> None:
    click.echo(visible(f"{outcome.value} {label}" + (f": {said}" if said else "")))


def _say_nothing_owed(people: tuple[str, ...], told: Collection[str]) -> None:
    for name in dict.fromkeys(_person(name).sign_in_name for name in people):
        if name not in told:
            _say(_Outcome.NOT_EARNED, name, _("nothing is owed"))


def _issued(outcomes: Sequence[_Outcome], *, dry_run: bool) -> str:
    done = outcomes.count(_Outcome.DONE)
    if dry_run:
        return ngettext("%(num)d certificate would be issued", "%(num)d certificates would be issued", done)
    return ngettext("%(num)d certificate issued", "%(num)d certificates issued", done)


def _sum_up(done: str, outcomes: Sequence[_Outcome]) -> None:
    """Say in the last line what was done and how much was not; end the command accordingly."""
    said = [done]
    if none := outcomes.count(_Outcome.NOT_EARNED):
        said.append(_("not earned: %(num)s", num=none))
    if failed := outcomes.count(_Outcome.FAILED):
        said.append(_("failed: %(num)s", num=failed))
    click.echo(", ".join(said))
    sys.exit(1 if failed else 0)


# --- keys ---------------------------------------------------------------------------------------------------------


@keys_group.command("list")
@said_in
def list_keys(language: str) -> None:
    """Show every key that signs or has signed."""
    with force_locale(language):
        found = key_queries.list_keys()
        for key in found:
            click.echo(_line(key))
        if not found:
            click.echo(_("There are no keys yet. Run: flask certificates keys new"))


@keys_group.command("new")
@said_in
def new_keys(language: str) -> None:
    """Make the keys that are missing: for the data of certificates, and for their files."""
    with force_locale(language):
        with transaction():
            made = key_service.make_missing_keys()
        for key in made:
            click.echo(_line(key))
        if not made:
            click.echo(_("All keys are there already."))


@keys_group.command("rotate")
@_purpose
@said_in
def rotate(purpose: str, language: str) -> None:
    """Let a new key sign from now on; what the former one has signed holds."""
    with force_locale(language):
        with transaction():
            key = key_service.rotate_key(purpose=KeyPurpose(purpose))
        click.echo(_line(key))


@keys_group.command("use")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE")
@said_in
def use(file: Path, language: str) -> None:
    """Let the key in FILE sign from now on: PEM, Ed25519 for data, RSA with its certificates behind it for files."""
    with force_locale(language):
        try:
            if file.stat().st_size > key_service.MAX_KEY_BYTES:
                raise click.ClickException(_("The file is too large for a key."))
            with transaction():
                key = key_service.use_key(pem=file.read_bytes())
        except DomainError as refused:
            raise click.ClickException(str(refused)) from refused
        click.echo(_line(key))


def _line(key: SigningKey) -> str:
    said = [key.kid, key.purpose.value, key.algorithm]
    if key.certificate is not None:
        facts = facts_of(key_queries.public_half(key).certificates[0])
        said.append(_("%(subject)s until %(day)s", subject=facts.subject, day=f"{facts.not_after:%Y-%m-%d}"))
    if key.retired_at is None:
        said.append(_("signs since %(day)s", day=f"{key.created_at:%Y-%m-%d}"))
    else:
        said.append(_("retired on %(day)s", day=f"{key.retired_at:%Y-%m-%d}"))
    return "  ".join(said)


# --- checking -----------------------------------------------------------------------------------------------------


@certificates.command("verify")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE.pdf")
@click.option(
    "--keys",
    "keys_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="JWKS.json",
    help="The issuer's published keys (/.well-known/jwks.json); no network and no database is asked then.",
)
@said_in
def verify(file: Path, keys_file: Path | None, language: str) -> None:
    """Say whether FILE.pdf is a certificate exactly as it was issued. Exits with 1 where it is not.

    Without --keys, the portal's own keys and records are asked: also whether the file is the stored one, and what the
    certificate is worth today. Exits with 1 for one that is revoked or suspended, too. With --keys nobody is asked what
    it is worth: a revoked one is genuine then.
    """
    with force_locale(language):
        with file.open("rb") as source:
            content = source.read(MAX_FILE_BYTES + 1)
        found = verify_file(content, _keys_of(keys_file))
        for line in in_words(found):
            click.echo(line)
        holds, taken_away = found.finding is None, ""
        if keys_file is None:
            holds, taken_away = _compare_with_records(content, found)
        elif holds:
            click.echo(_("Whether it was revoked or suspended since was not looked up: only the keys were asked."))
        elif found.finding is Finding.NOT_SIGNED:
            click.echo(_("Certificates issued before signatures were introduced can be checked on the portal only."))
        click.echo(_("Result: NOT confirmed.") if not holds else taken_away or _("Result: genuine."))
    sys.exit(0 if holds and not taken_away else 1)


def _keys_of(file: Path | None) -> list[PublicKey]:
    if file is None:
        return key_queries.list_public_keys()
    try:
        return read_jwks(file.read_text(encoding="utf-8"))
    except (UnusableKey, UnicodeDecodeError) as unreadable:
        raise click.ClickException(_("%(file)s holds no published keys.", file=str(file))) from unreadable


def _compare_with_records(content: bytes, found: Verified) -> tuple[bool, str]:
    """Say what our own records know of the file.

    Returns whether it is one that we issued, and the result in words where somebody has taken its worth away.
    """
    stored = records.find_record_of(content)
    if stored is None:
        click.echo("✗ " + _("This portal has no file with this content on record."))
        return False, ""
    if stored.is_signed:
        click.echo("✓ " + _("The file is the one on record."))
    else:
        click.echo("✓ " + _("Issued before signatures were introduced: the hash matches our record."))
    click.echo(state_in_words(stored.state))
    taken_away = ""
    if stored.taken_away_on is not None:
        day = f"{stored.taken_away_on:%Y-%m-%d}"
        taken_away = (
            _("Result: genuine, but revoked on %(day)s: do not accept it.", day=day)
            if stored.state is State.REVOKED
            else _("Result: genuine, but suspended on %(day)s: do not accept it.", day=day)
        )
    return found.finding is None or not stored.is_signed, taken_away


# --- taking certificates elsewhere --------------------------------------------------------------------------------


@certificates.command("export")
@click.argument("numbers", nargs=-1, metavar="[NUMBER]…")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), metavar="DIR")
@click.option("--all", "everything", is_flag=True, help="Every certificate.")
@said_in
def export(numbers: tuple[str, ...], folder: Path, everything: bool, language: str) -> None:
    """Write certificates into DIR: PDFs, signed data, the public keys, and a list with hashes. It can be run again.

    A certificate is named by its number or its code. Exits with 1 where the PDF of one is missing, and names it.
    """
    with force_locale(language):
        if everything == bool(numbers):
            raise click.UsageError(_("Name certificates, or say --all."))
        try:
            named = (records.get_by_any_name(each) for each in numbers)
            found = records.iterate_certificates() if everything else list(named)
            written = exports.write_certificates(found, folder)
        except DomainError as refused:
            raise click.ClickException(str(refused)) from refused
        click.echo(
            ngettext(
                "%(num)d certificate written to %(folder)s",
                "%(num)d certificates written to %(folder)s",
                written.count,
                folder=str(folder),
            )
        )
        for label, numbers_of in (
            (_("without PDF: %(num)s"), written.without_pdf),
            (_("replaced before it was printed: %(num)s"), written.given_up),
        ):
            if numbers_of:
                click.echo(f"{label % {'num': len(numbers_of)}} ({', '.join(numbers_of)})")
    sys.exit(1 if written.without_pdf else 0)

"""Mail: owed as a job, rendered by the worker in the recipient's language, sent once."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from flask import current_app, render_template

from portal.core import clock, jobs
from portal.core.db import canonical_json
from portal.core.i18n import LazyText, force_locale
from portal.core.i18n import lazy_gettext as _l

# The name of the work.
SEND = "mail.send"
# 48 tries of five minutes: four hours of an unreachable server lose nothing.
TRIES = 48


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes along with a mail, under its name, Japanese too."""

    filename: str
    content: bytes
    content_type: str


@dataclass(frozen=True, slots=True)
class Email:
    """One mail as plain data.

    `template` names the folder with subject.txt, body.txt and body.html, `values` fill it. `salutation` is the name
    with which it begins; empty: the whole one.
    """

    template: str
    to_address: str
    to_name: str
    language: str
    values: dict[str, Any] = field(default_factory=dict)
    salutation: str = ""
    attachments: Sequence[Attachment] = ()


Builder = Callable[..., Email | None]
_builders: dict[str, Builder] = {}
_describers: dict[str, jobs.Describer] = {}


def email(name: str, *, describe: jobs.Describer | None = None) -> Callable[[Builder], Builder]:
    """Register the function that builds a mail from ids when it is sent; None means: send nothing.

    `describe` says for many mails at once what each is and to whom it goes.
    """

    def register(builder: Builder) -> Builder:
        _builders[name] = builder
        if describe is not None:
            _describers[name] = describe
        return builder

    return register


def undescribed() -> list[str]:
    """Return the mails that nobody has put in words."""
    return sorted(_builders.keys() - _describers.keys())


def describe(arguments: Sequence[Mapping[str, Any]]) -> list[jobs.Description]:
    """Say what the mails are, each kind by its own domain."""
    found: dict[int, jobs.Description] = {}
    for name in {each["mail"] for each in arguments}:
        places = [place for place, each in enumerate(arguments) if each["mail"] == name]
        said = _describers[name]([arguments[place]["arguments"] for place in places]) if name in _describers else None
        found.update(zip(places, said or [jobs.Description(_l("Mail"), about=name)] * len(places), strict=True))
    return [found[place] for place in range(len(arguments))]


_NOT_REACHED = _l("The mail server could not be reached. The email is kept and sent again automatically.")
_REASONS = {
    **dict.fromkeys(
        ("ConnectionRefusedError", "ConnectionResetError", "TimeoutError", "gaierror", "SMTPConnectError",
         "SMTPServerDisconnected", "SMTPHeloError"),
        _NOT_REACHED,
    ),
    "SMTPAuthenticationError": _l("The mail server refused the portal's own sign-in. Check SHIRUBE_MAIL_URL."),
    "SMTPRecipientsRefused": _l(
        "The mail server does not accept the recipient's address. Check it on the person's page."
    ),
    "SMTPSenderRefused": _l("The mail server does not accept the sender's address. Check SHIRUBE_MAIL_FROM."),
    "SMTPNotSupportedError": _l("The mail server offers no encryption. Check SHIRUBE_MAIL_URL."),
    "SSLCertVerificationError": _l("The mail server's certificate is not valid."),
    "SMTPDataError": _l("The mail server refused the mail itself."),
    "PermissionError": _l("The folder for mails cannot be written. Check SHIRUBE_MAIL_URL."),
}  # fmt: skip


def explain(failure: str) -> LazyText | None:
    """Say in words why a mail could not be sent."""
    return _REASONS.get(failure) or (_NOT_REACHED if failure == "OSError" else None)


def send_later(
    name: str, arguments: dict[str, Any], *, effect_key: str, not_before: datetime | None = None
) -> jobs.Job:
    """Owe a mail from this transaction on; the same effect key is sent only once."""
    if name not in _builders:
        raise LookupError(f"no mail is registered as {name}")
    return jobs.enqueue(
        SEND, {"mail": name, "arguments": arguments}, effect_key=f"mail:{effect_key}", run_after=not_before
    )


def send_all_later(name: str, owed: Mapping[str, dict[str, Any]], *, not_before: datetime | None = None) -> None:
    """Owe mails of one kind from this transaction on: their arguments by the effect key of each."""
    if name not in _builders:
        raise LookupError(f"no mail is registered as {name}")
    jobs.enqueue_all(
        SEND,
        {f"mail:{key}": {"mail": name, "arguments": each} for key, each in owed.items()},
        run_after=not_before,
    )


@jobs.job(SEND, tries=TRIES, describe=describe, explain=explain)
def send(mail: str, arguments: dict[str, Any]) -> Generator[Any, Any, None]:
    """Build the mail inside a transaction (it may need a fresh link), send it outside."""
    built = _builders[mail](**arguments)
    if built is None:
        return
    message = render(built)
    message["Message-ID"] = f"<{_name_of_this_mail(mail, arguments)}@{_own_domain()}>"
    yield jobs.Outside(lambda: deliver(message))


def _name_of_this_mail(mail: str, arguments: dict[str, Any]) -> str:
    """Return what stays the same over all tries of one job, and is new for each job.

    Mail clients show one mail should a crash after the hand-over send it twice, but an invitation sent
    again as a mail of its own.
    """
    return sha256(canonical_json([mail, arguments, jobs.running()]).encode()).hexdigest()[:32]


def render(built: Email) -> EmailMessage:
    """Write the mail in the recipient's language; blanks and line ends in headers are folded away.

    The bodies extend `ui/email.txt` and `ui/email.html`, which greet, and say at the foot who has sent it.
    """
    with force_locale(built.language):
        salutation = built.salutation or built.to_name
        values = {"to_name": built.to_name, "salutation": salutation, "language": built.language, **built.values}
        subject = " ".join(render_template(f"{built.template}/subject.txt", **values).split())
        text = render_template(f"{built.template}/body.txt", **values).strip() + "\n"
        html = render_template(f"{built.template}/body.html", **values, subject=subject)
    message = EmailMessage(policy=SMTP)
    message["Subject"] = subject
    message["From"] = current_app.config["MAIL_FROM"]
    user, _, domain = built.to_address.partition("@")
    message["To"] = Address(display_name=" ".join(built.to_name.split()), username=user, domain=domain)
    message["Date"] = format_datetime(clock.now())
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text)
    message.add_alternative(html, subtype="html")
    for each in built.attachments:
        kind, _slash, detail = each.content_type.partition("/")
        message.add_attachment(each.content, maintype=kind, subtype=detail, filename=each.filename)
    # Last: what was set before would have moved into the first part.
    message["Content-Language"] = built.language
    return message


def deliver(message: EmailMessage) -> None:
    """Hand the mail to the carrier of the settings: a folder, the log, or an SMTP server."""
    url = urlsplit(current_app.config["MAIL_URL"])
    if url.scheme == "file":
        folder = Path(unquote(url.path))
        folder.mkdir(parents=True, exist_ok=True)
        stamp = f"{clock.now():%Y%m%dT%H%M%S%f}"
        (folder / f"{stamp}-{str(message['Message-ID'])[1:13]}.eml").write_bytes(message.as_bytes())
    elif url.scheme == "console":
        current_app.logger.info("mail to %s: %s", message["To"], message["Subject"])
    else:
        _deliver_by_smtp(message, url)


def _deliver_by_smtp(message: EmailMessage, url: Any) -> None:
    host, timeout = url.hostname or "localhost", 30
    context = ssl.create_default_context()
    if url.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, url.port or 465, timeout=timeout, context=context)
    else:
        server = smtplib.SMTP(host, url.port or 587, timeout=timeout)
    with server:
        # Plain SMTP must be asked for by name: smtp+plain://.
        if url.scheme == "smtp":
            server.starttls(context=context)
        if url.username:
            server.login(unquote(url.username), unquote(url.password or ""))
        server.send_message(message)


def _own_domain() -> str:
    sender = str(current_app.config["MAIL_FROM"])
    return sender.rpartition("@")[2].strip(" >") or "localhost"

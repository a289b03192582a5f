"""One-time links: invitations and password resets, hashed at rest, used once, expiring, replaced by newer ones."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update

from portal.accounts import errors, queries, rules
from portal.accounts.models import LinkPurpose, OneTimeLink, Person
from portal.accounts.service import passwords
from portal.accounts.service.sessions import hash_of
from portal.core import clock, jobs, mail
from portal.core.codes import new_token
from portal.core.db import session
from portal.journal.service import record

LIFETIME = {LinkPurpose.INVITATION: timedelta(days=7), LinkPurpose.PASSWORD_RESET: timedelta(minutes=60)}
# Asked for again within this time, a link is sent once; a mailbox cannot be flooded.
SENT_ONCE_WITHIN = timedelta(minutes=5)
KEPT = timedelta(days=30)
# The work that owes an invitation when its time has come.
INVITE_ON_TIME = "accounts.invite_on_time"


def purpose_for(person: Person) -> LinkPurpose:
    """Return what a link would be for: an invitation until there is a password."""
    return LinkPurpose.INVITATION if person.is_invited else LinkPurpose.PASSWORD_RESET


def make_link(*, person: Person) -> str:
    """Make a fresh link for an active account and return its secret token; older ones stop working."""
    if not person.is_active:
        raise errors.Deactivated()
    if queries.is_shut_out(person):
        raise errors.DemoAccount()
    now, token, purpose = clock.now(), new_token(), purpose_for(person)
    replace_links(person=person)
    session.add(
        OneTimeLink(
            token_hash=hash_of(token),
            purpose=purpose,
            person_id=person.id,
            created_at=now,
            expires_at=now + LIFETIME[purpose],
        )
    )
    session.flush()
    return token


def replace_links(*, person: Person) -> None:
    """Let every open link of the person stop working."""
    session.execute(
        update(OneTimeLink)
        .where(OneTimeLink.person_id == person.id, OneTimeLink.used_at.is_(None), OneTimeLink.replaced_at.is_(None))
        .values(replaced_at=clock.now())
    )


def get_usable(token: str) -> OneTimeLink:
    """Return the link of the token. Raises the refusal that says why it does not work."""
    found = queries.find_link(hash_of(token))
    if found is None or not found.person.is_active or queries.is_shut_out(found.person):
        raise errors.LinkUnknown()
    if found.used_at is not None:
        raise errors.LinkUsed()
    if found.replaced_at is not None:
        raise errors.LinkReplaced()
    if clock.now() >= found.expires_at:
        raise errors.LinkExpired()
    return found


def use_link(*, token: str, password: str) -> Person:
    """Set the password by a link, which is used up by it. Raises `LinkUnusable` or `PasswordRefused`.

    Of two people with the same link only one can use it.
    """
    link = get_usable(token)
    passwords.check_rules(password, person=link.person)
    taken = session.execute(
        update(OneTimeLink)
        .where(OneTimeLink.id == link.id, OneTimeLink.used_at.is_(None), OneTimeLink.replaced_at.is_(None))
        .values(used_at=clock.now())
        .execution_options(synchronize_session=False)
    )
    if taken.rowcount != 1:  # type: ignore[attr-defined]
        raise errors.LinkUsed()
    session.expire(link)
    passwords.set_password(person=link.person, password=password, by=link.person)
    replace_links(person=link.person)
    return link.person


def request_link(*, name: str) -> None:
    """Owe a link to whoever signs in with this name; for strangers a mail is owed that will not be sent.

    What follows is the same work for both, so that nothing tells whether there is an account.
    """
    folded = rules.fold_sign_in_name(name)[:254]
    slot = int(clock.now().timestamp() // SENT_ONCE_WITHIN.total_seconds())
    mail.send_later(
        "accounts.link",
        {"name": folded},
        effect_key=f"link:{hash_of(folded)}:{slot}",
    )


def send_invitation(*, person: Person, by: Person | None, occasion: str = "") -> None:
    """Owe the person an invitation; the link in it is made when the mail is sent.

    With an occasion (an import) it is sent once for this, however often it is asked for.
    """
    if not person.is_active:
        raise errors.Deactivated()
    if queries.is_shut_out(person):
        raise errors.DemoAccount()
    now = clock.now()
    mail.send_later(
        "accounts.link",
        {"name": person.sign_in_name},
        effect_key=f"invitation:{person.code}:{occasion or f'{now:%Y%m%d%H%M%S}'}",
    )
    record(f"accounts.{purpose_for(person).value}_sent", by=by, subject=("person", person.code))


def invite_on_time(*, person: Person, by: Person, at: datetime, occasion: str) -> None:
    """Owe the person her invitation for an instant, once for the occasion; at once where that has passed.

    Nobody gets a second one by then who was invited by hand before, has a password, or has left.
    """
    if at <= clock.now():
        send_invitation(person=person, by=by, occasion=occasion)
        return
    jobs.enqueue(
        INVITE_ON_TIME,
        {"person": person.code, "by": by.code, "occasion": occasion},
        effect_key=f"{_on_time(person)}{occasion}",
        run_after=at,
        requested_by=by.code,
    )


def invite_all_on_time(*, people: Sequence[Person], by: Person, at: datetime, occasion: str) -> None:
    """Owe these people their invitations for an instant to come, as `invite_on_time` one after the other."""
    jobs.enqueue_all(
        INVITE_ON_TIME,
        {
            f"{_on_time(person)}{occasion}": {"person": person.code, "by": by.code, "occasion": occasion}
            for person in people
        },
        run_after=at,
        requested_by=by.code,
    )


def reschedule_invitation(*, person: Person, at: datetime) -> bool:
    """Let an invitation that still waits for its time go out at another instant; say whether one does."""
    return bool(jobs.reschedule(name=INVITE_ON_TIME, key_begins=_on_time(person), run_after=at))


def invitation_waits_until(person: Person) -> datetime | None:
    """Return when the person's invitation goes out, where it still waits for its time."""
    return jobs.waits_until(name=INVITE_ON_TIME, key_begins=_on_time(person))


def _on_time(person: Person) -> str:
    return f"invitation_on_time:{person.code}:"


def tidy_links() -> int:
    """Remove links that ended long ago; return how many."""
    gone = session.execute(delete(OneTimeLink).where(OneTimeLink.expires_at < clock.now() - KEPT))
    return int(gone.rowcount)  # type: ignore[attr-defined]


def count_open(person: Person) -> int:
    """Return how many links of the person would work now (0 or 1)."""
    return len(
        list(
            session.scalars(
                select(OneTimeLink.id).where(
                    OneTimeLink.person_id == person.id,
                    OneTimeLink.used_at.is_(None),
                    OneTimeLink.replaced_at.is_(None),
                    OneTimeLink.expires_at > clock.now(),
                )
            )
        )
    )

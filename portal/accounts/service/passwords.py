"""Passwords: hashed with Argon2id, checked against the rules, changed with everything that follows from it."""

from __future__ import annotations

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from portal.accounts import errors, rules
from portal.accounts.models import Person
from portal.accounts.rules import PasswordFault
from portal.accounts.service import sessions
from portal.core import clock, mail
from portal.journal.service import record
from portal.organisation import queries as organisation

# OWASP's recommendation for Argon2id: 19 MiB, two passes, one lane.
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# Verified where there is no password to verify, so that the answer takes as long. Of random bytes; opens nothing.
DUMMY_HASH = "$argon2id$v=19$m=19456,t=2,p=1$tCTR+T/VuK4VF/BazsqlOg$/pe+2L1+PORMAk+fUisj71ktbAMAEXQSqmMC9iZFn60"


def hashed(password: str) -> str:
    """Return what is stored of a password."""
    return _hasher.hash(rules.as_hashed(password))


def verify(password_hash: str | None, password: str) -> bool:
    """Say whether the password is the one of the hash; without a hash it takes as long and says no."""
    try:
        _hasher.verify(password_hash or DUMMY_HASH, rules.as_hashed(password))
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None


def needs_rehash(password_hash: str) -> bool:
    """Say whether the hash was made with weaker parameters than today's."""
    return _hasher.check_needs_rehash(password_hash)


def check_rules(password: str, *, person: Person | None = None, own_words: tuple[str, ...] = ()) -> None:
    """Raise the refusal that says which rule the password is against."""
    words = [*own_words, *organisation.own_words()]
    if person is not None:
        words += [
            person.sign_in_name, person.family_name, person.given_name, person.family_kana, person.given_kana,
            person.family_romaji, person.given_romaji, person.shown_as,
        ]  # fmt: skip
    match rules.find_password_fault(password, words):
        case PasswordFault.TOO_SHORT:
            raise errors.PasswordTooShort(least=rules.MIN_PASSWORD)
        case PasswordFault.TOO_LONG:
            raise errors.PasswordTooLong(most=rules.MAX_PASSWORD)
        case PasswordFault.COMMON:
            raise errors.PasswordCommon()
        case PasswordFault.OWN_WORDS:
            raise errors.PasswordFromOwnWords()


def set_password(*, person: Person, password: str, by: Person | None) -> None:
    """Give the account a password within the rules; every session of the person ends.

    Raises `PasswordRefused`. Whoever had a password before is told by mail.
    """
    check_rules(password, person=person)
    had_one, now = person.password_hash is not None, clock.now()
    person.password_hash, person.password_changed_at = hashed(password), now
    sessions.end_all_sessions(person=person)
    record("accounts.password_set", by=by, subject=("person", person.code))
    if had_one:
        mail.send_later(
            "accounts.password_changed",
            {"code": person.code, "at": now.isoformat()},
            effect_key=f"password-changed:{person.code}:{now.isoformat()}",
        )


def change_password(*, person: Person, present: str, new: str) -> None:
    """Change the own password, having asked for the present one. Raises `PasswordWrong` or `PasswordRefused`."""
    if not verify(person.password_hash, present):
        raise errors.PasswordWrong()
    set_password(person=person, password=new, by=person)

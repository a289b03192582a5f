"""Tables of people, their sessions, links, grants, accommodations and what they own."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from fractions import Fraction
from typing import Any

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, String, Table, Text, event
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts import rules
from portal.core.db import Base, BigKey, enum_type
from portal.core.i18n import Words
from portal.core.seals import Sealed
from portal.organisation.models import Market, Team


class Role(StrEnum):
    """What a person is trusted with; given by grants with a scope."""

    LEARNER = "learner"
    MENTOR = "mentor"
    AUTHOR = "author"
    POLICY_OWNER = "policy_owner"
    APPROVER = "approver"
    LEAD = "lead"
    WELLBEING_CONTACT = "wellbeing_contact"
    AUDITOR = "auditor"
    ADMIN = "admin"


class Scope(StrEnum):
    """How far a grant reaches."""

    ORGANISATION = "organisation"
    MARKET = "market"
    TEAM = "team"
    COHORT = "cohort"


class NameOutcome(StrEnum):
    """What became of an own change of names."""

    CONFIRMED = "confirmed"
    REFUSED = "refused"
    # Somebody else has set the names since.
    SET = "set"
    # She has changed them again, or back.
    REPLACED = "replaced"


class LinkPurpose(StrEnum):
    """What a one-time link is for."""

    INVITATION = "invitation"
    PASSWORD_RESET = "password_reset"  # noqa: S105


further_markets = Table(
    "person_markets",
    Base.metadata,
    Column("person_id", ForeignKey("people.id", ondelete="CASCADE"), primary_key=True),
    Column("market_id", ForeignKey("markets.id", ondelete="CASCADE"), primary_key=True),
)


class Named:
    """What follows from the names of somebody, whether they are those of the account or others of hers."""

    family_name: Any
    given_name: Any
    middle_name: Any
    family_kana: Any
    given_kana: Any
    family_romaji: Any
    given_romaji: Any
    shown_as: Any

    @property
    def full_name(self) -> str:
        """The name as the person wants to be shown; family name first where it is written that way."""
        if self.shown_as:
            return str(self.shown_as)
        parts = (self.family_name, self.middle_name, self.given_name)
        if not rules.is_family_first(self.family_name):
            parts = (self.given_name, self.middle_name, self.family_name)
        return " ".join(part for part in parts if part)

    @property
    def full_kana(self) -> str:
        """The reading, family name first; empty where it is not known."""
        return " ".join(part for part in (self.family_kana, self.given_kana) if part)

    @property
    def full_romaji(self) -> str:
        """The romanised name, given name first; empty where it is not known."""
        return " ".join(part for part in (self.given_romaji, self.family_romaji) if part)

    def name_in(self, language: str) -> str:
        """Return the name for readers of the language: romanised for English where it is known."""
        if self.shown_as:
            return str(self.shown_as)
        return (self.full_romaji or self.full_name) if language == "en" else self.full_name

    @property
    def names(self) -> Words:
        """The name for readers of either language, for what is told later than it is read."""
        return Words(self.name_in("en"), self.name_in("ja"))

    def addressed_in(self, language: str) -> str:
        """Return the name by which a mail in the language begins: the family name alone in Japanese.

        Whoever has chosen how to be shown is addressed so.
        """
        return str(self.family_name) if language == "ja" and not self.shown_as else self.name_in(language)


NAME_FIELDS = (
    "family_name", "given_name", "middle_name", "family_kana", "given_kana", "family_romaji", "given_romaji",
    "shown_as",
)  # fmt: skip


class NamesKept(Named):
    """Names as they were kept beside an account, by the name of their column."""

    def __init__(self, kept: Mapping[str, Any]) -> None:
        for name in NAME_FIELDS:
            setattr(self, name, str(kept.get(name, "")))


class Person(Named, Base):
    """Somebody with an account."""

    __tablename__ = "people"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    # The mail address, case-folded; the person signs in with it.
    sign_in_name: Mapped[str] = mapped_column(String(254), unique=True)
    # Names are kept as typed (NFC, never NFKC). The given name may be empty (mononyms).
    family_name: Mapped[str] = mapped_column(String(300))
    given_name: Mapped[str] = mapped_column(String(300), default="")
    middle_name: Mapped[str] = mapped_column(String(300), default="")
    family_kana: Mapped[str] = mapped_column(String(300), default="")
    given_kana: Mapped[str] = mapped_column(String(300), default="")
    family_romaji: Mapped[str] = mapped_column(String(300), default="")
    given_romaji: Mapped[str] = mapped_column(String(300), default="")
    # How the person wants to be shown, where that differs from the names above.
    shown_as: Mapped[str] = mapped_column(String(300), default="")
    employee_number: Mapped[str | None] = mapped_column(String(60), unique=True)
    language: Mapped[str] = mapped_column(String(2), default="en")
    time_zone: Mapped[str] = mapped_column(String(60))
    home_market_id: Mapped[int] = mapped_column(ForeignKey("markets.id", ondelete="RESTRICT"), index=True)
    team_id: Mapped[int | None] = mapped_column(ForeignKey("teams.id", ondelete="RESTRICT"), index=True)
    created_at: Mapped[datetime]
    password_hash: Mapped[str | None] = mapped_column(String(200))
    password_changed_at: Mapped[datetime | None]
    deactivated_at: Mapped[datetime | None]
    deactivated_by: Mapped[str | None] = mapped_column(String(40))
    # Since when the account is part of the demo organisation, whose passwords everybody can read.
    demo_since: Mapped[datetime | None]
    last_seen_at: Mapped[datetime | None]
    # Both follow from the names, see below. The order of lists is by code point on either database.
    sort_key: Mapped[str] = mapped_column(
        String(600).with_variant(String(600, collation="C"), "postgresql"), default="", index=True
    )
    search_key: Mapped[str] = mapped_column(Text, default="")

    home_market: Mapped[Market] = relationship(lazy="joined")
    team: Mapped[Team | None] = relationship(lazy="joined")
    further_markets: Mapped[list[Market]] = relationship(secondary=further_markets, order_by=Market.code)
    grants: Mapped[list[RoleGrant]] = relationship(
        back_populates="person", foreign_keys="RoleGrant.person_id", order_by="RoleGrant.id"
    )

    __table_args__ = (CheckConstraint("language in ('en', 'ja')", name="language"),)

    # Whether something waits for her that every page tells her of; found with her session, not kept.
    has_something_urgent = False

    # What Flask-Login asks of a user.
    is_authenticated = True
    is_anonymous = False

    def order_in(self, language: str) -> tuple[str, str, int]:
        """Return by what people are put in order for readers of the language: readings, or the alphabet."""
        if language == "ja":
            return self.sort_key, "", self.id
        family, given = self.family_romaji or self.family_name, self.given_romaji or self.given_name
        return family.casefold(), given.casefold(), self.id

    @property
    def is_active(self) -> bool:
        """Whether the account may be used."""
        return self.deactivated_at is None

    @property
    def is_invited(self) -> bool:
        """Whether the person has never set a password, so cannot sign in yet."""
        return self.password_hash is None


@event.listens_for(Person, "before_insert")
@event.listens_for(Person, "before_update")
def _derive_keys(mapper: Any, connection: Any, person: Person) -> None:
    person.sort_key, person.search_key = derived_keys({name: getattr(person, name) for name in _IN_KEYS})


_IN_KEYS = (
    "family_name", "given_name", "middle_name", "family_kana", "given_kana", "family_romaji", "given_romaji",
    "shown_as", "sign_in_name", "employee_number",
)  # fmt: skip


def derived_keys(values: Mapping[str, str | None]) -> tuple[str, str]:
    """Return by what a person of these column values is ordered, and in what she is looked for."""
    text = {name: values.get(name) or "" for name in _IN_KEYS}
    sort_key = rules.sort_key(text["family_kana"], text["given_kana"], text["family_name"], text["given_name"])
    search_key = rules.search_key(
        text[name]
        for name in (
            "family_name", "given_name", "middle_name", "family_name", "family_kana", "given_kana", "given_romaji",
            "family_romaji", "given_romaji", "shown_as", "sign_in_name", "employee_number",
        )
    )  # fmt: skip
    return sort_key, search_key


class NameChange(Base):
    """That a person has changed her own names: open until somebody else stands for them or refuses them.

    The portal shows the new names at once; what the organisation vouches for keeps those of before while it is open.
    A further change of hers closes the one before and begins from the same names.
    """

    __tablename__ = "name_changes"
    __sealed__ = Sealed(later=("outcome", "decided_at", "decided_by", "reason"))
    __table_args__ = (
        CheckConstraint("(outcome is null) = (decided_at is null)", name="outcome"),
        CheckConstraint("(outcome is null) = (decided_by is null)", name="decided_by"),
        CheckConstraint("(outcome = 'refused') = (reason is not null) or outcome is null", name="reason"),
        Index(
            "uq_name_changes_open",
            "person_id",
            unique=True,
            sqlite_where=Column("decided_at").is_(None),
            postgresql_where=Column("decided_at").is_(None),
        ),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"), index=True)
    changed_at: Mapped[datetime]
    # All names by the name of their column: those that somebody else stood for, and those that she has set.
    before: Mapped[dict[str, Any]]
    after: Mapped[dict[str, Any]]
    outcome: Mapped[NameOutcome | None] = mapped_column(enum_type(NameOutcome))
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None] = mapped_column(String(40))
    reason: Mapped[str | None] = mapped_column(Text)

    person: Mapped[Person] = relationship()


class RoleGrant(Base):
    """A role given to a person for a scope; ended, never deleted."""

    __tablename__ = "role_grants"
    __sealed__ = Sealed(later=("ended_at", "ended_by"))
    __table_args__ = (
        CheckConstraint("(scope = 'organisation') = (scope_code = '')", name="scope_code"),
        Index(
            "uq_role_grants_open",
            "person_id",
            "role",
            "scope",
            "scope_code",
            unique=True,
            sqlite_where=Column("ended_at").is_(None),
            postgresql_where=Column("ended_at").is_(None),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"), index=True)
    role: Mapped[Role] = mapped_column(enum_type(Role))
    scope: Mapped[Scope] = mapped_column(enum_type(Scope))
    # The code of the market, team or cohort; empty for the organisation.
    scope_code: Mapped[str] = mapped_column(String(60), default="")
    granted_at: Mapped[datetime]
    granted_by: Mapped[str] = mapped_column(String(40))
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None] = mapped_column(String(40))

    person: Mapped[Person] = relationship(back_populates="grants", foreign_keys=[person_id])


class SignInSession(Base):
    """One signed-in browser; the cookie carries the token, the database only its hash."""

    __tablename__ = "sign_in_sessions"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    browser: Mapped[str] = mapped_column(String(200), default="")
    address_class: Mapped[str] = mapped_column(String(60), default="")

    person: Mapped[Person] = relationship(lazy="joined")

    @property
    def handle(self) -> str:
        """What stands for the session on the person's own page; it opens nothing."""
        return self.token_hash[:16]


class OneTimeLink(Base):
    """An invitation or password reset: hashed at rest, used once, expiring."""

    __tablename__ = "one_time_links"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    purpose: Mapped[LinkPurpose] = mapped_column(enum_type(LinkPurpose))
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    replaced_at: Mapped[datetime | None]

    person: Mapped[Person] = relationship(lazy="joined")


class SignInBackoff(Base):
    """Failed sign-ins under one key (an account or an address), kept though the request was refused."""

    __tablename__ = "sign_in_backoffs"

    key: Mapped[str] = mapped_column(String(100), primary_key=True)
    failures: Mapped[int] = mapped_column(default=0)
    last_at: Mapped[datetime]
    blocked_until: Mapped[datetime | None]


class Accommodation(Base):
    """What a person needs to be tested fairly: more time, no visible countdown, breaks, a format; never a diagnosis."""

    __tablename__ = "accommodations"
    __sealed__ = Sealed(later=("ended_at", "confirmed_at", "confirmed_by"))
    __table_args__ = (
        CheckConstraint("(confirmed_at is null) = (confirmed_by is null)", name="confirmed_by"),
        CheckConstraint("confirmed_by <> approved_by", name="two_people"),
        CheckConstraint("break_minutes > 0", name="break_minutes"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"), index=True)
    multiplier: Mapped[Fraction]
    hide_countdown: Mapped[bool] = mapped_column(default=False)
    # For how long in all the clock of an attempt may be stopped; None: not at all.
    break_minutes: Mapped[int | None]
    # What is provided, in words: large print, a reader.
    alternative_format: Mapped[str | None] = mapped_column(String(200))
    valid_from: Mapped[date]
    valid_until: Mapped[date | None]
    approved_by: Mapped[str] = mapped_column(String(40))
    approved_at: Mapped[datetime]
    # The house asked for a second person when it was approved: it holds once somebody else has confirmed it.
    needs_second: Mapped[bool | None]
    confirmed_at: Mapped[datetime | None]
    confirmed_by: Mapped[str | None] = mapped_column(String(40))
    ended_at: Mapped[datetime | None]

    person: Mapped[Person] = relationship()

    @property
    def is_waiting(self) -> bool:
        """Whether a second person has still to confirm it."""
        return bool(self.needs_second) and self.confirmed_at is None and self.ended_at is None


class Ownership(Base):
    """Who answers for a thing from a moment on; the newest row of a thing counts, older ones stay."""

    __tablename__ = "ownerships"
    __sealed__ = Sealed()
    __table_args__ = (Index("ix_ownerships_thing", "kind", "thing_code", "id"),)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    thing_code: Mapped[str] = mapped_column(String(200))
    owner_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"), index=True)
    deputy_id: Mapped[int | None] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"), index=True)
    since: Mapped[datetime]
    set_by: Mapped[str] = mapped_column(String(40))
    # Whose leads it falls to when neither is there any more.
    team_id: Mapped[int | None] = mapped_column(ForeignKey("teams.id", ondelete="RESTRICT"), index=True)

    owner: Mapped[Person] = relationship(foreign_keys=[owner_id], lazy="joined")
    deputy: Mapped[Person | None] = relationship(foreign_keys=[deputy_id], lazy="joined")
    team: Mapped[Team | None] = relationship()


class PeopleImport(Base):
    """A table of people that was read and is waiting to be confirmed; removed after a day."""

    __tablename__ = "people_imports"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    created_at: Mapped[datetime]
    created_by_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), index=True)
    filename: Mapped[str] = mapped_column(String(200))
    # {"header": […], "rows": [[line, cell, …], …]}: what was sent, unjudged.
    table: Mapped[dict[str, Any]]
    done_at: Mapped[datetime | None]

    created_by: Mapped[Person] = relationship(lazy="joined")

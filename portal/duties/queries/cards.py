"""Reading how much things matter, and what is written on cards about them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import aliased, joinedload, selectinload

from portal.accounts.models import Ownership, Person
from portal.accounts.queries import is_newest_owner
from portal.core.db import session
from portal.duties.models import Card, CardCheck, CardRemoval, CardVersion, ThingCriticality
from portal.duties.rules import Criticality

# Under which accounts knows who answers for a card that belongs to no other thing.
CARD_KIND = "card"
_WITH_VERSIONS = (selectinload(Card.versions).selectinload(CardVersion.checks),)
# Things asked for in one statement.
_AT_ONCE = 400


def _in_parts(things: Collection[tuple[str, str]]) -> list[list[tuple[str, str]]]:
    wanted = sorted(set(things))
    return [wanted[start : start + _AT_ONCE] for start in range(0, len(wanted), _AT_ONCE)]


def find_criticalities(things: Collection[tuple[str, str]]) -> dict[tuple[str, str], Criticality]:
    """Return how much each of the things (kind, code) matters; what nobody has judged is left out."""
    return {thing: row.criticality for thing, row in find_judgements(things).items()}


def find_judgements(things: Collection[tuple[str, str]]) -> dict[tuple[str, str], ThingCriticality]:
    """Return the latest judgement of each of the things that somebody has judged, with its reason."""
    found: dict[tuple[str, str], ThingCriticality] = {}
    for part in _in_parts(things):
        rows = session.scalars(
            select(ThingCriticality)
            .where(
                tuple_(ThingCriticality.kind, ThingCriticality.thing_code).in_(part),
                ThingCriticality.is_proposal.is_(None),
            )
            .order_by(ThingCriticality.id)
        )
        found.update({(row.kind, row.thing_code): row for row in rows})
    return found


def list_judgements_of(kind: str, code: str) -> list[ThingCriticality]:
    """Return everything that was judged or proposed about how much a thing matters, the latest first."""
    return list(
        session.scalars(
            select(ThingCriticality)
            .where(ThingCriticality.kind == kind, ThingCriticality.thing_code == code)
            .order_by(ThingCriticality.id.desc())
        )
    )


def find_judgement(judgement_id: int) -> ThingCriticality | None:
    """Return what was judged or proposed once."""
    return session.get(ThingCriticality, judgement_id)


def list_open_proposals() -> list[ThingCriticality]:
    """Return the latest proposal of each thing that nobody has judged since, the oldest first."""
    newer = aliased(ThingCriticality)
    later = (
        select(newer.id)
        .where(
            newer.kind == ThingCriticality.kind,
            newer.thing_code == ThingCriticality.thing_code,
            newer.id > ThingCriticality.id,
        )
        .exists()
    )
    return list(
        session.scalars(
            select(ThingCriticality).where(ThingCriticality.is_proposal.is_(True), ~later).order_by(ThingCriticality.id)
        )
    )


def find_cards(things: Collection[tuple[str, str]]) -> dict[tuple[str, str], Card]:
    """Return the cards of those of the things that have one, each with its versions and checks."""
    found: dict[tuple[str, str], Card] = {}
    for part in _in_parts(things):
        rows = session.scalars(
            select(Card)
            .where(tuple_(Card.kind, Card.thing_code).in_(part), Card.ended_at.is_(None))
            .options(*_WITH_VERSIONS)
        )
        found.update({(row.kind, row.thing_code): row for row in rows})
    return found


def find_card(kind: str, code: str) -> Card | None:
    """Return the card of a thing, ended or not, with its versions, checks and removals; None where there is none."""
    rows = session.scalars(
        select(Card)
        .where(Card.kind == kind, Card.thing_code == code)
        .options(*_WITH_VERSIONS, joinedload(Card.removals))
    )
    return rows.unique().one_or_none()


def lock_card(card_id: int) -> Card:
    """Return the card as it is now, and let others who change it wait until this transaction ends."""
    return session.scalars(
        select(Card)
        .where(Card.id == card_id)
        .with_for_update(of=Card)
        .options(*_WITH_VERSIONS)
        .execution_options(populate_existing=True)
    ).one()


def find_cards_by_code(codes: Collection[str]) -> dict[str, Card]:
    """Return those of the codes that are cards, ended or not, with their versions and checks."""
    if not codes:
        return {}
    rows = session.scalars(select(Card).where(Card.code.in_(codes)).options(*_WITH_VERSIONS))
    return {row.code: row for row in rows}


def list_free_codes() -> list[str]:
    """Return the codes of the cards that belong to no other thing and have not ended."""
    return list(session.scalars(select(Card.code).where(Card.kind == CARD_KIND, Card.ended_at.is_(None))))


def list_free_of(owner: Person) -> list[Card]:
    """Return the cards that belong to no other thing, have not ended and are owned by somebody."""
    return list(
        session.scalars(
            select(Card)
            .join(Ownership, (Ownership.kind == CARD_KIND) & (Ownership.thing_code == Card.thing_code))
            .where(Card.kind == CARD_KIND, Card.ended_at.is_(None), Ownership.owner_id == owner.id, is_newest_owner())
            .options(*_WITH_VERSIONS)
            .order_by(Card.id)
        )
    )


def list_cards() -> list[Card]:
    """Return every card with its versions and checks, the oldest first."""
    return list(session.scalars(select(Card).options(*_WITH_VERSIONS).order_by(Card.id)))


@dataclass(frozen=True, slots=True)
class ToCheck:
    """A card that was found true last on a day, and who answers for its thing."""

    owner_id: int
    kind: str
    thing_code: str
    checked_on: date


def list_to_check(owner_ids: Collection[int], before: date) -> list[ToCheck]:
    """Return the cards of what these people answer for that were checked last before a day, the oldest check first."""
    if not owner_ids:
        return []
    last = func.max(CardCheck.checked_on)
    rows = session.execute(
        select(Ownership.owner_id, Card.kind, Card.thing_code, last)
        .join(Card, (Card.kind == Ownership.kind) & (Card.thing_code == Ownership.thing_code))
        .join(CardVersion, CardVersion.card_id == Card.id)
        .join(CardCheck, CardCheck.version_id == CardVersion.id)
        .where(
            Ownership.owner_id.in_(owner_ids),
            Card.ended_at.is_(None),
            is_newest_owner(),
        )
        .group_by(Ownership.owner_id, Card.kind, Card.thing_code)
        .having(last < before)
        .order_by(last, Card.kind, Card.thing_code)
    )
    return [ToCheck(*row) for row in rows]


# --- Texts that are taken out ------------------------------------------------------------------


def list_removals(card: Card) -> list[CardRemoval]:
    """Return every request that a text of a card be taken out, the oldest first."""
    return list(session.scalars(select(CardRemoval).where(CardRemoval.card_id == card.id).order_by(CardRemoval.id)))


def find_removal(code: str) -> CardRemoval | None:
    """Return a request that a text of a card be taken out, or None."""
    return session.scalar(select(CardRemoval).where(CardRemoval.code == code).options(joinedload(CardRemoval.card)))


def get_removal(removal_id: int) -> CardRemoval:
    """Return a request by its row number, as it is now."""
    return session.scalars(
        select(CardRemoval).where(CardRemoval.id == removal_id).execution_options(populate_existing=True)
    ).one()


def list_open_removals() -> list[CardRemoval]:
    """Return the requests that wait for another person, with their cards, the oldest first."""
    return list(
        session.scalars(
            select(CardRemoval)
            .where(CardRemoval.confirmed_at.is_(None), CardRemoval.dropped_at.is_(None))
            .options(joinedload(CardRemoval.card))
            .order_by(CardRemoval.id)
        )
    )

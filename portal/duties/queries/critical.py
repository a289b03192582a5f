"""Reading what is critical and known to one person alone."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import aliased

from portal.accounts import queries as accounts
from portal.accounts.models import Ownership
from portal.accounts.service import ownership
from portal.accounts.service.ownership import OwnedThing
from portal.core.db import session
from portal.core.i18n import LazyText, Words
from portal.duties.models import ThingCriticality
from portal.duties.rules import Criticality


@dataclass(frozen=True, slots=True)
class Alone:
    """A critical thing that fewer than two people with active accounts answer for, since when, in both languages."""

    kind: str
    kind_name: LazyText
    code: str
    title: Words
    thing: OwnedThing
    ownership: Ownership | None
    since: datetime

    @property
    def key(self) -> str:
        """What stands for it among what was told; of other owners it is told anew."""
        return f"alone:{self.kind}:{self.code}:{self.ownership.id if self.ownership else 0}"


def list_critical() -> dict[tuple[str, str], datetime]:
    """Return kind and code of what was judged critical last, with since when."""
    newer = aliased(ThingCriticality)
    rows = session.scalars(
        select(ThingCriticality).where(
            ThingCriticality.criticality == Criticality.CRITICAL,
            ThingCriticality.is_proposal.is_(None),
            ~select(newer.id)
            .where(
                newer.is_proposal.is_(None),
                newer.kind == ThingCriticality.kind,
                newer.thing_code == ThingCriticality.thing_code,
                newer.id > ThingCriticality.id,
            )
            .exists(),
        )
    )
    return {(row.kind, row.thing_code): row.set_at for row in rows}


def list_alone() -> list[Alone]:
    """Return every critical thing that needs an owner and lacks a second person, by kind and code."""
    by_kind: dict[str, dict[str, datetime]] = defaultdict(dict)
    for (kind, code), since in list_critical().items():
        by_kind[kind][code] = since
    found = []
    for kind, things in ownership.kinds().items():
        critical = by_kind.get(kind)
        if not critical:
            continue
        owners = accounts.find_owners(kind, critical.keys())
        lacking = [code for code in sorted(critical) if _is_alone(owners.get(code))]
        if not lacking:
            continue
        titled = ownership.find_titled([(kind, code) for code in lacking])
        for code in lacking:
            thing, title = titled.get((kind, code), (None, Words("", "")))
            owned = owners.get(code)
            if thing is not None and thing.is_live:
                since = max(critical[code], owned.since) if owned is not None else critical[code]
                found.append(Alone(kind, things.name, code, title, thing, owned, since))
    return found


def _is_alone(owned: Ownership | None) -> bool:
    named = (owned.owner, owned.deputy) if owned is not None else ()
    return sum(person is not None and person.is_active for person in named) < 2

"""Which bits of a published list are set (Bitstring Status List v1.0)."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Iterable, Mapping
from enum import StrEnum

from portal.certificates.rules import FactKind

# The smallest list that the specification allows: a reader of one bit hides among so many.
LIST_SIZE = 131_072
# Beyond half of it a free place takes more than two draws.
MAX_FILLED = LIST_SIZE // 2


class StatusPurpose(StrEnum):
    """What a list says of those whose bit is set."""

    REVOCATION = "revocation"
    SUSPENSION = "suspension"


def set_bits(facts: Mapping[int, Iterable[FactKind]], purpose: StatusPurpose) -> list[int]:
    """Return the places whose bit is set: revoked or replaced for good, or suspended and not reinstated since.

    `SUPERSEDED` among the facts is an issue for the same completion: from then on only that one is revoked or
    suspended, so the badge of the former would go on to pass.
    """
    return sorted(place for place, kinds in facts.items() if _is_set(kinds, purpose))


def _is_set(kinds: Iterable[FactKind], purpose: StatusPurpose) -> bool:
    if purpose is StatusPurpose.REVOCATION:
        return not {FactKind.REVOKED, FactKind.SUPERSEDED}.isdisjoint(kinds)
    suspended = False
    for kind in kinds:
        if kind in (FactKind.SUSPENDED, FactKind.REINSTATED):
            suspended = kind is FactKind.SUSPENDED
    return suspended


def encoded_list(places: Iterable[int]) -> str:
    """Return a list as it is published: bits from the left, compressed, base64url with multibase's `u` before it."""
    bits = bytearray(LIST_SIZE // 8)
    for place in places:
        bits[place // 8] |= 0x80 >> place % 8
    # Without an instant in it: the same list is the same text.
    return "u" + base64.urlsafe_b64encode(gzip.compress(bytes(bits), mtime=0)).decode().rstrip("=")

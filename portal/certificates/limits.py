"""How often one network may look certificates up."""

from __future__ import annotations

from portal.core.limits import Buckets, network_of

PER_MINUTE = 20
key_of = network_of


lookups = Buckets(PER_MINUTE)

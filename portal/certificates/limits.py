"""How often one network may look certificates up."""

from __future__ import annotations

import ipaddress

from portal.core.limits import Buckets

PER_MINUTE = 20


def key_of(address: str | None) -> str:
    """Return under which key an address is counted: itself, or the /64 of an IPv6 one."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return "unknown"
    if parsed.version == 6 and parsed.ipv4_mapped is None:
        return str(ipaddress.ip_network(f"{parsed}/64", strict=False))
    return str(parsed)


lookups = Buckets(PER_MINUTE)

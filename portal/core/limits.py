"""How often something may be done: a bucket of tokens for each key, in this process's memory."""

from __future__ import annotations

import ipaddress
import math
import threading
from collections import OrderedDict

from portal.core import clock
from portal.core.errors import TooMany

MAX_KEYS = 20_000


def network_of(address: str | None) -> str:
    """Return under which key an address is counted: itself, or the /64 of an IPv6 one."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return "unknown"
    if parsed.version == 6 and parsed.ipv4_mapped is None:
        return str(ipaddress.ip_network(f"{parsed}/64", strict=False))
    return str(parsed)


class Buckets:
    """Tokens for each key: `per_minute` at once, refilled evenly."""

    def __init__(self, per_minute: int, *, keys: int = MAX_KEYS, refusal: type[TooMany] = TooMany) -> None:
        self.per_minute = per_minute
        self.keys = keys
        self.refusal = refusal
        self._lock = threading.Lock()
        # Key → tokens left, and when that was so (seconds of the monotonic clock).
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str) -> None:
        """Take a token, or raise the refusal with the seconds until there is one."""
        now = clock.monotonic()
        with self._lock:
            level, since = self._levels.pop(key, (float(self.per_minute), now))
            level = min(float(self.per_minute), level + (now - since) * self.per_minute / 60)
            enough = level >= 1
            self._levels[key] = (level - 1 if enough else level, now)
            while len(self._levels) > self.keys:
                self._levels.popitem(last=False)
        if not enough:
            raise self.refusal(seconds=math.ceil((1 - level) * 60 / self.per_minute))

    def clear(self) -> None:
        """Forget everybody."""
        with self._lock:
            self._levels.clear()

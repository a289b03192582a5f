"""How often something may be done: a bucket of tokens for each key, in this process's memory."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict

from portal.core import clock
from portal.core.errors import TooMany

MAX_KEYS = 20_000


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

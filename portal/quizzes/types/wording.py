"""What of a question a learner meets, so that the same wording is known again in another version."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from portal.core.db import canonical_json

# What authors note about a question, and what is said after it.
_BESIDE = frozenset({"tags", "difficulty", "severity", "clauses", "document", "rationale"})


def digest_of_wording(content: Mapping[str, Any]) -> str:
    """Return the SHA-256 over what a version, as plain data, says to learners before they answer, and its key."""
    return sha256(canonical_json({name: content[name] for name in content if name not in _BESIDE}).encode()).hexdigest()

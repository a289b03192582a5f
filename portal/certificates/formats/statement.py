"""The data of an issue as it lies within its PDF: the snapshot in canonical JSON, signed (JWS, RFC 7515)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from portal.core.db import canonical_json
from portal.core.signatures import NotSigned, PrivateKey, PublicKey, flattened, open_flattened

FILE_NAME = "certificate.json"
TYPE = "shirube-certificate+jws"


def write_statement(snapshot: Mapping[str, Any], key: PrivateKey) -> bytes:
    """Return the signed statement; what is signed are exactly the bytes of which the issue's row keeps the hash."""
    return flattened(canonical_json(snapshot).encode(), key, typ=TYPE)


def read_statement(content: bytes, keys: Iterable[PublicKey]) -> tuple[dict[str, Any], PublicKey]:
    """Return the snapshot that one of the keys has signed, and that key. Raises `NotSigned`."""
    payload, key = open_flattened(content, keys, typ=TYPE)
    try:
        snapshot = json.loads(payload)
    except (ValueError, RecursionError) as unreadable:
        raise NotSigned("form") from unreadable
    if not isinstance(snapshot, dict) or canonical_json(snapshot).encode() != payload:
        raise NotSigned("form")
    return snapshot, key

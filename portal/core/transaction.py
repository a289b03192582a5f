"""One request, one transaction: begun by views, commands and the worker, never by services."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from flask import has_request_context, request

from portal.core.db import session, writing

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_before_commit: list[Callable[[], None]] = []
_after_commit: list[Callable[[], None]] = []
_after_rollback: list[Callable[[], None]] = []


def before_commit(hook: Callable[[], None]) -> None:
    """Run `hook` as the last statements of every transaction."""
    if hook not in _before_commit:
        _before_commit.append(hook)


def after_commit(hook: Callable[[], None]) -> None:
    """Run `hook` after every commit, outside the transaction."""
    if hook not in _after_commit:
        _after_commit.append(hook)


def after_rollback(hook: Callable[[], None]) -> None:
    """Run `hook` when a transaction was undone, to forget what was meant for its commit."""
    if hook not in _after_rollback:
        _after_rollback.append(hook)


@contextmanager
def transaction() -> Iterator[None]:
    """Change things: everything inside is kept together or not at all.

    What the request has read so far is read again inside, under the write lock. Raises
    `RuntimeError` within a GET request, within another transaction, or when unsaved changes are
    left over from outside.
    """
    if has_request_context() and request.method in _SAFE_METHODS:
        raise RuntimeError(f"a {request.method} request must not change anything")
    with own_transaction():
        yield


@contextmanager
def own_transaction() -> Iterator[None]:
    """Begin a transaction whatever the request's method; for `core.touch` and the worker only."""
    if writing.get():
        raise RuntimeError("a transaction is open already; services never begin one")
    if session.new or session.dirty or session.deleted:
        raise RuntimeError("unsaved changes from outside the transaction would be lost")
    # Ends the read transaction of the request; loaded rows are refreshed on their next use.
    session.rollback()
    token = writing.set(True)
    try:
        yield
        session.flush()
        for hook in _before_commit:
            hook()
        session.commit()
    except BaseException:
        session.rollback()
        for hook in _after_rollback:
            hook()
        raise
    finally:
        writing.reset(token)
    for hook in _after_commit:
        hook()


def in_transaction() -> bool:
    """Say whether a transaction is open in this context."""
    return writing.get()

"""Deliberately broken variants of the product's functions: a check that stays green with one of them proves nothing."""

from __future__ import annotations
import __future__

import inspect
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def broken(function: Callable[..., Any], *changes: str) -> Iterator[None]:
    """Let the function be another one, its source changed: what stands there, what comes instead, and so on in pairs.

    It is another one wherever product or tests have it by name. Raises `ValueError` where a text does not stand in it
    exactly once, or where nobody has it: the variant would be another one than was meant.
    """
    plain = inspect.unwrap(function)
    source = textwrap.dedent(inspect.getsource(plain))
    for old, new in zip(changes[::2], changes[1::2], strict=True):
        if source.count(old) != 1:
            raise ValueError(f"{old!r} stands {source.count(old)} times in {plain.__qualname__}")
        source = source.replace(old, new)
    code = compile(source, inspect.getfile(plain), "exec", flags=__future__.annotations.compiler_flag)
    made: dict[str, Any] = {}
    exec(code, plain.__globals__, made)
    variant = made[plain.__name__]
    places = [
        (module, name)
        for key, module in list(sys.modules.items())
        if key.partition(".")[0] in ("portal", "tests")
        for name, value in list(vars(module).items())
        if value is function
    ]
    if not places:
        raise ValueError(f"nobody has {plain.__qualname__} by name; is it broken already?")
    for module, name in places:
        setattr(module, name, variant)
    try:
        yield
    finally:
        for module, name in places:
            setattr(module, name, function)

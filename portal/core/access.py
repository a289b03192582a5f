"""Who may do what: every route declares it, and the table of each domain can be read by anyone."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, ParamSpec, TypeVar
from urllib.parse import urlsplit

from flask import Flask, current_app, g, redirect, request, url_for
from flask_login import LoginManager, current_user

from portal.core.errors import NotAllowed, NotFound

P = ParamSpec("P")
R = TypeVar("R")
# The acting person and the thing acted on (None where the permission is about no one thing).
Predicate = Callable[[Any, Any], bool]
AnyOf = Sequence[Sequence[Predicate]]


@dataclass(frozen=True, slots=True)
class Permission:
    """Something that a person may or may not do, named `domain.verb_noun`, with its meaning in words."""

    name: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Declaration:
    """What a route declares of itself."""

    kind: str
    permission: Permission | None = None


_table: dict[Permission, AnyOf] = {}
login_manager = LoginManager()


def register(table: Mapping[Permission, AnyOf]) -> None:
    """Add a domain's table: permission → any of these lists, all of whose predicates hold."""
    _table.update(table)


def table() -> dict[Permission, AnyOf]:
    """Return the whole table, for its documentation and tests."""
    return dict(_table)


def actor() -> Any:
    """Return the signed-in person, or None."""
    person = current_user._get_current_object()
    return person if person is not None and person.is_authenticated else None


def allows(person: Any, permission: Permission, thing: Any = None) -> bool:
    """Say whether the person may do this to the thing; nobody signed in may do nothing."""
    if person is None:
        return False
    if permission not in _table:
        raise LookupError(f"permission {permission.name} is in no table")
    return any(all(predicate(person, thing) for predicate in every) for every in _table[permission])


def can(permission: Permission, thing: Any = None) -> bool:
    """Say whether the signed-in person may do this; templates ask the same table."""
    return allows(actor(), permission, thing)


def _declare(view: Callable[P, R], declaration: Declaration) -> Callable[P, R]:
    view.__access__ = declaration  # type: ignore[attr-defined]
    return view


def public(view: Callable[P, R]) -> Callable[P, R]:
    """Declare a route that anybody may open."""
    return _declare(view, Declaration("public"))


def signed_in(view: Callable[P, R]) -> Callable[P, R]:
    """Declare a route for whoever is signed in; the view shows her only her own."""
    return _declare(view, Declaration("signed_in"))


def requires(
    permission: Permission,
    on: Callable[..., Any] | None = None,
    see: Permission | None = None,
) -> Callable[[Callable[..., R]], Callable[..., R]]:
    """Declare a route that needs a permission, on the thing that `on` loads.

    `on` takes those URL values that it names, raises `NotFound` for what is not there, and its
    result becomes the view's first argument; the other URL values are passed on. With `see`, a
    thing that the person may not see is *not found*, one she may see but not act on *not allowed*.
    """

    def decorate(view: Callable[..., R]) -> Callable[..., R]:
        taken = set(inspect.signature(on).parameters) if on else set()

        @wraps(view)
        def permitted(**values: Any) -> R:
            if on is None:
                if not can(permission):
                    raise NotAllowed()
                return view(**values)
            thing = on(**{name: value for name, value in values.items() if name in taken})
            if see is not None and not can(see, thing):
                raise NotFound()
            if not can(permission, thing):
                raise NotAllowed() if see is not None else NotFound()
            return view(thing, **{name: value for name, value in values.items() if name not in taken})

        return _declare(permitted, Declaration("requires", permission))

    return decorate


def declaration_of(app: Flask, endpoint: str) -> Declaration | None:
    """Return what the route behind an endpoint declares, or None where it declares nothing."""
    return getattr(app.view_functions.get(endpoint), "__access__", None)


def is_own_path(target: str) -> bool:
    """Say whether a `next` value leads to a path of this very site and nowhere else."""
    if not target.startswith("/") or target.startswith(("//", "/\\")) or "\\" in target:
        return False
    if any(ord(character) < 0x20 for character in target):
        return False
    parts = urlsplit(target)
    return not parts.scheme and not parts.netloc


def next_path(default: str) -> str:
    """Return the `next` value of the request where it is a path of ours, else the default."""
    target = request.values.get("next", "")
    return target if is_own_path(target) else default


def init_app(app: Flask) -> None:
    """Refuse undeclared routes, and send strangers to the sign-in page."""
    login_manager.init_app(app)
    login_manager.session_protection = None

    @app.before_request
    def guard() -> Any:
        person = actor()
        g.viewer = person
        g.viewer_language = getattr(person, "language", None)
        if request.endpoint is None:
            return None
        declared = declaration_of(app, request.endpoint)
        if declared is None:
            current_app.logger.error("route %s declares no access; refused", request.endpoint)
            raise NotAllowed()
        if declared.kind == "public" or person is not None:
            return None
        if request.method in ("GET", "HEAD") and not wants_json():
            here = request.full_path if request.query_string else request.path
            return redirect(url_for(app.config["SIGN_IN_ENDPOINT"], next=here))
        return current_app.make_response(({"error": "signed_out"}, 401))


def wants_json() -> bool:
    """Say whether the caller is one of our modules rather than a person with a page."""
    return request.is_json or request.accept_mimetypes.best_match(["text/html", "application/json"]) == (
        "application/json"
    )

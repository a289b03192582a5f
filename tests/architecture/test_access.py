"""Every route against every member of a living organisation: who gets in, who does not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from portal.accounts import queries as accounts
from portal.accounts.models import Person
from portal.certificates.models import Certificate
from portal.core import access, clock
from portal.core.db import session
from portal.core.transaction import own_transaction
from portal.operations import demo
from portal.quizzes.models import Attempt
from portal.training.models import Enrollment
from tests.architecture.access_matrix import MATRIX, MEMBERS
from tests.page_client import PageClient

ROOT = Path(__file__).resolve().parents[2]
# In the middle of April: no holiday near.
DAY = date(2026, 4, 16)


@pytest.fixture
def organisation(app: Flask) -> Iterator[dict[str, Person]]:
    """The demo organisation at ten in the morning of its day, its members by name."""
    with own_transaction():
        assert demo.load(DAY)
    with clock.frozen(demo._moment(DAY, 10)):
        yield {name: _person(sign_in_name) for name, sign_in_name in MEMBERS.items()}


def _person(name: str) -> Person:
    found = accounts.find_person_by_sign_in_name(f"{name}@{demo.DOMAIN}")
    assert found is not None
    return found


def _values(members: dict[str, Person]) -> dict[str, dict[str, str]]:
    """Return for each endpoint the values of its address: things of the graduate, who is in the lead's team."""
    graduate = members["graduate"]
    enrollment = session.scalars(select(Enrollment).where(Enrollment.person_id == graduate.id)).one()
    attempt = session.scalars(select(Attempt).where(Attempt.person_id == graduate.id).order_by(Attempt.id)).first()
    certificate = session.scalars(select(Certificate).where(Certificate.person_id == graduate.id)).one()
    assert attempt is not None
    assert enrollment.cohort is not None
    by_name = {
        "slug": "impersonation",
        "number": "1.0",
        "job_id": "1",
        "token": "no-such-token",
        "name": "lead",
        "sheet": "components",
        "path": "css/tokens.css",
        "language": "en",
        "bank": "impersonation",
        "question": "imp-001",
        "address": "impersonation/imp-001",
    }
    by_domain = {
        "accounts": {"code": graduate.code},
        "quizzes": {"code": attempt.code},
        "certificates": {"code": certificate.code, "number": certificate.number},
        "training": {"code": enrollment.code, "slug": "supervised-audit"},
        "reports": {"code": enrollment.cohort.code},
        "organisation": {"code": "JP"},
        "gradebook": {"code": graduate.code},
    }
    special = {"organisation.team": {"code": demo.TEAM}, "organisation.change_team": {"code": demo.TEAM}}
    return {
        endpoint: by_name | by_domain.get(endpoint.split(".")[0], {}) | special.get(endpoint, {}) for endpoint in MATRIX
    }


def _is_in(client: PageClient, rule_method: str, address: str) -> bool:
    """Say whether the member gets past the door: refused are 401, 403, 404 and the way to the sign-in page."""
    if rule_method == "GET":
        response = client.client.get(address)
    else:
        response = client.client.post(address, data={"csrf_token": client.token()})
    assert response.status_code < 500, f"{address}: {response.status_code}"
    to_sign_in = response.status_code == 302 and "/sign-in" in response.headers.get("Location", "")
    return response.status_code not in (401, 403, 404) and not to_sign_in


def test_every_route_lets_in_exactly_those_it_names(application: Flask, organisation: dict[str, Person]) -> None:
    values = _values(organisation)
    addresses: list[tuple[str, str, str]] = []
    with application.test_request_context():
        for rule in application.url_map.iter_rules():
            known = {name: values.get(rule.endpoint, {}).get(name, "x") for name in rule.arguments}
            for method in sorted((rule.methods or set()) & {"GET", "POST"}):
                built = rule.build(known, append_unknown=False)
                assert built is not None, rule
                addresses.append((rule.endpoint, method, built[1]))
    clients = {name: PageClient(application, person=person) for name, person in organisation.items()}
    clients["stranger"] = PageClient(application)
    seen: dict[str, set[str]] = {}
    # Reading before changing, and ending sessions last: the one request must not spoil the next.
    order = sorted(addresses, key=lambda each: (each[1] == "POST", "sign_out" in each[0] or "end_" in each[0], each))
    for endpoint, method, address in order:
        for name, client in clients.items():
            person = organisation.get(name)
            if person is not None:
                client.renew(person)
            if _is_in(client, method, address):
                seen.setdefault(f"{method} {endpoint}", set()).add(name)
    expected = {f"{method} {endpoint}": names for endpoint, row in MATRIX.items() for method, names in row.items()}
    routes = {f"{method} {endpoint}" for endpoint, method, _ in addresses}
    assert routes - expected.keys() == set(), "routes without a row"
    assert expected.keys() - routes == set(), "rows without a route"
    wrong = {
        route: f"in: {sorted(seen.get(route, set()))}; should be {sorted(expected[route])}"
        for route in sorted(routes)
        if seen.get(route, set()) != expected[route]
    }
    assert wrong == {}


def test_the_printed_permissions_are_up_to_date(application: Flask) -> None:
    printed = (ROOT / "docs" / "permissions.md").read_text(encoding="utf-8")
    assert printed == access.printed(), "run: flask --app wsgi permissions > docs/permissions.md"

"""The floor to measure against: bare Flask pages and a bare durable upsert, on the same server."""

from __future__ import annotations

import os
from typing import Any

from flask import Flask, request
from sqlalchemy import create_engine, text

from portal.core.db import prepare_engine, writing

PAGE = """<!doctype html><html lang="en"><head><title>{{ title }}</title></head><body><h1>{{ title }}</h1><table>
{% for row in rows %}
<tr><td>{{ row.id }}</td><td>{{ row.name }}</td><td>{{ row.note }}</td><td>{{ row.id * 3 }}</td></tr>
{% endfor %}
</table></body></html>"""


def create_anchor() -> Flask:
    """Return the bare application on the database of `ANCHOR_DATABASE_URL`."""
    url = os.environ["ANCHOR_DATABASE_URL"]
    options: dict[str, Any] = {}
    if url.startswith("sqlite"):
        import pysqlite3

        options = {"module": pysqlite3, "connect_args": {"timeout": 5, "check_same_thread": False}}
    engine = create_engine(url, **options)
    prepare_engine(engine)
    anchor = Flask("anchor")
    page = anchor.jinja_env.from_string(PAGE)

    @anchor.get("/hello")
    def hello() -> str:
        return "hello"

    @anchor.get("/row-and-page")
    def row_and_page() -> str:
        with engine.connect() as connection:
            connection.execute(text("SELECT id, body FROM anchor WHERE id = 1")).one()
        rows = [
            {"id": number, "name": f"name {number}", "note": "a note of many words that fills the row of a table"}
            for number in range(60)
        ]
        return page.render(title="Anchor", rows=rows)

    @anchor.post("/upsert")
    def upsert() -> Any:
        body = request.get_json()
        token = writing.set(True)
        try:
            with engine.begin() as connection:
                connection.execute(
                    text(
                        "INSERT INTO anchor (id, body) VALUES (:id, :body) "
                        "ON CONFLICT (id) DO UPDATE SET body = excluded.body"
                    ),
                    {"id": body["id"], "body": body["body"]},
                )
        finally:
            writing.reset(token)
        return {"saved": True}

    token = writing.set(True)
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            # Two processes that make one table at once fail there, whatever IF NOT EXISTS promises.
            connection.execute(text("SELECT pg_advisory_xact_lock(1)"))
        connection.execute(text("CREATE TABLE IF NOT EXISTS anchor (id INTEGER PRIMARY KEY, body TEXT NOT NULL)"))
        connection.execute(text("INSERT INTO anchor (id, body) VALUES (1, 'x') ON CONFLICT (id) DO NOTHING"))
    writing.reset(token)
    return anchor

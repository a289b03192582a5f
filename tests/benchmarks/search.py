"""The first page of the search over 5,000 documents in both languages, in one process without a server.

    python -m tests.benchmarks.search [--database sqlite|postgresql|both] [--documents 5000] [--rounds 40]

Prints Markdown: for each query the hits in all, milliseconds until the page is there (median and 95th percentile), CPU
milliseconds of this process and the database's, and SQL statements. The documents are written straight into the tables,
a third of them addressed to another market, and taken into the index by `search.rebuild`.
"""

from __future__ import annotations

import argparse
import logging
import os
import platform
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote

import flask_migrate
from flask import Flask
from sqlalchemy import insert, text

from portal import create_app
from portal.accounts.models import Role
from portal.core import clock, folding, i18n, search
from portal.core.db import attach_migrations, db, session
from portal.core.markdown import TrustedHtml
from portal.core.transaction import own_transaction
from portal.library.models import Clause, ClauseText, Document, DocumentAudience, DocumentVersion, VersionText
from tests.benchmarks.pages import database, settings
from tests.benchmarks.server import cpu_seconds
from tests.builders import make_grant, make_market, make_person
from tests.page_client import PageClient
from tests.queries import counted_queries

CLAUSES = 8
# What a reader types, and how often it stands in a clause.
QUERIES = {
    "異議": "a word of two characters, in every fifth clause",
    "異議申立": "a longer word, in every fifth clause",
    "藍染": "a rare word of two characters",
    '"account review"': "an English phrase",
    "appeal": "the beginning of an English word",
    "の": "one character, in every clause",
    "蜃気楼": "nothing",
}
_JA = [
    "アカウント",
    "表示",
    "利用者",
    "確認",
    "措置",
    "対象",
    "担当者",
    "記録",
    "期限",
    "通知",
    "判断",
    "根拠",
    "画像",
    "動画",
    "投稿",
    "削除",
    "制限",
    "報告",
    "審査",
    "基準",
    "例外",
    "場合",
    "必要",
    "手順",
    "連絡",
    "保護",
    "未成年",
    "個人情報",
    "権利",
    "侵害",
    "広告",
    "販売",
    "外部",
    "危険",
    "暴力",
    "差別",
    "表現",
    "引用",
    "風刺",
    "報道",
    "教育",
    "目的",
    "国",
    "地域",
    "法令",
]
_EN = [
    "account",
    "label",
    "review",
    "decision",
    "owner",
    "record",
    "deadline",
    "notice",
    "ground",
    "image",
    "video",
    "post",
    "removal",
    "limit",
    "report",
    "standard",
    "exception",
    "case",
    "need",
    "step",
    "contact",
    "protection",
    "minor",
    "data",
    "right",
    "advert",
    "sale",
    "outside",
    "danger",
    "violence",
    "speech",
    "quote",
    "satire",
    "news",
    "education",
    "purpose",
    "country",
    "region",
    "law",
    "market",
    "team",
    "policy",
    "rule",
    "clause",
    "version",
    "reader",
    "moderator",
]


def _japanese(dice: random.Random) -> str:
    sentences = [
        "".join(dice.choice(_JA) + dice.choice("のをがはにで") for _ in range(9)) + "確認します。" for _ in range(4)
    ]
    if dice.random() < 0.2:
        sentences.insert(dice.randrange(4), "異議申立ての期限は通知から三十日です。")
    if dice.random() < 0.0005:
        sentences.append("藍染の布は対象外です。")
    return "".join(sentences)


def _english(dice: random.Random) -> str:
    sentences = [" ".join(dice.choice(_EN) for _ in range(11)).capitalize() + "." for _ in range(4)]
    if dice.random() < 0.2:
        sentences.insert(dice.randrange(4), "An appeal is answered within thirty days of the notice.")
    return " ".join(sentences)


def make_documents(count: int) -> None:
    """Write documents with one version each straight into the tables."""
    dice, now, nothing = random.Random(9), clock.now(), TrustedHtml("")
    rows: dict[Any, list[dict[str, Any]]] = {
        model: [] for model in (Document, DocumentAudience, DocumentVersion, VersionText, Clause, ClauseText)
    }
    for number in range(1, count + 1):
        rows[Document].append(
            {"id": number, "slug": f"document-{number:05}", "kind": dice.choice(["policy", "sop", "lesson"]),
             "authoritative": "en", "sensitivity": "S0", "created_at": now, "created_by": "bench"}
        )  # fmt: skip
        if number % 3 == 0:
            rows[DocumentAudience].append(
                {"document_id": number, "kind": "market", "code": dice.choice(["JP", "US", "US"]), "since": now}
            )
        rows[DocumentVersion].append(
            {"id": number, "document_id": number, "number": "1.0", "sequence": 1, "change_class": "material",
             "issued_at": now, "issued_by": "bench", "effective_at": now, "zone": "Asia/Tokyo", "origin": "import",
             "hash": "0" * 64}
        )  # fmt: skip
        for language, words in (("en", _EN), ("ja", _JA)):
            text_id = 2 * number - (language == "en")
            title = (" " if language == "en" else "").join(dice.sample(words, 3)).capitalize()
            rows[VersionText].append(
                {"id": text_id, "version_id": number, "language": language, "title": title, "source": "",
                 "hash": "0" * 64, "says_number": "1.0", "behind": [], "reading_minutes": 3,
                 "footnotes_html": nothing, "shown_at": now}
            )  # fmt: skip
        for place in range(1, CLAUSES + 1):
            clause_id = (number - 1) * CLAUSES + place
            rows[Clause].append(
                {"id": clause_id, "version_id": number, "anchor": f"clause-{place}", "position": place, "level": 2}
            )
            for language, say, words in (("en", _english, _EN), ("ja", _japanese, _JA)):
                body = say(dice)
                rows[ClauseText].append(
                    {"clause_id": clause_id, "version_text_id": 2 * number - (language == "en"), "language": language,
                     "heading": (" " if language == "en" else "").join(dice.sample(words, 2)), "source": body,
                     "hash": sha256(body.encode()).hexdigest(), "heading_html": nothing,
                     "html": TrustedHtml(f"<p>{body}</p>")}
                )  # fmt: skip
    with own_transaction():
        for model, values in rows.items():
            for start in range(0, len(values), 5_000):
                session.execute(insert(model), values[start : start + 5_000])


def measure(app: Flask, reader: Any, query: str, rounds: int, pids: list[int]) -> str:
    """Return the row of a query."""
    client = PageClient(app, person=reader).client
    address = f"/search?q={quote(query)}"
    client.get(address)
    with counted_queries() as statements:
        answer = client.get(address)
    assert answer.status_code == 200
    found = search.search(folding.parse(query), reader)
    session.remove()
    took, before = [], cpu_seconds(pids)
    for _round in range(rounds):
        start = time.perf_counter()
        client.get(address)
        took.append((time.perf_counter() - start) * 1000)
    cpu = (cpu_seconds(pids) - before) * 1000 / rounds
    return (
        f"| `{query}` ({QUERIES[query]}) | {found.total:,} | {statistics.median(took):.0f} |"
        f" {statistics.quantiles(took, n=20)[-1]:.0f} | {cpu:.0f} | {len(statements)} |"
    )


def run(kind: str, documents: int, rounds: int) -> Iterator[str]:
    """Measure on one database; yields the lines of its table."""
    folder = Path(tempfile.mkdtemp(prefix="shirube-search-"))
    with database(kind, folder) as (url, _anchor, extra):
        app = create_app(settings(folder, url))
        attach_migrations(app)
        with app.app_context():
            flask_migrate.upgrade()
            reader = make_person("reader@portal.example", market=make_market("JP"))
            admin = make_person("admin@portal.example", market=make_market("JP"))
            make_market("US")
            make_grant(admin, Role.ADMIN)
            make_documents(documents)
            start = time.perf_counter()
            steps = search.rebuild()
            while True:
                with own_transaction():
                    if next(steps, None) is None:
                        break
            built = time.perf_counter() - start
            with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                if kind == "postgresql":
                    connection.execute(text("VACUUM ANALYZE"))
            yield f"### {'PostgreSQL' if kind == 'postgresql' else 'SQLite'}\n"
            yield (
                f"{documents:,} documents with {CLAUSES} clauses each; the index was made in {built:.0f} s. "
                f"Load average {os.getloadavg()[0]:.1f}.\n"
            )
            yield "| | hits | p50 ms | p95 ms | CPU ms | statements |"
            yield "|---|---|---|---|---|---|"
            for query in QUERIES:
                yield measure(app, reader, query, rounds, [os.getpid(), *extra])
            session.remove()
            db.engine.dispose()
    shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    """Print the tables of `docs/performance.md` about the search."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--documents", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=40)
    asked = parser.parse_args()
    logging.disable(logging.WARNING)
    i18n.compile_all()
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores.\n")
    for kind in ("sqlite", "postgresql") if asked.database == "both" else (asked.database,):
        for line in run(kind, asked.documents, asked.rounds):
            print(line, flush=True)
        print()


if __name__ == "__main__":
    main()

"""What tests begin with is, laid down again, what it was when it was made."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from portal.accounts.models import Person
from portal.core import folding, search
from portal.core.db import Base, session
from portal.library.models import Document
from portal.library.queries import find_document
from portal.organisation.models import Market
from tests.beginnings import beginning
from tests.builders import Cast, make_cast, make_market, make_person
from tests.conftest import empty
from tests.library.builders import make_published


@beginning
def published() -> tuple[Cast, Document]:
    cast = make_cast()
    return cast, make_published(cast.author).document


def rows() -> dict[str, list[tuple[Any, ...]]]:
    session.rollback()
    return {
        table.name: [tuple(row) for row in session.execute(select(table).order_by(*table.primary_key))]
        for table in Base.metadata.sorted_tables
    }


def emptied(app: Flask) -> None:
    session.remove()
    empty()


def found(person: Person) -> list[str]:
    return [hit.address for hit in search.search(folding.parse("impersonation"), person, limit=10).hits]


def test_what_is_laid_down_is_what_was_made(app: Flask) -> None:
    cast, document = published()
    made, hits, number = rows(), found(cast.learner), make_person().id
    assert hits
    emptied(app)
    assert rows() != made
    cast, document = published()
    assert rows() == made
    assert (cast.learner.sign_in_name, document.slug) == ("learner@portal.example", "impersonation")
    # What no model describes: the index of words, and which number comes next.
    assert found(cast.learner) == hits
    assert make_person().id == number


def test_it_is_made_once(app: Flask) -> None:
    cast, _ = published()
    codes = cast.learner.code
    emptied(app)
    cast, _ = published()
    # Every person that is made has a code of her own.
    assert cast.learner.code == codes


def test_what_was_written_before_it_stays(app: Flask) -> None:
    published()
    emptied(app)
    make_market("KR")
    published()
    assert session.scalars(select(Market.code).order_by(Market.code)).all() == ["JP", "KR", "US"]


def test_it_is_what_was_asked_for_of_these_rows(cast: Cast) -> None:
    assert _document_of(by=cast.author).created_by == cast.author.code


def test_and_another_of_others(cast: Cast) -> None:
    assert _document_of(by=cast.approver).created_by == cast.approver.code


@beginning
def _document_of(by: Person) -> Document:
    make_published(by)
    document = find_document("impersonation")
    assert document is not None
    return document


def test_mail_is_no_part_of_it(app: Flask) -> None:
    with pytest.raises(AssertionError, match="has sent mail"):
        _with_mail(app=app)


@beginning
def _with_mail(app: Flask) -> None:
    folder = app.config["DATA_DIR"] / "mail"
    folder.mkdir()
    (folder / "1.eml").write_text("To: her", encoding="utf-8")

"""Documents and versions for tests; they commit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from portal.accounts.models import Person
from portal.core import clock
from portal.core.codes import new_code
from portal.core.db import session
from portal.core.markdown import split_clauses
from portal.core.transaction import own_transaction
from portal.library import queries
from portal.library.models import (
    AudienceKind,
    ChangeClass,
    Document,
    DocumentKind,
    DocumentVersion,
    Draft,
    DraftAuthor,
    DraftState,
    DraftText,
)
from portal.library.queries import drafts
from portal.library.service import documents, overlays, versions
from portal.library.service.texts import TextDraft, can_be_split
from tests.builders import make_market, save

APRIL = datetime(2026, 4, 1, tzinfo=UTC)

EN = """Before the first heading.

## What this policy covers {#scope}

It covers accounts that present themselves as somebody else.

## Fan accounts {#fan-accounts sensitivity=S1}

A fan account carries a label. See [[#scope]].

| Decision | When |
|---|--:|
| No action | labelled |

**Example:** A labelled account.[^1]

[^1]: A note at the foot.

### Exceptions {#exceptions}

None.
"""

JA = """最初の見出しの前の文です。

## 適用範囲 {#scope}

ほかの人を名乗るアカウントに適用します。

## ファンアカウント {#fan-accounts sensitivity=S1}

ファンアカウントには表示が必要です。[[#scope]]を参照してください。

| 判断 | 場合 |
|---|--:|
| 措置なし | 表示あり |

**例：** 表示のあるアカウント。[^1]

[^1]: 脚注です。

### 例外 {#exceptions}

ありません。
"""


BASE_EN = """Opening.

## Scope {#scope}

Everywhere.

## Appeals {#appeals sensitivity=S1}

Within 30 days. See [[impersonation#scope]].

## Fees {#fees}

None are taken.
"""
BASE_JA = """はじめに。

## 範囲 {#scope}

すべて。

## 申し立て {#appeals sensitivity=S1}

30日以内。

## 手数料 {#fees}

かからない。
"""
OVER_EN = """## Appeals in Japan {#appeals}

Within 14 days.

## Scope {#scope overlay=append}

Also on LINE.

## Fees {#fees overlay=none}

## Notices {#notices overlay=add after=scope}

A notice is sent.
"""
OVER_JA = """## 日本での申し立て {#appeals}

14日以内。

## 範囲 {#scope}

LINEも。

## 通知 {#notices}

通知を送る。
"""


def english(source: str = EN, **values: Any) -> TextDraft:
    """Return an English draft."""
    return TextDraft("en", values.pop("title", "Impersonation"), source, **values)


def japanese(source: str = JA, **values: Any) -> TextDraft:
    """Return a Japanese draft."""
    return TextDraft("ja", values.pop("title", "なりすまし"), source, **values)


def make_document(
    by: Person,
    slug: str = "impersonation",
    *,
    kind: DocumentKind = DocumentKind.POLICY,
    audience: dict[AudienceKind, list[str]] | None = None,
    **values: Any,
) -> Document:
    """Return a new document without versions."""
    with own_transaction():
        documents.create_document(slug=slug, kind=kind, sensitivity="S1", audience=audience, by=by, **values)
    return queries.get_document(slug)


def make_version(
    document: Document,
    by: Person,
    number: str = "1.0",
    *,
    texts: list[TextDraft] | None = None,
    effective_at: datetime = APRIL,
    **values: Any,
) -> DocumentVersion:
    """Return a version imported by `by`, in both languages unless said otherwise."""
    latest = queries.latest_version(document)
    options: dict[str, Any] = {
        "change_class": ChangeClass.MATERIAL,
        "zone": "Asia/Tokyo",
        "based_on": latest.number if latest else None,
    }
    with own_transaction():
        version = versions.import_version(
            document=document,
            number=number,
            effective_at=effective_at,
            texts=texts if texts is not None else [english(), japanese()],
            by=by,
            **(options | values),
        )
        version_id = version.id
    found = queries.find_version_by_id(version_id)
    assert found is not None
    return found


def make_published(by: Person, slug: str = "impersonation", **values: Any) -> DocumentVersion:
    """Return version 1.0 of a new document."""
    kinds = {name: values.pop(name) for name in ("kind", "audience") if name in values}
    return make_version(make_document(by, slug, **kinds), by, **values)


def soon() -> datetime:
    """Return an instant a week from now."""
    return clock.now() + timedelta(days=7)


def make_draft(
    document: Document,
    by: Person,
    *,
    number: str | None = None,
    change_class: ChangeClass | None = ChangeClass.MINOR,
    texts: list[TextDraft] | None = None,
    in_step: bool = True,
    authors: tuple[Person, ...] = (),
    **values: Any,
) -> Draft:
    """Return a draft that `by` has begun from the latest version, in both languages and in step by default."""
    with own_transaction():
        held = queries.get_document(document.slug)
        latest = queries.latest_version(held)
        given = texts if texts is not None else [english(), japanese()]
        deciding = next(text for text in given if text.language == held.authoritative)
        clauses = split_clauses(deciding.source) if can_be_split(deciding.source) else []
        hashes = {clause.anchor: clause.hash for clause in clauses if clause.anchor}
        now = clock.now()
        draft = Draft(
            code=new_code(),
            document=held,
            based_on=latest,
            state=DraftState.WRITING,
            begun_at=now,
            begun_by=by.code,
            number=number or (f"1.{latest.sequence}" if latest else "1.0"),
            change_class=change_class,
            zone=values.pop("zone", "Asia/Tokyo"),
            **values,
        )
        draft.texts = [
            DraftText(
                language=text.language,
                revision=1,
                title=text.title,
                summary=text.summary,
                what_to_do_differently=text.what_to_do_differently,
                attestation=text.attestation,
                source=text.source,
                made_from={}
                if text.language == held.authoritative or not in_step
                else dict(text.made_from if text.made_from is not None else hashes),
                saved_at=now,
                saved_by=by.code,
            )
            for text in given
        ]
        session.add(draft)
        session.flush()
        for person in {by, *authors}:
            session.add(DraftAuthor(draft_id=draft.id, person_id=person.id, since=now, seen_at=now))
        code = draft.code
    return drafts.get_draft(code)


def edit_draft(draft: Draft, language: str = "en", *, by: Person, **values: Any) -> Draft:
    """Change a text of a draft, or what is proposed with `language` empty, as the editor does."""
    with own_transaction():
        held = drafts.get_draft(draft.code)
        thing = held.text_in(language) if language else held
        assert thing is not None
        for name, value in values.items():
            setattr(thing, name, value)
        thing.revision += 1
    return drafts.get_draft(draft.code)


def make_bare_draft(
    slug: str,
    by: Person,
    *,
    source: str | None = None,
    change_class: ChangeClass | None = ChangeClass.MATERIAL,
    **values: Any,
) -> Draft:
    """Return a draft begun from the newest version, its deciding text as in that version unless a source is given."""
    document = queries.get_document(slug)
    latest = queries.latest_version(document)
    deciding = latest.text_in(document.authoritative) if latest else None
    written = source if source is not None else deciding.source if deciding else EN
    now = clock.now()
    draft = Draft(
        **{
            "code": new_code(),
            "document": document,
            "based_on": latest,
            "state": DraftState.WRITING,
            "begun_at": now,
            "begun_by": by.code,
            "number": "9.0",
            "change_class": change_class,
            "effective_at": None,
            "zone": "Asia/Tokyo",
        }
        | values
    )
    draft.texts.append(
        DraftText(
            language=document.authoritative,
            revision=1,
            title=deciding.title if deciding else "Impersonation",
            source=written,
            made_from={},
            saved_at=now,
            saved_by=by.code,
        )
    )
    save(draft)
    return draft


def make_overlay(base: Document, by: Person, market: str = "JP") -> Document:
    make_market(market)
    with own_transaction():
        document = documents.create_document(
            slug=f"{base.slug}@{market}", kind=base.kind, base=base, market=market, sensitivity="S1", by=by
        )
    return queries.get_document(document.slug)


def publish_overlay(
    document: Document, by: Person, number: str = "1.0", *, en: str = OVER_EN, ja: str = OVER_JA, **values: object
) -> DocumentVersion:
    assert document.base is not None
    over = overlays.followed_version(document.base)
    assert over is not None
    given = [english(en, title="Impersonation (Japan)"), *([japanese(ja, title="なりすまし（日本）")] if ja else [])]
    texts = overlays.resolved(document, over, given)
    options: dict[str, object] = {"effective_at": over.effective_at, "over": over}
    return make_version(document, by, number, texts=texts, **(options | values))  # type: ignore[arg-type]

"""Certificates that nobody was given: what a template is looked at with, and tried with before it is published."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from portal.certificates.rules.templates import TemplateSpec
from portal.core.i18n import LazyText
from portal.core.i18n import lazy_gettext as _l

# Well-formed and never given out: whoever scans a picture is told that there is no such certificate.
_CODE = "0" * 26


@dataclass(frozen=True, slots=True)
class SampleHolder:
    """A holder to look at a template with: why that one, and her names."""

    label: LazyText
    en: str
    ja: str
    kana: str


HOLDERS: dict[str, SampleHolder] = {
    "common": SampleHolder(_l("A common name"), "Yui Takahashi", "高橋 結衣", "たかはし ゆい"),
    "shortest": SampleHolder(_l("The shortest name"), "Bo Li", "林 一", "はやし はじめ"),
    "longest": SampleHolder(
        _l("A very long name"),
        "Maria Aleksandra Constantinopolitana Wolfeschlegelsteinhausen-Featherstonehaugh "
        "de la Rochefoucauld-Montmorency",
        "エリザベート・アレクサンドリーヌ・マリア・ド・ラ・ロシュフコー＝山田小百合",
        "えりざべーと・あれくさんどりーぬ・まりあ・ど・ら・ろしゅふこーやまださゆり",
    ),
    "rare": SampleHolder(
        _l("Rare characters"),
        "Ayumu Watanabe-Tsujizaki",
        "渡邉\U000e0101 𠮷辻\U000e0101﨑髙葛\U000e0100歩",
        "わたなべ よしつじざき あゆむ",
    ),
}


def sample_snapshot(spec: TemplateSpec, holder: str = "common") -> dict[str, Any]:
    """Return the snapshot of a certificate as it would be issued with a template; its facts are made up."""
    named = HOLDERS[holder]
    return {
        "format": 2,
        "number": "AS-2026-0042",
        "code": _CODE,
        "issue_no": 1,
        "credential": {
            "slug": "sample",
            "version": "1.0",
            "title": {"en": "Account Safety Reviewer", "ja": "アカウント安全審査担当者"},
            "statement": {
                "en": "has completed the training plan “Account safety: the first ten days” of Hibiki and passed its "
                "knowledge checks and practical sign-offs.",
                "ja": "上記の者は、ひびき株式会社の研修計画「アカウント安全 最初の10日間」において、"
                "確認テストと実技確認のすべてに合格し、全課程を修了したことを証します。",
            },
        },
        "holder": {"en": named.en, "ja": named.ja, "kana": named.kana},
        "plan": {
            "slug": "sample",
            "version": "1.2",
            "title": {"en": "Account safety: the first ten days", "ja": "アカウント安全 最初の10日間"},
        },
        "issued_on": "2026-05-11",
        "expires_on": "2027-05-11",
        "issuer": {"en": "Hibiki Co., Ltd.", "ja": "ひびき株式会社"},
        "signatory": {
            "name": {"en": "Akiko Mori", "ja": "森 明子"},
            "title": {"en": "Head of Trust and Safety Training", "ja": "研修責任者"},
        },
        "verify_url": f"https://portal.example/verify/{_CODE}",
        "basis": {
            "documents": [
                {"slug": "a", "version": "1.0", "title": {"en": "Impersonation", "ja": "なりすまし"}, "clauses": {}},
                {
                    "slug": "b",
                    "version": "2.1",
                    "title": {"en": "Daily audit of moderation decisions", "ja": "審査判定の日次監査"},
                    "clauses": {},
                },
            ]
        },
        "template": {"slug": "sample", "number": 0, "hash": spec.hash(), "spec": spec.as_table()},
    }

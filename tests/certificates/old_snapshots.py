"""The snapshot of a certificate that was issued before there were templates, as it stands in its row."""

from __future__ import annotations

from typing import Any

SNAPSHOT: dict[str, Any] = {
    "format": 1,
    "number": "IR-2026-0007",
    "code": "8QZK4M2T7W9XB3CDEFGHJKMNPR",
    "issue_no": 1,
    "credential": {
        "slug": "impersonation-reviewer",
        "version": "1.0",
        "title": {"en": "Impersonation Reviewer", "ja": "なりすまし審査担当者"},
        "statement": {
            "en": "has completed the training plan “Account safety” (version 1.2) of Hibiki.",
            "ja": "上記の者は、ひびきの研修計画「アカウント安全」（第1.2版）の全課程を修了したことを証します。",
        },
        "design": "classic",
        "honorific": "dono",
        "seal": "修了之印",
    },
    "holder": {"en": "Yui Takahashi", "ja": "髙橋 結衣", "kana": "たかはし ゆい"},
    "plan": {
        "slug": "account-safety",
        "version": "1.2",
        "title": {"en": "Account safety: the first ten days", "ja": "アカウント安全 最初の10日間"},
        "completed_at": "2026-05-11T09:00:00+00:00",
    },
    "issued_at": "2026-05-11T09:00:00+00:00",
    "issued_on": "2026-05-11",
    "zone": "Asia/Tokyo",
    "expires_on": "2027-05-11",
    "issuer": {"en": "Hibiki", "ja": "ひびき株式会社"},
    "signatory": {
        "name": {"en": "Akiko Mori", "ja": "森 明子"},
        "title": {"en": "Head of Training", "ja": "研修責任者"},
    },
    "verify_url": "https://portal.hibiki.example/verify/8QZK4M2T7W9XB3CDEFGHJKMNPR",
    "basis": {
        "documents": [
            {
                "slug": "impersonation",
                "version": "1.0",
                "title": {"en": "Impersonation", "ja": "なりすまし"},
                "clauses": {"scope": "1111", "fan-accounts": "2222"},
            }
        ]
    },
}

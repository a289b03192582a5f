"""A card never keeps a secret: what looks like one is found in both languages, and ordinary words are left alone."""

from __future__ import annotations

import string
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.duties.rules.secrets import SecretKind, find_secrets, folded, masked

# Put together here, so that nobody's tool takes this file for a place where secrets lie.
_AWS = "AKIA" + "IOSFODNN7EXAMPLE"
_GITHUB = "ghp" + "_" + "16C7e42F292c6912E7710c838347Ae178B4a"
_SLACK = "xoxb" + "-123456789012-abcdefGHIJKL"
_STRIPE = "sk" + "_live_" + "4eC39HqLyjWDarjtT1zdp7dc"
_GOOGLE = "AIza" + "SyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY"
_JWT = "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjM0NTY3ODkwIn0" + ".dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P"
_PEM = "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIEowIBAAKCAQEA\n-----END RSA " + "PRIVATE KEY-----"
_WIDE = str.maketrans({each: chr(ord(each) + 0xFEE0) for each in map(chr, range(0x21, 0x7F))})

SECRETS = [
    (_PEM, SecretKind.PRIVATE_KEY),
    ("-----BEGIN OPENSSH " + "PRIVATE KEY-----", SecretKind.PRIVATE_KEY),
    ("-----BEGIN PGP " + "PRIVATE KEY BLOCK-----", SecretKind.PRIVATE_KEY),
    (f"The key is {_AWS}.", SecretKind.SERVICE_KEY),
    (f"鍵は{_AWS}です", SecretKind.SERVICE_KEY),
    (_GITHUB, SecretKind.SERVICE_KEY),
    (f"Bot: {_SLACK}", SecretKind.SERVICE_KEY),
    (f"決済：{_STRIPE}", SecretKind.SERVICE_KEY),
    (_GOOGLE, SecretKind.SERVICE_KEY),
    ("https://hooks.slack.com/services/" + "T000/B000/XXXXYYYY", SecretKind.SERVICE_KEY),
    (f"Authorization: Bearer {_JWT}", SecretKind.SIGNED),
    ("postgresql://portal:s3cr3t@db.hibiki.example/portal", SecretKind.ADDRESS),
    ("https://admin:letmein@intra.hibiki.example/", SecretKind.ADDRESS),
    ("ｈｔｔｐｓ：／／admin：letmein＠intra.hibiki.example", SecretKind.ADDRESS),
    ("password: hunter2", SecretKind.LABELLED),
    ("Password = Tr0ub4dor&3 (changes every month)", SecretKind.LABELLED),
    ("PASSWORD:swordfish", SecretKind.LABELLED),
    ("The password is hunter22.", SecretKind.LABELLED),
    ("- **Password:** `correct-h0rse`", SecretKind.LABELLED),
    ("| password | hunter22 |", SecretKind.LABELLED),
    ("Passphrase: battery9staple", SecretKind.LABELLED),
    ("pw: Hibiki!2026", SecretKind.LABELLED),
    ("password:\n  hunter22", SecretKind.LABELLED),
    ("api_key=0f9a8b7c6d5e4f", SecretKind.LABELLED),
    ("Client secret: 8Q~x7abcdefgh", SecretKind.LABELLED),
    ("パスワード：hibiki2026", SecretKind.LABELLED),
    ("パスワードは hibiki2026 です。", SecretKind.LABELLED),
    ("パスワードはhibiki2026です。", SecretKind.LABELLED),
    ("パスワードは「Hibiki#2026」です。", SecretKind.LABELLED),
    ("パスワード：２０２６０４０１", SecretKind.LABELLED),
    ("ｐａｓｓｗｏｒｄ：ｈｕｎｔｅｒ２", SecretKind.LABELLED),
    ("共有ＰＷ＝Ｈｉｂｉｋｉ２０２６", SecretKind.LABELLED),
    ("アクセストークン：a1b2c3d4e5f6g7", SecretKind.LABELLED),
    ("PIN: 4821", SecretKind.LABELLED),
    ("PIN 4821", SecretKind.LABELLED),
    ("The PIN is 48 21 07", SecretKind.LABELLED),
    ("暗証番号：0000", SecretKind.LABELLED),
    ("暗証番号は４８２１です。", SecretKind.LABELLED),
    ("金庫の暗証番号 4821", SecretKind.LABELLED),
    ("PINコード：9713", SecretKind.LABELLED),
    ("Use q7Zx2LmP9vTr4WsB8nKd6YcH when asked", SecretKind.IRREGULAR),
    ("接続時に q7Zx2LmP9vTr4WsB8nKd6YcH を入力する", SecretKind.IRREGULAR),
    ("9f86d081884c7d659a2feaa0c55ad015", SecretKind.IRREGULAR),
]

ORDINARY = [
    "Passwords are kept in the vault; ask the service desk for access.",
    "Password: ask the service desk",
    "Password: vault",
    "Password: 1Password",
    "Password: see https://vault.hibiki.example/calibration",
    "Password: it-desk@hibiki.example",
    "Password: <your own>",
    "Password: ********",
    "The password is changed every 90 days.",
    "The password is 12 characters long at least.",
    "Password: 12 characters at least",
    "Reset password: Sato",
    "Token ring of the queue: three people",
    "Secret: nothing",
    "Pin the thread for 30 days.",
    "PIN: 4 digits",
    "PIN：4桁",
    "暗証番号は総務に確認します。",
    "暗証番号：４桁の数字",
    "暗証番号は金庫にあります。",
    "パスワード：管理者に依頼してください。",
    "パスワードは1Passwordにあります。",
    "パスワードは90日ごとに変更します。",
    "パスワードは12文字以上にします。",
    "パスワードは2026年4月に変更しました。",
    "パスワードの再設定：ヘルプデスク（内線1234）",
    "シークレットモードで開く。",
    "トークン：発行は管理者に申請",
    "Write to moderation-escalation-team-lead@account-safety.hibiki.example",
    "https://docs.hibiki.example/document/d/1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74OgvE2upms/edit",
    "https://intra.hibiki.example:8443/queue",
    "550e8400-e29b-41d4-a716-446655440000",
    "文書番号 HB-2026-04-0012-REV3",
    "See [when to escalate](escalation#when-to-escalate) and [[appeals#second-look]].",
    "account-safety-weekly-calibration-2026-04-01-minutes",
    "AccountSafetyWeeklyCalibration2026Report",
    "SHA-256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "commit 2fd4e1c67a2d28fced849ee1bb76e7391b93eb12",
    "電話 03-1234-5678、内線 4821",
    "毎週水曜日 10:00〜11:00、会議室B（3階）",
    "判断が分かれた件は、翌営業日までにリードへ相談します。",
    "2026-04-01 / 2026-09-30",
    "C:\\Users\\Public\\Documents\\calibration_2026_04.xlsx",
]


@pytest.mark.parametrize(("text", "kind"), SECRETS)
def test_what_looks_like_a_secret_is_found_as_what_it_is(text: str, kind: SecretKind) -> None:
    assert [each.kind for each in find_secrets(text)] == [kind]


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_words_are_left_alone(text: str) -> None:
    assert find_secrets(text) == []


@pytest.mark.parametrize("path", sorted(Path("content").rglob("*.md")), ids=str)
def test_no_text_of_the_curriculum_looks_like_a_secret(path: Path) -> None:
    assert find_secrets(path.read_text(encoding="utf-8")) == []


def test_the_place_is_that_of_the_value_in_the_text_as_typed() -> None:
    text = "手順\n\nＰＩＮ：４８２１\n終わり"
    (found,) = find_secrets(text)
    assert (text[found.start : found.end], found.line) == ("４８２１", 3)


_words = st.sampled_from([
    "the", "password", "is", "kept", "vault", "ask", "desk", "pin", "secret", "token", "key", "week",
    "report", "判断", "手順", "パスワード", "暗証番号", "は", "を", "金庫", "毎週", "確認", "。", "、",
])  # fmt: skip
_prose = st.lists(_words, max_size=30).map(" ".join)
_base62 = st.sampled_from(string.ascii_letters + string.digits)


@given(_prose)
def test_no_order_of_ordinary_words_is_a_secret(text: str) -> None:
    assert find_secrets(text) == []


@given(before=_prose, after=_prose, example=st.sampled_from([each for each, kind in SECRETS if "\n" not in each]))
def test_a_secret_is_found_wherever_it_stands(before: str, after: str, example: str) -> None:
    text = f"{before}\n{example}\n{after}"
    assert any(before.count("\n") + 2 == each.line for each in find_secrets(text))


@given(example=st.sampled_from(SECRETS))
def test_full_width_writing_hides_nothing(example: tuple[str, SecretKind]) -> None:
    text, kind = example
    wide = text.translate(_WIDE)
    assert [each.kind for each in find_secrets(wide)] == [kind]
    assert folded(wide) == folded(text)


@given(st.text(max_size=400))
def test_every_place_lies_within_the_text_and_none_within_another(text: str) -> None:
    found = find_secrets(text)
    assert all(0 <= each.start < each.end <= len(text) for each in found)
    assert all(one.end <= other.start for one, other in pairwise(found))


@given(st.text(_base62, min_size=8, max_size=80))
def test_what_is_shown_of_a_secret_is_two_characters_at_most(secret: str) -> None:
    assert masked(secret).rstrip("•") == secret[:2]


def test_the_longest_text_is_read_at_once() -> None:
    for piece in ("a", "A1", "password ", "パスワード", "https://", "-----BEGIN ", "eyJ", " ", "*", "PIN", "a-", "0"):
        find_secrets((piece * 6_000)[:6_000])


@settings(max_examples=200)
@given(st.text(_base62, min_size=32, max_size=64))
def test_nearly_every_random_key_of_32_characters_is_found(secret: str) -> None:
    # What by chance has next to no digits, or few changes, may be words written together.
    kinds = ["d" if each.isdigit() else "u" if each.isupper() else "l" for each in secret]
    changes = sum(one != other for one, other in pairwise(kinds))
    if kinds.count("d") >= 2 and len(set(kinds)) == 3 and changes * 2 >= len(secret):
        assert find_secrets(secret)

"""What looks like a secret in a text that people write: keys, passwords, codes; ordinary words are left alone."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise


class SecretKind(StrEnum):
    """As what a piece of text looks like a secret."""

    PRIVATE_KEY = "private_key"
    # A key of a service, told by its shape.
    SERVICE_KEY = "service_key"
    # A sign-in as a service writes it: three parts with dots.
    SIGNED = "signed"
    # An address with a name and a password in it.
    ADDRESS = "address"
    # What follows the word "password", 「暗証番号」 and the like.
    LABELLED = "labelled"
    # Long, and as irregular as only machines write.
    IRREGULAR = "irregular"


@dataclass(frozen=True, slots=True)
class Found:
    """A piece of a text that looks like a secret: from where to where, and in which line, counted from 1."""

    kind: SecretKind
    start: int
    end: int
    line: int


# The lengths are those of the services' own documentation, or shorter.
_SERVICE_KEYS = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"(?:AKIA|ASIA)[0-9A-Z]{16}(?![0-9A-Za-z])"
    r"|gh[pousr]_[A-Za-z0-9]{30,}"
    r"|github_pat_[A-Za-z0-9_]{22,}"
    r"|glpat-[\w-]{20,}"
    r"|xox[abeprs]-[A-Za-z0-9-]{10,}"
    r"|xapp-\d-[A-Za-z0-9-]{10,}"
    r"|[sr]k_(?:live|test)_[A-Za-z0-9]{10,}"
    r"|whsec_[A-Za-z0-9+/=]{16,}"
    r"|sk-(?:[a-z]+-)*[A-Za-z0-9_]{20,}"
    r"|AIza[0-9A-Za-z_-]{35}"
    r"|ya29\.[\w-]{20,}"
    r"|SG\.[\w-]{16,}\.[\w-]{16,}"
    r"|(?:npm|hf|dop_v1|shpat|shpss)_[A-Za-z0-9]{24,}"
    r"|pypi-[\w-]{30,}"
    r"|hv[sb]\.[\w-]{20,}"
    r"|AGE-SECRET-KEY-1[0-9A-Z]{20,}"
    r"|\d{8,10}:AA[\w-]{33}"
    r"|hooks\.slack\.com/services/T\w+/B\w+/\w+"
    r"|discord(?:app)?\.com/api/webhooks/\d+/[\w-]{20,}"
    r"|AccountKey=[A-Za-z0-9+/]{20,}=*"
    r"|otpauth://[^\s]*secret=[A-Za-z2-7]+"
    r")"
)
_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
    r"(?:[\s\S]*?-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----)?"
    r"|PuTTY-User-Key-File-\d"
)
_TOKEN = re.compile(r"(?<![A-Za-z0-9])eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*")
_ADDRESS = re.compile(r"(?<![A-Za-z0-9])[A-Za-z][A-Za-z0-9+.-]{1,20}://(?P<name>[^\s/@:?#]*):(?P<value>[^\s/@]+)@")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,20}://[^\s<>()\[\]「」『』、。]+")

_VALUE = r"(?P<value>[!-~]+)"
# Before a label: what makes it something that is done with a password, not the password.
_NOT_LABEL = r"(?<!reset )(?<!forgot )(?<!forgotten )(?<!change )(?<!request )(?<!lost )(?<!new )"
_STRONG = (
    r"(?:pass[ -]?word|passwd|pass[ -]?phrase|pass[ -]?code|pwd|(?<![a-z])pw(?![a-z])"
    r"|パスワード|パスフレーズ|パスコード|合言葉)"
)
_WEAK = (
    r"(?:api[ _-]?key|secret[ _-]?key|access[ _-]?key|client[ _-]?secret|secret"
    r"|(?:access[ _-]|auth[ _-]|bearer[ _-])?token"
    r"|apiキー|シークレット(?:キー)?|アクセスキー|秘密鍵|(?:アクセス)?トークン|認証コード)"
)
_PIN = r"(?:(?<![A-Za-z])PIN(?:[ -]?(?:code|コード|番号))?(?![A-Za-z])|暗証番号|パスコード|passcode)"
# Between a label and its value: bold, quotes, a colon, an equals sign or a cell's edge, or the line's end.
_DRESS = r"[*_`\"'「『(\[ \t]*"
_SIGN = rf"(?:[)\] \t*_`\"']*[:=|→]{_DRESS}|[)\] \t*_`\"']*[:=]{_DRESS}\n{_DRESS}[-・]?{_DRESS})"
_SAID = rf"(?:[ \t]+is[ \t]+{_DRESS}|[ \t]*は[、 \t]*{_DRESS})"
_BY_SIGN = re.compile(rf"{_NOT_LABEL}(?:(?P<strong>{_STRONG})|{_WEAK})(?P<sign>{_SIGN}){_VALUE}", re.IGNORECASE)
_BY_SAYING = re.compile(rf"{_NOT_LABEL}(?:(?P<strong>{_STRONG})|{_WEAK}){_SAID}{_VALUE}", re.IGNORECASE)
# Four digits or more, or groups of them; "4 digits" and 「4桁」 say how long it is.
_BY_PIN = re.compile(
    rf"{_PIN}(?:{_SIGN}|{_SAID}|[ \t]*){_DRESS}"
    r"(?P<value>\d{2,}(?:[ -]\d{2,})+|\d{3,})(?!\d|[ \t]*(?:digit|桁|文字|回|日|年|月|件|人|-?character))",
    re.IGNORECASE,
)

# Between a label and its sign: for what it is. "The password for the queue:" and "the password is:".
_FOR = r"(?:[ \t]+(?:for|of|to|on|in)[ \t]+[^\n:=。、]{1,40}?)?(?:[ \t]+(?:is|was|will be))?"
_BY_PURPOSE = re.compile(
    rf"{_NOT_LABEL}(?P<strong>{_STRONG}){_FOR}(?P<sign>[)\] \t*_`\"']*[:=]{_DRESS}){_VALUE}", re.IGNORECASE
)
_BY_PURPOSE_SAID = re.compile(
    rf"{_NOT_LABEL}(?P<strong>{_STRONG})[ \t]+(?:for|of|to|on|in)[ \t]+"
    rf"[^\n:=。、.]{{1,60}}?[ \t]+(?:is|was)[ \t]+{_DRESS}"
    r"(?P<value>(?=[!-~]*\d)(?=[!-~]*[A-Za-z])[!-~]{6,})",
    re.IGNORECASE,
)
# A short label and what only a password looks like, with nothing but a blank between.
_BY_BLANK = re.compile(
    rf"{_NOT_LABEL}(?<![A-Za-z])(?P<label>pass[ -]?words?|passwd|pwd|pw|pass|パスワード)"
    rf"(?:[ \t]*[:=][ \t]*|[ \t]+){_DRESS}{_VALUE}",
    re.IGNORECASE,
)
# After whom it lets in, in the same line: 「ログインID kobayashi、PW sakura77」.
_BY_ID = re.compile(
    r"(?:(?<![A-Za-z])(?:log[ -]?in|user|account)?[ -]?id|ログイン(?:id)?|ユーザー?(?:id|名)?)[ \t]*[:=はが]?"
    r"[ \t]*[\w.@+-]{2,60}[ \t]*[、,;/][ \t]*(?:pw|pwd|pass(?:word)?|パスワード)[ \t]*[:=はが]?[ \t]*[「『\"'`]?"
    r"(?P<value>(?=[!-~]*\d)[!-~]{6,})",
    re.IGNORECASE,
)
# Whoever signs in, and with what: "login admin / S3cret!23", "user admin, pass S3cret!23", 「ID：admin／PW：…」.
_BY_PAIR = re.compile(
    r"(?<![A-Za-z])(?:log[ -]?in|sign[ -]?in|user(?:[ -]?name)?|account|credentials?|id"
    r"|ログイン|ユーザー?(?:名)?|アカウント)"
    r"(?:[ \t]*[:=は][ \t]*|[ \t]+)[\"'`「]?(?P<name>[\w.@+-]{2,60})[\"'`」]?[ \t]*(?:[/|,、・;]|and|と)[ \t]*"
    r"(?:with[ \t]+)?(?:the[ \t]+)?(?:pass(?:word|wd)?|pwd|pw|パスワード)?[ \t]*[:=は]?[ \t]*[\"'`「]?" + _VALUE,
    re.IGNORECASE,
)
# What opens a door, a safe or an alarm.
_BY_CODE = re.compile(
    r"(?:(?<![A-Za-z])(?:door|gate|entry|entrance|access|alarm|safe|vault|lock(?:er)?|security|key[ -]?pad|unlock|room)"
    r"[ -]?(?:code|combination|number)|(?:ドア|入口|玄関|入退室|金庫|ロッカー|警報|解錠|開錠|ロック解除|キーパッド)の?"
    rf"(?:コード|番号|暗証))(?:{_SIGN}|{_SAID}|[ \t]*){_DRESS}"
    r"(?P<value>[#*]?(?:\d{3,}(?:[ -]\d{2,})*|\d{2,}(?:[ -]\d{2,})+)[#*]?)"
    r"(?!\d|[ \t]*(?:digit|桁|文字|回|日|年|月|件|人|号室|-?character))",
    re.IGNORECASE,
)
# Words that were agreed on: "the passphrase is correct-horse-battery", 「合言葉は桜です」.
_BY_PHRASE = re.compile(
    r"(?:pass[ -]?phrase|pass[ -]?word|secret word|code ?word)[ \t]*(?:is[ \t]*:?|:|=)[ \t]*[\"'`]?"
    r"(?P<value>[a-z]{3,}(?:-[a-z]{3,}){2,})",
    re.IGNORECASE,
)
_BY_WATCHWORD = re.compile(
    r"(?:合言葉|合い言葉|秘密の言葉)(?:は|[:=]|(?=[「『]))[「『\"' \t]*(?P<value>[^\s「」『』。、:=]{1,20}?)"
    r"[」』\"' \t]*(?=です|だ[。\n]|[。\n]|$)"
)
_BY_QUOTED = re.compile(
    r"(?:パスワード|パスフレーズ|パスコード|暗証番号)は[「『\"](?P<value>[^「」『』\"\n]{2,40})[」』\"](?=です|だ|[。\n]|$)"
)
# What a watchword, or what stands in quotes, is not: how it is kept, or what it is like.
_TOLD = re.compile(
    r"必須|不要|確認|秘密|任意|共通|共有|個人|各自|別途|なし|無し|未設定|未定|毎[日週月年回]|変更|初期|同じ|管理|保管|金庫|申請|設定|禁止|有効|無効"
    r"|リセット|大切|重要|口頭|あり|ここ|上記|下記|会議|担当|リード|する|ます|ない|いる|れる|せん|ください|とき|場合|文字|[0-9]桁"
)
# Of wireless networks and the like: "Wi-Fi key: hibiki-guest-99", 「Wi-Fi: hibiki-guest / kumo-2026-aki」.
_BY_NAMED_KEY = re.compile(
    r"(?:wi-?fi|wlan|ssid|無線(?:lan)?|ワイファイ)(?:[ \t]*(?:key|code|pass(?:word)?|キー|暗号化キー|パスワード))"
    r"(?:[ \t]*[:=は][ \t]*|[ \t]+is[ \t]+)[「『\"'`]?(?P<value>(?=[!-~]*[\d!#$%&*_-])[!-~]{6,})"
    r"|(?:wi-?fi|wlan|ssid|無線lan)[ \t]*[:=][ \t]*[\w.-]{2,40}[ \t]*[/|、][ \t]*(?P<second>(?=[!-~]*\d)[!-~]{6,})",
    re.IGNORECASE,
)
# A password in other languages, and what is only called a secret.
_BY_ABBREVIATION = re.compile(
    r"(?<![A-Za-z])(?:passwor[td]|kennwort|mot de passe|contraseña|senha|비밀번호|密码|密碼)[ \t]*[:=][ \t]*[「\"'`]?"
    r"(?P<value>(?=[!-~]*[\d!#$%&*_])[!-~]{6,})"
    r"|(?<![A-Za-z-])secret[ \t]*[:=][ \t]*[\"'`]?"
    r"(?P<plain>[A-Za-z]{3,4}|(?=[!-~]*\d)[!-~]{5,24})(?=[\"'`.,;]*(?:$|\n))",
    re.IGNORECASE,
)
# Words that were agreed on and stand apart: "the passphrase correct horse battery staple".
_BY_WORDS = re.compile(
    r"(?:the[ \t]+)?pass[ -]?phrase(?:[ \t]+is)?[ \t:=]+[\"'`]?"
    r"(?P<value>[a-z]{3,}(?:[ \t]+[a-z]{3,}){3,})(?=[\"'`.,;]*(?:$|\n))",
    re.IGNORECASE,
)
# What opens something, after where it lies: "The key is under the mat: Kx9$fL2mQz!7", 「鍵は金庫の 38-12-77」.
_BY_PLACE = re.compile(
    r"(?<![A-Za-z])keys?[ \t]+(?:is|are|for)[ \t][^\n:=]{1,40}[:=][ \t]*"
    r"(?P<value>(?=[!-~]*\d)(?=[!-~]*[A-Za-z])(?=[!-~]*[!#$%&*?^])[!-~]{8,})"
    r"|(?:鍵|金庫|ロッカー|ダイヤル)(?:[はの][^\n。、:=\d]{0,12})[ \t:=]*(?P<number>\d{2}(?:-\d{2}){2,3})(?![\d-])",
    re.IGNORECASE,
)
# Numbers of payment cards, in groups or in one.
_BY_CARD_NUMBER = re.compile(r"(?<![\d-])(?P<value>\d{4}(?:[ -]?\d{4}){3}(?:[ -]?\d{1,3})?)(?![\d-])")
_IN_LINK = re.compile(
    r"[?&#](?:access_token|id_token|token|api_?key|key|password|passwd|pwd|pass|secret|client_secret|auth|sig|signature)"
    r"=(?P<value>[^\s&#<>\"']{8,})",
    re.IGNORECASE,
)

# What stands where a value would, and says where it is, or that there is none.
_REFERENCES = frozenset({
    "1password", "bitwarden", "keepass", "keepassxc", "lastpass", "dashlane", "keeper", "vault", "hashicorp",
    "secrets-manager", "keychain", "okta", "sso", "oauth", "oauth2", "saml", "ldap", "mfa", "2fa", "totp",
    "passkey", "fido2", "ask", "see", "look", "stored", "none", "no", "not", "n/a", "na", "nil", "tbd", "tba",
    "unknown", "same", "expired", "rotated", "changed", "required", "optional", "yes", "here", "below", "above",
    "it", "admin", "helpdesk", "personal", "individual", "own", "shared", "managed", "policy", "reset",
    "self-service", "temporary", "initial", "default", "hidden", "masked", "redacted", "removed",
})  # fmt: skip
_PLACEHOLDER = re.compile(r"[*•●xX.\-_…#?]+|<[^>]*>?|\{+[^}]*\}*|\$[A-Za-z{(].*|%[A-Za-z(].*|\[.*")
_TRAILING = ".,;:!?)]}>'\"`|*"
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_LINE_END = re.compile(r"[\s.,;:!?)\]}>'\"`|*」』。、]*(?:$|です)", re.MULTILINE)
_VISIBLE = re.compile(r"[!-~]+")
_WORDS = re.compile(r"[A-Za-z]+(?:[-/'][A-Za-z]+)*")

_RUN = re.compile(r"[A-Za-z0-9+/_=-]{24,}")
_SEGMENT = re.compile(r"[A-Za-z0-9]+")
_HEX = re.compile(r"[0-9a-f]{32,}|[0-9A-F]{32,}")
# A digest is no secret where it is said to be one.
_DIGEST = re.compile(
    r"(?:sha-?\d*|md5|hash|digest|commit|checksum|fingerprint|ハッシュ|指紋|コミット)\W{0,12}\Z", re.IGNORECASE
)


def folded(text: str) -> str:
    """Return the text with full-width letters, digits and signs as plain ones; every character keeps its place."""
    return "".join(_plain(each) for each in text)


def _plain(character: str) -> str:
    if character.isascii():
        return character
    found = unicodedata.normalize("NFKC", character)
    return found if len(found) == 1 else character


# What nobody sees, within words above all, and a label of which every letter stands apart.
_UNSEEN = re.compile("[\u00ad\u034f\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff]")
_SPACED = re.compile(r"(?<![A-Za-z0-9])p[ ._-]a[ ._-]s[ ._-]s(?:[ ._-][A-Za-z]){0,6}(?![A-Za-z0-9])", re.IGNORECASE)


def _undisguised(plain: str) -> tuple[str, list[int]]:
    """Return a text without what hides its words, and for each character of it the place where it stood."""
    kept = [place for place, each in enumerate(plain) if not _UNSEEN.match(each)]
    seen = "".join(plain[place] for place in kept)
    dropped: set[int] = set()
    for match in _SPACED.finditer(seen):
        dropped |= {place for place in range(match.start(), match.end()) if not seen[place].isalpha()}
    places = [place for number, place in enumerate(kept) if number not in dropped]
    return "".join(plain[place] for place in places), places


def find_secrets(text: str) -> list[Found]:
    """Return what looks like a secret, in the order of the text; what lies within another is left out."""
    plain, places = _undisguised(folded(text))
    order = list(SecretKind)
    told = {(kind, places[start], places[end - 1] + 1) for kind, start, end in _found(plain) if start < end}
    found = sorted(told, key=lambda each: (each[1], -each[2], order.index(each[0])))
    kept: list[Found] = []
    for kind, start, end in found:
        if not kept or start >= kept[-1].end:
            kept.append(Found(kind, start, end, text.count("\n", 0, start) + 1))
    return kept


def _found(plain: str) -> Iterator[tuple[SecretKind, int, int]]:
    for kind, pattern in (
        (SecretKind.PRIVATE_KEY, _PRIVATE_KEY),
        (SecretKind.SERVICE_KEY, _SERVICE_KEYS),
        (SecretKind.SIGNED, _TOKEN),
    ):
        for match in pattern.finditer(plain):
            yield kind, match.start(), match.end()
    for match in _ADDRESS.finditer(plain):
        if not _PLACEHOLDER.fullmatch(match["value"]):
            yield SecretKind.ADDRESS, match.start("value"), match.end("value")
    for pattern, is_said in ((_BY_SIGN, False), (_BY_SAYING, True)):
        for match in pattern.finditer(plain):
            is_loose = is_said or match["strong"] is None or "|" in match["sign"] or "\n" in match["sign"]
            end = _end_of_value(plain, match.start("value"), is_loose=is_loose, is_strong=match["strong"] is not None)
            if end is not None:
                yield SecretKind.LABELLED, match.start("value"), end
    for pattern in (_BY_PIN, _BY_CODE, _BY_PHRASE):
        for match in pattern.finditer(plain):
            yield SecretKind.LABELLED, match.start("value"), match.end("value")
    for pattern in (_BY_WATCHWORD, _BY_QUOTED):
        for match in pattern.finditer(plain):
            if not _TOLD.search(match["value"]) and match["value"].lower() not in _REFERENCES:
                yield SecretKind.LABELLED, match.start("value"), match.end("value")
    for pattern in (_BY_ID, _BY_NAMED_KEY, _BY_WORDS, _BY_ABBREVIATION, _BY_PLACE):
        for match in pattern.finditer(plain):
            group = next(name for name, said in match.groupdict().items() if said)
            value = match[group].rstrip(_TRAILING)
            if value and value.lower() not in _REFERENCES and not _PLACEHOLDER.fullmatch(value):
                yield SecretKind.LABELLED, match.start(group), match.start(group) + len(value)
    for match in _BY_CARD_NUMBER.finditer(plain):
        if _is_card_number(match["value"]):
            yield SecretKind.LABELLED, match.start("value"), match.end("value")
    for match in _BY_PURPOSE.finditer(plain):
        end = _end_of_value(plain, match.start("value"), is_loose=False, is_strong=True)
        if end is not None:
            yield SecretKind.LABELLED, match.start("value"), end
    for match in _BY_PURPOSE_SAID.finditer(plain):
        value = match["value"].rstrip(".,;:")
        if _is_mixed(value, least=6) and not _URL.match(value) and not _EMAIL.fullmatch(value):
            yield SecretKind.LABELLED, match.start("value"), match.start("value") + len(value)
    yield from _by_shape(plain)
    yield from _irregular(plain)


def _by_shape(plain: str) -> Iterator[tuple[SecretKind, int, int]]:
    """Find what stands where a password would, and looks like nothing but one."""
    for pattern, least in ((_BY_BLANK, 7), (_BY_PAIR, 6)):
        for match in pattern.finditer(plain):
            value = match["value"].rstrip(_TRAILING)
            end = match.start("value") + len(value)
            is_long_label = pattern is _BY_BLANK and len(match["label"]) > 4
            if is_long_label and _LINE_END.match(plain, end) is None:
                continue
            if len(value) >= least and _is_chosen(value) and value.lower() not in _REFERENCES:
                yield SecretKind.LABELLED, match.start("value"), end
    for match in _IN_LINK.finditer(plain):
        if not _PLACEHOLDER.fullmatch(match["value"]) and _is_mixed(match["value"], least=8):
            yield SecretKind.ADDRESS, match.start("value"), match.end("value")


def _is_card_number(text: str) -> bool:
    """Say whether the last digit is that of a number of a payment card (ISO/IEC 7812)."""
    digits = [int(each) for each in text if each.isdigit()]
    doubled = [each if place % 2 == 0 else each * 2 - 9 * (each > 4) for place, each in enumerate(reversed(digits))]
    return 13 <= len(digits) <= 19 and sum(doubled) % 10 == 0


def _is_chosen(value: str) -> bool:
    """Say whether letters and digits stand among each other as in a password, and not as in names and numbers."""
    if not _is_mixed(value, least=6) or _URL.match(value) or _EMAIL.fullmatch(value) or _PLACEHOLDER.fullmatch(value):
        return False
    if re.fullmatch(r"[A-Za-z]+[-_ ]?\d{1,4}|[A-Z]{1,4}(?:-[A-Z0-9]+)+|\d+[a-z]{1,3}", value):
        # A name with a number, a number of a document, a count with its unit.
        return False
    return any(each.isdigit() for each in value) and any(each.isalpha() for each in value)


def _end_of_value(plain: str, start: int, *, is_loose: bool, is_strong: bool) -> int | None:
    """Return where the value that begins here ends, or None where it is words about one.

    A value after a loose sign is only what words are not: letters and digits, or signs, among each other.
    """
    match = _VISIBLE.match(plain, start)
    assert match is not None
    value = match[0].rstrip(_TRAILING)
    end = start + len(value)
    if (
        not value
        or value.lower() in _REFERENCES
        or _PLACEHOLDER.fullmatch(value)
        or _EMAIL.fullmatch(value)
        or _URL.match(value)
        or value.startswith(("/", "#", "("))
    ):
        return None
    is_last = _LINE_END.match(plain, end) is not None
    if value.isdigit():
        return end if len(value) >= 4 and is_last and is_strong else None
    if _WORDS.fullmatch(value):
        return end if is_last and not is_loose and len(value) >= 4 else None
    return end if _is_mixed(value, least=6 if is_strong else 12) else None


def _is_mixed(value: str, least: int) -> bool:
    """Say whether letters, digits and signs stand among each other as words and dates do not have them."""
    if len(value) < least or re.fullmatch(r"[\d./:-]+", value):
        return False
    letters = sum(each.isalpha() for each in value)
    digits = sum(each.isdigit() for each in value)
    signs = sum(not each.isalnum() and each not in "-/'.,()" for each in value)
    return bool(letters and (digits or signs)) or bool(digits and signs)


def _irregular(plain: str) -> Iterator[tuple[SecretKind, int, int]]:
    # What an address of a page is made of is no secret by itself.
    addresses = [match.span() for match in _URL.finditer(plain)]
    for match in _RUN.finditer(plain):
        if any(start <= match.start() < end for start, end in addresses):
            continue
        for segment in _SEGMENT.finditer(match[0]):
            if _is_irregular(segment[0]) and not _DIGEST.search(plain[max(0, match.start() - 30) : match.start()]):
                yield SecretKind.IRREGULAR, match.start(), match.end()
                break


def _is_irregular(segment: str) -> bool:
    """Say whether capitals, small letters and digits change as often as by chance, or it is 32 digits of base 16."""
    if _HEX.fullmatch(segment):
        return len(set(segment)) > 8
    if len(segment) < 16:
        return False
    kinds = ["d" if each.isdigit() else "u" if each.isupper() else "l" for each in segment]
    changes = sum(one != other for one, other in pairwise(kinds))
    if kinds.count("d") < 2:
        return False
    if len(set(kinds)) == 3:
        # By chance 62 of 100, in words that are written together at most 35.
        return changes * 100 >= 40 * (len(segment) - 1)
    return len(segment) >= 32 and changes * 100 >= 28 * (len(segment) - 1)


def masked(text: str) -> str:
    """Return a secret so that who wrote it knows which one is meant and nobody else learns it."""
    first = text[:2] if len(text) >= 8 else text[:1] if len(text) >= 4 else ""
    return f"{first}••••••"

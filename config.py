"""Settings from the environment (`SHIRUBE_…`), checked at start; see the table in README.md."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from datetime import timedelta
from email.headerregistry import HeaderRegistry
from pathlib import Path
from typing import Any, Literal
from urllib.parse import SplitResult, quote, urlsplit

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent
DEVELOPMENT_SECRET = "for-development-on-this-machine-only-never-for-production"  # noqa: S105
MIN_SECRET_LENGTH = 32
# A random secret of that length has about twenty; one that was typed to fill the line has few.
MIN_SECRET_CHARACTERS = 10

# What to write instead, for every variable; a refused value itself is never repeated, it may hold a password.
WANTED = {
    "env": "write development or production",
    "host": "write an address of this machine, such as 127.0.0.1, or 0.0.0.0 for the local network",
    "port": "write a whole number from 1 to 65535, such as 5000",
    "database_url": "write sqlite:////var/lib/shirube/shirube.sqlite3 or postgresql://user:password@host/name",
    "jobs_url": "write sqlite:////var/lib/shirube/jobs.sqlite3, redis://host:6379/0 or postgresql://user:password@host/name",
    "secret_key": 'make one with: python3 -c "import secrets; print(secrets.token_urlsafe(48))"',
    "data_dir": "write a folder on a local disk, such as /var/lib/shirube",
    "keys_dir": "write a folder that only the service can read, such as /var/lib/shirube/keys",
    "mail_url": "write smtp://user:password@host:587, smtps://…, smtp+plain://…, file:///folder or console:",
    "mail_from": "write one sender, such as Training <training@example.com>",
    "public_url": "write the address only, such as https://training.example.com",
    "trusted_proxies": "write how many reverse proxies stand in front, from 0 to 5",
}
# The library's words for what we leave to it.
_WHY = {
    "literal_error": "is none of the known values",
    "int_parsing": "is not a whole number",
    "greater_than_equal": "is outside the range",
    "less_than_equal": "is outside the range",
}
_HOST_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")
_MAIL_ADDRESS = re.compile(r"[^\s@<>,;:\"()\[\]\\]+@[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")


class SettingsRefused(Exception):
    """The environment holds values the application cannot run with: one line for each wrong variable."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        super().__init__("\n".join(lines))


class Settings(BaseSettings):
    """What an operator can set; every fault is named at once when the application starts."""

    model_config = SettingsConfigDict(
        env_prefix="SHIRUBE_", env_file=None, extra="ignore", hide_input_in_errors=True, validate_default=True
    )

    # First: what is needed in production depends on it.
    env: Literal["development", "production"] = "development"
    host: str = "127.0.0.1"
    port: int = Field(default=5000, ge=1, le=65535)
    database_url: str = ""
    jobs_url: str = ""
    secret_key: SecretStr = SecretStr(DEVELOPMENT_SECRET)
    data_dir: Path = ROOT / "var"
    keys_dir: Path | None = None
    mail_url: str = ""
    mail_from: str = "Shirube <shirube@localhost.localdomain>"
    public_url: str = ""
    trusted_proxies: int = Field(default=0, ge=0, le=5)

    @field_validator("host")
    @classmethod
    def _address_to_listen_on(cls, value: str) -> str:
        if not _is_host(value):
            raise ValueError("is no address to listen on")
        return value

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: str) -> str:
        if value:
            _check_store(value, ("sqlite", "postgresql", "postgresql+psycopg"))
        return value

    @field_validator("jobs_url")
    @classmethod
    def _known_queue(cls, value: str) -> str:
        if value:
            _check_store(value, ("sqlite", "redis", "rediss", "unix", "postgresql", "postgres"))
        return value

    @field_validator("secret_key")
    @classmethod
    def _own_secret(cls, value: SecretStr, others: ValidationInfo) -> SecretStr:
        secret = value.get_secret_value()
        if not secret.strip():
            raise ValueError("is empty")
        if others.data.get("env") == "production":
            if secret == DEVELOPMENT_SECRET:
                raise ValueError("is missing; the default secret is public and refused in production")
            if len(secret) < MIN_SECRET_LENGTH:
                raise ValueError(f"needs at least {MIN_SECRET_LENGTH} characters in production")
            if len(set(secret)) < MIN_SECRET_CHARACTERS:
                raise ValueError(f"needs at least {MIN_SECRET_CHARACTERS} different characters in production")
        return value

    @field_validator("data_dir", "keys_dir", mode="before")
    @classmethod
    def _some_folder(cls, value: Any) -> Any:
        if value is None:
            return value
        if not str(value).strip() or "\x00" in str(value):
            raise ValueError("is empty")
        return value

    @field_validator("mail_url")
    @classmethod
    def _known_carrier(cls, value: str) -> str:
        if not value:
            return value
        parts = _split(value, blanks=value.startswith("file:"))
        if parts.scheme not in ("file", "console", "smtp", "smtps", "smtp+plain"):
            raise ValueError("begins with no known scheme")
        if parts.scheme.startswith("smtp"):
            if not _is_host(parts.hostname or ""):
                raise ValueError("names no mail server")
            if parts.path.strip("/") or parts.query or parts.fragment:
                raise ValueError("holds more than a server; write special characters of a password as %40, %2F, %23")
        if parts.scheme == "file" and (parts.netloc or not parts.path.startswith("/")):
            raise ValueError("names no folder; file: is followed by three slashes")
        return value

    @field_validator("mail_from")
    @classmethod
    def _one_sender(cls, value: str) -> str:
        if any(ord(each) < 0x20 or ord(each) == 0x7F for each in value):
            raise ValueError("holds a line end or another control character")
        try:
            found: Any = HeaderRegistry()("From", value)
            addresses = [each.addr_spec for each in found.addresses]
        except Exception as unreadable:  # the standard library's parser fails in many ways
            raise ValueError("cannot be read as a sender") from unreadable
        if len(addresses) != 1:
            raise ValueError("names several senders" if addresses else "names no mail address")
        if not _MAIL_ADDRESS.fullmatch(addresses[0]) or found.defects:
            raise ValueError("names no mail address")
        return value

    @field_validator("public_url")
    @classmethod
    def _bare_address(cls, value: str, others: ValidationInfo) -> str:
        if not value:
            if others.data.get("env") == "production":
                raise ValueError("is missing; in production, certificates and mails carry it")
            return value
        parts = _split(value)
        if parts.scheme not in ("http", "https"):
            raise ValueError("must begin with https:// (or http:// while trying out)")
        if parts.scheme == "http" and others.data.get("env") == "production":
            raise ValueError(
                "begins with http://, but in production browsers send the session's cookie over https only, "
                "which a reverse proxy gives"
            )
        if not _is_host(parts.hostname or ""):
            raise ValueError("names no host")
        if parts.username is not None or parts.path not in ("", "/") or "?" in value or "#" in value:
            raise ValueError("holds more than scheme, host and port")
        return value.rstrip("/")

    def flask(self) -> dict[str, Any]:
        """Return the settings under the names that Flask and our code read."""
        data = self.data_dir.resolve()
        production = self.env == "production"
        return {
            "ENV": self.env,
            "HOST": self.host,
            "PORT": self.port,
            "DATA_DIR": data,
            "KEYS_DIR": (self.keys_dir or data / "keys").resolve(),
            "SECRET_KEY": self.secret_key.get_secret_value(),
            "SQLALCHEMY_DATABASE_URI": self.database_url or f"sqlite:///{data / 'shirube.sqlite3'}",
            "JOBS_URL": self.jobs_url or f"sqlite:///{data / 'jobs.sqlite3'}",
            "MAIL_URL": self.mail_url or f"file://{quote(str(data / 'mail'))}",
            "MAIL_FROM": self.mail_from,
            "PUBLIC_URL": self.public_url or f"http://{_printable(self.host)}:{self.port}",
            "TRUSTED_PROXIES": self.trusted_proxies,
            "MIGRATIONS_DIR": str(ROOT / "migrations"),
            "CONTENT_DIR": str(ROOT / "content"),
            "SIGN_IN_ENDPOINT": "accounts.sign_in",
            "SESSION_COOKIE_NAME": "__Host-session" if production else "session",
            "SESSION_COOKIE_SECURE": production,
            "SESSION_COOKIE_HTTPONLY": True,
            "SESSION_COOKIE_SAMESITE": "Lax",
            "SESSION_COOKIE_PATH": "/",
            "SESSION_REFRESH_EACH_REQUEST": False,
            "PERMANENT_SESSION_LIFETIME": timedelta(hours=12),
            "WTF_CSRF_TIME_LIMIT": None,
            "WTF_CSRF_SSL_STRICT": False,
        }


def _printable(host: str) -> str:
    if host in ("0.0.0.0", "::"):  # noqa: S104
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _split(value: str, *, blanks: bool = False) -> SplitResult:
    """Read an address; what the library says of a broken one would repeat it, so it is said in our words."""
    if any(ord(each) < 0x20 or (each.isspace() and not (blanks and each == " ")) for each in value):
        raise ValueError("holds a blank or a line end")
    try:
        parts = urlsplit(value)
        parts.port  # noqa: B018  (raises for what is no port)
    except ValueError:
        raise ValueError("is no address that can be read") from None
    return parts


def _is_host(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return bool(_HOST_NAME.fullmatch(name))
    return True


def _check_store(value: str, schemes: tuple[str, ...]) -> None:
    parts = _split(value, blanks=value.startswith("sqlite:"))
    if parts.scheme not in schemes:
        raise ValueError("begins with no known scheme")
    if parts.scheme != "sqlite":
        return
    path = parts.path.removeprefix("/")
    if parts.netloc or not value.startswith("sqlite:///"):
        raise ValueError("names no file; sqlite: is followed by three slashes, or four before a path from the root")
    if not path or path.startswith((":", "file:")) or "memory" in parts.query:
        raise ValueError("names no file; a database in memory is lost with its process and not shared between them")


def load(overrides: Mapping[str, Any] | None = None) -> Settings:
    """Read the settings; `overrides` (names with or without `SHIRUBE_`) win over the environment.

    Raises `SettingsRefused`, which names every fault and never a value.
    """
    given = {name.removeprefix("SHIRUBE_").lower(): value for name, value in (overrides or {}).items()}
    try:
        return Settings(**{name: value for name, value in given.items() if name in Settings.model_fields})
    except ValidationError as refused:
        lines = [_line(fault) for fault in refused.errors(include_input=False, include_url=False)]
    # Outside of the handler: a chained failure would print the library's own words.
    raise SettingsRefused(lines)


def _line(fault: Any) -> str:
    name = str(fault["loc"][0])
    why = str(fault["msg"]).removeprefix("Value error, ") if fault["type"] == "value_error" else None
    return f"SHIRUBE_{name.upper()} {why or _WHY.get(fault['type'], 'cannot be read')}: {WANTED[name]}"

"""Settings from the environment (`SHIRUBE_…`), checked at start; see the table in README.md."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote, urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent
DEVELOPMENT_SECRET = "for-development-on-this-machine-only-never-for-production"  # noqa: S105
MIN_SECRET_LENGTH = 32


class Settings(BaseSettings):
    """What an operator can set; every fault is named at once when the application starts."""

    model_config = SettingsConfigDict(env_prefix="SHIRUBE_", env_file=None, extra="ignore")

    env: Literal["development", "production"] = "development"
    host: str = "127.0.0.1"
    port: int = Field(default=5000, ge=1, le=65535)
    database_url: str = ""
    jobs_url: str = ""
    secret_key: SecretStr = SecretStr(DEVELOPMENT_SECRET)
    data_dir: Path = ROOT / "var"
    mail_url: str = ""
    mail_from: str = "Shirube <shirube@localhost.localdomain>"
    public_url: str = ""
    trusted_proxies: int = Field(default=0, ge=0, le=5)

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: str) -> str:
        if value and urlsplit(value).scheme.partition("+")[0] not in ("sqlite", "postgresql"):
            raise ValueError("must start with sqlite:/// or postgresql://")
        return value

    @field_validator("jobs_url")
    @classmethod
    def _known_queue(cls, value: str) -> str:
        if value and urlsplit(value).scheme not in ("sqlite", "redis", "rediss", "unix", "postgresql", "postgres"):
            raise ValueError("must be a SQLite file (sqlite:///…), redis:// or postgresql://")
        return value

    @field_validator("mail_url")
    @classmethod
    def _known_carrier(cls, value: str) -> str:
        if value and urlsplit(value).scheme not in ("file", "console", "smtp", "smtps", "smtp+plain"):
            raise ValueError("must start with smtp://, smtps://, smtp+plain://, file:/// or console:")
        return value

    @field_validator("public_url")
    @classmethod
    def _absolute(cls, value: str) -> str:
        if value and urlsplit(value).scheme not in ("http", "https"):
            raise ValueError("must start with https:// (or http:// on a closed network)")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _fit_for_production(self) -> Settings:
        if self.env != "production":
            return self
        secret = self.secret_key.get_secret_value()
        if secret == DEVELOPMENT_SECRET:
            raise ValueError("SHIRUBE_SECRET_KEY: the default secret is public; set one of your own for production")
        if len(secret) < MIN_SECRET_LENGTH:
            raise ValueError(f"SHIRUBE_SECRET_KEY: needs at least {MIN_SECRET_LENGTH} characters in production")
        if not self.public_url:
            raise ValueError("SHIRUBE_PUBLIC_URL: needed in production, certificates and mails carry it")
        return self

    def flask(self) -> dict[str, Any]:
        """Return the settings under the names that Flask and our code read."""
        data = self.data_dir.resolve()
        production = self.env == "production"
        return {
            "ENV": self.env,
            "HOST": self.host,
            "PORT": self.port,
            "DATA_DIR": data,
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


def load(overrides: Mapping[str, Any] | None = None) -> Settings:
    """Read the settings; `overrides` (names with or without `SHIRUBE_`) win over the environment.

    Raises `pydantic.ValidationError`, which names every fault.
    """
    given = {name.removeprefix("SHIRUBE_").lower(): value for name, value in (overrides or {}).items()}
    return Settings(**{name: value for name, value in given.items() if name in Settings.model_fields})

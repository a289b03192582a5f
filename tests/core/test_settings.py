"""Settings that cannot work are refused at the start, each in one line that never repeats the value."""

from __future__ import annotations

import pytest

import config

pytestmark = pytest.mark.any_database

SECRET = "a-secret-for-tests-that-is-long-enough-0123456789"


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in config.Settings.model_fields:
        monkeypatch.delenv(f"SHIRUBE_{name.upper()}", raising=False)


def refused(**values: str) -> list[str]:
    """Return the lines with which these settings are refused, none where they are taken."""
    try:
        config.load(values)
    except config.SettingsRefused as refusal:
        return refusal.lines
    return []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("mail_from", "Training <training@example.com>\nBcc: everybody@example.com"),
        ("mail_from", "Training <training@example.com>, Other <other@example.com>"),
        ("mail_from", "Training"),
        ("mail_from", ""),
        ("mail_from", "Training <training@example.com> more"),
        ("mail_url", "smtp://"),
        ("mail_url", "smtp://user:quiet-river@"),
        ("mail_url", "smtp://user:quiet-river@host:port"),
        ("mail_url", "imap://host"),
        ("mail_url", "file://folder"),
        ("host", "127.0.0.1 "),
        ("host", ""),
        ("host", "a b"),
        ("port", "0"),
        ("port", "http"),
        ("data_dir", ""),
        ("data_dir", "  "),
        ("public_url", "https://training.example.com/shirube"),
        ("public_url", "https://training.example.com?a=b"),
        ("public_url", "https://training.example.com/#top"),
        ("public_url", "https://user:quiet-river@training.example.com"),
        ("public_url", "training.example.com"),
        ("public_url", "https://"),
        ("database_url", "sqlite://"),
        ("database_url", "sqlite:///:memory:"),
        ("database_url", "sqlite:///file:shared?mode=memory&uri=true"),
        ("database_url", "mysql://user:quiet-river@host/name"),
        ("database_url", "postgresql+asyncpg://user:quiet-river@host/name"),
        ("jobs_url", "amqp://host"),
        ("jobs_url", "sqlite:///:memory:"),
        ("secret_key", ""),
        ("env", "staging"),
        ("trusted_proxies", "9"),
    ],
)
def test_a_setting_that_cannot_work_is_refused_by_name_without_its_value(name: str, value: str) -> None:
    lines = refused(**{name: value})
    assert len(lines) == 1
    assert lines[0].startswith(f"SHIRUBE_{name.upper()} ")
    assert lines[0].endswith(config.WANTED[name])
    assert "quiet-river" not in lines[0]
    assert "everybody" not in lines[0]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("mail_from", "標 研修 <training@example.com>"),
        ("mail_from", '"Training, safety" <training@example.com>'),
        ("mail_from", "training@example.com"),
        ("mail_url", "smtps://user:p%40ss@mail.example.com:465"),
        ("mail_url", "console:"),
        ("mail_url", "file:///var/lib/my mail"),
        ("host", "::1"),
        ("host", "localhost"),
        ("public_url", "http://[::1]:5000/"),
        ("public_url", "https://training.example.com:8443"),
        ("database_url", "sqlite:////var/lib/my shirube/file.sqlite3"),
        ("database_url", "postgresql:///name"),
        ("jobs_url", "redis://host:6379/0"),
    ],
)
def test_what_works_is_taken(name: str, value: str) -> None:
    assert refused(**{name: value}) == []


def test_every_fault_is_named_at_once_those_of_production_too() -> None:
    lines = refused(env="production", port="x", mail_from="nobody")
    assert [line.split()[0] for line in lines] == [
        "SHIRUBE_PORT", "SHIRUBE_SECRET_KEY", "SHIRUBE_MAIL_FROM", "SHIRUBE_PUBLIC_URL",
    ]  # fmt: skip


def test_production_wants_a_secret_of_its_own() -> None:
    public = {"env": "production", "public_url": "https://training.example.com"}
    assert "default secret is public" in refused(**public)[0]
    assert "at least 32 characters" in refused(**public, secret_key="short")[0]
    assert "10 different characters" in refused(**public, secret_key="a" * 64)[0]
    assert refused(**public, secret_key=SECRET) == []


def test_production_wants_an_address_to_which_browsers_send_the_cookie() -> None:
    told = refused(env="production", secret_key=SECRET, public_url="http://training.example.com")
    assert len(told) == 1
    assert "https only" in told[0]
    assert refused(env="development", public_url="http://training.example.com") == []

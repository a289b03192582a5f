"""Mails have one layout, and say the same as HTML and as plain text."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask

from portal.core.mail import Email, render

pytestmark = pytest.mark.any_database

PORTAL = Path(__file__).resolve().parents[2] / "portal"
LAYOUT = PORTAL / "ui" / "templates" / "ui" / "email.html"
# The folders of mails: each holds a subject and both bodies.
MAILS = sorted(path.parent for path in PORTAL.glob("*/templates/*/emails/*/subject.txt"))
# Where a mail leads: the address of a link, also in one of the two macros that show it.
_ADDRESS = re.compile(r'href="\{\{ ([\w.]+) \}\}"|\{\{ (?:way|see)\(.*, ([\w.]+)\) \}\}')
# What only the layout may bring along.
_FRAME = re.compile(r"<!doctype|</?(?:html|head|body|title|style|link|meta|script|img)\b|\bstyle=|Dear ", re.IGNORECASE)


def _named(mail: Path) -> str:
    return f"{mail.parents[1].name}/{mail.name}"


def test_every_mail_has_a_subject_and_both_bodies() -> None:
    assert len(MAILS) > 60
    assert [
        _named(mail) for mail in MAILS if not all((mail / each).exists() for each in ("body.html", "body.txt"))
    ] == []
    # And nothing else in them is one: no mail without a subject.
    assert sorted(path.parent for path in PORTAL.glob("*/templates/*/emails/**/body.*")) == sorted(2 * MAILS)


@pytest.mark.parametrize("mail", MAILS, ids=_named)
def test_every_mail_has_the_one_layout(mail: Path) -> None:
    for name in ("html", "txt"):
        body = (mail / f"body.{name}").read_text(encoding="utf-8")
        assert body.startswith(f'{{% extends "ui/email.{name}" %}}\n')
        assert _FRAME.findall(body) == []


def test_the_layout_loads_nothing() -> None:
    layout = LAYOUT.read_text(encoding="utf-8")
    assert re.findall(r"\bsrc=|url\(|@import|@font-face|<link|<script|<img|https?:", layout) == []
    assert layout.count("<style>") == 1


@pytest.mark.parametrize("mail", MAILS, ids=_named)
def test_every_link_of_a_mail_stands_in_its_text_too(mail: Path) -> None:
    html, text = ((mail / name).read_text(encoding="utf-8") for name in ("body.html", "body.txt"))
    assert len(_ADDRESS.findall(html)) == len(re.findall(r'href="\{|\{\{ (?:way|see)\(', html)), "a link nobody sees"
    links = [one or other for one, other in _ADDRESS.findall(html)]
    # In the same order, and none besides.
    assert re.findall(r"\{\{ ((?:\w+\.)?(?:\w*href|link|page|verify|account|forgotten)) \}\}", text) == links


@pytest.mark.parametrize(
    ("language", "salutation", "foot"),
    [
        ("en", "Dear Aoi & Sons,", "This email was sent automatically by the portal."),
        ("ja", "Aoi & Sons 様", "このメールはポータルから自動で送信されています。"),
    ],
)
def test_a_mail_begins_with_the_name_and_ends_with_who_sent_it(
    app: Flask, language: str, salutation: str, foot: str
) -> None:
    message = render(
        Email(
            template="accounts/emails/password_changed",
            to_address="aoi@example.org",
            to_name="Aoi & Sons",
            language=language,
            values={"when": "12:30", "forgotten": "https://portal.example/forgotten?a=1&b=2"},
        )
    )
    plain, html = (message.get_body((kind,)) for kind in ("plain", "html"))
    assert plain is not None
    assert html is not None
    text, page = plain.get_content().replace("\r\n", "\n"), html.get_content()
    assert text.startswith(f"{salutation}\n\n")
    assert "\nhttps://portal.example/forgotten?a=1&b=2\n\n-- \n" in text
    assert text.endswith(f"\n{foot}\n")
    assert f"<p>{salutation.replace('&', '&amp;')}</p>" in page
    assert f"<title>{message['Subject']}</title>" in page
    assert f'<html lang="{language}">' in page
    # The address is a link once, and can be read.
    assert page.count('href="https://portal.example/forgotten?a=1&amp;b=2"') == 1
    assert page.count(">https://portal.example/forgotten?a=1&amp;b=2<") == 1
    assert foot in page

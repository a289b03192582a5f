"""Confirmations in the digest: told on the days on which the campaign itself sends no mail, and only on those."""

from __future__ import annotations

import email
from datetime import timedelta
from email.policy import default
from pathlib import Path

import pytest
from flask import Flask

from portal.acknowledgements.models import Campaign
from portal.core import clock
from portal.library.models import ChangeClass
from tests.acknowledgements.builders import MONDAY, ask, confirm, holidays, make_first
from tests.acknowledgements.test_mails import send as send_campaigns
from tests.beginnings import beginning
from tests.builders import Cast
from tests.reminders.test_digests import mails, send, text


@pytest.fixture
@beginning
def asked(cast: Cast) -> Campaign:
    """Version 2.0, asked on Monday at ten; due on the Monday after."""
    with clock.frozen(MONDAY):
        holidays()
        make_first(cast.author)
        return ask(cast.author)


def test_a_confirmation_is_told_only_on_days_without_a_mail_of_its_own(app: Flask, cast: Cast, asked: Campaign) -> None:
    for number in range(12):
        moment = MONDAY + timedelta(days=number)
        send_campaigns(moment)
        send(moment)
    own_days, days = set(), {str(each["Date"])[:16] for each in mails(app, cast.learner)}
    for path in (Path(app.config["DATA_DIR"]) / "mail").glob("*.eml"):
        found = email.message_from_bytes(path.read_bytes(), policy=default)
        if cast.learner.sign_in_name in found["To"] and "リマインド" not in found["Subject"]:
            own_days.add(str(found["Date"])[:16])
    assert own_days
    assert days
    assert own_days & days == set()
    assert "文書の確認記録 › なりすまし" in text(mails(app, cast.learner)[0])


def test_what_is_confirmed_is_told_no_more(app: Flask, cast: Cast, asked: Campaign) -> None:
    with clock.frozen(MONDAY):
        confirm(cast.learner, asked.version)
    for number in range(12):
        send(MONDAY + timedelta(days=number))
    assert mails(app, cast.learner) == []


def test_an_emergency_is_left_to_its_own_mails(app: Flask, cast: Cast) -> None:
    with clock.frozen(MONDAY):
        holidays()
        make_first(cast.author)
        ask(cast.author, change_class=ChangeClass.EMERGENCY)
    send(MONDAY + timedelta(days=1))
    assert mails(app, cast.learner) == []

"""Who is plugged in where: one function per domain, lowest first; nothing else knows them all."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask

from portal.core import access, db, forms, i18n, jobs, logs, web
from portal.core.content import ContentPart


@dataclass(frozen=True, slots=True)
class Place:
    """One entry of the navigation: where it leads and who sees it."""

    endpoint: str
    label: object
    icon: str
    group: str
    permission: access.Permission | None = None


# In the order of the rail; each domain adds its own below.
NAVIGATION: list[Place] = []
# The shares of the content folder, in the order in which they are taken in.
CONTENT_PARTS: list[ContentPart] = []


def wire(app: Flask) -> None:
    """Assemble the application: the machinery, then every domain, then the queue."""
    NAVIGATION.clear()
    CONTENT_PARTS.clear()
    logs.init_app(app)
    db.init_app(app)
    i18n.init_app(app)
    forms.csrf.init_app(app)
    access.init_app(app)
    web.init_app(app)
    for plug_in in (
        _ui,
        _journal,
        _organisation,
        _accounts,
        _calendars,
        _library,
        _cohorts,
        _quizzes,
        _acknowledgements,
        _gradebook,
        _training,
        _certificates,
        _reports,
        _operations,
    ):
        plug_in(app)
    # Last: the queue registers every kind of work known by now.
    jobs.init_app(app)


def _ui(app: Flask) -> None:
    from portal.ui import blueprint

    blueprint.init_app(app)


def _journal(app: Flask) -> None:
    from portal.journal import service

    service.init()


def _organisation(app: Flask) -> None:
    from portal.organisation import models  # noqa: F401


def _accounts(app: Flask) -> None:
    from portal.accounts import permissions
    from portal.accounts.service import sessions

    access.register(permissions.TABLE)
    access.login_manager.user_loader(sessions.find_person_of)


def _calendars(app: Flask) -> None:
    pass


def _library(app: Flask) -> None:
    pass


def _cohorts(app: Flask) -> None:
    pass


def _quizzes(app: Flask) -> None:
    pass


def _acknowledgements(app: Flask) -> None:
    pass


def _gradebook(app: Flask) -> None:
    pass


def _training(app: Flask) -> None:
    pass


def _certificates(app: Flask) -> None:
    pass


def _reports(app: Flask) -> None:
    pass


def _operations(app: Flask) -> None:
    pass

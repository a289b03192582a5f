"""What training shows of notes and talks: news on the learner's day, and where a learner's page leads."""

from __future__ import annotations

from collections.abc import Sequence

from flask import url_for

from portal.accounts.models import Person
from portal.core.access import allows
from portal.core.i18n import format_instant, language
from portal.core.i18n import gettext as _
from portal.mentoring.permissions import READ_NOTES, SUPERVISE
from portal.mentoring.queries import notes
from portal.mentoring.rules import excerpt
from portal.training.models import Enrollment
from portal.training.service.beside import Link, News


def news_of_notes(person: Person, enrollments: Sequence[Enrollment]) -> Sequence[News]:
    """Return the notes that the learner can read and has not opened."""
    return [
        News(
            said=excerpt(each.text),
            note=_(
                "A note from %(name)s, %(when)s",
                name=each.by.name_in(language()),
                when=format_instant(each.since, person.time_zone, show_zone=False),
            ),
            href=url_for("mentoring.notes", code=each.enrollment_code),
        )
        for each in notes.list_unread(enrollments=[each.id for each in enrollments])
    ]


def links_of_training(reader: Person, enrollment: Enrollment) -> Sequence[Link]:
    """Return the pages of notes and talks that the reader of a learner's path may open."""
    if allows(reader, SUPERVISE, enrollment):
        return [
            (_("Next one-to-one"), url_for("mentoring.agenda", code=enrollment.code)),
            (_("Notes"), url_for("mentoring.notes", code=enrollment.code)),
        ]
    if allows(reader, READ_NOTES, enrollment):
        return [
            (_("One-to-one"), url_for("mentoring.agenda", code=enrollment.code)),
            (_("Notes for you"), url_for("mentoring.notes", code=enrollment.code)),
        ]
    return []

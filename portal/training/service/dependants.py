"""Plans and enrollments as what reads a document that a version changes; nothing of them changes its state."""

from __future__ import annotations

from flask import url_for

from portal.accounts.models import Person
from portal.core.access import allows
from portal.core.i18n import gettext as _
from portal.core.i18n import language, ngettext
from portal.core.i18n import lazy_gettext as _l
from portal.library.service.dependants import Affected, AffectedItem, Change
from portal.training.permissions import SEE_ENROLLMENT
from portal.training.queries import catalogue, readers


class StepsThatRead:
    """Steps of the latest plans that read or confirm the document."""

    kind = "steps"
    name = _l("Plan steps that read the document")
    flips = False

    def said(self, total: int, change: Change) -> str:
        """Say what the steps do."""
        return ngettext("%(num)d plan step reads the document", "%(num)d plan steps read the document", total)

    def affected_by(self, change: Change, *, reader: Person, offset: int = 0, limit: int | None = None) -> Affected:
        """Return the steps in the order of plans and steps."""
        found = readers.list_steps_reading(change.document_slug)
        shown = found[offset:] if limit is None else found[offset : offset + limit]
        tasks = catalogue.tasks_of([step for _version, step in shown])
        items = [
            AffectedItem(
                str(tasks[step.id]),
                None,
                _("%(title)s (version %(number)s)", title=str(version.title), number=version.number),
            )
            for version, step in shown
        ]
        return Affected(len(found), items)


class OpenEnrollments:
    """Learners who have the document still before them."""

    kind = "enrollments"
    name = _l("Learners who have yet to read the document")
    flips = False

    def said(self, total: int, change: Change) -> str:
        """Say what the learners do."""
        return ngettext(
            "%(num)d learner has yet to read it in a plan", "%(num)d learners have yet to read it in a plan", total
        )

    def affected_by(self, change: Change, *, reader: Person, offset: int = 0, limit: int | None = None) -> Affected:
        """Return the open enrollments whose step with the document is not done, the earliest start first."""
        total = readers.count_enrollments_before(change.document_slug, change.markets_apart)
        shown = readers.list_enrollments_before(change.document_slug, change.markets_apart, offset=offset, limit=limit)
        here = language()
        items = [
            AffectedItem(
                enrollment.person.name_in(here),
                url_for("training.path", code=enrollment.code) if allows(reader, SEE_ENROLLMENT, enrollment) else None,
                str(enrollment.version.title),
            )
            for enrollment in shown
        ]
        note = _("They read the version that is in force on the day; what they have done already stays done.")
        return Affected(total, items, note if total else "")

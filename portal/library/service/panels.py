"""What upper domains add to the reading page and to the overview of a draft; they are registered in `wiring.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from portal.accounts.models import Person
from portal.library.models import DocumentVersion, Draft, VersionText


@dataclass(frozen=True, slots=True)
class Panel:
    """A part of the page: the template that is included, and what it calls `panel`."""

    template: str
    values: dict[str, Any]


class ReadingPanel(Protocol):
    """Somebody who has something to say below a document."""

    def __call__(self, person: Person, version: DocumentVersion, text: VersionText) -> Panel | None:
        """Return what this person is shown below this version in this language, or None."""


_panels: list[ReadingPanel] = []


def register_panel(panel: ReadingPanel) -> None:
    """Add a panel below those that are there."""
    if panel not in _panels:
        _panels.append(panel)


def panels_for(person: Person, version: DocumentVersion, text: VersionText) -> list[Panel]:
    """Return the panels of a page in their order."""
    return [shown for panel in _panels if (shown := panel(person, version, text)) is not None]


@dataclass(frozen=True, slots=True)
class ClauseNote:
    """A quiet marker beside a clause: what is kept with it, and where that is."""

    label: str
    href: str


class ClauseNotes(Protocol):
    """Somebody who keeps something with clauses."""

    def __call__(self, person: Person, thing: DocumentVersion | Draft) -> Mapping[str, ClauseNote]:
        """Return clause id → the marker that this person is shown beside it, in few statements for all of them."""


_clause_notes: list[ClauseNotes] = []


def register_clause_notes(notes: ClauseNotes) -> None:
    """Show these markers too; where several have one for a clause, the first that was registered is shown."""
    if notes not in _clause_notes:
        _clause_notes.append(notes)


def clause_notes_for(person: Person, thing: DocumentVersion | Draft) -> dict[str, ClauseNote]:
    """Return clause id → the marker that a person is shown beside a clause of a version or of a draft."""
    found: dict[str, ClauseNote] = {}
    for notes in _clause_notes:
        found = {**notes(person, thing), **found}
    return found


class DraftPanel(Protocol):
    """Somebody who has something to say on the overview of a draft, such as what its publication would change."""

    def __call__(self, person: Person, draft: Draft) -> Panel | None:
        """Return what this person is shown about this draft, or None."""


_draft_panels: list[DraftPanel] = []


def register_draft_panel(panel: DraftPanel) -> None:
    """Add a panel to the overview of drafts, after those that are there."""
    if panel not in _draft_panels:
        _draft_panels.append(panel)


def draft_panels_for(person: Person, draft: Draft) -> list[Panel]:
    """Return the panels of a draft's overview in their order."""
    return [shown for panel in _draft_panels if (shown := panel(person, draft)) is not None]

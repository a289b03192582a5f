"""What mentoring refuses."""

from __future__ import annotations

from portal.core.errors import Conflict, Invalid, NotFound
from portal.core.i18n import format_date
from portal.core.i18n import lazy_gettext as _l


class NoSuchNote(NotFound):
    """There is no note of this code, or not for this person."""

    message = _l("There is no such note here. Go back to the notes.")


class NoteMissing(Invalid):
    """A note says something."""

    message = _l("Write the note.")


class NoteTooLong(Invalid):
    """A note has about a page."""

    message = _l("The note has %(length)s characters; at most %(most)s are kept. Shorten it.")


class NoteUnchanged(Invalid):
    """A correction says something else."""

    message = _l("The note says this already. Change its text, or go back.")


class NoteClosed(Conflict):
    """A note that was taken back, or that stands corrected, stays as it is."""

    message = _l("The note was corrected or taken back in the meantime. Look at the notes again.")


class AlreadyShown(Conflict):
    """What the learner can read already need not be shown, and cannot be hidden."""

    message = _l("The learner can read this note already. It stays so.")


class HeldOutOfBounds(Invalid):
    """A talk was held since the learner was enrolled, not longer ago than a year, and not later than today."""

    message = _l("Choose a day from %(first)s to %(last)s.")

    def __str__(self) -> str:
        told = {name: format_date(day) for name, day in self.values.items()}
        return str(self.message) % told


class HeldAlready(Conflict):
    """The same person has recorded a talk on this day."""

    message = _l("A one-to-one on this day is recorded already.")


class NoSuchTalk(NotFound):
    """There is no talk of this day that the person has recorded, and that still counts."""

    message = _l("There is no one-to-one of yours on this day. Go back to the notes.")


class TalkGone(Conflict):
    """What was taken back is not taken back again."""

    message = _l("The one-to-one was taken back in the meantime. Look at the notes again.")


class HeldUnchanged(Invalid):
    """The right day is another one than the wrong one."""

    message = _l("This is the day that is recorded. Choose another one, or none where there was no talk.")


class SinceUnknown(Invalid):
    """The facts are asked for from a day on."""

    message = _l("“%(given)s” is no day. Write it as 2026-05-11, from 2000 on, not later than today.")

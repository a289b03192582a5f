"""An attempt as its rules tell it, without a database: what every save, break, grant and hand-in must come to.

It shares no line with the services, so that both are wrong together only where somebody was wrong
twice. Times are aware datetimes, lengths seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from fractions import Fraction
from functools import wraps
from math import ceil
from typing import Any, Concatenate, ParamSpec, TypeVar

LEASE = timedelta(seconds=45)
KEPT_FOR = timedelta(hours=24)
MOST_LATE_OF_A_QUESTION = 3
# What an answer that was never given and one that was taken back have in common.
NOTHING = "nothing"

P = ParamSpec("P")
T = TypeVar("T")


class Refused(Exception):
    """A refusal, by the name that the product gives it."""


def _undone_when_refused(
    work: Callable[Concatenate[Takings, P], T],
) -> Callable[Concatenate[Takings, P], T]:
    """Let nothing remain of what was refused."""

    @wraps(work)
    def run(self: Takings, *args: P.args, **values: P.kwargs) -> T:
        before = deepcopy(self.__dict__)
        try:
            return work(self, *args, **values)
        except Refused:
            self.__dict__ = before
            raise

    return run


@dataclass(frozen=True)
class Rules:
    """The terms of a quiz."""

    questions: int = 4
    limit: int = 900
    attempts_allowed: int = 3
    wait_hours: int = 1
    wait_after_fails: int = 2
    # "at_once", "after_window" or "by_hand"
    release: str = "at_once"
    closes_at: datetime | None = None
    is_forward_only: bool = False
    pass_mark: Fraction = Fraction(4, 5)


@dataclass
class Agreed:
    """What was agreed with a person: more time, breaks; from a day on."""

    multiplier: Fraction
    break_seconds: int
    hides: bool
    since: date
    is_ended: bool = False


@dataclass(frozen=True)
class Answer:
    """What is stored for a question."""

    seq: int
    choice: str
    received_at: datetime
    sureness: str | None = None


@dataclass
class Late:
    """An answer that came too late, as it came."""

    position: int
    seq: int
    choice: str
    received_at: datetime
    seconds: int
    sureness: str | None = None
    is_accepted: bool = False


@dataclass
class Sitting:
    """One attempt."""

    number: int
    started_at: datetime
    multiplier: Fraction
    tolerance: timedelta
    allowance: int | None
    hides: bool
    reached: int | None
    # Position → what its right answer is worth.
    worth: Mapping[int, Fraction]
    deadline_at: datetime
    granted: int = 0
    taken: int | None = None
    break_began_at: datetime | None = None
    break_until: datetime | None = None
    state: str = "in_progress"
    finished_at: datetime | None = None
    submitted_by: str | None = None
    writer: str | None = None
    seen_at: datetime | None = None
    answers: dict[int, Answer] = field(default_factory=dict)
    keys: dict[str, tuple[int, int, str, str | None]] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)
    late: list[Late] = field(default_factory=list)
    points: list[Fraction] = field(default_factory=list)
    history: list[str] = field(default_factory=lambda: ["started"])

    @property
    def is_running(self) -> bool:
        """Whether nobody has written down that it is over."""
        return self.state == "in_progress"

    def is_in_time(self, now: datetime) -> bool:
        """Whether what arrives now is taken."""
        return self.is_running and now <= self.deadline_at + self.tolerance

    def is_on_break(self, now: datetime) -> bool:
        """Whether the clock stands still."""
        return self.is_running and self.break_until is not None and now < self.break_until

    def left(self, now: datetime) -> timedelta:
        """The time that is left, never less than none."""
        return max(self.deadline_at - now, timedelta(0))

    def choice(self, position: int) -> str:
        """What is stored for a question."""
        return self.answers[position].choice if position in self.answers else NOTHING

    def sureness(self, position: int) -> str | None:
        """How sure she said she was."""
        return self.answers[position].sureness if position in self.answers else None


@dataclass(frozen=True)
class Reply:
    """What is said to a save."""

    outcome: str
    saved_seq: int
    choice: str
    state: str
    left: timedelta
    sureness: str | None


@dataclass(frozen=True)
class PageReply:
    """What is said to a whole page."""

    stale: tuple[int, ...]
    late: tuple[int, ...]
    left: tuple[int, ...]
    state: str
    was_over: bool


@dataclass
class Takings:
    """All attempts of one person at one quiz."""

    rules: Rules
    # The day that it is for her at an instant.
    day_of: Callable[[datetime], date]
    tolerance: timedelta = timedelta(seconds=5)
    agreed: list[Agreed] = field(default_factory=list)
    attempts: list[Sitting] = field(default_factory=list)

    # --- the clock ---------------------------------------------------------------------------

    def _end(self, started_at: datetime, multiplier: Fraction, added: int) -> datetime:
        more = ceil(self.rules.limit * multiplier) - self.rules.limit + added
        end = started_at + timedelta(seconds=self.rules.limit + more)
        if self.rules.closes_at is not None:
            end = min(end, self.rules.closes_at + timedelta(seconds=more))
        return end

    def _reckon(self, sitting: Sitting) -> None:
        sitting.deadline_at = self._end(sitting.started_at, sitting.multiplier, sitting.granted + (sitting.taken or 0))

    def _holding(self, at: datetime) -> Agreed | None:
        day = self.day_of(at)
        return next((each for each in reversed(self.agreed) if each.since <= day and not each.is_ended), None)

    def _give_what_is_agreed(self, sitting: Sitting, now: datetime) -> bool:
        agreed = self._holding(min(now, sitting.deadline_at))
        if agreed is None:
            return False
        more = (
            max(sitting.multiplier, agreed.multiplier),
            max(sitting.allowance or 0, agreed.break_seconds),
            sitting.hides or agreed.hides,
        )
        if more == (sitting.multiplier, sitting.allowance or 0, sitting.hides):
            return False
        sitting.multiplier, allowance, sitting.hides = more
        if allowance:
            sitting.allowance, sitting.taken = allowance, sitting.taken or 0
        self._reckon(sitting)
        sitting.history.append("accommodated")
        return True

    def _takes(self, sitting: Sitting, now: datetime) -> bool:
        """Whether it takes what arrives now; nobody is called late before it was seen whether more was agreed."""
        return sitting.is_in_time(now) or (
            sitting.is_running and self._give_what_is_agreed(sitting, now) and sitting.is_in_time(now)
        )

    def running(self) -> Sitting | None:
        """The attempt that is not handed in."""
        return next((each for each in self.attempts if each.is_running), None)

    # --- beginning ---------------------------------------------------------------------------

    @_undone_when_refused
    def start(self, now: datetime, *, accepts_cut: bool, worth: Mapping[int, Fraction]) -> Sitting:
        """Begin, or go on with what was begun."""
        running = self.running()
        if running is not None:
            self._close_if_over(running, now)
            if running.is_running:
                return running
        agreed = self._holding(now)
        multiplier = agreed.multiplier if agreed else Fraction(1)
        self._refuse_start(multiplier, now)
        promised = now + timedelta(seconds=ceil(self.rules.limit * multiplier))
        end = self._end(now, multiplier, 0)
        if end < promised and not accepts_cut:
            raise Refused("CutMustBeConfirmed")
        allowance = agreed.break_seconds if agreed and agreed.break_seconds else None
        sitting = Sitting(
            number=len(self.attempts) + 1,
            started_at=now,
            multiplier=multiplier,
            tolerance=self.tolerance,
            allowance=allowance,
            taken=0 if allowance else None,
            hides=bool(agreed and agreed.hides),
            reached=1 if self.rules.is_forward_only else None,
            worth=worth,
            deadline_at=end,
        )
        self.attempts.append(sitting)
        return sitting

    def _refuse_start(self, multiplier: Fraction, now: datetime) -> None:
        counted = [each for each in self.attempts if each.state != "voided"]
        failed = [each for each in counted if not (each.state == "released" and self._passed(each))]
        rested_at = now
        if counted and len(failed) >= self.rules.wait_after_fails and self.rules.wait_hours:
            ends = [each.finished_at or min(each.deadline_at, now) for each in counted]
            rested_at = max(now, max(ends) + timedelta(hours=self.rules.wait_hours))
        closes_at = self.rules.closes_at
        if closes_at is not None:
            closes_at += timedelta(seconds=ceil(self.rules.limit * multiplier) - self.rules.limit)
            if rested_at >= closes_at:
                raise Refused("Closed")
        if len(counted) >= self.rules.attempts_allowed:
            raise Refused("NoAttemptsLeft")
        if rested_at > now:
            raise Refused("MustWait")

    def _passed(self, sitting: Sitting) -> bool:
        return sitting.points[-1] >= self.rules.pass_mark * sum(sitting.worth.values())

    # --- answering ---------------------------------------------------------------------------

    @_undone_when_refused
    def save(self, sitting: Sitting, now: datetime, **values: Any) -> Reply:
        """Save one answer."""
        return self._save(sitting, now, **values)

    def _save(
        self,
        sitting: Sitting,
        now: datetime,
        *,
        position: int,
        seq: int,
        key: str,
        choice: str,
        page: str | None = None,
        takes_over: bool = False,
        sureness: str | None = None,
    ) -> Reply:
        if seq < 1 or not 0 < len(key) <= 64 or position < 1:
            raise Refused("BadRequest")
        if position > self.rules.questions:
            raise Refused("BadAnswer")

        def reply(outcome: str) -> Reply:
            stored = sitting.answers.get(position)
            return Reply(
                outcome,
                stored.seq if stored else 0,
                sitting.choice(position),
                sitting.state,
                sitting.left(now),
                sitting.sureness(position),
            )

        if key in sitting.keys:
            if sitting.keys[key] != (position, seq, choice, sureness):
                raise Refused("KeyReused")
            return reply("saved")
        was_over = not sitting.is_running
        if not self._takes(sitting, now):
            is_kept = self._keep_late(sitting, now, position, seq, choice, sureness)
            self._close_if_over(sitting, now)
            return reply("late" if is_kept or not was_over else "closed")
        if sitting.is_on_break(now):
            return reply("on_break")
        if sitting.reached is not None and position != sitting.reached:
            return reply("left" if position < sitting.reached else "ahead")
        if page is not None and not self._may_write(sitting, now, page, takes_over=takes_over):
            return reply("elsewhere")
        stored = sitting.answers.get(position)
        if stored is None or seq > stored.seq:
            sitting.answers[position] = Answer(seq, choice, now, sureness)
            sitting.keys[key] = (position, seq, choice, sureness)
            sitting.history.append("saved")
            return reply("saved")
        is_same = (stored.seq, stored.choice, stored.sureness) == (seq, choice, sureness)
        return reply("saved" if is_same else "stale")

    def _keep_late(
        self, sitting: Sitting, now: datetime, position: int, seq: int, choice: str, sureness: str | None
    ) -> bool:
        """Keep what came too late for somebody who had not handed in, as far as it may still matter."""
        ran_out = sitting.is_running or (sitting.state != "voided" and sitting.submitted_by == "sweep")
        if not ran_out or not sitting.deadline_at < now <= sitting.deadline_at + KEPT_FOR:
            return False
        if position in sitting.answers and sitting.answers[position].seq >= seq:
            return False
        before = [each for each in sitting.late if each.position == position]
        if len(before) >= MOST_LATE_OF_A_QUESTION or any(seq == each.seq or choice == each.choice for each in before):
            return False
        length = ceil((now - sitting.deadline_at) / timedelta(seconds=1))
        sitting.late.append(Late(position, seq, choice, now, length, sureness))
        sitting.history.append("refused")
        return True

    @_undone_when_refused
    def save_page(
        self, sitting: Sitting, now: datetime, *, form: str, answers: Mapping[int, tuple[int, str]]
    ) -> PageReply:
        """Save what a whole page shows: position → (number that it had seen, answer)."""
        was_over = not sitting.is_running
        before = {position: (sitting.choice(position), sitting.sureness(position)) for position in answers}
        stale: list[int] = []
        late: list[int] = []
        left: list[int] = []
        for position, (seen, choice) in sorted(answers.items()):
            if before[position] == (choice, None):
                continue
            if was_over:
                late.append(position)
                self._keep_late(sitting, now, position, seen + 1, choice, None)
                continue
            if sitting.reached is not None and position != sitting.reached:
                left.append(position)
                continue
            try:
                reply = self._save(
                    sitting, now, position=position, seq=seen + 1, key=f"{form}:{position}:{choice}", choice=choice
                )
            except Refused as refusal:
                if str(refusal) != "KeyReused":
                    raise
                stale.append(position)
                continue
            if reply.outcome == "stale" or (reply.outcome == "saved" and reply.saved_seq != seen + 1):
                stale.append(position)
            elif reply.outcome != "saved":
                late.append(position)
        return PageReply(tuple(stale), tuple(late), tuple(left), sitting.state, was_over)

    def go_on(self, sitting: Sitting, now: datetime, position: int) -> None:
        """Leave a question for good. Raises `Refused`."""
        if sitting.reached is None or position != sitting.reached:
            return
        if not self._takes(sitting, now):
            self._close_if_over(sitting, now)
        elif sitting.is_on_break(now):
            raise Refused("OnBreak")
        elif position < self.rules.questions:
            sitting.reached = position + 1
            sitting.history.append("moved_on")

    # --- pages -------------------------------------------------------------------------------

    def _may_write(self, sitting: Sitting, now: datetime, page: str, *, takes_over: bool) -> bool:
        is_free = sitting.writer in (None, page) or sitting.seen_at is None or now - sitting.seen_at > LEASE
        if not is_free and not takes_over:
            if f"tab:{page}" not in sitting.told:
                sitting.told.add(f"tab:{page}")
                sitting.history.append("second_tab")
            return False
        if not is_free:
            sitting.history.append("second_tab")
        if sitting.writer != page or sitting.seen_at is None or now - sitting.seen_at > LEASE / 4:
            sitting.writer, sitting.seen_at = page, now
        return True

    def hear_of(
        self, sitting: Sitting, now: datetime, page: str, *, takes_over: bool, leaves: bool, told: str | None
    ) -> tuple[bool, str, timedelta, bool]:
        """Hear of a page: whether it is the one that writes, the state, what is left, whether the clock stands."""
        writes = False
        if sitting.is_running:
            if now > sitting.deadline_at:
                self._close_if_over(sitting, now)
            elif leaves:
                if sitting.writer == page:
                    sitting.writer = sitting.seen_at = None
            else:
                writes = self._may_write(sitting, now, page, takes_over=takes_over)
                if told is not None and told not in sitting.told:
                    sitting.told.add(told)
                    sitting.history.append("focus_lost")
        return writes, sitting.state, sitting.left(now), sitting.is_on_break(now)

    # --- breaks and agreed time --------------------------------------------------------------

    @_undone_when_refused
    def begin_break(self, sitting: Sitting, now: datetime) -> None:
        """Stop the clock for at most what is left of the agreement."""
        if not self._takes(sitting, now):
            raise Refused("NotRunning")
        if sitting.is_on_break(now):
            return
        left = (sitting.allowance or 0) - (sitting.taken or 0)
        if not left:
            raise Refused("NoBreaks")
        sitting.break_began_at, sitting.break_until = now, now + timedelta(seconds=left)
        sitting.taken = sitting.allowance
        self._reckon(sitting)
        sitting.history.append("break_begun")

    def end_break(self, sitting: Sitting, now: datetime) -> None:
        """Go on; what was not used of the break, in whole seconds, is there for another."""
        if not sitting.is_running or sitting.break_until is None:
            return
        unused = max(int((sitting.break_until - now) // timedelta(seconds=1)), 0)
        sitting.taken = (sitting.taken or 0) - unused
        sitting.break_began_at = sitting.break_until = None
        self._reckon(sitting)
        sitting.history.append("break_ended")

    def agree(self, now: datetime, agreed: Agreed) -> None:
        """Agree something anew; what runs and is in time gets it at once."""
        self.agreed.append(agreed)
        self._agreement_changed(now)

    def end_agreement(self, now: datetime, place: int) -> None:
        """End an agreement; what runs loses nothing by it."""
        if not self.agreed[place].is_ended:
            self.agreed[place].is_ended = True
            self._agreement_changed(now)

    def _agreement_changed(self, now: datetime) -> None:
        running = self.running()
        if running is not None and running.is_in_time(now):
            self._give_what_is_agreed(running, now)

    def every_minute(self, now: datetime) -> None:
        """Do what is done each minute: close what is over, give what begins to hold, release what may be seen."""
        running = self.running()
        if running is not None and running.deadline_at + running.tolerance < now:
            self._close_if_over(running, now)
        running = self.running()
        if running is not None and running.deadline_at >= now and any(not each.is_ended for each in self.agreed):
            self._give_what_is_agreed(running, now)
        if self.rules.release == "after_window" and self._is_over_for_everybody(now) and self.running() is None:
            self.release()

    def _is_over_for_everybody(self, now: datetime) -> bool:
        """Whether the window has closed for whoever has the most time, on the days around that are a day somewhere."""
        assert self.rules.closes_at is not None
        held = [
            each.multiplier
            for each in self.agreed
            if not each.is_ended and each.since <= now.date() + timedelta(days=1)
        ]
        more = ceil(self.rules.limit * max(held, default=Fraction(1))) - self.rules.limit
        return self.rules.closes_at + timedelta(seconds=max(more, 0)) <= now

    # --- the end -----------------------------------------------------------------------------

    def submit(self, sitting: Sitting, now: datetime) -> None:
        """Hand in; once."""
        if not sitting.is_running:
            return
        if not self._takes(sitting, now):
            self._close_if_over(sitting, now)
        elif now > sitting.deadline_at:
            self._hand_in(sitting, "sweep", sitting.deadline_at)
        else:
            self._hand_in(sitting, "learner", now)

    def _close_if_over(self, sitting: Sitting, now: datetime) -> None:
        if sitting.is_running and now > sitting.deadline_at and not self._takes(sitting, now):
            self._hand_in(sitting, "sweep", sitting.deadline_at)

    def _hand_in(self, sitting: Sitting, by: str, finished_at: datetime) -> None:
        sitting.finished_at, sitting.submitted_by = finished_at, by
        sitting.history.append("submitted")
        self._mark(sitting)
        if self.rules.release == "at_once":
            self._release(sitting)

    def _mark(self, sitting: Sitting) -> None:
        sitting.state = "marked"
        sitting.points.append(
            sum((worth for position, worth in sitting.worth.items() if sitting.choice(position) == "right"), Fraction())
        )
        sitting.history.append("marked")

    def _release(self, sitting: Sitting) -> None:
        sitting.state = "released"
        sitting.history.append("released")

    def release(self) -> int:
        """Show every result that is marked; return how many there were."""
        marked = [sitting for sitting in self.attempts if sitting.state == "marked"]
        for sitting in marked:
            self._release(sitting)
        return len(marked)

    # --- staff -------------------------------------------------------------------------------

    @_undone_when_refused
    def grant(self, sitting: Sitting, now: datetime, minutes: int) -> None:
        """Grant minutes."""
        if not 1 <= minutes <= 240:
            raise Refused("GrantTooSmall")
        self._close_if_over(sitting, now)
        if not sitting.is_running:
            raise Refused("GrantTooLate")
        sitting.granted += 60 * minutes
        self._reckon(sitting)
        sitting.history.append("extended")

    def void(self, sitting: Sitting, now: datetime) -> None:
        """Make an attempt count for nothing. Raises `Refused` where the result is out."""
        if sitting.state == "voided":
            raise Refused("AlreadyVoid")
        if sitting.state == "released":
            raise Refused("AlreadyReleased")
        sitting.state = "voided"
        sitting.finished_at = sitting.finished_at or min(now, sitting.deadline_at)
        sitting.history.append("voided")

    def accept(self, sitting: Sitting, place: int) -> None:
        """Let a late answer count. Raises `Refused`."""
        late = sitting.late[place]
        if late.is_accepted:
            raise Refused("AlreadyAccepted")
        if sitting.state == "released":
            raise Refused("ResultIsOut")
        if sitting.state != "marked":
            raise Refused("NotRefused")
        if late.position in sitting.answers and sitting.answers[late.position].seq >= late.seq:
            raise Refused("NewerAnswer")
        sitting.answers[late.position] = Answer(late.seq, late.choice, late.received_at, late.sureness)
        late.is_accepted = True
        sitting.history.append("accepted")
        self._mark(sitting)

"""The clock, the wait and the draw, as the product promises them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.quizzes import rules
from portal.quizzes.rules import Candidate, Draw, Hindrance, Past, Terms
from tests.volume import examples

pytestmark = pytest.mark.any_database

START = datetime(2026, 4, 1, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
TOLERANCE = timedelta(seconds=5)


def test_one_and_a_half_times_forty_minutes_are_sixty_even_if_the_window_closes_after_fifty() -> None:
    ends = rules.deadline(
        started_at=START,
        limit_seconds=2400,
        multiplier=Fraction(3, 2),
        closes_at=START + 50 * MINUTE,
    )
    assert ends == START + 60 * MINUTE


def test_without_an_accommodation_the_window_cuts_the_time() -> None:
    ends = rules.deadline(started_at=START, limit_seconds=2400, multiplier=Fraction(1), closes_at=START + 30 * MINUTE)
    assert ends == START + 30 * MINUTE


@settings(max_examples=examples(50))
@given(
    st.integers(1, 240),
    st.sampled_from([Fraction(1), Fraction(5, 4), Fraction(13, 10), Fraction(3, 2), Fraction(2)]),
    st.integers(0, 60),
    st.none() | st.integers(-30, 600),
)
def test_deadline_table_of_limit_multiplier_grant_and_window(
    limit: int, multiplier: Fraction, grant: int, closes_after: int | None
) -> None:
    ends = rules.deadline(
        started_at=START,
        limit_seconds=limit * 60,
        multiplier=multiplier,
        granted_seconds=grant * 60,
        closes_at=None if closes_after is None else START + closes_after * MINUTE,
    )
    more = (multiplier - 1) * limit * 60 + grant * 60
    promised = limit * 60 + more
    exact = promised if closes_after is None else min(promised, closes_after * 60 + more)
    # Whole seconds, never to the learner's disadvantage.
    assert exact <= Fraction((ends - START).total_seconds()) < exact + 1


def test_a_clock_that_is_put_back_or_forward_in_between_changes_nothing() -> None:
    for zone, moment in (
        ("America/New_York", datetime(2026, 3, 8, 1, 50)),
        ("America/New_York", datetime(2026, 11, 1, 1, 50)),
        ("Australia/Lord_Howe", datetime(2026, 4, 5, 1, 50)),
        ("Asia/Tokyo", datetime(2026, 4, 5, 1, 50)),
    ):
        begun = moment.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
        ends = rules.deadline(started_at=begun, limit_seconds=1800, multiplier=Fraction(1))
        assert ends - begun == 30 * MINUTE


@pytest.mark.parametrize(
    ("seconds_after_deadline", "accepted", "state"),
    [
        (-1.0, True, "in_progress"),
        (-0.1, True, "in_progress"),
        (0.0, True, "in_progress"),
        (4.9, True, "in_progress"),
        (5.0, True, "in_progress"),
        (5.1, False, "submitted"),
    ],
)
def test_the_boundary_of_the_deadline(seconds_after_deadline: float, accepted: bool, state: str) -> None:
    at = START + timedelta(seconds=seconds_after_deadline)
    assert rules.accepts(state="in_progress", deadline_at=START, received_at=at, tolerance=TOLERANCE) is accepted
    assert rules.effective_state(state="in_progress", deadline_at=START, now=at, tolerance=TOLERANCE) == state
    assert not rules.accepts(state="released", deadline_at=START, received_at=at, tolerance=TOLERANCE)


def _terms(**values: object) -> Terms:
    defaults: dict[str, object] = {
        "attempts_allowed": 3,
        "wait_hours": 12,
        "wait_after_fails": 2,
        "limit_seconds": 900,
        "opens_at": None,
        "closes_at": None,
    }
    return Terms(**(defaults | values))  # type: ignore[arg-type]


def _stand(terms: Terms, *past: Past, now: datetime = START, multiplier: Fraction = Fraction(1)) -> rules.Standing:
    return rules.standing(terms=terms, past=past, multiplier=multiplier, now=now)


def test_after_two_failed_attempts_there_is_a_wait_of_twelve_hours() -> None:
    first, second = Past(START - timedelta(days=1), False), Past(START - timedelta(hours=11), False)
    assert _stand(_terms(), first).hindrance is None
    waiting = _stand(_terms(), first, second)
    assert (waiting.hindrance, waiting.possible_at) == (Hindrance.WAITING, START + timedelta(hours=1))
    assert _stand(_terms(), first, second, now=START + timedelta(hours=1)).hindrance is None


def test_an_attempt_that_was_passed_does_not_count_towards_the_wait() -> None:
    assert _stand(_terms(), Past(START, True), Past(START, False)).hindrance is None


def test_no_attempt_is_left_after_the_last() -> None:
    past = [Past(START - timedelta(days=day), False) for day in (1, 2, 3)]
    stands = _stand(_terms(), *past)
    assert (stands.attempts_left, stands.hindrance) == (0, Hindrance.NO_ATTEMPTS_LEFT)


def test_the_window_opens_and_closes() -> None:
    terms = _terms(opens_at=START + MINUTE, closes_at=START + 10 * MINUTE)
    assert _stand(terms).hindrance is Hindrance.NOT_OPEN_YET
    assert _stand(terms).possible_at == START + MINUTE
    inside = _stand(terms, now=START + 2 * MINUTE)
    assert (inside.hindrance, inside.available, inside.is_cut) == (None, 8 * MINUTE, True)
    assert _stand(terms, now=START + 10 * MINUTE).hindrance is Hindrance.CLOSED
    longer = _stand(terms, now=START + 10 * MINUTE, multiplier=Fraction(2))
    assert (longer.hindrance, longer.available) == (None, 15 * MINUTE)


def test_a_page_that_went_silent_loses_the_right_to_write() -> None:
    seen = START
    assert rules.may_write(writer="a", seen_at=seen, page="a", now=START + MINUTE)
    assert not rules.may_write(writer="a", seen_at=seen, page="b", now=START + timedelta(seconds=40))
    assert rules.may_write(writer="a", seen_at=seen, page="b", now=START + timedelta(seconds=46))
    assert rules.may_write(writer=None, seen_at=None, page="b", now=START)


# --- draws ---

_TYPES = ("single_choice", "case")
_TAGS = ("x", "y", "z")


@st.composite
def _pools(draw: st.DrawFn) -> list[Candidate]:
    size = draw(st.integers(1, 14))
    return [
        Candidate(
            address=f"{bank}/q-{number:02d}",
            bank=bank,
            type=draw(st.sampled_from(_TYPES)),
            tags=draw(st.frozensets(st.sampled_from(_TAGS))),
            clauses=draw(st.frozensets(st.sampled_from(["p#a", "p#b"]))),
            difficulty=draw(st.none() | st.integers(1, 3)),
        )
        for number, bank in enumerate(draw(st.lists(st.sampled_from(["one", "two"]), min_size=size, max_size=size)))
    ]


@st.composite
def _lines(draw: st.DrawFn, pool: list[Candidate]) -> list[Draw]:
    lines = []
    for _ in range(draw(st.integers(1, 3))):
        if draw(st.booleans()):
            lines.append(
                Draw(
                    bank=draw(st.sampled_from(["one", "two"])),
                    count=draw(st.integers(1, 4)),
                    types=tuple(draw(st.sets(st.sampled_from(_TYPES)))),
                    tags=tuple(draw(st.sets(st.sampled_from(_TAGS)))),
                    difficulty=tuple(draw(st.sets(st.integers(1, 3)))),
                )
            )
        else:
            lines.append(Draw(questions=(draw(st.sampled_from(pool)).address,)))
    return lines


def _feasible(lines: list[Draw], pool: list[Candidate]) -> bool:
    """Hall's condition, tried out over all sets of slots of the same line."""
    slots = [
        frozenset(c.address for c in pool if (c.address == line.questions[n] if line.questions else line.takes(c)))
        for line in lines
        for n in range(line.size)
    ]
    reachable = {frozenset()}
    for slot in slots:
        reachable = {used | {address} for used in reachable for address in slot - used}
        if not reachable:
            return False
    return True


@settings(max_examples=examples(50), deadline=None)
@given(st.data())
def test_a_draw_honours_the_blueprint_or_says_that_it_cannot(data: st.DataObject) -> None:
    pool = data.draw(_pools())
    lines = data.draw(_lines(pool))
    seed = data.draw(st.text("abc", max_size=3))
    drawn = rules.draw(lines, pool, seed=seed)
    if drawn is None:
        assert sum(line.size for line in lines) > 6 or not _feasible(lines, pool)
        return
    assert len(set(drawn)) == len(drawn) == sum(line.size for line in lines)
    by_address = {candidate.address: candidate for candidate in pool}
    places = iter(drawn)
    for line in lines:
        for _ in range(line.size):
            assert line.takes(by_address[next(places)])
    assert rules.draw(lines, list(reversed(pool)), seed=seed) == drawn


def test_a_line_never_takes_what_only_another_can_use() -> None:
    pool = [Candidate("b/1", "b", "case"), Candidate("b/2", "b", "single_choice")]
    lines = [Draw(bank="b", count=1), Draw(bank="b", count=1, types=("case",))]
    for seed in map(str, range(20)):
        assert rules.draw(lines, pool, seed=seed) == ["b/2", "b/1"]


def test_a_draw_is_the_same_on_every_machine_for_ever() -> None:
    pool = [Candidate(f"b/{number}", "b", "case") for number in range(10)]
    assert rules.draw([Draw(bank="b", count=4)], pool, seed="2026") == ["b/0", "b/3", "b/7", "b/4"]
    assert rules.shuffled("abcd", seed="2026", purpose="items") == ["c", "b", "a", "d"]


def test_the_last_questions_come_again_only_where_the_rest_does_not_suffice() -> None:
    pool = [Candidate(f"b/{number}", "b", "case") for number in range(5)]
    for seed in map(str, range(30)):
        again = rules.draw([Draw(bank="b", count=3)], pool, seed=seed, avoid=frozenset({"b/0", "b/1"}))
        assert sorted(again or []) == ["b/2", "b/3", "b/4"]
        more = rules.draw([Draw(bank="b", count=4)], pool, seed=seed, avoid=frozenset({"b/0", "b/1"}))
        assert more is not None
        assert len({"b/0", "b/1"} & set(more)) == 1


def test_every_question_has_the_same_chance() -> None:
    pool = [Candidate(f"b/{number}", "b", "case") for number in range(6)]
    counts = dict.fromkeys((candidate.address for candidate in pool), 0)
    for seed in range(600):
        for address in rules.draw([Draw(bank="b", count=3)], pool, seed=str(seed)) or []:
            counts[address] += 1
    # 300 expected each, standard deviation 12.2; five of them.
    assert all(240 < count < 360 for count in counts.values()), counts


@pytest.mark.parametrize(
    ("states", "legal"),
    [
        (["in_progress"], True),
        (["in_progress", "submitted", "marked", "released"], True),
        (["in_progress", "submitted", "marked", "marked", "released", "marked"], True),
        (["in_progress", "voided"], True),
        ([], False),
        (["submitted"], False),
        (["in_progress", "marked"], False),
        (["in_progress", "submitted", "in_progress"], False),
        (["in_progress", "voided", "submitted"], False),
    ],
)
def test_only_legal_steps_make_a_history(states: list[str], legal: bool) -> None:
    assert rules.is_legal_history(states) is legal


def test_reaching_the_pass_mark_exactly_is_passing() -> None:
    assert rules.has_passed(rules.score(Fraction(8), Fraction(10)), Fraction(4, 5))
    assert not rules.has_passed(rules.score(Fraction(7999, 1000), Fraction(10)), Fraction(4, 5))
    assert rules.score(Fraction(0), Fraction(0)) == 0

"""Public codes can be repeated for the demo; secrets cannot."""

from __future__ import annotations

from portal.core.codes import new_code, new_secret_code, new_seed, new_token, repeatable


def test_codes_and_seeds_follow_from_a_seed_and_are_random_again_afterwards() -> None:
    with repeatable("demo"):
        first = new_code(), new_seed()
    with repeatable("demo"):
        assert (new_code(), new_seed()) == first
    assert (new_code(), new_seed()) != first
    assert len(first[1]) == len(new_seed()) == 32


def test_secrets_are_never_repeated() -> None:
    given = []
    for _time in range(2):
        with repeatable("demo"):
            given.append((new_secret_code(), new_token()))
    assert given[0][0] != given[1][0]
    assert given[0][1] != given[1][1]

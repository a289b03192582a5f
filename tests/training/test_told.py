"""Sentences of ours tell apart what people wrote in them."""

from __future__ import annotations

import pytest

from portal.training.views.explaining import Told

pytestmark = pytest.mark.any_database


@pytest.mark.parametrize(
    ("text", "own", "parts"),
    [
        ("3 more days (ill): 4 May", ("ill",), [("3 more days (", False), ("ill", True), ("): 4 May", False)]),
        # In the order of the sentence, whatever the order in which they were named.
        ("b, then a", ("a", "b"), [("b", True), (", then ", False), ("a", True)]),
        # What was forgotten, or what the sentence does not say, takes nothing away.
        ("3 more days (): 4 May", ("",), [("3 more days (): 4 May", False)]),
        ("3 more days", ("ill",), [("3 more days", False)]),
        ("3 more days", (), [("3 more days", False)]),
    ],
)
def test_what_people_wrote_is_a_piece_of_its_own_and_no_word_is_lost(
    text: str, own: tuple[str, ...], parts: list[tuple[str, bool]]
) -> None:
    told = Told(text, own)
    assert told.parts == parts
    assert "".join(piece for piece, _is_own in told.parts) == text == str(told)

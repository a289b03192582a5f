"""How much a thing matters is judged with a reason; the latest judgement counts."""

from __future__ import annotations

import pytest

from portal.core.transaction import own_transaction
from portal.duties import queries
from portal.duties.errors import NothingChanged, ReasonMissing
from portal.duties.rules import Criticality
from portal.duties.service.criticality import set_criticality
from tests.builders import Cast


def test_the_latest_judgement_counts_and_what_nobody_judged_is_left_out(cast: Cast) -> None:
    with own_transaction():
        for criticality in (Criticality.CRITICAL, Criticality.HIGH):
            set_criticality(
                kind="document", code="appeals", criticality=criticality, reason="Users wait for it.", by=cast.lead
            )
    asked = [("document", "appeals"), ("document", "fees"), ("quiz", "appeals")]
    assert queries.find_criticalities(asked) == {("document", "appeals"): Criticality.HIGH}


def test_a_judgement_has_a_reason_and_changes_something(cast: Cast) -> None:
    with own_transaction():
        with pytest.raises(ReasonMissing):
            set_criticality(kind="document", code="fees", criticality=Criticality.LOW, reason=" ", by=cast.lead)
        with pytest.raises(NothingChanged):
            set_criticality(kind="document", code="fees", criticality=Criticality.NORMAL, reason="So.", by=cast.lead)
    assert queries.find_criticalities([("document", "fees")]) == {}


def test_things_without_end_are_asked_for_at_once(cast: Cast) -> None:
    things = [("document", f"d{number}") for number in range(2_500)]
    assert queries.find_criticalities(things) == {}
    assert queries.find_cards(things) == {}

"""Answers for a rehearsal: what the demo organisation gives when it takes a quiz."""

from __future__ import annotations

from portal.quizzes.models import Item
from portal.quizzes.types import type_of
from portal.quizzes.types.base import read


def rehearsed_answer(item: Item, *, right: bool) -> dict[str, list[str]]:
    """Return places on the item's page that earn all its points, or none of them."""
    content = read(item.question_version.content)
    chosen = {
        part.id: sorted(part.key) if right else [next(choice.id for choice in part.choices if not choice.right)]
        for part in content.parts
    }
    return type_of(content.type).places(content, item.choice_order, chosen)

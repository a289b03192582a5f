"""What of the quizzes rests on the clauses that a version changes: questions, quizzes that go short, who is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from flask import url_for

from portal.accounts.models import Person
from portal.accounts.permissions import SEE_PERSON
from portal.core.access import allows
from portal.core.i18n import gettext as _
from portal.core.i18n import language, ngettext
from portal.core.i18n import lazy_gettext as _l
from portal.library.rules.overlays import Mode
from portal.library.service.dependants import Affected, AffectedItem, Change
from portal.quizzes import queries
from portal.quizzes.models import QuestionState
from portal.quizzes.permissions import SEE_BANKS
from portal.quizzes.queries import staleness as looked_up
from portal.quizzes.service import staleness
from portal.quizzes.service.ahead import looked
from portal.quizzes.types.base import read

T = TypeVar("T")


def _some(found: Sequence[T], offset: int, limit: int | None) -> Sequence[T]:
    return found[offset:] if limit is None else found[offset : offset + limit]


class AffectedQuestions:
    """Questions that test a changed clause."""

    kind = "questions"
    name = _l("Questions to re-check")
    flips = True

    def said(self, total: int, change: Change) -> str:
        """Say what happens to the questions."""
        return ngettext("%(num)d question needs a re-check", "%(num)d questions need a re-check", total)

    def affected_by(self, change: Change, *, reader: Person, offset: int = 0, limit: int | None = None) -> Affected:
        """Return the questions by their addresses, with the clauses that they cite."""
        found = staleness.affected_questions(change)
        shown = _some(found, offset, limit)
        wordings = looked_up.list_contents([each.version_id for each in shown])
        may_open = allows(reader, SEE_BANKS)
        here = language()
        items = [
            AffectedItem(
                read(wordings[each.version_id].content).title.in_(here) or each.slug,
                url_for("quizzes.question", slug=each.bank, question=each.slug) if may_open else None,
                # A question that waits for another document is looked at beside this one too.
                _("%(address)s, waits for a re-check already", address=each.address)
                if each.state is QuestionState.STALE and change.sequence is None
                else each.address,
                each.anchors,
            )
            for each in shown
        ]
        note = _("They are not drawn from the publication on, until somebody has re-checked them.")
        act = _look_at_them(change) if may_open and limit != 0 else None
        return Affected(len(found), items, note if found else "", act)


class QuestionsOfMarket:
    """Questions about a base text that test what a market does otherwise: they are drawn there all the same."""

    kind = "market-questions"
    name = _l("Questions about clauses that differ in this market")
    flips = False

    def said(self, total: int, change: Change) -> str:
        """Say what the questions test."""
        return ngettext(
            "%(num)d live question tests clauses that differ in this market",
            "%(num)d live questions test clauses that differ in this market",
            total,
        )

    def affected_by(self, change: Change, *, reader: Person, offset: int = 0, limit: int | None = None) -> Affected:
        """Return the live questions by their addresses, with the clauses that the market replaces or does not apply."""
        differing = [anchor for anchor, mode in change.overlaid.items() if mode in (Mode.REPLACED, Mode.NOT_APPLICABLE)]
        if not differing:
            return Affected(0)
        found: dict[str, list[looked_up.Tested]] = {}
        for each in looked_up.list_tested(change.base_slug, differing):
            if each.state is QuestionState.LIVE:
                found.setdefault(each.address, []).append(each)
        shown = _some(list(found.items()), offset, limit)
        wordings = looked_up.list_contents([tests[0].version_id for _address, tests in shown])
        may_open, here = allows(reader, SEE_BANKS), language()
        items = [
            AffectedItem(
                read(wordings[tests[0].version_id].content).title.in_(here) or tests[0].slug,
                url_for("quizzes.question", slug=tests[0].bank, question=tests[0].slug) if may_open else None,
                address,
                tuple(each.anchor for each in tests),
            )
            for address, tests in shown
        ]
        note = _("Quizzes draw them in this market, too. Write questions for the market, or leave these out there.")
        return Affected(len(found), items, note if found else "")


def _look_at_them(change: Change) -> tuple[str, str] | None:
    """Return what is said of how far the looking is, and where it is done, for a draft."""
    counted = looked(staleness.touched_questions(change))
    if not counted.total or change.sequence is not None:
        return None
    said = ngettext(
        "%(looked_at)s of %(num)d question looked at",
        "%(looked_at)s of %(num)d questions looked at",
        counted.total,
        looked_at=counted.looked_at,
    )
    return said, url_for("quizzes.ahead", code=change.draft_code)


class QuizzesRunningShort:
    """Quizzes that could not draw what they draw any more."""

    kind = "quizzes"
    name = _l("Quizzes without enough questions")
    flips = True

    def said(self, total: int, change: Change) -> str:
        """Say what happens to the quizzes."""
        return ngettext(
            "%(num)d quiz cannot start until questions are re-checked",
            "%(num)d quizzes cannot start until questions are re-checked",
            total,
        )

    def affected_by(self, change: Change, *, reader: Person, offset: int = 0, limit: int | None = None) -> Affected:
        """Return the quizzes by their slugs, with what they would have of what they draw."""
        found = staleness.short_quizzes(change)
        items = [
            AffectedItem(
                str(each.version.title),
                url_for("quizzes.show", slug=each.version.quiz.slug),
                _("would have %(available)s of the %(draws)s questions it draws",
                  available=each.available, draws=each.draws),
            )
            for each in _some(found, offset, limit)
        ]  # fmt: skip
        return Affected(len(found), items)


class PeopleTold:
    """Who is told of questions to re-check by mail."""

    kind = "told"
    name = _l("People told by mail")
    flips = True

    def said(self, total: int, change: Change) -> str:
        """Say what those who answer for the questions get."""
        return ngettext("%(num)d person is told by mail", "%(num)d people are told by mail", total)

    def affected_by(self, change: Change, *, reader: Person, offset: int = 0, limit: int | None = None) -> Affected:
        """Return those who answer for the banks and for the quizzes that go short."""
        found = staleness.people_told(change)
        here = language()
        banks = {bank.slug: str(bank.title) for bank in queries.list_banks()} if found else {}
        quizzes = {each.version.quiz.slug: str(each.version.title) for each in staleness.short_quizzes(change)}
        items = [
            AffectedItem(
                told.person.name_in(here),
                url_for("accounts.show_person", code=told.person.code)
                if allows(reader, SEE_PERSON, told.person)
                else None,
                _(", ").join([banks[slug] for slug in told.banks] + [quizzes[slug] for slug in told.quizzes]),
            )
            for told in _some(found, offset, limit)
        ]
        note = _("Whoever answers for the question banks, and for the quizzes without enough questions.")
        return Affected(len(found), items, note if found else "")

"""How deep the banks are for each quiz, and which quizzes lose by what people do to questions."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from portal.accounts import queries as people
from portal.accounts.models import Person
from portal.core import clock, mail
from portal.core.i18n import LANGUAGES, language
from portal.core.i18n import gettext as _
from portal.library.service.changed import LANGUAGE_WORDS
from portal.quizzes import queries, rules
from portal.quizzes.errors import QuizzesGoShort
from portal.quizzes.models import Question, QuestionBank, QuestionState, QuizVersion
from portal.quizzes.queries import pool
from portal.quizzes.queries.pool import Drawable
from portal.quizzes.rules import Draw
from portal.quizzes.service import staleness
from portal.quizzes.service.drawing import banks_of, blueprint_of_terms
from portal.quizzes.service.owned import OwnedBanks, OwnedQuizzes

MAIL = "quizzes.running_short"
# With fewer papers than this that share no question, questions come again in the next attempt.
ENOUGH = 2
# States into which somebody brings what was drawn until then.
TAKES_OUT = frozenset({"quarantined", "retired"})


@dataclass(frozen=True, slots=True)
class Depth:
    """How much of what a quiz draws its banks hold; `papers` without a common question, up to `ENOUGH`."""

    version: QuizVersion
    draws: int
    available: int
    papers: int
    # Those in which a paper can be drawn.
    languages: frozenset[str]

    @property
    def is_short(self) -> bool:
        """Whether no paper can be drawn at all."""
        return self.available < self.draws


@dataclass(frozen=True, slots=True)
class Loss:
    """A quiz that loses by a change: it cannot be started, in no or in one language any more, or it repeats itself."""

    after: Depth
    languages: tuple[str, ...]

    @property
    def slug(self) -> str:
        """The quiz's slug."""
        return self.after.version.quiz.slug

    @property
    def stops(self) -> bool:
        """Whether it cannot be started any more, in whatever language."""
        return bool(self.languages)


@dataclass(frozen=True, slots=True)
class _Drawing:
    version: QuizVersion
    lines: Sequence[Draw]


def depths(bank: str) -> dict[str, Depth]:
    """Return how deep the quizzes that draw from a bank are now: slug → depth, of those whose window is not over."""
    drawing = _drawing_from(bank)
    return _depths(drawing, _there(drawing))


def losses(before: Mapping[str, Depth], after: Mapping[str, Depth]) -> list[Loss]:
    """Return the quizzes that have lost something that they had before, in the order of their slugs."""
    found = []
    for slug in sorted(before):
        was, now = before[slug], after.get(slug)
        if now is None:
            continue
        gone = tuple(sorted(was.languages - now.languages))
        if gone or now.papers < was.papers:
            found.append(Loss(now, gone))
    return found


def losses_without(question: Question) -> list[Loss]:
    """Return which quizzes lose something once a question is not drawn any more; none where it is not drawn now."""
    if question.state is not QuestionState.LIVE:
        return []
    bank = question.bank.slug
    drawing = _drawing_from(bank)
    there, gone = _there(drawing), f"{bank}/{question.slug}"
    return losses(_depths(drawing, there), _depths(drawing, [each for each in there if each.candidate.address != gone]))


def _drawing_from(bank: str) -> list[_Drawing]:
    """Return the quizzes that draw from a bank."""
    drawing = [_Drawing(version, blueprint_of_terms(version.blueprint)) for version in _list_running()]
    return [each for each in drawing if bank in banks_of(each.lines)]


def _list_running() -> list[QuizVersion]:
    now = clock.now()
    return [each for each in queries.list_quizzes() if each.closes_at is None or each.closes_at > now]


def _there(drawing: Sequence[_Drawing]) -> list[Drawable]:
    return pool.list_drawable({bank for each in drawing for bank in banks_of(each.lines)})


def _depths(drawing: Sequence[_Drawing], there: Sequence[Drawable]) -> dict[str, Depth]:
    found = {}
    for each in drawing:
        banks = banks_of(each.lines)
        of_banks = [one for one in there if one.candidate.bank in banks]
        found[each.version.quiz.slug] = _depth(each, of_banks)
    return found


def _depth(drawing: _Drawing, there: Sequence[Drawable]) -> Depth:
    lines, draws = drawing.lines, sum(line.size for line in drawing.lines)
    candidates = [each.candidate for each in there]
    available = rules.count_drawable(lines, candidates)
    return Depth(
        version=drawing.version,
        draws=draws,
        available=available,
        papers=rules.count_papers(lines, candidates, ENOUGH) if available == draws else 0,
        languages=frozenset(
            tag
            for tag in LANGUAGES
            if rules.count_drawable(lines, [each.candidate for each in there if tag in each.languages]) == draws
        ),
    )


def check_accepted(found: Sequence[Loss], accepting: Collection[str]) -> None:
    """Raise `QuizzesGoShort` where a quiz stops that whoever changes something was not told of, or has not accepted."""
    untold = [each for each in found if each.stops and each.slug not in accepting]
    if untold:
        here = language()
        raise QuizzesGoShort(quizzes=[each.after.version.title.in_(here) for each in untold])


def stopped_words(depth: Depth) -> str:
    """Say how much of what a quiz draws there is, or in which language too much of it is missing."""
    if depth.is_short:
        return _("%(available)s of the %(draws)s questions that it draws", available=depth.available, draws=depth.draws)
    missing = [LANGUAGE_WORDS[tag].in_(language()) for tag in LANGUAGES if tag not in depth.languages]
    return _("too few questions in: %(languages)s", languages=_(", ").join(missing))


# --- telling it --------------------------------------------------------------------------------


def tell(found: Sequence[Loss], *, bank: QuestionBank, questions: Collection[str], reason: str, by: Person) -> None:
    """Owe a mail to each who answers for the bank, or for a quiz that stops, but for whoever has done it.

    `questions`: the ids of those that were changed. The bank's revision makes it one mail for a change.
    """
    stopped = [each.slug for each in found if each.stops]
    if not stopped:
        return
    for told in staleness.who_answers((bank.slug,), stopped):
        if told.person.id == by.id:
            continue
        arguments: dict[str, Any] = {
            "bank": bank.slug,
            "questions": sorted(questions),
            "quizzes": stopped if told.banks else list(told.quizzes),
            "reason": reason,
            "by": by.code,
            "to": told.person.code,
        }
        mail.send_later(MAIL, arguments, effect_key=f"{MAIL}:{bank.slug}:{bank.revision}:{told.person.code}")


def list_stopped(slugs: Collection[str], banks: Collection[str] = ()) -> list[Depth]:
    """Return those of some quizzes, and of those that draw from some banks, that cannot be started now, by slug.

    One that cannot be started in one language alone is among them.
    """
    drawing = [
        each
        for each in (_Drawing(version, blueprint_of_terms(version.blueprint)) for version in _list_running())
        if each.version.quiz.slug in slugs or banks_of(each.lines) & set(banks)
    ]
    found = _depths(drawing, _there(drawing))
    return [found[slug] for slug in sorted(found) if len(found[slug].languages) < len(LANGUAGES)]


def list_stopped_of(person: Person) -> list[Depth]:
    """Return the quizzes that cannot be started now and for which, or for whose banks, a person answers."""
    mine = [*people.list_owned(person)]
    mine += [row for row in people.list_owned(person, as_deputy=True) if not row.owner.is_active]
    quizzes, banks = (
        {row.thing_code for row in mine if row.kind == kind} for kind in (OwnedQuizzes.kind, OwnedBanks.kind)
    )
    return list_stopped(quizzes, banks) if quizzes or banks else []

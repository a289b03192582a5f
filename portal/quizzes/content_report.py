"""What the banks and quizzes of a content folder cover, and what their questions give away."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction

from portal.core.content import ContentFolder, Section
from portal.core.i18n import LANGUAGES, pgettext
from portal.core.i18n import gettext as _
from portal.core.i18n import lazy_gettext as _l
from portal.quizzes import rules
from portal.quizzes.formats.markdown import Bank, BankQuestion
from portal.quizzes.formats.quiz_toml import QuizFile
from portal.quizzes.models import QuestionState
from portal.quizzes.queries import clause_names
from portal.quizzes.rules import cues
from portal.quizzes.rules.cues import Choosing
from portal.quizzes.service.drawing import blueprint_of_terms
from portal.quizzes.types.base import CHOICES

_CASE, _STATEMENT = "case", "true_false"
# Types of which every part has its choices beside it, some of them right.
_CHOSEN = frozenset({"single_choice", "multiple_choice", _STATEMENT, "gap", _CASE})
_DIFFICULTIES = range(1, 6)
# With fewer questions to choose from for each that is drawn, a second try is much like the first.
DEEP_ENOUGH = Fraction(3, 2)
_LINK = re.compile(r"\[\[(?P<slug>[^\[\]#]*)#(?P<anchor>[^\[\]#]+)\]\]")
_CUES = {
    "longest": _l("The longest choice"),
    "shortest": _l("The shortest choice"),
    "most_detail": _l("The choice with most figures, marks and reasons"),
    "no_absolute": _l("A choice without “always”, “only” and the like"),
    "words_of_the_question": _l("The choice with most words of the question"),
    "like_the_others": _l("The choice most like the others"),
    "unlike_the_others": _l("The choice least like the others"),
    "first": _l("The first choice, where the order is kept"),
    "last": _l("The last choice, where the order is kept"),
    "bold_sentences_are_false": _l("False, where a sentence says “always”, “only” and the like"),
}


def banks_told(folder: ContentFolder) -> Iterator[Section]:
    """Yield what the banks hold, which clauses no question is about, and how often naive guessers hit."""
    banks: dict[str, Bank] = folder.shared["banks"]
    live = {slug: [each for each in bank.questions if each.state == QuestionState.LIVE] for slug, bank in banks.items()}
    yield _counted(banks, live, folder.shared.get("clauses", {}))
    for language in LANGUAGES:
        yield _guessed(language, choosing_of(folder, language))


def _counted(
    banks: Mapping[str, Bank],
    live: Mapping[str, Sequence[BankQuestion]],
    clauses: Mapping[str, Mapping[str, set[str]]],
) -> Section:
    rows: list[tuple[object, ...]] = []
    remarks = []
    cited: dict[str, set[str]] = {}
    for questions in live.values():
        for name in (name for each in questions for name in each.content.clauses):
            slug, _sign, anchor = name.partition("#")
            cited.setdefault(slug, set()).add(anchor)
    for slug, questions in live.items():
        bank = banks[slug]
        there = next(iter(clauses.get(bank.document, {}).values()), set()) - {"top"}
        asked = cited.get(bank.document, set())
        hard = Counter(each.content.difficulty for each in questions)
        labels = Counter(each.content.severity for each in questions)
        rows.append(
            (
                slug,
                len(questions),
                _cases(questions),
                len({each.content.type for each in questions}),
                "/".join(str(hard[number]) for number in _DIFFICULTIES),
                " ".join(f"{label}:{labels[label]}" for label in sorted(filter(None, labels))),
                f"{len(there & asked)}/{len(there)}",
                sum(_lack_rationale(each) for each in questions),
            )
        )
        for each in questions:
            if None in (each.content.difficulty, each.content.severity) or not each.content.clauses:
                remarks.append(_("%(address)s: clause, difficulty or label is missing.", address=f"{slug}/{each.id}"))
        if unasked := sorted(there - asked):
            remarks.append(
                _("%(document)s: no question is about %(ids)s.", document=bank.document, ids=", ".join(unasked))
            )
    all_of_them = [each for questions in live.values() for each in questions]
    if all_of_them:
        types = Counter(each.content.type for each in all_of_them)
        rows.append((_("Together"), len(all_of_them), _cases(all_of_them), len(types), "", "", "", ""))
        remarks.append(
            _("Types: %(types)s.", types=", ".join(f"{name} {count}" for name, count in types.most_common()))
        )
    header = (
        _("Bank"), pgettext("report", "Questions"), _("Cases"), _("Types"), _("Difficulty 1 to 5"),
        pgettext("report", "Labels"), _("Clauses asked about"), _("Choices without a reason"),
    )  # fmt: skip
    return Section(_("Question banks"), header, rows, remarks)


def _cases(questions: Sequence[BankQuestion]) -> int:
    return sum(each.content.type == _CASE for each in questions)


def _lack_rationale(question: BankQuestion) -> int:
    """Return how many choices teach nothing: neither they nor what they are chosen for has a reason."""
    return sum(
        choice.rationale is None and part.rationale is None and question.content.rationale is None
        for part in question.content.parts
        if part.kind == CHOICES
        for choice in part.choices
    )


def choosing_of(folder: ContentFolder, language: str) -> list[Choosing]:
    """Return everything in the live questions at which somebody chooses, as it is read in a language."""
    headings: dict[tuple[str, str, str], str] = folder.shared.get("headings", {})
    banks: dict[str, Bank] = folder.shared["banks"]
    found = []
    for slug, bank in banks.items():
        for question in bank.questions:
            content = question.content
            if question.state != QuestionState.LIVE or content.type not in _CHOSEN:
                continue
            for part in content.parts:
                right = frozenset(place for place, choice in enumerate(part.choices) if choice.right)
                if part.kind != CHOICES or not right:
                    continue
                found.append(
                    Choosing(
                        f"{slug}/{question.id}",
                        content.stem.in_(language),
                        tuple(
                            _read_out(choice.text.in_(language), bank.document, headings, language)
                            for choice in part.choices
                        ),
                        right,
                        keeps_order=not content.shuffle or content.type == _STATEMENT or part.id == "severity",
                        is_statement=content.type == _STATEMENT,
                    )
                )
    return found


def _read_out(text: str, document: str, headings: Mapping[tuple[str, str, str], str], language: str) -> str:
    """Return a choice as it is shown: clauses by their headings."""
    return _LINK.sub(
        lambda link: headings.get((link["slug"] or document, link["anchor"], language), link["anchor"]), text
    )


def _guessed(language: str, asked: Sequence[Choosing]) -> Section:
    rows: list[tuple[object, ...]] = []
    remarks = []
    for name, guessed in cues.guesses(asked).items():
        said = str(_CUES[name])
        rows.append((said, guessed.count, *(f"{float(share):.1%}" for share in (guessed.hits, guessed.chance))))
        if guessed.knows_too_much:
            remarks.append(_("This gives answers away: %(cue)s.", cue=said))
    remarks += [
        _("%(address)s: a choice speaks of the other ones.", address=address)
        for address in cues.speak_of_the_others(asked)
    ]
    title = _("Guessing without reading (%(language)s)", language={"en": _("English"), "ja": _("Japanese")}[language])
    return Section(
        title, (_("Cue"), pgettext("report", "Asked"), pgettext("report", "Right"), _("By chance")), rows, remarks
    )


def quizzes_told(folder: ContentFolder) -> Section:
    """Return what each quiz draws, and from how many questions."""
    banks: dict[str, Bank] = folder.shared["banks"]
    files: dict[str, QuizFile] = folder.shared["quiz_files"]
    pool = pool_of(banks)
    rows: list[tuple[object, ...]] = []
    remarks = []
    for slug, quiz in files.items():
        blueprint = blueprint_of_terms(quiz.terms.blueprint)
        smallest = min(depths_of(blueprint, pool), default=None)
        asks = sum(len(line.questions) or line.count for line in blueprint)
        fits = {
            candidate.address
            for line in blueprint
            for candidate in pool
            if candidate.address in line.questions or (not line.questions and rules.count_available(line, [candidate]))
        }
        rows.append(
            (
                slug,
                asks,
                len(fits),
                f"{float(Fraction(len(fits), max(1, asks))):.1f}×",
                "" if smallest is None else f"{float(smallest):.2f}",
                quiz.terms.time_limit_minutes,
                f"{float(quiz.terms.pass_mark):.0%}",
            )
        )  # fmt: skip
        if smallest is not None and smallest < DEEP_ENOUGH:
            remarks.append(
                _(
                    "%(quiz)s: a draw chooses among %(depth)s times what it takes; below %(least)s a second try is "
                    "much the same.",
                    quiz=slug,
                    depth=f"{float(smallest):.2f}",
                    least=f"{float(DEEP_ENOUGH):.1f}",
                )
            )
    header = (
        _("Quiz"),
        _("Questions asked"),
        _("Drawn from"),
        _("Depth"),
        _("Pool ÷ drawn"),
        pgettext("report", "Minutes"),
        _("Pass mark"),
    )
    remarks += [_("%(address)s: no quiz can draw it.", address=address) for address in never_drawn(files, pool)]
    return Section(_("Quizzes"), header, rows, remarks)


def depths_of(blueprint: Sequence[rules.Draw], pool: Sequence[rules.Candidate]) -> list[Fraction]:
    """Return for each line of a blueprint how many questions there are for one that it draws.

    What other lines of the blueprint draw from among the same questions counts with it; named questions are meant
    to be the same each time.
    """
    chosen = [line for line in blueprint if not line.questions]
    fitting = [frozenset(each.address for each in pool if line.takes(each)) for line in chosen]
    return [
        Fraction(len(mine), sum(line.count for line, theirs in zip(chosen, fitting, strict=True) if theirs <= mine))
        for mine in fitting
        if mine
    ]


def never_drawn(files: Mapping[str, QuizFile], pool: Sequence[rules.Candidate]) -> list[str]:
    """Return the live questions that no quiz can draw; those that are open for practice are asked there."""
    lines = [line for quiz in files.values() for line in blueprint_of_terms(quiz.terms.blueprint)]
    return [
        each.address
        for each in pool
        if rules.PRACTICE_TAG not in each.tags and not any(line.takes(each) for line in lines)
    ]


def pool_of(banks: Mapping[str, Bank]) -> list[rules.Candidate]:
    """Return the live questions of banks as what draws choose from."""
    return [
        rules.Candidate(
            address=f"{slug}/{question.id}",
            bank=slug,
            type=question.content.type,
            tags=frozenset(question.content.tags),
            clauses=clause_names(question.content.clauses, bank.document),
            difficulty=question.content.difficulty,
        )
        for slug, bank in banks.items()
        for question in bank.questions
        if question.state == QuestionState.LIVE
    ]

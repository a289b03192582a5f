"""The form of a quiz and the terms that it says: filled in, read back, its choices, what fits its draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from difflib import get_close_matches
from fractions import Fraction
from typing import Any

from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # the stubs do not know it yet

from portal.core import clock
from portal.core.access import actor
from portal.core.i18n import Words, language, ngettext
from portal.core.i18n import gettext as _
from portal.quizzes import queries, rules
from portal.quizzes.formats.quiz_toml import SHOWN, QuizTerms
from portal.quizzes.formats.sections import Section
from portal.quizzes.forms.quiz import NewQuizForm, QuizForm, SectionForm
from portal.quizzes.models import Layout, Navigation, QuestionState, Release, SecondMarker
from portal.quizzes.queries import pool
from portal.quizzes.queries.pool import Drawable
from portal.quizzes.rules import Strata
from portal.quizzes.rules.passing import Counts
from portal.quizzes.service import coverage, drawing
from portal.quizzes.service import terms as looking
from portal.quizzes.service.revising import FIRST_NUMBER
from portal.quizzes.types import type_names
from portal.quizzes.views import told
from portal.quizzes.views.author import type_words
from portal.quizzes.views.owners import offer_people
from portal.quizzes.views.terms import COURSES, course_of, course_words, release_words, second_marker_words, shown_words

# Pressed buttons: what they do to the form.
_ADD_DRAW, _ADD_SECTION, _REMOVE_DRAW, _REMOVE_SECTION = "add-draw", "add-section", "remove-draw-", "remove-section-"

# What a new quiz says before anybody has changed it.
NEW = QuizTerms(
    number=FIRST_NUMBER,
    title=Words("", ""),
    blueprint=[{"bank": "", "count": 10}],
    time_limit_minutes=30,
    attempts_allowed=2,
    wait_hours=12,
    wait_after_fails=1,
    pass_mark=Fraction(8, 10),
    release=Release.AT_ONCE,
    show=("score", "correctness", "rationale"),
    shuffle_questions=True,
    shuffle_choices=True,
    opens_at=None,
    closes_at=None,
)


def offer(form: QuizForm) -> None:
    """Fill in the choices of the form."""
    form.counts.choices = [SelectChoice(each.value, told.counts_words(each)) for each in Counts]
    form.release.choices = [SelectChoice(each.value, words) for each, words in release_words().items()]
    form.show.choices = list(shown_words().items())
    form.course.choices = list(course_words().items())
    form.second_marker.choices = [SelectChoice(each.value, words) for each, words in second_marker_words().items()]
    if isinstance(form, NewQuizForm):
        offer_people(form)
    none = SelectChoice("", _("(none)"))
    banks = {bank.slug: str(bank.title) for bank in queries.list_banks()}
    sections = {entry.form.id.data: _title_of(entry.form) for entry in form.sections if entry.form.id.data}
    strata = [
        SelectChoice("", _("(not divided)")),
        SelectChoice(Strata.DIFFICULTY.value, _("by difficulty")),
        SelectChoice(Strata.CLAUSE.value, _("by clause")),
        SelectChoice(Strata.TAG.value, _("by tag")),
    ]
    for entry in form.draws:
        line = entry.form
        # What is chosen stays so, there or not: the faults say what is wrong with it.
        chosen = {line.bank.data: line.bank.data} if line.bank.data else {}
        line.bank.choices = [none, *(SelectChoice(slug, title) for slug, title in (chosen | banks).items())]
        named = {line.section.data: line.section.data} if line.section.data else {}
        line.section.choices = [none, *(SelectChoice(name, title) for name, title in (named | sections).items())]
        line.types.choices = [SelectChoice(name, type_words(name)) for name in type_names()]
        line.difficulty.choices = [SelectChoice(level, level) for level in "12345"]
        line.strata.choices = strata


def _title_of(section: SectionForm) -> str:
    """Return what a section is called, as far as it has a title yet."""
    return Words(section.title_en.data or "", section.title_ja.data or "").in_(language()) or section.id.data or ""


def press(form: QuizForm, action: str) -> None:
    """Do what a button of the form says; one that does not exist does nothing."""
    if action == _ADD_DRAW and len(form.draws) < (form.draws.max_entries or 0):
        form.draws.append_entry({"count": 1})
    elif action == _ADD_SECTION and len(form.sections) < (form.sections.max_entries or 0):
        form.sections.append_entry()
    for beginning, lines in ((_REMOVE_DRAW, form.draws), (_REMOVE_SECTION, form.sections)):
        if action.startswith(beginning):
            kept: list[Any] = [entry for entry in lines if entry.id != action.removeprefix(beginning)]
            lines.entries[:] = kept


def faults_in_lines(form: QuizForm) -> list[tuple[str, str]]:
    """Return what is wrong in the lines of the form, each with its field."""
    lines: list[tuple[str, Any]] = [
        (_("Section %(number)s", number=number), entry.form) for number, entry in enumerate(form.sections, start=1)
    ]
    lines += [(_("Draw %(number)s", number=number), entry.form) for number, entry in enumerate(form.draws, start=1)]
    return [
        (field.id, f"{name}, {field.label.text}: {error}")
        for name, line in lines
        for field in line
        for error in field.errors
    ]


def blame(form: QuizForm, terms: QuizTerms) -> bool:
    """Say at its field what of the terms cannot be together; whether there was anything."""
    found = looking.impossible(terms)
    for name, words in found:
        field = form[name]
        field.errors = [*field.errors, words]
    return bool(found)


def data_of(terms: QuizTerms) -> dict[str, Any]:
    """Return terms as the form takes them."""
    zone = clock.zone_info(actor().time_zone)
    return {
        "based_on": terms.number,
        "title_en": terms.title.en,
        "title_ja": terms.title.ja,
        "time_limit_minutes": terms.time_limit_minutes,
        "attempts_allowed": terms.attempts_allowed,
        "wait_hours": terms.wait_hours,
        "wait_after_fails": terms.wait_after_fails,
        "pass_mark": terms.pass_mark,
        "counts": terms.counts.value,
        "release": terms.release.value,
        "show": list(terms.show),
        "shuffle_questions": terms.shuffle_questions,
        "shuffle_choices": terms.shuffle_choices,
        "opens_at": terms.opens_at.astimezone(zone) if terms.opens_at else None,
        "closes_at": terms.closes_at.astimezone(zone) if terms.closes_at else None,
        "only_assigned": terms.only_assigned,
        "pilots": terms.pilots,
        "purpose_en": terms.purpose.en if terms.purpose else "",
        "purpose_ja": terms.purpose.ja if terms.purpose else "",
        "tolerance_seconds": terms.tolerance_seconds,
        "appeal_days": terms.appeal_days,
        "course": course_of(terms),
        "confidence": terms.confidence,
        "practice": terms.practice,
        "second_marker": terms.second_marker.value,
        "borderline_within": terms.borderline_within,
        "moderation_above": terms.moderation_above,
        "sections": [
            {
                "id": section.id,
                "title_en": section.title.en,
                "title_ja": section.title.ja,
                "pass_mark": section.pass_mark,
            }
            for section in terms.sections
        ],
        "draws": [
            {key: [str(each) for each in value] if key == "difficulty" else value for key, value in line.items()}
            for line in terms.blueprint
        ],
    }


def terms_of(form: QuizForm, before: QuizTerms) -> QuizTerms:
    """Return the terms that the form says; `before` gives the number, and seconds that a form does not show."""
    said: Any = form
    layout, navigation = COURSES[said.course.data]
    return replace(
        before,
        title=Words(said.title_en.data, said.title_ja.data),
        purpose=Words(said.purpose_en.data, said.purpose_ja.data) if said.purpose_en.data else None,
        blueprint=lines_of(form),
        time_limit_minutes=said.time_limit_minutes.data,
        tolerance_seconds=said.tolerance_seconds.data,
        attempts_allowed=said.attempts_allowed.data,
        wait_hours=said.wait_hours.data,
        wait_after_fails=said.wait_after_fails.data,
        pass_mark=said.pass_mark.data,
        release=Release(said.release.data),
        show=tuple(name for name in SHOWN if name in (said.show.data or ())),
        appeal_days=said.appeal_days.data,
        layout=Layout(layout),
        navigation=Navigation(navigation),
        shuffle_questions=said.shuffle_questions.data,
        shuffle_choices=said.shuffle_choices.data,
        confidence=said.confidence.data,
        practice=said.practice.data,
        second_marker=SecondMarker(said.second_marker.data),
        borderline_within=said.borderline_within.data,
        moderation_above=said.moderation_above.data,
        opens_at=_instant(said.opens_at.data, before.opens_at),
        closes_at=_instant(said.closes_at.data, before.closes_at),
        only_assigned=said.only_assigned.data,
        sections=_sections_of(form),
        pilots=said.pilots.data,
        counts=Counts(said.counts.data),
    )


def _instant(local: datetime | None, before: datetime | None) -> datetime | None:
    """Return the instant of a time in the reader's zone; seconds that a form does not show stay as they were."""
    if local is None:
        return None
    zone = clock.zone_info(actor().time_zone)
    if before is not None and before.astimezone(zone).replace(tzinfo=None, second=0, microsecond=0) == local:
        return before
    return local.replace(tzinfo=zone).astimezone(UTC)


def _sections_of(form: QuizForm) -> tuple[Section, ...]:
    return tuple(
        Section(
            entry.form.id.data or "",
            Words(entry.form.title_en.data or "", entry.form.title_ja.data or ""),
            entry.form.pass_mark.data,
        )
        for entry in form.sections
    )


def lines_of(form: QuizForm) -> list[dict[str, Any]]:
    """Return the blueprint that the form says, as it is stored: what is empty is left out."""
    lines = []
    for entry in form.draws:
        given = entry.form
        line: dict[str, Any] = {"section": given.section.data} if given.section.data else {}
        if given.questions.data:
            lines.append(line | {"questions": list(given.questions.data)})
            continue
        line |= {"bank": given.bank.data or "", "count": given.count.data or 0}
        filters = {
            "types": list(given.types.data or ()),
            "tags": list(given.tags.data or ()),
            "clauses": list(given.clauses.data or ()),
            "difficulty": [int(each) for each in given.difficulty.data or () if each in "12345"],
        }
        line |= {key: values for key, values in filters.items() if values}
        if given.strata.data in list(Strata):
            line["strata"] = given.strata.data
        lines.append(line)
    return lines


def fit(form: QuizForm) -> dict[str, Any]:
    """Say how many live questions fit each line of the form, and whether a paper can be drawn."""
    lines = drawing.blueprint_of_terms(lines_of(form))
    everything = pool.list_drawable(drawing.banks_of(lines), tuple(QuestionState))
    candidates = [each.candidate for each in everything if each.state is QuestionState.LIVE]
    asked = sum(line.size for line in lines)
    drawable = rules.count_drawable(lines, candidates)
    if lines and drawable == asked:
        whole = ngettext(
            "A paper of %(num)d question can be drawn.", "A paper of %(num)d questions can be drawn.", asked
        )
        if coverage.is_shallow(lines, candidates):
            whole = _("%(paper)s %(shallow)s", paper=whole, shallow=shallow_words())
    else:
        whole = _("Together the draws ask for %(asked)s; only %(there)s can be given.", asked=asked, there=drawable)
    return {
        "draws": [
            " ".join(
                (
                    ngettext(
                        "%(num)d live question fits, %(asked)s asked",
                        "%(num)d live questions fit, %(asked)s asked",
                        rules.count_available(line, candidates),
                        asked=line.size,
                    ),
                    *_unknown_names(line, everything),
                )
            )
            for line in lines
        ],
        "offered": [_offered(line, everything) for line in lines],
        "whole": str(whole),
        "is_short": drawable < asked or not lines,
    }


def shallow_words() -> str:
    """Say that questions come again because the banks hold too few."""
    return _("The banks are too shallow: questions come again in the next attempt.")


def doubts_about_banks(terms: QuizTerms) -> list[str]:
    """Say what of the banks makes terms hold less than they seem to, as far as further attempts are allowed."""
    lines = drawing.blueprint_of_terms(terms.blueprint)
    candidates = [each.candidate for each in pool.list_drawable(drawing.banks_of(lines))]
    is_told = terms.attempts_allowed > 1 and coverage.is_shallow(lines, candidates)
    return [shallow_words()] if is_told else []


def _offered(line: rules.Draw, everything: Sequence[Drawable]) -> dict[str, list[str]]:
    """Return the tags and clauses that questions of a line's bank have, in whatever state; clauses as `slug#id`."""
    of_bank = [each.candidate for each in everything if each.candidate.bank == line.bank]
    return {
        "tags": sorted({name for each in of_bank for name in each.tags}),
        "clauses": sorted({name for each in of_bank for name in each.clauses if "#" in name}),
    }


def _unknown_names(line: rules.Draw, everything: Sequence[Drawable]) -> list[str]:
    """Say which tags and clauses of a line no question of its bank has, in whatever state, and which are similar."""
    of_bank = [each.candidate for each in everything if each.candidate.bank == line.bank]
    if not of_bank:
        return []
    tags, clauses = ({name for each in of_bank for name in getattr(each, kind)} for kind in ("tags", "clauses"))
    said = []
    for name in line.tags:
        if name not in tags:
            said += [_("No question of this bank has the tag “%(name)s”.", name=name), *_similar(name, tags)]
    for name in line.clauses:
        if name not in clauses:
            said += [_("No question of this bank tests the clause “%(name)s”.", name=name), *_similar(name, clauses)]
    return said


def _similar(name: str, known: set[str]) -> list[str]:
    near = get_close_matches(name, sorted(known), n=3)
    return [_("Similar: %(names)s.", names=_(", ").join(near))] if near else []

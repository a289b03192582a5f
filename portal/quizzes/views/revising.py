"""Making a quiz and revising its terms: the form, what fits it, and a look at what changes before it holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from flask import render_template, request, url_for
from werkzeug.wrappers import Response

from portal.accounts import queries as people
from portal.core import clock
from portal.core.access import actor, requires
from portal.core.errors import DomainError
from portal.core.i18n import gettext as _
from portal.core.i18n import ngettext
from portal.core.once import Done, carry_out
from portal.quizzes import errors, queries
from portal.quizzes.formats.quiz_toml import QuizTerms
from portal.quizzes.forms.quiz import NewQuizForm, QuizForm
from portal.quizzes.models import AttemptState, QuizVersion
from portal.quizzes.permissions import EDIT_QUIZ
from portal.quizzes.rules.hand_marks import APPEAL_DAYS, BORDER, MODERATION_ABOVE
from portal.quizzes.service import revising
from portal.quizzes.service import terms as looking
from portal.quizzes.service.banks import terms_of_version
from portal.quizzes.service.beforehand import waits_for_people
from portal.quizzes.views import blueprint, quiz_form
from portal.quizzes.views.papers import show_paper
from portal.quizzes.views.terms import NOTHING, Change, changes, terms_in_words

# What the buttons of the form do, besides adding and removing lines.
_SAVE, _REVIEW = "save", "review"
# What a page that asks once more does not send on.
_NOT_SENT_ON = frozenset({"csrf_token", "form_key", "action"})

Page = str | Response | tuple[str, int]


# --- a new quiz --------------------------------------------------------------------------------


@blueprint.get("/quizzes/new")
@requires(EDIT_QUIZ)
def new_quiz() -> str:
    """Show the form of a quiz that is not there yet."""
    form = NewQuizForm(formdata=None, data=quiz_form.data_of(quiz_form.NEW) | {"owner": actor().code})
    return _page(None, form)


@blueprint.post("/quizzes/new")
@requires(EDIT_QUIZ)
def add_quiz() -> Page:
    """Add or remove a line, count what fits, show what would be published, or publish the quiz."""
    form = NewQuizForm()

    def work(terms: QuizTerms) -> Done:
        owner = people.find_person(form.owner.data or "")
        deputy = people.find_person(form.deputy.data) if form.deputy.data else None
        assert owner is not None
        slug = form.slug.data or ""
        revising.add_quiz(slug=slug, terms=terms, owner=owner, deputy=deputy, by=actor())
        return Done(_("The quiz is published."), url_for("quizzes.show", slug=slug))

    return _posted(None, form, work)


@blueprint.post("/quizzes/new/count")
@requires(EDIT_QUIZ)
def count_fitting_new() -> dict[str, Any]:
    """Say how many questions fit each line of the form of a new quiz; nothing is kept."""
    return _count(NewQuizForm())


@blueprint.post("/quizzes/new/paper")
@requires(EDIT_QUIZ)
def try_new_paper() -> Page:
    """Show a paper of a quiz that is not there yet; nothing is recorded."""
    return _try(None, NewQuizForm())


# --- a quiz that is there ----------------------------------------------------------------------


@blueprint.get("/quizzes/<slug>/edit")
@requires(EDIT_QUIZ, on=queries.get_quiz)
def edit(version: QuizVersion) -> str:
    """Show the newest terms of a quiz for changing."""
    form = QuizForm(formdata=None, data=quiz_form.data_of(terms_of_version(version)))
    return _page(version, form)


@blueprint.post("/quizzes/<slug>/edit")
@requires(EDIT_QUIZ, on=queries.get_quiz)
def save_quiz(version: QuizVersion) -> Page:
    """Add or remove a line, count what fits, show what would change, or keep the terms as the next version."""
    form = QuizForm()

    def work(terms: QuizTerms) -> Done:
        saved = revising.revise_quiz(slug=version.quiz.slug, terms=terms, based_on=form.based_on.data or "", by=actor())
        told_so = (
            _("Version %(number)s of the quiz is saved. Attempts that are running keep theirs.", number=saved.number)
            if saved is not None
            else _("Nothing has changed.")
        )
        return Done(told_so, url_for("quizzes.coverage", slug=version.quiz.slug))

    return _posted(version, form, work)


@blueprint.post("/quizzes/<slug>/edit/count")
@requires(EDIT_QUIZ, on=queries.get_quiz)
def count_fitting(version: QuizVersion) -> dict[str, Any]:
    """Say how many questions fit each line of a form that is being filled in; nothing is kept."""
    return _count(QuizForm())


@blueprint.post("/quizzes/<slug>/paper")
@requires(EDIT_QUIZ, on=queries.get_quiz)
def try_paper(version: QuizVersion) -> Page:
    """Show a paper of terms that are not saved; nothing is recorded."""
    return _try(version, QuizForm())


# --- both --------------------------------------------------------------------------------------


def _posted(version: QuizVersion | None, form: QuizForm, work: Callable[[QuizTerms], Done]) -> Page:
    """Do what the pressed button says; what is wrong is said at its field, and nothing that was typed is lost."""
    action = request.form.get("action", _SAVE)
    if action not in (_SAVE, _REVIEW):
        quiz_form.press(form, action)
        return _page(version, form)
    quiz_form.offer(form)
    if not form.validate():
        return _page(version, form), 400
    before = _before(version)
    terms = quiz_form.terms_of(form, before)
    if quiz_form.blame(form, terms):
        return _page(version, form), 400

    def carried_out() -> Done:
        _refuse(terms)
        return work(terms)

    try:
        if action == _REVIEW:
            _refuse(terms, form)
            return _review(version, form, before, terms)
        return carry_out(carried_out)
    except DomainError as refused:
        newest = queries.get_quiz(version.quiz.slug) if version is not None else None
        if isinstance(refused, errors.QuizMovedOn) and newest is not None:
            form.based_on.data = newest.number
        if isinstance(refused, errors.QuizAddressTaken) and isinstance(form, NewQuizForm):
            form.slug.errors = [str(refused)]
            return _page(newest, form), refused.status
        return _page(newest, form, refusal=str(refused)), refused.status


def _before(version: QuizVersion | None) -> QuizTerms:
    return terms_of_version(version) if version is not None else quiz_form.NEW


def _refuse(terms: QuizTerms, form: QuizForm | None = None) -> None:
    faults = revising.faults_of(terms)
    if faults:
        raise errors.QuizRefused(" ".join(faults))
    if not revising.is_drawable(terms):
        raise errors.QuizRefused(
            _("The banks cannot give what the draws ask for. Ask for fewer questions, or loosen the filters.")
        )
    if isinstance(form, NewQuizForm) and revising.is_taken(form.slug.data or ""):
        raise errors.QuizAddressTaken()


def _count(form: QuizForm) -> dict[str, Any]:
    quiz_form.offer(form)
    found = quiz_form.fit(form)
    return {
        "draws": [
            {"id": entry.id, "words": words, "offered": offered}
            for entry, words, offered in zip(form.draws, found["draws"], found["offered"], strict=True)
        ],
        "whole": found["whole"],
    }


def _try(version: QuizVersion | None, form: QuizForm) -> Page:
    quiz_form.offer(form)
    if not form.validate():
        return _page(version, form), 400
    terms = quiz_form.terms_of(form, _before(version))
    return show_paper(terms, version.quiz.slug if version is not None else None, again=False)


def _page(version: QuizVersion | None, form: QuizForm, refusal: str | None = None) -> str:
    quiz_form.offer(form)
    slug = version.quiz.slug if version is not None else None
    return render_template(
        "quizzes/edit.html",
        title=str(version.title) if version is not None else "",
        is_new=version is None,
        number=version.number if version is not None else None,
        zone=actor().time_zone,
        form=form,
        refusal=refusal,
        faults=quiz_form.faults_in_lines(form),
        fit=quiz_form.fit(form),
        tolerance=int(queries.tolerance().total_seconds()),
        appeal_days=APPEAL_DAYS,
        border=f"{BORDER * 100}",
        third=f"{MODERATION_ABOVE * 100}",
        quiz_href=url_for("quizzes.show", slug=slug) if slug else None,
        count_href=url_for("quizzes.count_fitting", slug=slug) if slug else url_for("quizzes.count_fitting_new"),
        paper_href=url_for("quizzes.try_paper", slug=slug) if slug else url_for("quizzes.try_new_paper"),
    )


def _review(version: QuizVersion | None, form: QuizForm, before: QuizTerms, terms: QuizTerms) -> str:
    """Show what the terms say otherwise than those in force, and what deserves a second thought; nothing is kept."""
    if version is not None and version.number != form.based_on.data:
        raise errors.QuizMovedOn(number=version.number)
    words: dict[str, Any] = {"zone": actor().time_zone, "tolerance": int(queries.tolerance().total_seconds())}
    slug = version.quiz.slug if version is not None else None
    found = (
        changes(before, terms, **words)
        if version is not None
        else [Change(each.name, NOTHING, each.words) for each in terms_in_words(terms, **words)]
    )
    numbers = {each.number for each in version.quiz.versions} if version is not None else set()
    return render_template(
        "quizzes/review_terms.html",
        title=str(terms.title),
        is_new=version is None,
        number=version.number if version is not None else None,
        next_number=revising.raised(version.number, numbers) if version is not None else revising.FIRST_NUMBER,
        changes=found,
        doubts=[*looking.doubtful(terms, clock.now()), *quiz_form.doubts_about_banks(terms)],
        effects=_effects(version, before, terms),
        address=form.slug.data if isinstance(form, NewQuizForm) else None,
        fields=[(name, value) for name, value in request.form.items(multi=True) if name not in _NOT_SENT_ON],
        quiz_href=url_for("quizzes.show", slug=slug) if slug else None,
    )


def _effects(version: QuizVersion | None, before: QuizTerms, terms: QuizTerms) -> list[str]:
    """Say for whom the terms hold, and for whom not."""
    if version is None:
        is_later = terms.opens_at is not None and terms.opens_at > clock.now()
        return [
            _("Learners whom it is for see the quiz at once, and can start it when it opens.")
            if is_later
            else _("Learners whom it is for see the quiz at once, and can start it."),
            *_waiting(terms),
        ]
    said = [*_waiting(terms), _("Attempts that start from now on follow the new version.")]
    running = queries.count_attempts(version.quiz_id).get(AttemptState.IN_PROGRESS, 0)
    if running:
        said.append(
            ngettext(
                "%(num)d attempt is running and keeps the terms under which it was begun.",
                "%(num)d attempts are running and keep the terms under which they were begun.",
                running,
            )
        )
    if replace(terms, counts=before.counts) != terms:
        said.append(
            _(
                "Which attempt counts is said by the newest version for all attempts, earlier ones too: results in the "
                "gradebook can change. Steps that were completed and certificates stay."
            )
        )
    return said


def _waiting(terms: QuizTerms) -> list[str]:
    """Say that results wait for people where questions can be drawn that they mark."""
    if not waits_for_people(terms.blueprint):
        return []
    return [_("Questions that people mark can be drawn: the result of such a paper waits until they have marked it.")]

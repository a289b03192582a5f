"""Who answers for a quiz or a question bank: named anew by whoever answers for it now, or by an administrator."""

from __future__ import annotations

from typing import Any

from flask import render_template, url_for
from werkzeug.wrappers import Response

from portal.accounts import errors
from portal.accounts import queries as people
from portal.accounts.models import Ownership, Person, Role
from portal.accounts.service.owner_needs import refuse_lacking
from portal.accounts.service.ownership import set_owner
from portal.core.access import actor, can, requires
from portal.core.i18n import gettext as _
from portal.core.i18n import language
from portal.core.once import Done, carry_out
from portal.quizzes import queries
from portal.quizzes.forms.quiz import OwnerForm
from portal.quizzes.models import QuestionBank, QuizVersion
from portal.quizzes.permissions import BANK, NAME_OWNER, QUIZ
from portal.quizzes.views import blueprint

Page = str | Response | tuple[str, int]
# Who may answer for a quiz: whoever can read what it asks.
_OWNERS = (Role.AUTHOR, Role.APPROVER, Role.POLICY_OWNER, Role.ADMIN)


def offer_people(form: Any, besides: tuple[Person | None, ...] = ()) -> None:
    """Fill in who can be named as owner and deputy; who is it now can stay so."""
    found = {person.id: person for role in _OWNERS for person in people.list_holders(role)}
    found |= {person.id: person for person in (actor(), *besides) if person is not None and person.is_active}
    by_name = sorted(found.values(), key=lambda person: (person.sort_key, person.id))
    form.owner.choices = [(person.code, person.name_in(language())) for person in by_name]
    form.deputy.choices = [("", _("(none)")), *form.owner.choices]


def facts_of_owner(ownership: Ownership | None) -> list[tuple[str, str]]:
    """Return who answers for a thing and who stands in, with what each is called."""
    here = language()
    return [
        (_("Owner"), ownership.owner.name_in(here) if ownership is not None else _("nobody")),
        (_("Deputy"), ownership.deputy.name_in(here) if ownership is not None and ownership.deputy else _("nobody")),
    ]


@blueprint.get("/quizzes/<slug>/owner")
@requires(NAME_OWNER, on=queries.get_quiz)
def owner_of_quiz(version: QuizVersion) -> str:
    """Show who answers for a quiz, to be changed."""
    return _page(QUIZ, version.quiz.slug, str(version.title))


@blueprint.post("/quizzes/<slug>/owner")
@requires(NAME_OWNER, on=queries.get_quiz)
def name_owner_of_quiz(version: QuizVersion) -> Page:
    """Name who answers for a quiz from now on."""
    return _named(QUIZ, version.quiz.slug, str(version.title))


@blueprint.get("/banks/<slug>/owner")
@requires(NAME_OWNER, on=queries.get_bank)
def owner_of_bank(bank: QuestionBank) -> str:
    """Show who answers for a question bank, to be changed."""
    return _page(BANK, bank.slug, str(bank.title))


@blueprint.post("/banks/<slug>/owner")
@requires(NAME_OWNER, on=queries.get_bank)
def name_owner_of_bank(bank: QuestionBank) -> Page:
    """Name who answers for a question bank from now on."""
    return _named(BANK, bank.slug, str(bank.title))


def owner_href(kind: str, slug: str, thing: QuizVersion | QuestionBank) -> str | None:
    """Return where the reader changes who answers for a thing; None where that is not hers to do."""
    return url_for(f"quizzes.owner_of_{_ENDS[kind]}", slug=slug) if can(NAME_OWNER, thing) else None


_ENDS = {QUIZ: "quiz", BANK: "bank"}


def _page(kind: str, slug: str, title: str, form: OwnerForm | None = None, held_href: str = "") -> str:
    present = people.find_owner(kind, slug)
    if form is None:
        form = OwnerForm(
            formdata=None,
            data={
                "owner": present.owner.code if present is not None else "",
                "deputy": present.deputy.code if present is not None and present.deputy else "",
            },
        )
    _offer(form, present)
    is_quiz = kind == QUIZ
    return render_template(
        "quizzes/owner.html",
        form=form,
        title=title,
        is_quiz=is_quiz,
        href=url_for("quizzes.show" if is_quiz else "quizzes.bank", slug=slug),
        list_href=url_for("quizzes.index" if is_quiz else "quizzes.banks"),
        held_href=held_href,
        gone=present.owner.name_in(language()) if present is not None and not present.owner.is_active else None,
    )


def _offer(form: OwnerForm, present: Ownership | None) -> None:
    offer_people(form, (present.owner, present.deputy) if present is not None else ())
    if present is None or not present.owner.is_active:
        # Nobody becomes owner because she happens to be the first of a list.
        form.owner.choices = [("", _("Choose…")), *(form.owner.choices or ())]


def _named(kind: str, slug: str, title: str) -> Page:
    form = OwnerForm()
    _offer(form, people.find_owner(kind, slug))
    if not form.validate():
        return _page(kind, slug, title, form), 400
    href = url_for("quizzes.show" if kind == QUIZ else "quizzes.bank", slug=slug)

    def work() -> Done:
        owner, deputy = people.find_person(form.owner.data or ""), people.find_person(form.deputy.data or "")
        if owner is None:
            raise errors.OwnershipUnchanged()
        present = people.find_owner(kind, slug)
        if present is None or present.owner_id != owner.id:
            refuse_lacking(owner, [(kind, slug)])
        set_owner(kind=kind, code=slug, owner=owner, deputy=deputy, by=actor())
        return Done(_("%(name)s answers for it now.", name=owner.name_in(language())), href)

    try:
        return carry_out(work)
    except (errors.OwnershipUnchanged, errors.OwnerUnfit, errors.OwnerHeld) as refused:
        form.owner.errors = [str(refused)]
        held = refused.href if isinstance(refused, errors.OwnerHeld) else ""
        return _page(kind, slug, title, form, held), refused.status

"""Writing a card, saying that it is still true, and ending one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import render_template, request, url_for
from werkzeug import Response

from portal.core.access import actor, requires
from portal.core.errors import DomainError
from portal.core.i18n import Words, language, pgettext
from portal.core.i18n import gettext as _
from portal.core.once import Done, carry_out
from portal.core.web import takes_long_texts
from portal.duties.errors import CardChanged, CardRefused, NoSuchCard
from portal.duties.forms_cards import QUESTION_FIELDS, CardForm, FreeCardForm, values_of_questions
from portal.duties.models import CardVersion
from portal.duties.permissions import CREATE_CARDS, SEE_CARD, WRITE_CARD, Answered
from portal.duties.queries import cards as queries
from portal.duties.queries.cards import CARD_KIND
from portal.duties.rules import PART_LIMIT, CardPart, cards
from portal.duties.rules.cards import LANGUAGES, MOST_QUESTIONS
from portal.duties.service import cards as service
from portal.duties.service.cards import PART_NAMES, PARTS_IN_ORDER, field_of, question_field
from portal.duties.service.wording import TITLE_LIMIT
from portal.duties.views import blueprint
from portal.duties.views.cards import hint_of

# Empty questions that are offered below those that are there.
_MORE_QUESTIONS = 2


@blueprint.route("/cards/new", methods=["GET", "POST"])
@takes_long_texts
@requires(CREATE_CARDS)
def new_card() -> Response | tuple[str, int]:
    """Write a card about what belongs to no other thing."""
    form, status = FreeCardForm(), 200
    if request.method == "POST":
        status = 400
        if form.validate():
            try:
                return carry_out(lambda: _create(form))
            except DomainError as refused:
                status = refused.status
                _say(form, refused)
    else:
        form.seen.data = 0
    return _form_page(form, None, back=url_for("duties.list_cards")), status


def _create(form: FreeCardForm) -> Done:
    made = service.create_card(title=_title(form), parts=form.parts(), questions=_questions(form), by=actor())
    return Done(_("The card has been saved."), url_for("duties.card", kind=CARD_KIND, thing=made.code))


@blueprint.route("/cards/write/<kind>/<path:thing>", methods=["GET", "POST"])
@takes_long_texts
@requires(WRITE_CARD, on=service.get_subject, see=SEE_CARD, absent=NoSuchCard)
def write_card(subject: Answered) -> Response | tuple[str, int]:
    """Write the card of a thing; where somebody else saved meanwhile, show what differs and lose nothing."""
    form: CardForm = FreeCardForm() if subject.kind == CARD_KIND else CardForm()
    status, differing = 200, None
    found = queries.find_card(subject.kind, subject.code)
    back = url_for("duties.card", kind=subject.kind, thing=subject.code)
    if request.method == "POST":
        status = 400
        if form.validate():
            try:
                return carry_out(lambda: _write(form, subject, back))
            except CardChanged as refused:
                status = refused.status
                differing = _bring_together(form, subject)
                form.form_errors.append(str(refused))
            except DomainError as refused:
                status = refused.status
                _say(form, refused)
    else:
        _fill(form, found.latest if found is not None and found.versions else None)
    return _form_page(form, subject, back=back, differing=differing), status


def _write(form: CardForm, subject: Answered, back: str) -> Done:
    service.write_card(
        subject=subject,
        parts=form.parts(),
        questions=_questions(form),
        seen=form.seen.data or 0,
        by=actor(),
        title=_title(form) if isinstance(form, FreeCardForm) else None,
    )
    return Done(_("The card has been saved."), back)


def _title(form: FreeCardForm) -> Words:
    return Words(form.title_en.data or "", form.title_ja.data or "")


def _questions(form: CardForm) -> list[cards.Question]:
    """Return the questions, and let the form hold them without gaps, as what is said of them counts them."""
    found = form.questions()
    form.put(found)
    return found


def _say(form: CardForm, refused: DomainError) -> None:
    if not isinstance(refused, CardRefused):
        form.form_errors.append(str(refused))
        return
    for name, words in refused.faults:
        if name is None:
            form.form_errors.append(str(words))
        else:
            form[name].errors = [*form[name].errors, str(words)]


def _values_of(version: CardVersion | None) -> dict[str, str]:
    """Return what the fields of a form hold for a version."""
    values: dict[str, str] = {}
    for part in CardPart:
        for each in LANGUAGES:
            values[field_of(part, each)] = version.parts.get(part.value, {}).get(each, "") if version else ""
    values |= values_of_questions(service.asked_of(version) if version else [])
    if version is not None and version.title is not None:
        values |= {"title_ja": version.title.ja, "title_en": version.title.en}
    return values


def _fill(form: CardForm, version: CardVersion | None) -> None:
    for name, value in _values_of(version).items():
        if name in form:
            form[name].data = value
    form.seen.data = version.number if version is not None else 0


def _bring_together(form: CardForm, subject: Answered) -> dict[str, Any]:
    """Let the form hold what both wrote; return what the other one wrote where both wrote something else."""
    found = queries.find_card(subject.kind, subject.code)
    versions = found.versions if found is not None else []
    newest = versions[-1] if versions else None
    base = next((each for each in versions if each.number == form.seen.data), None)
    theirs = _values_of(newest)
    result = cards.merged(_values_of(base), form.typed(), theirs)
    for name, value in result.values.items():
        form[name].data = value
    form.seen.data = newest.number if newest is not None else 0
    return {
        "by": newest.written_by.name_in(language()) if newest is not None else "",
        "taken": [str(getattr(form[name], "said_as", form[name].label.text)) for name in sorted(result.taken)],
        "theirs": {name: theirs.get(name, "") for name in result.both},
    }


def _form_page(
    form: CardForm, subject: Answered | None, *, back: str, differing: Mapping[str, Any] | None = None
) -> str:
    here = language()
    order = (here, *(each for each in LANGUAGES if each != here))
    asked = len(form.questions())
    return render_template(
        "duties/card_form.html",
        form=form,
        is_free=subject is None or subject.kind == CARD_KIND,
        subject={
            "title": subject.thing.title,
            "kind": str(subject.kind_name),
            "is_live": subject.thing.is_live,
        }
        if subject is not None
        else None,
        groups=[
            {
                "id": name,
                "title": title,
                "parts": [
                    {
                        "id": part.value,
                        "name": str(PART_NAMES[part]),
                        "hint": hint_of(part),
                        "fields": [(each, form[field_of(part, each)]) for each in order],
                    }
                    for part in PARTS_IN_ORDER
                    if (part in cards.SIX) == is_six
                ],
            }
            for name, title, is_six in (
                ("six", _("The six headings of a handover paper"), True),
                ("more", pgettext("card", "What else helps"), False),
            )
        ],
        questions=[
            {
                "number": number,
                "about": form[f"q{number}_about"],
                "columns": [
                    (each, [form[question_field(number, name, each)] for name in QUESTION_FIELDS]) for each in order
                ],
            }
            for number in range(1, min(asked + _MORE_QUESTIONS, MOST_QUESTIONS) + 1)
        ],
        differing=differing,
        back=back,
        limits={"part": PART_LIMIT, "title": TITLE_LIMIT, "questions": MOST_QUESTIONS},
    )


# --- Still true, and not needed any more -------------------------------------------------------


@blueprint.post("/cards/check/<kind>/<path:thing>")
@requires(WRITE_CARD, on=service.get_carded, see=SEE_CARD, absent=NoSuchCard)
def check_card(subject: Answered) -> Response:
    """Say that a card was gone through and is still true."""

    def keep() -> Done:
        service.check_card(subject=subject, seen=request.form.get("seen", 0, type=int), by=actor())
        return Done(
            _("The card counts as checked today."), url_for("duties.card", kind=subject.kind, thing=subject.code)
        )

    return carry_out(keep)


@blueprint.route("/cards/end/<thing>", methods=["GET", "POST"])
@requires(WRITE_CARD, on=service.get_free, see=SEE_CARD, absent=NoSuchCard)
def end_card(subject: Answered) -> Response | tuple[str, int]:
    """End a card about what belongs to no other thing."""
    status, problem = 200, ""
    back = url_for("duties.card", kind=CARD_KIND, thing=subject.code)

    def keep() -> Done:
        service.end_card(subject=subject, by=actor())
        return Done(_("The card has ended. What it said stays readable."), back)

    if request.method == "POST":
        try:
            return carry_out(keep)
        except DomainError as refused:
            status, problem = refused.status, str(refused)
    page = render_template(
        "duties/card_end.html",
        title=subject.thing.title,
        is_live=subject.thing.is_live,
        problem=problem,
        back=back,
    )
    return page, status

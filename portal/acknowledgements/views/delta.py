"""What changed for a reader since she last confirmed: read, checked, and understood or asked about."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from werkzeug import Response

from portal.accounts.models import Person
from portal.acknowledgements import queries, service
from portal.acknowledgements.errors import AnswersMissing, NothingAsked
from portal.acknowledgements.forms import QuestionForm, UnderstoodForm
from portal.acknowledgements.models import AcknowledgementRequest, AskedAs
from portal.acknowledgements.permissions import ACKNOWLEDGE
from portal.acknowledgements.queries import campaigns
from portal.acknowledgements.queries import deltas as reading
from portal.acknowledgements.service import deltas, questions
from portal.acknowledgements.service.deltas import CheckItem, Delta
from portal.acknowledgements.service.due import due_words, why_due
from portal.acknowledgements.service.requests import due_of, is_due_at_effect
from portal.acknowledgements.views import blueprint
from portal.acknowledgements.views.reader import exemption_of
from portal.calendars.queries import working_calendar
from portal.calendars.service.told import days_told
from portal.core import clock
from portal.core.access import actor, requires
from portal.core.errors import DomainError, NotFound
from portal.core.i18n import format_date, format_instant, language, ngettext
from portal.core.i18n import gettext as _
from portal.core.once import Done, carry_out
from portal.core.transaction import transaction
from portal.core.web import guarded_picture
from portal.library import queries as library
from portal.library.models import Document, DocumentVersion
from portal.library.permissions import READ_DOCUMENT
from portal.library.queries import get_document
from portal.library.service.images import MEDIA_TYPE
from portal.library.service.warnings import WARNINGS
from portal.quizzes.service.pictures import picture_of
from portal.quizzes.service.single import explanations, part_ids, single_form

# An underscore cannot occur in a clause's id, so that the forms' ids never meet one.
PREFIX = "delta_"


@blueprint.get("/library/<slug>/delta")
@requires(ACKNOWLEDGE, on=get_document, see=READ_DOCUMENT)
def delta(document: Document) -> Response | str:
    """Show what changed since the version that the person confirmed last; without one the text, then the questions.

    Whoever works for a market with a text of its own is led to what changed there.
    """
    found = deltas.find_delta(actor(), document)
    own = library.find_overlay(document, actor().home_market.code)
    if own is not None and library.version_in_force(own) is not None and (found is None or found.request is None):
        return redirect(url_for("acknowledgements.delta", slug=own.slug), 302)
    if found is None:
        raise NotFound()
    if _begins_with_text(found):
        return redirect(_text_href(found.new, _anchor="confirmation"), 302)
    page = _page(found, _understood_form(found))
    if found.request is not None:
        deltas.note_opened(found.request)
    return page


@blueprint.get("/library/<slug>/delta/questions/<int:number>/picture")
@requires(ACKNOWLEDGE, on=get_document, see=READ_DOCUMENT)
def delta_picture(document: Document, number: int) -> Response:
    """Send the picture of a question about what changed."""
    found = deltas.find_delta(actor(), document)
    if found is None or not 0 < number <= len(found.check):
        raise NotFound()
    picture = picture_of(found.check[number - 1].version)
    return guarded_picture(picture.data, MEDIA_TYPE, etag=picture.sha256)


@blueprint.post("/library/<slug>/delta/answers")
@requires(ACKNOWLEDGE, on=get_document, see=READ_DOCUMENT)
def answer_delta(document: Document) -> Any:
    """Take the answers to the questions about what changed, and explain them."""
    found = _asked_delta(document)
    if _begins_with_text(found):
        return redirect(_text_href(found.new, _anchor="confirmation"), 303)
    given = {
        item.address: {part: request.form.getlist(f"{_name(number)}-{part}") for part in part_ids(item.version)}
        for number, item in enumerate(found.check, start=1)
    }
    try:
        with transaction():
            # Read again under the lock: another tab may have answered.
            is_right = deltas.answer_check(delta=_asked_delta(document), given=given, by=actor())
    except AnswersMissing as refused:
        page = _page(found, _understood_form(found), refusal=str(refused), given=given)
        return page, refused.status
    if is_right:
        flash(_("All answers are right. The confirmation is open now."), "success")
    else:
        flash(_("Not every answer is right yet. Read why, and answer those questions again."), "warning")
    return redirect(
        url_for("acknowledgements.delta", slug=document.slug, _anchor="check" if not is_right else None), 303
    )


@blueprint.post("/library/<slug>/delta/confirmation")
@requires(ACKNOWLEDGE, on=get_document, see=READ_DOCUMENT)
def confirm_delta(document: Document) -> Any:
    """Take the person's statement to have understood what changed."""
    form = UnderstoodForm(prefix=PREFIX)
    found = _asked_delta(document)
    if _begins_with_text(found):
        return redirect(_text_href(found.new, _anchor="confirmation"), 303)
    if not form.validate_on_submit():
        return _page(found, form), 400
    try:
        with transaction():
            covered = service.confirm_delta(
                document=document,
                language=form.shown_language.data or "",
                by=actor(),
                address=request.remote_addr or "",
            )
    except DomainError as refused:
        if isinstance(refused, NothingAsked):
            raise
        flash(str(refused), "warning")
        return redirect(url_for("acknowledgements.delta", slug=document.slug), 303)
    numbers = _(", ").join(version.number for version in reversed(covered))
    flash(
        ngettext(
            "Version %(numbers)s has been confirmed.",
            "Versions %(numbers)s have been confirmed.",
            len(covered),
            numbers=numbers,
        ),
        "success",
    )
    return redirect(url_for("training.today"), 303)


@blueprint.route("/library/<slug>/question", methods=["GET", "POST"])
@requires(ACKNOWLEDGE, on=get_document, see=READ_DOCUMENT)
def ask_question(document: Document) -> Any:
    """Take a question about a clause; whoever answers for the document gets it.

    Nobody answers for what is addressed by name: whoever made it is asked in person.
    """
    if document.is_by_name:
        raise NotFound()
    found = deltas.find_delta(actor(), document)
    if found is None:
        raise NotFound()
    version, status = found.new, 200
    # Whoever leads here may bring the beginning of the question along; it is hers to change.
    form = QuestionForm(
        clause=request.args.get("clause", ""), body=request.args.get("about", "")[: questions.QUESTION_LIMIT]
    )
    headings = library.clause_headings(version, language())
    form.clause.choices = [("", _("The document as a whole")), *((key, text) for key, text in headings.items() if text)]
    if request.method == "POST":
        status = 400
        if form.validate():

            def work() -> Done:
                questions.ask_question(
                    version=version, anchor=form.clause.data or "", body=form.body.data or "", by=actor()
                )
                return Done(
                    _("The question has been sent. The answer comes by email; the version can be confirmed then."),
                    url_for("acknowledgements.ask_question", slug=document.slug),
                )

            try:
                return carry_out(work)
            except DomainError as refused:
                form.form_errors.append(str(refused))
                status = refused.status
    names = questions.who_is_told(version)
    page = render_template(
        "acknowledgements/ask.html",
        form=form,
        document=document,
        title=deltas.text_of(version, language()),
        back=url_for("acknowledgements.delta", slug=document.slug)
        if found.request and not _begins_with_text(found)
        else _text_href(version),
        number=version.number,
        who=_(", ").join(person.name_in(language()) for person in names),
        limit=questions.QUESTION_LIMIT,
        asked=_own_questions(document),
        zone=actor().time_zone,
    )
    return page, status


def _asked_delta(document: Document) -> Delta:
    found = deltas.find_delta(actor(), document)
    if found is None or found.request is None:
        raise NothingAsked()
    return found


def _begins_with_text(found: Delta) -> bool:
    """Say whether the person reads the text first: all of it is new to her, and there is nothing to answer yet.

    Without questions she confirms on the page of the text.
    """
    return found.old is None and (not found.check or not library.has_opened(actor(), found.new))


def _text_href(version: DocumentVersion, _anchor: str | None = None) -> str:
    """Return the address of a version's reading page, or of a place on it."""
    shown = library.version_to_read(version.document)
    if shown is not None and shown.id == version.id:
        return url_for("library.read", slug=version.document.slug, _anchor=_anchor)
    return url_for("library.read_version", slug=version.document.slug, number=version.number, _anchor=_anchor)


def _understood_form(found: Delta) -> UnderstoodForm:
    text = deltas.text_of(found.new, language())
    return UnderstoodForm(formdata=None, prefix=PREFIX, shown_language=text.language)


def _name(number: int) -> str:
    return f"question_{number}"


def _page(
    found: Delta, form: UnderstoodForm, *, refusal: str = "", given: dict[str, dict[str, list[str]]] | None = None
) -> str:
    person, here = actor(), language()
    text = deltas.text_of(found.new, here)
    current = library.version_in_force(found.document)
    is_ahead = found.new.effective_at > clock.now()
    return render_template(
        "acknowledgements/delta.html",
        document=found.document,
        title=text,
        old=found.old,
        old_title=deltas.text_of(found.old, here).title if found.old else None,
        new=found.new,
        text_href=_text_href(found.new),
        applies_from=format_instant(found.new.effective_at, found.new.zone) if is_ahead else None,
        until_then=current.number if is_ahead and current is not None else None,
        due=_due(found.request, person) if found.request else None,
        is_overdue=found.request is not None and found.request.due_at <= clock.now(),
        news=deltas.news_of(found, here),
        count=found.size,
        changes=deltas.redline_of(found, here),
        was_href=_text_href(found.old) if found.old else None,
        warnings=WARNINGS,
        check=[
            _question(number, item, found, person, (given or {}).get(item.address))
            for number, item in enumerate(found.check, start=1)
        ],
        is_passed=found.is_passed,
        refusal=refusal,
        form=form,
        attestation=service.attestation_of(text),
        waiting=deltas.count_waiting(found) if found.request is not None and not found.check else 0,
        has_predecessor=found.new.sequence > 1,
        numbers=_(", ").join(
            version.number for version in sorted(found.covered, key=lambda each: (each.effective_at, each.sequence))
        ),
        covered=len(found.covered),
        is_asked=found.request is not None,
        confirm_href=_text_href(found.new, _anchor="confirmation") if _may_confirm(found, person) else None,
        exemption=None
        if found.request
        else exemption_of(campaigns.find_open_or_exempt(person, found.document), found.new),
        asked=_own_questions(found.document),
        zone=person.time_zone,
    )


def _may_confirm(found: Delta, person: Person) -> bool:
    """Say whether the person confirms the new version where it is read: by name there is no term."""
    if not found.document.is_by_name or found.request is not None:
        return False
    confirmed = queries.list_confirmed(person, found.document)
    is_confirmed = any(each.version_id == found.new.id for each in confirmed)
    return not is_confirmed and service.covering_of(confirmed, found.new) is None


def _question(
    number: int, item: CheckItem, found: Delta, person: Person, given: dict[str, list[str]] | None
) -> dict[str, Any]:
    """Return a question for answering; why an answer is right or wrong is told only of one that was given."""
    seed, here, prefix = deltas.seed_of(person, found.new), language(), _name(number)
    answer = item.last.answer if item.last is not None else {}
    shown = single_form(
        item.version,
        item.citations,
        seed=seed,
        language=here,
        prefix=prefix,
        answer=answer,
        picture_href=url_for("acknowledgements.delta_picture", slug=found.document.slug, number=number),
    )
    if given is not None and not item.is_right:
        for part in shown["parts"]:
            part["selected"] = given.get(part["id"], [])
    return {
        **shown,
        "number": number,
        "state": "right" if item.is_right else "wrong" if item.last is not None else "open",
        "why": explanations(
            item.version, item.citations, seed=seed, language=here, prefix=f"{prefix}-why", answer=answer
        )
        if item.last is not None
        else [],
    }


def _due(asked: AcknowledgementRequest, person: Person) -> dict[str, Any]:
    """Return until when it is asked, and how that came about."""
    calendar = working_calendar(person.home_market, person.id)
    due = due_of(asked.campaign, asked.asked_as, person, calendar, asked.started_at)
    zone = person.home_market.time_zone
    why = why_due(
        days=asked.days,
        is_emergency=asked.campaign.hours is not None,
        is_due_at_effect=is_due_at_effect(asked, asked.campaign),
        is_newcomer=asked.asked_as is AskedAs.NEWCOMER,
        asked=format_instant(asked.started_at, zone)
        if asked.campaign.hours is not None
        else format_date(clock.local_date(asked.started_at, zone)),
    )
    days = days_told(due.counted.derivation) if due.counted and due.on == asked.due_on else []
    if due.is_guess:
        unknown = _("National holidays of that time are not known yet; only weekends were left out.")
        why = f"{why} {unknown}"
    return {"date": due_words(asked, person), "iso": asked.due_on.isoformat(), "why": why, "days": days}


def _own_questions(document: Document) -> list[dict[str, Any]]:
    person = actor()
    return [
        {
            "clause": each.anchor,
            "number": each.version.number,
            "at": each.at,
            "body": each.body,
            "answer": each.answer,
            "answered_at": each.answered_at,
        }
        for each in reading.list_questions_of(person, document)
    ]

"""The pages of what results point out about questions: what waits, what is behind it, who was affected, closing it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import render_template, request, url_for
from werkzeug.wrappers import Response

from portal.accounts import queries as people
from portal.core import clock
from portal.core.access import actor, can, requires
from portal.core.errors import DomainError
from portal.core.i18n import format_date, format_percent, gettext, language, ngettext, pgettext
from portal.core.i18n import gettext as _
from portal.core.once import Done, carry_out
from portal.quizzes import errors, queries
from portal.quizzes.forms import CloseFlagForm
from portal.quizzes.models import AttemptState, FlagKind, QuestionFlag, QuestionState
from portal.quizzes.permissions import CLOSE_FLAG, PROPOSE_REGRADE, SEE_BANKS, SEE_STATISTICS
from portal.quizzes.queries import flags as looked_up
from portal.quizzes.queries import regrades
from portal.quizzes.rules import triggers
from portal.quizzes.service import flags as service
from portal.quizzes.service.regrades import Change, what_if_void
from portal.quizzes.views import author, blueprint
from portal.quizzes.views.figures import number_words, percent_words

PAGE_SIZE = 50
# So many of the results that would change stand on the page; the regrade lists all of them.
RESULTS_SHOWN = 100
CHIPS = {
    FlagKind.NEGATIVE_DISCRIMINATION: "danger",
    FlagKind.LANGUAGE_GAP: "warning",
    FlagKind.OVEREXPOSED: "warning",
}


def kind_words(kind: FlagKind) -> str:
    """Say in a few words what results point out."""
    return str(
        {
            FlagKind.NEGATIVE_DISCRIMINATION: gettext("Negative discrimination"),
            FlagKind.LANGUAGE_GAP: gettext("The languages differ"),
            FlagKind.OVEREXPOSED: gettext("Shown too often"),
        }[kind]
    )


def task_words(kind: FlagKind) -> str:
    """Say what somebody should do about it."""
    return str(
        {
            FlagKind.NEGATIVE_DISCRIMINATION: gettext("Quarantined: check the key, then put it back or retire it"),
            FlagKind.LANGUAGE_GAP: gettext("Review the translation"),
            FlagKind.OVEREXPOSED: gettext("Write a successor"),
        }[kind]
    )


def notes_of(flags: Sequence[QuestionFlag]) -> list[dict[str, Any]]:
    """Return what pages of a question, or of its figures, say of its flags: those that are open."""
    return [
        {
            "kind": kind_words(flag.kind),
            "task": task_words(flag.kind),
            "chip": CHIPS[flag.kind],
            "href": url_for("quizzes.flag", code=flag.code),
        }
        for flag in flags
        if flag.closed_at is None
    ]


# --- the list ----------------------------------------------------------------------------------


@blueprint.get("/questions/flagged")
@requires(SEE_BANKS)
def flags() -> str:
    """List what results point out about questions, in one bank or in all."""
    slug = request.args.get("bank", "")[:60]
    bank = queries.get_bank(slug) if slug else None
    is_closed = request.args.get("show") == "closed"
    counts = {is_open: looked_up.count_flags(bank, is_open=is_open) for is_open in (True, False)}
    text = request.args.get("page", "1")
    total = counts[not is_closed]
    last = max(1, -(-total // PAGE_SIZE))
    number = min(max(1, int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 1), last)
    rows = looked_up.list_flags(bank, is_open=not is_closed, offset=(number - 1) * PAGE_SIZE, limit=PAGE_SIZE)
    titles = queries.quiz_titles({row.quiz_id for row in rows if row.quiz_id is not None})
    here, zone = language(), actor().time_zone

    def href(*, closed: bool, page: int | None = None) -> str:
        return url_for("quizzes.flags", bank=slug or None, show="closed" if closed else None, page=page)

    return render_template(
        "quizzes/flags.html",
        bank_title=str(bank.title) if bank else None,
        bank_href=url_for("quizzes.bank", slug=bank.slug) if bank else None,
        tabs=[
            {
                "label": pgettext("flag", "Closed") if closed else pgettext("flag", "Open"),
                "href": href(closed=closed),
                "count": counts[not closed],
                "current": closed is is_closed,
            }
            for closed in (False, True)
        ],
        is_closed=is_closed,
        rows=[
            {
                "title": row.question_version.read().title.in_(here) or row.question.slug,
                "sub": f"{row.question.bank.slug}/{row.question.slug}",
                "number": row.question_version.number,
                "href": url_for("quizzes.flag", code=row.code),
                "chip": CHIPS[row.kind],
                "kind": kind_words(row.kind),
                "task": task_words(row.kind) if row.closed_at is None else row.note,
                "quiz": str(titles[row.quiz_id].title) if row.quiz_id is not None else _("All quizzes"),
                "n": row.n,
                "since": format_date(clock.local_date(row.raised_at, zone), "short"),
            }
            for row in rows
        ],
        summary=_("%(first)s–%(last)s of %(total)s", first=(number - 1) * PAGE_SIZE + 1,
                  last=(number - 1) * PAGE_SIZE + len(rows), total=total) if last > 1 else "",
        previous=href(closed=is_closed, page=number - 1) if number > 1 else None,
        next=href(closed=is_closed, page=number + 1) if number < last else None,
    )  # fmt: skip


# --- one of them -------------------------------------------------------------------------------


@blueprint.get("/flags/<code>")
@requires(SEE_BANKS, on=looked_up.get_flag)
def flag(flag: QuestionFlag) -> str:
    """Show what results point out about a question, the figures behind it and who was affected."""
    return _page(flag, CloseFlagForm(formdata=None))


@blueprint.post("/flags/<code>/close")
@requires(CLOSE_FLAG, on=looked_up.get_flag, see=SEE_BANKS)
def close_flag(flag: QuestionFlag) -> Response | tuple[str, int]:
    """Note what came of it; nobody is asked about it any more."""
    form = CloseFlagForm()
    if not form.validate():
        return _page(flag, form), 400

    def work() -> Done:
        service.close_flag(flag=flag, note=form.note.data or "", by=actor())
        return Done(_("Closed. The note stays with the question."), url_for("quizzes.flag", code=flag.code))

    try:
        return carry_out(work)
    except errors.NoSuchFlag:
        raise
    except DomainError as refused:
        return _page(looked_up.get_flag(flag.code), form, str(refused)), refused.status


def _page(flag: QuestionFlag, form: CloseFlagForm, refusal: str = "") -> str:
    here, zone, question = language(), actor().time_zone, flag.question
    bank, version = question.bank, flag.question_version
    figures = flag.figures
    quiz = queries.quiz_titles({flag.quiz_id})[flag.quiz_id] if flag.quiz_id is not None else None
    is_quarantine = flag.kind is FlagKind.NEGATIVE_DISCRIMINATION
    changes = what_if_void(version) if is_quarantine else []
    closer = people.find_person(flag.closed_by) if flag.closed_by else None
    rises, falls = sum(each.is_rise for each in changes), sum(each.is_fall for each in changes)
    return render_template(
        "quizzes/flag.html",
        title=version.read().title.in_(here) or question.slug,
        bank_title=str(bank.title),
        bank_href=url_for("quizzes.bank", slug=bank.slug, _anchor=question.slug),
        list_href=url_for("quizzes.flags"),
        question_href=url_for("quizzes.question", slug=bank.slug, question=question.slug),
        kind=flag.kind.value,
        kind_words=kind_words(flag.kind),
        task=task_words(flag.kind),
        chip=CHIPS[flag.kind],
        quiz=str(quiz.title) if quiz is not None else "",
        statistics_href=url_for("quizzes.statistics", slug=quiz.quiz.slug)
        if quiz is not None and can(SEE_STATISTICS, quiz)
        else None,
        n=flag.n,
        limits={"people": triggers.LEAST_FOR_QUARANTINE, "shown": triggers.MOST_SHOWN, "more": triggers.MORE_PEOPLE},
        figure=number_words(figures.get("discrimination")),
        may_be_chance=figures.get("high", 1) > 0,
        between=_("%(low)s to %(high)s", low=number_words(figures["low"]), high=number_words(figures["high"]))
        if is_quarantine and "low" in figures
        else "",
        gap={
            "ja": percent_words(figures["ja"]),
            "en": percent_words(figures["en"]),
            "n_ja": figures["n_ja"],
            "n_en": figures["n_en"],
            "gap": _("%(num)s points", num=number_words(figures["gap"] * 100, 0)),
            "between": _(
                "%(low)s to %(high)s",
                low=number_words(figures["low"] * 100, 0),
                high=number_words(figures["high"] * 100, 0),
            ),
            "p": number_words(figures["p"], 3),
        }
        if flag.kind is FlagKind.LANGUAGE_GAP
        else {},
        is_open=flag.closed_at is None,
        is_out=is_quarantine and question.state is QuestionState.QUARANTINED,
        is_old=version.number != question.latest,
        number=version.number,
        latest=question.latest,
        affected=looked_up.count_affected(version.id) if is_quarantine else None,
        results=[_result(each) for each in changes[:RESULTS_SHOWN]],
        more=max(0, len(changes) - RESULTS_SHOWN),
        summary=ngettext("%(num)d result changes", "%(num)d results change", len(changes)),
        rises=ngettext("%(num)d person passes who had not", "%(num)d people pass who had not", rises) if rises else "",
        falls=ngettext(
            "%(num)d result that was passed would no longer be enough",
            "%(num)d results that were passed would no longer be enough",
            falls,
        )
        if falls
        else "",
        regrade_href=_regrade_href(flag) if is_quarantine else None,
        may_close=can(CLOSE_FLAG),
        form=form,
        action=url_for("quizzes.close_flag", code=flag.code),
        note=flag.note,
        facts=[
            (_("Question bank"), str(bank.title)),
            (_("Version"), str(version.number)),
            (_("State"), author.short_state_words(question.state)),
            (pgettext("flag", "Since"), format_date(clock.local_date(flag.raised_at, zone), "short")),
            (
                pgettext("flag", "Closed"),
                format_date(clock.local_date(flag.closed_at, zone), "short") if flag.closed_at else None,
            ),
            (_("Closed by"), closer.name_in(here) if closer else None),
        ],
        refusal=refusal,
    )


def _regrade_href(flag: QuestionFlag) -> str | None:
    """Return where results are put right: the proposal that waits, else the page on which one is made."""
    waiting = regrades.find_undecided(flag.question_version_id)
    if waiting is not None:
        return url_for("quizzes.regrade", code=waiting.code)
    if not can(PROPOSE_REGRADE):
        return None
    bank, question = flag.question.bank, flag.question
    return url_for(
        "quizzes.propose_regrade", slug=bank.slug, question=question.slug, version=flag.question_version.number
    )


def _result(change: Change) -> dict[str, Any]:
    attempt = change.attempt
    return {
        "name": attempt.person.name_in(language()),
        "sub": _("%(quiz)s · attempt %(number)s", quiz=str(attempt.quiz_version.title), number=attempt.attempt_no),
        "before": format_percent(change.before.score),
        "after": format_percent(change.score),
        "was": "passed" if change.before.passed else "failed",
        "is": "passed" if change.reaches else "failed",
        "is_rise": change.is_rise,
        "is_fall": change.is_fall,
        "is_released": attempt.state is AttemptState.RELEASED,
    }

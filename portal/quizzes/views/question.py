"""The author's page of one question: what it says in both languages, where it stands, its history, what can be done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from flask import render_template, request, url_for

from portal.accounts import queries as people
from portal.core import clock
from portal.core.access import actor, can, requires
from portal.core.errors import DomainError, NotAllowed
from portal.core.i18n import LANGUAGES, Words, force_locale, format_date, format_instant, gettext, language, pgettext
from portal.core.i18n import gettext as _
from portal.core.once import Done, carry_out
from portal.core.redline import mark_words
from portal.library import queries as library
from portal.library.service.changed import LANGUAGE_WORDS
from portal.quizzes import errors, queries, rules
from portal.quizzes.errors import QuizzesGoShort
from portal.quizzes.models import (
    Question,
    QuestionFlag,
    QuestionState,
    QuestionStep,
    QuestionVersion,
    RegradeKind,
)
from portal.quizzes.permissions import APPROVE_QUESTIONS, PROPOSE_REGRADE, RECHECK_QUESTIONS, SEE_BANKS, WRITE_QUESTIONS
from portal.quizzes.queries import flags as looked_up_flags
from portal.quizzes.queries import regrades
from portal.quizzes.queries import staleness as looked_up
from portal.quizzes.rules.lifecycle import APPROVING, NEEDS_REASON
from portal.quizzes.rules.statistics import MINIMUM_PEOPLE
from portal.quizzes.service import depth, editing, lifecycle, paper, staleness
from portal.quizzes.types import type_of
from portal.quizzes.types.base import ORDER, Content, read
from portal.quizzes.types.words import named_words_of, with_words
from portal.quizzes.views import author, blueprint, losses, recheck, reviews
from portal.quizzes.views import flags as flag_pages
from portal.quizzes.views.afterwards import kind_words
from portal.quizzes.views.figures import figures_in_quizzes

# Steps that authors take; every other one is for whoever may approve.
_OF_AUTHORS = frozenset({"in_review", "retired"})


@blueprint.get("/banks/<slug>/<question>")
@requires(SEE_BANKS, on=queries.get_question)
def question(question: Question) -> str:
    """Show a question with key, rationales and clauses, its history and the steps that may follow."""
    return _page(question)


@blueprint.get("/banks/<slug>/<question>/preview")
@requires(SEE_BANKS, on=queries.get_question)
def preview(question: Question) -> str:
    """Show a question exactly as a learner sees it, in both languages, without saving anything."""
    version = queries.get_version(question, _number(question))
    content = read(version.content)
    shuffled = request.args.get("order", "")[:20]
    bank = question.bank
    here: dict[str, Any] = {"slug": bank.slug, "question": question.slug}
    if version.number != question.in_work:
        here["version"] = version.number
    return render_template(
        "quizzes/preview.html",
        title=content.title.in_(language()) or question.slug,
        bank_title=str(bank.title),
        bank_href=url_for("quizzes.bank", slug=bank.slug, _anchor=question.slug),
        banks_href=url_for("quizzes.banks"),
        question_href=url_for("quizzes.question", **here),
        as_written_href=url_for("quizzes.preview", **here) if shuffled else None,
        shuffled_href=url_for("quizzes.preview", **here, order=_next(shuffled)),
        can_shuffle=content.shuffle and content.type != "true_false",
        sides=[
            {
                "language": tag,
                "name": LANGUAGE_WORDS[tag].in_(language()),
                "item": _item(version, content, _order(content, shuffled), tag),
                "is_missing": tag in lifecycle.lacks(content),
            }
            for tag in sorted(LANGUAGES, key=lambda tag: tag != language())
        ],
    )


def _item(version: QuestionVersion, content: Content, order: dict[str, list[str]], tag: str) -> dict[str, Any]:
    with force_locale(tag):
        return paper.question_form(content, order, version.citations, language=tag, prefix=f"q-{tag}", answer={})


def _next(seed: str) -> str:
    return str(int(seed) + 1) if seed.isascii() and seed.isdigit() and len(seed) < 6 else "1"


def _order(content: Content, seed: str) -> dict[str, list[str]]:
    """Return an order for the choices: another one for each seed, or that of the author where it betrays nothing."""
    return type_of(content.type).orders(
        content,
        shuffle=bool(seed) or any(part.kind == ORDER for part in content.parts),
        lot=lambda ids, part: rules.shuffled(ids, seed=f"preview {seed}", purpose=part),
    )


@blueprint.post("/banks/<slug>/<question>/step")
@requires(APPROVE_QUESTIONS, on=queries.get_question, see=SEE_BANKS)
def take_step(question: Question) -> Any:
    """Bring a question, or the wording proposed beside what counts, a step on."""
    to, number = request.form.get("to", "")[:30], request.form.get("number", "")
    of_proposal = request.form.get("of") == "proposal"
    if not may_take(to):
        raise NotAllowed()

    ends_review = of_proposal or question.state is QuestionState.IN_REVIEW

    def work() -> Done:
        lifecycle.take_step(
            question=question,
            to=to,
            by=actor(),
            of_proposal=of_proposal,
            number=int(number) if number.isascii() and number.isdigit() and len(number) < 7 else 0,
            looked_at=request.form.get("looked_at", ""),
            reason=request.form.get("reason", ""),
            accepting=losses.accepted(),
        )
        reviewed = "yes" if ends_review and to != "in_review" else None
        return Done(done_words(to, of_proposal=of_proposal), _href(question, reviewed=reviewed))

    return _do(question, work)


@blueprint.post("/banks/<slug>/<question>/in-step")
@requires(WRITE_QUESTIONS, on=queries.get_question, see=SEE_BANKS)
def note_in_step(question: Question) -> Any:
    """Say that the language that is behind needs no change."""
    number = request.form.get("number", "")

    def work() -> Done:
        editing.note_in_step(
            question=question,
            base=int(number) if number.isascii() and number.isdigit() and len(number) < 7 else 0,
            by=actor(),
        )
        return Done(_("Both languages say the same now."), _href(question))

    return _do(question, work)


def may_take(to: str) -> bool:
    """Say whether the person may take such a step of any question."""
    return can(WRITE_QUESTIONS) if to in _OF_AUTHORS else can(APPROVE_QUESTIONS)


def _do(question: Question, work: Any) -> Any:
    try:
        return carry_out(work)
    except DomainError as refused:
        return _page(queries.get_question(question.bank.slug, question.slug), refused), refused.status


def _href(question: Question, **more: Any) -> str:
    return url_for("quizzes.question", slug=question.bank.slug, question=question.slug, **more)


def _number(question: Question) -> int:
    text = request.args.get("version", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else question.in_work


def step_words(to: str, *, of_proposal: bool = False) -> str:
    """Say on a button what a step does."""
    words = {
        "in_review": gettext("Submit for review"),
        "live": gettext("Approve: live"),
        "pilot": gettext("Approve: pilot"),
        "draft": gettext("Back to draft"),
        "quarantined": gettext("Quarantine"),
        "retired": gettext("Retire"),
    }
    if of_proposal:
        words |= {"live": gettext("Approve the new wording"), "retired": gettext("Drop the new wording")}
    return str(words[to])


def done_words(to: str, *, of_proposal: bool = False) -> str:
    """Say what a step has done."""
    words = {
        "in_review": gettext("Submitted. Somebody else can approve it now."),
        "live": gettext("The question is live: it is drawn from now on."),
        "pilot": gettext("The question is a pilot: it may be shown, but it is not scored."),
        "draft": gettext("It is a draft again."),
        "quarantined": gettext("The question is quarantined: it is not drawn."),
        "retired": gettext("The question is retired. Attempts that had it keep it."),
    }
    if of_proposal:
        words |= {
            "live": gettext("The new wording counts from now on."),
            "retired": gettext("The new wording is dropped; the old one goes on."),
        }
    return str(words.get(to, ""))


# --- the page ----------------------------------------------------------------------------------


def _page(question: Question, refused: DomainError | None = None) -> str:
    bank, here = question.bank, language()
    versions = queries.list_versions(question)
    shown = next((each for each in versions if each.number == _number(question)), None) or versions[-1]
    counts = next(each for each in versions if each.number == question.latest)
    content = read(shown.content)
    is_old = shown.number not in (question.latest, question.proposed)
    (clauses,) = staleness.clauses_of([shown]).values()
    flagged = looked_up_flags.list_flags_of([question.id]).get(question.id, [])
    history = _history(question, versions, flagged)
    return render_template(
        "quizzes/question.html",
        title=content.title.in_(here) or question.slug,
        address=f"{bank.slug}/{question.slug}",
        bank_title=str(bank.title),
        bank_href=url_for("quizzes.bank", slug=bank.slug, _anchor=question.slug),
        chip=author.CHIPS[question.state],
        state=author.state_words(question.state),
        tabs=_tabs(question, shown) if question.proposed is not None else [],
        is_proposal=shown.number == question.proposed,
        is_submitted=question.submitted_at is not None,
        old_number=shown.number if is_old else None,
        number=shown.number,
        sides=[
            {
                "language": tag,
                "name": LANGUAGE_WORDS[tag].in_(here),
                "question": _with_key(question, shown, tag),
                "is_missing": tag in lifecycle.lacks(content),
                "is_behind": shown.behind == tag,
            }
            for tag in sorted(LANGUAGES, key=lambda tag: tag != here)
        ],
        facts=author.facts_of(content, shown),
        behind=LANGUAGE_WORDS[shown.behind].in_(here) if shown.behind else None,
        other=LANGUAGE_WORDS["en" if shown.behind == "ja" else "ja"].in_(here),
        in_step_href=url_for("quizzes.note_in_step", slug=bank.slug, question=question.slug)
        if can(WRITE_QUESTIONS) and not is_old and question.state is not QuestionState.RETIRED
        else None,
        lacks=[_lacking(each, content) for each in lifecycle.lacks(content)],
        changes=_changes(read(counts.content), content) if shown is not counts and not is_old else [],
        other_changes=_other_changes(read(counts.content), content) if shown is not counts and not is_old else [],
        flags=flag_pages.notes_of(flagged),
        rules=_rules(shown),
        was_void=question.state is QuestionState.QUARANTINED and regrades.was_void(counts),
        compared=recheck.compared([each for each in clauses if each.is_changed]),
        steps=[]
        if is_old
        else _steps(question, versions, shown, of_proposal=shown.number == question.proposed, refused=refused),
        step_href=url_for("quizzes.take_step", slug=bank.slug, question=question.slug),
        looked_at=staleness.seen(clauses),
        stale_href=url_for("quizzes.stale_of_bank", slug=bank.slug)
        if question.state is QuestionState.STALE and can(RECHECK_QUESTIONS)
        else None,
        edit_href=url_for("quizzes.edit_question", slug=bank.slug, question=question.slug)
        if can(WRITE_QUESTIONS) and question.state is not QuestionState.RETIRED
        else None,
        preview_href=url_for("quizzes.preview", slug=bank.slug, question=question.slug, version=shown.number),
        regrade_href=url_for("quizzes.propose_regrade", slug=bank.slug, question=question.slug, version=shown.number)
        if can(PROPOSE_REGRADE)
        else None,
        history=history,
        results=figures_in_quizzes([shown.id]).get(shown.id, []),
        minimum=MINIMUM_PEOPLE,
        came_back=reviews.came_back_words(question),
        to_review=reviews.panel_of(question),
        refusal=str(refused) if refused is not None else "",
    )


def _with_key(question: Question, shown: QuestionVersion, tag: str) -> dict[str, Any]:
    # What stands around its texts is said in their language.
    with force_locale(tag):
        return author.question_with_key(question.bank, question, shown, tag, tag)


def _rules(shown: QuestionVersion) -> list[dict[str, str]]:
    """Return the regrade that stands for a wording, and the one that is proposed for it."""
    standing = regrades.standing_rules([shown.id]).get(shown.id)
    open_one = regrades.find_undecided(shown.id)
    told = []
    if standing is not None:
        title = (
            _("A regrade stands: this wording counts for nobody")
            if standing.kind is RegradeKind.VOID
            else _("A regrade stands: this wording is not marked by its key alone")
        )
        told.append({"title": title, "words": kind_words(standing.kind), "code": standing.code})
    if open_one is not None:
        told.append(
            {
                "title": _("A regrade waits for a second person"),
                "words": kind_words(open_one.kind),
                "code": open_one.code,
            }
        )
    return [each | {"href": url_for("quizzes.regrade", code=each["code"])} for each in told]


def _tabs(question: Question, shown: QuestionVersion) -> list[dict[str, Any]]:
    def href(number: int | None) -> str:
        return url_for("quizzes.question", slug=question.bank.slug, question=question.slug, version=number)

    return [
        {"label": _("New wording (version %(number)s)", number=question.proposed), "href": href(question.proposed),
         "current": shown.number == question.proposed},
        {"label": _("What counts (version %(number)s)", number=question.latest), "href": href(question.latest),
         "current": shown.number == question.latest},
    ]  # fmt: skip


def _lacking(what: str, content: Content) -> str:
    if what == "clause":
        return str(_("a clause"))
    untold = lifecycle.untranslated(content, what)
    if not untold:
        return str(_("the English text") if what == "en" else _("the Japanese text"))
    of = pgettext("between quotations", "”, “").join(text.strip().split("\n", 1)[0][:40] for text in untold[:3])
    if what == "en":
        return str(_("the English text of “%(texts)s”", texts=of))
    return str(_("the Japanese text of “%(texts)s”", texts=of))


def _steps(
    question: Question,
    versions: Sequence[QuestionVersion],
    shown: QuestionVersion,
    *,
    of_proposal: bool,
    refused: DomainError | None,
) -> list[dict[str, Any]]:
    """Return the steps that the person may take, and those that somebody else has to take.

    Where one was refused it holds the reason that was written for it.
    """
    lost = [] if of_proposal else losses.losses_shown(depth.losses_without(question))
    tried = request.form.get("to", "") if refused is not None else ""
    authors = lifecycle.authors_of(question, versions, of_proposal=of_proposal)
    lacking = lifecycle.lacks(read(shown.content))
    is_out = not of_proposal and question.state is QuestionState.QUARANTINED
    found = []
    for to in lifecycle.steps_from(question, of_proposal=of_proposal):
        if not may_take(to):
            continue
        hindrance = ""
        if to in APPROVING and actor().code in authors:
            hindrance = _("You have worked on this wording, so somebody else has to approve it.")
        elif to in APPROVING and regrades.find_void(shown) is not None:
            hindrance = str(errors.CountsForNobody.message)
        elif (to == "in_review" or to in APPROVING) and lacking:
            hindrance = _(
                "Something is missing: %(what)s.",
                what=_(", ").join(_lacking(each, read(shown.content)) for each in lacking),
            )
        found.append(
            {
                "to": to,
                "label": step_words(to, of_proposal=of_proposal),
                "needs_reason": lifecycle.needs_reason(
                    question, to, by=actor(), versions=versions, of_proposal=of_proposal
                ),
                "takes_reason": to in NEEDS_REASON
                or to == "draft"
                or is_out
                or (to == "retired" and any(each["stops"] for each in lost)),
                "hindrance": hindrance,
                "is_main": to in ("in_review", "live"),
                "reason": request.form.get("reason", "")[:500] if to == tried else "",
                "losses": lost if to in depth.TAKES_OUT else [],
                "is_unticked": to == tried and isinstance(refused, QuizzesGoShort) and not losses.accepted(),
            }
        )
    return found


def _changes(old: Content, new: Content) -> list[dict[str, Any]]:
    """Return the texts that a new wording changes, what differs marked; and what else it changes, in words."""
    before, after = dict(named_words_of(old)), dict(named_words_of(new))
    found: list[dict[str, Any]] = []
    for place in dict.fromkeys([*before, *after]):
        for tag in LANGUAGES:
            was, now = ((texts[place].ja if tag == "ja" else texts[place].en) if place in texts else "" for texts in
                        (before, after))  # fmt: skip
            if was != now:
                marked = mark_words(was, now, tag)
                found.append({"language": tag, "before": marked.before, "after": marked.after})
    return found


def _other_changes(old: Content, new: Content) -> list[str]:
    """Say what a new wording changes beside texts: the key, points or the marking, and the clauses."""
    found = []

    def without_texts(content: Content) -> Content:
        bare = with_words(content, lambda _words: Words("", ""))
        return replace(bare, clauses=(), tags=(), difficulty=None, severity=None, rationale=None, picture=None)

    pictures = [(each.picture.sha256, each.picture.severity) if each.picture else None for each in (old, new)]
    if pictures[0] != pictures[1]:
        found.append(_("The picture, or its sensitivity level, is different. Compare both wordings."))
    if without_texts(old) != without_texts(new):
        found.append(_("What is right, its points or how it is marked is different, too. Compare both wordings."))
    if old.clauses != new.clauses:
        before, after = (_(", ").join(content.clauses) or "–" for content in (old, new))
        found.append(_("Clauses: %(before)s → %(after)s", before=before, after=after))
    return found


def _history(
    question: Question, versions: Sequence[QuestionVersion], flagged: Sequence[QuestionFlag]
) -> list[dict[str, Any]]:
    """Return what happened to a question, the newest first: versions, steps, rules that changed, what results say."""
    rows: list[tuple[Any, int, str | None, str, str | Words, int | None]] = []
    numbers = {version.id: version.number for version in versions}
    for version in versions:
        said = _("Version %(number)s: %(how)s", number=version.number, how=_origin(version.origin))
        rows.append((version.created_at, version.number, version.created_by, said, "", version.number))
    steps = queries.list_steps(question)
    both = _reasons_in_both(steps, versions)
    for place, step in enumerate(steps):
        words = author.state_words(step.after)
        if step.of_proposal:
            words = _proposal_words(step.after)
        said = _("%(state)s (version %(number)s)", state=words, number=numbers[step.question_version_id])
        rows.append((step.at, 10_000 + place, step.by, said, both.get(step.id, step.reason), None))
    settled = looked_up.list_all_of(question)
    titles = library.list_document_names({row.document_slug for row in settled}, language()) if settled else {}
    for row in settled:
        title = titles.get(row.document_slug, row.document_slug)
        named = _("%(title)s, version %(number)s", title=title, number=row.version_number)
        rows.append((row.since, 20_000, None, _("A clause has changed: %(document)s", document=named), "", None))
        if row.kept_out_at is not None:
            rows.append((row.kept_out_at, 20_001, row.kept_out_by, _("Left out until it is rewritten"), "", None))
        if row.settled_at is not None:
            said = _("Re-check settled: %(document)s", document=named)
            rows.append((row.settled_at, 20_002, row.settled_by, said, "", None))
    for flag in flagged:
        kind = flag_pages.kind_words(flag.kind)
        # The step that follows says when, and comes after it.
        rows.append((flag.raised_at, 9_000, None, _("Results point out: %(what)s", what=kind), "", None))
        if flag.closed_at is not None:
            rows.append(
                (flag.closed_at, 20_003, flag.closed_by, _("Closed: %(what)s", what=kind), flag.note or "", None)
            )
    names = {
        person.code: person.name_in(language())
        for person in people.list_people_of({row[2] for row in rows if row[2] is not None})
    }
    zone = actor().time_zone
    return [
        {
            "at": format_instant(at, zone, show_zone=False),
            "day": format_date(clock.local_date(at, zone), "short"),
            "by": names.get(by, by) if by is not None else None,
            "said": said,
            "reasons": [("en", reason.en), ("ja", reason.ja)] if isinstance(reason, Words) else [(None, reason)],
            "href": url_for("quizzes.question", slug=question.bank.slug, question=question.slug, version=number)
            if number is not None
            else None,
        }
        for at, _place, by, said, reason, number in sorted(rows, key=lambda row: (row[0], row[1]), reverse=True)
    ]


def _reasons_in_both(steps: Sequence[QuestionStep], versions: Sequence[QuestionVersion]) -> dict[int, Words]:
    """Return step → its reason in both languages, of steps that a rule has taken: they keep that of who approved it."""
    out = [step for step in steps if step.after is QuestionState.QUARANTINED and not step.of_proposal]
    voids = regrades.list_voids([version.id for version in versions]) if out else []
    return {
        step.id: rule.reason
        for step in out
        for rule in voids
        if step.by == rule.decided_by
        and rule.decided_at is not None
        and step.at >= rule.decided_at
        and step.reason in (rule.reason.en[: lifecycle.MOST_REASON], rule.reason.ja[: lifecycle.MOST_REASON])
    }


def _origin(origin: str) -> str:
    return str(
        {
            "browser": gettext("written here"),
            "facts": gettext("tags, difficulty or sensitivity level"),
            "in_step": gettext("the other language needs no change"),
            "recheck": gettext("found right by a newer text of its clauses"),
        }.get(origin, gettext("taken in from a file"))
    )


def _proposal_words(state: QuestionState) -> str:
    return str(
        {
            QuestionState.DRAFT: gettext("New wording back to draft"),
            QuestionState.IN_REVIEW: gettext("New wording submitted for review"),
            QuestionState.LIVE: gettext("New wording approved"),
            QuestionState.RETIRED: gettext("New wording dropped"),
        }.get(state, author.state_words(state))
    )

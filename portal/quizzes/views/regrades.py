"""The pages of regrades: a rule proposed for a question, every result that it changes, the second person's word."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flask import render_template, request, url_for
from werkzeug.wrappers import Response

from portal.accounts import queries as people
from portal.core import jobs
from portal.core.access import actor, can, requires
from portal.core.errors import DomainError, NotFound
from portal.core.i18n import Words, format_instant, format_percent, language, ngettext
from portal.core.i18n import gettext as _
from portal.core.jobs import JobState
from portal.core.once import Done, carry_out
from portal.quizzes import errors, queries
from portal.quizzes.forms import DeclineForm, RegradeForm, TakeBackForm
from portal.quizzes.models import (
    Appeal,
    AttemptState,
    QuestionBank,
    QuestionVersion,
    Regrade,
    RegradeKind,
    Remedy,
)
from portal.quizzes.permissions import (
    ANSWER_APPEAL,
    DECIDE_REGRADE,
    DECLINE_REGRADE,
    PROPOSE_REGRADE,
    SEE_BANKS,
    SEE_REGRADES,
)
from portal.quizzes.queries import appeals as appealed
from portal.quizzes.queries import marking as by_hand
from portal.quizzes.queries import regrades as looked_up
from portal.quizzes.service import flags, paper
from portal.quizzes.service import regrades as service
from portal.quizzes.service.marking import is_by_hand
from portal.quizzes.service.regrades import Change
from portal.quizzes.types import type_of
from portal.quizzes.types.base import ANSWER, Content, Part
from portal.quizzes.views import author, blueprint
from portal.quizzes.views.afterwards import kind_words
from portal.quizzes.views.marking import tabs_for

# So many changed results stand on one page; passes that would be lost are all on the first.
PAGE_SIZE = 100
_JOB_STATES = {
    JobState.CREATED: "queued",
    JobState.RUNNING: "running",
    JobState.DONE: "done",
    JobState.FAILED: "failed_job",
    JobState.CANCELLED: "failed_job",
}


@blueprint.get("/regrades")
@requires(SEE_REGRADES)
def regrades() -> str:
    """List the regrades, those that wait for a second person first."""
    rows, here, zone = looked_up.list_regrades(), language(), actor().time_zone
    names = {each.code: each.name_in(here) for each in people.list_people_of({row.proposed_by for row in rows})}
    return render_template(
        "quizzes/regrades.html",
        tabs=tabs_for("regrades"),
        rows=[
            {
                "title": row.question_version.read().title.in_(here),
                "bank": str(row.question_version.question.bank.title),
                "number": row.question_version.number,
                "href": url_for("quizzes.regrade", code=row.code),
                "rule": kind_words(row.kind),
                "by": names.get(row.proposed_by, ""),
                "at": format_instant(row.proposed_at, zone),
                "state": _state(row),
            }
            for row in rows
        ],
    )


def _state(regrade: Regrade) -> tuple[str, str]:
    """Return the look and the words of how far a regrade is."""
    if regrade.decided_at is None:
        return "waiting", _("Waits for a second person")
    if not regrade.is_approved:
        return "withdrawn", _("Taken back") if regrade.decided_by == regrade.proposed_by else _("Declined")
    return ("done", _("Carried out")) if regrade.finished_at else ("running", _("Being carried out"))


# --- proposing ---------------------------------------------------------------------------------


@blueprint.get("/banks/<slug>/<question>/regrade")
@requires(PROPOSE_REGRADE, on=queries.get_bank, see=SEE_BANKS)
def propose_regrade(bank: QuestionBank, question: str) -> str:
    """Ask by which rule a wording of a question is to be marked."""
    version = _version(bank, question)
    return _form(bank, version, RegradeForm(formdata=None), None, _appeal(version))


@blueprint.post("/banks/<slug>/<question>/regrade")
@requires(PROPOSE_REGRADE, on=queries.get_bank, see=SEE_BANKS)
def add_regrade(bank: QuestionBank, question: str) -> Response | tuple[str, int]:
    """Take a proposal."""
    version, form = _version(bank, question), RegradeForm()
    appeal = _appeal(version)
    content = version.read()
    _fill(form, version)
    typed = {name: request.form.getlist(name) for name in request.form if name.startswith("accept-")}
    if not form.validate():
        return _form(bank, version, form, typed, appeal), 400
    kind = RegradeKind(form.kind.data)
    if kind is not RegradeKind.ACCEPT and _has_further(typed, _filled_in(content, version)):
        # Nobody ticks what is right as well in order that it is forgotten.
        form.kind.errors = [
            _(
                "Below, answers are given that are right as well, but this rule does not use them. Choose “Other "
                "answers are right as well”, or take them out."
            )
        ]
        return _form(bank, version, form, typed, appeal), 400

    def work() -> Done:
        regrade = service.propose_regrade(
            version=version,
            kind=kind,
            accepts=_accepts(content, version, typed) if kind is RegradeKind.ACCEPT else None,
            reason=Words(form.reason_en.data or "", form.reason_ja.data or ""),
            by=actor(),
            appeal=appeal,
        )
        return Done(
            _("The rule is proposed. Another person looks at what it changes and decides."),
            url_for("quizzes.regrade", code=regrade.code),
        )

    try:
        return carry_out(work)
    except errors.BadRule as refused:
        form.kind.errors = [str(refused)]
        return _form(bank, version, form, typed, appeal), refused.status
    except DomainError as refused:
        return _form(bank, version, form, typed, appeal, refusal=str(refused)), refused.status


def _version(bank: QuestionBank, question: str) -> QuestionVersion:
    """Return the wording that the address names, else the newest."""
    number = request.args.get("version", "")
    found = queries.find_latest(bank, question)
    version: QuestionVersion | None = found[1] if found else None
    if number.isascii() and number.isdigit() and len(number) < 7:
        version = by_hand.find_version(bank, question, int(number))
    if version is None:
        raise NotFound()
    return version


def _appeal(version: QuestionVersion) -> Appeal | None:
    """Return the appeal because of which a rule is proposed, where the address names one about this wording."""
    code = request.args.get("appeal", "")
    if not code:
        return None
    try:
        appeal = appealed.get_appeal(code)
    except errors.NoSuchAppeal:
        # As for one about another question: whether there is such an appeal is told to nobody here.
        return None
    is_meant = appeal.item.question_version_id == version.id and appeal.remedy is Remedy.REGRADE
    return appeal if is_meant else None


def _fill(form: RegradeForm, version: QuestionVersion) -> None:
    content = version.read()
    kinds = [RegradeKind.VOID, RegradeKind.FULL]
    if any(part.kind != "essay" for part in content.parts):
        kinds.insert(1, RegradeKind.ACCEPT)
    if version.id in looked_up.standing_rules([version.id]) and not is_by_hand(content):
        kinds.append(RegradeKind.AS_WRITTEN)
    form.kind.choices = [(kind.value, kind_words(kind)) for kind in kinds]


def _is_several(content: Content, part: Part) -> bool:
    return type_of(content.type).kind_of(part) == "multiple"


def _field(part: Part) -> str:
    return f"accept-{part.id}"


def _filled_in(content: Content, version: QuestionVersion) -> dict[str, list[str]]:
    """Return field → what the page fills in before anybody types: what the rule that stands accepts."""
    standing = looked_up.standing_rules([version.id]).get(version.id)
    earlier: Mapping[str, Any] = standing.accepts or {} if standing is not None else {}
    filled = {}
    for part in content.parts:
        stands = [each[0] for each in earlier.get(part.id, ())]
        if part.kind in ("text", "number"):
            filled[_field(part)] = ["\n".join(stands)]
        elif part.kind == "choices" and not _is_several(content, part):
            filled[_field(part)] = stands
    return filled


def _has_further(typed: Mapping[str, Sequence[str]], filled: Mapping[str, Sequence[str]]) -> bool:
    """Say whether somebody has given an answer that the page had not filled in."""

    def answers(fields: Mapping[str, Sequence[str]]) -> set[tuple[str, str]]:
        return {
            (name, line.strip())
            for name, texts in fields.items()
            for text in texts
            for line in text.splitlines()
            if line.strip()
        }

    return not answers(typed) <= answers(filled)


def _accepts(
    content: Content, version: QuestionVersion, typed: Mapping[str, Sequence[str]]
) -> dict[str, list[list[str]]]:
    """Return what the form accepts besides the key; further sets and orders that stand already stay."""
    standing = looked_up.standing_rules([version.id]).get(version.id)
    earlier: Mapping[str, Any] = standing.accepts or {} if standing is not None else {}
    accepted: dict[str, list[list[str]]] = {}
    for part in content.parts:
        given = [text for text in typed.get(_field(part), ()) if text.strip()]
        answers: list[list[str]] = []
        if part.kind in ("text", "number"):
            answers = [[line.strip()] for text in given for line in text.splitlines() if line.strip()]
        elif part.kind == "order":
            answers = [list(each) for each in earlier.get(part.id, ())]
            if given:
                answers.append(given[0].lower().replace(",", " ").split())
        elif _is_several(content, part):
            answers = [list(each) for each in earlier.get(part.id, ())]
            if given:
                answers.append(given)
        else:
            answers = [[choice] for choice in given]
        if answers:
            accepted[part.id] = answers
    return accepted


def _form(
    bank: QuestionBank,
    version: QuestionVersion,
    form: RegradeForm,
    typed: Mapping[str, Sequence[str]] | None,
    appeal: Appeal | None,
    *,
    refusal: str = "",
) -> str:
    """Show the form with what was typed; None: nobody has typed anything yet."""
    here, content = language(), version.read()
    _fill(form, version)
    links = paper.links_of(queries.list_citations([version.id]).get(version.id, []), here)
    standing = looked_up.standing_rules([version.id]).get(version.id)
    earlier: Mapping[str, Any] = standing.accepts or {} if standing is not None else {}
    given = _filled_in(content, version) if typed is None else typed
    parts = []
    for part in content.parts:
        if part.kind == "essay":
            continue
        stands = earlier.get(part.id, ())
        parts.append(
            {
                "name": _field(part),
                "kind": part.kind,
                "heading": part.heading.in_(here) if part.heading else _("Answer"),
                "has_heading": part.id != ANSWER,
                "is_several": part.kind == "choices" and _is_several(content, part),
                "chosen": list(given.get(_field(part), ())),
                "choices": [
                    {
                        "id": choice.id,
                        "text": paper.label(choice.text.in_(here), here, content.document, links),
                        "right": choice.right,
                    }
                    for choice in part.choices
                ],
                "stands": [", ".join(each) for each in stands]
                if part.kind == "order" or (part.kind == "choices" and _is_several(content, part))
                else [],
            }
        )
    return render_template(
        "quizzes/propose_regrade.html",
        title=content.title.in_(here),
        bank_title=str(bank.title),
        bank_href=url_for("quizzes.bank", slug=bank.slug, _anchor=version.question.slug),
        action=url_for(
            "quizzes.add_regrade",
            slug=bank.slug,
            question=version.question.slug,
            version=version.number,
            appeal=appeal.code if appeal else None,
        ),
        number=version.number,
        keyed=author.question_with_key(bank, version.question, version, 1),
        form=form,
        parts=parts,
        refusal=refusal,
        standing=kind_words(standing.kind) if standing is not None else None,
        appeal_words=appeal.words if appeal is not None else None,
        is_open=looked_up.find_undecided(version.id) is not None,
        affected=len(looked_up.list_attempt_ids(version.id)),
    )


# --- deciding ----------------------------------------------------------------------------------


@blueprint.get("/regrades/<code>")
@requires(SEE_REGRADES, on=looked_up.get_regrade)
def regrade(regrade: Regrade) -> str:
    """Show a rule with every result that it changes, and how far it is."""
    return _page(regrade, _closing(regrade)(formdata=None, prefix="decline"))


def _closing(regrade: Regrade) -> type[DeclineForm | TakeBackForm]:
    """Return the form that closes a proposal without its being approved: who proposed it owes nobody a reason."""
    return TakeBackForm if regrade.proposed_by == actor().code else DeclineForm


def _page(
    regrade: Regrade,
    decline: DeclineForm | TakeBackForm,
    refusal: str = "",
    typed: Mapping[str, str] | None = None,
) -> str:
    here, zone, person = language(), actor().time_zone, actor()
    version, content = regrade.question_version, regrade.question_version.read()
    is_open = regrade.decided_at is None
    changes = service.preview(regrade) if is_open else []
    falls = [each for each in changes if each.is_fall]
    others = [each for each in changes if not each.is_fall]
    last = max(1, -(-len(others) // PAGE_SIZE))
    text = request.args.get("page", "1")
    asked = max(1, int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 1)
    number = min(asked, last)
    shown = others[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]
    rests = service.what_rests_on([each.attempt.code for each in falls])
    titles = queries.quiz_titles({each.attempt.quiz_id for each in changes})
    links = paper.links_of(queries.list_citations([version.id]).get(version.id, []), here)
    codes = {regrade.proposed_by, regrade.decided_by or ""} - {""}
    names = {each.code: each.name_in(here) for each in people.list_people_of(codes)}
    job = jobs.find_job(f"{service.JOB}:{regrade.code}") if regrade.is_approved else None
    typed = typed or {}

    def row(change: Change) -> dict[str, Any]:
        attempt = change.attempt
        return {
            "code": attempt.code,
            "name": attempt.person.name_in(here),
            "quiz": str(titles[attempt.quiz_id].title),
            "attempt_no": attempt.attempt_no,
            "before": format_percent(change.before.score),
            "after": format_percent(change.score),
            "points": f"{paper.points_words(change.points, change.most) or ''}",
            "was": "passed" if change.before.passed else "failed",
            "is": "passed" if change.reaches or (change.is_fall and f"fall-{attempt.code}" not in typed) else "failed",
            "is_rise": change.is_rise,
            "is_released": attempt.state is AttemptState.RELEASED,
            "rests": rests.get(attempt.code, []),
            "drops": f"fall-{attempt.code}" in typed,
            "why": typed.get(f"why-{attempt.code}", ""),
        }

    rises = len({change.attempt.person_id for change in changes if change.is_rise})
    return render_template(
        "quizzes/regrade.html",
        title=content.title.in_(here),
        code=regrade.code,
        state=_state(regrade),
        is_open=is_open,
        rule=kind_words(regrade.kind),
        accepts=_accepted_words(content, regrade, links),
        reason={"en": regrade.reason.en, "ja": regrade.reason.ja},
        bank=str(version.question.bank.title),
        question_href=url_for(
            "quizzes.question", slug=version.question.bank.slug, question=version.question.slug, version=version.number
        ) if can(SEE_BANKS) else None,
        back_href=url_for(
            "quizzes.question",
            slug=version.question.bank.slug,
            question=version.question.slug,
            _anchor="steps-title",
        ) if can(SEE_BANKS) else None,
        number=version.number,
        appeal_href=url_for("quizzes.appeal", code=regrade.appeal.code)
        if regrade.appeal and can(ANSWER_APPEAL, regrade.appeal)
        else None,
        facts=[
            (_("Proposed by"), names.get(regrade.proposed_by)),
            (_("Proposed"), format_instant(regrade.proposed_at, zone)),
            (_("Decided by"), names.get(regrade.decided_by or "")),
            (_("Decided"), format_instant(regrade.decided_at, zone) if regrade.decided_at else None),
            (_("Carried out at"), format_instant(regrade.finished_at, zone) if regrade.finished_at else None),
        ],
        note=regrade.note,
        taken_out=_taken_out(regrade) if is_open else None,
        went_short=_went_short(regrade),
        stays_out=(is_open or bool(regrade.is_approved)) and service.stays_out(regrade),
        falls=[row(each) for each in falls],
        consequences=_consequences(changes, len(falls), rises) if is_open else [],
        others=[row(each) for each in shown],
        summary=" · ".join(_how_many(changes)),
        rises=ngettext("%(num)d person passes who had not", "%(num)d people pass who had not", rises) if rises else "",
        paging=_("%(first)s–%(last)s of %(total)s", first=(number - 1) * PAGE_SIZE + 1,
                 last=(number - 1) * PAGE_SIZE + len(shown), total=len(others)) if last > 1 else "",
        previous=url_for("quizzes.regrade", code=regrade.code, page=number - 1) if number > 1 else None,
        next=url_for("quizzes.regrade", code=regrade.code, page=number + 1) if number < last else None,
        looked_at=service.seen(changes),
        changed=_changed(regrade, asked) if regrade.is_approved else None,
        may_decline=is_open and can(DECLINE_REGRADE, regrade),
        may_decide=is_open and can(DECIDE_REGRADE, regrade),
        is_own=regrade.proposed_by == person.code,
        is_taken_back=regrade.decided_by == regrade.proposed_by,
        decline=decline,
        refusal=refusal,
        job={
            "state": _JOB_STATES[job.state],
            "done": job.done,
            "total": max(job.total, 1),
        }
        if job is not None and regrade.finished_at is None
        else None,
        fallen=[
            {"name": each.attempt.person.name_in(here), "reason": each.reason} for each in regrade.falls
        ],
    )  # fmt: skip


def _changed(regrade: Regrade, number: int) -> dict[str, Any]:
    """Return what a regrade has changed, from what was kept of it: a stretch of the list, and how much it is in all."""
    found = looked_up.list_changed(regrade)
    last = max(1, -(-len(found) // PAGE_SIZE))
    number = min(number, last)
    shown = found[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]
    titles = queries.quiz_titles({each.attempt.quiz_id for each in shown})
    rests = service.what_rests_on([each.attempt.code for each in shown if each.before.passed])
    counts = [
        ngettext("%(num)d result was changed", "%(num)d results were changed", len(found)),
        *_each_where(found, "is_rise", _risen),
        *_each_where(found, "is_kept", _kept),
        *_each_where(found, "is_fall", _lost),
    ]
    return {
        "rows": [
            {
                "name": each.attempt.person.name_in(language()),
                "quiz": str(titles[each.attempt.quiz_id].title),
                "attempt_no": each.attempt.attempt_no,
                "before": format_percent(each.before.score),
                "after": format_percent(each.after.score),
                "points": paper.points_words(each.after.points, each.after.max_points),
                "was": "passed" if each.before.passed else "failed",
                "is": "passed" if each.after.passed else "failed",
                "is_kept": each.is_kept,
                "is_fall": each.is_fall,
                "is_rise": each.is_rise,
                "rests": rests.get(each.attempt.code, []),
            }
            for each in shown
        ],
        "summary": " · ".join(counts),
        "paging": _("%(first)s–%(last)s of %(total)s", first=(number - 1) * PAGE_SIZE + 1,
                    last=(number - 1) * PAGE_SIZE + len(shown), total=len(found)) if last > 1 else "",
        "previous": url_for("quizzes.regrade", code=regrade.code, page=number - 1) if number > 1 else None,
        "next": url_for("quizzes.regrade", code=regrade.code, page=number + 1) if number < last else None,
    }  # fmt: skip


def _how_many(changes: Sequence[Change]) -> list[str]:
    """Say how many results change, and of how many of them only the points do."""
    said = [ngettext("%(num)d result changes", "%(num)d results change", len(changes))]
    same = sum(each.score == each.before.score for each in changes)
    if same:
        said.append(
            ngettext("the score of %(num)d of them stays the same", "the scores of %(num)d of them stay the same", same)
        )
    return said


def _consequences(changes: Sequence[Change], falls: int, rises: int) -> list[str]:
    """Say in numbers what approving does, before it is done."""
    told = sum(each.attempt.state is AttemptState.RELEASED for each in changes)
    said = _how_many(changes)
    if rises:
        said.append(ngettext("%(num)d person passes who had not", "%(num)d people pass who had not", rises))
    if falls:
        said.append(
            ngettext(
                "%(num)d pass stays although the score is no longer enough, unless it is ticked",
                "%(num)d passes stay although the scores are no longer enough, unless they are ticked",
                falls,
            )
        )
    if told:
        said.append(
            ngettext(
                "%(num)d released result is told anew by email",
                "%(num)d released results are told anew by email",
                told,
            )
        )
    return said


def _each_where(found: Sequence[looked_up.Changed], what: str, words: Callable[[int], str]) -> list[str]:
    number = sum(getattr(each, what) for each in found)
    return [words(number)] if number else []


def _risen(number: int) -> str:
    return ngettext("%(num)d of them passes now", "%(num)d of them pass now", number)


def _kept(number: int) -> str:
    return ngettext("%(num)d pass was kept", "%(num)d passes were kept", number)


def _lost(number: int) -> str:
    return ngettext("%(num)d pass was not kept", "%(num)d passes were not kept", number)


def _taken_out(regrade: Regrade) -> list[dict[str, str]] | None:
    """Return the quizzes that go short without the question; None where it is drawn on."""
    found = service.taken_out(regrade)
    if found is None:
        return None
    return [
        {
            "href": url_for("quizzes.show", slug=each.version.quiz.slug),
            "said": _(
                "%(title)s: %(available)s of %(draws)s questions",
                title=each.version.title, available=each.available, draws=each.draws,
            ),
        }
        for each in found.short
    ]  # fmt: skip


def _went_short(regrade: Regrade) -> list[dict[str, str]]:
    """Return the quizzes that went short when the rule was approved, as it was then, and which can be drawn by now."""
    kept = regrade.went_short or []
    versions = {version.quiz.slug: version for version in queries.list_quizzes_of([slug for slug, _there, _of in kept])}
    still = {each.version.quiz.slug for each in flags.shortfalls(list(versions))}
    return [
        {
            "href": url_for("quizzes.show", slug=slug),
            "said": _(
                "%(title)s: %(available)s of %(draws)s questions",
                title=versions[slug].title, available=available, draws=draws,
            ),
            "now": "" if slug in still else _("There are enough questions again."),
        }
        for slug, available, draws in kept
    ]  # fmt: skip


def _accepted_words(content: Content, regrade: Regrade, links: paper.Links) -> list[dict[str, Any]]:
    """Return what is accepted besides the key, part by part, in words."""
    here, told = language(), []
    for part in content.parts:
        texts = {choice.id: paper.line(choice.text.in_(here), here, content.document, links) for choice in part.choices}
        for answer in (regrade.accepts or {}).get(part.id, ()):
            told.append(
                {
                    "part": part.heading.in_(here) if part.heading else None,
                    "answers": [texts.get(each, each) for each in answer],
                }
            )
    return told


@blueprint.post("/regrades/<code>/approve")
@requires(DECIDE_REGRADE, on=looked_up.get_regrade, see=SEE_REGRADES)
def approve_regrade(regrade: Regrade) -> Response | tuple[str, int]:
    """Let the rule stand, and mark again what was marked."""
    typed = {name: text for name, text in request.form.items() if name.startswith(("fall-", "why-"))}
    falls = {
        name.removeprefix("fall-"): typed.get("why-" + name.removeprefix("fall-"), "").strip()
        for name in typed
        if name.startswith("fall-")
    }

    def work() -> Done:
        service.approve_regrade(regrade=regrade, looked_at=request.form.get("looked_at", ""), falls=falls, by=actor())
        return Done(
            _("Approved. The results are being marked again; everybody concerned is told why."),
            url_for("quizzes.regrade", code=regrade.code),
        )

    return _decide(regrade, work, _closing(regrade)(formdata=None, prefix="decline"), typed)


@blueprint.post("/regrades/<code>/decline")
@requires(DECLINE_REGRADE, on=looked_up.get_regrade, see=SEE_REGRADES)
def decline_regrade(regrade: Regrade) -> Response | tuple[str, int]:
    """Turn a proposal down; whoever proposed it takes it back in the same way."""
    form = _closing(regrade)(prefix="decline")
    if not form.validate():
        return _page(regrade, form), 400
    is_own = isinstance(form, TakeBackForm)

    def work() -> Done:
        service.decline_regrade(regrade=regrade, note=form.note.data or "", by=actor())
        said = _("Taken back. No result was changed.") if is_own else _("Declined. No result was changed.")
        return Done(said, url_for("quizzes.regrade", code=regrade.code))

    return _decide(regrade, work, form, {})


def _decide(
    regrade: Regrade, work: Any, form: DeclineForm | TakeBackForm, typed: Mapping[str, str]
) -> Response | tuple[str, int]:
    try:
        return carry_out(work)
    except errors.NoSuchRegrade:
        raise
    except DomainError as refused:
        return _page(looked_up.get_regrade(regrade.code), form, str(refused), typed), refused.status

"""The author's page of a bank: a list for work, filtered by what questions are, and what is changed of many at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # the stubs do not know it yet

from portal.accounts import queries as people
from portal.core.access import actor, can, requires
from portal.core.errors import DomainError, NotAllowed
from portal.core.i18n import LANGUAGES, Words, language, ngettext
from portal.core.i18n import gettext as _
from portal.core.once import Done, carry_out
from portal.core.transaction import transaction
from portal.library import queries as documents
from portal.library.service.changed import LANGUAGE_WORDS
from portal.quizzes import queries
from portal.quizzes.errors import BankAddressTaken, QuizzesGoShort, SomeRefused
from portal.quizzes.forms.bank import NewBankForm
from portal.quizzes.models import QuestionBank, QuestionState
from portal.quizzes.permissions import APPROVE_QUESTIONS, BANK, SEE_BANKS, WRITE_QUESTIONS
from portal.quizzes.queries import files, flags, regrades, staleness
from portal.quizzes.service import editing as service
from portal.quizzes.service import new_bank as banks
from portal.quizzes.service.editing import SEVERITIES, Change, Outcome, Rehearsal
from portal.quizzes.service.listing import WAITS, Listed, Wanted, list_wanted
from portal.quizzes.types.base import read
from portal.quizzes.views import afterwards, author, blueprint, editing, losses, question
from portal.quizzes.views.figures import figures_in_quizzes
from portal.quizzes.views.owners import facts_of_owner, owner_href

Page = str | Response | tuple[str, int]

PAGE_SIZE = 50
MOST_AT_ONCE = 500
MOST_CLAUSES_SENT = 2000
_FILTERS = ("state", "type", "tag", "clause", "behind", "text")
_STEPS = ("in_review", "live", "pilot", "draft", "quarantined", "retired")


@blueprint.get("/banks/new")
@requires(WRITE_QUESTIONS)
def new_bank() -> str:
    """Show the form of a question bank that is not there yet."""
    return _new_page(NewBankForm(formdata=None))


@blueprint.post("/banks/new")
@requires(WRITE_QUESTIONS)
def add_bank() -> Page:
    """Make a question bank."""
    form = NewBankForm()
    form.document.choices = _documents()
    if not form.validate():
        return _new_page(form), 400
    slug = form.slug.data or ""

    def work() -> Done:
        title = Words(form.title_en.data or "", form.title_ja.data or "")
        banks.add_bank(slug=slug, title=title, document=form.document.data or "", by=actor())
        return Done(
            _("The question bank is there. Write its first question, or take in a file."),
            url_for("quizzes.bank", slug=slug),
        )

    try:
        return carry_out(work)
    except BankAddressTaken as refused:
        form.slug.errors = [str(refused)]
        return _new_page(form), refused.status


def _new_page(form: NewBankForm) -> str:
    form.document.choices = _documents()
    return render_template("quizzes/new_bank.html", form=form)


def _documents() -> list[SelectChoice]:
    """Return the documents that have a version, by title, and none."""
    slugs = [each.slug for each in documents.list_documents() if each.versions and each.base_id is None]
    titles = documents.list_document_titles(slugs, language())
    by_title = sorted(titles.items(), key=lambda each: each[1])
    return [SelectChoice("", _("None: each question names the document")), *(SelectChoice(*each) for each in by_title)]


@blueprint.get("/banks/<slug>")
@requires(SEE_BANKS, on=queries.get_bank)
def bank(bank: QuestionBank) -> str:
    """List the questions of a bank that are looked for."""
    return _page(bank)


@blueprint.post("/banks/<slug>/change")
@requires(APPROVE_QUESTIONS, on=queries.get_bank, see=SEE_BANKS)
def change_questions(bank: QuestionBank) -> Any:
    """Show what a change would do to each of the selected questions; once that is confirmed, do it to all of them."""
    change = _change(bank)
    if not _may_make(change):
        raise NotAllowed()
    numbers = _all_numbers(bank) if request.form.get("all") == "yes" else _numbers()
    if not numbers:
        return _page(bank, refusal=_("Select at least one question first.")), 400
    if len(numbers) > MOST_AT_ONCE:
        said = _(
            "At most %(most)s questions are changed at once, and these are %(number)s. Narrow the list by a filter.",
            most=MOST_AT_ONCE,
            number=len(numbers),
        )
        return _page(bank, refusal=said), 400
    try:
        service.check_change(change)
        if request.form.get("confirmed") != "yes":
            return _rehearsed(bank, change, numbers)
        return carry_out(lambda: _carry_out(bank, change, numbers))
    except (SomeRefused, QuizzesGoShort) as refused:
        return _rehearsed(bank, change, numbers, refused), refused.status
    except DomainError as refused:
        return _page(bank, refusal=str(refused)), refused.status


def _rehearsed(
    bank: QuestionBank, change: Change, numbers: Mapping[str, int], refused: DomainError | None = None
) -> str:
    with transaction():
        rehearsal = service.rehearse(bank=bank, numbers=numbers, change=change, by=actor())
        return _outcomes(bank, change, rehearsal, refused)


@blueprint.get("/banks/<slug>/change")
@requires(APPROVE_QUESTIONS, on=queries.get_bank, see=SEE_BANKS)
def change_again(bank: QuestionBank) -> Any:
    """Lead whoever comes back to the address of a change to the list."""
    return redirect(url_for("quizzes.bank", slug=bank.slug))


def question_steps() -> Sequence[str]:
    """Return the states into which many questions can be brought at once."""
    return _STEPS


def _carry_out(bank: QuestionBank, change: Change, numbers: Mapping[str, int]) -> Done:
    outcomes = service.change_many(bank=bank, numbers=numbers, change=change, by=actor(), accepting=losses.accepted())
    changed = sum(outcome.changed for outcome in outcomes)
    said = ngettext("%(num)d question was changed.", "%(num)d questions were changed.", changed)
    return Done(said, url_for("quizzes.bank", slug=bank.slug, **_kept_filters()))


def _may_make(change: Change) -> bool:
    """Say whether the person may make such a change of any question; what is none is refused in words."""
    if change.what not in service.CHANGES:
        return True
    if change.what != "step":
        return can(WRITE_QUESTIONS)
    return change.value not in question_steps() or question.may_take(change.value)


def _change(bank: QuestionBank) -> Change:
    what = request.form.get("what", "")
    value = request.form.get(f"value_{what}", "").strip() if what in service.CHANGES else ""
    if what == "cite":
        value = " ".join(editing.clauses_in(value[:MOST_CLAUSES_SENT], bank.document_slug))
    return Change(
        what,
        value if what == "cite" else value[:60],
        request.form.get("reason", "").strip() if what == "step" else "",
    )


def _all_numbers(bank: QuestionBank) -> dict[str, int]:
    """Return all questions (ids) that fit the filters of the list, and the version of each as it is now."""
    found, _offered = list_wanted(bank, Wanted(**_kept_filters()))
    return {each.question.slug: each.question.in_work for each in found}


def _numbers() -> dict[str, int]:
    """Return the selected questions (ids) and the version of each that was shown."""
    found = {}
    for given in request.form.getlist("question"):
        slug, _sign, number = given.partition(":")
        if number.isascii() and number.isdigit() and len(number) < 7:
            found[slug] = int(number)
    return found


def _kept_filters() -> dict[str, Any]:
    return {name: value for name in _FILTERS if (value := request.values.get(name, "")[:100])}


# --- pages -------------------------------------------------------------------------------------


def _page(bank: QuestionBank, refusal: str = "") -> str:
    kept = _kept_filters()
    wanted = Wanted(**kept)
    found, offered = list_wanted(bank, wanted)
    text = request.args.get("page", "1")
    last = max(1, -(-len(found) // PAGE_SIZE))
    number = min(max(1, int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 1), last)
    rows = found[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]
    waiting = staleness.count_stale().get(bank.slug, staleness.Waiting())
    selected = set(_numbers()) if request.method == "POST" else set()
    here = language()
    results = figures_in_quizzes([each.version.id for each in rows])
    standing = {rule.question_version.question_id: rule for rule in regrades.list_standing([bank.slug])}

    def page_href(to: int) -> str:
        return url_for("quizzes.bank", slug=bank.slug, **kept, page=to)

    return render_template(
        "quizzes/bank.html",
        title=str(bank.title),
        slug=bank.slug,
        open_files=files.count_open_imports(bank) if can(WRITE_QUESTIONS) else 0,
        stale=waiting.to_look_at + waiting.kept_out,
        flagged=flags.count_flags(bank),
        owner=facts_of_owner(people.find_owner(BANK, bank.slug)),
        owner_href=owner_href(BANK, bank.slug, bank),
        flags_href=url_for("quizzes.flags", bank=bank.slug),
        stale_href=url_for("quizzes.stale_of_bank", slug=bank.slug),
        document=author.document_words(bank, documents.list_document_titles([bank.document_slug], here)),
        asked=wanted,
        is_filtered=bool(kept),
        all_href=url_for("quizzes.bank", slug=bank.slug),
        states=_states(bank, wanted, offered.states, offered.waits),
        types=[(name, author.type_words(name)) for name in offered.types],
        tags=offered.tags,
        clauses=offered.clauses,
        languages=[(tag, LANGUAGE_WORDS[tag].in_(here)) for tag in LANGUAGES],
        questions=[
            _row(bank, each, results.get(each.version.id, []), is_selected=each.question.slug in selected)
            | {"rule": afterwards.kind_words(standing[each.question.id].kind) if each.question.id in standing else None}
            for each in rows
        ],
        refusal=refusal,
        may_write=can(WRITE_QUESTIONS),
        may_change=can(APPROVE_QUESTIONS),
        total=len(found),
        is_all=request.method == "POST" and request.form.get("all") == "yes",
        sent=_sent() if request.method == "POST" else {},
        clause_search=url_for("library.complete_clause"),
        new_href=url_for("quizzes.new_question", slug=bank.slug),
        change_href=url_for("quizzes.change_questions", slug=bank.slug),
        kept=kept,
        steps=[
            (to, question.step_words(to)) for to in _STEPS if question.may_take(to)
        ],
        severities=SEVERITIES,
        summary=_("%(first)s–%(last)s of %(total)s", first=(number - 1) * PAGE_SIZE + 1,
                  last=(number - 1) * PAGE_SIZE + len(rows), total=len(found)) if last > 1 else "",
        previous=page_href(number - 1) if number > 1 else None,
        next=page_href(number + 1) if number < last else None,
    )  # fmt: skip


def _sent() -> dict[str, str]:
    """Return what was chosen and typed in the form of a change, so that nothing of it is lost."""
    names = ("what", "reason", *(f"value_{what}" for what in service.CHANGES))
    return {name: request.form.get(name, "")[:MOST_CLAUSES_SENT] for name in names}


def _states(
    bank: QuestionBank, wanted: Wanted, counts: Mapping[QuestionState, int], waits: int
) -> list[dict[str, Any]]:
    """Return the states that questions of a bank are in, as views of the list."""

    def item(state: str, label: str, count: int) -> dict[str, Any]:
        kept = {name: value for name, value in _kept_filters().items() if name != "state"}
        values: dict[str, Any] = kept | ({"state": state} if state else {})
        href = url_for("quizzes.bank", slug=bank.slug, **values)
        return {"label": label, "href": href, "count": count, "current": wanted.state == state}

    found = [item("", _("All"), sum(counts.values()))]
    found += [
        item(state.value, author.short_state_words(state), counts[state]) for state in QuestionState if state in counts
    ]
    if waits:
        found.append(item(WAITS, _("New wording waits for approval"), waits))
    return found


def _row(
    bank: QuestionBank, each: Listed, results: Sequence[Mapping[str, Any]], *, is_selected: bool = False
) -> dict[str, Any]:
    row, content, here = each.question, each.content, language()
    behind = each.version.behind
    return {
        "slug": row.slug,
        "value": f"{row.slug}:{row.in_work}",
        "is_selected": is_selected,
        "title": content.title.in_(here) or row.slug,
        "address": f"{bank.slug}/{row.slug}",
        "href": url_for("quizzes.question", slug=bank.slug, question=row.slug),
        "chip": author.CHIPS[row.state],
        "state": author.short_state_words(row.state),
        "proposal": None
        if row.proposed is None
        else _("New wording waits for approval")
        if row.submitted_at is not None
        else _("New wording in work"),
        "behind": _("%(language)s is behind", language=LANGUAGE_WORDS[behind].in_(here)) if behind else None,
        "type": author.type_words(content.type),
        "tags": _(", ").join(content.tags),
        # The bank's own document goes without saying.
        "clauses": [{"label": name.removeprefix(f"{bank.document_slug}#"), "title": name} for name in content.clauses],
        "difficulty": content.difficulty,
        "severity": content.severity,
        # Of the quiz in which most people had it.
        "result": results[0] if results else None,
    }


def _outcomes(bank: QuestionBank, change: Change, rehearsal: Rehearsal, refused: DomainError | None = None) -> str:
    """Show what would come of a change for each question, and let it be confirmed for those that can be changed."""
    here = language()
    rows = [
        {
            "title": read(each.version.content).title.in_(here) or each.question.slug,
            "address": f"{bank.slug}/{each.question.slug}",
            "href": url_for("quizzes.question", slug=bank.slug, question=each.question.slug),
            "value": f"{each.question.slug}:{each.question.in_work}",
            "changes": each.changed,
            "waits": each.waits,
            "refusal": each.refusal,
        }
        for each in rehearsal.outcomes
    ]
    refusals = [row for row in rows if row["refusal"]]
    return render_template(
        "quizzes/change_questions.html",
        title=str(bank.title),
        bank_href=url_for("quizzes.bank", slug=bank.slug, **_kept_filters()),
        action=url_for("quizzes.change_questions", slug=bank.slug),
        change=change,
        said=_change_words(change),
        # What needs a decision comes first.
        rows=refusals + [row for row in rows if not row["refusal"]],
        refused_words=ngettext(
            "%(num)d question is refused and stays as it is; why stands beside it.",
            "%(num)d questions are refused and stay as they are; why stands beside each.",
            len(refusals),
        )
        if refusals
        else "",
        changing=[row for row in rows if row["changes"]],
        counts=_counted(rehearsal.outcomes),
        losses=losses.losses_shown(rehearsal.losses),
        is_unticked=isinstance(refused, QuizzesGoShort) and not losses.accepted(),
        kept=_kept_filters(),
        refusal=str(refused) if refused is not None else "",
    )


def _counted(outcomes: Sequence[Outcome]) -> list[str]:
    """Say how many questions a change would change, leaves as they are, and cannot change."""
    changed = sum(each.changed for each in outcomes)
    refused = sum(bool(each.refusal) for each in outcomes)
    same = len(outcomes) - changed - refused
    said = [ngettext("%(num)d question can be changed", "%(num)d questions can be changed", changed)]
    if same:
        said.append(ngettext("%(num)d is so already", "%(num)d are so already", same))
    if refused:
        said.append(
            ngettext("%(num)d cannot be changed and stays as it is", "%(num)d cannot be changed and stay as they are",
                     refused)
        )  # fmt: skip
    return said


def _change_words(change: Change) -> str:
    if change.what == "step":
        return question.step_words(change.value)
    return str(
        {
            "add_tag": _("Add the tag “%(tag)s”", tag=change.value),
            "remove_tag": _("Remove the tag “%(tag)s”", tag=change.value),
            "difficulty": _("Set the difficulty: %(value)s", value=change.value or _("not set")),
            "severity": _("Set the sensitivity level: %(value)s", value=change.value or _("not set")),
            "cite": _("Cite clauses: %(clauses)s", clauses=_(", ").join(change.value.split())),
            "in_step": _("Say that both languages say the same"),
        }[change.what]
    )

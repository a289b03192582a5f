"""Writing a question: both languages side by side, rows added and taken away by buttons, nothing lost on the way."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from flask import current_app, render_template, request, url_for

from portal.accounts import queries as people
from portal.core.access import actor, requires
from portal.core.errors import DomainError
from portal.core.i18n import LANGUAGES, Words, force_locale, language, pgettext
from portal.core.i18n import gettext as _
from portal.core.once import Done, carry_out
from portal.core.pictures import MAX_BYTES
from portal.core.transaction import transaction
from portal.core.web import takes_files
from portal.library.service import images
from portal.library.service.changed import LANGUAGE_WORDS
from portal.quizzes import errors, limits, queries
from portal.quizzes.forms import question as forms
from portal.quizzes.forms.question import FIELD_SETS, Counts, FieldSet, Values
from portal.quizzes.models import Question, QuestionBank
from portal.quizzes.permissions import SEE_BANKS, WRITE_QUESTIONS
from portal.quizzes.rules.lifecycle import COUNTING
from portal.quizzes.service import editing as service
from portal.quizzes.service import paper, pictures
from portal.quizzes.service import staleness as looked_at
from portal.quizzes.service.editing import Wrong
from portal.quizzes.types import type_of
from portal.quizzes.types.base import ANSWER, HARD, Content, read
from portal.quizzes.types.case import PICTURE
from portal.quizzes.types.contents import SHA256
from portal.quizzes.views import blueprint, reviews
from portal.quizzes.views.author import type_words
from portal.quizzes.views.figures import figures_in_quizzes

# A page has an end; the form of a question with more rows than that is not sent whole.
MOST_ROWS = 120
MOST_GAPS = 12
# A picture that is larger than is taken is refused beside its field; what is larger than this, as a whole.
MOST_SENT = 4 * MAX_BYTES


@blueprint.get("/banks/<slug>/questions/new")
@requires(WRITE_QUESTIONS, on=queries.get_bank, see=SEE_BANKS)
def new_question(bank: QuestionBank) -> str:
    """Show the types of questions, or an empty form of the chosen one."""
    kind = request.args.get("type", "")
    if kind not in FIELD_SETS:
        return render_template(
            "quizzes/new_question.html",
            bank_title=str(bank.title),
            bank_href=url_for("quizzes.bank", slug=bank.slug),
            types=[
                {"label": type_words(name), "help": _type_help(name),
                 "href": url_for("quizzes.new_question", slug=bank.slug, type=name)}
                for name in FIELD_SETS
            ],
        )  # fmt: skip
    field_set = FIELD_SETS[kind]
    counts = field_set.start()
    return _page(bank, None, kind, forms.build(field_set, counts, values={"shuffle": True}, is_new=True), counts)


@blueprint.post("/banks/<slug>/questions/new")
@takes_files(MOST_SENT)
@requires(WRITE_QUESTIONS, on=queries.get_bank, see=SEE_BANKS)
def add_question(bank: QuestionBank) -> Any:
    """Add the question as a draft, or add and take away rows of its form."""
    kind = request.args.get("type", "")
    if kind not in FIELD_SETS:
        raise errors.BadStep()
    return _posted(bank, None, kind)


@blueprint.get("/banks/<slug>/<question>/edit")
@requires(WRITE_QUESTIONS, on=queries.get_question, see=SEE_BANKS)
def edit_question(question: Question) -> str:
    """Show a question in its form."""
    if question.state == "retired":
        raise errors.NotWritable()
    version = queries.get_version(question, question.in_work)
    content = read(version.content)
    values, counts = _values_of(content)
    if sum(counts.values()) - counts.get("gaps", 0) > MOST_ROWS or counts.get("gaps", 0) > MOST_GAPS:
        raise errors.TooLongToWrite()
    if any(count > forms.MOST_ROWS for count in counts.values()):
        raise errors.TooLongToWrite()
    values["base"] = str(version.number)
    form = forms.build(FIELD_SETS[content.type], counts, values=values)
    return _page(question.bank, question, content.type, form, counts)


@blueprint.post("/banks/<slug>/<question>/edit")
@takes_files(MOST_SENT)
@requires(WRITE_QUESTIONS, on=queries.get_question, see=SEE_BANKS)
def save_question(question: Question) -> Any:
    """Save the question as a new version, or add and take away rows of its form."""
    version = queries.get_version(question, question.in_work)
    return _posted(question.bank, question, version.type)


# --- what was sent -----------------------------------------------------------------------------


def _posted(bank: QuestionBank, question: Question | None, kind: str) -> Any:
    field_set, counts = FIELD_SETS[kind], _counts(FIELD_SETS[kind])
    form = forms.build(field_set, counts, is_new=question is None)
    refused_picture = _keep_sent_picture(bank, form) if field_set.has_picture else []
    what, _colon, where = request.form.get("do", "save").partition(":")
    if what in _ROW_ACTIONS:
        values = form.data
        refusal = _ROW_ACTIONS[what](field_set, values, counts, where)
        form = forms.build(field_set, counts, values=values, is_new=question is None)
        if refused_picture:
            form.picture_file.errors = refused_picture
        return _page(bank, question, kind, form, counts, refusal=refusal, changed=where if not refusal else "")
    is_sound = form.validate()
    if field_set.has_picture and not refused_picture and _describes_no_picture(form):
        refused_picture = [_("Choose the picture that is described here, or clear what is said of it.")]
    if refused_picture:
        form.picture_file.errors = refused_picture
        is_sound = False
    content, places = _content(bank, question, kind, form, counts)
    if not is_sound:
        # With all else that is wrong: nobody has to send it again to learn of the next fault.
        _tell(form, places, service.wrong_with(content, is_draft=True))
        return _page(bank, question, kind, form, counts), 400
    if what == "preview":
        _tell(form, places, service.wrong_with(content, is_draft=True))
        return _page(bank, question, kind, form, counts, previewed=content)
    try:
        shown = content.picture.sha256 if content.picture else ""
        return carry_out(lambda: _save(bank, question, content, form), beside=shown)
    except errors.WordingFaulty as refused:
        _tell(form, places, refused.wrong)
        return _page(bank, question, kind, form, counts), refused.status
    except errors.WordingMovedOn as refused:
        if question is None:
            raise
        return _moved_on(queries.get_question(bank.slug, question.slug), kind, form, counts), refused.status
    except errors.IdTaken as refused:
        form.slug.errors = [str(refused)]
        return _page(bank, question, kind, form, counts), refused.status
    except DomainError as refused:
        return _page(bank, question, kind, form, counts, refusal=str(refused)), refused.status


def _describes_no_picture(form: Any) -> bool:
    return not form.picture.data and any(
        str(field.data or "").strip() for field in (form.picture_alt_en, form.picture_alt_ja, form.picture_severity)
    )


def _keep_sent_picture(bank: QuestionBank, form: Any) -> list[str]:
    """Keep the picture that came with a form, whatever becomes of the rest: a browser sends a file only once.

    Returns why it is none, if so.
    """
    # What is no hash of ours is none of ours.
    if form.picture.data and not SHA256.fullmatch(form.picture.data):
        form.picture.data = ""
    sent = request.files.get("picture_file")
    if sent is None or not sent.filename:
        return []
    data = sent.stream.read(MAX_BYTES + 1)
    # A large one lies in a file of its own until then.
    sent.close()
    try:
        limits.pictures.take(actor().code)
        # Before anything is held: unpacking takes time.
        made = images.remake(data)
    except DomainError as refused:
        return [str(refused)]
    with transaction():
        form.picture.data = pictures.keep_picture(made=made, bank=bank.slug, by=actor()).sha256
    form.picture_removed.data = False
    return []


def _save(bank: QuestionBank, question: Question | None, content: Content, form: Any) -> Done:
    if question is None:
        added = service.add_question(bank=bank, content=content, by=actor(), slug=form.slug.data or "")
        return Done(_("The draft is saved."), url_for("quizzes.question", slug=bank.slug, question=added.slug))
    base = str(form.base.data or "")
    version = service.save_wording(
        question=question, content=content, base=int(base) if base.isdecimal() and len(base) < 7 else 0, by=actor()
    )
    if version is None:
        said = _("Nothing was changed, so there is no new version.")
    elif question.proposed == version.number:
        said = _("The new wording is saved (version %(number)s). It waits beside the one that counts.",
                 number=version.number)  # fmt: skip
    else:
        said = _("Version %(number)s is saved.", number=version.number)
    return Done(said, url_for("quizzes.question", slug=bank.slug, question=question.slug))


def _counts(field_set: FieldSet) -> Counts:
    """Return how many rows were sent in each group, within what a form can have."""
    counts = Counts()
    if "gaps" in field_set.start():
        counts["gaps"] = _count("gaps", MOST_GAPS) or 1
    left = MOST_ROWS
    for group in field_set.groups(counts):
        counts[group.key] = len(group.fixed) or min(_count(group.key, forms.MOST_ROWS), left)
        left -= counts[group.key]
    return counts


def _count(key: str, most: int) -> int:
    text = request.form.get(f"rows__{key}", "")
    return min(int(text), most) if text.isascii() and text.isdigit() and len(text) < 4 else 0


def _row_names(field_set: FieldSet, counts: Counts, key: str) -> list[tuple[str, ...]]:
    """Return the names of the fields of a row without their row's number: what stands before and behind it."""
    group = next((group for group in field_set.groups(counts) if group.key == key), None)
    if group is None:
        return []
    return [
        (column.name, *((tag,) if column.kind == "words" else ()))
        for column in group.columns
        for tag in (LANGUAGES if column.kind == "words" else ("",))
    ]


def _swap(values: Values, names: Sequence[tuple[str, ...]], key: str, one: int, other: int) -> None:
    for rest in names:
        first, second = ("__".join((key, str(number), *rest)) for number in (one, other))
        values[first], values[second] = values.get(second), values.get(first)


def _add_row(field_set: FieldSet, values: Values, counts: Counts, where: str) -> str:
    group = next((group for group in field_set.groups(counts) if group.key == where and not group.fixed), None)
    if group is None:
        return ""
    if counts[where] >= forms.MOST_ROWS or sum(counts.values()) - counts.get("gaps", 0) >= MOST_ROWS:
        return _("No more rows can be added here.")
    counts[where] += 1
    return ""


def _take_row(field_set: FieldSet, values: Values, counts: Counts, where: str) -> str:
    key, number = _place(where)
    if number is None or not 0 <= number < counts.get(key, 0):
        return ""
    names, last = _row_names(field_set, counts, key), counts[key] - 1
    for each in range(number, last):
        _swap(values, names, key, each, each + 1)
    for rest in names:
        values.pop("__".join((key, str(last), *rest)), None)
    counts[key] -= 1
    return ""


def _move_up(field_set: FieldSet, values: Values, counts: Counts, where: str) -> str:
    key, number = _place(where)
    if number is not None and 0 < number < counts.get(key, 0):
        _swap(values, _row_names(field_set, counts, key), key, number, number - 1)
    return ""


def _move_down(field_set: FieldSet, values: Values, counts: Counts, where: str) -> str:
    key, number = _place(where)
    if number is not None and 0 <= number < counts.get(key, 0) - 1:
        _swap(values, _row_names(field_set, counts, key), key, number, number + 1)
    return ""


def _add_gap(field_set: FieldSet, values: Values, counts: Counts, where: str) -> str:
    if "gaps" not in counts:
        return ""
    if counts["gaps"] >= MOST_GAPS:
        return _("No more gaps can be added here.")
    counts["gaps"] += 1
    counts[f"gap-{counts['gaps']}"] = 2
    return ""


def _take_gap(field_set: FieldSet, values: Values, counts: Counts, where: str) -> str:
    # The numbers of the others stand in the text: only the last one goes.
    if counts.get("gaps", 0) > 1:
        counts.pop(f"gap-{counts['gaps']}", None)
        counts["gaps"] -= 1
    return ""


_ROW_ACTIONS = {
    "add": _add_row,
    "remove": _take_row,
    "up": _move_up,
    "down": _move_down,
    "add-gap": _add_gap,
    "remove-gap": _take_gap,
}


def _place(where: str) -> tuple[str, int | None]:
    key, _colon, number = where.partition(":")
    return key, int(number) if number.isascii() and number.isdigit() and len(number) < 4 else None


# --- forms and contents ------------------------------------------------------------------------


def _values_of(content: Content) -> tuple[Values, Counts]:
    """Return what the form of a question holds, and how many rows it has."""
    values, counts = FIELD_SETS[content.type].fill(content)
    for name, words in (("title", content.title), ("stem", content.stem), ("rationale", content.rationale)):
        for tag in LANGUAGES:
            values[f"{name}_{tag}"] = "" if words is None else words.ja if tag == "ja" else words.en
    values |= {
        "clauses": "\n".join(content.clauses),
        "tags": ", ".join(content.tags),
        "difficulty": str(content.difficulty or ""),
        "severity": content.severity or "",
        "marking": content.marking,
        "shuffle": content.shuffle,
    }
    return values | forms.fill_picture(content.picture), counts


def _content(
    bank: QuestionBank, question: Question | None, kind: str, form: Any, counts: Counts
) -> tuple[Content, Mapping[tuple[str, int | None], str]]:
    """Return the question that a form says, and where in the form each of its places stands."""
    field_set, values = FIELD_SETS[kind], form.data
    found = field_set.read(values, counts)
    parts = found.parts
    old = read(queries.get_version(question, question.in_work).content) if question else None
    if old is not None:
        parts = forms.kept_from(old, parts)
    document = old.document if old else bank.document_slug

    def words(name: str) -> Words:
        return Words(*(forms.as_kept(str(values.get(f"{name}_{tag}") or "")) for tag in LANGUAGES))

    rationale = words("rationale")
    marking = str(values.get("marking") or "")
    if field_set.markings:
        chosen = marking if marking in field_set.markings else field_set.markings[0]
    else:
        chosen = old.marking if old else "all_or_nothing"
    difficulty, severity = str(values.get("difficulty") or ""), str(values.get("severity") or "")
    content = Content(
        type=kind,
        title=Words(*(text.strip() for text in (words("title").en, words("title").ja))),
        stem=words("stem"),
        parts=parts,
        clauses=clauses_in(str(values.get("clauses") or ""), document),
        rationale=rationale if rationale.en.strip() or rationale.ja.strip() else None,
        difficulty=forms.whole(difficulty) if difficulty else None,
        severity=severity or None,
        tags=tuple(dict.fromkeys(filter(None, map(str.strip, re.split(r"[\n,、，]+", str(values.get("tags") or "")))))),
        marking=chosen,
        shuffle=bool(values.get("shuffle")) if field_set.shuffles else (old.shuffle if old else True),
        document=document,
        picture=forms.picture_of(values) if field_set.has_picture else None,
    )
    return content, found.places


def clauses_in(text: str, document: str) -> tuple[str, ...]:
    """Return the clauses of the lines of a text, `#id` and `id` meaning the bank's own document."""
    found: dict[str, None] = {}
    for name in filter(None, re.split(r"[\s,、，]+", text.replace("[[", " ").replace("]]", " "))):
        slug, _sign, anchor = name.rpartition("#")
        found.setdefault(f"{slug or document}#{anchor}")
    return tuple(found)


def _tell(form: Any, places: Mapping[tuple[str, int | None], str], wrong: Sequence[Wrong]) -> None:
    """Put what is wrong beside its fields; what belongs to none of them on top."""
    form.group_errors = {}
    for each in wrong:
        name = _field_of(form, places, each)
        if name is not None and name.startswith(forms.OF_GROUP):
            form.group_errors.setdefault(name.removeprefix(forms.OF_GROUP), []).append(each.message)
        elif name is None:
            form.form_errors = [*form.form_errors, each.message]
        else:
            form[name].errors = [*form[name].errors, each.message]


def _field_of(form: Any, places: Mapping[tuple[str, int | None], str], wrong: Wrong) -> str | None:
    if wrong.part == PICTURE:
        if "picture" not in form:
            return None
        if wrong.field:
            return wrong.field
        return "picture_severity" if wrong.choice else f"picture_alt_{wrong.language or language()}"
    if wrong.field:
        of_both = wrong.field in ("title", "stem", "rationale")
        name = f"{wrong.field}_{wrong.language or language()}" if of_both else wrong.field
        return name if name in form else None
    part = wrong.part or ANSWER
    found = places.get((part, wrong.choice)) or places.get((part, None))
    if found is None:
        return None
    names = _names_near(found, wrong.what, wrong.language)
    return next((name for name in names if name in form), found if found.startswith(forms.OF_GROUP) else None)


def _names_near(place: str, what: str, tag: str) -> list[str]:
    """Return the names that the field of a fault may have, the nearest first; `place` is that of its row or group."""
    if place.startswith(forms.OF_GROUP):
        row = place.removeprefix(forms.OF_GROUP)
        what = "because" if what == "why" else what
        return [f"{row}__{what}__{tag or 'en'}", f"{row}__{what}", *([f"{what}__0__symbol"] if what == "units" else [])]
    row = place.removesuffix("__en").rpartition("__")[0]
    near = [f"{row}__{what}__{tag or 'en'}", f"{row}__{what}"] if what else []
    return [*near, f"{place.removesuffix('en')}{tag}" if tag and place.endswith("__en") else place, place]


def _as_sent(value: Any) -> str:
    return forms.as_kept(str(value or "")).strip()


def _as_words(field: Any, value: Any) -> str:
    """Return the value of a field as a reader is told of it."""
    if isinstance(value, bool):
        return pgettext("a box", "ticked") if value else pgettext("a box", "not ticked")
    labels = {str(choice.value): str(choice.label) for choice in getattr(field, "choices", None) or ()}
    return labels.get(str(value), str(value))


# --- the page ----------------------------------------------------------------------------------


def _moved_on(question: Question, kind: str, form: Any, counts: Counts) -> str:
    """Show what was written beside what somebody else has saved in between; sent once more it is saved over that."""
    version = queries.get_version(question, question.in_work)
    values, _counts_then = _values_of(read(version.content))
    mine = form.data
    field_set = FIELD_SETS[kind]
    # What the page has no field for was sent by nobody.
    unseen = {"picture", *(() if field_set.shuffles else ("shuffle",)), *(() if field_set.markings else ("marking",))}
    theirs = [
        {
            "label": str(getattr(form[name], "said_as", form[name].label.text)),
            "text": _as_words(form[name], values[name]),
            "target": form[name].id,
        }
        for name in mine
        if name in values and name not in unseen and _as_sent(values[name]) != _as_sent(mine.get(name))
    ]
    if "picture" in mine and (values.get("picture") or "") != (mine["picture"] or ""):
        said = _("another one") if values.get("picture") else _("none")
        theirs.append({"label": str(form.picture_file.label.text), "text": said, "target": form.picture_file.id})
    form.base.data = str(version.number)
    person = people.find_person(version.created_by)
    return _page(
        question.bank,
        question,
        kind,
        form,
        counts,
        moved_on={
            "number": version.number,
            "by": person.name_in(language()) if person else version.created_by,
            "theirs": theirs,
            "href": url_for("quizzes.question", slug=question.bank.slug, question=question.slug),
        },
    )


def _page(
    bank: QuestionBank,
    question: Question | None,
    kind: str,
    form: Any,
    counts: Counts,
    *,
    refusal: str = "",
    changed: str = "",
    moved_on: Mapping[str, Any] | None = None,
    previewed: Content | None = None,
) -> str:
    field_set = FIELD_SETS[kind]
    groups = [
        {
            "key": group.key, "title": group.title, "row": group.row, "help": group.help, "adds": group.adds,
            "head": group.head, "columns": group.columns, "fixed": group.fixed, "moves": group.moves,
            "count": counts.get(group.key, 0), "errors": getattr(form, "group_errors", {}).get(group.key, []),
        }
        for group in field_set.groups(counts)
    ]  # fmt: skip
    changes, results, counting = [], [], 0
    if question is not None:
        counts_now = queries.get_version(question, question.latest)
        counting, results = counts_now.number, figures_in_quizzes([counts_now.id]).get(counts_now.id, [])
        version = queries.get_version(question, question.in_work)
        (clauses,) = looked_at.clauses_of([version]).values()
        changes = [f"{each.slug}#{each.anchor}" for each in clauses if each.is_changed]
    return render_template(
        "quizzes/edit_question.html",
        title=_edit_title(question, kind),
        bank_title=str(bank.title),
        bank_href=url_for("quizzes.bank", slug=bank.slug),
        question_href=url_for("quizzes.question", slug=bank.slug, question=question.slug) if question else None,
        address=f"{bank.slug}/{question.slug}" if question else None,
        type_words=type_words(kind),
        type_help=_type_help(kind),
        form=form,
        groups=groups,
        gaps=counts.get("gaps", 0),
        has_marking=bool(field_set.markings),
        has_shuffle=field_set.shuffles,
        has_rationale=kind != "case" or bool(form.rationale_en.data or form.rationale_ja.data),
        has_picture=field_set.has_picture,
        picture=_picture(form) if field_set.has_picture else None,
        picture_limits=images.limit_words(),
        counts_already=question is not None and question.state.value in COUNTING,
        is_in_review=question is not None and question.state == "in_review",
        came_back=reviews.came_back_words(question) if question is not None else None,
        changed_clauses=changes,
        counting=counting,
        results=[each for each in results if each["is_shown"]],
        refusal=refusal,
        changed=changed,
        moved_on=moved_on,
        preview=_preview(previewed) if previewed is not None else None,
        search_url=url_for("library.complete_clause")
        if "library.complete_clause" in current_app.view_functions
        else "",
    )


def _picture(form: Any) -> dict[str, Any] | None:
    """Return the picture that a form names, as its reader will be told of it."""
    named = forms.picture_of(form.data)
    if named is None:
        return None
    return {
        "href": url_for("quizzes.bank_picture", sha256=named.sha256),
        "alt": str(named.alt) or "–",
        "severity": named.severity or None,
        "is_hard": named.severity >= HARD,
        "words": forms.LEVEL_WORDS.get(named.severity),
    }


def _edit_title(question: Question | None, kind: str) -> str:
    if question is None:
        return _("New question: %(type)s", type=type_words(kind))
    title = read(queries.get_version(question, question.in_work).content).title.in_(language())
    return _("Edit: %(title)s", title=title or question.slug)


def _preview(content: Content) -> list[dict[str, Any]]:
    """Return what is written now as a learner would see it, in both languages; nothing of it is kept."""
    try:
        order = type_of(content.type).orders(content, shuffle=False, lot=lambda ids, _part: list(ids))
        return [_previewed(content, order, tag) for tag in LANGUAGES]
    except (DomainError, LookupError, ValueError):
        # What is written cannot be shown yet; what is wrong stands beside its fields.
        return []


def _previewed(content: Content, order: Mapping[str, Sequence[str]], tag: str) -> dict[str, Any]:
    with force_locale(tag):
        item = paper.question_form(content, order, [], language=tag, prefix=f"p-{tag}", answer={})
    return {"language": tag, "name": LANGUAGE_WORDS[tag].in_(language()), "item": item}


def _type_help(name: str) -> str:
    return str(
        {
            "single_choice": _("One of several choices is right."),
            "multiple_choice": _("Any number of choices are right."),
            "true_false": _("A statement is true or false."),
            "short_answer": _("A word or a few are written."),
            "numeric": _("A number is written, with a tolerance and units."),
            "matching": _("Each of several texts belongs to one of the same choices."),
            "ordering": _("Things are put in their right order."),
            "gap": _("Gaps of a running text are filled by choices, words or numbers."),
            "free_text": _("A text is written and marked by a person, by criteria."),
            "case": _("Something is described; then a decision, its clause and its sensitivity level are asked."),
        }.get(name, "")
    )

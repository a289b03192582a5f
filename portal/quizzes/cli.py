"""Commands about quizzes: `flask quizzes read`, `write`, `statistics`."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from flask.cli import AppGroup

from portal.core.commands import said_in
from portal.core.errors import DomainError
from portal.core.i18n import force_locale
from portal.core.i18n import gettext as _
from portal.core.markdown import visible
from portal.core.transaction import transaction
from portal.quizzes import queries
from portal.quizzes.formats import foreign
from portal.quizzes.formats.interchange import MAX_BYTES, BadData, ForeignQuestion, Reading, as_data, from_data
from portal.quizzes.formats.responses import ResponsesUnreadable, read_choices, read_marks
from portal.quizzes.queries.statistics import sittings_of
from portal.quizzes.rules import statistics as rules
from portal.quizzes.service.statistics import figures_of_sittings

quizzes = AppGroup("quizzes", help="Question banks, quizzes and what their results say.")
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@quizzes.command("read")
@click.argument("file", type=_FILE)
@click.option("--format", "name", type=click.Choice(foreign.NAMES), required=True)
@click.option("--json", "as_json", is_flag=True, help="The questions as data, instead of a line each.")
@click.option(
    "--encoding",
    type=click.Choice(tuple(foreign.ENCODINGS), case_sensitive=False),
    help="Of GIFT, Aiken, Markdown or CSV; default: what the bytes look like.",
)
@said_in
def read_questions(*, file: Path, name: str, as_json: bool, encoding: str | None, language: str) -> None:
    """Say what the question file FILE holds, without taking anything from it.

    The exit code is 0 where a question was read or the file holds none, and 1 where everything is refused.
    """
    # One byte more than may be: what is too large is said, not read.
    with file.open("rb") as opened:
        sent = opened.read(MAX_BYTES + 1)
    with force_locale(language):
        reading = foreign.read_file(name, sent, encoding or "")
        _say(reading, foreign.unusual_encoding(name, sent, encoding or ""), as_json=as_json)


def _say(reading: Reading, encoding: str, *, as_json: bool) -> None:
    if as_json:
        data = {
            "questions": [as_data(question) for question in reading.questions],
            "refused": [{"line": refused.line, "reason": refused.reason} for refused in reading.refused],
        }
        click.echo(json.dumps(data, ensure_ascii=False))
        _exit_with(reading)
        return
    if encoding:
        click.echo(_("The file is read as %(encoding)s.", encoding=encoding))
    for question in reading.questions:
        click.echo(visible(f"{question.line}: {question.type.value}: {' '.join(question.title.split())}"))
        for loss in question.losses:
            click.echo(visible("    " + _("without: %(loss)s", loss=loss)))
    for refused in reading.refused:
        click.echo(visible(f"{refused.line}: " + _("refused: %(reason)s", reason=refused.reason)))
    if not reading.questions and not reading.refused:
        click.echo(_("The file holds no question in this format."))
    counted = {"questions": len(reading.questions), "refused": len(reading.refused)}
    click.echo(_("questions: %(questions)s, refused: %(refused)s", **counted))
    _exit_with(reading)


def _exit_with(reading: Reading) -> None:
    if reading.refused and not reading.questions:
        raise click.exceptions.Exit(1)


@quizzes.command("write")
@click.argument("file", type=_FILE)
@click.option("--format", "name", type=click.Choice(foreign.NAMES), required=True)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Default: the standard output.")
@said_in
def write_questions(*, file: Path, name: str, output: Path | None, language: str) -> None:
    """Write the questions of FILE, as `read --json` prints them, in another format; say what it cannot hold."""
    with force_locale(language):
        _write(_questions_in(file), name, output)


def _write(questions: list[ForeignQuestion], name: str, output: Path | None) -> None:
    writing = foreign.format_named(name).write(questions)
    if output is None:
        click.echo(writing.data, nl=False)
    else:
        output.write_bytes(writing.data)
    for loss in writing.losses:
        question = questions[loss.place]
        title = " ".join(question.title.split())[:60] or question.id
        where = _("question %(number)s", number=loss.place + 1)
        where += _(" “%(title)s”", title=title) if title else ""
        where += _(" (line %(line)s)", line=question.line) if question.line else ""
        said = _("refused: %(reason)s", reason=loss.what) if loss.is_refused else _("without: %(loss)s", loss=loss.what)
        click.echo(visible(f"{where}: {said}"), err=True)


def _questions_in(file: Path) -> list[ForeignQuestion]:
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, ValueError, RecursionError) as broken:
        raise click.ClickException(_("%(file)s is no JSON: %(fault)s", file=file.name, fault=broken)) from broken
    listed = data.get("questions") if isinstance(data, dict) else data
    if not isinstance(listed, list):
        raise click.ClickException(_("%(file)s has no list “questions”", file=file.name))
    questions = []
    for place, each in enumerate(listed, start=1):
        try:
            questions.append(from_data(each))
        except BadData as bad:
            where = _("question %(number)s", number=place)
            raise click.ClickException(f"{where}: {bad}") from bad
    return questions


@quizzes.command("statistics")
@click.argument("slug", required=False)
@click.option("--responses", type=_FILE, help="A table of marks instead: one row a person under the items' names.")
@click.option("--key", type=_FILE, help="The responses are choices; this table says which of them are right.")
@click.option("--max", "greatest", type=float, metavar="MARKS", help="The greatest mark of each item of the responses.")
@click.option("--all-attempts", is_flag=True, help="Every attempt at the quiz; default: the first one of each person.")
@click.option("--json", "as_json", is_flag=True, help="Every figure, unrounded.")
@said_in
def show_statistics(
    *,
    slug: str | None,
    responses: Path | None,
    key: Path | None,
    greatest: float | None,
    all_attempts: bool,
    as_json: bool,
    language: str,
) -> None:
    """Print what the marks of the quiz SLUG, or of a table, say about its items and about itself.

    In a table of responses an empty cell (or “-”) was not answered and earns 0; NA (or “.”) was not shown to the person
    and does not count. Every row has as many cells as the heading.

    \b
    A key is a table, too: the items' names over one row of keys,
        q1,q2
        A,B|C
    or one item a line:
        q1,A
        q2,B|C
    B|C, or "B,C" between quotation marks, says that both are right. Upper and lower case of choices are the same
    unless both were chosen for one item.
    """
    with force_locale(language):
        figures = _figures(slug, responses, key, greatest, all_attempts=all_attempts)
    click.echo(json.dumps(_figures_as_data(figures), ensure_ascii=False) if as_json else "\n".join(_lines(figures)))


def _figures(
    slug: str | None, responses: Path | None, key: Path | None, greatest: float | None, *, all_attempts: bool
) -> rules.Figures:
    if (slug is None) == (responses is None):
        raise click.UsageError(_("Name a quiz, or a table with --responses."))
    if responses is None:
        if key is not None or greatest is not None:
            raise click.UsageError(_("--key and --max belong to --responses."))
        return _of_quiz(slug or "", all_attempts=all_attempts)
    if all_attempts:
        raise click.UsageError(_("--all-attempts belongs to a quiz."))
    if greatest is not None and (key is not None or not 0 < greatest < math.inf):
        raise click.UsageError(_("--max is greater than 0, and choices are marked with 0 and 1."))
    return _of_table(responses, key, greatest)


def _of_quiz(slug: str, *, all_attempts: bool) -> rules.Figures:
    with transaction():
        quiz = queries.find_quiz(slug)
        if quiz is None:
            raise click.ClickException(_("There is no quiz “%(slug)s”.", slug=slug))
        return figures_of_sittings(sittings_of(quiz.quiz_id, first_only=not all_attempts))


def _of_table(responses: Path, key: Path | None, greatest: float | None) -> rules.Figures:
    try:
        if key is None:
            marks = read_marks(responses.read_bytes(), responses.name)
            return rules.figures_of(marks.names, marks.rows, [greatest] * len(marks.names) if greatest else None)
        choices = read_choices(responses.read_bytes(), key.read_bytes(), responses.name)
        return rules.figures_of_choices(choices.names, choices.rows, choices.right)
    except (ResponsesUnreadable, DomainError) as refused:
        raise click.ClickException(str(refused)) from refused


def _figures_as_data(figures: rules.Figures) -> dict[str, Any]:
    """Return the figures as plain data, unrounded; None is what is not defined."""
    return {
        "items": [
            {
                "name": item.name,
                "n": item.n,
                "facility": item.facility,
                "sd": item.sd,
                "discrimination": item.discrimination,
                "point_biserial": item.point_biserial,
                "discriminative_efficiency": item.discriminative_efficiency,
                "effective_weight": item.effective_weight,
                "alpha_if_deleted": item.alpha_if_deleted,
                "warnings": [warned.value for warned in item.warnings],
            }
            | ({"choices": [_choice(each) for each in item.choices]} if item.choices else {})
            for item in figures.items
        ],
        "quiz": {name: getattr(figures.quiz, name) for name in rules.QuizFigures.__slots__},
    }


def _choice(each: rules.Chosen) -> dict[str, Any]:
    return {
        "choice": each.choice,
        "right": each.right,
        "count": each.count,
        "rate": each.rate,
        "thirds": {third.value: {"count": each.counts[third], "rate": each.rates[third]} for third in rules.Third},
    }


def _lines(figures: rules.Figures) -> list[str]:
    told: Callable[[float | None], str] = lambda value: "–" if value is None else f"{value:.3f}"  # noqa: E731
    width = max([4, *(len(item.name) for item in figures.items)])
    heads = ("n", "facility", "sd", "discrimination", "item-total", "efficiency", "weight", "alpha without")
    lines = [f"{'item':{width}}  " + "  ".join(f"{head:>14}" for head in heads)]
    for item in figures.items:
        values = (
            item.facility,
            item.sd,
            item.discrimination,
            item.point_biserial,
            item.discriminative_efficiency,
            item.effective_weight,
            item.alpha_if_deleted,
        )
        cells = [str(item.n), *(told(value) for value in values)]
        lines.append(f"{item.name:{width}}  " + "  ".join(f"{cell:>14}" for cell in cells))
        lines += [f"{'':{width}}  ({warned.value.replace('_', ' ')})" for warned in item.warnings]
    quiz = figures.quiz
    lines.append("")
    for name in rules.QuizFigures.__slots__:
        value = getattr(quiz, name)
        lines.append(f"{name.replace('_', ' ')}: {value if name == 'n' else told(value)}")
    return lines

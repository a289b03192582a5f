"""Commands about quizzes: `flask quizzes read`, `write`, `statistics`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from flask.cli import AppGroup

from portal.core.errors import DomainError
from portal.core.transaction import transaction
from portal.quizzes import queries
from portal.quizzes.formats import foreign
from portal.quizzes.formats.interchange import MAX_BYTES, BadData, ForeignQuestion, as_data, from_data
from portal.quizzes.formats.responses import ResponsesUnreadable, read_choices, read_marks
from portal.quizzes.queries.statistics import sittings_of
from portal.quizzes.rules import statistics as rules

quizzes = AppGroup("quizzes", help="Question banks, quizzes and what their results say.")
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@quizzes.command("read")
@click.argument("file", type=_FILE)
@click.option("--format", "name", type=click.Choice(foreign.NAMES), required=True)
@click.option("--json", "as_json", is_flag=True, help="The questions as data, instead of a line each.")
def read_questions(*, file: Path, name: str, as_json: bool) -> None:
    """Say what the question file FILE holds, without taking anything from it."""
    # One byte more than may be: what is too large is said, not read.
    with file.open("rb") as opened:
        reading = foreign.read_file(name, opened.read(MAX_BYTES + 1))
    if as_json:
        data = {
            "questions": [as_data(question) for question in reading.questions],
            "refused": [{"line": refused.line, "reason": refused.reason} for refused in reading.refused],
        }
        click.echo(json.dumps(data, ensure_ascii=False))
        return
    for question in reading.questions:
        click.echo(f"{question.line}: {question.type.value}: {question.title}")
        for loss in question.losses:
            click.echo(f"    without: {loss}")
    for refused in reading.refused:
        click.echo(f"{refused.line}: refused: {refused.reason}")
    click.echo(f"questions: {len(reading.questions)}, refused: {len(reading.refused)}")


@quizzes.command("write")
@click.argument("file", type=_FILE)
@click.option("--format", "name", type=click.Choice(foreign.NAMES), required=True)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Default: the standard output.")
def write_questions(*, file: Path, name: str, output: Path | None) -> None:
    """Write the questions of FILE, as `read --json` prints them, in another format; say what it cannot hold."""
    writing = foreign.format_named(name).write(_questions_in(file))
    if output is None:
        click.echo(writing.data, nl=False)
    else:
        output.write_bytes(writing.data)
    for loss in writing.losses:
        click.echo(f"question {loss.place + 1}: {'refused' if loss.is_refused else 'without'}: {loss.what}", err=True)


def _questions_in(file: Path) -> list[ForeignQuestion]:
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, ValueError, RecursionError) as broken:
        raise click.ClickException(f"{file.name} is no JSON: {broken}") from broken
    listed = data.get("questions") if isinstance(data, dict) else data
    if not isinstance(listed, list):
        raise click.ClickException(f"{file.name} has no list “questions”")
    questions = []
    for place, each in enumerate(listed, start=1):
        try:
            questions.append(from_data(each))
        except BadData as bad:
            raise click.ClickException(f"question {place}: {bad}") from bad
    return questions


@quizzes.command("statistics")
@click.argument("slug", required=False)
@click.option("--responses", type=_FILE, help="A table of marks instead: one row a person under the items' names.")
@click.option("--key", type=_FILE, help="The responses are choices; this table says which of them are right.")
@click.option("--max", "greatest", type=float, metavar="MARKS", help="The greatest mark of each item of the responses.")
@click.option("--all-attempts", is_flag=True, help="Every attempt at the quiz; default: the first one of each person.")
@click.option("--json", "as_json", is_flag=True, help="Every figure, unrounded.")
def show_statistics(
    *,
    slug: str | None,
    responses: Path | None,
    key: Path | None,
    greatest: float | None,
    all_attempts: bool,
    as_json: bool,
) -> None:
    """Print what the marks of the quiz SLUG, or of a table, say about its items and about itself."""
    if (slug is None) == (responses is None):
        raise click.UsageError("name a quiz, or a table with --responses")
    if responses is None:
        if key is not None or greatest is not None:
            raise click.UsageError("--key and --max belong to --responses")
        figures = _of_quiz(slug or "", all_attempts=all_attempts)
    else:
        if all_attempts:
            raise click.UsageError("--all-attempts belongs to a quiz")
        if greatest is not None and (key is not None or greatest <= 0):
            raise click.UsageError("--max is greater than 0, and choices are marked with 0 and 1")
        figures = _of_table(responses, key, greatest)
    click.echo(json.dumps(_figures_as_data(figures), ensure_ascii=False) if as_json else "\n".join(_lines(figures)))


def _of_quiz(slug: str, *, all_attempts: bool) -> rules.Figures:
    with transaction():
        quiz = queries.find_quiz(slug)
        if quiz is None:
            raise click.ClickException(f"there is no quiz {slug}")
        sittings = sittings_of(quiz.quiz_id, first_only=not all_attempts)
        return rules.figures_of([each.name for each in sittings.asked], sittings.marks(), sittings.maxima)


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

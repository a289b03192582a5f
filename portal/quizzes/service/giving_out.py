"""Questions of a bank as files for other systems, with what those cannot hold."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any

from portal.accounts.models import Person
from portal.core import clock, jobs
from portal.core.codes import new_code
from portal.core.db import session
from portal.core.i18n import LANGUAGES, force_locale
from portal.core.jobs import Outside, Progress
from portal.journal.service import record
from portal.quizzes import queries
from portal.quizzes.errors import BadWish
from portal.quizzes.formats import foreign
from portal.quizzes.formats.interchange import ForeignQuestion, Writing
from portal.quizzes.formats.into_bank import out_of_bank
from portal.quizzes.formats.losses import kind_of
from portal.quizzes.formats.markdown import STATES
from portal.quizzes.models import Question, QuestionBank, QuestionExport, QuestionVersion
from portal.quizzes.queries import files
from portal.quizzes.types import type_names
from portal.quizzes.types.base import Content, read

WRITE = "quizzes.write_file"
# So many questions are written at once, while whoever asked waits; more are the worker's.
AT_ONCE = 100


def wished(state: str, kind: str, tag: str) -> dict[str, str]:
    """Return which questions are asked for. Raises `BadWish`."""
    if (state and state not in (*STATES, "stale")) or (kind and kind not in type_names()):
        raise BadWish()
    return {name: value for name, value in (("state", state), ("type", kind), ("tag", tag)) if value}


def ask_for_file(
    *, bank: QuestionBank, name: str, language: str, wanted: Mapping[str, str], by: Person
) -> QuestionExport:
    """Make a file of the questions of a bank in the format of the name, or owe it where there are many."""
    made = QuestionExport(
        code=new_code(),
        bank=bank,
        created_at=clock.now(),
        created_by=by,
        format=name,
        language=language,
        wanted=dict(wanted),
        losses=[],
    )
    chosen = chosen_of(bank, wanted)
    made.asked, made.written = len(chosen), 0
    session.add(made)
    session.flush()
    if len(chosen) <= AT_ONCE:
        _keep(made, _written(_Asked.of(made, chosen)))
    else:
        jobs.enqueue(WRITE, {"code": made.code}, effect_key=writing_key(made), requested_by=by.code)
    record(
        "quizzes.file_asked_for",
        by=by,
        subject=("question_bank", bank.slug),
        after={"format": name, "language": language, "number": made.asked},
    )
    return made


def writing_key(made: QuestionExport) -> str:
    """Return the effect key of the work that writes the file."""
    return f"{WRITE}:{made.code}"


def chosen_of(bank: QuestionBank, wanted: Mapping[str, str]) -> list[tuple[Question, QuestionVersion]]:
    """Return the questions that are asked for, in the order of the bank."""
    return [
        (question, version)
        for question, version in queries.list_latest(bank)
        if wanted.get("state", question.state) == question.state
        and wanted.get("type", version.type) == version.type
        and ("tag" not in wanted or wanted["tag"] in version.content["tags"])
    ]


class _Asked:
    """What a file is made of: plain data, so that it can be written outside of a transaction."""

    def __init__(
        self, name: str, language: str, category: str, version: str, questions: Sequence[tuple[str, str, Content]]
    ) -> None:
        self.name, self.language, self.category, self.version = name, language, category, version
        self.questions = questions

    @classmethod
    def of(cls, made: QuestionExport, chosen: Sequence[tuple[Question, QuestionVersion]]) -> _Asked:
        return cls(
            made.format,
            made.language,
            made.bank.title.in_(made.language),
            made.bank.document_version,
            [(question.slug, question.written_state.value, read(version.content)) for question, version in chosen],
        )


class _Written:
    """A file with what it does not hold: [question, its title, in English, in Japanese, whether it is left out]."""

    def __init__(self, data: bytes, written: int, losses: list[list[Any]]) -> None:
        self.data, self.written, self.losses = data, written, losses


def _written(asked: _Asked) -> _Written:
    files_: dict[str, Writing] = {}
    told: dict[str, list[list[str]]] = {}
    for tag in LANGUAGES:
        with force_locale(tag):
            questions: list[ForeignQuestion] = []
            told[tag] = []
            for slug, state, content in asked.questions:
                given = out_of_bank(
                    content,
                    language=asked.language,
                    slug=slug,
                    category=asked.category,
                    version=asked.version,
                    state=state,
                )
                questions.append(given.question)
                told[tag].append(list(given.losses))
            files_[tag] = foreign.format_named(asked.name).write(questions)
    losses: list[list[Any]] = []
    refused = {loss.place for loss in files_["en"].losses if loss.is_refused}
    for place, (slug, _state, content) in enumerate(asked.questions):
        title = content.title.in_(asked.language)
        if place not in refused:
            losses += [_loss(slug, title, en, ja) for en, ja in zip(told["en"][place], told["ja"][place], strict=False)]
        of_format = [
            (one.what, other.what, one.is_refused)
            for one, other in zip(files_["en"].losses, files_["ja"].losses, strict=False)
            if one.place == place
        ]
        losses += [
            _loss(slug, title, en, ja, is_refused=is_refused)
            for en, ja, is_refused in of_format
            if is_refused or place not in refused
        ]
    # A table has its headings in the language of its texts.
    return _Written(files_[asked.language].data, len(asked.questions) - len(refused), losses)


def _loss(slug: str, title: str, en: str, ja: str, *, is_refused: bool = False) -> list[Any]:
    return [slug, title, en, ja, is_refused, kind_of(en), kind_of(ja)]


def _keep(made: QuestionExport, written: _Written) -> None:
    made.data, made.written, made.losses = written.data, written.written, written.losses
    made.made_at = clock.now()
    session.flush()


def write_asked(code: str) -> Generator[Any, Any, None]:
    """Write a file that was asked for; the steps of a job."""
    made = files.find_export(code)
    if made is None or made.made_at is not None:
        return
    asked = _Asked.of(made, chosen_of(made.bank, made.wanted))
    yield Progress(0, len(asked.questions))
    written: _Written = yield Outside(lambda: _written(asked))
    made = files.find_export(code)
    if made is not None:
        _keep(made, written)
        yield Progress(len(asked.questions), len(asked.questions))


def filename_of(made: QuestionExport) -> str:
    """Return the name under which the file is saved."""
    return f"{made.bank.slug}-{made.language}{foreign.format_named(made.format).suffix}"

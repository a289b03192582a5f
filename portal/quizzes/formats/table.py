"""Questions as a table, one row each: what a spreadsheet program writes, with as many or as few columns as one needs.

The columns are described in docs/content-format.md. Headings are understood in both languages; a table is written in
the language of its reader.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from functools import cache
from typing import Any, TypeVar

from portal.core import tables
from portal.core.i18n import Words, language
from portal.core.i18n import gettext as _
from portal.quizzes.formats import list_cells
from portal.quizzes.formats.interchange import (
    FULL,
    MAX_QUESTIONS,
    MAX_TEXT,
    MAX_TITLE,
    BadData,
    ForeignAnswer,
    ForeignChoice,
    ForeignGap,
    ForeignPart,
    ForeignQuestion,
    Kind,
    Loss,
    Reading,
    Refused,
    TextFormat,
    Writing,
)
from portal.quizzes.formats.list_cells import Item, number_of, number_text
from portal.quizzes.formats.losses import CannotHold, lost

_T = TypeVar("_T")
SEVERITIES = ("S0", "S1", "S2", "S3", "S4")
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_NUMBERED = re.compile(r"(?P<family>.*?\D)(?P<number>[1-9][0-9]{0,2})", re.ASCII | re.DOTALL)
_MARKS = re.compile(r"[\s_\-‐ー・.]+")
# “Option A”, beside “Option 1”; further letters could be the end of a word.
_LETTERED = re.compile(r"(?P<family>.+)(?P<letter>[a-l])", re.DOTALL)
# Some programs write every number with decimals.
_WHOLE = re.compile(r"[0-9]{1,3}(?:\.0{1,6})?", re.ASCII)
_DECIMAL_COMMA = re.compile(r"[+-]?[0-9]{1,30},[0-9]{1,30}", re.ASCII)
_THOUSANDS = re.compile(r"[+-]?[1-9][0-9]{0,2},[0-9]{3}", re.ASCII)
_BETWEEN_RIGHT = re.compile(r"[|,、;\s]+")
# The letters of more right choices than any question has.
_LONGEST_KEY = 1_000
_NO_SHARE = Fraction(1)


@dataclass(frozen=True, slots=True)
class Column:
    """A column, or a family of numbered ones: its heading in both languages, and what else it is called."""

    name: str
    heading: Words
    also: tuple[str, ...] = ()
    is_numbered: bool = False
    # Numbered columns of one group stand beside each other: choice_1, fraction_1, feedback_1, choice_2 …
    group: str = ""


COLUMNS = (
    Column("id", Words("id", "ID"), ("識別子",)),
    Column("category", Words("category", "分類"), ("カテゴリ", "カテゴリー")),
    Column("type", Words("type", "種類"), ("question type", "種別", "形式", "タイプ", "問題の種類", "設問の種類")),
    Column("title", Words("title", "題名"), ("name", "タイトル", "件名")),
    Column(
        "stem",
        Words("stem", "設問文"),
        ("question", "question text", "text", "設問", "問題文", "問題", "質問", "質問文", "本文"),
    ),
    Column("text_format", Words("text_format", "書式"), ("format",)),
    Column("choice", Words("choice", "選択肢"), ("option", "answer option", "answer", "選択枝"), True, "choice"),
    Column("fraction", Words("fraction", "得点率"), ("percent",), True, "choice"),
    Column("feedback", Words("feedback", "選択肢の解説"), ("rationale", "解説"), True, "choice"),
    Column(
        "right",
        Words("right", "正答"),
        (
            "right answer",
            "correct answer",
            "key",
            "answer",
            "正解",
            "right answers",
            "correct answers",
            "correct answer(s)",
            "correct option",
        ),
    ),
    Column("marking", Words("marking", "採点方法"), ()),
    Column("correct", Words("correct", "正誤"), ()),
    Column("feedback_true", Words("feedback_true", "「正しい」の解説"), ("正しいの解説",)),
    Column("feedback_false", Words("feedback_false", "「誤り」の解説"), ("誤りの解説",)),
    Column("answers", Words("answers", "解答"), ("accepted answers", "解答例", "正答例", "答え")),
    Column("tolerance", Words("tolerance", "許容誤差"), ("誤差",)),
    Column("units", Words("units", "単位"), ("unit",)),
    Column("case_sensitive", Words("case_sensitive", "大文字と小文字の区別"), ("大文字小文字の区別",)),
    Column("pairs", Words("pairs", "組合せ"), ("組み合わせ", "組", "対応")),
    Column("gap", Words("gap", "空欄"), ("穴埋め",), True, "gap"),
    Column("part", Words("part", "小問"), (), True, "part"),
    Column("part_heading", Words("part_heading", "小問の見出し"), (), True, "part"),
    Column("part_feedback", Words("part_feedback", "小問の解説"), (), True, "part"),
    Column(
        "general_feedback",
        Words("general_feedback", "解説"),
        ("explanation", "全体の解説", "全般的な解説", "設問の解説"),
    ),
    Column("points", Words("points", "配点"), ("point", "marks", "点数")),
    Column("shuffle", Words("shuffle", "順序を混ぜる"), ("シャッフル",)),
    Column("tags", Words("tags", "タグ"), ("tag",)),
    Column("clauses", Words("clauses", "条項"), ("clause", "根拠条項")),
    Column("document", Words("document", "文書"), ()),
    Column("document_version", Words("document_version", "文書の版"), ("版",)),
    Column("severity", Words("severity", "注意レベル"), ("sensitivity level",)),
    Column("difficulty", Words("difficulty", "難易度"), ()),
    Column("state", Words("state", "状態"), ("status",)),
    Column("template", Words("template", "解答のひな形"), ("ひな形", "テンプレート")),
    Column("marking_notes", Words("marking_notes", "採点の手引き"), ("採点メモ", "採点基準")),
    Column("least", Words("least", "最少文字数"), ("min characters",)),
    Column("most", Words("most", "最大文字数"), ("max characters",)),
)
_BY_NAME = {column.name: column for column in COLUMNS}
_PLACE = {column.name: place for place, column in enumerate(COLUMNS)}
# Cells that hold several things; blanks at their ends may belong to the last one.
_LISTS = frozenset({"answers", "units", "pairs", "tags", "clauses", "gap", "part"})

KINDS: Mapping[Kind, tuple[Words, tuple[str, ...]]] = {
    Kind.SINGLE_CHOICE: (
        Words("single_choice", "単一選択"),
        ("single", "multiple choice single", "択一", "一択", "単数選択", "択一式"),
    ),
    Kind.MULTIPLE_CHOICE: (Words("multiple_choice", "複数選択"), ("multiple", "multiple response", "多肢選択")),
    Kind.TRUE_FALSE: (Words("true_false", "正誤"), ("true or false", "true/false", "○×", "〇×", "正誤問題")),
    Kind.SHORT_ANSWER: (Words("short_answer", "短答"), ("short", "記述", "短答式", "記述(短答)")),
    Kind.NUMERIC: (Words("numeric", "数値"), ("number", "numerical")),
    Kind.MATCHING: (Words("matching", "組合せ"), ("match", "組み合わせ", "マッチング")),
    Kind.ORDERING: (Words("ordering", "並べ替え"), ("order", "並び替え", "整序")),
    Kind.GAP: (Words("gap", "空欄補充"), ("gaps", "cloze", "穴埋め", "穴埋め問題")),
    Kind.FREE_TEXT: (Words("free_text", "自由記述"), ("essay", "論述", "作文")),
    Kind.CASE: (Words("case", "事例"), ("事例問題",)),
    Kind.DESCRIPTION: (Words("description", "説明"), ("説明文",)),
}
_YES_NO = {
    True: (Words("yes", "はい"), ("true", "t", "y", "1", "on", "正", "正しい", "○", "〇", "◯", "する", "有")),
    False: (Words("no", "いいえ"), ("false", "f", "n", "0", "off", "誤", "誤り", "×", "✕", "x", "しない", "無")),
}
_TRUTH = {True: Words("true", "正"), False: Words("false", "誤")}
_FORMATS = {
    TextFormat.MOODLE: (Words("moodle", "moodle"), ()),
    TextFormat.HTML: (Words("html", "html"), ()),
    TextFormat.PLAIN: (Words("plain", "plain"), ("text", "テキスト")),
    TextFormat.MARKDOWN: (Words("markdown", "markdown"), ("md", "マークダウン")),
}
_STATES = {
    "live": (Words("live", "出題中"), ()),
    "draft": (Words("draft", "下書き"), ()),
    "retired": (Words("retired", "廃止"), ()),
}
_ALL_OR_NOTHING, _PARTIAL, _PENALTY = "all_or_nothing", "partial", "penalty"
_MARKING = {
    _ALL_OR_NOTHING: (Words(_ALL_OR_NOTHING, "すべて正答"), ("all", "完全正答")),
    _PARTIAL: (Words(_PARTIAL, "部分点"), ("部分点あり",)),
    _PENALTY: (Words(_PENALTY, "減点"), ("減点あり",)),
}


def _folded(text: str) -> str:
    return _MARKS.sub("", unicodedata.normalize("NFKC", text).casefold())


def _lookup(names: Mapping[_T, tuple[Words, tuple[str, ...]]]) -> dict[str, _T]:
    return {_folded(text): value for value, (words, also) in names.items() for text in (words.en, words.ja, *also)}


_KIND_OF, _YES_NO_OF, _FORMAT_OF = _lookup(KINDS), _lookup(_YES_NO), _lookup(_FORMATS)
_STATE_OF, _MARKING_OF = _lookup(_STATES), _lookup(_MARKING)
_COLUMN_OF = {
    is_numbered: {
        _folded(text): column.name
        for column in COLUMNS
        if column.is_numbered == is_numbered
        for text in (column.heading.en, column.heading.ja, *column.also)
    }
    for is_numbered in (False, True)
}
# What stands in the brackets of gaps and parts.
_GAP_WORDS = {
    "choice": "choice",
    "text": "text",
    "number": "number",
    "選択": "choice",
    "記入": "text",
    "数値": "number",
}
_CASE_WORDS = frozenset({"case", "大小区別"})
_POINTS_WORDS = ("points=", "配点=")


class Sheet:
    """A table of questions in one kind of file; either kind is read whatever the file is called."""

    def __init__(
        self,
        *,
        name: str,
        suffix: str,
        content_type: str,
        encode: Callable[[Sequence[str], Iterable[Sequence[object]]], bytes],
        longest: int,
    ) -> None:
        self.name = name
        self.suffix = suffix
        self.content_type = content_type
        self._encode = encode
        # Characters that a cell may have.
        self._longest = longest

    def read(self, data: bytes) -> Reading:
        """Return what a file holds; a line is the number of a row in the sheet."""
        try:
            found, refused = _outcomes(data)
        except tables.TableUnreadable as unreadable:
            return Reading((), (_refusal_of(unreadable),))
        questions: list[ForeignQuestion] = []
        for outcome in found:
            if isinstance(outcome, Refused):
                refused.append(outcome)
            elif len(questions) >= MAX_QUESTIONS:
                # The rest is not looked at.
                reason = _("There are more than %(most)s questions.", most=MAX_QUESTIONS)
                refused.append(Refused(outcome.line, reason))
                break
            else:
                questions.append(outcome)
        return Reading(tuple(questions), tuple(sorted(refused, key=lambda each: each.line)))

    def write(self, questions: Sequence[ForeignQuestion]) -> Writing:
        """Return a file of the questions and what it leaves out."""
        losses: list[Loss] = []
        rows: list[tuple[int, dict[str, object]]] = []
        names = {"type", "title", "stem"}
        size = 0
        for place, question in enumerate(questions):
            try:
                cells = self._cells(question, names)
                size += sum(len(str(cell).encode()) + 3 for cell in cells.values()) + tables.MAX_COLUMNS
                if size > tables.MAX_BYTES or len(rows) >= MAX_QUESTIONS:
                    raise CannotHold(_("The file would be too large with it. Write it into another one."))
            except CannotHold as reason:
                losses.append(Loss(place, str(reason), True))
                continue
            names |= cells.keys()
            rows.append((place, cells))
        kept: list[tuple[int, dict[str, object]]] = []
        for (place, cells), outcome in zip(rows, self._read_back(rows), strict=True):
            if isinstance(outcome, Refused):
                losses.append(Loss(place, outcome.reason, True))
            elif outcome.type is not questions[place].type:
                other = _("The format has no questions of this kind, or none like this one.")
                losses.append(Loss(place, other, True))
            else:
                kept.append((place, cells))
                losses += [Loss(place, what) for what in lost(questions[place], outcome)]
        # What belongs to one question stands together.
        losses.sort(key=lambda loss: loss.place)
        return Writing(self._encoded(kept), tuple(losses))

    def _cells(self, question: ForeignQuestion, names: set[str]) -> dict[str, object]:
        """Return the cells of a question, as far as they go into one table with the columns there are already."""
        try:
            cells = _row_of(question)
        except (BadData, ValueError):
            raise CannotHold(_("It holds a number that no table can say.")) from None
        cells = {name: _encodable(cell) if isinstance(cell, str) else cell for name, cell in cells.items()}
        longest = max(len(cell) for cell in cells.values() if isinstance(cell, str))
        if longest > self._longest:
            raise CannotHold(_("A cell holds at most %(most)s characters.", most=f"{self._longest:,}"))
        if len(names | cells.keys()) > tables.MAX_COLUMNS:
            raise CannotHold(_("A table has at most %(most)s columns.", most=tables.MAX_COLUMNS))
        return cells

    def _read_back(self, rows: Sequence[tuple[int, dict[str, object]]]) -> list[ForeignQuestion | Refused]:
        try:
            outcomes, _left_out = _outcomes(self._encoded(rows))
            found = list(outcomes)
        except tables.TableUnreadable as unreadable:
            return [_refusal_of(unreadable)] * len(rows)
        if len(found) != len(rows):
            return [Refused(0, _("The file cannot be read again."))] * len(rows)
        return found

    def _encoded(self, rows: Sequence[tuple[int, dict[str, object]]]) -> bytes:
        names = sorted({"type", "title", "stem"}.union(*(cells for _place, cells in rows)), key=_order)
        return self._encode(
            [_heading(name, language()) for name in names],
            ([cells.get(name) for name in names] for _place, cells in rows),
        )


def _refusal_of(unreadable: tables.TableUnreadable) -> Refused:
    line = unreadable.values.get("line", 0)
    return Refused(line if isinstance(line, int) else 0, str(unreadable))


def _encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


# --- headings ----------------------------------------------------------------------------------


def _known(heading: str) -> str | None:
    """Return the name of the column under a heading, `choice_1` for one of a family; None where there is none.

    What belongs to a choice may have its letter instead of its number.
    """
    folded = _folded(heading)
    numbered = _NUMBERED.fullmatch(folded)
    if numbered and numbered["family"] in _COLUMN_OF[True]:
        return f"{_COLUMN_OF[True][numbered['family']]}_{numbered['number']}"
    found = _COLUMN_OF[False].get(folded)
    lettered = _LETTERED.fullmatch(folded) if found is None else None
    if lettered and _BY_NAME.get(name := _COLUMN_OF[True].get(lettered["family"], ""), COLUMNS[0]).group == "choice":
        return f"{name}_{_LETTERS.index(lettered['letter'].upper()) + 1}"
    return found


@cache
def _family(name: str) -> tuple[str, int]:
    """Return the family of a column and its number, 0 where it stands alone."""
    family, _sign, number = name.rpartition("_")
    return (family, int(number)) if number.isdigit() else (name, 0)


def _order(name: str) -> tuple[int, int, int]:
    family, number = _family(name)
    column = _BY_NAME[family]
    return _PLACE[column.group or family], number, _PLACE[family]


def _heading(name: str, tag: str) -> str:
    family, number = _family(name)
    heading = _BY_NAME[family].heading.in_(tag)
    return heading if not number else f"{heading}{number}" if tag == "ja" else f"{heading}_{number}"


# --- reading -----------------------------------------------------------------------------------


def _outcomes(data: bytes) -> tuple[Iterator[ForeignQuestion | Refused], list[Refused]]:
    """Return what becomes of each row, and what was refused beside the rows. Raises `TableUnreadable`."""
    table = tables.read_table(data, leave_out=True)
    refused = [Refused(line, str(fault)) for line, fault in table.left_out]
    columns: dict[str, str] = {}
    unknown: list[str] = []
    for heading in table.header:
        name = _known(heading)
        if name is None or name in columns:
            unknown.append(heading)
        else:
            columns[name] = heading
    if unknown:
        reason = _(
            "These columns are not known, and what stands in them is left out: %(names)s.",
            names=", ".join(f"“{heading[:60]}”" for heading in unknown[:20]),
        )
        refused.append(Refused(table.line, reason))
    if "stem" not in columns:
        reason = _("No column holds the text of the questions. Name it “stem” in the first line.")
        return iter(()), [*refused, Refused(table.line, reason)]
    # Choices are met in the order of their numbers, wherever their columns stand.
    columns = dict(sorted(columns.items(), key=lambda column: _order(column[0])))
    return (_outcome(row, columns, unknown) for row in table.rows), refused


def _outcome(row: tables.Row, columns: Mapping[str, str], unknown: Sequence[str]) -> ForeignQuestion | Refused:
    try:
        question = _Row(row, columns).question()
    except _Unfit as unfit:
        return Refused(row.line, str(unfit))
    except list_cells.TooManyItems:
        return Refused(row.line, _("A cell holds more than %(most)s items.", most=list_cells.MAX_ITEMS))
    left_out = [heading for heading in unknown if row.get(heading)][:20]
    if left_out:
        told = [_("what stands in the column “%(name)s”", name=heading[:60]) for heading in left_out]
        question = replace(question, losses=(*question.losses, *told))
    return question


class _Unfit(Exception):
    """A row is no question; the words say why."""


class _Row:
    """The cells of one row by the names of their columns."""

    def __init__(self, row: tables.Row, columns: Mapping[str, str]) -> None:
        self.line = row.line
        self.cells: dict[str, str] = {}
        self.families: set[str] = set()
        self.choices: dict[int, str] = {}
        self.losses: list[str] = []
        for name, heading in columns.items():
            cell = row.cells.get(heading, "")
            if not cell or cell.isspace():
                continue
            if len(cell) > MAX_TEXT:
                raise _Unfit(
                    _("The cell under “%(name)s” is longer than %(most)s characters.", name=heading[:60], most=MAX_TEXT)
                )
            if "\r" in cell:
                cell = cell.replace("\r\n", "\n").replace("\r", "\n")
            family, number = _family(name)
            self.families.add(family)
            self.cells[name] = cell = cell if family in _LISTS else cell.strip()
            if family == "choice":
                self.choices[number] = cell
        self.headings = columns

    def get(self, name: str) -> str:
        return self.cells.get(name, "")

    def question(self) -> ForeignQuestion:
        stem = self.get("stem")
        if not stem:
            raise _Unfit(_("The question has no text."))
        self._move_misplaced()
        kind = self._kind()
        question = ForeignQuestion(
            type=kind,
            title=self._title(stem),
            stem=stem,
            text_format=self._one_of("text_format", _FORMAT_OF, TextFormat.PLAIN),
            general_feedback=self.get("general_feedback"),
            tags=list_cells.words(self.get("tags")),
            id=self.get("id"),
            category=self.get("category"),
            points=self._points(kind),
            shuffle=self._one_of("shuffle", _YES_NO_OF, True),
            case_sensitive=self._one_of("case_sensitive", _YES_NO_OF, False),
            units=self._pairs("units"),
            template=self.get("template"),
            marking_notes=self.get("marking_notes"),
            clauses=list_cells.words(self.get("clauses")),
            document=self.get("document"),
            document_version=self.get("document_version"),
            severity=self._severity(),
            difficulty=self._difficulty(),
            state=self._one_of("state", _STATE_OF, "live"),
            length=(self._characters("least"), self._characters("most")),
            line=self.line,
        )
        question = replace(question, **self._answered(kind))
        return replace(question, losses=tuple(self.losses))

    # --- what kind of question it is ---

    def _move_misplaced(self) -> None:
        """Take the answer from where people write it: every language has several words for it."""
        if self.choices and not self.get("right"):
            for name in ("correct", "answers"):
                if self.get(name):
                    self.cells["right"] = self.cells.pop(name).strip()
                    return
        if not self.choices and self.get("right"):
            given = self.cells["right"]
            to = (
                "correct"
                if _folded(given) in _YES_NO_OF and self._named_kind() in (None, Kind.TRUE_FALSE)
                else "answers"
            )
            if to not in self.cells:
                self.cells[to] = self.cells.pop("right")
                self.families.add(to)

    def _named_kind(self) -> Kind | None:
        return self._one_of("type", _KIND_OF, None)

    def _kind(self) -> Kind:
        named = self._named_kind()
        if named is not None:
            return named
        families = self.families
        if "gap" in families:
            return Kind.GAP
        if "part" in families:
            return Kind.CASE
        if "pairs" in families:
            return Kind.MATCHING
        if "choice" in families:
            several = len(self._right_places(self._choice_cells())) > 1
            return Kind.MULTIPLE_CHOICE if several else Kind.SINGLE_CHOICE
        if "correct" in families:
            return Kind.TRUE_FALSE
        if "answers" in families:
            return Kind.NUMERIC if families & {"tolerance", "units"} else Kind.SHORT_ANSWER
        raise _Unfit(_("Nothing says what is right, nor of which type the question is."))

    def _answered(self, kind: Kind) -> dict[str, Any]:
        """Return the fields that hold what can be answered."""
        if kind in (Kind.SINGLE_CHOICE, Kind.MULTIPLE_CHOICE):
            return self._choices(kind)
        if kind is Kind.TRUE_FALSE:
            correct = self._one_of("correct", _YES_NO_OF, None)
            if correct is None:
                raise _Unfit(_("Nothing says whether the statement is true: write “true” or “false” under “correct”."))
            return {
                "correct": correct,
                "feedback_true": self.get("feedback_true"),
                "feedback_false": self.get("feedback_false"),
            }
        if kind in (Kind.SHORT_ANSWER, Kind.NUMERIC):
            answers = self._answers("answers", self.get("answers"), is_numeric=kind is Kind.NUMERIC)
            if not answers:
                raise _Unfit(_("The question has no answer."))
            return {"answers": answers}
        if kind is Kind.MATCHING:
            pairs = self._pairs("pairs")
            if not pairs:
                raise _Unfit(_("The question has no pairs. Write “left = right”, one a line."))
            return {"pairs": pairs}
        if kind is Kind.ORDERING:
            choices = self._choice_cells()
            if len(choices) < 2:
                raise _Unfit(_("A question needs at least two choices."))
            together = self._one_of("marking", _MARKING_OF, _ALL_OR_NOTHING)
            if together == _PENALTY:
                raise self._unknown("marking", self.get("marking"))
            return {"choices": self._weighted(choices), "marking": _PARTIAL if together == _PARTIAL else ""}
        if kind is Kind.GAP:
            return {"gaps": self._gaps()}
        if kind is Kind.CASE:
            return {"parts": self._parts()}
        return {}

    # --- choices ---

    def _choice_cells(self) -> dict[int, str]:
        if self.families & {"fraction", "feedback"}:
            for name in self.cells:
                family, number = _family(name)
                if family in ("fraction", "feedback") and number not in self.choices:
                    raise _Unfit(_("Choice %(letter)s has no text.", letter=number))
        return self.choices

    def _weighted(self, choices: Mapping[int, str]) -> tuple[ForeignChoice, ...]:
        if not self.families & {"fraction", "feedback"}:
            return tuple(map(ForeignChoice, choices.values()))
        return tuple(
            ForeignChoice(text, self._share(f"fraction_{number}"), self.get(f"feedback_{number}"))
            for number, text in choices.items()
        )

    def _choices(self, kind: Kind) -> dict[str, Any]:
        choices = self._choice_cells()
        if len(choices) < 2:
            raise _Unfit(_("A question needs at least two choices."))
        right = self._right_places(choices)
        together = self._one_of("marking", _MARKING_OF, None)
        if "fraction" in self.families:
            weighted = self._weighted(choices)
            worth = {number for number, each in zip(choices, weighted, strict=True) if each.fraction > 0}
            if right and right != worth:
                raise _Unfit(_("The column “right” and the fractions say different things. Keep one of them."))
            return {"choices": weighted, **self._marked(kind, together, is_whole=together == _ALL_OR_NOTHING)}
        if not right:
            raise _Unfit(_("Nothing says which choice is right. Write its letter under “right”, several as “B|C”."))
        if kind is Kind.SINGLE_CHOICE and len(right) > 1:
            raise _Unfit(_("More than one choice is marked as right."))
        share = FULL / len(right)
        is_partial = together in (_PARTIAL, _PENALTY)
        wrong = -share if kind is Kind.MULTIPLE_CHOICE and is_partial else Fraction(0)
        return {
            "choices": tuple(
                ForeignChoice(text, share if number in right else wrong, self.get(f"feedback_{number}"))
                for number, text in choices.items()
            ),
            **self._marked(kind, together, is_whole=kind is Kind.MULTIPLE_CHOICE and not is_partial),
        }

    @staticmethod
    def _marked(kind: Kind, together: str | None, *, is_whole: bool) -> dict[str, Any]:
        is_penalty = kind is Kind.MULTIPLE_CHOICE and together == _PENALTY
        return {"all_or_nothing": is_whole, "marking": _PENALTY if is_penalty else ""}

    def _right_places(self, choices: Mapping[int, str]) -> set[int]:
        """Return the numbers of the choices that are named as right: by letter, by number, or by the whole text."""
        given = self.get("right")
        if not given:
            return set()
        if len(given) > _LONGEST_KEY and given not in choices.values():
            raise _Unfit(_("“%(text)s” under “right” names no choice.", text=given[:40]))
        by_text = [number for number, text in choices.items() if text == given]
        tokens = [each for each in _BETWEEN_RIGHT.split(unicodedata.normalize("NFKC", given).upper()) if each]
        if len(tokens) == 1 and len(tokens[0]) > 1 and set(tokens[0]) <= set(_LETTERS) and not by_text:
            # “BC” means both.
            tokens = list(tokens[0])
        named = {self._place_of(token, choices) for token in tokens}
        if None not in named and named:
            if by_text and set(by_text) != named:
                raise _Unfit(
                    _(
                        "“%(text)s” is both the text of a choice and the name of another. Write a letter.",
                        text=given[:40],
                    )
                )
            return {place for place in named if place is not None}
        if len(by_text) == 1:
            return set(by_text)
        raise _Unfit(_("“%(text)s” under “right” names no choice.", text=given[:40]))

    @staticmethod
    def _place_of(token: str, choices: Mapping[int, str]) -> int | None:
        if len(token) == 1 and token in _LETTERS:
            place = _LETTERS.index(token) + 1
        elif _WHOLE.fullmatch(token):
            place = int(token.partition(".")[0])
        else:
            return None
        return place if place in choices else None

    # --- answers, pairs, gaps, parts ---

    def _items(self, name: str, cell: str) -> list[Item]:
        try:
            return list_cells.items(cell)
        except BadData as bad:
            raise self._no_number(name, str(bad)) from None

    def _answers(self, name: str, cell: str, *, is_numeric: bool) -> tuple[ForeignAnswer, ...]:
        usual = self._tolerance(self.get("tolerance")) if is_numeric and name == "answers" else ""
        answers = []
        for item in self._items(name, cell):
            worth = FULL if item.worth is None else item.worth
            if not is_numeric:
                answers.append(ForeignAnswer(text=item.text, fraction=worth, feedback=item.feedback))
                continue
            written, tolerance = item.with_tolerance
            value = _digits(written)
            if value != "*" and not self._is_number(value):
                raise self._no_number(name, written)
            answers.append(
                ForeignAnswer(
                    value=value,
                    tolerance=self._tolerance(tolerance) or usual,
                    fraction=worth,
                    feedback=item.feedback,
                )
            )
        return tuple(answers)

    def _tolerance(self, written: str) -> str:
        value = _digits(written)
        if value and (not self._is_number(value) or value.startswith("-")):
            raise self._no_number("tolerance", written)
        return value

    @staticmethod
    def _is_number(text: str) -> bool:
        try:
            number_of(text)
        except BadData:
            return False
        return "/" not in text

    def _pairs(self, name: str) -> tuple[tuple[str, str], ...]:
        try:
            return tuple(list_cells.pairs(self.get(name)))
        except BadData as bad:
            raise _Unfit(
                _(
                    "“%(text)s” is no pair. Write “left = right”, one a line; in a text “=” is written as “\\=”.",
                    text=str(bad)[:40],
                )
            ) from None

    def _numbered(self, family: str) -> list[tuple[int, str]]:
        return sorted(
            (number, cell) for name, cell in self.cells.items() for found, number in [_family(name)] if found == family
        )

    def _gaps(self) -> tuple[ForeignGap, ...]:
        gaps: list[ForeignGap] = []
        for number, cell in self._numbered("gap"):
            name = f"gap_{number}"
            if number != len(gaps) + 1:
                raise _Unfit(_("Gap %(number)s is missing.", number=len(gaps) + 1))
            said, rest = list_cells.bracketed(cell)
            kind, points, is_case_sensitive = "text", Fraction(1), False
            for word in said:
                folded = unicodedata.normalize("NFKC", word).casefold()
                if folded in _GAP_WORDS:
                    kind = _GAP_WORDS[folded]
                elif folded in _CASE_WORDS:
                    is_case_sensitive = True
                elif folded.startswith(_POINTS_WORDS):
                    points = self._number(name, folded.partition("=")[2])
                else:
                    raise self._unknown(name, word)
            gap = ForeignGap(points=points, is_numeric=kind == "number", case_sensitive=is_case_sensitive)
            if kind == "choice":
                gap = replace(gap, choices=self._choices_of(name, rest))
            else:
                gap = replace(gap, answers=self._answers(name, rest, is_numeric=kind == "number"))
            gaps.append(gap)
        if not gaps:
            raise _Unfit(
                _("The question has no gaps. Write “[[1]]” into its text, and what belongs there under “gap_1”.")
            )
        return tuple(gaps)

    def _parts(self) -> tuple[ForeignPart, ...]:
        parts = []
        for number, cell in self._numbered("part"):
            name = f"part_{number}"
            said, rest = list_cells.bracketed(cell)
            part_id, points = "", Fraction(1)
            for word in said:
                if word.casefold().startswith(_POINTS_WORDS):
                    points = self._number(name, word.partition("=")[2])
                elif part_id:
                    raise self._unknown(name, word)
                else:
                    part_id = word
            if not part_id:
                raise _Unfit(
                    _("Part %(number)s does not say what it is. Begin its cell with “[decision]”.", number=number)
                )
            parts.append(
                ForeignPart(
                    id=part_id,
                    heading=self.get(f"part_heading_{number}"),
                    choices=self._choices_of(name, rest),
                    points=points,
                    feedback=self.get(f"part_feedback_{number}"),
                )
            )
        if not parts:
            raise _Unfit(_("The case has no parts. Write the first one under “part_1”."))
        return tuple(parts)

    def _choices_of(self, name: str, cell: str) -> tuple[ForeignChoice, ...]:
        return tuple(
            ForeignChoice(item.text, Fraction(0) if item.worth is None else item.worth, item.feedback)
            for item in self._items(name, cell)
        )

    # --- single cells ---

    def _title(self, stem: str) -> str:
        title = self.get("title")
        if len(title) > MAX_TITLE:
            self.losses.append(_("the end of its title"))
        return _short(title or stem)

    def _points(self, kind: Kind) -> Fraction:
        if "points" in self.cells:
            return self._number("points", self.cells["points"])
        if kind is Kind.CASE:
            return sum((part.points for part in self._parts()), Fraction(0))
        return Fraction(1)

    def _severity(self) -> str:
        severity = unicodedata.normalize("NFKC", self.get("severity")).upper()
        if severity and severity not in SEVERITIES:
            raise self._unknown("severity", severity)
        return severity

    def _difficulty(self) -> int | None:
        if "difficulty" not in self.cells:
            return None
        value = self._number("difficulty", self.cells["difficulty"])
        if value.denominator != 1 or not 1 <= value <= 5:
            raise self._unknown("difficulty", self.cells["difficulty"])
        return int(value)

    def _characters(self, name: str) -> int | None:
        if name not in self.cells:
            return None
        value = self._number(name, self.cells[name])
        if value.denominator != 1 or value < 1:
            raise self._unknown(name, self.cells[name])
        return int(value)

    def _share(self, name: str) -> Fraction:
        """Return a percentage; without a sign a number up to 1 is a share, which is how Excel keeps “50%”."""
        cell = self.get(name)
        if not cell:
            return Fraction(0)
        bare = cell.rstrip("%％").rstrip()
        value = self._number(name, bare)
        return value * 100 if bare == cell and abs(value) <= _NO_SHARE else value

    def _number(self, name: str, text: str) -> Fraction:
        try:
            return number_of(text)
        except BadData:
            raise self._no_number(name, text) from None

    def _one_of(self, name: str, known: Mapping[str, _T], usual: _T) -> _T:
        cell = self.get(name)
        if not cell:
            return usual
        try:
            return known[_folded(cell)]
        except KeyError:
            raise self._unknown(name, cell) from None

    def _unknown(self, name: str, text: str) -> _Unfit:
        return _Unfit(
            _("“%(text)s” under “%(name)s” is not known.", text=text.strip()[:40], name=self.headings.get(name, name))
        )

    def _no_number(self, name: str, text: str) -> _Unfit:
        heading = self.headings.get(name, name)
        return _Unfit(_("“%(text)s” under “%(name)s” is no number.", text=text.strip()[:40], name=heading[:60]))


def _short(text: str) -> str:
    # A blank that is no plain one (a no-break space, an ideographic one) was written on purpose.
    return " ".join(part for part in re.split(r"[ \t\r\n\f\v]+", text) if part)[:MAX_TITLE].rstrip()


def _digits(text: str) -> str:
    """Return a number as it is meant; a comma divides off decimals, unless it may as well divide thousands."""
    told = unicodedata.normalize("NFKC", text).replace("−", "-").strip()
    return told.replace(",", ".") if _DECIMAL_COMMA.fullmatch(told) and not _THOUSANDS.fullmatch(told) else told


# --- writing -----------------------------------------------------------------------------------


def _row_of(question: ForeignQuestion) -> dict[str, object]:
    """Return the cells of a question; raises `BadData` or `ValueError` for a number that cannot be said."""
    tag = language()
    cells: dict[str, object] = {
        "type": KINDS[question.type][0].in_(tag),
        "title": question.title,
        "stem": question.stem,
        "id": question.id,
        "category": question.category,
        "general_feedback": question.general_feedback,
        "template": question.template,
        "marking_notes": question.marking_notes,
        "document": question.document,
        "document_version": question.document_version,
        "tags": list_cells.written_words(question.tags),
        "clauses": list_cells.written_words(question.clauses),
        "units": list_cells.written_pairs(question.units),
        "severity": question.severity if question.severity in SEVERITIES else "",
        "difficulty": question.difficulty,
        "least": question.length[0],
        "most": question.length[1],
    }
    if question.text_format is not TextFormat.PLAIN:
        cells["text_format"] = question.text_format.value
    usual_points = sum((part.points for part in question.parts), Fraction(0)) if question.parts else Fraction(1)
    if question.points != usual_points:
        cells["points"] = _number_cell(question.points)
    if not question.shuffle:
        cells["shuffle"] = _YES_NO[False][0].in_(tag)
    if question.case_sensitive:
        cells["case_sensitive"] = _YES_NO[True][0].in_(tag)
    if question.state in _STATES and question.state != "live":
        cells["state"] = _STATES[question.state][0].in_(tag)
    cells |= _answered_cells(question, tag)
    return {name: cell for name, cell in cells.items() if cell not in ("", None) or name in ("title", "stem")}


def _answered_cells(question: ForeignQuestion, tag: str) -> dict[str, object]:
    kind = question.type
    if kind in (Kind.SINGLE_CHOICE, Kind.MULTIPLE_CHOICE, Kind.ORDERING):
        cells: dict[str, object] = {}
        for number, choice in enumerate(question.choices, start=1):
            cells[f"choice_{number}"] = choice.text
            cells[f"feedback_{number}"] = choice.feedback
        return cells | _worth_cells(question, tag)
    if kind is Kind.TRUE_FALSE:
        return {
            "correct": _TRUTH[bool(question.correct)].in_(tag),
            "feedback_true": question.feedback_true,
            "feedback_false": question.feedback_false,
        }
    if kind in (Kind.SHORT_ANSWER, Kind.NUMERIC):
        tolerances = {answer.tolerance for answer in question.answers}
        shared = tolerances.pop() if len(tolerances) == 1 else ""
        return {
            "answers": _answer_items(question.answers, is_numeric=kind is Kind.NUMERIC, shared=shared),
            "tolerance": shared,
        }
    if kind is Kind.MATCHING:
        return {"pairs": list_cells.written_pairs(question.pairs)}
    if kind is Kind.GAP:
        return {f"gap_{number}": _gap_cell(gap) for number, gap in enumerate(question.gaps, start=1)}
    cells = {}
    for number, part in enumerate(question.parts if kind is Kind.CASE else (), start=1):
        points = "" if part.points == 1 else f" points={number_text(part.points)}"
        cells[f"part_{number}"] = f"[{part.id}{points}] {_choice_items(part.choices)}"
        cells[f"part_heading_{number}"] = part.heading
        cells[f"part_feedback_{number}"] = part.feedback
    return cells


def _worth_cells(question: ForeignQuestion, tag: str) -> dict[str, object]:
    """Return what says which choices are right: their letters where that says it all, else what each is worth."""
    if question.type is Kind.ORDERING and not any(each.fraction for each in question.choices):
        return {"marking": _MARKING[_PARTIAL][0].in_(tag)} if question.marking == _PARTIAL else {}
    is_multiple = question.type is Kind.MULTIPLE_CHOICE
    right = [place for place, each in enumerate(question.choices) if each.fraction > 0]
    wrong = {each.fraction for each in question.choices if each.fraction <= 0}
    share = FULL / len(right) if right else FULL
    if (
        question.type is not Kind.ORDERING
        and right
        and {question.choices[place].fraction for place in right} == {share}
    ):
        letters = "|".join(_LETTERS[place] if place < len(_LETTERS) else str(place + 1) for place in right)
        if wrong <= {Fraction(0)} and (question.all_or_nothing if is_multiple else len(right) == 1):
            return {"right": letters}
        if is_multiple and not question.all_or_nothing and wrong == {-share}:
            marking = _PENALTY if question.marking == _PENALTY else _PARTIAL
            return {"right": letters, "marking": _MARKING[marking][0].in_(tag)}
    cells: dict[str, object] = {
        f"fraction_{number}": _share_cell(each.fraction) for number, each in enumerate(question.choices, start=1)
    }
    if question.all_or_nothing or question.marking in _MARKING:
        cells["marking"] = _MARKING[_ALL_OR_NOTHING if question.all_or_nothing else question.marking][0].in_(tag)
    return cells


def _number_cell(value: Fraction) -> object:
    """Return a number for a cell: as a number where a spreadsheet program keeps it, else as text."""
    if value.denominator == 1:
        return int(value)
    text = number_text(value)
    return text if "/" in text else Decimal(text)


def _share_cell(value: Fraction) -> object:
    return f"{number_text(value)}%" if 0 < abs(value) <= _NO_SHARE else _number_cell(value)


def _answer_items(answers: Iterable[ForeignAnswer], *, is_numeric: bool, shared: str = "") -> str:
    items = []
    for answer in answers:
        text = (answer.value or "") if is_numeric else answer.text
        worth = answer.fraction if answer.fraction != FULL or list_cells.needs_worth(text) else None
        tolerance = answer.tolerance if is_numeric and answer.tolerance != shared else ""
        items.append(list_cells.written_item(text, worth, answer.feedback, tolerance))
    return "\n".join(items)


def _choice_items(choices: Iterable[ForeignChoice]) -> str:
    return "\n".join(
        list_cells.written_item(
            each.text, each.fraction if each.fraction or list_cells.needs_worth(each.text) else None, each.feedback
        )
        for each in choices
    )


def _gap_cell(gap: ForeignGap) -> str:
    kind = "choice" if gap.choices else "number" if gap.is_numeric else "text"
    said = [kind]
    if gap.points != 1:
        said.append(f"points={number_text(gap.points)}")
    if gap.case_sensitive:
        said.append("case")
    items = _choice_items(gap.choices) if gap.choices else _answer_items(gap.answers, is_numeric=gap.is_numeric)
    return f"[{' '.join(said)}] {items}"


def _workbook(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    return tables.write_xlsx(header, rows, sheet=_("Questions"))


FORMAT = Sheet(name="csv", suffix=".csv", content_type=tables.CSV_TYPE, encode=tables.write_csv, longest=MAX_TEXT)
WORKBOOK = Sheet(
    name="xlsx", suffix=".xlsx", content_type=tables.XLSX_TYPE, encode=_workbook, longest=tables.MAX_CELL - 1
)

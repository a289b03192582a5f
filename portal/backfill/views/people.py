"""How far one person is with what, and why; the part she has, and levels that leads state."""

from __future__ import annotations

from flask import render_template, request, url_for
from werkzeug import Response

from portal.accounts.models import Person
from portal.accounts.queries import get_person
from portal.backfill import errors
from portal.backfill.forms import LevelForm, PartForm
from portal.backfill.permissions import SEE_LEVELS, SEE_MATRIX, SET_PART, STATE_LEVEL, Cell
from portal.backfill.queries.matrix import Matrix, MatrixRow, read_matrix
from portal.backfill.queries.places import get_cell, places_of
from portal.backfill.queries.stated import list_statements
from portal.backfill.rules import SEEN_HOLDS_DAYS, Level, Part, RowKind, Standing, Step, Why
from portal.backfill.service import stating
from portal.backfill.service.telling import KINDS, level_words, steps_words
from portal.backfill.views import blueprint, shown
from portal.core import clock
from portal.core.access import actor, can, requires, signed_in
from portal.core.errors import DomainError
from portal.core.i18n import format_date, format_instant
from portal.core.i18n import gettext as _
from portal.core.once import Done, submit

_FIELD_OF: dict[type[DomainError], str] = {
    errors.WordsMissing: "words",
    errors.WordsTooLong: "words",
    errors.SeenInFuture: "seen_on",
    errors.SeenLongAgo: "seen_on",
}


def load_cell(code: str, kind: str, thing: str) -> Cell:
    """Return the person and the row that an address names. Raises `NotFound`."""
    if kind not in set(RowKind):
        raise errors.NoSuchRow()
    return Cell(get_person(code), kind, thing)


@blueprint.get("/backfill/own")
@signed_in
def own() -> str:
    """Show everybody how far she is with what, and why; nobody else's levels."""
    return _page_of(actor())


@blueprint.get("/backfill/people/<code>")
@requires(SEE_LEVELS, on=get_person)
def of_person(found: Person) -> str:
    """Show how far a person is with what, and why."""
    return _page_of(found)


def _page_of(found: Person) -> str:
    place = places_of(found)[0]
    matrix = read_matrix(place, only=found)
    lacking = [(each, next(iter(matrix.missing_of(each)), None)) for each in matrix.rows]
    rows = [
        shown.cell_row(matrix, each, found) | left
        for each, left in zip(matrix.rows, shown.to_read(lacking), strict=True)
    ]
    return render_template(
        "backfill/person.html",
        name=shown.name_of(found),
        is_own=found.id == actor().id,
        place=shown.place_name(place),
        back=url_for("backfill.matrix", **shown.place_values(place)) if can(SEE_MATRIX, place) else None,
        groups=[
            (str(words), [row for row, each in zip(rows, matrix.rows, strict=True) if each.row.kind is kind])
            for kind, words in KINDS.items()
        ],
        as_of=format_instant(clock.now(), place.market.time_zone),
        holds_days=SEEN_HOLDS_DAYS,
    )


@blueprint.get("/backfill/people/<code>/levels/<kind>/<path:thing>")
@requires(SEE_LEVELS, on=load_cell, absent=errors.NoSuchRow)
def cell(found: Cell) -> str:
    """Show one person's level in one row with everything that it rests on, and what is missing."""
    matrix, row = _row_of(found)
    missing = next(iter(matrix.missing_of(row)), None)
    return render_template(
        "backfill/cell.html",
        **_about(found, matrix, row),
        row=shown.cell_row(matrix, row, found.person),
        told=shown.told_reasons(matrix, row, found.person),
        holds_for_days=_holds_for_days(shown.standing_of(row, found.person)),
        steps=shown.steps_of(matrix, row) if missing is not None and Step.SIGN_OFF in missing.steps else [],
        nothing_leads=missing is not None and Step.STATED in missing.steps,
        missing=steps_words(missing) if missing is not None else "",
        clauses=shown.clauses_of(row.policy, missing.clauses) if missing is not None else [],
        statements=[
            {
                "level": level_words(Level(each.level)),
                "seen_on": format_date(each.seen_on),
                "words": each.words,
                "by": shown.name_of(each.stated_by),
                "at": format_instant(each.stated_at, actor().time_zone),
            }
            for each in list_statements(found.person, found.kind, found.code)
        ],
        level_href=_href("backfill.state_level", found) if can(STATE_LEVEL, found) else None,
        part_href=_href("backfill.set_part", found) if can(SET_PART, found) else None,
        as_of=format_instant(clock.now(), matrix.place.market.time_zone),
        holds_days=SEEN_HOLDS_DAYS,
    )


def _holds_for_days(standing: Standing) -> bool:
    """Say whether anything of it was seen, and so counts in full for some time only."""
    return any(each.until is not None and each.why is not Why.CERTIFIED for each in standing.reasons)


def _row_of(found: Cell) -> tuple[Matrix, MatrixRow]:
    return get_cell(found.person, found.kind, found.code, request.args.get("market", "")[:20])


def _href(endpoint: str, found: Cell) -> str:
    market = request.args.get("market", "")[:20] or None
    return url_for(endpoint, code=found.person.code, kind=found.kind, thing=found.code, market=market)


def _about(found: Cell, matrix: Matrix, row: MatrixRow) -> dict[str, object]:
    """Return what every page about a cell says of it."""
    place = matrix.place
    return {
        "title": row.title,
        "name": shown.name_of(found.person),
        "is_own": found.person.id == actor().id,
        "place": shown.place_name(place),
        "matrix_href": url_for("backfill.matrix", **shown.place_values(place)) if can(SEE_MATRIX, place) else None,
        "person_href": url_for("backfill.own")
        if found.person.id == actor().id
        else url_for("backfill.of_person", code=found.person.code),
        "cell_href": _href("backfill.cell", found),
    }


@blueprint.route("/backfill/people/<code>/part/<kind>/<path:thing>", methods=["GET", "POST"])
@requires(SET_PART, on=load_cell, see=SEE_LEVELS, absent=errors.NoSuchRow)
def set_part(found: Cell) -> Response | tuple[str, int]:
    """Say which part a person has in a row."""
    matrix, row = _row_of(found)
    form = PartForm()
    answer = submit(form, lambda: _keep_part(form, found))
    if isinstance(answer, Response):
        return answer
    if request.method != "POST":
        form.part.data = row.parts.get(found.person.id, Part.NONE).value
    owner = shown.owner_name(row)
    return render_template("backfill/part.html", form=form, owner=owner, **_about(found, matrix, row)), answer


def _keep_part(form: PartForm, found: Cell) -> Done:
    stating.set_part(person=found.person, kind=found.kind, code=found.code, part=Part(form.part.data), by=actor())
    return Done(_("The part has been set."), _href("backfill.cell", found))


@blueprint.route("/backfill/people/<code>/statement/<kind>/<path:thing>", methods=["GET", "POST"])
@requires(STATE_LEVEL, on=load_cell, see=SEE_LEVELS, absent=errors.NoSuchRow)
def state_level(found: Cell) -> Response | tuple[str, int]:
    """State how far a person is, with the day and what was seen."""
    matrix, row = _row_of(found)
    form = LevelForm()
    answer = submit(form, lambda: _keep_level(form, found), _FIELD_OF)
    if isinstance(answer, Response):
        return answer
    if request.method != "POST":
        form.seen_on.data = clock.today(actor().home_market.time_zone)
    page = render_template(
        "backfill/level.html",
        form=form,
        limit=stating.WORDS_LIMIT,
        holds_days=SEEN_HOLDS_DAYS,
        kind=row.row.kind.value,
        **_about(found, matrix, row),
    )
    return page, answer


def _keep_level(form: LevelForm, found: Cell) -> Done:
    assert form.seen_on.data is not None
    stating.state_level(
        person=found.person,
        kind=found.kind,
        code=found.code,
        level=Level(int(form.level.data)),
        seen_on=form.seen_on.data,
        words=form.words.data or "",
        by=actor(),
    )
    return Done(_("The level has been stated."), _href("backfill.cell", found))

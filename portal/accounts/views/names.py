"""Names that people have changed themselves: what was and what is, whose they are too, confirmed or refused."""

from __future__ import annotations

from typing import Any

from flask import make_response, render_template, request, url_for
from werkzeug.wrappers import Response

from portal.accounts import queries
from portal.accounts.errors import NameDecided
from portal.accounts.forms import NAME_PARTS, RefusedNameForm
from portal.accounts.models import NAME_FIELDS, NameChange, NamesKept, Person
from portal.accounts.permissions import DECIDE_NAMES, SEE_NAME_CHANGES, SEE_PEOPLE, SEE_PERSON, reach_over_names
from portal.accounts.service import name_changes
from portal.accounts.views import blueprint
from portal.core.access import actor, can, requires
from portal.core.errors import DomainError
from portal.core.i18n import format_instant, language, pgettext
from portal.core.i18n import gettext as _
from portal.core.once import Done, carry_out


@blueprint.get("/people/names")
@requires(SEE_NAME_CHANGES)
def list_name_changes() -> Any:
    """List the own changes of names that wait for this person's word, the oldest first."""
    viewer = actor()
    found = queries.list_open_name_changes(reach_over_names(viewer), viewer)
    namesakes = queries.list_namesakes(found)
    return render_template(
        "accounts/name_changes.html",
        may_see_people=can(SEE_PEOPLE),
        rows=[
            {
                **_told(change, viewer),
                "team": change.person.team.name if change.person.team else "–",
                "href": url_for("accounts.name_change", code=change.person.code),
                "namesakes": _names_of(namesakes[change.id]),
            }
            for change in found
        ],
    )


@blueprint.get("/people/<code>/name")
@requires(DECIDE_NAMES, on=queries.get_person, see=SEE_PERSON)
def name_change(person: Person) -> Any:
    """Show the names of before and those that the person has set, to be confirmed or refused."""
    return _page(person, RefusedNameForm(formdata=None))


@blueprint.post("/people/<code>/name/confirm")
@requires(DECIDE_NAMES, on=queries.get_person, see=SEE_PERSON)
def confirm_name(person: Person) -> Any:
    """Stand for the names that the person has set herself."""

    def work() -> Done:
        name_changes.confirm(change=_asked(person), by=actor())
        return Done(_("The name is confirmed: %(name)s.", name=person.name_in(language())), _list())

    try:
        return carry_out(work)
    except DomainError as refused:
        return _page(person, RefusedNameForm(formdata=None), problem=str(refused), status=refused.status)


@blueprint.post("/people/<code>/name/refuse")
@requires(DECIDE_NAMES, on=queries.get_person, see=SEE_PERSON)
def refuse_name(person: Person) -> Any:
    """Restore the names of before, with a reason that the person reads."""
    form = RefusedNameForm()
    if not form.validate():
        return _page(person, form, status=400)

    def work() -> Done:
        name_changes.refuse(change=_asked(person), reason=form.reason.data or "", by=actor())
        return Done(_("The change was refused. The name is again: %(name)s.", name=person.name_in(language())), _list())

    try:
        return carry_out(work)
    except NameDecided as refused:
        return _page(person, form, problem=str(refused), status=refused.status)
    except DomainError as refused:
        form.reason.errors = [str(refused)]
        return _page(person, form, status=refused.status)


def _list() -> str:
    return url_for("accounts.list_name_changes")


def _asked(person: Person) -> NameChange:
    """Return the change that was on the page; one of nobody or of somebody else is none that is open."""
    found = queries.find_name_change(request.form.get("change", "")[:20])
    if found is None or found.person_id != person.id:
        raise NameDecided()
    return found


def _page(person: Person, form: RefusedNameForm, *, problem: str = "", status: int = 200) -> Response:
    viewer = actor()
    change = queries.find_open_name_change(person.id)
    page = render_template(
        "accounts/name_change.html",
        name=person.name_in(language()),
        code=person.code,
        change=_told(change, viewer) | {"code": change.code, "lines": _lines(change)} if change is not None else None,
        namesakes=[
            {"name": each.name_in(language()), "href": url_for("accounts.show_person", code=each.code)}
            if can(SEE_PERSON, each)
            else {"name": each.name_in(language()), "href": None}
            for each in (queries.list_namesakes([change])[change.id] if change is not None else ())
        ],
        form=form,
        problem=problem,
    )
    return make_response(page, status)


def _told(change: NameChange, viewer: Person) -> dict[str, Any]:
    """Return the names of before and after as certificates would print them, and when."""
    before, after = NamesKept(change.before), NamesKept(change.after)
    return {
        "before": _both(before),
        "after": _both(after),
        "at": format_instant(change.changed_at, viewer.time_zone),
    }


def _both(names: NamesKept) -> str:
    """Return a name in both scripts, once where they are the same."""
    return " / ".join(dict.fromkeys((names.name_in("ja"), names.name_in("en"))))


def _lines(change: NameChange) -> list[dict[str, Any]]:
    """Return each part of the name that is another one now."""
    return [
        {"part": NAME_PARTS[name], "before": change.before[name] or "–", "after": change.after[name] or "–"}
        for name in NAME_FIELDS
        if change.before[name] != change.after[name]
    ]


def _names_of(people: list[Person]) -> str:
    return str(pgettext("list", ", ")).join(each.name_in(language()) for each in people)

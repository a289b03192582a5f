"""What credentials say: the list, each with its terms, versions and people, and a version with other terms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from flask import render_template, request, url_for
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # the stubs do not know it yet

from portal.accounts import queries as accounts
from portal.accounts.models import Person
from portal.certificates import errors, queries
from portal.certificates.forms import CredentialTermsForm
from portal.certificates.models import Credential, CredentialVersion
from portal.certificates.permissions import (
    CHANGE_TERMS,
    SEE_BATCHES,
    SEE_COVERAGE,
    SEE_CREDENTIALS,
    SEE_EVERY_BATCH,
    reach_over_holders,
)
from portal.certificates.queries import terms
from portal.certificates.queries.coverage import Coverage, coverage, list_people
from portal.certificates.rules import State
from portal.certificates.rules.renewals import MAX_GRACE, MAX_WINDOW
from portal.certificates.service import OWNED_KIND
from portal.certificates.service import credentials as service
from portal.certificates.service.assigning import assigning
from portal.certificates.service.credentials import Wanted
from portal.certificates.views import blueprint
from portal.core import clock
from portal.core.access import actor, can, requires
from portal.core.errors import DomainError
from portal.core.i18n import Words, format_instant, language, ngettext
from portal.core.i18n import gettext as _
from portal.core.once import Done, carry_out
from portal.core.paging import paging
from portal.core.web import local_address

PAGE = 50
# Beside which field a refusal stands.
_FIELD_OF: dict[type[DomainError], str] = {
    errors.NeverExpires: "validity_months",
    errors.WindowTooLong: "renewal_window_days",
    errors.NotARefresher: "renewal_plan",
    errors.SupersedesItself: "superseded_by",
    errors.UnknownPlaceholder: "statement_ja",
}
# Who is listed first: those whom somebody has to look after.
_ORDER = (State.SUSPENDED, State.IN_GRACE, State.EXPIRING, State.POLICY_SUPERSEDED, State.EXPIRED, State.VALID)


@blueprint.get("/credentials")
@requires(SEE_CREDENTIALS)
def list_credentials() -> str:
    """List every credential with its terms, and how many within reach are certified."""
    found = coverage(reach_over_holders(actor()), clock.now())
    versions = queries.list_latest_versions()
    titles = {each.credential.slug: str(each.title) for each in versions}
    return render_template(
        "certificates/credentials.html",
        rows=[
            {
                "title": str(each.title),
                "href": url_for("certificates.credential", slug=each.credential.slug),
                "number": each.number,
                "validity": _months(each.validity_months),
                "window": _days(each.renewal_window_days),
                "grace": _days(each.grace_days),
                "instead": titles.get(each.superseded_by_slug, each.superseded_by_slug)
                if each.superseded_by_slug
                else None,
            }
            | _counted(found, each)
            for each in versions
        ],
        may_see_coverage=can(SEE_COVERAGE),
        may_see_batches=can(SEE_BATCHES),
        local_address=local_address() if can(SEE_EVERY_BATCH) else None,
    )


def _counted(found: Coverage, version: CredentialVersion) -> dict[str, Any]:
    if not can(SEE_COVERAGE):
        # Nobody is within reach: a nought would say that nobody holds it.
        return {"certified": "–", "soon": "–"}
    heads = found.of(version.credential_id)
    return {
        "certified": sum(each.is_certified for each in heads),
        "soon": sum(each.expires_within(60) for each in heads),
    }


@blueprint.get("/credentials/<slug>")
@requires(SEE_CREDENTIALS, on=queries.get_credential)
def credential(found: Credential) -> str:
    """Show one credential: its terms, what renews it and when that comes, its versions, and who holds it."""
    versions = terms.list_versions(found)
    if not versions:
        raise errors.NoSuchCredential(slug=found.slug)
    latest, asked = versions[0], assigning()
    plans = terms.list_plans_to(found.slug)
    known = {each.plan.slug: str(each.title) for each in plans}
    titles = terms.titles_of(sorted({each.superseded_by_slug for each in versions if each.superseded_by_slug}))
    ownership = accounts.find_owner(OWNED_KIND, found.slug)
    names = {each.code: each for each in accounts.list_people_of({each.created_by for each in versions})}
    here, zone = language(), actor().time_zone
    return render_template(
        "certificates/credential.html",
        slug=found.slug,
        latest=latest,
        title=str(latest.title),
        statement=str(latest.statement),
        validity=_months(latest.validity_months),
        window=_days(latest.renewal_window_days),
        grace=_days(latest.grace_days),
        instead={
            "title": titles.get(latest.superseded_by_slug, latest.superseded_by_slug),
            "href": url_for("certificates.credential", slug=latest.superseded_by_slug),
        }
        if latest.superseded_by_slug
        else None,
        plans=[
            {"title": str(each.title), "is_refresher": each.plan.slug == latest.renewal_plan_slug} for each in plans
        ],
        refresher=next((str(each.title) for each in plans if each.plan.slug == latest.renewal_plan_slug), None),
        owner=ownership.owner.name_in(here) if ownership else None,
        deputy=ownership.deputy.name_in(here) if ownership and ownership.deputy else None,
        assigned=asked.list_for(found.slug, reader=actor()) if asked is not None else [],
        make_href=asked.make_href(found.slug, reader=actor()) if asked is not None else None,
        versions=[
            {
                "number": each.number,
                "at": format_instant(each.created_at, zone),
                "by": names[each.created_by].name_in(here) if each.created_by in names else each.created_by,
                "validity": _months(each.validity_months),
                "window": _days(each.renewal_window_days),
                "grace": _days(each.grace_days),
                "refresher": known.get(each.renewal_plan_slug or "", each.renewal_plan_slug),
                "instead": titles.get(each.superseded_by_slug or "", each.superseded_by_slug),
                "hash": each.hash,
            }
            for each in versions
        ],
        may_change=can(CHANGE_TERMS),
        may_see_coverage=can(SEE_COVERAGE),
        batch_href=url_for("certificates.new_batch", credential=found.slug) if can(SEE_BATCHES) else None,
        **_people(found, coverage(reach_over_holders(actor()), clock.now())),
    )


def _people(found: Credential, told: Coverage) -> dict[str, Any]:
    """Return who within reach holds the credential: those first whom somebody has to look after."""
    ranks = {state: rank for rank, state in enumerate(_ORDER)}
    heads = sorted(
        told.of(found.id),
        key=lambda each: (
            ranks.get(each.state, len(ranks)),
            each.expires_on is None,
            str(each.expires_on),
            each.number,
        ),
    )
    turned = paging(len(heads), PAGE)
    shown = heads[turned.offset : turned.offset + PAGE]
    people = {each.id: each for each in list_people([each.person_id for each in shown])}
    here = language()
    counts = Counter(each.state for each in heads)
    return {
        "counts": [(state, counts[state]) for state in State if counts[state]],
        "rows": [
            {
                "name": people[each.person_id].name_in(here),
                "kana": people[each.person_id].full_kana if here == "ja" else "",
                "team": _team(people[each.person_id]),
                "number": each.number,
                "href": url_for("certificates.show", number=each.number),
                "state": each.state,
                "expires_on": each.expires_on,
            }
            for each in shown
        ],
        "pager": turned.links(lambda number: url_for("certificates.credential", slug=found.slug, page=number))
        if len(heads) > PAGE
        else None,
    }


def _team(person: Person) -> str:
    return str(person.team.name) if person.team is not None else ""


def _months(count: int | None) -> str:
    return ngettext("%(num)d month", "%(num)d months", count) if count is not None else _("Does not expire")


def _days(count: int | None) -> str:
    return ngettext("%(num)d day", "%(num)d days", count) if count is not None else "–"


# --- Other terms ---------------------------------------------------------------------------------------------------


@blueprint.route("/credentials/<slug>/terms", methods=["GET", "POST"])
@requires(CHANGE_TERMS, on=queries.get_credential, see=SEE_CREDENTIALS)
def change_terms(found: Credential) -> Any:
    """Publish a version of a credential with other terms."""
    latest = queries.find_latest_version(found)
    if latest is None:
        raise errors.NoSuchCredential(slug=found.slug)
    form, status, seen = CredentialTermsForm(), 200, latest.number
    form.renewal_plan.choices = _choices(
        _("None: the full training plan anew"),
        [(each.plan.slug, str(each.title)) for each in terms.list_plans_to(found.slug)],
        latest.renewal_plan_slug,
    )
    form.superseded_by.choices = _choices(
        _("Nothing: it is issued"),
        [
            (each.credential.slug, str(each.title))
            for each in queries.list_latest_versions()
            if each.credential_id != found.id and each.superseded_by_slug is None
        ],
        latest.superseded_by_slug,
    )
    if request.method == "POST":
        status, seen = 400, request.form.get("seen", "")[:20]
        if form.validate():
            try:
                return carry_out(lambda: _publish(found, form, seen))
            except DomainError as refused:
                status = refused.status
                _say(form, refused)
                # Whoever saves again has read what is there now.
                seen = latest.number if isinstance(refused, errors.TermsMoved) else seen
    else:
        _fill(form, latest)
    page = render_template(
        "certificates/terms.html",
        form=form,
        slug=found.slug,
        title=str(latest.title),
        number=latest.number,
        next_number=service.next_number(latest.number),
        seen=seen,
        most={"window": MAX_WINDOW, "grace": MAX_GRACE},
    )
    return page, status


def _choices(nothing: str, pairs: Sequence[tuple[str, str]], present: str | None) -> list[SelectChoice]:
    known = {slug for slug, _label in pairs}
    more = [(present, present)] if present is not None and present not in known else []
    return [SelectChoice(value, label) for value, label in [("", nothing), *pairs, *more]]


def _say(form: CredentialTermsForm, refused: DomainError) -> None:
    """Put a refusal beside the field that it is about."""
    form.refuse(refused, refused.values.get("place") or _FIELD_OF.get(type(refused)))


def _fill(form: CredentialTermsForm, latest: CredentialVersion) -> None:
    form.title_ja.data, form.title_en.data = latest.title.ja, latest.title.en
    form.statement_ja.data, form.statement_en.data = latest.statement.ja, latest.statement.en
    form.validity_months.data = latest.validity_months
    form.renewal_window_days.data, form.grace_days.data = latest.renewal_window_days, latest.grace_days
    form.renewal_plan.data = latest.renewal_plan_slug or ""
    form.superseded_by.data = latest.superseded_by_slug or ""


def _publish(found: Credential, form: CredentialTermsForm, seen: str) -> Done:
    version = service.change_terms(
        credential=found,
        wanted=Wanted(
            title=Words(form.title_en.data or "", form.title_ja.data or ""),
            statement=Words((form.statement_en.data or "").strip(), (form.statement_ja.data or "").strip()),
            validity_months=form.validity_months.data,
            renewal_window_days=form.renewal_window_days.data,
            grace_days=form.grace_days.data,
            renewal_plan_slug=form.renewal_plan.data or None,
            superseded_by_slug=form.superseded_by.data or None,
        ),
        seen=seen,
        by=actor(),
    )
    return Done(
        _("Version %(number)s is published. It holds for what is issued from now on.", number=version.number),
        url_for("certificates.credential", slug=found.slug),
    )

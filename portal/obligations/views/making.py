"""Making an obligation and changing its terms: first a preview of whom it addresses and what comes when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from hashlib import sha256
from typing import Any

from flask import render_template, request, url_for
from werkzeug import Response
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # the stubs do not know it yet

from portal.accounts.models import Person, Role
from portal.accounts.permissions import ROLE_NAMES
from portal.certificates import queries as certificates
from portal.core import clock
from portal.core.access import actor, requires
from portal.core.errors import DomainError
from portal.core.i18n import Words, format_date, language, month_name
from portal.core.i18n import gettext as _
from portal.core.once import Done, carry_out
from portal.obligations import errors, queries, rules
from portal.obligations.forms import OF_RHYTHM, ChangeForm, TermsForm
from portal.obligations.models import Obligation
from portal.obligations.permissions import CHANGE_OBLIGATION, CREATE_OBLIGATIONS, SEE_OBLIGATION
from portal.obligations.rules import Break, Rhythm, State
from portal.obligations.service import obligations
from portal.obligations.service.obligations import Preview, Wanted
from portal.obligations.service.telling import break_words
from portal.obligations.service.wording import REASON_LIMIT, TITLE_LIMIT
from portal.obligations.views import blueprint, shown
from portal.organisation import queries as organisation
from portal.training.queries import catalogue

# What the button says that does it for good.
CONFIRM = "confirm"
# So many days are named on which cycles would come.
DAYS_NAMED = 5
# Roles that one may be addressed by; everybody who learns has the first.
_ROLES = (Role.LEARNER, Role.MENTOR, Role.AUTHOR, Role.POLICY_OWNER, Role.APPROVER, Role.LEAD)
# Beside which field a refusal stands.
_FIELD_OF: dict[type[DomainError], str] = {
    errors.TitleMissing: "title_ja",
    errors.TitleTooLong: "title_ja",
    errors.PlanNotThere: "plan",
    errors.PlanNeedsDays: "plan",
    errors.PlanTakesLonger: "days",
    errors.CredentialMissing: "credential",
    errors.CredentialNeverExpires: "credential",
    errors.CredentialNotEarned: "plan",
    errors.NoSuchDay: "day",
    errors.NoSuchAudience: "markets",
    errors.OutsideScope: "markets",
    errors.OwnerMissing: "owner",
    errors.DeputyIsOwner: "deputy",
    errors.BeginsLongAgo: "begins_on",
    errors.ReasonMissing: "reason",
    errors.ReasonTooLong: "reason",
}


@blueprint.route("/obligations/new", methods=["GET", "POST"])
@requires(CREATE_OBLIGATIONS)
def new_obligation() -> Response | tuple[str, int]:
    """Make an obligation, after a preview."""
    return _ask(TermsForm, None)


@blueprint.route("/obligations/<code>/terms", methods=["GET", "POST"])
@requires(CHANGE_OBLIGATION, on=queries.get_obligation, see=SEE_OBLIGATION, absent=errors.NoSuchObligation)
def change_terms(found: Obligation) -> Response | tuple[str, int]:
    """Set other terms for the cycles to come, after a preview."""
    return _ask(ChangeForm, found)


def _ask(kind: type[TermsForm], found: Obligation | None) -> Response | tuple[str, int]:
    form, status = kind(), 200
    people = {each.code: each for each in queries.list_possible_owners()}
    _offer(form, people)
    preview = None
    if request.method == "POST":
        status = 400
        if form.validate():
            try:
                preview = obligations.preview(
                    wanted=_wanted(form), **_answering(form, people), by=actor(), obligation=found
                )
                if request.form.get("act") == CONFIRM and request.form.get("seen") == _digest(form):
                    return carry_out(lambda: _keep(form, people, found))
                status = 200
            except DomainError as refused:
                status = refused.status
                form.refuse(refused, _FIELD_OF.get(type(refused)))
    elif found is None:
        _begin(form)
    else:
        _fill(form, found)
    page = render_template(
        "obligations/terms.html",
        form=form,
        of_rhythm={each.value: [form[name] for name in names] for each, names in OF_RHYTHM.items()},
        has_plans=bool(form.plan.choices),
        preview=_preview(preview) if preview is not None else None,
        seen=_digest(form) if preview is not None else "",
        number=found.latest.number if found is not None else 0,
        obligation=str(found.title) if found is not None else None,
        is_ended=found is not None and found.state is State.ENDED,
        back=url_for("obligations.obligation", code=found.code) if found else url_for("obligations.list_obligations"),
        limits={"title": TITLE_LIMIT, "reason": REASON_LIMIT},
    )
    return page, status


def _keep(form: TermsForm, people: dict[str, Person], found: Obligation | None) -> Done:
    if found is None:
        made = obligations.create(wanted=_wanted(form), **_answering(form, people), by=actor())
        return Done(_("The obligation is in force."), url_for("obligations.obligation", code=made.code))
    obligations.change_terms(
        obligation=found,
        wanted=_wanted(form),
        **_answering(form, people),
        reason=form["reason"].data or "",
        seen=request.form.get("number", 0, type=int),
        by=actor(),
    )
    done = _("The terms have been changed; they hold for the cycles to come.")
    return Done(done, url_for("obligations.obligation", code=found.code))


def _answering(form: TermsForm, people: dict[str, Person]) -> dict[str, Person | None]:
    return {"owner": people.get(form.owner.data or ""), "deputy": people.get(form.deputy.data or "")}


# --- The form ----------------------------------------------------------------------------------


def _offer(form: TermsForm, people: dict[str, Person]) -> None:
    here = language()
    form.plan.choices = _choices(
        (each.plan.slug, str(each.title)) for each in catalogue.list_latest_versions() if not each.events
    )
    credentials = [
        (each.credential.slug, str(each.title), each.validity_months) for each in certificates.list_latest_versions()
    ]
    expiring = [(slug, title) for slug, title, months in credentials if months is not None]
    form.credential.choices = _choices([("", _("Choose")), *expiring])
    form.holders_of.choices = _choices(
        [("", _("Whether or not a credential is held")), *((slug, title) for slug, title, _months in credentials)]
    )
    form.month.choices = _choices([("", _("Choose")), *((str(each), month_name(each)) for each in range(1, 13))])
    form.markets.choices = _choices((each.code, str(each.name)) for each in organisation.list_markets())
    form.teams.choices = _choices((each.code, str(each.name)) for each in organisation.list_teams(closed=False))
    form.roles.choices = _choices((each.value, str(ROLE_NAMES[each])) for each in _ROLES)
    named = [(code, each.name_in(here)) for code, each in people.items()]
    form.owner.choices = _choices(named)
    form.deputy.choices = _choices([("", _("Nobody")), *named])


def _choices(pairs: Iterable[tuple[str, str]]) -> list[SelectChoice]:
    return [SelectChoice(value, label) for value, label in pairs]


def _begin(form: TermsForm) -> None:
    form.rhythm.data = Rhythm.AFTER_COMPLETION.value
    form.months.data = 12
    form.days.data = 20
    form.begins_on.data = clock.today(actor().home_market.time_zone)
    form.owner.data = actor().code


def _fill(form: TermsForm, found: Obligation) -> None:
    terms, owned = found.latest, queries.find_owner_of(found)
    form.title_en.data, form.title_ja.data = terms.title.en, terms.title.ja
    form.plan.data, form.days.data, form.begins_on.data = terms.plan_slug, terms.days, terms.begins_on
    form.rhythm.data = terms.rhythm.value
    form.months.data, form.lead_days.data, form.credential.data = terms.months, terms.lead_days, terms.credential_slug
    form.month.data = str(terms.month or "")
    form.day.data, form.recognise_days.data = terms.day, terms.recognise_days
    form.markets.data, form.teams.data, form.roles.data = terms.markets, terms.teams, terms.roles
    form.holders_of.data = terms.holders_of or ""
    if owned is not None:
        form.owner.data = owned.owner.code
        form.deputy.data = owned.deputy.code if owned.deputy else ""


def _wanted(form: TermsForm) -> Wanted:
    rhythm = Rhythm(form.rhythm.data)
    assert form.begins_on.data is not None
    is_yearly, is_expiry = rhythm is Rhythm.YEARLY, rhythm is Rhythm.BEFORE_EXPIRY
    return Wanted(
        title=Words(form.title_en.data or "", form.title_ja.data or ""),
        plan_slug=form.plan.data or "",
        rhythm=rhythm,
        begins_on=form.begins_on.data,
        days=form.days.data or 0,
        markets=tuple(sorted(form.markets.data or ())),
        teams=tuple(sorted(form.teams.data or ())),
        roles=tuple(sorted(form.roles.data or ())),
        holders_of=form.holders_of.data or None,
        months=form.months.data if rhythm is Rhythm.AFTER_COMPLETION else None,
        lead_days=form.lead_days.data if is_expiry else None,
        credential_slug=(form.credential.data or None) if is_expiry else None,
        month=int(form.month.data) if is_yearly else None,
        day=form.day.data if is_yearly else None,
        recognise_days=form.recognise_days.data if is_yearly else None,
    )


def _digest(form: TermsForm) -> str:
    """Return what stands for the terms that a preview was made of."""
    return sha256(repr((_wanted(form), form.owner.data, form.deputy.data)).encode()).hexdigest()[:16]


# --- The preview -------------------------------------------------------------------------------


def _preview(found: Preview) -> dict[str, Any]:
    counts = rules.count([(each.verdict, each.today) for each in found.standings])
    days = Counter(each.verdict.on for each in found.standings if each.verdict.on is not None)
    named = sorted(days.items())[:DAYS_NAMED]
    return {
        "people": counts.people,
        "intact": counts.intact,
        "open": counts.open,
        "interrupted": counts.interrupted,
        "without": counts.without,
        "audience": shown.audience_words(found.terms),
        "plan": f"{found.version.title} {found.version.number}",
        "days": [{"on": format_date(on), "count": number} for on, number in named],
        "more": len(days) - len(named),
        "breaks": [
            {"label": break_words(each), "count": counts.breaks[each]} for each in Break if each in counts.breaks
        ],
    }

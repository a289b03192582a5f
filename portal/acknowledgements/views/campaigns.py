"""How far everybody is with what was asked: for leads their people, for those who answer for documents everybody."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import render_template, request, url_for
from werkzeug import Response

from portal.accounts.models import Person, Role
from portal.accounts.permissions import open_grants
from portal.acknowledgements import rules
from portal.acknowledgements.forms import ReasonForm
from portal.acknowledgements.models import AcknowledgementRequest, Campaign, CampaignEnd, DeltaAnswer
from portal.acknowledgements.permissions import (
    ANSWER_QUESTION,
    CLOSE_CAMPAIGN,
    EXEMPT,
    SEE_CAMPAIGN,
    SEE_CAMPAIGNS,
    SEE_REQUEST,
    reach_over_people,
)
from portal.acknowledgements.queries import campaigns as queries
from portal.acknowledgements.queries import deltas as answers
from portal.acknowledgements.queries.campaigns import Progress, Standing
from portal.acknowledgements.rules import Coverage, Status
from portal.acknowledgements.service import campaigns
from portal.acknowledgements.views import blueprint
from portal.acknowledgements.views.questions import questions_about
from portal.core import clock, jobs
from portal.core.access import actor, allows, can, requires
from portal.core.errors import DomainError
from portal.core.i18n import format_date, format_instant, format_percent, language, ngettext, pgettext
from portal.core.i18n import gettext as _
from portal.core.once import Done, carry_out
from portal.core.tables import download_csv
from portal.library import queries as library
from portal.organisation import queries as organisation

ROWS_AT_ONCE = 50
LANGUAGES = {"en": "English", "ja": "日本語"}


def status_words(status: Status) -> str:
    """Say how far somebody is."""
    return {
        Status.NOT_ASKED: pgettext("state", "Not asked"),
        Status.ASKED: pgettext("state", "Asked"),
        Status.OPENED: pgettext("state", "Opened"),
        Status.CONFIRMED: pgettext("state", "Confirmed"),
        Status.CONFIRMED_OLDER: pgettext("state", "Older version confirmed"),
        Status.DECLINED: pgettext("state", "Has a question"),
        Status.EXEMPT: pgettext("state", "Exempt"),
        Status.ON_LEAVE: pgettext("state", "On leave"),
    }[status]


@blueprint.get("/campaigns")
@requires(SEE_CAMPAIGNS)
def list_campaigns() -> str:
    """List what people are asked to confirm, and how many of those within reach have."""
    found = queries.list_campaigns(actor())
    titles = library.list_titles({each.version_id for each in found}, language())
    counts = queries.count_requests([each.id for each in found], reach_over_people(actor()))
    nobody = Progress()
    return render_template(
        "acknowledgements/campaigns.html",
        rows=[
            {
                "title": titles[each.version_id],
                "number": each.version.number,
                "href": url_for("acknowledgements.campaign", code=each.code),
                "class": class_words(each),
                "asked_on": format_date(clock.local_date(each.asked_at, actor().time_zone), "short"),
                "effective_at": format_instant(each.version.effective_at, each.version.zone),
                "confirmed": counts.get(each.id, nobody).confirmed,
                "asked": counts.get(each.id, nobody).asked,
                "state": end_words(each) if each.closed_at else "",
                "is_open": each.closed_at is None,
            }
            for each in found
        ],
    )


@blueprint.get("/campaigns/<code>")
@requires(SEE_CAMPAIGN, on=queries.get_campaign)
def campaign(found: Campaign) -> str:
    """Show coverage by team, market and language, and the people behind every number."""
    now = clock.now()
    standings = [each for each in queries.list_standings(found, reach_over_people(actor()), now) if each.is_in(now)]
    statuses = {each.person_id: queries.status_of(each, now) for each in standings}
    chosen = _chosen(standings, statuses)
    page = max(1, request.args.get("page", 1, type=int))
    last = max(1, -(-len(chosen) // ROWS_AT_ONCE))
    page = min(page, last)
    shown = chosen[(page - 1) * ROWS_AT_ONCE : page * ROWS_AT_ONCE]
    version = found.version
    counted = rules.count(statuses.values())
    return render_template(
        "acknowledgements/campaign.html",
        campaign=found,
        title=library.list_titles([version.id], language())[version.id],
        version=version,
        slug=version.document.slug,
        class_words=class_words(found),
        asked_at=format_instant(found.asked_at, actor().time_zone),
        effective_at=format_instant(version.effective_at, version.zone),
        hours=_hours_until(version.effective_at, now),
        end=end_words(found) if found.closed_at else None,
        end_at=format_instant(found.closed_at, actor().time_zone) if found.closed_at else None,
        reason=found.close_reason,
        successor=url_for("acknowledgements.campaign", code=found.superseded_by) if found.superseded_by else None,
        work=_work(found),
        questions=questions_about(version) if can(ANSWER_QUESTION, found) else None,
        reach_is_limited=not reach_over_people(actor()).everywhere,
        at_effect=_at_effect(found, now),
        coverage=_coverage(rules.coverage([each.facts for each in standings], now), now),
        filters=[
            {
                "label": status_words(status),
                "count": number,
                "href": _here(found, status=status.value),
                "current": request.args.get("status") == status.value,
            }
            for status, number in counted.items()
        ],
        everybody={
            "label": pgettext("people", "All"),
            "count": len(standings),
            "href": _here(found, status=None),
            "current": request.args.get("status") not in {status.value for status in Status},
        },
        tables=_tables(found, standings, now),
        filtered=_filtered_by(),
        all_href=url_for("acknowledgements.campaign", code=found.code, _anchor="people"),
        rows=_people(found, shown, statuses),
        pager={
            "summary": _(
                "%(first)s–%(last)s of %(total)s",
                first=(page - 1) * ROWS_AT_ONCE + 1,
                last=(page - 1) * ROWS_AT_ONCE + len(shown),
                total=len(chosen),
            ),
            "previous": _here(found, page=page - 1) if page > 1 else None,
            "next": _here(found, page=page + 1) if page < last else None,
        }
        if last > 1
        else None,
        exports=[{"label": "CSV", "href": url_for("acknowledgements.campaign_csv", code=found.code)}],
        close_href=url_for("acknowledgements.close_campaign", code=found.code)
        if found.closed_at is None and can(CLOSE_CAMPAIGN, found)
        else None,
        leave_href=url_for("training.list_learners") if open_grants(actor(), Role.LEAD) else None,
    )


@blueprint.get("/campaigns/<code>/evidence.csv")
@requires(SEE_CAMPAIGN, on=queries.get_campaign)
def campaign_csv(found: Campaign) -> Response:
    """Give what is known of everybody within reach as a file: who confirmed which text when, in which language."""
    now, version = clock.now(), found.version
    standings = [each for each in queries.list_standings(found, reach_over_people(actor()), now) if each.is_in(now)]
    ids = [each.person_id for each in standings]
    people = queries.find_people(ids)
    rows = queries.list_acknowledgements_for(version, ids)
    given = answers.list_answers_of([each.request_id for each in standings if each.request_id is not None])
    markets = {each.id: each.code for each in organisation.list_markets()}
    teams = {each.id: each.code for each in organisation.list_teams()}
    header = [
        _("Document"), _("Version"), _("Version hash"), _("Person"), _("Code"), _("Team"), _("Market"),
        _("State"), _("Asked (UTC)"), _("Due"), _("Confirmed (UTC)"), _("Language"), _("Hash of the text"),
        _("Confirmed in market"), _("Network"), _("Answers"),
    ]  # fmt: skip

    def lines() -> Iterable[Sequence[object]]:
        for each in standings:
            row = rows.get(each.person_id)
            yield [
                version.document.slug, version.number, version.hash, people[each.person_id].name_in(language()),
                people[each.person_id].code, teams.get(each.team_id or 0, ""), markets[each.market_id],
                status_words(queries.status_of(each, now)), _utc(each.facts.asked_at),
                each.due_on.isoformat() if each.due_on else "", _utc(row.at if row else None),
                row.language if row else "", row.text_hash if row else "", row.market if row else "",
                row.address_class if row else "",
                "; ".join(_tried(answer) for answer in given.get(each.request_id or 0, ())),
            ]  # fmt: skip

    name = _("confirmations-%(slug)s-%(number)s", slug=version.document.slug, number=version.number)
    return download_csv(name, header, lines())


@blueprint.route("/campaigns/<code>/end", methods=["GET", "POST"])
@requires(CLOSE_CAMPAIGN, on=queries.get_campaign, see=SEE_CAMPAIGN)
def close_campaign(found: Campaign) -> Response | tuple[str, int]:
    """End a campaign by hand, with the reason."""

    def work(reason: str) -> Done:
        campaigns.close_campaign(campaign=found, reason=reason, by=actor())
        return Done(_("The campaign has ended."), url_for("acknowledgements.campaign", code=found.code))

    return _with_reason(
        work,
        "acknowledgements/close.html",
        found=found,
        waiting=queries.count_open(found),
    )


def _get_request(code: str, person: str) -> AcknowledgementRequest:
    return queries.get_person_of(queries.get_campaign(code), person)


@blueprint.route("/campaigns/<code>/people/<person>/exemption", methods=["GET", "POST"])
@requires(EXEMPT, on=_get_request, see=SEE_REQUEST)
def exempt(asked: AcknowledgementRequest) -> Response | tuple[str, int]:
    """Let somebody off, with the reason."""
    name = asked.person.name_in(language())

    def work(reason: str) -> Done:
        campaigns.exempt(request=asked, reason=reason, by=actor())
        done = _("%(name)s need not confirm this version.", name=name)
        return Done(done, url_for("acknowledgements.campaign", code=asked.campaign.code, _anchor="people"))

    return _with_reason(
        work, "acknowledgements/exempt.html", found=asked.campaign, name=name, is_open=asked.closed_at is None
    )


def _with_reason(
    work: Callable[[str], Done], template: str, *, found: Campaign, **values: Any
) -> Response | tuple[str, int]:
    form, status = ReasonForm(), 200
    if request.method == "POST":
        status = 400
        if form.validate():
            try:
                return carry_out(lambda: work(form.reason.data or ""))
            except DomainError as refused:
                form.form_errors.append(str(refused))
                status = refused.status
    page = render_template(
        template,
        form=form,
        back=url_for("acknowledgements.campaign", code=found.code),
        title=library.list_titles([found.version_id], language())[found.version_id],
        number=found.version.number,
        limit=campaigns.REASON_LIMIT,
        **values,
    )
    return page, status


# --- words and numbers --------------------------------------------------------------------------


def class_words(found: Campaign) -> str:
    """Say how much the version changes."""
    return _("Emergency") if found.hours is not None else _("Material")


def end_words(found: Campaign) -> str:
    """Say why the campaign asks nobody any more."""
    return {
        CampaignEnd.SUPERSEDED: _("Ended: a newer version is asked for"),
        CampaignEnd.WITHDRAWN: _("Ended: the version was withdrawn"),
        CampaignEnd.BY_HAND: _("Ended by hand"),
    }[found.closed_because or CampaignEnd.BY_HAND]


def _work(found: Campaign) -> dict[str, Any] | None:
    """Return how far the asking itself is, until it is done."""
    work = jobs.find_job(campaigns.ask_key(found.version_id))
    if work is None or work.state in (jobs.JobState.DONE, jobs.JobState.CANCELLED):
        return None
    states = {jobs.JobState.CREATED: "queued", jobs.JobState.RUNNING: "running", jobs.JobState.FAILED: "failed_job"}
    return {"state": states[work.state], "done": work.done, "total": work.total}


def _hours_until(effective_at: datetime, now: datetime) -> str | None:
    """Say how long it is until the version takes effect; None once it has."""
    if effective_at <= now:
        return None
    hours = -(-int((effective_at - now) / timedelta(minutes=1)) // 60)
    if hours < 72:
        return ngettext("%(num)d hour until it takes effect", "%(num)d hours until it takes effect", hours)
    days = hours // 24
    return ngettext(
        "%(num)d day until it takes effect (%(hours)s hours)",
        "%(num)d days until it takes effect (%(hours)s hours)",
        days,
        hours=hours,
    )


def _at_effect(found: Campaign, now: datetime) -> dict[str, Any] | None:
    """Return the coverage at the instant at which the version took effect; None before, or where it asked later."""
    at = found.version.effective_at
    if at > now or found.asked_at >= at:
        return None
    standings = queries.list_standings(found, reach_over_people(actor()), at)
    return _coverage(rules.coverage([each.facts for each in standings if each.is_in(at)], at), at)


def _coverage(counted: Coverage, at: datetime) -> dict[str, Any]:
    share = counted.share
    return {
        "share": format_percent(share) if share is not None else "–",
        "confirmed": counted.confirmed,
        "on_duty": counted.on_duty,
        "at": format_instant(at, actor().time_zone),
        "is_go": counted.is_go,
        "is_known": share is not None,
        "go": format_percent(rules.GO),
        "target": format_percent(rules.TARGET),
    }


def _tables(found: Campaign, standings: Sequence[Standing], now: datetime) -> list[dict[str, Any]]:
    """Return the coverage by team, market and language; each row leads to its people."""
    teams = {each.id: each for each in organisation.list_teams()}
    markets = {each.id: each for each in organisation.list_markets()}

    def rows(
        key: Callable[[Standing], Any], name: Callable[[Any], tuple[str, str]], field: str
    ) -> list[dict[str, Any]]:
        groups: dict[Any, list[Standing]] = {}
        for each in standings:
            groups.setdefault(key(each), []).append(each)
        made = []
        for value, members in groups.items():
            counted = rules.coverage([each.facts for each in members], now)
            code, label = name(value)
            made.append(
                {
                    "label": label,
                    "href": _here(found, **{field: code, "status": None}),
                    "confirmed": counted.confirmed,
                    "on_duty": counted.on_duty,
                    "share": format_percent(counted.share) if counted.share is not None else "–",
                    "state": "done" if counted.share == 1 else "" if counted.is_go or counted.share is None else "soon",
                    "key": (counted.share is None, counted.share or 0, label),
                }
            )
        return sorted(made, key=lambda row: row["key"])

    return [
        {
            "title": _("By team"),
            "id": "by-team",
            "column": _("Team"),
            "rows": rows(
                lambda each: each.team_id,
                lambda value: (teams[value].code, str(teams[value].name)) if value else ("-", _("No team")),
                "team",
            ),
        },
        {
            "title": _("By market"),
            "id": "by-market",
            "column": _("Market"),
            "rows": rows(
                lambda each: each.market_id, lambda value: (markets[value].code, str(markets[value].name)), "market"
            ),
        },
        {
            "title": _("By language"),
            "id": "by-language",
            "column": _("Language"),
            "rows": rows(lambda each: each.language, lambda value: (value, LANGUAGES[value]), "language"),
        },
    ]


def _chosen(standings: Sequence[Standing], statuses: Mapping[int, Status]) -> list[Standing]:
    """Return those whom the filters of the address leave: those who need it first, else by name."""
    status, team = request.args.get("status", ""), request.args.get("team", "")
    market, tongue = request.args.get("market", ""), request.args.get("language", "")
    teams = {each.code: each.id for each in organisation.list_teams()} if team else {}
    markets = {each.code: each.id for each in organisation.list_markets()} if market else {}
    order = list(_NEED)
    found = [
        each
        for each in standings
        if (status not in {one.value for one in Status} or statuses[each.person_id].value == status)
        and (not team or each.team_id == teams.get(team))
        and (not market or each.market_id == markets.get(market))
        and (tongue not in LANGUAGES or each.language == tongue)
    ]
    return sorted(found, key=lambda each: order.index(statuses[each.person_id]))


# Who has to do something first; the order of the names is kept within.
_NEED = (
    Status.DECLINED,
    Status.ASKED,
    Status.CONFIRMED_OLDER,
    Status.OPENED,
    Status.NOT_ASKED,
    Status.ON_LEAVE,
    Status.EXEMPT,
    Status.CONFIRMED,
)


def _filtered_by() -> str:
    """Say by which team, market or language the list is narrowed."""
    named = []
    team, market, tongue = (request.args.get(name, "") for name in ("team", "market", "language"))
    if team:
        known = organisation.find_team(team)
        named.append(str(known.name) if known else _("No team"))
    if market and (place := organisation.find_market(market)) is not None:
        named.append(str(place.name))
    if tongue in LANGUAGES:
        named.append(LANGUAGES[tongue])
    return _(", ").join(named)


def _here(found: Campaign, **changed: Any) -> str:
    kept = {name: request.args.get(name) for name in ("status", "team", "market", "language")} | changed
    return url_for(
        "acknowledgements.campaign",
        code=found.code,
        _anchor="people",
        **{name: value for name, value in kept.items() if value},
    )


def _people(found: Campaign, shown: Sequence[Standing], statuses: Mapping[int, Status]) -> list[dict[str, Any]]:
    people = queries.find_people([each.person_id for each in shown])
    now, viewer = clock.now(), actor()
    here, rows = language(), []
    exempting = found.closed_at is None
    asked = queries.list_requests_of(found, [each.person_id for each in shown]) if exempting else {}
    for each in shown:
        person, status = people[each.person_id], statuses[each.person_id]
        waiting = status in (Status.ASKED, Status.OPENED, Status.CONFIRMED_OLDER, Status.DECLINED)
        is_late = waiting and each.due_at is not None and each.due_at <= now
        rows.append(
            {
                "name": person.name_in(here),
                "kana": person.full_kana if here == "ja" else "",
                "team": str(person.team.name) if person.team else "",
                "market": str(person.home_market.name),
                "state": "overdue" if is_late else status.value,
                "words": status_words(status),
                "is_late": is_late,
                "due": format_date(each.due_on, "short") if each.due_on and waiting else "",
                "done": format_instant(each.facts.confirmed_at, person.time_zone) if each.facts.confirmed_at else "",
                "exempt": url_for("acknowledgements.exempt", code=found.code, person=person.code)
                if exempting and waiting and _may_exempt(viewer, asked.get(person.id))
                else None,
            }
        )
    return rows


def _may_exempt(viewer: Person, asked: AcknowledgementRequest | None) -> bool:
    return asked is not None and asked.closed_at is None and allows(viewer, EXEMPT, asked)


def _tried(answer: DeltaAnswer) -> str:
    """Say which question was answered when, and whether rightly."""
    said = pgettext("answer", "right") if answer.right else pgettext("answer", "wrong")
    version = answer.question_version
    return f"{version.question.slug} v{version.number} {said} {_utc(answer.at)}"


def _utc(at: datetime | None) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at else ""

"""How far everybody is with what was asked: for leads their people, for those who answer for documents everybody."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

from flask import render_template, request, url_for
from werkzeug import Response

from portal.accounts import queries as accounts
from portal.accounts.models import Person
from portal.accounts.permissions import SEE_PERSON
from portal.acknowledgements import rules
from portal.acknowledgements.forms import ReasonForm
from portal.acknowledgements.models import (
    AcknowledgementRequest,
    AskedAs,
    Campaign,
    CampaignEnd,
    DeltaAnswer,
    RequestEnd,
)
from portal.acknowledgements.permissions import (
    ANSWER_QUESTION,
    CLOSE_CAMPAIGN,
    END_EXEMPTION,
    EXEMPT,
    SEE_CAMPAIGN,
    SEE_CAMPAIGNS,
    SEE_QUESTION,
    SEE_REQUEST,
    reach_over_people,
)
from portal.acknowledgements.queries import campaigns as queries
from portal.acknowledgements.queries import deltas as answers
from portal.acknowledgements.queries.campaigns import Progress, Standing
from portal.acknowledgements.rules import Coverage, FirstTries, Status
from portal.acknowledgements.service import campaigns
from portal.acknowledgements.views import blueprint
from portal.acknowledgements.views.questions import questions_about
from portal.core import clock, jobs
from portal.core.access import actor, allows, can, requires
from portal.core.i18n import (
    format_date,
    format_instant,
    format_minutes,
    format_percent,
    language,
    ngettext,
    pgettext,
)
from portal.core.i18n import gettext as _
from portal.core.once import Done, submit
from portal.core.tables import download_csv
from portal.library import queries as library
from portal.organisation import queries as organisation
from portal.quizzes.service.single import title_of

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
        Status.ANSWERED: pgettext("state", "Question answered"),
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
    comprehension = _comprehension(found, {each.person_id for each in standings})
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
        asked_about=questions_about(version) if can(ANSWER_QUESTION, found) else None,
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
        comprehension=comprehension,
        median=_median(found, standings, now),
        questions={
            "number": counted[Status.DECLINED],
            "href": _here(found, status=Status.DECLINED.value, team=None, market=None, language=None)
            if counted[Status.DECLINED]
            else None,
            "unclear": comprehension["unclear"],
        },
        newcomer_days=rules.NEWCOMER_DAYS,
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
        _("Confirmed in market"), _("Network"), _("Answers"), _("Asked as"), _("Let off by"), _("Let off (UTC)"),
        _("Reason of the exemption"),
    ]  # fmt: skip
    asked = queries.list_requests_of(found, ids)

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
                as_words(each.asked_as) if each.asked_as else "",
                *_exemption(asked.get(each.person_id)),
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


@blueprint.route("/campaigns/<code>/people/<person>/exemption/end", methods=["GET", "POST"])
@requires(END_EXEMPTION, on=_get_request, see=SEE_REQUEST)
def end_exemption(asked: AcknowledgementRequest) -> Response | tuple[str, int]:
    """Take an exemption back, with the reason."""
    name = asked.person.name_in(language())

    def work(reason: str) -> Done:
        campaigns.end_exemption(request=asked, reason=reason, by=actor())
        done = _("%(name)s is asked to confirm this version again.", name=name)
        return Done(done, url_for("acknowledgements.campaign", code=asked.campaign.code, _anchor="people"))

    by = accounts.find_person(asked.exempt_by) if asked.exempt_by else None
    return _with_reason(
        work,
        "acknowledgements/end_exemption.html",
        found=asked.campaign,
        name=name,
        is_exempt=asked.closed_as is RequestEnd.EXEMPT and asked.campaign.closed_at is None,
        exempt_by=by.name_in(language()) if by else asked.exempt_by or "",
        exempt_reason=asked.exempt_reason,
    )


def _exemption(asked: AcknowledgementRequest | None) -> tuple[str, str, str]:
    """Return who let somebody off, when, and why; nothing where nobody did."""
    if asked is None or asked.closed_as is not RequestEnd.EXEMPT:
        return "", "", ""
    return asked.exempt_by or "", _utc(asked.closed_at), asked.exempt_reason


def _with_reason(
    work: Callable[[str], Done], template: str, *, found: Campaign, **values: Any
) -> Response | tuple[str, int]:
    form = ReasonForm()
    answer = submit(form, lambda: work(form.reason.data or ""))
    if isinstance(answer, Response):
        return answer
    page = render_template(
        template,
        form=form,
        back=url_for("acknowledgements.campaign", code=found.code),
        title=library.list_titles([found.version_id], language())[found.version_id],
        number=found.version.number,
        limit=campaigns.REASON_LIMIT,
        **values,
    )
    return page, answer


# --- words and numbers --------------------------------------------------------------------------


def class_words(found: Campaign) -> str:
    """Say how much the version changes."""
    return _("Emergency") if found.hours is not None else _("Material")


def as_words(asked_as: AskedAs) -> str:
    """Say as whom somebody is asked."""
    return {
        AskedAs.CURRENT: _("Current staff"),
        AskedAs.NEWCOMER: _("Newcomer"),
        AskedAs.RETURNING: _("Back from leave"),
    }[asked_as]


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
    Status.ANSWERED,
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
    ids = [each.person_id for each in shown]
    people = queries.find_people(ids)
    now, viewer, here = clock.now(), actor(), language()
    asked, questions = queries.list_requests_of(found, ids), answers.list_questions_about(found.version, ids)
    letting_off = {each.code: each for each in accounts.list_people_of({_exemption(row)[0] for row in asked.values()})}
    rows = []
    for each in shown:
        person, status = people[each.person_id], statuses[each.person_id]
        row, question = asked.get(person.id), questions.get(person.id)
        waiting = status in (
            Status.ASKED, Status.OPENED, Status.CONFIRMED_OLDER, Status.DECLINED, Status.ANSWERED
        )  # fmt: skip
        is_late = waiting and each.due_at is not None and each.due_at <= now
        by, _at, reason = _exemption(row if status is Status.EXEMPT else None)
        rows.append(
            {
                "name": person.name_in(here),
                "kana": person.full_kana if here == "ja" else "",
                "href": url_for("accounts.show_person", code=person.code)
                if allows(viewer, SEE_PERSON, person)
                else None,
                "team": str(person.team.name) if person.team else "",
                "market": str(person.home_market.name),
                "state": "overdue" if is_late else status.value,
                "words": status_words(status),
                "is_late": is_late,
                "date": _date_of(each, person, row, waiting=waiting),
                "as": as_words(each.asked_as) if each.asked_as in queries.OWN_TERM else "",
                "let_off": reason,
                "let_off_by": letting_off[by].name_in(here) if by in letting_off else None,
                "question": url_for("acknowledgements.question", code=question.code)
                if question is not None
                and status in (Status.DECLINED, Status.ANSWERED)
                and allows(viewer, SEE_QUESTION, question)
                else None,
                **_actions(found, row, waiting=waiting),
            }
        )
    return rows


def _date_of(each: Standing, person: Person, row: AcknowledgementRequest | None, *, waiting: bool) -> str:
    """Say by when somebody is to confirm, or when she has and how long it took."""
    confirmed_at, asked_at = each.facts.confirmed_at, each.facts.asked_at
    if confirmed_at is not None:
        at = format_instant(confirmed_at, person.time_zone)
        if asked_at is None or asked_at > confirmed_at:
            return at
        return _("%(date)s, after %(time)s", date=at, time=_hours(confirmed_at - asked_at))
    if not waiting or each.due_at is None or each.due_on is None or row is None:
        return ""
    if row.days == 0 or row.due_at == row.campaign.version.effective_at:
        return _("by %(date)s", date=format_instant(each.due_at, person.time_zone))
    return _("by %(date)s", date=format_date(each.due_on, "short"))


def _actions(found: Campaign, row: AcknowledgementRequest | None, *, waiting: bool) -> dict[str, str | None]:
    """Return the addresses at which somebody is let off, or asked again."""
    actions: dict[str, str | None] = {"exempt": None, "end_exemption": None}
    if row is None or found.closed_at is not None:
        return actions
    values: dict[str, Any] = {"code": found.code, "person": row.person.code}
    if waiting and row.closed_at is None and can(EXEMPT, row):
        actions["exempt"] = url_for("acknowledgements.exempt", **values)
    if row.closed_as is RequestEnd.EXEMPT and can(END_EXEMPTION, row):
        actions["end_exemption"] = url_for("acknowledgements.end_exemption", **values)
    return actions


def _hours(time: timedelta) -> str:
    """Say how long something took, in minutes below an hour and else in hours."""
    minutes = round(time / timedelta(minutes=1))
    return format_minutes(minutes) if minutes < 60 else ngettext("%(num)d hour", "%(num)d hours", round(minutes / 60))


def _comprehension(found: Campaign, people: Set[int]) -> dict[str, Any]:
    """Return how many of the questions about what changed were answered rightly at the first try, and each of them."""
    tries = rules.first_tries(each for each in answers.list_tries(found.id) if each[0] in people)
    asked = answers.list_asked_questions(tries)
    total = FirstTries(sum(each.right for each in tries.values()), sum(each.answered for each in tries.values()))
    rows = [
        {
            "title": title_of(asked[question], language()),
            "right": counted.right,
            "answered": counted.answered,
            "share": format_percent(counted.share or Fraction(0)),
            "is_unclear": counted.is_unclear,
            "key": (counted.share or Fraction(0), asked[question].question.slug),
        }
        for question, counted in tries.items()
    ]
    return {
        "share": format_percent(total.share) if total.share is not None else "–",
        "right": total.right,
        "answered": total.answered,
        "unclear": sum(row["is_unclear"] for row in rows),
        "rows": sorted(rows, key=lambda row: row["key"]),
        "from": rules.UNCLEAR_FROM,
        "below": format_percent(rules.UNCLEAR_BELOW),
    }


def _median(found: Campaign, standings: Sequence[Standing], now: datetime) -> dict[str, Any]:
    """Return how long people took to confirm, half of them longer and half shorter, and the way to them."""
    time = rules.median_time([each.facts for each in standings], now)
    return {
        "time": _hours(time) if time is not None else "–",
        "href": _here(found, status=Status.CONFIRMED.value, team=None, market=None, language=None)
        if time is not None
        else None,
    }


def _tried(answer: DeltaAnswer) -> str:
    """Say which question was answered when and how, and whether rightly."""
    given = " ".join(f"{part}={'+'.join(chosen)}" for part, chosen in sorted(answer.answer.items()))
    said = pgettext("answer", "right") if answer.right else pgettext("answer", "wrong")
    version = answer.question_version
    return f"{version.question.slug} v{version.number} {given} {said} {_utc(answer.at)}"


def _utc(at: datetime | None) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at else ""

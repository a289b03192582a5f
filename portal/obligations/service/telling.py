"""Health in words: why a cycle comes on its day, or why it will not come and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from portal.core.i18n import country_name, format_date, format_day_of_year, ngettext, pgettext
from portal.core.i18n import gettext as _
from portal.obligations import queries, rules
from portal.obligations.rules import Break, Closing, CountsFrom, Health, Rhythm, State, Verdict
from portal.training.models import Enrollment
from portal.training.service.beside import Interruption


def interruptions_of(enrollment: Enrollment) -> list[Interruption]:
    """Say which obligations a training would interrupt by ending before it is completed."""
    return [
        Interruption(
            cycle.code,
            _(
                "“%(obligation)s”: cycle %(number)s is interrupted, and no further one comes until somebody opens it "
                "by hand.",
                obligation=str(cycle.obligation.title),
                number=cycle.number,
            ),
        )
        for cycle in queries.list_interrupted_with(enrollment.id)
    ]


@dataclass(frozen=True, slots=True)
class Told:
    """A verdict in words: the state, the look of its chip, why, and what to do (empty: nothing)."""

    word: str
    look: str
    why: str
    what_to_do: str = ""


def tell(verdict: Verdict, terms: rules.Terms, *, is_overdue: bool = False) -> Told:
    """Say how somebody stands, why, and what is to be done."""
    match verdict.health:
        case Health.OPEN:
            assert verdict.due_on is not None
            due = format_date(verdict.due_on)
            if is_overdue:
                word, why, look = pgettext("cycle", "Overdue"), _("It was due on %(date)s.", date=due), "overdue"
            else:
                word, why, look = pgettext("cycle", "Open"), _("Due on %(date)s.", date=due), "in_progress"
            if verdict.lapses and verdict.on is not None:
                why = _(
                    "%(said)s The next one comes on %(date)s, whether this one is done or not.",
                    said=why,
                    date=format_date(verdict.on),
                )
            return Told(word, look, why)
        case Health.INTERRUPTED:
            return Told(pgettext("cycle", "Interrupted"), "danger", why_broken(verdict), what_to_do(verdict))
        case Health.WITHOUT:
            word = pgettext("cycle", "Without the certificate")
            return Told(word, "not_asked", why_broken(verdict), what_to_do(verdict))
    return Told(pgettext("cycle", "Intact"), "done", why_it_comes(verdict, terms))


def why_it_comes(verdict: Verdict, terms: rules.Terms) -> str:
    """Say on which day the next cycle comes, and from what that was counted."""
    assert verdict.on is not None
    assert verdict.planned_on is not None
    assert verdict.counted_on is not None
    on, counted = format_date(verdict.on), format_date(verdict.counted_on)
    if verdict.recognised is not None:
        return _(
            "The next one comes on %(date)s and counts as done by the completion of %(done)s.",
            date=on,
            done=format_date(verdict.recognised.on),
        )
    match verdict.counts_from:
        case CountsFrom.COMPLETION:
            said = ngettext(
                "The next one comes on %(date)s: %(num)d month after the completion of %(done)s.",
                "The next one comes on %(date)s: %(num)d months after the completion of %(done)s.",
                terms.months or 0,
                date=on,
                done=counted,
            )
        case CountsFrom.EXPIRY:
            said = ngettext(
                "The next one comes on %(date)s: %(num)d working day before the certificate expires on %(expiry)s.",
                "The next one comes on %(date)s: %(num)d working days before the certificate expires on %(expiry)s.",
                terms.lead_days or 0,
                date=on,
                expiry=counted,
            )
        case CountsFrom.FIXED_DAY:
            said = _("The next one comes on %(date)s, by the fixed day of the year.", date=on)
        case _other:
            said = _("The first one comes on %(date)s: nothing was completed before.", date=on)
    if verdict.on != verdict.planned_on:
        said = _(
            "%(said)s It would be %(planned)s; it comes on the first working day that is left.",
            said=said,
            planned=format_date(verdict.planned_on),
        )
    return said


def why_in_short(verdict: Verdict) -> str:
    """Say in a few words why the next cycle comes on its day, or why it does not; its date stands beside it."""
    if verdict.health is Health.OPEN:
        return ""
    if verdict.broken is not None:
        return break_words(verdict.broken)
    if verdict.recognised is not None:
        return pgettext("cycle", "Counted from an earlier completion")
    assert verdict.counted_on is not None
    assert verdict.planned_on is not None
    said = counted_words(verdict.counts_from, verdict.counted_on)
    if verdict.on != verdict.planned_on:
        said = _("%(said)s, planned for %(date)s", said=said, date=format_date(verdict.planned_on, "short"))
    return said


def counted_words(counts_from: CountsFrom | None, on: date) -> str:
    """Say from what a cycle is counted."""
    match counts_from:
        case CountsFrom.COMPLETION:
            return _("After the completion of %(date)s", date=format_date(on, "short"))
        case CountsFrom.EXPIRY:
            return _("Before the expiry on %(date)s", date=format_date(on, "short"))
        case CountsFrom.FIXED_DAY:
            return _("Fixed day of the year")
        case CountsFrom.BY_HAND:
            return _("Opened by hand")
    return _("Nothing was completed before")


def why_broken(verdict: Verdict) -> str:
    """Say why the next cycle will not come."""
    assert verdict.broken is not None
    if verdict.broken is Break.YEAR_UNKNOWN:
        return _(
            "The calendar has no holidays of %(country)s for %(year)s, so no date can be counted there.",
            country=country_name(verdict.country),
            year=verdict.year,
        )
    return {
        Break.PAUSED: _("The obligation is paused."),
        Break.ENDED: _("The obligation has ended."),
        Break.NO_OWNER: _("Nobody with an active account answers for the obligation."),
        Break.STOPPED: _("The last cycle ended without completion, because the training was ended."),
        Break.NO_CERTIFICATE: _("There is no certificate whose expiry could be counted from."),
        Break.CERTIFICATE_NOT_VALID: _("The certificate was revoked or is suspended."),
        Break.NO_EXPIRY: _("The certificate does not expire, so nothing can be counted from its expiry."),
        Break.NOT_RENEWED: _("The last cycle was completed, but the certificate was not renewed by it."),
        Break.ZONE_UNKNOWN: _("The market has no time zone that exists, so no day can be counted there."),
        Break.GRACE_OVER: _(
            "The certificate can no longer be renewed, and this plan only renews: completing it would earn nothing."
        ),
        Break.NO_PLAN: _("The plan has no version that could be followed."),
        Break.PLAN_HAS_EVENTS: _("The plan has events whose days somebody has to choose."),
    }[verdict.broken]


def what_to_do(verdict: Verdict) -> str:
    """Say what makes the next cycle come again."""
    assert verdict.broken is not None
    return {
        Break.PAUSED: _("Resume the obligation."),
        Break.ENDED: "",
        Break.NO_OWNER: _("Name an owner with an active account."),
        Break.STOPPED: _("Open the next cycle by hand; the cycles go on from it."),
        Break.NO_CERTIFICATE: _("Open a cycle by hand: completing it issues the certificate."),
        Break.CERTIFICATE_NOT_VALID: _("Reinstate the certificate, or open a cycle by hand to earn a new one."),
        Break.NO_EXPIRY: _("Choose another rhythm for the obligation."),
        Break.NOT_RENEWED: _("Issue the certificate that is owed, or choose a plan that earns the credential."),
        Break.ZONE_UNKNOWN: _("Correct the time zone of the market in the settings."),
        Break.YEAR_UNKNOWN: _("Load the holidays of that year; the cycle comes as soon as they are known."),
        Break.GRACE_OVER: _(
            "Enroll her in the whole plan that leads to the credential; the cycles go on from that one."
        ),
        Break.NO_PLAN: _("Publish a version of the plan, or choose another plan."),
        Break.PLAN_HAS_EVENTS: _(
            "Choose a plan without events, or enroll people with a cohort: their cycles take that training up."
        ),
    }[verdict.broken]


def break_words(broken: Break) -> str:
    """Name a reason for an interruption in a few words."""
    return {
        Break.PAUSED: pgettext("interruption", "Obligation paused"),
        Break.ENDED: pgettext("interruption", "Obligation ended"),
        Break.NO_OWNER: pgettext("interruption", "Nobody answers for it"),
        Break.STOPPED: pgettext("interruption", "Training ended"),
        Break.NO_CERTIFICATE: pgettext("interruption", "No certificate"),
        Break.CERTIFICATE_NOT_VALID: pgettext("interruption", "Certificate not valid"),
        Break.NO_EXPIRY: pgettext("interruption", "No expiry"),
        Break.NOT_RENEWED: pgettext("interruption", "Not renewed"),
        Break.ZONE_UNKNOWN: pgettext("interruption", "No time zone"),
        Break.YEAR_UNKNOWN: pgettext("interruption", "Holidays not known"),
        Break.GRACE_OVER: pgettext("interruption", "Too late to renew"),
        Break.NO_PLAN: pgettext("interruption", "No plan to follow"),
        Break.PLAN_HAS_EVENTS: pgettext("interruption", "Days to be chosen"),
    }[broken]


def closing_words(closing: Closing) -> str:
    """Say how a cycle ended."""
    return {
        Closing.COMPLETED: pgettext("cycle", "Completed"),
        Closing.RECOGNISED: pgettext("cycle", "Counted from an earlier completion"),
        Closing.LAPSED: pgettext("cycle", "Lapsed"),
        Closing.LEFT: pgettext("cycle", "Not addressed any more"),
        Closing.STOPPED: pgettext("cycle", "Training ended"),
        Closing.ENDED: pgettext("cycle", "Obligation ended"),
    }[closing]


CLOSING_LOOKS = {
    Closing.COMPLETED: "done",
    Closing.RECOGNISED: "done",
    Closing.LAPSED: "warning",
    Closing.LEFT: "exempt",
    Closing.STOPPED: "warning",
    Closing.ENDED: "exempt",
}


def state_words(state: State) -> tuple[str, str]:
    """Return the look of a state's chip and its word."""
    return {
        State.IN_FORCE: ("in_force", pgettext("obligation", "In force")),
        State.PAUSED: ("paused", pgettext("obligation", "Paused")),
        State.ENDED: ("superseded", pgettext("obligation", "Ended")),
    }[state]


def rhythm_words(terms: rules.Terms) -> str:
    """Say from what the days of cycles are counted."""
    match terms.rhythm:
        case Rhythm.AFTER_COMPLETION:
            return ngettext(
                "%(num)d month after the last completion", "%(num)d months after the last completion", terms.months or 0
            )
        case Rhythm.BEFORE_EXPIRY:
            return ngettext(
                "%(num)d working day before the certificate expires",
                "%(num)d working days before the certificate expires",
                terms.lead_days or 0,
            )
    assert terms.month is not None
    assert terms.day is not None
    return _("Every year on %(day)s", day=format_day_of_year(terms.month, terms.day))

"""What levels, parts and reasons are called, in the reader's language."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from portal.backfill.rules import Level, Missing, Part, Reason, RowKind, Source, SourceKind, Standing, Step, Why
from portal.core.i18n import LazyText, format_date, format_minutes, lazy_pgettext, ngettext, pgettext
from portal.core.i18n import gettext as _
from portal.core.i18n import lazy_gettext as _l

LEVELS: dict[Level, LazyText] = {
    Level.NONE: lazy_pgettext("level", "None"),
    Level.AWARE: lazy_pgettext("level", "Aware"),
    Level.WITH_HELP: lazy_pgettext("level", "With help"),
    Level.ALONE: lazy_pgettext("level", "Alone"),
    Level.CAN_TEACH: lazy_pgettext("level", "Can teach"),
}
PARTS: dict[Part, LazyText] = {
    Part.RESPONSIBLE: _l("Responsible"),
    Part.CONSULTED: _l("Consulted"),
    Part.INFORMED: _l("Informed"),
    Part.NONE: lazy_pgettext("part", "None"),
}
KINDS: dict[RowKind, LazyText] = {
    RowKind.TASK: _l("Recurring task"),
    RowKind.POLICY: _l("Policy"),
    RowKind.CREDENTIAL: _l("Credential"),
}
# As a matrix of parts has them in every language; who is accountable is the owner.
LETTERS = {Part.RESPONSIBLE: "R", Part.CONSULTED: "C", Part.INFORMED: "I"}
ACCOUNTABLE_LETTER = "A"


def level_words(level: Level) -> str:
    """Return a level with its number: "3 – Alone"."""
    return _("%(number)s – %(level)s", number=int(level), level=LEVELS[level])


def standing_words(standing: Standing, today: date) -> str:
    """Return a level and everything that it rests on, in one line."""
    comma = _("; ")
    said = [*(reason_words(each, standing, today) for each in standing.reasons), *bound_words(standing, today)]
    told = comma.join(said) if said else _("nothing is known yet")
    return _("Level %(level)s: %(reasons)s", level=level_words(standing.level_on(today)), reasons=told)


def reason_words(reason: Reason, standing: Standing, today: date, *, is_named: bool = True) -> str:
    """Return what is known, with its day, and until when it counts where that ends, or when that ended.

    What is held down by a bound today does not say what it would count for. Without `is_named` the names of records are
    left to who tells them besides.
    """
    told, bound = _what(reason) if is_named else _bare(reason), standing.bound
    if reason.until is None or reason.why is Why.CERTIFIED:
        return told
    if reason.until < today:
        return _(
            "%(reason)s (counted as %(level)s until %(until)s, now as %(after)s)",
            reason=told,
            level=int(reason.level),
            until=format_date(reason.until, "short"),
            after=int(reason.after if bound is None else min(reason.after, standing.most_on(today))),
        )
    if reason.level > standing.most_on(today):
        return told
    return _(
        "%(reason)s (counts as %(level)s until %(until)s)",
        reason=told,
        level=int(reason.level),
        until=format_date(reason.until, "short"),
    )


def source_words(source: Source) -> str:
    """Return what a record is called: by its name, or the day that it is of."""
    day = format_date(source.on, "short") if source.on else ""
    match source.kind:
        case SourceKind.RUN:
            return _("the run of %(date)s", date=day)
        case SourceKind.HANDOVER_ITEM:
            return _("the handover, %(date)s", date=day)
        case SourceKind.CERTIFICATE:
            return _("certificate %(number)s", number=source.key[0])
        case SourceKind.VERSION:
            return _("version %(number)s", number=source.key[-1])
        case _:
            return str(source.name) if source.name is not None else source.key[-1]


def _what(reason: Reason) -> str:
    names = [source_words(each) for each in reason.sources if each.kind in _NAMED]
    told = _bare(reason)
    return _("%(reason)s: “%(name)s”", reason=told, name=names[0]) if names else told


# What is called by a name of its own; of the rest the day says enough.
_NAMED = (SourceKind.SIGN_OFF, SourceKind.ATTEMPT)


def _bare(reason: Reason) -> str:
    day = format_date(reason.on, "short") if reason.on else "–"
    match reason.why:
        case Why.CERTIFIED:
            if reason.until is None:
                return _("certificate of %(date)s, valid without end", date=day)
            return _("certificate valid until %(date)s", date=format_date(reason.until, "short"))
        case Why.WAS_CERTIFIED:
            return _("had a certificate of %(date)s, which is not valid any more", date=day)
        case Why.ACKNOWLEDGED:
            return _("confirmed version %(number)s on %(date)s", number=reason.said, date=day)
        case Why.ACKNOWLEDGED_OLDER:
            return ngettext(
                "confirmed the older version %(version)s on %(date)s; %(num)d clause is missing",
                "confirmed the older version %(version)s on %(date)s; %(num)d clauses are missing",
                reason.number,
                version=reason.said,
                date=day,
            )
        case Why.HELPED_SEVERAL:
            return ngettext(
                "helped others %(num)d time, last on %(date)s",
                "helped others %(num)d times, last on %(date)s",
                reason.number,
                date=day,
            )
        case Why.STATED:
            return _("a lead saw on %(date)s: “%(words)s”", date=day, words=reason.said)
        case _:
            return _SEEN[reason.why](day)


# What was seen, of which the day alone is told.
_SEEN: dict[Why, Callable[[str], str]] = {
    Why.QUIZ_PASSED: lambda day: _("passed a quiz about it on %(date)s", date=day),
    Why.SIGNED_OFF: lambda day: _("signed off on %(date)s in a step that is about it", date=day),
    Why.SHADOWED: lambda day: _("watched it on %(date)s", date=day),
    Why.REVERSE_SHADOWED: lambda day: _("did it while being watched on %(date)s", date=day),
    Why.RAN_WITH_HELP: lambda day: _("done with help on %(date)s", date=day),
    Why.RAN_ALONE: lambda day: _("done alone on %(date)s", date=day),
    Why.SHOWN_ALONE: lambda day: _("done alone in a handover on %(date)s, not taken over", date=day),
    Why.TOOK_OVER: lambda day: _("done alone in a handover on %(date)s, and taken over", date=day),
    Why.HELPED: lambda day: _("helped with it on %(date)s", date=day),
    Why.HANDED_OVER: lambda day: _("handed it over on %(date)s, and it was accepted", date=day),
}


def bound_words(standing: Standing, today: date) -> list[str]:
    """Return what holds the level down, or will within what is known, in words."""
    bound = standing.bound
    if bound is None:
        return []
    if bound.after is not None and bound.after >= today:
        if bound.level is Level.AWARE:
            return [
                _(
                    "after %(date)s another version holds: without its confirmation nothing counts for more than 1",
                    date=format_date(bound.after, "short"),
                )
            ]
        return []
    if not standing.reasons:
        return []
    if bound.level is Level.AWARE:
        return [_("without a confirmation of the version in force nothing counts for more than 1")]
    return [_("without a valid certificate nothing counts for more than 2")]


def steps_words(missing: Missing) -> str:
    """Return what somebody lacks: its steps, and about how long they take."""
    names = {
        Step.SHADOW: _("watch it"),
        Step.REVERSE_SHADOW: _("do it while being watched"),
        Step.ALONE: _("do it alone"),
        Step.CONFIRM: _("confirm the version in force"),
        Step.SIGN_OFF: _("a sign-off that is about it"),
        Step.STATED: _("a level that a lead states"),
        Step.CERTIFY: _("the certificate"),
    }
    said = [
        *(
            [ngettext("%(num)d step of the training plan", "%(num)d steps of the training plan", missing.more)]
            if missing.more
            else []
        ),
        *(names[each] for each in missing.steps),
    ]
    told = pgettext("missing", ", ").join(said)
    if missing.minutes:
        return _("%(steps)s; about %(time)s", steps=told, time=format_minutes(missing.minutes))
    return told

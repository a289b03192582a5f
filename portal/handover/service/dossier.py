"""The dossier of a handover: everything that its cards say, item by item, to be read without the product."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from portal.accounts.models import Person
from portal.calendars.rules import YearNotInTable
from portal.core.i18n import force_locale, format_date, language, pgettext
from portal.core.i18n import gettext as _
from portal.duties.models import CardVersion
from portal.duties.rules import CardPart, cards
from portal.duties.rules.cards import Question, QuestionText
from portal.duties.service.cards import PART_NAMES, PARTS_IN_ORDER, links_in_words, question_in_words, questions_of
from portal.duties.service.criticality import CRITICALITY_NAMES
from portal.handover.models import Handover
from portal.handover.rules import ItemState, Milestone
from portal.handover.service.names import MILESTONES, REASONS, STATE_NAMES, taker_words
from portal.handover.service.standing import Item, Standing, is_real, plan_of, standing_of, today_of

_UNADDRESSED = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Text:
    """One part of a card as it was written, in the language asked for or, where that is missing, in the other."""

    anchor: str
    heading: str
    source: str
    language: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One item of the dossier."""

    anchor: str
    title: str
    facts: Sequence[tuple[str, str]]
    texts: Sequence[Text]
    # Headings of the six under which nothing is written.
    missing: Sequence[str]
    questions: Sequence[QuestionText]
    # What stands in their place where they were taken out.
    questions_note: str
    has_card: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table of items: how it stood when the dossier was made."""

    title: str
    kind: str
    state: str
    criticality: str
    successor: str
    deputy: str


@dataclass(frozen=True, slots=True)
class LegacyPlan:
    """What comes before the cards: the steps on the way, every item by its state, what is open, and what falls due."""

    # What, by when, and whether it is done; empty in what a single successor gets.
    milestones: Sequence[tuple[str, str, str]]
    rows: Sequence[Row]
    # Items that wait for a decision of the lead, each with why; empty in what a single successor gets.
    decisions: Sequence[tuple[str, str]]
    # Day, item, what falls due.
    dates: Sequence[tuple[str, str, str]]


@dataclass(frozen=True, slots=True)
class Dossier:
    """What is passed on, in one language, as of a day; what is not to be handed over any more is not in it."""

    language: str
    code: str
    title: str
    banner: str
    # Who, until when, under which number; the day as of which it is told stands apart.
    facts: Sequence[tuple[str, str]]
    as_of: tuple[str, str]
    plan: LegacyPlan
    entries: Sequence[Entry]
    made_on: date
    # Only what the reader herself takes over is in it.
    is_part: bool

    @property
    def without_card(self) -> list[Entry]:
        """Items of which nothing is written."""
        return [each for each in self.entries if not each.has_card]


def dossier_of(
    handover: Handover,
    *,
    tag: str,
    successor: Person | None = None,
    standing: Standing | None = None,
    is_last: bool = False,
) -> Dossier:
    """Return the dossier in a language; for a successor only what she is to take over.

    Where many are made of one handover, `standing` is how it stands, in words of that language. The one that is issued
    as it is closed, `is_last`, stays for those who are not told why somebody went.
    """
    with force_locale(tag):
        found = standing or standing_of(handover)
        items = [
            each
            for each in found.items
            if each.state is not ItemState.GONE
            and (successor is None or (each.taker is not None and each.taker.id == successor.id))
        ]
        name = handover.person.name_in(tag)
        title = (
            _("Handover of %(name)s", name=name)
            if is_real(handover)
            else _("Rehearsal of a handover of %(name)s", name=name)
        )
        made_on = today_of(handover)
        return Dossier(
            language=tag,
            code=handover.code,
            title=title,
            banner=_(
                "This paper passes work on. It is no evaluation of anybody's performance, "
                "and nothing of it goes to personnel files."
            ),
            facts=[
                (_("Handed over by"), name),
                # Once it is closed, why is nobody's business any more; a successor is never told.
                *(
                    [(_("Reason"), str(REASONS[handover.reason]))]
                    if successor is None and handover.is_open and not is_last
                    else []
                ),
                (pgettext("handover", "First day of the notice"), format_date(handover.notice_on)),
                (_("Last day"), format_date(handover.last_on)),
                *([(_("First day back"), format_date(handover.back_on))] if handover.back_on is not None else []),
                (_("Number of the handover"), handover.code),
            ],
            plan=_plan(found, items, is_part=successor is not None),
            as_of=(pgettext("dossier", "As of"), format_date(made_on)),
            entries=[
                # Who will be asked the questions in a quiz does not read the answers first.
                _entry(
                    each,
                    each.card.latest if each.card is not None else None,
                    is_asked=successor is not None,
                    reader=successor or handover.person,
                )
                for each in items
            ],
            made_on=made_on,
            is_part=successor is not None,
        )


def _plan(standing: Standing, items: Sequence[Item], *, is_part: bool) -> LegacyPlan:
    """Return what comes before the cards, as it stands now."""
    order = list(ItemState)
    rows = sorted(items, key=lambda each: (order.index(each.state), -each.score, each.thing))
    dates = sorted(
        (each.owned.due_on, each.title, str(each.owned.due_what))
        for each in items
        if each.owned is not None and each.owned.due_on is not None
    )
    return LegacyPlan(
        milestones=_milestones(standing) if not is_part else [],
        rows=[
            Row(
                title=each.title,
                kind=str(each.kind_name),
                state=str(STATE_NAMES[each.state]),
                criticality=str(CRITICALITY_NAMES[each.criticality]),
                successor=taker_words(each),
                deputy=each.deputy.name_in(language()) if each.deputy is not None else "–",
            )
            for each in rows
        ],
        decisions=[(each.title, str(STATE_NAMES[each.state])) for each in rows if each.is_with_lead and not is_part],
        dates=[(format_date(on), title, what) for on, title, what in dates],
    )


def _milestones(standing: Standing) -> list[tuple[str, str, str]]:
    try:
        dates = plan_of(standing.handover).dates
    except YearNotInTable:
        return []
    return [
        (str(MILESTONES[each]), format_date(due.on), _milestone_words(standing, each)) for each, due in dates.items()
    ]


def _milestone_words(standing: Standing, milestone: Milestone) -> str:
    if milestone is Milestone.CARDS and not standing.has_critical:
        return str(_("Nothing is critical."))
    return pgettext("milestone", "Done") if standing.is_met(milestone) else pgettext("milestone", "Open")


def anchor_of(code: str) -> str:
    """Return the address of an item in every dossier."""
    return f"item-{code.lower()}"


def part_anchor(anchor: str, part: str) -> str:
    """Return the address of a part of an item's card, or of its questions."""
    return f"{anchor}-{part.replace('_', '-')}"


def _entry(item: Item, version: CardVersion | None, *, is_asked: bool, reader: Person) -> Entry:
    here = language()
    # A noted item keeps its address in every later dossier.
    anchor = anchor_of(item.row.code) if item.row is not None else _UNADDRESSED.sub("-", f"new-{item.key.lower()}")
    facts = [
        (pgettext("dossier", "Kind"), str(item.kind_name)),
        (_("Criticality"), str(CRITICALITY_NAMES[item.criticality])),
        (_("Successor"), taker_words(item)),
    ]
    if version is not None:
        check = version.checks[-1]
        facts.append(
            (
                pgettext("card", "Last checked"),
                _(
                    "%(date)s by %(name)s",
                    date=format_date(check.checked_on),
                    name=check.checked_by.name_in(here),
                ),
            )
        )
    parts = version.parts if version is not None else {}
    questions = questions_of(version) if version is not None else []
    return Entry(
        anchor=anchor,
        title=item.title,
        facts=facts,
        texts=[_text(anchor, part, parts[part.value], here, reader) for part in PARTS_IN_ORDER if part.value in parts],
        missing=[str(PART_NAMES[each]) for each in cards.missing_parts(parts)] if version is not None else [],
        questions=[_question(each, here, reader) for each in questions] if not is_asked else [],
        questions_note=next((each.said_in(here)[1].stem for each in questions if each.is_out), "")
        if not is_asked
        else "",
        has_card=version is not None,
    )


def _question(question: Question, here: str, reader: Person) -> QuestionText:
    tag, text = question.said_in(here)
    return question_in_words(text, tag, reader)


def _text(anchor: str, part: CardPart, texts: dict[str, str], here: str, reader: Person) -> Text:
    said = here if here in texts else next(iter(texts))
    return Text(
        part_anchor(anchor, part.value),
        str(PART_NAMES[part]),
        links_in_words(texts[said], said, reader),
        said,
    )

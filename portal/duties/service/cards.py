"""Writing cards: what only an owner knows about a thing, in versions; saying that one is still true; ending one."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import cache
from typing import Any

from sqlalchemy.exc import IntegrityError

from portal.accounts import queries as accounts
from portal.accounts.models import Person, Role
from portal.accounts.service import ownership
from portal.accounts.service.ownership import OwnedThing, OwnerNeeds, set_owner
from portal.cohorts.permissions import Reach, reach_of
from portal.core import clock
from portal.core.codes import new_code
from portal.core.db import session
from portal.core.i18n import LazyText, Words, force_locale, lazy_pgettext
from portal.core.i18n import gettext as _
from portal.core.i18n import lazy_gettext as _l
from portal.core.markdown import TrustedHtml, render
from portal.duties.errors import (
    CardChanged,
    CardEnded,
    CardRefused,
    CardThere,
    CheckedAlready,
    NoSuchCard,
    NothingChanged,
    ThingGone,
)
from portal.duties.models import Card, CardCheck, CardVersion
from portal.duties.permissions import KNOWING, SEE_CARD, Answered, lies_within
from portal.duties.queries import cards as queries
from portal.duties.queries.cards import CARD_KIND
from portal.duties.rules import PART_LIMIT, CardPart, cards
from portal.duties.rules.cards import MOST_QUESTIONS, Question, QuestionFault, QuestionText
from portal.duties.rules.secrets import SecretKind, find_secrets, masked
from portal.duties.service import responsibilities
from portal.duties.service.wording import AS_WHAT, TITLE_LIMIT
from portal.journal.service import record
from portal.library.queries import list_document_titles
from portal.library.service.texts import Headings, resolver
from portal.library.service.versions import headings_for

PART_NAMES: dict[CardPart, LazyText] = {
    CardPart.PURPOSE: _l("Purpose"),
    CardPart.RHYTHM: _l("How often"),
    CardPart.STEPS: lazy_pgettext("card", "Steps"),
    CardPart.ACCESS: _l("Tools and access"),
    CardPart.CONTACTS: _l("People involved"),
    CardPart.DECISIONS: _l("Decisions and why"),
    CardPart.EXCEPTIONS: _l("Points to watch"),
    CardPart.TROUBLE: _l("When something goes wrong"),
    CardPart.OPEN_ITEMS: _l("Unfinished business"),
    CardPart.DOCUMENTS: _l("Where documents are"),
}
# The six headings of a Japanese handover paper first, then the rest.
PARTS_IN_ORDER = (*cards.SIX, *(each for each in CardPart if each not in cards.SIX))
_QUESTION_FAULTS: dict[QuestionFault, LazyText] = {
    QuestionFault.STEM_MISSING: _l("Write what is asked, or empty the answers."),
    QuestionFault.RIGHT_MISSING: _l("Write the right answer."),
    QuestionFault.WRONG_MISSING: _l("Write one to three wrong answers."),
    QuestionFault.SAME_TWICE: _l("Two answers say the same. Change one of them."),
    QuestionFault.UNEQUAL: _l("Write as many wrong answers as in the other language, in the same order."),
    QuestionFault.TOO_LONG: _l(
        "A question has at most %(stem)s characters, an answer %(choice)s. Shorten it.",
        stem=cards.STEM_LIMIT,
        choice=cards.CHOICE_LIMIT,
    ),
}
_OF_FAULT = {
    QuestionFault.STEM_MISSING: "stem",
    QuestionFault.RIGHT_MISSING: "right",
    QuestionFault.WRONG_MISSING: "wrong1",
    QuestionFault.SAME_TWICE: "wrong1",
    QuestionFault.UNEQUAL: "wrong1",
    QuestionFault.TOO_LONG: "stem",
}


# --- Cards as things that somebody answers for -------------------------------------------------


class OwnedCards:
    """Cards about what belongs to no other thing; every one that has not ended needs an owner."""

    kind = CARD_KIND
    name = _l("Card")
    owner_needs = OwnerNeeds(KNOWING, of_any_scope=True)

    def find_things(self, codes: Collection[str]) -> Mapping[str, OwnedThing]:
        """Return those of the codes that are such cards."""
        things = {
            code: OwnedThing(
                str(each.latest.title),
                f"/cards/of/{CARD_KIND}/{code}",
                is_live=each.ended_at is None,
                due_on=cards.holds_until(each.last_check.checked_on) if each.ended_at is None else None,
                due_what=_l("Check of the card"),
            )
            for code, each in queries.find_cards_by_code(codes).items()
            if each.kind == CARD_KIND
        }
        owners = accounts.find_owners(CARD_KIND, things)
        return {
            code: replace(thing, needs=SEE_CARD, needs_on=Answered(CARD_KIND, self.name, code, thing, owners.get(code)))
            for code, thing in things.items()
        }

    def list_live_codes(self) -> Collection[str]:
        """Return the codes of all such cards that have not ended."""
        return queries.list_free_codes()


def get_subject(kind: str, thing: str) -> Answered:
    """Return a thing with who answers for it: one in use, or one that has a card. Raises `NoSuchCard`."""
    things = ownership.kinds().get(kind)
    found = things.find_things([thing]).get(thing) if things is not None else None
    if things is None or found is None or not (found.is_live or queries.find_card(kind, thing) is not None):
        raise NoSuchCard()
    return Answered(kind, things.name, thing, found, accounts.find_owner(kind, thing))


def get_carded(kind: str, thing: str) -> Answered:
    """Return a thing that has a card. Raises `NoSuchCard`."""
    found = get_subject(kind, thing)
    if queries.find_card(kind, thing) is None:
        raise NoSuchCard()
    return found


def get_free(thing: str) -> Answered:
    """Return a card about what belongs to no other thing. Raises `NoSuchCard`."""
    return get_carded(CARD_KIND, thing)


def reach_over_cards(person: Person) -> Reach:
    """Return of which markets and teams the person reads the cards, besides those of what she answers for."""
    return reach_of(person, Role.LEAD, everywhere=(Role.AUDITOR,))


def list_readable(person: Person) -> list[Answered]:
    """Return everything in use whose card the person reads: what she answers for, and what lies within her reach."""
    reach = reach_over_cards(person)
    if not reach:
        return responsibilities.list_of_people([person])
    return [
        each
        for each in responsibilities.list_all()
        if lies_within(reach, each) or responsibilities.answers(person, each)
    ]


# --- As it is shown ----------------------------------------------------------------------------


def shown_text(text: str, tag: str, reader: Person) -> TrustedHtml:
    """Return a part of a card as markup; links to clauses lead to them, in the words of the clause and its document.

    Where there is no such clause that the reader may open, its address stands as it is.
    """
    named = _named_for(reader)

    def kept_or_plain(found: re.Match[str]) -> str:
        known = named(found["slug"], found["anchor"], tag) is not None
        return found[0] if known else f"{found['slug']}#{found['anchor']}"

    said = cards.CLAUSE_LINK.sub(kept_or_plain, text)
    return render(cards.as_markdown(said), resolve=resolver("", {}, named, tag), language=tag)


def links_in_words(text: str, tag: str, reader: Person) -> str:
    """Return a text of a card with every link to a clause as words and address, for paper and for plain lines."""
    if "[[" not in text:
        return text
    named = _named_for(reader)

    def in_words(found: re.Match[str]) -> str:
        name = named(found["slug"], found["anchor"], tag)
        address = f"{found['slug']}#{found['anchor']}"
        if name is None:
            return address
        return f"{name}（{address}）" if tag == "ja" else f"{name} ({address})"

    return cards.CLAUSE_LINK.sub(in_words, text)


def question_in_words(text: QuestionText, tag: str, reader: Person) -> QuestionText:
    """Return what a question says in a language, with every link to a clause as words and address."""
    return replace(
        text,
        stem=links_in_words(text.stem, tag, reader),
        right=links_in_words(text.right, tag, reader),
        wrong=tuple(links_in_words(each, tag, reader) for each in text.wrong),
    )


def _named_for(reader: Person) -> Headings:
    """Return what names clauses of documents that this person may read: by clause and document, each asked for once."""
    headings = headings_for(reader)

    @cache
    def name(slug: str, anchor: str, tag: str) -> str | None:
        heading = headings(slug, anchor, tag)
        if heading is None:
            return None
        title = list_document_titles([slug], tag).get(slug, slug)
        with force_locale(tag):
            # What stands before the first heading has none.
            return _("“%(clause)s” in “%(document)s”", clause=heading, document=title) if heading else title

    return name


# --- Writing -----------------------------------------------------------------------------------


def write_card(
    *,
    subject: Answered,
    parts: Mapping[str, Mapping[str, str]],
    questions: Sequence[Question],
    seen: int,
    by: Person,
    title: Words | None = None,
) -> CardVersion:
    """Keep what a card says from now on; `seen` is the number of the version that was read, 0 where there was none.

    Raises `ThingGone`, `CardEnded`, `CardRefused`, `CardChanged`, `NothingChanged`.
    """
    is_free = subject.kind == CARD_KIND
    if not subject.thing.is_live:
        raise CardEnded() if is_free else ThingGone()
    kept, named = _checked(parts, questions, title if is_free else None, is_free=is_free)
    card = _locked(subject.kind, subject.code, by)
    if (card.latest.number if card.versions else 0) != seen:
        raise CardChanged()
    if card.versions and _says(card.latest) == (named, kept, _rows(questions)):
        raise NothingChanged()
    return _add(card, named, kept, questions, by)


def create_card(
    *, title: Words, parts: Mapping[str, Mapping[str, str]], questions: Sequence[Question], by: Person
) -> Card:
    """Write a card about what belongs to no other thing; who writes it answers for it.

    Raises `CardRefused`, `CardThere`.
    """
    kept, named = _checked(parts, questions, title, is_free=True)
    if any(each.latest.title == named for each in queries.list_free_of(by)):
        raise CardThere()
    code = new_code()
    card = Card(code=code, kind=CARD_KIND, thing_code=code, created_at=clock.now(), created_by=by.code, versions=[])
    session.add(card)
    session.flush()
    _add(card, named, kept, questions, by)
    set_owner(kind=CARD_KIND, code=code, owner=by, by=by)
    return card


def check_card(*, subject: Answered, seen: int, by: Person) -> CardCheck:
    """Say that a card was gone through and is still true. Raises `CardChanged`, `CheckedAlready`, `CardEnded`."""
    found = queries.find_card(subject.kind, subject.code)
    if found is None:
        raise NoSuchCard()
    if not subject.thing.is_live:
        raise CardEnded() if subject.kind == CARD_KIND else ThingGone()
    card = queries.lock_card(found.id)
    if card.latest.number != seen:
        raise CardChanged()
    today = today_of(by)
    if card.last_check.checked_on >= today:
        raise CheckedAlready()
    row = _check(card.latest, by, today)
    record("duties.card_checked", by=by, subject=("card", card.code), after={"version": card.latest.number})
    return row


def end_card(*, subject: Answered, by: Person) -> None:
    """Say that nobody needs to know any more what a free card says. Raises `CardEnded`."""
    found = queries.find_card(CARD_KIND, subject.code)
    if found is None:
        raise NoSuchCard()
    card = queries.lock_card(found.id)
    if card.ended_at is not None:
        raise CardEnded()
    card.ended_at, card.ended_by = clock.now(), by.code
    session.flush()
    record("duties.card_ended", by=by, subject=("card", card.code))


def number_of(subject: Answered) -> int:
    """Return the number of the version that the card of a thing has now, 0 where there is none."""
    found = queries.find_card(subject.kind, subject.code)
    return found.latest.number if found is not None else 0


def today_of(person: Person) -> date:
    """Return which day it is in the person's market."""
    return clock.today(person.home_market.time_zone)


def questions_of(version: CardVersion) -> list[Question]:
    """Return the questions of a version, with notes in the places of those that were taken out."""
    return [_question(each) for each in version.questions]


def asked_of(version: CardVersion) -> list[Question]:
    """Return the questions of a version that somebody can be asked."""
    return [each for each in questions_of(version) if not each.is_out]


def _question(row: Mapping[str, Any]) -> Question:
    text, other = cards.QuestionText(row["stem"], row["right"], tuple(row["wrong"])), row.get("other")
    return Question(
        text.stem,
        text.right,
        text.wrong,
        CardPart(row["about"]) if row.get("about") else None,
        row.get("lang", ""),
        cards.QuestionText(other["stem"], other["right"], tuple(other["wrong"])) if other else None,
        bool(row.get("out")),
    )


def _locked(kind: str, code: str, by: Person) -> Card:
    """Return the card of a thing, made where there is none, and let others who write it wait. Raises `CardChanged`."""
    found = queries.find_card(kind, code)
    if found is not None:
        return queries.lock_card(found.id)
    card = Card(code=new_code(), kind=kind, thing_code=code, created_at=clock.now(), created_by=by.code, versions=[])
    try:
        with session.begin_nested():
            session.add(card)
    except IntegrityError as taken:
        raise CardChanged() from taken
    return card


def _add(card: Card, title: Words | None, parts: cards.Parts, questions: Sequence[Question], by: Person) -> CardVersion:
    version = CardVersion(
        card=card,
        number=len(card.versions) + 1,
        title=title,
        parts=parts,
        questions=_rows(questions),
        written_at=clock.now(),
        written_by=by,
        checks=[],
    )
    session.add(version)
    session.flush()
    _check(version, by, today_of(by))
    record("duties.card_written", by=by, subject=("card", card.code), after={"version": version.number})
    return version


def _check(version: CardVersion, by: Person, today: date) -> CardCheck:
    row = CardCheck(version=version, checked_on=today, checked_at=clock.now(), checked_by=by)
    session.add(row)
    session.flush()
    return row


def _says(version: CardVersion) -> tuple[Words | None, Any, Any]:
    return version.title, version.parts, version.questions


def _rows(questions: Sequence[Question]) -> list[dict[str, Any]]:
    return [_row(each) for each in questions]


def _row(question: Question) -> dict[str, Any]:
    """Return a question as it is kept; what is not said is left out."""
    found: dict[str, Any] = _texts(cards.QuestionText(question.stem, question.right, question.wrong))
    if question.about is not None:
        found["about"] = question.about.value
    if question.lang:
        found["lang"] = question.lang
    if question.other is not None:
        found["other"] = _texts(question.other)
    return found


def _texts(text: cards.QuestionText) -> dict[str, Any]:
    return {"stem": text.stem, "right": text.right, "wrong": list(text.wrong)}


# --- What is refused ---------------------------------------------------------------------------


def _checked(
    parts: Mapping[str, Mapping[str, str]], questions: Sequence[Question], title: Words | None, *, is_free: bool
) -> tuple[cards.Parts, Words | None]:
    """Return what is kept of a card. Raises `CardRefused` with every fault."""
    kept = cards.tidied_parts(parts)
    named = Words(title.en.strip(), title.ja.strip()) if title is not None else None
    faults: list[tuple[str | None, LazyText]] = list(_title_faults(named)) if is_free else []
    faults += [
        (
            field_of(each.part, each.language),
            _l(
                "The text has %(length)s characters; at most %(limit)s are kept. Shorten it.",
                length=each.length,
                limit=PART_LIMIT,
            ),
        )
        for each in cards.too_long(kept)
    ]
    faults += list(_question_faults(questions))
    # What is longer than is kept is not searched: it cannot be saved as it is.
    if not faults:
        faults += [
            (
                field_of(each.part, each.language)
                if each.part is not None
                else question_field(each.question or 0, "stem", each.language),
                secret_words(each.kind, each.line, each.shown),
            )
            for each in cards.secret_places(kept, questions)
        ]
    if not faults and not kept:
        faults.append((None, _l("Write at least one part of the card.")))
    if faults:
        raise CardRefused(faults)
    return kept, named


def secret_words(kind: SecretKind, line: int, shown: str) -> LazyText:
    """Say that a line looks like a secret, as what, and what to write instead."""
    return _l(
        "Line %(line)s looks like %(what)s (%(shown)s). A card never holds secrets: "
        "write where access is asked for, and change the secret if others could read it.",
        line=line,
        what=AS_WHAT[kind],
        shown=shown,
    )


def secret_name(kind: SecretKind) -> LazyText:
    """Say as what something looks like a secret."""
    return AS_WHAT[kind]


def field_of(part: CardPart, language: str) -> str:
    """Return under which name a form holds a part in a language."""
    return f"{part.value}_{language}"


def question_field(number: int, name: str, language: str) -> str:
    """Return under which name a form holds a text of a question in a language."""
    return f"q{number}_{name}_{language}"


def _title_faults(title: Words | None) -> Iterable[tuple[str | None, LazyText]]:
    for language in cards.LANGUAGES:
        text = str(getattr(title, language, ""))
        if not text:
            yield f"title_{language}", _l("Write the title in Japanese and in English.")
        elif len(text) > TITLE_LIMIT:
            yield (
                f"title_{language}",
                _l(
                    "The title has %(length)s characters; at most %(limit)s are kept. Shorten it.",
                    length=len(text),
                    limit=TITLE_LIMIT,
                ),
            )
        else:
            for found in find_secrets(text):
                yield f"title_{language}", secret_words(found.kind, 1, masked(text[found.start : found.end]))


def _question_faults(questions: Sequence[Question]) -> Iterable[tuple[str | None, LazyText]]:
    if len(questions) > MOST_QUESTIONS:
        yield None, _l("A card has at most %(limit)s questions.", limit=MOST_QUESTIONS)
    for number, each in enumerate(questions, 1):
        for language, fault in cards.question_faults(each):
            yield question_field(number, _OF_FAULT[fault], language), _QUESTION_FAULTS[fault]

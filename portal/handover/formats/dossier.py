"""A dossier written out: as Markdown with an address for every part, as a text of the library, and as a paper."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from portal.core import pdf
from portal.core.i18n import force_locale, format_date, pgettext
from portal.core.i18n import gettext as _
from portal.core.markdown import numbered_for_print
from portal.core.printing import PrintFolder
from portal.duties.rules.cards import as_markdown
from portal.handover.service.dossier import Dossier, Entry, Text
from portal.library.models import DocumentVersion, VersionText
from portal.library.queries import ShownClause

TEMPLATES = PrintFolder("handover")
# Printed where no font has a character.
_NO_GLYPH = "〓"
_FONTS = ("serif", "sans")
# So many of them are named on the first page.
_CHARACTERS_NAMED = 12
# So many characters of what an item is called stand in its heading.
_TITLE = 200
# What comes before the cards, and after them.
_OVERVIEW, ITEMS, DECISIONS, DATES, WITHOUT_CARD = "overview", "items", "decisions", "dates", "without-card"
_FRONT = (_OVERVIEW, ITEMS, DECISIONS, DATES)


def markdown_of(dossier: Dossier) -> str:
    """Return the dossier as Markdown; every item and every part of it keeps its address over later ones."""
    with force_locale(dossier.language):
        return _with_head(dossier.title, dossier.banner, source_of(dossier, is_dated=True))


def markdown_of_version(text: VersionText) -> str:
    """Return a version of a dossier as Markdown: what was published, under its title."""
    return _with_head(text.title, text.summary, text.source)


def _with_head(title: str, banner: str, source: str) -> str:
    return f"# {as_markdown(title)}\n\n> {banner}\n\n{source}"


def source_of(dossier: Dossier, *, is_dated: bool = False) -> str:
    """Return what the dossier says, as the text of a document; undated, it is the same as long as the cards are."""
    with force_locale(dossier.language):
        lines: list[str] = []
        if dossier.is_part:
            lines += [_part_words(), ""]
        lines += [*_facts([*dossier.facts, dossier.as_of] if is_dated else dossier.facts), ""]
        lines += _plan_lines(dossier)
        for entry in dossier.entries:
            if not entry.has_card:
                continue
            lines += ["", _heading(2, as_markdown(_short(entry.title)), entry.anchor), "", *_facts(entry.facts), ""]
            if entry.missing:
                lines += [_missing_words(entry), ""]
            for text in entry.texts:
                lines += [_heading(3, text.heading, text.anchor), ""]
                if text.language != dossier.language:
                    lines += [f"*{language_words(text)}*", ""]
                lines += [as_markdown(text.source), ""]
            if entry.questions:
                lines += [_heading(3, _("Questions for a successor"), f"{entry.anchor}-questions"), ""]
                if entry.questions_note:
                    lines.append(as_markdown(entry.questions_note))
                    continue
                right, wrong = _("Right:"), _("Wrong:")
                for number, each in enumerate(entry.questions, 1):
                    lines.append(f"{number}. {_flat(each.stem)}")
                    lines.append(f"   - {right} {_flat(each.right)}")
                    lines += [f"   - {wrong} {_flat(answer)}" for answer in each.wrong]
        if dossier.without_card:
            lines += ["", _heading(2, _("Items without a card"), WITHOUT_CARD), "", _no_card_words(), ""]
            lines += _table(
                (_("Item"), pgettext("dossier", "Kind")),
                [(each.title, each.facts[0][1]) for each in dossier.without_card],
            )
    return "\n".join(lines).rstrip() + "\n"


def _plan_lines(dossier: Dossier) -> list[str]:
    """Return what comes before the cards; its headings are there also where nothing stands below them."""
    plan, none = dossier.plan, _("None.")
    lines = [_heading(2, _("Plan of the handover"), _OVERVIEW), ""]
    lines += [
        *(
            _("- %(what)s, by %(date)s: %(state)s", what=as_markdown(what), date=date, state=state)
            for what, date, state in plan.milestones
        ),
        "",
    ]
    lines += [_heading(2, _("Items by state"), ITEMS), ""]
    if plan.rows:
        heads = (_("Item"), _("State"), _("Criticality"), _("Successor"), _("Deputy"))
        lines += _table(
            heads,
            [
                (f"{each.title} · {each.kind}", each.state, each.criticality, each.successor, each.deputy)
                for each in plan.rows
            ],
        )
    else:
        lines += [_("Nothing is to be handed over."), ""]
    if not dossier.is_part:
        lines += [_heading(2, _("Open decisions of the lead"), DECISIONS), ""]
        lines += [f"- {_flat(title)}: {_flat(why)}" for title, why in plan.decisions] or [none]
        lines += [""]
    lines += [_heading(2, _("Next dates"), DATES), ""]
    lines += [f"- {date}: {_flat(title)} – {_flat(what)}" for date, title, what in plan.dates] or [none]
    return lines


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    def line(cells: Sequence[str]) -> str:
        return f"| {' | '.join(_flat(each) for each in cells)} |"

    return [line(heads), f"|{'---|' * len(heads)}", *(line(each) for each in rows), ""]


def _short(title: str) -> str:
    flat = " ".join(title.split())
    return flat if len(flat) <= _TITLE else f"{flat[: _TITLE - 1]}…"


def _heading(level: int, title: str, anchor: str) -> str:
    return f"{'#' * level} {title} {{#{anchor}}}"


def _facts(facts: object) -> list[str]:
    return [f"- {name}: {as_markdown(value)}" for name, value in facts]  # type: ignore[attr-defined]


def _flat(text: str) -> str:
    return as_markdown(" ".join(text.split()))


def _part_words() -> str:
    return _("Only what the reader takes over is in this paper.")


def _no_card_words() -> str:
    return _("There is no card of these: what only their owner knows is not written down.")


def _missing_words(entry: Entry) -> str:
    return _("Nothing is written yet under: %(parts)s", parts=_(", ").join(entry.missing))


def language_words(text: Text) -> str:
    """Say in which language a text was written, where it is not the one asked for."""
    return _("Only in Japanese") if text.language == "ja" else _("Only in English")


@dataclass(frozen=True, slots=True)
class Printed:
    """A version of a dossier as plain data, as it is printed in one language."""

    language: str
    identifier: str
    title: str
    banner: str
    organisation: str
    # What it is, and what it says before the first heading.
    facts: Sequence[tuple[str, str]]
    clauses: Sequence[ShownClause]


def printed_of(version: DocumentVersion, tag: str, *, clauses: Sequence[ShownClause], organisation: str) -> Printed:
    """Return a version as it is printed; `clauses` are its own in the language."""
    text = version.text_in(tag) or version.texts[0]
    with force_locale(tag):
        return Printed(
            language=tag,
            identifier=f"dossier:{text.hash}"
            + (f":{text.taken_out_at.isoformat()}" if text.taken_out_at is not None else ""),
            title=text.title,
            banner=text.summary,
            organisation=organisation,
            facts=[
                (_("Version"), version.number),
                (pgettext("dossier", "Issued on"), format_date(version.issued_on)),
            ],
            clauses=clauses,
        )


def html_of(printed: Printed, *, lacking: Sequence[str] = ()) -> str:
    """Return a version of a dossier as a page to be printed; it says which characters no font has."""
    first = [each for each in printed.clauses if each.level == 0]
    chapters: list[tuple[ShownClause, list[ShownClause]]] = []
    for each in printed.clauses:
        if each.level == 2:
            chapters.append((each, []))
        elif each.level > 2 and chapters:
            chapters[-1][1].append(each)
    with force_locale(printed.language):
        return TEMPLATES.html(
            "dossier",
            printed=printed,
            without=_(
                "Characters for which there is no font stand as %(mark)s here: %(characters)s. The Markdown file of "
                "this version, and its page in the library, have them.",
                mark=_NO_GLYPH,
                characters=named_characters(lacking),
            )
            if lacking
            else "",
            labels={"contents": _("Contents"), "page": pgettext("printed page", "Page")},
            first=[numbered_for_print(each.html) for each in first],
            plan=[_chapter(head, parts) for head, parts in chapters if head.anchor in _FRONT],
            chapters=[_chapter(head, parts) for head, parts in chapters if head.anchor not in _FRONT],
        )


def named_characters(characters: Sequence[str]) -> str:
    """Name characters by their numbers, as they can be told where they cannot be shown; the first few."""
    named = [" ".join(f"U+{ord(one):04X}" for one in each) for each in characters[:_CHARACTERS_NAMED]]
    told = pgettext("list", ", ").join(named)
    return f"{told} …" if len(characters) > _CHARACTERS_NAMED else str(told)


def unprintable_in(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the characters of texts that a PDF would print as 〓; nothing where that cannot be told now."""
    try:
        return pdf.lacking("\n".join(texts), fonts=_FONTS)
    except pdf.PdfFailed:
        return ()


def _chapter(head: ShownClause, parts: Sequence[ShownClause]) -> dict[str, Any]:
    return {
        "anchor": head.anchor,
        "heading": head.heading_html,
        "html": numbered_for_print(head.html),
        "parts": [
            {"anchor": part.anchor, "heading": part.heading_html, "html": numbered_for_print(part.html)}
            for part in parts
        ],
    }


def pdf_of(printed: Printed) -> bytes:
    """Return a version as a PDF; a character that no font has is printed as 〓, which its first page says.

    Raises what `pdf.render` raises.
    """
    lacking: list[str] = []
    for _attempt in range(2):
        html, title = html_of(printed, lacking=lacking), printed.title
        for each in lacking:
            html, title = html.replace(each, _NO_GLYPH), title.replace(each, _NO_GLYPH)
        try:
            return pdf.render(
                html,
                stylesheets=(TEMPLATES.style("dossier"),),
                assets={},
                fonts=_FONTS,
                identifier=printed.identifier,
                title=title,
                language=printed.language,
            ).content
        except pdf.CharacterWithoutGlyph as missing:
            lacking += missing.characters
            refused = missing
    raise refused

"""What is wrong with a draft, in words: the findings of `rules.lint` and of the texts, each with its way out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from portal.core import clock
from portal.core.i18n import format_instant, ngettext
from portal.core.i18n import gettext as _
from portal.core.markdown import Problem, clause_links, inner_addresses, reading_minutes, split_clauses
from portal.library import queries
from portal.library.models import Draft, DraftState, GlossaryTerm
from portal.library.queries import drafts
from portal.library.recorded import CHANGE_CLASSES
from portal.library.rules import changes as rules_of_changes
from portal.library.rules import lint as rules
from portal.library.rules.changes import ASKS_AGAIN, last_that_stands, takes_effect_last
from portal.library.rules.lint import Finding, Known, Level, NotBefore
from portal.library.service import absorbed, overlays
from portal.library.service.texts import TextDraft, can_be_split, problems_beside, problems_of
from portal.organisation import queries as organisation


@dataclass(frozen=True, slots=True)
class Told:
    """A finding in the reader's language: what was found, and what to do."""

    finding: Finding
    what: str
    mend: str

    @property
    def stops(self) -> bool:
        """Whether the draft cannot be submitted because of it."""
        return self.finding.level is Level.STOPS


def examine(draft: Draft) -> list[Told]:
    """Return what is found about a draft: what stops it first, then hints; within these by text and line."""
    terms = [_term(row) for row in queries.list_terms()]
    pictures = frozenset(queries.pictures_of(draft.document.slug))
    texts, told = [], []
    laid = {text.language: text for text in overlays.texts_of_draft(draft)} if draft.over is not None else {}
    broken = _broken_overlay(draft, pictures) if draft.over is not None else {}
    for text in draft.texts:
        if not text.source.strip() and text.language != draft.document.authoritative:
            # A second language that nobody has begun.
            continue
        problems = problems_of(text.source, pictures=pictures) if draft.over is None else broken.get(text.language, [])
        whole = laid.get(text.language)
        clauses = [] if problems and not can_be_split(text.source) else split_clauses(text.source)
        for problem in [*problems_beside(text), *problems]:
            anchor = next((each.anchor for each in reversed(clauses) if each.line <= problem.line), "")
            finding = Finding("broken", Level.STOPS, text.language, anchor, problem.line)
            told.append(Told(finding, problem.reason, problem.mend))
        if not clauses:
            continue
        texts.append(
            rules.Text(
                language=text.language,
                title=text.title or (whole.title if whole else ""),
                summary=text.summary or (whole.summary if whole else ""),
                what_to_do_differently=text.what_to_do_differently,
                clauses=clauses,
                links=clause_links(text.source),
                addresses=inner_addresses(text.source),
                linkable=drafts.clauses_in(whole.source) if whole else (),
                minutes=reading_minutes(text.source, text.language),
            )
        )
    if draft.text_in(draft.document.authoritative) is None:
        finding = Finding("broken", Level.STOPS, draft.document.authoritative)
        told.append(Told(finding, _("The authoritative text is missing."), _("Write it.")))
    found = rules.lint(
        _proposal(draft, texts), texts, terms=terms, targets=_Targets(), now=clock.now(), own_words=own_words()
    )
    told += [Told(finding, *_words_of(finding)) for finding in found]
    return sorted(told, key=lambda each: (not each.stops, each.finding.language != draft.document.authoritative))


def examine_texts(
    proposal: rules.Proposal,
    written: Sequence[TextDraft],
    *,
    terms: Sequence[rules.Term],
    targets: rules.Targets,
    linkable: Collection[str] = (),
) -> list[Told]:
    """Return what is found in texts that are no draft of ours, such as those of a folder; no database is asked."""
    texts = [
        rules.Text(
            language=draft.language,
            title=draft.title,
            summary=draft.summary,
            what_to_do_differently=draft.what_to_do_differently,
            clauses=split_clauses(draft.source),
            links=clause_links(draft.source),
            addresses=inner_addresses(draft.source),
            linkable=linkable,
            minutes=reading_minutes(draft.source, draft.language),
        )
        for draft in written
    ]
    found = rules.lint_texts(proposal, texts, terms=terms, targets=targets)
    return [Told(finding, *_words_of(finding)) for finding in found]


def _broken_overlay(draft: Draft, pictures: frozenset[str]) -> dict[str, list[Problem]]:
    """Return language → what keeps a text of an overlay from being published over its base."""
    found: dict[str, list[Problem]] = {}
    if draft.over is not None:
        texts = overlays.written_texts_of_draft(draft)
        for tag, problem in overlays.problems_of_overlay(draft.document, draft.over, texts, pictures=pictures):
            found.setdefault(tag, []).append(problem)
    return found


def _term(row: GlossaryTerm) -> rules.Term:
    return rules.Term({"en": row.term.en, "ja": row.term.ja}, {"en": row.forbidden_en, "ja": row.forbidden_ja})


def _proposal(draft: Draft, texts: list[rules.Text]) -> rules.Proposal:
    document = draft.document
    latest = queries.latest_version(document)
    second = next((text.language for text in texts if text.language != document.authoritative), None)
    both = second is not None and len(texts) > 1
    followed = overlays.followed_version(document.base) if document.base is not None else None
    is_ahead = followed is not None and overlays.comes_before_base(draft)
    last = takes_effect_last(document.versions)
    return rules.Proposal(
        slug=document.slug,
        authoritative=document.authoritative,
        sensitivity=document.sensitivity,
        number=draft.number,
        change_class=draft.change_class.value if draft.change_class else None,
        based_on=draft.based_on.number if draft.based_on else None,
        latest=latest.number if latest else None,
        effective_at=draft.effective_at,
        issue_at=draft.issue_at,
        provisional_reason=draft.provisional_reason,
        is_approved=draft.state is DraftState.APPROVED,
        stands=None if (stands := last_that_stands(document.versions)) is None else stands.number,
        carried_over=carried_over_by(draft),
        class_of_base=_class_of_base(draft),
        behind=drafts.behind_of_draft(draft, second) if both and second is not None else (),
        over=draft.over.number if draft.over is not None else None,
        over_latest=followed.number if followed is not None else None,
        over_may_stay=is_ahead,
        is_told_otherwise=draft.over is not None
        and overlays.is_told_otherwise(draft.over, overlays.modes_of_draft(draft)),
        takes_effect_at=takes_effect_at(draft),
        not_before=NotBefore(last.number, last.effective_at, last.zone) if last is not None else None,
    )


def _class_of_base(draft: Draft) -> str | None:
    least = absorbed.least_class_of(draft)
    if least is None or draft.change_class is None or not absorbed.is_lighter(draft.change_class, least):
        return None
    return least.value


def takes_effect_at(draft: Draft) -> datetime:
    """Return when a draft takes effect as things stand: if it were published as soon as it may be."""
    if draft.effective_at is not None:
        return draft.effective_at
    issued = max(clock.now(), draft.issue_at or clock.now())
    return issued if draft.over is None else max(issued, draft.over.effective_at)


def carried_over_by(draft: Draft) -> tuple[str, ...]:
    """Return the clauses in which a draft keeps what versions that were withdrawn had changed."""
    document = draft.document
    stands = last_that_stands(document.versions)
    withdrawn = [each for each in document.versions if stands is None or each.sequence > stands.sequence]
    text = overlays.text_of_draft(draft, document.authoritative)
    if not withdrawn or text is None:
        return ()
    hashes = queries.list_clause_hashes(document)
    return rules_of_changes.carried_over(
        hashes.get(stands.id, {}) if stands is not None else {},
        [(hashes.get(each.id, {}), each.change_class.value in ASKS_AGAIN) for each in withdrawn],
        drafts.clauses_in(text.source),
    )


def own_words() -> set[str]:
    """Return what the organisation calls itself and its parts by: no glossary has to say what these are."""
    markets, teams = organisation.list_markets(), organisation.list_teams()
    names = [organisation.name(), *(each.name for each in markets), *(each.name for each in teams)]
    said = [word for words in names for word in (words.en, words.ja)]
    return {word for word in (*said, *(each.code for each in markets), *organisation.own_words()) if word.strip()}


class _Targets:
    """What links to other documents lead to; each document is asked once."""

    def __init__(self) -> None:
        self._known: dict[str, set[str] | None] = {}
        self._withdrawn: set[str] = set()

    def __call__(self, slug: str, anchor: str) -> Known:
        if slug not in self._known:
            document = queries.find_document(slug)
            version = queries.version_to_read(document) if document else None
            if version is not None and version.withdrawn_at is not None:
                self._withdrawn.add(slug)
            self._known[slug] = None if version is None else set(queries.clause_anchors(version))
        anchors = self._known[slug]
        if anchors is None:
            return Known.NO_DOCUMENT
        if anchor and anchor not in anchors:
            return Known.NO_CLAUSE
        return Known.WITHDRAWN if slug in self._withdrawn else Known.CLAUSE


def _words_of(finding: Finding) -> tuple[str, str]:
    return _WORDS[finding.kind](finding.values)


Values = Mapping[str, object]
_WORDS: dict[str, Callable[[Values], tuple[str, str]]] = {
    "outdated": lambda v: (
        _("The draft is based on version %(based_on)s, but %(latest)s has been published since.", **v),
        _("Take over what changed in between; then the draft is based on the latest version."),
    ),
    "base_moved": lambda v: (
        _("The text is written over version %(over)s of its base; version %(latest)s has been published since.", **v),
        _("Look at what changed there, clause by clause, and lay the text over it."),
    ),
    "base_ahead": lambda v: (
        _(
            "Version %(latest)s of the base is issued and takes effect later; this text is laid over the one in force.",
            **v,
        ),
        _(
            "It can be published before that day. It then follows version %(latest)s from its day on by itself, or "
            "waits for a decision where that changes a clause in which the market does otherwise.",
            **v,
        ),
    ),
    "number_unreadable": lambda v: (
        _("“%(value)s” is no version number.", value=v["number"]),
        _("Write two whole numbers with a dot, such as 1.0."),
    ),
    "number_too_low": lambda v: (
        _("Version %(number)s does not come after %(latest)s, the latest one.", **v),
        _("Give it a higher number."),
    ),
    "class_too_light": lambda v: (
        _(
            "The text keeps what a withdrawn version changed (%(ids)s). Those who confirmed version %(stands)s were "
            "never asked to follow it, or are not asked any more.",
            **v,
        )
        if v.get("stands")
        else _("The text keeps what a withdrawn version brought (%(ids)s). Nobody has ever had to follow it.", **v),
        _("Choose “material” or “emergency”, so that they are asked, or take these clauses back."),
    ),
    "class_below_base": lambda v: (
        _(
            "With this text its readers meet changes of the base text that were published as “%(class)s”.",
            **{"class": CHANGE_CLASSES[str(v["class"])]},
        ),
        _("Choose at least “material”, so that they are asked.")
        if v["class"] in ASKS_AGAIN
        else _("Choose a class that is not lighter."),
    ),
    "class_missing": lambda v: (
        _("The change class is not chosen."),
        _("Choose it with what is proposed: it decides who must do what again."),
    ),
    "effective_before_issue": lambda v: (
        _("It would take effect before it is published."),
        _("Choose a later effective date, or an earlier publication."),
    ),
    "issue_passed": lambda v: (
        _("The time of publication that is proposed has passed."),
        _("The version is published as soon as it is approved. Choose a later time where it is to wait."),
    ),
    "effective_passed": lambda v: (
        _("The effective date has passed."),
        _("Choose a later one, or leave it empty: then it takes effect when it is published."),
    ),
    "effective_before_earlier": lambda v: (
        _(
            "It would take effect before version %(number)s, on which it is based: %(when)s. The older text would come "
            "back into force then.",
            number=v["number"],
            when=_instant(v["at"], v["zone"]),
        ),
        _("Choose that time or a later one, or withdraw version %(number)s first.", number=v["number"]),
    ),
    "second_language_missing": lambda v: (
        _("There is no text in the other language."),
        _("Write it, or say why the version is issued provisionally."),
    ),
    "clause_behind": lambda v: (
        _("This clause does not say what the authoritative text says now."),
        _("Bring it up to date and mark that it follows, or say why the version is issued provisionally."),
    ),
    "clause_untranslated": lambda v: (
        _("This clause is missing in the translation."),
        _("Translate it, or say why the version is issued provisionally."),
    ),
    "clause_only_here": lambda v: (
        _("The authoritative text does not have this clause."),
        _("Remove it, or add it there under the same id."),
    ),
    "order_differs": lambda v: (
        _("This clause stands where “%(expected)s” belongs.", **v),
        _("Both languages have the same clause ids in the same order."),
    ),
    "label_differs": lambda v: (
        _("The clause is labelled %(label)s here and %(deciding)s in the authoritative text.", **v),
        _("Give both the same label; readers are warned by that of the authoritative text."),
    ),
    "title_missing": lambda v: (_("The title is missing."), _("Write it above the text.")),
    "summary_missing": lambda v: (
        _("The summary is missing."),
        _("Say in one or two sentences what the document is about; readers of a material change see it first."),
    ),
    "what_to_do_missing": lambda v: (
        _("It does not say what to do differently."),
        _("Write in one or two sentences what changes at work; readers of a material change see it first."),
    ),
    "what_to_do_of_base": lambda v: (
        _("It does not say what this market does differently."),
        _(
            "The base text has changed clauses in which the market does otherwise, so what it says to do differently "
            "is not shown here. Write what changes at work in this market."
        ),
    ),
    "long": lambda v: (
        ngettext(
            "Reading it takes about %(num)d minute.", "Reading it takes about %(num)d minutes.", _number(v["minutes"])
        ),
        _(
            "Consider splitting it: texts of more than %(limit)s minutes are seldom read to the end.",
            limit=rules.MOST_MINUTES,
        ),
    ),
    "label_above_document": lambda v: (
        _("The clause is labelled %(label)s, the document only %(document)s.", **v),
        _("Lower the label, or ask a policy owner to raise the sensitivity of the document."),
    ),
    "examples_missing": lambda v: (
        _("The decision table has neither an example nor a counter-example in its clause."),
        _("Add a paragraph that begins **Example:** and one that begins **Counter-example:**."),
    ),
    "counter_example_missing": lambda v: (
        _("The decision table has no counter-example in its clause."),
        _("Add a paragraph that begins **Counter-example:**; the border of a rule is learned from it."),
    ),
    "label_missing": lambda v: (
        _("There is an example, but the clause has no sensitivity label."),
        _("Write sensitivity=S0 to S4 behind the id, so that readers are warned, or know that they need not be."),
    ),
    "labels_absent": lambda v: (
        _("The document is of %(document)s, but none of its clauses carries a sensitivity label.", **v),
        _("Write sensitivity=S0 to S4 behind the ids, so that readers are warned where it hurts."),
    ),
    "alternative_missing": lambda v: (
        _("A picture has no alternative text."),
        _("Write in the square brackets what the picture shows."),
    ),
    "link_broken": lambda v: (
        _("There is no clause “%(slug)s#%(id)s”.", **v),
        _("Correct the id, or remove the link."),
    ),
    "link_to_nothing": lambda v: (
        _("There is no document “%(slug)s” yet.", **v),
        _("The link shows its address until there is such a document."),
    ),
    "link_to_withdrawn": lambda v: (
        _("The document “%(slug)s” has been withdrawn.", **v),
        _("Link to what applies instead, or remove the link."),
    ),
    "link_unreadable": lambda v: (
        _("“%(written)s” is not read as a link to a clause.", **v),
        _("Write “%(meant)s”: ids are lower-case letters, digits and hyphens.", **v),
    ),
    "word_forbidden": lambda v: (
        _("The glossary forbids the word “%(word)s”.", **v),
        _("Write “%(term)s”.", **v),
    ),
    "term_undefined": lambda v: (
        _("“%(word)s” looks like a term, but the glossary does not have it.", **v),
        _("Add it to the glossary, use a term that is there, or write it without capitals or quotation marks."),
    ),
    "abbreviation_undefined": lambda v: (
        _("“%(word)s” is an abbreviation that the glossary does not have.", **v),
        _("Add it to the glossary, or write it out."),
    ),
    "term_in_one_language": lambda v: (
        _("“%(word)s” is a term, but the other language does not use “%(counterpart)s” in this clause.", **v),
        _("Check that both languages say the same."),
    ),
}


def _instant(at: object, zone: object) -> str:
    return format_instant(at, str(zone)) if isinstance(at, datetime) else ""


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0

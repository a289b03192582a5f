"""One text of a version: what is wrong with it, its hashes, and how it is shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import zip_longest
from typing import Any, Protocol

from portal.core.db import canonical_json
from portal.core.i18n import gettext as _
from portal.core.i18n import lazy_gettext as _l
from portal.core.markdown import (
    HIDDEN,
    MAX_HEADING,
    SENSITIVITIES,
    TOP,
    ClauseSource,
    Problem,
    TextRefused,
    normal_source,
    propose_anchor,
    scan,
    split_clauses,
)
from portal.library.errors import LineBroken, TextBroken
from portal.library.rules.overlays import base_slug

# Ids that the reading page itself uses.
RESERVED = frozenset({TOP, "main", "contents", "contents-title", "confirmation"})

# What stands in a text, and beside it, under the names that pages give it.
FIELD_NAMES = {
    "title": _l("Title"),
    "summary": _l("Summary"),
    "what_to_do_differently": _l("What to do differently"),
    "attestation": _l("What readers confirm"),
    "source": _l("Text"),
}
_BESIDE = tuple(name for name in FIELD_NAMES if name != "source")

# (document slug, clause id, language) → the heading of the clause, or None where there is none.
Headings = Callable[[str, str, str], str | None]


@dataclass(frozen=True, slots=True)
class TextDraft:
    """A text to be published: the Markdown exactly as written, with what stands beside it.

    `says_number` is the version whose authoritative text it says; empty: the version's own. Where it is known clause by
    clause, `made_from` tells for each the hash of the authoritative clause that it says, and a clause that is missing
    there does not follow yet; a file tells the same by naming those that do not, as `stated_behind`.
    """

    language: str
    title: str
    source: str
    summary: str = ""
    what_to_do_differently: str = ""
    attestation: str = ""
    says_number: str = ""
    made_from: Mapping[str, str | None] | None = None
    stated_behind: str | None = None
    # Of an overlay that was resolved: what its author wrote, as `VersionText.overlay` keeps it.
    overlay: Mapping[str, Any] | None = None

    @property
    def hash(self) -> str:
        """The SHA-256 over all that a reader is shown, in hexadecimal."""
        return text_hash(
            language=self.language,
            title=self.title,
            summary=self.summary,
            what_to_do_differently=self.what_to_do_differently,
            attestation=self.attestation,
            source=self.source,
        )


def anchors_of(stated: str) -> tuple[str, ...]:
    """Return the clause ids of a list such as "appeals, fees", each once."""
    return tuple(dict.fromkeys(each.strip() for each in stated.split(",") if each.strip()))


def text_hash(**values: str) -> str:
    """Return the SHA-256 over the canonical JSON of a text's values."""
    return sha256(canonical_json(values).encode()).hexdigest()


def version_hash(slug: str, number: str, hashes: Mapping[str, str]) -> str:
    """Return the SHA-256 of a version: its address, its number and the hashes of its texts by language."""
    return sha256(canonical_json({"document": slug, "version": number, "texts": dict(hashes)}).encode()).hexdigest()


def can_be_split(source: str) -> bool:
    """Say whether a text is within the limits of what can be read clause by clause."""
    try:
        split_clauses(source)
    except TextRefused:
        return False
    return True


def pieces_of(source: str) -> dict[str, str]:
    """Cut a text into its clauses as they are written, by id; a heading without one stands under its line."""
    return {key: normal_source(piece) for key, piece in raw_pieces_of(source).items()}


def raw_pieces_of(source: str) -> dict[str, str]:
    """Cut a text as `pieces_of` does, and leave the pieces as they are: joined by line ends they are the text."""
    try:
        clauses = split_clauses(source)
    except TextRefused:
        return {"": source}
    lines = source.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    found: dict[str, str] = {}
    for number, clause in enumerate(clauses):
        end = clauses[number + 1].line - 1 if number + 1 < len(clauses) else len(lines)
        key = clause.anchor if clause.anchor and clause.anchor not in found else f"line-{clause.line}"
        found[key] = "\n".join(lines[clause.line - 1 : end])
    return found


def problems_of(
    source: str, *, first_line: int = 1, pictures: frozenset[str] | None = None, overlay: bool = False
) -> list[Problem]:
    """Return what keeps a text from being published, in the order of its lines.

    `first_line` is the number of the text's first line in its file; `pictures` the names of those that its document
    has, None where texts are kept without pictures; an `overlay` says in its braces what it does to a clause.
    """
    problems = scan(source, first_line=first_line, pictures=pictures)
    if problems:
        return problems
    clauses = split_clauses(source)
    shift = first_line - 1
    if not clauses:
        return [Problem(first_line, _("The text is empty."), _("Write at least one paragraph."))]
    taken: dict[str, ClauseSource] = {}
    for clause in clauses:
        line = clause.line + shift
        if clause.level == 0:
            continue
        if clause.level == 1:
            problems.append(
                Problem(
                    line,
                    _("“%(heading)s” is a heading of level one.", heading=clause.heading),
                    _("Write ## instead of #; the title is the page's only heading of that level."),
                )
            )
        if len(clause.heading) > MAX_HEADING:
            problems.append(
                Problem(
                    line,
                    _("The heading is longer than %(limit)s characters.", limit=MAX_HEADING),
                    _("Shorten it; what belongs to it stands below."),
                )
            )
        if not clause.anchor:
            proposal = propose_anchor(clause.heading, {each.anchor for each in clauses} | RESERVED)
            problems.append(
                Problem(
                    line,
                    _("The heading “%(heading)s” has no id.", heading=clause.heading),
                    _("Write {#%(proposal)s} at the end of its line.", proposal=proposal),
                )
            )
            continue
        if clause.anchor in taken:
            problems.append(
                Problem(
                    line,
                    _(
                        "The id “%(id)s” stands twice; it is that of line %(first)s already.",
                        id=clause.anchor,
                        first=taken[clause.anchor].line + shift,
                    ),
                    _("Give this heading an id of its own."),
                )
            )
        elif clause.anchor in RESERVED or (
            clause.anchor.endswith("-heading") and clause.anchor.removesuffix("-heading") in taken
        ):
            problems.append(
                Problem(
                    line,
                    _("The id “%(id)s” is used by the page itself.", id=clause.anchor),
                    _("Give this heading another id."),
                )
            )
        taken.setdefault(clause.anchor, clause)
        problems += _attribute_problems(clause, line, overlay=overlay)
    return problems


class Beside(Protocol):
    """What stands beside a text, of a draft or about to be published."""

    @property
    def title(self) -> str:
        """Its title."""

    @property
    def summary(self) -> str:
        """What it is about."""

    @property
    def what_to_do_differently(self) -> str:
        """What changes at work."""

    @property
    def attestation(self) -> str:
        """What its readers confirm."""


def problems_beside(text: Beside) -> list[Problem]:
    """Return what keeps a text's title and the other lines beside it from being published: marks that nobody sees."""
    return [
        Problem(
            0,
            _(
                "There is a control character (U+%(code)s) in “%(field)s”.",
                code=f"{ord(found.group()):04X}",
                field=str(FIELD_NAMES[name]),
            ),
            _("Delete it; only line breaks and tabs are allowed."),
        )
        for name in _BESIDE
        if (found := HIDDEN.search(getattr(text, name))) is not None
    ]


def refuse_broken(draft: TextDraft, *, pictures: frozenset[str] | None = None) -> None:
    """Let nothing be published that cannot be: whoever adds a version asks here first.

    Raises `LineBroken` for what stands beside a text, `TextBroken` for the text itself.
    """
    for problem in problems_beside(draft):
        raise LineBroken(reason=problem.reason, mend=problem.mend)
    for problem in problems_of(draft.source, pictures=pictures):
        raise TextBroken(line=problem.line, reason=problem.reason, mend=problem.mend)


def _attribute_problems(clause: ClauseSource, line: int, *, overlay: bool) -> list[Problem]:
    unknown = sorted(set(clause.attributes) - {"sensitivity"} - ({"overlay", "after"} if overlay else set()))
    if unknown and overlay:
        return [
            Problem(
                line,
                _("“%(key)s” is not known in the braces of a heading.", key=unknown[0]),
                _("After the id only overlay=…, after=… and sensitivity=… are taken."),
            )
        ]
    if unknown and unknown[0] in ("after", "overlay"):
        return [
            Problem(
                line,
                _("“%(key)s” is for the text of a market.", key=unknown[0]),
                _("Remove it: this document is not the text of a market."),
            )
        ]
    if unknown:
        return [
            Problem(
                line,
                _("“%(key)s” is not known in the braces of a heading.", key=unknown[0]),
                _("After the id only sensitivity=S1 to sensitivity=S4 is taken."),
            )
        ]
    if clause.sensitivity is not None and clause.sensitivity not in SENSITIVITIES:
        return [
            Problem(
                line,
                _("“%(value)s” is no sensitivity.", value=clause.sensitivity),
                _("Write one of S0, S1, S2, S3 and S4."),
            )
        ]
    return []


def resolver(
    own_slug: str, own: Mapping[str, str], headings: Headings, language: str
) -> Callable[[str, str], tuple[str, str] | None]:
    """Return how clause links of a text become addresses and words.

    `own` is clause id → heading of the text's own document, `headings` knows the others.
    """

    def resolve(slug: str, anchor: str) -> tuple[str, str] | None:
        # An overlay stands in the place of its base.
        if slug in ("", own_slug, base_slug(own_slug)):
            return (f"#{anchor}", own[anchor]) if anchor in own else None
        heading = headings(slug, anchor, language)
        return None if heading is None else (f"/library/{slug}#{anchor}", heading or slug)

    return resolve


def order_differs(
    authoritative: Sequence[ClauseSource], translation: Sequence[ClauseSource]
) -> tuple[ClauseSource | None, ClauseSource | None] | None:
    """Return the first place at which the clause ids differ: what belongs there, and what stands there."""
    for expected, found in zip_longest(authoritative, translation):
        if expected is None or found is None or expected.anchor != found.anchor:
            return expected, found
    return None

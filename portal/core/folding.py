"""How texts are compared when somebody searches: folded, told in runs, and found again in the original.

A text is folded (half and full width, case, Latin accents, katakana as hiragana), then told as its *runs* between
blanks: words, and stretches of Japanese or Chinese writing, which has no words to be told apart by signs. Everything
else separates. A stretch is found by any part of it, a word from its beginning: `異議` in `再異議申立て`, `appeal` in
`appeals`; words of one or two Latin letters are found whole only (`an` is not `and`). A long-vowel mark at the end of
kana is left out: `パロディー` is `パロディ`.

A word finds its other forms too, as `word_forms` knows them: `appeals` finds `appealing`, `取り扱い` finds `取扱`. In
quotes English words are looked for as they stand.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from itertools import pairwise

from portal.core import word_forms

# What is kept in the index depends on all this: whoever changes how texts are told counts this up, and the index is
# made anew by itself (`search.tidy`).
FOLDING = 4
# What of a query is looked at; the page says so where there is more.
MAX_QUERY = 2_000
MAX_TERMS = 24
# No database takes a word of any length as one.
_MAX_TOKEN = 100

# Han, kana and what belongs to them, also in the planes above; the voiced marks that stand alone too.
_PAIRED = (
    "\u3005-\u3007\u303b\u3041-\u3096\u3099\u309a\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3105-\u312f\u31a0-\u31bf\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U0001aff0-\U0001b16f\U00020000-\U0003fffd"
)
# Latin letters and digits are named first, though the rest has them too: of them nothing more has to be asked.
_RUN = re.compile(f"[{_PAIRED}]+|(?:[A-Za-z0-9]+|(?![{_PAIRED}])[^\\W_])+")
_IS_PAIRED = re.compile(f"[{_PAIRED}]")
# Each of these folds by itself: nothing here joins with what stands before it.
_PLAIN = re.compile(r"[\x00-\x7f\u2010-\u2027\u3000-\u3029\u3030-\u3098\u309d-\u30ff\u4e00-\u9fff\uff01-\uff9d]*")
# Katakana by hiragana, for what has both.
_AS_HIRAGANA = str.maketrans({each: each - 0x60 for each in (*range(0x30A1, 0x30F7), 0x30FD, 0x30FE)})
# At the end of at least two signs of kana; `バー` is not `バ`.
_LONG_AT_END = re.compile(
    "(?<=[\u3041-\u3096\u30fc][\u3041-\u3096])\u30fc+(?![\u3041-\u3096\u309d\u309e\u30a1-\u30ff])"
)
_KANA_MARKS = "\u3099\u309a"
_HALF_WIDTH_MARKS = "\uff9e\uff9f"
_BROKEN = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_ADDRESS = re.compile(r"[a-z][a-z0-9-]*(?:@[a-z0-9-]+)?[#/][a-z0-9-]*")
_BEGINNING_OF_ADDRESS = re.compile(r"[a-z][a-z0-9-]*(?:@[a-z0-9-]*)?(?:#[a-z0-9-]*)?")
_SIGN_OF_ADDRESS = re.compile(r"[^a-z0-9]")
_IN_PLACE_OF_SIGNS = "\ue000"
_IN_PLACE_OF_ONE = "\ue001"
# Stands between two texts in the index, so that nothing is found across.
BETWEEN = "\ue002"
# Before what the index keeps of the other forms of words, so that it is told from what the text says.
_OF_A_FORM = "\ue003"
# Before what it keeps of headings once more, so that what stands in one is found first.
_IN_HEAD = "\ue004"
# Between two words that stand in a row.
_IN_A_ROW = "\ue005"
_TERM = re.compile('"(?P<quoted>[^"]*)"|(?P<bare>[^\\s"]+)')
_QUOTES = str.maketrans({"“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "＂": '"'})


# --- folding ------------------------------------------------------------------------------------


@lru_cache(maxsize=100_000)
def _extends(character: str) -> bool:
    """Say whether the character is written onto the one before it, so that the two fold together."""
    return (
        unicodedata.category(character)[0] == "M"
        or character in _HALF_WIDTH_MARKS
        # Vowels and ends of Korean syllables.
        or "\u1160" <= character <= "\u11ff"
        or "\ud7b0" <= character <= "\ud7ff"
    )


def _clusters(text: str) -> Iterator[str]:
    start = 0
    for end in range(1, len(text)):
        if not _extends(text[end]):
            yield text[start:end]
            start = end
    if text:
        yield text[start:]


@lru_cache(maxsize=100_000)
def _fold_cluster(cluster: str) -> str:
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", cluster).casefold())
    if any("\u00c0" <= each < "\u0250" or "\u1e00" <= each < "\u1f00" for each in folded):
        # Latin letters without their accents: `Shōwa` is found as `showa`.
        folded = unicodedata.normalize("NFD", folded)
    kept = (
        each for each in folded if each in _KANA_MARKS or unicodedata.category(each) not in ("Mn", "Mc", "Me", "Cf")
    )
    return unicodedata.normalize("NFC", "".join(kept)).translate(_AS_HIRAGANA)


def fold(text: str) -> str:
    """Return the text as it is compared.

    NFKC, without case, Latin letters without accents, katakana as hiragana, no invisible signs.
    """
    if _PLAIN.fullmatch(text):
        return unicodedata.normalize("NFKC", text).casefold().translate(_AS_HIRAGANA)
    return "".join(map(_fold_cluster, _clusters(text)))


def told(text: str) -> str:
    """Return the runs of a text, folded, with one blank before, between and after them; " " where there are none."""
    return _told(fold(text))


def _told(folded: str) -> str:
    runs = _RUN.findall(folded)
    inside = " ".join(map(_short, runs) if "ー" in folded else runs)
    return f" {inside} " if inside else " "


def _short(run: str) -> str:
    """Return a run without long-vowel marks at the end of kana."""
    return _LONG_AT_END.sub("", run) if "ー" in run else run


def tokens_of(told_text: str) -> list[str]:
    """Return a told text in tokens, in their order: its words, and of stretches each pair and the last character."""
    found: list[str] = []
    for run in told_text.split():
        if _IS_PAIRED.match(run):
            found += [*map("".join, pairwise(run)), run[-1]]
        else:
            found.append(run[:_MAX_TOKEN])
    return found


def marks_of(told_text: str) -> set[str]:
    """Return what the index keeps of the single characters of stretches, so that each is found by itself."""
    return {_IN_PLACE_OF_ONE + each for each in told_text if _IS_PAIRED.match(each)}


def shortened(told_text: str) -> str:
    """Return a told text with its compounds written with as little kana as may be; mostly it is the same."""
    return word_forms.shortened(told_text)


def tokens_of_shortened(shortened_text: str) -> list[str]:
    """Return what the index keeps of a told text that is another one when it is shortened, in its order."""
    return [_OF_A_FORM + each for each in tokens_of(shortened_text)]


def tokens_of_shortened_head(shortened_head: str) -> list[str]:
    """Return the same of a heading once more, as it is looked for in headings."""
    return [_OF_A_FORM + each for each in in_heads(tokens_of(shortened_head))]


def stems_of(told_text: str) -> set[str]:
    """Return what the index keeps of the words of a told text that have another stem than themselves."""
    stems = {(word, word_forms.stem(word)) for word in set(told_text.split())}
    return {_OF_A_FORM + stem[:_MAX_TOKEN] for word, stem in stems if stem != word}


def in_heads(tokens: Iterable[str]) -> list[str]:
    """Return what the index keeps of a heading's tokens once more, in their order."""
    return [_IN_HEAD + each for each in tokens]


def pairs_of(told_text: str) -> set[str]:
    """Return the words of a told text two by two as they stand in a row, for an index that knows no places."""
    return {
        pair
        for first, second in pairwise(told_text.split())
        if (pair := _pair(first, second)) and not _IS_PAIRED.match(second)
    }


def _pair(first: str, second: str) -> str:
    """Return two words in a row as one token; "" where the first is none, or where they are too long for one."""
    if _IS_PAIRED.match(first) or len(first) + len(second) >= _MAX_TOKEN:
        return ""
    return first + _IN_A_ROW + second


def address_token(address: str) -> str:
    """Return what the index keeps of an address, so that it is found by how it begins; no text has such a word."""
    return _IN_PLACE_OF_SIGNS + _SIGN_OF_ADDRESS.sub(_IN_PLACE_OF_SIGNS, address.lower())


# --- queries ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Term:
    """One thing that must be found: a word, a stretch, or several in a row."""

    # What a told text contains where the term is found in it.
    needle: str
    # Its tokens in a row, and how the word after them begins.
    tokens: tuple[str, ...]
    prefix: str = ""
    # Whether one token proves it, for two words that of both in a row; else its tokens must be in a row.
    is_proven: bool = False
    # How an address begins that is meant as well.
    address: str = ""
    # A compound as it is written with as little kana as may be, also within a text that is written so.
    short: Term | None = None
    # What all forms of a lone English word have in common.
    stem: str = ""
    # Its words two by two, and how the last two begin where more of the last may follow.
    pairs: tuple[str, ...] = ()
    prefix_pair: str = ""
    # What stands before each token where it is looked for in one place of a text only.
    mark: str = ""

    @property
    def as_form(self) -> Term:
        """What the index keeps of it where it stands in a shortened text."""
        return self._marked(_OF_A_FORM)

    @property
    def in_head(self) -> Term:
        """What the index keeps of it where it stands in a heading."""
        short = self.short.in_head if self.short else None
        return replace(self._marked(_IN_HEAD), short=short, address="", mark=_IN_HEAD)

    def _marked(self, mark: str) -> Term:
        tokens = tuple(mark + each for each in self.tokens)
        # Pairs are kept of texts as they stand only.
        proven = self.is_proven and not (self.pairs or self.prefix_pair)
        prefix = mark + self.prefix if self.prefix else ""
        return replace(self, tokens=tokens, prefix=prefix, is_proven=proven, pairs=(), prefix_pair="")

    @property
    def needed(self) -> tuple[str, ...]:
        """The whole tokens that a text has in which it is, where an index knows no places: pairs for their words."""
        paired = {word for pair in (*self.pairs, self.prefix_pair) for word in pair.split(_IN_A_ROW)}
        return tuple(dict.fromkeys([*self.pairs, *(each for each in self.tokens if each not in paired)]))

    @property
    def stem_tokens(self) -> tuple[str, ...]:
        """The words, whole, of which each proves that a form of it is there."""
        return (self.mark + self.stem, self.mark + _OF_A_FORM + self.stem) if self.stem else ()


@dataclass(frozen=True)
class Query:
    """What somebody looks for: every term, anywhere in one text."""

    text: str
    terms: tuple[Term, ...]
    # The whole of it as a told text, for headings that say exactly this.
    told: str
    was_cut: bool = False
    needles: tuple[str, ...] = field(default=())

    def __bool__(self) -> bool:
        return bool(self.terms)

    @cached_property
    def row(self) -> Term:
        """All of it in a row, as one term."""
        found = _term(self.text, with_addresses=False, with_forms=False)
        assert found is not None, "a query without a term has no row"
        return found


NO_QUERY = Query("", (), " ")


def parse(text: str, *, with_addresses: bool = False) -> Query:
    """Read what somebody typed: terms between blanks, several words in quotes as one; signs are no part of it.

    What looks like the address of a clause is looked for as one too, `with_addresses` also how one may begin.
    """
    # A broken or a control character is none that anybody looks for.
    given = _BROKEN.sub(" ", text).strip()
    used = given[:MAX_QUERY]
    terms: dict[str, Term] = {}
    for match in _TERM.finditer(used.translate(_QUOTES)):
        quoted = match["quoted"] is not None
        term = _term(match["quoted" if quoted else "bare"], with_addresses, with_forms=not quoted)
        if term is not None:
            terms.setdefault(term.needle, term)
    kept = tuple(terms.values())[:MAX_TERMS]
    return Query(
        text=used,
        terms=kept,
        told=told(used),
        was_cut=len(given) > MAX_QUERY or len(terms) > MAX_TERMS,
        needles=tuple(term.needle for term in kept),
    )


def _is_whole(run: str) -> bool:
    """Say whether a run is a word, not how one may begin: a single letter, or two Latin ones."""
    return not _IS_PAIRED.match(run) and (len(run) == 1 or (len(run) == 2 and run.isascii()))


def _needle(runs: Sequence[str]) -> str:
    start = "" if _IS_PAIRED.match(runs[0]) else " "
    end = " " if _is_whole(runs[-1]) else ""
    return start + " ".join(runs) + end


def _term(raw: str, with_addresses: bool, *, with_forms: bool) -> Term | None:
    told_text = told(raw)
    runs = told_text.split()
    if not runs:
        return None
    looks_like_one = _BEGINNING_OF_ADDRESS if with_addresses else _ADDRESS
    term = replace(_term_of(runs), address=raw.lower() if looks_like_one.fullmatch(raw.lower()) else "")
    if with_forms and word_forms.has_compound(told_text):
        return replace(term, short=_term_of(shortened(told_text).split()))
    if with_forms and len(runs) == 1 and not _IS_PAIRED.match(runs[0]):
        return replace(term, stem=word_forms.stem(runs[0])[:_MAX_TOKEN])
    return term


def _term_of(runs: Sequence[str]) -> Term:
    lone, last = runs[0] if len(runs) == 1 else "", runs[-1]
    if _IS_PAIRED.match(last):
        # More of the last stretch may follow in the text.
        ends = tokens_of(last)[:-1] if len(last) > 1 else []
        tokens, prefix = [*tokens_of(" ".join(runs[:-1])), *ends], "" if len(last) > 1 else last
        if lone and prefix:
            tokens, prefix = [_IN_PLACE_OF_ONE + lone], ""
    elif not _is_whole(last):
        tokens, prefix = tokens_of(" ".join(runs[:-1])), last[:_MAX_TOKEN]
    else:
        tokens, prefix = tokens_of(" ".join(runs)), ""
    proven = bool(lone) and (len(lone) <= 2 if _IS_PAIRED.match(lone) else len(lone) <= _MAX_TOKEN)
    pairs, prefix_pair = [], ""
    for place, (first, second) in enumerate(pairwise(runs), start=2):
        if _IS_PAIRED.match(second) or not (pair := _pair(first, second)):
            continue
        if place == len(runs) and not _is_whole(second):
            prefix_pair = pair
        else:
            pairs.append(pair)
    proven = proven or (len(runs) == 2 and bool(pairs or prefix_pair))
    return Term(_needle(runs), tuple(tokens), prefix, proven, pairs=tuple(pairs), prefix_pair=prefix_pair)


def terms_found(query: Query, told_text: str) -> list[Term]:
    """Return the terms of the query that are in the told text, in whatever form."""
    return [term for term in query.terms if _is_found(term, told_text)]


def finds(query: Query, told_text: str) -> bool:
    """Say whether every term of the query is in the told text, in whatever form."""
    return all(_is_found(term, told_text) for term in query.terms)


def _is_found(term: Term, told_text: str) -> bool:
    if term.needle in told_text:
        return True
    if term.short is not None:
        # Most texts do not even have its characters.
        return all(each in told_text for each in term.short.needle) and (
            term.short.needle in told_text or term.short.needle in shortened(told_text)
        )
    if term.stem:
        start = word_forms.beginning(term.needle.strip())
        return f" {start}" in told_text and any(
            word.startswith(start) and word_forms.stem(word) == term.stem for word in told_text.split()
        )
    return False


def how_many_found(query: Query, *texts: str) -> int:
    """Return how many terms of the query are in one of the texts, in whatever form."""
    folded = list(map(fold, texts))
    without_long_marks = "\n".join(folded).replace("ー", "")
    might = [term for term in query.terms if _might_find(term, without_long_marks)]
    told_texts = "\n".join(map(_told, folded)) if might else ""
    return sum(_is_found(term, told_texts) for term in might)


def might_find(query: Query, text: str) -> bool:
    """Say quickly of a text that is not told yet whether `finds` can hold of it: most texts hold none of the words."""
    folded = fold(text).replace("ー", "")
    return all(_might_find(term, folded) for term in query.terms)


def _might_find(term: Term, folded: str) -> bool:
    if term.short is not None:
        # What is never left out.
        return all(each in folded for each in set("".join(term.short.needle.split())) - {"ー"})
    if term.stem:
        return word_forms.beginning(term.needle.strip()) in folded
    return all(run.replace("ー", "") in folded for run in term.needle.split())


# --- found again in the original ----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text, and whether it is what was looked for."""

    text: str
    is_hit: bool = False


def _folded_with_places(text: str) -> tuple[str, list[tuple[int, int]] | None]:
    """Return the folded text, and where each of its characters stands; None where each is where it was."""
    is_plain = _PLAIN.fullmatch(text) is not None
    if is_plain and len(whole := fold(text)) == len(text):
        # Each character folds by itself, and none into several.
        return whole, None
    folded: list[str] = []
    places: list[tuple[int, int]] = []
    start = 0
    for cluster in text if is_plain else _clusters(text):
        end = start + len(cluster)
        for character in _fold_cluster(cluster):
            folded.append(character)
            places.append((start, end))
        start = end
    return "".join(folded), places


class _Places:
    """From where to where in the original the characters of a told text stand, worked out for those that are asked.

    The blank after a run stands at its end.
    """

    def __init__(self, spans: list[tuple[int, int]], folded: list[tuple[int, int]] | None) -> None:
        self._spans = spans
        self._folded = folded
        # Of runs without some of their characters, where the others stand.
        self._short: dict[int, list[tuple[int, int]]] = {}
        self._starts: list[int] = []

    def tell(self, runs: list[str]) -> str:
        """Return the told text of these runs, and note where each begins in it."""
        at = 1
        for number, run in enumerate(runs):
            if "ー" in run:
                start, end = self._spans[number]
                self._short[number] = _places_of(run, list(map(self._of_folded, range(start, end))))
                runs[number] = _short(run)
            self._starts.append(at)
            at += len(runs[number]) + 1
        return " ".join(["", *runs, ""]) if runs else " "

    def _of_folded(self, at: int) -> tuple[int, int]:
        return (at, at + 1) if self._folded is None else self._folded[at]

    def __getitem__(self, at: int) -> tuple[int, int]:
        number = bisect_right(self._starts, at) - 1
        if number < 0:
            return 0, 0
        start, end = self._spans[number]
        within, short = at - self._starts[number], self._short.get(number)
        if short is not None and within < len(short):
            return short[within]
        if short is None and start + within < end:
            return self._of_folded(start + within)
        last = self._of_folded(end - 1)[1]
        return last, last


class _PlacesOfShortened:
    """The same of `shortened(told_text)`; what is left out belongs to what is before it."""

    def __init__(self, told_text: str, places: _Places) -> None:
        self._places = places
        # How many characters are kept before each of those that are left out.
        self._before = [at - number for number, at in enumerate(word_forms.left_out(told_text))]

    def _in_told(self, at: int) -> int:
        return at + bisect_right(self._before, at)

    def __getitem__(self, at: int) -> tuple[int, int]:
        return self._places[self._in_told(at)][0], self._places[self._in_told(at + 1) - 1][1]


def _told_with_places(text: str) -> tuple[str, _Places]:
    """Return the told text, and for each of its characters from where to where it stands in the original."""
    whole, folded = _folded_with_places(text)
    spans = [run.span() for run in _RUN.finditer(whole)]
    places = _Places(spans, folded)
    return places.tell([whole[start:end] for start, end in spans]), places


def _places_of(run: str, places: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return where the characters of `_short(run)` stand; what is left out belongs to the character before it."""
    for mark in reversed(list(_LONG_AT_END.finditer(run))):
        places[mark.start() - 1] = (places[mark.start() - 1][0], places[mark.end() - 1][1])
        del places[mark.start() : mark.end()]
    return places


def _hits(text: str, terms: Sequence[Term]) -> list[tuple[int, int]]:
    """Return from where to where the terms stand in the text, in order, joined where but blanks are between them."""
    told_text, places = _told_with_places(text)
    shorts = [term.short for term in terms if term.short is not None]
    found = _places_where(told_text, places, [term.needle for term in [*terms, *shorts]])
    if shorts and (short := shortened(told_text)) != told_text:
        found += _places_where(short, _PlacesOfShortened(told_text, places), [term.needle for term in shorts])
    if stems := {term.stem: word_forms.beginning(term.needle.strip()) for term in terms if term.stem}:
        at, beginnings = 1, tuple(stems.values())
        for word in told_text.split():
            if word.startswith(beginnings) and word_forms.stem(word) in stems:
                found.append((places[at][0], places[at + len(word) - 1][1]))
            at += len(word) + 1
    joined: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if joined and not text[joined[-1][1] : start].strip():
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _places_where(
    told_text: str, places: _Places | _PlacesOfShortened, needles: Sequence[str]
) -> list[tuple[int, int]]:
    """Return from where to where in the original the needles stand that are in the told text."""
    found = []
    for needle in needles:
        core = needle.strip()
        at = told_text.find(needle)
        while at != -1:
            first = at + needle.index(core)
            last = first + len(core) - 1
            if not _IS_PAIRED.match(told_text[last]):
                # A word that begins so is marked as a whole.
                last = told_text.index(" ", last) - 1
            elif told_text[last + 1] == "ー":
                # It is as good as left out.
                last += 1
            found.append((places[first][0], places[last][1]))
            at = told_text.find(needle, at + 1)
    return found


def _pieces(text: str, hits: Sequence[tuple[int, int]]) -> list[Piece]:
    pieces, at = [], 0
    for start, end in hits:
        if start > at:
            pieces.append(Piece(text[at:start]))
        pieces.append(Piece(text[start:end], is_hit=True))
        at = end
    if at < len(text):
        pieces.append(Piece(text[at:]))
    return pieces


def highlight(text: str, query: Query) -> list[Piece]:
    """Return the text in pieces, those marked that the query found in it, as they stand in the original."""
    # Where each character stands is worked out only for what is there.
    terms = terms_found(query, told(text))
    return _pieces(text, _hits(text, terms) if terms else [])


# How much of a text is shown around a hit (of Japanese, which is twice as wide, half of it), and how much before it.
_AROUND = 200
_BEFORE = 50
# A long text is looked through in parts, each overlapping the next by as much as a needle may be long.
_PART = 3_000


def snippet(text: str, query: Query) -> list[Piece]:
    """Return what stands around the first hit, in pieces; the beginning of the text where there is none."""
    around = _AROUND // 2 if _IS_PAIRED.search(text) else _AROUND
    # A short text is shown as a whole.
    first = _first_hit(text, query) if query and len(text) > around else None
    start = 0 if first is None else max(0, first - min(_BEFORE, around // 3))
    if first is not None and start:
        # From a sentence or a line on where one begins, else from a word.
        before = text[start:first]
        for signs in ("\n", "。.!?！？", " \u3000、,"):
            cut = max(before.rfind(sign) for sign in signs)
            if cut != -1:
                start += cut + 1
                break
    end = min(len(text), start + around)
    if end < len(text) and (blank := text.rfind(" ", start, end)) > start + around * 2 // 3:
        end = blank
    while end < len(text) and _extends(text[end]):
        end += 1
    shown = " ".join(text[start:end].split())
    pieces = highlight(shown, query)
    if start:
        pieces.insert(0, Piece("… "))
    if end < len(text):
        pieces.append(Piece(" …"))
    return pieces


def _first_hit(text: str, query: Query) -> int | None:
    overlap = max(map(len, query.needles), default=0) * 2
    for start in range(0, len(text), _PART):
        part = text[start : start + _PART + overlap]
        if terms := terms_found(query, told(part)):
            return start + _hits(part, terms)[0][0]
    return None

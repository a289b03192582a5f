"""A reader who follows every link that the pages offer her, and what she finds wrong on them.

No browser: pages are fetched as `tests.page_client` fetches them. What a page offers are the addresses of its anchors,
pictures and forms that only ask (sent as they stand). What would change something, and the switch of language, she
leaves alone.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit
from xml.etree.ElementTree import Element

from flask import Flask
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from portal.accounts.models import Person
from portal.accounts.service.people import NAME_FIELDS
from portal.core.i18n import LANGUAGE_COOKIE, LANGUAGES, SWITCH
from tests.page_client import Page, PageClient, check_page

HOST = "http://localhost"
# Where the portal under test is, and what it calls itself in addresses that are passed on.
HOSTS = (HOST, "https://portal.example")
REDIRECTS = (301, 302, 303, 307, 308)


@dataclass(frozen=True)
class Link:
    """An address within the portal, and what of the portal answers it; nothing where the address is wrong."""

    address: str
    endpoint: str | None

    @property
    def asked(self) -> tuple[str, ...]:
        """The names in its query."""
        return tuple(sorted({name for name, _value in parse_qsl(urlsplit(self.address).query)}))


@dataclass
class Visit:
    """One address as somebody found it."""

    who: str
    language: str
    link: Link
    offered_by: str
    status: int = 0
    is_page: bool = False
    # Whether something stands there, or only that nothing does yet.
    is_filled: bool = False
    leads_to: str | None = None
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.link.address} ({self.link.endpoint}; {self.who}, {self.language}; offered by {self.offered_by})"


@dataclass(frozen=True)
class Extent:
    """How much is read: so many addresses of each endpoint, by so many readers, in both languages or in turns."""

    of_each: int
    # As long as nothing stands there.
    tries: int
    readers: int
    in_both: bool
    # Whether what is asked in another way counts as another endpoint.
    by_question: bool


class Crawl:
    """What all readers together have found."""

    def __init__(self, app: Flask, words: Words, extent: Extent, always: Iterable[str]) -> None:
        """Read what the endpoints `always` answer as every reader: all else is found from there."""
        self.visits: list[Visit] = []
        self.filled: set[str | None] = set()
        self._app, self._words, self._extent = app, words, extent
        self._always = frozenset(always)
        self._readers: Counter[str | None] = Counter()
        self._asked = 0
        self._map = app.url_map.bind("localhost")

    def read_as(self, who: str, person: Person | None, starts: Iterable[str], typed: Sequence[str] = ()) -> None:
        """Follow everything that is offered to somebody, or to nobody known; at the end what she types herself."""
        clients = {language: self._client_of(person, language) for language in LANGUAGES}
        turns: Counter[str | None] = Counter()
        seen: set[str] = set()
        taken: Counter[object] = Counter()
        waiting, at_the_end = deque((address, "") for address in starts), deque((address, "") for address in typed)
        while waiting or at_the_end:
            address, offered_by = (waiting or at_the_end).popleft()
            if address in seen:
                continue
            seen.add(address)
            link = self.link_of(address)
            kind = (link.endpoint, link.asked) if self._extent.by_question else link.endpoint
            # What she types she has a reason for.
            if address not in typed and not self._is_wanted(link, taken[kind]):
                continue
            if not taken[kind]:
                self._readers[link.endpoint] += 1
            taken[kind] += 1
            # The next reader begins with the other language.
            turn = LANGUAGES[(self._readers[link.endpoint] + turns[link.endpoint]) % 2]
            turns[link.endpoint] += 1
            for language in LANGUAGES if self._extent.in_both else (turn,):
                visit = Visit(who, language, link, offered_by)
                self.visits.append(visit)
                waiting += [(each, address) for each in self._visit(visit, clients[language])]
                if visit.is_filled:
                    self.filled.add(link.endpoint)

    def _is_wanted(self, link: Link, taken: int) -> bool:
        """Say whether an address is read, of whose kind this reader has read so many."""
        if link.endpoint is None:
            return True
        if link.endpoint not in self.filled:
            return taken < self._extent.tries
        if taken >= self._extent.of_each:
            return False
        return taken > 0 or link.endpoint in self._always or self._readers[link.endpoint] < self._extent.readers

    def _client_of(self, person: Person | None, language: str) -> PageClient:
        client = PageClient(self._app, person, language)
        client.client.set_cookie(LANGUAGE_COOKIE, language)
        return client

    def link_of(self, address: str) -> Link:
        """Return what answers an address."""
        try:
            return Link(address, self._map.match(urlsplit(address).path, "GET")[0])
        except RequestRedirect:
            return Link(address, None)
        except HTTPException:
            return Link(address, None)

    def _visit(self, visit: Visit, client: PageClient) -> list[str]:
        """Fetch an address, note what is wrong there, and return what it offers."""
        try:
            # From an address of its own: who may ask how often is not what is looked at.
            self._asked += 1
            place = {"REMOTE_ADDR": f"10.{self._asked >> 16}.{self._asked >> 8 & 255}.{self._asked & 255}"}
            response = client.send("GET", visit.link.address, headers={"Accept": "text/html"}, environ_base=place)
        except Exception as error:
            visit.faults.append(f"fails: {type(error).__name__}: {error}")
            return []
        visit.status = response.status_code
        try:
            if response.status_code in REDIRECTS:
                visit.leads_to = within(urljoin(f"{HOST}{visit.link.address}", response.headers["Location"]))
                return [visit.leads_to] if visit.leads_to else []
            if response.status_code != 200:
                visit.faults.append(f"answers {response.status_code}")
                return []
            visit.is_page = response.mimetype == "text/html"
            if not visit.is_page:
                visit.is_filled = True
                return []
            page = Page(response)
            visit.is_filled = not any("empty" in each.get("class", "").split() for each in page.tree.iter("div"))
            visit.faults += faults_of(page)
            visit.faults += [f"other language: {each}" for each in self._words.foreign_in(page)]
            return offered(page, visit.link.address)
        finally:
            response.close()


def within(address: str) -> str | None:
    """Return an address of the portal without its host and fragment; None for one elsewhere, or one that switches."""
    parts = urlsplit(address)
    if f"{parts.scheme}://{parts.netloc}" not in HOSTS:
        return None
    asked = parse_qsl(parts.query, keep_blank_values=True)
    if any(name == SWITCH for name, _value in asked):
        return None
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def offered(page: Page, address: str) -> list[str]:
    """Return the addresses of the portal that a page offers, in their order."""
    found: list[str] = []
    for element in page.tree.iter():
        match element.tag:
            case "a":
                found.append(element.get("href", ""))
            case "img":
                found.append(element.get("src", ""))
            case "form" if element.get("method", "get").lower() == "get":
                found.append(_as_it_stands(element, address))
    here = [within(urljoin(f"{HOST}{address}", each)) for each in found if each]
    return list(dict.fromkeys(each for each in here if each is not None))


def _as_it_stands(form: Element, address: str) -> str:
    """Return the address that the form asks when nothing in it is touched; none where something must be written."""
    fields: list[tuple[str, str]] = []
    for element in form.iter():
        name = element.get("name")
        if not name:
            continue
        match element.tag, element.get("type"):
            case "input", "checkbox" | "radio":
                if element.get("checked") is not None:
                    fields.append((name, element.get("value", "on")))
            case "input", "submit" | "button" | "file":
                continue
            case "input", _:
                # The browser does not send what is missing.
                if element.get("required") is not None and not element.get("value"):
                    return ""
                fields.append((name, element.get("value", "")))
            case "select", _:
                options = list(element.iter("option"))
                chosen = [each for each in options if each.get("selected") is not None] or options[:1]
                fields += [(name, each.get("value", "".join(each.itertext()))) for each in chosen]
            case "textarea", _:
                fields.append((name, "".join(element.itertext())))
    action = form.get("action") or urlsplit(address).path
    return f"{urlsplit(action).path}?{urlencode(fields)}"


# -- what is wrong on a page


def faults_of(page: Page) -> list[str]:
    """Return what every page promises and this one does not keep."""
    faults: list[str] = []
    try:
        check_page(page)
    except AssertionError as error:
        faults.append(f"promises: {error}")
    faults += [f"empty: {each}" for each in empty_parts(page)]
    return faults


_SHOWS = frozenset(["img", "svg", "input", "select", "textarea", "button", "iframe", "meter", "progress"])
_SECTIONS = {"h1": 1, "h2": 2, "h3": 3}


def empty_parts(page: Page) -> list[str]:
    """Return the headings that nothing follows, the tables without a row and the lists without an item."""
    body = page.tree.find("body")
    assert body is not None
    found = []
    main = next(iter(body.iter("main")), body)
    open_: list[tuple[int, str, bool]] = []

    def close(level: int) -> None:
        while open_ and open_[-1][0] >= level:
            _level, words, filled = open_.pop()
            if not filled:
                found.append(f"nothing below the heading {words!r}")

    def fill() -> None:
        for place, (level, words, filled) in enumerate(open_):
            if not filled:
                open_[place] = (level, words, True)

    def walk(element: Element) -> None:
        tag = element.tag
        # A place to write on when the page is printed.
        if element.get("aria-hidden") == "true" and tag == "section":
            return
        if tag in _SECTIONS:
            close(_SECTIONS[tag])
            open_.append((_SECTIONS[tag], " ".join("".join(element.itertext()).split()), False))
            return
        if tag in ("script", "template"):
            return
        if tag in _SHOWS or (element.text or "").strip():
            fill()
        for child in element:
            walk(child)
            if (child.tail or "").strip():
                fill()

    walk(main)
    close(0)
    for element in body.iter():
        children = {child.tag for child in element.iter()} - {element.tag}
        words = "".join(element.itertext()).strip()
        match element.tag:
            case "table" if not any(element.iterfind("tbody/tr")):
                found.append("a table without rows")
            case "ul" | "ol" if "li" not in children and element.get("data-slot") is None:
                found.append(f"a list without items: {element.attrib}")
            case "dl" if "dt" not in children:
                found.append(f"a list of facts without one: {element.attrib}")
            case "select" if "option" not in children and not element.get("data-module"):
                found.append(f"nothing to choose from: {element.attrib}")
            case "details" if len(element) < 2:
                found.append(f"nothing to open: {words!r}")
            case "p" | "li" | "dd" | "dt" | "h2" | "h3" | "h4" | "figcaption" | "summary" | "label":
                # What a module says there, it says when something has happened.
                if not words and not children & _SHOWS and element.get("role") != "status":
                    found.append(f"an empty {element.tag}: {element.attrib}")
    return found


# -- words of the other language

# What is not read as words: code, and what people are typing.
_UNREAD = frozenset(["script", "style", "code", "pre", "kbd", "samp", "template", "textarea"])
_SAID = ("alt", "title", "aria-label", "aria-description", "placeholder", "data-label", "label")
# What authors write, document by document and question by question, quotes the other language where it speaks of it
# (「official」, "パロディ"): there only a run of words is a text that was not translated.
_WRITTEN = frozenset([
    "prose", "quiz-item__stem", "choices-group", "choices__legend", "choice__text", "choice__rationale",
    "written__label", "written__hint", "result__text",
])  # fmt: skip
_LETTERS = "A-Za-z\u00c0-\u024f\u1e00-\u1eff"
_LATIN = re.compile(rf"(?<![0-9{_LETTERS}])[{_LETTERS}][{_LETTERS}0-9_.’'\-]*[{_LETTERS}0-9]")
_RUN = re.compile(rf"[{_LETTERS}][{_LETTERS}’'\-]+(?: [{_LETTERS}’'\-]+){{3,}}")
_JAPANESE = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f々〆]+")
# Addresses (of mail, of pages, of one thing within another: bank/question, document#clause, Asia/Tokyo), names of
# files, and what stands for something else, as {plan} does.
_ADDRESS = re.compile(
    r"https?://\S*|@\w+|www\.\S+|[\w.+\-]+@[\w\-]+(?:\.[\w\-]+)*|[\w@.\-]*[/#][\w@./#?=&\-]+|\{\w+\}|[^\s（）()、。]+\.(?:csv|toml|md|pdf)\b",
    re.ASCII,
)
# A code has a digit or is one of the public codes of twelve signs.
_CODE = re.compile(r".*\d.*|[0-9A-Z]{12}")
# What is named by its address or its sign: a clause, a thing or a market in brackets behind its name, the bank that a
# draw takes from, a character.
_CITED = re.compile(
    r"§ [a-z0-9\-]+|\([a-z0-9\-]+(?:@[A-Z]{2})?\)|\([A-Z]{2}\)|(?:^|: )[a-z0-9\-]+(?=／)|U\+[0-9A-F]{4,}"
)


@dataclass(frozen=True)
class Words:
    """What may stand in a page of the other language: names of people, and few words, each for a reason."""

    names: frozenset[str]
    allowed: frozenset[str]

    def foreign_in(self, page: Page) -> list[str]:
        """Return the words of the other language that a page reads out as if they were of its own."""
        in_japanese = page.tree.get("lang") == "ja"
        found = []
        for text, where, is_written in texts_in(page):
            read = _ADDRESS.sub(" ", text)
            if in_japanese:
                words = _RUN.findall(read) if is_written else self._latin_in(_CITED.sub(" ", read))
            elif is_written:
                words = []
            else:
                words = self._japanese_in(read)
            found += [f"{word!r} in {where}: {' '.join(text.split())[:90]!r}" for word in words]
        return found

    def _latin_in(self, text: str) -> list[str]:
        return [
            word for word in _LATIN.findall(text)
            if word not in self.allowed and word not in self.names and not _CODE.fullmatch(word)
        ]  # fmt: skip

    def _japanese_in(self, text: str) -> list[str]:
        return [word for word in _JAPANESE.findall(text) if word not in self.names and word not in self.allowed]


def words_of_names(people: Iterable[Person]) -> frozenset[str]:
    """Return each part of the names of people, in every script."""
    parts: set[str] = set()
    for person in people:
        for field_name in NAME_FIELDS:
            parts.update(re.split(r"[\s-]", getattr(person, field_name)))
            parts.update(getattr(person, field_name).split())
    return frozenset(part for part in parts if part)


def texts_in(page: Page) -> Iterator[tuple[str, str, bool]]:
    """Yield each text that is read out in the page's own language, where it stands, and whether an author wrote it.

    Not what is marked as another language, as a name or somebody's own words (`translate="no"`), nor code.
    """
    language = page.tree.get("lang", "")

    def walk(element: Element, within_own: bool, within_written: bool) -> Iterator[tuple[str, str, bool]]:
        if element.tag in _UNREAD or element.get("translate") == "no":
            return
        own = element.get("lang", language if within_own else "") == language
        written = within_written or not _WRITTEN.isdisjoint(element.get("class", "").split())
        if own:
            for name in _SAID:
                if said := element.get(name):
                    yield said, f"{element.tag}[{name}]", written
            if element.tag == "input" and element.get("type") in ("submit", "button"):
                yield element.get("value", ""), "input[value]", written
            if element.text:
                yield element.text, element.tag, written
        for child in element:
            yield from walk(child, own, written)
            if own and child.tail:
                yield child.tail, element.tag, written

    yield from walk(page.tree, True, False)

"""The history that git keeps of a folder of Markdown, taken in: each file, through all its names, is a document."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from portal.accounts.models import Person, Role
from portal.accounts.service.ownership import set_owner
from portal.core import clock
from portal.core.content import MAX_FILE_BYTES, ContentFile, ContentFolder, printable
from portal.core.i18n import gettext as _
from portal.core.i18n import other
from portal.core.markdown import SENSITIVITIES, Problem, forget, split_clauses
from portal.library import queries, rules
from portal.library.errors import EditedMeanwhile, NothingToTake
from portal.library.formats import foreign
from portal.library.formats.foreign import CannotMend, ForeignText, Ids, Section
from portal.library.formats.git import SETTINGS, Chain, Commit, Entry, FolderHistory, Repository, zone_of
from portal.library.models import GROUPS, AudienceKind, ChangeClass, Document, DocumentKind, DocumentVersion
from portal.library.service import documents, versions
from portal.library.service.past import PastVersion, import_past_versions, prepare_past_version
from portal.library.service.texts import TextDraft, problems_of
from portal.organisation.queries import default_time_zone, find_market, find_team

# What is read: a folder with its history, open.
History = Repository
# So many versions of a document, or so many bytes of them, are taken in at a time: a long history needs no more memory.
_AT_ONCE = 100
_BYTES_AT_ONCE = 3 * 1024 * 1024
# What front matter and line ends may add to a text when it is written out again.
_BESIDES = 4 * 1024
# Clocks of computers are wrong at times: what lies outside of these is not believed.
_EARLIEST = datetime(clock.YEARS[0], 1, 2, tzinfo=UTC)
_SOONEST = timedelta(seconds=1)
_MAX_AUTHOR = 300
_MAX_MINOR = 999_999
_AUDIENCE = {"markets": AudienceKind.MARKET, "teams": AudienceKind.TEAM, "roles": AudienceKind.ROLE}


@dataclass(frozen=True, slots=True)
class Refusal:
    """What was not taken: the file, the commit, the line (0: as a whole), why, and what to do.

    Of what is taken all the same (`is_taken`) it says what should be looked at.
    """

    path: str
    commit_hash: str
    line: int
    reason: str
    mend: str = ""
    is_taken: bool = False

    def __str__(self) -> str:
        place = f"{_shown(self.path) or '.'}@{self.commit_hash[:10]}" + (f":{self.line}" if self.line else "")
        reason = f"{self.reason} {self.mend}".rstrip()
        if self.is_taken:
            return printable(_("%(place)s: %(message)s", place=place, message=reason))
        return printable(_("%(place)s: not taken: %(reason)s", place=place, reason=reason))


@dataclass(slots=True)
class Settings:
    """What holds for a document over all its versions; without a `document.toml` everybody may read it."""

    kind: DocumentKind
    is_stated: bool = False
    review_every_months: int | None = None
    sensitivity: str = "S0"
    audience: dict[AudienceKind, list[str]] = field(default_factory=dict)


@dataclass(slots=True)
class PlannedDocument:
    """A document to be: its address, its files by language, and where it is known already."""

    slug: str
    title: str
    settings: Settings
    language: str
    chains: dict[str, Chain]
    # Whether it lies in a folder of our own layout.
    is_ours: bool
    is_known: bool
    refusals: list[Refusal] = field(default_factory=list)
    # How many commits changed nothing of it that readers see.
    unseen: int = 0

    @property
    def deciding(self) -> Chain:
        """The file whose text decides."""
        return self.chains[self.language]


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """That the file was deleted: when, and by which commit with which words."""

    at: datetime
    reason: str


@dataclass(slots=True)
class Prepared:
    """A part of a document's history, ready to be written: the versions that follow the one numbered `after`."""

    planned: PlannedDocument
    after: str | None
    past: list[PastVersion]
    withdrawal: Withdrawal | None
    sensitivity: str


@dataclass(frozen=True, slots=True)
class _Event:
    """What one commit did to the files of a document, by language."""

    commit_hash: str
    changes: dict[str, Entry]


def open_history(folder: Path) -> Repository:
    """Return the history that git keeps of a folder; it is closed like a file.

    Raises `GitMissing`, `NoRepository`, `NoCommits` or `GitFailed`.
    """
    return Repository(folder)


def plan_documents(repository: Repository, *, prefix: str = "") -> tuple[list[PlannedDocument], list[Refusal]]:
    """Say which documents the history of a folder holds, each with its address; nothing is changed.

    Two files of one text in two languages are one document where the deciding one is there as long as the other, and
    both have the same headings in the end. What was taken in before is known again by its commits, whatever its files
    are called now. `prefix` stands before the addresses of new documents. Raises `NothingToTake`, and `GitFailed`.
    """
    history = repository.follow()
    if not history.chains:
        raise NothingToTake(folder=repository.folder)
    reader = _Reader(repository)
    known = {(each.commit_hash, each.path): each.slug for each in queries.list_past_commits()}
    refusals = _set_apart(reader, history)
    refusals += [
        Refusal(
            "",
            commit,
            0,
            _("The repository does not hold what this commit changed."),
            _("Fetch the whole history first."),
        )
        for commit in history.damaged
    ]
    groups = []
    for group in _grouped(reader, history, known):
        last = group.deciding.entries[-1]
        if foreign.is_of_overlay(last.path):
            # By itself it would be read as a whole text, and by everybody.
            refusals.append(
                Refusal(
                    last.path,
                    last.commit_hash,
                    0,
                    _("What a market does otherwise is not taken in with its history."),
                    _("Import the folder without --history afterwards."),
                )
            )
        elif foreign.is_of_unknown_overlay(last.path):
            name = _shown(last.path.split("/")[-2])
            refusals.append(
                Refusal(
                    last.path,
                    last.commit_hash,
                    0,
                    _("An overlay is laid over a base, never over an overlay.")
                    if name.count("@") > 1
                    else _("“%(name)s” cannot be an address.", name=name),
                    _("Name the folder of an overlay <slug>@<MARKET>, such as impersonation@JP."),
                )
            )
        else:
            groups.append(group)
    new = [group for group in groups if not group.is_known]
    # A file that is there goes before one that was deleted when both want the same address.
    new.sort(key=lambda group: (not group.deciding.is_alive, group.deciding.path))
    proposed = foreign.slugs_for(
        [group.named.names for group in new], taken={group.slug for group in groups if group.is_known}
    )
    for group, slug in zip(new, proposed, strict=True):
        group.slug = foreign.slug_of((slug, prefix)) if prefix else slug
    taken = queries.list_slugs()
    planned = []
    for group in sorted(groups, key=lambda group: group.slug):
        slug, last, settings = group.slug, group.deciding.entries[-1], group.settings
        if not group.is_known and slug in taken:
            refusals.append(
                Refusal(
                    last.path,
                    last.commit_hash,
                    0,
                    _(
                        "The document “%(slug)s” is here already and not from this history; nothing is merged.",
                        slug=slug,
                    ),
                    _("Import it with --prefix, which stands before its address."),
                )
            )
        elif isinstance(settings, Refusal):
            refusals.append(settings)
        else:
            refusals += _nobody_there(group)
            planned.append(
                PlannedDocument(
                    slug=slug,
                    title=_shown(group.named.title),
                    settings=settings,
                    language=group.language,
                    chains=group.chains,
                    is_ours=group.named.is_ours,
                    is_known=group.is_known,
                )
            )
    return planned, refusals


def prepare_document(repository: Repository, planned: PlannedDocument) -> Iterator[Prepared]:
    """Read and mend the versions of a document that are new, a part of a bounded number at a time.

    What cannot be taken is noted in `planned.refusals`; what lies before and after it is taken all the same. Done
    ahead of the transaction in which a part is written, within `markdown.remembering`.
    """
    try:
        telling = _Telling(_Reader(repository), planned)
    except EditedMeanwhile as edited:
        refuse_rest(planned, str(edited))
        return
    yield from telling.parts()


def take_in(prepared: Prepared, *, by: Person) -> list[DocumentVersion]:
    """Write a part of a document's history; a document that is new is made, and whoever imports it owns it.

    Raises `EditedMeanwhile` where the document has got another version since the part was prepared, and `SlugTaken`.
    """
    planned = prepared.planned
    document = queries.find_document(planned.slug)
    if document is None or not planned.is_known:
        document = _made(planned, prepared.sensitivity, by)
        planned.is_known = True
    else:
        _bring_up(document, planned.settings, prepared.sensitivity, by)
    made: list[DocumentVersion] = []
    if prepared.past:
        made = import_past_versions(document=document, past=prepared.past, after=prepared.after, by=by)
    latest = queries.latest_version(document)
    if prepared.withdrawal is not None and latest is not None and latest.withdrawn_at is None:
        versions.withdraw_version(version=latest, reason=prepared.withdrawal.reason, at=prepared.withdrawal.at, by=by)
    return made


def refuse_rest(planned: PlannedDocument, reason: str) -> None:
    """Note that what is left of a document is not taken."""
    last = planned.deciding.entries[-1]
    planned.refusals.append(Refusal(last.path, last.commit_hash, 0, reason))


def _bring_up(document: Document, settings: Settings, sensitivity: str, by: Person) -> None:
    """Let a document that is known be what its file says by now: it may have become meant for fewer people."""
    if settings.is_stated:
        documents.set_audience(document=document, audience=settings.audience, by=by)
    documents.change_document(
        document=document,
        kind=settings.kind if settings.is_stated else document.kind,
        review_every_months=settings.review_every_months if settings.is_stated else document.review_every_months,
        sensitivity=max(document.sensitivity, sensitivity, settings.sensitivity),
        by=by,
    )


def _differs(document: Document, settings: Settings) -> bool:
    """Say whether the file of a document's settings says something new."""
    return settings.is_stated and (
        any(sorted(document.audience(kind)) != settings.audience.get(kind, []) for kind in GROUPS)
        or (document.kind, document.review_every_months) != (settings.kind, settings.review_every_months)
        or document.sensitivity < settings.sensitivity
    )


def _made(planned: PlannedDocument, sensitivity: str, by: Person) -> Document:
    settings = planned.settings
    document = documents.create_document(
        slug=planned.slug,
        kind=settings.kind,
        authoritative=planned.language,
        review_every_months=settings.review_every_months,
        sensitivity=max(settings.sensitivity, sensitivity),
        audience=settings.audience,
        by=by,
    )
    set_owner(kind=documents.OWNED_KIND, code=document.slug, owner=by, by=by)
    document.stated_owner, document.stated_owner_became = by.sign_in_name or "", by.code
    return document


def _set_apart(reader: _Reader, history: FolderHistory) -> list[Refusal]:
    """Take out of a history what is no document: questions, whose answers nobody is to read, and all else of ours."""
    roots = foreign.own_roots(history.settings)
    kept, refusals = [], []
    banks: set[str] = set()
    for chain in history.chains:
        part = foreign.other_part(chain.path, roots)
        if part is None and foreign.is_question_bank(chain.path, reader.last_text(chain) or ""):
            banks.add(foreign.named(chain.path).key)
        if part is None:
            kept.append(chain)
        else:
            refusals.append(_of_our_layout(chain.path, chain.entries[-1].commit_hash))
    history.chains = []
    for chain in kept:
        # The other language of a bank holds no signs, but its words say what is right.
        if foreign.named(chain.path).key in banks:
            refusals.append(Refusal(chain.path, chain.entries[-1].commit_hash, 0, *_questions()))
        else:
            history.chains.append(chain)
    told = {refusal.path for refusal in refusals}
    refusals += [
        _of_our_layout(path, commit)
        for root in roots
        for path, commit in reader.repository.names_now(root)
        if path not in told and foreign.other_part(path, [root]) is not None
    ]
    return sorted(refusals, key=lambda refusal: refusal.path)


def _questions() -> tuple[str, str]:
    return (
        _("It is a bank of questions; as a document everybody could read the right answers."),
        _("Import it from a content folder, without --history."),
    )


def _of_our_layout(path: str, commit: str) -> Refusal:
    return Refusal(
        path,
        commit,
        0,
        _("Of the parts of a content folder only the history of “documents” is taken."),
        _("Import the rest as it is now, without --history."),
    )


# --- which files are which document ---------------------------------------------------------------


@dataclass(slots=True)
class _Group:
    """The files of one document by language; the address is empty until it has one."""

    named: foreign.Named
    language: str
    chains: dict[str, Chain]
    settings: Settings | Refusal
    slug: str = ""
    is_known: bool = False

    @property
    def deciding(self) -> Chain:
        return self.chains[self.language]


def _grouped(reader: _Reader, history: FolderHistory, known: dict[tuple[str, str], str]) -> list[_Group]:
    """Put the files together that are one document."""
    alike: dict[str, list[tuple[foreign.Named, Chain]]] = {}
    for chain in history.chains:
        named = foreign.named(chain.path)
        alike.setdefault(named.key, []).append((named, chain))
    groups = []
    for files in alike.values():
        by_language: dict[str, tuple[foreign.Named, Chain]] = {}
        alone: list[tuple[foreign.Named, str, Chain]] = []
        # Of two files in one language the one is taken that is there still, and that says its language.
        files.sort(key=lambda each: (not each[1].is_alive, each[0].language is None, each[1].path))
        for named, chain in files:
            language = named.language or reader.language_of(chain)
            if language in by_language:
                alone.append((named, language, chain))
            else:
                by_language[language] = (named, chain)
        if len(by_language) == 2 and not reader.are_one(by_language["en"][1], by_language["ja"][1], known):
            named, chain = by_language.pop("ja")
            # Its address says whose other text it is.
            names = (named.names[0] if named.names[0] in ("ja",) else f"{named.names[0]}-ja", *named.names[1:])
            alone.append((foreign.Named(named.key, "ja", names, named.is_ours), "ja", chain))
        together = [(by_language, next(iter(by_language.values()))[0])] if by_language else []
        for chosen, named in [*together, *(({language: (named, chain)}, named) for named, language, chain in alone)]:
            chains = {language: chain for language, (_named, chain) in chosen.items()}
            settings, language = _settings_of(reader, history, named, chains)
            group = _Group(named, language, chains, settings)
            _recognise(group, known)
            groups.append(group)
    return groups


def _recognise(group: _Group, known: dict[tuple[str, str], str]) -> None:
    """Note which document it is already; the language that decided then decides on."""
    for language in (group.language, *group.chains):
        for event, path in _deciding_paths(group.chains, language):
            slug = known.get((event.commit_hash, _shown(path)))
            if slug is not None:
                group.slug, group.language, group.is_known = slug, language, True
        if group.is_known:
            return


def _deciding_paths(chains: dict[str, Chain], language: str) -> Iterator[tuple[_Event, str]]:
    """Yield what happened to a document, and what its deciding file was called then: by both its versions are known."""
    path = ""
    for event in _events(chains):
        entry = event.changes.get(language)
        path = entry.path if entry is not None else path
        yield event, path


def _settings_of(
    reader: _Reader, history: FolderHistory, named: foreign.Named, chains: dict[str, Chain]
) -> tuple[Settings | Refusal, str]:
    """Return what a document.toml beside it says in the end, else what its name says; and the deciding language."""
    language = "en" if "en" in chains else "ja"
    settings = Settings(DocumentKind(foreign.kind_of(named.names)))
    last = chains[language].entries[-1]
    path = f"{last.path.rpartition('/')[0]}/{SETTINGS}".lstrip("/")
    blob = history.settings.get(path) if named.is_ours else None
    if blob is None:
        return settings, language
    data = reader.repository.read(blob, MAX_FILE_BYTES)
    try:
        table = ContentFolder({}).read_toml(ContentFile(path, data.decode("utf-8"))) if data is not None else None
    except UnicodeDecodeError:
        table = None
    audience = table.get("audience", {}) if table is not None else None
    if (
        table is None
        or not isinstance(audience, dict)
        or not set(audience) <= set(_AUDIENCE)
        or not all(_are_codes(codes) for codes in audience.values())
        or not set(audience.get("roles", [])) <= {role.value for role in Role}
    ):
        # To whom a text is addressed is not guessed: it may not be everybody.
        reason = _("The file cannot be read, and it says to whom the document is addressed.")
        return Refusal(path, last.commit_hash, 0, reason, _("Correct it, commit it, and try again.")), language
    settings.is_stated = True
    kind, months = table.get("kind"), table.get("review_every_months")
    if kind in set(DocumentKind):
        settings.kind = DocumentKind(str(kind))
    if isinstance(months, int) and 1 <= months <= 120:
        settings.review_every_months = int(months)
    if table.get("sensitivity") in SENSITIVITIES:
        settings.sensitivity = str(table["sensitivity"])
    settings.audience = {_AUDIENCE[key]: sorted(set(codes)) for key, codes in audience.items() if codes}
    stated = table.get("authoritative")
    return settings, str(stated) if stated in chains else language


def _nobody_there(group: _Group) -> list[Refusal]:
    """Tell of markets and teams that are not known here: the document is taken, and nobody sees it for them."""
    assert isinstance(group.settings, Settings)
    last = group.deciding.entries[-1]
    return [
        Refusal(
            f"{last.path.rpartition('/')[0]}/{SETTINGS}".lstrip("/"),
            last.commit_hash,
            0,
            _("“%(value)s” is not known for “%(key)s”.", value=code, key=key),
            _("Add it in the settings, or correct the code; nobody is in it yet."),
            is_taken=True,
        )
        for key, find in (("markets", find_market), ("teams", find_team))
        for code in group.settings.audience.get(_AUDIENCE[key], [])
        if find(code) is None
    ]


def _are_codes(codes: Any) -> bool:
    return isinstance(codes, list) and all(isinstance(code, str) and 0 < len(code) <= 60 for code in codes)


def _events(chains: dict[str, Chain]) -> list[_Event]:
    """Return what happened to the files of a document, commit by commit."""
    changes: dict[int, dict[str, Entry]] = {}
    for language, chain in chains.items():
        for entry in chain.entries:
            changes.setdefault(entry.order, {})[language] = entry
    return [_Event(next(iter(each.values())).commit_hash, each) for _order, each in sorted(changes.items())]


def _shown(path: str) -> str:
    """Write a path so that a database keeps it and a terminal shows it."""
    return printable(path)


class _Reader:
    """Reads the texts of a repository, and says why it cannot."""

    def __init__(self, repository: Repository) -> None:
        self.repository = repository

    def text_of(self, entry: Entry) -> str:
        """Return what a file said. Raises `CannotMend`."""
        assert entry.blob is not None
        if not entry.is_file:
            raise _refused(
                _("It is another repository within this one.")
                if entry.mode == "160000"
                else _("Links to other places are not followed."),
                _("Copy the file here."),
            )
        size = self.repository.size_of(entry.blob)
        if size is None:
            raise _refused(_("The repository does not hold its text."), _("Fetch the whole history first."))
        if size > MAX_FILE_BYTES:
            raise _refused(
                _(
                    "The file has %(size)s KB; the limit is %(limit)s KB.",
                    size=size // 1024,
                    limit=MAX_FILE_BYTES // 1024,
                ),
                _("Split it into several documents."),
            )
        return foreign.decoded(self.repository.read(entry.blob, MAX_FILE_BYTES, size) or b"")

    def last_text(self, chain: Chain) -> str | None:
        """Return what a file said last, or None where that cannot be read."""
        for entry in reversed(chain.entries):
            if entry.blob is not None:
                try:
                    return self.text_of(entry)
                except CannotMend:
                    continue
        return None

    def language_of(self, chain: Chain) -> str:
        return foreign.language_of(self.last_text(chain) or "")

    def are_one(self, english: Chain, japanese: Chain, known: dict[tuple[str, str], str]) -> bool:
        """Say whether two files are one text in two languages: both have the same headings in the end.

        What was taken in as one document, or as two, stays so.
        """
        if japanese.is_alive and not english.is_alive:
            return False
        found = [
            max(
                (entry.order for entry in chain.entries if (entry.commit_hash, _shown(entry.path)) in known),
                default=None,
            )
            for chain in (english, japanese)
        ]
        if None not in found:
            return False
        first, begun = (english, japanese)[found.index(None)].entries[0].order, max(found, key=lambda each: each or -1)
        if begun is not None and first <= begun:
            return True
        outlines = []
        for chain in (english, japanese):
            text = self.last_text(chain)
            try:
                outlines.append(None if text is None else foreign.mended(text, fallback="-").outline)
            except CannotMend:
                outlines.append(None)
        return None in outlines or outlines[0] == outlines[1]


def _refused(reason: str, mend: str = "") -> CannotMend:
    return CannotMend(Problem(0, reason, mend))


# --- one document, from its first commit to its last ----------------------------------------------


class _Telling:
    """Goes through what happened to a document and tells its versions."""

    def __init__(self, reader: _Reader, planned: PlannedDocument) -> None:
        self.reader, self.planned = reader, planned
        self.language, self.second = planned.language, other(planned.language)
        self.zone = default_time_zone()
        self.now = clock.now()
        self.events = _events(planned.chains)
        self.path = ""
        # The version told last.
        self.number: str | None = None
        self.at: datetime | None = None
        self.texts: dict[str, TextDraft] = {}
        self.outline: list[int] = []
        self.ids = Ids()
        self.is_withdrawn = False
        self.gone: _Event | None = None
        self.has_new_settings = False
        # A second text that does not fit the deciding one yet, and where it is from.
        self.pending: tuple[ForeignText, Entry] | None = None
        # In our own layout: the number that the files give → the version that it is here.
        self.stated: dict[str, str] = {}
        self.stated_last = ""
        begin = self._go_on() if planned.is_known else 0
        self.coming = self.events[begin:]

    def _go_on(self) -> int:
        """Take up where the document stands; return the place of the first event that is new."""
        document = queries.get_document(self.planned.slug)
        latest = queries.latest_version(document)
        assert latest is not None
        after = 0
        for place, (event, path) in enumerate(_deciding_paths(self.planned.chains, self.language), start=1):
            if (event.commit_hash, _shown(path)) == (latest.origin_commit, latest.origin_path):
                after, self.path = place, path
        if not after:
            raise EditedMeanwhile(slug=document.slug, number=latest.number)
        self.has_new_settings = _differs(document, self.planned.settings)
        self.number, self.at = latest.number, latest.effective_at
        self.is_withdrawn = latest.withdrawn_at is not None
        for text in latest.texts:
            self.texts[text.language] = TextDraft(
                language=text.language,
                title=text.title,
                source=text.source,
                summary=text.summary,
                what_to_do_differently=text.what_to_do_differently,
                attestation=text.attestation,
                says_number=text.says_number,
            )
        clauses = split_clauses(self.texts[self.language].source)
        self.outline = [clause.level for clause in clauses]
        last = [Section(each.anchor, each.level, each.heading, each.body) for each in clauses if each.level]
        self.ids = Ids(queries.clause_names(document), last)
        return after

    def parts(self) -> Iterator[Prepared]:
        """Yield what there is to write."""
        after, past, size, sensitivity = self.number, list[PastVersion](), 0, "S0"
        was_withdrawn = self.is_withdrawn
        for place, event in enumerate(self.coming):
            version = self._after(event, place)
            if version is None:
                continue
            prepare_past_version(slug=self.planned.slug, past=version)
            past.append(version)
            size += sum(len(text.source) for text in version.texts)
            labels = (each.sensitivity or "S0" for text in version.texts for each in split_clauses(text.source))
            sensitivity = max(sensitivity, *labels)
            was_withdrawn = False
            if len(past) >= _AT_ONCE or size >= _BYTES_AT_ONCE:
                yield Prepared(self.planned, after, past, None, sensitivity)
                forget()
                after, past, size = self.number, [], 0
        self._give_up_pending()
        withdrawal = None
        if self.gone is not None and self.number is not None and not was_withdrawn:
            commit = self.reader.repository.describe(self.gone.commit_hash)
            withdrawal = Withdrawal(
                min(self._moment(commit, ()), max(self.now, (self.at or self.now) + _SOONEST)),
                _(
                    "The file was deleted in commit %(commit)s: %(message)s",
                    commit=commit.hash[:10],
                    message=_first_line(foreign.message_of(commit.message)) or "–",
                ),
            )
        if past or withdrawal is not None or self.has_new_settings:
            yield Prepared(self.planned, after, past, withdrawal, sensitivity)

    def _after(self, event: _Event, place: int) -> PastVersion | None:
        """Return the version that a commit made, or None where it made none."""
        deciding = event.changes.get(self.language)
        if deciding is not None:
            self.path = deciding.path
        draft, text = self._deciding(event, deciding)
        if draft is None:
            return None
        number = self._number(text)
        second = self._second(event, draft, number)
        texts = {self.language: draft} | ({second.language: second} if second is not None else {})
        if self.number is not None and not self._differ(texts):
            self.planned.unseen += 1
            if text is not None:
                self._keep(text, draft)
            return None
        problem = next((problem for each in texts.values() for problem in problems_of(each.source)), None)
        room = MAX_FILE_BYTES - _BESIDES
        if problem is None and any(_written_size(each) > room for each in texts.values()):
            problem = _refused(
                _("The text has %(size)s KB; the limit is %(limit)s KB.", size=room // 1024 + 1, limit=room // 1024),
                _("Split it into several documents."),
            ).problem
        if problem is not None:
            entry = deciding or next(iter(event.changes.values()))
            begin = text.first_line - 1 if text is not None and problem.line else 0
            self._refuse(entry, problem.line + begin, problem.reason, problem.mend)
            return None
        return self._told(event, place, texts, text, number)

    def _deciding(self, event: _Event, entry: Entry | None) -> tuple[TextDraft | None, ForeignText | None]:
        """Return the deciding text after a commit: as it was, or with ids at its headings where it is another."""
        before = self.texts.get(self.language)
        if entry is None:
            # What happens to the second text while the deciding one is gone makes no version.
            return (before if self.gone is None else None), None
        if entry.blob is None:
            self.gone = event
            return None, None
        try:
            text = self._mended(entry, self.language)
        except CannotMend as refused:
            self._refuse(entry, refused.problem.line, refused.problem.reason, refused.problem.mend)
            return (before, None) if len(event.changes) > 1 else (None, None)
        self.gone = None
        return self._draft(self.language, text, text.with_ids(self.ids.peek(text.sections))), text

    def _second(self, event: _Event, deciding: TextDraft, number: str) -> TextDraft | None:
        """Return the text in the second language after a commit, saying the version that it is a translation of."""
        entry = event.changes.get(self.second)
        before = self.texts.get(self.second)
        if entry is not None:
            self._give_up_pending()
            if entry.blob is None:
                return None
            try:
                self.pending = self._mended(entry, self.second), entry
            except CannotMend as refused:
                self._refuse(entry, refused.problem.line, refused.problem.reason, refused.problem.mend)
        if self.pending is None:
            return before
        text, _entry = self.pending
        clauses = split_clauses(deciding.source)
        anchors = [clause.anchor for clause in clauses if clause.level]
        stated = text.values.get("version", "") if self.planned.is_ours else ""
        own = [section.anchor for section in text.sections]
        if stated and stated != self.stated_last and stated in self.stated and all(own):
            # It says of itself that it translates an earlier version.
            self.pending = None
            return self._draft(self.second, text, text.with_ids(own), says=self.stated[stated])
        if text.outline != [clause.level for clause in clauses] or any(
            mine and mine != theirs for mine, theirs in zip(own, anchors, strict=True)
        ):
            return before
        self.pending = None
        draft = self._draft(self.second, text, text.with_ids(anchors), says=number)
        if before is not None and _reads_the_same(draft, before) and self._is_same_deciding(deciding):
            return before
        return draft

    def _mended(self, entry: Entry, language: str) -> ForeignText:
        named = foreign.named(entry.path)
        text = self.reader.text_of(entry)
        if foreign.is_question_bank(entry.path, text):
            raise _refused(*_questions())
        return foreign.mended(
            text,
            fallback=self.planned.title or named.title,
            own_slug=self.planned.slug,
            keeps_links=self.planned.is_ours,
        )

    def _draft(self, language: str, text: ForeignText, source: str, says: str = "") -> TextDraft:
        values = text.values
        return TextDraft(
            language=language,
            title=text.title,
            source=source,
            summary=values.get("summary", "") or values.get("description", ""),
            what_to_do_differently=values.get("what_to_do_differently", "") if self.planned.is_ours else "",
            attestation=values.get("attestation", "") if self.planned.is_ours else "",
            says_number=says,
        )

    def _is_same_deciding(self, deciding: TextDraft) -> bool:
        before = self.texts.get(self.language)
        return before is not None and _reads_the_same(before, deciding)

    def _differ(self, texts: dict[str, TextDraft]) -> bool:
        """Say whether readers would see anything of it."""
        if self.is_withdrawn:
            return True
        return set(texts) != set(self.texts) or any(
            not _reads_the_same(text, self.texts[language])
            # Looked at again, the second text may say a newer version with the same words.
            or (language == self.second and text.says_number != self.texts[language].says_number)
            for language, text in texts.items()
        )

    def _keep(self, text: ForeignText, draft: TextDraft) -> None:
        self.ids.note(text.sections, [each.anchor for each in split_clauses(draft.source) if each.level])

    def _number(self, text: ForeignText | None) -> str:
        """Return the number of the next version; in our own layout the one that the file gives, where it is higher."""
        stated = text.values.get("version", "") if text is not None and self.planned.is_ours else ""
        if rules.NUMBER.fullmatch(stated) and (
            self.number is None or rules.number_key(stated) > rules.number_key(self.number)
        ):
            return stated
        if self.number is None:
            return "1.0"
        major, minor = rules.number_key(self.number)
        return f"{major}.{minor + 1}" if minor < _MAX_MINOR else f"{major + 1}.0"

    def _told(
        self, event: _Event, place: int, texts: dict[str, TextDraft], text: ForeignText | None, number: str
    ) -> PastVersion:
        commit = self.reader.repository.describe(event.commit_hash)
        draft = texts[self.language]
        before = self.texts.get(self.language)
        if before is None:
            change_class = ChangeClass.MINOR
        elif _reads_the_same(before, draft) or (
            before.title == draft.title and foreign.has_same_words(before.source, draft.source)
        ):
            change_class = ChangeClass.EDITORIAL
        else:
            change_class = ChangeClass.MINOR
        at = self._moment(commit, self.coming[place + 1 :])
        zone = zone_of(commit.committed_at, self.zone) if commit.committed_at is not None else self.zone
        if before is not None and self._is_same_deciding(draft):
            texts = texts | {self.language: before}
        if text is not None:
            self._keep(text, draft)
            stated = text.values.get("version", "")
            self.stated[stated], self.stated_last = number, stated
        # A text that says the version's own number says so by saying none.
        told = {
            language: _saying(each, number if language == self.language else each.says_number or number)
            for language, each in texts.items()
        }
        self.texts, self.number, self.at, self.is_withdrawn = told, number, at, False
        author = _author(self.reader.repository, commit, [entry.path for entry in event.changes.values()])
        return PastVersion(
            number=number,
            change_class=change_class,
            effective_at=at,
            zone=zone,
            texts=tuple(told[language] for language in sorted(told)),
            author_name=author,
            commit_hash=commit.hash,
            path=_shown(self.path),
            note=foreign.message_of(commit.message),
        )

    def _moment(self, commit: Commit, later: Sequence[_Event]) -> datetime:
        """Return when a version took effect: when it was committed, but after the one before it.

        What lies before this century or in the future is not believed: it is then the second after the version
        before, or before the next that can be believed.
        """
        at = commit.committed_at
        believed = at is not None and _EARLIEST <= at <= self.now
        if self.at is not None:
            return at.astimezone(UTC) if at is not None and believed and at > self.at else self.at + _SOONEST
        if at is not None and believed:
            return at.astimezone(UTC)
        for event in later:
            following = self.reader.repository.describe(event.commit_hash).committed_at
            if following is not None and _EARLIEST <= following <= self.now:
                return following.astimezone(UTC) - _SOONEST
        return self.now.replace(microsecond=0)

    def _give_up_pending(self) -> None:
        """Tell of a second text that never fitted the deciding one."""
        if self.pending is None:
            return
        _text, entry = self.pending
        self.pending = None
        self._refuse(
            entry,
            0,
            _("Its headings are not those of the authoritative text."),
            _("Both languages have the same headings in the same order."),
        )

    def _refuse(self, entry: Entry, line: int, reason: str, mend: str) -> None:
        self.planned.refusals.append(Refusal(entry.path, entry.commit_hash, line, str(reason), str(mend)))


def _reads_the_same(one: TextDraft, another: TextDraft) -> bool:
    return (one.title, one.summary, one.what_to_do_differently, one.attestation) == (
        another.title,
        another.summary,
        another.what_to_do_differently,
        another.attestation,
    ) and foreign.says_the_same(one.source, another.source)


def _saying(draft: TextDraft, number: str) -> TextDraft:
    if draft.says_number == number:
        return draft
    return TextDraft(
        language=draft.language,
        title=draft.title,
        source=draft.source,
        summary=draft.summary,
        what_to_do_differently=draft.what_to_do_differently,
        attestation=draft.attestation,
        says_number=number,
    )


def _written_size(draft: TextDraft) -> int:
    """Return how many bytes its file has at most, quotation marks and all."""
    beside = (draft.title, draft.summary, draft.what_to_do_differently, draft.attestation)
    return len(draft.source.encode()) + 2 * sum(len(text.encode()) for text in beside)


def _author(repository: Repository, commit: Commit, paths: Sequence[str]) -> str:
    """Return who wrote a change; of what was merged, who wrote that, whoever merged it and however it is called."""
    authors = repository.merged_authors(commit, paths) if len(commit.parents) > 1 else []
    names = dict.fromkeys(foreign.name_of(author) for author in authors or [commit.author])
    return str(_(", ")).join(name for name in names if name)[:_MAX_AUTHOR]


def _first_line(message: str) -> str:
    return message.partition("\n")[0].strip()[:200]

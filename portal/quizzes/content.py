"""The share of quizzes in the content folder: `banks/**` and `quizzes/**`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from portal.accounts import queries as people
from portal.accounts.models import Person
from portal.accounts.service.ownership import set_owner, set_owner_of_file
from portal.core.content import ContentFile, ContentFolder, Finding, Section, line_of
from portal.core.errors import DomainError
from portal.core.i18n import LANGUAGES, other
from portal.core.i18n import gettext as _
from portal.library.queries import list_changes_since as find_changes
from portal.library.rules import number_key
from portal.library.service import images
from portal.quizzes import queries, rules
from portal.quizzes.content_report import banks_told, pool_of, quizzes_told
from portal.quizzes.formats import markdown, quiz_toml
from portal.quizzes.formats.markdown import Bank, BankQuestion
from portal.quizzes.formats.quiz_toml import QuizFile
from portal.quizzes.formats.reading_back import problem_with, unwritable_in
from portal.quizzes.models import QuestionState, Quiz
from portal.quizzes.permissions import BANK, QUIZ
from portal.quizzes.queries import ClauseFact, staleness
from portal.quizzes.queries.pictures import list_pictures
from portal.quizzes.rules import taking
from portal.quizzes.service import banks as service
from portal.quizzes.service.drawing import LEAST_SENSITIVE, banks_of, blueprint_of_terms, is_drawn
from portal.quizzes.service.new_bank import PAGES as NO_BANKS
from portal.quizzes.service.pictures import keep_picture
from portal.quizzes.types.base import read


class BanksPart:
    """The question banks: two files each, one a language; their pictures lie beside them."""

    folder = "banks"
    pictures = "banks/pictures"

    def check(self, folder: ContentFolder) -> None:
        """Read both files of every bank; note what is wrong with them, with their pair and with what they cite."""
        questions = folder.shared.setdefault("questions", {})
        known = folder.shared.setdefault("banks", {})
        hashes = _made_pictures(folder)
        texts: dict[str, dict[str, ContentFile]] = {}
        for file in folder.below(self.folder):
            place = _bank_place(folder, file)
            if place:
                texts.setdefault(place[0], {})[place[1]] = file
        for slug, files in texts.items():
            if set(files) != set(LANGUAGES):
                (there,) = files
                path = f"{self.folder}/{slug}.{other(there)}.md"
                # A file that could not be read is not missing as well.
                if not folder.has_errors(path):
                    folder.error(
                        files[there].path, 0, _("The other language is missing."), _("Add %(path)s.", path=path)
                    )
                continue
            bank = _read_bank(folder, files, hashes)
            if bank is not None:
                known[slug] = bank
                questions[slug] = {question.id: question.content.type for question in bank.questions}
                _check_citations(folder, files["en"], bank)
        _warn_of_unused(folder, hashes)

    def report(self, folder: ContentFolder) -> Iterator[Section]:
        """Tell what the banks hold and cover, and what they give away."""
        yield from banks_told(folder)

    def load(self, folder: ContentFolder, by: Person) -> list[str]:
        """Take in every bank; what changed becomes a new version."""
        changes = []
        facts = _Facts()
        for slug, bank in folder.shared["banks"].items():
            file = folder.files[f"{self.folder}/{slug}.en.md"]
            if bank.document and bank.version and facts(bank.document, bank.version) is None:
                newest = queries.newest_number(bank.document)
                folder.warn(
                    file.path,
                    line_of(file.text, "version"),
                    _("Version %(number)s of “%(slug)s” is not known here.", number=bank.version, slug=bank.document),
                    _("The questions cite version %(number)s.", number=newest),
                )
            _warn_of_changes(folder, file, slug, bank)
            try:
                _warn_of_kept(folder, file, slug, bank)
                for question in bank.questions:
                    if question.content.picture:
                        made = folder.shared["pictures"][question.content.picture.sha256]
                        keep_picture(made=made, bank=slug, by=by)
                changed = service.take_bank(slug=slug, bank=bank, facts=facts, by=by)
            except service.ChangedHere as refused:
                question = next(q for q in bank.questions if q.id == refused.question)
                folder.error(
                    file.path,
                    question.line,
                    _("A new wording of “%(id)s” waits for approval here.", id=question.id)
                    if refused.is_proposed
                    else _("“%(id)s” has been changed here since this file was written.", id=question.id),
                    _("Approve or drop the wording on the question's page, then import again.")
                    if refused.is_proposed
                    else _("Export the bank, make the change in the exported files, and import those."),
                )
                continue
            except service.UnknownClause as unknown:
                question = next(q for q in bank.questions if q.id == unknown.question)
                folder.error(file.path, question.line, *_no_clause(unknown.clause, unknown.version))
                continue
            if people.find_owner(BANK, slug) is None:
                set_owner(kind=BANK, code=slug, owner=by, by=by)
            if changed:
                changes.append(f"{file.path}: {', '.join(changed)}")
        return changes

    def dump(self) -> Iterator[ContentFile]:
        """Yield both files of every bank, and the pictures of its questions."""
        shown: set[str] = set()
        for row in queries.list_banks():
            bank = Bank(
                title=row.title,
                document=row.document_slug,
                version=row.document_version,
                questions=tuple(
                    BankQuestion(
                        question.slug, read(version.content), question.written_state.value, behind=version.behind or ""
                    )
                    for question, version in queries.list_latest(row)
                ),
                revision=row.revision,
            )
            bank, left_out = _writable(row.slug, bank)
            for language in LANGUAGES:
                text = markdown.render(markdown.split(bank, language))
                yield ContentFile(
                    f"{self.folder}/{row.slug}.{language}.md", text, left_out=left_out if language == "en" else ()
                )
            shown |= {question.content.picture.sha256 for question in bank.questions if question.content.picture}
        for picture in list_pictures(shown):
            yield ContentFile(f"{self.folder}/{markdown.picture_path(picture.sha256)}", "", picture.data)

    def canonical(self, file: ContentFile) -> str | None:
        """Return the file parsed and written again."""
        bank, problems = markdown.parse(file.text, file.path.split(".")[-2])
        return None if bank is None or problems else markdown.render(bank)


def _writable(slug: str, bank: Bank) -> tuple[Bank, tuple[Finding, ...]]:
    """Return a bank without the questions that its files would not give back, and what is said of each of them."""
    written, findings = [], []
    path = f"{BanksPart.folder}/{slug}.en.md"
    for question in bank.questions:
        problem = problem_with(question)
        if problem is None:
            written.append(question)
            continue
        reasons = [each.message for each in unwritable_in(question.content)]
        findings.append(
            Finding(
                path,
                0,
                _("“%(id)s” is left out: no file can hold it as it is.", id=question.id),
                _(
                    "%(reason)s Change it on its page (%(address)s), then export again; taken in as it is, this file "
                    "would retire the question here.",
                    reason=" ".join(reasons[:3]) or f"{problem.message} {problem.mend}".strip(),
                    address=f"/banks/{slug}/{question.id}",
                ),
            )
        )
    return replace(bank, questions=tuple(written)), tuple(findings)


def _made_pictures(folder: ContentFolder) -> dict[str, str]:
    """Make the pictures of the folder anew into `shared`; return path from a bank's file → hash."""
    made = folder.shared.setdefault("pictures", {})
    hashes = {}
    for path, data in folder.pictures.items():
        name = path.removeprefix(f"{BanksPart.folder}/")
        if not markdown.PICTURE_PATH.fullmatch(name):
            folder.error(
                path,
                0,
                _("“%(name)s” cannot be the name of a picture.", name=path.rpartition("/")[2][:60]),
                _("Use lower-case letters, digits and hyphens, and end it with .png, .jpg, .webp or .gif."),
            )
            continue
        try:
            picture = images.of_file(data)
        except DomainError as refused:
            folder.error(path, 0, str(refused))
            continue
        made[picture.sha256] = picture
        hashes[name] = picture.sha256
    return hashes


def _warn_of_unused(folder: ContentFolder, hashes: Mapping[str, str]) -> None:
    """Name the pictures that no question shows: they are not taken in."""
    if folder.has_errors(f"{BanksPart.folder}/"):
        return
    banks: dict[str, Bank] = folder.shared["banks"]
    shown = {
        question.content.picture.sha256
        for bank in banks.values()
        for question in bank.questions
        if question.content.picture
    }
    for name, hash_ in hashes.items():
        if hash_ not in shown:
            folder.warn(
                f"{BanksPart.folder}/{name}",
                0,
                _("No question shows this picture."),
                _("Name it in a case, or take it away."),
            )


def _bank_place(folder: ContentFolder, file: ContentFile) -> tuple[str, str] | None:
    """Return slug and language of a bank's file, or None with a finding."""
    name = file.parts[-1]
    stem, dot, language = name.removesuffix(".md").rpartition(".")
    mend = _("A bank lies in banks/slug.en.md and banks/slug.ja.md.")
    if len(file.parts) != 2 or not name.endswith(".md") or not dot:
        folder.error(file.path, 0, _("This is no file of a question bank."), mend)
        return None
    if language not in LANGUAGES:
        folder.error(
            file.path,
            0,
            _("The language “%(tag)s” is not known.", tag=language[:20]),
            _("Use en or ja. %(more)s", more=mend),
        )
        return None
    slug = folder.slug_of(file, stem)
    if slug in NO_BANKS:
        _is_page(folder, file, slug)
        return None
    return (slug, language) if slug else None


def _is_page(folder: ContentFolder, file: ContentFile, slug: str) -> None:
    """Note that what a file would make has the address of a page of the product."""
    folder.error(file.path, 0, _("“%(slug)s” is the address of a page.", slug=slug), _("Give the file another name."))


def _read_bank(folder: ContentFolder, files: Mapping[str, ContentFile], pictures: Mapping[str, str]) -> Bank | None:
    read_texts = {}
    faulty = []
    for language in LANGUAGES:
        text, problems = markdown.parse(files[language].text, language)
        for problem in problems:
            folder.error(files[language].path, problem.line, problem.message, problem.mend)
        if problems:
            faulty.append(language)
        if text is not None:
            read_texts[language] = text
    if faulty or len(read_texts) != len(LANGUAGES):
        # What does not match would be named on both sides, though one of them is at fault.
        for language in LANGUAGES:
            if language not in faulty:
                folder.unchecked(files[language].path, 0, files[other(language)].path)
        return None
    bank, english, japanese = markdown.merge(read_texts["en"], read_texts["ja"], pictures)
    for language, problems in (("en", english), ("ja", japanese)):
        for problem in problems:
            folder.error(files[language].path, problem.line, problem.message, problem.mend)
    return bank


def _names_of(question: BankQuestion) -> list[str]:
    """Return every clause that a question cites or links to, as `slug#id`, each once."""
    return list(dict.fromkeys([*question.content.clauses, *service.links_of(question.content)]))


def _check_citations(folder: ContentFolder, file: ContentFile, bank: Bank) -> None:
    """Look up every cited clause among those of the folder's documents."""
    documents: dict[str, dict[str, set[str]]] | None = folder.shared.get("clauses")
    if documents is None:
        return
    present: set[str] = folder.shared.get("documents", set(documents))
    if bank.document and bank.document not in present:
        folder.error(
            file.path,
            line_of(file.text, "document"),
            _("There is no document “%(slug)s”.", slug=bank.document),
            _("Correct document: in the front matter, or add documents/%(slug)s.", slug=bank.document),
        )
        return
    here = max(documents.get(bank.document, {}), key=_number_key, default="")
    if here and bank.version and _number_key(bank.version) > _number_key(here):
        folder.error(
            file.path,
            line_of(file.text, "version"),
            _("The document “%(slug)s” has no version %(number)s.", slug=bank.document, number=bank.version),
            _("Its version here is %(numbers)s.", numbers=here),
        )
        return
    gone: dict[str, list[BankQuestion]] = {}
    for question in bank.questions:
        for name in _names_of(question):
            slug, _sign, anchor = name.partition("#")
            versions = documents.get(slug, {})
            number = max(versions, key=_number_key, default="")
            if slug not in present:
                folder.error(
                    file.path,
                    question.line,
                    _("There is no document “%(slug)s”.", slug=slug),
                    _("Correct the clause “%(name)s”, or add documents/%(slug)s.", name=name, slug=slug),
                )
            elif not versions:
                folder.unchecked(file.path, 0, f"documents/{slug}")
            elif anchor in versions.get(number, set()):
                continue
            elif slug == bank.document and bank.version and _number_key(bank.version) < _number_key(number):
                gone.setdefault(name, []).append(question)
            else:
                folder.error(file.path, question.line, *_no_clause(name, number))
    for name, questions in gone.items():
        folder.warn(
            file.path,
            questions[0].line,
            _(
                "The clause “%(name)s” is not in version %(number)s any more; cited as of version %(old)s by: %(ids)s.",
                name=name,
                number=here,
                old=bank.version,
                ids=_ids(questions),
            ),
            _('Let them cite another clause, or take them out; then write version: "%(number)s".', number=here),
        )


def _warn_of_kept(folder: ContentFolder, file: ContentFile, slug: str, bank: Bank) -> None:
    """Name the questions that stay as people have left them here, though the file says something older."""
    row = queries.find_bank(slug)
    kept = service.kept_here(row, bank) if row else []
    if kept:
        folder.warn(
            file.path,
            line_of(file.text, "revision"),
            _("Changed here since this file was written, and kept as they are here: %(ids)s.", ids=", ".join(kept)),
            _("Export the bank and go on from the exported files."),
        )


def _warn_of_changes(folder: ContentFolder, file: ContentFile, slug: str, bank: Bank) -> None:
    """Name the questions whose clauses say something else by now than when they were written or looked at last."""
    cited = queries.list_cited_versions(slug)
    looked_at = staleness.list_looked_at(slug)
    changes: dict[tuple[str, str], dict[str, str]] = {}
    affected: dict[tuple[str, str], list[BankQuestion]] = {}
    for question in bank.questions:
        for name in _names_of(question):
            document, _sign, anchor = name.partition("#")
            own = bank.version if document == bank.document else ""
            base = own or cited.get((question.id, document, anchor), "")
            # What somebody has looked at here is not to be looked at again.
            later = looked_at.get((question.id, document), "")
            if base and later and number_key(later) > number_key(base):
                base = cited.get((question.id, document, anchor), base)
            if base and (document, base) not in changes:
                changes[document, base] = find_changes(document, base)
            number = changes.get((document, base), {}).get(anchor)
            if number is not None:
                affected.setdefault((name, number), []).append(question)
    for (name, number), questions in affected.items():
        pinned = bank.version and name.startswith(f"{bank.document}#")
        folder.warn(
            file.path,
            questions[0].line,
            _("The clause “%(name)s” has changed in version %(number)s; cited by: %(ids)s.",
              name=name, number=number, ids=_ids(questions)),
            _('Look at these questions again; then write version: "%(number)s" in both files.', number=number)
            if pinned
            else _("Look at these questions again; from now on they cite the new text."),
        )  # fmt: skip


def _ids(questions: Sequence[BankQuestion]) -> str:
    return ", ".join(question.id for question in questions)


def _number_key(number: str) -> tuple[int, ...]:
    return tuple(int(part) for part in number.split(".") if part.isdigit())


def _no_clause(name: str, number: str) -> tuple[str, str]:
    return (
        _("The clause “%(name)s” does not exist in version %(number)s.", name=name, number=number or "–"),
        _("Cite a clause by the id in its heading, or add the clause to the document."),
    )


class _Facts:
    """Clauses as the library has them, each version asked for once."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, str], dict[str, ClauseFact] | None] = {}

    def __call__(self, slug: str, version: str) -> dict[str, ClauseFact] | None:
        if (slug, version) not in self.known:
            self.known[slug, version] = queries.find_clauses(slug, version)
        return self.known[slug, version]


class QuizzesPart:
    """The quizzes: one file each."""

    folder = "quizzes"

    def check(self, folder: ContentFolder) -> None:
        """Read every quiz; note what is wrong, and what it draws that no bank gives."""
        slugs = folder.shared.setdefault("quizzes", set())
        slugs |= {name.removesuffix(".toml") for name in folder.unread(self.folder)}
        known = folder.shared.setdefault("quiz_files", {})
        for file in folder.below(self.folder):
            if len(file.parts) != 2 or not file.path.endswith(".toml"):
                folder.error(file.path, 0, _("This is no file of a quiz."), _("A quiz lies in quizzes/slug.toml."))
                continue
            slug = folder.slug_of(file, file.parts[1].removesuffix(".toml"))
            if slug is None:
                continue
            slugs.add(slug)
            if slug in service.PAGES:
                _is_page(folder, file, slug)
            quiz = quiz_toml.parse(folder, file)
            if quiz is not None:
                known[slug] = quiz
                _check_draws(folder, file, quiz)
                _warn_of_audiences(folder, file, quiz)
                _warn_of_open(folder, file, quiz)

    def report(self, folder: ContentFolder) -> Iterator[Section]:
        """Tell what the quizzes draw, and from how many questions."""
        yield quizzes_told(folder)

    def load(self, folder: ContentFolder, by: Person) -> list[str]:
        """Take in every quiz; changed terms need a new version number."""
        changes = []
        for slug, quiz in folder.shared["quiz_files"].items():
            path = f"{self.folder}/{slug}.toml"
            try:
                version = service.take_quiz(slug=slug, terms=quiz.terms, by=by)
            except service.NumberTaken:
                folder.error(
                    path,
                    line_of(folder.files[path].text, "version"),
                    _("Version %(number)s of this quiz says something else already.", number=quiz.terms.number),
                    _("Raise the version; attempts keep the terms under which they were begun."),
                )
                continue
            if version is not None:
                changes.append(f"{path}: {version.number}")
            newest = queries.get_quiz(slug)
            if newest.number != quiz.terms.number:
                folder.warn(
                    path,
                    line_of(folder.files[path].text, "version"),
                    _("The quiz has version %(number)s by now; what the file says is older.", number=newest.number),
                    _("Export the content to have the newest terms in the file."),
                )
            if _take_owner(folder, path, queries.get_quiz(slug).quiz, quiz, by):
                changes.append(f"{path}: {quiz.owner}")
        return changes

    def dump(self) -> Iterator[ContentFile]:
        """Yield every quiz."""
        for version in queries.list_quizzes():
            owner, deputy = _stated(version.quiz)
            quiz = QuizFile(service.terms_of_version(version), owner, deputy)
            yield ContentFile(f"{self.folder}/{version.quiz.slug}.toml", quiz_toml.render(quiz))

    def canonical(self, file: ContentFile) -> str | None:
        """Return the file parsed and written again."""
        folder = ContentFolder({file.path: file})
        quiz = quiz_toml.parse(folder, file)
        return None if quiz is None else quiz_toml.render(quiz)


def _check_draws(folder: ContentFolder, file: ContentFile, quiz: QuizFile) -> None:
    banks: dict[str, Bank] = folder.shared.get("banks", {})
    blueprint = blueprint_of_terms(quiz.terms.blueprint)
    pool = pool_of(banks)
    live = {candidate.address for candidate in pool}
    fine = True
    for number, line in enumerate(blueprint):
        place = quiz_toml.draw_line(file.text, number)
        if line.bank and line.bank not in banks:
            if folder.has_errors(f"banks/{line.bank}."):
                folder.unchecked(file.path, 0, f"banks/{line.bank}")
            else:
                folder.error(
                    file.path,
                    place,
                    _("There is no question bank “%(slug)s”.", slug=line.bank),
                    _("Correct bank, or add banks/%(slug)s.en.md and .ja.md.", slug=line.bank),
                )
            fine = False
            continue
        for address in line.questions:
            bank = address.partition("/")[0]
            if bank not in banks and folder.has_errors(f"banks/{bank}."):
                folder.unchecked(file.path, 0, f"banks/{bank}")
                fine = False
            elif address not in live:
                folder.error(
                    file.path,
                    place,
                    _("There is no live question “%(address)s”.", address=address),
                    _("Write bank/id of a question whose state is live."),
                )
                fine = False
        available = rules.count_available(line, pool)
        if not line.questions and available < line.count:
            folder.error(
                file.path,
                place,
                _("The draw asks for %(count)s questions; %(there)s fit.", count=line.count, there=available),
                _("Ask for fewer, loosen its filters, or write more questions."),
            )
            fine = False
    if fine and rules.draw(blueprint, pool, seed="check") is None:
        folder.error(
            file.path,
            quiz_toml.draw_line(file.text, 0),
            _(
                "The draws together ask for more questions than there are: some fit several of them, "
                "and none comes twice."
            ),
            _("Ask for fewer, loosen the filters, or write more questions."),
        )
    if fine and quiz.terms.practice and not taking.open_for_practice(blueprint, pool):
        folder.warn(
            file.path,
            line_of(file.text, "practice"),
            _("Practice is offered, but no live question is open for it: learners see none."),
            _(
                "Give live questions of its banks, in both languages, the tag “practice”, and let no draw ask for that "
                "tag or name them; or leave practice out."
            ),
        )


def _warn_of_open(folder: ContentFolder, file: ContentFile, quiz: QuizFile) -> None:
    """Say that a quiz with sensitive questions is open to everybody, also on the first day."""
    banks: dict[str, Bank] = folder.shared.get("banks", {})
    blueprint = blueprint_of_terms(quiz.terms.blueprint)
    levels = [
        question.content.severity
        for slug in banks_of(blueprint)
        if slug in banks
        for question in banks[slug].questions
        if question.state == QuestionState.LIVE.value and is_drawn(blueprint, slug, question.id)
    ]
    level = max((each for each in levels if each and each >= LEAST_SENSITIVE), default=None)
    if level is not None and not quiz.terms.only_assigned:
        folder.warn(
            file.path,
            0,
            _("The quiz may draw questions up to sensitivity level %(level)s and is open to everybody.", level=level),
            _("Write only_assigned = true, so that it opens when a training plan comes to it."),
        )


def _warn_of_audiences(folder: ContentFolder, file: ContentFile, quiz: QuizFile) -> None:
    """Name the documents of a quiz that are for different people: only whoever may read them all can start it."""
    audiences: dict[str, dict[str, tuple[str, ...]]] = folder.shared.get("audiences", {})
    banks: dict[str, Bank] = folder.shared.get("banks", {})
    lines = blueprint_of_terms(quiz.terms.blueprint)
    cited = {
        name.partition("#")[0]
        for slug in banks_of(lines) & set(banks)
        for question in banks[slug].questions
        if question.state == QuestionState.LIVE and is_drawn(lines, slug, question.id)
        for name in question.content.clauses
    }
    known = {slug: audiences[slug] for slug in sorted(cited) if slug in audiences}
    if len({tuple(sorted(audience.items())) for audience in known.values()}) < 2:
        return
    told = "; ".join(
        f"{slug}: " + (", ".join(code for codes in audience.values() for code in codes) or _("everybody"))
        for slug, audience in known.items()
    )
    folder.warn(
        file.path,
        quiz_toml.draw_line(file.text, 0),
        _(
            "The questions of this quiz are about documents for different people (%(documents)s). Only those to whom "
            "all of them apply can start it.",
            documents=told,
        ),
        _("Leave it so if that is meant; else make a quiz for each of these groups."),
    )


def _take_owner(folder: ContentFolder, path: str, quiz: Quiz, file: QuizFile, by: Person) -> bool:
    """Make the stated person the owner; an unknown one is a warning and the importer takes the place."""
    if (quiz.stated_owner, quiz.stated_deputy) == (file.owner, file.deputy):
        return False
    owner = people.find_person_by_sign_in_name(file.owner)
    deputy = people.find_person_by_sign_in_name(file.deputy) if file.deputy else None
    for key, name, found in (("owner", file.owner, owner), ("deputy", file.deputy, deputy)):
        if name and (found is None or not found.is_active):
            folder.warn(
                path,
                line_of(folder.files[path].text, key),
                _("Nobody signs in as “%(name)s”.", name=name),
                _("The importer becomes owner; change the owner in the product or the file."),
            )
    chosen = owner if owner is not None and owner.is_active else by
    second = deputy if deputy is not None and deputy.is_active and deputy.id != chosen.id else None
    line = line_of(folder.files[path].text, "owner")
    set_owner_of_file(folder, path, line, kind=QUIZ, code=quiz.slug, owner=chosen, deputy=second, by=by)
    quiz.stated_owner, quiz.stated_deputy, quiz.stated_owner_became = file.owner, file.deputy, chosen.code
    return True


def _stated(quiz: Quiz) -> tuple[str, str]:
    """Return owner and deputy as a file states them: those of the file it came from while they still hold.

    Whom a file names and nobody knows here is written back; who was named here since stands in their place.
    """
    ownership = people.find_owner(QUIZ, quiz.slug)
    if ownership is None:
        return quiz.stated_owner, quiz.stated_deputy
    deputy = ownership.deputy.sign_in_name if ownership.deputy else ""
    if ownership.owner.code != quiz.stated_owner_became:
        return ownership.owner.sign_in_name, deputy
    named = people.find_person_by_sign_in_name(quiz.stated_deputy) if quiz.stated_deputy else None
    is_unknown = named is None or not named.is_active or named.id == ownership.owner_id
    return quiz.stated_owner, quiz.stated_deputy if not deputy and is_unknown else deputy

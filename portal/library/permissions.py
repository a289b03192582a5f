"""Who reads which documents."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Protocol

from portal.accounts.models import Person, Role, Scope
from portal.accounts.permissions import holds_everywhere, open_grants
from portal.core.access import AnyOf, Permission, Predicate, described
from portal.library.models import GROUPS, AudienceKind, Document, Draft
from portal.organisation import queries as organisation

READ_DOCUMENT = Permission("library.read_document", "read a document, its versions and its history")
FIND_DOCUMENT = Permission("library.find_document", "find a document in the library, the search and quizzes about it")
READ_EVERYTHING = Permission(
    "library.read_everything", "read every document, also those addressed to others, but none that is addressed by name"
)
READ_ALL_BY_NAME = Permission("library.read_all_by_name", "read every document that is addressed to others by name")
WRITE_DRAFTS = Permission("library.write_drafts", "write documents: begin drafts, change their texts, submit them")
SEE_DRAFT = Permission("library.see_draft", "see a draft, its remarks and how its approval stands")
SEE_IMPACT = Permission("library.see_impact", "see what rests on the clauses that a published version changed")
WRITE_DRAFT = Permission("library.write_draft", "change the texts of a draft and what is proposed about it")
REVIEW_DRAFT = Permission("library.review_draft", "send a draft back or approve it; never one's own")
APPROVE_DRAFTS = Permission("library.approve_drafts", "look at drafts that wait for an approval")
COMMENT_ON_DRAFT = Permission("library.comment_on_draft", "remark on the clauses of a draft, and settle remarks")
SEE_APPROVAL_STEPS = Permission("library.see_approval_steps", "see who approves a document, one after the other")
SET_APPROVAL_STEPS = Permission("library.set_approval_steps", "set who approves a document, one after the other")
SET_AUDIENCE = Permission("library.set_audience", "set the audience of a document at once, without a draft")
SEE_MARKET_TEXTS = Permission("library.see_market_texts", "see which markets have a text of their own of a document")
BEGIN_MARKET_TEXT = Permission("library.begin_market_text", "begin the text of a market over a document")
WITHDRAW_VERSION = Permission("library.withdraw_version", "withdraw a version of a document")
LIST_DRAFTS = Permission("library.list_drafts", "list the drafts that one may see")

# Those who write, approve or check documents read all of them.
EVERYTHING = (Role.AUTHOR, Role.POLICY_OWNER, Role.APPROVER, Role.AUDITOR, Role.ADMIN)
# Those who write and approve for one market read all that applies there.
FOR_MARKET = (Role.AUTHOR, Role.POLICY_OWNER, Role.APPROVER)
# Who writes, and who approves; an approver who has written in a draft is refused when she approves.
WRITERS = (Role.AUTHOR, Role.POLICY_OWNER)


def codes_of(person: Person) -> dict[AudienceKind, set[str]]:
    """Return by what a person can be in an audience: her markets, her team, her roles."""
    return {
        AudienceKind.MARKET: {person.home_market.code, *(market.code for market in person.further_markets)},
        AudienceKind.TEAM: {person.team.code} if person.team else set(),
        AudienceKind.ROLE: {grant.role.value for grant in open_grants(person, *Role)},
    }


def is_addressed(person: Person, document: Document) -> bool:
    """Say whether the document is addressed to the person: in each kind that it names, she has one of its codes."""
    if document.is_by_name:
        return person.code in document.audience(AudienceKind.PERSON)
    wanted = {kind: set(document.audience(kind)) for kind in GROUPS}
    if wanted[AudienceKind.MARKET] <= {person.home_market.code} and not any(
        wanted[kind] for kind in GROUPS if kind is not AudienceKind.MARKET
    ):
        # To everybody, or to her home market: her further markets need not be read.
        return True
    codes = codes_of(person)
    return all(not asked or bool(codes[kind] & asked) for kind, asked in wanted.items())


def applies_to(person: Person, document: Document) -> bool:
    """Say whether the document is addressed to the person and the one that a market of hers follows.

    Where the market has a text of its own, that one is followed; this one may be read.
    """
    apart = set(document.markets_apart)
    if not is_addressed(person, document):
        return False
    if not apart:
        return True
    mine, wanted = codes_of(person)[AudienceKind.MARKET], set(document.audience(AudienceKind.MARKET))
    return bool((mine & wanted if wanted else mine) - apart)


def in_audience(person: Person, thing: Any) -> bool:
    """Say whether the thing is a document that is addressed to the person."""
    return isinstance(thing, Document) and is_addressed(person, thing)


class ReadersBesides(Protocol):
    """Whoever makes documents that are addressed by name says who reads them besides; registered in `wiring.py`."""

    def reads(self, person: Person, document: Document) -> bool:
        """Say whether the person reads this document, which is addressed to others by name."""

    def documents_of(self, person: Person) -> Any | None:
        """Return the statement for the row numbers of the documents that she reads so, or None where there are none."""


_readers: list[ReadersBesides] = []


def register_readers(readers: ReadersBesides) -> None:
    """Let these read, too, what is addressed to others by name; registering twice changes nothing."""
    if readers not in _readers:
        _readers.append(readers)


def documents_read_besides(person: Person) -> list[Any]:
    """Return statements for the row numbers of documents by name that the person reads without being addressed."""
    return [found for each in _readers if (found := each.documents_of(person)) is not None]


def reads_by_name(person: Person, thing: Any) -> bool:
    """Say whether the thing is addressed by name, and whoever made it says that the person reads it, too."""
    return isinstance(thing, Document) and thing.is_by_name and any(each.reads(person, thing) for each in _readers)


def is_not_by_name(person: Person, thing: Any) -> bool:
    """Say whether the thing is no document that is addressed by name."""
    document = thing.document if isinstance(thing, Draft) else thing
    return not (isinstance(document, Document) and document.is_by_name)


def is_by_name(person: Person, thing: Any) -> bool:
    """Say whether the thing is a document that is addressed by name."""
    return not is_not_by_name(person, thing)


def may_find_its_base(person: Person, thing: Any) -> bool:
    """Say whether the thing is the text of a market, over a document that the person finds.

    People move between markets, and leads compare: what another market does otherwise may be read, not confirmed.
    """
    base = thing.base if isinstance(thing, Document) else None
    return base is not None and (in_audience(person, base) or works_for_its_market(person, base))


def markets_worked_for(person: Person) -> set[str]:
    """Return the markets for whose documents the person holds a role."""
    return {grant.scope_code for grant in open_grants(person, *FOR_MARKET) if grant.scope is Scope.MARKET}


def works_for_its_market(person: Person, thing: Any) -> bool:
    """Say whether the person is author, policy_owner or approver of a market in which the document applies."""
    markets = markets_worked_for(person)
    if not markets or not isinstance(thing, Document) or thing.is_by_name:
        return False
    wanted = set(thing.audience(AudienceKind.MARKET))
    if wanted and not markets & wanted:
        return False
    teams = set(thing.audience(AudienceKind.TEAM))
    return not teams or any(each.code in teams and each.market.code in markets for each in organisation.list_teams())


def markets_written_for(person: Person) -> set[str]:
    """Return the markets for whose documents the person writes or approves."""
    return {grant.scope_code for grant in open_grants(person, *WRITERS, Role.APPROVER) if grant.scope is Scope.MARKET}


def writes_for_a_market_of_it(person: Person, thing: Any) -> bool:
    """Say whether the person writes documents of a market to which the document is addressed."""
    if is_by_name(person, thing):
        return False
    wanted = set(thing.audience(AudienceKind.MARKET)) if isinstance(thing, Document) else set()
    return any(writes_for(person, code) for code in wanted) if wanted else bool(_markets_written(person))


def writes_for(person: Person, market: str) -> bool:
    """Say whether the person writes the text of a market, of whatever document."""
    return holds_everywhere(*WRITERS)(person, None) or market in _markets_written(person)


def may_address(person: Person, markets: Collection[str]) -> bool:
    """Say whether the person writes documents that are addressed to these markets; to none means to all."""
    return holds_everywhere(*WRITERS)(person, None) or (bool(markets) and set(markets) <= _markets_written(person))


def _markets_written(person: Person) -> set[str]:
    return {grant.scope_code for grant in open_grants(person, *WRITERS) if grant.scope is Scope.MARKET}


def sees_every_draft(person: Person) -> bool:
    """Say whether the person sees the drafts of the whole organisation."""
    return holds_everywhere(*WRITERS, Role.APPROVER, Role.AUDITOR, Role.ADMIN)(person, None)


def _works_on(*roles: Role) -> Predicate:
    """Build the predicate: holds one of the roles for the organisation, or for all markets of the document or draft."""

    def works(person: Person, thing: Any) -> bool:
        if is_by_name(person, thing):
            # Whoever made it changes it.
            return False
        if holds_everywhere(*roles)(person, thing):
            return True
        markets = {grant.scope_code for grant in open_grants(person, *roles) if grant.scope is Scope.MARKET}
        document = thing.document if isinstance(thing, Draft) else thing
        wanted = set(document.audience(AudienceKind.MARKET)) if isinstance(document, Document) else set()
        # What is addressed to several markets, or to all, is not for one of them to write.
        return bool(wanted) and wanted <= markets

    return described(
        f"is {' or '.join(role.value for role in roles)} of the organisation or of its markets; not by name", works
    )


def _holds_any(*roles: Role) -> Predicate:
    return described(
        f"is {' or '.join(role.value for role in roles)} of the organisation or of a market",
        lambda person, thing: any(
            grant.scope in (Scope.ORGANISATION, Scope.MARKET) for grant in open_grants(person, *roles)
        ),
    )


TABLE: dict[Permission, AnyOf] = {
    WRITE_DRAFTS: [[_holds_any(*WRITERS)]],
    APPROVE_DRAFTS: [[_holds_any(Role.APPROVER)]],
    LIST_DRAFTS: [[_holds_any(*WRITERS, Role.APPROVER)], [holds_everywhere(Role.AUDITOR, Role.ADMIN)]],
    SEE_DRAFT: [[_works_on(*WRITERS, Role.APPROVER)], [holds_everywhere(Role.AUDITOR, Role.ADMIN)]],
    SEE_IMPACT: [[_works_on(*WRITERS, Role.APPROVER)], [is_not_by_name, holds_everywhere(Role.AUDITOR, Role.ADMIN)]],
    WRITE_DRAFT: [[_works_on(*WRITERS)]],
    REVIEW_DRAFT: [[_works_on(Role.APPROVER)]],
    COMMENT_ON_DRAFT: [[_works_on(*WRITERS, Role.APPROVER)]],
    SEE_APPROVAL_STEPS: [
        [_works_on(*WRITERS, Role.APPROVER)],
        [is_not_by_name, holds_everywhere(Role.AUDITOR, Role.ADMIN)],
    ],
    SET_APPROVAL_STEPS: [[_works_on(Role.POLICY_OWNER)]],
    # Everybody else proposes it with a draft, and an approver confirms it.
    SET_AUDIENCE: [[is_not_by_name, holds_everywhere(Role.ADMIN)]],
    SEE_MARKET_TEXTS: [[is_not_by_name, holds_everywhere(*EVERYTHING)], [works_for_its_market]],
    BEGIN_MARKET_TEXT: [
        [is_not_by_name, holds_everywhere(*WRITERS)],
        [writes_for_a_market_of_it, works_for_its_market],
    ],
    WITHDRAW_VERSION: [[_works_on(Role.POLICY_OWNER, Role.APPROVER)]],
    FIND_DOCUMENT: [
        [in_audience],
        [is_not_by_name, holds_everywhere(*EVERYTHING)],
        [works_for_its_market],
        [reads_by_name],
        [holds_everywhere(Role.AUDITOR)],
    ],
    READ_DOCUMENT: [
        [in_audience],
        [is_not_by_name, holds_everywhere(*EVERYTHING)],
        [works_for_its_market],
        [may_find_its_base],
        [reads_by_name],
        [holds_everywhere(Role.AUDITOR)],
    ],
    READ_ALL_BY_NAME: [[holds_everywhere(Role.AUDITOR)]],
    READ_EVERYTHING: [[holds_everywhere(*EVERYTHING)]],
}

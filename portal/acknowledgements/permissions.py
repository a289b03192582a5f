"""Who confirms documents, who sees how far everybody is, and who answers questions about a clause."""

from __future__ import annotations

from typing import Any

from portal.accounts import queries as accounts
from portal.accounts.models import Person, Role, Scope
from portal.accounts.permissions import holds, holds_everywhere, holds_for, open_grants, scopes_of_person
from portal.acknowledgements.models import AcknowledgementRequest, Campaign, ClauseQuestion
from portal.cohorts.permissions import Reach, reach_of
from portal.core.access import AnyOf, Permission
from portal.library.models import AudienceKind, Document
from portal.library.permissions import in_audience, is_addressed, works_for_its_market

ACKNOWLEDGE = Permission("acknowledgements.acknowledge", "confirm a document that is addressed to oneself")
SEE_CAMPAIGNS = Permission("acknowledgements.see_campaigns", "see the list of what people are asked to confirm")
SEE_CAMPAIGN = Permission(
    "acknowledgements.see_campaign", "see how far those within one's reach are with what they are asked to confirm"
)
CLOSE_CAMPAIGN = Permission("acknowledgements.close_campaign", "end a campaign before its time")
SEE_REQUEST = Permission("acknowledgements.see_request", "see what a person is asked to confirm")
EXEMPT = Permission("acknowledgements.exempt", "let a person off what she is asked to confirm; never oneself")
END_EXEMPTION = Permission("acknowledgements.end_exemption", "take back that a person was let off; never oneself")
SEE_QUESTIONS = Permission("acknowledgements.see_questions", "find the questions about clauses in the navigation")
SEE_QUESTION = Permission("acknowledgements.see_question", "see a question about a clause and its answer")
ANSWER_QUESTION = Permission("acknowledgements.answer_question", "answer a question about a clause")
SEE_DECLINED = Permission(
    "acknowledgements.see_declined",
    "see who declines the statement of what the work can bring, and set material aside for people; nobody else does",
)

# Those who write documents and answer for them.
WRITERS = (Role.AUTHOR, Role.POLICY_OWNER)
# Those who see people within the reach of their role; the others see everybody.
REACHING = (Role.LEAD, *WRITERS, Role.APPROVER)


def reach_over_people(person: Person) -> Reach:
    """Return of whom the person sees what they are asked to confirm."""
    return reach_of(person, *REACHING, everywhere=(Role.AUDITOR, Role.ADMIN))


def document_of(thing: Any) -> Document | None:
    """Return the document that a campaign, a request or a question is about, or the document itself."""
    if isinstance(thing, AcknowledgementRequest):
        return thing.campaign.version.document
    if isinstance(thing, Campaign | ClauseQuestion):
        return thing.version.document
    return thing if isinstance(thing, Document) else None


def writes_the_document(person: Person, thing: Any) -> bool:
    """Say whether the person is author or policy_owner of the organisation, or of every market of the document."""
    grants = open_grants(person, *WRITERS)
    if any(grant.scope is Scope.ORGANISATION for grant in grants):
        return True
    document = document_of(thing)
    markets = {grant.scope_code for grant in grants if grant.scope is Scope.MARKET}
    wanted = set(document.audience(AudienceKind.MARKET)) if document is not None else set()
    return bool(wanted) and wanted <= markets


def owns_the_document(person: Person, thing: Any) -> bool:
    """Say whether the person is owner or deputy of the document."""
    document = document_of(thing)
    owned = accounts.find_owner("document", document.slug) if document is not None else None
    return owned is not None and person.id in (owned.owner_id, owned.deputy_id)


def applies_within_reach(person: Person, thing: Any) -> bool:
    """Say whether the document is addressed to the person, or applies in a market that she works for."""
    document = document_of(thing)
    return document is not None and (is_addressed(person, document) or works_for_its_market(person, document))


def is_somebody_else(person: Person, thing: Any) -> bool:
    """Say whether it is asked of another person."""
    return isinstance(thing, AcknowledgementRequest) and thing.person_id != person.id


def is_asker(person: Person, thing: Any) -> bool:
    """Say whether the person herself has asked the question."""
    return isinstance(thing, ClauseQuestion) and thing.person_id == person.id


def scopes_of_request(thing: AcknowledgementRequest) -> dict[Scope, set[str]]:
    """Return market and team of the person who is asked."""
    return scopes_of_person(thing.person)


def scopes_of_asker(thing: ClauseQuestion) -> dict[Scope, set[str]]:
    """Return market and team of the person who asks."""
    return scopes_of_person(thing.person)


TABLE: dict[Permission, AnyOf] = {
    ACKNOWLEDGE: [[in_audience]],
    SEE_CAMPAIGNS: [[holds(*REACHING)], [holds_everywhere(Role.AUDITOR, Role.ADMIN)]],
    SEE_CAMPAIGN: [
        [holds(Role.LEAD), applies_within_reach],
        [holds(*WRITERS, Role.APPROVER), applies_within_reach],
        [holds_everywhere(*WRITERS, Role.APPROVER, Role.AUDITOR, Role.ADMIN)],
    ],
    CLOSE_CAMPAIGN: [[writes_the_document]],
    SEE_REQUEST: [
        [holds_for(Role.LEAD, scopes=scopes_of_request)],
        [writes_the_document],
        [holds_everywhere(Role.APPROVER, Role.AUDITOR, Role.ADMIN)],
    ],
    EXEMPT: [
        [is_somebody_else, holds_for(Role.LEAD, scopes=scopes_of_request)],
        [is_somebody_else, writes_the_document],
    ],
    END_EXEMPTION: [
        [is_somebody_else, holds_for(Role.LEAD, scopes=scopes_of_request)],
        [is_somebody_else, writes_the_document],
        [is_somebody_else, holds_everywhere(Role.ADMIN)],
    ],
    SEE_QUESTION: [
        [is_asker],
        [holds_for(Role.LEAD, scopes=scopes_of_asker)],
        [writes_the_document],
        [holds_everywhere(Role.APPROVER, Role.AUDITOR, Role.ADMIN)],
        [owns_the_document],
    ],
    SEE_QUESTIONS: [[holds(*WRITERS)]],
    ANSWER_QUESTION: [[owns_the_document], [writes_the_document]],
    SEE_DECLINED: [[holds_everywhere(Role.WELLBEING_CONTACT)]],
}

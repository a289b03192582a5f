"""Changing what a credential says: always a new version, which holds for what is issued from then on."""

from __future__ import annotations

from dataclasses import dataclass, replace

from portal.accounts.models import Person
from portal.certificates import queries, rules, service
from portal.certificates.errors import (
    MarkupInTerms,
    NeverExpires,
    NotARefresher,
    SupersedesItself,
    TermsMoved,
    TermsUnchanged,
    UnknownPlaceholder,
    WindowTooLong,
)
from portal.certificates.models import Credential, CredentialVersion
from portal.certificates.queries import terms
from portal.certificates.rules import renewals
from portal.certificates.rules.templates import markup_in
from portal.certificates.service import CredentialSpec
from portal.core.i18n import LANGUAGES, Words
from portal.journal.service import record


@dataclass(frozen=True, slots=True)
class Wanted:
    """The terms that somebody wants; what does not apply is None."""

    title: Words
    statement: Words
    validity_months: int | None
    renewal_window_days: int | None = None
    grace_days: int | None = None
    renewal_plan_slug: str | None = None
    superseded_by_slug: str | None = None


def change_terms(*, credential: Credential, wanted: Wanted, seen: str, by: Person) -> CredentialVersion:
    """Publish a version with other terms; what it looks like stays. `seen` is the number of the version read.

    Certificates keep the terms under which they were issued. Raises `TermsMoved`, `TermsUnchanged`, `NeverExpires`,
    `WindowTooLong`, `NotARefresher`, `SupersedesItself`, `UnknownPlaceholder`, `MarkupInTerms`.
    """
    present = queries.find_latest_version(credential)
    if present is None or present.number != seen:
        raise TermsMoved()
    _check(credential, wanted)
    spec = replace(
        service.spec_of(present),
        title=wanted.title,
        statement=wanted.statement,
        validity_months=wanted.validity_months,
        renewal_window_days=wanted.renewal_window_days,
        grace_days=wanted.grace_days,
        renewal_plan_slug=wanted.renewal_plan_slug,
        superseded_by_slug=wanted.superseded_by_slug,
    )
    if spec.hash() == present.hash:
        raise TermsUnchanged()
    version = service.publish_version(slug=credential.slug, number=next_number(present.number), spec=spec, by=by)
    assert version is not None
    record(
        "certificates.terms_changed",
        by=by,
        subject=("credential", credential.slug),
        before=_said(service.spec_of(present)),
        after=_said(spec),
    )
    return version


def _said(spec: CredentialSpec) -> dict[str, object]:
    return {
        "validity_months": spec.validity_months,
        "renewal_window_days": spec.renewal_window_days,
        "grace_days": spec.grace_days,
        "renewal_plan": spec.renewal_plan_slug,
        "superseded_by": spec.superseded_by_slug,
    }


def _check(credential: Credential, wanted: Wanted) -> None:
    for place in ("title", "statement"):
        for language in LANGUAGES:
            found = markup_in(getattr(wanted, place).in_(language))
            if found:
                raise MarkupInTerms(found=found, place=f"{place}_{language}")
    for text in (wanted.statement.en, wanted.statement.ja):
        unknown = rules.unknown_placeholders(text)
        if unknown:
            shown = unknown[0] if unknown[0] in ("{", "}") else f"{{{unknown[0]}}}"
            raise UnknownPlaceholder(name=shown, names=", ".join(f"{{{name}}}" for name in rules.PLACEHOLDERS))
    window, grace = wanted.renewal_window_days, wanted.grace_days
    if wanted.validity_months is None:
        if window is not None or grace is not None:
            raise NeverExpires()
    elif window is not None and not renewals.window_fits(wanted.validity_months, window):
        raise WindowTooLong()
    if wanted.renewal_plan_slug is not None and wanted.renewal_plan_slug not in {
        each.plan.slug for each in terms.list_plans_to(credential.slug)
    }:
        raise NotARefresher()
    if wanted.superseded_by_slug is not None:
        instead = {each.credential.slug: each.superseded_by_slug or "" for each in queries.list_latest_versions()}
        other = wanted.superseded_by_slug
        # One that is not issued itself leads nobody on.
        if instead.get(other) != "" or renewals.leads_back(credential.slug, other, instead):
            raise SupersedesItself()


def next_number(number: str) -> str:
    """Return the number of the version that follows: 1.4 after 1.3."""
    head, _dot, last = number.rpartition(".")
    return f"{head}.{int(last) + 1}"

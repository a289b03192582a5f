"""What concerns somebody today because of her roles: cohorts, unfinished business, what she answers for."""

from __future__ import annotations

from collections.abc import Sequence

from flask import url_for

from portal.accounts import queries as accounts
from portal.accounts.models import Person, Role
from portal.accounts.permissions import ADMINISTER_PEOPLE, open_grants
from portal.accounts.queries import PeopleFilter
from portal.accounts.queries import Standing as AccountStanding
from portal.accounts.service.ownership import list_belongings
from portal.certificates import queries as certificates
from portal.cohorts import queries as cohorts
from portal.cohorts.permissions import SEE_COHORTS, reach_over_cohorts
from portal.core import jobs
from portal.core.access import allows
from portal.core.i18n import format_instant, language, ngettext
from portal.core.i18n import gettext as _
from portal.core.jobs import JobState
from portal.journal.permissions import READ_JOURNAL
from portal.library.models import ReviewAct
from portal.library.permissions import APPROVE_DRAFTS
from portal.library.queries.drafts import list_returned_drafts, submissions_of, title_of_draft
from portal.library.service.reviews import list_waiting_for
from portal.organisation.permissions import SEE_JOBS
from portal.quizzes import queries as quizzes
from portal.quizzes.models import QuestionState
from portal.quizzes.permissions import RELEASE_RESULTS, SEE_BANKS
from portal.reports.queries import HeadCount, count_heads, list_announced
from portal.training.service.concerns import Cell, Concern

# Today names what needs it first; each list has a page of its own.
NAMED_TODAY = 5
# The beginning of a reason; the draft shows all of it.
REASON_SHOWN = 200
_BEYOND_LEARNING = tuple(role for role in Role if role is not Role.LEARNER)


def by_role(person: Person) -> Sequence[Concern]:
    """Return what the person's roles make her concern, nothing for somebody without any."""
    if not open_grants(person, *_BEYOND_LEARNING):
        return ()
    told: list[Concern] = []
    if open_grants(person, Role.LEAD, Role.AUDITOR) and allows(person, SEE_COHORTS):
        told.append(_cohorts(person))
    if allows(person, ADMINISTER_PEOPLE):
        told.append(_unfinished(person))
    if allows(person, SEE_BANKS) and open_grants(person, Role.AUTHOR, Role.APPROVER):
        told.append(_questions(person))
    if open_grants(person, Role.AUTHOR):
        told.append(_returned(person))
    if allows(person, APPROVE_DRAFTS):
        told.append(_drafts(person))
    if open_grants(person, Role.AUTHOR, Role.APPROVER, Role.POLICY_OWNER):
        told.append(_announced(person))
    told.append(_owned(person))
    if open_grants(person, Role.WELLBEING_CONTACT, Role.AUDITOR):
        told.append(_pages(person))
    return told


def _cohorts(person: Person) -> Concern:
    found = cohorts.list_cohorts(reach_over_cohorts(person))
    heads = count_heads([cohort.id for cohort in found])
    nobody = HeadCount(0, 0, 0)
    # Sorting is stable, and the cohorts come by their start, the latest first.
    found.sort(key=lambda cohort: -heads.get(cohort.id, nobody).overdue)
    rows = []
    for cohort in found[:NAMED_TODAY]:
        head = heads.get(cohort.id, nobody)
        late = ngettext("%(num)d person overdue", "%(num)d people overdue", head.overdue)
        rows.append(
            (
                Cell(str(cohort.name), url_for("reports.cohort", code=cohort.code), str(cohort.market.name)),
                Cell(late, state="overdue") if head.overdue else Cell("–"),
                Cell(f"{head.complete} / {head.following}"),
            )
        )
    return Concern(
        title=_("Cohorts"),
        columns=(_("Cohort"), _("Overdue"), _("Completed")),
        rows=rows,
        nothing=_("Cohorts of the teams and markets that this account leads appear here."),
        note=_(
            "People with at least one overdue required step, and people who have completed the plan, of those in it."
        ),
        kinds=("text", "text", "number"),
        more=(ngettext("All %(num)d cohorts", "All %(num)d cohorts", len(found)), url_for("reports.list_cohorts"))
        if found
        else None,
    )


def _unfinished(person: Person) -> Concern:
    rows: list[tuple[Cell, Cell]] = []

    def add(label: str, href: str, count: int, state: str) -> None:
        if count:
            rows.append((Cell(label, href), Cell(str(count), state=state)))

    if allows(person, SEE_JOBS):
        failed = jobs.count_by_state().get(JobState.FAILED, 0)
        add(_("Jobs that failed"), url_for("organisation.list_jobs", state=JobState.FAILED.value), failed, "failed_job")
    add(
        _("People who have not accepted their invitation"),
        url_for("accounts.list_people", standing=AccountStanding.INVITED.value),
        accounts.count_people(PeopleFilter(standing=AccountStanding.INVITED)),
        "invited",
    )
    for certificate, asked_by in certificates.list_asked_to_revoke():
        said = _("Revocation asked for: certificate %(number)s", number=certificate.number)
        href = url_for("certificates.show", number=certificate.number)
        rows.append((Cell(said, href, asked_by.name_in(language())), Cell(state="waiting")))
    return Concern(
        title=_("Needs attention"),
        columns=(_("Matter"), _("Count")),
        rows=rows,
        nothing=_("No job has failed, every invitation is accepted, and no revocation waits for a second person."),
    )


def _questions(person: Person) -> Concern:
    rows: list[tuple[Cell, Cell]] = []
    waiting = quizzes.count_unreleased()
    titles = quizzes.quiz_titles(waiting)
    for quiz_id, number in sorted(waiting.items()):
        version = titles[quiz_id]
        href = url_for("quizzes.release", slug=version.quiz.slug) if allows(person, RELEASE_RESULTS, version) else None
        said = ngettext("%(num)d result waits for its release", "%(num)d results wait for their release", number)
        rows.append((Cell(str(version.title), href), Cell(said, state="not_released")))
    counts = quizzes.count_questions()
    for bank in quizzes.list_banks():
        stale = counts.get(bank.id, {}).get(QuestionState.STALE, 0)
        if stale:
            said = ngettext("%(num)d question to re-check", "%(num)d questions to re-check", stale)
            rows.append(
                (Cell(str(bank.title), url_for("quizzes.stale_of_bank", slug=bank.slug)), Cell(said, state="warning"))
            )
        drafts = counts.get(bank.id, {}).get(QuestionState.DRAFT, 0)
        if drafts:
            said = ngettext("%(num)d question in draft", "%(num)d questions in draft", drafts)
            rows.append((Cell(str(bank.title), url_for("quizzes.bank", slug=bank.slug)), Cell(said, state="draft")))
    return Concern(
        title=_("Questions and results"),
        columns=(_("Quiz or question bank"), _("State")),
        rows=rows,
        nothing=_("No question is in draft or waits for a re-check, and no result waits for its release."),
        more=(_("All question banks"), url_for("quizzes.banks")),
    )


def _drafts(person: Person) -> Concern:
    waiting = list_waiting_for(person)
    rows = [
        (
            Cell(
                title_of_draft(draft, language()),
                url_for("library.draft", code=draft.code),
                _("Version %(number)s", number=draft.number),
            ),
            Cell(format_instant(submissions_of(draft)[-1].at, person.time_zone), state="waiting"),
        )
        for draft in waiting[:NAMED_TODAY]
    ]
    return Concern(
        title=_("Drafts that wait for approval"),
        columns=(_("Document"), _("Submitted")),
        rows=rows,
        nothing=_("No draft waits for an approval of this account."),
        note=ngettext("%(num)d draft in all", "%(num)d drafts in all", len(waiting))
        if len(waiting) > NAMED_TODAY
        else "",
    )


def _returned(person: Person) -> Concern:
    returned = list_returned_drafts(person)
    rows = []
    for draft in returned[:NAMED_TODAY]:
        last = draft.reviews[-1]
        is_quoted = last.act is ReviewAct.SENT_BACK
        if is_quoted:
            said = last.reason
        elif last.reason:
            said = _("Version %(number)s of the base text was published first", number=last.reason)
        else:
            said = _("Another version was published first.")
        rows.append(
            (
                Cell(
                    title_of_draft(draft, language()),
                    url_for("library.edit_draft", code=draft.code),
                    _("Version %(number)s", number=draft.number),
                ),
                Cell(said if len(said) <= REASON_SHOWN else f"{said[: REASON_SHOWN - 1]}…", is_quoted=is_quoted),
            )
        )
    return Concern(
        title=_("Drafts that came back"),
        columns=(_("Document"), _("Why it came back")),
        rows=rows,
        nothing="",
        more=(ngettext("All %(num)d drafts", "All %(num)d drafts", len(returned)), url_for("library.drafts"))
        if len(returned) > NAMED_TODAY
        else None,
    )


def _announced(person: Person) -> Concern:
    rows = [
        (
            Cell(
                each.title,
                url_for("library.read_version", slug=each.slug, number=each.number),
                _("Version %(number)s", number=each.number),
            ),
            Cell(format_instant(each.effective_at, person.time_zone), state="issued"),
        )
        for each in list_announced(language())[:NAMED_TODAY]
    ]
    return Concern(
        title=_("Announced versions"),
        columns=(_("Document"), _("In force from")),
        rows=rows,
        nothing=_("No version of a document is announced: everything published is in force."),
        more=(_("All documents"), url_for("library.index")),
    )


def _owned(person: Person) -> Concern:
    rows = []
    for row in list_belongings(person):
        thing = row.thing
        if thing.is_live:
            may_open = thing.needs is None or allows(person, thing.needs)
            rows.append((Cell(thing.title, thing.href if may_open else None), Cell(str(row.kind_name))))
    return Concern(
        title=_("What this account answers for"),
        columns=(_("Name of the thing"), _("Kind")),
        rows=rows,
    )


def _pages(person: Person) -> Concern:
    rows: list[tuple[Cell, Cell]] = []
    if open_grants(person, Role.WELLBEING_CONTACT):
        shows = Cell(_("The page that everybody reaches from the top of every page, as others see it"))
        rows.append((Cell(_("Wellbeing"), url_for("organisation.wellbeing")), shows))
    if allows(person, READ_JOURNAL):
        shows = Cell(_("Who did what and when; entries are added, never changed"))
        rows.append((Cell(_("Journal"), url_for("journal.list_entries")), shows))
    return Concern(title=_("Pages for this role"), columns=(_("Page"), _("What it shows")), rows=rows)

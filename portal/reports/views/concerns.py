"""What concerns somebody today because of her roles: cohorts, unfinished business, what she answers for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from flask import url_for

from portal.accounts import queries as accounts
from portal.accounts.models import Person, Role
from portal.accounts.permissions import ADMINISTER_PEOPLE, is_more_than_learner, open_grants, reach_over_names
from portal.accounts.queries import PeopleFilter
from portal.accounts.queries import Standing as AccountStanding
from portal.accounts.service.ownership import list_belongings
from portal.certificates import queries as certificates
from portal.certificates.permissions import reach_over_holders
from portal.certificates.queries import batches, reissues
from portal.certificates.rules import characters_named, spelled
from portal.certificates.service.outlook import list_not_issued
from portal.cohorts import queries as cohorts
from portal.cohorts.permissions import SEE_COHORTS, reach_over_cohorts
from portal.core import jobs
from portal.core.access import allows
from portal.core.i18n import format_instant, language, ngettext, pgettext
from portal.core.i18n import gettext as _
from portal.core.jobs import JobState
from portal.gradebook.queries import table
from portal.gradebook.rules import Wish
from portal.journal.permissions import READ_JOURNAL
from portal.library.models import ReviewAct
from portal.library.permissions import APPROVE_DRAFTS
from portal.library.queries.drafts import list_returned_drafts, submissions_of, title_of_draft
from portal.library.service.reviews import list_waiting_for
from portal.organisation.permissions import SEE_JOBS
from portal.quizzes import queries as quizzes
from portal.quizzes.models import QuestionState
from portal.quizzes.permissions import RELEASE_RESULTS, SEE_BANKS, WRITE_QUESTIONS
from portal.quizzes.queries import appeals, flags, marking, regrades
from portal.quizzes.service import depth, review, supervision
from portal.reports.permissions import SEE_AT_RISK_RULE
from portal.reports.queries import HeadCount, count_heads, list_announced
from portal.training.permissions import REVIEW_PLANS, WRITE_PLANS
from portal.training.queries import plan_drafts
from portal.training.service.concerns import Cell, Concern

# Today names what needs it first; each list has a page of its own.
NAMED_TODAY = 5
# The beginning of a reason; the draft shows all of it.
REASON_SHOWN = 200


def by_role(person: Person) -> Sequence[Concern]:
    """Return what the person's roles make her concern, nothing for somebody without any."""
    if not is_more_than_learner(person):
        return ()
    told: list[Concern] = []
    if open_grants(person, Role.LEAD, Role.AUDITOR) and allows(person, SEE_COHORTS):
        told.append(_cohorts(person))
    if open_grants(person, Role.LEAD, Role.ADMIN):
        told.append(_attempts(person))
        told += _decisions(person)
    if allows(person, ADMINISTER_PEOPLE):
        told.append(_unfinished(person))
    elif open_grants(person, Role.LEAD):
        told += _names(person)
    if allows(person, SEE_BANKS) and open_grants(person, Role.AUTHOR, Role.APPROVER):
        told.append(_questions(person))
    if open_grants(person, Role.AUTHOR):
        told.append(_returned(person))
        told.append(_questions_returned(person))
    if allows(person, APPROVE_DRAFTS):
        told.append(_drafts(person))
    if open_grants(person, Role.LEAD, Role.ADMIN):
        told += _unprinted(person)
        told += _not_issued(person)
    told += _plans(person)
    if open_grants(person, Role.AUTHOR, Role.APPROVER, Role.POLICY_OWNER):
        told.append(_announced(person))
    told.append(_owned(person))
    if open_grants(person, Role.WELLBEING_CONTACT, Role.AUDITOR, Role.POLICY_OWNER):
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
                Cell(
                    f"{head.complete} / {head.following}",
                    sub=ngettext(
                        "%(num)d person not counted: dates cannot be computed",
                        "%(num)d people not counted: dates cannot be computed",
                        head.uncountable,
                    )
                    if head.uncountable
                    else "",
                ),
            )
        )
    return Concern(
        title=_("Cohorts"),
        columns=(_("Cohort"), _("Overdue"), _("Completed")),
        rows=rows,
        nothing=_("Cohorts of the teams and markets that this account leads appear here."),
        note=_(
            "People with at least one overdue required step, and people who have completed every plan that they follow "
            "with the cohort, of those in it."
        ),
        kinds=("text", "text", "number"),
        more=(ngettext("All %(num)d cohort", "All %(num)d cohorts", len(found)), url_for("reports.list_cohorts"))
        if found
        else None,
        comes_first=any(head.overdue for head in heads.values()),
    )


def _attempts(person: Person) -> Concern:
    asked = supervision.list_open_voids(person)
    rows = [
        (
            Cell(
                each.attempt.person.name_in(language()),
                url_for("quizzes.supervision", code=each.attempt.code, _anchor="asked"),
                str(each.attempt.quiz_version.title),
            ),
            Cell(_("Waits for a second person"), state="waiting", sub=_("Somebody asks that it be made void.")),
        )
        for each in asked[:NAMED_TODAY]
    ]
    found = supervision.list_late(person)
    for each in found[:NAMED_TODAY]:
        said = ngettext(
            "Answers to %(num)d question came too late", "Answers to %(num)d questions came too late", each.questions
        )
        rows.append(
            (
                Cell(
                    each.attempt.person.name_in(language()),
                    url_for("quizzes.supervision", code=each.attempt.code, _anchor="late"),
                    str(each.attempt.quiz_version.title),
                ),
                Cell(said, state="waiting", sub=_("They can be accepted or declined until the release.")),
            )
        )
    return Concern(
        title=_("Attempts to look at"),
        columns=(_("Person"), _("State")),
        rows=rows,
        note=ngettext("%(num)d attempt in all", "%(num)d attempts in all", len(asked) + len(found))
        if len(asked) + len(found) > len(rows)
        else "",
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
    add(
        _("Changed names that nobody has confirmed"),
        url_for("accounts.list_name_changes"),
        accounts.count_open_name_changes(reach_over_names(person), person),
        "waiting",
    )
    for certificate, asked_by in certificates.list_asked_to_revoke():
        said = _("Revocation asked for: certificate %(number)s", number=certificate.number)
        href = url_for("certificates.show", number=certificate.number)
        rows.append((Cell(said, href, asked_by.name_in(language())), Cell(state="waiting")))
    for batch in batches.list_to_confirm():
        said = _("Revocations asked for: %(cohort)s", cohort=batch.cohort.name)
        href = url_for("certificates.batch", code=batch.code)
        rows.append((Cell(said, href, batch.requested_by.name_in(language())), Cell(state="waiting")))
    for certificate, holder in reissues.list_open():
        said = _("New name asked for: certificate %(number)s", number=certificate.number)
        href = url_for("certificates.show", number=certificate.number, _anchor="standing")
        rows.append((Cell(said, href, holder.name_in(language())), Cell(state="waiting")))
    return Concern(
        title=_("Needs attention"),
        columns=(_("Matter"), _("Count")),
        rows=rows,
        nothing=_("No job has failed, every invitation is accepted, and no revocation waits for a second person."),
    )


def _unprinted(person: Person) -> list[Concern]:
    """Return the certificates that could not be printed, with what stands in the way; nothing where none is."""
    found = certificates.list_unprinted(reach_over_holders(person))
    if not found:
        return []
    rows = []
    for certificate, job in found[:NAMED_TODAY]:
        missing = characters_named(job.last_error or "")
        why = (
            _("No font has %(characters)s", characters=_(", ").join(spelled(each) for each in missing))
            if missing
            else _("The file could not be drawn")
        )
        href = url_for("certificates.show", number=certificate.number, _anchor="files")
        said = Cell(certificate.number, href, certificate.person.name_in(language()))
        rows.append((said, Cell(pgettext("certificate", "No PDF"), None, why, state="failed_job")))
    return [
        Concern(
            title=ngettext(
                "%(num)d certificate could not be printed", "%(num)d certificates could not be printed", len(found)
            ),
            columns=(_("Certificate"), _("State")),
            rows=rows,
            more=(_("Jobs that failed"), url_for("organisation.list_jobs", state=JobState.FAILED.value))
            if len(found) > len(rows) and allows(person, SEE_JOBS)
            else None,
        )
    ]


def _names(person: Person) -> list[Concern]:
    """Return the names that a lead's people have changed themselves; nothing where none waits."""
    reach = reach_over_names(person)
    count = accounts.count_open_name_changes(reach, person) if reach else 0
    if not count:
        return []
    label = _("Changed names that nobody has confirmed")
    return [
        Concern(
            title=_("Changed names"),
            columns=(_("Matter"), _("Count")),
            rows=[(Cell(label, url_for("accounts.list_name_changes")), Cell(str(count), state="waiting"))],
        )
    ]


def _not_issued(person: Person) -> list[Concern]:
    """Return what was completed lately and earned no certificate, with the reason; nothing where there is none."""
    found = list_not_issued(reach_over_holders(person))
    if not found:
        return []
    return [
        Concern(
            title=_("Completed, and no certificate issued"),
            columns=(_("Person"), _("Reason")),
            rows=[
                (
                    Cell(
                        each.enrollment.person.name_in(language()),
                        url_for("training.path", code=each.enrollment.code),
                        str(each.enrollment.version.title),
                    ),
                    Cell(each.reason),
                )
                for each in found[:NAMED_TODAY]
            ],
            note=ngettext("%(num)d completion in all", "%(num)d completions in all", len(found))
            if len(found) > NAMED_TODAY
            else "",
        )
    ]


def _decisions(person: Person) -> list[Concern]:
    """Return the results of others that wait for this person's word; nothing where none does."""
    waiting = table.list_to_confirm(person)
    if not waiting:
        return []
    words = {
        Wish.OVERRIDE: _("Score set by hand"),
        Wish.EXEMPTION: _("Exemption"),
        Wish.WITHDRAWAL: _("Withdrawal of a decision"),
    }
    return [
        Concern(
            title=_("Results that wait for a second person"),
            columns=(_("Person"), _("Decision")),
            rows=[
                (
                    Cell(
                        each.person.name_in(language()),
                        url_for("gradebook.result", slug=each.quiz.slug, code=each.person.code),
                        str(each.quiz_version.title),
                    ),
                    Cell(
                        words[each.wish],
                        None,
                        _("Requested by %(name)s", name=each.asked_by.name_in(language())),
                        state="waiting",
                    ),
                )
                for each in waiting[:NAMED_TODAY]
            ],
            more=(_("Gradebook"), url_for("gradebook.table")),
            note=ngettext("%(num)d request in all", "%(num)d requests in all", len(waiting))
            if len(waiting) > NAMED_TODAY
            else "",
        )
    ]


def _questions(person: Person) -> Concern:
    rows: list[tuple[Cell, Cell]] = []
    waiting = quizzes.count_unreleased()
    titles = quizzes.quiz_titles(waiting)
    for quiz_id, number in sorted(waiting.items()):
        version = titles[quiz_id]
        href = url_for("quizzes.release", slug=version.quiz.slug) if allows(person, RELEASE_RESULTS, version) else None
        said = ngettext("%(num)d result waits for its release", "%(num)d results wait for their release", number)
        rows.append((Cell(str(version.title), href), Cell(said, state="not_released")))
    rows += _marking(person)
    for each in depth.list_stopped_of(person):
        href = url_for("quizzes.coverage", slug=each.version.quiz.slug)
        said = _("Cannot be started: %(why)s", why=depth.stopped_words(each))
        rows.append((Cell(str(each.version.title), href), Cell(said, state="danger")))
    counts, flagged = quizzes.count_questions(), flags.count_open()
    to_review = Counter(each.row.bank for each in review.list_waiting_for(person))
    writes = allows(person, WRITE_QUESTIONS)
    for bank in quizzes.list_banks():
        if to_review[bank.slug]:
            said = ngettext(
                "%(num)d question waits for a review", "%(num)d questions wait for a review", to_review[bank.slug]
            )
            rows.append(
                (Cell(str(bank.title), url_for("quizzes.reviews", bank=bank.slug)), Cell(said, state="waiting"))
            )
        if flagged.get(bank.id):
            said = ngettext("results point %(num)d thing out", "results point %(num)d things out", flagged[bank.id])
            rows.append((Cell(str(bank.title), url_for("quizzes.flags", bank=bank.slug)), Cell(said, state="warning")))
        stale = counts.get(bank.id, {}).get(QuestionState.STALE, 0)
        if stale:
            said = ngettext("%(num)d question to re-check", "%(num)d questions to re-check", stale)
            rows.append(
                (Cell(str(bank.title), url_for("quizzes.stale_of_bank", slug=bank.slug)), Cell(said, state="warning"))
            )
        drafts = counts.get(bank.id, {}).get(QuestionState.DRAFT, 0)
        if drafts and writes:
            said = ngettext("%(num)d question in draft", "%(num)d questions in draft", drafts)
            rows.append((Cell(str(bank.title), url_for("quizzes.bank", slug=bank.slug)), Cell(said, state="draft")))
    return Concern(
        title=_("Questions and results"),
        columns=(_("Quiz or question bank"), _("State")),
        rows=rows,
        nothing=_(
            "No question is in draft or waits for a review or a re-check, and no result, answer or appeal waits."
        ),
        more=(_("All question banks"), url_for("quizzes.banks")),
    )


def _marking(person: Person) -> list[tuple[Cell, Cell]]:
    """Return what waits for this person's mark, answer or decision about results."""
    rows: list[tuple[Cell, Cell]] = []
    answers, open_appeals = marking.count_waiting(person), appeals.count_open_for(person)
    undecided = regrades.count_undecided(person)
    if answers:
        said = ngettext("%(num)d answer waits for a mark", "%(num)d answers wait for a mark", answers)
        rows.append((Cell(_("Answers to mark"), url_for("quizzes.marking")), Cell(said, state="waiting")))
    if open_appeals:
        said = ngettext("%(num)d appeal waits for an answer", "%(num)d appeals wait for an answer", open_appeals)
        rows.append((Cell(_("Appeals"), url_for("quizzes.appeals")), Cell(said, state="waiting")))
    if undecided:
        said = ngettext(
            "%(num)d regrade waits for a second person", "%(num)d regrades wait for a second person", undecided
        )
        rows.append((Cell(_("Regrades"), url_for("quizzes.regrades")), Cell(said, state="waiting")))
    return rows


def _plans(person: Person) -> list[Concern]:
    """Return the drafts of plans that wait for this person's look, or that came back to her; nothing without any."""
    waiting = plan_drafts.list_awaiting_review(person) if allows(person, REVIEW_PLANS) else []
    returned = plan_drafts.list_sent_back_to(person) if allows(person, WRITE_PLANS) else []
    rows = []
    for said, state, drafts in (
        (_("Waits for an approval"), "waiting", waiting),
        (_("Sent back"), "warning", returned),
    ):
        for draft in drafts:
            title = plan_drafts.spec_of_draft(draft).title.in_(language()) or draft.plan_slug
            when = format_instant(draft.acts[-1].at, person.time_zone)
            rows.append((Cell(title, url_for("training.plan_draft", code=draft.code), when), Cell(said, state=state)))
    return [Concern(_("Training plans in review"), (_("Plan"), _("State")), rows[:NAMED_TODAY])] if rows else []


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
        more=(ngettext("All %(num)d draft", "All %(num)d drafts", len(returned)), url_for("library.drafts"))
        if len(returned) > NAMED_TODAY
        else None,
    )


def _questions_returned(person: Person) -> Concern:
    returned = review.list_came_back_to(person)
    shown = returned[:NAMED_TODAY]
    rows = [
        (
            Cell(
                title,
                url_for("quizzes.edit_question", slug=each.question.bank.slug, question=each.question.slug),
                str(each.question.bank.title),
            ),
            Cell(
                (
                    each.step.reason
                    if len(each.step.reason) <= REASON_SHOWN
                    else f"{each.step.reason[: REASON_SHOWN - 1]}…"
                )
                or _("No reason was given."),
                is_quoted=bool(each.step.reason),
            ),
        )
        for each, title in zip(shown, review.titles_of(shown, language()), strict=True)
    ]
    return Concern(
        title=_("Questions that came back"),
        columns=(_("Question"), _("Why it came back")),
        rows=rows,
        nothing="",
        note=ngettext("%(num)d question in all", "%(num)d questions in all", len(returned))
        if len(returned) > NAMED_TODAY
        else "",
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


# Of more things than this the list is folded: an owner of a curriculum has ninety.
_OWNED_IN_SIGHT = 10


def _owned(person: Person) -> Concern:
    rows = []
    for row in list_belongings(person):
        thing = row.thing
        if thing.is_live:
            may_open = thing.may_be_opened_by(person)
            rows.append((Cell(thing.title, thing.href if may_open else None), Cell(str(row.kind_name))))
    kinds = Counter(kind.text for _thing, kind in rows)
    counts = [_("%(kind)s %(number)s", kind=kind, number=number) for kind, number in kinds.most_common()]
    return Concern(
        title=_("What this account answers for"),
        columns=(_("Name of the thing"), _("Kind")),
        rows=rows,
        fold=_("%(number)s in all: %(counts)s", number=len(rows), counts=pgettext("list", ", ").join(counts))
        if len(rows) > _OWNED_IN_SIGHT
        else "",
    )


def _pages(person: Person) -> Concern:
    rows: list[tuple[Cell, Cell]] = []
    if open_grants(person, Role.WELLBEING_CONTACT):
        shows = Cell(_("The page that everybody reaches from the top of every page, as others see it"))
        rows.append((Cell(_("Wellbeing"), url_for("organisation.wellbeing")), shows))
    if allows(person, READ_JOURNAL):
        shows = Cell(_("Who did what and when; entries are added, never changed"))
        rows.append((Cell(_("Journal"), url_for("journal.list_entries")), shows))
    if open_grants(person, Role.POLICY_OWNER) and allows(person, SEE_AT_RISK_RULE):
        shows = Cell(_("From when on a learner stands on the list of those at risk, and who decided so"))
        rows.append((Cell(_("At-risk rule"), url_for("reports.at_risk_rule")), shows))
    return Concern(title=_("Pages for this role"), columns=(_("Page"), _("What it shows")), rows=rows)

"""Who is plugged in where: one function per domain, lowest first; nothing else knows them all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Flask, request, url_for

from portal.core import access, commands, db, events, forms, i18n, jobs, logs, once, search, web
from portal.core.content import ContentPart
from portal.core.i18n import lazy_gettext as _l
from portal.core.i18n import lazy_pgettext
from portal.journal import service as journal


@dataclass(frozen=True, slots=True)
class Place:
    """One entry of the navigation: where it leads and who sees it; the group is a key of `GROUPS`.

    `pages` are further endpoints at which the reader is in this place; `count` says how much waits there for her, and
    is asked only for those who see the place. Who has the permission `unless` gets there by another place.
    """

    endpoint: str
    label: object
    icon: str
    group: str
    permission: access.Permission | None = None
    pages: tuple[str, ...] = ()
    count: Callable[[], int] | None = None
    unless: access.Permission | None = None


@dataclass(frozen=True, slots=True)
class NavigationLink:
    """A place as the rail shows it on this page."""

    label: object
    href: str
    icon: str
    current: bool
    count: int = 0


@dataclass(frozen=True, slots=True)
class NavigationGroup:
    """Places that belong together, under a heading that folds them; without a label they always stand open."""

    key: str
    label: object | None
    places: list[NavigationLink]
    open: bool

    @property
    def count(self) -> int:
        """How much waits in all of its places."""
        return sum(place.count for place in self.places)


# In the order of the rail; each domain adds its own below.
NAVIGATION: list[Place] = []
# The shares of the content folder, in the order in which they are taken in.
CONTENT_PARTS: list[ContentPart] = []
# Who tells what a person must confirm at once, on every page.
EMERGENCIES: list[Callable[[Any], list[dict[str, str]]]] = []
# What the doctor re-computes: a name, and a function that returns one sentence for each breach.
INVARIANTS: dict[str, Callable[[], list[str]]] = {}
# Pages that belong to the reader and not to a place of the rail, whatever domain they are of.
NOWHERE = (
    "accounts.own_account",
    "accounts.change_card",
    "accounts.change_password",
    "organisation.wellbeing",
    "reminders.own",
    "reminders.change",
    "obligations.own",
    "backfill.own",
)
# The groups of the rail, in their order; those without a name stand by themselves above and below the others.
GROUPS = {
    "home": None,
    "learn": _l("Learning"),
    "author": _l("Authoring"),
    "support": _l("Supporting learners"),
    "records": _l("Campaigns and records"),
    "continuity": _l("Continuity"),
    "administer": _l("Administration"),
    "end": None,
}
# So many places are seen at once; of more, only the groups that the reader is in or has opened stand open.
FEW_PLACES = 12
# The groups that a reader has opened, as `ui/static/js/modules/places.js` keeps them.
OPEN_GROUPS = "places"


def wire(app: Flask) -> None:
    """Assemble the application: the machinery, then every domain, then the queue."""
    NAVIGATION.clear()
    EMERGENCIES.clear()
    CONTENT_PARTS.clear()
    INVARIANTS.clear()
    logs.init_app(app)
    db.init_app(app)
    i18n.init_app(app)
    commands.init_app()
    forms.csrf.init_app(app)
    access.init_app(app)
    web.init_app(app)
    once.init_app(app)
    search.init_app(app)
    for plug_in in (
        _ui,
        _journal,
        _organisation,
        _accounts,
        _calendars,
        _library,
        _cohorts,
        _quizzes,
        _acknowledgements,
        _gradebook,
        _training,
        _mentoring,
        _certificates,
        _obligations,
        _duties,
        _handover,
        _backfill,
        _reminders,
        _reports,
        _operations,
    ):
        plug_in(app)
    # Last: the queue registers every kind of work known by now.
    jobs.init_app(app)
    app.jinja_env.globals["can"] = access.can


def navigation() -> list[NavigationGroup]:
    """Return the rail for whoever is signed in: group by group, only what she may open."""
    person = access.actor()
    if person is None:
        return []
    here = request.endpoint or ""
    places = [place for place in NAVIGATION if _is_for(person, place)]
    current = _current(here, places)
    # Where the reader is in none of the groups, what everybody has stands open.
    inside = current.group if current is not None and GROUPS[current.group] else "learn"
    kept = {inside, *request.cookies.get(OPEN_GROUPS, "").split(".")}
    return [
        NavigationGroup(
            key=key,
            label=label,
            places=[
                NavigationLink(
                    label=place.label,
                    href=url_for(place.endpoint),
                    icon=place.icon,
                    current=place is current,
                    count=place.count() if place.count else 0,
                )
                for place in places
                if place.group == key
            ],
            open=len(places) <= FEW_PLACES or key in kept,
        )
        for key, label in GROUPS.items()
        if any(place.group == key for place in places)
    ]


def _current(here: str, places: list[Place]) -> Place | None:
    """Return the place that the reader is in: the one that names the page, else the first one of the same domain."""
    named = next((place for place in places if here in (place.endpoint, *place.pages)), None)
    if named is not None or here in NOWHERE:
        return named
    domain = here.split(".", maxsplit=1)[0]
    return next((place for place in places if place.endpoint.split(".")[0] == domain), None)


def _is_for(person: Any, place: Place) -> bool:
    if place.unless is not None and access.allows(person, place.unless):
        return False
    return place.permission is None or access.allows(person, place.permission)


def shell() -> dict[str, Any]:
    """Return what every page's frame reads besides what its domain gives it."""
    person = access.actor()
    return {
        "navigation": navigation(),
        "search_href": url_for("library.search") if person else None,
        "emergencies": EMERGENCIES[0](person) if person and person.has_something_urgent else [],
    }


def _ui(app: Flask) -> None:
    from portal.ui import blueprint

    blueprint.init_app(app)


def _journal(app: Flask) -> None:
    from portal.journal import invariants, recorded, service
    from portal.journal.views import blueprint

    service.init()
    service.learn(recorded.VOCABULARY)
    INVARIANTS.update(invariants.INVARIANTS)
    app.register_blueprint(blueprint)


def _organisation(app: Flask) -> None:
    from portal.organisation import recorded
    from portal.organisation.views import blueprint, settings, wellbeing  # noqa: F401
    from portal.organisation.views import jobs as jobs_pages  # noqa: F401

    app.register_blueprint(blueprint)
    journal.learn(recorded.VOCABULARY)


def _accounts(app: Flask) -> None:
    from portal.accounts import handlers, invariants, permissions, recorded  # noqa: F401
    from portal.accounts.cli import people_commands
    from portal.accounts.service import leaving, ownership, people, sessions
    from portal.accounts.views import blueprint, imports, names, own, signing_in  # noqa: F401
    from portal.accounts.views import people as people_pages  # noqa: F401
    from portal.journal.permissions import READ_JOURNAL
    from portal.organisation.permissions import CHANGE_SETTINGS, SEE_JOBS

    access.register(permissions.TABLE)
    access.login_manager.user_loader(sessions.find_person_of)
    people.register_guard(ownership.owners_stay)
    people.register_guard(leaving.to_settle)
    app.register_blueprint(blueprint)
    app.cli.add_command(people_commands)
    journal.learn(recorded.VOCABULARY)
    INVARIANTS.update(invariants.INVARIANTS)
    # The places of lower domains too: in the order in which an administrator needs them.
    for endpoint, label, icon, permission in (
        ("accounts.list_people", lazy_pgettext("place", "People"), "people", permissions.SEE_PEOPLE),
        ("organisation.settings", _l("Settings"), "settings", CHANGE_SETTINGS),
        ("organisation.list_jobs", _l("Jobs"), "jobs", SEE_JOBS),
        ("journal.list_entries", _l("Journal"), "journal", READ_JOURNAL),
    ):
        NAVIGATION.append(Place(endpoint, label, icon, "administer", permission))


def _calendars(app: Flask) -> None:
    from portal.calendars import invariants, permissions, recorded, service
    from portal.calendars.cli import calendars
    from portal.calendars.content import CalendarsPart
    from portal.calendars.service.moves import moved_by_market
    from portal.calendars.views import blueprint, company_days, people  # noqa: F401
    from portal.organisation.service import answer_holidays, answer_moves

    access.register(permissions.TABLE)
    app.register_blueprint(blueprint)
    app.cli.add_command(calendars)
    INVARIANTS.update(invariants.INVARIANTS)
    CONTENT_PARTS.append(CalendarsPart())
    answer_holidays(service.known_holidays)
    answer_moves(moved_by_market)
    journal.learn(recorded.VOCABULARY)


def _library(app: Flask) -> None:
    from portal.accounts.service import ownership
    from portal.library import emails, handlers, invariants, permissions, recorded  # noqa: F401
    from portal.library.content import DocumentsPart, GlossaryPart
    from portal.library.events import VersionPublished, VersionWithdrawn
    from portal.library.service.dependants import register_dependants
    from portal.library.service.documents import OwnedDocuments, statement_choices
    from portal.library.service.findable import FindableDocuments, FindableTerms, find_anew
    from portal.library.service.links import LinkingDocuments, LinkingInMarket
    from portal.library.service.panels import register_draft_panel
    from portal.library.views import (  # noqa: F401
        author,
        blueprint,
        compare,
        editor,
        finder,
        images,
        impact,
        market_texts,
        moments,
        owner,
        reader,
        review,
        settling,
    )
    from portal.library.views.impact import impact_panel
    from portal.library.views.market_texts import markets_panel
    from portal.organisation import service as organisation

    access.register(permissions.TABLE)
    app.register_blueprint(blueprint)
    ownership.register_kind(OwnedDocuments())
    register_draft_panel(impact_panel)
    register_draft_panel(markets_panel)
    handlers.init()
    organisation.answer_documents(statement_choices)
    search.register(FindableDocuments())
    search.register(FindableTerms())
    events.subscribe(VersionPublished, find_anew)
    events.subscribe(VersionWithdrawn, find_anew)
    NAVIGATION.append(Place("library.index", _l("Library"), "library", "learn"))
    NAVIGATION.append(
        Place(
            "library.drafts",
            _l("Drafts"),
            "edit",
            "author",
            permissions.LIST_DRAFTS,
            pages=(
                "library.draft",
                "library.submit_draft",
                "library.approve_draft",
                "library.send_back_draft",
                "library.take_back_draft",
                "library.comment_on_draft",
                "library.settle_comment",
                "library.impact",
                "library.impact_list",
                "library.ask_for_draft",
                "library.new_document",
                "library.add_document",
                "library.edit_draft",
                "library.save_draft_text",
                "library.preview_draft",
                "library.change_proposal",
                "library.discard_draft",
                "library.aside",
                "library.settle_aside",
                "library.compare_versions",
                "library.take_over",
                "library.base_of_draft",
                "library.overlay_clause",
                "library.add_market_clause",
                "library.move_draft",
            ),
        )
    )
    # The glossary first: the documents' words are compared with it.
    CONTENT_PARTS.extend([GlossaryPart(), DocumentsPart()])
    journal.learn(recorded.VOCABULARY)
    INVARIANTS.update(invariants.INVARIANTS)
    register_dependants(LinkingDocuments())
    register_dependants(LinkingInMarket())


def _cohorts(app: Flask) -> None:
    from portal.cohorts import permissions, recorded

    access.register(permissions.TABLE)
    journal.learn(recorded.VOCABULARY)


def _quizzes(app: Flask) -> None:
    from portal.accounts.service import ownership
    from portal.library.service.dependants import register_dependants
    from portal.library.service.panels import register_draft_panel
    from portal.quizzes import cli, emails, handlers, invariants, permissions, recorded  # noqa: F401
    from portal.quizzes.content import BanksPart, QuizzesPart
    from portal.quizzes.queries.staleness import count_to_look_at
    from portal.quizzes.service.dependants import AffectedQuestions, PeopleTold, QuestionsOfMarket, QuizzesRunningShort
    from portal.quizzes.service.findable import FindableQuestions
    from portal.quizzes.service.owned import OwnedBanks, OwnedQuizzes
    from portal.quizzes.views import (  # noqa: F401
        ahead,
        appeals,
        author,
        bank,
        blueprint,
        breaks,
        coverage,
        editing,
        flags,
        giving_out,
        lead,
        learner,
        marking,
        owners,
        papers,
        pictures,
        practice,
        question,
        recheck,
        regrades,
        reviews,
        revising,
        statistics,
        taking_in,
        versions,
    )

    access.register(permissions.TABLE)
    app.register_blueprint(blueprint)
    app.cli.add_command(cli.quizzes)
    CONTENT_PARTS.extend((BanksPart(), QuizzesPart()))
    ownership.register_kind(OwnedBanks())
    search.register(FindableQuestions())
    ownership.register_kind(OwnedQuizzes())
    journal.learn(recorded.VOCABULARY)
    INVARIANTS.update(invariants.INVARIANTS)
    handlers.init()
    for dependants in (AffectedQuestions(), QuestionsOfMarket(), QuizzesRunningShort(), PeopleTold()):
        register_dependants(dependants)
    register_draft_panel(ahead.questions_panel)
    NAVIGATION.append(Place("quizzes.index", _l("Quizzes"), "quizzes", "learn"))
    NAVIGATION.append(
        Place(
            "quizzes.banks",
            _l("Question banks"),
            "bank",
            "author",
            permissions.SEE_BANKS,
            pages=(
                "quizzes.bank",
                "quizzes.new_bank",
                "quizzes.add_bank",
                "quizzes.change_questions",
                "quizzes.question",
                "quizzes.preview",
                "quizzes.new_question",
                "quizzes.add_question",
                "quizzes.edit_question",
                "quizzes.save_question",
                "quizzes.take_step",
                "quizzes.note_in_step",
                "quizzes.choose_file",
                "quizzes.send_file",
                "quizzes.look_at_file",
                "quizzes.take_in_file",
                "quizzes.read_file_again",
                "quizzes.look_at_question",
                "quizzes.choose_format",
                "quizzes.ask_for_file",
                "quizzes.look_at_export",
                "quizzes.flags",
                "quizzes.flag",
                "quizzes.close_flag",
                "quizzes.release",
            ),
        )
    )
    NAVIGATION.append(
        Place(
            "quizzes.reviews",
            _l("Questions to review"),
            "review",
            "author",
            permissions.APPROVE_QUESTIONS,
            count=reviews.count_for_actor,
        )
    )
    NAVIGATION.append(
        Place(
            "quizzes.marking",
            lazy_pgettext("place", "Marking"),
            "marking",
            "support",
            permissions.SEE_MARKING,
            pages=(
                "quizzes.answer",
                "quizzes.mark",
                "quizzes.agreement",
                "quizzes.appeals",
                "quizzes.appeal",
                "quizzes.answer_appeal",
                "quizzes.name_for_appeal",
                "quizzes.regrades",
                "quizzes.regrade",
                "quizzes.propose_regrade",
                "quizzes.add_regrade",
                "quizzes.approve_regrade",
                "quizzes.decline_regrade",
            ),
            count=marking.count_for_actor,
        )
    )
    NAVIGATION.append(
        Place(
            "quizzes.regrades",
            _l("Regrades"),
            "regrade",
            "administer",
            permissions.SEE_REGRADES,
            pages=("quizzes.regrade",),
            # Whoever marks has them among what waits for marking.
            unless=permissions.SEE_MARKING,
        )
    )
    NAVIGATION.append(
        Place(
            "quizzes.stale",
            _l("Questions to re-check"),
            "refresh",
            "author",
            permissions.RECHECK_QUESTIONS,
            pages=(
                "quizzes.stale_of_bank",
                "quizzes.confirm_still_right",
                "quizzes.leave_out",
                "quizzes.ahead",
                "quizzes.look_ahead",
            ),
            count=count_to_look_at,
        )
    )


def _acknowledgements(app: Flask) -> None:
    from portal.accounts.queries import register_urgency
    from portal.accounts.service import ownership
    from portal.acknowledgements import emails, handlers, invariants, permissions, recorded  # noqa: F401
    from portal.acknowledgements.queries.campaigns import has_emergency
    from portal.acknowledgements.service import PeopleAddressed
    from portal.acknowledgements.service.owned import OwnedCampaigns
    from portal.acknowledgements.views import blueprint, campaigns, delta, exposure, questions  # noqa: F401
    from portal.acknowledgements.views.reader import confirmation_panel, emergencies_of
    from portal.library.service.dependants import register_dependants
    from portal.library.service.panels import register_clause_notes, register_panel

    access.register(permissions.TABLE)
    app.register_blueprint(blueprint)
    register_panel(confirmation_panel)
    EMERGENCIES.append(emergencies_of)
    register_clause_notes(questions.clause_notes)
    register_urgency("acknowledgements", has_emergency)
    ownership.register_kind(OwnedCampaigns())
    handlers.init()
    register_dependants(PeopleAddressed())
    journal.learn(recorded.VOCABULARY)
    INVARIANTS.update(invariants.INVARIANTS)
    NAVIGATION.append(Place("acknowledgements.own", _l("Confirmations"), "verified", "learn"))
    NAVIGATION.append(
        Place(
            "acknowledgements.list_questions",
            lazy_pgettext("place", "Questions"),
            "conversation",
            "support",
            permissions.SEE_QUESTIONS,
            pages=("acknowledgements.question", "acknowledgements.answer_question"),
        )
    )
    NAVIGATION.append(
        Place(
            "acknowledgements.list_campaigns",
            _l("Campaigns"),
            "campaign",
            "records",
            permissions.SEE_CAMPAIGNS,
            pages=(
                "acknowledgements.campaign",
                "acknowledgements.close_campaign",
                "acknowledgements.exempt",
                "acknowledgements.end_exemption",
            ),
        )
    )
    NAVIGATION.append(
        Place(
            "acknowledgements.list_declined",
            _l("Statement declined"),
            "declined",
            "records",
            permissions.SEE_DECLINED,
        )
    )


def _gradebook(app: Flask) -> None:
    from portal.gradebook import emails, handlers, invariants, permissions, recorded  # noqa: F401
    from portal.gradebook.service.by_hand import decided_by_hand
    from portal.gradebook.views import blueprint, result, table, transcript  # noqa: F401
    from portal.quizzes.events import AttemptReleased, ResultCorrected
    from portal.quizzes.service.decided import register_decider

    access.register(permissions.TABLE)
    app.register_blueprint(blueprint)
    events.subscribe(AttemptReleased, handlers.enter_result)
    events.subscribe(ResultCorrected, handlers.enter_result)
    register_decider(decided_by_hand)
    journal.learn(recorded.VOCABULARY)
    INVARIANTS.update(invariants.INVARIANTS)
    NAVIGATION.append(
        Place(
            "gradebook.transcript",
            _l("My transcript"),
            "transcript",
            "learn",
            pages=("gradebook.transcript_of",),
        )
    )
    NAVIGATION.append(
        Place(
            "gradebook.table",
            _l("Gradebook"),
            "gradebook",
            "records",
            permissions.FIND_GRADEBOOK,
            pages=("gradebook.quiz", "gradebook.result", "gradebook.decide", "gradebook.withdraw"),
        )
    )


def _training(app: Flask) -> None:
    from portal.accounts.service import ownership
    from portal.acknowledgements import service as acknowledgements
    from portal.acknowledgements.service.newcomers import register_first_days
    from portal.calendars.service.moves import (
        register_holds_on_days,
        register_locks_dates,
        register_rests_on_calendars,
        register_rests_on_company_days,
        register_where_moved,
    )
    from portal.gradebook.service.rests import register_rests
    from portal.library.service.dependants import register_dependants
    from portal.quizzes.service import assigned, attempts
    from portal.quizzes.service.supervision import register_expected_takers
    from portal.training import emails, handlers, invariants, permissions, recorded  # noqa: F401
    from portal.training.cli import training
    from portal.training.content import PlansPart
    from portal.training.queries import list_expected_takers, list_first_days, lock_running_of
    from portal.training.service import order
    from portal.training.service.concerns import register_concerns
    from portal.training.service.credited import steps_of
    from portal.training.service.dependants import OpenEnrollments, StepsThatRead
    from portal.training.service.owned import OwnedCohorts, OwnedPlans
    from portal.training.service.shifted import dates_of_plans, sessions_on_days_off, trainings_of_markets
    from portal.training.views import (  # noqa: F401
        blueprint,
        calendar,
        dates,
        events,
        founding,
        learner,
        other_plan,
        plan_drafts,
        plan_editor,
        plan_edits,
        plans,
        sessions,
        tasks,
        today,
        versions,
    )
    from portal.training.views.explaining import where_sessions_move
    from portal.training.views.supervision import supervised
    from portal.training.views.wellbeing import of_wellbeing

    app.register_blueprint(blueprint)
    app.cli.add_command(training)
    access.register(permissions.TABLE)
    ownership.register_kind(OwnedPlans())
    ownership.register_kind(OwnedCohorts())
    for dependants in (StepsThatRead(), OpenEnrollments()):
        register_dependants(dependants)
    handlers.init()
    register_concerns(supervised)
    register_concerns(of_wellbeing)
    attempts.register_start_guard(order.what_comes_before_quiz)
    assigned.register_assigner(order.assigned_quizzes)
    register_expected_takers(list_expected_takers)
    acknowledgements.register_guard(order.what_is_asked)
    register_first_days(list_first_days)
    register_rests(steps_of)
    register_rests_on_calendars(dates_of_plans)
    register_locks_dates(lock_running_of)
    register_where_moved(where_sessions_move)
    register_rests_on_company_days(trainings_of_markets)
    register_holds_on_days(sessions_on_days_off)
    CONTENT_PARTS.append(PlansPart())
    journal.learn(recorded.VOCABULARY)
    INVARIANTS.update(invariants.INVARIANTS)
    # The day's page is where everybody begins, so it leads the rail.
    NAVIGATION.insert(0, Place("training.today", _l("Today"), "today", "home"))
    NAVIGATION.insert(
        1,
        Place(
            "training.index",
            _l("Training plans"),
            "plan",
            "learn",
            pages=(
                "training.path",
                "training.calendar",
                "training.share_calendar",
                "training.revoke_calendar",
                "training.evidence",
            ),
        ),
    )
    NAVIGATION.append(
        Place(
            "training.list_plans",
            _l("Plan versions"),
            "plan-version",
            "author",
            permissions.SEE_PLANS,
            pages=(
                "training.plan",
                "training.new_plan",
                "training.begin_plan_draft",
                "training.plan_draft",
                "training.edit_plan_draft",
                "training.change_plan_draft",
                "training.preview_plan_draft",
                "training.submit_plan_draft",
                "training.take_back_plan_draft",
                "training.send_back_plan_draft",
                "training.approve_plan_draft",
                "training.discard_plan_draft",
                "training.take_over_into_plan_draft",
            ),
        )
    )
    NAVIGATION.append(
        Place(
            "training.list_learners",
            _l("Learners"),
            "learner",
            "support",
            permissions.SEE_LEARNERS,
            pages=(
                "training.change_dates",
                "training.event_date",
                "training.exemption",
                "training.extension",
                "training.version",
                "training.other_plan",
                "training.plan_extension",
                "training.take_back_extension",
                "training.take_back_plan_extension",
                "training.first_day",
                "training.pause",
                "training.resumption",
                "training.end",
                "training.leave",
            ),
        )
    )
    NAVIGATION.append(
        Place(
            "training.list_sign_offs",
            _l("Sign-offs"),
            "sign-off",
            "support",
            permissions.SEE_SIGN_OFFS,
            pages=("training.sign_off",),
        )
    )
    NAVIGATION.append(
        Place(
            "training.list_sessions",
            _l("Sessions"),
            "calendar",
            "support",
            permissions.SEE_SIGN_OFFS,
            pages=(
                "training.session",
                "training.plan_session",
                "training.move_session",
                "training.cancel_session",
                "training.add_to_session",
            ),
        )
    )


def _mentoring(app: Flask) -> None:
    from portal.mentoring import invariants, permissions, recorded
    from portal.mentoring.views import agenda, blueprint, notes  # noqa: F401
    from portal.mentoring.views.beside import links_of_training, news_of_notes
    from portal.training.service.beside import register_links, register_news

    access.register(permissions.TABLE)
    app.register_blueprint(blueprint)
    register_news(news_of_notes)
    register_links(links_of_training)
    journal.learn(recorded.VOCABULARY)
    INVARIANTS.update(invariants.INVARIANTS)


def _certificates(app: Flask) -> None:
    from portal.accounts.service import ownership
    from portal.certificates import emails, handlers, invariants, permissions, recorded  # noqa: F401
    from portal.certificates.cli import certificates
    from portal.certificates.content import CredentialsPart
    from portal.certificates.content_of_templates import TemplatesPart
    from portal.certificates.service import OwnedCredentials
    from portal.certificates.service.dependants import AffectedCertificates
    from portal.certificates.service.outlook import what_hinders
    from portal.certificates.service.results import rests_on_results
    from portal.certificates.service.templates import OwnedTemplates
    from portal.certificates.service.transcripts import certificates_of
    from portal.certificates.views import batches, blueprint, credentials, own, published, standing  # noqa: F401
    from portal.certificates.views import templates as template_pages  # noqa: F401
    from portal.gradebook.service.rests import register_rests
    from portal.library.service.dependants import register_dependants
    from portal.quizzes.service.regrades import register_rests as register_rests_of_attempts
    from portal.training.service.beside import register_hindrance

    access.register(permissions.TABLE)
    app.register_blueprint(blueprint)
    register_rests_of_attempts(rests_on_results)
    register_hindrance(what_hinders)
    app.cli.add_command(certificates)
    ownership.register_kind(OwnedCredentials())
    ownership.register_kind(OwnedTemplates())
    register_dependants(AffectedCertificates())
    register_rests(certificates_of)
    handlers.init()
    NAVIGATION.append(Place("certificates.index", _l("Certificates"), "certificates", "learn"))
    NAVIGATION.append(
        Place(
            "certificates.list_templates",
            _l("Certificate templates"),
            "template",
            "author",
            permissions.SEE_TEMPLATES,
            pages=(
                "certificates.template",
                "certificates.new_template",
                "certificates.begin_template",
                "certificates.edit_template",
                "certificates.save_template",
                "certificates.preview_template",
                "certificates.publish_template",
                "certificates.use_template",
            ),
        )
    )
    NAVIGATION.append(
        Place(
            "certificates.list_credentials",
            lazy_pgettext("place", "Credentials"),
            "credential",
            "author",
            permissions.SEE_CREDENTIALS,
            pages=(
                "certificates.credential",
                "certificates.change_terms",
                "reports.credential_coverage",
                "reports.coverage_people",
                "certificates.list_batches",
                "certificates.new_batch",
                "certificates.begin_batch",
                "certificates.batch",
            ),
        )
    )
    INVARIANTS.update(invariants.INVARIANTS)
    # Templates first: credentials name them.
    CONTENT_PARTS.extend([TemplatesPart(), CredentialsPart()])
    journal.learn(recorded.VOCABULARY)


def _obligations(app: Flask) -> None:
    from portal.accounts.service import ownership
    from portal.certificates.service.assigning import register_assigning
    from portal.obligations import handlers, invariants, permissions, recorded
    from portal.obligations.content import ObligationsPart
    from portal.obligations.service.owned import OwnedObligations
    from portal.obligations.service.renewals import RenewalsAssigned
    from portal.obligations.service.telling import interruptions_of
    from portal.obligations.views import blueprint, making, people, renewals, states  # noqa: F401
    from portal.training.service.beside import register_interruptions

    access.register(permissions.TABLE)
    app.register_blueprint(blueprint)
    ownership.register_kind(OwnedObligations())
    CONTENT_PARTS.append(ObligationsPart())
    register_assigning(RenewalsAssigned())
    register_interruptions(interruptions_of)
    handlers.init()
    journal.learn(recorded.VOCABULARY)
    INVARIANTS.update(invariants.INVARIANTS)
    NAVIGATION.append(
        Place(
            "obligations.list_obligations",
            lazy_pgettext("place", "Obligations"),
            "obligation",
            "records",
            permissions.SEE_OBLIGATIONS,
            pages=(
                "obligations.obligation",
                "obligations.new_obligation",
                "obligations.change_terms",
                "obligations.pause",
                "obligations.resume",
                "obligations.end",
                "obligations.open_cycle",
            ),
        )
    )


def _duties(app: Flask) -> None:
    from portal.accounts.service import ownership
    from portal.duties import emails, invariants, models, permissions, recorded  # noqa: F401
    from portal.duties.content import TasksPart
    from portal.duties.service.cards import OwnedCards
    from portal.duties.service.tasks import OwnedTasks
    from portal.duties.views import (  # noqa: F401
        blueprint,
        card_writing,
        cards,
        making,
        removals,
        responsibilities,
        runs,
        tasks,
    )
    from portal.duties.views.cards_today import cards_to_check, texts_to_take_out
    from portal.duties.views.today import of_duties
    from portal.training.service.concerns import register_concerns

    access.register(permissions.TABLE)
    app.register_blueprint(blueprint)
    ownership.register_kind(OwnedTasks())
    ownership.register_kind(OwnedCards())
    CONTENT_PARTS.append(TasksPart())
    register_concerns(of_duties)
    register_concerns(cards_to_check)
    register_concerns(texts_to_take_out)
    journal.learn(recorded.VOCABULARY)
    INVARIANTS.update(invariants.INVARIANTS)
    NAVIGATION.append(
        Place(
            "duties.list_responsibilities",
            _l("Responsibilities"),
            "responsibility",
            "continuity",
            permissions.SEE_RESPONSIBILITIES,
            pages=("duties.of_person", "duties.of_team", "duties.name_owners"),
        )
    )
    NAVIGATION.append(
        Place(
            "duties.list_tasks",
            _l("Recurring tasks"),
            "recurring",
            "continuity",
            permissions.SEE_TASKS,
            pages=(
                "duties.task",
                "duties.new_task",
                "duties.change_task",
                "duties.record_run",
                "duties.take_back_run",
                "duties.end_task",
            ),
        )
    )
    NAVIGATION.append(
        Place(
            "duties.list_cards",
            lazy_pgettext("place", "Cards"),
            "card",
            "continuity",
            permissions.SEE_CARDS,
            pages=(
                "duties.card",
                "duties.card_version",
                "duties.new_card",
                "duties.write_card",
                "duties.end_card",
                "duties.take_out",
                "duties.removal",
                "duties.judge_criticality",
            ),
        )
    )


def _handover(app: Flask) -> None:
    from portal.accounts.service import ownership, people
    from portal.calendars.service import kept
    from portal.calendars.service.absences import register_absences
    from portal.duties.rules import Fulfilment
    from portal.duties.service.fulfilling import Fulfilling, register_fulfilling
    from portal.duties.service.successors import register_successors
    from portal.handover import emails, handlers, invariants, permissions, recorded  # noqa: F401
    from portal.handover.queries import lending
    from portal.handover.queries.absences import list_absences
    from portal.handover.queries.successors import is_successor
    from portal.handover.service import guards, leave, successors
    from portal.handover.service.issuing import DossierReaders
    from portal.handover.views import (  # noqa: F401
        blueprint,
        dossier,
        items,
        leading,
        listing,
        orphans,
        quiz,
        rehearsals,
        removals,
        stand_ins,
        starting,
    )
    from portal.handover.views.beside import waiting_handovers
    from portal.library.permissions import register_readers
    from portal.training.service.concerns import register_given

    access.register(permissions.TABLE)
    app.register_blueprint(blueprint)
    ownership.register_guard(guards.no_bypass)
    people.register_guard(successors.successors_stay)
    ownership.register_accepted_orphans(guards.AcceptedByTwo())
    ownership.register_lent(lending.LentByStandIns())
    handlers.init()
    register_given(waiting_handovers)
    register_successors(is_successor)
    register_fulfilling(
        Fulfilment.REHEARSAL,
        Fulfilling("handover.rehearsals", _l("To the rehearsals"), "handover.handover", _l("Report of the rehearsal")),
    )
    register_absences(list_absences)
    kept.register_source(leave.HANDOVER, leave.told_handovers)
    kept.register_source(leave.STAND_IN, leave.told_stand_ins)
    register_readers(DossierReaders())
    journal.learn(recorded.VOCABULARY)
    INVARIANTS.update(invariants.INVARIANTS)
    NAVIGATION.append(
        Place(
            "handover.list_handovers",
            lazy_pgettext("place", "Handovers"),
            "handover",
            "continuity",
            permissions.SEE_PLACE,
        )
    )


def _backfill(app: Flask) -> None:
    from portal.backfill import invariants, models, permissions, recorded  # noqa: F401
    from portal.backfill.views import blueprint, matrix, people  # noqa: F401
    from portal.backfill.views.today import with_few_people
    from portal.training.service.concerns import register_concerns

    access.register(permissions.TABLE)
    app.register_blueprint(blueprint)
    register_concerns(with_few_people)
    journal.learn(recorded.VOCABULARY)
    INVARIANTS.update(invariants.INVARIANTS)
    NAVIGATION.append(
        Place(
            "backfill.places",
            lazy_pgettext("place", "Backfill"),
            "backfill",
            "continuity",
            permissions.SEE_PLACES,
            pages=(
                "backfill.matrix",
                "backfill.of_person",
                "backfill.cell",
                "backfill.set_part",
                "backfill.state_level",
            ),
        )
    )


def _reminders(app: Flask) -> None:
    from portal.reminders import emails, handlers, invariants, recorded  # noqa: F401
    from portal.reminders.service.of_certificates import CertificatesExpiring
    from portal.reminders.service.of_confirmations import ConfirmationsDue
    from portal.reminders.service.of_duties import KnownToOne
    from portal.reminders.service.of_mentoring import NotesWritten
    from portal.reminders.service.of_training import TrainingDue
    from portal.reminders.service.of_what_people_answer_for import AnsweredFor
    from portal.reminders.service.sources import register_source
    from portal.reminders.views import blueprint

    for source in (
        TrainingDue(),
        ConfirmationsDue(),
        NotesWritten(),
        CertificatesExpiring(),
        AnsweredFor(),
        KnownToOne(),
    ):
        register_source(source)
    app.register_blueprint(blueprint)
    journal.learn(recorded.VOCABULARY)
    INVARIANTS.update(invariants.INVARIANTS)


def _reports(app: Flask) -> None:
    from portal.accounts.service import ownership
    from portal.cohorts import permissions
    from portal.reports import emails, handlers, recorded  # noqa: F401
    from portal.reports import permissions as own
    from portal.reports.service.schedules import OwnedSchedules
    from portal.reports.views import (  # noqa: F401
        at_risk,
        blueprint,
        clauses,
        cohorts,
        coverage,
        evidence,
        files,
        numbers,
        schedules,
        trends,
        weekly,
    )
    from portal.reports.views.concerns import by_role
    from portal.training.service.concerns import register_concerns

    access.register(own.TABLE)
    journal.learn(recorded.VOCABULARY)
    register_concerns(by_role)
    ownership.register_kind(OwnedSchedules())
    app.register_blueprint(blueprint)
    # Who supports learners begins with the groups in which they learn.
    NAVIGATION.insert(
        0,
        Place(
            "reports.list_cohorts",
            _l("Cohorts"),
            "cohorts",
            "support",
            permissions.SEE_COHORTS,
            pages=(
                "training.event_of_cohort",
                "training.new_cohort",
                "training.cohort_draft",
                "training.change_draft",
                "training.add_learners",
                "training.version_of_cohort",
                "training.withdraw_cohort",
            ),
        ),
    )
    NAVIGATION.append(
        Place(
            "reports.list_schedules",
            _l("Weekly reports"),
            "report",
            "records",
            own.SEE_SCHEDULES,
            # Who sees the cohorts comes to them from there.
            unless=permissions.SEE_COHORTS,
            pages=(
                "reports.choose_cohort",
                "reports.new_schedule",
                "reports.add_schedule",
                "reports.change_schedule",
                "reports.save_schedule",
            ),
        )
    )
    NAVIGATION.append(
        Place(
            "reports.evidence",
            _l("Training evidence"),
            "evidence",
            "records",
            own.EXPORT_EVIDENCE,
            pages=("reports.export_evidence",),
        )
    )


def _operations(app: Flask) -> None:
    from portal.operations import cli, doctor, models, recorded, views  # noqa: F401

    app.register_blueprint(views.blueprint)
    for group in (cli.content, cli.demo_group, cli.search_group, cli.doctor_command, cli.worker, cli.permissions):
        app.cli.add_command(group)
    app.context_processor(shell)
    NAVIGATION.append(Place("operations.help_index", _l("Help"), "help", "end"))
    INVARIANTS.update(doctor.OWN)
    journal.learn(recorded.VOCABULARY)

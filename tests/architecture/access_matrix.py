"""Who gets past the door of each route, for the things of the graduate; a route without a row fails the test."""

from __future__ import annotations

MEMBERS = {
    "graduate": "abe.sho",
    "newcomer": "yui.takahashi",
    "mentor": "kobayashi.mei",
    "lead": "sato.ken",
    "author": "yamada.hiroko",
    "approver": "ito.jun",
    "wellbeing": "kimura.nao",
    "auditor": "samuel.lindqvist",
    "admin": "grace.muller",
    "foreign_lead": "rosa.delgado",
}
SIGNED_IN = set(MEMBERS)
EVERYBODY = SIGNED_IN | {"stranger"}
# The policy is addressed to Japan.
AUDIENCE = SIGNED_IN - {"foreign_lead"}
# What nobody reaches without a thing of its own: a live link, a table waiting to be taken in, an open grant.
NOBODY: set[str] = set()

_ROWS: list[tuple[set[str], list[str]]] = [
    (
        EVERYBODY,
        [
            "GET accounts.forgotten",
            "GET accounts.link_asked_for",
            "GET accounts.sign_in",
            "GET certificates.verify",
            "GET certificates.verify_form",
            "GET operations.healthz",
            "GET operations.readyz",
            "GET operations.start",
            "GET organisation.wellbeing",
            "GET ui.components",
            "GET ui.static",
            "POST accounts.ask_for_link",
            "POST accounts.do_sign_in",
            "POST accounts.sign_out",
        ],
    ),
    (
        SIGNED_IN,
        [
            "GET accounts.own_account",
            "GET accounts.welcome",
            "GET acknowledgements.list_questions",
            "GET acknowledgements.own",
            "GET certificates.index",
            "GET gradebook.transcript",
            "GET library.complete_clause",
            "GET library.glossary",
            "GET library.in_force",
            "GET library.index",
            "GET library.search",
            "GET operations.help_index",
            "GET operations.help_page",
            "GET quizzes.index",
            "GET quizzes.show",
            "GET training.index",
            "GET training.today",
            "POST accounts.change_card",
            "POST accounts.change_password",
            "POST accounts.end_other_sessions",
            "POST accounts.end_session",
            "POST accounts.keep_welcome",
            "POST quizzes.start",
        ],
    ),
    (
        AUDIENCE,
        [
            "GET acknowledgements.ask_question",
            "GET acknowledgements.delta",
            "GET library.compare",
            "GET library.history",
            "GET library.print_version",
            "GET library.print_view",
            "GET library.read",
            "GET library.read_version",
            "POST acknowledgements.acknowledge",
            "POST acknowledgements.answer_delta",
            "POST acknowledgements.ask_question",
            "POST acknowledgements.confirm_delta",
            "POST acknowledgements.confirm_reading",
            "POST library.keep_place",
        ],
    ),
    (
        {"admin", "auditor", "graduate", "lead", "mentor"},
        [
            "GET training.path",
        ],
    ),
    (
        {"admin", "approver", "auditor", "author", "foreign_lead", "lead"},
        [
            "GET acknowledgements.list_campaigns",
        ],
    ),
    (
        {"admin", "approver", "auditor", "author", "lead"},
        [
            "GET acknowledgements.campaign",
            "GET acknowledgements.campaign_csv",
        ],
    ),
    (
        {"author"},
        [
            "GET acknowledgements.close_campaign",
            "POST acknowledgements.close_campaign",
        ],
    ),
    (
        # The lead is the document's deputy, too.
        {"author", "lead"},
        [
            "GET acknowledgements.exempt",
            "POST acknowledgements.answer_question",
            "POST acknowledgements.exempt",
        ],
    ),
    (
        {"admin", "author", "lead"},
        [
            "GET acknowledgements.end_exemption",
            "POST acknowledgements.end_exemption",
        ],
    ),
    (
        # The graduate has asked it.
        {"admin", "approver", "auditor", "author", "graduate", "lead"},
        [
            "GET acknowledgements.question",
        ],
    ),
    (
        {"admin", "auditor", "foreign_lead", "lead"},
        [
            "GET reports.list_cohorts",
        ],
    ),
    (
        {"admin", "graduate", "lead"},
        [
            "GET calendars.leave",
        ],
    ),
    (
        {"admin", "auditor", "graduate", "lead"},
        [
            "GET accounts.show_person",
            "GET certificates.download",
            "GET certificates.show",
            "GET gradebook.transcript_of",
        ],
    ),
    (
        {"admin", "approver", "auditor", "author"},
        [
            "GET library.approvals",
            "GET library.base_of_draft",
            "GET library.draft",
            "GET library.earlier_text",
            "GET library.drafts",
            "GET library.image",
            "GET library.market_texts_of",
        ],
    ),
    (
        {"approver", "author"},
        [
            "POST library.comment_on_draft",
            "POST library.settle_comment",
        ],
    ),
    (
        {"author"},
        [
            "GET library.ask_for_draft",
            "GET library.aside",
            "GET library.compare_versions",
            "GET library.draft_pulse",
            "GET library.edit_draft",
            "GET library.new_document",
            "POST library.add_document",
            "POST library.add_image",
            "POST library.add_market_clause",
            "POST library.begin_draft",
            "POST library.begin_market_text",
            "POST library.change_proposal",
            "POST library.discard_draft",
            "POST library.follow_base_here",
            "POST library.mark_in_step",
            "POST library.move_draft",
            "POST library.overlay_clause",
            "POST library.preview_draft",
            "POST library.save_draft_text",
            "POST library.settle_aside",
            "POST library.submit_draft",
            "POST library.take_back_draft",
            "POST library.take_over",
        ],
    ),
    (
        {"approver"},
        [
            "GET library.withdraw",
            "POST library.approve_draft",
            "POST library.send_back_draft",
            "POST library.withdraw",
        ],
    ),
    (
        {"admin", "approver", "author"},
        [
            "GET quizzes.ahead",
            "GET quizzes.bank",
            "GET quizzes.banks",
            "GET quizzes.export_statistics",
            "GET quizzes.preview",
            "GET quizzes.stale",
            "GET quizzes.stale_of_bank",
            "GET quizzes.statistics",
        ],
    ),
    (
        {"admin", "approver", "auditor", "author"},
        [
            "GET library.impact",
            "GET library.impact_csv",
            "GET library.impact_list",
            "GET library.version_impact",
            "GET library.version_impact_csv",
            "GET library.version_impact_list",
        ],
    ),
    (
        {"admin", "auditor", "lead"},
        [
            "GET reports.cohort",
            "GET reports.cohort_csv",
            "GET reports.cohort_xlsx",
        ],
    ),
    (
        {"foreign_lead", "lead", "mentor"},
        [
            "GET training.list_learners",
            "GET training.list_sign_offs",
        ],
    ),
    (
        {"admin", "auditor"},
        [
            "GET accounts.export_csv",
            "GET accounts.export_xlsx",
            "GET accounts.list_people",
            "GET journal.export_csv",
            "GET journal.list_entries",
        ],
    ),
    (
        {"admin", "author"},
        [
            "GET quizzes.release",
            "POST quizzes.confirm_still_right",
            "POST quizzes.leave_out",
            "POST quizzes.look_ahead",
            "POST quizzes.release_results",
        ],
    ),
    (
        {"admin", "lead"},
        [
            "GET training.extension",
            "GET training.leave",
            "POST training.extension",
            "POST training.leave",
            "POST training.withdraw_leave",
            "POST calendars.end_leave_early",
            "POST calendars.record_leave",
            "POST calendars.withdraw_leave",
            "GET quizzes.supervision",
            "POST quizzes.extend",
            "POST quizzes.void",
        ],
    ),
    (
        {"admin"},
        [
            "GET library.audience",
            "POST library.audience",
            "GET accounts.edit_person",
            "GET accounts.import_headings",
            "GET accounts.import_people",
            "GET accounts.invite",
            "GET organisation.list_jobs",
            "GET organisation.market",
            "GET organisation.markets",
            "GET organisation.settings",
            "GET organisation.team",
            "GET organisation.teams",
            "POST accounts.approve_accommodation",
            "POST accounts.change_person",
            "POST accounts.deactivate",
            "POST accounts.do_invite",
            "POST accounts.grant_role",
            "POST accounts.pass_on",
            "POST accounts.reactivate",
            "POST accounts.read_people",
            "POST accounts.send_link",
            "POST accounts.sign_person_out",
            "POST certificates.confirm_revocation",
            "POST certificates.decline_revocation",
            "POST certificates.request_revocation",
            "POST organisation.add_market",
            "POST organisation.add_team",
            "POST organisation.cancel_job",
            "POST organisation.change_market",
            "POST organisation.change_settings",
            "POST organisation.change_team",
            "POST organisation.retry_job",
        ],
    ),
    (
        {"graduate"},
        [
            "GET quizzes.attempt",
            "GET quizzes.result",
            "POST quizzes.note_page",
            "POST quizzes.save_response",
            "POST quizzes.send_page",
            "POST training.ask_again",
        ],
    ),
    (
        {"lead"},
        [
            "GET training.sign_off",
            "POST training.sign_off",
        ],
    ),
    (
        NOBODY,
        [
            "GET accounts.open_link",
            "GET accounts.preview_import",
            # For policy owners, of whom none is a member here.
            "POST library.approvals",
            "POST accounts.do_import",
            "POST accounts.end_accommodation",
            "POST accounts.end_role",
            "POST accounts.use_link",
        ],
    ),
]
MATRIX: dict[str, set[str]] = {route: who for who, routes in _ROWS for route in routes}

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
        # The author hands over; the approver and the mentor are to take something over.
        {"approver", "auditor", "author", "lead", "mentor"},
        [
            "GET handover.dossier",
            "GET handover.dossier_markdown",
        ],
    ),
    (
        # The approver's own dossier.
        {"approver", "auditor", "author", "lead"},
        [
            "GET handover.issued_markdown",
            "GET handover.issued_pdf",
        ],
    ),
    (
        {"author", "lead"},
        [
            "GET handover.issue_dossier",
            "POST handover.issue_dossier",
        ],
    ),
    (
        SIGNED_IN,
        [
            "GET duties.list_cards",
        ],
    ),
    (
        {"admin", "lead", "mentor"},
        [
            "GET duties.removal",
            "POST duties.removal",
        ],
    ),
    (
        # The task is answered for by the lead, and the mentor stands in.
        {"auditor", "lead", "mentor"},
        [
            "GET duties.card",
            "GET duties.card_version",
        ],
    ),
    (
        {"lead", "mentor"},
        [
            "GET duties.take_out",
            "GET duties.write_card",
            "POST duties.check_card",
            "POST duties.take_out",
            "POST duties.write_card",
        ],
    ),
    (
        # How much things matter, those who answer for them propose, and leads, policy owners and administrators judge.
        {"admin", "lead", "mentor"},
        [
            "GET duties.judge_criticality",
            "POST duties.judge_criticality",
        ],
    ),
    (
        # The free card is the lead's own.
        {"lead"},
        [
            "GET duties.end_card",
            "POST duties.end_card",
        ],
    ),
    (
        {"approver", "author", "foreign_lead", "lead", "mentor"},
        [
            "GET duties.new_card",
            "POST duties.new_card",
        ],
    ),
    (
        {"admin", "auditor", "author", "foreign_lead", "lead"},
        [
            "GET certificates.credential",
            "GET certificates.list_credentials",
        ],
    ),
    (
        {"admin", "auditor", "foreign_lead", "lead"},
        [
            "GET certificates.list_batches",
            "GET certificates.new_batch",
            "POST certificates.begin_batch",
            "GET reports.coverage_people",
            "GET reports.credential_coverage",
            "GET reports.credential_coverage_csv",
            "GET reports.credential_coverage_xlsx",
        ],
    ),
    (
        # Besides the holder nobody.
        {"graduate"},
        [
            "GET certificates.ask_for_new_name",
            "POST certificates.ask_for_new_name",
            "POST certificates.share",
            "POST certificates.take_back_new_name",
        ],
    ),
    (
        NOBODY,
        [
            "GET certificates.shared",
            "POST certificates.withdraw_share",
        ],
    ),
    (
        {"admin", "approver", "auditor", "author"},
        [
            "GET certificates.draft_picture",
            "GET certificates.list_templates",
            "GET certificates.template",
            "GET certificates.template_picture",
        ],
    ),
    (
        {"admin", "author"},
        [
            "GET certificates.edit_template",
            "GET certificates.new_template",
            "GET certificates.starting_picture",
            "POST certificates.begin_template",
            "POST certificates.preview_template",
            "POST certificates.publish_template",
            "POST certificates.save_template",
        ],
    ),
    (
        {"admin"},
        [
            "POST certificates.use_template",
        ],
    ),
    (
        {"admin", "author"},
        [
            "POST obligations.assign_renewals",
        ],
    ),
    (
        # Who asked for it.
        {"lead"},
        [
            "GET reports.file",
            "GET reports.file_progress",
            "GET reports.save_file",
        ],
    ),
    (
        EVERYBODY,
        [
            "GET accounts.forgotten",
            "GET accounts.link_asked_for",
            "GET accounts.sign_in",
            "GET certificates.did",
            "GET certificates.issuer",
            "GET certificates.jwks",
            "GET certificates.status_list",
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
            # Of the statement, which is addressed to everybody.
            "GET acknowledgements.decline",
            "POST acknowledgements.note_decline",
            "GET acknowledgements.own",
            "GET certificates.index",
            "GET gradebook.transcript",
            "GET library.complete_clause",
            "GET library.glossary",
            "GET library.in_force",
            "GET library.index",
            "GET library.search",
            "GET backfill.own",
            "GET obligations.own",
            "GET operations.help_index",
            "GET operations.help_page",
            "GET quizzes.index",
            "GET quizzes.show",
            "GET reminders.own",
            "GET training.calendar",
            "GET training.index",
            "GET training.today",
            "POST accounts.change_card",
            "POST accounts.change_password",
            "POST accounts.end_other_sessions",
            "POST accounts.end_session",
            "POST accounts.keep_welcome",
            "POST quizzes.begin_practice",
            "POST quizzes.start",
            "POST reminders.change",
            "POST training.revoke_calendar",
            "POST acknowledgements.take_decline_back",
            "POST training.share_calendar",
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
        {"wellbeing"},
        [
            "GET acknowledgements.list_declined",
            "POST acknowledgements.note_spoken",
            "POST acknowledgements.set_aside",
            "POST acknowledgements.end_aside",
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
        {"admin", "lead", "mentor"},
        [
            "GET duties.removal",
            "POST duties.removal",
        ],
    ),
    (
        # The task is answered for by the lead, and the mentor stands in.
        {"admin", "auditor", "author", "lead", "mentor"},
        [
            "GET duties.task",
        ],
    ),
    (
        {"admin", "author", "foreign_lead", "lead"},
        [
            "GET duties.new_task",
            "POST duties.new_task",
        ],
    ),
    (
        {"admin", "author", "lead"},
        [
            "GET duties.change_task",
            "GET duties.end_task",
            "POST duties.change_task",
            "POST duties.end_task",
        ],
    ),
    (
        {"lead", "mentor"},
        [
            "GET duties.record_run",
            "GET duties.take_back_run",
            "POST duties.record_run",
            "POST duties.take_back_run",
        ],
    ),
    (
        {"admin", "approver", "auditor", "author", "foreign_lead", "lead", "mentor"},
        [
            "GET duties.list_responsibilities",
            "GET duties.responsibilities_csv",
            "GET duties.responsibilities_xlsx",
        ],
    ),
    (
        {"admin", "auditor", "graduate", "lead"},
        [
            "GET duties.of_person",
        ],
    ),
    (
        {"admin", "auditor", "lead"},
        [
            "GET backfill.matrix",
            "GET backfill.matrix_csv",
            "GET backfill.matrix_xlsx",
            "GET duties.of_team",
        ],
    ),
    (
        # Who leads a team abroad finds her own matrix.
        {"admin", "auditor", "foreign_lead", "lead"},
        [
            "GET backfill.places",
        ],
    ),
    (
        {"admin", "auditor", "graduate", "lead"},
        [
            "GET backfill.cell",
            "GET backfill.of_person",
        ],
    ),
    (
        {"lead"},
        [
            "GET backfill.state_level",
            "POST backfill.state_level",
        ],
    ),
    (
        {"admin", "lead"},
        [
            "GET backfill.set_part",
            "POST backfill.set_part",
        ],
    ),
    (
        {"admin", "approver", "auditor", "author", "lead", "mentor"},
        [
            "GET duties.name_owners",
        ],
    ),
    (
        {"admin", "lead"},
        [
            "POST duties.name_owners",
        ],
    ),
    (
        {"admin", "approver", "auditor", "author", "foreign_lead", "lead", "mentor"},
        [
            "GET duties.list_tasks",
        ],
    ),
    (
        {"admin", "auditor", "author", "foreign_lead", "lead"},
        [
            "GET obligations.list_obligations",
        ],
    ),
    (
        {"admin", "auditor", "author", "lead"},
        [
            "GET obligations.obligation",
            "GET obligations.people_csv",
        ],
    ),
    (
        {"admin", "auditor", "author", "graduate", "lead"},
        [
            "GET obligations.of_person",
        ],
    ),
    (
        {"admin", "author"},
        [
            "GET obligations.change_terms",
            "GET obligations.end",
            "GET obligations.new_obligation",
            "GET obligations.pause",
            "GET obligations.resume",
            "POST obligations.change_terms",
            "POST obligations.end",
            "POST obligations.new_obligation",
            "POST obligations.pause",
            "POST obligations.resume",
        ],
    ),
    (
        {"admin", "author", "lead"},
        [
            "GET obligations.open_cycle",
            "POST obligations.open_cycle",
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
        {"admin", "auditor", "author", "foreign_lead", "lead"},
        [
            "GET gradebook.quiz",
            "GET gradebook.quiz_csv",
            "GET gradebook.quiz_xlsx",
            "GET gradebook.table",
            "GET gradebook.table_csv",
            "GET gradebook.table_xlsx",
        ],
    ),
    (
        # The author owns the quiz.
        {"admin", "auditor", "author", "lead"},
        [
            "GET gradebook.result",
        ],
    ),
    (
        # Nobody decides her own result.
        {"admin", "lead"},
        [
            "POST certificates.cancel_batch",
            "POST certificates.go_on_with_batch",
            "GET gradebook.decide",
            "GET gradebook.withdraw",
            "POST gradebook.confirm",
            "POST gradebook.decide",
            "POST gradebook.decline",
            "POST gradebook.withdraw",
        ],
    ),
    (
        {"admin", "auditor", "foreign_lead", "lead"},
        [
            "GET reports.at_risk_rule",
            "GET reports.cohort_trends",
            "GET reports.cohort_trends_csv",
            "GET reports.cohort_trends_xlsx",
            "GET reports.evidence",
            "GET reports.list_cohorts",
            "POST reports.export_evidence",
        ],
    ),
    (
        {"admin", "graduate", "lead"},
        [
            "GET calendars.leave",
            "GET calendars.shifts",
        ],
    ),
    (
        {"admin", "auditor", "graduate", "lead"},
        [
            "GET accounts.show_person",
            "GET certificates.badge",
            "GET certificates.download",
            "GET certificates.expiry",
            "GET certificates.show",
            "GET gradebook.transcript_csv",
            "GET gradebook.transcript_of",
            "GET gradebook.transcript_pdf",
            "POST gradebook.print_transcript",
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
            "GET training.plan_draft",
            "GET training.plan_draft_file",
            "GET training.preview_plan_draft",
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
            "GET training.edit_plan_draft",
            "GET training.new_plan",
            "GET training.plan_draft_pulse",
            "POST training.begin_plan_draft",
            "POST training.change_plan_draft",
            "POST training.discard_plan_draft",
            "POST training.new_plan",
            "POST training.submit_plan_draft",
            "POST training.take_back_plan_draft",
            "POST training.take_over_into_plan_draft",
        ],
    ),
    (
        {"approver"},
        [
            "GET library.withdraw",
            "POST library.approve_draft",
            "POST library.send_back_draft",
            "POST training.approve_plan_draft",
            "POST training.send_back_plan_draft",
            "POST library.withdraw",
        ],
    ),
    (
        {"admin", "approver", "author"},
        [
            "GET quizzes.agreement",
            "GET quizzes.ahead",
            "GET quizzes.answer",
            "GET quizzes.appeals",
            "GET quizzes.bank",
            "GET quizzes.bank_picture",
            "GET quizzes.banks",
            "GET quizzes.change_again",
            "GET quizzes.choose_format",
            "GET quizzes.coverage",
            "GET quizzes.covered_questions",
            "GET quizzes.export_coverage",
            "GET quizzes.flag",
            "GET quizzes.flags",
            "GET quizzes.preview",
            "GET quizzes.question",
            "GET quizzes.next_review",
            "GET quizzes.reviews",
            "GET quizzes.see_paper",
            "GET quizzes.versions",
            "GET quizzes.stale",
            "GET quizzes.stale_of_bank",
            "GET quizzes.marking",
            "POST quizzes.ask_for_file",
            "POST quizzes.close_flag",
            "POST quizzes.take_step",
            "POST quizzes.change_questions",
            "POST quizzes.decline_regrade",
            "POST quizzes.keep_mark_draft",
            "POST quizzes.mark",
            "POST quizzes.take_answer",
        ],
    ),
    # The author has proposed it.
    ({"admin", "approver"}, ["POST quizzes.approve_regrade"]),
    (
        {"admin", "author"},
        [
            "GET quizzes.propose_regrade",
            "POST quizzes.add_regrade",
        ],
    ),
    # Nobody owns the bank, and nobody was asked.
    (
        {"admin"},
        [
            "GET quizzes.owner_of_bank",
            "POST quizzes.name_owner_of_bank",
            "GET quizzes.appeal",
            "POST quizzes.answer_appeal",
            "POST quizzes.name_for_appeal",
        ],
    ),
    (
        {"admin", "approver", "auditor", "author"},
        [
            "GET quizzes.regrade",
            "GET quizzes.regrades",
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
            "GET certificates.batch",
            "GET certificates.batch_progress",
            "POST certificates.take_batch",
            "GET reports.cohort",
            "GET reports.cohort_clauses",
            "GET reports.cohort_rule",
            "GET reports.cohort_csv",
            "GET reports.cohort_number",
            "GET reports.cohort_trend",
            "GET reports.cohort_report",
            "GET reports.cohort_report_csv",
            "GET reports.cohort_report_xlsx",
            "GET reports.cohort_xlsx",
            "POST reports.print_cohort_report",
        ],
    ),
    (
        {"admin", "approver", "auditor", "author", "foreign_lead", "lead", "mentor"},
        [
            "GET training.list_plans",
            "GET training.plan",
            "GET training.plan_file",
        ],
    ),
    (
        {"foreign_lead", "lead", "mentor"},
        [
            "GET training.list_learners",
            "GET training.list_sessions",
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
            "GET quizzes.choose_file",
            "GET quizzes.edit",
            "GET quizzes.edit_question",
            "GET quizzes.new_bank",
            "GET quizzes.new_question",
            "GET quizzes.new_quiz",
            # The author answers for the quiz.
            "GET quizzes.owner_of_quiz",
            "GET quizzes.release",
            "POST quizzes.add_bank",
            "POST quizzes.add_question",
            "POST quizzes.add_quiz",
            "POST quizzes.name_owner_of_quiz",
            "POST quizzes.note_in_step",
            "POST quizzes.save_question",
            "POST quizzes.confirm_still_right",
            "POST quizzes.count_fitting",
            "POST quizzes.count_fitting_new",
            "POST quizzes.leave_out",
            "POST quizzes.look_ahead",
            "POST quizzes.release_results",
            "POST quizzes.save_quiz",
            "POST quizzes.send_file",
            "POST quizzes.try_new_paper",
            "POST quizzes.try_paper",
        ],
    ),
    (
        {"admin", "lead"},
        [
            "GET training.add_learners",
            "GET training.withdraw_cohort",
            "POST training.add_learners",
            "POST training.withdraw_cohort",
            "GET training.change_dates",
            "GET training.end",
            "GET training.event_date",
            "GET training.event_of_cohort",
            "GET training.exemption",
            "GET training.extension",
            "GET training.first_day",
            "GET training.invitation",
            "GET training.leave",
            "GET training.pause",
            "GET training.plan_extension",
            "GET training.take_back_extension",
            "GET training.take_back_plan_extension",
            "GET training.resumption",
            "GET training.other_plan",
            "GET training.version",
            "GET training.version_of_cohort",
            "POST training.end",
            "POST training.event_date",
            "POST training.event_of_cohort",
            "POST training.exemption",
            "POST training.extension",
            "POST training.first_day",
            "POST training.invitation",
            "POST training.pause",
            "POST training.plan_extension",
            "POST training.take_back_extension",
            "POST training.take_back_plan_extension",
            "POST training.resumption",
            "POST training.other_plan",
            "POST training.version",
            "POST training.version_of_cohort",
            "POST training.leave",
            "POST training.withdraw_leave",
            "GET calendars.team_shifts",
            "POST calendars.team_shifts",
            "POST calendars.end_leave_early",
            "POST calendars.record_leave",
            "POST calendars.record_shifts",
            "POST calendars.withdraw_leave",
            "POST calendars.withdraw_shifts",
            "GET quizzes.supervision",
            "POST quizzes.accept_late",
            "POST quizzes.extend",
            "POST quizzes.void",
            "POST quizzes.confirm_void",
            "POST quizzes.decline_void",
        ],
    ),
    (
        {"admin"},
        [
            "GET library.audience",
            "POST library.audience",
            "GET accounts.edit_person",
            "GET accounts.list_accommodations",
            "GET accounts.import_headings",
            "GET accounts.import_people",
            "GET accounts.invite",
            "GET organisation.list_jobs",
            "GET calendars.company_days",
            "GET organisation.market",
            "GET organisation.markets",
            "GET organisation.settings",
            # And policy owners, of whom the cast has none.
            "POST reports.back_to_product_rule",
            "POST reports.change_at_risk_rule",
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
            "POST certificates.confirm_batch",
            "POST certificates.decline_batch",
            "GET certificates.change_terms",
            "GET certificates.reinstate",
            "GET certificates.reissue",
            "GET certificates.suspend",
            "POST certificates.change_terms",
            "POST certificates.confirm_revocation",
            "POST certificates.decline_reissue",
            "POST certificates.decline_revocation",
            "POST certificates.reinstate",
            "POST certificates.reissue",
            "POST certificates.reissue_romanised",
            "POST certificates.request_revocation",
            "POST certificates.suspend",
            "POST organisation.add_market",
            "POST organisation.add_team",
            "POST organisation.cancel_job",
            "POST calendars.company_days",
            "POST calendars.withdraw_company_days",
            "POST organisation.change_market",
            "POST organisation.change_settings",
            "POST organisation.change_team",
            "POST organisation.retry_job",
        ],
    ),
    (
        # Authors see to it that reports are sent, and read none of them by that.
        {"admin", "auditor", "author", "foreign_lead", "lead"},
        [
            "GET reports.choose_cohort",
            "GET reports.list_schedules",
        ],
    ),
    (
        {"admin", "author", "lead"},
        [
            "GET reports.new_schedule",
            "POST reports.add_schedule",
        ],
    ),
    (
        # Who sees that it is sent, and does not get it, is told so.
        {"admin", "auditor", "author", "lead"},
        ["POST reports.unsubscribe"],
    ),
    (
        # The lead answers for it.
        {"admin", "lead"},
        [
            "GET reports.change_schedule",
            "POST reports.save_schedule",
            "POST reports.end_cohort_rule",
            "POST reports.set_cohort_rule",
            "POST reports.end_schedule",
        ],
    ),
    (
        # Who leads others sees the list, and those names are not in it.
        {"admin", "lead", "foreign_lead"},
        [
            "GET accounts.list_name_changes",
        ],
    ),
    (
        {"admin", "lead"},
        [
            "GET accounts.name_change",
            "POST accounts.confirm_name",
            "POST accounts.refuse_name",
        ],
    ),
    (
        {"admin", "lead", "foreign_lead"},
        [
            "GET quizzes.live",
            "GET training.new_cohort",
            "POST training.new_cohort",
        ],
    ),
    # The lead for somebody who has taken the quiz; what stands there of choices is another permission's.
    (
        {"admin", "approver", "author", "lead"},
        ["GET quizzes.export_statistics", "GET quizzes.statistics"],
    ),
    (
        {"graduate"},
        [
            "GET quizzes.attempt",
            "GET quizzes.attempt_picture",
            "GET quizzes.question_item",
            "GET quizzes.result",
            "POST quizzes.end_break",
            "POST quizzes.make_appeal",
            "POST quizzes.note_page",
            "POST quizzes.save_response",
            "POST quizzes.send_page",
            "POST training.ask_again",
            "POST training.hand_in",
        ],
    ),
    (
        # Notes: exactly those who supervise her, and she what is meant for her.
        {"graduate", "lead", "mentor"},
        [
            "GET mentoring.agenda",
            "GET mentoring.notes",
        ],
    ),
    (
        {"lead", "mentor"},
        [
            "POST mentoring.record_one_to_one",
            "POST mentoring.write_note",
        ],
    ),
    (
        # Who has written it.
        {"lead"},
        [
            "GET mentoring.change_note",
            "POST mentoring.change_note",
            "GET mentoring.take_back_talk",
            "POST mentoring.take_back_talk",
        ],
    ),
    (
        {"auditor", "graduate", "lead", "mentor"},
        [
            "GET training.evidence",
            "GET training.evidence_file",
        ],
    ),
    (
        {"lead"},
        [
            # What she has begun to put together is hers alone.
            "GET training.change_draft",
            "GET training.cohort_draft",
            "GET training.cohort_progress",
            "POST training.change_draft",
            "POST training.cohort_draft",
            "GET training.add_to_session",
            "GET training.cancel_session",
            "GET training.move_session",
            "GET training.session",
            "GET training.sign_off",
            "POST training.add_to_session",
            "POST training.cancel_session",
            "POST training.move_session",
            "POST training.session",
            "POST training.sign_off",
        ],
    ),
    # Others find nobody there whom they could expect.
    (
        {"lead"},
        [
            "GET training.plan_session",
            "POST training.plan_session",
        ],
    ),
    (
        NOBODY,
        [
            # Public by its token: whoever has made the address, and nobody who has not.
            "GET training.subscribed",
            "GET accounts.open_link",
            "GET accounts.preview_import",
            # Files of questions, by their own codes.
            "GET quizzes.export_progress",
            "GET quizzes.file_progress",
            "GET quizzes.look_at_export",
            "GET quizzes.look_at_file",
            "GET quizzes.look_at_question",
            "GET quizzes.save_export",
            "POST quizzes.leave_out_of_file",
            "POST quizzes.read_file_again",
            "POST quizzes.take_in_file",
            # For policy owners, of whom none is a member here.
            "POST library.approvals",
            "POST accounts.do_import",
            "GET quizzes.practice_picture",
            "GET quizzes.practice_question",
            # For who is asked about a case with a picture; none of the questions about this change is one.
            "GET acknowledgements.delta_picture",
            "POST accounts.confirm_accommodation",
            "POST accounts.end_accommodation",
            "POST quizzes.answer_practice",
            "POST accounts.end_role",
            "POST accounts.use_link",
        ],
    ),
    (
        SIGNED_IN,
        [
            "GET handover.list_handovers",
            "GET handover.new_stand_in",
            "GET handover.start",
            "POST handover.new_stand_in",
            "POST handover.start",
        ],
    ),
    (
        {"admin", "approver", "auditor", "author", "lead", "mentor"},
        [
            "GET handover.handover",
        ],
    ),
    (
        {"admin", "approver", "auditor", "author", "lead"},
        [
            "GET handover.item",
        ],
    ),
    (
        {"admin", "approver", "author", "lead"},
        [
            "GET handover.remove_evidence",
            "GET handover.remove_refusal",
            "POST handover.remove_evidence",
            "POST handover.remove_refusal",
        ],
    ),
    (
        {"admin", "lead"},
        [
            "GET handover.remove_stand_in_texts",
            "POST handover.remove_stand_in_texts",
        ],
    ),
    (
        {"approver"},
        [
            "POST handover.accept",
            "POST handover.begin_quiz",
            "POST handover.give_evidence",
            "POST handover.hand_in_quiz",
            "POST handover.refuse",
            "POST handover.take_back",
        ],
    ),
    (
        # Everybody who is to take something over.
        {"approver", "mentor"},
        [
            "POST handover.begin_quiz_about_all",
        ],
    ),
    (
        # Each lead sees the teams that she leads.
        {"admin", "auditor", "foreign_lead", "lead"},
        [
            "GET handover.rehearsals",
        ],
    ),
    (
        {"admin", "lead"},
        [
            "POST handover.begin_rehearsal",
        ],
    ),
    (
        # How a quiz went is for whoever took it, who hands over and who leads; for nobody else.
        {"approver", "author", "lead"},
        [
            "GET handover.quiz_try",
        ],
    ),
    (
        {"admin", "author", "lead"},
        [
            "POST handover.assign",
            "POST handover.meet",
            "POST handover.hand_back",
            "POST handover.name_successor",
        ],
    ),
    (
        {"admin", "auditor", "lead"},
        [
            "GET handover.stand_in",
        ],
    ),
    (
        {"lead"},
        [
            "GET handover.decline_stand_in",
            "POST handover.decline_stand_in",
        ],
    ),
    (
        {"admin", "lead"},
        [
            "GET handover.accept_orphans",
            "GET handover.call_off",
            "GET handover.close",
            "GET handover.move_last_day",
            "GET handover.remove_orphan_reasons",
            "POST handover.accept_orphans",
            "POST handover.call_off",
            "POST handover.close",
            "POST handover.end_stand_in",
            "POST handover.move_last_day",
            "POST handover.remove_orphan_reasons",
            "POST handover.take_back_orphan",
            "POST handover.waive",
        ],
    ),
]
MATRIX: dict[str, set[str]] = {route: who for who, routes in _ROWS for route in routes}

"""Who finds each secret of `secrets_world` somewhere in the product; everybody else must not."""

from __future__ import annotations

MEMBERS = (
    "learner",
    "colleague",
    "outsider",
    "lead",
    "foreign_lead",
    "mentor",
    "author",
    "approver",
    "auditor",
    "admin",
    "stranger",
)
# Nobody finds what stands with an empty set: it has no page among those asked, or not before a release.
WHO_MAY_SEE: dict[str, set[str]] = {
    # Of questions: nobody who learns before the result is out, and then she alone.
    "key_number": {"author", "approver", "admin"},
    "key_open": set(),
    "key_practised": {"learner"},
    "key_released": {"learner", "author", "approver", "admin"},
    "key_running": {"author", "approver", "admin"},
    "key_scored": set(),
    "key_unmarked": {"author"},
    "key_waiting": set(),
    "title_practised": {"learner"},
    "title_released": {"learner", "author", "approver", "auditor", "admin"},
    "title_running": {"author", "approver", "admin"},
    "title_unmarked": {"author", "approver", "admin"},
    # Pictures of cases: with the question, and no longer than it can be seen.
    **{f"picture_{name}": {"learner", "author", "approver", "admin"} for name in ("running", "released")},
    **{
        f"picture_{name}": {"author", "approver", "admin"}
        for name in ("impersonation", "late", "open", "practised", "scored", "unmarked", "void", "waiting")
    },
    # Of what others have.
    "answer_of_colleague": set(),
    "comment_of_colleague": set(),
    "decision_of_colleague": {"colleague", "lead", "auditor", "admin"},
    "exemption_of_colleague": {"lead", "author", "approver", "auditor", "admin"},
    # Of what the learner has answered, and of what is said about it.
    "answer_late": set(),
    "answer_released": {"learner"},
    "answer_running": {"learner"},
    "answer_unmarked": {"author"},
    "answer_void": set(),
    "answer_waiting": set(),
    "appeal_words": {"learner", "author", "admin"},
    "comment_released": {"learner"},
    "comment_unreleased": set(),
    "extension_of_attempt": {"lead", "auditor", "admin"},
    "mark_draft": {"author"},
    "regrade_reason": {"author", "approver", "auditor", "admin"},
    "score_unreleased": set(),
    "void_reason": {"learner", "lead", "auditor", "admin"},
    # Of her training, her time and her person.
    "share_label": {"learner"},
    "accommodation": {"learner", "admin"},
    "address_of_mail": {"learner", "auditor", "admin"},
    "code_of_attempt": {"learner", "lead", "auditor", "admin"},
    "code_of_certificate": {"learner", "lead", "auditor", "admin"},
    "code_of_practice": set(),
    "decision_waiting": {"lead", "auditor", "admin"},
    "employee_number": {"learner", "lead", "auditor", "admin"},
    "event_reason": {"learner", "lead", "mentor", "auditor", "admin"},
    "evidence": {"learner", "lead", "mentor", "auditor"},
    "evidence_file": {"learner", "lead", "mentor", "auditor"},
    "note_for_her": {"learner", "lead", "mentor"},
    "note_hidden": {"lead", "mentor"},
    "talk_taken_back": {"learner", "lead", "mentor"},
    "note_corrected": {"lead", "mentor"},
    "place_of_session": {"learner", "lead", "mentor", "auditor", "admin"},
    "exemption_reason": {"learner", "lead", "mentor", "auditor", "admin"},
    "extension_reason": {"learner", "lead", "mentor", "auditor", "admin"},
    "extension_taken_back": {"learner", "lead", "mentor", "auditor", "admin"},
    "leave": {"learner", "lead", "auditor", "admin"},
    "text_of_card": {"lead", "auditor"},
    "question_of_card": {"lead", "auditor"},
    # Whoever judges reads how it was judged before: here the author owns policies.
    "reason_of_criticality": {"lead", "author", "auditor", "admin"},
    "text_of_free_card": {"lead", "auditor"},
    # Only whoever asked and those who can confirm; who administers reads why, and not what.
    "text_to_be_taken_out": {"lead"},
    "reason_of_removal": {"lead", "admin"},
    "note_of_run": {"lead", "author", "auditor", "admin"},
    "reason_of_cycle": {"learner", "lead", "author", "auditor", "admin"},
    "revocation": {"auditor", "admin"},
    # Of handovers: a successor, who is none any more when she refused, is told of what she takes over, never why
    # somebody goes.
    "dossier_of_approver": {"lead", "author", "approver", "auditor"},
    "dossier_of_admin": {"lead", "author", "auditor"},
    "handover_evidence": {"lead", "author", "approver", "auditor", "admin"},
    "handover_refusal": {"lead", "author", "auditor", "admin"},
    "question_of_quiz": {"lead", "author", "approver", "auditor"},
    "handover_moved": {"lead", "author", "auditor", "admin"},
    "orphan_reason": {"lead", "admin"},
    "stand_in": {"lead", "approver", "auditor", "admin"},
    "stand_in_declined": {"lead", "approver", "auditor", "admin"},
    "sent_back": {"learner", "lead", "mentor", "auditor", "admin"},
    "statement": {"learner", "lead", "mentor", "auditor", "admin"},
    "token": set(),
    # Of texts that are not published, or not for her market.
    "draft": {"author", "approver", "auditor", "admin"},
    "draft_note": {"author"},
    "image": {"author", "approver", "auditor", "admin"},
    "kept_text": {"author", "approver", "auditor", "admin"},
    "plan_draft": {"author", "approver", "auditor", "admin"},
    "remark": {"author", "approver", "auditor", "admin"},
    "text_of_market": {"outsider", "foreign_lead", "author", "approver", "auditor", "admin"},
    # Of questions about rules.
    "answer_to_question": {"learner", "lead", "author", "approver", "auditor", "admin"},
    "question": {"learner", "lead", "author", "approver", "auditor", "admin"},
    # Of files that wait.
    "cohort_draft": {"lead"},
    "file_coming_in": {"author", "admin"},
    "people_coming_in": {"admin"},
}
# A subscribed calendar is read by whoever has its secret address, by a program that signs in to nothing; the learner
# can withdraw it. It says what her own calendar says.
BY_SECRET_ADDRESS: dict[str, set[str]] = {"place_of_session": {"training.subscribed"}}

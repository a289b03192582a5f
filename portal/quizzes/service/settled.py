"""What has become of appeals until now: whether something follows, who has still to do it, whether a result changed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from portal.core.i18n import LazyText
from portal.core.i18n import lazy_gettext as _l
from portal.core.mail import send_later
from portal.quizzes.models import Appeal, Marking, Regrade, Remedy
from portal.quizzes.queries import appeals


class Stage(StrEnum):
    """How far an appeal is."""

    WAITING = "waiting"
    NOT_UPHELD = "not_upheld"
    # Nobody answered it before the attempt was made void.
    LAPSED = "lapsed"
    # Upheld; nobody has proposed the rule, or what was proposed was declined.
    TO_PROPOSE = "to_propose"
    DECLINED = "declined"
    # The rule waits for a second person.
    TO_APPROVE = "to_approve"
    # Results are being marked by the rule, or the answer waits for another person.
    TO_MARK = "to_mark"
    # Marked again: the result has other points than before, or the same; what is on trial gives it none.
    CHANGED = "changed"
    UNCHANGED = "unchanged"


_NOT_AGREED = _l(
    "The question is to be marked by another rule for everybody who had it. Two people have to agree on the rule "
    "first, so your result has not changed yet. You get an email when this is settled."
)

# What follows from an appeal that was upheld, as the learner reads it on her page and in mails.
_BY_RULE: dict[Stage, LazyText] = {
    Stage.TO_PROPOSE: _NOT_AGREED,
    Stage.TO_APPROVE: _NOT_AGREED,
    Stage.DECLINED: _l(
        "The rule that was proposed for the question was not approved. Your result has not changed; you get an email "
        "if another rule is approved."
    ),
    Stage.TO_MARK: _l(
        "The question is being marked by another rule for everybody who had it. You get an email when this is done."
    ),
    Stage.CHANGED: _l("The question is marked by another rule now, and your result was marked again."),
    Stage.UNCHANGED: _l("The question is marked by another rule now. Your result has stayed the same."),
}
_BY_PERSON: dict[Stage, LazyText] = {
    Stage.TO_MARK: _l(
        "Another person marks your answer again. Your result has not changed yet; you get an email when this is done."
    ),
    Stage.CHANGED: _l("Another person has marked your answer again, and your result has changed."),
    Stage.UNCHANGED: _l("Another person has marked your answer again. Your result has stayed the same."),
}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an appeal is; `rule`: the regrade that answers it, where there is one."""

    stage: Stage
    remedy: Remedy | None
    rule: Regrade | None = None

    @property
    def follows(self) -> LazyText | str:
        """What follows from it now, for the learner; empty where it was not upheld, or waits."""
        return (_BY_PERSON if self.remedy is Remedy.REMARK else _BY_RULE).get(self.stage, "")


def progress_of(found: Collection[Appeal]) -> dict[int, Progress]:
    """Return appeal → how far it is now; an open one with the rule that may answer it already. Few statements."""
    if not found:
        return {}
    rules, marked = appeals.list_rules_for(found), appeals.list_marked_because(found)
    corrections = appeals.list_corrections_of(found)
    return {
        appeal.id: Progress(_stage(appeal, rule, corrections, is_marked=appeal.id in marked), appeal.remedy, rule)
        for appeal in found
        for rule in [rules.get(appeal.id) if appeal.remedy is not Remedy.REMARK else None]
    }


def _stage(appeal: Appeal, rule: Regrade | None, corrections: Collection[Marking], *, is_marked: bool) -> Stage:
    if appeal.answered_at is None:
        return Stage.WAITING
    if appeal.is_lapsed:
        return Stage.LAPSED
    if appeal.remedy is None:
        return Stage.NOT_UPHELD
    theirs = [each for each in corrections if appeal.item.is_scored and each.attempt_id == appeal.item.attempt_id]
    if appeal.remedy is Remedy.REMARK:
        if not is_marked:
            return Stage.TO_MARK
        return Stage.CHANGED if any(each.appeal_id == appeal.id for each in theirs) else Stage.UNCHANGED
    if rule is None:
        return Stage.TO_PROPOSE
    if rule.decided_at is None:
        return Stage.TO_APPROVE
    if not rule.is_approved:
        return Stage.DECLINED
    if any(each.regrade_id == rule.id for each in theirs):
        return Stage.CHANGED
    return Stage.UNCHANGED if rule.finished_at is not None else Stage.TO_MARK


def tell_by_rule(rule: Regrade) -> None:
    """Owe a mail to those whose appeals a rule that was carried out answers, and whose results are what they were."""
    upheld = appeals.list_upheld_about(rule.question_version_id)
    answered_by = appeals.list_rules_for(upheld)
    tell_unchanged([each for each in upheld if answered_by.get(each.id) is rule])


def tell_unchanged(found: Collection[Appeal]) -> None:
    """Owe a mail to those whose appeals are settled without another result: whoever has another one is told of that."""
    progress = progress_of(found)
    for appeal in found:
        if progress[appeal.id].stage is Stage.UNCHANGED:
            send_later(
                "quizzes.appeal_settled", {"code": appeal.code}, effect_key=f"quizzes.appeal_settled:{appeal.code}"
            )

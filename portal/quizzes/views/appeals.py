"""The pages of appeals: of the learner who questions an item, and of those who answer."""

from __future__ import annotations

from typing import Any

from flask import render_template, url_for
from werkzeug.wrappers import Response

from portal.accounts import queries as people
from portal.core import clock
from portal.core.access import actor, can, requires
from portal.core.errors import DomainError, NotFound
from portal.core.i18n import LazyText, format_instant, gettext, language
from portal.core.i18n import gettext as _
from portal.core.i18n import lazy_gettext as _l
from portal.core.once import Done, carry_out
from portal.quizzes import errors, queries
from portal.quizzes.forms import MOST_WORDS, AppealAnswerForm, AppealForm, NameForm
from portal.quizzes.models import Appeal, Attempt, Item, Regrade, Remedy
from portal.quizzes.permissions import ANSWER_APPEAL, PROPOSE_REGRADE, SEE_APPEALS, TAKE_ATTEMPT
from portal.quizzes.queries import appeals as looked_up
from portal.quizzes.queries import marking as by_hand
from portal.quizzes.service import appeals as service
from portal.quizzes.service import paper
from portal.quizzes.service.settled import Stage, progress_of
from portal.quizzes.views import afterwards, blueprint
from portal.quizzes.views.marking import tabs_for

REJECTED = "rejected"
# What an answerer sees of the question: she answers for it.
_ALL = frozenset({"correctness", "key", "rationale"})


# --- the learner -------------------------------------------------------------------------------


@blueprint.get("/attempts/<code>/questions/<int:position>/appeal")
@requires(TAKE_ATTEMPT, on=queries.get_attempt)
def question_item(attempt: Attempt, position: int) -> str:
    """Ask what is wrong with the marking of one question."""
    return _form(attempt, _item(attempt, position), AppealForm(formdata=None))


@blueprint.post("/attempts/<code>/questions/<int:position>/appeal")
@requires(TAKE_ATTEMPT, on=queries.get_attempt)
def make_appeal(attempt: Attempt, position: int) -> Response | tuple[str, int]:
    """Take an appeal."""
    item, form = _item(attempt, position), AppealForm()
    if not form.validate():
        return _form(attempt, item, form), 400

    def work() -> Done:
        service.make_appeal(attempt=attempt, item=item, words=form.words.data or "", by=actor())
        return Done(
            _("Your appeal has been sent. The answer comes by email and stands here."),
            url_for("quizzes.result", code=attempt.code, _anchor=f"question-{position}"),
        )

    try:
        return carry_out(work)
    except (errors.NoAppeal, errors.AppealOpen) as refused:
        return _form(attempt, item, form, str(refused)), refused.status


def _item(attempt: Attempt, position: int) -> Item:
    item = looked_up.get_item_of(attempt, position) if 0 < position < 10_000 else None
    if item is None or service.appeals_until(attempt) is None:
        # Before the release nothing of the question is shown here.
        raise NotFound()
    return item


def _form(attempt: Attempt, item: Item, form: AppealForm, refusal: str = "") -> str:
    now, show = clock.now(), frozenset(attempt.quiz_version.show)
    marking = queries.find_current_marking(attempt)
    points = {mark.item_id: mark for mark in marking.item_marks} if marking else {}
    until = service.appeals_until(attempt)
    mark = points.get(item.id)
    shown = paper.item_review(
        item,
        queries.list_citations([item.question_version_id]).get(item.question_version_id, []),
        language=language(),
        show=show,
        points=mark.points if mark else None,
    )
    afterwards.add_what_people_said([shown], [item], attempt, now=now, show=show)
    return render_template(
        "quizzes/make_appeal.html",
        quiz=str(attempt.quiz_version.title),
        quiz_slug=attempt.quiz_version.quiz.slug,
        number=item.position,
        attempt_no=attempt.attempt_no,
        code=attempt.code,
        item=shown,
        shows_key="key" in show,
        form=form,
        refusal=refusal,
        can_appeal=service.can_appeal(attempt, now) and looked_up.find_open(item.id) is None,
        limit=MOST_WORDS,
        days=service.appeal_days(attempt.quiz_version),
        until=format_instant(until, actor().time_zone) if until else "",
    )


# --- those who answer --------------------------------------------------------------------------


@blueprint.get("/appeals")
@requires(SEE_APPEALS)
def appeals() -> str:
    """List the appeals that the reader may answer, and those that were answered."""
    person = actor()
    waiting = looked_up.list_appeals_for(person, is_open=True)
    answered = looked_up.list_appeals_for(person, is_open=False, limit=50)
    progress = progress_of(answered)
    return render_template(
        "quizzes/appeals.html",
        tabs=tabs_for("appeals"),
        waiting=[_row(each, person.time_zone) for each in waiting],
        answered=[
            _row(each, person.time_zone)
            | {"state": _outcome(each), "lacks": str(_LACKS.get(progress[each.id].stage, ""))}
            for each in answered
        ],
    )


# What somebody has still to do so that an upheld appeal leads to something.
_LACKS: dict[Stage, LazyText] = {
    Stage.TO_PROPOSE: _l("No rule proposed yet"),
    Stage.DECLINED: _l("The rule was declined or taken back"),
    Stage.TO_APPROVE: _l("Waits for a second person"),
}


def _row(appeal: Appeal, zone: str) -> dict[str, Any]:
    version = appeal.item.question_version
    return {
        "title": version.read().title.in_(language()),
        "bank": str(version.question.bank.title),
        "href": url_for("quizzes.appeal", code=appeal.code),
        "words": appeal.words if len(appeal.words) <= 160 else f"{appeal.words[:159]}…",
        "made_at": format_instant(appeal.made_at, zone),
        "answered_at": format_instant(appeal.answered_at, zone) if appeal.answered_at else "",
    }


def _outcome(appeal: Appeal) -> str:
    if appeal.is_lapsed:
        return str(gettext("Ended without an answer: the attempt was made void"))
    if not appeal.is_upheld:
        return str(gettext("Not upheld"))
    return str(
        gettext("Upheld: marked again") if appeal.remedy is Remedy.REMARK else gettext("Upheld: regrade for everybody")
    )


@blueprint.get("/appeals/<code>")
@requires(ANSWER_APPEAL, on=looked_up.get_appeal)
def appeal(appeal: Appeal) -> str:
    """Show an appeal with the question, its key and the answer that it is about; nobody is named."""
    return _page(appeal, AppealAnswerForm(formdata=None), NameForm(formdata=None, prefix="name"))


def _page(appeal: Appeal, form: AppealAnswerForm, naming: NameForm, refusal: str = "") -> str:
    item, here, zone = appeal.item, language(), actor().time_zone
    version = item.question_version
    attempt = item.attempt
    marking = queries.find_current_marking(attempt)
    mark = next((each for each in marking.item_marks if each.item_id == item.id), None) if marking else None
    shown = paper.item_review(
        item,
        queries.list_citations([version.id]).get(version.id, []),
        language=here,
        show=_ALL,
        points=mark.points if mark else None,
        is_taker=False,
    )
    afterwards.add_what_people_said([shown], [item], attempt, now=clock.now(), show=_ALL)
    shown |= {"appeals": [], "appeal_href": None}
    progress = progress_of([appeal])[appeal.id]
    rule = progress.rule
    lacks_rule = progress.stage in (Stage.TO_PROPOSE, Stage.DECLINED)
    if not form.verdict.choices:
        _fill(form, appeal)
    _fill_names(naming, appeal)
    return render_template(
        "quizzes/appeal.html",
        title=version.read().title.in_(here),
        code=appeal.code,
        words=appeal.words,
        language_of_words=attempt.person.language,
        made_at=format_instant(appeal.made_at, zone),
        item=shown,
        form=form,
        naming=naming,
        refusal=refusal,
        is_open=appeal.answered_at is None,
        outcome=_outcome(appeal) if appeal.answered_at else "",
        answer=appeal.answer,
        named=[each.person.name_in(here) for each in appeal.referrals],
        bank=str(version.question.bank.title),
        number=version.number,
        limit=MOST_WORDS,
        follows=str(progress.follows),
        rule_state=_rule_words(rule) if rule is not None else "",
        rule_href=url_for("quizzes.regrade", code=rule.code) if rule is not None else None,
        lacks_rule=lacks_rule,
        propose_href=url_for(
            "quizzes.propose_regrade",
            slug=version.question.bank.slug,
            question=version.question.slug,
            version=version.number,
            appeal=appeal.code,
        )
        if lacks_rule and can(PROPOSE_REGRADE)
        else None,
    )


def _rule_words(rule: Regrade) -> str:
    """Say how far the rule is that answers an appeal."""
    if rule.decided_at is None:
        return _("Another rule for this question is proposed and waits for a second person.")
    if not rule.is_approved:
        if rule.decided_by != rule.proposed_by:
            return _("The rule that was proposed because of this appeal was declined: %(note)s", note=rule.note or "")
        if rule.note:
            return _("The rule that was proposed because of this appeal was taken back: %(note)s", note=rule.note)
        return _("The rule that was proposed because of this appeal was taken back.")
    if rule.finished_at is None:
        return _("Another rule for this question is approved, and results are being marked by it.")
    return _("This question is marked by another rule since the appeal was made.")


def _fill(form: AppealAnswerForm, appeal: Appeal) -> None:
    choices = [(Remedy.REGRADE.value, _("Uphold: the question is marked by another rule for everybody who had it"))]
    if by_hand.list_hand_marks([appeal.item_id]):
        choices.append((Remedy.REMARK.value, _("Uphold: another person marks this answer again")))
    form.verdict.choices = [*choices, (REJECTED, _("Do not uphold: the marking stays"))]


def _fill_names(form: NameForm, appeal: Appeal) -> None:
    here = language()
    # Whoever may answer anyway need not be asked, and the reader would ask herself.
    form.person.choices = [
        (each.code, each.name_in(here)) for each in looked_up.list_who_can_be_named(appeal) if each.id != actor().id
    ]


@blueprint.post("/appeals/<code>")
@requires(ANSWER_APPEAL, on=looked_up.get_appeal)
def answer_appeal(appeal: Appeal) -> Response | tuple[str, int]:
    """Uphold or reject an appeal."""
    form = AppealAnswerForm()
    _fill(form, appeal)
    naming = NameForm(formdata=None, prefix="name")
    if not form.validate():
        return _page(appeal, form, naming), 400
    verdict = form.verdict.data
    remedy = Remedy(verdict) if verdict != REJECTED else None

    def work() -> Done:
        service.answer_appeal(
            appeal=appeal, is_upheld=remedy is not None, remedy=remedy, answer=form.answer.data or "", by=actor()
        )
        said = _("The answer has been sent.")
        if remedy is Remedy.REGRADE and progress_of([appeal])[appeal.id].stage is Stage.TO_PROPOSE:
            said = (
                _("The answer has been sent. Now propose the rule; another person approves it.")
                if can(PROPOSE_REGRADE)
                else _("The answer has been sent. An author or an administrator proposes the rule now.")
            )
        return Done(said, url_for("quizzes.appeal", code=appeal.code))

    try:
        return carry_out(work)
    except DomainError as refused:
        return _page(appeal, form, naming, str(refused)), refused.status


@blueprint.post("/appeals/<code>/named")
@requires(ANSWER_APPEAL, on=looked_up.get_appeal)
def name_for_appeal(appeal: Appeal) -> Response | tuple[str, int]:
    """Ask somebody else to answer an appeal."""
    form = NameForm(prefix="name")
    _fill_names(form, appeal)
    if not form.validate():
        return _page(appeal, AppealAnswerForm(formdata=None), form), 400

    def work() -> Done:
        person = people.find_person(form.person.data or "")
        if person is None:
            raise errors.CannotBeNamed()
        service.name_person(appeal=appeal, person=person, by=actor())
        name = person.name_in(language())
        return Done(_("%(name)s has been asked by email.", name=name), url_for("quizzes.appeal", code=appeal.code))

    try:
        return carry_out(work)
    except DomainError as refused:
        return _page(appeal, AppealAnswerForm(formdata=None), form, str(refused)), refused.status

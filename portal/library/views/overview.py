"""What the overview of a draft shows: composed here, whoever asks for it and whatever was refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask import render_template, request, url_for

from portal.accounts import queries as accounts
from portal.accounts.models import Person
from portal.core import clock
from portal.core.access import actor, can
from portal.core.errors import DomainError
from portal.core.i18n import LANGUAGE_NAMES, LANGUAGES, format_instant, language, ngettext, other
from portal.core.i18n import gettext as _
from portal.core.i18n import lazy_gettext as _l
from portal.core.markdown import NOTHING, ClauseSource, TrustedHtml, remembering, render_clauses, split_clauses, visible
from portal.library import queries
from portal.library.errors import DraftChanged
from portal.library.forms import ApprovalForm, RemarkForm, SendBackForm
from portal.library.models import (
    GROUPS,
    ApprovalStep,
    AudienceKind,
    ChangeClass,
    DocumentVersion,
    Draft,
    DraftComment,
    DraftReview,
    DraftState,
    DraftText,
    KeptBecause,
    ReviewAct,
)
from portal.library.permissions import (
    COMMENT_ON_DRAFT,
    REVIEW_DRAFT,
    SEE_APPROVAL_STEPS,
    WRITE_DRAFT,
)
from portal.library.queries import drafts
from portal.library.queries.audience import count_difference
from portal.library.queries.drafting import list_kept, name_of
from portal.library.queries.redlines import ClauseRedline, redline_of_sources
from portal.library.rules import changes_between
from portal.library.rules import drafts as rules
from portal.library.rules.lint import Finding
from portal.library.service import absorbed, lint, overlays, reviews, versions
from portal.library.service.changed import changed_in_draft, compared_with, groups_of, notes_of
from portal.library.service.panels import clause_notes_for, draft_panels_for
from portal.library.service.texts import TextDraft, can_be_split, resolver
from portal.library.views import (
    CHANGE_CLASSES,
    KINDS,
    LANGUAGE_WORDS,
    WARNINGS,
    audience_words,
    market_name,
    words_of_audience,
)

# A text of more clauses has a link to the form at each of them, not the form.
MOST_FORMS = 150
# As much as somebody reads at one sitting; what is beyond it is named, not compared word by word.
REDLINE_ROOM = 120_000
REDLINE_CLAUSES = 120
# What each class means for those who read the document.
CLASS_MEANINGS = {
    ChangeClass.EDITORIAL: _l("Nothing changes at work, and nobody is asked anything."),
    ChangeClass.MINOR: _l("Something gets clearer or changes a little. Nobody is asked to confirm it again."),
    ChangeClass.MATERIAL: _l(
        "People have to act differently. The audience confirms it again, "
        "and questions about changed clauses are checked."
    ),
    ChangeClass.EMERGENCY: _l("Like a material change, but it cannot wait: the audience is asked at once."),
}
STATES = {
    DraftState.WRITING: ("draft", _l("Being written")),
    DraftState.IN_REVIEW: ("waiting", _l("Waiting for approval")),
    DraftState.APPROVED: ("issued", _l("Approved, not published yet")),
    DraftState.PUBLISHED: ("done", _l("Published")),
    DraftState.DISCARDED: ("withdrawn", _l("Discarded")),
}
KEPT_WORDS = {
    KeptBecause.JOINED: _l("As it was before two texts became one"),
    KeptBecause.DECIDED: _l("As it was before somebody decided between two texts"),
    KeptBecause.FOLLOWS_BASE: _l("As it was before a clause began to follow the base text again"),
}
ACTS = {
    ReviewAct.SUBMITTED: _l("Submitted for approval"),
    ReviewAct.TAKEN_BACK: _l("Taken back"),
    ReviewAct.SENT_BACK: _l("Sent back"),
    ReviewAct.APPROVED: _l("Approved"),
    ReviewAct.OUTDATED: _l("Overtaken by another version"),
    ReviewAct.PUBLISHED: _l("Published"),
    ReviewAct.DISCARDED: _l("Discarded"),
}


@dataclass(frozen=True, slots=True)
class _Shown:
    """A clause of a draft on its overview."""

    id: str
    anchor: str
    level: int
    sensitivity: str
    heading: TrustedHtml
    html: TrustedHtml
    # In the words of the page: changed, new, moved, not up to date; empty for none.
    mark: str
    # What a market does to it; empty where the base says it, and in every other text.
    mode: str
    remarks: list[dict[str, Any]]


@remembering()
def overview(
    draft: Draft,
    *,
    shown: str | None = None,
    refused: DomainError | None = None,
    approval: ApprovalForm | None = None,
    send_back: SendBackForm | None = None,
    remark: RemarkForm | None = None,
) -> str:
    person, here = actor(), language()
    document = draft.document
    title, title_language = name_of(draft, here)
    steps, authors = drafts.list_chain(document), drafts.list_authors(draft)
    codes = {author.code for author in authors} | {draft.begun_by}
    people = {each.code: each for each in accounts.list_people_of(_codes_of(draft, steps))} | {
        each.code: each for each in authors
    }
    told = lint.examine(draft) if draft.state.value in rules.OPEN else []
    wanted = shown or request.args.get("text", "")
    texts = {text.language: text for text in overlays.texts_of_draft(draft)}
    present = [each for each in LANGUAGES if each in texts and texts[each].source.strip()]
    tag = wanted if wanted in present else here if here in present else document.authoritative
    is_writer, is_approver = can(WRITE_DRAFT, draft), can(REVIEW_DRAFT, draft)
    verdict = reviews.verdict_for(draft, person, steps=steps, authors=codes)
    may_approve = is_approver and verdict.refusal is None
    changes = _changes(draft, texts)
    redline, left_out = _redline(draft, texts.get(tag))
    findings = _findings(draft, told)
    against = compared_with(draft)
    comments = drafts.list_comments(draft)
    standing = drafts.clauses_in(texts[tag].source) if tag in texts else {}
    still_open = [each for each in comments if each.settled_at is None]
    open_in = {spoken: sum(each.language == spoken for each in still_open) for spoken in LANGUAGES}
    text = _text(draft, tag, texts, changes=changes, comments=comments)
    return render_template(
        "library/draft.html",
        draft=draft,
        document=document,
        title=title,
        title_language=title_language if title_language != here else None,
        state=STATES[draft.state],
        kind=KINDS[document.kind],
        facts=_facts(draft, people, texts),
        market=_market(draft, texts, here),
        situation=_situation(draft, steps, codes, people, is_writer=is_writer, may_approve=may_approve),
        refused=refused,
        others=_others(draft),
        findings=findings,
        stopping=sum(each["stops"] for each in findings),
        can_write=is_writer,
        can_submit=is_writer and draft.state is DraftState.WRITING and not any(each.stops for each in told),
        can_take_back=is_writer and draft.state in (DraftState.IN_REVIEW, DraftState.APPROVED),
        can_send_back=is_approver
        and person.code not in codes
        and draft.state in (DraftState.IN_REVIEW, DraftState.APPROVED),
        can_comment=can(COMMENT_ON_DRAFT, draft) and draft.state.value in rules.OPEN,
        approve=_approve(draft, steps, approval) if may_approve else None,
        own_remarks=sum(each.person_id == person.id for each in still_open),
        send_back=send_back or send_back_form(draft),
        remark=remark,
        is_long=len(text["clauses"]) > MOST_FORMS,
        remark_at=(remark.anchor.data or "") if remark is not None else request.args.get("remark", ""),
        changes=changes,
        redline=redline,
        left_out=left_out,
        against=against,
        against_words=_against_words(draft, against),
        against_href=url_for("library.read_version", slug=against.document.slug, number=against.number)
        if against is not None
        else None,
        withdrawn=_withdrawn_between(draft, against),
        since=_since(draft, refused, approval),
        panels=draft_panels_for(person, draft),
        notes=clause_notes_for(person, draft),
        tabs=[
            {
                "label": LANGUAGE_NAMES[each],
                "lang": each,
                "href": address_of(draft, text=each, _anchor="text_"),
                "current": each == tag,
                "count": open_in[each] or None,
            }
            for each in present
        ],
        tag=tag,
        text=text,
        whole=_remarks([each for each in comments if each.anchor not in standing], tag, names_clause=True),
        open_remarks=len(still_open),
        path=_path(draft, steps, people),
        kept=_kept(draft),
        audience=_audience(draft),
        warnings=WARNINGS,
        deciding_language=LANGUAGE_WORDS[document.authoritative].in_(here),
        steps_href=url_for("library.approvals", slug=document.slug) if can(SEE_APPROVAL_STEPS, document) else None,
        read_href=url_for("library.read", slug=document.slug) if document.versions else None,
        edit_href=f"/drafts/{draft.code}/edit" if is_writer and draft.state is DraftState.WRITING else None,
        limit=reviews.REMARK_LIMIT,
    )


def _codes_of(draft: Draft, steps: Sequence[ApprovalStep]) -> set[str]:
    codes = {review.by for review in draft.reviews} | {
        review.instead_of for review in draft.reviews if review.instead_of
    }
    chain = {each.code for step in steps for each in (step.approver, step.deputy) if each is not None}
    return codes | chain | {draft.begun_by}


def _name(people: Mapping[str, Person], code: str) -> str:
    found = people.get(code)
    return found.name_in(language()) if found else _("the portal itself") if code == reviews.SYSTEM else code


def _market(draft: Draft, texts: Mapping[str, TextDraft], here: str) -> dict[str, Any] | None:
    """Return what a market does otherwise, clause by clause in the order of its text; None for every other text."""
    if draft.over is None or draft.document.base is None:
        return None
    text = texts.get(here) or texts.get(draft.document.authoritative)
    clauses = split_clauses(text.source) if text is not None and can_be_split(text.source) else []
    modes = overlays.modes_of_draft(draft)
    headings = {clause.anchor: clause.heading for clause in clauses}
    # A translation leaves out what it does not have its part of.
    order = [anchor for anchor in headings if anchor in modes] + [anchor for anchor in modes if anchor not in headings]
    return {
        "name": market_name(draft.document.market),
        "over": draft.over.number,
        "base_href": url_for("library.read_version", slug=draft.document.base.slug, number=draft.over.number),
        "desk_href": url_for("library.base_of_draft", code=draft.code),
        "language": text.language if text is not None else here,
        "clauses": [
            {"anchor": anchor, "heading": headings.get(anchor, ""), "mode": modes[anchor].value} for anchor in order
        ],
    }


def _against_words(draft: Draft, against: DocumentVersion | None) -> str:
    if against is None:
        return ""
    if draft.based_on is None:
        return _("Version %(number)s of the base text", number=against.number)
    return _("Version %(number)s", number=against.number)


def _facts(draft: Draft, people: Mapping[str, Person], texts: Mapping[str, TextDraft]) -> list[tuple[str, Any]]:
    document, here = draft.document, language()
    second = texts.get(other(document.authoritative))
    behind = overlays.behind_of_text(draft, list(texts.values()), other(document.authoritative))
    if second is None or not second.source.strip():
        follows = _("Not translated yet")
    elif behind:
        follows = ngettext("Behind in %(num)d clause", "Behind in %(num)d clauses", len(behind))
    else:
        follows = _("Up to date")
    return [
        (_("Document"), {"as_is": document.slug, "lang": None}),
        (_("Market"), market_name(document.market) if document.market else None),
        (_("Laid over"), _("Version %(number)s of the base text", number=draft.over.number) if draft.over else None),
        (_("Brought from the base text"), _brought(draft)),
        (_("Version proposed"), draft.number),
        (
            _("Starting version"),
            _("Version %(number)s", number=draft.based_on.number) if draft.based_on else _("First version"),
        ),
        (_("Change class"), CHANGE_CLASSES[draft.change_class] if draft.change_class else _("Not chosen yet")),
        (_("To be published"), _instant(draft, "issue") or _("As soon as it is approved")),
        (_("To take effect"), _instant(draft, "effective") or _("When it is published")),
        (_("Audience"), words_of_audience(_then(draft)) if draft.audience is not None else audience_words(document)),
        (LANGUAGE_WORDS[other(document.authoritative)].in_(here), follows),
        (_("Author"), _name(people, draft.begun_by)),
    ]


def _brought(draft: Draft) -> str | None:
    """Return the versions of its base that a market's draft takes over, with their classes."""
    taken = [
        _(
            "%(number)s (%(class)s)",
            **{"number": each.version.number, "class": CHANGE_CLASSES[each.version.change_class]},
        )
        for each in absorbed.absorbed_by(draft)
    ]
    return _(", ").join(taken) or None


def _instant(draft: Draft, which: str) -> str:
    """Return an instant in the zone of the proposal, and in the reader's where that is another one."""
    at = draft.issue_at if which == "issue" else draft.effective_at
    if at is None:
        return ""
    there, own = format_instant(at, draft.zone), format_instant(at, actor().time_zone)
    return there if there == own else _("%(there)s (here: %(own)s)", there=there, own=own)


def _situation(
    draft: Draft,
    steps: Sequence[ApprovalStep],
    authors: set[str],
    people: Mapping[str, Person],
    *,
    is_writer: bool,
    may_approve: bool,
) -> dict[str, str] | None:
    """Return what the reader should know first: for whom the draft waits, why it came back, when it is published."""
    last = draft.reviews[-1] if draft.reviews else None
    match draft.state:
        case DraftState.WRITING if last is not None and last.act is ReviewAct.SENT_BACK:
            title = _("%(name)s has sent the draft back", name=_name(people, last.by))
            proposed = CHANGE_CLASSES[last.change_class] if last.change_class else None
            more = _("Proposed change class: %(class)s", **{"class": proposed}) if proposed else ""
            return {"kind": "warning", "title": title, "quote": last.reason, "text": more}
        case DraftState.WRITING if last is not None and _is_from_base(last):
            title = _("Version %(number)s of the base text was published first", number=last.reason)
            followed = overlays.followed_version(draft.document.base) if draft.document.base is not None else None
            if followed is not None and followed.id != draft.over_id:
                text = _(
                    "How the draft is laid over it is decided on its page “Base text”. Nothing of this draft is lost."
                )
            else:
                text = _("The draft is laid over the new version of the base text. Look at it, and submit it again.")
            return {"kind": "warning", "title": title, "quote": "", "text": text}
        case DraftState.WRITING if last is not None and last.act is ReviewAct.OUTDATED:
            text = _("Take over what changed in between. Nothing of this draft is lost, and nothing was overwritten.")
            return {"kind": "warning", "title": _("Another version was published first"), "quote": "", "text": text}
        case DraftState.IN_REVIEW:
            waiting = reviews.approvers_now(draft, steps, authors)
            names = (", " if language() == "en" else "、").join(each.name_in(language()) for each in waiting)
            step = rules.next_step(reviews.chain_of(steps), reviews.given_for(draft))
            if may_approve:
                title = _("The draft waits for this account's approval")
            elif not waiting:
                title = _("Nobody can approve the draft at the moment")
            else:
                title = _("The draft waits for an approval")
            said = [_("Step %(step)s of %(steps)s.", step=step.position, steps=len(steps))] if step else []
            if waiting and not may_approve:
                said.append(_("It can be approved by: %(names)s.", names=names))
            elif not waiting:
                said.append(
                    _(
                        "Those who may approve it have written in it, or do not hold the role any more. "
                        "A policy owner can set other approvers."
                    )
                )
            text = (" " if language() == "en" else "").join(said)
            return {"kind": "info" if waiting else "warning", "title": title, "quote": draft.note, "text": text}
        case DraftState.APPROVED if draft.issue_at is not None:
            when = format_instant(draft.issue_at, draft.zone)
            if draft.issue_at <= clock.now():
                text = _("Its time was %(when)s. It is published as soon as background work goes on.", when=when)
                return {"kind": "warning", "title": _("The publication is late"), "quote": "", "text": text}
            title = _("Approved; it will be published on %(when)s", when=when)
            text = _("Until then it can be taken back.") if is_writer else ""
            return {"kind": "success", "title": title, "quote": "", "text": text}
        case _:
            return None


def _is_from_base(review: DraftReview) -> bool:
    """Say whether a draft came back because its base has moved; `reason` is the number of that version then."""
    return review.act is ReviewAct.OUTDATED and bool(review.reason)


def _findings(draft: Draft, told: Sequence[lint.Told]) -> list[dict[str, Any]]:
    """Return the findings in words; those that say the same of several places are said once, with all of them."""
    can_edit = can(WRITE_DRAFT, draft) and draft.state is DraftState.WRITING
    groups: dict[tuple[str, ...], dict[str, Any]] = {}
    for each in told:
        finding = each.finding
        group = groups.setdefault(
            (finding.level, finding.language, each.what, each.mend),
            {
                "what": each.what,
                "mend": each.mend,
                "stops": each.stops,
                "language": LANGUAGE_WORDS[finding.language].in_(language()) if finding.language else "",
                "places": [],
                "href": None,
            },
        )
        href = _where_to_change(draft, finding) if can_edit else None
        if finding.anchor or finding.line:
            group["places"].append({"anchor": finding.anchor, "line": finding.line, "href": href})
        else:
            group["href"] = href
    return list(groups.values())


def _where_to_change(draft: Draft, finding: Finding) -> str:
    """Return where in the editor somebody mends what was found."""
    if finding.kind == "outdated":
        return f"/drafts/{draft.code}/take-over"
    if finding.kind == "base_moved":
        return url_for("library.base_of_draft", code=draft.code)
    text = f"?text={finding.language}" if finding.language else ""
    line = f"#line-{finding.line}" if finding.line else ""
    return f"/drafts/{draft.code}/edit{text}{line}"


def _approve(draft: Draft, steps: Sequence[ApprovalStep], form: ApprovalForm | None) -> dict[str, Any]:
    """Return what the form of an approval says: what it approves, and what follows."""
    given = [*reviews.given_for(draft)]
    left = len({step.position for step in steps} - {approval.step for approval in given})
    if left > 1:
        label = _("Approve this step")
    elif draft.issue_at is not None and draft.issue_at > clock.now():
        label = _("Approve for publication on its day")
    else:
        label = _("Approve and publish")
    assert draft.change_class is not None
    return {
        "label": label,
        "seen": drafts.hash_of_draft(draft),
        "class": draft.change_class.value,
        "class_name": CHANGE_CLASSES[draft.change_class],
        "meaning": CLASS_MEANINGS[draft.change_class],
        "is_checked": bool(form.is_confirmed.data) if form is not None else False,
    }


def address_of(draft: Draft, **values: Any) -> str:
    """Return where the overview of a draft is."""
    return url_for("library.draft", code=draft.code, **values)


def send_back_form(draft: Draft) -> SendBackForm:
    form = SendBackForm()
    others = [each for each in ChangeClass if each is not draft.change_class]
    form.change_class.choices = [
        ("", _("The proposed one is right")),
        *((each.value, CHANGE_CLASSES[each]) for each in others),
    ]
    return form


def _withdrawn_between(draft: Draft, compared: DocumentVersion | None) -> str:
    """Return the number of the withdrawn version from which the draft was begun, where it is compared with another."""
    base = draft.based_on
    return base.number if base is not None and compared is not None and base.id != compared.id else ""


def _changes(draft: Draft, texts: Mapping[str, TextDraft]) -> dict[str, Any]:
    """Return which clauses differ from what the draft is compared with, in the languages that there are."""
    deciding = texts.get(draft.document.authoritative)
    new = drafts.clauses_in(deciding.source) if deciding is not None else {}
    before = compared_with(draft)
    if before is None:
        return {"is_first": True, "is_empty": not new, "marks": {}}
    found = changed_in_draft(before, draft)
    clauses = found.clauses
    marks = dict.fromkeys(found.placed, _("At another place"))
    marks |= dict.fromkeys(clauses.changed, _("Changed")) | dict.fromkeys(clauses.added, _("New"))
    marks |= {anchor: _("Moved; before: %(id)s", id=origin) for origin, anchor in clauses.moved}
    here = language()
    return {
        "is_first": False,
        "is_empty": found.is_empty,
        "marks": {
            draft.document.authoritative: marks,
            **{
                tag: dict.fromkeys(anchors, _("Changed in this language only"))
                for tag, anchors in (found.only_in or {}).items()
            },
        },
        "groups": groups_of(found, here),
        "notes": notes_of(found, here),
    }


def _redline(draft: Draft, text: TextDraft | None) -> tuple[tuple[ClauseRedline, ...], int]:
    """Return what became of the clauses of what the draft is compared with, in a language that both have.

    And how many that differ are left out, because the page would take long to make and to read.
    """
    against = compared_with(draft)
    before = against.text_in(text.language) if against is not None and text is not None else None
    if text is None or before is None or not can_be_split(text.source):
        return (), 0
    tag = text.language
    old, new = ({each.anchor: each for each in split_clauses(source)} for source in (before.source, text.source))
    own = {clause.anchor: clause.heading for clause in (*old.values(), *new.values())}
    shown, room = set(), REDLINE_ROOM
    differing = [anchor for anchor in {**new, **old} if _differ(old.get(anchor), new.get(anchor))]
    for anchor in differing[:REDLINE_CLAUSES]:
        room -= sum(_weight(each.source) for each in (old.get(anchor), new.get(anchor)) if each is not None)
        if room >= 0:
            shown.add(anchor)
    resolve = resolver(draft.document.slug, own, versions.heading_elsewhere, tag)
    pictures = queries.pictures_of(draft.document.slug)
    only = shown if len(shown) < len(differing) else None
    redline = redline_of_sources(before.source, text.source, tag, resolve=resolve, pictures=pictures, only=only)
    return redline.changed, len(differing) - len(shown)


def _weight(source: str) -> int:
    """Return how much work a text is to compare, in characters of prose; each line and each cell is its own piece."""
    return len(source) + 20 * (source.count("\n") + source.count("|"))


def _differ(old: ClauseSource | None, new: ClauseSource | None) -> bool:
    return old is None or new is None or old.hash != new.hash


def _since(draft: Draft, refused: DomainError | None, form: ApprovalForm | None) -> dict[str, Any] | None:
    """Return what changed since somebody looked last: since the form was loaded, or since the submission before."""
    submitted = drafts.submissions_of(draft)
    if isinstance(refused, DraftChanged) and form is not None:
        seen = [review for review in submitted if review.hash == form.seen.data]
        return _differences(draft, seen[-1]) if seen else None
    if draft.state is DraftState.IN_REVIEW and len(submitted) > 1:
        return _differences(draft, submitted[-2])
    return None


def _differences(draft: Draft, before: DraftReview) -> dict[str, Any]:
    now, rows = overlays.clause_map(draft), []
    for tag, clauses in now.items():
        changes = changes_between((before.clauses or {}).get(tag, {}), clauses)
        anchors = [*changes.changed, *changes.added, *(anchor for _origin, anchor in changes.moved)]
        if anchors or changes.removed:
            rows.append(
                {
                    "language": LANGUAGE_WORDS[tag].in_(language()),
                    "tag": tag,
                    "anchors": anchors,
                    "removed": changes.removed,
                }
            )
    return {"at": before.at, "rows": rows}


def _others(draft: Draft) -> list[dict[str, Any]]:
    """Return the other drafts of the document that are open: one publication overtakes the rest of them."""
    if draft.state.value not in rules.OPEN:
        return []
    return [
        {
            "number": each.number,
            "href": address_of(each),
            "state": STATES[each.state],
            "issue": format_instant(each.issue_at, each.zone)
            if each.state is DraftState.APPROVED and each.issue_at is not None
            else "",
            "loses": each.state in (DraftState.IN_REVIEW, DraftState.APPROVED),
        }
        for each in drafts.list_open_drafts(draft.document)
        if each.id != draft.id
    ]


def _then(draft: Draft) -> dict[AudienceKind, list[str]]:
    """Return to whom the document is to be addressed once the draft is published."""
    return {kind: list((draft.audience or {}).get(kind.value, [])) for kind in GROUPS}


def _audience(draft: Draft) -> dict[str, Any] | None:
    """Return the audience before and after a draft that changes it, and how many people that adds and loses."""
    if draft.audience is None or draft.state.value not in rules.OPEN:
        return None
    added, lost = count_difference(draft.document, _then(draft))
    return {
        "before": audience_words(draft.document),
        "after": words_of_audience(_then(draft)),
        "added": sum(added.values()),
        "added_where": _where(added),
        "lost": sum(lost.values()),
        "lost_where": _where(lost),
    }


def _where(counted: Mapping[str, int]) -> str:
    return (", " if language() == "en" else "、").join(
        _("%(market)s %(number)s", market=market_name(code), number=number) for code, number in counted.items()
    )


def _kept(draft: Draft) -> list[dict[str, str]]:
    """Return the texts that are kept besides those that are saved, the last first."""
    found, here = list_kept(draft), language()
    names = {each.code: each.name_in(here) for each in accounts.list_people_of({each.written_by for each in found})}
    return [
        {
            "href": url_for("library.earlier_text", code=draft.code, kept=each.code),
            "language": LANGUAGE_WORDS[each.language].in_(here),
            "by": names.get(each.written_by, each.written_by),
            "at": format_instant(each.at, actor().time_zone),
            "why": str(KEPT_WORDS[each.because]),
        }
        for each in found
    ]


def _remarks(comments: Sequence[DraftComment], shown: str, *, names_clause: bool = False) -> list[dict[str, Any]]:
    """Return remarks as a page shows them beside the text of a language; those on the other one say so."""
    zone, here = actor().time_zone, language()
    return [
        {
            "code": each.code,
            "by": each.person.name_in(here),
            "at": format_instant(each.at, zone),
            "body": each.body,
            "anchor": each.anchor if names_clause else "",
            "language": LANGUAGE_WORDS[each.language].in_(here) if each.language != shown else "",
            "is_settled": each.settled_at is not None,
        }
        for each in comments
    ]


def _text(
    draft: Draft,
    tag: str,
    texts: Mapping[str, TextDraft],
    *,
    changes: Mapping[str, Any],
    comments: Sequence[DraftComment],
) -> dict[str, Any]:
    """Return the text in a language clause by clause, each with its remarks."""
    text = texts.get(tag)
    document = draft.document
    if text is None or not text.source.strip():
        return {"clauses": [], "footnotes": NOTHING, "problem": _("There is no text yet."), "head": _head(text)}
    if not can_be_split(text.source):
        return {
            "clauses": [],
            "footnotes": NOTHING,
            "problem": _("The text is beyond what can be shown; the findings say why."),
            "head": _head(text),
        }
    sources = split_clauses(text.source)
    own = {clause.anchor: clause.heading for clause in sources}
    rendered = render_clauses(
        text.source,
        resolve=resolver(document.slug, own, versions.heading_elsewhere, tag),
        language=tag,
        pictures=queries.pictures_of(document.slug),
    )
    behind = set(overlays.behind_of_text(draft, list(texts.values()), tag))
    modes = overlays.modes_of_draft(draft)
    marks: Mapping[str, str] = changes["marks"].get(tag, {})
    by_clause: dict[str, list[DraftComment]] = {}
    for each in comments:
        by_clause.setdefault(each.anchor, []).append(each)
    shown, taken = [], set()
    for number, (source, part) in enumerate(zip(sources, rendered.clauses, strict=True), start=1):
        is_new = bool(source.anchor) and source.anchor not in taken
        taken.add(source.anchor)
        shown.append(
            _Shown(
                # A heading without an id, or with one that stands twice, has none that could be cited.
                id=source.anchor if is_new else f"clause_{number}",
                anchor=source.anchor if is_new else "",
                level=min(max(source.level, 2) + 1, 6),
                sensitivity=source.sensitivity if source.sensitivity in WARNINGS else "S0",
                heading=part.heading,
                html=part.body,
                mark=_("Not up to date") if source.anchor in behind else marks.get(source.anchor, ""),
                mode=modes[source.anchor].value if is_new and source.anchor in modes else "",
                remarks=_remarks(by_clause.get(source.anchor, []), tag) if is_new else [],
            )
        )
    head = _head(_lines_shown(draft, text))
    return {"clauses": shown, "footnotes": rendered.footnotes, "problem": "", "head": head}


def _lines_shown(draft: Draft, text: TextDraft) -> TextDraft:
    """Return a text without what its base says to do differently, where a market has its own say in that."""
    written = draft.text_in(text.language)
    is_own = written is not None and bool(written.what_to_do_differently.strip())
    if draft.over is None or is_own or not text.what_to_do_differently:
        return text
    is_told = overlays.is_told_otherwise(draft.over, overlays.modes_of_draft(draft))
    return replace(text, what_to_do_differently="") if is_told else text


def _head(text: DraftText | TextDraft | None) -> dict[str, str] | None:
    """Return what stands beside a text, as it may be shown."""
    names = ("summary", "what_to_do_differently", "attestation")
    return None if text is None else {name: visible(getattr(text, name)) for name in names}


def _path(draft: Draft, steps: Sequence[ApprovalStep], people: Mapping[str, Person]) -> list[dict[str, Any]]:
    """Return what was done and what is still to come, as posts of a path."""
    posts: list[dict[str, Any]] = [
        {
            "title": _("Begun by %(name)s", name=_name(people, draft.begun_by)),
            "state": "done",
            "date": format_instant(draft.begun_at, actor().time_zone),
            "quote": "",
            "meta": [],
        }
    ]
    for review in draft.reviews:
        meta = [_name(people, review.by)]
        if review.step is not None:
            meta.append(_("Step %(step)s", step=review.step))
        if review.instead_of:
            meta.append(_("instead of %(name)s", name=_name(people, review.instead_of)))
        if review.change_class is not None and review.act is ReviewAct.SENT_BACK:
            meta.append(_("Proposed change class: %(class)s", **{"class": CHANGE_CLASSES[review.change_class]}))
        posts.append(
            {
                "title": _("Back, because version %(number)s of the base text was published", number=review.reason)
                if _is_from_base(review)
                else ACTS[review.act],
                "state": "done",
                "date": format_instant(review.at, actor().time_zone),
                "quote": "" if _is_from_base(review) else review.reason,
                "meta": meta,
            }
        )
    if draft.state is DraftState.IN_REVIEW:
        posts += _steps_to_come(draft, steps)
    if draft.state is DraftState.APPROVED and draft.issue_at is not None:
        when = format_instant(draft.issue_at, draft.zone)
        posts.append({"title": _("Publication"), "state": "waiting", "date": when, "quote": "", "meta": []})
    return posts


def _steps_to_come(draft: Draft, steps: Sequence[ApprovalStep]) -> list[dict[str, Any]]:
    given = {approval.step for approval in reviews.given_for(draft)}
    left = [step for step in steps if step.position not in given]
    if not steps:
        return [{"title": _("Approval"), "state": "waiting", "date": None, "quote": "", "meta": []}]
    here = language()
    return [
        {
            "title": _("Approval, step %(step)s of %(steps)s", step=step.position, steps=len(steps)),
            "state": "waiting" if step is left[0] else "ahead",
            "date": None,
            "quote": "",
            "meta": [
                step.approver.name_in(here),
                *([_("deputy: %(name)s", name=step.deputy.name_in(here))] if step.deputy else []),
            ],
        }
        for step in left
    ]

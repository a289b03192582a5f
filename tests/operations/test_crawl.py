"""Whoever reads the demo organisation, in either language, can follow everything that she is offered."""

from __future__ import annotations

import typing
from collections.abc import Mapping

import pytest
from flask import Flask, Response
from werkzeug.test import TestResponse

from portal import wiring
from portal.accounts import queries as accounts
from portal.accounts.models import Person
from portal.certificates import queries as certificates
from portal.core import clock
from portal.core.access import signed_in
from portal.core.errors import NotFound
from portal.operations import demo
from portal.training import queries as training
from tests.builders import Cast
from tests.crawl import Crawl, Extent, Words, empty_parts, words_of_names
from tests.demo import DAY, load_demo
from tests.page_client import Page
from tests.volume import NIGHTLY

# Who reads: every role of the demo, by the part of the address before the @.
READERS = {
    "learner": "yui.takahashi",
    "learner (English)": "daniel.okafor",
    "lead": "sato.ken",
    "mentor": "kobayashi.mei",
    "author": "yamada.hiroko",
    "policy owner": "mori.akiko",
    "approver": "ito.jun",
    "admin": "grace.muller",
    "auditor": "samuel.lindqvist",
    "wellbeing contact": "kimura.nao",
    "lead (another market)": "rosa.delgado",
    "learner (a check failed twice)": "eguchi.sayaka",
    "lead (begins a cohort)": "nishimura.sayuri",
    "mentor (under another name)": "ikeda.saki",
}
STRANGER = ["/", "/sign-in", "/verify", "/help"]
# What is typed, or is offered on the page of one person among many: everybody begins there, too, where she may.
TYPED = ["/search?q=SNS"]
# Of whose trainings the lead opens the dates: one is paused, one has leave, one was given time; one has an event.
DATES = {
    "hasegawa.takahiro": "account-safety-practice",
    "fukusaki.nozomi": "account-safety-practice",
    "igarashi.momoko": "account-safety-practice",
    "aoki.haruka": "account-safety-calibration",
}
USUAL = Extent(of_each=1, tries=2, readers=3, in_both=False, by_question=False)
WHOLE = Extent(of_each=4, tries=20, readers=len(READERS) + 1, in_both=True, by_question=False)

# Words that are the same in Japanese.
ALLOWED = {
    "the organisation and the product": "Hibiki Shirube",
    "formats of files and encodings": "CSV XLSX PDF ZIP XML Markdown GIFT Moodle QTI Aiken ANSWER Shift_JIS",
    "formats of pictures": "PNG JPEG GIF WebP",
    "units, zones of time, a mathematical function": "KB MB JST UTC CST CDT log",
    "keys": "Enter Ctrl Alt Shift Delete",
    "products of others": "Google Outlook Apple Excel Open Badges",
    "words that Japanese writes in Latin letters": "ID URL QR ATM SNS PR BAN SOP IP CSAM",
    "an office abroad and its service": "NCMEC CyberTipline",
    "what each language calls itself": "English 日本語",
    "codes of markets": "JP US",
    "names as an example of how one is written": "Tanaka Hanako タナカ ハナコ",
    "a book": "Brennan Generalizability Theory",
    "addresses as an example": "account-safety fan-accounts impersonation-basics practice weekly-calibration",
}

# What may lead on to another page, and why.
REDIRECTS = {
    "operations.start": "the first page is another one for everybody",
    "library.new_document": "a draft for a market is begun at the base document",
    "library.market_texts_of": "a market's text is managed with its base",
    "library.read": "the reader's market has a text of its own",
    "backfill.places": "who sees one place only is led to it",
    "quizzes.next_review": "the next question that waits",
    "acknowledgements.delta": "what is asked has not changed, or is confirmed: the text itself is shown",
    "operations.help_index": "strangers are sent to the sign-in page",
}

# What is never found by following links, and why.
UNSEEN = {
    "asked by machines": "operations.healthz operations.readyz certificates.did certificates.issuer certificates.jwks "
    "certificates.status_list",
    "asked by the modules of a page": "certificates.batch_progress library.complete_clause library.draft_pulse "
    "quizzes.export_progress quizzes.file_progress reports.file_progress training.cohort_progress "
    "training.plan_draft_pulse",
    "behind a secret address that only its owner is told": "accounts.open_link certificates.shared training.subscribed",
    "after a form was sent, which a reader of links does not": "accounts.link_asked_for accounts.preview_import "
    "accounts.welcome library.ask_for_draft quizzes.change_again quizzes.look_at_export "
    "quizzes.look_at_file quizzes.look_at_question quizzes.save_export",
    "files of the look, and its sheets for development": "ui.static ui.components",
    "made by the worker, which does not run here": "certificates.badge certificates.download gradebook.transcript_pdf "
    "handover.issued_pdf",
    "addresses without a number, which lead on to the newest": "library.print_view",
    "pictures, of which nothing that ships has one": "acknowledgements.delta_picture library.image "
    "quizzes.attempt_picture quizzes.bank_picture quizzes.practice_picture",
    "while something is under way, which begins with a press": "quizzes.attempt quizzes.practice_question",
}
# What the demo has no example of, and why that is as it should be.
LACKING = {
    "nobody has settled yet what two wrote at once": "library.earlier_text",
    "no draft of a text was overtaken by another of the same text": "library.compare_versions",
    "every result is out at once or when a hand has marked it": "quizzes.release",
    "no decision about a grade was taken back": "gradebook.withdraw",
    "what was left without an owner was not accepted by two": "handover.remove_orphan_reasons",
    "nobody was given time for a whole plan": "training.take_back_plan_extension",
}


def _crawl(app: Flask) -> Crawl:
    people = load_demo(day=DAY)
    everybody = accounts.list_people(limit=None)
    words = Words(words_of_names(everybody), frozenset(" ".join(ALLOWED.values()).split()))
    crawl = Crawl(app, words, WHOLE if NIGHTLY else USUAL, [place.endpoint for place in wiring.NAVIGATION])
    for who, name in READERS.items():
        crawl.read_as(who, people[name], ["/"], [*TYPED, *_asked_by(who, people)])
    crawl.read_as("stranger", None, STRANGER)
    return crawl


def _asked_by(who: str, people: Mapping[str, Person]) -> list[str]:
    """Return the pages of single people that somebody looks for; those before them have nothing of the kind."""
    if who == "admin":
        # One of hers is suspended.
        hers = certificates.list_certificates_of(people["yamada.hiroko"].id)
        return [f"/people/{people['park.jisoo'].code}/shifts", *(f"/certificates/{each.number}" for each in hers)]
    if who != "lead":
        return []
    found = []
    for name, slug in DATES.items():
        enrollments = training.list_enrollments_of(people[name].id)
        found += [f"/training/{each.code}/dates" for each in enrollments if each.version.plan.slug == slug]
    return [*found, f"/people/{people['fukusaki.nozomi'].code}/leave"]


def _among(reasons: dict[str, str]) -> set[str]:
    return set(" ".join(reasons.values()).split())


@pytest.mark.timeout(3600)
def test_whoever_reads_the_demo_can_follow_what_she_is_offered(app: Flask) -> None:
    with clock.frozen(demo.moment_of(DAY, 12)):
        crawl = _crawl(app)
    faults = [f"{fault}: {visit}" for visit in crawl.visits for fault in visit.faults]
    led = {visit.link.endpoint for visit in crawl.visits if visit.leads_to}
    faults += [f"leads elsewhere, and nothing says why: {each}" for each in sorted(filter(None, led - set(REDIRECTS)))]
    if NIGHTLY:
        faults += _not_lived_in(app, crawl)
    assert not faults, "\n".join(faults)


def _not_lived_in(app: Flask, crawl: Crawl) -> list[str]:
    """Return the pages that stand empty, whoever looks; only who reads everything can tell."""
    pages = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or ()) and rule.endpoint not in REDIRECTS
    }
    unseen = _among(UNSEEN) | _among(LACKING)
    faults = [f"nobody sees it filled: {each}" for each in sorted(pages - crawl.filled - unseen)]
    return faults + [f"is seen, though it is said not to be: {each}" for each in sorted(pages & crawl.filled & unseen)]


# -- that the reader would find it


def _page(body: str, language: str) -> Page:
    html = (
        f'<!doctype html><html lang="{language}"><head><title>T</title></head><body><main>{body}</main></body></html>'
    )
    return Page(typing.cast("TestResponse", Response(html)))


JUDGE = Words(frozenset({"Okafor", "佐藤"}), frozenset({"CSV"}))


@pytest.mark.parametrize(
    "body",
    [
        "<p>保存 Save</p>",
        '<p title="Save">保存</p>',
        '<button aria-label="Close">×</button>',
        '<input placeholder="Search" aria-label="検索">',
        '<img src="/x" alt="Picture">',
        "<select><option>Open</option></select>",
        '<p lang="en"><span lang="ja">保存 Save</span></p>',
        '<div class="prose"><p>This paragraph was never translated.</p></div>',
    ],
)
def test_english_on_a_japanese_page_is_found_wherever_it_is_read_out(body: str) -> None:
    assert len(JUDGE.foreign_in(_page(body, "ja"))) == 1


@pytest.mark.parametrize(
    "body",
    [
        "<p>OkaforさんのCSV</p>",
        '<p lang="en">Save</p>',
        '<p>理由：<span translate="no">She left the rota.</span></p>',
        "<p><code>flask worker</code></p>",
        "<p>sato@hibiki.example、https://portal.example/verify、Asia/Tokyo、EM-2026-0004、WXKEAEYMZSYF</p>",
        "<p>§ appeals、動物虐待 (animal-abuse)、{plan}、plans/名前.toml</p>",
        '<div class="prose"><p>表示名に「official」を入れてはならない。</p></div>',
    ],
)
def test_names_addresses_codes_and_what_people_wrote_are_no_english(body: str) -> None:
    assert JUDGE.foreign_in(_page(body, "ja")) == []


def test_japanese_on_an_english_page_is_found_and_names_are_not() -> None:
    assert len(JUDGE.foreign_in(_page("<p>Reason: 担当替えのため</p>", "en"))) == 1
    assert JUDGE.foreign_in(_page('<p>佐藤 <span lang="ja">サトウ</span></p>', "en")) == []


@pytest.mark.parametrize(
    "body",
    [
        "<h2>History</h2>",
        "<h1>Plan</h1><p>Words</p><section><h2>Steps</h2></section><section><h2>People</h2><p>Nobody</p></section>",
        "<h1>Plan</h1><h2>Steps</h2><h3>First</h3>",
        "<h1>Plan</h1><table><thead><tr><th>Name</th></tr></thead><tbody></tbody></table><p>Words</p>",
        "<h1>Plan</h1><ul></ul><p>Words</p>",
        "<h1>Plan</h1><dl></dl><p>Words</p>",
        "<h1>Plan</h1><p></p><p>Words</p>",
    ],
)
def test_what_stands_empty_is_found(body: str) -> None:
    assert empty_parts(_page(body, "en"))


@pytest.mark.parametrize(
    "body",
    [
        "<h1>Plan</h1><h2>Steps</h2><h3>First</h3><p>Words</p>",
        '<h1>Plan</h1><img src="/x" alt="">',
        "<h1>Plan</h1><table><thead><tr><th>Name</th></tr></thead><tbody><tr><th>A</th></tr></tbody></table>",
        '<h1>Plan</h1><p role="status"></p><p>Words</p>',
        '<h1>Plan</h1><p>Words</p><section aria-hidden="true"><h2>To write on</h2></section>',
    ],
)
def test_what_is_filled_or_waits_for_something_to_happen_is_not_empty(body: str) -> None:
    assert empty_parts(_page(body, "en")) == []


@pytest.mark.parametrize(
    ("error", "said"), [(NotFound, "answers 404"), (ZeroDivisionError, "fails: ZeroDivisionError")]
)
def test_a_link_that_leads_nowhere_is_found_with_who_was_offered_it_and_where(
    app: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch, error: type[Exception], said: str
) -> None:
    def broken(name: str) -> str:
        raise error()

    monkeypatch.setitem(app.view_functions, "operations.help_page", signed_in(broken))
    crawl = Crawl(app, Words(words_of_names([cast.learner]), frozenset()), USUAL, [])
    crawl.read_as("learner", cast.learner, ["/help"])
    (found,) = [each for each in crawl.visits if each.link.endpoint == "operations.help_page" and each.faults][:1]
    assert found.faults[0].startswith(said)
    assert (found.who, found.offered_by) == ("learner", "/help")

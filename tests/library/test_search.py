# Tables of words read best with long lines.
# ruff: noqa: E501
"""The search: everything that the words say, nothing else, and nothing that the person may not read."""

from __future__ import annotations

import random
import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, text, update

from portal.accounts.models import Person, Role, Scope
from portal.core import clock, folding, jobs, search, word_forms
from portal.core.db import session
from portal.core.i18n import Words
from portal.core.search import SearchEntry, SearchText
from portal.core.transaction import own_transaction
from portal.library.models import AudienceKind, ChangeClass, DocumentKind
from portal.library.service import documents, versions
from portal.library.service.glossary import TermDraft, set_glossary
from tests.builders import Cast, make_grant
from tests.library.builders import EN, JA, english, japanese, make_document, make_published, make_version, soon
from tests.queries import counted_queries
from tests.quizzes.builders import make_quiz
from tests.volume import examples


def found(words: str, person: Person, **options: Any) -> list[str]:
    """Return the addresses of what is found, best first."""
    return [hit.address for hit in search.search(folding.parse(words), person, limit=1_000, **options).hits]


def one_clause(body: str) -> str:
    return f"## A heading {{#clause}}\n\n{body}\n"


def test_clauses_documents_and_terms_are_found_in_both_languages(cast: Cast) -> None:
    make_published(cast.author)
    with own_transaction():
        set_glossary(
            terms=[
                TermDraft("label", Words("label", "ラベル"), Words("A sign on it.", "目印です。"), ("tag",), ("札",))
            ],
            by=cast.author,
        )
    assert found("ファンアカウント", cast.learner) == ["impersonation#fan-accounts"]
    assert found("Impersonation", cast.learner) == ["impersonation"]
    assert found("なりすまし", cast.colleague) == ["impersonation"]
    assert found("ラベル", cast.learner) == ["label"]
    assert found("札", cast.learner) == ["label"], "who looks for a word that is not to be used finds the right one"
    assert found("label", cast.learner) == ["label", "impersonation#fan-accounts"]
    assert found("foot", cast.learner) == ["impersonation"], "a footnote is the document's"


def test_a_folded_word_finds_what_is_written_otherwise(cast: Cast) -> None:
    make_published(cast.author)
    for words in (
        "ﾌｧﾝｱｶｳﾝﾄ",
        "ＦＡＮ",
        "fan Account",
        "Fán",
        "fan-accounts",
        "ふぁんあかうんと",
        "ファンアカウントー",
        "impersonation#fan",
        "impersonation#fan-accounts",
    ):
        assert "impersonation#fan-accounts" in found(words, cast.learner), words
    assert found("ふあん", cast.learner) == []


def test_other_forms_of_a_word_are_found_after_the_very_word(cast: Cast) -> None:
    make_published(
        cast.author,
        texts=[
            english(
                "## First {#first}\n\nA policy is reviewed.\n\n## Second {#second}\n\nPolicies, and one review of them all.\n\n"
                "## Policy {#third}\n\nNothing more.\n\n## Police {#fourth}\n\nThe previewed.\n"
            ),
            japanese(
                "## 一 {#first}\n\n個人情報の取扱いです。\n\n## 二 {#second}\n\n個人情報の取り扱いを定めます。\n\n"
                "## 取扱 {#third}\n\n以上。\n\n## 扱い {#fourth}\n\n組合のこと。組み合わせは別です。\n"
            ),
        ],
    )

    def anchors(words: str, **options: Any) -> list[str]:
        return [address.partition("#")[2] for address in found(words, cast.learner, **options)]

    assert anchors("policies") == ["third", "second", "first"], "a heading first, then the very word, then another form"
    assert anchors("policy") == ["third", "first", "second"]
    assert anchors("reviewing") == ["first", "second"]
    assert anchors("reviews policy") == ["first", "second"]
    assert anchors('"policies"') == ["second"], "in quotes nothing but that"
    assert anchors('"取扱い"') == ["first"]
    assert anchors("取り扱い") == ["third", "second", "first"]
    assert anchors("取扱い") == ["third", "first", "second"]
    assert anchors("取扱") == ["third", "first", "second"]
    assert anchors("情報の取り扱いを") == ["second"]
    assert sorted(anchors("情報の取扱")) == ["first", "second"]
    assert anchors("扱い") == ["fourth", "first", "second"]
    assert anchors("組合せ") == anchors("組み合わせ") == ["fourth"]
    assert anchors("policies", language="ja") == anchors("取扱", language="en") == []
    assert anchors("取扱い policies") == ["third", "first", "second"]


def test_other_forms_are_marked_on_the_page(cast: Cast, as_: Any) -> None:
    make_published(
        cast.author,
        texts=[english(one_clause("An appeal is read.")), japanese(one_clause("異議の申立てを読みます。"))],
    )
    page = as_(cast.colleague).get("library.search", q="appeals")
    assert [mark.text for mark in page.all("mark")] == ["appeal"]
    page = as_(cast.learner).get("library.search", q="申し立て")
    assert [mark.text for mark in page.all("mark")] == ["申立て"]


def test_marks_of_the_markdown_are_not_found(cast: Cast) -> None:
    make_published(
        cast.author,
        texts=[
            english(
                one_clause("A **bold**ly [kept](https://example.org/hidden) word.\n\n| a | b |\n|---|--:|\n| c | d |")
            )
        ],
    )
    assert found("boldly", cast.learner)
    assert found('"boldly kept word"', cast.learner)
    assert found("hidden", cast.learner) == []


def test_what_spans_two_texts_is_no_hit(cast: Cast) -> None:
    make_published(
        cast.author,
        texts=[english("## First word {#one}\n\nSecond thing.\n"), japanese("## 前半 {#one}\n\n後半です。\n")],
    )
    assert found("word second", cast.learner) == ["impersonation#one"]
    assert found('"word second"', cast.learner) == []
    assert found("前半後半", cast.learner) == []
    assert found("first 後半", cast.learner) == ["impersonation#one"], "each word may be in either language"
    assert found("first 後半", cast.learner, language="ja") == []


def test_three_words_are_not_in_a_row_because_each_two_of_them_are(cast: Cast) -> None:
    make_published(cast.author, texts=[english(one_clause("First we label. Then label accounts."))])
    assert found('"we label"', cast.learner) == found('"label acc"', cast.learner) == ["impersonation#clause"]
    assert found('"we label accounts"', cast.learner) == found('"label we"', cast.learner) == []


# --- substring truth ------------------------------------------------------------------------------

_JA_BITS = [
    "異議",
    "申立",
    "申し立て",
    "取り扱い",
    "取扱",
    "て",
    "の",
    "アカウント",
    "表示",
    "確認",
    "期限",
    "A",
    "２",
    "、",
    "。",
    "ー",
    "々",
    "𠮷",
]
_EN_BITS = [
    "appeal",
    "appeals",
    "appealing",
    "policies",
    "policy",
    "account",
    "a",
    "an",
    "review",
    "reviewer",
    "label",
    "'s",
    "-",
    ". ",
    "2026",
    "é",
]


def _random_text(dice: random.Random, bits: list[str], between: str) -> str:
    return between.join(dice.choice(bits) for _bit in range(dice.randint(3, 14)))


def _brute_force(words: str, body: str) -> bool:
    """Say whether each word of the query is in the text, by regular expressions over folded text and the rule of forms."""

    def runs(given: str) -> list[str]:
        japanese_run = "[\u3005\u3041-\u30ff\u4e00-\u9fff\U00020000-\U0002ffff]+"
        found = re.findall(f"{japanese_run}|[a-z0-9]+", folding.fold(given))
        return [re.sub("(?<=[ぁ-ゖー][ぁ-ゖ])ー+(?![ぁ-ゖゝゞー])", "", run) for run in found]

    whole = "|" + "|".join(runs(body)) + "|"
    for word in words.split():
        if len(runs(word)) == 1 and word_forms.stem(runs(word)[0]) in map(word_forms.stem, runs(body)):
            continue
        pattern = "\\|".join(map(re.escape, runs(word)))
        if not pattern:
            continue
        first, last = runs(word)[0], runs(word)[-1]
        before = "\\|" if first.isascii() else ""
        after = "\\|" if last.isascii() and len(last) <= 2 else ""
        if re.search(before + pattern + after, whole):
            continue
        if not word_forms.has_compound(word):
            return False
        if not re.search(before + word_forms.shortened(pattern) + after, word_forms.shortened(whole)):
            return False
    return True


def _brute_force_in_a_row(words: str, body: str) -> bool:
    """Say whether the very words stand in a row in the text, the last as a word may begin."""
    wanted, there = folding.told(words).split(), folding.told(body).split()
    for start in range(len(there) - len(wanted) + 1):
        row = list(zip(wanted, there[start:], strict=False))
        inner, (last, in_text) = row[1:-1], row[-1]
        if len(wanted) == 1:
            if (
                last in in_text
                if not last.isascii()
                else in_text == last or (len(last) > 2 and in_text.startswith(last))
            ):
                return True
            continue
        first, first_in_text = row[0]
        begins = first_in_text == first if first.isascii() else first_in_text.endswith(first)
        ends = in_text == last or (in_text.startswith(last) and (len(last) > 2 or not last.isascii()))
        if begins and ends and all(wants == has for wants, has in inner):
            return True
    return False


@pytest.mark.parametrize("seed", range(examples(1)))
def test_exactly_what_holds_the_words_is_found(cast: Cast, seed: int) -> None:
    dice = random.Random(seed)
    bodies = {}
    with own_transaction():
        for number in range(30):
            slug = f"document-{number}"
            document = documents.create_document(slug=slug, kind=DocumentKind.LESSON, by=cast.author)
            bodies[slug] = (_random_text(dice, _EN_BITS, " "), _random_text(dice, _JA_BITS, ""))
            versions.import_version(
                document=document, number="1.0", change_class=ChangeClass.MINOR, effective_at=clock.now(), zone="UTC",
                texts=[
                    english(f"## Zz {{#clause}}\n\nx{bodies[slug][0]}\n", title="Yy"),
                    japanese(f"## ぬ {{#clause}}\n\n{bodies[slug][1]}\n", title="ぬ"),
                ],
                by=cast.author,
            )  # fmt: skip
    queries = [
        *_EN_BITS, *_JA_BITS,
        *(_random_text(dice, _JA_BITS, "")[: dice.randint(1, 6)] for _query in range(60)),
        *(_random_text(dice, _EN_BITS, " ")[: dice.randint(1, 14)] for _query in range(40)),
        *(dice.choice(bodies[slug])[dice.randint(0, 4) :][:7] for slug in bodies for _query in range(2)),
    ]  # fmt: skip
    for words in queries:
        query = folding.parse(words.replace('"', ""))
        if not query:
            continue
        expected = {
            f"{slug}#clause"
            for slug, (in_english, in_japanese) in bodies.items()
            if all(
                _brute_force(word, f"x{in_english}") or _brute_force(word, in_japanese)
                for word in words.replace('"', "").split()
            )
        }
        assert set(found(words, cast.learner, kinds=["clause"])) == expected, words
    for _phrase in range(80):
        words = " ".join(dice.choices([*_EN_BITS, *_JA_BITS], k=dice.randint(2, 3)))[: dice.randint(3, 20)]
        if not folding.parse(f'"{words}"'):
            continue
        expected = {
            f"{slug}#clause"
            for slug, texts in bodies.items()
            if any(_brute_force_in_a_row(words, f"{start}{body}") for start, body in zip(("x", ""), texts, strict=True))
        }
        assert set(found(f'"{words}"', cast.learner, kinds=["clause"])) == expected, words


def test_of_what_is_found_very_often_the_same_come_first_as_if_all_were_ranked(
    cast: Cast, as_: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    heads = [
        ("Appeals", "異議申立て"), ("Appeal", "異議"), ("On appeals", "異議の扱い"), ("Answering", "取り扱い"),
        ("Appealing twice", "取扱"), ("Other", "の"), ("Answer to appeals", "措置"), ("Fans", "異議申立"),
    ]  # fmt: skip
    says = [
        ("An answer to appeals.", "異議申立ての取り扱いです。"), ("Appeals have an answer.", "取扱いの異議申立です。"),
        ("They appealed; we answer to appeals.", "異議の申立ての措置です。"), ("Nothing.", "の。"),
        ("Answers.", "取り扱いの措置、異議申し立て。"),
    ]  # fmt: skip
    for number, (head_en, head_ja) in enumerate(heads):
        body_en, body_ja = says[number % len(says)]
        make_published(
            cast.author,
            f"rule-{number}",
            texts=[
                english(f"## {head_en} {{#clause}}\n\n{body_en}{' More.' * (number % 4)}\n"),
                japanese(f"## {head_ja} {{#clause}}\n\n{body_ja}{'以上。' * (number % 4)}\n"),
            ],
        )
    queries = ("appeals", "appeal", "answer appeals", '"answer to appeals"', '"to appeals"', "異議申立ての取り扱い", "措置です", "異議", "異議申立て", "取り扱い", "取扱 異議", "の", "rule-3",
               "rule-3#clause", "措置 の")  # fmt: skip
    ways: list[dict[str, Any]] = [{}, {"language": "ja"}, {"language": "en"}, {"kinds": ["clause"]}]
    expected = {
        (words, place): found(words, cast.learner, **way) for words in queries for place, way in enumerate(ways)
    }
    assert max(map(len, expected.values())) > 7, "or nothing would be looked up in stages"
    # However few of what the index finds are looked at more closely at first.
    for most, looked_at, texts_looked_into in (
        (0, 8, 1.5),
        (1, 8, 1.5),
        (3, 8, 1.5),
        (7, 8, 1.5),
        (3, 1, 0.5),
        (7, 1, 0),
    ):
        monkeypatch.setattr(search, "MOST_LISTED", most)
        monkeypatch.setattr(search, "_LOOKED_AT", looked_at)
        monkeypatch.setattr(search, "_LOOKED_AT_FIRST", 25 * looked_at)
        monkeypatch.setattr(search, "_TEXTS_LOOKED_INTO", texts_looked_into)
        for (words, place), addresses in expected.items():
            assert found(words, cast.learner, **ways[place]) == addresses[:most], (most, words, ways[place])
    monkeypatch.setattr(search, "MOST_LISTED", 3)
    page = as_(cast.learner).get("library.search", q="appeals")
    assert "表示できる件数を超えています" in page.text
    assert "3件超" in page.text
    third = search.search(folding.parse("appeals"), cast.learner, limit=1, offset=2).hits
    assert [hit.address for hit in third] == expected["appeals", 0][2:3], "a later page goes on where the first ended"


def test_what_is_headed_so_in_the_other_language_alone_is_not_found_in_stages(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [("Zebra", "しま", "None."), ("Other", "別", "zebra です。"), ("Third", "三", "zebra もあります。")]
    for number, (head_en, head_ja, said) in enumerate(texts):
        make_published(
            cast.author,
            f"animal-{number}",
            texts=[
                english(f"## {head_en} {{#clause}}\n\nText.\n"),
                japanese(f"## {head_ja} {{#clause}}\n\n{said}\n"),
            ],
        )
    monkeypatch.setattr(search, "MOST_LISTED", 1)
    assert found("zebra", cast.learner, language="ja") == ["animal-1#clause"]
    monkeypatch.setattr(search, "MOST_LISTED", 2)
    assert set(found("zebra", cast.learner, language="ja")) == {"animal-1#clause", "animal-2#clause"}


def test_more_places_than_a_database_keeps_are_no_obstacle(cast: Cast) -> None:
    """PostgreSQL keeps 256 places of a word and none after the 16,383rd; what is at the end is found all the same."""
    make_published(
        cast.author,
        texts=[english(one_clause("word " * 20_000 + "the very end")), japanese(one_clause("ああ" * 9_000 + "終わり"))],
    )
    assert found('"word the very end"', cast.learner) == ["impersonation#clause"]
    assert found("ああああああ終わり", cast.learner) == ["impersonation#clause"]
    assert found('"word the end"', cast.learner) == []


def test_a_text_of_the_largest_size_with_nothing_twice_can_be_published(cast: Cast) -> None:
    characters = [chr(code) for code in (*range(0x4E00, 0x9FFF), *range(0x3400, 0x4DBF))]
    random.Random(1).shuffle(characters)
    lines = ["".join(characters[start : start + 900]) for start in range(0, len(characters), 900)]
    body = "\n\n".join([*lines, *(line[::-1] for line in lines), *(line[::7] for line in lines)])[:84_000]
    make_published(cast.author, texts=[english(one_clause(body)), japanese(one_clause(body))])
    assert found(lines[20][400:450], cast.learner) == ["impersonation#clause"]


# --- who finds what -------------------------------------------------------------------------------


def test_nobody_finds_what_is_not_addressed_to_her(cast: Cast) -> None:
    make_published(cast.author, "for-japan", audience={AudienceKind.MARKET: ["JP"]})
    make_published(cast.author, "for-the-team", audience={AudienceKind.TEAM: ["account-safety"]})
    make_published(cast.author, "for-leads", audience={AudienceKind.ROLE: ["lead"]})
    make_published(cast.author, "for-leads-abroad", audience={AudienceKind.MARKET: ["US"], AudienceKind.ROLE: ["lead"]})
    make_published(cast.author, "for-all")
    here = {"for-japan", "for-the-team", "for-all"}
    everything = here | {"for-leads", "for-leads-abroad"}
    expected = {
        "learner": here, "colleague": here, "lead": here | {"for-leads"}, "author": everything, "approver": everything,
        "admin": everything, "outsider": {"for-all"},
    }  # fmt: skip
    for name, person in cast.everyone().items():
        by_words = {address.partition("#")[0] for address in found("fan", person)}
        by_address = {address.partition("#")[0] for slug in everything for address in found(f"{slug}#fan", person)}
        assert (by_words, by_address) == (expected[name], expected[name]), name
        counts = search.search(folding.parse("fan"), person).counts
        assert sum(counts.values()) == len(expected[name]), "nor is it counted"


def test_who_writes_for_a_market_finds_what_applies_there(cast: Cast) -> None:
    make_published(cast.author, "for-america", audience={AudienceKind.MARKET: ["US"]})
    make_published(cast.author, "for-the-team", audience={AudienceKind.TEAM: ["payments-safety"]})
    assert found("fan", cast.learner) == []
    make_grant(cast.learner, Role.AUTHOR, Scope.MARKET, "US")
    session.expire_all()
    assert sorted(found("fan", cast.learner)) == ["for-america#fan-accounts", "for-the-team#fan-accounts"]


def test_a_new_audience_holds_at_once(cast: Cast) -> None:
    version = make_published(cast.author)
    assert found("fan", cast.outsider)
    with own_transaction():
        documents.set_audience(document=version.document, audience={AudienceKind.MARKET: ["JP"]}, by=cast.author)
    assert found("fan", cast.outsider) == []


def test_questions_are_found_by_those_who_read_banks_alone(cast: Cast, as_: Any) -> None:
    make_quiz(cast.author)
    author = search.search(folding.parse("question"), cast.author)
    assert author.counts.get("question")
    for person in (cast.learner, cast.lead, cast.outsider):
        assert "question" not in search.search(folding.parse("question"), person).counts
    page = as_(cast.author).get("library.search", q="question", kind="question")
    assert any(link.startswith("/banks/impersonation/") for link in page.links())


# --- over time ------------------------------------------------------------------------------------


def test_what_is_published_is_found_and_what_it_replaces_is_not(cast: Cast) -> None:
    first = make_published(cast.author)
    assert found("account", cast.learner)
    make_version(first.document, cast.author, "1.1", texts=[english(EN.replace("account", "profile")), japanese()])
    assert found("account", cast.learner) == []
    assert found("profile", cast.learner)


def test_a_version_to_come_is_found_as_such_until_its_day_and_as_the_text_from_then_on(cast: Cast, as_: Any) -> None:
    first = make_published(cast.author)
    day = soon()
    make_version(
        first.document, cast.author, "2.0", effective_at=day,
        texts=[english(EN.replace("None.", "One zebra.")), japanese(JA.replace("ありません", "一件あります"))],
    )  # fmt: skip

    def states(words: str) -> list[tuple[str, str, str]]:
        return [(hit.address, hit.state, hit.version) for hit in search.search(folding.parse(words), cast.learner).hits]

    assert states("zebra") == [("impersonation#exceptions", "issued", "2.0")]
    assert states("Exceptions") == [
        ("impersonation#exceptions", "in_force", ""), ("impersonation#exceptions", "issued", "2.0"),
    ]  # fmt: skip
    assert [state for _address, state, _version in states("label")] == ["in_force"], "what stays the same stands once"
    page = as_(cast.colleague).get("library.search", q="zebra")
    assert "/library/impersonation/versions/2.0#exceptions" in page.links()
    assert "Version 2.0, from" in page.text
    # Nobody has tidied up yet, and what is found is right all the same.
    with clock.frozen(day):
        assert states("zebra") == [("impersonation#exceptions", "in_force", "")]
        assert states("None") == []
        assert search.disagreements() == []
        jobs.run_periodic("core.tidy_search")
        assert states("zebra") == [("impersonation#exceptions", "in_force", "")]
        assert search.disagreements() == []
    assert not session.query(SearchEntry).filter(SearchEntry.until.is_not(None)).count()


def test_a_document_that_is_not_in_force_yet_is_found_and_says_so(cast: Cast, as_: Any) -> None:
    make_version(make_document(cast.author), cast.author, effective_at=soon())
    page = as_(cast.colleague).get("library.search", q="Exceptions")
    assert "Not in force yet" in page.text
    assert "/library/impersonation#exceptions" in page.links()


def test_what_is_withdrawn_is_found_by_those_who_read_everything_alone(cast: Cast, as_: Any) -> None:
    version = make_published(cast.author)
    with own_transaction():
        versions.withdraw_version(version=version, reason="A court said so.", by=cast.author)
    assert found("account", cast.learner) == []
    assert "Withdrawn" in as_(cast.admin).get("library.search", q="account").text


def test_words_of_links_are_found_as_they_read_today(cast: Cast) -> None:
    other = make_published(cast.author, "appeals", texts=[english(one_clause("Text."))])
    make_published(cast.author, texts=[english("## Own {#own}\n\nSee [[appeals#clause]].\n")])
    assert "impersonation#own" in found('"a heading"', cast.learner)
    make_version(other.document, cast.author, "1.1", texts=[english("## Another title {#clause}\n\nText.\n")])
    assert "impersonation#own" in found('"another title"', cast.learner)
    assert found('"a heading"', cast.learner) == []


def test_a_term_that_is_gone_is_not_found_any_more(cast: Cast) -> None:
    draft = TermDraft("label", Words("label", "ラベル"), Words("A sign.", "目印です。"))
    with own_transaction():
        set_glossary(terms=[draft], by=cast.author)
    assert found("ラベル", cast.learner) == ["label"]
    with own_transaction():
        set_glossary(terms=[], by=cast.author)
    assert found("ラベル", cast.learner) == []


def test_what_is_undone_is_not_found(cast: Cast) -> None:
    document = make_document(cast.author)

    def fail() -> None:
        with own_transaction():
            versions.import_version(
                document=document, number="1.0", change_class=ChangeClass.MINOR, effective_at=clock.now(), zone="UTC",
                texts=[english()], by=cast.author,
            )  # fmt: skip
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert session.query(SearchEntry).count() == 0
    with own_transaction():
        pass
    assert session.query(SearchEntry).count() == 0


# --- the index ------------------------------------------------------------------------------------


def test_a_lost_index_comes_back_by_itself_and_by_command(cast: Cast, app: Flask) -> None:
    make_published(cast.author)
    make_quiz(cast.author)

    def lose() -> None:
        with own_transaction():
            for table in (search.WORDS, SearchText.__tablename__, SearchEntry.__tablename__):
                session.execute(text(f"DELETE FROM {table}"))

    before = found("account", cast.author)
    lose()
    assert found("account", cast.author) == []
    assert any("search rebuild" in breach for breach in search.disagreements())
    jobs.run_periodic("core.tidy_search")
    assert found("account", cast.author) == before
    lose()
    answer = app.test_cli_runner().invoke(args=["search", "rebuild"])
    assert (answer.exit_code, "things can be found" in answer.output) == (0, True), answer.output
    assert found("account", cast.author) == before
    assert search.disagreements() == []


def test_an_index_from_before_kana_were_folded_is_made_anew_by_itself(
    cast: Cast, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr(folding, "_AS_HIRAGANA", {})
        earlier.setattr(search, "FOLDING", 1)
        folding._fold_cluster.cache_clear()
        make_published(cast.author)
        assert search.disagreements() == []
    folding._fold_cluster.cache_clear()
    assert found("らべる", cast.learner) == found("ふぁんあかうんと", cast.learner) == []
    assert any("folding 1" in breach for breach in search.disagreements())
    for mend in (
        lambda: jobs.run_periodic("core.tidy_search"),
        lambda: app.test_cli_runner().invoke(args=["search", "rebuild"]),
    ):
        mend()
        assert "impersonation#fan-accounts" in found("ふぁんあかうんと", cast.learner)
        assert search.disagreements() == []
        with own_transaction():
            session.execute(text("UPDATE search_foldings SET number = 1"))


@pytest.mark.parametrize(
    "break_it",
    [
        lambda: session.execute(update(SearchText).values(body="another text")),
        lambda: session.execute(update(SearchEntry).values(thing_id=SearchEntry.thing_id + 1)),
        lambda: session.execute(update(SearchEntry).values(state="withdrawn")),
        lambda: session.execute(text(f"DELETE FROM {search.WORDS}")),
        lambda: session.execute(delete(SearchText).where(SearchText.language == "ja")),
    ],
    ids=["text", "thing", "state", "words", "language"],
)
def test_the_doctor_sees_an_index_that_does_not_agree_with_the_texts(cast: Cast, break_it: Any) -> None:
    make_published(cast.author)
    assert search.disagreements() == []
    with own_transaction():
        break_it()
    assert search.disagreements()


# --- the page -------------------------------------------------------------------------------------


def test_the_page_leads_to_the_clause_and_marks_what_was_found(cast: Cast, as_: Any) -> None:
    make_published(cast.author)
    page = as_(cast.learner).get("library.search", q="ﾌｧﾝ")
    assert page.heading == "検索"
    assert "/library/impersonation#fan-accounts" in page.links()
    assert [mark.text for mark in page.all("mark")][:1] == ["ファン"]
    english_page = as_(cast.colleague).get("library.search", q="ファンアカウント")
    heading = next(link for link in english_page.all("a") if link.get("href") == "/library/impersonation#fan-accounts")
    assert heading.get("lang") == "ja", "the language of a hit is marked"


def test_a_text_with_a_label_is_warned_of_before_it_is_shown(cast: Cast, as_: Any) -> None:
    make_published(cast.author)
    notice = as_(cast.colleague).get("library.search", q="carries").one("details", class_="sensitivity")
    assert "carries a label" in "".join(notice.itertext())
    assert notice.get("open") is None


def test_headings_that_say_exactly_this_come_first_then_headings_then_texts(cast: Cast) -> None:
    source = (
        "## Long text on review {#in-heading}\n\nText.\n\n## Some {#in-text}\n\nA review of it.\n\n"
        "## Review {#exact}\n\nText. Text. Text.\n\n## More {#scattered}\n\nThe rule on review of text.\n"
    )
    make_published(cast.author, texts=[english(source)])
    assert found("review", cast.learner) == [
        "impersonation#exact", "impersonation#in-heading", "impersonation#in-text", "impersonation#scattered",
    ]  # fmt: skip
    assert found("on review", cast.learner)[:2] == ["impersonation#in-heading", "impersonation#scattered"]


def test_twenty_stand_on_a_page_and_the_rest_is_reached(cast: Cast, as_: Any) -> None:
    clauses = "\n".join(f"## Clause {number} {{#c{number}}}\n\nA zebra.\n" for number in range(45))
    make_published(cast.author, texts=[english(clauses)])
    reader = as_(cast.colleague)
    pages = [reader.get("library.search", q="zebra", page=number) for number in ("1", "2", "3", "99", "x", "-1")]
    hits = [[link for link in page.links() if "/library/impersonation#c" in link] for page in pages]
    assert [len(each) for each in hits] == [20, 20, 5, 5, 20, 20]
    assert len({*hits[0], *hits[1], *hits[2]}) == 45
    assert "41–45 of 45" in pages[3].text


WHATEVER = ["", " ", "%", "_", '"', "'", "NEAR(a b)", "a OR", "AND", "NOT", "*", "a*", "^a", "en:a", "{en} : a", "-a", "a + b", "(",
     ")))", "\\", ";DROP TABLE documents", "\x00", "a\x00b", "😀", "<script>", "異" * 2_000, "word " * 400, "a" * 2_000,
     "&!|", ":*", "'a':*", "impersonation#", "#", "a/b", "\u202e異議", "١٢٣", "ไทย", "한국어"]  # fmt: skip


def test_whatever_is_typed_gives_a_page(cast: Cast, as_: Any) -> None:
    make_published(cast.author)
    learner, colleague = as_(cast.learner), as_(cast.colleague)
    for words in WHATEVER:
        assert learner.get("library.search", q=words).heading == "検索"
        assert colleague.get("library.search", q=words, kind="clause", text="en").heading == "Search"
        assert learner.fetch("library.complete_clause", q=words).status_code == 200
        assert learner.get("library.in_force", q=words).status == 200


def test_broken_bytes_give_a_page(cast: Cast, as_: Any) -> None:
    for raw in ("%ED%A0%80", "%FF%FE", "%00", "a%ED%A0%80b", "%E7%95"):
        assert as_(cast.learner).fetch(f"/search?q={raw}").status_code == 200
        assert as_(cast.learner).fetch(f"/search?q=a&kind={raw}&text={raw}&page={raw}").status_code == 200


def test_who_finds_nothing_is_told_what_to_try(cast: Cast, as_: Any) -> None:
    make_published(cast.author)
    page = as_(cast.colleague).get("library.search", q="zebra", kind="clause")
    assert "Nothing was found" in page.text
    assert "/search?q=zebra" in page.links()
    assert "Only letters, digits" in as_(cast.colleague).get("library.search", q="%%%").text
    assert "What are you looking for?" in as_(cast.colleague).get("library.search").text


def test_the_statements_do_not_grow_with_the_hits(cast: Cast, as_: Any) -> None:
    reader = as_(cast.learner)

    def count() -> int:
        reader.get("library.search", q="account")
        session.expire_all()
        with counted_queries() as statements:
            reader.get("library.search", q="account")
        return len(statements)

    make_published(cast.author, "first")
    few = count()
    for number in range(6):
        make_published(cast.author, f"more-{number}")
    assert count() == few <= 5


# --- completing -----------------------------------------------------------------------------------


def test_clauses_are_completed_by_address_heading_and_title(cast: Cast, as_: Any) -> None:
    make_published(cast.author)
    make_published(cast.author, "hidden", audience={AudienceKind.MARKET: ["JP"]})
    author, stranger = as_(cast.author), as_(cast.outsider)

    def complete(browser: Any, words: str) -> list[dict[str, str]]:
        rows: list[dict[str, str]] = browser.fetch(
            "library.complete_clause", q=words, accept="application/json"
        ).get_json()
        return rows

    assert complete(author, "impersonation#fan")[0] == {
        "address": "impersonation#fan-accounts",
        "heading": "ファンアカウント",
        "title": "なりすまし",
    }
    assert [row["address"] for row in complete(author, "hidden#fan")] == ["hidden#fan-accounts"]
    assert [row["address"].partition("#")[0] for row in complete(author, "imperson")] == ["impersonation"] * 4 + [
        "hidden"
    ] * 4
    assert complete(author, "例外")[0]["address"].endswith("#exceptions")
    assert {row["address"] for row in complete(author, "なりすまし#例外")} == {
        "impersonation#exceptions",
        "hidden#exceptions",
    }
    assert len(complete(author, "なりすまし#")) == 8
    assert {row["address"].partition("#")[0] for row in complete(stranger, "Impersonation#Exc")} == {"impersonation"}
    assert complete(stranger, "hidden#") == []
    assert complete(author, "") == []


def test_an_issued_version_is_found_by_the_day_it_was_written_for(cast: Cast) -> None:
    """Entries of the same clause never hold at the same time, also where one was called off for an earlier one."""
    first = make_published(cast.author)
    now = clock.now()
    for number, days in (("2.0", 9), ("3.0", 5), ("4.0", 20)):
        version = make_version(
            first.document, cast.author, number, effective_at=now + timedelta(days=days),
            texts=[english(EN.replace("None.", f"Words of {number.replace('.', 'x')}."))],
        )  # fmt: skip
        if number == "2.0":
            with own_transaction():
                versions.withdraw_version(version=version, reason="Too late.", by=cast.admin)
    for days, expected in ((0, "None"), (6, "3x0"), (10, "3x0"), (21, "4x0")):
        at = now + timedelta(days=days, minutes=1)
        holding = {
            word
            for word in ("None", "2x0", "3x0", "4x0")
            for hit in search.search(folding.parse(word), cast.learner, at=at).hits
            if hit.state == "in_force"
        }
        assert holding == {expected}, days
        with clock.frozen(at):
            assert search.disagreements() == []

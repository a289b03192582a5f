"""What a template's texts come to once they are filled in: each fits its place, or the template is not saved."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from portal.certificates.queries import templates as queries
from portal.certificates.rules.templates import (
    Design,
    FaultKind,
    Orientation,
    Shown,
    TemplateSpec,
    repeated,
    says_no_statement,
    starting_spec,
)
from portal.certificates.service import templates
from portal.certificates.service.drawing import faults_when_filled
from portal.core.i18n import Words
from portal.core.transaction import own_transaction
from tests.builders import Cast
from tests.certificates.builders import make_credential, make_template


def of(**values: Any) -> TemplateSpec:
    return replace(starting_spec(Design.CLASSIC), name=Words("Framed", "枠"), **values)


@pytest.mark.parametrize("orientation", list(Orientation))
@pytest.mark.parametrize("shown", list(Shown))
@pytest.mark.parametrize("design", list(Design))
def test_the_templates_that_one_begins_with_have_room(app: Any, design: Design, shown: Shown, orientation: Any) -> None:
    spec = replace(starting_spec(design), name=Words("A", "あ"), shown=shown, orientation=orientation)
    assert faults_when_filled(spec) == []
    assert says_no_statement(spec) == []


def test_a_placeholder_stands_twice_at_most(app: Any) -> None:
    assert repeated(of(statement=Words("{statement} {statement}", "{statement}"))) == []
    (fault,) = faults_when_filled(of(statement=Words("{statement} " * 30, "{statement}")))
    assert (fault.place, fault.kind, fault.language, fault.found) == (
        "statement", FaultKind.OFTEN, "en", "{statement}",
    )  # fmt: skip


def test_what_does_not_fit_once_it_is_filled_in_is_refused(app: Any) -> None:
    names = "{statement}{statement}{holder}{holder}{credential}{credential}{plan}{plan}{organisation}{organisation}"
    spec = of(
        statement=Words(names + "W" * (400 - len(names)), names + "字" * (400 - len(names))),
        shown=Shown.BOTH,
        orientation=Orientation.LANDSCAPE,
    )
    faults = faults_when_filled(spec)
    assert {each.kind for each in faults} == {FaultKind.OVERFLOW}
    assert [(each.place, each.language) for each in faults] == [("statement", "en"), ("statement", "ja")]
    heading = of(heading=Words("{statement}{statement}", "{statement}"))
    assert ("heading", "en") in [(each.place, each.language) for each in faults_when_filled(heading)]


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_editor_says_why_and_once(cast: Cast, as_: Any, language: str) -> None:
    version = make_template(by=cast.author)
    client = as_(cast.author, language=language)
    form = fields_of(version.spec) | {"statement_en": "{statement} " * 30}
    page = client.post("certificates.save_template", form, slug="framed", expect=400)
    assert {"en": "more than 2 times", "ja": "2回を超えて"}[language] in page.text
    page = client.post(
        "certificates.save_template", fields_of(version.spec) | {"design": "evil"}, slug="framed", expect=400
    )
    (summary,) = page.all("ul", **{"class": "error-summary__list"})
    assert len(summary) == 1


def fields_of(spec: dict[str, Any]) -> dict[str, str]:
    form: dict[str, str] = {"revision": "1", "language": "ja", "holder": "common"}
    for key, value in spec.items():
        if isinstance(value, dict):
            form |= {f"{key}_en": value["en"], f"{key}_ja": value["ja"]}
        else:
            form[key] = value
    return form


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_draft_of_before_it_was_measured_is_measured_when_it_is_published(
    cast: Cast, as_: Any, language: str
) -> None:
    too_much = of(
        heading=Words("{statement}{statement}", "{statement}"), statement=Words("{holder} " * 3, "{statement}")
    )
    with own_transaction():
        templates.begin_template(slug="framed", spec=too_much, by=cast.author)
    client = as_(cast.author, language=language)
    page = client.post("certificates.publish_template", {"revision": "1"}, slug="framed", expect=409)
    assert {
        "en": "cannot be published yet. Statement in English: {holder} stands here more than 2 times",
        "ja": "まだ公開できません。英語の本文：{holder}が2回を超えて",
    }[language] in page.text
    with own_transaction():
        draft = queries.get_template("framed").draft
        draft.spec = of(heading=too_much.heading).as_table()
    page = client.post("certificates.publish_template", {"revision": "1"}, slug="framed", expect=409)
    assert {"en": "Heading in English: With a long name", "ja": "英語の見出し："}[language] in page.text
    assert queries.get_template("framed").latest is None


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_statement_that_leaves_the_credentials_out_is_saved_with_a_word(cast: Cast, as_: Any, language: str) -> None:
    version = make_template(by=cast.author)
    client = as_(cast.author, language=language)
    form = fields_of(version.spec) | {"statement_en": "has done well", "statement_ja": "よくできました"}
    answer = client.post("certificates.save_template", form, slug="framed", expect=303)
    assert "{statement}" in client.follow(answer).text.split("</main>")[0]


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("place", ["title_en", "statement_ja"])
def test_terms_take_no_markup_either(cast: Cast, as_: Any, language: str, place: str) -> None:
    credential = make_credential()
    client = as_(cast.admin, language=language)
    form = {
        "title_ja": "審査担当者", "title_en": "Reviewer", "statement_ja": "修了", "statement_en": "has completed it",
        "validity_months": "12", "renewal_plan": "", "superseded_by": "", "seen": "1.0",
    } | {place: "<b>bold</b>"}  # fmt: skip
    page = client.post("certificates.change_terms", form, slug=credential.slug, expect=400)
    assert {"en": "holds markup", "ja": "マークアップ"}[language] in page.text
    assert [field.get("id") for field in page.all("*") if field.get("aria-invalid")] == [place]

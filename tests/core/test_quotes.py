"""A title that has marks of quotation, put between marks of quotation: the inner ones change, in both languages."""

from __future__ import annotations

import pytest
from flask import Flask, render_template_string
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from portal.core.i18n import Words, force_locale, gettext, lazy_gettext
from portal.core.quotes import filled, within

PLAN = "The training plan “%(plan)s” has been ended"


@pytest.mark.parametrize(
    ("text", "mark", "said"),
    [
        ("Plain", "“", "Plain"),
        ("Confirm “Impersonation”", "“", "Confirm ‘Impersonation’"),
        ("Confirm “The ‘small’ print”", "“", "Confirm ‘The “small” print’"),
        ("‘Small’ print", "“", "‘Small’ print"),
        ("It’s “hers”, isn’t it", "“", "It’s ‘hers’, isn’t it"),
        ("Confirm “A”", "‘", "Confirm “A”"),
        ("「なりすまし」の確認", "「", "『なりすまし』の確認"),
        ("「『手順』の版」の確認", "「", "『「手順」の版』の確認"),
        ("『手順』の確認", "「", "『手順』の確認"),
        # The marks of one language are not those of the other.
        ("Confirm “A”", "「", "Confirm “A”"),
        ("「なりすまし」", "“", "「なりすまし」"),
        # Without a counterpart there is no inside.
        ("5” screens", "“", "5” screens"),
        ("“open", "“", "“open"),
        ("」「", "「", "」「"),
    ],
)
def test_inner_marks_are_of_the_other_kind(text: str, mark: str, said: str) -> None:
    assert within(text, mark) == said


@given(st.text(alphabet="ab“”‘’「」『』 ", max_size=30), st.sampled_from("“‘「『"))
def test_nothing_but_marks_changes(text: str, mark: str) -> None:
    said = within(text, mark)
    assert len(said) == len(text)
    assert all(new == old for new, old in zip(said, text, strict=True) if old in "ab ")


def test_what_a_sentence_quotes_is_changed_and_what_it_only_names_is_not() -> None:
    said = filled("%(name)s: “%(name)s” (%(num)d of 100 %%)", {"name": "A “b”", "num": 3})
    assert said == "A “b”: “A ‘b’” (3 of 100 %)"
    assert filled("“%(name)s”", {"name": Words("the “b”", "")}) == "“the ‘b’”"


@pytest.mark.parametrize(
    ("language", "plan", "said"),
    [
        ("en", "Reading “Impersonation”", "The training plan “Reading ‘Impersonation’” has been ended"),
        ("ja", "「なりすまし」の手順", "【研修】研修計画「『なりすまし』の手順」は終了しました"),
    ],
)
def test_a_title_with_quotes_is_quoted_alike_in_code_pages_and_mails(
    app: Flask, language: str, plan: str, said: str
) -> None:
    late = lazy_gettext(PLAN, plan=plan)
    with app.test_request_context(), force_locale(language):
        begins = said.split(plan[0], maxsplit=1)[0]
        assert gettext(PLAN, plan=plan).startswith(begins)
        told = str(gettext(PLAN, plan=plan))
        inner = {"en": "“Reading ‘Impersonation’”", "ja": "「『なりすまし』の手順」"}[language]
        assert inner in told
        assert str(late) == told
        page = render_template_string("{{ _(said, plan=plan) }}", said=PLAN, plan=plan)
        assert page == told
        marked = render_template_string("{{ _(said, plan=plan) }}", said=PLAN, plan=plan + "<b>")
        assert "&lt;b&gt;" in marked
        kept = render_template_string("{{ _(said, plan=plan) }}", said=PLAN, plan=Markup("<i>") + plan + Markup("</i>"))
        assert f"<i>{inner[1:-1]}</i>" in kept

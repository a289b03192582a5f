"""Sample content for the pages that show the components; used in development only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import current_app, url_for
from flask_wtf.file import FileField
from wtforms import (  # type: ignore[attr-defined]  # the stubs do not know SelectChoice yet
    BooleanField,
    PasswordField,
    RadioField,
    SelectChoice,
    SelectField,
    StringField,
)
from wtforms.validators import InputRequired

from portal.core import markdown
from portal.core.forms import CheckboxesField, DateField, Form, IntegerField, LongTextField
from portal.core.i18n import language
from portal.core.markdown import TrustedHtml
from portal.core.redline import Marked, mark


def say(en: str, ja: str) -> str:
    """Return the sample text in the language of the page."""
    return ja if language() == "ja" else en


@dataclass(frozen=True, slots=True)
class SamplePlace:
    """An entry of the rail."""

    label: str
    href: str
    icon: str
    current: bool = False
    count: int = 0


@dataclass(frozen=True, slots=True)
class SampleGroup:
    """Entries of the rail under their heading."""

    key: str
    label: str | None
    places: list[SamplePlace]
    open: bool
    count: int = 0


@dataclass(frozen=True, slots=True)
class SampleViewer:
    """Somebody who is signed in."""

    name: str
    code: str
    language: str


@dataclass(frozen=True, slots=True)
class SampleOrganisation:
    """The organisation of this installation."""

    name: str
    wellbeing_contact: str | None
    wellbeing_href: str


def navigation(sheet: str) -> list[SampleGroup]:
    """Return a rail with groups open and folded, the sheets of this page last."""

    def place(label: str, icon: str, count: int = 0) -> SamplePlace:
        return SamplePlace(label, f"#{icon}", icon, count=count)

    sheets = {
        "components": say("Components", "部品"),
        "document": say("Reading page", "閲覧ページ"),
        "plain": say("Plain page", "簡易ページ"),
        "error": say("Error page", "エラーページ"),
        "print": say("Print page", "印刷ページ"),
    }
    learning = [
        place(say("Library", "文書"), "library"),
        place(say("Quizzes", "確認テスト"), "quizzes"),
        place(say("Certificates", "修了証"), "certificates"),
    ]
    support = [
        place(say("Cohorts", "受講グループ"), "cohorts"),
        place(say("Marking", "採点"), "marking", count=3),
    ]
    continuity = [place(say("Handovers", "引継ぎ"), "handover")]
    own = [
        SamplePlace(label, url_for("ui.components", sheet=name), "document", name == sheet)
        for name, label in sheets.items()
    ]
    return [
        SampleGroup("home", None, [place(say("Today", "今日"), "today")], open=True),
        SampleGroup("learn", say("Learning", "学ぶ"), learning, open=True),
        SampleGroup("support", say("Supporting learners", "受講者の支援"), support, open=False, count=3),
        SampleGroup("continuity", say("Continuity", "引継ぎと体制"), continuity, open=False),
        SampleGroup("sheets", say("Sheets", "見本"), own, open=True),
    ]


def viewer() -> SampleViewer | None:
    """Return the person shown in the account menu; nobody while there is no way to sign out."""
    if "accounts.sign_out" not in current_app.view_functions:
        return None
    return SampleViewer(say("Sato Misaki", "佐藤 美咲"), "P-7K2M", language())


def organisation() -> SampleOrganisation:
    """Return an organisation whose name is rather long."""
    return SampleOrganisation(
        say("Minato Trust & Safety K.K.", "みなとトラスト＆セーフティ株式会社"),
        say("ext. 4410", "内線4410"),
        "#wellbeing",
    )


PROSE = (
    """Text with `code`, **weight** and *stress*, a note[^1], and a link: [[#appeals]].

| Decision | When | Days |
|---|---|--:|
| No action | The label stands in the first line | 0 |
| Label notice | No label, no sign of intent | 7 |

- One thing
- Another
  1. first
  2. second

* [x] Looked at
* [ ] Still open

> [!NOTE]
> A word aside.

> [!TIP]
> What makes it easier.

> [!IMPORTANT]
> What has to be known.

> [!WARNING]
> What can go wrong.

> [!CAUTION]
> What does harm.

> Words of somebody else.

Notice
: A message that asks for a label.

```
flask content check content
```

[^1]: Notes stand at the end.
""",
    """本文には`記号`、**太字**、*圏点*、注[^1]、条項へのリンク[[#appeals]]が入ります。

| 判断 | 条件 | 日数 |
|---|---|--:|
| 対応なし | 一行目に表示がある | 0 |
| 表示を求める通知 | 表示がなく、意図も見られない | 7 |

- 一つ目
- 二つ目
  1. はじめに
  2. 次に

* [x] 確認済み
* [ ] 未確認

> [!NOTE]
> 補足です。

> [!TIP]
> 役に立つことです。

> [!IMPORTANT]
> 知っておくべきことです。

> [!WARNING]
> 気を付けることです。

> [!CAUTION]
> 害になることです。

> ほかの人の言葉です。

通知
: 表示を求める連絡です。

```
flask content check content
```

[^1]: 注は末尾に置かれます。
""",
)


def prose() -> TrustedHtml:
    """Return a text with everything that Markdown can carry here."""

    def resolve(_slug: str | None, _anchor: str) -> tuple[str, str]:
        return "#reading", say("Appeals", "異議申し立て")

    return markdown.render(say(*PROSE), resolve=resolve, id_prefix="sample-")


@dataclass(frozen=True, slots=True)
class SampleClause:
    """A clause of a redline, as `library.queries.redlines` makes them."""

    kind: str
    anchor: str
    was_anchor: str | None
    heading: str
    heading_marked: Marked
    language: str
    level: int
    sensitivity: str
    inline: TrustedHtml
    before: TrustedHtml
    after: TrustedHtml
    is_visible: bool
    deciding_changed: bool = False
    moved_within: int = 0
    reworded: bool = True
    elsewhere: tuple[str, ...] = ()


BEFORE = (
    """Fans have **fourteen** days to add the label.

- In the name
- In the profile
- In every post

| Decision | Days |
|---|--:|
| Label notice | 14 |
""",
    """ファンには**十四日間**の猶予があります。

- 表示名
- 自己紹介欄
- すべての投稿

| 判断 | 日数 |
|---|--:|
| 表示を求める通知 | 14 |
""",
)
AFTER = (
    """Fans have **seven** days to add the label.

- In the name
- In the first line of the profile

| Decision | Days |
|---|--:|
| Label notice | 7 |
| Restriction | 30 |
""",
    """ファンには**七日間**の猶予があります。

- 表示名
- 自己紹介欄の一行目

| 判断 | 日数 |
|---|--:|
| 表示を求める通知 | 7 |
| 利用制限 | 30 |
""",
)


def redline() -> list[SampleClause]:
    """Return a clause of every kind: changed words, a table and a list, new, removed, moved, unchanged."""

    def clause(kind: str, anchor: str, heading: str, old: str, new: str, **values: Any) -> SampleClause:
        body = mark(markdown.render(old), markdown.render(new), language())
        same = markdown.render_inline(heading)
        title = mark(
            markdown.NOTHING if kind == "added" else same, markdown.NOTHING if kind == "removed" else same, language()
        )
        shown = {"was_anchor": None, "sensitivity": "S0", "is_visible": body.changed} | values
        shown |= {"moved_within": body.moved, "reworded": body.reworded}
        return SampleClause(
            kind=kind, anchor=anchor, heading=heading, heading_marked=title, language=language(), level=2,
            inline=body.inline, before=body.before, after=body.after, **shown,
        )  # fmt: skip

    parody = say("Parody needs a label.", "パロディには表示が必要です。")
    old, new = say(*BEFORE), say(*AFTER)
    gone = say("Logos are looked at by hand.", "ロゴは目視で確認します。")
    quoted = say("A threat would stand here.", "ここに脅迫の文言が入ります。")
    return [
        clause("changed", "sample-fans", say("Fan accounts", "ファンアカウント"), old, new),
        clause("same", "sample-parody", say("Parody", "パロディ"), parody, parody),
        clause("same", "sample-scope", say("What it covers", "適用範囲"), parody, parody),
        clause("added", "sample-appeals", say("Appeals", "異議申し立て"), "", say("Within 30 days.", "30日以内です。")),
        clause("removed", "sample-logos", say("Logos", "ロゴ"), gone, ""),
        clause("moved", "sample-words", say("Words", "用語"), parody, parody, was_anchor="sample-terms"),
        clause(
            "moved_and_changed", "sample-harm", say("Direct harm", "直接被害"), parody, quoted,
            was_anchor="sample-danger", sensitivity="S2",
        ),
        clause("changed", "sample-lines", say("Lines", "行"), parody, parody),
        clause("same", "sample-notes", say("Notes", "注"), parody, parody, deciding_changed=True),
        clause(
            "changed", "sample-steps", say("Steps", "手順"), f"{quoted}\n\n{parody}\n\n{gone}",
            f"{parody}\n\n{gone}\n\n{quoted}",
        ),
        clause("same", "sample-other", say("Examples", "例"), parody, parody, elsewhere=(say("ja", "en"),)),
    ]  # fmt: skip


def form(prefix: str = "") -> Form:
    """Return a form with a field of every kind."""

    class SampleForm(Form):
        family_name = StringField(
            say("Family name", "姓"), [InputRequired()], description=say("As on the family register", "戸籍のとおり")
        )
        mail = StringField(say("Email address", "メールアドレス"), [InputRequired()])
        password = PasswordField(say("Password", "パスワード"), [InputRequired()])
        market = SelectField(
            say("Home market", "所属市場"),
            choices=[
                SelectChoice("JP", say("Japan", "日本")),
                SelectChoice("US", say("United States", "アメリカ合衆国")),
            ],
        )
        starts_on = DateField(say("First day", "初日"), description=say("A working day of the market", "市場の稼働日"))
        tries = IntegerField(say("Tries", "受験回数"))
        reason = LongTextField(say("Reason", "理由"), description=say("One or two sentences", "一、二文で"))
        picture = FileField(say("CSV file", "CSVファイル"))
        shown = RadioField(
            say("Shown as", "表示名"),
            choices=[
                SelectChoice("family", say("Sato Misaki", "佐藤 美咲")),
                SelectChoice("given", say("Misaki", "美咲")),
            ],
            default="family",
        )
        roles = CheckboxesField(
            say("Roles", "役割"),
            choices=[
                SelectChoice("author", say("Author", "作成者")),
                SelectChoice("lead", say("Lead", "リード")),
                SelectChoice("approver", say("Approver", "承認者")),
            ],
        )
        agreed = BooleanField(
            say("I have read this version and will decide by it", "この版を読み、これに従って判断します"),
            [InputRequired()],
        )

    return SampleForm(formdata=None, prefix=prefix)


def form_with_errors() -> Form:
    """Return the same form as it comes back with three faults."""
    sample = form("bad-")
    sample["mail"].data = "misaki.sato@"
    sample["mail"].errors = [
        say(
            "Write the address in full, such as name@example.jp",
            "name@example.jpのように、アドレス全体を入力してください",
        )
    ]
    sample["starts_on"].errors = [
        say("29 April 2026 is a holiday; choose a working day", "2026年4月29日は祝日です。稼働日を選んでください")
    ]
    sample["shown"].errors = [say("Choose one of the two", "どちらかを選んでください")]
    return sample

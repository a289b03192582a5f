"""Who is in the demo organisation: its staff, and those who are in their first ten days."""

from __future__ import annotations

from dataclasses import dataclass

from portal.accounts.models import Role, Scope
from portal.accounts.service.people import Names

ZONE = "Asia/Tokyo"
DOMAIN = "hibiki.example"


@dataclass(frozen=True, slots=True)
class Somebody:
    """One person of the demo: her names, place and roles, and (for `demo accounts`) what she shows."""

    name: str
    names: Names
    language: str
    team: str
    shows: str
    roles: tuple[tuple[Role, Scope, str], ...] = ()
    market: str = "JP"
    zone: str = ZONE

    @property
    def sign_in_name(self) -> str:
        """Her address."""
        return f"{self.name}@{DOMAIN}"

    @property
    def password(self) -> str:
        """Her password; known to everybody, which is why production refuses the demo."""
        return password_of(self.name)


def password_of(name: str) -> str:
    """Return the password of a demo account: as public as its name."""
    return f"guidepost-{name.replace('.', '-')}-2026"


def japanese(*names: str) -> Names:
    """Family and given name: in kanji, in kana, romanised."""
    family, given, family_kana, given_kana, family_romaji, given_romaji = names
    return Names(family, given, "", family_kana, given_kana, family_romaji, given_romaji)


def english(family: str, given: str) -> Names:
    """Family and given name of somebody who writes them in Latin letters."""
    return Names(family, given, family_romaji=family, given_romaji=given)


ORGANISATION = Scope.ORGANISATION
TEAM = "account-safety-tokyo"
NEIGHBOURS = "live-safety-tokyo"
ABROAD = "account-safety-austin"

STAFF = (
    Somebody(
        "yui.takahashi",
        japanese("髙橋", "結衣", "タカハシ", "ユイ", "Takahashi", "Yui"),
        "ja", TEAM, "learner",
    ),
    Somebody("daniel.okafor", english("Okafor", "Daniel"), "en", TEAM, "learner (English)"),
    Somebody(
        "sasaki.takumi",
        japanese("佐々木", "拓海", "ササキ", "タクミ", "Sasaki", "Takumi"),
        "ja", TEAM, "learner (third)",
    ),
    Somebody(
        "sato.ken",
        japanese("佐藤", "健", "サトウ", "ケン", "Sato", "Ken"),
        "ja", TEAM, "lead", ((Role.LEAD, Scope.TEAM, TEAM),),
    ),
    Somebody(
        "kobayashi.mei",
        japanese("小林", "芽衣", "コバヤシ", "メイ", "Kobayashi", "Mei"),
        "ja", TEAM, "mentor", ((Role.MENTOR, Scope.TEAM, TEAM),),
    ),
    Somebody(
        "yamada.hiroko",
        japanese("山田", "裕子", "ヤマダ", "ヒロコ", "Yamada", "Hiroko"),
        "ja", TEAM, "author", ((Role.AUTHOR, ORGANISATION, ""),),
    ),
    Somebody(
        "mori.akiko",
        japanese("森", "明子", "モリ", "アキコ", "Mori", "Akiko"),
        "en", TEAM, "policy_owner", ((Role.POLICY_OWNER, ORGANISATION, ""), (Role.AUTHOR, ORGANISATION, "")),
    ),
    Somebody(
        "ito.jun",
        japanese("伊藤", "純", "イトウ", "ジュン", "Ito", "Jun"),
        "ja", TEAM, "approver", ((Role.APPROVER, ORGANISATION, ""),),
    ),
    Somebody(
        "grace.muller", english("Müller", "Grace"), "en", TEAM, "admin", ((Role.ADMIN, ORGANISATION, ""),),
    ),
    Somebody(
        "kimura.nao",
        japanese("木村", "奈央", "キムラ", "ナオ", "Kimura", "Nao"),
        "ja", TEAM, "wellbeing_contact", ((Role.WELLBEING_CONTACT, ORGANISATION, ""),),
    ),
    Somebody(
        "samuel.lindqvist", english("Lindqvist", "Samuel"), "en", NEIGHBOURS, "auditor",
        ((Role.AUDITOR, ORGANISATION, ""),),
    ),
    Somebody(
        "rosa.delgado", english("Delgado", "Rosa"), "en", ABROAD, "lead (another market)",
        ((Role.LEAD, Scope.TEAM, ABROAD),), "US", "America/Chicago",
    ),
)  # fmt: skip


# Those whose first working day it is, or on a day off the next one; the others of the staff have been there for long.
NEWCOMERS = ("yui.takahashi", "daniel.okafor", "sasaki.takumi")


@dataclass(frozen=True, slots=True)
class Trainee:
    """One person of the running cohort and how her first days went."""

    name: str
    names: Names
    # The last step that she did, working days that she is behind, and items wrong in each try of a quiz.
    until: str | None
    behind: int = 0
    wrong: tuple[int, ...] = (0,)
    leave: tuple[int, int] | None = None
    language: str = "ja"

    @property
    def password(self) -> str:
        """Her password; as public as those of the staff."""
        return password_of(self.name)


COHORT = (
    Trainee("abe.sho", japanese("阿部", "翔", "アベ", "ショウ", "Abe", "Sho"), "supervised-audit"),
    Trainee(
        "chen.xiaoyu", Names("陳", "暁雨", "", "チン", "ギョウウ", "Chen", "Xiaoyu"), "supervised-audit", wrong=(1,),
    ),
    Trainee("emma.larsen", english("Larsen", "Emma"), "shadow-audit", wrong=(0,), language="en"),
    Trainee("fujii.aoi", japanese("藤井", "葵", "フジイ", "アオイ", "Fujii", "Aoi"), "ten-cases", wrong=(5, 0)),
    Trainee(
        "hamasaki.ryo", japanese("濵﨑", "亮", "ハマサキ", "リョウ", "Hamasaki", "Ryo"), "quiz-audit", 1, leave=(4, 5),
    ),
    Trainee("kim.minseo", Names("金", "珉瑞", "", "キム", "ミンソ", "Kim", "Minseo"), "acknowledge-audit", 2, (4, 1)),
    Trainee("nakagawa.rin", japanese("中川", "凛", "ナカガワ", "リン", "Nakagawa", "Rin"), "read-impersonation", 2),
    Trainee(
        "watanabe.sota", japanese("渡邉", "颯太", "ワタナベ", "ソウタ", "Watanabe", "Sota"), "quiz-impersonation",
        1, (5, 4),
    ),
    Trainee("yoshida.kaho", japanese("𠮷田", "果歩", "ヨシダ", "カホ", "Yoshida", "Kaho"), None),
)  # fmt: skip

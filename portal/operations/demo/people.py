"""Who is in the demo organisation: its staff, and those who are in their first ten days."""

from __future__ import annotations

from dataclasses import dataclass

from portal.accounts.models import Role, Scope
from portal.accounts.service.people import Names

ZONE = "Asia/Tokyo"
DOMAIN = "hibiki.example"
# By the shipped procedure a change is published so many working days before it takes effect, at the latest.
NOTICE = 5


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
OSAKA = "account-safety-osaka"
SUPPORT = "support-austin"
ZONE_ABROAD = "America/Chicago"

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
    *(
        Somebody(name, names, language, TEAM, "mentor (experienced reviewer)", ((Role.MENTOR, Scope.TEAM, TEAM),))
        for name, names, language in (
            ("inoue.takashi", japanese("井上", "隆", "イノウエ", "タカシ", "Inoue", "Takashi"), "ja"),
            ("matsumoto.eri", japanese("松本", "絵里", "マツモト", "エリ", "Matsumoto", "Eri"), "ja"),
            ("shimizu.naoki", japanese("清水", "直樹", "シミズ", "ナオキ", "Shimizu", "Naoki"), "ja"),
            ("amelia.hughes", english("Hughes", "Amelia"), "en"),
            ("ikeda.saki", japanese("池田", "早紀", "イケダ", "サキ", "Ikeda", "Saki"), "ja"),
            ("nakajima.toru", japanese("中島", "徹", "ナカジマ", "トオル", "Nakajima", "Toru"), "ja"),
        )
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
    # The neighbours' team: two who are not of one team confirm what needs a second administrator.
    Somebody(
        "ogawa.shin",
        japanese("小川", "伸", "オガワ", "シン", "Ogawa", "Shin"),
        "ja", NEIGHBOURS, "admin (second)", ((Role.ADMIN, ORGANISATION, ""),),
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
        ((Role.LEAD, Scope.TEAM, ABROAD),), "US", ZONE_ABROAD,
    ),
    Somebody(
        "leah.kowalski", english("Kowalski", "Leah"), "en", ABROAD, "mentor (another market)",
        ((Role.MENTOR, Scope.TEAM, ABROAD),), "US", ZONE_ABROAD,
    ),
    Somebody(
        "nishimura.sayuri",
        japanese("西村", "小百合", "ニシムラ", "サユリ", "Nishimura", "Sayuri"),
        "ja", OSAKA, "lead (another team)", ((Role.LEAD, Scope.TEAM, OSAKA),),
    ),
    Somebody(
        "ueda.daichi",
        japanese("上田", "大地", "ウエダ", "ダイチ", "Ueda", "Daichi"),
        "ja", OSAKA, "mentor (another team)", ((Role.MENTOR, Scope.TEAM, OSAKA),),
    ),
    Somebody(
        "hayashi.tomoko",
        japanese("林", "朋子", "ハヤシ", "トモコ", "Hayashi", "Tomoko"),
        "ja", NEIGHBOURS, "lead (the neighbours)", ((Role.LEAD, Scope.TEAM, NEIGHBOURS),),
    ),
    Somebody(
        "owen.harris", english("Harris", "Owen"), "en", SUPPORT, "lead (colleagues in support)",
        ((Role.LEAD, Scope.TEAM, SUPPORT), (Role.MENTOR, Scope.TEAM, SUPPORT)), "US", ZONE_ABROAD,
    ),
)  # fmt: skip


# Those experienced reviewers who mentor beside the mentor above, who has the newest ones.
MENTORS = ("inoue.takashi", "matsumoto.eri", "shimizu.naoki", "amelia.hughes", "ikeda.saki", "nakajima.toru")
NEWEST_MENTOR = "kobayashi.mei"

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
    Trainee("emma.larsen", english("Larsen", "Emma"), "supervised-audit", wrong=(0,), language="en"),
    Trainee("fujii.aoi", japanese("藤井", "葵", "フジイ", "アオイ", "Fujii", "Aoi"), "shadow-audit", wrong=(5, 0)),
    Trainee(
        "hamasaki.ryo", japanese("濵﨑", "亮", "ハマサキ", "リョウ", "Hamasaki", "Ryo"), "shadow-audit", 2,
        leave=(4, 5),
    ),
    Trainee("kim.minseo", Names("金", "珉瑞", "", "キム", "ミンソ", "Kim", "Minseo"), "acknowledge-audit", 2, (4, 1)),
    Trainee("nakagawa.rin", japanese("中川", "凛", "ナカガワ", "リン", "Nakagawa", "Rin"), "read-impersonation", 2),
    Trainee(
        "watanabe.sota", japanese("渡邉", "颯太", "ワタナベ", "ソウタ", "Watanabe", "Sota"), "quiz-impersonation",
        1, (5, 4),
    ),
    Trainee("yoshida.kaho", japanese("𠮷田", "果歩", "ヨシダ", "カホ", "Yoshida", "Kaho"), None),
)  # fmt: skip

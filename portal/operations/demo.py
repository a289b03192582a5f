"""The demo organisation: a fictional company's moderation team, made through the services, the same each time.

Everything happens *as of* its own moment before the day on which the demo takes place: nothing is
written behind the services' back, so every page looks lived in and every invariant holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path

from flask import current_app

from portal import wiring
from portal.accounts import queries as accounts_queries
from portal.accounts.models import Person, Role, Scope
from portal.accounts.service import grants, passwords, people, sessions
from portal.accounts.service.people import Names
from portal.acknowledgements.service import acknowledge, confirm_reading
from portal.calendars import queries as calendars
from portal.calendars.rules import WorkingCalendar
from portal.calendars.service import load_national_holidays, record_leave
from portal.cohorts.models import Cohort
from portal.cohorts.service import add_member, create_cohort
from portal.core import clock
from portal.core.i18n import Words
from portal.library import queries as library
from portal.library.service.readings import note_opened
from portal.operations.demo_obligations import make_obligations
from portal.organisation import rules as settings
from portal.organisation.models import Market, Team
from portal.organisation.service import add_market, add_team, change_settings
from portal.quizzes import queries as quizzes
from portal.quizzes.service.attempts import save_response, start_attempt, submit_attempt
from portal.quizzes.service.rehearsal import rehearsed_answer
from portal.training import queries as training
from portal.training.models import Enrollment, PlanStep
from portal.training.queries import catalogue
from portal.training.rules import StepKind
from portal.training.service.enrollments import enroll
from portal.training.service.sign_offs import sign_off

ZONE = "Asia/Tokyo"
PLAN = "account-safety-start"
CREDENTIAL = "account-safety-reviewer"
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
        return _password_of(self.name)


def _password_of(name: str) -> str:
    return f"guidepost-{name.replace('.', '-')}-2026"


def _japanese(*names: str) -> Names:
    """Family and given name: in kanji, in kana, romanised."""
    family, given, family_kana, given_kana, family_romaji, given_romaji = names
    return Names(family, given, "", family_kana, given_kana, family_romaji, given_romaji)


def _english(family: str, given: str) -> Names:
    return Names(family, given, family_romaji=family, given_romaji=given)


ORGANISATION = Scope.ORGANISATION
TEAM = "account-safety-tokyo"
NEIGHBOURS = "live-safety-tokyo"
ABROAD = "account-safety-austin"

STAFF = (
    Somebody(
        "yui.takahashi",
        _japanese("髙橋", "結衣", "タカハシ", "ユイ", "Takahashi", "Yui"),
        "ja", TEAM, "learner",
    ),
    Somebody("daniel.okafor", _english("Okafor", "Daniel"), "en", TEAM, "learner (English)"),
    Somebody(
        "sasaki.takumi",
        _japanese("佐々木", "拓海", "ササキ", "タクミ", "Sasaki", "Takumi"),
        "ja", TEAM, "learner (third)",
    ),
    Somebody(
        "sato.ken",
        _japanese("佐藤", "健", "サトウ", "ケン", "Sato", "Ken"),
        "ja", TEAM, "lead", ((Role.LEAD, Scope.TEAM, TEAM),),
    ),
    Somebody(
        "kobayashi.mei",
        _japanese("小林", "芽衣", "コバヤシ", "メイ", "Kobayashi", "Mei"),
        "ja", TEAM, "mentor", ((Role.MENTOR, Scope.TEAM, TEAM),),
    ),
    Somebody(
        "yamada.hiroko",
        _japanese("山田", "裕子", "ヤマダ", "ヒロコ", "Yamada", "Hiroko"),
        "ja", TEAM, "author", ((Role.AUTHOR, ORGANISATION, ""),),
    ),
    Somebody(
        "mori.akiko",
        _japanese("森", "明子", "モリ", "アキコ", "Mori", "Akiko"),
        "en", TEAM, "policy_owner", ((Role.POLICY_OWNER, ORGANISATION, ""), (Role.AUTHOR, ORGANISATION, "")),
    ),
    Somebody(
        "ito.jun",
        _japanese("伊藤", "純", "イトウ", "ジュン", "Ito", "Jun"),
        "ja", TEAM, "approver", ((Role.APPROVER, ORGANISATION, ""),),
    ),
    Somebody(
        "grace.muller", _english("Müller", "Grace"), "en", TEAM, "admin", ((Role.ADMIN, ORGANISATION, ""),),
    ),
    Somebody(
        "kimura.nao",
        _japanese("木村", "奈央", "キムラ", "ナオ", "Kimura", "Nao"),
        "ja", TEAM, "wellbeing_contact", ((Role.WELLBEING_CONTACT, ORGANISATION, ""),),
    ),
    Somebody(
        "samuel.lindqvist", _english("Lindqvist", "Samuel"), "en", NEIGHBOURS, "auditor",
        ((Role.AUDITOR, ORGANISATION, ""),),
    ),
    Somebody(
        "rosa.delgado", _english("Delgado", "Rosa"), "en", ABROAD, "lead (another market)",
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
        return _password_of(self.name)


COHORT = (
    Trainee("abe.sho", _japanese("阿部", "翔", "アベ", "ショウ", "Abe", "Sho"), "supervised-audit"),
    Trainee(
        "chen.xiaoyu", Names("陳", "暁雨", "", "チン", "ギョウウ", "Chen", "Xiaoyu"), "supervised-audit", wrong=(1,),
    ),
    Trainee("emma.larsen", _english("Larsen", "Emma"), "shadow-audit", wrong=(0,), language="en"),
    Trainee("fujii.aoi", _japanese("藤井", "葵", "フジイ", "アオイ", "Fujii", "Aoi"), "ten-cases", wrong=(5, 0)),
    Trainee(
        "hamasaki.ryo", _japanese("濵﨑", "亮", "ハマサキ", "リョウ", "Hamasaki", "Ryo"), "quiz-audit", 1, leave=(4, 5),
    ),
    Trainee("kim.minseo", Names("金", "珉瑞", "", "キム", "ミンソ", "Kim", "Minseo"), "acknowledge-audit", 2, (4, 1)),
    Trainee("nakagawa.rin", _japanese("中川", "凛", "ナカガワ", "リン", "Nakagawa", "Rin"), "read-impersonation", 2),
    Trainee(
        "watanabe.sota", _japanese("渡邉", "颯太", "ワタナベ", "ソウタ", "Watanabe", "Sota"), "quiz-impersonation",
        1, (5, 4),
    ),
    Trainee("yoshida.kaho", _japanese("𠮷田", "果歩", "ヨシダ", "カホ", "Yoshida", "Kaho"), None),
)  # fmt: skip

# On which working day of the plan (0 is the first) each step is done by somebody who is not behind.
PACE = {
    "statement": 0,
    "first-talk": 1,
    "read-impersonation": 1,
    "acknowledge-impersonation": 2,
    "quiz-impersonation": 3,
    "read-audit": 4,
    "acknowledge-audit": 5,
    "quiz-audit": 6,
    "ten-cases": 7,
    "shadow-audit": 8,
    "supervised-audit": 9,
}
STATEMENTS = {
    "ten-cases": "10件中10件で、根拠の条項を正しく挙げられました。",
    "shadow-audit": "抽出から報告まで見学し、質問が二つありました。いずれも当日中に回答しています。",
    "supervised-audit": "5件の監査で誤りの種類をすべて正しく分類し、フィードバックも手順どおりに行えました。",
}


def is_wanted() -> bool:
    """Say whether this installation has nobody yet, so that the demo may be loaded."""
    return not accounts_queries.has_people()


def accounts() -> list[dict[str, str]]:
    """Return the demo accounts: role, sign-in name, password."""
    return [
        {"role": each.shows, "sign_in_name": each.sign_in_name, "password": each.password, "language": each.language}
        for each in STAFF
    ]


def load(on: date | None) -> bool:
    """Make the demo organisation for a day (default: today in Tokyo), inside the caller's transaction.

    Returns False, having done nothing, where anybody has an account already. The same day gives the
    same people, dates and results.
    """
    if not is_wanted():
        return False
    day = on or clock.today(ZONE)
    _found_organisation(day)
    staff = _let_staff_in(day)
    _take_content_in(day, staff["mori.akiko"])
    # The content brings the company's own days off.
    calendar = calendars.working_calendar(_places()[0]["JP"])
    starts_on = _working_day(calendar, day, -11)
    learners = _invite_cohort(starts_on, staff["grace.muller"])
    running = _found_cohort(
        f"safety-{starts_on:%Y-%m}a", Words(f"Account safety, intake of {starts_on:%B %Y}", _intake_ja(starts_on)),
        starts_on, staff["sato.ken"],
    )  # fmt: skip
    for number, trainee in enumerate(COHORT):
        _train(
            trainee=trainee, person=learners[trainee.name], cohort=running, staff=staff, calendar=calendar, day=day,
            number=number,
        )  # fmt: skip
    # On a day off the newcomers begin on the next working day: nobody's first look is at something overdue.
    first_day = day if calendar.is_working_day(day) else _working_day(calendar, day, 1)
    newest = _found_cohort(
        f"safety-{first_day:%Y-%m}b",
        Words(f"Account safety, from {first_day.day} {first_day:%B %Y}", f"アカウント安全審査 {_on_ja(first_day)}開始"),
        first_day, staff["sato.ken"],
    )  # fmt: skip
    with clock.frozen(min(moment_of(first_day, 8), clock.now())):
        for name in NEWCOMERS:
            _enroll(staff[name], newest, staff["sato.ken"])
    yesterday = _working_day(calendar, first_day, -1)
    for minute, (name, person) in enumerate(staff.items()):
        if name not in NEWCOMERS:
            with clock.frozen(moment_of(yesterday, 17, minute)):
                _visit(person)
    make_obligations(
        staff=staff, learners=learners, plan=PLAN, credential=CREDENTIAL, team=TEAM, at=moment_of(yesterday, 18),
    )  # fmt: skip
    return True


def _intake_ja(starts_on: date) -> str:
    return f"アカウント安全審査 {starts_on.year}年{starts_on.month}月入社"


def _on_ja(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"


def _visit(person: Person) -> None:
    """Sign in and out again: what is done in between happens at one frozen moment."""
    token = sessions.begin_session(person=person, browser="", address="127.0.0.1")
    sessions.end_session(token=token)


def moment_of(on: date, hour: int, minute: int = 0) -> datetime:
    """Return the instant of a time of day in Tokyo."""
    return datetime.combine(on, time(hour, minute), clock.zone_info(ZONE))


def _working_day(calendar: WorkingCalendar, day: date, steps: int) -> date:
    """Return the working day so many working days after (or before) the day."""
    direction = timedelta(days=1 if steps > 0 else -1)
    for _ in range(abs(steps)):
        day += direction
        while not calendar.is_working_day(day):
            day += direction
    return day


def _found_organisation(day: date) -> None:
    """Make settings, markets, teams and holidays; everything else builds on them."""
    with clock.frozen(moment_of(day - timedelta(days=60), 9)):
        change_settings(
            values={
                settings.NAME: Words("Hibiki Trust and Safety", "Hibiki トラスト＆セーフティ"),
                settings.WELLBEING_CONTACT: Words(f"Nao Kimura, wellbeing@{DOMAIN}", f"木村 奈央 wellbeing@{DOMAIN}"),
                settings.WELLBEING_TEXT: Words(
                    "Nao Kimura answers on working days from 9:00 to 18:00, in English and Japanese. What is said "
                    "there is not passed on to leads, trainers or administrators.",
                    "営業日の9:00から18:00まで、木村 奈央が日本語と英語で対応します。"
                    "相談の内容が、リード・教材の作成者・管理者に伝わることはありません。",
                ),
            },
            by=None,
        )
        japan = add_market(code="JP", name=Words("Japan", "日本"), time_zone=ZONE, holiday_country="JP", by=None)
        abroad = add_market(
            code="US", name=Words("United States", "米国"), time_zone="America/Chicago", holiday_country="US", by=None
        )
        add_team(code=TEAM, name=Words("Account safety Tokyo", "アカウント安全 東京"), market=japan, by=None)
        add_team(code=NEIGHBOURS, name=Words("Live safety Tokyo", "ライブ安全 東京"), market=japan, by=None)
        add_team(
            code=ABROAD, name=Words("Account safety Austin", "アカウント安全 オースティン"), market=abroad, by=None
        )
        for country in ("JP", "US"):
            load_national_holidays(country=country)


def _places() -> tuple[dict[str, Market], dict[str, Team]]:
    from portal.organisation import queries

    return {each.code: each for each in queries.list_markets()}, {each.code: each for each in queries.list_teams()}


def _let_staff_in(day: date) -> dict[str, Person]:
    """Give the staff their accounts, long ago."""
    markets, teams = _places()
    staff = {}
    with clock.frozen(moment_of(day - timedelta(days=55), 10)):
        for each in STAFF:
            person = people.invite(
                sign_in_name=each.sign_in_name, names=each.names, language=each.language, time_zone=each.zone,
                market=markets[each.market], team=teams[each.team], by=None, send=False,
            )  # fmt: skip
            for role, scope, code in each.roles:
                grants.grant_role(person=person, role=role, scope=scope, scope_code=code, by=None)
            passwords.set_password(person=person, password=each.password, by=person)
            people.mark_as_demo(person=person)
            staff[each.name] = person
    return staff


def _invite_cohort(starts_on: date, by: Person) -> dict[str, Person]:
    """Give the running cohort its accounts, shortly before its first day."""
    markets, teams = _places()
    learners = {}
    with clock.frozen(moment_of(starts_on - timedelta(days=5), 11)):
        for trainee in COHORT:
            learner = people.invite(
                sign_in_name=f"{trainee.name}@{DOMAIN}", names=trainee.names, language=trainee.language, time_zone=ZONE,
                market=markets["JP"], team=teams[TEAM], by=by, send=False,
            )  # fmt: skip
            people.mark_as_demo(person=learner)
            learners[trainee.name] = learner
    return learners


def _take_content_in(day: date, by: Person) -> None:
    from portal.operations.service import import_content

    with clock.frozen(moment_of(day - timedelta(days=50), 9)):
        import_content(root=Path(current_app.config["CONTENT_DIR"]), parts=wiring.CONTENT_PARTS, by=by)


def _found_cohort(code: str, name: Words, starts_on: date, lead: Person) -> Cohort:
    markets, teams = _places()
    with clock.frozen(min(moment_of(starts_on - timedelta(days=4), 15), clock.now())):
        return create_cohort(code=code, name=name, market=markets["JP"], team=teams[TEAM], starts_on=starts_on, by=lead)


def _enroll(person: Person, cohort: Cohort, lead: Person) -> Enrollment:
    add_member(cohort=cohort, person=person, by=lead)
    version = catalogue.get_latest_version(PLAN)
    return enroll(person=person, version=version, starts_on=cohort.starts_on, by=lead, cohort=cohort)


def _train(
    *,
    trainee: Trainee,
    person: Person,
    cohort: Cohort,
    staff: dict[str, Person],
    calendar: WorkingCalendar,
    day: date,
    number: int,
) -> None:
    """Let one person go through her plan up to where she stands on the day."""
    with clock.frozen(moment_of(cohort.starts_on - timedelta(days=3), 10, number)):
        enrollment = _enroll(person, cohort, staff["sato.ken"])
    if trainee.leave:
        first, last = (_working_day(calendar, cohort.starts_on, offset) for offset in trainee.leave)
        with clock.frozen(moment_of(cohort.starts_on, 9, number)):
            record_leave(person=person, first_on=first, last_on=last, by=staff["sato.ken"])
    if trainee.until is None:
        # Invited and not seen yet: somebody has to ask after her.
        return
    with clock.frozen(moment_of(cohort.starts_on, 8, 30 + number)):
        passwords.set_password(person=person, password=trainee.password, by=person)
    for index, step in enumerate(_steps(enrollment, trainee.until)):
        on = _working_day(calendar, cohort.starts_on, PACE[step.slug] + (trainee.behind if index > 2 else 0))
        at = moment_of(on, 9 + index % 7, 5 * number + index)
        if on >= day:
            return
        with clock.frozen(at):
            _visit(person)
            _do(step=step, enrollment=enrollment, person=person, trainee=trainee, staff=staff, at=at)


def _steps(enrollment: Enrollment, until: str) -> Iterator[PlanStep]:
    for slug in sorted(PACE, key=lambda slug: (PACE[slug], list(PACE).index(slug))):
        yield training.get_step(enrollment, slug)
        if slug == until:
            return


def _do(
    *, step: PlanStep, enrollment: Enrollment, person: Person, trainee: Trainee, staff: dict[str, Person], at: datetime
) -> None:
    match step.kind:
        case StepKind.READ | StepKind.ACKNOWLEDGE:
            document = library.get_document(step.document_slug or "")
            version = library.version_in_force(document, person.home_market.code)
            assert version is not None
            note_opened(person=person, version=version, known=library.find_reading(person, version))
            if step.kind is StepKind.READ:
                confirm_reading(version=version, language=person.language, by=person)
            else:
                acknowledge(version=version, language=person.language, by=person)
        case StepKind.QUIZ:
            _sit(person, step.quiz_slug or "", trainee.wrong, at)
        case StepKind.SIGN_OFF:
            signer = staff["sato.ken"] if step.by.value == "lead" else staff["kobayashi.mei"]
            sign_off(enrollment=enrollment, step=step, statement=STATEMENTS.get(step.slug, ""), by=signer)


def _sit(person: Person, slug: str, wrong: Sequence[int], at: datetime) -> None:
    """Take a quiz once for each entry of `wrong`, with so many items answered wrongly."""
    for sitting, amount in enumerate(wrong):
        begun = at + timedelta(minutes=40 * sitting)
        with clock.frozen(begun):
            attempt = start_attempt(version=quizzes.get_quiz(slug), person=person, language=person.language)
        items = quizzes.list_items(attempt)
        # The cheapest items go wrong first, so that one slip costs nobody the quiz.
        slips = {item.id for item in sorted(items, key=lambda item: (item.max_points, item.position))[:amount]}
        for item in items:
            with clock.frozen(begun + timedelta(seconds=55 * item.position)):
                save_response(
                    attempt=attempt, person=person, position=item.position, seq=1, idem_key=f"demo-{item.position}",
                    given=rehearsed_answer(item, right=item.id not in slips),
                )  # fmt: skip
        with clock.frozen(begun + timedelta(seconds=55 * (len(items) + 1))):
            submit_attempt(attempt=attempt, person=person)
